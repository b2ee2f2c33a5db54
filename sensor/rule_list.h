/* rule_list: all rules, a row or a line each. */
#ifndef RULE_LIST_H
#define RULE_LIST_H
#include <stdio.h>

#include "judge/rule.h"

/* by_finding: one row a finding, its documents taken together: their span of certainty and of levels. */
void rule_list_table(const struct rules *rules, struct rule_scratch *s, bool by_finding, FILE *out);
/* One JSON object a line: all that the document says beside its detection, and the levels by expectation and outcome;
 * by_finding: the id, its variants, and the spans of the table. */
void rule_list_ndjson(const struct rules *rules, struct rule_scratch *s, bool by_finding, FILE *out);
#endif
