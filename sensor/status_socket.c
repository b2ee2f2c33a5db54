/* status_socket: see status_socket.h. */
#include "status_socket.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "json.h"

enum { PATIENCE_MS = 5000 };

/* fd: -1: free. until: it is closed then, whatever it has read. */
struct client {
	int fd;
	int64_t until;
	size_t n, done;
	char line[JSON_LINE];
};

struct status_socket {
	int fd;
	struct client client[STATUS_CLIENTS];
};

struct status_socket *status_socket_new(int fd)
{
	struct status_socket *s = malloc(sizeof(*s));
	if (!s)
		return NULL;
	s->fd = fd;
	for (size_t i = 0; i < STATUS_CLIENTS; i++)
		s->client[i].fd = -1;
	return s;
}

static void leave(struct client *c)
{
	close(c->fd);
	c->fd = -1;
}

void status_socket_free(struct status_socket *s)
{
	for (size_t i = 0; s && i < STATUS_CLIENTS; i++)
		if (s->client[i].fd >= 0)
			leave(&s->client[i]);
	free(s);
}

static struct client *place(struct status_socket *s)
{
	for (size_t i = 0; i < STATUS_CLIENTS; i++)
		if (s->client[i].fd < 0)
			return &s->client[i];
	return NULL;
}

size_t status_socket_poll(const struct status_socket *s, struct pollfd *p)
{
	size_t n = 0;
	bool room = false;
	for (size_t i = 0; i < STATUS_CLIENTS; i++) {
		if (s->client[i].fd >= 0)
			p[n++] = (struct pollfd){ .fd = s->client[i].fd, .events = POLLOUT };
		else
			room = true;
	}
	if (room)
		p[n++] = (struct pollfd){ .fd = s->fd, .events = POLLIN };
	return n;
}

static void give(struct client *c, int64_t now)
{
	ssize_t n = send(c->fd, c->line + c->done, c->n - c->done, MSG_NOSIGNAL | MSG_DONTWAIT);
	c->done += n > 0 ? (size_t)n : 0;
	if (c->done == c->n || now >= c->until)
		leave(c);
}

/* As many as there is room for, so that the loop goes on in any case. */
static void take(struct status_socket *s, const struct record *stats, int64_t now)
{
	struct client *c;
	int fd;
	for (size_t i = 0; i < STATUS_CLIENTS && (c = place(s)); i++) {
		if ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) < 0)
			return;
		struct text line = { c->line, 0, sizeof(c->line), false };
		json_event(stats, JSON_LINE, &line);
		c->fd = fd;
		c->until = now + PATIENCE_MS;
		c->n = line.n;
		c->done = 0;
	}
}

void status_socket_work(struct status_socket *s, const struct record *stats, int64_t now)
{
	take(s, stats, now);
	for (size_t i = 0; i < STATUS_CLIENTS; i++)
		if (s->client[i].fd >= 0)
			give(&s->client[i], now);
}
