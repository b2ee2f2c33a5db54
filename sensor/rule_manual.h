/* rule_manual: mxwitness-findings(7), from the rules. */
#ifndef RULE_MANUAL_H
#define RULE_MANUAL_H
#include <stdio.h>

#include "judge/rule.h"

void rule_manual(const struct rules *rules, struct rule_scratch *s, FILE *out);
#endif
