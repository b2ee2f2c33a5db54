/* rule_file: the files under rules/ as compiled rules. A strict subset of Sigma over session events; whatever is
 * outside it is an error that names file, line and column. mxwitness-rules(5) */
#ifndef RULE_FILE_H
#define RULE_FILE_H
#include "error.h"
#include "judge/rule.h"

/* rules_load: all *.yaml and *.yml of a folder, in the order of their names; severity.yaml and verdict.yaml must be
 * among them. NULL: e says which file, where in it, and what would be right. Free with rules_free. */
struct rules *rules_load(const char *dir, struct error *e);
void rules_free(struct rules *rules);

/* The same from memory, for tests: an empty set; one file more (path is for messages and decides what the file is);
 * the checks over all files. After a false the set is only good for rules_free. */
struct rules *rules_new(struct error *e);
bool rules_add(struct rules *rules, const char *path, struct bytes content, struct error *e);
bool rules_finish(struct rules *rules, struct error *e);
#endif
