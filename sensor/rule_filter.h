/* rule_filter: Sigma's filter documents: exceptions from rules, in files of their own. */
#ifndef RULE_FILTER_H
#define RULE_FILTER_H
#include "judge/rule.h"
#include "yaml_tree.h"

/* filter_document: compiles one; the rules it names may come later. */
bool filter_document(struct rules *rules, struct error *e, const struct node *doc);
/* filters_finish: gives each rule its filters. false: a filter names a rule that there is not. */
bool filters_finish(struct rules *rules, struct error *e);
#endif
