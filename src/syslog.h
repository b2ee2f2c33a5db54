/* syslog: the header of a message of RFC 5424 and its structured data. What the message says stands behind it, in another
 * format, without a byte-order mark: receivers that read JSON find none behind one. Framing is the transport's. */
#ifndef SYSLOG_H
#define SYSLOG_H
#include "record.h"
#include "text.h"

/* What every receiver takes by its own defaults: rsyslog cuts behind 8096 octets. */
enum { SYSLOG_MESSAGE = 8096 };

/* Appends "<PRI>1 TIME HOST mxwitness - MSGID [SD] ", with the blank at its end. PRI is of the alert's level: informational and
 * all that is no alert 6, low 5, medium 4, high 3, critical 2 (RFC 5424 6.2.1). MSGID: alert, session, stats, posture.
 * facility  0 to 23
 * sd_id     name of the structured data, name@enterprise number; what cannot be one is "-": no structured data
 * host      HOST; NULL or empty: the event's observer.name; characters that cannot be in it are underscores
 * false, and nothing appended: no room. */
bool syslog_header(const struct record *r, unsigned facility, const char *sd_id, const char *host, struct text *out);
#endif
