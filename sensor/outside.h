/* outside: the resolver's end of its talk with the forwarder process, which has the sockets to the world that the
 * resolver has not. One question or one reply is one packet of a SOCK_SEQPACKET pair; what a reply says is checked
 * here: whether it was asked, and whether it is a DNS message about that.
 *
 * When the forwarder ends, what is open ends as UPSTREAM_BROKEN, and so does what is asked later. A supervisor that
 * holds the forwarder's end of the pair may start another one on it (outside_lasting): that says hello, and is asked again
 * what is open; nothing is lost but time. */
#ifndef OUTSIDE_H
#define OUTSIDE_H
#include "error.h"
#include "upstream.h"

enum { OUTSIDE_MS = 12000 };

/* first, tag: as for upstream_ask. */
struct outside_question {
	uint64_t tag;
	uint32_t first;
	uint16_t type;
	struct dns_name name;
};

/* In front of a reply's message, which is there with end UPSTREAM_REPLY alone.
 * server  its number in the order in which they were given
 * tcp     1: it came over a stream
 * hello   1: no reply, but the first word of a forwarder */
struct outside_head {
	uint64_t tag;
	uint32_t end, server, tcp, hello;
	struct upstream_counts counts;
};

struct outside;

/* fd: our end of the pair, taken over when this succeeds. server: the n servers that the forwarder was given, as for
 * upstream_new. NULL: e says why. */
struct outside *outside_new(int fd, const char *const *server, unsigned n, struct error *e);
void outside_free(struct outside *o);
/* The forwarder is started anew when it ends: it is never given up, and what it does not take now is sent later. */
void outside_lasting(struct outside *o);
/* As upstream_ask; waits when the forwarder is behind; one that is for two seconds counts as ended.
 * false: UPSTREAM_QUERIES are open. */
bool outside_ask(struct outside *o, const struct dns_name *name, uint16_t type, unsigned first, uint64_t tag);
/* Readable when outside_next has something to do; -1: the forwarder has ended. Besides, outside_next is to be called
 * each second while questions are open. */
int outside_fd(const struct outside *o);
/* As upstream_next. The time of a reply is that of its coming here. */
bool outside_next(struct outside *o, struct upstream_reply *reply);
/* The forwarder's own, as of its last reply. */
struct upstream_counts outside_counts(const struct outside *o);
#endif
