/* rotation: see rotation.h. The new file is made before the old one is renamed, so that a full disk or a missing right is found
 * while nothing has changed yet. Names are made and read here only. Works within the one folder that the sandbox leaves. */
#include "rotation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"
#include "log.h"

/* STAMP: of 20261126T000000Z. SAME_SECOND: files of one second, before it is tried again later. */
enum { STAMP = 16, SAME_SECOND = 1000, NAME = PATH_MAX + 32, DAY_MS = 86400000, MODE = 07777 };

bool rotation_wanted(const struct output_settings *o)
{
	return o->type == output_type_file && o->path && (o->rotate_size || o->rotate_every);
}

int64_t rotation_period(uint64_t every, int64_t now)
{
	const int64_t e = (int64_t)every, from = e < DAY_MS ? now - now % DAY_MS : 0;
	return from + (now - from) / e * e;
}

void rotation_begin(struct rotation *r, const struct output_settings *o, int fd)
{
	struct stat st;
	*r = (struct rotation){ .size = o->rotate_size, .every = o->rotate_every, .keep = o->rotate_keep };
	if (!realpath(o->path, r->path))
		snprintf(r->path, sizeof(r->path), "%s", o->path);
	if (r->every && fstat(fd, &st) == 0 && st.st_size > 0)
		r->period = rotation_period(r->every, (int64_t)st.st_mtim.tv_sec * 1000);
}

/* A clock that was set back begins a period too, without an end of the one before. */
static bool period_ended(struct rotation *r, bool empty, int64_t now)
{
	const int64_t period = rotation_period(r->every, now);
	if (empty || !r->period || period < r->period)
		r->period = period;
	return period > r->period;
}

bool rotation_due(struct rotation *r, uint64_t size, uint64_t next, int64_t now)
{
	const bool ended = r->every && period_ended(r, size == 0, now);
	const bool grown = r->size && size && size + next > r->size;
	return (ended || grown) && (now >= r->until || r->until - now > ROTATION_PAUSE_MS);
}

/* ---- the new file ---- */

static void own(struct rotation *r, int fd, const struct stat *old)
{
	struct stat st;
	if (fstat(fd, &st) == 0 && (st.st_uid != old->st_uid || st.st_gid != old->st_gid)) {
		const bool all = fchown(fd, old->st_uid, old->st_gid) == 0;
		if (!all && (fchown(fd, (uid_t)-1, old->st_gid) != 0 || st.st_uid != old->st_uid) && !r->other) {
			log_line(SAY_WARNING, "%s: the new file cannot have the owner of the one before it: %s", r->path, strerror(errno));
			r->other = true;
		}
	}
	if (fchmod(fd, old->st_mode & MODE) != 0)
		log_line(SAY_WARNING, "%s: its mode cannot be that of the one before it: %s", r->path, strerror(errno));
}

/* By another name. What a process that was killed left there is of no use. */
static int make_new(struct rotation *r, const char *name, const struct stat *old)
{
	unlink(name);
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	if (fd >= 0)
		own(r, fd, old);
	return fd;
}

/* ---- names ---- */

static void stamp(int64_t now, char text[STAMP + 1])
{
	const time_t t = (time_t)(now / 1000);
	struct tm tm;
	if (!gmtime_r(&t, &tm) || strftime(text, STAMP + 1, "%Y%m%dT%H%M%SZ", &tm) != STAMP)
		memcpy(text, "19700101T000000Z", STAMP + 1);
}

/* Not onto a file that is there. Some file systems cannot promise that; then a look must do. */
static bool rename_apart(const char *from, const char *to)
{
	struct stat st;
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	if (lstat(to, &st) == 0)
		errno = EEXIST;
	return errno != EEXIST && rename(from, to) == 0;
}

/* to: the name that it has got. */
static bool put_aside(const struct rotation *r, int64_t now, char to[NAME])
{
	char text[STAMP + 1];
	stamp(now, text);
	int n = snprintf(to, NAME, "%s.%s", r->path, text);
	for (int i = 1; i <= SAME_SECOND; i++) {
		if (rename_apart(r->path, to))
			return true;
		if (errno != EEXIST)
			return false;
		snprintf(to + n, (size_t)(NAME - n), "-%d", i);
	}
	return false;
}

/* ---- what is too old ---- */

/* An older file: when it was renamed, the how-manieth of that second. */
struct aside {
	char stamp[STAMP];
	unsigned number;
};

static bool is_stamp(const char *s)
{
	for (int i = 0; i < STAMP; i++)
		if (i == 8 ? s[i] != 'T' : i == STAMP - 1 ? s[i] != 'Z' : s[i] < '0' || s[i] > '9')
			return false;
	return true;
}

/* base: the file's own name. Who has compressed one has not made another of it. */
static bool is_aside(const char *name, const char *base, struct aside *out)
{
	static const char *const compressed[] = { "", ".gz", ".bz2", ".xz", ".zst", ".lz4" };
	const size_t n = strlen(base);
	if (strncmp(name, base, n) != 0 || name[n] != '.' || strlen(name + n + 1) < STAMP || !is_stamp(name + n + 1))
		return false;
	const char *rest = name + n + 1 + STAMP;
	memcpy(out->stamp, name + n + 1, STAMP);
	out->number = 0;
	if (rest[0] == '-' && rest[1] >= '1' && rest[1] <= '9') {
		char *end;
		const unsigned long number = strtoul(rest + 1, &end, 10);
		if (number > SAME_SECOND)
			return false;
		out->number = (unsigned)number;
		rest = end;
	}
	for (size_t i = 0; i < sizeof(compressed) / sizeof(compressed[0]); i++)
		if (strcmp(rest, compressed[i]) == 0)
			return true;
	return false;
}

static int newest_first(const void *a, const void *b)
{
	const struct aside *x = a, *y = b;
	const int c = memcmp(y->stamp, x->stamp, STAMP);
	return c ? c : (x->number < y->number) - (x->number > y->number);
}

/* All of them, newest first, each once. */
static struct aside *list(DIR *d, const char *base, size_t *n)
{
	struct aside *all = NULL, one;
	size_t room = 0, kept = 0;
	*n = 0;
	for (const struct dirent *f; (f = readdir(d));) {
		if (!is_aside(f->d_name, base, &one))
			continue;
		if (*n == room) {
			room = room ? 2 * room : 64;
			struct aside *more = realloc(all, room * sizeof(*all));
			if (!more)
				break;
			all = more;
		}
		all[(*n)++] = one;
	}
	if (*n)
		qsort(all, *n, sizeof(*all), newest_first);
	for (size_t i = 0; i < *n; i++)
		if (i == 0 || newest_first(&all[i], &all[kept - 1]) != 0)
			all[kept++] = all[i];
	*n = kept;
	return all;
}

static bool remove_older(DIR *d, const char *base, const struct aside *newest)
{
	struct aside one;
	bool good = true;
	rewinddir(d);
	for (const struct dirent *f; (f = readdir(d));)
		if (is_aside(f->d_name, base, &one) && newest_first(&one, newest) >= 0)
			good = (unlinkat(dirfd(d), f->d_name, 0) == 0 || errno == ENOENT) && good;
	return good;
}

static void prune(struct rotation *r)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(r->path, '/'), *base = slash ? slash + 1 : r->path;
	size_t n = 0;
	if (!r->keep)
		return;
	DIR *d = opendir(folder_of(r->path, folder, sizeof(folder)));
	struct aside *all = d ? list(d, base, &n) : NULL;
	const bool good = d && (n <= r->keep || remove_older(d, base, &all[r->keep]));
	if (!good && !r->stays)
		log_line(SAY_WARNING, "%s: older files cannot be removed: %s", r->path, strerror(errno));
	r->stays = !good;
	free(all);
	if (d)
		closedir(d);
}

/* ---- all of it ---- */

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int swap(struct rotation *r, const struct stat *old, int64_t now)
{
	char name[NAME], aside[NAME];
	snprintf(name, sizeof(name), "%s.new", r->path);
	int fd = make_new(r, name, old);
	if (fd < 0)
		return -1;
	bool done = put_aside(r, now, aside);
	if (done && !rename_apart(name, r->path)) {
		const int error = errno;
		done = false;
		rename_apart(aside, r->path);
		errno = error;
	}
	if (done)
		return fd;
	const int error = errno;
	unlink(name);
	close(fd);
	errno = error;
	return -1;
}

int rotation_turn(struct rotation *r, int fd, int64_t now)
{
	struct stat old, there;
	if (fstat(fd, &old) != 0)
		return -1;
	const bool ours = lstat(r->path, &there) == 0 && is_same(&old, &there);
	int new = ours ? swap(r, &old, now) :
		  open(r->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, old.st_mode & 0777);
	if (new < 0) {
		if (!r->failed)
			log_line(SAY_ERROR, "%s: cannot be renamed and begun anew: %s; it is written as before", r->path, strerror(errno));
		r->failed = true;
		r->until = now + ROTATION_PAUSE_MS;
		return -1;
	}
	if (r->failed)
		log_line(SAY_NOTICE, "%s: is renamed again", r->path);
	r->failed = false;
	r->until = 0;
	r->period = r->every ? rotation_period(r->every, now) : 0;
	prune(r);
	return new;
}
