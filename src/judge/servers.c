/* servers: see servers.h. A hash table of addresses with chains through one fixed array; the keys come from validated answers
 * about domains that the operator chose, so the hash needs no secret. Owns its arrays; borrows what is known of domains. */
#include "judge/servers.h"

#include <stdlib.h>

/* SHARE: places of each domain, on the average */
enum { SHARE = 32, NONE = -1 };

struct server {
	struct addr address;
	int32_t next;
	uint32_t domain;
	uint8_t host;
};

/* used  in chains from bucket, or free, from free on
 * mine  of each domain: what servers_set was told last */
struct servers {
	size_t domains, buckets, places;
	struct server *at;
	int32_t *bucket, free;
	const struct posture **mine;
	uint64_t lost;
};

struct servers *servers_new(size_t domains)
{
	struct servers *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->domains = domains;
	s->places = domains * SHARE;
	for (s->buckets = 64; s->buckets < s->places; s->buckets *= 2)
		;
	s->at = calloc(s->places + 1, sizeof(s->at[0]));
	s->bucket = malloc(s->buckets * sizeof(s->bucket[0]));
	s->mine = calloc(domains + 1, sizeof(s->mine[0]));
	if (!s->at || !s->bucket || !s->mine) {
		servers_free(s);
		return NULL;
	}
	for (size_t i = 0; i < s->buckets; i++)
		s->bucket[i] = NONE;
	for (size_t i = 0; i < s->places; i++)
		s->at[i].next = i + 1 < s->places ? (int32_t)(i + 1) : NONE;
	s->free = s->places ? 0 : NONE;
	return s;
}

void servers_free(struct servers *s)
{
	if (!s)
		return;
	free(s->at);
	free(s->bucket);
	free(s->mine);
	free(s);
}

/* FNV-1a */
static size_t bucket_of(const struct servers *s, const struct addr *a)
{
	uint64_t h = UINT64_C(14695981039346656037);
	for (unsigned i = 0; i < sizeof(a->a); i++)
		h = (h ^ a->a[i]) * UINT64_C(1099511628211);
	return (size_t)(h ^ h >> 32) & (s->buckets - 1);
}

static bool same(const struct addr *a, const struct addr *b)
{
	return a->v == b->v && memcmp(a->a, b->a, sizeof(a->a)) == 0;
}

/* All addresses of domain i go. Its hosts may be others now, so every chain is asked. */
static void forget(struct servers *s, size_t i)
{
	for (size_t b = 0; b < s->buckets; b++)
		for (int32_t *link = &s->bucket[b]; *link != NONE;) {
			struct server *x = &s->at[*link];
			int32_t next = x->next, me = *link;
			if (x->domain != i) {
				link = &x->next;
				continue;
			}
			*link = next;
			x->next = s->free;
			s->free = me;
		}
}

static void add(struct servers *s, size_t domain, uint8_t host, const struct addr *a)
{
	size_t b = bucket_of(s, a);
	int32_t me = s->free;
	if (me == NONE) {
		s->lost++;
		return;
	}
	s->free = s->at[me].next;
	s->at[me] = (struct server){ .address = *a, .next = s->bucket[b], .domain = (uint32_t)domain, .host = host };
	s->bucket[b] = me;
}

void servers_set(struct servers *s, size_t i, const struct posture *p)
{
	if (i >= s->domains)
		return;
	if (s->mine[i])
		forget(s, i);
	s->mine[i] = p;
	for (unsigned h = 0; h < p->hosts; h++)
		for (unsigned k = 0; p->host[h].listed && p->host[h].secure && k < p->host[h].addresses; k++)
			add(s, i, (uint8_t)h, &p->host[h].address[k]);
}

void servers_known(const struct servers *s, const struct addr *server, struct known *out)
{
	for (int32_t at = s->bucket[bucket_of(s, server)]; at != NONE; at = s->at[at].next) {
		const struct server *x = &s->at[at];
		const struct posture *p = s->mine[x->domain];
		bool sure = p->signed_until && p->signed_until == p->looked;
		if (same(&x->address, server) && x->host < p->hosts)
			known_add(out, KNOWN_WATCHED, p->host[x->host].name, sure ? p->watch->domain : NULL);
	}
}

uint64_t servers_lost(const struct servers *s)
{
	return s->lost;
}
