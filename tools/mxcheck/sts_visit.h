/* sts_visit: one domain's MTA-STS record and policy, asked for and kept (RFC 8461). */
#ifndef STS_VISIT_H
#define STS_VISIT_H
#include "https.h"
#include "mail_domain.h"
#include "sts_folder.h"

enum { VISIT_WHY = 640 };

/* What came of it.
 * VISIT_FETCHED    a policy was fetched, and is in the folder now
 * VISIT_UNCHANGED  the one in the folder is that of the TXT record, and holds for long enough
 * VISIT_NONE       no TXT record, and no policy that holds
 * VISIT_KEPT       no TXT record, but the policy in the folder holds: it counts until its end, whatever the DNS says
 * VISIT_FAILED     it could not be told, fetched or kept; why says what; a policy in the folder stays */
enum visit_result { VISIT_FETCHED, VISIT_UNCHANGED, VISIT_NONE, VISIT_KEPT, VISIT_FAILED };

/* What all visits of a run have in common.
 * inside   ask policy hosts at addresses of private networks too
 * ms       for each question, and for the page */
struct visit_means {
	const struct sts_folder *folder;
	const char *ca_file;
	uint16_t port;
	bool inside;
	int ms;
};

/* refetch  RFC 8460 4.3.2, REFETCH_NONE when nothing was fetched, or the fault is not the policy's
 * mode     enum stsmode; with until, max_age and id, of the policy that is in the folder now; until 0: there is none
 * why      of a failure and of what is odd; foreign octets may be in it
 * trail    what was asked and answered, for people */
struct visit {
	char domain[MAIL_DOMAIN_MAX + 1], id[STS_ID + 1], why[VISIT_WHY], trail[VISIT_WHY];
	enum visit_result result;
	enum sts_refetch refetch;
	uint8_t mode;
	uint32_t max_age;
	int64_t until;
};

/* What a thread needs for its visits, and may use again. */
struct visitor;
/* visitor_new: servers as for lookup_new. NULL: e. */
struct visitor *visitor_new(const char *servers, struct error *e);
void visitor_free(struct visitor *w);
/* sts_visit: v->domain, from mail_domain_read, is the question; the rest is the answer. now: ns since 1970. */
void sts_visit(struct visitor *w, const struct visit_means *m, int64_t now, struct visit *v);
#endif
