/* ident: the Community ID reference values of the specification's baseline (corelight/community-id-spec), seed 0. */
#include "wire/ident.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
	struct addr a, b;
	uint16_t aport, bport;
	const char *id;
} reference[] = {
	{ { 4, { 128, 232, 110, 120 } }, { 4, { 66, 35, 250, 204 } }, 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=" },
	{ { 4, { 66, 35, 250, 204 } }, { 4, { 128, 232, 110, 120 } }, 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=" },
};

static void community(void **state)
{
	(void)state;
	struct ident *id = ident_new();
	char out[IDENT_COMMUNITY];
	for (size_t i = 0; i < sizeof(reference) / sizeof(reference[0]); i++) {
		size_t n = ident_community(id, &reference[i].a, reference[i].aport, &reference[i].b,
					   reference[i].bport, out);
		assert_int_equal(n, IDENT_COMMUNITY - 1);
		assert_string_equal(out, reference[i].id);
	}
	ident_free(id);
}

static void session(void **state)
{
	(void)state;
	struct ident *id = ident_new();
	char a[IDENT_SESSION + 1], b[IDENT_SESSION + 1];
	ident_session(id, bytes_of("1:x"), 1, 2, 1000999, a);
	ident_session(id, bytes_of("1:x"), 1, 2, 1000000, b);
	assert_string_equal(a, b);
	ident_session(id, bytes_of("1:x"), 1, 3, 1000000, b);
	assert_string_not_equal(a, b);
	ident_free(id);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(community), cmocka_unit_test(session) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
