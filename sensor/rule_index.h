/* rule_index: which rules a session may match at all, by what it has seen: made once, after all files were read. */
#ifndef RULE_INDEX_H
#define RULE_INDEX_H
#include "judge/rule.h"

/* rules_index: fills rules->gate, gate_set, always, stats and posture from the conditions of the enabled rules. */
void rules_index(struct rules *rules);
#endif
