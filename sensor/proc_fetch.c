/* proc_fetch: messages of a stream to lines, for the process that parses them. It has the connection and nothing else: what it hands on
 * it does not look into. A line is
 *	NUMBER TAB MESSAGE      of the stream; line ends inside are blanks, which in JSON is the same
 *	!TEXT                   this can go no further, and why
 *	.                       all was given that was asked for
 * and what ends without one of the last two ended early. A pipe that is full makes it wait; meanwhile it asks for nothing. */
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#ifdef HAVE_NATS
#include "nats_leases.h"
#include "stream_reader.h"

/* WAIT_MS   for a message, for room in the pipe, for the end: then it looks at the others
 * TURN_MS   between two looks at the leases    STALE_MS  without a sign of life of the judge, and there is none any more
 * LEAVE_MS  for the judge to write what it has judged, when the end was asked for
 * PATIENCE_MS  without a connection, of who is to read to the end of the stream and no further */
enum { WAIT_MS = 200, TURN_MS = 300, STALE_MS = 60000, LEAVE_MS = 20000, PATIENCE_MS = 30000, BUFFER = LINE_SOURCE_LINE + 64 };

/* buffer    a line, of which at..n is still to be written
 * down      since when there is no connection, ms; 0: there is one */
struct fetch {
	const struct run_lines *lines;
	struct stream_reader *reader;
	struct nats_leases *leases;
	int64_t down, turn;
	uint64_t given;
	bool over, said, said_leases;
	size_t at, n;
	char buffer[BUFFER];
};

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the pipe ---- */

/* false: who reads it is gone, or wants no more. */
static bool push(struct fetch *f, int wait_ms)
{
	struct pollfd p = { .fd = f->lines->feed[1], .events = f->at < f->n ? POLLOUT : 0 };
	if (poll(&p, 1, wait_ms) > 0 && p.revents & (POLLERR | POLLNVAL))
		return false;
	if (!(p.revents & POLLOUT))
		return true;
	const ssize_t done = write(p.fd, f->buffer + f->at, f->n - f->at);
	if (done < 0)
		return errno == EAGAIN || errno == EINTR;
	f->at += (size_t)done;
	return true;
}

/* More than a line may have is cut just behind that: it is passed over as any line that is too long. */
static void put_message(struct fetch *f, const struct stream_message *m)
{
	const int head = snprintf(f->buffer, sizeof(f->buffer), "%llu\t", (unsigned long long)m->number);
	const size_t room = sizeof(f->buffer) - (size_t)head - 1, n = m->payload.n < room ? m->payload.n : room;
	char *text = f->buffer + head;
	if (n)
		memcpy(text, m->payload.p, n);
	for (char *end = memchr(text, '\n', n); end; end = memchr(end, '\n', n - (size_t)(end - text)))
		*end = ' ';
	text[n] = '\n';
	f->at = 0;
	f->n = (size_t)head + n + 1;
	f->given = m->number;
}

static void put_last(struct fetch *f, const char *sign, const char *text)
{
	f->at = 0;
	f->n = (size_t)snprintf(f->buffer, 1024, "%s%.900s", sign, text);
	for (size_t i = 0; i < f->n; i++)
		if (f->buffer[i] == '\n')
			f->buffer[i] = ' ';
	f->buffer[f->n++] = '\n';
	f->over = true;
}

/* ---- the stream ---- */

/* Once for each time that it is away. Who reads to the end waits for no stream that is not there from the start, and not for ever. */
static void trouble(struct fetch *f, const char *text)
{
	uint64_t life;
	const int64_t now = now_ms();
	f->down = f->down ? f->down : now;
	stream_reader_connection(f->reader, &life);
	if (f->lines->once && (!life || now - f->down > PATIENCE_MS)) {
		put_last(f, "!", text);
		return;
	}
	if (!f->said)
		log_line(SAY_WARNING, "%s; tried again until it works", text);
	f->said = true;
}

static void there_again(struct fetch *f)
{
	if (f->said)
		log_line(SAY_NOTICE, "%s: stream %s is there again", f->lines->from->address, f->lines->from->stream);
	f->said = false;
	f->down = 0;
}

static void next(struct fetch *f)
{
	struct error e;
	struct stream_message m;
	if (f->lines->once && stream_reader_caught_up(f->reader)) {
		put_last(f, ".", "");
		return;
	}
	switch (stream_reader_next(f->reader, WAIT_MS, &m, &e)) {
	case STREAM_MESSAGE:
		put_message(f, &m);
		break;
	case STREAM_NOTHING:
		break;
	case STREAM_OPEN:
		there_again(f);
		break;
	case STREAM_TROUBLE:
		trouble(f, e.text);
		break;
	case STREAM_ANEW:
		put_last(f, "!", "the stream was made anew, and what was judged is of the one before: begin anew");
		break;
	}
}

/* ---- the leases ---- */

static void turn(struct fetch *f)
{
	struct error e;
	uint64_t life;
	natsConnection *nc = stream_reader_connection(f->reader, &life);
	const int64_t now = now_ms();
	if (!f->leases || now - f->turn < TURN_MS)
		return;
	f->turn = now;
	if (life)
		nats_leases_stream(f->leases, stream_reader_created(f->reader), stream_reader_replicas(f->reader), f->given,
				   stream_reader_caught_up(f->reader));
	const bool good = nats_leases_turn(f->leases, nc, life, &e);
	if (!good && !f->said_leases && !f->said)
		log_line(SAY_WARNING, "%s: %s; tried again until it works", f->lines->from->address, e.text);
	f->said_leases = !good;
}

/* What the judge still writes is in what is given back, so that nobody says it again. */
static void leave(struct fetch *f)
{
	uint64_t life;
	const int64_t until = now_ms() + LEAVE_MS;
	while (f->leases && !atomic_load(&f->lines->shares->over) && now_ms() < until) {
		poll(NULL, 0, WAIT_MS / 4);
		turn(f);
	}
	natsConnection *nc = stream_reader_connection(f->reader, &life);
	if (f->leases)
		nats_leases_leave(f->leases, nc, life);
}

static bool judge_lives(const struct fetch *f)
{
	return !f->leases || now_ms() - atomic_load(&f->lines->shares->life) < STALE_MS;
}

static void work(struct fetch *f)
{
	while (judge_lives(f) && (!f->over || f->at < f->n)) {
		const bool waits = f->at < f->n;
		if (!push(f, waits ? WAIT_MS : 0))
			return;
		if (!waits)
			next(f);
		turn(f);
	}
}

int proc_fetch(const struct run *run)
{
	static struct fetch f;
	struct error e;
	f.lines = run->lines;
	log_open("mxwitness", SAY_NOTICE);
	if (!sandbox_deliver(&run->user, &e)) {
		log_line(SAY_ERROR, "fetch: %s", e.text);
		return 2;
	}
	if (run->lines->shares) {
		atomic_store(&run->lines->shares->life, now_ms());
		f.leases = nats_leases_new(run->lines->bucket, run->lines->shares);
	}
	f.reader = stream_reader_new(run->lines->from, run->lines->since, &e);
	if (!f.reader) {
		put_last(&f, "!", e.text);
		while (f.at < f.n && push(&f, WAIT_MS))
			;
		return 2;
	}
	work(&f);
	leave(&f);
	nats_leases_free(f.leases);
	stream_reader_free(f.reader);
	return 0;
}
#else
int proc_fetch(const struct run *run)
{
	(void)run;
	log_line(SAY_ERROR, "this mxwitness was built without libnats");
	return 2;
}
#endif
