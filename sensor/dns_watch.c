/* dns_watch: events in one block of memory, chained by a seeded hash of name and type. Where it rolls, the block is a ring, and
 * places are counted on and on: one that is too far behind was given to another event, and ends its chain. It decides nothing: libunbound
 * says what is true, and resolver what contradicts it. RFC 5452. */
#include "dns_watch.h"

#include <stdlib.h>
#include <sys/random.h>

enum { BUCKETS = 1 << 16, CNAME = 5, MX = 15, TXT = 16, AAAA = 28, TLSA = 52, SERVFAIL = 2 };
#define ASKED_BEFORE INT64_C(10000000000)       /* ns that an answer may take */
#define DISORDER INT64_C(1000000000)            /* ns that packets may be out of order */

/* crowded: an answer may belong to a question that was not looked at: too many, out of order, or lost; crowded_at: until when
 * n, used: events and octets ever taken; most of each are there */
struct dns_watch {
	uint64_t seed, n, bucket[BUCKETS];
	bool rolls, crowded;
	int64_t crowded_at;
	struct watched *event;
	uint8_t *octets;
	size_t most, used, cap;
};

#define NONE UINT64_MAX

/* The event at a place; NULL: there is none, or no more. */
static struct watched *at_place(const struct dns_watch *w, uint64_t at)
{
	return at < w->n && w->n - at <= w->most ? &w->event[at % w->most] : NULL;
}

static struct dns_watch *new(size_t events, size_t octets)
{
	struct dns_watch *w = calloc(1, sizeof(*w));
	if (w) {
		w->most = events;
		w->event = calloc(events, sizeof(w->event[0]));
		w->cap = octets;
		w->octets = w->cap ? malloc(w->cap) : NULL;
	}
	if (!w || !w->event || (w->cap && !w->octets) || getrandom(&w->seed, sizeof(w->seed), 0) != sizeof(w->seed)) {
		dns_watch_free(w);
		return NULL;
	}
	memset(w->bucket, 0xff, sizeof(w->bucket));
	return w;
}

struct dns_watch *dns_watch_new(size_t octets)
{
	return new(WATCH_EVENTS, octets);
}

struct dns_watch *dns_watch_rolling(size_t events, size_t octets)
{
	struct dns_watch *w = new(events, octets);
	if (w)
		w->rolls = true;
	return w;
}

void dns_watch_free(struct dns_watch *w)
{
	if (w) {
		free(w->event);
		free(w->octets);
	}
	free(w);
}

static uint64_t key_of(const struct dns_watch *w, const struct dns_name *name, uint16_t type)
{
	return dns_wire_hash(w->seed ^ type, (struct bytes){ name->octets, name->n });
}

/* Sums over the answer's records but signatures. e: its dnssec and sigs are set. */
static uint64_t print_of(const struct dns_watch *w, struct dns_walk *walk, unsigned *records, struct watched *e)
{
	static uint8_t rdata[DNS_MESSAGE_MAX];
	struct dns_rr rr;
	uint64_t sum = 0;
	*records = 0;
	while (dns_wire_next(walk, &rr)) {
		e->sigs |= rr.type == RR_RRSIG;
		e->dnssec |= rr.type == RR_RRSIG || (rr.type == RR_OPT && rr.ttl & 0x8000);
		if (rr.section != DNS_ANSWER || rr.type == RR_RRSIG)
			continue;
		size_t n = dns_wire_rdata(walk->msg, &rr, rdata, sizeof(rdata));
		for (size_t i = 0; (rr.type == MX || rr.type == CNAME) && i < n; i++)
			rdata[i] = ascii_lower(rdata[i]);
		sum += dns_wire_hash(key_of(w, &rr.owner, rr.type), (struct bytes){ rdata, n });
		++*records;
	}
	return sum;
}

uint64_t dns_watch_print(const struct dns_watch *w, struct bytes message)
{
	struct dns_walk walk;
	unsigned records;
	struct watched e = { 0 };
	return dns_wire_open(&walk, message) ? print_of(w, &walk, &records, &e) : 0;
}

/* What an answer is; false: nothing to note (SERVFAIL says that the resolver failed, and a cut answer is asked for again). */
static bool classify(struct watched *e, uint16_t flags, unsigned records)
{
	unsigned rcode = flags & 0xf;
	e->kind = rcode == RCODE_NXDOMAIN ? WATCHED_NXDOMAIN : rcode ? WATCHED_REFUSED : records ? WATCHED_DATA : WATCHED_NODATA;
	return rcode != SERVFAIL && !(flags & DNS_TC);
}

/* Of TXT only that of MTA-STS: the rest is about other things, and much of it. */
static bool about_mail(const struct dns_walk *w)
{
	static const uint8_t label[] = "\010_mta-sts";
	const uint16_t type = w->qtype;
	bool mta_sts = w->qname.n > sizeof(label) && w->qname.octets[0] == label[0];
	for (size_t i = 1; mta_sts && i < sizeof(label) - 1; i++)
		mta_sts = ascii_lower(w->qname.octets[i]) == label[i];
	return type == RR_A || type == CNAME || type == MX || type == AAAA || type == TLSA || (type == TXT && mta_sts);
}

/* A referral is no answer: the authority section holds NS and no SOA. */
static bool is_referral(struct bytes message)
{
	struct dns_walk walk;
	struct dns_rr rr;
	bool ns = false, soa = false;
	if (!dns_wire_open(&walk, message))
		return false;
	while (dns_wire_next(&walk, &rr)) {
		ns |= rr.section == DNS_AUTHORITY && rr.type == RR_NS;
		soa |= rr.section == DNS_AUTHORITY && rr.type == RR_SOA;
	}
	return ns && !soa;
}

/* The next event that was noted earlier, about the same from the same client, no later than slack behind e and no older
 * than before; NULL: none is left, or *steps are WATCH_STEPS. Events come in the order of time, or nearly. */
static struct watched *older(const struct dns_watch *w, const struct watched *e, uint64_t at, int64_t before, int64_t slack,
			     unsigned *steps)
{
	for (struct watched *x; *steps < WATCH_STEPS && (x = at_place(w, at)); at = x->next) {
		++*steps;
		if (x->key != e->key || x->ts > e->ts + slack)
			continue;
		if (x->ts < e->ts - before)
			return NULL;
		if (memcmp(&x->client, &e->client, sizeof(e->client)) == 0)
			return x;
	}
	return NULL;
}

/* Which questions has e answered; or was e asked while an answer is there? */
static void match(struct dns_watch *w, struct watched *e)
{
	unsigned steps = 0;
	bool question = e->kind == WATCHED_ASKED;
	for (struct watched *x, *from = e; (x = older(w, e, from->next, WATCH_PATIENCE, WATCH_PATIENCE, &steps)); from = x) {
		if (question && x->kind != WATCHED_ASKED)
			e->answered = true;
		if (!question && x->kind == WATCHED_ASKED)
			x->answered = true;
	}
	const struct watched *last = w->n ? at_place(w, w->n - 1) : NULL;
	if (steps == WATCH_STEPS || (last && e->ts < last->ts - DISORDER))
		dns_watch_gap(w, last && last->ts > e->ts ? last->ts : e->ts);
}

/* In one piece: what is left at the end of the ring is passed over. */
static void keep(struct dns_watch *w, struct watched *e, struct bytes octets)
{
	if (octets.n > UINT16_MAX || octets.n > w->cap || (!w->rolls && octets.n > w->cap - w->used))
		return;
	size_t at = w->used % w->cap;
	if (octets.n > w->cap - at) {
		w->used += w->cap - at;
		at = 0;
	}
	if (octets.n)
		memcpy(w->octets + at, octets.p, octets.n);
	e->at = w->used;
	e->n = (uint16_t)octets.n;
	w->used += octets.n;
}

struct bytes dns_watch_octets(const struct dns_watch *w, const struct watched *e)
{
	bool there = e->n && w->used - e->at <= w->cap;
	return there ? (struct bytes){ w->octets + e->at % w->cap, e->n } : (struct bytes){ 0 };
}

void dns_watch_gap(struct dns_watch *w, int64_t ts)
{
	w->crowded_at = !w->crowded || ts > w->crowded_at ? ts : w->crowded_at;
	w->crowded = true;
}

void dns_watch_add(struct dns_watch *w, const struct dns_message *m)
{
	struct dns_walk walk;
	unsigned records = 0;
	if (m->tcp || m->other || (!w->rolls && w->n == w->most) || !dns_wire_open(&walk, m->octets) || walk.qclass != 1 ||
	    !about_mail(&walk))
		return;
	struct watched e = { .ts = m->ts, .client = m->client, .server = m->server, .port = m->client_port, .id = walk.id,
			     .key = key_of(w, &walk.qname, walk.qtype) };
	const uint16_t flags = walk.flags;
	e.print = print_of(w, &walk, &records, &e);
	if (!dns_wire_ok(&walk) || (flags & DNS_QR && !classify(&e, flags, records)))
		return;
	if (e.kind == WATCHED_NODATA && is_referral(m->octets))
		return;
	uint64_t *head = &w->bucket[e.key % BUCKETS];
	e.next = *head;
	match(w, &e);
	keep(w, &e, m->octets);
	*head = w->n;
	w->event[w->n++ % w->most] = e;
}

static const struct watched *chained(const struct dns_watch *w, uint64_t at, uint64_t key, int64_t from, int64_t until)
{
	for (const struct watched *e; (e = at_place(w, at)); at = e->next) {
		if (e->key == key && e->ts >= from && e->ts < until)
			return e;
		if (w->rolls && e->ts < from - WATCH_PATIENCE)
			break; /* they come in the order of time, or nearly */
	}
	return NULL;
}

bool dns_watch_next(const struct dns_watch *w, const struct dns_name *name, uint16_t type, int64_t from, int64_t until,
		    const struct watched **e)
{
	uint64_t key = key_of(w, name, type);
	*e = chained(w, *e ? (*e)->next : w->bucket[key % BUCKETS], key, from, until);
	return *e;
}

bool dns_watch_race(const struct dns_watch *w, const struct watched *e)
{
	unsigned asked = 0, steps = 0;
	bool other = false;
	if (e->kind == WATCHED_ASKED)
		return false;
	for (const struct watched *x, *from = e; (x = older(w, e, from->next, ASKED_BEFORE, 0, &steps)); from = x) {
		if (x->port != e->port || x->id != e->id)
			continue;
		asked += x->kind == WATCHED_ASKED;
		if (x->kind != WATCHED_ASKED && x->ts >= e->ts - WATCH_RACE)
			other |= x->kind != e->kind || x->print != e->print;
	}
	return asked == 1 && other && steps < WATCH_STEPS;
}

bool dns_watch_vain(const struct dns_watch *w, const struct watched *e)
{
	unsigned asked = 1, steps = 0;
	bool crowded = w->crowded && (!w->rolls || e->ts < w->crowded_at + WATCH_PATIENCE);
	if (e->kind != WATCHED_ASKED || e->answered || crowded)
		return false;
	for (const struct watched *x, *from = e; (x = older(w, e, from->next, WATCH_PATIENCE, 0, &steps)); from = x)
		asked += x->kind == WATCHED_ASKED;
	return asked >= WATCH_VAIN;
}
