/* The kernel's filter, run in user space: whatever frame reads as mail or DNS must pass, however it is wrapped, with the
 * outermost tag there or taken off; and what is neither must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "live_filter.h"
#include "source.h"
#include "wire/frame.h"
#include "wire/odd.h"

static const uint16_t mail[] = { 25, 465, 587, 2525 }, dns[] = { 53, 5353 };

/* Runs on a copy of exactly its size. */
static uint32_t run(const struct live_program *p, const uint8_t *octets, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	assert_non_null(copy);
	memcpy(copy, octets, n);
	uint32_t result = bpf_filter((const struct bpf_insn *)(const void *)p->insn, copy, (unsigned)n, (unsigned)n);
	free(copy);
	return result;
}

static struct live_program *build(enum live_link link, const struct live_filter_config *c)
{
	static struct live_program p;
	struct error e = { "" };
	if (!live_filter_build(&p, link, c, &e))
		fail_msg("%s", e.text);
	assert_true(bpf_validate((const struct bpf_insn *)(const void *)p.insn, (int)p.n));
	return &p;
}

static const struct live_filter_config mail_and_dns = { .mail = mail, .nmail = 4, .dns = dns, .ndns = 2 };
static const struct live_filter_config mail_only = { .mail = mail, .nmail = 4 };

static bool one_of(const uint16_t *list, size_t n, const struct segment *s)
{
	for (size_t i = 0; i < n; i++)
		if (s->sport == list[i] || s->dport == list[i])
			return true;
	return false;
}

static bool wanted(const struct packet *pkt, bool *sure)
{
	struct frame_counters count = { 0 };
	struct segment seg;
	switch (frame_read(pkt, NULL, &count, &seg)) {
	case FRAME_OK:
		*sure = !(seg.encap & ENCAP_FRAGMENT);
		return one_of(dns, 2, &seg) || (seg.proto == PROTO_TCP && one_of(mail, 4, &seg));
	case FRAME_FRAGMENT:
		*sure = false;
		return true;
	case FRAME_OTHER:
	case FRAME_BAD:
	case FRAME_RESULTS:
		break;
	}
	*sure = false;
	return false;
}

/* As the kernel shows it: without the outermost tag. 0: there is none. */
static size_t untagged(const struct packet *pkt, uint8_t *to)
{
	const uint8_t *p = pkt->data.p;
	if (pkt->linktype != 1 || pkt->data.n < 18 || !((p[12] == 0x81 && p[13] == 0) || (p[12] == 0x88 && p[13] == 0xa8)))
		return 0;
	memcpy(to, p, 12);
	memcpy(to + 12, p + 16, pkt->data.n - 16);
	return pkt->data.n - 4;
}

static void check_packet(const struct live_program *p, const struct packet *pkt, const char *name, size_t *seen)
{
	static uint8_t octets[1 << 18];
	bool sure, want = wanted(pkt, &sure);
	bool pass = run(p, pkt->data.p, pkt->data.n) != 0;
	size_t n = untagged(pkt, octets);
	if ((want && !pass) || (sure && !want && pass))
		fail_msg("%s: packet %llu is %s", name, (unsigned long long)pkt->number, pass ? "let through" : "lost");
	if (n && pass != (run(p, octets, n) != 0))
		fail_msg("%s: packet %llu is another without its tag", name, (unsigned long long)pkt->number);
	seen[want]++;
}

static void test_captures(void **state)
{
	(void)state;
	char *paths[] = { "tests/pcaps" };
	static struct live_program ethernet, ip;
	struct error e;
	if (access(paths[0], R_OK) != 0)
		skip();
	ethernet = *build(LIVE_ETHERNET, &mail_and_dns);
	ip = *build(LIVE_IP, &mail_and_dns);
	struct source *s = source_open(paths, 1, &e);
	assert_non_null(s);
	size_t seen[2] = { 0 };
	struct packet pkt;
	enum source_result r;
	while ((r = source_next(s, &pkt)) != SOURCE_END) {
		if (r != SOURCE_PACKET || (pkt.linktype != 1 && pkt.linktype != 101) || pkt.data.n < pkt.wire_len)
			continue;
		check_packet(pkt.linktype == 1 ? &ethernet : &ip, &pkt, source_name(s), seen);
	}
	source_close(s);
	print_message("%zu packets wanted, %zu not\n", seen[1], seen[0]);
	assert_true(seen[1] > 1000);
}

/* ---- wrapped by hand ---- */

struct packet_of {
	uint8_t p[256];
	size_t n;
};

static void add(struct packet_of *k, const void *octets, size_t n)
{
	assert_true(k->n + n <= sizeof(k->p));
	memcpy(k->p + k->n, octets, n);
	k->n += n;
}
#define ADD(k, ...) add(k, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void add_ports(struct packet_of *k, uint8_t proto, uint16_t sport, uint16_t dport)
{
	ADD(k, (uint8_t)(sport >> 8), (uint8_t)sport, (uint8_t)(dport >> 8), (uint8_t)dport);
	if (proto == 17)
		ADD(k, 0, 8, 0, 0);
	else
		ADD(k, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 1, 0, 0, 0, 0, 0);
}

/* v 4 or 6; swap: the other way round; more: IPv4 options or an IPv6 extension header */
static void add_ip(struct packet_of *k, int v, uint8_t proto, uint16_t sport, uint16_t dport, bool swap, bool more)
{
	uint8_t a = swap ? 2 : 1, b = swap ? 1 : 2, n = proto == 17 ? 8 : 20, extra = more ? 8 : 0;
	if (swap) {
		uint16_t t = sport;
		sport = dport;
		dport = t;
	}
	if (v == 4) {
		ADD(k, more ? 0x47 : 0x45, 0, 0, (uint8_t)(20 + extra + n), 0, 1, 0, 0, 64, proto, 0, 0);
		ADD(k, 10, 1, 1, a, 10, 9, 9, b);
		if (more)
			ADD(k, 1, 1, 1, 1, 1, 1, 1, 0);
	} else {
		ADD(k, 0x60, swap ? 0 : 1, 2, 3, 0, (uint8_t)(n + extra), more ? 60 : proto, 64);
		ADD(k, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a);
		ADD(k, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, b);
		if (more)
			ADD(k, proto, 0, 1, 4, 0, 0, 0, 0);
	}
	add_ports(k, proto, sport, dport);
}

static void add_macs(struct packet_of *k)
{
	ADD(k, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2);
}

#define TYPE(v) ((v) == 4 ? 0x08 : 0x86), ((v) == 4 ? 0x00 : 0xdd)

/* Everything that frame reads in front of IP, by number; false: there are no more. */
static bool add_link(struct packet_of *k, int which, int v)
{
	*k = (struct packet_of){ .n = 0 };
	add_macs(k);
	switch (which) {
	case 0:
		ADD(k, TYPE(v));
		return true;
	case 1:
		ADD(k, 0x81, 0, 0, 5, TYPE(v));
		return true;
	case 2:
		ADD(k, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, TYPE(v));
		return true;
	case 3:
		ADD(k, 0x91, 0, 0, 5, 0x81, 0, 0, 6, 0x81, 0, 0, 7, TYPE(v));
		return true;
	case 4:
		ADD(k, 0x88, 0x64, 0x11, 0, 0, 1, 0, 100, 0, v == 4 ? 0x21 : 0x57);
		return true;
	case 5:
		ADD(k, 0x81, 0, 0, 5, 0x88, 0x64, 0x11, 0, 0, 1, 0, 100, 0, v == 4 ? 0x21 : 0x57);
		return true;
	case 6:
		ADD(k, 0x88, 0x47, 0, 1, 1, 64);
		return true;
	case 7:
		ADD(k, 0x88, 0x47, 0, 1, 0, 64, 0, 2, 0, 64, 0, 3, 1, 64);
		return true;
	case 8:
		ADD(k, 0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64, 0, 0, 0, 0);
		add_macs(k);
		ADD(k, 0x81, 0, 0, 9, TYPE(v));
		return true;
	case 9:
		ADD(k, 0x89, 0x3f, 0, 0, 0, 0, 0, 0, 0x81, 0, 0, 5, TYPE(v));
		return true;
	case 10:
		ADD(k, 0, 60, 0xaa, 0xaa, 3, 0, 0, 0, TYPE(v));
		return true;
	case 11: /* deeper than the walk goes */
		for (int i = 0; i < 7; i++)
			ADD(k, 0x81, 0, 0, 5);
		ADD(k, TYPE(v));
		return true;
	default:
		return false;
	}
}

static void check_one(const struct live_program *p, const struct packet_of *k, bool want, bool deep, int which)
{
	struct packet pkt = { .linktype = 1, .data = { k->p, k->n }, .wire_len = (uint32_t)k->n };
	bool sure, read = wanted(&pkt, &sure), pass = run(p, k->p, k->n) != 0;
	if (read != want)
		fail_msg("wrapping %d: frame says %d", which, read);
	if (pass != want && !(pass && deep))
		fail_msg("wrapping %d: the filter says %d", which, pass);
}

static void test_wrapped(void **state)
{
	(void)state;
	static const struct { uint8_t proto; uint16_t port; bool want; } table[] = {
		{ 6, 25, true }, { 6, 465, true }, { 6, 80, false }, { 17, 53, true }, { 6, 53, true }, { 17, 25, false },
		{ 17, 5353, true }, { 17, 123, false },
	};
	struct live_program *p = build(LIVE_ETHERNET, &mail_and_dns);
	struct packet_of k;
	for (int which = 0; add_link(&k, which, 4); which++)
		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
			for (int form = 0; form < 8; form++) {
				int v = form & 1 ? 6 : 4;
				add_link(&k, which, v);
				add_ip(&k, v, table[i].proto, 40000, table[i].port, form & 2, form & 4);
				bool deep = which == 11 || (v == 6 && form & 4);
				check_one(p, &k, table[i].want, deep, which);
			}
}

static void test_short(void **state)
{
	(void)state;
	struct live_program *p = build(LIVE_ETHERNET, &mail_and_dns);
	struct packet_of k;
	for (int which = 0; add_link(&k, which, 4); which++) {
		add_ip(&k, 4, 6, 25, 40000, false, false);
		for (size_t n = 0; n < k.n; n++)
			run(p, k.p, n);
	}
}

static void test_choices(void **state)
{
	(void)state;
	struct packet_of query, odd, gre;
	add_link(&query, 0, 4);
	add_ip(&query, 4, 17, 40000, 53, false, false);
	add_link(&odd, 0, 4);
	add_ip(&odd, 4, 6, 40000, 8025, false, false);
	add_link(&gre, 0, 4);
	add_ip(&gre, 4, 47, 0, 0, false, false);
	struct live_filter_config c = mail_only;
	assert_int_equal(run(build(LIVE_ETHERNET, &c), query.p, query.n), 0);
	assert_int_equal(run(build(LIVE_ETHERNET, &c), odd.p, odd.n), 0);
	assert_int_equal(run(build(LIVE_ETHERNET, &c), gre.p, gre.n), 0);
	c.sample = 1;
	assert_int_not_equal(run(build(LIVE_ETHERNET, &c), odd.p, odd.n), 0);
	c.tunnels = true;
	assert_int_not_equal(run(build(LIVE_ETHERNET, &c), gre.p, gre.n), 0);
	c.sample = 16;
	struct live_program *p = build(LIVE_ETHERNET, &c);
	int passed = 0;
	for (uint16_t port = 4096; port < 4096 + 3200; port += 2) { /* clients may have ports of one parity only */
		const struct segment seg = { .sport = port, .dport = 8025 };
		struct packet_of there, back;
		add_link(&there, 0, 6);
		add_ip(&there, 6, 6, port, 8025, false, false);
		add_link(&back, 0, 6);
		add_ip(&back, 6, 6, port, 8025, true, false);
		assert_int_equal(run(p, there.p, there.n), run(p, back.p, back.n));
		assert_int_equal(run(p, there.p, there.n) != 0, odd_sampled(&seg, 16)); /* what it lets through is looked at */
		passed += run(p, there.p, there.n) != 0;
	}
	assert_in_range(passed, 75, 125);
}

static void test_expression(void **state)
{
	(void)state;
	struct packet_of in, out;
	struct error e;
	add_link(&in, 0, 4);
	add_ip(&in, 4, 6, 40000, 25, false, false);
	add_link(&out, 0, 4);
	add_ip(&out, 4, 6, 40000, 80, false, false);
	struct live_filter_config c = mail_only;
	c.expression = "src net 10.1.0.0/16";
	struct live_program *p = build(LIVE_ETHERNET, &c);
	assert_int_not_equal(run(p, in.p, in.n), 0);
	assert_int_equal(run(p, out.p, out.n), 0);
	c.expression = "src net 10.2.0.0/16 or port 80";
	p = build(LIVE_ETHERNET, &c);
	assert_int_equal(run(p, in.p, in.n), 0);
	assert_int_equal(run(p, out.p, out.n), 0);
	c.expression = "src net 10.2.0.0/";
	assert_false(live_filter_build(p, LIVE_ETHERNET, &c, &e));
	assert_non_null(strstr(e.text, "src net 10.2.0.0/"));
}

/* ---- which worker ---- */

static struct live_program *fanout(bool ports)
{
	static struct live_program p;
	live_filter_fanout(&p, LIVE_ETHERNET, ports, 12345, 0);
	assert_true(bpf_validate((const struct bpf_insn *)(const void *)p.insn, (int)p.n));
	return &p;
}

static uint32_t worker(const struct live_program *p, int which, int v, uint16_t sport, bool swap, bool fragment)
{
	struct packet_of k;
	add_link(&k, which, v);
	size_t ip = k.n;
	add_ip(&k, v, 6, sport, 25, swap, false);
	if (fragment) { /* not the first one */
		k.p[ip + 7] = 9;
		memset(k.p + ip + 20, 0xaa, k.n - ip - 20);
	}
	return run(p, k.p, k.n);
}

static void test_fanout_together(void **state)
{
	(void)state;
	for (int ports = 0; ports < 2; ports++) {
		struct live_program *p = fanout(ports);
		for (int v = 4; v <= 6; v += 2) {
			uint32_t first = worker(p, 0, v, 40000, false, false);
			assert_int_not_equal(first, 0);
			for (int which = 0; which < 11; which++) {
				assert_int_equal(worker(p, which, v, 40000, false, false), first);
				assert_int_equal(worker(p, which, v, 40000, true, false), first);
			}
		}
	}
	struct live_program *p = fanout(false);
	assert_int_equal(worker(p, 0, 4, 40000, false, true), worker(p, 0, 4, 40000, true, false));
	assert_int_equal(worker(p, 0, 4, 40001, false, false), worker(p, 0, 4, 40000, false, false));
}

static void test_fanout_spread(void **state)
{
	(void)state;
	struct live_program *p = fanout(true);
	int in[4] = { 0 };
	for (uint16_t port = 1024; port < 1024 + 4000; port++)
		in[worker(p, 0, 4, port, false, false) % 4]++;
	for (int i = 0; i < 4; i++)
		assert_in_range(in[i], 800, 1200);
	p = fanout(false);
	int two[2] = { 0 };
	for (int host = 0; host < 4000; host++) {
		struct packet_of k;
		add_link(&k, 0, 4);
		add_ip(&k, 4, 6, 40000, 25, false, false);
		k.p[32] = (uint8_t)(host >> 8);
		k.p[33] = (uint8_t)host;
		two[run(p, k.p, k.n) % 2]++;
	}
	assert_in_range(two[0], 1700, 2300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captures),        cmocka_unit_test(test_wrapped),
		cmocka_unit_test(test_short),           cmocka_unit_test(test_choices),
		cmocka_unit_test(test_expression),      cmocka_unit_test(test_fanout_together),
		cmocka_unit_test(test_fanout_spread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
