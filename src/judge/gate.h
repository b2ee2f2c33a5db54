/* gate: which judgements of a session could not be made, and what was missing for each. */
#ifndef JUDGE_GATE_H
#define JUDGE_GATE_H
#include "record.h"

/* gate_judge: from the wire facts (call it after site_judge and outcome_judge) the columns
 *   mxwitness.unknown[].what why
 * One entry a judgement, in the order of the words, and only where the judgement was due:
 *   offer         was STARTTLS offered? A session in clear in which EHLO was said, or may have been said
 *   use           was it asked for? A session in clear whose client was not seen whole, unless nothing was offered
 *   refusal       what was the answer to STARTTLS?
 *   content       did a message go in clear? A session in which TLS was not seen to stand and that was not seen whole,
 *                 and a decrypted copy
 *   negotiation   both hellos, once TLS began
 *   certificate   a certificate, taken or refused by the client, once TLS began; not for an anonymous suite
 *   interference  who ended it, or wrote twice: a RST, a conflict or a stall with too few packets to compare, or while the
 *                 sensor itself lost packets (mxwitness.capture.lossy)
 * No entry means that all of these could be judged, or had no occasion. */
void gate_judge(struct record *session);
#endif
