/* event: what every event says alike, and the sentence that sums up a session. */
#ifndef EVENT_H
#define EVENT_H
#include "record.h"

/* The sensor's name, for an event that has none yet; NULL: it is not known. Sessions get it before the rules look at them. */
void event_observer(struct record *event, const char *name);
/* Each sets the ECS fields that an event of its dataset has always (kind, category, type, dataset, observer, schema)
 * and its time, in a record whose other facts stand already. session also gets message. */
void event_session(struct record *session);
void event_alert(struct record *alert); /* of a session, of a watched domain, or of the sensor itself */
/* at  time of the last packet, ns; 0: no packet was seen. Also event.id: the same numbers at the same time are the same event. */
void event_stats(struct record *stats, int64_t at);
/* at  time of the look, ns. A state, or an event when mxwitness.posture.changed tells of more than a first look; also message. */
void event_posture(struct record *posture, int64_t at);
#endif
