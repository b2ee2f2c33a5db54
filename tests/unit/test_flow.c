/* flow: which segments belong together, who is client, and when it is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wire/flow.h"

static const uint8_t seed[16] = { 1, 2, 3 };
static const uint16_t ports[] = { 25, 465, 587 };
static struct stream_memory mem;
static uint64_t number;

static struct flow_table *table(size_t max)
{
	struct flow_table *t = flow_table_new(max, seed, ports, 3, &mem);
	assert_non_null(t);
	return t;
}

/* Host c, port cport, talks to host 200, port sport; reversed: the answer. */
static struct segment seg(int64_t ts, uint8_t c, uint16_t cport, uint16_t sport, bool reversed, uint8_t flags, uint32_t seq,
			  uint32_t wire)
{
	static const uint8_t zeros[256];
	struct addr a = { 4, { 10, 0, 0, c } }, b = { 4, { 10, 0, 0, 200 } };
	return (struct segment){ .ts = ts, .number = ++number, .proto = PROTO_TCP, .src = reversed ? b : a,
				 .dst = reversed ? a : b, .sport = reversed ? sport : cport,
				 .dport = reversed ? cport : sport, .flags = flags, .seq = seq, .ttl = reversed ? 50 : 64,
				 .payload = { zeros, wire }, .payload_wire = wire };
}

/* What must end first, ended; how, in a string: c closed, t timeout, r reused, e evicted, i input. */
static void finish(struct flow_table *t, struct flow *fl, char *how)
{
	struct stream_view v;
	stream_finish(&fl->streams);
	for (enum stream_item item; (item = stream_next(&fl->streams, &v)) != STREAM_NONE;)
		if (item == STREAM_DATA)
			stream_drop(&fl->streams, v.dir, v.data.n);
	size_t n = strlen(how);
	how[n] = "?ctrei"[fl->end];
	how[n + 1] = (char)('0' + fl->side[C2S].addr.a[3] % 10);
	how[n + 2] = 0;
	flow_release(t, fl);
}

static struct flow *feed(struct flow_table *t, struct segment s, enum dir *dir, char *how)
{
	struct flow *fl;
	struct stream_view v;
	while ((fl = flow_due(t, &s)))
		finish(t, fl, how);
	fl = flow_find_or_add(t, &s, dir);
	if (!fl)
		return NULL;
	stream_push(&fl->streams, *dir, &s);
	for (enum stream_item item; (item = stream_next(&fl->streams, &v)) != STREAM_NONE;)
		if (item == STREAM_DATA)
			stream_drop(&fl->streams, v.dir, v.data.n);
	return fl;
}

static void end_all(struct flow_table *t, char *how)
{
	struct flow *fl;
	while ((fl = flow_last(t)))
		finish(t, fl, how);
	assert_int_equal(flow_table_counters(t)->now_open, 0);
	assert_int_equal(mem.work.used + mem.segment.used + mem.hold.used + mem.history.used + mem.other.used, 0);
	flow_table_free(t);
}

static void test_wanted(void **state)
{
	(void)state;
	struct flow_table *t = table(4);
	struct segment s = seg(0, 1, 40000, 25, false, TCP_SYN, 1, 0);
	assert_true(flow_wanted(t, &s));
	s = seg(0, 1, 587, 40000, false, TCP_SYN, 1, 0);
	assert_true(flow_wanted(t, &s));
	s = seg(0, 1, 26, 24, false, TCP_SYN, 1, 0);
	assert_false(flow_wanted(t, &s));
	s = seg(0, 1, 40000, 25, false, TCP_SYN, 1, 0);
	s.proto = PROTO_UDP;
	assert_false(flow_wanted(t, &s));
	assert_null(flow_table_new(0, seed, ports, 3, &mem));
	assert_null(flow_table_new(4, seed, ports, 0, &mem));
	flow_table_free(t);
}

static const struct {
	const char *why;
	bool reversed;
	uint16_t cport, sport;
	uint8_t flags;
	uint32_t wire;
	bool made, client, sure;
} roles[] = {
	{ "SYN sender is client", false, 40000, 25, TCP_SYN, 0, true, true, true },
	{ "SYN-ACK sender is server", true, 40000, 25, TCP_SYN | TCP_ACK, 0, true, false, true },
	{ "SYN from a mail port is still the client's", true, 40000, 25, TCP_SYN, 0, true, true, true },
	{ "no SYN: to a mail port", false, 40000, 587, TCP_ACK, 5, true, true, false },
	{ "no SYN: from a mail port", true, 40000, 465, TCP_ACK, 5, true, false, false },
	{ "bare ACK of a flow that is over", false, 40000, 25, TCP_ACK, 0, false, false, false },
	{ "FIN of a flow that is over", false, 40000, 25, TCP_ACK | TCP_FIN, 0, false, false, false },
	{ "lone RST", false, 40000, 25, TCP_RST, 0, false, false, false },
};

static void test_roles(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		struct flow_table *t = table(4);
		char how[64] = "";
		enum dir dir = C2S;
		struct flow *fl = feed(t, seg(1, 1, roles[i].cport, roles[i].sport, roles[i].reversed, roles[i].flags, 100,
					      roles[i].wire), &dir, how);
		if (!fl != !roles[i].made)
			print_message("%s\n", roles[i].why);
		assert_int_equal(fl != NULL, roles[i].made);
		if (fl) {
			assert_int_equal(dir == C2S, roles[i].client);
			assert_int_equal(fl->role_sure, roles[i].sure);
		}
		end_all(t, how);
	}
}

static void test_both_directions_and_stats(void **state)
{
	(void)state;
	struct flow_table *t = table(4);
	char how[64] = "";
	enum dir dir;
	struct flow *fl = feed(t, seg(10, 1, 40000, 25, false, TCP_SYN, 99, 0), &dir, how);
	assert_int_equal(fl->state, FLOW_HALF);
	assert_ptr_equal(feed(t, seg(20, 1, 40000, 25, true, TCP_SYN | TCP_ACK, 499, 0), &dir, how), fl);
	assert_int_equal(dir, S2C);
	assert_int_equal(fl->state, FLOW_OPEN);
	struct segment s = seg(30, 1, 40000, 25, false, TCP_ACK, 100, 7);
	s.ttl = 60;
	s.encap = ENCAP_VLAN;
	s.vlans = 1;
	s.vlan[0] = 5;
	assert_ptr_equal(feed(t, s, &dir, how), fl); /* tagged or not, it is the same connection */
	assert_int_equal(fl->encap, ENCAP_VLAN);
	assert_int_equal(fl->side[C2S].packets, 2);
	assert_int_equal(fl->side[C2S].octets, 7);
	assert_int_equal(fl->side[C2S].ttl_min, 60);
	assert_int_equal(fl->side[C2S].ttl_max, 64);
	assert_int_equal(fl->side[S2C].isn, 499);
	assert_int_equal(fl->first, 10);
	assert_int_equal(fl->last, 30);
	assert_true(fl->client_first && fl->side[C2S].syn && fl->side[S2C].syn);
	feed(t, seg(40, 1, 40000, 25, true, TCP_SYN | TCP_ACK, 12345, 0), &dir, how);
	assert_string_equal(how, ""); /* a second SYN-ACK is a conflict, not another connection */
	assert_true(fl->syn_conflict);
	assert_int_equal(fl->side[S2C].isn, 499);
	end_all(t, how);
}

/* A script of segments of connection 1, and how flows ended. */
struct beat {
	int64_t s; /* seconds */
	bool reversed;
	uint8_t flags;
	uint32_t seq, wire;
};

static const struct {
	const char *why;
	struct beat beat[8];
	const char *how;
} endings[] = {
	{ "SYN repeated, same number", { { 1, false, TCP_SYN, 99, 0 }, { 2, false, TCP_SYN, 99, 0 } }, "i1" },
	{ "new SYN on the same ports", { { 1, false, TCP_SYN, 99, 0 }, { 2, false, TCP_ACK, 100, 5 }, { 3, false, TCP_SYN, 70000, 0 } }, "r1i1" },
	{ "new SYN after both FIN", { { 1, false, TCP_SYN, 99, 0 }, { 2, true, TCP_SYN | TCP_ACK, 499, 0 }, { 3, false, TCP_FIN | TCP_ACK, 100, 0 },
	    { 4, true, TCP_FIN | TCP_ACK, 500, 0 }, { 5, false, TCP_SYN, 200, 0 } }, "r1i1" },
	{ "the SYN captured behind its data", { { 1, false, TCP_ACK, 100, 5 }, { 1, false, TCP_SYN, 99, 0 } }, "i1" },
	{ "a SYN nowhere near: another connection", { { 1, false, TCP_ACK, 100, 5 }, { 1, false, TCP_SYN, 0x40000000, 0 } }, "r1i1" },
	{ "closed flows linger, then go", { { 1, false, TCP_SYN, 99, 0 }, { 2, true, TCP_RST | TCP_ACK, 0, 0 }, { 6, false, TCP_SYN, 99, 0 } , { 22, false, TCP_SYN, 500000, 0 } }, "c1i1" },
	{ "half open: 30 s", { { 1, false, TCP_SYN, 99, 0 }, { 32, false, TCP_SYN, 99, 0 } }, "t1i1" },
	{ "open: 11 minutes", { { 1, false, TCP_ACK, 100, 5 }, { 600, false, TCP_ACK, 105, 5 }, { 1261, false, TCP_ACK, 110, 5 } }, "t1i1" },
	{ "an RST out of the window closes nothing", { { 1, false, TCP_ACK, 100, 5 }, { 2, false, TCP_RST, 0x70000000, 0 }, { 300, false, TCP_ACK, 105, 5 } }, "i1" },
	{ "an RST that its side goes on after was not the end", { { 1, false, TCP_ACK, 100, 5 }, { 2, false, TCP_RST, 105, 0 }, { 3, false, TCP_ACK, 105, 5 },
	    { 300, false, TCP_ACK, 110, 5 } }, "i1" },
};

static void test_endings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		struct flow_table *t = table(4);
		char how[64] = "";
		enum dir dir;
		for (const struct beat *b = endings[i].beat; b->s; b++)
			feed(t, seg(b->s * FLOW_SECOND, 1, 40000, 25, b->reversed, b->flags, b->seq, b->wire), &dir, how);
		end_all(t, how);
		if (strcmp(how, endings[i].how) != 0)
			print_message("%s: %s\n", endings[i].why, how);
		assert_string_equal(how, endings[i].how);
	}
}

static void test_rst_list(void **state)
{
	(void)state;
	struct flow_table *t = table(4);
	char how[64] = "";
	enum dir dir;
	struct flow *fl = feed(t, seg(1, 1, 40000, 25, true, TCP_ACK, 500, 5), &dir, how);
	struct segment s = seg(2, 1, 40000, 25, true, TCP_RST, 505, 0);
	s.ttl = 33;
	for (uint32_t i = 0; i < 3; i++) {
		s.seq += 100;
		feed(t, s, &dir, how);
	}
	assert_int_equal(fl->side[S2C].rst_count, 3);
	assert_int_equal(fl->rst[1].seq, 705);
	assert_int_equal(fl->rst[0].ttl, 33);
	assert_int_equal(fl->side[S2C].ttl_min, 50);
	assert_false(fl->side[S2C].data_after_rst);
	feed(t, seg(3, 1, 40000, 25, true, TCP_ACK, 505, 5), &dir, how); /* before the RST's number: reordered */
	assert_false(fl->side[S2C].data_after_rst);
	feed(t, seg(4, 1, 40000, 25, true, TCP_ACK, 510, 200), &dir, how);
	assert_true(fl->side[S2C].data_after_rst);
	end_all(t, how);
}

static void test_full(void **state)
{
	(void)state;
	struct flow_table *t = table(3);
	char how[64] = "";
	enum dir dir;
	feed(t, seg(1, 1, 1001, 25, false, TCP_ACK, 100, 5), &dir, how);
	feed(t, seg(2, 2, 1002, 25, false, TCP_SYN, 100, 0), &dir, how);
	feed(t, seg(3, 3, 1003, 25, false, TCP_ACK, 100, 5), &dir, how);
	assert_non_null(feed(t, seg(4, 1, 1001, 25, false, TCP_ACK, 105, 5), &dir, how)); /* known: nothing must go */
	assert_string_equal(how, "");
	feed(t, seg(5, 4, 1004, 25, false, TCP_ACK, 100, 5), &dir, how);
	assert_string_equal(how, "e2"); /* half-open first */
	feed(t, seg(6, 5, 1005, 25, false, TCP_SYN, 100, 0), &dir, how);
	assert_string_equal(how, "e2e3"); /* then who was silent longest */
	assert_int_equal(flow_table_counters(t)->evicted, 2);
	assert_int_equal(flow_table_counters(t)->evicted_half, 1);
	assert_int_equal(flow_table_counters(t)->most_open, 3);
	end_all(t, how);
	assert_string_equal(how, "e2e3i1i4i5"); /* in the order of their last packets */
}

/* What is due is given out at the first segment behind its time, all of it. */
static void test_due_at_once(void **state)
{
	(void)state;
	struct flow_table *t = table(8);
	char how[64] = "";
	enum dir dir;
	feed(t, seg(1 * FLOW_SECOND, 1, 1001, 25, false, TCP_SYN, 100, 0), &dir, how);
	feed(t, seg(1 * FLOW_SECOND, 3, 1003, 25, false, TCP_SYN, 100, 0), &dir, how);
	feed(t, seg(24 * FLOW_SECOND, 2, 1002, 25, false, TCP_ACK, 100, 5), &dir, how);
	feed(t, seg(31 * FLOW_SECOND, 2, 1002, 25, false, TCP_ACK, 105, 5), &dir, how);
	assert_string_equal(how, "");
	feed(t, seg(32 * FLOW_SECOND, 2, 1002, 25, false, TCP_ACK, 110, 5), &dir, how);
	assert_string_equal(how, "t1t3");
	struct flow *fl;
	assert_null(flow_idle(t, 600 * FLOW_SECOND));
	while ((fl = flow_idle(t, 700 * FLOW_SECOND)))
		finish(t, fl, how);
	assert_string_equal(how, "t1t3t2");
	end_all(t, how);
}

/* The same flows under another hash key end in the same order. */
static void test_key_changes_nothing(void **state)
{
	(void)state;
	char how[2][4096] = { "", "" };
	for (int k = 0; k < 2; k++) {
		uint8_t key[16] = { (uint8_t)(k + 1), 77 };
		struct flow_table *t = flow_table_new(100, key, ports, 3, &mem);
		enum dir dir;
		for (uint32_t i = 0; i < 500; i++) {
			uint32_t c = i * 7919 % 150;
			feed(t, seg(1 + i * FLOW_SECOND, (uint8_t)c, (uint16_t)(1000 + c), 25, i % 3 == 0,
				    i % 5 ? TCP_ACK : TCP_SYN, 100, i % 5 ? 1 : 0), &dir, how[k]);
		}
		end_all(t, how[k]);
	}
	assert_string_equal(how[0], how[1]);
	assert_true(strlen(how[0]) > 300);
}

/* SYN, answer, payload and their repetition of client c at port p; how many of the four belonged to a flow. */
static int connection(struct flow_table *t, int64_t ts, uint8_t c, uint16_t p, char *how)
{
	enum dir dir;
	int n = feed(t, seg(ts, c, p, 25, false, TCP_SYN, 99, 0), &dir, how) != NULL;
	n += feed(t, seg(ts, c, p, 25, true, TCP_SYN | TCP_ACK, 499, 0), &dir, how) != NULL;
	n += feed(t, seg(ts, c, p, 25, true, TCP_ACK, 500, 20), &dir, how) != NULL;
	return n + (feed(t, seg(ts, c, p, 25, false, TCP_ACK, 100, 20), &dir, how) != NULL);
}

/* Of new connections a share is taken, those whole; which ones does not depend on when they come, and a smaller share is a
 * part of a greater one. */
static void test_thin(void **state)
{
	enum { MANY = 2000 };
	static bool taken[FLOW_THIN + 2][MANY];
	static char how[4 * MANY];
	(void)state;
	for (unsigned thin = 0; thin <= FLOW_THIN + 1; thin++) {
		struct flow_table *t = table(MANY);
		unsigned n = 0;
		how[0] = 0;
		flow_shed(t, 0, thin);
		for (unsigned i = 0; i < MANY; i++) {
			int got = connection(t, 1 + i, (uint8_t)(i % 200), (uint16_t)(2000 + i), how);
			assert_true(got == 0 || got == 4);
			taken[thin][i] = got;
			n += got == 4;
			assert_true(thin == 0 || !taken[thin][i] || taken[thin - 1][i]);
		}
		unsigned share = MANY >> (thin < FLOW_THIN ? thin : FLOW_THIN);
		assert_in_range(n, share / 2, share * 3 / 2);
		assert_int_equal(flow_table_counters(t)->added, n);
		assert_int_equal(flow_table_counters(t)->shed_flows, MANY - n);
		assert_int_equal(flow_table_counters(t)->shed_packets, 4 * (MANY - n));
		assert_string_equal(how, "");
		flow_table_free(t);
	}
}

/* What is open when connections begin to be left out stays; what was left out is not taken in its middle when they are no longer. */
static void test_thin_whole(void **state)
{
	enum { MANY = 200 };
	char how[16 * MANY] = "";
	bool out[MANY];
	enum dir dir;
	unsigned left = 0;
	struct flow_table *t = table(1000);
	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(connection(t, FLOW_SECOND, (uint8_t)i, 2000, how), 4);
	flow_shed(t, 0, 1);
	for (unsigned i = 0; i < MANY; i++)
		assert_non_null(feed(t, seg(2 * FLOW_SECOND, (uint8_t)i, 2000, 25, false, TCP_ACK, 120, 9), &dir, how));
	for (unsigned i = 0; i < MANY; i++)
		left += out[i] = connection(t, 3 * FLOW_SECOND, (uint8_t)i, 3000, how) == 0;
	assert_in_range(left, MANY / 4, MANY * 3 / 4);
	flow_shed(t, 0, 0);
	for (unsigned i = 0; i < MANY; i++) {
		struct flow *fl = feed(t, seg(4 * FLOW_SECOND, (uint8_t)i, 3000, 25, false, TCP_ACK, 120, 9), &dir, how);
		assert_int_equal(fl == NULL, out[i]);
	}
	for (unsigned i = 0; i < MANY; i++) /* new ones are new ones */
		assert_int_equal(connection(t, 5 * FLOW_SECOND, (uint8_t)i, 4000, how), 4);
	for (unsigned i = 0; i < MANY; i++) /* nothing of then can still be open */
		assert_non_null(feed(t, seg(2 * FLOW_IDLE_OPEN, (uint8_t)i, 5000, 25, false, TCP_ACK, 120, 9), &dir, how));
	end_all(t, how);
}

/* A bound of their own for connections without an answer: others have nothing to fear from it. */
static void test_half(void **state)
{
	char how[2000] = "";
	enum dir dir;
	struct flow_table *t = table(300);
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(connection(t, 1 + i, (uint8_t)i, 2000, how), 4);
	for (unsigned i = 0; i < 50; i++)
		feed(t, seg(1000 + i, (uint8_t)i, 3000, 25, false, TCP_SYN, 7, 0), &dir, how);
	assert_string_equal(how, "");
	flow_shed(t, 10, 0);
	feed(t, seg(2000, 50, 3000, 25, false, TCP_SYN, 7, 0), &dir, how); /* the first one finds too many */
	assert_int_equal(flow_table_counters(t)->shed_half, 41);
	assert_int_equal(strlen(how), 82);
	assert_memory_equal(how, "e0e1e2", 6); /* oldest first */
	for (unsigned i = 51; i < 150; i++)
		feed(t, seg(2000 + i, (uint8_t)i, 3000, 25, false, TCP_SYN, 7, 0), &dir, how);
	assert_int_equal(flow_table_counters(t)->shed_half, 140);
	assert_int_equal(flow_table_counters(t)->evicted, 140);
	assert_int_equal(flow_table_counters(t)->now_open, 110);
	for (unsigned i = 0; i < 100; i++)
		assert_non_null(feed(t, seg(3000, (uint8_t)i, 2000, 25, false, TCP_ACK, 120, 9), &dir, how));
	assert_int_equal(connection(t, 4000, 200, 4000, how), 4); /* answered in time */
	flow_shed(t, 0, 0);
	for (unsigned i = 0; i < 100; i++)
		feed(t, seg(5000 + i, (uint8_t)i, 5000, 25, false, TCP_SYN, 7, 0), &dir, how);
	assert_int_equal(flow_table_counters(t)->shed_half, 141);
	flow_table_free(t);
}

static int setup(void **state)
{
	(void)state;
	return stream_memory_init(&mem, 16u << 20) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	stream_memory_free(&mem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wanted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_roles, setup, teardown),
		cmocka_unit_test_setup_teardown(test_both_directions_and_stats, setup, teardown),
		cmocka_unit_test_setup_teardown(test_endings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rst_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_due_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_key_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thin, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thin_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
