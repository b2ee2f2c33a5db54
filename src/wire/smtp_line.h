/* smtp_line: octets of a dialogue into lines, outside of content. */
#ifndef SMTP_LINE_H
#define SMTP_LINE_H
#include "bytes.h"

/* RFC 5321 4.5.3.1 allows 512 for commands and replies, RFC 4954 4 up to 12288 inside AUTH, whose octets nobody reads. */
enum { SMTP_LINE_MAX = 2048 };

/* The first line of in.
 * line  out: without its line end; borrows from in
 * used  out: octets to drop, line end included; 0 on PARSE_MORE
 * bare  out: the line ended in LF alone. RFC 5321 2.3.8 forbids it and SMTP smuggling lives on it: it is read as a
 *       line end here and kept visible
 * PARSE_OK: a line.  PARSE_MORE: no line end yet; call again with these octets and more behind them
 * PARSE_LONG: no line end in SMTP_LINE_MAX octets: line has them, the rest up to the next line end is to be skipped */
enum parse smtp_line(struct bytes in, struct bytes *line, size_t *used, bool *bare);

/* Octets up to and with the first LF, or 0 if there is none. */
size_t smtp_line_end(struct bytes in);
#endif
