/* rows_store: see rows_store.h. A row stands under its kind and place, so that the table in the database has the bound of the one in
 * memory. A key tells whether the place is right: tables of another size do not take each other's rows. */
#include "rows_store.h"

#include <string.h>

static bool failed(sqlite3 *db, struct error *e)
{
	return error_set(e, "the company of sessions in the database: %s", sqlite3_errmsg(db));
}

static bool make_table(sqlite3 *db, struct error *e)
{
	return sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS company (kind TEXT NOT NULL, place INTEGER NOT NULL, body BLOB NOT NULL, "
				"PRIMARY KEY (kind, place)) WITHOUT ROWID", NULL, NULL, NULL) == SQLITE_OK || failed(db, e);
}

static void load_one(struct rows *t, int64_t place, const void *body, int n)
{
	if (place < 0 || (size_t)place >= rows_count(t) || !body || (size_t)n != t->size)
		return;
	struct row *r = rows_at(t, (size_t)place);
	memcpy(r, body, t->size);
	r->dirty = false;
	if (r->key == 0 || r->key % t->sets != (size_t)place / ROWS_WAYS)
		memset(r, 0, t->size);
}

bool rows_load(struct rows *t, sqlite3 *db, const char *kind, struct error *e)
{
	sqlite3_stmt *q = NULL;
	int rc;
	if (!make_table(db, e))
		return false;
	if (sqlite3_prepare_v2(db, "SELECT place, body FROM company WHERE kind = ?", -1, &q, NULL) != SQLITE_OK)
		return failed(db, e);
	sqlite3_bind_text(q, 1, kind, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW)
		load_one(t, sqlite3_column_int64(q, 0), sqlite3_column_blob(q, 1), sqlite3_column_bytes(q, 1));
	sqlite3_finalize(q);
	return rc == SQLITE_DONE || failed(db, e);
}

bool rows_save(struct rows *t, sqlite3 *db, const char *kind, struct error *e)
{
	sqlite3_stmt *q = NULL;
	if (!make_table(db, e))
		return false;
	bool ok = sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO company VALUES (?, ?, ?)", -1, &q, NULL) == SQLITE_OK;
	for (size_t i = 0; ok && i < rows_count(t); i++) {
		struct row *r = rows_at(t, i);
		if (!r->dirty)
			continue;
		sqlite3_bind_text(q, 1, kind, -1, SQLITE_STATIC);
		sqlite3_bind_int64(q, 2, (int64_t)i);
		sqlite3_bind_blob(q, 3, r, (int)t->size, SQLITE_STATIC);
		ok = sqlite3_step(q) == SQLITE_DONE;
		r->dirty = !ok;
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	return ok || failed(db, e);
}

static const char *const kinds[] = { "repeats", "clients", "visits", "spread" };

static struct rows *rows_of(struct company *c, size_t i)
{
	struct rows *all[] = { &c->repeats, &c->clients, &c->visits, &c->spread };
	return all[i];
}

bool company_load(struct company *c, sqlite3 *db, struct error *e)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!rows_load(rows_of(c, i), db, kinds[i], e))
			return false;
	return true;
}

bool company_save(struct company *c, sqlite3 *db, struct error *e)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!rows_save(rows_of(c, i), db, kinds[i], e))
			return false;
	return true;
}
