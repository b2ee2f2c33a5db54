/* freshness: is a cached MTA-STS policy the one that its domain has now? The TXT record of _mta-sts.DOMAIN says so (RFC 8461
 * 3.1), and is not authenticated: whoever can write it could end a promise by it, so it is told as a fact and no policy is
 * dropped for it.
 *
 *	freshness_start(f, session, held, n);
 *	while (freshness_next(f, &q))
 *		freshness_answer(f, &a);
 *	hint = freshness_hint(f, domain);
 */
#ifndef JUDGE_FRESHNESS_H
#define JUDGE_FRESHNESS_H
#include "judge/sts.h"
#include "question.h"

/* FRESHNESS_QUESTIONS  of one session: domains of more recipients are not asked about
 * FRESHNESS_ID         the ids of questions count from here */
enum { FRESHNESS_QUESTIONS = 8, FRESHNESS_ID = 1 << 20 };

/* Flat, no pointers. name: what is asked for; id: the policy's, id_n octets; fetched: ns, the policy; a denial on the link before
 * that is no news. at: how many have their answer. */
struct freshness_about {
	char name[NAME_MAX_TEXT + 1];
	uint8_t id_n;
	uint8_t id[STS_ID];
	int64_t fetched;
	struct sts_hint hint;
};
struct freshness {
	int64_t as_of;
	uint8_t n, at;
	struct freshness_about about[FRESHNESS_QUESTIONS];
};

/* freshness_start: asks about the policies in held[0, n), NULL where there is none, that hold at the session's start and
 * are of one of its recipient domains. Nothing of held is kept. */
void freshness_start(struct freshness *f, const struct record *session, const struct sts_held *const *held, size_t n);
/* freshness_next: the open question, the same until it is answered. false: there is none. */
bool freshness_next(const struct freshness *f, struct question *q);
/* freshness_answer: an answer that fits no open question by id, name and type is ignored. */
void freshness_answer(struct freshness *f, const struct answer *a);
/* freshness_hint: what is known of this domain; all zero: nothing. */
struct sts_hint freshness_hint(const struct freshness *f, struct bytes domain);
#endif
