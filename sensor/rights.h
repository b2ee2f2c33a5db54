/* rights: single steps by which a process gives away what it could do; sandbox.h puts them together. None of them can
 * be taken back. What a kernel does not have yet is no error, except where the header says so. */
#ifndef RIGHTS_H
#define RIGHTS_H
#include <stdbool.h>
#include <stddef.h>

#include "sandbox.h"

/* No execve can give rights back, no core file, no ptrace by others of the same user, no memory that is both written
 * and executed (Linux 6.3). false: no_new_privs was refused. */
bool rights_seal(struct error *e);
/* Becomes user when it is to change, and gives away every capability, also for good (bounding set). */
bool rights_drop(const struct sandbox_user *user, struct error *e);
/* Becomes user when it is to change, and keeps of all capabilities those n that it has, for this process and those that it
 * forks; no program it could start has any. */
bool rights_keep(const struct sandbox_user *user, const unsigned *cap, size_t n, struct error *e);
/* From now on files are opened and made as user, when it is to change; on false as who we are again. */
void rights_files_as(const struct sandbox_user *user, bool on);
/* Landlock: no file of the file system any more but what lies below the n folders in path, to be read, written and
 * made there, and below shown (NULL: none), to be read; with no_tcp no TCP port is bound or connected to (Linux 6.7); no signals to others and no abstract unix
 * sockets of theirs (6.12). Kernels before 5.13 and those that were started without it: nothing happens, true. */
bool rights_files(const char *const *path, size_t n, const char *shown, bool no_tcp, struct error *e);
/* Moves into a network namespace that holds nothing but a loopback interface of its own. false: it cannot be had here,
 * and all is as it was. */
bool rights_own_network(void);
#endif
