/* suppress: see suppress.h (detections.md F.3). An entry is never wider than it was written: what it does not name it does not fit, and
 * what is unseen fits no scope. It does not know where entries come from, or what is counted. */
#include "judge/suppress.h"

static bool names_finding(const struct policy_names *set, const struct rule *rule)
{
	const size_t n = strlen(rule->finding);
	for (size_t i = 0; i < set->n; i++) {
		const char *s = set->name[i];
		if (strncmp(s, rule->finding, n) == 0 && (s[n] == '\0' || (s[n] == '/' && strcmp(s + n + 1, rule->variant) == 0)))
			return true;
	}
	return false;
}

static bool in(const struct networks *set, const struct record *s, enum fact f)
{
	struct addr a;
	return !set || set->n == 0 || (record_get_addr(s, f, &a) && networks_have(set, &a));
}

/* "example.net" is that name alone, ".example.net" any below it. */
static bool has_name(const struct policy_names *set, struct bytes name)
{
	name.n -= name.n && name.p[name.n - 1] == '.';
	for (size_t i = 0; i < set->n; i++) {
		const struct bytes own = bytes_of(set->name[i]);
		const bool below = own.n && own.p[0] == '.' && name.n > own.n;
		if (bytes_eq_nocase(own, below ? bytes_skip(name, name.n - own.n) : name))
			return true;
	}
	return false;
}

static bool every(const struct policy_names *set, const struct record *s, enum fact f, bool *any)
{
	size_t pos = 0;
	struct bytes item;
	while (record_next(s, f, &pos, &item)) {
		*any = true;
		if (!has_name(set, item))
			return false;
	}
	return true;
}

static bool for_domains(const struct policy_names *set, const struct record *s)
{
	bool any = false;
	struct bytes host = record_get_str(s, F_id_host);
	if (set->n == 0 || (record_get_num(s, F_id_confidence, confidence_none) >= confidence_medium && host.n &&
			    has_name(set, host)))
		return true;
	return every(set, s, F_id_domains, &any) && every(set, s, F_smtp_rcpt_domains, &any) && any;
}

bool suppress_ended(const struct suppress_entry *e, int64_t now)
{
	return now >= e->until;
}

bool suppress_fits(const struct suppress_entry *e, const struct finding *f, const struct record *s)
{
	if (f->level >= level_critical && !e->critical)
		return false;
	return !suppress_ended(e, record_get_num(s, F_event_end, INT64_MAX)) && names_finding(&e->findings, f->rule) &&
	       in(e->clients, s, F_src_ip) && in(e->servers, s, F_dst_ip) && for_domains(&e->domains, s);
}
