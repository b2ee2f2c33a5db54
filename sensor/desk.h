/* desk: what is made of a session once its own facts stand (docket.h): what is remembered of earlier ones, the findings of the
 * rules, the event, and the alerts that come of it. Sessions are put on it one after the other, in the order that counts for
 * whatever joins several of them; a session that comes again by the same id is the same one.
 *
 *	desk_session(d, &session, finding, &n);             then the session is an event
 *	while ((a = desk_alert(d))) ...                     and these are alerts
 *	desk_time(d, now); while (desk_alert(d, &a)) ...    and what is due where no session comes
 *	desk_end(d, last); while (desk_alert(d, &a)) ...    and what is left to say at the end of a run
 *
 * It asks no network and reads no clock: time is that of the packets. */
#ifndef DESK_H
#define DESK_H
#include "judge/correlate.h"
#include "history_store.h"
#include "judge/rule.h"
#include "judge/standing.h"
#include "rounds.h"
#include "run.h"
#include "store.h"
#include "suppressions.h"

struct desk;

/* An alert event, whole but for its sequence number.
 * event    valid until the next call for the desk
 * session  it is about the session that was put on the desk last, whose packets are its evidence; else it rests on others */
struct desk_alert {
	struct record *event;
	bool session;
};

/* NULL: no memory. */
struct desk *desk_new(const struct run *run);
void desk_free(struct desk *d);
/* session  in: with all its own facts; out: as an event
 * finding  room for RULE_FINDINGS; *n of them are set
 * Alerts of the session before that were not taken are lost. */
void desk_session(struct desk *d, struct record *session, struct finding *finding, size_t *n);
/* The next alert that is due: what incidents have to say by themselves, then those of the session. false: there is none. */
bool desk_alert(struct desk *d, struct desk_alert *out);
/* The alert that desk_alert gave last goes out as this revision of its incident (alerted.h). */
void desk_revised(struct desk *d, unsigned revision);
/* It is now at least this late, ns. A session's end says so too. */
void desk_time(struct desk *d, int64_t now);
/* A line for people about what is kept back: call it until there is none. */
bool desk_say(struct desk *d, char line[SUPPRESSION_SAYS]);
/* Incidents and what was kept back, into a stats event. */
void desk_incidents(const struct desk *d, struct record *stats);
/* The run ends: desk_alert gives what incidents have counted since they spoke last; and, if it is the last of all, what waits for
 * sessions that could still come. */
void desk_end(struct desk *d, bool last);
/* What rules find in a stats event (rules_judge_stats); how many. */
size_t desk_stats(struct desk *d, struct record *stats, struct finding *finding, size_t max);
/* What began and ended of it (standing_judge); how many. */
size_t desk_standing(struct desk *d, struct standing *standing, const struct record *stats, int64_t now,
		     struct standing_news *out, size_t max);
/* What the findings over several sessions took and lost so far, as facts mxwitness.stats.correlation.*. */
void desk_correlation(const struct desk *d, struct record *stats);
/* Searches of rules that ended at a limit so far. */
uint64_t desk_limits(const struct desk *d);
/* What the watch of domains knows is kept with the rest. Before desk_load. */
void desk_rounds(struct desk *d, struct rounds *rounds);
/* State that is kept (store.h): it is read, and from now on what a session leaves behind is written with its id. Without a
 * store all is forgotten with the desk, and nothing is known of history. false: e says why. */
bool desk_load(struct desk *d, struct store *store, struct error *e);
/* The history in it, on loan; NULL: there is none. */
struct history_store *desk_history(struct desk *d);
/* Is the session in the state, from before? Then it is judged and changes nothing again. */
bool desk_knows(const struct desk *d, const struct record *session);
/* Writes what changed since the last time, into the store's transaction, which stays open: store_commit ends it. When that
 * fails, e says why, and the run goes on without a state that is kept. */
bool desk_save(struct desk *d, struct error *e);
/* There is something to save. */
bool desk_dirty(const struct desk *d);
/* So much that it must be saved before the next session. */
bool desk_full(const struct desk *d);
/* Carries out what operators ordered since (store.h), if any and if no transaction is open. Each second. */
void desk_orders(struct desk *d);
/* A strong baseline that was given up for want of room; false: none. */
bool desk_gone(struct desk *d, char key[HISTORY_KEY]);
/* What the state is, into a stats event. */
void desk_state(struct desk *d, struct record *stats);
#endif
