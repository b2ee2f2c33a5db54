/* sink: see sink.h. Each gathers whole lines and writes them with as few calls as may be; a line is never split between two
 * calls unless the first one wrote only a part of it. */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "log.h"
#include "table.h"

enum { BUFFER = 256 * 1024, LOW = BUFFER - 2 * JSON_LINE };

/* done: octets of text that are written. broken: the last attempt failed, and was told. */
struct sink {
	const char *path;
	int fd;
	enum format format;
	enum level least;
	uint32_t datasets;
	struct table table;
	struct text text;
	size_t done;
	bool broken;
};

struct sinks {
	size_t n;
	uint64_t events, failures;
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

static bool open_file(struct sink *k, struct error *e)
{
	k->fd = open(k->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
	return k->fd >= 0 || error_set(e, "outputs: %s: cannot write there: %s", k->path, strerror(errno));
}

static bool add(struct sinks *s, const struct output_settings *o, struct error *e)
{
	struct sink *k = &s->sink[s->n++];
	*k = (struct sink){ .path = o->path, .fd = STDOUT_FILENO, .format = FORMAT_NDJSON, .least = (enum level)o->minimum_level,
			    .datasets = o->datasets };
	return buffer(k, e) && (!o->path || open_file(k, e));
}

static bool standard(struct sinks *s, const struct run *run, struct error *e)
{
	struct sink *k = &s->sink[s->n++];
	*k = (struct sink){ .fd = run->out, .format = run->format, .least = level_informational, .datasets = UINT32_MAX,
			    .table = { .all = run->all, .colour = run->colour, .width = run->width } };
	return buffer(k, e);
}

struct sinks *sinks_new(const struct settings *settings, const struct run *run, struct error *e)
{
	struct sinks *s = calloc(1, sizeof(*s));
	bool good = s || error_set(e, "no memory for outputs");
	for (size_t i = 0; good && i < settings->output.n && i < SINKS; i++)
		good = add(s, &settings->output.at[i], e);
	if (good && s->n == 0)
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

static enum dataset dataset_of(const struct record *r)
{
	struct bytes dataset = record_get_str(r, F_event_dataset);
	if (bytes_eq(dataset, bytes_of("mxwitness.session")))
		return dataset_session;
	return bytes_eq(dataset, bytes_of("mxwitness.alert")) ? dataset_alert : dataset_stats;
}

static bool put(struct sink *k, const struct record *r, enum dataset dataset)
{
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
	case dataset_COUNT:
		break;
	}
	return true;
}

bool sinks_event(struct sinks *s, const struct record *r)
{
	enum dataset dataset = dataset_of(r);
	bool good = true;
	for (size_t i = 0; i < s->n; i++) {
		struct sink *k = &s->sink[i];
		bool below = dataset == dataset_alert && record_get_num(r, F_alert_level, 0) < (int64_t)k->least;
		if (k->datasets >> dataset & 1 && !below)
			good = put(k, r, dataset) && good;
	}
	s->events++;
	return good;
}

static bool write_sink(struct sinks *s, struct sink *k)
{
	while (k->done < k->text.n) {
		ssize_t n = write(k->fd, k->text.p + k->done, k->text.n - k->done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			s->failures++;
			if (!k->broken)
				log_line(SAY_ERROR, "%s: cannot be written: %s; its events wait", k->path ? k->path : "standard output",
					 strerror(errno));
			k->broken = true;
			return false;
		}
		k->done += (size_t)n;
	}
	if (k->broken)
		log_line(SAY_NOTICE, "%s: is written again", k->path ? k->path : "standard output");
	k->broken = false;
	k->text.n = k->done = 0;
	k->text.full = false;
	return true;
}

bool sinks_flush(struct sinks *s)
{
	bool all = true;
	for (size_t i = 0; i < s->n; i++)
		all = write_sink(s, &s->sink[i]) && all;
	return all;
}

size_t sinks_folders(const struct settings *settings, const char *folder[SINK_FOLDERS])
{
	size_t n = 0;
	if (settings->evidence_directory)
		folder[n++] = settings->evidence_directory;
	return n;
}

void sinks_counts(const struct sinks *s, uint64_t *events, uint64_t *failures)
{
	*events = s->events;
	*failures = s->failures;
}
