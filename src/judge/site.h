/* site: what the operator said about the place: which networks are his own, and where the sensor stands. */
#ifndef JUDGE_SITE_H
#define JUDGE_SITE_H
#include "record.h"

enum { SITE_NETWORKS = 64 };

/* base  the network's address; bits behind the prefix are zero
 * bits  length of the prefix: 0..32 for v 4, 0..128 for v 6 */
struct cidr {
	struct addr base;
	uint8_t bits;
};

/* networks  entries of own in use; none: nothing is known to be the site's own, directions stay unknown */
struct site {
	struct cidr own[SITE_NETWORKS];
	uint32_t networks;
	enum vantage vantage;
};

/* site_network: "192.0.2.0/24", "2001:db8::/32" or one address, as text, into *out. False: not an address, or a
 * prefix longer than the address. Bits behind the prefix are cleared. */
bool site_network(struct bytes text, struct cidr *out);
/* site_add: one more own network. False: not a network, or SITE_NETWORKS are there already; *s is unchanged. */
bool site_add(struct site *s, struct bytes text);
/* site_own: is a in one of the site's own networks? */
bool site_own(const struct site *s, const struct addr *a);
#endif
