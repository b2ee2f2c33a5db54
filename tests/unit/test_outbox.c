/* outbox: what was not acknowledged arrives again, in order, and what finds no room is counted. */
#include "outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct line {
	struct channel *from, *to;
	struct outbox *box;
};

static struct line line(size_t room)
{
	int fd[2];
	struct line l;
	assert_true(channel_pair(fd));
	l.from = channel_new(fd[0]);
	l.to = channel_new(fd[1]);
	l.box = outbox_new(l.from, room, 1);
	assert_non_null(l.box);
	return l;
}

static void line_free(struct line *l)
{
	outbox_free(l->box);
	channel_free(l->from);
	channel_free(l->to);
}

static uint64_t put(struct line *l, uint8_t value, size_t n)
{
	uint8_t *p = malloc(n);
	memset(p, value, n);
	uint64_t number = outbox_put(l->box, CH_EVENT, (struct bytes){ p, n }, (struct bytes){ 0 });
	free(p);
	return number;
}

static void expect(struct line *l, uint64_t number, uint8_t value, size_t n)
{
	enum channel_kind kind;
	struct bytes record;
	assert_true(channel_recv(l->to, &kind, &record));
	assert_int_equal(kind, CH_EVENT);
	assert_int_equal(outbox_open(&record), number);
	assert_int_equal(record.n, n);
	assert_int_equal(record.p[0], value);
	assert_int_equal(record.p[n - 1], value);
}

/* In front of the first record and of each repetition. */
static void expect_hello(struct line *l)
{
	enum channel_kind kind;
	struct bytes record;
	assert_true(channel_recv(l->to, &kind, &record));
	assert_int_equal(kind, CH_HELLO);
	assert_int_equal(outbox_open(&record), 1); /* the first record's number, each time */
	assert_int_equal(record.n, 0);
}

static void again(void **state)
{
	(void)state;
	struct line l = line(10000);
	for (uint8_t i = 1; i <= 5; i++)
		assert_int_equal(put(&l, i, 100 + i), i);
	assert_true(outbox_push(l.box));
	expect_hello(&l);
	for (uint8_t i = 1; i <= 5; i++)
		expect(&l, i, i, 100 + i);
	assert_false(outbox_pending(l.box));
	outbox_ack(l.box, 2);
	outbox_again(l.box);
	assert_true(outbox_pending(l.box));
	assert_int_equal(put(&l, 6, 106), 6);
	assert_true(outbox_push(l.box));
	expect_hello(&l);
	for (uint8_t i = 3; i <= 6; i++)
		expect(&l, i, i, 100 + i);
	outbox_ack(l.box, 99); /* never given out: what was sent is acknowledged, no more */
	size_t room;
	assert_int_equal(outbox_fill(l.box, &room), 0);
	line_free(&l);
}

static void not_sent_is_not_acknowledged(void **state)
{
	(void)state;
	struct line l = line(10000);
	put(&l, 1, 10);
	outbox_ack(l.box, 1);
	assert_true(outbox_push(l.box));
	expect_hello(&l);
	expect(&l, 1, 1, 10);
	line_free(&l);
}

static void full(void **state)
{
	(void)state;
	struct line l = line(4 * (OUTBOX_HEAD + 100));
	for (uint8_t i = 1; i <= 4; i++)
		assert_int_equal(put(&l, i, 100), i);
	assert_false(outbox_room(l.box, OUTBOX_HEAD + 1));
	assert_int_equal(put(&l, 5, 100), 0);
	assert_int_equal(outbox_lost(l.box), 1);
	assert_int_equal(outbox_last(l.box), 4);
	assert_true(outbox_push(l.box));
	outbox_ack(l.box, 1);
	assert_int_equal(put(&l, 5, 100), 5);   /* in the room of the first */
	assert_true(outbox_push(l.box));
	expect_hello(&l);
	for (uint8_t i = 1; i <= 5; i++)
		expect(&l, i, i, 100);
	line_free(&l);
}

/* Many rounds: the block is used over and over. */
static void round_and_round(void **state)
{
	(void)state;
	struct line l = line(5000);
	uint64_t next = 1;
	assert_true(outbox_pending(l.box));
	assert_true(outbox_push(l.box));
	expect_hello(&l);
	for (unsigned i = 0; i < 3000; i++) {
		size_t n = 1 + i * 7 % 400;
		assert_int_not_equal(put(&l, (uint8_t)i, n), 0);
		assert_true(outbox_push(l.box));
		expect(&l, next++, (uint8_t)i, n);
		if (i % 5 == 4)
			outbox_ack(l.box, next - 3);
	}
	assert_int_equal(outbox_lost(l.box), 0);
	line_free(&l);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(again), cmocka_unit_test(not_sent_is_not_acknowledged),
						   cmocka_unit_test(full), cmocka_unit_test(round_and_round) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
