/* rule: evaluation of the compiled rules over one record, and what follows from it: the findings with their levels,
 * and the verdict. It does not know what a rule or a verdict means, reads no file, and allocates nothing while it
 * judges (PCRE2 keeps its frames in the scratch and stops at RULE_HEAP_KIB).
 *
 * A session only looks at rules in the sets of facts and values that it has (struct rule_gate). Most of these end at one
 * comparison of bit sets: a rule needs facts that this session does not have. The others start with their cheapest
 * tests, since the compiler put these first. */
#include "judge/rule.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "judge/sentence.h"
#include "judge/site.h"

const char *const rule_status_words[RULE_STATUSES + 1] = {
	[RULE_STABLE] = "stable", [RULE_TEST] = "test", [RULE_EXPERIMENTAL] = "experimental",
	[RULE_DEPRECATED] = "deprecated", [RULE_UNSUPPORTED] = "unsupported",
};

struct rule_scratch {
	pcre2_match_data *match;
	pcre2_match_context *limits;
	uint64_t limit_hits;
	struct rule_work work;
	uint64_t *candidate;       /* a set of rules, rules->set_words words */
	struct finding found[];    /* one a finding id; rule NULL: not found */
};

struct rule_scratch *rule_scratch_new(const struct rules *rules)
{
	struct rule_scratch *s = calloc(1, sizeof(*s) + rules->findings * sizeof(s->found[0]));
	if (!s)
		return NULL;
	s->match = pcre2_match_data_create(1, NULL);
	s->limits = pcre2_match_context_create(NULL);
	s->candidate = calloc(rules->set_words + 1, sizeof(*s->candidate));
	if (!s->match || !s->limits || !s->candidate) {
		rule_scratch_free(s);
		return NULL;
	}
	pcre2_set_match_limit(s->limits, RULE_MATCH_LIMIT);
	pcre2_set_depth_limit(s->limits, RULE_DEPTH_LIMIT);
	pcre2_set_heap_limit(s->limits, RULE_HEAP_KIB);
	return s;
}

void rule_scratch_free(struct rule_scratch *s)
{
	if (!s)
		return;
	pcre2_match_data_free(s->match);
	pcre2_match_context_free(s->limits);
	free(s->candidate);
	free(s);
}

uint64_t rule_scratch_limits(const struct rule_scratch *s)
{
	return s->limit_hits;
}

struct rule_work rule_scratch_work(const struct rule_scratch *s)
{
	return s->work;
}

size_t rules_count(const struct rules *rules)
{
	return rules->count;
}

const struct rule *rules_at(const struct rules *rules, size_t i)
{
	return i < rules->count ? &rules->rule[i] : NULL;
}

static bool same(struct bytes a, struct bytes b, bool cased)
{
	return cased ? bytes_eq(a, b) : bytes_eq_nocase(a, b);
}

static bool infix(struct bytes v, struct bytes text, bool cased)
{
	for (size_t i = 0; text.n <= v.n && i <= v.n - text.n; i++)
		if (same((struct bytes){ v.p + i, text.n }, text, cased))
			return true;
	return false;
}

/* One element of a pattern at *i: its octet, or which wildcard. */
static uint8_t glob_next(struct bytes pattern, size_t *i, bool *wild)
{
	uint8_t c = pattern.p[(*i)++];
	*wild = c == GLOB_ANY || c == GLOB_ONE;
	if (c == GLOB_LITERAL && *i < pattern.n)
		c = pattern.p[(*i)++];
	return c;
}

/* Wildcards with one point to come back to: the last "any". Going back further cannot help. */
static bool glob(struct bytes v, struct bytes pattern, bool cased)
{
	size_t i = 0, j = 0, back_i = 0, back_j = 0;
	bool may_go_back = false;
	while (i < v.n || j < pattern.n) {
		size_t next = j;
		bool wild = false;
		uint8_t c = j < pattern.n ? glob_next(pattern, &next, &wild) : 0;
		if (j < pattern.n && wild && c == GLOB_ANY) {
			may_go_back = true;
			back_i = i;
			back_j = j = next;
		} else if (j < pattern.n && i < v.n &&
			   (wild || c == v.p[i] || (!cased && ascii_lower(c) == ascii_lower(v.p[i])))) {
			i++;
			j = next;
		} else if (may_go_back && back_i < v.n) {
			i = ++back_i;
			j = back_j;
		} else {
			return false;
		}
	}
	return true;
}

static bool search(const struct rules *rules, struct rule_scratch *s, const struct step *step, struct bytes v)
{
	v = bytes_head(v, RULE_RE_SUBJECT);
	int rc = pcre2_match(rules->regex[step->u.num], v.p, v.n, 0, 0, s->match, s->limits);
	if (rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT || rc == PCRE2_ERROR_HEAPLIMIT)
		s->limit_hits++;
	return rc >= 0;
}

bool rule_test_text(const struct rules *rules, struct rule_scratch *s, const struct step *step, struct bytes v)
{
	struct bytes t = step->text;
	switch ((enum rule_op)step->op) {
	case OP_TEXT:
		return same(v, t, step->cased);
	case OP_PREFIX:
		return v.n >= t.n && same(bytes_head(v, t.n), t, step->cased);
	case OP_SUFFIX:
		return v.n >= t.n && same(bytes_skip(v, v.n - t.n), t, step->cased);
	case OP_INFIX:
		return infix(v, t, step->cased);
	case OP_GLOB:
		return glob(v, t, step->cased);
	case OP_RE:
		return search(rules, s, step, v);
	case OP_SEEN:
	case OP_MASK:
	case OP_EQ:
	case OP_LT:
	case OP_LTE:
	case OP_GT:
	case OP_GTE:
	case OP_CIDR:
	case OP_SAME:
		break;
	}
	return false;
}

static bool compare(const struct step *step, int64_t v)
{
	switch ((enum rule_op)step->op) {
	case OP_MASK:
		return v >= 0 && v < 64 && step->u.set >> v & 1;
	case OP_EQ:
		return v == step->u.num;
	case OP_LT:
		return v < step->u.num;
	case OP_LTE:
		return v <= step->u.num;
	case OP_GT:
		return v > step->u.num;
	case OP_GTE:
		return v >= step->u.num;
	case OP_SEEN:
	case OP_TEXT:
	case OP_PREFIX:
	case OP_SUFFIX:
	case OP_INFIX:
	case OP_GLOB:
	case OP_RE:
	case OP_CIDR:
	case OP_SAME:
		break;
	}
	return false;
}

static bool in_network(const struct step *step, struct bytes v)
{
	size_t whole = (size_t)step->u.num / 8, rest = (size_t)step->u.num % 8;
	if (v.n != step->text.n || whole > v.n || memcmp(v.p, step->text.p, whole) != 0)
		return false;
	return rest == 0 || (uint8_t)((v.p[whole] ^ step->text.p[whole]) >> (8 - rest)) == 0;
}

/* A value as the event spells it. buf is for those that are not text already. */
static struct bytes spelled(enum fact f, struct bytes raw, int64_t num, char *buf, size_t cap)
{
	const struct fact_info *info = &fact_table[f];
	struct text t = { buf, 0, cap, false };
	struct addr a = { .v = raw.n == 4 ? 4 : 6 };
	switch (info->type) {
	case T_STR:
	case T_LSTR:
		return raw;
	case T_TRI:
		text_put(&t, num ? "true" : "false");
		break;
	case T_NUM:
	case T_DUR:
	case T_LNUM:
		text_num(&t, num);
		break;
	case T_TIME:
		text_time(&t, num);
		break;
	case T_ENUM:
	case T_LENUM:
		text_put(&t, info->words[num]);
		break;
	case T_HEX:
	case T_LHEX:
		text_hex(&t, raw, false);
		break;
	case T_IP:
	case T_LIP:
		memcpy(a.a, raw.p, raw.n < 16 ? raw.n : 16);
		text_addr(&t, &a);
		break;
	}
	return (struct bytes){ (const uint8_t *)buf, t.n };
}

/* The values of a fact one after the other, a single one or the items of a list. */
struct values {
	const struct record *r;
	enum fact f;
	size_t pos;
	bool done;
};

static bool values_next(struct values *v, struct bytes *raw, int64_t *num)
{
	enum fact_type type = fact_table[v->f].type;
	if (type >= T_LSTR) {
		if (!record_next(v->r, v->f, &v->pos, raw))
			return false;
		*num = type == T_LNUM || type == T_LENUM ? record_item_num(*raw) : 0;
		return true;
	}
	if (v->done)
		return false;
	v->done = true;
	bool text = type == T_STR || type == T_HEX || type == T_IP;
	*raw = text ? record_get_str(v->r, v->f) : (struct bytes){ v->r->text, 0 };
	*num = text ? 0 : record_get_num(v->r, v->f, 0);
	return true;
}

enum { SPELLED = 1024 };

size_t rule_values(const struct record *r, enum fact f, struct text *t, struct bytes *out, size_t max)
{
	struct values v = { r, f, 0, !record_has(r, f) };
	char buf[SPELLED];
	struct bytes raw;
	int64_t num;
	size_t n = 0;
	while (n < max && values_next(&v, &raw, &num)) {
		struct bytes text = spelled(f, raw, num, buf, sizeof(buf));
		if (text.n > t->cap - t->n)
			break;
		out[n++] = (struct bytes){ (const uint8_t *)t->p + t->n, text.n };
		for (size_t i = 0; i < text.n; i++)
			text_char(t, (char)ascii_lower(text.p[i]));
	}
	return n;
}

static bool same_as(const struct record *r, enum fact other, struct bytes text, bool cased)
{
	struct values v = { r, other, 0, !record_has(r, other) };
	char buf[SPELLED];
	struct bytes raw;
	int64_t num;
	while (values_next(&v, &raw, &num))
		if (same(text, spelled(other, raw, num, buf, sizeof(buf)), cased))
			return true;
	return false;
}

static bool value_passes(const struct rules *rules, struct rule_scratch *s, const struct step *step,
			 const struct record *r, struct bytes raw, int64_t num)
{
	char buf[SPELLED];
	enum rule_op op = (enum rule_op)step->op;
	enum fact f = (enum fact)step->fact;
	if (op >= OP_MASK && op <= OP_GTE)
		return compare(step, num);
	if (op == OP_CIDR)
		return in_network(step, raw);
	struct bytes text = spelled(f, raw, num, buf, sizeof(buf));
	if (op == OP_SAME)
		return same_as(r, (enum fact)step->u.num, text, step->cased);
	return rule_test_text(rules, s, step, text);
}

static bool passes(const struct rules *rules, struct rule_scratch *s, const struct step *step, const struct record *r)
{
	struct values v = { r, (enum fact)step->fact, 0, false };
	struct bytes raw;
	int64_t num;
	if (!record_has(r, (enum fact)step->fact))
		return false;
	if (step->op == OP_SEEN)
		return true;
	if (step->op <= OP_GTE && fact_table[step->fact].type < T_LSTR) /* most steps: one comparison */
		return compare(step, r->slot[step->fact].num + (fact_table[step->fact].type == T_TRI ? TRI_NO : 0));
	while (values_next(&v, &raw, &num))
		if (value_passes(rules, s, step, r, raw, num))
			return true;
	return false;
}

bool rule_walk(const struct rules *rules, struct rule_scratch *s, uint32_t at, const struct record *r)
{
	while (at >= STEP_FIRST) {
		const struct step *step = &rules->step[at];
		s->work.steps++;
		at = passes(rules, s, step, r) ? step->yes : step->no;
	}
	return at == STEP_YES;
}

bool rule_matches(const struct rules *rules, struct rule_scratch *s, const struct rule *rule, const struct record *r)
{
	s->work.candidates++;
	for (size_t i = 0; i < sizeof(rule->need) / sizeof(rule->need[0]); i++)
		if (rule->need[i] & ~r->seen[i])
			return false;
	s->work.walks++;
	if (!rule_walk(rules, s, rule->start, r))
		return false;
	for (uint32_t i = 0; i < rule->filters; i++)
		if (!rule_walk(rules, s, rule->filter[i]->start, r))
			return false;
	return true;
}

/* The set of the rules about these events that r, one of them, may match. service: IN_SESSION, IN_STATS or IN_POSTURE */
static void candidates(const struct rules *rules, struct rule_scratch *s, const struct record *r, uint8_t service)
{
	for (size_t w = 0; w < rules->set_words; w++)
		s->candidate[w] = rules->always[w];
	for (size_t i = 0; i < rules->gates; i++) {
		const struct rule_gate *g = &rules->gate[i];
		int64_t v = 0;
		if (!record_has(r, (enum fact)g->fact))
			continue;
		if (g->values)
			v = r->slot[g->fact].num + (fact_table[g->fact].type == T_TRI ? TRI_NO : 0);
		if (v < 0 || v >= (g->values ? g->values : 1))
			continue;
		const uint64_t *set = rules->gate_set + (g->first + (size_t)v) * rules->set_words;
		for (size_t w = 0; w < rules->set_words; w++)
			s->candidate[w] |= set[w];
	}
	for (size_t w = 0; w < rules->set_words; w++)
		s->candidate[w] &= service == IN_STATS ? rules->stats[w] : service == IN_POSTURE ? rules->posture[w] :
				   ~(rules->stats[w] | rules->posture[w]);
}

/* What the levels of one session depend on, beside its rules. */
struct stakes {
	uint64_t expects;          /* bit: enum expect */
	uint8_t outcome, delivery, confidence, domain;
	bool own, repeated;
};

static struct stakes stakes_of(const struct record *r)
{
	struct stakes k = { 0 };
	size_t pos = 0;
	struct bytes item;
	while (record_next(r, F_expect_all, &pos, &item))
		k.expects |= UINT64_C(1) << (record_item_num(item) & 63);
	k.expects |= UINT64_C(1) << (record_get_num(r, F_expect, expect_none) & 63);
	k.outcome = (uint8_t)record_get_num(r, F_outcome, outcome_unknown);
	k.delivery = (uint8_t)record_get_num(r, F_delivery, delivery_unknown);
	k.confidence = (uint8_t)record_get_num(r, F_id_confidence, confidence_none);
	k.domain = (uint8_t)record_get_num(r, F_id_domain_sure, k.confidence);
	k.own = record_get_tri(r, F_own_client) == TRI_YES || record_get_tri(r, F_own_server) == TRI_YES;
	return k;
}

static uint8_t lower(uint8_t a, uint8_t b)
{
	return a < b ? a : b;
}

/* A mail domain's own policy promises for whatever host its mail goes to; who forges the MX does not choose the domain (RFC 8461 10,
 * A.3 R10). What a host promised is as sure as the host. */
static uint8_t sure_of(const struct stakes *k, uint8_t promise)
{
	return promise == expect_sts_enforce && k->domain > k->confidence ? k->domain : k->confidence;
}

/* The maximum of the table over the promises that apply; the strongest of equals names it (0.2, 0.4). */
static void by_matrix(const struct severity *sev, const struct stakes *k, struct finding *f)
{
	for (uint8_t e = expect_COUNT; e-- > 0;) {
		if (!(k->expects >> e & 1))
			continue;
		uint8_t level = f->certainty == certainty_proof || k->repeated ? sev->level[e][k->outcome][k->delivery] :
				sev->first[e][k->outcome][k->delivery];
		if (sev->bound[e])
			level = lower(level, sev->cap[sure_of(k, e)]);
		if (level <= f->level)
			continue;
		f->level = level;
		f->expectation = e;
		f->from_matrix = true;
	}
}

static void by_floor(const struct severity *sev, const struct stakes *k, struct finding *f)
{
	for (uint8_t e = expect_COUNT; e-- > 0;) {
		if (!(k->expects >> e & 1))
			continue;
		uint8_t least = sev->bound[e] ? lower(f->by->floor[e], sev->cap[sure_of(k, e)]) : f->by->floor[e];
		if (least <= f->level)
			continue;
		f->level = least;
		f->expectation = e;
		f->from_matrix = true;
	}
}

static uint8_t shifted(uint8_t from, int by, int count)
{
	int to = from + by;
	return (uint8_t)(to < 0 ? 0 : to >= count ? count - 1 : to);
}

static void by_shifts(const struct rules *rules, struct rule_scratch *s, const struct record *r, struct finding *f)
{
	for (unsigned i = 0; i < f->by->shifts; i++) {
		const struct rule_shift *shift = &f->by->shift[i];
		if (!rule_walk(rules, s, shift->start, r))
			continue;
		f->shifted |= 1u << i;
		if (shift->certainty)
			f->certainty = shifted(f->certainty, shift->by, certainty_COUNT);
		else
			f->level = shifted(f->level, shift->by, level_COUNT);
	}
}

/* No promise is surer than the identity it was looked up for: not its level, and not the finding that rests on it. */
static void by_identity(const struct severity *sev, const struct stakes *k, struct finding *f)
{
	if (!f->from_matrix || !sev->bound[f->expectation])
		return;
	uint8_t sure = sure_of(k, f->expectation);
	f->level = lower(f->level, sev->cap[sure]);
	f->certainty = lower(f->certainty, sev->certainty[sure]);
}

/* base, matrix, floor, shifts, caps; the site's word stands above all of these. */
static struct finding judge_rule(const struct rules *rules, struct rule_scratch *s, const struct rule *rule,
				 const struct stakes *k, const struct record *r)
{
	struct finding f = { .rule = rule, .by = rule, .certainty = rule->certainty, .expectation = expect_none };
	f.level = rule->fixed != RULE_NO_LEVEL ? rule->fixed : rule->base;
	if (k->own && rule->own != RULE_NO_LEVEL)
		f.level = rule->own;
	if (rule->fixed == RULE_NO_LEVEL)
		by_matrix(&rules->severity, k, &f);
	by_floor(&rules->severity, k, &f);
	by_shifts(rules, s, r, &f);
	f.level = lower(f.level, rule->cap);
	by_identity(&rules->severity, k, &f);
	if (rule->site_level != RULE_NO_LEVEL)
		f.level = rule->site_level;
	return f;
}

struct finding rule_grade(const struct rules *rules, struct rule_scratch *s, const struct rule *rule,
			  const struct record *session)
{
	struct stakes k = stakes_of(session);
	return judge_rule(rules, s, rule, &k, session);
}

uint8_t rule_grade_repeated(const struct rules *rules, struct rule_scratch *s, const struct finding *finding,
			    const struct record *session)
{
	struct stakes k = stakes_of(session);
	k.repeated = true;
	return judge_rule(rules, s, finding->by, &k, session).level;
}

/* Two documents of one finding: the surer one tells it, the worse one levels it. */
static void merge(struct finding *have, const struct finding *more)
{
	struct finding old = *have;
	if (!old.rule) {
		*have = *more;
		return;
	}
	if (more->level > old.level)
		*have = *more;
	if (more->certainty > old.certainty) {
		have->rule = more->rule;
		have->certainty = more->certainty;
	} else {
		have->rule = old.rule;
		have->certainty = old.certainty;
	}
}

static void write_findings(struct record *r, const struct finding *f, size_t n)
{
	static const enum fact columns[] = { F_findings, F_finding_id, F_finding_variant, F_finding_certainty,
					     F_finding_level };
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		record_unset(r, columns[i]);
	for (size_t i = 0; i < n; i++)
		record_add_cstr(r, F_findings, f[i].rule->finding);
	for (size_t i = 0; i < n; i++)
		record_add_cstr(r, F_finding_id, f[i].rule->finding);
	for (size_t i = 0; i < n; i++)
		record_add_cstr(r, F_finding_variant, f[i].rule->variant);
	for (size_t i = 0; i < n; i++)
		record_add_num(r, F_finding_certainty, f[i].certainty);
	for (size_t i = 0; i < n; i++)
		record_add_num(r, F_finding_level, f[i].level);
}

/* Lowered by more than one step at once to where nobody is told of it: somebody said that it is as it should be. */
static bool dismissed(const struct finding *f)
{
	bool all = false;
	for (unsigned i = 0; i < f->by->shifts; i++)
		all |= (f->shifted >> i & 1) && !f->by->shift[i].certainty && f->by->shift[i].by < -1;
	return all && f->level == level_informational;
}

/* The worst finding that makes this case hold, or NULL. */
static const struct finding *case_finding(const struct verdict_case *c, bool promised, const struct finding *f,
					  size_t n)
{
	const struct finding *worst = NULL;
	for (size_t i = 0; i < n; i++)
		if (f[i].rule->verdict == c->verdict && !dismissed(&f[i]) && f[i].level >= (promised ? c->promised : c->plain) &&
		    (!worst || f[i].level > worst->level))
			worst = &f[i];
	return worst;
}

static void reason_of(struct text *t, const struct finding *f)
{
	text_put(t, f->rule->finding);
	if (f->rule->variant[0]) {
		text_put(t, " (");
		text_put(t, f->rule->variant);
		text_put(t, ")");
	}
	text_put(t, ", ");
	text_put(t, fact_table[F_finding_level].words[f->level]);
	text_put(t, ", ");
	text_put(t, fact_table[F_finding_certainty].words[f->certainty]);
	text_put(t, ": ");
	text_put(t, f->rule->title);
}

static void write_verdict(struct record *r, uint8_t verdict, const struct text *why)
{
	record_num(r, F_verdict, verdict);
	record_str(r, F_event_reason, (struct bytes){ (const uint8_t *)why->p, why->n });
}

static void judge_verdict(const struct rules *rules, struct rule_scratch *s, struct record *r,
			  const struct finding *f, size_t n)
{
	char buf[512];
	struct text why = { buf, 0, sizeof(buf), false };
	bool promised = record_get_num(r, F_expect, expect_none) != expect_none;
	for (size_t i = 0; i < rules->verdicts; i++) {
		const struct verdict_case *c = &rules->verdict[i];
		const struct finding *worst = c->by_finding ? case_finding(c, promised, f, n) : NULL;
		if (c->by_finding ? !worst : !rule_walk(rules, s, c->start, r))
			continue;
		if (worst)
			reason_of(&why, worst);
		else
			sentence_write(&why, c->why, r);
		write_verdict(r, c->verdict, &why);
		return;
	}
}

static void try_rule(const struct rules *rules, struct rule_scratch *s, const struct rule *rule,
		     const struct stakes *k, const struct record *r)
{
	if (rule->part || !rule_matches(rules, s, rule, r))
		return;
	struct finding f = judge_rule(rules, s, rule, k, r);
	merge(&s->found[rule->finding_at], &f);
}

/* The lowest member of a set that is not empty. */
static unsigned first_of(uint64_t set)
{
	return (unsigned)__builtin_ctzll(set);
}

/* One more finding. Where there is no room the least of all goes: many small ones must not hide a great one. */
static size_t keep(struct finding *out, size_t n, size_t max, const struct finding *f, struct record *r)
{
	size_t least = 0;
	if (n < max) {
		out[n] = *f;
		return n + 1;
	}
	r->truncated = 1;
	for (size_t i = 1; i < n; i++)
		if (out[i].level < out[least].level)
			least = i;
	if (n == 0 || out[least].level >= f->level)
		return n;
	memmove(&out[least], &out[least + 1], (n - least - 1) * sizeof(out[0]));
	out[n - 1] = *f;
	return n;
}

size_t rules_judge(const struct rules *rules, struct rule_scratch *s, struct record *r, struct finding *out, size_t max)
{
	struct stakes k = stakes_of(r);
	size_t n = 0;
	for (size_t i = 0; i < rules->findings; i++)
		s->found[i].rule = NULL;
	candidates(rules, s, r, IN_SESSION);
	for (size_t w = 0; w < rules->set_words; w++)
		for (uint64_t set = s->candidate[w]; set; set &= set - 1)
			try_rule(rules, s, &rules->rule[64 * w + first_of(set)], &k, r);
	s->work.sessions++;
	max = max < RULE_FINDINGS ? max : RULE_FINDINGS;
	for (size_t i = 0; i < rules->findings; i++)
		if (s->found[i].rule)
			n = keep(out, n, max, &s->found[i], r);
	judge_verdict(rules, s, r, out, n);
	write_findings(r, out, n);
	return n;
}

void rules_restate(const struct rules *rules, struct rule_scratch *s, struct record *r, const struct finding *f, size_t n)
{
	judge_verdict(rules, s, r, f, n);
	write_findings(r, f, n);
}

/* Each rule that matches is a finding by itself. */
static size_t judge_apart(const struct rules *rules, struct rule_scratch *s, const struct record *r, uint8_t service,
			  struct finding *out, size_t max)
{
	struct stakes none = { 0 };
	size_t n = 0;
	max = max < RULE_FINDINGS ? max : RULE_FINDINGS;
	candidates(rules, s, r, service);
	for (size_t w = 0; w < rules->set_words; w++)
		for (uint64_t set = s->candidate[w]; set && n < max; set &= set - 1) {
			const struct rule *rule = &rules->rule[64 * w + first_of(set)];
			if (rule_matches(rules, s, rule, r))
				out[n++] = judge_rule(rules, s, rule, &none, r);
		}
	return n;
}

size_t rules_judge_stats(const struct rules *rules, struct rule_scratch *s, const struct record *r, struct finding *out,
			 size_t max)
{
	return judge_apart(rules, s, r, IN_STATS, out, max);
}

size_t rules_judge_posture(const struct rules *rules, struct rule_scratch *s, const struct record *r, struct finding *out,
			   size_t max)
{
	return judge_apart(rules, s, r, IN_POSTURE, out, max);
}
