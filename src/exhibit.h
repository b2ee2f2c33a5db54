/* exhibit: the packets of one session as one flat value: what the capture process kept of them, secrets covered, on its
 * way to the evidence file. A value from another process is hostile until exhibit_check said so.
 *
 *	struct exhibit_walk w;
 *	for (exhibit_walk(&w, value); exhibit_next(&w, &head, &octets);) ... */
#ifndef EXHIBIT_H
#define EXHIBIT_H
#include "bytes.h"

/* What stands in a packet, as far as it was understood: words for people, and which packets decide. */
enum exhibit_what {
	WHAT_SYN = 1 << 0, WHAT_FIN = 1 << 1, WHAT_RST = 1 << 2, WHAT_GREETING = 1 << 3, WHAT_EHLO = 1 << 4,
	WHAT_EHLO_REPLY = 1 << 5, WHAT_STARTTLS = 1 << 6, WHAT_STARTTLS_REPLY = 1 << 7, WHAT_COMMAND = 1 << 8,
	WHAT_REPLY = 1 << 9, WHAT_ENVELOPE = 1 << 10, WHAT_AUTH = 1 << 11, WHAT_CONTENT = 1 << 12,
	WHAT_CLIENT_HELLO = 1 << 13, WHAT_SERVER_HELLO = 1 << 14, WHAT_CERTIFICATE = 1 << 15, WHAT_KEY_EXCHANGE = 1 << 16,
	WHAT_TLS_ALERT = 1 << 17, WHAT_TLS = 1 << 18, WHAT_PROXY = 1 << 19, WHAT_OTHER_VERSION = 1 << 20, WHAT_COVERED = 1 << 21
};

enum {
	EXHIBIT_OCTETS = 200 * 1024, /* of the whole value: it must fit a record between processes */
	EXHIBIT_PACKETS = 2048
};

/* packets   how many follow            left_out  packets of the session that are not among them
 * ended     packet time at which silence ended the session; INT64_MIN: it did not */
struct exhibit_head {
	uint32_t packets, left_out;
	int64_t ended;
};

/* ts, number, linktype, wire_len  as in struct packet
 * n        octets that follow this head, filled up to a multiple of 8
 * was      octets that were captured, up to the end of the payload; those behind n were covered and are left out
 * covered  of the payload, octets that were covered, those left out included
 * what     enum exhibit_what         dir  enum dir         zero  so that equal exhibits are the same octets */
struct exhibit_packet {
	int64_t ts;
	uint64_t number;
	uint32_t linktype, wire_len, n, was, covered, what;
	uint8_t dir, zero[7];
};

struct exhibit_walk {
	struct bytes left;
	uint32_t packets;
};

/* Is this value from another process a possible exhibit: lengths inside it, no more packets than promised? */
bool exhibit_check(struct bytes value, struct exhibit_head *head);
/* Begins a walk over a checked value. */
void exhibit_walk(struct exhibit_walk *w, struct bytes value);
/* The next packet: octets borrow from the value. false: there is none. */
bool exhibit_next(struct exhibit_walk *w, struct exhibit_packet *head, struct bytes *octets);
#endif
