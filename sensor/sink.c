/* sink: see sink.h. Each gathers whole lines and writes them with as few calls as may be; a line is never split between two
 * calls unless the first one wrote only a part of it. A reader that is slow (a pipe, a terminal) makes nobody wait here.
 *
 * A file is appended to (O_APPEND), wherever its end is: who copies and truncates it (logrotate's copytruncate) leaves no hole. It is
 * renamed by rotation.h, or opened anew where somebody else renamed it, between two lines and never within one. */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"
#include "format.h"
#include "json.h"
#include "log.h"
#include "receivers.h"
#include "rotation.h"
#include "table.h"

enum { BUFFER = 256 * 1024, LOW = BUFFER - 2 * JSON_LINE, TELL_MS = 60000 };

/* output: of the configuration; NULL: none is, and this is standard output, in this format
 * done: octets of text that are written    broken: the last attempt failed, and was told
 * regular: a file, which takes what comes   slow: it takes nothing now    told: ms, when that was said last
 * again: it is to be opened anew            lost: that failed, and was told
 * end: of a file in which a line is half written: where the written half ends
 * rotation: of a file that is renamed (rotates)
 * events: put into it so far    failures: attempts to write that failed */
struct sink {
	const char *path;
	int fd;
	const struct output_settings *output;
	enum format format;
	struct table table;
	struct text text;
	size_t done;
	bool regular, broken, slow, again, lost, rotates;
	int64_t told;
	off_t end;
	struct rotation rotation;
	uint64_t events, failures;
};

struct sinks {
	size_t n;
	struct sink sink[SINKS];
};

static bool buffer(struct sink *k, struct error *e)
{
	char *p = malloc(BUFFER);
	if (!p)
		return error_set(e, "no memory for an output");
	k->text = (struct text){ p, 0, BUFFER, false };
	return true;
}

/* Who wrote there before may have ended within a line. */
static bool torn(const char *path)
{
	char last = '\n';
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	if (end > 0 && pread(fd, &last, 1, end - 1) != 1)
		last = '\n';
	if (fd >= 0)
		close(fd);
	return last != '\n';
}

/* A pipe without a reader is no place to write to, and not one to wait for. */
static int open_path(const char *path, struct error *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	if (fd < 0)
		error_set(e, "outputs: %s: cannot write there: %s", path, strerror(errno));
	return fd;
}

static bool open_file(struct sink *k, struct error *e)
{
	k->fd = open_path(k->path, e);
	return k->fd >= 0;
}

static bool is_regular(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* The folder of a file, whatever links lead there. */
static const char *real_folder(const char *path, char folder[PATH_MAX])
{
	char real[PATH_MAX];
	if (folder_of(realpath(path, real) ? real : path, folder, PATH_MAX) != folder)
		strcpy(folder, ".");
	return folder;
}

static bool folder_good(const char *path, struct error *e)
{
	char folder[PATH_MAX];
	return faccessat(AT_FDCWD, real_folder(path, folder), W_OK | X_OK | R_OK, AT_EACCESS) == 0 ||
	       error_set(e, "outputs: %s: cannot be renamed: %s: %s", path, folder, strerror(errno));
}

bool sinks_try(const struct settings *settings, struct error *e)
{
	bool good = true;
	for (size_t i = 0; good && i < settings->output.n; i++) {
		const struct output_settings *o = &settings->output.at[i];
		struct stat st;
		if (receivers_have(o) || !o->path || (stat(o->path, &st) == 0 && !S_ISREG(st.st_mode))) /* who reads a pipe would take it for the end */
			continue;
		int fd = open_path(o->path, e);
		good = fd >= 0 && (!rotation_wanted(o) || folder_good(o->path, e));
		if (fd >= 0)
			close(fd);
	}
	return good;
}

static bool add(struct sinks *s, const struct output_settings *o, struct error *e)
{
	struct sink *k = &s->sink[s->n++];
	*k = (struct sink){ .output = o, .path = o->path, .fd = STDOUT_FILENO };
	if (!buffer(k, e) || (o->path && !open_file(k, e)))
		return false;
	k->regular = is_regular(k->fd);
	if (k->regular && o->path && torn(o->path))
		text_char(&k->text, '\n');
	k->rotates = k->regular && rotation_wanted(o);
	if (k->rotates)
		rotation_begin(&k->rotation, o, k->fd);
	else if (rotation_wanted(o))
		log_line(SAY_WARNING, "%s: is not a file that can be renamed; rotate_size and rotate_every do nothing", o->path);
	return true;
}

static bool standard(struct sinks *s, const struct run *run, struct error *e)
{
	struct sink *k = &s->sink[s->n++];
	*k = (struct sink){ .fd = run->out, .format = run->format,
			    .table = { .all = run->all, .colour = run->colour, .width = run->width } };
	k->regular = is_regular(k->fd);
	return buffer(k, e);
}

struct sinks *sinks_new(const struct settings *settings, const struct run *run, struct error *e)
{
	struct sinks *s = calloc(1, sizeof(*s));
	bool good = s || error_set(e, "no memory for outputs");
	for (size_t i = 0; good && i < settings->output.n && s->n < SINKS; i++)
		if (!receivers_have(&settings->output.at[i]))
			good = add(s, &settings->output.at[i], e);
	if (good && settings->output.n == 0)
		good = standard(s, run, e);
	if (good)
		return s;
	sinks_free(s);
	return NULL;
}

void sinks_free(struct sinks *s)
{
	for (size_t i = 0; s && i < s->n; i++) {
		free(s->sink[i].text.p);
		if (s->sink[i].fd > STDERR_FILENO)
			close(s->sink[i].fd);
	}
	free(s);
}

bool sinks_room(const struct sinks *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->sink[i].text.n > LOW)
			return false;
	return true;
}

static bool put(struct sink *k, const struct record *r, enum dataset dataset)
{
	if (k->output)
		return format_event(k->output, NULL, r, true, &k->text);
	if (k->format == FORMAT_NDJSON)
		return json_event(r, dataset == dataset_alert ? JSON_ALERT_LINE : JSON_LINE, &k->text);
	switch (dataset) {
	case dataset_session:
		table_session(&k->table, r, &k->text);
		break;
	case dataset_alert:
		table_alert(&k->table, r, &k->text);
		break;
	case dataset_stats:
	case dataset_posture:
	case dataset_COUNT:
		break;
	}
	return true;
}

bool sinks_event(struct sinks *s, struct record *r)
{
	const enum dataset dataset = (enum dataset)format_dataset(r);
	bool good = true;
	for (size_t i = 0; i < s->n; i++) {
		struct sink *k = &s->sink[i];
		if (!k->output || format_wanted(k->output, r)) {
			record_num(r, F_event_sequence, (int64_t)++k->events);
			good = put(k, r, dataset) && good;
		}
	}
	return good;
}

static const char *name(const struct sink *k)
{
	return k->path ? k->path : "standard output";
}

/* A pipe that says it has room takes PIPE_BUF octets without waiting (pipe(7)). */
static ssize_t write_some(struct sink *k)
{
	struct pollfd p = { .fd = k->fd, .events = POLLOUT };
	size_t n = k->text.n - k->done;
	if (!k->regular && poll(&p, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(k->fd, k->text.p + k->done, k->regular || n < PIPE_BUF ? n : PIPE_BUF);
}

/* A slow reader is no trouble until there is no room left; then it comes and goes, so it is told once in a while. */
static void wait_for_reader(struct sink *k)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	const int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	k->slow = true;
	if (k->text.n <= LOW || (k->told && ms - k->told < TELL_MS))
		return;
	k->failures++;
	log_line(SAY_WARNING, "%s: takes less than there is; its events wait", name(k));
	k->told = ms;
}

/* One message for a trouble, however often it is met. */
static void cannot(struct sink *k, int error)
{
	if (error == EAGAIN) {
		wait_for_reader(k);
		return;
	}
	k->failures++;
	if (!k->broken)
		log_line(SAY_ERROR, "%s: cannot be written: %s; its events wait", name(k), strerror(error));
	k->broken = true;
}

/* ---- a file, and another in its place ---- */

static int64_t time_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void replace(struct sink *k, int fd)
{
	close(k->fd);
	k->fd = fd;
}

/* Where it cannot be opened, the one that is open still takes events, whatever it is called by now. */
static void open_again(struct sink *k)
{
	struct error e;
	int fd = open_path(k->path, &e);
	if (fd < 0 && !k->lost)
		log_line(SAY_ERROR, "%s; events go where they went before", e.text);
	k->lost = fd < 0;
	k->again = false;
	if (fd < 0)
		return;
	replace(k, fd);
	k->regular = is_regular(fd);
	if (k->regular && torn(k->path) && write(fd, "\n", 1) != 1)
		log_line(SAY_WARNING, "%s: what stood there ends within a line, and so the next one is spoilt", k->path);
}

/* How many octets of [at, n) are its first line. */
static size_t line_at(const struct sink *k)
{
	const char *from = k->text.p + k->done, *end = memchr(from, '\n', k->text.n - k->done);
	return end ? (size_t)(end - from) + 1 : k->text.n - k->done;
}

/* The lines, at least one, that the file may take before it is renamed. */
static size_t lines_within(const struct sink *k, uint64_t room)
{
	const size_t all = k->text.n - k->done, first = line_at(k);
	if (!k->rotates || !k->rotation.size || all <= room)
		return all;
	if (first >= room)
		return first;
	const char *from = k->text.p + k->done, *end = memrchr(from, '\n', (size_t)room);
	return end ? (size_t)(end - from) + 1 : first;
}

static bool within_line(const struct sink *k)
{
	return k->done && k->text.p[k->done - 1] != '\n';
}

/* Half a line was written, and who truncated the file took that half away: the line begins anew. */
static void rewind_line(struct sink *k, off_t size)
{
	if (size >= k->end)
		return;
	const char *end = memrchr(k->text.p, '\n', k->done);
	k->done = end ? (size_t)(end - k->text.p) + 1 : 0;
}

/* Renames it when it is time, or finds that somebody else did. *st: of the file that is written next. */
static void turn(struct sink *k, size_t next, struct stat *st)
{
	if (k->again)
		open_again(k);
	if (fstat(k->fd, st) != 0)
		*st = (struct stat){ 0 };
	const int64_t now = time_ms();
	if (!k->rotates || !rotation_due(&k->rotation, (uint64_t)st->st_size, next, now))
		return;
	int fd = rotation_turn(&k->rotation, k->fd, now);
	if (fd < 0)
		return;
	replace(k, fd);
	if (fstat(fd, st) != 0)
		*st = (struct stat){ 0 };
}

static ssize_t write_lines(struct sink *k)
{
	struct stat st = { 0 };
	if (within_line(k)) {
		if (fstat(k->fd, &st) == 0)
			rewind_line(k, st.st_size);
	} else {
		turn(k, line_at(k), &st);
	}
	const uint64_t size = (uint64_t)st.st_size, limit = k->rotation.size;
	const size_t ask = within_line(k) ? line_at(k) : lines_within(k, limit > size ? limit - size : 0);
	const ssize_t n = write(k->fd, k->text.p + k->done, ask);
	if (n > 0 && (size_t)n < ask && fstat(k->fd, &st) == 0)
		k->end = st.st_size;
	return n;
}

static bool write_sink(struct sink *k)
{
	while (k->done < k->text.n) {
		ssize_t n = k->regular && k->path ? write_lines(k) : write_some(k);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			cannot(k, n < 0 ? errno : EIO);
			return false;
		}
		k->done += (size_t)n;
	}
	if (k->broken)
		log_line(SAY_NOTICE, "%s: is written again", name(k));
	k->broken = k->slow = false;
	k->text.n = k->done = 0;
	k->text.full = false;
	return true;
}

bool sinks_flush(struct sinks *s)
{
	bool all = true;
	for (size_t i = 0; i < s->n; i++)
		all = write_sink(&s->sink[i]) && all;
	return all;
}

void sinks_again(struct sinks *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->sink[i].again = s->sink[i].regular && s->sink[i].path;
}

void sinks_tick(struct sinks *s)
{
	struct stat st;
	for (size_t i = 0; i < s->n; i++)
		if (s->sink[i].rotates && s->sink[i].text.n == 0)
			turn(&s->sink[i], 0, &st);
}

size_t sinks_folders(const struct settings *settings, bool all, char folder[SINKS][PATH_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < settings->output.n && n < SINKS; i++) {
		const struct output_settings *o = &settings->output.at[i];
		struct stat st;
		if (!o->path || receivers_have(o) || !(all || rotation_wanted(o)) || stat(o->path, &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		real_folder(o->path, folder[n++]);
	}
	return n;
}

const char *sinks_removed(const struct sinks *s)
{
	struct stat st;
	for (size_t i = 0; i < s->n; i++)
		if (s->sink[i].regular && s->sink[i].path && fstat(s->sink[i].fd, &st) == 0 && st.st_nlink == 0)
			return s->sink[i].path;
	return NULL;
}

int sinks_slow(const struct sinks *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->sink[i].slow)
			return s->sink[i].fd;
	return -1;
}

static void none(const struct sinks *s, struct record *stats, enum fact fact)
{
	for (size_t i = 0; i < s->n; i++)
		record_add_num(stats, fact, 0);
}

void sinks_fill(const struct sinks *s, struct record *stats)
{
	for (size_t i = 0; i < s->n; i++)
		record_add_cstr(stats, F_st_output, s->sink[i].path ? s->sink[i].path : "standard output");
	for (size_t i = 0; i < s->n; i++)
		record_add_num(stats, F_st_output_sent, (int64_t)s->sink[i].events);
	for (size_t i = 0; i < s->n; i++)
		record_add_num(stats, F_st_output_failed, (int64_t)s->sink[i].failures);
	for (size_t i = 0; i < s->n; i++)
		record_add_num(stats, F_st_output_wait, (int64_t)(s->sink[i].text.n - s->sink[i].done));
	static const enum fact of_receivers[] = { F_st_output_lost, F_st_output_lost_alerts, F_st_output_again, F_st_output_queued };
	for (size_t i = 0; i < sizeof(of_receivers) / sizeof(of_receivers[0]); i++)
		none(s, stats, of_receivers[i]);
}
