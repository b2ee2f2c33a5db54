/* life: see life.h. A heap of what is due, each of which may make more. */
#include "life.h"

#include <math.h>
#include <stdlib.h>

const char *const cause_words[CAUSES] = {
	"an everyday session",
	"a server that never had TLS",
	"greylisting",
	"a certificate renewed",
	"a server upgraded",
	"a server moved",
	"two products behind one address",
	"the backup host, while the first is down",
	"a server that offers TLS to others only",
	"a host that does not answer",
	"a retry from the queue",
	"a scan",
	"a health check",
	"a foreign client without TLS",
	"packets lost",
	"DNS out of order",
	"TLS refused now and then",
	"TLS broken for everybody",
	"a TLSA roll-over done wrong",
	"TLS switched off by the owner",
	"an own program without TLS",
	"a backup host without DANE, while the first is down",
};

enum job_kind { J_OUTBOUND, J_INBOUND, J_MAIL, J_VISIT, J_HEALTH, J_SCAN, J_FORGE, J_APP };

struct job {
	int64_t at;
	uint32_t order, attempt, first;
	enum job_kind kind;
	int server, client, attack;
	enum cause cause;
	struct visit visit;
};

struct life {
	struct world *w;
	struct dice dice;
	struct job *heap;
	size_t n, cap;
	uint32_t order, number;
	int64_t seen[ALL_SERVERS][CLIENTS];
	bool full;
};

static bool before(const struct job *a, const struct job *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct life *l, struct job job)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 1024;
		struct job *more = realloc(l->heap, cap * sizeof(*more));
		if (!more) {
			l->full = true;
			return;
		}
		l->heap = more;
		l->cap = cap;
	}
	job.order = l->order++;
	size_t i = l->n++;
	for (; i && before(&job, &l->heap[(i - 1) / 2]); i = (i - 1) / 2)
		l->heap[i] = l->heap[(i - 1) / 2];
	l->heap[i] = job;
}

static struct job pop(struct life *l)
{
	struct job top = l->heap[0], last = l->heap[--l->n];
	size_t i = 0;
	for (size_t child; (child = 2 * i + 1) < l->n; i = child) {
		child += child + 1 < l->n && before(&l->heap[child + 1], &l->heap[child]);
		if (!before(&l->heap[child], &last))
			break;
		l->heap[i] = l->heap[child];
	}
	l->heap[i] = last;
	return top;
}

/* Time to the next of so many a week. */
static int64_t gap_of(struct life *l, double weekly)
{
	double u = ((double)dice(&l->dice, 1000000) + 1) / 1000001;
	return (int64_t)(-log(u) * (double)(7 * DAY) / weekly);
}

/* Night, day and weekend: permille of the busiest hour. */
static uint32_t busy(int64_t at)
{
	static const uint16_t hour[24] = { 120, 90,  80,  80,  90,  150, 300, 600, 900, 1000, 980, 950,
					   800, 900, 950, 920, 850, 700, 500, 400, 330, 280,  220, 160 };
	int64_t since = at - EPOCH;
	bool weekend = since / DAY % 7 >= 5;
	return hour[since / HOUR % 24] * (weekend ? 35u : 100u) / 100;
}

static struct attack *attack_on(struct life *l, int server, int client, int64_t at, int *number)
{
	for (uint32_t i = 0; i < l->w->attacks; i++) {
		struct attack *a = &l->w->attack[i];
		bool aimed = false;
		for (unsigned k = 0; k < a->targets; k++)
			aimed |= a->target[k] == server;
		if (!aimed || !(a->clients >> client & 1) || at < a->t0 || at >= a->t1 ||
		    (a->most && a->touched >= a->most))
			continue;
		int64_t share = a->permille0 + (a->permille1 - a->permille0) * (at - a->t0) / (a->t1 - a->t0);
		if (!chance(&l->dice, (uint32_t)share))
			continue;
		*number = (int)i;
		return a;
	}
	*number = -1;
	return NULL;
}

/* One attempt to hand over a mail, as it is being played. */
struct handover {
	struct job job;
	const struct server *s;
	const struct client *c;
	bool insists, backup, weaker;
	int attack;
	enum cause cause;
	unsigned delay;
};

static struct visit *visit_set(struct life *l, struct handover *a, struct job *job, enum shape shape)
{
	*job = (struct job){
		.at = a->job.at + a->delay++ * SECOND, .kind = J_VISIT, .attack = a->attack, .cause = a->cause
	};
	job->visit = (struct visit){ .shape = shape,
				     .server = a->job.server,
				     .client = a->job.client,
				     .at = job->at,
				     .number = l->number++ };
	struct visit *v = &job->visit;
	v->dns_fails = world_event(l->w, E_DNS, a->job.server, v->at);
	v->gap = world_event(l->w, E_GAPS, a->job.server, v->at) && chance(&l->dice, 40);
	v->one_side = world_event(l->w, E_ONE_SIDE, a->job.server, v->at) && chance(&l->dice, 300);
	if (a->attack < 0 && (v->gap || v->one_side))
		job->cause = W_LOST;
	else if (a->attack < 0 && v->dns_fails && (a->cause == W_NORMAL || a->cause == W_RETRY))
		job->cause = W_DNS_FAILED;
	if (a->attack >= 0)
		l->w->attack[a->attack].touched++;
	l->seen[a->job.server][a->job.client] = v->at;
	return v;
}

static void visit(struct life *l, struct handover *a, enum shape shape)
{
	struct job job;
	visit_set(l, a, &job, shape);
	push(l, job);
}

static void retry(struct life *l, const struct handover *a)
{
	struct job again = a->job;
	int64_t wait = 300 * SECOND << (again.attempt < 4 ? again.attempt : 4);
	again.attempt++;
	again.at += wait + (int64_t)dice(&l->dice, 60) * SECOND;
	again.server = (int)again.first;
	if (again.attempt < 40)
		push(l, again);
}

/* TLS did not come about. Who insists tries later; others go on in clear: at once, or when the mail comes from the
 * queue again. */
static void without_tls(struct life *l, struct handover *a)
{
	bool queue = a->c->waits && a->job.attempt == 0;
	if (!a->insists && !queue)
		visit(l, a, S_UNUSED);
	else
		retry(l, a);
}

static void either(struct life *l, struct handover *a, enum shape delivered, enum shape refused,
		   const struct visit *how)
{
	struct job job;
	struct visit *v = visit_set(l, a, &job, a->insists ? refused : delivered);
	v->masked = how->masked;
	v->forged = how->forged;
	v->alike = how->alike;
	v->elsewhere = how->elsewhere;
	v->rollover = how->rollover;
	push(l, job);
	if (a->insists)
		retry(l, a);
}

static void attacked(struct life *l, struct handover *a, enum attack_kind kind)
{
	bool tls13 = world_tls13(a->s, a->job.at);
	switch (kind) {
	case A_STRIP:
		either(l, a, S_CLEAR, S_CLEAR_QUIT, &(struct visit){ 0 });
		break;
	case A_MASK:
		either(l, a, S_CLEAR, S_CLEAR_QUIT, &(struct visit){ .masked = true });
		break;
	case A_REFUSE:
		either(l, a, S_REFUSED, S_REFUSED_QUIT, &(struct visit){ 0 });
		break;
	case A_REDIRECT:
		either(l, a, S_CLEAR, S_CLEAR_QUIT, &(struct visit){ .elsewhere = true });
		break;
	case A_INTERCEPT:
	case A_LOOKALIKE:
		either(l, a, tls13 ? S_TLS13 : S_TLS12, tls13 ? S_TLS13_REFUSED : S_TLS12_REFUSED,
		       &(struct visit){ .forged = true, .alike = kind == A_LOOKALIKE });
		break;
	case A_BANNER:
		visit(l, a, S_BANNER);
		break;
	case A_RESET:
		visit(l, a, S_RESET);
		without_tls(l, a);
		break;
	case A_RST:
		visit(l, a, S_RST);
		without_tls(l, a);
		break;
	case A_ANSWERED:
		visit(l, a, S_ANSWERED);
		retry(l, a);
		break;
	case A_SENTINEL:
		visit(l, a, S_SENTINEL);
		retry(l, a);
		break;
	case A_DANCE:
		visit(l, a, S_RESET);
		visit(l, a, S_DANCE);
		visit(l, a, S_WEAK);
		break;
	case A_REWRITE:
		visit(l, a, S_REWRITE);
		break;
	case A_CONFLICT:
		visit(l, a, S_CONFLICT);
		break;
	case A_STEER:
	case A_STEER_CUT:
	case A_NONE:
		visit(l, a, tls13 ? S_TLS13 : S_TLS12);
		break;
	}
}

static bool lately(int64_t at, int64_t what, int64_t within)
{
	return at >= what && at < what + within;
}

static void everyday(struct life *l, struct handover *a)
{
	const struct server *s = a->s;
	int64_t at = a->job.at;
	bool known = l->seen[a->job.server][a->job.client] > at - 30 * DAY,
	     before_now = l->seen[a->job.server][a->job.client] > at - 2 * HOUR;
	if (s->promise == P_NEVER || at >= s->off_at) {
		a->cause = s->promise == P_NEVER ? W_NEVER_TLS : W_TLS_OFF;
		visit(l, a, S_CLEAR);
	} else if (s->withheld >= 0 && s->withheld == a->job.client) {
		a->cause = W_RESTRICTED;
		visit(l, a, S_CLEAR);
	} else if (world_event(l->w, E_BROKEN, a->job.server, at)) {
		a->cause = W_BROKEN;
		visit(l, a, S_ALERT);
		without_tls(l, a);
	} else if (world_event(l->w, E_ROLLOVER, a->job.server, at)) {
		a->cause = W_ROLLOVER;
		either(l, a, S_TLS12, S_TLS12_REFUSED, &(struct visit){ .rollover = true });
	} else if (s->flaky && chance(&l->dice, s->flaky)) {
		a->cause = W_FLAKY;
		either(l, a, S_REFUSED, S_REFUSED_QUIT, &(struct visit){ 0 });
	} else if (s->grey && !known) {
		a->cause = W_GREYLISTED;
		visit(l, a, S_GREY);
		retry(l, a);
	} else if (a->c->clear) {
		a->cause = a->c->kind == C_FOREIGN ? W_FOREIGN_CLEAR : W_APP_CLEAR;
		visit(l, a, S_UNUSED);
	} else {
		bool renewed = world_certificate(s, at) != world_certificate(s, at - 5 * DAY);
		a->cause = lately(at, s->addr2_at, 5 * DAY)   ? W_MOVED
			   : lately(at, s->upgraded, 5 * DAY) ? W_UPGRADED
			   : renewed                          ? W_RENEWED
			   : a->backup                        ? (a->weaker ? W_WEAK_BACKUP : W_BACKUP)
			   : s->balanced                      ? W_BALANCED
			   : a->job.attempt                   ? W_RETRY
							      : W_NORMAL;
		visit(l, a,
		      world_tls13(s, at)                    ? S_TLS13
		      : before_now && chance(&l->dice, 400) ? S_RESUMED
							    : S_TLS12);
	}
}

static void mail(struct life *l, struct job job)
{
	const struct world *w = l->w;
	struct handover a = { .job = job };
	job.first = (uint32_t)job.server;
	a.job.first = job.first;
	if (job.at >= w->server[job.server].moves_at)
		a.job.server = w->server[job.server].moves_to;
	a.c = &w->client[job.client];
	struct attack *attack = attack_on(l, a.job.server, job.client, job.at, &a.attack);
	if (attack && (attack->kind == A_STEER || attack->kind == A_STEER_CUT)) {
		a.s = &w->server[a.job.server];
		visit(l, &a, attack->kind == A_STEER ? S_ATTEMPT : S_RESET);
	} else if (!attack && world_event(w, E_DOWN, a.job.server, job.at) && a.c->kind <= C_APP) {
		a.cause = W_DOWN;
		visit(l, &a, S_ATTEMPT);
	}
	if (attack && (attack->kind == A_STEER || attack->kind == A_STEER_CUT))
		a.job.server = w->server[a.job.server].backup;
	else if (w->server[a.job.server].backup >= 0 && world_event(w, E_DOWN, a.job.server, job.at)) {
		a.weaker = w->server[a.job.server].promise == P_DANE;
		a.job.server = w->server[a.job.server].backup;
		a.weaker = a.weaker && w->server[a.job.server].promise != P_DANE;
		a.backup = true;
	}
	a.s = &w->server[a.job.server];
	bool dane = (a.s->promise == P_DANE || a.s->promise == P_OWN) && job.at >= a.s->dane_from;
	a.insists = (dane && a.c->enforce_dane) || (a.s->promise == P_STS && a.c->enforce_sts);
	if (world_event(w, E_DOWN, a.job.server, job.at))
		retry(l, &a);
	else if (attack)
		attacked(l, &a, attack->kind);
	else
		everyday(l, &a);
}

static void outbound(struct life *l, struct job job)
{
	const struct server *s = &l->w->server[job.server];
	struct job next = job;
	next.at += gap_of(l, s->weekly * 2.2);
	if (next.at < EPOCH + DAYS * DAY)
		push(l, next);
	if (!chance(&l->dice, busy(job.at)))
		return;
	/* Partners have their usual client; some mail goes by another. */
	int client = chance(&l->dice, 500) ? job.server % 9 : (int)dice(&l->dice, 9);
	if (job.at < l->w->client[client].begins)
		client = 2;
	mail(l, (struct job){ .at = job.at, .kind = J_MAIL, .server = job.server, .client = client });
}

static void inbound(struct life *l, struct job job, uint32_t weekly)
{
	struct job next = job;
	next.at += gap_of(l, weekly * 2.2);
	if (next.at < EPOCH + DAYS * DAY)
		push(l, next);
	if (chance(&l->dice, busy(job.at)))
		mail(l, (struct job){ .at = job.at,
				      .kind = J_MAIL,
				      .server = SERVERS + (int)dice(&l->dice, OWN_SERVERS),
				      .client = job.client });
}

/* A visit without mail, and the next of the kind after that time. */
static void probe(struct life *l, struct job job, int server, enum shape shape, enum cause cause, int64_t every)
{
	struct handover a = { .job = { .at = job.at, .server = server, .client = job.client },
			      .attack = -1,
			      .cause = cause };
	a.s = &l->w->server[server];
	a.c = &l->w->client[job.client];
	if (shape == S_MONITOR && !world_tls13(a.s, job.at))
		shape = S_PROBE;
	if (!world_event(l->w, E_DOWN, server, job.at))
		visit(l, &a, a.s->promise == P_NEVER || job.at >= a.s->off_at ? S_CLEAR_QUIT : shape);
	job.at += every;
	if (job.at < EPOCH + DAYS * DAY)
		push(l, job);
}

/* The own scanner looks at 60 partners within an hour, once a week. */
static void scan(struct life *l, struct job job)
{
	int64_t every = job.attempt % 60 == 59 ? 7 * DAY - 59 * 50 * SECOND : 50 * SECOND;
	int server = (int)(mixed(job.attempt, 3, 3) % SERVERS);
	job.attempt++;
	probe(l, job, server, job.attempt % 2 ? S_PROBE : S_MONITOR, W_SCAN, every);
}

static void forge(struct life *l, struct job job)
{
	const struct attack *attack = &l->w->attack[job.attack];
	struct handover a = { .job = { .at = job.at, .server = job.server, .client = 12 }, .attack = job.attack };
	struct job made;
	struct visit *v = visit_set(l, &a, &made, S_CLEAR);
	v->spoofed = 1 + job.attempt % 40;
	push(l, made);
	job.attempt++;
	job.at += 4 * MINUTE;
	if (job.at < attack->t0)
		push(l, job);
}

struct life *life_new(struct world *w)
{
	struct life *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->w = w;
	l->dice.state = mixed(w->seed, 21, 22);
	for (int i = 0; i < SERVERS; i++)
		if (w->server[i].weekly)
			push(l, (struct job){ .at = EPOCH + gap_of(l, w->server[i].weekly * 2.2),
					      .kind = J_OUTBOUND,
					      .server = i });
	for (int i = 0; i < CLIENTS; i++) {
		struct job job = { .at = EPOCH + (int64_t)dice(&l->dice, 3600) * SECOND,
				   .client = i,
				   .attack = -1 };
		static const enum job_kind kinds[] = { [C_MTA] = J_VISIT,
						       [C_APP] = J_APP,
						       [C_SCANNER] = J_SCAN,
						       [C_HEALTH] = J_HEALTH,
						       [C_FOREIGN] = J_INBOUND,
						       [C_FOREIGN_SCANNER] = J_HEALTH,
						       [C_FOREIGN_HEALTH] = J_HEALTH };
		job.kind = kinds[w->client[i].kind];
		if (job.kind != J_VISIT)
			push(l, job);
	}
	for (uint32_t i = 0; i < w->attacks; i++)
		if (w->attack[i].forged_from)
			push(l, (struct job){ .at = w->attack[i].forged_from,
					      .kind = J_FORGE,
					      .server = w->attack[i].target[0],
					      .attack = (int)i });
	return l;
}

void life_free(struct life *l)
{
	if (!l)
		return;
	free(l->heap);
	free(l);
}

static void play(struct life *l, struct job job)
{
	const struct client *c = &l->w->client[job.client];
	switch (job.kind) {
	case J_OUTBOUND:
		outbound(l, job);
		break;
	case J_INBOUND:
		inbound(l, job, 60);
		break;
	case J_APP:
		inbound(l, job, 40);
		break;
	case J_MAIL:
		mail(l, job);
		break;
	case J_SCAN:
		scan(l, job);
		break;
	case J_HEALTH:
		probe(l, job, SERVERS + (c->kind == C_FOREIGN_SCANNER), c->kind == C_HEALTH ? S_MONITOR : S_PROBE,
		      c->kind == C_FOREIGN_SCANNER ? W_SCAN : W_HEALTH,
		      c->kind == C_HEALTH           ? HOUR
		      : c->kind == C_FOREIGN_HEALTH ? 2 * HOUR
						    : DAY);
		break;
	case J_FORGE:
		forge(l, job);
		break;
	case J_VISIT:
		break;
	}
}

bool life_next(struct life *l, struct visit *v, int *attack, enum cause *cause)
{
	while (l->n && !l->full) {
		struct job job = pop(l);
		if (job.kind != J_VISIT) {
			play(l, job);
			continue;
		}
		*v = job.visit;
		*attack = job.attack;
		*cause = job.cause;
		return true;
	}
	return false;
}
