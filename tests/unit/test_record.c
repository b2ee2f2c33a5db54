/* record and json: setters, compaction, the check of foreign records, nesting, escaping, cutting. */
#include "json.h"
#include "record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char line[JSON_LINE + 1];

static const char *json_of(const struct record *r, size_t max)
{
	struct text t = { line, 0, JSON_LINE, false };
	assert_true(json_event(r, max, &t));
	line[t.n] = '\0';
	return line;
}

static void unseen_is_not_no(void **state)
{
	(void)state;
	struct record *r = malloc(sizeof(*r));
	record_init(r);
	assert_int_equal(record_get_tri(r, F_smtp_offered), TRI_UNSEEN);
	record_tri(r, F_smtp_offered, TRI_NO);
	assert_int_equal(record_get_tri(r, F_smtp_offered), TRI_NO);
	record_tri(r, F_smtp_offered, TRI_UNSEEN);
	assert_false(record_has(r, F_smtp_offered));
	assert_int_equal(record_get_num(r, F_src_port, -7), -7);
	assert_string_equal(json_of(r, JSON_LINE), "{}\n");
	free(r);
}

static void nesting(void **state)
{
	(void)state;
	struct record *r = malloc(sizeof(*r));
	record_init(r);
	record_cstr(r, F_event_kind, "event");
	record_add_cstr(r, F_event_category, "network");
	record_add_cstr(r, F_event_category, "email");
	record_num(r, F_src_port, 4711);
	record_addr(r, F_src_ip, &(struct addr){ 4, { 192, 0, 2, 1 } });
	record_tri(r, F_tls_established, TRI_NO);
	record_cstr(r, F_tls_sni, "mx.example.net");
	record_num(r, F_verdict, verdict_downgraded);
	record_tri(r, F_smtp_offered, TRI_NO);
	record_add_num(r, F_tlsa_usage, 3);
	record_add_num(r, F_tlsa_usage, 2);
	record_add_num(r, F_tlsa_result, tlsaresult_match);
	record_add_num(r, F_tlsa_result, tlsaresult_unusable);
	record_add(r, F_tlsa_data, (struct bytes){ (const uint8_t *)"\xab\xcd", 2 });
	record_num(r, F_timestamp, INT64_C(951782400000000001));
	assert_string_equal(json_of(r, JSON_LINE),
		"{\"@timestamp\":\"2000-02-29T00:00:00.000000001Z\",\"event\":{\"kind\":\"event\","
		"\"category\":[\"network\",\"email\"]},\"source\":{\"ip\":\"192.0.2.1\",\"port\":4711},"
		"\"tls\":{\"established\":false,\"client\":{\"server_name\":\"mx.example.net\"}},"
		"\"mxwitness\":{\"verdict\":\"downgraded\",\"smtp\":{\"starttls\":{\"offered\":false}},"
		"\"dane\":{\"tlsa\":[{\"usage\":3,\"data\":\"abcd\",\"result\":\"match\"},"
		"{\"usage\":2,\"result\":\"unusable\"}]}}}\n");
	free(r);
}

static const struct {
	const char *in, *json, *why;
} cleaned[] = {
	{ "220 mx", "220 mx", "plain" },
	{ "a\"b\\c", "a\\\"b\\\\c", "what JSON escapes" },
	{ "\x1b[2J\r\n", "\\u001b[2J\\u000d\\u000a", "terminal control" },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "UTF-8 stays" },
	{ "\xff\xc3", "\xef\xbf\xbd\xef\xbf\xbd", "invalid UTF-8 is replaced, also at the end" },
	{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", "an overlong slash is no slash" },
	{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "a surrogate is no character" },
	{ "\xc2\x9b" "2J", "\xef\xbf\xbd" "2J", "C1 control sequence introducer" },
	{ "a\xe2\x80\xae" "b", "a\xef\xbf\xbd" "b", "right-to-left override" },
	{ "\x7f", "\\u007f", "DEL" },
};

static void cleaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cleaned) / sizeof(cleaned[0]); i++) {
		size_t n = strlen(cleaned[i].in);
		uint8_t *exact = malloc(n);
		memcpy(exact, cleaned[i].in, n);
		struct text t = { line, 0, JSON_LINE, false };
		text_clean(&t, (struct bytes){ exact, n }, true);
		line[t.n] = '\0';
		assert_string_equal(line, cleaned[i].json);
		free(exact);
	}
}

static void replacing_compacts(void **state)
{
	(void)state;
	struct record *r = malloc(sizeof(*r));
	char big[512];
	record_init(r);
	record_cstr(r, F_id_host, "mx.example.net");
	for (int i = 0; i < 1000; i++) {
		memset(big, 'a' + i % 26, sizeof(big));
		record_str(r, F_smtp_banner, (struct bytes){ (uint8_t *)big, sizeof(big) });
		record_add_cstr(r, F_smtp_keywords, "SIZE");
		record_add_cstr(r, F_smtp_rcpt_domains, "example.org");
	}
	assert_true(bytes_eq(record_get_str(r, F_id_host), bytes_of("mx.example.net")));
	assert_int_equal(record_get_str(r, F_smtp_banner).n, 512);
	assert_int_equal(record_get_str(r, F_smtp_banner).p[0], 'a' + 999 % 26);
	assert_int_equal(record_count(r, F_smtp_keywords), RECORD_ITEMS);
	assert_int_equal(r->truncated, 1);
	assert_true(record_check(r, record_size(r)));
	free(r);
}

static void foreign_records(void **state)
{
	(void)state;
	struct record *r = malloc(sizeof(*r));
	record_init(r);
	record_cstr(r, F_id_host, "mx.example.net");
	record_add_num(r, F_expect_all, expect_dane);
	record_num(r, F_verdict, verdict_clear);
	size_t n = record_size(r);
	assert_true(record_check(r, n));
	assert_false(record_check(r, n - 1));
	assert_false(record_check(r, 8));
	r->slot[F_verdict].num = verdict_COUNT;
	assert_false(record_check(r, n));
	r->slot[F_verdict].num = 0;
	r->slot[F_id_host].ref.n = 4000;
	assert_false(record_check(r, n));
	r->slot[F_id_host].ref.n = 14;
	r->text[r->slot[F_expect_all].ref.off + 9] = 99;
	assert_false(record_check(r, n));
	r->text[r->slot[F_expect_all].ref.off + 9] = 0;
	assert_true(record_check(r, n));
	r->text[r->slot[F_expect_all].ref.off + 1] = 9;
	assert_false(record_check(r, n));
	free(r);
}

/* The writer opens each object once: names that share a parent must stand together in the table. */
static void table_is_grouped(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FACT_COUNT; i++)
		for (unsigned j = i + 2; j < FACT_COUNT; j++) {
			const char *a = fact_table[i].name, *b = fact_table[j].name;
			size_t shared = 0;
			for (size_t k = 0; a[k] && a[k] == b[k]; k++)
				if (a[k] == '.')
					shared = k + 1;
			for (unsigned m = i + 1; shared && m < j; m++)
				assert_int_equal(strncmp(fact_table[m].name, a, shared), 0);
			assert_string_not_equal(a, b);
		}
}

static void long_line_is_cut(void **state)
{
	(void)state;
	struct record *r = malloc(sizeof(*r));
	char name[200];
	memset(name, 'x', sizeof(name));
	record_init(r);
	for (int i = 0; i < 50; i++)
		record_add(r, F_x509_names, (struct bytes){ (uint8_t *)name, sizeof(name) });
	struct text small = { line, 0, JSON_LINE, false };
	assert_true(json_event(r, 8192, &small));
	assert_true(small.n <= 8192);
	line[small.n] = '\0';
	assert_non_null(strstr(line, "\"truncated\":true"));
	struct text none = { line, 0, 100, false };
	assert_false(json_event(r, 8192, &none));
	assert_int_equal(none.n, 0);
	free(r);
}

static void names(void **state)
{
	(void)state;
	assert_int_equal(fact_by_name(bytes_of("mxwitness.dane.tlsa.usage")), F_tlsa_usage);
	assert_int_equal(fact_by_name(bytes_of("mxwitness.dane.tlsa")), FACT_COUNT);
	assert_string_equal(fact_suggest(bytes_of("mxwitness.dane.verdct")), "mxwitness.dane.verdict");
	assert_null(fact_suggest(bytes_of("q")));
}

static void addresses(void **state)
{
	(void)state;
	static const struct {
		struct addr a;
		const char *text;
	} t[] = {
		{ { 4, { 127, 0, 0, 1 } }, "127.0.0.1" },
		{ { 6, { 0 } }, "::" },
		{ { 6, { [15] = 1 } }, "::1" },
		{ { 6, { 0x20, 1, 0xd, 0xb8, [15] = 5 } }, "2001:db8::5" },
		{ { 6, { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1 } }, "2001:db8:0:1::1" },
		{ { 6, { 0, 1, 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7 } }, "1:0:2:3:4:5:6:7" },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct text out = { line, 0, 64, false };
		text_addr(&out, &t[i].a);
		line[out.n] = '\0';
		assert_string_equal(line, t[i].text);
	}
}

/* A peer fills every text that it can with octets that take six to write: the line is cut and never lost. */
static void hostile_texts(void **state)
{
	static const struct { uint8_t set; size_t max; } kind[] = { { IN_ALERT, JSON_ALERT_LINE }, { IN_SESSION, JSON_LINE } };
	static const char id[] = "0123456789abcdef0123456789abcdef";
	uint8_t octets[512];
	struct record *r = malloc(sizeof(*r));
	(void)state;
	memset(octets, 1, sizeof(octets));
	for (size_t k = 0; k < sizeof(kind) / sizeof(kind[0]); k++) {
		record_init(r);
		for (unsigned f = 0; f < FACT_COUNT; f++) {
			const struct fact_info *info = &fact_table[f];
			bool peer = info->room != ROOM_EVENT || f == F_message || f == F_event_reason;
			/* an alert is about a session, or about stats, or posture */
			if (!(info->sets & kind[k].set) || !(info->sets & IN_SESSION) || !peer)
				continue;
			if (info->type == T_STR)
				record_str(r, (enum fact)f, (struct bytes){ octets, info->max < 256 ? info->max : 256 });
			else if (info->type == T_LSTR)
				for (int i = 0; i < 3; i++)
					record_add(r, (enum fact)f, (struct bytes){ octets, info->max < 32 ? info->max : 32 });
		}
		record_cstr(r, F_event_id, id);
		const char *json = json_of(r, kind[k].max);
		assert_true(strlen(json) <= kind[k].max);
		assert_non_null(strstr(json, "\"truncated\":true"));
		assert_non_null(strstr(json, id));
	}
	free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(unseen_is_not_no), cmocka_unit_test(nesting), cmocka_unit_test(cleaning),
		cmocka_unit_test(replacing_compacts), cmocka_unit_test(foreign_records),
		cmocka_unit_test(table_is_grouped), cmocka_unit_test(long_line_is_cut), cmocka_unit_test(names),
		cmocka_unit_test(addresses), cmocka_unit_test(hostile_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
