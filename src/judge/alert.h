/* alert: a finding and its session as one alert event. */
#ifndef JUDGE_ALERT_H
#define JUDGE_ALERT_H
#include "judge/rule.h"

/* alert_make: what event_alert (event.h) does not set: the session's facts that belong to alerts, rule.*,
 * threat.technique.id, event.action severity risk_score reason id, message, certainty, variant, tlsrpt, alert.*.
 * session  as rules_judge left it
 * alert    empty (record_init); overwritten. mxwitness.alert.incident is a hash of the session's id and the finding
 *          id, event.id one of the incident and revision 1: the same packets give the same ids. */
void alert_make(const struct rules *rules, const struct record *session, const struct finding *finding,
		struct record *alert);
/* The alert is the revision-th of its incident, 2 or more: its event.id is another, and the incident's the same. */
void alert_revise(struct record *alert, unsigned revision);
#endif
