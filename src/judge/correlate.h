/* correlate: findings that no single session shows: rules over several sessions, in the time of their packets.
 *
 * Sessions come in any order. Each waits until none that ended before it can come any more (the watermark: the latest
 * end seen, less the lateness), and they are then taken in order of end and id. So what is found does not depend on
 * the order of arrival within the lateness, nor on who gives the sessions: a live sensor or a file. A session that
 * comes later than that, as one does whose end nobody saw, is counted, and joins the others as soon as it comes. Sigma's specification of correlation rules has the words. */
#ifndef JUDGE_CORRELATE_H
#define JUDGE_CORRELATE_H
#include "judge/rule.h"

/* Several sensors. Who sees a connection twice, in front of and behind a translator of addresses, must not count it twice: sessions
 * of two sensors (observer.name) with the same initial sequence numbers are one, but where a rule asks for just that difference
 * (grouped by mxwitness.tcp.isn, or apart by observer.name). And an address that others may have as well (kinship_local) names
 * somebody at its sensor only: as a key, the sensor's name belongs to it.
 *
 * CORRELATE_RULES   rules of one correlation
 * CORRELATE_BY      facts to group by; at most one of them is a list
 * CORRELATE_ITEMS   items of that list, and of the list that value_count counts, that are looked at in one session
 * CORRELATE_COUNT   greatest number a condition may ask for
 * CORRELATE_APART   facts in which two rules of a temporal correlation may have to differ
 * CORRELATE_SIDES   different sessions of each of them that are remembered; the one that is older than the others makes room
 * CORRELATE_ID      octets of a session's id
 * CORRELATE_HASH    octets of the hashes by which keys, values and documents are known
 * CORRELATE_ROW     octets of a row of the saved state */
enum { CORRELATE_RULES = 8, CORRELATE_BY = 8, CORRELATE_ITEMS = 16, CORRELATE_COUNT = 63, CORRELATE_APART = 2,
       CORRELATE_SIDES = 8, CORRELATE_ID = 32, CORRELATE_HASH = 16, CORRELATE_ROW = 32768 };

enum correlate_type { CORRELATE_EVENTS, CORRELATE_VALUES, CORRELATE_TEMPORAL, CORRELATE_ORDERED };

/* One correlation document.
 * rule     what it is as a rule: finding, level, texts (index into rules->rule)
 * member   its rules, as indexes; members of them
 * by       by member: the facts whose values name the group (aliases resolved)
 * field    CORRELATE_VALUES: by member, the fact whose different values are counted
 * apart    the key `apart` of `mxwitness:`, aparts of them. Of CORRELATE_VALUES a second fact in which they must differ as well. Of
 *          CORRELATE_TEMPORAL with two rules: facts that tell the one's sessions from the other's: it holds with a session of
 *          each, of which neither has a value that is found on the other side, too
 * least, most  the condition: it holds when the count is within both
 * window   ns: what happened in (t - window, t] counts together */
struct correlation {
	uint32_t rule;
	uint32_t member[CORRELATE_RULES];
	uint16_t by[CORRELATE_RULES][CORRELATE_BY], field[CORRELATE_RULES];
	uint16_t apart[CORRELATE_APART];
	uint8_t type, members, bys, aparts, least, most;
	int64_t window;
};

/* groups   of each correlation; the one that was quiet longest makes room, and is counted
 * waiting  sessions between arrival and watermark; when there are more, the earliest is taken early, and is counted
 * lateness ns */
struct correlate_budget {
	uint32_t groups, waiting;
	int64_t lateness;
};

/* late       sessions that came behind the watermark
 * early      sessions taken before the watermark, for room
 * evicted    groups that still mattered and made room for others
 * again      sessions that waited already when they came once more
 * unfit      sessions without an end or a usable id
 * fired      findings            suppressed  those that would have been, in the quiet time after one
 * dropped    rows of a saved state that fit nothing any more: another document, another layout of facts, less room
 * groups, waiting  as many as there are now */
struct correlate_counts {
	uint64_t late, early, evicted, again, unfit, fired, suppressed, dropped, groups, waiting;
};

struct correlator;

/* All memory is taken here; NULL: none. rules outlive it. */
struct correlator *correlator_new(const struct rules *rules, const struct correlate_budget *budget);
void correlator_free(struct correlator *c);
/* Octets that a correlator of these rules and this budget takes at most; the system gives them page by page, as they are used. */
size_t correlator_memory(const struct rules *rules, const struct correlate_budget *budget);

/* correlator_push: one final session, as rules_judge left it; it is copied when a correlation may need it. After each
 * push call correlator_next until it says false. */
void correlator_push(struct correlator *c, struct rule_scratch *s, const struct record *session);
/* Time has come to now (ns) although no session says so. */
void correlator_time(struct correlator *c, int64_t now);
/* Nothing more will come: all that waits is due. */
void correlator_end(struct correlator *c);

/* What was found. Of several correlations with one finding id that one session completes, the surest stands for all, with
 * the highest level of them.
 * session   the one that completed it; valid until the next call
 * id        the sessions it rests on, in their order, that one last; borrowed likewise */
struct correlated {
	const struct correlation *by;
	struct finding finding;
	const struct record *session;
	struct bytes id[CORRELATE_COUNT + 1];
	size_t ids;
	uint8_t group[CORRELATE_HASH];   /* hash of what they have in common */
	int64_t first;             /* end of the first of them, ns */
};
/* The next finding that is due; false: none now. */
bool correlator_next(struct correlator *c, struct rule_scratch *s, struct correlated *out);

struct correlate_counts correlator_counts(const struct correlator *c);

/* The state as rows, to be kept where rows are kept. A row is known by table and slot; another of the same takes its place,
 * and one of no octets removes it. */
enum { CORRELATE_ROW_STATE = 0, CORRELATE_ROW_GROUP = 1, CORRELATE_ROW_WAIT = 2 };
struct correlate_row {
	uint8_t kind, table[CORRELATE_HASH];   /* table: zeros but for groups */
	uint32_t slot;
	struct bytes octets;
};
/* The next row that is another than when it was last given; false: there is none. buf: CORRELATE_ROW octets. Only between a
 * correlator_next that said false and the next push. */
bool correlator_changed(struct correlator *c, struct correlate_row *row, uint8_t *buf);
/* correlator_restore: a row of a saved state, in any order, into a new correlator. false: it is not one that can be; it is
 * left out and counted. correlator_restored: that was all; from then on it may be used. */
bool correlator_restore(struct correlator *c, const struct correlate_row *row);
void correlator_restored(struct correlator *c);
#endif
