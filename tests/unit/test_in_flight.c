/* test_in_flight: which items are acknowledged, in any order; subjects of NATS and the patterns that take them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "in_flight.h"
#include "nats_subject.h"

/* Items 11, 12, 14, 19, 20 (others were given up on the way); places 0 to 4. */
static void in_any_order(void **state)
{
	static const uint64_t numbers[] = { 11, 12, 14, 19, 20 };
	static const struct {
		uint64_t place, done;
		bool news;
		const char *why;
	} rows[] = {
		{ 1, 0, true, "12, but not 11" },
		{ 4, 0, true, "20, but not 11" },
		{ 1, 0, false, "12 once more" },
		{ 0, 12, true, "11, so 12 too" },
		{ 0, 12, false, "11 once more" },
		{ 5, 12, false, "what was never handed over" },
		{ UINT64_MAX, 12, false, "nor was that" },
		{ 3, 12, true, "19, but not 14" },
		{ 2, 20, true, "14, so all" },
		{ 2, 20, false, "14 once more" },
	};
	struct in_flight *f = calloc(1, sizeof(*f));
	(void)state;
	assert_non_null(f);
	assert_int_equal(in_flight_oldest(f), -1);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_int_equal(in_flight_add(f, numbers[i], 100, 1000 + (int64_t)i), i);
	assert_int_equal(in_flight_oldest(f), 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (in_flight_arrived(f, rows[i].place) != rows[i].news)
			fail_msg("%s: is it news?", rows[i].why);
		if (f->done != rows[i].done)
			fail_msg("%s: done %u", rows[i].why, (unsigned)f->done);
	}
	assert_int_equal(in_flight_oldest(f), -1);
	assert_int_equal(f->octets, 0);
	free(f);
}

static void room(void **state)
{
	struct in_flight *f = calloc(1, sizeof(*f));
	(void)state;
	assert_non_null(f);
	assert_true(in_flight_room(f, 10 * (size_t)IN_FLIGHT_OCTETS));
	uint64_t large = in_flight_add(f, 1, 10 * (size_t)IN_FLIGHT_OCTETS, 0);
	assert_false(in_flight_room(f, 1));
	assert_true(in_flight_arrived(f, large));
	for (uint64_t i = 0; i < 3 * (uint64_t)IN_FLIGHT_ITEMS; i++) {
		uint64_t place = in_flight_add(f, 2 + i, 10, 0);
		if (i >= IN_FLIGHT_ITEMS - 1) {
			assert_false(in_flight_room(f, 0));
			assert_true(in_flight_arrived(f, place - IN_FLIGHT_ITEMS + 1));
			assert_int_equal(f->done, 2 + i - IN_FLIGHT_ITEMS + 1);
		}
		assert_true(in_flight_room(f, 0));
	}
	free(f);
}

static void subjects(void **state)
{
	static const struct {
		const char *key, *subject, *why;
		uint32_t partitions;
		unsigned dataset;
	} rows[] = {
		{ "192.0.2.1", "mxw.session.0", "one partition", 1, 0 },
		{ "", "mxw.stats.1", "no key: 2166136261 modulo 4", 4, 2 },
		{ "a", "mxw.alert.12", "e40c292c of the FNV's own vectors", 16, 1 },
		{ "foobar", "mxw.posture.104", "bf9cf968 of them", 256, 3 },
		{ "foobar", "mxw.session.0", "no number of partitions", 0, 0 },
	};
	char subject[NATS_SUBJECT_ROOM];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		nats_subject("mxw", rows[i].dataset, nats_partition(bytes_of(rows[i].key), rows[i].partitions), subject);
		if (strcmp(subject, rows[i].subject) != 0)
			fail_msg("%s: %s", rows[i].why, subject);
	}
}

static void begins(void **state)
{
	static const struct {
		const char *text;
		bool can;
		const char *why;
	} rows[] = {
		{ "mxwitness", true, "a word" },
		{ "site.mx-1.$x", true, "words" },
		{ "", false, "nothing" },
		{ ".a", false, "an empty word at its start" },
		{ "a..b", false, "an empty word" },
		{ "a.", false, "an empty word at its end" },
		{ "a.*", false, "a wildcard" },
		{ "a.>", false, "a wildcard for the rest" },
		{ "a b", false, "a space would end the subject" },
		{ "a\r\nPUB", false, "so would a line end" },
		{ "stra\xc3\x9f" "e", false, "letters beyond ASCII" },
	};
	char longest[NATS_BEGIN_SIZE + 1];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (nats_subject_begins(rows[i].text) != rows[i].can)
			fail_msg("%s: %s", rows[i].why, rows[i].text);
	memset(longest, 'a', sizeof(longest));
	longest[NATS_BEGIN_SIZE] = 0;
	assert_false(nats_subject_begins(longest));
	longest[NATS_BEGIN_SIZE - 1] = 0;
	assert_true(nats_subject_begins(longest));
}

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *subject;
		bool fits;
		const char *why;
	} rows[] = {
		{ "mxw.session.0", "mxw.session.0", true, "the same" },
		{ "mxw.*.*", "mxw.session.0", true, "words of any kind" },
		{ "mxw.>", "mxw.session.0", true, "the rest" },
		{ ">", "mxw.session.0", true, "all" },
		{ "mxw.session.*", "mxw.alert.0", false, "another word" },
		{ "mxw.*", "mxw.session.0", false, "one word too few" },
		{ "mxw.*.*.*", "mxw.session.0", false, "one too many" },
		{ "mxw.session.0.>", "mxw.session.0", false, "the rest is one word at least" },
		{ "mxw.sess*.0", "mxw.session.0", false, "no wildcard within a word" },
		{ "mx.*.*", "mxw.session.0", false, "the beginning of a word" },
		{ "", "mxw.session.0", false, "nothing" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (nats_subject_fits(rows[i].pattern, rows[i].subject) != rows[i].fits)
			fail_msg("%s: %s", rows[i].why, rows[i].pattern);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_any_order), cmocka_unit_test(room), cmocka_unit_test(subjects), cmocka_unit_test(begins), cmocka_unit_test(patterns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
