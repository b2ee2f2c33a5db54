/* read: `mxwitness read`: opens and parses all that is given, then splits into the processes of the design and
 * waits for them. */
#ifndef READ_H
#define READ_H
#include <limits.h>

#include "options.h"

/* Returns the exit status of the program. */
int read_command(const struct options *options);
/* `mxwitness discover`: the same processes, with another last one. */
int discover_command(const struct options *options);
/* The folder of rules when none is named: that of the source tree when the program runs from one of its build folders,
 * else the installed one. In buf, or a constant. */
const char *read_rules_dir(char buf[PATH_MAX]);
struct pipeline_config;
struct run;
/* What `read` and `verify` have in common: rules, trust anchors, site, certificates, mail ports. */
bool read_prepare(const struct options *o, struct run *run, struct error *e);
/* "--ports", "--other-ports": false, e says why. */
bool read_ports(const char *list, struct pipeline_config *c, struct error *e);
bool read_other_ports(const char *text, struct pipeline_config *c, struct error *e);
/* Format, width and colour for run->out, by what it is. */
void read_terminal(const struct options *o, struct run *run);
/* run->out: "-o", or standard output. Last of all that can be wrong: it makes a file. */
bool read_output(const struct options *o, struct run *run, struct error *e);
/* Frees what read_prepare made, but for run->settings: others have texts of it. */
void read_release(struct run *run);
#endif
