/* rule_expr: see rule_expr.h. An expression holds or does not; the linter and the index ask what follows from either, so
 * that a `not` needs no rewriting. The cheapest tests of an "and" are put first. It knows no fact but those that tell of
 * the coverage, and no finding. */
#include "rule_expr.h"

#include <stdlib.h>

static struct expr *expr_new(struct compiler *c, enum expr_kind kind, const struct node *at)
{
	struct expr *x = arena_take(c->arena, sizeof(*x));
	x->kind = kind;
	x->at = at;
	return x;
}

struct expr *expr_not(struct compiler *c, struct expr *kid, const struct node *at)
{
	struct expr *x = expr_new(c, EXPR_NOT, at);
	x->kid = arena_take(c->arena, sizeof(*x->kid));
	x->kid[0] = kid;
	x->kids = 1;
	return x;
}

struct expr *expr_many(struct compiler *c, enum expr_kind kind, const struct node *at, size_t n)
{
	struct expr *x = expr_new(c, kind, at);
	x->kid = arena_take(c->arena, (n ? n : 1) * sizeof(*x->kid));
	return x;
}

struct expr *expr_test(struct compiler *c, const struct node *at, enum fact f, enum rule_op op)
{
	struct expr *x = expr_new(c, EXPR_TEST, at);
	x->step.fact = (uint16_t)f;
	x->step.op = (uint8_t)op;
	return x;
}

const char *expr_fact_name(const char *name, char buf[96])
{
	size_t n = 0;
	for (; *name && n < 95; name++)
		if (*name != '[' && *name != ']')
			buf[n++] = *name;
	buf[n] = '\0';
	return buf;
}

static bool is_coverage(enum fact f)
{
	static const char prefix[] = "mxwitness.capture.";
	return f == F_smtp_ehlo_complete || strncmp(fact_table[f].name, prefix, sizeof(prefix) - 1) == 0;
}

static void coverage_join(struct coverage *a, const struct coverage *b, bool intersect)
{
	for (size_t i = 0; i < sizeof(a->seen) / sizeof(a->seen[0]); i++)
		a->seen[i] = intersect ? a->seen[i] & b->seen[i] : a->seen[i] | b->seen[i];
	a->capture = intersect ? a->capture && b->capture : a->capture || b->capture;
}

/* Does x hold only when all its kids do what they should? An "or" that does not hold is an "and" of denials. */
static bool is_joint(const struct expr *x, bool holds)
{
	return (x->kind == EXPR_AND) == holds;
}

struct coverage expr_coverage(const struct expr *x, bool holds)
{
	struct coverage v = { 0 };
	if (x->kind == EXPR_NOT)
		return expr_coverage(x->kid[0], !holds);
	if (x->kind == EXPR_TEST && holds) {
		v.seen[x->step.fact / 64] |= UINT64_C(1) << (x->step.fact % 64);
		v.capture = is_coverage((enum fact)x->step.fact);
	}
	if (x->kind == EXPR_TEST)
		return v;
	for (size_t i = 0; i < x->kids; i++) {
		struct coverage kid = expr_coverage(x->kid[i], holds);
		if (i == 0)
			v = kid;
		else
			coverage_join(&v, &kid, !is_joint(x, holds));
	}
	return v;
}

static uint64_t test_values(const struct step *step, enum fact f, bool holds)
{
	if (step->fact != f)
		return ~UINT64_C(0);
	if (step->op == OP_MASK)
		return holds ? step->u.set : ~step->u.set;
	if (step->op == OP_SEEN)
		return holds ? ~EXPR_UNSEEN : EXPR_UNSEEN;
	return holds ? ~EXPR_UNSEEN : ~UINT64_C(0);
}

uint64_t expr_values(const struct expr *x, enum fact f, bool holds)
{
	if (x->kind == EXPR_NOT)
		return expr_values(x->kid[0], f, !holds);
	if (x->kind == EXPR_TEST)
		return test_values(&x->step, f, holds);
	uint64_t v = is_joint(x, holds) ? ~UINT64_C(0) : 0;
	for (size_t i = 0; i < x->kids; i++) {
		uint64_t kid = expr_values(x->kid[i], f, holds);
		v = is_joint(x, holds) ? v & kid : v | kid;
	}
	return v;
}

/* filter: of a filter the condition, whose denial is what is looked at; NULL: of a rule. That a fact was not seen does
 * not excuse a filter's test of just that, either: only the coverage does. */
struct lint {
	struct compiler *c;
	const struct node *filter;
};

static bool lint_test(const struct lint *l, const struct expr *x, const struct node *at, const struct coverage *known)
{
	enum fact f = (enum fact)x->step.fact;
	bool seen = known->seen[f / 64] >> (f % 64) & 1;
	char buf[96];
	if (seen || known->capture || (x->step.op == OP_SEEN && !l->filter))
		return true;
	if (l->filter && f == F_corr_holds) /* what sessions show together comes of no packet that may be missing here */
		return true;
	expr_fact_name(fact_table[f].name, buf);
	if (!l->filter)
		return node_error(l->c->e, at, "under this not, \"%s\" may just not have been seen; add %s|exists: true or a "
				  "test of mxwitness.capture beside it", buf, buf);
	if (at == l->filter)
		return node_error(l->c->e, at, "this filter takes findings away where \"%s\" was just not seen; an exception is "
				  "written \"condition: not SELECTION\"", buf);
	return node_error(l->c->e, at, "this filter takes findings away where \"%s\" was just not seen; add %s%sa test of "
			  "mxwitness.capture beside it", buf, x->step.op == OP_SEEN ? "" : buf,
			  x->step.op == OP_SEEN ? "" : "|exists: true or ");
}

/* Every test that must fail (holds false) has beside it one that says that its fact was looked for.
 * at  the `not` above, for messages */
static bool lint(const struct lint *l, const struct expr *x, bool holds, const struct node *at,
		 const struct coverage *known)
{
	struct coverage inside = *known;
	if (x->kind == EXPR_TEST)
		return holds || lint_test(l, x, at, known);
	if (x->kind == EXPR_NOT)
		return lint(l, x->kid[0], !holds, x->at, known);
	if (is_joint(x, holds)) {
		struct coverage all = expr_coverage(x, holds);
		coverage_join(&inside, &all, false);
	}
	for (size_t i = 0; i < x->kids; i++)
		if (!lint(l, x->kid[i], holds, at, &inside))
			return false;
	return true;
}

bool expr_lint(struct compiler *c, const struct expr *condition, const struct expr *given)
{
	struct coverage known = { 0 };
	struct lint l = { c, NULL };
	if (given)
		known = expr_coverage(given, true);
	return lint(&l, condition, true, condition->at, &known);
}

bool expr_lint_filter(struct compiler *c, const struct expr *condition, const struct node *at)
{
	struct coverage nothing = { 0 };
	struct lint l = { c, at };
	return lint(&l, condition, false, at, &nothing);
}

static unsigned cost(const struct expr *x)
{
	unsigned sum = 0;
	if (x->kind == EXPR_TEST)
		return x->step.op == OP_MASK && fact_table[x->step.fact].type < T_LSTR ? 1 : x->step.op == OP_SEEN ? 2 :
		       x->step.op <= OP_GTE ? 3 : x->step.op == OP_RE ? 100 : x->step.op == OP_SAME ? 50 : 10;
	for (size_t i = 0; i < x->kids; i++) {
		unsigned one = cost(x->kid[i]);
		sum = sum + one < 100000 ? sum + one : 100000;
	}
	return sum + 1;
}

static bool step_add(struct compiler *c, const struct expr *x, uint32_t yes, uint32_t no, uint32_t *start)
{
	struct rules *r = c->rules;
	if (r->steps >= RULE_STEPS_MAX)
		return node_error(c->e, x->at, "the rules have more than %d tests together", RULE_STEPS_MAX);
	if (r->steps == c->step_cap || c->step_cap == 0) {
		c->step_cap = c->step_cap ? 2 * c->step_cap : 256;
		struct step *more = realloc(r->step, c->step_cap * sizeof(*more));
		if (!more)
			return node_error(c->e, x->at, "no memory");
		r->step = more;
	}
	*start = (uint32_t)r->steps;
	r->step[r->steps] = x->step;
	r->step[r->steps].yes = yes;
	r->step[r->steps++].no = no;
	return true;
}

/* The kids, the cheapest first; equals keep their order. */
static const struct expr **by_cost(struct compiler *c, const struct expr *x)
{
	const struct expr **kid = arena_take(c->arena, x->kids * sizeof(*kid));
	unsigned *price = arena_take(c->arena, x->kids * sizeof(*price));
	for (size_t i = 0; i < x->kids; i++) {
		unsigned p = cost(x->kid[i]);
		size_t at = i;
		for (; at > 0 && price[at - 1] > p; at--) {
			kid[at] = kid[at - 1];
			price[at] = price[at - 1];
		}
		kid[at] = x->kid[i];
		price[at] = p;
	}
	return kid;
}

/* Steps are written from the last to the first, so that where a step leads to is known, and is lower. */
static bool emit(struct compiler *c, const struct expr *x, uint32_t yes, uint32_t no, uint32_t *start)
{
	if (x->kind == EXPR_TEST)
		return step_add(c, x, yes, no, start);
	if (x->kind == EXPR_NOT)
		return emit(c, x->kid[0], no, yes, start);
	const struct expr **kid = by_cost(c, x);
	*start = x->kind == EXPR_AND ? yes : no;
	for (size_t i = x->kids; i-- > 0;) {
		bool ok = x->kind == EXPR_AND ? emit(c, kid[i], *start, no, start) : emit(c, kid[i], yes, *start, start);
		if (!ok)
			return false;
	}
	return true;
}

bool expr_emit(struct compiler *c, const struct expr *expr, uint32_t *start)
{
	if (c->rules->steps < STEP_FIRST) {
		struct expr answer = { .kind = EXPR_TEST };
		uint32_t at;
		while (c->rules->steps < STEP_FIRST)
			if (!step_add(c, &answer, STEP_NO, STEP_NO, &at))
				return false;
	}
	return emit(c, expr, STEP_YES, STEP_NO, start);
}
