/* frame: one captured packet → one TCP segment or UDP datagram, through whatever stands in front of it.
 *
 * Link: Ethernet, 802.1Q, QinQ, 802.1BR, PPPoE sessions, MPLS, Linux cooked v1 and v2, raw IP, null/loopback.
 * Network: IPv4 (RFC 791), IPv6 and its extension headers (RFC 8200), fragments through fragment.h. Nothing here
 * verifies a checksum: that is work for each octet, and offload makes the answer worthless for most captures;
 * frame_checksum_bad does it for the one packet in question. */
#ifndef FRAME_H
#define FRAME_H
#include "packet.h"
#include "wire/fragment.h"

enum frame {
	FRAME_OK,       /* *seg is set */
	FRAME_FRAGMENT, /* a fragment, kept until its datagram is complete */
	FRAME_OTHER,    /* sound as far as it was read, but neither TCP nor UDP over IP, or no link type we know */
	FRAME_BAD,      /* a header that contradicts itself, or ends before it should */
	FRAME_RESULTS
};

/* Packets by result; inside FRAME_OTHER those of an unknown link type. */
struct frame_counters {
	uint64_t result[FRAME_RESULTS];
	uint64_t unknown_link;
	uint64_t cut; /* FRAME_OK whose payload the capture cut */
};

/* pkt    the packet; the spans of *seg borrow from pkt->data, or from ft for a datagram made of fragments: until
 *        the next call with ft
 * ft     fragments; NULL: the first fragment of a datagram is read as far as it goes, the others are FRAME_FRAGMENT
 * count  brought up to date
 * seg    out, whole on FRAME_OK, undefined otherwise */
enum frame frame_read(const struct packet *pkt, struct fragment_table *ft, struct frame_counters *count,
		      struct segment *seg);

/* The checksum of seg (RFC 9293 3.1; RFC 768: 0 means none; RFC 8200 8.1), computed over the packet that it came from.
 * pkt  the packet that frame_read made seg of, still on loan
 * TRUE: computed and wrong. That may be offload at the capturing host: a remark, never a reason to drop.
 * false: right, or it cannot be told (cut by snaplen, or made of fragments). */
bool frame_checksum_bad(const struct packet *pkt);
#endif
