/* anchor: trust anchors as text: the root's own, and the operator's file. */
#ifndef ANCHOR_H
#define ANCHOR_H
#include "bytes.h"
#include "error.h"

enum { ANCHOR_TEXT = 2048 };

/* The next record of zone file text at *p, on one line, without comments and parentheses, NUL-terminated, to rr of
 * cap octets. *line is counted on (start with 1); the record began at *at. false: no more, or rr is too small (then
 * **p is not 0). */
bool anchor_next(const char **p, unsigned *line, unsigned *at, char *rr, size_t cap);
/* Is all of text records of type DS or DNSKEY, and at least one? false: e names file, line and what is wrong. */
bool anchor_check(const char *text, const char *file, struct error *e);
/* The i-th of the root's own keys, as a DS record, and the seconds since 1970 from and until which it is valid
 * (as the root's publisher says). NULL: there are no more. */
const char *anchor_root(unsigned i, int64_t *from, int64_t *until);
#endif
