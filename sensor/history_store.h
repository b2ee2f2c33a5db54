/* history_store: the entries of history.h, those in use in memory, all of them in the database of the state (store.h), at most
 * so many of each. Where there is no more room, the network with the most entries gives one up: the weakest and oldest it has,
 * so that a flood of new names or addresses from one place takes nothing from another. A strong one that goes is counted and
 * can be asked for, once. */
#ifndef HISTORY_STORE_H
#define HISTORY_STORE_H
#include "judge/history.h"
#include "store.h"

/* HISTORY_CACHED  entries in memory (about 5 KiB each)      HISTORY_ROWS  in the database */
enum { HISTORY_CACHED = 4096, HISTORY_ROWS = 2000000 };

struct history_store;

/* NULL: no memory. */
struct history_store *history_store_new(size_t cached, uint64_t rows);
void history_store_free(struct history_store *h);
/* From now on in this database; makes its tables there. false: e says why. */
bool history_store_load(struct history_store *h, sqlite3 *db, struct error *e);
/* Writes what changed, in the transaction that is open. false: e says why. */
bool history_store_save(struct history_store *h, struct error *e);
/* So much has changed that it must be saved before the next session. */
bool history_store_full(const struct history_store *h);

/* Before the rules: facts history.* of the session, and the expectation baseline. */
void history_store_recall(struct history_store *h, struct record *session);
/* After them. worst: of its findings. How many entries were lowered by it. */
unsigned history_store_learn(struct history_store *h, const struct record *session, enum level worst);

/* What the operator said of the server, the host or the client of this name or address, or what the DNS announced: what was
 * known of it counts no more. How many entries. forget: nothing at all is known then. */
unsigned history_store_lower(struct history_store *h, const char *name, int64_t now, bool forget);
/* An import. key: of the entry (history_key). values: what is known besides, or NULL; its counts are not taken over. */
bool history_store_claim(struct history_store *h, const char *key, enum strength claim, int64_t at, const struct history_entry *values);
/* Carries out an order "history.lower", "history.forget" or "history.import" (baseline_command.h). false: it is none of these. */
bool history_store_order(struct history_store *h, const struct store_order *o);
/* The hosts and domains that this address was for in the last week before now (A.3 rank 7), best first, in entry. false: none. */
bool history_store_names(struct history_store *h, const struct addr *server, int64_t now, struct history_entry *entry);

/* A strong entry that was given up since the last call; false: none. More than a few between two calls are only counted. */
bool history_store_gone(struct history_store *h, char key[HISTORY_KEY]);

struct history_numbers {
	uint64_t rows, cached, dirty, evicted, evicted_strong, lowered, refused;
};
struct history_numbers history_store_numbers(const struct history_store *h);

/* Walks all entries of a database in the order of their keys, for a command. key "" before the first. false: no more.
 * A row that is none of ours is passed over. */
bool history_store_next(sqlite3 *db, char key[HISTORY_KEY], struct history_entry *e);
#endif
