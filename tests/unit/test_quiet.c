/* Flows whose packets are left out once nothing is read of them any more: what is said about the session stays the same,
 * and its counts are right. The captures are read twice, whole, and through a shunt made of a few lines here. */
#include "wire/pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "source.h"
#include "wire/flow.h"
#include "wire/frame.h"

enum { FLOWS = 64, SESSIONS = 64 };

struct entry {
	struct quiet_flow flow;
	struct quiet_count count;
	bool off;
};

/* forgets  nobody can say any more what was counted */
struct shunt {
	struct entry entry[FLOWS];
	size_t n, dropped, asked;
	bool forgets;
};

static bool from(const struct quiet_flow *f, const struct segment *s, enum dir dir)
{
	return f->port[dir] == s->sport && f->port[!dir] == s->dport && memcmp(&f->addr[dir], &s->src, sizeof(s->src)) == 0 &&
	       memcmp(&f->addr[!dir], &s->dst, sizeof(s->dst)) == 0;
}

static struct entry *find(struct shunt *sh, const struct segment *s, enum dir *dir)
{
	for (size_t i = 0; i < sh->n; i++)
		for (*dir = C2S; *dir <= S2C; (*dir)++)
			if (from(&sh->entry[i].flow, s, *dir))
				return &sh->entry[i];
	return NULL;
}

/* As the program in the kernel decides. */
static bool drops(struct shunt *sh, const struct packet *packet)
{
	struct frame_counters count = { 0 };
	struct segment s;
	enum dir dir;
	if (frame_read(packet, NULL, &count, &s) != FRAME_OK || s.proto != PROTO_TCP ||
	    s.encap & ~(ENCAP_VLAN | ENCAP_QINQ))
		return false;
	struct entry *e = find(sh, &s, &dir);
	if (!e)
		return false;
	e->off |= (s.flags & (TCP_SYN | TCP_FIN | TCP_RST)) != 0;
	if (e->off || !e->flow.seen[dir])
		return false;
	e->count.packets[dir]++;
	e->count.octets[dir] += s.payload_wire;
	if ((int32_t)(s.seq + s.payload_wire - e->count.seq_to[dir]) > 0)
		e->count.seq_to[dir] = s.seq + s.payload_wire;
	sh->dropped++;
	return true;
}

static struct entry *entry_of(struct shunt *sh, const struct quiet_flow *f)
{
	for (size_t i = 0; i < sh->n; i++)
		if (memcmp(sh->entry[i].flow.addr, f->addr, sizeof(f->addr)) == 0 &&
		    memcmp(sh->entry[i].flow.port, f->port, sizeof(f->port)) == 0)
			return &sh->entry[i];
	return NULL;
}

static void begin(struct shunt *sh, const struct quiet_flow *f)
{
	struct entry *e = entry_of(sh, f);
	if (!e) {
		assert_true(sh->n < FLOWS);
		e = &sh->entry[sh->n++];
		*e = (struct entry){ .flow = *f };
		e->flow.seen[C2S] = e->flow.seen[S2C] = false;
	}
	for (enum dir dir = C2S; dir <= S2C; dir++) {
		assert_false(f->seen[dir] && e->flow.seen[dir]);
		if (!f->seen[dir])
			continue;
		e->flow.seen[dir] = e->count.known[dir] = true;
		e->count.seq_to[dir] = f->seq_to[dir];
	}
}

struct list {
	struct record *v;
	size_t n;
};

static void take_items(struct pipeline *p, struct shunt *sh, struct list *out)
{
	struct pipeline_out o;
	enum pipeline_item item;
	while ((item = pipeline_next(p, &o)) != PIPELINE_NONE) {
		struct quiet_count nothing = { 0 };
		struct entry *e;
		switch (item) {
		case PIPELINE_SESSION:
			assert_true(out->n < SESSIONS);
			out->v[out->n++] = *o.session;
			break;
		case PIPELINE_QUIET:
			assert_non_null(sh);
			begin(sh, &o.quiet);
			break;
		case PIPELINE_COUNT:
			e = entry_of(sh, &o.quiet);
			assert_non_null(e);
			sh->asked++;
			pipeline_counted(p, sh->forgets ? &nothing : &e->count);
			if (o.quiet_ends)
				*e = sh->entry[--sh->n];
			break;
		case PIPELINE_DNS:
		case PIPELINE_LOOK:
		case PIPELINE_NONE:
			break;
		}
	}
}

/* ---- captures, and a longer mail in each of their TLS sessions ---- */

enum { PACKETS = 4096, ADDED = 40, BODY = 1300, HEAD = 128 };

struct kept {
	struct packet packet;
	struct segment seg;
	bool tcp;
};

struct capture {
	struct kept v[PACKETS];
	size_t n;
};

static void keep(struct capture *c, const struct packet *packet)
{
	struct frame_counters count = { 0 };
	struct kept *k = &c->v[c->n++];
	assert_true(c->n <= PACKETS);
	uint8_t *copy = malloc(packet->data.n + 1);
	memcpy(copy, packet->data.p, packet->data.n);
	k->packet = *packet;
	k->packet.data.p = copy;
	k->tcp = frame_read(&k->packet, NULL, &count, &k->seg) == FRAME_OK && k->seg.proto == PROTO_TCP;
	k->packet.number = c->n;
}

static bool same_way(const struct segment *a, const struct segment *b)
{
	return a->sport == b->sport && a->dport == b->dport && memcmp(&a->src, &b->src, sizeof(a->src)) == 0 &&
	       memcmp(&a->dst, &b->dst, sizeof(a->dst)) == 0;
}

/* TLS application data to a mail port, on plain Ethernet, and nothing of that way behind it. */
static bool last_data(const struct capture *c, size_t i)
{
	const struct kept *k = &c->v[i];
	const struct segment *s = &k->seg;
	if (!k->tcp || k->packet.linktype != 1 || s->encap || s->payload.n < 5 || s->payload.p[0] != 0x17 ||
	    (s->dport != 25 && s->dport != 587 && s->dport != 465))
		return false;
	for (size_t j = i + 1; j < c->n; j++)
		if (c->v[j].tcp && same_way(s, &c->v[j].seg) && c->v[j].seg.payload.n)
			return false;
	return true;
}

static void put_number(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint8_t *tcp_of(struct kept *k)
{
	return (uint8_t *)(uintptr_t)(k->seg.payload.p - k->seg.options.n - 20);
}

/* Number i of the packets behind k: one record each. */
static void add(struct capture *to, struct kept *k, uint32_t i)
{
	uint8_t p[HEAD + BODY] = { 0 };
	size_t head = (size_t)(k->seg.payload.p - k->packet.data.p), ip = 14;
	static const uint8_t record[] = { 0x17, 3, 3, (BODY - 5) >> 8, (BODY - 5) & 255 };
	assert_true(head <= HEAD);
	memcpy(p, k->packet.data.p, head);
	memcpy(p + head, record, sizeof(record));
	size_t total = head - ip + BODY - (k->seg.src.v == 6 ? 40 : 0);
	p[ip + (k->seg.src.v == 6 ? 4 : 2)] = (uint8_t)(total >> 8);
	p[ip + (k->seg.src.v == 6 ? 5 : 3)] = (uint8_t)total;
	if (k->seg.src.v == 4)
		p[ip + 5] = (uint8_t)(p[ip + 5] + i + 1);
	struct packet packet = k->packet;
	size_t tcp = head - k->seg.options.n - 20;
	put_number(p + tcp + 4, k->seg.seq + k->seg.payload_wire + i * BODY);
	packet.ts += (i + 1) * 1000;
	packet.data = (struct bytes){ p, head + BODY };
	packet.wire_len = (uint32_t)packet.data.n;
	keep(to, &packet);
}

static void lengthen(const struct capture *from, struct capture *to)
{
	static struct kept grown[64];
	size_t n = 0;
	for (size_t i = 0; i < from->n; i++) {
		struct kept k = from->v[i];
		keep(to, &k.packet);
		struct kept *now = &to->v[to->n - 1];
		for (size_t g = 0; now->tcp && g < n; g++) {
			struct segment back = grown[g].seg;
			back.src = grown[g].seg.dst;
			back.dst = grown[g].seg.src;
			back.sport = grown[g].seg.dport;
			back.dport = grown[g].seg.sport;
			if (same_way(&grown[g].seg, &now->seg))
				put_number(tcp_of(now) + 4, now->seg.seq + ADDED * BODY);
			else if (same_way(&back, &now->seg) && now->seg.flags & TCP_ACK)
				put_number(tcp_of(now) + 8, now->seg.ack + ADDED * BODY);
		}
		if (n < 64 && last_data(from, i)) {
			grown[n++] = from->v[i];
			for (uint32_t a = 0; a < ADDED; a++)
				add(to, now, a);
		}
	}
}

static void forget(struct capture *c)
{
	for (size_t i = 0; i < c->n; i++)
		free((void *)(uintptr_t)c->v[i].packet.data.p);
	free(c);
}

static struct capture *load(char *path)
{
	struct capture *c = calloc(1, sizeof(*c)), *longer = calloc(1, sizeof(*c));
	struct error e;
	struct packet packet;
	enum source_result r;
	struct source *s = source_open(&path, 1, &e);
	assert_true(c && longer && s);
	while ((r = source_next(s, &packet)) != SOURCE_END)
		if (r == SOURCE_PACKET)
			keep(c, &packet);
	source_close(s);
	lengthen(c, longer);
	forget(c);
	return longer;
}

static struct list read_all(const struct capture *capture, struct shunt *sh)
{
	struct pipeline_config c = { .ports = { { 25, false }, { 465, true }, { 587, false } }, .nports = 3, .flows = 4096,
				     .dialogues = 1024, .budget = 32 << 20, .quiet = sh ? 1 : 0 };
	struct list out = { .v = calloc(SESSIONS, sizeof(struct record)) };
	struct pipeline *p = pipeline_new(&c);
	assert_true(p && out.v);
	for (size_t i = 0; i < capture->n; i++) {
		if (sh && drops(sh, &capture->v[i].packet))
			continue;
		pipeline_push(p, &capture->v[i].packet);
		take_items(p, sh, &out);
	}
	pipeline_finish(p);
	take_items(p, sh, &out);
	pipeline_free(p);
	return out;
}

/* What counts IP IDs knows fewer of them, and the last packet may be one that was left out. */
static bool may_differ(enum fact f)
{
	static const char *const names[] = { "mxwitness.tcp.c2s.ipid", "mxwitness.tcp.s2c.ipid", "event.end",
					     "event.duration" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(fact_table[f].name, names[i]) == 0)
			return true;
	return false;
}

static bool is_text(enum fact_type t)
{
	return t >= T_STR;
}

static bool equal(const struct record *a, const struct record *b, enum fact f)
{
	if (record_has(a, f) != record_has(b, f))
		return false;
	if (!record_has(a, f))
		return true;
	struct bytes x = record_get_str(a, f), y = record_get_str(b, f);
	if (is_text(fact_table[f].type))
		return x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
	return record_get_num(a, f, 0) == record_get_num(b, f, 0);
}

static int compare(const char *path, const struct list *whole, const struct list *shunted, bool counts)
{
	int bad = 0;
	if (whole->n != shunted->n) {
		print_message("%s: %zu sessions, %zu with the shunt\n", path, whole->n, shunted->n);
		return 1;
	}
	for (size_t i = 0; i < whole->n; i++)
		for (enum fact f = 0; f < FACT_COUNT; f++) {
			const char *name = fact_table[f].name;
			bool number = strstr(name, ".bytes") || strstr(name, ".packets") || strstr(name, "_octets_");
			if (equal(&whole->v[i], &shunted->v[i], f) || may_differ(f) || (number && !counts))
				continue;
			print_message("%s: %s: %lld, %lld with the shunt\n", path, name,
				      (long long)record_get_num(&whole->v[i], f, -1),
				      (long long)record_get_num(&shunted->v[i], f, -1));
			bad++;
		}
	return bad;
}

static void captures(bool forgets)
{
	if (access("tests/pcaps", R_OK) != 0)
		skip();
	FILE *names = popen("ls tests/pcaps/*.pcapng", "r");
	char path[512];
	size_t dropped = 0, asked = 0;
	int bad = 0;
	while (fgets(path, sizeof(path), names)) {
		struct shunt *sh = calloc(1, sizeof(*sh));
		sh->forgets = forgets;
		path[strcspn(path, "\n")] = '\0';
		struct capture *c = load(path);
		struct list whole = read_all(c, NULL), shunted = read_all(c, sh);
		bad += compare(path, &whole, &shunted, !forgets);
		dropped += sh->dropped;
		asked += sh->asked;
		assert_int_equal(sh->n, 0);
		forget(c);
		free(whole.v);
		free(shunted.v);
		free(sh);
	}
	pclose(names);
	print_message("%zu packets left out, asked %zu times\n", dropped, asked);
	assert_true(dropped > 500 && asked > 20);
	assert_int_equal(bad, 0);
}

static void test_captures(void **state)
{
	(void)state;
	captures(false);
}

static void test_forgotten(void **state)
{
	(void)state;
	captures(true);
}

/* Where a side has come to, in numbers that go around, and what is not believed. */
static void test_far(void **state)
{
	(void)state;
	static const uint8_t key[16];
	static const uint16_t ports[] = { 25 };
	static const struct { uint64_t octets; uint32_t ahead; bool unknown; uint64_t counted; const char *why; } table[] = {
		{ 1000, 1000, false, 1000, "what was counted" },
		{ 3000, 1000, false, 1000, "with retransmissions" },
		{ UINT64_C(5) << 30, 1 << 30, false, UINT64_C(5) << 30, "once around" },
		{ (UINT64_C(9) << 30) + 5, (1 << 30) + 5, false, (UINT64_C(9) << 30) + 5, "twice around" },
		{ UINT64_C(3) << 30, 3u << 30, false, UINT64_C(3) << 30, "more than half around" },
		{ 1000, 1 << 26, false, 0, "much farther than the octets reach" },
		{ 1000, (uint32_t)-500, false, 0, "back" },
		{ 0, 1 << 26, true, 1 << 26, "nobody has counted" },
		{ 0, (uint32_t)-500, true, 0, "nobody has counted, back" },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct stream_memory mem;
		enum dir dir;
		assert_true(stream_memory_init(&mem, 1 << 20));
		struct flow_table *t = flow_table_new(4, key, ports, 1, &mem);
		struct segment seg = { .proto = PROTO_TCP, .src = { 4, { 10 } }, .dst = { 4, { 11 } }, .sport = 4000,
				       .dport = 25, .seq = 7000, .flags = TCP_SYN, .ts = 1 };
		struct flow *fl = flow_find_or_add(t, &seg, &dir);
		assert_non_null(fl);
		stream_push(&fl->streams, C2S, &seg);
		stream_mode(&fl->streams, C2S, STREAM_COUNT);
		fl->quiet.on[C2S] = true;
		uint64_t before = fl->streams.side[C2S].octets;
		for (int twice = 0; twice < 2; twice++) { /* the counts are sums: the same again is nothing new */
			flow_left_out(fl, C2S, 10, table[i].octets, 7001 + table[i].ahead, table[i].unknown);
			if (fl->streams.side[C2S].octets - before != table[i].counted || fl->side[C2S].packets != 11 ||
			    fl->side[C2S].octets != table[i].octets)
				fail_msg("%s", table[i].why);
		}
		flow_table_free(t);
		stream_memory_free(&mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_captures), cmocka_unit_test(test_forgotten),
					    cmocka_unit_test(test_far) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
