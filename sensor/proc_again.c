/* proc_again: sessions that were judged elsewhere, judged once more: put in order (lineup.h), taken back to what they were before
 * (afresh.h), and put on the same desk as `read` and `watch` have. What is remembered between runs is committed when the output has
 * written what came of it, now and then, and whenever no line comes for a while: a run may go on for years. Sessions that still wait
 * for their turn are in no state: who gives the lines again gives them again.
 *
 * Of a stream several judges judge all, and each puts out its shares of the alerts (speaker.h). Such a one does not end what waits when it
 * ends itself: others go on, and it will itself, from the stream. */
#include "run.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "alerted.h"
#include "desk.h"
#include "judge/afresh.h"
#include "judge/alert.h"
#include "judge/event.h"
#include "lineup.h"

/* SESSIONS, OCTETS  that wait for their turn     ALERTED   incidents whose words are remembered
 * COMMIT            sessions between two         QUIET_MS  without a line, and what was judged is committed; of several judges each does
 *                                                          it so often
 * SPEAK_MS          between two looks at what others speak for */
enum { SESSIONS = 65536, OCTETS = 64 << 20, ALERTED = 65536, COMMIT = 4096, QUIET_MS = 1000, SPEAK_MS = 200 };

struct judge {
	const struct run *run;
	struct channel *lines, *output;
	struct lineup *lineup;
	struct desk *desk;
	struct alerted *alerted;
	struct store *store;                /* NULL: nothing is kept */
	struct speaker *speaker;            /* NULL: it is the only judge */
	uint64_t place, latest;             /* in the stream: of the session on the desk; of the last that came */
	int64_t looked, committed;
	struct record session, alert, stats;
	struct finding finding[RULE_FINDINGS];
	uint64_t sessions, tls, certificates, alerts, refused, again, numbers;
	uint64_t unsaved;                   /* sessions that were judged since the last commit */
	int64_t last;
	bool deaf;                          /* the output writes no more: there is nobody to judge for */
	char reason[256];
};

static void note(struct judge *j, const char *kind, struct bytes text)
{
	channel_send(j->output, CH_NOTE, bytes_of(kind), text);
	channel_flush(j->output);
}

static void not_complete(struct judge *j, struct bytes why)
{
	if (j->reason[0])
		return;
	why = bytes_head(why, sizeof(j->reason) - 1);
	memcpy(j->reason, why.p, why.n);
	j->reason[why.n] = '\0';
}

static void emit(struct judge *j, const struct record *r)
{
	if (!channel_send(j->output, CH_EVENT, (struct bytes){ (const uint8_t *)r, record_size(r) }, (struct bytes){ 0 }))
		j->deaf = true;
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- state ---- */

static void state_failed(struct judge *j, const struct error *e)
{
	note(j, "e", bytes_of(e->text));
	not_complete(j, bytes_of("the state could not be saved"));
}

/* The output has written all that it was given. */
static bool written(struct judge *j)
{
	enum channel_kind kind;
	struct bytes record;
	const uint64_t number = ++j->numbers;
	if (j->deaf || !channel_send(j->output, CH_ACK, (struct bytes){ (const uint8_t *)&number, sizeof(number) }, (struct bytes){ 0 }) ||
	    !channel_flush(j->output) || !channel_recv(j->output, &kind, &record) || kind != CH_ACK || record.n != sizeof(number))
		j->deaf = true;
	return !j->deaf;
}

/* Up to which message of the stream all was judged. */
static uint64_t judged(const struct judge *j)
{
	const uint64_t least = lineup_least(j->lineup);
	return least == UINT64_MAX ? j->latest : least - 1;
}

/* What nobody heard was not said: it is not remembered. Neither is what is kept for others to say: they may all end, and then this judge
 * must find it again. */
static void commit(struct judge *j)
{
	struct error e;
	const bool heard = written(j);
	j->unsaved = 0;
	j->committed = now_ms();
	if (j->speaker && heard)
		speaker_written(j->speaker, judged(j));
	if (j->speaker && speaker_kept(j->speaker))
		return;
	if (!j->store || store_broken(j->store) || (!desk_dirty(j->desk) && !store_begun(j->store)))
		return;
	if (!heard)
		store_abandon(j->store);
	else if (!desk_save(j->desk, &e) || !store_commit(j->store, &e))
		state_failed(j, &e);
	desk_orders(j->desk);
}

static bool open_state(struct judge *j)
{
	struct error said, e;
	if (!j->run->state)
		return true;
	j->store = store_open(j->run->state, &said, &e);
	if (!j->store || !desk_load(j->desk, j->store, &e)) {
		note(j, "e", bytes_of(e.text));
		return false;
	}
	if (said.text[0])
		note(j, "e", bytes_of(said.text));
	desk_orders(j->desk);
	return true;
}

/* ---- judging ---- */

static void put_alert(struct judge *j, const struct record *alert)
{
	emit(j, alert);
	j->alerts++;
}

/* What was kept and is ours to say by now. */
static void speak(struct judge *j)
{
	const int64_t now = now_ms();
	if (!j->speaker || now - j->looked < SPEAK_MS)
		return;
	j->looked = now;
	atomic_store(&j->run->lines->shares->life, now);
	while (!j->deaf && speaker_next(j->speaker, now, &j->alert))
		put_alert(j, &j->alert);
	if (now - j->committed >= QUIET_MS && !j->deaf)
		commit(j);
}

/* Each word of an incident once: of a session that is not over it may have been said before. */
static void emit_alert(struct judge *j, struct record *alert)
{
	const struct bytes incident = record_get_str(alert, F_alert_incident);
	const unsigned level = (unsigned)record_get_num(alert, F_alert_level, 0);
	const unsigned mine = (unsigned)record_get_num(alert, F_alert_revision, 1);
	const unsigned revision = alerted_look(j->alerted, incident, level, mine);
	if (revision == 0)
		return;
	if (revision != mine) {
		alert_revise(alert, revision);
		desk_revised(j->desk, revision);
	}
	if (!j->speaker || speaker_says(j->speaker, alert, j->place, now_ms()))
		put_alert(j, alert);
	alerted_told(j->alerted, incident, level, revision, j->alerts);
}

static void emit_alerts(struct judge *j)
{
	struct desk_alert a;
	while (desk_alert(j->desk, &a))
		emit_alert(j, a.event);
}

static void count(struct judge *j, const struct record *s)
{
	const int64_t end = record_get_num(s, F_event_end, 0);
	j->last = end > j->last ? end : j->last;
	j->sessions++;
	j->tls += record_get_tri(s, F_tls_established) == TRI_YES;
	j->certificates += record_get_num(s, F_tls_cert_vis, 0) == visibility_visible;
}

static void judge(struct judge *j, struct record *s)
{
	size_t n;
	struct error e;
	const bool interim = record_get_num(s, F_cap_phase, phase_final) == phase_interim;
	j->place = (uint64_t)record_get_num(s, F_event_sequence, 0);
	desk_session(j->desk, s, j->finding, &n);
	if (!interim && (j->run->all || j->run->format == FORMAT_TABLE))
		emit(j, s);
	emit_alerts(j);
	if (desk_full(j->desk) && !desk_save(j->desk, &e))
		state_failed(j, &e);
	if (!interim)
		count(j, s);
	if (++j->unsaved >= COMMIT)
		commit(j);
}

static void judge_due(struct judge *j)
{
	while (!j->deaf && lineup_next(j->lineup, &j->session))
		judge(j, &j->session);
}

/* ---- what comes in ---- */

static bool check(struct record *to, struct bytes record)
{
	if (record.n > sizeof(*to) || record.n < offsetof(struct record, text))
		return false;
	memcpy(to, record.p, record.n);
	return record_check(to, record.n);
}

/* A session that is not over has no turn: what it shows is worth an alert now. */
static void session(struct judge *j, struct bytes record)
{
	struct record *s = &j->session;
	if (!check(s, record)) {
		j->refused++;
		return;
	}
	const int64_t place = record_get_num(s, F_event_sequence, 0);
	afresh(s);
	if (j->speaker && place > 0) {
		record_num(s, F_event_sequence, place);
		j->latest = (uint64_t)place;
	}
	const struct bytes id = record_get_str(s, F_event_id);
	const bool interim = record_get_num(s, F_cap_phase, phase_final) == phase_interim;
	if (desk_knows(j->desk, s) || (interim ? lineup_knows(j->lineup, id) : lineup_again(j->lineup, id))) {
		j->again++;
	} else if (interim) {
		judge(j, s);
	} else if (!lineup_put(j->lineup, record_get_str(s, F_observer_name), s)) {
		note(j, "e", bytes_of("judge: no memory for a session that waits for its turn; it is missing"));
		not_complete(j, bytes_of("no memory"));
	}
	judge_due(j);
}

static void take(struct judge *j, enum channel_kind kind, struct bytes record)
{
	if (kind == CH_SESSION) {
		session(j, record);
	} else if (kind == CH_NOTE) {
		if (record.n && record.p[0] == 'e')
			not_complete(j, bytes_skip(record, 1));
		note(j, record.n && record.p[0] == 'e' ? "e" : "i", bytes_skip(record, 1));
	} else if (kind == CH_STATS && !check(&j->stats, record)) {
		record_init(&j->stats);
		j->refused++;
	}
}

/* No line came for *quiet ms by now. First what was judged is committed; after the lateness it is everybody's turn. */
static void be_quiet(struct judge *j, int64_t *quiet)
{
	const int64_t lateness = j->run->lines->lateness / 1000000;
	*quiet += QUIET_MS;
	if (*quiet > lateness) {
		lineup_end(j->lineup);
		judge_due(j);
		*quiet = 0;
	}
	if (j->unsaved)
		commit(j);
	else
		desk_orders(j->desk);
}

static void receive(struct judge *j)
{
	enum channel_kind kind = CH_NOTE;
	struct bytes record;
	int64_t quiet = 0;
	struct pollfd p = { .fd = channel_fd(j->lines), .events = POLLIN };
	while (!j->deaf) {
		speak(j);
		if (!channel_ready(j->lines) && !channel_flush(j->output))
			break;
		if (!channel_ready(j->lines) && poll(&p, 1, QUIET_MS) == 0) {
			be_quiet(j, &quiet);
			continue;
		}
		quiet = 0;
		if (!channel_recv(j->lines, &kind, &record) || kind == CH_END)
			break;
		take(j, kind, record);
	}
	if (kind != CH_END && !j->deaf) {
		not_complete(j, bytes_of("the process that reads lines ended early"));
		note(j, "e", bytes_of("the process that reads lines ended early; what follows is not everything"));
	}
	if (j->speaker)
		return;
	lineup_end(j->lineup);
	judge_due(j);
}

/* ---- the end ---- */

static void stats_alerts(struct judge *j)
{
	size_t n = desk_stats(j->desk, &j->stats, j->finding, RULE_FINDINGS);
	for (size_t i = 0; i < n; i++) {
		if (j->finding[i].level < level_low)
			continue;
		alert_make_stats(j->run->rules, &j->stats, &j->finding[i], j->last, j->last, false, &j->alert);
		event_alert(&j->alert);
		emit(j, &j->alert);
		j->alerts++;
	}
}

static void count_lines(const struct judge *j, struct record *s)
{
	const struct lineup_counts n = lineup_counts(j->lineup);
	record_num(s, F_st_lines_again, (int64_t)j->again);
	record_num(s, F_st_lines_sensors, (int64_t)n.sensors);
	record_num(s, F_st_lines_late, (int64_t)n.late);
	record_num(s, F_st_lines_early, (int64_t)n.early);
}

static void last_word(struct judge *j)
{
	struct record *s = &j->stats;
	char line[SUPPRESSION_SAYS];
	record_tri(s, F_st_complete, j->reason[0] ? TRI_NO : TRI_YES);
	if (j->reason[0])
		record_cstr(s, F_st_reason, j->reason);
	record_num(s, F_st_sessions, (int64_t)j->sessions);
	record_num(s, F_st_tls, (int64_t)j->tls);
	record_num(s, F_st_cert, (int64_t)j->certificates);
	count_lines(j, s);
	while (desk_say(j->desk, line))
		note(j, "i", bytes_of(line));
	stats_alerts(j);
	record_num(s, F_st_alerts, (int64_t)j->alerts);
	record_num(s, F_st_refused, (int64_t)j->refused);
	desk_state(j->desk, s);
	event_stats(s, j->last);
	emit(j, s);
	channel_send(j->output, CH_END, (struct bytes){ 0 }, (struct bytes){ 0 });
}

/* What several sessions show together, and what incidents counted since they spoke last. */
static void end(struct judge *j)
{
	if (!j->speaker) {
		desk_end(j->desk, true);
		emit_alerts(j);
	}
	desk_correlation(j->desk, &j->stats);
	desk_incidents(j->desk, &j->stats);
	commit(j);
	if (j->speaker && speaker_early(j->speaker))
		note(j, "i", bytes_of("judge: more alerts had to be kept for other judges than there is room; some went out here, too"));
	if (j->speaker)
		atomic_store(&j->run->lines->shares->over, true);
	last_word(j);
}

int proc_again(const struct run *run, struct channel *lines, struct channel *output)
{
	struct judge *j = calloc(1, sizeof(*j));
	struct error e;
	if (!j)
		return 2;
	*j = (struct judge){ .run = run, .lines = lines, .output = output };
	j->lineup = lineup_new(&(struct lineup_budget){ SESSIONS, OCTETS, run->lines->lateness, run->lines->silent });
	j->desk = desk_new(run);
	j->alerted = alerted_new(ALERTED);
	record_init(&j->stats);
	if (run->lines->shares)
		j->speaker = speaker_new(run->lines->shares);
	if (!j->lineup || !j->desk || !j->alerted || (run->lines->shares && !j->speaker)) {
		note(j, "e", bytes_of("judge: no memory"));
		return 2;
	}
	if (!sandbox_judge(&run->user, run->state, NULL, &e)) {
		note(j, "e", bytes_of(e.text));
		return 2;
	}
	if (!open_state(j))
		return 2;
	receive(j);
	end(j);
	const bool sent = channel_flush(output) && !j->deaf;
	desk_free(j->desk);
	lineup_free(j->lineup);
	alerted_free(j->alerted);
	speaker_free(j->speaker);
	store_close(j->store);
	free(j);
	return sent ? 0 : 2;
}
