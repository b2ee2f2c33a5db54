/* cef: an event as a line of the Common Event Format, version 0 (ArcSight, and whoever reads that: Sentinel, Graylog, Splunk). Seven fields
 * with bars between, then pairs key=value of a fixed dictionary; what it has no key for stands in its custom fields, each
 * with a label. Addresses of IPv6 stand in c6a2 and c6a3, for src and dst take those of IPv4 alone. */
#ifndef CEF_H
#define CEF_H
#include "record.h"
#include "text.h"

/* Appends r as one line with its newline, at most max octets (texts are shortened until it fits). false, and nothing
 * appended: it does not fit whatever is cut. */
bool cef_event(const struct record *r, size_t max, struct text *out);
#endif
