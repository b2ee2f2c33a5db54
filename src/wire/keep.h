/* keep: the packets of a connection, kept until it ends in case that an alert must be proved by them.
 *
 * What may leave is said octet by octet: by default nothing of a payload may. Whoever understands an octet of a direction
 * says that it may be shown (keep_show), or by what it is to be covered; all else becomes zero, and what is zero at the
 * end of a packet is not kept at all. So a message, a credential and what nobody understood never leave this process.
 *
 *	keep_packet(k, dir, packet, seg);            before the stream gives the octets
 *	... keep_show, keep_done ...                 while they are parsed
 *	keep_settle(k, streams);                     afterwards: what is decided is covered and given back at once
 *	n = keep_pack(k, streams, ended, out, room); at the end */
#ifndef KEEP_H
#define KEEP_H
#include "exhibit.h"
#include "packet.h"
#include "pool.h"
#include "wire/stream.h"

enum { KEEP_AS_IS = 0 };                /* fill: the octets themselves */

struct keep_memory {
	struct pool list, block;
};

struct keep_packet;
struct keep_ranges;

/* One connection. ranges are those of a direction, in order of offset; done: up to there nothing will be added.
 * left_out  packets that found no room          run_*  see keep_content
 * content   what the client said last was content; first_line: its first line has not ended */
struct keep {
	struct keep_memory *mem;
	struct keep_packet *first, *last, *open;
	struct keep_ranges *ranges[2], *ranges_last[2];
	uint64_t done[2];
	uint32_t packets, octets, nranges, left_out;
	uint64_t run_from, record_left[2];
	uint8_t run[8], run_n;
	bool record_shown[2], content, first_line;
};

/* flows  connections at a time       budget  octets for all of their packets. false: no memory. */
bool keep_memory_init(struct keep_memory *mem, size_t flows, size_t budget);
void keep_memory_free(struct keep_memory *mem);

/* NULL: no room; the connection will have no exhibit. */
struct keep *keep_new(struct keep_memory *mem);
/* Gives everything back; NULL is allowed. */
void keep_release(struct keep *k);

/* Copies a packet up to the end of its payload. seg: what frame made of it; its payload, even an empty one, must lie in the
 * packet, else (fragments) it is left out. */
void keep_packet(struct keep *k, enum dir dir, const struct packet *packet, const struct segment *seg);

/* The octets [from, to) of dir, offsets as in struct stream_view: they may be shown as they are (KEEP_AS_IS), or each is
 * covered by the octet fill. what: enum exhibit_what. In order of offset; an offset below one given before is ignored. */
void keep_show(struct keep *k, enum dir dir, uint64_t from, uint64_t to, uint8_t fill, uint32_t what);
/* Of dir nothing will be said any more about octets below upto (UINT64_MAX: about none). */
void keep_done(struct keep *k, enum dir dir, uint64_t upto);
/* Octets up to upto are missing. frame_lost: among them some of a TLS record. */
void keep_gap(struct keep *k, enum dir dir, uint64_t upto, bool frame_lost);
/* The packet copied last brought octets that differ from those seen before at their place. harmless: they may be shown where
 * those may; else all of them are covered. */
void keep_differs(struct keep *k, bool harmless);
/* A stretch of message content at offset: only its end, and what may be mistaken for one (a dot alone in its line,
 * whatever the line ends), is shown, and where its first line ends: a message may begin where a command was due, and then
 * that end decides. begin: it is the first of a message. */
void keep_content(struct keep *k, uint64_t offset, struct bytes octets, bool begin);
/* TLS octets that a parser used, and how many it skips behind them: handshakes are shown, and of application data the
 * record headers. */
void keep_tls(struct keep *k, enum dir dir, uint64_t offset, struct bytes used, uint64_t skip, uint32_t what);

/* Covers the packets whose octets are all decided. */
void keep_settle(struct keep *k, const struct streams *ss);
/* Covers all, and writes the exhibit to out. ended as in struct exhibit_head. Returns its octets, at most room. */
size_t keep_pack(struct keep *k, const struct streams *ss, int64_t ended, uint8_t *out, size_t room);
/* The same in the midst of a connection, as if it ended here without a packet: what is not decided is covered in out, and k
 * goes on undisturbed. */
size_t keep_pack_now(struct keep *k, const struct streams *ss, uint8_t *out, size_t room);
#endif
