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
	struct correlator *correlator;
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
	d->correlator = correlator_new(run->rules, &(struct correlate_budget){
		run->settings.correlation_groups, run->settings.correlation_sessions,
		(int64_t)run->settings.correlation_lateness * 1000000 });
	if (d->scratch && d->correlator)
		return d;
	desk_free(d);
	return NULL;
}

void desk_free(struct desk *d)
{
	if (!d)
		return;
	correlator_free(d->correlator);
	rule_scratch_free(d->scratch);
	free(d);
}

void desk_session(struct desk *d, struct record *session, struct finding *finding, size_t *n)
{
	gate_judge(session);
	*n = rules_judge(d->run->rules, d->scratch, session, finding, RULE_FINDINGS);
	if (record_get_num(session, F_cap_phase, phase_final) == phase_final)
		correlator_push(d->correlator, d->scratch, session);
	event_session(session);
	d->session = session;
	d->finding = finding;
	d->n = *n;
	d->at = 0;
}

void desk_time(struct desk *d, int64_t now)
{
	d->n = d->at = 0;
	correlator_time(d->correlator, now);
}

void desk_end(struct desk *d)
{
	d->n = d->at = 0;
	correlator_end(d->correlator);
}

/* What several sessions show. Their packets are not here any more: those that raised alerts have evidence of their own. */
static bool alert_of_several(struct desk *d, struct desk_alert *out)
{
	struct correlated found;
	while (correlator_next(d->correlator, d->scratch, &found)) {
		if (found.finding.level < level_low)
			continue;
		alert_make_several(d->run->rules, &found, &d->alert);
		record_cstr(&d->alert, F_ev_why, "it rests on several sessions: see the evidence of each");
		event_alert(&d->alert);
		*out = (struct desk_alert){ &d->alert, false };
		return true;
	}
	return false;
}

/* Those of the session itself, then those of several. */
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
	return alert_of_several(d, out);
}

size_t desk_stats(struct desk *d, struct record *stats, struct finding *finding, size_t max)
{
	return rules_judge_stats(d->run->rules, d->scratch, stats, finding, max);
}

size_t desk_standing(struct desk *d, struct standing *standing, const struct record *stats, int64_t now,
		     struct standing_news *out, size_t max)
{
	return standing_judge(standing, d->run->rules, d->scratch, stats, now, out, max);
}

void desk_correlation(const struct desk *d, struct record *stats)
{
	struct correlate_counts n = correlator_counts(d->correlator);
	record_num(stats, F_st_corr_groups, (int64_t)n.groups);
	record_num(stats, F_st_corr_waiting, (int64_t)n.waiting);
	record_num(stats, F_st_corr_found, (int64_t)n.fired);
	record_num(stats, F_st_corr_quiet, (int64_t)n.suppressed);
	record_num(stats, F_st_corr_late, (int64_t)n.late);
	record_num(stats, F_st_corr_early, (int64_t)n.early);
	record_num(stats, F_st_corr_evicted, (int64_t)n.evicted);
	record_num(stats, F_st_corr_dropped, (int64_t)n.dropped);
}

uint64_t desk_limits(const struct desk *d)
{
	return rule_scratch_limits(d->scratch);
}
