/* Parts of processes as one record: counters never go back, gauges are what they are, objects of one name are one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "stats_sum.h"

/* A part of the capture: packets, open flows, and one or two interfaces. */
static void part_of(struct record *r, int64_t packets, int64_t open, const char *iface, int64_t read)
{
	record_init(r);
	record_num(r, F_st_packets, packets);
	record_num(r, F_st_active, open);
	record_add_cstr(r, F_st_if_name, iface);
	record_add_num(r, F_st_if_packets, read);
}

static int64_t object(const struct record *r, enum fact key, const char *name, enum fact column)
{
	for (struct stats_rows row = { .r = r, .name = key }; stats_rows_next(&row);)
		if (bytes_eq(row.key, bytes_of(name)))
			return stats_rows_num(&row, column);
	return -1;
}

static void test_sum(void **state)
{
	(void)state;
	struct stats_sum *s = stats_sum_new();
	static struct record r, out;
	part_of(&r, 10, 3, "tap0", 7);
	stats_sum_take(s, 0, &r);
	part_of(&r, 20, 4, "tap1", 9);
	stats_sum_take(s, 1, &r);
	part_of(&r, 30, 5, "tap0", 1);
	stats_sum_take(s, 2, &r);
	stats_sum_fill(s, &out);
	assert_int_equal(record_get_num(&out, F_st_packets, -1), 60);
	assert_int_equal(record_get_num(&out, F_st_active, -1), 12);
	assert_int_equal(record_count(&out, F_st_if_name), 2);
	assert_int_equal(object(&out, F_st_if_name, "tap0", F_st_if_packets), 8);
	assert_int_equal(object(&out, F_st_if_name, "tap1", F_st_if_packets), 9);
	assert_int_equal(record_count(&out, F_st_if_link), 2); /* columns are equally long */
	assert_int_equal(object(&out, F_st_if_name, "tap1", F_st_if_link), link_unknown);
	assert_true(record_check(&out, record_size(&out)));
	assert_false(record_has(&out, F_st_sessions)); /* what nobody knows is unseen */
	stats_sum_free(s);
}

static void test_newest_part_counts(void **state)
{
	(void)state;
	struct stats_sum *s = stats_sum_new();
	static struct record r, out;
	part_of(&r, 10, 3, "tap0", 7);
	stats_sum_take(s, 0, &r);
	part_of(&r, 15, 1, "tap0", 12);
	stats_sum_take(s, 0, &r);
	stats_sum_take(s, STATS_PARTS, &r); /* no such part */
	stats_sum_fill(s, &out);
	assert_int_equal(record_get_num(&out, F_st_packets, -1), 15);
	assert_int_equal(record_get_num(&out, F_st_active, -1), 1);
	stats_sum_free(s);
}

static void test_restart(void **state)
{
	(void)state;
	struct stats_sum *s = stats_sum_new();
	static struct record r, out;
	part_of(&r, 10, 3, "tap0", 7);
	record_add_num(&r, F_st_if_link, link_up);
	stats_sum_take(s, 0, &r);
	stats_sum_restarted(s, 0);
	stats_sum_restarted(s, 0); /* ended again before it had counted anything */
	stats_sum_fill(s, &out);
	assert_int_equal(record_get_num(&out, F_st_packets, -1), 10);
	assert_false(record_has(&out, F_st_active)); /* its flows are gone */
	assert_int_equal(object(&out, F_st_if_name, "tap0", F_st_if_packets), 7);
	assert_int_equal(object(&out, F_st_if_name, "tap0", F_st_if_link), link_unknown);
	part_of(&r, 1, 2, "tap0", 1);
	stats_sum_take(s, 0, &r);
	stats_sum_fill(s, &out);
	assert_int_equal(record_get_num(&out, F_st_packets, -1), 11);
	assert_int_equal(record_get_num(&out, F_st_active, -1), 2);
	assert_int_equal(object(&out, F_st_if_name, "tap0", F_st_if_packets), 8);
	stats_sum_free(s);
}

static void test_two_keys_and_words(void **state)
{
	(void)state;
	struct stats_sum *s = stats_sum_new();
	static struct record r, out;
	for (unsigned part = 0; part < 2; part++) {
		record_init(&r);
		record_add_cstr(&r, F_st_finding, "starttls-not-offered");
		record_add_cstr(&r, F_st_finding, "starttls-not-offered");
		record_add_num(&r, F_st_finding_level, level_high);
		record_add_num(&r, F_st_finding_level, level_critical);
		record_add_num(&r, F_st_finding_n, 1);
		record_add_num(&r, F_st_finding_n, 2);
		record_add_num(&r, F_st_verdict, part ? verdict_clear : verdict_encrypted);
		record_add_num(&r, F_st_verdict_n, 5);
		record_cstr(&r, F_st_shunt_why, part ? "no BTF" : "old kernel");
		record_num(&r, F_st_rules, 130);
		stats_sum_take(s, part, &r);
	}
	stats_sum_fill(s, &out);
	assert_int_equal(record_count(&out, F_st_finding), 2); /* a level each */
	struct stats_rows row = { .r = &out, .name = F_st_finding };
	assert_true(stats_rows_next(&row));
	assert_int_equal(stats_rows_num(&row, F_st_finding_level), level_high);
	assert_int_equal(stats_rows_num(&row, F_st_finding_n), 2);
	assert_true(stats_rows_next(&row));
	assert_int_equal(stats_rows_num(&row, F_st_finding_n), 4);
	assert_false(stats_rows_next(&row));
	assert_int_equal(record_count(&out, F_st_verdict), 2);
	assert_true(bytes_eq(record_get_str(&out, F_st_shunt_why), bytes_of("no BTF")));
	assert_int_equal(record_get_num(&out, F_st_rules, 0), 130); /* not a counter */
	stats_sum_free(s);
}

/* More names than a list holds: cut, and said. */
static void test_too_many(void **state)
{
	(void)state;
	struct stats_sum *s = stats_sum_new();
	static struct record r, out;
	for (unsigned part = 0; part < 2; part++) {
		record_init(&r);
		for (char c = 'A'; c < 'A' + 50; c++)
			record_add(&r, F_st_output, (struct bytes){ (const uint8_t[]){ (uint8_t)c, (uint8_t)('0' + part) }, 2 });
		stats_sum_take(s, part, &r);
	}
	stats_sum_fill(s, &out);
	assert_int_equal(record_count(&out, F_st_output), RECORD_ITEMS);
	assert_int_equal(record_count(&out, F_st_output_sent), RECORD_ITEMS);
	assert_int_equal(out.truncated, 1);
	for (int i = 0; i < 10; i++) { /* what stays is bounded too */
		stats_sum_restarted(s, 0);
		record_init(&r);
		for (char c = 'A'; c < 'A' + 50; c++)
			record_add(&r, F_st_output, (struct bytes){ (const uint8_t[]){ (uint8_t)c, (uint8_t)('a' + i) }, 2 });
		stats_sum_take(s, 0, &r);
	}
	stats_sum_fill(s, &out);
	assert_true(record_check(&out, record_size(&out)));
	stats_sum_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sum), cmocka_unit_test(test_newest_part_counts), cmocka_unit_test(test_restart),
		cmocka_unit_test(test_two_keys_and_words), cmocka_unit_test(test_too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
