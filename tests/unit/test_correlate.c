/* correlate: documents, windows, order of arrival, bounds, and the state over a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "judge/alert.h"
#include "rule_file.h"

#define SEC INT64_C(1000000000)
#define ROW "{unknown: low, clear-content: high, clear-auth: low, clear-envelope: low, tls-bad-peer: low, tls-ok: low, " \
	"not-delivered: low}\n"
#define SURE "{cap: medium, certainty: strong}\n"
#define RULE(name, n, test) "title: T\nid: 00000000-0000-0000-0000-00000000000" n "\nname: " name "\nlevel: low\n" \
	"logsource: {product: mxwitness, service: session}\ndetection: {s: {" test "}, condition: s}\n---\n"
#define MEMBERS RULE("fails", "1", "mxwitness.outcome: not-delivered") RULE("clear", "2", "mxwitness.outcome: clear-content")
#define KOPF "title: C\nid: 00000000-0000-0000-0000-000000000009\nname: c\nlevel: high\ncorrelation:\n"
#define ORDERED "  type: temporal_ordered\n  rules: [fails, clear]\n  group-by: [source.ip]\n  timespan: 60s\n"
#define COUNTED "  type: event_count\n  rules: [fails]\n  group-by: [source.ip]\n  timespan: 60s\n  condition: {gte: 3}\n"
#define VALUED "  type: value_count\n  rules: [fails]\n  group-by: [source.ip]\n  timespan: 60s\n" \
	"  condition: {gte: 2, field: mxwitness.identity.host}\n"
#define APART "  type: value_count\n  rules: [fails]\n  timespan: 60s\n  condition: {gte: 2, field: mxwitness.identity.host}\n" \
	"mxwitness: {apart: source.ip}\n"
#define BOTH "  type: temporal\n  rules: [fails, clear]\n  group-by: [source.ip]\n  timespan: 60s\n"

#define REVERSED "  type: temporal_ordered\n  rules: [clear, fails]\n  group-by: [source.ip]\n  timespan: 60s\n"
#define EXACT "  type: event_count\n  rules: [fails]\n  group-by: [source.ip]\n  timespan: 60s\n  condition: {eq: 2}\n" \
	"mxwitness: {suppress: 1s}\n"
#define SURER ORDERED "mxwitness: {finding: x, certainty: indication}\n---\ntitle: D\nid: 00000000-0000-0000-0000-000000000008\n" \
	"name: d\nlevel: low\ncorrelation:\n" BOTH "mxwitness: {finding: x, certainty: strong}\n"
#define EXCEPTED ORDERED "---\ntitle: D\nid: 00000000-0000-0000-0000-000000000008\nname: d\nlevel: low\ncorrelation:\n" \
	"  type: event_count\n  rules: [fails]\n  group-by: [source.ip]\n  timespan: 60s\n  condition: {gte: 2}\n" \
	"mxwitness: {silent: true}\n---\ntitle: E\nid: 00000000-0000-0000-0000-000000000007\n" \
	"logsource: {product: mxwitness, service: session}\nfilter:\n  rules: [c]\n  p: {mxwitness.correlation.holds: d}\n" \
	"  condition: not p\n"

#define BY_WIRE "  type: value_count\n  rules: [fails]\n  group-by: [mxwitness.tcp.isn]\n  timespan: 60s\n" \
	"  condition: {gte: 2, field: mxwitness.identity.host}\nmxwitness: {apart: observer.name}\n"
#define SIDES "  type: temporal\n  rules: [fails, clear]\n  group-by: [source.ip]\n  timespan: 60s\nmxwitness: {apart: observer.name}\n"
#define SIDES_HOSTS "  type: temporal\n  rules: [fails, clear]\n  group-by: [source.ip]\n  timespan: 60s\n" \
	"mxwitness: {apart: [observer.name, mxwitness.identity.host]}\n"
#define WITH ORDERED "---\ntitle: D\nid: 00000000-0000-0000-0000-000000000008\nname: d\nlevel: low\ncorrelation:\n" \
	"  type: event_count\n  rules: [fails]\n  group-by: [source.ip]\n  timespan: 60s\n  condition: {gte: 2}\n" \
	"mxwitness: {silent: true}\n---\ntitle: E\nid: 00000000-0000-0000-0000-000000000007\n" \
	"logsource: {product: mxwitness, service: session}\nfilter:\n  rules: [c]\n  p: {mxwitness.correlation.holds: d}\n" \
	"  condition: p\n"

static const char severity[] = "ruleset: r\nidentity:\n  expectations: [dane]\n  high: " SURE "  medium: " SURE "  low: " SURE
	"  hint: " SURE "  none: " SURE "matrix:\n  none: " ROW "  sts-testing: " ROW "  baseline: " ROW
	"  dane-tls-only: " ROW "  policy: " ROW "  sts-enforce: " ROW "  dane: " ROW;

static struct rules *load(const char *text, struct error *e)
{
	struct rules *r = rules_new(e);
	assert_non_null(r);
	if (rules_add(r, "severity.yaml", bytes_of(severity), e) &&
	    rules_add(r, "verdict.yaml", bytes_of("- {verdict: unknown, why: w}\n"), e) &&
	    rules_add(r, "t.yaml", bytes_of(text), e) && rules_finish(r, e))
		return r;
	rules_free(r);
	return NULL;
}

/* at s, what: f a failure, c clear mail; client and host: one octet each, the client in capitals at a private address */
struct seen {
	int at;
	char what, client, host;
};

/* where: see sensors below; NULL: nothing is known of it */
static void session_at(const struct seen *v, const char *where, struct record *r)
{
	char id[16];
	const bool local = v->client >= 'A' && v->client <= 'Z';
	uint8_t ip[4] = { local ? 10 : 192, 0, 2, (uint8_t)v->client };
	record_init(r);
	snprintf(id, sizeof(id), "%04d%c%c%c%.*s", v->at, v->what, v->client, v->host, where && *where != '-', where ? where : "");
	if (where && where[0] != '-')
		record_str(r, F_observer_name, (struct bytes){ (const uint8_t *)where, 1 });
	if (where && where[1] != '-')
		record_str(r, F_tcp_isn, (struct bytes){ (const uint8_t *)where + 1, 1 });
	record_cstr(r, F_event_id, id);
	record_num(r, F_event_end, (1000 + v->at) * SEC);
	record_str(r, F_src_ip, (struct bytes){ ip, 4 });
	record_str(r, F_id_host, (struct bytes){ (const uint8_t *)&v->host, 1 });
	record_num(r, F_outcome, v->what == 'f' ? outcome_not_delivered : outcome_clear_content);
}

static void session(const struct seen *v, struct record *r)
{
	session_at(v, NULL, r);
}

static void drain(struct correlator *c, struct rule_scratch *s, struct text *t)
{
	struct correlated f;
	while (correlator_next(c, s, &f)) {
		for (size_t i = 0; i < f.ids; i++) {
			text_put(t, i ? "+" : "");
			text_bytes(t, f.id[i]);
		}
		if (strcmp(f.finding.rule->finding, "x") == 0) {
			text_put(t, "/");
			text_put(t, f.finding.rule->name);
			text_put(t, "/");
			text_put(t, fact_table[F_alert_level].words[f.finding.level]);
		}
		text_put(t, " ");
	}
}

static const struct {
	const char *rule, *want, *why;
	struct seen in[8];
} cases[] = {
	{ ORDERED, "0000fax+0059cax ", "failed, then clear", { { 0, 'f', 'a', 'x' }, { 59, 'c', 'a', 'x' } } },
	{ ORDERED, "", "the window is half open", { { 0, 'f', 'a', 'x' }, { 60, 'c', 'a', 'x' } } },
	{ ORDERED, "", "the other way round", { { 0, 'c', 'a', 'x' }, { 5, 'f', 'a', 'x' } } },
	{ ORDERED, "", "another client", { { 0, 'f', 'a', 'x' }, { 5, 'c', 'b', 'x' } } },
	{ ORDERED, "", "the same instant has no order", { { 5, 'f', 'a', 'x' }, { 5, 'c', 'a', 'x' } } },
	{ ORDERED, "0000fax+0005cax ", "quiet afterwards", { { 0, 'f', 'a', 'x' }, { 5, 'c', 'a', 'x' }, { 9, 'c', 'a', 'x' } } },
	{ REVERSED, "0000cax+0001fax ", "the other order", { { 0, 'c', 'a', 'x' }, { 1, 'f', 'a', 'x' } } },
	{ REVERSED, "", "the same instant has no order, whatever the ids", { { 5, 'c', 'a', 'x' }, { 5, 'f', 'a', 'x' } } },
	{ EXACT, "0000fax+0001fax ", "two, and a third is one too many",
	  { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'x' }, { 9, 'f', 'a', 'x' } } },
	{ SURER, "0000fax+0005cax/d/high ", "of one finding the surest stands, with the highest level",
	  { { 0, 'f', 'a', 'x' }, { 5, 'c', 'a', 'x' } } },
	{ EXCEPTED, "0000fax+0005cax ", "an exception that does not hold", { { 0, 'f', 'a', 'x' }, { 5, 'c', 'a', 'x' } } },
	{ EXCEPTED, "", "an exception that rests on another correlation",
	  { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'x' }, { 5, 'c', 'a', 'x' } } },
	{ BOTH, "0000cax+0005fax ", "temporal has no order", { { 0, 'c', 'a', 'x' }, { 5, 'f', 'a', 'x' } } },
	{ COUNTED, "0000fax+0001fax+0002fax ", "three", { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'x' }, { 2, 'f', 'a', 'x' } } },
	{ COUNTED, "", "a repeat is not a third", { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'x' }, { 1, 'f', 'a', 'x' } } },
	{ VALUED, "0001fax+0002fay ", "two hosts", { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'x' }, { 2, 'f', 'a', 'y' } } },
	{ VALUED, "", "one host twice", { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'x' } } },
	{ APART, "", "another host at the same address", { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'y' } } },
	{ WITH, "", "only where another correlation holds", { { 0, 'f', 'a', 'x' }, { 5, 'c', 'a', 'x' } } },
	{ WITH, "0001fax+0005cax ", "and it does", { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'x' }, { 5, 'c', 'a', 'x' } } },
	{ APART, "0000fax+0002fbz ", "another host at another address", { { 0, 'f', 'a', 'x' }, { 1, 'f', 'b', 'x' }, { 2, 'f', 'b', 'z' } } },
};

/* where: of each session its sensor and the connection by its numbers; -: not known */
static const struct {
	const char *rule, *want, *why, *where;
	struct seen in[8];
} sensors[] = {
	/* what two sensors saw of one connection is one */
	{ COUNTED, "", "one of three was seen twice", "p1 q1 q2",
	  { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'x' }, { 2, 'f', 'a', 'x' } } },
	{ COUNTED, "0001faxq+0002faxq+0003faxp ", "three, of which one was seen twice", "p1 q1 q2 p3",
	  { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'x' }, { 2, 'f', 'a', 'x' }, { 3, 'f', 'a', 'x' } } },
	{ COUNTED, "0000faxp+0001faxp+0002faxp ", "one sensor's connections are many, whatever their numbers", "p1 p1 p1",
	  { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'x' }, { 2, 'f', 'a', 'x' } } },
	{ VALUED, "", "two hosts, but one connection", "p1 q1", { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'y' } } },
	{ VALUED, "0000faxp+0001fayq ", "two hosts at two sensors", "p1 q2",
	  { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'y' } } },
	{ ORDERED, "", "failed and clear, but one connection", "p1 q1", { { 0, 'f', 'a', 'x' }, { 1, 'c', 'a', 'x' } } },
	{ ORDERED, "0000faxp+0001caxq ", "failed here, then clear there", "p1 q2",
	  { { 0, 'f', 'a', 'x' }, { 1, 'c', 'a', 'x' } } },
	{ BOTH, "", "temporal, but one connection", "p1 q1", { { 0, 'f', 'a', 'x' }, { 1, 'c', 'a', 'x' } } },
	/* but where that is the question */
	{ BY_WIRE, "0000faxp+0001fayq ", "one connection, two sensors, two hosts", "p1 q1",
	  { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'y' } } },
	{ BY_WIRE, "", "one connection, two sensors, one host", "p1 q1", { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'x' } } },
	{ BY_WIRE, "", "one sensor, the same numbers once more", "p1 p1", { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'y' } } },
	{ BY_WIRE, "", "sensors without names", "-1 -1", { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'y' } } },
	{ BY_WIRE, "", "without numbers", "p- q-", { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'y' } } },
	{ BY_WIRE, "0000faxp+0002fayr ", "the third sensor hears otherwise", "p1 q1 r1",
	  { { 0, 'f', 'a', 'x' }, { 1, 'f', 'a', 'x' }, { 2, 'f', 'a', 'y' } } },
	/* a private address is somebody's at his sensor */
	{ ORDERED, "", "two clients of one private address", "p- q-", { { 0, 'f', 'A', 'x' }, { 1, 'c', 'A', 'x' } } },
	{ ORDERED, "0000fAxp+0001cAxp ", "one client", "p- p-", { { 0, 'f', 'A', 'x' }, { 1, 'c', 'A', 'x' } } },
	{ ORDERED, "0000fAx+0001cAx ", "one client, and no sensor has a name", "-- --",
	  { { 0, 'f', 'A', 'x' }, { 1, 'c', 'A', 'x' } } },
	/* two rules told apart */
	{ SIDES, "0000faxp+0001caxq ", "failed here, clear there", "p- q-",
	  { { 0, 'f', 'a', 'x' }, { 1, 'c', 'a', 'x' } } },
	{ SIDES, "0000caxp+0001faxq ", "clear here, failed there", "p- q-",
	  { { 0, 'c', 'a', 'x' }, { 1, 'f', 'a', 'x' } } },
	{ SIDES, "", "both at one sensor", "p- p-", { { 0, 'f', 'a', 'x' }, { 1, 'c', 'a', 'x' } } },
	{ SIDES, "", "this sensor sees both", "p- p- q-",
	  { { 0, 'f', 'a', 'x' }, { 1, 'c', 'a', 'x' }, { 2, 'c', 'a', 'x' } } },
	{ SIDES, "", "that sensor sees both", "p- p- q-",
	  { { 0, 'c', 'a', 'x' }, { 1, 'f', 'a', 'x' }, { 2, 'f', 'a', 'x' } } },
	{ SIDES, "0000faxp+0001caxp+0001faxr+0002caxq ", "a third sees the one, a fourth the other", "p- p- r- q-",
	  { { 0, 'f', 'a', 'x' }, { 1, 'c', 'a', 'x' }, { 1, 'f', 'a', 'x' }, { 2, 'c', 'a', 'x' } } },
	{ SIDES, "", "out of the window", "p- q-", { { 0, 'f', 'a', 'x' }, { 60, 'c', 'a', 'x' } } },
	{ SIDES, "", "without names", "-- --", { { 0, 'f', 'a', 'x' }, { 1, 'c', 'a', 'x' } } },
	{ SIDES_HOSTS, "", "at two sensors, but the same host", "p- q-", { { 0, 'f', 'a', 'x' }, { 1, 'c', 'a', 'x' } } },
	{ SIDES_HOSTS, "0000faxp+0001cayq ", "at two sensors, and two hosts", "p- q-",
	  { { 0, 'f', 'a', 'x' }, { 1, 'c', 'a', 'y' } } },
	{ SIDES_HOSTS, "", "the other has the same host, too", "p- q- q-",
	  { { 0, 'f', 'a', 'x' }, { 1, 'c', 'a', 'x' }, { 2, 'c', 'a', 'y' } } },
};

/* Rows as a database keeps them: one for each kind, table and slot. */
enum { ROWS = 256 };
struct kept {
	struct correlate_row row;
	uint8_t *octets;
};

static void keep(struct kept *k, size_t *n, const struct correlate_row *row)
{
	size_t i = 0;
	while (i < *n && (k[i].row.kind != row->kind || k[i].row.slot != row->slot ||
			  memcmp(k[i].row.table, row->table, CORRELATE_HASH) != 0))
		i++;
	assert_true(i < ROWS);
	if (i < *n)
		free(k[i].octets);
	else
		++*n;
	k[i].row = *row;
	k[i].octets = malloc(row->octets.n ? row->octets.n : 1);
	memcpy(k[i].octets, row->octets.p, row->octets.n);
	k[i].row.octets.p = k[i].octets;
}

static void save(struct correlator *c, struct kept *k, size_t *n)
{
	static uint8_t buf[CORRELATE_ROW];
	struct correlate_row row;
	while (correlator_changed(c, &row, buf))
		keep(k, n, &row);
}

/* Another correlator with what was kept, in the order given or backwards; each row cut is refused. */
static struct correlator *again(const struct rules *rules, const struct correlate_budget *budget, struct kept *k, size_t n, bool back)
{
	struct correlator *c = correlator_new(rules, budget);
	for (size_t i = 0; i < n; i++) {
		struct correlate_row row = k[back ? n - 1 - i : i].row;
		if (row.octets.n == 0)
			continue;
		row.octets.n--;
		assert_false(correlator_restore(c, &row));
		row.octets.n++;
		assert_true(correlator_restore(c, &row));
	}
	correlator_restored(c);
	return c;
}

/* In the order given, backwards, and over a restart after each: all the same. */
static void run(const struct rules *rules, const struct seen *in, const char *where, int way, char *buf, size_t cap)
{
	static struct kept kept[ROWS];
	size_t rows = 0;
	const struct correlate_budget budget = { 16, 16, 100 * SEC };
	struct rule_scratch *s = rule_scratch_new(rules);
	struct correlator *c = correlator_new(rules, &budget);
	struct text t = { buf, 0, cap - 1, false };
	struct record r;
	int n = 0;
	assert_non_null(c);
	while (n < 8 && in[n].what)
		n++;
	for (int i = 0; i < n; i++) {
		const int which = way == 1 ? n - 1 - i : i;
		session_at(&in[which], where ? where + 3 * which : NULL, &r);
		correlator_push(c, s, &r);
		drain(c, s, &t);
		if (way < 2)
			continue;
		save(c, kept, &rows);
		correlator_free(c);
		c = again(rules, &budget, kept, rows, way == 3);
	}
	correlator_end(c);
	drain(c, s, &t);
	buf[t.n] = '\0';
	for (size_t i = 0; i < rows; i++)
		free(kept[i].octets);
	correlator_free(c);
	rule_scratch_free(s);
}

static void find(const char *rule, const struct seen *in, const char *where, const char *want, const char *why)
{
	char text[4096], got[512];
	struct error e = { "" };
	snprintf(text, sizeof(text), "%s%s%s", MEMBERS, KOPF, rule);
	struct rules *rules = load(text, &e);
	if (!rules)
		fail_msg("%s", e.text);
	for (int way = 0; way < 4; way++) {
		run(rules, in, where, way, got, sizeof(got));
		if (strcmp(got, want) != 0)
			fail_msg("%s (way %d): expected \"%s\", got \"%s\"", why, way, want, got);
	}
	rules_free(rules);
}

static void finds(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		find(cases[i].rule, cases[i].in, NULL, cases[i].want, cases[i].why);
}

static void finds_at_sensors(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(sensors) / sizeof(sensors[0]); i++)
		find(sensors[i].rule, sensors[i].in, sensors[i].where, sensors[i].want, sensors[i].why);
}

static void bounded(void **unused)
{
	(void)unused;
	struct error e = { "" };
	struct rules *rules = load(MEMBERS KOPF ORDERED, &e);
	struct rule_scratch *s = rule_scratch_new(rules);
	struct correlator *c = correlator_new(rules, &(struct correlate_budget){ 4, 4, 0 });
	struct correlated f;
	struct record r;
	for (int i = 0; i < 100; i++) {
		session(&(struct seen){ i / 10, 'f', (char)i, 'x' }, &r);
		correlator_push(c, s, &r);
		while (correlator_next(c, s, &f))
			fail();
	}
	session(&(struct seen){ 0, 'f', 'a', 'x' }, &r);
	correlator_push(c, s, &r);
	assert_int_equal(correlator_counts(c).late, 1);
	correlator_end(c);
	assert_false(correlator_next(c, s, &f));
	assert_int_equal(correlator_counts(c).evicted, 96);
	correlator_free(c);
	rule_scratch_free(s);
	rules_free(rules);
}

/* Behind the watermark: it joins when it comes, is counted, and is the link that was missing. And twice the same waits once. */
static void late(void **unused)
{
	(void)unused;
	struct error e = { "" };
	struct rules *rules = load(MEMBERS KOPF ORDERED, &e);
	struct rule_scratch *s = rule_scratch_new(rules);
	struct correlator *c = correlator_new(rules, &(struct correlate_budget){ 16, 16, 10 * SEC });
	struct record r;
	char buf[256];
	struct text t = { buf, 0, sizeof(buf) - 1, false };
	const struct seen in[] = { { 50, 'c', 'a', 'x' }, { 50, 'c', 'a', 'x' }, { 70, 'f', 'b', 'x' }, { 10, 'f', 'a', 'x' } };
	for (size_t i = 0; i < 4; i++) {
		session(&in[i], &r);
		correlator_push(c, s, &r);
		drain(c, s, &t);
	}
	buf[t.n] = '\0';
	assert_string_equal(buf, "0010fax+0050cax ");
	assert_int_equal(correlator_counts(c).late, 1);
	assert_int_equal(correlator_counts(c).again, 1);
	correlator_free(c);
	rule_scratch_free(s);
	rules_free(rules);
}

/* What was saved tells who was quiet longest; a row a second time, or one whose shape is another's, is none. */
static void restores(void **unused)
{
	(void)unused;
	static struct kept kept[ROWS];
	size_t rows = 0;
	struct error e = { "" };
	struct rules *rules = load(MEMBERS KOPF ORDERED, &e);
	struct rule_scratch *s = rule_scratch_new(rules);
	const struct correlate_budget budget = { 4, 16, 0 };
	struct correlator *c = correlator_new(rules, &budget);
	struct record r;
	char buf[256] = "";
	struct text t = { buf, 0, sizeof(buf) - 1, false };
	for (int i = 0; i < 4; i++) { /* b c d a: b is the oldest, in another place than the first */
		session(&(struct seen){ 10 + i, 'f', "bcda"[i], 'x' }, &r);
		correlator_push(c, s, &r);
		drain(c, s, &t);
	}
	session(&(struct seen){ 15, 'f', 'b', 'y' }, &r); /* now c is */
	correlator_push(c, s, &r);
	correlator_end(c);
	drain(c, s, &t);
	save(c, kept, &rows);
	correlator_free(c);
	c = again(rules, &budget, kept, rows, true);
	struct correlator *twice = correlator_new(rules, &budget);
	for (size_t i = 0; i < rows; i++) {
		struct correlate_row row = kept[i].row;
		if (row.octets.n == 0)
			continue;
		assert_true(correlator_restore(twice, &row));
		row.slot ^= 1;
		if (row.kind == CORRELATE_ROW_GROUP)
			assert_false(correlator_restore(twice, &row));
	}
	correlator_free(twice);
	for (int i = 0; i < 2; i++) { /* e pushes c out; b stays */
		session(&(struct seen){ 20 + i, i ? 'c' : 'f', i ? 'c' : 'e', 'x' }, &r);
		correlator_push(c, s, &r);
	}
	session(&(struct seen){ 22, 'c', 'b', 'x' }, &r);
	correlator_push(c, s, &r);
	correlator_end(c);
	drain(c, s, &t);
	buf[t.n] = '\0';
	assert_string_equal(buf, "0015fby+0022cbx ");
	for (size_t i = 0; i < rows; i++)
		free(kept[i].octets);
	correlator_free(c);
	rule_scratch_free(s);
	rules_free(rules);
}

/* A million clients, each once: memory stays what it was at the start, what is given up is counted, and who comes back within
 * what is kept is still known. */
/* Whichever place was left free when there were too many, nobody of the others is lost; and rows for all places leave one. */
static void restores_full(void **unused)
{
	(void)unused;
	static struct kept kept[ROWS];
	struct error e;
	size_t rows = 0;
	char buf[256];
	struct text t = { buf, 0, sizeof(buf), false };
	struct rules *rules = load(MEMBERS KOPF COUNTED, &e);
	assert_non_null(rules);
	struct rule_scratch *s = rule_scratch_new(rules);
	const struct correlate_budget budget = { 4, 4, 1000 * SEC };
	struct correlator *c = correlator_new(rules, &budget);
	for (int at = 0; at < 5; at++) {
		struct record r;
		session(&(struct seen){ at, 'f', 'a', 'x' }, &r);
		correlator_push(c, s, &r);
		drain(c, s, &t);
	}
	assert_int_equal(correlator_counts(c).waiting, 3);
	save(c, kept, &rows);
	correlator_free(c);
	c = again(rules, &budget, kept, rows, false);
	assert_int_equal(correlator_counts(c).waiting, 3);
	correlator_free(c);
	c = correlator_new(rules, &budget);
	for (uint32_t slot = 0; slot < 4; slot++)
		for (size_t i = 0; i < rows; i++)
			if (kept[i].row.kind == CORRELATE_ROW_WAIT && kept[i].row.octets.n) {
				struct correlate_row row = kept[i].row;
				row.slot = (row.slot + slot) % 4;
				correlator_restore(c, &row);
			}
	correlator_restored(c);
	assert_true(correlator_counts(c).waiting < 4);
	correlator_free(c);
	for (size_t i = 0; i < rows; i++)
		free(kept[i].octets);
	rule_scratch_free(s);
	rules_free(rules);
}

/* More sensors on each side than are remembered: the earliest make room, memory stays, and who came last still counts. */
static void many_sensors(void **unused)
{
	(void)unused;
	struct error e = { "" };
	struct rules *rules = load(MEMBERS KOPF SIDES, &e);
	assert_non_null(rules);
	struct rule_scratch *s = rule_scratch_new(rules);
	struct correlator *c = correlator_new(rules, &(struct correlate_budget){ 4, 16, 0 });
	struct record r;
	char buf[1024];
	struct text t = { buf, 0, sizeof(buf) - 1, false };
	for (int i = 0; i < 3 * CORRELATE_SIDES; i++) {
		session_at(&(struct seen){ i, 'f', 'a', 'x' }, (const char[]){ (char)('A' + i), '-', '\0' }, &r);
		correlator_push(c, s, &r);
		drain(c, s, &t);
	}
	session_at(&(struct seen){ 40, 'c', 'a', 'x' }, "z-", &r);
	correlator_push(c, s, &r);
	correlator_end(c);
	drain(c, s, &t);
	buf[t.n] = '\0';
	assert_string_equal(buf, "0016faxQ+0017faxR+0018faxS+0019faxT+0020faxU+0021faxV+0022faxW+0023faxX+0040caxz ");
	correlator_free(c);
	rule_scratch_free(s);
	rules_free(rules);
}

static void flood(void **unused)
{
	enum { CLIENTS = 1000000, GROUPS = 1024 };
	(void)unused;
	struct error e = { "" };
	struct rules *rules = load(MEMBERS KOPF ORDERED, &e);
	struct rule_scratch *s = rule_scratch_new(rules);
	const struct correlate_budget budget = { GROUPS, 64, 0 };
	struct correlator *c = correlator_new(rules, &budget);
	struct correlated f;
	struct record r;
	assert_true(correlator_memory(rules, &budget) < 4 << 20);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		uint8_t ip[4] = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
		session(&(struct seen){ 0, 'f', 'a', 'x' }, &r);
		record_num(&r, F_event_end, (1000 * SEC) + i * INT64_C(1000000));
		record_str(&r, F_src_ip, (struct bytes){ ip, 4 });
		correlator_push(c, s, &r);
		assert_false(correlator_next(c, s, &f));
	}
	const uint32_t known = CLIENTS - GROUPS / 2;
	uint8_t ip[4] = { 10, (uint8_t)(known >> 16), (uint8_t)(known >> 8), (uint8_t)known };
	session(&(struct seen){ 0, 'c', 'a', 'x' }, &r);
	record_num(&r, F_event_end, (1000 * SEC) + CLIENTS * INT64_C(1000000));
	record_str(&r, F_src_ip, (struct bytes){ ip, 4 });
	correlator_push(c, s, &r);
	correlator_end(c);
	assert_true(correlator_next(c, s, &f));
	assert_false(correlator_next(c, s, &f));
	struct correlate_counts n = correlator_counts(c);
	assert_int_equal(n.groups, GROUPS);
	assert_int_equal(n.evicted, CLIENTS - GROUPS);
	correlator_free(c);
	rule_scratch_free(s);
	rules_free(rules);
}

static void refuses(void **unused)
{
	static const struct {
		const char *text, *want;
	} bad[] = {
		{ "  type: event_cont\n  timespan: 1m\n", "no type \"event_cont\"; did you mean \"event_count\"?" },
		{ "  type: temporal\n  rules: [fails, clear]\n", "timespan is missing" },
		{ "  type: temporal\n  rules: [fails]\n  timespan: 1m\n", "temporal needs two rules or more" },
		{ "  type: temporal\n  rules: [fails, claer]\n  timespan: 1m\n", "did you mean \"clear\"?" },
		{ "  type: temporal\n  rules: [fails, clear]\n  timespan: 1y\n", "timespan is a time like 30m" },
		{ "  type: event_count\n  rules: [fails]\n  timespan: 1m\n  condition: {lt: 3}\n", "needs a least number" },
		{ "  type: value_count\n  rules: [fails]\n  timespan: 1m\n  condition: {gte: 3}\n", "field is missing" },
		{ "  type: temporal\n  rules: [fails, c]\n  timespan: 1m\n", "is no rule about single sessions" },
		{ ORDERED "mxwitness: {apart: observer.name}\n", "apart belongs to value_count, or to temporal with two rules" },
		{ VALUED "mxwitness: {apart: [observer.name, source.ip]}\n", "more than 1 entries" },
		{ BOTH "mxwitness: {apart: [observer.name, source.ip, source.port]}\n", "more than 2 entries" },
		{ BOTH "mxwitness: {apart: observer.vendor}\n", "is no fact of sessions" },
		{ BOTH "  aliases: {x: {fails: source.ip, clear: source.ip}}\n", "an alias is not used" },
	};
	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[4096];
		struct error e = { "" };
		snprintf(text, sizeof(text), "%s%s%s", MEMBERS, KOPF, bad[i].text);
		assert_null(load(text, &e));
		if (!strstr(e.text, bad[i].want) || strncmp(e.text, "t.yaml:", 7) != 0)
			fail_msg("expected \"%s\", got \"%s\"", bad[i].want, e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(finds), cmocka_unit_test(finds_at_sensors), cmocka_unit_test(bounded), cmocka_unit_test(late), cmocka_unit_test(restores), cmocka_unit_test(restores_full), cmocka_unit_test(many_sensors), cmocka_unit_test(flood),
					 cmocka_unit_test(refuses) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
