/* quantity: a size or a duration as the operator wrote it, "64MiB", "12h": a whole number and its unit, one space between
 * them at most. */
#ifndef QUANTITY_H
#define QUANTITY_H
#include "bytes.h"

/* BARE: a number without a unit, of which nobody knows what was meant. */
enum quantity { QUANTITY_GOOD, QUANTITY_BARE, QUANTITY_BAD };

/* Octets: B, KiB MiB GiB TiB (of 1024), kB MB GB TB (of 1000; KB is taken for kB). */
enum quantity quantity_size(struct bytes text, uint64_t *octets);
/* Milliseconds: ms, s, m (minutes), h, d. */
enum quantity quantity_duration(struct bytes text, uint64_t *ms);
/* A number of up to 18 digits and nothing else, no 0 in front. */
enum quantity quantity_count(struct bytes text, uint64_t *n);
#endif
