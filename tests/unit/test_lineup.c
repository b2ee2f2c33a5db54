/* lineup: sessions come in any order and go in that of their ends; each once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <stdio.h>
#include <cmocka.h>

#include "lineup.h"

enum { SECOND = 1000000000 };

/* What comes: "a12" is a session of sensor a that ended at second 12, "a12!" one whose end nobody saw; "." is the end of all. What
 * goes is written the same way, without the sensor; a blank behind what went because of each. */
static const struct {
	const char *in, *out;
	uint64_t late, early;
	size_t sessions;
	const char *why;
} cases[] = {
	{ "a1 a2 a3 .", "|||1 2 3 |", 0, 0, 100, "within the lateness nothing goes" },
	{ "a3 a1 a2 a20 .", "|||1 2 3 |20 |", 0, 0, 100, "out of order within it" },
	{ "a1 a12 a23", "|1 |12 |", 0, 0, 100, "as time passes" },
	{ "a1 a11 .", "||1 11 |", 0, 0, 100, "the watermark itself may still come" },
	{ "a20 a1 a12 .", "|1 ||12 20 |", 1, 0, 100, "later than the lateness: at once" },
	{ "a20 a1! a12 .", "|1 ||12 20 |", 0, 0, 100, "so it must be when nobody saw its end" },
	{ "a1 b1 a20 a30 b31 .", "||||1 1 |20 30 31 |", 0, 0, 100, "the least sensor holds up" },
	{ "a1 b1 a90 a99 .", "||1 1 ||90 99 |", 0, 0, 100, "but not when it is silent for more than a minute" },
	{ "a1 b1 a90 b2 a99 .", "||1 1 |2 ||90 99 |", 1, 0, 100, "one that comes back is late" },
	{ "a5 a4 a3 a2 a1 .", "|||2 |1 |3 4 5 |", 0, 2, 3, "no room: the earliest first" },
	{ ".", "|", 0, 0, 100, "nothing" },
};

static void session(struct record *r, int second, bool seen, int number)
{
	char id[16];
	snprintf(id, sizeof(id), "id%d", number);
	record_init(r);
	record_cstr(r, F_event_id, id);
	record_num(r, F_event_end, (int64_t)second * SECOND);
	record_num(r, F_cap_end, seen ? endhow_fin : endhow_timeout);
}

static void drain(struct lineup *l, char *out, size_t cap)
{
	static struct record r;
	while (lineup_next(l, &r))
		snprintf(out + strlen(out), cap - strlen(out), "%lld ", (long long)record_get_num(&r, F_event_end, 0) / SECOND);
	snprintf(out + strlen(out), cap - strlen(out), "|");
}

static void test_order(void **state)
{
	(void)state;
	static struct record r;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[256] = "";
		struct lineup *l = lineup_new(&(struct lineup_budget){ cases[i].sessions, 64 << 20, (int64_t)10 * SECOND, (int64_t)60 * SECOND });
		assert_non_null(l);
		int number = 0;
		for (const char *p = cases[i].in; *p; p += strcspn(p, " "), p += *p == ' ') {
			if (*p == '.') {
				lineup_end(l);
			} else {
				session(&r, atoi(p + 1), p[strcspn(p, " !")] != '!', ++number);
				assert_true(lineup_put(l, (struct bytes){ (const uint8_t *)p, 1 }, &r));
			}
			drain(l, out, sizeof(out));
		}
		const struct lineup_counts n = lineup_counts(l);
		if (strcmp(out, cases[i].out) != 0 || n.late != cases[i].late || n.early != cases[i].early)
			fail_msg("%s: %s gives %s, should be %s; %llu late, %llu early", cases[i].why, cases[i].in, out, cases[i].out,
				 (unsigned long long)n.late, (unsigned long long)n.early);
		lineup_free(l);
	}
}

/* Equal ends: by id, whoever came first. */
static void test_ties(void **state)
{
	(void)state;
	static struct record r;
	static const int orders[2][3] = { { 1, 2, 3 }, { 3, 1, 2 } };
	for (size_t i = 0; i < 2; i++) {
		struct lineup *l = lineup_new(&(struct lineup_budget){ 10, 64 << 20, 0, 0 });
		assert_non_null(l);
		for (size_t k = 0; k < 3; k++) {
			session(&r, 5, true, orders[i][k]);
			assert_true(lineup_put(l, bytes_of("a"), &r));
			assert_false(lineup_next(l, &r));
		}
		lineup_end(l);
		for (char c = '1'; c < '4'; c++) {
			assert_true(lineup_next(l, &r));
			assert_int_equal(record_get_str(&r, F_event_id).p[2], c);
		}
		lineup_free(l);
	}
}

/* As many octets as the budget has, and no more. */
/* Up to which message of a stream nothing waits. */
static void test_least(void **state)
{
	(void)state;
	static struct record r;
	struct lineup *l = lineup_new(&(struct lineup_budget){ 10, 64 << 20, 0, 0 });
	assert_non_null(l);
	assert_true(lineup_least(l) == UINT64_MAX);
	for (int k = 1; k < 4; k++) {   /* the later in the stream, the earlier its end */
		session(&r, 9 - k, true, k);
		record_num(&r, F_event_sequence, 100 + k);
		assert_true(lineup_put(l, bytes_of("a"), &r));
	}
	assert_true(lineup_least(l) == 101);
	lineup_end(l);
	assert_true(lineup_next(l, &r));
	assert_int_equal(record_get_num(&r, F_event_sequence, 0), 103);
	assert_true(lineup_least(l) == 101);
	while (lineup_next(l, &r))
		;
	assert_true(lineup_least(l) == UINT64_MAX);
	lineup_free(l);
}

static void test_octets(void **state)
{
	(void)state;
	static struct record r;
	session(&r, 1, true, 1);
	struct lineup *l = lineup_new(&(struct lineup_budget){ 100, 2 * record_size(&r), (int64_t)1000 * SECOND, 0 });
	assert_non_null(l);
	for (int i = 1; i < 10; i++) {
		session(&r, i, true, i);
		assert_true(lineup_put(l, bytes_of(""), &r));
		assert_true(lineup_next(l, &r) == (i > 2));
		assert_false(lineup_next(l, &r));
	}
	assert_int_equal(lineup_counts(l).waiting, 2);
	assert_int_equal(lineup_counts(l).early, 7);
	lineup_free(l);
}

static void test_once(void **state)
{
	(void)state;
	char id[16];
	struct lineup *l = lineup_new(&(struct lineup_budget){ 1, 1, 0, 0 });
	assert_non_null(l);
	assert_false(lineup_knows(l, bytes_of("id0")));
	for (int i = 0; i < LINEUP_IDS + 2; i++) {
		snprintf(id, sizeof(id), "id%d", i);
		assert_false(lineup_again(l, bytes_of(id)));
		assert_true(lineup_again(l, bytes_of(id)));
	}
	assert_false(lineup_knows(l, bytes_of("id0"))); /* the ring is full */
	assert_false(lineup_knows(l, bytes_of("id1")));
	assert_true(lineup_knows(l, bytes_of("id2")));
	lineup_free(l);
}

/* More sensors than are told apart: the one that was silent longest makes room, and nothing waits for it. */
static void test_sensors(void **state)
{
	(void)state;
	static struct record r;
	struct lineup *l = lineup_new(&(struct lineup_budget){ 10000, 256 << 20, 0, INT64_MAX });
	assert_non_null(l);
	for (int i = 0; i <= LINEUP_SENSORS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "s%d", i);
		session(&r, 100 + i, true, i);
		assert_true(lineup_put(l, bytes_of(name), &r));
	}
	assert_int_equal(lineup_counts(l).sensors, LINEUP_SENSORS + 1);
	assert_true(lineup_next(l, &r)); /* what s0 told of; now s1 is the least */
	assert_false(lineup_next(l, &r));
	lineup_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_order), cmocka_unit_test(test_ties), cmocka_unit_test(test_octets),
					    cmocka_unit_test(test_once), cmocka_unit_test(test_least), cmocka_unit_test(test_sensors) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
