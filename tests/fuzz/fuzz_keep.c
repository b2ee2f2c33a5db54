/* A connection of any octets, in order, whose packets are kept as evidence. Promise: the exhibit is a possible one, and when its packets
 * are read again, with zeros for what was cut off, every fact of the wire that stands in an alert is the same: what is
 * covered says nothing, and what says something is not covered. Where octets came in two versions only the first is promised. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "exhibit.h"
#include "wire/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return 2;
}

static size_t put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	return 2 + put16(p + 2, v & 0xffff);
}

/* A raw IPv4 packet (link type 101) with a TCP segment; returns its length. */
static size_t build(uint8_t *p, bool server, uint32_t seq, uint32_t ack, uint8_t flags, struct bytes payload)
{
	size_t n = 0;
	n += put16(p + n, 0x4500);
	n += put16(p + n, (unsigned)(40 + payload.n));
	n += put32(p + n, 0);
	n += put32(p + n, 0x40060000);
	n += put32(p + n, server ? 0xc6336401 : 0xc0000201);
	n += put32(p + n, server ? 0xc0000201 : 0xc6336401);
	n += put16(p + n, server ? 25 : 40000);
	n += put16(p + n, server ? 40000 : 25);
	n += put32(p + n, seq);
	n += put32(p + n, ack);
	n += put16(p + n, 0x5000u | flags);
	n += put16(p + n, 8192);
	n += put32(p + n, 0);
	if (payload.n)
		memcpy(p + n, payload.p, payload.n);
	return n + payload.n;
}

/* The session that is over, if one is, and its exhibit. */
struct seen {
	bool any;
	struct record record;
	uint8_t exhibit[EXHIBIT_OCTETS];
	size_t n;
};

static void drain(struct pipeline *p, struct seen *s)
{
	struct pipeline_out out;
	enum pipeline_item item;
	while ((item = pipeline_next(p, &out)) != PIPELINE_NONE) {
		if (item != PIPELINE_SESSION || s->any)
			continue;
		s->any = true;
		s->record = *out.session;
		s->n = out.exhibit.n;
		if (out.exhibit.n)
			memcpy(s->exhibit, out.exhibit.p, out.exhibit.n);
	}
}

static struct pipeline *make(bool exhibits)
{
	struct pipeline_config config = { .ports = { { 25, false } }, .nports = 1, .flows = 16, .dialogues = 4,
					  .budget = 8 << 20, .exhibits = exhibits ? 4 << 20 : 0 };
	struct pipeline *p = pipeline_new(&config);
	assert(p);
	return p;
}

/* Each piece: control octet (direction, flags), length octet, payload. */
static bool first(const uint8_t *data, size_t size, struct seen *s)
{
	struct pipeline *p = make(true);
	uint32_t next[2] = { 1000, 5000 };
	struct cur c = cur_of((struct bytes){ data, size });
	struct packet packet = { .linktype = 101, .ts = INT64_C(1700000000000000000) };
	uint8_t buf[40 + 256];
	for (int i = 0; cur_left(&c) >= 2 || i < 2; i++) {
		uint8_t control = i < 2 ? (uint8_t)(i | 4) : cur_u8(&c);
		struct bytes payload = cur_take(&c, i < 2 ? 0 : cur_u8(&c));
		bool server = control & 1;
		uint8_t flags = i < 2 ? TCP_SYN | (i ? TCP_ACK : 0) : control & 8 ? TCP_FIN | TCP_ACK :
				control & 16 ? TCP_RST : TCP_ACK;
		packet.data = (struct bytes){ buf, build(buf, server, next[server], next[!server], flags, payload) };
		next[server] += (uint32_t)payload.n + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
		packet.ts += 1000000;
		packet.number++;
		packet.wire_len = (uint32_t)packet.data.n;
		pipeline_push(p, &packet);
		drain(p, s);
	}
	pipeline_finish(p);
	drain(p, s);
	pipeline_free(p);
	return s->any;
}

static void second(const struct seen *was, struct seen *s)
{
	static uint8_t whole[65536];
	struct pipeline *p = make(false);
	struct exhibit_walk w;
	struct exhibit_packet head;
	struct bytes octets;
	exhibit_walk(&w, (struct bytes){ was->exhibit, was->n });
	while (exhibit_next(&w, &head, &octets)) {
		assert(head.was <= sizeof(whole));
		memset(whole, 0, head.was);
		memcpy(whole, octets.p, octets.n);
		struct packet packet = { .ts = head.ts, .linktype = head.linktype, .data = { whole, head.was },
					 .wire_len = head.wire_len, .number = head.number };
		pipeline_push(p, &packet);
		drain(p, s);
	}
	pipeline_finish(p);
	drain(p, s);
	pipeline_free(p);
}

static bool same(const struct record *a, const struct record *b, enum fact f)
{
	size_t i = 0, j = 0;
	struct bytes x, y;
	if (record_has(a, f) != record_has(b, f))
		return false;
	if (fact_table[f].type < T_LSTR && fact_table[f].type != T_STR && fact_table[f].type != T_HEX && fact_table[f].type != T_IP)
		return record_get_num(a, f, 0) == record_get_num(b, f, 0);
	if (fact_table[f].type < T_LSTR)
		return bytes_eq(record_get_str(a, f), record_get_str(b, f));
	while (record_next(a, f, &i, &x))
		if (!record_next(b, f, &j, &y) || !bytes_eq(x, y))
			return false;
	return !record_next(b, f, &j, &y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct seen a, b;
	struct exhibit_head head;
	a.any = b.any = false;
	if (!first(data, size, &a))
		return 0;
	assert(a.n && exhibit_check((struct bytes){ a.exhibit, a.n }, &head));
	if (head.left_out || record_get_num(&a.record, F_cap_conflicts, 0) > 0)
		return 0;
	second(&a, &b);
	assert(b.any);
	for (unsigned f = 0; f < FACT_COUNT; f++)
		if (fact_table[f].sets & IN_ALERT && fact_table[f].room == ROOM_WIRE && !same(&a.record, &b.record, (enum fact)f)) {
			fprintf(stderr, "%s differs: %lld, %lld\n", fact_table[f].name,
				(long long)record_get_num(&a.record, (enum fact)f, -1), (long long)record_get_num(&b.record, (enum fact)f, -1));
			abort();
		}
	return 0;
}
