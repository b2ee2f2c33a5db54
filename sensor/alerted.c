/* alerted: see alerted.h. Sets of four places; in a full one the oldest gives way. A judge may end in the middle of any line:
 * a place that was half written has an event that never arrived, and is forgotten. */
#include "alerted.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

enum { WAYS = 4 };

/* What went out last. revision 0: nothing. */
struct last {
	uint8_t level;
	uint32_t revision;
};

/* told: with event; was: what had arrived before that. */
struct place {
	uint64_t key, used, event;
	struct last told, was;
};

struct alerted {
	uint64_t seed, turn, arrived;
	size_t sets, size;
	struct place place[];
};

struct alerted *alerted_new(size_t places)
{
	const size_t sets = places / WAYS + 1, size = sizeof(struct alerted) + sets * WAYS * sizeof(struct place);
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return NULL;
	struct alerted *a = shared;
	a->sets = sets;
	a->size = size;
	if (getrandom(&a->seed, sizeof(a->seed), 0) == sizeof(a->seed))
		return a;
	alerted_free(a);
	return NULL;
}

void alerted_free(struct alerted *a)
{
	if (a)
		munmap(a, a->size);
}

void alerted_begin(struct alerted *a)
{
	for (size_t i = 0; i < a->sets * WAYS; i++) {
		struct place *p = &a->place[i];
		if (p->event <= a->arrived)
			continue;
		if (p->was.revision == 0)
			*p = (struct place){ 0 };
		p->told = p->was;
		p->event = 0;
	}
}

/* FNV-1a from a secret start: ids are hashes already. */
static uint64_t hash(uint64_t seed, struct bytes id)
{
	uint64_t h = seed ^ UINT64_C(14695981039346656037);
	for (size_t i = 0; i < id.n; i++)
		h = (h ^ id.p[i]) * UINT64_C(1099511628211);
	return h ? h : 1;
}

/* The place of key; else NULL, and *oldest is the one to take. */
static struct place *find(struct alerted *a, uint64_t key, struct place **oldest)
{
	struct place *set = a->place + key % a->sets * WAYS;
	*oldest = set;
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].used < (*oldest)->used)
			*oldest = &set[i];
	}
	return NULL;
}

unsigned alerted_look(struct alerted *a, struct bytes incident, unsigned level, unsigned revision)
{
	struct place *oldest;
	const struct place *p = find(a, hash(a->seed, incident), &oldest);
	if (!p || p->told.revision < revision)
		return revision;
	return level > p->told.level ? p->told.revision + 1 : 0;
}

void alerted_told(struct alerted *a, struct bytes incident, unsigned level, unsigned revision, uint64_t event)
{
	const uint64_t key = hash(a->seed, incident);
	struct place *oldest, *p = find(a, key, &oldest);
	const struct last none = { 0, 0 }, before = p ? p->told : none;
	const struct last was = p && p->event > a->arrived ? p->was : before;
	if (!p)
		p = oldest;
	p->event = UINT64_MAX;
	p->was = was;
	p->key = key;
	p->used = ++a->turn;
	p->told = (struct last){ (uint8_t)(level > before.level ? level : before.level), revision };
	p->event = event;
}

void alerted_arrived(struct alerted *a, uint64_t event)
{
	if (event > a->arrived)
		a->arrived = event;
}
