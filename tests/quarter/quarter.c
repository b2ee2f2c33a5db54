/* quarter: ninety days of a made-up mail world on the desk of the judge, and what it says of them.
 *
 *	quarter --list                                              the captures whose sessions are the shapes, one
 *a line quarter TEMPLATES CONFIG RULES [seed=N] [volume=PERCENT] [state=DIR] [restart=DAYS] [interims=1] [lines=1] [each]
 *	quarter TEMPLATES CONFIG RULES keys=N [sessions=M] [state=DIR]          rates and memory: M sessions of N
 *servers in turn
 *
 * There is no network and no packet: sessions are made (dress.h) in the order of time (life.h) and judged by the
 *same code as in read and watch (desk.h). An attack counts as found when an alert of medium or higher with a
 *finding that fits it tells of one of its sessions. An alert of medium or higher none of whose sessions belongs to
 *an attack is a false one, or tells of a real fault (life.h). Prints both, one by one, and sums for
 *tests/quarter.py. each: every alert too. lines: each session is judged on a desk of its sensor first, becomes a
 *line, and is judged once more, from that line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "desk.h"
#include "event_read.h"
#include "json.h"
#include "judge/afresh.h"
#include "judge/outcome.h"
#include "life.h"
#include "read.h"

enum { BUCKETS = 1 << 20, LINES = 400 };

/* What a session was: attack or -1, and cause. */
struct truth {
	int16_t attack;
	uint8_t cause, shape;
	uint8_t server, client;
};

/* What the sensor calls one incident: whose sessions it rests on, and how bad it became. */
struct incident_seen {
	char id[33], finding[64];
	int attack;
	enum cause cause;
	uint32_t alerts;
	uint8_t server, client;
	bool high;
	char first[480];
};

struct quarter {
	struct world world;
	struct dresser dresser;
	struct run run;
	struct life *life;
	struct desk *desk;
	struct store *store;
	const char *state; /* folder, or NULL: in memory */
	struct truth *truth;
	size_t truths, cap;
	struct incident_seen *incident;
	size_t incidents, incident_cap;
	uint32_t bucket[BUCKETS]; /* incidents by id: number + 1 of one, the next ones follow */
	uint64_t sessions;
	uint64_t digest; /* of all alerts, in their order */
	int64_t restart; /* days from one start of the sensor to the next, or 0 */
	bool each, interims;
	struct desk *sensor;  /* with lines; else NULL */
	struct store *sensor_store;
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
	q->truth[v->number] = (struct truth){ (int16_t)attack, (uint8_t)cause, (uint8_t)v->shape,
					      (uint8_t)v->server, (uint8_t)v->client };
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
	struct bytes finding = record_get_str(a, F_rule_id), variant = record_get_str(a, F_variant),
		     why = record_get_str(a, F_event_reason);
	const struct server *s = &q->world.server[t->server];
	snprintf(out, n, "day %d: %.*s%s%.*s, %s: %s, %s to %s; %.*s",
		 (int)((record_get_num(a, F_alert_last, EPOCH) - EPOCH) / DAY), (int)finding.n,
		 (const char *)finding.p, variant.n ? "/" : "", (int)variant.n, (const char *)variant.p,
		 fact_table[F_alert_level].words[record_get_num(a, F_alert_level, 0)],
		 t->attack >= 0 ? q->world.attack[t->attack].name : cause_words[t->cause],
		 q->world.client[t->client].name, s->host, (int)why.n, (const char *)why.p);
}

static struct incident_seen *incident_of(struct quarter *q, const struct record *a)
{
	struct bytes id = record_get_str(a, F_alert_incident);
	uint64_t at = 0;
	for (size_t i = 0; i < id.n; i++)
		at = mixed(at, id.p[i], 1);
	for (at %= BUCKETS; q->bucket[at]; at = (at + 1) % BUCKETS)
		if (bytes_eq(bytes_of(q->incident[q->bucket[at] - 1].id), id))
			return &q->incident[q->bucket[at] - 1];
	if (q->incidents == q->incident_cap) {
		size_t cap = q->incident_cap ? 2 * q->incident_cap : 1024;
		struct incident_seen *more = cap < BUCKETS / 2 ? realloc(q->incident, cap * sizeof(*more)) : NULL;
		if (!more)
			exit(2);
		q->incident = more;
		q->incident_cap = cap;
	}
	struct incident_seen *seen = &q->incident[q->incidents++];
	*seen = (struct incident_seen){ .attack = -1 };
	snprintf(seen->id, sizeof(seen->id), "%.*s", (int)id.n, (const char *)id.p);
	q->bucket[at] = (uint32_t)q->incidents;
	return seen;
}

static void count(struct quarter *q, const struct record *a, const struct truth *t)
{
	struct incident_seen *seen = incident_of(q, a);
	struct bytes finding = record_get_str(a, F_rule_id);
	if (seen->alerts++ == 0) {
		say(seen->first, sizeof(seen->first), a, q, t);
		snprintf(seen->finding, sizeof(seen->finding), "%.*s", (int)finding.n, (const char *)finding.p);
		seen->cause = (enum cause)t->cause;
		seen->server = t->server;
		seen->client = t->client;
	}
	if (t->attack >= 0)
		seen->attack = t->attack;
	if (t->cause >= REAL_FAULTS)
		seen->cause = (enum cause)t->cause;
	seen->high |= record_get_num(a, F_alert_level, 0) >= level_high;
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
	const struct truth *t = whose(q, a);
	static const struct truth nobody = { -1, W_NORMAL, 0, 0, 0 };
	t = t ? t : &nobody;
	if (q->each) {
		char line[500];
		say(line, sizeof(line), a, q, t);
		printf("alert %s\n", line);
	}
	count(q, a, t);
	if (t->attack < 0)
		return;
	struct attack *attack = &q->world.attack[t->attack];
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

static void save(struct quarter *q)
{
	struct error e;
	if (!desk_save(q->desk, &e) || !store_commit(q->store, &e)) {
		fprintf(stderr, "%s\n", e.text);
		exit(2);
	}
}

static void begin(struct quarter *q)
{
	struct error e = { "no memory" };
	q->store = store_open(q->state, NULL, &e);
	q->desk = desk_new(&q->run);
	if (q->store && q->desk && desk_load(q->desk, q->store, &e))
		return;
	fprintf(stderr, "%s\n", e.text);
	exit(2);
}

static void end(struct quarter *q)
{
	save(q);
	desk_free(q->desk);
	store_close(q->store);
}

/* The session as the live sensor tells of it while it is open, when the content comes in clear: that decides
 * already. */
static void interim(struct quarter *q, const struct record *session, struct record *open)
{
	static struct finding finding[RULE_FINDINGS];
	size_t n;
	memcpy(open, session, record_size(session));
	record_num(open, F_cap_phase, phase_interim);
	record_num(open, F_cap_end, endhow_none);
	outcome_judge(open);
	desk_session(q->desk, open, finding, &n);
	alerts(q);
}

static void begin_sensor(struct quarter *q)
{
	struct error e = { "no memory" };
	q->sensor_store = store_open(NULL, NULL, &e);
	q->sensor = desk_new(&q->run);
	if (q->sensor_store && q->sensor && desk_load(q->sensor, q->sensor_store, &e))
		return;
	fprintf(stderr, "%s\n", e.text);
	exit(2);
}

/* The session as `mxwitness judge` has it. */
static void over_a_line(struct quarter *q, struct record *session)
{
	static char line[JSON_LINE];
	static struct finding finding[RULE_FINDINGS];
	struct text t = { line, 0, sizeof(line), false };
	struct desk_alert alert;
	struct error e;
	size_t n;
	if (desk_full(q->sensor) && (!desk_save(q->sensor, &e) || !store_commit(q->sensor_store, &e)))
		exit(2);
	desk_session(q->sensor, session, finding, &n);
	while (desk_alert(q->sensor, &alert))
		;
	if (!json_event(session, JSON_LINE, &t) || !event_read((struct bytes){ (const uint8_t *)line, t.n }, session)) {
		fputs("a session that is no line\n", stderr);
		exit(2);
	}
	afresh(session);
}

static void all_sessions(struct quarter *q)
{
	static struct record session, open;
	static struct finding finding[RULE_FINDINGS];
	struct visit v;
	int attack;
	enum cause cause;
	size_t n;
	int64_t until = q->restart ? EPOCH + q->restart * DAY : INT64_MAX;
	while (life_next(q->life, &v, &attack, &cause)) {
		if (v.at >= until) {
			end(q);
			begin(q);
			until += q->restart * DAY;
		}
		if (desk_full(q->desk) || q->sessions % 256 == 0)
			save(q);
		remember(q, &v, attack, cause);
		if (attack >= 0 && !q->world.attack[attack].first)
			q->world.attack[attack].first = v.at;
		dress(&q->dresser, &v, &session);
		if (q->sensor)
			over_a_line(q, &session);
		if (q->interims && record_get_num(&session, F_smtp_content, 0) > 0)
			interim(q, &session, &open);
		desk_session(q->desk, &session, finding, &n);
		q->sessions++;
		alerts(q);
	}
	desk_end(q->desk, true);
	alerts(q);
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
		unsigned incidents = 0;
		for (size_t k = 0; k < q->incidents; k++)
			incidents += q->incident[k].attack == (int)i;
		printf("%-7s %s%s: %u sessions, %u incidents, %u alerts", a->found ? "found" : "MISSED", a->name,
		       a->hard ? " (hard)" : "", a->touched, incidents, a->alerts);
		if (a->found)
			printf("; by %s, after %.1f hours", a->by, (double)(a->at - a->first) / (double)HOUR);
		printf("\n");
	}
	printf("\nrecall %u of %u (of these hard: %u of %u); attacks without a session: %u\n", found, of,
	       hard_found, hard, idle);
}

/* Incidents of the same finding with the same cause, as one line. */
struct line {
	const struct incident_seen *first;
	uint32_t incidents, alerts, high, servers;
	bool server[ALL_SERVERS];
};

static size_t lines_of(const struct quarter *q, bool real, struct line line[LINES], struct line *sum)
{
	size_t n = 0;
	for (size_t k = 0; k < q->incidents; k++) {
		const struct incident_seen *seen = &q->incident[k];
		size_t i = 0;
		if (seen->attack >= 0 || (seen->cause >= REAL_FAULTS) != real)
			continue;
		while (i < n &&
		       (line[i].first->cause != seen->cause || strcmp(line[i].first->finding, seen->finding) != 0))
			i++;
		if (i == n && n < LINES)
			line[n++] = (struct line){ .first = seen };
		if (i < LINES && !line[i].server[seen->server]) {
			line[i].server[seen->server] = true;
			line[i].servers++;
			sum->servers++;
		}
		for (struct line *to = i < n ? &line[i] : sum; to; to = to == sum ? NULL : sum) {
			to->incidents++;
			to->alerts += seen->alerts;
			to->high += seen->high;
		}
	}
	return n;
}

static void put_address(uint32_t ip)
{
	printf(" %u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

/* What comes again and again and is no attack, for an operator to answer: finding, how often, server, and the
 * client if it is always the same. */
static void tell_chronic(const struct quarter *q)
{
	for (size_t i = 0; i < q->incidents; i++) {
		const struct incident_seen *a = &q->incident[i];
		unsigned n = 0;
		bool one = true, first = true;
		for (size_t k = 0; k < q->incidents; k++) {
			const struct incident_seen *b = &q->incident[k];
			if (b->attack >= 0 || b->server != a->server || strcmp(a->finding, b->finding) != 0)
				continue;
			first &= k >= i;
			one &= b->client == a->client;
			n++;
		}
		if (a->attack >= 0 || n < 3 || !first)
			continue;
		printf("chronic %s %u", a->finding, n);
		put_address(q->world.server[a->server].addr);
		if (one)
			put_address(q->world.client[a->client].addr);
		puts("");
	}
}

/* Of the incidents and their levels, in whatever order they came. */
static uint64_t digest(const struct quarter *q)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < q->incidents; i++) {
		uint64_t one = q->incident[i].high;
		for (const char *c = q->incident[i].id; *c; c++)
			one = mixed(one, (uint64_t)*c, 3);
		sum += one;
	}
	return sum;
}

static void tell_others(const struct quarter *q)
{
	static struct line line[2][LINES];
	static struct line sum[2];
	double weeks = DAYS / 7.0;
	for (int real = 0; real < 2; real++) {
		size_t n = lines_of(q, real, line[real], &sum[real]);
		printf(real ? "\nincidents >= medium about something truly wrong that is no attack:\n"
			    : "\nfalse incidents >= medium, by finding and cause:\n");
		for (size_t i = 0; i < n; i++)
			printf("  %5u (%u high or critical, %u alerts, %u servers)  %s; %s\n        first: %s\n",
			       line[real][i].incidents, line[real][i].high, line[real][i].alerts,
			       line[real][i].servers, line[real][i].first->finding,
			       cause_words[line[real][i].first->cause], line[real][i].first->first);
	}
	uint32_t all = sum[0].incidents + sum[1].incidents;
	printf("\nincidents >= medium that belong to no attack: %u of %lu sessions, i.e. %.1f a week at %.0f "
	       "sessions a week\n",
	       all, (unsigned long)q->sessions, all / weeks, (double)q->sessions / weeks);
	for (int real = 1; real >= 0; real--)
		printf("%s: %u (%u high or critical), %u alerts; different troubles (finding, cause, server): %u\n",
		       real ? "of these about real faults" : "of these false", sum[real].incidents, sum[real].high,
		       sum[real].alerts, sum[real].servers);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* others may be busy on the machine */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long peak(void)
{
	struct rusage use;
	getrusage(RUSAGE_SELF, &use);
	return use.ru_maxrss / 1024;
}

/* As many servers as keys, one after the other, over a week: one in twenty without TLS, the half of them known by
 * name and the others by address. */
static void many(struct quarter *q, unsigned long keys, unsigned long sessions)
{
	static struct record session;
	static struct finding finding[RULE_FINDINGS];
	struct server *s = &q->world.server[0];
	struct desk_alert a;
	size_t n;
	double spent = 0;
	uint64_t told = 0;
	for (unsigned long i = 0; i < sessions; i++) {
		uint64_t key = i % keys;
		bool clear = mixed(key, 5, 5) % 20 == 0;
		*s = q->world.server[1];
		s->promise = P_NONE;
		s->listed = key % 2;
		s->hoster = 0;
		s->addr = (uint32_t)(UINT32_C(0x14000000) + key * 3);
		s->addr2_at = s->upgraded = INT64_MAX;
		snprintf(s->host, sizeof(s->host), "mx.k%07lu.example", (unsigned long)key);
		snprintf(s->domain, sizeof(s->domain), "k%07lu.example", (unsigned long)key);
		struct visit v = { .shape = clear ? S_CLEAR : S_TLS13,
				   .client = (int)(i % 9),
				   .number = (uint32_t)i,
				   .at = EPOCH + (int64_t)((double)i / (double)sessions * 7 * (double)DAY) };
		dress(&q->dresser, &v, &session);
		double from = now();
		if (desk_full(q->desk) || i % 256 == 0)
			save(q);
		desk_session(q->desk, &session, finding, &n);
		while (desk_alert(q->desk, &a))
			told += record_get_num(a.event, F_alert_level, 0) >= level_medium;
		spent += now() - from;
	}
	double from = now();
	end(q);
	spent += now() - from;
	printf("keys %lu sessions %lu seconds %.2f rate %.0f rss_mb %ld alerts %lu\n", keys, sessions, spent,
	       (double)sessions / spent, peak(), (unsigned long)told);
}

static unsigned long option(int argc, char **argv, const char *name, unsigned long fallback)
{
	size_t n = strlen(name);
	for (int i = argc - 1; i >= 4; i--)
		if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=')
			return strtoul(argv[i] + n + 1, NULL, 10);
	return fallback;
}

static const char *word(int argc, char **argv, const char *name)
{
	size_t n = strlen(name);
	for (int i = argc - 1; i >= 4; i--)
		if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=')
			return argv[i] + n + 1;
	return NULL;
}

static int list(void)
{
	for (int i = 0; i < SHAPES; i++)
		puts(shape_capture((enum shape)i));
	return 0;
}

int main(int argc, char **argv)
{
	static struct quarter q;
	struct error e;
	if (argc == 2 && strcmp(argv[1], "--list") == 0)
		return list();
	if (argc < 4)
		return fputs("usage: quarter TEMPLATES CONFIG RULES [seed=N] [volume=PERCENT] [restart=DAYS] "
			     "[each]\n",
			     stderr),
		       2;
	struct options o = { .config = argv[2], .rules = argv[3], .dns = "off" };
	q.restart = (int64_t)option(argc, argv, "restart", 0);
	q.state = word(argc, argv, "state");
	q.interims = option(argc, argv, "interims", 0);
	q.each = strcmp(argv[argc - 1], "each") == 0;
	world_make(&q.world, option(argc, argv, "seed", 1), (uint32_t)option(argc, argv, "volume", 100));
	q.dresser.world = &q.world;
	if (!dresser_read(&q.dresser, argv[1]))
		return 2;
	if (!read_prepare(&o, &q.run, &e))
		return fprintf(stderr, "%s\n", e.text), 2;
	q.life = life_new(&q.world);
	if (!q.life)
		return fputs("no memory\n", stderr), 2;
	begin(&q);
	if (option(argc, argv, "lines", 0))
		begin_sensor(&q);
	unsigned long keys = option(argc, argv, "keys", 0);
	if (keys) {
		many(&q, keys, option(argc, argv, "sessions", 2 * keys));
		return 0;
	}
	double from = now();
	all_sessions(&q);
	double took = now() - from;
	tell_attacks(&q);
	tell_others(&q);
	tell_chronic(&q);
	printf("seed %lu: %lu sessions in %.1f s of processor time (%.0f a second), %ld MB; digest of alerts "
	       "%016lx, of incidents %016lx\n",
	       option(argc, argv, "seed", 1), (unsigned long)q.sessions, took, (double)q.sessions / took, peak(),
	       (unsigned long)q.digest, (unsigned long)digest(&q));
	life_free(q.life);
	end(&q);
	desk_free(q.sensor);
	store_close(q.sensor_store);
	free(q.truth);
	free(q.incident);
	return 0;
}
