/* fuzz_expectation: a session and answers from the input; names of MX and aliases from a few, so that they meet.
 * Promise: the walk ends within its bound; whatever the answers, the record stays a possible one; nothing is a match
 * without an established handshake, a chain and a secure TLSA answer; nothing is expected without a secure TLSA
 * answer; a client that named nobody is never a match and never named with high confidence; the same
 * answers give the same record. */
#include <assert.h>
#include <stdlib.h>
#include "judge/expectation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const pool[] = { "example.org", "mx1.example.net", "mx2.example.net", "real.example.com", "example.com",
				    "192.0.2.25", "", "x" };

static void session_of(struct cur *c, struct record *r)
{
	uint8_t flags = cur_u8(c), more = cur_u8(c);
	struct addr server = { 4, { 192, 0, 2, 25 } };
	if (flags & 1)
		server = (struct addr){ 6, { 0x20, 1 } };
	record_init(r);
	record_addr(r, F_dst_ip, &server);
	record_num(r, F_dst_port, 25);
	record_num(r, F_service, more & 3);
	record_num(r, F_cap_end, more >> 2 & 1 ? endhow_fin : endhow_none);
	record_num(r, F_event_start, 1790000000LL * 1000000000);
	if (flags & 2)
		record_cstr(r, F_tls_sni, pool[1 + (more >> 6)]);
	for (unsigned i = 0; i < (flags >> 2 & 3u); i++)
		record_add_cstr(r, F_smtp_rcpt_domains, pool[(i * 4 + (more >> 4)) & 7]);
	record_tri(r, F_tls_established, (enum tri)(flags >> 4 & 1 ? TRI_YES : TRI_UNSEEN));
	record_tri(r, F_tls_failed, (enum tri)(flags >> 5 & 1 ? TRI_YES : TRI_UNSEEN));
	record_num(r, F_smtp_transactions, flags >> 6 & 1);
	record_tri(r, F_tls_anonymous, (enum tri)(flags >> 7 ? TRI_YES : TRI_UNSEEN));
}

static void add_rr(struct answer *a, struct cur *c)
{
	uint8_t rr[300];
	size_t n = 0;
	struct bytes text = bytes_of(pool[cur_u8(c) & 7]), raw;
	if (a->type == DNS_MX) {
		raw = cur_take(c, 2);
		memcpy(rr, raw.p, raw.n);
		n = raw.n;
	}
	if (a->type == DNS_MX || a->type == DNS_CNAME || a->type == DNS_SEEN) {
		memcpy(rr + n, text.p, text.n);
		n += text.n;
	} else {
		raw = cur_take(c, cur_u8(c) % 80);
		memcpy(rr, raw.p, raw.n);
		n = raw.n;
	}
	a->rr[a->rrs].off = a->used;
	a->rr[a->rrs++].n = (uint32_t)n;
	memcpy(a->data + a->used, rr, n);
	a->used += (uint32_t)n;
}

static void answer_of(const struct question *q, struct cur *c, struct answer *a)
{
	uint8_t kind = cur_u8(c), count = cur_u8(c);
	memset(a, 0, sizeof(*a));
	a->id = q->id;
	a->as_of = q->as_of;
	a->from = q->as_of + (kind - 128) * INT64_C(10000000000);
	a->until = a->from + count * INT64_C(10000000000);
	a->type = q->type;
	memcpy(a->name, q->name, sizeof(a->name));
	a->status = c->bad ? (uint8_t)dnsstatus_incomplete : (uint8_t)((kind & 15) % dnsstatus_COUNT);
	a->nxdomain = kind >> 7;
	a->seen_later = kind >> 6 & 1;
	if (kind >> 5 & 1)
		memcpy(a->canonname, pool[count & 7], strlen(pool[count & 7]) + 1);
	for (unsigned i = 0; i < (count >> 3) % 20u; i++)
		add_rr(a, c);
	assert(answer_check(a, answer_size(a)));
}

/* Who knew the server: nobody, or one host, by the configuration (routed: of which recipients), the watch list or the history. */
static struct known known_of(uint8_t byte)
{
	struct known k = { .hosts = 0 };
	enum known_by by = (enum known_by)((byte >> 2 & 3) % 3);
	if (!(byte & 2))
		return k;
	known_add(&k, by, pool[byte >> 5], byte & 16 ? pool[(byte >> 4) & 7] : NULL);
	k.routed = by == KNOWN_CONFIGURED ? byte >> 3 : 0;
	return k;
}

/* secure  out: a secure TLSA answer with records was given; route: the configuration named a host */
static void run(struct dane *d, struct bytes in, struct record *r, bool *secure, bool *dns, bool *route, struct bytes *chain)
{
	static struct expectation e;
	static struct answer a;
	struct cur c = cur_of(in);
	struct question q;
	unsigned asked = 0;
	*secure = false;
	session_of(&c, r);
	uint8_t byte = cur_u8(&c);
	struct known known = known_of(byte);
	*dns = byte & 1;
	*route = known.hosts && known.host[0].by == KNOWN_CONFIGURED;
	expectation_start(&e, r, &known);
	size_t certificate = cur_u8(&c);
	*chain = cur_take(&c, certificate < cur_left(&c) ? certificate : 0);
	do {
		while (*dns && expectation_next(&e, &q)) {
			assert(++asked <= EXPECT_QUESTIONS && question_check(&q, sizeof(q)));
			answer_of(&q, &c, &a);
			*secure |= q.type == DNS_TLSA && a.status == dnsstatus_secure && a.rrs > 0;
			expectation_answer(&e, &a);
		}
	} while (expectation_again(&e, d, r, *chain));
	expectation_finish(&e, d, r, *chain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dane *d;
	static struct record r, again;
	struct bytes in = { data, size }, chain;
	bool secure, dns, route;
	if (!d)
		d = dane_init();
	assert(d);
	run(d, in, &r, &secure, &dns, &route, &chain);
	assert(record_check(&r, record_size(&r)));
	int64_t verdict = record_get_num(&r, F_dane_verdict, -1), expect = record_get_num(&r, F_expect, -1);
	assert(dns || verdict < 0);
	assert(secure || expect == expect_none);
	if (verdict == daneverdict_match)
		assert(secure && chain.n && record_get_tri(&r, F_tls_established) == TRI_YES && expect == expect_dane);
	if (!record_has(&r, F_tls_sni) && !record_has(&r, F_smtp_rcpt_domains) && !route) {
		int64_t confidence = record_get_num(&r, F_id_confidence, confidence_COUNT);
		assert(verdict != daneverdict_match && confidence != confidence_high);
		assert(!record_has(&r, F_id_host) || confidence == confidence_medium);
		assert(!record_has(&r, F_id_domains) || record_has(&r, F_id_host));
	}
	if (verdict == daneverdict_mismatch || verdict == daneverdict_tls_absent || verdict == daneverdict_tls_failed)
		assert(secure && expect != expect_none);
	run(d, in, &again, &secure, &dns, &route, &chain);
	assert(record_size(&r) == record_size(&again) && memcmp(&r, &again, record_size(&r)) == 0);
	return 0;
}
