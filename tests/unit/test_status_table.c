/* status_table: what the operator sees; harmless and within its width whatever the counters are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "status_table.h"

#define S INT64_C(1000000000)

static char buf[65536];
static struct record r, before;

static const char *table(const struct record *b, bool colour, unsigned width)
{
	struct text t = { buf, 0, sizeof(buf) - 1, false };
	status_table(&r, b, colour, width, &t);
	assert_false(t.full);
	buf[t.n] = '\0';
	return buf;
}

static void sensor(struct record *s, int64_t at, int64_t packets)
{
	record_init(s);
	record_num(s, F_timestamp, INT64_C(1764050000) * S + at);
	record_num(s, F_st_uptime, at);
	record_num(s, F_st_rules, 156);
	record_num(s, F_st_packets, packets);
	record_num(s, F_st_octets, packets * 600);
	record_num(s, F_st_drop_ppm, 0);
	record_num(s, F_st_flows, packets / 30);
	record_num(s, F_st_active, 12);
	record_num(s, F_st_flows_empty, 3);
	record_num(s, F_st_flows_other, 1);
	record_num(s, F_st_sessions, packets / 40);
	record_num(s, F_st_tls, packets / 50);
	record_num(s, F_st_cert, packets / 100);
	record_num(s, F_st_alerts, 3);
	record_add_cstr(s, F_st_finding, "starttls-not-offered");
	record_add_num(s, F_st_finding_level, level_high);
	record_add_num(s, F_st_finding_n, 3);
	record_add_num(s, F_st_verdict, verdict_encrypted);
	record_add_num(s, F_st_verdict, verdict_clear);
	record_add_num(s, F_st_verdict_n, 2000);
	record_add_num(s, F_st_verdict_n, 5);
	record_add_cstr(s, F_st_if_name, "tap0");
	record_add_num(s, F_st_if_link, link_up);
	record_add_num(s, F_st_if_packets, packets);
	record_add_num(s, F_st_if_kernel, 12);
	record_add_cstr(s, F_st_process, "judge");
	record_add_num(s, F_st_process_ended, 0);
	record_add_num(s, F_st_process_memory, 40 << 20);
}

static void test_well(void **state)
{
	(void)state;
	sensor(&before, 93724 * S, 6000000);
	sensor(&r, 93784 * S, 6120000);
	assert_string_equal(table(&before, false, 100),
		"mxwitness  2025-11-26T07:56:24Z  up 1d 2h  156 rules\n"
		"sensor        well\n"
		"packets       6.1 M, 2.0 k/s; 3.4 GB; lost 12, lately 0 of a million\n"
		"flows         204 k, open 12; without payload 3, not SMTP 1, evicted 0\n"
		"sessions      153 k, 50/s; TLS 80.0 %, certificate seen 50.0 %\n"
		"verdicts      encrypted 2.0 k, clear 5\n"
		"alerts        3, high 3\n"
		"\n"
		"INTERFACE                      LINK      PACKETS   LOST: RING    INTERFACE\n"
		"tap0                             up        6.1 M           12            0\n"
		"\n"
		"PROCESS                    RESTARTS       MEMORY\n"
		"judge                             0      40.0 MB\n");
}

static void test_unwell(void **state)
{
	(void)state;
	sensor(&r, 75 * S, 100);
	record_add_num(&r, F_st_degraded, degraded_packets);
	record_add_num(&r, F_st_degraded, degraded_output);
	record_add_cstr(&r, F_st_lack_output, "alerts.ndjson");
	record_add_num(&r, F_st_silent, silence_mail);
	record_num(&r, F_st_blind, blindness_port);
	record_tri(&r, F_st_config_ok, TRI_NO);
	record_num(&r, F_st_shunt, onoff_off);
	record_cstr(&r, F_st_shunt_why, "kernel 5.10: no BTF");
	table(NULL, false, 100);
	assert_non_null(strstr(buf, "up 1m 15s  156 rules  LAST RELOAD REFUSED\n"));
	assert_non_null(strstr(buf, "DEGRADED      packets-dropped, output-failing; alerts.ndjson\n"));
	assert_non_null(strstr(buf, "SILENT        mail not seen\n"));
	assert_non_null(strstr(buf, "BLIND         wrong-port\n"));
	assert_non_null(strstr(buf, "shunt         off (kernel 5.10: no BTF)\n"));
	assert_null(strstr(buf, "well"));
	assert_null(strstr(buf, "/s"));
	assert_null(strchr(buf, '\033'));
	assert_non_null(strstr(table(NULL, true, 100), "\033[33mpackets-dropped"));
}

static void test_nothing(void **state)
{
	(void)state;
	record_init(&r);
	table(NULL, false, 0);
	assert_non_null(strstr(buf, "sensor        well\n"));
	assert_non_null(strstr(buf, "TLS 0.0 %"));
}

/* Every fact, with the greatest numbers and names that want to do harm. */
static void test_bounds(void **state)
{
	static const unsigned widths[] = { 0, 80, 100, 120, 1000 };
	(void)state;
	record_init(&r);
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		enum fact f = (enum fact)i;
		const struct fact_info *info = &fact_table[i];
		if (!(info->sets & IN_STATS))
			continue;
		for (int k = 0; k < 20; k++) {
			if (info->type == T_LSTR)
				record_add_cstr(&r, f, k % 2 ? "\033[2J\r\xff" : "\xc3\xa4\xc3\xb6 a name as long as it may be, and then some");
			else if (info->type == T_LENUM)
				record_add_num(&r, f, k % 3);
			else if (info->type == T_LNUM)
				record_add_num(&r, f, k % 4 ? INT64_MAX / 32 : -1);
		}
		if (info->type == T_NUM || info->type == T_DUR || info->type == T_TIME)
			record_num(&r, f, INT64_MAX / 4096);
		else if (info->type == T_TRI)
			record_tri(&r, f, TRI_NO);
		else if (info->type == T_ENUM)
			record_num(&r, f, 1);
		else if (info->type == T_STR)
			record_cstr(&r, f, "\033[2J a reason that goes on for longer than a line of a terminal is, and does not stop there either");
	}
	for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
		size_t most = widths[w] < STATUS_NARROW ? STATUS_NARROW : widths[w] > STATUS_WIDE ? STATUS_WIDE : widths[w];
		char *save = NULL;
		table(NULL, false, widths[w]);
		assert_null(strpbrk(buf, "\033\r\xff"));
		for (char *line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			size_t columns = 0;
			for (const char *p = line; *p; p++)
				columns += ((uint8_t)*p & 0xc0) != 0x80;
			if (columns > most)
				fail_msg("%zu columns: %s", columns, line);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_well), cmocka_unit_test(test_unwell),
					    cmocka_unit_test(test_nothing), cmocka_unit_test(test_bounds) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
