/* keep: see keep.h. Knows packets, offsets and which octets were declared harmless; nothing of a protocol but where a TLS
 * record ends. Owns all that it copied, in blocks of one pool; a packet is a head, which is a block, and a chain of blocks
 * for what does not fit into it. RFC 8446 5.1 (records). */
#include "wire/keep.h"

#include "wire/tls_record.h"

enum {
	BLOCK = 256,            /* octets */
	LIST_OCTETS = EXHIBIT_OCTETS - 16 * 1024, /* of one connection, heads included */
	SPARE = 48,            /* packets without payload that find room when the others do not: how it ended */
	RANGES_MAX = 1024,     /* of one connection */
	SETTLE_MAX = 64,       /* packets looked at in one go */
	SETTLED = 1, SECRET = 2,
	SUM = 16               /* where the checksum stands in a TCP header */
};

struct keep_block {
	struct keep_block *next;
	uint8_t octets[BLOCK - sizeof(void *)];
};

/* n          octets held       captured  that there were, up to the end of the payload       payload_at, payload_n: where
 *            the payload stands in them
 * seq        of the first payload octet       sum_at  where the checksum stands; 0: not known
 * pseudo     what stands there when the network card was to compute it: the sum of the pseudo-header */
struct keep_packet {
	struct keep_packet *next;
	struct keep_block *more;
	int64_t ts;
	uint64_t number;
	uint32_t linktype, wire_len, n, captured, covered, what, seq, payload_at, payload_n, sum_at;
	uint16_t pseudo;
	uint8_t dir, state;
	uint8_t octets[];
};

enum { HEAD_OCTETS = BLOCK - sizeof(struct keep_packet) };

struct range {
	uint64_t from, to;
	uint32_t what;
	uint8_t fill;
};

enum { RANGES = (BLOCK - 16) / sizeof(struct range) };

struct keep_ranges {
	struct keep_ranges *next;
	size_t n;
	struct range at[RANGES];
};
_Static_assert(sizeof(struct keep_ranges) <= BLOCK, "a block holds ranges");
_Static_assert(sizeof(struct keep_block) == BLOCK, "a block is a block");

bool keep_memory_init(struct keep_memory *mem, size_t flows, size_t budget)
{
	*mem = (struct keep_memory){ 0 };
	if (pool_init(&mem->list, sizeof(struct keep), flows) && pool_init(&mem->block, BLOCK, budget / BLOCK))
		return true;
	keep_memory_free(mem);
	return false;
}

void keep_memory_free(struct keep_memory *mem)
{
	pool_free(&mem->list);
	pool_free(&mem->block);
}

struct keep *keep_new(struct keep_memory *mem)
{
	struct keep *k = pool_take(&mem->list);
	if (k)
		*k = (struct keep){ .mem = mem };
	return k;
}

static void give_blocks(struct keep *k, struct keep_block *b)
{
	while (b) {
		struct keep_block *next = b->next;
		pool_give(&k->mem->block, b);
		b = next;
	}
}

void keep_release(struct keep *k)
{
	if (!k)
		return;
	while (k->first) {
		struct keep_packet *next = k->first->next;
		give_blocks(k, k->first->more);
		pool_give(&k->mem->block, k->first);
		k->first = next;
	}
	for (int dir = C2S; dir <= S2C; dir++)
		while (k->ranges[dir]) {
			struct keep_ranges *next = k->ranges[dir]->next;
			pool_give(&k->mem->block, k->ranges[dir]);
			k->ranges[dir] = next;
		}
	pool_give(&k->mem->list, k);
}

/* ---- the octets of one packet ---- */

/* Where octet i of p is, and in *run how many stand in a row from there. */
static uint8_t *octet_at(struct keep_packet *p, size_t i, size_t *run)
{
	const size_t size = BLOCK - sizeof(void *);
	struct keep_block *b = p->more;
	if (i < HEAD_OCTETS) {
		*run = HEAD_OCTETS - i;
		return p->octets + i;
	}
	for (i -= HEAD_OCTETS; i >= size; i -= size)
		b = b->next;
	*run = size - i;
	return b->octets + i;
}

static void copy_in(struct keep_packet *p, struct bytes in)
{
	size_t run;
	for (size_t at = 0; in.n; at += run) {
		uint8_t *to = octet_at(p, at, &run);
		run = run < in.n ? run : in.n;
		memcpy(to, in.p, run);
		in = bytes_skip(in, run);
	}
}

static void fill(struct keep_packet *p, size_t from, size_t to, uint8_t octet)
{
	size_t run;
	for (; from < to; from += run) {
		uint8_t *at = octet_at(p, from, &run);
		run = run < to - from ? run : to - from;
		memset(at, octet, run);
	}
}

/* Gives back what lies behind the first n octets. */
static void cut(struct keep *k, struct keep_packet *p, size_t n)
{
	struct keep_block **b = &p->more;
	for (size_t have = HEAD_OCTETS; have < n; have += BLOCK - sizeof(void *))
		b = &(*b)->next;
	give_blocks(k, *b);
	*b = NULL;
	k->octets -= p->n - (uint32_t)n;
	p->n = (uint32_t)n;
}

static struct keep_packet *packet_new(struct keep *k, size_t n)
{
	struct keep_packet *p = pool_take(&k->mem->block);
	if (!p)
		return NULL;
	*p = (struct keep_packet){ .n = (uint32_t)n };
	struct keep_block **b = &p->more;
	for (size_t have = HEAD_OCTETS; have < n; have += BLOCK - sizeof(void *)) {
		*b = pool_take(&k->mem->block);
		if (!*b) {
			give_blocks(k, p->more);
			pool_give(&k->mem->block, p);
			return NULL;
		}
		(*b)->next = NULL;
		b = &(*b)->next;
	}
	return p;
}

static bool has_room(const struct keep *k, size_t n, bool payload)
{
	size_t spare = payload ? 0 : SPARE;
	size_t used = k->octets + (size_t)k->packets * (sizeof(struct exhibit_packet) + 8);
	return k->packets < EXHIBIT_PACKETS - SPARE + spare && used + n + 64 < LIST_OCTETS + spare * 256;
}

static uint32_t what_flags(const struct segment *seg)
{
	return (seg->flags & TCP_SYN ? WHAT_SYN : 0u) | (seg->flags & TCP_FIN ? WHAT_FIN : 0u) |
	       (seg->flags & TCP_RST ? WHAT_RST : 0u);
}

/* Where the TCP checksum of seg stands in the packet, of which the payload begins at payload; 0 if that is not clear. */
static uint32_t find_sum(struct bytes in, size_t payload, const struct segment *seg)
{
	enum { OFFSET = 12, WORD = 4 };
	for (size_t words = 5; words <= 15 && words * WORD <= payload && seg->payload.n; words++) {
		size_t at = payload - words * WORD;
		struct cur c = cur_of(bytes_skip(in, at));
		bool same = cur_u16(&c) == seg->sport && cur_u16(&c) == seg->dport && cur_u32(&c) == seg->seq;
		if (same && in.p[at + OFFSET] >> 4 == (int)words)
			return (uint32_t)(at + SUM);
	}
	return 0;
}

static uint16_t pseudo_sum(const struct segment *seg, size_t tcp)
{
	uint64_t sum = PROTO_TCP + tcp;
	for (size_t i = 0; i < sizeof(seg->src.a); i += 2)
		sum += (uint64_t)(seg->src.a[i] << 8 | seg->src.a[i + 1]) + (uint64_t)(seg->dst.a[i] << 8 | seg->dst.a[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

void keep_packet(struct keep *k, enum dir dir, const struct packet *packet, const struct segment *seg)
{
	struct bytes in = packet->data;
	uintptr_t base = (uintptr_t)in.p, payload = (uintptr_t)seg->payload.p;
	bool inside = payload >= base && payload + seg->payload.n <= base + in.n;
	size_t at = inside ? (size_t)(payload - base) : 0;
	size_t n = at + seg->payload.n; /* what follows is padding of the link, which may be anything */
	bool ends = what_flags(seg) & (WHAT_FIN | WHAT_RST);
	struct keep_packet *p = inside && has_room(k, n, !ends) ? packet_new(k, n) : NULL;
	if (!p) {
		k->left_out++;
		return;
	}
	*p = (struct keep_packet){ .more = p->more, .ts = packet->ts, .number = packet->number,
		.linktype = packet->linktype, .wire_len = packet->wire_len, .n = (uint32_t)n, .captured = (uint32_t)n,
		.what = what_flags(seg), .seq = seg->seq + (seg->flags & TCP_SYN ? 1 : 0), .payload_at = (uint32_t)at,
		.payload_n = (uint32_t)seg->payload.n, .sum_at = find_sum(in, at, seg), .dir = (uint8_t)dir };
	if (p->sum_at)
		p->pseudo = pseudo_sum(seg, n - (p->sum_at - SUM));
	copy_in(p, bytes_head(in, n));
	*(k->last ? &k->last->next : &k->first) = p;
	k->last = p;
	if (!k->open)
		k->open = p;
	k->packets++;
	k->octets += (uint32_t)n;
}

/* ---- what may be shown ---- */

static struct range *range_new(struct keep *k, enum dir dir)
{
	struct keep_ranges *last = k->ranges_last[dir];
	if (k->nranges == RANGES_MAX)
		return NULL;
	if (!last || last->n == RANGES) {
		struct keep_ranges *r = pool_take(&k->mem->block);
		if (!r)
			return NULL;
		r->next = NULL;
		r->n = 0;
		*(last ? &last->next : &k->ranges[dir]) = r;
		k->ranges_last[dir] = last = r;
	}
	k->nranges++;
	return &last->at[last->n++];
}

void keep_show(struct keep *k, enum dir dir, uint64_t from, uint64_t to, uint8_t fill_octet, uint32_t what)
{
	struct keep_ranges *last = k->ranges_last[dir];
	struct range *end = last && last->n ? &last->at[last->n - 1] : NULL;
	if (end && from < end->to)
		from = end->to;
	if (from >= to)
		return;
	if (end && end->to == from && end->fill == fill_octet && end->what == what) {
		end->to = to;
		return;
	}
	struct range *r = range_new(k, dir);
	if (r)
		*r = (struct range){ from, to, what, fill_octet };
}

void keep_done(struct keep *k, enum dir dir, uint64_t upto)
{
	if (upto > k->done[dir])
		k->done[dir] = upto;
}

void keep_gap(struct keep *k, enum dir dir, uint64_t upto, bool frame_lost)
{
	keep_done(k, dir, upto);
	if (dir == C2S)
		k->run_n = 0; /* what is missing may come yet, and then it is content */
	if (!frame_lost)
		return;
	k->record_left[dir] = UINT64_MAX / 2;
	k->record_shown[dir] = false;
}

void keep_differs(struct keep *k, bool harmless)
{
	if (!k->last)
		return;
	k->last->what |= WHAT_OTHER_VERSION;
	if (!harmless)
		k->last->state |= SECRET;
}

static bool is_end(uint8_t c)
{
	return c == '\r' || c == '\n';
}

/* Does the run hold a dot alone in its line? */
static bool has_lone_dot(const struct keep *k)
{
	for (size_t i = 2; i < k->run_n; i++)
		if (is_end(k->run[i]) && k->run[i - 1] == '.' && is_end(k->run[i - 2]))
			return true;
	return false;
}

void keep_content(struct keep *k, uint64_t offset, struct bytes octets, bool begin)
{
	if (begin) {
		k->run[0] = '\n';
		k->run_n = 1;
		k->run_from = offset ? offset - 1 : 0;
		k->first_line = true;
	}
	for (size_t i = 0; i < octets.n; i++) {
		uint8_t c = octets.p[i];
		if (c == '\n' && k->first_line) {
			keep_show(k, C2S, k->run_n ? k->run_from : offset + i, offset + i + 1, KEEP_AS_IS, WHAT_CONTENT);
			k->first_line = false;
		}
		if (!is_end(c) && c != '.') {
			k->run_n = 0;
			continue;
		}
		if (k->run_n == sizeof(k->run)) {
			memmove(k->run, k->run + 1, sizeof(k->run) - 1);
			k->run_n--;
			k->run_from++;
		}
		if (k->run_n == 0)
			k->run_from = offset + i;
		k->run[k->run_n++] = c;
		if (has_lone_dot(k))
			keep_show(k, C2S, k->run_from, offset + i + 1, KEEP_AS_IS, WHAT_CONTENT);
	}
}

void keep_tls(struct keep *k, enum dir dir, uint64_t offset, struct bytes used, uint64_t skip, uint32_t what)
{
	struct tls_record r;
	while (used.n) {
		uint64_t n = k->record_left[dir];
		bool shown = k->record_shown[dir];
		if (n == 0 && tls_record(used, &r) == PARSE_OK) {
			shown = r.type != TLS_APPLICATION_DATA;
			k->record_left[dir] = r.length;
			k->record_shown[dir] = shown;
			keep_show(k, dir, offset, offset + TLS_RECORD_HEADER, KEEP_AS_IS, what);
			offset += TLS_RECORD_HEADER;
			used = bytes_skip(used, TLS_RECORD_HEADER);
			continue;
		}
		if (n == 0 || n > used.n) /* no record (SSL 2.0, an empty one), or one that goes on */
			n = used.n;
		if (shown || k->record_left[dir] == 0)
			keep_show(k, dir, offset, offset + n, KEEP_AS_IS, what);
		k->record_left[dir] -= k->record_left[dir] < n ? k->record_left[dir] : n;
		offset += n;
		used = bytes_skip(used, (size_t)n);
	}
	k->record_left[dir] -= k->record_left[dir] < skip ? k->record_left[dir] : skip;
}

/* ---- covering ---- */

/* Of the payload, as a checksum counts it. */
static uint64_t sum_of(struct keep_packet *p)
{
	uint64_t sum = 0;
	size_t run, at = 0;
	while (at < p->payload_n) {
		const uint8_t *o = octet_at(p, p->payload_at + at, &run);
		for (size_t i = 0; i < run && at < p->payload_n; i++, at++)
			sum += at % 2 ? o[i] : (uint64_t)o[i] << 8;
	}
	return sum;
}

/* The checksum of a packet whose payload had the sum before: a right one stays right, a wrong one wrong (RFC 1624 3). */
static void mend_sum(struct keep_packet *p, uint64_t before)
{
	size_t run;
	if (p->sum_at == 0)
		return;
	uint8_t *high = octet_at(p, p->sum_at, &run), *low = octet_at(p, p->sum_at + 1, &run);
	uint16_t field = (uint16_t)(*high << 8 | *low);
	if (field == 0 || field == p->pseudo) /* none was computed where this was captured */
		return;
	uint64_t now = (uint16_t)~field + sum_of(p);
	uint64_t was = before % 0xffff;
	now += 0xffff - was;
	while (now >> 16)
		now = (now & 0xffff) + (now >> 16);
	*high = (uint8_t)(~now >> 8);
	*low = (uint8_t)~now;
}

/* Covers the payload of p, which begins at offset at of its direction, and drops the zeros at its end. Octets that differ from
 * those seen before stay different: what covers them is another octet. */
static void cover(struct keep *k, struct keep_packet *p, uint64_t at)
{
	uint64_t from = at, end = at + p->payload_n, shown = at;
	uint32_t base = p->payload_at;
	uint8_t differs = p->what & WHAT_OTHER_VERSION ? 1 : 0;
	uint64_t before = sum_of(p);
	for (struct keep_ranges *r = k->ranges[p->dir]; r; r = r->next) {
		for (size_t i = 0; i < r->n; i++) {
			struct range *s = &r->at[i];
			uint64_t a = s->from > from ? s->from : from, b = s->to < end ? s->to : end;
			if (a >= b || p->state & SECRET)
				continue;
			fill(p, base + (size_t)(from - at), base + (size_t)(a - at), differs);
			p->covered += (uint32_t)(a - from);
			if (s->fill != KEEP_AS_IS) {
				fill(p, base + (size_t)(a - at), base + (size_t)(b - at), (uint8_t)(s->fill + differs));
				p->covered += (uint32_t)(b - a);
			}
			p->what |= s->what;
			from = shown = b;
		}
	}
	p->covered += (uint32_t)(end - from);
	p->what |= p->covered ? WHAT_COVERED : 0u;
	fill(p, base + (size_t)(from - at), base + p->payload_n, differs);
	if (p->covered)
		mend_sum(p, before);
	if (!differs)
		cut(k, p, base + (size_t)(shown - at));
	p->state |= SETTLED;
}

/* Up to where everything of dir is decided: what may become the end of content is not. */
static uint64_t decided(const struct keep *k, enum dir dir)
{
	bool open = dir == C2S && k->content && k->run_n && k->run_from < k->done[dir];
	return open ? k->run_from : k->done[dir];
}

static void settle_one(struct keep *k, const struct streams *ss, struct keep_packet *p, bool last)
{
	if (p->state & SETTLED)
		return;
	int64_t offset = stream_offset(ss, (enum dir)p->dir, p->seq);
	bool placed = ss->side[p->dir].known && ss->side[p->dir].started && offset >= 0;
	uint64_t at = placed ? (uint64_t)offset : 0;
	if (p->payload_n == 0)
		p->state |= SETTLED;
	else if (placed && (last || at + p->payload_n <= decided(k, (enum dir)p->dir)))
		cover(k, p, at);
	else if (last)
		cover(k, p, UINT64_MAX / 2); /* nobody said anything about what lies there */
}

void keep_settle(struct keep *k, const struct streams *ss)
{
	struct keep_packet *p = k->open;
	for (int i = 0; p && i < SETTLE_MAX; i++, p = p->next)
		settle_one(k, ss, p, false);
	while (k->open && k->open->state & SETTLED)
		k->open = k->open->next;
}

static size_t put(uint8_t *out, size_t at, const void *value, size_t n)
{
	memcpy(out + at, value, n);
	return at + n;
}

static size_t put_packet(struct keep_packet *p, uint8_t *out, size_t at)
{
	struct exhibit_packet head = { .ts = p->ts, .number = p->number, .linktype = p->linktype, .wire_len = p->wire_len,
		.n = p->n, .was = p->captured, .covered = p->covered, .what = p->what, .dir = p->dir };
	size_t run;
	at = put(out, at, &head, sizeof(head));
	for (size_t i = 0; i < p->n; i += run) {
		uint8_t *from = octet_at(p, i, &run);
		run = run < p->n - i ? run : p->n - i;
		at = put(out, at, from, run);
	}
	while (at % 8)
		out[at++] = 0;
	return at;
}

/* Writes p to out behind at, as far as there is room. Returns where the next one goes. */
static size_t pack_one(struct keep_packet *p, struct exhibit_head *head, uint8_t *out, size_t at, size_t room)
{
	if (room - at < sizeof(struct exhibit_packet) + p->n + 8) {
		head->left_out++;
		return at;
	}
	head->packets++;
	return put_packet(p, out, at);
}

size_t keep_pack(struct keep *k, const struct streams *ss, int64_t ended, uint8_t *out, size_t room)
{
	struct exhibit_head head = { .left_out = k->left_out, .ended = ended };
	size_t at = sizeof(head);
	if (room < at)
		return 0;
	for (struct keep_packet *p = k->first; p; p = p->next) {
		settle_one(k, ss, p, true);
		at = pack_one(p, &head, out, at, room);
	}
	put(out, 0, &head, sizeof(head));
	return at;
}

/* A copy of p, in blocks of its own, or NULL. */
static struct keep_packet *packet_copy(struct keep *k, struct keep_packet *p)
{
	struct keep_packet *copy = packet_new(k, p->n);
	size_t run, same;
	if (!copy)
		return NULL;
	struct keep_block *more = copy->more;
	*copy = *p;
	copy->more = more;
	for (size_t i = 0; i < p->n; i += run) {
		const uint8_t *from = octet_at(p, i, &run);
		run = run < p->n - i ? run : p->n - i;
		memcpy(octet_at(copy, i, &same), from, run);
	}
	return copy;
}

size_t keep_pack_now(struct keep *k, const struct streams *ss, uint8_t *out, size_t room)
{
	struct exhibit_head head = { .left_out = k->left_out, .ended = INT64_MIN };
	size_t at = sizeof(head);
	uint32_t octets = k->octets;
	if (room < at)
		return 0;
	for (struct keep_packet *p = k->first; p; p = p->next) {
		struct keep_packet *shown = p->state & SETTLED ? p : packet_copy(k, p);
		if (!shown) {
			head.left_out++;
			continue;
		}
		settle_one(k, ss, shown, true);
		at = pack_one(shown, &head, out, at, room);
		if (shown != p) {
			give_blocks(k, shown->more);
			pool_give(&k->mem->block, shown);
		}
	}
	k->octets = octets; /* what was cut from copies is still there */
	put(out, 0, &head, sizeof(head));
	return at;
}
