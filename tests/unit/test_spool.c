/* spool: what is put comes out, in order, once or again; what must go goes, and is counted. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "spool.h"

enum { MANY = 3000, BIG = 1 << 30 };

static char folder[64], inner[96];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/mxwitness-spool-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(inner, sizeof(inner), "%s/a/b", folder);
	return 0;
}

static int clean(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct spool *writer(uint64_t budget)
{
	struct error e = { "" };
	struct spool *s = spool_open(inner, budget, &e);
	if (!s)
		fail_msg("%s", e.text);
	return s;
}

static struct spool_reader *reader(void)
{
	struct error e = { "" };
	struct spool_reader *r = spool_read(inner, &e);
	if (!r)
		fail_msg("%s", e.text);
	return r;
}

/* Its payload says which it is; every third is an alert. */
static struct spool_item item_of(unsigned i, char text[1024])
{
	int n = snprintf(text, 1024, "payload %u %.*s", i, (int)(i % 500), "................................................................................................................................................................................................................................................................................................................................................................................................................................................................................................................");
	return (struct spool_item){ .dataset = i % 3 ? dataset_session : dataset_alert, .level = 3, .at = i, .id = bytes_of("id"),
		.key = bytes_of("192.0.2.1"), .payload = { (const uint8_t *)text, (size_t)n } };
}

static bool put(struct spool *s, unsigned i)
{
	char text[1024];
	struct spool_item item = item_of(i, text);
	return spool_put(s, &item);
}

static unsigned which(const struct spool_item *item)
{
	return (unsigned)strtoul((const char *)item->payload.p + sizeof("payload ") - 1, NULL, 10);
}

static void in_order(void **state)
{
	(void)state;
	struct spool *s = writer(BIG);
	struct spool_reader *r = reader();
	struct spool_item item;
	assert_false(spool_take(r, &item));
	for (unsigned i = 0; i < MANY; i++) {
		assert_true(put(s, i));
		if (i % 7 == 0) {
			assert_true(spool_sync(s));
			while (spool_take(r, &item))
				spool_done(r, item.number);
			assert_int_equal(which(&item), i);
			assert_int_equal(item.number, i + 1);
		}
	}
	struct spool_numbers n = spool_numbers(s);
	assert_int_equal(n.put, MANY);
	assert_int_equal(n.put - n.acknowledged, n.waiting);
	assert_int_equal(n.lost_alerts + n.lost_others, 0);
	spool_read_close(r);
	spool_close(s);
}

static void again_until_done(void **state)
{
	(void)state;
	struct spool *s = writer(BIG);
	struct spool_reader *r = reader();
	struct spool_item item;
	for (unsigned i = 0; i < 100; i++)
		put(s, i);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 20 * round; i < 100; i++) {
			assert_true(spool_take(r, &item));
			assert_int_equal(which(&item), i);
		}
		assert_false(spool_take(r, &item));
		spool_done(r, 20 * (round + 1)); /* numbers begin at 1 */
		spool_again(r);
	}
	spool_read_close(r);
	r = reader();
	assert_true(spool_take(r, &item));
	assert_int_equal(which(&item), 60);
	spool_read_close(r);
	spool_close(s);
}

static void numbers_go_on(void **state)
{
	(void)state;
	struct spool_item item;
	for (unsigned run = 0; run < 5; run++) {
		struct spool *s = writer(BIG);
		struct error e;
		assert_int_equal(spool_next_number(s), run * 10 + 1);
		assert_null(spool_open(inner, BIG, &e)); /* it has a writer */
		for (unsigned i = 0; i < 10; i++)
			put(s, run * 10 + i);
		spool_close(s);
	}
	struct spool_reader *r = reader();
	for (unsigned i = 0; i < 50; i++) {
		assert_true(spool_take(r, &item));
		assert_int_equal(which(&item), i);
		spool_done(r, item.number);
	}
	spool_read_close(r);
}

/* A loss of power leaves half a record, or zeros. */
static void torn(void **state)
{
	(void)state;
	char command[300];
	struct spool_item item;
	struct spool *s = writer(BIG);
	for (unsigned i = 0; i < 10; i++)
		put(s, i);
	spool_close(s);
	snprintf(command, sizeof(command), "truncate -s -3 %s/alerts-*; printf '\\0\\0\\0\\0\\0' >> %s/others-*", inner, inner);
	assert_int_equal(system(command), 0);
	s = writer(BIG);
	put(s, 10);
	put(s, 12);
	struct spool_reader *r = reader();
	unsigned n = 0, last = 0;
	while (spool_take(r, &item)) {
		assert_true(n == 0 || which(&item) > last);
		last = which(&item);
		n++;
	}
	assert_int_equal(n, 11); /* 9, an alert, was torn */
	assert_int_equal(last, 12);
	spool_read_close(r);
	spool_close(s);
}

/* Sessions go first, and what went is counted. */
static void no_room(void **state)
{
	(void)state;
	const uint64_t budget = 1 << 20;
	struct spool *s = writer(budget);
	unsigned alerts = 0, others = 0, kept_alerts = 0, kept_others = 0;
	struct spool_item item;
	for (unsigned i = 0; i < 5000; i++) {
		assert_true(put(s, i));
		alerts += i % 3 == 0;
		others += i % 3 != 0;
		assert_true(spool_numbers(s).octets <= budget);
	}
	struct spool_numbers n = spool_numbers(s);
	assert_int_equal(n.lost_alerts, 0);
	assert_true(n.lost_others > 0);
	struct spool_reader *r = reader();
	for (unsigned last = 0; spool_take(r, &item); last = which(&item)) {
		assert_true(which(&item) >= last);
		kept_alerts += item.dataset == dataset_alert;
		kept_others += item.dataset != dataset_alert;
	}
	assert_int_equal(kept_alerts, alerts);
	assert_int_equal(kept_others + n.lost_others, others);
	assert_int_equal(n.waiting, kept_alerts + kept_others);
	for (unsigned i = 0; i < 9000; i += 3) { /* now only alerts: they push out the rest, and then each other */
		assert_true(put(s, i));
		alerts++;
	}
	n = spool_numbers(s);
	assert_int_equal(n.lost_others, others);
	assert_true(n.lost_alerts > 0);
	spool_again(r);
	for (kept_alerts = 0; spool_take(r, &item); kept_alerts++)
		assert_int_equal(item.dataset, dataset_alert);
	assert_int_equal(kept_alerts + n.lost_alerts, alerts);
	assert_true(put(s, 1)); /* a session finds no room among alerts that are new */
	spool_read_close(r);
	spool_close(s);
}

/* What is acknowledged makes room; nothing is lost while the reader keeps up. */
static void room_comes_back(void **state)
{
	(void)state;
	struct spool *s = writer(1 << 20);
	struct spool_reader *r = reader();
	struct spool_item item;
	for (unsigned i = 0; i < 20000; i++) {
		assert_true(put(s, i));
		assert_true(spool_take(r, &item));
		assert_int_equal(which(&item), i);
		spool_done(r, item.number);
	}
	struct spool_numbers n = spool_numbers(s);
	assert_int_equal(n.lost_alerts + n.lost_others, 0);
	assert_int_equal(n.waiting, 0);
	spool_read_close(r);
	spool_close(s);
}

/* The writer removes what the reader is in the middle of. */
static void removed_while_read(void **state)
{
	(void)state;
	struct spool *s = writer(1 << 20);
	struct spool_reader *r = reader();
	struct spool_item item;
	unsigned n = 0;
	uint64_t last = 0;
	for (unsigned i = 0; i < 1000; i++)
		put(s, i);
	for (unsigned i = 0; i < 10; i++)
		assert_true(spool_take(r, &item));
	for (unsigned i = 1000; i < 6000; i++)
		put(s, i);
	for (last = item.number; spool_take(r, &item); n++) {
		assert_true(item.number > last);
		last = item.number;
	}
	assert_int_equal(last, 6000);
	assert_true(n > 1000);
	spool_done(r, last);
	put(s, 6000);
	assert_true(spool_take(r, &item));
	assert_int_equal(which(&item), 6000);
	spool_read_close(r);
	spool_close(s);
}

static void limit(rlim_t octets)
{
	struct rlimit now;
	getrlimit(RLIMIT_FSIZE, &now);
	now.rlim_cur = octets;
	setrlimit(RLIMIT_FSIZE, &now);
}

/* A disk that is full: alerts are refused and come later, sessions are given up. */
static void full_disk(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	struct spool *s = writer(BIG);
	char text[1024];
	unsigned alerts = 0, refused = 0, seen = 0;
	struct spool_item item;
	limit(8192);
	for (unsigned i = 0; i < 600; i++) {
		item = item_of(i, text);
		const bool alert = item.dataset == dataset_alert, good = spool_put(s, &item);
		assert_true(good || alert);
		alerts += alert && good;
		refused += !good;
	}
	limit(RLIM_INFINITY);
	assert_true(refused > 0);
	assert_true(put(s, 600));
	struct spool_numbers n = spool_numbers(s);
	assert_int_equal(n.lost_alerts, 0);
	assert_true(n.lost_others > 0);
	struct spool_reader *r = reader();
	while (spool_take(r, &item))
		seen += item.dataset == dataset_alert;
	assert_int_equal(seen, alerts + 1);
	spool_read_close(r);
	spool_close(s);
}

/* Writer and reader are processes of their own, and both are killed again and again. */
static void two_processes(void **state)
{
	(void)state;
	enum { ALL = 20000 };
	spool_close(writer(BIG));
	pid_t from = fork();
	if (from == 0) {
		struct error e;
		struct spool *s = spool_open(inner, BIG, &e);
		for (unsigned i = 0; s && i < ALL; i++)
			put(s, i);
		_exit(0);
	}
	struct spool_reader *r = reader();
	struct spool_item item;
	unsigned next = 0;
	for (unsigned turns = 0; next < ALL && turns < 10000000; turns++) {
		if (!spool_take(r, &item))
			continue;
		if (which(&item) != next)
			break;
		next++;
		if (next % 10 == 0)
			spool_done(r, item.number);
		if (next % 4000 == 0) { /* a reader that dies */
			spool_read_close(r);
			r = reader();
		}
	}
	waitpid(from, NULL, 0);
	assert_int_equal(next, ALL);
	spool_read_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_order, set_up, clean),
		cmocka_unit_test_setup_teardown(again_until_done, set_up, clean),
		cmocka_unit_test_setup_teardown(numbers_go_on, set_up, clean),
		cmocka_unit_test_setup_teardown(torn, set_up, clean),
		cmocka_unit_test_setup_teardown(no_room, set_up, clean),
		cmocka_unit_test_setup_teardown(room_comes_back, set_up, clean),
		cmocka_unit_test_setup_teardown(removed_while_read, set_up, clean),
		cmocka_unit_test_setup_teardown(full_disk, set_up, clean),
		cmocka_unit_test_setup_teardown(two_processes, set_up, clean),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
