/* spool: see spool.h. The writer's end. A series is files one behind the other, named by the number of their first record; the last one
 * is open and grows up to a sixteenth of the budget. A file whose records are all acknowledged is removed, and so is one that must
 * make room: the oldest of sessions and the like before any alert. */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool_cursor.h"
#include "spool_record.h"

enum { FILES = 64, FILE_LEAST = 64 * 1024, FILE_MOST = 16 << 20, SHARES = 16 };
#define MAGIC UINT64_C(0x6d78777370303031)

/* first  number of its first record    octets  that are whole records */
struct file {
	uint64_t first, octets;
};

/* file   oldest first; the last one is open when fd is
 * dirty  something was written since the last fdatasync; named: and a file was made */
struct series {
	struct file file[FILES];
	size_t n;
	int fd;
	bool dirty, named;
};

struct spool {
	int folder, lock;
	struct spool_cursor *cursor;
	struct series series[SPOOL_SERIES];
	uint64_t budget, file_most, octets;
	uint8_t *buffer;
	size_t cap;
};

static bool make_folders(const char *path)
{
	char part[PATH_MAX];
	for (size_t i = 1; path[i - 1] && i < sizeof(part); i++) {
		if (path[i] && path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return false;
	}
	return true;
}

static bool map_cursor(struct spool *s)
{
	s->lock = openat(s->folder, "cursor", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0 || flock(s->lock, LOCK_EX | LOCK_NB) != 0 || posix_fallocate(s->lock, 0, sizeof(*s->cursor)) != 0)
		return false;
	void *at = mmap(NULL, sizeof(*s->cursor), PROT_READ | PROT_WRITE, MAP_SHARED, s->lock, 0);
	if (at == MAP_FAILED)
		return false;
	s->cursor = at;
	if (s->cursor->magic != MAGIC) {
		memset(at, 0, sizeof(*s->cursor));
		s->cursor->magic = MAGIC;
	}
	return true;
}

/* The records of a file, up to the first that is torn: how many octets; the number of the last; how many are above number. */
static bool survey(const struct spool *s, enum spool_series series, uint64_t first, uint64_t above, uint64_t *octets,
		   uint64_t *last, uint64_t *n)
{
	char name[32];
	struct stat st;
	struct spool_item item;
	spool_file_name(series, first, name);
	*octets = *last = *n = 0;
	const int fd = openat(s->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	const size_t size = (size_t)st.st_size;
	void *at = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	close(fd);
	if (at == MAP_FAILED)
		return size == 0;
	struct bytes rest = { at, size };
	for (size_t len; (len = spool_record_read(rest, &item)) != 0; rest = bytes_skip(rest, len)) {
		*octets += len;
		*last = item.number;
		*n += item.number > above;
	}
	munmap(at, size);
	return true;
}

/* ---- files ---- */

static void close_file(struct series *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

static void remove_file(struct spool *s, enum spool_series which, size_t i)
{
	struct series *r = &s->series[which];
	char name[32];
	if (i == r->n - 1)
		close_file(r);
	spool_file_name(which, r->file[i].first, name);
	unlinkat(s->folder, name, 0);
	s->octets -= r->file[i].octets;
	memmove(&r->file[i], &r->file[i + 1], (r->n - i - 1) * sizeof(r->file[0]));
	r->n--;
}

/* A number that no record of the file is above. */
static uint64_t file_last(const struct spool *s, enum spool_series which, size_t i)
{
	const struct series *r = &s->series[which];
	return i + 1 < r->n ? r->file[i + 1].first - 1 : s->cursor->last[which];
}

static void reclaim(struct spool *s)
{
	const uint64_t done = s->cursor->acknowledged;
	for (unsigned w = 0; w < SPOOL_SERIES; w++)
		while (s->series[w].n > 1 && file_last(s, (enum spool_series)w, 0) <= done)
			remove_file(s, (enum spool_series)w, 0);
}

/* Gives up the oldest file of the series. false: there is none. */
static bool give_up(struct spool *s, enum spool_series which)
{
	struct series *r = &s->series[which];
	uint64_t octets, last, n;
	if (r->n == 0)
		return false;
	if (survey(s, which, r->file[0].first, s->cursor->acknowledged, &octets, &last, &n))
		s->cursor->lost[which] += n;
	remove_file(s, which, 0);
	return true;
}

/* Gives up something less worth than an item of this series, or as old. */
static bool make_room(struct spool *s, enum spool_series which)
{
	return give_up(s, SPOOL_OTHERS) || (which == SPOOL_ALERTS && give_up(s, SPOOL_ALERTS));
}

static bool new_file(struct spool *s, enum spool_series which, uint64_t first)
{
	struct series *r = &s->series[which];
	char name[32];
	close_file(r);
	if (r->n == FILES && !give_up(s, which))
		return false;
	spool_file_name(which, first, name);
	r->fd = openat(s->folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->fd < 0)
		return false;
	r->file[r->n++] = (struct file){ first, 0 };
	r->named = true;
	return true;
}

/* The whole record or nothing of it. */
static bool append(struct spool *s, enum spool_series which, struct bytes record)
{
	struct series *r = &s->series[which];
	struct file *f = &r->file[r->n - 1];
	for (size_t done = 0; done < record.n;) {
		ssize_t n = pwrite(r->fd, record.p + done, record.n - done, (off_t)(f->octets + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			const int error = n < 0 ? errno : EIO;
			if (ftruncate(r->fd, (off_t)f->octets) != 0)
				close_file(r); /* what stands there is no record: a new file is begun */
			errno = error;
			return false;
		}
		done += (size_t)n;
	}
	f->octets += record.n;
	s->octets += record.n;
	r->dirty = true;
	return true;
}

static bool place(struct spool *s, enum spool_series which, uint64_t number, struct bytes record)
{
	const struct series *r = &s->series[which];
	const bool begun = r->fd >= 0 && (r->file[r->n - 1].octets == 0 || r->file[r->n - 1].octets + record.n <= s->file_most);
	return (begun || new_file(s, which, number)) && append(s, which, record);
}

static bool is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/* ---- opening ---- */

/* What an earlier run left: its last file may end within a record. */
static bool resume(struct spool *s, enum spool_series which)
{
	struct series *r = &s->series[which];
	uint64_t last = 0, above;
	r->fd = -1;
	for (uint64_t first = spool_file_find(s->folder, which, 1, false); first;
	     first = spool_file_find(s->folder, which, first + 1, false)) {
		if (r->n == FILES && !give_up(s, which))
			return false;
		struct file *f = &r->file[r->n];
		*f = (struct file){ first, 0 };
		if (!survey(s, which, first, 0, &f->octets, &last, &above))
			return false;
		r->n++;
		s->octets += f->octets;
	}
	if (last > s->cursor->last[which])
		s->cursor->last[which] = last;
	if (r->n == 0)
		return true;
	char name[32];
	spool_file_name(which, r->file[r->n - 1].first, name);
	r->fd = openat(s->folder, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	return r->fd >= 0 && ftruncate(r->fd, (off_t)r->file[r->n - 1].octets) == 0;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

struct spool *spool_open(const char *folder, uint64_t budget, struct error *e)
{
	struct spool *s = calloc(1, sizeof(*s));
	if (!s) {
		error_set(e, "no memory for a spool");
		return NULL;
	}
	*s = (struct spool){ .folder = -1, .lock = -1, .budget = budget, .series = { { .fd = -1 }, { .fd = -1 } } };
	s->file_most = budget / SHARES < FILE_LEAST ? FILE_LEAST : budget / SHARES > FILE_MOST ? FILE_MOST : budget / SHARES;
	if (make_folders(folder))
		s->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->folder < 0 || !map_cursor(s) || !resume(s, SPOOL_ALERTS) || !resume(s, SPOOL_OTHERS)) {
		if (errno == EWOULDBLOCK)
			error_set(e, "spool: %s: another process writes there", folder);
		else
			error_set(e, "spool: %s: %s", folder, strerror(errno));
		spool_close(s);
		return NULL;
	}
	struct spool_cursor *c = s->cursor;
	c->next = most(most(c->next, c->acknowledged + 1), most(c->last[SPOOL_ALERTS], c->last[SPOOL_OTHERS]) + 1);
	reclaim(s);
	return s;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	for (unsigned w = 0; w < SPOOL_SERIES; w++)
		close_file(&s->series[w]);
	if (s->cursor)
		munmap(s->cursor, sizeof(*s->cursor));
	if (s->lock >= 0)
		close(s->lock);
	if (s->folder >= 0)
		close(s->folder);
	free(s->buffer);
	free(s);
}

/* ---- writing ---- */

uint64_t spool_next_number(const struct spool *s)
{
	return s->cursor->next;
}

static bool buffer(struct spool *s, size_t n)
{
	if (n <= s->cap)
		return true;
	uint8_t *p = realloc(s->buffer, n);
	if (!p)
		return false;
	s->buffer = p;
	s->cap = n;
	return true;
}

/* It is given up before it was ever there. */
static bool lose(struct spool *s, enum spool_series which)
{
	s->cursor->lost[which]++;
	s->cursor->put++;
	s->cursor->next++;
	return true;
}

bool spool_put(struct spool *s, struct spool_item *item)
{
	const enum spool_series which = item->dataset == dataset_alert ? SPOOL_ALERTS : SPOOL_OTHERS;
	struct spool_cursor *c = s->cursor;
	item->number = c->next;
	const size_t n = spool_record_size(item);
	reclaim(s);
	if (n == 0 || n > s->budget)
		return lose(s, which);
	if (!buffer(s, n)) {
		errno = ENOMEM;
		return false;
	}
	spool_record_write(item, s->buffer);
	while (s->octets + n > s->budget)
		if (!make_room(s, which))
			return lose(s, which); /* nothing but alerts is there, and this is none */
	while (!place(s, which, item->number, (struct bytes){ s->buffer, n })) {
		const int error = errno;
		const bool full = is_full(error);
		if (full && give_up(s, SPOOL_OTHERS))
			continue;
		if (full && which == SPOOL_OTHERS)
			return lose(s, which);
		errno = error;
		return false;
	}
	c->last[which] = item->number;
	c->put++;
	c->next = item->number + 1;
	return true;
}

bool spool_sync(struct spool *s)
{
	struct series *r = &s->series[SPOOL_ALERTS];
	if (r->dirty && r->fd >= 0 && fdatasync(r->fd) != 0)
		return false;
	if (r->named && fsync(s->folder) != 0)
		return false;
	r->dirty = r->named = false;
	return true;
}

struct spool_numbers spool_numbers(const struct spool *s)
{
	const struct spool_cursor *c = s->cursor;
	const uint64_t lost = c->lost[SPOOL_ALERTS] + c->lost[SPOOL_OTHERS], gone = c->acknowledged_items + lost;
	return (struct spool_numbers){ .put = c->put, .acknowledged = c->acknowledged_items,
		.waiting = c->put > gone ? c->put - gone : 0, .octets = s->octets, .lost_alerts = c->lost[SPOOL_ALERTS],
		.lost_others = c->lost[SPOOL_OTHERS], .sent = c->sent, .again = c->again, .failures = c->failures,
		.taken = c->taken };
}
