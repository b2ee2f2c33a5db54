/* tally: see tally.h. Counts what it is given and judges nothing. */
#include "tally.h"

#define MS INT64_C(1000000)
const int64_t tally_bounds[TALLY_BUCKETS] = { 1 * MS, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS,
					      1000 * MS, 2500 * MS, 10000 * MS,
					      (INT64_C(1) << 53) - 1 }; /* no answer waits for 104 days */
static const char *const versions[TALLY_VERSIONS] = { "1.0", "1.1", "1.2", "1.3", "other" };

static bool yes(const struct record *r, enum fact f)
{
	return record_get_tri(r, f) == TRI_YES;
}

static unsigned version_of(const struct record *session)
{
	struct bytes v = record_get_str(session, F_tls_version);
	for (unsigned i = 0; i + 1 < TALLY_VERSIONS; i++)
		if (bytes_eq(v, bytes_of(versions[i])))
			return i;
	return TALLY_VERSIONS - 1;
}

static void tls(struct tally *t, const struct record *session)
{
	bool visible = record_get_num(session, F_tls_cert_vis, visibility_hidden) == visibility_visible;
	t->visible += visible;
	if (!yes(session, F_tls_established))
		return;
	t->tls++;
	t->hidden += !visible;
	t->version[version_of(session)]++;
}

void tally_session(struct tally *t, const struct record *session)
{
	int64_t verdict = record_get_num(session, F_verdict, verdict_unknown);
	int64_t dane = record_get_num(session, F_dane_verdict, -1);
	bool one = yes(session, F_cap_one_direction);
	t->sessions++;
	t->verdict[verdict]++;
	if (dane >= 0)
		t->dane[dane]++;
	t->incomplete += dane == daneverdict_incomplete;
	t->client_only += one && yes(session, F_cap_c2s) && !yes(session, F_cap_s2c);
	t->server_only += one && yes(session, F_cap_s2c) && !yes(session, F_cap_c2s);
	t->at_once += !one && yes(session, F_tls_at_once);
	t->gap_octets += (uint64_t)record_get_num(session, F_cap_gap_c2s, 0);
	t->gap_octets += (uint64_t)record_get_num(session, F_cap_gap_s2c, 0);
	tls(t, session);
}

static void time_add(struct tally_times *t, int64_t took)
{
	unsigned i = 0;
	while (i + 1 < TALLY_BUCKETS && took > tally_bounds[i])
		i++;
	t->bucket[i]++;
	t->sum += took;
}

/* The slot of a finding at a level; the last slot is for all that found none. */
static struct tally_alert *slot_of(struct tally *t, struct bytes finding, uint8_t level)
{
	finding = bytes_head(finding, sizeof(t->alert[0].finding));
	for (size_t i = 0; i < t->nalerts; i++) {
		struct tally_alert *a = &t->alert[i];
		bool last = i == TALLY_ALERTS - 1;
		if (last || (a->level == level && bytes_eq((struct bytes){ (uint8_t *)a->finding, a->n }, finding)))
			return a;
	}
	if (t->nalerts == TALLY_ALERTS - 1)
		finding = bytes_of("other");
	struct tally_alert *new = &t->alert[t->nalerts++];
	*new = (struct tally_alert){ .n = (uint8_t)finding.n, .level = level };
	if (finding.n)
		memcpy(new->finding, finding.p, finding.n);
	return new;
}

void tally_alert(struct tally *t, const struct record *alert, int64_t delay)
{
	uint8_t level = (uint8_t)record_get_num(alert, F_alert_level, level_informational);
	t->alerts++;
	slot_of(t, record_get_str(alert, F_rule_id), level)->count++;
	if (delay >= 0)
		time_add(&t->delays, delay);
}

void tally_answer(struct tally *t, enum dnsstatus status, bool from_cache, int64_t took)
{
	t->questions++;
	t->cache_hits += from_cache;
	t->result[status]++;
	time_add(&t->answers, took > 0 ? took : 0);
}

static void put(struct record *r, enum fact f, uint64_t n)
{
	record_num(r, f, (int64_t)n);
}

/* Words that were counted, and how often. */
static void words(struct record *r, enum fact word, enum fact count, const uint64_t *n, unsigned max)
{
	for (unsigned i = 0; i < max; i++)
		if (n[i])
			record_add_num(r, word, i);
	for (unsigned i = 0; i < max; i++)
		if (n[i])
			record_add_num(r, count, (int64_t)n[i]);
}

static void times(struct record *r, enum fact below, enum fact count, enum fact sum, const struct tally_times *t)
{
	for (unsigned i = 0; i < TALLY_BUCKETS; i++)
		record_add_num(r, below, tally_bounds[i]);
	for (unsigned i = 0; i < TALLY_BUCKETS; i++)
		record_add_num(r, count, (int64_t)t->bucket[i]);
	record_num(r, sum, t->sum);
}

static void fill_versions(const struct tally *t, struct record *r)
{
	for (unsigned i = 0; i < TALLY_VERSIONS; i++)
		if (t->version[i])
			record_add_cstr(r, F_st_version, versions[i]);
	for (unsigned i = 0; i < TALLY_VERSIONS; i++)
		if (t->version[i])
			record_add_num(r, F_st_version_n, (int64_t)t->version[i]);
}

static void fill_alerts(const struct tally *t, struct record *r)
{
	put(r, F_st_alerts, t->alerts);
	for (size_t i = 0; i < t->nalerts; i++)
		record_add(r, F_st_finding, (struct bytes){ (const uint8_t *)t->alert[i].finding, t->alert[i].n });
	for (size_t i = 0; i < t->nalerts; i++)
		record_add_num(r, F_st_finding_level, t->alert[i].level);
	for (size_t i = 0; i < t->nalerts; i++)
		record_add_num(r, F_st_finding_n, (int64_t)t->alert[i].count);
}

void tally_fill(const struct tally *t, struct record *r)
{
	put(r, F_st_sessions, t->sessions);
	put(r, F_st_tls, t->tls);
	put(r, F_st_cert, t->visible);
	put(r, F_st_hidden, t->hidden);
	put(r, F_st_incomplete, t->incomplete);
	put(r, F_st_client_only, t->client_only);
	put(r, F_st_server_only, t->server_only);
	put(r, F_st_at_once, t->at_once);
	put(r, F_st_gap_octets, t->gap_octets);
	words(r, F_st_verdict, F_st_verdict_n, t->verdict, verdict_COUNT);
	words(r, F_st_dane, F_st_dane_n, t->dane, daneverdict_COUNT);
	fill_versions(t, r);
	fill_alerts(t, r);
	if (t->alerts)
		times(r, F_st_delay_below, F_st_delay_n, F_st_delay_sum, &t->delays);
	if (!t->questions)
		return;
	put(r, F_st_questions, t->questions);
	put(r, F_st_cache_hits, t->cache_hits);
	words(r, F_st_dns_result, F_st_dns_result_n, t->result, dnsstatus_COUNT);
	times(r, F_st_dns_below, F_st_dns_below_n, F_st_dns_time, &t->answers);
}

int64_t tally_quantile(const struct record *r, enum fact below, enum fact count, unsigned share)
{
	struct bytes bound, n;
	double all = 0, so_far = 0; /* exact up to 2^53; and no number of another process is too much */
	for (size_t pos = 0; record_next(r, count, &pos, &n);)
		all += (double)record_item_num(n);
	if (all <= 0)
		return -1;
	for (size_t b = 0, c = 0; record_next(r, below, &b, &bound) && record_next(r, count, &c, &n);) {
		so_far += (double)record_item_num(n);
		if (so_far * 1000 >= all * share)
			return record_item_num(bound);
	}
	return -1;
}
