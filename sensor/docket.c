/* docket: see docket.h. A question carries the place of its case and how often that place was given out, so that a late
 * answer to a case that is gone finds nobody. */
#include "docket.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "judge/kinship.h"
#include "judge/outcome.h"
#include "judge/promise.h"
#include "key_proof.h"
#include "verify.h"

/* What one client network may keep of the places when all are taken, and from when on (ms) a case is stuck. */
enum { SHARE = DOCKET_CASES / 3, STUCK_MS = 3000 };

struct docket {
	const struct run *run;
	int64_t now;                    /* ms, as docket_relieve was told */
	struct channel *resolver;
	const struct sts_cache *policies;
	struct dane *dane;
	struct answer answer;
	const struct vitals *vitals;       /* NULL: nothing is known of losses */
	struct tally *tally;               /* NULL: nobody counts */
	struct history_store *history;     /* NULL: nothing is remembered */
	struct history_entry remembered;
	const struct rounds *watched;      /* NULL: no domain is */
	bool in_order, resolver_gone;
	uint64_t taken, given, done, rounds;  /* cases begun, in order given out, and given back; turns of places */
	struct kase *kase;
};

struct docket *docket_new(const struct run *run, struct channel *resolver, bool in_order)
{
	struct docket *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->run = run;
	d->policies = run->sts;
	d->resolver = resolver;
	d->in_order = in_order;
	d->dane = dane_init();
	d->kase = calloc(DOCKET_CASES, sizeof(d->kase[0])); /* address space until it is used */
	/* so that an answer to whoever asked before us fits none of ours */
	uint32_t start = 0;
	if (!d->dane || !d->kase || getrandom(&start, sizeof(start), 0) != sizeof(start)) {
		docket_free(d);
		return NULL;
	}
	d->rounds = (uint64_t)start << 16;
	return d;
}

void docket_free(struct docket *d)
{
	if (!d)
		return;
	dane_free(d->dane);
	free(d->kase);
	free(d);
}

void docket_live(struct docket *d, const struct vitals *vitals, struct tally *tally)
{
	d->vitals = vitals;
	d->tally = tally;
}

void docket_policies(struct docket *d, const struct sts_cache *policies)
{
	d->policies = policies;
}

void docket_rounds(struct docket *d, const struct rounds *rounds)
{
	d->watched = rounds;
}

static int64_t mono_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The client's network as a number (FNV-1a over its /24 or /48): whose names a session's questions are. */
static uint32_t network_of(const struct record *session)
{
	struct bytes ip = record_get_str(session, F_src_ip);
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < (ip.n == 4 ? 3u : 6u) && i < ip.n; i++)
		h = (h ^ ip.p[i]) * 16777619u;
	return h ? h : 1;
}

/* The resolver is not there: its questions are failed, never absent. */
static void answer_failed(const struct question *q, const char *why, struct answer *a)
{
	memset(a, 0, offsetof(struct answer, data));
	a->id = q->id;
	a->as_of = a->from = a->until = q->as_of;
	a->type = q->type;
	a->status = dnsstatus_failed;
	memcpy(a->name, q->name, sizeof(a->name));
	memcpy(a->why, why, strnlen(why, sizeof(a->why) - 1));
}

static const char ended[] = "the resolver process ended";

static bool send_question(struct docket *d, struct kase *k, struct question q)
{
	q.id = k->round * DOCKET_CASES + (uint64_t)(k - d->kase);
	q.source = network_of(&k->session);
	k->asked_at = mono_now();
	return channel_send(d->resolver, CH_QUESTION, (struct bytes){ (const uint8_t *)&q, sizeof(q) }, (struct bytes){ 0 });
}

/* The policies of the session's recipient domains; how many places are set. */
static size_t policies_of(const struct docket *d, const struct record *s, const struct sts_file *file[STS_HELD],
			  const struct sts_held *held[STS_HELD])
{
	struct bytes domain;
	size_t n = 0, pos = 0;
	while (d->policies && n < STS_HELD && record_next(s, F_id_domains, &pos, &domain)) {
		file[n] = sts_cache_find(d->policies, domain);
		held[n] = file[n] ? &file[n]->held : NULL;
		n++;
	}
	return n;
}

/* What the recipient domains promised besides DANE. */
static void judge_sts(const struct docket *d, struct kase *k)
{
	const struct sts_file *file[STS_HELD];
	const struct sts_held *held[STS_HELD];
	struct sts_hint hint[STS_HELD] = { 0 };
	size_t n = policies_of(d, &k->session, file, held);
	for (size_t i = 0; i < n; i++) {
		if (!held[i])
			continue;
		hint[i] = freshness_hint(&k->freshness, held[i]->domain);
		hint[i].refetch = file[i]->refetch;
		hint[i].refetched = file[i]->refetched;
	}
	int told = sts_judge(held, hint, n, &k->session);
	k->sts = told >= 0 ? file[told]->text : (struct bytes){ 0 };
}

/* A watched host or domain that had TLSA and has withdrawn it is held against that for a while: its owner may know nothing of it. */
static void judge_kept(const struct docket *d, struct record *s)
{
	int64_t at = record_get_num(s, F_event_start, 0), until = d->run->claim ? claim_kept(d->run->claim) : 0;
	struct bytes domain, host = record_get_str(s, F_id_host);
	size_t pos = 0;
	while (!d->run->claim && d->watched && record_next(s, F_id_domains, &pos, &domain)) {
		int64_t whole = rounds_promise(d->watched, domain, (struct bytes){ 0 }, at);
		int64_t its = host.n ? rounds_promise(d->watched, domain, host, at) : 0;
		until = whole > until ? whole : until;
		until = its > until ? its : until;
	}
	if (until == 0)
		return;
	record_num(s, F_expect_kept, until);
	promise_add(s, expect_baseline);
}

static void stand(struct docket *d, struct kase *k)
{
	struct record *s = &k->session;
	judge_sts(d, k);
	promise_floor(s);
	judge_kept(d, s);
	if (d->run->claim)
		policy_expect(s);
	else
		policy_judge(&d->run->settings.policy, s, k->chain);
	peer_judge(d->run->peer, s, k->chain, k->proof);
	if (d->run->claim)
		claim_trust(d->run->claim, s);
	outcome_judge(s);
	kinship_judge(s);
	if (d->vitals && vitals_lossy(d->vitals, record_get_num(s, F_event_start, 0), record_get_num(s, F_event_end, 0)))
		record_yes(s, F_cap_lossy);
	if (record_get_num(s, F_dane_source, -1) == dnssource_live)
		record_num(s, F_resolver_fault, k->fault);
	if (k->seen != TRI_UNSEEN)
		record_tri(s, F_cap_dns_visible, k->seen);
	k->state = CASE_STANDS;
}

/* What DANE promised stands; which policies that leaves to ask about. */
static void begin_policies(struct docket *d, struct kase *k)
{
	const struct sts_file *file[STS_HELD];
	const struct sts_held *held[STS_HELD];
	k->promised = true;
	expectation_finish(&k->expectation, d->dane, &k->session, k->chain);
	freshness_start(&k->freshness, &k->session, held, policies_of(d, &k->session, file, held));
}

static bool open_question(const struct docket *d, struct kase *k, struct question *q)
{
	if (!d->resolver)
		return false;
	return k->promised ? freshness_next(&k->freshness, q) : expectation_next(&k->expectation, q);
}

static void take_answer(struct kase *k, const struct answer *a)
{
	if (k->promised)
		freshness_answer(&k->freshness, a);
	else
		expectation_answer(&k->expectation, a);
}

/* Questions go out until one waits for its answer. false: none is left. */
static bool walk_on(struct docket *d, struct kase *k)
{
	struct question q;
	while (open_question(d, k, &q)) {
		if (k->nasked < sizeof(k->asked) / sizeof(k->asked[0]))
			k->asked[k->nasked++] = q;
		bool never = q.type < DNS_SEEN && policy_never(&d->run->settings.policy, bytes_of(q.name));
		if (!never && !d->resolver_gone && send_question(d, k, q))
			return true;
		answer_failed(&q, never ? "the site has this name in dns.never" : ended, &d->answer);
		if (never)
			d->answer.status = dnsstatus_incomplete;
		take_answer(k, &d->answer);
	}
	return false;
}

/* The next question of k goes out, or its judgement stands. */
static void walk(struct docket *d, struct kase *k)
{
	for (;;) {
		if (walk_on(d, k))
			return;
		if (k->promised)
			break;
		if (!expectation_again(&k->expectation, d->dane, &k->session, k->chain))
			begin_policies(d, k);
	}
	stand(d, k);
}

/* What stands behind the record: its length, the chain, and a proof or nothing. */
static bool unpack_behind(struct kase *k, struct bytes in)
{
	uint32_t n;
	struct key_proof fields;
	if (in.n < sizeof(n) || in.n - sizeof(n) > sizeof(k->behind))
		return false;
	memcpy(&n, in.p, sizeof(n));
	in = bytes_skip(in, sizeof(n));
	if (n > in.n)
		return false;
	memcpy(k->behind, in.p, in.n);
	k->chain = (struct bytes){ k->behind, n };
	k->proof = (struct bytes){ k->behind + n, in.n - n };
	return k->proof.n == 0 || (n && key_proof_read(k->proof, &fields));
}

/* A record that another process made: it counts only if it could have been made so. */
static bool unpack(struct kase *k, struct bytes record)
{
	size_t head = offsetof(struct record, text);
	if (record.n < head)
		return false;
	memcpy(&k->session, record.p, head);
	size_t n = record_size(&k->session);
	if (k->session.used > RECORD_TEXT || n > record.n)
		return false;
	memcpy(k->session.text, record.p + head, n - head);
	return record_check(&k->session, n) && unpack_behind(k, bytes_skip(record, n));
}

static struct kase *place(const struct docket *d)
{
	for (size_t i = 0; i < DOCKET_CASES; i++)
		if (d->kase[i].state == CASE_FREE)
			return &d->kase[i];
	return NULL;
}

bool docket_room(const struct docket *d)
{
	return place(d);
}

/* What the site and others knew of this server before. In an evidence file that is its own claim. */
static void know(struct docket *d, const struct kase *k, struct known *out)
{
	struct addr server;
	int64_t at = record_get_num(&k->session, F_event_start, 0);
	if (d->run->claim) {
		claim_known(d->run->claim, &k->session, out);
		return;
	}
	policy_routes(&d->run->settings.policy, &k->session, out);
	if (!record_get_addr(&k->session, F_dst_ip, &server))
		return;
	if (d->watched)
		rounds_known(d->watched, &server, out);
	if (!d->history || !history_store_names(d->history, &server, at, &d->remembered))
		return;
	for (unsigned i = 0; i < d->remembered.hosts; i++)
		known_add(out, KNOWN_REMEMBERED, d->remembered.host[i].name, NULL);
}

/* Did the client name nobody, so that what earlier sessions taught counts? */
static bool is_silent(const struct record *session)
{
	struct identity id;
	identity_of(session, &id);
	return id.silent;
}

static void begin(struct docket *d, struct kase *k)
{
	struct known known = { .hosts = 0 };
	k->state = CASE_OPEN;
	know(d, k, &known);
	expectation_start(&k->expectation, &k->session, &known);
	walk(d, k);
}

void docket_history(struct docket *d, struct history_store *history)
{
	d->history = history;
}

bool docket_take(struct docket *d, struct bytes record, struct bytes exhibit, enum tri seen, unsigned worker, uint64_t number)
{
	struct kase *k = place(d);
	if (!unpack(k, record) || exhibit.n > sizeof(k->exhibit))
		return false;
	if (exhibit.n)
		memcpy(k->exhibit, exhibit.p, exhibit.n);
	k->exhibit_n = exhibit.n;
	k->state = CASE_WAITS;
	k->order = d->taken++;
	k->since = d->now;
	k->round = ++d->rounds;
	k->worker = worker;
	k->number = number;
	k->nasked = k->n = 0;
	k->fault = resolverfault_none;
	site_judge(&d->run->settings.site, &k->session);
	if (d->run->claim)
		claim_site(d->run->claim, &k->session);
	if (record_has(&k->session, F_tcp_attempt) && record_get_tri(&k->session, F_own_client) != TRI_YES) {
		k->state = CASE_FREE; /* anybody can make as many as he likes */
		d->taken--;
		return true;
	}
	k->seen = seen;
	k->promised = false;
	k->sts = (struct bytes){ 0 };
	if (!d->history || !d->in_order || k->order == d->done || !is_silent(&k->session))
		begin(d, k);
	return true;
}

bool docket_answer(struct docket *d, struct bytes record)
{
	struct question q;
	if (record.n > sizeof(d->answer))
		return false;
	memcpy(&d->answer, record.p, record.n);
	struct answer *a = &d->answer;
	if (!answer_check(a, record.n))
		return false;
	struct kase *k = &d->kase[a->id % DOCKET_CASES];
	if (k->state != CASE_OPEN || k->round != a->id / DOCKET_CASES || !open_question(d, k, &q))
		return false;
	if (a->type != q.type || strcmp(a->name, q.name) != 0) /* asked twice: the resolver began anew */
		return false;
	a->id = q.id;
	if (d->tally)
		tally_answer(d->tally, (enum dnsstatus)a->status, false, mono_now() - k->asked_at);
	if (a->fault > k->fault)
		k->fault = a->fault;
	take_answer(k, a);
	walk(d, k);
	return true;
}

/* The open question of k has failed. */
static void give_up(struct docket *d, struct kase *k, const char *why)
{
	struct question q;
	if (!open_question(d, k, &q))
		return;
	answer_failed(&q, why, &d->answer);
	take_answer(k, &d->answer);
	walk(d, k);
}

void docket_no_resolver(struct docket *d)
{
	d->resolver_gone = true;
	for (size_t i = 0; i < DOCKET_CASES; i++)
		if (d->kase[i].state == CASE_OPEN)
			give_up(d, &d->kase[i], ended);
}

/* Of the cases that wait for too long: how many are of k's client network? */
static unsigned stuck_with(const struct docket *d, const struct kase *k)
{
	unsigned n = 0;
	for (size_t i = 0; i < DOCKET_CASES; i++) {
		const struct kase *x = &d->kase[i];
		n += x->state == CASE_OPEN && d->now - x->since >= STUCK_MS && network_of(&x->session) == network_of(&k->session);
	}
	return n;
}

void docket_relieve(struct docket *d, int64_t now)
{
	static const char why[] = "given up: too many questions for names from the same network find no answer";
	d->now = now;
	bool full = !docket_room(d);
	for (size_t i = 0; full && i < DOCKET_CASES; i++) {
		struct kase *k = &d->kase[i];
		unsigned n = k->state == CASE_OPEN && now - k->since >= STUCK_MS ? stuck_with(d, k) : 0;
		if (n <= SHARE)
			continue;
		give_up(d, k, why);
	}
}

void docket_again(struct docket *d)
{
	d->resolver_gone = false;
	for (size_t i = 0; i < DOCKET_CASES; i++) {
		struct question q;
		if (d->kase[i].state == CASE_OPEN && open_question(d, &d->kase[i], &q))
			send_question(d, &d->kase[i], q);
	}
}

struct kase *docket_next(struct docket *d)
{
	struct kase *first = NULL;
	for (size_t i = 0; i < DOCKET_CASES; i++) {
		struct kase *k = &d->kase[i];
		if (k->state == CASE_STANDS && (!first || k->order < first->order))
			first = k;
	}
	if (!first || (d->in_order && first->order != d->given))
		return NULL;
	d->given++;
	first->state = CASE_OUT;
	return first;
}

void docket_done(struct docket *d, struct kase *k)
{
	k->state = CASE_FREE;
	d->done++;
	for (size_t i = 0; i < DOCKET_CASES; i++)
		if (d->kase[i].state == CASE_WAITS && d->kase[i].order == d->done)
			begin(d, &d->kase[i]);
}

size_t docket_open(const struct docket *d)
{
	size_t n = 0;
	for (size_t i = 0; i < DOCKET_CASES; i++)
		n += d->kase[i].state == CASE_OPEN || d->kase[i].state == CASE_WAITS;
	return n;
}

size_t docket_cases(const struct docket *d)
{
	size_t n = 0;
	for (size_t i = 0; i < DOCKET_CASES; i++)
		n += d->kase[i].state != CASE_FREE;
	return n;
}

uint64_t docket_lowest(const struct docket *d, unsigned worker)
{
	uint64_t low = UINT64_MAX;
	for (size_t i = 0; i < DOCKET_CASES; i++)
		if (d->kase[i].state != CASE_FREE && d->kase[i].worker == worker && d->kase[i].number < low)
			low = d->kase[i].number;
	return low;
}
