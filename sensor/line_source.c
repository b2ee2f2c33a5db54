/* line_source: see line_source.h. One buffer, in which lines are cut; a line that it cannot hold is thrown away as it comes. */
#include "line_source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 2 * (LINE_SOURCE_LINE + 1), PLACE = 512 };

struct line_file {
	int fd;                    /* -1: closed */
	char *name;
};

/* now        the file that is read; number, of the line that was cut from it last
 * told       what line_source_place is asked about: its file and number
 * at, have   octets of buffer that no line was made of yet
 * skip       the line at hand is too long: all up to its end goes
 * waited     the caller knows that nothing is there */
struct line_source {
	struct line_file *file;
	size_t n, now, told;
	int stop;
	uint64_t number, told_number;
	size_t at, have;
	bool skip, waited, ended;
	char place[PLACE];
	uint8_t buffer[BUFFER];
};

static char *shown(const char *path)
{
	char *name = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
	for (char *p = name; p && *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return name;
}

static bool open_file(struct line_file *f, const char *path, struct error *e)
{
	struct stat st;
	f->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	f->name = shown(path);
	if (f->fd < 0)
		return error_set(e, "%s: cannot be read: %s", path, strerror(errno));
	if (fstat(f->fd, &st) == 0 && S_ISDIR(st.st_mode))
		return error_set(e, "%s: a directory; name the files in it", path);
	return f->name || error_set(e, "no memory");
}

struct line_source *line_source_files(char *const *paths, int n, int stop, struct error *e)
{
	struct line_source *s = calloc(1, sizeof(*s));
	if (!s || !(s->file = calloc((size_t)n, sizeof(s->file[0])))) {
		free(s);
		error_set(e, "no memory");
		return NULL;
	}
	s->stop = stop;
	while (s->n < (size_t)n) {
		s->n++;
		if (!open_file(&s->file[s->n - 1], paths[s->n - 1], e)) {
			line_source_close(s);
			return NULL;
		}
	}
	return s;
}

struct line_source *line_source_open(int fd, const char *name, int stop, struct error *e)
{
	struct line_source *s = calloc(1, sizeof(*s));
	if (!s || !(s->file = calloc(1, sizeof(s->file[0]))) || !(s->file[0].name = shown(name))) {
		line_source_close(s);
		error_set(e, "no memory");
		return NULL;
	}
	s->stop = stop;
	s->n = 1;
	s->file[0].fd = fd;
	return s;
}

bool line_source_stopped(const struct line_source *s)
{
	return s->ended;
}

void line_source_close(struct line_source *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		if (s->file[i].fd >= 0)
			close(s->file[i].fd);
		free(s->file[i].name);
	}
	free(s->file);
	free(s);
}

const char *line_source_place(struct line_source *s)
{
	snprintf(s->place, sizeof(s->place), "%.400s:%llu", s->file[s->told].name, (unsigned long long)s->told_number);
	return s->place;
}

static void tell(struct line_source *s)
{
	s->told = s->now;
	s->told_number = s->number;
}

static void next_file(struct line_source *s)
{
	close(s->file[s->now].fd);
	s->file[s->now++].fd = -1;
	s->at = s->have = 0;
	s->number = 0;
	s->skip = false;
}

/* The line that ends at octet end of the buffer, and whose end is used octets long. */
static enum line_result cut(struct line_source *s, size_t end, size_t used, struct bytes *line)
{
	const bool skipped = s->skip || end - s->at > LINE_SOURCE_LINE;
	*line = (struct bytes){ s->buffer + s->at, end - s->at };
	s->at = end + used;
	s->skip = false;
	s->number++;
	tell(s);
	return skipped ? LINE_SOURCE_LONG : LINE_SOURCE_READ;
}

/* Is there something to read, or to hear? wait: until there is. */
static bool ready(struct line_source *s, bool wait)
{
	struct pollfd p[2] = { { .fd = s->file[s->now].fd, .events = POLLIN }, { .fd = s->stop, .events = POLLIN } };
	const int n = poll(p, 2, wait ? -1 : 0);
	s->ended = s->ended || (n > 0 && p[1].revents);
	return n > 0 && p[0].revents;
}

/* More octets behind those that are there. Room is made first: of a line that is too long only the fact is kept. */
static ssize_t fill(struct line_source *s)
{
	if (s->have - s->at > LINE_SOURCE_LINE) {
		s->at = s->have = 0;
		s->skip = true;
	}
	memmove(s->buffer, s->buffer + s->at, s->have - s->at);
	s->have -= s->at;
	s->at = 0;
	const ssize_t n = read(s->file[s->now].fd, s->buffer + s->have, sizeof(s->buffer) - s->have);
	s->have += n > 0 ? (size_t)n : 0;
	return n;
}

enum line_result line_source_next(struct line_source *s, struct bytes *line)
{
	while (s->now < s->n && !s->ended) {
		const uint8_t *end = memchr(s->buffer + s->at, '\n', s->have - s->at);
		if (end)
			return cut(s, (size_t)(end - s->buffer), 1, line);
		if (!ready(s, s->waited)) {
			const bool told = s->waited;
			s->waited = true;
			if (told || s->ended)
				continue;
			return LINE_SOURCE_WAIT;
		}
		s->waited = false;
		const ssize_t n = fill(s);
		if (n > 0 || (n < 0 && errno == EINTR))
			continue;
		if (n == 0 && (s->have > s->at || s->skip))
			return cut(s, s->have, 0, line);
		const int failed = n < 0 ? errno : 0;
		tell(s);
		next_file(s);
		errno = failed;
		if (failed)
			return LINE_SOURCE_FAILED;
	}
	return LINE_SOURCE_END;
}
