/* rows_store: rows of a bounded table (judge/rows.h) in the database: what changed is written, what was given up is forgotten. */
#ifndef ROWS_STORE_H
#define ROWS_STORE_H
#include <sqlite3.h>

#include "error.h"
#include "judge/company.h"

/* Rows of a kind, which is a name. What does not fit (another size, as of another version) is left out. false: e says why. */
bool rows_load(struct rows *t, sqlite3 *db, const char *kind, struct error *e);
bool rows_save(struct rows *t, sqlite3 *db, const char *kind, struct error *e);
/* All that sessions around one say. */
bool company_load(struct company *c, sqlite3 *db, struct error *e);
bool company_save(struct company *c, sqlite3 *db, struct error *e);
#endif
