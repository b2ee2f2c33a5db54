/* tap: what counts in and what does not, when there is a number, and that it is the same one tomorrow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/tap.h"

static const struct {
	const char *line, *want, *why;
} lines[] = {
	{ "", "", "nothing" },
	{ "mx.example.net ESMTP", "mx.example.net ESMTP", "words stay" },
	{ "mx.example.net at your service, [192.0.2.7]", "mx.example.net at your service, [#]", "an address may be translated" },
	{ "hello [IPv6:2001:db8::1]", "hello [#]", "and one of IPv6" },
	{ "2001:db8::1 203.0.113.9", "# #", "bare ones" },
	{ "1.2.3", "1.2.3", "three numbers are no address" },
	{ "1.2.3.4.5", "1.2.3.4.5", "nor are five" },
	{ "1234.1.1.1", "1234.1.1.1", "nor is one with a long number" },
	{ "1.2.3.", "1.2.3.", "nor is one that ends early" },
	{ "SIZE 35882577", "SIZE 35882577", "a number is none" },
	{ "ask joe@example.net", "ask ?@example.net", "no local part" },
	{ "ask <joe.long@a@example.net>", "ask <?@example.net>", "the last of several signs counts" },
	{ "@", "@", "a sign alone" },
	{ "@here", "@here", "and one without a local part" },
	{ "j@", "?@", "and one without a domain" },
	{ "\"joe long\"@example.net", "?", "a quoted part may hold anything: all of it goes" },
	{ "\"quoted\" joe@example.net", "\"quoted\" ?@example.net", "quotes that are none" },
};

static void plains(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const size_t n = strlen(lines[i].line), room = n ? n : 1;
		uint8_t *in = malloc(room), *out = malloc(room);
		memcpy(in, lines[i].line, n);
		const size_t got = tap_plain((struct bytes){ in, n }, out, room);
		if (got != strlen(lines[i].want) || memcmp(out, lines[i].want, got) != 0)
			fail_msg("%s: \"%s\" became \"%.*s\"", lines[i].why, lines[i].line, (int)got, (const char *)out);
		free(in);
		free(out);
	}
}

/* A dialogue, a line each: "C" or "S" in front; "-": octets are missing. What is the number of each side? "": it has none; "*": any. */
struct talk {
	const char *line[10], *c2s, *s2c, *why;
};

#define HEAD "S220 mx.example.net ESMTP", "CEHLO a.example", "S250-mx.example.net", "S250 STARTTLS"
static const struct talk talks[] = {
	{ { HEAD, "CMAIL FROM:<joe@a.example>", "S250 ok", "CDATA", "S354 go" }, "*", "*", "up to the mail" },
	{ { HEAD, "CMAIL FROM:<joe@a.example>", "S250 ok" }, "*", "", "the server has not come so far" },
	{ { HEAD, "CQUIT", "S221 bye" }, "*", "*", "the end" },
	{ { HEAD }, "", "", "nobody has" },
	{ { "S220 mx.example.net ESMTP", "-", "S250 STARTTLS", "CMAIL FROM:<joe@a.example>", "S354 go" }, "", "", "something is missing" },
	{ { HEAD, "CMAIL FROM:<joe@a.example>", "-", "S354 go" }, "*", "", "it is missing behind what the client said" },
};

static void hear(struct tap *t, struct ident *id, struct smtp *s, const char *line)
{
	const enum dir dir = *line == 'C' ? C2S : S2C;
	const size_t n = strlen(line + 1) + 2;
	uint8_t *in = malloc(n);
	memcpy(in, line + 1, n - 2);
	memcpy(in + n - 2, "\r\n", 2);
	struct bytes left = { in, n };
	while (left.n) {
		struct smtp_event ev;
		size_t used = 0;
		if (smtp_next(s, dir, left, &ev, &used) == PARSE_OK)
			tap_smtp(t, id, s, &ev);
		assert_true(used > 0);
		left = bytes_skip(left, used);
	}
	free(in);
}

static void say(const char *const *line, size_t n, char c2s[33], char s2c[33])
{
	struct ident *id = ident_new();
	static struct smtp s;
	static struct record r;
	struct tap t = { 0 };
	const bool doubt[2] = { false, false };
	assert_non_null(id);
	smtp_init(&s, false);
	record_init(&r);
	for (size_t i = 0; i < n && line[i]; i++) {
		if (*line[i] == '-')
			tap_gap(&t);
		else
			hear(&t, id, &s, line[i]);
	}
	tap_finish(&r, &t, doubt);
	for (int dir = C2S; dir <= S2C; dir++) {
		struct bytes b = record_get_str(&r, dir == C2S ? F_tap_c2s : F_tap_s2c);
		char *to = dir == C2S ? c2s : s2c;
		assert_true(b.n == 0 || b.n == 32);
		memset(to, 0, 33);
		if (b.n)
			memcpy(to, b.p, b.n);
	}
	assert_int_equal(record_get_num(&r, F_tap_form, 0), *c2s || *s2c ? TAP_FORM : 0);
	ident_free(id);
}

static void agree(const char *got, const char *want, const char *why)
{
	if (*want == '*' ? !*got : strcmp(got, want) != 0)
		fail_msg("%s: got \"%s\", expected \"%s\"", why, got, want);
}

static void numbers(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		char c2s[33], s2c[33];
		say(talks[i].line, 10, c2s, s2c);
		agree(c2s, talks[i].c2s, talks[i].why);
		agree(s2c, talks[i].s2c, talks[i].why);
	}
}

/* The same as the first talk, or not. */
static void differences(void **unused)
{
	static const struct {
		const char *line[10];
		bool c2s, s2c;
		const char *why;
	} others[] = {
		{ { HEAD, "CMAIL FROM:<ann@b.example> SIZE=5", "S250 fine", "CDATA", "S354 write" }, true, true,
		  "mail, and what is said of it, does not count" },
		{ { "S220 mx.example.net ESMTP", "CEHLO b.example", "S250-mx.example.net", "S250 STARTTLS", "CMAIL FROM:<j@a>", "S250 ok", "CDATA",
		    "S354 go" }, false, true, "another name behind EHLO" },
		{ { "S220 mx.example.net ESMTP", "CHELO a.example", "S250-mx.example.net", "S250 STARTTLS", "CMAIL FROM:<j@a>", "S250 ok", "CDATA",
		    "S354 go" }, false, false, "HELO, whose reply is not that of EHLO" },
		{ { "S220 mx.example.net ESMTP", "CEHLO a.example", "S250-mx.example.net", "S250 XXXXXXXA", "CMAIL FROM:<j@a>", "S250 ok", "CDATA",
		    "S354 go" }, true, false, "a masked keyword" },
		{ { "S220 mx.example.net ESMTP", "CEHLO a.example", "S250 mx.example.net", "CMAIL FROM:<j@a>", "S250 ok", "CDATA", "S354 go" }, true,
		  false, "an offer that is gone" },
		{ { HEAD, "CNOOP", "S250 ok", "CMAIL FROM:<j@a>", "S250 ok", "CDATA", "S354 go" }, false, false, "one command more" },
		{ { HEAD, "CMAIL FROM:<j@a>", "S451 later", "CMAIL FROM:<j@a>", "S250 ok", "CDATA" }, true, false, "another code, and no end yet" },
	};
	char c2s[33], s2c[33], c[33], s[33];
	(void)unused;
	say(talks[0].line, 10, c2s, s2c);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		say(others[i].line, 10, c, s);
		if ((strcmp(c, c2s) == 0) != others[i].c2s || (strcmp(s, s2c) == 0) != others[i].s2c)
			fail_msg("%s: %s %s, and %s %s", others[i].why, c2s, s2c, c, s);
	}
}

/* Who changes these without raising TAP_FORM makes a fleet of two versions cry wolf. */
static void pinned(void **unused)
{
	char c2s[33], s2c[33];
	(void)unused;
	say(talks[0].line, 10, c2s, s2c);
	assert_int_equal(TAP_FORM, 1);
	assert_string_equal(c2s, "06fc977501048582f6a039b3f88d36c0");
	assert_string_equal(s2c, "b50c4038824697968baf717510454aef");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(plains), cmocka_unit_test(numbers), cmocka_unit_test(differences),
					    cmocka_unit_test(pinned) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
