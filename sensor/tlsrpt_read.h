/* tlsrpt_read: a report that somebody sent (RFC 8460 4.4), as rows of who failed to reach whom. Its octets come from strangers, and
 * nothing in it is believed further than that they said so. */
#ifndef TLSRPT_READ_H
#define TLSRPT_READ_H
#include "packet.h"

/* TLSRPT_OCTETS    of one report, unpacked: a longer one is none
 * TLSRPT_RECEIVED  rows of all reports together
 * TLSRPT_WITHIN    policies of one report, and rows */
enum { TLSRPT_OCTETS = 8 << 20, TLSRPT_RECEIVED = 16384, TLSRPT_WITHIN = 4096 };

/* One element of failure-details. What it does not say is "", an address of version 0.
 * domain, host  in lower case, without a dot at the end
 * from, to      ns since 1970: the report's time
 * failed        sessions; what is no number of 1 to 2^53 there is 1 */
struct tlsrpt_row {
	char organization[128], id[128], domain[256], host[256], type[64], reason[128];
	struct addr sender, receiver;
	int64_t from, to;
	uint64_t failed;
};

/* Appends the rows of a report to row, which has n of most. *cut: rows that found no room, or were no whole ones. false: it is no
 * report, row has as many as before, and why is constant text. */
bool tlsrpt_read(struct bytes text, struct tlsrpt_row *row, size_t *n, size_t most, size_t *cut, const char **why);
#endif
