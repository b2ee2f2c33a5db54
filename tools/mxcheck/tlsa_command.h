/* tlsa_command: "mxcheck tlsa": the TLSA records to publish for certificates in PEM files. Asks nobody. */
#ifndef TLSA_COMMAND_H
#define TLSA_COMMAND_H

/* argv[0]: the command's word. The exit status: 0, or 2 after a message on standard error. */
int tlsa_command(int argc, char **argv);
#endif
