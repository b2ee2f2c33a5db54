/* correlator_store: see correlator_store.h. A row is what correlate.h says it is; this file only keeps it. What comes from the
 * database is input like any other, and correlator_restore is who checks it. */
#include "correlator_store.h"

#include <string.h>

static bool failed(sqlite3 *db, struct error *e)
{
	return error_set(e, "the state of correlations: %s", sqlite3_errmsg(db));
}

static bool make_table(sqlite3 *db, struct error *e)
{
	return sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS correlation(kind INTEGER NOT NULL, document BLOB NOT NULL, "
			    "slot INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(kind, document, slot)) WITHOUT ROWID",
			    NULL, NULL, NULL) == SQLITE_OK || failed(db, e);
}

/* false: it is no row of ours. */
static bool row_of(sqlite3_stmt *q, struct correlate_row *row)
{
	*row = (struct correlate_row){ .kind = UINT8_MAX };
	const int64_t kind = sqlite3_column_int64(q, 0), slot = sqlite3_column_int64(q, 2);
	const void *document = sqlite3_column_blob(q, 1), *body = sqlite3_column_blob(q, 3);
	const int n = sqlite3_column_bytes(q, 1), octets = sqlite3_column_bytes(q, 3);
	if (kind < 0 || kind > UINT8_MAX || slot < 0 || slot > UINT32_MAX || !document || n != CORRELATE_HASH || !body ||
	    octets > CORRELATE_ROW)
		return false;
	*row = (struct correlate_row){ .kind = (uint8_t)kind, .slot = (uint32_t)slot, .octets = { body, (size_t)octets } };
	memcpy(row->table, document, CORRELATE_HASH);
	return true;
}

static bool bind(sqlite3_stmt *q, const struct correlate_row *row)
{
	sqlite3_reset(q);
	sqlite3_bind_int(q, 1, row->kind);
	sqlite3_bind_blob(q, 2, row->table, CORRELATE_HASH, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, row->slot);
	if (row->octets.n)
		sqlite3_bind_blob(q, 4, row->octets.p, (int)row->octets.n, SQLITE_STATIC);
	return sqlite3_step(q) == SQLITE_DONE;
}

#define REMOVE "DELETE FROM correlation WHERE kind = ? AND document = ? AND slot = ?"

/* What is not taken is removed, or it would be in the way of what is saved in its place, and be counted at each start. */
static bool load_rows(struct correlator *c, sqlite3_stmt *q, sqlite3_stmt *gone)
{
	struct correlate_row row;
	bool ok = true;
	int rc;
	while ((rc = sqlite3_step(q)) == SQLITE_ROW && ok) {
		bool ours = row_of(q, &row);
		if (correlator_restore(c, &row) || !ours)
			continue;
		row.octets.n = 0;
		ok = bind(gone, &row);
	}
	return ok && rc == SQLITE_DONE;
}

bool correlator_load(struct correlator *c, sqlite3 *db, struct error *e)
{
	sqlite3_stmt *q = NULL, *gone = NULL;
	if (!make_table(db, e))
		return false;
	bool ok = sqlite3_prepare_v2(db, "SELECT kind, document, slot, body FROM correlation", -1, &q, NULL) == SQLITE_OK &&
		  sqlite3_prepare_v2(db, REMOVE, -1, &gone, NULL) == SQLITE_OK && load_rows(c, q, gone);
	correlator_restored(c);
	if (!ok)
		failed(db, e);
	sqlite3_finalize(q);
	sqlite3_finalize(gone);
	return ok;
}

bool correlator_save(struct correlator *c, sqlite3 *db, struct error *e)
{
	static uint8_t buf[CORRELATE_ROW];
	struct correlate_row row;
	sqlite3_stmt *put = NULL, *gone = NULL;
	bool ok = sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO correlation VALUES (?, ?, ?, ?)", -1, &put, NULL) == SQLITE_OK &&
		  sqlite3_prepare_v2(db, REMOVE, -1, &gone, NULL) == SQLITE_OK;
	while (ok && correlator_changed(c, &row, buf))
		ok = bind(row.octets.n ? put : gone, &row);
	if (!ok)
		failed(db, e);
	sqlite3_finalize(put);
	sqlite3_finalize(gone);
	return ok;
}
