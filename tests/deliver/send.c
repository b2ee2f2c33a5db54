/* send: lines of standard input to a receiver, by the carrier that an output would have: for tests against real receivers.
 *	send TYPE KEY=VALUE...      TYPE: that of an output; the keys are its too
 *	send TYPE fields=yes ...    a line has DATASET, event.id and the server's address in front of the payload, with tabs between
 * A line is a payload. What was not done when a connection broke is sent again over the next one, until all is done. Prints a line for each
 * failure and for each number done; ends with 0 when all is done, with 1 after 60 s without any progress. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "carrier.h"

enum { PAUSE_MS = 200, PATIENCE_S = 60 };

struct lines {
	char **line;
	size_t n;
};

static struct lines lines_read(void)
{
	struct lines l = { NULL, 0 };
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	while ((n = getline(&line, &size, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = 0;
		l.line = realloc(l.line, (l.n + 1) * sizeof(*l.line));
		if (!l.line)
			abort();
		l.line[l.n++] = strdup(line);
	}
	free(line);
	return l;
}

static int word_of(const char *const *words, int count, const char *word)
{
	for (int i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	fprintf(stderr, "send: no such word: %s\n", word);
	exit(2);
}

static void kafka_setting(struct output_settings *o, const char *text)
{
	static const char *list[32];
	if (o->kafka.n < sizeof(list) / sizeof(list[0]))
		list[o->kafka.n++] = text;
	o->kafka.text = list;
}

static void setting(struct output_settings *o, const char *word)
{
	static const char *const transports[] = { "tls", "tcp", "udp", "unix" };
	static const char *const framings[] = { "octet-counted", "newline" };
	const char *is = strchr(word, '=');
	size_t n = is ? (size_t)(is - word) : 0;
	const unsigned long number = is ? strtoul(is + 1, NULL, 10) : 0;
	const struct {
		const char *key;
		const char **text;
	} keys[] = { { "address", &o->address }, { "path", &o->path }, { "ca", &o->ca }, { "cert", &o->cert }, { "key", &o->key },
		{ "server_name", &o->server_name }, { "credentials", &o->credentials }, { "stream", &o->stream }, { "subject", &o->subject },
		{ "topic", &o->topic } };
	const struct {
		const char *key;
		uint32_t *number;
	} numbers[] = { { "partitions", &o->partitions }, { "replicas", &o->replicas } };
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strlen(keys[i].key) == n && strncmp(keys[i].key, word, n) == 0)
			*keys[i].text = is + 1;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strlen(numbers[i].key) == n && strncmp(numbers[i].key, word, n) == 0)
			*numbers[i].number = (uint32_t)number;
	if (strncmp(word, "keep=", 5) == 0)
		o->keep = number;
	if (strcmp(word, "tls=true") == 0)
		o->tls = true;
	if (strncmp(word, "kafka=", 6) == 0)
		kafka_setting(o, is + 1);
	if (strncmp(word, "transport=", 10) == 0)
		o->transport = (uint8_t)word_of(transports, 4, word + 10);
	if (strncmp(word, "framing=", 8) == 0)
		o->framing = (uint8_t)word_of(framings, 2, word + 8);
}

/* DATASET <tab> id <tab> key <tab> payload, or all of it is the payload. */
static struct spool_item item_of(const char *line, uint64_t number, bool fields)
{
	struct spool_item item = { .number = number, .dataset = dataset_session };
	struct bytes *const part[] = { NULL, &item.id, &item.key };
	for (int i = 0; fields && i < 3; i++) {
		size_t n = strcspn(line, "\t");
		if (part[i])
			*part[i] = (struct bytes){ (const uint8_t *)line, n };
		else
			item.dataset = strncmp(line, "alert", n) == 0 ? dataset_alert : dataset_session;
		line += n + (line[n] != 0);
	}
	item.payload = (struct bytes){ (const uint8_t *)line, strlen(line) };
	return item;
}

static void rest(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
}

/* One life of a carrier; true: all is done. */
static bool carry(const struct carrier_kind *kind, const struct output_settings *o, const struct lines *l, bool fields, uint64_t *done, time_t *moved)
{
	struct error e = { "" };
	uint64_t next = *done;
	struct carrier *c = kind->new(o, &e);
	if (!c) {
		printf("never: %s\n", e.text);
		exit(1);
	}
	enum carrier_state s = CARRIER_BUSY;
	while (s != CARRIER_FAILED && *done < l->n && time(NULL) - *moved < PATIENCE_S) {
		s = kind->state(c, next < l->n ? 20 : 200, &e);
		while (s == CARRIER_READY && next < l->n) {
			struct spool_item item = item_of(l->line[next], next + 1, fields);
			s = kind->put(c, &item, &e);
			next += s == CARRIER_READY;
		}
		if (kind->done(c) > *done) {
			*done = kind->done(c);
			*moved = time(NULL);
			printf("done %llu\n", (unsigned long long)*done);
			fflush(stdout);
		}
	}
	if (s == CARRIER_FAILED)
		printf("failed: %s\n", e.text);
	fflush(stdout);
	kind->free(c);
	return *done == l->n;
}

int main(int argc, char **argv)
{
	static const char *const types[] = { "file", "syslog", "unix", "nats", "kafka" };
	struct output_settings o = { .stream = "MXWITNESS", .subject = "mxwitness", .topic = "mxwitness", .partitions = 1, .datasets = 3 };
	bool fields = false;
	struct lines l = lines_read();
	uint64_t done = 0;
	time_t moved = time(NULL);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 2; i < argc; i++) {
		setting(&o, argv[i]);
		fields = fields || strcmp(argv[i], "fields=yes") == 0;
	}
	const struct carrier_kind *kind = argc > 1 ? carrier_kind((unsigned)word_of(types, 5, argv[1])) : NULL;
	if (!kind) {
		fprintf(stderr, "send: no such carrier here\n");
		return 2;
	}
	while (!carry(kind, &o, &l, fields, &done, &moved)) {
		if (time(NULL) - moved >= PATIENCE_S)
			return 1;
		rest();
	}
	return 0;
}
