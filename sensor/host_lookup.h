/* host_lookup: the addresses of a receiver, by the system's own resolver (getaddrinfo), which may wait as long as it likes: it
 * does so in a thread, and this program waits for the thread no longer than it wants to. A thread that is not waited for any
 * more ends by itself; there are never more than HOST_LOOKUPS of them. */
#ifndef HOST_LOOKUP_H
#define HOST_LOOKUP_H
#include <netdb.h>

#include "error.h"

enum { HOST_LOOKUPS = 4, HOST_NAME_SIZE = 256, HOST_PORT_SIZE = 8 };

struct host_lookup;

/* "host:port" or "[2001:db8::1]:port" in two. false: it is neither. */
bool host_split(const char *address, char host[HOST_NAME_SIZE], char port[HOST_PORT_SIZE]);
/* Begins. type: SOCK_STREAM or SOCK_DGRAM. An address that is one already needs no thread. NULL: e says why. */
struct host_lookup *host_lookup_begin(const char *host, const char *port, int type, struct error *e);
/* Waits up to wait_ms. true: it has ended. */
bool host_lookup_wait(struct host_lookup *l, int wait_ms);
/* Of one that has ended: the addresses, which are l's; NULL: *problem is getaddrinfo's result. */
const struct addrinfo *host_lookup_result(const struct host_lookup *l, int *problem);
/* NULL is none. */
void host_lookup_end(struct host_lookup *l);
#endif
