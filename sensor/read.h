/* read: `mxwitness read`: opens and parses all that is given, then splits into the processes of the design and
 * waits for them. */
#ifndef READ_H
#define READ_H
#include "options.h"

/* Returns the exit status of the program. */
int read_command(const struct options *options);
#endif
