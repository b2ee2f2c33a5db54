/* correlate: see correlate.h. Which sessions belong together, and when they are a finding. It does not know what a rule
 * or a finding means, has no clock and keeps no session longer than until its turn: what stays of one is its time, its
 * id and a hash of what was counted. All memory is taken by correlator_new.
 *
 * A group keeps as many marks as its condition can ask for, so a flood in one group costs nothing, and as many groups as
 * the budget says, so a flood of groups costs the quietest ones. Both happen in the order of session time, hence in the
 * same way live and offline. */
#include "judge/correlate.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { HASH = 16, NIL = -1, STATE_VERSION = 1 };

/* One session in a group. id of n octets; n 0: an empty place. */
struct mark {
	int64_t time;
	uint8_t value[HASH], n;
	char id[CORRELATE_ID];
};

/* newer, older  the list of a table, by when they were last touched
 * chain         the next of its bucket, or of the free ones
 * last          time of its latest session
 * quiet         nothing is found in it up to and with this time */
struct group {
	uint8_t key[HASH];
	int32_t newer, older, chain;
	int64_t last, quiet;
};

/* The groups of one correlation; group i has marks i * places and following.
 * print  what of the document the marks depend on: a state of another print is not taken over */
struct table {
	struct group *group;
	struct mark *mark;
	int32_t *bucket;
	uint32_t buckets, places;
	int32_t newest, oldest, spare;
	uint8_t print[HASH];
};

struct wait {
	int64_t time;
	struct record session;
};

/* heap     of the waiting ones, as indexes of wait: the earliest first; count of them, spare ones behind
 * mark     the watermark: nothing at or before it can come any more
 * done     time and id of the session that was taken last
 * turn     whose turn it is: heap[count] after it was taken; at: its next correlation and its next group there */
struct correlator {
	const struct rules *rules;
	struct correlate_budget budget;
	struct correlate_counts counts;
	struct table *table;
	struct wait *wait;
	uint32_t *heap, count;
	int64_t mark, done_time;
	char done[CORRELATE_ID];
	uint8_t done_n;
	bool turn, ended;
	size_t at, item;
};

/* SHA-256, cut; false: no memory in OpenSSL. */
static bool digest(struct bytes b, uint8_t out[HASH])
{
	uint8_t full[EVP_MAX_MD_SIZE];
	if (EVP_Digest(b.p, b.n, full, NULL, EVP_sha256(), NULL) != 1)
		return false;
	memcpy(out, full, HASH);
	return true;
}

/* How many marks a group needs at most. Of an ordered chain of m there is one chain for each length up to m. */
static uint32_t places_of(const struct correlation *k)
{
	switch ((enum correlate_type)k->type) {
	case CORRELATE_EVENTS:
	case CORRELATE_VALUES:
		return (k->most <= CORRELATE_COUNT ? k->most : k->least) + 1u;
	case CORRELATE_TEMPORAL:
		return k->members;
	case CORRELATE_ORDERED:
		return k->members * (k->members + 1u) / 2;
	}
	return 1;
}

static const struct rule *rule_of(const struct correlator *c, const struct correlation *k)
{
	return &c->rules->rule[k->rule];
}

static void print_of(const struct correlator *c, const struct correlation *k, uint8_t out[HASH])
{
	char buf[4096];
	struct text t = { buf, 0, sizeof(buf), false };
	text_put(&t, rule_of(c, k)->uuid);
	text_num(&t, k->type);
	for (unsigned m = 0; m < k->members; m++) {
		text_put(&t, " ");
		text_put(&t, c->rules->rule[k->member[m]].uuid);
		for (unsigned b = 0; b < k->bys; b++)
			text_num(&t, k->by[m][b]);
		text_num(&t, k->field[m]);
	}
	text_put(&t, " ");
	text_num(&t, places_of(k));
	text_put(&t, " ");
	text_num(&t, k->window);
	memset(out, 0, HASH);
	digest((struct bytes){ (const uint8_t *)buf, t.n }, out);
}

static void table_clear(struct table *t, uint32_t groups)
{
	t->newest = t->oldest = NIL;
	for (uint32_t i = 0; i < t->buckets; i++)
		t->bucket[i] = NIL;
	for (uint32_t i = 0; i < groups; i++)
		t->group[i].chain = i + 1 < groups ? (int32_t)(i + 1) : NIL;
	t->spare = 0;
}

static bool table_new(struct correlator *c, const struct correlation *k, struct table *t)
{
	uint32_t groups = c->budget.groups;
	t->places = places_of(k);
	t->buckets = groups;
	t->group = calloc(groups, sizeof(*t->group));
	t->mark = calloc((size_t)groups * t->places, sizeof(*t->mark));
	t->bucket = calloc(groups, sizeof(*t->bucket));
	if (!t->group || !t->mark || !t->bucket)
		return false;
	print_of(c, k, t->print);
	table_clear(t, groups);
	return true;
}

static void clear(struct correlator *c)
{
	for (size_t i = 0; i < c->rules->correlations; i++)
		table_clear(&c->table[i], c->budget.groups);
	for (uint32_t i = 0; i < c->budget.waiting; i++)
		c->heap[i] = i;
	c->count = 0;
	c->mark = c->done_time = INT64_MIN;
	c->done_n = 0;
}

struct correlator *correlator_new(const struct rules *rules, const struct correlate_budget *budget)
{
	struct correlator *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	assert(budget->groups > 0 && budget->groups < INT32_MAX && budget->waiting > 0 && budget->lateness >= 0);
	c->rules = rules;
	c->budget = *budget;
	c->table = calloc(rules->correlations + 1, sizeof(*c->table));
	c->wait = calloc(budget->waiting, sizeof(*c->wait));
	c->heap = calloc(budget->waiting, sizeof(*c->heap));
	bool ok = c->table && c->wait && c->heap;
	for (size_t i = 0; ok && i < rules->correlations; i++)
		ok = table_new(c, &rules->correlation[i], &c->table[i]);
	if (!ok) {
		correlator_free(c);
		return NULL;
	}
	clear(c);
	return c;
}

void correlator_free(struct correlator *c)
{
	if (!c)
		return;
	for (size_t i = 0; c->table && i < c->rules->correlations; i++) {
		free(c->table[i].group);
		free(c->table[i].mark);
		free(c->table[i].bucket);
	}
	free(c->table);
	free(c->wait);
	free(c->heap);
	free(c);
}

struct correlate_counts correlator_counts(const struct correlator *c)
{
	return c->counts;
}

/* Order of session time; of the same instant, that of the ids. */
static int order(int64_t at, struct bytes a, int64_t bt, struct bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	if (at != bt)
		return at < bt ? -1 : 1;
	int by = n ? memcmp(a.p, b.p, n) : 0;
	return by ? by : a.n < b.n ? -1 : a.n > b.n;
}

static bool before(const struct correlator *c, uint32_t i, uint32_t j)
{
	const struct wait *a = &c->wait[c->heap[i]], *b = &c->wait[c->heap[j]];
	return order(a->time, record_get_str(&a->session, F_event_id), b->time,
		     record_get_str(&b->session, F_event_id)) < 0;
}

static void swap(struct correlator *c, uint32_t i, uint32_t j)
{
	uint32_t t = c->heap[i];
	c->heap[i] = c->heap[j];
	c->heap[j] = t;
}

static void rise(struct correlator *c, uint32_t i)
{
	for (; i > 0 && before(c, i, (i - 1) / 2); i = (i - 1) / 2)
		swap(c, i, (i - 1) / 2);
}

/* Takes the earliest: it is heap[count] then. */
static void take(struct correlator *c)
{
	swap(c, 0, --c->count);
	for (uint32_t i = 0, kid; (kid = 2 * i + 1) < c->count; i = kid) {
		if (kid + 1 < c->count && before(c, kid + 1, kid))
			kid++;
		if (!before(c, kid, i))
			break;
		swap(c, i, kid);
	}
}

static bool wanted(const struct correlator *c, struct rule_scratch *s, const struct record *r)
{
	for (size_t i = 0; i < c->rules->correlations; i++) {
		const struct correlation *k = &c->rules->correlation[i];
		for (unsigned m = 0; rule_of(c, k)->enabled && m < k->members; m++)
			if (rule_matches(c->rules, s, &c->rules->rule[k->member[m]], r))
				return true;
	}
	return false;
}

static bool waits(const struct correlator *c, int64_t time, struct bytes id)
{
	for (uint32_t i = 0; i < c->count; i++) {
		const struct wait *w = &c->wait[c->heap[i]];
		if (w->time == time && bytes_eq(record_get_str(&w->session, F_event_id), id))
			return true;
	}
	return false;
}

void correlator_time(struct correlator *c, int64_t now)
{
	int64_t mark = now < INT64_MIN + c->budget.lateness ? INT64_MIN : now - c->budget.lateness;
	if (mark > c->mark)
		c->mark = mark;
}

void correlator_end(struct correlator *c)
{
	c->ended = true;
}

void correlator_push(struct correlator *c, struct rule_scratch *s, const struct record *r)
{
	struct bytes id = record_get_str(r, F_event_id);
	int64_t time = record_get_num(r, F_event_end, -1);
	assert(!c->turn && c->count < c->budget.waiting);
	if (id.n == 0 || id.n > CORRELATE_ID || time < 0) {
		c->counts.unfit++;
		return;
	}
	bool late = time < c->mark || order(time, id, c->done_time, (struct bytes){ (uint8_t *)c->done, c->done_n }) <= 0;
	correlator_time(c, time);
	if (!wanted(c, s, r))
		return;
	if (late) {
		c->counts.late++;
		return;
	}
	if (waits(c, time, id)) {
		c->counts.again++;
		return;
	}
	struct wait *w = &c->wait[c->heap[c->count]];
	w->time = time;
	memcpy(&w->session, r, record_size(r));
	rise(c, c->count++);
}

/* Is there a session whose turn has come? */
static bool turn(struct correlator *c)
{
	if (c->count == 0)
		return false;
	const struct wait *w = &c->wait[c->heap[0]];
	bool early = w->time >= c->mark && !c->ended;
	if (early && c->count < c->budget.waiting)
		return false;
	c->counts.early += early;
	struct bytes id = record_get_str(&w->session, F_event_id);
	c->done_time = w->time;
	c->done_n = (uint8_t)id.n;
	memcpy(c->done, id.p, id.n);
	take(c);
	c->turn = true;
	c->at = c->item = 0;
	return true;
}

static uint32_t slot_of(const struct table *t, const uint8_t key[HASH])
{
	uint32_t v;
	memcpy(&v, key, sizeof(v));
	return v % t->buckets;
}

static void unlist(struct table *t, int32_t i)
{
	struct group *g = &t->group[i];
	*(g->newer == NIL ? &t->newest : &t->group[g->newer].older) = g->older;
	*(g->older == NIL ? &t->oldest : &t->group[g->older].newer) = g->newer;
}

static void enlist(struct table *t, int32_t i)
{
	struct group *g = &t->group[i];
	g->newer = NIL;
	g->older = t->newest;
	*(t->newest == NIL ? &t->oldest : &t->group[t->newest].newer) = i;
	t->newest = i;
}

static int32_t find(const struct table *t, const uint8_t key[HASH])
{
	int32_t i = t->bucket[slot_of(t, key)];
	while (i != NIL && memcmp(t->group[i].key, key, HASH) != 0)
		i = t->group[i].chain;
	return i;
}

/* The group that was quiet longest goes; it is a loss when a session now could still have met one of its own. */
static void evict(struct correlator *c, const struct correlation *k, struct table *t, int64_t now)
{
	int32_t i = t->oldest, *at = &t->bucket[slot_of(t, t->group[i].key)];
	while (*at != i)
		at = &t->group[*at].chain;
	*at = t->group[i].chain;
	c->counts.evicted += t->group[i].last > now - k->window || t->group[i].quiet >= now;
	unlist(t, i);
	t->group[i].chain = t->spare;
	t->spare = i;
}

static int32_t group_new(struct table *t, const uint8_t key[HASH])
{
	int32_t i = t->spare, *bucket = &t->bucket[slot_of(t, key)];
	struct group *g = &t->group[i];
	t->spare = g->chain;
	memcpy(g->key, key, HASH);
	g->chain = *bucket;
	*bucket = i;
	g->last = g->quiet = INT64_MIN;
	memset(&t->mark[(size_t)i * t->places], 0, t->places * sizeof(t->mark[0]));
	enlist(t, i);
	return i;
}

static int32_t group_of(struct correlator *c, const struct correlation *k, struct table *t, const uint8_t key[HASH],
			int64_t now)
{
	int32_t i = find(t, key);
	if (i == NIL && t->spare == NIL)
		evict(c, k, t, now);
	if (i == NIL)
		return group_new(t, key);
	unlist(t, i);
	enlist(t, i);
	return i;
}

static bool fresh(const struct mark *m, const struct correlation *k, int64_t now)
{
	return m->n && m->time > now - k->window;
}

static bool same_id(const struct mark *a, const struct mark *b)
{
	return a->n == b->n && memcmp(a->id, b->id, a->n) == 0;
}

/* Marks in order of time: out of the window ones leave, one of the same value (or session) gives way, the new one comes
 * last; where there is no room the first leaves. */
static void count_mark(struct mark *m, uint32_t places, const struct correlation *k, const struct mark *add)
{
	bool values = k->type == CORRELATE_VALUES;
	uint32_t n = 0;
	for (uint32_t i = 0; i < places; i++) {
		bool again = values ? memcmp(m[i].value, add->value, HASH) == 0 : same_id(&m[i], add);
		if (fresh(&m[i], k, add->time) && !again)
			m[n++] = m[i];
	}
	if (n == places) {
		memmove(m, m + 1, (n - 1) * sizeof(*m));
		n--;
	}
	m[n++] = *add;
	memset(m + n, 0, (places - n) * sizeof(*m));
}

/* Chain of length l + 1 begins at place l (l + 1) / 2: the one that began last. Strictly one after the other in time. */
static void chain_mark(struct mark *m, const struct correlation *k, unsigned l, const struct mark *add)
{
	struct mark *chain = m + l * (l + 1) / 2, *prior = m + (l - 1) * l / 2;
	if (l == 0) {
		*chain = *add;
		return;
	}
	if (!fresh(prior, k, add->time) || prior[l - 1].time >= add->time)
		return;
	memmove(chain, prior, l * sizeof(*chain));
	chain[l] = *add;
}

static void add(struct mark *m, uint32_t places, const struct correlation *k, unsigned member, const struct mark *new)
{
	switch ((enum correlate_type)k->type) {
	case CORRELATE_EVENTS:
	case CORRELATE_VALUES:
		count_mark(m, places, k, new);
		break;
	case CORRELATE_TEMPORAL:
		m[member] = *new;
		break;
	case CORRELATE_ORDERED:
		chain_mark(m, k, member, new);
		break;
	}
}

/* Does the condition hold with the session at now as the last? *from, *n: the marks that say so. */
static bool holds(const struct mark *m, uint32_t places, const struct correlation *k, int64_t now, uint32_t *from,
		  uint32_t *n)
{
	*from = *n = 0;
	if (k->type == CORRELATE_ORDERED) {
		*n = k->members;
		*from = places - k->members;
		return fresh(&m[*from], k, now) && m[places - 1].time == now;
	}
	for (uint32_t i = 0; i < places; i++)
		*n += fresh(&m[i], k, now);
	if (k->type == CORRELATE_TEMPORAL)
		return *n == k->members;
	return *n >= k->least && *n <= k->most;
}

/* The text that names the item-th group of a session by a member's facts; false: there is none (more). */
static bool key_of(const struct correlation *k, unsigned member, const struct record *r, size_t item, uint8_t key[HASH])
{
	char buf[8192], values[4096];
	struct text t = { buf, 0, sizeof(buf), false };
	size_t most = 1;
	for (unsigned b = 0; b < k->bys; b++) {
		struct text v = { values, 0, sizeof(values), false };
		struct bytes out[CORRELATE_ITEMS];
		size_t n = rule_values(r, (enum fact)k->by[member][b], &v, out, CORRELATE_ITEMS);
		if (n == 0)
			return false;
		if (n > most)
			most = n;
		text_bytes(&t, out[item < n ? item : n - 1]);
		text_char(&t, '\0');
	}
	return item < most && !t.full && digest((struct bytes){ (const uint8_t *)buf, t.n }, key);
}

/* The session into its group, once for each rule of the correlation that it matches and each value that counts.
 * A chain is lengthened from its far end, so that one session is not two links of it. */
static int32_t join(struct correlator *c, struct rule_scratch *s, const struct correlation *k, struct table *t,
		    const struct wait *w, const uint8_t key[HASH], unsigned member, size_t item)
{
	struct bytes id = record_get_str(&w->session, F_event_id), out[CORRELATE_ITEMS];
	struct mark mark = { .time = w->time, .n = (uint8_t)id.n };
	int32_t g = NIL;
	memcpy(mark.id, id.p, id.n);
	for (unsigned m = k->members; m-- > 0;) {
		uint8_t own[HASH];
		char buf[4096];
		struct text v = { buf, 0, sizeof(buf), false };
		bool same = m == member || (key_of(k, m, &w->session, item, own) && memcmp(own, key, HASH) == 0);
		if (!same || !rule_matches(c->rules, s, &c->rules->rule[k->member[m]], &w->session))
			continue;
		size_t n = k->type == CORRELATE_VALUES ?
			   rule_values(&w->session, (enum fact)k->field[m], &v, out, CORRELATE_ITEMS) : 1;
		for (size_t i = 0; i < n; i++) {
			if (k->type == CORRELATE_VALUES && !digest(out[i], mark.value))
				continue;
			g = g == NIL ? group_of(c, k, t, key, w->time) : g;
			add(&t->mark[(size_t)g * t->places], t->places, k, m, &mark);
			t->group[g].last = w->time;
		}
	}
	return g;
}

static int by_time(const struct mark *a, const struct mark *b)
{
	return order(a->time, (struct bytes){ (const uint8_t *)a->id, a->n }, b->time,
		     (struct bytes){ (const uint8_t *)b->id, b->n });
}

/* The marks' sessions in order, each once. */
static void list(const struct mark *m, uint32_t places, const struct correlation *k, int64_t now, uint32_t from,
		 struct correlated *out)
{
	const struct mark *sorted[CORRELATE_COUNT + 1];
	size_t n = 0;
	for (uint32_t i = from; i < places && n < CORRELATE_COUNT + 1; i++) {
		size_t j = n;
		if (!fresh(&m[i], k, now))
			continue;
		for (; j > 0 && by_time(&m[i], sorted[j - 1]) < 0; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = &m[i];
		n++;
	}
	out->ids = 0;
	out->first = n ? sorted[0]->time : now;
	for (size_t i = 0; i < n; i++)
		if (i == 0 || !same_id(sorted[i], sorted[i - 1]))
			out->id[out->ids++] = (struct bytes){ (const uint8_t *)sorted[i]->id, sorted[i]->n };
}

static bool fire(struct correlator *c, struct rule_scratch *s, const struct correlation *k, struct table *t, int32_t g,
		 const struct wait *w, struct correlated *out)
{
	const struct rule *rule = rule_of(c, k);
	struct group *group = &t->group[g];
	const struct mark *m = &t->mark[(size_t)g * t->places];
	uint32_t from, n;
	if (!holds(m, t->places, k, w->time, &from, &n))
		return false;
	if (group->quiet >= w->time) {
		c->counts.suppressed++;
		return false;
	}
	for (uint32_t i = 0; i < rule->filters; i++)
		if (!rule_walk(c->rules, s, rule->filter[i]->start, &w->session))
			return false;
	int64_t quiet = rule->suppress_s ? (int64_t)rule->suppress_s * 1000000000 : k->window;
	group->quiet = w->time > INT64_MAX - quiet ? INT64_MAX : w->time + quiet;
	*out = (struct correlated){ .by = k, .session = &w->session };
	out->finding = rule_grade(c->rules, s, rule, &w->session);
	list(m, t->places, k, w->time, from, out);
	c->counts.fired++;
	return true;
}

/* One step of the session whose turn it is: member and item of one correlation. item counts both. */
static bool step(struct correlator *c, struct rule_scratch *s, const struct wait *w, struct correlated *out)
{
	const struct correlation *k = &c->rules->correlation[c->at];
	unsigned member = (unsigned)(c->item / CORRELATE_ITEMS);
	size_t item = c->item % CORRELATE_ITEMS;
	uint8_t key[HASH], other[HASH];
	if (member >= k->members || !rule_of(c, k)->enabled) {
		c->at++;
		c->item = 0;
		return false;
	}
	c->item++;
	bool there = rule_matches(c->rules, s, &c->rules->rule[k->member[member]], &w->session) &&
		     key_of(k, member, &w->session, item, key);
	if (!there) {
		c->item = (member + 1) * CORRELATE_ITEMS;
		return false;
	}
	for (unsigned m = 0; m < member; m++) /* an earlier member has put it there already */
		if (rule_matches(c->rules, s, &c->rules->rule[k->member[m]], &w->session) &&
		    key_of(k, m, &w->session, item, other) && memcmp(key, other, HASH) == 0)
			return false;
	int32_t g = join(c, s, k, &c->table[c->at], w, key, member, item);
	return g != NIL && fire(c, s, k, &c->table[c->at], g, w, out);
}

bool correlator_next(struct correlator *c, struct rule_scratch *s, struct correlated *out)
{
	while (c->turn || turn(c)) {
		const struct wait *w = &c->wait[c->heap[c->count]];
		while (c->at < c->rules->correlations)
			if (step(c, s, w, out))
				return true;
		c->turn = false;
	}
	return false;
}

/* The state as octets, big-endian: counted always, written while there is room. */
struct out {
	uint8_t *p;
	size_t n, cap;
};

static void put(struct out *o, const void *p, size_t n)
{
	if (n <= o->cap && o->n <= o->cap - n)
		memcpy(o->p + o->n, p, n);
	o->n += n;
}

static void put_num(struct out *o, uint64_t v, unsigned octets)
{
	uint8_t b[8];
	for (unsigned i = 0; i < octets; i++)
		b[i] = (uint8_t)(v >> 8 * (octets - 1 - i));
	put(o, b, octets);
}

static int64_t get_time(struct cur *c)
{
	uint64_t high = cur_u32(c);
	return (int64_t)(high << 32 | cur_u32(c));
}

static void put_table(struct out *o, const struct table *t)
{
	uint32_t n = 0;
	for (int32_t i = t->oldest; i != NIL; i = t->group[i].newer)
		n++;
	put(o, t->print, HASH);
	put_num(o, t->places, 1);
	put_num(o, n, 4);
	for (int32_t i = t->oldest; i != NIL; i = t->group[i].newer) {
		const struct group *g = &t->group[i];
		put(o, g->key, HASH);
		put_num(o, (uint64_t)g->last, 8);
		put_num(o, (uint64_t)g->quiet, 8);
		for (uint32_t j = 0; j < t->places; j++) {
			const struct mark *m = &t->mark[(size_t)i * t->places + j];
			put_num(o, m->n, 1);
			put_num(o, (uint64_t)m->time, 8);
			put(o, m->value, HASH);
			put(o, m->id, m->n);
		}
	}
}

static const char magic[8] = "mxwcorr";

size_t correlator_save(const struct correlator *c, uint8_t *p, size_t cap)
{
	struct out o = { p, 0, cap };
	assert(!c->turn);
	put(&o, magic, sizeof(magic));
	put_num(&o, STATE_VERSION, 1);
	put_num(&o, (uint64_t)c->mark, 8);
	put_num(&o, (uint64_t)c->done_time, 8);
	put_num(&o, c->done_n, 1);
	put(&o, c->done, c->done_n);
	put_num(&o, c->rules->correlations, 4);
	for (size_t i = 0; i < c->rules->correlations; i++)
		put_table(&o, &c->table[i]);
	put_num(&o, FACT_COUNT, 4);
	put_num(&o, c->count, 4);
	for (uint32_t i = 0; i < c->count; i++) {
		const struct record *r = &c->wait[c->heap[i]].session;
		put_num(&o, record_size(r), 4);
		put(&o, r, record_size(r));
	}
	return o.n;
}

static bool get_mark(struct cur *in, struct mark *m)
{
	*m = (struct mark){ .n = cur_u8(in) };
	m->time = get_time(in);
	struct bytes value = cur_take(in, HASH), id = cur_take(in, m->n);
	if (in->bad || m->n > CORRELATE_ID || (m->n && m->time < 0))
		return false;
	memcpy(m->value, value.p, HASH);
	if (id.n)
		memcpy(m->id, id.p, id.n);
	return true;
}

/* One group; t NULL: read past it. */
static bool get_group(struct cur *in, struct table *t, uint32_t places)
{
	struct bytes key = cur_take(in, HASH);
	int64_t last = get_time(in), quiet = get_time(in);
	struct mark mark;
	if (in->bad || (t && (find(t, key.p) != NIL || last < 0)))
		return false;
	int32_t g = t && t->spare != NIL ? group_new(t, key.p) : NIL;
	for (uint32_t j = 0; j < places; j++) {
		if (!get_mark(in, &mark))
			return false;
		if (g != NIL)
			t->mark[(size_t)g * places + j] = mark;
	}
	if (g != NIL) {
		t->group[g].last = last;
		t->group[g].quiet = quiet;
	}
	return true;
}

static bool get_table(struct correlator *c, struct cur *in)
{
	struct bytes print = cur_take(in, HASH);
	uint32_t places = cur_u8(in), n = cur_u32(in);
	struct table *t = NULL;
	for (size_t i = 0; !in->bad && i < c->rules->correlations; i++)
		if (memcmp(c->table[i].print, print.p, HASH) == 0)
			t = &c->table[i];
	if (t && (t->places != places || t->oldest != NIL))
		return false;
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		if (t && t->spare == NIL)
			evict(c, &c->rules->correlation[t - c->table], t, INT64_MAX);
		if (!get_group(in, t, places))
			return false;
	}
	return !in->bad;
}

static bool get_waiting(struct correlator *c, struct cur *in)
{
	bool same = cur_u32(in) == FACT_COUNT;
	uint32_t n = cur_u32(in);
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		struct bytes b = cur_take(in, cur_u32(in));
		if (!same || c->count + 1 >= c->budget.waiting) {
			c->counts.late++;
			continue;
		}
		struct wait *w = &c->wait[c->heap[c->count]];
		if (b.n > sizeof(w->session))
			return false;
		record_init(&w->session);
		memcpy(&w->session, b.p, b.n);
		if (!record_check(&w->session, b.n))
			return false;
		struct bytes id = record_get_str(&w->session, F_event_id);
		w->time = record_get_num(&w->session, F_event_end, -1);
		if (w->time < 0 || id.n == 0 || id.n > CORRELATE_ID || waits(c, w->time, id))
			return false;
		rise(c, c->count++);
	}
	return !in->bad && cur_left(in) == 0;
}

static bool get_all(struct correlator *c, struct cur *in)
{
	struct bytes start = cur_take(in, sizeof(magic));
	if (in->bad || memcmp(start.p, magic, sizeof(magic)) != 0 || cur_u8(in) != STATE_VERSION)
		return false;
	c->mark = get_time(in);
	c->done_time = get_time(in);
	c->done_n = cur_u8(in);
	struct bytes id = cur_take(in, c->done_n);
	if (in->bad || id.n > CORRELATE_ID)
		return false;
	if (id.n)
		memcpy(c->done, id.p, id.n);
	uint32_t n = cur_u32(in);
	for (uint32_t i = 0; i < n && !in->bad; i++)
		if (!get_table(c, in))
			return false;
	return get_waiting(c, in);
}

bool correlator_load(struct correlator *c, struct bytes state)
{
	struct cur in = cur_of(state);
	if (get_all(c, &in))
		return true;
	clear(c);
	return false;
}
