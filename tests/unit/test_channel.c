/* channel: records arrive whole and in order, whoever reads them; what is no record ends it; nobody waits who must not. */
#include "channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void pair(int fd[2])
{
	assert_true(channel_pair(fd));
}

static void in_order(void **state)
{
	(void)state;
	int fd[2];
	pair(fd);
	pid_t child = fork();
	if (child == 0) {
		struct channel *c = channel_new(fd[1]);
		uint8_t *big = malloc(CHANNEL_RECORD_MAX);
		close(fd[0]);
		memset(big, 7, CHANNEL_RECORD_MAX);
		for (size_t i = 0; i < 300; i++)
			channel_send(c, CH_SESSION, (struct bytes){ (uint8_t *)&i, sizeof(i) },
				     (struct bytes){ big, i * 800 });
		channel_send(c, CH_END, (struct bytes){ 0 }, (struct bytes){ 0 });
		channel_free(c);
		_exit(0);
	}
	close(fd[1]);
	struct channel *c = channel_new(fd[0]);
	enum channel_kind kind;
	struct bytes record;
	for (size_t i = 0; i < 300; i++) {
		size_t got;
		assert_true(channel_recv(c, &kind, &record));
		assert_int_equal(kind, CH_SESSION);
		assert_int_equal(record.n, sizeof(got) + i * 800);
		memcpy(&got, record.p, sizeof(got));
		assert_int_equal(got, i);
		if (i)
			assert_int_equal(record.p[record.n - 1], 7);
	}
	assert_true(channel_recv(c, &kind, &record));
	assert_int_equal(kind, CH_END);
	assert_false(channel_recv(c, &kind, &record));
	channel_free(c);
}

static void too_large(void **state)
{
	(void)state;
	int fd[2];
	pair(fd);
	struct channel *c = channel_new(fd[0]);
	uint8_t *big = calloc(1, CHANNEL_RECORD_MAX + 1);
	assert_false(channel_send(c, CH_DNS, (struct bytes){ big, CHANNEL_RECORD_MAX + 1 }, (struct bytes){ 0 }));
	assert_false(channel_send(c, CH_DNS, (struct bytes){ big, 1 }, (struct bytes){ big, CHANNEL_RECORD_MAX }));
	free(big);
	channel_free(c);
	close(fd[1]);
}

static const struct {
	uint32_t kind, n;
	const char *why;
} broken[] = {
	{ 0, 4, "kind 0" },
	{ CH_KINDS, 4, "a kind that is none" },
	{ CH_EVENT, 5, "an octet longer than its message" },
	{ CH_EVENT, CHANNEL_RECORD_MAX + 1, "longer than a record may be" },
};

static void no_record(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		int fd[2];
		enum channel_kind kind;
		struct bytes record;
		uint32_t head[3] = { broken[i].kind, broken[i].n, 0 };
		pair(fd);
		assert_int_equal(write(fd[1], head, sizeof(head)), sizeof(head));
		struct channel *c = channel_new(fd[0]);
		assert_false(channel_recv(c, &kind, &record));
		channel_free(c);
		close(fd[1]);
	}
}

/* A message that is none costs no other one, and nobody is held up by it. */
static void goes_on(void **state)
{
	(void)state;
	int fd[2];
	enum channel_kind kind;
	struct bytes record;
	uint32_t head[2] = { CH_EVENT, 100 };
	pair(fd);
	struct channel *from = channel_new(fd[1]), *c = channel_new(fd[0]);
	assert_int_equal(write(fd[1], head, sizeof(head)), sizeof(head));
	assert_true(channel_send(from, CH_NOTE, bytes_of("after it"), (struct bytes){ 0 }) && channel_flush(from));
	assert_true(channel_look(c) && channel_ready(c));
	assert_false(channel_recv(c, &kind, &record));
	assert_false(channel_ready(c));
	assert_true(channel_look(c) && channel_recv(c, &kind, &record));
	assert_int_equal(kind, CH_NOTE);
	assert_true(bytes_eq(record, bytes_of("after it")));
	channel_free(from);
	channel_free(c);
}

static void cut_short(void **state)
{
	(void)state;
	int fd[2];
	enum channel_kind kind;
	struct bytes record;
	uint32_t head[2] = { CH_EVENT, 100 };
	pair(fd);
	assert_int_equal(write(fd[1], head, sizeof(head)), sizeof(head));
	close(fd[1]);
	struct channel *c = channel_new(fd[0]);
	assert_false(channel_recv(c, &kind, &record));
	channel_free(c);
}

/* Who must not wait is told that there is no room, and what he gave before arrives. */
static void no_room(void **state)
{
	(void)state;
	int fd[2];
	static uint8_t octets[1000];
	enum channel_kind kind;
	struct bytes record;
	pair(fd);
	struct channel *c = channel_new(fd[0]), *other;
	size_t given = 0, got = 0;
	while (channel_offer(c, CH_DNS, (struct bytes){ octets, sizeof(octets) }, (struct bytes){ 0 }) == CHANNEL_SENT)
		given++;
	assert_in_range(given, 100, 1000000);
	assert_true(channel_pending(c));
	assert_int_equal(channel_push(c), CHANNEL_FULL);
	other = channel_new(fd[1]);
	while (got < given) {
		channel_push(c);
		assert_true(channel_recv(other, &kind, &record));
		assert_int_equal(record.n, sizeof(octets));
		got++;
	}
	assert_false(channel_pending(c));
	channel_free(other);
	assert_int_equal(channel_offer(c, CH_DNS, (struct bytes){ octets, 1 }, (struct bytes){ 0 }), CHANNEL_SENT);
	assert_int_equal(channel_push(c), CHANNEL_GONE);
	channel_free(c);
}

/* A reader that ended in the middle: who takes over its descriptor reads on at a record. */
static void taken_over(void **state)
{
	(void)state;
	int fd[2];
	enum channel_kind kind;
	struct bytes record;
	pair(fd);
	struct channel *c = channel_new(fd[0]);
	for (uint32_t i = 0; i < 40; i++) {
		assert_true(channel_send(c, CH_DNS, (struct bytes){ (uint8_t *)&i, sizeof(i) }, (struct bytes){ 0 }));
		if (i % 10 == 9)
			assert_true(channel_flush(c));
	}
	struct channel *first = channel_new(dup(fd[1])), *second = channel_new(fd[1]);
	uint32_t number;
	assert_true(channel_recv(first, &kind, &record));
	channel_free(first);
	assert_true(channel_recv(second, &kind, &record));
	memcpy(&number, record.p, sizeof(number));
	assert_int_equal(number, 10);
	channel_free(second);
	channel_free(c);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(in_order), cmocka_unit_test(too_large),
						   cmocka_unit_test(no_record), cmocka_unit_test(cut_short), cmocka_unit_test(goes_on),
						   cmocka_unit_test(no_room), cmocka_unit_test(taken_over) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
