/* watch_judge: sessions of all workers to events, as they come. Nothing is acknowledged to a worker before the output has
 * acknowledged the events that came of it, and the state that it changed is committed: a judge that begins anew is given
 * again exactly what is not in the database. What is judged is written once a second into a transaction, which is ended when
 * the output has all of it; until then nobody sees it, and sessions go on being judged. When the output is
 * behind, no more sessions are taken, and the workers count. How one session is judged is docket's. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alerted.h"
#include "desk.h"
#include "docket.h"
#include "judge/alert.h"
#include "judge/event.h"
#include "log.h"
#include "outbox.h"
#include "rounds.h"
#include "watch.h"

/* OUTBOX   octets of events that the output has not acknowledged      CASE: room that one session's events may take
 * LEDGER   sessions whose events are not acknowledged
 * PROVE_MS for the messages behind an alert's answers                 MUTE_MS: a resolver that says nothing for so long is
 *          taken for gone                                             END_MS: for what is open at the end
 * GOOD_MS  a judge that lived so long did not die of what it found
 * SAVE_MS  between two commits, or SAVE_SESSIONS: a worker keeps what is not acknowledged, and has not much room
 * STATE_MS for the judge before to let go of the state         POLICIES_MS: how often the folder of MTA-STS policies is
 *          looked at */
enum { OUTBOX = 24 << 20, CASE = 4 << 20, LEDGER = 65536, PROVE_MS = 10000, MUTE_MS = 45000, END_MS = 28000,
       HANDOVER_MS = 5000, TICK_MS = 1000, GOOD_MS = 60000, SAVE_MS = 1000, SAVE_SESSIONS = 256,
       STATE_MS = 10000, POLICIES_MS = 10000 };

/* taken: the highest number that was read       exhibit: of the session to come, number exhibit_number
 * heard: CH_HELLO has come, what follows is for this judge */
struct worker {
	struct channel *channel;
	uint64_t taken, acked, exhibit_number;
	bool heard, ended;
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
	struct desk *desk;
	const char *policies_dir;           /* NULL: there is none, or none that can be looked at */
	struct rounds *rounds;
	struct sts_cache *policies;         /* read anew by this process; NULL: those of the run */
	uint64_t policies_stamp;
	bool policies_lost;
	struct numbers *numbers;
	struct record alert, own;
	struct store *store;               /* NULL: nothing is kept */
	bool saving;                       /* a transaction is open, with the first saved of the ledger, and what came of them */
	size_t saved;
	uint64_t saved_event;
	int64_t save_due;
	struct entry *ledger;
	uint64_t output_has;               /* events up to this number */
	size_t ledger_from, ledger_n, ledger_told; /* told: those whose events the output has, at its beginning */
	int64_t tick, heard, stats_due, good_at, policies_due;
	bool resolver_gone, ending, ack_due;
};

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t mono_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
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
	if (j->worker[worker].exhibit_n && j->worker[worker].exhibit_number < low) /* its session has not come yet */
		low = j->worker[worker].exhibit_number;
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

/* A session's events are done together: the exhibit in front of them is needed by the last one too. */
static void told(struct judge *j)
{
	uint64_t whole = 0;
	size_t size;
	if (outbox_fill(j->outbox, &size) == 0)
		j->output_has = outbox_last(j->outbox);
	for (; j->ledger_told < j->ledger_n; j->ledger_told++) {
		uint64_t last = j->ledger[(j->ledger_from + j->ledger_told) % LEDGER].event;
		if (last > j->output_has)
			break;
		whole = last > whole ? last : whole;
	}
	outbox_ack(j->outbox, j->ledger_told < j->ledger_n ? whole : j->output_has);
}

static void output_has(struct judge *j, uint64_t event)
{
	j->output_has = event > j->output_has ? event : j->output_has;
	told(j);
	alerted_arrived(j->watch->alerted, event);
}

/* The first n of the ledger are done for good. */
static void settle(struct judge *j, size_t n)
{
	j->ledger_from = (j->ledger_from + n) % LEDGER;
	j->ledger_n -= n;
	j->ledger_told -= n;
	j->ack_due |= n > 0;
}

static void not_saved(const struct error *e)
{
	log_line(SAY_ERROR, "%s", e->text);
}

/* Everything that is judged so far goes into a transaction. */
static void begin_to_save(struct judge *j)
{
	struct error e;
	j->saving = true;
	j->saved = j->ledger_n;
	j->saved_event = outbox_last(j->outbox);
	if (!desk_save(j->desk, &e))
		not_saved(&e);
}

/* A state that cannot be written is no reason to hold anything up: store_broken, and the run goes on. */
static void end_to_save(struct judge *j)
{
	struct error e;
	if (!store_commit(j->store, &e))
		not_saved(&e);
	settle(j, j->saved);
	j->saving = false;
	j->save_due = ms_now() + SAVE_MS;
}

static void save(struct judge *j)
{
	told(j);
	if (!j->store) {
		settle(j, j->ledger_told);
		return;
	}
	bool due = ms_now() >= j->save_due || j->ledger_n >= SAVE_SESSIONS || desk_full(j->desk);
	if (!j->saving && due && (j->ledger_n || desk_dirty(j->desk)))
		begin_to_save(j);
	if (j->saving && j->output_has >= j->saved_event)
		end_to_save(j);
}

/* ---- events ---- */

static void resolver_word(struct judge *j, enum channel_kind kind, struct bytes record)
{
	j->heard = ms_now();
	switch (kind) {
	case CH_ANSWER:
		if (!docket_answer(j->docket, record)) /* one to a judge before us fits no case */
			rounds_answer(j->rounds, record);
		break;
	case CH_HELLO:
		numbers_hello(j->numbers, NUMBERS_RESOLVER, record);
		if (j->resolver_gone)
			log_line(SAY_NOTICE, "the resolver answers again");
		j->resolver_gone = false;
		docket_again(j->docket);
		rounds_again(j->rounds);
		break;
	case CH_NOTE:
		if (record.n)
			log_line(record.p[0] == 'e' ? SAY_WARNING : SAY_NOTICE, "%.*s", (int)record.n - 1, (const char *)record.p + 1);
		break;
	case CH_STATS:
		numbers_take(j->numbers, NUMBERS_RESOLVER, record);
		break;
	default:
		break;
	}
}

/* The messages that the answers rest on, for the evidence of the alerts that follow. */
static void put_proofs(struct judge *j, const struct kase *k)
{
	struct bytes asked = { (const uint8_t *)k->asked, k->nasked * sizeof(k->asked[0]) }, record;
	struct pollfd p = { .fd = j->resolver ? channel_fd(j->resolver) : -1, .events = POLLIN };
	const int64_t until = ms_now() + PROVE_MS;
	enum channel_kind kind = CH_END;
	if (!j->resolver || j->resolver_gone || channel_offer(j->resolver, CH_PROVE, asked, (struct bytes){ 0 }) != CHANNEL_SENT ||
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
		if (kind == CH_HELLO) /* who was asked is no more */
			break;
	}
	if (kind != CH_PROVED)
		put(j, CH_PROVED, bytes_of("more"));
}

static bool room(const struct judge *j)
{
	return j->ledger_n < LEDGER && outbox_room(j->outbox, CASE) && !desk_full(j->desk);
}

/* One alert, unless a judge before told it. */
static bool put_alert(struct judge *j, struct record *alert, const struct kase *k, bool exhibit)
{
	struct alerted *told = j->watch->alerted;
	const unsigned level = (unsigned)record_get_num(alert, F_alert_level, 0);
	const unsigned mine = (unsigned)record_get_num(alert, F_alert_revision, 1);
	const unsigned revision = alerted_look(told, record_get_str(alert, F_alert_incident), level, mine);
	if (revision == 0)
		return false;
	if (revision != mine) {
		alert_revise(alert, revision);
		desk_revised(j->desk, revision);
	}
	if (exhibit) {
		put(j, CH_EXHIBIT, (struct bytes){ k->exhibit, k->exhibit_n });
		if (k->exhibit_n && k->sts.n)
			put(j, CH_POLICY, k->sts);
		if (k->exhibit_n)
			put_proofs(j, k);
	}
	put_event(j, alert);
	alerted_told(told, record_get_str(alert, F_alert_incident), level, revision, outbox_last(j->outbox));
	const int64_t now = ns_now();
	tally_alert(&j->numbers->tally, alert, k ? now - record_get_num(&k->session, F_event_end, now) : -1);
	return true;
}

/* An exhibit of no octets is said, too: of a session that is not over no event goes ahead, and what the output has is another's. */
static void put_alerts(struct judge *j, const struct kase *k)
{
	bool sent = false;
	struct desk_alert a;
	while (desk_alert(j->desk, &a))
		if (put_alert(j, a.event, a.session ? k : NULL, a.session && !sent))
			sent |= a.session;
}

/* What incidents and correlations have to say by themselves, as far as there is room: the rest is still due then. It is in the
 * ledger as of no worker, so that a state that says it was said is not saved before it was. */
static void put_due(struct judge *j)
{
	struct desk_alert a;
	bool any = false;
	while (room(j) && desk_alert(j->desk, &a)) {
		put_alert(j, a.event, NULL, false);
		any = true;
	}
	if (any)
		j->ledger[(j->ledger_from + j->ledger_n++) % LEDGER] = (struct entry){ WATCH_WORKERS, 0, outbox_last(j->outbox) };
}

static void put_case(struct judge *j, struct kase *k)
{
	const struct record *s = &k->session;
	bool interim = record_get_num(s, F_cap_phase, phase_final) == phase_interim;
	if (desk_knows(j->desk, s)) {      /* given again, and all that came of it is where it belongs */
		j->ledger[(j->ledger_from + j->ledger_n++) % LEDGER] = (struct entry){ k->worker, k->number, 0 };
		return;
	}
	desk_session(j->desk, &k->session, k->finding, &k->n);
	if (!interim) {
		put_event(j, s);
		tally_session(&j->numbers->tally, s);
	}
	put_alerts(j, k);
	j->ledger[(j->ledger_from + j->ledger_n++) % LEDGER] = (struct entry){ k->worker, k->number, outbox_last(j->outbox) };
}

static void put_cases(struct judge *j)
{
	struct kase *k;
	while (room(j) && (k = docket_next(j->docket))) {
		put_case(j, k);
		docket_done(j->docket, k);
	}
}

/* What was found out about watched domains. It rests on no session, so nobody waits for its acknowledgement. */
static void put_posture(struct judge *j)
{
	struct record *event;
	while (room(j) && (event = rounds_next(j->rounds))) {
		put_event(j, event);
		if (record_has(event, F_alert_level))
			tally_alert(&j->numbers->tally, event, -1);
	}
}

/* ---- what comes in ---- */

/* What was given before is known: a worker that sends again does so because another judge asked for it. */
static bool fresh(struct worker *w, uint64_t number)
{
	bool is = w->heard && number > w->taken;
	w->taken = is ? number : w->taken;
	return is;
}

/* A session and its exhibit are done together, so the number that counts is the first one's. */
static void take_session(struct judge *j, unsigned worker, struct bytes record)
{
	struct worker *w = &j->worker[worker];
	uint64_t number = outbox_open(&record), first = w->exhibit_n ? w->exhibit_number : number;
	struct bytes exhibit = { w->exhibit, w->exhibit_n };
	if (fresh(w, number) && !docket_take(j->docket, record, exhibit, TRI_UNSEEN, worker, first))
		j->numbers->refused++;
	w->exhibit_n = 0;
	j->ack_due = true;
}

static void take_exhibit(struct judge *j, struct worker *w, struct bytes record)
{
	struct exhibit_head head;
	w->exhibit_number = outbox_open(&record);
	w->exhibit_n = 0;
	if (!fresh(w, w->exhibit_number))
		return;
	if (!exhibit_check(record, &head) || record.n > sizeof(w->exhibit)) {
		j->numbers->refused++;
		return;
	}
	memcpy(w->exhibit, record.p, record.n);
	w->exhibit_n = record.n;
}

/* As many records of the worker as there is room for. */
static void take_worker(struct judge *j, unsigned n)
{
	struct worker *w = &j->worker[n];
	enum channel_kind kind;
	struct bytes record;
	while (room(j) && docket_room(j->docket) && channel_look(w->channel) && channel_ready(w->channel)) {
		if (!channel_recv(w->channel, &kind, &record)) {
			j->numbers->refused++;
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
			numbers_take(j->numbers, NUMBERS_CAPTURE + n, record);
			break;
		case CH_HELLO:
			numbers_hello(j->numbers, NUMBERS_CAPTURE + n, record);
			w->exhibit_n = 0;
			w->heard = true;
			w->ended = false;
			break;
		case CH_END:
			w->ended = true;
			break;
		default:
			j->numbers->refused++;
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
		if (kind == CH_HELLO) {
			numbers_hello(j->numbers, NUMBERS_OUTPUT, record);
			outbox_again(j->outbox);
		} else if (kind == CH_STATS) {
			numbers_take(j->numbers, NUMBERS_OUTPUT, record);
		} else if (kind == CH_ACK && record.n == sizeof(number)) {
			memcpy(&number, record.p, sizeof(number));
			output_has(j, number);
		}
	}
}

static void take_supervisor(struct judge *j)
{
	enum channel_kind kind;
	struct bytes record;
	while (channel_look(j->supervisor) && channel_ready(j->supervisor) && channel_recv(j->supervisor, &kind, &record)) {
		j->ending = j->ending || kind == CH_END;
		if (kind == CH_STATS)
			numbers_take(j->numbers, NUMBERS_SUPERVISOR, record);
	}
}

/* ---- numbers ---- */

static size_t enabled(const struct rules *rules)
{
	size_t n = 0;
	for (size_t i = 0; i < rules_count(rules); i++)
		n += rules_at(rules, i)->enabled;
	return n;
}

/* All that is known now, as a stats event; own is what the judge alone knows. */
static void look(struct judge *j)
{
	struct record *s = &j->own;
	size_t size, used = outbox_fill(j->outbox, &size);
	record_init(s);
	record_add_cstr(s, F_st_queue, "judge-output");
	record_add_num(s, F_st_queue_used, (int64_t)used);
	record_add_num(s, F_st_queue_size, (int64_t)size);
	record_num(s, F_st_lost_records, (int64_t)outbox_lost(j->outbox));
	record_num(s, F_st_outstanding, (int64_t)docket_open(j->docket));
	record_num(s, F_st_rules, (int64_t)enabled(j->watch->run.rules));
	desk_correlation(j->desk, s);
	desk_incidents(j->desk, s);
	record_num(s, F_st_rule_limits, (int64_t)desk_limits(j->desk));
	desk_state(j->desk, s);
	numbers_look(j->numbers, s, mono_now(), ns_now());
}

static void stats_event(struct judge *j)
{
	look(j);
	numbers_event(j->numbers, mono_now());
	put_event(j, &j->numbers->now);
}

/* Troubles of the sensor that began or ended. Without room they wait: what is on stays on. */
static void put_troubles(struct judge *j)
{
	static struct standing_news news[2 * STANDING_MAX];
	const struct record *stats = &j->numbers->now;
	const int64_t now = ns_now();
	if (!room(j))
		return;
	size_t n = desk_standing(j->desk, &j->numbers->standing, stats, now, news, sizeof(news) / sizeof(news[0]));
	for (size_t i = 0; i < n; i++) {
		record_init(&j->alert);
		alert_make_stats(j->watch->run.rules, stats, &news[i].finding, news[i].since, now, news[i].closed, &j->alert);
		event_alert(&j->alert);
		put_event(j, &j->alert);
		if (!news[i].closed)
			tally_alert(&j->numbers->tally, &j->alert, -1);
	}
}

/* ---- policies ---- */

/* Other files in the folder of policies: all are read anew. No case has one of the old ones on loan. */
static void read_policies(struct judge *j)
{
	const char *dir = j->policies_dir;
	const char *name, *why;
	struct error e;
	struct sts_cache *fresh = sts_cache_load(dir, &e);
	if (!fresh) {
		log_line(SAY_WARNING, "%s; the policies that were read before go on", e.text);
		return;
	}
	const size_t bad = sts_cache_bad(fresh, &name, &why);
	if (bad)
		log_line(SAY_WARNING, "%s: %zu files are no policies; %s: %s", dir, bad, name, why);
	if (bad && sts_cache_count(fresh) == 0) { /* a folder that this user cannot read takes no promise away */
		sts_cache_free(fresh);
		return;
	}
	log_line(SAY_NOTICE, "%s: %zu MTA-STS policies", dir, sts_cache_count(fresh));
	docket_policies(j->docket, fresh);
	rounds_policies(j->rounds, fresh);
	sts_cache_free(j->policies);
	j->policies = fresh;
}

/* Has whoever fetches policies changed the folder? The supervisor has read it at the start and at SIGHUP. */
static void look_for_policies(struct judge *j, int64_t now)
{
	const char *dir = j->policies_dir;
	uint64_t stamp;
	const bool lent = docket_cases(j->docket) > docket_open(j->docket);
	if (!dir || now < j->policies_due || lent)
		return;
	j->policies_due = now + POLICIES_MS;
	bool there = sts_cache_stamp(dir, &stamp);
	if (!there && !j->policies_lost)
		log_line(SAY_WARNING, "%s: the folder of MTA-STS policies cannot be read; those that were read before go on", dir);
	j->policies_lost = !there;
	if (!there || stamp == j->policies_stamp)
		return;
	j->policies_stamp = stamp;
	read_policies(j);
}

/* A folder that is not there keeps no judge from its work: the run's policies are here. Without the right to look at it later,
 * this process must not. */
static void find_policies(struct judge *j)
{
	const char *dir = j->watch->run.settings.sts_cache;
	uint64_t stamp;
	j->policies_dir = dir && sts_cache_stamp(dir, &stamp) ? dir : NULL;
	if (dir && !j->policies_dir)
		log_line(SAY_WARNING, "%s: the folder of MTA-STS policies cannot be read; those that were read before go on", dir);
}

static void say_gone(struct judge *j)
{
	char key[HISTORY_KEY];
	while (desk_gone(j->desk, key))
		log_line(SAY_WARNING, "no room for more history: the strong baseline of %s was given up", key);
}

static void each_second(struct judge *j)
{
	char line[SUPPRESSION_SAYS];
	const int64_t now = ms_now(), interval = (int64_t)j->watch->run.settings.stats_interval;
	if (now < j->tick)
		return;
	j->tick = now + TICK_MS;
	supervisor_beat(j->watch->supervisor, j->job);
	if (docket_open(j->docket) == 0)
		j->heard = now;
	docket_relieve(j->docket, now);
	look_for_policies(j, now);
	if (!j->resolver_gone && now - j->heard > MUTE_MS) {
		log_line(SAY_WARNING, "the resolver says nothing; what is asked of it counts as failed until it does");
		j->resolver_gone = true;
		docket_no_resolver(j->docket);
		rounds_no_resolver(j->rounds);
	}
	if (j->good_at && now >= j->good_at) {
		numbers_good(j->numbers);
		j->good_at = 0;
	}
	if (!j->saving)
		desk_orders(j->desk);
	say_gone(j);
	look(j);
	put_troubles(j);
	rounds_tick(j->rounds, now, ns_now(), docket_open(j->docket) < DOCKET_CASES / 2);
	desk_time(j->desk, ns_now());
	while (desk_say(j->desk, line))
		log_line(SAY_NOTICE, "%s", line);
	put_due(j);
	channel_offer(j->output, CH_STATS, (struct bytes){ (const uint8_t *)&j->numbers->now, record_size(&j->numbers->now) },
		      (struct bytes){ 0 });
	if (interval && now >= j->stats_due) {
		stats_event(j);
		j->stats_due = now + interval;
	}
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
	put_posture(j);
	each_second(j);
	if (j->resolver)
		channel_push(j->resolver);
	outbox_push(j->outbox);
	save(j);
	acknowledge(j);
}

static bool all_ended(const struct judge *j)
{
	for (unsigned i = 0; i < j->watch->workers; i++)
		if (!j->worker[i].ended && channel_ready(j->worker[i].channel))
			return false;
	return docket_cases(j->docket) == 0;
}

/* What the output has is saved; what it has not is given again to who comes next. */
static void save_at_end(struct judge *j)
{
	j->save_due = 0;
	save(j);
	save(j);
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
	desk_end(j->desk, !j->store || !store_kept(j->store));
	put_due(j);
	stats_event(j);
	put(j, CH_END, (struct bytes){ 0 });
	while (ms_now() < until + HANDOVER_MS && outbox_fill(j->outbox, &waiting)) {
		wait_for_work(j);
		take_output(j);
		outbox_push(j->outbox);
		supervisor_beat(j->watch->supervisor, j->job);
	}
	save_at_end(j);
}

/* Another judge takes over: what stands goes out; what is open he is given again. */
static void hand_over(struct judge *j)
{
	const int64_t until = ms_now() + HANDOVER_MS;
	size_t waiting;
	numbers_good(j->numbers);
	put_cases(j);
	while (ms_now() < until && outbox_fill(j->outbox, &waiting)) {
		wait_for_work(j);
		take_output(j);
		outbox_push(j->outbox);
	}
	save_at_end(j);
	acknowledge(j);
}

static bool set_up(struct judge *j)
{
	struct watch *w = j->watch;
	j->worker = calloc(w->workers, sizeof(j->worker[0]));
	j->ledger = malloc(LEDGER * sizeof(j->ledger[0]));
	alerted_begin(w->alerted);
	j->output = channel_new(w->judge_output[0]);
	j->supervisor = channel_new(w->supervisor_judge[1]);
	if (w->run.resolver.mode != RESOLVE_OFF)
		j->resolver = channel_new(w->judge_resolver[0]);
	if (j->resolver) /* what a judge before us asked needs no answer */
		channel_offer(j->resolver, CH_HELLO, (struct bytes){ 0 }, (struct bytes){ 0 });
	j->outbox = j->output ? outbox_new(j->output, OUTBOX, (uint64_t)ms_now() * 1000) : NULL;
	j->docket = docket_new(&w->run, j->resolver, false);
	j->desk = desk_new(&w->run);
	j->rounds = rounds_new(&w->run, j->resolver);
	j->numbers = w->numbers;
	if (j->docket && j->rounds)
		docket_rounds(j->docket, j->rounds);
	if (j->desk && j->rounds)
		desk_rounds(j->desk, j->rounds);
	if (j->docket)
		docket_live(j->docket, &j->numbers->vitals, &j->numbers->tally);
	for (unsigned i = 0; j->worker && i < w->workers; i++) {
		j->worker[i].channel = channel_new(w->capture_judge[i][1]);
		if (!j->worker[i].channel)
			return false;
		channel_offer(j->worker[i].channel, CH_HELLO, (struct bytes){ 0 }, (struct bytes){ 0 });
		channel_push(j->worker[i].channel);
	}
	return j->worker && j->ledger && j->supervisor && j->outbox && j->docket && j->desk && j->rounds;
}

/* Without a state that can be opened the sensor works on, and says so: what passes now does not wait. */
static void open_state(struct judge *j)
{
	const int64_t until = ms_now() + STATE_MS;
	struct error said, e;
	if (!j->watch->run.state)
		return;
	while (store_owned(j->watch->run.state) && ms_now() < until) {
		supervisor_beat(j->watch->supervisor, j->job);
		poll(NULL, 0, 100);
	}
	j->store = store_open(j->watch->run.state, &said, &e);
	if (!j->store || !desk_load(j->desk, j->store, &e)) {
		log_line(SAY_ERROR, "%s; nothing is remembered", e.text);
		store_close(j->store);
		j->store = NULL;
		return;
	}
	if (said.text[0])
		log_line(SAY_ERROR, "%s", said.text);
	docket_history(j->docket, desk_history(j->desk));
	desk_orders(j->desk);
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
	find_policies(&j);
	if (!sandbox_judge(&j.watch->run.user, j.watch->run.state, j.policies_dir, &e)) {
		log_line(SAY_ERROR, "%s", e.text);
		return 1;
	}
	open_state(&j);
	numbers_begin(j.numbers, &j.watch->run.settings, mono_now(), ns_now());
	j.good_at = ms_now() + GOOD_MS;
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
