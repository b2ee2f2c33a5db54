/* The TXT record of _mta-sts held against a cached policy: what each answer comes to, and that none of them ends a promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "judge/freshness.h"

#define NS INT64_C(1000000000)
enum { START = 5000, FETCHED = 4000 };

static void add(struct answer *a, const char *text)
{
	/* in strings of at most 20 octets, to be joined */
	size_t n = strlen(text);
	a->rr[a->rrs].off = a->used;
	for (size_t at = 0; at < n; at += 20) {
		size_t part = n - at < 20 ? n - at : 20;
		a->data[a->used++] = (uint8_t)part;
		memcpy(a->data + a->used, text + at, part);
		a->used += (uint32_t)part;
	}
	a->rr[a->rrs].n = a->used - a->rr[a->rrs].off;
	a->rrs++;
}

static struct answer *answer_to(const struct question *q)
{
	struct answer *a = calloc(1, sizeof(*a));
	assert_non_null(a);
	a->id = q->id;
	a->type = q->type;
	memcpy(a->name, q->name, sizeof(a->name));
	a->status = dnsstatus_insecure;
	return a;
}

static const struct answer_case {
	const char *id;             /* of the policy */
	unsigned status;
	bool nxdomain, later;
	const char *record[3];
	unsigned conflict, how;
	int64_t conflict_at;        /* s */
	unsigned txt, link;
	const char *seen;           /* id, "" none */
	const char *why;
} cases[] = {
	{ "a1", dnsstatus_insecure, false, false, { "v=STSv1; id=a1;" }, 0, 0, 0, ststxt_same, 0, "a1", "the same" },
	{ "a1", dnsstatus_secure, false, false, { "v=STSv1; id=a1;" }, 0, 0, 0, ststxt_same, 0, "a1", "the same, signed" },
	{ "a1", dnsstatus_insecure, false, false, { "v=STSv1; id=a2;" }, 0, 0, 0, ststxt_other, 0, "a2", "another" },
	{ "a1", dnsstatus_insecure, false, true, { "v=STSv1; id=a2;" }, 0, 0, 0, ststxt_unknown, 0, "", "another, later" },
	{ "a1", dnsstatus_insecure, false, true, { "v=STSv1; id=a1;" }, 0, 0, 0, ststxt_same, 0, "a1", "the same, later too" },
	{ "a1", dnsstatus_insecure, false, false, { "v=STSv1; id=A1;" }, 0, 0, 0, ststxt_other, 0, "A1", "ids are compared octet by octet" },
	{ "", dnsstatus_insecure, false, false, { "v=STSv1; id=a2;" }, 0, 0, 0, ststxt_unknown, 0, "a2", "the policy's is not known" },
	{ "a1", dnsstatus_insecure, false, false, { "v=spf1 -all", "v=STSv1; id=a1; longer=than-one-string" }, 0, 0, 0, ststxt_same, 0, "a1", "among others" },
	{ "a1", dnsstatus_insecure, false, false, { "v=spf1 -all" }, 0, 0, 0, ststxt_absent, 0, "", "others alone" },
	{ "a1", dnsstatus_insecure, false, false, { "v=STSv1; id=a1;", "v=STSv1; id=a1;" }, 0, 0, 0, ststxt_invalid, 0, "", "two: none counts (3.1)" },
	{ "a1", dnsstatus_insecure, false, false, { "v=STSv1; id=a 1;" }, 0, 0, 0, ststxt_invalid, 0, "", "no id" },
	{ "a1", dnsstatus_insecure, false, false, { NULL }, 0, 0, 0, ststxt_absent, 0, "", "NODATA" },
	{ "a1", dnsstatus_insecure, true, false, { NULL }, 0, 0, 0, ststxt_nxdomain, 0, "", "NXDOMAIN, not signed" },
	{ "a1", dnsstatus_absent, true, false, { NULL }, 0, 0, 0, ststxt_nxdomain, 0, "", "NXDOMAIN, proved" },
	{ "a1", dnsstatus_absent, true, true, { NULL }, 0, 0, 0, ststxt_unknown, 0, "", "NXDOMAIN, later" },
	{ "a1", dnsstatus_incomplete, false, false, { NULL }, 0, 0, 0, ststxt_unknown, 0, "", "not in the capture" },
	{ "a1", dnsstatus_incomplete, true, false, { NULL }, 0, 0, 0, ststxt_nxdomain, 0, "", "the link said so, without a proof" },
	{ "a1", dnsstatus_incomplete, false, false, { "v=STSv1; id=a2;" }, 0, 0, 0, ststxt_other, 0, "a2", "so too" },
	{ "a1", dnsstatus_bogus, true, false, { NULL }, 0, 0, 0, ststxt_unknown, 0, "", "forged" },
	{ "a1", dnsstatus_failed, false, false, { NULL }, 0, 0, 0, ststxt_unknown, 0, "", "no answer" },
	{ "a1", dnsstatus_insecure, false, false, { "v=STSv1; id=a1;" }, dnsconflict_contradiction, dnshow_nxdomain, 4500, ststxt_same, ststxt_nxdomain, "a1", "denied on the link" },
	{ "a1", dnsstatus_insecure, false, false, { "v=STSv1; id=a1;" }, dnsconflict_contradiction, dnshow_nodata, 4500, ststxt_same, ststxt_absent, "a1", "denied otherwise" },
	{ "a1", dnsstatus_insecure, false, false, { "v=STSv1; id=a1;" }, dnsconflict_contradiction, dnshow_nxdomain, 3999, ststxt_same, 0, "a1", "denied before the policy was fetched" },
	{ "a1", dnsstatus_insecure, false, false, { "v=STSv1; id=a1;" }, dnsconflict_race, dnshow_data, 4500, ststxt_same, 0, "a1", "two answers, none a denial" },
};

static void session_of(struct record *s)
{
	record_init(s);
	record_num(s, F_service, service_mx);
	record_num(s, F_event_start, START * NS);
	record_add_cstr(s, F_id_domains, "Example.org");
}

static struct sts_held policy(const char *domain, const char *id, uint32_t age)
{
	return (struct sts_held){ .domain = bytes_of(domain), .id = bytes_of(id), .fetched = FETCHED * NS,
				  .policy = { .mode = stsmode_enforce, .max_age = age } };
}

static void test_answers(void **state)
{
	(void)state;
	static struct record s;
	session_of(&s);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct answer_case *c = &cases[i];
		struct freshness f;
		struct question q;
		struct sts_held h = policy("example.org", c->id, 86400);
		const struct sts_held *held[] = { NULL, &h };
		freshness_start(&f, &s, held, 2);
		assert_true(freshness_next(&f, &q));
		assert_string_equal(q.name, "_mta-sts.example.org");
		assert_true(q.type == DNS_TXT && q.as_of == START * NS && question_check(&q, sizeof(q)));
		struct answer *a = answer_to(&q);
		a->status = (uint8_t)c->status;
		a->nxdomain = c->nxdomain;
		a->seen_later = c->later;
		a->conflict = (uint8_t)c->conflict;
		a->conflict_how = (uint8_t)c->how;
		a->conflict_at = c->conflict_at * NS;
		for (size_t k = 0; k < 3 && c->record[k]; k++)
			add(a, c->record[k]);
		freshness_answer(&f, a);
		assert_false(freshness_next(&f, &q));
		struct sts_hint hint = freshness_hint(&f, bytes_of("EXAMPLE.org."));
		if (hint.txt != c->txt || hint.link != c->link || hint.id_n != strlen(c->seen) || memcmp(hint.id, c->seen, hint.id_n) != 0)
			fail_msg("%s: txt %u, link %u, %u octets of an id", c->why, hint.txt, hint.link, hint.id_n);
		free(a);
	}
}

/* Strings whose lengths lie, each in a block of its own size. */
static void test_hostile(void **state)
{
	(void)state;
	static const char *const rdata[] = { "", "\005v=ST", "\xff", "\x00\x00\x00", "\x08v=STSv1;\x09", "\x01" };
	static const size_t length[] = { 0, 5, 1, 3, 10, 1 };
	static struct record s;
	session_of(&s);
	for (size_t i = 0; i < sizeof(rdata) / sizeof(rdata[0]); i++) {
		struct freshness f;
		struct question q;
		struct sts_held h = policy("example.org", "a1", 86400);
		const struct sts_held *held[] = { &h };
		freshness_start(&f, &s, held, 1);
		assert_true(freshness_next(&f, &q));
		struct answer *a = answer_to(&q), *tight;
		if (length[i])
			memcpy(a->data, rdata[i], length[i]);
		a->used = (uint32_t)length[i];
		a->rr[0].n = a->used;
		a->rrs = 1;
		tight = malloc(answer_size(a));
		assert_non_null(tight);
		memcpy(tight, a, answer_size(a));
		freshness_answer(&f, tight);
		assert_int_equal(freshness_hint(&f, bytes_of("example.org")).txt, ststxt_absent);
		free(a);
		free(tight);
	}
}

static void test_who_is_asked(void **state)
{
	(void)state;
	static struct record s;
	static char longest[254];
	struct freshness f;
	struct question q;
	memset(longest, 'a', sizeof(longest) - 1);
	for (size_t i = 60; i < sizeof(longest) - 1; i += 60)
		longest[i] = '.';
	session_of(&s);
	struct sts_held good = policy("example.org", "a1", 86400), ended = policy("example.org", "a1", 1000), other = policy("example.com", "a1", 86400),
			later = policy("example.org", "a1", 86400), most = policy(longest, "a1", 86400);
	later.fetched = (START + 1) * NS;
	const struct sts_held *none[] = { NULL, &ended, &other, &later, &most }, *many[20];
	freshness_start(&f, &s, none, 5);
	assert_false(freshness_next(&f, &q));
	record_add_cstr(&s, F_id_domains, longest);
	freshness_start(&f, &s, none, 5);
	assert_false(freshness_next(&f, &q));
	for (size_t i = 0; i < 20; i++)
		many[i] = &good;
	freshness_start(&f, &s, many, 20);
	assert_int_equal(f.n, FRESHNESS_QUESTIONS);
	assert_true(freshness_next(&f, &q));
	struct answer *a = answer_to(&q);
	a->id++;
	freshness_answer(&f, a);        /* not the open one */
	assert_int_equal(f.at, 0);
	free(a);
	record_num(&s, F_service, service_submission);
	freshness_start(&f, &s, many, 20);
	assert_false(freshness_next(&f, &q));
	assert_int_equal(freshness_hint(&f, bytes_of("example.org")).txt, ststxt_unknown);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_answers), cmocka_unit_test(test_hostile), cmocka_unit_test(test_who_is_asked) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
