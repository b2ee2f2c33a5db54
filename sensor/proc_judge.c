/* proc_judge: session to questions to rules to events, in the order in which sessions come. Where the DNS of the
 * capture must be known first, sessions wait: in memory up to WAIT_MEMORY octets, then in the unlinked spill file, so
 * that memory does not grow with the capture. */
#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "judge/alert.h"
#include "judge/event.h"
#include "judge/expectation.h"
#include "judge/gate.h"
#include "judge/outcome.h"
#include "judge/rule.h"
#include "exhibit.h"
#include "key_proof.h"

enum { WAIT_MEMORY = 8 * 1024 * 1024 };

struct judge {
	const struct run *run;
	struct channel *capture, *resolver, *output;
	struct dane *dane;
	struct rule_scratch *scratch;
	struct expectation expectation;
	struct record session, alert, stats;
	uint8_t behind[CHANNEL_RECORD_MAX]; /* chain and proof of the session */
	struct answer answer;
	struct question asked[EXPECT_QUESTIONS];
	size_t nasked;
	uint8_t exhibit[EXHIBIT_OCTETS];    /* of the session to come */
	size_t exhibit_n;
	uint8_t *wait;
	size_t wait_n;
	bool spilled;
	uint64_t sessions, tls, certificates, incomplete, alerts, refused;
	int64_t last;
	bool resolver_gone;
	enum resolverfault fault, worst;        /* of the sensor's own DNS, while it answered for this session, for any */
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

/* The resolver is not there: its questions are failed, never absent. */
static void answer_failed(const struct question *q, struct answer *a)
{
	memset(a, 0, offsetof(struct answer, data));
	a->id = q->id;
	a->as_of = a->from = a->until = q->as_of;
	a->type = q->type;
	a->status = dnsstatus_failed;
	memcpy(a->name, q->name, sizeof(a->name));
	memcpy(a->why, "the resolver process ended", sizeof("the resolver process ended"));
}

static bool answer_of(struct judge *j, const struct question *q)
{
	enum channel_kind kind;
	struct bytes record;
	if (j->resolver_gone || !channel_send(j->resolver, CH_QUESTION, (struct bytes){ (const uint8_t *)q, sizeof(*q) },
					      (struct bytes){ 0 }) || !channel_flush(j->resolver))
		return false;
	while (channel_recv(j->resolver, &kind, &record)) {
		if (kind == CH_NOTE) {
			note(j, record.n && record.p[0] == 'i' ? "i" : "e", bytes_skip(record, 1));
			continue;
		}
		if (kind != CH_ANSWER || record.n > sizeof(j->answer))
			return false;
		memcpy(&j->answer, record.p, record.n);
		return answer_check(&j->answer, record.n) && j->answer.id == q->id;
	}
	return false;
}

/* The client's network as a number (FNV-1a over its /24 or /48): whose names a session's questions are. */
static uint32_t network_of(const struct record *session)
{
	struct bytes ip = record_get_str(session, F_src_ip);
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < (ip.n == 4 ? 3u : 6u) && i < ip.n; i++)
		h = (h ^ ip.p[i]) * 16777619u;
	return h ? h : 1;
}

static void ask(struct judge *j, const struct question *question)
{
	struct question asked = *question, *q = &asked;
	q->source = network_of(&j->session);
	if (answer_of(j, q)) {
		j->fault = j->answer.fault > j->fault ? j->answer.fault : j->fault;
		return;
	}
	if (!j->resolver_gone) {
		note(j, "e", bytes_of("the resolver process ended early; its questions count as failed"));
		not_complete(j, bytes_of("the resolver process ended early"));
	}
	j->resolver_gone = true;
	answer_failed(q, &j->answer);
}

/* What the output needs for the evidence of this session's alerts: its packets, and the messages that the answers to
 * its questions rest on. */
static void send_exhibit(struct judge *j)
{
	enum channel_kind kind;
	struct bytes record;
	struct bytes asked = { (const uint8_t *)j->asked, j->nasked * sizeof(j->asked[0]) };
	channel_send(j->output, CH_EXHIBIT, (struct bytes){ j->exhibit, j->exhibit_n }, (struct bytes){ 0 });
	if (!j->resolver || j->resolver_gone || !channel_send(j->resolver, CH_PROVE, asked, (struct bytes){ 0 }) ||
	    !channel_flush(j->resolver))
		return;
	do {
		if (!channel_recv(j->resolver, &kind, &record))
			return;
		if (kind == CH_PROOF || kind == CH_PROVED)
			channel_send(j->output, kind, record, (struct bytes){ 0 });
		else if (kind == CH_NOTE)
			note(j, record.n && record.p[0] == 'i' ? "i" : "e", bytes_skip(record, 1));
	} while (kind != CH_PROVED);
}

static void judge_alerts(struct judge *j, const struct finding *findings, size_t n)
{
	bool sent = j->exhibit_n == 0;
	for (size_t i = 0; i < n; i++) {
		if (findings[i].level < level_low)
			continue;
		if (!sent)
			send_exhibit(j);
		sent = true;
		record_init(&j->alert);
		alert_make(j->run->rules, &j->session, &findings[i], &j->alert);
		event_alert(&j->alert);
		emit(j, &j->alert);
		j->alerts++;
	}
}

/* The session in j->session, with its chain and the proof of its key: the whole judgement. */
static void judge_session(struct judge *j, struct bytes chain, struct bytes proof)
{
	struct finding findings[RULE_FINDINGS];
	struct question q;
	j->fault = resolverfault_none;
	site_judge(&j->run->site, &j->session);
	if (j->run->claim)
		claim_site(j->run->claim, &j->session);
	expectation_start(&j->expectation, &j->session);
	j->nasked = 0;
	do {
		while (j->resolver && expectation_next(&j->expectation, &q)) {
			if (j->nasked < EXPECT_QUESTIONS)
				j->asked[j->nasked++] = q;
			ask(j, &q);
			expectation_answer(&j->expectation, &j->answer);
		}
	} while (expectation_again(&j->expectation, j->dane, &j->session, chain));
	expectation_finish(&j->expectation, j->dane, &j->session, chain);
	peer_judge(j->run->peer, &j->session, chain, proof);
	outcome_judge(&j->session);
	gate_judge(&j->session);
	if (record_get_num(&j->session, F_dane_source, -1) == dnssource_live)
		record_num(&j->session, F_resolver_fault, j->fault);
	j->worst = j->fault > j->worst ? j->fault : j->worst;
	if (j->run->pipeline.dns)
		record_tri(&j->session, F_cap_dns_visible,
			   record_get_num(&j->stats, F_st_dns, 0) ? TRI_YES : TRI_NO);
	size_t n = rules_judge(j->run->rules, j->scratch, &j->session, findings, RULE_FINDINGS);
	event_session(&j->session);
	emit(j, &j->session);
	judge_alerts(j, findings, n);
	j->sessions++;
	j->tls += record_get_tri(&j->session, F_tls_established) == TRI_YES;
	j->certificates += record_get_num(&j->session, F_tls_cert_vis, 0) == visibility_visible;
	j->incomplete += record_get_num(&j->session, F_dane_verdict, -1) == daneverdict_incomplete;
	int64_t end = record_get_num(&j->session, F_event_end, 0);
	j->last = end > j->last ? end : j->last;
}

/* What stands behind the record: its length, the chain, and a proof or nothing. */
static bool unpack_behind(struct judge *j, struct bytes in, struct bytes *chain, struct bytes *proof)
{
	uint32_t n;
	struct key_proof fields;
	if (in.n < sizeof(n) || in.n > sizeof(j->behind))
		return false;
	memcpy(&n, in.p, sizeof(n));
	in = bytes_skip(in, sizeof(n));
	if (n > in.n)
		return false;
	if (in.n)
		memcpy(j->behind, in.p, in.n);
	*chain = (struct bytes){ j->behind, n };
	*proof = (struct bytes){ j->behind + n, in.n - n };
	return proof->n == 0 || (n && key_proof_read(*proof, &fields));
}

/* A CH_SESSION record into j->session and j->behind, checked. */
static bool unpack(struct judge *j, struct bytes record, struct bytes *chain, struct bytes *proof)
{
	const size_t head = offsetof(struct record, text);
	if (record.n < head)
		return false;
	memcpy(&j->session, record.p, head);
	size_t n = record_size(&j->session);
	if (j->session.used > RECORD_TEXT || n > record.n)
		return false;
	memcpy(j->session.text, record.p + head, n - head);
	return record_check(&j->session, n) && unpack_behind(j, bytes_skip(record, n), chain, proof);
}

static void session(struct judge *j, struct bytes record)
{
	struct bytes chain, proof;
	if (unpack(j, record, &chain, &proof))
		judge_session(j, chain, proof);
	else
		j->refused++;
	j->exhibit_n = 0;
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
	size_t n = rules_judge_stats(j->run->rules, j->scratch, &j->stats, findings, RULE_FINDINGS);
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
	record_tri(s, F_st_complete, j->reason[0] ? TRI_NO : TRI_YES);
	if (j->reason[0])
		record_cstr(s, F_st_reason, j->reason);
	record_num(s, F_st_sessions, (int64_t)j->sessions);
	record_num(s, F_st_tls, (int64_t)j->tls);
	record_num(s, F_st_cert, (int64_t)j->certificates);
	record_num(s, F_st_incomplete, (int64_t)j->incomplete);
	if (j->worst != resolverfault_none)
		record_num(s, F_resolver_fault, j->worst);
	stats_alerts(j);
	record_num(s, F_st_alerts, (int64_t)j->alerts);
	record_num(s, F_st_refused, (int64_t)j->refused);
	event_stats(s, j->last);
	emit(j, s);
	channel_send(j->output, CH_END, (struct bytes){ 0 }, (struct bytes){ 0 });
}

int proc_judge(const struct run *run, struct channel *capture, struct channel *resolver, struct channel *output)
{
	struct judge *j = calloc(1, sizeof(*j));
	if (!j)
		return 2;
	j->run = run;
	j->capture = capture;
	j->resolver = resolver;
	j->output = output;
	j->dane = dane_init();
	j->scratch = rule_scratch_new(run->rules);
	j->wait = resolver ? malloc(WAIT_MEMORY) : NULL;
	record_init(&j->stats);
	if (!j->dane || !j->scratch || (resolver && !j->wait)) {
		note(j, "e", bytes_of("judge: no memory"));
		return 2;
	}
	receive(j);
	if (resolver)
		release_all(j);
	last_word(j);
	bool sent = channel_flush(output);
	free(j->wait);
	rule_scratch_free(j->scratch);
	dane_free(j->dane);
	free(j);
	return sent ? 0 : 2;
}
