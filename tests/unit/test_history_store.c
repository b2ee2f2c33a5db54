/* history_store: what is in the database is what was learnt, however little of it is in memory; a network that asks for too much
 * takes nothing from another; orders; rows of noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "history_store.h"

#define DAY INT64_C(86400000000000)
#define BEGIN (20000 * DAY)

static struct store *store;
static struct history_store *history;

static void open_in_memory(size_t cached, uint64_t rows)
{
	struct error e;
	store = store_open(NULL, NULL, &e);
	history = history_store_new(cached, rows);
	assert_true(store && history && history_store_load(history, store_db(store), &e));
}

static void save(void)
{
	struct error e;
	assert_true(store_begin(store, &e) && history_store_save(history, &e) && store_commit(store, &e));
}

static void close_all(void)
{
	history_store_free(history);
	store_close(store);
}

/* The same database, and nothing in memory. */
static void forget_memory(size_t cached, uint64_t rows)
{
	struct error e;
	save();
	history_store_free(history);
	history = history_store_new(cached, rows);
	assert_true(history && history_store_load(history, store_db(store), &e));
}

static void session(struct record *r, int64_t at, uint32_t server)
{
	struct addr c = { .v = 4, .a = { 192, 0, 2, 1 } };
	struct addr s = { .v = 4, .a = { (uint8_t)(server >> 24), (uint8_t)(server >> 16), (uint8_t)(server >> 8), (uint8_t)server } };
	record_init(r);
	record_num(r, F_event_end, at);
	record_addr(r, F_src_ip, &c);
	record_addr(r, F_dst_ip, &s);
	record_num(r, F_dst_port, 25);
	record_num(r, F_cap_phase, phase_final);
	record_tri(r, F_cap_gap_dialogue, TRI_NO);
	record_tri(r, F_cap_midstream, TRI_NO);
	record_yes(r, F_smtp_offered);
	record_yes(r, F_smtp_requested);
	record_yes(r, F_tls_seen);
	record_yes(r, F_tls_established);
}

static void learn(uint32_t server, int n, int64_t from, int64_t step)
{
	static struct record r;
	for (int i = 0; i < n; i++) {
		session(&r, from + i * step, server);
		history_store_learn(history, &r, level_informational);
	}
}

static enum strength strength(uint32_t server, int64_t at)
{
	static struct record r;
	session(&r, at, server);
	history_store_recall(history, &r);
	return (enum strength)record_get_num(&r, F_hist_strength, -1);
}

enum { A = 0xc6336400, B = 0xcb007100 };       /* 198.51.100.0, 203.0.113.0 */

/* A thousand servers in a memory of sixteen. */
static void little_memory(void **state)
{
	static struct record r;
	struct error e;
	(void)state;
	open_in_memory(16, 1000000);
	for (int round = 0; round < 6; round++)
		for (uint32_t i = 0; i < 1000; i++) {
			session(&r, BEGIN + round * DAY, A + 256 * (i / 250) + i % 250);
			history_store_learn(history, &r, level_informational);
			if (history_store_full(history))
				assert_true(store_begin(store, &e) && history_store_save(history, &e));
		}
	forget_memory(16, 1000000);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(strength(A + 256 * (i / 250) + i % 250, BEGIN + 6 * DAY), strength_established);
	assert_int_equal(history_store_numbers(history).rows, 1001);      /* and their one client */
	assert_int_equal(history_store_numbers(history).evicted, 0);
	close_all();
}

/* A flood from one network costs that network its own entries, the weakest first. */
static void a_flood_takes_its_own(void **state)
{
	char key[HISTORY_KEY];
	(void)state;
	open_in_memory(256, 60);
	learn(A + 1, 60, BEGIN, DAY / 3);
	learn(B + 1, 60, BEGIN, DAY / 3);
	save();
	for (uint32_t i = 2; i < 250; i++) {
		learn(B + i, 1, BEGIN + 20 * DAY + i, 0);
		if (i % 20 == 0)
			save();
	}
	forget_memory(256, 60);
	assert_int_equal(history_store_numbers(history).rows, 60);
	assert_int_equal(strength(A + 1, BEGIN + 21 * DAY), strength_strong);
	assert_int_equal(strength(B + 1, BEGIN + 21 * DAY), strength_strong);
	assert_false(history_store_gone(history, key));
	close_all();
}

static void a_strong_one_that_goes_is_told(void **state)
{
	char key[HISTORY_KEY];
	(void)state;
	open_in_memory(256, 4);
	for (uint32_t i = 1; i < 6; i++)
		learn(A + i, 60, BEGIN + i, DAY / 3);
	save();
	assert_int_equal(history_store_numbers(history).evicted, 2);
	assert_int_equal(history_store_numbers(history).evicted_strong, 2);
	assert_true(history_store_gone(history, key));
	assert_non_null(strstr(key, "server 198.51.100."));
	assert_true(history_store_gone(history, key));
	assert_false(history_store_gone(history, key));
	close_all();
}

static void orders(void **state)
{
	static struct store_order o = { .kind = "history.import", .target = "server 198.51.100.9 25 own", .body = "strong", .at = BEGIN };
	static struct store_order other = { .kind = "incident.ack" };
	static struct store_order bad[] = {
		{ .kind = "history.import", .target = "server 198.51.100.10 25 own", .body = "huge" },
		{ .kind = "history.import", .target = "server 198.51.100.11 25 own", .body = "imported" },
		{ .kind = "history.import", .target = "server 198.51.100.12 25 own", .body = "" },
	};
	(void)state;
	open_in_memory(64, 1000);
	assert_true(history_store_order(history, &o));
	assert_false(history_store_order(history, &other));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(history_store_order(history, &bad[i]));
	assert_int_equal(strength(A + 9, BEGIN + DAY), strength_imported);
	for (uint32_t i = 10; i < 13; i++)
		assert_int_equal(strength(A + i, BEGIN + DAY), strength_none);
	learn(A + 1, 60, BEGIN, DAY / 3);
	save();
	learn(A + 1, 1, BEGIN + 20 * DAY, 0);      /* changed in memory, and on the disk */
	assert_int_equal(history_store_lower(history, "198.51.100.1", BEGIN + 21 * DAY, false), 1);
	assert_int_equal(strength(A + 1, BEGIN + 21 * DAY), strength_none);
	assert_int_equal(history_store_lower(history, "198.51.100.9", BEGIN + 21 * DAY, true), 1);
	assert_int_equal(history_store_lower(history, "198.51.100", BEGIN, true), 0);
	assert_int_equal(history_store_lower(history, "", BEGIN, true), 0);
	forget_memory(64, 1000);
	assert_int_equal(strength(A + 9, BEGIN + DAY), strength_none);
	assert_int_equal(strength(A + 1, BEGIN + 21 * DAY), strength_none);
	close_all();
}

static void noise_is_nothing(void **state)
{
	static struct history_entry e;
	struct error why;
	char key[HISTORY_KEY] = "";
	(void)state;
	open_in_memory(64, 1000);
	learn(A + 1, 60, BEGIN, DAY / 3);
	forget_memory(64, 1000);
	assert_true(store_run(store_db(store), "UPDATE history SET entry = x'0102030405'", &why));
	assert_int_equal(strength(A + 1, BEGIN + 20 * DAY), strength_none);
	assert_true(history_store_numbers(history).refused > 0);
	assert_false(history_store_next(store_db(store), key, &e));
	close_all();
}

/* A key of other octets neither comes again and again, nor hides those behind it. */
static void keys_of_noise(void **state)
{
	static struct history_entry e;
	char key[HISTORY_KEY] = "";
	struct error why;
	unsigned n = 0;
	(void)state;
	open_in_memory(64, 1000);
	learn(A + 1, 5, BEGIN, DAY);
	save();
	assert_true(store_run(store_db(store), "INSERT INTO history(key, net, strength, last, entry)"
			      " SELECT k, '', 0, 0, entry FROM history, (SELECT 'a' || char(0) || 'b' AS k UNION SELECT x'61'"
			      " UNION SELECT 'server ' || hex(zeroblob(400)) UNION SELECT 'server 198.51.100.1 ' || char(0)) WHERE key LIKE 'server %'", &why));
	while (n < 9 && history_store_next(store_db(store), key, &e))
		n++;
	assert_int_equal(n, 2);                          /* of the client and of the server */
	assert_int_equal(history_store_lower(history, "198.51.100.1", BEGIN, false), 1);
	close_all();
}

static void whom_an_address_was_for(void **state)
{
	static struct record r;
	static struct history_entry e;
	struct addr server = { .v = 4, .a = { 198, 51, 100, 1 } };
	(void)state;
	open_in_memory(64, 1000);
	session(&r, BEGIN, A + 1);
	record_cstr(&r, F_id_host, "mx.example.net");
	record_add_cstr(&r, F_id_domains, "example.net");
	record_num(&r, F_id_confidence, confidence_high);
	record_num(&r, F_id_location, location_inside);
	record_add_cstr(&r, F_id_sources, "dnssec-host");
	history_store_learn(history, &r, level_informational);
	forget_memory(64, 1000);
	assert_true(history_store_names(history, &server, BEGIN + 7 * DAY, &e));
	assert_string_equal(e.host[0].name, "mx.example.net");
	assert_string_equal(e.domain[0].name, "example.net");
	assert_false(history_store_names(history, &server, BEGIN + 7 * DAY + 1, &e));
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little_memory),
		cmocka_unit_test(a_flood_takes_its_own),
		cmocka_unit_test(a_strong_one_that_goes_is_told),
		cmocka_unit_test(orders),
		cmocka_unit_test(noise_is_nothing),
		cmocka_unit_test(keys_of_noise),
		cmocka_unit_test(whom_an_address_was_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
