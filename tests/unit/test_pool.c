/* pool: blocks are distinct, aligned, counted, and run out in the open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pool.h"

static void test_take_and_give(void **state)
{
	(void)state;
	struct pool p;
	assert_true(pool_init(&p, 33, 5));
	assert_int_equal(p.block, 48);
	uint8_t *b[5];
	for (int i = 0; i < 5; i++) {
		b[i] = pool_take(&p);
		assert_non_null(b[i]);
		assert_int_equal((uintptr_t)b[i] % 16, 0);
		memset(b[i], i, p.block);
	}
	for (int i = 0; i < 5; i++)
		for (size_t k = 0; k < p.block; k++)
			assert_int_equal(b[i][k], i);
	assert_null(pool_take(&p));
	assert_null(pool_take(&p));
	assert_int_equal(p.dry, 2);
	pool_give(&p, b[1]);
	pool_give(&p, b[3]);
	pool_give(&p, NULL);
	assert_int_equal(p.used, 3);
	assert_ptr_equal(pool_take(&p), b[3]); /* the block used last is the one still in the cache */
	assert_ptr_equal(pool_take(&p), b[1]);
	assert_null(pool_take(&p));
	assert_int_equal(p.peak, 5);
	pool_free(&p);
}

static void test_impossible(void **state)
{
	(void)state;
	static const struct {
		size_t block, count;
		const char *why;
	} bad[] = {
		{ 16, 0, "no block" },
		{ SIZE_MAX, 1, "rounding up overflows" },
		{ 32, SIZE_MAX / 16, "the product overflows" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pool p;
		assert_false(pool_init(&p, bad[i].block, bad[i].count));
		assert_null(pool_take(&p));
		pool_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_take_and_give), cmocka_unit_test(test_impossible) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
