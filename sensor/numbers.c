/* numbers: see numbers.h. Puts together what stats_sum, tally, vitals and standing do each for itself. */
#include "numbers.h"

#include <sys/mman.h>

#include "judge/event.h"
#include "outbox.h"

enum { YOUNG = 3 };
#define MS INT64_C(1000000)

struct numbers *numbers_new(void)
{
	struct numbers *n = mmap(NULL, sizeof(*n), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (n == MAP_FAILED)
		return NULL;
	n->sum = stats_sum_new();
	record_init(&n->now);
	return n->sum ? n : NULL;
}

static struct vitals_config bounds(const struct settings *s)
{
	struct vitals_config c = vitals_defaults();
	c.silence_packets = (int64_t)s->silence_packets * MS;
	c.silence_mail = (int64_t)s->silence_mail * MS;
	c.silence_one_direction = (int64_t)s->silence_one_direction * MS;
	return c;
}

/* But not who sends: those who go on count on. */
static void forget(struct numbers *n)
{
	struct stats_sum *sum = n->sum;
	uint64_t life[STATS_PARTS];
	memcpy(life, n->life, sizeof(life));
	stats_sum_clear(sum);
	memset(n, 0, sizeof(*n));
	n->sum = sum;
	memcpy(n->life, life, sizeof(life));
}

void numbers_begin(struct numbers *n, const struct settings *s, int64_t mono, int64_t wall)
{
	struct vitals_config config = bounds(s);
	if (n->starts++ >= YOUNG)
		forget(n);
	stats_sum_check(n->sum);
	stats_sum_restarted(n->sum, NUMBERS_JUDGE);
	if (n->begun) {
		vitals_configure(&n->vitals, &config);
		return;
	}
	vitals_start(&n->vitals, &config, mono, wall);
	record_init(&n->now);
	n->event.at = mono;
	n->begun = true;
}

void numbers_good(struct numbers *n)
{
	n->starts = 0;
}

void numbers_hello(struct numbers *n, unsigned part, struct bytes hello)
{
	uint64_t life = outbox_open(&hello);
	if (part >= STATS_PARTS || (life && life == n->life[part]))
		return;
	n->life[part] = life;
	stats_sum_restarted(n->sum, part);
}

bool numbers_take(struct numbers *n, unsigned part, struct bytes record)
{
	bool good = record.n <= sizeof(n->part) && record.n >= offsetof(struct record, text);
	if (good) {
		memcpy(&n->part, record.p, record.n);
		good = record_check(&n->part, record.n);
	}
	if (good)
		stats_sum_take(n->sum, part, &n->part);
	n->refused += !good;
	return good;
}

void numbers_look(struct numbers *n, const struct record *own, int64_t mono, int64_t wall)
{
	record_init(&n->part);
	tally_fill(&n->tally, &n->part);
	record_num(&n->part, F_st_suppressed, (int64_t)n->standing.suppressed);
	record_num(&n->part, F_st_refused, (int64_t)n->refused);
	stats_sum_take(n->sum, NUMBERS_TALLY, &n->part);
	stats_sum_take(n->sum, NUMBERS_JUDGE, own);
	stats_sum_fill(n->sum, &n->now);
	vitals_update(&n->vitals, mono, wall, &n->now);
	event_stats(&n->now, wall);
}

void numbers_event(struct numbers *n, int64_t mono)
{
	const struct vitals_marks *m = &n->vitals.before;
	int64_t packets = m->packets - n->event.packets, lost = m->lost - n->event.lost;
	record_num(&n->now, F_st_interval, mono - n->event.at);
	if (packets >= 0 && lost >= 0)
		record_num(&n->now, F_st_drop_ppm, lost ? (int64_t)((double)lost * 1e6 / ((double)lost + (double)packets)) : 0);
	n->event.at = mono;
	n->event.packets = m->packets;
	n->event.lost = m->lost;
}
