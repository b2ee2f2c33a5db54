/* alert: a finding and its session as one alert event. */
#ifndef JUDGE_ALERT_H
#define JUDGE_ALERT_H
#include "judge/incident.h"
#include "judge/correlate.h"

/* alert_make: what event_alert (event.h) does not set: the session's facts that belong to alerts, rule.*,
 * threat.technique.id, event.action severity risk_score reason id, message, certainty, variant, tlsrpt, alert.*.
 * session  as rules_judge left it
 * alert    empty (record_init); overwritten. mxwitness.alert.incident is a hash of the session's id and the finding
 *          id (of a link: "chain"), event.id one of the incident and revision 1: the same packets give the same ids. */
void alert_make(const struct rules *rules, const struct record *session, const struct finding *finding,
		struct record *alert);
/* That hash. slot: incident_slot */
void alert_incident_id(struct bytes session, const char *slot, char id[INCIDENT_ID]);
/* alert_incident: what alert_make made, as the word of an incident (incident_said was called): its ids, counts, chain, state,
 * and its level where that is the higher. */
void alert_incident(const struct incident *incident, enum incident_word word, struct record *alert);
/* alert_make_incident: a word of an incident of which no session is at hand. It has no packets, and no addresses where there were
 * several. now: event time */
void alert_make_incident(const struct rules *rules, const struct incident *incident, enum incident_word word, int64_t now,
			 struct record *alert);
/* The alert is the revision-th of its incident, 2 or more: its event.id is another, and the incident's the same. */
void alert_revise(struct record *alert, unsigned revision);

/* alert_rests_on: behind alert_make, for the session that completed it, and alert_incident: the sessions are all that a
 * correlation rests on, in their order. */
void alert_rests_on(const struct correlated *found, struct record *alert);

/* alert_make_stats: the same for what a rule about stats events found: without a session, its addresses and packets.
 * since   when it began, ns     now  time of this stats event
 * closed  it is over: revision 2 of the alert
 * The incident is a hash of since and the rule's id. */
void alert_make_stats(const struct rules *rules, const struct record *stats, const struct finding *finding, int64_t since,
		      int64_t now, bool closed, struct record *alert);
/* alert_make_posture: the same for a rule about posture events. The incident is a hash of the domain, since, and the rule's id. */
void alert_make_posture(const struct rules *rules, const struct record *posture, const struct finding *finding, int64_t since,
			int64_t now, bool closed, struct record *alert);
#endif
