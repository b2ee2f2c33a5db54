/* What is known of a watched domain: the states of Microsoft 365, one look at a small world, and what changes from look to look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "judge/m365.h"
#include "judge/posture.h"
#include "judge/servers.h"
#include "posture_store.h"

#define S INT64_C(1000000000)
#define MIN (60 * S)
#define DAY (86400 * S)
#define NOW (INT64_C(1795600000) * S)
#define OLD "example-org.mail.protection.outlook.com"
#define NEW "example-org.a-v1.mx.microsoft"

/* ---- the states ---- */

static const struct state_case {
	struct m365_mx mx[3];
	size_t n;
	bool signed_zone, lowered;
	uint32_t ttl;
	uint8_t sts;
	bool strict;
	enum posturestate want;
	const char *why;
} states[] = {
	{ { { OLD, 0, HOST_INSECURE } }, 1, true, false, 3600, 0, false, posturestate_m0, "the old host alone" },
	{ { { OLD, 10, HOST_INSECURE } }, 1, false, false, 3600, 0, false, posturestate_m0, "the domain need not be signed" },
	{ { { OLD, 0, HOST_INSECURE } }, 1, true, true, 300, 0, false, posturestate_m1, "its TTL was lowered" },
	{ { { OLD, 0, HOST_INSECURE }, { NEW, 20, HOST_ABSENT } }, 2, true, true, 300, 0, false, posturestate_m2, "the new one behind it" },
	{ { { OLD, 10, HOST_INSECURE }, { NEW, 10, HOST_ABSENT } }, 2, true, true, 300, 0, false, posturestate_m2, "no better is not preferred" },
	{ { { NEW, 0, HOST_ABSENT }, { OLD, 20, HOST_INSECURE } }, 2, true, true, 300, 0, false, posturestate_m3, "the new one in front" },
	{ { { NEW, 0, HOST_ABSENT } }, 1, true, true, 300, 0, false, posturestate_m4, "the new one alone" },
	{ { { NEW, 0, HOST_FAILED } }, 1, true, true, 300, 0, false, posturestate_m4, "what is not known is no DANE" },
	{ { { NEW, 0, HOST_DANE } }, 1, true, true, 300, 0, false, posturestate_m5, "TLSA, with the TTL still low" },
	{ { { NEW, 0, HOST_DANE } }, 1, true, false, 3600, stsmode_testing, false, posturestate_m5, "TLSA, with the policy in testing" },
	{ { { NEW, 0, HOST_DANE } }, 1, true, false, 3600, stsmode_enforce, false, posturestate_m5, "a policy that names another host" },
	{ { { NEW, 0, HOST_DANE } }, 1, true, false, 3600, 0, false, posturestate_m6, "steady, without MTA-STS" },
	{ { { NEW, 0, HOST_DANE } }, 1, true, false, 3600, stsmode_enforce, true, posturestate_m6, "steady, with the policy enforced" },
	{ { { NEW, 0, HOST_DANE }, { OLD, 20, HOST_INSECURE } }, 2, true, true, 300, 0, false, posturestate_m5_legacy, "danger: the old one left" },
	{ { { OLD, 0, HOST_INSECURE }, { NEW, 20, HOST_DANE } }, 2, true, true, 300, 0, false, posturestate_m2_dane, "danger: DANE on the worse preference" },
	{ { { NEW, 0, HOST_DANE } }, 1, false, false, 3600, 0, false, posturestate_host_only, "danger: the domain is unsigned" },
	{ { { NEW, 0, HOST_DANE }, { "gate.example.net", 10, HOST_DANE } }, 2, true, false, 3600, 0, false, posturestate_generic, "a gateway beside it" },
	{ { { "mx.microsoft", 0, HOST_DANE } }, 1, true, false, 3600, 0, false, posturestate_generic, "the zone's own name is no customer's host" },
	{ { { "a.evilmx.microsoft.example", 0, HOST_DANE } }, 1, true, false, 3600, 0, false, posturestate_generic, "the end of the name counts" },
	{ { { NULL, 0, 0 } }, 0, true, false, 3600, 0, false, posturestate_generic, "no MX host" },
};

static void test_states(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		const struct state_case *c = &states[i];
		struct m365_set set = { c->mx, c->n, c->ttl, c->signed_zone, c->lowered, c->strict, c->sts };
		enum posturestate got = m365_state(&set);
		if (got != c->want)
			fail_msg("%s: %s", c->why, fact_table[F_po_state].words[got]);
	}
}

/* ---- a world ---- */

/* One record; status of its RRset is that of its first row. rdata: MX "10 host", A "192.0.2.1" as four octets in text, TLSA as hex, TXT
 * as it is; NULL: no data of that status. What has no row is proved to be absent. */
struct row {
	const char *name;
	uint16_t type;
	uint8_t status;
	uint32_t ttl;
	const char *rdata, *canon;
};

static struct posture_look look;
static struct record r;
static unsigned asked_tlsa;

static void put(struct answer *a, const void *p, size_t n)
{
	a->rr[a->rrs].off = a->used;
	a->rr[a->rrs++].n = (uint32_t)n;
	memcpy(a->data + a->used, p, n);
	a->used += (uint32_t)n;
}

static size_t unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned v;
	for (; sscanf(hex, "%2x", &v) == 1; hex += 2)
		out[n++] = (uint8_t)v;
	return n;
}

static void put_row(struct answer *a, const struct row *w)
{
	uint8_t b[512];
	unsigned p;
	int at;
	switch (w->type) {
	case DNS_MX:
		assert_int_equal(sscanf(w->rdata, "%u %n", &p, &at), 1);
		b[0] = (uint8_t)(p >> 8);
		b[1] = (uint8_t)p;
		memcpy(b + 2, w->rdata + at, strlen(w->rdata + at));
		put(a, b, 2 + strlen(w->rdata + at));
		break;
	case DNS_TXT:
		b[0] = (uint8_t)strlen(w->rdata);
		memcpy(b + 1, w->rdata, b[0]);
		put(a, b, b[0] + 1u);
		break;
	default:
		put(a, b, unhex(w->rdata, b));
	}
}

static void answer(const struct row *world, const struct question *q, struct answer *a)
{
	memset(a, 0, sizeof(*a));
	a->id = 77; /* the caller's own */
	a->type = q->type;
	a->as_of = q->as_of;
	a->source = dnssource_capture;
	memcpy(a->name, q->name, sizeof(a->name));
	a->status = dnsstatus_absent;
	bool first = true;
	for (; world->name; world++) {
		if (world->type != q->type || strcmp(world->name, q->name) != 0)
			continue;
		if (first) {
			a->status = world->status;
			a->ttl = world->ttl;
			if (world->canon)
				strcpy(a->canonname, world->canon);
			if (world->status == dnsstatus_bogus)
				strcpy(a->why, world->rdata);
			a->sig_from = q->as_of / S - 864000;
			a->sig_until = q->as_of / S + 864000;
		}
		first = false;
		if (world->rdata && world->status != dnsstatus_bogus)
			put_row(a, world);
	}
}

static void look_at(const struct row *world, const char *domain, int64_t at)
{
	static struct answer a;
	struct question q;
	unsigned n = 0;
	posture_look_start(&look, domain, at);
	asked_tlsa = 0;
	while (posture_look_next(&look, &q)) {
		assert_true(++n < 200);
		asked_tlsa += q.type == DNS_TLSA && strncmp(q.name, "_25._tcp.mx", 11) == 0;
		answer(world, &q, &a);
		assert_true(answer_check(&a, answer_size(&a)));
		posture_look_answer(&look, &a);
	}
	assert_true(look.done);
}

/* A look, and what follows. */
static bool see(struct posture *p, const struct row *world, int64_t at, const struct sts_held *sts)
{
	look_at(world, "example.org", at);
	if (!posture_learn(p, &look, 15 * MIN))
		return false;
	posture_record(p, &look, sts, &r);
	if (posture_due(p))
		posture_told(p);
	return true;
}

static bool list_is(enum fact f, const char *want)
{
	char got[600] = "";
	size_t pos = 0;
	struct bytes item;
	while (record_next(&r, f, &pos, &item)) {
		if (got[0])
			strcat(got, " ");
		if (fact_table[f].type == T_LENUM)
			strcat(got, fact_table[f].words[record_item_num(item)]);
		else
			strncat(got, (const char *)item.p, item.n);
	}
	if (strcmp(got, want) != 0)
		print_error("%s is \"%s\", not \"%s\"\n", fact_table[f].name, got, want);
	return strcmp(got, want) == 0;
}

#define A1 "c0000201"
#define A2 "c0000202"
#define KEY(x) "030101" x x x x x x x x x x x x x x x x
#define SOA(min) "00" "00" "00000001" "00000e10" "00000258" "00015180" min

static const struct row both_dane[] = {
	{ "example.org", DNS_MX, dnsstatus_secure, 3600, "10 mx1.example.org", NULL },
	{ "example.org", DNS_MX, dnsstatus_secure, 3600, "20 MX2.example.org.", NULL },
	{ "mx1.example.org", DNS_A, dnsstatus_secure, 300, A1, NULL },
	{ "mx1.example.org", DNS_AAAA, dnsstatus_secure, 300, "20010db8000000000000000000000001", NULL },
	{ "mx2.example.org", DNS_A, dnsstatus_secure, 300, A2, NULL },
	{ "_25._tcp.mx1.example.org", DNS_TLSA, dnsstatus_secure, 3600, KEY("aaaa"), NULL },
	{ "_25._tcp.mx2.example.org", DNS_TLSA, dnsstatus_secure, 3600, KEY("bbbb"), NULL },
	{ "example.org", DNS_SOA, dnsstatus_secure, 300, SOA("00001c20"), NULL },
	{ "example.org", DNS_DNSKEY, dnsstatus_secure, 300, "0101030daabbccdd", NULL },
	{ "example.org", DNS_DS, dnsstatus_secure, 300, "00010d02aabbccdd", NULL },
	{ "_mta-sts.example.org", DNS_TXT, dnsstatus_secure, 300, "v=STSv1; id=20261125;", NULL },
	{ "_smtp._tls.example.org", DNS_TXT, dnsstatus_secure, 300, "v=TLSRPTv1; rua=mailto:tls@example.org", NULL },
	{ NULL, 0, 0, 0, NULL, NULL }
};

static void test_look(void **state)
{
	(void)state;
	look_at(both_dane, "example.org", NOW);
	assert_int_equal(look.mx, dnsstatus_secure);
	assert_int_equal(look.mx_ttl, 3600);
	assert_int_equal(look.hosts, 2);
	assert_string_equal(look.host[1].name, "mx2.example.org");
	assert_int_equal(look.host[1].preference, 20);
	assert_int_equal(look.host[0].state, HOST_DANE);
	assert_int_equal(look.host[0].tlsa, 1);
	assert_false(look.host[0].unusable);
	assert_int_equal(look.host[0].addresses, 2); /* both families */
	assert_int_equal(look.zones, 1);
	assert_true(look.zone[0].keys);
	assert_int_equal(look.zone[0].algorithms, 1 << 13);
	assert_int_equal(look.zone[0].digests, 1 << 2);
	assert_int_equal(look.zone[0].negative, 7200);
	assert_int_equal(look.zone_of[0], 0);
	assert_int_equal(look.sts, TRI_YES);
	assert_int_equal(look.tlsrpt, TRI_YES);
	assert_false(look.wrong_base);
	assert_int_equal(asked_tlsa, 2);
}

/* Addresses first: no TLSA question below unsigned ones (RFC 7672 2.2.2). */
static void test_insecure(void **state)
{
	(void)state;
	static const struct row world[] = {
		{ "example.org", DNS_MX, dnsstatus_insecure, 3600, "10 mx1.example.org", NULL },
		{ "mx1.example.org", DNS_A, dnsstatus_insecure, 300, A1, NULL },
		{ "example.org", DNS_SOA, dnsstatus_insecure, 300, SOA("00000e10"), NULL },
		{ "example.org", DNS_DNSKEY, dnsstatus_insecure, 300, "01010307aabbccdd", NULL },
		{ "_25._tcp.example.org", DNS_TLSA, dnsstatus_insecure, 300, KEY("aaaa"), NULL },
		{ NULL, 0, 0, 0, NULL, NULL }
	};
	look_at(world, "example.org", NOW);
	assert_int_equal(look.host[0].state, HOST_INSECURE);
	assert_int_equal(asked_tlsa, 0);
	assert_true(look.wrong_base);
	assert_true(look.zone[0].no_ds);
	assert_int_equal(look.sts, TRI_NO);
}

static void test_failed(void **state)
{
	(void)state;
	static const struct row world[] = {
		{ "example.org", DNS_MX, dnsstatus_failed, 0, NULL, NULL },
		{ NULL, 0, 0, 0, NULL, NULL }
	};
	static struct posture p;
	static const struct watch_domain w = { .domain = "example.org" };
	p = (struct posture){ .watch = &w };
	assert_true(see(&p, both_dane, NOW, NULL));
	assert_false(see(&p, world, NOW + MIN, NULL)); /* nothing is learnt, nothing is lost */
	assert_true(see(&p, both_dane, NOW + 2 * MIN, NULL));
	assert_false(p.changed);
	assert_false(record_has(&r, F_po_withdrawn));
}

/* ---- from look to look ---- */

static const struct watch_domain partner = { .domain = "example.org" };
static struct posture p;

static void begin(void)
{
	p = (struct posture){ .watch = &partner };
}

/* both_dane, with rows put in its place by name and type. */
static const struct row *but(const struct row *change)
{
	static struct row out[64];
	size_t n = 0;
	for (const struct row *w = both_dane; w->name; w++) {
		bool gone = false;
		for (const struct row *c = change; c->name; c++)
			gone = gone || (c->type == w->type && strcmp(c->name, w->name) == 0);
		if (!gone)
			out[n++] = *w;
	}
	for (const struct row *c = change; c->name; c++)
		if (c->status != dnsstatus_absent)
			out[n++] = *c;
	out[n] = (struct row){ NULL, 0, 0, 0, NULL, NULL };
	return out;
}

static void test_changes(void **state)
{
	(void)state;
	static const struct row more[] = { { "example.org", DNS_MX, dnsstatus_secure, 3600, "10 mx1.example.org", NULL }, { NULL, 0, 0, 0, NULL, NULL } };
	begin();
	assert_true(see(&p, both_dane, NOW, NULL));
	assert_true(list_is(F_po_changed, "first"));
	assert_int_equal(p.told, NOW);
	see(&p, both_dane, NOW + 15 * MIN, NULL);
	assert_true(list_is(F_po_changed, ""));
	assert_int_equal(p.told, NOW); /* nothing new, nothing told */
	see(&p, but(more), NOW + 30 * MIN, NULL);
	assert_true(list_is(F_po_changed, "mx security tlsa"));
	assert_int_equal(p.told, NOW + 30 * MIN);
	see(&p, but(more), NOW + 30 * MIN + DAY, NULL);
	assert_int_equal(p.told, NOW + 30 * MIN + DAY); /* once a day without a change */
}

static void test_withdrawn(void **state)
{
	(void)state;
	static const struct row gone[] = { { "_25._tcp.mx1.example.org", DNS_TLSA, dnsstatus_absent, 0, NULL, NULL }, { NULL, 0, 0, 0, NULL, NULL } };
	static const struct row lost[] = { { "_25._tcp.mx1.example.org", DNS_TLSA, dnsstatus_failed, 0, NULL, NULL }, { NULL, 0, 0, 0, NULL, NULL } };
	begin();
	see(&p, both_dane, NOW, NULL);
	assert_int_equal(record_get_num(&r, F_po_dane, -1), posturedane_all);
	see(&p, but(lost), NOW + 15 * MIN, NULL); /* failed is not absent */
	assert_false(record_has(&r, F_po_withdrawn));
	assert_int_equal(record_get_num(&r, F_po_dane, -1), posturedane_all);
	assert_int_equal(posture_promise(&p, bytes_of("mx1.example.org"), NOW + 15 * MIN), 0);
	see(&p, but(gone), NOW + 30 * MIN, NULL);
	assert_true(list_is(F_po_withdrawn, "mx1.example.org"));
	assert_true(list_is(F_po_weakened, "weaker-preferred"));
	assert_int_equal(record_get_num(&r, F_po_dane, -1), posturedane_some);
	assert_int_equal(posture_promise(&p, bytes_of("MX1.example.org"), NOW + 30 * MIN), NOW + POSTURE_KEPT);
	assert_int_equal(posture_promise(&p, bytes_of("mx2.example.org"), NOW + 30 * MIN), 0);
	assert_int_equal(posture_promise(&p, (struct bytes){ 0 }, NOW + 30 * MIN), NOW + 15 * MIN + POSTURE_KEPT);
	see(&p, but(gone), NOW + 29 * DAY, NULL);
	assert_true(list_is(F_po_withdrawn, "mx1.example.org"));
	see(&p, but(gone), NOW + 30 * DAY + MIN, NULL);
	assert_true(list_is(F_po_withdrawn, ""));
	assert_int_equal(posture_promise(&p, bytes_of("mx1.example.org"), NOW + 30 * DAY + MIN), 0);
	see(&p, both_dane, NOW + 31 * DAY, NULL);
	assert_true(list_is(F_po_weakened, ""));
}

static void test_moved(void **state)
{
	(void)state;
	static const struct row moved[] = {
		{ "example.org", DNS_MX, dnsstatus_secure, 3600, "10 in.example.net", NULL },
		{ "in.example.net", DNS_A, dnsstatus_insecure, 300, A1, NULL },
		{ NULL, 0, 0, 0, NULL, NULL }
	};
	begin();
	see(&p, both_dane, NOW, NULL);
	see(&p, but(moved), NOW + DAY, NULL);
	assert_int_equal(record_get_tri(&r, F_po_moved), TRI_YES);
	assert_int_equal(record_get_num(&r, F_po_kept_until, 0), NOW + POSTURE_KEPT);
	assert_true(list_is(F_po_insecure, "in.example.net"));
	assert_false(record_has(&r, F_po_withdrawn));
	assert_int_equal(posture_promise(&p, bytes_of("mx1.example.org"), NOW + DAY), 0); /* its TLSA is not known to be gone */
}

static void test_added(void **state)
{
	(void)state;
	static const struct row added[] = {
		{ "example.org", DNS_MX, dnsstatus_secure, 3600, "10 mx1.example.org", NULL },
		{ "example.org", DNS_MX, dnsstatus_secure, 3600, "20 mx2.example.org", NULL },
		{ "example.org", DNS_MX, dnsstatus_secure, 3600, "30 backup.example.net", NULL },
		{ "backup.example.net", DNS_A, dnsstatus_secure, 300, A1, NULL },
		{ NULL, 0, 0, 0, NULL, NULL }
	};
	static const struct row insecure[] = {
		{ "example.org", DNS_MX, dnsstatus_insecure, 3600, "10 mx1.example.org", NULL },
		{ NULL, 0, 0, 0, NULL, NULL }
	};
	begin();
	see(&p, but(added), NOW, NULL);
	assert_true(list_is(F_po_weakened, "")); /* it was never better */
	begin();
	see(&p, both_dane, NOW, NULL);
	see(&p, but(added), NOW + DAY, NULL);
	assert_true(list_is(F_po_weakened, "host-added"));
	assert_true(list_is(F_po_without, "backup.example.net"));
	see(&p, but(insecure), NOW + 2 * DAY, NULL);
	assert_true(list_is(F_po_weakened, "unsigned"));
}

/* ---- roll-over ---- */

static const struct roll_case {
	const char *first[2], *then[2];
	int64_t after;
	bool early;
	const char *why;
} rolls[] = {
	{ { KEY("aaaa"), NULL }, { KEY("cccc"), NULL }, 15 * MIN, true, "one replaced by another within the TTL" },
	{ { KEY("aaaa"), NULL }, { KEY("aaaa"), KEY("cccc") }, 15 * MIN, false, "the next beside the current one" },
	{ { KEY("aaaa"), KEY("cccc") }, { KEY("cccc"), NULL }, 15 * MIN, false, "the old one removed after the switch" },
	{ { KEY("aaaa"), KEY("cccc") }, { KEY("dddd"), KEY("eeee") }, 15 * MIN, true, "both replaced" },
	{ { KEY("aaaa"), NULL }, { KEY("cccc"), NULL }, 3 * 60 * MIN, false, "nobody looked for longer than the TTL" },
	{ { KEY("aaaa"), NULL }, { "030001" "ffff", NULL }, 15 * MIN, false, "another selector may describe the same key" },
	{ { KEY("aaaa"), NULL }, { KEY("aaaa"), NULL }, 15 * MIN, false, "the same" },
};

static void test_rollover(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rolls) / sizeof(rolls[0]); i++) {
		const struct roll_case *c = &rolls[i];
		for (int64_t k = 0; k < 2; k++) {
			const char *const *set = k ? c->then : c->first;
			struct row change[3] = {
				{ "_25._tcp.mx1.example.org", DNS_TLSA, dnsstatus_secure, 3600, set[0], NULL },
				{ set[1] ? "_25._tcp.mx1.example.org" : NULL, DNS_TLSA, dnsstatus_secure, 3600, set[1], NULL },
				{ NULL, 0, 0, 0, NULL, NULL }
			};
			if (k == 0)
				begin();
			see(&p, but(change), NOW + k * c->after, NULL);
		}
		if (record_has(&r, F_po_early) != c->early)
			fail_msg("%s", c->why);
		if (!c->early)
			continue;
		struct row same[3] = { { "_25._tcp.mx1.example.org", DNS_TLSA, dnsstatus_secure, 3600, c->then[0], NULL },
				       { c->then[1] ? "_25._tcp.mx1.example.org" : NULL, DNS_TLSA, dnsstatus_secure, 3600, c->then[1], NULL } };
		see(&p, but(same), NOW + c->after + 61 * MIN, NULL); /* over when the TTL is */
		assert_false(record_has(&r, F_po_early));
	}
}

/* ---- TTL ---- */

static void ttl_look(uint32_t ttl, int64_t at)
{
	struct row change[2] = { { "example.org", DNS_MX, dnsstatus_secure, ttl, "0 " OLD, NULL }, { NULL, 0, 0, 0, NULL, NULL } };
	see(&p, but(change), at, NULL);
}

static void test_ttl(void **state)
{
	(void)state;
	begin();
	for (unsigned i = 0; i < 12; i++) { /* a copy in a cache counts down, and is fetched again */
		ttl_look(3600 - i % 4 * 900, NOW + i * 15 * MIN);
		assert_int_equal(record_get_tri(&r, F_po_ttl_lowered), TRI_NO);
		assert_int_equal(record_get_num(&r, F_po_mx_ttl, 0), 3600);
		assert_int_equal(p.state, posturestate_m0);
	}
	ttl_look(420, NOW + 11 * 15 * MIN + 8 * MIN); /* the same copy, a little before its end */
	assert_int_equal(record_get_tri(&r, F_po_ttl_lowered), TRI_NO);
	ttl_look(300, NOW + 14 * 15 * MIN);
	assert_int_equal(record_get_tri(&r, F_po_ttl_lowered), TRI_YES);
	assert_int_equal(p.state, posturestate_m1);
	assert_int_equal(record_get_num(&r, F_po_mx_ttl_before, 0), 3600);
	ttl_look(300, NOW + 15 * 15 * MIN);
	assert_int_equal(p.state, posturestate_m1);
	ttl_look(3600, NOW + 16 * 15 * MIN);
	assert_int_equal(p.state, posturestate_m0);
	ttl_look(300, NOW + 22 * 15 * MIN);
	ttl_look(300, NOW + 22 * 15 * MIN + 31 * DAY); /* so it stays: no step to anywhere */
	assert_int_equal(p.state, posturestate_m0);
}

/* ---- what the operator and the policy say ---- */

static void test_expected(void **state)
{
	(void)state;
	static const char *const hosts[] = { NEW };
	static const struct watch_domain own = { .domain = "example.org", .expect_mx = { hosts, 1 }, .dane_from = NOW, .role = posturerole_own };
	static const struct row other[] = {
		{ "example.org", DNS_MX, dnsstatus_secure, 3600, "0 example-org.b-v1.mx.microsoft", NULL },
		{ "example-org.b-v1.mx.microsoft", DNS_A, dnsstatus_secure, 300, A1, NULL },
		{ NULL, 0, 0, 0, NULL, NULL }
	};
	begin();
	p.watch = &own;
	see(&p, but(other), NOW - DAY, NULL);
	assert_true(list_is(F_po_expected, NEW));
	assert_true(list_is(F_po_unexpected, "example-org.b-v1.mx.microsoft"));
	assert_false(record_has(&r, F_po_overdue)); /* dane_from has not come */
	see(&p, but(other), NOW + 30 * MIN, NULL);
	assert_int_equal(record_get_num(&r, F_po_overdue, -1), 30);
	assert_true(list_is(F_po_overdue_hosts, "example-org.b-v1.mx.microsoft"));
	assert_int_equal(p.state, posturestate_m4);
}

static void test_sts(void **state)
{
	(void)state;
	struct sts_held held = { .domain = bytes_of("example.org"), .fetched = NOW - 100 * DAY,
				 .policy = { .mode = stsmode_testing, .max_age = STS_AGE_MAX, .mxs = 1, .mx = { bytes_of("*.example.org") } } };
	begin();
	see(&p, both_dane, NOW, &held);
	assert_int_equal(record_get_num(&r, F_po_sts_testing, -1), 100);
	assert_false(record_has(&r, F_po_sts_mismatch));
	held.policy.mx[0] = bytes_of("mx1.example.org");
	held.policy.mode = stsmode_enforce;
	see(&p, both_dane, NOW + MIN, &held);
	assert_true(list_is(F_po_sts_mismatch, "mx2.example.org"));
	assert_true(list_is(F_po_changed, "sts"));
	assert_false(record_has(&r, F_po_sts_testing));
	held.policy.max_age = 86400;
	see(&p, both_dane, NOW + 2 * MIN, &held); /* it has ended */
	assert_false(record_has(&r, F_po_sts_mode));
}

static void test_bogus(void **state)
{
	(void)state;
	static const struct row bogus[] = {
		{ "example.org", DNS_MX, dnsstatus_bogus, 0, "validation failure <example.org. MX IN>: signature expired", NULL },
		{ NULL, 0, 0, 0, NULL, NULL }
	};
	begin();
	see(&p, both_dane, NOW, NULL);
	assert_true(see(&p, but(bogus), NOW + MIN, NULL));
	assert_int_equal(record_get_num(&r, F_po_bogus, -1), posturebogus_expired);
	assert_int_equal(record_get_num(&r, F_po_dnssec, -1), dnsstatus_bogus);
	assert_false(record_has(&r, F_po_weakened));
	see(&p, both_dane, NOW + 2 * MIN, NULL);
	assert_false(record_has(&r, F_po_bogus));
	assert_false(record_has(&r, F_po_withdrawn));
}

/* More hosts than there is room for, look after look. */
static void test_many(void **state)
{
	(void)state;
	static char text[20][64], names[20][40];
	static struct row many[64];
	begin();
	for (unsigned round = 0; round < 6; round++) {
		size_t n = 0;
		for (unsigned i = 0; i < 20; i++) {
			snprintf(names[i], sizeof(names[i]), "mx%u-%u.example.org", round, i);
			snprintf(text[i], sizeof(text[i]), "%u %.39s", i, names[i]);
			many[n++] = (struct row){ "example.org", DNS_MX, dnsstatus_secure, 60, text[i], NULL };
			many[n++] = (struct row){ names[i], DNS_A, dnsstatus_secure, 60, A1, NULL };
		}
		many[n] = (struct row){ NULL, 0, 0, 0, NULL, NULL };
		see(&p, many, NOW + round * DAY, NULL);
		assert_int_equal(record_count(&r, F_po_mx_host), LOOK_HOSTS);
		assert_int_equal(record_get_tri(&r, F_po_mx_cut), TRI_YES);
		assert_true(p.hosts <= POSTURE_HOSTS);
	}
}

/* ---- what others ask ---- */

static struct addr four(unsigned last)
{
	struct addr a = { .v = 4, .a = { 192, 0, 2, (uint8_t)last } };
	return a;
}

static void test_servers(void **state)
{
	(void)state;
	static const struct row shared[] = {
		{ "example.org", DNS_MX, dnsstatus_secure, 3600, "10 mx1.example.org", NULL },
		{ "mx1.example.org", DNS_A, dnsstatus_secure, 300, A2, NULL },
		{ "mx1.example.org", DNS_AAAA, dnsstatus_absent, 300, NULL, NULL },
		{ NULL, 0, 0, 0, NULL, NULL }
	};
	static const struct row unsigned_mx[] = {
		{ "example.org", DNS_MX, dnsstatus_insecure, 3600, "10 mx1.example.org", NULL },
		{ NULL, 0, 0, 0, NULL, NULL }
	};
	static const struct row unsigned_host[] = {
		{ "mx1.example.org", DNS_A, dnsstatus_insecure, 300, A1, NULL },
		{ "mx1.example.org", DNS_AAAA, dnsstatus_absent, 300, NULL, NULL },
		{ NULL, 0, 0, 0, NULL, NULL }
	};
	struct servers *s = servers_new(2);
	struct known k = { .hosts = 0 };
	struct addr a1 = four(1), a2 = four(2), a9 = four(9);
	assert_non_null(s);
	servers_known(s, &a1, &k);
	assert_int_equal(k.hosts, 0);
	begin();
	see(&p, both_dane, NOW, NULL);
	servers_set(s, 1, &p);
	servers_known(s, &a1, &k);
	assert_int_equal(k.hosts, 1);
	assert_string_equal(k.host[0].host, "mx1.example.org");
	assert_int_equal(k.host[0].domains, 1);
	assert_string_equal(k.host[0].domain[0], "example.org");
	assert_int_equal(k.host[0].by, KNOWN_WATCHED);
	see(&p, but(shared), NOW + MIN, NULL); /* it moved */
	servers_set(s, 1, &p);
	k = (struct known){ .hosts = 0 };
	servers_known(s, &a1, &k);
	assert_int_equal(k.hosts, 0);
	servers_known(s, &a2, &k);
	assert_int_equal(k.hosts, 1);
	see(&p, but(unsigned_mx), NOW + 2 * MIN, NULL); /* a host by its own word, for nobody */
	servers_set(s, 1, &p);
	k = (struct known){ .hosts = 0 };
	servers_known(s, &a1, &k);
	assert_int_equal(k.hosts, 1);
	assert_int_equal(k.host[0].domains, 0);
	see(&p, but(unsigned_host), NOW + 3 * MIN, NULL);
	servers_set(s, 1, &p);
	k = (struct known){ .hosts = 0 };
	servers_known(s, &a1, &k);
	servers_known(s, &a9, &k);
	assert_int_equal(k.hosts, 0);
	for (unsigned i = 0; i < 1000; i++) /* places come back */
		servers_set(s, i % 2, &p);
	assert_int_equal(servers_lost(s), 0);
	servers_free(s);
}

static void test_store(void **state)
{
	(void)state;
	static const struct row gone[] = { { "_25._tcp.mx1.example.org", DNS_TLSA, dnsstatus_absent, 0, NULL, NULL }, { NULL, 0, 0, 0, NULL, NULL } };
	static struct posture back[2];
	static const struct watch_domain other = { .domain = "example.net" };
	struct error e;
	sqlite3 *db;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	begin();
	see(&p, both_dane, NOW, NULL);
	p.standing.n = 1;
	p.standing.entry[0] = (struct standing_entry){ .id = "6ba7b811-9dad-11d1-80b4-00c04fd430c8", .since = NOW, .raised = NOW, .on = true };
	back[0] = (struct posture){ .watch = &other };
	back[1] = (struct posture){ .watch = &partner };
	assert_true(posture_load(back, 2, db, &e));
	assert_int_equal(back[1].hosts, 0);
	assert_true(posture_save(&p, db, &e));
	assert_true(posture_save(&p, db, &e)); /* twice is the same */
	assert_true(posture_load(back, 2, db, &e));
	assert_int_equal(back[0].hosts, 0);
	assert_int_equal(back[1].hosts, 2);
	assert_int_equal(back[1].told, NOW);
	assert_int_equal(back[1].all_dane_until, NOW);
	assert_int_equal(back[1].standing.n, 1);
	assert_true(back[1].standing.entry[0].on);
	assert_memory_equal(back[1].print, p.print, sizeof(p.print));
	see(&back[1], both_dane, NOW + MIN, NULL); /* as though nothing had happened */
	assert_true(list_is(F_po_changed, ""));
	see(&back[1], but(gone), NOW + 2 * MIN, NULL);
	assert_true(list_is(F_po_withdrawn, "mx1.example.org"));
	/* what no posture can be is passed over */
	assert_int_equal(sqlite3_exec(db, "UPDATE posture_host SET state = 99 WHERE host = 'mx1.example.org'; UPDATE posture_domain SET state = -3,"
				      " looked = -5, print = x'00'; INSERT INTO posture_tlsa VALUES('example.org', 'nobody', 0, 1, 2);"
				      "INSERT INTO posture_standing VALUES('example.org', 'too long to be the id of a rule, by far and away', 1, 2, 3, 4)",
				      NULL, NULL, NULL), SQLITE_OK);
	back[1] = (struct posture){ .watch = &partner };
	assert_true(posture_load(&back[1], 1, db, &e));
	assert_int_equal(back[1].hosts, 1);
	assert_int_equal(back[1].state, posturestate_unknown);
	assert_int_equal(back[1].looked, 0);
	assert_int_equal(back[1].standing.n, 1);
	/* domains that are not watched any more go after a month */
	assert_int_equal(sqlite3_exec(db, "UPDATE posture_domain SET looked = 1000", NULL, NULL, NULL), SQLITE_OK);
	assert_true(posture_forget(&back[1], 1, NOW, db, &e));
	assert_true(posture_load(&back[1], 1, db, &e));
	assert_true(back[1].hosts > 0);
	assert_true(posture_forget(&back[0], 1, NOW, db, &e));
	back[1] = (struct posture){ .watch = &partner };
	assert_true(posture_load(&back[1], 1, db, &e));
	assert_int_equal(back[1].hosts, 0);
	sqlite3_close(db);
}

#define END { NULL, 0, 0, 0, NULL, NULL }
#define TLSA1(status, data) { "_25._tcp.mx1.example.org", DNS_TLSA, status, 3600, data, NULL }
#define ADDRESS1(status, data) { "mx1.example.org", DNS_A, status, 300, data, NULL }, \
	{ "mx1.example.org", DNS_AAAA, dnsstatus_absent, 0, NULL, NULL }
#define ONLY_MX2(status) { "example.org", DNS_MX, status, 3600, "20 mx2.example.org", NULL }

/* Three looks: what differs from both_dane in the first, the second and the third; whom the second and the third announce. */
static const struct announced_case {
	struct row look[3][4];
	const char *second, *third, *why;
} announced[] = {
	{ { { END }, { END }, { END } }, "", "", "nothing changed" },
	{ { { END }, { ONLY_MX2(dnsstatus_secure), END }, { ONLY_MX2(dnsstatus_secure), END } }, "mx1.example.org", "", "an MX host left, said once" },
	{ { { END }, { ONLY_MX2(dnsstatus_insecure), END }, { ONLY_MX2(dnsstatus_secure), END } }, "", "", "left by an insecure answer, which is then signed" },
	{ { { ONLY_MX2(dnsstatus_insecure), END }, { END }, { END } }, "", "", "one that came" },
	{ { { ONLY_MX2(dnsstatus_secure), END }, { { "example.org", DNS_MX, dnsstatus_insecure, 3600, "10 mx1.example.org", NULL }, END },
	    { ONLY_MX2(dnsstatus_secure), END } }, "", "", "poison: an insecure answer named it, and mx2 not" },
	{ { { END }, { { "example.org", DNS_MX, dnsstatus_bogus, 0, "forged", NULL }, END }, { ONLY_MX2(dnsstatus_secure), END } }, "",
	  "mx1.example.org", "a bogus answer between" },
	{ { { END }, { { "example.org", DNS_MX, dnsstatus_failed, 0, NULL, NULL }, END }, { END } }, "", "", "no answer" },
	{ { { ADDRESS1(dnsstatus_secure, A1), END }, { ADDRESS1(dnsstatus_secure, "c0000263"), END }, { ADDRESS1(dnsstatus_secure, "c0000263"), END } },
	  "mx1.example.org", "", "its address was replaced" },
	{ { { END }, { { "mx1.example.org", DNS_A, dnsstatus_secure, 300, "c0000263", NULL }, END }, { END } }, "", "", "one of its two addresses" },
	{ { { ADDRESS1(dnsstatus_secure, A1), END }, { ADDRESS1(dnsstatus_insecure, "c0000263"), END }, { ADDRESS1(dnsstatus_secure, A1), END } }, "", "",
	  "poison: another address, insecure, and back" },
	{ { { ADDRESS1(dnsstatus_insecure, A1), END }, { ADDRESS1(dnsstatus_insecure, "c0000263"), END }, { ADDRESS1(dnsstatus_insecure, A1), END } }, "", "",
	  "poison: an unsigned zone, whose addresses anybody can change" },
	{ { { TLSA1(dnsstatus_secure, KEY("aaaa")), END }, { TLSA1(dnsstatus_secure, KEY("cccc")), END }, { TLSA1(dnsstatus_secure, KEY("cccc")), END } },
	  "mx1.example.org", "", "its TLSA were replaced" },
	{ { { END }, { TLSA1(dnsstatus_secure, KEY("aaaa")), TLSA1(dnsstatus_secure, KEY("cccc")), END }, { TLSA1(dnsstatus_secure, KEY("cccc")), END } },
	  "", "", "a rollover with both keys side by side" },
	{ { { END }, { TLSA1(dnsstatus_bogus, "forged"), END }, { END } }, "", "", "TLSA that do not validate" },
	{ { { END }, { TLSA1(dnsstatus_absent, NULL), END }, { TLSA1(dnsstatus_absent, NULL), END } }, "", "", "TLSA withdrawn: the promise is kept" },
	{ { { ADDRESS1(dnsstatus_secure, A1), END }, { ADDRESS1(dnsstatus_secure, "c0000263"), TLSA1(dnsstatus_absent, NULL), END },
	    { ADDRESS1(dnsstatus_secure, "c0000264"), TLSA1(dnsstatus_absent, NULL), END } }, "", "", "withdrawn, and the address replaced with it" },
	{ { { END }, { TLSA1(dnsstatus_absent, NULL), END }, { ONLY_MX2(dnsstatus_secure), END } }, "", "", "withdrawn, and then it left" },
};

static void announced_is(const char *want, const char *why)
{
	const char *host[POSTURE_HOSTS];
	size_t n = posture_announced(&p, &look, host);
	if (n != (want[0] != '\0') || (n && strcmp(host[0], want) != 0))
		fail_msg("%s: %zu, %s", why, n, n ? host[0] : "none");
}

static void test_announced(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(announced) / sizeof(announced[0]); i++) {
		const struct announced_case *c = &announced[i];
		begin();
		for (unsigned k = 0; k < 3; k++) {
			look_at(but(c->look[k]), "example.org", NOW + k * 15 * MIN);
			announced_is(k == 0 ? "" : k == 1 ? c->second : c->third, c->why);
			posture_learn(&p, &look, 15 * MIN);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states), cmocka_unit_test(test_look), cmocka_unit_test(test_insecure), cmocka_unit_test(test_failed),
		cmocka_unit_test(test_changes), cmocka_unit_test(test_withdrawn), cmocka_unit_test(test_moved), cmocka_unit_test(test_added),
		cmocka_unit_test(test_rollover), cmocka_unit_test(test_ttl), cmocka_unit_test(test_expected), cmocka_unit_test(test_sts),
		cmocka_unit_test(test_bogus), cmocka_unit_test(test_announced), cmocka_unit_test(test_many), cmocka_unit_test(test_servers), cmocka_unit_test(test_store),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
