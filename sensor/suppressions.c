/* suppressions: see suppressions.h. Ordered entries have memory of their own, a fixed piece each; those of the configuration belong to
 * it. Counts go by the name of an entry, so that they outlive a reload. */
#include "suppressions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "scalar.h"
#include "text.h"

#define DAY (INT64_C(86400) * 1000000000)

enum { LIST = 16, BODY = 4096 };

/* An entry that was ordered: its texts lie in text. */
struct ordered {
	struct suppress_entry entry;
	struct networks clients, servers;
	const char *finding[LIST], *domain[LIST];
	char body[BODY], text[BODY], name[64];
};

/* What is known of an entry besides its words, by name. */
struct tally_of {
	char name[POLICY_NAME + 1];
	uint64_t count, reported;
	int64_t since;             /* of the week that runs; 0: none yet */
	bool ended, dirty;
};

struct suppressions {
	const struct suppress_entries *configured;
	struct ordered *ordered;
	size_t n;
	struct tally_of tally[SUPPRESS_ENTRIES];
	size_t tallies;
	bool changed;              /* the ordered ones */
	uint64_t sum;
};

struct suppressions *suppressions_new(const struct suppress_entries *configured)
{
	struct suppressions *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->configured = configured;
	s->ordered = calloc(SUPPRESSION_ORDERED, sizeof(s->ordered[0]));
	if (s->ordered)
		return s;
	suppressions_free(s);
	return NULL;
}

void suppressions_free(struct suppressions *s)
{
	if (!s)
		return;
	free(s->ordered);
	free(s);
}

static const struct suppress_entry *entry(const struct suppressions *s, size_t i)
{
	if (i < s->configured->n)
		return &s->configured->at[i];
	i -= s->configured->n;
	return i < s->n ? &s->ordered[i].entry : NULL;
}

/* Of a name that has none yet one is made; those of entries that are no more give way. */
static struct tally_of *tally_of(struct suppressions *s, const char *name)
{
	for (size_t i = 0; i < s->tallies; i++)
		if (strcmp(s->tally[i].name, name) == 0)
			return &s->tally[i];
	struct tally_of *t = s->tallies < SUPPRESS_ENTRIES ? &s->tally[s->tallies++] : &s->tally[0];
	*t = (struct tally_of){ .dirty = true };
	snprintf(t->name, sizeof(t->name), "%s", name);
	return t;
}

size_t suppressions_apply(struct suppressions *s, const struct record *session, struct finding *f, size_t n, bool fresh)
{
	const bool final = fresh && record_get_num(session, F_cap_phase, phase_final) == phase_final;
	const struct suppress_entry *e;
	size_t kept = 0;
	for (size_t k = 0; k < n; k++) {
		if (f[k].level < level_low)
			continue;
		for (size_t i = 0; !f[k].suppressed && (e = entry(s, i)); i++)
			if (suppress_fits(e, &f[k], session)) {
				struct tally_of *t = tally_of(s, e->name);
				f[k].suppressed = true;
				t->count += final;
				t->dirty = true;
				s->sum += final;
			}
		kept += f[k].suppressed;
	}
	return kept;
}

const struct suppress_entry *suppressions_at(const struct suppressions *s, size_t i, uint64_t *count)
{
	const struct suppress_entry *e = entry(s, i);
	*count = 0;
	for (size_t k = 0; e && k < s->tallies; k++)
		if (strcmp(s->tally[k].name, e->name) == 0)
			*count = s->tally[k].count;
	return e;
}

/* ---- orders ---- */

/* The parts of a text between commas. */
static bool split(char *text, const char *list[LIST], size_t *n)
{
	char *save, *part;
	*n = 0;
	for (part = strtok_r(text, ", ", &save); part && *n < LIST; part = strtok_r(NULL, ", ", &save))
		list[(*n)++] = part;
	return !part;
}

static bool nets(char *text, struct networks *to)
{
	const char *list[LIST];
	size_t n;
	bool ok = split(text, list, &n);
	for (size_t i = 0; ok && i < n; i++)
		ok = networks_add(to, bytes_of(list[i]));
	return ok;
}

/* The string of a leaf into the entry's texts, as it is: what would have to be escaped is refused. */
static char *string_of(struct ordered *o, size_t *used, struct bytes value)
{
	if (value.n < 2 || value.p[0] != '"' || memchr(value.p, '\\', value.n) || *used + value.n > sizeof(o->text))
		return NULL;
	char *at = o->text + *used;
	memcpy(at, value.p + 1, value.n - 2);
	at[value.n - 2] = '\0';
	*used += value.n - 1;
	return at;
}

static bool take_leaf(struct ordered *o, size_t *used, const struct json_leaf *leaf)
{
	struct suppress_entry *e = &o->entry;
	char *text = leaf->value.n && leaf->value.p[0] == '"' ? string_of(o, used, leaf->value) : NULL;
	if (strcmp(leaf->path, "allow_critical") == 0) {
		e->critical = bytes_eq(leaf->value, bytes_of("true"));
		return true;
	}
	if (!text)
		return false;
	if (strcmp(leaf->path, "findings") == 0)
		return split(text, o->finding, &e->findings.n);
	if (strcmp(leaf->path, "domains") == 0)
		return split(text, o->domain, &e->domains.n);
	if (strcmp(leaf->path, "clients") == 0)
		return nets(text, &o->clients);
	if (strcmp(leaf->path, "servers") == 0)
		return nets(text, &o->servers);
	if (strcmp(leaf->path, "until") == 0)
		return scalar_moment(bytes_of(text), &e->until);
	if (strcmp(leaf->path, "reason") == 0)
		e->reason = text;
	else if (strcmp(leaf->path, "owner") == 0)
		e->owner = text;
	else
		return false;
	return true;
}

static bool parse(struct ordered *o, const char *name, struct bytes body, int64_t now, struct error *e)
{
	struct json_walk walk;
	struct json_leaf leaf;
	size_t used = 0;
	*o = (struct ordered){ 0 };
	snprintf(o->name, sizeof(o->name), "%s", name);
	if (body.n >= sizeof(o->body))
		return error_set(e, "suppress: too long");
	memcpy(o->body, body.p, body.n);
	for (json_walk(&walk, body); json_next(&walk, &leaf);)
		if (!take_leaf(o, &used, &leaf))
			return error_set(e, "suppress: %s cannot be used", leaf.path);
	struct suppress_entry *s = &o->entry;
	s->name = o->name;
	s->findings.name = o->finding;
	s->domains.name = o->domain;
	s->clients = o->clients.n ? &o->clients : NULL;
	s->servers = o->servers.n ? &o->servers : NULL;
	if (walk.bad || s->findings.n == 0)
		return error_set(e, "suppress: what is not to be told? Name a finding");
	if (!s->reason || !s->reason[0] || !s->owner || !s->owner[0])
		return error_set(e, "suppress: a reason and an owner belong to it");
	if (s->until <= now || s->until - now > (SUPPRESS_DAYS + 1) * DAY)
		return error_set(e, "suppress: it must end, in at most %d days", SUPPRESS_DAYS);
	return true;
}

bool suppression_parse(struct bytes body, int64_t now, struct error *e)
{
	static struct ordered o;
	return parse(&o, "order", body, now, e);
}

/* The texts of an entry are in its own memory: it is moved with its pointers. */
static void move(struct ordered *to, const struct ordered *from)
{
	struct error e;
	struct bytes body = { (const uint8_t *)from->body, strlen(from->body) };
	char copy[BODY], name[64];
	memcpy(copy, from->body, sizeof(copy));
	memcpy(name, from->name, sizeof(name));
	body.p = (const uint8_t *)copy;
	if (!parse(to, name, body, from->entry.until - DAY, &e))
		*to = (struct ordered){ .entry = { .name = to->name } };
}

static void drop(struct suppressions *s, size_t i)
{
	for (s->n--; i < s->n; i++)
		move(&s->ordered[i], &s->ordered[i + 1]);
	s->changed = true;
}

static size_t named(const struct suppressions *s, const char *name)
{
	size_t i = 0;
	while (i < s->n && strcmp(s->ordered[i].name, name) != 0)
		i++;
	return i;
}

void suppressions_order(struct suppressions *s, const struct store_order *o)
{
	struct error e;
	const bool begin = strcmp(o->kind, "incident.suppress") == 0;
	if (!begin && strcmp(o->kind, "incident.unsuppress") != 0)
		return;
	const size_t i = named(s, o->target);
	if (i < s->n)
		drop(s, i);
	if (begin && s->n < SUPPRESSION_ORDERED && parse(&s->ordered[s->n], o->target, bytes_of(o->body), o->at, &e)) {
		s->n++;
		s->changed = true;
	}
}

/* ---- what is said ---- */

static bool say_one(struct suppressions *s, const struct suppress_entry *e, int64_t now, char line[SUPPRESSION_SAYS])
{
	struct tally_of *t = tally_of(s, e->name);
	const unsigned long long count = t->count, week = t->count - t->reported;
	if (suppress_ended(e, now) && !t->ended) {
		t->ended = t->dirty = true;
		snprintf(line, SUPPRESSION_SAYS, "suppression %s of %s has ended; it kept back %llu alerts (%s); what it was for is told again",
			 e->name, e->owner, count, e->reason);
		return true;
	}
	if (suppress_ended(e, now))
		return false;
	if (t->since == 0 || t->ended) {
		t->since = now;
		t->ended = false;
		t->dirty = true;
		return false;
	}
	if (now - t->since < 7 * DAY)
		return false;
	t->since = now;
	t->reported = t->count;
	t->dirty = true;
	snprintf(line, SUPPRESSION_SAYS, "suppression %s of %s kept back %llu alerts this week, %llu in all (%s)", e->name, e->owner, week,
		 count, e->reason);
	return true;
}

bool suppressions_say(struct suppressions *s, int64_t now, char line[SUPPRESSION_SAYS])
{
	const struct suppress_entry *e;
	for (size_t i = 0; (e = entry(s, i)); i++)
		if (say_one(s, e, now, line))
			return true;
	return false;
}

void suppressions_stats(const struct suppressions *s, struct record *stats)
{
	record_unset(stats, F_st_suppress_name);
	record_unset(stats, F_st_suppress_n);
	record_num(stats, F_st_kept_back, (int64_t)s->sum);
	for (size_t i = 0; i < s->tallies && i < RECORD_ITEMS; i++)
		record_add_cstr(stats, F_st_suppress_name, s->tally[i].name);
	for (size_t i = 0; i < s->tallies && i < RECORD_ITEMS; i++)
		record_add_num(stats, F_st_suppress_n, (int64_t)s->tally[i].count);
}

/* ---- the database ---- */

static bool failed(sqlite3 *db, struct error *e)
{
	return error_set(e, "the suppressions in the database: %s", sqlite3_errmsg(db));
}

static bool make_tables(sqlite3 *db, struct error *e)
{
	return sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS suppression (name TEXT PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL) "
				"WITHOUT ROWID; CREATE TABLE IF NOT EXISTS suppressed (name TEXT PRIMARY KEY, count INTEGER NOT NULL, "
				"reported INTEGER NOT NULL, since INTEGER NOT NULL, ended INTEGER NOT NULL) WITHOUT ROWID",
			    NULL, NULL, NULL) == SQLITE_OK || failed(db, e);
}

static void load_counts(struct suppressions *s, sqlite3_stmt *q)
{
	while (sqlite3_step(q) == SQLITE_ROW && s->tallies < SUPPRESS_ENTRIES) {
		const char *name = (const char *)sqlite3_column_text(q, 0);
		struct tally_of *t = tally_of(s, name ? name : "");
		t->count = (uint64_t)sqlite3_column_int64(q, 1);
		t->reported = (uint64_t)sqlite3_column_int64(q, 2);
		t->since = sqlite3_column_int64(q, 3);
		t->ended = sqlite3_column_int(q, 4) != 0;
		t->dirty = false;
	}
}

/* An entry that has ended meanwhile is one all the same: that it has ended is still to be said. */
static void load_entries(struct suppressions *s, sqlite3_stmt *q)
{
	struct error e;
	while (sqlite3_step(q) == SQLITE_ROW && s->n < SUPPRESSION_ORDERED) {
		const char *name = (const char *)sqlite3_column_text(q, 0), *body = (const char *)sqlite3_column_text(q, 1);
		if (name && body && parse(&s->ordered[s->n], name, bytes_of(body), sqlite3_column_int64(q, 2), &e))
			s->n++;
	}
}

bool suppressions_load(struct suppressions *s, sqlite3 *db, struct error *e)
{
	sqlite3_stmt *counts = NULL, *entries = NULL;
	if (!make_tables(db, e))
		return false;
	bool ok = sqlite3_prepare_v2(db, "SELECT name, count, reported, since, ended FROM suppressed", -1, &counts, NULL) == SQLITE_OK &&
		  sqlite3_prepare_v2(db, "SELECT name, body, at FROM suppression", -1, &entries, NULL) == SQLITE_OK;
	if (ok) {
		load_counts(s, counts);
		load_entries(s, entries);
	}
	sqlite3_finalize(counts);
	sqlite3_finalize(entries);
	return ok || failed(db, e);
}

static bool save_counts(struct suppressions *s, sqlite3 *db)
{
	sqlite3_stmt *q = NULL;
	bool ok = sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO suppressed VALUES (?, ?, ?, ?, ?)", -1, &q, NULL) == SQLITE_OK;
	for (size_t i = 0; ok && i < s->tallies; i++) {
		struct tally_of *t = &s->tally[i];
		if (!t->dirty)
			continue;
		sqlite3_bind_text(q, 1, t->name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(q, 2, (int64_t)t->count);
		sqlite3_bind_int64(q, 3, (int64_t)t->reported);
		sqlite3_bind_int64(q, 4, t->since);
		sqlite3_bind_int(q, 5, t->ended);
		ok = sqlite3_step(q) == SQLITE_DONE;
		t->dirty = !ok;
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	return ok;
}

static bool save_entries(struct suppressions *s, sqlite3 *db)
{
	sqlite3_stmt *q = NULL;
	bool ok = sqlite3_exec(db, "DELETE FROM suppression", NULL, NULL, NULL) == SQLITE_OK &&
		  sqlite3_prepare_v2(db, "INSERT INTO suppression VALUES (?, ?, ?)", -1, &q, NULL) == SQLITE_OK;
	for (size_t i = 0; ok && i < s->n; i++) {
		sqlite3_bind_text(q, 1, s->ordered[i].name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(q, 2, s->ordered[i].entry.until - DAY);
		sqlite3_bind_text(q, 3, s->ordered[i].body, -1, SQLITE_STATIC);
		ok = sqlite3_step(q) == SQLITE_DONE;
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	return ok;
}

bool suppressions_save(struct suppressions *s, sqlite3 *db, struct error *e)
{
	if (!make_tables(db, e))
		return false;
	if (!save_counts(s, db) || (s->changed && !save_entries(s, db)))
		return failed(db, e);
	s->changed = false;
	return true;
}
