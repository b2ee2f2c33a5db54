/* rule_file: the files under rules/ as compiled rules. A strict subset of Sigma over session events; whatever is
 * outside it is an error that names file, line and column. mxwitness-rules(5) */
#ifndef RULE_FILE_H
#define RULE_FILE_H
#include "error.h"
#include "judge/rule.h"
#include "rule_site.h"

/* rules_load: all *.yaml and *.yml of a folder, in the order of their names; severity.yaml and verdict.yaml must be
 * among them. Then those of the site's own folder, and what else the site says (site may be NULL).
 * NULL: e says which file, where in it, and what would be right. Free with rules_free. */
struct rules *rules_load(const char *dir, struct rule_site *site, struct error *e);
void rules_free(struct rules *rules);

/* The same from memory, for tests and the linter: an empty set; one file more (path is for messages and decides what
 * the file is); from here on files are the site's own, and may replace what was there; the checks over all files, after
 * which the set can judge (after further files it must be done again). After a false the set is only good for rules_free. */
struct rules *rules_new(struct error *e);
bool rules_add(struct rules *rules, const char *path, struct bytes content, struct error *e);
void rules_own(struct rules *rules);
bool rules_finish(struct rules *rules, struct error *e);
#endif
