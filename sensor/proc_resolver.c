/* proc_resolver: question to answer. Stores the DNS messages of the capture until it has all, then serves the judge:
 * many questions at once, answers as they become known, so that a zone that is slow delays nobody else's. The only
 * process that runs libunbound; it holds no packets and no rules. */
#include "run.h"

#include <poll.h>
#include <sys/resource.h>

enum { DESCRIPTORS = 4096 };

/* open: questions whose answer was not sent yet. */
struct serving {
	struct resolver *resolver;
	struct channel *judge;
	struct dns_proof *proof;
	unsigned open;
	enum resolverfault fault;
	struct question question;
	struct answer answer;
};

static bool store(struct resolver *r, struct bytes record)
{
	struct dns_message m;
	return dns_message_read(record, &m) && resolver_store(r, &m);
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
	while (room(s) && channel_ready(s->judge)) {
		if (!channel_recv(s->judge, &kind, &record) || (kind != CH_QUESTION && kind != CH_PROVE))
			return false;
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

/* Each open question has a socket here and one in libunbound: the usual 1024 descriptors may not do. */
static void raise_limit(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur >= DESCRIPTORS)
		return;
	l.rlim_cur = l.rlim_max < DESCRIPTORS ? l.rlim_max : DESCRIPTORS;
	setrlimit(RLIMIT_NOFILE, &l);
}

int proc_resolver(const struct run *run, struct channel *capture, struct channel *judge)
{
	static struct serving serving;
	struct error e = { "no memory for DNS proofs" };
	raise_limit();
	serving.judge = judge;
	serving.proof = dns_proof_new();
	serving.resolver = serving.proof ? resolver_new(&run->resolver, &e) : NULL;
	if (!serving.resolver) {
		channel_send(judge, CH_NOTE, bytes_of("e"), bytes_of(e.text));
		channel_flush(judge);
		return 1;
	}
	collect(serving.resolver, capture);
	resolver_seal(serving.resolver);
	serve(&serving);
	resolver_free(serving.resolver);
	dns_proof_free(serving.proof);
	return 0;
}
