/* resolver: questions to libunbound, each in a context whose as-of interval holds it. Knows which replies a verdict
 * rested on (the responder's list) and so tells "bogus" from "the capture lacks the proof"; knows nothing of mail.
 *
 * A context may serve every as-of time for which all it was served would have been the same: its responder narrows
 * that interval with each reply, and it remembers which replies libunbound refused, so that others are served. Its clock
 * is the time of its first question, inside the interval, so that the machine's clock has no part in a verdict. libunbound's thread does the work; this one waits for it and answers as
 * its upstream meanwhile, so the store needs no lock. What libunbound returns is copied and freed here.
 * RFC 4035 4.3, RFC 6698 4.1. */
#include "resolver.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unbound.h>

#include "anchor.h"
#include "live.h"
#include "dns_watch.h"
#include "responder.h"
#include "validator.h"
#include "verdict.h"

enum { TRIES = 48, HOPELESS = 16, WAIT_CAPTURE_MS = 5000, WAIT_LIVE_MS = 30000, RECENT_S = 300, TEXT_MAX = 1024, CLASS_IN = 1 };
#define SECOND INT64_C(1000000000)
/* ns that what the link says is kept at least, where there is room: the keys of the root may be cached for two days, and hints
 * are of the last one. */
#define LINK_AGE (3 * 86400 * SECOND)

struct context {
	struct ub_ctx *ub;
	uint64_t used;                  /* number of the last question: the least is evicted */
	uint64_t changes;               /* of the store, as it was made */
	struct choice hopeless[HOPELESS]; /* questions that no other choice of replies helped */
	unsigned nhopeless;
	struct responder responder;
};

struct resolver {
	enum resolve_mode mode;
	char *anchors;                  /* NULL: the root's own */
	struct live *live;              /* modes LIVE and AUTO */
	struct dns_save *save;
	struct dns_store *captured;     /* NULL: LIVE has none, unless rolling */
	bool rolling;
	int64_t newest;                 /* ns, of the messages of the link */
	const struct dns_store *store;  /* what is asked now: captured, or what came of live lookups */
	int64_t as_of;
	struct dns_watch *watch;
	uint64_t round;                 /* of lookups: each has its own */
	struct context *contexts[RESOLVER_CONTEXTS];
	struct resolver_counts counts;
	bool sealed;
	size_t first, queued;           /* questions that were submitted and not looked at yet: a ring */
	struct question queue[RESOLVER_OUTSTANDING];
};

static int64_t ns_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

static void context_free(struct context *c)
{
	if (!c)
		return;
	if (c->ub)
		ub_ctx_delete(c->ub);
	responder_close(&c->responder);
	free(c);
}

static bool add_anchors(struct resolver *r, struct context *c, int64_t clock)
{
	char rr[ANCHOR_TEXT];
	const char *p = r->anchors, *ds;
	unsigned line = 1, at;
	int64_t from, until;
	bool any = false;
	while (p && anchor_next(&p, &line, &at, rr, sizeof(rr)))
		any = ub_ctx_add_ta(c->ub, rr) == 0 || any;
	for (unsigned i = 0; !p && (ds = anchor_root(i, &from, &until)); i++) {
		/* Before the first key there was none: a capture that old is judged by it all the same. */
		bool valid = (clock >= from || i == 0) && clock < until;
		if (valid)
			any = ub_ctx_add_ta(c->ub, ds) == 0 || any;
		int64_t begin = from * SECOND, end = until == INT64_MAX ? INT64_MAX : until * SECOND;
		int64_t edges[] = { i == 0 ? INT64_MIN : begin, end };
		for (unsigned k = 0; k < 2; k++) {
			if (edges[k] <= c->responder.as_of && edges[k] > c->responder.from)
				c->responder.from = edges[k];
			if (edges[k] > c->responder.as_of && edges[k] < c->responder.until)
				c->responder.until = edges[k];
		}
	}
	return any;
}

static bool configure(struct resolver *r, struct context *c)
{
	char text[64];
	int64_t clock = c->responder.as_of / SECOND;
	clock = clock < 1 ? 1 : clock > INT32_MAX ? INT32_MAX : clock;
	snprintf(text, sizeof(text), "%lld", (long long)clock);
	return validator_begin(c->ub, false) && ub_ctx_set_option(c->ub, "val-override-date:", text) == 0 &&
	       add_anchors(r, c, clock) && validator_finish(c->ub, c->responder.port);
}

static struct context *context_new(struct resolver *r, int64_t as_of, struct error *e)
{
	struct context *c = calloc(1, sizeof(*c));
	if (!c) {
		error_set(e, "DNS: no memory for a resolver context");
		return NULL;
	}
	c->changes = dns_store_changes(r->store);
	c->responder.store = r->store;
	c->responder.as_of = as_of;
	c->responder.from = INT64_MIN;
	c->responder.until = INT64_MAX;
	if (!responder_open(&c->responder, e)) {
		free(c);
		return NULL;
	}
	c->ub = ub_ctx_create();
	if (!c->ub || !configure(r, c)) {
		error_set(e, "DNS: libunbound %s refuses its settings or the trust anchors", ub_version());
		context_free(c);
		return NULL;
	}
	r->counts.contexts++;
	return c;
}

static bool open_save(struct resolver *r, int fd, struct error *e)
{
	if (fd < 0)
		return true;
	r->save = calloc(1, sizeof(*r->save));
	return r->save ? dns_save_open(r->save, fd, e) : error_set(e, "DNS: no memory to save replies");
}

/* What AUTO asks is no answer for later sessions: they have the capture, or ask themselves. */
static bool open_live(struct resolver *r, const struct resolver_config *config, struct error *e)
{
	const char *text[RESOLVER_UPSTREAMS];
	if (config->mode != RESOLVE_LIVE && config->mode != RESOLVE_AUTO)
		return true;
	if (config->upstreams == 0 || !config->outside)
		return error_set(e, "DNS: no resolver to ask; name one with --resolver ADDRESS");
	for (unsigned i = 0; i < config->upstreams && i < RESOLVER_UPSTREAMS; i++)
		text[i] = config->upstream[i];
	if (!open_save(r, config->save ? config->save - 1 : -1, e))
		return false;
	struct live_config live = { .server = text, .servers = config->upstreams, .anchors = config->anchors, .save = r->save };
	live.outside = config->outside - 1;
	live.lasting = config->rolling;
	live.canary = config->canary;
	live.canaries = config->canaries;
	live.cache = config->cache ? config->cache : RESOLVER_CACHE;
	live.store = config->budget ? config->budget : RESOLVER_BUDGET;
	r->live = live_new(&live, e);
	return r->live;
}

/* The store and the notes of what the link says. */
static bool open_link(struct resolver *r, const struct resolver_config *config, struct error *e)
{
	const size_t budget = config->budget ? config->budget : RESOLVER_BUDGET;
	r->rolling = config->rolling;
	if (r->mode != RESOLVE_LIVE || r->rolling)
		r->store = r->captured = r->rolling ? dns_store_rolling(budget, LINK_AGE) : dns_store_new(budget);
	if ((r->mode != RESOLVE_LIVE || r->rolling) && !r->captured)
		return error_set(e, "DNS: no memory for the store of DNS messages");
	if (r->mode == RESOLVE_CAPTURE || r->mode == RESOLVE_AUTO || (r->mode == RESOLVE_LIVE && r->rolling)) {
		r->watch = r->rolling ? dns_watch_rolling(WATCH_EVENTS, config->kept) : dns_watch_new(config->kept);
		if (!r->watch)
			return error_set(e, "DNS: no memory to note what the link says");
	}
	return true;
}

static bool set_up(struct resolver *r, const struct resolver_config *config, struct error *e)
{
	r->mode = config->mode;
	if (config->anchors && !anchor_check(config->anchors, "trust anchors", e))
		return false;
	r->anchors = config->anchors ? strdup(config->anchors) : NULL;
	r->as_of = config->as_of;
	if (config->anchors && !r->anchors)
		return error_set(e, "DNS: no memory for the trust anchors");
	if (!open_link(r, config, e))
		return false;
	if (!open_live(r, config, e))
		return false;
	if (r->mode == RESOLVE_OFF)
		return true;
	if (r->mode == RESOLVE_LIVE)
		r->store = live_store(r->live);
	struct context *probe = context_new(r, 0, e);  /* find out now whether all this works */
	context_free(probe);
	r->counts.contexts = 0;
	return probe;
}

struct resolver *resolver_new(const struct resolver_config *config, struct error *e)
{
	struct resolver *r = calloc(1, sizeof(*r));
	if (!r) {
		error_set(e, "DNS: no memory for the resolver");
		return NULL;
	}
	if (!set_up(r, config, e)) {
		resolver_free(r);
		return NULL;
	}
	return r;
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < RESOLVER_CONTEXTS; i++)
		context_free(r->contexts[i]);
	live_free(r->live);
	free(r->save);
	dns_store_free(r->captured);
	dns_watch_free(r->watch);
	free(r->anchors);
	free(r);
}

bool resolver_store(struct resolver *r, const struct dns_message *m)
{
	if (r->sealed || r->mode == RESOLVE_OFF || !r->captured)
		return false;
	if (r->watch)
		dns_watch_add(r->watch, m);
	r->newest = m->ts > r->newest ? m->ts : r->newest;
	if (m->octets.n > 2 && !(m->octets.p[2] & DNS_QR >> 8))
		return false; /* a question: it proves nothing */
	switch (dns_store_add(r->captured, m)) {
	case DNS_KEPT:
		r->counts.stored++;
		return true;
	case DNS_REFUSED:
		r->counts.refused++;
		return false;
	case DNS_FULL:
		r->counts.full++;
		return false;
	}
	return false;
}

void resolver_seal(struct resolver *r)
{
	r->sealed = true;
}

void resolver_gap(struct resolver *r)
{
	if (r->watch)
		dns_watch_gap(r->watch, ns_now());
}

struct resolver_counts resolver_counts(const struct resolver *r)
{
	struct resolver_counts c = r->counts;
	c.rolled = r->captured ? dns_store_rolls(r->captured) : 0;
	if (!r->live)
		return c;
	struct live_counts live = live_counts(r->live);
	c.contexts += live.contexts;
	c.live = live.upstream.sent;
	c.cached = live.cache.hits;
	c.merged = live.merged;
	c.again = live.again;
	c.renewed = live.renewed;
	c.over_share = live.refused;
	c.saved = r->save ? r->save->saved : 0;
	c.not_saved = r->save ? r->save->skipped : 0;
	return c;
}

/* ---- one question ---- */

/* What libunbound answered; result is ours to free. */
struct lookup {
	bool done;
	int error;
	struct ub_result *result;
};

static void on_result(void *arg, int error, struct ub_result *result)
{
	struct lookup *o = arg;
	o->done = true;
	o->error = error;
	o->result = result;
}

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* false: no answer in time; the context must go then, for libunbound may still be at it. */
static bool look_up(struct context *c, const struct question *q, struct lookup *o)
{
	int id = 0;
	int64_t deadline = ms_now() + WAIT_CAPTURE_MS, left;
	*o = (struct lookup){ 0 };
	o->error = ub_resolve_async(c->ub, (char *)(uintptr_t)q->name, q->type, CLASS_IN, o, on_result, &id);
	if (o->error)
		return false;
	struct pollfd p[] = { { ub_fd(c->ub), POLLIN, 0 }, { c->responder.udp, POLLIN, 0 }, { c->responder.tcp, POLLIN, 0 } };
	while (!o->done && (left = deadline - ms_now()) > 0) {
		if (poll(p, 3, (int)left) < 0)
			continue;
		if (p[1].revents | p[2].revents)
			responder_work(&c->responder);
		if (p[0].revents)
			ub_process(c->ub);
	}
	if (!o->done)
		ub_cancel(c->ub, id);
	return o->done;
}

static struct context *context_for(struct resolver *r, int64_t as_of, struct error *e)
{
	struct context **slot = &r->contexts[0];
	for (size_t i = 0; i < RESOLVER_CONTEXTS; i++) {
		struct context *c = r->contexts[i];
		if (c && c->changes != dns_store_changes(r->store)) { /* it may have missed something */
			context_free(c);
			c = r->contexts[i] = NULL;
		}
		if (c && as_of >= c->responder.from && as_of < c->responder.until)
			return c;
		if (*slot && (!c || c->used < (*slot)->used))
			slot = &r->contexts[i];
	}
	context_free(*slot);
	*slot = context_new(r, as_of, e);
	return *slot;
}

static void context_drop(struct resolver *r, struct context *c)
{
	for (size_t i = 0; i < RESOLVER_CONTEXTS; i++)
		if (r->contexts[i] == c)
			r->contexts[i] = NULL;
	context_free(c);
}

/* ---- the answer ---- */

/* Can the proof of a name below, or of another type, rest on this? Not on what is data and nothing else. */
static bool carries(uint16_t type)
{
	return type != RR_SOA && type != RR_NSEC3PARAM && type != DNS_TXT && type != DNS_AAAA;
}

/* Did this question rest on what was served there? What libunbound still had in its cache was not asked again. */
static bool rests_on(const struct responder *r, const struct served *s, const struct dns_name *name, uint16_t type)
{
	return s->round == r->round || (carries(s->type) ? dns_wire_below(name, &s->name) : s->type == type && dns_wire_same(name, &s->name));
}

/* The reply of that kind nearest to the root that this question rests on, or NULL. */
static const struct served *weakest(const struct responder *r, const struct dns_name *name, uint16_t type, enum dns_found found)
{
	const struct served *best = NULL;
	for (size_t i = 0; i < r->nserved; i++) {
		const struct served *s = &r->served[i];
		if (s->found != found || !rests_on(r, s, name, type))
			continue;
		if (!best || s->name.n < best->name.n || (s->name.n == best->name.n && s->type < best->type))
			best = s;
	}
	return best;
}

/* A reply drawn from answers to other questions may fail by our doing. Not where the keys above it failed. */
static bool excused(const struct served *s, const struct dns_name *name, const struct answer *a, const char *why)
{
	bool itself = s->found == FOUND_DERIVED && s->type == a->type && dns_wire_same(&s->name, name);
	return itself && why && strstr(why, "building chain of trust");
}

/* Where the lookup broke because of what the capture does not hold; why is libunbound's reason. false:
 * it gave everything. */
static bool blame(const struct responder *r, const struct dns_name *name, struct answer *a, const char *why)
{
	static const struct {
		enum dns_found found;
		uint8_t status;
		const char *text;
	} causes[] = {
		{ FOUND_UNSIGNED, dnsstatus_incomplete, "in the capture without its signatures (not asked for, or taken out)" },
		{ FOUND_MISSING, dnsstatus_incomplete, "not in the capture" },
		{ FOUND_STALE, dnsstatus_incomplete, "in the capture with signatures that have ended since, and nothing newer" },
		{ FOUND_FAILURE, dnsstatus_failed, "answered with SERVFAIL, NOTIMP or REFUSED" },
		{ FOUND_DERIVED, dnsstatus_incomplete, "not in the capture, and other answers do not prove it" },
	};
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		const struct served *s = weakest(r, name, a->type, causes[i].found);
		char type[16], name_text[160], text[256];       /* names that mean something here are shorter */
		if (!s || excused(s, name, a, why))
			continue;
		dns_wire_text(&s->name, name_text, sizeof(name_text));
		a->status = causes[i].status;
		snprintf(text, sizeof(text), "%s of %s %s", verdict_type_text(s->type, type, sizeof(type)), name_text, causes[i].text);
		verdict_say(a, text);
		return true;
	}
	return false;
}

/* TTLs as they were on the wire: libunbound's own count down with the machine's clock. */
static void find_ttl(const struct resolver *r, const struct context *c, struct answer *a, const struct ub_result *res,
		     const struct dns_name *canon)
{
	uint32_t minimum = 0, ttl = 0;
	struct dns_name zone = { 0 };
	verdict_read_packet(a, res, &minimum, &zone);
	if (a->rrs && dns_store_ttl(r->store, canon, a->type, a->as_of, responder_skip(&c->responder, canon, a->type), &ttl))
		a->ttl = ttl;
	else if (!a->rrs)
		a->ttl = zone.n && dns_store_ttl(r->store, &zone, RR_SOA, a->as_of, 0, &ttl) && ttl < minimum ? ttl : minimum;
}

static void judge(const struct resolver *r, const struct context *c, const struct ub_result *res,
		  const struct dns_name *name, struct answer *a)
{
	struct dns_name canon;
	bool known = res->rcode == RCODE_NOERROR || res->rcode == RCODE_NXDOMAIN;
	if (res->bogus || !known) {
		if (blame(&c->responder, name, a, res->why_bogus))
			return;
		bool lookup = !res->bogus || (res->why_bogus && (strstr(res->why_bogus, "SERVFAIL") || strstr(res->why_bogus, "timeout")));
		a->status = lookup ? dnsstatus_failed : dnsstatus_bogus;
		verdict_copy_reason(a, res->why_bogus ? res->why_bogus : "the lookup failed");
		return;
	}
	verdict_copy(a, res, name, &canon);
	find_ttl(r, c, a, res, &canon);
}

static void attach_window(const struct resolver *all, const struct responder *r, const struct dns_name *name, struct answer *a)
{
	const int64_t known = all->newest < a->as_of ? a->as_of : all->newest;
	a->source = dnssource_capture;
	a->from = r->from;
	a->until = all->rolling && r->until > known ? known + 1 : r->until;
	for (size_t i = 0; i < r->nserved; i++) {
		if (!rests_on(r, &r->served[i], name, a->type))
			continue;
		if (r->served[i].ts > a->as_of)
			a->seen_later = true;
		if (r->served[i].other)
			a->source = dnssource_file;
	}
}

/* Waits for the answer to q alone: nothing else is outstanding. */
static void ask_live(struct resolver *r, const struct question *q, struct answer *a)
{
	int64_t deadline = ms_now() + WAIT_LIVE_MS, left;
	struct pollfd p = { .fd = live_fd(r->live), .events = POLLIN };
	bool begun = live_submit(r->live, q);
	while (begun && (left = deadline - ms_now()) > 0) {
		if (live_next(r->live, a))
			return;
		poll(&p, 1, (int)left);
	}
	verdict_begin(a, q);
	a->status = dnsstatus_failed;
	a->source = dnssource_live;
	verdict_say(a, "no answer in time");
}

/* One question in one context. false: the context must go. *bogus: libunbound refused what it was served. */
static bool ask_in(struct resolver *r, struct context *c, const struct question *q, const struct dns_name *name,
		   struct answer *a, bool *bogus)
{
	struct lookup o;
	verdict_begin(a, q);
	a->status = dnsstatus_failed;
	c->used = c->responder.round = ++r->round;
	c->responder.as_of = q->as_of;
	bool done = look_up(c, q, &o), good = done && o.error == 0 && o.result;
	*bogus = good && o.result->bogus;
	if (good)
		judge(r, c, o.result, name, a);
	else
		verdict_say(a, done || o.error ? ub_strerror(o.error) : "no answer in time");
	attach_window(r, &c->responder, name, a);
	ub_resolve_free(o.result);
	return done && o.error == 0;
}

/* ---- when libunbound refuses what it was served ---- */

/* A search for replies that it does not refuse: for each question with several, one is chosen, from the root down, the
 * newest first. A forged or broken message must not hide the good one before it, and where a key rolled, what was signed
 * with the old key needs the old key. libunbound decides; here one after another is offered, TRIES at most.
 *
 * older: a choice was passed over that libunbound had not refused; then only a proof with signatures counts, or the time
 * before a zone was signed could be brought back. */
struct search {
	struct resolver *r;
	const struct question *q;
	const struct dns_name *name;
	struct choice level[RESPONDER_CHOICES];
	unsigned n, tries;
	struct answer *answer;
	struct context *found;
};

/* Nearer to the root first; there DS before DNSKEY before the rest: in the order in which trust comes down. */
static bool above(const struct served *a, const struct served *b)
{
	unsigned x = a->type == RR_DS ? 0 : a->type == RR_DNSKEY ? 1 : 2, y = b->type == RR_DS ? 0 : b->type == RR_DNSKEY ? 1 : 2;
	return a->name.n != b->name.n ? a->name.n < b->name.n : x < y;
}

/* The topmost question with several replies, of which none was chosen yet, that c was asked; NULL: there is none. */
static const struct served *undecided(const struct search *s, const struct context *c)
{
	const struct served *top = NULL;
	for (size_t i = 0; i < c->responder.nserved; i++) {
		const struct served *x = &c->responder.served[i];
		bool decided = x->proofs < 2 || !rests_on(&c->responder, x, s->name, s->q->type);
		for (unsigned k = 0; k < s->n; k++)
			decided = decided || (s->level[k].type == x->type && dns_wire_same(&s->level[k].name, &x->name));
		if (!decided && (!top || above(x, top)))
			top = x;
	}
	return top;
}

static struct context *search_context(struct search *s)
{
	struct error e;
	struct context *c = s->tries++ < TRIES ? context_new(s->r, s->q->as_of, &e) : NULL;
	if (!c)
		return NULL;
	s->r->counts.contexts--;
	s->r->counts.tries++;
	memcpy(c->responder.choice, s->level, sizeof(s->level));
	c->responder.choices = s->n;
	return c;
}

/* Does libunbound take what was chosen for the last level? */
static bool level_holds(struct search *s)
{
	struct question q = *s->q;
	const struct choice *last = &s->level[s->n - 1];
	struct context *c = search_context(s);
	bool bogus = true;
	q.type = last->type;
	dns_wire_text(&last->name, q.name, sizeof(q.name));
	bool sound = c && ask_in(s->r, c, &q, &last->name, s->answer, &bogus);
	context_free(c);
	return sound && !bogus;
}

static bool search(struct search *s, bool older);

/* Each reply to what is undecided in turn. */
static bool search_level(struct search *s, const struct served *open, bool older)
{
	const unsigned proofs = open->proofs < UINT8_MAX ? open->proofs : UINT8_MAX;
	if (s->n == RESPONDER_CHOICES)
		return false;
	s->level[s->n++] = (struct choice){ open->name, open->type, 0 };
	for (unsigned skip = 0; skip < proofs && s->tries < TRIES; skip++) {
		s->level[s->n - 1].skip = (uint8_t)skip;
		if (!level_holds(s))
			continue;
		if (search(s, older))
			return true;
		older = true;
	}
	s->n--;
	return false;
}

/* With the choices so far: is the answer to be had? Else the next choice is made. */
static bool search(struct search *s, bool older)
{
	struct context *c = search_context(s);
	bool bogus;
	if (!c)
		return false;
	if (ask_in(s->r, c, s->q, s->name, s->answer, &bogus) && !bogus) {
		uint8_t status = s->answer->status;
		if (status == dnsstatus_secure || status == dnsstatus_absent || (status == dnsstatus_insecure && !older)) {
			s->found = c;
			return true;
		}
	}
	const struct served *top = undecided(s, c);
	struct served open = top ? *top : (struct served){ 0 };
	context_free(c);
	return top && search_level(s, &open, older);
}

static bool hopeless(const struct context *c, const struct dns_name *name, uint16_t type)
{
	for (unsigned i = 0; i < c->nhopeless; i++)
		if (c->hopeless[i].type == type && dns_wire_same(&c->hopeless[i].name, name))
			return true;
	return false;
}

/* Other replies than those that were refused in c, for what the question rests on. The context where it was answered
 * takes the place of c, so that the choices are remembered as long as they hold. */
static void fall_back(struct resolver *r, struct context *c, const struct question *q, const struct dns_name *name,
		      struct answer *a)
{
	static struct answer other;
	struct search s = { .r = r, .q = q, .name = name, .answer = &other };
	if (hopeless(c, name, q->type))
		return;
	const struct served *top = undecided(&s, c);
	if (!top || !search_level(&s, top, false)) {
		c->hopeless[c->nhopeless % HOPELESS] = (struct choice){ *name, q->type, 0 };
		c->nhopeless += c->nhopeless < HOPELESS;
		return;
	}
	memcpy(a, &other, answer_size(&other));
	r->counts.contexts++;
	for (size_t i = 0; i < RESOLVER_CONTEXTS; i++)
		if (r->contexts[i] == c)
			r->contexts[i] = s.found;
	context_free(c);
}

static void add_data(struct answer *a, struct bytes rdata)
{
	if (a->rrs == ANSWER_RRS || rdata.n == 0 || rdata.n > ANSWER_DATA - a->used)
		return;
	memcpy(a->data + a->used, rdata.p, rdata.n);
	a->rr[a->rrs].off = a->used;
	a->rr[a->rrs++].n = (uint32_t)rdata.n;
	a->used += (uint32_t)rdata.n;
}

/* What the link said of a TXT that cannot be proved: it stays incomplete, and goes with the answer. */
static void unproved(const struct resolver *r, const struct dns_name *name, struct answer *a)
{
	static struct dns_reply reply;
	struct dns_walk w;
	struct dns_rr rr;
	if (a->type != DNS_TXT || a->status != dnsstatus_incomplete || !r->captured)
		return;
	dns_store_reply(r->captured, name, DNS_TXT, a->as_of, true, 0, &reply);
	if (reply.found == FOUND_MISSING || reply.found == FOUND_FAILURE || reply.found == FOUND_DERIVED ||
	    !dns_wire_open(&w, (struct bytes){ reply.octets, reply.n }))
		return;
	a->nxdomain = (w.flags & 0xf) == RCODE_NXDOMAIN;
	a->seen_later |= reply.ts > a->as_of;
	while (dns_wire_next(&w, &rr))
		if (rr.section == DNS_ANSWER && rr.type == DNS_TXT)
			add_data(a, rr.rdata);
}

static void ask(struct resolver *r, const struct question *q, struct answer *a)
{
	struct error e = { "" };
	struct dns_name name;
	struct context *c = context_for(r, q->as_of, &e);
	bool bogus;
	verdict_begin(a, q);
	a->status = dnsstatus_failed;
	if (!c || !dns_wire_from_text(&name, bytes_of(q->name))) {
		verdict_say(a, c ? "not a domain name" : e.text);
		return;
	}
	bool sound = ask_in(r, c, q, &name, a, &bogus);
	if (!sound || c->responder.nserved > RESPONDER_SERVED / 2)
		context_drop(r, c);
	else if (bogus)
		fall_back(r, c, q, &name, a);
	unproved(r, &name, a);
}

static void add_text(struct answer *a, const struct dns_name *name)
{
	char text[TEXT_MAX];
	size_t n = dns_wire_text(name, text, sizeof(text));
	if (n > NAME_MAX_TEXT || n > ANSWER_DATA - a->used)
		return;
	memcpy(a->data + a->used, text, n);
	a->rr[a->rrs].off = a->used;
	a->rr[a->rrs++].n = (uint32_t)n;
	a->used += (uint32_t)n;
}

/* Which names led here, by the answers on the link (DNS_SEEN): a hint whom to ask about, and no proof of anything. */
static void seen(const struct resolver *r, const struct question *q, struct answer *a)
{
	enum { NAMES = 16 };
	const struct dns_store *link = r->captured ? r->captured : r->store;
	struct dns_name found[NAMES], name;
	uint8_t address[16];
	size_t n = 0;
	verdict_begin(a, q);
	a->status = dnsstatus_insecure;
	a->source = dnssource_capture;
	if (inet_pton(AF_INET, q->name, address) == 1)
		n = dns_store_seen(link, DNS_A, (struct bytes){ address, 4 }, q->as_of, found, NAMES);
	else if (inet_pton(AF_INET6, q->name, address) == 1)
		n = dns_store_seen(link, DNS_AAAA, (struct bytes){ address, 16 }, q->as_of, found, NAMES);
	else if (dns_wire_from_text(&name, bytes_of(q->name)))
		n = dns_store_seen(link, DNS_MX, (struct bytes){ name.octets, name.n }, q->as_of, found, NAMES);
	for (size_t i = 0; i < n; i++)
		add_text(a, &found[i]);
}

/* The TLSA RRset of another time, as libunbound saw it then (DNS_TLSA_BEFORE, DNS_TLSA_AFTER). What is asked live has
 * no other time. */
static void version(struct resolver *r, const struct question *q, struct answer *a)
{
	struct dns_version v;
	struct dns_name name;
	struct question then = *q;
	bool known = r->mode != RESOLVE_LIVE && !r->as_of && dns_wire_from_text(&name, bytes_of(q->name)) &&
		     dns_store_version(r->store, &name, DNS_TLSA, q->as_of, q->type == DNS_TLSA_AFTER, &v);
	verdict_begin(a, q);
	a->status = dnsstatus_absent;
	a->source = dnssource_capture;
	if (!known)
		return;
	then.type = DNS_TLSA;
	then.as_of = v.seen;
	ask(r, &then, a);
	a->type = q->type;
	a->as_of = q->as_of;
	a->from = v.seen;
	a->until = v.dropped;
}

/* ---- what the link said against it ---- */

/* The print of the reply that (q) rests on as of at, with the choices that libunbound made necessary. */
static uint64_t print_at(struct resolver *r, const struct question *q, const struct dns_name *name, int64_t at)
{
	static struct dns_reply reply;
	struct error e;
	struct context *c = context_for(r, at, &e);
	unsigned skip = c ? responder_skip(&c->responder, name, q->type) : 0;
	dns_store_reply(r->store, name, q->type, at, true, skip, &reply);
	return dns_watch_print(r->watch, (struct bytes){ reply.octets, reply.n });
}

/* The same question as of the time of e, into *then. */
static void ask_then(struct resolver *r, const struct question *q, int64_t at, struct answer *then)
{
	struct question other = *q;
	other.as_of = at;
	ask(r, &other, then);
}

/* Data that differ from what was true at the time of e, and from what had been true before: a cache may hold that. Of
 * addresses without signatures nothing is said: they rotate, and differ by who asks. */
static enum dnsconflict other_data(struct resolver *r, const struct question *q, const struct dns_name *name,
				   const struct watched *e, struct answer *then)
{
	struct dns_version v;
	if ((q->type == DNS_A || q->type == DNS_AAAA) && !e->dnssec)
		return dnsconflict_none;
	ask_then(r, q, e->ts, then);
	if (then->status != dnsstatus_secure || then->canonname[0] || print_at(r, q, name, e->ts) == e->print)
		return dnsconflict_none;
	if (dns_store_version(r->store, name, q->type, e->ts, false, &v)) {
		ask_then(r, q, v.seen, then);
		if (then->status != dnsstatus_secure || print_at(r, q, name, v.seen) == e->print)
			return dnsconflict_none;
	}
	return dnsconflict_contradiction;
}

/* A denial, when e came, of what validates: libunbound must have found its proof bad, or there was none. */
static enum dnsconflict denial(struct resolver *r, const struct question *q, const struct watched *e, struct answer *then)
{
	ask_then(r, q, e->ts, then);
	if (then->status != dnsstatus_secure && then->status != dnsstatus_bogus)
		return dnsconflict_none;
	return q->type == DNS_TLSA ? dnsconflict_tlsa_suppressed : dnsconflict_contradiction;
}

/* Of the record of MTA-STS, which zones need not sign, only that it was denied while it is there. */
static enum dnsconflict txt_conflict(const struct answer *a, const struct watched *e)
{
	return a->rrs && (e->kind == WATCHED_NXDOMAIN || e->kind == WATCHED_NODATA) ? dnsconflict_contradiction : dnsconflict_none;
}

enum { CHECKS = 4 };

/* prints: of answers that were looked into already. */
static enum dnsconflict conflict_of(struct resolver *r, const struct question *q, const struct dns_name *name,
				    const struct answer *a, const struct watched *e, uint64_t prints[CHECKS], unsigned *checks)
{
	static struct answer then;
	bool true_data = a->status == dnsstatus_secure && a->rrs && !a->canonname[0];
	bool says = e->kind == WATCHED_DATA || e->kind == WATCHED_NODATA || e->kind == WATCHED_NXDOMAIN;
	if (q->type == DNS_TXT)
		return txt_conflict(a, e);
	if (dns_watch_race(r->watch, e))
		return dnsconflict_race;
	if (!true_data)
		return dnsconflict_none;
	if (!says) {
		bool vain = e->kind == WATCHED_REFUSED || dns_watch_vain(r->watch, e);
		return q->type == DNS_TLSA && vain ? dnsconflict_tlsa_suppressed : dnsconflict_none;
	}
	for (unsigned i = 0; i < *checks; i++)
		if (prints[i] == (e->print ^ e->kind))
			return dnsconflict_none;
	if (*checks == CHECKS)
		return dnsconflict_none;
	prints[(*checks)++] = e->print ^ e->kind;
	if (e->kind != WATCHED_DATA)
		return denial(r, q, e, &then);
	return print_at(r, q, name, q->as_of) == e->print ? dnsconflict_none : other_data(r, q, name, e, &then);
}

static void put_conflict(struct answer *a, const struct watched *e, enum dnsconflict kind)
{
	static const uint8_t how[] = { [WATCHED_ASKED] = dnshow_unanswered, [WATCHED_DATA] = dnshow_data, [WATCHED_NODATA] = dnshow_nodata,
				       [WATCHED_NXDOMAIN] = dnshow_nxdomain, [WATCHED_REFUSED] = dnshow_refused };
	a->conflict = (uint8_t)kind;
	a->conflict_how = how[e->kind];
	a->conflict_proved = e->dnssec && kind != dnsconflict_race && (e->kind == WATCHED_DATA || e->kind == WATCHED_NODATA ||
								       e->kind == WATCHED_NXDOMAIN);
	a->conflict_at = e->ts;
	a->conflict_server = e->server;
}

/* ---- against what a live lookup said ---- */

/* Our own lookups have a TTL and begin after the session; what a cache held in good faith at the time of e they cannot tell. So the
 * records must have been there, without a change, for longer than anything else may be cached: HELD_DENIAL (RFC 2308 5) or
 * HELD_DATA, by what we were told ourselves, and their signatures must have begun before that. */
#define HELD_DENIAL (3 * 3600 * SECOND)
#define HELD_DATA (86400 * SECOND)

static bool held(const struct resolver *r, const struct dns_name *name, const struct answer *a, int64_t at)
{
	int64_t since;
	return a->sig_from && a->sig_from * SECOND <= at && dns_store_since(live_store(r->live), name, a->type, ns_now(), &since) &&
	       since <= at;
}

static uint64_t live_print(const struct resolver *r, const struct dns_name *name, uint16_t type)
{
	static struct dns_reply reply;
	dns_store_reply(live_store(r->live), name, type, ns_now(), true, 0, &reply);
	return dns_watch_print(r->watch, (struct bytes){ reply.octets, reply.n });
}

/* A denial or other data with signatures is not looked into: the keys of that time are not ours to ask for. Of addresses
 * nothing is said: they differ by who asks. */
static enum dnsconflict live_conflict_of(const struct resolver *r, const struct dns_name *name, const struct answer *a,
					 const struct watched *e)
{
	if (a->type == DNS_TXT)
		return txt_conflict(a, e);
	if (dns_watch_race(r->watch, e))
		return dnsconflict_race;
	if (a->status != dnsstatus_secure || !a->rrs || a->canonname[0] || e->sigs || a->type == DNS_A || a->type == DNS_AAAA)
		return dnsconflict_none;
	switch ((enum watched_kind)e->kind) {
	case WATCHED_ASKED:
	case WATCHED_REFUSED:
		if (a->type != DNS_TLSA || a->sig_from == 0 || a->sig_from * SECOND > e->ts)
			return dnsconflict_none;
		return e->kind == WATCHED_REFUSED || dns_watch_vain(r->watch, e) ? dnsconflict_tlsa_suppressed : dnsconflict_none;
	case WATCHED_NODATA:
	case WATCHED_NXDOMAIN:
		if (!held(r, name, a, e->ts - HELD_DENIAL))
			return dnsconflict_none;
		return a->type == DNS_TLSA ? dnsconflict_tlsa_suppressed : dnsconflict_contradiction;
	case WATCHED_DATA:
		return live_print(r, name, a->type) != e->print && held(r, name, a, e->ts - HELD_DATA) ? dnsconflict_contradiction :
													dnsconflict_none;
	}
	return dnsconflict_none;
}

/* As look_for_conflict, for an answer that was looked up live; its from is the session's time. */
static void look_for_live_conflict(const struct resolver *r, struct answer *a, int64_t as_of)
{
	const int64_t from = as_of - 3600 * SECOND, until = as_of + 60 * SECOND;
	const struct watched *e = NULL;
	struct dns_name name;
	a->conflict = dnsconflict_none;
	if (!r->rolling || !r->watch || a->type >= DNS_SEEN || !dns_wire_from_text(&name, bytes_of(a->name)))
		return;
	for (unsigned i = 0; i < WATCH_STEPS && dns_watch_next(r->watch, &name, a->type, from, until, &e); i++) {
		enum dnsconflict kind = live_conflict_of(r, &name, a, e);
		if (kind > a->conflict && (e->server.v == 4 || e->server.v == 6))
			put_conflict(a, e, kind);
	}
}

/* The worst that was said about this name and type in the hour before the session: only who asked then was misled. */
static void look_for_conflict(struct resolver *r, const struct question *q, struct answer *a)
{
	const int64_t from = q->as_of - 3600 * SECOND, until = q->as_of + 60 * SECOND;
	const struct watched *e = NULL;
	uint64_t prints[CHECKS];
	unsigned checks = 0;
	struct dns_name name;
	if (!dns_wire_from_text(&name, bytes_of(q->name)))
		return;
	for (unsigned i = 0; i < WATCH_STEPS && dns_watch_next(r->watch, &name, q->type, from, until, &e); i++) {
		enum dnsconflict kind = conflict_of(r, q, &name, a, e, prints, &checks);
		if (kind > a->conflict && (e->server.v == 4 || e->server.v == 6))
			put_conflict(a, e, kind);
	}
}

/* ---- what an answer rests on ---- */

struct proving {
	struct resolver *r;
	struct dns_proof *proof;
	uint64_t mark;                  /* what was served in a later round counts */
	bool whole;
};

static void prove_served(struct proving *v, const struct responder *from, const struct served *s)
{
	static struct dns_reply reply;
	char type[16], name[TEXT_MAX], text[DNS_PROOF_TEXT];
	unsigned skip = responder_skip(from, &s->name, s->type);
	if (!dns_store_source(v->r->store, &s->name, s->type, from->as_of, skip, &reply))
		return;
	dns_wire_text(&s->name, name, sizeof(name));
	snprintf(text, sizeof(text), "%s of %.255s", verdict_type_text(s->type, type, sizeof(type)), name[0] ? name : ".");
	struct dns_message m = { .ts = reply.ts, .octets = { reply.octets, reply.n } };
	v->whole &= dns_proof_add(v->proof, &m, bytes_of(text));
}

/* What was served since the mark, in whichever context. */
static void prove_round(struct proving *v)
{
	for (size_t i = 0; i < RESOLVER_CONTEXTS; i++) {
		const struct context *c = v->r->contexts[i];
		for (size_t k = 0; c && k < c->responder.nserved; k++)
			if (c->responder.served[k].round > v->mark)
				prove_served(v, &c->responder, &c->responder.served[k]);
	}
	v->mark = v->r->round;
}

/* The questions and answers on the link around the one that contradicts. */
static void prove_conflict(struct proving *v, const struct question *q, const struct answer *a)
{
	enum { SHOWN = 32 };
	const int64_t from = a->conflict_at - 30 * SECOND, until = a->conflict_at + 30 * SECOND;
	const struct watched *e = NULL;
	struct dns_name name;
	char type[16], text[DNS_PROOF_TEXT];
	unsigned n = 0;
	if (!dns_wire_from_text(&name, bytes_of(q->name)))
		return;
	snprintf(text, sizeof(text), "as seen on the link: %s of %.255s", verdict_type_text(q->type, type, sizeof(type)), q->name);
	for (; dns_watch_next(v->r->watch, &name, q->type, from, until, &e); n++) {
		struct dns_message m = { .ts = e->ts, .client = e->client, .server = e->server, .client_port = e->port,
					 .octets = dns_watch_octets(v->r->watch, e) };
		if (n == SHOWN || !m.octets.n) {
			v->whole = false;
			return;
		}
		v->whole &= dns_proof_add(v->proof, &m, bytes_of(text));
	}
}

/* The answers on the link that name whom a live lookup asked about. Elsewhere they are asked for in their turn, as of the same
 * time. */
static void prove_seen(struct proving *v, const struct question *q)
{
	static struct answer a;
	static struct dns_reply reply;
	const struct resolver *r = v->r;
	char type[16], text[DNS_PROOF_TEXT];
	struct dns_name name;
	seen(r, q, &a);
	bool address = strchr(q->name, ':') || inet_addr(q->name) != INADDR_NONE;
	uint16_t asked = !address ? DNS_MX : strchr(q->name, ':') ? DNS_AAAA : DNS_A;
	for (unsigned i = 0; r->captured && i < a.rrs; i++) {
		struct bytes owner = answer_rr(&a, i);
		if (!dns_wire_from_text(&name, owner) || !dns_store_source(r->captured, &name, asked, q->as_of, 0, &reply))
			continue;
		snprintf(text, sizeof(text), "as seen on the link: %s of %.*s", verdict_type_text(asked, type, sizeof(type)), (int)owner.n,
			 (const char *)owner.p);
		struct dns_message m = { .ts = reply.ts, .octets = { reply.octets, reply.n } };
		v->whole &= dns_proof_add(v->proof, &m, bytes_of(text));
	}
}

/* as_of: the session's time, where q has another. false: there is no answer in this store. */
static bool prove_one(struct proving *v, const struct question *q, int64_t as_of)
{
	static struct answer a;
	if (q->type == DNS_SEEN)
		return true;    /* hints: whom they name is asked for in its turn */
	if (q->type == DNS_TLSA_BEFORE || q->type == DNS_TLSA_AFTER)
		version(v->r, q, &a);
	else
		ask(v->r, q, &a);
	bool answered = a.status != dnsstatus_incomplete;
	if (v->r->watch && v->r->store == v->r->captured && q->type < DNS_SEEN && (answered || !v->r->live))
		look_for_conflict(v->r, q, &a);
	else if (v->r->live && v->r->store == live_store(v->r->live))
		look_for_live_conflict(v->r, &a, as_of);
	prove_round(v);
	if (a.conflict)
		prove_conflict(v, q, &a);
	return answered;
}

/* The questions that have no answer yet, of one store. */
static void prove_from(struct proving *v, const struct dns_store *store, int64_t as_of, const struct question *q, size_t n,
		       bool *done)
{
	struct resolver *r = v->r;
	struct context *mine[RESOLVER_CONTEXTS];
	const struct dns_store *before = r->store;
	if (!store)
		return;
	memcpy(mine, r->contexts, sizeof(mine));
	memset(r->contexts, 0, sizeof(r->contexts));
	r->store = store;
	for (size_t i = 0; i < n; i++) {
		struct question then = q[i];
		if (as_of)
			then.as_of = as_of;
		done[i] = done[i] || prove_one(v, &then, q[i].as_of);
	}
	for (size_t i = 0; i < RESOLVER_CONTEXTS; i++)
		context_free(r->contexts[i]);
	memcpy(r->contexts, mine, sizeof(mine));
	r->store = before;
}

bool resolver_prove(struct resolver *r, const struct question *q, size_t n, struct dns_proof *p)
{
	bool done[RESOLVER_PROVE] = { false };
	struct proving v = { r, p, r->round, n <= RESOLVER_PROVE };
	dns_proof_clear(p);
	if (r->mode == RESOLVE_OFF)
		return true;
	n = n < RESOLVER_PROVE ? n : RESOLVER_PROVE;
	if (r->mode != RESOLVE_LIVE)
		prove_from(&v, r->captured, r->as_of, q, n, done);
	for (size_t i = 0; r->mode == RESOLVE_LIVE && i < n; i++)
		if (q[i].type == DNS_SEEN)
			prove_seen(&v, &q[i]);
	if (r->live)    /* what is stored came when it was asked for */
		prove_from(&v, live_store(r->live), ns_now(), q, n, done);
	return v.whole;
}

static bool answer_stored(struct resolver *r, const struct question *q, struct answer *a)
{
	r->counts.questions++;
	if (r->mode == RESOLVE_LIVE)
		r->store = live_store(r->live);
	if (q->type == DNS_SEEN && r->mode != RESOLVE_OFF) {
		seen(r, q, a);
		return true;
	}
	if ((q->type == DNS_TLSA_BEFORE || q->type == DNS_TLSA_AFTER) && r->mode != RESOLVE_OFF) {
		version(r, q, a);
		return true;
	}
	switch (r->mode) {
	case RESOLVE_OFF:
		verdict_begin(a, q);
		a->status = dnsstatus_incomplete;
		verdict_say(a, "DNS is off");
		a->source = dnssource_off;
		return true;
	case RESOLVE_CAPTURE:
		ask(r, q, a);
		look_for_conflict(r, q, a);
		return true;
	case RESOLVE_LIVE:
		return false;
	case RESOLVE_AUTO:
		ask(r, q, a);
		if (a->status == dnsstatus_incomplete && ns_now() - q->as_of < RECENT_S * SECOND)
			return false;
		look_for_conflict(r, q, a);
		return true;
	}
	return true;
}

/* The answer that needs no network. false: q is to be asked live. */
static bool answer_now(struct resolver *r, const struct question *q, struct answer *a)
{
	struct question then = *q;
	if (!r->as_of || q->type >= DNS_SEEN)
		return answer_stored(r, q, a);
	then.as_of = r->as_of;
	bool stored = answer_stored(r, &then, a);
	a->source = dnssource_live;
	a->seen_later = false;
	a->from = a->until = q->as_of;
	return stored;
}

void resolver_ask(struct resolver *r, const struct question *q, struct answer *a)
{
	if (answer_now(r, q, a))
		return;
	ask_live(r, q, a);
	look_for_live_conflict(r, a, q->as_of);
}

/* ---- many questions ---- */

bool resolver_room(const struct resolver *r)
{
	return r->queued + (r->live ? live_waiting(r->live) : 0) < RESOLVER_OUTSTANDING;
}

void resolver_drop(struct resolver *r)
{
	r->queued = 0;
	if (r->live)
		live_drop(r->live);
}

bool resolver_submit(struct resolver *r, const struct question *q)
{
	if (!resolver_room(r))
		return false;
	r->queue[(r->first + r->queued++) % RESOLVER_OUTSTANDING] = *q;
	return true;
}

/* The first question of the queue. false: it is being asked live, and its answer comes later. */
static bool take_one(struct resolver *r, struct answer *a)
{
	struct question q = r->queue[r->first];
	r->first = (r->first + 1) % RESOLVER_OUTSTANDING;
	r->queued--;
	return answer_now(r, &q, a) || !live_submit(r->live, &q);
}

bool resolver_next(struct resolver *r, struct answer *a)
{
	while (r->queued)
		if (take_one(r, a))
			return true;
	if (!r->live || !live_next(r->live, a))
		return false;
	look_for_live_conflict(r, a, a->from);
	return true;
}

int resolver_fd(const struct resolver *r)
{
	return r->live ? live_fd(r->live) : -1;
}

enum resolverfault resolver_fault(struct resolver *r, char *text, size_t cap)
{
	if (r->live)
		return live_fault(r->live, text, cap);
	*text = 0;
	return resolverfault_none;
}

static bool upstream_line(struct resolver_config *config, char *line)
{
	char *save = NULL, *word = strtok_r(line, " \t\n", &save), *address = strtok_r(NULL, " \t\n", &save);
	if (!word || strcmp(word, "nameserver") != 0 || !address || config->upstreams == RESOLVER_UPSTREAMS)
		return false;
	if (strchr(address, '%') || strlen(address) + 4 > RESOLVER_UPSTREAM_TEXT)
		return false;
	snprintf(config->upstream[config->upstreams++], RESOLVER_UPSTREAM_TEXT, "%s@53", address);
	return true;
}

bool resolver_system_upstreams(struct resolver_config *config, struct error *e)
{
	char line[256];
	FILE *f = fopen("/etc/resolv.conf", "re");
	config->upstreams = 0;
	while (f && fgets(line, sizeof(line), f))
		upstream_line(config, line);
	if (f)
		fclose(f);
	return config->upstreams > 0 ||
	       error_set(e, "/etc/resolv.conf: no name server in it; name one with --resolver ADDRESS");
}
