/* rule_page: one rule as an analyst reads it. */
#ifndef RULE_PAGE_H
#define RULE_PAGE_H
#include <stdio.h>

#include "judge/rule.h"

/* The page of one rule. Its detection is shown as it stands in its file, when that can be read. */
void rule_page(const struct rules *rules, struct rule_scratch *s, const struct rule *rule, FILE *out);
/* rule_page_wrap: text at blanks, each line behind indent blanks, within width columns; the first begins where
 * column says that the line is already, or at indent. Ends the line. */
void rule_page_wrap(FILE *out, const char *text, unsigned column, unsigned indent, unsigned width);
#endif
