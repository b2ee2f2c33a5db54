/* standing: which troubles of the sensor are on, so that one trouble is one alert: it is raised when a rule about stats
 * events begins to match, and closed when it ends. */
#ifndef JUDGE_STANDING_H
#define JUDGE_STANDING_H
#include "judge/rule.h"

/* STANDING_MAX  rules that are on, or rest, at a time; when there are more, those that rest longest are forgotten first, and
 * those that find no room raise no alert until there is one */
enum { STANDING_MAX = 64, STANDING_ID = 37 };

/* id      of the rule's document: rules may be loaded anew in between
 * since   when it began     raised  when the last alert was
 * quiet   it came again so soon after that alert (the rule's suppress) that nothing is said */
struct standing_entry {
	char id[STANDING_ID];
	int64_t since, raised;
	bool on, quiet;
};

/* All zero: nothing is on. suppressed: how often something came again and nothing was said. */
struct standing {
	struct standing_entry entry[STANDING_MAX];
	size_t n;
	uint64_t suppressed;
};

/* What to say: an alert, by alert_make_stats(rules, stats, &news->finding, news->since, now, news->closed, ...). */
struct standing_news {
	struct finding finding;
	int64_t since;
	bool closed;
};

/* standing_judge: evaluates the rules about stats events, and tells what began and what ended since the last call. What
 * ended and has no rule any more is forgotten without a word.
 * now    time of the stats event, ns      out  at most max of them; 2 * STANDING_MAX are enough
 * Returns how many. As with sessions, those of level informational are no alerts. */
size_t standing_judge(struct standing *s, const struct rules *rules, struct rule_scratch *scratch,
		      const struct record *stats, int64_t now, struct standing_news *out, size_t max);
#endif
