/* outside: see outside.h. A table of what is open and one buffer. Knows no address to send to and no TLS; the
 * servers' addresses are here only to name the one that answered. Owns its end of the pair. */
#include "outside.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "upstream_spec.h"

enum { SEND_S = 2 };

struct asked {
	bool open, unsent;
	uint16_t type;
	uint32_t first;
	uint64_t tag;
	int64_t since;             /* ms */
	struct dns_name name;
};

struct outside {
	int fd;                    /* -1: the forwarder has ended */
	bool lasting;
	unsigned unsent;
	unsigned servers;
	struct dns_peer server[UPSTREAM_SERVERS];
	bool tls[UPSTREAM_SERVERS];
	struct upstream_counts counts;
	struct asked asked[UPSTREAM_QUERIES];
	uint8_t packet[sizeof(struct outside_head) + DNS_MESSAGE_MAX];
};

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct outside *outside_new(int fd, const char *const *server, unsigned n, struct error *e)
{
	struct outside *o = calloc(1, sizeof(*o));
	if (!o) {
		error_set(e, "DNS: no memory for the talk with the forwarder");
		return NULL;
	}
	for (; o->servers < n && o->servers < UPSTREAM_SERVERS; o->servers++)
		if (!upstream_spec(server[o->servers], &o->server[o->servers], &o->tls[o->servers], e)) {
			free(o);
			return NULL;
		}
	const struct timeval patience = { .tv_sec = SEND_S };
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	o->fd = fd;
	return o;
}

static void hang_up(struct outside *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}

void outside_free(struct outside *o)
{
	if (!o)
		return;
	hang_up(o);
	free(o);
}

int outside_fd(const struct outside *o)
{
	return o->fd;
}

struct upstream_counts outside_counts(const struct outside *o)
{
	return o->counts;
}

void outside_lasting(struct outside *o)
{
	o->lasting = true;
}

static bool send_question(const struct outside *o, const struct asked *a)
{
	struct outside_question q;
	ssize_t n;
	memset(&q, 0, sizeof(q));  /* the gaps between its members too */
	q.tag = a->tag;
	q.first = a->first;
	q.type = a->type;
	q.name = a->name;
	do
		n = send(o->fd, &q, sizeof(q), MSG_NOSIGNAL | (o->lasting ? MSG_DONTWAIT : 0));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(q);
}

/* Sends what waits, as far as the forwarder takes it. */
static void send_unsent(struct outside *o)
{
	for (size_t i = 0; o->fd >= 0 && o->unsent && i < UPSTREAM_QUERIES; i++) {
		struct asked *a = &o->asked[i];
		if (!a->unsent)
			continue;
		if (a->open && !send_question(o, a))
			return;
		a->unsent = false;
		o->unsent--;
	}
}

static void ask_again(struct outside *o)
{
	for (size_t i = 0; i < UPSTREAM_QUERIES; i++) {
		struct asked *a = &o->asked[i];
		o->unsent += a->open && !a->unsent;
		a->unsent |= a->open;
	}
}

bool outside_ask(struct outside *o, const struct dns_name *name, uint16_t type, unsigned first, uint64_t tag)
{
	size_t i = 0;
	while (i < UPSTREAM_QUERIES && o->asked[i].open)
		i++;
	if (i == UPSTREAM_QUERIES)
		return false;
	struct asked *a = &o->asked[i];
	o->unsent -= a->unsent;
	*a = (struct asked){ .open = true, .type = type, .first = first, .tag = tag, .since = ms_now(), .name = *name };
	if (o->fd < 0 || send_question(o, a))
		return true;
	if (o->lasting) {
		a->unsent = true;
		o->unsent++;
	} else {
		hang_up(o);
	}
	return true;
}

/* ---- replies ---- */

/* Is m a reply about what was asked? */
static bool about(const struct asked *a, struct bytes m)
{
	struct dns_walk w;
	return dns_wire_open(&w, m) && w.flags & DNS_QR && w.qtype == a->type && w.qclass == 1 && dns_wire_same(&w.qname, &a->name);
}

static struct asked *find(struct outside *o, uint64_t tag)
{
	for (size_t i = 0; i < UPSTREAM_QUERIES; i++)
		if (o->asked[i].open && o->asked[i].tag == tag)
			return &o->asked[i];
	return NULL;
}

static int64_t ns_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static enum upstream_end end_of(uint32_t end)
{
	switch (end) {
	case UPSTREAM_SILENT:
		return UPSTREAM_SILENT;
	case UPSTREAM_BROKEN:
		return UPSTREAM_BROKEN;
	case UPSTREAM_SERVFAIL:
		return UPSTREAM_SERVFAIL;
	case UPSTREAM_REFUSED:
		return UPSTREAM_REFUSED;
	}
	return UPSTREAM_OTHER;
}

/* What is no reply to an open question is dropped: it tells nothing. */
static bool take(struct outside *o, struct bytes packet, struct upstream_reply *reply)
{
	struct outside_head head;
	if (packet.n < sizeof(head))
		return false;
	memcpy(&head, packet.p, sizeof(head));
	if (head.hello == 1 && o->lasting)
		ask_again(o);
	struct bytes m = bytes_skip(packet, sizeof(head));
	struct asked *a = find(o, head.tag);
	if (!a || head.server >= o->servers)
		return false;
	o->counts = head.counts;
	a->open = false;
	*reply = (struct upstream_reply){ .tag = a->tag, .end = end_of(head.end), .at = head.server };
	reply->server = &o->server[head.server].address;
	reply->tls = o->tls[head.server];
	if (head.end == UPSTREAM_REPLY && about(a, m)) {
		reply->end = UPSTREAM_REPLY;
		reply->m = (struct dns_message){ .ts = ns_now(), .tcp = head.tcp == 1, .octets = m };
	}
	return true;
}

/* The next question that ends without the forwarder. */
static bool give_up(struct outside *o, struct upstream_reply *reply)
{
	int64_t since = ms_now() - OUTSIDE_MS;
	for (size_t i = 0; i < UPSTREAM_QUERIES; i++) {
		struct asked *a = &o->asked[i];
		if (!a->open || (o->fd >= 0 && a->since > since))
			continue;
		a->open = false;
		*reply = (struct upstream_reply){ .tag = a->tag, .end = o->fd < 0 ? UPSTREAM_BROKEN : UPSTREAM_SILENT };
		reply->server = &o->server[0].address;
		return true;
	}
	return false;
}

bool outside_next(struct outside *o, struct upstream_reply *reply)
{
	while (o->fd >= 0) {
		ssize_t n = recv(o->fd, o->packet, sizeof(o->packet), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			hang_up(o);
		else if (take(o, (struct bytes){ o->packet, (size_t)n }, reply))
			return true;
	}
	send_unsent(o);
	return give_up(o, reply);
}
