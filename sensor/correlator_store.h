/* correlator_store: the state of correlations over a restart, in the tables of the state's database. */
#ifndef CORRELATOR_STORE_H
#define CORRELATOR_STORE_H
#include <sqlite3.h>

#include "error.h"
#include "judge/correlate.h"

/* correlator_load: into a new correlator, everything that still fits: rows of other documents, another layout of facts or less
 * room are left out, counted (correlator_counts) and removed. The table is made where it is missing.
 * correlator_save: what changed since it was saved last; the caller has begun a transaction.
 * false: e says why, with the text of SQLite. */
bool correlator_load(struct correlator *c, sqlite3 *db, struct error *e);
bool correlator_save(struct correlator *c, sqlite3 *db, struct error *e);
#endif
