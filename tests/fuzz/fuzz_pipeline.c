/* The whole walk from packet to session, on packets put together from the input: two connections, both directions,
 * any sequence numbers, flags and payload; once with their ports as mail ports, once with none of them, while what is
 * to be named gets any name. Promise: whatever comes, each session is a sound record that says how it was found, and it is
 * one line of JSON; what is lent for a name is bounded. All flows end with each input. */
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

/* A name that depends on the octets. */
static void answer(struct pipeline *p, const struct pipeline_look *look)
{
	static const char *const names[] = { "smtp", "http", "", "a name that is far too long for this" };
	assert(look->said[C2S].n <= PIPELINE_LOOK_MAX && look->said[S2C].n <= PIPELINE_LOOK_MAX);
	assert(look->said[look->first].n > 0);
	size_t sum = 0;
	for (int dir = C2S; dir <= S2C; dir++)
		for (size_t i = 0; i < look->said[dir].n; i++)
			sum += look->said[dir].p[i];
	if (sum % 5 < 4)
		pipeline_classified(p, bytes_of(names[sum % 5]));
}

static void drain(struct pipeline *p, char *line, bool mail)
{
	struct pipeline_out out;
	enum pipeline_item item;
	while ((item = pipeline_next(p, &out)) != PIPELINE_NONE) {
		if (item == PIPELINE_LOOK)
			answer(p, &out.look);
		if (item != PIPELINE_SESSION)
			continue;
		assert(mail == (record_get_num(out.session, F_found_by, -1) == foundby_port));
		struct text t = { line, 0, JSON_LINE, false };
		assert(record_check(out.session, record_size(out.session)));
		check_columns(out.session);
		assert(json_event(out.session, JSON_LINE, &t) && line[t.n - 1] == '\n');
	}
}

/* Each piece: control octet (flow, direction, how seq moves, flags), length octet, payload. */
static void walk(const uint8_t *data, size_t size, bool mail, char *line)
{
	struct pipeline_config config = { .ports = { { 25, false }, { 465, true } }, .nports = 2, .flows = 64,
					  .dialogues = 16, .budget = 8 << 20, .dns = true, .odd = mail ? 0 : 1 };
	static struct record stats;
	if (!mail)
		config.ports[0].port = config.ports[1].port = 9;
	struct pipeline *p = pipeline_new(&config);
	uint32_t next[2][2] = { { 1000, 5000 }, { 0xfffffff0, 77 } };
	struct cur c = cur_of((struct bytes){ data, size });
	struct packet packet = { .linktype = 101, .ts = INT64_C(1700000000000000000) };
	uint8_t buf[40 + 256];
	assert(p);
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
		drain(p, line, mail);
	}
	pipeline_finish(p);
	drain(p, line, mail);
	record_init(&stats);
	pipeline_stats(p, &stats);
	assert(record_check(&stats, record_size(&stats)));
	pipeline_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(JSON_LINE);
	assert(line);
	walk(data, size, true, line);
	walk(data, size, false, line);
	free(line);
	return 0;
}
