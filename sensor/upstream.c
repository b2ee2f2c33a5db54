/* upstream: a stub resolver that asks many questions at once. Checks that a reply is one (address by a connected
 * socket with a port of its own, id, question), and nothing else: whether it is true is for libunbound to say.
 *
 * A question is tried with one server after another until one gives NOERROR or NXDOMAIN. A server that leaves
 * several questions in a row unanswered is down, and comes last for a time that doubles. Over UDP each question has a
 * socket of its own, so that its port is as hard to guess as its id; over TCP and TLS all share one connection.
 * RFC 5452 3 and 9, RFC 7766, RFC 7858. */
#include "upstream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "trust.h"
#include "upstream_spec.h"

enum { TRY_MS = 2000, TRY_STREAM_MS = 3500, PAUSE_MS = 300, TOTAL_MS = 9000, ROUNDS = 2, IDLE_MS = 10000 };
enum { DOWN_FAILS = 3, DOWN_QUIET_MS = 4000, PATIENT_MS = 30000, DOWN_MS = 2000, DOWN_MOST_MS = 60000 };
enum { EDNS_SIZE = 1232, QUERY_MAX = DNS_HEADER + DNS_NAME_MAX + 4 + 11, BURST = 64, NONE = -1 };
enum { EVENT_STREAM = UPSTREAM_QUERIES };  /* events of epoll: a query's slot, or this and a server's number */

/* fails: tries in a row without any reply, the last of which came at answered. stream_fd: what epoll knows of the stream, with what events. */
struct server {
	struct dns_peer peer;
	struct dns_stream *stream;
	int stream_fd;
	uint32_t stream_events;
	unsigned fails, open_on_stream;
	int64_t answered, down_until, down_ms, stream_used;
};

enum state { FREE, UDP, STREAM, PAUSE, ENDED };

/* tried: bit set of the servers asked in this round. */
struct query {
	enum state state;
	unsigned server, first, rounds, tried;
	int fd;
	enum upstream_end end;
	uint64_t tag;
	int64_t due, last;         /* ms: this try, and the whole */
	struct dns_name name;
	uint16_t type, id;
};

struct upstream {
	struct server server[UPSTREAM_SERVERS];
	unsigned servers;
	SSL_CTX *tls;
	int ep;
	struct epoll_event event[BURST];
	int events, at;
	unsigned reading;          /* 1 + the server whose stream may hold more messages */
	struct upstream_counts counts;
	struct query query[UPSTREAM_QUERIES];
	uint8_t reply[DNS_MESSAGE_MAX];
};

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- life ---- */

bool upstream_check(const char *text, struct error *e)
{
	struct dns_peer peer;
	bool tls;
	return upstream_spec(text, &peer, &tls, e);
}

static bool need_tls(struct upstream *u, struct error *e)
{
	if (u->tls)
		return true;
	u->tls = SSL_CTX_new(TLS_client_method());
	if (!u->tls || !SSL_CTX_set_min_proto_version(u->tls, TLS1_2_VERSION))
		return error_set(e, "DNS: OpenSSL cannot make a TLS client");
	/* all of it now, for no file can be opened later; without one only a pinned server is believed */
	const char *file = trust_system_file();
	if (file)
		SSL_CTX_load_verify_file(u->tls, file);
	return true;
}

static bool add_server(struct upstream *u, const char *text, struct error *e)
{
	struct server *s = &u->server[u->servers];
	bool tls;
	s->stream_fd = NONE;
	if (!upstream_spec(text, &s->peer, &tls, e) || (tls && !need_tls(u, e)))
		return false;
	s->peer.tls = tls ? u->tls : NULL;
	s->stream = dns_stream_new(&s->peer);
	u->servers++;
	return s->stream || error_set(e, "DNS: no memory for the upstream resolvers");
}

struct upstream *upstream_new(const char *const *text, unsigned n, struct error *e)
{
	struct upstream *u = calloc(1, sizeof(*u));
	if (!u) {
		error_set(e, "DNS: no memory for the upstream resolvers");
		return NULL;
	}
	for (size_t i = 0; i < UPSTREAM_QUERIES; i++)
		u->query[i].fd = NONE;
	u->ep = epoll_create1(EPOLL_CLOEXEC);
	bool good = u->ep >= 0 || error_set(e, "DNS: no epoll: %s", strerror(errno));
	for (unsigned i = 0; good && i < n && i < UPSTREAM_SERVERS; i++)
		good = add_server(u, text[i], e);
	if (good)
		return u;
	upstream_free(u);
	return NULL;
}

void upstream_free(struct upstream *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < UPSTREAM_QUERIES; i++)
		if (u->query[i].fd >= 0)
			close(u->query[i].fd);
	for (unsigned i = 0; i < u->servers; i++)
		dns_stream_free(u->server[i].stream);
	if (u->ep >= 0)
		close(u->ep);
	SSL_CTX_free(u->tls);
	free(u);
}

struct upstream_counts upstream_counts(const struct upstream *u)
{
	return u->counts;
}

int upstream_fd(const struct upstream *u)
{
	return u->ep;
}

/* ---- servers ---- */

static bool is_down(const struct server *s, int64_t now)
{
	return s->down_until > now;
}

unsigned upstream_alive(const struct upstream *u, unsigned *servers)
{
	unsigned n = 0;
	int64_t now = ms_now();
	*servers = u->servers;
	for (unsigned i = 0; i < u->servers; i++)
		n += !is_down(&u->server[i], now);
	return n;
}

static void server_failed(struct server *s, int64_t now)
{
	if (++s->fails < DOWN_FAILS || is_down(s, now) || (s->answered && now - s->answered < DOWN_QUIET_MS))
		return;            /* a zone that is slow is not a server that is silent */
	s->down_ms = s->down_ms ? s->down_ms * 2 : DOWN_MS;
	if (s->down_ms > DOWN_MOST_MS)
		s->down_ms = DOWN_MOST_MS;
	s->down_until = now + s->down_ms;
}

static void server_answered(struct server *s, int64_t now)
{
	s->fails = 0;
	s->answered = now;
	s->down_until = s->down_ms = 0;
}

/* Tells epoll what the server's stream is and waits for now. */
static void watch_stream(struct upstream *u, unsigned i)
{
	struct server *s = &u->server[i];
	int fd = dns_stream_fd(s->stream);
	struct epoll_event ev = { .data.u32 = EVENT_STREAM + i };
	if (fd < 0) {
		s->stream_fd = NONE;
		return;
	}
	ev.events = dns_stream_events(s->stream);
	if (fd == s->stream_fd && ev.events == s->stream_events)
		return;
	/* A new connection may have the old one's number: what closed left epoll by itself. */
	if (epoll_ctl(u->ep, EPOLL_CTL_MOD, fd, &ev) != 0)
		epoll_ctl(u->ep, EPOLL_CTL_ADD, fd, &ev);
	s->stream_fd = fd;
	s->stream_events = ev.events;
}

/* ---- one query ---- */

static size_t build(const struct query *q, uint8_t out[QUERY_MAX])
{
	static const uint8_t tail[] = { 0, 1, 0, 0, RR_OPT, EDNS_SIZE >> 8, EDNS_SIZE & 0xff, 0, 0, 0x80, 0, 0, 0 };
	uint8_t *p = out;
	memset(p, 0, DNS_HEADER);
	p[0] = (uint8_t)(q->id >> 8);
	p[1] = (uint8_t)q->id;
	p[2] = DNS_RD >> 8;
	p[3] = DNS_CD;
	p[5] = 1;
	p[11] = 1;
	memcpy(p + DNS_HEADER, q->name.octets, q->name.n);
	p += DNS_HEADER + q->name.n;
	p[0] = (uint8_t)(q->type >> 8);
	p[1] = (uint8_t)q->type;
	memcpy(p + 2, tail, sizeof(tail));
	return (size_t)(p + 2 + sizeof(tail) - out);
}

static void close_udp(struct query *q)
{
	if (q->fd >= 0)
		close(q->fd);
	q->fd = NONE;
}

static void leave(struct upstream *u, struct query *q)
{
	if (q->state == STREAM)
		u->server[q->server].open_on_stream--;
	q->state = PAUSE;
}

static bool send_udp(struct upstream *u, struct query *q)
{
	uint8_t octets[QUERY_MAX];
	const struct dns_peer *peer = &u->server[q->server].peer;
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = (uint32_t)(q - u->query) };
	if (q->fd < 0) {
		q->fd = socket(peer->address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (q->fd < 0 || connect(q->fd, (const struct sockaddr *)&peer->address, peer->address_n) != 0 ||
		    epoll_ctl(u->ep, EPOLL_CTL_ADD, q->fd, &ev) != 0)
			return false;
	}
	q->state = UDP;
	return send(q->fd, octets, build(q, octets), MSG_NOSIGNAL) >= 0;
}

static bool send_stream(struct upstream *u, struct query *q, int64_t now)
{
	uint8_t octets[QUERY_MAX];
	struct server *s = &u->server[q->server];
	if (!dns_stream_send(s->stream, (struct bytes){ octets, build(q, octets) }))
		return false;
	q->state = STREAM;
	s->open_on_stream++;
	s->stream_used = now;
	watch_stream(u, q->server);
	return true;
}

/* An id that no other open query of the stream has. */
static uint16_t fresh_id(const struct upstream *u)
{
	uint16_t id = 0;
	bool taken = true;
	for (int i = 0; taken && i < 64; i++) {
		if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
			id = (uint16_t)(id + 40503u);
		taken = false;
		for (size_t k = 0; k < UPSTREAM_QUERIES && !taken; k++)
			taken = u->query[k].state != FREE && u->query[k].id == id;
	}
	return id;
}

/* The next server for q in this round: those that are up first. NONE: all were tried. */
static int next_server(const struct upstream *u, const struct query *q, int64_t now)
{
	int down = NONE;
	for (unsigned k = 0; k < u->servers; k++) {
		unsigned i = (q->first + k) % u->servers;
		if (q->tried & 1u << i)
			continue;
		if (!is_down(&u->server[i], now))
			return (int)i;
		if (down == NONE)
			down = (int)i;
	}
	return down;
}

static void end(struct query *q)
{
	close_udp(q);
	q->state = ENDED;
}

/* Sends q to the next server; when none can be reached, it has ended. */
static void try_next(struct upstream *u, struct query *q, int64_t now)
{
	int i;
	unsigned servers;
	bool gone = upstream_alive(u, &servers) == 0;   /* all are silent: ask once, to see whether one is back */
	unsigned all = (1u << servers) - 1;
	while (now < q->last && (i = next_server(u, q, now)) != NONE) {
		bool same = (unsigned)i == q->server && q->fd >= 0;
		if (!same)
			close_udp(q);
		u->counts.failovers += q->tried != 0;
		q->server = (unsigned)i;
		q->tried |= 1u << i;
		q->rounds = gone ? ROUNDS : q->rounds;
		q->tried = gone ? all : q->tried;
		bool tls = u->server[i].peer.tls, last_try = q->rounds == ROUNDS && q->tried == all;
		/* who has answered others may only be slow with this zone: the last try waits as long as it can */
		bool patient = last_try && u->server[i].answered && now - u->server[i].answered < PATIENT_MS;
		q->due = patient ? q->last : now + (tls ? TRY_STREAM_MS : TRY_MS);
		u->counts.sent++;
		if (tls ? send_stream(u, q, now) : send_udp(u, q))
			return;
		server_failed(&u->server[i], now);
		if (q->end == UPSTREAM_SILENT)
			q->end = UPSTREAM_BROKEN;
	}
	if (q->rounds == ROUNDS || now + PAUSE_MS >= q->last) {
		end(q);
		return;
	}
	q->rounds++;
	q->tried = 0;
	q->state = PAUSE;
	q->due = now + PAUSE_MS;
}

bool upstream_ask(struct upstream *u, const struct dns_name *name, uint16_t type, unsigned first, uint64_t tag)
{
	int64_t now = ms_now();
	for (size_t i = 0; i < UPSTREAM_QUERIES; i++) {
		struct query *q = &u->query[i];
		if (q->state != FREE)
			continue;
		*q = (struct query){ .fd = NONE, .name = *name, .type = type, .tag = tag, .end = UPSTREAM_SILENT, .rounds = 1 };
		q->first = first;
		q->id = fresh_id(u);
		q->last = now + TOTAL_MS;
		try_next(u, q, now);
		return true;
	}
	return false;
}

/* ---- replies ---- */

/* Is this the reply to q? *flags: of its header. */
static bool fits(const struct query *q, struct bytes m, uint16_t *flags)
{
	struct dns_walk w;
	if (!dns_wire_open(&w, m) || w.id != q->id || !(w.flags & DNS_QR) || w.qtype != q->type || w.qclass != 1)
		return false;
	*flags = w.flags;
	return dns_wire_same(&w.qname, &q->name);
}

static enum upstream_end end_of(uint16_t flags)
{
	switch (flags & 0xf) {
	case RCODE_NOERROR:
	case RCODE_NXDOMAIN:
		return UPSTREAM_REPLY;
	case RCODE_SERVFAIL:
		return UPSTREAM_SERVFAIL;
	case 5:
		return UPSTREAM_REFUSED;
	}
	return UPSTREAM_OTHER;
}

/* A reply m to q came. true: it is the end of the question. */
static bool take(struct upstream *u, struct query *q, struct bytes m, uint16_t flags, struct upstream_reply *reply)
{
	struct timespec t;
	struct server *s = &u->server[q->server];
	int64_t now = ms_now();
	bool stream = q->state == STREAM, cut = flags & DNS_TC;
	server_answered(s, now);
	leave(u, q);
	if (cut && !stream) { /* RFC 2181 9: what is in it does not count */
		u->counts.truncated++;
		u->counts.sent++;
		close_udp(q);
		q->due = now + TRY_STREAM_MS;
		if (!send_stream(u, q, now))
			try_next(u, q, now);
		return false;
	}
	q->end = cut ? UPSTREAM_OTHER : end_of(flags);
	if (q->end != UPSTREAM_REPLY) {
		close_udp(q);
		try_next(u, q, now);
		return false;
	}
	close_udp(q);
	q->state = FREE;
	clock_gettime(CLOCK_REALTIME, &t);
	*reply = (struct upstream_reply){ .tag = q->tag, .end = UPSTREAM_REPLY, .server = &s->peer.address, .tls = s->peer.tls };
	reply->at = q->server;
	reply->m = (struct dns_message){ .ts = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec, .tcp = stream, .octets = m };
	return true;
}

static bool read_udp(struct upstream *u, struct query *q, struct upstream_reply *reply)
{
	uint16_t flags;
	for (int i = 0; i < BURST && q->fd >= 0; i++) {
		ssize_t n = recv(q->fd, u->reply, sizeof(u->reply), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (n < 0) { /* nobody listens there (ICMP) */
			int64_t now = ms_now();
			server_failed(&u->server[q->server], now);
			q->end = q->end == UPSTREAM_SILENT ? UPSTREAM_BROKEN : q->end;
			close_udp(q);
			if (q->state == UDP)
				try_next(u, q, now);
			return false;
		}
		struct bytes m = { u->reply, (size_t)n };
		if (fits(q, m, &flags))
			return take(u, q, m, flags, reply);
		u->counts.strays++;
	}
	return false;
}

/* Messages that stream i holds whole already. */
static bool read_stream(struct upstream *u, unsigned i, struct upstream_reply *reply)
{
	struct bytes m;
	uint16_t flags;
	while (dns_stream_next(u->server[i].stream, &m)) {
		struct cur c = cur_of(m);
		uint16_t id = cur_u16(&c);
		struct query *q = u->query, *last = u->query + UPSTREAM_QUERIES;
		while (q < last && (q->id != id || q->state != STREAM || q->server != i || !fits(q, m, &flags)))
			q++;
		if (q == last)
			u->counts.strays++;
		else if (take(u, q, m, flags, reply))
			return true;
	}
	u->reading = 0;
	watch_stream(u, i);
	return false;
}

/* The stream to server i ended: who waited on it goes on elsewhere. A server may close an idle or old connection at
 * any time (RFC 7766 6.2.3), which says nothing against it: a question on it is asked anew. */
static void stream_over(struct upstream *u, unsigned i)
{
	int64_t now = ms_now();
	struct server *s = &u->server[i];
	bool blame = s->open_on_stream > 0;
	s->stream_fd = NONE;
	for (struct query *q = u->query; q < u->query + UPSTREAM_QUERIES; q++) {
		if (q->state != STREAM || q->server != i)
			continue;
		q->end = q->end == UPSTREAM_SILENT ? UPSTREAM_BROKEN : q->end;
		leave(u, q);
		try_next(u, q, now);
	}
	if (blame)
		server_failed(s, now);
}

static bool on_event(struct upstream *u, uint32_t what, struct upstream_reply *reply)
{
	if (what < EVENT_STREAM)
		return read_udp(u, &u->query[what], reply);
	unsigned i = what - EVENT_STREAM;
	if (dns_stream_fd(u->server[i].stream) < 0)
		return false;
	if (!dns_stream_work(u->server[i].stream)) {
		stream_over(u, i);
		return false;
	}
	u->reading = i + 1;
	return false;
}

/* What is due by the clock. */
static void expire(struct upstream *u, int64_t now)
{
	for (struct query *q = u->query; q < u->query + UPSTREAM_QUERIES; q++) {
		if (q->state == FREE || q->state == ENDED || (now < q->due && now < q->last))
			continue;
		if (q->state != PAUSE)
			server_failed(&u->server[q->server], now);
		leave(u, q);
		try_next(u, q, now);
	}
	for (unsigned i = 0; i < u->servers; i++) {
		struct server *s = &u->server[i];
		if (s->stream_fd >= 0 && s->open_on_stream == 0 && now - s->stream_used > IDLE_MS) {
			dns_stream_close(s->stream);
			s->stream_fd = NONE;
		}
	}
}

int upstream_due(const struct upstream *u)
{
	int64_t now = ms_now(), due = -1;
	for (const struct query *q = u->query; q < u->query + UPSTREAM_QUERIES; q++) {
		int64_t at = q->state == ENDED ? now : q->due < q->last ? q->due : q->last;
		if (q->state != FREE && (due < 0 || at < due))
			due = at;
	}
	return due < 0 ? -1 : due < now ? 0 : (int)(due - now);
}

static bool next_ended(struct upstream *u, struct upstream_reply *reply)
{
	for (struct query *q = u->query; q < u->query + UPSTREAM_QUERIES; q++) {
		if (q->state != ENDED)
			continue;
		*reply = (struct upstream_reply){ .tag = q->tag, .end = q->end, .at = q->server };
		reply->server = &u->server[q->server].peer.address;
		q->state = FREE;
		return true;
	}
	return false;
}

bool upstream_next(struct upstream *u, struct upstream_reply *reply)
{
	for (;;) {
		if (u->reading && read_stream(u, u->reading - 1, reply))
			return true;
		if (u->reading)
			continue;
		if (u->at < u->events) {
			if (on_event(u, u->event[u->at++].data.u32, reply))
				return true;
			continue;
		}
		u->at = 0;
		u->events = epoll_wait(u->ep, u->event, BURST, 0);
		if (u->events > 0)
			continue;
		u->events = 0;
		expire(u, ms_now());
		return next_ended(u, reply);
	}
}
