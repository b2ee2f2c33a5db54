/* rule_settings: see rule_settings.h. A closed grammar: what is not in it is an error. It knows what a setting looks like;
 * what follows from it is in judge/rule.c and judge/alert.c. */
#include "rule_settings.h"

#include "node_read.h"
#include "rule_set.h"

/* The rule's detection, as far as settings speak of it. */
struct detection {
	struct selection *sel;
	const struct expr *condition;
};

/* "30m" */
static bool suppress_read(struct error *e, const struct node *n, uint32_t *out)
{
	uint32_t v = 0, unit = 0;
	size_t i = 0;
	for (; n->kind == NODE_SCALAR && i < n->text.n && i < 6 && n->text.p[i] >= '0' && n->text.p[i] <= '9'; i++)
		v = v * 10 + (uint32_t)(n->text.p[i] - '0');
	if (i > 0 && i + 1 == n->text.n)
		unit = n->text.p[i] == 's' ? 1 : n->text.p[i] == 'm' ? 60 : n->text.p[i] == 'h' ? 3600 :
		       n->text.p[i] == 'd' ? 86400 : 0;
	if (unit == 0 || v == 0 || v > 31536000 / unit)
		return node_error(e, n, "a time like 30m: a number and s, m, h or d, at most a year");
	*out = v * unit;
	return true;
}

static bool floor_read(struct error *e, const struct node *map, struct rule *rule)
{
	if (map->kind != NODE_MAP)
		return node_error(e, map, "floor is a map of expectation: level");
	for (const struct node *v = map->first; v; v = v->next) {
		uint8_t expect;
		if (!word_read(e, v->key, "expectation", F_expect, &expect) || !level_read(e, v, &rule->floor[expect]))
			return false;
	}
	return true;
}

static bool shift_one(struct rules *r, struct error *e, const struct node *n, const struct detection *d, struct rule *rule)
{
	static const char *const parts[] = { "by", "of", "when", "why" };
	struct rule_shift *s = &rule->shift[rule->shifts];
	struct compiler *c = &owner_of(r)->compiler;
	if (!known_keys(e, n, parts, COUNT(parts)))
		return false;
	const struct node *by = node_get(n, "by"), *when = node_get(n, "when"), *why = node_get(n, "why");
	const struct node *of = node_get(n, "of");
	if (!by || !when || !why)
		return node_error(e, n, "a shift is {by: -1, when: SELECTION, why: TEXT}, and of: certainty where it is not of the level");
	if (of && !node_is(of, "certainty") && !node_is(of, "level"))
		return node_error(e, of, "of is level or certainty");
	bool sign = by->text.n == 2 && (by->text.p[0] == '-' || by->text.p[0] == '+');
	struct bytes steps = bytes_skip(by->text, sign);
	if (by->kind != NODE_SCALAR || steps.n != 1 || steps.p[0] < '1' || steps.p[0] >= '0' + level_COUNT)
		return node_error(e, by, "by is 1 to 4, or -1 to -4");
	struct selection *found = when->kind == NODE_SCALAR ? selection_find(d->sel, when->text) : NULL;
	if (!found)
		return node_error(e, when, "when names a selection of this rule's detection");
	s->by = (int8_t)(by->text.p[0] == '-' ? '0' - steps.p[0] : steps.p[0] - '0');
	s->certainty = of && node_is(of, "certainty");
	rule->shifts++;
	return text_read(e, why, 200, &s->why) && expr_lint(c, found->expr, d->condition) &&
	       expr_emit(c, found->expr, &s->start);
}

static bool shift_read(struct rules *r, struct error *e, const struct node *list, const struct detection *d, struct rule *rule)
{
	if (list->kind != NODE_LIST)
		return node_error(e, list, "a list belongs here");
	for (const struct node *n = list->first; n; n = n->next) {
		if (rule->shifts == RULE_SHIFTS)
			return node_error(e, n, "more than %d shifts", RULE_SHIFTS);
		if (!shift_one(r, e, n, d, rule))
			return false;
	}
	return true;
}

static bool sentences_read(struct error *e, const struct node *list, struct rule *rule)
{
	if (list->kind != NODE_LIST)
		return node_error(e, list, "text is a list of sentences");
	for (const struct node *n = list->first; n; n = n->next) {
		if (rule->texts == RULE_TEXTS)
			return node_error(e, n, "more than %d sentences", RULE_TEXTS);
		if (!sentence_read(e, n, rule->service, &rule->text[rule->texts++]))
			return false;
	}
	return true;
}

static bool levels_read(struct error *e, const struct node *n, struct rule *rule)
{
	if (node_is(n, "matrix")) {
		rule->fixed = RULE_NO_LEVEL;
		return true;
	}
	return level_read(e, n, &rule->fixed);
}

static bool evidence_read(struct error *e, const struct node *n, struct rule *rule)
{
	rule->evidence = node_is(n, "true");
	return rule->evidence || node_is(n, "false") || node_error(e, n, "evidence is true or false");
}

enum own_key {
	O_FINDING, O_VARIANT, O_CERTAINTY, O_VERDICT, O_LEVELS, O_BASE, O_FLOOR, O_CAP, O_SHIFT, O_OWN, O_SUPPRESS,
	O_EVIDENCE, O_SEGMENT, O_TEXT, O_APART, O_SILENT, OWN_KEYS
};
static const char *const own_keys[OWN_KEYS] = {
	"finding", "variant", "certainty", "verdict", "levels", "base", "floor", "cap", "shift", "own", "suppress",
	"evidence", "segment", "text", "apart", "silent",
};

static bool own_key(struct rules *r, struct error *e, enum own_key key, const struct node *v,
		    const struct detection *d, struct rule *rule)
{
	switch (key) {
	case O_FINDING:
		return id_read(e, v, &rule->finding);
	case O_VARIANT:
		return id_read(e, v, &rule->variant);
	case O_CERTAINTY:
		return word_read(e, v, "certainty", F_certainty, &rule->certainty);
	case O_VERDICT:
		return word_read(e, v, "verdict", F_verdict, &rule->verdict);
	case O_LEVELS:
		return levels_read(e, v, rule);
	case O_BASE:
		return level_read(e, v, &rule->base);
	case O_FLOOR:
		return floor_read(e, v, rule);
	case O_CAP:
		return level_read(e, v, &rule->cap);
	case O_SHIFT:
		return shift_read(r, e, v, d, rule);
	case O_OWN:
		return level_read(e, v, &rule->own);
	case O_SUPPRESS:
		return suppress_read(e, v, &rule->suppress_s);
	case O_EVIDENCE:
		return evidence_read(e, v, rule);
	case O_SEGMENT:
		return word_read(e, v, "segment", F_segment, &rule->segment);
	case O_TEXT:
		return sentences_read(e, v, rule);
	case O_APART: /* rule_correlate reads it */
		return rule->correlates || node_error(e, v, "apart belongs to correlations");
	case O_SILENT:
		rule->silent = node_is(v, "true");
		return rule->silent || node_is(v, "false") || node_error(e, v, "silent is true or false");
	case OWN_KEYS:
		break;
	}
	return true;
}

/* A cap below what the rule promises elsewhere is a mistake in one of the two. */
static bool under_cap(struct error *e, const struct node *map, const struct rule *rule)
{
	static const char *const least[] = { "base", "own", "floor" };
	for (size_t i = 0; i < COUNT(least); i++) {
		const struct node *n = node_get(map, least[i]);
		uint8_t most = i == 0 ? rule->base : rule->own;
		for (unsigned x = 0; i == 2 && x < expect_COUNT; x++)
			most = x == 0 || rule->floor[x] > most ? rule->floor[x] : most;
		if (n && most > rule->cap)
			return node_error(e, n->key, "%s is above cap: %s", least[i], fact_table[F_alert_level].words[rule->cap]);
	}
	return true;
}

/* What only sessions have: promises, sides, a verdict, packets. */
static bool of_sessions(struct error *e, const struct node *map, const struct rule *rule)
{
	static const char *const keys[] = { "verdict", "floor", "own", "evidence", "segment" };
	const struct node *levels = node_get(map, "levels");
	for (size_t i = 0; rule->service != IN_SESSION && i < COUNT(keys); i++)
		if (node_get(map, keys[i]))
			return node_error(e, node_get(map, keys[i])->key, "%s belongs to rules about sessions", keys[i]);
	if (rule->service != IN_SESSION && levels && node_is(levels, "matrix"))
		return node_error(e, levels, "the matrix is for sessions; a rule about %s has one level", service_text(rule->service));
	return true;
}

bool settings_read(struct rules *r, struct error *e, const struct node *map, struct selection *sel,
		   const struct expr *condition, struct rule *rule)
{
	const struct detection d = { sel, condition };
	rule->fixed = rule->sigma_level;
	if (!map)
		return true;
	if (!known_keys(e, map, own_keys, OWN_KEYS) || !of_sessions(e, map, rule))
		return false;
	for (unsigned k = 0; k < OWN_KEYS; k++) {
		const struct node *v = node_get(map, own_keys[k]);
		if (v && !own_key(r, e, (enum own_key)k, v, &d, rule))
			return false;
	}
	if (rule->fixed != RULE_NO_LEVEL && node_get(map, "base"))
		return node_error(e, node_get(map, "base")->key, "base belongs to levels: matrix");
	return under_cap(e, map, rule);
}
