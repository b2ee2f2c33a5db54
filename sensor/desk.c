/* desk: see desk.h. The list of what happens to a session, in its order; each step is somebody else's. */
#include "desk.h"

#include <stdlib.h>

#include "judge/alert.h"
#include "judge/event.h"
#include "judge/gate.h"
#include "judge/standing.h"

struct desk {
	const struct run *run;
	struct rule_scratch *scratch;
	struct record alert;
	const struct record *session;      /* on the desk; its findings from at on are not looked at */
	const struct finding *finding;
	size_t n, at;
};

struct desk *desk_new(const struct run *run)
{
	struct desk *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->run = run;
	d->scratch = rule_scratch_new(run->rules);
	if (d->scratch)
		return d;
	desk_free(d);
	return NULL;
}

void desk_free(struct desk *d)
{
	if (!d)
		return;
	rule_scratch_free(d->scratch);
	free(d);
}

void desk_session(struct desk *d, struct record *session, struct finding *finding, size_t *n)
{
	gate_judge(session);
	*n = rules_judge(d->run->rules, d->scratch, session, finding, RULE_FINDINGS);
	event_session(session);
	d->session = session;
	d->finding = finding;
	d->n = *n;
	d->at = 0;
}

bool desk_alert(struct desk *d, struct desk_alert *out)
{
	while (d->at < d->n) {
		const struct finding *f = &d->finding[d->at++];
		if (f->level < level_low)
			continue;
		alert_make(d->run->rules, d->session, f, &d->alert);
		event_alert(&d->alert);
		*out = (struct desk_alert){ &d->alert, true };
		return true;
	}
	return false;
}

size_t desk_stats(struct desk *d, struct record *stats, struct finding *finding, size_t max)
{
	return rules_judge_stats(d->run->rules, d->scratch, stats, finding, max);
}

size_t desk_standing(struct desk *d, struct standing *standing, const struct record *stats, int64_t now,
		     struct standing_news *out, size_t max)
{
	return standing_judge(standing, d->run->rules, d->scratch, IN_STATS, stats, now, out, max);
}

uint64_t desk_limits(const struct desk *d)
{
	return rule_scratch_limits(d->scratch);
}
