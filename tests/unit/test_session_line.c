/* session_line: which lines are sessions, and what is wrong with the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "session_line.h"

#define ENDS INT64_C(1764061201000000000)
#define OURS "\"module\":\"mxwitness\",\"dataset\":\"mxwitness.session\""
#define ID ",\"id\":\"44fe46d5efc2a9e97a466eef4dcfe73f\""
#define TIMES ",\"start\":\"2025-11-25T09:00:00Z\",\"end\":\"2025-11-25T09:00:01Z\""
#define ADDRESSES "\"source\":{\"ip\":\"192.0.2.1\"},\"destination\":{\"ip\":\"2001:db8::1\"}"
#define SCHEMA ",\"mxwitness\":{\"schema\":\"1.7\"}"

static const struct {
	const char *line;
	enum session_line kind;
	int64_t latest;
	const char *why;
} cases[] = {
	{ "{\"event\":{" OURS ID TIMES "}," ADDRESSES SCHEMA "}", SESSION_LINE_SESSION, ENDS, NULL },
	{ "{\"event\":{" OURS ID TIMES "}," ADDRESSES SCHEMA "}\r\n", SESSION_LINE_SESSION, ENDS, NULL },
	{ "{\"event\":{" OURS ID TIMES "}," ADDRESSES SCHEMA "}", SESSION_LINE_BAD, ENDS - 1, "ahead of this machine's clock" },
	{ "{\"event\":{" OURS TIMES "}," ADDRESSES SCHEMA "}", SESSION_LINE_BAD, ENDS, "event.id is missing" },
	{ "{\"event\":{" OURS ",\"id\":\"\"" TIMES "}," ADDRESSES SCHEMA "}", SESSION_LINE_BAD, ENDS, "event.id is missing" },
	{ "{\"event\":{" OURS ",\"id\":\"44fe46d5efc2a9e97a466eef4dcfe73f0\"" TIMES "}," ADDRESSES SCHEMA "}", SESSION_LINE_BAD, ENDS, "too long" },
	{ "{\"event\":{" OURS ID "}," ADDRESSES SCHEMA "}", SESSION_LINE_BAD, ENDS, "event.start and event.end" },
	{ "{\"event\":{" OURS ID ",\"start\":\"2025-11-25T09:00:01Z\",\"end\":\"2025-11-25T09:00:00Z\"}," ADDRESSES SCHEMA "}", SESSION_LINE_BAD,
	  ENDS, "the wrong way round" },
	{ "{\"event\":{" OURS ID ",\"start\":\"1969-11-25T09:00:01Z\",\"end\":\"2025-11-25T09:00:00Z\"}," ADDRESSES SCHEMA "}", SESSION_LINE_BAD,
	  ENDS, "missing, or" },
	{ "{\"event\":{" OURS ID TIMES "},\"source\":{\"ip\":\"192.0.2.256\"},\"destination\":{\"ip\":\"::1\"}" SCHEMA "}", SESSION_LINE_BAD, ENDS,
	  "source.ip" },
	{ "{\"event\":{" OURS ID TIMES "}," ADDRESSES "}", SESSION_LINE_BAD, ENDS, "mxwitness.schema" },
	{ "{\"event\":{" OURS ID TIMES "}," ADDRESSES ",\"mxwitness\":{\"schema\":\"10.0\"}}", SESSION_LINE_BAD, ENDS, "mxwitness.schema" },
	{ "{\"event\":{" OURS ID TIMES "}," ADDRESSES SCHEMA "}{}", SESSION_LINE_BAD, ENDS, "not one whole JSON object" },
	{ "{\"event\":{" OURS ID TIMES "}," ADDRESSES SCHEMA, SESSION_LINE_BAD, ENDS, "not one whole JSON object" },
	{ "{\"event\":{\"module\":\"mxwitness\",\"dataset\":\"mxwitness.stats\"}}", SESSION_LINE_OTHER, ENDS, NULL },
	{ "{\"event\":{\"module\":\"mxwitness\"}}", SESSION_LINE_BAD, ENDS, "not an event of mxwitness" },
	{ "{\"event\":{\"module\":\"suricata\",\"dataset\":\"mxwitness.session\"}}", SESSION_LINE_BAD, ENDS, "not an event of mxwitness" },
	{ "{}", SESSION_LINE_BAD, ENDS, "not an event of mxwitness" },
	{ "mxwitness: out of paper", SESSION_LINE_BAD, ENDS, "not one whole JSON object" },
	{ "", SESSION_LINE_EMPTY, ENDS, NULL },
	{ " \t\r\n", SESSION_LINE_EMPTY, ENDS, NULL },
};

static void test_cases(void **state)
{
	(void)state;
	static struct record r;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const size_t n = strlen(cases[i].line);
		const char *why = "";
		uint8_t *exact = malloc(n ? n : 1);
		assert_non_null(exact);
		memcpy(exact, cases[i].line, n);
		const enum session_line kind = session_line_read((struct bytes){ exact, n }, cases[i].latest, &r, &why);
		if (kind != cases[i].kind || (kind == SESSION_LINE_BAD && !strstr(why, cases[i].why)))
			fail_msg("%s is %d (%s)", cases[i].line, kind, why);
		if (kind == SESSION_LINE_SESSION)
			assert_int_equal(record_get_num(&r, F_event_end, 0), ENDS);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
