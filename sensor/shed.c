/* shed: see shed.h. It knows nothing of packets or rings, only numbers, and no clock: time is an argument. */
#include "shed.h"

/* FULL, ROOMY  fill from which on, and up to which         STEP  ms between two steps up: the last one needs some to show
 * STEP_THIN    likewise where connections are left out: what is open goes on, so that it shows later
 * BUSY         up to that a process takes on more          BUSY_TWICE  likewise, where what comes back is as much again
 * HOLD, LONGEST  ms; see struct shed */
enum { FULL = 500, ROOMY = 100, STEP = 100, STEP_THIN = 1000, BUSY = 800, BUSY_TWICE = 400, HOLD = 5000, LONGEST = 60000 };

/* QUIET: octets; for less than that telling the kernel costs more than it saves, also now      HALF: this part of the table for connections without answer */
enum { QUIET = 16384, HALF = 16 };

void shed_begin(struct shed *s, int64_t now)
{
	*s = (struct shed){ .moved = now, .fell = now - 2 * LONGEST, .calm = now, .hold = HOLD };
}

static bool rise(struct shed *s, int64_t now)
{
	if (s->level == SHED_MOST || now - s->moved < (s->level >= SHED_THIN ? STEP_THIN : STEP))
		return false;
	if (now - s->fell > 2 * s->hold)
		s->hold = HOLD;
	else if (s->fell == s->moved) /* the last step was down, and too early */
		s->hold = s->hold * 2 < LONGEST ? s->hold * 2 : LONGEST;
	s->level++;
	s->moved = now;
	return true;
}

static bool fall(struct shed *s, int64_t now)
{
	if (s->level == SHED_NOTHING || now - s->calm < s->hold)
		return false;
	s->level--;
	s->moved = s->fell = s->calm = now;
	return true;
}

bool shed_look(struct shed *s, int64_t now, const struct shed_signs *signs)
{
	const bool lost = signs->lost > s->lost, filling = signs->fill >= s->fill;
	const bool idle = signs->busy <= (s->level >= SHED_THIN ? BUSY_TWICE : BUSY);
	s->lost = signs->lost;
	s->fill = signs->fill;
	if (lost || signs->fill > ROOMY || !idle)
		s->calm = now;
	return lost || (signs->fill >= FULL && filling) ? rise(s, now) : fall(s, now);
}

struct pipeline_shed shed_what(int level, size_t flows)
{
	return (struct pipeline_shed){ .quiet = level >= SHED_BODIES ? QUIET : 0,
				       .half = level >= SHED_HALF ? flows / HALF + 1 : 0,
				       .thin = level >= SHED_THIN ? (unsigned)(level - SHED_THIN + 1) : 0 };
}

const char *shed_word(int level)
{
	static const char *const words[] = {
		[SHED_NOTHING] = "everything is looked at", [SHED_SAMPLE] = "other ports are not looked at",
		[SHED_BODIES] = "bodies are left to the kernel, where it can", [SHED_HALF] = "connections without an answer go first",
		[SHED_THIN] = "new connections: 1 in 2 is taken", [SHED_THIN + 1] = "new connections: 1 in 4 is taken",
		[SHED_THIN + 2] = "new connections: 1 in 8 is taken", [SHED_THIN + 3] = "new connections: 1 in 16 is taken",
		[SHED_THIN + 4] = "new connections: 1 in 32 is taken", [SHED_MOST] = "new connections: 1 in 64 is taken",
	};
	return words[level];
}
