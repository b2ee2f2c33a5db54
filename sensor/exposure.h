/* exposure: what a link saw of each mail domain on each day, counted as RFC 8460 counts: for the operator. A sensor that only listens is
 * no sender and sends no reports; what it could not see it counts on neither side. Does no input or output; bounded. */
#ifndef EXPOSURE_H
#define EXPOSURE_H
#include "judge/rule.h"
#include "record.h"
#include "text.h"

/* POLICIES  rows of day, domain, promise and host     FAILURES  rows of result, addresses and finding, of all of these
 * DOMAINS   of one session that are counted           REPORT    octets of one report at most */
enum { EXPOSURE_POLICIES = 16384, EXPOSURE_FAILURES = 65536, EXPOSURE_DOMAINS = 8, EXPOSURE_REPORT = 4 << 20 };

struct exposure;

/* What counts did not fit, and sessions that were for nobody who is known. */
struct exposure_counts {
	uint64_t sessions, undecided, nameless, left_out;
};

/* rules: tell which result type a finding has (RFC 8460 4.3); they stay the caller's. NULL: no memory. */
struct exposure *exposure_new(const struct rules *rules);
void exposure_free(struct exposure *x);
/* A judged session that is over. It succeeded where TLS came about as the promise asks, failed where a finding says so that has a result
 * type, and is undecided otherwise. */
void exposure_session(struct exposure *x, const struct record *session);
struct exposure_counts exposure_counts(const struct exposure *x);
/* Puts all in the order of domain, day, promise and host; to be called once, behind the last session. */
void exposure_sort(struct exposure *x);
/* Appends the next report (one domain, one day) as a line of JSON, shaped as RFC 8460 4.4 says. organization, contact: as they stand
 * there. from: where to begin, 0 at first; it is moved on. false: there is no more, or no room (out->full). */
bool exposure_report(const struct exposure *x, const char *organization, const char *contact, size_t *from, struct text *out);
#endif
