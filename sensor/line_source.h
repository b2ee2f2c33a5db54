/* line_source: where lines of events come from: files, standard input, a pipe. The caller cannot tell.
 *
 * A source has two lives, as source.h has: it is opened by the supervisor, and read by a process that cannot open anything. */
#ifndef LINE_SOURCE_H
#define LINE_SOURCE_H
#include "bytes.h"
#include "error.h"

enum { LINE_SOURCE_LINE = 65536 };

struct line_source;

enum line_result {
	LINE_SOURCE_READ, /* a line, without its end, on loan until the next call */
	LINE_SOURCE_LONG, /* one of more than LINE_SOURCE_LINE octets, which was passed over */
	LINE_SOURCE_WAIT, /* there is none now. Once, so that the caller can pass on what it has; the next call waits for it */
	LINE_SOURCE_FAILED, /* this file cannot be read on; line_source_place says which, errno why. The next call goes on with the next */
	LINE_SOURCE_END   /* there is no more, or the end was asked for */
};

/* Opens n files in the order given; "-" is standard input. stop: a descriptor that is ready to be read when lines are to end at
 * once, or -1; it stays the caller's. NULL: e says what is wrong with which. The caller owns the result. */
struct line_source *line_source_files(char *const *paths, int n, int stop, struct error *e);
/* The same of what is open already: fd, which becomes the source's, called name. */
struct line_source *line_source_open(int fd, const char *name, int stop, struct error *e);
/* line: set by LINE_SOURCE_READ. What stands behind the last end of a line is a line, too. */
enum line_result line_source_next(struct line_source *s, struct bytes *line);
/* The end was asked for. */
bool line_source_stopped(const struct line_source *s);
/* Of the line that came last, for people: "FILE:N", control characters replaced by "?"; on loan until the next call. */
const char *line_source_place(struct line_source *s);
/* Closes what is open and frees s; NULL is allowed. */
void line_source_close(struct line_source *s);
#endif
