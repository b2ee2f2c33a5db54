/* sandbox: the rights that each process keeps. One function a process, to be read as a list. */
#ifndef SANDBOX_H
#define SANDBOX_H
#include <stdbool.h>

#include "error.h"

/* Who parses packets: its descriptors stay usable, and there is no open, no socket, no exec, no executable memory.
 * Call after everything is opened, fetched and allocated at start. false: e says what the kernel refused. */
bool sandbox_capture(struct error *e);
#endif
