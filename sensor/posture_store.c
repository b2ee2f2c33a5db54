/* posture_store: see posture_store.h. Knows rows and columns, and nothing of what they mean. */
#include "posture_store.h"

#include <stddef.h>

static const char tables[] =
	"CREATE TABLE IF NOT EXISTS posture_domain(domain TEXT PRIMARY KEY, state INTEGER, ttl INTEGER, ttl_before INTEGER, first INTEGER,"
	" looked INTEGER, told INTEGER, state_since INTEGER, signed_until INTEGER, dane_until INTEGER, all_dane_until INTEGER,"
	" best_until INTEGER, ttl_end INTEGER, high_end INTEGER, lowered_since INTEGER, legacy_since INTEGER, testing_since INTEGER,"
	" print BLOB) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS posture_host(domain TEXT, host TEXT, preference INTEGER, state INTEGER, listed INTEGER, first INTEGER,"
	" last INTEGER, state_at INTEGER, dane_until INTEGER, lacking_since INTEGER, tlsa_until INTEGER, replaced_until INTEGER,"
	" PRIMARY KEY(domain, host)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS posture_tlsa(domain TEXT, host TEXT, number INTEGER, kind INTEGER, print INTEGER,"
	" PRIMARY KEY(domain, host, number)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS posture_standing(domain TEXT, rule TEXT, since INTEGER, raised INTEGER, is_on INTEGER, quiet INTEGER,"
	" PRIMARY KEY(domain, rule)) WITHOUT ROWID;";

/* Columns that are int64_t members, in the order of the tables. */
static const size_t domain_times[] = {
	offsetof(struct posture, first), offsetof(struct posture, looked), offsetof(struct posture, told),
	offsetof(struct posture, state_since), offsetof(struct posture, signed_until), offsetof(struct posture, dane_until),
	offsetof(struct posture, all_dane_until), offsetof(struct posture, best_until), offsetof(struct posture, ttl_end),
	offsetof(struct posture, high_end), offsetof(struct posture, lowered_since), offsetof(struct posture, legacy_since),
	offsetof(struct posture, testing_since)
};
static const size_t host_times[] = {
	offsetof(struct posture_host, first), offsetof(struct posture_host, last), offsetof(struct posture_host, state_at),
	offsetof(struct posture_host, dane_until), offsetof(struct posture_host, lacking_since),
	offsetof(struct posture_host, tlsa_until), offsetof(struct posture_host, replaced_until)
};
enum { DOMAIN_TIMES = sizeof(domain_times) / sizeof(domain_times[0]), HOST_TIMES = sizeof(host_times) / sizeof(host_times[0]) };

static bool broken(sqlite3 *db, struct error *e)
{
	return error_set(e, "the state of watched domains: %s", sqlite3_errmsg(db));
}

static bool prepare(sqlite3 *db, const char *sql, sqlite3_stmt **s, struct error *e)
{
	return sqlite3_prepare_v2(db, sql, -1, s, NULL) == SQLITE_OK || broken(db, e);
}

static int64_t time_at(const void *base, size_t offset)
{
	int64_t v;
	memcpy(&v, (const char *)base + offset, sizeof(v));
	return v;
}

/* Columns from first on, into int64_t members. A time before 1970 is none. */
static void read_times(sqlite3_stmt *s, int first, const size_t *offset, size_t n, void *base)
{
	for (size_t i = 0; i < n; i++) {
		int64_t v = sqlite3_column_int64(s, first + (int)i);
		v = v < 0 ? 0 : v;
		memcpy((char *)base + offset[i], &v, sizeof(v));
	}
}

static void bind_times(sqlite3_stmt *s, int first, const size_t *offset, size_t n, const void *base)
{
	for (size_t i = 0; i < n; i++)
		sqlite3_bind_int64(s, first + (int)i, time_at(base, offset[i]));
}

static bool read_text(sqlite3_stmt *s, int column, char *to, size_t cap)
{
	const char *text = (const char *)sqlite3_column_text(s, column);
	size_t n = text ? strlen(text) : 0;
	if (n == 0 || n >= cap)
		return false;
	memcpy(to, text, n + 1);
	return true;
}

/* ---- reading ---- */

static void read_domain(sqlite3_stmt *s, struct posture *p)
{
	int64_t state = sqlite3_column_int64(s, 0);
	p->state = state >= 0 && state < posturestate_COUNT ? (uint8_t)state : posturestate_unknown;
	p->ttl = (uint32_t)sqlite3_column_int64(s, 1);
	p->ttl_before = (uint32_t)sqlite3_column_int64(s, 2);
	read_times(s, 3, domain_times, DOMAIN_TIMES, p);
	if (sqlite3_column_bytes(s, 3 + DOMAIN_TIMES) == sizeof(p->print))
		memcpy(p->print, sqlite3_column_blob(s, 3 + DOMAIN_TIMES), sizeof(p->print));
}

static void read_host(sqlite3_stmt *s, struct posture *p)
{
	struct posture_host *h = &p->host[p->hosts];
	*h = (struct posture_host){ .state = HOST_INCOMPLETE };
	int64_t state = sqlite3_column_int64(s, 2);
	if (p->hosts == POSTURE_HOSTS || !read_text(s, 0, h->name, sizeof(h->name)) || state < 0 || state > HOST_BOGUS)
		return;
	h->preference = (uint16_t)sqlite3_column_int64(s, 1);
	h->state = (uint8_t)state;
	h->listed = sqlite3_column_int64(s, 3);
	read_times(s, 4, host_times, HOST_TIMES, h);
	p->hosts++;
}

static void read_tlsa(sqlite3_stmt *s, struct posture *p)
{
	char name[NAME_MAX_TEXT + 1];
	if (!read_text(s, 0, name, sizeof(name)))
		return;
	for (unsigned i = 0; i < p->hosts; i++) {
		struct posture_host *h = &p->host[i];
		if (strcmp(h->name, name) == 0 && h->records < LOOK_RECORDS)
			h->tlsa[h->records++] = (struct posture_tlsa){ .kind = (uint32_t)sqlite3_column_int64(s, 1),
								       .print = (uint64_t)sqlite3_column_int64(s, 2) };
	}
}

static void read_standing(sqlite3_stmt *s, struct posture *p)
{
	struct standing_entry *entry = &p->standing.entry[p->standing.n];
	if (p->standing.n == STANDING_MAX || !read_text(s, 0, entry->id, sizeof(entry->id)))
		return;
	entry->since = sqlite3_column_int64(s, 1);
	entry->raised = sqlite3_column_int64(s, 2);
	entry->on = sqlite3_column_int64(s, 3);
	entry->quiet = sqlite3_column_int64(s, 4);
	p->standing.n++;
}

/* All rows of p that sql selects, with its domain as the first parameter. */
static bool read_rows(sqlite3 *db, const char *sql, struct posture *p, void (*row)(sqlite3_stmt *, struct posture *), struct error *e)
{
	sqlite3_stmt *s;
	int rc;
	if (!prepare(db, sql, &s, e))
		return false;
	sqlite3_bind_text(s, 1, p->watch->domain, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		row(s, p);
	bool ok = rc == SQLITE_DONE || broken(db, e);
	sqlite3_finalize(s);
	return ok;
}

static bool read_one(struct posture *p, sqlite3 *db, struct error *e)
{
	return read_rows(db, "SELECT state, ttl, ttl_before, first, looked, told, state_since, signed_until, dane_until, all_dane_until,"
			 " best_until, ttl_end, high_end, lowered_since, legacy_since, testing_since, print"
			 " FROM posture_domain WHERE domain = ?", p, read_domain, e) &&
	       read_rows(db, "SELECT host, preference, state, listed, first, last, state_at, dane_until, lacking_since, tlsa_until,"
			 " replaced_until FROM posture_host WHERE domain = ?", p, read_host, e) &&
	       read_rows(db, "SELECT host, kind, print FROM posture_tlsa WHERE domain = ? ORDER BY number", p, read_tlsa, e) &&
	       read_rows(db, "SELECT rule, since, raised, is_on, quiet FROM posture_standing WHERE domain = ?", p, read_standing, e);
}

bool posture_load(struct posture *p, size_t n, sqlite3 *db, struct error *e)
{
	if (sqlite3_exec(db, tables, NULL, NULL, NULL) != SQLITE_OK)
		return broken(db, e);
	for (size_t i = 0; i < n; i++)
		if (!read_one(&p[i], db, e))
			return false;
	return true;
}

/* ---- writing ---- */

static bool step(sqlite3 *db, sqlite3_stmt *s, struct error *e)
{
	bool ok = sqlite3_step(s) == SQLITE_DONE || broken(db, e);
	sqlite3_reset(s);
	return ok;
}

static bool run_for(sqlite3 *db, const char *sql, const char *domain, struct error *e)
{
	sqlite3_stmt *s;
	if (!prepare(db, sql, &s, e))
		return false;
	sqlite3_bind_text(s, 1, domain, -1, SQLITE_STATIC);
	bool ok = step(db, s, e);
	sqlite3_finalize(s);
	return ok;
}

static bool write_domain(const struct posture *p, sqlite3 *db, struct error *e)
{
	sqlite3_stmt *s;
	if (!prepare(db, "INSERT OR REPLACE INTO posture_domain VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", &s, e))
		return false;
	sqlite3_bind_text(s, 1, p->watch->domain, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, p->state);
	sqlite3_bind_int64(s, 3, p->ttl);
	sqlite3_bind_int64(s, 4, p->ttl_before);
	bind_times(s, 5, domain_times, DOMAIN_TIMES, p);
	sqlite3_bind_blob(s, 5 + DOMAIN_TIMES, p->print, sizeof(p->print), SQLITE_STATIC);
	bool ok = step(db, s, e);
	sqlite3_finalize(s);
	return ok;
}

static bool write_tlsa(const struct posture *p, const struct posture_host *h, sqlite3_stmt *s, sqlite3 *db, struct error *e)
{
	bool ok = true;
	for (unsigned i = 0; ok && i < h->records; i++) {
		sqlite3_bind_text(s, 1, p->watch->domain, -1, SQLITE_STATIC);
		sqlite3_bind_text(s, 2, h->name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(s, 3, i);
		sqlite3_bind_int64(s, 4, h->tlsa[i].kind);
		sqlite3_bind_int64(s, 5, (int64_t)h->tlsa[i].print);
		ok = step(db, s, e);
	}
	return ok;
}

static bool write_hosts(const struct posture *p, sqlite3 *db, struct error *e)
{
	sqlite3_stmt *s = NULL, *tlsa = NULL;
	bool ok = prepare(db, "INSERT OR REPLACE INTO posture_host VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", &s, e) &&
		  prepare(db, "INSERT OR REPLACE INTO posture_tlsa VALUES(?,?,?,?,?)", &tlsa, e);
	for (unsigned i = 0; ok && i < p->hosts; i++) {
		const struct posture_host *h = &p->host[i];
		sqlite3_bind_text(s, 1, p->watch->domain, -1, SQLITE_STATIC);
		sqlite3_bind_text(s, 2, h->name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(s, 3, h->preference);
		sqlite3_bind_int64(s, 4, h->state);
		sqlite3_bind_int64(s, 5, h->listed);
		bind_times(s, 6, host_times, HOST_TIMES, h);
		ok = step(db, s, e) && write_tlsa(p, h, tlsa, db, e);
	}
	sqlite3_finalize(s);
	sqlite3_finalize(tlsa);
	return ok;
}

static bool write_standing(const struct posture *p, sqlite3 *db, struct error *e)
{
	sqlite3_stmt *s;
	if (!prepare(db, "INSERT OR REPLACE INTO posture_standing VALUES(?,?,?,?,?,?)", &s, e))
		return false;
	bool ok = true;
	for (size_t i = 0; ok && i < p->standing.n; i++) {
		const struct standing_entry *entry = &p->standing.entry[i];
		sqlite3_bind_text(s, 1, p->watch->domain, -1, SQLITE_STATIC);
		sqlite3_bind_text(s, 2, entry->id, -1, SQLITE_STATIC);
		sqlite3_bind_int64(s, 3, entry->since);
		sqlite3_bind_int64(s, 4, entry->raised);
		sqlite3_bind_int64(s, 5, entry->on);
		sqlite3_bind_int64(s, 6, entry->quiet);
		ok = step(db, s, e);
	}
	sqlite3_finalize(s);
	return ok;
}

bool posture_save(const struct posture *p, sqlite3 *db, struct error *e)
{
	const char *domain = p->watch->domain;
	return run_for(db, "DELETE FROM posture_host WHERE domain = ?", domain, e) &&
	       run_for(db, "DELETE FROM posture_tlsa WHERE domain = ?", domain, e) &&
	       run_for(db, "DELETE FROM posture_standing WHERE domain = ?", domain, e) && write_domain(p, db, e) && write_hosts(p, db, e) &&
	       write_standing(p, db, e);
}

static bool is_watched(const struct posture *p, size_t n, const char *domain)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(p[i].watch->domain, domain) == 0)
			return true;
	return false;
}

bool posture_forget(const struct posture *p, size_t n, int64_t now, sqlite3 *db, struct error *e)
{
	sqlite3_stmt *s;
	char name[NAME_MAX_TEXT + 1];
	bool ok = prepare(db, "SELECT domain FROM posture_domain WHERE looked < ?", &s, e);
	if (!ok)
		return false;
	sqlite3_bind_int64(s, 1, now - POSTURE_KEPT);
	while (ok && sqlite3_step(s) == SQLITE_ROW) {
		if (!read_text(s, 0, name, sizeof(name)) || is_watched(p, n, name))
			continue;
		ok = run_for(db, "DELETE FROM posture_host WHERE domain = ?", name, e) &&
		     run_for(db, "DELETE FROM posture_tlsa WHERE domain = ?", name, e) &&
		     run_for(db, "DELETE FROM posture_standing WHERE domain = ?", name, e) &&
		     run_for(db, "DELETE FROM posture_domain WHERE domain = ?", name, e);
	}
	sqlite3_finalize(s);
	return ok;
}
