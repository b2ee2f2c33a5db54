/* test_rolling: what is kept for years: the halves of a store, the ring of what the link said, and the resolver on top. With
 * the messages of tests/dns, whose signatures hold in January 2020 alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns_store.h"
#include "dns_watch.h"
#include "lookups.h"
#include "resolver.h"

#define SECOND INT64_C(1000000000)
#define START (INT64_C(1579089600) * SECOND)
#define AS_OF (START + 1800 * SECOND)
#define FOREVER (INT64_C(100) * 365 * 86400 * SECOND)

enum { MESSAGES = 2048 };

struct fixture {
	struct dns_message list[MESSAGES];
	size_t n;
};

static void load(struct fixture *f, const char *path)
{
	static char line[140000], hex[131072];
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	f->n = 0;
	while (fgets(line, sizeof(line), in)) {
		long long ts, frame;
		char how[4];
		unsigned v;
		assert_int_equal(sscanf(line, "%lld %lld %3s %131000s", &ts, &frame, how, hex), 4);
		size_t n = strlen(hex) / 2;
		uint8_t *p = malloc(n);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
			p[i] = (uint8_t)v;
		}
		f->list[f->n++] = (struct dns_message){ .ts = ts, .tcp = how[0] == 't', .octets = { p, n } };
	}
	fclose(in);
}

static void unload(struct fixture *f)
{
	for (size_t i = 0; i < f->n; i++)
		free((void *)(uintptr_t)f->list[i].octets.p);
	free(f);
}

static struct dns_name name_of(const char *text)
{
	struct dns_name n;
	assert_true(dns_wire_from_text(&n, bytes_of(text)));
	return n;
}

/* A question (rcode < 0), or an answer with one address or none. */
static struct dns_message said(uint8_t *to, const char *text, uint16_t type, int64_t ts, int rcode, uint32_t address)
{
	struct dns_name name = name_of(text);
	size_t n = 12;
	memset(to, 0, 12);
	to[2] = rcode < 0 ? 0 : 0x80;
	to[3] = rcode < 0 ? 0 : (uint8_t)rcode;
	to[5] = 1;
	to[7] = address != 0;
	memcpy(to + n, name.octets, name.n);
	n += name.n;
	memcpy(to + n, (uint8_t[]){ (uint8_t)(type >> 8), (uint8_t)type, 0, 1 }, 4);
	n += 4;
	if (address) {
		memcpy(to + n, (uint8_t[]){ 0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0x2c, 0, 4 }, 12);
		memcpy(to + n + 12, &address, 4);
		n += 16;
	}
	return (struct dns_message){ .ts = ts, .client = { 4, { 192, 0, 2, 9 } }, .server = { 4, { 192, 0, 2, 53 } }, .client_port = 4000,
				     .octets = { to, n } };
}

/* While nothing is forgotten nobody can tell that there are two halves: every question of the messages, as of several times,
 * wherever the one half ended and the other began. */
static void test_halves(void **state)
{
	static struct dns_reply a, b;
	struct fixture *f = calloc(1, sizeof(*f));
	size_t compared = 0;
	(void)state;
	load(f, "tests/dns/iterating.msgs");
	struct dns_store *plain = dns_store_new(16 << 20);
	for (size_t i = 0; i < f->n; i++)
		dns_store_add(plain, &f->list[i]);
	for (unsigned part = 1; part < 8; part++) {
		int64_t span = f->list[f->n - 1].ts - f->list[0].ts;
		struct dns_store *halves = dns_store_rolling(32 << 20, span);
		/* at the message where it shall roll time jumps, and comes back */
		for (size_t i = 0; i < f->n; i++) {
			struct dns_message m = f->list[i];
			if (i == f->n * part / 8)
				m.ts += 2 * span;
			dns_store_add(halves, &m);
			if (i == f->n * part / 8)
				dns_store_add(halves, &f->list[i]);
		}
		assert_int_equal(dns_store_rolls(halves), 1);
		for (size_t i = 0; i < f->n; i++) {
			struct dns_walk w;
			assert_true(dns_wire_open(&w, f->list[i].octets));
			for (unsigned k = 0; k < 2; k++) {
				dns_store_reply(plain, &w.qname, w.qtype, k ? AS_OF : f->list[i].ts, true, 0, &a);
				dns_store_reply(halves, &w.qname, w.qtype, k ? AS_OF : f->list[i].ts, true, 0, &b);
				assert_int_equal(a.found, b.found);
				/* what is said again in the other half comes with that message's own TTL and authority section */
				if (memcmp(a.octets, b.octets, 8) != 0)
					fail_msg("message %zu: another reply with the break at %u/8", i, part);
				compared++;
			}
		}
		dns_store_free(halves);
	}
	assert_true(compared > 500);
	dns_store_free(plain);
	unload(f);
}

/* Thousands of messages through a small store: it holds the last ones, and takes no more memory. */
static void test_flood(void **state)
{
	static struct dns_reply r;
	uint8_t octets[512], key[4];
	struct dns_name out[4];
	char text[64];
	(void)state;
	struct dns_store *s = dns_store_rolling(256 << 10, FOREVER);
	const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (unsigned i = 0; i < 100000; i++) {
		uint32_t address = i + 1;
		snprintf(text, sizeof(text), "host%u.test", i);
		struct dns_message m = said(octets, text, DNS_A, START + i * SECOND, 0, address);
		assert_int_equal(dns_store_add(s, &m), DNS_KEPT);
		if (i < 300 || i % 1000)
			continue;
		memcpy(key, &address, 4);
		assert_int_equal(dns_store_seen(s, DNS_A, (struct bytes){ key, 4 }, m.ts, out, 4), 1);
		for (unsigned back = 0; back <= 300; back += 300) {
			struct dns_name name;
			snprintf(text, sizeof(text), "host%u.test", i - back);
			name = name_of(text);
			dns_store_reply(s, &name, DNS_A, m.ts, true, 0, &r);
			if (r.found != FOUND_UNSIGNED)
				fail_msg("%s is forgotten after %u messages", text, back);
		}
	}
	assert_int_equal(mallinfo2().uordblks + mallinfo2().hblkhd, before);
	assert_true(dns_store_rolls(s) > 50);
	struct dns_name first = name_of("host0.test");
	dns_store_reply(s, &first, DNS_A, START + 100000 * SECOND, true, 0, &r);
	assert_int_equal(r.found, FOUND_MISSING);
	dns_store_free(s);
}

/* By age: what is said again and again is a hint of today, whenever it was said first; what is not is forgotten. */
static void test_age(void **state)
{
	static const int64_t hour = 3600 * SECOND;
	uint8_t octets[512], key[4] = { 10, 0, 0, 1 };
	uint32_t address;
	struct dns_name out[4], once = name_of("once.test");
	struct dns_reply *r = malloc(sizeof(*r));
	(void)state;
	memcpy(&address, key, 4);
	struct dns_store *s = dns_store_rolling(1 << 20, 72 * hour);
	struct dns_message m = said(octets, "once.test", DNS_A, START, 0, address + 1);
	dns_store_add(s, &m);
	for (int64_t h = 0; h < 24 * 30; h++) {
		m = said(octets, "daily.test", DNS_A, START + h * hour, 0, address);
		assert_int_equal(dns_store_add(s, &m), DNS_KEPT);
		assert_int_equal(dns_store_seen(s, DNS_A, (struct bytes){ key, 4 }, m.ts + hour / 2, out, 4), 1);
		dns_store_reply(s, &once, DNS_A, m.ts, true, 0, r);
		if (h < 143)
			assert_int_equal(r->found, FOUND_UNSIGNED);
		if (h > 145)
			assert_int_equal(r->found, FOUND_MISSING);
	}
	assert_true(dns_store_rolls(s) >= 9 && dns_store_rolls(s) <= 10);
	assert_int_equal(dns_store_seen(s, DNS_A, (struct bytes){ key, 4 }, START + 24 * 31 * hour, out, 4), 0);
	free(r);
	dns_store_free(s);
}

/* A clock that jumps far ahead and back costs what was kept, and nothing else. */
static void test_clock(void **state)
{
	uint8_t octets[512];
	struct dns_name name = name_of("a.test");
	struct dns_reply *r = malloc(sizeof(*r));
	(void)state;
	struct dns_store *s = dns_store_rolling(1 << 20, 72 * 3600 * SECOND);
	for (unsigned i = 0; i < 1000; i++) {
		struct dns_message m = said(octets, "a.test", DNS_A, i % 10 == 9 ? DNS_MESSAGE_TS_MAX : START + i * SECOND, 0, i + 1);
		assert_int_equal(dns_store_add(s, &m), DNS_KEPT);
		dns_store_reply(s, &name, DNS_A, START + i * SECOND, true, 0, r);
		if (i % 10 != 9)
			assert_int_equal(r->found, FOUND_UNSIGNED);
	}
	free(r);
	dns_store_free(s);
}

static unsigned count(const struct dns_watch *w, const char *text, uint16_t type, unsigned *with_octets)
{
	const struct watched *e = NULL;
	struct dns_name name = name_of(text);
	unsigned n = 0;
	*with_octets = 0;
	while (dns_watch_next(w, &name, type, INT64_MIN / 2, INT64_MAX, &e)) {
		n++;
		struct bytes b = dns_watch_octets(w, e);
		*with_octets += b.n && b.p[12] == name.octets[0] && memcmp(b.p + 12, name.octets, name.n) == 0;
	}
	return n;
}

/* The ring: the last messages are there, each with its own octets, in chains that end where they were overwritten. */
static void test_ring(void **state)
{
	enum { EVENTS = 50 };
	uint8_t octets[512];
	char text[64];
	unsigned with, all = 0;
	(void)state;
	struct dns_watch *w = dns_watch_rolling(EVENTS, 2000);
	const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "n%u.test", i % 7);
		struct dns_message m = said(octets, text, DNS_A, START + i * SECOND, 0, i % 3 ? i + 1 : 0);
		dns_watch_add(w, &m);
	}
	assert_int_equal(mallinfo2().uordblks + mallinfo2().hblkhd, before);
	for (unsigned i = 0; i < 7; i++) {
		snprintf(text, sizeof(text), "n%u.test", i);
		unsigned n = count(w, text, DNS_A, &with);
		assert_true(n == EVENTS / 7 || n == EVENTS / 7 + 1);
		assert_true(with > 3 && with <= n);
		all += n;
	}
	assert_int_equal(all, EVENTS);
	dns_watch_free(w);
}

/* Races and vain questions are seen after any number of messages; not where some were lost. */
static void test_watch(void **state)
{
	uint8_t octets[512];
	(void)state;
	struct dns_watch *w = dns_watch_rolling(64, 1 << 16);
	struct dns_name name = name_of("_25._tcp.mx.test"), race = name_of("mx.test");
	for (unsigned turn = 0; turn < 400; turn++) {
		const int64_t at = START + turn * 100 * SECOND;
		const struct watched *e = NULL;
		bool lost = turn % 3 == 2;
		struct dns_message m;
		for (unsigned i = 0; i < 3; i++) {
			m = said(octets, "_25._tcp.mx.test", DNS_TLSA, at + i * 5 * SECOND, -1, 0);
			dns_watch_add(w, &m);
		}
		if (lost)
			dns_watch_gap(w, at + 6 * SECOND);
		assert_true(dns_watch_next(w, &name, DNS_TLSA, at, at + 60 * SECOND, &e));
		assert_int_equal(dns_watch_vain(w, e), !lost);
		for (unsigned i = 0; i < 3; i++) {
			m = said(octets, "mx.test", DNS_A, at + 50 * SECOND + i * 1000000, i ? 0 : -1, i);
			dns_watch_add(w, &m);
		}
		e = NULL;
		assert_true(dns_watch_next(w, &race, DNS_A, at, at + 60 * SECOND, &e));
		assert_true(dns_watch_race(w, e));
	}
	dns_watch_free(w);
}

/* Who asked is gone: nobody gets the answers, no source owes for them, and the places come back. */
static void test_drop(void **state)
{
	struct lookups *l = lookups_new();
	struct answer *a = calloc(1, sizeof(*a));
	unsigned at[LOOKUPS], other;
	(void)state;
	for (unsigned i = 0; i < LOOKUPS / 2; i++)
		assert_int_equal(lookups_put(l, &(struct question){ .id = i, .type = (uint16_t)i, .source = 5, .name = "x" }, &at[i]), LOOKUPS_NEW);
	assert_int_equal(lookups_put(l, &(struct question){ .source = 5, .name = "more" }, &other), LOOKUPS_SHARE);
	lookups_drop(l);
	assert_int_equal(lookups_put(l, &(struct question){ .id = 999, .type = 1, .source = 5, .name = "x" }, &other), LOOKUPS_MERGED);
	for (unsigned i = 0; i < LOOKUPS / 2; i++)
		lookups_done(l, at[i]);
	assert_true(lookups_next(l, a));
	assert_int_equal(a->id, 999);
	assert_false(lookups_next(l, a));
	assert_int_equal(lookups_waiting(l), 0);
	for (unsigned i = 0; i < LOOKUPS; i++)
		assert_int_equal(lookups_put(l, &(struct question){ .id = i, .type = (uint16_t)i, .name = "y" }, &other), LOOKUPS_NEW);
	free(a);
	lookups_free(l);
}

static const struct answer *ask(struct resolver *r, const char *name, uint16_t type, int64_t as_of)
{
	static struct answer a;
	static struct question q;
	q = (struct question){ .id = 7, .as_of = as_of, .type = type };
	snprintf(q.name, sizeof(q.name), "%s", name);
	resolver_ask(r, &q, &a);
	assert_true(answer_check(&a, answer_size(&a)));
	assert_true(a.from <= as_of && as_of < a.until);
	return &a;
}

static struct resolver *start(size_t budget, char **anchors)
{
	struct error e;
	assert_true(resolver_anchor_read("tests/dns/anchor", anchors, &e));
	struct resolver_config config = { .mode = RESOLVE_CAPTURE, .anchors = *anchors, .budget = budget, .kept = 1 << 16, .rolling = true };
	struct resolver *r = resolver_new(&config, &e);
	assert_non_null(r);
	return r;
}

/* Questions while messages come: an answer is never that of an older view, and says nothing of what is to come. */
static void test_unsealed(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char *anchors;
	unsigned secure = 0, incomplete = 0;
	(void)state;
	load(f, "tests/dns/iterating.msgs");
	struct resolver *r = start(32 << 20, &anchors);
	int64_t newest = 0;
	for (size_t i = 0; i < f->n; i++) {
		resolver_store(r, &f->list[i]);
		newest = f->list[i].ts > newest ? f->list[i].ts : newest;
		if (i % 16 && i + 1 < f->n)
			continue;
		const struct answer *a = ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, AS_OF);
		assert_true(a->until <= AS_OF + 1);
		assert_true(a->status == dnsstatus_secure || a->status == dnsstatus_incomplete);
		assert_false(secure && a->status != dnsstatus_secure);
		secure += a->status == dnsstatus_secure;
		incomplete += a->status == dnsstatus_incomplete;
	}
	assert_true(newest <= AS_OF);
	assert_true(secure > 0 && incomplete > 0);
	/* a change, right after an answer from the context of before */
	assert_int_equal(ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, START + 7200 * SECOND)->rrs, 1);
	const struct answer *a = ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, START + 7200 * SECOND);
	uint8_t was = answer_rr(a, 0).p[3];
	struct fixture *later = calloc(1, sizeof(*later));
	load(later, "tests/dns/later.msgs");
	for (size_t i = 0; i < later->n; i++)
		resolver_store(r, &later->list[i]);
	a = ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, START + 7200 * SECOND);
	assert_int_equal(a->status, dnsstatus_secure);
	assert_int_not_equal(answer_rr(a, 0).p[3], was);
	assert_int_equal(ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, AS_OF)->status, dnsstatus_secure);
	assert_int_equal(answer_rr(ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, AS_OF), 0).p[3], was);
	resolver_free(r);
	free(anchors);
	unload(f);
	unload(later);
}

/* Names that somebody invents push out what was known: the answer is incomplete then, never absent; and it is there again
 * when the messages come again. */
static void test_pushed_out(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	uint8_t octets[512];
	char *anchors, text[64];
	(void)state;
	load(f, "tests/dns/iterating.msgs");
	struct resolver *r = start(4 << 20, &anchors);
	for (unsigned turn = 0; turn < 3; turn++) {
		for (size_t i = 0; i < f->n; i++)
			resolver_store(r, &f->list[i]);
		assert_int_equal(ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, AS_OF)->status, dnsstatus_secure);
		for (unsigned i = 0; i < 40000; i++) {
			snprintf(text, sizeof(text), "invented%u-%u.test", turn, i);
			struct dns_message m = said(octets, text, DNS_A, AS_OF - SECOND, 0, i + 1);
			resolver_store(r, &m);
		}
		assert_int_equal(ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, AS_OF)->status, dnsstatus_incomplete);
	}
	assert_int_equal(resolver_counts(r).full, 0);
	assert_true(resolver_counts(r).rolled > 3);
	resolver_free(r);
	free(anchors);
	unload(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_halves), cmocka_unit_test(test_flood), cmocka_unit_test(test_age), cmocka_unit_test(test_clock),
		cmocka_unit_test(test_ring), cmocka_unit_test(test_watch), cmocka_unit_test(test_drop), cmocka_unit_test(test_unsealed),
		cmocka_unit_test(test_pushed_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
