/* rounds: goes round the watched domains (watch_domains of the configuration), asks of each what posture_look asks, and tells what
 * follows as posture events and alerts. Belongs to a judge process and uses its resolver; sessions go first.
 *
 *	watch:  each second  rounds_tick(r, ms, ns, quiet);       read, once:  rounds_all(r, as_of);
 *		each answer that is none of the docket's: rounds_answer(r, record);
 *		while (rounds_next(r)) { an event }
 */
#ifndef ROUNDS_H
#define ROUNDS_H
#include <sqlite3.h>

#include "channel.h"
#include "history_store.h"
#include "judge/known.h"
#include "judge/posture.h"
#include "run.h"

/* ROUNDS_LOOKS  domains that are looked at at a time: each has one question open, of the resolver's many */
enum { ROUNDS_LOOKS = 4, ROUNDS_LOWERED = 256 };

struct rounds;

/* resolver: its channel, or NULL: nothing is asked, and there are no events. NULL: no memory. */
struct rounds *rounds_new(const struct run *run, struct channel *resolver);
void rounds_free(struct rounds *r);
/* MTA-STS policies in place of those of the run; they must live until the next call. */
void rounds_policies(struct rounds *r, const struct sts_cache *policies);
/* Begins what is due. ms: of a monotonic clock; ns: the time; quiet: sessions leave the resolver enough time. */
void rounds_tick(struct rounds *r, int64_t ms, int64_t ns, bool quiet);
/* Each domain once, one after the other, as of that time (ns). */
void rounds_all(struct rounds *r, int64_t as_of);
/* Is an answer still to come? */
bool rounds_open(const struct rounds *r);
/* An answer of the resolver (CH_ANSWER). false: it is to none of our questions. */
bool rounds_answer(struct rounds *r, struct bytes record);
/* The resolver is there no more: looks are given up, and begun anew when it is. */
void rounds_no_resolver(struct rounds *r);
/* The resolver began anew: open questions are asked again. */
void rounds_again(struct rounds *r);
/* The next event, posture or alert, whole but for its sequence number; on loan until the next call. NULL: none now. */
struct record *rounds_next(struct rounds *r);

/* Whose baselines are lowered where the DNS announces a change (detections F.2); on loan, NULL: nobody's. */
void rounds_history(struct rounds *r, struct history_store *history);
/* After rounds_all: lowers them. The round is as of the last packet, so this is for when all sessions are judged; at most
 * ROUNDS_LOWERED of them. Without rounds_all each is lowered at once. */
void rounds_lower(struct rounds *r);
/* What is known of a watched domain, or NULL. */
const struct posture *rounds_find(const struct rounds *r, struct bytes domain);
/* All of them, n. */
struct posture *rounds_every(struct rounds *r, size_t *n);
/* The hosts, and the watched domains, that have this address as MX (servers.h), added to out. */
void rounds_known(const struct rounds *r, const struct addr *server, struct known *out);
/* What earlier runs knew, from the database of the state. false: e says why. To be called before anything else. */
bool rounds_load(struct rounds *r, sqlite3 *db, struct error *e);
/* Is there something to save? What a domain's looks taught is saved when something of it changed, and else each hour. */
bool rounds_dirty(const struct rounds *r);
/* Writes it, in the transaction that is open. now: ns. false: e says why. */
bool rounds_save(struct rounds *r, int64_t now, sqlite3 *db, struct error *e);
/* posture_promise, of that domain. 0 also for a domain that is not watched. */
int64_t rounds_promise(const struct rounds *r, struct bytes domain, struct bytes host, int64_t now);
#endif
