/* outbox: see outbox.h. Records stand one behind the other in one block: acknowledged ones leave in front, and when more is
 * free there than is used behind it, the rest moves down: each octet moves once at most for each that left, and no more of the
 * block is ever touched than about twice what waits. */
#include "outbox.h"

#include <stdlib.h>

/* What stands in front of each record in the block. */
struct entry {
	uint32_t kind, n;
	uint64_t number;
};
_Static_assert(sizeof(struct entry) == OUTBOX_HEAD, "outbox.h says how much room a record takes");

/* from, sent, to: of block, the first octet that is not acknowledged, not sent, not used. */
struct outbox {
	struct channel *channel;
	uint64_t first, next, lost;
	bool hello;                     /* is to be said */
	size_t room, from, sent, to;
	uint8_t *block;
};

struct outbox *outbox_new(struct channel *to, size_t room, uint64_t number)
{
	struct outbox *o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->block = malloc(room);
	if (!o->block) {
		free(o);
		return NULL;
	}
	o->channel = to;
	o->room = room;
	o->first = o->next = number;
	o->hello = true;
	return o;
}

void outbox_free(struct outbox *o)
{
	if (!o)
		return;
	free(o->block);
	free(o);
}

bool outbox_room(const struct outbox *o, size_t n)
{
	return n <= o->room - (o->to - o->from);
}

static void move_down(struct outbox *o)
{
	memmove(o->block, o->block + o->from, o->to - o->from);
	o->sent -= o->from;
	o->to -= o->from;
	o->from = 0;
}

uint64_t outbox_put(struct outbox *o, enum channel_kind kind, struct bytes head, struct bytes tail)
{
	struct entry e = { (uint32_t)kind, (uint32_t)(head.n + tail.n), o->next };
	if (!outbox_room(o, sizeof(e) + head.n + tail.n)) {
		o->lost++;
		return 0;
	}
	if (o->room - o->to < sizeof(e) + e.n)
		move_down(o);
	uint8_t *p = o->block + o->to;
	memcpy(p, &e, sizeof(e));
	if (head.n)
		memcpy(p + sizeof(e), head.p, head.n);
	if (tail.n)
		memcpy(p + sizeof(e) + head.n, tail.p, tail.n);
	o->to += sizeof(e) + e.n;
	return o->next++;
}

bool outbox_push(struct outbox *o)
{
	enum channel_room room = CHANNEL_SENT;
	if (o->hello)
		room = channel_offer(o->channel, CH_HELLO, (struct bytes){ (const uint8_t *)&o->first, sizeof(o->first) },
				     (struct bytes){ 0 });
	o->hello = o->hello && room != CHANNEL_SENT;
	while (o->sent < o->to && room == CHANNEL_SENT) {
		struct entry e;
		memcpy(&e, o->block + o->sent, sizeof(e));
		struct bytes record = { o->block + o->sent + sizeof(e), e.n }, number = { (const uint8_t *)&e.number, 8 };
		room = channel_offer(o->channel, (enum channel_kind)e.kind, number, record);
		if (room == CHANNEL_SENT)
			o->sent += sizeof(e) + e.n;
	}
	if (room == CHANNEL_SENT)
		room = channel_push(o->channel);
	return room != CHANNEL_GONE;
}

bool outbox_pending(const struct outbox *o)
{
	return o->hello || o->sent < o->to || channel_pending(o->channel);
}

void outbox_ack(struct outbox *o, uint64_t number)
{
	while (o->from < o->sent) {
		struct entry e;
		memcpy(&e, o->block + o->from, sizeof(e));
		if (e.number > number)
			return;
		o->from += sizeof(e) + e.n;
	}
	if (o->from == o->to)
		o->from = o->sent = o->to = 0;
	else if (o->from > o->to - o->from)
		move_down(o);
}

void outbox_again(struct outbox *o)
{
	o->sent = o->from;
	o->hello = true;
}

uint64_t outbox_last(const struct outbox *o)
{
	return o->next - 1;
}

uint64_t outbox_lost(const struct outbox *o)
{
	return o->lost;
}

size_t outbox_fill(const struct outbox *o, size_t *room)
{
	*room = o->room;
	return o->to - o->from;
}
