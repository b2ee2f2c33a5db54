/* rule_page: one rule as an analyst reads it. */
#ifndef RULE_PAGE_H
#define RULE_PAGE_H
#include <stdio.h>

#include "judge/rule.h"

/* The page of one rule. Its detection is shown as it stands in its file, when that can be read. */
void rule_page(const struct rules *rules, struct rule_scratch *s, const struct rule *rule, FILE *out);
/* rule_page_shift: "two levels down", "one step of certainty up"; room for RULE_PAGE_SHIFT octets. */
enum { RULE_PAGE_SHIFT = 48 };
const char *rule_page_shift(const struct rule_shift *s, char buf[RULE_PAGE_SHIFT]);
/* rule_page_wrap: text at blanks, each line behind indent blanks, within width columns; the first begins where
 * column says that the line is already, or at indent. Ends the line. */
void rule_page_wrap(FILE *out, const char *text, unsigned column, unsigned indent, unsigned width);
#endif
