/* docket: the sessions that are being judged. Each walks through its questions at its own pace; the resolver's answers come
 * back in any order, so a zone that is slow holds up its own sessions and no others.
 *
 *	docket_take(d, ...);                      begins one
 *	while ((k = docket_next(d))) { ... docket_done(d, k); }    those whose judgement stands
 *
 * Knows the promises and the resolver's channel; whom the events are for it does not know. */
#ifndef DOCKET_H
#define DOCKET_H
#include "channel.h"
#include "exhibit.h"
#include "history_store.h"
#include "judge/expectation.h"
#include "judge/freshness.h"
#include "judge/rule.h"
#include "rounds.h"
#include "run.h"
#include "tally.h"
#include "vitals.h"

enum { DOCKET_CASES = 64 };

/* One session. When its judgement stands:
 * session   with all its own facts                       finding   room for n of them: the desk's (desk.h)
 * asked     the questions, nasked of them                exhibit   its packets (exhibit.h), exhibit_n octets or 0
 * sts       the file of the policy that counts (sts_cache.h), or nothing; a loan until the docket has other policies
 * fault     of the sensor's own DNS, while it answered   number    as given to docket_take */
struct kase {
	struct record session;
	struct finding finding[RULE_FINDINGS];
	size_t n;
	struct question asked[EXPECT_QUESTIONS + FRESHNESS_QUESTIONS];
	size_t nasked;
	struct bytes sts;
	enum resolverfault fault;
	uint64_t number;
	unsigned worker;
	size_t exhibit_n;
	uint8_t exhibit[EXHIBIT_OCTETS];
	/* docket's own */
	enum { CASE_FREE, CASE_WAITS, CASE_OPEN, CASE_STANDS, CASE_OUT } state;
	uint64_t order, round;
	int64_t since;                  /* ms, of docket_relieve's clock */
	int64_t asked_at;                  /* ns, of the question that is open */
	enum tri seen;
	bool promised;                  /* expectation is done */
	struct expectation expectation;
	struct freshness freshness;
	struct bytes chain, proof;
	uint8_t behind[CHANNEL_RECORD_MAX];
};

struct docket;

/* resolver: its channel, or NULL: no question is answered. in_order: cases come out in the order in which they were taken.
 * NULL: no memory. */
struct docket *docket_new(const struct run *run, struct channel *resolver, bool in_order);
void docket_free(struct docket *d);
/* Policies of mail domains from now on, instead of the run's; NULL: none. They must outlive the cases that are out. */
void docket_policies(struct docket *d, const struct sts_cache *policies);
/* In the live sensor: sessions during which vitals knows of losses are lossy, and answers are counted in tally. */
void docket_live(struct docket *d, const struct vitals *vitals, struct tally *tally);
/* A client that named nobody is asked about here: whom did clients mean at this address, lately (A.3 rank 7)? Where cases come out
 * in order, such a case waits for all before it, so that what they taught is known and nothing rests on who was faster. */
void docket_history(struct docket *d, struct history_store *history);
/* What is known of watched domains: whose servers they are, and what they promised before. */
void docket_rounds(struct docket *d, const struct rounds *rounds);
/* Is there room for one more? */
bool docket_room(const struct docket *d);
/* Begins the session in record (CH_SESSION), with its exhibit or nothing. seen: was DNS visible where the packets were taken;
 * TRI_UNSEEN: nobody looked. false: the record cannot be. There must be room. */
bool docket_take(struct docket *d, struct bytes record, struct bytes exhibit, enum tri seen, unsigned worker, uint64_t number);
/* An answer of the resolver (CH_ANSWER). false: it fits no open question. */
bool docket_answer(struct docket *d, struct bytes record);
/* The resolver is there no more: open questions and later ones fail, until docket_again. */
void docket_no_resolver(struct docket *d);
/* The resolver began anew: open questions are asked again. */
void docket_again(struct docket *d);
/* To be called each second; now: ms. When there is no room for others, because one client network's questions find no answer for
 * seconds, most of these are given up (failed): names that somebody invents starve nobody else. */
void docket_relieve(struct docket *d, int64_t now);
/* The next case whose judgement stands, or NULL; it is the caller's until docket_done. */
struct kase *docket_next(struct docket *d);
void docket_done(struct docket *d, struct kase *k);
/* Cases that wait for an answer, or for those before them; and those that are not done, whatever for. */
size_t docket_open(const struct docket *d);
size_t docket_cases(const struct docket *d);
/* The lowest number of worker's cases that are not done, or UINT64_MAX. */
uint64_t docket_lowest(const struct docket *d, unsigned worker);
#endif
