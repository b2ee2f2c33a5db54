/* desk: see desk.h. The list of what happens to a session, in its order; each step is somebody else's. */
#include "desk.h"

#include <stdlib.h>

#include "judge/alert.h"
#include "judge/company.h"
#include "judge/event.h"
#include "judge/gate.h"
#include "judge/incident.h"
#include "judge/inspection.h"
#include "judge/standing.h"
#include "incidents.h"
#include "suppressions.h"

/* INCIDENTS  that are open at a time      COMPANY  rows of each kind about the sessions around one */
enum { INCIDENTS = 8192, COMPANY = 16384 };

struct desk {
	const struct run *run;
	struct rule_scratch *scratch;
	struct incidents *incidents;
	struct company company;
	struct suppressions *suppressions;
	struct correlator *correlator;
	struct record alert;
	const struct record *session;      /* on the desk; its chains from at on are not looked at */
	struct incident_chain chain[RULE_FINDINGS];
	size_t n, at;
	struct incident *told;             /* who spoke last */
	int64_t now;
	bool ending;
};

struct desk *desk_new(const struct run *run)
{
	struct desk *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->run = run;
	d->scratch = rule_scratch_new(run->rules);
	d->incidents = incidents_new(INCIDENTS);
	d->suppressions = suppressions_new(&run->settings.suppress);
	d->now = INT64_MIN;
	d->correlator = correlator_new(run->rules, &(struct correlate_budget){
		run->settings.correlation_groups, run->settings.correlation_sessions,
		(int64_t)run->settings.correlation_lateness * 1000000 });
	if (company_begin(&d->company, COMPANY) && d->scratch && d->incidents && d->correlator &&
	    d->suppressions)
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
	incidents_free(d->incidents);
	company_end(&d->company);
	suppressions_free(d->suppressions);
	free(d);
}

/* What the rules cannot know changes levels, each with its reason; the session says what is left. */
static void after_rules(struct desk *d, struct record *session, struct finding *finding, size_t n)
{
	const struct site *site = &d->run->settings.site;
	size_t changed = company_repeated(&d->company, d->run->rules, d->scratch, site, session, finding, n);
	changed += inspection_judge(&d->run->settings.policy, session, finding, n);
	changed += company_lower(d->run->rules, session, finding, n);
	company_attribute(&d->company, site, session, finding, n);
	suppressions_apply(d->suppressions, session, finding, n);
	if (changed)
		rules_restate(d->run->rules, d->scratch, session, finding, n);
}

static void pass_time(struct desk *d, int64_t now)
{
	d->now = now > d->now ? now : d->now;
}

void desk_session(struct desk *d, struct record *session, struct finding *finding, size_t *n)
{
	const bool final = record_get_num(session, F_cap_phase, phase_final) == phase_final;
	company_ambient(&d->company, session);
	gate_judge(session);
	*n = rules_judge(d->run->rules, d->scratch, session, finding, RULE_FINDINGS);
	after_rules(d, session, finding, *n);
	if (final) {
		company_learn(&d->company, &d->run->settings.site, session, finding, *n);
		correlator_push(d->correlator, d->scratch, session);
	}
	event_session(session);
	pass_time(d, record_get_num(session, F_event_end, INT64_MIN));
	d->session = session;
	d->n = incident_chains(finding, *n, d->chain);
	d->at = 0;
}

void desk_time(struct desk *d, int64_t now)
{
	pass_time(d, now);
	correlator_time(d->correlator, now);
}

void desk_end(struct desk *d)
{
	d->ending = true;
	correlator_end(d->correlator);
}

void desk_revised(struct desk *d, unsigned revision)
{
	incidents_revised(d->incidents, d->told, revision);
}

/* The sentences of the alert on the desk, for the words of its incident that come without a session. */
static void put_words(struct desk *d)
{
	incidents_words(d->incidents, d->told, record_get_str(&d->alert, F_message), record_get_str(&d->alert, F_event_reason));
}

/* The word of an incident by itself. */
static bool speak(struct desk *d, enum incident_word word, int64_t at, struct desk_alert *out)
{
	if (word == INCIDENT_NOTHING)
		return false;
	alert_make_incident(d->run->rules, d->told, word, at, &d->alert);
	event_alert(&d->alert);
	*out = (struct desk_alert){ &d->alert, false };
	return true;
}

static bool due(struct desk *d, struct desk_alert *out)
{
	int64_t at = d->now;
	return speak(d, incidents_due(d->incidents, d->now, &d->told, &at), at, out);
}

static bool rest(struct desk *d, struct desk_alert *out)
{
	return d->ending && speak(d, incidents_rest(d->incidents, d->now, &d->told), d->now, out);
}

/* What several sessions show. Their packets are not here any more: those that raised alerts have evidence of their own. */
static bool of_several(struct desk *d, struct desk_alert *out)
{
	struct correlated found;
	while (correlator_next(d->correlator, d->scratch, &found)) {
		struct incident_chain c;
		if (incident_chains(&found.finding, 1, &c) == 0)
			continue;
		enum incident_word word = incidents_take(d->incidents, &c, found.session, &d->run->settings.site, &d->told);
		if (word == INCIDENT_NOTHING)
			continue;
		alert_make_several(d->run->rules, &found, &d->alert);
		put_words(d);
		alert_incident(d->told, word, &d->alert);
		alert_rests_on(&found, &d->alert);
		record_cstr(&d->alert, F_ev_why, "it rests on several sessions: see the evidence of each");
		event_alert(&d->alert);
		*out = (struct desk_alert){ &d->alert, false };
		return true;
	}
	return false;
}

/* The next chain of the session that is worth a word. */
static bool of_session(struct desk *d, struct desk_alert *out)
{
	while (d->at < d->n) {
		const struct incident_chain *c = &d->chain[d->at++];
		enum incident_word word = incidents_take(d->incidents, c, d->session, &d->run->settings.site, &d->told);
		if (word == INCIDENT_NOTHING)
			continue;
		alert_make(d->run->rules, d->session, c->head, &d->alert);
		put_words(d);
		alert_incident(d->told, word, &d->alert);
		event_alert(&d->alert);
		*out = (struct desk_alert){ &d->alert, true };
		return true;
	}
	return false;
}

bool desk_alert(struct desk *d, struct desk_alert *out)
{
	return due(d, out) || of_session(d, out) || of_several(d, out) || rest(d, out);
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

bool desk_say(struct desk *d, char line[SUPPRESSION_SAYS])
{
	return d->now != INT64_MIN && suppressions_say(d->suppressions, d->now, line);
}

void desk_incidents(const struct desk *d, struct record *stats)
{
	struct incidents_numbers n = incidents_numbers(d->incidents);
	record_num(stats, F_st_inc_open, (int64_t)n.open);
	record_num(stats, F_st_inc_opened, (int64_t)n.opened);
	record_num(stats, F_st_inc_closed, (int64_t)n.closed);
	record_num(stats, F_st_inc_counted, (int64_t)n.counted);
	record_num(stats, F_st_inc_evicted, (int64_t)n.evicted);
	record_num(stats, F_st_inc_damaged, (int64_t)n.damaged);
	suppressions_stats(d->suppressions, stats);
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
