/* alerted: see alerted.h. Sets of four places; in a full one the oldest gives way. */
#include "alerted.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { WAYS = 4 };

struct place {
	uint64_t key, used;
	uint8_t level;
};

struct alerted {
	uint64_t seed, turn;
	size_t sets;
	struct place *place;
};

struct alerted *alerted_new(size_t places)
{
	struct alerted *a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->sets = places / WAYS + 1;
	a->place = calloc(a->sets * WAYS, sizeof(a->place[0]));
	if (!a->place || getrandom(&a->seed, sizeof(a->seed), 0) != sizeof(a->seed)) {
		alerted_free(a);
		return NULL;
	}
	return a;
}

void alerted_free(struct alerted *a)
{
	if (!a)
		return;
	free(a->place);
	free(a);
}

/* FNV-1a from a secret start: ids are hashes already. */
static uint64_t hash(uint64_t seed, struct bytes id)
{
	uint64_t h = seed ^ UINT64_C(14695981039346656037);
	for (size_t i = 0; i < id.n; i++)
		h = (h ^ id.p[i]) * UINT64_C(1099511628211);
	return h ? h : 1;
}

enum alerted_what alerted_tell(struct alerted *a, struct bytes incident, unsigned level)
{
	const uint64_t key = hash(a->seed, incident);
	struct place *set = a->place + key % a->sets * WAYS, *oldest = set;
	a->turn++;
	for (size_t i = 0; i < WAYS; i++) {
		struct place *p = &set[i];
		if (p->key == key) {
			bool risen = level > p->level;
			p->used = a->turn;
			p->level = (uint8_t)(risen ? level : p->level);
			return risen ? ALERTED_RISEN : ALERTED_BEFORE;
		}
		if (p->used < oldest->used)
			oldest = p;
	}
	*oldest = (struct place){ key, a->turn, (uint8_t)level };
	return ALERTED_NEW;
}
