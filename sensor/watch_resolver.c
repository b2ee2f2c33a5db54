/* watch_resolver: serves the judge, and hears what DNS messages the capture processes saw. A judge that ends is followed by
 * another on the same channel. */
#include <poll.h>
#include <time.h>

#include "log.h"
#include "serving.h"
#include "watch.h"

enum { TICK_MS = 500 };

struct resolving {
	struct watch *watch;
	struct serving serving;
	struct channel *capture[WATCH_WORKERS];
};

static void take_capture(struct resolving *r, unsigned worker)
{
	enum channel_kind kind;
	struct bytes record;
	struct channel *c = r->capture[worker];
	while (channel_look(c) && channel_ready(c) && channel_recv(c, &kind, &record))
		if (kind == CH_DNS)
			serving_store(&r->serving, record);
}

static void wait_for_work(struct resolving *r)
{
	struct pollfd p[WATCH_WORKERS + 2];
	nfds_t n = 0;
	for (unsigned i = 0; i < r->watch->workers; i++)
		p[n++] = (struct pollfd){ .fd = channel_fd(r->capture[i]), .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = serving_room(&r->serving) ? channel_fd(r->serving.judge) : -1, .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = resolver_fd(r->serving.resolver), .events = POLLIN };
	if (!serving_room(&r->serving) || !channel_ready(r->serving.judge))
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
		for (unsigned i = 0; i < w->workers; i++)
			take_capture(&r, i);
		if (channel_look(judge))
			serving_work(&r.serving);
		wait_for_work(&r);
	}
	serving_end(&r.serving);
	return 0;
}
