/* event_read: an event as a line of JSON, as json.h writes it, back to a record. json_event writes the same line of it again.
 *
 * What a line does not hold is lost: the certificates and packets that came with a session; octets that are no UTF-8, and
 * characters that turn a terminal round, which json.h replaces by U+FFFD (text that is longer for it than the fact may be is
 * cut once more); and of an event that was too long for a line what was cut from its lists and texts. mxwitness.truncated tells
 * of cuts. A column of nothing but empty texts is one again wherever its array has objects. */
#ifndef EVENT_READ_H
#define EVENT_READ_H
#include "record.h"

/* Overwrites r, which then is a possible record (record_check). Names and words that this version does not know, and values that
 * are not of a fact's type, are passed over. false: this is no JSON object, or longer than an event can be. */
bool event_read(struct bytes line, struct record *r);
#endif
