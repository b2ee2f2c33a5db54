/* watch_output: events to where the site wants them. What was written is acknowledged, and only then; an output that cannot
 * be written holds up the rest until it can, so that none of them misses anything. Parses nothing; checks and writes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "evidence.h"
#include "json.h"
#include "log.h"
#include "outbox.h"
#include "sink.h"
#include "watch.h"

enum { TICK_MS = 1000, END_MS = 20000 };

struct output {
	struct watch *watch;
	unsigned job;
	struct channel *judge;
	struct evidence *evidence;
	struct sinks *sinks;
	uint64_t sequence, refused, number, acked;
	struct record event, stats;
	int64_t tick;
	bool over;
};

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool unpack(struct record *r, struct bytes record)
{
	if (record.n > sizeof(*r) || record.n < offsetof(struct record, text))
		return false;
	memcpy(r, record.p, record.n);
	return record_check(r, record.n);
}

static void event(struct output *o, struct bytes record)
{
	struct record *r = &o->event;
	if (!unpack(r, record)) {
		o->refused++;
		return;
	}
	bool alert = record_has(r, F_alert_level);
	if (o->evidence && alert) {
		sinks_flush(o->sinks); /* old evidence may be removed now, but only what has been reported */
		evidence_alert(o->evidence, r);
	} else if (o->evidence) {
		evidence_forget(o->evidence);
	}
	record_num(r, F_event_sequence, (int64_t)++o->sequence);
	o->refused += !sinks_event(o->sinks, r);
}

static void take(struct output *o, enum channel_kind kind, struct bytes record)
{
	if (kind == CH_STATS) { /* the numbers of this moment, not an event */
		if (!unpack(&o->stats, record))
			o->refused++;
		return;
	}
	o->number = outbox_open(&record);
	switch (kind) {
	case CH_EVENT:
		event(o, record);
		break;
	case CH_EXHIBIT:
		if (o->evidence)
			o->refused += !evidence_exhibit(o->evidence, record);
		break;
	case CH_PROOF:
		if (o->evidence)
			evidence_proof(o->evidence, record);
		break;
	case CH_PROVED:
		if (o->evidence)
			evidence_proved(o->evidence, record);
		break;
	case CH_END:
		o->over = true;
		break;
	default:
		o->refused++;
	}
}

static void acknowledge(struct output *o)
{
	if (o->number == o->acked || !sinks_flush(o->sinks))
		return;
	if (channel_offer(o->judge, CH_ACK, (struct bytes){ (const uint8_t *)&o->number, sizeof(o->number) }, (struct bytes){ 0 }) ==
	    CHANNEL_SENT)
		o->acked = o->number;
}

static void take_judge(struct output *o)
{
	enum channel_kind kind;
	struct bytes record;
	while (sinks_room(o->sinks) && !o->over && channel_look(o->judge) && channel_ready(o->judge)) {
		if (channel_recv(o->judge, &kind, &record))
			take(o, kind, record);
		else
			o->refused++;
	}
	acknowledge(o);
	channel_push(o->judge);
}

static void wait_for_work(struct output *o)
{
	bool room = sinks_room(o->sinks);
	struct pollfd p = { .fd = channel_fd(o->judge), .events = (short)((room ? POLLIN : 0) | (channel_pending(o->judge) ? POLLOUT : 0)) };
	poll(&p, 1, room ? TICK_MS : TICK_MS / 4);
	const int64_t now = ms_now();
	if (now < o->tick)
		return;
	o->tick = now + TICK_MS;
	supervisor_beat(o->watch->supervisor, o->job);
}

static bool set_up(struct output *o, struct error *e)
{
	struct watch *w = o->watch;
	record_init(&o->stats);
	o->judge = channel_new(w->judge_output[1]);
	o->sinks = sinks_new(&w->run.settings, &w->run, e);
	if (!o->judge || !o->sinks)
		return o->judge ? false : error_set(e, "no memory");
	if (w->run.evidence && !(o->evidence = evidence_new(&w->run)))
		return error_set(e, "no memory for evidence");
	return true;
}

int watch_output(void *context, unsigned job)
{
	static struct output o;
	struct error e = { "" };
	const char *folder[SINK_FOLDERS];
	o.watch = context;
	o.job = job;
	log_open("mxwitness[output]", o.watch->run.settings.log_level + SAY_ERROR);
	if (!set_up(&o, &e)) {
		log_line(SAY_ERROR, "%s", e.text);
		return 1;
	}
	size_t n = sinks_folders(&o.watch->run.settings, folder);
	if (!sandbox_output(&o.watch->run.user, folder, n, false, &e)) {
		log_line(SAY_ERROR, "%s", e.text);
		return 1;
	}
	channel_offer(o.judge, CH_HELLO, (struct bytes){ 0 }, (struct bytes){ 0 });
	channel_push(o.judge);
	while (!supervisor_told() && !o.over) {
		take_judge(&o);
		if (!o.over)
			wait_for_work(&o);
	}
	const int64_t until = ms_now() + END_MS;
	for (acknowledge(&o); o.over && o.acked != o.number && ms_now() < until; acknowledge(&o))
		wait_for_work(&o);
	channel_flush(o.judge);
	sinks_free(o.sinks);
	evidence_free(o.evidence);
	return 0;
}
