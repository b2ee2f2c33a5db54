/* promise: the session against what the DNS promised for it: identity, expectation and the DANE verdict as facts. */
#ifndef JUDGE_PROMISE_H
#define JUDGE_PROMISE_H
#include "judge/expectation.h"

/* promise_judge: what expectation_finish documents; e is read only. */
void promise_judge(const struct expectation *e, struct dane *d, struct record *session, struct bytes chain);
/* promise_doubts: the hosts (bit i: e->host[i]) whose records the certificate was held against, where the verdict is a
 * mismatch: their records of other times may tell why. */
uint32_t promise_doubts(const struct expectation *e, struct dane *d, const struct record *session, struct bytes chain);
/* One more expectation of the session, which is not the DNS's; the strongest stay first. */
void promise_add(struct record *session, enum expect promise);
/* That one is an expectation no more; what is left, or none, is the strongest. */
void promise_drop(struct record *session, enum expect promise);
/* promise_floor: to be called behind sts_judge: a policy that must be kept is a floor too, where DANE laid no higher one. */
void promise_floor(struct record *session);
#endif
