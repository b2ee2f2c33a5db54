/* upstream: a stub resolver of the smallest kind. Checks that a reply is one (address by a connected socket, id,
 * question), and nothing else: whether it is true is for libunbound to say. RFC 5452 3, RFC 7766. */
#include "upstream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { UPSTREAMS = 4, TRIES = 2, TIMEOUT_MS = 2000, EDNS_SIZE = 1232, QUERY_MAX = DNS_HEADER + DNS_NAME_MAX + 4 + 11 };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct upstream {
	union address addr[UPSTREAMS];
	unsigned n;
	uint64_t sent;
	uint8_t query[QUERY_MAX + 2];   /* its length in front, for TCP */
	size_t query_n;
	uint8_t reply[DNS_MESSAGE_MAX];
};

static bool parse_address(union address *a, const char *text)
{
	char host[64];
	const char *at = strchr(text, '@');
	size_t n = at ? (size_t)(at - text) : strlen(text);
	char *end = NULL;
	unsigned long port = at ? strtoul(at + 1, &end, 10) : 53;
	if (n >= sizeof(host) || (at && (*end || end == at + 1)) || port == 0 || port > 65535)
		return false;
	memcpy(host, text, n);
	host[n] = 0;
	*a = (union address){ 0 };
	if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons((uint16_t)port);
		return true;
	}
	if (inet_pton(AF_INET6, host, &a->v6.sin6_addr) != 1)
		return false;
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons((uint16_t)port);
	return true;
}

struct upstream *upstream_new(const char *const *text, unsigned n, struct error *e)
{
	struct upstream *u = calloc(1, sizeof(*u));
	if (!u) {
		error_set(e, "DNS: no memory for the upstream resolvers");
		return NULL;
	}
	for (unsigned i = 0; i < n && i < UPSTREAMS; i++) {
		if (!parse_address(&u->addr[u->n++], text[i])) {
			error_set(e, "DNS resolver \"%s\": not an IP address with an optional @port, such as 192.0.2.53@53", text[i]);
			free(u);
			return NULL;
		}
	}
	return u;
}

void upstream_free(struct upstream *u)
{
	free(u);
}

uint64_t upstream_sent(const struct upstream *u)
{
	return u->sent;
}

static void build(struct upstream *u, const struct dns_name *name, uint16_t type)
{
	static const uint8_t tail[] = { 0, 1, 0, 0, RR_OPT, EDNS_SIZE >> 8, EDNS_SIZE & 0xff, 0, 0, 0x80, 0, 0, 0 };
	uint8_t *p = u->query + 2;
	memset(p, 0, DNS_HEADER);
	if (getrandom(p, 2, 0) != 2)
		p[0] ^= (uint8_t)(u->sent * 131);
	p[2] = DNS_RD >> 8;
	p[3] = DNS_CD;
	p[5] = 1;
	p[11] = 1;
	memcpy(p + DNS_HEADER, name->octets, name->n);
	p += DNS_HEADER + name->n;
	p[0] = (uint8_t)(type >> 8);
	p[1] = (uint8_t)type;
	memcpy(p + 2, tail, sizeof(tail));
	u->query_n = (size_t)(p + 2 + sizeof(tail) - (u->query + 2));
	u->query[0] = (uint8_t)(u->query_n >> 8);
	u->query[1] = (uint8_t)u->query_n;
}

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool wait_for(int fd, short what, int64_t deadline)
{
	int64_t left = deadline - ms_now();
	struct pollfd p = { .fd = fd, .events = what };
	return left > 0 && poll(&p, 1, (int)left) > 0;
}

/* Is this n-octet message the reply to our query? *tc: it was cut. */
static bool fits(const struct upstream *u, size_t n, bool *tc)
{
	struct dns_walk ours, theirs;
	if (!dns_wire_open(&theirs, (struct bytes){ u->reply, n }) || !dns_wire_open(&ours, (struct bytes){ u->query + 2, u->query_n }))
		return false;
	*tc = theirs.flags & DNS_TC;
	return theirs.id == ours.id && theirs.flags & DNS_QR && theirs.qtype == ours.qtype && theirs.qclass == ours.qclass &&
	       dns_wire_same(&theirs.qname, &ours.qname);
}

static size_t by_udp(struct upstream *u, int fd, int64_t deadline, bool *tc)
{
	if (send(fd, u->query + 2, u->query_n, MSG_NOSIGNAL) < 0)
		return 0;
	while (wait_for(fd, POLLIN, deadline)) {
		ssize_t n = recv(fd, u->reply, sizeof(u->reply), 0);
		if (n < 0)
			return 0;
		if (fits(u, (size_t)n, tc))
			return (size_t)n;
	}
	return 0;
}

static bool tcp_move(int fd, uint8_t *p, size_t n, bool out, int64_t deadline)
{
	while (n) {
		if (!wait_for(fd, out ? POLLOUT : POLLIN, deadline))
			return false;
		ssize_t k = out ? send(fd, p, n, MSG_NOSIGNAL) : recv(fd, p, n, 0);
		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

static size_t by_tcp(struct upstream *u, int fd, int64_t deadline, bool *tc)
{
	uint8_t len[2];
	if (!tcp_move(fd, u->query, u->query_n + 2, true, deadline) || !tcp_move(fd, len, 2, false, deadline))
		return 0;
	size_t n = (size_t)len[0] << 8 | len[1];
	return tcp_move(fd, u->reply, n, false, deadline) && fits(u, n, tc) && !*tc ? n : 0;
}

static size_t try_one(struct upstream *u, const union address *a, bool tcp, bool *tc)
{
	int64_t deadline = ms_now() + TIMEOUT_MS;
	int fd = socket(a->any.sa_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t len = a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
	size_t n = 0;
	*tc = false;
	if (fd < 0)
		return 0;
	u->sent++;
	int connected = connect(fd, &a->any, len);
	if (tcp)
		n = by_tcp(u, fd, deadline, tc);
	else if (connected == 0)
		n = by_udp(u, fd, deadline, tc);
	close(fd);
	return n;
}

bool upstream_ask(struct upstream *u, const struct dns_name *name, uint16_t type, struct dns_message *m)
{
	struct timespec now;
	size_t n = 0;
	bool tc = false;
	for (unsigned i = 0; n == 0 && i < TRIES * u->n; i++) {
		build(u, name, type);
		n = try_one(u, &u->addr[i % u->n], false, &tc);
		if (tc)
			n = try_one(u, &u->addr[i % u->n], true, &tc);
		m->tcp = tc;
	}
	if (n == 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	m->ts = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	m->frame = 0;
	m->octets = (struct bytes){ u->reply, n };
	return true;
}
