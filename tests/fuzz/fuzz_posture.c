/* Watched domains: whatever the answers say, a look ends, what is remembered stays within its bounds, and its record is a possible one.
 * The same answers give the same record, and no change. */
#include <stdint.h>
#include <stdlib.h>

#include "judge/posture.h"

enum { QUESTIONS = 256, LOOKS = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
	if (!holds)
		abort();
}

/* The next octets as an answer to q: status, TTL, names of two letters, records of their own lengths. */
static void answer(struct cur *c, const struct question *q, struct answer *a)
{
	memset(a, 0, sizeof(*a));
	a->type = q->type;
	a->as_of = q->as_of;
	memcpy(a->name, q->name, sizeof(a->name));
	a->status = cur_u8(c) % dnsstatus_COUNT;
	a->ttl = cur_u16(c);
	uint8_t more = cur_u8(c);
	a->nxdomain = more & 1;
	a->source = dnssource_live;
	if (more & 2)
		memcpy(a->canonname, "al.b.c", 7);
	if (more & 4)
		memcpy(a->why, "no keys have a DS", 18);
	a->sig_until = more & 8 ? q->as_of / 1000000000 + cur_u16(c) : 0;
	for (unsigned i = 0; i < (more >> 4) && cur_left(c) && a->status != dnsstatus_absent; i++) {
		struct cur rr = cur_vec8(c);
		struct bytes b = { rr.p, cur_left(&rr) };
		if (q->type == DNS_MX && b.n > 2) { /* a preference and a name */
			uint8_t mx[8] = { b.p[0], b.p[1], (uint8_t)('a' + b.p[2] % 26), '.', 'b', '.', 'c' };
			memcpy(a->data + a->used, mx, 7);
			b.n = 7;
		} else if (b.n) {
			memcpy(a->data + a->used, b.p, b.n);
		}
		a->rr[a->rrs].off = a->used;
		a->rr[a->rrs++].n = (uint32_t)b.n;
		a->used += (uint32_t)b.n;
	}
}

static void look_at(struct posture_look *l, struct cur c, int64_t at)
{
	static struct answer a;
	struct question q;
	unsigned n = 0;
	posture_look_start(l, "m.b.c", at);
	while (posture_look_next(l, &q)) {
		must(++n < QUESTIONS);
		answer(&c, &q, &a);
		posture_look_answer(l, &a);
	}
	must(l->done && l->hosts <= LOOK_HOSTS && l->zones <= LOOK_ZONES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct posture_look look;
	static struct posture p;
	static struct record r, again;
	static const struct watch_domain watch = { .domain = "m.b.c", .dane_from = 1 };
	const int64_t minute = INT64_C(60000000000);
	int64_t at = INT64_C(1795600000000000000);
	p = (struct posture){ .watch = &watch };
	for (unsigned i = 0; i < LOOKS; i++, at += minute) {
		struct cur c = cur_of((struct bytes){ data, size });
		cur_take(&c, i * (size / LOOKS));
		look_at(&look, c, at);
		if (!posture_learn(&p, &look, minute))
			continue;
		must(p.hosts <= POSTURE_HOSTS);
		posture_record(&p, &look, NULL, &r);
		must(record_check(&r, record_size(&r)));
		struct posture same = p;
		posture_record(&same, &look, NULL, &again);
		must(!same.changed && record_count(&again, F_po_changed) == 0);
		must(record_count(&r, F_po_mx_host) == record_count(&again, F_po_mx_host));
		int64_t kept = posture_promise(&p, bytes_of("a.b.c"), at);
		must(kept == 0 || (kept > at && kept <= at + POSTURE_KEPT));
	}
	return 0;
}
