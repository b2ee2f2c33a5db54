/* desk: see desk.h. The list of what happens to a session, in its order; each step is somebody else's. */
#include "desk.h"

#include <stdlib.h>

#include "judge/alert.h"
#include "judge/event.h"
#include "judge/gate.h"
#include "judge/standing.h"
#include "verify.h"

struct desk {
	const struct run *run;
	struct rule_scratch *scratch;
	struct store *store;               /* somebody else's; NULL: nothing is kept */
	struct history_store *history;     /* NULL: nothing is known */
	bool changed;
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
	history_store_free(d->history);
	free(d);
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
static void learn(struct desk *d, const struct record *session, enum level worst)
{
	if (!d->store || record_get_num(session, F_cap_phase, phase_final) == phase_interim || desk_knows(d, session))
		return;
	history_store_learn(d->history, session, worst);
	store_take(d->store, record_get_str(session, F_event_id));
	d->changed = true;
}

void desk_session(struct desk *d, struct record *session, struct finding *finding, size_t *n)
{
	recall(d, session);
	gate_judge(session);
	*n = rules_judge(d->run->rules, d->scratch, session, finding, RULE_FINDINGS);
	learn(d, session, worst_of(finding, *n));
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
	return standing_judge(standing, d->run->rules, d->scratch, stats, now, out, max);
}

uint64_t desk_limits(const struct desk *d)
{
	return rule_scratch_limits(d->scratch);
}

/* ---- state ---- */

bool desk_load(struct desk *d, struct store *store, struct error *e)
{
	d->history = history_store_new(HISTORY_CACHED, HISTORY_ROWS);
	if (!d->history)
		return error_set(e, "no memory");
	if (!history_store_load(d->history, store_db(store), e))
		return false;
	d->store = store;
	return true;
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
	if (history_store_save(d->history, e))
		return true;
	store_abandon(d->store);
	return false;
}

bool desk_dirty(const struct desk *d)
{
	return d->changed;
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
		d->changed = true;
	}
}

bool desk_gone(struct desk *d, char key[HISTORY_KEY])
{
	return d->history && history_store_gone(d->history, key);
}

void desk_state(struct desk *d, struct record *stats)
{
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
