/* sts_command: mxcheck sts-fetch. */
#ifndef STS_COMMAND_H
#define STS_COMMAND_H

/* argv[0] is its own name. Returns the exit status of the program. */
int sts_command(int argc, char **argv);
#endif
