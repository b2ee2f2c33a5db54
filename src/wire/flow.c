/* flow: addresses and ports → one struct flow, its roles, its state, its end. Knows TCP flags and packet time;
 * nothing about payload, which it leaves to stream.c, or about mail, except which ports are mail ports.
 *
 * The table owns the flows. A flow is in exactly one of three lists, by state, each in the order of last activity,
 * so that what is idle longest is always at an end. The hash is keyed, because whoever sends packets chooses the
 * addresses and ports (SipHash-1-3, Aumasson and Bernstein 2012). RFC 9293 3.3.2, 3.6, 3.10. */
#include "wire/flow.h"

#include <assert.h>
#include <stdlib.h>

struct list {
	struct flow *oldest, *newest;
	size_t n;
};

/* New flows fall into so many classes by their hash. flow_shed leaves classes out. */
enum { CLASSES = 1 << FLOW_THIN };

struct flow_table {
	struct pool flows;
	struct stream_memory *mem;
	struct flow **bucket;
	size_t mask;
	uint64_t key[2];
	int64_t now, calm; /* until calm nothing can be due */
	struct list list[FLOW_STATES];
	struct flow_counters count;
	size_t half;           /* most half-open flows */
	unsigned classes;      /* the first of them are taken */
	int64_t whole[CLASSES]; /* from then on none of this class is still open that was left out */
	uint64_t port[65536 / 64];
};

/* Both ends, the smaller first, so that both directions have one key. */
struct key {
	uint8_t octets[40];
};

struct flow_table *flow_table_new(size_t max, const uint8_t key[16], const uint16_t *ports, size_t nports,
				  struct stream_memory *mem)
{
	size_t buckets = 64;
	while (buckets < max && buckets <= SIZE_MAX / 4 / sizeof(struct flow *))
		buckets *= 2;
	struct flow_table *t = nports ? calloc(1, sizeof(*t)) : NULL;
	if (!t)
		return NULL;
	t->bucket = calloc(buckets, sizeof(*t->bucket));
	if (!t->bucket || !pool_init(&t->flows, sizeof(struct flow), max)) {
		free(t->bucket);
		free(t);
		return NULL;
	}
	t->mem = mem;
	t->mask = buckets - 1;
	flow_shed(t, 0, 0);
	memcpy(t->key, key, sizeof(t->key));
	for (size_t i = 0; i < nports; i++)
		t->port[ports[i] / 64] |= UINT64_C(1) << ports[i] % 64;
	return t;
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	for (int s = 0; s < FLOW_STATES; s++)
		for (struct flow *fl = t->list[s].oldest; fl; fl = fl->newer)
			stream_release(&fl->streams);
	pool_free(&t->flows);
	free(t->bucket);
	free(t);
}

void flow_shed(struct flow_table *t, size_t half, unsigned thin)
{
	t->half = half ? half : SIZE_MAX;
	t->classes = CLASSES >> (thin < FLOW_THIN ? thin : FLOW_THIN);
}

const struct flow_counters *flow_table_counters(const struct flow_table *t)
{
	return &t->count;
}

bool flow_mail_port(const struct flow_table *t, uint16_t port)
{
	return t->port[port / 64] >> port % 64 & 1;
}

bool flow_wanted(const struct flow_table *t, const struct segment *seg)
{
	return seg->proto == PROTO_TCP && (flow_mail_port(t, seg->sport) || flow_mail_port(t, seg->dport));
}

/* ---- key and hash ---- */

static void put_end(uint8_t to[20], const struct addr *a, uint16_t port)
{
	memcpy(to, a->a, 16);
	to[16] = a->v;
	to[17] = 0;
	to[18] = (uint8_t)(port >> 8);
	to[19] = (uint8_t)port;
}

static struct key key_of(const struct segment *seg)
{
	struct key k;
	uint8_t src[20], dst[20];
	put_end(src, &seg->src, seg->sport);
	put_end(dst, &seg->dst, seg->dport);
	bool swap = memcmp(src, dst, sizeof(src)) > 0;
	memcpy(k.octets, swap ? dst : src, sizeof(src));
	memcpy(k.octets + sizeof(src), swap ? src : dst, sizeof(dst));
	return k;
}

static inline uint64_t rotate(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static uint64_t hash_of(const struct flow_table *t, const struct key *k)
{
	uint64_t v[4] = { t->key[0] ^ UINT64_C(0x736f6d6570736575), t->key[1] ^ UINT64_C(0x646f72616e646f6d),
			  t->key[0] ^ UINT64_C(0x6c7967656e657261), t->key[1] ^ UINT64_C(0x7465646279746573) };
	for (size_t i = 0; i < sizeof(k->octets); i += 8) {
		uint64_t word;
		memcpy(&word, k->octets + i, sizeof(word));
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static bool same_end(const struct flow_side *side, const struct addr *a, uint16_t port)
{
	return side->port == port && side->addr.v == a->v && memcmp(side->addr.a, a->a, sizeof(a->a)) == 0;
}

static struct flow *find(const struct flow_table *t, uint64_t hash, const struct segment *seg, enum dir *dir)
{
	for (struct flow *fl = t->bucket[hash & t->mask]; fl; fl = fl->bucket) {
		if (fl->hash != hash)
			continue;
		for (*dir = C2S; *dir <= S2C; (*dir)++)
			if (same_end(&fl->side[*dir], &seg->src, seg->sport) &&
			    same_end(&fl->side[!*dir], &seg->dst, seg->dport))
				return fl;
	}
	return NULL;
}

struct flow *flow_peek(const struct flow_table *t, const struct segment *seg, enum dir *dir)
{
	struct key k = key_of(seg);
	return find(t, hash_of(t, &k), seg, dir);
}

/* ---- lists ---- */

static void list_add(struct flow_table *t, struct flow *fl)
{
	struct list *l = &t->list[fl->state];
	fl->older = l->newest;
	fl->newer = NULL;
	if (l->newest)
		l->newest->newer = fl;
	else
		l->oldest = fl;
	l->newest = fl;
	l->n++;
}

static void list_remove(struct flow_table *t, struct flow *fl)
{
	struct list *l = &t->list[fl->state];
	if (fl->older)
		fl->older->newer = fl->newer;
	else
		l->oldest = fl->newer;
	if (fl->newer)
		fl->newer->older = fl->older;
	else
		l->newest = fl->older;
	l->n--;
}

/* Out of the table, to be finished by the caller. */
static struct flow *give_out(struct flow_table *t, struct flow *fl, enum flow_end end)
{
	struct flow **link = &t->bucket[fl->hash & t->mask];
	while (*link != fl)
		link = &(*link)->bucket;
	*link = fl->bucket;
	list_remove(t, fl);
	fl->end = end;
	t->count.now_open--;
	switch (end) {
	case FLOW_END_NONE:
		break;
	case FLOW_END_CLOSED:
		t->count.closed++;
		break;
	case FLOW_END_TIMEOUT:
		t->count.timeout++;
		break;
	case FLOW_END_REUSED:
		t->count.reused++;
		break;
	case FLOW_END_EVICTED:
		t->count.evicted++;
		t->count.evicted_half += fl->state == FLOW_HALF;
		break;
	case FLOW_END_INPUT:
		t->count.input_end++;
		break;
	case FLOW_END_FORGOTTEN:
		t->count.forgotten++;
		break;
	}
	return fl;
}

/* ---- what must end ---- */

static int64_t idle_time(enum flow_state state)
{
	switch (state) {
	case FLOW_HALF:
		return FLOW_IDLE_HALF;
	case FLOW_OPEN:
		return FLOW_IDLE_OPEN;
	case FLOW_CLOSED:
	case FLOW_STATES:
		break;
	}
	return FLOW_IDLE_CLOSED;
}

struct flow *flow_idle(struct flow_table *t, int64_t now)
{
	struct flow *due = NULL;
	int64_t due_at = 0;
	t->now = now > t->now ? now : t->now;
	if (t->now < t->calm)
		return NULL;
	t->calm = t->now + FLOW_IDLE_CLOSED; /* the shortest: what changes from now on is due later */
	for (enum flow_state s = FLOW_HALF; s < FLOW_STATES; s++) {
		struct flow *fl = t->list[s].oldest;
		int64_t at = fl ? fl->seen + idle_time(s) : INT64_MAX;
		if (at >= t->now) {
			t->calm = at < t->calm ? at : t->calm;
			continue;
		}
		if (!due || at < due_at || (at == due_at && fl->last_number < due->last_number)) {
			due = fl;
			due_at = at;
		}
	}
	if (!due)
		return NULL;
	t->calm = 0;
	return give_out(t, due, due->state == FLOW_CLOSED ? FLOW_END_CLOSED : FLOW_END_TIMEOUT);
}

struct flow *flow_last(struct flow_table *t)
{
	struct flow *first = NULL;
	for (int s = 0; s < FLOW_STATES; s++) {
		struct flow *fl = t->list[s].oldest;
		if (fl && (!first || fl->seen < first->seen ||
			   (fl->seen == first->seen && fl->last_number < first->last_number)))
			first = fl;
	}
	if (!first)
		return NULL;
	return give_out(t, first, first->state == FLOW_CLOSED ? FLOW_END_CLOSED : FLOW_END_INPUT);
}

struct flow *flow_evict(struct flow_table *t, struct flow *fl)
{
	return give_out(t, fl, FLOW_END_EVICTED);
}

static bool near(uint32_t a, uint32_t b)
{
	return a - b <= STREAM_WINDOW || b - a <= STREAM_WINDOW;
}

/* Does this SYN begin another connection on the same ports? Not if it repeats the SYN we know, and not if it merely
 * was captured behind the first payload. A SYN-ACK that contradicts an earlier one stays with the connection that the
 * client's SYN began, as a conflict; without that SYN, or after the end, it is all that tells connections apart. */
static bool replaces(const struct flow *fl, enum dir dir, const struct segment *seg)
{
	const struct flow_side *side = &fl->side[dir], *peer = &fl->side[!dir];
	if (seg->flags & TCP_RST)
		return false;
	if (!side->syn)
		return side->packets && !near(seg->seq, side->seq_to);
	if (side->isn == seg->seq)
		return false;
	return !(seg->flags & TCP_ACK) || !peer->syn || (fl->state == FLOW_CLOSED && peer->isn + 1 != seg->ack);
}

/* A flow begins with a SYN or with payload; a lone ACK, FIN or RST is the echo of one that has ended. */
static bool begins(const struct segment *seg)
{
	return !(seg->flags & TCP_RST) && (seg->flags & TCP_SYN || seg->payload_wire);
}

static unsigned class_of(uint64_t hash)
{
	return (unsigned)(hash >> (64 - FLOW_THIN)); /* the buckets go by the other end of it */
}

/* Is seg, which belongs to no flow, of one that is left out? */
static bool is_shed(const struct flow_table *t, uint64_t hash, const struct segment *seg)
{
	const unsigned class = class_of(hash);
	return class >= t->classes || (!(seg->flags & TCP_SYN) && t->now < t->whole[class]);
}

static void count_shed(struct flow_table *t, uint64_t hash, const struct segment *seg)
{
	const unsigned class = class_of(hash);
	t->count.shed_packets++;
	t->count.shed_flows += (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
	if (class >= t->classes)
		t->whole[class] = t->now + FLOW_IDLE_OPEN;
}

static struct flow *victim(const struct flow_table *t)
{
	if (t->list[FLOW_HALF].oldest)
		return t->list[FLOW_HALF].oldest;
	if (t->list[FLOW_CLOSED].oldest)
		return t->list[FLOW_CLOSED].oldest;
	return t->list[FLOW_OPEN].oldest;
}

struct flow *flow_due(struct flow_table *t, const struct segment *seg)
{
	struct flow *idle = flow_idle(t, seg->ts);
	if (idle)
		return idle;
	bool full = t->flows.used == t->flows.count;
	if (!(seg->flags & TCP_SYN) && !full)
		return NULL;
	enum dir dir;
	struct key k = key_of(seg);
	uint64_t hash = hash_of(t, &k);
	struct flow *fl = find(t, hash, seg, &dir);
	if (fl)
		return seg->flags & TCP_SYN && replaces(fl, dir, seg) ? give_out(t, fl, FLOW_END_REUSED) : NULL;
	if (is_shed(t, hash, seg))
		return NULL;
	if (begins(seg) && t->list[FLOW_HALF].n >= t->half) {
		t->count.shed_half++;
		return give_out(t, t->list[FLOW_HALF].oldest, FLOW_END_EVICTED);
	}
	return full && begins(seg) && victim(t) ? give_out(t, victim(t), FLOW_END_EVICTED) : NULL;
}

/* ---- one segment ---- */

/* Who is client: the SYN says it, a SYN-ACK says the opposite; else who talks to a mail port; else who came first. */
static bool from_client(const struct flow_table *t, const struct segment *seg, bool *sure)
{
	*sure = seg->flags & TCP_SYN;
	if (seg->flags & TCP_SYN)
		return !(seg->flags & TCP_ACK);
	return flow_mail_port(t, seg->dport) || !flow_mail_port(t, seg->sport);
}

static struct flow *add(struct flow_table *t, uint64_t hash, const struct segment *seg, enum dir *dir)
{
	struct flow *fl = pool_take(&t->flows);
	if (!fl)
		return NULL;
	*fl = (struct flow){ .first = seg->ts, .last = seg->ts, .first_number = seg->number, .iface = seg->iface,
			     .vlan = { seg->vlan[0], seg->vlan[1] }, .vlans = seg->vlans, .hash = hash };
	stream_init(&fl->streams, t->mem);
	*dir = from_client(t, seg, &fl->role_sure) ? C2S : S2C;
	fl->client_first = *dir == C2S;
	fl->side[*dir].addr = seg->src;
	fl->side[*dir].port = seg->sport;
	fl->side[!*dir].addr = seg->dst;
	fl->side[!*dir].port = seg->dport;
	fl->bucket = t->bucket[hash & t->mask];
	t->bucket[hash & t->mask] = fl;
	list_add(t, fl);
	t->count.added++;
	if (++t->count.now_open > t->count.most_open)
		t->count.most_open = t->count.now_open;
	return fl;
}

/* How much greater an IP ID may be than the one before if a counter is behind it that others share. */
enum { ID_STEP = 256 };

/* Copies that a mirror port makes come closer together than any retransmission (RFC 6298 2.4). */
#define COPY_TIME INT64_C(1000000)

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

int64_t flow_round_trip(const struct flow *fl)
{
	const struct flow_side *c = &fl->side[C2S];
	return c->syn && fl->shaken && fl->shaken >= c->opening.at ? fl->shaken - c->opening.at : -1;
}

/* An RST that nobody would accept (RFC 5961 3.2) closes nothing; it is counted all the same. */
static bool rst_counts(const struct flow_side *side, const struct segment *seg)
{
	return side->packets <= 1 || near(seg->seq, side->seq_to) || (seg->seq == 0 && seg->flags & TCP_ACK);
}

static void note_rst(struct flow *fl, enum dir dir, const struct segment *seg)
{
	struct flow_side *side = &fl->side[dir];
	if (fl->rsts < FLOW_RSTS - (side->rst_count ? 1 : 0))
		fl->rst[fl->rsts++] = (struct flow_rst){ .ts = seg->ts, .number = seg->number, .seq = seg->seq,
							 .ack = seg->ack, .ipid = seg->ipid, .ttl = seg->ttl, .dir = dir,
							 .has_ack = seg->flags & TCP_ACK,
							 .ahead = before(side->seq_to, seg->seq) };
	side->rst_count++;
	if (side->rst || side->packets <= 1 || !near(seg->seq, side->seq_to))
		return;
	side->rst = true;
	side->rst_seq = seg->seq;
	side->rst_at = seg->ts;
	side->rst_heard = fl->side[!dir].seq_to;
}

/* Its side goes on after an RST. A segment in front of a hole proves as little as one that is only late: whatever the
 * order of capture, what is newer than the RST must have come a round trip behind it. */
static void note_after_rst(struct flow *fl, enum dir dir, const struct segment *seg, uint32_t end)
{
	struct flow_side *side = &fl->side[dir];
	int64_t trip = flow_round_trip(fl);
	bool more = before(side->rst_seq, end);
	if ((seg->payload_wire || seg->flags & TCP_FIN) && more)
		side->data_after_rst = true;
	if (trip < 0 || seg->ts - side->rst_at < trip || !near(seg->seq, side->seq_to))
		return;
	bool said = seg->payload_wire && more && !before(side->seq_to, seg->seq);
	bool heard = seg->flags & TCP_ACK && fl->side[!dir].first < side->rst_at && before(side->rst_heard, seg->ack) &&
		     !before(fl->side[!dir].seq_to, seg->ack);
	side->alive_after_rst |= said || heard;
}

static void note_ids(struct flow_habit *h, uint16_t id)
{
	if (h->id_known) {
		uint16_t step = (uint16_t)(id - h->id);
		h->ids++;
		h->ids_zero += id == 0 && step == 0;
		h->ids_same += step == 0;
		h->ids_near += step > 0 && step <= ID_STEP;
	}
	h->id = id;
	h->id_known = true;
}

static void note_payload(struct flow_habit *h, const struct segment *seg)
{
	if (h->packets++ == 0 || seg->ttl < h->ttl_min)
		h->ttl_min = seg->ttl;
	if (seg->ttl > h->ttl_max)
		h->ttl_max = seg->ttl;
	if (!seg->has_tsval)
		return;
	if (h->ticks++ == 0) {
		h->from = seg->ts;
		h->tick_from = seg->tsval;
	}
	h->to = seg->ts;
	h->tick_to = seg->tsval;
}

/* A segment with payload whose first octet was sent before: does the other side owe an answer? One that has closed its
 * window does not, and what it has acknowledged is only a keep-alive (RFC 9293 3.8.4, 3.8.6.1). */
static void note_again(struct flow_side *side, const struct flow_side *peer, const struct segment *seg)
{
	struct flow_again *a = &side->again;
	bool copy = a->last == seg->seq && seg->ts - a->last_at < COPY_TIME;
	a->last = seg->seq;
	a->last_at = seg->ts;
	if (copy || !before(seg->seq, side->seq_to) || (a->acks && before(seg->seq, a->acked)) || peer->zero_window)
		return;
	if (a->n == 0 || before(seg->seq, a->seq)) {
		a->seq = seg->seq;
		a->n = 0;
	}
	if (seg->seq == a->seq)
		a->n++;
	a->most = a->n > a->most ? a->n : a->most;
}

static void note_ack(struct flow_again *a, uint32_t ack)
{
	if (a->acks && !before(a->acked, ack))
		return;
	a->acks = true;
	a->acked = ack;
	if (a->n && before(a->seq, ack))
		a->n = 0;
}

static void note_side(struct flow *fl, enum dir dir, const struct segment *seg)
{
	struct flow_side *side = &fl->side[dir], *peer = &fl->side[!dir];
	uint32_t end = seg->seq + seg->payload_wire + (seg->flags & TCP_SYN ? 1 : 0) + (seg->flags & TCP_FIN ? 1 : 0);
	bool opens = side->packets++ == 0;
	if (opens) {
		side->first = seg->ts;
		side->ipid_first = seg->ipid;
		side->ttl_first = seg->ttl;
		side->seq_to = end;
	}
	side->last = seg->ts > side->last ? seg->ts : side->last;
	if (seg->flags & TCP_RST) {
		note_rst(fl, dir, seg);
		return;
	}
	if (side->ttl_max == 0 || seg->ttl < side->ttl_min)
		side->ttl_min = seg->ttl;
	if (seg->ttl > side->ttl_max)
		side->ttl_max = seg->ttl;
	if (side->rst)
		note_after_rst(fl, dir, seg, end);
	if (seg->payload_wire) {
		note_payload(&side->habit, seg);
		if (!opens && !fl->quiet.on[C2S] && !fl->quiet.on[S2C]) /* else its answer may have been left out */
			note_again(side, peer, seg);
	}
	if (!(seg->flags & TCP_SYN))
		note_ids(&side->habit, seg->ipid);
	if (seg->flags & TCP_ACK)
		note_ack(&peer->again, seg->ack);
	side->timestamps |= seg->has_tsval;
	side->zero_window = seg->window == 0;
	side->octets += seg->payload_wire;
	if (before(side->seq_to, end))
		side->seq_to = end;
	if (seg->flags & TCP_FIN && (!side->fin || before(seg->ack, side->fin_ack)))
		side->fin_ack = seg->ack;
	side->fin |= seg->flags & TCP_FIN;
}

void flow_left_out(struct flow *fl, enum dir dir, uint64_t packets, uint64_t octets, uint32_t to, bool unknown)
{
	struct flow_side *side = &fl->side[dir];
	struct flow_quiet *q = &fl->quiet;
	uint64_t more = octets > q->octets[dir] ? octets - q->octets[dir] : 0, n = to - side->seq_to;
	if (packets > q->packets[dir])
		side->packets += packets - q->packets[dir];
	q->packets[dir] = packets > q->packets[dir] ? packets : q->packets[dir];
	q->octets[dir] += more;
	side->octets += more;
	if (unknown ? n > INT32_MAX : n > more + STREAM_WINDOW)
		return; /* it has come farther already */
	if (more > n)
		n += (more - n) >> 32 << 32; /* once around the sequence numbers, or more often */
	side->seq_to = to;
	stream_left_out(&fl->streams, dir, n);
}

static void note_syn(struct flow *fl, enum dir dir, const struct segment *seg)
{
	struct flow_side *side = &fl->side[dir];
	side->syns++;
	if (!side->syn) {
		side->syn = true;
		side->isn = seg->seq;
		side->opening = (struct flow_syn){ .at = seg->ts, .tick = seg->tsval, .window = seg->window, .ttl = seg->ttl,
						   .ticks = seg->has_tsval };
		struct bytes options = bytes_head(seg->options, FLOW_OPTIONS);
		side->opening.noptions = (uint8_t)options.n;
		if (options.n)
			memcpy(side->opening.options, options.p, options.n);
	} else if (side->isn != seg->seq) {
		fl->syn_conflict = true;
	}
	fl->role_sure = true;
}

static enum flow_state next_state(const struct flow *fl, enum dir dir, const struct segment *seg)
{
	const struct flow_side *c = &fl->side[C2S], *s = &fl->side[S2C];
	if (seg->flags & TCP_RST)
		return rst_counts(&fl->side[dir], seg) ? FLOW_CLOSED : fl->state;
	if (c->fin && s->fin)
		return FLOW_CLOSED;
	switch (fl->state) {
	case FLOW_HALF:
		return seg->payload_wire || (c->packets && s->packets) ? FLOW_OPEN : FLOW_HALF;
	case FLOW_OPEN:
		return FLOW_OPEN;
	case FLOW_CLOSED: /* by an RST that its side has gone on after: it was not the end */
	case FLOW_STATES:
		break;
	}
	return fl->side[dir].data_after_rst ? FLOW_OPEN : FLOW_CLOSED;
}

struct flow *flow_find_or_add(struct flow_table *t, const struct segment *seg, enum dir *dir)
{
	struct key k = key_of(seg);
	uint64_t hash = hash_of(t, &k);
	struct flow *fl = find(t, hash, seg, dir);
	if (!fl && is_shed(t, hash, seg)) {
		count_shed(t, hash, seg);
		return NULL;
	}
	if (!fl && begins(seg))
		fl = add(t, hash, seg, dir);
	if (!fl)
		return NULL;
	list_remove(t, fl);
	t->now = seg->ts > t->now ? seg->ts : t->now;
	fl->seen = t->now;
	fl->last = seg->ts > fl->last ? seg->ts : fl->last;
	fl->last_number = seg->number;
	fl->encap |= seg->encap;
	if (seg->flags & TCP_SYN && !(seg->flags & TCP_RST))
		note_syn(fl, *dir, seg);
	else if (!fl->shaken && *dir == C2S && fl->side[S2C].syn && seg->flags & TCP_ACK)
		fl->shaken = seg->ts;
	note_side(fl, *dir, seg);
	fl->state = next_state(fl, *dir, seg);
	list_add(t, fl);
	return fl;
}

bool flow_known(const struct flow_table *t, const struct segment *seg)
{
	enum dir dir;
	if (t->count.now_open == 0)
		return false;
	struct key k = key_of(seg);
	return find(t, hash_of(t, &k), seg, &dir) != NULL;
}

void flow_forget(struct flow_table *t, struct flow *fl)
{
	give_out(t, fl, FLOW_END_FORGOTTEN);
}

void flow_release(struct flow_table *t, struct flow *fl)
{
	assert(fl->end != FLOW_END_NONE);
	stream_release(&fl->streams);
	pool_give(&t->flows, fl);
}
