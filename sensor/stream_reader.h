/* stream_reader: the messages of a stream of JetStream under some subjects, in the stream's order, each once. It connects, and connects anew
 * when a connection breaks, and goes on behind the message that it gave last. It asks for messages as it can take them (a consumer that
 * is pulled, and that the server forgets by itself), so nothing piles up here. Nothing is acknowledged: who wants a message again reads
 * from an earlier place. */
#ifndef STREAM_READER_H
#define STREAM_READER_H
#ifdef HAVE_NATS
#include <nats/nats.h>

#include "bytes.h"
#include "error.h"
#include "settings.h"

/* number   of the stream, growing
 * payload  on loan until the next call */
struct stream_message {
	uint64_t number;
	struct bytes payload;
};

/* MESSAGE  one is there            NOTHING  not now
 * OPEN     a connection is there, again
 * TROUBLE  an attempt failed, e says why; the next one comes by itself
 * ANEW     the stream is not the one it was: it was made anew, and its numbers count from 1 */
enum stream_said { STREAM_MESSAGE, STREAM_NOTHING, STREAM_OPEN, STREAM_TROUBLE, STREAM_ANEW };

struct stream_reader;

/* Of o it takes what nats_open does; copied by the time that STREAM_OPEN comes, so it must live as long. since: ns since 1970, of the first
 * message; 0: the stream's first. NULL: e says what in these cannot work. */
struct stream_reader *stream_reader_new(const struct output_settings *o, int64_t since, struct error *e);
void stream_reader_free(struct stream_reader *r);
/* Waits up to wait_ms, or a few seconds where the server does not answer. */
enum stream_said stream_reader_next(struct stream_reader *r, int wait_ms, struct stream_message *m, struct error *e);
/* All that was there at the first STREAM_OPEN has been given. */
bool stream_reader_caught_up(const struct stream_reader *r);
/* The connection, on loan; NULL: none is open. *life: how many were open so far. */
natsConnection *stream_reader_connection(const struct stream_reader *r, uint64_t *life);
/* When the stream was made, ns since 1970, and on how many servers it is; of the first STREAM_OPEN. */
int64_t stream_reader_created(const struct stream_reader *r);
int64_t stream_reader_replicas(const struct stream_reader *r);
#endif
#endif
