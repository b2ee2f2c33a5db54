/* shed: how much is left out while packets come faster than they can be read. Pure: it is told how full the ring is, what was
 * lost and how busy the process was, and answers with a level; who asks does what the level says, and all levels below it.
 *
 * The order is that of what is missed least. What a flow has shown before it was left out stays, and alerts are never left out. */
#ifndef SHED_H
#define SHED_H
#include "wire/pipeline.h"

/* SHED_SAMPLE  connections on other ports are not looked at
 * SHED_BODIES  a flow that has nothing more to tell is left to the kernel much earlier (shunt.h)
 * SHED_HALF    connections without an answer are forgotten when there are some, not when the table is full
 * SHED_THIN    one in two new connections is taken, whole, by a hash of its ends; with each level above half as many,
 *              one in 64 with SHED_MOST */
enum shed_level { SHED_NOTHING, SHED_SAMPLE, SHED_BODIES, SHED_HALF, SHED_THIN, SHED_MOST = SHED_THIN + 5, SHED_LEVELS };

/* hold: ms without trouble until a level ends; grows while levels that ended have to begin again soon after. */
struct shed {
	int level;
	int64_t moved, fell, calm, hold;
	uint64_t lost;
	unsigned fill;
};

/* fill  how full the fullest ring is, of 1000      lost  packets that rings lost so far
 * busy  share of the time since the last look in which this process did not wait, of 1000 */
struct shed_signs {
	unsigned fill, busy;
	uint64_t lost;
};

/* now: ms of a clock that never goes back, here and below. */
void shed_begin(struct shed *s, int64_t now);

/* To be called each 100 ms or so. One step up at once when the ring is half full and not getting emptier, or something was
 * lost; one step down when there was no such thing for a while and the process is idle enough to take what comes back.
 * true: s->level is another one. */
bool shed_look(struct shed *s, int64_t now, const struct shed_signs *signs);

/* What the pipeline leaves out at a level. flows: the size of its table. */
struct pipeline_shed shed_what(int level, size_t flows);

/* The level in words, as "new connections: 1 in 4 is taken". */
const char *shed_word(int level);
#endif
