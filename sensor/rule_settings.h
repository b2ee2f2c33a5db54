/* rule_settings: what stands under `mxwitness:` in a rule: finding, certainty, levels, text and the rest. */
#ifndef RULE_SETTINGS_H
#define RULE_SETTINGS_H
#include "judge/rule.h"
#include "rule_condition.h"

/* settings_read: the map, NULL when there is none, into rule; its other keys were read before. Without settings a rule has
 * its Sigma level and is an indication.
 * sel        selections of the rule's detection, for `shift`
 * condition  its condition, which holds wherever a shift is asked for */
bool settings_read(struct rules *rules, struct error *e, const struct node *map, struct selection *sel,
		   const struct expr *condition, struct rule *rule);
#endif
