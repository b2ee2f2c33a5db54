/* stream: TCP segments → octets, gaps, conflicts (RFC 9293 3.4, 3.10.7.4; RFC 7413 for data in a SYN).
 *
 * Knows sequence numbers, time and memory; no address, no port and nothing about what the octets mean. It owns all
 * payload that outlives a packet: segments that came early (pieces), what the consumer left (hold), and the last
 * delivered octets, kept only to be compared with what comes again (history). All of it is pool blocks.
 *
 * Inside, an octet has a 64-bit offset that never wraps; sequence number seq0 stands at BIAS, so that octets in front
 * of the first segment seen have an offset too. The public offset counts from the start of the direction.
 *
 * Three invariants: pieces are sorted and never overlap each other or what was delivered; fresh is the only span that
 * borrows from the packet, and is empty after STREAM_NONE; what has been given and not dropped is hold, then fresh. */
#include "wire/stream.h"

#include <assert.h>

enum {
	PIECE_BLOCK = 2048,
	HISTORY_BLOCK = 1024,
	HISTORY_BLOCKS = STREAM_HISTORY / HISTORY_BLOCK,
	MARKS = 16,        /* delivered segments whose origin is remembered */
	PIECES_MAX = 1024, /* of one direction */
	LEAD_MAX = 16,     /* octets in front of a difference that are kept with it */
	OUTSIDE_MAX = 8    /* unbelievable segments in a row until they are believed */
};

/* How long a hole may stay: in packet time, in payload of the connection, and in pieces that wait, whichever is over first.
 * A capture shuffles packets by little, and a reply should not wait long for a command that was lost. Payload and not
 * segments, so that the answer does not depend on how it was cut, unless that is very small.
 * start  without a SYN, an earlier segment may still come    acked  the receiver has acknowledged what was not captured
 * cause  an octet waits for what it answers; longer, so that the gap comes first
 * hole   nobody acknowledges: one direction only */
struct wait {
	int64_t ns;
	uint64_t octets;
	size_t pieces;
};

#define MS INT64_C(1000000)
static const struct wait wait_start = { 200 * MS, 24 * 1024, 32 };
static const struct wait wait_acked = { 500 * MS, 96 * 1024, 192 };
static const struct wait wait_cause = { 1000 * MS, 192 * 1024, 384 };
static const struct wait wait_hole = { 10000 * MS, UINT64_MAX, SIZE_MAX };

#define BIAS ((uint64_t)1 << 32)
#define NEVER UINT64_MAX

/* A stretch of payload. cut: octets behind data that were on the wire and not captured. single: its segment had one
 * octet. */
struct parcel {
	uint64_t off;
	struct bytes data;
	uint32_t cut, ack;
	bool has_ack, single;
	struct stream_origin from;
};

struct piece {
	struct piece *next;
	struct parcel in;
	uint8_t data[];
};

enum { PIECE_DATA = PIECE_BLOCK - sizeof(struct piece) };

struct mark {
	uint64_t from, to;
	struct stream_origin origin;
	uint32_t ack;
	bool has_ack;
};

struct timer {
	int64_t since;
	uint64_t from;
};

/* low, high: extent of those that were not kept, if there are any. */
struct conflicts {
	size_t n;
	uint64_t low, high;
	struct stream_conflict at[STREAM_CONFLICTS];
};

/* A direction as it reads with the later versions. octet[i] is that of offset from + i; [from, to) has been delivered;
 * later has a bit for each octet that a later version wrote, delivered or not. open: more may be delivered. */
struct other {
	uint64_t from, to;
	bool open;
	uint8_t later[STREAM_HISTORY / 8], octet[STREAM_HISTORY];
};

/* What a direction needs once it has payload.
 * fresh     in-order octets not dropped, in the packet or in owner (a piece taken out of the queue)
 * hold      what was left of earlier packets: hold_n octets from hold_at; the last copied of them are still in front
 *           of fresh as well, so that the view can move back into fresh without copying
 * given     octets of the view that the consumer has seen
 * cut_to    end of the stretch that the capture cut, if beyond next
 * kept      the newest octets of the history were delivered in STREAM_KEEP, without a break from kept_from on
 * moved     when next last changed or the hole in front of next began       acking  when acked went beyond next */
struct stream_work {
	struct bytes fresh;
	struct piece *owner;
	uint8_t *hold;
	size_t hold_cap, hold_at, hold_n, copied;
	size_t given;
	uint64_t cut_to, skip;
	struct piece *queue, *tail;
	size_t queued, pieces;
	struct timer moved, acking;
	bool forced;
	uint64_t lost_from, lost_to;
	uint64_t history_from, history_to, kept_from;
	bool kept;
	uint8_t *history[HISTORY_BLOCKS];
	struct mark mark[MARKS];
	uint32_t marks;
	struct conflicts *conflicts;
	struct other *other;
};

bool stream_memory_init(struct stream_memory *mem, size_t budget)
{
	*mem = (struct stream_memory){ 0 };
	if (budget < 1024 * 1024)
		return false;
	size_t part = budget / 21;
	bool ok = pool_init(&mem->work, sizeof(struct stream_work), part * 4 / sizeof(struct stream_work)) &&
		  pool_init(&mem->segment, PIECE_BLOCK, part * 6 / PIECE_BLOCK) &&
		  pool_init(&mem->hold, STREAM_HOLD_MAX, part * 3 / STREAM_HOLD_MAX) &&
		  pool_init(&mem->history, HISTORY_BLOCK, part * 6 / HISTORY_BLOCK) &&
		  pool_init(&mem->conflict, sizeof(struct conflicts), part / sizeof(struct conflicts)) &&
		  pool_init(&mem->other, sizeof(struct other), part / sizeof(struct other));
	if (!ok)
		stream_memory_free(mem);
	return ok;
}

void stream_memory_free(struct stream_memory *mem)
{
	pool_free(&mem->work);
	pool_free(&mem->segment);
	pool_free(&mem->hold);
	pool_free(&mem->history);
	pool_free(&mem->conflict);
	pool_free(&mem->other);
}

void stream_init(struct streams *ss, struct stream_memory *mem)
{
	*ss = (struct streams){ .mem = mem };
	for (int d = 0; d < 2; d++) {
		ss->side[d].start = ss->side[d].next = ss->side[d].top = BIAS;
		ss->side[d].fin = ss->side[d].gap_first = NEVER;
	}
}

/* ---- time and place ---- */

static struct timer timer_now(const struct streams *ss)
{
	return (struct timer){ ss->now, ss->payload };
}

static size_t pieces_of(const struct stream *st)
{
	return st->work ? st->work->pieces : 0;
}

static bool timer_over(const struct streams *ss, struct timer t, const struct wait *wait)
{
	size_t pieces = pieces_of(&ss->side[C2S]) + pieces_of(&ss->side[S2C]);
	return ss->finished || ss->now - t.since >= wait->ns || ss->payload - t.from >= wait->octets || pieces >= wait->pieces;
}

/* The offset nearest to what is expected next that has this sequence number. */
static uint64_t offset_of(const struct stream *st, uint32_t seq)
{
	uint32_t expected = st->seq0 + (uint32_t)(st->next - BIAS);
	return st->next + (uint64_t)(int64_t)(int32_t)(seq - expected);
}

int64_t stream_offset(const struct streams *ss, enum dir dir, uint32_t seq)
{
	const struct stream *st = &ss->side[dir];
	return st->known ? (int64_t)(offset_of(st, seq) - st->start) : 0;
}

static struct stream_work *work_of(struct streams *ss, struct stream *st)
{
	if (!st->work) {
		st->work = pool_take(&ss->mem->work);
		if (!st->work)
			return NULL;
		*st->work = (struct stream_work){ .moved = timer_now(ss) };
	}
	return st->work;
}

/* ---- what is kept, and given back ---- */

static void hold_give(struct streams *ss, struct stream_work *w)
{
	pool_give(w->hold_cap > PIECE_BLOCK ? &ss->mem->hold : &ss->mem->segment, w->hold);
	w->hold = NULL;
	w->hold_cap = w->hold_at = w->hold_n = w->copied = 0;
}

static void owner_give(struct streams *ss, struct stream_work *w)
{
	pool_give(&ss->mem->segment, w->owner);
	w->owner = NULL;
}

static void history_give(struct streams *ss, struct stream_work *w)
{
	for (int i = 0; i < HISTORY_BLOCKS; i++) {
		pool_give(&ss->mem->history, w->history[i]);
		w->history[i] = NULL;
	}
	w->history_from = w->history_to = 0;
}

static struct piece *queue_pop(struct stream_work *w)
{
	struct piece *p = w->queue;
	w->queue = p->next;
	if (!w->queue)
		w->tail = NULL;
	w->queued -= p->in.data.n;
	w->pieces--;
	return p;
}

/* Everything but the conflicts and the other reading, which are read after the end. */
static void payload_give(struct streams *ss, struct stream_work *w)
{
	while (w->queue)
		pool_give(&ss->mem->segment, queue_pop(w));
	owner_give(ss, w);
	hold_give(ss, w);
	history_give(ss, w);
	w->fresh = (struct bytes){ 0 };
	w->given = 0;
	w->skip = w->cut_to = 0;
}

void stream_release(struct streams *ss)
{
	for (int d = 0; d < 2; d++) {
		struct stream_work *w = ss->side[d].work;
		if (!w)
			continue;
		payload_give(ss, w);
		pool_give(&ss->mem->conflict, w->conflicts);
		pool_give(&ss->mem->other, w->other);
		pool_give(&ss->mem->work, w);
		ss->side[d].work = NULL;
	}
}

/* Drops what lies before next: payload in front of a SYN that came later. */
static void queue_trim(struct streams *ss, struct stream *st)
{
	struct stream_work *w = st->work;
	while (w->queue && w->queue->in.off < st->next) {
		struct piece *p = w->queue;
		uint64_t n = st->next - p->in.off;
		if (n < p->in.data.n) {
			p->in.off = st->next;
			p->in.data = bytes_skip(p->in.data, (size_t)n);
			w->queued -= (size_t)n;
			return;
		}
		pool_give(&ss->mem->segment, queue_pop(w));
	}
}

/* Offset 0 of the direction is known now; until now offsets in conflicts counted from the first segment seen. */
static void set_start(struct streams *ss, struct stream *st, uint64_t off)
{
	struct stream_work *w = st->work;
	uint64_t before = st->start;
	st->start = st->next = off;
	st->started = true;
	st->top = st->top > off ? st->top : off;
	if (!w)
		return;
	for (size_t i = 0; w->conflicts && i < w->conflicts->n; i++)
		w->conflicts->at[i].offset += before - off;
	if (w->conflicts && w->conflicts->high) {
		w->conflicts->low += before - off;
		w->conflicts->high += before - off;
	}
	w->moved = timer_now(ss);
	queue_trim(ss, st);
}

/* ---- history ---- */

static uint8_t *history_octet(const struct stream_work *w, uint64_t off)
{
	uint8_t *block = w->history[off / HISTORY_BLOCK % HISTORY_BLOCKS];
	return block + off % HISTORY_BLOCK;
}

static void history_add(struct streams *ss, struct stream *st, uint64_t off, struct bytes data)
{
	struct stream_work *w = st->work;
	if (off != w->history_to)
		w->history_from = off;
	w->history_to = off + data.n;
	if (!w->kept)
		w->kept_from = off;
	w->kept = st->mode == STREAM_KEEP;
	if (data.n > STREAM_HISTORY) {
		off += data.n - STREAM_HISTORY;
		data = bytes_skip(data, data.n - STREAM_HISTORY);
	}
	while (data.n) {
		size_t at = (size_t)(off % HISTORY_BLOCK), n = HISTORY_BLOCK - at < data.n ? HISTORY_BLOCK - at : data.n;
		uint8_t **block = &w->history[off / HISTORY_BLOCK % HISTORY_BLOCKS];
		if (!*block)
			*block = pool_take(&ss->mem->history);
		if (*block) {
			memcpy(*block + at, data.p, n);
		} else {
			w->history_from = off + n;
			st->limit |= w->kept;
		}
		off += n;
		data = bytes_skip(data, n);
	}
	if (w->history_to - w->history_from > STREAM_HISTORY)
		w->history_from = w->history_to - STREAM_HISTORY;
}

static void mark_add(struct stream_work *w, const struct parcel *in)
{
	w->mark[w->marks++ % MARKS] = (struct mark){ in->off, in->off + in->data.n, in->from, in->ack, in->has_ack };
}

static struct stream_origin mark_find(const struct stream_work *w, uint64_t off)
{
	for (size_t i = 0; i < MARKS; i++)
		if (off >= w->mark[i].from && off < w->mark[i].to)
			return w->mark[i].origin;
	return (struct stream_origin){ 0 };
}

/* ---- the other reading ---- */

static void other_append(struct other *o, uint64_t off, struct bytes data)
{
	o->open = o->open && off == o->to;
	for (size_t i = 0; o->open && i < data.n; i++) {
		uint64_t at = o->to - o->from;
		if (at == STREAM_HISTORY) {
			o->open = false;
			return;
		}
		if (!(o->later[at / 8] >> at % 8 & 1))
			o->octet[at] = data.p[i];
		o->to++;
	}
}

static void other_write(struct other *o, uint64_t off, struct bytes data)
{
	for (size_t i = 0; i < data.n; i++) {
		uint64_t at = off + i - o->from;
		if (off + i < o->from || at >= STREAM_HISTORY)
			continue;
		o->octet[at] = data.p[i];
		o->later[at / 8] |= (uint8_t)(1 << at % 8);
	}
}

static uint8_t other_octet(const struct other *o, uint64_t off, uint8_t otherwise)
{
	return o && off >= o->from && off < o->to ? o->octet[off - o->from] : otherwise;
}

static void other_begin(struct streams *ss, struct stream *st)
{
	struct stream_work *w = st->work;
	if (!w || w->other || !st->started || st->mode != STREAM_KEEP)
		return;
	w->other = pool_take(&ss->mem->other);
	if (!w->other)
		return;
	uint64_t from = w->history_from > w->kept_from ? w->history_from : w->kept_from;
	bool whole = w->kept && w->history_to == st->next;
	w->other->from = w->other->to = whole ? from : st->next;
	w->other->open = true;
	memset(w->other->later, 0, sizeof(w->other->later));
	for (uint64_t off = w->other->from; off < st->next; off++)
		other_append(w->other, off, (struct bytes){ history_octet(w, off), 1 });
}

/* Two versions of the same octets: from here on both directions are kept as they read with the later one; a side that
 * has not spoken yet begins when it does. */
static void other_take(struct streams *ss, struct stream *st, uint64_t off, struct bytes second)
{
	for (int d = 0; d < 2; d++)
		other_begin(ss, &ss->side[d]);
	if (st->work->other)
		other_write(st->work->other, off, second);
}

struct bytes stream_other(const struct streams *ss, enum dir dir, uint64_t *offset)
{
	const struct stream *st = &ss->side[dir];
	const struct other *o = st->work ? st->work->other : NULL;
	*offset = o ? o->from - st->start : 0;
	return o ? (struct bytes){ o->octet, (size_t)(o->to - o->from) } : (struct bytes){ 0 };
}

/* ---- conflicts ---- */

/* The octet of the first version at off: in the piece if there is one, else in the history. */
static uint8_t first_octet(const struct stream_work *w, const struct piece *p, uint64_t off)
{
	return p ? p->in.data.p[off - p->in.off] : *history_octet(w, off);
}

static bool conflict_same(const struct stream_conflict *a, const struct stream_conflict *b)
{
	return a->offset == b->offset && a->length == b->length && a->n[1] == b->n[1] &&
	       memcmp(a->second, b->second, a->n[1]) == 0;
}

/* Notes one conflict, unless exactly this one is known: a packet captured twice says nothing new. */
static void conflict_add(struct streams *ss, struct stream *st, const struct stream_conflict *c)
{
	struct stream_work *w = st->work;
	st->differing++;
	if (!w->conflicts) {
		w->conflicts = pool_take(&ss->mem->conflict);
		if (w->conflicts) {
			w->conflicts->n = 0;
			w->conflicts->low = NEVER;
			w->conflicts->high = 0;
		}
	}
	for (size_t i = 0; w->conflicts && i < w->conflicts->n; i++)
		if (conflict_same(&w->conflicts->at[i], c))
			return;
	st->conflicts++;
	if (!w->conflicts)
		return;
	if (w->conflicts->n < STREAM_CONFLICTS) {
		w->conflicts->at[w->conflicts->n++] = *c;
		return;
	}
	uint64_t end = c->offset + c->length;
	w->conflicts->low = c->offset < w->conflicts->low ? c->offset : w->conflicts->low;
	w->conflicts->high = end > w->conflicts->high ? end : w->conflicts->high;
}

/* What can be shown of both versions: first from p or the history, second from in, which begins at from. */
static void conflict_text(struct stream_conflict *c, const struct stream_work *w, const struct piece *p, uint64_t low,
			  uint64_t from, const struct parcel *in)
{
	uint64_t kept = w->history_from > w->kept_from ? w->history_from : w->kept_from;
	uint64_t oldest = p ? p->in.off : kept, end[2];
	end[0] = p ? p->in.off + p->in.data.n : w->history_to;
	end[1] = in->off + in->data.n;
	c->lead = (uint8_t)(low - oldest < LEAD_MAX ? low - oldest : LEAD_MAX);
	uint64_t begin = low - c->lead;
	for (int i = 0; i < 2; i++)
		c->n[i] = (uint8_t)(end[i] - begin < STREAM_VERSION ? end[i] - begin : STREAM_VERSION);
	for (uint8_t i = 0; i < c->n[0]; i++)
		c->first[i] = first_octet(w, p, begin + i);
	for (uint8_t i = 0; i < c->n[1]; i++)
		c->second[i] = begin + i >= from ? in->data.p[begin + i - in->off] :
						   other_octet(w->other, begin + i, c->first[i]);
}

/* Compares the octets [from, to) of in with their first version (p, or the history). */
static void compare(struct streams *ss, struct stream *st, const struct piece *p, uint64_t from, uint64_t to,
		    const struct parcel *in)
{
	struct stream_work *w = st->work;
	const uint8_t *second = in->data.p + (from - in->off);
	uint64_t low = NEVER, high = 0;
	/* A keep-alive repeats the last octet's number with any octet (RFC 9293 3.8.4). */
	if (in->from.bad || (in->single && to == st->top))
		return;
	for (uint64_t i = 0; i < to - from; i++) {
		if (first_octet(w, p, from + i) != second[i]) {
			low = low == NEVER ? from + i : low;
			high = from + i + 1;
		}
	}
	if (low == NEVER)
		return;
	struct stream_conflict c = { .offset = low - st->start, .length = (uint32_t)(high - low), .delivered = !p };
	c.from[0] = p ? p->in.from : mark_find(w, low);
	c.from[1] = in->from;
	if (c.from[0].bad)
		return;
	if (st->mode == STREAM_KEEP && (p || (w->kept && low >= w->kept_from))) {
		other_take(ss, st, from, (struct bytes){ second, (size_t)(to - from) });
		conflict_text(&c, w, p, low, from, in);
	}
	conflict_add(ss, st, &c);
}

/* The part of in that lies before next has been delivered, or given up: is it the same? */
static void compare_delivered(struct streams *ss, struct stream *st, const struct parcel *in)
{
	struct stream_work *w = st->work;
	uint64_t end = in->off + in->data.n, from = in->off, to = end < st->next ? end : st->next;
	uint64_t late_from = from > w->lost_from ? from : w->lost_from, late_to = to < w->lost_to ? to : w->lost_to;
	if (late_from < late_to)
		st->late += (uint32_t)(late_to - late_from);
	st->forgot |= from < w->history_from && from < to;
	from = from > w->history_from ? from : w->history_from;
	to = to < w->history_to ? to : w->history_to;
	if (from < to)
		compare(ss, st, NULL, from, to, in);
}

size_t stream_conflict_count(const struct streams *ss, enum dir dir)
{
	const struct stream_work *w = ss->side[dir].work;
	return w && w->conflicts ? w->conflicts->n : 0;
}

const struct stream_conflict *stream_conflict_at(const struct streams *ss, enum dir dir, size_t i)
{
	return i < stream_conflict_count(ss, dir) ? &ss->side[dir].work->conflicts->at[i] : NULL;
}

bool stream_conflict_rest(const struct streams *ss, enum dir dir, uint64_t *low, uint64_t *high)
{
	const struct stream *st = &ss->side[dir];
	const struct conflicts *c = st->work ? st->work->conflicts : NULL;
	if (!c || st->conflicts <= c->n)
		return false;
	*low = c->low;
	*high = c->high;
	return true;
}

/* ---- segments in ---- */

/* The first n octets of in; the rest stays with the caller. Only the last part of a parcel has the cut behind it. */
static struct parcel parcel_part(const struct parcel *in, uint64_t from, uint64_t to)
{
	struct parcel part = *in;
	uint64_t end = in->off + in->data.n;
	part.off = from;
	part.data = (struct bytes){ in->data.p + (from - in->off), (size_t)(to - from) };
	part.cut = to == end ? in->cut : 0;
	return part;
}

/* Copies [from, to) of in into the queue behind piece after (NULL: at the front). false: no room. */
static bool queue_add(struct streams *ss, struct stream *st, struct piece **after, const struct parcel *in,
		      uint64_t from, uint64_t to)
{
	struct stream_work *w = st->work;
	do {
		uint64_t end = to - from > PIECE_DATA ? from + PIECE_DATA : to;
		bool full = w->pieces >= PIECES_MAX || w->queued >= STREAM_REORDER_MAX;
		struct piece *p = full ? NULL : pool_take(&ss->mem->segment);
		if (!p)
			return false;
		p->in = parcel_part(in, from, end);
		if (p->in.data.n)
			memcpy(p->data, p->in.data.p, p->in.data.n);
		p->in.data.p = p->data;
		struct piece **link = *after ? &(*after)->next : &w->queue;
		p->next = *link;
		*link = p;
		if (!p->next)
			w->tail = p;
		w->pieces++;
		w->queued += p->in.data.n;
		*after = p;
		from = end;
	} while (from < to);
	return true;
}

/* Parts p at off, inside it: what lies behind becomes a piece of its own. false: no room. */
static bool piece_part(struct streams *ss, struct stream *st, struct piece *p, uint64_t off)
{
	uint64_t end = p->in.off + p->in.data.n;
	struct piece *after = p;
	if (!queue_add(ss, st, &after, &p->in, off, end))
		return false;
	st->work->queued -= (size_t)(end - off);
	p->in = parcel_part(&p->in, p->in.off, off);
	return true;
}

static bool is_lower(const struct parcel *again, const struct parcel *first)
{
	return first->has_ack && (!again->has_ack || (int32_t)(again->ack - first->ack) < 0);
}

/* The octets [from, to) of p were sent twice: what they answer had been heard when they were sent first. Of the others of p
 * this is not known; without room to part it p waits on, for its time. Returns the piece that [from, to) is in then. */
static struct piece *lower_cause(struct streams *ss, struct stream *st, struct piece *p, uint64_t from, uint64_t to,
				 const struct parcel *again)
{
	if (!is_lower(again, &p->in))
		return p;
	if (from > p->in.off) {
		if (!piece_part(ss, st, p, from))
			return p;
		p = p->next;
	}
	if (to < p->in.off + p->in.data.n && !piece_part(ss, st, p, to))
		return p;
	p->in.ack = again->ack;
	p->in.has_ack = again->has_ack;
	return p;
}

/* Puts in where it belongs among the pieces: holes are filled, what is there already is compared. */
static void queue_insert(struct streams *ss, struct stream *st, const struct parcel *in)
{
	struct stream_work *w = st->work;
	uint64_t at = in->off, end = in->off + in->data.n;
	bool stored = true, empty = !w->queue;
	struct piece *prev = NULL;
	if (w->tail && w->tail->in.off + w->tail->in.data.n <= at)
		prev = w->tail;
	for (struct piece *p = prev ? NULL : w->queue; p && stored; p = p->next) {
		uint64_t from = p->in.off, to = p->in.off + p->in.data.n;
		if (from >= end || (at >= end && in->data.n))
			break;
		if (from > at) {
			stored = queue_add(ss, st, &prev, in, at, from);
			at = from;
		}
		if (to > at) {
			uint64_t stop = to < end ? to : end;
			compare(ss, st, p, at, stop, in);
			p = lower_cause(ss, st, p, at, stop, in);
			at = stop;
		}
		prev = p;
	}
	if (stored && (at < end || (in->data.n == 0 && in->cut)))
		stored = queue_add(ss, st, &prev, in, at, end);
	if (empty && w->queue)
		w->moved = timer_now(ss);
	if (!stored) {
		w->forced = true;
		st->limit = true;
	}
}

/* Has the other side been heard as far as the writer of in had heard it? */
static bool cause_seen(const struct streams *ss, enum dir d, const struct parcel *in)
{
	const struct stream *peer = &ss->side[!d];
	if (!in->has_ack || peer->mode == STREAM_COUNT || peer->ended)
		return true;
	/* No SYN of the peer: it may come late, or there is only one direction. */
	if (!peer->started && !timer_over(ss, (struct timer){ ss->began, 0 }, &wait_start))
		return false;
	if (!peer->known)
		return true;
	uint64_t acked = offset_of(peer, in->ack);
	uint64_t heard = peer->next + (peer->fin != NEVER && peer->fin <= peer->next);
	if (!peer->started)
		heard = peer->work && peer->work->queue ? peer->work->queue->in.off : NEVER;
	return acked <= heard || acked - heard > STREAM_WINDOW;
}

/* Takes in as the next octets of the stream. owner: the block that they are in, NULL for the packet. */
static void accept(struct streams *ss, struct stream *st, const struct parcel *in, struct piece *owner)
{
	struct stream_work *w = st->work;
	w->fresh = in->data;
	w->owner = owner;
	const struct stream *peer = &ss->side[st == &ss->side[C2S] ? S2C : C2S];
	if (!w->marks && peer->work && peer->work->other)
		other_begin(ss, st);
	history_add(ss, st, in->off, in->data);
	if (st->mode == STREAM_KEEP && w->other)
		other_append(w->other, in->off, in->data);
	mark_add(w, in);
	st->next += in->data.n;
	st->octets += in->data.n;
	if (in->cut)
		w->cut_to = st->next + in->cut;
	w->moved = w->acking = timer_now(ss);
}

/* A segment far away from everything is somebody's attempt to make us wait; many in a row are what a long loss
 * leaves behind. */
static bool believable(struct stream *st, uint64_t off)
{
	if (off <= st->next + STREAM_WINDOW && off + STREAM_WINDOW >= st->next) {
		st->outside_run = 0;
		return true;
	}
	st->outside++;
	return off > st->next && ++st->outside_run >= OUTSIDE_MAX;
}

static void push_counted(struct stream *st, uint64_t from, uint64_t end)
{
	if (!st->started) {
		st->started = st->midstream = true;
		st->start = st->next = from;
	}
	if (end <= st->next) {
		st->retransmits++;
	} else if (believable(st, end)) {
		st->octets += end - st->next;
		st->delivered += end - st->next;
		st->next = end;
	}
}

static void push_payload(struct streams *ss, enum dir d, struct parcel in)
{
	struct stream *st = &ss->side[d];
	struct stream_work *w = work_of(ss, st);
	uint64_t end = in.off + in.data.n + in.cut;
	if (!w && st->mode != STREAM_COUNT) {
		st->mode = STREAM_COUNT;
		st->limit = true;
	}
	if (st->mode == STREAM_COUNT) {
		push_counted(st, in.off, end);
		return;
	}
	if (!believable(st, in.off))
		return;
	uint64_t top = st->top;
	if (st->started && in.off < st->next) {
		compare_delivered(ss, st, &in);
		if (end <= st->next) {
			st->retransmits++;
			return;
		}
		uint64_t seen = st->next - in.off;
		in.cut -= seen > in.data.n ? (uint32_t)(seen - in.data.n) : 0;
		in.data = bytes_skip(in.data, (size_t)seen);
		in.off = st->next;
	}
	st->top = end > top ? end : top;
	if (st->started && in.off == st->next && cause_seen(ss, d, &in)) {
		uint64_t stop = in.off + in.data.n;
		if (!w->queue || w->queue->in.off >= stop) {
			accept(ss, st, &in, NULL);
			return;
		}
		struct parcel head = parcel_part(&in, in.off, w->queue->in.off);
		struct parcel rest = parcel_part(&in, w->queue->in.off, stop);
		if (head.data.n)
			accept(ss, st, &head, NULL);
		queue_insert(ss, st, &rest);
		return;
	}
	if (end <= top)
		st->retransmits++;
	else
		st->reordered++;
	queue_insert(ss, st, &in);
}

/* The SYN says where the direction begins (RFC 9293 3.4), even if it was captured behind the first payload. */
static void push_syn(struct streams *ss, struct stream *st, uint32_t first)
{
	if (!st->known) {
		st->known = true;
		st->seq0 = first;
	}
	uint64_t off = offset_of(st, first);
	if (!st->started) {
		set_start(ss, st, off);
		st->syn = true;
	} else if (off == st->start) {
		st->syn = true;
		st->midstream = false;
	}
}

static void push_ack(struct streams *ss, struct stream *st, uint32_t ack)
{
	if (!st->known || st->mode == STREAM_COUNT)
		return;
	uint64_t off = offset_of(st, ack);
	if (off <= st->acked || off > st->next + STREAM_WINDOW)
		return;
	if (off > st->next && st->acked <= st->next) {
		struct stream_work *w = work_of(ss, st);
		if (!w)
			return;
		w->acking = timer_now(ss);
	}
	st->acked = off;
}

void stream_push(struct streams *ss, enum dir dir, const struct segment *seg)
{
	struct stream *st = &ss->side[dir];
	assert(!st->work || !st->work->fresh.n);
	ss->now = seg->ts > ss->now ? seg->ts : ss->now;
	if (ss->packets++ == 0)
		ss->began = ss->now;
	ss->payload += seg->payload_wire;
	uint32_t first = seg->seq + (seg->flags & TCP_SYN ? 1 : 0);
	if (seg->flags & TCP_RST)
		return;
	if (seg->flags & TCP_SYN)
		push_syn(ss, st, first);
	if (seg->flags & TCP_ACK)
		push_ack(ss, &ss->side[!dir], seg->ack);
	if (!st->known) {
		st->known = true;
		st->seq0 = first;
	}
	struct parcel in = { .off = offset_of(st, first), .data = seg->payload, .ack = seg->ack,
			     .has_ack = seg->flags & TCP_ACK, .single = seg->payload_wire == 1,
			     .from = { seg->ts, seg->number, seg->ipid, seg->ttl, true, seg->checksum_bad } };
	if (seg->payload_wire > seg->payload.n)
		in.cut = seg->payload_wire - (uint32_t)seg->payload.n;
	uint64_t end = in.off + in.data.n + in.cut;
	if (seg->flags & TCP_FIN && st->fin == NEVER &&
	    (!st->started || end >= st->next) && end <= st->next + STREAM_WINDOW)
		st->fin = end;
	if (end > in.off && !st->ended)
		push_payload(ss, dir, in);
}

/* ---- items out ---- */

/* Copies as much of fresh behind hold as fits. */
static void hold_append(struct streams *ss, struct stream_work *w)
{
	size_t want = w->hold_n + w->fresh.n;
	if (want > w->hold_cap && w->hold_cap < STREAM_HOLD_MAX) {
		bool small = want <= PIECE_BLOCK;
		uint8_t *block = pool_take(small ? &ss->mem->segment : &ss->mem->hold);
		if (block) {
			size_t n = w->hold_n, copied = w->copied;
			if (n)
				memcpy(block, w->hold + w->hold_at, n);
			hold_give(ss, w);
			w->hold = block;
			w->hold_cap = small ? PIECE_BLOCK : STREAM_HOLD_MAX;
			w->hold_n = n;
			w->copied = copied;
		}
	}
	if (w->hold_at && w->hold_at + want > w->hold_cap) {
		memmove(w->hold, w->hold + w->hold_at, w->hold_n);
		w->hold_at = 0;
	}
	size_t room = w->hold_cap - w->hold_at - w->hold_n, n = w->fresh.n < room ? w->fresh.n : room;
	if (!n)
		return;
	memcpy(w->hold + w->hold_at + w->hold_n, w->fresh.p, n);
	w->hold_n += n;
	w->copied += n;
	w->fresh = bytes_skip(w->fresh, n);
}

/* Lets go of the packet, or of the piece: what the consumer left moves to hold. false: it does not fit. */
static bool settle(struct streams *ss, struct stream_work *w)
{
	if (w->fresh.n)
		hold_append(ss, w);
	w->copied = 0;
	if (w->fresh.n)
		return false;
	owner_give(ss, w);
	if (w->hold && !w->hold_n)
		hold_give(ss, w);
	return true;
}

static void note_gap(struct stream *st, struct stream_view *v)
{
	if (st->gaps++ == 0)
		st->gap_first = v->offset;
	st->gap_octets += v->gap;
	st->limit |= v->why == STREAM_LIMIT;
}

/* The consumer left more than can be kept: take it back. */
static enum stream_item give_overflow(struct stream *st, enum dir d, struct stream_view *v)
{
	struct stream_work *w = st->work;
	uint64_t n = w->hold_n ? w->hold_n : w->fresh.n;
	*v = (struct stream_view){ .dir = d, .gap = n, .why = STREAM_LIMIT };
	v->offset = st->next - w->hold_n - w->fresh.n - st->start;
	if (w->hold_n)
		w->hold_n = w->hold_at = 0;
	else
		w->fresh = (struct bytes){ 0 };
	w->given = 0;
	note_gap(st, v);
	return STREAM_GAP;
}

static enum stream_item give_gap(struct streams *ss, enum dir d, uint64_t to, enum stream_why why,
				 struct stream_view *v)
{
	struct stream *st = &ss->side[d];
	struct stream_work *w = st->work;
	uint64_t n = to - st->next, skipped = w->skip < n ? w->skip : n;
	*v = (struct stream_view){ .dir = d, .gap = n, .skipped = skipped, .why = why, .ts = ss->now };
	v->offset = st->next - st->start;
	hold_give(ss, w);
	w->given = 0;
	w->skip -= skipped;
	w->lost_from = st->next;
	w->lost_to = to;
	w->forced = false;
	w->moved = w->acking = timer_now(ss);
	st->next = to;
	st->octets += n;
	note_gap(st, v);
	return STREAM_GAP;
}

/* Octets of the other direction that the writer of m had acknowledged. */
static uint64_t heard(const struct stream *peer, const struct mark *m)
{
	if (!m->has_ack || !peer->known || !peer->started)
		return UINT64_MAX;
	uint64_t to = offset_of(peer, m->ack);
	return to < peer->start ? 0 : to - peer->start;
}

/* The view, if it has grown since the consumer saw it. */
static bool give_data(struct streams *ss, enum dir d, struct stream_view *v)
{
	struct stream *st = &ss->side[d];
	struct stream_work *w = st->work;
	if (w->skip && w->fresh.n && !w->hold_n) {
		size_t n = w->skip < w->fresh.n ? (size_t)w->skip : w->fresh.n;
		w->fresh = bytes_skip(w->fresh, n);
		w->skip -= n;
		st->delivered += n;
	}
	if (w->hold_n && w->fresh.n)
		hold_append(ss, w);
	size_t left = w->hold_n ? w->hold_n : w->fresh.n;
	if (left <= w->given)
		return false;
	w->given = left;
	const struct mark *last = &w->mark[(w->marks - 1) % MARKS];
	struct stream_origin from = last->origin;
	*v = (struct stream_view){ .dir = d, .ts = from.ts, .number = from.number, .ipid = from.ipid, .ttl = from.ttl };
	v->heard = heard(&ss->side[!d], last);
	v->data = w->hold_n ? (struct bytes){ w->hold + w->hold_at, w->hold_n } : w->fresh;
	v->offset = st->next - w->hold_n - w->fresh.n - st->start;
	return true;
}

/* Without a SYN the direction begins at the first octet seen, once no earlier one is to be expected. */
static bool start(struct streams *ss, struct stream *st)
{
	struct stream_work *w = st->work;
	if (st->started)
		return true;
	if (!w->queue || !timer_over(ss, w->moved, &wait_start))
		return false;
	set_start(ss, st, w->queue->in.off);
	st->midstream = true;
	return true;
}

/* Takes the piece at next out of the queue. force: even if what it answers has not been seen. */
static bool take_piece(struct streams *ss, enum dir d, bool force)
{
	struct stream *st = &ss->side[d];
	struct stream_work *w = st->work;
	queue_trim(ss, st);
	struct piece *p = w->queue;
	if (!p || p->in.off != st->next)
		return false;
	if (!force && !w->forced && !cause_seen(ss, d, &p->in) &&
	    (ss->finished || !timer_over(ss, w->moved, &wait_cause)))
		return false;
	queue_pop(w);
	accept(ss, st, &p->in, p);
	return true;
}

/* Where the hole at next ends, if it is time to call it a gap; next if it is not, or there is none. */
static uint64_t hole_end(const struct streams *ss, const struct stream *st)
{
	const struct stream_work *w = st->work;
	uint64_t head = w->queue ? w->queue->in.off : st->fin;
	uint64_t acked = st->acked < st->fin ? st->acked : st->fin;
	if (head <= st->next)
		return st->next;
	/* One octet acknowledged and nothing behind it: a FIN that was not captured. */
	if (acked == st->next + 1 && head == NEVER)
		acked = st->next;
	if (acked > st->next && timer_over(ss, w->acking, &wait_acked))
		return acked < head && !ss->finished ? acked : head != NEVER ? head : acked;
	if (head != NEVER && (w->forced || timer_over(ss, w->moved, &wait_hole)))
		return head;
	return st->next;
}

bool stream_settled(const struct streams *ss)
{
	struct streams end = *ss;
	end.finished = true;
	for (int d = 0; d < 2; d++) {
		const struct stream *st = &end.side[d];
		if (st->ended || !st->work || st->mode == STREAM_COUNT)
			continue;
		if (st->work->queue || (st->started && hole_end(&end, st) > st->next))
			return false;
	}
	return true;
}

static enum stream_item give_end(struct streams *ss, enum dir d, struct stream_view *v)
{
	struct stream *st = &ss->side[d];
	struct stream_work *w = st->work;
	bool waiting = w && w->queue;
	if (waiting || !(ss->finished || (st->started && st->fin <= st->next)))
		return STREAM_NONE;
	if (w)
		payload_give(ss, w);
	st->ended = true;
	*v = (struct stream_view){ .dir = d, .offset = st->next - st->start, .ts = ss->now };
	return STREAM_END;
}

static enum stream_item side_next(struct streams *ss, enum dir d, bool force, struct stream_view *v)
{
	struct stream *st = &ss->side[d];
	struct stream_work *w = st->work;
	if (st->ended)
		return STREAM_NONE;
	if (!w || st->mode == STREAM_COUNT || !start(ss, st))
		return give_end(ss, d, v);
	do {
		if (give_data(ss, d, v))
			return STREAM_DATA;
		if (!settle(ss, w))
			return give_overflow(st, d, v);
		if (w->cut_to > st->next) {
			uint64_t to = w->queue && w->queue->in.off < w->cut_to ? w->queue->in.off : w->cut_to;
			w->cut_to = 0;
			if (to > st->next)
				return give_gap(ss, d, to, STREAM_CUT, v);
		}
	} while (take_piece(ss, d, force));
	uint64_t to = hole_end(ss, st);
	if (to > st->next)
		return give_gap(ss, d, to, w->forced ? STREAM_LIMIT : STREAM_LOST, v);
	return give_end(ss, d, v);
}

/* The side to look at first: the one whose octets are on the table, else the one whose oldest octets wait longer. */
static enum dir first_side(const struct streams *ss)
{
	const struct stream_work *c = ss->side[C2S].work, *s = ss->side[S2C].work;
	if (!c || !s)
		return s ? S2C : C2S;
	if (c->fresh.n || s->fresh.n)
		return s->fresh.n ? S2C : C2S;
	if (!c->queue || !s->queue)
		return s->queue ? S2C : C2S;
	return s->queue->in.from.number < c->queue->in.from.number ? S2C : C2S;
}

enum stream_item stream_next(struct streams *ss, struct stream_view *v)
{
	enum dir d = first_side(ss);
	enum stream_item item = side_next(ss, d, false, v);
	if (item == STREAM_NONE)
		item = side_next(ss, !d, false, v);
	/* At the end, two sides may still wait for each other: only a forged acknowledgement does that. */
	if (item == STREAM_NONE && ss->finished)
		item = side_next(ss, d, true, v);
	if (item == STREAM_NONE && ss->finished)
		item = side_next(ss, !d, true, v);
	return item;
}

void stream_drop(struct streams *ss, enum dir dir, size_t n)
{
	struct stream *st = &ss->side[dir];
	struct stream_work *w = st->work;
	if (!w || st->mode == STREAM_COUNT)
		return;
	assert(n <= w->given);
	w->given -= n;
	st->delivered += n;
	if (!w->hold_n) {
		w->fresh = bytes_skip(w->fresh, n);
		return;
	}
	w->hold_at += n;
	w->hold_n -= n;
	if (w->hold_n <= w->copied) { /* all that is left is in front of fresh as well: go on there */
		if (w->copied)
			w->fresh = (struct bytes){ w->fresh.p - w->hold_n, w->fresh.n + w->hold_n };
		w->hold_n = w->hold_at = w->copied = 0;
	}
}

void stream_skip(struct streams *ss, enum dir dir, uint64_t n)
{
	struct stream_work *w = ss->side[dir].work;
	if (!w || ss->side[dir].mode == STREAM_COUNT)
		return;
	size_t now = n < w->given ? (size_t)n : w->given;
	stream_drop(ss, dir, now);
	n -= now;
	w->skip = n > UINT64_MAX - w->skip ? UINT64_MAX : w->skip + n;
}

void stream_mode(struct streams *ss, enum dir dir, enum stream_mode mode)
{
	struct stream *st = &ss->side[dir];
	if (st->mode == STREAM_COUNT)
		return;
	st->mode = mode;
	if (mode != STREAM_COUNT)
		return;
	if (st->work)
		payload_give(ss, st->work);
	if (st->started && st->top > st->next) {
		st->octets += st->top - st->next;
		st->next = st->top;
	}
	st->delivered = st->octets - st->gap_octets;
}

void stream_left_out(struct streams *ss, enum dir dir, uint64_t n)
{
	struct stream *st = &ss->side[dir];
	if (st->mode != STREAM_COUNT || !st->started)
		return;
	st->octets += n;
	st->delivered += n;
	st->next += n;
	st->outside_run = 0;
}

void stream_finish(struct streams *ss)
{
	ss->finished = true;
}
