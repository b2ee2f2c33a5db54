/* serving: see serving.h. The only place that runs libunbound; it holds no packets and no rules. */
#include "serving.h"

#include <unbound.h>

bool serving_room(const struct serving *s)
{
	return s->open < RESOLVER_OUTSTANDING && resolver_room(s->resolver);
}

/* The messages behind the answers to these questions. */
static bool prove(struct serving *s, struct bytes record)
{
	static struct question q[RESOLVER_PROVE];
	struct dns_message m;
	struct bytes text;
	size_t n = record.n / sizeof(q[0]);
	bool whole = record.n % sizeof(q[0]) == 0 && n <= RESOLVER_PROVE;
	for (size_t i = 0; whole && i < n; i++) {
		memcpy(&q[i], record.p + i * sizeof(q[0]), sizeof(q[0]));
		whole = question_check(&q[i], sizeof(q[i]));
	}
	whole = whole && resolver_prove(s->resolver, q, n, s->proof);
	for (size_t i = 0; dns_proof_get(s->proof, i, &m, &text); i++) {
		uint8_t head[1 + UINT8_MAX + DNS_MESSAGE_HEAD];
		text = bytes_head(text, UINT8_MAX);
		head[0] = (uint8_t)text.n;
		memcpy(head + 1, text.p, text.n);
		dns_message_head(&m, head + 1 + text.n);
		if (!channel_send(s->judge, CH_PROOF, (struct bytes){ head, 1 + text.n + DNS_MESSAGE_HEAD }, m.octets))
			return false;
	}
	dns_proof_clear(s->proof);
	return channel_send(s->judge, CH_PROVED, bytes_of(whole ? "" : "more"), (struct bytes){ 0 }) && channel_flush(s->judge);
}

/* Questions that are here already. false: the judge is gone, or sent what it must not. */
static bool take_questions(struct serving *s)
{
	enum channel_kind kind;
	struct bytes record;
	while (serving_room(s) && channel_ready(s->judge)) {
		if (!channel_recv(s->judge, &kind, &record) || (kind != CH_QUESTION && kind != CH_PROVE && kind != CH_HELLO))
			return false;
		if (kind == CH_HELLO) {
			resolver_drop(s->resolver);
			s->open = 0;
		}
		if (kind == CH_PROVE && !prove(s, record))
			return false;
		if (kind != CH_QUESTION || record.n != sizeof(s->question))
			continue;
		memcpy(&s->question, record.p, record.n);
		if (question_check(&s->question, record.n) && resolver_submit(s->resolver, &s->question))
			s->open++;
	}
	return true;
}

/* One line when something of our own seems to be wrong, and one when it is over: no flood. */
static bool tell_fault(struct serving *s)
{
	char text[256];
	enum resolverfault fault = resolver_fault(s->resolver, text, sizeof(text));
	if (fault == s->fault)
		return true;
	s->fault = fault;
	return channel_send(s->judge, CH_NOTE, bytes_of(fault == resolverfault_none ? "i" : "e"), bytes_of(text));
}

static bool send_answers(struct serving *s)
{
	const struct answer *a = &s->answer;
	while (resolver_next(s->resolver, &s->answer)) {
		s->open--;
		/* the line first: behind the last answer nobody may listen any more */
		if (!tell_fault(s) || !channel_send(s->judge, CH_ANSWER, (struct bytes){ (const uint8_t *)a, answer_size(a) },
						       (struct bytes){ 0 }))
			return false;
	}
	return true;
}

bool serving_work(struct serving *s)
{
	return take_questions(s) && send_answers(s) && tell_fault(s) && channel_flush(s->judge);
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
