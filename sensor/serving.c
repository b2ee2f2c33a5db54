/* serving: see serving.h. The only place that runs libunbound; it holds no packets and no rules. */
#include "serving.h"

#include <unbound.h>

bool serving_room(const struct serving *s)
{
	return s->open < RESOLVER_OUTSTANDING && resolver_room(s->resolver);
}

bool serving_ready(const struct serving *s)
{
	return !channel_pending(s->judge) && (s->proving || s->held || (serving_room(s) && channel_ready(s->judge)));
}

struct pollfd serving_poll(const struct serving *s)
{
	const bool behind = channel_pending(s->judge);
	return (struct pollfd){ .fd = behind || serving_room(s) ? channel_fd(s->judge) : -1, .events = behind ? POLLOUT : POLLIN };
}

/* The messages behind the answers to these questions are gathered; send_proof sends them. */
static void prove(struct serving *s, struct bytes record)
{
	static struct question q[RESOLVER_PROVE];
	size_t n = record.n / sizeof(q[0]);
	bool whole = record.n % sizeof(q[0]) == 0 && n <= RESOLVER_PROVE;
	for (size_t i = 0; whole && i < n; i++) {
		memcpy(&q[i], record.p + i * sizeof(q[0]), sizeof(q[0]));
		whole = question_check(&q[i], sizeof(q[i]));
	}
	dns_proof_clear(s->proof);
	s->whole = whole && resolver_prove(s->resolver, q, n, s->proof);
	s->proving = true;
	s->proved = 0;
}

/* As much of the proof as the judge takes now. */
static enum channel_room send_proof(struct serving *s)
{
	struct dns_message m;
	struct bytes text;
	enum channel_room room = CHANNEL_SENT;
	while (s->proving && room == CHANNEL_SENT) {
		if (dns_proof_get(s->proof, s->proved, &m, &text)) {
			uint8_t head[1 + UINT8_MAX + DNS_MESSAGE_HEAD];
			text = bytes_head(text, UINT8_MAX);
			head[0] = (uint8_t)text.n;
			memcpy(head + 1, text.p, text.n);
			dns_message_head(&m, head + 1 + text.n);
			room = channel_offer(s->judge, CH_PROOF, (struct bytes){ head, 1 + text.n + DNS_MESSAGE_HEAD }, m.octets);
			s->proved += room == CHANNEL_SENT;
		} else {
			room = channel_offer(s->judge, CH_PROVED, bytes_of(s->whole ? "" : "more"), (struct bytes){ 0 });
			s->proving = room != CHANNEL_SENT;
		}
	}
	return room;
}

/* Questions that are here already. GONE: it sent what it must not. */
static enum channel_room take_questions(struct serving *s)
{
	enum channel_room room = CHANNEL_SENT;
	enum channel_kind kind;
	struct bytes record;
	while (room == CHANNEL_SENT && serving_room(s) && channel_ready(s->judge)) {
		if (!channel_recv(s->judge, &kind, &record) || (kind != CH_QUESTION && kind != CH_PROVE && kind != CH_HELLO))
			return CHANNEL_GONE;
		if (kind == CH_HELLO) {
			resolver_drop(s->resolver);
			s->open = 0;
			s->held = false;
		}
		if (kind == CH_PROVE) {
			prove(s, record);
			room = send_proof(s);
		}
		if (kind != CH_QUESTION || record.n != sizeof(s->question))
			continue;
		memcpy(&s->question, record.p, record.n);
		if (question_check(&s->question, record.n) && resolver_submit(s->resolver, &s->question))
			s->open++;
	}
	return room;
}

/* One line when something of our own seems to be wrong, and one when it is over: no flood. */
static enum channel_room tell_fault(struct serving *s)
{
	char text[256];
	enum resolverfault fault = resolver_fault(s->resolver, text, sizeof(text));
	if (fault == s->fault)
		return CHANNEL_SENT;
	enum channel_room room = channel_offer(s->judge, CH_NOTE, bytes_of(fault == resolverfault_none ? "i" : "e"), bytes_of(text));
	s->fault = room == CHANNEL_SENT ? fault : s->fault;
	return room;
}

static enum channel_room send_answers(struct serving *s)
{
	const struct answer *a = &s->answer;
	enum channel_room room = CHANNEL_SENT;
	while (room == CHANNEL_SENT && (s->held || (s->held = resolver_next(s->resolver, &s->answer)))) {
		room = tell_fault(s); /* the line first: behind the last answer nobody may listen any more */
		if (room == CHANNEL_SENT)
			room = channel_offer(s->judge, CH_ANSWER, (struct bytes){ (const uint8_t *)a, answer_size(a) }, (struct bytes){ 0 });
		s->held = room != CHANNEL_SENT;
		s->open -= room == CHANNEL_SENT;
	}
	return room;
}

bool serving_work(struct serving *s)
{
	enum channel_room room = channel_push(s->judge);
	if (room == CHANNEL_SENT)
		room = send_proof(s);
	if (room == CHANNEL_SENT)
		room = take_questions(s);
	if (room == CHANNEL_SENT)
		room = send_answers(s);
	if (room == CHANNEL_SENT)
		room = tell_fault(s);
	return room != CHANNEL_GONE && channel_push(s->judge) != CHANNEL_GONE;
}

bool serving_store(struct serving *s, struct bytes record)
{
	struct dns_message m;
	return dns_message_read(record, &m) && resolver_store(s->resolver, &m);
}

void serving_gap(struct serving *s)
{
	resolver_gap(s->resolver);
}

/* libunbound and OpenSSL read their files when they are used first; the sandbox comes after that. */
static void warm_up(void)
{
	ub_ctx_delete(ub_ctx_create());
}

bool serving_begin(struct serving *s, const struct run *run, struct channel *judge, int forwarder, struct error *e)
{
	struct resolver_config config = run->resolver;
	bool alone;
	s->judge = judge;
	s->proof = dns_proof_new();
	if (!s->proof)
		return error_set(e, "no memory for DNS proofs");
	config.outside = forwarder + 1;
	warm_up();
	if (!sandbox_resolver(&run->user, &alone, e))
		return false;
	if (!alone && run->verbose)
		channel_send(s->judge, CH_NOTE, bytes_of("i"), bytes_of("the resolver process has no network namespace of its "
			     "own here: the system refuses one"));
	s->resolver = resolver_new(&config, e);
	return s->resolver;
}

void serving_end(struct serving *s)
{
	resolver_free(s->resolver);
	dns_proof_free(s->proof);
}
