/* outcome: what became of the mail of one session. */
#ifndef JUDGE_OUTCOME_H
#define JUDGE_OUTCOME_H
#include "record.h"

/* outcome_judge: from the wire facts, mxwitness.decrypted_mirror (site_judge) and mxwitness.dane.verdict
 * (expectation_finish, peer_judge) the facts
 *   mxwitness.outcome accepted delivery, event.outcome
 * session  in and out. Which session it is and how it was seen stays as it was; a session in which too much is
 *          missing gets `unknown`, never a guess. */
void outcome_judge(struct record *session);
#endif
