/* source_file: see source.h. The packets of a list of capture files, one file after the other.
 *
 * inputs opens and looks (in the supervisor), capfile reads (in the capture process); here is only whose turn it is,
 * and what is said about it. After source_open nothing here opens, seeks or asks the system for anything. */
#include <stdio.h>
#include <stdlib.h>

#include "capfile.h"
#include "inputs.h"
#include "source.h"

/* at      the input being read, or the next if begun is false
 * done    octets of the inputs before it
 * total   octets of all, 0 if the size of one is not known */
struct source {
	struct inputs inputs;
	struct capfile *file;
	size_t at;
	bool begun;
	uint64_t done, total;
	const char *name;
	struct error damage;
};

static uint64_t size_of_all(const struct inputs *list)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < list->n; i++) {
		if (!list->v[i].sized)
			return 0;
		sum += list->v[i].size;
	}
	return sum;
}

struct source *source_open(char *const *paths, int n, struct error *e)
{
	struct source *s = calloc(1, sizeof(*s));
	struct capfile *file = s ? capfile_new() : NULL;
	if (!file) {
		error_set(e, "no memory to read captures");
	} else if (inputs_open(&s->inputs, paths, n, e)) {
		s->file = file;
		s->total = size_of_all(&s->inputs);
		s->name = s->inputs.v[0].name;
		return s;
	}
	capfile_free(file);
	free(s);
	return NULL;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	inputs_close(&s->inputs);
	capfile_free(s->file);
	free(s);
}

const char *source_name(const struct source *s)
{
	return s->name;
}

const char *source_error(const struct source *s)
{
	return s->damage.text;
}

void source_progress(const struct source *s, uint64_t *done, uint64_t *total)
{
	*done = s->done + (s->begun ? capfile_used(s->file) : 0);
	*total = s->total;
}

bool source_witnessed(const struct source *s, struct bytes *octets, const uint8_t **sha256)
{
	return capfile_witnessed(s->file, octets, sha256);
}

static void say_damage(struct source *s)
{
	const struct capfile *f = s->file;
	error_set(&s->damage, "%s: damaged at octet %llu%s: %s; the %llu packets before it were read", s->name,
		  (unsigned long long)capfile_offset(f), capfile_packed(f) ? " of what it decompresses to" : "",
		  capfile_why(f), (unsigned long long)capfile_packets(f));
}

static void begin(struct source *s)
{
	struct input *in = &s->inputs.v[s->at];
	s->name = in->name;
	s->begun = true;
	capfile_start(s->file, in->fd, (struct bytes){ in->head, in->head_n });
}

/* The descriptor and what was kept for it are of no use any more. */
static void finish(struct source *s)
{
	struct input *in = &s->inputs.v[s->at++];
	s->done += in->sized ? in->size : capfile_used(s->file);
	s->begun = false;
	input_close(in);
}

enum source_result source_next(struct source *s, struct packet *packet)
{
	while (s->begun || s->at < s->inputs.n) {
		if (!s->begun)
			begin(s);
		switch (capfile_next(s->file, packet)) {
		case CAPFILE_PACKET:
			return SOURCE_PACKET;
		case CAPFILE_DAMAGED:
			say_damage(s);
			finish(s);
			return SOURCE_DAMAGED;
		case CAPFILE_END:
			finish(s);
			break;
		}
	}
	return SOURCE_END;
}
