/* channel: see channel.h. One message is one send and one read of the socket, so a record is never cut in two. */
#include "channel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* GATHER: a message is sent when it has so many octets; one large record may make it longer. ROOM: of a socket, in octets. */
enum { HEAD = 8, GATHER = 64 * 1024, MESSAGE = GATHER + HEAD + CHANNEL_RECORD_MAX, ROOM = 1024 * 1024 };

struct channel {
	int fd;
	size_t out_n;
	size_t in_from, in_to;
	uint8_t out[MESSAGE];
	uint8_t in[MESSAGE];
};

bool channel_pair(int fd[2])
{
	int size = ROOM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0)
		return false;
	for (int i = 0; i < 2; i++) /* what the system's own limit allows; with rights, past it */
		if (setsockopt(fd[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
			setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return true;
}

struct channel *channel_new(int fd)
{
	struct channel *c = malloc(sizeof(*c));
	if (!c)
		return NULL;
	c->fd = fd;
	c->out_n = c->in_from = c->in_to = 0;
	return c;
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	channel_flush(c);
	close(c->fd);
	free(c);
}

int channel_fd(const struct channel *c)
{
	return c->fd;
}

bool channel_pending(const struct channel *c)
{
	return c->out_n > 0;
}

static enum channel_room transmit(struct channel *c, int flags)
{
	if (c->out_n == 0)
		return CHANNEL_SENT;
	for (;;) {
		ssize_t n = send(c->fd, c->out, c->out_n, flags | MSG_NOSIGNAL);
		if (n >= 0) {
			c->out_n = 0;
			return CHANNEL_SENT;
		}
		if (errno == EAGAIN || errno == ENOBUFS)
			return CHANNEL_FULL;
		if (errno != EINTR)
			return CHANNEL_GONE;
	}
}

enum channel_room channel_push(struct channel *c)
{
	return transmit(c, MSG_DONTWAIT);
}

bool channel_flush(struct channel *c)
{
	enum channel_room room;
	while ((room = transmit(c, 0)) == CHANNEL_FULL) {
		struct pollfd p = { .fd = c->fd, .events = POLLOUT };
		poll(&p, 1, -1);
	}
	if (room == CHANNEL_GONE)
		c->out_n = 0;
	return room == CHANNEL_SENT;
}

static void append(struct channel *c, struct bytes b)
{
	if (b.n)
		memcpy(c->out + c->out_n, b.p, b.n);
	c->out_n += b.n;
}

static bool fits(struct bytes head, struct bytes tail)
{
	return head.n <= CHANNEL_RECORD_MAX && tail.n <= CHANNEL_RECORD_MAX - head.n;
}

static void put(struct channel *c, enum channel_kind kind, struct bytes head, struct bytes tail)
{
	uint32_t h[2] = { (uint32_t)kind, (uint32_t)(head.n + tail.n) };
	append(c, (struct bytes){ (const uint8_t *)h, HEAD });
	append(c, head);
	append(c, tail);
}

bool channel_send(struct channel *c, enum channel_kind kind, struct bytes head, struct bytes tail)
{
	if (!fits(head, tail))
		return false;
	if (c->out_n && c->out_n + HEAD + head.n + tail.n > GATHER && !channel_flush(c))
		return false;
	put(c, kind, head, tail);
	return true;
}

enum channel_room channel_offer(struct channel *c, enum channel_kind kind, struct bytes head, struct bytes tail)
{
	if (!fits(head, tail))
		return CHANNEL_GONE;
	if (c->out_n && c->out_n + HEAD + head.n + tail.n > GATHER) {
		enum channel_room room = channel_push(c);
		if (room != CHANNEL_SENT)
			return room;
	}
	put(c, kind, head, tail);
	return CHANNEL_SENT;
}

/* 1: a whole record is there, 0: not yet, -1: what is there is no record. */
static int whole(const struct channel *c, uint32_t h[2])
{
	size_t n = c->in_to - c->in_from;
	if (n == 0)
		return 0;
	if (n < HEAD)
		return -1;
	memcpy(h, c->in + c->in_from, HEAD);
	return h[0] > 0 && h[0] < CH_KINDS && h[1] <= n - HEAD ? 1 : -1;
}

bool channel_ready(const struct channel *c)
{
	uint32_t h[2];
	return whole(c, h) != 0;
}

static bool fill(struct channel *c, int flags)
{
	ssize_t n;
	if (channel_ready(c))
		return true;
	do
		n = recv(c->fd, c->in, sizeof(c->in), flags);
	while (n < 0 && errno == EINTR);
	c->in_from = 0;
	c->in_to = n > 0 ? (size_t)n : 0;
	return n > 0 || (n < 0 && errno == EAGAIN);
}

bool channel_fill(struct channel *c)
{
	return fill(c, 0);
}

bool channel_look(struct channel *c)
{
	return fill(c, MSG_DONTWAIT);
}

bool channel_recv(struct channel *c, enum channel_kind *kind, struct bytes *record)
{
	uint32_t h[2];
	int state;
	while ((state = whole(c, h)) == 0)
		if (!channel_fill(c))
			return false;
	if (state < 0) { /* all of the message goes: who reads on must not meet it again */
		c->in_from = c->in_to;
		return false;
	}
	*kind = (enum channel_kind)h[0];
	*record = (struct bytes){ c->in + c->in_from + HEAD, h[1] };
	c->in_from += HEAD + h[1];
	return true;
}
