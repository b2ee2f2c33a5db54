#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lease.h"

enum { EPOCH = 77, JUDGES = 4, DELAY_MS = 40 };

static void values(void **state)
{
	(void)state;
	static const struct {
		const char *text, *why;
		bool good;
		struct lease_value v;
	} cases[] = {
		{ "1 5 9 0123456789abcdef", "held", true, { 5, 9, "0123456789abcdef" } },
		{ "1 5 0 -", "free", true, { 5, 0, "" } },
		{ "1 9223372036854775807 9223372036854775807 a", "the most there can be", true, { INT64_MAX, INT64_MAX, "a" } },
		{ "1 9223372036854775808 1 a", "an epoch that is too large", false, { 0 } },
		{ "1 1 9223372036854775808 a", "a number that is too large", false, { 0 } },
		{ "1 1 99999999999999999999999 a", "far too large", false, { 0 } },
		{ "2 5 9 a", "of another version", false, { 0 } },
		{ "1 5 9", "cut", false, { 0 } },
		{ "1 5 9 ", "cut", false, { 0 } },
		{ "1 5  a", "a number is missing", false, { 0 } },
		{ "1 -5 9 a", "a sign", false, { 0 } },
		{ "1 5 9 A", "no id", false, { 0 } },
		{ "1 5 9 a b", "something behind it", false, { 0 } },
		{ "1 5 9 0123456789abcdef0", "too long an id", false, { 0 } },
		{ "", "nothing", false, { 0 } },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lease_value v;
		const size_t n = strlen(cases[i].text);
		uint8_t *exact = malloc(n ? n : 1);
		memcpy(exact, cases[i].text, n);
		if (lease_read((struct bytes){ exact, n }, &v) != cases[i].good)
			fail_msg("%s: \"%s\"", cases[i].why, cases[i].text);
		free(exact);
		if (!cases[i].good)
			continue;
		char text[LEASE_TEXT];
		assert_int_equal(v.epoch, cases[i].v.epoch);
		assert_int_equal(v.upto, cases[i].v.upto);
		assert_string_equal(v.holder, cases[i].v.holder);
		lease_write(&v, text);
		assert_string_equal(text, cases[i].text);
	}
}

/* ---- a store, and judges that come, go, hang and hear late ---- */

struct cell {
	char text[LEASE_TEXT];
	uint64_t revision;
};

struct story {
	struct cell cell[LEASES];
	uint64_t revision;
	struct leases judge[JUDGES];
	bool lives[JUDGES], hangs[JUDGES], cut[JUDGES];
	uint64_t announced[JUDGES];
	uint64_t wrote[LEASES];
	int64_t now;
	unsigned seed;
};

static const char *const ids[JUDGES] = { "a1", "b2", "c3", "d4" };

static void begin(struct story *s, size_t j)
{
	leases_init(&s->judge[j], ids[j], EPOCH);
	s->lives[j] = true;
	s->hangs[j] = s->cut[j] = false;
}

static void look(struct story *s, size_t j)
{
	struct lease_value v;
	for (size_t p = 0; p < LEASES; p++)
		if (s->cell[p].revision && lease_read(bytes_of(s->cell[p].text), &v))
			lease_seen(&s->judge[j], p, s->cell[p].revision, &v, s->now);
	for (size_t k = 0; k < JUDGES; k++)
		if (s->announced[k])
			lease_judge_seen(&s->judge[j], ids[k], s->announced[k], LEASE_THERE, s->now);
}

/* The store changes a value only for who knows its last revision. */
static enum lease_end put(struct story *s, size_t j, size_t p, const struct lease_value *v)
{
	if (s->cut[j])
		return LEASE_UNKNOWN;
	if (s->cell[p].revision != s->judge[j].at[p].revision)
		return LEASE_LOST;
	assert_true(v->upto >= s->wrote[p]);
	s->wrote[p] = v->upto;
	lease_write(v, s->cell[p].text);
	s->cell[p].revision = ++s->revision;
	return LEASE_DONE;
}

static void turn(struct story *s, size_t j)
{
	size_t p;
	enum lease_act act;
	if (!s->lives[j] || s->hangs[j])
		return;
	if (!s->cut[j] && rand_r(&s->seed) % 4)
		look(s, j);
	for (int i = 0; i < 3 * LEASES && (act = lease_next(&s->judge[j], s->now, &p)) != LEASE_NOTHING; i++) {
		if (act == LEASE_ANNOUNCE) {
			s->announced[j] = s->cut[j] ? s->announced[j] : ++s->revision;
			lease_done(&s->judge[j], act, 0, LEASE_DONE, 0, s->now);
			continue;
		}
		const struct lease_value v = lease_wants(&s->judge[j], act, p, (uint64_t)s->now / 1000);
		const enum lease_end end = put(s, j, p, &v);
		lease_done(&s->judge[j], act, p, end, s->revision, s->now);
	}
}

/* Nobody holds what another holds, whatever happens. */
static void each_once(const struct story *s)
{
	for (size_t p = 0; p < LEASES; p++) {
		int holders = 0;
		for (size_t j = 0; j < JUDGES; j++)
			holders += s->lives[j] && lease_held(&s->judge[j], p, s->now);
		if (holders > 1)
			fail_msg("share %zu has %d holders at %lld", p, holders, (long long)s->now);
	}
}

static void run(struct story *s, int64_t ms)
{
	for (const int64_t end = s->now + ms; s->now < end; s->now += DELAY_MS) {
		for (size_t j = 0; j < JUDGES; j++)
			turn(s, j);
		each_once(s);
	}
}

static size_t held(const struct story *s, size_t j)
{
	return leases_held(&s->judge[j], s->now);
}

static struct story *fresh(void)
{
	static struct story s;
	s = (struct story){ .now = 1000000, .seed = 7 };
	return &s;
}

static void one_takes_all(void **state)
{
	(void)state;
	struct story *s = fresh();
	begin(s, 0);
	run(s, 500);
	assert_int_equal(held(s, 0), LEASES); /* also while it has not read all there is: nobody else would speak */
	s->judge[0].ready = true;
	run(s, 30000);
	assert_int_equal(held(s, 0), LEASES);
}

/* One that joins has its part once it has read what there is, and not before. */
static void parts(void **state)
{
	(void)state;
	struct story *s = fresh();
	begin(s, 0);
	s->judge[0].ready = true;
	run(s, 1000);
	begin(s, 1);
	run(s, 15000);
	assert_int_equal(held(s, 0), LEASES);
	assert_int_equal(held(s, 1), 0);
	s->judge[1].ready = true;
	run(s, 15000);
	assert_int_equal(held(s, 0), LEASES / 2);
	assert_int_equal(held(s, 1), LEASES / 2);
	begin(s, 2);
	s->judge[2].ready = true;
	run(s, 15000);
	assert_int_equal(held(s, 0) + held(s, 1) + held(s, 2), LEASES);
	for (size_t j = 0; j < 3; j++)
		assert_in_range(held(s, j), 4, 6);
}

/* It is killed: the others have its part when its leases have run out, and not before. */
static void killed(void **state)
{
	(void)state;
	struct story *s = fresh();
	for (size_t j = 0; j < 2; j++) {
		begin(s, j);
		s->judge[j].ready = true;
	}
	run(s, 30000);
	assert_int_equal(held(s, 0), LEASES / 2);
	s->lives[0] = false;
	run(s, LEASE_SURE_MS);
	assert_int_equal(held(s, 1), LEASES / 2);
	run(s, LEASE_LIFE_MS + LEASE_RENEW_MS - LEASE_SURE_MS + 2000);
	assert_int_equal(held(s, 1), LEASES);
}

/* It ends well: the others need not wait. */
static void leaves(void **state)
{
	(void)state;
	struct story *s = fresh();
	for (size_t j = 0; j < 2; j++) {
		begin(s, j);
		s->judge[j].ready = true;
	}
	run(s, 30000);
	s->judge[0].leaving = true;
	run(s, 200);
	assert_int_equal(held(s, 0), 0);
	s->lives[0] = false;
	s->announced[0] = 0;
	lease_judge_seen(&s->judge[1], ids[0], 0, LEASE_GONE, s->now);
	run(s, 1500);
	assert_int_equal(held(s, 1), LEASES);
}

/* It does nothing for a while, or is cut off, and goes on: what it held others hold by now. */
static void hangs(void **state)
{
	(void)state;
	struct story *s = fresh();
	for (size_t j = 0; j < 2; j++) {
		begin(s, j);
		s->judge[j].ready = true;
	}
	run(s, 30000);
	for (int cut = 0; cut < 2; cut++) {
		*(cut ? &s->cut[0] : &s->hangs[0]) = true;
		run(s, 30000);
		assert_int_equal(held(s, 0), 0);
		assert_int_equal(held(s, 1), LEASES);
		s->cut[0] = s->hangs[0] = false;
		run(s, 30000);
		assert_int_equal(held(s, 0), LEASES / 2);
		assert_int_equal(held(s, 1), LEASES / 2);
	}
}

/* Many stories by chance: never two holders (each_once), and when all are well each share has one. */
static void chance(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 40; seed++) {
		struct story *s = fresh();
		s->seed = seed;
		for (int i = 0; i < 20; i++) {
			const size_t j = (size_t)rand_r(&s->seed) % JUDGES;
			switch (rand_r(&s->seed) % 5) {
			case 0: s->lives[j] = false; break;
			case 1: s->hangs[j] = !s->hangs[j]; break;
			case 2: s->cut[j] = !s->cut[j]; break;
			default: begin(s, j); s->judge[j].ready = rand_r(&s->seed) % 4; break;
			}
			run(s, rand_r(&s->seed) % 8000);
		}
		size_t all = 0;
		for (size_t j = 0; j < JUDGES; j++) {
			s->cut[j] = s->hangs[j] = false;
			s->lives[j] = s->lives[j] || j == 0;
			s->judge[j].ready = true;
		}
		if (!s->judge[0].me[0])
			begin(s, 0);
		s->judge[0].ready = true;
		run(s, 40000);
		for (size_t j = 0; j < JUDGES; j++)
			all += s->lives[j] ? held(s, j) : 0;
		assert_int_equal(all, LEASES);
	}
}

/* Numbers of a stream that was there before mean nothing. */
static void other_epoch(void **state)
{
	(void)state;
	struct leases l;
	leases_init(&l, "a1", EPOCH);
	lease_seen(&l, 3, 5, &(struct lease_value){ EPOCH + 1, 1000, "" }, 10);
	assert_int_equal(lease_wants(&l, LEASE_TAKE, 3, 0).upto, 0);
	lease_seen(&l, 3, 6, &(struct lease_value){ EPOCH, 40, "" }, 10);
	assert_int_equal(lease_wants(&l, LEASE_TAKE, 3, 0).upto, 40);
	assert_int_equal(lease_wants(&l, LEASE_GIVE, 3, 50).upto, 50);
	lease_done(&l, LEASE_TAKE, 3, LEASE_DONE, 7, 100);
	assert_true(lease_held(&l, 3, 200));
	lease_seen(&l, 3, 7, &(struct lease_value){ EPOCH, 40, "a1" }, 200); /* what we wrote */
	assert_true(lease_held(&l, 3, 200));
	lease_seen(&l, 3, 8, &(struct lease_value){ EPOCH, 40, "b2" }, 200);
	assert_false(lease_held(&l, 3, 200));
}

/* One that was killed long ago, and whose word still stands there, leaves no share to nobody. */
static void found(void **state)
{
	(void)state;
	struct leases l;
	size_t share;
	leases_init(&l, "a1", EPOCH);
	l.ready = true;
	l.announced = 1000;
	lease_judge_seen(&l, "b2", 1, LEASE_FOUND, 1000);
	for (int i = 0; i < LEASES; i++) {
		assert_int_equal(lease_next(&l, 1000, &share), LEASE_TAKE);
		lease_done(&l, LEASE_TAKE, share, LEASE_DONE, (uint64_t)i + 1, 1000);
	}
	lease_judge_seen(&l, "b2", 2, LEASE_THERE, 1000); /* it lives, after all */
	assert_int_equal(lease_next(&l, 1000, &share), LEASE_GIVE);
}

/* Who is silent for a minute is named, once. */
static void silent(void **state)
{
	(void)state;
	struct leases l;
	leases_init(&l, "a1", EPOCH);
	lease_judge_seen(&l, "b2", 1, LEASE_THERE, 1000);
	lease_judge_seen(&l, "c3", 2, LEASE_THERE, 1000);
	lease_judge_seen(&l, "c3", 3, LEASE_THERE, 30000);
	assert_null(lease_judge_silent(&l, 1000 + LEASE_SILENT_MS));
	assert_string_equal(lease_judge_silent(&l, 1001 + LEASE_SILENT_MS), "b2");
	lease_judge_seen(&l, "b2", 0, LEASE_GONE, 1001 + LEASE_SILENT_MS);
	assert_null(lease_judge_silent(&l, 1001 + LEASE_SILENT_MS));
}

/* More judges than there is room for, and ids that are none. */
static void many_judges(void **state)
{
	(void)state;
	struct leases l;
	char id[64];
	size_t share;
	leases_init(&l, "a1", EPOCH);
	l.ready = true;
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "%x", i + 0x100);
		lease_judge_seen(&l, id, 1, LEASE_THERE, 1000 + i);
	}
	lease_judge_seen(&l, "NOT AN ID", 9, LEASE_THERE, 2000);
	lease_judge_seen(&l, "0123456789abcdef0123", 9, LEASE_THERE, 2000);
	assert_int_equal(lease_next(&l, 2000, &share), LEASE_ANNOUNCE);
	lease_done(&l, LEASE_ANNOUNCE, 0, LEASE_DONE, 0, 2000);
	assert_int_equal(lease_next(&l, 2000, &share), LEASE_TAKE); /* one of 16 is our part at least */
	lease_done(&l, LEASE_TAKE, share, LEASE_DONE, 1, 2000);
	assert_int_equal(lease_next(&l, 2000, &share), LEASE_NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values), cmocka_unit_test(one_takes_all), cmocka_unit_test(parts), cmocka_unit_test(killed), cmocka_unit_test(leaves),
		cmocka_unit_test(hangs), cmocka_unit_test(chance), cmocka_unit_test(other_epoch), cmocka_unit_test(many_judges), cmocka_unit_test(silent), cmocka_unit_test(found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
