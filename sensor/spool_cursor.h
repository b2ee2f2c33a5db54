/* spool_cursor: what the two ends of a spool tell each other, in a small file that both have mapped. The writer says what is there to
 * be read, the reader what it has done with it. It outlives both; after a loss of power it may be older than the files, and then
 * some items are sent once more. */
#ifndef SPOOL_CURSOR_H
#define SPOOL_CURSOR_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { SPOOL_SERIES = 2, SPOOL_OCTETS = 1 << 16 };
enum spool_series { SPOOL_ALERTS, SPOOL_OTHERS };

/* next   the number of the item to come: all below it can be read    last  of each series: the last item put into it
 * the writer's: next, last, put, lost; the reader's: the rest */
struct spool_cursor {
	uint64_t magic;
	_Atomic uint64_t next, last[SPOOL_SERIES], put, lost[SPOOL_SERIES];
	_Atomic uint64_t acknowledged, acknowledged_items, sent, highest, again, failures;
	atomic_bool taken;
};

/* The name of a file of a series that begins with this number, in 32 octets; and back: false: it is none. */
void spool_file_name(enum spool_series series, uint64_t first, char name[32]);
bool spool_file_first(enum spool_series series, const char *name, uint64_t *first);
/* The file of the series with the least first number that is at least `from`, or, with before, the greatest that is at most `from`.
 * 0: there is none. folder: a descriptor. */
uint64_t spool_file_find(int folder, enum spool_series series, uint64_t from, bool before);
#endif
