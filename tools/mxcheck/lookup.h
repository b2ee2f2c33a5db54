/* lookup: questions to the DNS, one after the other, through libunbound. Answers are not validated: MTA-STS rests on the
 * certificate of the policy host and not on the DNS (RFC 8461 10.2). */
#ifndef LOOKUP_H
#define LOOKUP_H
#include <netinet/in.h>

#include "error.h"
#include "judge/sts.h"

/* LOOKUP_RECORDS    TXT records that are kept; two of the right kind are as bad as many
 * LOOKUP_ADDRESSES  of one host that are kept */
enum { LOOKUP_RECORDS = 4, LOOKUP_ADDRESSES = 8, LOOKUP_WHY = 120 };

/* LOOKUP_NONE: the DNS says that there is none. LOOKUP_FAILED: it did not say, and why tells what happened. */
enum lookup_result { LOOKUP_FOUND, LOOKUP_NONE, LOOKUP_FAILED };

/* Records that begin with v=STSv1, each with its strings joined; one that is too long is cut to STS_TXT + 1 octets, so
 * that sts_txt_read sees that. */
struct lookup_txt {
	size_t n;
	struct bytes record[LOOKUP_RECORDS];
	uint8_t octets[LOOKUP_RECORDS][STS_TXT + 1];
};

struct lookup_addresses {
	size_t n;
	char text[LOOKUP_ADDRESSES][INET6_ADDRSTRLEN];
	size_t passed_over;      /* of this machine or of a private network */
};

struct lookup;

/* lookup_new: one for each thread that asks; made in the main thread.
 * servers  "ADDR[@PORT],..."; NULL: those of /etc/resolv.conf
 * NULL: e says what is wrong with servers, or that there is no memory. lookup_free takes NULL. */
struct lookup *lookup_new(const char *servers, struct error *e);
void lookup_free(struct lookup *l);

/* lookup_sts: TXT records of name. ms: how long to wait. why: LOOKUP_WHY octets. */
enum lookup_result lookup_sts(struct lookup *l, const char *name, int ms, struct lookup_txt *out, char why[LOOKUP_WHY]);
/* lookup_host: addresses of name, IPv4 before IPv6. inside: those of this machine and of private networks too
 * (RFC 6890); without it they are counted and passed over, for other people's DNS must not send us there. LOOKUP_FOUND
 * with n 0: there were only such. */
enum lookup_result lookup_host(struct lookup *l, const char *name, int ms, bool inside, struct lookup_addresses *out, char why[LOOKUP_WHY]);
/* lookup_inside: an IPv4 (n 4) or IPv6 (n 16) address that is of this machine, a private network, or for no single host. */
bool lookup_inside(struct bytes address);
#endif
