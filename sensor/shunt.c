/* shunt: see shunt.h. Three parts: a classic program becomes an eBPF one; the look-up that follows it; and bpf(2), which
 * libc does not have. Of the two struct bpf_insn, this file knows the kernel's and not libpcap's. */
#include "shunt.h"

#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* As the program puts it together: octets in the order of the packet. */
struct shunt_key {
	uint8_t src[16], dst[16];
	uint8_t sport[2], dport[2];
	uint32_t v;
};

/* off: packets pass again, the counts stay. heard: of CLOCK_MONOTONIC, when one passed last */
struct shunt_value {
	uint64_t packets, octets;
	uint32_t seq_to, off;
	uint64_t heard;
};

struct shunt {
	int map;
};

#define HEARD_EVERY INT64_C(30000000000)
enum { FAR = 1 << 27, PASS = 262144, INSNS_MAX = 20000, LOG = 1 << 16, TAGS = 3 };
enum { KEY = -40, BUF = -80, BACK = -120, MEM = -184 }; /* on the stack, from the frame pointer down */
enum { A = BPF_REG_0, CTX = BPF_REG_6, X = BPF_REG_7, AT = BPF_REG_7, DIFF = BPF_REG_7,
       LEN = BPF_REG_8, TMP = BPF_REG_8, VALUE = BPF_REG_9,
       FP = BPF_REG_10 };

/* ---- an assembler ---- */

enum { LABELS = 16 };
enum label { L_SHUNT, L_PASS, L_DROP, L_IP4, L_IP6, L_TCP, L_END, L_TYPE };

/* A jump waits for a label, or for the place that a classic instruction got. */
struct jump {
	uint32_t from, to;
	bool classic;
};

struct code {
	struct bpf_insn insn[INSNS_MAX];
	struct jump jump[INSNS_MAX];
	uint32_t label[LABELS], place[LIVE_FILTER_MAX + 1];
	uint32_t n, jumps;
	bool full;
};

static void emit(struct code *c, int op, int dst, int src, int off, int32_t imm)
{
	if (c->n == INSNS_MAX) {
		c->full = true;
		return;
	}
	c->insn[c->n++] = (struct bpf_insn){ .code = (uint8_t)op, .dst_reg = (uint8_t)dst & 15u, .src_reg = (uint8_t)src & 15u,
					     .off = (int16_t)off, .imm = imm };
}

static void jump(struct code *c, int op, int dst, int src, int32_t imm, uint32_t to, bool classic)
{
	if (c->jumps < INSNS_MAX)
		c->jump[c->jumps++] = (struct jump){ .from = c->n, .to = to, .classic = classic };
	emit(c, op, dst, src, 0, imm);
}

static void go(struct code *c, enum label to)
{
	jump(c, BPF_JMP | BPF_JA, 0, 0, 0, to, false);
}

static void go_if(struct code *c, int test, int reg, int32_t imm, enum label to)
{
	jump(c, BPF_JMP | test | BPF_K, reg, 0, imm, to, false);
}

static void here(struct code *c, enum label l)
{
	c->label[l] = c->n;
}

static bool resolve(struct code *c)
{
	for (uint32_t i = 0; i < c->jumps; i++) {
		const struct jump *j = &c->jump[i];
		int64_t to = j->classic ? c->place[j->to] : c->label[j->to], off = to - j->from - 1;
		if (off < INT16_MIN || off > INT16_MAX)
			return false;
		c->insn[j->from].off = (int16_t)off;
	}
	return !c->full;
}

static void move(struct code *c, int dst, int src)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void set(struct code *c, int dst, int32_t imm)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static void add(struct code *c, int dst, int32_t imm)
{
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm);
}

static void get(struct code *c, int size, int dst, int src, int off)
{
	emit(c, BPF_LDX | size | BPF_MEM, dst, src, off, 0);
}

static void store(struct code *c, int size, int dst, int off, int src)
{
	emit(c, BPF_STX | size | BPF_MEM, dst, src, off, 0);
}

static void swap_to_host(struct code *c, int reg, int bits)
{
	emit(c, BPF_ALU | BPF_END | BPF_TO_BE, reg, 0, 0, bits);
}

static void call(struct code *c, int helper)
{
	emit(c, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

static void wide(struct code *c, int dst, int src, uint64_t value)
{
	emit(c, BPF_LD | BPF_DW | BPF_IMM, dst, src, 0, (int32_t)(uint32_t)value);
	emit(c, 0, 0, 0, 0, (int32_t)(uint32_t)(value >> 32));
}

/* ---- the classic filter ---- */

/* What is no octet of the packet but known about it: libpcap asks for the tag and the kind of packet. */
static bool ancillary(struct code *c, uint32_t k)
{
	switch (k - (uint32_t)SKF_AD_OFF) {
	case SKF_AD_PROTOCOL:
		get(c, BPF_W, A, CTX, offsetof(struct __sk_buff, protocol));
		swap_to_host(c, A, 16);
		return true;
	case SKF_AD_PKTTYPE:
		get(c, BPF_W, A, CTX, offsetof(struct __sk_buff, pkt_type));
		return true;
	case SKF_AD_IFINDEX:
		get(c, BPF_W, A, CTX, offsetof(struct __sk_buff, ifindex));
		return true;
	case SKF_AD_VLAN_TAG:
		get(c, BPF_W, A, CTX, offsetof(struct __sk_buff, vlan_tci));
		return true;
	case SKF_AD_VLAN_TAG_PRESENT:
		get(c, BPF_W, A, CTX, offsetof(struct __sk_buff, vlan_present));
		return true;
	case SKF_AD_VLAN_TPID:
		get(c, BPF_W, A, CTX, offsetof(struct __sk_buff, vlan_proto));
		swap_to_host(c, A, 16);
		return true;
	default:
		return false;
	}
}

static int memory(uint32_t k)
{
	return MEM + 4 * (int)(k & 15);
}

static bool classic_load(struct code *c, const struct live_insn *in)
{
	int size = BPF_SIZE(in->code);
	switch (BPF_MODE(in->code)) {
	case BPF_ABS:
		if (in->k >= (uint32_t)SKF_AD_OFF)
			return ancillary(c, in->k);
		emit(c, BPF_LD | size | BPF_ABS, 0, 0, 0, (int32_t)in->k);
		return true;
	case BPF_IND:
		emit(c, BPF_LD | size | BPF_IND, 0, X, 0, (int32_t)in->k);
		return true;
	case BPF_IMM:
		emit(c, BPF_ALU | BPF_MOV | BPF_K, A, 0, 0, (int32_t)in->k);
		return true;
	case BPF_MEM:
		get(c, BPF_W, A, FP, memory(in->k));
		return true;
	case BPF_LEN:
		get(c, BPF_W, A, CTX, offsetof(struct __sk_buff, len));
		return true;
	default:
		return false;
	}
}

static bool classic_load_x(struct code *c, const struct live_insn *in)
{
	switch (BPF_MODE(in->code)) {
	case BPF_IMM:
		emit(c, BPF_ALU | BPF_MOV | BPF_K, X, 0, 0, (int32_t)in->k);
		return true;
	case BPF_MEM:
		get(c, BPF_W, X, FP, memory(in->k));
		return true;
	case BPF_LEN:
		get(c, BPF_W, X, CTX, offsetof(struct __sk_buff, len));
		return true;
	case BPF_MSH: /* the length of an IPv4 header */
		move(c, TMP, A);
		emit(c, BPF_LD | BPF_B | BPF_ABS, 0, 0, 0, (int32_t)in->k);
		emit(c, BPF_ALU | BPF_AND | BPF_K, A, 0, 0, 15);
		emit(c, BPF_ALU | BPF_LSH | BPF_K, A, 0, 0, 2);
		move(c, X, A);
		move(c, A, TMP);
		return true;
	default:
		return false;
	}
}

/* Classic comparisons are of 32 bits without sign, and a constant here is one with: so a great one takes a register. */
static void classic_jump(struct code *c, const struct live_insn *in, uint32_t i)
{
	int op = BPF_OP(in->code), src = BPF_SRC(in->code);
	if (op == BPF_JA) {
		jump(c, BPF_JMP | BPF_JA, 0, 0, 0, i + 1 + in->k, true);
		return;
	}
	if (src == BPF_K && in->k > INT32_MAX) {
		emit(c, BPF_ALU | BPF_MOV | BPF_K, TMP, 0, 0, (int32_t)in->k);
		jump(c, BPF_JMP | op | BPF_X, A, TMP, 0, i + 1 + in->jt, true);
	} else {
		jump(c, BPF_JMP | op | src, A, src == BPF_X ? X : 0, src == BPF_X ? 0 : (int32_t)in->k, i + 1 + in->jt, true);
	}
	if (in->jf)
		jump(c, BPF_JMP | BPF_JA, 0, 0, 0, i + 1 + in->jf, true);
}

static void classic_return(struct code *c, const struct live_insn *in)
{
	if (BPF_RVAL(in->code) == BPF_A)
		go_if(c, BPF_JEQ, A, 0, L_DROP);
	go(c, BPF_RVAL(in->code) == BPF_A || in->k ? L_SHUNT : L_DROP);
}

static bool classic_insn(struct code *c, const struct live_insn *in, uint32_t i)
{
	int src = BPF_SRC(in->code);
	switch (BPF_CLASS(in->code)) {
	case BPF_LD:
		return classic_load(c, in);
	case BPF_LDX:
		return classic_load_x(c, in);
	case BPF_ST:
		store(c, BPF_W, FP, memory(in->k), A);
		return true;
	case BPF_STX:
		store(c, BPF_W, FP, memory(in->k), X);
		return true;
	case BPF_ALU:
		emit(c, BPF_ALU | BPF_OP(in->code) | src, A, src == BPF_X ? X : 0, 0, src == BPF_X ? 0 : (int32_t)in->k);
		return true;
	case BPF_JMP:
		classic_jump(c, in, i);
		return true;
	case BPF_RET:
		classic_return(c, in);
		return true;
	case BPF_MISC:
		emit(c, BPF_ALU | BPF_MOV | BPF_X, BPF_MISCOP(in->code) == BPF_TAX ? X : A,
		     BPF_MISCOP(in->code) == BPF_TAX ? A : X, 0, 0);
		return true;
	default:
		return false;
	}
}

/* The verifier takes no instruction that is never reached, and a classic program may have some. It only jumps ahead. */
static void mark_from(bool *reached, const struct live_insn *in, uint32_t i)
{
	bool jumps = BPF_CLASS(in->code) == BPF_JMP, always = jumps && BPF_OP(in->code) == BPF_JA;
	if (BPF_CLASS(in->code) == BPF_RET)
		return;
	uint32_t a = i + 1 + (always ? in->k : jumps ? in->jt : 0u), b = jumps && !always ? i + 1 + in->jf : a;
	if (a <= LIVE_FILTER_MAX && b <= LIVE_FILTER_MAX)
		reached[a] = reached[b] = true;
}

static bool translate(struct code *c, const struct live_program *p)
{
	bool reached[LIVE_FILTER_MAX + 1] = { true };
	move(c, CTX, BPF_REG_1);
	set(c, A, 0);
	set(c, X, 0);
	for (uint32_t i = 0; i < 16; i++)
		store(c, BPF_W, FP, memory(i), A);
	for (uint32_t i = 0; i < p->n; i++) {
		c->place[i] = c->n;
		if (!reached[i])
			continue;
		mark_from(reached, &p->insn[i], i);
		if (!classic_insn(c, &p->insn[i], i))
			return false;
	}
	return true;
}

/* ---- the look-up ---- */

/* n octets at offset AT into BUF, or pass. */
static void fetch(struct code *c, int n)
{
	move(c, BPF_REG_1, CTX);
	move(c, BPF_REG_2, AT);
	move(c, BPF_REG_3, FP);
	add(c, BPF_REG_3, BUF);
	set(c, BPF_REG_4, n);
	call(c, BPF_FUNC_skb_load_bytes);
	go_if(c, BPF_JNE, BPF_REG_0, 0, L_PASS);
}

/* A constant as it reads when two octets of the packet are loaded as they lie. */
static int32_t as_it_lies(uint16_t v)
{
	uint8_t octets[2] = { (uint8_t)(v >> 8), (uint8_t)v };
	uint16_t out;
	memcpy(&out, octets, sizeof(out));
	return out;
}

static void find_ip(struct code *c, enum live_link link)
{
	if (link == LIVE_IP) {
		set(c, AT, 0);
		fetch(c, 1);
		get(c, BPF_B, BPF_REG_0, FP, BUF);
		emit(c, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_0, 0, 0, 4);
		go_if(c, BPF_JEQ, BPF_REG_0, 4, L_IP4);
		go_if(c, BPF_JEQ, BPF_REG_0, 6, L_IP6);
		go(c, L_PASS);
		return;
	}
	set(c, AT, 12);
	for (int i = 0; i <= TAGS; i++) {
		here(c, (enum label)(L_TYPE + i));
		fetch(c, 2);
		add(c, AT, 2);
		get(c, BPF_H, BPF_REG_0, FP, BUF);
		go_if(c, BPF_JEQ, BPF_REG_0, as_it_lies(0x0800), L_IP4);
		go_if(c, BPF_JEQ, BPF_REG_0, as_it_lies(0x86dd), L_IP6);
		if (i == TAGS)
			break;
		add(c, AT, 2);
		go_if(c, BPF_JEQ, BPF_REG_0, as_it_lies(0x8100), (enum label)(L_TYPE + i + 1));
		go_if(c, BPF_JEQ, BPF_REG_0, as_it_lies(0x88a8), (enum label)(L_TYPE + i + 1));
		go_if(c, BPF_JEQ, BPF_REG_0, as_it_lies(0x9100), (enum label)(L_TYPE + i + 1));
		go(c, L_PASS);
	}
	go(c, L_PASS);
}

static void zero_key(struct code *c)
{
	set(c, BPF_REG_0, 0);
	for (int i = 0; i < (int)sizeof(struct shunt_key); i += 8)
		store(c, BPF_DW, FP, KEY + i, BPF_REG_0);
}

static void copy(struct code *c, int size, int octets, int from, int to)
{
	get(c, size, BPF_REG_0, FP, from);
	store(c, size, FP, to, BPF_REG_0);
	if (octets > (size == BPF_DW ? 8 : 4)) {
		int step = size == BPF_DW ? 8 : 4;
		copy(c, size, octets - step, from + step, to + step);
	}
}

static void set_version(struct code *c, int v)
{
	set(c, BPF_REG_0, v);
	store(c, BPF_W, FP, KEY + (int)offsetof(struct shunt_key, v), BPF_REG_0);
}

/* LEN: octets behind the IP header. A length of 0 is what a segment beyond 64 kB shows: pass. */
static void read_ip4(struct code *c)
{
	here(c, L_IP4);
	fetch(c, 20);
	get(c, BPF_B, BPF_REG_0, FP, BUF);
	go_if(c, BPF_JNE, BPF_REG_0, 0x45, L_PASS);
	get(c, BPF_B, BPF_REG_0, FP, BUF + 9);
	go_if(c, BPF_JNE, BPF_REG_0, PROTO_TCP, L_PASS);
	get(c, BPF_H, BPF_REG_0, FP, BUF + 6);
	go_if(c, BPF_JSET, BPF_REG_0, as_it_lies(0x3fff), L_PASS);
	get(c, BPF_H, LEN, FP, BUF + 2);
	swap_to_host(c, LEN, 16);
	go_if(c, BPF_JEQ, LEN, 0, L_PASS);
	add(c, LEN, -20);
	zero_key(c);
	copy(c, BPF_W, 4, BUF + 12, KEY + (int)offsetof(struct shunt_key, src));
	copy(c, BPF_W, 4, BUF + 16, KEY + (int)offsetof(struct shunt_key, dst));
	set_version(c, 4);
	add(c, AT, 20);
	go(c, L_TCP);
}

static void read_ip6(struct code *c)
{
	here(c, L_IP6);
	fetch(c, 40);
	get(c, BPF_B, BPF_REG_0, FP, BUF + 6);
	go_if(c, BPF_JNE, BPF_REG_0, PROTO_TCP, L_PASS);
	get(c, BPF_H, LEN, FP, BUF + 4);
	swap_to_host(c, LEN, 16);
	go_if(c, BPF_JEQ, LEN, 0, L_PASS);
	zero_key(c);
	copy(c, BPF_DW, 32, BUF + 8, KEY);
	set_version(c, 6);
	add(c, AT, 40);
}

static void look_up(struct code *c, int map, int key)
{
	wide(c, BPF_REG_1, BPF_PSEUDO_MAP_FD, (uint32_t)map);
	move(c, BPF_REG_2, FP);
	add(c, BPF_REG_2, key);
	call(c, BPF_FUNC_map_lookup_elem);
}

/* LEN becomes the TCP payload. */
static void read_tcp(struct code *c, int map)
{
	here(c, L_TCP);
	fetch(c, 20);
	copy(c, BPF_W, 4, BUF, KEY + (int)offsetof(struct shunt_key, sport));
	get(c, BPF_B, BPF_REG_0, FP, BUF + 12);
	emit(c, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_0, 0, 0, 4);
	emit(c, BPF_ALU64 | BPF_LSH | BPF_K, BPF_REG_0, 0, 0, 2);
	emit(c, BPF_ALU64 | BPF_SUB | BPF_X, LEN, BPF_REG_0, 0, 0);
	go_if(c, BPF_JSLT, LEN, 0, L_PASS);
	look_up(c, map, KEY);
	go_if(c, BPF_JEQ, BPF_REG_0, 0, L_PASS);
	move(c, VALUE, BPF_REG_0);
	get(c, BPF_B, BPF_REG_0, FP, BUF + 13);
	go_if(c, BPF_JSET, BPF_REG_0, TCP_FIN | TCP_SYN | TCP_RST, L_END);
	get(c, BPF_W, BPF_REG_0, VALUE, offsetof(struct shunt_value, off));
	go_if(c, BPF_JNE, BPF_REG_0, 0, L_PASS);
}

static void one_passes(struct code *c)
{
	call(c, BPF_FUNC_ktime_get_ns);
	move(c, BPF_REG_1, BPF_REG_0);
	get(c, BPF_DW, BPF_REG_2, VALUE, offsetof(struct shunt_value, heard));
	emit(c, BPF_ALU64 | BPF_SUB | BPF_X, BPF_REG_1, BPF_REG_2, 0, 0);
	wide(c, BPF_REG_3, 0, (uint64_t)HEARD_EVERY);
	emit(c, BPF_JMP | BPF_JSLT | BPF_X, BPF_REG_1, BPF_REG_3, 2, 0);
	store(c, BPF_DW, VALUE, offsetof(struct shunt_value, heard), BPF_REG_0);
	go(c, L_PASS);
}

/* DIFF: how far the end of this segment is from the farthest one. Far away is another connection, whose SYN passed before
 * the flow came into the map. */
static void check_place(struct code *c)
{
	get(c, BPF_W, DIFF, FP, BUF + 4);
	swap_to_host(c, DIFF, 32);
	emit(c, BPF_ALU | BPF_ADD | BPF_X, DIFF, LEN, 0, 0);
	get(c, BPF_W, BPF_REG_2, VALUE, offsetof(struct shunt_value, seq_to));
	emit(c, BPF_ALU64 | BPF_SUB | BPF_X, DIFF, BPF_REG_2, 0, 0);
	emit(c, BPF_ALU64 | BPF_LSH | BPF_K, DIFF, 0, 0, 32);
	emit(c, BPF_ALU64 | BPF_ARSH | BPF_K, DIFF, 0, 0, 32);
	go_if(c, BPF_JSGT, DIFF, FAR, L_END);
	go_if(c, BPF_JSLT, DIFF, -FAR, L_END);
}

static void count(struct code *c)
{
	set(c, BPF_REG_0, 1);
	emit(c, BPF_STX | BPF_DW | BPF_XADD, VALUE, BPF_REG_0, offsetof(struct shunt_value, packets), 0);
	emit(c, BPF_STX | BPF_DW | BPF_XADD, VALUE, LEN, offsetof(struct shunt_value, octets), 0);
	go_if(c, BPF_JSLE, DIFF, 0, L_DROP);
	get(c, BPF_W, BPF_REG_2, VALUE, offsetof(struct shunt_value, seq_to));
	emit(c, BPF_ALU | BPF_ADD | BPF_X, BPF_REG_2, DIFF, 0, 0);
	store(c, BPF_W, VALUE, offsetof(struct shunt_value, seq_to), BPF_REG_2);
	go(c, L_DROP);
}

/* The end of a flow switches both directions off. */
static void end_flow(struct code *c, int map)
{
	here(c, L_END);
	emit(c, BPF_ST | BPF_W | BPF_MEM, VALUE, 0, offsetof(struct shunt_value, off), 1);
	copy(c, BPF_DW, 16, KEY, BACK + 16);
	copy(c, BPF_DW, 16, KEY + 16, BACK);
	get(c, BPF_H, BPF_REG_0, FP, KEY + 32);
	store(c, BPF_H, FP, BACK + 34, BPF_REG_0);
	get(c, BPF_H, BPF_REG_0, FP, KEY + 34);
	store(c, BPF_H, FP, BACK + 32, BPF_REG_0);
	copy(c, BPF_W, 4, KEY + 36, BACK + 36);
	look_up(c, map, BACK);
	go_if(c, BPF_JEQ, BPF_REG_0, 0, L_PASS);
	emit(c, BPF_ST | BPF_W | BPF_MEM, BPF_REG_0, 0, offsetof(struct shunt_value, off), 1);
	here(c, L_PASS);
	set(c, BPF_REG_0, PASS);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	here(c, L_DROP);
	set(c, BPF_REG_0, 0);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static bool assemble(struct code *c, int map, const struct live_program *filter, enum live_link link)
{
	_Static_assert(sizeof(struct shunt_key) == 40 && offsetof(struct shunt_key, v) == 36, "as end_flow turns it");
	c->n = c->jumps = 0;
	c->full = false;
	if (!translate(c, filter))
		return false;
	here(c, L_SHUNT);
	find_ip(c, link);
	read_ip4(c);
	read_ip6(c);
	read_tcp(c, map);
	check_place(c);
	one_passes(c);
	count(c);
	end_flow(c, map);
	return resolve(c);
}

/* ---- bpf(2) ---- */

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

struct shunt *shunt_open(size_t flows, struct error *e)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_LRU_HASH, .key_size = sizeof(struct shunt_key),
			     .value_size = sizeof(struct shunt_value), .max_entries = (uint32_t)flows };
	struct shunt *s = calloc(1, sizeof(*s));
	if (!s) {
		error_set(e, "no memory");
		return NULL;
	}
	s->map = (int)bpf(BPF_MAP_CREATE, &a);
	if (s->map >= 0)
		return s;
	error_set(e, "the kernel makes no flow map: %s%s", strerror(errno),
		  errno == EPERM ? " (it takes root or CAP_BPF)" : "");
	free(s);
	return NULL;
}

/* The last line but one of what the verifier says is its reason. */
static void say_why(const struct code *c, union bpf_attr *a, struct error *e)
{
	int error = errno;
	char *log = error == EPERM ? NULL : calloc(1, LOG), *line = log;
	if (log) {
		a->log_buf = address(log);
		a->log_size = LOG;
		a->log_level = 1;
		(void)bpf(BPF_PROG_LOAD, a);
		char *end = strstr(log, "\nprocessed ");
		if (end) {
			*end = '\0';
			line = strrchr(log, '\n');
			line = line ? line + 1 : log;
		}
	}
	error_set(e, "the kernel refuses its program of %u instructions: %s%s%.200s", c->n, strerror(error),
		  line && *line ? ": " : "", line ? line : "");
	free(log);
}

bool shunt_attach(struct shunt *s, int fd, const struct live_program *filter, enum live_link link, struct error *e)
{
	struct code *c = calloc(1, sizeof(*c));
	if (!c)
		return error_set(e, "no memory");
	if (!assemble(c, s->map, filter, link)) {
		free(c);
		return error_set(e, "the filter expression asks for what cannot be translated");
	}
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = address(c->insn), .insn_cnt = c->n,
			     .license = address("Apache-2.0") };
	int program = (int)bpf(BPF_PROG_LOAD, &a);
	bool ok = program >= 0;
	if (!ok)
		say_why(c, &a, e);
	else if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)) != 0)
		ok = error_set(e, "the socket takes no program: %s", strerror(errno));
	if (program >= 0)
		close(program); /* the socket holds it */
	free(c);
	return ok;
}

static struct shunt_key key_of(const struct quiet_flow *f, int dir)
{
	struct shunt_key k = { .v = f->addr[dir].v };
	memcpy(k.src, f->addr[dir].a, sizeof(k.src));
	memcpy(k.dst, f->addr[!dir].a, sizeof(k.dst));
	k.sport[0] = (uint8_t)(f->port[dir] >> 8);
	k.sport[1] = (uint8_t)f->port[dir];
	k.dport[0] = (uint8_t)(f->port[!dir] >> 8);
	k.dport[1] = (uint8_t)f->port[!dir];
	return k;
}

bool shunt_add(struct shunt *s, const struct quiet_flow *flow)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	for (int dir = 0; dir < 2; dir++) {
		struct shunt_key k = key_of(flow, dir);
		struct shunt_value v = { .seq_to = flow->seq_to[dir],
					 .heard = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec };
		union bpf_attr a = { .map_fd = (uint32_t)s->map, .key = address(&k), .value = address(&v),
				     .flags = BPF_ANY };
		if (flow->seen[dir] && bpf(BPF_MAP_UPDATE_ELEM, &a) != 0)
			return false;
	}
	return true;
}

void shunt_read(struct shunt *s, const struct quiet_flow *flow, struct quiet_count *out)
{
	*out = (struct quiet_count){ 0 };
	for (int dir = 0; dir < 2; dir++) {
		struct shunt_key k = key_of(flow, dir);
		struct shunt_value v;
		union bpf_attr a = { .map_fd = (uint32_t)s->map, .key = address(&k), .value = address(&v) };
		if (bpf(BPF_MAP_LOOKUP_ELEM, &a) != 0)
			continue;
		out->known[dir] = true;
		out->packets[dir] = v.packets;
		out->octets[dir] = v.octets;
		out->seq_to[dir] = v.seq_to;
	}
}

void shunt_end(struct shunt *s, const struct quiet_flow *flow)
{
	for (int dir = 0; dir < 2; dir++) {
		struct shunt_key k = key_of(flow, dir);
		union bpf_attr a = { .map_fd = (uint32_t)s->map, .key = address(&k) };
		(void)bpf(BPF_MAP_DELETE_ELEM, &a);
	}
}

void shunt_close(struct shunt *s)
{
	if (!s)
		return;
	close(s->map);
	free(s);
}
