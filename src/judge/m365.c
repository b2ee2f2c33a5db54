/* m365: see m365.h. Which hosts there are, of which preference, and which of them have TLSA, make a row of a table; nothing is
 * remembered here. It does not know how the hosts' security was found out: expectation does. */
#include "judge/m365.h"

/* TTL_STEADY  seconds: an MX RRset that may be remembered for longer is not about to be changed. Half of what the last step of
 *             a rollout recommends, for what comes through a cache is less than what was published */
enum { TTL_STEADY = 1800 };

/* What there is of one kind of hosts. */
struct kind {
	unsigned n, dane;
	unsigned best;             /* preference */
};

static bool ends_in(const char *host, const char *suffix)
{
	size_t n = strlen(host), s = strlen(suffix);
	return n > s && strcmp(host + n - s, suffix) == 0;
}

bool m365_is_legacy(const char *host)
{
	return ends_in(host, ".mail.protection.outlook.com");
}

bool m365_is_new(const char *host)
{
	return ends_in(host, ".mx.microsoft");
}

static void count(struct kind *k, const struct m365_mx *mx)
{
	k->best = k->n == 0 || mx->preference < k->best ? mx->preference : k->best;
	k->dane += mx->state == HOST_DANE || mx->state == HOST_TLS_ONLY;
	k->n++;
}

/* The old hosts stand beside the new ones. */
static enum posturestate both(const struct kind *old, const struct kind *new)
{
	if (new->best < old->best)
		return new->dane ? posturestate_m5_legacy : posturestate_m3;
	return new->dane ? posturestate_m2_dane : posturestate_m2;
}

static enum posturestate only_new(const struct m365_set *set, const struct kind *new)
{
	if (new->dane < new->n)
		return posturestate_m4;
	if (!set->signed_zone)
		return posturestate_host_only;
	return set->ttl > TTL_STEADY && (set->sts == stsmode_none || set->strict) ? posturestate_m6 : posturestate_m5;
}

enum posturestate m365_state(const struct m365_set *set)
{
	struct kind old = { 0 }, new = { 0 };
	for (size_t i = 0; i < set->n; i++) {
		if (m365_is_legacy(set->mx[i].name))
			count(&old, &set->mx[i]);
		else if (m365_is_new(set->mx[i].name))
			count(&new, &set->mx[i]);
		else
			return posturestate_generic;
	}
	if (old.n && new.n)
		return both(&old, &new);
	if (new.n)
		return only_new(set, &new);
	if (old.n)
		return set->lowered ? posturestate_m1 : posturestate_m0;
	return posturestate_generic;
}
