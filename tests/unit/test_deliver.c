/* deliver: from a spool to a receiver, here one that does as a case says: takes, has enough, fails, acknowledges late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "deliver.h"

enum { PAUSE = 5, PLENTY = 5000 };

/* What carriers of this test do, and what became of it.
 * room     items that may be handed over before it is CARRIER_BUSY     fail  how many items to take before it fails; 0: it does not
 * refuse   so many carriers cannot even be made                        late  an item has arrived when this many more were taken */
static struct script {
	uint64_t room, fail, refuse, late;
	uint64_t got[PLENTY];
	size_t n;
	unsigned made, freed;
} script;

struct carrier {
	uint64_t taken, last, done[PLENTY];
	size_t n;
};

static char folder[64];

static struct carrier *fake_new(const struct output_settings *o, struct error *e)
{
	(void)o;
	if (script.refuse) {
		script.refuse--;
		error_set(e, "no such receiver");
		return NULL;
	}
	script.made++;
	return calloc(1, sizeof(struct carrier));
}

static enum carrier_state fake_state(struct carrier *c, int wait_ms, struct error *e)
{
	(void)wait_ms;
	if (script.fail && c->taken >= script.fail) {
		error_set(e, "it broke");
		return CARRIER_FAILED;
	}
	return CARRIER_READY;
}

static enum carrier_state fake_put(struct carrier *c, const struct spool_item *item, struct error *e)
{
	if (script.fail && c->taken >= script.fail) {
		error_set(e, "it broke");
		return CARRIER_FAILED;
	}
	if (script.room && c->taken >= script.room) {
		script.room += 3; /* the next time there is some */
		return CARRIER_BUSY;
	}
	char text[24];
	snprintf(text, sizeof(text), "item %llu", (unsigned long long)item->number);
	assert_int_equal(item->payload.n, strlen(text));
	assert_memory_equal(item->payload.p, text, strlen(text));
	assert_true(script.n < PLENTY);
	script.got[script.n++] = item->number;
	c->done[c->n++] = item->number;
	c->taken++;
	return CARRIER_READY;
}

static uint64_t fake_done(const struct carrier *c)
{
	return c->n > script.late ? c->done[c->n - 1 - script.late] : 0;
}

static void fake_free(struct carrier *c)
{
	script.freed++;
	free(c);
}

static const struct carrier_kind kind = { fake_new, fake_state, fake_put, fake_done, fake_free };

static int set_up(void **state)
{
	(void)state;
	script = (struct script){ 0 };
	snprintf(folder, sizeof(folder), "/tmp/mxwitness-deliver-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int clean(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct spool *writer(void)
{
	struct error e = { "" };
	struct spool *s = spool_open(folder, 1 << 20, &e);
	if (!s)
		fail_msg("%s", e.text);
	return s;
}

static struct deliver *deliverer(void)
{
	static const struct output_settings o = { .type = output_type_syslog };
	struct error e = { "" };
	struct deliver *d = deliver_new(folder, "test", &kind, &o, PAUSE, &e);
	if (!d)
		fail_msg("%s", e.text);
	return d;
}

static void put(struct spool *s, unsigned n)
{
	char text[24];
	while (n--) {
		const int len = snprintf(text, sizeof(text), "item %llu", (unsigned long long)spool_next_number(s));
		struct spool_item item = { .dataset = dataset_alert, .payload = { (const uint8_t *)text, (size_t)len } };
		assert_true(spool_put(s, &item));
	}
}

/* Until so many are left, within a bounded number of rounds; how many rounds it took. */
static unsigned work(struct deliver *d, uint64_t left)
{
	unsigned rounds = 0;
	while (deliver_left(d) > left && rounds < 2000) {
		deliver_work(d, 1);
		rounds++;
	}
	assert_int_equal(deliver_left(d), left);
	return rounds;
}

static void takes_all(void **state)
{
	(void)state;
	struct spool *s = writer();
	struct deliver *d = deliverer();
	deliver_work(d, 1);
	assert_int_equal(script.n, 0);
	put(s, 1500);
	assert_int_equal(deliver_left(d), 1500);
	work(d, 0);
	assert_int_equal(script.n, 1500);
	for (size_t i = 0; i < script.n; i++)
		assert_int_equal(script.got[i], i + 1);
	const struct spool_numbers n = spool_numbers(s);
	assert_int_equal(n.sent, 1500);
	assert_int_equal(n.again, 0);
	assert_int_equal(n.failures, 0);
	assert_true(n.taken);
	deliver_free(d);
	spool_close(s);
	assert_int_equal(script.made, 1);
	assert_int_equal(script.freed, 1);
}

/* One that has enough for now is given the same item again, and none is left out. */
static void has_enough(void **state)
{
	(void)state;
	struct spool *s = writer();
	struct deliver *d = deliverer();
	script.room = 2;
	put(s, 50);
	assert_true(work(d, 0) >= 16);
	assert_int_equal(script.n, 50);
	for (size_t i = 0; i < script.n; i++)
		assert_int_equal(script.got[i], i + 1);
	deliver_free(d);
	spool_close(s);
}

/* What had arrived when it failed does not come again; the rest does, and is counted. */
static void fails(void **state)
{
	(void)state;
	struct spool *s = writer();
	struct deliver *d = deliverer();
	script.fail = 10;
	script.late = 4; /* six of ten arrive */
	put(s, 30);
	for (int i = 0; i < 3; i++) {
		const size_t before = script.n;
		while (script.n < before + 10)
			deliver_work(d, 1);
		deliver_work(d, 1);
	}
	assert_int_equal(deliver_left(d), 30 - 18);
	assert_int_equal(script.got[9], 10);
	assert_int_equal(script.got[10], 7);
	assert_int_equal(script.got[20], 13);
	struct spool_numbers n = spool_numbers(s);
	assert_int_equal(n.failures, 3);
	assert_int_equal(n.again, 8);
	assert_false(n.taken);
	script.fail = script.late = 0;
	work(d, 0);
	n = spool_numbers(s);
	assert_int_equal(n.acknowledged, 30);
	assert_true(n.taken);
	deliver_free(d);
	spool_close(s);
}

/* A carrier that cannot even be made, as with a certificate that is no file: people must act, and it is tried again now and then. */
static void cannot_be_made(void **state)
{
	(void)state;
	struct spool *s = writer();
	struct deliver *d = deliverer();
	script.refuse = 1;
	put(s, 3);
	deliver_work(d, 1);
	assert_int_equal(script.n, 0);
	assert_int_equal(spool_numbers(s).failures, 1);
	assert_int_equal(deliver_left(d), 3);
	usleep(30 * PAUSE * 1000); /* what cannot work is not tried soon */
	deliver_work(d, 1);
	assert_int_equal(script.made, 0);
	usleep(40 * PAUSE * 1000);
	work(d, 0);
	assert_int_equal(script.made, 1);
	deliver_free(d);
	spool_close(s);
}

/* Another process that takes its place begins where this one had come; what was on its way comes again and is counted. */
static void taken_over(void **state)
{
	(void)state;
	struct error e;
	struct spool *s = writer();
	struct deliver *d = deliverer();
	script.late = 5;
	put(s, 20);
	for (int i = 0; i < 5; i++)
		deliver_work(d, 1);
	assert_int_equal(deliver_left(d), 5);
	assert_null(spool_read(folder, &e)); /* two would read past each other */
	deliver_free(d);
	d = deliverer();
	script.late = 0;
	put(s, 1);
	work(d, 0);
	assert_int_equal(script.got[20], 16);
	assert_int_equal(script.got[script.n - 1], 21);
	assert_int_equal(spool_numbers(s).again, 5);
	deliver_free(d);
	spool_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(takes_all, set_up, clean),
		cmocka_unit_test_setup_teardown(has_enough, set_up, clean),
		cmocka_unit_test_setup_teardown(fails, set_up, clean),
		cmocka_unit_test_setup_teardown(cannot_be_made, set_up, clean),
		cmocka_unit_test_setup_teardown(taken_over, set_up, clean),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
