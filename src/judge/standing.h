/* standing: which troubles of the sensor, or of a watched domain, are on, so that one trouble is one alert: it is raised when a
 * rule about stats or posture events begins to match, and closed when it ends. */
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

/* What to say: an alert, by alert_make_stats or alert_make_posture(rules, event, &news->finding, news->since, now, news->closed, ...). */
struct standing_news {
	struct finding finding;
	int64_t since;
	bool closed;
};

/* standing_judge: evaluates the rules about these events, and tells what began and what ended since the last call. What
 * ended and has no rule any more is forgotten without a word.
 * service  IN_STATS or IN_POSTURE: what event is
 * now    time of the event, ns      out  at most max of them; 2 * STANDING_MAX are enough
 * Returns how many. As with sessions, those of level informational are no alerts. */
size_t standing_judge(struct standing *s, const struct rules *rules, struct rule_scratch *scratch, uint8_t service,
		      const struct record *event, int64_t now, struct standing_news *out, size_t max);
#endif
