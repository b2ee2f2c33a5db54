/* inputs: arguments in, open capture files out. Runs in the supervisor, before anything is printed and before the
 * capture process gives up its right to open files; so everything is opened at once, and the number of descriptors is
 * the bound on the number of files.
 *
 * It knows where captures are kept and how an operator gets that wrong. Of what is in them it knows the first octets:
 * of each file a little is read and decompressed until it shows whether it is a capture. A file is then put back to
 * its beginning; what cannot be (a pipe) keeps those octets as its head. */
#include "inputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capfile.h"
#include "unpack.h"

/* PEEK   octets looked at first; PEEK_MAX in all, if a compressed file is slow to show what it holds (a zstd block of
 *        128 KiB shows nothing until it is whole)
 * SPARE  descriptors left to the rest of the program */
enum { PEEK = 4096, PEEK_MAX = 256 * 1024, MAGIC = 12, SPARE = 64, NAME_MAX_SHOWN = 240 };

#define KINDS "pcap or pcapng, plain or in gzip, zstd or xz"

/* What a file turned out to be. */
enum kind { KIND_CAPTURE, KIND_EMPTY, KIND_OTHER, KIND_BROKEN, KIND_UNREADABLE, KIND_NO_MEMORY };

static void drop_head(struct input *in)
{
	free(in->head);
	in->head = NULL;
	in->head_n = 0;
}

void input_close(struct input *in)
{
	if (in->fd >= 0)
		close(in->fd);
	in->fd = -1;
	drop_head(in);
}

void inputs_close(struct inputs *list)
{
	for (size_t i = 0; i < list->n; i++) {
		input_close(&list->v[i]);
		free(list->v[i].name);
	}
	free(list->v);
	*list = (struct inputs){ NULL, 0, 0 };
}

/* A path as it may be printed: its end if it is long, and nothing that a terminal would obey. */
static void show(char out[NAME_MAX_SHOWN + 1], const char *path)
{
	size_t n = strlen(path), skip = n > NAME_MAX_SHOWN ? n - NAME_MAX_SHOWN : 0;
	for (size_t i = skip; i <= n; i++)
		out[i - skip] = (unsigned char)path[i] < 0x20 && path[i] ? '?' : path[i] == 0x7f ? '?' : path[i];
}

/* Decompresses the octets of head until they show what they are. MORE: they are too few. */
static enum parse judge(struct unpack *u, struct bytes head, bool eof, enum kind *kind)
{
	uint8_t magic[MAGIC];
	size_t n = 0, got;
	enum unpack_result r = UNPACK_OK;
	unpack_start(u, -1, head);
	while (n < MAGIC && (r = unpack_read(u, magic + n, MAGIC - n, &got)) == UNPACK_OK)
		n += got;
	if (n < MAGIC && !eof)
		return PARSE_MORE;
	if (capfile_is((struct bytes){ magic, n }))
		*kind = KIND_CAPTURE;
	else if (n < MAGIC && r == UNPACK_BAD)
		*kind = KIND_BROKEN;
	else
		*kind = n ? KIND_OTHER : KIND_EMPTY;
	return PARSE_OK;
}

/* Reads from in->fd until it shows what it is; what was read is left in in->head. */
static enum kind peek(struct input *in, struct unpack *u)
{
	enum kind kind = KIND_OTHER;
	in->head = malloc(PEEK_MAX);
	if (!in->head)
		return KIND_NO_MEMORY;
	while (in->head_n < PEEK_MAX) {
		size_t n = in->head_n, step = n < PEEK ? PEEK : n < PEEK_MAX / 2 ? n : PEEK_MAX - n;
		ssize_t r = read(in->fd, in->head + n, step);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return KIND_UNREADABLE;
		in->head_n += (size_t)r;
		if (judge(u, (struct bytes){ in->head, in->head_n }, r == 0, &kind) == PARSE_OK)
			break;
		/* if this was all: a compressed file that shows nothing for so long is none that a packer made */
		kind = unpack_packed(u) ? KIND_BROKEN : KIND_OTHER;
	}
	return kind;
}

/* What kind of file fd is; it is then at its beginning again, or in->head has the octets that are missing there. */
static enum kind look(struct input *in, struct unpack *u)
{
	off_t at = lseek(in->fd, 0, SEEK_CUR);
	struct stat st;
	in->sized = at >= 0 && fstat(in->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= at;
	in->size = in->sized ? (uint64_t)(st.st_size - at) : 0;
	enum kind kind = peek(in, u);
	if (at >= 0 && lseek(in->fd, at, SEEK_SET) == at)
		drop_head(in);
	return kind;
}

static bool say_kind(enum kind kind, const char *name, const struct unpack *u, struct error *e)
{
	switch (kind) {
	case KIND_CAPTURE:
		return true;
	case KIND_EMPTY:
		return error_set(e, "%s: empty, there is no capture in it; give a capture file (" KINDS ")", name);
	case KIND_OTHER:
		return error_set(e, "%s: not a capture file; give one (" KINDS "), or convert it with editcap", name);
	case KIND_BROKEN:
		return error_set(e, "%s: nothing of it can be read: %s; fetch or write it again", name, unpack_why(u));
	case KIND_UNREADABLE:
		return error_set(e, "%s: cannot be read: %s", name, strerror(errno));
	case KIND_NO_MEMORY:
		break;
	}
	return error_set(e, "%s: no memory to look into it", name);
}

static bool append(struct inputs *list, const struct input *in, const char *name, struct error *e)
{
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		struct input *v = realloc(list->v, room * sizeof(*v));
		if (!v)
			return error_set(e, "%s: no memory for the list of captures", name);
		list->v = v;
		list->room = room;
	}
	struct input *slot = &list->v[list->n];
	*slot = *in;
	slot->name = strdup(name);
	if (!slot->name)
		return error_set(e, "%s: no memory for the list of captures", name);
	list->n++;
	return true;
}

/* Takes fd over. some: it lies in a directory, where what is no capture is passed over. */
static bool add(struct inputs *list, int fd, const char *name, bool some, struct unpack *u, struct error *e)
{
	struct input in = { .fd = fd };
	enum kind kind = look(&in, u);
	bool pass = some && (kind == KIND_EMPTY || kind == KIND_OTHER);
	/* compressed and broken from the start may have been a capture: the run shall say that it is damaged */
	bool ok = pass || (some && kind == KIND_BROKEN) || say_kind(kind, name, u, e);
	if (ok && !pass && append(list, &in, name, e))
		return true;
	input_close(&in);
	return ok && pass;
}

static bool too_many(const struct inputs *list, const char *name, struct error *e)
{
	return error_set(e, "%s: too many captures: only %zu can be open at once; raise the limit (ulimit -Hn), join some "
			 "with mergecap, or read them in several runs", name, list->n);
}

/* The soft limit on descriptors becomes the hard one; how many captures fit below it. */
static size_t raise_limit(void)
{
	struct rlimit rl;
	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return 1024 - SPARE;
	if (rl.rlim_cur < rl.rlim_max) {
		rlim_t soft = rl.rlim_cur;
		rl.rlim_cur = rl.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &rl) != 0)
			rl.rlim_cur = soft;
	}
	return rl.rlim_cur > 2 * SPARE ? (size_t)rl.rlim_cur - SPARE : (size_t)rl.rlim_cur / 2;
}

static bool cannot_open(const struct inputs *list, const char *name, struct error *e)
{
	if (errno == EMFILE || errno == ENFILE)
		return too_many(list, name, e);
	if (errno == EACCES)
		return error_set(e, "%s: permission denied; run as a user who may read it", name);
	if (errno == ENOENT)
		return error_set(e, "%s: no such file; give capture files, directories of them, or - for standard input",
				 name);
	return error_set(e, "%s: cannot be opened: %s", name, strerror(errno));
}

/* Regular files only: opening a FIFO that happens to lie there would wait for ever. */
static int is_candidate(const struct dirent *d)
{
	return d->d_name[0] != '.' && (d->d_type == DT_REG || d->d_type == DT_LNK || d->d_type == DT_UNKNOWN);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool add_entry(struct inputs *list, int dir, const char *path, const char *entry, size_t most,
		      struct unpack *u, struct error *e)
{
	char name[NAME_MAX_SHOWN + 1];
	struct stat st;
	char *full = NULL;
	size_t n = strlen(path);
	if (asprintf(&full, "%s%s%s", path, n && path[n - 1] == '/' ? "" : "/", entry) < 0)
		return error_set(e, "no memory for the list of captures");
	show(name, full);
	free(full);
	if (fstatat(dir, entry, &st, 0) != 0 || !S_ISREG(st.st_mode))
		return true;
	if (list->n >= most)
		return too_many(list, name, e);
	int fd = openat(dir, entry, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return cannot_open(list, name, e);
	return add(list, fd, name, true, u, e);
}

/* The captures of a directory; dir stays the caller's. */
static bool add_directory(struct inputs *list, int dir, const char *path, const char *name, size_t most,
			  struct unpack *u, struct error *e)
{
	struct dirent **entries;
	size_t before = list->n;
	bool ok = true;
	int n = scandirat(dir, ".", &entries, is_candidate, by_name);
	if (n < 0)
		return error_set(e, "%s: this directory cannot be read: %s", name, strerror(errno));
	for (int i = 0; i < n; i++) {
		ok = ok && add_entry(list, dir, path, entries[i]->d_name, most, u, e);
		free(entries[i]);
	}
	free(entries);
	if (ok && list->n == before)
		return error_set(e, "%s: no capture file in this directory (" KINDS "); name the files, or the directory "
				 "they are in: subdirectories are not searched", name);
	return ok;
}

static bool add_stdin(struct inputs *list, struct unpack *u, struct error *e)
{
	static const char name[] = "standard input";
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i].name, name) == 0)
			return error_set(e, "-: standard input can be read once; name it once");
	if (isatty(STDIN_FILENO))
		return error_set(e, "-: standard input is a terminal; send a capture there: tcpdump -w - | ...");
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return error_set(e, "-: standard input cannot be read: %s", strerror(errno));
	return add(list, fd, name, false, u, e);
}

static bool add_path(struct inputs *list, const char *path, size_t most, struct unpack *u, struct error *e)
{
	char name[NAME_MAX_SHOWN + 1];
	struct stat st;
	show(name, path);
	if (list->n >= most)
		return too_many(list, name, e);
	if (strcmp(path, "-") == 0)
		return add_stdin(list, u, e);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return cannot_open(list, name, e);
	if (fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode))
		return add(list, fd, name, false, u, e);
	bool ok = add_directory(list, fd, path, name, most, u, e);
	close(fd);
	return ok;
}

bool inputs_open(struct inputs *list, char *const *paths, int n, struct error *e)
{
	size_t most = raise_limit();
	struct unpack *u = unpack_new();
	bool ok = u != NULL;
	*list = (struct inputs){ NULL, 0, 0 };
	if (!u)
		error_set(e, "no memory to look into the captures");
	else if (n < 1)
		ok = error_set(e, "no capture named; give capture files, directories of them, or - for standard input");
	for (int i = 0; ok && i < n; i++)
		ok = add_path(list, paths[i], most, u, e);
	unpack_free(u);
	if (!ok)
		inputs_close(list);
	return ok;
}
