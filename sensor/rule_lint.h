/* rule_lint: what is wrong with rule files, all of it at once, and what is doubtful. */
#ifndef RULE_LINT_H
#define RULE_LINT_H
#include <stdio.h>

#include "error.h"
#include "judge/rule.h"

struct rule_lint_result {
	unsigned files, rules, errors, warnings;
};

/* rule_lint_run: reads n files, or the YAML files of folders, as the rules of one set, and tells on out of one error a
 * document and of every warning, as file:line:column: message. When severity.yaml and verdict.yaml are not both
 * among them, they are a site's own rules, on top of those of the folder base.
 * false: something could not even be begun; e says what. */
bool rule_lint_run(char *const *paths, int n, const char *base, FILE *out, struct rule_lint_result *result,
		   struct error *e);
/* Can a walk from start end in a yes, as far as contradictions between tests of one fact show? False is certain. */
bool rule_lint_reaches(const struct rules *rules, uint32_t start);
#endif
