/* life: what happens in a world, session after session, in the order of time: mail and its retries, probes and
 * scans, each with the reason why it looks as it does. */
#ifndef QUARTER_LIFE_H
#define QUARTER_LIFE_H
#include "dress.h"

/* Why a session looks as it does, when nobody attacks. REAL_FAULTS and later: something is truly wrong there, and
 * somebody should be told, though nobody attacked. */
enum cause {
	W_NORMAL,
	W_NEVER_TLS,
	W_GREYLISTED,
	W_RENEWED,
	W_UPGRADED,
	W_MOVED,
	W_BALANCED,
	W_BACKUP,
	W_RESTRICTED,
	W_DOWN,
	W_RETRY,
	W_SCAN,
	W_HEALTH,
	W_FOREIGN_CLEAR,
	W_LOST,
	W_DNS_FAILED,
	W_FLAKY,
	W_BROKEN,
	W_ROLLOVER,
	W_TLS_OFF,
	W_APP_CLEAR,
	W_WEAK_BACKUP,
	CAUSES,
	REAL_FAULTS = W_FLAKY
};
extern const char *const cause_words[CAUSES];

struct life;
/* NULL: no memory. w must live as long; touched of its attacks is counted. */
struct life *life_new(struct world *w);
void life_free(struct life *l);
/* The next session; attack: its number in w, or -1. false: the quarter is over. */
bool life_next(struct life *l, struct visit *v, int *attack, enum cause *cause);
#endif
