/* lease: which of several judges speaks for which share of the alerts. All of them judge all sessions; each share is spoken for by who holds
 * its lease, a value in a store that changes one only for who knows its last revision (nats_leases.h). A holder renews it; a lease whose
 * revision has not changed for LEASE_LIFE_MS, by the clock of who looks, is free, so that clocks need not agree. With each lease stands up to
 * which message of the stream all alerts of the share are written: who takes it goes on behind that.
 *
 * Shares are spread evenly: who holds more than his part gives one up, who holds less takes one that is free. Knows no network and reads
 * no clock: times are ms that the caller gives. */
#ifndef LEASE_H
#define LEASE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

/* LEASES  shares, of every group of judges    ID      of a judge, with its 0    TEXT    of a value, with its 0
 * JUDGES  that are known beside us; one more than LEASES would have nothing to say
 * RENEW_MS  between two renewals of a lease     SURE_MS  so long after its last renewal began a holder counts on it: far less than
 * LIFE_MS   after which others may take it    */
enum { LEASES = 16, LEASE_ID = 17, LEASE_TEXT = 80, LEASE_JUDGES = 32, LEASE_RENEW_MS = 3000, LEASE_SURE_MS = 6000, LEASE_LIFE_MS = 10000,
       LEASE_SILENT_MS = 60000 };

/* What stands in the store: "1 EPOCH UPTO HOLDER", HOLDER "-": nobody.
 * epoch  when the stream was made, ns since 1970: numbers of another stream mean nothing */
struct lease_value {
	int64_t epoch;
	uint64_t upto;
	char holder[LEASE_ID];
};

/* false: it is no such value; *v is nobody's. */
bool lease_read(struct bytes text, struct lease_value *v);
void lease_write(const struct lease_value *v, char text[LEASE_TEXT]);

/* holder    empty: nobody       revision  0: it is not in the store
 * seen      when its revision was seen to change       until  up to when we hold it; 0: we do not
 * renewed   when our last renewal of it began          again  not before: an attempt failed */
struct lease {
	char holder[LEASE_ID];
	uint64_t revision, upto;
	int64_t seen, until, renewed, again;
};

struct lease_judge {
	char id[LEASE_ID];
	uint64_t revision;
	int64_t seen;
};

/* ready    we have judged all that was there when we began
 * leaving  we end: all leases go back */
struct leases {
	char me[LEASE_ID];
	int64_t epoch, announced;
	bool ready, leaving;
	struct lease at[LEASES];
	struct lease_judge judge[LEASE_JUDGES];
};

/* me: an id that nobody else has. */
void leases_init(struct leases *l, const char *me, int64_t epoch);
/* The store has this for a share, at this revision. */
void lease_seen(struct leases *l, size_t share, uint64_t revision, const struct lease_value *v, int64_t now);
/* Another judge: THERE  has said that it is there just now     FOUND  has said so some time, before we looked: it counts when it says so again
 *                GONE   has ended */
enum lease_sign { LEASE_THERE, LEASE_FOUND, LEASE_GONE };
void lease_judge_seen(struct leases *l, const char *id, uint64_t revision, enum lease_sign sign, int64_t now);

/* One that has shown no life for so long that it will not again, as far as anybody can tell; NULL: there is none. What it left behind may go. */
const char *lease_judge_silent(const struct leases *l, int64_t now);

/* ANNOUNCE  say that we are there               TAKE, RENEW, GIVE  write the share's value (lease_wants) over its revision */
enum lease_act { LEASE_NOTHING, LEASE_ANNOUNCE, LEASE_TAKE, LEASE_RENEW, LEASE_GIVE };
/* What is to be done now; *share: to which. To be called until nothing is, each answered by lease_done. */
enum lease_act lease_next(struct leases *l, int64_t now, size_t *share);
/* What to write for it. upto: all alerts of the share are written up to there, as far as we know it. */
struct lease_value lease_wants(const struct leases *l, enum lease_act act, size_t share, uint64_t upto);
/* DONE: written, as that revision. LOST: somebody else was faster. UNKNOWN: there was no answer. began: when it was begun. */
enum lease_end { LEASE_DONE, LEASE_LOST, LEASE_UNKNOWN };
void lease_done(struct leases *l, enum lease_act act, size_t share, enum lease_end end, uint64_t revision, int64_t began);
/* Do we hold it? */
bool lease_held(const struct leases *l, size_t share, int64_t now);
/* How many we hold. */
size_t leases_held(const struct leases *l, int64_t now);
#endif
