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

/* Parts of the sum (stats_sum.h). JUDGE is what a judge counts since its own start, TALLY what lies here and goes on with
 * the next one. Workers: NUMBERS_CAPTURE and up. */
enum { NUMBERS_JUDGE, NUMBERS_TALLY, NUMBERS_OUTPUT, NUMBERS_RESOLVER, NUMBERS_SUPERVISOR, NUMBERS_CAPTURE };

/* now      the sum as it was when it was last looked at, as a stats event
 * event    of the stats event that was sent last: monotonic time, packets and losses so far, for the next one's interval
 * refused  records of others that cannot be, counted by the judge
 * life     of each part's process, as its CH_HELLO says; 0: it does not
 * starts   of judges that did not live for a minute and were not told to end, in a row */
struct numbers {
	struct stats_sum *sum;
	struct tally tally;
	struct vitals vitals;
	struct standing standing;
	struct record now, part;
	struct {
		int64_t at, packets, lost;
	} event;
	uint64_t refused, life[STATS_PARTS];
	unsigned starts;
	bool begun;
};

/* Supervisor, before the first judge is forked. NULL: no memory. */
struct numbers *numbers_new(void);
/* In a judge that begins. What is there stays, but for a part in whose middle the judge before it died; and unless three of
 * them have died young: perhaps of it. mono, wall: ns. */
void numbers_begin(struct numbers *n, const struct settings *s, int64_t mono, int64_t wall);
/* This judge has lived for a minute, or ends because it was told to. */
void numbers_good(struct numbers *n);
/* CH_HELLO of the process whose part this is. Capture says it to every judge: only when it is another process than the one
 * before does its part count from zero. hello: what stands in it (outbox.h); empty: of who says it only once. */
void numbers_hello(struct numbers *n, unsigned part, struct bytes hello);
/* The part that a process sent. false: no possible record; counted. */
bool numbers_take(struct numbers *n, unsigned part, struct bytes record);
/* Adds up: n->now is the present stats event. own: what the judge alone knows and counts since its start. */
void numbers_look(struct numbers *n, const struct record *own, int64_t mono, int64_t wall);
/* n->now goes out as the stats event of its interval: that and what was lost in it are reckoned from the one before. */
void numbers_event(struct numbers *n, int64_t mono);
#endif
