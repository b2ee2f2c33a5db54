/* fragment: a datagram cut anywhere comes out whole, in any order; what contradicts itself does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wire/fragment.h"

static const struct fragment_key key = { .src = { 4, { 10 } }, .dst = { 4, { 11 } }, .id = 7, .proto = 6 };

/* One fragment: digits of the datagram "0123456789..." or another octet. */
struct beat {
	uint32_t offset, n;
	bool last;
	char octet; /* 0: what belongs there */
	enum fragment result;
};

static const struct story {
	const char *why;
	struct beat beat[5];
	size_t beats;
	const char *whole;
	uint64_t overlap, conflict, bad;
} stories[] = {
	{ "in order", { { 0, 8, false, 0, FRAGMENT_MORE }, { 8, 3, true, 0, FRAGMENT_DONE } }, 2, "01234567890", 0, 0, 0 },
	{ "last first", { { 8, 3, true, 0, FRAGMENT_MORE }, { 0, 8, false, 0, FRAGMENT_DONE } }, 2, "01234567890", 0, 0, 0 },
	{ "hole filled last", { { 16, 2, true, 0, FRAGMENT_MORE }, { 0, 8, false, 0, FRAGMENT_MORE }, { 8, 8, false, 0, FRAGMENT_DONE } }, 3, "012345678901234567", 0, 0, 0 },
	{ "duplicate", { { 0, 8, false, 0, FRAGMENT_MORE }, { 0, 8, false, 0, FRAGMENT_MORE }, { 8, 1, true, 0, FRAGMENT_DONE } }, 3, "012345678", 1, 0, 0 },
	{ "overlap: the first octet stays", { { 0, 8, false, 0, FRAGMENT_MORE }, { 0, 16, false, 'X', FRAGMENT_MORE }, { 16, 1, true, 0, FRAGMENT_DONE } }, 3, "01234567XXXXXXXX6", 1, 1, 0 },
	{ "overlap over a hole on both sides", { { 8, 8, false, 0, FRAGMENT_MORE }, { 0, 24, false, 'X', FRAGMENT_MORE }, { 24, 1, true, 0, FRAGMENT_DONE } }, 3, "XXXXXXXX89012345XXXXXXXX4", 1, 1, 0 },
	{ "two different ends", { { 8, 3, true, 0, FRAGMENT_MORE }, { 8, 4, true, 0, FRAGMENT_REFUSED } }, 2, NULL, 0, 0, 1 },
	{ "octets behind the end", { { 8, 3, true, 0, FRAGMENT_MORE }, { 16, 8, false, 0, FRAGMENT_REFUSED } }, 2, NULL, 0, 0, 1 },
	{ "an end before what is there", { { 16, 8, false, 0, FRAGMENT_MORE }, { 8, 3, true, 0, FRAGMENT_REFUSED } }, 2, NULL, 0, 0, 1 },
	{ "not a multiple of 8 and not last", { { 0, 9, false, 0, FRAGMENT_REFUSED } }, 1, NULL, 0, 0, 1 },
	{ "empty", { { 0, 0, true, 0, FRAGMENT_REFUSED } }, 1, NULL, 0, 0, 1 },
	{ "beyond 64 KiB", { { 65528, 8, true, 0, FRAGMENT_REFUSED } }, 1, NULL, 0, 0, 1 },
};

static enum fragment push(struct fragment_table *ft, const struct fragment_key *k, const struct beat *b, int64_t ts,
			  struct bytes *whole)
{
	uint8_t *data = malloc(b->n ? b->n : 1);
	for (uint32_t i = 0; i < b->n; i++)
		data[i] = (uint8_t)(b->octet ? (uint32_t)b->octet : (uint32_t)'0' + (b->offset + i) % 10);
	enum fragment result = fragment_push(ft, k, b->offset, b->last, (struct bytes){ data, b->n }, ts, whole);
	free(data);
	return result;
}

static void test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		const struct story *s = &stories[i];
		struct fragment_table *ft = fragment_table_new(4);
		struct bytes whole = { 0 };
		for (size_t k = 0; k < s->beats; k++) {
			enum fragment result = push(ft, &key, &s->beat[k], 0, &whole);
			if (result != s->beat[k].result)
				print_message("%s, fragment %zu\n", s->why, k);
			assert_int_equal(result, s->beat[k].result);
		}
		if (s->whole) {
			assert_int_equal(whole.n, strlen(s->whole));
			assert_memory_equal(whole.p, s->whole, whole.n);
		}
		const struct fragment_counters *c = fragment_table_counters(ft);
		assert_int_equal(c->overlap, s->overlap);
		assert_int_equal(c->conflict, s->conflict);
		assert_int_equal(c->bad, s->bad);
		fragment_table_free(ft);
	}
}

static void test_room_and_time(void **state)
{
	(void)state;
	assert_null(fragment_table_new(0));
	assert_null(fragment_table_new(SIZE_MAX / 8));
	struct fragment_table *ft = fragment_table_new(2);
	struct bytes whole;
	struct beat first = { 0, 8, false, 0, 0 }, rest = { 8, 1, true, 0, 0 };
	struct fragment_key a = key, b = key, c = key;
	b.id = 8;
	c.proto = 17;
	push(ft, &a, &first, 1, &whole);
	push(ft, &b, &first, 2, &whole);
	push(ft, &c, &first, 3, &whole); /* a, the oldest, makes room */
	assert_int_equal(fragment_table_counters(ft)->evicted, 1);
	assert_int_equal(push(ft, &b, &rest, 4, &whole), FRAGMENT_DONE);
	assert_int_equal(push(ft, &a, &rest, 5, &whole), FRAGMENT_MORE);
	assert_int_equal(push(ft, &c, &rest, FRAGMENT_WAIT + 4, &whole), FRAGMENT_MORE); /* too late for its first part */
	assert_int_equal(fragment_table_counters(ft)->expired, 1);
	fragment_table_free(ft);
}

/* Every second piece, more of them than are tracked: dropped and counted, not kept growing. */
static void test_many_pieces(void **state)
{
	(void)state;
	struct fragment_table *ft = fragment_table_new(2);
	struct bytes whole;
	uint32_t more = 0;
	for (uint32_t i = 0; i < FRAGMENT_PIECES + 1; i++) {
		struct beat b = { i * 16, 8, false, 0, 0 };
		more += push(ft, &key, &b, 0, &whole) == FRAGMENT_MORE;
	}
	assert_int_equal(more, FRAGMENT_PIECES);
	assert_int_equal(fragment_table_counters(ft)->bad, 1);
	fragment_table_free(ft);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_stories), cmocka_unit_test(test_room_and_time),
					    cmocka_unit_test(test_many_pieces) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
