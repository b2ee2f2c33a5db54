/* outbox: records that must arrive. Each has a number and is kept until the other side has acknowledged it; after the other
 * side began anew, what was not acknowledged is sent once more. Never waits.
 *
 * CH_HELLO goes in front of the first record and in front of each repetition: who has begun anew passes over what comes
 * before it, for that was on the way to the one before, who may have read, and lost, what stood in front of it. It holds
 * the number of the sender's first record, ever: who hears it again knows that the sender is still the same process.
 *
 * A record arrives with its number in front of its octets (outbox_open). */
#ifndef OUTBOX_H
#define OUTBOX_H
#include "channel.h"

struct outbox;

/* room: octets for records that are not acknowledged; taken now. number: the first record's, at least 1. NULL: no memory. */
struct outbox *outbox_new(struct channel *to, size_t room, uint64_t number);
void outbox_free(struct outbox *o);
/* Copies the record; sends nothing yet. Its number; 0: no room, it is lost, and counted. */
uint64_t outbox_put(struct outbox *o, enum channel_kind kind, struct bytes head, struct bytes tail);
/* Would records of n octets in all find room, each counted with OUTBOX_HEAD more? */
bool outbox_room(const struct outbox *o, size_t n);
/* Sends what the channel takes, the first time and after outbox_again CH_HELLO before all. false: the other side is gone. */
bool outbox_push(struct outbox *o);
/* Is there anything that the channel did not take yet? */
bool outbox_pending(const struct outbox *o);
/* All records up to number have arrived for good. A number that was never given out is ignored. */
void outbox_ack(struct outbox *o, uint64_t number);
/* The other side has begun anew: everything that is not acknowledged is to be sent again. */
void outbox_again(struct outbox *o);
/* The number of the record that was put last, or one less than the first. */
uint64_t outbox_last(const struct outbox *o);
/* The receiver's half: takes the number off a record. 0: there is none. */
static inline uint64_t outbox_open(struct bytes *record)
{
	uint64_t number = 0;
	if (record->n < sizeof(number))
		return 0;
	memcpy(&number, record->p, sizeof(number));
	*record = bytes_skip(*record, sizeof(number));
	return number;
}
/* Records lost for want of room; octets waiting and octets of room. */
uint64_t outbox_lost(const struct outbox *o);
size_t outbox_fill(const struct outbox *o, size_t *room);

enum { OUTBOX_HEAD = 16 };
#endif
