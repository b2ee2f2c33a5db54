/* rule_site, rule_filter, rule_file, rule: what a site does to the shipped rules - its own rules, replaced ones, rules
 * switched off, levels, exceptions - and the order in which a level comes about. */
#include "rule_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "judge/alert.h"

enum { MAX = 16 };

#define ROW(x) #x ": {unknown: low, clear-content: high, clear-auth: low, clear-envelope: medium, tls-bad-peer: {seen: high, " \
	"inferred: medium, no: low, unknown: low}, tls-ok: informational, not-delivered: {else: high, first: low}}\n"
#define SURE "{cap: critical, certainty: proof}\n"

static const char severity[] =
	"ruleset: shipped\nidentity:\n  expectations: [dane]\n  high: " SURE "  medium: " SURE
	"  low: {cap: medium, certainty: strong}\n  hint: " SURE "  none: " SURE "matrix:\n"
	"  none: {unknown: informational, clear-content: informational, clear-auth: informational, clear-envelope: informational,"
	" tls-bad-peer: informational, tls-ok: informational, not-delivered: informational}\n"
	"  " ROW(sts-testing) "  " ROW(baseline) "  " ROW(dane-tls-only) "  " ROW(policy) "  " ROW(sts-enforce) "  " ROW(dane);
static const char verdict[] = "- {verdict: downgraded, finding: {plain: medium, promised: medium}}\n"
			      "- {verdict: unknown, why: w}\n";

#define ID(n) "5b0c6f0e-5d0e-4f0b-9d43-6f2f8f2b7f0" #n
/* A rule that matches service mx; more keys come behind it. */
#define RULE(n, name) "title: T\nid: " ID(n) "\nname: " #name "\nlevel: low\n" \
	"logsource: {product: mxwitness, service: session}\ndetection:\n  s: {mxwitness.service: mx}\n" \
	"  big: {mxwitness.smtp.content_octets|gt: 1000}\n  condition: s or (s and big)\n"
#define FILTER(n) "title: F\nid: " ID(n) "\nlogsource: {product: mxwitness, service: session}\nfilter:\n"

static bool add(struct rules *r, const char *path, const char *text, struct error *e)
{
	size_t n = strlen(text);
	uint8_t *exact = malloc(n ? n : 1);
	memcpy(exact, text, n);
	bool ok = rules_add(r, path, (struct bytes){ exact, n }, e);
	free(exact);
	return ok;
}

/* Shipped: the tables and three rules, two of them of one finding. */
static struct rules *shipped(struct error *e)
{
	struct rules *r = rules_new(e);
	assert_true(add(r, "severity.yaml", severity, e) && add(r, "verdict.yaml", verdict, e));
	if (!add(r, "rules/one.yaml", RULE(1, one) "mxwitness: {verdict: downgraded}\n---\n"
		 RULE(2, two) "mxwitness: {finding: both, variant: two}\n---\n"
		 RULE(3, three) "mxwitness: {finding: both, variant: three, certainty: strong}\n", e))
		fail_msg("%s", e->text);
	return r;
}

/* "fact=word" pairs, numbers too. */
static void fill(struct record *r, const char *text)
{
	record_init(r);
	while (*text) {
		size_t n = strcspn(text, " "), eq = strcspn(text, "=");
		enum fact f = fact_by_name((struct bytes){ (const uint8_t *)text, eq });
		struct bytes v = { (const uint8_t *)text + eq + 1, n - eq - 1 };
		assert_true(f != FACT_COUNT);
		if (fact_table[f].type == T_ENUM)
			record_num(r, f, word_index(fact_table[f].words, v));
		else if (fact_table[f].type == T_LENUM)
			record_add_num(r, f, word_index(fact_table[f].words, v));
		else if (fact_table[f].type == T_TRI)
			record_tri(r, f, v.p[0] == 't' ? TRI_YES : TRI_NO);
		else if (fact_table[f].type == T_STR)
			record_str(r, f, v);
		else
			record_num(r, f, strtoll(text + eq + 1, NULL, 10));
		text += n + (text[n] == ' ');
	}
}

/* "finding/variant level, ..." */
static void judge(const struct rules *r, const char *facts, char out[512])
{
	struct record *rec = malloc(sizeof(*rec));
	struct rule_scratch *s = rule_scratch_new(r);
	struct finding f[MAX];
	size_t at = 0;
	fill(rec, facts);
	size_t n = rules_judge(r, s, rec, f, MAX);
	out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, 512 - at, "%s%s/%s %s", i ? ", " : "", f[i].rule->finding, f[i].rule->variant,
				       fact_table[F_alert_level].words[f[i].level]);
	assert_true(record_check(rec, record_size(rec)));
	rule_scratch_free(s);
	free(rec);
}

#define MX "mxwitness.service=mx"

/* site: files of the site's own; config: its configuration. error NULL: found is what a session MX finds. */
static const struct {
	const char *site, *config, *facts, *found, *error, *why;
} cases[] = {
	{ "", "", MX, "one/ low, both/three low", NULL, "as shipped" },
	{ "", "", "mxwitness.service=other", "", NULL, "" },
	{ RULE(9, mine), "", MX, "one/ low, both/three low, mine/ low", NULL, "one more" },
	{ RULE(1, one) "mxwitness: {levels: high}\n", "", MX, "one/ high, both/three low", NULL, "in place of the shipped one" },
	{ RULE(1, uno), "", MX, "uno/ low, both/three low", NULL, "under another name" },
	{ RULE(1, uno) "---\n" RULE(8, one), "", MX, "uno/ low, both/three low, one/ low", NULL, "whose old name is free" },
	{ RULE(3, three), "", MX, "one/ low, both/two low, three/ low", NULL, "out of its finding" },
	{ RULE(9, one), "", NULL, NULL, "site/a.yaml:3:7: the name \"one\" is that of a shipped rule; to replace it, give this one "
	  "its id " ID(1) ", else another name", "" },
	{ RULE(1, two), "", NULL, NULL, "site/a.yaml:3:7: the name \"two\" is that of a shipped rule; to replace it, give this one "
	  "its id " ID(2) ", else another name", "" },
	{ RULE(9, mine) "---\n" RULE(9, other), "", NULL, NULL, "site/a.yaml:12:5: the id is used at site/a.yaml:1 already", "" },
	{ RULE(9, mine) "---\n" RULE(8, mine), "", NULL, NULL, "site/a.yaml:13:7: the name \"mine\" is used at site/a.yaml:1 already",
	  "" },
	{ RULE(1, one) "---\n" RULE(1, uno), "", NULL, NULL, "site/a.yaml:12:5: the id is used at site/a.yaml:1 already",
	  "replaced twice" },

	{ "", "rules_off: [one]\n", MX, "both/three low", NULL, "off by name" },
	{ "", "rules_off: [" ID(1) ", three]\n", MX, "both/two low", NULL, "off by id" },
	{ "", "rules_off: [one, two, three]\n", MX, "", NULL, "all off" },
	{ RULE(1, uno), "rules_off: [uno]\n", MX, "both/three low", NULL, "a site's own" },
	{ "", "rules_off: [onee]\n", NULL, NULL, "c.yaml:1:13: no rule \"onee\"; did you mean \"one\"?", "" },
	{ "", "rules_off:\n  - both\n", NULL, NULL, "c.yaml:2:5: \"both\" is a finding; name its rules: two, three", "" },
	{ "", "rules_off: one\n", NULL, NULL, "c.yaml:1:12: rules_off: a list of names or ids of rules belongs here", "" },
	{ "", "rules_off: [one, one]\n", NULL, NULL, "c.yaml:1:18: \"one\" stands in this list a second time", "" },
	{ "", "rule_levels: {one: critical}\n", MX, "one/ critical, both/three low", NULL, "by name" },
	{ "", "rule_levels: {both: informational}\n", MX, "one/ low, both/three informational", NULL, "by finding: all of it" },
	{ "", "rule_levels: {two: high, both: informational}\n", MX, "one/ low, both/three high", NULL,
	  "a rule knows better than its finding, in any order" },
	{ "", "rule_levels: {" ID(1) ": high, one: low}\n", MX, "one/ high, both/three low", NULL, "by id, too" },
	{ "", "rule_levels: {tow: high}\n", NULL, NULL, "c.yaml:1:15: no rule \"tow\"; did you mean \"two\"?", "" },
	{ "", "rule_levels: {two: hihg}\n", NULL, NULL, "c.yaml:1:20: no level \"hihg\"; did you mean \"high\"?", "" },
	{ "", "rule_levels: [two]\n", NULL, NULL, "c.yaml:1:14: rule_levels: a map of finding or rule name: level belongs here", "" },
	{ "", "rule_of: [two]\n", NULL, NULL, "c.yaml:1:1: no key \"rule_of\"; did you mean \"rules_off\"?", "" },
	{ "", "rules: [a]\n", NULL, NULL, "c.yaml:1:8: a text belongs here", "" },

	{ FILTER(7) "  rules: [one]\n  p: {destination.port: 25}\n  condition: not p\n", "", MX, "one/ low, both/three low", NULL,
	  "a port that was not seen is no exception" },
	{ FILTER(7) "  rules: [one]\n  p: {destination.port: 25}\n  condition: not p\n", "", MX " destination.port=25",
	  "both/three low", NULL, "the exception" },
	{ FILTER(7) "  rules: [one]\n  p: {destination.port: 25}\n  condition: not p\n", "", MX " destination.port=26",
	  "one/ low, both/three low", NULL, "another port" },
	{ FILTER(7) "  rules: [" ID(1) ", three]\n  p: {destination.port: 25}\n  condition: not p\n", "", MX " destination.port=25",
	  "both/two low", NULL, "by id and by name" },
	{ FILTER(7) "  rules: any\n  p: {destination.port: 25}\n  condition: not p\n", "", MX " destination.port=25", "", NULL,
	  "for all" },
	{ FILTER(7) "  rules: [mine]\n  p: {destination.port: 25}\n  condition: not p\n---\n" RULE(9, mine), "",
	  MX " destination.port=25", "one/ low, both/three low", NULL, "a rule that comes later" },
	{ FILTER(7) "  rules: [one]\n  p: {destination.port: 25}\n  q: {destination.port: 26}\n  condition: not 1 of them\n", "",
	  MX " destination.port=26", "both/three low", NULL, "rules is no selection" },
	{ FILTER(7) "  rules: [one]\n  p: {destination.port: 25}\n  condition: not p\n---\n"
	  FILTER(8) "  rules: [one]\n  p: {destination.port: 26}\n  condition: not p\n", "", MX " destination.port=26",
	  "both/three low", NULL, "two filters are two exceptions" },
	{ FILTER(7) "  rules: [one]\n  p: {destination.port: 25}\n  q: {destination.port: 26}\n  condition: not p and not q\n", "",
	  MX " destination.port=26", "both/three low", NULL, "the same in one" },
	{ FILTER(7) "  rules: [one]\n  p: {destination.port|neq: 25, destination.port|exists: true}\n  condition: not p\n", "", MX,
	  "one/ low, both/three low", NULL, "all other ports, when it was seen" },
	{ FILTER(7) "  rules: [one]\n  p: {mxwitness.smtp.helo: null, mxwitness.capture.gap_in_dialogue: false}\n"
	  "  condition: not p\n", "", MX " mxwitness.capture.gap_in_dialogue=false", "both/three low", NULL,
	  "no HELO, and looked for" },
	{ "title: F\nid: " ID(7) "\nlogsource: {product: mxwitness}\nfilter:\n  rules: any\n  p: {destination.port: 25}\n"
	  "  condition: not p\n", "", MX " destination.port=25", "", NULL, "a product's service may be left out" },
	{ "title: F\nlogsource: {product: windows}\nfilter: {x: y}\n", "", MX, "one/ low, both/three low", NULL, "for others" },
	{ FILTER(7) "  rules: [one]\n  p: {destination.port: 25}\n  condition: p\n", "", NULL, NULL,
	  "site/a.yaml:7:14: this filter takes findings away where \"destination.port\" was just not seen; an exception is "
	  "written \"condition: not SELECTION\"", "Sigma joins it by and: this would keep only port 25" },
	{ FILTER(7) "  rules: [one]\n  p: {destination.port|neq: 25}\n  condition: not p\n", "", NULL, NULL,
	  "site/a.yaml:6:7: this filter takes findings away where \"destination.port\" was just not seen; add "
	  "destination.port|exists: true or a test of mxwitness.capture beside it", "" },
	{ FILTER(7) "  rules: [one]\n  p: {mxwitness.smtp.helo: null}\n  condition: not p\n", "", NULL, NULL,
	  "site/a.yaml:6:28: this filter takes findings away where \"mxwitness.smtp.helo\" was just not seen; add a test of "
	  "mxwitness.capture beside it", "" },
	{ FILTER(7) "  rules: [oen]\n  p: {destination.port: 25}\n  condition: not p\n", "", NULL, NULL,
	  "site/a.yaml:5:11: no rule \"oen\"; did you mean \"one\"?", "" },
	{ FILTER(7) "  rules: [both]\n  p: {destination.port: 25}\n  condition: not p\n", "", NULL, NULL,
	  "site/a.yaml:5:11: \"both\" is a finding; name its rules: two, three", "" },
	{ FILTER(7) "  rules: one\n  p: {destination.port: 25}\n  condition: not p\n", "", NULL, NULL,
	  "site/a.yaml:5:10: a list of names or ids of rules belongs here, or any", "" },
	{ FILTER(7) "  p: {destination.port: 25}\n  condition: not p\n", "", NULL, NULL,
	  "site/a.yaml:5:3: rules is missing: a list of names or ids of rules, or any", "" },
	{ FILTER(7) "  rules: any\n  p: {destination.prot: 25}\n  condition: not p\n", "", NULL, NULL,
	  "site/a.yaml:6:7: no fact \"destination.prot\"; did you mean \"destination.port\"?", "" },
	{ FILTER(7) "  rules: any\n  p: {destination.port: 25}\n", "", NULL, NULL, "site/a.yaml:5:3: condition is missing", "" },
	{ "title: F\nlogsource: {product: mxwitness}\nfilter: {rules: any, p: {destination.port: 25}, condition: not p}\n", "", NULL,
	  NULL, "site/a.yaml:1:1: id is missing", "" },
	{ "title: F\nlevel: low\nid: " ID(7) "\nlogsource: {product: mxwitness}\nfilter: {rules: any}\n", "", NULL, NULL,
	  "site/a.yaml:2:1: no key \"level\"", "a filter has none" },
	{ "title: F\nid: " ID(7) "\nlogsource: {product: mxwitness, service: alert}\nfilter: {rules: any}\n", "", NULL, NULL,
	  "site/a.yaml:3:42: no rule has this service; write session, stats, posture, or leave it out for session", "" },
	{ "title: F\nid: " ID(7) "\nlogsource: {product: mxwitnes}\nfilter: {rules: any}\n", "", NULL, NULL,
	  "site/a.yaml:3:22: no product \"mxwitnes\"; did you mean \"mxwitness\"?", "an exception that would never have been made" },
	{ FILTER(7) "  rules: any\n  p: {destination.port: 25}\n  condition: not p\n---\n" FILTER(7) "  rules: any\n"
	  "  p: {destination.port: 25}\n  condition: not p\n", "", NULL, NULL, "site/a.yaml:10:5: the id is used at site/a.yaml:1 already",
	  "" },
};

static void one_case(size_t i, const char **message, char found[512])
{
	static struct error e;
	struct settings own = { .folder = NULL };
	e.text[0] = '\0';
	struct rules *r = shipped(&e);
	rules_own(r);
	struct bytes config = bytes_of(cases[i].config);
	bool ok = config_parse("c.yaml", config, &own, &e) && add(r, "site/a.yaml", cases[i].site, &e) &&
		  rule_site_apply(&own.rules, r, &e) && rules_finish(r, &e);
	*message = ok ? NULL : e.text;
	if (ok && cases[i].facts)
		judge(r, cases[i].facts, found);
	settings_free(&own);
	rules_free(r);
}

static void site_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *message;
		char found[512] = "";
		one_case(i, &message, found);
		if (cases[i].error && (!message || strcmp(message, cases[i].error) != 0))
			fail_msg("case %zu (%s)\n  want: %s\n  have: %s\n%s", i, cases[i].why, cases[i].error,
				 message ? message : "accepted", cases[i].site);
		if (!cases[i].error && (message || strcmp(found, cases[i].found) != 0))
			fail_msg("case %zu (%s)\n  want: %s\n  have: %s\n%s", i, cases[i].why, cases[i].found,
				 message ? message : found, cases[i].site);
	}
}

/* settings: behind a rule whose Sigma level is low. */
static const struct {
	const char *settings, *facts, *level, *why;
} levels[] = {
	{ "", MX, "low", "without settings, Sigma's own level" },
	{ "{levels: critical}", MX, "critical", "fixed" },
	{ "{levels: matrix}", MX, "informational", "no promise, no base" },
	{ "{levels: matrix, base: medium}", MX, "medium", "base" },
	{ "{levels: matrix, base: medium}", MX " mxwitness.expectation.all=policy mxwitness.outcome=clear-content", "high",
	  "the matrix above the base" },
	{ "{levels: matrix, base: critical}", MX " mxwitness.expectation.all=policy mxwitness.outcome=clear-content", "critical",
	  "the base above the matrix" },
	{ "{levels: matrix}", MX " mxwitness.expectation.all=policy mxwitness.outcome=tls-bad-peer mxwitness.delivery=inferred",
	  "medium", "by delivery" },
	{ "{levels: matrix}", MX " mxwitness.expectation.all=policy mxwitness.outcome=tls-bad-peer mxwitness.delivery=seen", "high",
	  "" },
	{ "{levels: matrix}", MX " mxwitness.expectation.all=policy mxwitness.outcome=not-delivered", "low", "a first occurrence" },
	{ "{levels: matrix, certainty: proof}", MX " mxwitness.expectation.all=policy mxwitness.outcome=not-delivered", "high",
	  "but not of a proof" },
	{ "{levels: matrix, floor: {policy: critical}}", MX " mxwitness.expectation.all=policy mxwitness.outcome=tls-ok", "critical",
	  "floor after the matrix" },
	{ "{levels: matrix, floor: {dane: critical}}", MX " mxwitness.expectation.all=policy mxwitness.outcome=tls-ok",
	  "informational", "of a promise that there is not" },
	{ "{levels: low, floor: {policy: high}}", MX " mxwitness.expectation.all=policy", "high", "a floor under a fixed level" },
	{ "{levels: matrix, floor: {policy: medium}, shift: [{by: 1, when: big, why: W}]}",
	  MX " mxwitness.expectation.all=policy mxwitness.outcome=tls-ok mxwitness.smtp.content_octets=5000", "high",
	  "shift after the floor" },
	{ "{levels: matrix, floor: {policy: medium}, shift: [{by: -1, when: big, why: W}]}",
	  MX " mxwitness.expectation.all=policy mxwitness.outcome=tls-ok mxwitness.smtp.content_octets=5000", "low", "down too" },
	{ "{levels: high, shift: [{by: -1, when: big, why: W}]}", MX, "high", "what was not seen shifts nothing" },
	{ "{levels: medium, shift: [{by: 1, when: big, why: W}, {by: 1, when: s, why: V}]}",
	  MX " mxwitness.smtp.content_octets=5000", "critical", "all shifts" },
	{ "{levels: critical, shift: [{by: 1, when: s, why: W}]}", MX, "critical", "no level above critical" },
	{ "{levels: informational, shift: [{by: -1, when: s, why: W}]}", MX, "informational", "none below" },
	{ "{levels: medium, shift: [{by: 1, when: s, why: W}], cap: medium}", MX, "medium", "cap after the shifts" },
	{ "{levels: matrix, cap: medium}", MX " mxwitness.expectation.all=policy mxwitness.outcome=clear-content", "medium", "" },
	{ "{levels: matrix, own: high}", MX " mxwitness.own.client=true", "high", "the site's own" },
	{ "{levels: matrix, own: high}", MX " mxwitness.own.server=true", "high", "" },
	{ "{levels: matrix, own: high}", MX " mxwitness.own.client=false mxwitness.own.server=false", "informational", "not its own" },
	{ "{levels: matrix, own: high}", MX, "informational", "unseen is not own" },
	{ "{levels: medium, own: low}", MX " mxwitness.own.server=true", "low", "own in place of base, lower too" },
	{ "{levels: matrix}", MX " mxwitness.expectation.all=dane mxwitness.outcome=clear-content "
	  "mxwitness.identity.confidence=low", "medium", "a promise is as sure as the identity" },
	{ "{levels: matrix, shift: [{by: 1, when: s, why: W}]}", MX " mxwitness.expectation.all=dane mxwitness.outcome=clear-content "
	  "mxwitness.identity.confidence=low", "medium", "which no shift changes" },
	{ "{levels: matrix, base: high}", MX " mxwitness.expectation.all=dane mxwitness.outcome=clear-content "
	  "mxwitness.identity.confidence=low", "high", "but a base that owes it nothing stays" },
	{ "{levels: matrix}", MX " mxwitness.expectation.all=dane mxwitness.expectation.all=baseline mxwitness.outcome=clear-content "
	  "mxwitness.identity.confidence=low", "high", "and so does another promise" },
};

static void level_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		struct error e;
		char text[2048], found[512], want[64];
		struct rules *r = rules_new(&e);
		snprintf(text, sizeof(text), "%s%s%s\n", RULE(1, one), levels[i].settings[0] ? "mxwitness: " : "", levels[i].settings);
		if (!add(r, "severity.yaml", severity, &e) || !add(r, "verdict.yaml", verdict, &e) || !add(r, "a.yaml", text, &e) ||
		    !rules_finish(r, &e))
			fail_msg("case %zu: %s", i, e.text);
		judge(r, levels[i].facts, found);
		snprintf(want, sizeof(want), "one/ %s", levels[i].level);
		if (strcmp(found, want) != 0)
			fail_msg("case %zu: %s %s (%s)\n  want: %s\n  have: %s", i, levels[i].settings, levels[i].facts, levels[i].why,
				 want, found);
		rules_free(r);
	}
}

static bool is(const struct record *r, enum fact f, const char *text)
{
	return bytes_eq(record_get_str(r, f), bytes_of(text));
}

/* What an alert says about whose rule it was, whose level, and where the change lies. */
static void told(void **state)
{
	(void)state;
	struct error e;
	struct settings own = { .folder = NULL };
	struct record *rec = malloc(sizeof(*rec)), *a = malloc(sizeof(*a));
	struct finding f[MAX];
	struct rules *r = shipped(&e);
	rules_own(r);
	assert_true(add(r, "a.yaml", RULE(9, mine) "references: [R 1, R 2]\nfalsepositives: [a look-alike]\nstatus: test\n"
			"mxwitness: {segment: client-side}\n---\n" FILTER(7) "  rules: [mine, " ID(9) "]\n"
			"  p: {destination.port: 25}\n  condition: not p\n", &e));
	assert_true(config_parse("c.yaml", bytes_of("rule_levels: {one: high}\n"), &own, &e));
	assert_true(rule_site_apply(&own.rules, r, &e) && rules_finish(r, &e));
	struct rule_scratch *s = rule_scratch_new(r);
	fill(rec, MX " mxwitness.smtp.content_octets=5000");
	assert_int_equal(rules_judge(r, s, rec, f, MAX), 3);
	alert_make(r, rec, &f[0], a);
	assert_true(is(a, F_rule_ruleset, "shipped") && is(a, F_event_reason, "level high from the site's configuration"));
	assert_int_equal(record_get_num(a, F_segment, -1), pathpart_unknown);
	alert_make(r, rec, &f[2], a);
	assert_true(is(a, F_rule_ruleset, "site") && is(a, F_rule_reference, "R 1"));
	assert_int_equal(record_get_num(a, F_segment, -1), pathpart_client_side);
	const struct rule *mine = rules_at(r, 3);
	assert_true(mine->references == 2 && mine->falsepositives == 1 && mine->status == RULE_TEST && !mine->shipped);
	assert_string_equal(mine->falsepositive[0], "a look-alike");
	assert_int_equal(mine->filters, 1); /* named twice, and asked once */
	assert_true(rules_at(r, 0)->shipped && rules_at(r, 0)->status == RULE_STATUSES);
	rule_scratch_free(s);
	settings_free(&own);
	rules_free(r);
	free(rec);
	free(a);
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* On disk: the site's folder beside its configuration, its table in place of the shipped one, and a folder that is not
 * there. */
static void folders(void **state)
{
	(void)state;
	char dir[] = "/tmp/test_rule_site.XXXXXX", path[64], config[64], want[256];
	struct error e = { "" };
	struct settings own = { .folder = NULL };
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/mine", dir);
	snprintf(config, sizeof(config), "%s/site.yaml", dir);
	mkdir(path, 0700);
	write_file(path, "mine.yaml", RULE(9, mine));
	write_file(path, "verdict.yaml", "- {verdict: downgraded, finding: {plain: low, promised: low}}\n"
		   "- {verdict: misconfigured, finding: {plain: low, promised: low}}\n"
		   "- {verdict: intercepted, finding: {plain: low, promised: low}}\n- {verdict: clear, why: w}\n");
	write_file(dir, "site.yaml", "rules: mine\nrules_off: [mine]\n");
	if (!config_read(config, &own, &e))
		fail_msg("%s", e.text);
	struct rules *r = rules_load("rules", &own.rules, &e);
	if (!r)
		fail_msg("%s", e.text);
	const struct rule *last = rules_at(r, rules_count(r) - 1);
	assert_string_equal(last->name, "mine");
	assert_true(!last->shipped && !last->enabled && rules_at(r, 0)->shipped && rules_at(r, 0)->enabled);
	assert_int_equal(r->verdicts, 4);
	rules_free(r);
	settings_free(&own);
	write_file(dir, "site.yaml", "vantage: dmz\nrules: theirs\n");
	assert_true(config_read(config, &own, &e));
	assert_null(rules_load("rules", &own.rules, &e));
	snprintf(want, sizeof(want), "%s:2:8: rules: %s/theirs: no folder of rules: No such file or directory", config, dir);
	assert_string_equal(e.text, want);
	settings_free(&own);
	snprintf(path, sizeof(path), "rm -r %s", dir);
	assert_int_equal(system(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(site_says), cmocka_unit_test(level_order), cmocka_unit_test(told), cmocka_unit_test(folders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
