/* tlsrpt: what sessions come to in the words of RFC 8460: for each policy domain and day (UTC, of their ends) one report, as a sending
 * MTA would write it, for the operator who wants to know what he is exposed to. Nothing of it is sent. Opens nothing; bounded. */
#ifndef TLSRPT_H
#define TLSRPT_H
#include <stdio.h>

#include "judge/rule.h"
#include "sts_cache.h"

/* TLSRPT_REPORTS   domains and days, and TLSRPT_POLICIES, TLSRPT_ROWS of failure-details in all of them together
 * TLSRPT_IDS       sessions that are known again when they come twice
 * TLSRPT_DOMAIN    octets of a policy domain
 * TLSRPT_NAME      octets of a file name (RFC 8460 5.1), its end included */
enum { TLSRPT_REPORTS = 4096, TLSRPT_POLICIES = 16384, TLSRPT_ROWS = 65536, TLSRPT_IDS = 1 << 20, TLSRPT_DOMAIN = 200, TLSRPT_NAME = 256 };

/* What is to be reported, and in whose name. day: "YYYY-MM-DD", domain: NULL for all. sts: policies of mail domains, or NULL. */
struct tlsrpt_wish {
	const struct rules *rules;
	const struct sts_cache *sts;
	const char *day, *domain, *organization, *contact;
};

/* sessions  that were given, and of these:
 * interim   were not over          again   came before            foreign  are none of ours to others: inbound, internal, of others,
 * submission, or on another port
 * unnamed   had no mail domain and no MX host that a report could be about
 * other     were of another day or domain than was asked for
 * hosts     are told of under their MX host, as the mail domain was inside TLS
 * success, failure, unknown  the sessions that were counted so; unknown is in no number of a report
 * lost      found no room: their report tells of fewer     forgotten  came when there was no room to know them again */
struct tlsrpt_counts {
	uint64_t sessions, interim, again, foreign, unnamed, other, hosts, success, failure, unknown, lost, forgotten;
};

enum tlsrpt_result { TLSRPT_SUCCESS, TLSRPT_FAILURE, TLSRPT_UNKNOWN };

struct tlsrpt;

/* What is in wish is borrowed. NULL: no memory. */
struct tlsrpt *tlsrpt_new(const struct tlsrpt_wish *wish);
void tlsrpt_free(struct tlsrpt *t);
/* Counts a session, as session_line gives it. */
void tlsrpt_session(struct tlsrpt *t, const struct record *session);
const struct tlsrpt_counts *tlsrpt_counts(const struct tlsrpt *t);
/* All reports, one a line, ordered by domain and day. named: the name of its file and a tab in front of each. Returns how many. */
unsigned tlsrpt_write(struct tlsrpt *t, bool named, FILE *out);

/* tlsrpt_word: the RFC 8460 4.3 result type of a finding, by the rules' tags; NULL: it is none, or they do not know it. */
const char *tlsrpt_word(const struct rules *rules, struct bytes finding, struct bytes variant);
/* A finding of a session and what it is to a report; for its list, one after the other. */
struct tlsrpt_finding {
	struct bytes id, variant;
	int64_t certainty, level;
};
/* at: begins with zeros. false: there is no further one. */
struct tlsrpt_at {
	size_t id, variant, certainty, level;
};
bool tlsrpt_finding(const struct record *session, struct tlsrpt_at *at, struct tlsrpt_finding *f);
/* What became of TLS in a session. word, why: of TLSRPT_FAILURE, of the gravest finding that is a failure. */
enum tlsrpt_result tlsrpt_result(const struct rules *rules, const struct record *session, const char **word, struct tlsrpt_finding *why);
/* b as a string of JSON with its quotes; at most 1024 octets of it. */
void tlsrpt_string(FILE *out, struct bytes b);
#endif
