/* tlsrpt: what sessions come to, reports of others, and both held together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rule_file.h"
#include "tlsrpt.h"
#include "tlsrpt_compare.h"

/* Two rules, put together by hand: who looks for a word needs no more of them. */
static struct rule two[] = {
	{ .finding = "strip", .variant = "", .tlsrpt = "starttls-not-supported" },
	{ .finding = "cert", .variant = "host", .tlsrpt = "certificate-host-mismatch" },
	{ .finding = "quiet", .variant = "", .tlsrpt = "" },
};
static const struct rules rules = { .rule = two, .count = 3 };

static const int64_t noon = INT64_C(1795608000) * 1000000000; /* 2026-11-25T12:00:00Z */

static void begin(struct record *r, const char *id)
{
	const struct addr from = { 4, { 192, 0, 2, 1 } }, to = { 4, { 198, 51, 100, 1 } };
	record_init(r);
	record_cstr(r, F_event_id, id);
	record_num(r, F_event_start, noon);
	record_num(r, F_event_end, noon);
	record_addr(r, F_src_ip, &from);
	record_addr(r, F_dst_ip, &to);
	record_cstr(r, F_id_host, "mx.a.test");
	record_tri(r, F_tls_established, TRI_YES);
}

static void find(struct record *r, const char *id, const char *variant, enum level level, enum certainty certainty)
{
	record_add_cstr(r, F_finding_id, id);
	record_add_cstr(r, F_finding_variant, variant);
	record_add_num(r, F_finding_certainty, certainty);
	record_add_num(r, F_finding_level, level);
}

static void word(void **state)
{
	(void)state;
	assert_string_equal(tlsrpt_word(&rules, bytes_of("strip"), bytes_of("")), "starttls-not-supported");
	assert_string_equal(tlsrpt_word(&rules, bytes_of("cert"), bytes_of("host")), "certificate-host-mismatch");
	assert_null(tlsrpt_word(&rules, bytes_of("cert"), bytes_of("")));
	assert_null(tlsrpt_word(&rules, bytes_of("quiet"), bytes_of("")));
	assert_null(tlsrpt_word(&rules, bytes_of("other"), bytes_of("")));
}

/* The gravest that is a failure, then the surest, then the first. */
static void gravest(void **state)
{
	static struct record r;
	struct tlsrpt_finding why;
	const char *is;
	(void)state;
	begin(&r, "1");
	find(&r, "quiet", "", level_critical, certainty_proof);
	find(&r, "strip", "", level_low, certainty_proof);
	find(&r, "cert", "host", level_medium, certainty_indication);
	assert_int_equal(tlsrpt_result(&rules, &r, &is, &why), TLSRPT_FAILURE);
	assert_string_equal(is, "certificate-host-mismatch");
	begin(&r, "1");
	find(&r, "strip", "", level_low, certainty_indication);
	find(&r, "cert", "host", level_low, certainty_strong);
	assert_int_equal(tlsrpt_result(&rules, &r, &is, &why), TLSRPT_FAILURE);
	assert_true(bytes_eq(why.id, bytes_of("cert")) && bytes_eq(why.variant, bytes_of("host")));
}

/* Success needs what the policy demands, and what was not seen is neither. */
static void demanded(void **state)
{
	static struct record r;
	struct tlsrpt_finding why;
	const char *is;
	(void)state;
	begin(&r, "1");
	assert_int_equal(tlsrpt_result(&rules, &r, &is, &why), TLSRPT_SUCCESS);
	record_tri(&r, F_tls_established, TRI_NO);
	assert_int_equal(tlsrpt_result(&rules, &r, &is, &why), TLSRPT_UNKNOWN);
	begin(&r, "1");
	record_add_num(&r, F_expect_all, expect_dane);
	assert_int_equal(tlsrpt_result(&rules, &r, &is, &why), TLSRPT_UNKNOWN);
	record_num(&r, F_dane_verdict, daneverdict_not_visible);
	assert_int_equal(tlsrpt_result(&rules, &r, &is, &why), TLSRPT_UNKNOWN);
	record_num(&r, F_dane_verdict, daneverdict_match);
	assert_int_equal(tlsrpt_result(&rules, &r, &is, &why), TLSRPT_SUCCESS);
	begin(&r, "1");
	record_num(&r, F_sts_mode, stsmode_enforce);
	record_tri(&r, F_sts_mx, TRI_YES);
	assert_int_equal(tlsrpt_result(&rules, &r, &is, &why), TLSRPT_UNKNOWN);
	record_num(&r, F_pkix, pkix_valid);
	assert_int_equal(tlsrpt_result(&rules, &r, &is, &why), TLSRPT_SUCCESS);
	record_tri(&r, F_sts_mx, TRI_NO);
	assert_int_equal(tlsrpt_result(&rules, &r, &is, &why), TLSRPT_UNKNOWN);
}

static char *written(struct tlsrpt *t, bool named)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	assert_non_null(out);
	tlsrpt_write(t, named, out);
	fclose(out);
	return text;
}

static void report(void **state)
{
	static struct record r;
	const struct tlsrpt_wish wish = { .rules = &rules, .organization = "o", .contact = "c" };
	struct tlsrpt *t = tlsrpt_new(&wish);
	(void)state;
	assert_non_null(t);
	begin(&r, "1");
	record_add_cstr(&r, F_id_domains, "A.test.");
	find(&r, "cert", "host", level_low, certainty_strong);
	tlsrpt_session(t, &r);
	tlsrpt_session(t, &r);
	begin(&r, "2");
	record_add_cstr(&r, F_id_domains, "a.test");
	tlsrpt_session(t, &r);
	begin(&r, "3");
	record_add_cstr(&r, F_id_domains, "a/b");
	tlsrpt_session(t, &r);
	begin(&r, "4");
	record_num(&r, F_net_direction, direction_inbound);
	tlsrpt_session(t, &r);
	begin(&r, "5");
	record_num(&r, F_cap_phase, phase_interim);
	tlsrpt_session(t, &r);
	const struct tlsrpt_counts *c = tlsrpt_counts(t);
	assert_true(c->sessions == 6 && c->again == 1 && c->unnamed == 1 && c->foreign == 1 && c->interim == 1 && c->success == 1 && c->failure == 1);
	char *text = written(t, true);
	assert_string_equal(text,
		"mxwitness!a.test!1795564800!1795651199.json\t"
		"{\"organization-name\":\"o\",\"date-range\":{\"start-datetime\":\"2026-11-25T00:00:00Z\",\"end-datetime\":\"2026-11-25T23:59:59Z\"},"
		"\"contact-info\":\"c\",\"report-id\":\"2026-11-25_a.test@mxwitness\",\"policies\":[{\"policy\":{\"policy-type\":\"no-policy-found\","
		"\"policy-domain\":\"a.test\"},\"summary\":{\"total-successful-session-count\":1,\"total-failure-session-count\":1},\"failure-details\":["
		"{\"result-type\":\"certificate-host-mismatch\",\"sending-mta-ip\":\"192.0.2.1\",\"receiving-mx-hostname\":\"mx.a.test\","
		"\"receiving-ip\":\"198.51.100.1\",\"failed-session-count\":1,\"failure-reason-code\":\"cert/host\"}]}]}\n");
	free(text);
	tlsrpt_free(t);
}

/* A table that is full says what did not fit, and keeps what it has. */
static void full(void **state)
{
	static struct record r;
	const struct tlsrpt_wish wish = { .rules = &rules, .organization = "o", .contact = "c" };
	struct tlsrpt *t = tlsrpt_new(&wish);
	char name[32];
	(void)state;
	for (unsigned i = 0; i < TLSRPT_REPORTS + 3; i++) {
		snprintf(name, sizeof(name), "d%u.test", i);
		begin(&r, name);
		record_add_cstr(&r, F_id_domains, name);
		tlsrpt_session(t, &r);
	}
	assert_int_equal(tlsrpt_counts(t)->lost, 3);
	assert_int_equal(tlsrpt_counts(t)->success, TLSRPT_REPORTS);
	FILE *nowhere = fopen("/dev/null", "w");
	assert_int_equal(tlsrpt_write(t, false, nowhere), TLSRPT_REPORTS);
	fclose(nowhere);
	tlsrpt_free(t);
}

#define TIME "\"date-range\":{\"start-datetime\":\"2026-11-25T00:00:00Z\",\"end-datetime\":\"2026-11-25T23:59:59Z\"}"
static const struct {
	const char *text;
	int rows, cut;             /* rows -1: refused */
	const char *why;
} received[] = {
	{ "{" TIME ",\"policies\":[]}", 0, 0, "nothing failed" },
	{ "{" TIME "}", -1, 0, "no policies" },
	{ "{" TIME ",\"policies\":7}", -1, 0, "policies that are none" },
	{ "{\"policies\":[]}", -1, 0, "no time" },
	{ "{" TIME ",\"policies\":[{\"policy\":{\"policy-domain\":\"A.test.\"},\"failure-details\":[{\"result-type\":\"x\"},{\"result-type\":\"y\"}]}]}", 2, 0,
	  "two" },
	{ "{\"policies\":[{\"failure-details\":[{\"result-type\":\"x\"}],\"policy\":{\"policy-domain\":\"A.test.\"}}]," TIME "}", 1, 0, "the domain behind it" },
	{ "{" TIME ",\"policies\":[{\"failure-details\":[{\"result-type\":\"x\"}]}]}", 0, 1, "no domain" },
	{ "{" TIME ",\"policies\":[{\"policy\":{\"policy-domain\":\"a\"},\"failure-details\":[{\"sending-mta-ip\":\"::1\"},{\"result-type\":\"x\"}]}]}", 1, 1,
	  "one without a type" },
	{ "{" TIME ",\"policies\":[]", -1, 0, "cut" },
	{ "[]", -1, 0, "an array" },
};

static void reads(void **state)
{
	static struct tlsrpt_row row[4];
	(void)state;
	for (size_t i = 0; i < sizeof(received) / sizeof(received[0]); i++) {
		size_t n = 0, cut = 0;
		const char *why = NULL;
		const bool good = tlsrpt_read(bytes_of(received[i].text), row, &n, 4, &cut, &why);
		if (good != (received[i].rows >= 0) || (good && ((int)n != received[i].rows || (int)cut != received[i].cut)))
			fail_msg("%s: %d, %zu rows, %zu cut", received[i].why, good, n, cut);
	}
	size_t n = 3, cut = 0;
	const char *why;
	assert_true(tlsrpt_read(bytes_of(received[4].text), row, &n, 4, &cut, &why));
	assert_true(n == 4 && cut == 1);
	assert_string_equal(row[3].domain, "a.test");
	assert_true(row[3].failed == 1 && row[3].sender.v == 0);
}

static void compared(void **state)
{
	static struct record r;
	struct tlsrpt_match m = { .row = { .domain = "a.test", .host = "mx.a.test", .type = "starttls-not-supported", .sender = { 4, { 192, 0, 2, 1 } },
					   .from = noon - 1, .to = noon + 1 } };
	(void)state;
	assert_int_equal(tlsrpt_compared(&m), TLSRPT_UNCOVERED);
	begin(&r, "1"); /* of another client, in the same time */
	const struct addr other = { 4, { 203, 0, 113, 1 } };
	record_addr(&r, F_src_ip, &other);
	record_num(&r, F_net_direction, direction_inbound);
	tlsrpt_compare(&rules, &r, &m, 1);
	assert_int_equal(tlsrpt_compared(&m), TLSRPT_ELSEWHERE);
	begin(&r, "2");
	tlsrpt_compare(&rules, &r, &m, 1);
	assert_int_equal(tlsrpt_compared(&m), TLSRPT_WITHOUT);
	find(&r, "strip", "", level_low, certainty_proof);
	tlsrpt_compare(&rules, &r, &m, 1);
	assert_int_equal(tlsrpt_compared(&m), TLSRPT_SELECTIVE);
	assert_true(m.all == 3 && m.seen == 2 && m.same == 1 && m.good == 1);
	m.good = 0;
	assert_int_equal(tlsrpt_compared(&m), TLSRPT_SAME);
	record_num(&r, F_event_start, noon + INT64_C(7200) * 1000000000);
	record_num(&r, F_event_end, noon + INT64_C(7200) * 1000000000);
	tlsrpt_compare(&rules, &r, &m, 1);
	assert_int_equal(m.all, 3);
	m.row.to = INT64_MAX;
	m.row.from = INT64_MIN;
	tlsrpt_compare(&rules, &r, &m, 1);
	assert_int_equal(m.all, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(word), cmocka_unit_test(gravest), cmocka_unit_test(demanded), cmocka_unit_test(report), cmocka_unit_test(full),
		cmocka_unit_test(reads), cmocka_unit_test(compared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
