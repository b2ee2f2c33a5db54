/* rule_correlate: Sigma's correlation documents: rules over several sessions. mxwitness-rules(5) */
#ifndef RULE_CORRELATE_H
#define RULE_CORRELATE_H
#include "judge/correlate.h"
#include "yaml_tree.h"

/* correlation_document: keeps the document; its rules may come later. Its other keys were read as those of a rule. */
bool correlation_document(struct rules *rules, struct error *e, const struct node *doc);
/* correlations_finish: compiles them all. false: one is outside the subset, or names a rule or fact that there is not. */
bool correlations_finish(struct rules *rules, struct error *e);
#endif
