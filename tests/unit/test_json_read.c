/* json_read: members of an object as names and values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "json_read.h"

static const struct {
	const char *text, *out, *why;
} cases[] = {
	{ "{}", "", "nothing" },
	{ "{\"a\":1}", "a=1;", "a number" },
	{ "{\"a\":{\"b\":\"x\",\"c\":true},\"d\":null}", "a.b=\"x\";a.c=true;d=null;", "objects become dots" },
	{ "{\"a\":[1,2],\"b\":3}", "a[0]=1;a[1]=2;b=3;", "elements are numbered" },
	{ "{\"a\":[{\"b\":1},{\"b\":2}]}", "a[0].b=1;a[1].b=2;", "objects in an array" },
	{ "{\"a\":[],\"b\":{}}", "a=[];b={};", "empty ones are values" },
	{ " { \"a\" : [ 1 , \"]\" ] } \n", "a[0]=1;a[1]=\"]\";", "blanks, and a bracket in a string" },
	{ "{\"a\":\"x\\\"y\"}", "a=\"x\\\"y\";", "an escaped quote" },
	{ "{\"a\":-1.5e+3,\"b\":false}", "a=-1.5e+3;b=false;", "numbers as they stand there" },
	{ "{\"a\":1 \"b\":2}", "a=1;!", "no comma" },
	{ "{\"a\":1,,\"b\":2}", "a=1;!", "two" },
	{ "{,\"a\":1}", "!", "one in front" },
	{ "{\"a\":[1,]}", "a[0]=1;!", "one behind" },
	{ "{\"a\":[1 2]}", "a[0]=1;!", "none between elements" },
	{ "{\"a\":1}x", "a=1;!", "more behind the object" },
	{ "{\"a\":1}{}", "a=1;!", "another object behind it" },
	{ "{\"a\":yes}", "!", "no such value" },
	{ "{\"a\":}", "!", "no value" },
	{ "", "!", "no object" },
	{ "[1]", "!", "an array is no object" },
	{ "{\"a\":1", "a=1;!", "cut" },
	{ "{\"a\"", "!", "cut in a name" },
	{ "{\"a\":\"x", "!", "cut in a string" },
	{ "{a:1}", "!", "a name without quotes" },
	{ "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}}}}}", "!", "too deep" },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].text), out_n = 0;
		char out[512] = "", *text = malloc(n ? n : 1);
		struct json_walk w;
		struct json_leaf leaf;
		assert_non_null(text);
		memcpy(text, cases[i].text, n);
		for (json_walk(&w, (struct bytes){ (uint8_t *)text, n }); json_next(&w, &leaf);)
			out_n += (size_t)snprintf(out + out_n, sizeof(out) - out_n, "%s=%.*s;", leaf.path, (int)leaf.value.n,
						  (const char *)leaf.value.p);
		if (w.bad)
			strcat(out, "!");
		if (strcmp(out, cases[i].out) != 0)
			fail_msg("%s: %s is \"%s\", should be \"%s\"", cases[i].why, cases[i].text, out, cases[i].out);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
