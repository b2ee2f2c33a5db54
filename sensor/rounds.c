/* rounds: see rounds.h. Knows when which domain's turn is, and which answer belongs to which look; what is asked is posture_look's,
 * what follows is posture's and the rules'. All memory is taken at start; that of a domain is touched when it is looked at. */
#include "rounds.h"

#include <stdio.h>
#include <stdlib.h>

#include "judge/alert.h"
#include "judge/event.h"
#include "judge/servers.h"
#include "posture_store.h"

/* MINE      in the id of a question: one of ours, and not the docket's
 * RETRY_MS  after a look that told nothing */
#define MINE (UINT64_C(1) << 63)
#define MS INT64_C(1000000)
#define SAVE INT64_C(3600000000000)    /* ns */
enum { RETRY_MS = 30000, NEWS = 2 * STANDING_MAX, NOBODY = -1 };

/* IDLE. READY: its next question was not sent yet. ASKED: it was. OVER: rounds_next takes it. */
enum look_state { IDLE, READY, ASKED, OVER };

struct looking {
	enum look_state state;
	int domain;
	uint64_t turn;
	struct posture_look look;
};

struct rounds {
	const struct run *run;
	struct channel *resolver;
	struct rule_scratch *scratch;
	struct posture *posture;           /* in the order of the configuration */
	int64_t *due;                      /* ms, of each */
	bool *taken;                       /* of each: it is being looked at, or was in this run of read */
	bool *dirty;                       /* of each: not saved as it is */
	int64_t *saved;                    /* ns, of each */
	struct servers *servers;
	const struct sts_cache *policies;
	struct history_store *history;     /* somebody else's */
	struct lowering {
		char host[NAME_MAX_TEXT + 1];
		int64_t at;
		size_t domain;
	} lowering[ROUNDS_LOWERED];        /* that waits for the sessions to be judged */
	size_t lowerings;
	size_t n, *sorted;                 /* by name */
	unsigned looks;                    /* at a time */
	bool gone, once;
	int64_t ms, as_of, interval;
	uint64_t turns;
	struct looking looking[ROUNDS_LOOKS];
	struct answer answer;
	/* what rounds_next is about */
	struct record event, alert;
	struct standing_news news[NEWS];
	size_t nnews, at, telling;         /* telling: whose they are */
};

/* ---- life ---- */

static const char *name_of(const struct rounds *r, size_t i)
{
	return r->run->settings.watch_domains.at[i].domain;
}

/* Shell sort: no context goes to qsort, and this has one. */
static void sort(struct rounds *r)
{
	for (size_t i = 0; i < r->n; i++)
		r->sorted[i] = i;
	for (size_t gap = r->n / 2; gap; gap /= 2)
		for (size_t i = gap; i < r->n; i++) {
			size_t mine = r->sorted[i], k = i;
			for (; k >= gap && strcmp(name_of(r, r->sorted[k - gap]), name_of(r, mine)) > 0; k -= gap)
				r->sorted[k] = r->sorted[k - gap];
			r->sorted[k] = mine;
		}
}

struct rounds *rounds_new(const struct run *run, struct channel *resolver)
{
	struct rounds *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->run = run;
	r->policies = run->sts;
	r->n = resolver ? run->settings.watch_domains.n : 0;
	r->resolver = resolver;
	r->interval = (int64_t)run->settings.watch_interval;
	r->scratch = rule_scratch_new(run->rules);
	r->posture = calloc(r->n + 1, sizeof(r->posture[0]));
	r->due = calloc(r->n + 1, sizeof(r->due[0]));
	r->taken = calloc(r->n + 1, sizeof(r->taken[0]));
	r->sorted = calloc(r->n + 1, sizeof(r->sorted[0]));
	r->dirty = calloc(r->n + 1, sizeof(r->dirty[0]));
	r->saved = calloc(r->n + 1, sizeof(r->saved[0]));
	r->servers = servers_new(r->n);
	if (!r->dirty || !r->saved || !r->servers || !r->scratch || !r->posture || !r->due || !r->taken || !r->sorted) {
		rounds_free(r);
		return NULL;
	}
	for (size_t i = 0; i < r->n; i++)
		r->posture[i].watch = &run->settings.watch_domains.at[i];
	sort(r);
	return r;
}

void rounds_free(struct rounds *r)
{
	if (!r)
		return;
	rule_scratch_free(r->scratch);
	free(r->posture);
	free(r->due);
	free(r->taken);
	free(r->sorted);
	free(r->dirty);
	free(r->saved);
	servers_free(r->servers);
	free(r);
}

void rounds_policies(struct rounds *r, const struct sts_cache *policies)
{
	r->policies = policies;
}

void rounds_history(struct rounds *r, struct history_store *history)
{
	r->history = history;
}

struct posture *rounds_every(struct rounds *r, size_t *n)
{
	*n = r->n;
	return r->posture;
}

const struct posture *rounds_find(const struct rounds *r, struct bytes domain)
{
	size_t from = 0, to = r->n;
	if (domain.n && domain.p[domain.n - 1] == '.')
		domain.n--;
	while (from < to) {
		size_t mid = from + (to - from) / 2, i = 0;
		const char *name = name_of(r, r->sorted[mid]);
		while (i < domain.n && name[i] && ascii_lower(domain.p[i]) == (uint8_t)name[i])
			i++;
		if (i == domain.n && !name[i])
			return &r->posture[r->sorted[mid]];
		if (i == domain.n || (name[i] && ascii_lower(domain.p[i]) < (uint8_t)name[i]))
			to = mid;
		else
			from = mid + 1;
	}
	return NULL;
}

int64_t rounds_promise(const struct rounds *r, struct bytes domain, struct bytes host, int64_t now)
{
	const struct posture *p = rounds_find(r, domain);
	return p ? posture_promise(p, host, now) : 0;
}

void rounds_known(const struct rounds *r, const struct addr *server, struct known *out)
{
	servers_known(r->servers, server, out);
}

bool rounds_load(struct rounds *r, sqlite3 *db, struct error *e)
{
	return posture_load(r->posture, r->n, db, e);
}

bool rounds_dirty(const struct rounds *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->dirty[i])
			return true;
	return false;
}

bool rounds_save(struct rounds *r, int64_t now, sqlite3 *db, struct error *e)
{
	for (size_t i = 0; i < r->n; i++) {
		if (!r->dirty[i] || (i == r->telling && r->at < r->nnews)) /* what was not told must not be known as told */
			continue;
		if (!posture_save(&r->posture[i], db, e))
			return false;
		r->dirty[i] = false;
		r->saved[i] = r->posture[i].looked;
	}
	return posture_forget(r->posture, r->n, now, db, e);
}

/* ---- questions ---- */

static void begin(struct rounds *r, struct looking *k, size_t domain, int64_t as_of)
{
	k->state = READY;
	k->domain = (int)domain;
	r->taken[domain] = true;
	posture_look_start(&k->look, name_of(r, domain), as_of);
}

/* The next question of k goes out, or its look is over. */
static void step(struct rounds *r, struct looking *k)
{
	struct question q;
	if (k->state != READY || r->gone)
		return;
	if (!posture_look_next(&k->look, &q)) {
		k->state = OVER;
		return;
	}
	k->turn = ++r->turns;
	q.id = MINE | k->turn;
	if (r->once ? channel_send(r->resolver, CH_QUESTION, (struct bytes){ (const uint8_t *)&q, sizeof(q) }, (struct bytes){ 0 }) :
	    channel_offer(r->resolver, CH_QUESTION, (struct bytes){ (const uint8_t *)&q, sizeof(q) }, (struct bytes){ 0 }) == CHANNEL_SENT)
		k->state = ASKED;
}

/* The domain whose turn is due for longest, or n. */
static size_t next_due(const struct rounds *r)
{
	size_t best = r->n;
	for (size_t i = 0; i < r->n; i++)
		if (!r->taken[i] && (r->once || r->due[i] <= r->ms) && (best == r->n || r->due[i] < r->due[best]))
			best = i;
	return best;
}

static void fill(struct rounds *r)
{
	for (unsigned i = 0; i < r->looks; i++) {
		struct looking *k = &r->looking[i];
		size_t domain = k->state == IDLE && !r->gone ? next_due(r) : r->n;
		if (domain < r->n)
			begin(r, k, domain, r->as_of);
		step(r, k);
	}
}

void rounds_tick(struct rounds *r, int64_t ms, int64_t ns, bool quiet)
{
	r->ms = ms;
	r->as_of = ns;
	r->looks = ROUNDS_LOOKS;
	if (quiet)
		fill(r);
}

void rounds_all(struct rounds *r, int64_t as_of)
{
	r->once = true;
	r->looks = 1; /* events come in the order of the configuration */
	r->as_of = as_of;
	fill(r);
}

bool rounds_open(const struct rounds *r)
{
	for (unsigned i = 0; i < ROUNDS_LOOKS; i++)
		if (r->looking[i].state == ASKED)
			return true;
	return false;
}

bool rounds_answer(struct rounds *r, struct bytes record)
{
	uint64_t id;
	if (record.n > sizeof(r->answer) || record.n < sizeof(id))
		return false;
	memcpy(&r->answer, record.p, record.n);
	if (!(r->answer.id & MINE) || !answer_check(&r->answer, record.n))
		return false;
	id = r->answer.id & ~MINE;
	for (unsigned i = 0; i < ROUNDS_LOOKS; i++) {
		struct looking *k = &r->looking[i];
		if (k->state != ASKED || k->turn != id)
			continue;
		posture_look_answer(&k->look, &r->answer);
		k->state = READY;
		step(r, k);
	}
	return true; /* else to a question that was given up */
}

void rounds_no_resolver(struct rounds *r)
{
	r->gone = true;
	for (unsigned i = 0; i < ROUNDS_LOOKS; i++) {
		struct looking *k = &r->looking[i];
		if (k->state != READY && k->state != ASKED)
			continue;
		k->state = IDLE;
		r->taken[k->domain] = r->once;
	}
}

void rounds_again(struct rounds *r)
{
	r->gone = false;
	for (unsigned i = 0; i < ROUNDS_LOOKS; i++)
		if (r->looking[i].state == ASKED) {
			r->looking[i].state = READY;
			step(r, &r->looking[i]);
		}
}

/* ---- what follows ---- */

/* Its next turn: an interval from now, less up to a tenth of it, so that domains which began together do not stay so. */
static void done(struct rounds *r, struct looking *k, bool told)
{
	size_t d = (size_t)k->domain;
	int64_t tenth = r->interval / 10 + 1, wait = told ? r->interval - (int64_t)(d * 7919) % tenth : RETRY_MS;
	r->due[d] = r->ms + (wait < r->interval ? wait : r->interval);
	r->taken[d] = r->once;
	k->state = IDLE;
}

/* Another watched domain has this host still: what one of them gave up is for the other as it was. */
static bool listed_elsewhere(const struct rounds *r, size_t domain, const char *host)
{
	for (size_t i = 0; i < r->n; i++)
		for (unsigned k = 0; i != domain && k < r->posture[i].hosts; k++)
			if (r->posture[i].host[k].listed && strcmp(r->posture[i].host[k].name, host) == 0)
				return true;
	return false;
}

void rounds_lower(struct rounds *r)
{
	for (size_t i = 0; r->history && i < r->lowerings; i++) {
		const struct lowering *l = &r->lowering[i];
		if (history_store_lower(r->history, l->host, l->at, false))
			r->dirty[l->domain] = true;
	}
	r->lowerings = 0;
}

/* A change that the DNS announces is no attack: what the host did before it does not bind it any more. */
static void lower(struct rounds *r, const struct looking *k)
{
	const char *host[POSTURE_HOSTS];
	size_t d = (size_t)k->domain, n = r->history ? posture_announced(&r->posture[d], &k->look, host) : 0;
	for (size_t i = 0; i < n; i++) {
		if (posture_look_host(&k->look, host[i]) < 0 && listed_elsewhere(r, d, host[i]))
			continue;
		if (r->lowerings == ROUNDS_LOWERED)
			break;
		struct lowering *l = &r->lowering[r->lowerings++];
		*l = (struct lowering){ .at = k->look.at, .domain = d };
		snprintf(l->host, sizeof(l->host), "%s", host[i]);
	}
	if (!r->once)
		rounds_lower(r);
}

/* What k's look says. true: its event is to be told. */
static bool conclude(struct rounds *r, struct looking *k)
{
	struct posture *p = &r->posture[k->domain];
	const struct sts_file *file = r->policies ? sts_cache_find(r->policies, bytes_of(p->watch->domain)) : NULL;
	lower(r, k);
	if (!posture_learn(p, &k->look, r->interval * MS)) {
		done(r, k, false);
		return false;
	}
	posture_record(p, &k->look, file ? &file->held : NULL, &r->event);
	r->at = 0;
	r->telling = (size_t)k->domain;
	r->nnews = standing_judge(&p->standing, r->run->rules, r->scratch, IN_POSTURE, &r->event, p->looked, r->news, NEWS);
	event_posture(&r->event, p->looked);
	servers_set(r->servers, (size_t)k->domain, p);
	r->dirty[k->domain] = r->dirty[k->domain] || r->nnews || posture_due(p) || p->looked - r->saved[k->domain] >= SAVE;
	done(r, k, true);
	if (!posture_due(p))
		return false;
	posture_told(p);
	return true;
}

static struct record *next_alert(struct rounds *r)
{
	while (r->at < r->nnews) {
		const struct standing_news *n = &r->news[r->at++];
		if (n->finding.level < level_low)
			continue;
		alert_make_posture(r->run->rules, &r->event, &n->finding, n->since, record_get_num(&r->event, F_timestamp, 0), n->closed, &r->alert);
		event_alert(&r->alert);
		return &r->alert;
	}
	return NULL;
}

struct record *rounds_next(struct rounds *r)
{
	struct record *alert = next_alert(r);
	for (unsigned i = 0; !alert && i < ROUNDS_LOOKS; i++) {
		if (r->looking[i].state != OVER)
			continue;
		if (conclude(r, &r->looking[i]))
			return &r->event;
		alert = next_alert(r);
	}
	if (!alert && r->once)
		fill(r);
	return alert;
}
