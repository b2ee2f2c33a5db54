/* status_socket: tells whoever connects to a unix socket the sensor's present numbers: one stats event as a line of JSON,
 * and the end. Who connects says nothing, and is not waited for: a few at a time, each with its own copy of the line, and
 * those that do not read are closed. */
#ifndef STATUS_SOCKET_H
#define STATUS_SOCKET_H
#include <poll.h>

#include "record.h"

/* STATUS_CLIENTS  at a time; further ones wait in the system's queue      STATUS_POLL  places that status_socket_poll needs */
enum { STATUS_CLIENTS = 8, STATUS_POLL = STATUS_CLIENTS + 1 };

struct status_socket;

/* fd: a listening socket that does not block. NULL: no memory. */
struct status_socket *status_socket_new(int fd);
void status_socket_free(struct status_socket *s);
/* What it waits for; how many of p it used. */
size_t status_socket_poll(const struct status_socket *s, struct pollfd *p);
/* Does what can be done now. now: ms, monotonic. */
void status_socket_work(struct status_socket *s, const struct record *stats, int64_t now);
#endif
