/* sandbox: the rights that each process keeps. One function a process, to be read as a list.
 *
 * Each is called once, by a process with one thread, after all it needs from outside is open, read and allocated. It
 * takes the process out of the rights of who started it, step by step: another user where that is root, no
 * capabilities, no files (Landlock), no core file, no executable memory, and an allow-list of system calls. What is
 * not on the list ends the process by SIGSYS, and its supervisor says so: our code does not call it, so somebody
 * else's is running. Only what libraries try and live without is refused by an error; each such line says who. */
#ifndef SANDBOX_H
#define SANDBOX_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "error.h"

/* change false: whoever started us stays the user. */
struct sandbox_user {
	bool change;
	uid_t uid;
	gid_t gid;
};

/* The user called name, when we are root and there is one; else nobody to change to. group: NULL, or one that is there and
 * is not his own: his group. Reads the system's databases: for the supervisor, at start. */
struct sandbox_user sandbox_user_find(const char *name, const char *group);

/* SANDBOX_FILE  captures: descriptors that are open
 * SANDBOX_LIVE  also a packet socket that is open, its counters and its filter, and a BPF map that is open */
enum sandbox_source { SANDBOX_FILE, SANDBOX_LIVE };

/* Who parses packets: its descriptors stay usable, and there is no open, no socket, no exec. */
bool sandbox_capture(const struct sandbox_user *user, enum sandbox_source source, struct error *e);

/* Who judges: memory, its channels, what lies below the folder state (NULL: nothing), and what lies below shown, to be read (NULL:
 * nothing). Without Landlock the folders are not a bound: then only the user's own rights are. */
bool sandbox_judge(const struct sandbox_user *user, const char *state, const char *shown, struct error *e);

/* Who runs libunbound: sockets and threads, in an empty network namespace where that can be had: *alone. Else its
 * sockets reach as far as the machine's. To be called before the first socket is opened: those of before stay outside. */
bool sandbox_resolver(const struct sandbox_user *user, bool *alone, struct error *e);

/* Who asks the resolvers of others: sockets of UDP and TCP, and nothing else. */
bool sandbox_forwarder(const struct sandbox_user *user, struct error *e);

/* Who writes: open descriptors, and what lies below n folders; with network, sockets to receivers; with asked, connections
 * that others make to sockets that are open. */
bool sandbox_output(const struct sandbox_user *user, const char *const *folder, size_t n, bool network, bool asked,
		    struct error *e);

/* Who brings events to a receiver, by libraries that have threads and read files of certificates and of the system's names when they
 * connect: reads what the user may read, writes to no file but those that are open; no other program, no other process's memory. */
bool sandbox_deliver(const struct sandbox_user *user, struct error *e);

/* Who starts and restarts the others, and parses nothing. It must keep what they give away. What it can do without
 * ends it: other programs, tracing, mounts, kernel modules. Its children inherit that. To be called before the first. */
bool sandbox_supervisor(struct error *e);

/* The same for who captures from interfaces, when they and the shunt are open: it becomes user, whom it shares with its
 * children, so that it may end them, and keeps CAP_NET_RAW, to open an interface that came back, and CAP_BPF, for the shunt
 * on it. */
bool sandbox_supervisor_live(const struct sandbox_user *user, struct error *e);
#endif
