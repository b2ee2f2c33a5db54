/* watch_domain: a mail domain that the operator wants watched, as the configuration has it. */
#ifndef JUDGE_WATCH_DOMAIN_H
#define JUDGE_WATCH_DOMAIN_H
#include "record.h"

/* WATCH_DOMAINS  of one sensor      WATCH_EXPECT  MX hosts that one entry may expect */
enum { WATCH_DOMAINS = 4096, WATCH_EXPECT = 8 };

/* domain     dotted, lower case, no trailing dot
 * role       enum posturerole: whose it is
 * expect_mx  hosts that its MX RRset shall have, in the form of domain
 * dane_from  ns since 1970: from when on TLSA shall be there; 0: nothing is said */
struct watch_hosts {
	const char *const *at;
	size_t n;
};

struct watch_domain {
	const char *domain;
	struct watch_hosts expect_mx;
	int64_t dane_from;
	uint8_t role;
};

struct watch_domains {
	const struct watch_domain *at;
	size_t n;
};
#endif
