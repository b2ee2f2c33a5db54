/* watch_output: events to where the site wants them. What was written is acknowledged, and only then; an output that cannot
 * be written holds up the rest until it can, so that none of them misses anything. Parses nothing; checks and writes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "evidence.h"
#include "folder.h"
#include "judge/event.h"
#include "json.h"
#include "log.h"
#include "metrics_http.h"
#include "outbox.h"
#include "receivers.h"
#include "sink.h"
#include "status_socket.h"
#include "watch.h"

/* FILE_MS: between two metrics files, where there are no stats events */
enum { TICK_MS = 1000, END_MS = 20000, FILE_MS = 60000 };

struct output {
	struct watch *watch;
	unsigned job;
	struct channel *judge;
	struct evidence *evidence;
	struct sinks *sinks;
	struct receivers *receivers;
	struct status_socket *status;   /* NULL: nobody can ask */
	struct metrics_http *metrics;   /* likewise */
	uint64_t refused, number, acked;
	struct record event, stats, own, fresh;
	int64_t tick, file_due;
	const char *removed;            /* a file that is there no more */
	bool heard, over;               /* CH_HELLO has come: what follows is for this process */
	bool file_broken;
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

/* ---- numbers, for others to see ---- */

/* What this process alone knows, for the judge's sum. A judge that is not there does not hold anything up. */
static void send_stats(struct output *o)
{
	struct record *s = &o->own;
	if (channel_pending(o->judge))
		return;
	record_init(s);
	sinks_fill(o->sinks, s);
	receivers_fill(o->receivers, s);
	record_num(s, F_st_refused, (int64_t)o->refused);
	channel_offer(o->judge, CH_STATS, (struct bytes){ (const uint8_t *)s, record_size(s) }, (struct bytes){ 0 });
}

static void write_file(struct output *o, int64_t now)
{
	const struct settings *s = &o->watch->run.settings;
	const int64_t interval = s->stats_interval ? (int64_t)s->stats_interval : FILE_MS;
	if (!s->metrics_textfile || now < o->file_due || !record_has(&o->stats, F_event_dataset))
		return;
	o->file_due = now + interval;
	bool good = metrics_file(s->metrics_textfile, &o->stats);
	if (!good && !o->file_broken)
		log_line(SAY_ERROR, "metrics.textfile: %s: %s", s->metrics_textfile, strerror(errno));
	o->file_broken = !good;
}

static void each_second(struct output *o)
{
	const int64_t now = ms_now();
	if (now < o->tick)
		return;
	o->tick = now + TICK_MS;
	supervisor_beat(o->watch->supervisor, o->job);
	sinks_tick(o->sinks);
	send_stats(o);
	write_file(o, now);
}

static void serve(struct output *o)
{
	if (o->status)
		status_socket_work(o->status, &o->stats, ms_now());
	if (o->metrics)
		metrics_http_work(o->metrics);
}

/* ---- events ---- */

static bool room(const struct output *o)
{
	return sinks_room(o->sinks) && receivers_room(o->receivers);
}

/* Spools first: what stands in a file is nothing that a receiver will never hear of, should all processes die now. */
static bool flush(struct output *o)
{
	return receivers_flush(o->receivers) && sinks_flush(o->sinks);
}

/* Is everything that was taken before written? Waits for it. Room for new evidence is made by removing old files, and only
 * of alerts that have been reported. false: told to end meanwhile. */
static bool reported(struct output *o)
{
	while (!flush(o)) {
		if (supervisor_told())
			return false;
		poll(NULL, 0, TICK_MS / 4);
		serve(o);
		each_second(o);
	}
	return true;
}

/* false: it was not taken, for this process is to end. */
static bool event(struct output *o, struct bytes record)
{
	struct record *r = &o->event;
	if (!unpack(r, record)) {
		o->refused++;
		return true;
	}
	event_observer(r, o->watch->run.settings.sensor_name);
	/* else it is about the sensor, or of sessions that are not at hand */
	bool of_session = record_has(r, F_alert_level) && record_has(r, F_alert_sessions) && record_has(r, F_net_community_id);
	if (o->evidence && of_session && !reported(o))
		return false;
	if (o->evidence && of_session)
		evidence_alert(o->evidence, r);
	else if (o->evidence)
		evidence_forget(o->evidence);
	o->refused += !sinks_event(o->sinks, r);
	o->refused += !receivers_event(o->receivers, r);
	return true;
}

static void take(struct output *o, enum channel_kind kind, struct bytes record)
{
	if (kind == CH_STATS) { /* the numbers of this moment, not an event */
		if (!unpack(&o->fresh, record))
			o->refused++;
		else
			memcpy(&o->stats, &o->fresh, record_size(&o->fresh));
		return;
	}
	if (kind == CH_HELLO) { /* exhibits and proofs that a judge before left without their alert come to nothing */
		o->heard = true;
		if (o->evidence)
			evidence_forget(o->evidence);
		return;
	}
	if (!o->heard)
		return;
	const uint64_t number = outbox_open(&record);
	switch (kind) {
	case CH_EVENT:
		if (!event(o, record))
			return;
		break;
	case CH_EXHIBIT:
		if (o->evidence)
			o->refused += !evidence_exhibit(o->evidence, record);
		break;
	case CH_PROOF:
		if (o->evidence)
			evidence_proof(o->evidence, record);
		break;
	case CH_POLICY:
		if (o->evidence)
			evidence_policy(o->evidence, record);
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
	o->number = number;
}

static void acknowledge(struct output *o)
{
	if (o->number == o->acked || !flush(o) || (o->removed = sinks_removed(o->sinks)))
		return;
	if (channel_offer(o->judge, CH_ACK, (struct bytes){ (const uint8_t *)&o->number, sizeof(o->number) }, (struct bytes){ 0 }) ==
	    CHANNEL_SENT)
		o->acked = o->number;
}

static void take_judge(struct output *o)
{
	enum channel_kind kind;
	struct bytes record;
	while (!supervisor_told() && room(o) && !o->over && channel_look(o->judge) && channel_ready(o->judge)) {
		if (channel_recv(o->judge, &kind, &record))
			take(o, kind, record);
		else
			o->refused++;
		supervisor_beat(o->watch->supervisor, o->job); /* evidence takes its time, and this may go on for long */
	}
	acknowledge(o);
	channel_push(o->judge);
}

/* ---- the loop ---- */

static void wait_for_work(struct output *o)
{
	const bool ready = room(o);
	struct pollfd p[STATUS_POLL + 3] = { 0 };
	nfds_t n = 0;
	p[n++] = (struct pollfd){ .fd = channel_fd(o->judge),
				  .events = (short)((ready ? POLLIN : 0) | (channel_pending(o->judge) ? POLLOUT : 0)) };
	p[n++] = (struct pollfd){ .fd = sinks_slow(o->sinks), .events = POLLOUT };
	if (o->status)
		n += status_socket_poll(o->status, p + n);
	if (o->metrics)
		p[n++] = (struct pollfd){ .fd = metrics_http_fd(o->metrics), .events = POLLIN };
	poll(p, n, ready && o->number == o->acked ? TICK_MS : TICK_MS / 4);
	serve(o);
	each_second(o);
}

/* ---- the process ---- */

/* What could be opened when the program began may be away now: it is waited for, and what it is for waits too. */
static bool open_outputs(struct output *o, struct error *e)
{
	struct watch *w = o->watch;
	const struct timespec second = { 1, 0 };
	for (bool said = false; !supervisor_told(); said = true) {
		if (!o->sinks)
			o->sinks = sinks_new(&w->run.settings, &w->run, e);
		if (!o->receivers && o->sinks)
			o->receivers = receivers_new(&w->run.settings, w->run.spool, w->run.settings.sensor_name, e);
		if (o->receivers && said)
			log_line(SAY_NOTICE, "outputs are open again");
		if (o->receivers)
			return true;
		if (!said)
			log_line(SAY_ERROR, "%s; events wait", e->text);
		supervisor_beat(w->supervisor, o->job);
		nanosleep(&second, NULL);
	}
	return false;
}

static bool set_up(struct output *o, struct error *e)
{
	struct watch *w = o->watch;
	record_init(&o->stats);
	o->judge = channel_new(w->judge_output[1]);
	if (!o->judge)
		return error_set(e, "no memory");
	if (w->status >= 0 && !(o->status = status_socket_new(w->status)))
		return error_set(e, "no memory");
	if (w->metrics >= 0 && !(o->metrics = metrics_http_new(w->metrics, &o->stats, e)))
		return false;
	if (!open_outputs(o, e))
		return false;
	if (w->run.evidence && !evidence_dir_again(w->run.evidence, e)) /* another process may have had this job until now */
		return false;
	if (w->run.evidence && !(o->evidence = evidence_new(&w->run)))
		return error_set(e, "no memory for evidence");
	return true;
}

int watch_output(void *context, unsigned job)
{
	static struct output o;
	struct error e = { "" };
	static char files[SINKS][PATH_MAX];
	const char *folder[SINKS + 3]; /* in which it makes and removes files */
	char file_folder[PATH_MAX];
	o.watch = context;
	o.job = job;
	log_open("mxwitness[output]", o.watch->run.settings.log_level + SAY_ERROR);
	if (!set_up(&o, &e)) {
		if (supervisor_told())
			return 0;
		log_line(SAY_ERROR, "%s", e.text);
		return 1;
	}
	size_t n = 0;
	if (o.watch->run.evidence)
		folder[n++] = evidence_dir_path(o.watch->run.evidence);
	if (o.watch->run.settings.metrics_textfile)
		folder[n++] = folder_of(o.watch->run.settings.metrics_textfile, file_folder, sizeof(file_folder));
	if (o.watch->run.spool)
		folder[n++] = o.watch->run.spool;
	for (size_t i = sinks_folders(&o.watch->run.settings, false, files); i-- > 0;)
		folder[n++] = files[i];
	if (!sandbox_output(&o.watch->run.user, folder, n, false, o.status || o.metrics, &e)) {
		log_line(SAY_ERROR, "%s", e.text);
		return 1;
	}
	channel_offer(o.judge, CH_HELLO, (struct bytes){ 0 }, (struct bytes){ 0 });
	channel_push(o.judge);
	while (!supervisor_told() && !o.over && !o.removed) {
		take_judge(&o);
		if (!o.over)
			wait_for_work(&o);
	}
	if (o.removed) /* opening it anew is for a process that has not given up its rights yet */
		log_line(SAY_WARNING, "%s: was removed", o.removed);
	const int64_t until = ms_now() + END_MS;
	for (acknowledge(&o); o.over && o.acked != o.number && ms_now() < until; acknowledge(&o))
		wait_for_work(&o);
	channel_flush(o.judge);
	sinks_free(o.sinks);
	receivers_free(o.receivers);
	status_socket_free(o.status);
	metrics_http_free(o.metrics);
	evidence_free(o.evidence);
	return 0;
}
