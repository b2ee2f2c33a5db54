/* proc_capture: source to pipeline to session. The only process that parses packets, and it can do nothing else:
 * after sandbox_capture it has its input, two channels, and memory. */
#include "run.h"

#include <assert.h>

#include "classify.h"
#include "key_proof.h"
#include "sandbox.h"
#include "wire/tls.h"

/* BEHIND_MAX: octets that follow the record of a session: length of the chain, chain, proof. */
enum { DNS_FLOWS = 4096, DNS_BUDGET = 8 << 20, PROGRESS_PACKETS = 20000, BEHIND_MAX = 4 + TLS_MESSAGE_MAX + KEY_PROOF_MAX };

struct capture {
	const struct run *run;
	struct channel *judge, *resolver;
	struct pipeline *pipeline;
	struct classify *classify;
	uint64_t packets, octets, sessions;
	bool gone;   /* who should read us is not there any more */
	uint8_t behind[BEHIND_MAX];
};

static bool note(struct channel *c, char kind, const char *text)
{
	return channel_send(c, CH_NOTE, (struct bytes){ (const uint8_t *)&kind, 1 }, bytes_of(text));
}

static size_t put(uint8_t *to, struct bytes b)
{
	if (b.n)
		memcpy(to, b.p, b.n);
	return b.n;
}

static void send_session(struct capture *c, const struct pipeline_out *out)
{
	struct bytes record = { (const uint8_t *)out->session, record_size(out->session) };
	assert(out->chain.n <= TLS_MESSAGE_MAX && out->proof.n <= KEY_PROOF_MAX);
	uint32_t n = (uint32_t)out->chain.n;
	size_t at = sizeof(n);
	memcpy(c->behind, &n, sizeof(n));
	at += put(c->behind + at, out->chain);
	at += put(c->behind + at, out->proof);
	c->sessions++;
	if (!channel_send(c->judge, CH_SESSION, record, (struct bytes){ c->behind, at }))
		c->gone = true;
}

static void send_dns(struct capture *c, const struct dns_message *m, bool other)
{
	uint8_t head[CHANNEL_DNS_HEAD];
	memcpy(head, &m->ts, 8);
	memcpy(head + 8, &m->frame, 8);
	head[16] = (uint8_t)(m->tcp | other << 1);
	memcpy(head + 17, &m->client_port, 2);
	memcpy(head + 19, &m->client, sizeof(m->client));
	memcpy(head + 19 + sizeof(m->client), &m->server, sizeof(m->server));
	/* without a resolver there is nobody to tell; the judge will notice, and sessions still count */
	if (c->resolver && !channel_send(c->resolver, CH_DNS, (struct bytes){ head, sizeof(head) }, m->octets))
		c->resolver = NULL;
}

/* Without a classifier there is no answer. */
static void classify(struct capture *c, const struct pipeline_look *look)
{
	uint8_t name[PIPELINE_NAME_MAX];
	if (c->classify)
		pipeline_classified(c->pipeline, (struct bytes){ name, classify_name(c->classify, look, name) });
}

static void drain(struct capture *c)
{
	struct pipeline_out out;
	enum pipeline_item item;
	while ((item = pipeline_next(c->pipeline, &out)) != PIPELINE_NONE) {
		switch (item) {
		case PIPELINE_SESSION:
			send_session(c, &out);
			break;
		case PIPELINE_DNS:
			send_dns(c, &out.dns, false);
			break;
		case PIPELINE_LOOK:
			classify(c, &out.look);
			break;
		case PIPELINE_NONE:
			break;
		}
	}
}

static void send_progress(struct capture *c)
{
	struct progress p = { .sessions = c->sessions };
	source_progress(c->run->source, &p.done, &p.total);
	channel_send(c->judge, CH_PROGRESS, (struct bytes){ (const uint8_t *)&p, sizeof(p) }, (struct bytes){ 0 });
	if (!channel_flush(c->judge))
		c->gone = true;
}

static void read_all(struct capture *c)
{
	struct packet packet;
	enum source_result result;
	while (!c->gone && (result = source_next(c->run->source, &packet)) != SOURCE_END) {
		if (result == SOURCE_DAMAGED) {
			note(c->judge, 'e', source_error(c->run->source));
			continue;
		}
		c->packets++;
		c->octets += packet.data.n;
		pipeline_push(c->pipeline, &packet);
		drain(c);
		if (c->run->progress && c->packets % PROGRESS_PACKETS == 0)
			send_progress(c);
	}
	pipeline_finish(c->pipeline);
	drain(c);
}

/* The DNS of other captures, before the first packet of this one. Their sessions are none of ours; what cannot be read
 * of them makes the run incomplete. */
static bool read_dns(struct capture *c)
{
	struct pipeline_config config = { .nports = 0, .flows = DNS_FLOWS, .dialogues = 1, .budget = DNS_BUDGET, .dns = true };
	struct pipeline_out out;
	enum pipeline_item item;
	struct packet packet;
	enum source_result result;
	memcpy(config.key, c->run->pipeline.key, sizeof(config.key));
	memcpy(config.dns_port, c->run->pipeline.dns_port, sizeof(config.dns_port));
	config.ndns = c->run->pipeline.ndns;
	struct pipeline *p = pipeline_new(&config);
	while (p && (result = source_next(c->run->dns_source, &packet)) != SOURCE_END) {
		if (result == SOURCE_DAMAGED) {
			note(c->judge, 'e', source_error(c->run->dns_source));
			continue;
		}
		pipeline_push(p, &packet);
		while ((item = pipeline_next(p, &out)) != PIPELINE_NONE)
			if (item == PIPELINE_DNS)
				send_dns(c, &out.dns, true);
	}
	pipeline_free(p);
	return p != NULL;
}

static void send_stats(struct capture *c)
{
	static struct record stats;
	record_init(&stats);
	record_num(&stats, F_st_packets, (int64_t)c->packets);
	record_num(&stats, F_st_octets, (int64_t)c->octets);
	record_cstr(&stats, F_st_classifier, classify_library() ? classify_library() : "off (built without nDPI)");
	pipeline_stats(c->pipeline, &stats);
	channel_send(c->judge, CH_STATS, (struct bytes){ (const uint8_t *)&stats, record_size(&stats) },
		     (struct bytes){ 0 });
}

int proc_capture(const struct run *run, struct channel *judge, struct channel *resolver)
{
	struct error e;
	struct capture c = { .run = run, .judge = judge, .resolver = resolver };
	c.pipeline = pipeline_new(&run->pipeline);
	c.classify = classify_new();
	if (!c.pipeline) {
		note(judge, 'e', "capture: no memory for the flow table");
	} else if (!sandbox_capture(&e)) {
		note(judge, 'e', e.text);
	} else if (run->dns_source && !read_dns(&c)) {
		note(judge, 'e', "capture: no memory to read the DNS of other captures");
	} else {
		read_all(&c);
		send_stats(&c);
		channel_send(judge, CH_END, (struct bytes){ 0 }, (struct bytes){ 0 });
	}
	if (c.resolver && channel_send(c.resolver, CH_END, (struct bytes){ 0 }, (struct bytes){ 0 }))
		channel_flush(c.resolver);
	return !channel_flush(judge) || c.gone;
}
