/* proc_resolver: stores the DNS messages of the capture until it has all, then serves the judge, so that a zone that is slow
 * delays nobody else's. */
#include "run.h"

#include "serving.h"

static void collect(struct serving *s, struct channel *capture)
{
	enum channel_kind kind;
	struct bytes record;
	while (channel_recv(capture, &kind, &record) && kind != CH_END)
		if (kind == CH_DNS)
			serving_store(s, record);
}

/* Waits for a question, for room for an answer, or for the network. false: the judge is gone. */
static bool wait_for_work(struct serving *s)
{
	struct pollfd p[] = { serving_poll(s), { .fd = resolver_fd(s->resolver), .events = POLLIN } };
	if (serving_ready(s))
		return true;
	return poll(p, 2, -1) < 0 || !(p[0].revents & ~POLLOUT) || channel_fill(s->judge);
}

int proc_resolver(const struct run *run, struct channel *capture, struct channel *judge, int forwarder)
{
	static struct serving serving;
	struct error e;
	if (!serving_begin(&serving, run, judge, forwarder, &e)) {
		channel_send(judge, CH_NOTE, bytes_of("e"), bytes_of(e.text));
		channel_flush(judge);
		return 1;
	}
	collect(&serving, capture);
	resolver_seal(serving.resolver);
	while (serving_work(&serving) && wait_for_work(&serving))
		;
	serving_end(&serving);
	return 0;
}
