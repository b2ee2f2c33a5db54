/* speaker: of several judges who all judge everything, which alerts this one puts out: those of the shares that it holds (lease.h). What is of
 * other shares it keeps, until who holds them has written it, or until it holds them itself: then it goes out here. The memory is bounded;
 * when it is full the oldest goes out now, for better twice than never: an event.id is the same whoever says it.
 *
 * Who holds what is told by another process, through memory that both have. */
#ifndef SPEAKER_H
#define SPEAKER_H
#include <stdatomic.h>

#include "lease.h"
#include "record.h"

/* until  ms, monotonic: so long this judge holds the share      upto  all alerts of messages up to there are written, by whoever held it
 * told   the same, by this judge, as far as it went */
struct share {
	_Atomic int64_t until;
	_Atomic uint64_t upto, told;
};

/* life  ms, monotonic: the judge was at work then               over  it has ended, and written all that it will */
struct shares {
	struct share at[LEASES];
	_Atomic int64_t life;
	atomic_bool over;
};

/* Shared with processes that are forked later. NULL: no memory. */
struct shares *shares_new(void);

/* KEPT_MOST, KEPT_OCTETS  alerts that are kept */
enum { SPEAKER_KEPT = 4096, SPEAKER_OCTETS = 16 << 20 };

struct speaker;

/* NULL: no memory. */
struct speaker *speaker_new(struct shares *shares);
void speaker_free(struct speaker *s);
/* The share of an alert: that of its server, or of its rule where it is about several sessions or about none. Of nothing that depends on when
 * a judge began. */
size_t speaker_share(const struct record *alert);
/* Does it go out now? Else it is kept, if it need be. place: number of the message that it came of. now: ms */
bool speaker_says(struct speaker *s, const struct record *alert, uint64_t place, int64_t now);
/* One that was kept and goes out now: call it until there is none. */
bool speaker_next(struct speaker *s, int64_t now, struct record *alert);
/* All that went out is written, and of messages up to place nothing more comes. */
void speaker_written(struct speaker *s, uint64_t place);
/* How many are kept; said early: how many went out for want of room. */
size_t speaker_kept(const struct speaker *s);
uint64_t speaker_early(const struct speaker *s);
#endif
