/* suppress: what the site does not want to be told of: entries with scope, reason, owner and end. An entry keeps an alert back and
 * nothing else: the finding stands in its session's event, and what was kept back is counted. */
#ifndef JUDGE_SUPPRESS_H
#define JUDGE_SUPPRESS_H
#include "judge/policy.h"
#include "judge/rule.h"

/* SUPPRESS_ENTRIES  at a time, of the configuration and of `mxwitness incident suppress` together
 * SUPPRESS_DAYS     that an entry may last */
enum { SUPPRESS_ENTRIES = 256, SUPPRESS_DAYS = 180 };

/* findings   ids, or finding/variant: at least one
 * clients servers domains   all that are not empty must fit. NULL, none: all. Of a session for several domains each must be in
 *            domains, or its MX host
 * reason owner   why, and who answers for it
 * until      ns since 1970, when it ends
 * critical   also alerts of level critical */
struct suppress_entry {
	const char *name, *reason, *owner;
	struct policy_names findings, domains;
	const struct networks *clients, *servers;
	bool critical;
	int64_t until;
};

struct suppress_entries {
	const struct suppress_entry *at;
	size_t n;
};

/* suppress_fits: does this entry keep back alerts of this finding, as of the session's end? An entry that has ended fits nothing. */
bool suppress_fits(const struct suppress_entry *e, const struct finding *finding, const struct record *session);
/* suppress_ended: was it over by then? */
bool suppress_ended(const struct suppress_entry *e, int64_t now);
#endif
