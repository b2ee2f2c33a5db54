/* test_live_parts: what live lookups are made of, without a network: who waits for what, what is remembered and for
 * how long, when the fault is ours, how a server is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "health.h"
#include "lookups.h"
#include "upstream_spec.h"
#include "verdict_cache.h"

static struct question question(uint64_t id, const char *name, uint16_t type, uint32_t source)
{
	struct question q = { .id = id, .as_of = (int64_t)id * 10, .type = type, .source = source };
	snprintf(q.name, sizeof(q.name), "%s", name);
	return q;
}

/* ---- lookups ---- */

static void put_answer(struct lookups *l, unsigned at, uint8_t status)
{
	struct looked_up *x = lookups_at(l, at);
	memset(&x->answer, 0, offsetof(struct answer, data));
	memcpy(x->answer.name, x->name, sizeof(x->name));
	x->answer.type = x->type;
	x->answer.status = status;
	lookups_done(l, at);
}

static void test_merge(void **state)
{
	(void)state;
	struct lookups *l = lookups_new();
	static struct answer a;
	unsigned first, second, third;
	struct question q = question(1, "a.test", DNS_A, 0);
	assert_int_equal(lookups_put(l, &q, &first), LOOKUPS_NEW);
	q = question(2, "a.test", DNS_MX, 0);
	assert_int_equal(lookups_put(l, &q, &second), LOOKUPS_NEW);
	q = question(3, "a.test", DNS_A, 5);
	assert_int_equal(lookups_put(l, &q, &third), LOOKUPS_MERGED);
	assert_int_equal(first, third);
	assert_false(lookups_next(l, &a));
	put_answer(l, second, dnsstatus_absent);
	put_answer(l, first, dnsstatus_secure);
	/* an answer that is not taken yet is no lookup to join */
	q = question(4, "a.test", DNS_A, 0);
	assert_int_equal(lookups_put(l, &q, &third), LOOKUPS_NEW);
	static const struct { uint64_t id; uint8_t status; } order[] = { { 2, dnsstatus_absent }, { 1, dnsstatus_secure }, { 3, dnsstatus_secure } };
	for (size_t i = 0; i < 3; i++) {
		assert_true(lookups_next(l, &a));
		assert_int_equal(a.id, order[i].id);
		assert_int_equal(a.status, order[i].status);
		assert_int_equal(a.from, (int64_t)order[i].id * 10);
		assert_int_equal(a.until, a.from + 1);
	}
	assert_false(lookups_next(l, &a));
	assert_int_equal(lookups_waiting(l), 1);
	lookups_free(l);
}

/* One source gets half, the next two thirds of what is left share it, and who comes late still finds a place. */
static void test_share(void **state)
{
	(void)state;
	struct lookups *l = lookups_new();
	unsigned got[4] = { 0 }, at;
	char name[32];
	for (uint32_t source = 1; source <= 3; source++)
		for (unsigned i = 0; i < LOOKUPS; i++) {
			snprintf(name, sizeof(name), "x%u.%u.test", i, (unsigned)source);
			struct question q = question(i, name, DNS_A, source);
			enum lookups_put put = lookups_put(l, &q, &at);
			assert_true(put == LOOKUPS_NEW || put == LOOKUPS_SHARE);
			got[source] += put == LOOKUPS_NEW;
		}
	assert_int_equal(got[1], LOOKUPS / 2);
	assert_int_equal(got[2], LOOKUPS / 4);
	assert_int_equal(got[3], LOOKUPS / 8);
	/* equal questions of one source are no way around it */
	struct question q = question(9, "x0.1.test", DNS_A, 1);
	assert_int_equal(lookups_put(l, &q, &at), LOOKUPS_SHARE);
	/* the sensor itself may take the rest, and then it is full */
	for (unsigned i = lookups_waiting(l); i < LOOKUPS; i++)
		assert_int_equal(lookups_put(l, &(struct question){ .id = i, .type = (uint16_t)i, .name = "y" }, &at), LOOKUPS_NEW);
	q = question(9, "z.test", DNS_A, 0);
	assert_int_equal(lookups_put(l, &q, &at), LOOKUPS_FULL);
	lookups_free(l);
}

/* Random begins and ends against a count of our own: each question is answered once, and by its own answer. */
static void test_lookups_random(void **state)
{
	(void)state;
	struct lookups *l = lookups_new();
	static struct answer a;
	static uint8_t asked[20000];
	unsigned open = 0, at;
	srand(7);
	for (unsigned id = 1; id < 20000; id++) {
		char name[16];
		snprintf(name, sizeof(name), "n%d", rand() % 60);
		struct question q = question(id, name, DNS_A, 0);
		if (lookups_put(l, &q, &at) != LOOKUPS_FULL) {
			asked[id] = (uint8_t)(1 + atoi(name + 1));
			open++;
		}
		at = (unsigned)rand() % LOOKUPS;
		if (lookups_at(l, at)->used && !lookups_at(l, at)->done)
			put_answer(l, at, dnsstatus_secure);
		while (rand() % 3 && lookups_next(l, &a)) {
			assert_int_equal(asked[a.id], 1 + atoi(a.name + 1));
			asked[a.id] = 0;
			open--;
		}
		assert_int_equal(lookups_waiting(l), open);
	}
	lookups_free(l);
}

/* ---- verdict_cache ---- */

static struct answer *answer(const char *name, uint16_t type, uint8_t status, unsigned rrs, size_t size, uint8_t fill)
{
	static struct answer a;
	memset(&a, 0, sizeof(a));
	snprintf(a.name, sizeof(a.name), "%s", name);
	a.type = type;
	a.status = status;
	a.ttl = 300;
	for (unsigned i = 0; i < rrs; i++) {
		a.rr[i].off = a.used;
		a.rr[i].n = (uint32_t)size;
		memset(a.data + a.used, fill + (int)i, size);
		a.used += (uint32_t)size;
	}
	a.rrs = (uint16_t)rrs;
	return &a;
}

static void test_cache(void **state)
{
	(void)state;
	static struct answer got;
	struct verdict_cache *c = verdict_cache_new(1 << 16);
	struct answer *a = answer("mx.test", DNS_A, dnsstatus_secure, 3, 4, 10);
	snprintf(a->canonname, sizeof(a->canonname), "real.test");
	snprintf(a->why, sizeof(a->why), "because");
	a->as_of = 99, a->sig_from = 5, a->sig_until = 6, a->seen_later = true, a->source = dnssource_live;
	a->id = 4711;
	verdict_cache_put(c, a, 10, 1000);
	assert_false(verdict_cache_get(c, "mx.test", DNS_AAAA, 1000, &got));
	assert_false(verdict_cache_get(c, "m.test", DNS_A, 1000, &got));
	assert_true(verdict_cache_get(c, "mx.test", DNS_A, 10999, &got));
	a->id = 0;
	assert_memory_equal(&got, a, answer_size(a));
	assert_true(answer_check(&got, answer_size(&got)));
	assert_false(verdict_cache_get(c, "mx.test", DNS_A, 11000, &got));
	assert_int_equal(verdict_cache_counts(c).entries, 0);
	/* another answer takes its place, and none at all ends it */
	verdict_cache_put(c, answer("mx.test", DNS_A, dnsstatus_secure, 1, 4, 1), 10, 0);
	verdict_cache_put(c, answer("mx.test", DNS_A, dnsstatus_bogus, 0, 0, 0), 10, 0);
	assert_true(verdict_cache_get(c, "mx.test", DNS_A, 0, &got));
	assert_int_equal(got.status, dnsstatus_bogus);
	verdict_cache_put(c, answer("mx.test", DNS_A, dnsstatus_secure, 1, 4, 1), 0, 0);
	assert_false(verdict_cache_get(c, "mx.test", DNS_A, 0, &got));
	assert_int_equal(verdict_cache_counts(c).octets, 0);
	verdict_cache_free(c);
}

static void test_cache_ttl(void **state)
{
	(void)state;
	static const struct {
		uint8_t status;
		unsigned rrs;
		uint32_t ttl;
		int64_t sig_until;
		uint32_t want;
		const char *why;
	} rows[] = {
		{ dnsstatus_secure, 1, 300, 0, 300, "its TTL" },
		{ dnsstatus_secure, 1, 86400, 0, CACHE_DATA_S, "a day is too long" },
		{ dnsstatus_secure, 1, 300, 1100, 100, "its signature ends first" },
		{ dnsstatus_secure, 1, 300, 900, 0, "its signature has ended" },
		{ dnsstatus_secure, 1, 0, 0, 0, "TTL 0 is not to be kept" },
		{ dnsstatus_absent, 0, 60, 0, 60, "the SOA's minimum" },
		{ dnsstatus_absent, 0, 86400, 0, CACHE_DENIAL_S, "a denial is bounded tighter" },
		{ dnsstatus_insecure, 0, 86400, 0, CACHE_DENIAL_S, "an unsigned denial too" },
		{ dnsstatus_bogus, 0, 0, 0, CACHE_BOGUS_S, "bogus" },
		{ dnsstatus_failed, 0, 86400, 0, CACHE_FAILED_S, "a failure has no TTL" },
		{ dnsstatus_incomplete, 0, 300, 0, 0, "no live answer" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct answer *a = answer("x", DNS_A, rows[i].status, rows[i].rrs, 4, 0);
		a->ttl = rows[i].ttl;
		a->sig_until = rows[i].sig_until;
		if (verdict_cache_ttl(a, 1000) != rows[i].want)
			fail_msg("%s: %u", rows[i].why, verdict_cache_ttl(a, 1000));
	}
}

/* Names that somebody invents do not displace those that exist; the latest used stay. */
static void test_cache_bound(void **state)
{
	(void)state;
	enum { BUDGET = 1 << 16 };
	static struct answer got;
	struct verdict_cache *c = verdict_cache_new(BUDGET);
	char name[32];
	for (unsigned i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "real%u.test", i);
		verdict_cache_put(c, answer(name, DNS_A, dnsstatus_secure, 1, 4, (uint8_t)i), 100, 0);
	}
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "invented%u.test", i);
		verdict_cache_put(c, answer(name, DNS_A, dnsstatus_absent, 0, 0, 0), 100, 0);
		assert_true(verdict_cache_counts(c).octets <= BUDGET);
		if (i % 10 == 0)
			assert_true(i == 0 || verdict_cache_get(c, "invented0.test", DNS_A, 0, &got));
	}
	for (unsigned i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "real%u.test", i);
		assert_true(verdict_cache_get(c, name, DNS_A, 0, &got));
		assert_int_equal(got.data[0], i);
	}
	assert_false(verdict_cache_get(c, "invented1.test", DNS_A, 0, &got));
	assert_true(verdict_cache_counts(c).evicted > 10000);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "other%u.test", i);
		verdict_cache_put(c, answer(name, DNS_TLSA, dnsstatus_secure, 1 + i % 4, 35, 0), 100, 0);
		assert_true(verdict_cache_counts(c).octets <= BUDGET);
	}
	/* larger than all there is */
	verdict_cache_put(c, answer("large.test", DNS_TLSA, dnsstatus_secure, 100, 160, 0), 100, 0);
	assert_true(verdict_cache_counts(c).octets <= BUDGET);
	verdict_cache_free(c);
}

/* ---- health ---- */

static void test_health_zones(void **state)
{
	(void)state;
	struct health h = { .key_known = true };
	char name[32];
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%u.one.test", i);
		health_saw(&h, name, dnsstatus_bogus, 10);
	}
	assert_int_equal(health_fault(&h, 10), resolverfault_none);     /* one zone, however many names */
	for (unsigned i = 0; i < HEALTH_BAD - 1; i++) {
		assert_int_equal(health_fault(&h, 10), resolverfault_none);
		snprintf(name, sizeof(name), "mx.z%u.test", i);
		health_saw(&h, name, dnsstatus_bogus, 10);
	}
	assert_int_equal(health_fault(&h, 10), resolverfault_bogus);
	assert_true(health_key_due(&h, 10 + HEALTH_KEY_SOON_S));
	/* more that are good: over, but not at the first of them */
	for (unsigned i = 0; i < HEALTH_BAD * 3 + 1; i++) {
		snprintf(name, sizeof(name), "mx.g%u.test", i);
		health_saw(&h, name, i % 2 ? dnsstatus_secure : dnsstatus_insecure, 11);
		assert_int_equal(health_fault(&h, 11), i < HEALTH_BAD * 3 ? resolverfault_bogus : resolverfault_none);
	}
	for (unsigned i = 0; i < HEALTH_BAD * 4; i++) {
		snprintf(name, sizeof(name), "mx.f%u.test", i);
		health_saw(&h, name, dnsstatus_failed, 12);
	}
	assert_int_equal(health_fault(&h, 12), resolverfault_failing);
	assert_int_equal(health_fault(&h, 13 + HEALTH_WINDOW_S), resolverfault_none);   /* long ago */
}

static void test_health_key(void **state)
{
	(void)state;
	enum { NOW = 1000000, DAY = 86400 };
	static const struct {
		uint8_t status;
		int64_t from, until;
		enum resolverfault want;
		const char *text;
	} rows[] = {
		{ dnsstatus_secure, NOW - DAY, NOW + DAY, resolverfault_none, "healthy" },
		{ dnsstatus_failed, 0, 0, resolverfault_unreachable, "no resolver answers" },
		{ dnsstatus_bogus, NOW - 3 * DAY, NOW - 2 * DAY, resolverfault_clock, "48 hours behind the end of" },
		{ dnsstatus_bogus, NOW + DAY, NOW + 2 * DAY, resolverfault_clock, "24 hours before" },
		{ dnsstatus_bogus, NOW - DAY, NOW - 1800, resolverfault_anchor, "does not fit" },     /* within what clocks may differ */
		{ dnsstatus_bogus, NOW - DAY, NOW + DAY, resolverfault_anchor, "does not fit" },
		{ dnsstatus_bogus, 0, 0, resolverfault_unsigned, "no signatures" },
		{ dnsstatus_insecure, 0, 0, resolverfault_anchor, "does not fit" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct health h = { .key_known = false };
		struct answer *a = answer(".", 48, rows[i].status, 0, 0, 0);
		char text[256];
		a->sig_from = rows[i].from;
		a->sig_until = rows[i].until;
		assert_true(health_key_due(&h, 5));
		health_key(&h, a, 5, NOW);
		assert_int_equal(health_fault(&h, 5), rows[i].want);
		health_text(&h, rows[i].want, text, sizeof(text));
		if (!strstr(text, rows[i].text))
			fail_msg("row %zu: %s", i, text);
		assert_false(health_key_due(&h, 5 + HEALTH_KEY_SOON_S - 1));
		assert_int_equal(health_key_due(&h, 5 + HEALTH_KEY_SOON_S), rows[i].want != resolverfault_none);
		assert_true(health_key_due(&h, 5 + HEALTH_KEY_S));
	}
}

/* Two that should validate, and one that should not. */
static void test_health_canary(void **state)
{
	(void)state;
	enum { SEC = dnsstatus_secure, ABS = dnsstatus_absent, INS = dnsstatus_insecure, BOG = dnsstatus_bogus, FAIL = dnsstatus_failed };
	static const struct {
		uint8_t good, also, bogus;
		enum resolverfault want;
		const char *text, *why;
	} rows[] = {
		{ SEC, SEC, BOG, resolverfault_none, "healthy", "as they must be" },
		{ ABS, SEC, BOG, resolverfault_none, "healthy", "that there is no address is proved too" },
		{ SEC, BOG, BOG, resolverfault_canary, "also.example does not validate", "one does not validate" },
		{ INS, SEC, BOG, resolverfault_canary, "good.example does not validate", "signatures are gone" },
		{ SEC, FAIL, BOG, resolverfault_none, "healthy", "one is out of reach: it may be its servers" },
		{ FAIL, FAIL, BOG, resolverfault_canary, "also.example does not validate", "all are" },
		{ SEC, SEC, SEC, resolverfault_canary, "bad.example should be bogus and is not", "whatever is said is believed" },
		{ SEC, SEC, INS, resolverfault_canary, "bad.example should be bogus and is not", "its DS is kept from us" },
		{ SEC, SEC, ABS, resolverfault_canary, "bad.example should be bogus and is not", "it is denied" },
		{ SEC, SEC, FAIL, resolverfault_none, "healthy", "a resolver may refuse to hand out what is bogus" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct health h = { .key_known = true, .canaries = 3,
				    .canary = { { .name = "good.example" }, { .name = "also.example" }, { .name = "bad.example", .bogus = true } } };
		const uint8_t status[] = { rows[i].good, rows[i].also, rows[i].bogus };
		char text[256];
		for (unsigned k = 0; k < 3; k++) {
			assert_true(health_canary_due(&h, 5) && !health_known(&h));
			health_canary(&h, k, status[k], 5);
		}
		assert_true(health_known(&h));
		enum resolverfault fault = health_fault(&h, 5);
		health_text(&h, fault, text, sizeof(text));
		if (fault != rows[i].want || !strstr(text, rows[i].text))
			fail_msg("%s: %d, %s", rows[i].why, (int)fault, text);
		assert_false(health_canary_due(&h, 5 + HEALTH_KEY_SOON_S - 1));
		assert_int_equal(health_canary_due(&h, 5 + HEALTH_KEY_SOON_S), rows[i].want == resolverfault_canary);
		assert_true(health_canary_due(&h, 5 + HEALTH_CANARY_S));
		h.key = resolverfault_clock;
		assert_int_equal(health_fault(&h, 5), resolverfault_clock);     /* the keys of the root come first */
	}
	struct health none = { .key_known = true };
	assert_true(health_known(&none) && !health_canary_due(&none, 1 << 20));
}

static void test_cache_clear(void **state)
{
	(void)state;
	static struct answer got;
	struct verdict_cache *c = verdict_cache_new(1 << 20);
	assert_non_null(c);
	for (int round = 0; round < 2; round++) {
		verdict_cache_put(c, answer("a.example", 1, dnsstatus_secure, 2, 300, 0), 300, 0);
		verdict_cache_put(c, answer("b.example", 1, dnsstatus_absent, 0, 300, 0), 300, 0);
		assert_true(verdict_cache_get(c, "a.example", 1, 1, &got) && verdict_cache_get(c, "b.example", 1, 1, &got));
		verdict_cache_clear(c);
		assert_false(verdict_cache_get(c, "a.example", 1, 1, &got) || verdict_cache_get(c, "b.example", 1, 1, &got));
		assert_int_equal(verdict_cache_counts(c).entries, 0);
		assert_int_equal(verdict_cache_counts(c).octets, 0);
	}
	verdict_cache_free(c);
}

/* ---- upstream_spec ---- */

static void test_spec(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool good, tls;
		uint16_t port;
		const char *name, *why;
	} rows[] = {
		{ "192.0.2.1", true, false, 53, "", "port 53" },
		{ "192.0.2.1@5353", true, false, 5353, "", "its port" },
		{ "2001:db8::1@53", true, false, 53, "", "IPv6" },
		{ "tls://192.0.2.1#dns.example", true, true, 853, "dns.example", "port 853" },
		{ "tls://2001:db8::1@8853#dns.example", true, true, 8853, "dns.example", "all of it" },
		{ "tls://192.0.2.1#pin=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", true, true, 853, "", "a pin" },
		{ "tls://192.0.2.1", false, true, 0, "without knowing whom", "nobody named" },
		{ "tls://192.0.2.1#", false, true, 0, "no host name", "an empty name" },
		{ "tls://192.0.2.1#a b", false, true, 0, "no host name", "a space" },
		{ "tls://192.0.2.1#pin=AAAA", false, true, 0, "32 octets", "short" },
		{ "tls://192.0.2.1#pin=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==", false, true, 0, "32 octets", "31 octets" },
		{ "tls://192.0.2.1#pin=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF*=", false, true, 0, "32 octets", "no BASE64" },
		{ "192.0.2.1#dns.example", false, false, 0, "not an IP address", "a name without TLS would be ignored" },
		{ "192.0.2.1@0", false, false, 0, "not an IP address", "port 0" },
		{ "192.0.2.1@65536", false, false, 0, "not an IP address", "a port too far" },
		{ "192.0.2.1@", false, false, 0, "not an IP address", "no port" },
		{ "192.0.2.1@5x", false, false, 0, "not an IP address", "half a port" },
		{ "dns.example", false, false, 0, "not an IP address", "a name would need a resolver" },
		{ "", false, false, 0, "not an IP address", "nothing" },
		{ "tls://", false, true, 0, "not an IP address", "nothing behind it" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dns_peer peer;
		struct error e = { "" };
		bool tls;
		char *text = malloc(strlen(rows[i].text) + 1);  /* exactly its size */
		strcpy(text, rows[i].text);
		bool good = upstream_spec(text, &peer, &tls, &e);
		free(text);
		if (good != rows[i].good)
			fail_msg("%s (%s): %s", rows[i].text, rows[i].why, e.text);
		if (!good) {
			if (!strstr(e.text, rows[i].name))
				fail_msg("%s: %s", rows[i].text, e.text);
			continue;
		}
		assert_int_equal(tls, rows[i].tls);
		assert_string_equal(peer.name, rows[i].name);
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&peer.address;
		assert_int_equal(ntohs(v4->sin_port), rows[i].port);    /* of IPv6 it stands at the same place */
		assert_int_equal(peer.pinned, strstr(rows[i].text, "pin=") != NULL);
		if (peer.pinned) /* SHA-256 of nothing */
			assert_memory_equal(peer.pin, "\xe3\xb0\xc4\x42\x98\xfc\x1c\x14", 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merge), cmocka_unit_test(test_share), cmocka_unit_test(test_lookups_random), cmocka_unit_test(test_cache),
		cmocka_unit_test(test_cache_ttl), cmocka_unit_test(test_cache_bound), cmocka_unit_test(test_health_zones),
		cmocka_unit_test(test_health_key), cmocka_unit_test(test_health_canary), cmocka_unit_test(test_cache_clear),
		cmocka_unit_test(test_spec),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
