/* stats_sum: what the processes of the sensor count, added up to one stats record. Each process reports the facts that it
 * alone knows as a record of its own, its part, with counters since its own start; capture workers report the same facts,
 * each about its share.
 *
 * In the sum
 *   counters     are added, and never go back: what a process had counted before it was started anew stays in
 *   gauges       (what is open, waiting or in use now) are added over the parts as they are
 *   all others   are taken from the last part that has them
 *   objects      (facts with "[]") that are called alike are one object: packets of one interface by several workers */
#ifndef STATS_SUM_H
#define STATS_SUM_H
#include "record.h"

enum { STATS_PARTS = 32 };

struct stats_sum;

/* NULL: no memory. All of it is taken here (about a megabyte), and shared with processes that are forked later. */
struct stats_sum *stats_sum_new(void);
/* Nothing was counted. */
void stats_sum_clear(struct stats_sum *s);
void stats_sum_free(struct stats_sum *s);

/* stats_sum_take: the newest part of a process; it takes the place of the one before.
 * part  number of the process, below STATS_PARTS; the same one as long as the sensor runs */
void stats_sum_take(struct stats_sum *s, unsigned part, const struct record *stats);
/* stats_sum_check: forgets parts that are no possible records, as one is in whose middle the process that took it died. */
void stats_sum_check(struct stats_sum *s);
/* stats_sum_restarted: the process was started anew: its next part counts from zero. */
void stats_sum_restarted(struct stats_sum *s, unsigned part);
/* stats_sum_fill: the sum of all parts, into a record that stats_sum empties first. */
void stats_sum_fill(struct stats_sum *s, struct record *out);

/* stats_add: a + b, or the greatest or least number where that is beyond it: numbers of another process are hostile. */
static inline int64_t stats_add(int64_t a, int64_t b)
{
	int64_t sum;
	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return b > 0 ? INT64_MAX : INT64_MIN;
}

/* stats_rows: objects of one kind in a record, one after the other.
 * name   the fact that every one of them has
 * fact   of the same objects: its number in the current row is wanted */
struct stats_rows {
	const struct record *r;
	enum fact name;
	size_t pos, row;
	struct bytes key;
};
/* Moves to the next object; its name is in rows->key. false: there is none. Start with {record, name}. */
bool stats_rows_next(struct stats_rows *rows);
/* A number (or word) of the current object; 0 when its column is not there. */
int64_t stats_rows_num(const struct stats_rows *rows, enum fact fact);
#endif
