/* watch_judge: sessions of all workers to events, as they come. Nothing is acknowledged to a worker before the output has
 * acknowledged the events that came of it: a judge that begins anew is given again what was not. When the output is
 * behind, no more sessions are taken, and the workers count. How one session is judged is docket's. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alerted.h"
#include "docket.h"
#include "judge/alert.h"
#include "judge/event.h"
#include "log.h"
#include "outbox.h"
#include "watch.h"

/* OUTBOX   octets of events that the output has not acknowledged      CASE: room that one session's events may take
 * LEDGER   sessions whose events are not acknowledged                 ALERTED: alerts of sessions that still go on
 * PROVE_MS for the messages behind an alert's answers                 MUTE_MS: a resolver that says nothing for so long is
 *          taken for gone                                             END_MS: for what is open at the end */
enum { OUTBOX = 24 << 20, CASE = 4 << 20, LEDGER = 65536, ALERTED = 65536, PROVE_MS = 10000, MUTE_MS = 45000, END_MS = 28000,
       HANDOVER_MS = 5000, TICK_MS = 1000 };

/* taken: the highest number that was read       exhibit: of the session to come, number exhibit_number */
struct worker {
	struct channel *channel;
	struct record stats;
	uint64_t taken, acked, exhibit_number;
	bool ended;
	size_t exhibit_n;
	uint8_t exhibit[EXHIBIT_OCTETS];
};

struct entry {
	unsigned worker;
	uint64_t number, event;
};

struct judge {
	struct watch *watch;
	unsigned job;
	struct worker *worker;
	struct channel *resolver, *output, *supervisor;
	struct outbox *outbox;
	struct docket *docket;
	struct alerted *alerted;
	struct record alert, stats;
	struct entry *ledger;
	size_t ledger_from, ledger_n;
	uint64_t sessions, tls, certificates, alerts, refused;
	int64_t tick, heard, stats_due;
	bool resolver_gone, ending, ack_due;
};

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t ns_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void put(struct judge *j, enum channel_kind kind, struct bytes record)
{
	outbox_put(j->outbox, kind, record, (struct bytes){ 0 });
}

static void put_event(struct judge *j, const struct record *r)
{
	put(j, CH_EVENT, (struct bytes){ (const uint8_t *)r, record_size(r) });
}

/* ---- what was done ---- */

/* Everything of the worker up to this number is done: judged, and its events acknowledged. */
static uint64_t done_to(const struct judge *j, unsigned worker)
{
	uint64_t low = docket_lowest(j->docket, worker);
	for (size_t i = 0; i < j->ledger_n; i++) {
		const struct entry *e = &j->ledger[(j->ledger_from + i) % LEDGER];
		if (e->worker == worker && e->number < low)
			low = e->number;
	}
	return low == UINT64_MAX ? j->worker[worker].taken : low - 1;
}

static void acknowledge(struct judge *j)
{
	if (!j->ack_due)
		return;
	j->ack_due = false;
	for (unsigned i = 0; i < j->watch->workers; i++) {
		struct worker *w = &j->worker[i];
		uint64_t number = done_to(j, i);
		if (number <= w->acked || channel_offer(w->channel, CH_ACK, (struct bytes){ (const uint8_t *)&number, sizeof(number) },
							(struct bytes){ 0 }) != CHANNEL_SENT)
			continue;
		w->acked = number;
		channel_push(w->channel);
	}
}

static void output_has(struct judge *j, uint64_t event)
{
	outbox_ack(j->outbox, event);
	j->ack_due = true;
	while (j->ledger_n && j->ledger[j->ledger_from].event <= event) {
		j->ledger_from = (j->ledger_from + 1) % LEDGER;
		j->ledger_n--;
	}
}

/* ---- events ---- */

static void resolver_word(struct judge *j, enum channel_kind kind, struct bytes record)
{
	j->heard = ms_now();
	switch (kind) {
	case CH_ANSWER:
		docket_answer(j->docket, record); /* one to a judge before us fits no case */
		break;
	case CH_HELLO:
		if (j->resolver_gone)
			log_line(SAY_NOTICE, "the resolver answers again");
		j->resolver_gone = false;
		docket_again(j->docket);
		break;
	case CH_NOTE:
		if (record.n)
			log_line(record.p[0] == 'e' ? SAY_WARNING : SAY_NOTICE, "%.*s", (int)record.n - 1, (const char *)record.p + 1);
		break;
	default:
		break;
	}
}

/* The messages that the answers rest on, for the evidence of the alerts that follow. */
static void put_proofs(struct judge *j, const struct kase *k)
{
	struct bytes asked = { (const uint8_t *)k->asked, k->nasked * sizeof(k->asked[0]) }, record;
	struct pollfd p = { .fd = channel_fd(j->resolver), .events = POLLIN };
	const int64_t until = ms_now() + PROVE_MS;
	enum channel_kind kind = CH_END;
	if (j->resolver_gone || channel_offer(j->resolver, CH_PROVE, asked, (struct bytes){ 0 }) != CHANNEL_SENT ||
	    channel_push(j->resolver) == CHANNEL_GONE)
		return;
	while (kind != CH_PROVED && ms_now() < until) {
		supervisor_beat(j->watch->supervisor, j->job);
		if (!channel_ready(j->resolver) && (poll(&p, 1, TICK_MS) <= 0 || !channel_look(j->resolver)))
			continue;
		if (!channel_ready(j->resolver) || !channel_recv(j->resolver, &kind, &record))
			continue;
		if (kind == CH_PROOF || kind == CH_PROVED)
			put(j, kind, record);
		else
			resolver_word(j, kind, record);
	}
	if (kind != CH_PROVED)
		put(j, CH_PROVED, bytes_of("more"));
}

static void put_alerts(struct judge *j, const struct kase *k)
{
	bool sent = k->exhibit_n == 0;
	for (size_t i = 0; i < k->n; i++) {
		const struct finding *f = &k->finding[i];
		if (f->level < level_low)
			continue;
		record_init(&j->alert);
		alert_make(j->watch->run.rules, &k->session, f, &j->alert);
		enum alerted_what what = alerted_tell(j->alerted, record_get_str(&j->alert, F_alert_incident), f->level);
		if (what == ALERTED_BEFORE)
			continue;
		if (what == ALERTED_RISEN)
			alert_revise(&j->alert, 2);
		if (!sent) {
			put(j, CH_EXHIBIT, (struct bytes){ k->exhibit, k->exhibit_n });
			put_proofs(j, k);
		}
		sent = true;
		event_alert(&j->alert);
		put_event(j, &j->alert);
		j->alerts++;
	}
}

static void put_case(struct judge *j, const struct kase *k)
{
	const struct record *s = &k->session;
	bool interim = record_get_num(s, F_cap_phase, phase_final) == phase_interim;
	if (!interim) {
		put_event(j, s);
		j->sessions++;
		j->tls += record_get_tri(s, F_tls_established) == TRI_YES;
		j->certificates += record_get_num(s, F_tls_cert_vis, 0) == visibility_visible;
	}
	put_alerts(j, k);
	j->ledger[(j->ledger_from + j->ledger_n++) % LEDGER] = (struct entry){ k->worker, k->number, outbox_last(j->outbox) };
}

static bool room(const struct judge *j)
{
	return j->ledger_n < LEDGER && outbox_room(j->outbox, CASE);
}

static void put_cases(struct judge *j)
{
	struct kase *k;
	while (room(j) && (k = docket_next(j->docket))) {
		put_case(j, k);
		docket_done(j->docket, k);
	}
}

/* ---- what comes in ---- */

/* What was given before is known: a worker that sends again does so because another judge asked for it. */
static bool fresh(struct judge *j, struct worker *w, uint64_t number)
{
	bool is = number > w->taken;
	w->taken = is ? number : w->taken;
	j->refused += !is;
	return is;
}

/* A session and its exhibit are done together, so the number that counts is the first one's. */
static void take_session(struct judge *j, unsigned worker, struct bytes record)
{
	struct worker *w = &j->worker[worker];
	uint64_t number = outbox_open(&record), first = w->exhibit_n ? w->exhibit_number : number;
	struct bytes exhibit = { w->exhibit, w->exhibit_n };
	if (fresh(j, w, number) && !docket_take(j->docket, record, exhibit, TRI_UNSEEN, worker, first))
		j->refused++;
	w->exhibit_n = 0;
	j->ack_due = true;
}

static void take_exhibit(struct judge *j, struct worker *w, struct bytes record)
{
	struct exhibit_head head;
	w->exhibit_number = outbox_open(&record);
	w->exhibit_n = 0;
	if (!fresh(j, w, w->exhibit_number))
		return;
	if (!exhibit_check(record, &head) || record.n > sizeof(w->exhibit)) {
		j->refused++;
		return;
	}
	memcpy(w->exhibit, record.p, record.n);
	w->exhibit_n = record.n;
}

static void take_stats(struct judge *j, struct worker *w, struct bytes record)
{
	if (record.n <= sizeof(w->stats) && record.n >= offsetof(struct record, text)) {
		memcpy(&w->stats, record.p, record.n);
		if (record_check(&w->stats, record.n))
			return;
	}
	record_init(&w->stats);
	j->refused++;
}

/* As many records of the worker as there is room for. */
static void take_worker(struct judge *j, unsigned n)
{
	struct worker *w = &j->worker[n];
	enum channel_kind kind;
	struct bytes record;
	while (room(j) && docket_room(j->docket) && channel_look(w->channel) && channel_ready(w->channel)) {
		if (!channel_recv(w->channel, &kind, &record)) {
			j->refused++;
			continue;
		}
		switch (kind) {
		case CH_SESSION:
			take_session(j, n, record);
			put_cases(j);
			break;
		case CH_EXHIBIT:
			take_exhibit(j, w, record);
			break;
		case CH_STATS:
			take_stats(j, w, record);
			break;
		case CH_HELLO:
			w->exhibit_n = 0;
			w->ended = false;
			break;
		case CH_END:
			w->ended = true;
			break;
		default:
			j->refused++;
		}
	}
}

static void take_resolver(struct judge *j)
{
	enum channel_kind kind;
	struct bytes record;
	while (channel_look(j->resolver) && channel_ready(j->resolver) && channel_recv(j->resolver, &kind, &record))
		resolver_word(j, kind, record);
}

static void take_output(struct judge *j)
{
	enum channel_kind kind;
	struct bytes record;
	uint64_t number;
	while (channel_look(j->output) && channel_ready(j->output) && channel_recv(j->output, &kind, &record)) {
		if (kind == CH_HELLO)
			outbox_again(j->outbox);
		else if (kind == CH_ACK && record.n == sizeof(number)) {
			memcpy(&number, record.p, sizeof(number));
			output_has(j, number);
		}
	}
}

static void take_supervisor(struct judge *j)
{
	enum channel_kind kind;
	struct bytes record;
	while (channel_look(j->supervisor) && channel_ready(j->supervisor) && channel_recv(j->supervisor, &kind, &record))
		j->ending = j->ending || kind == CH_END;
}

/* ---- numbers ---- */

static void sum(struct record *to, const struct record *from, enum fact f)
{
	record_num(to, f, record_get_num(to, f, 0) + record_get_num(from, f, 0));
}

/* All workers' counters, and the judge's own. */
static void collect(struct judge *j)
{
	static const enum fact counters[] = { F_st_packets, F_st_octets, F_st_not_parsed, F_st_flows, F_st_flows_empty, F_st_flows_other,
					      F_st_flows_evicted, F_st_flows_shed, F_st_lost_packets, F_st_dns };
	struct record *s = &j->stats;
	record_init(s);
	for (unsigned i = 0; i < j->watch->workers; i++)
		for (size_t k = 0; k < sizeof(counters) / sizeof(counters[0]); k++)
			sum(s, &j->worker[i].stats, counters[k]);
	record_num(s, F_st_sessions, (int64_t)j->sessions);
	record_num(s, F_st_tls, (int64_t)j->tls);
	record_num(s, F_st_cert, (int64_t)j->certificates);
	record_num(s, F_st_alerts, (int64_t)j->alerts);
	record_num(s, F_st_refused, (int64_t)j->refused);
}

static void stats_event(struct judge *j)
{
	collect(j);
	event_stats(&j->stats, ns_now());
	put_event(j, &j->stats);
}

static void each_second(struct judge *j)
{
	const int64_t now = ms_now(), interval = (int64_t)j->watch->run.settings.stats_interval;
	if (now < j->tick)
		return;
	j->tick = now + TICK_MS;
	supervisor_beat(j->watch->supervisor, j->job);
	if (docket_open(j->docket) == 0)
		j->heard = now;
	if (!j->resolver_gone && now - j->heard > MUTE_MS) {
		log_line(SAY_WARNING, "the resolver says nothing; what is asked of it counts as failed until it does");
		j->resolver_gone = true;
		docket_no_resolver(j->docket);
	}
	if (interval && now >= j->stats_due) {
		stats_event(j);
		j->stats_due = now + interval;
	}
	collect(j);
	channel_offer(j->output, CH_STATS, (struct bytes){ (const uint8_t *)&j->stats, record_size(&j->stats) }, (struct bytes){ 0 });
}

/* ---- the loop ---- */

static void wait_for_work(struct judge *j)
{
	struct pollfd p[WATCH_WORKERS + 3];
	nfds_t n = 0;
	bool more = room(j) && docket_room(j->docket);
	for (unsigned i = 0; i < j->watch->workers; i++)
		p[n++] = (struct pollfd){ .fd = more ? channel_fd(j->worker[i].channel) : -1, .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = j->resolver ? channel_fd(j->resolver) : -1, .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = channel_fd(j->supervisor), .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = channel_fd(j->output), .events = (short)(POLLIN | (outbox_pending(j->outbox) ? POLLOUT : 0)) };
	poll(p, n, TICK_MS);
}

static void round_of_work(struct judge *j)
{
	if (j->resolver)
		take_resolver(j);
	take_output(j);
	take_supervisor(j);
	put_cases(j);
	for (unsigned i = 0; i < j->watch->workers; i++)
		take_worker(j, i);
	put_cases(j);
	each_second(j);
	if (j->resolver)
		channel_push(j->resolver);
	outbox_push(j->outbox);
	acknowledge(j);
}

static bool all_ended(const struct judge *j)
{
	for (unsigned i = 0; i < j->watch->workers; i++)
		if (!j->worker[i].ended && channel_ready(j->worker[i].channel))
			return false;
	return docket_cases(j->docket) == 0;
}

/* Until no worker has anything more to tell and every event has arrived; or until the time is up. */
static void end(struct judge *j)
{
	const int64_t until = ms_now() + END_MS;
	size_t waiting;
	while (ms_now() < until && !all_ended(j)) {
		wait_for_work(j);
		round_of_work(j);
	}
	docket_no_resolver(j->docket);
	put_cases(j);
	stats_event(j);
	put(j, CH_END, (struct bytes){ 0 });
	while (ms_now() < until + HANDOVER_MS && outbox_fill(j->outbox, &waiting)) {
		wait_for_work(j);
		take_output(j);
		outbox_push(j->outbox);
		supervisor_beat(j->watch->supervisor, j->job);
	}
}

/* Another judge takes over: what stands goes out; what is open he is given again. */
static void hand_over(struct judge *j)
{
	const int64_t until = ms_now() + HANDOVER_MS;
	size_t waiting;
	put_cases(j);
	while (ms_now() < until && outbox_fill(j->outbox, &waiting)) {
		wait_for_work(j);
		take_output(j);
		outbox_push(j->outbox);
	}
	acknowledge(j);
}

static bool set_up(struct judge *j)
{
	struct watch *w = j->watch;
	j->worker = calloc(w->workers, sizeof(j->worker[0]));
	j->ledger = malloc(LEDGER * sizeof(j->ledger[0]));
	j->alerted = alerted_new(ALERTED);
	j->output = channel_new(w->judge_output[0]);
	j->supervisor = channel_new(w->supervisor_judge[1]);
	if (w->run.resolver.mode != RESOLVE_OFF)
		j->resolver = channel_new(w->judge_resolver[0]);
	j->outbox = j->output ? outbox_new(j->output, OUTBOX, (uint64_t)ns_now() / 1000) : NULL;
	j->docket = docket_new(&w->run, j->resolver, false);
	for (unsigned i = 0; j->worker && i < w->workers; i++) {
		record_init(&j->worker[i].stats);
		j->worker[i].channel = channel_new(w->capture_judge[i][1]);
		if (!j->worker[i].channel)
			return false;
		channel_offer(j->worker[i].channel, CH_HELLO, (struct bytes){ 0 }, (struct bytes){ 0 });
		channel_push(j->worker[i].channel);
	}
	return j->worker && j->ledger && j->alerted && j->supervisor && j->outbox && j->docket;
}

int watch_judge(void *context, unsigned job)
{
	static struct judge j;
	struct error e;
	j.watch = context;
	j.job = job;
	log_open("mxwitness[judge]", j.watch->run.settings.log_level + SAY_ERROR);
	if (!set_up(&j)) {
		log_line(SAY_ERROR, "no memory");
		return 1;
	}
	if (!sandbox_judge(&j.watch->run.user, j.watch->run.settings.state, &e)) {
		log_line(SAY_ERROR, "%s", e.text);
		return 1;
	}
	j.heard = ms_now();
	j.stats_due = ms_now() + (int64_t)j.watch->run.settings.stats_interval;
	while (!supervisor_told() && !j.ending) {
		round_of_work(&j);
		wait_for_work(&j);
	}
	if (j.ending)
		end(&j);
	else
		hand_over(&j);
	return 0;
}
