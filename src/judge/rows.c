/* rows: see rows.h. Knows nothing of what stands in a row behind its head. */
#include "judge/rows.h"

#include <stdlib.h>

bool rows_begin(struct rows *t, size_t size, size_t rows)
{
	*t = (struct rows){ .size = size, .sets = rows / ROWS_WAYS + 1 };
	t->at = calloc(t->sets * ROWS_WAYS, size);
	return t->at != NULL;
}

void rows_end(struct rows *t)
{
	free(t->at);
	t->at = NULL;
}

size_t rows_count(const struct rows *t)
{
	return t->sets * ROWS_WAYS;
}

struct row *rows_at(const struct rows *t, size_t i)
{
	return (struct row *)(void *)(t->at + i * t->size);
}

void *rows_find(const struct rows *t, uint64_t key)
{
	for (size_t i = 0; i < ROWS_WAYS; i++) {
		struct row *r = rows_at(t, key % t->sets * ROWS_WAYS + i);
		if (r->key == key)
			return r;
	}
	return NULL;
}

void *rows_take(struct rows *t, uint64_t key, int64_t now)
{
	struct row *r = rows_find(t, key);
	if (!r) {
		r = rows_at(t, key % t->sets * ROWS_WAYS);
		for (size_t i = 1; i < ROWS_WAYS && r->key; i++) {
			struct row *other = rows_at(t, key % t->sets * ROWS_WAYS + i);
			if (other->key == 0 || other->used < r->used)
				r = other;
		}
		t->evicted += r->key != 0;
		memset(r, 0, t->size);
		r->key = key;
	}
	r->used = now > r->used ? now : r->used;
	r->dirty = true;
	return r;
}

uint64_t rows_key(uint64_t before, struct bytes b)
{
	uint64_t h = before ? before : UINT64_C(14695981039346656037);
	for (size_t i = 0; i < b.n; i++)
		h = (h ^ b.p[i]) * UINT64_C(1099511628211);
	h = (h ^ 0xff) * UINT64_C(1099511628211); /* ab, c is not a, bc */
	return h ? h : 1;
}
