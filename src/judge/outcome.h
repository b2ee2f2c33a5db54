/* outcome: what became of the mail of one session, and in which direction it went. */
#ifndef JUDGE_OUTCOME_H
#define JUDGE_OUTCOME_H
#include "judge/site.h"

/* outcome_judge: from the wire facts and mxwitness.dane.verdict (call it after expectation_finish) the facts
 *   mxwitness.outcome accepted delivery vantage own.client own.server, event.outcome, network.direction
 * site     own networks and vantage; directions are unknown without own networks
 * session  in and out. Which session it is and how it was seen stays as it was; a session in which too much is
 *          missing gets `unknown`, never a guess. */
void outcome_judge(const struct site *site, struct record *session);
#endif
