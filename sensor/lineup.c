/* lineup: see lineup.h. What waits is a binary heap by end and id; what was there is a ring of ids with a hash over it. Ids are
 * compared whole: whoever makes two that only look alike to a hash must not make a session vanish. */
#include "lineup.h"

#include <stdlib.h>

enum { NONE = -1, BUCKETS = 2 * LINEUP_IDS };

/* A session that waits, in a piece of memory of its own size. */
struct waiting {
	int64_t end;
	uint64_t sequence;
	char id[LINEUP_ID + 1];
	size_t n;
	uint8_t record[];
};

struct sensor {
	char name[LINEUP_NAME];
	size_t n;
	int64_t latest;
};

struct known {
	char id[LINEUP_ID + 1];
	int next;                  /* of its bucket, or NONE */
};

struct lineup {
	struct lineup_budget budget;
	struct waiting **heap;
	size_t n, octets;
	int64_t watermark;         /* whoever ended before it has his turn */
	struct sensor sensor[LINEUP_SENSORS];
	size_t sensors;
	struct known *known;       /* a ring: LINEUP_IDS of them */
	int *bucket;
	uint64_t ids;              /* that came */
	struct lineup_counts count;
};

struct lineup *lineup_new(const struct lineup_budget *budget)
{
	struct lineup *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->budget = *budget;
	l->watermark = INT64_MIN;
	l->heap = calloc(budget->sessions + 1, sizeof(l->heap[0]));
	l->known = calloc(LINEUP_IDS, sizeof(l->known[0])); /* address space until it is used */
	l->bucket = malloc(BUCKETS * sizeof(l->bucket[0]));
	if (!l->heap || !l->known || !l->bucket) {
		lineup_free(l);
		return NULL;
	}
	for (size_t i = 0; i < BUCKETS; i++)
		l->bucket[i] = NONE;
	return l;
}

void lineup_free(struct lineup *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		free(l->heap[i]);
	free(l->heap);
	free(l->known);
	free(l->bucket);
	free(l);
}

/* ---- what was there ---- */

static void id_text(struct bytes id, char out[LINEUP_ID + 1])
{
	id = bytes_head(id, LINEUP_ID);
	memset(out, 0, LINEUP_ID + 1);
	if (id.n)
		memcpy(out, id.p, id.n);
}

static int *bucket_of(const struct lineup *l, const char id[LINEUP_ID + 1])
{
	uint64_t x = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < LINEUP_ID; i++)
		x = (x ^ (uint8_t)id[i]) * UINT64_C(1099511628211);
	return &l->bucket[(x ^ x >> 32) % BUCKETS];
}

static bool known(const struct lineup *l, const char id[LINEUP_ID + 1])
{
	for (int at = *bucket_of(l, id); at != NONE; at = l->known[at].next)
		if (memcmp(l->known[at].id, id, LINEUP_ID) == 0)
			return true;
	return false;
}

static void forget(struct lineup *l, int at)
{
	int *p = bucket_of(l, l->known[at].id);
	while (*p != at)
		p = &l->known[*p].next;
	*p = l->known[at].next;
}

bool lineup_knows(const struct lineup *l, struct bytes id)
{
	char text[LINEUP_ID + 1];
	id_text(id, text);
	return known(l, text);
}

bool lineup_again(struct lineup *l, struct bytes id)
{
	char text[LINEUP_ID + 1];
	const int at = (int)(l->ids % LINEUP_IDS);
	id_text(id, text);
	if (known(l, text))
		return true;
	if (l->ids >= LINEUP_IDS)
		forget(l, at);
	int *head = bucket_of(l, text);
	memcpy(l->known[at].id, text, sizeof(text));
	l->known[at].next = *head;
	*head = at;
	l->ids++;
	return false;
}

/* ---- the heap ---- */

static bool before(const struct waiting *a, const struct waiting *b)
{
	return a->end != b->end ? a->end < b->end : memcmp(a->id, b->id, LINEUP_ID) < 0;
}

static void swap(struct lineup *l, size_t a, size_t b)
{
	struct waiting *w = l->heap[a];
	l->heap[a] = l->heap[b];
	l->heap[b] = w;
}

static void rise(struct lineup *l, size_t at)
{
	for (; at && before(l->heap[at], l->heap[(at - 1) / 2]); at = (at - 1) / 2)
		swap(l, at, (at - 1) / 2);
}

static void sink(struct lineup *l, size_t at)
{
	for (size_t child; (child = 2 * at + 1) < l->n; at = child) {
		child += child + 1 < l->n && before(l->heap[child + 1], l->heap[child]);
		if (!before(l->heap[child], l->heap[at]))
			return;
		swap(l, at, child);
	}
}

/* ---- time ---- */

static struct sensor *sensor_of(struct lineup *l, struct bytes name)
{
	struct sensor *oldest = l->sensor;
	name = bytes_head(name, LINEUP_NAME);
	for (size_t i = 0; i < l->sensors; i++) {
		struct sensor *s = &l->sensor[i];
		if (s->n == name.n && (!name.n || memcmp(s->name, name.p, name.n) == 0))
			return s;
		oldest = s->latest < oldest->latest ? s : oldest;
	}
	l->count.sensors++;
	struct sensor *s = l->sensors < LINEUP_SENSORS ? &l->sensor[l->sensors++] : oldest;
	*s = (struct sensor){ .n = name.n, .latest = INT64_MIN };
	if (name.n)
		memcpy(s->name, name.p, name.n);
	return s;
}

/* a - b, as far as there are numbers; b is not less than 0 */
static int64_t less(int64_t a, int64_t b)
{
	int64_t r;
	return __builtin_sub_overflow(a, b, &r) ? INT64_MIN : r;
}

static void heard(struct lineup *l, struct sensor *from, int64_t end)
{
	int64_t newest = INT64_MIN, least = INT64_MAX;
	from->latest = end > from->latest ? end : from->latest;
	for (size_t i = 0; i < l->sensors; i++)
		newest = l->sensor[i].latest > newest ? l->sensor[i].latest : newest;
	for (size_t i = 0; i < l->sensors; i++)
		if (l->sensor[i].latest >= less(newest, l->budget.silent) && l->sensor[i].latest < least)
			least = l->sensor[i].latest;
	least = less(least, l->budget.lateness);
	l->watermark = least > l->watermark ? least : l->watermark;
}

static bool end_seen(const struct record *s)
{
	const int64_t how = record_get_num(s, F_cap_end, endhow_none);
	return how == endhow_fin || how == endhow_rst;
}

bool lineup_put(struct lineup *l, struct bytes sensor, const struct record *s)
{
	const size_t n = record_size(s);
	struct waiting *w = malloc(sizeof(*w) + n);
	if (!w)
		return false;
	*w = (struct waiting){ .end = record_get_num(s, F_event_end, 0), .n = n };
	w->sequence = (uint64_t)record_get_num(s, F_event_sequence, 0);
	id_text(record_get_str(s, F_event_id), w->id);
	memcpy(w->record, s, n);
	l->count.late += w->end < l->watermark && end_seen(s);
	l->heap[l->n++] = w;
	l->octets += n;
	rise(l, l->n - 1);
	heard(l, sensor_of(l, sensor), w->end);
	return true;
}

bool lineup_next(struct lineup *l, struct record *s)
{
	const bool full = l->n > l->budget.sessions || l->octets > l->budget.octets;
	if (l->n == 0 || (l->heap[0]->end >= l->watermark && !full))
		return false;
	struct waiting *w = l->heap[0];
	l->count.early += w->end >= l->watermark;
	memcpy(s, w->record, w->n);
	l->octets -= w->n;
	l->heap[0] = l->heap[--l->n];
	sink(l, 0);
	free(w);
	return true;
}

void lineup_end(struct lineup *l)
{
	for (size_t i = 0; i < l->n; i++)
		l->watermark = l->heap[i]->end >= l->watermark ? l->heap[i]->end + 1 : l->watermark;
}

uint64_t lineup_least(const struct lineup *l)
{
	uint64_t least = UINT64_MAX;
	for (size_t i = 0; i < l->n; i++)
		least = l->heap[i]->sequence < least ? l->heap[i]->sequence : least;
	return least;
}

struct lineup_counts lineup_counts(const struct lineup *l)
{
	struct lineup_counts c = l->count;
	c.waiting = l->n;
	return c;
}
