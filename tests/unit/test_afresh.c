/* afresh: what the desk writes into a session is exactly what afresh takes away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "config.h"
#include "desk.h"
#include "judge/afresh.h"
#include "judge/promise.h"

static struct run run;

/* Any value of its type. */
static void set(struct record *r, enum fact f)
{
	static const uint8_t ip[4] = { 192, 0, 2, 1 };
	switch (fact_table[f].type) {
	case T_TRI:
		record_yes(r, f);
		return;
	case T_NUM:
	case T_DUR:
		record_num(r, f, 7);
		return;
	case T_TIME:
		record_num(r, f, INT64_C(1764061200000000000));
		return;
	case T_ENUM:
		record_num(r, f, 0);
		return;
	case T_STR:
	case T_HEX:
		record_cstr(r, f, "x.test");
		return;
	case T_IP:
		record_str(r, f, (struct bytes){ ip, 4 });
		return;
	case T_LSTR:
	case T_LHEX:
		record_add_cstr(r, f, "x.test");
		return;
	case T_LNUM:
	case T_LENUM:
		record_add_num(r, f, 0);
		return;
	case T_LIP:
		record_add(r, f, (struct bytes){ ip, 4 });
		return;
	}
}

/* Every fact that a session can have before the desk; which: those of every so many, from first on, and what none is without. */
static void fill(struct record *r, unsigned first, unsigned every)
{
	static const enum fact always[] = { F_event_id, F_event_start, F_event_end, F_src_ip, F_dst_ip, F_dst_port };
	record_init(r);
	for (unsigned f = first; f < FACT_COUNT; f += every)
		if (!afresh_takes((enum fact)f))
			set(r, (enum fact)f);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (!record_has(r, always[i]))
			set(r, always[i]);
	record_num(r, F_cap_phase, phase_final);
	record_unset(r, F_expect_all);
	record_add_num(r, F_expect_all, expect_none);
	record_num(r, F_expect, expect_none);
}

static bool is_text(enum fact f)
{
	const enum fact_type t = fact_table[f].type;
	return t == T_STR || t == T_HEX || t == T_IP || t >= T_LSTR;
}

static bool same(const struct record *a, const struct record *b, enum fact f)
{
	if (record_has(a, f) != record_has(b, f) || !record_has(a, f))
		return record_has(a, f) == record_has(b, f);
	return is_text(f) ? bytes_eq(record_get_str(a, f), record_get_str(b, f)) : a->slot[f].num == b->slot[f].num;
}

static void assert_same(const struct record *a, const struct record *b, const char *when)
{
	for (unsigned f = 0; f < FACT_COUNT; f++)
		if (!same(a, b, (enum fact)f))
			fail_msg("%s: %s", when, fact_table[f].name);
}

static void test_what_the_desk_writes(void **state)
{
	(void)state;
	static struct record before, after, found;
	static struct finding finding[RULE_FINDINGS];
	struct error e;
	size_t n, findings = 0;
	struct desk *d = desk_new(&run);
	struct store *s = store_open(NULL, NULL, &e);
	assert_non_null(d);
	assert_non_null(s);
	assert_true(desk_load(d, s, &e));
	for (unsigned every = 1; every < 8; every++)
		for (unsigned first = 0; first < every; first++) {
			char id[16];
			snprintf(id, sizeof(id), "%u-%u", every, first);
			fill(&before, first, every);
			record_cstr(&before, F_event_id, id);
			memcpy(&after, &before, record_size(&before));
			desk_session(d, &after, finding, &n);
			findings += n;
			memcpy(&found, &after, record_size(&after));
			for (unsigned f = 0; f < FACT_COUNT; f++)
				if (!same(&before, &after, (enum fact)f) && !afresh_takes((enum fact)f))
					fail_msg("the desk writes %s", fact_table[f].name);
			afresh(&after);
			assert_same(&before, &after, "not as before");
		}
	assert_true(findings > 0);
	desk_free(d);
	store_close(s);
}

/* Nothing that a line claims to have found, and nothing of an event that is no session, gets through. */
static void test_claims(void **state)
{
	(void)state;
	static struct record r;
	static const enum fact gone[] = { F_findings, F_finding_id, F_finding_level, F_verdict, F_ambient, F_unknown_why, F_hist_strength,
					  F_hist_by, F_corr_holds, F_message, F_event_reason, F_event_sequence, F_alert_level, F_rule_id,
					  F_st_packets, F_po_domain, F_attribution, F_ev_file };
	static const enum fact stays[] = { F_event_id, F_event_outcome, F_outcome, F_observer_name, F_id_host, F_dane_verdict, F_sts_mode,
					   F_policy_name, F_own_client, F_pkix, F_corr_operator, F_smtp_banner };
	record_init(&r);
	for (unsigned f = 0; f < FACT_COUNT; f++)
		set(&r, (enum fact)f);
	afresh(&r);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		if (record_has(&r, gone[i]))
			fail_msg("%s stays", fact_table[gone[i]].name);
	for (size_t i = 0; i < sizeof(stays) / sizeof(stays[0]); i++)
		if (!record_has(&r, stays[i]))
			fail_msg("%s is gone", fact_table[stays[i]].name);
}

static const struct {
	enum expect has[3];
	bool kept;
	enum expect strongest;
	size_t left;
	const char *why;
} promises[] = {
	{ { expect_baseline }, false, expect_none, 1, "the history's alone" },
	{ { expect_baseline }, true, expect_baseline, 1, "a watched domain's" },
	{ { expect_policy, expect_baseline }, false, expect_policy, 1, "below another" },
	{ { expect_baseline, expect_sts_testing }, false, expect_sts_testing, 1, "above another" },
	{ { expect_dane, expect_sts_enforce }, false, expect_dane, 2, "none of it" },
};

static void test_promises(void **state)
{
	(void)state;
	static struct record r;
	for (size_t i = 0; i < sizeof(promises) / sizeof(promises[0]); i++) {
		record_init(&r);
		for (size_t k = 0; k < 3 && promises[i].has[k] != expect_none; k++)
			promise_add(&r, promises[i].has[k]);
		if (promises[i].kept)
			record_num(&r, F_expect_kept, 1);
		afresh(&r);
		if (record_get_num(&r, F_expect, -1) != promises[i].strongest || record_count(&r, F_expect_all) != promises[i].left)
			fail_msg("%s: %lld, %zu", promises[i].why, (long long)record_get_num(&r, F_expect, -1), record_count(&r, F_expect_all));
	}
}

static int setup(void **state)
{
	struct error e;
	(void)state;
	run.rules = rules_load("rules", NULL, &e);
	return !run.rules || !config_read(NULL, &run.settings, &e);
}

static int teardown(void **state)
{
	(void)state;
	rules_free(run.rules);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_the_desk_writes), cmocka_unit_test(test_claims),
					    cmocka_unit_test(test_promises) };
	return cmocka_run_group_tests(tests, setup, teardown);
}
