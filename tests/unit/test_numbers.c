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
	stats_sum_restarted(n->sum, NUMBERS_CAPTURE);
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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sum_and_interval), cmocka_unit_test(test_hostile_part),
					    cmocka_unit_test(test_another_judge) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
