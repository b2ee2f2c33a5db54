/* lookups: see lookups.h. Two tables of fixed size and a queue; a walk over 256 places costs less than the smallest
 * DNS message. */
#include "lookups.h"

#include <stdlib.h>

enum { NOBODY = LOOKUPS };

/* One question; next in the queue of those that are answered. */
struct waiter {
	bool used, ready, gone;
	unsigned at, next;
	uint32_t source;
	uint64_t id;
	int64_t as_of;
};

struct lookups {
	unsigned waiting, first, last;  /* of the queue; NOBODY: it is empty */
	struct waiter waiter[LOOKUPS];
	struct looked_up lookup[LOOKUPS];
};

struct lookups *lookups_new(void)
{
	struct lookups *l = calloc(1, sizeof(*l));
	if (l)
		l->first = l->last = NOBODY;
	return l;
}

void lookups_free(struct lookups *l)
{
	free(l);
}

struct looked_up *lookups_at(struct lookups *l, unsigned at)
{
	return &l->lookup[at];
}

unsigned lookups_waiting(const struct lookups *l)
{
	return l->waiting;
}

/* Questions of source that have no answer yet. */
static unsigned open_of(const struct lookups *l, uint32_t source)
{
	unsigned n = 0;
	for (unsigned i = 0; i < LOOKUPS; i++)
		n += l->waiter[i].used && !l->waiter[i].ready && l->waiter[i].source == source;
	return n;
}

static unsigned find(const struct lookups *l, const struct question *q)
{
	unsigned i = 0;
	while (i < LOOKUPS) {
		const struct looked_up *x = &l->lookup[i];
		if (x->used && !x->done && x->type == q->type && strcmp(x->name, q->name) == 0)
			break;
		i++;
	}
	return i;
}

/* At most LOOKUPS wait and each lookup has somebody who waits, so there is a free one of both. */
static unsigned begin(struct lookups *l, const struct question *q)
{
	unsigned i = 0;
	while (l->lookup[i].used)
		i++;
	struct looked_up *x = &l->lookup[i];
	x->used = true;
	x->done = false;
	x->waiting = 0;
	x->type = q->type;
	memcpy(x->name, q->name, sizeof(x->name));
	return i;
}

static void wait_at(struct lookups *l, const struct question *q, unsigned at)
{
	struct waiter *w = l->waiter;
	while (w->used)
		w++;
	*w = (struct waiter){ .used = true, .at = at, .next = NOBODY, .source = q->source, .id = q->id,
			       .as_of = q->as_of };
	l->lookup[at].waiting++;
	l->waiting++;
}

enum lookups_put lookups_put(struct lookups *l, const struct question *q, unsigned *at)
{
	if (l->waiting == LOOKUPS)
		return LOOKUPS_FULL;
	if (q->source && open_of(l, q->source) >= LOOKUPS - l->waiting)
		return LOOKUPS_SHARE;
	unsigned i = find(l, q);
	bool merged = i < LOOKUPS;
	*at = merged ? i : begin(l, q);
	wait_at(l, q, *at);
	return merged ? LOOKUPS_MERGED : LOOKUPS_NEW;
}

void lookups_done(struct lookups *l, unsigned at)
{
	l->lookup[at].done = true;
	for (unsigned i = 0; i < LOOKUPS; i++) {
		struct waiter *w = &l->waiter[i];
		if (!w->used || w->ready || w->at != at)
			continue;
		w->ready = true;
		if (l->first == NOBODY)
			l->first = i;
		else
			l->waiter[l->last].next = i;
		l->last = i;
	}
}

void lookups_drop(struct lookups *l)
{
	for (unsigned i = 0; i < LOOKUPS; i++) {
		l->waiter[i].gone = true;
		l->waiter[i].source = 0;
	}
}

bool lookups_next(struct lookups *l, struct answer *a)
{
	while (l->first != NOBODY) {
		struct waiter *w = &l->waiter[l->first];
		struct looked_up *x = &l->lookup[w->at];
		l->first = w->next;
		w->used = false;
		l->waiting--;
		x->used = --x->waiting > 0;
		if (w->gone)
			continue;
		memcpy(a, &x->answer, answer_size(&x->answer));
		a->id = w->id;
		a->from = w->as_of;
		a->until = w->as_of + 1;
		return true;
	}
	return false;
}
