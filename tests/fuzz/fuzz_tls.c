/* fuzz_tls: a script of octets and gaps of both directions. Promises: however the octets are cut, the facts are the
 * same, and a possible record, and the key proof is a possible one; used and skip stay within what was given; every
 * block comes back; with an octet missing, no handshake is said to have failed. */
#include <assert.h>
#include <stdlib.h>

#include "key_proof.h"
#include "wire/observe_tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reader {
	struct tls t;
	struct record r;
	uint8_t *held[2];
	size_t nheld[2];
	uint64_t skip[2];
	uint8_t proof[KEY_PROOF_MAX];
	size_t nproof;
};

static struct tls_memory memory;
static struct tls_observer *observer;

static void give(struct reader *f, enum dir dir, struct bytes new)
{
	size_t skipped = f->skip[dir] < new.n ? (size_t)f->skip[dir] : new.n;
	f->skip[dir] -= skipped;
	new = bytes_skip(new, skipped);
	if (new.n == 0)
		return;
	size_t n = f->nheld[dir] + new.n;
	uint8_t *buf = malloc(n);
	if (f->nheld[dir])
		memcpy(buf, f->held[dir], f->nheld[dir]);
	memcpy(buf + f->nheld[dir], new.p, new.n);
	struct bytes in = { buf, n };
	for (enum parse item = PARSE_OK; item == PARSE_OK;) {
		struct tls_event ev;
		size_t used;
		uint64_t skip;
		item = tls_next(&f->t, dir, in, &ev, &used, &skip);
		assert(item != PARSE_LONG && used <= in.n && (skip == 0 || used == in.n));
		assert(item != PARSE_OK || used > 0);
		in = bytes_skip(in, used);
		f->skip[dir] += skip;
		if (item == PARSE_OK)
			observe_tls(&f->r, observer, &f->t, &ev);
	}
	free(f->held[dir]);
	f->held[dir] = malloc(in.n ? in.n : 1);
	memcpy(f->held[dir], in.p, in.n);
	f->nheld[dir] = in.n;
	free(buf);
}

/* Segments: what (1: server, 2: gap), length of 2 octets, the octets. */
static void play(struct reader *f, struct bytes script, size_t step)
{
	struct tls_coverage c = { .due = true, .ended = true, .how = failhow_reset, .by = side_server };
	struct key_proof fields;
	tls_init(&f->t, &memory);
	record_init(&f->r);
	for (struct cur s = cur_of(script); cur_left(&s);) {
		uint8_t what = cur_u8(&s);
		size_t n = cur_u16(&s);
		enum dir dir = what & 1 ? S2C : C2S;
		if (what & 2) {
			uint64_t skipped = f->skip[dir] < n ? f->skip[dir] : n;
			f->skip[dir] -= skipped;
			f->nheld[dir] = 0;
			tls_gap(&f->t, dir, n - skipped);
			c.gap[dir] = true;
			continue;
		}
		struct bytes octets = cur_take(&s, n < cur_left(&s) ? n : cur_left(&s));
		c.seen[dir] = c.seen[dir] || octets.n;
		for (size_t cut; octets.n; octets = bytes_skip(octets, cut)) {
			cut = step && step < octets.n ? step : octets.n;
			give(f, dir, bytes_head(octets, cut));
		}
	}
	observe_tls_finish(&f->r, observer, &f->t, &c);
	struct bytes proof = tls_proof(&f->t);
	assert(proof.n == 0 || (key_proof_read(proof, &fields) && tls_chain(&f->t).n && proof.n <= KEY_PROOF_MAX));
	f->nproof = proof.n;
	if (proof.n)
		memcpy(f->proof, proof.p, proof.n);
	assert(record_has(&f->r, F_tls_failed_at) == (record_get_tri(&f->r, F_tls_failed) == TRI_YES));
	assert(!(c.gap[C2S] || c.gap[S2C]) || !record_has(&f->r, F_tls_failed_at));
	tls_release(&f->t);
	free(f->held[0]);
	free(f->held[1]);
	assert(memory.small.used + memory.large.used == 0);
	assert(record_check(&f->r, record_size(&f->r)));
}

static bool same_fact(const struct record *a, const struct record *b, enum fact f)
{
	if (!record_has(a, f) || !record_has(b, f))
		return record_has(a, f) == record_has(b, f);
	if (fact_table[f].type <= T_ENUM)
		return a->slot[f].num == b->slot[f].num;
	struct ref x = a->slot[f].ref, y = b->slot[f].ref;
	return x.n == y.n && memcmp(a->text + x.off, b->text + y.off, x.n) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[] = { 0, 1, 7 };
	static struct reader f[3];
	if (size > 8192)
		return 0;
	if (!observer) {
		observer = tls_observer_new();
		if (!observer || !tls_memory_init(&memory, 1024 * 1024))
			abort();
	}
	for (size_t i = 0; i < 3; i++) {
		memset(&f[i], 0, sizeof(f[i]));
		play(&f[i], (struct bytes){ data, size }, steps[i]);
		for (enum fact x = 0; x < FACT_COUNT; x++)
			assert(same_fact(&f[0].r, &f[i].r, x));
		assert(f[i].nproof == f[0].nproof && memcmp(f[i].proof, f[0].proof, f[0].nproof) == 0);
	}
	return 0;
}
