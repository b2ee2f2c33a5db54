/* mxcheck: names, addresses that are not asked, and what is kept of a policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "lookup.h"
#include "mail_domain.h"
#include "sts_keep.h"
#include "sts_line.h"

#define NS INT64_C(1000000000)
#define NOW (INT64_C(1795593600) * NS)
#define DAY (86400 * NS)

/* The octets in a buffer of exactly their size. */
static struct bytes octets(const void *p, size_t n)
{
	uint8_t *own = malloc(n ? n : 1);
	assert_non_null(own);
	memcpy(own, p, n);
	return (struct bytes){ own, n };
}

static void octets_free(struct bytes b)
{
	free((void *)(uintptr_t)b.p);
}

static void domains(void **state)
{
	static const struct {
		const char *text, *name, *why;
	} t[] = {
		{ "example.org", "example.org", "as it is" },
		{ "EXAMPLE.Org.", "example.org", "case and one dot do not count" },
		{ "xn--mnchen-3ya.example", "xn--mnchen-3ya.example", "A-label" },
		{ "1.example", "1.example", "a label may be a number" },
		{ "org", NULL, "one label" },
		{ "example.org..", NULL, "two dots" },
		{ ".example.org", NULL, "an empty label" },
		{ "", NULL, "nothing" },
		{ ".", NULL, "the root" },
		{ "a_b.example", NULL, "RFC 5321 2.3.5" },
		{ "-a.example", NULL, "hyphen first" },
		{ "a-.example", NULL, "hyphen last" },
		{ "192.0.2.1", NULL, "an address" },
		{ "m\xc3\xbcnchen.example", NULL, "a U-label" },
		{ "a.example/b", NULL, "a path" },
		{ "a.example@b.example", NULL, "another host" },
		{ "../a.example", NULL, "another folder" },
		{ "a.example:8443", NULL, "a port" },
		{ "a.example\n", NULL, "a line end" },
		{ "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl.example", NULL, "64 octets in a label" },
	};
	char out[MAIL_DOMAIN_MAX + 1];
	struct error e;
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct bytes b = octets(t[i].text, strlen(t[i].text));
		bool good = mail_domain_read(b, out, &e);
		if (good != (t[i].name != NULL) || (good && strcmp(out, t[i].name) != 0))
			fail_msg("%s: %s", t[i].why, t[i].text);
		octets_free(b);
	}
}

/* A name of exactly n octets, of labels of 60. */
static void domain_of(char *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = i % 61 == 60 ? '.' : 'a';
	out[n] = 0;
}

static void long_domains(void **state)
{
	char name[MAIL_DOMAIN_MAX + 3], out[MAIL_DOMAIN_MAX + 1];
	struct error e;
	(void)state;
	domain_of(name, MAIL_DOMAIN_MAX - 1);
	assert_true(mail_domain_read(bytes_of(name), out, &e));
	domain_of(name, MAIL_DOMAIN_MAX + 1);
	assert_false(mail_domain_read(bytes_of(name), out, &e));
}

static void inside(void **state)
{
	static const struct {
		uint8_t n, octets[16];
		bool inside;
	} t[] = {
		{ 4, { 127, 0, 0, 1 }, true }, { 4, { 10, 1, 2, 3 }, true }, { 4, { 11, 1, 2, 3 }, false }, { 4, { 9, 255, 255, 255 }, false },
		{ 4, { 172, 15, 0, 1 }, false }, { 4, { 172, 16, 0, 1 }, true }, { 4, { 172, 31, 255, 1 }, true }, { 4, { 172, 32, 0, 1 }, false },
		{ 4, { 192, 168, 1, 1 }, true }, { 4, { 192, 169, 1, 1 }, false }, { 4, { 169, 254, 169, 254 }, true },
		{ 4, { 100, 63, 0, 1 }, false }, { 4, { 100, 64, 0, 1 }, true }, { 4, { 100, 127, 0, 1 }, true }, { 4, { 100, 128, 0, 1 }, false },
		{ 4, { 0, 0, 0, 0 }, true }, { 4, { 223, 0, 0, 1 }, false }, { 4, { 224, 0, 0, 1 }, true }, { 4, { 255, 255, 255, 255 }, true },
		{ 16, { 0 }, true }, { 16, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, true },
		{ 16, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1 }, true },
		{ 16, { 0xfd, 1 }, true }, { 16, { 0xfc, 1 }, true }, { 16, { 0xfb, 1 }, false }, { 16, { 0xfe, 0x80 }, true }, { 16, { 0xfe, 0xbf }, true },
		{ 16, { 0xfe, 0xc0 }, false }, { 16, { 0xff, 2 }, true }, { 16, { 0x20, 1, 0xd, 0xb8 }, false }, { 16, { 0x26, 0x20 }, false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct bytes b = octets(t[i].octets, t[i].n);
		if (lookup_inside(b) != t[i].inside)
			fail_msg("%u.%u.%u.%u", b.p[0], b.p[1], b.p[2], b.p[3]);
		octets_free(b);
	}
}

static struct sts_file kept(const char *id, enum stsmode mode, int64_t fetched, uint32_t age)
{
	struct sts_file f = { .held = { .domain = bytes_of("a.example"), .id = bytes_of(id), .fetched = fetched } };
	f.held.policy.mode = (uint8_t)mode;
	f.held.policy.max_age = age;
	return f;
}

static void due(void **state)
{
	static const struct {
		const char *id, *why;
		int64_t age;
		uint32_t max_age;
		bool due;
	} t[] = {
		{ "1", "the same id, fetched now", 0, 604800, false },
		{ "2", "another id", 0, 604800, true },
		{ "", "no record", 0, 604800, false },
		{ "1", "a quarter is left", 604800 * 3 / 4, 604800, false },
		{ "1", "less than a quarter is left", 604800 * 3 / 4 + 1, 604800, true },
		{ "", "less than a quarter is left, without a record", 604800 * 3 / 4 + 1, 604800, true },
		{ "1", "less than a day is left", 3601, 90000, true },
		{ "1", "a day is left", 3600, 90000, false },
		{ "1", "it has ended", 604800, 604800, true },
		{ "", "it has ended, and there is no record", 604800, 604800, false },
		{ "1", "fetched in the future", -1, 604800, true },
		{ "", "fetched in the future, no record", -1, 604800, false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct sts_file f = kept("1", stsmode_enforce, NOW - t[i].age * NS, t[i].max_age);
		if (sts_keep_due(&f, bytes_of(t[i].id), NOW) != t[i].due)
			fail_msg("%s", t[i].why);
	}
	assert_true(sts_keep_due(NULL, bytes_of("1"), NOW));
	assert_false(sts_keep_due(NULL, bytes_of(""), NOW));
}

static void replaced(void **state)
{
	static const struct {
		enum stsmode was, was_earlier, is, earlier;
		int64_t was_age, earlier_left, left;
		const char *why;
	} t[] = {
		{ stsmode_enforce, stsmode_none, stsmode_testing, stsmode_enforce, 1, 0, 9, "enforce, then testing" },
		{ stsmode_enforce, stsmode_none, stsmode_none, stsmode_enforce, 1, 0, 9, "enforce, then none" },
		{ stsmode_enforce, stsmode_none, stsmode_enforce, stsmode_none, 1, 0, 0, "as strict as before" },
		{ stsmode_testing, stsmode_none, stsmode_enforce, stsmode_none, 1, 0, 0, "stricter" },
		{ stsmode_enforce, stsmode_none, stsmode_none, stsmode_none, 10, 0, 0, "it had ended" },
		{ stsmode_testing, stsmode_enforce, stsmode_testing, stsmode_enforce, 1, 4, 4, "enforce, testing, testing" },
		{ stsmode_testing, stsmode_enforce, stsmode_none, stsmode_enforce, 1, 4, 4, "enforce, testing, none" },
		{ stsmode_testing, stsmode_enforce, stsmode_none, stsmode_testing, 1, 0, 9, "the first has ended, the second not" },
		{ stsmode_testing, stsmode_enforce, stsmode_enforce, stsmode_none, 1, 4, 0, "and back" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct sts_file out, old = kept("1", t[i].was, NOW - t[i].was_age * DAY, 10 * 86400);
		struct sts_policy p = { .mode = (uint8_t)t[i].is, .max_age = 86400 };
		old.held.earlier = (uint8_t)t[i].was_earlier;
		old.held.earlier_until = NOW + t[i].earlier_left * DAY;
		sts_keep_new(&old, "a.example", bytes_of("2"), &p, NOW, &out);
		if (out.held.earlier != t[i].earlier || (t[i].left && out.held.earlier_until != NOW + t[i].left * DAY))
			fail_msg("%s", t[i].why);
		assert_true(out.held.fetched == NOW && out.refetch == REFETCH_OK && bytes_eq(out.held.id, bytes_of("2")));
		assert_true(out.held.mode_since == (t[i].was == t[i].is ? old.held.fetched : NOW));
		old.held.mode_since = 7 * NS;
		sts_keep_new(&old, "a.example", bytes_of(""), &p, NOW, &out);
		assert_true(bytes_eq(out.held.id, bytes_of("1")));
		assert_true(out.held.mode_since == (t[i].was == t[i].is ? 7 * NS : NOW));
	}
}

/* What is written is what sts_file_read reads, and again the same. */
static void written(void **state)
{
	static const char policy[] = "version: STSv1\nmode: testing\nmx: *.a.example\nmax_age: 86400\n";
	struct sts_file f = kept("20261125", stsmode_testing, NOW, 86400), failed, back;
	char room[STS_CACHE_FILE];
	struct text out = { .p = room, .cap = sizeof(room) };
	const char *why;
	(void)state;
	f.held.earlier = stsmode_enforce;
	f.held.earlier_until = NOW + DAY;
	f.held.mode_since = NOW - DAY;
	sts_keep_failed(&f, REFETCH_WEBPKI, NOW + 5 * NS, &failed);
	sts_keep_write(&failed, bytes_of(policy), &out);
	struct bytes text = octets(out.p, out.n);
	assert_true(sts_file_read("a.example.sts", text, &back, &why));
	assert_true(bytes_eq(back.held.domain, f.held.domain) && bytes_eq(back.held.id, f.held.id) && back.held.fetched == NOW);
	assert_true(back.refetch == REFETCH_WEBPKI && back.refetched == NOW + 5 * NS);
	assert_true(back.held.earlier == stsmode_enforce && back.held.earlier_until == NOW + DAY);
	assert_int_equal(back.held.policy.mode, stsmode_testing);
	assert_true(back.held.mode_since == NOW - DAY);
	assert_true(bytes_eq(sts_keep_policy(text), bytes_of(policy)));
	octets_free(text);
}

static void media(void **state)
{
	static const struct {
		const char *media;
		bool text;
	} t[] = {
		{ "text/plain", true }, { "Text/PLAIN", true }, { "text/plain; charset=utf-8", true }, { "text/plain;charset=us-ascii", true },
		{ "text/plain ;x=y", true }, { "", false }, { "text", false }, { "text/html", false }, { "text/plainer", false }, { " text/plain", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (sts_keep_text(t[i].media) != t[i].text)
			fail_msg("%s", t[i].media);
}

static void lines(void **state)
{
	struct visit v = { .domain = "a.example", .why = "\x1b[31m\"", .result = VISIT_FAILED, .refetch = REFETCH_INVALID, .mode = stsmode_enforce,
			   .max_age = 9, .until = NOW, .id = "1" };
	char room[STS_LINE];
	struct text out = { .p = room, .cap = sizeof(room) };
	(void)state;
	sts_line(&v, true, &out);
	static const char json[] = "{\"domain\":\"a.example\",\"result\":\"failed\",\"status\":\"sts-policy-invalid\",\"mode\":\"enforce\",\"id\":\"1\","
				   "\"max_age\":9,\"until\":\"2026-11-25T08:00:00Z\",\"reason\":\"\\u001b[31m\\\"\"}\n";
	room[out.n] = 0;
	assert_string_equal(room, json);
	out.n = 0;
	sts_line(&v, false, &out);
	room[out.n] = 0;
	assert_string_equal(room, "a.example: failed sts-policy-invalid, still enforce until 2026-11-25T08:00:00Z (\\x1b[31m\")\n");
	memset(v.why, '\x01', sizeof(v.why) - 1);
	out.n = 0;
	sts_line(&v, true, &out);
	assert_false(out.full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains), cmocka_unit_test(long_domains), cmocka_unit_test(inside), cmocka_unit_test(due),
		cmocka_unit_test(replaced), cmocka_unit_test(written), cmocka_unit_test(media), cmocka_unit_test(lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
