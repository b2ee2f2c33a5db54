/* proc_output: events to lines. The only process that writes for the user; it parses nothing, it checks and prints.
 * Its exit status is the program's: 2 over 1 over 0. */
#include "run.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "judge/event.h"
#include "json.h"
#include "receivers.h"
#include "rights.h"
#include "sink.h"
#include "table.h"

/* PATIENCE_S  that an output of the configuration may not be writable before this run gives it up */
enum { OUT_BUFFER = 256 * 1024, OUT_LOW = OUT_BUFFER - 2 * JSON_LINE, PATIENCE_S = 30, WAIT_MS = 100 };

struct output {
	const struct run *run;
	struct table table;
	struct text text;
	char *buffer;
	uint64_t sequence, medium, refused;
	struct evidence *evidence;
	struct sinks *sinks;         /* of the configuration, in place of run->out; else NULL */
	struct receivers *receivers; /* likewise */
	struct progress progress;
	struct timespec started;
	bool progress_shown, complete;
	bool failed;   /* something was not whole */
	bool broken;   /* the output cannot be written any more */
};

/* By somebody else, who says so with SIGHUP. */
static volatile sig_atomic_t files_renamed;

static void on_hup(int number)
{
	(void)number;
	files_renamed = 1;
}

static void wipe_progress(struct output *o)
{
	if (o->progress_shown)
		fputs("\r\033[K", stderr);
	o->progress_shown = false;
}

/* A reader that is slow is waited for, as a write would; a disk that is full for a while. */
static void flush_outputs(struct output *o)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	const time_t until = now.tv_sec + PATIENCE_S;
	if (files_renamed)
		sinks_again(o->sinks);
	files_renamed = 0;
	for (; !o->broken; poll(NULL, 0, WAIT_MS)) {
		if (receivers_flush(o->receivers) && sinks_flush(o->sinks))
			return;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec < until || sinks_slow(o->sinks) >= 0)
			continue;
		fputs("mxwitness: an output could not be written for too long; what stands there is not everything\n", stderr);
		o->broken = o->failed = true;
	}
}

static void flush(struct output *o)
{
	size_t done = 0;
	if (o->sinks) {
		flush_outputs(o);
		return;
	}
	if (o->text.n)
		wipe_progress(o); /* both may be the same terminal */
	while (done < o->text.n && !o->broken) {
		ssize_t n = write(o->run->out, o->text.p + done, o->text.n - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EPIPE)
			fprintf(stderr, "mxwitness: cannot write the output: %s\n", strerror(errno));
		if (n < 0)
			o->broken = o->failed = true;
		else
			done += (size_t)n;
	}
	o->text.n = 0;
	o->text.full = false;
}

static void show_progress(struct output *o, const struct progress *p)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	double spent = (double)(now.tv_sec - o->started.tv_sec) + (double)(now.tv_nsec - o->started.tv_nsec) / 1e9;
	o->progress = *p;
	fprintf(stderr, "\r\033[K%.1f MB", (double)p->done / 1e6);
	if (p->total)
		fprintf(stderr, " of %.1f MB", (double)p->total / 1e6);
	fprintf(stderr, ", %llu sessions, %llu alerts", (unsigned long long)p->sessions, (unsigned long long)p->alerts);
	if (p->total > p->done && p->done && spent > 1)
		fprintf(stderr, ", %.0f s left", spent * (double)(p->total - p->done) / (double)p->done);
	fflush(stderr);
	o->progress_shown = true;
}

static void note(struct output *o, struct bytes record)
{
	char buf[1024];
	if (record.n == 0)
		return;
	struct text t = { buf, 0, sizeof(buf), false };
	text_clean(&t, bytes_skip(record, 1), false);
	wipe_progress(o);
	fprintf(stderr, "mxwitness: %.*s\n", (int)t.n, buf);
	if (record.p[0] == 'e')
		o->failed = true;
}

static void event_table(struct output *o, const struct record *r)
{
	struct bytes dataset = record_get_str(r, F_event_dataset);
	if (bytes_eq(dataset, bytes_of("mxwitness.session")))
		table_session(&o->table, r, &o->text);
	else if (bytes_eq(dataset, bytes_of("mxwitness.alert")))
		table_alert(&o->table, r, &o->text);
	else if (!bytes_eq(dataset, bytes_of("mxwitness.posture")))
		table_summary(&o->table, r, &o->text);
}

/* -v: the counters of the run, for who wonders what was not looked at. */
static void say_counters(struct output *o, const struct record *r)
{
	static const enum fact which[] = { F_st_packets, F_st_not_parsed, F_st_flows, F_st_flows_empty, F_st_flows_other,
					   F_st_odd, F_st_odd_smtp,
					   F_st_flows_evicted, F_st_dns, F_st_sessions, F_st_tls, F_st_cert,
					   F_st_incomplete, F_st_refused, F_st_lines, F_st_lines_others,
					   F_st_lines_bad, F_st_lines_again, F_st_lines_sensors, F_st_lines_late,
					   F_st_lines_early };
	wipe_progress(o);
	for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++)
		if (record_has(r, which[i]))
			fprintf(stderr, "mxwitness: %lld %s\n", (long long)record_get_num(r, which[i], 0),
				fact_table[which[i]].meaning);
}

static void to_outputs(struct output *o, struct record *r)
{
	if (!sinks_room(o->sinks) || !receivers_room(o->receivers))
		flush(o);
	if (o->broken)
		return;
	o->refused += !sinks_event(o->sinks, r);
	o->refused += !receivers_event(o->receivers, r);
}

static void event(struct output *o, struct bytes record)
{
	static struct record r;
	if (record.n > sizeof(r) || record.n < offsetof(struct record, text)) {
		o->refused++;
		return;
	}
	memcpy(&r, record.p, record.n);
	if (!record_check(&r, record.n)) {
		o->refused++;
		return;
	}
	event_observer(&r, o->run->settings.sensor_name);
	bool alert = record_has(&r, F_alert_level);
	bool of_session = alert && record_has(&r, F_alert_sessions); /* else it is about the sensor: no sign of the mail */
	bool packets = of_session && record_has(&r, F_net_community_id); /* else what it rests on was told before */
	if (of_session && record_get_num(&r, F_alert_level, 0) >= level_medium)
		o->medium++;
	if (record_get_tri(&r, F_st_complete) != TRI_UNSEEN) {
		o->complete = record_get_tri(&r, F_st_complete) == TRI_YES;
		if (o->run->verbose)
			say_counters(o, &r);
	}
	if (o->text.n > OUT_LOW || (of_session && o->evidence))
		flush(o); /* old evidence may be removed now, but only what has been reported */
	if (!alert && o->evidence)
		evidence_forget(o->evidence);
	else if (o->evidence && packets && !o->broken)
		evidence_alert(o->evidence, &r);
	if (o->sinks) {
		to_outputs(o, &r);
		return;
	}
	if (o->run->format == FORMAT_TABLE) {
		event_table(o, &r);
		return;
	}
	record_num(&r, F_event_sequence, (int64_t)++o->sequence);
	if (!json_event(&r, alert ? JSON_ALERT_LINE : JSON_LINE, &o->text))
		o->refused++;
}

/* The judge asks whether all so far is written: only then does it remember that it was said. */
static void acknowledge(struct output *o, struct channel *judge, struct bytes number)
{
	flush(o);
	channel_send(judge, CH_ACK, o->broken ? (struct bytes){ 0 } : number, (struct bytes){ 0 });
	channel_flush(judge);
}

/* The judge went away without a last word: say so where a reader of the output sees it. */
static void incomplete(struct output *o)
{
	static struct record r;
	record_init(&r);
	event_stats(&r, 0);
	record_tri(&r, F_st_complete, TRI_NO);
	record_cstr(&r, F_st_reason, "a process of the sensor ended early");
	fputs("mxwitness: a process of the sensor ended early; what stands here is not everything\n", stderr);
	event(o, (struct bytes){ (const uint8_t *)&r, record_size(&r) });
	o->failed = true;
}

static bool open_outputs(struct output *o, struct error *e)
{
	const struct run *run = o->run;
	rights_files_as(&run->user, true);
	o->sinks = sinks_new(&run->settings, run, e);
	if (o->sinks)
		o->receivers = receivers_new(&run->settings, run->spool, run->settings.sensor_name, e);
	rights_files_as(&run->user, false);
	return o->receivers;
}

/* Of who reads lines, for months perhaps, others rename the files too (SIGHUP). */
static bool stay_in(const struct run *run, struct error *e)
{
	static char files[SINKS][PATH_MAX];
	const char *folder[SINKS + 2];
	size_t n = 0;
	if (run->evidence)
		folder[n++] = evidence_dir_path(run->evidence);
	if (run->spool)
		folder[n++] = run->spool;
	for (size_t i = run->by_outputs ? sinks_folders(&run->settings, run->lines != NULL, files) : 0; i-- > 0;)
		folder[n++] = files[i];
	return sandbox_output(&run->user, folder, n, false, false, e);
}

int proc_output(const struct run *run, struct channel *judge)
{
	struct output o = { .run = run, .table = { .all = run->all, .colour = run->colour, .width = run->width } };
	enum channel_kind kind = CH_NOTE;
	struct bytes record;
	struct error e;
	o.buffer = malloc(OUT_BUFFER);
	if (!o.buffer)
		return 2;
	if (run->by_outputs && run->lines)
		signal(SIGHUP, on_hup);
	if ((run->by_outputs && !open_outputs(&o, &e)) || !stay_in(run, &e)) {
		fprintf(stderr, "mxwitness: %s\n", e.text);
		return 2;
	}
	o.text = (struct text){ o.buffer, 0, OUT_BUFFER, false };
	clock_gettime(CLOCK_MONOTONIC, &o.started);
	if (run->evidence && !(o.evidence = evidence_new(run)))
		return 2;
	for (;;) {
		struct progress p;
		if (run->lines && !channel_ready(judge))
			flush(&o); /* a file is read for its end, and lines are read as they come */
		if (!channel_recv(judge, &kind, &record) || kind == CH_END)
			break;
		if (kind == CH_EVENT) {
			event(&o, record);
		} else if (kind == CH_EXHIBIT && o.evidence) {
			o.refused += !evidence_exhibit(o.evidence, record);
		} else if (kind == CH_PROOF && o.evidence) {
			evidence_proof(o.evidence, record);
		} else if (kind == CH_POLICY && o.evidence) {
			evidence_policy(o.evidence, record);
		} else if (kind == CH_PROVED && o.evidence) {
			evidence_proved(o.evidence, record);
		} else if (kind == CH_NOTE) {
			note(&o, record);
		} else if (kind == CH_ACK) {
			acknowledge(&o, judge, record);
		} else if (kind == CH_PROGRESS && record.n == sizeof(p)) {
			memcpy(&p, record.p, sizeof(p));
			show_progress(&o, &p);
		}
	}
	wipe_progress(&o);
	if (kind != CH_END)
		incomplete(&o);
	flush(&o);
	free(o.buffer);
	sinks_free(o.sinks);
	receivers_free(o.receivers);
	evidence_free(o.evidence);
	if (o.failed || !o.complete || o.refused)
		return 2;
	return o.medium ? 1 : 0;
}
