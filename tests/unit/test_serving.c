/* test_serving: the resolver process with a judge that reads, reads late, or ends and is followed by another. And which
 * DNS messages from another process it takes for possible. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serving.h"

enum { HANG_S = 20, ROUND = 200, MANY = 10000, MESSAGES = 40, LARGE = 50000 };

struct fixture {
	struct serving s;
	struct channel *judge;
};

/* With a resolver that knows an answer to everything: that DNS is off. */
static void begin(struct fixture *f)
{
	static const struct resolver_config off = { .mode = RESOLVE_OFF };
	struct error e;
	int fd[2];
	assert_true(channel_pair(fd));
	f->s = (struct serving){ .resolver = resolver_new(&off, &e), .judge = channel_new(fd[0]), .proof = dns_proof_new() };
	f->judge = channel_new(fd[1]);
	assert_non_null(f->s.resolver);
	assert_non_null(f->s.proof);
	alarm(HANG_S);             /* a resolver that waits for its judge ends the test */
}

static void end(struct fixture *f)
{
	alarm(0);
	channel_free(f->judge);
	channel_free(f->s.judge);
	resolver_free(f->s.resolver);
	dns_proof_free(f->s.proof);
}

static void ask(struct fixture *f, uint64_t id)
{
	struct question q;
	memset(&q, 0, sizeof(q));
	q.id = id;
	q.type = DNS_MX;
	memcpy(q.name, "a.test", 7);
	assert_int_equal(channel_offer(f->judge, CH_QUESTION, (struct bytes){ (const uint8_t *)&q, sizeof(q) }, (struct bytes){ 0 }),
			 CHANNEL_SENT);
}

static void work(struct fixture *f)
{
	channel_push(f->judge);
	assert_true(channel_look(f->s.judge));
	assert_true(serving_work(&f->s));
}

/* What the judge has not read yet; false: nothing is there, and the resolver has nothing more to say. */
static bool hear(struct fixture *f, enum channel_kind *kind, struct bytes *record)
{
	for (int i = 0; i < 3; i++) {
		assert_true(channel_look(f->judge));
		if (channel_ready(f->judge))
			return channel_recv(f->judge, kind, record);
		work(f);
	}
	return false;
}

static uint64_t hear_answer(struct fixture *f)
{
	enum channel_kind kind;
	struct bytes record;
	struct answer a = { 0 };
	assert_true(hear(f, &kind, &record));
	assert_int_equal(kind, CH_ANSWER);
	memcpy(&a, record.p, offsetof(struct answer, data));
	return a.id;
}

/* Asks until the resolver takes no more; how many questions. */
static uint64_t fill(struct fixture *f)
{
	uint64_t asked = 0;
	while (asked < MANY && !channel_pending(f->s.judge)) {
		for (int i = 0; i < ROUND; i++)
			ask(f, ++asked);
		work(f);
	}
	assert_true(asked < MANY);
	return asked;
}

/* A judge that is late: the resolver goes on, and each question gets its answer. */
static void test_late(void **state)
{
	(void)state;
	static struct fixture f;
	begin(&f);
	uint64_t asked = fill(&f);
	assert_false(serving_ready(&f.s));
	assert_int_equal(serving_poll(&f.s).events, POLLOUT);
	assert_int_equal(serving_poll(&f.s).fd, channel_fd(f.s.judge));
	ask(&f, ++asked);          /* nor does what waits in its channel change that */
	work(&f);
	assert_false(serving_ready(&f.s));
	for (uint64_t i = 1; i <= asked; i++)
		assert_int_equal(hear_answer(&f), i);
	enum channel_kind kind;
	struct bytes record;
	assert_false(hear(&f, &kind, &record));
	assert_int_equal(f.s.open, 0);
	assert_int_equal(serving_poll(&f.s).events, POLLIN);
	end(&f);
}

/* The proof of an alert, larger than what the channel holds: it comes whole, and what was asked meanwhile after it. */
static void test_proof(void **state)
{
	(void)state;
	static struct fixture f;
	static uint8_t octets[LARGE];
	enum channel_kind kind;
	struct bytes record;
	struct dns_message m;
	begin(&f);
	const uint64_t asked = fill(&f);
	for (uint16_t i = 0; i < MESSAGES; i++) {
		memcpy(octets, &i, sizeof(i));
		m = (struct dns_message){ .ts = i, .octets = { octets, LARGE } };
		assert_true(dns_proof_add(f.s.proof, &m, bytes_of("MX of a.test")));
	}
	f.s.proving = f.s.whole = true;
	work(&f);
	ask(&f, asked + 1);
	uint64_t heard = 0;
	while (f.s.proved == 0)
		assert_int_equal(hear_answer(&f), ++heard);
	assert_int_equal(f.s.proving, true);
	for (uint16_t i = 0; i < MESSAGES; i++) {
		while (hear(&f, &kind, &record) && kind == CH_ANSWER)
			heard++;   /* those that were in the channel before */
		assert_int_equal(kind, CH_PROOF);
		struct cur c = cur_of(record);
		assert_true(bytes_eq(cur_take(&c, cur_u8(&c)), bytes_of("MX of a.test")));
		assert_true(dns_message_read(bytes_skip(record, 13), &m));
		assert_int_equal(m.ts, i);
		memcpy(octets, &i, sizeof(i));
		assert_true(bytes_eq(m.octets, (struct bytes){ octets, LARGE }));
	}
	assert_true(hear(&f, &kind, &record));
	assert_int_equal(kind, CH_PROVED);
	assert_int_equal(record.n, 0);
	while (heard <= asked)
		assert_int_equal(hear_answer(&f), ++heard);
	assert_false(hear(&f, &kind, &record));
	end(&f);
}

/* The word of a proof that has no room. */
static void test_proved_late(void **state)
{
	(void)state;
	static struct fixture f;
	enum channel_kind kind;
	struct bytes record;
	unsigned proved = 0;
	begin(&f);
	uint64_t asked = fill(&f), heard = 0;
	channel_offer(f.judge, CH_PROVE, bytes_of("no questions"), (struct bytes){ 0 });
	ask(&f, ++asked);
	work(&f);
	while (hear(&f, &kind, &record)) {
		heard += kind == CH_ANSWER;
		proved += kind == CH_PROVED && bytes_eq(record, bytes_of("more"));
	}
	assert_int_equal(heard, asked);
	assert_int_equal(proved, 1);
	end(&f);
}

/* Another judge: what was said to the one before it may still be in the channel, what was not said yet is not said. */
static void test_another(void **state)
{
	(void)state;
	static struct fixture f;
	enum channel_kind kind;
	struct bytes record;
	begin(&f);
	uint64_t asked = fill(&f), heard = 0, last = 0;
	channel_offer(f.judge, CH_HELLO, (struct bytes){ 0 }, (struct bytes){ 0 });
	ask(&f, asked + 1);
	while (hear(&f, &kind, &record)) {
		struct answer a = { 0 };
		assert_int_equal(kind, CH_ANSWER);
		memcpy(&a, record.p, offsetof(struct answer, data));
		last = a.id;
		heard++;
	}
	assert_int_equal(last, asked + 1);
	assert_true(heard <= asked);       /* at least the one that was held is gone */
	assert_int_equal(f.s.open, 0);
	end(&f);
}

/* A judge that says what it must not. */
static void test_wrong(void **state)
{
	(void)state;
	static struct fixture f;
	begin(&f);
	channel_offer(f.judge, CH_SESSION, bytes_of("x"), (struct bytes){ 0 });
	channel_push(f.judge);
	assert_true(channel_look(f.s.judge));
	assert_false(serving_work(&f.s));
	end(&f);
}

static const struct {
	int64_t ts;
	uint8_t client, server;
	size_t octets, cut;
	bool good;
	const char *why;
} messages[] = {
	{ 1, 4, 4, 12, 0, true, "a message" },
	{ 0, 0, 0, 12, 0, true, "one that was put together: without addresses" },
	{ DNS_MESSAGE_TS_MAX, 6, 6, 12, 0, true, "the last time that can be" },
	{ DNS_MESSAGE_TS_MAX + 1, 6, 6, 12, 0, false, "a time with which sums overflow" },
	{ -1, 4, 4, 12, 0, false, "a time before 1970" },
	{ 1, 4, 6, 12, 0, false, "addresses of two families" },
	{ 1, 5, 5, 12, 0, false, "addresses of none" },
	{ 1, 4, 4, DNS_MESSAGE_MAX, 0, true, "the longest" },
	{ 1, 4, 4, DNS_MESSAGE_MAX + 1, 0, false, "longer than a message can be" },
	{ 1, 4, 4, 0, 1, false, "a head that is cut" },
};

static void test_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct dns_message m = { .ts = messages[i].ts, .client.v = messages[i].client, .server.v = messages[i].server }, got;
		size_t n = DNS_MESSAGE_HEAD + messages[i].octets - messages[i].cut;
		uint8_t head[DNS_MESSAGE_HEAD], *p = calloc(1, n);
		dns_message_head(&m, head);
		memcpy(p, head, n < sizeof(head) ? n : sizeof(head));
		if (dns_message_read((struct bytes){ p, n }, &got) != messages[i].good)
			fail_msg("%s", messages[i].why);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late), cmocka_unit_test(test_proof), cmocka_unit_test(test_proved_late), cmocka_unit_test(test_another),
		cmocka_unit_test(test_wrong), cmocka_unit_test(test_messages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
