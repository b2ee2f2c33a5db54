/* eve: an event as a line of EVE JSON, for pipelines that expect Suricata's: its names where it has one for what we know, and beside them
 * our own, as in json.h, where it has none: message, event, rule, threat, mxwitness. An alert is event_type alert, a session smtp, or tls
 * where no dialogue was seen outside it, counters are stats, and the posture of a mail domain mxwitness, which Suricata does not know. */
#ifndef EVE_H
#define EVE_H
#include "record.h"
#include "text.h"

/* The first of the ids that alerts have as alert.signature_id: EVE_SID plus a number below EVE_SIDS that is made of rule.id: the same for
 * a rule everywhere and always, in the range that is free for local rules. */
enum { EVE_SID = 1000000, EVE_SIDS = 1000000 };

/* Appends r as one line with its newline, at most max octets (lists, then texts are shortened until it fits). false, and nothing
 * appended: it does not fit whatever is cut. */
bool eve_event(const struct record *r, size_t max, struct text *out);
#endif
