/* smtp_line: where a line of the dialogue ends (RFC 5321 2.3.8). Knows neither commands nor replies, keeps nothing:
 * what has no end yet stays with the stream. */
#include "wire/smtp_line.h"

size_t smtp_line_end(struct bytes in)
{
	const uint8_t *lf = in.n ? memchr(in.p, '\n', in.n) : NULL;
	return lf ? (size_t)(lf - in.p) + 1 : 0;
}

enum parse smtp_line(struct bytes in, struct bytes *line, size_t *used, bool *bare)
{
	size_t n = smtp_line_end(bytes_head(in, SMTP_LINE_MAX));
	*used = n;
	*bare = false;
	if (n) {
		*bare = n < 2 || in.p[n - 2] != '\r';
		*line = bytes_head(in, *bare ? n - 1 : n - 2);
		return PARSE_OK;
	}
	*line = bytes_head(in, SMTP_LINE_MAX);
	if (in.n < SMTP_LINE_MAX)
		return PARSE_MORE;
	*used = SMTP_LINE_MAX;
	return PARSE_LONG;
}
