/* deliver: see deliver.h. It owns the reader's end of the spool and, while there is hope, a carrier. What it says about a receiver it
 * says once for each trouble, and once when that is over. */
#include "deliver.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"

/* In first pauses. STEADY: so long without a failure, and it is well     LONGEST: between two trials, and where people must act first */
enum { STEADY = 5, LONGEST = 60 };

/* held     an item that the carrier had no room for yet, when holding
 * drained  nothing more is there     well_since  ms; 0: it is not
 * due      ms, when a carrier is made again     pause  then, if that fails too     said  the trouble of which people know */
struct deliver {
	const char *name;
	const struct carrier_kind *kind;
	const struct output_settings *output;
	struct spool_reader *spool;
	struct carrier *carrier;
	struct spool_item held;
	bool holding, drained;
	uint64_t done;
	int64_t due, pause, first_pause, well_since;
	char said[sizeof(((struct error *)0)->text)];
};

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct deliver *deliver_new(const char *folder, const char *name, const struct carrier_kind *kind, const struct output_settings *o,
			    int64_t pause, struct error *e)
{
	struct deliver *d = calloc(1, sizeof(*d));
	if (!d) {
		error_set(e, "no memory for an output");
		return NULL;
	}
	*d = (struct deliver){ .name = name, .kind = kind, .output = o, .pause = pause, .first_pause = pause };
	d->spool = spool_read(folder, e);
	if (d->spool)
		return d;
	free(d);
	return NULL;
}

void deliver_free(struct deliver *d)
{
	if (!d)
		return;
	if (d->carrier)
		d->kind->free(d->carrier);
	spool_read_close(d->spool);
	free(d);
}

uint64_t deliver_left(const struct deliver *d)
{
	return spool_left(d->spool);
}

/* The receiver takes what there is. One that comes and goes is not told of each time: that it is well is said when it stays so. */
static void well(struct deliver *d)
{
	const int64_t now = ms_now();
	if (!d->well_since)
		d->well_since = now;
	if (now - d->well_since < STEADY * d->first_pause)
		return;
	d->pause = d->first_pause;
	if (d->said[0])
		log_line(SAY_NOTICE, "output %s: its receiver takes events again", d->name);
	d->said[0] = '\0';
}

static uint64_t acknowledge(struct deliver *d)
{
	const uint64_t done = d->kind->done(d->carrier), before = d->done;
	if (done > before) {
		spool_done(d->spool, done);
		spool_taken(d->spool, true);
		d->done = done;
	}
	return d->done - before;
}

static void failed(struct deliver *d, const struct error *e)
{
	if (strcmp(d->said, e->text) != 0)
		log_line(SAY_ERROR, "output %s: %s; its events wait", d->name, e->text);
	memcpy(d->said, e->text, sizeof(d->said));
	if (d->carrier) {
		acknowledge(d);
		d->kind->free(d->carrier);
	}
	d->carrier = NULL;
	d->holding = false;
	d->well_since = 0;
	spool_again(d->spool);
	spool_failed(d->spool);
	spool_taken(d->spool, false);
	d->due = ms_now() + d->pause;
	d->pause = 2 * d->pause < LONGEST * d->first_pause ? 2 * d->pause : LONGEST * d->first_pause;
}

/* Hands over until the carrier has enough or nothing is left. */
static enum carrier_state hand_over(struct deliver *d, struct error *e)
{
	enum carrier_state state = CARRIER_READY;
	d->drained = false;
	for (int n = 0; state == CARRIER_READY && n < CARRIER_BATCH; n++) {
		if (!d->holding && !(d->holding = spool_take(d->spool, &d->held))) {
			d->drained = true;
			break;
		}
		state = d->kind->put(d->carrier, &d->held, e);
		if (state != CARRIER_READY)
			break;
		d->holding = false;
		spool_sent(d->spool, d->held.number);
	}
	return state;
}

static void rest(int64_t ms)
{
	if (ms > 0)
		nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

uint64_t deliver_work(struct deliver *d, int wait_ms)
{
	struct error e = { "" };
	const int64_t now = ms_now();
	if (!d->carrier && now < d->due) {
		rest(d->due - now < wait_ms ? d->due - now : wait_ms);
		return 0;
	}
	if (!d->carrier && !(d->carrier = d->kind->new(d->output, &e))) {
		d->pause = LONGEST * d->first_pause;
		failed(d, &e);
		return 0;
	}
	enum carrier_state state = d->kind->state(d->carrier, 0, &e);
	if (state == CARRIER_READY)
		state = hand_over(d, &e);
	if (state == CARRIER_BUSY || (state == CARRIER_READY && d->drained))
		state = d->kind->state(d->carrier, wait_ms, &e);
	if (state == CARRIER_FAILED) {
		failed(d, &e);
		return 0;
	}
	const uint64_t done = acknowledge(d);
	if (done || (d->well_since && state == CARRIER_READY))
		well(d);
	return done;
}
