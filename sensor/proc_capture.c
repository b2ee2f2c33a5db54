/* proc_capture: source to pipeline to session. The only process that parses packets, and it can do nothing else:
 * after sandbox_capture it has its input, two channels, and memory. */
#include "run.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "harvest.h"

enum { DNS_FLOWS = 4096, DNS_BUDGET = 8 << 20, PROGRESS_PACKETS = 20000 };

struct capture {
	const struct run *run;
	struct channel *judge, *resolver;
	struct pipeline *pipeline;
	struct classify *classify;
	uint64_t packets, octets, sessions;
	int64_t last; /* ns, of the latest packet */
	EVP_MD *sha256;
	bool gone;   /* who should read us is not there any more */
	uint8_t behind[HARVEST_BEHIND];
};

static bool note(struct channel *c, char kind, const char *text)
{
	return channel_send(c, CH_NOTE, (struct bytes){ (const uint8_t *)&kind, 1 }, bytes_of(text));
}

static void send_session(struct capture *c, const struct pipeline_out *out)
{
	struct bytes record = { (const uint8_t *)out->session, record_size(out->session) };
	c->sessions++;
	if (out->exhibit.n && !channel_send(c->judge, CH_EXHIBIT, out->exhibit, (struct bytes){ 0 }))
		c->gone = true;
	if (!channel_send(c->judge, CH_SESSION, record, harvest_behind(out, c->behind)))
		c->gone = true;
}

static void send_dns(struct capture *c, const struct dns_message *m, bool other)
{
	uint8_t head[DNS_MESSAGE_HEAD];
	struct dns_message mine = *m;
	mine.other = other;
	dns_message_head(&mine, head);
	/* without a resolver there is nobody to tell; the judge will notice, and sessions still count */
	if (c->resolver && !channel_send(c->resolver, CH_DNS, (struct bytes){ head, sizeof(head) }, m->octets))
		c->resolver = NULL;
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
			harvest_answer(c->pipeline, c->classify, &out.look);
			break;
		case PIPELINE_QUIET: /* not asked for: in a file nothing is left out */
		case PIPELINE_COUNT:
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

/* Evidence says what its decisive packets were: are they still? */
static void check_packet(struct capture *c, const struct packet *packet)
{
	struct bytes octets;
	const uint8_t *sha256;
	uint8_t now[EVP_MAX_MD_SIZE];
	char text[80];
	if (!source_witnessed(c->run->source, &octets, &sha256))
		return;
	if (EVP_Digest(octets.p, octets.n, now, NULL, c->sha256, NULL) && memcmp(now, sha256, 32) == 0)
		return;
	snprintf(text, sizeof(text), "packet %llu is not what was written", (unsigned long long)packet->number);
	note(c->judge, 'e', text);
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
		c->last = packet.ts > c->last ? packet.ts : c->last;
		c->octets += packet.data.n;
		if (c->run->claim)
			check_packet(c, &packet);
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
	harvest_stats(c->pipeline, c->packets, c->octets, &stats);
	if (c->last)
		record_num(&stats, F_st_last_packet, c->last);
	channel_send(c->judge, CH_STATS, (struct bytes){ (const uint8_t *)&stats, record_size(&stats) },
		     (struct bytes){ 0 });
}

int proc_capture(const struct run *run, struct channel *judge, struct channel *resolver)
{
	struct error e;
	struct capture c = { .run = run, .judge = judge, .resolver = resolver };
	c.pipeline = pipeline_new(&run->pipeline);
	c.classify = classify_new();
	c.sha256 = run->claim ? EVP_MD_fetch(NULL, "SHA256", NULL) : NULL; /* nothing can be fetched in the sandbox */
	if (!c.pipeline || (run->claim && !c.sha256)) {
		note(judge, 'e', "capture: no memory for the flow table");
	} else if (!sandbox_capture(&run->user, SANDBOX_FILE, &e)) {
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
	EVP_MD_free(c.sha256);
	return !channel_flush(judge) || c.gone;
}
