/* dns_store: RRsets and answers of the capture, in one block of memory taken at start and never given back in parts.
 *
 * A store that rolls has its memory in two halves: what comes goes into the young one; when that is full, or has grown old,
 * the old one is forgotten as a whole and the two change places. Reading goes through both, the young one first, and both
 * know the same things by the same names, so nobody else can tell that there are two.
 *
 * Equal RRsets are kept once (sorted, TTLs apart), and an answer that only repeats the newest one of its kind is not
 * kept at all: a day of traffic asks the same things again and again. Lists are newest first. Additional sections are
 * dropped: glue proves nothing. Nothing here judges a signature: RRSIGs are data with two dates. What is served when
 * is decided by message time alone, and each reply says for which as-of times it would have been the same.
 * RFC 1034 4.3, RFC 4035 3.1.3 and 3.1.4, RFC 5155 7.2, RFC 6840 4.4. */
#include "dns_store.h"

#include <stdlib.h>
#include <sys/random.h>

#include "dns_denial.h"

enum { RECORDS_MAX = 1024, SCRATCH = 256 * 1024, RECENT = 4, CLASS_IN = 1, REPLY_OPT = 11 };
enum { SIG_FIXED = 18, SIG_LABELS = 3, SIG_EXPIRE = 8, SIG_BEGIN = 12 };       /* RRSIG RDATA, RFC 4034 3.1 */

/* An RRset: owner, then rrs records and sigs RRSIGs, each with its length (16 bits) in front. */
struct rrset {
	struct rrset *next;
	uint64_t hash;
	uint32_t n;
	uint16_t type, rrs, sigs;
	uint8_t owner_n;
	uint8_t octets[];
};

struct ref {
	const struct rrset *set;
	uint32_t ttl;
	uint8_t section;
};

/* One message: what it asked is in the key that leads here. */
struct observed {
	int64_t ts;
	uint16_t qtype, refs;
	uint8_t rcode;
	bool other;                     /* of a capture that was given for its DNS alone */
	bool dnssec;                    /* the reply to a query with DO, or it holds signatures */
	struct ref ref[];
};

/* dropped: ns, when whoever took it the last time that it was said must have dropped it again (time and TTL). */
struct entry {
	struct entry *next;
	const struct key *key;
	int64_t ts, dropped;
	const struct observed *msg;
	const struct rrset *set;        /* of KEY_SET */
};

/* ASKED  messages that answer (name, type)         SET   RRsets (name, type)
 * CUT    referrals to name without a DS             NX    messages that say name does not exist
 * NODATA messages that deny some type at name       SEEN  RRsets that hold name, or an address in its place
 * SPAN   owners of NSEC or NSEC3 (type) that zone name signed, once each */
enum key_kind { KEY_ASKED, KEY_SET, KEY_CUT, KEY_NX, KEY_NODATA, KEY_SEEN, KEY_SPAN };

struct key {
	struct key *next;
	struct entry *entries;
	uint16_t type;
	uint8_t kind, n;
	bool second;                    /* it is in half[1] */
	uint8_t name[];
};

struct parsed {
	struct dns_rr rr;
	struct bytes rdata;             /* uncompressed, in scratch */
	bool taken;
};

/* One block of memory. begun: ns, of its first message. */
struct half {
	uint8_t *arena;
	size_t used, cap;
	int64_t begun;
	bool any;
	struct rrset **sets;
	struct key **keys;
};

/* young: the half that grows; the other one has nothing, unless the store rolls. changes: how often something new was said. */
struct dns_store {
	struct half half[2], *young;
	int64_t age;                    /* ns; 0: it does not roll */
	uint64_t seed, rolls, changes;
	size_t mask;
	struct parsed records[RECORDS_MAX];
	size_t nrecords;
	uint8_t scratch[SCRATCH];
	union {
		struct rrset set;
		uint8_t octets[SCRATCH + 4096];
	} build;
};

static void *take(struct dns_store *s, size_t n)
{
	struct half *h = s->young;
	n = (n + 7) & ~(size_t)7;
	if (h->cap - h->used < n)
		return NULL;
	h->used += n;
	return h->arena + h->used - n;
}

/* Forgets all that is in h. */
static void clear(const struct dns_store *s, struct half *h)
{
	const size_t table = (s->mask + 1) * sizeof(void *);
	memset(h->arena, 0, 2 * table);
	h->sets = (struct rrset **)(void *)h->arena;
	h->keys = (struct key **)(void *)(h->arena + table);
	h->used = 2 * table;
	h->any = false;
}

static bool half_new(const struct dns_store *s, struct half *h, size_t budget)
{
	h->cap = budget + 2 * (s->mask + 1) * sizeof(void *);
	h->arena = malloc(h->cap);
	if (h->arena)
		clear(s, h);
	return h->arena;
}

static struct dns_store *new(size_t budget, unsigned halves, int64_t age)
{
	struct dns_store *s = calloc(1, sizeof(*s));
	size_t buckets = 256;
	bool good = s;
	while (buckets * 1024 < budget / halves && buckets < 1 << 20)
		buckets *= 2;
	for (unsigned i = 0; good && i < halves; i++) {
		s->mask = buckets - 1;
		good = half_new(s, &s->half[i], budget / halves);
	}
	if (good && getrandom(&s->seed, sizeof(s->seed), 0) == sizeof(s->seed)) {
		s->young = s->half;
		s->age = age;
		return s;
	}
	dns_store_free(s);
	return NULL;
}

struct dns_store *dns_store_new(size_t budget)
{
	return new(budget, 1, 0);
}

struct dns_store *dns_store_rolling(size_t budget, int64_t age)
{
	return new(budget, 2, age);
}

void dns_store_free(struct dns_store *s)
{
	if (!s)
		return;
	free(s->half[0].arena);
	free(s->half[1].arena);
	free(s);
}

uint64_t dns_store_rolls(const struct dns_store *s)
{
	return s->rolls;
}

uint64_t dns_store_changes(const struct dns_store *s)
{
	return s->changes;
}

/* The half that is read after the young one, or NULL. */
static const struct half *old(const struct dns_store *s)
{
	return s->age ? &s->half[s->young == s->half] : NULL;
}

static size_t bucket_of(const struct dns_store *s, enum key_kind kind, struct bytes name, uint16_t type)
{
	return dns_wire_hash(s->seed ^ (uint64_t)kind << 16 ^ type, name) & s->mask;
}

static struct key *key_find(const struct half *h, enum key_kind kind, struct bytes name, uint16_t type, size_t bucket)
{
	for (struct key *k = h->keys[bucket]; k; k = k->next)
		if (k->kind == kind && k->type == type && k->n == name.n && memcmp(k->name, name.p, k->n) == 0)
			return k;
	return NULL;
}

static struct bytes octets_of(const struct dns_name *name)
{
	return (struct bytes){ name->octets, name->n };
}

/* The first entry of a key in either half, and then the next. */
static const struct entry *entries(const struct dns_store *s, enum key_kind kind, const struct dns_name *name, uint16_t type)
{
	const size_t bucket = bucket_of(s, kind, octets_of(name), type);
	const struct key *k = key_find(s->young, kind, octets_of(name), type, bucket);
	if (!k && old(s))
		k = key_find(old(s), kind, octets_of(name), type, bucket);
	return k ? k->entries : NULL;
}

static const struct entry *after(const struct dns_store *s, const struct entry *e)
{
	const struct key *k = e->key;
	const struct half *h = old(s);
	if (e->next || !h || &s->half[k->second] == h)
		return e->next;
	const struct bytes name = { k->name, k->n };
	k = key_find(h, k->kind, name, k->type, bucket_of(s, k->kind, name, k->type));
	return k ? k->entries : NULL;
}

/* The same RRset? In one half it is kept once. */
static bool same_set(const struct rrset *a, const struct rrset *b)
{
	return a == b || (a && b && a->hash == b->hash && a->type == b->type && a->n == b->n && a->rrs == b->rrs &&
			  a->owner_n == b->owner_n && memcmp(a->octets, b->octets, a->n) == 0);
}

static bool same_answer(const struct observed *a, const struct observed *b)
{
	if (a->rcode != b->rcode || a->refs != b->refs || a->qtype != b->qtype)
		return false;
	for (unsigned i = 0; i < a->refs; i++)
		if (!same_set(a->ref[i].set, b->ref[i].set) || a->ref[i].section != b->ref[i].section)
			return false;
	return true;
}

/* The newest entry of the same kind: an answer without signatures must not hide what one with them said. */
static struct entry *newest_alike(const struct key *k, const struct observed *msg, const struct rrset *set)
{
	struct entry *e = k->entries;
	for (unsigned i = 0; e && i < RECENT; i++, e = e->next)
		if (set ? !e->set->sigs == !set->sigs : e->msg->dnssec == msg->dnssec)
			return e;
	return NULL;
}

static int64_t ns(uint32_t s)
{
	return (int64_t)s * 1000000000;
}

/* The entry that said the same already, or NULL. Hints are of the day before, and sensors and captures live longer, so they
 * are noted anew each hour. */
static struct entry *known(const struct key *k, const struct observed *msg, const struct rrset *set)
{
	struct entry *e = newest_alike(k, msg, set);
	if (e && k->kind == KEY_SEEN && msg->ts - e->ts > ns(3600))
		return NULL;
	bool same = e && e->ts <= msg->ts && (set ? e->set == set : same_answer(e->msg, msg));
	return same ? e : NULL;
}

/* When the set must have been dropped by whoever took it from m; 0 without a set. */
static int64_t dropped_at(const struct observed *m, const struct rrset *set)
{
	for (unsigned i = 0; set && i < m->refs; i++)
		if (m->ref[i].set == set)
			return m->ts + ns(m->ref[i].ttl);
	return 0;
}

/* Links msg (and set) under a key. false: full. *fresh is set when it said something new. */
static bool link_to(struct dns_store *s, enum key_kind kind, const struct dns_name *name, uint16_t type,
		    const struct observed *msg, const struct rrset *set, bool *fresh)
{
	const size_t bucket = bucket_of(s, kind, octets_of(name), type);
	int64_t dropped = dropped_at(msg, set);
	struct half *h = s->young;
	struct key *k = key_find(h, kind, octets_of(name), type, bucket);
	struct entry *same = k ? known(k, msg, set) : NULL;
	if (same) {
		s->changes += dropped > same->dropped && (set->type == RR_NSEC || set->type == RR_NSEC3); /* spans hold longer */
		same->dropped = dropped > same->dropped ? dropped : same->dropped;
		return true;
	}
	struct entry *e = take(s, sizeof(*e));
	if (!k && e && (k = take(s, sizeof(*k) + name->n))) {
		*k = (struct key){ .next = h->keys[bucket], .type = type, .kind = (uint8_t)kind, .n = name->n,
				  .second = h == &s->half[1] };
		memcpy(k->name, name->octets, name->n);
		h->keys[bucket] = k;
	}
	if (!k || !e)
		return false;
	*e = (struct entry){ .next = k->entries, .key = k, .ts = msg->ts, .dropped = dropped, .msg = msg, .set = set };
	k->entries = e;
	*fresh = true;
	return true;
}

static struct bytes next_rdata(struct cur *c)
{
	struct cur v = cur_vec16(c);
	return (struct bytes){ v.p, cur_left(&v) };
}

static struct cur set_records(const struct rrset *set)
{
	return cur_of((struct bytes){ set->octets + set->owner_n, set->n - set->owner_n });
}

static struct dns_name set_owner(const struct rrset *set)
{
	struct dns_name name = { .n = set->owner_n };
	memcpy(name.octets, set->octets, set->owner_n);
	return name;
}

static uint16_t sig_covers(struct bytes rdata)
{
	struct cur c = cur_of(rdata);
	uint16_t type = cur_u16(&c);
	return rdata.n > SIG_FIXED ? type : 0;
}

static int by_octets(const void *a, const void *b)
{
	const struct bytes *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int d = n ? memcmp(x->p, y->p, n) : 0;
	return d ? d : (x->n > y->n) - (x->n < y->n);
}

/* Appends list, sorted and without repetitions, to the set being built. Returns how many. */
static uint16_t append(struct dns_store *s, struct bytes *list, size_t n)
{
	struct rrset *set = &s->build.set;
	uint16_t kept = 0;
	qsort(list, n, sizeof(*list), by_octets);
	for (size_t i = 0; i < n; i++) {
		if (i && bytes_eq(list[i], list[i - 1]))
			continue;
		set->octets[set->n++] = (uint8_t)(list[i].n >> 8);
		set->octets[set->n++] = (uint8_t)list[i].n;
		if (list[i].n)
			memcpy(set->octets + set->n, list[i].p, list[i].n);
		set->n += (uint32_t)list[i].n;
		kept++;
	}
	return kept;
}

/* Is r part of the RRset that first began: a record of it (sig false), or a signature over it? */
static bool belongs(const struct parsed *r, const struct parsed *first, bool sig)
{
	if (r->taken || r->rr.section != first->rr.section || !dns_wire_same(&r->rr.owner, &first->rr.owner))
		return false;
	return sig ? r->rr.type == RR_RRSIG && sig_covers(r->rdata) == first->rr.type : r->rr.type == first->rr.type;
}

static uint16_t gather(struct dns_store *s, size_t first, bool sig)
{
	struct bytes list[RECORDS_MAX];
	size_t n = 0;
	struct parsed head = s->records[first];
	for (size_t i = first * !sig; i < s->nrecords; i++) {
		if (!belongs(&s->records[i], &head, sig))
			continue;
		s->records[i].taken = true;
		list[n++] = s->records[i].rdata;
	}
	return append(s, list, n);
}

/* The RRset that record first begins, from the table or new in it. NULL: full. */
static const struct rrset *intern(struct dns_store *s, size_t first)
{
	struct rrset *b = &s->build.set;
	const struct dns_rr *rr = &s->records[first].rr;
	*b = (struct rrset){ .type = rr->type, .owner_n = rr->owner.n, .n = rr->owner.n };
	memcpy(b->octets, rr->owner.octets, rr->owner.n);
	s->records[first].taken = false;
	b->rrs = gather(s, first, false);
	s->records[first].taken = false;
	b->sigs = gather(s, first, true);
	s->records[first].taken = true;
	b->hash = dns_wire_hash(s->seed ^ b->type ^ (uint64_t)b->rrs << 32, (struct bytes){ b->octets, b->n });
	struct rrset **bucket = &s->young->sets[b->hash & s->mask];
	for (struct rrset *set = *bucket; set; set = set->next)
		if (same_set(set, b))
			return set;
	struct rrset *set = take(s, sizeof(*set) + b->n);
	if (!set)
		return NULL;
	memcpy(set, b, sizeof(*b) + b->n);
	set->next = *bucket;
	return *bucket = set;
}

/* Records of answer and authority, RDATA uncompressed, into scratch. */
static bool read_records(struct dns_store *s, struct dns_walk *w, bool *dnssec)
{
	size_t n = 0;
	struct parsed *r = s->records;
	s->nrecords = 0;
	while (dns_wire_next(w, &r->rr)) {
		if (r->rr.type == RR_OPT && r->rr.section == DNS_ADDITIONAL && r->rr.ttl & 0x8000)
			*dnssec = true;
		if (r->rr.section == DNS_ADDITIONAL || r->rr.type == RR_OPT || r->rr.class != CLASS_IN)
			continue;
		size_t len = dns_wire_rdata(w->msg, &r->rr, s->scratch + n, SCRATCH - n);
		if (len == 0 && r->rr.rdata.n)
			return false;
		r->rdata = (struct bytes){ s->scratch + n, len };
		r->taken = false;
		*dnssec = *dnssec || r->rr.type == RR_RRSIG;
		n += len;
		if (++s->nrecords == RECORDS_MAX - 1)
			return false;
		r++;
	}
	return dns_wire_ok(w);
}

static const struct ref *find_ref(const struct observed *m, enum dns_section section, uint16_t type)
{
	for (unsigned i = 0; i < m->refs; i++)
		if (m->ref[i].section == section && m->ref[i].set->type == type)
			return &m->ref[i];
	return NULL;
}

static bool has_denial(const struct observed *m)
{
	const struct ref *nsec = find_ref(m, DNS_AUTHORITY, RR_NSEC), *nsec3 = find_ref(m, DNS_AUTHORITY, RR_NSEC3);
	return (nsec && nsec->set->sigs) || (nsec3 && nsec3->set->sigs);
}

/* What one record points at, as the name of a key: an address, or an MX host. */
static bool pointed_at(uint16_t type, struct bytes rdata, struct dns_name *out)
{
	enum { PREFERENCE = 2 };
	if ((type == RR_A && rdata.n == 4) || (type == RR_AAAA && rdata.n == 16)) {
		out->n = (uint8_t)rdata.n;
		memcpy(out->octets, rdata.p, rdata.n);
		return true;
	}
	struct cur c = cur_of(bytes_skip(rdata, PREFERENCE));
	return type == RR_MX && dns_wire_name(&c, bytes_skip(rdata, PREFERENCE), out) && out->n > 1;
}

/* An answer's set under each thing that it points at. */
static bool link_targets(struct dns_store *s, const struct observed *m, const struct rrset *set, bool *fresh)
{
	struct cur c = set_records(set);
	struct dns_name to;
	for (unsigned i = 0; i < set->rrs; i++)
		if (pointed_at(set->type, next_rdata(&c), &to) && !link_to(s, KEY_SEEN, &to, set->type, m, set, fresh))
			return false;
	return true;
}

/* The zone that signed the set; false: nobody did. */
static bool set_signer(const struct rrset *set, struct dns_name *zone)
{
	struct cur c = set_records(set);
	for (unsigned i = 0; i < set->rrs; i++)
		next_rdata(&c);
	struct bytes sig = next_rdata(&c);
	struct cur name = cur_of(bytes_skip(sig, SIG_FIXED));
	return set->sigs && sig.n > SIG_FIXED && dns_wire_name(&name, bytes_skip(sig, SIG_FIXED), zone);
}

/* An NSEC or NSEC3 under the zone that signed it, unless an earlier one of that owner stands there. The spans of parent
 * and child begin at the same name, where a zone is cut. */
static bool link_span(struct dns_store *s, const struct observed *m, const struct rrset *set, bool *fresh)
{
	struct dns_name owner = set_owner(set), zone, other;
	if ((set->type != RR_NSEC && set->type != RR_NSEC3) || !set_signer(set, &zone) || !dns_wire_below(&owner, &zone))
		return true;
	const struct key *k = key_find(s->young, KEY_SET, octets_of(&owner), set->type,
				       bucket_of(s, KEY_SET, octets_of(&owner), set->type));
	for (const struct entry *e = k ? k->entries : NULL; e; e = e->next)
		if (set_signer(e->set, &other) && dns_wire_same(&other, &zone))
			return true;
	return link_to(s, KEY_SPAN, &zone, set->type, m, set, fresh);
}

/* The sets in reach of others: every signed one, and unsigned ones that were an answer. */
static bool link_sets(struct dns_store *s, const struct observed *m, bool *fresh)
{
	for (unsigned i = 0; i < m->refs; i++) {
		const struct rrset *set = m->ref[i].set;
		struct dns_name owner = set_owner(set);
		if (!set->sigs && m->ref[i].section != DNS_ANSWER)
			continue;
		if (!link_span(s, m, set, fresh) || !link_to(s, KEY_SET, &owner, set->type, m, set, fresh))
			return false;
		if (m->ref[i].section == DNS_ANSWER && !link_targets(s, m, set, fresh))
			return false;
	}
	return true;
}

/* A referral: not an answer to its question, but all its parent has to say about the cut. */
static bool link_referral(struct dns_store *s, const struct observed *m, const struct ref *ns, bool *fresh)
{
	struct dns_name cut = set_owner(ns->set);
	if (!m->dnssec || find_ref(m, DNS_AUTHORITY, RR_DS) || !has_denial(m))
		return true;
	return link_to(s, KEY_CUT, &cut, 0, m, NULL, fresh);
}

/* A DS denied by the child itself is no answer: the parent's word counts (RFC 4035 3.1.4.1). */
static bool wrong_side(const struct dns_walk *w, const struct observed *m)
{
	const struct ref *soa = find_ref(m, DNS_AUTHORITY, RR_SOA);
	if (w->qtype != RR_DS || !soa || w->qname.n == 1)
		return false;
	struct dns_name owner = set_owner(soa->set);
	return dns_wire_same(&owner, &w->qname);
}

static bool link_answer(struct dns_store *s, const struct dns_walk *w, const struct observed *m, bool *fresh)
{
	bool empty = m->refs == 0 || m->ref[0].section != DNS_ANSWER;
	if (wrong_side(w, m))
		return true;
	if (!link_to(s, KEY_ASKED, &w->qname, w->qtype, m, NULL, fresh))
		return false;
	if (!empty || !m->dnssec || !has_denial(m))
		return true;
	if (m->rcode == RCODE_NXDOMAIN)
		return link_to(s, KEY_NX, &w->qname, 0, m, NULL, fresh);
	return m->rcode != RCODE_NOERROR || link_to(s, KEY_NODATA, &w->qname, 0, m, NULL, fresh);
}

static bool link_message(struct dns_store *s, const struct dns_walk *w, const struct observed *m, bool *fresh)
{
	const struct ref *ns = find_ref(m, DNS_AUTHORITY, RR_NS);
	bool answers = m->refs && m->ref[0].section == DNS_ANSWER;
	if (m->rcode == RCODE_NOERROR && !answers && ns && !find_ref(m, DNS_AUTHORITY, RR_SOA)) {
		if (!link_referral(s, m, ns, fresh))
			return false;
	} else if (!link_answer(s, w, m, fresh)) {
		return false;
	}
	return link_sets(s, m, fresh);
}

static enum dns_kept add(struct dns_store *s, const struct dns_message *m)
{
	struct dns_walk w;
	bool dnssec = false, fresh = false;
	if (!dns_wire_useful(m->octets) || !dns_wire_open(&w, m->octets) || !read_records(s, &w, &dnssec))
		return DNS_REFUSED;
	size_t before = s->young->used;
	struct observed *o = take(s, sizeof(*o) + s->nrecords * sizeof(o->ref[0]));
	if (!o)
		return DNS_FULL;
	*o = (struct observed){ .ts = m->ts, .qtype = w.qtype, .rcode = w.flags & 0xf, .dnssec = dnssec, .other = m->other };
	for (size_t i = 0; i < s->nrecords; i++) {
		const struct parsed *r = &s->records[i];
		if (r->taken || r->rr.type == RR_RRSIG)
			continue;
		uint8_t section = (uint8_t)r->rr.section;
		uint32_t ttl = r->rr.ttl;
		const struct rrset *set = intern(s, i);
		if (!set)
			return DNS_FULL;
		o->ref[o->refs++] = (struct ref){ set, ttl, section };
	}
	size_t later = s->young->used;
	if (!link_message(s, &w, o, &fresh))
		return DNS_FULL;
	s->changes += fresh;
	/* Nothing new was said, and nothing new was interned: the message itself need not stay. */
	if (!fresh && s->young->used == later && later == before + ((sizeof(*o) + s->nrecords * sizeof(o->ref[0]) + 7) & ~(size_t)7))
		s->young->used = before;
	return DNS_KEPT;
}

/* The old half is forgotten, and grows anew as the young one. */
static void roll(struct dns_store *s)
{
	s->young = &s->half[s->young == s->half];
	clear(s, s->young);
	s->rolls++;
	s->changes++;
}

enum dns_kept dns_store_add(struct dns_store *s, const struct dns_message *m)
{
	if (s->age && s->young->any && m->ts > s->young->begun && m->ts - s->young->begun >= s->age)
		roll(s);
	enum dns_kept kept = add(s, m);
	if (s->age && kept == DNS_FULL) { /* what of it was kept already stays true */
		roll(s);
		kept = add(s, m);
	}
	if (kept == DNS_KEPT && !s->young->any) {
		s->young->any = true;
		s->young->begun = m->ts;
	}
	return kept;
}

/* ---- replies ---- */

/* SPANS of a reply: closest encloser, next closer name, wildcard. SPAN_SLACK: s that its TTL may have run out before */
enum { CANDIDATES = 16, SPANS = 3, SPAN_DEPTH = 16, SPAN_SLACK = 300 };

/* What could be served. rank: lower is better; inside a rank the newest at or before as_of, or the earliest later one. */
struct candidate {
	unsigned rank;
	const struct entry *entry;
	enum key_kind kind;
	enum dns_found found;
};

/* The choice so far: the best candidates, best first, none of which says the same as another; and the one taken. */
struct pick {
	int64_t as_of;
	struct candidate list[CANDIDATES];
	unsigned n;
	unsigned rank;
	const struct entry *entry;
	enum key_kind kind;
	enum dns_found found;
	int64_t first, below, above;    /* times of all candidates looked at: do they differ, and the nearest two */
	bool differ, any;
	int64_t from, until;            /* edges of signatures */
	int64_t end;                    /* when the first of them stops being good */
	const struct entry *span[SPANS]; /* of KEY_SPAN */
	unsigned spans;
	bool nxdomain;
};

/* RANK_SPAN_HELD: of spans that whoever cached them would still have believed at as_of: he asked nobody (RFC 8198), so what was
 * answered later, perhaps of records that did not exist yet, says nothing against them. */
enum rank { RANK_PROOF, RANK_DERIVED, RANK_SPAN_HELD, RANK_PROOF_LATER, RANK_DERIVED_LATER, RANK_SPAN, RANK_UNSIGNED, RANK_FAILURE,
	    RANK_NONE };

static void edge(struct pick *p, int64_t t)
{
	if (t <= p->as_of && t > p->from)
		p->from = t;
	if (t > p->as_of && t < p->until)
		p->until = t;
}

static void look_at(struct pick *p, int64_t ts)
{
	if (!p->any)
		p->first = ts;
	p->differ = p->differ || ts != p->first;
	p->any = true;
	if (ts <= p->as_of && ts > p->below)
		p->below = ts;
	if (ts > p->as_of && ts < p->above)
		p->above = ts;
}

/* The dates of a set's signatures: edges of the window, and have all begun at as_of? */
static bool set_begun(struct pick *p, const struct rrset *set)
{
	struct cur c = set_records(set);
	bool begun = set->sigs > 0;
	for (unsigned i = 0; i < set->rrs; i++)
		next_rdata(&c);
	for (unsigned i = 0; i < set->sigs; i++) {
		struct cur sig = cur_of(bytes_skip(next_rdata(&c), SIG_EXPIRE));
		uint32_t end = cur_u32(&sig), begin = cur_u32(&sig);
		edge(p, ns(begin));
		edge(p, ns(begin) - ns(DNS_SKEW));
		edge(p, ns(end) + 1);
		edge(p, ns(end) + ns(DNS_SKEW + 1));
		if (ns(end) + ns(DNS_SKEW + 1) < p->end)
			p->end = ns(end) + ns(DNS_SKEW + 1);
		begun = begun && ns(begin) <= p->as_of;
	}
	return begun;
}

/* Had every signature of this entry begun? An entry without any was not there yet. */
static bool begun(struct pick *p, const struct entry *e)
{
	bool all = true, any = false;
	if (e->set)
		return set_begun(p, e->set);
	for (unsigned i = 0; i < e->msg->refs; i++) {
		const struct rrset *set = e->msg->ref[i].set;
		any = any || set->sigs;
		if (set->sigs || e->msg->ref[i].section == DNS_ANSWER) /* else NS of a cut: no parent signs it */
			all = set_begun(p, set) && all;
	}
	return any && all;
}

static bool better(const struct pick *p, const struct candidate *a, const struct candidate *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->entry->ts > p->as_of ? a->entry->ts < b->entry->ts : a->entry->ts > b->entry->ts;
}

/* Do both come from one message, or say the same? */
static bool alike(const struct candidate *a, const struct candidate *b)
{
	if (a->entry->msg == b->entry->msg)
		return true;
	if (a->kind != b->kind || a->found != b->found)
		return false;
	return a->entry->set ? same_set(a->entry->set, b->entry->set) : same_answer(a->entry->msg, b->entry->msg);
}

/* Into the list by its rank. Of two that are alike the better one stays. */
static void choose(struct pick *p, const struct entry *e, enum key_kind kind, enum rank rank, enum dns_found found)
{
	const struct candidate c = { rank, e, kind, found };
	unsigned at = p->n, last;
	while (at > 0 && better(p, &c, &p->list[at - 1]))
		at--;
	for (unsigned i = 0; i < at; i++)
		if (alike(&p->list[i], &c))
			return;
	for (last = at; last < p->n && !alike(&p->list[last], &c); last++)
		continue;
	if (last == CANDIDATES)
		last--;
	if (at >= CANDIDATES)
		return;
	memmove(p->list + at + 1, p->list + at, (last - at) * sizeof(c));
	p->list[at] = c;
	p->n += last == p->n;
}

/* Offers an entry that answers with proof; derived: it was the answer to another question. */
static void offer(struct pick *p, const struct entry *e, enum key_kind kind, bool derived)
{
	enum dns_found found = derived ? FOUND_DERIVED : FOUND_EXACT;
	bool signed_then = begun(p, e);
	look_at(p, e->ts);
	if (!signed_then)
		edge(p, e->ts);                 /* it counts from its own time on alone */
	if (e->ts <= p->as_of)
		choose(p, e, kind, derived ? RANK_DERIVED : RANK_PROOF, found);
	else if (signed_then)
		choose(p, e, kind, derived ? RANK_DERIVED_LATER : RANK_PROOF_LATER, found);
}

static void offer_weak(struct pick *p, const struct entry *e, enum key_kind kind, enum rank rank, enum dns_found found)
{
	look_at(p, e->ts);
	if (e->ts <= p->as_of)
		choose(p, e, kind, rank, found);
}

static void offer_asked(const struct dns_store *s, struct pick *p, const struct entry *e)
{
	for (; e; e = after(s, e)) {
		if (dns_wire_failure(e->msg->rcode))
			offer_weak(p, e, KEY_ASKED, RANK_FAILURE, FOUND_FAILURE);
		else if (e->msg->dnssec)
			offer(p, e, KEY_ASKED, false);
		else
			offer_weak(p, e, KEY_ASKED, RANK_UNSIGNED, FOUND_UNSIGNED);
	}
}

static void offer_sets(const struct dns_store *s, struct pick *p, const struct entry *e, bool derived)
{
	for (; e; e = after(s, e)) {
		if (e->set->sigs)
			offer(p, e, KEY_SET, derived);
		else
			offer_weak(p, e, KEY_SET, RANK_UNSIGNED, FOUND_UNSIGNED);
	}
}

static bool bit_set(struct cur bitmap, uint16_t type)
{
	while (cur_left(&bitmap)) {
		uint8_t window = cur_u8(&bitmap);
		struct cur v = cur_vec8(&bitmap);
		size_t at = (type & 0xffu) / 8;
		if (window == type >> 8 && at < cur_left(&v))
			return v.p[at] & 0x80 >> (type & 7);
	}
	return false;
}

/* The type bitmap of an NSEC or NSEC3 RDATA (RFC 4034 4.1, RFC 5155 3.2). */
static struct cur bitmap_of(uint16_t type, struct bytes rdata)
{
	struct cur c = cur_of(rdata);
	struct dns_name next;
	if (type == RR_NSEC) {
		dns_wire_name(&c, rdata, &next);
		return c;
	}
	cur_take(&c, 4);
	cur_vec8(&c);
	cur_vec8(&c);
	return c;
}

/* Does this set, if it matches the name, deny type there? The parent's side of a cut denies the DS alone, and the
 * child's side everything but it (RFC 6840 4.1, 4.4). */
static bool denies(const struct rrset *set, uint16_t type)
{
	struct cur c = set_records(set);
	for (unsigned i = 0; i < set->rrs; i++) {
		struct cur map = bitmap_of(set->type, next_rdata(&c));
		bool soa = bit_set(map, RR_SOA), cut = bit_set(map, RR_NS) && !soa;
		if (bit_set(map, type) || bit_set(map, RR_CNAME) || (type == RR_DS ? soa : cut))
			return false;
	}
	return true;
}

static bool denies_all(const struct observed *m, uint16_t type)
{
	for (unsigned i = 0; i < m->refs; i++) {
		const struct rrset *set = m->ref[i].set;
		if ((set->type == RR_NSEC || set->type == RR_NSEC3) && !denies(set, type))
			return false;
	}
	return true;
}

/* What answers to other questions prove about this one. */
static void offer_derived(const struct dns_store *s, struct pick *p, const struct dns_name *name, uint16_t type)
{
	if (type != RR_CNAME && type != RR_DS)
		offer_sets(s, p, entries(s, KEY_SET, name, RR_CNAME), true);
	for (const struct entry *e = entries(s, KEY_SET, name, RR_NSEC); e; e = after(s, e))
		if (e->set->sigs && denies(e->set, type))
			offer(p, e, KEY_NODATA, true);
	for (const struct entry *e = entries(s, KEY_NODATA, name, 0); e; e = after(s, e))
		if (denies_all(e->msg, type))
			offer(p, e, KEY_ASKED, true);
	struct dns_name up = *name;
	do {
		for (const struct entry *e = entries(s, KEY_NX, &up, 0); e; e = after(s, e))
			offer(p, e, KEY_NX, true);
	} while (dns_wire_parent(&up, &up) && up.n > 1);
}

/* ---- absence by spans: what a proof about one name says of others (RFC 8198 5) ---- */

/* A walk for one name through the spans of one zone.
 * anc, wild   the name and those above it up to the zone, and the wildcards beside them (wild[0]: none)
 * hash        of these, by the parameters of hashed; of NSEC3 only */
struct spans {
	const struct dns_store *s;
	struct pick *p;
	uint16_t type, nsec;
	bool held;
	const struct dns_name *zone;
	struct dns_name anc[SPAN_DEPTH], wild[SPAN_DEPTH];
	unsigned depth;
	struct nsec3 hashed;
	uint8_t hash[SPAN_DEPTH][NSEC3_HASH], wild_hash[SPAN_DEPTH][NSEC3_HASH];
};

/* How an entry stands to a name. */
enum stands { STANDS_APART, STANDS_AT, STANDS_OVER };

static enum stands stands(const struct spans *w, const struct entry *e, unsigned i, bool wild)
{
	struct cur c = set_records(e->set);
	struct bytes rdata = next_rdata(&c);
	struct dns_name owner = set_owner(e->set), next;
	const struct dns_name *name = wild ? &w->wild[i] : &w->anc[i];
	if (w->nsec == RR_NSEC) {
		struct cur r = cur_of(rdata);
		if (dns_wire_same(&owner, name))
			return STANDS_AT;
		return dns_wire_name(&r, rdata, &next) && dns_denial_nsec(&owner, &next, w->zone, name) ? STANDS_OVER : STANDS_APART;
	}
	struct nsec3 n;
	const uint8_t *hash = wild ? w->wild_hash[i] : w->hash[i];
	if (!dns_denial_nsec3_read(&owner, rdata, &n) || !dns_denial_same_hash(&n, &w->hashed))
		return STANDS_APART;
	if (memcmp(n.owner, hash, NSEC3_HASH) == 0)
		return STANDS_AT;
	return dns_denial_nsec3(&n, hash) ? STANDS_OVER : STANDS_APART;
}

/* May it be used as of now? A proof about another name is believed no longer than whoever cached it would; held: not at all
 * longer, and not before. */
static bool span_good(struct pick *p, const struct entry *e, bool held)
{
	int64_t end = e->dropped + ns(SPAN_SLACK);
	bool signed_then = begun(p, e);
	edge(p, e->ts);
	edge(p, e->dropped);
	edge(p, end);
	return e->ts <= p->as_of ? p->as_of < (held ? e->dropped : end) : signed_then && !held;
}

static bool nearer(const struct pick *p, const struct entry *a, const struct entry *b)
{
	bool later = a->ts > p->as_of, other = b && b->ts > p->as_of;
	if (!b || later != other)
		return !b || other;
	return later ? a->ts < b->ts : a->ts > b->ts;
}

static bool cut_or_alias(const struct rrset *set)
{
	struct cur c = set_records(set), map = bitmap_of(set->type, next_rdata(&c));
	return (bit_set(map, RR_NS) && !bit_set(map, RR_SOA)) || bit_set(map, RR_DNAME);
}

/* The entry that stands so to a name, the newest at or before as_of, else the first one later. What lies below a cut or
 * a DNAME is no business of the span that begins there (RFC 6840 4.1). */
static const struct entry *span_find(struct spans *w, unsigned i, bool wild, enum stands how)
{
	const struct entry *best = NULL;
	for (const struct entry *o = entries(w->s, KEY_SPAN, w->zone, w->nsec); o; o = after(w->s, o)) {
		struct dns_name owner = set_owner(o->set), signer;
		for (const struct entry *e = entries(w->s, KEY_SET, &owner, w->nsec); e; e = after(w->s, e)) {
			if (!set_signer(e->set, &signer) || !dns_wire_same(&signer, w->zone) || stands(w, e, i, wild) != how)
				continue;
			if (w->nsec == RR_NSEC && how == STANDS_OVER && dns_wire_below(&w->anc[0], &owner) && cut_or_alias(e->set))
				continue;
			if (span_good(w->p, e, w->held) && nearer(w->p, e, best))
				best = e;
		}
	}
	return best;
}

static bool span_put(struct pick *p, const struct entry *e)
{
	for (unsigned i = 0; i < p->spans; i++)
		if (same_set(p->span[i]->set, e->set))
			return true;
	if (p->spans == SPANS)
		return false;
	p->span[p->spans++] = e;
	return true;
}

/* The wildcard that could have answered must not exist either, or have nothing of the type. */
static bool span_wildcard(struct spans *w, unsigned encloser)
{
	const struct entry *e = span_find(w, encloser, true, STANDS_OVER);
	w->p->nxdomain = e != NULL;
	if (!e)
		e = span_find(w, encloser, true, STANDS_AT);
	return e && (w->p->nxdomain || denies(e->set, w->type)) && span_put(w->p, e);
}

/* How many labels above the name is the closest name that exists, by the ends of the span that holds the name? */
static unsigned encloser_of(const struct spans *w, const struct entry *over)
{
	struct cur c = set_records(over->set);
	struct bytes rdata = next_rdata(&c);
	struct cur r = cur_of(rdata);
	struct dns_name owner = set_owner(over->set), next = { 0 }, a, b;
	dns_wire_name(&r, rdata, &next);
	dns_denial_common(&w->anc[0], &owner, &a);
	dns_denial_common(&w->anc[0], &next, &b);
	const struct dns_name *longer = a.n >= b.n ? &a : &b;
	unsigned i = 0;
	while (i < w->depth - 1 && !dns_wire_same(&w->anc[i], longer))
		i++;
	return i;
}

static bool span_nsec(struct spans *w)
{
	const struct entry *over = span_find(w, 0, false, STANDS_OVER);
	if (!over || span_find(w, 0, false, STANDS_AT) || !span_put(w->p, over))
		return false;
	unsigned encloser = encloser_of(w, over);
	if (encloser == 0) /* the next name is below it: it is there, and has no records */
		return true;
	return span_wildcard(w, encloser);
}

/* Hashes all names by the parameters of the zone's newest owner; false: it has none that we follow. */
static bool span_hash(struct spans *w)
{
	const struct entry *o = entries(w->s, KEY_SPAN, w->zone, RR_NSEC3);
	if (!o)
		return false;
	struct cur c = set_records(o->set);
	struct dns_name owner = set_owner(o->set);
	if (!dns_denial_nsec3_read(&owner, next_rdata(&c), &w->hashed))
		return false;
	for (unsigned i = 0; i < w->depth; i++)
		if (!dns_denial_hash(&w->hashed, &w->anc[i], w->hash[i]) ||
		    (i && !dns_denial_hash(&w->hashed, &w->wild[i], w->wild_hash[i])))
			return false;
	return true;
}

static bool is_opt_out(const struct entry *e)
{
	struct cur c = set_records(e->set);
	struct bytes rdata = next_rdata(&c);
	return rdata.n > 1 && rdata.p[1] & 1;
}

static bool span_nsec3(struct spans *w)
{
	const struct entry *at = span_hash(w) ? span_find(w, 0, false, STANDS_AT) : NULL, *over = NULL;
	if (at)
		return denies(at->set, w->type) && span_put(w->p, at);
	for (unsigned i = 1; i < w->depth; i++) {
		at = span_find(w, i, false, STANDS_AT);
		if (!at)
			continue;
		over = span_find(w, i - 1, false, STANDS_OVER);
		if (!over || (i + 1 < w->depth && cut_or_alias(at->set)) || !span_put(w->p, at) || !span_put(w->p, over))
			return false;
		if (is_opt_out(over)) /* there may be an unsigned zone; that it has no DS is all that is proved */
			return w->type == RR_DS && i == 1;
		return span_wildcard(w, i);
	}
	return false;
}

/* anc and wild, from name up to zone. */
static bool span_names(struct spans *w, const struct dns_name *name)
{
	struct dns_name at = *name;
	for (w->depth = 0; w->depth < SPAN_DEPTH; w->depth++) {
		w->anc[w->depth] = at;
		if (w->depth && !dns_denial_wildcard(&at, &w->wild[w->depth]))
			return false;
		if (dns_wire_same(&at, w->zone))
			return ++w->depth > 0;
		if (!dns_wire_parent(&at, &at))
			return false;
	}
	return false;
}

/* From the spans of the nearest zone of which there are any. Of the DS only the parent may speak. */
static void offer_span(const struct dns_store *s, struct pick *p, const struct dns_name *name, uint16_t type, bool held)
{
	static const uint16_t kinds[] = { RR_NSEC, RR_NSEC3 };
	struct dns_name zone = *name;
	if (type == RR_DS && !dns_wire_parent(&zone, &zone))
		return;
	do {
		for (unsigned k = 0; k < 2; k++) {
			struct spans w = { .s = s, .p = p, .type = type, .nsec = kinds[k], .held = held, .zone = &zone };
			if (!entries(s, KEY_SPAN, &zone, kinds[k]) || !span_names(&w, name))
				continue;
			p->spans = 0;
			p->nxdomain = false;
			if (k == 0 ? span_nsec(&w) : span_nsec3(&w)) {
				choose(p, p->span[0], KEY_SPAN, held ? RANK_SPAN_HELD : RANK_SPAN, FOUND_DERIVED);
				return;
			}
		}
	} while (dns_wire_parent(&zone, &zone));
	p->spans = 0;
}

/* The skip-th best; none: MISSING. */
static void take_candidate(struct pick *p, unsigned skip)
{
	if (skip >= p->n)
		return;
	p->rank = p->list[skip].rank;
	p->entry = p->list[skip].entry;
	p->kind = p->list[skip].kind;
	p->found = p->list[skip].found;
}

/* How many of the candidates are proofs, which a validator may take or refuse. */
static unsigned proofs(const struct pick *p)
{
	unsigned n = 0;
	while (n < p->n && (p->list[n].found == FOUND_EXACT || p->list[n].found == FOUND_DERIVED))
		n++;
	return n;
}

static struct pick pick(const struct dns_store *s, const struct dns_name *name, uint16_t type, int64_t as_of, unsigned skip)
{
	struct pick p = { .as_of = as_of, .rank = RANK_NONE, .found = FOUND_MISSING, .below = INT64_MIN, .above = INT64_MAX,
			  .from = INT64_MIN, .until = INT64_MAX };
	offer_asked(s, &p, entries(s, KEY_ASKED, name, type));
	offer_sets(s, &p, entries(s, KEY_SET, name, type), false);
	if (type == RR_DS)
		for (const struct entry *e = entries(s, KEY_CUT, name, 0); e; e = after(s, e))
			offer(&p, e, KEY_CUT, false);
	offer_derived(s, &p, name, type);
	if (p.n == 0 || p.list[0].rank > RANK_SPAN_HELD)
		offer_span(s, &p, name, type, true);
	if (p.n == 0 || p.list[0].rank >= RANK_SPAN)
		offer_span(s, &p, name, type, false);
	take_candidate(&p, skip);
	if (p.differ || (p.any && p.found == FOUND_MISSING) || p.rank >= RANK_UNSIGNED) {
		if (p.below > p.from)
			p.from = p.below;
		if (p.above < p.until)
			p.until = p.above;
	}
	return p;
}

struct writer {
	uint8_t *p;
	size_t n, cap;
	bool full;
};

static void put(struct writer *w, struct bytes b)
{
	if (w->cap - w->n < b.n) {
		w->full = true;
		return;
	}
	if (b.n)
		memcpy(w->p + w->n, b.p, b.n);
	w->n += b.n;
}

static void put16(struct writer *w, unsigned v)
{
	put(w, (struct bytes){ (const uint8_t[]){ (uint8_t)(v >> 8), (uint8_t)v }, 2 });
}

static unsigned put_set(struct writer *w, const struct ref *ref)
{
	const struct rrset *set = ref->set;
	struct cur c = set_records(set);
	for (unsigned i = 0; i < set->rrs + (unsigned)set->sigs; i++) {
		struct bytes rdata = next_rdata(&c);
		put(w, (struct bytes){ set->octets, set->owner_n });
		put16(w, i < set->rrs ? set->type : RR_RRSIG);
		put16(w, CLASS_IN);
		put16(w, ref->ttl >> 16);
		put16(w, ref->ttl & 0xffff);
		put16(w, (unsigned)rdata.n);
		put(w, rdata);
	}
	return set->rrs + (unsigned)set->sigs;
}

static unsigned labels(const struct dns_name *name)
{
	unsigned n = 0;
	for (size_t i = 0; i < name->n && name->octets[i]; i += (size_t)name->octets[i] + 1)
		n += !(name->octets[i] == 1 && name->octets[i + 1] == '*');
	return n;
}

/* Was the set made from a wildcard? Then it needs the proof that its name itself does not exist (RFC 4035 3.1.3.3). */
static bool from_wildcard(const struct rrset *set)
{
	struct dns_name owner = set_owner(set);
	struct cur c = set_records(set);
	for (unsigned i = 0; i < set->rrs; i++)
		next_rdata(&c);
	struct bytes sig = next_rdata(&c);
	return sig.n > SIG_FIXED && sig.p[SIG_LABELS] < labels(&owner);
}

/* Which of the message's sets go into the reply? All, where the message is the answer; else those that carry it. */
static bool wanted(const struct pick *p, const struct ref *ref)
{
	uint16_t type = ref->set->type;
	bool denial = type == RR_NSEC || type == RR_NSEC3;
	switch (p->kind) {
	case KEY_ASKED:
	case KEY_NX:
		return true;
	case KEY_SET:
		return ref->set == p->entry->set || (denial && ref->section == DNS_AUTHORITY && from_wildcard(p->entry->set));
	case KEY_CUT:
		return denial && ref->section == DNS_AUTHORITY;
	case KEY_NODATA:
		return ref->set == p->entry->set || (type == RR_SOA && ref->section == DNS_AUTHORITY);
	case KEY_SPAN: /* no message, but spans of several */
	case KEY_SEEN: /* never served */
		break;
	}
	return false;
}

static enum dns_section section_in(const struct pick *p, const struct ref *ref)
{
	if (p->kind == KEY_SET && ref->set == p->entry->set)
		return DNS_ANSWER;
	return p->kind == KEY_NODATA ? DNS_AUTHORITY : (enum dns_section)ref->section;
}

static unsigned put_span(struct writer *w, struct pick *p, const struct entry *e)
{
	for (unsigned i = 0; i < e->msg->refs; i++) {
		if (e->msg->ref[i].set != e->set)
			continue;
		set_begun(p, e->set);
		return put_set(w, &e->msg->ref[i]);
	}
	return 0;
}

static unsigned put_section(struct writer *w, struct pick *p, enum dns_section section)
{
	unsigned n = 0;
	const struct observed *m = p->entry->msg;
	for (unsigned i = 0; p->kind == KEY_SPAN && section == DNS_AUTHORITY && i < p->spans; i++)
		n += put_span(w, p, p->span[i]);
	for (unsigned i = 0; i < m->refs; i++) {
		if (!wanted(p, &m->ref[i]) || section_in(p, &m->ref[i]) != section)
			continue;
		set_begun(p, m->ref[i].set);
		n += put_set(w, &m->ref[i]);
	}
	return n;
}

static void set16(struct writer *w, size_t at, unsigned v)
{
	w->p[at] = (uint8_t)(v >> 8);
	w->p[at + 1] = (uint8_t)v;
}

/* Does the reply hold anything of another capture? */
static bool from_other(const struct pick *p)
{
	bool other = p->entry->msg->other;
	for (unsigned i = 0; p->kind == KEY_SPAN && i < p->spans; i++)
		other = other || p->span[i]->msg->other;
	return other;
}

/* What p picked, as a reply to the question (name, type). */
static void compose(struct pick *p, const struct dns_name *name, uint16_t type, int64_t as_of, bool edns,
		    struct dns_reply *reply)
{
	static const uint8_t opt[REPLY_OPT] = { 0, 0, RR_OPT, 0xff, 0xff, 0, 0, 0x80, 0, 0, 0 };
	bool good = p->found != FOUND_MISSING && p->found != FOUND_FAILURE;
	unsigned rcode = good && p->kind != KEY_SET && p->kind != KEY_NODATA ? p->entry->msg->rcode : RCODE_NOERROR;
	if (p->kind == KEY_SPAN && good)
		rcode = p->nxdomain ? RCODE_NXDOMAIN : RCODE_NOERROR;
	struct writer w = { reply->octets, DNS_HEADER, sizeof(reply->octets) - REPLY_OPT, false };
	memset(reply->octets, 0, DNS_HEADER);
	put(&w, (struct bytes){ name->octets, name->n });
	put16(&w, type);
	put16(&w, CLASS_IN);
	size_t question = w.n;
	p->end = INT64_MAX;
	unsigned an = good ? put_section(&w, p, DNS_ANSWER) : 0;
	unsigned ns_n = good ? put_section(&w, p, DNS_AUTHORITY) : 0;
	if (w.full) {
		w.n = question;
		an = ns_n = 0;
		good = false;
		p->found = FOUND_MISSING;
	}
	if (good && as_of >= p->end && p->entry->ts < p->end)
		p->found = FOUND_STALE;
	if (edns) {
		w.cap += REPLY_OPT;
		put(&w, (struct bytes){ opt, sizeof(opt) });
	}
	set16(&w, 2, DNS_QR | DNS_RD | DNS_RA | (good ? rcode : RCODE_SERVFAIL));
	set16(&w, 4, 1);
	set16(&w, 6, an);
	set16(&w, 8, ns_n);
	set16(&w, 10, edns);
	reply->n = w.n;
	reply->found = p->found;
	reply->ts = p->entry ? p->entry->ts : INT64_MIN;
	reply->proofs = proofs(p);
	reply->other = p->entry && from_other(p);
	reply->from = p->from;
	reply->until = p->until;
}

void dns_store_reply(const struct dns_store *s, const struct dns_name *name, uint16_t type, int64_t as_of, bool edns,
		     unsigned skip, struct dns_reply *reply)
{
	struct pick p = pick(s, name, type, as_of, skip);
	compose(&p, name, type, as_of, edns, reply);
}

/* Of which name, this one or one above it, does entry say that it does not exist? */
static bool denied_at(const struct dns_store *s, const struct entry *entry, struct dns_name *name)
{
	do {
		for (const struct entry *e = entries(s, KEY_NX, name, 0); e; e = after(s, e))
			if (e == entry)
				return true;
	} while (dns_wire_parent(name, name) && name->n > 1);
	return false;
}

/* The question that the message behind p answered, where that was another one: into name and type. Spans of several
 * messages have none; their own reply stands for them. false: p is never served. */
static bool asked_for(const struct dns_store *s, struct pick *p, struct dns_name *name, uint16_t *type)
{
	switch (p->kind) {
	case KEY_SET:
		*type = p->entry->set->type;
		return true;
	case KEY_NODATA: /* the NSEC of the name, as the answer to a question for it */
		*type = p->entry->set->type;
		p->kind = KEY_SET;
		return true;
	case KEY_ASKED:
		*type = p->entry->msg->qtype;
		return true;
	case KEY_NX:
		*type = p->entry->msg->qtype;
		return denied_at(s, p->entry, name);
	case KEY_SPAN:
		return true;
	case KEY_CUT:
	case KEY_SEEN:
		break;
	}
	return false;
}

bool dns_store_source(const struct dns_store *s, const struct dns_name *name, uint16_t type, int64_t as_of, unsigned skip,
		      struct dns_reply *reply)
{
	struct pick p = pick(s, name, type, as_of, skip);
	struct dns_name asked = *name;
	if (p.found == FOUND_MISSING || (p.found == FOUND_DERIVED && !asked_for(s, &p, &asked, &type)))
		return false;
	compose(&p, &asked, type, as_of, p.found != FOUND_UNSIGNED, reply);
	return reply->n > DNS_HEADER;
}

bool dns_store_ttl(const struct dns_store *s, const struct dns_name *name, uint16_t type, int64_t as_of, unsigned skip,
		   uint32_t *ttl)
{
	struct pick p = pick(s, name, type, as_of, skip);
	if (!p.entry)
		return false;
	const struct observed *m = p.entry->msg;
	for (unsigned i = 0; i < m->refs; i++) {
		struct dns_name owner = set_owner(m->ref[i].set);
		if (m->ref[i].set->type == type && dns_wire_same(&owner, name)) {
			*ttl = m->ref[i].ttl;
			return true;
		}
	}
	return false;
}

static bool is_among(const struct dns_name *names, size_t n, const struct dns_name *name)
{
	for (size_t i = 0; i < n; i++)
		if (dns_wire_same(&names[i], name))
			return true;
	return false;
}

size_t dns_store_seen(const struct dns_store *s, uint16_t type, struct bytes key, int64_t as_of, struct dns_name *out,
		      size_t max)
{
	const int64_t day = ns(86400);
	struct dns_name to = { .n = (uint8_t)key.n };
	size_t n = 0;
	memcpy(to.octets, key.p, key.n);
	for (const struct entry *e = entries(s, KEY_SEEN, &to, type); e && n < max; e = after(s, e)) {
		struct dns_name owner = set_owner(e->set);
		if (e->ts <= as_of && e->ts > as_of - day && !is_among(out, n, &owner))
			out[n++] = owner;
	}
	return n;
}

/* The same records, whoever signed them and when? */
static bool same_records(const struct rrset *a, const struct rrset *b)
{
	struct cur x = set_records(a), y = set_records(b);
	bool same = a->rrs == b->rrs;
	for (unsigned i = 0; same && i < a->rrs; i++)
		same = bytes_eq(next_rdata(&x), next_rdata(&y));
	return same;
}

/* The signed entry that holds at `at`: the newest, else the first one later. */
static const struct entry *holding(const struct dns_store *s, const struct entry *e, int64_t at)
{
	const struct entry *best = NULL;
	for (; e; e = after(s, e)) {
		if (!e->set->sigs)
			continue;
		bool later = e->ts > at, nearer = !best || (later ? e->ts < best->ts : e->ts > best->ts);
		if (!best || (later == (best->ts > at) ? nearer : !later))
			best = e;
	}
	return best;
}

bool dns_store_version(const struct dns_store *s, const struct dns_name *name, uint16_t type, int64_t at, bool later,
		       struct dns_version *v)
{
	const struct entry *all = entries(s, KEY_SET, name, type), *now = holding(s, all, at), *best = NULL;
	for (const struct entry *e = all; now && e; e = after(s, e)) {
		bool side = later ? e->ts > at && e->ts > now->ts : e->ts < now->ts;
		if (!e->set->sigs || !side || same_records(e->set, now->set))
			continue;
		if (!best || (later ? e->ts < best->ts : e->ts > best->ts))
			best = e;
	}
	if (!best)
		return false;
	*v = (struct dns_version){ .seen = best->ts, .dropped = best->dropped };
	for (const struct entry *e = all; e; e = after(s, e))
		if (e->ts < now->ts && same_records(e->set, best->set) && e->dropped > v->dropped)
			v->dropped = e->dropped;
	return true;
}

bool dns_store_since(const struct dns_store *s, const struct dns_name *name, uint16_t type, int64_t at, int64_t *since)
{
	const struct entry *all = entries(s, KEY_SET, name, type), *now = holding(s, all, at);
	if (!now || now->ts > at)
		return false;
	*since = now->ts;
	for (const struct entry *e = all; e; e = after(s, e))
		if (e->set->sigs && same_records(e->set, now->set) && e->ts < *since)
			*since = e->ts;
	for (const struct entry *e = all; e; e = after(s, e))
		if (!same_records(e->set, now->set) && e->ts > *since)
			return false;
	for (const struct entry *e = entries(s, KEY_ASKED, name, type); e; e = after(s, e))
		if (e->ts > *since && !dns_wire_failure(e->msg->rcode) && (!e->msg->refs || e->msg->ref[0].section != DNS_ANSWER))
			return false;
	return true;
}
