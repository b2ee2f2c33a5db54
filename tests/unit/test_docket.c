/* docket: answers in any order, answers to nobody, a resolver that goes and comes back; and that every session comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "docket.h"

static struct run run;

/* The judge's docket and, at the other end, the test as its resolver. */
struct bench {
	struct docket *docket;
	struct channel *own, *resolver;
};

static struct bench bench(bool in_order)
{
	int fd[2];
	struct bench b;
	assert_true(channel_pair(fd));
	b.own = channel_new(fd[0]);
	b.resolver = channel_new(fd[1]);
	b.docket = docket_new(&run, b.own, in_order);
	assert_non_null(b.docket);
	return b;
}

static void bench_free(struct bench *b)
{
	docket_free(b->docket);
	channel_free(b->own);
	channel_free(b->resolver);
}

/* A session with mail to that domain, as the capture process sends it, in a block of exactly its size. */
/* domain NULL: the client names nobody, and all of it was seen. */
static bool take(struct bench *b, const char *domain, uint64_t number, size_t cut)
{
	static struct record r;
	const struct addr client = { 4, { 192, 0, 2, 1 } }, server = { 4, { 198, 51, 100, 25 } };
	const uint32_t no_chain = 0;
	record_init(&r);
	record_addr(&r, F_src_ip, &client);
	record_addr(&r, F_dst_ip, &server);
	record_num(&r, F_dst_port, 25);
	record_num(&r, F_event_start, INT64_C(1764000000000000000));
	record_num(&r, F_event_end, INT64_C(1764000001000000000));
	record_cstr(&r, F_event_id, "0123456789abcdef");
	if (domain)
		record_add_cstr(&r, F_smtp_rcpt_domains, domain);
	else
		record_num(&r, F_cap_end, endhow_fin);
	size_t n = record_size(&r) + sizeof(no_chain);
	uint8_t *p = malloc(n);
	memcpy(p, &r, record_size(&r));
	memcpy(p + record_size(&r), &no_chain, sizeof(no_chain));
	bool taken = docket_take(b->docket, (struct bytes){ p, n - cut }, (struct bytes){ 0 }, TRI_UNSEEN, 0, number);
	free(p);
	return taken;
}

/* The questions that are in the channel now; how many. */
static size_t questions(struct bench *b, struct question *q, size_t room)
{
	enum channel_kind kind;
	struct bytes record;
	size_t n = 0;
	channel_flush(b->own);
	while (n < room && channel_look(b->resolver) && channel_ready(b->resolver)) {
		assert_true(channel_recv(b->resolver, &kind, &record));
		assert_int_equal(kind, CH_QUESTION);
		assert_int_equal(record.n, sizeof(*q));
		memcpy(&q[n++], record.p, sizeof(*q));
	}
	return n;
}

/* That the name has nothing of the kind, proved: the walk goes on, or is at its end. */
static struct answer none(const struct question *q)
{
	static struct answer a;
	memset(&a, 0, sizeof(a));
	a.id = q->id;
	a.type = q->type;
	a.as_of = q->as_of;
	a.until = q->as_of;
	a.status = dnsstatus_absent;
	memcpy(a.name, q->name, sizeof(a.name));
	return a;
}

static bool give(struct bench *b, const struct answer *a)
{
	size_t n = answer_size(a);
	uint8_t *p = malloc(n);
	memcpy(p, a, n);
	bool taken = docket_answer(b->docket, (struct bytes){ p, n });
	free(p);
	return taken;
}

/* Answers all questions until there are none; how many there were. */
static size_t answer_all(struct bench *b)
{
	static struct question q[DOCKET_CASES];
	size_t n, all = 0;
	while ((n = questions(b, q, DOCKET_CASES)) > 0) {
		for (size_t i = n; i-- > 0;) {
			struct answer a = none(&q[i]);
			assert_true(give(b, &a));
		}
		all += n;
	}
	return all;
}

static uint64_t next(struct bench *b)
{
	struct kase *k = docket_next(b->docket);
	uint64_t number = k ? k->number : 0;
	if (k)
		docket_done(b->docket, k);
	return number;
}

static void whole_walk(void **state)
{
	(void)state;
	struct bench b = bench(false);
	assert_true(take(&b, "a.example", 7, 0));
	assert_int_equal(next(&b), 0);
	assert_int_equal(docket_open(b.docket), 1);
	assert_int_equal(docket_lowest(b.docket, 0), 7);
	assert_true(answer_all(&b) >= 2);
	assert_int_equal(next(&b), 7);
	assert_int_equal(docket_cases(b.docket), 0);
	assert_int_equal(docket_lowest(b.docket, 0), UINT64_MAX);
	bench_free(&b);
}

/* Answers 3, 1, 2: with in_order the sessions come out as they went in, else as they are done. */
static void any_order(void **state)
{
	(void)state;
	static const char *const domain[] = { "a.example", "b.example", "c.example" };
	static const unsigned turn[] = { 2, 0, 1 };
	for (int in_order = 0; in_order < 2; in_order++) {
		struct bench b = bench(in_order);
		for (uint64_t i = 0; i < 3; i++)
			assert_true(take(&b, domain[i], i + 1, 0));
		static struct question q[64], more[64];
		size_t n = questions(&b, q, 64);
		assert_int_equal(n, 3);
		for (unsigned t = 0; t < 3; t++) {
			struct question one = q[turn[t]];
			assert_string_equal(one.name, domain[turn[t]]);
			for (;;) {
				struct answer a = none(&one);
				assert_true(give(&b, &a));
				if (questions(&b, more, 64) == 0)
					break;
				one = more[0];
			}
			if (!in_order)
				assert_int_equal(next(&b), turn[t] + 1);
			else if (t == 0)
				assert_int_equal(next(&b), 0);  /* the third waits for the first */
		}
		for (uint64_t i = 0; in_order && i < 3; i++)
			assert_int_equal(next(&b), i + 1);
		assert_int_equal(docket_cases(b.docket), 0);
		bench_free(&b);
	}
}

/* A client that names nobody is judged by what those before it taught: where order counts it waits for them, and for no others. */
static void waits(void **state)
{
	struct question q[64];
	(void)state;
	for (int in_order = 0; in_order < 2; in_order++) {
		struct bench b = bench(in_order);
		struct history_store *history = history_store_new(16, 100);
		docket_history(b.docket, history);
		assert_true(take(&b, "a.example", 1, 0));
		assert_true(take(&b, NULL, 2, 0));
		assert_true(take(&b, "c.example", 3, 0));
		size_t n = questions(&b, q, 64);
		assert_int_equal(n, in_order ? 2 : 3);
		assert_string_equal(q[0].name, "a.example");
		assert_string_equal(q[1].name, in_order ? "c.example" : "198.51.100.25");
		assert_int_equal(docket_open(b.docket), 3);
		for (size_t i = 0; i < n; i++) {
			struct answer a = none(&q[i]);
			assert_true(give(&b, &a));
		}
		answer_all(&b);
		assert_int_equal(next(&b), 1);
		answer_all(&b);
		assert_int_equal(next(&b), 2);
		assert_int_equal(next(&b), 3);
		assert_int_equal(docket_cases(b.docket), 0);
		bench_free(&b);
		history_store_free(history);
	}
}

/* A session that was for a host there, as it is when it has been judged. */
static void teach(struct history_store *history)
{
	static struct record r;
	const struct addr client = { 4, { 192, 0, 2, 1 } }, server = { 4, { 198, 51, 100, 25 } };
	record_init(&r);
	record_addr(&r, F_src_ip, &client);
	record_addr(&r, F_dst_ip, &server);
	record_num(&r, F_dst_port, 25);
	record_num(&r, F_event_start, INT64_C(1763990000000000000));
	record_num(&r, F_event_end, INT64_C(1763990001000000000));
	record_tri(&r, F_cap_gap_dialogue, TRI_NO);
	record_tri(&r, F_cap_midstream, TRI_NO);
	record_cstr(&r, F_id_host, "mx.a.example");
	record_add_cstr(&r, F_id_sources, "dnssec-host");
	record_num(&r, F_id_confidence, confidence_high);
	record_num(&r, F_id_location, location_inside);
	history_store_learn(history, &r, level_informational);
}

/* What the history remembers of the address is asked for, and nothing is claimed by it alone. */
static void remembered(void **state)
{
	sqlite3 *db;
	struct question q[8];
	struct error e = { "" };
	(void)state;
	for (int known = 0; known < 2; known++) {
		struct bench b = bench(true);
		struct history_store *history = history_store_new(16, 100);
		assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
		if (!history_store_load(history, db, &e))
			fail_msg("%s", e.text);
		if (known)
			teach(history);
		docket_history(b.docket, history);
		assert_true(take(&b, NULL, 1, 0));
		assert_int_equal(questions(&b, q, 8), 1);
		assert_string_equal(q[0].name, "198.51.100.25");
		struct answer a = none(&q[0]);
		assert_true(give(&b, &a));
		assert_int_equal(questions(&b, q, 8), known);
		if (known)
			assert_string_equal(q[0].name, "mx.a.example");
		bench_free(&b);
		history_store_free(history);
		sqlite3_close(db);
	}
}

/* A name below a suffix of dns.never is asked about by nobody. */
static void never(void **state)
{
	static const char *const suffix[] = { "corp.example" };
	struct question q[8];
	(void)state;
	run.settings.policy.never = (struct policy_names){ suffix, 1 };
	struct bench b = bench(true);
	assert_true(take(&b, "mail.corp.example", 1, 0));
	assert_int_equal(questions(&b, q, 8), 0);
	struct kase *k = docket_next(b.docket);
	assert_non_null(k);
	assert_int_equal(record_get_num(&k->session, F_dane_verdict, -1), daneverdict_incomplete);
	docket_done(b.docket, k);
	assert_true(take(&b, "mail.corp.example.org", 2, 0));
	assert_int_equal(questions(&b, q, 8), 1);
	run.settings.policy.never.n = 0;
	bench_free(&b);
}

/* What no resolver may do to a session that waits. */
static void wrong_answers(void **state)
{
	(void)state;
	struct bench b = bench(false);
	struct question q[4], now[4];
	struct answer a;
	assert_true(take(&b, "a.example", 1, 0));
	assert_int_equal(questions(&b, q, 4), 1);
	a = none(&q[0]);
	a.id += 1;
	assert_false(give(&b, &a));                     /* another place */
	a = none(&q[0]);
	a.id += DOCKET_CASES;
	assert_false(give(&b, &a));                     /* another turn of this place, to come */
	a = none(&q[0]);
	a.id -= DOCKET_CASES;
	assert_false(give(&b, &a));                     /* and one that was */
	a = none(&q[0]);
	a.status = dnsstatus_COUNT;
	assert_false(give(&b, &a));
	a = none(&q[0]);
	a.used = 10;
	a.rrs = 1;
	a.rr[0].off = 8;
	a.rr[0].n = 3;
	assert_false(give(&b, &a));                     /* a record that ends outside */
	assert_int_equal(questions(&b, now, 4), 0);
	a = none(&q[0]);
	strcpy(a.name, "other.example");
	give(&b, &a);                                   /* to this case, but not to its question: it goes on waiting */
	assert_int_equal(docket_open(b.docket), 1);
	assert_int_equal(next(&b), 0);
	while (questions(&b, now, 4) > 0)               /* it may ask once more */
		;
	a = none(&q[0]);
	assert_true(give(&b, &a));
	while (questions(&b, now, 4) > 0) {
		struct answer again = none(&q[0]);      /* the first answer a second time is no answer to the second question */
		give(&b, &again);
		assert_int_equal(next(&b), 0);
		q[1] = now[0];
		while (questions(&b, now, 4) > 0)
			;
		a = none(&q[1]);
		assert_true(give(&b, &a));
	}
	assert_int_equal(next(&b), 1);
	a = none(&q[0]);
	assert_false(give(&b, &a));                     /* too late */
	bench_free(&b);
}

/* The resolver goes: failed, never absent. It comes back: who waits asks again, and others too. */
static void resolver_goes(void **state)
{
	(void)state;
	struct bench b = bench(false);
	struct question q[4], again[4];
	assert_true(take(&b, "a.example", 1, 0));
	assert_true(take(&b, "b.example", 2, 0));
	assert_int_equal(questions(&b, q, 4), 2);
	docket_again(b.docket);                         /* another resolver, which never heard of them */
	assert_int_equal(questions(&b, again, 4), 2);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(q[i].name, again[i].name);
		assert_int_equal(q[i].id, again[i].id);
	}
	docket_no_resolver(b.docket);
	assert_int_equal(docket_open(b.docket), 0);
	for (int i = 0; i < 2; i++) {
		struct kase *k = docket_next(b.docket);
		assert_non_null(k);
		assert_int_equal(record_get_num(&k->session, F_dane_dnssec, -1), dnsstatus_failed);
		docket_done(b.docket, k);
	}
	assert_true(take(&b, "c.example", 3, 0));       /* meanwhile nobody waits */
	assert_int_equal(questions(&b, q, 4), 0);
	assert_int_equal(next(&b), 3);
	docket_again(b.docket);
	assert_true(take(&b, "d.example", 4, 0));
	assert_true(answer_all(&b) >= 1);
	assert_int_equal(next(&b), 4);
	bench_free(&b);
}

/* Records that cannot be take no place. */
static void bad_records(void **state)
{
	(void)state;
	struct bench b = bench(false);
	for (size_t cut = 1; cut < 200; cut++)
		assert_false(take(&b, "a.example", cut, cut));
	assert_int_equal(docket_cases(b.docket), 0);
	bench_free(&b);
}

static void full(void **state)
{
	(void)state;
	struct bench b = bench(false);
	for (uint64_t i = 1; i <= DOCKET_CASES; i++) {
		assert_true(docket_room(b.docket));
		assert_true(take(&b, "a.example", i, 0));
	}
	assert_false(docket_room(b.docket));
	assert_int_equal(docket_lowest(b.docket, 0), 1);
	assert_int_equal(docket_lowest(b.docket, 1), UINT64_MAX);
	answer_all(&b);
	for (uint64_t i = 1; i <= DOCKET_CASES; i++)
		assert_int_equal(next(&b), i);
	assert_true(docket_room(b.docket));
	bench_free(&b);
}

static int load(void **state)
{
	struct error e;
	(void)state;
	run.peer = peer_new();
	run.rules = rules_load("rules", NULL, &e);
	if (!run.rules)
		print_error("%s\n", e.text);
	return !run.rules || !run.peer;
}

static int unload(void **state)
{
	(void)state;
	rules_free(run.rules);
	peer_free(run.peer);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(whole_walk), cmocka_unit_test(any_order), cmocka_unit_test(waits), cmocka_unit_test(remembered), cmocka_unit_test(never),
						   cmocka_unit_test(wrong_answers), cmocka_unit_test(resolver_goes),
						   cmocka_unit_test(bad_records), cmocka_unit_test(full) };
	return cmocka_run_group_tests(tests, load, unload);
}
