/* proc_resolver: question to answer. Stores the DNS messages of the capture until it has all, then serves the judge:
 * many questions at once, answers as they become known, so that a zone that is slow delays nobody else's. The only
 * process that runs libunbound; it holds no packets and no rules. */
#include "run.h"

#include <poll.h>
#include <unbound.h>

/* open: questions whose answer was not sent yet. */
struct serving {
	struct resolver *resolver;
	struct channel *judge;
	unsigned open;
	enum resolverfault fault;
	struct question question;
	struct answer answer;
};

static bool store(struct resolver *r, struct bytes record)
{
	struct dns_message m;
	if (record.n < CHANNEL_DNS_HEAD)
		return false;
	memcpy(&m.ts, record.p, 8);
	memcpy(&m.frame, record.p + 8, 8);
	m.tcp = record.p[16] & 1;
	m.other = record.p[16] >> 1 & 1;
	memcpy(&m.client_port, record.p + 17, 2);
	memcpy(&m.client, record.p + 19, sizeof(m.client));
	memcpy(&m.server, record.p + 19 + sizeof(m.client), sizeof(m.server));
	m.octets = bytes_skip(record, CHANNEL_DNS_HEAD);
	return resolver_store(r, &m);
}

static void collect(struct resolver *r, struct channel *capture)
{
	enum channel_kind kind;
	struct bytes record;
	while (channel_recv(capture, &kind, &record) && kind != CH_END)
		if (kind == CH_DNS)
			store(r, record);
}

static bool room(const struct serving *s)
{
	return s->open < RESOLVER_OUTSTANDING;
}

/* Questions that are here already. false: the judge is gone, or sent what it must not. */
static bool take_questions(struct serving *s)
{
	enum channel_kind kind;
	struct bytes record;
	while (room(s) && channel_ready(s->judge)) {
		if (!channel_recv(s->judge, &kind, &record) || kind != CH_QUESTION)
			return false;
		if (record.n != sizeof(s->question))
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

/* Waits for a question or for the network. false: the judge is gone. */
static bool wait_for_work(struct serving *s)
{
	struct pollfd p[] = { { .fd = room(s) ? channel_fd(s->judge) : -1, .events = POLLIN },
			      { .fd = resolver_fd(s->resolver), .events = POLLIN } };
	if (room(s) && channel_ready(s->judge))
		return true;
	return poll(p, 2, -1) < 0 || !p[0].revents || channel_fill(s->judge);
}

static void serve(struct serving *s)
{
	while (take_questions(s) && send_answers(s) && tell_fault(s) && channel_flush(s->judge) && wait_for_work(s))
		;
}

/* libunbound and OpenSSL read their files when they are used first; the sandbox comes after that. */
static void warm_up(void)
{
	ub_ctx_delete(ub_ctx_create());
}

static bool begin(struct serving *s, const struct run *run, int forwarder, struct error *e)
{
	struct resolver_config config = run->resolver;
	bool alone;
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

int proc_resolver(const struct run *run, struct channel *capture, struct channel *judge, int forwarder)
{
	static struct serving serving;
	struct error e;
	serving.judge = judge;
	if (!begin(&serving, run, forwarder, &e)) {
		channel_send(judge, CH_NOTE, bytes_of("e"), bytes_of(e.text));
		channel_flush(judge);
		return 1;
	}
	collect(serving.resolver, capture);
	resolver_seal(serving.resolver);
	serve(&serving);
	resolver_free(serving.resolver);
	return 0;
}
