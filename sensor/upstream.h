/* upstream: the recursive resolvers of live mode, over UDP, TCP and TLS: many questions at once, each with a tag that
 * comes back with its reply. All outside sockets of the sensor are behind these functions, in the forwarder process. */
#ifndef UPSTREAM_H
#define UPSTREAM_H
#include "dns_message.h"
#include "dns_stream.h"
#include "error.h"
#include "wire/dns_wire.h"

enum { UPSTREAM_SERVERS = 4, UPSTREAM_QUERIES = 512, UPSTREAM_TEXT = 192 };

struct upstream;

/* How a question ended. REPLY: NOERROR or NXDOMAIN, the message is there. The others are a lookup that failed, with
 * nothing said about the name: SILENT no server answered in time; BROKEN none could be reached, or what TLS showed
 * was not the server that was named; the rest is what the last one to answer said. */
enum upstream_end { UPSTREAM_REPLY, UPSTREAM_SILENT, UPSTREAM_BROKEN, UPSTREAM_SERVFAIL, UPSTREAM_REFUSED, UPSTREAM_OTHER };

/* m       with UPSTREAM_REPLY: a loan until the next call, its ts the time it came, its question the one asked
 * at      whose reply it is: its number, counted from 0
 * server  its address
 * tls     it came over TLS */
struct upstream_reply {
	uint64_t tag;
	enum upstream_end end;
	struct dns_message m;
	unsigned at;
	const struct sockaddr_storage *server;
	bool tls;
};

struct upstream_counts {
	uint64_t sent;             /* queries */
	uint64_t strays;           /* datagrams that were no reply to what was asked */
	uint64_t truncated;        /* asked again over TCP */
	uint64_t failovers;        /* another server was asked */
};

/* text: n servers, asked in that order: "192.0.2.1@53", "2001:db8::1@53" ("@53" may be left out) for UDP with TCP behind
 * it; "tls://192.0.2.1@853#dns.example" for TLS with the name its certificate must have, from an authority of this
 * system (trust_system_file); "tls://192.0.2.1#pin=BASE64" with the SHA-256 of its public key (RFC 7858 4.2).
 * All files are read here. NULL: e says which one is wrong. */
struct upstream *upstream_new(const char *const *text, unsigned n, struct error *e);
void upstream_free(struct upstream *u);
/* Is text one that upstream_new takes? */
bool upstream_check(const char *text, struct error *e);
/* Asks (name, type) with RD, CD and DO set: CD, because a validating resolver would answer SERVFAIL for what is bogus,
 * and the evidence would be lost. Servers that have fallen silent are asked last; each at most twice, nine seconds in
 * all. first: with which server to begin, counted from 0 and modulo. false: UPSTREAM_QUERIES are open. */
bool upstream_ask(struct upstream *u, const struct dns_name *name, uint16_t type, unsigned first, uint64_t tag);
/* Readable when upstream_next has something to do; and it is due after that many ms (-1: nothing is open). */
int upstream_fd(const struct upstream *u);
int upstream_due(const struct upstream *u);
/* Does what is to be done, never waits; the next question that has ended. false: none now. */
bool upstream_next(struct upstream *u, struct upstream_reply *reply);
/* How many servers answer (true for one that was not asked yet), and how many there are. */
unsigned upstream_alive(const struct upstream *u, unsigned *servers);
struct upstream_counts upstream_counts(const struct upstream *u);
#endif
