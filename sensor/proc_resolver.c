/* proc_resolver: question to answer. Stores the DNS messages of the capture until it has all, then serves the judge.
 * The only process that runs libunbound; it holds no packets and no rules. */
#include "run.h"

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

static bool serve_one(struct resolver *r, struct channel *judge, struct bytes record)
{
	static struct question q;
	static struct answer a;
	if (record.n > sizeof(q))
		return true;
	memcpy(&q, record.p, record.n);
	if (!question_check(&q, record.n))
		return true;
	resolver_ask(r, &q, &a);
	return channel_send(judge, CH_ANSWER, (struct bytes){ (const uint8_t *)&a, answer_size(&a) }, (struct bytes){ 0 }) &&
	       (channel_ready(judge) || channel_flush(judge));
}

int proc_resolver(const struct run *run, struct channel *capture, struct channel *judge)
{
	struct error e;
	enum channel_kind kind;
	struct bytes record;
	struct resolver *r = resolver_new(&run->resolver, &e);
	if (!r) {
		channel_send(judge, CH_NOTE, bytes_of("e"), bytes_of(e.text));
		channel_flush(judge);
		return 1;
	}
	collect(r, capture);
	resolver_seal(r);
	while (channel_recv(judge, &kind, &record) && kind == CH_QUESTION)
		if (!serve_one(r, judge, record))
			break;
	resolver_free(r);
	return 0;
}
