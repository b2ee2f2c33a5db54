/* quarter: ninety days of a made-up mail world on the desk of the judge, and what it says of them.
 *
 *	quarter --list                                              the captures whose sessions are the shapes, one a line
 *	quarter TEMPLATES CONFIG RULES [seed=N] [volume=PERCENT] [restart=DAYS] [each]
 *
 * There is no network and no packet: sessions are made (dress.h) in the order of time (life.h) and judged by the same code as in
 * read and watch (desk.h). An attack counts as found when an alert of medium or higher with a finding that fits it tells of one of
 * its sessions. An alert of medium or higher none of whose sessions belongs to an attack is a false one, or tells of a
 * real fault (life.h). Prints both, one by one, and sums for tests/quarter.py. each: every alert too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "desk.h"
#include "life.h"
#include "read.h"

enum { LINES = 400, BY = 64 };

/* What a session was: attack or -1, and cause. */
struct truth {
	int16_t attack;
	uint8_t cause, shape;
	uint8_t server, client;
};

/* Alerts of the same finding with the same cause. */
struct tally {
	char finding[96];
	enum cause cause;
	uint32_t alerts, incidents, high;
	char first[400];
};

struct quarter {
	struct world world;
	struct dresser dresser;
	struct run run;
	struct life *life;
	struct desk *desk;
	struct truth *truth;
	size_t truths, cap;
	struct tally tally[LINES];
	size_t tallies;
	uint64_t sessions, alerts, of_attacks, faults, wrong, wrong_high, faults_high;
	uint64_t digest;                    /* of all alerts, in their order */
	bool each;
	FILE *log;
};

static void remember(struct quarter *q, const struct visit *v, int attack, enum cause cause)
{
	while (v->number >= q->cap) {
		size_t cap = q->cap ? 2 * q->cap : 65536;
		struct truth *more = realloc(q->truth, cap * sizeof(*more));
		if (!more)
			exit(2);
		q->truth = more;
		q->cap = cap;
	}
	q->truth[v->number] = (struct truth){ (int16_t)attack, (uint8_t)cause, (uint8_t)v->shape, (uint8_t)v->server, (uint8_t)v->client };
}

static const struct truth *truth_of(const struct quarter *q, struct bytes id)
{
	char number[9] = "";
	if (id.n < 8)
		return NULL;
	memcpy(number, id.p, 8);
	unsigned long n = strtoul(number, NULL, 16);
	return n < q->cap ? &q->truth[n] : NULL;
}

static bool fits(const char *finds, struct bytes id)
{
	for (const char *at = finds; *at; at += strcspn(at, " "), at += *at == ' ')
		if (strcspn(at, " ") == id.n && memcmp(at, id.p, id.n) == 0)
			return true;
	return false;
}

static void say(char *out, size_t n, const struct record *a, const struct quarter *q, const struct truth *t)
{
	struct bytes finding = record_get_str(a, F_rule_id), variant = record_get_str(a, F_variant), why = record_get_str(a, F_event_reason);
	const struct server *s = &q->world.server[t->server];
	snprintf(out, n, "day %d: %.*s%s%.*s, %s: %s, %s to %s; %.*s", (int)((record_get_num(a, F_alert_last, EPOCH) - EPOCH) / DAY),
		 (int)finding.n, (const char *)finding.p, variant.n ? "/" : "", (int)variant.n, (const char *)variant.p,
		 fact_table[F_alert_level].words[record_get_num(a, F_alert_level, 0)], t->attack >= 0 ? q->world.attack[t->attack].name : cause_words[t->cause],
		 q->world.client[t->client].name, s->host, (int)why.n, (const char *)why.p);
}

static void count(struct quarter *q, const struct record *a, const struct truth *t)
{
	struct bytes finding = record_get_str(a, F_rule_id);
	bool high = record_get_num(a, F_alert_level, 0) >= level_high;
	size_t i = 0;
	for (; i < q->tallies; i++)
		if (q->tally[i].cause == t->cause && bytes_eq(bytes_of(q->tally[i].finding), finding))
			break;
	if (i == LINES)
		return;
	if (i == q->tallies) {
		q->tallies++;
		snprintf(q->tally[i].finding, sizeof(q->tally[i].finding), "%.*s", (int)finding.n, (const char *)finding.p);
		q->tally[i].cause = (enum cause)t->cause;
		say(q->tally[i].first, sizeof(q->tally[i].first), a, q, t);
	}
	q->tally[i].alerts++;
	q->tally[i].high += high;
	q->tally[i].incidents += record_get_num(a, F_alert_revision, 1) == 1;
	*(t->cause >= REAL_FAULTS ? &q->faults : &q->wrong) += 1;
	*(t->cause >= REAL_FAULTS ? &q->faults_high : &q->wrong_high) += high;
}

/* Whose sessions an alert rests on: those of an attack, if any is; else of a real fault; else of the last. */
static const struct truth *whose(const struct quarter *q, const struct record *a)
{
	const struct truth *best = NULL;
	struct bytes id;
	for (size_t pos = 0; record_next(a, F_alert_sessions, &pos, &id);) {
		const struct truth *t = truth_of(q, id);
		if (!t)
			continue;
		bool attack = t->attack >= 0;
		if (attack)
			return t;
		if (!best || best->cause < REAL_FAULTS || t->cause >= REAL_FAULTS)
			best = t;
	}
	return best;
}

static void alert(struct quarter *q, const struct record *a)
{
	struct bytes id = record_get_str(a, F_event_id), finding = record_get_str(a, F_rule_id);
	for (size_t i = 0; i < id.n; i++)
		q->digest = mixed(q->digest, id.p[i], (uint64_t)record_get_num(a, F_alert_level, 0));
	if (record_get_num(a, F_alert_level, 0) < level_medium)
		return;
	q->alerts++;
	const struct truth *t = whose(q, a);
	static const struct truth nobody = { -1, W_NORMAL, 0, 0, 0 };
	t = t ? t : &nobody;
	if (q->each) {
		char line[500];
		say(line, sizeof(line), a, q, t);
		printf("alert %s\n", line);
	}
	if (t->attack < 0) {
		count(q, a, t);
		return;
	}
	struct attack *attack = &q->world.attack[t->attack];
	q->of_attacks++;
	attack->alerts++;
	if (attack->found || !fits(attack->finds, finding))
		return;
	attack->found = true;
	attack->at = record_get_num(a, F_alert_last, 0);
	snprintf(attack->by, sizeof(attack->by), "%.*s, %s", (int)finding.n, (const char *)finding.p,
		 fact_table[F_alert_level].words[record_get_num(a, F_alert_level, 0)]);
}

static void alerts(struct quarter *q)
{
	struct desk_alert a;
	while (desk_alert(q->desk, &a))
		alert(q, a.event);
}

static void all_sessions(struct quarter *q)
{
	static struct record session;
	static struct finding finding[RULE_FINDINGS];
	struct visit v;
	int attack;
	enum cause cause;
	size_t n;
	while (life_next(q->life, &v, &attack, &cause)) {
		remember(q, &v, attack, cause);
		if (attack >= 0 && !q->world.attack[attack].first)
			q->world.attack[attack].first = v.at;
		dress(&q->dresser, &v, &session);
		desk_session(q->desk, &session, finding, &n);
		q->sessions++;
		alerts(q);
	}
}

static void tell_attacks(const struct quarter *q)
{
	unsigned found = 0, of = 0, hard = 0, hard_found = 0, idle = 0;
	for (uint32_t i = 0; i < q->world.attacks; i++) {
		const struct attack *a = &q->world.attack[i];
		if (a->touched == 0) {
			printf("no session   %s\n", a->name);
			idle++;
			continue;
		}
		of++;
		found += a->found;
		hard += a->hard;
		hard_found += a->hard && a->found;
		printf("%-7s %s%s: %u sessions, %u alerts", a->found ? "found" : "MISSED", a->name, a->hard ? " (hard)" : "", a->touched, a->alerts);
		if (a->found)
			printf("; by %s, after %.1f hours", a->by, (double)(a->at - a->first) / (double)HOUR);
		printf("\n");
	}
	printf("\nrecall %u of %u (of these hard: %u of %u); attacks without a session: %u\n", found, of, hard_found, hard, idle);
}

static void tell_others(const struct quarter *q)
{
	double weeks = DAYS / 7.0;
	for (int real = 0; real < 2; real++) {
		printf(real ? "\nalerts >= medium about something truly wrong that is no attack:\n" : "\nfalse alerts >= medium, by finding and cause:\n");
		for (size_t i = 0; i < q->tallies; i++)
			if ((q->tally[i].cause >= REAL_FAULTS) == real)
				printf("  %5u (%u high; %u incidents)  %s, %s\n        first: %s\n", q->tally[i].alerts, q->tally[i].high, q->tally[i].incidents,
				       q->tally[i].finding, cause_words[q->tally[i].cause], q->tally[i].first);
	}
	printf("\nalerts >= medium that belong to no attack: %lu of %lu sessions, i.e. %.1f a week at %.0f sessions a week\n",
	       (unsigned long)(q->wrong + q->faults), (unsigned long)q->sessions, (double)(q->wrong + q->faults) / weeks, (double)q->sessions / weeks);
	printf("of these about real faults: %lu (%lu high or critical); false: %lu (%lu high or critical)\n", (unsigned long)q->faults,
	       (unsigned long)q->faults_high, (unsigned long)q->wrong, (unsigned long)q->wrong_high);
}

static unsigned long option(int argc, char **argv, const char *name, unsigned long fallback)
{
	size_t n = strlen(name);
	for (int i = 4; i < argc; i++)
		if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=')
			return strtoul(argv[i] + n + 1, NULL, 10);
	return fallback;
}

static int list(void)
{
	for (int i = 0; i < SHAPES; i++)
		puts(shape_capture((enum shape)i));
	return 0;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static struct quarter q;
	struct error e;
	if (argc == 2 && strcmp(argv[1], "--list") == 0)
		return list();
	if (argc < 4)
		return fputs("usage: quarter TEMPLATES CONFIG RULES [seed=N] [volume=PERCENT] [restart=DAYS] [each]\n", stderr), 2;
	struct options o = { .config = argv[2], .rules = argv[3], .dns = "off" };
	q.each = strcmp(argv[argc - 1], "each") == 0;
	world_make(&q.world, option(argc, argv, "seed", 1), (uint32_t)option(argc, argv, "volume", 100));
	q.dresser.world = &q.world;
	if (!dresser_read(&q.dresser, argv[1]))
		return 2;
	if (!read_prepare(&o, &q.run, &e))
		return fprintf(stderr, "%s\n", e.text), 2;
	q.life = life_new(&q.world);
	q.desk = desk_new(&q.run);
	if (!q.life || !q.desk)
		return fputs("no memory\n", stderr), 2;
	double begin = now();
	all_sessions(&q);
	double took = now() - begin;
	tell_attacks(&q);
	tell_others(&q);
	struct rusage use;
	getrusage(RUSAGE_SELF, &use);
	printf("seed %lu: %lu sessions in %.1f s (%.0f a second), %ld MB; alerts' digest %016lx\n", option(argc, argv, "seed", 1),
	       (unsigned long)q.sessions, took, (double)q.sessions / took, use.ru_maxrss / 1024, (unsigned long)q.digest);
	life_free(q.life);
	desk_free(q.desk);
	free(q.truth);
	return 0;
}
