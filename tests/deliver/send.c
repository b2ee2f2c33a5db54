/* send: lines of standard input to a receiver, by the carrier that an output would have: for tests against real receivers.
 *	send TYPE KEY=VALUE...      TYPE: syslog or unix; the keys are those of an output
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

static void setting(struct output_settings *o, const char *word)
{
	static const char *const transports[] = { "tls", "tcp", "udp", "unix" };
	static const char *const framings[] = { "octet-counted", "newline" };
	const char *is = strchr(word, '=');
	size_t n = is ? (size_t)(is - word) : 0;
	const struct {
		const char *key;
		const char **text;
	} keys[] = { { "address", &o->address }, { "path", &o->path }, { "ca", &o->ca }, { "cert", &o->cert }, { "key", &o->key },
		{ "server_name", &o->server_name } };
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strlen(keys[i].key) == n && strncmp(keys[i].key, word, n) == 0)
			*keys[i].text = is + 1;
	if (strncmp(word, "transport=", 10) == 0)
		o->transport = (uint8_t)word_of(transports, 4, word + 10);
	if (strncmp(word, "framing=", 8) == 0)
		o->framing = (uint8_t)word_of(framings, 2, word + 8);
}

static void rest(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
}

/* One life of a carrier; true: all is done. */
static bool carry(const struct carrier_kind *kind, const struct output_settings *o, const struct lines *l, uint64_t *done, time_t *moved)
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
			const char *text = l->line[next];
			struct spool_item item = { .number = next + 1, .payload = { (const uint8_t *)text, strlen(text) } };
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
	struct output_settings o = { 0 };
	struct lines l = lines_read();
	uint64_t done = 0;
	time_t moved = time(NULL);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 2; i < argc; i++)
		setting(&o, argv[i]);
	const struct carrier_kind *kind = argc > 1 && strcmp(argv[1], "unix") == 0 ? &carrier_unix : &carrier_syslog;
	while (!carry(kind, &o, &l, &done, &moved)) {
		if (time(NULL) - moved >= PATIENCE_S)
			return 1;
		rest();
	}
	return 0;
}
