/* history_store: see history_store.h. What an entry means is history.h's. Time is that of the sessions. The rows of the
 * database are input like any other: one that cannot be read counts as none. */
#include "history_store.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* NET: octets of a network's text       GONE: strong ones that are named       LISTED: rows at a time of history_store_lower */
enum { NET = 48, GONE = 8, LISTED = 64, NONE = -1 };

/* An entry in memory. next: of its bucket; newer, older: in the order of use. All of them numbers of places, or NONE.
 * stored: it has a row        dirty: its row is not what it is        erased: it is to have none */
struct memo {
	char key[HISTORY_KEY], net[NET];
	struct history_entry entry;
	int next, newer, older;
	bool dirty, erased, stored;
};

enum statement { GET, PUT, ERASE, COUNT_UP, COUNT_DOWN, BIGGEST, OLDEST, LIKE_NAME, STATEMENTS };

/* A key that is none of ours: read as text of C it is less than it is in the table, and what comes behind it would be itself. */
#define OURS "typeof(key) = 'text' AND length(key) = length(CAST(key AS BLOB)) AND length(key) < 288"
static_assert(HISTORY_KEY == 288, "OURS");

static const char *const sql[STATEMENTS] = {
	[GET] = "SELECT entry, net FROM history WHERE key = ?",
	[PUT] = ("INSERT INTO history(key, net, strength, last, entry) VALUES(?, ?, ?, ?, ?) ON CONFLICT(key) DO UPDATE SET"
		 " strength = excluded.strength, last = excluded.last, entry = excluded.entry"),
	[ERASE] = "DELETE FROM history WHERE key = ? RETURNING net",
	[COUNT_UP] = "INSERT INTO history_net(net, n) VALUES(?, 1) ON CONFLICT(net) DO UPDATE SET n = n + 1",
	[COUNT_DOWN] = "UPDATE history_net SET n = n - 1 WHERE net = ?",
	[BIGGEST] = "SELECT net FROM history_net ORDER BY n DESC LIMIT 1",
	[OLDEST] = "SELECT key, strength FROM history WHERE net = ? ORDER BY strength, last LIMIT 1",
	[LIKE_NAME] = "SELECT key FROM history WHERE key > ? AND key >= ? AND key < ? AND " OURS " ORDER BY key LIMIT 1",
};

struct history_store {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	struct memo *slot;
	int *bucket;
	size_t cached, used, buckets;
	int newest, oldest;
	uint64_t rows_max;
	char gone[GONE][HISTORY_KEY];
	unsigned gones;
	struct history_numbers n;
	uint8_t blob[HISTORY_BLOB];
};

/* ---- memory ---- */

struct history_store *history_store_new(size_t cached, uint64_t rows)
{
	struct history_store *h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->cached = cached;
	h->buckets = 2 * cached;
	h->rows_max = rows;
	h->newest = h->oldest = NONE;
	h->slot = calloc(cached, sizeof(h->slot[0]));
	h->bucket = malloc(h->buckets * sizeof(h->bucket[0]));
	if (!h->slot || !h->bucket) {
		history_store_free(h);
		return NULL;
	}
	for (size_t i = 0; i < h->buckets; i++)
		h->bucket[i] = NONE;
	return h;
}

void history_store_free(struct history_store *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(h->st[i]);
	free(h->slot);
	free(h->bucket);
	free(h);
}

static int *bucket_of(struct history_store *h, const char *key)
{
	uint64_t x = UINT64_C(14695981039346656037);
	for (; *key; key++)
		x = (x ^ (uint8_t)*key) * UINT64_C(1099511628211);
	return &h->bucket[(x ^ x >> 32) % h->buckets];
}

static void unlink_use(struct history_store *h, int at)
{
	struct memo *s = &h->slot[at];
	*(s->newer == NONE ? &h->newest : &h->slot[s->newer].older) = s->older;
	*(s->older == NONE ? &h->oldest : &h->slot[s->older].newer) = s->newer;
}

static void use(struct history_store *h, int at)
{
	struct memo *s = &h->slot[at];
	s->newer = NONE;
	s->older = h->newest;
	*(h->newest == NONE ? &h->oldest : &h->slot[h->newest].newer) = at;
	h->newest = at;
}

static void unlink_key(struct history_store *h, int at)
{
	int *p = bucket_of(h, h->slot[at].key);
	while (*p != NONE && *p != at)
		p = &h->slot[*p].next;
	if (*p != NONE)
		*p = h->slot[at].next;
}

static struct memo *find(struct history_store *h, const char *key)
{
	for (int at = *bucket_of(h, key); at != NONE; at = h->slot[at].next)
		if (strcmp(h->slot[at].key, key) == 0) {
			unlink_use(h, at);
			use(h, at);
			return &h->slot[at];
		}
	return NULL;
}

static void touch(struct history_store *h, struct memo *s)
{
	h->n.dirty += !s->dirty;
	s->dirty = true;
	s->erased = false;
}

/* ---- rows ---- */

static sqlite3_stmt *ready(struct history_store *h, enum statement which)
{
	sqlite3_reset(h->st[which]);
	sqlite3_clear_bindings(h->st[which]);
	return h->st[which];
}

static bool run(struct history_store *h, enum statement which, const char *text)
{
	sqlite3_stmt *st = ready(h, which);
	sqlite3_bind_text(st, 1, text, -1, SQLITE_STATIC);
	int rc = sqlite3_step(st);
	sqlite3_reset(st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW;
}

/* The text of the first column, copied; false: there is no row. */
static bool ask(sqlite3_stmt *st, char *out, size_t cap)
{
	const char *text = sqlite3_step(st) == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
	return text && snprintf(out, cap, "%s", text) < (int)cap;
}

static void load_row(struct history_store *h, struct memo *s)
{
	sqlite3_stmt *st = ready(h, GET);
	sqlite3_bind_text(st, 1, s->key, -1, SQLITE_STATIC);
	s->stored = sqlite3_step(st) == SQLITE_ROW;
	if (s->stored) {
		struct bytes blob = { sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0) };
		const char *net = (const char *)sqlite3_column_text(st, 1);
		h->n.refused += !history_unpack(&s->entry, blob);
		if (net && strlen(net) < NET)
			memcpy(s->net, net, strlen(net) + 1);
	}
	sqlite3_reset(st);
}

static bool erase_row(struct history_store *h, const char *key)
{
	char net[NET];
	sqlite3_stmt *st = ready(h, ERASE);
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	bool was = ask(st, net, sizeof(net)), good = sqlite3_reset(st) == SQLITE_OK;
	h->n.rows -= was && h->n.rows;
	return good && (!was || run(h, COUNT_DOWN, net));
}

static int64_t last_of(const struct history_entry *e)
{
	int64_t last = e->all.last > e->claimed ? e->all.last : e->claimed;
	return last > e->tls.last ? last : e->tls.last;
}

static bool write_row(struct history_store *h, struct memo *s)
{
	int64_t last = last_of(&s->entry);
	size_t n = history_pack(&s->entry, h->blob);
	sqlite3_stmt *st = ready(h, PUT);
	sqlite3_bind_text(st, 1, s->key, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, s->net, -1, SQLITE_STATIC);
	sqlite3_bind_int(st, 3, (int)history_strength(&s->entry, last));
	sqlite3_bind_int64(st, 4, last);
	sqlite3_bind_blob(st, 5, h->blob, (int)n, SQLITE_STATIC);
	if (sqlite3_step(st) != SQLITE_DONE)
		return false;
	sqlite3_reset(st);
	if (s->stored)
		return true;
	s->stored = true;
	h->n.rows++;
	return run(h, COUNT_UP, s->net);
}

static void drop_slot(struct history_store *h, const char *key)
{
	struct memo *s = find(h, key);
	if (!s)
		return;
	h->n.dirty -= s->dirty;
	memset(&s->entry, 0, sizeof(s->entry));
	s->dirty = s->stored = false;
}

static bool give_up_one(struct history_store *h)
{
	char net[NET], key[HISTORY_KEY];
	sqlite3_stmt *biggest = ready(h, BIGGEST), *st = ready(h, OLDEST);
	bool found = ask(biggest, net, sizeof(net));
	sqlite3_reset(biggest);
	if (!found)
		return false;
	sqlite3_bind_text(st, 1, net, -1, SQLITE_STATIC);
	found = ask(st, key, sizeof(key));
	bool strong = found && sqlite3_column_int(st, 1) == strength_strong;
	sqlite3_reset(st);
	if (!found || !erase_row(h, key))
		return false;
	drop_slot(h, key);
	h->n.evicted++;
	h->n.evicted_strong += strong;
	if (strong && h->gones < GONE)
		memcpy(h->gone[h->gones++], key, HISTORY_KEY);
	return true;
}

bool history_store_load(struct history_store *h, sqlite3 *db, struct error *e)
{
	h->db = db;
	if (!store_run(db, "CREATE TABLE IF NOT EXISTS history(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, net TEXT NOT NULL,"
		       " strength INTEGER NOT NULL, last INTEGER NOT NULL, entry BLOB NOT NULL);"
		       "CREATE INDEX IF NOT EXISTS history_by_net ON history(net, strength, last);"
		       "CREATE TABLE IF NOT EXISTS history_net(net TEXT PRIMARY KEY, n INTEGER NOT NULL);"
		       "CREATE INDEX IF NOT EXISTS history_net_by_n ON history_net(n)", e))
		return false;
	for (size_t i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &h->st[i], NULL) != SQLITE_OK)
			return error_set(e, "history: %s", sqlite3_errmsg(db));
	sqlite3_stmt *st = NULL;
	if (sqlite3_prepare_v2(db, "SELECT coalesce(sum(n), 0) FROM history_net", -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		h->n.rows = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return true;
}

bool history_store_save(struct history_store *h, struct error *e)
{
	for (size_t i = 0; h->n.dirty && i < h->used; i++) {
		struct memo *s = &h->slot[i];
		if (!s->dirty)
			continue;
		if (!(s->erased ? erase_row(h, s->key) : write_row(h, s)))
			return error_set(e, "history: %s", sqlite3_errmsg(h->db));
		s->stored &= !s->erased;
		s->dirty = s->erased = false;
		h->n.dirty--;
	}
	while (h->n.rows > h->rows_max)
		if (!give_up_one(h))
			return error_set(e, "history: %s", sqlite3_errmsg(h->db));
	return true;
}

bool history_store_full(const struct history_store *h)
{
	return h->n.dirty >= h->cached / 2;
}

/* ---- entries ---- */

/* A slot for a new one: the one not used for longest that is on the disk. There is one: whoever lets more change than
 * history_store_full allows, writes in the transaction that is open, or each for itself. */
static int slot_for(struct history_store *h)
{
	int at;
	struct error e;
	if (h->used < h->cached)
		return (int)h->used++;
	for (at = h->oldest; at != NONE && h->slot[at].dirty; at = h->slot[at].newer)
		;
	if (at == NONE) {
		history_store_save(h, &e);
		at = h->oldest;
		h->n.dirty -= h->slot[at].dirty;
	}
	unlink_key(h, at);
	unlink_use(h, at);
	return at;
}

/* The entry of a key, from the database, or empty. net: of one that is new. */
static struct memo *get(struct history_store *h, const char *key, const char *net)
{
	struct memo *s = find(h, key);
	if (s)
		return s;
	int at = slot_for(h), *head = bucket_of(h, key);
	s = &h->slot[at];
	memset(s, 0, sizeof(*s));
	memcpy(s->key, key, strlen(key) + 1);
	memcpy(s->net, net, strlen(net) + 1);
	s->next = *head;
	*head = at;
	use(h, at);
	load_row(h, s);
	return s;
}

/* The /24 or /48 that an address lies in. */
static void net_of(const struct addr *a, char net[NET])
{
	struct addr n = *a;
	struct text t = { .p = net, .cap = NET - 1 };
	size_t kept = a->v == 4 ? 3 : 6, size = a->v == 4 ? 4 : 16;
	memset(n.a + kept, 0, size - kept);
	text_addr(&t, &n);
	net[t.n] = '\0';
}

static struct memo *slot_of(struct history_store *h, enum history_kind kind, const struct record *s)
{
	char key[HISTORY_KEY], net[NET] = "";
	struct addr a;
	if (!history_key(kind, s, key))
		return NULL;
	if (record_get_addr(s, kind == HISTORY_CLIENT ? F_src_ip : F_dst_ip, &a))
		net_of(&a, net);
	return get(h, key, net);
}

void history_store_recall(struct history_store *h, struct record *s)
{
	const int64_t now = record_get_num(s, F_event_end, 0);
	struct memo *host = slot_of(h, HISTORY_HOST, s), *server = slot_of(h, HISTORY_SERVER, s), *client = slot_of(h, HISTORY_CLIENT, s);
	struct memo *better = host;
	if (!host || (server && history_strength(&server->entry, now) > history_strength(&host->entry, now)))
		better = server;
	if (better)
		history_recall(&better->entry, better->key, s);
	if (client)
		history_recall_client(&client->entry, s);
}

/* What one session taught another is compared with what it knew: facts history.* are those of recall, for both entries. */
unsigned history_store_learn(struct history_store *h, const struct record *s, enum level worst)
{
	unsigned lowered = 0;
	if (record_get_num(s, F_cap_phase, phase_final) == phase_interim)
		return 0;
	for (enum history_kind kind = HISTORY_HOST; kind < HISTORY_KINDS; kind++) {
		struct memo *slot = slot_of(h, kind, s);
		if (!slot)
			continue;
		switch (kind) {
		case HISTORY_HOST:
		case HISTORY_SERVER:
			lowered += history_learn(&slot->entry, s, worst);
			break;
		case HISTORY_CLIENT:
			lowered += history_learn_client(&slot->entry, s, worst);
			break;
		case HISTORY_ADDRESS:
			history_learn_names(&slot->entry, s);
			if (slot->entry.hosts == 0 && slot->entry.domains == 0)
				continue;
			break;
		case HISTORY_KINDS:
			break;
		}
		if (slot->entry.all.n)
			touch(h, slot);
	}
	h->n.lowered += lowered;
	return lowered;
}

/* ---- what is said of it ---- */

static void lower_one(struct history_store *h, struct memo *s, int64_t now, bool forget)
{
	touch(h, s);
	if (forget)
		memset(&s->entry, 0, sizeof(s->entry));
	else
		history_lower(&s->entry, now);
	s->erased = forget;
	h->n.lowered++;
}

/* All keys that begin with this: those on the disk are fetched, and then those in memory hold them all. */
static unsigned lower_all(struct history_store *h, const char *from, int64_t now, bool forget)
{
	char key[HISTORY_KEY] = "", next[HISTORY_KEY], to[HISTORY_KEY];
	const size_t n = strlen(from);
	unsigned lowered = 0;
	memcpy(to, from, n + 1);
	to[n - 1]++;                                     /* a blank; '!' is the next */
	for (size_t i = 0; i < h->used; i++)
		if (strncmp(h->slot[i].key, from, n) == 0 && h->slot[i].dirty) {
			lower_one(h, &h->slot[i], now, forget);
			lowered++;
		}
	for (;;) {
		sqlite3_stmt *st = ready(h, LIKE_NAME);
		sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 2, from, -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 3, to, -1, SQLITE_STATIC);
		bool more = ask(st, next, sizeof(next));
		sqlite3_reset(st);
		if (!more)
			return lowered;
		memcpy(key, next, sizeof(key));
		struct memo *s = get(h, key, "");
		if (s->dirty)                                /* done above */
			continue;
		lower_one(h, s, now, forget);
		lowered++;
	}
}

unsigned history_store_lower(struct history_store *h, const char *name, int64_t now, bool forget)
{
	static const char *const kind[] = { "host", "server", "client" };
	char from[HISTORY_KEY];
	unsigned n = 0;
	if (!h->db || !*name)
		return 0;
	for (size_t i = 0; i < sizeof(kind) / sizeof(kind[0]); i++)
		if (snprintf(from, sizeof(from), "%s %s ", kind[i], name) < (int)sizeof(from))
			n += lower_all(h, from, now, forget);
	return n;
}

/* The network of a key with an address in it; a host's is known when it is seen. */
static void net_of_key(const char *key, char net[NET])
{
	char word[64];
	struct addr a = { .v = 4 };
	net[0] = '\0';
	if (sscanf(key, "%*15s %63s", word) != 1)
		return;
	if (inet_pton(AF_INET, word, a.a) != 1) {
		a.v = 6;
		if (inet_pton(AF_INET6, word, a.a) != 1)
			return;
	}
	net_of(&a, net);
}

bool history_store_claim(struct history_store *h, const char *key, enum strength claim, int64_t at, const struct history_entry *values)
{
	char net[NET];
	if (!h->db || strlen(key) >= HISTORY_KEY || claim <= strength_imported || claim >= strength_COUNT)
		return false;
	net_of_key(key, net);
	struct memo *s = get(h, key, net);
	if (values && s->entry.tls.n == 0) {             /* what was seen here knows better */
		struct history_times all = s->entry.all, zero = { 0 };
		s->entry = *values;
		s->entry.all = all;
		s->entry.tls = s->entry.none = s->entry.weaker = s->entry.other = zero;
		s->entry.clients = s->entry.weaker_by = s->entry.other_by = (struct history_clients){ .n = 0 };
		s->entry.days = 0;
		s->entry.day = 0;
		s->entry.ttl = 0;                            /* of another place */
		s->entry.rtt = 0;
	}
	history_claim(&s->entry, claim, at);
	touch(h, s);
	return true;
}

static bool from_hex(const char *text, struct history_entry *e)
{
	uint8_t octets[HISTORY_BLOB];
	size_t n = strlen(text);
	unsigned v;
	if (n % 2 || n / 2 > sizeof(octets))
		return false;
	for (size_t i = 0; i < n; i += 2) {
		if (sscanf(text + i, "%2x", &v) != 1)
			return false;
		octets[i / 2] = (uint8_t)v;
	}
	return history_unpack(e, (struct bytes){ octets, n / 2 });
}

/* body: STRENGTH, or STRENGTH and the packed entry in hex. */
static void import(struct history_store *h, const struct store_order *o)
{
	static struct history_entry values;
	char word[16];
	const char *hex = strchr(o->body, ' ');
	if (sscanf(o->body, "%15s", word) != 1)
		return;
	int claim = word_index(fact_table[F_hist_strength].words, bytes_of(word));
	bool has = hex && from_hex(hex + 1, &values);
	if (claim < 0 || !history_store_claim(h, o->target, (enum strength)claim, o->at, has ? &values : NULL))
		h->n.refused++;
}

bool history_store_order(struct history_store *h, const struct store_order *o)
{
	if (strcmp(o->kind, "history.lower") == 0)
		history_store_lower(h, o->target, o->at, false);
	else if (strcmp(o->kind, "history.forget") == 0)
		history_store_lower(h, o->target, o->at, true);
	else if (strcmp(o->kind, "history.import") == 0)
		import(h, o);
	else
		return false;
	return true;
}

static void recent(struct history_name *list, uint8_t *n, int64_t now)
{
	uint8_t kept = 0;
	for (uint8_t i = 0; i < *n; i++)
		if (now - list[i].last <= HISTORY_MAP_DAYS * INT64_C(86400000000000))
			list[kept++] = list[i];
	for (uint8_t i = 1; i < kept; i++)               /* the newest first */
		for (uint8_t j = i; j > 0 && list[j].last > list[j - 1].last; j--) {
			struct history_name swap = list[j];
			list[j] = list[j - 1];
			list[j - 1] = swap;
		}
	*n = kept;
}

bool history_store_names(struct history_store *h, const struct addr *server, int64_t now, struct history_entry *entry)
{
	char key[HISTORY_KEY], net[NET];
	if (!h->db)
		return false;
	history_key_address(server, key);
	net_of(server, net);
	*entry = get(h, key, net)->entry;
	recent(entry->host, &entry->hosts, now);
	recent(entry->domain, &entry->domains, now);
	return entry->hosts || entry->domains;
}

/* ---- to be asked ---- */

bool history_store_gone(struct history_store *h, char key[HISTORY_KEY])
{
	if (h->gones == 0)
		return false;
	memcpy(key, h->gone[--h->gones], HISTORY_KEY);
	return true;
}

struct history_numbers history_store_numbers(const struct history_store *h)
{
	struct history_numbers n = h->n;
	n.cached = h->used;
	return n;
}

bool history_store_next(sqlite3 *db, char key[HISTORY_KEY], struct history_entry *e)
{
	bool more = true, good = false;
	while (more && !good) {
		sqlite3_stmt *st = NULL;
		if (sqlite3_prepare_v2(db, "SELECT key, entry FROM history WHERE key > ? AND " OURS " ORDER BY key LIMIT 1", -1, &st, NULL) != SQLITE_OK)
			return false;
		sqlite3_bind_text(st, 1, key, -1, SQLITE_TRANSIENT);
		more = sqlite3_step(st) == SQLITE_ROW;
		const char *text = more ? (const char *)sqlite3_column_text(st, 0) : NULL;
		if (text && strlen(text) < HISTORY_KEY) {
			struct bytes blob = { sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1) };
			memcpy(key, text, strlen(text) + 1);
			good = history_unpack(e, blob);
		} else {
			more = false;
		}
		sqlite3_finalize(st);
	}
	return good;
}
