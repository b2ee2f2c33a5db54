/* nats_open: a connection to servers of NATS, and the stream behind it, made if it is not there and we write to it: all that may take long, done in a
 * thread, for which the program waits no longer than it wants to. A thread that is not waited for any more ends by itself and closes
 * what it opened; there are never more than NATS_OPENINGS of them. */
#ifndef NATS_OPEN_H
#define NATS_OPEN_H
#ifdef HAVE_NATS
#include <nats/nats.h>

#include "error.h"
#include "settings.h"

/* WRITE_MS: so long a call may wait for a server that does not read; then the connection is given up. */
enum { NATS_OPENINGS = 4, NATS_WRITE_MS = 800 };

/* made     the stream was made
 * fits     subjects of this output are among the stream's
 * created  when it was made, ns since 1970; last: the number of its last message; replicas: on how many servers it is */
struct nats_open {
	natsConnection *nc;
	bool made, fits;
	int64_t created, replicas;
	uint64_t last;
};

/* READ: a stream that is not there is a failure. */
enum nats_use { NATS_WRITE, NATS_READ };

struct nats_opening;

/* Of o it takes address, tls, ca, cert, key, server_name, credentials, stream, subject, datasets, replicas, keep; copied. NULL: e says
 * what in these cannot work. */
struct nats_opening *nats_open_begin(const struct output_settings *o, enum nats_use use, struct error *e);
/* Waits up to wait_ms. true: it has ended, well or not. */
bool nats_open_wait(struct nats_opening *p, int wait_ms);
/* Of one that has ended, once. true: open->nc is the caller's, and goes by natsConnection_Destroy. false: e says why. */
bool nats_open_result(struct nats_opening *p, struct nats_open *open, struct error *e);
/* NULL is none. */
void nats_open_end(struct nats_opening *p);
/* The sentence for a stream that does not answer, for whatever reason of many. False. */
bool nats_silent(const char *where, const char *stream, struct error *e);
#endif
#endif
