/* read: `mxwitness read`: opens and parses all that is given, then splits into the processes of the design and
 * waits for them. */
#ifndef READ_H
#define READ_H
#include <limits.h>

#include "options.h"

/* Returns the exit status of the program. */
int read_command(const struct options *options);
/* The folder of rules when none is named: that of the source tree when the program runs from one of its build folders,
 * else the installed one. In buf, or a constant. */
const char *read_rules_dir(char buf[PATH_MAX]);
#endif
