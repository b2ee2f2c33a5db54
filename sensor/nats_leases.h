/* nats_leases: the leases of a group of judges (lease.h) in a bucket of JetStream, made if it is not there: share.N, and judge.ID of each judge
 * that is there. A value is changed by who names its last revision, and the server lets one win. What was found is told to the judge by
 * the memory of speaker.h. */
#ifndef NATS_LEASES_H
#define NATS_LEASES_H
#ifdef HAVE_NATS
#include <nats/nats.h>

#include "error.h"
#include "speaker.h"

struct nats_leases;

/* bucket: its name. NULL: no memory. */
struct nats_leases *nats_leases_new(const char *bucket, struct shares *shares);
/* Nothing is given back: nats_leases_leave does that. */
void nats_leases_free(struct nats_leases *l);
/* What the leases are about: a stream that was made then, ns since 1970, and lies on so many servers; given is the number of its message that
 * was handed on last. ready: all that was there when we began was handed on. */
void nats_leases_stream(struct nats_leases *l, int64_t created, int64_t replicas, uint64_t given, bool ready);
/* Does what is due. nc: NULL while there is no connection; life: another number for each. false: e says what cannot work; it is tried again
 * by the next call. */
bool nats_leases_turn(struct nats_leases *l, natsConnection *nc, uint64_t life, struct error *e);
/* Gives all back, with what the judge has written. */
void nats_leases_leave(struct nats_leases *l, natsConnection *nc, uint64_t life);
#endif
#endif
