/* forwarder: libunbound's only upstream in live mode: a name server on 127.0.0.1 that has the forwarder process ask the
 * resolvers (outside.h) and hands back what they say. It remembers which lookups failed, so that a verdict that came of one is not taken for
 * proof of anything. Each libunbound context has a forwarder of its own. */
#ifndef FORWARDER_H
#define FORWARDER_H
#include "outside.h"

enum { FORWARDER_QUERIES = 384, FORWARDER_FAULTS = 128 };

/* A lookup that failed, at a monotonic time. */
struct forwarder_fault {
	struct dns_name name;
	uint16_t type;
	enum upstream_end end;
	int64_t ms;
};

struct forwarder;

/* Opens its socket. number is put into the tags of its questions, and is nobody else's; first as for upstream_ask. o
 * must live longer. NULL: e says why. */
struct forwarder *forwarder_new(struct outside *o, uint32_t number, unsigned first, struct error *e);
/* Questions that are still open upstream are forgotten: their replies find nobody. */
void forwarder_free(struct forwarder *f);
uint16_t forwarder_port(const struct forwarder *f);
/* Readable when forwarder_work has something to do. */
int forwarder_fd(const struct forwarder *f);
/* Takes the queries that wait on the socket; never waits itself. */
void forwarder_work(struct forwarder *f);
/* Hands back a reply of upstream. false: it is not for this forwarder. */
bool forwarder_reply(struct forwarder *f, const struct upstream_reply *reply);
/* The lookup that failed since ms and that a failure to look up name rests on: one for name or a name above it, the
 * nearest to the root; or one that why, libunbound's reason, names. NULL: none. */
const struct forwarder_fault *forwarder_blame(const struct forwarder *f, const struct dns_name *name, const char *why,
					      int64_t ms);
#endif
