/* fuzz_frame: any octets under any link type. Promise: a segment lies inside the packet (or the reassembled datagram),
 * never has more payload than the wire promised, and a packet cut shorter never shows more than the whole one. */
#include <assert.h>
#include <stdlib.h>

#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint32_t links[] = { 1, 0, 12, 14, 101, 108, 113, 228, 229, 276, 999 };

static enum frame read(const uint8_t *data, size_t n, uint32_t link, uint32_t wire, struct fragment_table *ft,
		       struct segment *seg)
{
	uint8_t *copy = malloc(n ? n : 1);
	if (n)
		memcpy(copy, data, n);
	struct packet pkt = { .ts = 1, .linktype = link, .data = { copy, n }, .wire_len = wire, .number = 1 };
	struct frame_counters count = { 0 };
	enum frame result = frame_read(&pkt, ft, &count, seg);
	if (result == FRAME_OK) {
		assert(seg->payload.n <= seg->payload_wire);
		assert(seg->src.v == seg->dst.v && (seg->src.v == 4 || seg->src.v == 6));
		if (!ft && seg->payload.n)
			assert(seg->payload.p >= copy && seg->payload.p + seg->payload.n <= copy + n);
		uint8_t sum = 0;
		for (size_t i = 0; i < seg->payload.n; i++)
			sum = (uint8_t)(sum + seg->payload.p[i]);
		seg->window = (uint16_t)(seg->window + (sum & 0));
	}
	(void)frame_checksum_bad(&pkt);
	free(copy);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	uint32_t link = links[data[0] % (sizeof(links) / sizeof(links[0]))];
	size_t cut = data[1];
	data += 2;
	size -= 2;
	struct segment whole, part;
	struct fragment_table *ft = fragment_table_new(2);
	read(data, size, link, (uint32_t)size, ft, &part);
	read(data, size, link, (uint32_t)size, ft, &part);
	fragment_table_free(ft);
	if (read(data, size, link, (uint32_t)size, NULL, &whole) == FRAME_OK && cut < size &&
	    read(data, size - cut, link, (uint32_t)size, NULL, &part) == FRAME_OK) {
		assert(part.sport == whole.sport && part.dport == whole.dport && part.seq == whole.seq);
		assert(part.payload.n <= whole.payload.n && part.payload_wire == whole.payload_wire);
	}
	return 0;
}
