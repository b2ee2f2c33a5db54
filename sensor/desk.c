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
#include "correlator_store.h"
#include "incidents.h"
#include "rows_store.h"
#include "suppressions.h"
#include "verify.h"

/* INCIDENTS  that are open at a time      COMPANY  rows of each kind about the sessions around one */
enum { INCIDENTS = 8192, COMPANY = 16384 };

struct desk {
	const struct run *run;
	struct rule_scratch *scratch;
	struct incidents *incidents;
	struct company company;
	struct suppressions *suppressions;
	struct correlator *correlator;
	struct store *store;               /* somebody else's; NULL: nothing is kept */
	struct history_store *history;     /* NULL: nothing is known */
	struct rounds *rounds;             /* likewise; NULL: no domain is watched */
	bool changed;
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
	history_store_free(d->history);
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
	suppressions_apply(d->suppressions, session, finding, n, !desk_knows(d, session));
	if (changed)
		rules_restate(d->run->rules, d->scratch, session, finding, n);
}

static void pass_time(struct desk *d, int64_t now)
{
	d->now = now > d->now ? now : d->now;
}

static enum level worst_of(const struct finding *finding, size_t n)
{
	enum level worst = level_informational;
	for (size_t i = 0; i < n; i++)
		worst = finding[i].level > worst ? finding[i].level : worst;
	return worst;
}

static void recall(struct desk *d, struct record *session)
{
	if (d->run->claim)
		claim_history(d->run->claim, session);
	else if (d->history)
		history_store_recall(d->history, session);
}

/* What the session leaves behind for those that come; once. */
static void learn(struct desk *d, struct record *session, const struct finding *finding, size_t n, enum level worst)
{
	company_learn(&d->company, &d->run->settings.site, session, finding, n);
	correlator_push(d->correlator, d->scratch, session);
	if (!d->store)
		return;
	history_store_learn(d->history, session, worst);
	store_take(d->store, record_get_str(session, F_event_id));
	d->changed = true;
}

void desk_session(struct desk *d, struct record *session, struct finding *finding, size_t *n)
{
	const bool final = record_get_num(session, F_cap_phase, phase_final) == phase_final;
	if (!d->run->lines) /* else whoever gave the line saw it, and not this sensor */
		event_observer(session, d->run->settings.sensor_name);
	recall(d, session);
	company_ambient(&d->company, session);
	gate_judge(session);
	*n = rules_judge(d->run->rules, d->scratch, session, finding, RULE_FINDINGS);
	const enum level worst = worst_of(finding, *n); /* before anything excuses it: what is excused teaches nothing */
	after_rules(d, session, finding, *n);
	const bool known = desk_knows(d, session); /* all that came of it has been told */
	if (final && !known)
		learn(d, session, finding, *n, worst);
	event_session(session);
	pass_time(d, record_get_num(session, F_event_end, INT64_MIN));
	d->session = session;
	d->n = known ? 0 : incident_chains(finding, *n, d->chain);
	d->at = 0;
}

void desk_time(struct desk *d, int64_t now)
{
	pass_time(d, now);
	correlator_time(d->correlator, now);
}

void desk_end(struct desk *d, bool last)
{
	d->ending = true;
	if (last)
		correlator_end(d->correlator);
}

void desk_revised(struct desk *d, unsigned revision)
{
	incidents_revised(d->incidents, d->told, revision);
}

/* The word of an incident by itself. */
static bool speak(struct desk *d, enum incident_word word, int64_t at, struct desk_alert *out)
{
	if (word == INCIDENT_NOTHING)
		return false;
	alert_make_incident(d->run->rules, d->told, word, at, &d->alert);
	event_alert(&d->alert);
	*out = (struct desk_alert){ &d->alert, false };
	d->changed = true;
	return true;
}

static bool due(struct desk *d, struct desk_alert *out)
{
	int64_t at = d->now;
	enum incident_word word = incidents_due(d->incidents, d->now, &d->told, &at);
	return speak(d, word, at, out);
}

static bool rest(struct desk *d, struct desk_alert *out)
{
	return d->ending && speak(d, incidents_rest(d->incidents, d->now, &d->told), d->now, out);
}

/* What is to be said of a finding, as an alert of the incident that it became; false: nothing. */
static bool raise_alert(struct desk *d, const struct incident_chain *c, const struct record *session)
{
	enum incident_word word = incidents_take(d->incidents, c, session, &d->run->settings.site, &d->told);
	if (word == INCIDENT_NOTHING)
		return false;
	alert_make(d->run->rules, session, c->head, &d->alert);
	incidents_words(d->incidents, d->told, record_get_str(&d->alert, F_message), record_get_str(&d->alert, F_event_reason));
	alert_incident(d->told, word, &d->alert);
	return true;
}

/* What several sessions show. Their packets are not here any more: those that raised alerts have evidence of their own. */
static bool of_several(struct desk *d, struct desk_alert *out)
{
	struct correlated found;
	while (correlator_next(d->correlator, d->scratch, &found)) {
		struct incident_chain c;
		d->changed = true;
		if (incident_chains(&found.finding, 1, &c) == 0)
			continue;
		c.group = found.group;
		if (!raise_alert(d, &c, found.session))
			continue;
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
		if (!raise_alert(d, &d->chain[d->at++], d->session))
			continue;
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

/* ---- state ---- */

static bool load(struct desk *d, sqlite3 *db, struct error *e)
{
	return history_store_load(d->history, db, e) && incidents_load(d->incidents, db, e) && correlator_load(d->correlator, db, e) &&
	       company_load(&d->company, db, e) && suppressions_load(d->suppressions, db, e) &&
	       (!d->rounds || rounds_load(d->rounds, db, e));
}

bool desk_load(struct desk *d, struct store *store, struct error *e)
{
	d->history = history_store_new(HISTORY_CACHED, HISTORY_ROWS);
	if (!d->history)
		return error_set(e, "no memory");
	if (!load(d, store_db(store), e)) { /* who called closes the database; the rest has no hold on it */
		history_store_free(d->history);
		d->history = NULL;
		return false;
	}
	if (d->rounds)
		rounds_history(d->rounds, d->history);
	d->store = store;
	return true;
}

void desk_rounds(struct desk *d, struct rounds *rounds)
{
	d->rounds = rounds;
}

static bool save(struct desk *d, sqlite3 *db, struct error *e)
{
	return history_store_save(d->history, e) && incidents_save(d->incidents, db, e) && correlator_save(d->correlator, db, e) &&
	       company_save(&d->company, db, e) && suppressions_save(d->suppressions, db, e) &&
	       (!d->rounds || rounds_save(d->rounds, d->now, db, e));
}

struct history_store *desk_history(struct desk *d)
{
	return d->history;
}

bool desk_knows(const struct desk *d, const struct record *session)
{
	return d->store && store_applied(d->store, record_get_str(session, F_event_id));
}

bool desk_save(struct desk *d, struct error *e)
{
	if (!d->store || !store_begin(d->store, e))
		return !d->store;
	d->changed = false;
	if (save(d, store_db(d->store), e))
		return true;
	store_abandon(d->store);
	return false;
}

bool desk_dirty(const struct desk *d)
{
	return d->changed || (d->rounds && rounds_dirty(d->rounds));
}

bool desk_full(const struct desk *d)
{
	return d->history && !store_broken(d->store) && history_store_full(d->history);
}

void desk_orders(struct desk *d)
{
	static struct store_order o;
	if (!d->store || store_begun(d->store) || !store_orders_due(d->store))
		return;
	while (store_order_next(d->store, &o)) {
		history_store_order(d->history, &o);
		incidents_order(d->incidents, &o);
		suppressions_order(d->suppressions, &o);
		d->changed = true;
	}
}

bool desk_gone(struct desk *d, char key[HISTORY_KEY])
{
	return d->history && history_store_gone(d->history, key);
}

void desk_state(struct desk *d, struct record *stats)
{
	if (!d->store && d->run->state)
		record_tri(stats, F_st_state_kept, TRI_NO);
	if (!d->store)
		return;
	struct history_numbers h = history_store_numbers(d->history);
	struct store_numbers s = store_numbers(d->store);
	record_tri(stats, F_st_state_kept, store_kept(d->store) && !store_broken(d->store) ? TRI_YES : TRI_NO);
	record_num(stats, F_st_state_octets, (int64_t)s.octets);
	record_num(stats, F_st_state_commits, (int64_t)s.commits);
	record_num(stats, F_st_hist_rows, (int64_t)h.rows);
	record_num(stats, F_st_hist_evicted, (int64_t)h.evicted);
	record_num(stats, F_st_hist_strong, (int64_t)h.evicted_strong);
	record_num(stats, F_st_hist_lowered, (int64_t)h.lowered);
}
