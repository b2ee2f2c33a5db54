/* kinship: what tells whether two servers are related: who seems to run them, and in which network they stand. Findings that
 * rest on several servers count only those that differ in both. */
#ifndef JUDGE_KINSHIP_H
#define JUDGE_KINSHIP_H
#include "record.h"

/* From the identity, the server's address and the end of the session the facts
 *   mxwitness.correlation.operator network clients day
 * The operator is the registered domain of the MX host (one label below a public suffix, as the list of libpsl has them), when
 * the confidence in it is medium or high; else the network, so that a server of unknown name is not taken for another's.
 * Call it behind expectation_finish. */
void kinship_judge(struct record *session);
/* kinship_domain: the registered domain of a name in lower case without its last dot; a part of name, or empty: it is a
 * public suffix itself, or longer than a name may be. */
struct bytes kinship_domain(struct bytes name);
/* kinship_local: is this an address that somebody else may have as well: a private (RFC 1918), shared (RFC 6598), link-local
 * (RFC 3927, RFC 4291) or unique local one (RFC 4193), or loopback? */
bool kinship_local(const struct addr *a);
#endif
