/* rule_detect: the `detection:` part of a rule, from nodes to steps. Sigma's language, strict: see mxwitness-rules(5).
 *
 * A selection becomes an expression; the condition combines them; the linter looks at expressions; steps come last. */
#ifndef RULE_DETECT_H
#define RULE_DETECT_H
#include "judge/rule.h"
#include "yaml_tree.h"

enum { RULE_STEPS_MAX = 65536, RULE_REGEX_OCTETS = 4096, CONDITION_DEPTH = 32, CONDITION_TERMS = 128 };

/* Facts that must have been seen when an expression holds; capture: it tests the coverage itself. */
struct coverage {
	uint64_t seen[(FACT_COUNT + 63) / 64];
	bool capture;
};

enum expr_kind { EXPR_TEST, EXPR_AND, EXPR_OR, EXPR_NOT };

/* at  where it stands in the file, for the linter's messages */
struct expr {
	enum expr_kind kind;
	const struct node *at;
	struct step step;
	struct expr **kid;
	size_t kids;
};

/* What compiling needs; steps and regular expressions are appended to rules. */
struct compiler {
	struct rules *rules;
	struct arena *arena;
	struct error *e;
	struct rule_scratch *scratch;
	size_t step_cap, regex_cap;
};

/* name NULL at the end of the list. used: by the condition, or by who asked for it. */
struct selection {
	const char *name;
	const struct node *at;
	struct expr *expr;
	bool used;
};

/* Reads the map into sel (in the arena, ended by a NULL name) and the condition into *out. false: e says why. */
bool detection_read(struct compiler *c, const struct node *map, struct selection **sel, struct expr **out);
/* The selection of that name, marked as used, or NULL. */
struct selection *selection_find(struct selection *sel, struct bytes name);
/* Every `not` needs a test beside it that says the facts under it were looked for; and every selection a use. */
bool detection_lint(struct compiler *c, const struct selection *sel, const struct expr *condition);
/* Appends the steps of an expression; *start is where a walk begins. */
bool detection_emit(struct compiler *c, const struct expr *expr, uint32_t *start);
/* What an expression proves to have been seen. */
struct coverage expr_coverage(const struct expr *expr);
#endif
