/* The whole walk from packet to session, on packets put together from the input: two connections, both directions,
 * any sequence numbers, flags and payload. Promise: whatever comes, each session is a sound record, and it is one line
 * of JSON. The pipeline is made once; all flows end with each input. */
#include <assert.h>
#include <stdlib.h>

#include "json.h"
#include "wire/pipeline.h"
#include "../octets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A raw IPv4 packet (link type 101) with a TCP segment; returns its length. */
static size_t build(uint8_t *p, unsigned flow, bool from_server, uint32_t seq, uint32_t ack, uint8_t flags,
		    struct bytes payload)
{
	unsigned client_port = 40000 + flow, server_port = flow == 1 ? 465 : 25;
	size_t n = 0;
	n += put16(p + n, 0x4500);
	n += put16(p + n, (unsigned)(40 + payload.n));
	n += put32(p + n, 0);
	n += put32(p + n, 0x40060000);
	n += put32(p + n, from_server ? 0xc6336401 : 0xc0000201);
	n += put32(p + n, from_server ? 0xc0000201 : 0xc6336401);
	n += put16(p + n, from_server ? server_port : client_port);
	n += put16(p + n, from_server ? client_port : server_port);
	n += put32(p + n, seq);
	n += put32(p + n, ack);
	n += put16(p + n, 0x5000u | flags);
	n += put16(p + n, 8192);
	n += put32(p + n, 0);
	if (payload.n)
		memcpy(p + n, payload.p, payload.n);
	return n + payload.n;
}

/* Columns of one array are equally long. */
static void check_columns(const struct record *r)
{
	static const enum fact conflicts[] = { F_tcp_conf_place, F_tcp_conf_offset, F_tcp_conf_first, F_tcp_conf_second,
					       F_tcp_conf_ttl1, F_tcp_conf_ttl2, F_tcp_conf_ipid1, F_tcp_conf_ipid2 };
	static const enum fact resets[] = { F_tcp_rst_place, F_tcp_rst_seq, F_tcp_rst_ttl, F_tcp_rst_ipid, F_tcp_rst_after };
	for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++)
		assert(record_count(r, conflicts[i]) == record_count(r, F_tcp_conf_dir));
	for (size_t i = 0; i < sizeof(resets) / sizeof(resets[0]); i++)
		assert(record_count(r, resets[i]) == record_count(r, F_tcp_rst_dir));
}

static void drain(struct pipeline *p, char *line)
{
	struct pipeline_out out;
	enum pipeline_item item;
	while ((item = pipeline_next(p, &out)) != PIPELINE_NONE) {
		if (item != PIPELINE_SESSION)
			continue;
		struct text t = { line, 0, JSON_LINE, false };
		assert(record_check(out.session, record_size(out.session)));
		check_columns(out.session);
		assert(json_event(out.session, JSON_LINE, &t) && line[t.n - 1] == '\n');
	}
}

/* Each piece: control octet (flow, direction, how seq moves, flags), length octet, payload. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pipeline_config config = { .ports = { { 25, false }, { 465, true } }, .nports = 2, .flows = 64,
					  .dialogues = 16, .budget = 8 << 20, .dns = true };
	struct pipeline *p = pipeline_new(&config);
	char *line = malloc(JSON_LINE);
	uint32_t next[2][2] = { { 1000, 5000 }, { 0xfffffff0, 77 } };
	struct cur c = cur_of((struct bytes){ data, size });
	struct packet packet = { .linktype = 101, .ts = INT64_C(1700000000000000000) };
	uint8_t buf[40 + 256];
	assert(p && line);
	while (cur_left(&c) >= 2) {
		uint8_t control = cur_u8(&c);
		struct bytes payload = cur_take(&c, cur_u8(&c));
		unsigned flow = control & 1;
		bool server = control & 2;
		uint8_t flags = control & 4 ? TCP_SYN : control & 8 ? TCP_FIN | TCP_ACK : control & 16 ? TCP_RST : TCP_ACK;
		uint32_t *seq = &next[flow][server];
		uint32_t at = control & 32 ? *seq + (control >> 6) * 40 : control & 64 ? *seq - 8 : *seq;
		size_t n = build(buf, flow, server, at, next[flow][!server], flags, payload);
		if (!(control & 32))
			*seq = at + (uint32_t)payload.n + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
		packet.ts += 1000000;
		packet.number++;
		packet.data = (struct bytes){ buf, n };
		packet.wire_len = (uint32_t)n;
		pipeline_push(p, &packet);
		drain(p, line);
	}
	pipeline_finish(p);
	drain(p, line);
	pipeline_free(p);
	free(line);
	return 0;
}
