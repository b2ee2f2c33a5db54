/* live_filter: see live_filter.h. An assembler with forward labels, and the walk over it: one block for each EtherType
 * field, LEVELS of them as classic BPF cannot jump back, with IPv4, IPv6 and MPLS as blocks that all of them share. X is
 * the offset of what is looked at. IEEE 802.1Q, 802.1BR, RFC 2516, RFC 3032, RFC 4448, RFC 791, RFC 8200. */
#include "live_filter.h"

#include <assert.h>
#include <pcap/pcap.h>
#include <string.h>

#include "wire/odd.h"

enum { LEVELS = 5, INNER_LEVELS = 3, LABELS_MAX = 8, PASS = 262144, NAMES = 160 };
enum { TYPE_IP4 = 0x0800, TYPE_IP6 = 0x86dd, TYPE_PPPOE = 0x8864, TYPE_BR = 0x893f, TYPE_LLC = 0x0600 };
enum { HOP_BY_HOP = 0, IPIP = 4, TCP = 6, UDP = 17, IP6_IN = 41, ROUTING = 43, FRAGMENT = 44, GRE = 47, AH = 51,
       ICMP6 = 58, OPTIONS = 60 };
enum { VXLAN = 4789, VXLAN_LINUX = 8472, GENEVE = 6081 };

/* at     a label's place in the program, or 0 as long as it has none (nothing jumps to the first instruction)
 * base   added to all offsets       fanout  the leaves hash, else they filter */
struct build {
	struct live_program *p;
	uint16_t at[NAMES];
	uint8_t names;
	uint32_t base, seed;
	bool fanout, ports, overflow;
	const struct live_filter_config *config;
};

/* Jumps that wait for their label have code JUMP with jt, the label, in the place of a distance. */
enum { JUMP = BPF_JMP | BPF_JA };
typedef uint8_t label;

static void put(struct build *b, uint16_t code, uint32_t k)
{
	if (b->p->n == LIVE_FILTER_MAX) {
		b->overflow = true;
		return;
	}
	b->p->insn[b->p->n++] = (struct live_insn){ .code = code, .k = k };
}

static label name(struct build *b)
{
	assert(b->names < NAMES);
	return b->names++;
}

static void here(struct build *b, label l)
{
	b->at[l] = (uint16_t)b->p->n;
}

static void go(struct build *b, label l)
{
	put(b, JUMP, 0);
	b->p->insn[b->p->n - 1].jt = l;
}

/* A conditional jump reaches 255 instructions, a plain one any: so the condition jumps over a plain one. */
static void go_if(struct build *b, uint16_t test, uint32_t k, label l)
{
	put(b, BPF_JMP | test | BPF_K, k);
	b->p->insn[b->p->n - 1].jf = 1;
	go(b, l);
}

static void go_unless(struct build *b, uint16_t test, uint32_t k, label l)
{
	put(b, BPF_JMP | test | BPF_K, k);
	b->p->insn[b->p->n - 1].jt = 1;
	go(b, l);
}

static void resolve(struct build *b)
{
	for (size_t i = 0; i < b->p->n; i++) {
		struct live_insn *in = &b->p->insn[i];
		if (in->code != JUMP)
			continue;
		assert(b->at[in->jt] > i);
		in->k = (uint32_t)(b->at[in->jt] - i - 1);
		in->jt = 0;
	}
}

/* A = the octets at X + k */
static void load(struct build *b, uint16_t size, uint32_t k)
{
	put(b, BPF_LD | size | BPF_IND, b->base + k);
}

static void forward(struct build *b, uint32_t n)
{
	put(b, BPF_MISC | BPF_TXA, 0);
	put(b, BPF_ALU | BPF_ADD | BPF_K, n);
	put(b, BPF_MISC | BPF_TAX, 0);
}

static void end(struct build *b, uint32_t result)
{
	put(b, BPF_RET | BPF_K, result);
}

/* ---- the leaves ---- */

/* Where a walk leads: deep is beyond what it can walk. */
struct exits {
	label pass, drop, ip4, ip6, deep;
};

static void test_ports(struct build *b, const uint16_t *port, size_t n, const struct exits *to)
{
	for (uint32_t k = 0; k <= 2; k += 2) {
		load(b, BPF_H, k);
		for (size_t i = 0; i < n; i++)
			go_if(b, BPF_JEQ, port[i], to->pass);
	}
}

/* X: a TCP header. Of connections on other ports those pass that odd_sampled takes. */
static void filter_tcp(struct build *b, const struct exits *to)
{
	const struct live_filter_config *c = b->config;
	if (c->sample == 1) {
		go(b, to->pass);
		return;
	}
	test_ports(b, c->mail, c->nmail, to);
	test_ports(b, c->dns, c->ndns, to);
	if (c->sample) {
		load(b, BPF_H, 0);
		put(b, BPF_ST, 0);
		load(b, BPF_H, 2);
		put(b, BPF_LDX | BPF_MEM, 0);
		put(b, BPF_ALU | BPF_ADD | BPF_X, 0);
		put(b, BPF_ALU | BPF_MUL | BPF_K, ODD_SPREAD);
		put(b, BPF_ALU | BPF_RSH | BPF_K, ODD_SHIFT);
		put(b, BPF_ALU | BPF_MOD | BPF_K, c->sample);
		go_if(b, BPF_JEQ, 0, to->pass);
	}
	go(b, to->drop);
}

static void filter_udp(struct build *b, const struct exits *to)
{
	static const uint16_t tunnels[] = { VXLAN, VXLAN_LINUX, GENEVE };
	test_ports(b, b->config->dns, b->config->ndns, to);
	if (b->config->tunnels)
		test_ports(b, tunnels, sizeof(tunnels) / sizeof(tunnels[0]), to);
	go(b, to->drop);
}

/* A: the IP protocol. more: where it goes if there are other headers in front of its ports. */
static void filter_protocol(struct build *b, const struct exits *to, label tcp, label udp, label more)
{
	static const uint8_t extension[] = { HOP_BY_HOP, ROUTING, FRAGMENT, AH, OPTIONS };
	static const uint8_t tunnels[] = { IPIP, IP6_IN, GRE };
	go_if(b, BPF_JEQ, TCP, tcp);
	if (b->config->ndns || b->config->tunnels)
		go_if(b, BPF_JEQ, UDP, udp);
	for (size_t i = 0; i < sizeof(extension); i++)
		go_if(b, BPF_JEQ, extension[i], more);
	for (size_t i = 0; b->config->tunnels && i < sizeof(tunnels); i++)
		go_if(b, BPF_JEQ, tunnels[i], to->pass);
	go(b, to->drop);
}

/* X behind the header whose length stands in its first octet. */
static void behind_ip4(struct build *b)
{
	load(b, BPF_B, 0);
	put(b, BPF_ALU | BPF_AND | BPF_K, 15);
	put(b, BPF_ALU | BPF_LSH | BPF_K, 2);
	put(b, BPF_ALU | BPF_ADD | BPF_X, 0);
	put(b, BPF_MISC | BPF_TAX, 0);
}

static void filter_ip(struct build *b, const struct exits *to)
{
	label whole = name(b), tcp4 = name(b), udp4 = name(b), tcp6 = name(b), udp6 = name(b), tcp = name(b), udp = name(b);
	label more = name(b);
	here(b, to->ip4);
	load(b, BPF_H, 6);
	go_unless(b, BPF_JSET, 0x3fff, whole);
	load(b, BPF_B, 9);
	filter_protocol(b, to, to->pass, to->pass, to->pass);
	here(b, whole);
	load(b, BPF_B, 9);
	filter_protocol(b, to, tcp4, udp4, to->pass);
	here(b, to->ip6);
	load(b, BPF_B, 6);
	filter_protocol(b, to, tcp6, udp6, more);
	/* Neighbours talk with hop-by-hop options all the time; anything else is rare, and passes. */
	here(b, more);
	load(b, BPF_B, 40);
	go_if(b, BPF_JEQ, ICMP6, to->drop);
	go(b, to->pass);
	here(b, tcp4);
	behind_ip4(b);
	go(b, tcp);
	here(b, tcp6);
	forward(b, 40);
	here(b, tcp);
	filter_tcp(b, to);
	here(b, udp4);
	behind_ip4(b);
	go(b, udp);
	here(b, udp6);
	forward(b, 40);
	here(b, udp);
	filter_udp(b, to);
}

/* A ^= M[0], and A into M[0]; X, the offset, is in M[1] meanwhile. */
static void mix(struct build *b, uint32_t k)
{
	load(b, BPF_W, k);
	put(b, BPF_LDX | BPF_MEM, 0);
	put(b, BPF_ALU | BPF_XOR | BPF_X, 0);
	put(b, BPF_ST, 0);
	put(b, BPF_LDX | BPF_MEM, 1);
}

static void mix_addresses(struct build *b, uint32_t from, uint32_t to)
{
	put(b, BPF_STX, 1);
	put(b, BPF_LD | BPF_IMM, b->seed);
	put(b, BPF_ST, 0);
	for (uint32_t k = from; k < to; k += 4)
		mix(b, k);
}

/* X: a TCP header. The ports, the one on the other, into M[0]. */
static void mix_ports(struct build *b)
{
	load(b, BPF_H, 0);
	put(b, BPF_ST, 2);
	load(b, BPF_H, 2);
	put(b, BPF_LDX | BPF_MEM, 2);
	put(b, BPF_ALU | BPF_XOR | BPF_X, 0);
	put(b, BPF_LDX | BPF_MEM, 0);
	put(b, BPF_ALU | BPF_XOR | BPF_X, 0);
	put(b, BPF_ST, 0);
}

/* Spreads M[0] over the high bits and gives those (Fibonacci hashing; the multiplier is odd and as good as any). */
static void spread(struct build *b)
{
	put(b, BPF_LD | BPF_MEM, 0);
	put(b, BPF_ALU | BPF_MUL | BPF_K, UINT32_C(0x9e3779b1));
	put(b, BPF_ST, 0);
	put(b, BPF_ALU | BPF_RSH | BPF_K, 15);
	put(b, BPF_LDX | BPF_MEM, 0);
	put(b, BPF_ALU | BPF_XOR | BPF_X, 0);
	put(b, BPF_ALU | BPF_MUL | BPF_K, UINT32_C(0x85ebca77));
	put(b, BPF_ALU | BPF_RSH | BPF_K, 16);
	put(b, BPF_RET | BPF_A, 0);
}

static void fanout_ip(struct build *b, const struct exits *to)
{
	label sum = name(b);
	here(b, to->ip4);
	mix_addresses(b, 12, 20);
	if (b->ports) {
		load(b, BPF_H, 6);
		go_if(b, BPF_JSET, 0x3fff, sum);
		load(b, BPF_B, 9);
		go_unless(b, BPF_JEQ, TCP, sum);
		behind_ip4(b);
		mix_ports(b);
	}
	go(b, sum);
	here(b, to->ip6);
	mix_addresses(b, 8, 40);
	if (b->ports) {
		load(b, BPF_B, 6);
		go_unless(b, BPF_JEQ, TCP, sum);
		forward(b, 40);
		mix_ports(b);
	}
	here(b, sum);
	spread(b);
}

/* ---- the walk ---- */

/* X: an EtherType field. mpls: where labels go. */
static void walk_type(struct build *b, const struct exits *to, label mpls, label next)
{
	static const uint16_t tags[] = { 0x8100, 0x88a8, 0x9100 };
	label ip4 = name(b), ip6 = name(b), tag = name(b), br = name(b), pppoe = name(b), ppp4 = name(b), labels = name(b);
	load(b, BPF_H, 0);
	go_if(b, BPF_JEQ, TYPE_IP4, ip4);
	go_if(b, BPF_JEQ, TYPE_IP6, ip6);
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		go_if(b, BPF_JEQ, tags[i], tag);
	go_if(b, BPF_JEQ, 0x8847, labels);
	go_if(b, BPF_JEQ, 0x8848, labels);
	go_if(b, BPF_JEQ, TYPE_PPPOE, pppoe);
	go_if(b, BPF_JEQ, TYPE_BR, br);
	go_if(b, BPF_JGE, TYPE_LLC, to->drop);
	/* A length: SNAP, or nothing that leads to IP. */
	load(b, BPF_W, 2);
	go_unless(b, BPF_JEQ, UINT32_C(0xaaaa0300), to->drop);
	load(b, BPF_H, 6);
	go_unless(b, BPF_JEQ, 0, to->drop);
	forward(b, 8);
	go(b, next);
	here(b, ip4);
	forward(b, 2);
	go(b, to->ip4);
	here(b, ip6);
	forward(b, 2);
	go(b, to->ip6);
	here(b, labels);
	forward(b, 2);
	go(b, mpls);
	here(b, pppoe);
	load(b, BPF_H, 8);
	go_if(b, BPF_JEQ, 0x0021, ppp4);
	go_unless(b, BPF_JEQ, 0x0057, to->drop);
	forward(b, 10);
	go(b, to->ip6);
	here(b, ppp4);
	forward(b, 10);
	go(b, to->ip4);
	here(b, br);
	forward(b, 8);
	go(b, next);
	here(b, tag);
	forward(b, 4);
	here(b, next);
}

/* X: a label. The octet behind the last one says what they carry: an IP version, or 0 for a pseudowire. */
static void walk_labels(struct build *b, const struct exits *to, label ethernet)
{
	label bottom = name(b);
	for (int i = 0; i < LABELS_MAX; i++) {
		load(b, BPF_W, 0);
		go_if(b, BPF_JSET, 0x100, bottom);
		forward(b, 4);
	}
	go(b, to->drop);
	here(b, bottom);
	forward(b, 4);
	load(b, BPF_B, 0);
	put(b, BPF_ALU | BPF_RSH | BPF_K, 4);
	go_if(b, BPF_JEQ, 4, to->ip4);
	go_if(b, BPF_JEQ, 6, to->ip6);
	go_unless(b, BPF_JEQ, 0, to->drop);
	forward(b, 4 + 12);
	go(b, ethernet);
}

static void walk_ethernet(struct build *b, const struct exits *to)
{
	label labels = name(b), inner = name(b);
	put(b, BPF_LDX | BPF_IMM, 12);
	for (int i = 0; i < LEVELS; i++)
		walk_type(b, to, labels, name(b));
	go(b, to->deep);
	here(b, labels);
	walk_labels(b, to, inner);
	here(b, inner);
	for (int i = 0; i < INNER_LEVELS; i++)
		walk_type(b, to, to->deep, name(b));
	go(b, to->deep);
}

static void walk_version(struct build *b, const struct exits *to)
{
	put(b, BPF_LDX | BPF_IMM, 0);
	load(b, BPF_B, 0);
	put(b, BPF_ALU | BPF_RSH | BPF_K, 4);
	go_if(b, BPF_JEQ, 4, to->ip4);
	go_if(b, BPF_JEQ, 6, to->ip6);
	go(b, to->drop);
}

static void build_walk(struct build *b, enum live_link link, struct exits *to)
{
	*to = (struct exits){ .pass = name(b), .drop = name(b), .ip4 = name(b), .ip6 = name(b), .deep = name(b) };
	b->p->n = 0;
	switch (link) {
	case LIVE_ETHERNET:
		walk_ethernet(b, to);
		break;
	case LIVE_IP:
		walk_version(b, to);
		break;
	}
	if (b->fanout)
		fanout_ip(b, to);
	else
		filter_ip(b, to);
	here(b, to->drop);
	end(b, 0);
	here(b, to->pass);
	here(b, to->deep);
}

void live_filter_fanout(struct live_program *p, enum live_link link, bool ports, uint32_t seed, uint32_t base)
{
	struct build b = { .p = p, .fanout = true, .ports = ports, .seed = seed, .base = base };
	struct exits to;
	build_walk(&b, link, &to);
	end(&b, 0);
	resolve(&b);
	assert(!b.overflow);
}

/* ---- the operator's expression ---- */

static pcap_t *compiler(enum live_link link, const char *iface, struct error *e)
{
	char why[PCAP_ERRBUF_SIZE];
	if (!iface || link != LIVE_ETHERNET)
		return pcap_open_dead(link == LIVE_ETHERNET ? DLT_EN10MB : DLT_RAW, PASS);
	pcap_t *pc = pcap_create(iface, why);
	if (!pc) {
		error_set(e, "filter for %s: %s", iface, why);
		return NULL;
	}
	int rc = pcap_set_buffer_size(pc, 1 << 20);
	rc = rc ? rc : pcap_activate(pc);
	if (rc >= 0)
		return pc;
	error_set(e, "filter for %s: %s", iface, *pcap_geterr(pc) ? pcap_geterr(pc) : pcap_statustostr(rc));
	pcap_close(pc);
	return NULL;
}

/* Behind the walk's pass: whatever the expression returns is the answer. */
static bool append(struct build *b, const struct bpf_program *add, struct error *e)
{
	for (unsigned i = 0; i < add->bf_len; i++) {
		const struct bpf_insn *in = &add->bf_insns[i];
		put(b, in->code, in->k);
		if (b->overflow)
			return error_set(e, "filter: \"%s\" becomes more than %d instructions; make it shorter",
					 b->config->expression, LIVE_FILTER_MAX);
		b->p->insn[b->p->n - 1].jt = in->jt;
		b->p->insn[b->p->n - 1].jf = in->jf;
	}
	return true;
}

static bool add_expression(struct build *b, enum live_link link, struct error *e)
{
	struct bpf_program add;
	pcap_t *pc = compiler(link, b->config->iface, e);
	if (!pc)
		return false;
	bool ok = pcap_compile(pc, &add, b->config->expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!ok) {
		error_set(e, "filter: \"%s\": %s; see pcap-filter(7)", b->config->expression, pcap_geterr(pc));
	} else {
		ok = append(b, &add, e);
		pcap_freecode(&add);
	}
	pcap_close(pc);
	return ok;
}

bool live_filter_build(struct live_program *p, enum live_link link, const struct live_filter_config *config,
		       struct error *e)
{
	struct build b = { .p = p, .config = config };
	struct exits to;
	if (config->nmail + config->ndns > LIVE_FILTER_PORTS)
		return error_set(e, "filter: more than %d ports", LIVE_FILTER_PORTS);
	build_walk(&b, link, &to);
	assert(!b.overflow);
	resolve(&b); /* before anything is added: the jumps there know their distances */
	if (config->expression && *config->expression)
		return add_expression(&b, link, e);
	end(&b, PASS);
	return true;
}
