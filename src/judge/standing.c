/* standing: see standing.h. Remembers rules by the ids of their documents and knows no finding. */
#include "judge/standing.h"

#define SECOND INT64_C(1000000000)

static struct standing_entry *find(struct standing *s, const char *id)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->entry[i].id, id) == 0)
			return &s->entry[i];
	return NULL;
}

/* A place for one more: a new one, or that of the entry that is off for longest. NULL: all are on. */
static struct standing_entry *place(struct standing *s)
{
	struct standing_entry *old = NULL;
	if (s->n < STANDING_MAX)
		return &s->entry[s->n++];
	for (size_t i = 0; i < s->n; i++)
		if (!s->entry[i].on && (!old || s->entry[i].raised < old->raised))
			old = &s->entry[i];
	return old;
}

/* A rule that matches. true: it is news. */
static bool begins(struct standing *s, const struct rule *rule, int64_t now, struct standing_entry **entry)
{
	struct standing_entry *e = find(s, rule->uuid);
	bool known = e != NULL;
	*entry = e = e ? e : place(s);
	if (!e || (known && e->on))
		return false;
	if (!known) {
		*e = (struct standing_entry){ .raised = now };
		memcpy(e->id, rule->uuid, strnlen(rule->uuid, STANDING_ID - 1));
	}
	e->on = true;
	e->since = now;
	e->quiet = known && now - e->raised < (int64_t)rule->suppress_s * SECOND;
	if (!e->quiet)
		e->raised = now;
	s->suppressed += e->quiet;
	return !e->quiet;
}

static const struct rule *rule_of(const struct rules *rules, const char *id)
{
	for (size_t i = 0; i < rules->count; i++)
		if (strcmp(rules->rule[i].uuid, id) == 0)
			return &rules->rule[i];
	return NULL;
}

static bool among(const struct finding *f, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(f[i].rule->uuid, id) == 0)
			return true;
	return false;
}

size_t standing_judge(struct standing *s, const struct rules *rules, struct rule_scratch *scratch, uint8_t service,
		      const struct record *event, int64_t now, struct standing_news *out, size_t max)
{
	struct finding found[RULE_FINDINGS];
	size_t n = 0, nfound = service == IN_POSTURE ? rules_judge_posture(rules, scratch, event, found, RULE_FINDINGS) :
			       rules_judge_stats(rules, scratch, event, found, RULE_FINDINGS);
	struct standing_entry *e;
	for (size_t i = 0; i < s->n; i++) {
		e = &s->entry[i];
		if (!e->on || among(found, nfound, e->id))
			continue;
		const struct rule *rule = rule_of(rules, e->id);
		e->on = false;
		if (rule && !e->quiet && n < max)
			out[n++] = (struct standing_news){ rule_grade(rules, scratch, rule, event), e->since, true };
	}
	for (size_t i = 0; i < nfound; i++)
		if (begins(s, found[i].rule, now, &e) && n < max)
			out[n++] = (struct standing_news){ found[i], e->since, false };
	return n;
}
