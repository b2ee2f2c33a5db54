/* incidents: see incidents.h. A hash table by key with a list by age through the same places, and a set of four ways for the sessions
 * that were counted last. When an incident speaks next stands in an array of its own, which is looked through at most once a second
 * of packet time. It knows no alert and no rule. */
#include "incidents.h"

#include <stdlib.h>
#include <string.h>

#include "judge/alert.h"

/* WAYS of a set; TICK between two looks at what is due, ns; FORM of a saved incident: another is not read */
enum { WAYS = 4, NONE = -1, FORM = 2 };
#define TICK INT64_C(1000000000)

struct incident_place {
	struct incident incident;
	int32_t next, older, newer;  /* in its bucket; in the list by age */
	bool used, dirty, ended;
};

/* Which incident counted this session's chain. hash 0: nobody. id: the incident's, since places are used again. */
struct counted {
	uint64_t hash, turn;
	int32_t place;
	char id[INCIDENT_ID];
};

/* gone: ids that are to be removed from the database, as many as there are places; more of them, and all is written anew */
struct incidents {
	struct incident_place *place;
	int32_t *bucket;
	int64_t *due, looked, next_due;
	struct counted *counted;
	char (*gone)[INCIDENT_ID];
	size_t max, buckets, sets, ngone, used, rest;
	int32_t oldest, newest, free, ended;
	uint64_t turn;
	bool all;
	struct incidents_numbers numbers;
};

struct incidents *incidents_new(size_t max)
{
	struct incidents *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->max = max;
	t->buckets = max * 2 + 1;
	t->sets = max * 2 + 1;
	t->place = calloc(max, sizeof(t->place[0]));
	t->bucket = malloc(t->buckets * sizeof(t->bucket[0]));
	t->due = malloc(max * sizeof(t->due[0]));
	t->counted = calloc(t->sets * WAYS, sizeof(t->counted[0]));
	t->gone = calloc(max, sizeof(t->gone[0]));
	if (!t->place || !t->bucket || !t->due || !t->counted || !t->gone) {
		incidents_free(t);
		return NULL;
	}
	for (size_t i = 0; i < t->buckets; i++)
		t->bucket[i] = NONE;
	for (size_t i = 0; i < max; i++)
		t->due[i] = INT64_MAX;
	t->oldest = t->newest = t->ended = t->free = NONE;
	t->looked = INT64_MIN;
	t->next_due = INT64_MAX;
	return t;
}

void incidents_free(struct incidents *t)
{
	if (!t)
		return;
	free(t->place);
	free(t->bucket);
	free(t->due);
	free(t->counted);
	free(t->gone);
	free(t);
}

/* ---- places ---- */

static uint64_t octets8(const uint8_t *p)
{
	uint64_t h;
	memcpy(&h, p, sizeof(h));
	return h;
}

static int32_t *bucket_of(struct incidents *t, const uint8_t key[INCIDENT_KEY])
{
	return &t->bucket[octets8(key) % t->buckets];
}

static int32_t find(struct incidents *t, const uint8_t key[INCIDENT_KEY])
{
	int32_t at = *bucket_of(t, key);
	while (at != NONE && memcmp(t->place[at].incident.key, key, INCIDENT_KEY) != 0)
		at = t->place[at].next;
	return at;
}

static void into_bucket(struct incidents *t, int32_t at)
{
	int32_t *b = bucket_of(t, t->place[at].incident.key);
	t->place[at].next = *b;
	*b = at;
}

static void out_of_bucket(struct incidents *t, int32_t at)
{
	int32_t *p = bucket_of(t, t->place[at].incident.key);
	while (*p != at)
		p = &t->place[*p].next;
	*p = t->place[at].next;
}

static void unlist(struct incidents *t, int32_t at)
{
	struct incident_place *p = &t->place[at];
	*(p->older == NONE ? &t->oldest : &t->place[p->older].newer) = p->newer;
	*(p->newer == NONE ? &t->newest : &t->place[p->newer].older) = p->older;
}

static void list_newest(struct incidents *t, int32_t at)
{
	struct incident_place *p = &t->place[at];
	p->older = t->newest;
	p->newer = NONE;
	*(t->newest == NONE ? &t->oldest : &t->place[t->newest].newer) = at;
	t->newest = at;
}

static void forget(struct incidents *t, int32_t at)
{
	struct incident_place *p = &t->place[at];
	out_of_bucket(t, at);
	unlist(t, at);
	t->due[at] = INT64_MAX;
	p->used = false;
	if (t->ngone < t->max)
		memcpy(t->gone[t->ngone++], p->incident.id, INCIDENT_ID);
	else
		t->all = true;
	p->next = t->free;
	t->free = at;
	t->numbers.open--;
}

static int32_t take_place(struct incidents *t)
{
	if (t->free == NONE && t->used == t->max) {
		t->numbers.evicted++;
		forget(t, t->oldest);
	}
	int32_t at = t->free;
	if (at != NONE)
		t->free = t->place[at].next;
	else
		at = (int32_t)t->used++;
	t->place[at] = (struct incident_place){ .used = true };
	t->numbers.open++;
	return at;
}

/* It changed: it is youngest, is saved, and speaks by itself at another time. */
static void touch(struct incidents *t, int32_t at)
{
	enum incident_word word;
	t->place[at].dirty = true;
	unlist(t, at);
	list_newest(t, at);
	t->due[at] = incident_due(&t->place[at].incident, &word);
	t->next_due = t->due[at] < t->next_due ? t->due[at] : t->next_due;
}

/* ---- sessions that were counted ---- */

/* FNV-1a; ids are hashes already. */
static uint64_t hash_slot(struct bytes id, const char *slot)
{
	uint64_t h = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < id.n; i++)
		h = (h ^ id.p[i]) * UINT64_C(1099511628211);
	for (; *slot; slot++)
		h = (h ^ (uint8_t)*slot) * UINT64_C(1099511628211);
	return h ? h : 1;
}

/* The incident that counted it; NONE: nobody, or it is over. */
static int32_t counted_by(const struct incidents *t, uint64_t hash)
{
	const struct counted *set = t->counted + hash % t->sets * WAYS;
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].hash != hash)
			continue;
		const struct incident_place *p = &t->place[set[i].place];
		return p->used && strcmp(p->incident.id, set[i].id) == 0 ? set[i].place : NONE;
	}
	return NONE;
}

static void count(struct incidents *t, uint64_t hash, int32_t place)
{
	struct counted *set = t->counted + hash % t->sets * WAYS, *to = set;
	for (size_t i = 0; i < WAYS && to->hash != hash; i++)
		if (set[i].hash == hash || set[i].turn < to->turn)
			to = &set[i];
	*to = (struct counted){ .hash = hash, .turn = ++t->turn, .place = place };
	memcpy(to->id, t->place[place].incident.id, INCIDENT_ID);
}

/* ---- what comes in ---- */

static enum incident_word told(struct incidents *t, int32_t at, enum incident_word word, int64_t now, struct incident **out)
{
	if (word != INCIDENT_NOTHING)
		incident_said(&t->place[at].incident, now);
	touch(t, at);
	if (word != INCIDENT_NOTHING)
		*out = &t->place[at].incident;
	return word;
}

static int32_t begin(struct incidents *t, const uint8_t key[INCIDENT_KEY], const struct incident_chain *c, const struct record *s,
		     const struct site *site)
{
	const int32_t at = take_place(t);
	struct incident *i = &t->place[at].incident;
	incident_begin(i, key, c, s, site);
	alert_incident_id(record_get_str(s, F_event_id), i->slot, i->id);
	into_bucket(t, at);
	list_newest(t, at);
	t->numbers.opened++;
	return at;
}

/* More is known of what was counted. Where it is no longer what it was counted as, it is counted again as what it is; an incident
 * that is nothing else goes with it. */
static enum incident_word again(struct incidents *t, int32_t at, const uint8_t key[INCIDENT_KEY], const struct incident_chain *c,
				const struct record *s, bool *elsewhere)
{
	struct incident *i = &t->place[at].incident;
	*elsewhere = memcmp(i->key, key, INCIDENT_KEY) != 0 && (i->count > 1 || find(t, key) != NONE);
	if (*elsewhere) {
		i->count -= i->count > 1;
		touch(t, at);
		return INCIDENT_NOTHING;
	}
	out_of_bucket(t, at);
	enum incident_word word = incident_again(i, key, c, s);
	into_bucket(t, at);
	return word;
}

enum incident_word incidents_take(struct incidents *t, const struct incident_chain *c, const struct record *s,
				  const struct site *site, struct incident **out)
{
	uint8_t key[INCIDENT_KEY];
	const int64_t now = record_get_num(s, F_event_end, 0);
	const uint64_t hash = hash_slot(record_get_str(s, F_event_id), incident_slot(c));
	int32_t at = counted_by(t, hash);
	bool elsewhere = at == NONE;
	if (!incident_key(c, s, key))
		return INCIDENT_NOTHING;
	if (at != NONE) {
		enum incident_word word = again(t, at, key, c, s, &elsewhere);
		if (!elsewhere)
			return told(t, at, word, now, out);
	}
	t->numbers.counted++;
	at = find(t, key);
	enum incident_word word = INCIDENT_OPENED;
	if (at != NONE)
		word = incident_more(&t->place[at].incident, c, s, site);
	else
		at = begin(t, key, c, s, site);
	count(t, hash, at);
	return told(t, at, word, now, out);
}

static void keep(char *to, size_t cap, struct bytes from)
{
	from = bytes_head(from, cap - 1);
	if (from.n)
		memcpy(to, from.p, from.n);
	to[from.n] = '\0';
}

void incidents_words(struct incidents *t, struct incident *i, struct bytes message, struct bytes reason)
{
	(void)t;
	keep(i->message, sizeof(i->message), message);
	keep(i->reason, sizeof(i->reason), reason);
}

/* ---- what it says by itself ---- */

/* The one that is due first; of equals the one with the lowest id: places depend on what was before. */
static int32_t first_due(struct incidents *t)
{
	int32_t best = NONE;
	for (size_t i = 0; i < t->used; i++)
		if (best == NONE || t->due[i] < t->due[best] ||
		    (t->due[i] == t->due[best] && t->due[i] != INT64_MAX &&
		     strcmp(t->place[i].incident.id, t->place[best].incident.id) < 0))
			best = (int32_t)i;
	t->next_due = best == NONE ? INT64_MAX : t->due[best];
	return best;
}

enum incident_word incidents_due(struct incidents *t, int64_t now, struct incident **out, int64_t *at)
{
	if (t->ended != NONE) {
		forget(t, t->ended);
		t->ended = NONE;
	}
	if (now < t->next_due)
		return INCIDENT_NOTHING;
	const int32_t first = first_due(t);
	enum incident_word word;
	if (first == NONE || now < t->next_due)
		return INCIDENT_NOTHING;
	struct incident *i = &t->place[first].incident;
	*at = incident_due(i, &word);
	incident_said(i, *at);
	touch(t, first);
	*out = i;
	if (word == INCIDENT_ENDED) {
		t->ended = first;
		t->numbers.closed++;
	}
	return word;
}

enum incident_word incidents_rest(struct incidents *t, int64_t now, struct incident **out)
{
	for (; t->rest < t->used; t->rest++) {
		struct incident *i = &t->place[t->rest].incident;
		if (!t->place[t->rest].used || i->count == i->told || i->acked)
			continue;
		incident_said(i, now);
		*out = i;
		t->place[t->rest].dirty = true;
		return INCIDENT_GOES_ON;
	}
	return INCIDENT_NOTHING;
}

void incidents_revised(struct incidents *t, struct incident *i, uint32_t revision)
{
	(void)t;
	i->revision = revision;
}

void incidents_order(struct incidents *t, const struct store_order *o)
{
	for (size_t i = 0; strcmp(o->kind, "incident.ack") == 0 && i < t->used; i++) {
		struct incident_place *p = &t->place[i];
		enum incident_word word;
		if (!p->used || strcmp(p->incident.id, o->target) != 0)
			continue;
		p->incident.acked = p->dirty = true;
		t->due[i] = incident_due(&p->incident, &word);
	}
}

const struct incident *incidents_next(const struct incidents *t, size_t *at)
{
	while (*at < t->used && !t->place[*at].used)
		++*at;
	return *at < t->used ? &t->place[(*at)++].incident : NULL;
}

struct incidents_numbers incidents_numbers(const struct incidents *t)
{
	return t->numbers;
}

/* ---- the database ---- */

static bool failed(sqlite3 *db, struct error *e)
{
	return error_set(e, "the incidents in the database: %s", sqlite3_errmsg(db));
}

static bool make_table(sqlite3 *db, struct error *e)
{
	return sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS incident (id TEXT PRIMARY KEY, finding TEXT NOT NULL, level INTEGER NOT NULL, "
				"count INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, form INTEGER NOT NULL, "
				"body BLOB NOT NULL) WITHOUT ROWID", NULL, NULL, NULL) == SQLITE_OK || failed(db, e);
}

/* What was counted before the judge that is now is known as counted: sessions that are given again change nothing. */
static void load_one(struct incidents *t, const void *body, int n)
{
	struct incident i;
	if (n != (int)sizeof(i) || !body) {
		t->numbers.damaged++;
		return;
	}
	memcpy(&i, body, sizeof(i));
	if (!incident_check(&i) || find(t, i.key) != NONE) {
		t->numbers.damaged++;
		return;
	}
	const int32_t at = take_place(t);
	t->place[at].incident = i;
	into_bucket(t, at);
	list_newest(t, at);
	touch(t, at);
	t->place[at].dirty = false;
	for (unsigned k = 0; k < i.sessions; k++)
		count(t, hash_slot(bytes_of(i.session[k]), i.slot), at);
}

bool incidents_load(struct incidents *t, sqlite3 *db, struct error *e)
{
	sqlite3_stmt *q = NULL;
	int rc;
	if (!make_table(db, e))
		return false;
	if (sqlite3_prepare_v2(db, "SELECT form, body FROM incident ORDER BY last", -1, &q, NULL) != SQLITE_OK)
		return failed(db, e);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (sqlite3_column_int(q, 0) == FORM)
			load_one(t, sqlite3_column_blob(q, 1), sqlite3_column_bytes(q, 1));
		else
			t->numbers.damaged++;
	}
	sqlite3_finalize(q);
	return rc == SQLITE_DONE || failed(db, e);
}

static bool save_one(const struct incident *i, sqlite3_stmt *q)
{
	sqlite3_bind_text(q, 1, i->id, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, i->finding, -1, SQLITE_STATIC);
	sqlite3_bind_int(q, 3, i->level);
	sqlite3_bind_int64(q, 4, (int64_t)i->count);
	sqlite3_bind_int64(q, 5, i->first);
	sqlite3_bind_int64(q, 6, i->last);
	sqlite3_bind_int(q, 7, FORM);
	sqlite3_bind_blob(q, 8, i, sizeof(*i), SQLITE_STATIC);
	bool ok = sqlite3_step(q) == SQLITE_DONE;
	sqlite3_reset(q);
	return ok;
}

static bool save_changed(struct incidents *t, sqlite3 *db)
{
	sqlite3_stmt *q = NULL;
	bool ok = sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO incident VALUES (?, ?, ?, ?, ?, ?, ?, ?)", -1, &q, NULL) == SQLITE_OK;
	for (size_t i = 0; ok && i < t->used; i++) {
		struct incident_place *p = &t->place[i];
		if (!p->used || (!p->dirty && !t->all))
			continue;
		ok = save_one(&p->incident, q);
		p->dirty = !ok;
	}
	sqlite3_finalize(q);
	return ok;
}

static bool remove_gone(struct incidents *t, sqlite3 *db)
{
	sqlite3_stmt *q = NULL;
	if (t->all)
		return sqlite3_exec(db, "DELETE FROM incident", NULL, NULL, NULL) == SQLITE_OK;
	bool ok = sqlite3_prepare_v2(db, "DELETE FROM incident WHERE id = ?", -1, &q, NULL) == SQLITE_OK;
	for (size_t i = 0; ok && i < t->ngone; i++) {
		sqlite3_bind_text(q, 1, t->gone[i], -1, SQLITE_STATIC);
		ok = sqlite3_step(q) == SQLITE_DONE;
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	return ok;
}

bool incidents_save(struct incidents *t, sqlite3 *db, struct error *e)
{
	if (!make_table(db, e))
		return false;
	if (!remove_gone(t, db) || !save_changed(t, db))
		return failed(db, e);
	t->ngone = 0;
	t->all = false;
	return true;
}
