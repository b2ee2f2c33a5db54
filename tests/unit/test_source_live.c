/* Interfaces made for the test, in a network namespace of its own: what is sent on one end comes out once and in order,
 * whoever reads, however often he dies, and whatever becomes of the interface. Needs root and ip(8); else skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <linux/if_packet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "source_live.h"

static const uint16_t mail[] = { 25, 587 };
static bool ready;

static bool ip(const char *what)
{
	char line[256];
	snprintf(line, sizeof(line), "ip %s >/dev/null 2>&1", what);
	return system(line) == 0;
}

static bool make_pair(const char *a, const char *b)
{
	char line[128];
	snprintf(line, sizeof(line), "link add %s type veth peer name %s", a, b);
	bool ok = ip(line);
	snprintf(line, sizeof(line), "link set %s up", a);
	ok = ok && ip(line);
	snprintf(line, sizeof(line), "link set %s up", b);
	return ok && ip(line);
}

static int set_up(void **state)
{
	(void)state;
	ready = geteuid() == 0 && unshare(CLONE_NEWNET) == 0 && make_pair("a0", "a1") && make_pair("b0", "b1");
	if (!ready)
		print_message("no rights for network namespaces: skipped\n");
	return 0;
}

static struct live_config config_for(const char *const *names, size_t n, unsigned workers)
{
	return (struct live_config){ .iface = names, .ifaces = n, .workers = workers, .timeout = 10, .buffer = n << 22,
				     .seed = 7, .promiscuous = true, .filter = { .mail = mail, .nmail = 2 } };
}

static struct source_live *open_or_fail(const struct live_config *c)
{
	struct error e = { "" };
	struct source_live *s = source_live_open(c, &e);
	if (!s)
		fail_msg("%s", e.text);
	return s;
}

/* One TCP packet of host number host, its number in the sequence number; tag 0: none. */
static size_t packet_of(uint8_t *p, unsigned host, uint32_t number, uint16_t tag, uint16_t port, bool back)
{
	static const uint8_t head[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	size_t n = sizeof(head);
	memcpy(p, head, n);
	if (tag) {
		const uint8_t vlan[] = { 0x81, 0, (uint8_t)(tag >> 8), (uint8_t)tag };
		memcpy(p + n, vlan, 4);
		n += 4;
	}
	uint8_t a[4] = { 10, 1, 0, 1 }, b[4] = { 10, 2, (uint8_t)(host >> 8), (uint8_t)host };
	uint8_t rest[42] = { 8, 0, 0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0 };
	memcpy(rest + 14, back ? b : a, 4);
	memcpy(rest + 18, back ? a : b, 4);
	uint16_t from = back ? port : 40000, to = back ? 40000 : port;
	const uint8_t tcp[20] = { (uint8_t)(from >> 8), (uint8_t)from, (uint8_t)(to >> 8), (uint8_t)to,
				  (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				  (uint8_t)number, 0, 0, 0, 0, 0x50, 0x10, 1, 0 };
	memcpy(rest + 22, tcp, sizeof(tcp));
	memcpy(p + n, rest, sizeof(rest));
	return n + sizeof(rest);
}

static void send_on(const char *iface, const uint8_t *octets, size_t n)
{
	static int fd = -1; /* closing one costs milliseconds */
	if (fd < 0)
		fd = socket(AF_PACKET, SOCK_RAW, 0);
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(iface) };
	assert_true(fd >= 0);
	assert_int_equal(sendto(fd, octets, n, 0, (const struct sockaddr *)&to, sizeof(to)), n);
}

static void send_number(const char *iface, uint32_t number)
{
	uint8_t p[128];
	send_on(iface, p, packet_of(p, number, number, 0, 25, number & 1));
}

static void send_some(const char *iface, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		send_number(iface, i);
}

static uint32_t number_of(const struct packet *k)
{
	const uint8_t *p = k->data.p + k->data.n - 16;
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void expect_number(struct source_live *s, uint32_t want)
{
	struct packet k;
	assert_int_equal(source_live_next(s, 1000, &k), LIVE_PACKET);
	assert_int_equal(number_of(&k), want);
}

static void expect_nothing(struct source_live *s)
{
	struct packet k;
	enum live_result r;
	while ((r = source_live_next(s, 60, &k)) == LIVE_DOWN)
		;
	assert_int_equal(r, LIVE_TIMEOUT);
}

static void test_order_and_filter(void **state)
{
	(void)state;
	static const char *const names[] = { "a0" };
	if (!ready)
		skip();
	struct live_config c = config_for(names, 1, 1);
	struct source_live *s = open_or_fail(&c);
	uint8_t p[128];
	source_live_take(s, 0);
	expect_nothing(s);
	send_some("a1", 1, 50);
	send_on("a1", p, packet_of(p, 1, 999, 0, 80, false));
	send_number("a1", 50);
	for (uint32_t i = 1; i <= 50; i++)
		expect_number(s, i);
	expect_nothing(s);
	struct live_count count;
	source_live_count(s, 0, 0, &count);
	assert_int_equal(count.received, 50);
	assert_int_equal(count.taken, 50);
	assert_int_equal(count.taken_octets, 50 * 54);
	assert_int_equal(count.dropped, 0);
	source_live_stop(s);
	struct packet k;
	assert_int_equal(source_live_next(s, 1000, &k), LIVE_END);
	source_live_close(s);
}

static void test_packet(void **state)
{
	(void)state;
	static const char *const names[] = { "a0" };
	if (!ready)
		skip();
	struct live_config c = config_for(names, 1, 1);
	struct source_live *s = open_or_fail(&c);
	struct packet k;
	struct timespec now;
	uint8_t sent[2][1400] = { 0 };
	source_live_take(s, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	packet_of(sent[0], 1, 1, 0, 25, false);
	packet_of(sent[1], 1, 2, 77, 25, false);
	send_on("a1", sent[0], sizeof(sent[0]));
	send_on("a1", sent[1], sizeof(sent[1]));
	for (int i = 0; i < 2; i++) { /* the second with its tag, wherever the kernel kept it */
		assert_int_equal(source_live_next(s, 1000, &k), LIVE_PACKET);
		assert_int_equal(k.number, i + 1);
		assert_int_equal(k.linktype, 1);
		assert_int_equal(k.data.n, 1400);
		assert_int_equal(k.wire_len, 1400);
		assert_memory_equal(k.data.p, sent[i], 1400);
		assert_true(k.ts >= now.tv_sec * INT64_C(1000000000) && k.ts < (now.tv_sec + 10) * INT64_C(1000000000));
	}
	source_live_close(s);
}

/* Reads n packets as worker w in a process of its own, which then dies without a word. */
static void read_and_die(struct source_live *s, unsigned w, uint32_t from, uint32_t n)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct packet k;
		source_live_take(s, w);
		for (uint32_t i = 0; i < n; i++)
			if (source_live_next(s, 1000, &k) != LIVE_PACKET || number_of(&k) != from + i)
				_exit(1);
		kill(getpid(), SIGKILL);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void test_heirs(void **state)
{
	(void)state;
	static const char *const names[] = { "a0" };
	if (!ready)
		skip();
	struct live_config c = config_for(names, 1, 1);
	c.buffer = 1 << 20; /* four blocks, so that the kernel goes around */
	struct source_live *s = open_or_fail(&c);
	uint32_t at = 1;
	for (int round = 0; round < 12; round++) {
		send_some("a1", at, at + 30);
		read_and_die(s, 0, at, 11);      /* in the middle of a block */
		send_some("a1", at + 30, at + 40); /* while nobody reads */
		read_and_die(s, 0, at + 11, 29);
		at += 40;
	}
	struct live_count count;
	source_live_count(s, 0, 0, &count);
	assert_int_equal(count.received, 480);
	assert_int_equal(count.taken, 480);
	assert_int_equal(count.dropped, 0);
	source_live_take(s, 0);
	expect_nothing(s); /* and the last reader's block goes back */
	assert_int_equal(source_live_fill(s, 0, 0), 0);
	source_live_close(s);
}

static void test_full(void **state)
{
	(void)state;
	static const char *const names[] = { "a0" };
	if (!ready)
		skip();
	struct live_config c = config_for(names, 1, 1);
	c.buffer = 1 << 20;
	struct source_live *s = open_or_fail(&c);
	uint8_t p[1400] = { 0 };
	packet_of(p, 1, 1, 0, 25, false);
	for (int i = 0; i < 2000; i++)
		send_on("a1", p, sizeof(p));
	struct live_count count;
	source_live_count(s, 0, 0, &count);
	assert_int_equal(count.received, 2000);
	assert_true(count.dropped > 1000 && count.dropped < 1500);
	assert_int_equal(source_live_fill(s, 0, 0), 1000);
	source_live_take(s, 0);
	struct packet k;
	uint64_t n = 0;
	while (source_live_next(s, 60, &k) == LIVE_PACKET)
		n++;
	assert_int_equal(n + count.dropped, 2000);
	source_live_close(s);
}

/* Every packet to one worker, and the two directions of a pair of hosts, and its tagged ones, to the same. */
static void workers(bool by_ports)
{
	enum { HOSTS = 200, EACH = 4 };
	static const char *const names[] = { "a0" };
	struct live_config c = config_for(names, 1, 2);
	c.by_ports = by_ports;
	struct source_live *s = open_or_fail(&c);
	uint8_t *seen = mmap(NULL, HOSTS * EACH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (uint32_t i = 0; i < HOSTS * EACH; i++) {
		uint8_t p[128];
		send_on("a1", p, packet_of(p, i / EACH, i, i & 2 ? 5 : 0, 25, i & 1));
	}
	for (unsigned w = 0; w < 2; w++) {
		pid_t pid = fork();
		if (pid == 0) {
			struct packet k;
			source_live_take(s, w);
			while (source_live_next(s, 100, &k) == LIVE_PACKET)
				seen[number_of(&k)] = (uint8_t)(seen[number_of(&k)] * 16 + w + 1);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	int share[2] = { 0 };
	for (uint32_t i = 0; i < HOSTS * EACH; i++) {
		assert_in_range(seen[i], 1, 2);
		assert_int_equal(seen[i], seen[i / EACH * EACH]);
		share[seen[i] - 1]++;
	}
	assert_in_range(share[0], 200, 600);
	munmap(seen, HOSTS * EACH);
	source_live_close(s);
}

static void test_workers(void **state)
{
	(void)state;
	if (!ready)
		skip();
	workers(false);
	workers(true);
}

static void test_two_taps(void **state)
{
	(void)state;
	static const char *const names[] = { "a0", "b0" };
	if (!ready)
		skip();
	struct live_config c = config_for(names, 2, 1);
	struct source_live *s = open_or_fail(&c);
	struct packet k;
	source_live_take(s, 0);
	for (uint32_t i = 1; i <= 100; i++)
		send_number(i / 3 % 2 ? "a1" : "b1", i);
	for (uint32_t i = 1; i <= 100; i++) {
		assert_int_equal(source_live_next(s, 1000, &k), LIVE_PACKET);
		assert_int_equal(number_of(&k), i);
		assert_int_equal(k.iface, i / 3 % 2 ? 0 : 1);
	}
	/* One alone goes on, a bounded time later. */
	send_number("b1", 101);
	expect_number(s, 101);
	source_live_close(s);
}

/* A link that was just set up carries nothing yet. */
static void wait_for_link(const char *iface)
{
	struct ifreq r = { .ifr_flags = 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	memcpy(r.ifr_name, iface, strlen(iface) + 1);
	for (int i = 0; i < 500 && (ioctl(fd, SIOCGIFFLAGS, &r) != 0 || !(r.ifr_flags & IFF_RUNNING)); i++)
		poll(NULL, 0, 10);
	close(fd);
	assert_true(r.ifr_flags & IFF_RUNNING);
}

static void test_down_and_up(void **state)
{
	(void)state;
	static const char *const names[] = { "a0", "b0" };
	if (!ready)
		skip();
	struct live_config c = config_for(names, 2, 1);
	struct source_live *s = open_or_fail(&c);
	struct packet k;
	source_live_take(s, 0);
	send_number("a1", 1);
	expect_number(s, 1);
	assert_true(ip("link set a0 down"));
	assert_int_equal(source_live_next(s, 1000, &k), LIVE_DOWN);
	assert_int_equal(k.iface, 0);
	assert_int_equal(source_live_state(s, 0), LIVE_IS_DOWN);
	assert_int_equal(source_live_next(s, 50, &k), LIVE_TIMEOUT);
	send_number("b1", 2);
	expect_number(s, 2);
	assert_true(ip("link set a0 up"));
	assert_int_equal(source_live_state(s, 0), LIVE_IS_UP);
	wait_for_link("a1");
	send_number("a1", 3);
	expect_number(s, 3);
	source_live_close(s);
}

static void test_gone_and_back(void **state)
{
	(void)state;
	static const char *const names[] = { "c0" };
	struct error e;
	if (!ready)
		skip();
	ip("link del c0");
	assert_true(make_pair("c0", "c1"));
	for (unsigned n = 1; n <= 2; n++) {
		struct live_config c = config_for(names, 1, n);
		struct source_live *s = open_or_fail(&c);
		uint32_t first = 2 * n; /* of a host that is worker 0's in both cases is not known: read all */
		assert_true(ip("link del c0"));
		assert_int_equal(source_live_state(s, 0), LIVE_IS_GONE);
		assert_int_equal(source_live_reopen(s, 0, &e), LIVE_FAILED);
		assert_true(make_pair("c0", "c1"));
		assert_int_equal(source_live_state(s, 0), LIVE_IS_OTHER);
		assert_int_equal(source_live_reopen(s, 0, &e), n == 1 ? LIVE_SAME : LIVE_RESTART);
		assert_int_equal(source_live_state(s, 0), LIVE_IS_UP);
		send_some("c1", first, first + 40);
		uint64_t taken = 0;
		for (unsigned w = 0; w < n; w++) {
			pid_t pid = fork();
			if (pid == 0) {
				struct packet k;
				enum live_result r;
				source_live_take(s, w);
				while ((r = source_live_next(s, 100, &k)) == LIVE_PACKET || r == LIVE_DOWN)
					;
				_exit(0);
			}
			waitpid(pid, NULL, 0);
			struct live_count count;
			source_live_counted(s, w, 0, &count);
			taken += count.taken;
		}
		assert_int_equal(taken, 40);
		source_live_close(s);
	}
	ip("link del c0");
}

/* The worker goes on reading while the supervisor puts its socket on the new interface. */
static void test_same_reader(void **state)
{
	(void)state;
	static const char *const names[] = { "c0" };
	struct error e;
	if (!ready)
		skip();
	ip("link del c0");
	assert_true(make_pair("c0", "c1"));
	struct live_config c = config_for(names, 1, 1);
	struct source_live *s = open_or_fail(&c);
	pid_t pid = fork();
	if (pid == 0) {
		struct packet k;
		enum live_result r;
		bool told = false;
		source_live_take(s, 0);
		while ((r = source_live_next(s, 3000, &k)) == LIVE_DOWN)
			told = true;
		_exit(r == LIVE_PACKET && told && number_of(&k) == 5 ? 0 : 1);
	}
	assert_true(ip("link del c0"));
	assert_true(make_pair("c0", "c1"));
	usleep(100000);
	assert_int_equal(source_live_reopen(s, 0, &e), LIVE_SAME);
	send_number("c1", 5);
	int status;
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	source_live_close(s);
	ip("link del c0");
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const none[] = { "nothere" }, *const twice[] = { "a0", "a0" }, *const a[] = { "a0" };
	struct error e;
	if (!ready)
		skip();
	struct live_config c = config_for(none, 1, 1);
	assert_null(source_live_open(&c, &e));
	assert_non_null(strstr(e.text, "nothere"));
	c = config_for(twice, 2, 1);
	assert_null(source_live_open(&c, &e));
	assert_non_null(strstr(e.text, "twice"));
	c = config_for(a, 1, 1);
	c.buffer = 1000;
	assert_null(source_live_open(&c, &e));
	c = config_for(a, 1, 1);
	c.filter.expression = "nonsense and";
	assert_null(source_live_open(&c, &e));
	assert_non_null(strstr(e.text, "nonsense"));
}

static void test_expression_vlan(void **state)
{
	(void)state;
	static const char *const names[] = { "a0" };
	if (!ready)
		skip();
	struct live_config c = config_for(names, 1, 1);
	c.filter.expression = "vlan 5";
	struct source_live *s = open_or_fail(&c);
	uint8_t p[128];
	source_live_take(s, 0);
	send_on("a1", p, packet_of(p, 1, 1, 0, 25, false));
	send_on("a1", p, packet_of(p, 1, 2, 6, 25, false));
	send_on("a1", p, packet_of(p, 1, 3, 5, 25, false));
	expect_number(s, 3);
	expect_nothing(s);
	source_live_close(s);
}

/* What the header promises of system calls. */
static void test_few_calls(void **state)
{
	(void)state;
	static const char *const names[] = { "a0", "b0" };
	static const int calls[] = { SCMP_SYS(poll), SCMP_SYS(getsockopt), SCMP_SYS(clock_gettime), SCMP_SYS(exit_group) };
	if (!ready)
		skip();
	struct live_config c = config_for(names, 2, 2);
	struct source_live *s = open_or_fail(&c);
	for (unsigned w = 0; w < 2; w++) {
		pid_t pid = fork();
		if (pid == 0) {
			struct packet k;
			struct live_count count;
			source_live_take(s, w);
			scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
			for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
				seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
			if (seccomp_load(ctx) != 0)
				_exit(3);
			while (source_live_next(s, 500, &k) != LIVE_TIMEOUT)
				;
			source_live_count(s, w, 0, &count);
			source_live_count(s, w, 1, &count);
			syscall(SYS_exit_group, 0); /* a sanitizer's _exit does more */
		}
		send_some("a1", 1, 20);
		send_some("b1", 20, 40);
		ip(w ? "link set a0 up" : "link set a0 down");
		int status;
		waitpid(pid, &status, 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	struct live_count sum = { 0 };
	for (unsigned i = 0; i < 4; i++) {
		struct live_count n;
		source_live_counted(s, i / 2, i % 2, &n);
		sum.taken += n.taken;
	}
	assert_true(sum.taken >= 40);
	source_live_close(s);
}

/* A packet longer than any on a wire, as offload shows them. */
static void test_long_packet(void **state)
{
	(void)state;
	static const char *const names[] = { "a0" };
	static uint8_t p[60000];
	if (!ready || !ip("link set a0 mtu 65535") || !ip("link set a1 mtu 65535"))
		skip();
	struct live_config c = config_for(names, 1, 1);
	struct source_live *s = open_or_fail(&c);
	struct packet k;
	source_live_take(s, 0);
	packet_of(p, 1, 1, 0, 25, false);
	p[sizeof(p) - 1] = 77;
	send_on("a1", p, sizeof(p));
	assert_int_equal(source_live_next(s, 1000, &k), LIVE_PACKET);
	assert_int_equal(k.data.n, sizeof(p));
	assert_memory_equal(k.data.p, p, sizeof(p));
	source_live_close(s);
}

/* An interface without Ethernet. */
static void test_ip_only(void **state)
{
	(void)state;
	static const char *const names[] = { "t0" };
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = ready ? open("/dev/net/tun", O_RDWR) : -1;
	strcpy(r.ifr_name, "t0");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r) != 0 || !ip("link set t0 up")) {
		print_message("no tun device: skipped\n");
		skip();
	}
	for (unsigned workers_n = 1; workers_n <= 2; workers_n++) {
		struct live_config c = config_for(names, 1, workers_n);
		struct source_live *s = open_or_fail(&c);
		assert_int_equal(source_live_link(s, 0), LIVE_IP);
		uint8_t p[128];
		for (uint32_t i = 0; i < 40; i++) {
			size_t n = packet_of(p, i / 2, i, 0, i & 2 ? 25 : 80, i & 1) - 14;
			assert_int_equal(write(fd, p + 14, n), n);
		}
		uint64_t taken = 0;
		for (unsigned w = 0; w < workers_n; w++) {
			pid_t pid = fork();
			if (pid == 0) {
				struct packet k;
				source_live_take(s, w);
				while (source_live_next(s, 100, &k) == LIVE_PACKET)
					if (k.linktype != 101 || k.data.n != 40 || !(number_of(&k) & 2))
						_exit(1);
				_exit(0);
			}
			int status;
			waitpid(pid, &status, 0);
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
			struct live_count n;
			source_live_counted(s, w, 0, &n);
			assert_true(n.taken > 0);
			taken += n.taken;
		}
		assert_int_equal(taken, 20);
		source_live_close(s);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_filter), cmocka_unit_test(test_packet),
		cmocka_unit_test(test_heirs),            cmocka_unit_test(test_full),
		cmocka_unit_test(test_workers),          cmocka_unit_test(test_two_taps),
		cmocka_unit_test(test_down_and_up),      cmocka_unit_test(test_gone_and_back),
		cmocka_unit_test(test_same_reader),      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_expression_vlan),  cmocka_unit_test(test_few_calls),
		cmocka_unit_test(test_long_packet),      cmocka_unit_test(test_ip_only),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
