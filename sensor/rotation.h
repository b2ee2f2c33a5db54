/* rotation: a file of lines that is renamed, and begun anew, when it has grown so far or a time has begun: PATH becomes
 * PATH.20261126T000000Z, by the time of the renaming in UTC (with -1 and so on behind it for more of the same second), and of such files
 * the newest are kept. It knows no line: who writes says when none is half written. Whatever fails, the file that is open stays
 * the one that is written, so nothing is lost; it is tried again after a while. */
#ifndef ROTATION_H
#define ROTATION_H
#include <limits.h>

#include "error.h"
#include "settings.h"

/* PAUSE_MS  after a failure */
enum { ROTATION_PAUSE_MS = 60000 };

/* path    of the file itself, whatever links lead there
 * period  when that of what stands in the file began, in ms since 1970; 0: not known
 * until   ms: no attempt before
 * failed  the last one did, and was told       stays  likewise: one that is too old cannot be removed
 * other   likewise: the new file is not its predecessor's owner's */
struct rotation {
	char path[PATH_MAX];
	uint64_t size, every;
	uint32_t keep;
	int64_t period, until;
	bool failed, stays, other;
};

/* Is it one that is ever renamed? */
bool rotation_wanted(const struct output_settings *o);
/* Of the file of o, which fd is. */
void rotation_begin(struct rotation *r, const struct output_settings *o, int fd);
/* Must the file, of size octets, be renamed before next more are written? now: ms since 1970. */
bool rotation_due(struct rotation *r, uint64_t size, uint64_t next, int64_t now);
/* The beginning of the period that now is in: multiples of every since midnight UTC, or, of whole days and more, since 1970. */
int64_t rotation_period(uint64_t every, int64_t now);
/* Renames the file that fd is, makes a new one with its owner and mode, and removes what is too old. Where path is another file by now,
 * or none, somebody else has renamed it: that one is opened, or made. The new descriptor, to be closed by the caller as the old one is;
 * -1: nothing is changed; why is logged, once for a trouble. */
int rotation_turn(struct rotation *r, int fd, int64_t now);
#endif
