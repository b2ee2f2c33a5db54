/* baseline_command: `mxwitness baseline show | export | import | lower | forget`: what is known of servers from earlier sessions.
 *
 * It looks into the database beside the process that owns it. What it wants changed goes there as orders (store.h), which
 * `mxwitness watch` carries out within a second; where none is running it becomes the owner for a moment and does it itself. */
#ifndef BASELINE_COMMAND_H
#define BASELINE_COMMAND_H
#include "options.h"

/* The exit status: 0; 1 when nothing is known of the name that was given; 2 when something is wrong. */
int baseline_command(const struct options *o);
#endif
