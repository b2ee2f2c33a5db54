/* The whole walk from packet to session, on packets put together from the input: two connections, both directions,
 * any sequence numbers, flags and payload; once with their ports as mail ports, once with none of them, while what is
 * to be named gets any name. Promise: whatever comes, each session is a sound record that says how it was found, and it is
 * one line of JSON; what is lent for a name is bounded. And whether interim sessions are asked for does not change what is
 * given at the end; an interim session is the one of a capture that ends there. All flows end with each input. */
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

/* FNV-1a */
static void hash(uint64_t *h, const void *p, size_t n)
{
	const uint8_t *o = p;
	for (size_t i = 0; i < n; i++)
		*h = (*h ^ o[i]) * UINT64_C(1099511628211);
}

static uint64_t hash_of(const struct pipeline_out *out)
{
	const struct record *r = out->session;
	uint64_t h = UINT64_C(14695981039346656037);
	for (int f = 0; f < FACT_COUNT; f++)
		if (f != F_cap_phase && record_has(r, (enum fact)f)) {
			hash(&h, &f, sizeof(f));
			hash(&h, &r->slot[f], sizeof(r->slot[f]));
		}
	hash(&h, r->text, r->used);
	hash(&h, out->chain.p, out->chain.n);
	hash(&h, out->proof.p, out->proof.n);
	hash(&h, out->exhibit.p, out->exhibit.n);
	return h;
}

enum { IDS = 64, GIVEN = 512 };

/* What a pipeline has given since it was asked last. */
struct given {
	size_t n;
	uint64_t hash[GIVEN];
	char id[GIVEN][IDS];
	bool interim[GIVEN];
};

static void take(struct given *g, const struct pipeline_out *out)
{
	struct bytes id = record_get_str(out->session, F_event_id);
	assert(g->n < GIVEN && id.n && id.n < IDS);
	memset(g->id[g->n], 0, IDS);
	memcpy(g->id[g->n], id.p, id.n);
	g->interim[g->n] = record_has(out->session, F_cap_phase);
	g->hash[g->n++] = hash_of(out);
}

static void drain(struct pipeline *p, char *line, bool mail, struct given *g)
{
	struct pipeline_out out;
	enum pipeline_item item;
	g->n = 0;
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
		take(g, &out);
	}
}

static void check_finals(const struct given *off, const struct given *on)
{
	size_t k = 0;
	for (size_t i = 0; i < on->n; i++) {
		if (on->interim[i])
			continue;
		assert(k < off->n && on->hash[i] == off->hash[k]);
		k++;
	}
	assert(k == off->n);
}

/* The session of number i of on ends here in cut, which has had the same packets. */
static void check_interim(struct pipeline *cut, char *line, bool mail, const struct given *on, size_t i)
{
	static struct given g;
	bool there = false;
	pipeline_finish(cut);
	drain(cut, line, mail, &g);
	for (size_t k = 0; k < g.n; k++)
		there |= strcmp(g.id[k], on->id[i]) == 0 && g.hash[k] == on->hash[i];
	assert(there);
}

/* Each piece: control octet (flow, direction, how seq moves, flags), length octet, payload. */
static void walk(const uint8_t *data, size_t size, bool mail, char *line)
{
	struct pipeline_config config = { .ports = { { 25, false }, { 465, true } }, .nports = 2, .flows = 16,
					  .dialogues = 8, .budget = 3 << 20, .exhibits = 1 << 20, .dns = true };
	static struct given off, on, other;
	static struct record stats;
	unsigned wait = size ? data[size - 1] % 8 : 0; /* which interim session is looked at */
	if (!mail) {
		config.ports[0].port = config.ports[1].port = 9;
		config.odd = 1;
	}
	struct pipeline *p = pipeline_new(&config), *cut = pipeline_new(&config);
	config.interim = true;
	struct pipeline *q = pipeline_new(&config);
	uint32_t next[2][2] = { { 1000, 5000 }, { 0xfffffff0, 77 } };
	struct cur c = cur_of((struct bytes){ data, size });
	struct packet packet = { .linktype = 101, .ts = INT64_C(1700000000000000000) };
	uint8_t buf[40 + 256];
	assert(p && q && cut);
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
		drain(p, line, mail, &off);
		pipeline_push(q, &packet);
		drain(q, line, mail, &on);
		check_finals(&off, &on);
		if (cut) {
			pipeline_push(cut, &packet);
			drain(cut, line, mail, &other);
		}
		for (size_t i = 0; cut && i < on.n; i++) {
			if (!on.interim[i] || wait-- > 0)
				continue;
			check_interim(cut, line, mail, &on, i);
			pipeline_free(cut);
			cut = NULL;
		}
	}
	pipeline_finish(p);
	drain(p, line, mail, &off);
	pipeline_finish(q);
	drain(q, line, mail, &on);
	check_finals(&off, &on);
	record_init(&stats);
	pipeline_stats(q, &stats);
	assert(record_check(&stats, record_size(&stats)));
	pipeline_free(p);
	pipeline_free(q);
	pipeline_free(cut);
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
