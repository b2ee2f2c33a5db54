/* classify: what the library calls the first octets of a connection, and what it leaves behind. Skipped without it. */
#include "classify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A ClientHello of TLS 1.2 for mx.example.net, with two suites. */
static const char hello[] =
	"\x16\x03\x01\x00\x64\x01\x00\x00\x60\x03\x03" "0123456789abcdef0123456789abcdef" "\x00\x00\x04\xc0\x2f\xc0\x30\x01\x00"
	"\x00\x33\x00\x00\x00\x13\x00\x11\x00\x00\x0emx.example.net\x00\x0a\x00\x04\x00\x02\x00\x17\x00\x0b\x00\x02\x01\x00"
	"\x00\x0d\x00\x0a\x00\x08\x04\x03\x04\x01\x05\x03\x05\x01";

struct look_case {
	struct bytes said[2];
	enum dir first;
	const char *want, *why;
};

#define SAID(s) { (const uint8_t *)(s), sizeof(s) - 1 }

static const struct look_case cases[] = {
	{ { SAID("SSH-2.0-libssh\r\n"), SAID("SSH-2.0-OpenSSH_9.2\r\n") }, S2C, "ssh", "both banners" },
	{ { SAID(""), SAID("SSH-2.0-OpenSSH_9.2\r\n") }, S2C, "ssh", "the server's alone" },
	{ { SAID("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"), SAID("HTTP/1.1 200 OK\r\nServer: x\r\n\r\n") }, C2S, "http", "HTTP" },
	{ { SAID(hello), SAID("") }, C2S, "tls", "TLS" },
	{ { SAID("NOOP\r\n"), SAID("220 mx.example ESMTP\r\n250 ok\r\n") }, S2C, "smtp", "SMTP without EHLO" },
	{ { SAID("USER me\r\n"), SAID("220 (vsFTPd 3.0.3)\r\n331 Please specify the password.\r\n") }, S2C, NULL, "not SMTP" },
	{ { SAID("zzzz\x01\x02\x03\x04"), SAID("yyyy\x05\x06\x07") }, C2S, "", "nothing known" },
	{ { SAID(""), SAID("") }, C2S, "", "nothing said" },
};

static void names(void **state)
{
	(void)state;
	uint8_t name[PIPELINE_NAME_MAX];
	struct classify *c = classify_new();
	if (!c)
		skip();
	assert_int_equal(classify_memory(), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pipeline_look look = { .first = cases[i].first };
		uint8_t *exact[2];
		for (int d = C2S; d <= S2C; d++) {
			exact[d] = malloc(cases[i].said[d].n + 1);
			memcpy(exact[d] + 1, cases[i].said[d].p, cases[i].said[d].n);
			look.said[d] = (struct bytes){ exact[d] + 1, cases[i].said[d].n };
		}
		size_t n = classify_name(c, &look, name);
		bool smtp = bytes_eq((struct bytes){ name, n }, bytes_of("smtp"));
		if (cases[i].want ? !bytes_eq((struct bytes){ name, n }, bytes_of(cases[i].want)) : smtp)
			fail_msg("%s: %.*s", cases[i].why, (int)n, (const char *)name);
		free(exact[C2S]);
		free(exact[S2C]);
	}
	classify_free(c);
	assert_int_equal(classify_memory(), 0);
}

/* However many connections it names, it holds no more than after the first ones. */
static void bounded(void **state)
{
	(void)state;
	enum { MANY = 4000 };
	uint8_t name[PIPELINE_NAME_MAX];
	size_t after = 0;
	struct classify *c = classify_new();
	if (!c)
		skip();
	for (unsigned i = 0; i < MANY; i++) {
		const struct look_case *one = &cases[i % (sizeof(cases) / sizeof(cases[0]))];
		struct pipeline_look look = { .said = { one->said[C2S], one->said[S2C] }, .first = one->first };
		classify_name(c, &look, name);
		if (i == 63)
			after = classify_memory();
	}
	assert_true(after > 0 && after < 32 << 20);
	assert_int_equal(classify_memory(), after);
	classify_free(c);
}

/* Is needle, each octet with its lowest bit turned, in the heap? */
static bool in_heap(const uint8_t *needle, size_t n)
{
	char line[256];
	uintptr_t from, to;
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "r");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "[heap]") || sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		for (const uint8_t *p = (const uint8_t *)from; p + n <= (const uint8_t *)to && !found; p++) {
			size_t same = 0;
			while (same < n && p[same] == (needle[same] ^ 1))
				same++;
			found = same == n;
		}
	}
	if (maps)
		fclose(maps);
	return found;
}

/* The library keeps what a client authenticates with; not here, and not behind our back. */
static void wiped(void **state)
{
	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* it has a heap of its own */
#endif
	static const char client[] = "AUTH LOGIN\r\nc2VjcmV0LXBlcnNvbg==\r\nc2VjcmV0LXdvcmQ=\r\n";
	static const char server[] = "220 mx ESMTP\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 ok\r\n";
	static const struct look_case auth = { { SAID(client), SAID(server) }, S2C, "smtp", "" };
	uint8_t name[PIPELINE_NAME_MAX], person[8], word[8];
	struct classify *c = classify_new();
	if (!c)
		skip();
	for (int i = 0; i < 8; i++) {
		person[i] = (uint8_t)("t-person"[i] ^ 1);
		word[i] = (uint8_t)("c2VjcmV0"[i] ^ 1);
	}
	struct pipeline_look look = { .said = { auth.said[C2S], auth.said[S2C] }, .first = S2C };
	assert_int_equal(classify_name(c, &look, name), 4);
	assert_false(in_heap(person, sizeof(person)));
	assert_false(in_heap(word, sizeof(word)));
	char *volatile there = strdup("a secret-person"); /* it would be found */
	assert_non_null(there);
	assert_true(in_heap(person, sizeof(person)));
	free(there);
	classify_free(c);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(names), cmocka_unit_test(bounded), cmocka_unit_test(wiped) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
