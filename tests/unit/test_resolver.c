/* test_resolver: verdicts from the messages of tests/dns (see make-fixture there), held against what unbound-host
 * said on the same zones when they were recorded. Their signatures hold in January 2020 alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../forwarder.h"
#include "anchor.h"
#include "resolver.h"
#include "responder.h"
#include "wire/dns_wire.h"

#define FIXTURE "tests/dns/"
#define SECOND INT64_C(1000000000)
#define START (INT64_C(1579089600) * SECOND)
#define AS_OF (START + 1800 * SECOND)

struct message {
	struct dns_message m;
	uint8_t *octets;
};

struct fixture {
	struct message list[2048];
	size_t n;
};

static size_t unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned v;
	for (; sscanf(hex, "%2x", &v) == 1; hex += 2)
		out[n++] = (uint8_t)v;
	return n;
}

static void load(struct fixture *f, const char *name)
{
	char path[128];
	static char line[140000], hex[131072];
	snprintf(path, sizeof(path), FIXTURE "%s", name);
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in)) {
		struct message *x = &f->list[f->n++];
		char how[4];
		long long ts, frame;
		assert_int_equal(sscanf(line, "%lld %lld %3s %131000s", &ts, &frame, how, hex), 4);
		x->octets = malloc(strlen(hex) / 2);
		size_t n = unhex(hex, x->octets);
		x->m = (struct dns_message){ .ts = ts, .frame = (uint64_t)frame, .tcp = how[0] == 't', .octets = { x->octets, n } };
	}
	fclose(in);
}

static void unload(struct fixture *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->list[i].octets);
	free(f);
}

static char *anchor_of(const char *path)
{
	char *text;
	struct error e;
	assert_true(resolver_anchor_read(path, &text, &e));
	return text;
}

static char *anchor(void)
{
	return anchor_of(FIXTURE "anchor");
}

static struct resolver *start_from(const struct fixture *f, const char *path)
{
	struct error e = { "" };
	char *text = anchor_of(path);
	struct resolver_config config = { .mode = RESOLVE_CAPTURE, .anchors = text, .budget = 4 << 20 };
	struct resolver *r = resolver_new(&config, &e);
	assert_string_equal(e.text, "");
	assert_non_null(r);
	free(text);
	for (size_t i = 0; i < f->n; i++)
		resolver_store(r, &f->list[i].m);
	resolver_seal(r);
	return r;
}

static struct resolver *start(const struct fixture *f)
{
	return start_from(f, FIXTURE "anchor");
}

static struct resolver *start_with(const char *name, const char *more)
{
	struct fixture *f = calloc(1, sizeof(*f));
	load(f, name);
	if (more)
		load(f, more);
	struct resolver *r = start(f);
	unload(f);
	return r;
}

static const struct answer *ask(struct resolver *r, const char *name, uint16_t type, int64_t as_of)
{
	static struct answer a;
	static struct question q;
	q = (struct question){ .id = 7, .as_of = as_of, .type = type };
	snprintf(q.name, sizeof(q.name), "%s", name);
	assert_true(question_check(&q, sizeof(q)));
	memset(&a, 0xff, sizeof(a));
	resolver_ask(r, &q, &a);
	assert_true(answer_check(&a, answer_size(&a)));
	assert_true(a.from <= as_of && as_of < a.until);
	return &a;
}

static const char *status(const struct answer *a)
{
	static const char *const words[] = { "incomplete", "secure", "absent", "insecure", "bogus", "failed" };
	return words[a->status];
}

static uint16_t type_of(const char *text)
{
	static const struct {
		const char *text;
		uint16_t type;
	} types[] = { { "A", DNS_A }, { "AAAA", DNS_AAAA }, { "MX", DNS_MX }, { "TLSA", DNS_TLSA }, { "CNAME", DNS_CNAME } };
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].text, text) == 0)
			return types[i].type;
	return 0;
}

/* Every expectation of the file, forwards or backwards: contexts are shared, and order must not matter. */
static unsigned compare(struct resolver *r, bool backwards)
{
	static char name[128][128], kind[128][8], want[128][16], nx[128][16];
	char line[512];
	size_t n = 0;
	unsigned wrong = 0;
	FILE *f = fopen(FIXTURE "expected", "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (line[0] != '#' && sscanf(line, "%127s %7s %15s %15s", name[n], kind[n], want[n], nx[n]) == 4)
			n++;
	fclose(f);
	assert_true(n > 60);
	for (size_t k = 0; k < n; k++) {
		size_t i = backwards ? n - 1 - k : k;
		const struct answer *a = ask(r, name[i], type_of(kind[i]), AS_OF);
		if (strcmp(status(a), want[i]) == 0 && a->nxdomain == (strcmp(nx[i], "nxdomain") == 0))
			continue;
		print_error("%s %s: want %s %s, have %s%s (%s)\n", name[i], kind[i], want[i], nx[i], status(a),
			    a->nxdomain ? " nxdomain" : "", a->why);
		wrong++;
	}
	return wrong;
}

static void test_verdicts(void **state)
{
	static const char *const files[] = { "iterating.msgs", "forwarded.msgs" };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct resolver *r = start_with(files[i], NULL);
		assert_int_equal(compare(r, false), 0);
		assert_int_equal(resolver_counts(r).contexts, 1);
		resolver_free(r);
		r = start_with(files[i], NULL);
		assert_int_equal(compare(r, true), 0);
		resolver_free(r);
	}
}

static void test_data(void **state)
{
	(void)state;
	struct resolver *r = start_with("iterating.msgs", NULL);
	const struct answer *a = ask(r, "signed.test", DNS_MX, AS_OF);
	assert_int_equal(a->rrs, 2);
	assert_true(bytes_eq(answer_rr(a, 0), (struct bytes){ (const uint8_t *)"\0\012mx.signed.test", 16 }));
	assert_true(bytes_eq(answer_rr(a, 1), (struct bytes){ (const uint8_t *)"\0\024mx2.signed.test", 17 }));
	assert_int_equal(a->ttl, 3600);
	assert_int_equal(a->sig_from, 1577836800);
	assert_int_equal(a->sig_until, 1580515200);
	assert_string_equal(a->canonname, "");
	assert_int_equal(a->source, dnssource_capture);
	assert_false(a->seen_later);
	a = ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, AS_OF);
	assert_int_equal(a->rrs, 1);
	assert_int_equal(answer_rr(a, 0).n, 35);
	assert_memory_equal(answer_rr(a, 0).p, "\3\1\1\xab\xab", 5);
	a = ask(r, "alias.signed.test", DNS_A, AS_OF);
	assert_string_equal(a->canonname, "mx.signed.test");
	assert_memory_equal(answer_rr(a, 0).p, "\300\0\2\012", 4);
	a = ask(r, "away.signed.test", DNS_A, AS_OF);
	assert_string_equal(status(a), "insecure");
	assert_string_equal(a->canonname, "mx.plain.test");
	assert_int_equal(a->rrs, 1);
	a = ask(r, "away.signed.test", DNS_CNAME, AS_OF);
	assert_true(bytes_eq(answer_rr(a, 0), bytes_of("mx.plain.test")));
	a = ask(r, "_25._tcp.mx2.signed.test", DNS_TLSA, AS_OF);
	assert_int_equal(a->rrs, 0);
	assert_int_equal(a->ttl, 300);
	a = ask(r, "mx.bogus.test", DNS_A, AS_OF);
	assert_int_equal(a->rrs, 0);
	assert_non_null(strstr(a->why, "signature"));
	assert_null(strstr(a->why, "127.0.0.1"));
	resolver_free(r);
}

static void has_name(const struct answer *a, const char *name, bool want)
{
	bool found = false;
	for (unsigned i = 0; i < a->rrs; i++)
		found = found || bytes_eq(answer_rr(a, i), bytes_of(name));
	if (found != want)
		fail_msg("%s of %s: %s", name, a->name, want ? "missing" : "not expected");
}

/* Which names led to an address or a host: hints from the answers of the day before, and never a claim. */
static void test_seen(void **state)
{
	(void)state;
	const int64_t day = INT64_C(86400) * 1000000000;
	struct resolver *r = start_with("iterating.msgs", NULL);
	has_name(ask(r, "192.0.2.10", DNS_SEEN, AS_OF), "mx.signed.test", true);
	has_name(ask(r, "192.0.2.10", DNS_SEEN, AS_OF), "mx2.signed.test", false);
	has_name(ask(r, "mx.signed.test", DNS_SEEN, AS_OF), "signed.test", true);
	assert_int_equal(ask(r, "192.0.2.10", DNS_SEEN, AS_OF)->status, dnsstatus_insecure);
	assert_int_equal(ask(r, "192.0.2.99", DNS_SEEN, AS_OF)->rrs, 0);
	assert_int_equal(ask(r, "2001:db8::99", DNS_SEEN, AS_OF)->rrs, 0);
	assert_int_equal(ask(r, "nobody.test", DNS_SEEN, AS_OF)->rrs, 0);
	assert_int_equal(ask(r, "192.0.2.10", DNS_SEEN, AS_OF - 30 * day)->rrs, 0); /* not known yet */
	assert_int_equal(ask(r, "192.0.2.10", DNS_SEEN, AS_OF + 30 * day)->rrs, 0); /* too long ago */
	resolver_free(r);
}

/* What an absent proof is called: never bogus, and named. */
static void test_incomplete(void **state)
{
	static const struct {
		const char *without;    /* messages to this question are left out, referrals by the DS they carry too */
		uint16_t type;
		const char *ask;
		uint16_t ask_type;
		const char *why;
	} table[] = {
		{ "", RR_DNSKEY, "_25._tcp.mx.signed.test", DNS_TLSA, "DNSKEY of . not in the capture" },
		{ "\4test", RR_DNSKEY, "mx.signed.test", DNS_A, "DNSKEY of test not in the capture" },
		{ "\6signed\4test", RR_DNSKEY, "mx.signed.test", DNS_A, "DNSKEY of signed.test not in the capture" },
		{ "\6signed\4test", RR_DS, "mx.signed.test", DNS_A, "DS of signed.test not in the capture" },
		{ "\5plain\4test", RR_DS, "mx.plain.test", DNS_A, "DS of plain.test not in the capture" },
		{ "\4_tcp\2mx\6signed\4test", DNS_TLSA, "_443._tcp.mx.signed.test", DNS_TLSA, "TLSA of _443._tcp.mx.signed.test not in the capture" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct fixture *f = calloc(1, sizeof(*f)), *g = calloc(1, sizeof(*g));
		load(f, "forwarded.msgs");
		for (size_t k = 0; k < f->n; k++) {
			struct dns_walk w;
			assert_true(dns_wire_open(&w, f->list[k].m.octets));
			bool cut = w.qtype == table[i].type && w.qname.n == strlen(table[i].without) + 1 &&
				   memcmp(w.qname.octets, table[i].without, w.qname.n) == 0;
			if (!cut)
				g->list[g->n++] = f->list[k];
		}
		struct resolver *r = start(g);
		const struct answer *a = ask(r, table[i].ask, table[i].ask_type, AS_OF);
		assert_string_equal(status(a), "incomplete");
		assert_string_equal(a->why, table[i].why);
		resolver_free(r);
		free(g);
		unload(f);
	}
}

static void test_stub(void **state)
{
	(void)state;
	struct resolver *r = start_with("stub.msgs", NULL);
	const struct answer *a = ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, AS_OF);
	assert_string_equal(status(a), "incomplete");
	resolver_free(r);
	r = start_with("iterating.msgs", "stub.msgs");
	assert_int_equal(compare(r, false), 0);
	resolver_free(r);
}

static void test_stub_keeps_chain(void **state)
{
	(void)state;
	struct fixture *f = calloc(1, sizeof(*f)), *g = calloc(1, sizeof(*g));
	load(f, "forwarded.msgs");
	for (size_t i = 0; i < f->n; i++) {
		struct dns_walk w;
		assert_true(dns_wire_open(&w, f->list[i].m.octets));
		if (w.qtype == RR_DS || w.qtype == RR_DNSKEY)
			g->list[g->n++] = f->list[i];
	}
	size_t chain = g->n;
	load(g, "stub.msgs");
	struct resolver *r = start(g);
	const struct answer *a = ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, AS_OF);
	assert_string_equal(status(a), "incomplete");
	assert_string_equal(a->why, "TLSA of _25._tcp.mx.signed.test in the capture without its signatures (not asked for, or taken out)");
	a = ask(r, "mx.plain.test", DNS_A, AS_OF);
	assert_string_equal(status(a), "insecure");
	assert_int_equal(a->rrs, 1);
	resolver_free(r);
	for (size_t i = chain; i < g->n; i++)
		free(g->list[i].octets);
	free(g);
	unload(f);
}

/* signed.test changes its TLSA an hour after START; signatures end on 1 February and began on 1 January. */
static void test_as_of(void **state)
{
	static const struct {
		int64_t as_of;
		const char *status;
		uint8_t first;
		bool later;
		const char *why;
	} table[] = {
		{ START + 1800 * SECOND, "secure", 0xab, false, "between the two" },
		{ START + 7200 * SECOND, "secure", 0xcd, false, "after the change" },
		{ START + 3600 * SECOND - 1, "secure", 0xab, false, "just before" },
		{ START - 3600 * SECOND, "secure", 0xab, true, "before any message, but signed already" },
		{ START + 30 * 86400 * SECOND, "incomplete", 0, false, "after the signatures ended: an old capture proves no fault" },
		{ START - 20 * 86400 * SECOND, "incomplete", 0, false, "before they began: nothing had been said" },
	};
	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		struct resolver *r = start_with("iterating.msgs", "later.msgs");
		for (size_t k = 0; k < 6; k++) {
			size_t i = pass ? 5 - k : k;
			const struct answer *a = ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, table[i].as_of);
			if (strcmp(status(a), table[i].status) != 0)
				fail_msg("%s: %s %s", table[i].why, status(a), a->why);
			assert_int_equal(a->seen_later, table[i].later);
			if (table[i].first)
				assert_int_equal(answer_rr(a, 0).p[3], table[i].first);
		}
		resolver_free(r);
	}
}

/* The RRset of before and of after, each validated as of its own time (RFC 7672 4). */
static void test_versions(void **state)
{
	static const struct {
		uint16_t type;
		int64_t as_of;
		const char *status;
		uint8_t first;
		const char *why;
	} table[] = {
		{ DNS_TLSA_AFTER, START + 1800 * SECOND, "secure", 0xcd, "the next one" },
		{ DNS_TLSA_AFTER, START + 7200 * SECOND, "absent", 0, "nothing after the last" },
		{ DNS_TLSA_BEFORE, START + 7200 * SECOND, "secure", 0xab, "the one before" },
		{ DNS_TLSA_BEFORE, START + 1800 * SECOND, "absent", 0, "nothing before the first" },
		{ DNS_TLSA_AFTER, START - 3600 * SECOND, "secure", 0xcd, "the first is the one that holds, though seen later" },
	};
	(void)state;
	struct resolver *r = start_with("iterating.msgs", "later.msgs");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct question q = { .id = 7, .as_of = table[i].as_of, .type = table[i].type, .name = "_25._tcp.mx.signed.test" };
		static struct answer a;
		resolver_ask(r, &q, &a);
		assert_true(answer_check(&a, answer_size(&a)));
		if (strcmp(status(&a), table[i].status) != 0)
			fail_msg("%s: %s %s", table[i].why, status(&a), a.why);
		assert_int_equal(a.type, q.type);
		if (!table[i].first)
			continue;
		assert_int_equal(answer_rr(&a, 0).p[3], table[i].first);
		assert_true(a.type == DNS_TLSA_AFTER ? a.from >= START + 3600 * SECOND : a.from < START + 1800 * SECOND);
		assert_true(a.until >= a.from + 3600 * SECOND && a.until < a.from + 7200 * SECOND);
	}
	resolver_free(r);
}

/* Adds a copy of the answer to (name, type), or of the referral that has it, with the last octet of its
 * RDATA changed, and seen later. */
static void forge(struct fixture *f, const char *name, uint16_t type, uint8_t with, int64_t later)
{
	struct dns_name n;
	assert_true(dns_wire_from_text(&n, bytes_of(name)));
	for (size_t i = 0, end = f->n; i < end; i++) {
		struct dns_walk w;
		struct dns_rr rr;
		struct bytes in = f->list[i].m.octets;
		bool has = false;
		assert_true(dns_wire_open(&w, in));
		while (dns_wire_next(&w, &rr))
			if (rr.type == type && dns_wire_same(&rr.owner, &n)) {
				struct message *x = &f->list[f->n];
				x->octets = malloc(in.n);
				memcpy(x->octets, in.p, in.n);
				x->m = (struct dns_message){ .ts = f->list[i].m.ts + later, .frame = 9999, .octets = { x->octets, in.n } };
				size_t at = (size_t)(rr.rdata.p - in.p) + rr.rdata.n - 1;
				x->octets[at] ^= with;
				has = true;
			}
		if (has) {
			f->n++;
			return;
		}
	}
	fail_msg("no %s", name);
}

/* A forged or broken message that came later must not hide a good one; libunbound refuses it, and is given the next. */
static void test_fall_back(void **state)
{
	static const struct {
		const char *why;
		struct {
			const char *name;
			uint16_t type;
		} forged[4];
		unsigned tries;
	} table[] = {
		{ "the answer itself", { { "_25._tcp.mx.signed.test", DNS_TLSA } }, 6 },
		{ "the keys of its zone", { { "signed.test", RR_DNSKEY } }, 6 },
		{ "the DS", { { "signed.test", RR_DS } }, 6 },
		{ "the keys of the root", { { ".", RR_DNSKEY } }, 6 },
		{ "all of it", { { "_25._tcp.mx.signed.test", DNS_TLSA }, { "signed.test", RR_DNSKEY }, { "signed.test", RR_DS },
				 { "test", RR_DNSKEY } }, 24 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct fixture *f = calloc(1, sizeof(*f));
		load(f, "iterating.msgs");
		for (unsigned k = 0; k < 4 && table[i].forged[k].name; k++)
			forge(f, table[i].forged[k].name, table[i].forged[k].type, 0x5a, 60 * SECOND);
		struct resolver *r = start(f);
		const struct answer *a = ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, AS_OF);
		if (strcmp(status(a), "secure") != 0)
			fail_msg("%s: %s %s", table[i].why, status(a), a->why);
		assert_int_equal(answer_rr(a, 0).p[34], 0xab);
		assert_true(resolver_counts(r).tries > 0 && resolver_counts(r).tries <= table[i].tries);
		uint64_t tries = resolver_counts(r).tries;
		assert_string_equal(status(ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, AS_OF + SECOND)), "secure");
		assert_int_equal(resolver_counts(r).tries, tries);      /* remembered */
		assert_int_equal(compare(r, false), 0);                 /* and the rest of the world is as it was */
		resolver_free(r);
		unload(f);
	}
}

/* The zone's keys were changed, and only DS and DNSKEY were asked for since: what was signed with the old key is good with
 * the old key. What was never signed is not. */
static void test_key_roll(void **state)
{
	(void)state;
	struct fixture *f = calloc(1, sizeof(*f));
	load(f, "rolled.msgs");
	struct resolver *r = start_from(f, FIXTURE "rolled.anchor");
	assert_string_equal(status(ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, START + 1800 * SECOND)), "secure");
	assert_int_equal(resolver_counts(r).tries, 0);
	const struct answer *a = ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, START + 5400 * SECOND);
	assert_string_equal(status(a), "secure");
	assert_int_equal(answer_rr(a, 0).p[3], 0xab);
	assert_true(resolver_counts(r).tries > 0);
	resolver_free(r);
	forge(f, "_25._tcp.mx.signed.test", DNS_TLSA, 0x11, 3700 * SECOND);
	r = start_from(f, FIXTURE "rolled.anchor");
	a = ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, START + 5400 * SECOND);
	assert_string_equal(status(a), "secure");
	assert_int_equal(answer_rr(a, 0).p[34], 0xab);
	resolver_free(r);
	unload(f);
}

/* Nothing good to fall back to: bogus, found out once, within the bound. */
static void test_flood(void **state)
{
	(void)state;
	struct fixture *f = calloc(1, sizeof(*f));
	load(f, "iterating.msgs");
	for (unsigned i = 0; i < 100; i++)
		forge(f, "_25._tcp.mx.signed.test", DNS_TLSA, (uint8_t)(1 + i), (60 + i) * SECOND);
	struct resolver *r = start(f);
	assert_string_equal(status(ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, AS_OF)), "bogus");
	uint64_t tries = resolver_counts(r).tries;
	assert_true(tries <= 48);
	assert_string_equal(status(ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, AS_OF)), "bogus");
	assert_int_equal(resolver_counts(r).tries, tries);
	assert_string_equal(status(ask(r, "mx.signed.test", DNS_A, AS_OF)), "secure");
	resolver_free(r);
	unload(f);
}

/* Names that nobody asked about, in spans that proofs about other names hold; and names that are there, of which nobody
 * may say that they are not. */
static void test_spans(void **state)
{
	static const struct {
		const char *zone;
		unsigned absent; /* of 60 names, at least */
	} zones[] = { { "signed.test", 30 }, { "signed3.test", 5 }, { "example", 30 }, { "test", 5 }, { "wild.example", 30 }, { "plain.test", 0 },
		      { ".", 20 } };
	static const uint16_t types[] = { DNS_A, DNS_TLSA, DNS_MX };
	(void)state;
	const int64_t soon = START + 60 * SECOND;
	struct resolver *r = start_with("iterating.msgs", NULL);
	for (size_t z = 0; z < sizeof(zones) / sizeof(zones[0]); z++) {
		unsigned absent = 0, late = 0;
		for (unsigned i = 0; i < 60; i++) {
			char name[64], front[16];
			snprintf(front, sizeof(front), i % 3 ? "no%c%u" : "no%c%u.deep", 'a' + (int)(i % 26), i);
			snprintf(name, sizeof(name), strcmp(zones[z].zone, ".") ? "%s.%s" : "%s", front, zones[z].zone);
			const struct answer *a = ask(r, name, types[i % 3], soon);
			if (a->status != dnsstatus_absent && a->status != dnsstatus_incomplete)
				fail_msg("%s: %s %s", name, status(a), a->why);
			absent += a->status == dnsstatus_absent;
			assert_true(a->status != dnsstatus_absent || a->nxdomain);
			if (i < 12)
				late += ask(r, name, types[i % 3], AS_OF)->status == dnsstatus_absent;
		}
		if (absent < zones[z].absent || late)
			fail_msg("%s: %u absent, %u of them when the TTL was over", zones[z].zone, absent, late);
	}
	assert_int_equal(compare(r, false), 0);
	resolver_free(r);
}

/* Without the answers about one name, no span says that it does not exist; it may say that a type is not there. */
static void test_spans_spare(void **state)
{
	static const char *const names[] = { "mx.signed.test", "mx.signed3.test", "_25._tcp.mx.signed.test", "_25._tcp.mx.signed3.test",
					     "_25._tcp.mx.wild.example", "alias.signed3.test", "mx.plain.test", "mx.plain.example" };
	static const uint16_t types[] = { DNS_A, DNS_TLSA, DNS_CNAME };
	static const bool has[][3] = { { true }, { true }, { false, true }, { false, true }, { false, true }, { true, true, true },
				       { true, true, true }, { true, true, true } };
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct fixture *f = calloc(1, sizeof(*f)), *g = calloc(1, sizeof(*g));
		struct dns_name n;
		assert_true(dns_wire_from_text(&n, bytes_of(names[i])));
		load(f, "iterating.msgs");
		for (size_t k = 0; k < f->n; k++) {
			struct dns_walk w;
			struct dns_rr rr;
			bool about = false;
			assert_true(dns_wire_open(&w, f->list[k].m.octets));
			while (dns_wire_next(&w, &rr))
				about = about || (dns_wire_same(&rr.owner, &n) && rr.type != RR_NSEC);
			if (!about)
				g->list[g->n++] = f->list[k];
		}
		struct resolver *r = start(g);
		for (unsigned t = 0; t < 3; t++) {
			const struct answer *a = ask(r, names[i], types[t], START + 60 * SECOND);
			if ((has[i][t] && a->status == dnsstatus_absent) || a->status == dnsstatus_bogus)
				fail_msg("%s type %u: %s %s", names[i], types[t], status(a), a->why);
		}
		resolver_free(r);
		free(g);
		unload(f);
	}
}

/* One message of a client on the link. rcode < 0: a question. data: one record of RDATA, NULL: none; edns: DO was echoed. */
struct said {
	int64_t ms;             /* against AS_OF */
	int rcode;
	const char *data;
	uint8_t n;
	bool edns;
	uint16_t id;
};

static void say_on_link(struct fixture *f, const char *name, uint16_t type, const struct said *x)
{
	static const uint8_t opt[] = { 0, 0, 41, 16, 0, 0, 0, 0x80, 0, 0, 0 };
	uint8_t *p = calloc(1, 1024);
	struct dns_name n;
	size_t at = 12;
	assert_true(dns_wire_from_text(&n, bytes_of(name)));
	p[0] = (uint8_t)(x->id >> 8);
	p[1] = (uint8_t)x->id;
	p[2] = x->rcode < 0 ? 0 : 0x80;
	p[3] = x->rcode < 0 ? 0 : (uint8_t)x->rcode;
	p[5] = 1;
	p[7] = x->data != NULL;
	p[11] = x->edns;
	memcpy(p + at, n.octets, n.n);
	at += n.n;
	memcpy(p + at, (uint8_t[]){ (uint8_t)(type >> 8), (uint8_t)type, 0, 1 }, 4);
	at += 4;
	if (x->data) {
		memcpy(p + at, (uint8_t[]){ 0xc0, 12, (uint8_t)(type >> 8), (uint8_t)type, 0, 1, 0, 0, 1, 0, 0, x->n }, 12);
		memcpy(p + at + 12, x->data, x->n);
		at += 12u + x->n;
	}
	if (x->edns) {
		memcpy(p + at, opt, sizeof(opt));
		at += sizeof(opt);
	}
	struct message *m = &f->list[f->n++];
	m->octets = p;
	m->m = (struct dns_message){ .ts = AS_OF + x->ms * 1000000, .frame = 1, .client = { 4, { 192, 0, 2, 99 } },
				     .server = { 4, { 192, 0, 2, 53 } }, .client_port = 4000, .octets = { p, at } };
}

#define OLD "\3\1\1\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab"
#define EVIL "\3\1\1\xee\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab"

/* What the link says against what validates, and what only looks like it. */
static void test_conflicts(void **state)
{
	enum { REFUSED = 5, NOTIMP = 4 };
	static const struct {
		const char *why, *name;
		uint16_t type;
		struct said said[5];
		const char *status;
		enum dnsconflict conflict;
		enum dnshow how;
		bool proved;
	} table[] = {
		{ "the records as they are, without DO", "_25._tcp.mx.signed.test", DNS_TLSA, { { -9000, 0, OLD, 35, false, 1 } }, "secure", 0, 0, false },
		{ "other records without DO", "_25._tcp.mx.signed.test", DNS_TLSA, { { -9000, 0, EVIL, 35, false, 1 } }, "secure",
		  dnsconflict_contradiction, dnshow_data, false },
		{ "other records, DO set, without signatures", "_25._tcp.mx.signed.test", DNS_TLSA, { { -9000, 0, EVIL, 35, true, 1 } }, "secure",
		  dnsconflict_contradiction, dnshow_data, true },
		{ "near miss: more than an hour before", "_25._tcp.mx.signed.test", DNS_TLSA, { { -3600001, 0, EVIL, 35, false, 1 } }, "secure", 0, 0, false },
		{ "near miss: long after the session", "_25._tcp.mx.signed.test", DNS_TLSA, { { 60000, 0, EVIL, 35, false, 1 } }, "secure", 0, 0, false },
		{ "denied without DO", "_25._tcp.mx.signed.test", DNS_TLSA, { { -9000, 3, NULL, 0, false, 1 } }, "secure", dnsconflict_tlsa_suppressed,
		  dnshow_nxdomain, false },
		{ "denied with DO, without a proof", "_25._tcp.mx.signed.test", DNS_TLSA, { { -9000, 3, NULL, 0, true, 1 } }, "secure",
		  dnsconflict_tlsa_suppressed, dnshow_nxdomain, true },
		{ "no data", "_25._tcp.mx.signed3.test", DNS_TLSA, { { -9000, 0, NULL, 0, false, 1 } }, "secure", dnsconflict_tlsa_suppressed,
		  dnshow_nodata, false },
		{ "refused", "_25._tcp.mx.signed.test", DNS_TLSA, { { -9000, REFUSED, NULL, 0, false, 1 } }, "secure", dnsconflict_tlsa_suppressed,
		  dnshow_refused, false },
		{ "near miss: SERVFAIL is a resolver in trouble", "_25._tcp.mx.signed.test", DNS_TLSA, { { -9000, 2, NULL, 0, false, 1 } }, "secure", 0, 0, false },
		{ "near miss: the type refused where there are no records", "_25._tcp.mx2.signed.test", DNS_TLSA, { { -9000, NOTIMP, NULL, 0, false, 1 } },
		  "absent", 0, 0, false },
		{ "near miss: an address refused", "mx.signed.test", DNS_A, { { -9000, REFUSED, NULL, 0, false, 1 } }, "secure", 0, 0, false },
		{ "asked three times in vain", "_25._tcp.mx.signed.test", DNS_TLSA, { { -9000, -1, NULL, 0, true, 1 }, { -8000, -1, NULL, 0, true, 2 },
		  { -5000, -1, NULL, 0, true, 3 } }, "secure", dnsconflict_tlsa_suppressed, dnshow_unanswered, false },
		{ "near miss: twice", "_25._tcp.mx.signed.test", DNS_TLSA, { { -9000, -1, NULL, 0, true, 1 }, { -8000, -1, NULL, 0, true, 2 } }, "secure",
		  0, 0, false },
		{ "near miss: three times, half a minute between", "_25._tcp.mx.signed.test", DNS_TLSA, { { -90000, -1, NULL, 0, true, 1 },
		  { -50000, -1, NULL, 0, true, 2 }, { -9000, -1, NULL, 0, true, 3 } }, "secure", 0, 0, false },
		{ "near miss: an answer in the end", "_25._tcp.mx.signed.test", DNS_TLSA, { { -9000, -1, NULL, 0, true, 1 }, { -8000, -1, NULL, 0, true, 2 },
		  { -5000, -1, NULL, 0, true, 3 }, { -4000, 0, OLD, 35, false, 3 } }, "secure", 0, 0, false },
		{ "two answers to one question, unsigned zone", "mx.plain.test", DNS_A, { { -9000, -1, NULL, 0, true, 1 }, { -8990, 0, "\1\2\3\4", 4, false, 1 },
		  { -8980, 0, "\1\2\3\5", 4, false, 1 } }, "insecure", dnsconflict_race, dnshow_data, false },
		{ "near miss: the same twice", "mx.plain.test", DNS_A, { { -9000, -1, NULL, 0, true, 1 }, { -8990, 0, "\1\2\3\4", 4, false, 1 },
		  { -8980, 0, "\1\2\3\4", 4, false, 1 } }, "insecure", 0, 0, false },
		{ "near miss: asked twice", "mx.plain.test", DNS_A, { { -9000, -1, NULL, 0, true, 1 }, { -8995, -1, NULL, 0, true, 1 },
		  { -8990, 0, "\1\2\3\4", 4, false, 1 }, { -8980, 0, "\1\2\3\5", 4, false, 1 } }, "insecure", 0, 0, false },
		{ "near miss: another id", "mx.plain.test", DNS_A, { { -9000, -1, NULL, 0, true, 1 }, { -8990, 0, "\1\2\3\4", 4, false, 1 },
		  { -8980, 0, "\1\2\3\5", 4, false, 2 } }, "insecure", 0, 0, false },
		{ "near miss: a second later", "mx.plain.test", DNS_A, { { -9000, -1, NULL, 0, true, 1 }, { -8990, 0, "\1\2\3\4", 4, false, 1 },
		  { -7980, 0, "\1\2\3\5", 4, false, 1 } }, "insecure", 0, 0, false },
		{ "near miss: the question was not seen", "mx.plain.test", DNS_A, { { -8990, 0, "\1\2\3\4", 4, false, 1 },
		  { -8980, 0, "\1\2\3\5", 4, false, 1 } }, "insecure", 0, 0, false },
		{ "near miss: addresses without signatures rotate", "mx.signed.test", DNS_A, { { -9000, 0, "\1\2\3\4", 4, false, 1 } }, "secure", 0, 0, false },
		{ "an address with DO, without signatures", "mx.signed.test", DNS_A, { { -9000, 0, "\1\2\3\4", 4, true, 1 } }, "secure",
		  dnsconflict_contradiction, dnshow_data, true },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct fixture *f = calloc(1, sizeof(*f));
		load(f, "iterating.msgs");
		for (unsigned k = 0; k < 5 && table[i].said[k].ms; k++)
			say_on_link(f, table[i].name, table[i].type, &table[i].said[k]);
		struct resolver *r = start(f);
		const struct answer *a = ask(r, table[i].name, table[i].type, AS_OF);
		if (strcmp(status(a), table[i].status) != 0 || a->conflict != table[i].conflict || a->conflict_how != table[i].how ||
		    a->conflict_proved != table[i].proved)
			fail_msg("%s: %s, conflict %d how %d proved %d (%s)", table[i].why, status(a), a->conflict, a->conflict_how, a->conflict_proved,
				 a->why);
		if (a->conflict)
			assert_int_equal(a->conflict_server.a[3], 53);
		resolver_free(r);
		unload(f);
	}
}

/* A cache may still hold what was true before. */
static void test_conflict_after_change(void **state)
{
	static const struct said before = { 4600000, 0, OLD, 35, false, 1 }, evil = { 4700000, 0, EVIL, 35, false, 2 };
	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct fixture *f = calloc(1, sizeof(*f));
		load(f, "iterating.msgs");
		load(f, "later.msgs");
		say_on_link(f, "_25._tcp.mx.signed.test", DNS_TLSA, &before);
		if (k)
			say_on_link(f, "_25._tcp.mx.signed.test", DNS_TLSA, &evil);
		struct resolver *r = start(f);
		const struct answer *a = ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, START + 7200 * SECOND);
		assert_string_equal(status(a), "secure");
		assert_int_equal(a->conflict, k ? dnsconflict_contradiction : dnsconflict_none);
		resolver_free(r);
		unload(f);
	}
}

/* Which of the root's keys are trusted when: one at least at all times, both while the root rolled. */
static void test_root_anchors(void **state)
{
	static const struct {
		const char *when;
		int64_t at;
		const char *tags;
	} table[] = {
		{ "before the root was signed", 1262304000, "19036 " }, { "2010-07-15", 1279152000, "19036 " },
		{ "2017-02-01", 1485907200, "19036 " },	 { "2017-02-02", 1485993600, "19036 20326 " },
		{ "the roll, 2018-10-11", 1539273600, "19036 20326 " }, { "2019-01-11", 1547164800, "20326 " },
		{ "2024-07-17", 1721174400, "20326 " },	 { "2024-07-18", 1721260800, "20326 38696 " },
		{ "2026-11-25", 1795564800, "20326 38696 " },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char tags[64] = "";
		int64_t from, until;
		const char *ds;
		for (unsigned k = 0; (ds = anchor_root(k, &from, &until)); k++)
			if ((table[i].at >= from || k == 0) && table[i].at < until)
				snprintf(tags + strlen(tags), sizeof(tags) - strlen(tags), "%.6s", ds + 8);
		if (strcmp(tags, table[i].tags) != 0)
			fail_msg("%s: %s", table[i].when, tags);
	}
}

static bool holds(const struct fixture *f, const struct dns_walk *want)
{
	struct dns_walk w;
	for (size_t i = 0; i < f->n; i++)
		if (dns_wire_open(&w, f->list[i].m.octets) && w.qtype == want->qtype && dns_wire_same(&w.qname, &want->qname))
			return true;
	return false;
}

/* One bit of one message altered: an answer may be lost, it never becomes secure with other data. */
static void test_flips(void **state)
{
	(void)state;
	struct fixture *f = calloc(1, sizeof(*f)), *g = calloc(1, sizeof(*g));
	uint32_t seed = 1;
	unsigned secure = 0, other = 0;
	load(f, "forwarded.msgs");
	for (size_t i = 0; i < f->n; i++) {
		struct dns_walk w;
		struct dns_name below;
		assert_true(dns_wire_open(&w, f->list[i].m.octets));
		assert_true(dns_wire_from_text(&below, bytes_of("_25._tcp.mx.signed.test")));
		bool part = dns_wire_below(&below, &w.qname) && (w.qtype == RR_DS || w.qtype == RR_DNSKEY || w.qtype == DNS_TLSA);
		if (part && !holds(g, &w))
			g->list[g->n++] = f->list[i];
	}
	for (unsigned round = 0; round < 400; round++) {
		seed = seed * 1664525 + 1013904223;
		struct message *x = &g->list[(seed >> 8) % g->n];
		seed = seed * 1664525 + 1013904223;
		size_t bit = (seed >> 8) % (x->m.octets.n * 8);
		x->octets[bit / 8] ^= (uint8_t)(1 << (bit & 7));
		struct resolver *r = start(g);
		const struct answer *a = ask(r, "_25._tcp.mx.signed.test", DNS_TLSA, AS_OF);
		if (a->status == dnsstatus_secure) {
			secure++;
			assert_int_equal(a->rrs, 1);
			assert_int_equal(answer_rr(a, 0).n, 35);
			for (unsigned i = 3; i < 35; i++)
				assert_int_equal(answer_rr(a, 0).p[i], 0xab);
		} else {
			assert_true(a->status != dnsstatus_absent && a->status != dnsstatus_insecure);
			other++;
		}
		resolver_free(r);
		x->octets[bit / 8] ^= (uint8_t)(1 << (bit & 7));
	}
	print_message("flips: %u still secure with the same data, %u lost\n", secure, other);
	assert_true(secure && other);
	free(g);
	unload(f);
}

static void test_anchors(void **state)
{
	static const struct {
		const char *text, *says;
	} table[] = {
		{ "", ": no trust anchor in it" },
		{ "; a comment\n\n", ": no trust anchor in it" },
		{ "\n. IN DS 20326 8 2 E06D44\n. IN A 192.0.2.1\n", ":3: not a DS or DNSKEY record" },
		{ ". DS 20326 8 2 XYZ", ":1: the digest is not hexadecimal" },
		{ "\n\n. 3600 IN DNSKEY 257 3 8 A!!=", ":3: the key is not base64" },
		{ ". IN DNSKEY 257 4 8 AAAA", ":1: the protocol of a DNSKEY is 3" },
		{ "$TTL 3600\n", ":1: directives" },
		{ "a..b IN DS 1 8 2 00", ":1: the first word is not a domain name" },
		{ ". IN DS 20326 8 2 (\n E06D\n44\n)\n", NULL },
		{ ". IN DNSKEY 257 3 8 AwEA ; keytag 1\n", NULL },
	};
	(void)state;
	struct error e;
	char *text, path[] = "/tmp/test_resolver.XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, table[i].text, strlen(table[i].text), 0), strlen(table[i].text));
		bool ok = resolver_anchor_read(path, &text, &e);
		assert_int_equal(ok, !table[i].says);
		if (ok)
			free(text);
		else
			assert_memory_equal(e.text, path, strlen(path));
		if (!ok && strncmp(e.text + strlen(path), table[i].says, strlen(table[i].says)) != 0)
			fail_msg("%s", e.text);
	}
	close(fd);
	unlink(path);
	assert_false(resolver_anchor_read("/nonexistent/anchor", &text, &e));
	assert_non_null(strstr(e.text, "/nonexistent/anchor: cannot open"));
}

static void test_other_anchor(void **state)
{
	(void)state;
	struct error e;
	struct fixture *f = calloc(1, sizeof(*f));
	load(f, "iterating.msgs");
	struct resolver_config config = { .mode = RESOLVE_CAPTURE, .budget = 4 << 20 };
	struct resolver *r = resolver_new(&config, &e);
	assert_non_null(r);
	for (size_t i = 0; i < f->n; i++)
		resolver_store(r, &f->list[i].m);
	resolver_seal(r);
	assert_string_equal(status(ask(r, "mx.signed.test", DNS_A, AS_OF)), "bogus");
	resolver_free(r);
	unload(f);
}

static void test_off_and_full(void **state)
{
	(void)state;
	struct error e;
	struct fixture *f = calloc(1, sizeof(*f));
	load(f, "iterating.msgs");
	struct resolver_config config = { .mode = RESOLVE_OFF, .budget = 8192 };
	struct resolver *r = resolver_new(&config, &e);
	assert_string_equal(status(ask(r, "mx.signed.test", DNS_A, AS_OF)), "incomplete");
	resolver_free(r);
	config.mode = RESOLVE_CAPTURE;
	r = resolver_new(&config, &e);
	for (size_t i = 0; i < f->n; i++)
		resolver_store(r, &f->list[i].m);
	assert_true(resolver_counts(r).full > 0);
	assert_string_equal(status(ask(r, "mx.nowhere.test", DNS_A, AS_OF)), "incomplete");
	resolver_free(r);
	config.anchors = ". IN A 192.0.2.1";
	assert_null(resolver_new(&config, &e));
	config = (struct resolver_config){ .mode = RESOLVE_LIVE, .upstream = { "not-an-address" }, .upstreams = 1, .outside = 1 };
	assert_null(resolver_new(&config, &e));
	assert_non_null(strstr(e.text, "not-an-address"));
	unload(f);
}

/* A resolver for live mode: a child that answers from a fixture, or (files NULL) not at all. */
static pid_t serve(const char *file, uint16_t *port)
{
	struct error e;
	struct responder *r = calloc(1, sizeof(*r));
	struct fixture *f = calloc(1, sizeof(*f));
	struct dns_store *s = dns_store_new(4 << 20);
	if (file)
		load(f, file);
	for (size_t i = 0; i < f->n; i++)
		dns_store_add(s, &f->list[i].m);
	unload(f);
	r->store = s;
	r->as_of = AS_OF;
	assert_true(responder_open(r, &e));
	*port = r->port;
	pid_t child = fork();
	if (child == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);       /* a test that fails leaves nobody behind */
	struct pollfd p[] = { { r->udp, POLLIN, 0 }, { r->tcp, POLLIN, 0 } };
	while (child == 0) {
		if (poll(p, 2, -1) > 0 && file)
			responder_work(r);
	}
	responder_close(r);
	dns_store_free(s);
	free(r);
	return child;
}

static struct resolver *start_live(enum resolve_mode mode, uint16_t port)
{
	struct error e = { "" };
	char *text = anchor();
	struct resolver_config config = { .mode = mode, .anchors = text, .budget = 4 << 20, .upstreams = 1 };
	snprintf(config.upstream[0], sizeof(config.upstream[0]), "127.0.0.1@%u", port);
	config.outside = start_forwarder(&config);
	struct resolver *r = resolver_new(&config, &e);
	assert_string_equal(e.text, "");
	free(text);
	resolver_seal(r);
	return r;
}

/* Live answers are judged by today's clock: the fixture's signatures have ended. What is provably unsigned needs
 * signatures too, so nothing of it is good today; that the questions went out and came back is what is shown. */
static void test_live(void **state)
{
	(void)state;
	uint16_t port;
	int64_t now = (int64_t)time(NULL) * SECOND;
	pid_t child = serve("forwarded.msgs", &port);
	struct resolver *r = start_live(RESOLVE_LIVE, port);
	const struct answer *a = ask(r, "mx.signed.test", DNS_A, now);
	assert_string_equal(status(a), "bogus");
	assert_non_null(strstr(a->why, "expired"));
	assert_int_equal(a->source, dnssource_live);
	assert_true(resolver_counts(r).live > 0);
	resolver_free(r);
	r = start_live(RESOLVE_AUTO, port);
	a = ask(r, "mx.signed.test", DNS_A, now - 400 * SECOND);
	assert_string_equal(status(a), "incomplete");
	assert_int_equal(resolver_counts(r).live, 0);
	a = ask(r, "mx.signed.test", DNS_A, now - 10 * SECOND);
	assert_int_equal(a->source, dnssource_live);
	assert_true(resolver_counts(r).live > 0);
	resolver_free(r);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* A resolver that is silent, and one that is not there: failed, within the bound. */
static void test_live_dead(void **state)
{
	(void)state;
	uint16_t port;
	int64_t now = (int64_t)time(NULL) * SECOND;
	pid_t child = serve(NULL, &port);
	struct resolver *r = start_live(RESOLVE_LIVE, port);
	for (int gone = 0; gone < 2; gone++) {
		const struct answer *a = ask(r, gone ? "mx2.signed.test" : "mx.signed.test", DNS_A, now);
		assert_string_equal(status(a), "failed");
		assert_non_null(strstr(a->why, gone ? "the resolver cannot be reached" : "not answered by the resolver"));
		if (!gone) {
			kill(child, SIGKILL);
			waitpid(child, NULL, 0);
		}
	}
	resolver_free(r);
	assert_true((int64_t)time(NULL) * SECOND - now < 15 * SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts), cmocka_unit_test(test_data), cmocka_unit_test(test_seen), cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_stub), cmocka_unit_test(test_stub_keeps_chain), cmocka_unit_test(test_as_of),
		cmocka_unit_test(test_versions), cmocka_unit_test(test_conflicts),
		cmocka_unit_test(test_conflict_after_change), cmocka_unit_test(test_root_anchors), cmocka_unit_test(test_spans), cmocka_unit_test(test_spans_spare), cmocka_unit_test(test_fall_back), cmocka_unit_test(test_flood), cmocka_unit_test(test_key_roll), cmocka_unit_test(test_flips), cmocka_unit_test(test_anchors), cmocka_unit_test(test_other_anchor),
		cmocka_unit_test(test_off_and_full), cmocka_unit_test(test_live), cmocka_unit_test(test_live_dead),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
