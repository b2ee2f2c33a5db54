/* inspection: findings that a device of the site's own is expected to cause (detections.md F.4): they are posture, told once a day for the
 * device, as long as they stay within what the site approved. */
#ifndef JUDGE_INSPECTION_H
#define JUDGE_INSPECTION_H
#include "judge/policy.h"
#include "judge/rule.h"

/* inspection_judge: needs mxwitness.policy.inspection* (policy_judge). A finding is the device's own when the session passed through it
 * within its scope, the finding is one that it may cause, and a certificate that was seen leads to the device's authority: its level
 * then ends at low, and attribution and device are set. Anything else that such a session has keeps its level, with a reason that says
 * what was not approved. How many levels changed. */
size_t inspection_judge(const struct policy *policy, const struct record *session, struct finding *finding, size_t n);
#endif
