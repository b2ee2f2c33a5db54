/* Rules about stats events, one alert a trouble, and the alert itself; with the rules as shipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "judge/alert.h"
#include "judge/event.h"
#include "judge/standing.h"
#include "rule_file.h"

#define S INT64_C(1000000000)
#define NOW (INT64_C(1764050000) * S)

static struct rules *rules;
static struct rule_scratch *scratch;
static struct record stats, alert;
static struct standing_news news[2 * STANDING_MAX];

static int load(void **state)
{
	struct error e;
	(void)state;
	if (access("rules/sensor.yaml", R_OK) != 0)
		return 0;
	rules = rules_load("rules", NULL, &e);
	scratch = rules ? rule_scratch_new(rules) : NULL;
	return scratch ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	rule_scratch_free(scratch);
	rules_free(rules);
	return 0;
}

static void lacking(int64_t a, int64_t b)
{
	record_init(&stats);
	record_num(&stats, F_st_blind, blindness_none);
	if (a >= 0)
		record_add_num(&stats, F_st_degraded, a);
	if (b >= 0)
		record_add_num(&stats, F_st_degraded, b);
}

static void test_once(void **state)
{
	(void)state;
	struct standing s = { 0 };
	if (!rules)
		skip();
	lacking(-1, -1);
	assert_int_equal(standing_judge(&s, rules, scratch, IN_STATS, &stats, NOW, news, 8), 0);
	lacking(degraded_packets, -1);
	assert_int_equal(standing_judge(&s, rules, scratch, IN_STATS, &stats, NOW + 60 * S, news, 8), 1);
	assert_string_equal(news[0].finding.rule->variant, "packets-dropped");
	assert_false(news[0].closed);
	assert_int_equal(news[0].finding.level, level_medium);
	lacking(degraded_packets, degraded_disk);
	assert_int_equal(standing_judge(&s, rules, scratch, IN_STATS, &stats, NOW + 120 * S, news, 8), 1);
	assert_string_equal(news[0].finding.rule->variant, "disk-full");
	assert_int_equal(standing_judge(&s, rules, scratch, IN_STATS, &stats, NOW + 180 * S, news, 8), 0);
	lacking(degraded_disk, -1);
	assert_int_equal(standing_judge(&s, rules, scratch, IN_STATS, &stats, NOW + 240 * S, news, 8), 1);
	assert_true(news[0].closed);
	assert_int_equal(news[0].since, NOW + 60 * S);
	assert_string_equal(news[0].finding.rule->variant, "packets-dropped");
}

/* What comes and goes: one alert and its end in the rule's time of suppression, then another. */
static void test_suppress(void **state)
{
	(void)state;
	struct standing s = { 0 };
	size_t opened = 0, closed = 0;
	if (!rules)
		skip();
	for (int m = 0; m < 120; m++) {
		lacking(m % 2 ? -1 : degraded_records, -1);
		size_t n = standing_judge(&s, rules, scratch, IN_STATS, &stats, NOW + m * 60 * S, news, 8);
		for (size_t i = 0; i < n; i++)
			*(news[i].closed ? &closed : &opened) += 1;
	}
	assert_int_equal(opened, 2);
	assert_int_equal(closed, 2);
	assert_int_equal(s.suppressed, 58);
}

/* Rules that were loaded anew are the same rules; one that is gone ends without a word. */
static void test_reload(void **state)
{
	(void)state;
	struct standing s = { 0 };
	struct error e;
	if (!rules)
		skip();
	lacking(degraded_clock, -1);
	assert_int_equal(standing_judge(&s, rules, scratch, IN_STATS, &stats, NOW, news, 8), 1);
	struct rules *again = rules_load("rules", NULL, &e);
	assert_non_null(again);
	struct rule_scratch *more = rule_scratch_new(again);
	assert_int_equal(standing_judge(&s, again, more, IN_STATS, &stats, NOW + S, news, 8), 0);
	memset(s.entry[0].id, '0', 8);
	assert_int_equal(standing_judge(&s, again, more, IN_STATS, &stats, NOW + 2 * S, news, 8), 1);
	assert_false(news[0].closed);
	rule_scratch_free(more);
	rules_free(again);
}

static void test_no_room(void **state)
{
	(void)state;
	struct standing s = { .n = STANDING_MAX };
	if (!rules)
		skip();
	for (size_t i = 0; i < STANDING_MAX; i++) {
		s.entry[i].id[0] = 'x';
		s.entry[i].id[1] = (char)(' ' + i);
		s.entry[i].raised = NOW - (int64_t)i;
	}
	lacking(degraded_clock, -1);
	assert_int_equal(standing_judge(&s, rules, scratch, IN_STATS, &stats, NOW, news, 0), 0); /* no place for the news */
	assert_true(s.entry[STANDING_MAX - 1].on);                                    /* the oldest gave way */
	assert_int_equal(s.n, STANDING_MAX);
}

/* Rules about sessions never see a stats event, nor the other way round. */
static void test_apart(void **state)
{
	struct finding f[RULE_FINDINGS];
	(void)state;
	if (!rules)
		skip();
	lacking(degraded_clock, degraded_disk);
	assert_int_equal(rules_judge(rules, scratch, &stats, f, RULE_FINDINGS), 0);
	record_init(&stats);
	record_num(&stats, F_service, service_mx);
	record_tri(&stats, F_smtp_offered, TRI_NO);
	record_cstr(&stats, F_smtp_ehlo, "x");
	assert_int_equal(rules_judge_stats(rules, scratch, &stats, f, RULE_FINDINGS), 0);
}

static void test_alert(void **state)
{
	(void)state;
	struct standing s = { 0 };
	if (!rules)
		skip();
	lacking(degraded_output, -1);
	record_add_cstr(&stats, F_st_lack_output, "alerts.ndjson\n");
	record_num(&stats, F_st_sessions, 12);
	assert_int_equal(standing_judge(&s, rules, scratch, IN_STATS, &stats, NOW, news, 8), 1);
	alert_make_stats(rules, &stats, &news[0].finding, news[0].since, NOW, false, &alert);
	event_alert(&alert);
	assert_true(record_check(&alert, record_size(&alert)));
	struct bytes message = record_get_str(&alert, F_message);
	const char start[] = "Events cannot be written to: alerts.ndjson\\x0a. Alerts may not";
	assert_true(bytes_eq(bytes_head(message, sizeof(start) - 1), bytes_of(start)));
	assert_true(bytes_eq(record_get_str(&alert, F_rule_id), bytes_of("sensor-degraded")));
	assert_int_equal(record_get_num(&alert, F_event_severity, 0), 73);
	assert_int_equal(record_get_num(&alert, F_timestamp, 0), NOW);
	assert_true(record_list_has(&alert, F_event_category, bytes_of("host")));
	assert_true(record_list_has(&alert, F_st_lack_output, bytes_of("alerts.ndjson\n")));
	assert_false(record_has(&alert, F_alert_sessions) || record_has(&alert, F_src_ip) || record_has(&alert, F_st_sessions) ||
		     record_has(&alert, F_segment));
	for (unsigned i = 0; i < FACT_COUNT; i++)
		assert_true(!record_has(&alert, (enum fact)i) || fact_table[i].sets & IN_ALERT);
	struct bytes incident = record_get_str(&alert, F_alert_incident);
	char open[32], id[32];
	assert_int_equal(incident.n, 32);
	memcpy(open, incident.p, 32);
	memcpy(id, record_get_str(&alert, F_event_id).p, 32);
	alert_make_stats(rules, &stats, &news[0].finding, news[0].since, NOW + 600 * S, true, &alert);
	assert_memory_equal(record_get_str(&alert, F_alert_incident).p, open, 32); /* its end belongs to it */
	assert_memory_not_equal(record_get_str(&alert, F_event_id).p, id, 32);
	assert_int_equal(record_get_num(&alert, F_alert_first, 0), NOW);
	assert_int_equal(record_get_num(&alert, F_alert_last, 0), NOW + 600 * S);
	assert_true(bytes_eq(record_get_str(&alert, F_alert_state), bytes_of("closed")));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_once), cmocka_unit_test(test_suppress),
					    cmocka_unit_test(test_reload), cmocka_unit_test(test_no_room),
					    cmocka_unit_test(test_apart), cmocka_unit_test(test_alert) };
	return cmocka_run_group_tests(tests, load, unload);
}
