/* The program in the kernel, on a pair of interfaces in a network namespace of its own: which packets of a shunted flow
 * still come, and what the map has counted of the others. Needs root and bpf(2); else skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shunt.h"
#include "source_live.h"

enum { ACK = TCP_ACK, OCTETS = 100 };

static struct source_live *source;
static struct shunt *shunt;
static const uint16_t mail[] = { 25 };

static bool start(size_t flows, const char *expression)
{
	static const char *const names[] = { "a0" };
	struct live_config c = { .iface = names, .ifaces = 1, .workers = 1, .timeout = 5, .buffer = 1 << 22, .seed = 7,
				 .filter = { .mail = mail, .nmail = 1, .expression = expression } };
	struct error e = { "" };
	if (shunt)
		shunt_close(shunt);
	source_live_close(source);
	shunt = shunt_open(flows, &e);
	source = shunt ? source_live_open(&c, &e) : NULL;
	bool ok = source && shunt_attach(shunt, source_live_fd(source, 0, 0), source_live_program(source, 0),
					 source_live_link(source, 0), &e);
	if (ok)
		source_live_take(source, 0);
	else
		print_message("%s\n", e.text);
	return ok;
}

static bool possible;

static int set_up(void **state)
{
	(void)state;
	struct error e;
	possible = geteuid() == 0 && unshare(CLONE_NEWNET) == 0 &&
		   system("ip link add a0 type veth peer name a1 && ip link set a0 up && ip link set a1 up") == 0;
	struct shunt *s = possible ? shunt_open(16, &e) : NULL;
	possible = s;
	shunt_close(s);
	if (!possible)
		print_message("no rights for network namespaces or bpf: skipped\n");
	return 0;
}

/* tags  VLAN tags       options  IPv4 options       fragment  offset and flags of IPv4 */
struct form {
	int v, tags;
	bool options;
	uint16_t fragment;
};

static size_t put(uint8_t *to, const void *octets, size_t n)
{
	memcpy(to, octets, n);
	return n;
}
#define PUT(to, ...) put(to, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* Of flow number flow; back: from the server. OCTETS of payload at seq. */
static size_t make(uint8_t *p, const struct form *f, uint8_t flow, bool back, uint8_t flags, uint32_t seq)
{
	size_t n = PUT(p, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2);
	for (int i = 0; i < f->tags; i++)
		n += PUT(p + n, 0x81, 0, 0, (uint8_t)(5 + i));
	uint8_t from = back ? 2 : 1, to = back ? 1 : 2, sport = back ? 25 : flow, dport = back ? flow : 25;
	uint8_t hi = back ? 0 : 0x9c, lo = back ? 0x9c : 0;
	if (f->v == 4) {
		n += PUT(p + n, 8, 0, f->options ? 0x46 : 0x45, 0, 0, (uint8_t)(40 + OCTETS + (f->options ? 4 : 0)), 0, 1,
			 (uint8_t)(f->fragment >> 8), (uint8_t)f->fragment, 64, 6, 0, 0, 10, 0, 0, from, 10, 0, 0, to);
		if (f->options)
			n += PUT(p + n, 1, 1, 1, 1);
	} else {
		n += PUT(p + n, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 20 + OCTETS, 6, 64, 0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
			 0, from, 0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, to);
	}
	n += PUT(p + n, hi, sport, lo, dport, (uint8_t)(seq >> 24), (uint8_t)(seq >> 16), (uint8_t)(seq >> 8), (uint8_t)seq, 0,
		 0, 0, 0, 0x50, flags, 1, 0, 0, 0, 0, 0);
	memset(p + n, 'x', OCTETS);
	return n + OCTETS;
}

static struct quiet_flow flow_of(int v, uint8_t number, uint32_t c2s, uint32_t s2c)
{
	struct quiet_flow q = { .port = { (uint16_t)(0x9c00 | number), 25 }, .seq_to = { c2s, s2c }, .seen = { true, true } };
	for (int dir = 0; dir < 2; dir++) {
		q.addr[dir].v = (uint8_t)v;
		if (v == 4)
			PUT(q.addr[dir].a, 10, 0, 0, (uint8_t)(dir + 1));
		else
			PUT(q.addr[dir].a, 0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(dir + 1));
	}
	return q;
}

/* Did it come to the ring? */
static bool comes(const struct form *f, uint8_t flow, bool back, uint8_t flags, uint32_t seq)
{
	static int fd = -1;
	uint8_t p[512];
	struct packet k;
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("a1") };
	if (fd < 0)
		fd = socket(AF_PACKET, SOCK_RAW, 0);
	size_t n = make(p, f, flow, back, flags, seq);
	assert_int_equal(sendto(fd, p, n, 0, (const struct sockaddr *)&to, sizeof(to)), n);
	bool came = source_live_next(source, 40, &k) == LIVE_PACKET;
	if (came) {
		assert_int_equal(k.data.n, n);
		assert_memory_equal(k.data.p, p, n);
	}
	return came;
}

static void expect_count(const struct quiet_flow *q, int dir, uint64_t packets, uint32_t seq_to)
{
	struct quiet_count n;
	shunt_read(shunt, q, &n);
	assert_true(n.known[dir]);
	assert_int_equal(n.packets[dir], packets);
	assert_int_equal(n.octets[dir], packets * OCTETS);
	assert_int_equal(n.seq_to[dir], seq_to);
}

static void test_flows(void **state)
{
	(void)state;
	static const struct form forms[] = { { 4, 0, false, 0 }, { 4, 1, false, 0 }, { 4, 2, false, 0 }, { 6, 0, false, 0 },
					     { 6, 1, false, 0 }, { 6, 2, false, 0 }, { 4, 0, false, 0x4000 } };
	if (!possible)
		skip();
	assert_true(start(1024, NULL));
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct form *f = &forms[i];
		uint8_t a = (uint8_t)(2 * i + 1), b = (uint8_t)(2 * i + 2);
		struct quiet_flow q = flow_of(f->v, a, 1000, UINT32_MAX - 49);
		assert_true(comes(f, a, false, ACK, 1000 - OCTETS));
		assert_true(shunt_add(shunt, &q));
		assert_false(comes(f, a, false, ACK, 1000));
		assert_false(comes(f, a, true, ACK, UINT32_MAX - 49)); /* around the end of the numbers */
		assert_false(comes(f, a, false, ACK, 1000 + OCTETS));
		assert_false(comes(f, a, false, ACK, 1000));           /* again: counted, and nothing newer */
		assert_true(comes(f, b, false, ACK, 1000));            /* another flow */
		expect_count(&q, C2S, 3, 1000 + 2 * OCTETS);
		expect_count(&q, S2C, 1, 50);
		shunt_end(shunt, &q);
		assert_true(comes(f, a, false, ACK, 1000 + 2 * OCTETS));
	}
}

static void test_ends(void **state)
{
	(void)state;
	static const struct form f4 = { 4, 0, false, 0 }, f6 = { 6, 1, false, 0 };
	static const uint8_t ends[] = { TCP_SYN, TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK };
	if (!possible)
		skip();
	assert_true(start(1024, NULL));
	for (uint8_t i = 0; i < 16; i++) {
		const struct form *f = i & 1 ? &f6 : &f4;
		bool back = i & 2;
		struct quiet_flow q = flow_of(f->v, i, 1000, 5000);
		assert_true(shunt_add(shunt, &q));
		assert_false(comes(f, i, false, ACK, 1000));
		assert_false(comes(f, i, true, ACK, 5000));
		assert_true(comes(f, i, back, ends[i / 4], 9000));
		assert_true(comes(f, i, true, ACK, 5100)); /* and from then on both directions */
		assert_true(comes(f, i, false, ACK, 1100));
		expect_count(&q, C2S, 1, 1100);
		expect_count(&q, S2C, 1, 5100);
	}
}

static void test_another_connection(void **state)
{
	(void)state;
	static const struct form f = { 4, 0, false, 0 };
	if (!possible)
		skip();
	assert_true(start(1024, NULL));
	struct quiet_flow q = flow_of(4, 1, 1000, 5000);
	assert_true(shunt_add(shunt, &q));
	assert_false(comes(&f, 1, false, ACK, 1000 + (1 << 26)));
	assert_false(comes(&f, 1, false, ACK, 1000));
	assert_true(comes(&f, 1, false, ACK, 1000 + (1 << 28)));
	assert_true(comes(&f, 1, false, ACK, 1000));
	assert_true(comes(&f, 1, true, ACK, 5000));
	expect_count(&q, C2S, 2, 1000 + (1 << 26) + OCTETS);
}

static void test_not_read(void **state)
{
	(void)state;
	static const struct form options = { 4, 0, true, 0 }, piece = { 4, 0, false, 0x2000 };
	if (!possible)
		skip();
	assert_true(start(1024, NULL));
	struct quiet_flow q = flow_of(4, 1, 1000, 5000);
	assert_true(shunt_add(shunt, &q));
	assert_true(comes(&options, 1, false, ACK, 1000));
	assert_true(comes(&piece, 1, false, ACK, 1000));
}

static void test_one_direction(void **state)
{
	(void)state;
	static const struct form f = { 4, 0, false, 0 };
	struct quiet_count n;
	if (!possible)
		skip();
	assert_true(start(1024, NULL));
	struct quiet_flow q = flow_of(4, 1, 1000, 5000);
	q.seen[C2S] = false;
	assert_true(shunt_add(shunt, &q));
	assert_true(comes(&f, 1, false, ACK, 1000));
	assert_false(comes(&f, 1, true, ACK, 5000));
	shunt_read(shunt, &q, &n);
	assert_false(n.known[C2S]);
	assert_true(n.known[S2C]);
}

static void test_map_full(void **state)
{
	(void)state;
	static const struct form f = { 4, 0, false, 0 };
	enum { FLOWS = 3000 };
	struct quiet_count n;
	int known = 0;
	if (!possible)
		skip();
	assert_true(start(512, NULL));
	for (int i = 0; i < FLOWS; i++) {
		struct quiet_flow q = flow_of(4, 0, 0, 0);
		q.port[C2S] = (uint16_t)(1024 + i);
		assert_true(shunt_add(shunt, &q));
	}
	for (int i = 0; i < FLOWS; i++) {
		struct quiet_flow q = flow_of(4, 0, 0, 0);
		q.port[C2S] = (uint16_t)(1024 + i);
		shunt_read(shunt, &q, &n);
		known += n.known[C2S];
	}
	assert_in_range(known, 1, 512);
	struct quiet_flow q = flow_of(4, 1, 1000, 5000);
	assert_true(shunt_add(shunt, &q)); /* there is always room for a new one */
	assert_false(comes(&f, 1, false, ACK, 1000));
}

/* The filter goes on in front of the map, translated, with what libpcap made of an expression behind it. */
static void test_filter(void **state)
{
	(void)state;
	static const struct form plain = { 4, 0, false, 0 }, tagged = { 4, 1, false, 0 }, six = { 6, 0, false, 0 };
	static const struct { const char *text; bool plain, tagged, six; } table[] = {
		{ "vlan 5", false, true, false },
		{ "not vlan", true, false, true },
		{ "net 10.0.0.0/8", true, true, false },
		{ "host 192.0.2.1", false, false, false },
		{ "ip6 or vlan", false, true, true },
		{ "less 200 and tcp[13] & 16 != 0", true, true, false },
		{ "ip[0] & 15 = 5 and not (tcp[tcpflags] & tcp-rst != 0)", true, true, false },
		{ "host 203.0.113.1 or net 10.0.0.0/8 or net 240.0.0.0/4", true, true, false },
		{ "ip6 and dst port 25", false, false, true },
		{ "len > 10 and ether[0] >= 2 and ip[2:2] / 2 > 3", true, true, false },
	};
	if (!possible)
		skip();
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_true(start(64, table[i].text));
		if (comes(&plain, 1, false, ACK, 1) != table[i].plain || comes(&tagged, 1, false, ACK, 1) != table[i].tagged ||
		    comes(&six, 1, false, ACK, 1) != table[i].six)
			fail_msg("%s", table[i].text);
	}
}

/* What the capture process needs, and nothing else, as somebody without rights. */
static void test_few_calls(void **state)
{
	(void)state;
	if (!possible)
		skip();
	assert_true(start(1024, NULL));
	pid_t pid = fork();
	if (pid == 0) {
		struct quiet_flow q = flow_of(4, 1, 1000, 5000);
		struct quiet_count n;
		scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
		for (unsigned command = 1; command <= 3; command++)
			seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(bpf), 1, SCMP_A0(SCMP_CMP_EQ, command, 0));
		seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clock_gettime), 0);
		seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(exit_group), 0);
		if (setgid(65534) != 0 || setuid(65534) != 0 || seccomp_load(ctx) != 0)
			_exit(3);
		bool ok = shunt_add(shunt, &q);
		shunt_read(shunt, &q, &n);
		ok = ok && n.known[C2S] && n.known[S2C];
		shunt_end(shunt, &q);
		shunt_read(shunt, &q, &n);
		syscall(SYS_exit_group, ok && !n.known[C2S] ? 0 : 1); /* a sanitizer's _exit does more */
	}
	int status;
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Without the right the reason is told, and the classic filter stays. */
static void test_no_right(void **state)
{
	(void)state;
	struct error e = { "" };
	if (!possible)
		skip();
	pid_t pid = fork();
	if (pid == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(3);
		_exit(!shunt_open(64, &e) && strstr(e.text, "CAP_BPF") ? 0 : 1);
	}
	int status;
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	static const struct form plain = { 4, 0, false, 0 };
	assert_true(start(64, NULL));
	struct live_program odd = *source_live_program(source, 0);
	odd.insn[0].code = 0xa0; /* a load of a kind that there is not */
	assert_false(shunt_attach(shunt, source_live_fd(source, 0, 0), &odd, LIVE_ETHERNET, &e));
	assert_true(*e.text);
	assert_true(comes(&plain, 1, false, ACK, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows),         cmocka_unit_test(test_ends),     cmocka_unit_test(test_another_connection), cmocka_unit_test(test_not_read),
		cmocka_unit_test(test_one_direction), cmocka_unit_test(test_map_full), cmocka_unit_test(test_filter),
		cmocka_unit_test(test_few_calls),     cmocka_unit_test(test_no_right),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
