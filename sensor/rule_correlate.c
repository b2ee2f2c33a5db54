/* rule_correlate: see rule_correlate.h. Sigma's specification of correlation rules, as far as it can be answered while
 * sessions come: every condition must be one that more sessions make true. What the words make of sessions is in
 * judge/correlate.c. */
#include "rule_correlate.h"

#include "node_read.h"
#include "quantity.h"
#include "rule_set.h"

static const char *const types[] = { "event_count", "value_count", "temporal", "temporal_ordered" };

/* A number and its unit, as Sigma writes a timespan: s, m, h, d. At most 30 days. */
static bool timespan(struct error *e, const struct node *n, int64_t *ns)
{
	int64_t v = 0, unit = 0;
	size_t i = 0;
	for (; n->kind == NODE_SCALAR && i < n->text.n && i < 7 && n->text.p[i] >= '0' && n->text.p[i] <= '9'; i++)
		v = v * 10 + (n->text.p[i] - '0');
	if (i > 0 && i + 1 == n->text.n)
		unit = n->text.p[i] == 's' ? 1 : n->text.p[i] == 'm' ? 60 : n->text.p[i] == 'h' ? 3600 :
		       n->text.p[i] == 'd' ? 86400 : 0;
	if (unit == 0 || v == 0 || v > 30 * 86400 / unit)
		return node_error(e, n, "timespan is a time like 30m: a number and s, m, h or d, at most 30d");
	*ns = v * unit * 1000000000;
	return true;
}

static bool type(struct error *e, const struct node *n, uint8_t *out)
{
	for (uint8_t i = 0; n->kind == NODE_SCALAR && i < COUNT(types); i++)
		if (node_is(n, types[i])) {
			*out = i;
			return true;
		}
	return n->kind == NODE_SCALAR ? no_word(e, n, "type", types, COUNT(types)) :
	       node_error(e, n, "one word belongs here");
}

static bool fact_named(struct error *e, const struct node *n, uint16_t *out)
{
	enum fact f = n->kind == NODE_SCALAR ? fact_by_name(n->text) : FACT_COUNT;
	if (n->kind != NODE_SCALAR)
		return node_error(e, n, "the name of a fact belongs here");
	if (f == FACT_COUNT)
		return no_fact(e, n, n->text);
	if (!(fact_table[f].sets & IN_SESSION) || (fact_table[f].room == ROOM_EVENT && f != F_observer_name))
		return node_error(e, n, "\"%.*s\" is no fact of sessions", TEXT(n->text));
	*out = (uint16_t)f;
	return true;
}

/* The rules, and whether they stay findings by themselves. */
static bool members(struct rules *r, struct error *e, const struct node *map, struct correlation *k)
{
	const struct node *list = node_get(map, "rules"), *generate = node_get(map, "generate");
	bool alone = generate && node_is(generate, "true");
	if (generate && !alone && !node_is(generate, "false"))
		return node_error(e, generate, "generate is true or false");
	if (!list || list->kind != NODE_LIST || !list->first)
		return node_error(e, list ? list : map, "rules is a list of names or ids of rules");
	if (!texts_read(e, list, CORRELATE_RULES))
		return false;
	for (const struct node *n = list->first; n; n = n->next) {
		struct rule *rule = rules_named(r, n->text);
		if (!rule)
			return no_rule(r, e, n);
		if (rule->correlates || rule->service != IN_SESSION)
			return node_error(e, n, "\"%s\" is no rule about single sessions", rule->name);
		if (!alone && !rule->silent && rule->shipped && !r->rule[k->rule].shipped)
			return node_error(e, n, "this would silence the shipped rule \"%s\"; write generate: true", rule->name);
		for (unsigned m = 0; m < k->members; m++)
			if (k->member[m] == (uint32_t)(rule - r->rule))
				return node_error(e, n, "the rule stands here a second time");
		rule->part = rule->part || !alone;
		k->member[k->members++] = (uint32_t)(rule - r->rule);
	}
	if (k->type >= CORRELATE_TEMPORAL && k->members < 2)
		return node_error(e, list, "%s needs two rules or more", types[k->type]);
	return true;
}

/* An alias: for each rule, the fact that goes by this name. */
static bool aliased(struct rules *r, struct error *e, const struct node *alias, struct correlation *k, unsigned b)
{
	for (unsigned m = 0; m < k->members; m++) {
		const struct rule *rule = &r->rule[k->member[m]];
		const struct node *fact = alias->kind == NODE_MAP ? node_get(alias, rule->name) : NULL;
		fact = fact || alias->kind != NODE_MAP ? fact : node_get(alias, rule->uuid);
		if (!fact)
			return node_error(e, alias, "the alias names no fact for the rule \"%s\"", rule->name);
		if (!fact_named(e, fact, &k->by[m][b]))
			return false;
	}
	return k->members == node_children(alias) ||
	       node_error(e, alias, "the alias names a rule that is not under rules");
}

static bool group_by(struct rules *r, struct error *e, const struct node *map, struct correlation *k)
{
	const struct node *list = node_get(map, "group-by"), *aliases = node_get(map, "aliases");
	size_t used = 0;
	if (aliases && aliases->kind != NODE_MAP)
		return node_error(e, aliases, "aliases is a map of name: {rule: fact}");
	if (list && !texts_read(e, list, CORRELATE_BY))
		return false;
	for (const struct node *n = list ? list->first : NULL; n; n = n->next) {
		const struct node *alias = aliases ? node_get(aliases, (const char *)n->text.p) : NULL;
		unsigned b = k->bys++;
		used += alias != NULL;
		if (alias ? !aliased(r, e, alias, k, b) : !fact_named(e, n, &k->by[0][b]))
			return false;
		for (unsigned m = 1; !alias && m < k->members; m++)
			k->by[m][b] = k->by[0][b];
	}
	for (unsigned m = 0; m < k->members; m++) {
		unsigned lists = 0;
		for (unsigned b = 0; b < k->bys; b++)
			lists += fact_table[k->by[m][b]].type >= T_LSTR;
		if (lists > 1)
			return node_error(e, list, "group-by has more than one list");
	}
	return !aliases || used == node_children(aliases) || node_error(e, aliases, "an alias is not used under group-by");
}

static bool bound(struct error *e, const struct node *v, struct correlation *k)
{
	static const char *const ops[] = { "gt", "gte", "lt", "lte", "eq", "field" };
	uint64_t n;
	if (node_is(v->key, "field"))
		return true;
	if (node_is(v->key, "neq"))
		return node_error(e, v->key, "neq holds for nearly every session; write gte or eq");
	if (v->kind != NODE_SCALAR || quantity_count(v->text, &n) != QUANTITY_GOOD || n > CORRELATE_COUNT)
		return node_error(e, v, "a number up to %d belongs here", CORRELATE_COUNT);
	if (node_is(v->key, "gt") || node_is(v->key, "gte") || node_is(v->key, "eq"))
		k->least = (uint8_t)(n + node_is(v->key, "gt"));
	else if (!node_is(v->key, "lt") && !node_is(v->key, "lte"))
		return no_word(e, v->key, "condition", ops, COUNT(ops));
	if (node_is(v->key, "lt") && n == 0)
		return node_error(e, v, "nothing is less than 0");
	if (node_is(v->key, "lt") || node_is(v->key, "lte") || node_is(v->key, "eq"))
		k->most = (uint8_t)(n - node_is(v->key, "lt"));
	return true;
}

static bool condition(struct error *e, const struct node *map, struct correlation *k)
{
	const struct node *cond = node_get(map, "condition");
	k->most = UINT8_MAX;
	if (k->type >= CORRELATE_TEMPORAL)
		return !cond || node_error(e, cond, "%s has no condition here: all of its rules must match", types[k->type]);
	if (!cond || cond->kind != NODE_MAP)
		return node_error(e, cond ? cond : map, "condition is a map like {gte: 5}");
	for (const struct node *v = cond->first; v; v = v->next)
		if (!bound(e, v, k))
			return false;
	if (k->least == 0 || k->least > CORRELATE_COUNT || k->least > k->most)
		return node_error(e, cond, "a condition needs a least number (gt, gte or eq) of 1 to %d, not above its greatest: what "
				  "is absent cannot be found while sessions come", CORRELATE_COUNT);
	const struct node *field = node_get(cond, "field");
	if (k->type == CORRELATE_EVENTS)
		return !field || node_error(e, field->key, "field belongs to value_count");
	if (!field)
		return node_error(e, cond, "field is missing: the fact whose values are counted");
	for (unsigned m = 0; m < k->members; m++)
		if (!fact_named(e, field, &k->field[m]))
			return false;
	return true;
}

/* apart of mxwitness: the second fact in which counted sessions differ, or the facts that tell those of two rules apart. */
static bool apart(struct error *e, const struct node *doc, struct correlation *k)
{
	const struct node *own = node_get(doc, "mxwitness"), *facts = own ? node_get(own, "apart") : NULL;
	const bool temporal = k->type == CORRELATE_TEMPORAL && k->members == 2;
	if (facts && k->type != CORRELATE_VALUES && !temporal)
		return node_error(e, facts->key, "apart belongs to value_count, or to temporal with two rules");
	if (facts && facts->kind == NODE_LIST && !texts_read(e, facts, temporal ? CORRELATE_APART : 1))
		return false;
	for (const struct node *n = facts && facts->kind == NODE_LIST ? facts->first : facts; n; n = n == facts ? NULL : n->next)
		if (!fact_named(e, n, &k->apart[k->aparts++]))
			return false;
	return true;
}

static bool compile(struct rules *r, struct error *e, const struct node *map, struct correlation *k)
{
	static const char *const keys[] = { "type", "rules", "group-by", "timespan", "condition", "aliases", "generate" };
	if (!known_keys(e, map, keys, COUNT(keys)))
		return false;
	const struct node *kind = node_get(map, "type"), *span = node_get(map, "timespan");
	if (!kind || !span)
		return node_error(e, map, "%s is missing", kind ? "timespan" : "type");
	return type(e, kind, &k->type) && timespan(e, span, &k->window) && members(r, e, map, k) &&
	       group_by(r, e, map, k) && condition(e, map, k);
}

bool correlation_document(struct rules *r, struct error *e, const struct node *doc)
{
	struct owner *o = owner_of(r);
	const struct node *other = node_get(doc, "detection");
	other = other ? other : node_get(doc, "logsource");
	if (other)
		return node_error(e, other->key, "a correlation has no %.*s of its own", TEXT(other->key->text));
	struct correlation_wait *w = arena_take(&o->arena, sizeof(*w));
	*w = (struct correlation_wait){ .doc = doc, .next = NULL };
	*(o->correlations_end ? o->correlations_end : &o->correlations) = w;
	o->correlations_end = &w->next;
	return true;
}

bool correlations_finish(struct rules *r, struct error *e)
{
	size_t n = 0;
	for (const struct correlation_wait *w = owner_of(r)->correlations; w; w = w->next)
		n++;
	r->correlation = arena_take(&owner_of(r)->arena, (n + 1) * sizeof(*r->correlation));
	r->correlations = 0;
	for (size_t i = 0; i < r->count; i++)
		r->rule[i].part = r->rule[i].silent;
	for (const struct correlation_wait *w = owner_of(r)->correlations; w; w = w->next) {
		const struct rule *rule = rules_named(r, node_get(w->doc, "id")->text);
		if (!rule || !rule->correlates || rule->line != w->doc->line || rule->file != w->doc->path)
			continue; /* a site's own took its place */
		struct correlation *k = &r->correlation[r->correlations++];
		*k = (struct correlation){ .rule = (uint32_t)(rule - r->rule) };
		if (!compile(r, e, node_get(w->doc, "correlation"), k) || !apart(e, w->doc, k))
			return false;
	}
	return true;
}
