/* rules_command: `mxwitness rules list | show | lint | test | fields`. */
#ifndef RULES_COMMAND_H
#define RULES_COMMAND_H
#include "options.h"

/* Returns the exit status: 0, 1 when a test failed, 2 when rules, tests or the command line are wrong. */
int rules_command(const struct options *o);
#endif
