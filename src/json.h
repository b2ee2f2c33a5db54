/* json: the only writer of JSON: one record becomes one line, nested by the dots of the facts' names, in the order of
 * facts.def. Nothing is printed for what was not seen; there is no null. */
#ifndef JSON_H
#define JSON_H
#include "record.h"
#include "text.h"

enum { JSON_LINE = 16384, JSON_ALERT_LINE = 8192 };

/* Appends r as one object and a newline to out, at most max octets of it (lists, and then texts, are shortened until it
 * fits, and mxwitness.truncated is then true). false, and nothing appended: it does not fit whatever is cut. */
bool json_event(const struct record *r, size_t max, struct text *out);
/* The same for those facts only whose names begin with one of the prefixes (NULL behind the last), as further members of an object that
 * stands open in out with one at least, and is closed behind them. */
bool json_facts(const struct record *r, const char *const *prefixes, size_t max, struct text *out);
#endif
