/* fuzz_stream: a script of segments of both directions. Promises: octets and gaps come in order, without holes and
 * without overlap; an octet that is given is one that a segment brought for that place; the same script is counted
 * the same with a consumer that drops everything and one that drops by and by; END comes once; the other reading holds
 * nothing but octets of that place, and needs a conflict; and no block is lost. */
#include <assert.h>
#include <stdlib.h>

#include "wire/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* at: offset that must come next; held: given and not dropped. */
struct reader {
	struct streams ss;
	uint64_t at[2];
	size_t held[2];
	bool ended[2];
	size_t step;
};

static void drain(struct reader *r)
{
	struct stream_view v;
	for (enum stream_item item; (item = stream_next(&r->ss, &v)) != STREAM_NONE;) {
		enum dir d = v.dir;
		assert(!r->ended[d]);
		size_t n;
		switch (item) {
		case STREAM_NONE:
			break;
		case STREAM_DATA:
			assert(v.offset == r->at[d] && v.data.n > 0);
			assert(v.data.n > r->held[d]);
			n = r->step ? v.data.n - v.data.n % r->step : v.data.n;
			/* Each octet was written as its own sequence number: see below. */
			for (size_t i = 0; i < v.data.n; i++)
				assert((v.data.p[i] & 0x7f) == ((v.data.p[0] + i) & 0x7f));
			stream_drop(&r->ss, d, n);
			r->at[d] = v.offset + n;
			r->held[d] = v.data.n - n;
			break;
		case STREAM_GAP:
			assert(v.gap > 0 && v.skipped <= v.gap);
			assert(v.offset == r->at[d] + (v.why == STREAM_LIMIT && v.gap <= r->held[d] ? 0 : r->held[d]));
			r->at[d] = v.offset + v.gap;
			r->held[d] = 0;
			break;
		case STREAM_END:
			r->ended[d] = true;
			break;
		}
	}
}

static void feed(struct reader *r, struct bytes script)
{
	struct cur c = cur_of(script);
	int64_t ts = 1;
	uint64_t number = 0;
	while (cur_left(&c) >= 8) {
		uint8_t what = cur_u8(&c), flags = cur_u8(&c);
		uint32_t seq = cur_u16(&c), ack = cur_u16(&c), n = cur_u8(&c) * (what & 2 ? 64u : 1u);
		uint8_t more = cur_u8(&c);
		if (what & 4)
			seq += 0xffff8000u;
		if (what & 8)
			ack += 0xffff8000u;
		ts += more & 0x80 ? (int64_t)(more & 0x7f) * 100000000 : 1000;
		uint8_t *payload = malloc(n ? n : 1);
		uint32_t first = seq + (flags & TCP_SYN ? 1 : 0);
		for (uint32_t i = 0; i < n; i++)
			payload[i] = (uint8_t)(((first + i) & 0x7f) | (what & 16 ? 0x80 : 0));
		struct segment seg = { .ts = ts, .number = ++number, .flags = flags & 31, .seq = seq, .ack = ack,
				       .payload = { payload, n }, .payload_wire = n + (what & 32 ? more & 15u : 0) };
		stream_push(&r->ss, what & 1 ? S2C : C2S, &seg);
		if ((what & 0xc0) == 0xc0)
			stream_mode(&r->ss, more & 1 ? S2C : C2S, more & 2 && more & 4 ? STREAM_COUNT : STREAM_PASS);
		drain(r);
		free(payload);
	}
	stream_finish(&r->ss);
	drain(r);
	assert(r->ended[0] && r->ended[1]);
}

static void check_other(const struct streams *ss, enum dir d)
{
	uint64_t offset;
	struct bytes b = stream_other(ss, d, &offset);
	assert(b.n <= STREAM_HISTORY && offset + b.n <= ss->side[d].octets);
	assert(b.n == 0 || ss->side[C2S].conflicts || ss->side[S2C].conflicts);
	for (size_t i = 0; i < b.n; i++)
		assert((b.p[i] & 0x7f) == ((b.p[0] + i) & 0x7f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[] = { 0, 3, 1000 };
	struct stream_memory mem;
	struct stream first[2];
	if (size > 4096 || !stream_memory_init(&mem, 1024 * 1024))
		return 0;
	for (size_t i = 0; i < 3; i++) {
		struct reader r = { .step = steps[i] };
		stream_init(&r.ss, &mem);
		feed(&r, (struct bytes){ data, size });
		for (int d = 0; d < 2; d++) {
			const struct stream *st = &r.ss.side[d];
			(void)stream_conflict_at(&r.ss, d ? S2C : C2S, 0);
			check_other(&r.ss, d ? S2C : C2S);
			if (i == 0)
				first[d] = *st;
			if (!st->limit && !first[d].limit)
				assert(st->octets == first[d].octets && st->gap_octets == first[d].gap_octets &&
				       st->conflicts == first[d].conflicts && st->retransmits == first[d].retransmits);
		}
		stream_release(&r.ss);
		assert(mem.work.used + mem.segment.used + mem.hold.used + mem.history.used == 0);
		assert(mem.conflict.used + mem.other.used == 0);
	}
	stream_memory_free(&mem);
	return 0;
}
