/* forwarder: queries of libunbound in, replies of the upstream out, over UDP on loopback. Knows nothing of
 * signatures or of what a verdict is. Anybody on this machine can send a query: it is hostile input like any other,
 * and costs at most one of a bounded number of open questions.
 *
 * There is no TCP: a datagram on loopback holds any message that libunbound takes, whatever size its query asks
 * for. The question octets of a query are copied into its reply, so that 0x20 case comes back as it was sent. */
#include "forwarder.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { QUERY_MAX = DNS_HEADER + DNS_NAME_MAX + 4, DATAGRAM_MAX = 512, REPLY_MAX = 65507, BURST = 64, REPEAT_MS = 2500 };
enum { SOCKET_BUFFER = 1 << 20 };

/* head: header and question of the query, as it came. */
struct pending {
	bool open;
	uint32_t turn;             /* goes up with each use: an old reply must not meet a new question */
	struct sockaddr_in from;
	size_t head_n;
	uint8_t head[QUERY_MAX];
	struct dns_name name;
	uint16_t type;
};

struct forwarder {
	struct outside *outside;
	uint32_t number;
	unsigned first;
	int fd;
	uint16_t port;
	size_t faults;             /* ever: the ring's next is this modulo its size */
	struct forwarder_fault fault[FORWARDER_FAULTS];
	struct pending pending[FORWARDER_QUERIES];
	uint8_t reply[REPLY_MAX];
};

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool bind_loopback(struct forwarder *f)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int size = SOCKET_BUFFER;
	f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (f->fd < 0 || bind(f->fd, (struct sockaddr *)&a, sizeof(a)) < 0 || getsockname(f->fd, (struct sockaddr *)&a, &n) < 0)
		return false;
	setsockopt(f->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	f->port = ntohs(a.sin_port);
	return true;
}

struct forwarder *forwarder_new(struct outside *o, uint32_t number, unsigned first, struct error *e)
{
	struct forwarder *f = calloc(1, sizeof(*f));
	if (!f) {
		error_set(e, "DNS: no memory for the forwarder");
		return NULL;
	}
	f->outside = o;
	f->number = number;
	f->first = first;
	if (bind_loopback(f))
		return f;
	error_set(e, "DNS: cannot listen on 127.0.0.1: %s; the loopback interface must be up", strerror(errno));
	forwarder_free(f);
	return NULL;
}

void forwarder_free(struct forwarder *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

uint16_t forwarder_port(const struct forwarder *f)
{
	return f->port;
}

int forwarder_fd(const struct forwarder *f)
{
	return f->fd;
}

/* ---- replies ---- */

static void send_back(const struct forwarder *f, const struct pending *p, size_t n)
{
	sendto(f->fd, f->reply, n, MSG_NOSIGNAL, (const struct sockaddr *)&p->from, sizeof(p->from));
}

static void send_servfail(struct forwarder *f, const struct pending *p)
{
	memcpy(f->reply, p->head, p->head_n);
	f->reply[2] = (uint8_t)((DNS_QR >> 8) | (p->head[2] & 1));
	f->reply[3] = DNS_RA | (p->head[3] & DNS_CD) | RCODE_SERVFAIL;
	f->reply[5] = 1;
	memset(f->reply + 6, 0, 6);
	send_back(f, p, p->head_n);
}

/* The reply, with the query's own id, flags and question octets. AD is libunbound's to say. */
static bool send_reply(struct forwarder *f, const struct pending *p, struct bytes m)
{
	if (m.n > sizeof(f->reply) || m.n < p->head_n)
		return false;
	memcpy(f->reply, m.p, m.n);
	f->reply[0] = p->head[0];
	f->reply[1] = p->head[1];
	f->reply[2] = (uint8_t)((m.p[2] & ~1) | (p->head[2] & 1));
	f->reply[3] = (uint8_t)((m.p[3] & ~0x30) | (p->head[3] & DNS_CD));
	memcpy(f->reply + DNS_HEADER, p->head + DNS_HEADER, p->head_n - DNS_HEADER);
	send_back(f, p, m.n);
	return true;
}

static void remember(struct forwarder *f, const struct dns_name *name, uint16_t type, enum upstream_end end)
{
	f->fault[f->faults++ % FORWARDER_FAULTS] = (struct forwarder_fault){ *name, type, end, ms_now() };
}

bool forwarder_reply(struct forwarder *f, const struct upstream_reply *reply)
{
	uint32_t slot = (uint32_t)reply->tag % FORWARDER_QUERIES, turn = (uint32_t)reply->tag / FORWARDER_QUERIES;
	struct pending *p = &f->pending[slot];
	if (reply->tag >> 32 != f->number || !p->open || p->turn != turn)
		return false;
	p->open = false;
	if (reply->end == UPSTREAM_REPLY && send_reply(f, p, reply->m.octets))
		return true;
	remember(f, &p->name, p->type, reply->end == UPSTREAM_REPLY ? UPSTREAM_OTHER : reply->end);
	send_servfail(f, p);
	return true;
}

/* ---- queries ---- */

/* Has the upstream failed at this a moment ago? libunbound asks again at once, several times; we do not. */
static bool failed_just_now(const struct forwarder *f, const struct dns_name *name, uint16_t type)
{
	int64_t since = ms_now() - REPEAT_MS;
	for (size_t i = 0; i < f->faults && i < FORWARDER_FAULTS; i++) {
		const struct forwarder_fault *x = &f->fault[i];
		if (x->type == type && x->ms >= since && dns_wire_same(&x->name, name))
			return true;
	}
	return false;
}

static struct pending *vacant(struct forwarder *f)
{
	for (size_t i = 0; i < FORWARDER_QUERIES; i++)
		if (!f->pending[i].open)
			return &f->pending[i];
	return NULL;
}

static void take(struct forwarder *f, struct bytes query, const struct sockaddr_in *from)
{
	struct dns_walk w;
	if (!dns_wire_open(&w, query) || w.flags & DNS_QR || w.qclass != 1)
		return;
	size_t head = (size_t)(w.c.p - query.p);
	struct pending *p = vacant(f);
	if (!p || head != DNS_HEADER + (size_t)w.qname.n + 4)   /* a compressed question: no honest query has one */
		return;
	p->turn = (p->turn + 1) % (UINT32_MAX / FORWARDER_QUERIES);
	p->from = *from;
	p->head_n = head;
	memcpy(p->head, query.p, head);
	p->name = w.qname;
	p->type = w.qtype;
	uint64_t tag = (uint64_t)f->number << 32 | (p->turn * FORWARDER_QUERIES + (uint32_t)(p - f->pending));
	bool again = failed_just_now(f, &p->name, p->type);
	p->open = !again && outside_ask(f->outside, &p->name, p->type, f->first, tag);
	if (!p->open && !again)
		remember(f, &p->name, p->type, UPSTREAM_OTHER);
	if (!p->open)
		send_servfail(f, p);
}

void forwarder_work(struct forwarder *f)
{
	uint8_t query[DATAGRAM_MAX];
	struct sockaddr_in from;
	for (int i = 0; i < BURST; i++) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(f->fd, query, sizeof(query), 0, (struct sockaddr *)&from, &len);
		if (n < 0)
			return;
		take(f, (struct bytes){ query, (size_t)n }, &from);
	}
}

/* ---- blame ---- */

/* Does why, in which names stand with a dot behind them, speak of this name? */
static bool named_in(const char *why, const struct dns_name *name)
{
	char text[1024];
	size_t n = dns_wire_text(name, text + 1, sizeof(text) - 2);
	if (!why || n == 0)
		return false;
	text[0] = ' ';
	text[n + 1] = text[n] == '.' ? 0 : '.';
	text[n + 2] = 0;
	for (const char *at = why; (at = strstr(at, text)); at++) {
		char next = at[strlen(text)];
		if (next == 0 || next == ' ' || next == ',' || next == ';')
			return true;
	}
	return false;
}

const struct forwarder_fault *forwarder_blame(const struct forwarder *f, const struct dns_name *name, const char *why,
					      int64_t ms)
{
	const struct forwarder_fault *best = NULL;
	for (size_t i = 0; i < f->faults && i < FORWARDER_FAULTS; i++) {
		const struct forwarder_fault *x = &f->fault[i];
		if (x->ms < ms || (!dns_wire_below(name, &x->name) && !named_in(why, &x->name)))
			continue;
		if (!best || x->name.n < best->name.n)
			best = x;
	}
	return best;
}
