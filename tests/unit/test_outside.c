/* test_outside: what the resolver takes from a forwarder process, which parses what strangers send; and what the
 * forwarder takes from a resolver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "../forwarder.h"
#include "outside.h"

static const char *const servers[] = { "192.0.2.1", "tls://2001:db8::1#dns.example" };

static struct dns_name name_of(const char *text)
{
	struct dns_name n;
	assert_true(dns_wire_from_text(&n, bytes_of(text)));
	return n;
}

static struct outside *open_pair(int *other)
{
	struct error e;
	int fd[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	*other = fd[1];
	struct outside *o = outside_new(fd[0], servers, 2, &e);
	assert_non_null(o);
	return o;
}

/* A message about (name, type): a question, or a reply without records. */
static size_t message(uint8_t *to, const struct dns_name *name, uint16_t type, bool response)
{
	memset(to, 0, DNS_HEADER);
	to[2] = response ? 0x81 : 0x01;
	to[5] = 1;
	memcpy(to + DNS_HEADER, name->octets, name->n);
	uint8_t *p = to + DNS_HEADER + name->n;
	p[0] = (uint8_t)(type >> 8);
	p[1] = (uint8_t)type;
	p[2] = 0;
	p[3] = 1;
	return (size_t)(p + 4 - to);
}

enum { TAG = 77 };

/* What came of the question (mx.test, A, TAG), when the other side sent this. */
static const struct {
	struct outside_head head;
	const char *name;
	uint16_t type;
	bool response;
	size_t head_short, message_short;
	bool ends;
	enum upstream_end end;
	const char *why;
} replies[] = {
	{ { TAG, UPSTREAM_REPLY, 1, 1, 0, { 0 } }, "mx.test", 1, true, 0, 0, true, UPSTREAM_REPLY, "what was asked for" },
	{ { TAG, UPSTREAM_REPLY, 0, 0, 0, { 0 } }, "other.test", 1, true, 0, 0, true, UPSTREAM_OTHER, "about another name" },
	{ { TAG, UPSTREAM_REPLY, 0, 0, 0, { 0 } }, "mx.test", 28, true, 0, 0, true, UPSTREAM_OTHER, "about another type" },
	{ { TAG, UPSTREAM_REPLY, 0, 0, 0, { 0 } }, "mx.test", 1, false, 0, 0, true, UPSTREAM_OTHER, "a question" },
	{ { TAG, UPSTREAM_REPLY, 0, 0, 0, { 0 } }, "mx.test", 1, true, 0, 1, true, UPSTREAM_OTHER, "cut" },
	{ { TAG, UPSTREAM_REPLY, 0, 0, 0, { 0 } }, NULL, 1, true, 0, 0, true, UPSTREAM_OTHER, "no message" },
	{ { TAG, UPSTREAM_SERVFAIL, 0, 0, 0, { 0 } }, NULL, 1, true, 0, 0, true, UPSTREAM_SERVFAIL, "an end without one" },
	{ { TAG, UPSTREAM_SERVFAIL, 0, 0, 0, { 0 } }, "mx.test", 1, true, 0, 0, true, UPSTREAM_SERVFAIL, "its message is not looked at" },
	{ { TAG, 4711, 0, 0, 0, { 0 } }, "mx.test", 1, true, 0, 0, true, UPSTREAM_OTHER, "an end that is none" },
	{ { TAG, UPSTREAM_REPLY, 2, 0, 0, { 0 } }, "mx.test", 1, true, 0, 0, false, UPSTREAM_OTHER, "a server that is none" },
	{ { TAG + 1, UPSTREAM_REPLY, 0, 0, 0, { 0 } }, "mx.test", 1, true, 0, 0, false, UPSTREAM_OTHER, "a tag that is none" },
	{ { TAG, UPSTREAM_REPLY, 0, 0, 0, { 0 } }, NULL, 1, true, 1, 0, false, UPSTREAM_OTHER, "half a head" },
};

static void test_replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		int fd;
		struct upstream_reply r;
		struct dns_name asked = name_of("mx.test"), told = name_of(replies[i].name ? replies[i].name : "x");
		struct outside *o = open_pair(&fd);
		uint8_t packet[sizeof(struct outside_head) + 512];
		size_t n = sizeof(struct outside_head) - replies[i].head_short;
		assert_true(outside_ask(o, &asked, 1, 0, TAG));
		memcpy(packet, &replies[i].head, sizeof(replies[i].head));
		if (replies[i].name)
			n += message(packet + n, &told, replies[i].type, replies[i].response) - replies[i].message_short;
		assert_int_equal(send(fd, packet, n, 0), (ssize_t)n);
		bool ended = outside_next(o, &r);
		if (ended != replies[i].ends || (ended && r.end != replies[i].end))
			fail_msg("%s", replies[i].why);
		if (ended && r.end == UPSTREAM_REPLY) {
			assert_int_equal(r.tag, TAG);
			assert_true(r.tls && r.m.tcp && r.at == 1);
			assert_int_equal(r.server->ss_family, AF_INET6);
		}
		if (ended)         /* the same reply once more tells nothing */
			assert_int_equal(send(fd, packet, n, 0), (ssize_t)n);
		assert_false(outside_next(o, &r));
		outside_free(o);
		close(fd);
	}
}

/* When the forwarder ends, what is open ends and so does what is asked later. */
static void test_gone(void **state)
{
	(void)state;
	int fd;
	struct upstream_reply r;
	struct dns_name name = name_of("mx.test");
	struct outside *o = open_pair(&fd);
	for (uint64_t tag = 1; tag <= 3; tag++)
		assert_true(outside_ask(o, &name, 1, 0, tag));
	assert_false(outside_next(o, &r));
	close(fd);
	for (uint64_t tag = 1; tag <= 3; tag++) {
		assert_true(outside_next(o, &r));
		assert_int_equal(r.tag, tag);
		assert_int_equal(r.end, UPSTREAM_BROKEN);
	}
	assert_false(outside_next(o, &r));
	assert_int_equal(outside_fd(o), -1);
	assert_true(outside_ask(o, &name, 1, 0, 9));
	assert_true(outside_next(o, &r));
	assert_int_equal(r.end, UPSTREAM_BROKEN);
	outside_free(o);
}

static void test_bound(void **state)
{
	(void)state;
	int fd;
	struct outside_question q;
	struct dns_name name = name_of("mx.test");
	struct outside *o = open_pair(&fd);
	for (uint64_t tag = 0; tag < UPSTREAM_QUERIES; tag++) {
		assert_true(outside_ask(o, &name, 1, 0, tag));
		assert_int_equal(recv(fd, &q, sizeof(q), 0), sizeof(q));
		assert_int_equal(q.tag, tag);
	}
	assert_false(outside_ask(o, &name, 1, 0, UPSTREAM_QUERIES));
	outside_free(o);
	close(fd);
}

/* A forwarder that hangs does not hang the resolver. */
static void test_stuck(void **state)
{
	(void)state;
	int fd, small = 4096;
	struct upstream_reply r;
	struct dns_name name = name_of("mx.test");
	struct outside *o = open_pair(&fd);
	setsockopt(outside_fd(o), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	time_t begun = time(NULL);
	for (uint64_t tag = 0; tag < UPSTREAM_QUERIES; tag++)
		assert_true(outside_ask(o, &name, 1, 0, tag));
	assert_true(time(NULL) - begun < 10);
	for (uint64_t tag = 0; tag < UPSTREAM_QUERIES; tag++) {
		assert_true(outside_next(o, &r));
		assert_int_equal(r.end, UPSTREAM_BROKEN);
	}
	outside_free(o);
	close(fd);
}

/* One that is started anew when it ends or hangs: nothing is lost, and nobody waits for it. */
static void test_lasting(void **state)
{
	(void)state;
	int fd, small = 4096;
	struct upstream_reply r;
	struct outside_question q;
	const struct outside_head hello = { .tag = UINT64_MAX, .hello = 1 };
	struct dns_name name = name_of("mx.test");
	struct outside *o = open_pair(&fd);
	bool seen[UPSTREAM_QUERIES] = { false };
	unsigned got = 0, n = 0;
	outside_lasting(o);
	setsockopt(outside_fd(o), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	time_t begun = time(NULL);
	for (uint64_t tag = 0; tag < UPSTREAM_QUERIES; tag++)
		assert_true(outside_ask(o, &name, 1, 1, tag));
	assert_false(outside_next(o, &r));
	assert_true(time(NULL) - begun < 2);
	while (recv(fd, &q, sizeof(q), MSG_DONTWAIT) > 0)  /* what this one takes goes with it */
		n++;
	assert_true(n > 0 && n < UPSTREAM_QUERIES);
	assert_int_equal(send(fd, &hello, sizeof(hello), 0), sizeof(hello));
	for (unsigned i = 0; i < UPSTREAM_QUERIES; i++) {
		assert_false(outside_next(o, &r));
		while (recv(fd, &q, sizeof(q), MSG_DONTWAIT) > 0) {
			assert_true(q.tag < UPSTREAM_QUERIES && q.first == 1 && q.type == 1 && dns_wire_same(&q.name, &name));
			got += !seen[q.tag];
			seen[q.tag] = true;
		}
	}
	assert_int_equal(got, UPSTREAM_QUERIES);
	outside_free(o);
	close(fd);
}

/* The forwarder process drops what is no question, answers what is one, and ends with the resolver. */
static void test_forwarder(void **state)
{
	(void)state;
	struct resolver_config config = { .mode = RESOLVE_LIVE, .upstream = { "127.0.0.1@1" }, .upstreams = 1 };
	struct outside_question q = { .tag = TAG, .type = 1, .name = name_of("mx.test") };
	struct outside_head head;
	int fd = start_forwarder(&config) - 1, status;
	struct dns_name broken[] = { q.name, q.name, q.name, { 0, { 0 } } };
	broken[0].n--;
	broken[1].octets[0] = 0xc0;
	broken[2].octets[1] = 'M';         /* of a name in lower case alone is there a reply that fits */
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct outside_question bad = q;
		bad.name = broken[i];
		assert_int_equal(send(fd, &bad, sizeof(bad), 0), sizeof(bad));
	}
	uint8_t long_one[sizeof(q) + 1] = { 0 };
	memcpy(long_one, &q, sizeof(q));
	assert_int_equal(send(fd, long_one, sizeof(long_one), 0), sizeof(long_one));
	assert_int_equal(send(fd, &q, sizeof(q) - 1, 0), sizeof(q) - 1);
	q.tag = TAG + 1;
	assert_int_equal(send(fd, &q, sizeof(q), 0), sizeof(q));
	struct pollfd p = { .fd = fd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 12000), 1);
	assert_int_equal(recv(fd, &head, sizeof(head), 0), sizeof(head));
	assert_int_equal(head.hello, 1);
	assert_int_equal(poll(&p, 1, 12000), 1);
	assert_int_equal(recv(fd, &head, sizeof(head), 0), sizeof(head));
	assert_int_equal(head.hello, 0);
	assert_int_equal(head.tag, TAG + 1);
	assert_int_equal(head.end, UPSTREAM_BROKEN);
	assert_int_equal(recv(fd, &head, sizeof(head), MSG_DONTWAIT), -1);
	close(fd);
	assert_true(wait(&status) > 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_replies), cmocka_unit_test(test_gone),
						   cmocka_unit_test(test_bound), cmocka_unit_test(test_stuck),
						   cmocka_unit_test(test_forwarder), cmocka_unit_test(test_lasting) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
