/* live_ring: one packet socket on one interface with its TPACKET_V3 ring: opened by one process, read by another, whose
 * place in it survives it. packet(7), packet_mmap.rst. */
#ifndef LIVE_RING_H
#define LIVE_RING_H
#include <linux/if_packet.h>

#include "live_filter.h"
#include "packet.h"
#include "source_live.h"

/* The place of the reader, in memory that all processes share: the block it is in, and how many of its packets were
 * handed out. One writer at a time: the reader. */
struct live_place {
	uint32_t block, used;
	struct live_count count;
};

/* fd, map      of this process; -1 and NULL when closed       place  not owned
 * at           packet number place->used of the block, or NULL if its block was not looked at yet
 * down         the interface is; read by source_live */
struct live_ring {
	int fd;
	uint8_t *map;
	size_t size, block_size;
	uint32_t blocks;
	enum live_link link;
	struct live_place *place;
	struct tpacket3_hdr *at;
	bool down;
};

/* An interface as it is now. index 0: there is none. */
struct live_iface {
	int index;
	enum live_link link;
	bool up, loopback;
};

/* false: e says why it cannot be asked; an absent interface is no error. */
bool live_iface_find(const char *name, struct live_iface *out, struct error *e);

/* Opens r on iface with a ring of about size octets; nothing passes yet. false: e has it, r is closed. */
bool live_ring_open(struct live_ring *r, const char *name, const struct live_iface *iface, size_t size,
		    unsigned timeout, bool promiscuous, struct error *e);
/* Joins the group of the same interface; *group is 0 for the first, and set. program is that of the group. */
bool live_ring_join(struct live_ring *r, const char *name, uint16_t *group, const struct live_program *program,
		    struct error *e);
/* From now on what program lets through is in the ring. */
bool live_ring_filter(struct live_ring *r, const char *name, const struct live_program *program, struct error *e);
/* Puts r, which is in no group, on another interface. */
bool live_ring_rebind(struct live_ring *r, const char *name, const struct live_iface *iface, bool promiscuous,
		      struct error *e);
void live_ring_close(struct live_ring *r);

/* The next packet's time, without taking it. false: there is none now. */
bool live_ring_peek(struct live_ring *r, int64_t *ts);
/* Takes it (only after live_ring_peek said that it is there): data and linktype, ts, wire_len. false: it is passed over. */
bool live_ring_take(struct live_ring *r, struct packet *packet);
/* What was taken is not looked at any more: a block that is read goes back to the kernel. */
void live_ring_done(struct live_ring *r);
/* Adds what the kernel counted to place->count. */
void live_ring_count(struct live_ring *r);
/* 0 to 1000. */
unsigned live_ring_fill(const struct live_ring *r);
#endif
