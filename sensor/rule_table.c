/* rule_table: see rule_table.h. The grammar of the two tables and the proofs that they leave no session out. It does not
 * know what an expectation, a level or a verdict means: their words are in words.def. */
#include "rule_table.h"

#include "node_read.h"
#include "rule_set.h"

static const struct node *own_value(const struct node *n, const char *key)
{
	return n->kind == NODE_MAP ? node_get(n, key) : NULL;
}

/* The levels of one cell by delivery: one level, or a map in which `else` stands for the deliveries it does not name. */
static bool deliveries(struct error *e, const struct node *n, uint8_t level[delivery_COUNT])
{
	const struct node *rest = n->kind == NODE_MAP ? node_get(n, "else") : n;
	bool have[delivery_COUNT] = { false };
	uint8_t l = level_informational, d;
	if (rest && !level_read(e, rest, &l))
		return false;
	memset(level, l, delivery_COUNT);
	for (const struct node *v = n->kind == NODE_MAP ? n->first : NULL; v; v = v->next) {
		if (v == rest || node_is(v->key, "first"))
			continue;
		if (!word_read(e, v->key, "delivery", F_delivery, &d) || !level_read(e, v, &level[d]))
			return false;
		have[d] = true;
	}
	for (d = 0; d < delivery_COUNT && !rest; d++)
		if (!have[d])
			return node_error(e, n, "no level for delivery \"%s\", and no else: LEVEL for the rest",
					  fact_table[F_delivery].words[d]);
	return true;
}

static bool cell(struct error *e, const struct node *n, uint8_t level[delivery_COUNT], uint8_t first[delivery_COUNT])
{
	uint8_t l;
	if (n->kind == NODE_LIST)
		return node_error(e, n, "a level, or a map with else: LEVEL, belongs here");
	if (!deliveries(e, n, level))
		return false;
	memcpy(first, level, delivery_COUNT);
	const struct node *once = own_value(n, "first");
	if (!once)
		return true;
	if (!level_read(e, once, &l))
		return false;
	memset(first, l, delivery_COUNT);
	return true;
}

static bool matrix_row(struct error *e, const struct node *row, struct severity *s, uint8_t expect)
{
	bool have[outcome_COUNT] = { false };
	if (row->kind != NODE_MAP)
		return node_error(e, row, "a row is a map of outcome: level");
	for (const struct node *n = row->first; n; n = n->next) {
		uint8_t o;
		if (!word_read(e, n->key, "outcome", F_outcome, &o) || !cell(e, n, s->level[expect][o], s->first[expect][o]))
			return false;
		have[o] = true;
	}
	for (unsigned o = 0; o < outcome_COUNT; o++)
		if (!have[o])
			return node_error(e, row, "the row of \"%s\" has no level for outcome \"%s\"",
					  fact_table[F_expect].words[expect], fact_table[F_outcome].words[o]);
	return true;
}

static bool matrix(struct error *e, const struct node *map, struct severity *s)
{
	bool have[expect_COUNT] = { false };
	if (map->kind != NODE_MAP)
		return node_error(e, map, "matrix is a map of expectation: row");
	for (const struct node *row = map->first; row; row = row->next) {
		uint8_t x;
		if (!word_read(e, row->key, "expectation", F_expect, &x) || !matrix_row(e, row, s, x))
			return false;
		have[x] = true;
	}
	for (unsigned x = 0; x < expect_COUNT; x++)
		if (!have[x])
			return node_error(e, map, "the matrix has no row for expectation \"%s\"", fact_table[F_expect].words[x]);
	return true;
}

static bool bound_read(struct error *e, const struct node *list, struct severity *s)
{
	if (list->kind != NODE_LIST)
		return node_error(e, list, "a list of expectations belongs here");
	for (const struct node *n = list->first; n; n = n->next) {
		uint8_t x;
		if (!word_read(e, n, "expectation", F_expect, &x))
			return false;
		s->bound[x] = true;
	}
	return true;
}

static bool identity_read(struct error *e, const struct node *map, struct severity *s)
{
	static const char *const parts[] = { "cap", "certainty" };
	const struct node *bound = own_value(map, "expectations");
	if (!bound)
		return node_error(e, map, "identity is a map with expectations: [...] and a line for each confidence");
	if (!bound_read(e, bound, s))
		return false;
	for (const struct node *n = map->first; n; n = n->next) {
		uint8_t k;
		if (n == bound)
			continue;
		if (!word_read(e, n->key, "confidence", F_id_confidence, &k) || !known_keys(e, n, parts, COUNT(parts)))
			return false;
		const struct node *cap = node_get(n, "cap"), *certainty = node_get(n, "certainty");
		if (!cap || !certainty)
			return node_error(e, n, "{cap: LEVEL, certainty: CERTAINTY} belongs here");
		if (!level_read(e, cap, &s->cap[k]) || !word_read(e, certainty, "certainty", F_certainty, &s->certainty[k]))
			return false;
	}
	for (const char *const *w = fact_table[F_id_confidence].words; *w; w++)
		if (!node_get(map, *w))
			return node_error(e, map, "identity has no line for confidence \"%s\"", *w);
	return true;
}

/* Is this table welcome: the first, or a site's in place of the shipped one? */
static bool take_table(struct rules *r, struct error *e, const struct node *doc, enum table_of *have, const char *what)
{
	enum table_of now = owner_of(r)->site ? TABLE_SITE : TABLE_SHIPPED;
	if (*have == now)
		return node_error(e, doc, "a second %s", what);
	*have = now;
	return true;
}

bool severity_document(struct rules *r, struct error *e, const struct node *doc)
{
	static const char *const parts[] = { "ruleset", "identity", "matrix" };
	if (!known_keys(e, doc, parts, COUNT(parts)))
		return false;
	for (size_t i = 0; i < COUNT(parts); i++)
		if (!node_get(doc, parts[i]))
			return node_error(e, doc, "%s is missing", parts[i]);
	if (!take_table(r, e, doc, &owner_of(r)->severity, "table of levels"))
		return false;
	r->severity = (struct severity){ 0 };
	return text_read(e, node_get(doc, "ruleset"), 32, &r->ruleset) &&
	       identity_read(e, node_get(doc, "identity"), &r->severity) && matrix(e, node_get(doc, "matrix"), &r->severity);
}

static bool by_finding(struct rules *r, struct error *e, const struct node *n, struct verdict_case *v)
{
	static const char *const parts[] = { "plain", "promised" };
	if (!known_keys(e, n, parts, COUNT(parts)))
		return false;
	const struct node *plain = node_get(n, "plain"), *promised = node_get(n, "promised");
	if (!plain || !promised)
		return node_error(e, n, "{plain: LEVEL, promised: LEVEL} belongs here");
	for (const struct verdict_case *other = r->verdict; other < v; other++)
		if (other->by_finding && other->verdict == v->verdict)
			return node_error(e, n, "a second case by finding for verdict \"%s\" is never reached",
					  fact_table[F_verdict].words[v->verdict]);
	v->by_finding = true;
	return level_read(e, plain, &v->plain) && level_read(e, promised, &v->promised);
}

static bool case_detection(struct rules *r, const struct node *n, struct verdict_case *v)
{
	struct compiler *c = &owner_of(r)->compiler;
	struct selection *sel;
	struct expr *condition;
	v->start = STEP_YES;
	return !n || (detection_read(c, n, NULL, &sel, &condition) && detection_lint(c, sel, condition) &&
		      expr_emit(c, condition, &v->start));
}

static bool verdict_one(struct rules *r, struct error *e, const struct node *n, struct verdict_case *v)
{
	static const char *const parts[] = { "verdict", "finding", "detection", "why" };
	*v = (struct verdict_case){ .why = "" };
	if (!known_keys(e, n, parts, COUNT(parts)))
		return false;
	const struct node *word = node_get(n, "verdict"), *finding = node_get(n, "finding"), *why = node_get(n, "why");
	const struct node *detection = node_get(n, "detection");
	if (!word || !word_read(e, word, "verdict", F_verdict, &v->verdict))
		return word ? false : node_error(e, n, "verdict is missing");
	if (finding ? detection || why : !why)
		return node_error(e, n, finding ? "a case by finding has its reason from the finding" : "why is missing");
	if (finding)
		return by_finding(r, e, finding, v);
	if (!n->next && detection)
		return node_error(e, detection->key, "the last case holds for all that is left: it has no detection");
	if (n->next && !detection)
		return node_error(e, n, "a case without detection must be the last");
	return sentence_read(e, why, IN_SESSION, &v->why) && case_detection(r, detection, v);
}

bool verdict_document(struct rules *r, struct error *e, const struct node *doc)
{
	size_t n = 0;
	if (doc->kind != NODE_LIST || !doc->first)
		return node_error(e, doc, "a list of cases belongs here");
	if (!take_table(r, e, doc, &owner_of(r)->verdict, "list of cases"))
		return false;
	for (const struct node *i = doc->first; i; i = i->next)
		n++;
	r->verdicts = 0;
	r->verdict = arena_take(&owner_of(r)->arena, n * sizeof(*r->verdict));
	for (const struct node *i = doc->first; i; i = i->next)
		if (!verdict_one(r, e, i, &r->verdict[r->verdicts++]))
			return false;
	return !r->verdict[n - 1].by_finding || node_error(e, doc, "the last case must hold for all that is left");
}

static bool has_case(const struct rules *r, uint8_t verdict)
{
	for (size_t i = 0; i < r->verdicts; i++)
		if (r->verdict[i].by_finding && r->verdict[i].verdict == verdict)
			return true;
	return false;
}

static bool place_one(struct rules *r, struct error *e, const struct node *n, uint8_t stage)
{
	struct rule_place *p = &r->place[r->places];
	*p = (struct rule_place){ .stage = stage };
	if (!id_read(e, n, &p->finding))
		return false;
	for (size_t i = 0; i < r->places; i++)
		if (strcmp(r->place[i].finding, p->finding) == 0)
			return node_error(e, n, "\"%s\" has a place already", p->finding);
	r->places++;
	return true;
}

static bool places_list(struct rules *r, struct error *e, const struct node *list, uint8_t stage)
{
	if (list->kind != NODE_LIST)
		return node_error(e, list, "a list of finding ids belongs here");
	for (const struct node *n = list->first; n; n = n->next)
		if (!place_one(r, e, n, stage))
			return false;
	return true;
}

static bool distinct_list(struct rules *r, struct error *e, const struct node *list)
{
	const char *id;
	if (list->kind != NODE_LIST)
		return node_error(e, list, "a list of finding ids belongs here");
	for (const struct node *n = list->first; n; n = n->next) {
		size_t i = 0;
		if (!id_read(e, n, &id))
			return false;
		while (i < r->places && (strcmp(r->place[i].finding, id) != 0 || r->place[i].stage == STAGE_APART))
			i++;
		if (i == r->places)
			return node_error(e, n, "\"%s\" is no link of the chain", id);
		r->place[i].distinct = true;
	}
	return true;
}

static size_t members(const struct node *n)
{
	size_t sum = 1;
	for (const struct node *m = n->kind == NODE_SCALAR ? NULL : n->first; m; m = m->next)
		sum += members(m);
	return sum;
}

bool incident_document(struct rules *r, struct error *e, const struct node *doc)
{
	static const char *const parts[] = { "chain", "distinct", "apart" };
	static const char *const stage[] = { "path", "negotiation", "certificate", "outcome" };
	if (!known_keys(e, doc, parts, COUNT(parts)))
		return false;
	const struct node *chain = node_get(doc, "chain"), *distinct = node_get(doc, "distinct"), *apart = node_get(doc, "apart");
	if (!chain || !apart)
		return node_error(e, doc, "%s is missing", chain ? "apart" : "chain");
	if (!known_keys(e, chain, stage, COUNT(stage)) || !take_table(r, e, doc, &owner_of(r)->incident, "table of places"))
		return false;
	r->places = 0;
	r->place = arena_take(&owner_of(r)->arena, members(doc) * sizeof(*r->place));
	for (size_t i = 0; i < COUNT(stage); i++) {
		const struct node *list = node_get(chain, stage[i]);
		if (list && !places_list(r, e, list, (uint8_t)(STAGE_PATH + i)))
			return false;
	}
	return places_list(r, e, apart, STAGE_APART) && (!distinct || distinct_list(r, e, distinct));
}

static bool ambient_by(struct error *e, const struct node *n, int8_t *by)
{
	const bool minus = n->kind == NODE_SCALAR && n->text.n == 2 && n->text.p[0] == '-';
	const struct bytes digit = n->kind == NODE_SCALAR ? bytes_skip(n->text, minus) : (struct bytes){ NULL, 0 };
	if (digit.n != 1 || digit.p[0] < '0' || digit.p[0] > '4')
		return node_error(e, n, "levels up or down belong here: -4 to 4");
	*by = (int8_t)(minus ? '0' - digit.p[0] : digit.p[0] - '0');
	return true;
}

static bool ambient_one(struct rules *r, struct error *e, const struct node *n)
{
	static const char *const parts[] = { "class", "by", "cap", "unless", "why" };
	uint8_t class, x;
	if (!known_keys(e, n, parts, COUNT(parts)))
		return false;
	for (size_t i = 0; i < COUNT(parts); i++)
		if (!node_get(n, parts[i]))
			return node_error(e, n, "%s is missing", parts[i]);
	if (!word_read(e, node_get(n, "class"), "class", F_ambient, &class))
		return false;
	struct rule_ambient *a = &r->ambient[class];
	const struct node *unless = node_get(n, "unless");
	if (a->why)
		return node_error(e, n, "a second entry for this class");
	if (unless->kind != NODE_LIST)
		return node_error(e, unless, "a list of expectations belongs here");
	for (const struct node *u = unless->first; u; u = u->next) {
		if (!word_read(e, u, "expectation", F_expect, &x))
			return false;
		a->less |= UINT64_C(1) << x;
	}
	return ambient_by(e, node_get(n, "by"), &a->by) && level_read(e, node_get(n, "cap"), &a->cap) &&
	       text_read(e, node_get(n, "why"), 160, &a->why);
}

bool ambient_document(struct rules *r, struct error *e, const struct node *doc)
{
	if (doc->kind != NODE_LIST)
		return node_error(e, doc, "a list of classes belongs here");
	if (!take_table(r, e, doc, &owner_of(r)->ambient, "table of classes"))
		return false;
	memset(r->ambient, 0, sizeof(r->ambient));
	for (const struct node *n = doc->first; n; n = n->next)
		if (!ambient_one(r, e, n))
			return false;
	return true;
}

bool tables_placed(const struct rules *r, struct error *e)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct rule *rule = &r->rule[i];
		if (rule->shipped && !rule->part && !rule->silent && rule->service == IN_SESSION && !rule->placed)
			return error_set(e, "%s:%u:1: incident.yaml has no place for finding \"%s\": a stage of the chain, or apart",
					 rule->file, rule->line, rule->finding);
	}
	return true;
}

/* Rules take the places of their findings. */
static bool places_finish(struct rules *r)
{
	for (size_t i = 0; owner_of(r)->incident != TABLE_NONE && i < r->count; i++) {
		struct rule *rule = &r->rule[i];
		size_t p = 0;
		while (p < r->places && strcmp(r->place[p].finding, rule->finding) != 0)
			p++;
		rule->placed = p < r->places;
		if (!rule->placed)
			continue;
		rule->stage = r->place[p].stage;
		rule->place = (uint16_t)p;
		rule->distinct = r->place[p].distinct;
	}
	return true;
}

bool tables_finish(struct rules *r, struct error *e)
{
	struct owner *o = owner_of(r);
	if (!o->severity || !o->verdict)
		return error_set(e, "%s is not among the rules; copy it from the rules that came with the program",
				 o->severity ? "verdict.yaml" : "severity.yaml");
	for (size_t i = 0; i < r->count; i++)
		if (r->rule[i].verdict != RULE_NO_VERDICT && !has_case(r, r->rule[i].verdict))
			return error_set(e, "%s:%u:1: verdict.yaml has no case by finding for verdict \"%s\"", r->rule[i].file,
					 r->rule[i].line, fact_table[F_verdict].words[r->rule[i].verdict]);
	return places_finish(r);
}
