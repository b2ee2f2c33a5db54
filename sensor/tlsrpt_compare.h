/* tlsrpt_compare: failures that others report towards the own mail servers, held against the sessions that the sensor saw there (G4 of
 * the catalogue of detections): what was attempted and never came here, or failed here for some networks only, was interfered with
 * elsewhere on the path. */
#ifndef TLSRPT_COMPARE_H
#define TLSRPT_COMPARE_H
#include <stdio.h>

#include "judge/rule.h"
#include "tlsrpt_read.h"

/* ELSEWHERE  sessions came in that time, and none of that sender to that server
 * SELECTIVE  the same failure was seen, and sessions of other networks to the same server had none
 * SAME       the same failure was seen, and nobody's session was without one
 * WITHOUT    the sender's sessions were seen, without that failure
 * UNCOVERED  no session came in that time: the sensor did not look, or there was none
 * NAMELESS   the row names no sender, and nobody's session failed so */
enum tlsrpt_compared { TLSRPT_ELSEWHERE, TLSRPT_SELECTIVE, TLSRPT_SAME, TLSRPT_WITHOUT, TLSRPT_UNCOVERED, TLSRPT_NAMELESS };

/* A row and what was seen in its time.
 * all    sessions to own servers
 * seen   to its server (any own one, if it names none), of its sender (anybody, if it names none)
 * same   of seen, with its failure
 * good   to its server, of other networks, with TLS and without any failure */
struct tlsrpt_match {
	struct tlsrpt_row row;
	uint64_t all, seen, same, good;
};

/* A final session to the own servers, or one of which nobody said whose it is, held against n rows: the latter only counts where a row
 * names its server. */
void tlsrpt_compare(const struct rules *rules, const struct record *session, struct tlsrpt_match *m, size_t n);
enum tlsrpt_compared tlsrpt_compared(const struct tlsrpt_match *m);
/* Is that interference elsewhere, or with some only? */
bool tlsrpt_alarming(enum tlsrpt_compared c);
/* All rows, as a table or one JSON object a line. */
void tlsrpt_print(const struct tlsrpt_match *m, size_t n, bool ndjson, FILE *out);
#endif
