/* proc_lines: lines of events to sessions. The only process that parses them, and it can do nothing else: they come over networks, and
 * after sandbox_capture it has what was opened for it, one channel, and memory. What it hands on is checked again by the judge. */
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "line_source.h"
#include "session_line.h"

/* SAID: lines that are named; the rest are counted */
enum { SAID = 10 };

struct lines {
	const struct run *run;
	struct channel *judge;
	struct line_source *source;
	uint64_t read, others, bad, failed;
	struct record record;
	bool gone;                 /* who should read us is not there any more */
	uint64_t number;           /* of the message that the line was in the stream; there are none in files */
	bool over;                 /* of the stream comes nothing more */
};

static void note(struct lines *l, char kind, const char *text)
{
	l->gone = l->gone || !channel_send(l->judge, CH_NOTE, (struct bytes){ (const uint8_t *)&kind, 1 }, bytes_of(text));
}

static const char *place(struct lines *l)
{
	static char text[600];
	if (!l->run->lines->from)
		return line_source_place(l->source);
	snprintf(text, sizeof(text), "stream %s, message %llu", l->run->lines->from->stream, (unsigned long long)l->number);
	return text;
}

static void bad(struct lines *l, const char *why)
{
	char text[768];
	if (l->bad++ >= SAID)
		return;
	snprintf(text, sizeof(text), "%s: %s; passed over%s", place(l), why,
		 l->bad == SAID ? ", and no further one is named" : "");
	note(l, 'e', text);
}

/* The latest time of which a session may tell. */
static int64_t latest(const struct lines *l)
{
	struct timespec t;
	int64_t at;
	clock_gettime(CLOCK_REALTIME, &t);
	return __builtin_add_overflow((int64_t)t.tv_sec * 1000000000 + t.tv_nsec, l->run->lines->ahead, &at) ? INT64_MAX : at;
}

static void one(struct lines *l, struct bytes line)
{
	const char *why = NULL;
	const struct bytes record = { (const uint8_t *)&l->record, 0 };
	switch (session_line_read(line, latest(l), &l->record, &why)) {
	case SESSION_LINE_EMPTY:
		return;
	case SESSION_LINE_SESSION:
		if (l->run->lines->from)
			record_num(&l->record, F_event_sequence, (int64_t)l->number);
		l->gone = l->gone || !channel_send(l->judge, CH_SESSION, (struct bytes){ record.p, record_size(&l->record) },
						   (struct bytes){ 0 });
		break;
	case SESSION_LINE_OTHER:
		l->others++;
		break;
	case SESSION_LINE_BAD:
		bad(l, why);
		break;
	}
	l->read++;
}

/* As proc_fetch writes them. */
static void fetched(struct lines *l, struct bytes line)
{
	uint64_t number = 0;
	size_t i = 0;
	if (line.n && (line.p[0] == '!' || line.p[0] == '.')) {
		char text[1024];
		snprintf(text, sizeof(text), "%.*s", (int)(line.n - 1), (const char *)line.p + 1);
		if (line.p[0] == '!')
			note(l, 'e', text);
		l->over = true;
		return;
	}
	for (; i < line.n && i < 19 && line.p[i] >= '0' && line.p[i] <= '9'; i++)
		number = number * 10 + (uint64_t)(line.p[i] - '0');
	l->number = number;
	one(l, bytes_skip(line, i + (i < line.n && line.p[i] == '\t')));
}

static void read_line(struct lines *l, struct bytes line)
{
	if (l->run->lines->from)
		fetched(l, line);
	else
		one(l, line);
}

static void read_all(struct lines *l)
{
	char text[768];
	struct bytes line;
	while (!l->gone) {
		switch (line_source_next(l->source, &line)) {
		case LINE_SOURCE_READ:
			read_line(l, line);
			break;
		case LINE_SOURCE_LONG:
			l->read++;
			l->number += l->run->lines->from != NULL;
			bad(l, "longer than 65,536 octets");
			break;
		case LINE_SOURCE_WAIT: /* who judges need not wait with us */
			l->gone = !channel_flush(l->judge);
			break;
		case LINE_SOURCE_FAILED:
			l->failed++;
			snprintf(text, sizeof(text), "%s: cannot read on: %s", line_source_place(l->source), strerror(errno));
			note(l, 'e', text);
			break;
		case LINE_SOURCE_END:
			return;
		}
	}
}

static void send_stats(struct lines *l)
{
	static struct record stats;
	record_init(&stats);
	record_num(&stats, F_st_lines, (int64_t)l->read);
	record_num(&stats, F_st_lines_others, (int64_t)l->others);
	record_num(&stats, F_st_lines_bad, (int64_t)l->bad);
	channel_send(l->judge, CH_STATS, (struct bytes){ (const uint8_t *)&stats, record_size(&stats) }, (struct bytes){ 0 });
}

int proc_lines(const struct run *run, struct channel *judge)
{
	struct error e;
	struct lines *l = calloc(1, sizeof(*l));
	if (!l)
		return 2;
	l->run = run;
	l->judge = judge;
	l->source = run->lines->source;
	if (!sandbox_capture(&run->user, SANDBOX_FILE, &e)) {
		note(l, 'e', e.text);
	} else {
		read_all(l);
		if (run->lines->from && !l->over && !line_source_stopped(l->source))
			note(l, 'e', "the process that reads the stream ended early; what follows is not everything");
		if (l->bad > SAID) {
			char text[64];
			snprintf(text, sizeof(text), "%llu lines were passed over", (unsigned long long)l->bad);
			note(l, 'e', text);
		}
		send_stats(l);
		channel_send(judge, CH_END, (struct bytes){ 0 }, (struct bytes){ 0 });
	}
	const bool sent = channel_flush(judge) && !l->gone;
	free(l);
	return sent ? 0 : 2;
}
