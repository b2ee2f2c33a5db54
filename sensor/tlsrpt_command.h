/* tlsrpt_command: `mxwitness tlsrpt`: what sessions came to as RFC 8460 reports for the operator, and reports of others held against
 * what was seen here. */
#ifndef TLSRPT_COMMAND_H
#define TLSRPT_COMMAND_H
#include "options.h"

/* The exit status: 0; 1 when a report of others tells of interference elsewhere, or with some networks only; 2 when something is wrong, or an
 * input could not be read whole. */
int tlsrpt_command(const struct options *o);
#endif
