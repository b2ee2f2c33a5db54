/* deliver: brings what waits in the spool of one output to its receiver, for as long as it takes. A receiver that fails is tried
 * again after a pause, from a second up to a minute, and is given again what it did not acknowledge. */
#ifndef DELIVER_H
#define DELIVER_H
#include "carrier.h"

enum { DELIVER_PAUSE_MS = 1000 };

struct deliver;

/* folder  of the spool     name  of the output, in messages     pause  ms after a first failure: DELIVER_PAUSE_MS but in tests
 * NULL: e says why. */
struct deliver *deliver_new(const char *folder, const char *name, const struct carrier_kind *kind, const struct output_settings *o,
			    int64_t pause, struct error *e);
void deliver_free(struct deliver *d);
/* Does what can be done now, and waits up to wait_ms (at most CARRIER_WAIT_MS) where there is nothing to do. How many items
 * were acknowledged. */
uint64_t deliver_work(struct deliver *d, int wait_ms);
/* How many items are in the spool and not acknowledged. */
uint64_t deliver_left(const struct deliver *d);
#endif
