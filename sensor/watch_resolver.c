/* watch_resolver: serves the judge, and hears what DNS messages the capture processes saw. A judge that ends is followed by
 * another on the same channel. */
#include <time.h>

#include "log.h"
#include "serving.h"
#include "watch.h"

/* TURN: messages of one worker between two looks at the judge, so that a flood of them does not keep it waiting */
enum { TICK_MS = 500, STATS_MS = 1000, TURN = 512 };

struct resolving {
	struct watch *watch;
	struct serving serving;
	struct channel *capture[WATCH_WORKERS];
	int64_t stats_due;
};

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What the resolver alone knows, for the judge's sum. A judge that is not there does not hold anything up. */
static void send_stats(struct resolving *r)
{
	static struct record s;
	const int64_t now = ms_now();
	if (now < r->stats_due || channel_pending(r->serving.judge))
		return;
	r->stats_due = now + STATS_MS;
	record_init(&s);
	record_num(&s, F_st_cache_hits, (int64_t)resolver_counts(r->serving.resolver).cached);
	record_num(&s, F_resolver_fault, r->serving.fault);
	channel_offer(r->serving.judge, CH_STATS, (struct bytes){ (const uint8_t *)&s, record_size(&s) }, (struct bytes){ 0 });
	channel_push(r->serving.judge);
}

static void take_capture(struct resolving *r, unsigned worker)
{
	enum channel_kind kind;
	struct bytes record;
	struct channel *c = r->capture[worker];
	for (unsigned i = 0; i < TURN && channel_look(c) && channel_ready(c) && channel_recv(c, &kind, &record); i++) {
		if (kind == CH_DNS)
			serving_store(&r->serving, record);
		else if (kind == CH_NOTE)
			serving_gap(&r->serving);
	}
}

static void wait_for_work(struct resolving *r)
{
	struct pollfd p[WATCH_WORKERS + 2];
	nfds_t n = 0;
	for (unsigned i = 0; i < r->watch->workers; i++) {
		if (channel_ready(r->capture[i]))
			return;
		p[n++] = (struct pollfd){ .fd = channel_fd(r->capture[i]), .events = POLLIN };
	}
	p[n++] = serving_poll(&r->serving);
	/* answers for whom nobody reads are not fetched either */
	p[n++] = (struct pollfd){ .fd = channel_pending(r->serving.judge) ? -1 : resolver_fd(r->serving.resolver), .events = POLLIN };
	if (!serving_ready(&r->serving))
		poll(p, n, TICK_MS);
}

int watch_resolver(void *context, unsigned job)
{
	static struct resolving r;
	struct error e;
	struct watch *w = context;
	r.watch = w;
	log_open("mxwitness[resolver]", w->run.settings.log_level + SAY_ERROR);
	for (unsigned i = 0; i < w->workers; i++)
		if (!(r.capture[i] = channel_new(w->capture_resolver[i][1])))
			return 1;
	struct channel *judge = channel_new(w->judge_resolver[1]);
	if (!judge || !serving_begin(&r.serving, &w->run, judge, w->resolver_forwarder[0], &e)) {
		log_line(SAY_ERROR, "%s", judge ? e.text : "no memory");
		return 1;
	}
	channel_send(judge, CH_HELLO, (struct bytes){ 0 }, (struct bytes){ 0 });
	while (!supervisor_told()) {
		supervisor_beat(w->supervisor, job);
		/* first the questions that are here, then the messages, then the answers: a session's messages left before it */
		bool there = channel_look(judge);
		for (unsigned i = 0; i < w->workers; i++)
			take_capture(&r, i);
		if (there)
			serving_work(&r.serving);
		send_stats(&r);
		wait_for_work(&r);
	}
	serving_end(&r.serving);
	return 0;
}
