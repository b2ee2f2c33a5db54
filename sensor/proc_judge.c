/* proc_judge: sessions to events, in the order in which sessions come. Where the DNS of the capture must be known first,
 * sessions wait: in memory up to WAIT_MEMORY octets, then in the unlinked spill file, so that memory does not grow with the
 * capture. How one session is judged is docket's. */
#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "desk.h"
#include "docket.h"
#include "judge/alert.h"
#include "judge/event.h"
#include "rounds.h"

enum { WAIT_MEMORY = 8 * 1024 * 1024 };

struct judge {
	const struct run *run;
	struct channel *capture, *resolver, *output;
	struct docket *docket;
	struct desk *desk;
	struct rounds *rounds;
	struct store *store;                /* NULL: nothing is kept */
	struct record alert, stats;
	uint8_t exhibit[EXHIBIT_OCTETS];    /* of the session to come */
	size_t exhibit_n;
	uint8_t *wait;
	size_t wait_n;
	bool spilled;
	uint64_t sessions, tls, certificates, incomplete, alerts, refused;
	int64_t last;
	bool resolver_gone;
	enum resolverfault worst;           /* of the sensor's own DNS */
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
	channel_send(j->output, CH_EVENT, (struct bytes){ (const uint8_t *)r, record_size(r) }, (struct bytes){ 0 });
}

static void resolver_lost(struct judge *j)
{
	if (j->resolver_gone)
		return;
	note(j, "e", bytes_of("the resolver process ended early; its questions count as failed"));
	not_complete(j, bytes_of("the resolver process ended early"));
	j->resolver_gone = true;
	docket_no_resolver(j->docket);
	rounds_no_resolver(j->rounds);
}

/* Waits for one word of the resolver. Its kind; CH_END: it is there no more. */
static enum channel_kind hear(struct judge *j, struct bytes *record)
{
	enum channel_kind kind;
	if (j->resolver_gone)
		return CH_END;
	bool here = (channel_ready(j->resolver) || channel_flush(j->resolver)) && channel_recv(j->resolver, &kind, record);
	if (here && kind == CH_NOTE)
		note(j, record->n && record->p[0] == 'i' ? "i" : "e", bytes_skip(*record, 1));
	if (here && (kind != CH_ANSWER || docket_answer(j->docket, *record) || rounds_answer(j->rounds, *record)))
		return kind;
	resolver_lost(j);
	return CH_END;
}

/* What the output needs for the evidence of this session's alerts: its packets, and the messages that the answers to
 * its questions rest on. */
static void send_exhibit(struct judge *j, const struct kase *k)
{
	enum channel_kind kind;
	struct bytes record;
	struct bytes asked = { (const uint8_t *)k->asked, k->nasked * sizeof(k->asked[0]) };
	channel_send(j->output, CH_EXHIBIT, (struct bytes){ k->exhibit, k->exhibit_n }, (struct bytes){ 0 });
	if (k->sts.n)
		channel_send(j->output, CH_POLICY, k->sts, (struct bytes){ 0 });
	if (!j->resolver || j->resolver_gone || !channel_send(j->resolver, CH_PROVE, asked, (struct bytes){ 0 }))
		return;
	do {
		kind = hear(j, &record);
		if (kind == CH_PROOF || kind == CH_PROVED)
			channel_send(j->output, kind, record, (struct bytes){ 0 });
	} while (kind != CH_PROVED && kind != CH_END);
}

static void emit_alerts(struct judge *j, const struct kase *k)
{
	bool sent = k->exhibit_n == 0;
	struct desk_alert a;
	while (desk_alert(j->desk, &a)) {
		if (!sent && a.session)
			send_exhibit(j, k);
		sent |= a.session;
		emit(j, a.event);
		j->alerts++;
	}
}

/* Nothing more comes: what several sessions show together, and what incidents counted since they spoke last. */
static void last_alerts(struct judge *j)
{
	struct desk_alert a;
	desk_end(j->desk, true);
	while (desk_alert(j->desk, &a)) {
		emit(j, a.event);
		j->alerts++;
	}
	desk_correlation(j->desk, &j->stats);
	desk_incidents(j->desk, &j->stats);
}

/* A run is one transaction: one that ends early teaches nothing, and when the same captures are read again all is as before. */
static void state_failed(struct judge *j, const struct error *e)
{
	note(j, "e", bytes_of(e->text));
	not_complete(j, bytes_of("the state could not be saved"));
}

static void save_if_full(struct judge *j)
{
	struct error e;
	if (desk_full(j->desk) && !desk_save(j->desk, &e))
		state_failed(j, &e);
}

/* What is in the state is not told again: it goes to the output first. */
static void save_all(struct judge *j)
{
	struct error e;
	channel_flush(j->output);
	if (j->store && !store_broken(j->store) && (!desk_save(j->desk, &e) || !store_commit(j->store, &e)))
		state_failed(j, &e);
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
	docket_history(j->docket, desk_history(j->desk));
	desk_orders(j->desk);
	return true;
}

static void emit_case(struct judge *j, struct kase *k)
{
	const struct record *s = &k->session;
	desk_session(j->desk, &k->session, k->finding, &k->n);
	emit(j, s);
	emit_alerts(j, k);
	j->sessions++;
	j->tls += record_get_tri(s, F_tls_established) == TRI_YES;
	j->certificates += record_get_num(s, F_tls_cert_vis, 0) == visibility_visible;
	j->incomplete += record_get_num(s, F_dane_verdict, -1) == daneverdict_incomplete;
	j->worst = k->fault > j->worst ? k->fault : j->worst;
	int64_t end = record_get_num(s, F_event_end, 0);
	j->last = end > j->last ? end : j->last;
	save_if_full(j);
}

/* Those that are judged go out. */
static void emit_cases(struct judge *j)
{
	struct kase *k;
	while ((k = docket_next(j->docket))) {
		emit_case(j, k);
		docket_done(j->docket, k);
	}
}

static void session(struct judge *j, struct bytes record)
{
	struct bytes answer, exhibit = { j->exhibit, j->exhibit_n };
	enum tri seen = !j->run->pipeline.dns ? TRI_UNSEEN : record_get_num(&j->stats, F_st_dns, 0) ? TRI_YES : TRI_NO;
	for (emit_cases(j); !docket_room(j->docket); emit_cases(j))
		hear(j, &answer);
	if (!docket_take(j->docket, record, exhibit, seen, 0, 0))
		j->refused++;
	j->exhibit_n = 0;
}

/* The watched domains, once, as of the last packet: before the sessions, which may know their servers by them. */
static void go_round(struct judge *j)
{
	struct record *event;
	struct bytes answer;
	int64_t last = record_get_num(&j->stats, F_st_last_packet, 0);
	record_unset(&j->stats, F_st_last_packet);
	if (!j->resolver || last == 0)
		return;
	rounds_all(j->rounds, last);
	do {
		while (rounds_open(j->rounds))
			hear(j, &answer);
		while ((event = rounds_next(j->rounds))) {
			emit(j, event);
			j->alerts += record_has(event, F_alert_level);
		}
	} while (rounds_open(j->rounds));
}

static void judge_rest(struct judge *j)
{
	struct bytes answer;
	for (emit_cases(j); docket_open(j->docket); emit_cases(j))
		hear(j, &answer);
}

/* The packets of the session that comes next. */
static void exhibit(struct judge *j, struct bytes record)
{
	struct exhibit_head head;
	j->exhibit_n = 0;
	if (!exhibit_check(record, &head)) {
		j->refused++;
		return;
	}
	memcpy(j->exhibit, record.p, record.n);
	j->exhibit_n = record.n;
}

static void take(struct judge *j, enum channel_kind kind, struct bytes record)
{
	if (kind == CH_EXHIBIT)
		exhibit(j, record);
	else
		session(j, record);
}

static bool spill_write(struct judge *j)
{
	size_t done = 0;
	while (done < j->wait_n) {
		ssize_t n = write(j->run->spill, j->wait + done, j->wait_n - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	j->wait_n = 0;
	j->spilled = true;
	return true;
}

/* What stands in front of each record that waits. */
struct waiting {
	uint32_t kind, n;
};

/* Puts a session, or its exhibit, aside until the DNS is known. */
static void hold(struct judge *j, enum channel_kind kind, struct bytes record)
{
	struct waiting head = { (uint32_t)kind, (uint32_t)record.n };
	if (j->wait_n + sizeof(head) + head.n > WAIT_MEMORY && !spill_write(j)) {
		not_complete(j, bytes_of("no room for the sessions that wait for their DNS proofs"));
		note(j, "e", bytes_of("cannot write the file of waiting sessions; sessions are missing"));
		j->wait_n = 0;
	}
	memcpy(j->wait + j->wait_n, &head, sizeof(head));
	memcpy(j->wait + j->wait_n + sizeof(head), record.p, head.n);
	j->wait_n += sizeof(head) + head.n;
}

/* Judges the whole sessions at the head of wait[0, n); returns the octets used. */
static size_t release(struct judge *j, size_t n)
{
	size_t at = 0;
	struct waiting head;
	while (n - at >= sizeof(head)) {
		memcpy(&head, j->wait + at, sizeof(head));
		if (n - at - sizeof(head) < head.n)
			break;
		take(j, (enum channel_kind)head.kind, (struct bytes){ j->wait + at + sizeof(head), head.n });
		at += sizeof(head) + head.n;
	}
	return at;
}

static void release_spilled(struct judge *j)
{
	size_t have = 0;
	ssize_t n;
	if (lseek(j->run->spill, 0, SEEK_SET) != 0)
		return;
	while ((n = read(j->run->spill, j->wait + have, WAIT_MEMORY - have)) > 0) {
		have += (size_t)n;
		size_t used = release(j, have);
		memmove(j->wait, j->wait + used, have - used);
		have -= used;
	}
}

static void release_all(struct judge *j)
{
	if (j->spilled && j->wait_n && !spill_write(j)) {
		not_complete(j, bytes_of("no room for the sessions that wait for their DNS proofs"));
		note(j, "e", bytes_of("cannot write the file of waiting sessions; sessions are missing"));
	}
	if (j->spilled)
		release_spilled(j);
	else
		release(j, j->wait_n);
}

static void capture_stats(struct judge *j, struct bytes record)
{
	if (record.n <= sizeof(j->stats) && record.n >= offsetof(struct record, text)) {
		memcpy(&j->stats, record.p, record.n);
		if (record_check(&j->stats, record.n))
			return;
	}
	record_init(&j->stats);
	j->refused++;
}

static void receive(struct judge *j)
{
	enum channel_kind kind = CH_NOTE;
	struct bytes record;
	while (channel_recv(j->capture, &kind, &record) && kind != CH_END) {
		bool judged = kind == CH_SESSION || kind == CH_EXHIBIT;
		if (judged && j->resolver) {
			hold(j, kind, record);
		} else if (judged) {
			take(j, kind, record);
		} else if (kind == CH_NOTE) {
			not_complete(j, bytes_skip(record, 1));
			note(j, record.n && record.p[0] == 'e' ? "e" : "i", bytes_skip(record, 1));
		} else if (kind == CH_PROGRESS) {
			struct progress p;
			if (record.n != sizeof(p))
				continue;
			memcpy(&p, record.p, sizeof(p));
			p.alerts = j->alerts;
			channel_send(j->output, CH_PROGRESS, (struct bytes){ (const uint8_t *)&p, sizeof(p) },
				     (struct bytes){ 0 });
			channel_flush(j->output);
		} else if (kind == CH_STATS) {
			capture_stats(j, record);
		}
	}
	if (kind != CH_END) {
		not_complete(j, bytes_of("the capture process ended early"));
		note(j, "e", bytes_of("the capture process ended early; what follows is not everything"));
	}
}

/* What the run says about the sensor itself: it began and ended with the run. */
static void stats_alerts(struct judge *j)
{
	struct finding findings[RULE_FINDINGS];
	size_t n = desk_stats(j->desk, &j->stats, findings, RULE_FINDINGS);
	for (size_t i = 0; i < n; i++) {
		if (findings[i].level < level_low)
			continue;
		alert_make_stats(j->run->rules, &j->stats, &findings[i], j->last, j->last, false, &j->alert);
		event_alert(&j->alert);
		emit(j, &j->alert);
		j->alerts++;
	}
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
	record_num(s, F_st_incomplete, (int64_t)j->incomplete);
	if (j->worst != resolverfault_none)
		record_num(s, F_resolver_fault, j->worst);
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

int proc_judge(const struct run *run, struct channel *capture, struct channel *resolver, struct channel *output)
{
	struct judge *j = calloc(1, sizeof(*j));
	struct error e;
	if (!j)
		return 2;
	j->run = run;
	j->capture = capture;
	j->resolver = resolver;
	j->output = output;
	j->docket = docket_new(run, resolver, true);
	j->desk = desk_new(run);
	j->rounds = rounds_new(run, resolver);
	j->wait = resolver ? malloc(WAIT_MEMORY) : NULL;
	record_init(&j->stats);
	if (j->docket && j->rounds)
		docket_rounds(j->docket, j->rounds);
	if (j->desk && j->rounds)
		desk_rounds(j->desk, j->rounds);
	if (!j->docket || !j->desk || !j->rounds || (resolver && !j->wait)) {
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
	go_round(j);
	if (resolver)
		release_all(j);
	judge_rest(j);
	last_alerts(j);
	rounds_lower(j->rounds);
	save_all(j);
	last_word(j);
	bool sent = channel_flush(output);
	free(j->wait);
	docket_free(j->docket);
	desk_free(j->desk);
	rounds_free(j->rounds);
	store_close(j->store);
	free(j);
	return sent ? 0 : 2;
}
