/* correlate: findings that no single session shows: rules over several sessions, in the time of their packets.
 *
 * Sessions come in any order. Each waits until none that ended before it can come any more (the watermark: the latest
 * end seen, less the lateness), and they are then taken in order of end and id. So what is found does not depend on
 * the order of arrival within the lateness, nor on who gives the sessions: a live sensor or a file. A session that
 * comes later than that is counted and left out. Sigma's specification of correlation rules has the words. */
#ifndef JUDGE_CORRELATE_H
#define JUDGE_CORRELATE_H
#include "judge/rule.h"

/* CORRELATE_RULES   rules of one correlation
 * CORRELATE_BY      facts to group by; at most one of them is a list
 * CORRELATE_ITEMS   items of that list, and of the list that value_count counts, that are looked at in one session
 * CORRELATE_COUNT   greatest number a condition may ask for
 * CORRELATE_ID      octets of a session's id */
enum { CORRELATE_RULES = 8, CORRELATE_BY = 8, CORRELATE_ITEMS = 16, CORRELATE_COUNT = 63, CORRELATE_ID = 64 };

enum correlate_type { CORRELATE_EVENTS, CORRELATE_VALUES, CORRELATE_TEMPORAL, CORRELATE_ORDERED };

/* One correlation document.
 * rule     what it is as a rule: finding, level, texts (index into rules->rule)
 * member   its rules, as indexes; members of them
 * by       by member: the facts whose values name the group (aliases resolved)
 * field    CORRELATE_VALUES: by member, the fact whose different values are counted
 * least, most  the condition: it holds when the count is within both
 * window   ns: what happened in (t - window, t] counts together */
struct correlation {
	uint32_t rule;
	uint32_t member[CORRELATE_RULES];
	uint16_t by[CORRELATE_RULES][CORRELATE_BY], field[CORRELATE_RULES];
	uint8_t type, members, bys, least, most;
	int64_t window;
};

/* groups   of each correlation; the one that was quiet longest makes room, and is counted
 * waiting  sessions between arrival and watermark; when there are more, the earliest is taken early, and is counted
 * lateness ns */
struct correlate_budget {
	uint32_t groups, waiting;
	int64_t lateness;
};

/* late     sessions that came behind the watermark, and were left out
 * early    sessions taken before the watermark, for room
 * evicted  groups that still mattered and made room for others
 * again    sessions that waited already when they came once more
 * unfit    sessions without an end or a usable id */
struct correlate_counts {
	uint64_t late, early, evicted, again, unfit, fired, suppressed;
};

struct correlator;

/* All memory is taken here; NULL: none. rules outlive it. */
struct correlator *correlator_new(const struct rules *rules, const struct correlate_budget *budget);
void correlator_free(struct correlator *c);

/* correlator_push: one final session, as rules_judge left it; it is copied when a correlation may need it. After each
 * push call correlator_next until it says false. */
void correlator_push(struct correlator *c, struct rule_scratch *s, const struct record *session);
/* Time has come to now (ns) although no session says so. */
void correlator_time(struct correlator *c, int64_t now);
/* Nothing more will come: all that waits is due. */
void correlator_end(struct correlator *c);

/* What was found.
 * session   the one that completed it; valid until the next call
 * id        the sessions it rests on, in their order, that one last; borrowed likewise */
struct correlated {
	const struct correlation *by;
	struct finding finding;
	const struct record *session;
	struct bytes id[CORRELATE_COUNT + 1];
	size_t ids;
	int64_t first;             /* end of the first of them, ns */
};
/* The next finding that is due; false: none now. */
bool correlator_next(struct correlator *c, struct rule_scratch *s, struct correlated *out);

struct correlate_counts correlator_counts(const struct correlator *c);

/* correlator_save: the state as octets, the same for the same state; returns how many they are, of which at most cap
 * are written (0, cap 0: only the size). Only between a correlator_next that said false and the next push.
 * correlator_load: into a new correlator. What belongs to a correlation that is not there any more, or is another now,
 * is left out. false: no such state; the correlator is empty then. */
size_t correlator_save(const struct correlator *c, uint8_t *out, size_t cap);
bool correlator_load(struct correlator *c, struct bytes state);
#endif
