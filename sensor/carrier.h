/* carrier: what brings messages of the spool to a receiver: one kind for each type of output but file. The loop around it is
 * deliver.h's: it takes items from the spool, hands them over until the carrier has enough, and has them taken from the spool
 * when the carrier says that they arrived.
 *
 * None of these functions waits longer than CARRIER_WAIT_MS, so that the process can be told to end; each keeps its own time-outs.
 * A carrier that failed is closed and, after a pause, opened anew; all that was not acknowledged is handed over again. */
#ifndef CARRIER_H
#define CARRIER_H
#include "error.h"
#include "settings.h"
#include "spool.h"

enum { CARRIER_WAIT_MS = 1000, CARRIER_BATCH = 512 };

struct carrier;

/* CARRIER_BUSY    connecting, or it cannot take more now: wait, and try again
 * CARRIER_FAILED  e says what, where and what to do, in one sentence that stays the same while the trouble does */
enum carrier_state { CARRIER_READY, CARRIER_BUSY, CARRIER_FAILED };

/* new    begins to connect. NULL: e says why, and it will never work (no memory, a certificate file that is none).
 * state  works on what is under way; waits up to wait_ms for something to happen
 * put    hands over an item, copied. CARRIER_READY: taken. CARRIER_BUSY: not taken.
 * done   everything up to this number has arrived (0: nothing yet), as far as this receiver can say so at all
 * free   whatever was not acknowledged may have arrived or not */
struct carrier_kind {
	struct carrier *(*new)(const struct output_settings *o, struct error *e);
	enum carrier_state (*state)(struct carrier *c, int wait_ms, struct error *e);
	enum carrier_state (*put)(struct carrier *c, const struct spool_item *item, struct error *e);
	uint64_t (*done)(const struct carrier *c);
	void (*free)(struct carrier *c);
};

/* By enum output_type; NULL: file, or a kind that this program was built without. */
const struct carrier_kind *carrier_kind(unsigned type);

extern const struct carrier_kind carrier_syslog, carrier_unix;
#ifdef HAVE_NATS
extern const struct carrier_kind carrier_nats;
#endif
#ifdef HAVE_KAFKA
extern const struct carrier_kind carrier_kafka;
#endif
#endif
