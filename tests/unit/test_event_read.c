/* event_read: what json_event writes comes back; what is no event does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "event_read.h"
#include "json.h"

static bool read_exact(const char *p, size_t n, struct record *r)
{
	uint8_t *exact = malloc(n ? n : 1);
	assert_non_null(exact);
	memcpy(exact, p, n);
	bool good = event_read((struct bytes){ exact, n }, r);
	free(exact);
	return good;
}

static void stats(struct record *r)
{
	record_init(r);
	record_num(r, F_timestamp, INT64_C(1764061200123456789));
	record_num(r, F_st_packets, INT64_MAX);
	record_num(r, F_st_clock_offset, -5);
	record_num(r, F_st_last_packet, INT64_C(1764061200000000000));
	record_tri(r, F_st_config_ok, TRI_NO);
	record_num(r, F_st_blind, blindness_mirror);
	record_num(r, F_st_shunt, onoff_off);
	record_cstr(r, F_st_shunt_why, "no \"rights\" \\ here\n\x01");
	record_add_num(r, F_st_degraded, degraded_packets);
	record_add_num(r, F_st_degraded, degraded_process);
	for (int i = 0; i < 3; i++)
		record_add_cstr(r, F_st_if_name, i == 0 ? "tap0" : i == 1 ? "m\xc3\xbcll" : "tap2");
	for (int i = 0; i < 3; i++)
		record_add_num(r, F_st_if_link, i);
	for (int i = 0; i < 3; i++)
		record_add_num(r, F_st_if_packets, 1000 * i);
}

static void test_there_and_back(void **state)
{
	(void)state;
	static struct record r, back;
	static char first[JSON_LINE], second[JSON_LINE];
	struct text a = { first, 0, sizeof(first), false }, b = { second, 0, sizeof(second), false };
	stats(&r);
	assert_true(json_event(&r, JSON_LINE, &a));
	assert_true(read_exact(first, a.n, &back));
	assert_true(record_check(&back, record_size(&back)));
	assert_true(json_event(&back, JSON_LINE, &b));
	assert_int_equal(a.n, b.n);
	assert_memory_equal(first, second, a.n);
	assert_int_equal(record_count(&back, F_st_if_name), 3);
	assert_true(bytes_eq(record_get_str(&back, F_st_shunt_why), record_get_str(&r, F_st_shunt_why)));
}

static void session(struct record *r)
{
	static const uint8_t four[4] = { 192, 0, 2, 255 }, six[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 }, mapped[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
	static const uint8_t data[64] = { 0, 1, 0xab, 0xff };
	record_init(r);
	record_str(r, F_src_ip, (struct bytes){ four, 4 });
	record_str(r, F_dst_ip, (struct bytes){ six, 16 });
	record_add(r, F_related_ip, (struct bytes){ mapped, 16 });
	record_add(r, F_related_ip, (struct bytes){ four, 4 });
	record_num(r, F_x509_not_before, INT64_MIN);
	record_num(r, F_x509_not_after, INT64_MAX);
	record_num(r, F_event_duration, INT64_MIN);
	record_num(r, F_expect, expect_dane);
	record_cstr(r, F_smtp_banner, "220 \xf0\x9f\x93\xa7 \xc2\xa0\xe2\x82\xac \"\\/\t\x7f");
	record_str(r, F_smtp_ehlo, (struct bytes){ data, 0 });
	for (int i = 0; i < 3; i++) /* a column that is longer, one that is shorter, texts that are empty in front, between, behind */
		record_add_num(r, F_tlsa_usage, i);
	record_add(r, F_tlsa_data, (struct bytes){ data, 64 });
	record_add(r, F_tlsa_data, (struct bytes){ data, 0 });
	for (int i = 0; i < 4; i++) {
		record_add_cstr(r, F_finding_id, "a");
		record_add_cstr(r, F_finding_variant, i == 1 || i == 3 ? "" : "v");
		record_add_num(r, F_finding_level, i);
	}
	record_add_cstr(r, F_tcp_conf_first, "");
	record_add_cstr(r, F_tcp_conf_second, "250 x");
	record_add_num(r, F_tcp_conf_offset, INT64_MAX);
	for (int i = 0; i < 8; i++)
		record_add_num(r, F_tls_rec_c2s, 1 << i);
}

static void assert_back(const struct record *r)
{
	static struct record back;
	static char first[JSON_LINE], second[JSON_LINE];
	struct text a = { first, 0, sizeof(first), false }, b = { second, 0, sizeof(second), false };
	assert_true(json_event(r, JSON_LINE, &a));
	assert_true(read_exact(first, a.n, &back));
	assert_true(record_check(&back, record_size(&back)));
	assert_true(json_event(&back, JSON_LINE, &b));
	if (a.n != b.n || memcmp(first, second, a.n) != 0)
		fail_msg("%.*s became %.*s", (int)a.n, first, (int)b.n, second);
	for (unsigned f = 0; f < FACT_COUNT; f++) {
		const bool text = fact_table[f].type == T_STR || fact_table[f].type == T_HEX || fact_table[f].type == T_IP || fact_table[f].type >= T_LSTR;
		assert_int_equal(record_has(r, (enum fact)f), record_has(&back, (enum fact)f));
		if (record_has(r, (enum fact)f) && text && !bytes_eq(record_get_str(r, (enum fact)f), record_get_str(&back, (enum fact)f)))
			fail_msg("%s", fact_table[f].name);
		if (record_has(r, (enum fact)f) && !text)
			assert_int_equal(r->slot[f].num, back.slot[f].num);
	}
}

static void test_session(void **state)
{
	(void)state;
	static struct record r;
	session(&r);
	assert_back(&r);
}

#define T(text) text, sizeof(text) - 1

/* Lines that json.c does not write, and what the fact's octets in the record are then; NULL: none. */
static const struct {
	const char *line;
	enum fact fact;
	const char *text;
	size_t n;
	const char *why;
} foreign[] = {
	{ "{\"mxwitness\":{\"smtp\":{\"banner\":\"\\ud83d\\udce7\\u00e9\\u20ac\"}}}", F_smtp_banner, T("\xf0\x9f\x93\xa7\xc3\xa9\xe2\x82\xac"),
	  "pairs, and others" },
	{ "{\"mxwitness\":{\"smtp\":{\"banner\":\"a\\ud83dx\"}}}", F_smtp_banner, T("a\xef\xbf\xbdx"), "half a pair" },
	{ "{\"mxwitness\":{\"smtp\":{\"banner\":\"\\ud83d\\ud83d\\udce7\"}}}", F_smtp_banner, T("\xef\xbf\xbd\xf0\x9f\x93\xa7"),
	  "half a pair before a pair" },
	{ "{\"mxwitness\":{\"smtp\":{\"banner\":\"\\udce7\\ud83d\"}}}", F_smtp_banner, T("\xef\xbf\xbd\xef\xbf\xbd"), "the wrong way round" },
	{ "{\"mxwitness\":{\"smtp\":{\"banner\":\"\\ud83d\\u00\"}}}", F_smtp_banner, NULL, 0, "cut in the second half" },
	{ "{\"mxwitness\":{\"smtp\":{\"banner\":\"a\\/b\\b\"}}}", F_smtp_banner, T("a/b\b"), "other escapes" },
	{ "{\"mxwitness\":{\"smtp\":{\"banner\":[\"a\"]}}}", F_smtp_banner, NULL, 0, "a list is no text" },
	{ "{\"event\":{\"category\":\"a\"}}", F_event_category, NULL, 0, "a text is no list" },
	{ "{\"event\":{\"category\":[[\"a\"]]}}", F_event_category, NULL, 0, "a list in a list" },
	{ "{\"event\":{\"category\":[\"a\",7,\"b\"]}}", F_event_category, T("\0\1a\0\1b"), "an item of another type" },
	{ "{\"event\":{\"id\":\"a\",\"id\":\"b\"}}", F_event_id, T("b"), "twice" },
	{ "{\"source\":{\"ip\":\"1.2.3\"}}", F_src_ip, NULL, 0, "no address" },
	{ "{\"source\":{\"ip\":\"1.2.3.4\\u0000\"}}", F_src_ip, NULL, 0, "an address and more" },
	{ "{\"mxwitness\":{\"dane\":{\"tlsa\":[{\"data\":\"Ab\"},{\"data\":\"abc\"},{\"data\":\"cd\"}]}}}", F_tlsa_data, T("\0\1\xab"),
	  "hex of an odd length ends its column" },
	{ "{\"mxwitness\":{\"finding\":[{\"id\":\"a\"},{\"variant\":\"v\"}]}}", F_finding_id, T("\0\1a\0\0"), "an object without its text" },
	{ "{\"mxwitness\":{\"smtp\":{\"starttls\":{\"masked_keyword\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}}}}",
	  F_smtp_masked, T("0123456789012345678901234567890123456789012345678901234567890123"), "too long" },
	{ "{\"mxwitness\":{\"smtp\":{\"starttls\":{\"masked_keyword\":\"012345678901234567890123456789012345678901234567890123456789012\u20ac\"}}}}",
	  F_smtp_masked, T("012345678901234567890123456789012345678901234567890123456789012"), "too long in the middle of a character" },
};

static void test_foreign(void **state)
{
	(void)state;
	static struct record r;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		const struct bytes want = { (const uint8_t *)foreign[i].text, foreign[i].n };
		assert_true(read_exact(foreign[i].line, strlen(foreign[i].line), &r));
		assert_true(record_check(&r, record_size(&r)));
		if (record_has(&r, foreign[i].fact) != (want.p != NULL) || !bytes_eq(record_get_str(&r, foreign[i].fact), want))
			fail_msg("%s", foreign[i].why);
	}
}

static const struct {
	const char *text;
	bool good;
	int64_t packets;
	const char *why;
} cases[] = {
	{ "{}\n", true, -1, "nothing" },
	{ "{\"mxwitness\":{\"stats\":{\"packets\":7,\"later\":{\"x\":[1]}}}}\n", true, 7, "a name of a later version" },
	{ "{\"mxwitness\":{\"stats\":{\"packets\":\"7\"}}}\n", true, -1, "a string is no number" },
	{ "{\"mxwitness\":{\"stats\":{\"packets\":99999999999999999999}}}\n", true, -1, "beyond a number" },
	{ "{\"mxwitness\":{\"stats\":{\"packets\":1.5}}}\n", true, -1, "no whole number" },
	{ "{\"mxwitness\":{\"stats\":{\"blind\":\"nonsense\",\"packets\":1}}}\n", true, 1, "no such word" },
	{ "{\"mxwitness\":{\"stats\":{\"shunt\":{\"reason\":\"\\uZZZZ\"},\"packets\":1}}}\n", true, 1, "no such escape" },
	{ "{\"mxwitness\":{\"stats\":{\"shunt\":{\"reason\":\"\\u00", false, -1, "cut in an escape" },
	{ "{\"mxwitness\":{\"stats\":{\"packets\":7", false, 7, "cut" },
	{ "HTTP/1.1 400 Bad Request\r\n", false, -1, "another service" },
	{ "", false, -1, "no octet" },
};

static void test_cases(void **state)
{
	(void)state;
	static struct record r;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool good = read_exact(cases[i].text, strlen(cases[i].text), &r);
		if (good != cases[i].good || (good && record_get_num(&r, F_st_packets, -1) != cases[i].packets))
			fail_msg("%s: %d, %lld", cases[i].why, good, (long long)record_get_num(&r, F_st_packets, -1));
		assert_true(record_check(&r, record_size(&r)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_session),
					    cmocka_unit_test(test_foreign), cmocka_unit_test(test_cases) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
