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
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_cases) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
