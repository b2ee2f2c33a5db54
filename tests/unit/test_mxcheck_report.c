/* report: the tree, its grades, texts from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report.h"

static void grades_rise(void **state)
{
	(void)state;
	struct report r = { 0 };
	report_open(&r, CHECK_dnssec, "example.net");
	report_open(&r, CHECK_zone, "net");
	report_step(&r, GRADE_NOTE, CHECK_zone, "net", "%d keys", 2);
	report_close(&r);
	report_open(&r, CHECK_zone, "example.net");
	report_step(&r, GRADE_ERROR, CHECK_zone, "example.net", "no key");
	report_fix(&r, "publish %s", "one");
	report_record(&r, "example.net. DS %d", 1);
	report_say(&r, GRADE_WARNING, "weak");
	report_close(&r);
	report_close(&r);
	report_step(&r, GRADE_OK, CHECK_mx, "example.net", "fine");
	assert_int_equal(r.n, 6);
	assert_int_equal(r.step[0].grade, GRADE_ERROR);
	assert_int_equal(r.step[0].own, GRADE_OK);
	assert_int_equal(r.step[1].grade, GRADE_NOTE);
	assert_int_equal(r.step[3].own, GRADE_WARNING);
	assert_int_equal(r.step[3].grade, GRADE_ERROR);
	assert_int_equal(r.step[4].depth, 2);
	assert_int_equal(r.step[5].depth, 0);
	assert_string_equal(r.step[4].fix, "publish one");
	assert_string_equal(r.step[4].record, "example.net. DS 1");
	assert_int_equal(report_grade(&r), GRADE_ERROR);
	assert_ptr_equal(report_find(&r, CHECK_zone, 2), &r.step[2]);
	assert_null(report_find(&r, CHECK_plan, 0));
	report_free(&r);
}

static void parts_are_put_together(void **state)
{
	(void)state;
	struct report r = { 0 }, part = { 0 };
	report_open(&part, CHECK_server, "192.0.2.1");
	report_step(&part, GRADE_WARNING, CHECK_server, "192.0.2.1", "slow");
	report_close(&part);
	report_open(&r, CHECK_smtp, "example.net");
	report_append(&r, &part);
	report_close(&r);
	assert_int_equal(part.n, 0);
	assert_int_equal(r.n, 3);
	assert_int_equal(r.step[0].grade, GRADE_WARNING);
	assert_int_equal(r.step[2].depth, 2);
	assert_string_equal(r.step[2].text, "slow");
	report_free(&r);
}

static void hostile_texts(void **state)
{
	(void)state;
	struct report r = { 0 };
	char longer[4000];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	report_step(&r, GRADE_OK, CHECK_server, "a\x1b[31m", "says %s", "220 \x1b]0;title\x07\xff");
	report_step(&r, GRADE_OK, CHECK_server, "a", "%s", longer);
	assert_null(strchr(r.step[0].text, 0x1b));
	assert_null(strchr(r.step[0].subject, 0x1b));
	assert_true(strlen(r.step[1].text) < REPORT_TEXT);
	report_free(&r);
	for (int i = 0; i < REPORT_STEPS + 10; i++)
		report_step(&r, GRADE_OK, CHECK_server, "a", "b");
	assert_int_equal(r.n, REPORT_STEPS);
	assert_int_equal(r.lost, 10);
	assert_int_equal(report_grade(&r), GRADE_UNKNOWN);
	report_free(&r);
}

static void words_are_there(void **state)
{
	(void)state;
	for (int i = 0; i < CHECKS; i++) {
		assert_true(*check_word(i) && *check_what(i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(check_word(i), check_word(j));
	}
	assert_string_equal(grade_word(GRADE_ERROR), "error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grades_rise),
		cmocka_unit_test(parts_are_put_together),
		cmocka_unit_test(hostile_texts),
		cmocka_unit_test(words_are_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
