/* fragment: IP datagrams put together again (RFC 791 3.2, RFC 8200 4.5, RFC 815 for the idea of tracking what is
 * there). Knows keys and offsets, no headers: frame.c reads those. Each slot owns 64 KiB and a sorted list of the
 * stretches that have arrived; an octet once written stays. A slot whose time is over, or the oldest, makes room. */
#include "wire/fragment.h"

#include <stdlib.h>

struct stretch {
	uint32_t from, to;
};

struct slot {
	struct fragment_key key;
	int64_t since;
	uint32_t total;
	uint32_t pieces;
	bool used;
	struct stretch piece[FRAGMENT_PIECES];
};

struct fragment_table {
	size_t slots;
	int64_t now; /* newest packet time, never negative: differences cannot overflow */
	struct slot *slot;
	uint8_t *octets;
	struct fragment_counters count;
};

enum { SLOT_OCTETS = FRAGMENT_DATAGRAM_MAX + 1 };

struct fragment_table *fragment_table_new(size_t datagrams)
{
	if (datagrams == 0 || datagrams > SIZE_MAX / SLOT_OCTETS)
		return NULL;
	struct fragment_table *ft = calloc(1, sizeof(*ft));
	if (!ft)
		return NULL;
	ft->slots = datagrams;
	ft->slot = calloc(datagrams, sizeof(*ft->slot));
	ft->octets = malloc(datagrams * SLOT_OCTETS);
	if (!ft->slot || !ft->octets) {
		fragment_table_free(ft);
		return NULL;
	}
	return ft;
}

void fragment_table_free(struct fragment_table *ft)
{
	if (!ft)
		return;
	free(ft->slot);
	free(ft->octets);
	free(ft);
}

const struct fragment_counters *fragment_table_counters(const struct fragment_table *ft)
{
	return &ft->count;
}

static bool same_key(const struct fragment_key *a, const struct fragment_key *b)
{
	return a->id == b->id && a->proto == b->proto && a->src.v == b->src.v &&
	       memcmp(a->src.a, b->src.a, sizeof(a->src.a)) == 0 && memcmp(a->dst.a, b->dst.a, sizeof(a->dst.a)) == 0;
}

/* The slot of key, or a new one; on the way, what is too old goes. */
static struct slot *slot_of(struct fragment_table *ft, const struct fragment_key *key, int64_t ts)
{
	ft->now = ts > ft->now ? ts : ft->now;
	struct slot *empty = NULL, *oldest = NULL;
	for (size_t i = 0; i < ft->slots; i++) {
		struct slot *s = &ft->slot[i];
		if (s->used && ft->now - s->since > FRAGMENT_WAIT) {
			s->used = false;
			ft->count.expired++;
		}
		if (s->used && same_key(&s->key, key))
			return s;
		if (!s->used && !empty)
			empty = s;
		if (s->used && (!oldest || s->since < oldest->since))
			oldest = s;
	}
	if (!empty) {
		ft->count.evicted++;
		empty = oldest;
	}
	empty->key = *key;
	empty->since = ft->now;
	empty->total = UINT32_MAX;
	empty->pieces = 0;
	empty->used = true;
	ft->count.started++;
	return empty;
}

static uint8_t *slot_octets(struct fragment_table *ft, const struct slot *s)
{
	return ft->octets + (size_t)(s - ft->slot) * SLOT_OCTETS;
}

/* Writes the octets [from, to) of the datagram that no earlier fragment brought; notes whether one did. */
static void fill(struct fragment_table *ft, struct slot *s, uint32_t from, uint32_t to, const uint8_t *data)
{
	uint8_t *octets = slot_octets(ft, s);
	uint32_t at = from;
	bool met = false, differs = false;
	for (uint32_t i = 0; i < s->pieces && at < to; i++) {
		struct stretch p = s->piece[i];
		if (p.to <= at)
			continue;
		if (p.from >= to)
			break;
		if (p.from > at) {
			memcpy(octets + at, data + (at - from), p.from - at);
			at = p.from;
		}
		uint32_t end = p.to < to ? p.to : to;
		met = true;
		differs |= memcmp(octets + at, data + (at - from), end - at) != 0;
		at = end;
	}
	if (at < to)
		memcpy(octets + at, data + (at - from), to - at);
	ft->count.overlap += met;
	ft->count.conflict += differs;
}

/* Adds [from, to) to the list, joining what touches it. false: too many pieces. */
static bool join(struct slot *s, uint32_t from, uint32_t to)
{
	uint32_t i = 0, j;
	while (i < s->pieces && s->piece[i].to < from)
		i++;
	for (j = i; j < s->pieces && s->piece[j].from <= to; j++) {
		from = s->piece[j].from < from ? s->piece[j].from : from;
		to = s->piece[j].to > to ? s->piece[j].to : to;
	}
	if (i == j && s->pieces == FRAGMENT_PIECES)
		return false;
	memmove(&s->piece[i + 1], &s->piece[j], (s->pieces - j) * sizeof(s->piece[0]));
	s->piece[i] = (struct stretch){ from, to };
	s->pieces = s->pieces - (j - i) + 1;
	return true;
}

/* What can be said against a fragment before it is put anywhere. */
static bool possible(uint32_t offset, bool last, struct bytes data)
{
	return data.n > 0 && offset <= FRAGMENT_DATAGRAM_MAX && data.n <= FRAGMENT_DATAGRAM_MAX - offset &&
	       (last || data.n % 8 == 0);
}

/* A datagram has one end, and nothing lies behind it. */
static bool end_agrees(struct slot *s, uint32_t to, bool last)
{
	uint32_t highest = s->pieces ? s->piece[s->pieces - 1].to : 0;
	if (!last)
		return to <= s->total;
	if (s->total != UINT32_MAX ? s->total != to : highest > to)
		return false;
	s->total = to;
	return true;
}

enum fragment fragment_push(struct fragment_table *ft, const struct fragment_key *key, uint32_t offset, bool last,
			    struct bytes data, int64_t ts, struct bytes *whole)
{
	ft->count.fragments++;
	if (!possible(offset, last, data)) {
		ft->count.bad++;
		return FRAGMENT_REFUSED;
	}
	struct slot *s = slot_of(ft, key, ts);
	uint32_t to = offset + (uint32_t)data.n;
	if (!end_agrees(s, to, last)) {
		s->used = false;
		ft->count.bad++;
		return FRAGMENT_REFUSED;
	}
	fill(ft, s, offset, to, data.p);
	if (!join(s, offset, to)) {
		s->used = false;
		ft->count.bad++;
		return FRAGMENT_REFUSED;
	}
	if (s->pieces != 1 || s->piece[0].from != 0 || s->piece[0].to != s->total)
		return FRAGMENT_MORE;
	*whole = (struct bytes){ slot_octets(ft, s), s->total };
	s->used = false;
	ft->count.complete++;
	return FRAGMENT_DONE;
}
