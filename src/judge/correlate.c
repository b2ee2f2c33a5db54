/* correlate: see correlate.h. Which sessions belong together, and when they are a finding. It does not know what a rule
 * or a finding means, has no clock and keeps no session longer than until its turn: what stays of one is its time, its
 * id and a hash of what was counted. All memory is taken by correlator_new.
 *
 * The turn of a session: it joins its groups in all correlations; then it is told which of them hold for it
 * (mxwitness.correlation.holds), so that the exceptions of one may rest on another; then those that it completed are found.
 *
 * A group keeps as many marks as its condition can ask for, so a flood in one group costs nothing, and as many groups as
 * the budget says, so a flood of groups costs the quietest ones. Both happen in the order of session time, hence in the
 * same way live and offline. */
#include "judge/correlate.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "judge/kinship.h"

/* JOINS  groups that one session joins in all correlations together */
enum { HASH = CORRELATE_HASH, SHORT = 8, NIL = -1, STATE_VERSION = 2, JOINS = 512 };

/* One session in a group. id of n octets; n 0: an empty place.
 * value, apart  hashes of what is counted, or of that in which two rules differ
 * wire, seer    hashes of the connection, by its initial sequence numbers, and of the sensor; zeros: not known */
struct mark {
	int64_t time;
	uint8_t value[HASH], apart[HASH], wire[SHORT], seer[SHORT], n;
	char id[CORRELATE_ID];
};

/* newer, older  the list of a table, by when they were last touched
 * chain         the next of its bucket, or of the free ones: one more than its index; 0: none
 * last          time of its latest session
 * quiet         nothing is found in it up to and with this time
 * touch         when it was touched last, as a number that counts up */
struct group {
	uint8_t key[HASH];
	int32_t newer, older, chain;
	int64_t last, quiet;
	uint64_t touch;
	bool used, dirty;
};

/* The groups of one correlation; group i has marks i * places and following.
 * print  what of the document the marks depend on: a state of another print is not taken over
 * bucket, spare  as chain is: nothing of a table is written before it is needed
 * untouched      from this group on none was used yet
 * dirty  groups that changed since their rows were given out */
struct table {
	struct group *group;
	struct mark *mark;
	int32_t *bucket, spare;
	uint32_t *dirty, dirties;
	uint32_t buckets, places, used, untouched;
	int32_t newest, oldest;
	uint8_t print[HASH];
};

struct wait {
	int64_t time;
	bool used, dirty;
	struct record session;
};

/* A group that the session whose turn it is has joined. */
struct joined {
	uint32_t correlation;
	uint8_t key[HASH];
};

/* A finding that waits to be given out; id of its sessions. */
struct found {
	struct correlated out;
	struct mark mark[CORRELATE_COUNT + 1];
};

/* heap     of the waiting ones, as indexes of wait: the earliest first; count of them, spare ones behind
 * mark     the watermark: nothing at or before it can come any more
 * done     time and id of the session that was taken last
 * found    what the session whose turn it was, heap[count], has completed: given out from give on
 * layout   hash of the table of facts: a waiting session of another layout means something else */
struct correlator {
	const struct rules *rules;
	struct correlate_budget budget;
	struct correlate_counts counts;
	struct table *table;
	struct wait *wait;
	struct joined joined[JOINS];
	struct found *found;
	uint32_t *heap, count;
	int64_t mark, done_time;
	uint64_t touch;
	char done[CORRELATE_ID];
	uint8_t done_n, layout[HASH];
	bool ended, dirty;
	size_t joins, founds, give;
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

/* Chains of an ordered correlation of m rules: one of each length up to m. */
static uint32_t chains_of(const struct correlation *k)
{
	return k->members * (k->members + 1u) / 2;
}

/* Sessions of each rule of a temporal correlation that are remembered. */
static uint32_t sides_of(const struct correlation *k)
{
	return k->aparts ? CORRELATE_SIDES : 1;
}

/* How many marks a group needs at most. Behind the chains stands the latest session of each rule, for one that comes late. */
static uint32_t places_of(const struct correlation *k)
{
	switch ((enum correlate_type)k->type) {
	case CORRELATE_EVENTS:
	case CORRELATE_VALUES:
		return (k->most <= CORRELATE_COUNT ? k->most : k->least) + 1u;
	case CORRELATE_TEMPORAL:
		return k->members * sides_of(k);
	case CORRELATE_ORDERED:
		return chains_of(k) + k->members;
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
			text_put(&t, fact_table[k->by[m][b]].name);
		text_put(&t, fact_table[k->field[m]].name);
	}
	text_put(&t, " ");
	for (unsigned a = 0; a < k->aparts; a++)
		text_put(&t, fact_table[k->apart[a]].name);
	text_put(&t, " ");
	text_num(&t, places_of(k));
	text_put(&t, " ");
	text_num(&t, k->window);
	memset(out, 0, HASH);
	digest((struct bytes){ (const uint8_t *)buf, t.n }, out);
}

/* What a waiting session means depends on this. */
static void layout_of(uint8_t out[HASH])
{
	static const char *const kinds = "0123456789abcdefghijklmnop";
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t full[EVP_MAX_MD_SIZE] = { 0 };
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
	for (unsigned f = 0; ok && f < FACT_COUNT; f++)
		ok = EVP_DigestUpdate(ctx, fact_table[f].name, strlen(fact_table[f].name) + 1) == 1 &&
		     EVP_DigestUpdate(ctx, kinds + fact_table[f].type, 1) == 1;
	for (unsigned f = 0; ok && f < FACT_COUNT; f++)
		for (unsigned w = 0; ok && fact_table[f].words && fact_table[f].words[w]; w++)
			ok = EVP_DigestUpdate(ctx, fact_table[f].words[w], strlen(fact_table[f].words[w]) + 1) == 1;
	if (ok)
		EVP_DigestFinal_ex(ctx, full, NULL);
	EVP_MD_CTX_free(ctx);
	memcpy(out, full, HASH);
}

static bool table_new(struct correlator *c, const struct correlation *k, struct table *t)
{
	uint32_t groups = c->budget.groups;
	t->places = places_of(k);
	t->buckets = groups;
	t->group = calloc(groups, sizeof(*t->group));
	t->mark = calloc((size_t)groups * t->places, sizeof(*t->mark));
	t->bucket = calloc(groups, sizeof(*t->bucket));
	t->dirty = calloc(groups, sizeof(*t->dirty));
	if (!t->group || !t->mark || !t->bucket || !t->dirty)
		return false;
	print_of(c, k, t->print);
	t->newest = t->oldest = NIL;
	return true;
}

static void clear(struct correlator *c)
{
	for (uint32_t i = 0; i < c->budget.waiting; i++)
		c->heap[i] = i;
	c->mark = c->done_time = INT64_MIN;
	c->done_n = 0;
}

size_t correlator_memory(const struct rules *rules, const struct correlate_budget *budget)
{
	size_t n = sizeof(struct correlator) + (rules->correlations + 1) * sizeof(struct found) +
		   (size_t)budget->waiting * (sizeof(struct wait) + sizeof(uint32_t));
	for (size_t i = 0; i < rules->correlations; i++)
		n += (size_t)budget->groups * (sizeof(struct group) + sizeof(int32_t) + sizeof(uint32_t) +
					       places_of(&rules->correlation[i]) * sizeof(struct mark));
	return n;
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
	c->found = calloc(rules->correlations + 1, sizeof(*c->found));
	bool ok = c->table && c->wait && c->heap && c->found;
	for (size_t i = 0; ok && i < rules->correlations; i++)
		ok = table_new(c, &rules->correlation[i], &c->table[i]);
	if (!ok) {
		correlator_free(c);
		return NULL;
	}
	clear(c);
	layout_of(c->layout);
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
		free(c->table[i].dirty);
	}
	free(c->table);
	free(c->wait);
	free(c->heap);
	free(c->found);
	free(c);
}

struct correlate_counts correlator_counts(const struct correlator *c)
{
	struct correlate_counts n = c->counts;
	n.waiting = c->count;
	for (size_t i = 0; i < c->rules->correlations; i++)
		n.groups += c->table[i].used;
	return n;
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
	if (mark <= c->mark)
		return;
	c->mark = mark;
	c->dirty = true;
}

void correlator_end(struct correlator *c)
{
	c->ended = true;
}

void correlator_push(struct correlator *c, struct rule_scratch *s, const struct record *r)
{
	struct bytes id = record_get_str(r, F_event_id);
	int64_t time = record_get_num(r, F_event_end, -1);
	assert(c->give == c->founds && c->count < c->budget.waiting);
	if (id.n == 0 || id.n > CORRELATE_ID || time < 0) {
		c->counts.unfit++;
		return;
	}
	bool late = time < c->mark || order(time, id, c->done_time, (struct bytes){ (uint8_t *)c->done, c->done_n }) <= 0;
	correlator_time(c, time);
	if (!wanted(c, s, r))
		return;
	if (waits(c, time, id)) {
		c->counts.again++;
		return;
	}
	struct wait *w = &c->wait[c->heap[c->count]];
	w->time = time;
	w->used = w->dirty = c->dirty = true;
	memcpy(&w->session, r, record_size(r));
	rise(c, c->count++);
	c->counts.late += late;
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
	if (order(w->time, id, c->done_time, (struct bytes){ (uint8_t *)c->done, c->done_n }) > 0) {
		c->done_time = w->time;
		c->done_n = (uint8_t)id.n;
		memcpy(c->done, id.p, id.n);
	}
	take(c);
	c->wait[c->heap[c->count]].used = false;
	c->wait[c->heap[c->count]].dirty = c->dirty = true;
	return true;
}

static uint32_t slot_of(const struct table *t, const uint8_t key[HASH])
{
	uint32_t v;
	memcpy(&v, key, sizeof(v));
	return v % t->buckets;
}

static void touched(struct table *t, int32_t i)
{
	if (!t->group[i].dirty)
		t->dirty[t->dirties++] = (uint32_t)i;
	t->group[i].dirty = true;
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
	int32_t i = t->bucket[slot_of(t, key)] - 1;
	while (i != NIL && memcmp(t->group[i].key, key, HASH) != 0)
		i = t->group[i].chain - 1;
	return i;
}

/* The group that was quiet longest goes; it is a loss when a session now could still have met one of its own. */
static void evict(struct correlator *c, const struct correlation *k, struct table *t, int64_t now)
{
	int32_t i = t->oldest, *at = &t->bucket[slot_of(t, t->group[i].key)];
	while (*at != i + 1)
		at = &t->group[*at - 1].chain;
	*at = t->group[i].chain;
	c->counts.evicted += t->group[i].last > now - k->window || t->group[i].quiet >= now;
	unlist(t, i);
	touched(t, i);
	t->group[i].used = false;
	t->group[i].chain = t->spare;
	t->spare = i + 1;
	t->used--;
}

static int32_t group_new(struct table *t, const uint8_t key[HASH])
{
	int32_t i = t->spare ? t->spare - 1 : (int32_t)t->untouched, *bucket = &t->bucket[slot_of(t, key)];
	struct group *g = &t->group[i];
	if (t->spare)
		t->spare = g->chain;
	else
		t->untouched++;
	memcpy(g->key, key, HASH);
	g->chain = *bucket;
	*bucket = i + 1;
	g->last = g->quiet = INT64_MIN;
	g->used = true;
	t->used++;
	touched(t, i);
	memset(&t->mark[(size_t)i * t->places], 0, t->places * sizeof(t->mark[0]));
	enlist(t, i);
	return i;
}

static int32_t group_of(struct correlator *c, const struct correlation *k, struct table *t, const uint8_t key[HASH],
			int64_t now)
{
	int32_t i = find(t, key);
	if (i == NIL && !t->spare && t->untouched == c->budget.groups)
		evict(c, k, t, now);
	if (i == NIL) {
		i = group_new(t, key);
	} else {
		unlist(t, i);
		enlist(t, i);
		touched(t, i);
	}
	t->group[i].touch = ++c->touch;
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

/* One connection as two sensors saw it. */
static bool twins(const struct mark *a, const struct mark *b)
{
	static const uint8_t none[SHORT];
	return a->n && b->n && memcmp(a->wire, none, SHORT) != 0 && memcmp(a->wire, b->wire, SHORT) == 0 &&
	       memcmp(a->seer, b->seer, SHORT) != 0;
}

/* Is that what the rule is about? */
static bool compares(const struct correlation *k)
{
	bool is = false;
	for (unsigned b = 0; b < k->bys; b++)
		is |= k->by[0][b] == F_tcp_isn;
	for (unsigned a = 0; a < k->aparts; a++)
		is |= k->apart[a] == F_observer_name;
	return is;
}

/* Are they alike in one of the two facts in which they must differ, or the same connection? */
static bool kin(const struct mark *a, const struct correlation *k, const struct mark *b)
{
	if (k->type != CORRELATE_VALUES)
		return false;
	return (k->aparts && (memcmp(a->value, b->value, HASH) == 0 || memcmp(a->apart, b->apart, HASH) == 0)) ||
	       (!compares(k) && twins(a, b));
}

/* Marks in order of time: out of the window ones leave, those of the same value (or session) give way, the new one comes
 * last; where there is no room the first leaves. With a second fact to differ in, who is like one that is there in one of
 * the two is not counted, so that what is there differs in both, each from each. */
static void count_mark(struct mark *m, uint32_t places, const struct correlation *k, const struct mark *add)
{
	bool values = k->type == CORRELATE_VALUES, related = false;
	uint32_t n = 0;
	for (uint32_t i = 0; i < places; i++) {
		bool again = values ? memcmp(m[i].value, add->value, HASH) == 0 && memcmp(m[i].apart, add->apart, HASH) == 0 :
			     same_id(&m[i], add) || (!compares(k) && twins(&m[i], add));
		related |= fresh(&m[i], k, add->time) && !again && kin(&m[i], k, add);
		if (fresh(&m[i], k, add->time) && !again)
			m[n++] = m[i];
	}
	if (n == places && !related) {
		memmove(m, m + 1, (n - 1) * sizeof(*m));
		n--;
	}
	if (!related)
		m[n++] = *add;
	memset(m + n, 0, (places - n) * sizeof(*m));
}

static void newest(struct mark *m, const struct mark *add)
{
	if (!m->n || m->time <= add->time)
		*m = *add;
}

static bool alike(const struct mark *a, const struct mark *b)
{
	return a->n && b->n && memcmp(a->apart, b->apart, HASH) == 0 && memcmp(a->value, b->value, HASH) == 0;
}

/* Of the places of one side: that of who is alike, else one that is free, else that of the earliest. */
static void newest_of_side(struct mark *m, const struct mark *add)
{
	struct mark *to = m;
	for (struct mark *i = m; i < m + CORRELATE_SIDES; i++) {
		if (alike(i, add)) {
			newest(i, add);
			return;
		}
		if (to->n && (!i->n || i->time < to->time))
			to = i;
	}
	if (!to->n || to->time <= add->time)
		*to = *add;
}

/* The latest sessions of all rules, if they stand in the right order: what a late one was missing for. */
static void chain_late(struct mark *m, const struct correlation *k)
{
	struct mark *last = m + chains_of(k), *chain = last - k->members;
	for (unsigned i = 0; i < k->members; i++)
		if (!last[i].n || (i && (last[i - 1].time >= last[i].time || twins(&last[i - 1], &last[i]))))
			return;
	if (last[0].time > last[k->members - 1].time - k->window && chain[k->members - 1].time < last[k->members - 1].time)
		memmove(chain, last, k->members * sizeof(*chain));
}

/* Chain of length l + 1 begins at place l (l + 1) / 2: the one that began last. Strictly one after the other in time. */
static void chain_mark(struct mark *m, const struct correlation *k, unsigned l, const struct mark *add)
{
	struct mark *chain = m + l * (l + 1) / 2, *prior = m + (l - 1) * l / 2;
	newest(&m[chains_of(k) + l], add);
	if (l == 0) {
		newest(chain, add);
	} else if (fresh(prior, k, add->time) && prior[l - 1].time < add->time && chain[l].time <= add->time &&
		   !twins(&prior[l - 1], add)) {
		memmove(chain, prior, l * sizeof(*chain));
		chain[l] = *add;
	}
	if (l + 1u < k->members)
		chain_late(m, k);
}

static void add(struct mark *m, uint32_t places, const struct correlation *k, unsigned member, const struct mark *new)
{
	switch ((enum correlate_type)k->type) {
	case CORRELATE_EVENTS:
	case CORRELATE_VALUES:
		count_mark(m, places, k, new);
		break;
	case CORRELATE_TEMPORAL:
		if (k->aparts)
			newest_of_side(&m[member * sides_of(k)], new);
		else
			newest(&m[member], new);
		break;
	case CORRELATE_ORDERED:
		chain_mark(m, k, member, new);
		break;
	}
}

/* Has the other side something of what this one has? */
static bool shared(const struct mark *one, const struct mark *others, const struct correlation *k, int64_t now)
{
	bool is = false;
	for (uint32_t i = 0; i < CORRELATE_SIDES; i++)
		is |= fresh(&others[i], k, now) && (memcmp(one->apart, others[i].apart, HASH) == 0 ||
						    (k->aparts > 1 && memcmp(one->value, others[i].value, HASH) == 0));
	return is;
}

/* Has each side one that the other has nothing of? */
static bool sides_hold(const struct mark *m, const struct correlation *k, int64_t now)
{
	bool own[2] = { false, false };
	for (uint32_t i = 0; i < 2 * CORRELATE_SIDES; i++)
		own[i / CORRELATE_SIDES] |= fresh(&m[i], k, now) &&
					    !shared(&m[i], i < CORRELATE_SIDES ? m + CORRELATE_SIDES : m, k, now);
	return own[0] && own[1];
}

static bool twins_among(const struct mark *m, uint32_t n)
{
	bool are = false;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < i; j++)
			are |= twins(&m[i], &m[j]);
	return are;
}

/* Does the condition hold with the session at now as the last? *from, *n: the marks that say so. */
static bool holds(const struct mark *m, uint32_t places, const struct correlation *k, int64_t now, uint32_t *from,
		  uint32_t *n)
{
	*from = *n = 0;
	if (k->type == CORRELATE_ORDERED) {
		*n = k->members;
		*from = chains_of(k) - k->members;
		return fresh(&m[*from], k, now) && m[*from + *n - 1].n > 0;
	}
	for (uint32_t i = 0; i < places; i++)
		*n += fresh(&m[i], k, now);
	if (k->type == CORRELATE_TEMPORAL && k->aparts)
		return sides_hold(m, k, now);
	if (k->type == CORRELATE_TEMPORAL)
		return *n == k->members && !twins_among(m, k->members);
	return *n >= k->least && *n <= k->most;
}

/* An address that is somebody else's elsewhere goes with the name of its sensor. */
static void put_sensor(struct text *t, const struct record *r, uint16_t fact)
{
	enum fact f = fact == F_corr_clients ? F_src_ip : fact == F_corr_network ? F_dst_ip : (enum fact)fact;
	struct addr a;
	if (fact_table[f].type != T_IP || !record_get_addr(r, f, &a) || !kinship_local(&a))
		return;
	text_char(t, '%');
	text_bytes(t, record_get_str(r, F_observer_name));
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
		put_sensor(&t, r, k->by[member][b]);
		text_char(&t, '\0');
	}
	return item < most && !t.full && digest((struct bytes){ (const uint8_t *)buf, t.n }, key);
}

/* The hash of a fact's first value; false: it has none. */
static bool value_of(const struct record *r, uint16_t fact, uint8_t out[HASH])
{
	char buf[4096];
	struct text v = { buf, 0, sizeof(buf), false };
	struct bytes value;
	return rule_values(r, (enum fact)fact, &v, &value, 1) == 1 && digest(value, out);
}

static void short_of(const struct record *r, enum fact f, uint8_t out[SHORT])
{
	uint8_t whole[HASH] = { 0 };
	value_of(r, (uint16_t)f, whole);
	memcpy(out, whole, SHORT);
}

/* The session as a member into the group of this key, once for each value that counts. */
static void join(struct correlator *c, size_t at, unsigned member, const struct wait *w, const uint8_t key[HASH])
{
	const struct correlation *k = &c->rules->correlation[at];
	struct table *t = &c->table[at];
	struct bytes id = record_get_str(&w->session, F_event_id), out[CORRELATE_ITEMS];
	struct mark mark = { .time = w->time, .n = (uint8_t)id.n };
	char buf[4096];
	struct text v = { buf, 0, sizeof(buf), false };
	size_t n = k->type == CORRELATE_VALUES ?
		   rule_values(&w->session, (enum fact)k->field[member], &v, out, CORRELATE_ITEMS) : 1;
	if (n == 0 || (k->aparts && !value_of(&w->session, k->apart[0], mark.apart)) ||
	    (k->aparts > 1 && !value_of(&w->session, k->apart[1], mark.value)))
		return;
	memcpy(mark.id, id.p, id.n);
	short_of(&w->session, F_tcp_isn, mark.wire);
	short_of(&w->session, F_observer_name, mark.seer);
	int32_t g = group_of(c, k, t, key, w->time);
	for (size_t i = 0; i < n; i++)
		if (k->type != CORRELATE_VALUES || digest(out[i], mark.value))
			add(&t->mark[(size_t)g * t->places], t->places, k, member, &mark);
	if (t->group[g].last < w->time)
		t->group[g].last = w->time;
	size_t j = 0;
	while (j < c->joins && (c->joined[j].correlation != at || memcmp(c->joined[j].key, key, HASH) != 0))
		j++;
	if (j < c->joins || c->joins == JOINS)
		return;
	c->joined[c->joins].correlation = (uint32_t)at;
	memcpy(c->joined[c->joins++].key, key, HASH);
}

/* A chain is lengthened from its far end, so that one session is not two links of it. */
static void join_all(struct correlator *c, struct rule_scratch *s, const struct wait *w)
{
	uint8_t key[HASH];
	c->joins = 0;
	for (size_t at = 0; at < c->rules->correlations; at++) {
		const struct correlation *k = &c->rules->correlation[at];
		if (!rule_of(c, k)->enabled)
			continue;
		for (unsigned m = k->members; m-- > 0;) {
			if (!rule_matches(c->rules, s, &c->rules->rule[k->member[m]], &w->session))
				continue;
			for (size_t item = 0; item < CORRELATE_ITEMS && key_of(k, m, &w->session, item, key); item++)
				join(c, at, m, w, key);
		}
	}
}

static int by_time(const struct mark *a, const struct mark *b)
{
	return order(a->time, (struct bytes){ (const uint8_t *)a->id, a->n }, b->time,
		     (struct bytes){ (const uint8_t *)b->id, b->n });
}

/* The marks' sessions in order, each once. */
static void list(const struct mark *m, uint32_t places, const struct correlation *k, int64_t now, uint32_t from,
		 struct found *f)
{
	const struct mark *sorted[CORRELATE_COUNT + 1];
	size_t n = 0;
	places = k->type == CORRELATE_ORDERED ? from + k->members : places;
	for (uint32_t i = from; i < places && n < CORRELATE_COUNT + 1; i++) {
		size_t j = n;
		if (!fresh(&m[i], k, now))
			continue;
		for (; j > 0 && by_time(&m[i], sorted[j - 1]) < 0; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = &m[i];
		n++;
	}
	f->out.ids = 0;
	f->out.first = n ? sorted[0]->time : now;
	for (size_t i = 0; i < n; i++)
		if (i == 0 || !same_id(sorted[i], sorted[i - 1]))
			f->mark[f->out.ids++] = *sorted[i];
}

/* Which correlations hold for this session: in a group that it is in, or would be by the facts of a member. */
static bool holds_for(const struct correlator *c, size_t at, const struct wait *w)
{
	const struct correlation *k = &c->rules->correlation[at];
	const struct table *t = &c->table[at];
	uint8_t key[HASH];
	uint32_t from, n;
	for (unsigned m = 0; m < k->members; m++)
		for (size_t item = 0; item < CORRELATE_ITEMS && key_of(k, m, &w->session, item, key); item++) {
			int32_t g = find(t, key);
			if (g != NIL && holds(&t->mark[(size_t)g * t->places], t->places, k, w->time, &from, &n))
				return true;
		}
	return false;
}

static void tell(struct correlator *c, struct wait *w)
{
	record_unset(&w->session, F_corr_holds);
	for (size_t at = 0; at < c->rules->correlations; at++)
		if (rule_of(c, &c->rules->correlation[at])->enabled && holds_for(c, at, w))
			record_add_cstr(&w->session, F_corr_holds, rule_of(c, &c->rules->correlation[at])->name);
}

static bool excepted(struct correlator *c, struct rule_scratch *s, const struct rule *rule, const struct record *r)
{
	for (uint32_t i = 0; i < rule->filters; i++)
		if (!rule_walk(c->rules, s, rule->filter[i]->start, r))
			return true;
	return false;
}

/* Of two of one finding id the surest stands, with the higher level. */
static void keep(struct correlator *c, struct found *f)
{
	for (size_t i = 0; i < c->founds; i++) {
		struct found *have = &c->found[i];
		if (have->out.finding.rule->finding_at != f->out.finding.rule->finding_at)
			continue;
		uint8_t level = have->out.finding.level > f->out.finding.level ? have->out.finding.level : f->out.finding.level;
		if (f->out.finding.certainty > have->out.finding.certainty)
			*have = *f;
		have->out.finding.level = level;
		return;
	}
	if (f != &c->found[c->founds])
		c->found[c->founds] = *f;
	c->founds++;
}

/* Is this session one of those that make it hold? */
static bool concerns(const struct mark *m, uint32_t places, const struct correlation *k, const struct wait *w, uint32_t from)
{
	struct bytes id = record_get_str(&w->session, F_event_id);
	places = k->type == CORRELATE_ORDERED ? from + k->members : places;
	for (uint32_t i = from; i < places; i++)
		if (bytes_eq((struct bytes){ (const uint8_t *)m[i].id, m[i].n }, id))
			return true;
	return false;
}

static void fire(struct correlator *c, struct rule_scratch *s, const struct joined *j, struct wait *w)
{
	const struct correlation *k = &c->rules->correlation[j->correlation];
	const struct rule *rule = rule_of(c, k);
	struct table *t = &c->table[j->correlation];
	int32_t g = find(t, j->key);
	struct found *f = &c->found[c->rules->correlations];
	uint32_t from, n;
	if (g == NIL || rule->part)
		return;
	struct group *group = &t->group[g];
	const struct mark *m = &t->mark[(size_t)g * t->places];
	if (!holds(m, t->places, k, group->last, &from, &n) || !concerns(m, t->places, k, w, from) ||
	    excepted(c, s, rule, &w->session))
		return;
	if (group->quiet >= group->last) {
		c->counts.suppressed++;
		return;
	}
	int64_t quiet = rule->suppress_s ? (int64_t)rule->suppress_s * 1000000000 : k->window;
	group->quiet = group->last > INT64_MAX - quiet ? INT64_MAX : group->last + quiet;
	f->out = (struct correlated){ .by = k, .session = &w->session };
	memcpy(f->out.group, j->key, HASH);
	f->out.finding = rule_grade(c->rules, s, rule, &w->session);
	list(m, t->places, k, group->last, from, f);
	c->counts.fired++;
	keep(c, f);
}

bool correlator_next(struct correlator *c, struct rule_scratch *s, struct correlated *out)
{
	while (c->give == c->founds) {
		c->give = c->founds = 0;
		if (!turn(c))
			return false;
		struct wait *w = &c->wait[c->heap[c->count]];
		join_all(c, s, w);
		tell(c, w);
		for (size_t i = 0; i < c->joins; i++)
			fire(c, s, &c->joined[i], w);
	}
	const struct found *f = &c->found[c->give++];
	*out = f->out;
	for (size_t i = 0; i < out->ids; i++)
		out->id[i] = (struct bytes){ (const uint8_t *)f->mark[i].id, f->mark[i].n };
	return true;
}

/* A row's octets, big-endian: counted always, written while there is room. */
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

static void put_state(const struct correlator *c, struct out *o)
{
	put_num(o, STATE_VERSION, 1);
	put_num(o, (uint64_t)c->mark, 8);
	put_num(o, (uint64_t)c->done_time, 8);
	put_num(o, c->done_n, 1);
	put(o, c->done, c->done_n);
}

static void put_group(const struct table *t, uint32_t i, struct out *o)
{
	const struct group *g = &t->group[i];
	put_num(o, STATE_VERSION, 1);
	put(o, g->key, HASH);
	put_num(o, (uint64_t)g->last, 8);
	put_num(o, (uint64_t)g->quiet, 8);
	put_num(o, g->touch, 8);
	put_num(o, t->places, 2);
	for (uint32_t j = 0; j < t->places; j++) {
		const struct mark *m = &t->mark[(size_t)i * t->places + j];
		put_num(o, m->n, 1);
		if (m->n == 0)
			continue;
		put_num(o, (uint64_t)m->time, 8);
		put(o, m->value, HASH);
		put(o, m->apart, HASH);
		put(o, m->wire, SHORT);
		put(o, m->seer, SHORT);
		put(o, m->id, m->n);
	}
}

static void put_wait(const struct correlator *c, const struct wait *w, struct out *o)
{
	put_num(o, STATE_VERSION, 1);
	put(o, c->layout, HASH);
	put(o, &w->session, record_size(&w->session));
}

static bool changed_group(struct correlator *c, struct correlate_row *row, struct out *o)
{
	for (size_t at = 0; at < c->rules->correlations; at++) {
		struct table *t = &c->table[at];
		if (t->dirties == 0)
			continue;
		row->slot = t->dirty[--t->dirties];
		row->kind = CORRELATE_ROW_GROUP;
		memcpy(row->table, t->print, HASH);
		t->group[row->slot].dirty = false;
		if (t->group[row->slot].used)
			put_group(t, row->slot, o);
		return true;
	}
	return false;
}

static bool changed_wait(struct correlator *c, struct correlate_row *row, struct out *o)
{
	for (uint32_t i = 0; i < c->budget.waiting && c->dirty; i++) {
		struct wait *w = &c->wait[i];
		if (!w->dirty)
			continue;
		w->dirty = false;
		row->kind = CORRELATE_ROW_WAIT;
		row->slot = i;
		if (w->used)
			put_wait(c, w, o);
		return true;
	}
	return false;
}

bool correlator_changed(struct correlator *c, struct correlate_row *row, uint8_t *buf)
{
	struct out o = { buf, 0, CORRELATE_ROW };
	assert(c->give == c->founds);
	*row = (struct correlate_row){ .kind = CORRELATE_ROW_STATE };
	if (!changed_group(c, row, &o) && !changed_wait(c, row, &o)) {
		if (!c->dirty)
			return false;
		c->dirty = false;
		put_state(c, &o);
	}
	row->octets = (struct bytes){ buf, o.n <= CORRELATE_ROW ? o.n : 0 };
	return true;
}

static bool get_mark(struct cur *in, struct mark *m)
{
	*m = (struct mark){ .n = cur_u8(in) };
	if (m->n == 0)
		return !in->bad;
	m->time = get_time(in);
	struct bytes value = cur_take(in, HASH), apart = cur_take(in, HASH), wire = cur_take(in, SHORT),
		     seer = cur_take(in, SHORT), id = cur_take(in, m->n);
	if (in->bad || m->n > CORRELATE_ID || m->time < 0)
		return false;
	memcpy(m->value, value.p, HASH);
	memcpy(m->apart, apart.p, HASH);
	memcpy(m->wire, wire.p, SHORT);
	memcpy(m->seer, seer.p, SHORT);
	memcpy(m->id, id.p, id.n);
	return true;
}

static bool get_group(struct correlator *c, size_t at, uint32_t slot, struct cur *in)
{
	struct table *t = &c->table[at];
	struct group *g = &t->group[slot];
	struct bytes key = cur_take(in, HASH);
	int64_t last = get_time(in), quiet = get_time(in);
	uint64_t touch = (uint64_t)get_time(in);
	uint32_t places = cur_u16(in);
	if (in->bad || g->used || places != t->places || last < 0 || find(t, key.p) != NIL)
		return false;
	struct mark *m = &t->mark[(size_t)slot * places];
	for (uint32_t j = 0; j < places; j++)
		if (!get_mark(in, &m[j]) || (m[j].n && m[j].time > last)) {
			memset(m, 0, places * sizeof(*m));
			return false;
		}
	if (cur_left(in) != 0) {
		memset(m, 0, places * sizeof(*m));
		return false;
	}
	int32_t *bucket = &t->bucket[slot_of(t, key.p)];
	memcpy(g->key, key.p, HASH);
	g->last = last;
	g->quiet = quiet;
	g->touch = touch;
	g->chain = *bucket;
	g->used = true;
	*bucket = (int32_t)slot + 1;
	t->used++;
	c->touch = touch > c->touch ? touch : c->touch;
	return true;
}

static bool get_wait(struct correlator *c, uint32_t slot, struct cur *in)
{
	struct bytes layout = cur_take(in, HASH), b = cur_take(in, cur_left(in));
	struct wait *w = &c->wait[slot];
	if (in->bad || w->used || memcmp(layout.p, c->layout, HASH) != 0 || b.n > sizeof(w->session))
		return false;
	record_init(&w->session);
	memcpy(&w->session, b.p, b.n);
	if (b.n < offsetof(struct record, text) || !record_check(&w->session, b.n))
		return false;
	struct bytes id = record_get_str(&w->session, F_event_id);
	w->time = record_get_num(&w->session, F_event_end, -1);
	w->used = w->time >= 0 && id.n > 0 && id.n <= CORRELATE_ID;
	return w->used;
}

static bool get_state(struct correlator *c, struct cur *in)
{
	int64_t mark = get_time(in), done_time = get_time(in);
	uint8_t n = cur_u8(in);
	struct bytes id = cur_take(in, n);
	if (in->bad || cur_left(in) != 0 || n > CORRELATE_ID)
		return false;
	c->mark = mark;
	c->done_time = done_time;
	c->done_n = n;
	if (n)
		memcpy(c->done, id.p, n);
	return true;
}

static bool restore(struct correlator *c, const struct correlate_row *row)
{
	struct cur in = cur_of(row->octets);
	if (cur_u8(&in) != STATE_VERSION || in.bad)
		return false;
	if (row->kind == CORRELATE_ROW_STATE)
		return get_state(c, &in);
	if (row->kind == CORRELATE_ROW_WAIT)
		return row->slot < c->budget.waiting && get_wait(c, row->slot, &in);
	for (size_t at = 0; row->kind == CORRELATE_ROW_GROUP && at < c->rules->correlations; at++)
		if (memcmp(c->table[at].print, row->table, HASH) == 0)
			return row->slot < c->budget.groups && get_group(c, at, row->slot, &in);
	return false;
}

bool correlator_restore(struct correlator *c, const struct correlate_row *row)
{
	bool is = restore(c, row);
	c->counts.dropped += !is;
	return is;
}

static int by_touch(const void *a, const void *b)
{
	const struct group *const *x = a, *const *y = b;
	return (*x)->touch < (*y)->touch ? -1 : (*x)->touch > (*y)->touch;
}

/* Lists and free places, as they follow from which groups are there. */
static void relist(struct table *t, uint32_t groups)
{
	const struct group **sorted = calloc(t->used + 1, sizeof(*sorted));
	uint32_t n = 0;
	t->newest = t->oldest = NIL;
	t->spare = 0;
	t->untouched = groups;
	while (t->untouched > 0 && !t->group[t->untouched - 1].used)
		t->untouched--;
	for (uint32_t i = t->untouched; i-- > 0;)
		if (!t->group[i].used) {
			t->group[i].chain = t->spare;
			t->spare = (int32_t)i + 1;
		}
	for (uint32_t i = 0; i < t->untouched; i++)
		if (t->group[i].used && sorted)
			sorted[n++] = &t->group[i];
	if (n)
		qsort(sorted, n, sizeof(*sorted), by_touch);
	for (uint32_t i = 0; i < t->untouched && !sorted; i++)
		if (t->group[i].used)
			enlist(t, (int32_t)i);
	for (uint32_t i = 0; i < n; i++)
		enlist(t, (int32_t)(sorted[i] - t->group));
	free(sorted);
}

void correlator_restored(struct correlator *c)
{
	uint32_t spare = c->budget.waiting;
	for (size_t at = 0; at < c->rules->correlations; at++)
		relist(&c->table[at], c->budget.groups);
	for (uint32_t i = c->budget.waiting; i-- > 0;)
		if (!c->wait[i].used)
			c->heap[--spare] = i;
	for (uint32_t i = 0; i < c->budget.waiting; i++) {
		struct wait *w = &c->wait[i];
		if (!w->used)
			continue;
		/* one place is kept for the next; who saved had it free as well, but it may be any */
		if (c->count + 1 == c->budget.waiting || waits(c, w->time, record_get_str(&w->session, F_event_id))) {
			w->used = false;
			w->dirty = c->dirty = true;
			c->counts.dropped++;
			c->heap[--spare] = i; /* it has the place that it, or its twin, left */
			continue;
		}
		c->heap[c->count] = i;
		rise(c, c->count++);
	}
}
