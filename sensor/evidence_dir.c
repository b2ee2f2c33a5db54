/* evidence_dir: see evidence_dir.h. Knows files and digests, nothing of what is in them. Everything goes through the
 * directory's descriptor, which is opened before the process that uses it gives up its other rights.
 *
 * A line of MANIFEST is: CHAIN STATE SHA256 OCTETS NAME. STATE is "written" or "removed"; CHAIN is the SHA-256 of the line
 * before it (all of it, without its line end; nothing for the first) and of the rest of this line behind the first blank.
 * Who keeps the last line in a safe place, or has it signed, can show that nothing before it was changed since. */
#include "evidence_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MANIFEST "MANIFEST"
#define TEMPORARY ".writing"
enum { ID = 32, LINE = 512 };

struct entry {
	char name[EVIDENCE_NAME];
	uint64_t octets;
	struct timespec written;
	bool listed;            /* MANIFEST says that it is there */
};

/* entry: evidence files that are there, oldest first. line: the last one of MANIFEST. torn: it may have been written in part. */
struct evidence_dir {
	int fd, manifest;
	char path[PATH_MAX];
	struct evidence_budget budget;
	struct entry *entry;
	size_t n, room;
	uint64_t octets, removed;
	char line[LINE];
	bool torn;
};

/* TIME_SERVER_FINDING_ID.pcapng: is this name one of ours? */
static bool is_ours(const char *name)
{
	size_t n = strlen(name);
	static const char end[] = ".pcapng";
	if (n < ID + sizeof(end) + 1 || n >= EVIDENCE_NAME || strcmp(name + n - sizeof(end) + 1, end) != 0 || name[0] == '.')
		return false;
	const char *id = name + n - sizeof(end) + 1 - ID;
	return id[-1] == '_' && strspn(id, "0123456789abcdef") == ID;
}

static bool add(struct evidence_dir *d, const char *name, const struct stat *st)
{
	if (d->n == d->room) {
		size_t room = d->room ? 2 * d->room : 256;
		struct entry *more = realloc(d->entry, room * sizeof(*more));
		if (!more)
			return false;
		d->entry = more;
		d->room = room;
	}
	struct entry *e = &d->entry[d->n++];
	*e = (struct entry){ .octets = (uint64_t)st->st_size, .written = st->st_mtim };
	memcpy(e->name, name, strlen(name) + 1);
	d->octets += e->octets;
	return true;
}

static struct entry *find(struct evidence_dir *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->entry[i].name, name) == 0)
			return &d->entry[i];
	return NULL;
}

static void forget(struct evidence_dir *d, size_t i)
{
	d->octets -= d->entry[i].octets;
	memmove(&d->entry[i], &d->entry[i + 1], (d->n - i - 1) * sizeof(d->entry[0]));
	d->n--;
}

static int by_age(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	if (a->written.tv_sec != b->written.tv_sec)
		return a->written.tv_sec < b->written.tv_sec ? -1 : 1;
	if (a->written.tv_nsec != b->written.tv_nsec)
		return a->written.tv_nsec < b->written.tv_nsec ? -1 : 1;
	return strcmp(a->name, b->name);
}

static bool scan(struct evidence_dir *d)
{
	int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *f;
	struct stat st;
	bool ok = dir;
	while (ok && (f = readdir(dir)))
		if (is_ours(f->d_name) && fstatat(d->fd, f->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			ok = add(d, f->d_name, &st);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	if (ok && d->n)
		qsort(d->entry, d->n, sizeof(d->entry[0]), by_age);
	return ok;
}

/* The last whole line of MANIFEST, where the chain goes on. A line that was cut by a crash is ended first. */
static bool last_line(struct evidence_dir *d)
{
	char buf[2 * LINE];
	off_t size = lseek(d->manifest, 0, SEEK_END);
	off_t from = size > (off_t)sizeof(buf) ? size - (off_t)sizeof(buf) : 0;
	ssize_t n = pread(d->manifest, buf, sizeof(buf), from);
	if (size < 0 || n < 0)
		return false;
	if (n && buf[n - 1] != '\n') {
		if (write(d->manifest, "\n", 1) != 1)
			return false;
		if ((size_t)n < sizeof(buf))
			buf[n++] = '\n';
	}
	if (n == 0)
		return true;
	const char *end = buf + n - 1, *begin = end;
	while (begin > buf && begin[-1] != '\n')
		begin--;
	if ((size_t)(end - begin) >= sizeof(d->line))
		return false;
	memcpy(d->line, begin, (size_t)(end - begin));
	d->line[end - begin] = '\0';
	return true;
}

void evidence_dir_close(struct evidence_dir *d)
{
	if (!d)
		return;
	if (d->fd >= 0)
		close(d->fd);
	if (d->manifest >= 0)
		close(d->manifest);
	free(d->entry);
	free(d);
}

const char *evidence_dir_path(const struct evidence_dir *d)
{
	return d->path;
}

uint64_t evidence_dir_removed(const struct evidence_dir *d)
{
	return d->removed;
}

/* SHA-256 of a and b, one behind the other, in hex. */
static bool digest(struct bytes a, struct bytes b, char hex[65])
{
	uint8_t out[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) && EVP_DigestUpdate(ctx, a.p, a.n) &&
		  EVP_DigestUpdate(ctx, b.p, b.n) && EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
	for (int i = 0; ok && i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", out[i]);
	return ok;
}

static bool write_all(int fd, struct bytes b)
{
	while (b.n) {
		ssize_t n = write(fd, b.p, b.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		b = bytes_skip(b, (size_t)n);
	}
	return true;
}

static bool manifest_line(struct evidence_dir *d, const char *state, const char *sha256, uint64_t octets, const char *name)
{
	char rest[LINE - 66], chain[65], line[LINE];
	if (d->torn && !last_line(d))
		return false;
	d->torn = false;
	snprintf(rest, sizeof(rest), "%s %s %llu %s", state, sha256, (unsigned long long)octets, name);
	if (!digest(bytes_of(d->line), bytes_of(rest), chain))
		return false;
	int n = snprintf(line, sizeof(line), "%s %s\n", chain, rest);
	d->torn = !write_all(d->manifest, (struct bytes){ (const uint8_t *)line, (size_t)n });
	if (d->torn)
		return false;
	memcpy(d->line, line, (size_t)n - 1);
	d->line[n - 1] = '\0';
	return fdatasync(d->manifest) == 0;
}

static int by_name(const void *x, const void *y)
{
	const struct entry *const *a = x, *const *b = y;
	return strcmp((*a)->name, (*b)->name);
}

/* What the last line of each name says, of those that are there. */
static bool read_listed(struct evidence_dir *d)
{
	int fd = openat(d->fd, MANIFEST, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	struct entry **sorted = calloc(d->n + 1, sizeof(*sorted)), wanted = { .octets = 0 };
	const struct entry *key = &wanted;
	char line[2 * LINE];
	bool ok = f && sorted;
	for (size_t i = 0; ok && i < d->n; i++)
		sorted[i] = &d->entry[i];
	if (ok)
		qsort(sorted, d->n, sizeof(sorted[0]), by_name);
	while (ok && fgets(line, sizeof(line), f)) {
		const char *name = strrchr(line, ' ');
		size_t n = name ? strcspn(name + 1, "\n") : EVIDENCE_NAME;
		if (n >= EVIDENCE_NAME)
			continue;
		memcpy(wanted.name, name + 1, n);
		wanted.name[n] = '\0';
		struct entry **found = bsearch(&key, sorted, d->n, sizeof(sorted[0]), by_name);
		if (found)
			(*found)->listed = strstr(line, " written ");
	}
	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
	free(sorted);
	return ok;
}

static bool file_digest(const struct evidence_dir *d, const char *name, char hex[65])
{
	uint8_t buf[16384], out[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = -1;
	bool ok = ctx && fd >= 0 && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
	while (ok && (n = read(fd, buf, sizeof(buf))) > 0)
		ok = EVP_DigestUpdate(ctx, buf, (size_t)n);
	ok = ok && n == 0 && EVP_DigestFinal_ex(ctx, out, NULL);
	for (int i = 0; ok && i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", out[i]);
	EVP_MD_CTX_free(ctx);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* A crash between a file and its line left the file without one, or with one that says that it was removed: it gets it now. */
static bool complete_manifest(struct evidence_dir *d)
{
	char sha256[65];
	bool ok = d->n == 0 || read_listed(d);
	for (size_t i = 0; ok && i < d->n; i++) {
		struct entry *e = &d->entry[i];
		ok = e->listed || (file_digest(d, e->name, sha256) && manifest_line(d, "written", sha256, e->octets, e->name));
		e->listed = true;
	}
	return ok;
}

bool evidence_dir_again(struct evidence_dir *d, struct error *e)
{
	d->n = 0;
	d->octets = 0;
	d->line[0] = '\0';
	if (!scan(d))
		return error_set(e, "%s: cannot read the evidence directory: %s", d->path, strerror(errno));
	if (!last_line(d))
		return error_set(e, "%s/" MANIFEST ": no manifest of ours; move it away", d->path);
	if (!complete_manifest(d))
		return error_set(e, "%s/" MANIFEST ": cannot complete it: %s", d->path, strerror(errno));
	return true;
}

struct evidence_dir *evidence_dir_open(const char *path, const struct evidence_budget *budget, struct error *e)
{
	struct evidence_dir *d = calloc(1, sizeof(*d));
	if (!d) {
		error_set(e, "%s: no memory for the evidence directory", path);
		return NULL;
	}
	d->budget = *budget;
	d->manifest = d->fd = -1;
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		error_set(e, "%s: cannot make the evidence directory: %s", path, strerror(errno));
	else if ((d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 || !realpath(path, d->path))
		error_set(e, "%s: cannot open the evidence directory: %s", path, strerror(errno));
	else if ((d->manifest = openat(d->fd, MANIFEST, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		error_set(e, "%s/" MANIFEST ": cannot write there: %s", path, strerror(errno));
	else if (evidence_dir_again(d, e))
		return d;
	evidence_dir_close(d);
	return NULL;
}

/* Is the file there already, with these octets? */
static bool is_there(const struct evidence_dir *d, const char *name, struct bytes octets)
{
	uint8_t buf[16384];
	bool same = true;
	int fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	while (fd >= 0 && same) {
		ssize_t n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			break;
		same = (size_t)n <= octets.n && memcmp(buf, octets.p, (size_t)n) == 0;
		octets = bytes_skip(octets, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
	return fd >= 0 && same && octets.n == 0;
}

static bool write_file(const struct evidence_dir *d, const char *name, struct bytes octets, struct error *e)
{
	unlinkat(d->fd, TEMPORARY, 0);
	int fd = openat(d->fd, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok = fd >= 0 && write_all(fd, octets) && fsync(fd) == 0;
	int error = errno;
	if (fd >= 0 && close(fd) != 0 && ok) {
		error = errno;
		ok = false;
	}
	if (ok && renameat(d->fd, TEMPORARY, d->fd, name) != 0) {
		error = errno;
		ok = false;
	}
	if (ok)
		return fsync(d->fd) == 0 || true;
	unlinkat(d->fd, TEMPORARY, 0);
	return error_set(e, "%s/%s: cannot write the evidence file: %s", d->path, name, strerror(error));
}

static bool is_over(const struct evidence_dir *d, time_t now)
{
	const struct evidence_budget *b = &d->budget;
	return (b->octets && d->octets > b->octets) || (b->files && d->n > b->files) ||
	       (b->age && now - d->entry[0].written.tv_sec > b->age);
}

/* Removes what is over the budget. The newest stays in any case. The line comes first: what a crash leaves is a file too many,
 * which the next start lists again, and not one that is missing as if somebody else had taken it. */
static bool trim(struct evidence_dir *d)
{
	time_t now = time(NULL);
	while (d->n > 1 && is_over(d, now)) {
		if (d->entry[0].listed && !manifest_line(d, "removed", "-", d->entry[0].octets, d->entry[0].name))
			return false;
		d->entry[0].listed = false;
		if (unlinkat(d->fd, d->entry[0].name, 0) != 0 && errno != ENOENT)
			return false;
		forget(d, 0);
		d->removed++;
	}
	return true;
}

static bool note_file(struct evidence_dir *d, const char *name)
{
	struct stat st;
	struct entry *e = find(d, name);
	if (e)
		forget(d, (size_t)(e - d->entry));
	return fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && add(d, name, &st);
}

bool evidence_dir_put(struct evidence_dir *d, const char *name, struct bytes octets, char sha256[65], struct error *e)
{
	if (!is_ours(name))
		return error_set(e, "%s: no name for an evidence file", name);
	if (!digest(octets, (struct bytes){ 0 }, sha256))
		return error_set(e, "%s/%s: no memory for its digest", d->path, name);
	struct entry *entry = find(d, name);
	bool same = entry && is_there(d, name, octets);
	if (same && entry->listed)
		return true;
	if (!same && !write_file(d, name, octets, e))
		return false;
	if (!note_file(d, name) || !manifest_line(d, "written", sha256, octets.n, name))
		return error_set(e, "%s/" MANIFEST ": cannot write there: %s", d->path, strerror(errno));
	d->entry[d->n - 1].listed = true;
	return trim(d) || error_set(e, "%s: cannot remove old evidence: %s", d->path, strerror(errno));
}
