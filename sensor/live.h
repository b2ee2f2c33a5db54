/* live: what the DNS says now: many questions at once, each validated by libunbound, none waiting for another.
 *
 * A question is answered from the cache of verdicts, or joins an equal one, or is looked up. What comes back bogus or
 * failed is looked up once more in a context that knows nothing yet, with another server first: only then is it
 * said. */
#ifndef LIVE_H
#define LIVE_H
#include "dns_save.h"
#include "dns_store.h"
#include "error.h"
#include "lookups.h"
#include "verdict_cache.h"

/* servers   as for upstream_new, n of them
 * outside   our end of a pair whose other end a forwarder process has (outside.h), to be taken over
 * anchors   as in struct resolver_config; copied
 * canary    names of which the site knows what must come out, canaries of them: the address of "example.org" must validate,
 *           or that there is none; that of "example.org=bogus" must not. They are asked for while there are questions,
 *           and when live_next is called, every ten minutes. Copied
 * cache     octets for the cache of verdicts
 * lasting   the forwarder process is started anew when it ends
 * store     octets for the replies, 0: none are kept; taken at start
 * save      writes each reply, or NULL; the caller's */
struct live_config {
	const char *const *server;
	unsigned servers;
	int outside;
	const char *anchors;
	const char *const *canary;
	unsigned canaries;
	size_t cache;
	size_t store;
	bool lasting;
	struct dns_save *save;
};

struct live_counts {
	uint64_t lookups;          /* really looked up, second tries not counted */
	uint64_t merged;           /* joined an equal question */
	uint64_t again;            /* second tries */
	uint64_t refused;          /* a source had too many open */
	uint64_t contexts;         /* libunbound contexts made */
	uint64_t renewed;          /* stores of replies begun anew */
	struct verdict_cache_counts cache;
	struct upstream_counts upstream;
};

struct live;

/* NULL: e says what is wrong: a server's text, no memory, no loopback, anchors that libunbound refuses. */
struct live *live_new(const struct live_config *config, struct error *e);
void live_free(struct live *l);
/* Begins q. Its answer comes out of live_next, with its id, whatever becomes of it: 25 seconds at most. false: LOOKUPS
 * questions wait already: take answers first. */
bool live_submit(struct live *l, const struct question *q);
/* Nobody waits for what is open now any more. */
void live_drop(struct live *l);
/* Questions whose answer was not taken yet. */
unsigned live_waiting(const struct live *l);
/* Readable when live_next has something to do, timeouts included. */
int live_fd(const struct live *l);
/* Does what is to be done, never waits; the next answer, in the order in which they became known. false: none now. */
bool live_next(struct live *l, struct answer *a);
/* The sensor's own fault, if it seems so (health.h), with a line for people in text. */
enum resolverfault live_fault(struct live *l, char *text, size_t cap);
/* What the answers of late rest on. It rolls (dns_store_rolling), and with it all that is cached begins anew, so that whatever
 * rests on a cache is in the store too, for as long as the cache lasts and for half of the store after it. NULL: none is kept. */
const struct dns_store *live_store(const struct live *l);
struct live_counts live_counts(const struct live *l);
#endif
