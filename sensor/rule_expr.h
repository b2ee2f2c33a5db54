/* rule_expr: the conditions of rules as trees: what they prove, what is wrong with them, and the steps they become. */
#ifndef RULE_EXPR_H
#define RULE_EXPR_H
#include "judge/rule.h"
#include "yaml_tree.h"

enum { RULE_STEPS_MAX = 65536 };

enum expr_kind { EXPR_TEST, EXPR_AND, EXPR_OR, EXPR_NOT };

/* at  where it stands in the file, for the linter's messages */
struct expr {
	enum expr_kind kind;
	const struct node *at;
	struct step step;
	struct expr **kid;
	size_t kids;
};

/* Facts that must have been seen when an expression holds; capture: it tests the coverage itself. */
struct coverage {
	uint64_t seen[(FACT_COUNT + 63) / 64];
	bool capture;
};

/* What compiling needs; steps and regular expressions are appended to rules.
 * service  IN_SESSION, IN_STATS or IN_POSTURE: which facts the document at hand may test */
struct compiler {
	struct rules *rules;
	struct arena *arena;
	struct error *e;
	struct rule_scratch *scratch;
	size_t step_cap, regex_cap;
	uint8_t service;
	bool findings;              /* the document may ask for what other rules found: it is only evaluated behind them */
};

/* Trees, in the compiler's arena. expr_many: an "and" or "or" with room for n kids: fill kid, and count in kids. */
struct expr *expr_test(struct compiler *c, const struct node *at, enum fact f, enum rule_op op);
struct expr *expr_not(struct compiler *c, struct expr *kid, const struct node *at);
struct expr *expr_many(struct compiler *c, enum expr_kind kind, const struct node *at, size_t n);
/* The name of a fact without the "[]" of its columns, in buf. */
const char *expr_fact_name(const char *name, char buf[96]);

/* What an expression proves to have been seen when it holds (holds false: when it does not). */
struct coverage expr_coverage(const struct expr *expr, bool holds);
/* The values that a yes-or-no fact or a word may have when an expression holds (or does not), as in OP_MASK, and
 * EXPR_UNSEEN: it may be unseen. */
#define EXPR_UNSEEN (UINT64_C(1) << 63)
uint64_t expr_values(const struct expr *expr, enum fact fact, bool holds);

/* expr_lint: every `not` needs a test beside it that says that the facts under it were looked for.
 * given  what holds where this is asked for, or NULL */
bool expr_lint(struct compiler *c, const struct expr *condition, const struct expr *given);
/* The same for a filter, whose condition takes findings away where it does not hold: it must hold wherever what it
 * tests was not seen. at: the condition in the file. */
bool expr_lint_filter(struct compiler *c, const struct expr *condition, const struct node *at);

/* expr_emit: appends the steps of an expression; *start is where a walk begins. */
bool expr_emit(struct compiler *c, const struct expr *expr, uint32_t *start);
#endif
