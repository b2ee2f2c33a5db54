/* watch_capture: packets of interfaces to sessions, one process for each worker. It has its rings, its channels, and nothing
 * else. A wire does not wait: what the judge does not take in time waits in the outbox, and what finds no room there is
 * counted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harvest.h"
#include "log.h"
#include "outbox.h"
#include "shed.h"
#include "watch.h"

/* OUTBOX: octets of sessions that the judge has not judged yet       STEP: packets between two looks at the channels, if they never wait
 * LATE:   a packet may be so much older than the clock (ns), so that time is told with that much behind
 * END_MS: at the end the judge has so long to take what is there
 * LOOK_MS: between two looks at how the load is */
enum { OUTBOX = 16 << 20, STEP = 64, WAIT_MS = 100, SECOND_MS = 1000, END_MS = 15000, LOOK_MS = 100 };
#define LATE INT64_C(3000000000)

struct capture {
	struct watch *watch;
	unsigned job, worker;
	struct pipeline *pipeline;
	struct classify *classify;
	struct channel *judge, *resolver;
	struct outbox *outbox;
	uint64_t packets, octets, sessions_lost, dns_lost, dropped, shunted, shunted_octets;
	struct live_count before[LIVE_IFACES]; /* what the workers before this one had counted */
	bool gap;                       /* DNS messages were lost, and the resolver does not know it yet */
	int64_t second;                 /* ms, when the next second's work is due */
	int64_t newest;                 /* time of the packet that came last, ns */
	struct shed shed;
	int64_t looked, idle;           /* ms, of the last look at the load; waited for packets since then */
	uint8_t behind[HARVEST_BEHIND];
};

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t ns_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void take_session(struct capture *c, const struct pipeline_out *out)
{
	struct bytes record = { (const uint8_t *)out->session, record_size(out->session) };
	struct bytes behind = harvest_behind(out, c->behind);
	if (!outbox_room(c->outbox, OUTBOX_HEAD + record.n + behind.n)) {
		c->sessions_lost++;
		return;
	}
	if (out->exhibit.n && outbox_room(c->outbox, 2 * OUTBOX_HEAD + out->exhibit.n + record.n + behind.n))
		outbox_put(c->outbox, CH_EXHIBIT, out->exhibit, (struct bytes){ 0 });
	outbox_put(c->outbox, CH_SESSION, record, behind);
}

static void take_dns(struct capture *c, const struct dns_message *m)
{
	uint8_t head[DNS_MESSAGE_HEAD];
	dns_message_head(m, head);
	if (c->resolver && channel_offer(c->resolver, CH_DNS, (struct bytes){ head, sizeof(head) }, m->octets) != CHANNEL_SENT) {
		c->dns_lost++;
		c->gap = true;
	}
}

/* What was lost may have been an answer: the resolver must not take its question for one that was asked in vain. */
static void tell_gap(struct capture *c, uint64_t dropped)
{
	c->gap = c->gap || dropped != c->dropped;
	c->dropped = dropped;
	if (c->gap && c->resolver)
		c->gap = channel_offer(c->resolver, CH_NOTE, (struct bytes){ 0 }, (struct bytes){ 0 }) != CHANNEL_SENT;
}

static void count_quiet(struct capture *c, const struct pipeline_out *out)
{
	struct quiet_count count = { 0 };
	if (c->watch->shunt)
		shunt_read(c->watch->shunt, &out->quiet, &count);
	pipeline_counted(c->pipeline, &count);
	for (int dir = 0; out->quiet_ends && dir < 2; dir++) {
		c->shunted += count.packets[dir];
		c->shunted_octets += count.octets[dir];
	}
	if (c->watch->shunt && out->quiet_ends)
		shunt_end(c->watch->shunt, &out->quiet);
}

static void drain(struct capture *c)
{
	struct pipeline_out out;
	enum pipeline_item item;
	while ((item = pipeline_next(c->pipeline, &out)) != PIPELINE_NONE) {
		switch (item) {
		case PIPELINE_SESSION:
			take_session(c, &out);
			break;
		case PIPELINE_DNS:
			take_dns(c, &out.dns);
			break;
		case PIPELINE_QUIET:
			if (c->watch->shunt)
				shunt_add(c->watch->shunt, &out.quiet);
			break;
		case PIPELINE_COUNT:
			count_quiet(c, &out);
			break;
		case PIPELINE_LOOK:
			harvest_answer(c->pipeline, c->classify, &out.look);
			break;
		case PIPELINE_NONE:
			break;
		}
	}
}

/* Of its interfaces, as columns: since this process began, as all of its numbers. Returns what the kernel dropped, ever. */
static uint64_t count_interfaces(struct capture *c, struct record *s)
{
	struct live_count n[LIVE_IFACES];
	const struct live_count *before = c->before;
	const size_t ifaces = c->watch->ifaces;
	uint64_t dropped = 0;
	for (size_t i = 0; i < ifaces; i++) {
		source_live_count(c->watch->source, c->worker, i, &n[i]);
		dropped += n[i].dropped;
	}
	for (size_t i = 0; i < ifaces; i++)
		record_add_cstr(s, F_st_if_name, source_live_name(c->watch->source, i));
	for (size_t i = 0; i < ifaces; i++)
		record_add_num(s, F_st_if_packets, (int64_t)(n[i].taken - before[i].taken));
	for (size_t i = 0; i < ifaces; i++)
		record_add_num(s, F_st_if_octets, (int64_t)(n[i].taken_octets - before[i].taken_octets));
	for (size_t i = 0; i < ifaces; i++)
		record_add_num(s, F_st_if_kernel, (int64_t)(n[i].dropped - before[i].dropped));
	return dropped;
}

static void count_queue(struct capture *c, struct record *s)
{
	char name[24];
	size_t size, used = outbox_fill(c->outbox, &size);
	snprintf(name, sizeof(name), "capture%u-judge", c->worker % 100);
	record_add_cstr(s, F_st_queue, name);
	record_add_num(s, F_st_queue_used, (int64_t)used);
	record_add_num(s, F_st_queue_size, (int64_t)size);
	record_num(s, F_st_lost_sessions, (int64_t)c->sessions_lost);
	record_num(s, F_st_lost_records, (int64_t)(c->sessions_lost + c->dns_lost + outbox_lost(c->outbox)));
}

/* The numbers of this worker. */
static void send_stats(struct capture *c)
{
	static struct record s;
	harvest_stats(c->pipeline, c->packets, c->octets, &s);
	record_num(&s, F_st_shunt_packets, (int64_t)c->shunted);
	record_num(&s, F_st_shunt_octets, (int64_t)c->shunted_octets);
	tell_gap(c, count_interfaces(c, &s));
	count_queue(c, &s);
	channel_offer(c->judge, CH_STATS, (struct bytes){ (const uint8_t *)&s, record_size(&s) }, (struct bytes){ 0 });
}

static void take_words(struct capture *c)
{
	enum channel_kind kind;
	struct bytes record;
	uint64_t number;
	while (channel_look(c->judge) && channel_ready(c->judge) && channel_recv(c->judge, &kind, &record)) {
		if (kind == CH_HELLO)
			outbox_again(c->outbox);
		else if (kind == CH_ACK && record.n == sizeof(number)) {
			memcpy(&number, record.p, sizeof(number));
			outbox_ack(c->outbox, number);
		}
	}
}

static void shed_to(struct capture *c, int before, const struct shed_signs *signs)
{
	const struct pipeline_shed what = shed_what(c->shed.level, c->watch->run.pipeline.flows);
	const bool more = c->shed.level > before;
	pipeline_shed(c->pipeline, &what);
	pipeline_other_ports(c->pipeline, c->shed.level >= SHED_SAMPLE ? 0 : c->watch->run.pipeline.odd);
	log_line(more ? SAY_WARNING : SAY_NOTICE, "capture%u: %s, level %d of %d %s: %s (ring %u%% full, busy %u%%, %llu packets lost so far)",
		 c->worker, c->shed.level ? "overload" : "no more overload", more ? c->shed.level : before, SHED_MOST,
		 more ? "begins" : "ends", shed_word(c->shed.level), signs->fill / 10, signs->busy / 10, (unsigned long long)signs->lost);
}

/* Is there more than this process can take? */
static void look_at_load(struct capture *c, int64_t now)
{
	struct shed_signs signs = { 0 };
	struct live_count n;
	const int64_t passed = now - c->looked, idle = c->idle < passed ? c->idle : passed;
	const int before = c->shed.level;
	if (passed < LOOK_MS)
		return;
	signs.busy = (unsigned)((passed - idle) * 1000 / passed);
	c->looked = now;
	c->idle = 0;
	for (size_t i = 0; i < c->watch->ifaces; i++) {
		const unsigned fill = source_live_fill(c->watch->source, c->worker, i);
		signs.fill = fill > signs.fill ? fill : signs.fill;
		source_live_count(c->watch->source, c->worker, i, &n);
		signs.lost += n.dropped;
	}
	if (shed_look(&c->shed, now, &signs))
		shed_to(c, before, &signs);
}

/* What time alone ends, ends now. */
static void pass_time(struct capture *c, int64_t ts)
{
	struct packet nothing = { .ts = ts };
	pipeline_push(c->pipeline, &nothing);
	drain(c);
}

/* What is done between packets. */
static void step(struct capture *c)
{
	int64_t now = ms_now();
	const bool due = now >= c->second;
	if (due) /* packets of no mail tell the pipeline no time */
		pass_time(c, c->newest);
	take_words(c);
	if (c->resolver) /* before the sessions that may rest on it */
		channel_push(c->resolver);
	outbox_push(c->outbox);
	look_at_load(c, now);
	if (!due)
		return;
	c->second = now + SECOND_MS;
	supervisor_beat(c->watch->supervisor, c->job);
	send_stats(c);
}

/* The next packet. Where there is none, all is done that waits for that, and only there is the clock looked at. */
static enum live_result next(struct capture *c, struct packet *packet)
{
	enum live_result r = source_live_next(c->watch->source, 0, packet);
	if (r != LIVE_TIMEOUT)
		return r;
	step(c);
	const int64_t from = ms_now();
	r = source_live_next(c->watch->source, WAIT_MS, packet);
	c->idle += ms_now() - from;
	return r;
}

static void take_packet(struct capture *c, const struct packet *packet)
{
	c->packets++;
	c->octets += packet->data.n;
	c->newest = packet->ts;
	pipeline_push(c->pipeline, packet);
	drain(c);
	if (c->packets % STEP == 0)
		step(c);
}

/* Until told to end, and then what the kernel had already: as long as it may keep packets to itself, and no longer. */
static void capture(struct capture *c)
{
	const struct pipeline_shed nothing = { 0 };
	const int held = 2 * (int)c->watch->run.settings.capture_timeout + WAIT_MS;
	struct packet packet;
	int64_t until = 0;
	shed_begin(&c->shed, ms_now());
	c->looked = ms_now();
	pipeline_shed(c->pipeline, &nothing);
	for (;;) {
		const bool told = supervisor_told();
		if (told && until == 0)
			until = ms_now() + held;
		if (told && ms_now() >= until)
			return;
		switch (next(c, &packet)) {
		case LIVE_PACKET:
			take_packet(c, &packet);
			break;
		case LIVE_DOWN:
			log_line(SAY_WARNING, "interface %s is down or gone; capture goes on when it is back",
				 source_live_name(c->watch->source, packet.iface));
			break;
		case LIVE_TIMEOUT:
			pass_time(c, ns_now() - LATE);
			break;
		case LIVE_END:
			return;
		}
	}
}

/* All that is open ends now, and the judge gets the time to take it, if there is still one or may be one. */
static void end(struct capture *c)
{
	const int64_t until = ms_now() + END_MS;
	size_t room;
	pipeline_finish(c->pipeline);
	drain(c);
	for (step(c); outbox_fill(c->outbox, &room) && outbox_push(c->outbox) && ms_now() < until; step(c)) {
		struct timespec wait = { 0, 10000000 };
		clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
	}
	send_stats(c);
	channel_send(c->judge, CH_END, (struct bytes){ 0 }, (struct bytes){ 0 });
	channel_push(c->judge);
}

int watch_capture(void *context, unsigned job)
{
	static struct capture c;
	struct error e;
	c.watch = context;
	c.job = job;
	c.worker = job - WATCH_CAPTURE;
	log_open("mxwitness[capture]", c.watch->run.settings.log_level + SAY_ERROR);
	source_live_take(c.watch->source, c.worker);
	for (size_t i = 0; i < c.watch->ifaces; i++)
		source_live_counted(c.watch->source, c.worker, i, &c.before[i]);
	c.pipeline = pipeline_new(&c.watch->run.pipeline);
	c.classify = classify_new();
	c.judge = channel_new(c.watch->capture_judge[c.worker][0]);
	if (c.watch->run.resolver.mode != RESOLVE_OFF)
		c.resolver = channel_new(c.watch->capture_resolver[c.worker][0]);
	/* numbers grow from one life to the next, so that nothing is acknowledged that an earlier one sent; the clock of the
	 * day may be set back, this one not */
	c.outbox = c.judge ? outbox_new(c.judge, OUTBOX, (uint64_t)ms_now() * 1000) : NULL;
	if (!c.pipeline || !c.outbox) {
		log_line(SAY_ERROR, "no memory for the flow table");
		return 1;
	}
	if (!sandbox_capture(&c.watch->run.user, SANDBOX_LIVE, &e)) {
		log_line(SAY_ERROR, "%s", e.text);
		return 1;
	}
	capture(&c);
	end(&c);
	return 0;
}
