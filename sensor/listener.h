/* listener: sockets that are opened before the rights go, for a process that only accepts. */
#ifndef LISTENER_H
#define LISTENER_H
#include "error.h"
#include "sandbox.h"

/* A unix socket at path, for its owner and group (mode 0660): those of user, where that is to change. The folder is made
 * if it is not there. One that nobody listens on is left over, and replaced; one that somebody listens on is not. Does not
 * block. -1: e says why. */
int listener_unix(const char *path, const struct sandbox_user *user, struct error *e);
/* "127.0.0.1:9464", "[::1]:9464" or "unix:/path". -1: e says why. */
int listener_open(const char *address, const struct sandbox_user *user, struct error *e);
/* Closes fd and removes its path, if it has one. -1 is allowed. */
void listener_remove(int fd);
#endif
