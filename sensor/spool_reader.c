/* spool_reader: the reader's end of a spool; see spool.h. It looks at both series and takes the lesser number; the writer says up to which
 * number both are whole. A file that the writer removed meanwhile is read to its end all the same, and what was removed unread
 * is passed over. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool.h"
#include "spool_cursor.h"
#include "spool_record.h"

/* first   of the file that is open; 0: none    at  where in it the window begins
 * window  octets [from, n) of it are not read yet    number  of the record that was read last
 * item    that record, when have: it was not given out */
struct tail {
	int fd;
	uint64_t first, number;
	off_t at;
	uint8_t *window;
	size_t from, n, cap;
	struct spool_item item;
	bool have;
};

struct spool_reader {
	int folder, lock;
	struct spool_cursor *cursor;
	struct tail place[SPOOL_SERIES];
	uint64_t taken;            /* the number that was given out last */
	uint64_t *out;             /* numbers that were given out and are not acknowledged */
	size_t out_n, out_cap;
};

struct spool_reader *spool_read(const char *folder, struct error *e)
{
	struct spool_reader *r = calloc(1, sizeof(*r));
	if (!r) {
		error_set(e, "no memory for a spool");
		return NULL;
	}
	r->place[SPOOL_ALERTS].fd = r->place[SPOOL_OTHERS].fd = -1;
	r->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r->lock = r->folder >= 0 ? openat(r->folder, "reader", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	const bool alone = r->lock >= 0 && flock(r->lock, LOCK_EX | LOCK_NB) == 0;
	const int fd = alone ? openat(r->folder, "cursor", O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
	struct stat st;
	void *at = MAP_FAILED;
	if (fd >= 0 && fstat(fd, &st) == 0 && (size_t)st.st_size >= sizeof(*r->cursor))
		at = mmap(NULL, sizeof(*r->cursor), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	const int error = errno;
	if (fd >= 0)
		close(fd);
	if (at == MAP_FAILED) {
		error_set(e, "spool: %s: %s", folder, fd < 0 ? strerror(error) : "its cursor cannot be read");
		spool_read_close(r);
		return NULL;
	}
	r->cursor = at;
	r->taken = r->cursor->acknowledged;
	return r;
}

static void leave(struct tail *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->first = 0;
	p->have = false;
	p->from = p->n = 0;
	p->at = 0;
}

void spool_read_close(struct spool_reader *r)
{
	if (!r)
		return;
	for (unsigned w = 0; w < SPOOL_SERIES; w++) {
		leave(&r->place[w]);
		free(r->place[w].window);
	}
	if (r->cursor)
		munmap(r->cursor, sizeof(*r->cursor));
	if (r->lock >= 0)
		close(r->lock);
	if (r->folder >= 0)
		close(r->folder);
	free(r->out);
	free(r);
}

/* ---- one series ---- */

static bool enter(struct spool_reader *r, enum spool_series which, uint64_t first)
{
	struct tail *p = &r->place[which];
	char name[32];
	leave(p);
	spool_file_name(which, first, name);
	p->fd = openat(r->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	p->first = first;
	return p->fd >= 0;
}

/* The file in which the series goes on. false: there is none. */
static bool next_file(struct spool_reader *r, enum spool_series which)
{
	struct tail *p = &r->place[which];
	uint64_t first = p->first ? spool_file_find(r->folder, which, p->first + 1, false) :
				    spool_file_find(r->folder, which, r->taken + 1, true);
	if (!first && !p->first)
		first = spool_file_find(r->folder, which, 1, false);
	return first && enter(r, which, first);
}

/* More of the file behind what the window has; false: there is none. */
static bool fill(struct tail *p)
{
	const size_t left = p->n - p->from;
	if (p->from) {
		memmove(p->window, p->window + p->from, left);
		p->at += (off_t)p->from;
		p->from = 0;
		p->n = left;
	}
	if (p->cap < left + SPOOL_OCTETS) {
		uint8_t *w = realloc(p->window, 2 * left + SPOOL_OCTETS);
		if (!w)
			return false;
		p->window = w;
		p->cap = 2 * left + SPOOL_OCTETS;
	}
	ssize_t n;
	do
		n = pread(p->fd, p->window + left, p->cap - left, p->at + (off_t)left);
	while (n < 0 && errno == EINTR);
	p->n += n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* The record where the window begins. 0: it is not whole. */
static size_t record(struct tail *p)
{
	return spool_record_read((struct bytes){ p->window ? p->window + p->from : NULL, p->n - p->from }, &p->item);
}

/* Is it longer than what is there, or no record at all, however much followed? */
static bool may_go_on(const struct tail *p)
{
	const struct bytes head = { p->window + p->from, p->n - p->from };
	if (head.n < SPOOL_RECORD_HEAD)
		return true;
	struct cur c = cur_of(head);
	const uint32_t length = cur_u32(&c);
	return length <= SPOOL_RECORD_MAX && length + SPOOL_RECORD_HEAD > head.n;
}

/* The next record of the file; what the window has may be of a writer that took a torn end back and wrote another. 0: there is none. */
static size_t read_on(struct tail *p)
{
	for (int tries = 0; tries < 2; tries++) {
		size_t n = record(p);
		while (n == 0 && may_go_on(p) && fill(p))
			n = record(p);
		if (n)
			return n;
		p->n = p->from;
	}
	return 0;
}

/* Looks for the next record of the series. false: it has none that may be read yet. */
static bool look(struct spool_reader *r, enum spool_series which, uint64_t below)
{
	struct tail *p = &r->place[which];
	while (!p->have) {
		const uint64_t last = r->cursor->last[which];
		if (last <= r->taken || last <= p->number || (p->fd < 0 && !next_file(r, which)))
			return false;
		const size_t n = read_on(p);
		if (n == 0) {
			if (!next_file(r, which)) { /* what was there was given up */
				p->number = last;
				return false;
			}
			continue;
		}
		p->from += n;
		p->number = p->item.number;
		p->have = p->number > r->taken;
	}
	return p->item.number < below;
}

/* ---- both ---- */

static bool room(struct spool_reader *r)
{
	if (r->out_n < r->out_cap)
		return true;
	const size_t cap = r->out_cap ? 2 * r->out_cap : 1024;
	uint64_t *out = realloc(r->out, cap * sizeof(out[0]));
	if (!out)
		return false;
	r->out = out;
	r->out_cap = cap;
	return true;
}

bool spool_take(struct spool_reader *r, struct spool_item *item)
{
	const uint64_t below = r->cursor->next;
	const bool a = look(r, SPOOL_ALERTS, below), o = look(r, SPOOL_OTHERS, below);
	if (!a && !o)
		return false;
	struct tail *p = &r->place[a && (!o || r->place[SPOOL_ALERTS].item.number < r->place[SPOOL_OTHERS].item.number) ?
				    SPOOL_ALERTS : SPOOL_OTHERS];
	if (!room(r))
		return false;
	*item = p->item;
	p->have = false;
	r->taken = item->number;
	r->out[r->out_n++] = item->number;
	return true;
}

void spool_done(struct spool_reader *r, uint64_t number)
{
	size_t n = 0;
	while (n < r->out_n && r->out[n] <= number)
		n++;
	if (n == 0)
		return;
	r->cursor->acknowledged = r->out[n - 1];
	r->cursor->acknowledged_items += n;
	memmove(r->out, r->out + n, (r->out_n - n) * sizeof(r->out[0]));
	r->out_n -= n;
}

void spool_again(struct spool_reader *r)
{
	r->taken = r->cursor->acknowledged;
	r->out_n = 0;
	for (unsigned w = 0; w < SPOOL_SERIES; w++) {
		leave(&r->place[w]);
		r->place[w].number = 0;
	}
}

uint64_t spool_left(const struct spool_reader *r)
{
	const struct spool_cursor *c = r->cursor;
	const uint64_t gone = c->acknowledged_items + c->lost[SPOOL_ALERTS] + c->lost[SPOOL_OTHERS];
	return c->put > gone ? c->put - gone : 0;
}

void spool_sent(struct spool_reader *r, uint64_t number)
{
	struct spool_cursor *c = r->cursor;
	c->sent++;
	if (number <= c->highest)
		c->again++;
	else
		c->highest = number;
}

void spool_failed(struct spool_reader *r)
{
	r->cursor->failures++;
}

void spool_taken(struct spool_reader *r, bool taken)
{
	r->cursor->taken = taken;
}
