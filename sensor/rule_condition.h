/* rule_condition: the `condition:` of a detection or a filter: Sigma's words between selections. */
#ifndef RULE_CONDITION_H
#define RULE_CONDITION_H
#include "rule_expr.h"

enum { CONDITION_DEPTH = 32, CONDITION_TERMS = 128 };

/* name NULL at the end of the list. used: by the condition, or by who asked for it. */
struct selection {
	const char *name;
	const struct node *at;
	struct expr *expr;
	bool used;
};

/* The selection of that name, marked as used, or NULL. */
struct selection *selection_find(struct selection *sel, struct bytes name);
/* condition_read: a condition, or a list of them of which one must hold, over the selections. NULL: the error is said. */
struct expr *condition_read(struct compiler *c, const struct node *at, struct selection *sel);
/* Words of conditions, which no selection may be called; octets of a selection's name, and *. */
bool condition_keyword(struct bytes word);
bool condition_octet(uint8_t octet);
#endif
