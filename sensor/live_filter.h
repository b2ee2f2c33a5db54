/* live_filter: the classic BPF programs of live capture, as octets for the kernel: which packets reach a worker's ring,
 * and which worker of several.
 *
 * Both walk the headers as frame does, so that what frame reads is not lost in front of it. Own programs and not a
 * pcap expression, for "vlan" and "mpls" there move all offsets behind them, and each tag wants its own alternative.
 * A filter may let more through than frame reads, never less: fragments, IPv6 with extension headers and whatever
 * lies deeper than the walk goes pass without their ports being looked at.
 *
 * The kernel takes the outermost VLAN tag off before a packet socket sees the packet, wherever the network card did
 * not. So the octets that a filter sees have one tag less than those that frame sees, or as many: the walk takes any. */
#ifndef LIVE_FILTER_H
#define LIVE_FILTER_H
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { LIVE_FILTER_PORTS = 72, LIVE_FILTER_MAX = 4096 /* the kernel's bound, BPF_MAXINSNS */ };

/* One instruction, laid out as the kernel's struct sock_filter and libpcap's struct bpf_insn. */
struct live_insn {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

struct live_program {
	size_t n;
	struct live_insn insn[LIVE_FILTER_MAX];
};

/* What the octets of a packet begin with. */
enum live_link { LIVE_ETHERNET, LIVE_IP };

/* mail, dns  ports, TCP and, for DNS, UDP as well        tunnels  GRE, IP in IP, VXLAN and GENEVE packets pass too,
 *            whatever is in them
 * sample     of TCP connections on other ports one in so many passes, chosen by its ports; 0: none, 1: all
 * expression of the operator, in pcap's language, or NULL: what it refuses does not pass
 * iface      an interface to compile expression for, or NULL. Only for an interface the word "vlan" asks for the tag
 *            that the kernel took off; without one it asks for octets, as in a file */
struct live_filter_config {
	const uint16_t *mail, *dns;
	size_t nmail, ndns;
	unsigned sample;
	const char *expression, *iface;
	bool tunnels;
};

/* Builds the filter: returns 0 to drop, 262144 (the most octets that libpcap takes) to pass. Runs in the supervisor; with
 * an expression and an iface it opens a packet socket for a moment. false: e says what is wrong with the expression. */
bool live_filter_build(struct live_program *p, enum live_link link, const struct live_filter_config *config,
		       struct error *e);

/* Builds the program for PACKET_FANOUT_CBPF; the kernel takes the result modulo the workers.
 *
 * Both directions, all fragments, and a packet with and without tags, have the same result, because only the two
 * addresses are mixed, symmetrically, and nothing else. The kernel's own PACKET_FANOUT_HASH was not taken: it stops in
 * front of the ports where IPv6 has a flow label, which the two ends set as each likes, knows fragments only with
 * FLAG_DEFRAG (IPv4, no tags, and the ring would hold octets that were never on the wire), and its key is not ours.
 * FLAG_ROLLOVER is not used either: it tears a flow apart in the very moment of overload, when what is kept must be kept
 * whole. Packets inside tunnels go by the outer addresses, packets that are no IP to worker 0.
 *
 * ports  mix in the ports of TCP as well: for a sensor that sees all mail between the same two hosts. The price: fragments
 *        may go to another worker than the rest of their flow
 * seed   random, so that nobody outside can choose addresses that all meet in one worker
 * base   0, or what the kernel wants in front of an offset from the link layer (LIVE_FANOUT_BASE): a fanout program
 *        sees incoming packets from the network layer on, and outgoing ones from the link layer on */
void live_filter_fanout(struct live_program *p, enum live_link link, bool ports, uint32_t seed, uint32_t base);
#define LIVE_FANOUT_LINK UINT32_C(0xffe00000) /* SKF_LL_OFF */
#define LIVE_FANOUT_NET  UINT32_C(0xfff00000) /* SKF_NET_OFF, for LIVE_IP */
#endif
