/* options: the command line of `mxwitness read`, as given; nothing is opened here. */
#ifndef OPTIONS_H
#define OPTIONS_H
#include <stdbool.h>

#include "error.h"

/* All strings are those of argv. NULL: not given. captures ends in NULL. */
struct options {
	const char *dns, *resolver, *anchor, *ports, *rules, *config, *format, *out;
	bool all, verbose, quiet;
	char **captures;
	int ncaptures;
};

/* What the command line asks for. */
enum command { COMMAND_READ, COMMAND_HELP, COMMAND_VERSION };

/* false: e says which word of the command line is wrong, and what would be right. */
bool options_parse(int argc, char **argv, enum command *command, struct options *o, struct error *e);

extern const char options_usage[];
#endif
