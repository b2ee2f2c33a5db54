/* m365: where a mail domain stands on its way to inbound DANE at Microsoft 365, by its MX RRset. The names of hosts only label a
 * state; what is secure was validated. */
#ifndef JUDGE_M365_H
#define JUDGE_M365_H
#include "judge/expectation.h"

/* One host of the MX RRset. state: enum host_state */
struct m365_mx {
	const char *name;
	uint16_t preference;
	uint8_t state;
};

/* signed_zone  the MX RRset is secure
 * ttl          the greatest TTL, in seconds, that the RRset was seen with since it was fetched last
 * lowered      that was much greater once, and the old one has run out
 * sts          enum stsmode of the policy that is known; strict: it is enforce, and each host is one of its own */
struct m365_set {
	const struct m365_mx *mx;
	size_t n;
	uint32_t ttl;
	bool signed_zone, lowered, strict;
	uint8_t sts;
};

/* Names of the two kinds of hosts: below mail.protection.outlook.com, and below mx.microsoft. */
bool m365_is_legacy(const char *host);
bool m365_is_new(const char *host);
/* The state; posturestate_generic where any host is of neither kind. */
enum posturestate m365_state(const struct m365_set *set);
#endif
