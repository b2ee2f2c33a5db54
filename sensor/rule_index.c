/* rule_index: see rule_index.h. A rule that cannot match without a certain fact, or without one of a few values of it,
 * stands in the set of that fact and value; a session only looks at the rules in the sets of what it has seen. Of the
 * facts that a rule needs the index takes the one that the fewest other rules need in that way: what many rules need,
 * most sessions have. Knows no fact by name, and owns nothing: the sets live in the arena of the rules. */
#include "rule_index.h"

#include "rule_set.h"

/* VALUES     of one fact
 * ANY_VALUE  rules by which a fact that must only be there is less telling than one that must have a value */
enum { VALUES = 64, ANY_VALUE = 3 };

/* How many rules need each fact with each value; of facts without values, [0]. */
struct popularity {
	uint32_t rules[FACT_COUNT][VALUES];
};

static bool has_values(enum fact f)
{
	return fact_table[f].type == T_TRI || fact_table[f].type == T_ENUM;
}

static bool needs(const struct rule *rule, enum fact f)
{
	return rule->need[f / 64] >> (f % 64) & 1;
}

/* The values of f with which the rule may match; of facts without values, bit 0. */
static uint64_t values_of(const struct rules *r, size_t i, enum fact f)
{
	return has_values(f) ? expr_values(owner_of(r)->condition[i], f, true) & ~EXPR_UNSEEN : 1;
}

static void count(struct rules *r, struct popularity *p)
{
	for (size_t i = 0; i < r->count; i++)
		for (unsigned f = 0; f < FACT_COUNT; f++) {
			uint64_t values = r->rule[i].enabled && needs(&r->rule[i], (enum fact)f) ? values_of(r, i, (enum fact)f) : 0;
			for (unsigned v = 0; v < VALUES; v++)
				p->rules[f][v] += values >> v & 1;
		}
}

/* The fact by which rule i is found, or FACT_COUNT when it needs none. */
static enum fact best(const struct rules *r, size_t i, const struct popularity *p)
{
	enum fact choice = FACT_COUNT;
	uint32_t least = UINT32_MAX;
	for (unsigned f = 0; f < FACT_COUNT; f++) {
		if (!needs(&r->rule[i], (enum fact)f))
			continue;
		uint64_t values = values_of(r, i, (enum fact)f);
		uint32_t worst = 0;
		for (unsigned v = 0; v < VALUES; v++)
			if (values >> v & 1 && p->rules[f][v] > worst)
				worst = p->rules[f][v];
		worst += has_values((enum fact)f) ? 0 : ANY_VALUE;
		if (worst < least) {
			least = worst;
			choice = (enum fact)f;
		}
	}
	return choice;
}

static uint16_t value_count(enum fact f)
{
	uint16_t n = 0;
	if (fact_table[f].type == T_TRI)
		return TRI_YES + 1;
	while (has_values(f) && fact_table[f].words[n])
		n++;
	return n;
}

/* The gate of a fact, a new one if there is none yet; sets counts the sets of all gates. */
static struct rule_gate *gate_of(struct rules *r, enum fact f, uint32_t *sets)
{
	for (size_t i = 0; i < r->gates; i++)
		if (r->gate[i].fact == f)
			return &r->gate[i];
	struct rule_gate *g = &r->gate[r->gates++];
	*g = (struct rule_gate){ .fact = (uint16_t)f, .values = value_count(f), .first = *sets };
	*sets += g->values ? g->values : 1;
	return g;
}

static void put(struct rules *r, size_t i, enum fact f, const struct rule_gate *g)
{
	uint64_t values = values_of(r, i, f);
	for (uint32_t v = 0; v < VALUES && v < (g->values ? g->values : 1u); v++)
		if (values >> v & 1)
			r->gate_set[(g->first + v) * r->set_words + i / 64] |= UINT64_C(1) << (i % 64);
}

void rules_index(struct rules *r)
{
	struct arena *arena = &owner_of(r)->arena;
	struct popularity *p = arena_take(arena, sizeof(*p));
	enum fact *by = arena_take(arena, (r->count + 1) * sizeof(*by));
	uint32_t sets = 0;
	r->set_words = (r->count + 63) / 64;
	r->always = arena_take(arena, (r->set_words + 1) * sizeof(*r->always));
	r->stats = arena_take(arena, (r->set_words + 1) * sizeof(*r->stats));
	r->posture = arena_take(arena, (r->set_words + 1) * sizeof(*r->posture));
	for (size_t i = 0; i < r->count; i++) {
		r->stats[i / 64] |= (uint64_t)(r->rule[i].service == IN_STATS) << (i % 64);
		r->posture[i / 64] |= (uint64_t)(r->rule[i].service == IN_POSTURE) << (i % 64);
	}
	r->gate = arena_take(arena, (FACT_COUNT + 1) * sizeof(*r->gate));
	count(r, p);
	for (size_t i = 0; i < r->count; i++) {
		by[i] = r->rule[i].enabled ? best(r, i, p) : FACT_COUNT;
		if (by[i] != FACT_COUNT)
			gate_of(r, by[i], &sets);
		else if (r->rule[i].enabled)
			r->always[i / 64] |= UINT64_C(1) << (i % 64);
	}
	r->gate_set = arena_take(arena, (sets * r->set_words + 1) * sizeof(*r->gate_set));
	for (size_t i = 0; i < r->count; i++)
		if (by[i] != FACT_COUNT)
			put(r, i, by[i], gate_of(r, by[i], &sets));
}
