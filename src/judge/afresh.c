/* afresh: see afresh.h. The one list of what desk.c and whom it calls write into a session; tests/again holds it against what
 * they do. Whatever is an event's own (ROOM_EVENT) is written anew by event.c or by the output. */
#include "judge/afresh.h"

#include "judge/promise.h"

/* Names, or what stands in front of a dot in names, of the facts that the desk makes. */
static const char *const made[] = {
	"mxwitness.history",             /* history_store_recall */
	"mxwitness.ambient",             /* company_ambient */
	"mxwitness.unknown[]",           /* gate_judge */
	"mxwitness.verdict",             /* rules_judge, rules_restate */
	"mxwitness.findings",
	"mxwitness.finding[]",
	"mxwitness.correlation.holds",   /* correlator_next */
};

/* Of an event's own facts, what says where it comes from. */
static const char *const kept[] = { "observer.name" };

static bool is_below(const char *name, const char *above)
{
	while (*above && *name == *above) {
		name++;
		above++;
	}
	return !*above && (!*name || *name == '.');
}

static bool among(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_below(name, list[i]))
			return true;
	return false;
}

bool afresh_takes(enum fact f)
{
	const struct fact_info *info = &fact_table[f];
	if (!(info->sets & IN_SESSION))
		return true;
	if (info->room == ROOM_EVENT)
		return !among(info->name, kept, sizeof(kept) / sizeof(kept[0]));
	return among(info->name, made, sizeof(made) / sizeof(made[0]));
}

void afresh(struct record *session)
{
	if (!record_has(session, F_expect_kept)) /* else the watched domain promises it too */
		promise_drop(session, expect_baseline);
	for (unsigned word = 0; word < sizeof(session->seen) / sizeof(session->seen[0]); word++)
		for (uint64_t set = session->seen[word]; set; set &= set - 1) {
			const enum fact f = (enum fact)(64 * word + (unsigned)__builtin_ctzll(set));
			if (afresh_takes(f))
				record_unset(session, f);
		}
}
