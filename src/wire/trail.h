/* trail: which part of a session the octets of each direction belong to: greeting, EHLO, STARTTLS, the rest of the
 * dialogue, content, handshake, encrypted. Found by offset and not by time, so that the order of capture cannot move
 * a conflict or a reset from one part to another. */
#ifndef TRAIL_H
#define TRAIL_H
#include "packet.h"
#include "record.h"
#include "wire/smtp.h"
#include "wire/tls.h"

/* Changes of place that are remembered for a direction: an offset is asked for while it is not farther back than
 * the history of stream.c. */
enum { TRAIL_STEPS = 16 };

/* One direction. read  octets read so far: offsets below it have a place
 * record  where the next TLS record begins; private, as what stands below it */
struct trail {
	uint64_t from[TRAIL_STEPS], read, record;
	uint8_t place[TRAIL_STEPS];
	uint32_t n;
	bool tls, sealed;
};

void trail_init(struct trail *t);
/* The octets from offset from on, which is not below that of the last call, belong to place. */
void trail_note(struct trail *t, uint64_t from, enum place place);
/* Where the octet at offset off lies; one that was not read is behind the last place. place_unknown: it is forgotten, or
 * there was none yet. */
enum place trail_at(const struct trail *t, uint64_t off);

/* TLS octets in, from offset at on, are about to be read: the handshake lasts to the first application-data record of
 * the direction (RFC 8446 5.1). The first call is at a record's first octet. */
void trail_tls(struct trail *t, uint64_t at, struct bytes in);

/* trail_event  the place of the octets that gave this event
 * trail_now    where the session as a whole is; tls_due: TLS is expected or has begun */
enum place trail_event(const struct smtp_event *ev);
enum place trail_now(const struct smtp *s, const struct tls *t, bool tls_due);
#endif
