/* table: what a person reads: rows, alerts, summary; attacker octets harmless; colours only when asked for. */
#include "table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char out[65536];
static struct record r;

static void session(enum verdict verdict, const char *finding, const char *host)
{
	record_init(&r);
	record_num(&r, F_event_start, INT64_C(1700000000000000000));
	record_addr(&r, F_src_ip, &(struct addr){ 4, { 192, 0, 2, 1 } });
	record_num(&r, F_src_port, 4711);
	record_addr(&r, F_dst_ip, &(struct addr){ 6, { 0x20, 1, 0xd, 0xb8, [15] = 25 } });
	record_num(&r, F_dst_port, 25);
	record_num(&r, F_verdict, verdict);
	record_cstr(&r, F_id_host, host);
	if (finding)
		record_add_cstr(&r, F_findings, finding);
}

static const char *session_text(struct table *t)
{
	struct text text = { out, 0, sizeof(out) - 1, false };
	table_session(t, &r, &text);
	out[text.n] = '\0';
	return out;
}

static void rows(void **state)
{
	(void)state;
	struct table t = { .width = 100 };
	session(verdict_downgraded, "starttls-not-offered", "mx.example.net");
	assert_string_equal(session_text(&t),
		"TIME (UTC)          CLIENT                SERVER                            TLS           VERDICT        FINDINGS\n"
		"2023-11-14 22:13:20 192.0.2.1:4711        mx.example.net [2001:db8::19]:25  none          downgraded     "
		"starttls-not-offered\n");
	session(verdict_clear, NULL, "mx.example.net");
	assert_string_equal(session_text(&t), "");
	t.all = true;
	assert_non_null(strstr(session_text(&t), "clear          -\n"));
	assert_int_equal(t.sessions, 3);
	assert_int_equal(t.shown, 2);
}

static void hostile_host(void **state)
{
	(void)state;
	struct table t = { .all = true };
	session(verdict_clear, NULL, "mx\x1b[2J\r\n.example");
	assert_null(strpbrk(session_text(&t), "\x1b\r"));
	assert_non_null(strstr(out, "mx\\x1b[2J\\x0d\\x0a.example"));
}

static void colours(void **state)
{
	(void)state;
	struct table t = { .all = true, .colour = true };
	session(verdict_intercepted, NULL, "mx");
	assert_non_null(strstr(session_text(&t), "\x1b[1;31mintercepted"));
}

static void alert_is_wrapped(void **state)
{
	(void)state;
	struct table t = { .width = 70 };
	struct text text = { out, 0, sizeof(out) - 1, false };
	record_init(&r);
	record_num(&r, F_alert_level, level_high);
	record_cstr(&r, F_rule_id, "tlsa-mismatch");
	record_cstr(&r, F_variant, "ee-no-match");
	record_num(&r, F_certainty, certainty_proof);
	record_cstr(&r, F_message, "one two three four five six seven eight nine ten eleven twelve thirteen fourteen");
	table_alert(&t, &r, &text);
	out[text.n] = '\0';
	assert_non_null(strstr(out, "    high      tlsa-mismatch/ee-no-match (proof): one two"));
	for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 70);
	assert_int_equal(t.alerts[level_high], 1);
}

static void summary(void **state)
{
	(void)state;
	struct table t = { .sessions = 5, .shown = 2, .alerts = { [level_critical] = 1 } };
	struct text text = { out, 0, sizeof(out) - 1, false };
	t.verdicts[verdict_clear] = 4;
	t.verdicts[verdict_downgraded] = 1;
	record_init(&r);
	record_num(&r, F_st_incomplete, 2);
	record_tri(&r, F_st_complete, TRI_NO);
	record_cstr(&r, F_st_reason, "x.pcap: damaged");
	table_summary(&t, &r, &text);
	out[text.n] = '\0';
	assert_string_equal(out, "\n5 sessions: 4 clear, 1 downgraded\n1 alert: 1 critical\n"
			    "3 sessions without a finding not shown (--all shows them)\n"
			    "2 sessions lack DNS proofs in the capture; --dns=live would ask today's DNS\n"
			    "NOT COMPLETE: x.pcap: damaged\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(rows), cmocka_unit_test(hostile_host),
						   cmocka_unit_test(colours), cmocka_unit_test(alert_is_wrapped),
						   cmocka_unit_test(summary) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
