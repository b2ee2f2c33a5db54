/* rule_test: see rule_test.h. A document is a session, or a list of sessions with their times, and what is expected of it;
 * `base` lets a twin differ from its neighbour in the one line that matters. The judgement is rules_judge and correlator, the
 * same that `read` uses: nothing is computed a second time here. Documents and records live in one arena, until the run ends. */
#include "rule_test.h"

#include <stdlib.h>

#include "folder.h"
#include "judge/correlate.h"
#include "judge/kinship.h"
#include "node_read.h"
#include "quantity.h"
#include "session_yaml.h"

/* SERIES  sessions of one test          GROUPS  that correlations may keep in a test */
enum { TESTS_MAX = 10000, SERIES = 64, GROUPS = 128 };
#define SERIES_START INT64_C(1767225600000000000) /* 2026-01-01, a day's beginning */

/* session   its base's facts and its own; of a stats or posture event where service says so
 * series    several sessions in place of that one, as many as sessions says
 * findings  the list of what is expected; NULL: a document that is only there to be a base. Of a series: what correlations
 *           find
 * verdict   NULL: any */
struct test {
	const char *name;
	const struct node *at, *findings, *verdict;
	struct record *session, *series;
	size_t sessions;
	uint8_t service;
	bool is_base;
};

/* raised  by rule: a finding of some test was told by it */
struct run {
	const struct rules *rules;
	struct rule_scratch *scratch;
	struct arena arena;
	struct test *test;
	size_t tests, cap;
	bool *raised;
	bool verbose;
	FILE *out, *err;
	struct rule_test_result *result;
	struct error *e;
};

/* The number of a finding among those of the rules, or rules->findings. */
static size_t finding_at(const struct rules *rules, struct bytes id)
{
	for (size_t i = 0; i < rules->count; i++)
		if (bytes_eq(bytes_of(rules->rule[i].finding), id))
			return rules->rule[i].finding_at;
	return rules->findings;
}

static bool is_finding(struct run *run, const struct node *id)
{
	if (id->kind != NODE_SCALAR)
		return node_error(run->e, id, "one finding id belongs here");
	if (finding_at(run->rules, id->text) < run->rules->findings)
		return true;
	const char **names = arena_take(&run->arena, (run->rules->count + 1) * sizeof(*names));
	for (size_t i = 0; i < run->rules->count; i++)
		names[i] = run->rules->rule[i].finding;
	return no_word(run->e, id, "finding", names, run->rules->count);
}

static bool is_variant(struct run *run, const struct node *id, const struct node *variant)
{
	if (variant->kind != NODE_SCALAR)
		return node_error(run->e, variant, "one variant belongs here; \"\" is none");
	const char **names = arena_take(&run->arena, (run->rules->count + 1) * sizeof(*names));
	size_t n = 0;
	for (size_t i = 0; i < run->rules->count; i++) {
		const struct rule *rule = &run->rules->rule[i];
		if (!node_is(id, rule->finding))
			continue;
		if (node_is(variant, rule->variant))
			return true;
		if (rule->variant[0])
			names[n++] = rule->variant;
	}
	return no_word(run->e, variant, "variant of this finding", names, n);
}

/* Do two expectations speak of the same finding? Of a session there is one of an id; of another event, one a variant. */
static bool same_finding(const struct node *a, const struct node *b, uint8_t service)
{
	const struct node *va = node_get(a, "variant"), *vb = node_get(b, "variant");
	return bytes_eq(node_get(a, "id")->text, node_get(b, "id")->text) &&
	       (service == IN_SESSION || !va || !vb || bytes_eq(va->text, vb->text));
}

static bool expected_one(struct run *run, const struct node *list, const struct node *item, uint8_t service)
{
	static const char *const keys[] = { "id", "variant", "certainty", "level" };
	if (item->kind != NODE_MAP)
		return node_error(run->e, item, "an expected finding is {id: ..., variant: ..., certainty: ..., level: ...}");
	const struct node *id = node_get(item, "id"), *variant = node_get(item, "variant");
	const struct node *certainty = node_get(item, "certainty"), *level = node_get(item, "level");
	uint8_t word;
	if (!known_keys(run->e, item, keys, COUNT(keys)))
		return false;
	if (!id)
		return node_error(run->e, item, "id is missing");
	if (!is_finding(run, id))
		return false;
	for (const struct node *other = list->first; other != item; other = other->next)
		if (same_finding(other, item, service))
			return node_error(run->e, id, "a session has one finding of an id; this one stands here a second time");
	return (!variant || is_variant(run, id, variant)) &&
	       (!certainty || word_read(run->e, certainty, "certainty", F_certainty, &word)) &&
	       (!level || level_read(run->e, level, &word));
}

static bool expected(struct run *run, const struct node *list, uint8_t service)
{
	if (list->kind != NODE_LIST)
		return node_error(run->e, list, "findings is a list; [] means that there must be none");
	for (const struct node *item = list->first; item; item = item->next)
		if (!expected_one(run, list, item, service))
			return false;
	return true;
}

static struct test *test_find(const struct run *run, struct bytes name)
{
	for (size_t i = 0; i < run->tests; i++)
		if (bytes_eq(bytes_of(run->test[i].name), name))
			return &run->test[i];
	return NULL;
}

static bool name_read(struct run *run, const struct node *doc, struct test *t)
{
	const struct node *name = node_get(doc, "name");
	if (!name)
		return node_error(run->e, doc, "name is missing");
	if (!text_read(run->e, name, 100, &t->name))
		return false;
	const struct test *other = test_find(run, name->text);
	if (other)
		return node_error(run->e, name, "the name is used at %s:%u already", other->at->path, other->at->line);
	return true;
}

static bool base_read(struct run *run, const struct node *base, struct test *t)
{
	struct test *found = base->kind == NODE_SCALAR ? test_find(run, base->text) : NULL;
	if (found && t->service && found->service != t->service)
		return node_error(run->e, base, "one of the two is a session and one is stats");
	if (found) {
		t->service = found->service;
		found->is_base = true;
		*t->session = *found->session;
		return true;
	}
	if (base->kind != NODE_SCALAR)
		return node_error(run->e, base, "base is the name of an earlier test");
	const char **names = arena_take(&run->arena, (run->tests + 1) * sizeof(*names));
	for (size_t i = 0; i < run->tests; i++)
		names[i] = run->test[i].name;
	return no_word(run->e, base, "earlier test", names, run->tests);
}

/* One session of a list: {base: NAME, at: 5m, session: {...}}. */
static bool series_one(struct run *run, const struct node *item, size_t i, struct record *r)
{
	static const char *const keys[] = { "base", "at", "session" };
	char id[16];
	uint64_t ms = 0;
	if (item->kind != NODE_MAP || !known_keys(run->e, item, keys, COUNT(keys)))
		return item->kind == NODE_MAP || node_error(run->e, item, "a session of a list is {base: ..., at: 5m, session: {...}}");
	const struct node *base = node_get(item, "base"), *at = node_get(item, "at"), *session = node_get(item, "session");
	struct test t = { .session = r, .service = IN_SESSION };
	record_init(r);
	if ((base && !base_read(run, base, &t)) || (session && !session_yaml_read(session, r, run->e)))
		return false;
	if (!at || at->kind != NODE_SCALAR || quantity_duration(at->text, &ms) != QUANTITY_GOOD)
		return node_error(run->e, at ? at : item, "at is when it ended, counted from the first: 0s, 90s, 5m, 1d");
	snprintf(id, sizeof(id), "session-%zu", i + 1);
	record_cstr(r, F_event_id, id);
	record_num(r, F_event_end, SERIES_START + (int64_t)ms * 1000000);
	kinship_judge(r);
	return true;
}

static bool series_read(struct run *run, const struct node *list, struct test *t)
{
	if (list->kind != NODE_LIST || !list->first)
		return node_error(run->e, list, "sessions is a list of {base: ..., at: 5m, session: {...}}");
	t->series = arena_take(&run->arena, SERIES * sizeof(*t->series));
	for (const struct node *item = list->first; item; item = item->next) {
		if (t->sessions == SERIES)
			return node_error(run->e, item, "more than %d sessions", SERIES);
		if (!series_one(run, item, t->sessions, &t->series[t->sessions]))
			return false;
		t->sessions++;
	}
	return true;
}

static bool test_read(struct run *run, const struct node *doc, struct test *t)
{
	static const char *const keys[] = { "name", "description", "base", "session", "stats", "posture", "findings", "verdict", "sessions" };
	if (doc->kind != NODE_MAP)
		return node_error(run->e, doc, "a test is a map with name, session and findings");
	if (!known_keys(run->e, doc, keys, COUNT(keys)) || !name_read(run, doc, t))
		return false;
	const struct node *base = node_get(doc, "base"), *session = node_get(doc, "session"), *stats = node_get(doc, "stats");
	const struct node *posture = node_get(doc, "posture"), *other = stats ? stats : posture;
	uint8_t word;
	t->at = doc;
	t->findings = node_get(doc, "findings");
	t->verdict = node_get(doc, "verdict");
	const struct node *series = node_get(doc, "sessions");
	if (series && (base || session || other || t->verdict))
		return node_error(run->e, series->key, "a test with sessions has beside them name, description and findings");
	if (series && !t->findings)
		return node_error(run->e, doc, "findings is missing; [] means that there must be none");
	t->service = series ? IN_SESSION : stats ? IN_STATS : posture ? IN_POSTURE : session ? IN_SESSION : 0;
	if ((other && session) || (stats && posture))
		return node_error(run->e, other->key, "a test has a session, stats or posture, not several of them");
	if (other && t->verdict)
		return node_error(run->e, t->verdict->key, "only sessions have a verdict");
	if (!base && !session && !other && !series)
		return node_error(run->e, doc, "session is missing");
	if (t->verdict && !t->findings)
		return node_error(run->e, doc, "findings is missing; [] means that there must be none");
	t->session = arena_take(&run->arena, sizeof(*t->session));
	record_init(t->session);
	return (!series || series_read(run, series, t)) && (!base || base_read(run, base, t)) && (!session || session_yaml_read(session, t->session, run->e)) &&
	       (!stats || stats_yaml_read(stats, t->session, run->e)) && (!posture || posture_yaml_read(posture, t->session, run->e)) &&
	       (!t->findings || expected(run, t->findings, t->service)) && (!t->verdict || word_read(run->e, t->verdict, "verdict", F_verdict, &word));
}

static bool test_add(struct run *run, const struct test *t)
{
	if (run->tests == TESTS_MAX)
		return node_error(run->e, t->at, "more than %d tests", TESTS_MAX);
	if (run->tests == run->cap) {
		run->cap = run->cap ? 2 * run->cap : 64;
		struct test *more = arena_take(&run->arena, run->cap * sizeof(*more));
		if (run->tests)
			memcpy(more, run->test, run->tests * sizeof(*more));
		run->test = more;
	}
	run->test[run->tests++] = *t;
	return true;
}

static void wrong(struct run *run)
{
	fprintf(run->err, "%s\n", run->e->text);
	run->result->wrong++;
}

/* Reads all documents of a file. One that is wrong is told of, and the next is read. */
static void file_read(struct run *run, const char *path)
{
	struct bytes content;
	struct node *doc;
	if (!folder_read(&run->arena, path, &content, run->e) ||
	    !yaml_tree_read(&run->arena, path, content, &doc, run->e)) {
		wrong(run);
		return;
	}
	for (; doc; doc = doc->next) {
		struct test t = { 0 };
		if (doc->kind == NODE_SCALAR && doc->text.n == 0)
			continue;
		if (!test_read(run, doc, &t) || !test_add(run, &t))
			wrong(run);
	}
}

/* A document without expectations must be the base of another; else somebody forgot them. */
static void bases(struct run *run)
{
	for (size_t i = 0; i < run->tests; i++) {
		const struct test *t = &run->test[i];
		if (t->findings || t->is_base)
			continue;
		node_error(run->e, t->at, "findings is missing, and no test has \"%.60s\" as its base; [] means that there "
			   "must be none", t->name);
		wrong(run);
	}
}

static const char *word_of(enum fact f, int64_t i)
{
	return fact_table[f].words[i];
}

static bool key_fits(const struct node *item, const char *key, const char *got)
{
	const struct node *want = node_get(item, key);
	return !want || node_is(want, got);
}

static bool fits(const struct node *item, const struct finding *f)
{
	return key_fits(item, "variant", f->rule->variant) &&
	       key_fits(item, "certainty", word_of(F_certainty, f->certainty)) &&
	       key_fits(item, "level", word_of(F_alert_level, f->level));
}

/* The finding that was expected; else one of the same id, else NULL. */
static const struct finding *found_for(const struct finding *f, size_t n, const struct node *item)
{
	const struct finding *near = NULL;
	for (size_t i = 0; i < n; i++) {
		if (!bytes_eq(bytes_of(f[i].rule->finding), node_get(item, "id")->text))
			continue;
		if (fits(item, &f[i]))
			return &f[i];
		near = near ? near : &f[i];
	}
	return near;
}

static bool is_wanted(const struct test *t, const struct finding *f)
{
	for (const struct node *item = t->findings->first; item; item = item->next)
		if (node_is(node_get(item, "id"), f->rule->finding) &&
		    (t->service == IN_SESSION || key_fits(item, "variant", f->rule->variant)))
			return true;
	return false;
}

/* The same spelling for both sides, so that they can be compared by eye. */
static void tell_expected(FILE *out, const struct node *item)
{
	const struct node *variant = node_get(item, "variant");
	fprintf(out, "    expected  %s", (const char *)node_get(item, "id")->text.p);
	if (variant && variant->text.n)
		fprintf(out, "/%s", (const char *)variant->text.p);
	for (const struct node *v = item->first; v; v = v->next)
		if (node_is(v->key, "certainty") || node_is(v->key, "level"))
			fprintf(out, ", %s", (const char *)v->text.p);
	fputc('\n', out);
}

static void tell_got(FILE *out, const struct finding *f)
{
	fprintf(out, "    got       %s%s%s, %s, %s   (%s, %s:%u)\n", f->rule->finding, f->rule->variant[0] ? "/" : "",
		f->rule->variant, word_of(F_certainty, f->certainty), word_of(F_alert_level, f->level), f->rule->name,
		f->rule->file, f->rule->line);
}

/* Tells what differs when out is not NULL. */
static bool compare(const struct test *t, const struct finding *f, size_t n, int64_t verdict, FILE *out)
{
	bool good = true;
	for (const struct node *item = t->findings->first; item; item = item->next) {
		const struct finding *got = found_for(f, n, item);
		if (got && fits(item, got))
			continue;
		good = false;
		if (out)
			tell_expected(out, item);
		if (out && got)
			tell_got(out, got);
		else if (out)
			fputs("    got       nothing of this id\n", out);
	}
	for (size_t i = 0; i < n; i++) {
		if (is_wanted(t, &f[i]))
			continue;
		good = false;
		if (out)
			fprintf(out, "    expected  no %s\n", f[i].rule->finding);
		if (out)
			tell_got(out, &f[i]);
	}
	if (!t->verdict || node_is(t->verdict, word_of(F_verdict, verdict)))
		return good;
	if (out)
		fprintf(out, "    expected  verdict %s\n    got       verdict %s\n", (const char *)t->verdict->text.p,
			word_of(F_verdict, verdict));
	return false;
}

/* What correlations find in the sessions of a list, in the order of their times; how many. A finding that comes again is not
 * told again. */
static size_t judge_series(struct run *run, const struct test *t, struct finding *f, size_t max)
{
	struct finding own[RULE_FINDINGS];
	struct correlated found;
	size_t n = 0;
	struct correlator *c = correlator_new(run->rules, &(struct correlate_budget){ GROUPS, SERIES + 1, INT64_MAX / 2 });
	if (!c)
		return 0;
	for (size_t i = 0; i < t->sessions; i++) {
		struct record r = t->series[i];
		rules_judge(run->rules, run->scratch, &r, own, RULE_FINDINGS);
		correlator_push(c, run->scratch, &r);
	}
	correlator_end(c);
	while (correlator_next(c, run->scratch, &found)) {
		size_t same = 0;
		while (same < n && f[same].rule != found.finding.rule)
			same++;
		if (same == n && n < max)
			f[n++] = found.finding;
		else if (same < n && found.finding.level > f[same].level)
			f[same] = found.finding;
	}
	correlator_free(c);
	return n;
}

static void judge(struct run *run, const struct test *t)
{
	struct finding f[RULE_FINDINGS];
	struct record r = *t->session;
	size_t n = t->series ? judge_series(run, t, f, RULE_FINDINGS) :
		   t->service == IN_STATS ? rules_judge_stats(run->rules, run->scratch, &r, f, RULE_FINDINGS) :
		   t->service == IN_POSTURE ? rules_judge_posture(run->rules, run->scratch, &r, f, RULE_FINDINGS) :
		   rules_judge(run->rules, run->scratch, &r, f, RULE_FINDINGS);
	int64_t verdict = record_get_num(&r, F_verdict, verdict_unknown);
	for (size_t i = 0; i < n; i++)
		run->raised[f[i].rule - run->rules->rule] = true;
	bool good = compare(t, f, n, verdict, NULL);
	*(good ? &run->result->passed : &run->result->failed) += 1;
	if (!good || run->verbose)
		fprintf(run->out, "%s:%u: %s: %s\n", t->at->path, t->at->line, t->name, good ? "passed" : "FAILED");
	if (!good)
		compare(t, f, n, verdict, run->out);
}

static void not_raised(const struct run *run)
{
	for (size_t i = 0; i < run->rules->count; i++)
		if (!run->raised[i] && run->rules->rule[i].enabled && !run->rules->rule[i].part)
			fprintf(run->out, "no test raises %s\n", run->rules->rule[i].name);
}

static bool run_path(struct run *run, const char *path)
{
	const char *const *paths = &path;
	char tests[4096];
	size_t n = 1;
	if (folder_is(path)) {
		int len = snprintf(tests, sizeof(tests), "%s/tests", path);
		bool inner = len > 0 && (size_t)len < sizeof(tests) && folder_is(tests);
		path = inner ? arena_string(&run->arena, bytes_of(tests)) : path;
		if (!folder_yaml(&run->arena, path, "tests", &paths, &n, run->e))
			return false;
	}
	for (size_t i = 0; i < n; i++)
		file_read(run, paths[i]);
	bases(run);
	if (run->tests == 0 && run->result->wrong == 0)
		return error_set(run->e, "%s: no test here; a test is a YAML document with name, session and findings", path);
	for (size_t i = 0; i < run->tests; i++)
		if (run->test[i].findings)
			judge(run, &run->test[i]);
	if (run->verbose)
		not_raised(run);
	return true;
}

bool rule_test_run(const struct rules *rules, const char *path, bool verbose, FILE *out, FILE *err,
		   struct rule_test_result *result, struct error *e)
{
	struct run run = { .rules = rules, .scratch = rule_scratch_new(rules), .verbose = verbose, .out = out, .err = err,
			   .result = result, .e = e };
	*result = (struct rule_test_result){ 0 };
	run.raised = calloc(rules->count + 1, sizeof(*run.raised));
	bool ok = run.scratch && run.raised ? run_path(&run, path) : error_set(e, "no memory for the tests");
	rule_scratch_free(run.scratch);
	free(run.raised);
	arena_free(&run.arena);
	return ok;
}
