/* fuzz_responder: messages into the store, with times; then every reply is a well-formed message, its interval holds
 * the time it was asked for, and at the interval's other times the reply is the same.
 * Input: records of a time (octet), a length (2 octets) and a message. */
#include <stdlib.h>

#include "dns_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ASKED_MAX = 16 };
#define STEP (INT64_C(16777216) * 1000000000)   /* dates of signatures are spread over 32 bits: so are the times */

struct asked {
	struct dns_name name;
	uint16_t type;
	int64_t ts;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void same_at(const struct dns_store *s, const struct asked *q, int64_t t, unsigned skip, const struct dns_reply *r)
{
	static struct dns_reply again;
	if (t < r->from || t >= r->until)
		return;
	dns_store_reply(s, &q->name, q->type, t, true, skip, &again);
	must(again.n == r->n && memcmp(again.octets, r->octets, r->n) == 0);
}

static void ask(const struct dns_store *s, const struct asked *q, int64_t t, unsigned skip)
{
	static struct dns_reply r;
	dns_store_reply(s, &q->name, q->type, t, true, skip, &r);
	must(dns_wire_useful((struct bytes){ r.octets, r.n }));
	must(r.from <= t && t < r.until);
	same_at(s, q, r.from, skip, &r);
	same_at(s, q, r.until - 1, skip, &r);
	for (unsigned i = 0; i < 256; i += 37)
		same_at(s, q, i * STEP, skip, &r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur c = cur_of((struct bytes){ data, size });
	struct dns_store *s = dns_store_new(1 << 16);
	struct asked q[ASKED_MAX];
	unsigned n = 0;
	while (s && cur_left(&c)) {
		struct dns_message m = { .ts = cur_u8(&c) * STEP };
		struct cur v = cur_vec16(&c);
		struct dns_walk w;
		m.octets = (struct bytes){ v.p, cur_left(&v) };
		dns_store_add(s, &m);
		if (n < ASKED_MAX && dns_wire_open(&w, m.octets))
			q[n++] = (struct asked){ w.qname, w.qtype, m.ts };
	}
	for (unsigned i = 0; i < n; i++) {
		struct asked ds = { q[i].name, RR_DS, 0 };
		ask(s, &q[i], q[i].ts + 1, 0);
		ask(s, &ds, q[i].ts + INT64_C(400000000000), 0);
		for (unsigned t = 0; t < 256; t += 51) {
			for (unsigned skip = 0; skip < 3; skip++)
				ask(s, &q[i], t * STEP, skip);
			ask(s, &ds, t * STEP + 1, 0);
		}
	}
	dns_store_free(s);
	return 0;
}
