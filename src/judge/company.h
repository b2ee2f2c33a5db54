/* company: what the sessions around one say about its findings: is it the first of its kind (detections.md 0.4, footnote 1), is it
 * everyday traffic (F.3, ambient classes), and whose part of the path is it that changes things (F.4, attribution).
 *
 * Bounded, in memory that is taken once; keyed by hashes. Time is that of the packets. One judge owns it. */
#ifndef JUDGE_COMPANY_H
#define JUDGE_COMPANY_H
#include "judge/incident.h"
#include "judge/rows.h"

/* REPEATS       occurrences in COMPANY_HOUR from which a finding is no longer a first one
 * CLIENTS       client groups with the same finding at one server, from which the server's side is to blame
 * SERVERS       unrelated servers with the same finding for one client group, from which what they share is to blame
 * DESTINATIONS  servers that one client visits within an hour without mail: it looks around
 * PERIODS       equal times between the visits of a client that brings no mail: it looks whether the server is well */
enum { COMPANY_REPEATS = 3, COMPANY_CLIENTS = 3, COMPANY_SERVERS = 5, COMPANY_DESTINATIONS = 20, COMPANY_PERIODS = 4, COMPANY_KEPT = 8 };

/* A thing that was seen lately, and by which session. */
struct company_mark {
	uint64_t what, session;
	int64_t at;
};

/* The last marks under one key. */
struct company_marks {
	struct row row;
	struct company_mark mark[COMPANY_KEPT];
};

/* Servers that a client visited in this hour, and the last session in which it brought mail. */
struct company_client {
	struct row row;
	int64_t hour, mail;
	uint64_t server[COMPANY_DESTINATIONS];
	uint32_t servers, before;  /* in the hour before */
};

/* Visits of one client to one server. */
struct company_visits {
	struct row row;
	int64_t last, gap;
	uint32_t equal;
};

struct company {
	struct rows repeats, clients, visits, spread;
};

/* rows: of each kind. false: no memory. */
bool company_begin(struct company *c, size_t rows);
void company_end(struct company *c);

/* company_ambient: which classes this session is of; sets mxwitness.ambient. Needs the site's facts, the outcome and the history's. */
void company_ambient(const struct company *c, struct record *session);
/* company_repeated: findings of not-delivered sessions that are not the first of their kind get their level of the matrix: the third
 * in an hour, or from another client group. Proofs have it anyway. Returns how many changed. */
size_t company_repeated(const struct company *c, const struct rules *rules, struct rule_scratch *scratch, const struct site *site,
			const struct record *session, struct finding *finding, size_t n);
/* company_lower: levels by mxwitness.ambient and rules/ambient.yaml; proofs keep theirs. How many changed. */
size_t company_lower(const struct rules *rules, const struct record *session, struct finding *finding, size_t n);
/* company_attribute: sets attribution and its reason in each finding of level low or above. */
void company_attribute(const struct company *c, const struct site *site, const struct record *session, struct finding *finding,
		       size_t n);
/* company_learn: a final session with its findings; the same once more changes nothing. */
void company_learn(struct company *c, const struct site *site, const struct record *session, const struct finding *finding, size_t n);
#endif
