/* alerted: which alerts of sessions that are still going on have gone out, so that none goes out twice. Bounded: what is
 * forgotten is told once more, with the same event.id. */
#ifndef ALERTED_H
#define ALERTED_H
#include "bytes.h"

struct alerted;

/* places: how many are remembered. NULL: no memory. */
struct alerted *alerted_new(size_t places);
void alerted_free(struct alerted *a);
enum alerted_what { ALERTED_NEW, ALERTED_RISEN, ALERTED_BEFORE };

/* An alert of this incident (an id that does not change) is about to go out with this level: is it the first, of a higher
 * level than all that went out, or was it told before? It is remembered as told. */
enum alerted_what alerted_tell(struct alerted *a, struct bytes incident, unsigned level);
#endif
