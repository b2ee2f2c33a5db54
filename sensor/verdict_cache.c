/* verdict_cache: see verdict_cache.h. A hash table of entries of their own size, in two lists by last use: with data and
 * without. Each list is cut at its end when it is over its part of the budget. Its hash is keyed with random octets, for
 * names come from packets. */
#include "verdict_cache.h"

#include <stdlib.h>
#include <sys/random.h>

enum { BUCKETS = 1 << 15 };
enum { DATA, EMPTY, LISTS };

/* An answer without its unused room: octets holds name, canonname and why, each with its NUL, the lengths of the
 * records (u16 each), and the records. */
struct entry {
	struct entry *chain, *newer, *older;
	uint32_t hash, size;
	int64_t expires, as_of, from, until, sig_from, sig_until;
	uint32_t ttl, used;
	uint16_t type, rrs;
	uint8_t status, source, list;
	bool nxdomain, seen_later;
	uint8_t octets[];
};

struct list {
	struct entry *newest, *oldest;
	size_t octets, most;
};

struct verdict_cache {
	uint64_t key;
	struct list list[LISTS];
	struct verdict_cache_counts counts;
	struct entry *bucket[BUCKETS];
};

struct verdict_cache *verdict_cache_new(size_t budget)
{
	struct verdict_cache *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	if (getrandom(&c->key, sizeof(c->key), 0) != (ssize_t)sizeof(c->key))
		c->key = (uint64_t)(uintptr_t)c;
	c->list[DATA].most = budget - budget / 4;
	c->list[EMPTY].most = budget / 4;
	return c;
}

void verdict_cache_clear(struct verdict_cache *c)
{
	for (int i = 0; i < LISTS; i++) {
		for (struct entry *e = c->list[i].newest, *next; e; e = next) {
			next = e->older;
			free(e);
		}
		c->list[i] = (struct list){ .most = c->list[i].most };
	}
	memset(c->bucket, 0, sizeof(c->bucket));
	c->counts.entries = 0;
}

void verdict_cache_free(struct verdict_cache *c)
{
	if (c)
		verdict_cache_clear(c);
	free(c);
}

struct verdict_cache_counts verdict_cache_counts(const struct verdict_cache *c)
{
	struct verdict_cache_counts n = c->counts;
	n.octets = c->list[0].octets + c->list[1].octets;
	return n;
}

uint32_t verdict_cache_ttl(const struct answer *a, int64_t time)
{
	int64_t ttl = a->ttl, most = a->rrs ? CACHE_DATA_S : CACHE_DENIAL_S;
	switch ((enum dnsstatus)a->status) {
	case dnsstatus_secure:
	case dnsstatus_absent:
	case dnsstatus_insecure:
		if (a->sig_until && a->sig_until - time < ttl)
			ttl = a->sig_until - time;
		ttl = ttl < most ? ttl : most;
		return ttl > 0 ? (uint32_t)ttl : 0;
	case dnsstatus_bogus:
		return CACHE_BOGUS_S;
	case dnsstatus_failed:
		return CACHE_FAILED_S;
	case dnsstatus_incomplete:
	case dnsstatus_COUNT:
		break;
	}
	return 0;
}

static uint32_t hash_of(const struct verdict_cache *c, const char *name, uint16_t type)
{
	uint64_t h = c->key ^ type;
	for (; *name; name++) {
		h = (h ^ (uint8_t)*name) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return (uint32_t)(h ^ h >> 32);
}

static struct entry **find(struct verdict_cache *c, const char *name, uint16_t type, uint32_t hash)
{
	struct entry **at = &c->bucket[hash % BUCKETS];
	while (*at && ((*at)->hash != hash || (*at)->type != type || strcmp((const char *)(*at)->octets, name) != 0))
		at = &(*at)->chain;
	return at;
}

static void unlist(struct verdict_cache *c, struct entry *e)
{
	struct list *l = &c->list[e->list];
	*(e->newer ? &e->newer->older : &l->newest) = e->older;
	*(e->older ? &e->older->newer : &l->oldest) = e->newer;
}

static void enlist(struct verdict_cache *c, struct entry *e)
{
	struct list *l = &c->list[e->list];
	e->newer = NULL;
	e->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = e;
	l->newest = e;
}

static void drop(struct verdict_cache *c, struct entry **at)
{
	struct entry *e = *at;
	*at = e->chain;
	unlist(c, e);
	c->list[e->list].octets -= e->size;
	c->counts.entries--;
	free(e);
}

static void make_room(struct verdict_cache *c, struct list *l, size_t need)
{
	while (l->oldest && l->octets + need > l->most) {
		struct entry *e = l->oldest;
		drop(c, find(c, (const char *)e->octets, e->type, e->hash));
		c->counts.evicted++;
	}
}

static uint8_t *put_text(uint8_t *p, const char *text)
{
	size_t n = strlen(text) + 1;
	memcpy(p, text, n);
	return p + n;
}

static const uint8_t *get_text(const uint8_t *p, char *text)
{
	size_t n = strlen((const char *)p) + 1;
	memcpy(text, p, n);
	return p + n;
}

static void pack(struct entry *e, const struct answer *a)
{
	uint8_t *p = put_text(put_text(put_text(e->octets, a->name), a->canonname), a->why);
	for (unsigned i = 0; i < a->rrs; i++) {
		uint16_t n = (uint16_t)a->rr[i].n;
		memcpy(p, &n, sizeof(n));
		p += sizeof(n);
	}
	for (unsigned i = 0; i < a->rrs; i++) {
		struct bytes rr = answer_rr(a, i);
		memcpy(p, rr.p, rr.n);
		p += rr.n;
	}
	e->as_of = a->as_of, e->from = a->from, e->until = a->until;
	e->sig_from = a->sig_from, e->sig_until = a->sig_until;
	e->ttl = a->ttl, e->type = a->type, e->rrs = a->rrs, e->status = a->status, e->source = a->source;
	e->nxdomain = a->nxdomain, e->seen_later = a->seen_later;
}

static void unpack(const struct entry *e, struct answer *a)
{
	memset(a, 0, offsetof(struct answer, data));
	const uint8_t *p = get_text(get_text(get_text(e->octets, a->name), a->canonname), a->why);
	for (unsigned i = 0; i < e->rrs; i++) {
		uint16_t n;
		memcpy(&n, p, sizeof(n));
		p += sizeof(n);
		a->rr[i].off = a->used;
		a->rr[i].n = n;
		a->used += n;
	}
	memcpy(a->data, p, a->used);
	a->as_of = e->as_of, a->from = e->from, a->until = e->until;
	a->sig_from = e->sig_from, a->sig_until = e->sig_until;
	a->ttl = e->ttl, a->type = e->type, a->rrs = e->rrs, a->status = e->status, a->source = e->source;
	a->nxdomain = e->nxdomain, a->seen_later = e->seen_later;
}

bool verdict_cache_get(struct verdict_cache *c, const char *name, uint16_t type, int64_t now, struct answer *a)
{
	struct entry **at = find(c, name, type, hash_of(c, name, type)), *e = *at;
	if (!e || e->expires <= now) {
		if (e)
			drop(c, at);
		c->counts.misses++;
		return false;
	}
	unpack(e, a);
	unlist(c, e);
	enlist(c, e);
	c->counts.hits++;
	return true;
}

void verdict_cache_put(struct verdict_cache *c, const struct answer *a, uint32_t ttl, int64_t now)
{
	uint32_t hash = hash_of(c, a->name, a->type);
	struct entry **at = find(c, a->name, a->type, hash);
	unsigned list = a->rrs ? DATA : EMPTY;
	size_t size = sizeof(struct entry) + strlen(a->name) + strlen(a->canonname) + strlen(a->why) + 3 + a->rrs * 2u + a->used;
	if (*at)
		drop(c, at);
	if (ttl == 0)
		return;
	struct entry *e = size <= c->list[list].most ? malloc(size) : NULL;
	if (!e) {
		c->counts.refused++;
		return;
	}
	make_room(c, &c->list[list], size);
	*e = (struct entry){ .hash = hash, .size = (uint32_t)size, .expires = now + (int64_t)ttl * 1000, .list = (uint8_t)list };
	pack(e, a);
	e->chain = c->bucket[hash % BUCKETS];
	c->bucket[hash % BUCKETS] = e;
	c->list[list].octets += size;
	c->counts.entries++;
	enlist(c, e);
}
