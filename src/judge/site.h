/* site: what the operator said about the place: which networks are his own, how they are seen from outside, where the
 * sensor stands, and what of its traffic is a decrypted copy. */
#ifndef JUDGE_SITE_H
#define JUDGE_SITE_H
#include "record.h"

enum { SITE_NETWORKS = 64, SITE_PATH = 1024, SITE_DNS_PORTS = 8 };

/* base  the network's address; bits behind the prefix are zero
 * bits  length of the prefix: 0..32 for v 4, 0..128 for v 6 */
struct cidr {
	struct addr base;
	uint8_t bits;
};

/* n  entries of net in use */
struct networks {
	struct cidr net[SITE_NETWORKS];
	uint32_t n;
};

/* own         none: nothing is known to be the site's own, directions stay unknown
 * seen_as     addresses that the site's clients have for others, behind address translation
 * mirror      where one end is in one of these, the session is the decrypted copy of an inspecting device
 * mirror_all  every session is
 * dns_port    where DNS is spoken besides port 53; ndns of them
 * ca_file     trusted certificates, PEM; empty: those of the system; "none": none */
struct site {
	struct networks own, seen_as, mirror;
	bool mirror_all;
	enum vantage vantage;
	uint16_t dns_port[SITE_DNS_PORTS];
	uint32_t ndns;
	char ca_file[SITE_PATH];
};

/* site_network: "192.0.2.0/24", "2001:db8::/32" or one address, as text, into *out. False: not an address, or a
 * prefix longer than the address. Bits behind the prefix are cleared. */
bool site_network(struct bytes text, struct cidr *out);
/* networks_add: one more network. False: not a network, or SITE_NETWORKS are there already; *s is unchanged. */
bool networks_add(struct networks *s, struct bytes text);
/* networks_have: is a in one of them? */
bool networks_have(const struct networks *s, const struct addr *a);
/* networks_find: the network that a is in, the one with the longest prefix; NULL: none. */
const struct cidr *networks_find(const struct networks *s, const struct addr *a);
/* site_prefix: the network of that prefix length that a is in. */
struct cidr site_prefix(const struct addr *a, uint8_t bits);
/* site_judge: from the addresses and mxwitness.smtp.greeted_address the facts
 *   network.direction, mxwitness.vantage own.client own.server decrypted_mirror smtp.greeted_as_other
 * Call it before expectation_finish and outcome_judge, which read decrypted_mirror.
 * greeted_as_other is unseen where address translation may explain the difference: without seen_as, and for a client
 * that is known to be none of the site's. */
void site_judge(const struct site *site, struct record *session);
#endif
