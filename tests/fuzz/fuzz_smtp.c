/* fuzz_smtp: a script of pieces of both directions, gaps among them. Promises: the record is the same whether each piece
 * comes whole, octet by octet, or in small cuts, and whether it is told that everything had been heard or not; it is a
 * possible record; a direction says nothing after TLS began; every call uses octets or waits; and nobody is said to have
 * slipped in anything where octets are missing, or without a STARTTLS and its reply. */
#include <assert.h>
#include <stdlib.h>

#include "wire/observe_smtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HELD = 1 << 17 };

struct reader {
	struct smtp s;
	struct record r;
	uint8_t *held[2];
	size_t n[2];
	uint64_t given[2], last[2];
	bool bad, tls[2], placed, unheard;
};

static void give(struct reader *b, enum dir dir, struct bytes piece, uint64_t heard)
{
	if (b->placed && !b->tls[dir])
		smtp_place(&b->s, dir, b->given[dir] - b->n[dir], heard);
	b->given[dir] += piece.n;
	if (b->bad || b->tls[dir] || b->n[dir] + piece.n > HELD)
		return;
	memcpy(b->held[dir] + b->n[dir], piece.p, piece.n);
	struct bytes in = { b->held[dir], b->n[dir] + piece.n };
	enum parse got = PARSE_OK;
	size_t steps = 4 * in.n + 16;
	while (got == PARSE_OK && !b->tls[dir]) {
		struct smtp_event ev;
		size_t used = 0;
		got = smtp_next(&b->s, dir, in, &ev, &used);
		assert(used <= in.n && steps-- > 0 && got != PARSE_LONG);
		if (got == PARSE_OK) {
			assert(ev.dir == dir && (used > 0 || ev.kind == SMTP_TLS_BEGIN));
			observe_smtp(&b->r, &b->s, &ev);
			b->tls[dir] = ev.kind == SMTP_TLS_BEGIN;
		}
		in = bytes_skip(in, used);
	}
	b->bad = got == PARSE_BAD;
	if (in.n)
		memmove(b->held[dir], in.p, in.n);
	b->n[dir] = in.n;
	assert(b->tls[dir] || b->bad || in.n < 4096);
}

static bool is_yes(const struct record *r, enum fact f)
{
	return record_get_tri(r, f) == TRI_YES;
}

static bool slipped_in(const struct record *r)
{
	return is_yes(r, F_smtp_inj_cmd) || is_yes(r, F_smtp_inj_rsp) || is_yes(r, F_tls_early);
}

static void check(const struct record *r)
{
	assert(record_check(r, record_size(r)));
	assert(!slipped_in(r) || is_yes(r, F_smtp_requested));
	assert(!is_yes(r, F_smtp_inj_cmd) || (record_has(r, F_smtp_stls_code) && record_get_num(r, F_smtp_inj_cmd_n, 0) > 0));
	assert(!is_yes(r, F_smtp_inj_rsp) || record_get_num(r, F_smtp_stls_code, 0) == 220);
	assert(record_has(r, F_smtp_inj_rsp_text) == is_yes(r, F_smtp_inj_rsp));
	assert(record_has(r, F_smtp_after_220_side) <= is_yes(r, F_smtp_after_220));
	assert(record_has(r, F_proxy_src) <= record_has(r, F_proxy_version));
}

/* First octet of a step: bit 0 direction, bit 1 a gap, bit 3 that the writer had not heard the last piece of the other side,
 * if that is told; then a length of 8 bits (gap) or 12 (piece). */
static void play(struct reader *b, struct bytes script, size_t cut, bool placed)
{
	smtp_init(&b->s, false);
	record_init(&b->r);
	b->n[0] = b->n[1] = 0;
	b->given[0] = b->given[1] = b->last[0] = b->last[1] = 0;
	b->bad = b->tls[0] = b->tls[1] = b->unheard = false;
	b->placed = placed;
	struct cur c = cur_of(script);
	while (cur_left(&c) >= 2) {
		uint8_t what = cur_u8(&c);
		size_t n = cur_u8(&c);
		enum dir dir = what & 1 ? S2C : C2S;
		if ((what & 0x0f) == 2 || (what & 0x0f) == 3) {
			b->n[dir] = 0;
			b->given[dir] += n;
			if (!b->tls[dir])
				smtp_gap(&b->s, dir, n);
			continue;
		}
		n |= (size_t)(what & 0xf0) << 4;
		struct bytes piece = cur_take(&c, n < cur_left(&c) ? n : cur_left(&c));
		b->unheard |= (what & 8) != 0;
		uint64_t heard = what & 8 ? b->last[!dir] : b->given[!dir];
		bool lost = b->s.lost[C2S] || b->s.lost[S2C], before = slipped_in(&b->r);
		b->last[dir] = b->given[dir];
		for (size_t at = 0; at < piece.n; at += cut)
			give(b, dir, bytes_head(bytes_skip(piece, at), cut), heard);
		assert(before || !lost || !slipped_in(&b->r));
	}
	smtp_end(&b->s, C2S);
	smtp_end(&b->s, S2C);
	observe_smtp_finish(&b->r, &b->s);
}

static bool same(const struct record *a, const struct record *b)
{
	if (memcmp(a->seen, b->seen, sizeof(a->seen)) != 0 || a->used != b->used || a->truncated != b->truncated)
		return false;
	return memcmp(a->slot, b->slot, sizeof(a->slot)) == 0 && memcmp(a->text, b->text, a->used) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t cuts[] = { SIZE_MAX / 2, 1, 3, 17 };
	struct reader *first = calloc(1, sizeof(*first)), *other = calloc(1, sizeof(*other));
	uint8_t *held[2] = { malloc(HELD), malloc(HELD) };
	assert(first && other && held[0] && held[1]);
	for (int d = 0; d < 2; d++)
		first->held[d] = other->held[d] = held[d];
	play(first, (struct bytes){ data, size }, cuts[0], true);
	check(&first->r);
	for (size_t i = 1; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		play(other, (struct bytes){ data, size }, cuts[i], first->unheard || i % 2);
		assert(same(&first->r, &other->r));
	}
	free(held[0]);
	free(held[1]);
	free(first);
	free(other);
	return 0;
}
