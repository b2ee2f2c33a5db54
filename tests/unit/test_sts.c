/* sts: policies, TXT records and patterns against RFC 8461; what they make of a session. sts_cache: its files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "sts_cache.h"

#define NS INT64_C(1000000000)
#define S(text) text, sizeof(text) - 1
#define GOOD "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 86400\n"

/* A block of exactly the text's size. */
static struct bytes block(const char *p, size_t n)
{
	uint8_t *b = malloc(n ? n : 1);
	assert_non_null(b);
	if (n)
		memcpy(b, p, n);
	return (struct bytes){ b, n };
}

static void drop(struct bytes b)
{
	free((void *)(uintptr_t)b.p);
}

static const struct policy_case {
	const char *in;
	size_t n;
	enum sts_fault fault;
	unsigned mode, mxs;
	uint32_t age;
	const char *why;
} policies[] = {
	{ S(GOOD), STS_OK, stsmode_enforce, 1, 86400, "as in RFC 8461 3.2" },
	{ S("version: STSv1\r\nmode: testing\r\nmx: a.example\r\nmx: *.b.example\r\nmax_age: 1\r\n"), STS_OK, stsmode_testing, 2, 1, "CRLF" },
	{ S("max_age:1\nmx:a.example\nmode:enforce\nversion:STSv1"), STS_OK, stsmode_enforce, 1, 1, "any order, no blanks, no last line end" },
	{ S("version:  \tSTSv1 \t\nmode: none\nmax_age: 0 "), STS_OK, stsmode_none, 0, 0, "blanks behind colon and value; none needs no mx" },
	{ S(GOOD "\n\n"), STS_OK, stsmode_enforce, 1, 86400, "empty lines" },
	{ S(GOOD "x-new.field_1: \xc3\xa9 a: b\n"), STS_OK, stsmode_enforce, 1, 86400, "unknown fields are passed over" },
	{ S(GOOD "mode: none\nversion: 2\nmax_age: x\n"), STS_OK, stsmode_enforce, 1, 86400, "the first of repeated fields counts" },
	{ S("mode: what\nmode: enforce\nversion: STSv1\nmx: a.b\nmax_age: 1"), STS_MODE, 0, 0, 0, "also when it is a bad one" },
	{ S("version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 31557601"), STS_OK, stsmode_enforce, 1, STS_AGE_MAX, "a year and no more" },
	{ S("version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 9999999999"), STS_OK, stsmode_enforce, 1, STS_AGE_MAX, "ten digits" },
	{ S("version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 99999999999"), STS_AGE, 0, 0, 0, "eleven" },
	{ S("version: STSv1\nmode: enforce\nmx: a.b\nmax_age: -1"), STS_AGE, 0, 0, 0, "no number" },
	{ S("version: STSv1\nmode: enforce\nmx: a.b\n"), STS_AGE, 0, 0, 0, "no max_age" },
	{ S("version: STSv2\nmode: enforce\nmx: a.b\nmax_age: 1"), STS_VERSION, 0, 0, 0, "another version" },
	{ S("version: stsv1\nmode: enforce\nmx: a.b\nmax_age: 1"), STS_VERSION, 0, 0, 0, "case matters" },
	{ S("mode: enforce\nmx: a.b\nmax_age: 1"), STS_VERSION, 0, 0, 0, "no version" },
	{ S("version: STSv1\nmode: Enforce\nmx: a.b\nmax_age: 1"), STS_MODE, 0, 0, 0, "case matters" },
	{ S("version: STSv1\nmode: enforce\nmax_age: 1"), STS_NO_MX, 0, 0, 0, "enforce without mx" },
	{ S("version: STSv1\nmode: enforce\nmx: *\nmax_age: 1"), STS_SYNTAX, 0, 0, 0, "a star alone" },
	{ S("version: STSv1\nmode: enforce\nmx: a*.b\nmax_age: 1"), STS_SYNTAX, 0, 0, 0, "a star inside a label" },
	{ S("version: STSv1\nmode: enforce\nmx: *.*.b\nmax_age: 1"), STS_SYNTAX, 0, 0, 0, "two stars" },
	{ S("version: STSv1\nmode: enforce\nmx: .b\nmax_age: 1"), STS_SYNTAX, 0, 0, 0, "an empty label" },
	{ S("version: STSv1\nmode: enforce\nmx: a.b.\nmax_age: 1"), STS_SYNTAX, 0, 0, 0, "a trailing dot is no Domain" },
	{ S("version: STSv1\nmode: enforce\nmx: a b\nmax_age: 1"), STS_SYNTAX, 0, 0, 0, "a blank in a name" },
	{ S("version : STSv1\n"), STS_SYNTAX, 0, 0, 0, "a blank before the colon" },
	{ S(" version: STSv1\n"), STS_SYNTAX, 0, 0, 0, "a blank in front" },
	{ S("<html>\n"), STS_SYNTAX, 0, 0, 0, "a web page" },
	{ S(GOOD "x: \n"), STS_SYNTAX, 0, 0, 0, "an empty value" },
	{ S(GOOD "x: \x01\n"), STS_SYNTAX, 0, 0, 0, "a control character" },
	{ S(GOOD "x: \xc0\x80\n"), STS_SYNTAX, 0, 0, 0, "overlong UTF-8" },
	{ S(GOOD "x: \xed\xa0\x80\n"), STS_SYNTAX, 0, 0, 0, "a surrogate" },
	{ S(GOOD "x: \xe2\x82"), STS_SYNTAX, 0, 0, 0, "half a character at the end" },
	{ S("version: STSv1\0\n"), STS_SYNTAX, 0, 0, 0, "NUL" },
	{ S(""), STS_VERSION, 0, 0, 0, "nothing" },
};

static void test_policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		const struct policy_case *c = &policies[i];
		struct bytes in = block(c->in, c->n);
		struct sts_policy p;
		enum sts_fault fault = sts_policy_read(in, &p);
		if (fault != c->fault || (!fault && (p.mode != c->mode || p.mxs != c->mxs || p.max_age != c->age)))
			fail_msg("%s: fault %d", c->why, (int)fault);
		drop(in);
	}
}

static void test_bounds(void **state)
{
	(void)state;
	static char text[STS_OCTETS + 2];
	struct sts_policy p;
	size_t n = (size_t)snprintf(text, sizeof(text), "%s", GOOD);
	memset(text + n, '\n', sizeof(text) - n);
	assert_int_equal(sts_policy_read((struct bytes){ (uint8_t *)text, STS_OCTETS }, &p), STS_OK);
	assert_int_equal(sts_policy_read((struct bytes){ (uint8_t *)text, STS_OCTETS + 1 }, &p), STS_LONG);
	for (int i = 1; i < STS_MX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "mx: m%d.example\n", i);
	assert_int_equal(sts_policy_read((struct bytes){ (uint8_t *)text, n }, &p), STS_OK);
	assert_int_equal(p.mxs, STS_MX);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "mx: one.more\n");
	assert_int_equal(sts_policy_read((struct bytes){ (uint8_t *)text, n }, &p), STS_LONG);
}

static const struct txt_case {
	const char *in[2];
	enum sts_fault fault;
	const char *id, *why;
} txts[] = {
	{ { "v=STSv1; id=20160831085700Z;" }, STS_OK, "20160831085700Z", "RFC 8461 3.1" },
	{ { "v=STSv1;id=1" }, STS_OK, "1", "no blanks, no last semicolon" },
	{ { "v=STSv1 ; x-a.b=c:d ; id=a ; " }, STS_OK, "a", "blanks around semicolons, another field" },
	{ { "v=STSv1; id=a; id=b-" }, STS_OK, "a", "the first id counts" },
	{ { "v=STSv1; id=12345678901234567890123456789012" }, STS_OK, "12345678901234567890123456789012", "32" },
	{ { "v=STSv1; id=123456789012345678901234567890123" }, STS_NO_ID, "", "33" },
	{ { "v=STSv1; id=a-b" }, STS_NO_ID, "", "a hyphen in an id" },
	{ { "v=STSv1; id=" }, STS_SYNTAX, "", "an empty id" },
	{ { "v=STSv1;" }, STS_NO_ID, "", "no id" },
	{ { "v=STSv1" }, STS_NOT_ONE, "", "no semicolon" },
	{ { "v=STSv1; ; id=a" }, STS_SYNTAX, "", "an empty field" },
	{ { "v=STSv1; id=a; junk" }, STS_SYNTAX, "", "no equals sign" },
	{ { "v=STSv1; id=a b" }, STS_SYNTAX, "", "a blank in a value" },
	{ { "V=STSv1; id=a" }, STS_NOT_ONE, "", "case matters" },
	{ { " v=STSv1; id=a" }, STS_NOT_ONE, "", "a blank in front" },
	{ { "v=STSv12; id=a" }, STS_NOT_ONE, "", "another version" },
	{ { "v=spf1 -all", "v=STSv1; id=a" }, STS_OK, "a", "others are passed over" },
	{ { "v=STSv1; id=a", "v=STSv1; id=a" }, STS_NOT_ONE, "", "two" },
	{ { "" }, STS_NOT_ONE, "", "an empty one" },
};

static void test_txt(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(txts) / sizeof(txts[0]); i++) {
		const struct txt_case *c = &txts[i];
		size_t n = c->in[1] ? 2 : 1;
		struct bytes rr[2], id = { 0 };
		for (size_t k = 0; k < n; k++)
			rr[k] = block(c->in[k], strlen(c->in[k]));
		enum sts_fault fault = sts_txt_read(rr, n, &id);
		if (fault != c->fault || (!fault && !bytes_eq(id, bytes_of(c->id))))
			fail_msg("%s: fault %d", c->why, (int)fault);
		for (size_t k = 0; k < n; k++)
			drop(rr[k]);
	}
}

static const struct cover_case {
	const char *pattern, *host;
	bool covers;
	const char *why;
} covers[] = {
	{ "mx.example.org", "mx.example.org", true, "itself" },
	{ "MX.Example.org", "mx.example.ORG.", true, "case, trailing dot" },
	{ "mx.example.org", "mx2.example.org", false, "another" },
	{ "mx.example.org", "a.mx.example.org", false, "below" },
	{ "*.example.org", "mx.example.org", true, "one label" },
	{ "*.example.org", "example.org", false, "no label" },
	{ "*.example.org", "a.mx.example.org", false, "two labels" },
	{ "*.mx.microsoft", "contoso-com.o-v1.mx.microsoft", false, "two labels, detections.md row 50" },
	{ "*.org", "example.org", true, "the pattern is the domain's own business" },
	{ "*.example.org", "mx.notexample.org", false, "label borders" },
	{ "*.example.org", "*.example.org", false, "no host" },
	{ "*.example.org", ".example.org", false, "an empty label" },
	{ "m*.example.org", "mx.example.org", false, "a star inside a label stands for itself" },
	{ "*", "org", false, "a star alone" },
	{ "*.", "org", false, "a star and a dot" },
	{ "", "", false, "nothing" },
};

static void test_covers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(covers) / sizeof(covers[0]); i++) {
		struct bytes p = block(covers[i].pattern, strlen(covers[i].pattern));
		struct bytes h = block(covers[i].host, strlen(covers[i].host));
		if (sts_name_covers(p, h) != covers[i].covers)
			fail_msg("%s: %s %s", covers[i].pattern, covers[i].host, covers[i].why);
		drop(p);
		drop(h);
	}
}

enum { FETCHED = 1000, AGE = 100 };

static const struct judge_case {
	const char *domain, *host;  /* of the session */
	int64_t at;                 /* s */
	unsigned mode, earlier;     /* of the policy of example.org, mx *.example.org */
	int64_t earlier_until;
	unsigned base;              /* what was promised before */
	bool judged;
	enum tri match;
	unsigned strongest;
	bool withdrawn;
	const char *why;
} judged[] = {
	{ "example.org", "mx.example.org", 1050, stsmode_enforce, 0, 0, expect_none, true, TRI_YES, expect_sts_enforce, false, "enforce" },
	{ "EXAMPLE.org", "a.b.example.org", 1050, stsmode_enforce, 0, 0, expect_none, true, TRI_NO, expect_sts_enforce, false, "no pattern covers it" },
	{ "example.org", "", 1050, stsmode_enforce, 0, 0, expect_none, true, TRI_UNSEEN, expect_sts_enforce, false, "host not known" },
	{ "example.org", "mx.example.org", 1050, stsmode_testing, 0, 0, expect_none, true, TRI_YES, expect_sts_testing, false, "testing" },
	{ "example.org", "mx.example.org", 1050, stsmode_none, 0, 0, expect_none, true, TRI_UNSEEN, expect_none, false, "none" },
	{ "example.org", "mx.example.org", 1000, stsmode_enforce, 0, 0, expect_dane, true, TRI_YES, expect_dane, false, "DANE is stronger" },
	{ "example.org", "mx.example.org", 999, stsmode_enforce, 0, 0, expect_none, false, TRI_UNSEEN, expect_none, false, "fetched later" },
	{ "example.org", "mx.example.org", 1099, stsmode_enforce, 0, 0, expect_none, true, TRI_YES, expect_sts_enforce, false, "its last second" },
	{ "example.org", "mx.example.org", 1100, stsmode_enforce, 0, 0, expect_none, false, TRI_UNSEEN, expect_none, false, "expired" },
	{ "sub.example.org", "mx.example.org", 1050, stsmode_enforce, 0, 0, expect_none, false, TRI_UNSEEN, expect_none, false, "a subdomain does not inherit" },
	{ "example.org", "mx.example.org", 1050, stsmode_testing, stsmode_enforce, 1051, expect_none, true, TRI_YES, expect_sts_testing, true, "withdrawn" },
	{ "example.org", "mx.example.org", 1050, stsmode_none, stsmode_enforce, 1050, expect_none, true, TRI_UNSEEN, expect_none, false, "the earlier one has ended" },
	{ "example.org", "mx.example.org", 1050, stsmode_enforce, stsmode_testing, 1090, expect_none, true, TRI_YES, expect_sts_enforce, false, "stricter than before" },
};

static void test_judge(void **state)
{
	(void)state;
	static struct record s;
	for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		const struct judge_case *c = &judged[i];
		struct sts_held h = { .domain = bytes_of("example.org"), .id = bytes_of("7"), .fetched = FETCHED * NS,
			.policy = { .mode = (uint8_t)c->mode, .max_age = AGE, .mxs = 1, .mx = { bytes_of("*.example.org") } },
			.earlier = (uint8_t)c->earlier, .earlier_until = c->earlier_until * NS };
		const struct sts_held *held[] = { NULL, &h };
		record_init(&s);
		record_num(&s, F_service, service_mx);
		record_num(&s, F_event_start, c->at * NS);
		record_add_cstr(&s, F_id_domains, "example.com");
		record_add_cstr(&s, F_id_domains, c->domain);
		if (c->host[0])
			record_cstr(&s, F_id_host, c->host);
		record_add_num(&s, F_expect_all, c->base);
		record_num(&s, F_expect, c->base);
		sts_judge(held, NULL, 2, &s);
		if (record_has(&s, F_sts_mode) != c->judged || record_get_tri(&s, F_sts_mx) != c->match ||
		    record_get_num(&s, F_expect, -1) != c->strongest || record_has(&s, F_sts_earlier) != c->withdrawn)
			fail_msg("%s", c->why);
	}
	record_num(&s, F_service, service_submission);
	assert_int_equal(sts_judge(NULL, NULL, 0, &s), -1);
	assert_false(record_has(&s, F_sts_mode));
}

/* A session for example.org at 1050 s, judged by one policy. */
static int judge_one(struct record *s, const struct sts_held *h, const struct sts_hint *hint, int64_t at)
{
	record_init(s);
	record_num(s, F_service, service_mx);
	record_num(s, F_event_start, at * NS);
	record_add_cstr(s, F_id_domains, "example.org");
	record_cstr(s, F_id_host, "mx.example.org");
	record_add_num(s, F_expect_all, expect_none);
	return sts_judge(&h, hint, 1, s);
}

static void test_told(void **state)
{
	(void)state;
	static struct record s;
	struct sts_held h = { .domain = bytes_of("example.org"), .id = bytes_of("7"), .fetched = FETCHED * NS, .mode_since = 86400 * NS,
		.policy = { .mode = stsmode_enforce, .max_age = 86400 * 200, .mxs = 1, .mx = { bytes_of("*.example.org") } } };
	struct sts_hint hint = { .txt = ststxt_other, .link = ststxt_nxdomain, .id_n = 2, .id = { '1', '2' },
		.refetch = stsfetch_webpki, .refetched = 1040 * NS };
	assert_int_equal(judge_one(&s, &h, &hint, 86400 * 92 - 1), 0);
	assert_int_equal(record_get_num(&s, F_sts_days, -1), 90);       /* whole days */
	assert_int_equal(record_get_num(&s, F_sts_refetch, -1), stsfetch_webpki);
	assert_int_equal(record_get_num(&s, F_sts_txt, -1), ststxt_other);
	assert_int_equal(record_get_num(&s, F_sts_txt_link, -1), ststxt_nxdomain);
	assert_true(bytes_eq(record_get_str(&s, F_sts_txt_id), bytes_of("12")));
	assert_true(bytes_eq(record_get_str(&s, F_sts_domain), bytes_of("example.org")));
	assert_int_equal(record_get_num(&s, F_expect, -1), expect_sts_enforce);    /* a newer id acquits of nothing */
	assert_int_equal(judge_one(&s, &h, &hint, 1030), 0);
	assert_false(record_has(&s, F_sts_refetch));    /* what was tried later */
	assert_false(record_has(&s, F_sts_days));
	assert_int_equal(judge_one(&s, &h, NULL, 1050), 0);
	assert_false(record_has(&s, F_sts_txt));
	assert_false(record_has(&s, F_sts_refetch));
	h.policy.max_age = 10;
	assert_int_equal(judge_one(&s, &h, &hint, 1050), 0);
	assert_int_equal(record_get_tri(&s, F_sts_expired), TRI_YES);
	assert_int_equal(record_get_num(&s, F_sts_refetch, -1), stsfetch_webpki);     /* why it ended, perhaps */
	assert_false(record_has(&s, F_sts_mode));
	assert_false(record_has(&s, F_sts_txt));
	assert_false(record_has(&s, F_expect));
	h.policy.mode = stsmode_none;
	assert_int_equal(judge_one(&s, &h, &hint, 1050), -1);   /* none that ended is no news */
	assert_false(record_has(&s, F_sts_expired));
}

#define HEAD "mxwitness-sts: 1\ndomain: example.org\nfetched: 1000\n"

static const struct file_case {
	const char *name, *text, *why; /* why "": it is good */
} files[] = {
	{ "example.org.sts", HEAD "\n" GOOD, "" },
	{ "example.org.sts", HEAD "id: a1\nrefetch: sts-webpki-invalid\nrefetched: 2000\nearlier-mode: enforce\nearlier-until: 9\n\n" GOOD, "" },
	{ "example.com.sts", HEAD "\n" GOOD, "its domain is not that of its name" },
	{ "Example.org.sts", HEAD "\n" GOOD, "its domain is not that of its name" },
	{ "example.org.sts", GOOD, "it does not begin with mxwitness-sts: 1" },
	{ "example.org.sts", "", "it does not begin with mxwitness-sts: 1" },
	{ "example.org.sts", HEAD, "no empty line ends its header" },
	{ "example.org.sts", HEAD "fetched: 1\n\n" GOOD, "a line of its header is none" },
	{ "example.org.sts", HEAD "new: 1\n\n" GOOD, "a line of its header is none" },
	{ "example.org.sts", HEAD "id:\n\n" GOOD, "a line of its header is none" },
	{ "example.org.sts", HEAD "id: \n\n" GOOD, "a line of its header is none" },
	{ "example.org.sts", HEAD "id: a-\n\n" GOOD, "its id is none" },
	{ "example.org.sts", HEAD "refetch: maybe\n\n" GOOD, "its refetch is none" },
	{ "example.org.sts", HEAD "refetch: none\n\n" GOOD, "its refetch is none" },
	{ "example.org.sts", HEAD "mode-since: 99\n\n" GOOD, "" },
	{ "example.org.sts", HEAD "mode-since: today\n\n" GOOD, "its mode-since is none" },
	{ "example.org.sts", HEAD "earlier-mode: enforce\n\n" GOOD, "its earlier policy is none" },
	{ "example.org.sts", "mxwitness-sts: 1\ndomain: example.org\n\n" GOOD, "it does not say when it was fetched" },
	{ "example.org.sts", "mxwitness-sts: 1\ndomain: example.org\nfetched: 9999999999\n\n" GOOD, "it does not say when it was fetched" },
	{ "example.org.sts", HEAD "\nversion: STSv1\nmode: enforce\nmax_age: 1\n", "the policy has no mx" },
};

static void test_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct bytes in = block(files[i].text, strlen(files[i].text));
		struct sts_file f;
		const char *why = "";
		if (sts_file_read(files[i].name, in, &f, &why))
			why = "";
		assert_string_equal(why, files[i].why);
		drop(in);
	}
}

static void put_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_cache(void **state)
{
	(void)state;
	char dir[] = "/tmp/test_sts.XXXXXX", path[256];
	const char *name, *why;
	struct error e;
	assert_non_null(mkdtemp(dir));
	put_file(dir, "example.org.sts", HEAD "\n" GOOD);
	put_file(dir, "b.example.sts", "mxwitness-sts: 1\ndomain: b.example\nfetched: 5\n\n" GOOD);
	put_file(dir, "c.example.sts", "<html>");
	put_file(dir, "example.org.tmp", "half a fi");
	put_file(dir, ".d.sts", "hidden");
	snprintf(path, sizeof(path), "%s/link.example.sts", dir);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	struct sts_cache *c = sts_cache_load(dir, &e);
	assert_non_null(c);
	assert_int_equal(sts_cache_count(c), 2);
	assert_int_equal(sts_cache_bad(c, &name, &why), 2);
	assert_true(why[0]);
	assert_true(sts_cache_find(c, bytes_of("EXAMPLE.org."))->held.fetched == 1000 * NS);
	struct sts_cache *one = sts_cache_one(sts_cache_find(c, bytes_of("example.org"))->text);
	assert_non_null(one);
	assert_true(sts_cache_find(one, bytes_of("example.org"))->held.fetched == 1000 * NS);
	sts_cache_free(one);
	assert_null(sts_cache_one(bytes_of("<html>")));
	assert_null(sts_cache_one(bytes_of("domain: example.org\n\n")));
	assert_null(sts_cache_one((struct bytes){ 0 }));
	uint64_t stamp, later;
	assert_true(sts_cache_stamp(dir, &stamp) && sts_cache_stamp(dir, &later) && stamp == later);
	put_file(dir, "example.org.tmp", "another half");
	assert_true(sts_cache_stamp(dir, &later) && stamp == later);
	put_file(dir, "example.org.tmp", HEAD "id: a2\n\n" GOOD);
	char from[256];
	snprintf(from, sizeof(from), "%s/example.org.tmp", dir);
	snprintf(path, sizeof(path), "%s/example.org.sts", dir);
	assert_int_equal(rename(from, path), 0);
	assert_true(sts_cache_stamp(dir, &later) && stamp != later);
	assert_true(sts_cache_find(c, bytes_of("b.example"))->held.policy.mxs == 1);
	assert_null(sts_cache_find(c, bytes_of("a.example.org")));
	assert_null(sts_cache_find(c, bytes_of("org")));
	assert_null(sts_cache_find(c, bytes_of("")));
	sts_cache_free(c);
	static const char *const made[] = { "example.org.sts", "b.example.sts", "c.example.sts", "example.org.tmp", ".d.sts", "link.example.sts" };
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, made[i]);
		unlink(path);
	}
	rmdir(dir);
	assert_false(sts_cache_stamp(dir, &stamp));
	assert_null(sts_cache_load(dir, &e));
	assert_non_null(strstr(e.text, dir));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy), cmocka_unit_test(test_bounds), cmocka_unit_test(test_txt),
		cmocka_unit_test(test_covers), cmocka_unit_test(test_judge), cmocka_unit_test(test_told), cmocka_unit_test(test_file),
		cmocka_unit_test(test_cache),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
