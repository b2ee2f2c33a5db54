/* judge_command: `mxwitness judge`: rules, history, correlation and incidents once more, over session events as lines. */
#ifndef JUDGE_COMMAND_H
#define JUDGE_COMMAND_H
#include "options.h"

/* Returns the exit status of the program. */
int judge_command(const struct options *options);
#endif
