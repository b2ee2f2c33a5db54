/* status_table: the live table of `mxwitness status`, from one stats record. */
#ifndef STATUS_TABLE_H
#define STATUS_TABLE_H
#include "record.h"
#include "text.h"

/* Least and greatest width; what the caller says is brought between. */
enum { STATUS_NARROW = 80, STATUS_WIDE = 120 };

/* status_table: appends the table. Octets from outside are made harmless.
 * stats   a stats event as vitals_update left it
 * before  the one before it, for rates (a second); NULL: totals only
 * colour  with escape sequences for a terminal     width  its columns */
void status_table(const struct record *stats, const struct record *before, bool colour, unsigned width, struct text *out);
#endif
