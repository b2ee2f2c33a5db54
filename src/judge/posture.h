/* posture: what is known of a watched domain over time: the versions of its RRsets as they were validated, from when to when
 * (RFC 7672 4), what they promised, and what follows for its owner or for who mails there. Facts only, mxwitness.posture.*: what
 * of them is a finding, the rules of the service posture say. */
#ifndef JUDGE_POSTURE_H
#define JUDGE_POSTURE_H
#include "judge/posture_look.h"
#include "judge/standing.h"
#include "judge/sts.h"
#include "judge/watch_domain.h"

/* POSTURE_HOSTS  of a domain: those of its MX RRset, and those of before whose promise is kept
 * POSTURE_KEPT   ns for which the promise of TLSA that was withdrawn is kept: 30 days
 * POSTURE_TOLD   ns after which a domain's event is told again without a change: a day */
enum { POSTURE_HOSTS = LOOK_HOSTS + 8 };
#define POSTURE_KEPT (INT64_C(30) * 86400 * 1000000000)
#define POSTURE_TOLD (INT64_C(86400) * 1000000000)

/* One TLSA record of a host: a digest of it, and usage, selector and matching type in one number. */
struct posture_tlsa {
	uint64_t print;
	uint32_t kind;
};

/* An MX host, all times ns since 1970, 0: never.
 * listed         it is in the MX RRset now            first, last     seen in it
 * state          enum host_state; state_at: when that was found
 * dane_until     it had secure TLSA, last              lacking_since   signed, and without TLSA since
 * tlsa           its records now, records of them      tlsa_until      until when a cache may hold them: when seen, plus TTL
 * replaced_until all records were others within the TTL of those before: until that has run out */
struct posture_host {
	char name[NAME_MAX_TEXT + 1];
	uint16_t preference;
	uint8_t state, records, addresses;
	bool listed, secure;
	int64_t first, last, state_at, dane_until, lacking_since, tlsa_until, replaced_until;
	struct posture_tlsa tlsa[LOOK_RECORDS];
	struct addr address[LOOK_ADDRESSES];
};

/* One domain. Zero it to begin; watch is its entry.
 * first, looked   looks that told something           told       its last event was put out
 * signed_until, dane_until, all_dane_until, best_until   its MX RRset was secure; and then one, all, one of best preference, had DANE
 * ttl             the greatest TTL of this copy of the MX RRset, which runs out at ttl_end; ttl_before: the greatest ever
 * high_end        when the last copy with a high TTL has run out
 * legacy_since    old and new hosts of Microsoft 365 stand side by side, the new ones preferred
 * testing_since   its MTA-STS policy is in mode testing
 * print           of each part (enum posturepart) as in its last event */
struct posture {
	const struct watch_domain *watch;
	uint8_t state;             /* enum posturestate */
	bool changed;
	int64_t first, looked, told, state_since, signed_until, dane_until, all_dane_until, best_until, ttl_end, high_end,
		lowered_since, legacy_since, testing_since;
	uint32_t ttl, ttl_before;
	uint64_t print[posturepart_COUNT];
	uint8_t hosts;
	struct posture_host host[POSTURE_HOSTS];
	struct standing standing;
};

/* posture_learn: a look that is over.
 * slack  ns: how long after a cache let go of something the next look may have come: the interval of looks
 * false: it told nothing (the MX RRset is not known, or our own resolving is at fault): what was known stays, and no record is to
 * be made. A host of which nothing could be found out now keeps what was known of it in the last day. */
bool posture_learn(struct posture *p, const struct posture_look *l, int64_t slack);
/* posture_announced: the hosts (their names, in p) of which the DNS announces in this look that they are no longer what they were:
 * they left the MX RRset, or all their addresses or all their TLSA records are others. Only validated answers count, before
 * and now, and never a host whose TLSA was withdrawn: its promise is kept. To be asked before posture_learn. How many. */
size_t posture_announced(const struct posture *p, const struct posture_look *l, const char *host[POSTURE_HOSTS]);
/* posture_record: what is known after that look, as the facts of a posture event; r is overwritten. Sets mxwitness.posture.changed,
 * event.id (a hash is not needed: domain and time) and related.*.
 * sts  the domain's policy in the cache, or NULL */
void posture_record(struct posture *p, const struct posture_look *l, const struct sts_held *sts, struct record *r);
/* posture_due: is an event to be told of this record: the first, or a change, or a day has passed? */
bool posture_due(const struct posture *p);
/* posture_told: it was put out. */
void posture_told(struct posture *p);
/* posture_promise: until when (ns) the TLSA that this host of the domain had is still a promise (baseline), although it is not
 * there any more. host empty: the domain as a whole, all of whose hosts had it. 0: nothing is kept, or nothing was withdrawn. */
int64_t posture_promise(const struct posture *p, struct bytes host, int64_t now);
#endif
