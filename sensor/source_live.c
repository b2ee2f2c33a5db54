/* source_live: see source_live.h. Which rings there are, whose turn it is, and what becomes of an interface. live_ring
 * reads one ring; here nothing looks into a packet.
 *
 * After source_live_take a process has its own rings alone. ring[w][i] of other processes' workers is closed here, and
 * place[], which all share, is written only by the process that has the ring. */
#include "source_live.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "live_ring.h"

enum { NOBODY = -1 };
#define MILLI INT64_C(1000000)

/* group  of its fanout, 0: none       program  that it was opened with */
struct tap {
	char name[LIVE_NAME];
	struct live_iface is;
	uint16_t group;
	struct live_program program;
};

/* own      the worker that this process is, or NOBODY: the supervisor       lent  the ring of the last packet, or NULL
 * settled  packets up to this time may go: whatever is older has come from all interfaces */
struct source_live {
	struct live_config config;
	char *expression;
	uint16_t *ports;
	size_t share;
	struct tap *tap;
	struct live_ring *ring;
	struct live_place *place;
	int own;
	uint64_t number;
	int64_t settled;
	struct live_ring *lent;
	volatile sig_atomic_t stop;
	struct live_program fanout;
};

static struct live_ring *ring_of(const struct source_live *s, unsigned w, size_t iface)
{
	return &s->ring[w * s->config.ifaces + iface];
}

static size_t rings(const struct source_live *s)
{
	return s->config.workers * s->config.ifaces;
}

/* ---- opening ---- */

static bool config_ok(const struct live_config *c, struct error *e)
{
	if (c->ifaces == 0 || c->ifaces > LIVE_IFACES)
		return error_set(e, "capture: 1 to %d interfaces, not %zu", LIVE_IFACES, c->ifaces);
	if (c->workers == 0 || c->workers > LIVE_WORKERS)
		return error_set(e, "capture: 1 to %d workers, not %u", LIVE_WORKERS, c->workers);
	if (c->timeout == 0 || c->timeout > 1000)
		return error_set(e, "capture: a timeout of 1 to 1000 ms, not %u", c->timeout);
	if (c->buffer / c->ifaces < 1 << 20 || c->buffer > (size_t)1 << 40)
		return error_set(e, "capture: a buffer of at least 1 MiB for each interface, not %zu octets", c->buffer);
	for (size_t i = 0; i < c->ifaces; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(c->iface[i], c->iface[k]) == 0)
				return error_set(e, "capture: interface %s is named twice", c->iface[i]);
	return true;
}

/* What reopening needs later is kept here: the caller's texts and arrays may go. */
static bool keep_config(struct source_live *s, const struct live_config *c)
{
	size_t nmail = c->filter.nmail, ndns = c->filter.ndns;
	s->config = *c;
	s->config.iface = NULL;
	s->share = c->buffer / c->ifaces;
	s->ports = calloc(nmail + ndns + 1, sizeof(*s->ports));
	s->expression = c->filter.expression ? strdup(c->filter.expression) : NULL;
	if (!s->ports || (c->filter.expression && !s->expression))
		return false;
	if (nmail)
		memcpy(s->ports, c->filter.mail, nmail * sizeof(*s->ports));
	if (ndns)
		memcpy(s->ports + nmail, c->filter.dns, ndns * sizeof(*s->ports));
	s->config.filter.mail = s->ports;
	s->config.filter.dns = s->ports + nmail;
	s->config.filter.expression = s->expression;
	return true;
}

static struct source_live *allocate(const struct live_config *c)
{
	struct source_live *s = calloc(1, sizeof(*s));
	size_t n = c->workers * c->ifaces;
	if (!s)
		return NULL;
	s->own = NOBODY;
	s->tap = calloc(c->ifaces, sizeof(*s->tap));
	s->ring = calloc(n, sizeof(*s->ring));
	void *shared = mmap(NULL, n * sizeof(*s->place), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s->place = shared == MAP_FAILED ? NULL : shared;
	if (!keep_config(s, c) || !s->tap || !s->ring || !s->place) {
		s->config.workers = s->ring ? s->config.workers : 0;
		source_live_close(s);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		s->ring[i].fd = -1;
		s->ring[i].place = &s->place[i];
	}
	return s;
}

/* All rings of one interface, and nothing passes until the last one has its place: else packets would come to several. */
static bool open_rings(struct source_live *s, size_t i, struct error *e)
{
	struct tap *t = &s->tap[i];
	t->group = 0;
	live_filter_fanout(&s->fanout, t->is.link, s->config.by_ports, s->config.seed,
			   t->is.link == LIVE_ETHERNET ? LIVE_FANOUT_LINK : LIVE_FANOUT_NET);
	for (unsigned w = 0; w < s->config.workers; w++) {
		struct live_ring *r = ring_of(s, w, i);
		if (!live_ring_open(r, t->name, &t->is, s->share, s->config.timeout, s->config.promiscuous, e))
			return false;
		if (s->config.workers > 1 && !live_ring_join(r, t->name, &t->group, &s->fanout, e))
			return false;
	}
	for (unsigned w = 0; w < s->config.workers; w++)
		if (!live_ring_filter(ring_of(s, w, i), t->name, &t->program, e))
			return false;
	return true;
}

static bool open_tap(struct source_live *s, size_t i, struct error *e)
{
	struct tap *t = &s->tap[i];
	struct live_filter_config filter = s->config.filter;
	filter.iface = t->name;
	if (!live_iface_find(t->name, &t->is, e))
		return false;
	if (t->is.index == 0)
		return error_set(e, "interface %s: there is none of that name; `ip link` lists them", t->name);
	return live_filter_build(&t->program, t->is.link, &filter, e) && open_rings(s, i, e);
}

struct source_live *source_live_open(const struct live_config *config, struct error *e)
{
	if (!config_ok(config, e))
		return NULL;
	struct source_live *s = allocate(config);
	if (!s) {
		error_set(e, "capture: no memory");
		return NULL;
	}
	for (size_t i = 0; i < config->ifaces; i++) {
		if (strlen(config->iface[i]) >= LIVE_NAME || !*config->iface[i])
			error_set(e, "interface \"%s\": a name has 1 to %d octets", config->iface[i], LIVE_NAME - 1);
		else if (strcpy(s->tap[i].name, config->iface[i]), open_tap(s, i, e))
			continue;
		source_live_close(s);
		return NULL;
	}
	return s;
}

void source_live_take(struct source_live *s, unsigned w)
{
	s->own = (int)w;
	for (unsigned other = 0; other < s->config.workers; other++)
		for (size_t i = 0; other != w && i < s->config.ifaces; i++)
			live_ring_close(ring_of(s, other, i));
}

void source_live_close(struct source_live *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < rings(s); i++)
		live_ring_close(&s->ring[i]);
	if (s->place)
		munmap(s->place, rings(s) * sizeof(*s->place));
	free(s->ring);
	free(s->tap);
	free(s->ports);
	free(s->expression);
	free(s);
}

/* ---- reading ---- */

static int64_t clock_now(clockid_t which)
{
	struct timespec t;
	clock_gettime(which, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* How old a packet must be until whatever is older lies in its ring, readable: a block is handed over at the second tick
 * of its timer at the latest. */
static int64_t hold(const struct source_live *s)
{
	return (2 * (int64_t)s->config.timeout + 20) * MILLI;
}

/* The interface whose next packet is the oldest, or -1; missing: others, which are up, have none. */
static int oldest(struct source_live *s, int64_t *ts, bool *missing)
{
	int best = -1;
	*missing = false;
	for (size_t i = 0; i < s->config.ifaces; i++) {
		struct live_ring *r = ring_of(s, (unsigned)s->own, i);
		int64_t at;
		if (!live_ring_peek(r, &at)) {
			*missing |= !r->down;
			continue;
		}
		r->down = false;
		if (best < 0 || at < *ts) {
			best = (int)i;
			*ts = at;
		}
	}
	return best;
}

/* An interface that went down says so once: asking for the error takes it away. */
static bool gone(struct live_ring *r)
{
	int error = 0;
	socklen_t n = sizeof(error);
	if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error == 0)
		return false;
	bool news = !r->down;
	r->down = true;
	return news;
}

/* Waits for a packet where there is none, at most ms. Which interface went down, or -1. */
static int wait_for(struct source_live *s, int ms)
{
	struct pollfd fds[LIVE_IFACES];
	size_t which[LIVE_IFACES], n = 0;
	for (size_t i = 0; i < s->config.ifaces; i++) {
		int64_t at;
		struct live_ring *r = ring_of(s, (unsigned)s->own, i);
		if (live_ring_peek(r, &at))
			continue;
		fds[n] = (struct pollfd){ .fd = r->fd, .events = POLLIN };
		which[n++] = i;
	}
	if (n == 0 || poll(fds, n, ms) <= 0) /* 0: something has come meanwhile */
		return -1;
	for (size_t i = 0; i < n; i++)
		if (fds[i].revents & (POLLERR | POLLHUP | POLLNVAL) && gone(ring_of(s, (unsigned)s->own, which[i])))
			return (int)which[i];
	return -1;
}

static int whole_ms(int64_t ns)
{
	return ns <= 0 ? 0 : (int)((ns + MILLI - 1) / MILLI);
}

enum live_result source_live_next(struct source_live *s, int wait, struct packet *packet)
{
	int64_t until = -1, ts = 0;
	if (s->lent)
		live_ring_done(s->lent);
	s->lent = NULL;
	while (!s->stop) {
		bool missing;
		int i = oldest(s, &ts, &missing);
		if (i >= 0 && missing && ts > s->settled)
			s->settled = clock_now(CLOCK_REALTIME) - hold(s);
		if (i >= 0 && (!missing || ts <= s->settled)) {
			s->lent = ring_of(s, (unsigned)s->own, (size_t)i);
			packet->ts = ts > 0 ? ts : 0;
			packet->iface = (uint32_t)i;
			if (!live_ring_take(s->lent, packet)) {
				live_ring_done(s->lent);
				continue;
			}
			packet->number = ++s->number;
			return LIVE_PACKET;
		}
		int64_t now = clock_now(CLOCK_MONOTONIC);
		if (until < 0)
			until = now + wait * MILLI;
		int ms = whole_ms(until - now), ripe = i >= 0 ? whole_ms(ts - s->settled) : ms;
		if (ms == 0)
			return LIVE_TIMEOUT;
		int down = wait_for(s, ripe < ms ? ripe : ms);
		if (down >= 0) {
			packet->iface = (uint32_t)down;
			return LIVE_DOWN;
		}
	}
	return LIVE_END;
}

void source_live_stop(struct source_live *s)
{
	s->stop = 1;
}

/* ---- what is told about it ---- */

void source_live_count(struct source_live *s, unsigned w, size_t iface, struct live_count *out)
{
	live_ring_count(ring_of(s, w, iface));
	source_live_counted(s, w, iface, out);
}

void source_live_counted(const struct source_live *s, unsigned w, size_t iface, struct live_count *out)
{
	*out = ring_of(s, w, iface)->place->count;
}

unsigned source_live_fill(const struct source_live *s, unsigned w, size_t iface)
{
	return live_ring_fill(ring_of(s, w, iface));
}

static int64_t card_count(const char *iface, const char *what)
{
	char path[96], text[32];
	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", iface, what);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	return (int64_t)strtoll(text, NULL, 10);
}

int64_t source_live_missed(const struct source_live *s, size_t iface)
{
	int64_t missed = card_count(s->tap[iface].name, "rx_missed_errors");
	int64_t full = card_count(s->tap[iface].name, "rx_fifo_errors");
	return missed < 0 || full < 0 ? -1 : missed + full;
}

int source_live_fd(const struct source_live *s, unsigned w, size_t iface)
{
	return ring_of(s, w, iface)->fd;
}

const struct live_program *source_live_program(const struct source_live *s, size_t iface)
{
	return &s->tap[iface].program;
}

enum live_link source_live_link(const struct source_live *s, size_t iface)
{
	return s->tap[iface].is.link;
}

const char *source_live_name(const struct source_live *s, size_t iface)
{
	return s->tap[iface].name;
}

/* ---- an interface that comes and goes ---- */

enum live_state source_live_state(const struct source_live *s, size_t iface)
{
	struct live_iface is;
	struct error e;
	if (!live_iface_find(s->tap[iface].name, &is, &e) || is.index == 0)
		return LIVE_IS_GONE;
	if (is.index != s->tap[iface].is.index)
		return LIVE_IS_OTHER;
	return is.up ? LIVE_IS_UP : LIVE_IS_DOWN;
}

enum live_reopen source_live_reopen(struct source_live *s, size_t iface, struct error *e)
{
	struct tap *t = &s->tap[iface];
	struct live_iface is;
	if (!live_iface_find(t->name, &is, e))
		return LIVE_FAILED;
	if (is.index == 0) {
		error_set(e, "interface %s: still away", t->name);
		return LIVE_FAILED;
	}
	if (s->config.workers == 1 && is.link == t->is.link) {
		if (!live_ring_rebind(ring_of(s, 0, iface), t->name, &is, s->config.promiscuous, e))
			return LIVE_FAILED;
		t->is = is;
		return LIVE_SAME;
	}
	for (unsigned w = 0; w < s->config.workers; w++)
		live_ring_close(ring_of(s, w, iface));
	if (open_tap(s, iface, e))
		return LIVE_RESTART;
	t->is.index = -1; /* none, so that it is tried again */
	return LIVE_FAILED;
}
