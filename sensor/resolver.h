/* resolver: what was true in the DNS as of the packets' time. Runs libunbound, and nothing else decides on a
 * signature; its only upstream is the responder on the loopback address of this process (responder.h).
 *
 * One libunbound context belongs to one as-of interval: an interval ends where the store holds other data for a
 * name, or where a signature begins or ends to be valid. Its clock is the start of the interval, so that the same
 * capture gives the same answers whenever it is read.
 *
 * Rolling, without an end of the messages: each answer is what the store, as it is at that moment, says to a new context, for
 * a context that knows less than the store is not asked any more; and nothing is said of a time after the newest message
 * (answer.until). What the store knew of an earlier time may be forgotten; then the answer is incomplete, never absent. */
#ifndef RESOLVER_H
#define RESOLVER_H
#include "dns_message.h"
#include "dns_proof.h"
#include "error.h"
#include "question.h"

enum { RESOLVER_UPSTREAMS = 4, RESOLVER_UPSTREAM_TEXT = 192, RESOLVER_BUDGET = 64 << 20, RESOLVER_CACHE = 32 << 20,
       RESOLVER_CONTEXTS = 16, RESOLVER_OUTSTANDING = 256, RESOLVER_PROVE = 72, RESOLVER_CANARIES = 16 };

/* RESOLVE_OFF      no answers: every question is answered incomplete
 * RESOLVE_CAPTURE  only what resolver_store was given
 * RESOLVE_LIVE     only the upstreams, as of now
 * RESOLVE_AUTO     as CAPTURE; what that leaves incomplete is asked live when as_of is at most five minutes ago */
enum resolve_mode { RESOLVE_OFF, RESOLVE_CAPTURE, RESOLVE_LIVE, RESOLVE_AUTO };

/* mode       above
 * anchors    trust anchors as zone file text, DNSKEY or DS; NULL: the root's own, by their periods of validity
 * upstream   resolvers for live, as upstream_new takes them; upstreams of them, asked in that order
 * outside    with upstreams: 1 + our end of a pair whose other end a forwarder process has (outside.h); taken over
 * canary     for live, canaries of them, RESOLVER_CANARIES at most: zones as in struct live_config, to see whether we are right
 * budget     octets for the store, 0: RESOLVER_BUDGET; taken at start. Replies of live lookups have a store of that size too
 * cache      octets for the cache of live verdicts, 0: RESOLVER_CACHE
 * kept       octets of messages on the link to keep as they were, for resolver_prove; 0: none
 * save       1 + the descriptor of a file for the replies of live lookups (dns_save.h), the caller's; 0: none
 * rolling    messages of the link never end: resolver_seal is not called, and what is kept of them rolls (dns_store.h, dns_watch.h).
 *            LIVE then keeps them too, for DNS_SEEN and for what contradicts its answers
 * as_of      ns, for CAPTURE: what is stored are the replies to live lookups of that time, and answers are what was said then of
 *            any session; 0: answers are as of the session's own time */
struct resolver_config {
	enum resolve_mode mode;
	const char *anchors;
	char upstream[RESOLVER_UPSTREAMS][RESOLVER_UPSTREAM_TEXT];
	unsigned upstreams;
	const char *const *canary;
	unsigned canaries;
	size_t budget, cache, kept;
	int outside, save;
	bool rolling;
	int64_t as_of;
};

struct resolver_counts {
	uint64_t stored;           /* messages kept */
	uint64_t refused;          /* not useful: no response, or malformed */
	uint64_t full;             /* dropped: the store was full */
	uint64_t questions;        /* asked by the judge */
	uint64_t contexts;         /* libunbound contexts made, without those of tries */
	uint64_t tries;            /* other replies that were offered after a refusal */
	uint64_t live;             /* queries sent to upstreams */
	uint64_t cached, merged;   /* live questions answered from the cache of verdicts, or by joining an equal one */
	uint64_t again;            /* looked up once more before a failure was said */
	uint64_t over_share;       /* refused: their source had too many open */
	uint64_t saved, not_saved; /* replies written to save, and not */
	uint64_t renewed;          /* stores of live replies rolled, and all caches begun anew */
	uint64_t rolled;           /* stores of the link's messages rolled */
};

struct resolver;

/* Takes the budget, opens the responder's loopback sockets and reads the anchors. The text config points to must
 * outlive the call only. NULL: e says what is wrong (no memory, no loopback, anchors that libunbound refuses). */
struct resolver *resolver_new(const struct resolver_config *config, struct error *e);
void resolver_free(struct resolver *r);

/* Keeps a message of the capture (copied). false: not useful, or the store is full; counted. */
bool resolver_store(struct resolver *r, const struct dns_message *m);
/* All DNS of the capture is known: intervals are computed, questions may come. Once; nothing is stored after it. */
void resolver_seal(struct resolver *r);
/* Messages of the link were lost before now. For rolling. */
void resolver_gap(struct resolver *r);
/* Answers q, always: what cannot be answered has status failed or incomplete and says why. Bounded time (seconds
 * at worst, half a minute live). q has passed question_check; a is overwritten. Not while submitted questions are
 * outstanding. */
void resolver_ask(struct resolver *r, const struct question *q, struct answer *a);
/* The same, many at once: q is answered by resolver_next some time, in the order in which answers become known. false:
 * RESOLVER_OUTSTANDING questions are outstanding; take answers first. */
bool resolver_submit(struct resolver *r, const struct question *q);
/* Would one more be taken? */
bool resolver_room(const struct resolver *r);
/* Who asked is gone: what was submitted is not answered any more. */
void resolver_drop(struct resolver *r);
/* The next answer; never waits for the network. false: none now. */
bool resolver_next(struct resolver *r, struct answer *a);
/* Readable when resolver_next has something to do; to be called until it says false before waiting. -1: there is never
 * anything to wait for. */
int resolver_fd(const struct resolver *r);
/* What seems to be wrong with our own resolving (live only), with one line about it in text. */
enum resolverfault resolver_fault(struct resolver *r, char *text, size_t cap);
/* Gathers in p the messages that the answers to these questions rest on: they are asked once more, in fresh contexts that
 * know only what is stored, so that p holds what another resolver needs, and, where the link said something else
 * (answer.conflict), what it said. n: at most RESOLVER_PROVE. What was asked live is asked of the replies that came, as of now. false: p found no
 * room for all. */
bool resolver_prove(struct resolver *r, const struct question *q, size_t n, struct dns_proof *p);
/* Counters so far. */
struct resolver_counts resolver_counts(const struct resolver *r);

/* The trust anchor file at path, checked line by line: *text is its contents (free() it). false: e names file, line
 * and what is wrong there. */
bool resolver_anchor_read(const char *path, char **text, struct error *e);
/* The name servers of this system's resolv.conf, as upstreams of config; false when there is none. */
bool resolver_system_upstreams(struct resolver_config *config, struct error *e);
#endif
