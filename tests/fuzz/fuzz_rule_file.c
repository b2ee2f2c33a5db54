/* rule_file: any octets as a file of rules. Promises: nothing is half accepted, and every refusal names file, line and
 * column; the same octets give the same answer; whatever was accepted can be evaluated over an empty and a full record,
 * and leaves a record that is possible; the index loses no rule that matches; no filter hides a session of which nothing
 * was seen.
 * The first octet says what the rest is: S the table of levels, V the cases of the verdict, O a site's own rules and
 * filters beside a shipped rule; anything else begins a file of shipped rules. */
#include <stdlib.h>

#include "judge/alert.h"
#include "rule_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

/* Something in every fact, so that every step has a value to look at. */
static void fill(struct record *r)
{
	record_init(r);
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		enum fact f = (enum fact)i;
		enum fact_type type = fact_table[i].type;
		struct bytes text = type == T_IP || type == T_LIP ? (struct bytes){ (const uint8_t *)"\xc0\0\2\7", 4 } :
				    bytes_of("mx.example.org");
		if (type == T_TRI)
			record_yes(r, f);
		else if (type == T_LNUM || type == T_LENUM)
			record_add_num(r, f, 1);
		else if (type >= T_LSTR)
			record_add(r, f, text);
		else if (type == T_STR || type == T_HEX || type == T_IP)
			record_str(r, f, text);
		else
			record_num(r, f, 1);
	}
}

static bool hidden(const struct rules *rules, struct rule_scratch *s, const struct rule *rule, const struct record *r)
{
	for (uint32_t i = 0; i < rule->filters; i++)
		if (!rule_walk(rules, s, rule->filter[i]->start, r))
			return true;
	return false;
}

/* Findings, when every rule is looked at. */
static size_t without_index(const struct rules *rules, struct rule_scratch *s, const struct record *r)
{
	static bool found[4096];
	size_t n = 0;
	need(rules->findings <= 4096);
	for (size_t i = 0; i < rules->findings; i++)
		found[i] = false;
	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->rule[i];
		if (!rule->enabled || rule->part || !rule_walk(rules, s, rule->start, r) || hidden(rules, s, rule, r))
			continue;
		n += !found[rule->finding_at];
		found[rule->finding_at] = true;
	}
	return n < RULE_FINDINGS ? n : RULE_FINDINGS;
}

static void evaluate(const struct rules *rules)
{
	static struct record r, alert; /* too large for the stack of a fuzzer */
	static struct finding out[RULE_FINDINGS];
	struct rule_scratch *s = rule_scratch_new(rules);
	need(s != NULL);
	for (int full = 0; full < 2; full++) {
		record_init(&r);
		if (full)
			fill(&r);
		size_t expected = without_index(rules, s, &r);
		for (size_t i = 0; i < rules->filters && !full; i++)
			need(rule_walk(rules, s, rules->filter[i]->start, &r));
		size_t n = rules_judge(rules, s, &r, out, RULE_FINDINGS);
		need(n == expected && record_check(&r, record_size(&r)));
		for (size_t i = 0; i < n; i++) {
			alert_make(rules, &r, &out[i], &alert);
			need(record_check(&alert, record_size(&alert)));
		}
	}
	rule_scratch_free(s);
}

/* "PATH:LINE:COLUMN: text" */
static bool well_told(const char *text, const char *path)
{
	size_t n = strlen(path);
	char *end;
	if (strncmp(text, path, n) != 0 || text[n] != ':')
		return false;
	if (strtoul(text + n + 1, &end, 10) == 0 || *end != ':')
		return false;
	return strtoul(end + 1, &end, 10) > 0 && end[0] == ':' && end[1] == ' ' && end[2];
}

#define ROW "{unknown: low, clear-content: high, clear-auth: low, clear-envelope: low, tls-bad-peer: low, tls-ok: low, " \
	"not-delivered: {else: low, first: medium}}\n"
#define SURE "{cap: medium, certainty: strong}\n"

/* The shortest tables that are whole, so that any rules can judge; and a shipped rule for a site to change. */
static const struct {
	const char *path, *text;
} base[] = {
	{ "severity.yaml", "ruleset: r\nidentity:\n  expectations: [dane]\n  high: " SURE "  medium: " SURE "  low: " SURE
	  "  hint: " SURE "  none: " SURE "matrix:\n  none: " ROW "  sts-testing: " ROW "  baseline: " ROW
	  "  dane-tls-only: " ROW "  policy: " ROW "  sts-enforce: " ROW "  dane: " ROW },
	{ "verdict.yaml", "- {verdict: downgraded, finding: {plain: low, promised: low}}\n- {verdict: unknown, why: w}\n" },
	{ "shipped.yaml", "title: T\nid: 00000000-0000-0000-0000-000000000000\nname: shipped\nlevel: high\n"
	  "logsource: {product: mxwitness, service: session}\ndetection: {s: {mxwitness.service: mx}, condition: s}\n" },
};

/* The rules with one file more. */
static bool load(struct rules *r, char kind, const char *path, struct bytes content, struct error *e)
{
	for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++)
		need(rules_add(r, base[i].path, bytes_of(base[i].text), e));
	if (kind == 'S' || kind == 'V' || kind == 'O')
		rules_own(r);
	return rules_add(r, path, content, e) && rules_finish(r, e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes content = { data, size };
	if (size == 0)
		return 0;
	char kind = (char)data[0];
	const char *path = kind == 'S' ? "r/severity.yaml" : kind == 'V' ? "r/verdict.yaml" : "r/t.yaml";
	if (kind == 'S' || kind == 'V' || kind == 'O')
		content = bytes_skip(content, 1);
	struct error e1 = { "" }, e2 = { "" };
	struct rules *a = rules_new(&e1);
	need(a != NULL);
	bool ok = load(a, kind, path, content, &e1);
	if (size & 1) { /* half of them are enough to see it, and the other half is fast */
		struct rules *b = rules_new(&e2);
		need(b && load(b, kind, path, content, &e2) == ok && strcmp(e1.text, e2.text) == 0 && a->steps == b->steps);
		rules_free(b);
	}
	if (ok)
		evaluate(a);
	else
		need(well_told(e1.text, path));
	rules_free(a);
	return 0;
}
