/* numbers: parts and tally become one stats event; a judge that begins anew goes on, and one that cannot live begins afresh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "numbers.h"

#define S INT64_C(1000000000)
#define WALL (INT64_C(1764061200) * S)

static const struct settings settings = { .silence_packets = 10000, .silence_mail = 60000, .silence_one_direction = 60000 };

static bool take(struct numbers *n, unsigned part, int64_t packets, int64_t lost)
{
	static struct record r;
	record_init(&r);
	record_num(&r, F_st_packets, packets);
	record_add_cstr(&r, F_st_if_name, "tap0");
	record_add_num(&r, F_st_if_kernel, lost);
	return numbers_take(n, part, (struct bytes){ (const uint8_t *)&r, record_size(&r) });
}

static void look(struct numbers *n, int64_t at)
{
	static struct record own;
	record_init(&own);
	numbers_look(n, &own, at * S, WALL + at * S);
}

static void test_sum_and_interval(void **state)
{
	(void)state;
	struct numbers *n = numbers_new();
	assert_non_null(n);
	numbers_begin(n, &settings, 0, WALL);
	n->tally.sessions = 4;
	assert_true(take(n, NUMBERS_CAPTURE, 70, 0));
	assert_true(take(n, NUMBERS_CAPTURE + 1, 30, 0));
	look(n, 1);
	assert_int_equal(record_get_num(&n->now, F_st_packets, -1), 100);
	assert_int_equal(record_get_num(&n->now, F_st_sessions, -1), 4);
	assert_true(take(n, NUMBERS_CAPTURE, 160, 10));
	look(n, 2);
	assert_int_equal(record_get_num(&n->now, F_st_drop_ppm, -1), 100000);   /* of this second: 10 of 100 */
	assert_true(vitals_lossy(&n->vitals, WALL + S, WALL + 2 * S));
	look(n, 3);
	assert_int_equal(record_get_num(&n->now, F_st_drop_ppm, -1), 0);
	numbers_event(n, 3 * S);
	assert_int_equal(record_get_num(&n->now, F_st_interval, -1), 3 * S);
	assert_int_equal(record_get_num(&n->now, F_st_drop_ppm, -1), 50000);    /* since the start: 10 of 200 */
	look(n, 5);
	numbers_event(n, 5 * S);
	assert_int_equal(record_get_num(&n->now, F_st_interval, -1), 2 * S);
	assert_int_equal(record_get_num(&n->now, F_st_drop_ppm, -1), 0);
	look(n, 14);
	assert_true(record_list_has(&n->now, F_st_silent, bytes_of("packets")) || record_count(&n->now, F_st_silent) == 1);
}

static void test_hostile_part(void **state)
{
	(void)state;
	struct numbers *n = numbers_new();
	static uint8_t octets[sizeof(struct record) + 1];
	numbers_begin(n, &settings, 0, WALL);
	memset(octets, 0xff, sizeof(octets));
	assert_false(numbers_take(n, NUMBERS_OUTPUT, (struct bytes){ octets, sizeof(octets) }));
	assert_false(numbers_take(n, NUMBERS_OUTPUT, (struct bytes){ octets, sizeof(struct record) }));
	assert_false(numbers_take(n, NUMBERS_OUTPUT, (struct bytes){ octets, 3 }));
	assert_true(take(n, STATS_PARTS + 7, 1, 0)); /* no such part: no harm */
	look(n, 1);
	assert_int_equal(record_get_num(&n->now, F_st_refused, -1), 3);
	assert_int_equal(record_get_num(&n->now, F_st_packets, -1), -1);
}

/* What one judge counts, the next one has: they are processes. */
static void test_another_judge(void **state)
{
	(void)state;
	struct numbers *n = numbers_new();
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		numbers_begin(n, &settings, 0, WALL);
		n->tally.sessions = 9;
		take(n, NUMBERS_CAPTURE, 50, 0);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	numbers_begin(n, &settings, 5 * S, WALL + 5 * S);
	numbers_hello(n, NUMBERS_CAPTURE, (struct bytes){ 0 });
	take(n, NUMBERS_CAPTURE, 3, 0);
	look(n, 6);
	assert_int_equal(record_get_num(&n->now, F_st_sessions, -1), 9);
	assert_int_equal(record_get_num(&n->now, F_st_packets, -1), 53);
	assert_int_equal(record_get_num(&n->now, F_st_uptime, -1), 6 * S);
	numbers_good(n);
	for (int i = 0; i < 3; i++)
		numbers_begin(n, &settings, 7 * S, WALL);
	assert_int_equal(n->tally.sessions, 9);
	numbers_begin(n, &settings, 8 * S, WALL); /* three died young */
	assert_int_equal(n->tally.sessions, 0);
	look(n, 9);
	assert_int_equal(record_get_num(&n->now, F_st_packets, -1), -1);
	assert_int_equal(record_get_num(&n->now, F_st_uptime, -1), S);
}

static void hello(struct numbers *n, uint64_t life)
{
	numbers_hello(n, NUMBERS_CAPTURE, (struct bytes){ (const uint8_t *)&life, sizeof(life) });
}

static int64_t seen(struct numbers *n, enum fact f)
{
	look(n, 1);
	return record_get_num(&n->now, f, -1);
}

/* A worker greets every judge; only another one begins to count anew. */
static void test_hello(void **state)
{
	(void)state;
	struct numbers *n = numbers_new();
	numbers_begin(n, &settings, 0, WALL);
	hello(n, 7);
	take(n, NUMBERS_CAPTURE, 50, 0);
	for (int i = 0; i < 2; i++) {
		numbers_begin(n, &settings, 0, WALL);
		hello(n, 7);
		take(n, NUMBERS_CAPTURE, 51, 0);
		assert_int_equal(seen(n, F_st_packets), 51);
	}
	numbers_begin(n, &settings, 0, WALL); /* forgets; what was on the way comes before its greeting */
	take(n, NUMBERS_CAPTURE, 52, 0);
	hello(n, 7);
	take(n, NUMBERS_CAPTURE, 53, 0);
	assert_int_equal(seen(n, F_st_packets), 53);
	hello(n, 8);
	take(n, NUMBERS_CAPTURE, 1, 0);
	assert_int_equal(seen(n, F_st_packets), 54);
	numbers_hello(n, STATS_PARTS, (struct bytes){ 0 }); /* no such part: no harm */
}

/* Who was told to end did not die of what lies here, however often that is. */
static void test_told_to_end(void **state)
{
	(void)state;
	struct numbers *n = numbers_new();
	for (int i = 0; i < 9; i++) {
		numbers_begin(n, &settings, 0, WALL);
		n->tally.sessions++;
		numbers_good(n);
	}
	assert_int_equal(n->tally.sessions, 9);
}

/* What a judge counts for itself alone begins anew with the next one, and is in the sum all the same; the tally is not twice. */
static void test_own_counters(void **state)
{
	(void)state;
	static struct record own;
	struct numbers *n = numbers_new();
	for (int i = 1; i <= 2; i++) {
		numbers_begin(n, &settings, 0, WALL);
		n->tally.sessions++;
		n->standing.suppressed++;
		record_init(&own);
		record_num(&own, F_st_rule_limits, 3);
		record_num(&own, F_st_outstanding, 5);
		numbers_look(n, &own, i * S, WALL + i * S);
		assert_int_equal(record_get_num(&n->now, F_st_rule_limits, -1), 3 * i);
		assert_int_equal(record_get_num(&n->now, F_st_sessions, -1), i);
		assert_int_equal(record_get_num(&n->now, F_st_suppressed, -1), i);
		assert_int_equal(record_get_num(&n->now, F_st_outstanding, -1), 5);
	}
}

/* A judge that died while it copied a part: a word that is none must reach nobody who looks it up. */
static void test_half_a_part(void **state)
{
	(void)state;
	static struct record r;
	struct numbers *n = numbers_new();
	numbers_begin(n, &settings, 0, WALL);
	record_init(&r);
	record_num(&r, F_st_packets, 5);
	record_add_cstr(&r, F_st_if_name, "tap0");
	record_add_num(&r, F_st_if_link, INT64_C(0x7461703000000000));
	stats_sum_take(n->sum, NUMBERS_CAPTURE, &r);
	assert_true(take(n, NUMBERS_CAPTURE + 1, 2, 0));
	numbers_begin(n, &settings, 0, WALL);
	assert_int_equal(seen(n, F_st_packets), 2);
	assert_int_equal(record_count(&n->now, F_st_if_name), 1);
	assert_true(record_check(&n->now, record_size(&n->now)));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sum_and_interval), cmocka_unit_test(test_hostile_part),
					    cmocka_unit_test(test_another_judge), cmocka_unit_test(test_hello),
					    cmocka_unit_test(test_told_to_end), cmocka_unit_test(test_own_counters),
					    cmocka_unit_test(test_half_a_part) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
