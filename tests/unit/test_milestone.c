/* milestone: which states of TLS are worth a look, each once, and how often. */
#include "wire/milestone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void tls_points(void **state)
{
	(void)state;
	static const struct {
		struct tls tls;
		bool due;
		const char *why;
	} cases[] = {
		{ { .client_hello = true }, false, "a ClientHello" },
		{ { .client_hello = true, .server_hello = true, .version = 0x0303, .certificate = true, .full = true }, false,
		  "a certificate, and more to come" },
		{ { .client_hello = true, .server_hello = true, .version = 0x0303, .full = true, .hello_done = true }, true,
		  "ServerHelloDone" },
		{ { .side = { { .seen = true, .finished = true }, { .seen = true, .ccs = true } }, .server_hello = true,
		    .version = 0x0303 }, false, "one Finished" },
		{ { .side = { { .seen = true, .finished = true }, { .seen = true, .finished = true } }, .server_hello = true,
		    .version = 0x0303 }, true, "both" },
		{ { .side = { { .seen = true, .records = 0 }, { .seen = true, .records = 4 } }, .server_hello = true,
		    .version = 0x0304 }, false, "TLS 1.3: the server's flight" },
		{ { .side = { { .seen = true, .records = 1, .lengths = { 53 } }, { .seen = true, .records = 4 } },
		    .server_hello = true, .version = 0x0304 }, true, "and the client's Finished" },
		{ { .side = { { .seen = true }, { .seen = true, .fatal = true, .code = 40 } }, .client_hello = true }, true,
		  "a fatal alert" },
		{ { .side = { { .seen = true, .closed = true }, { .seen = true } }, .server_hello = true, .version = 0x0303 }, true,
		  "an encrypted alert" },
	};
	static const struct smtp smtp;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct milestones m = { 0 };
		milestone_tls(&m, &cases[i].tls);
		if (milestone_due(&m, &smtp) != cases[i].due)
			fail_msg("%s", cases[i].why);
		m.due = false;
		milestone_tls(&m, &cases[i].tls);
		if (milestone_due(&m, &smtp))
			fail_msg("%s: twice", cases[i].why);
	}
}

static void bounded(void **state)
{
	(void)state;
	static const struct smtp smtp;
	struct milestones m = { 0 };
	unsigned given = 0;
	for (enum milestone at = MILESTONE_CREDENTIALS; at <= MILESTONE_CONFLICT; at++) {
		assert_false(milestone_passed(&m, at));
		milestone_reach(&m, at);
		assert_true(milestone_passed(&m, at));
		if (milestone_due(&m, &smtp)) {
			m.given++;
			m.due = false;
			given++;
		}
	}
	assert_int_equal(given, MILESTONES_MOST);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(tls_points), cmocka_unit_test(bounded) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
