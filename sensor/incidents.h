/* incidents: all incidents that are open (judge/incident.h), and which sessions they have counted. In memory by a budget that is taken
 * once; where it is full, who was quiet longest gives way, and is counted. Incidents of a site that keeps state are loaded from its
 * database and saved to it. One judge owns them. */
#ifndef INCIDENTS_H
#define INCIDENTS_H
#include <sqlite3.h>

#include "error.h"
#include "judge/incident.h"
#include "store.h"

struct incidents;

/* Numbers since the beginning, but for open. */
struct incidents_numbers {
	uint64_t open, opened, closed, counted, evicted, damaged;
};

/* max: incidents at a time. NULL: no memory. */
struct incidents *incidents_new(size_t max);
void incidents_free(struct incidents *t);

/* incidents_take: one chain of a session that was judged, interim or final.
 * Returns what is to be said, INCIDENT_NOTHING: it was counted, or is known from this session already; then *incident is untouched.
 * Otherwise incident_said has been called, and *incident is valid until the next call. alert: the word about it is to be given to
 * incidents_words when it stands. */
enum incident_word incidents_take(struct incidents *t, const struct incident_chain *chain, const struct record *session,
				  const struct site *site, struct incident **incident);
/* The sentences of the word that goes out, for those that come without a session. */
void incidents_words(struct incidents *t, struct incident *incident, struct bytes message, struct bytes reason);
/* incidents_due: an incident that has something to say by itself at or before now; *at: as of when. Ended ones are forgotten with
 * the next call. Returns INCIDENT_NOTHING when there is none. */
enum incident_word incidents_due(struct incidents *t, int64_t now, struct incident **incident, int64_t *at);
/* incidents_rest: the same at the end of a run: what was counted since the last word, each incident once; nothing ends. */
enum incident_word incidents_rest(struct incidents *t, int64_t now, struct incident **incident);
/* The word that went out last got this revision in the end (alerted.h). */
void incidents_revised(struct incidents *t, struct incident *incident, uint32_t revision);
/* An order "incident.ack": somebody looked at the incident of that id. Others are left alone. */
void incidents_order(struct incidents *t, const struct store_order *o);
/* One after the other, in no order; *at begins at 0. NULL: that was all. */
const struct incident *incidents_next(const struct incidents *t, size_t *at);
struct incidents_numbers incidents_numbers(const struct incidents *t);

/* incidents_load: everything from the database, whose tables are made where they are missing. incidents_save: what changed since;
 * within the caller's transaction. false: e says why. */
bool incidents_load(struct incidents *t, sqlite3 *db, struct error *e);
bool incidents_save(struct incidents *t, sqlite3 *db, struct error *e);
#endif
