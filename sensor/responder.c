/* responder: queries of libunbound in, replies of the store out, over UDP and TCP on loopback. Knows nothing of
 * signatures or of what a verdict is. Anybody on this machine can send a query: it is hostile input like any other,
 * and costs at most one more line in the list of what was served.
 *
 * The question octets of a query are copied into its reply, so that 0x20 case comes back as it was sent. */
#include "responder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { QUERY_MAX = 512, UDP_PLAIN = 512, UDP_MOST = 65000, BACKLOG = 16, BURST = 64 };

static bool bound(int fd, uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || getsockname(fd, (struct sockaddr *)&a, &n) < 0)
		return false;
	*port = ntohs(a.sin_port);
	return true;
}

bool responder_open(struct responder *r, struct error *e)
{
	/* The TCP port is the kernel's choice; the same number may be taken for UDP: then try another. */
	for (int attempt = 0; attempt < 32; attempt++) {
		r->port = 0;
		r->tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		r->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (bound(r->tcp, &r->port) && bound(r->udp, &r->port) && listen(r->tcp, BACKLOG) == 0)
			return true;
		responder_close(r);
	}
	error_set(e, "DNS: cannot listen on 127.0.0.1: %s; the loopback interface must be up", strerror(errno));
	return false;
}

void responder_close(struct responder *r)
{
	int error = errno;
	if (r->udp >= 0)
		close(r->udp);
	if (r->tcp >= 0)
		close(r->tcp);
	r->udp = r->tcp = -1;
	errno = error;
}

static size_t find_served(const struct responder *r, const struct dns_name *name, uint16_t type)
{
	size_t i = 0;
	while (i < r->nserved && (r->served[i].type != type || !dns_wire_same(&r->served[i].name, name)))
		i++;
	return i;
}

unsigned responder_skip(const struct responder *r, const struct dns_name *name, uint16_t type)
{
	for (unsigned i = 0; i < r->choices; i++)
		if (r->choice[i].type == type && dns_wire_same(&r->choice[i].name, name))
			return r->choice[i].skip;
	return 0;
}

static void remember(struct responder *r, const struct dns_name *name, uint16_t type, const struct dns_reply *reply)
{
	size_t i = find_served(r, name, type);
	if (i == RESPONDER_SERVED) {
		r->forgot = true;
		return;
	}
	r->served[i] = (struct served){ *name, type, reply->found, reply->ts, r->round, reply->proofs, reply->other };
	if (i == r->nserved)
		r->nserved++;
}

static void look_up(struct responder *r, const struct dns_name *name, uint16_t type, bool edns)
{
	dns_store_reply(r->store, name, type, r->as_of, edns, responder_skip(r, name, type), &r->reply);
	if (r->reply.from > r->from)
		r->from = r->reply.from;
	if (r->reply.until < r->until)
		r->until = r->reply.until;
	remember(r, name, type, &r->reply);
}

/* What UDP payload the query's OPT allows; 0 without one. */
static size_t edns_size(struct dns_walk *w)
{
	struct dns_rr rr;
	size_t size = 0;
	while (dns_wire_next(w, &rr))
		if (rr.type == RR_OPT)
			size = rr.class > UDP_PLAIN ? rr.class : UDP_PLAIN;
	return size;
}

void responder_answer(struct responder *r, struct bytes query)
{
	struct dns_walk w;
	r->reply.n = 0;
	if (query.n > QUERY_MAX || !dns_wire_open(&w, query) || w.flags & DNS_QR)
		return;
	size_t question = (size_t)(w.c.p - query.p) - DNS_HEADER;
	bool compressed = question != (size_t)w.qname.n + 4;    /* no honest query is: its octets could not be copied */
	if (compressed || w.qclass != 1)
		return;
	look_up(r, &w.qname, w.qtype, edns_size(&w) > 0);
	uint8_t *p = r->reply.octets;
	p[0] = query.p[0];
	p[1] = query.p[1];
	p[2] = (uint8_t)((p[2] & ~1) | (query.p[2] & 1));
	p[3] = (uint8_t)((p[3] & ~0x30) | (query.p[3] & 0x10));        /* AD is libunbound's to say; CD as asked */
	memcpy(p + DNS_HEADER, query.p + DNS_HEADER, question);
}

/* Too large for a datagram: header and question alone, TC set (RFC 2181 9). */
static void truncate_reply(struct dns_reply *reply, size_t question)
{
	reply->octets[2] |= DNS_TC >> 8;
	memset(reply->octets + 6, 0, 6);
	reply->n = DNS_HEADER + question;
}

static void serve_udp(struct responder *r)
{
	uint8_t query[QUERY_MAX];
	struct sockaddr_in from;
	for (int i = 0; i < BURST; i++) {
		socklen_t len = sizeof(from);
		struct dns_walk w;
		ssize_t n = recvfrom(r->udp, query, sizeof(query), 0, (struct sockaddr *)&from, &len);
		if (n < 0)
			return;
		struct bytes q = { query, (size_t)n };
		responder_answer(r, q);
		if (r->reply.n == 0 || !dns_wire_open(&w, q))
			continue;
		size_t question = (size_t)(w.c.p - q.p) - DNS_HEADER, size = edns_size(&w);
		size = size < UDP_PLAIN ? UDP_PLAIN : size > UDP_MOST ? UDP_MOST : size;
		if (r->reply.n > size)
			truncate_reply(&r->reply, question);
		sendto(r->udp, r->reply.octets, r->reply.n, MSG_NOSIGNAL, (struct sockaddr *)&from, len);
	}
}

static bool recv_all(int fd, uint8_t *p, size_t n)
{
	while (n) {
		ssize_t got = recv(fd, p, n, 0);
		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

static bool send_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t put = send(fd, p, n, MSG_NOSIGNAL);
		if (put <= 0)
			return false;
		p += put;
		n -= (size_t)put;
	}
	return true;
}

/* One query a connection: libunbound sends it at once, and anybody else waits in vain for a second one. */
static void serve_tcp(struct responder *r)
{
	uint8_t query[QUERY_MAX], len[2];
	struct timeval second = { .tv_sec = 1 };
	int fd = accept4(r->tcp, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
	if (recv_all(fd, len, 2)) {
		size_t n = (size_t)len[0] << 8 | len[1];
		if (n <= sizeof(query) && recv_all(fd, query, n)) {
			responder_answer(r, (struct bytes){ query, n });
			len[0] = (uint8_t)(r->reply.n >> 8);
			len[1] = (uint8_t)r->reply.n;
			if (r->reply.n && send_all(fd, len, 2))
				send_all(fd, r->reply.octets, r->reply.n);
		}
	}
	close(fd);
}

void responder_work(struct responder *r)
{
	serve_udp(r);
	serve_tcp(r);
}
