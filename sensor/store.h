/* store: what is remembered between runs, in one SQLite database: DIR/mxwitness.db, or in memory for one run.
 *
 * It holds the tables of others (history, correlation, incidents: each creates, loads and saves its own), the ids of the
 * sessions that they contain, and what operators ordered. All of it changes in one transaction, so that the database is
 * always the state after some session, and says which:
 *
 *	store_open(DIR, &e); X_load(x, store_db(s)); ...
 *	store_applied(s, id)                            is the session in it already? Then it changes nothing.
 *	...                                             sessions are judged
 *	store_take(s, id)                               this session's traces are in what is saved next
 *	store_begin(s, &e); X_save(x, store_db(s)); ... what changed is written, and nobody else sees it yet
 *	store_commit(s, &e)                             everything is there, or nothing
 *
 * One process owns the state (a lock says so) and others may look and put orders while it runs: the database is in WAL mode.
 * A power failure may take the last second's commits (synchronous=NORMAL) and never half of one: the sessions that they
 * contain are then as unknown as those that were not judged, and go with the same failure. The death of a process takes
 * nothing. What an operator orders is on the disk when the command ends (synchronous=FULL).
 * Who works in a transaction of his own outside begin and commit breaks this. */
#ifndef STORE_H
#define STORE_H
#include <sqlite3.h>

#include "bytes.h"
#include "error.h"

/* STORE_VERSION  of the tables together: a database of a newer one is refused
 * STORE_RING     ids of the sessions that came last: more than can be given again after a crash
 * STORE_ID       octets of an id          STORE_WORD, STORE_BODY   of an order */
enum { STORE_VERSION = 1, STORE_RING = 1 << 17, STORE_ID = 32, STORE_WORD = 64, STORE_TARGET = 512, STORE_BODY = 16384 };

struct store;

/* What an operator wants of whoever owns the state; strings end in NUL.
 * id     ascending          at     ns since 1970
 * kind   whose it is and what: "history.import", "incident.ack", ...
 * target what it is about   owner  who said so     body  JSON, or "" */
struct store_order {
	int64_t id, at;
	char kind[STORE_WORD], owner[STORE_WORD], target[STORE_TARGET], body[STORE_BODY];
};

/* Opens the database of the folder for the one process that owns the state, and makes it where there is none.
 * folder  NULL: in memory, for this run
 * said    out, what the operator must hear: a damaged database was moved aside; "" if nothing. May be NULL
 * NULL: e says why: no folder, no right, a newer version, somebody else owns it. */
struct store *store_open(const char *folder, struct error *said, struct error *e);
/* Is there an owner that is running? */
bool store_owned(const char *folder);
/* Opens it beside its owner, for a command. write: to put orders; else to look only.
 * NULL: e says why; there is none, if *none (may be NULL) is set. */
struct store *store_look(const char *folder, bool write, bool *none, struct error *e);
/* What was not committed is lost. */
void store_close(struct store *s);

/* The database, for tables of one's own: CREATE TABLE IF NOT EXISTS, and everything read is checked like any input. */
sqlite3 *store_db(struct store *s);
/* Is it on a disk? */
bool store_kept(const struct store *s);

/* Is the session of this id in the state? */
bool store_applied(const struct store *s, struct bytes id);
/* The session of this id is in what is saved next, and from now on store_applied. */
void store_take(struct store *s, struct bytes id);

/* Begins a transaction, if none is open, with the ids taken since the last and the orders that are done. false: e says why;
 * the state cannot be saved any more in this run (store_broken), the database is what it was. */
bool store_begin(struct store *s, struct error *e);
/* Ends it. false: as above. */
bool store_commit(struct store *s, struct error *e);
/* Ends it as though it had not begun. The state is broken from then on: what parts believe to be saved is not. */
void store_abandon(struct store *s);
/* A transaction is open. */
bool store_begun(const struct store *s);
/* Saving failed before; nothing is saved any more, and begin and commit do nothing and succeed. */
bool store_broken(const struct store *s);

/* Orders. store_order_put: for commands and for the owner; false: e says why. */
bool store_order_put(struct store *s, const struct store_order *o, struct error *e);
/* Has another process changed the database since the last call? True at the first. Cheap: call it each second. */
bool store_orders_due(struct store *s);
/* The oldest order that was not given yet; to be called when no transaction is open. It is done: gone with the next commit. */
bool store_order_next(struct store *s, struct store_order *o);

/* Runs one statement without a result. false: e says what, with the text of SQLite. */
bool store_run(sqlite3 *db, const char *sql, struct error *e);

struct store_numbers {
	uint64_t commits, failed, orders;
	uint64_t octets;           /* of the database */
};
struct store_numbers store_numbers(struct store *s);
#endif
