/* Health from counters and scripted time: when a trouble is on, when it is over, what is silent, and why nothing is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vitals.h"

#define S INT64_C(1000000000)
#define M (60 * S)
#define WALL (INT64_C(1764050000) * S) /* wall clock at monotonic 0 */

static struct vitals v;
static struct record r;

/* Counters since the start, as they stand at one moment. */
struct counters {
	int64_t packets, received, kernel, shed, flows, empty, other, at_once, sessions, client, server, tls, segments, bad;
};

static void put(const struct counters *c)
{
	record_init(&r);
	record_num(&r, F_st_packets, c->packets);
	record_num(&r, F_st_flows, c->flows);
	record_num(&r, F_st_flows_empty, c->empty);
	record_num(&r, F_st_flows_other, c->other);
	record_num(&r, F_st_tls_at_once, c->at_once);
	record_num(&r, F_st_at_once, c->tls);
	record_num(&r, F_st_sessions, c->sessions);
	record_num(&r, F_st_client_only, c->client);
	record_num(&r, F_st_server_only, c->server);
	record_num(&r, F_st_segments, c->segments);
	record_num(&r, F_st_sums_bad, c->bad);
	record_num(&r, F_st_lost_packets, c->shed);
	record_add_cstr(&r, F_st_if_name, "tap0");
	record_add_num(&r, F_st_if_link, link_up);
	record_add_num(&r, F_st_if_received, c->received);
	record_add_num(&r, F_st_if_kernel, c->kernel);
}

static bool has(enum fact list, int64_t word)
{
	struct bytes item;
	size_t pos = 0;
	while (record_next(&r, list, &pos, &item))
		if (record_item_num(item) == word)
			return true;
	return false;
}

static bool named(enum fact list, const char *name)
{
	return record_list_has(&r, list, bytes_of(name));
}

static void begin(void)
{
	struct vitals_config c = vitals_defaults();
	vitals_start(&v, &c, 0, WALL);
}

static void look(const struct counters *c, int64_t mono)
{
	put(c);
	vitals_update(&v, mono, WALL + mono, &r);
}

/* Drops: the bound of a thousandth, and how long they are remembered. */
static void test_drops(void **state)
{
	static const struct {
		int64_t packets, kernel, shed, ppm;
		bool on;
		const char *why;
	} table[] = {
		{ 0, 0, 0, 0, false, "nothing at all" },
		{ 100000, 0, 0, 0, false, "no loss" },
		{ 99901, 99, 0, 990, false, "below a thousandth" },
		{ 99900, 100, 0, 1000, false, "just a thousandth" },
		{ 99000, 1000, 0, 10000, true, "a hundredth in the ring" },
		{ 99000, 0, 1000, 10000, true, "a hundredth left out by the sensor" },
		{ 0, 10, 0, 1000000, true, "everything" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct counters c = { .packets = table[i].packets, .kernel = table[i].kernel, .shed = table[i].shed };
		begin();
		look(&c, M);
		if (has(F_st_degraded, degraded_packets) != table[i].on || record_get_num(&r, F_st_drop_ppm, -1) != table[i].ppm)
			fail_msg("%s: %d of a million", table[i].why, (int)record_get_num(&r, F_st_drop_ppm, -1));
		assert_int_equal(vitals_lossy(&v, WALL + 30 * S, WALL + 40 * S), table[i].on);
	}
}

static void test_drops_end(void **state)
{
	(void)state;
	struct counters c = { .packets = 1000 };
	begin();
	look(&c, M);
	assert_false(vitals_lossy(&v, WALL, WALL + M));
	c.packets += 1000, c.kernel += 50;
	look(&c, 2 * M);
	assert_int_equal(record_get_num(&r, F_st_interval, 0), M);
	for (int m = 3; m < 7; m++) { /* the trouble holds, although no more is lost */
		c.packets += 1000;
		look(&c, m * M);
		assert_true(has(F_st_degraded, degraded_packets));
		assert_int_equal(record_get_num(&r, F_st_drop_ppm, -1), 0);
	}
	c.packets += 1000;
	look(&c, 7 * M);
	assert_false(has(F_st_degraded, degraded_packets));
	assert_false(vitals_lossy(&v, WALL, WALL + M - 1));                     /* ended before it */
	assert_true(vitals_lossy(&v, WALL, WALL + M));                          /* reaches into it */
	assert_true(vitals_lossy(&v, WALL + 3 * M, WALL + 4 * M));              /* began within the minute behind it */
	assert_false(vitals_lossy(&v, WALL + 3 * M + 1, WALL + 4 * M));
}

/* Two lossy intervals in a row are one. */
static void test_drops_go_on(void **state)
{
	(void)state;
	struct counters c = { 0 };
	begin();
	for (int m = 1; m <= 3; m++) {
		c.packets += 1000, c.kernel += 50;
		look(&c, m * M);
	}
	assert_true(vitals_lossy(&v, WALL + 10 * S, WALL + 20 * S));
	assert_true(vitals_lossy(&v, WALL + 150 * S, WALL + 160 * S));
}

static void test_troubles(void **state)
{
	(void)state;
	struct counters c = { .packets = 1 };
	begin();
	put(&c);
	record_num(&r, F_resolver_fault, resolverfault_unreachable);
	record_num(&r, F_st_lost_records, 1);
	record_num(&r, F_st_anchor_at, WALL - 31 * 1440 * M);
	record_num(&r, F_st_clock_offset, -6 * S);
	record_add_cstr(&r, F_st_output, "alerts.ndjson");
	record_add_num(&r, F_st_output_failed, 1);
	record_add_cstr(&r, F_st_disk, "/var/lib/mxwitness");
	record_add_num(&r, F_st_disk_free, 4000);
	record_add_num(&r, F_st_disk_size, 100000);
	record_add_cstr(&r, F_st_process, "resolver");
	record_add_cstr(&r, F_st_process, "judge");
	record_add_num(&r, F_st_process_ended, 1);
	record_add_num(&r, F_st_process_ended, 0);
	vitals_update(&v, M, WALL + M, &r);
	for (int i = 0; i < degraded_COUNT; i++)
		if (has(F_st_degraded, i) != (i != degraded_packets && i != degraded_interface))
			fail_msg("%s", fact_table[F_st_degraded].words[i]);
	assert_true(named(F_st_lack_output, "alerts.ndjson"));
	assert_true(named(F_st_lack_disk, "/var/lib/mxwitness"));
	assert_true(named(F_st_lack_process, "resolver"));
	assert_false(named(F_st_lack_process, "judge"));
	put(&c); /* the same counters, but nothing new */
	record_num(&r, F_st_lost_records, 1);
	record_add_cstr(&r, F_st_process, "judge");
	record_add_cstr(&r, F_st_process, "resolver");
	record_add_num(&r, F_st_process_ended, 0);
	record_add_num(&r, F_st_process_ended, 1);
	vitals_update(&v, 6 * M, WALL + 6 * M, &r);
	assert_false(record_has(&r, F_st_degraded));
	assert_false(record_has(&r, F_st_lack_process));
	assert_true(record_check(&r, record_size(&r)));
}

/* A trouble that comes back within the hold is the same one. */
static void test_hysteresis(void **state)
{
	(void)state;
	struct counters c = { .packets = 1 };
	begin();
	for (int m = 1; m < 20; m++) {
		put(&c);
		record_num(&r, F_resolver_fault, m % 3 == 1 ? resolverfault_failing : resolverfault_none);
		vitals_update(&v, m * M, WALL + m * M, &r);
		assert_true(has(F_st_degraded, degraded_resolver));
	}
}

static void link_is(int64_t link, int64_t mono)
{
	record_init(&r);
	record_add_cstr(&r, F_st_if_name, "tap0");
	record_add_num(&r, F_st_if_link, link);
	vitals_update(&v, mono, WALL + mono, &r);
}

static void test_link(void **state)
{
	(void)state;
	begin();
	link_is(link_unknown, M); /* a worker that was started anew has said nothing yet */
	assert_false(has(F_st_degraded, degraded_interface));
	link_is(link_gone, 2 * M);
	assert_true(has(F_st_degraded, degraded_interface));
	assert_true(named(F_st_lack_interface, "tap0"));
	link_is(link_gone, 800 * M);
	assert_false(record_has(&r, F_st_silent)); /* one alert, not three */
	assert_int_equal(record_get_num(&r, F_st_blind, -1), blindness_link);
	link_is(link_up, 801 * M);
	assert_true(has(F_st_degraded, degraded_interface));
	link_is(link_up, 805 * M);
	assert_false(has(F_st_degraded, degraded_interface));
}

static void test_silence(void **state)
{
	(void)state;
	struct counters c = { .packets = 100, .flows = 9, .sessions = 9 };
	begin();
	look(&c, M);
	assert_int_equal(record_get_num(&r, F_st_last_packet, 0), WALL + M);
	look(&c, 11 * M - 1);
	assert_false(record_has(&r, F_st_silent));
	look(&c, 11 * M);
	assert_true(has(F_st_silent, silence_packets));
	assert_int_equal(record_get_num(&r, F_st_blind, 0), blindness_traffic);
	assert_int_equal(record_get_num(&r, F_st_last_packet, 0), WALL + M);
	c.packets++;
	look(&c, 12 * M);
	assert_false(record_has(&r, F_st_silent));
	for (int m = 13; m < 721; m++) { /* packets go on, mail does not */
		c.packets++;
		look(&c, m * M);
		assert_false(record_has(&r, F_st_silent));
		assert_int_equal(record_get_num(&r, F_st_blind, -1), blindness_none);
	}
	c.packets++;
	look(&c, 721 * M);
	assert_true(has(F_st_silent, silence_mail));
	assert_int_equal(record_get_num(&r, F_st_blind, 0), blindness_port);
	assert_int_equal(record_get_num(&r, F_st_last_mail, 0), WALL + M);
	struct vitals_config off = { .hold = M };
	vitals_configure(&v, &off);
	look(&c, 5000 * M);
	assert_false(record_has(&r, F_st_silent));
}

static void test_one_direction(void **state)
{
	(void)state;
	struct counters c = { .packets = 100, .flows = 9, .sessions = 9 };
	begin();
	look(&c, M);
	for (int m = 2; m < 31; m++) {
		c.packets++, c.flows++, c.sessions++, c.server++;
		look(&c, m * M);
		assert_false(record_has(&r, F_st_silent));
	}
	c.packets++, c.sessions++, c.server++;
	look(&c, 31 * M);
	assert_true(has(F_st_silent, silence_client));
	assert_false(has(F_st_silent, silence_server));
	assert_int_equal(record_get_num(&r, F_st_blind, 0), blindness_none); /* said already */
	c.packets++, c.sessions++;
	look(&c, 32 * M);
	assert_false(record_has(&r, F_st_silent));
}

/* Nothing came of it for a quarter of an hour: why? */
static void test_diagnosis(void **state)
{
	static const struct {
		struct counters c;
		enum blindness is;
		const char *why;
	} table[] = {
		{ { 0 }, blindness_traffic, "nothing at all" },
		{ { .received = 5000 }, blindness_filter, "the interface receives, the filter lets nothing through" },
		{ { .packets = 900, .received = 5000 }, blindness_port, "packets, no flow on a mail port" },
		{ { .packets = 900, .flows = 4, .empty = 4 }, blindness_none, "a scanner is no reason" },
		{ { .packets = 900, .flows = 40, .empty = 38 }, blindness_payload, "no octet in nearly all" },
		{ { .packets = 900, .flows = 40, .sessions = 30, .client = 30 }, blindness_mirror, "clients only" },
		{ { .packets = 900, .flows = 40, .sessions = 30, .server = 30 }, blindness_mirror, "servers only" },
		{ { .packets = 900, .flows = 40, .other = 40, .at_once = 39 }, blindness_encrypted, "TLS at once" },
		{ { .packets = 900, .flows = 40, .sessions = 38, .tls = 38, .at_once = 38 }, blindness_encrypted, "TLS at once, and read" },
		{ { .packets = 900, .flows = 40, .sessions = 38, .tls = 37, .at_once = 37 }, blindness_none, "one with a dialogue" },
		{ { .packets = 900, .flows = 40, .other = 40 }, blindness_other, "not SMTP" },
		{ { .packets = 900, .flows = 40, .other = 40, .segments = 800, .bad = 500 }, blindness_checksum, "sums" },
		{ { .packets = 900, .flows = 40, .other = 10, .segments = 800, .bad = 500 }, blindness_checksum, "sums, open" },
		{ { .packets = 900, .flows = 40, .other = 10, .segments = 800, .bad = 5 }, blindness_none, "flows still open" },
		{ { .packets = 900, .flows = 40, .sessions = 30, .server = 29 }, blindness_none, "one is seen from both sides" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		begin();
		look(&table[i].c, 15 * M - 1);
		assert_int_equal(record_get_num(&r, F_st_blind, -1),
				 table[i].is == blindness_traffic || table[i].is == blindness_filter ? table[i].is : blindness_none);
		begin();
		look(&table[i].c, 9 * M);
		assert_int_equal(record_get_num(&r, F_st_blind, -1), blindness_none); /* not yet */
		look(&table[i].c, 15 * M);
		if (record_get_num(&r, F_st_blind, -1) != (int64_t)table[i].is)
			fail_msg("%s: %s", table[i].why, fact_table[F_st_blind].words[record_get_num(&r, F_st_blind, 0)]);
	}
}

/* Counters that go back, times that go back, more names than there is room for: nothing breaks. */
static void test_odd(void **state)
{
	(void)state;
	struct counters c = { .packets = 1000, .kernel = 5 }, less = { .packets = 10 };
	begin();
	look(&c, M);
	look(&less, 2 * M);
	assert_int_equal(record_get_num(&r, F_st_drop_ppm, -1), 0);
	look(&less, 2 * M);
	assert_int_equal(record_get_num(&r, F_st_interval, -1), 0);
	put(&less);
	for (int i = 0; i < RECORD_ITEMS; i++) {
		const uint8_t name[] = { 'p', (uint8_t)('0' + i) };
		record_add(&r, F_st_process, (struct bytes){ name, sizeof(name) });
	}
	for (int i = 0; i < RECORD_ITEMS; i++)
		record_add_num(&r, F_st_process_ended, 1);
	vitals_update(&v, 3 * M, WALL, &r);
	assert_int_equal(record_count(&r, F_st_lack_process), VITALS_NAMES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drops), cmocka_unit_test(test_drops_end), cmocka_unit_test(test_drops_go_on),
		cmocka_unit_test(test_troubles), cmocka_unit_test(test_hysteresis), cmocka_unit_test(test_link),
		cmocka_unit_test(test_silence), cmocka_unit_test(test_one_direction), cmocka_unit_test(test_diagnosis),
		cmocka_unit_test(test_odd),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
