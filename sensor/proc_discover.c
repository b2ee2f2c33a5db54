/* proc_discover: stands where the output stands otherwise, and takes also what the resolver would: sessions and DNS messages to
 * a configuration to review. Parses no packets; counts and writes. Its exit status is the program's. */
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "discover.h"

struct discovering {
	struct discover *found;
	struct channel *capture, *judge;
	bool dns_over, over, whole, refused;
};

static void take_dns(struct discovering *d)
{
	enum channel_kind kind = CH_END;
	struct bytes record;
	struct dns_message m;
	if (!channel_recv(d->capture, &kind, &record) || kind == CH_END)
		d->dns_over = true;
	else if (kind != CH_DNS || !dns_message_read(record, &m))
		d->refused = true;
	else
		discover_dns(d->found, &m);
}

static void take_event(struct discovering *d, struct bytes record)
{
	static struct record r;
	if (record.n > sizeof(r) || record.n < offsetof(struct record, text)) {
		d->refused = true;
		return;
	}
	memcpy(&r, record.p, record.n);
	if (!record_check(&r, record.n))
		d->refused = true;
	else if (bytes_eq(record_get_str(&r, F_event_dataset), bytes_of("mxwitness.session")))
		discover_session(d->found, &r);
	else if (record_get_tri(&r, F_st_complete) != TRI_UNSEEN)
		d->whole = record_get_tri(&r, F_st_complete) == TRI_YES;
}

static void note(struct bytes record)
{
	char buf[1024];
	struct text t = { buf, 0, sizeof(buf), false };
	text_clean(&t, bytes_skip(record, record.n > 0), false);
	fprintf(stderr, "mxwitness: %.*s\n", (int)t.n, buf);
}

static void take_judge(struct discovering *d)
{
	enum channel_kind kind = CH_END;
	struct bytes record;
	if (!channel_recv(d->judge, &kind, &record) || kind == CH_END)
		d->over = true;
	else if (kind == CH_EVENT)
		take_event(d, record);
	else if (kind == CH_NOTE)
		note(record);
}

/* Both at once: who waited for one of them would hold up the other. */
static void collect(struct discovering *d)
{
	while (!d->over || !d->dns_over) {
		struct pollfd p[] = { { .fd = d->over ? -1 : channel_fd(d->judge), .events = POLLIN },
				      { .fd = d->dns_over ? -1 : channel_fd(d->capture), .events = POLLIN } };
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return;
		if (p[0].revents && !channel_fill(d->judge))
			d->over = true;
		if (p[1].revents && !channel_fill(d->capture))
			d->dns_over = true;
		while (!d->over && channel_ready(d->judge))
			take_judge(d);
		while (!d->dns_over && channel_ready(d->capture))
			take_dns(d);
	}
}

static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			fprintf(stderr, "mxwitness: cannot write the output: %s\n", strerror(errno));
			return false;
		}
		p += done;
		n -= (size_t)done;
	}
	return true;
}

int proc_discover(const struct run *run, struct channel *capture, struct channel *judge)
{
	struct discovering d = { .capture = capture, .judge = judge };
	struct error e = { "no memory" };
	struct text t = { malloc(DISCOVER_TEXT), 0, DISCOVER_TEXT, false };
	d.found = discover_new(run->pipeline.ports, run->pipeline.nports);
	if (!t.p || !d.found || !sandbox_output(&run->user, NULL, 0, false, false, &e)) {
		fprintf(stderr, "mxwitness: %s\n", e.text);
		return 2;
	}
	collect(&d);
	const bool whole = d.whole && !d.refused;
	discover_write(d.found, whole, &t);
	const bool written = write_all(run->out, t.p, t.n);
	discover_free(d.found);
	free(t.p);
	return written && whole ? 0 : 2;
}
