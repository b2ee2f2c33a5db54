/* health: see health.h. Knows outcomes only, no messages. detections.md calls this E.6: own faults. */
#include "health.h"

#include <stdio.h>

enum { SKEW_S = 3600 };

static uint64_t zone_of(const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	unsigned dots = 0;
	for (size_t i = strlen(name); i-- > 0 && (dots += name[i] == '.') < 2;)
		h = (h ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
	return h;
}

void health_saw(struct health *h, const char *name, uint8_t status, int64_t now)
{
	struct health_zone *z = NULL;
	uint64_t zone = zone_of(name);
	for (size_t i = 0; i < HEALTH_ZONES && !z; i++)
		if (h->zone[i].at && h->zone[i].zone == zone)
			z = &h->zone[i];
	if (!z)
		z = &h->zone[h->next++ % HEALTH_ZONES];
	*z = (struct health_zone){ zone, status, now > 0 ? now : 1 };
}

static void count(const struct health *h, int64_t now, unsigned *all, unsigned *bogus, unsigned *failed)
{
	*all = *bogus = *failed = 0;
	for (size_t i = 0; i < HEALTH_ZONES; i++) {
		const struct health_zone *z = &h->zone[i];
		if (!z->at || now - z->at > HEALTH_WINDOW_S)
			continue;
		++*all;
		*bogus += z->status == dnsstatus_bogus;
		*failed += z->status == dnsstatus_failed;
	}
}

static enum resolverfault key_fault(struct health *h, const struct answer *a, int64_t time)
{
	h->offset = 0;
	switch ((enum dnsstatus)a->status) {
	case dnsstatus_secure:
		return resolverfault_none;
	case dnsstatus_failed:
	case dnsstatus_incomplete:
		return resolverfault_unreachable;
	case dnsstatus_bogus:
		break;
	case dnsstatus_insecure:
	case dnsstatus_absent:
	case dnsstatus_COUNT:
		return resolverfault_anchor;
	}
	if (a->sig_from && time < a->sig_from - SKEW_S)
		h->offset = time - a->sig_from;
	if (a->sig_until && time > a->sig_until + SKEW_S)
		h->offset = time - a->sig_until;
	if (h->offset)
		return resolverfault_clock;
	return a->sig_until ? resolverfault_anchor : resolverfault_unsigned;
}

void health_key(struct health *h, const struct answer *a, int64_t now, int64_t time)
{
	h->key = key_fault(h, a, time);
	h->key_known = true;
	h->key_at = now;
}

bool health_key_due(const struct health *h, int64_t now)
{
	bool soon = h->key != resolverfault_none || h->many;
	return !h->key_known || now - h->key_at >= (soon ? HEALTH_KEY_SOON_S : HEALTH_KEY_S);
}

void health_canary(struct health *h, unsigned at, uint8_t status, int64_t now)
{
	h->canary[at].known = true;
	h->canary[at].status = status;
	h->canary_at = now;
}

/* What is not what it must be. A zone whose servers are out of reach is no sign of anything, unless all are that should validate. */
static const struct health_canary *wrong(const struct health *h)
{
	unsigned good = 0, failed = 0;
	const struct health_canary *last = NULL;
	for (unsigned i = 0; i < h->canaries; i++) {
		const struct health_canary *c = &h->canary[i];
		bool lost = c->status == dnsstatus_failed || c->status == dnsstatus_incomplete;
		bool validates = c->status == dnsstatus_secure || c->status == dnsstatus_absent;
		if (c->known && !lost && (c->bogus ? c->status != dnsstatus_bogus : !validates))
			return c;
		good += !c->bogus;
		failed += !c->bogus && c->known && lost;
		last = !c->bogus ? c : last;
	}
	return good && failed == good ? last : NULL;
}

bool health_known(const struct health *h)
{
	bool known = h->key_known;
	for (unsigned i = 0; i < h->canaries; i++)
		known = known && h->canary[i].known;
	return known;
}

bool health_canary_due(const struct health *h, int64_t now)
{
	bool asked = true;
	for (unsigned i = 0; i < h->canaries; i++)
		asked = asked && h->canary[i].known;
	return h->canaries && (!asked || now - h->canary_at >= (wrong(h) ? HEALTH_KEY_SOON_S : HEALTH_CANARY_S));
}

/* Half bad begins it; it ends where less than a quarter is, so that it does not flap. */
enum resolverfault health_fault(struct health *h, int64_t now)
{
	unsigned all, bogus, failed;
	count(h, now, &all, &bogus, &failed);
	unsigned bad = bogus + failed;
	h->many = h->many ? bad >= HEALTH_BAD / 2 && bad * 4 >= all : bad >= HEALTH_BAD && bad * 2 >= all;
	if (h->key != resolverfault_none)
		return h->key;
	if (wrong(h))
		return resolverfault_canary;
	return !h->many ? resolverfault_none : bogus >= failed ? resolverfault_bogus : resolverfault_failing;
}

void health_text(const struct health *h, enum resolverfault fault, char *text, size_t cap)
{
	const struct health_canary *canary = wrong(h);
	long long hours = (h->offset < 0 ? -h->offset : h->offset) / 3600;
	switch (fault) {
	case resolverfault_none:
		snprintf(text, cap, "DNS: the resolver is healthy again");
		return;
	case resolverfault_unreachable:
		snprintf(text, cap, "DNS: no resolver answers; verdicts that need the DNS are held back");
		return;
	case resolverfault_clock:
		snprintf(text, cap, "DNS: this machine's clock is %lld hours %s the signatures of the trust anchor's zone; "
			 "set it right", hours, h->offset < 0 ? "before" : "behind the end of");
		return;
	case resolverfault_anchor:
		snprintf(text, cap, "DNS: the trust anchor does not fit the keys of its zone; is it too old?");
		return;
	case resolverfault_unsigned:
		snprintf(text, cap, "DNS: the resolver hands out no signatures; name another with --resolver");
		return;
	case resolverfault_bogus:
		snprintf(text, cap, "DNS: many unrelated zones are bogus; more likely is a fault of this sensor or its resolver");
		return;
	case resolverfault_failing:
		snprintf(text, cap, "DNS: lookups in many unrelated zones fail; more likely is a fault of this sensor or its "
			 "resolver");
		return;
	case resolverfault_canary:
		snprintf(text, cap, "DNS: the canary zone %s %s; the fault is more likely in this sensor or its resolver",
			 canary ? canary->name : "", canary && canary->bogus ? "should be bogus and is not" : "does not validate");
		return;
	case resolverfault_COUNT:
		break;
	}
	snprintf(text, cap, "DNS: unknown");
}
