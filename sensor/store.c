/* store: see store.h. What the tables of others mean it does not know; it owns the file, the lock and the transaction.
 *
 * Measured with SQLite 3.40 (strace): in WAL mode it wants fcntl locks, a shared map of the -shm file, pread64 and pwrite64,
 * ftruncate, fdatasync and unlink, all of which the judge's sandbox knows as what lies below a folder. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* APPLICATION  marks the file as ours ("mxwi")       DAMAGED  of a folder at most are kept
 * BUSY_MS      for the owner's commit, which takes milliseconds; `read` holds its one until it ends */
enum { APPLICATION = 0x6d787769, DAMAGED = 100, BUSY_MS = 8000, PATH = 4096 - 64, NOBODY = -1 };

/* Ids, a ring with an index: bucket and next hold slot + 1. fresh: taken, and not yet in the database. */
struct ring {
	char (*id)[STORE_ID + 1];
	uint32_t *bucket, *next;
	uint64_t n, saved;
};

struct store {
	sqlite3 *db;
	char path[PATH + 32];
	bool kept, begun, broken, looked;
	int lock;
	int version;                       /* of the data, as SQLite counts for this connection */
	int64_t order, orders_done;        /* the highest that was given, and whose row is gone */
	struct ring ring;
	struct store_numbers numbers;
};

/* ---- ids ---- */

enum { BUCKETS = STORE_RING * 2 };

static uint32_t bucket_of(const char *id)
{
	uint64_t h = 1469598103934665603u;
	for (; *id; id++)
		h = (h ^ (uint8_t)*id) * 1099511628211u;
	return (uint32_t)(h ^ h >> 32) % BUCKETS;
}

static void id_text(struct bytes id, char out[STORE_ID + 1])
{
	id = bytes_head(id, STORE_ID);
	if (id.n)
		memcpy(out, id.p, id.n);
	out[id.n] = '\0';
}

static bool ring_has(const struct ring *r, const char *id)
{
	for (uint32_t at = r->bucket[bucket_of(id)]; at; at = r->next[at - 1])
		if (strcmp(r->id[at - 1], id) == 0)
			return true;
	return false;
}

static void ring_forget(struct ring *r, uint32_t slot)
{
	uint32_t *at = &r->bucket[bucket_of(r->id[slot])];
	while (*at && *at != slot + 1)
		at = &r->next[*at - 1];
	if (*at)
		*at = r->next[slot];
}

static void ring_put(struct ring *r, const char *id)
{
	uint32_t slot = (uint32_t)(r->n % STORE_RING), *head;
	if (r->n >= STORE_RING)
		ring_forget(r, slot);
	memcpy(r->id[slot], id, strlen(id) + 1);
	head = &r->bucket[bucket_of(id)];
	r->next[slot] = *head;
	*head = slot + 1;
	r->n++;
}

static bool ring_new(struct ring *r)
{
	r->id = calloc(STORE_RING, sizeof(r->id[0]));
	r->bucket = calloc(BUCKETS, sizeof(r->bucket[0]));
	r->next = calloc(STORE_RING, sizeof(r->next[0]));
	return r->id && r->bucket && r->next;
}

/* ---- SQLite ---- */

bool store_run(sqlite3 *db, const char *sql, struct error *e)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	return error_set(e, "%s: %s", sqlite3_db_filename(db, "main"), sqlite3_errmsg(db));
}

/* The one number that a statement gives; fallback if it fails. */
static int64_t number_of(sqlite3 *db, const char *sql, int64_t fallback)
{
	sqlite3_stmt *st = NULL;
	int64_t n = fallback;
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* A page that cannot be read is damage, and so is a file of other octets; a disk that is full or a right that is missing is not. */
static bool damaged(sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	const char *text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
	bool bad = rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB || (text && strcmp(text, "ok") != 0);
	sqlite3_finalize(st);
	return bad;
}

static bool connect_to(struct store *s, int flags, struct error *e)
{
	if (sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK) {
		error_set(e, "%s: %s", s->path, s->db ? sqlite3_errmsg(s->db) : "no memory");
		sqlite3_close(s->db);
		s->db = NULL;
		return false;
	}
	sqlite3_busy_timeout(s->db, BUSY_MS);
	return true;
}

/* ---- a damaged database ---- */

/* Renames one file unless there is one of the new name. */
static bool aside(const char *from, const char *to)
{
	struct stat st;
	if (stat(from, &st) != 0)
		return errno == ENOENT;
	return stat(to, &st) != 0 && errno == ENOENT && rename(from, to) == 0;
}

/* The log goes with its database: it belongs to no other. The map beside them is made anew. */
static bool move_aside(struct store *s, struct error *said, struct error *e)
{
	static const char *const part[] = { "", "-wal" };
	char from[sizeof(s->path) + 8], to[sizeof(s->path) + 32];
	struct stat st;
	sqlite3_close(s->db);
	s->db = NULL;
	for (unsigned n = 1; n <= DAMAGED; n++) {
		snprintf(to, sizeof(to), "%s.damaged-%u", s->path, n);
		if (stat(to, &st) == 0)
			continue;
		for (size_t i = 0; i < 2; i++) {
			snprintf(from, sizeof(from), "%s%s", s->path, part[i]);
			snprintf(to, sizeof(to), "%s.damaged-%u%s", s->path, n, part[i]);
			if (!aside(from, to))
				return error_set(e, "%s is damaged and cannot be moved aside: %s; move it away, or restore a copy",
						 from, strerror(errno));
		}
		snprintf(from, sizeof(from), "%s-shm", s->path);
		unlink(from);
		if (said)
			error_set(said, "%s was damaged; it is kept as %s.damaged-%u, and what was learnt begins anew", s->path, s->path, n);
		return true;
	}
	return error_set(e, "%s is damaged, and there are %d damaged ones beside it; remove them", s->path, DAMAGED);
}

/* ---- open ---- */

/* Opens it, and makes it: SQLite would make it readable to everybody, and what root makes in another's folder is the other's,
 * who could not use it else. -1: e says why. */
static int open_file(const char *path, const char *folder, struct error *e)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0 && errno == EACCES)
		error_set(e, "%s: %s for the user with number %u, as whom the judge works; give him the folder", path, strerror(errno),
			  (unsigned)geteuid());
	else if (fd < 0)
		error_set(e, "%s: %s", path, strerror(errno));
	else if (geteuid() == 0 && stat(folder, &st) == 0 && st.st_uid != 0 && fchown(fd, st.st_uid, st.st_gid) != 0)
		error_set(e, "%s: %s", path, strerror(errno));
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool make_file(const struct store *s, const char *folder, struct error *e)
{
	int fd = open_file(s->path, folder, e);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool take_lock(struct store *s, const char *folder, struct error *e)
{
	char path[sizeof(s->path) + 8];
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	snprintf(path, sizeof(path), "%s.owner", s->path);
	s->lock = open_file(path, folder, e);
	if (s->lock < 0)
		return false;
	if (fcntl(s->lock, F_SETLK, &l) == 0)
		return true;
	return error_set(e, "%s: the state belongs to another mxwitness that is running; end it, or name another folder", s->path);
}

bool store_owned(const char *folder)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH + 40];
	int n = snprintf(path, sizeof(path), "%s/mxwitness.db.owner", folder);
	int fd = n < (int)sizeof(path) ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
	bool owned = fd >= 0 && fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK;
	if (fd >= 0)
		close(fd);
	return owned;
}

static bool path_of(struct store *s, const char *folder, struct error *e)
{
	struct stat st;
	if (strlen(folder) >= PATH)
		return error_set(e, "%.200s...: this path is too long", folder);
	if (stat(folder, &st) != 0)
		return error_set(e, "%s: %s; the state needs a folder", folder, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return error_set(e, "%s: not a folder; the state needs one", folder);
	snprintf(s->path, sizeof(s->path), "%s/mxwitness.db", folder);
	s->kept = true;
	return true;
}

/* Ours, and not of a later version? An empty file is nobody's. */
static bool ours(struct store *s, struct error *e)
{
	int64_t application = number_of(s->db, "PRAGMA application_id", -1), version = number_of(s->db, "PRAGMA user_version", -1);
	int64_t tables = number_of(s->db, "SELECT count(*) FROM sqlite_schema", -1);
	if (tables < 0)
		return error_set(e, "%s: %s", s->path, sqlite3_errmsg(s->db));
	if (tables > 0 && application != APPLICATION)
		return error_set(e, "%s: a database of another program; it is left as it is", s->path);
	if (version > STORE_VERSION)
		return error_set(e, "%s: version %lld, and this program knows versions up to %d; use the newer program, or another folder",
				 s->path, (long long)version, STORE_VERSION);
	return true;
}

static bool make_tables(struct store *s, struct error *e)
{
	char sql[128];
	snprintf(sql, sizeof(sql), "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION, STORE_VERSION);
	return store_run(s->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=2000;"
			 "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-32768;"
			 "BEGIN IMMEDIATE;"
			 "CREATE TABLE IF NOT EXISTS applied(slot INTEGER PRIMARY KEY, n INTEGER NOT NULL, id TEXT NOT NULL);"
			 "CREATE TABLE IF NOT EXISTS orders(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL,"
			 " target TEXT NOT NULL, owner TEXT NOT NULL, body TEXT NOT NULL)", e) &&
	       store_run(s->db, sql, e) && store_run(s->db, "COMMIT", e);
}

static bool load_ring(struct store *s, struct error *e)
{
	sqlite3_stmt *st = NULL;
	char id[STORE_ID + 1];
	int rc = SQLITE_NOMEM;
	if (ring_new(&s->ring))
		rc = sqlite3_prepare_v2(s->db, "SELECT id FROM applied ORDER BY n", -1, &st, NULL);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(st);
		const char *text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
		if (!text)
			continue;
		id_text(bytes_of(text), id);
		if (!ring_has(&s->ring, id))
			ring_put(&s->ring, id);
	}
	sqlite3_finalize(st);
	s->ring.saved = s->ring.n;
	return rc == SQLITE_DONE || error_set(e, "%s: %s", s->path, rc == SQLITE_NOMEM ? "no memory" : sqlite3_errmsg(s->db));
}

static struct store *give_up(struct store *s)
{
	store_close(s);
	return NULL;
}

static bool open_owned(struct store *s, const char *folder, struct error *said, struct error *e)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	if (folder && (!path_of(s, folder, e) || !take_lock(s, folder, e) || !make_file(s, folder, e)))
		return false;
	if (!folder)
		memcpy(s->path, ":memory:", sizeof(":memory:"));
	if (!connect_to(s, flags, e))
		return false;
	if (damaged(s->db) && (!move_aside(s, said, e) || !make_file(s, folder, e) || !connect_to(s, flags, e)))
		return false;
	return ours(s, e) && make_tables(s, e) && load_ring(s, e);
}

struct store *store_open(const char *folder, struct error *said, struct error *e)
{
	struct store *s = calloc(1, sizeof(*s));
	if (said)
		said->text[0] = '\0';
	if (!s) {
		error_set(e, "no memory");
		return NULL;
	}
	s->lock = NOBODY;
	s->version = -1;
	return open_owned(s, folder, said, e) ? s : give_up(s);
}

struct store *store_look(const char *folder, bool write, bool *none, struct error *e)
{
	struct store *s = calloc(1, sizeof(*s));
	struct stat st;
	if (none)
		*none = false;
	if (!s) {
		error_set(e, "no memory");
		return NULL;
	}
	s->lock = NOBODY;
	s->version = -1;
	s->looked = true;
	if (!path_of(s, folder, e))
		return give_up(s);
	if (stat(s->path, &st) != 0 && errno == ENOENT) {
		if (none)
			*none = true;
		error_set(e, "%s: no such file; nothing was ever learnt in this folder", s->path);
		return give_up(s);
	}
	if (!connect_to(s, write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY, e) || !ours(s, e) ||
	    (write && !store_run(s->db, "PRAGMA synchronous=FULL", e)))
		return give_up(s);
	return s;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->begun)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close_v2(s->db);
	if (s->lock != NOBODY)
		close(s->lock);
	free(s->ring.id);
	free(s->ring.bucket);
	free(s->ring.next);
	free(s);
}

sqlite3 *store_db(struct store *s)
{
	return s->db;
}

bool store_kept(const struct store *s)
{
	return s->kept;
}

/* ---- one transaction ---- */

bool store_applied(const struct store *s, struct bytes id)
{
	char text[STORE_ID + 1];
	id_text(id, text);
	return ring_has(&s->ring, text);
}

/* More than the ring holds between two commits are none that could be given again: the oldest are forgotten. */
void store_take(struct store *s, struct bytes id)
{
	char text[STORE_ID + 1];
	id_text(id, text);
	if (!ring_has(&s->ring, text))
		ring_put(&s->ring, text);
}

static bool save_ring(struct store *s)
{
	sqlite3_stmt *st = NULL;
	struct ring *r = &s->ring;
	int rc = sqlite3_prepare_v2(s->db, "INSERT OR REPLACE INTO applied(slot, n, id) VALUES(?, ?, ?)", -1, &st, NULL);
	if (r->n - r->saved > STORE_RING)
		r->saved = r->n - STORE_RING;
	for (; rc == SQLITE_OK && r->saved < r->n; r->saved++) {
		uint32_t slot = (uint32_t)(r->saved % STORE_RING);
		sqlite3_bind_int64(st, 1, slot);
		sqlite3_bind_int64(st, 2, (int64_t)r->saved);
		sqlite3_bind_text(st, 3, r->id[slot], -1, SQLITE_STATIC);
		rc = sqlite3_step(st) == SQLITE_DONE ? sqlite3_reset(st) : SQLITE_ERROR;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_OK;
}

static bool drop_orders(struct store *s)
{
	char sql[96];
	if (s->orders_done == s->order)
		return true;
	snprintf(sql, sizeof(sql), "DELETE FROM orders WHERE id <= %lld", (long long)s->order);
	s->orders_done = s->order;
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool fail(struct store *s, struct error *e)
{
	error_set(e, "%s: %s; what is learnt from now on is lost when this run ends", s->path, sqlite3_errmsg(s->db));
	store_abandon(s);
	return false;
}

bool store_begin(struct store *s, struct error *e)
{
	if (s->broken || s->begun)
		return true;
	if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return fail(s, e);
	s->begun = true;
	return (save_ring(s) && drop_orders(s)) || fail(s, e);
}

bool store_commit(struct store *s, struct error *e)
{
	if (s->broken || !s->begun)
		return true;
	if (!save_ring(s) || !drop_orders(s) || sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return fail(s, e);
	s->begun = false;
	s->numbers.commits++;
	return true;
}

void store_abandon(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->begun = false;
	s->broken = true;
	s->numbers.failed++;
}

bool store_begun(const struct store *s)
{
	return s->begun;
}

bool store_broken(const struct store *s)
{
	return s->broken;
}

/* ---- orders ---- */

bool store_order_put(struct store *s, const struct store_order *o, struct error *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, "INSERT INTO orders(at, kind, target, owner, body) VALUES(?, ?, ?, ?, ?)", -1, &st, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, o->at);
		sqlite3_bind_text(st, 2, o->kind, -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 3, o->target, -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 4, o->owner, -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 5, o->body, -1, SQLITE_STATIC);
		rc = sqlite3_step(st);
	}
	if (rc != SQLITE_DONE)
		error_set(e, "%s: %s", s->path, sqlite3_errmsg(s->db));
	sqlite3_finalize(st);
	return rc == SQLITE_DONE;
}

bool store_orders_due(struct store *s)
{
	int version = (int)number_of(s->db, "PRAGMA data_version", -1);
	bool changed = version != s->version;
	s->version = version;
	return changed;
}

static bool column(sqlite3_stmt *st, int i, char *out, size_t cap)
{
	const char *text = (const char *)sqlite3_column_text(st, i);
	int n = snprintf(out, cap, "%s", text ? text : "");
	return text && n >= 0 && (size_t)n < cap;
}

static bool read_order(sqlite3_stmt *st, struct store_order *o)
{
	o->at = sqlite3_column_int64(st, 1);
	return column(st, 2, o->kind, sizeof(o->kind)) && column(st, 3, o->target, sizeof(o->target)) &&
	       column(st, 4, o->owner, sizeof(o->owner)) && column(st, 5, o->body, sizeof(o->body));
}

/* One that is too long to be ours is passed over, and goes with the others. */
bool store_order_next(struct store *s, struct store_order *o)
{
	bool more = true, good = false;
	while (more && !good) {
		sqlite3_stmt *st = NULL;
		if (sqlite3_prepare_v2(s->db, "SELECT id, at, kind, target, owner, body FROM orders WHERE id > ? ORDER BY id LIMIT 1",
				       -1, &st, NULL) != SQLITE_OK)
			return false;
		sqlite3_bind_int64(st, 1, s->order);
		more = sqlite3_step(st) == SQLITE_ROW;
		if (more) {
			s->order = o->id = sqlite3_column_int64(st, 0);
			good = read_order(st, o);
		}
		sqlite3_finalize(st);
	}
	s->numbers.orders += good;
	return good;
}

struct store_numbers store_numbers(struct store *s)
{
	s->numbers.octets = (uint64_t)(number_of(s->db, "PRAGMA page_count", 0) * number_of(s->db, "PRAGMA page_size", 0));
	return s->numbers;
}
