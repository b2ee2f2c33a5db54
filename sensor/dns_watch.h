/* dns_watch: which questions about mail were asked on the link, and how each was answered: not to be believed, but to be
 * held against what validates. A second answer to one question, and a question that is asked in vain, are seen here. */
#ifndef DNS_WATCH_H
#define DNS_WATCH_H
#include "dns_message.h"
#include "wire/dns_wire.h"

/* WATCH_EVENTS  messages kept; later ones are not, or, where it rolls, take the place of the oldest
 * WATCH_STEPS   events about one name and type that are looked through for one: a flood of them must not hold us up
 * WATCH_RACE    ns between two answers to one question that race: a client that asks again waits longer
 * WATCH_VAIN    questions without an answer, by one client within WATCH_PATIENCE ns */
enum { WATCH_EVENTS = 1 << 18, WATCH_STEPS = 1024, WATCH_VAIN = 3 };
#define WATCH_RACE INT64_C(500000000)
#define WATCH_PATIENCE INT64_C(30000000000)

/* asked  a question; data, nodata, nxdomain: answers that say something; refused: REFUSED, NOTIMP and the like */
enum watched_kind { WATCHED_ASKED, WATCHED_DATA, WATCHED_NODATA, WATCHED_NXDOMAIN, WATCHED_REFUSED };

/* answered: a question that its client had an answer to within WATCH_PATIENCE, or where that cannot be told.
 * print: of the answer's records, whatever their order and TTL. dnssec: with DO or signatures; sigs: with signatures.
 * next, at: places, counted on and on: of the event before it in its chain, and of its octets */
struct watched {
	int64_t ts;
	uint64_t key, print, next, at;
	struct addr client, server;
	uint16_t port, id, n;           /* n: 0 when its octets were not kept */
	uint8_t kind;                   /* enum watched_kind */
	bool dnssec, sigs, answered;
};

struct dns_watch;

/* octets: how many of the messages themselves are kept beside, for whoever must show them. NULL: no memory. */
struct dns_watch *dns_watch_new(size_t octets);
/* One that is never full: the oldest of events messages, and of the octets kept, make room for new ones. */
struct dns_watch *dns_watch_rolling(size_t events, size_t octets);
void dns_watch_free(struct dns_watch *w);
/* Notes a question or an answer about MX, A, AAAA, CNAME, TLSA or TXT of MTA-STS that went by UDP; anything else is passed over. */
void dns_watch_add(struct dns_watch *w, const struct dns_message *m);
/* The print of a message's answer section. */
uint64_t dns_watch_print(const struct dns_watch *w, struct bytes message);
/* The next event about (name, type) with from <= ts < until, the latest first; *e NULL: the first one. false: no more. */
bool dns_watch_next(const struct dns_watch *w, const struct dns_name *name, uint16_t type, int64_t from, int64_t until,
		    const struct watched **e);
/* The octets of e, a loan until the next dns_watch_add; none: they were not kept, or not so long. */
struct bytes dns_watch_octets(const struct dns_watch *w, const struct watched *e);
/* Did e, an answer, come as the second and other answer to one question? */
bool dns_watch_race(const struct dns_watch *w, const struct watched *e);
/* Is e, a question, the last of WATCH_VAIN that one client asked in vain? That it asked again shows that no answer came. */
bool dns_watch_vain(const struct dns_watch *w, const struct watched *e);
/* Messages up to about ts were lost on their way to us: of no question until then it can be told that it was asked in vain. */
void dns_watch_gap(struct dns_watch *w, int64_t ts);
#endif
