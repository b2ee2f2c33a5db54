/* config_command: `mxwitness config check | dump | keys`. */
#ifndef CONFIG_COMMAND_H
#define CONFIG_COMMAND_H
#include "options.h"

/* Returns the exit status: 0, or 2 when the configuration or the command line is wrong. */
int config_command(const struct options *o);
#endif
