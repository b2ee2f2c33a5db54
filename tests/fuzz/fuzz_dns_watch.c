/* fuzz_dns_watch: messages of two clients, with times. Promise: every event that is given out lies in the window; an answer
 * that only repeats another is no race, and a question that was answered in time was not asked in vain.
 * Input: records of a time (octet, tenths of a second), a client (octet), a length (2 octets) and a message. */
#include <stdlib.h>

#include "dns_watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TENTH INT64_C(100000000)

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void look(const struct dns_watch *w, const struct dns_name *name, uint16_t type)
{
	const int64_t from = 40 * TENTH, until = 200 * TENTH;
	const struct watched *e = NULL, *x;
	while (dns_watch_next(w, name, type, from, until, &e)) {
		bool other = false, answered = false;
		must(e->ts >= from && e->ts < until);
		for (x = NULL; dns_watch_next(w, name, type, 0, 256 * TENTH, &x);) {
			bool answer = x->kind != WATCHED_ASKED && memcmp(&x->client, &e->client, sizeof(e->client)) == 0;
			other |= answer && (x->kind != e->kind || x->print != e->print);
			answered |= answer && x->ts >= e->ts - WATCH_PATIENCE && x->ts <= e->ts + WATCH_PATIENCE;
		}
		must(other || !dns_watch_race(w, e));
		must(!e->n || dns_watch_octets(w, e).n == e->n);
		must(!answered || !dns_watch_vain(w, e));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_watch *w = dns_watch_new(1 << 16);
	struct cur c = cur_of((struct bytes){ data, size });
	struct dns_name name[16];
	uint16_t type[16];
	unsigned n = 0;
	while (w && cur_left(&c)) {
		struct dns_message m = { .ts = cur_u8(&c) * TENTH, .client = { 4, { cur_u8(&c) & 1 } }, .server = { 4, { 9 } } };
		struct cur v = cur_vec16(&c);
		struct dns_walk walk;
		m.octets = (struct bytes){ v.p, cur_left(&v) };
		dns_watch_add(w, &m);
		if (n < 16 && dns_wire_open(&walk, m.octets)) {
			name[n] = walk.qname;
			type[n++] = walk.qtype;
		}
	}
	for (unsigned i = 0; w && i < n; i++)
		look(w, &name[i], type[i]);
	dns_watch_free(w);
	return 0;
}
