/* status_command: `mxwitness status`: asks the running sensor for its numbers and shows them. */
#ifndef STATUS_COMMAND_H
#define STATUS_COMMAND_H
#include "options.h"

/* Returns the exit status: 0, or 2 when nobody answers or the command line is wrong. */
int status_command(const struct options *o);
#endif
