/* stream: the octets of both directions of one TCP connection, each in order and exactly once (RFC 9293 3.4, 3.10).
 *
 * Both directions live in one struct because order between them matters: a segment that acknowledges octets of
 * the other side which have not been seen yet waits for them, for a bounded time, so that a reply never overtakes
 * the command that it answers, however the capture was shuffled. Where nothing comes any more, the hole becomes an
 * explicit gap. The first octet to arrive at a place is the one that is delivered; another octet for the same place
 * is a conflict and is kept beside it.
 *
 * The walk of one packet:
 *
 *	stream_push(ss, dir, seg);
 *	while ((item = stream_next(ss, &v)) != STREAM_NONE)     // to the end, always: NONE lets go of the packet
 *		switch (item) {
 *		case STREAM_DATA: parse v.data; stream_drop(ss, v.dir, used); break;
 *		case STREAM_GAP:  v.gap octets at v.offset will not come; what was not dropped before is gone; break;
 *		case STREAM_END:  the direction has ended; break;
 *		}
 *
 * What the consumer does not drop is kept (copied once) and given again, with more behind it, when more arrives. More
 * than STREAM_HOLD_MAX cannot be kept: it is taken back as a gap (STREAM_LIMIT). */
#ifndef STREAM_H
#define STREAM_H
#include "packet.h"
#include "pool.h"

enum {
	STREAM_HOLD_MAX = 20 * 1024,     /* octets given and not dropped; a TLS record has at most 18437 (RFC 5246 6.2.3) */
	STREAM_REORDER_MAX = 256 * 1024, /* octets of one direction held out of order */
	STREAM_HISTORY = 8 * 1024,       /* last delivered octets that a retransmission is compared with */
	STREAM_CONFLICTS = 6,            /* conflicts of one direction that are kept; all are counted */
	STREAM_VERSION = 128,            /* octets of each version that are kept */
	STREAM_WINDOW = 16 * 1024 * 1024 /* a segment farther ahead than this is not believed at once */
};

enum stream_item {
	STREAM_NONE, /* nothing more now; the packet may go */
	STREAM_DATA, /* octets, contiguous: all that were given before and not dropped, and new ones behind them */
	STREAM_GAP,  /* octets that were on the wire and are not in the capture */
	STREAM_END   /* FIN reached, or the flow is over; given once per direction, nothing follows */
};

/* Why there is a gap. */
enum stream_why {
	STREAM_LOST,    /* the receiver acknowledged it, or it did not come in time */
	STREAM_CUT,     /* the capture was cut at this packet (snaplen) */
	STREAM_LIMIT    /* a bound of this module or the memory budget: coverage "limit" */
};

/* What a direction is read for. A mode may be changed at any time, also while v.data is being parsed.
 * KEEP   delivered, history kept, versions of a conflict kept: SMTP dialogue, TLS handshake
 * PASS   delivered, history kept for comparison only, no octet of a conflict kept: message bodies
 * COUNT  nothing is delivered but END, nothing is kept, octets are counted: after the handshake. There is no way back. */
enum stream_mode { STREAM_KEEP, STREAM_PASS, STREAM_COUNT };

/* dir     which direction
 * data    STREAM_DATA: a loan until the next call with ss; ts, number, ttl, ipid are those of the packet that brought
 *         the last octet of it
 * offset  of data.p[0], or of the gap, from the first octet of this direction (after the SYN; of a connection whose
 *         start was missed: from the first octet seen)
 * heard   STREAM_DATA: octets of the other direction that the writer of the last octet had acknowledged by then;
 *         UINT64_MAX where that cannot be said
 * gap     STREAM_GAP: octets missing, of which the first skipped ones fell to stream_skip      why  STREAM_GAP: why */
struct stream_view {
	enum dir dir;
	struct bytes data;
	uint64_t offset, gap, skipped, heard;
	enum stream_why why;
	int64_t ts;
	uint64_t number;
	uint16_t ipid;
	uint8_t ttl;
};

/* Where a version of octets came from. known is false when the first version is too old to tell.
 * bad: its checksum was computed and is wrong, so that its receiver has not taken it: it is no version */
struct stream_origin {
	int64_t ts;
	uint64_t number;
	uint16_t ipid;
	uint8_t ttl;
	bool known, bad;
};

/* Two versions of the same octets. offset is that of the first octet that differs. The versions begin lead octets
 * before it, each as it reads there, and hold n[0] and n[1] octets, as far as they were there by then; 0 where none are
 * kept (STREAM_PASS). first is what was delivered, second what came later. Octets of a dialogue may hold credentials:
 * they must not leave the pipeline. */
struct stream_conflict {
	uint64_t offset;
	uint32_t length; /* octets from the first to the last that differs, in this segment */
	uint8_t lead, n[2];
	uint8_t first[STREAM_VERSION], second[STREAM_VERSION];
	struct stream_origin from[2];
	bool delivered; /* the first version had already been given to the consumer when the second came */
};

/* Memory of all streams of one process; budgets are fixed at init. */
struct stream_memory {
	struct pool work;    /* one per direction that has payload */
	struct pool segment; /* segments out of order, and small leftovers */
	struct pool hold;    /* leftovers up to STREAM_HOLD_MAX */
	struct pool history; /* delivered octets */
	struct pool conflict;
	struct pool other;   /* the other reading of a direction, see stream_other */
};

/* Splits budget octets over the pools. false: no memory, or less than 1 MiB. */
bool stream_memory_init(struct stream_memory *mem, size_t budget);
void stream_memory_free(struct stream_memory *mem);

struct stream_work;

/* One direction. Read the counters; the rest is private to stream.c.
 * octets      distinct octets known to have been on the wire (seen or gap)
 * delivered   of these, dropped by the consumer, skipped, or counted in STREAM_COUNT
 * gaps, gap_octets, gap_first   how many, how much, offset of the first (UINT64_MAX: none)
 * retransmits segments that brought nothing new
 * conflicts   places where another version came: all of them, also those that were not kept
 * differing   the same, those counted again that were known already
 * late        octets that came after their gap was declared       reordered  segments that had to wait
 * outside     segments too far away to be believed
 * midstream   no SYN was seen: offset 0 is the first octet seen
 * limit       a bound or the budget cost octets, or the comparison with later versions
 * forgot      octets came again that the history did not hold any more: they were not compared */
struct stream {
	struct stream_work *work;
	uint64_t start, next, top, acked, fin;
	uint64_t octets, delivered, gap_octets, gap_first;
	uint32_t gaps, late, retransmits, conflicts, differing, reordered, outside;
	uint32_t seq0;
	enum stream_mode mode;
	uint8_t outside_run;
	bool known, started, midstream, syn, ended, limit, forgot;
};

/* Both directions of one connection. began, now  packet time of the first segment and the newest time seen
 * packets, payload  segments pushed, and the octets in them, retransmissions included */
struct streams {
	struct stream_memory *mem;
	struct stream side[2];
	int64_t began, now;
	uint64_t payload;
	uint32_t packets;
	bool finished;
};

void stream_init(struct streams *ss, struct stream_memory *mem);

/* Takes one TCP segment of direction dir, with SYN, FIN, ACK and payload; RST says nothing here. The payload is
 * borrowed until stream_next answers STREAM_NONE. seg->ts drives all time bounds. */
void stream_push(struct streams *ss, enum dir dir, const struct segment *seg);

/* The next thing to look at in either direction; see the top of this file. Never gives the same octets twice
 * without new ones behind them. */
enum stream_item stream_next(struct streams *ss, struct stream_view *v);

/* The consumer has read the first n octets of what direction dir last gave. n over that is a bug (assertion). */
void stream_drop(struct streams *ss, enum dir dir, size_t n);

/* The next n octets of dir, counted from what has not been dropped, are of no interest: they are counted and not
 * given, whenever they come (the body of a TLS record, a BDAT chunk). A gap among them is still given. */
void stream_skip(struct streams *ss, enum dir dir, uint64_t n);

void stream_mode(struct streams *ss, enum dir dir, enum stream_mode mode);

/* STREAM_COUNT: the next n octets of dir are known to have been on the wire, and no packet will bring them. */
void stream_left_out(struct streams *ss, enum dir dir, uint64_t n);

/* No more packets: stream_next gives what waits, the gaps between, and END for both directions. */
void stream_finish(struct streams *ss);

/* If no packet came any more, stream_finish would bring END and nothing else: no octet and no gap waits. Asked after
 * STREAM_NONE. */
bool stream_settled(const struct streams *ss);

/* Conflicts kept, oldest first: how many, and number i (NULL if there is none). */
size_t stream_conflict_count(const struct streams *ss, enum dir dir);
const struct stream_conflict *stream_conflict_at(const struct streams *ss, enum dir dir, size_t i);

/* Of the conflicts that were not kept: offset of the first octet that differs, and behind the last one. false: all were
 * kept, or there was no memory for any. */
bool stream_conflict_rest(const struct streams *ss, enum dir dir, uint64_t *low, uint64_t *high);

/* The octets that were delivered of dir in STREAM_KEEP, from at most STREAM_HISTORY before the first conflict of either
 * direction on and without a gap, with the later version wherever there are two; at most STREAM_HISTORY. Kept until
 * stream_release. Empty: no conflict in STREAM_KEEP, or no memory for it.
 * offset  out: of its first octet */
struct bytes stream_other(const struct streams *ss, enum dir dir, uint64_t *offset);

/* Where sequence number seq of dir lies, counted like the offsets above; negative in front of the start. 0 while
 * nothing is known of the direction. */
int64_t stream_offset(const struct streams *ss, enum dir dir, uint32_t seq);

/* Gives all blocks back. The counters stay readable. */
void stream_release(struct streams *ss);
#endif
