#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "speaker.h"

enum { NOW = 100000 };

static struct shares *shares;
static struct speaker *s;

static int begin(void **state)
{
	(void)state;
	shares = shares_new();
	s = speaker_new(shares);
	return !shares || !s;
}

static int end(void **state)
{
	(void)state;
	speaker_free(s);
	return 0;
}

static struct record alert_of(uint32_t server)
{
	struct record r;
	record_init(&r);
	record_str(&r, F_dst_ip, (struct bytes){ (const uint8_t *)&server, sizeof(server) });
	record_cstr(&r, F_rule_id, "starttls-stripped");
	record_num(&r, F_alert_count, server);
	return r;
}

static bool says(uint32_t server, uint64_t place, int64_t now)
{
	const struct record r = alert_of(server);
	return speaker_says(s, &r, place, now);
}

static size_t share_of(uint32_t server)
{
	const struct record r = alert_of(server);
	return speaker_share(&r);
}

/* So many come out, the first of which is of that server. */
static size_t out(int64_t now, int64_t *server)
{
	struct record r;
	size_t n = 0;
	*server = -1;
	while (speaker_next(s, now, &r))
		if (n++ == 0)
			*server = record_get_num(&r, F_alert_count, -1);
	return n;
}

static void hold(size_t share, int64_t until)
{
	atomic_store(&shares->at[share].until, until);
}

static void shares_spread(void **state)
{
	(void)state;
	size_t n[LEASES] = { 0 };
	for (uint32_t i = 0; i < 16000; i++)
		n[share_of(i)]++;
	for (size_t i = 0; i < LEASES; i++)
		assert_in_range(n[i], 500, 1500);
}

/* What is about several sessions is its rule's, whichever server was last. */
static void several(void **state)
{
	(void)state;
	struct record a = alert_of(1), b = alert_of(7);
	uint32_t other = 8;
	while (share_of(other) == share_of(1))
		other++;
	b = alert_of(other);
	assert_int_not_equal(speaker_share(&a), speaker_share(&b));
	record_yes(&a, F_alert_several);
	record_yes(&b, F_alert_several);
	assert_int_equal(speaker_share(&a), speaker_share(&b));
	record_unset(&a, F_dst_ip);
	record_unset(&a, F_alert_several);
	assert_int_equal(speaker_share(&a), speaker_share(&b));
}

/* A share is held: at first what was kept goes out, in its order, then all at once. */
static void taken_over(void **state)
{
	(void)state;
	int64_t server;
	assert_false(says(1, 10, NOW));
	assert_false(says(1, 11, NOW));
	assert_int_equal(out(NOW, &server), 0);
	assert_int_equal(speaker_kept(s), 2);
	hold(share_of(1), NOW + 5000);
	assert_false(says(1, 12, NOW));         /* behind those that are kept */
	assert_int_equal(out(NOW, &server), 3);
	assert_int_equal(server, 1);
	assert_int_equal(speaker_kept(s), 0);
	assert_true(says(1, 13, NOW));
	assert_false(says(1, 14, NOW + 5000));  /* it has run out */
	assert_int_equal(out(NOW + 5000, &server), 0);
	hold(share_of(1), NOW + 9000);
	assert_int_equal(out(NOW + 5001, &server), 1);
}

/* What who held it has written is not said again. */
static void written_by_others(void **state)
{
	(void)state;
	int64_t server;
	for (uint64_t place = 10; place < 20; place++)
		assert_false(says(1, place, NOW));
	atomic_store(&shares->at[share_of(1)].upto, 14);
	assert_int_equal(out(NOW, &server), 0);
	assert_int_equal(speaker_kept(s), 5);
	hold(share_of(1), NOW + 5000);
	assert_int_equal(out(NOW, &server), 5);
	assert_false(says(1, 14, NOW));         /* judged again, by one that has begun anew */
	assert_true(says(1, 20, NOW));
}

/* Of a share of which something is kept nothing can be said to be written. */
static void told(void **state)
{
	(void)state;
	int64_t server;
	const size_t share = share_of(1);
	speaker_written(s, 5);
	assert_int_equal(atomic_load(&shares->at[share].told), 0); /* it is not ours */
	assert_false(says(1, 10, NOW));
	hold(share, NOW + 5000);
	speaker_written(s, 10);
	assert_int_equal(atomic_load(&shares->at[share].told), 0); /* what is kept did not go out yet */
	out(NOW, &server);
	speaker_written(s, 10);
	assert_int_equal(atomic_load(&shares->at[share].told), 10);
	speaker_written(s, 9);
	assert_int_equal(atomic_load(&shares->at[share].told), 10);
	hold(share, 0);
	assert_false(says(1, 11, NOW));
	speaker_written(s, 12);
	assert_int_equal(atomic_load(&shares->at[share].told), 10);
}

/* There is no more room: better said than lost. */
static void full(void **state)
{
	(void)state;
	int64_t server;
	size_t early = 0;
	for (uint32_t i = 1; i <= SPEAKER_KEPT + 100; i++) {
		assert_false(says(i, i, NOW));
		early += out(NOW, &server);
		if (server >= 0)
			assert_int_equal(server, early);
	}
	assert_in_range(speaker_kept(s), 1, SPEAKER_KEPT);
	assert_int_equal(speaker_kept(s) + early, SPEAKER_KEPT + 100);
	assert_int_equal(speaker_early(s), early);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shares_spread, begin, end), cmocka_unit_test_setup_teardown(several, begin, end),
		cmocka_unit_test_setup_teardown(taken_over, begin, end), cmocka_unit_test_setup_teardown(written_by_others, begin, end),
		cmocka_unit_test_setup_teardown(told, begin, end), cmocka_unit_test_setup_teardown(full, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
