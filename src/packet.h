/* packet: the two seams below a session: what a source hands to the pipeline, and what frame makes of it. */
#ifndef PACKET_H
#define PACKET_H
#include "bytes.h"

/* One captured packet, on loan from the source until the next one is asked for.
 * ts       nanoseconds since 1970, UTC, as the capture says
 * linktype LINKTYPE_ value of the capture (1 Ethernet, 101 raw IP, 113/276 Linux cooked, 0/108 null/loop ...)
 * data     the captured octets; data.n == 0 with wire_len == 0 says only "it is now ts"
 * wire_len octets on the wire; more than data.n where the capture was cut (snaplen)
 * number   1 for the first packet of the input, as Wireshark counts
 * iface    which input or interface, from 0 */
struct packet {
	int64_t ts;
	uint32_t linktype;
	uint32_t iface;
	struct bytes data;
	uint32_t wire_len;
	uint64_t number;
};

/* An IP address; v is 4 or 6, the unused octets of an IPv4 address are zero, so that memcmp compares. */
struct addr {
	uint8_t v;
	uint8_t a[16];
};

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };
enum { PROTO_TCP = 6, PROTO_UDP = 17 };
enum { ENCAP_VLAN = 1, ENCAP_QINQ = 2, ENCAP_8021BR = 4, ENCAP_PPPOE = 8, ENCAP_FRAGMENT = 16, ENCAP_MPLS = 32,
       ENCAP_TUNNEL = 64 };

/* One TCP segment or UDP datagram; payload is a loan from the packet or from the fragment table, for one call.
 * payload_wire  octets of payload that the IP header promises; more than payload.n where the capture was cut
 * options       of the TCP header, a loan like payload
 * checksum_bad  computed and wrong: may be capture-side offload, so it is a remark and never a reason to drop
 * vlan          outermost first, vlans says how many were there (at most 2 kept) */
struct segment {
	int64_t ts;
	uint64_t number;
	struct addr src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	uint8_t flags;
	uint32_t seq, ack;
	uint16_t window;
	struct bytes options, payload;
	uint32_t payload_wire;
	uint8_t ttl;
	uint16_t ipid;
	uint8_t encap;
	bool has_tsval;
	uint32_t tsval;
	bool checksum_bad;
	uint16_t vlan[2];
	uint8_t vlans;
	uint32_t iface;
};

/* Direction inside a flow. The client is who sent the SYN, or, without one, who talks to a mail port. */
enum dir { C2S = 0, S2C = 1 };
#endif
