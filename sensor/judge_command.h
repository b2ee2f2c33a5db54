/* judge_command: `mxwitness judge`: rules, history, correlation and incidents once more, over session events as lines. */
#ifndef JUDGE_COMMAND_H
#define JUDGE_COMMAND_H
#include "options.h"

/* Returns the exit status of the program. */
int judge_command(const struct options *options);
/* `mxwitness tlsrpt`: the same, and the sessions are counted as RFC 8460 does instead of being told of. */
int tlsrpt_command(const struct options *options);
#endif
