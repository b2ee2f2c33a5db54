/* correlate: any octets as the saved state of correlations, and sessions of any time behind it. Promises: what is no row of
 * ours is refused and counted, and leaves nothing; whatever was taken can be gone on with; the state that is saved then is
 * taken back whole, and who took it back finds the same in what follows; the bounds of memory hold.
 * Input: rows, each kind (1), slot (1), a table number (1), length (2), octets; then, behind a length of 0xffff, sessions: time
 * (2) and an octet that says what was seen. */
#include <stdlib.h>

#include "judge/correlate.h"
#include "rule_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { GROUPS = 8, WAITING = 8, ROWS = 512 };

static const char rules_text[] =
	"title: A\nid: 00000000-0000-0000-0000-000000000001\nname: fails\nlevel: low\n"
	"logsource: {product: mxwitness, service: session}\ndetection: {s: {mxwitness.outcome: not-delivered}, condition: s}\n---\n"
	"title: B\nid: 00000000-0000-0000-0000-000000000002\nname: clear\nlevel: low\n"
	"logsource: {product: mxwitness, service: session}\ndetection: {s: {mxwitness.outcome: clear-content}, condition: s}\n---\n"
	"title: C\nid: 00000000-0000-0000-0000-000000000003\nname: ordered\nlevel: high\ncorrelation: {type: temporal_ordered, "
	"rules: [fails, clear], group-by: [source.ip], timespan: 60s}\n---\n"
	"title: D\nid: 00000000-0000-0000-0000-000000000004\nname: counted\nlevel: high\ncorrelation: {type: value_count, "
	"rules: [fails], group-by: [mxwitness.identity.domains], timespan: 1h, condition: {gte: 2, field: mxwitness.identity.host}}\n"
	"mxwitness: {apart: source.ip}\n---\n"
	"title: E\nid: 00000000-0000-0000-0000-000000000005\nname: both\nlevel: high\ncorrelation: {type: temporal, "
	"rules: [fails, clear], group-by: [source.ip], timespan: 10m}\n";

static const char severity[] = "ruleset: r\nidentity:\n  expectations: [dane]\n  high: {cap: high, certainty: proof}\n"
	"  medium: {cap: high, certainty: proof}\n  low: {cap: high, certainty: proof}\n  hint: {cap: high, certainty: proof}\n"
	"  none: {cap: high, certainty: proof}\nmatrix:\n"
#define ROW(name) "  " name ": {unknown: low, clear-content: high, clear-auth: low, clear-envelope: low, tls-bad-peer: low, " \
	"tls-ok: low, not-delivered: low}\n"
	ROW("none") ROW("sts-testing") ROW("baseline") ROW("dane-tls-only") ROW("policy") ROW("sts-enforce") ROW("dane");

static void need(bool ok)
{
	if (!ok)
		abort();
}

static struct rules *rules(void)
{
	struct error e;
	struct rules *r = rules_new(&e);
	need(r && rules_add(r, "severity.yaml", bytes_of(severity), &e) &&
	     rules_add(r, "verdict.yaml", bytes_of("- {verdict: unknown, why: w}\n"), &e) &&
	     rules_add(r, "t.yaml", bytes_of(rules_text), &e) && rules_finish(r, &e));
	return r;
}

struct kept {
	struct correlate_row row;
	uint8_t octets[CORRELATE_ROW];
};

static size_t save(struct correlator *c, struct kept *k)
{
	size_t n = 0;
	while (n < ROWS && correlator_changed(c, &k[n].row, k[n].octets))
		n += k[n].row.octets.n > 0;
	need(n < ROWS);
	return n;
}

static void session(struct record *r, unsigned time, uint8_t what)
{
	uint8_t ip[4] = { 192, 0, 2, what & 3 };
	const char *const hosts[] = { "a", "b", "c", "d" };
	char id[8] = { (char)('a' + time % 26), (char)('a' + time / 26 % 26), (char)('a' + what % 16), (char)('a' + what / 16) };
	record_init(r);
	record_cstr(r, F_event_id, id);
	record_num(r, F_event_end, (int64_t)time * 1000000000);
	record_str(r, F_src_ip, (struct bytes){ ip, 4 });
	record_cstr(r, F_id_host, hosts[what >> 2 & 3]);
	for (unsigned i = 0; i < 3; i++)
		if (what >> 4 & 1 << i)
			record_add_cstr(r, F_id_domains, hosts[i]);
	record_num(r, F_outcome, what & 128 ? outcome_not_delivered : outcome_clear_content);
}

/* A sum over what was found. */
static uint64_t drain(struct correlator *c, struct rule_scratch *s)
{
	struct correlated f;
	uint64_t sum = 0;
	while (correlator_next(c, s, &f)) {
		need(f.ids > 0 && f.ids <= CORRELATE_COUNT + 1 && f.finding.rule && f.session);
		for (size_t i = 0; i < f.ids; i++) {
			need(f.id[i].n > 0 && f.id[i].n <= CORRELATE_ID);
			for (size_t k = 0; k < f.id[i].n; k++)
				sum = sum * 31 + f.id[i].p[k];
		}
		sum = sum * 31 + f.finding.rule->line;
	}
	return sum;
}

static void restore(struct correlator *c, struct cur *in, const struct kept *fresh, size_t n)
{
	uint64_t before = 0;
	while (cur_left(in) > 5) {
		struct correlate_row row = { .kind = cur_u8(in), .slot = cur_u8(in) };
		unsigned table = cur_u8(in), octets = cur_u16(in);
		if (octets == 0xffff)
			break;
		for (size_t i = 0; i < n; i++) /* of a table that is there */
			if (fresh[i].row.kind == CORRELATE_ROW_GROUP && i % 4 == table % 4)
				memcpy(row.table, fresh[i].row.table, CORRELATE_HASH);
		row.octets = cur_take(in, octets < cur_left(in) ? octets : cur_left(in));
		bool taken = correlator_restore(c, &row);
		need(correlator_counts(c).dropped == before + !taken);
		before += !taken;
	}
	correlator_restored(c);
}

/* The sessions of in, one after the other, to both; what they find is the same. */
static void go_on(struct correlator *a, struct correlator *b, struct rule_scratch *s, struct cur *in, size_t most)
{
	struct record rec;
	for (size_t i = 0; i < most && cur_left(in) >= 3; i++) {
		unsigned time = cur_u16(in);
		session(&rec, time, cur_u8(in));
		correlator_push(a, s, &rec);
		uint64_t found = drain(a, s), same = found;
		if (b) {
			correlator_push(b, s, &rec);
			same = drain(b, s);
		}
		need(found == same);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rules *r;
	static struct rule_scratch *s;
	static struct kept kept[ROWS];
	const struct correlate_budget budget = { GROUPS, WAITING, 5000000000 };
	struct cur in = cur_of((struct bytes){ data, size }), again;
	if (!r) {
		r = rules();
		s = rule_scratch_new(r);
	}
	struct correlator *whole = correlator_new(r, &budget), *other = correlator_new(r, &budget);
	static const uint8_t some[] = { 0, 9, 0x93, 0, 10, 0x13, 0, 20, 0xf7, 0, 21, 0x76, 0, 33, 0x91, 0, 34, 0x11, 0, 35, 0x9f };
	again = cur_of((struct bytes){ some, sizeof(some) });
	go_on(whole, NULL, s, &again, 7);
	restore(other, &in, kept, save(whole, kept));
	again = in;
	go_on(other, NULL, s, &again, SIZE_MAX);
	struct correlate_counts counts = correlator_counts(other);
	need(counts.groups <= 3 * GROUPS && counts.waiting < WAITING);
	correlator_free(whole);
	correlator_free(other);
	whole = correlator_new(r, &budget);
	other = correlator_new(r, &budget);
	go_on(whole, NULL, s, &in, cur_left(&in) / 6);
	for (size_t i = 0, n = save(whole, kept); i < n; i++)
		need(correlator_restore(other, &kept[i].row));
	correlator_restored(other);
	go_on(whole, other, s, &in, SIZE_MAX);
	correlator_end(whole);
	correlator_end(other);
	need(drain(whole, s) == drain(other, s));
	correlator_free(whole);
	correlator_free(other);
	return 0;
}
