#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stream_url.h"

static void whole(void **state)
{
	(void)state;
	static const struct {
		const char *text, *hosts, *stream, *subject, *why;
		bool tls;
	} cases[] = {
		{ "nats://h/S", "h:4222", "S", "mxwitness", "the least there can be", false },
		{ "tls://nats.example:4443/MX-1_a", "nats.example:4443", "MX-1_a", "mxwitness", "TLS, a port", true },
		{ "nats://a,b:1,[2001:db8::1],[2001:db8::2]:9/S/site.mx", "a:4222, b:1, [2001:db8::1]:4222, [2001:db8::2]:9", "S", "site.mx",
		  "several servers, and subjects", false },
		{ "nats://192.0.2.1/S/x", "192.0.2.1:4222", "S", "x", "an address", false },
	};
	struct error e;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stream_url u;
		if (!stream_url_read(cases[i].text, &u, &e))
			fail_msg("%s: %s", cases[i].why, e.text);
		assert_string_equal(u.hosts, cases[i].hosts);
		assert_string_equal(u.stream, cases[i].stream);
		assert_string_equal(u.subject, cases[i].subject);
		assert_int_equal(u.tls, cases[i].tls);
	}
}

static void refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *word;
	} cases[] = {
		{ "", "nats://HOST/STREAM" },
		{ "nats:/h/S", "nats://HOST/STREAM" },
		{ "kafka://h/S", "nats://HOST/STREAM" },
		{ "nats://", "its servers" },
		{ "nats:///S", "its servers" },
		{ "nats://,h/S", "its servers" },
		{ "nats://h,/S", "its servers" },
		{ "nats://h:/S", "its servers" },
		{ "nats://2001:db8::1/S", "its servers" },
		{ "nats://h", "/STREAM" },
		{ "nats://h/", "/STREAM" },
		{ "nats://h/a.b", "/STREAM" },
		{ "nats://h/a b", "/STREAM" },
		{ "nats://h/S/", "/SUBJECT" },
		{ "nats://h/S/a..b", "/SUBJECT" },
		{ "nats://h/S/a.>", "/SUBJECT" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stream_url u;
		struct error e;
		const bool good = stream_url_read(cases[i].text, &u, &e);
		if (good || !strstr(e.text, cases[i].word))
			fail_msg("%s: %s", cases[i].text, good ? "taken" : e.text);
	}
}

/* Neither in the result nor in the sentence. */
static void no_password(void **state)
{
	(void)state;
	struct stream_url u;
	struct error e;
	assert_false(stream_url_read("nats://me:secret@h/S", &u, &e));
	assert_non_null(strstr(e.text, "credentials"));
	assert_null(strstr(e.text, "secret"));
}

static void bounds(void **state)
{
	(void)state;
	char text[8192] = "nats://";
	struct stream_url u;
	struct error e;
	for (int i = 0; i < 400; i++)
		strcat(text, i ? ",host.example" : "host.example");
	strcat(text, "/S");
	assert_false(stream_url_read(text, &u, &e));
	strcpy(text, "nats://h/");
	memset(text + 9, 'S', STREAM_URL_NAME - 1);
	text[9 + STREAM_URL_NAME - 1] = 0;
	assert_true(stream_url_read(text, &u, &e));
	strcat(text, "S");
	assert_false(stream_url_read(text, &u, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole), cmocka_unit_test(refused), cmocka_unit_test(no_password), cmocka_unit_test(bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
