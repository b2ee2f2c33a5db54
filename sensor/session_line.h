/* session_line: a line of a stream of events: the event of a session, as `read` or `watch` wrote it, or something else. */
#ifndef SESSION_LINE_H
#define SESSION_LINE_H
#include "record.h"

/* The number before the dot of mxwitness.schema that is understood: within one, names never change meaning. */
enum { SESSION_LINE_SCHEMA = 1 };

/* EMPTY   nothing but blanks
 * SESSION r is its record: a possible one, with id, times and addresses. What it says was found is only what the line claims (afresh.h)
 * OTHER   an event of ours of another dataset
 * BAD     no event of ours, or not a whole one; why says what is wrong, constant text; else it is NULL */
enum session_line { SESSION_LINE_EMPTY, SESSION_LINE_SESSION, SESSION_LINE_OTHER, SESSION_LINE_BAD };

/* line    with its end or without
 * latest  ns since 1970; a session that ended later is bad: whoever claims to come from the future would make all others late, and
 *         end all that waits for time to pass */
enum session_line session_line_read(struct bytes line, int64_t latest, struct record *r, const char **why);
#endif
