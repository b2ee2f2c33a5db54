/* sts_folder: see sts_folder.h. A new file is written under a name that no reader takes, brought to the disk, and renamed.
 * The lock is one of the kernel on a file that stays, so that nobody has to clear up after a crash.
 *
 * It does not know what is in the files but through sts_file_read. */
#include "sts_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mail_domain.h"

#define LOCK ".lock"
#define HALF ".new-"

enum { FILE_NAME = 256 };

struct sts_folder {
	int dir, lock;
	char path[512];
};

static void remove_half(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return;
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		if (strncmp(e->d_name, HALF, sizeof(HALF) - 1) == 0)
			unlinkat(dir, e->d_name, 0);
	closedir(d);
}

static bool lock(struct sts_folder *f, struct error *e)
{
	f->lock = openat(f->dir, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (f->lock < 0)
		return error_set(e, "%s: policies cannot be written there: %s", f->path, strerror(errno));
	if (flock(f->lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno == EWOULDBLOCK)
		return error_set(e, "%s: another mxcheck writes there now; try again when it is done", f->path);
	return error_set(e, "%s/" LOCK ": cannot be locked: %s", f->path, strerror(errno));
}

struct sts_folder *sts_folder_open(const char *path, struct error *e)
{
	struct sts_folder *f = malloc(sizeof(*f));
	if (!f) {
		error_set(e, "no memory");
		return NULL;
	}
	snprintf(f->path, sizeof(f->path), "%s", path);
	f->lock = -1;
	f->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir < 0) {
		error_set(e, "%s: the folder for policies cannot be opened: %s", f->path, strerror(errno));
	} else if (lock(f, e)) {
		remove_half(f->dir);
		return f;
	}
	sts_folder_close(f);
	return NULL;
}

void sts_folder_close(struct sts_folder *f)
{
	if (!f)
		return;
	if (f->lock >= 0)
		close(f->lock);
	if (f->dir >= 0)
		close(f->dir);
	free(f);
}

/* false: a domain so long that its file cannot have its name. */
static bool name_file(char out[FILE_NAME], const char *domain)
{
	return snprintf(out, FILE_NAME, "%s.sts", domain) < FILE_NAME;
}

/* Octets of a regular file, at most STS_CACHE_FILE + 1; 0: why says what is wrong, or NULL: there is no such file. */
static size_t read_file(int dir, const char *name, uint8_t *room, const char **why)
{
	struct stat st;
	size_t n = 0;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	*why = fd < 0 && errno == ENOENT ? NULL : "it cannot be read";
	if (fd < 0)
		return 0;
	bool plain = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= STS_CACHE_FILE;
	while (plain && n < STS_CACHE_FILE) {
		ssize_t got = read(fd, room + n, STS_CACHE_FILE - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	return n;
}

bool sts_folder_read(const struct sts_folder *f, const char *domain, uint8_t *room, struct bytes *text, struct sts_file *out, const char **why)
{
	char name[FILE_NAME];
	*why = NULL;
	if (!name_file(name, domain))
		return false;
	size_t n = read_file(f->dir, name, room, why);
	*text = (struct bytes){ room, n };
	return n > 0 && sts_file_read(name, *text, out, why);
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

/* mode, not the umask: the sensor may be another user. */
static bool write_half(int dir, const char *half, struct bytes text)
{
	int fd = openat(dir, half, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool good = write_all(fd, text) && fchmod(fd, 0644) == 0 && fsync(fd) == 0;
	int saved = errno;
	good = close(fd) == 0 && good;
	errno = saved;
	return good;
}

bool sts_folder_write(const struct sts_folder *f, const char *domain, struct bytes text, struct error *e)
{
	char name[FILE_NAME], half[FILE_NAME];
	if (!name_file(name, domain))
		return error_set(e, "%s: too long for the name of a file", domain);
	snprintf(half, sizeof(half), HALF "%.240s", domain);
	if (write_half(f->dir, half, text) && renameat(f->dir, half, f->dir, name) == 0 && fsync(f->dir) == 0)
		return true;
	error_set(e, "%s/%s: cannot be written: %s", f->path, name, strerror(errno));
	unlinkat(f->dir, half, 0);
	return false;
}
