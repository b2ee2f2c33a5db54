/* alerted: which words of incidents have gone out, so that none goes out twice. It lies in memory
 * that one judge hands on to the next; what had not arrived when a judge ended counts as not told. Bounded: what is forgotten is
 * told once more, with the same event.id. */
#ifndef ALERTED_H
#define ALERTED_H
#include "bytes.h"

struct alerted;

/* places: how many are remembered; shared with processes that are forked later. NULL: no memory. */
struct alerted *alerted_new(size_t places);
void alerted_free(struct alerted *a);
/* A judge begins: what was told and had not arrived is forgotten. */
void alerted_begin(struct alerted *a);

/* An alert of this incident (an id that does not change) is about to go out with this level, as this revision of it, 1 or more. What
 * goes out? The revision, when none so high was told; a higher one, when its level is above all that went out (a judge before may
 * have known less of the session, and counted further); 0: it was told before, and is not to go out again. */
unsigned alerted_look(struct alerted *a, struct bytes incident, unsigned level, unsigned revision);
/* It has gone out as that revision and that event (outbox.h: numbers grow, also from one judge to the next). */
void alerted_told(struct alerted *a, struct bytes incident, unsigned level, unsigned revision, uint64_t event);
/* All events up to that one have arrived. */
void alerted_arrived(struct alerted *a, uint64_t event);
#endif
