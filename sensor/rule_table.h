/* rule_table: severity.yaml and verdict.yaml: the levels by expectation and outcome, and the cases of the verdict. */
#ifndef RULE_TABLE_H
#define RULE_TABLE_H
#include "judge/rule.h"
#include "yaml_tree.h"

/* One document of such a file into rules. The tables are proven complete here: a level for every expectation, outcome
 * and delivery; a last case that holds for all that is left; no case that cannot be reached. */
bool severity_document(struct rules *rules, struct error *e, const struct node *doc);
bool verdict_document(struct rules *rules, struct error *e, const struct node *doc);
/* incident.yaml: the places of findings in a chain of causes; each finding stands once. */
bool incident_document(struct rules *rules, struct error *e, const struct node *doc);
/* ambient.yaml: what each class of everyday traffic makes of levels. */
bool ambient_document(struct rules *rules, struct error *e, const struct node *doc);
/* Every finding of the shipped rules about sessions has a place in incident.yaml, for the linter: at work those without one are apart. */
bool tables_placed(const struct rules *rules, struct error *e);
/* severity.yaml and verdict.yaml are there, and every verdict of a rule has its case. Rules get their places of incident.yaml. */
bool tables_finish(struct rules *rules, struct error *e);
#endif
