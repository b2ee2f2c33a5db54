/* What a judge counts, and the times at their bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tally.h"

static int64_t column(const struct record *r, enum fact f, size_t at)
{
	struct bytes item = { 0 };
	size_t pos = 0;
	for (size_t i = 0; i <= at; i++)
		assert_true(record_next(r, f, &pos, &item));
	return record_item_num(item);
}

static void test_sessions(void **state)
{
	(void)state;
	static struct tally t;
	static struct record s, out;
	record_init(&s);
	record_num(&s, F_verdict, verdict_encrypted);
	record_yes(&s, F_tls_established);
	record_cstr(&s, F_tls_version, "1.3");
	record_num(&s, F_tls_cert_vis, visibility_hidden);
	record_num(&s, F_dane_verdict, daneverdict_not_visible);
	tally_session(&t, &s);
	record_cstr(&s, F_tls_version, "0x0305"); /* whatever a peer may write */
	record_yes(&s, F_cap_one_direction);
	record_yes(&s, F_cap_c2s);
	record_tri(&s, F_cap_s2c, TRI_NO);
	tally_session(&t, &s);
	record_tri(&s, F_cap_c2s, TRI_NO);
	record_yes(&s, F_cap_s2c);
	record_num(&s, F_cap_gap_c2s, 40);
	record_num(&s, F_cap_gap_s2c, 2);
	record_yes(&s, F_tls_at_once); /* one side only is told already */
	tally_session(&t, &s);
	record_init(&s);
	record_yes(&s, F_tls_at_once);
	tally_session(&t, &s);
	record_init(&out);
	tally_fill(&t, &out);
	assert_int_equal(record_get_num(&out, F_st_sessions, 0), 4);
	assert_int_equal(record_get_num(&out, F_st_tls, 0), 3);
	assert_int_equal(record_get_num(&out, F_st_cert, -1), 0);
	assert_int_equal(record_get_num(&out, F_st_hidden, 0), 3);
	assert_int_equal(record_get_num(&out, F_st_client_only, 0), 1);
	assert_int_equal(record_get_num(&out, F_st_server_only, 0), 1);
	assert_int_equal(record_get_num(&out, F_st_at_once, 0), 1);
	assert_int_equal(record_get_num(&out, F_st_gap_octets, 0), 42);
	assert_int_equal(record_count(&out, F_st_verdict), 2);
	assert_int_equal(column(&out, F_st_verdict, 0), verdict_unknown);
	assert_int_equal(column(&out, F_st_verdict_n, 1), 3);
	assert_int_equal(record_count(&out, F_st_version), 2);
	assert_int_equal(column(&out, F_st_version_n, 1), 2);
	assert_int_equal(column(&out, F_st_dane_n, 0), 3);
	assert_false(record_has(&out, F_st_questions)); /* nobody asked */
	assert_true(record_check(&out, record_size(&out)));
}

static void test_times(void **state)
{
	(void)state;
	static const struct {
		int64_t took;
		size_t bucket;
	} table[] = { { -5, 0 }, { 0, 0 }, { 1000000, 0 }, { 1000001, 1 }, { 100000000, 5 }, { INT64_C(10000000000), 10 },
		      { INT64_C(10000000001), 11 }, { INT64_MAX / 2, 11 } };
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		static struct record out;
		struct tally t = { 0 };
		tally_answer(&t, dnsstatus_secure, false, table[i].took);
		record_init(&out);
		tally_fill(&t, &out);
		for (size_t b = 0; b < TALLY_BUCKETS; b++)
			assert_int_equal(column(&out, F_st_dns_below_n, b), b == table[i].bucket);
	}
	for (size_t b = 1; b < TALLY_BUCKETS; b++)
		assert_true(tally_bounds[b] > tally_bounds[b - 1]);
	assert_true(tally_bounds[TALLY_BUCKETS - 1] < INT64_C(1) << 53); /* a number of JSON */
}

static void test_quantile(void **state)
{
	(void)state;
	static struct record out;
	struct tally t = { 0 };
	record_init(&out);
	assert_int_equal(tally_quantile(&out, F_st_dns_below, F_st_dns_below_n, 500), -1);
	for (int i = 0; i < 100; i++)
		tally_answer(&t, dnsstatus_insecure, i < 30, i < 90 ? 500000 : 200000000);
	tally_fill(&t, &out);
	assert_int_equal(tally_quantile(&out, F_st_dns_below, F_st_dns_below_n, 500), 1000000);
	assert_int_equal(tally_quantile(&out, F_st_dns_below, F_st_dns_below_n, 900), 1000000);
	assert_int_equal(tally_quantile(&out, F_st_dns_below, F_st_dns_below_n, 950), 250000000);
	assert_int_equal(record_get_num(&out, F_st_cache_hits, 0), 30);
	assert_int_equal(record_get_num(&out, F_st_questions, 0), 100);
}

static void test_many_findings(void **state)
{
	(void)state;
	static struct record a, out;
	struct tally t = { 0 };
	for (unsigned i = 0; i < 200; i++) {
		char name[] = "site-rule-00";
		name[10] = (char)('0' + i / 10 % 10);
		name[11] = (char)('0' + i % 10);
		record_init(&a);
		record_cstr(&a, F_rule_id, name);
		record_num(&a, F_alert_level, level_low);
		tally_alert(&t, &a, -1);
	}
	record_init(&out);
	tally_fill(&t, &out);
	assert_int_equal(record_get_num(&out, F_st_alerts, 0), 200);
	assert_int_equal(record_count(&out, F_st_finding), TALLY_ALERTS);
	int64_t all = 0;
	for (size_t i = 0; i < TALLY_ALERTS; i++)
		all += column(&out, F_st_finding_n, i);
	assert_int_equal(all, 200); /* none is lost: the rest stands under "other" */
	assert_int_equal(column(&out, F_st_finding_n, TALLY_ALERTS - 1), 200 - 2 * (TALLY_ALERTS - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sessions), cmocka_unit_test(test_times),
					    cmocka_unit_test(test_quantile), cmocka_unit_test(test_many_findings) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
