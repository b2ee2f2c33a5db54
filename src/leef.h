/* leef: an event as a line of the Log Event Extended Format, version 2.0 (QRadar). Six fields with bars between, then
 * pairs key=value with a tab behind each. Keys that QRadar knows are used for what they mean there; others are ours. */
#ifndef LEEF_H
#define LEEF_H
#include "record.h"
#include "text.h"

/* Appends r as one line with its newline, at most max octets (texts are shortened until it fits). false, and nothing
 * appended: it does not fit whatever is cut. */
bool leef_event(const struct record *r, size_t max, struct text *out);
#endif
