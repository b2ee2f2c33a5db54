/* shed: when more is left out, when less, and what. */
#include "shed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* A row: so many looks, 100 ms apart, with these signs. level: behind the last of them. lost: what is lost between two looks. */
struct row {
	unsigned looks, fill, busy, lost;
	int level;
	const char *why;
};

static void run(const struct row *rows, size_t n)
{
	struct shed s;
	int64_t now = 1000000;
	struct shed_signs signs = { 0 };
	shed_begin(&s, now);
	for (size_t i = 0; i < n; i++) {
		for (unsigned k = 0; k < rows[i].looks; k++) {
			int was = s.level;
			now += 100;
			signs.fill = rows[i].fill;
			signs.busy = rows[i].busy;
			signs.lost += rows[i].lost;
			bool moved = shed_look(&s, now, &signs);
			assert_int_equal(moved, s.level != was);
			assert_in_range(s.level - was + 1, 0, 2);
			assert_in_range(s.level, SHED_NOTHING, SHED_MOST);
		}
		if (s.level != rows[i].level)
			print_error("row %zu: level %d: %s\n", i, s.level, rows[i].why);
		assert_int_equal(s.level, rows[i].level);
	}
}

#define RUN(rows) run(rows, sizeof(rows) / sizeof(*(rows)))

static void begins(void **state)
{
	static const struct row rows[] = {
		{ 600, 0, 100, 0, SHED_NOTHING, "nothing is wrong" },
		{ 600, 490, 1000, 0, SHED_NOTHING, "busy is not late" },
		{ 1, 500, 1000, 0, SHED_SAMPLE, "half full" },
		{ 1, 600, 1000, 0, SHED_BODIES, "and fuller" },
	};
	(void)state;
	RUN(rows);
	static const struct row lost[] = {
		{ 1, 0, 100, 1, SHED_SAMPLE, "one packet lost" },
		{ 3, 0, 100, 7, SHED_THIN, "a step each look" },
		{ 9, 0, 100, 7, SHED_THIN, "then time to see whether it is enough" },
		{ 1, 0, 100, 7, SHED_THIN + 1, "a second later" },
		{ 100, 0, 100, 7, SHED_MOST, "and no farther than the last" },
	};
	RUN(lost);
}

static void emptier(void **state)
{
	struct shed s;
	(void)state;
	shed_begin(&s, 0);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(shed_look(&s, 100 * (i + 1), &(struct shed_signs){ 1000 - i, 1000, 0 }), i == 0);
	assert_int_equal(s.level, SHED_SAMPLE); /* what was done is enough */
}

static void ends(void **state)
{
	static const struct row rows[] = {
		{ 24, 900, 1000, 1, SHED_THIN + 2, "overload" },
		{ 49, 50, 100, 0, SHED_THIN + 2, "not at once" },
		{ 1, 50, 100, 0, SHED_THIN + 1, "a step" },
		{ 50, 50, 100, 0, SHED_THIN, "and each of them takes as long" },
		{ 500, 50, 500, 0, SHED_THIN, "half busy with half of the connections: twice as many are too many" },
		{ 500, 200, 100, 0, SHED_THIN, "something waits in the ring" },
		{ 50, 50, 400, 0, SHED_HALF, "less than half busy" },
		{ 500, 0, 900, 0, SHED_HALF, "busy without much in the ring" },
		{ 49, 0, 700, 0, SHED_HALF, "not at once" },
		{ 101, 0, 700, 0, SHED_NOTHING, "all the way" },
		{ 600, 0, 700, 0, SHED_NOTHING, "and it stays" },
	};
	(void)state;
	RUN(rows);
}

/* What ends too early and has to begin again ends later each time. */
static void hesitates(void **state)
{
	static const struct row rows[] = {
		{ 1, 900, 1000, 0, SHED_SAMPLE, "overload" },
		{ 50, 0, 100, 0, SHED_NOTHING, "over after 5 s" },
		{ 1, 900, 1000, 0, SHED_SAMPLE, "again" },
		{ 99, 0, 100, 0, SHED_SAMPLE, "now it takes 10 s" },
		{ 1, 0, 100, 0, SHED_NOTHING, "over" },
		{ 1, 900, 1000, 0, SHED_SAMPLE, "again" },
		{ 199, 0, 100, 0, SHED_SAMPLE, "20 s" },
		{ 1, 0, 100, 0, SHED_NOTHING, "over" },
		{ 800, 0, 100, 0, SHED_NOTHING, "quiet for long" },
		{ 1, 900, 1000, 0, SHED_SAMPLE, "another overload" },
		{ 50, 0, 100, 0, SHED_NOTHING, "5 s again" },
	};
	(void)state;
	RUN(rows);
}

static void order(void **state)
{
	(void)state;
	for (int level = SHED_NOTHING; level < SHED_LEVELS; level++) {
		struct pipeline_shed w = shed_what(level, 262144);
		assert_int_equal(w.quiet != 0, level >= SHED_BODIES);
		assert_int_equal(w.half != 0, level >= SHED_HALF);
		assert_true(w.half < 262144 / 8);
		assert_int_equal(w.thin, level < SHED_THIN ? 0 : level - SHED_THIN + 1);
		assert_non_null(shed_word(level));
	}
	assert_int_equal(shed_what(SHED_MOST, 1).thin, 6);
	assert_int_equal(shed_what(SHED_HALF, 1).half, 1); /* 0 would be all */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins), cmocka_unit_test(emptier), cmocka_unit_test(ends),
		cmocka_unit_test(hesitates), cmocka_unit_test(order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
