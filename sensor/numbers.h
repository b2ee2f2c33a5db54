/* numbers: all that the live sensor knows about itself, in one place: the sum of what its processes count, what the judge
 * counted of sessions, and which troubles are on. It lies in memory that every judge shares with the one before: who
 * begins anew goes on counting where that one ended. Only the judge writes; nothing here does any I/O. */
#ifndef NUMBERS_H
#define NUMBERS_H
#include "judge/standing.h"
#include "settings.h"
#include "stats_sum.h"
#include "tally.h"
#include "vitals.h"

/* Parts of the sum (stats_sum.h). Workers: NUMBERS_CAPTURE and up. */
enum { NUMBERS_JUDGE, NUMBERS_OUTPUT, NUMBERS_RESOLVER, NUMBERS_SUPERVISOR, NUMBERS_CAPTURE };

/* now      the sum as it was when it was last looked at, as a stats event
 * event    of the stats event that was sent last: monotonic time, packets and losses so far, for the next one's interval
 * refused  records of others that cannot be, counted by the judge
 * starts   of judges that did not live for a minute, in a row */
struct numbers {
	struct stats_sum *sum;
	struct tally tally;
	struct vitals vitals;
	struct standing standing;
	struct record now, part;
	struct {
		int64_t at, packets, lost;
	} event;
	uint64_t refused;
	unsigned starts;
	bool begun;
};

/* Supervisor, before the first judge is forked. NULL: no memory. */
struct numbers *numbers_new(void);
/* In a judge that begins. What is there stays, unless three of them have died young: perhaps of it. mono, wall: ns. */
void numbers_begin(struct numbers *n, const struct settings *s, int64_t mono, int64_t wall);
/* This judge has lived for a minute. */
void numbers_good(struct numbers *n);
/* The part that a process sent. false: no possible record; counted. */
bool numbers_take(struct numbers *n, unsigned part, struct bytes record);
/* Adds up: n->now is the present stats event. own: what the judge alone knows, but for the tally. */
void numbers_look(struct numbers *n, struct record *own, int64_t mono, int64_t wall);
/* n->now goes out as the stats event of its interval: that and what was lost in it are reckoned from the one before. */
void numbers_event(struct numbers *n, int64_t mono);
#endif
