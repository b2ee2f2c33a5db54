/* sink: see sink.h. Each gathers whole lines and writes them with as few calls as may be; a line is never split between two
 * calls unless the first one wrote only a part of it. A reader that is slow (a pipe, a terminal) makes nobody wait here. */
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

#include "format.h"
#include "json.h"
#include "log.h"
#include "receivers.h"
#include "table.h"

enum { BUFFER = 256 * 1024, LOW = BUFFER - 2 * JSON_LINE, TELL_MS = 60000 };

/* output: of the configuration; NULL: none is, and this is standard output, in this format
 * done: octets of text that are written    broken: the last attempt failed, and was told
 * regular: a file, which takes what comes   slow: it takes nothing now    told: ms, when that was said last
 * events: put into it so far    failures: attempts to write that failed */
struct sink {
	const char *path;
	int fd;
	const struct output_settings *output;
	enum format format;
	struct table table;
	struct text text;
	size_t done;
	bool regular, broken, slow;
	int64_t told;
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
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
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

bool sinks_try(const struct settings *settings, struct error *e)
{
	bool good = true;
	for (size_t i = 0; good && i < settings->output.n; i++) {
		const char *path = settings->output.at[i].path;
		struct stat st;
		if (receivers_have(&settings->output.at[i]) || !path || (stat(path, &st) == 0 && !S_ISREG(st.st_mode))) /* who reads a pipe would take it for the end */
			continue;
		int fd = open_path(path, e);
		good = fd >= 0;
		if (good)
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

bool sinks_event(struct sinks *s, const struct record *r)
{
	const enum dataset dataset = (enum dataset)format_dataset(r);
	bool good = true;
	for (size_t i = 0; i < s->n; i++) {
		struct sink *k = &s->sink[i];
		if (!k->output || format_wanted(k->output, r)) {
			good = put(k, r, dataset) && good;
			k->events++;
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

static bool write_sink(struct sink *k)
{
	while (k->done < k->text.n) {
		ssize_t n = write_some(k);
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
