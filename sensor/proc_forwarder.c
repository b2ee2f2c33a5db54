/* proc_forwarder: questions of the resolver out, replies of the resolvers of others in. The only process with sockets
 * to the world; it holds no packet, no session and no file, decides on nothing, and is there in live mode alone.
 *
 * It never waits for the resolver: when the pair is full, one reply is held here and the others stay in their sockets,
 * while questions are taken all the same; so the resolver may wait for it. */
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "outside.h"

enum { BURST = 64 };

/* held: octets of packet that wait for room. */
enum { LONGEST_MS = 1000 };

struct forwarding {
	int fd;
	struct upstream *upstream;
	size_t held;
	uint8_t packet[sizeof(struct outside_head) + DNS_MESSAGE_MAX];
};

static struct upstream *begin(const struct resolver_config *config, struct error *e)
{
	const char *text[RESOLVER_UPSTREAMS];
	unsigned n = 0;
	for (; n < config->upstreams && n < RESOLVER_UPSTREAMS; n++)
		text[n] = config->upstream[n];
	return upstream_new(text, n, e);
}

static bool valid(const struct outside_question *q)
{
	struct bytes octets = { q->name.octets, q->name.n };
	struct cur c = cur_of(octets);
	struct dns_name name;
	return dns_wire_name(&c, octets, &name) && dns_wire_same(&name, &q->name);
}

/* Questions that wait. One more than may be open gets no answer: the resolver counts them too. false: it is gone. */
static bool take_questions(struct forwarding *f)
{
	struct outside_question q;
	for (int i = 0; i < BURST; i++) {
		ssize_t n = recv(f->fd, &q, sizeof(q), MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		if (n == (ssize_t)sizeof(q) && valid(&q))
			upstream_ask(f->upstream, &q.name, q.type, q.first, q.tag);
	}
	return true;
}

static void pack(struct forwarding *f, const struct upstream_reply *reply)
{
	struct outside_head head = { .tag = reply->tag, .end = reply->end, .server = reply->at, .tcp = reply->m.tcp };
	size_t n = reply->end == UPSTREAM_REPLY ? reply->m.octets.n : 0;
	head.counts = upstream_counts(f->upstream);
	memcpy(f->packet, &head, sizeof(head));
	if (n)
		memcpy(f->packet + sizeof(head), reply->m.octets.p, n);
	f->held = sizeof(head) + n;
}

/* What a forwarder before us took with it is asked again. No tag of a question is UINT64_MAX. */
static void say_hello(struct forwarding *f)
{
	const struct outside_head head = { .tag = UINT64_MAX, .end = UPSTREAM_OTHER, .hello = 1 };
	send(f->fd, &head, sizeof(head), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* false: the resolver is gone. */
static bool send_replies(struct forwarding *f)
{
	struct upstream_reply reply;
	for (;;) {
		if (!f->held && !upstream_next(f->upstream, &reply))
			return true;
		if (!f->held)
			pack(f, &reply);
		if (send(f->fd, f->packet, f->held, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			return errno == EAGAIN || errno == EINTR;
		f->held = 0;
	}
}

/* While a reply is held nothing else is to be read from the world. */
static void wait_for_work(const struct forwarding *f)
{
	struct pollfd p[] = { { .fd = f->fd, .events = (short)(POLLIN | (f->held ? POLLOUT : 0)) },
			      { .fd = f->held ? -1 : upstream_fd(f->upstream), .events = POLLIN } };
	int due = f->held ? -1 : upstream_due(f->upstream);
	poll(p, 2, due < 0 || due > LONGEST_MS ? LONGEST_MS : due);
}

int proc_forwarder(const struct run *run, int resolver, const struct supervisor *supervisor, unsigned job)
{
	static struct forwarding f;
	struct error e;
	f.fd = resolver;
	f.upstream = begin(&run->resolver, &e);
	if (!f.upstream || !sandbox_forwarder(&run->user, &e)) {
		dprintf(STDERR_FILENO, "mxwitness: %s\n", e.text);
		return 1;
	}
	say_hello(&f);
	while (!supervisor_told() && take_questions(&f) && send_replies(&f)) {
		if (supervisor)
			supervisor_beat(supervisor, job);
		wait_for_work(&f);
	}
	upstream_free(f.upstream);
	close(f.fd);
	return 0;
}
