/* lineup: sessions of several sensors, whose lines come in any order, in the order in which they ended.
 *
 * A session waits until none that ended before it is to be expected: until the watermark has passed its end. That is the least of
 * the latest ends that each sensor has told of, less a lateness; a sensor that is silent for long, by the time of the sessions of
 * others, does not hold it up. The memory is bounded: without room the earliest goes out before its turn, counted. One that comes
 * behind the watermark goes out at once, counted; but for those whose end nobody saw, of which a sensor only tells when it has waited
 * long enough. Ends that are equal are ordered by event.id, so that the order does not depend on who was faster.
 *
 * And a session comes once: of the ids that came last LINEUP_IDS are remembered. */
#ifndef LINEUP_H
#define LINEUP_H
#include "record.h"

/* LINEUP_SENSORS  that are told apart; the one that was silent longest makes room
 * LINEUP_NAME     octets of a sensor's name that count */
enum { LINEUP_SENSORS = 1024, LINEUP_NAME = 64, LINEUP_IDS = 1 << 18, LINEUP_ID = 32 };

struct lineup;

/* sessions, octets   that may wait
 * lateness, silent   ns */
struct lineup_budget {
	size_t sessions, octets;
	int64_t lateness, silent;
};

/* late, early  as above      waiting  now      sensors  that have been heard */
struct lineup_counts {
	uint64_t late, early, waiting, sensors;
};

/* NULL: no memory. */
struct lineup *lineup_new(const struct lineup_budget *budget);
void lineup_free(struct lineup *l);
/* Has the session of this id, at most LINEUP_ID octets, come before? It has from now on. */
bool lineup_again(struct lineup *l, struct bytes id);
/* The same, without it having come now. */
bool lineup_knows(const struct lineup *l, struct bytes id);
/* It has come. false: no memory. sensor: its name, empty if it has none */
bool lineup_put(struct lineup *l, struct bytes sensor, const struct record *session);
/* The next session whose turn it is: call it until there is none, before the next lineup_put. */
bool lineup_next(struct lineup *l, struct record *session);
/* Nothing more comes, or nobody knows when: it is the turn of all that wait. */
void lineup_end(struct lineup *l);
/* The least event.sequence of the sessions that wait; UINT64_MAX: none waits. */
uint64_t lineup_least(const struct lineup *l);
struct lineup_counts lineup_counts(const struct lineup *l);
#endif
