/* live: see live.h. One thread of ours waits on one epoll descriptor: the threads of libunbound tell of results through
 * a pipe, ask through the forwarders' sockets, and the forwarder process sends replies. Nothing here blocks, so a zone
 * that is slow delays its own questions alone. What libunbound returns is read and freed in finish().
 * Does not know what a question is for; decides on no signature. RFC 4035 4.3, RFC 7672 2.1.1 (what counts as a
 * failure). */
#include "live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "anchor.h"
#include "forwarder.h"
#include "health.h"
#include "validator.h"
#include "verdict.h"

/* CONTEXTS: the first is the one that lasts; the others are for second tries, and are made anew when they are older
 * than YOUNG_MS and nobody uses them: what went wrong must not be remembered there. KEY: the job that asks for the keys
 * of the trust anchor's zone. CANARY: the one that asks for canary zones, one after the other; always where nothing is known
 * yet, for what is cached shows nothing. */
enum { CONTEXTS = 3, KEY = LOOKUPS, CANARY, JOBS, YOUNG_MS = 2000, JOB_MS = 25000, TICK_MS = 1000, BURST = 32, CLASS_IN = 1 };
#define SECOND INT64_C(1000000000)
#define STORE_AGE (30 * 86400 * SECOND)         /* replies are kept so long at least, where there is room */

struct context {
	struct ub_ctx *ub;
	struct forwarder *forwarder;
	unsigned open;
	int64_t born;
};

/* IDLE: not in use. WAITING: for a context in which to try again. RUNNING: libunbound has it. ARRIVED: it gave result
 * or error. HELD: the answer is a failure, and whether it is ours is not known yet: the anchor's keys and the canaries are asked for. */
enum job_state { IDLE, WAITING, RUNNING, ARRIVED, HELD };

/* A lookup, beside the one of the same number in lookups. */
struct job {
	enum job_state state;
	struct live *live;
	unsigned context, tries;
	int async, error;
	struct ub_result *result;
	int64_t begun, tried;      /* ms */
	struct question q;
};

struct live {
	char *anchors;             /* NULL: the root's own */
	char key_zone[NAME_MAX_TEXT + 1];
	struct outside *outside;
	struct dns_store *store;   /* NULL: none */
	uint64_t rolls;            /* of it, when the caches were cleared */
	struct dns_save *save;
	struct verdict_cache *cache;
	struct lookups *lookups;
	struct context context[CONTEXTS];
	uint32_t made;             /* contexts so far: the number of the next one's forwarder */
	struct health health;
	char canary[HEALTH_CANARIES][NAME_MAX_TEXT + 1];
	unsigned next_canary;
	struct live_counts counts;
	int ep, timer;
	struct job job[JOBS];
	struct answer answer;
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
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

/* ---- contexts ---- */

static bool add_anchors(const struct live *l, struct ub_ctx *ub)
{
	char rr[ANCHOR_TEXT];
	const char *p = l->anchors, *ds;
	unsigned line = 1, at;
	int64_t from, until, now = ns_now() / SECOND;
	bool any = false;
	while (p && anchor_next(&p, &line, &at, rr, sizeof(rr)))
		any = ub_ctx_add_ta(ub, rr) == 0 || any;
	for (unsigned i = 0; !p && (ds = anchor_root(i, &from, &until)); i++)
		if (until == INT64_MAX || now < until)
			any = ub_ctx_add_ta(ub, ds) == 0 || any;
	return any;
}

static void context_close(struct live *l, struct context *c)
{
	if (c->ub)
		ub_ctx_delete(c->ub);
	forwarder_free(c->forwarder);
	*c = (struct context){ 0 };
	/* what libunbound had of it will never come */
	for (size_t i = 0; i < JOBS; i++)
		if (l->job[i].state == RUNNING && &l->context[l->job[i].context] == c) {
			l->job[i].state = ARRIVED;
			l->job[i].error = UB_PIPE;
		}
}

static bool wait_on(const struct live *l, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };
	return epoll_ctl(l->ep, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* Second tries begin with another server than the first did. */
static bool context_open(struct live *l, struct context *c, struct error *e)
{
	c->born = ms_now();
	c->forwarder = forwarder_new(l->outside, ++l->made, c == l->context ? 0 : 1, e);
	if (!c->forwarder)
		return false;
	c->ub = ub_ctx_create();
	if (!c->ub || !validator_begin(c->ub, true) || !add_anchors(l, c->ub) ||
	    !validator_finish(c->ub, forwarder_port(c->forwarder)) || !wait_on(l, ub_fd(c->ub)) ||
	    !wait_on(l, forwarder_fd(c->forwarder))) {
		error_set(e, "DNS: libunbound %s refuses its settings or the trust anchors", ub_version());
		context_close(l, c);
		return false;
	}
	l->counts.contexts++;
	return true;
}

/* Where to try for the first or second time; CONTEXTS: nowhere now. */
static unsigned context_for(struct live *l, bool again)
{
	struct error e;
	int64_t now = ms_now();
	if (!again)
		return l->context[0].ub || context_open(l, &l->context[0], &e) ? 0 : CONTEXTS;
	for (unsigned i = 1; i < CONTEXTS; i++)
		if (l->context[i].ub && now - l->context[i].born < YOUNG_MS)
			return i;
	for (unsigned i = 1; i < CONTEXTS; i++) {
		struct context *c = &l->context[i];
		if (c->open)
			continue;
		context_close(l, c);
		return context_open(l, c, &e) ? i : CONTEXTS;
	}
	return CONTEXTS;
}

/* ---- life ---- */

/* Whose keys tell whether our anchors are good: the owner of the first of them. */
static void find_key_zone(struct live *l)
{
	char rr[ANCHOR_TEXT];
	const char *p = l->anchors;
	unsigned line = 1, at;
	memcpy(l->key_zone, ".", 2);
	if (!p || !anchor_next(&p, &line, &at, rr, sizeof(rr)))
		return;
	size_t n = strcspn(rr, " \t");
	if (n > 1 && rr[n - 1] == '.')
		n--;
	if (n == 0 || n > NAME_MAX_TEXT)
		return;
	for (size_t i = 0; i < n; i++)
		l->key_zone[i] = (char)ascii_lower((uint8_t)rr[i]);
	l->key_zone[n] = 0;
}

static bool take_canaries(struct live *l, const struct live_config *config, struct error *e)
{
	static const char bogus[] = "=bogus";
	for (unsigned i = 0; i < config->canaries; i++) {
		size_t n = strcspn(config->canary[i], "=");
		const char *end = config->canary[i] + n;
		if (i == HEALTH_CANARIES || n == 0 || n > NAME_MAX_TEXT || (*end && strcmp(end, bogus) != 0))
			return error_set(e, "DNS: canary zone \"%s\": write example.org or example.org=bogus, at most %d", config->canary[i],
					 HEALTH_CANARIES);
		for (size_t k = 0; k < n; k++)
			l->canary[i][k] = (char)ascii_lower((uint8_t)config->canary[i][k]);
		l->canary[i][n > 1 && end[-1] == '.' ? n - 1 : n] = 0;
		l->health.canary[i] = (struct health_canary){ .name = l->canary[i], .bogus = *end };
		l->health.canaries++;
	}
	return true;
}

static bool set_up(struct live *l, const struct live_config *config, struct error *e)
{
	l->store = config->store ? dns_store_rolling(config->store, STORE_AGE) : NULL;
	l->save = config->save;
	l->anchors = config->anchors ? strdup(config->anchors) : NULL;
	l->cache = verdict_cache_new(config->cache);
	l->lookups = lookups_new();
	/* replies that a forwarder still owes to a resolver before us carry no number of ours */
	if (getrandom(&l->made, sizeof(l->made), 0) != (ssize_t)sizeof(l->made))
		l->made = 0;
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (!l->cache || !l->lookups || l->ep < 0 || l->timer < 0 || (config->anchors && !l->anchors) ||
	    (config->store && !l->store))
		return error_set(e, "DNS: no memory for live lookups");
	find_key_zone(l);
	if (!take_canaries(l, config, e))
		return false;
	l->outside = outside_new(config->outside, config->server, config->servers, e);
	if (l->outside && config->lasting)
		outside_lasting(l->outside);
	return l->outside && ((wait_on(l, l->timer) && wait_on(l, config->outside)) || error_set(e, "DNS: no epoll")) &&
	       context_open(l, &l->context[0], e);
}

struct live *live_new(const struct live_config *config, struct error *e)
{
	struct live *l = calloc(1, sizeof(*l));
	if (!l) {
		error_set(e, "DNS: no memory for live lookups");
		return NULL;
	}
	l->ep = l->timer = -1;
	if (set_up(l, config, e))
		return l;
	live_free(l);
	return NULL;
}

void live_free(struct live *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < CONTEXTS; i++)
		context_close(l, &l->context[i]);
	for (size_t i = 0; i < JOBS; i++)
		ub_resolve_free(l->job[i].result);
	outside_free(l->outside);
	lookups_free(l->lookups);
	verdict_cache_free(l->cache);
	dns_store_free(l->store);
	if (l->ep >= 0)
		close(l->ep);
	if (l->timer >= 0)
		close(l->timer);
	free(l->anchors);
	free(l);
}

int live_fd(const struct live *l)
{
	return l->ep;
}

void live_drop(struct live *l)
{
	lookups_drop(l->lookups);
}

unsigned live_waiting(const struct live *l)
{
	return lookups_waiting(l->lookups);
}

const struct dns_store *live_store(const struct live *l)
{
	return l->store;
}

struct live_counts live_counts(const struct live *l)
{
	struct live_counts c = l->counts;
	c.cache = verdict_cache_counts(l->cache);
	c.upstream = outside_counts(l->outside);
	return c;
}

enum resolverfault live_fault(struct live *l, char *text, size_t cap)
{
	enum resolverfault fault = health_fault(&l->health, ms_now() / 1000);
	health_text(&l->health, fault, text, cap);
	return fault;
}

/* ---- a lookup begins ---- */

static void on_result(void *arg, int error, struct ub_result *result)
{
	struct job *j = arg;
	j->state = ARRIVED;
	j->error = error;
	j->result = result;
}

static void try_now(struct live *l, struct job *j)
{
	unsigned at = context_for(l, j->tries > 0 || j == &l->job[CANARY]);
	j->state = WAITING;
	if (at == CONTEXTS)
		return;
	struct context *c = &l->context[at];
	j->context = at;
	j->tries++;
	j->tried = ms_now();
	j->result = NULL;
	j->error = ub_resolve_async(c->ub, j->q.name, j->q.type, CLASS_IN, j, on_result, &j->async);
	j->state = j->error ? ARRIVED : RUNNING;
	c->open += j->state == RUNNING;
}

static void begin(struct live *l, struct job *j, const struct question *q)
{
	*j = (struct job){ .live = l, .q = *q, .begun = ms_now() };
	l->counts.lookups++;
	try_now(l, j);
}

/* An answer that needs no lookup. */
static bool give(struct live *l, const struct question *q, const struct answer *a)
{
	unsigned at;
	struct question free_of_charge = *q;
	free_of_charge.source = 0;
	enum lookups_put put = lookups_put(l->lookups, &free_of_charge, &at);
	if (put != LOOKUPS_NEW) /* MERGED: it is being looked up again just now, which is as good */
		return put == LOOKUPS_MERGED;
	memcpy(&lookups_at(l->lookups, at)->answer, a, answer_size(a));
	lookups_done(l->lookups, at);
	return true;
}

static bool refuse(struct live *l, const struct question *q)
{
	struct answer *a = &l->answer;
	verdict_begin(a, q);
	a->status = dnsstatus_failed;
	a->source = dnssource_live;
	verdict_say(a, "not asked: too many questions for names from the same network are open");
	l->counts.refused++;
	return give(l, q, a);
}

static void check_key(struct live *l)
{
	struct question q = { .type = RR_DNSKEY };
	if (l->job[KEY].state != IDLE || !health_key_due(&l->health, ms_now() / 1000))
		return;
	memcpy(q.name, l->key_zone, sizeof(q.name));
	begin(l, &l->job[KEY], &q);
}

static void check_canaries(struct live *l)
{
	struct question q = { .type = RR_A };
	if (l->job[CANARY].state != IDLE || (l->next_canary == 0 && !health_canary_due(&l->health, ms_now() / 1000)))
		return;
	memcpy(q.name, l->canary[l->next_canary], sizeof(q.name));
	begin(l, &l->job[CANARY], &q);
}

bool live_submit(struct live *l, const struct question *q)
{
	unsigned at;
	if (verdict_cache_get(l->cache, q->name, q->type, ms_now(), &l->answer)) {
		l->answer.fault = (uint8_t)health_fault(&l->health, ms_now() / 1000);
		return give(l, q, &l->answer);
	}
	switch (lookups_put(l->lookups, q, &at)) {
	case LOOKUPS_FULL:
		return false;
	case LOOKUPS_SHARE:
		return refuse(l, q);
	case LOOKUPS_MERGED:
		l->counts.merged++;
		return true;
	case LOOKUPS_NEW:
		check_key(l);
		check_canaries(l);
		begin(l, &l->job[at], q);
		return true;
	}
	return false;
}

/* ---- a lookup ends ---- */

static const char *end_text(enum upstream_end end)
{
	switch (end) {
	case UPSTREAM_SILENT:
		return "not answered by the resolver";
	case UPSTREAM_BROKEN:
		return "not asked: the resolver cannot be reached";
	case UPSTREAM_SERVFAIL:
		return "answered with SERVFAIL by the resolver";
	case UPSTREAM_REFUSED:
		return "refused by the resolver";
	case UPSTREAM_OTHER:
	case UPSTREAM_REPLY:
		break;
	}
	return "answered by the resolver with what is no answer";
}

/* A failure: of the lookup, or of the proof? */
static void blame(const struct live *l, const struct job *j, const struct dns_name *name, struct answer *a)
{
	const struct ub_result *res = j->result;
	const struct context *c = &l->context[j->context];
	const struct forwarder_fault *f = forwarder_blame(c->forwarder, name, res->why_bogus, j->begun);
	char type[16], where[160], text[256];
	bool lookup = !res->bogus || (res->why_bogus && (strstr(res->why_bogus, "SERVFAIL") || strstr(res->why_bogus, "timeout")));
	a->status = lookup || f ? dnsstatus_failed : dnsstatus_bogus;
	if (!f) {
		verdict_copy_reason(a, res->why_bogus ? res->why_bogus : "the lookup failed");
		return;
	}
	dns_wire_text(&f->name, where, sizeof(where));
	snprintf(text, sizeof(text), "%s of %s %s", verdict_type_text(f->type, type, sizeof(type)), where, end_text(f->end));
	verdict_say(a, text);
}

static void judge(const struct live *l, const struct job *j, struct answer *a)
{
	const struct ub_result *res = j->result;
	struct dns_name name, canon, zone;
	uint32_t minimum;
	verdict_begin(a, &j->q);
	a->source = dnssource_live;
	a->status = dnsstatus_failed;
	a->as_of = ns_now(); /* what the DNS says now, whatever it said then */
	bool named = dns_wire_from_text(&name, bytes_of(j->q.name));
	if (j->error || !res || !named) {
		verdict_say(a, !named ? "not a domain name" : j->error ? ub_strerror(j->error) : "no answer in time");
		return;
	}
	if (res->bogus || (res->rcode != RCODE_NOERROR && res->rcode != RCODE_NXDOMAIN)) {
		blame(l, j, &name, a);
		return;
	}
	verdict_copy(a, res, &name, &canon);
	verdict_read_packet(a, res, &minimum, &zone);
	a->ttl = res->ttl > 0 ? (uint32_t)res->ttl : 0;
}

/* The window of the signatures over the anchor's keys is told even when they are not good. */
static void read_window(const struct job *j, struct answer *a)
{
	uint32_t minimum;
	struct dns_name zone;
	if (!j->result || a->sig_until)
		return;
	uint16_t rrs = a->rrs;
	a->rrs = 1;
	verdict_read_packet(a, j->result, &minimum, &zone);
	a->rrs = rrs;
}

static bool bad(const struct answer *a)
{
	return a->status == dnsstatus_bogus || a->status == dnsstatus_failed;
}

/* The answer is final: it is kept, counted and given to who waits. */
static void conclude(struct live *l, struct job *j, struct answer *a)
{
	int64_t now = ms_now();
	j->state = IDLE;
	if (j == &l->job[KEY]) {
		health_key(&l->health, a, now / 1000, ns_now() / SECOND);
		return;
	}
	if (j == &l->job[CANARY]) {
		health_canary(&l->health, l->next_canary, a->status, now / 1000);
		l->next_canary = (l->next_canary + 1) % l->health.canaries;
		return;
	}
	health_saw(&l->health, j->q.name, a->status, now / 1000);
	a->fault = (uint8_t)health_fault(&l->health, now / 1000);
	verdict_cache_put(l->cache, a, verdict_cache_ttl(a, ns_now() / SECOND), now);
	lookups_done(l->lookups, (unsigned)(j - l->job));
}

static struct answer *answer_of(struct live *l, struct job *j)
{
	return j >= &l->job[KEY] ? &l->answer : &lookups_at(l->lookups, (unsigned)(j - l->job))->answer;
}

static void finish(struct live *l, struct job *j)
{
	bool key = j == &l->job[KEY];
	struct answer *a = answer_of(l, j);
	judge(l, j, a);
	if (key)
		read_window(j, a);
	ub_resolve_free(j->result);
	j->result = NULL;
	bool canary = j == &l->job[CANARY], wanted = canary && a->status == dnsstatus_bogus && l->health.canary[l->next_canary].bogus;
	if (bad(a) && !wanted && j->tries == 1 && ms_now() - j->begun < JOB_MS / 2) {
		l->counts.again++;
		j->state = WAITING;
	} else if (bad(a) && !key && !canary && !health_known(&l->health)) {
		j->state = HELD;
	} else {
		conclude(l, j, a);
	}
}

/* ---- the loop ---- */

/* libunbound is still at it, and must not tell us later. */
static void give_up(struct live *l, struct job *j)
{
	if (j->state == RUNNING) {
		ub_cancel(l->context[j->context].ub, j->async);
		l->context[j->context].open--;
	}
	j->tries = 2;
	j->error = 0;
	j->state = ARRIVED;
}

/* What came is judged before any context goes: who is to blame for a failure is asked of the context's own forwarder. KEY first:
 * others may be held for it. */
static void finish_arrived(struct live *l)
{
	for (size_t k = JOBS; k-- > 0;)
		if (l->job[k].state == ARRIVED)
			finish(l, &l->job[k]);
}

static void sort_jobs(struct live *l)
{
	int64_t now = ms_now();
	for (size_t k = 0; k < JOBS; k++)
		if ((l->job[k].state == RUNNING || l->job[k].state == WAITING) && now - l->job[k].begun >= JOB_MS)
			give_up(l, &l->job[k]);
	finish_arrived(l);
	for (size_t k = JOBS; k-- > 0;) {
		struct job *j = &l->job[k];
		if (j->state == WAITING)
			try_now(l, j);
		if (j->state == HELD && (health_known(&l->health) || now - j->begun >= JOB_MS))
			conclude(l, j, answer_of(l, j));
	}
}

static void process_results(struct live *l, struct context *c)
{
	unsigned before = 0, after = 0, at = (unsigned)(c - l->context);
	for (size_t i = 0; i < JOBS; i++)
		before += l->job[i].state == RUNNING && l->job[i].context == at;
	const bool broken = ub_process(c->ub) != 0;
	for (size_t i = 0; i < JOBS; i++)
		after += l->job[i].state == RUNNING && l->job[i].context == at;
	c->open -= before - after;
	finish_arrived(l);
	if (broken)
		context_close(l, c);
}

static void deliver(struct live *l, const struct upstream_reply *reply)
{
	for (unsigned i = 0; i < CONTEXTS; i++)
		if (l->context[i].forwarder && forwarder_reply(l->context[i].forwarder, reply))
			break;
	if (reply->end != UPSTREAM_REPLY)
		return;
	if (l->store)
		dns_store_add(l->store, &reply->m);
	if (l->save)
		dns_save_put(l->save, reply);
}

/* epoll must wake us when something is due by the clock. */
static void set_timer(struct live *l)
{
	bool any = false;
	for (size_t i = 0; i < JOBS && !any; i++)
		any = l->job[i].state != IDLE;
	int64_t ns = any ? (int64_t)TICK_MS * 1000000 : 0;
	struct itimerspec t = { .it_value = { ns / SECOND, ns % SECOND } };
	timerfd_settime(l->timer, 0, &t, NULL);
}

/* The store of replies has rolled: what is cached may rest on what it forgets the next time. What is running begins anew in
 * the new context. */
static void forget(struct live *l)
{
	struct error e;
	l->rolls = dns_store_rolls(l->store);
	l->counts.renewed++;
	verdict_cache_clear(l->cache);
	for (size_t i = 0; i < JOBS; i++) {
		struct job *j = &l->job[i];
		if (j->state == RUNNING) {
			j->state = WAITING;
			j->tries = 0;
		}
	}
	for (unsigned i = 0; i < CONTEXTS; i++)
		context_close(l, &l->context[i]);
	context_open(l, &l->context[0], &e);
}

static void work(struct live *l)
{
	struct epoll_event ev[BURST];
	struct upstream_reply reply;
	uint64_t ticks;
	int n = epoll_wait(l->ep, ev, BURST, 0);
	for (int i = 0; i < n; i++) {
		if (ev[i].data.fd == l->timer && read(l->timer, &ticks, sizeof(ticks)) < 0)
			continue;
		for (unsigned k = 0; k < CONTEXTS; k++) {
			struct context *c = &l->context[k];
			if (c->forwarder && ev[i].data.fd == forwarder_fd(c->forwarder))
				forwarder_work(c->forwarder);
			else if (c->ub && ev[i].data.fd == ub_fd(c->ub))
				process_results(l, c);
		}
	}
	while (outside_next(l->outside, &reply))
		deliver(l, &reply);
	if (l->store && dns_store_rolls(l->store) != l->rolls)
		forget(l);
	sort_jobs(l);
	if (l->counts.lookups) { /* nothing is sent before somebody asked for something */
		check_key(l);
		check_canaries(l);
	}
	set_timer(l);
}

bool live_next(struct live *l, struct answer *a)
{
	if (lookups_next(l->lookups, a))
		return true;
	work(l);
	return lookups_next(l->lookups, a);
}
