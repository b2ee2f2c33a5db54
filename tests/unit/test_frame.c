/* frame: the same TCP segment or UDP datagram is found inside every wrapping, and broken headers are called broken.
 * Packets are put together from wrapping and content; each is in a block of exactly its size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wire/frame.h"

#define MACS "\0\0\0\0\0\1" "\0\0\0\0\0\2"
#define OF(text) { (const uint8_t *)(text), sizeof(text) - 1 }

/* 10.0.0.1:40000 → 10.0.0.2:25, options: timestamps (TSval 7), "EHLO a\r\n" */
#define TCP_PART "\x9c\x40\0\x19\0\0\0\x64\0\0\1\xf4\x80\x18\3\xe8\0\0\0\0\1\1\x08\x0a\0\0\0\7\0\0\0\1" "EHLO a\r\n"
#define IP4 "\x45\0\0\x3c\0\x09\0\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2" TCP_PART
#define IP6_HEAD "\x20\1\0\0\0\0\0\0\0\0\0\0\0\0\0\1" "\x20\1\0\0\0\0\0\0\0\0\0\0\0\0\0\2"
#define IP6 "\x60\0\0\0\0\x28\6\x40" IP6_HEAD TCP_PART

static const struct {
	const char *why;
	uint32_t link;
	struct bytes octets;
	uint8_t version, encap, vlans;
	uint16_t vlan0, vlan1;
} wrappings[] = {
	{ "Ethernet", 1, OF(MACS "\x08\0" IP4), 4, 0, 0, 0, 0 },
	{ "Ethernet, padded", 1, OF(MACS "\x08\0" IP4 "\0\0\0\0\0\0"), 4, 0, 0, 0, 0 },
	{ "Ethernet, IPv6", 1, OF(MACS "\x86\xdd" IP6), 6, 0, 0, 0, 0 },
	{ "802.1Q", 1, OF(MACS "\x81\0\x20\5\x08\0" IP4), 4, ENCAP_VLAN, 1, 5, 0 },
	{ "QinQ", 1, OF(MACS "\x88\xa8\0\5\x81\0\0\6\x86\xdd" IP6), 6, ENCAP_VLAN | ENCAP_QINQ, 2, 5, 6 },
	{ "QinQ, old type", 1, OF(MACS "\x91\0\0\5\x81\0\0\6\x08\0" IP4), 4, ENCAP_VLAN | ENCAP_QINQ, 2, 5, 6 },
	{ "three tags", 1, OF(MACS "\x81\0\0\5\x81\0\0\6\x81\0\0\7\x08\0" IP4), 4, ENCAP_VLAN | ENCAP_QINQ, 3, 5, 6 },
	{ "802.1BR", 1, OF(MACS "\x89\x3f\0\0\0\0\0\0\x08\0" IP4), 4, ENCAP_8021BR, 0, 0, 0 },
	{ "PPPoE", 1, OF(MACS "\x88\x64\x11\0\0\1\0\x3e\0\x21" IP4), 4, ENCAP_PPPOE, 0, 0, 0 },
	{ "PPPoE, padded", 1, OF(MACS "\x88\x64\x11\0\0\1\0\x3e\0\x21" IP4 "\0\0\0\0"), 4, ENCAP_PPPOE, 0, 0, 0 },
	{ "PPPoE, IPv6", 1, OF(MACS "\x88\x64\x11\0\0\1\0\x52\0\x57" IP6), 6, ENCAP_PPPOE, 0, 0, 0 },
	{ "MPLS, two labels", 1, OF(MACS "\x88\x47\0\1\0\x40\0\2\1\x40" IP4), 4, ENCAP_MPLS, 0, 0, 0 },
	{ "MPLS pseudowire", 1, OF(MACS "\x88\x47\0\1\1\x40\0\0\0\0" MACS "\x86\xdd" IP6), 6, ENCAP_MPLS, 0, 0, 0 },
	{ "SNAP", 1, OF(MACS "\0\x44\xaa\xaa\3\0\0\0\x08\0" IP4), 4, 0, 0, 0, 0 },
	{ "Linux cooked", 113, OF("\0\0\0\1\0\6\0\0\0\0\0\0\0\0\x08\0" IP4), 4, 0, 0, 0, 0 },
	{ "Linux cooked v2", 276, OF("\x86\xdd\0\0\0\0\0\1\0\1\0\6\0\0\0\0\0\0\0\0" IP6), 6, 0, 0, 0, 0 },
	{ "raw", 101, OF(IP4), 4, 0, 0, 0, 0 },
	{ "raw, IPv6", 101, OF(IP6), 6, 0, 0, 0, 0 },
	{ "raw, BSD", 12, OF(IP4), 4, 0, 0, 0, 0 },
	{ "raw, OpenBSD", 14, OF(IP6), 6, 0, 0, 0, 0 },
	{ "raw IPv4", 228, OF(IP4), 4, 0, 0, 0, 0 },
	{ "raw IPv6", 229, OF(IP6), 6, 0, 0, 0, 0 },
	{ "null, little-endian", 0, OF("\2\0\0\0" IP4), 4, 0, 0, 0, 0 },
	{ "null, big-endian", 0, OF("\0\0\0\2" IP4), 4, 0, 0, 0, 0 },
	{ "null, IPv6 of macOS", 0, OF("\x1e\0\0\0" IP6), 6, 0, 0, 0, 0 },
	{ "loop", 108, OF("\0\0\0\x18" IP6), 6, 0, 0, 0, 0 },
	{ "IPv4 options", 101, OF("\x46\0\0\x40\0\x09\0\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2\1\1\1\0" TCP_PART), 4, 0, 0, 0, 0 },
	{ "length 0: left to the network card", 101, OF("\x45\0\0\0\0\x09\0\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2" TCP_PART), 4, 0, 0, 0, 0 },
	{ "IPv6 with hop-by-hop, routing, destination, AH and an atomic fragment", 101,
	  OF("\x60\0\0\0\0\x5c\0\x40" IP6_HEAD "\x2b\0\1\4\0\0\0\0" "\x3c\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "\x33\0\1\4\0\0\0\0"
	     "\x2c\1\0\0\0\0\0\0\0\0\0\0" "\6\0\0\0\0\0\0\1" TCP_PART), 6, 0, 0, 0, 0 },
};

static enum frame read(struct bytes octets, uint32_t link, size_t wire, struct fragment_table *ft, struct segment *seg,
		       uint8_t **copy, struct frame_counters *count)
{
	*copy = malloc(octets.n ? octets.n : 1);
	memcpy(*copy, octets.p, octets.n);
	struct packet pkt = { .ts = 5, .linktype = link, .data = { *copy, octets.n }, .wire_len = (uint32_t)wire, .number = 3 };
	return frame_read(&pkt, ft, count, seg);
}

static void test_wrappings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrappings) / sizeof(wrappings[0]); i++) {
		struct segment s;
		struct frame_counters count = { 0 };
		uint8_t *copy;
		enum frame result = read(wrappings[i].octets, wrappings[i].link, wrappings[i].octets.n, NULL, &s, &copy, &count);
		if (result != FRAME_OK)
			print_message("%s\n", wrappings[i].why);
		assert_int_equal(result, FRAME_OK);
		assert_int_equal(s.src.v, wrappings[i].version);
		assert_int_equal(s.src.a[s.src.v == 4 ? 3 : 15], 1);
		assert_int_equal(s.dst.a[s.dst.v == 4 ? 3 : 15], 2);
		assert_int_equal(s.encap, wrappings[i].encap);
		assert_int_equal(s.vlans, wrappings[i].vlans);
		assert_int_equal(s.vlan[0], wrappings[i].vlan0);
		assert_int_equal(s.vlan[1], wrappings[i].vlan1);
		assert_int_equal(s.proto, PROTO_TCP);
		assert_int_equal(s.sport, 40000);
		assert_int_equal(s.dport, 25);
		assert_int_equal(s.seq, 100);
		assert_int_equal(s.ack, 500);
		assert_int_equal(s.flags, TCP_PSH | TCP_ACK);
		assert_int_equal(s.window, 1000);
		assert_int_equal(s.ttl, 64);
		assert_int_equal(s.ipid, s.src.v == 4 ? 9 : 0);
		assert_true(s.has_tsval && s.tsval == 7);
		assert_int_equal(s.ts, 5);
		assert_int_equal(s.number, 3);
		if (s.payload.n != 8)
			print_message("%s: %zu octets\n", wrappings[i].why, s.payload.n);
		assert_int_equal(s.payload.n, 8);
		assert_int_equal(s.payload_wire, 8);
		assert_memory_equal(s.payload.p, "EHLO a\r\n", 8);
		free(copy);
	}
}

/* Every shorter capture of the same packet: OK as long as the fixed TCP header is there, then the wire length stays. */
static void test_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrappings) / sizeof(wrappings[0]); i++) {
		struct bytes b = wrappings[i].octets;
		for (size_t n = 0; n < b.n; n++) {
			struct segment s;
			struct frame_counters count = { 0 };
			uint8_t *copy;
			enum frame result = read(bytes_head(b, n), wrappings[i].link, b.n, NULL, &s, &copy, &count);
			if (result == FRAME_OK) {
				assert_int_equal(s.payload_wire, 8);
				assert_true(s.payload.n <= 8);
				assert_int_equal(count.cut, s.payload.n < 8);
			}
			assert_int_equal(count.result[result], 1);
			free(copy);
		}
	}
}

static const struct {
	const char *why;
	uint32_t link;
	struct bytes octets;
	enum frame result;
} others[] = {
	{ "ARP", 1, OF(MACS "\x08\6\0\1"), FRAME_OTHER },
	{ "802.3, spanning tree", 1, OF(MACS "\0\x26\x42\x42\3\0\0\0\0\0"), FRAME_OTHER },
	{ "PPPoE discovery code", 1, OF(MACS "\x88\x64\x11\7\0\1\0\2\0\x21"), FRAME_OTHER },
	{ "PPP LCP", 1, OF(MACS "\x88\x64\x11\0\0\1\0\2\xc0\x21"), FRAME_OTHER },
	{ "unknown link type", 147, OF(IP4), FRAME_OTHER },
	{ "null, unknown family", 0, OF("\7\0\0\0" IP4), FRAME_OTHER },
	{ "ICMP", 101, OF("\x45\0\0\x1c\0\0\0\0\x40\1\0\0\x0a\0\0\1\x0a\0\0\2\x08\0\0\0\0\0\0\0"), FRAME_OTHER },
	{ "later fragment, no table", 101, OF("\x45\0\0\x1c\0\0\0\1\x40\6\0\0\x0a\0\0\1\x0a\0\0\2" "12345678"), FRAME_FRAGMENT },
	{ "IP version 5", 101, OF("\x55\0\0\x14\0\0\0\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2"), FRAME_BAD },
	{ "IPv4 header of 16", 101, OF("\x44\0\0\x3c\0\0\0\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2" TCP_PART), FRAME_BAD },
	{ "IPv4 length below its header", 101, OF("\x45\0\0\x13\0\0\0\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2" TCP_PART), FRAME_BAD },
	{ "IPv4 length ends inside the TCP header", 101, OF("\x45\0\0\x24\0\0\0\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2" TCP_PART), FRAME_BAD },
	{ "TCP header of 16", 101, OF("\x45\0\0\x28\0\0\0\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2" "\x9c\x40\0\x19\0\0\0\0\0\0\0\0\x40\2\0\0\0\0\0\0"), FRAME_BAD },
	{ "UDP longer than its packet", 101, OF("\x45\0\0\x1c\0\0\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2" "\0\x35\0\x35\0\x09\0\0"), FRAME_BAD },
	{ "MPLS without an end", 1, OF(MACS "\x88\x47\0\1\0\x40\0\2\0\x40"), FRAME_BAD },
	{ "IPv6 extension beyond the packet", 101, OF("\x60\0\0\0\0\x08\0\x40" IP6_HEAD "\6\xff\0\0\0\0\0\0"), FRAME_BAD },
	{ "nothing", 1, OF(""), FRAME_BAD },
};

static void test_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct segment s;
		struct frame_counters count = { 0 };
		uint8_t *copy;
		enum frame result = read(others[i].octets, others[i].link, others[i].octets.n, NULL, &s, &copy, &count);
		if (result != others[i].result)
			print_message("%s\n", others[i].why);
		assert_int_equal(result, others[i].result);
		assert_int_equal(count.unknown_link, others[i].link == 147);
		free(copy);
	}
}

/* Seen in a real capture: an IP length that counts the padding of a short frame, which the link then does not carry.
 * Nothing was cut, so nothing is missing. */
static void test_length_lies(void **state)
{
	(void)state;
	static const struct bytes b = OF(MACS "\x88\x64\x11\0\0\1\0\x3e\0\x21"
					 "\x45\0\0\x42\0\x09\0\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2" TCP_PART "\0\0\0\0\0\0");
	struct segment s;
	struct frame_counters count = { 0 };
	uint8_t *copy;
	assert_int_equal(read(b, 1, b.n, NULL, &s, &copy, &count), FRAME_OK);
	assert_int_equal(s.payload.n, 8);
	assert_int_equal(s.payload_wire, 8);
	free(copy);
}

static void test_fragments(void **state)
{
	(void)state;
	static const struct bytes parts[2][2] = {
		{ OF("\x45\0\0\x2c\0\x09\x20\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2\x9c\x40\0\x19\0\0\0\x64\0\0\1\xf4\x80\x18\3\xe8\0\0\0\0\1\1\x08\x0a"),
		  OF("\x45\0\0\x24\0\x09\0\3\x40\6\0\0\x0a\0\0\1\x0a\0\0\2\0\0\0\7\0\0\0\1" "EHLO a\r\n") },
		{ OF("\x60\0\0\0\0\x20\x2c\x40" IP6_HEAD "\6\0\0\1\0\0\0\5\x9c\x40\0\x19\0\0\0\x64\0\0\1\xf4\x80\x18\3\xe8\0\0\0\0\1\1\x08\x0a"),
		  OF("\x60\0\0\0\0\x18\x2c\x40" IP6_HEAD "\6\0\0\x18\0\0\0\5\0\0\0\7\0\0\0\1" "EHLO a\r\n") },
	};
	for (int v = 0; v < 2; v++) {
		for (int first = 0; first < 2; first++) {
			struct fragment_table *ft = fragment_table_new(4);
			struct segment s;
			struct frame_counters count = { 0 };
			uint8_t *a, *b;
			struct bytes one = parts[v][first], two = parts[v][!first];
			assert_int_equal(read(one, 101, one.n, ft, &s, &a, &count), FRAME_FRAGMENT);
			free(a);
			assert_int_equal(read(two, 101, two.n, ft, &s, &b, &count), FRAME_OK);
			free(b);
			assert_int_equal(s.encap, ENCAP_FRAGMENT);
			assert_int_equal(s.sport, 40000);
			assert_int_equal(s.payload_wire, 8);
			assert_memory_equal(s.payload.p, "EHLO a\r\n", 8);
			fragment_table_free(ft);
		}
	}
}

/* A DNS query over UDP and its checksum; then one octet changed; then what offload leaves behind. */
static void test_udp_and_checksum(void **state)
{
	(void)state;
	static const struct bytes udp = OF("\x45\0\0\x20\0\0\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2" "\0\x35\0\x35\0\x0c\0\0" "abcd");
	struct segment s;
	struct frame_counters count = { 0 };
	uint8_t *copy;
	assert_int_equal(read(udp, 101, udp.n, NULL, &s, &copy, &count), FRAME_OK);
	assert_int_equal(s.proto, PROTO_UDP);
	assert_int_equal(s.payload.n, 4);
	struct packet pkt = { .linktype = 101, .data = { copy, udp.n }, .wire_len = (uint32_t)udp.n };
	assert_false(frame_checksum_bad(&pkt)); /* 0: the sender computed none */
	copy[26] = 0x26; /* 0a00+0001+0a00+0002+0011+000c + 0035+0035+000c+6162+6364 = d95c, inverted 26a3 */
	copy[27] = 0xa3;
	assert_false(frame_checksum_bad(&pkt));
	copy[28] ^= 1;
	assert_true(frame_checksum_bad(&pkt));
	pkt.data.n -= 1; /* cut: cannot be told */
	assert_false(frame_checksum_bad(&pkt));
	pkt.data.n += 1;
	copy[26] = 0x14; /* the sum of the pseudo-header alone: offload */
	copy[27] = 0x20;
	assert_false(frame_checksum_bad(&pkt));
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrappings),	cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_others),		cmocka_unit_test(test_length_lies),
		cmocka_unit_test(test_fragments),	cmocka_unit_test(test_udp_and_checksum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
