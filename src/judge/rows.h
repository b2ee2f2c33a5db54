/* rows: a bounded table of equal rows by a 64-bit key: sets of four places; in a full set the row that was used longest ago gives way.
 * Memory is taken once. Rows are plain values, so that they may be kept in a database as they are. */
#ifndef JUDGE_ROWS_H
#define JUDGE_ROWS_H
#include "bytes.h"

enum { ROWS_WAYS = 4 };

/* Begins every row. key 0: free.   used: packet time, ns   dirty: changed since somebody saved it */
struct row {
	uint64_t key;
	int64_t used;
	bool dirty;
};

struct rows {
	uint8_t *at;
	size_t size, sets;         /* octets of a row */
	uint64_t evicted;
};

/* rows_begin: at least that many rows of size octets, all free. false: no memory. */
bool rows_begin(struct rows *t, size_t size, size_t rows);
void rows_end(struct rows *t);
/* The row of that key, or NULL. */
void *rows_find(const struct rows *t, uint64_t key);
/* The same; where there is none, one is made, all zero but for its key. It counts as used now, and as changed. */
void *rows_take(struct rows *t, uint64_t key, int64_t now);
size_t rows_count(const struct rows *t);
/* Row i of rows_count, free or not. */
struct row *rows_at(const struct rows *t, size_t i);
/* rows_key: a key made of octets (FNV-1a), never 0. before: the key of what stands in front, 0: nothing does. */
uint64_t rows_key(uint64_t before, struct bytes octets);
#endif
