/* incident_command: `mxwitness incident list | show | explain | ack | suppress | unsuppress`: triage of what is open.
 *
 * It looks into the database beside the process that owns it, and leaves orders there (store.h); where nobody owns it, it carries
 * them out itself. */
#ifndef INCIDENT_COMMAND_H
#define INCIDENT_COMMAND_H
#include "options.h"

/* The exit status: 0 done, 1 there is no such incident, 2 it could not be done. */
int incident_command(const struct options *o);
#endif
