/* keep, keep_smtp, exhibit: what of a session may be shown to others, line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "exhibit.h"
#include "wire/keep_smtp.h"
#include "wire/pipeline.h"

/* zeros: octets behind what is shown that were covered and cut off */
static const struct said {
	enum dir dir;
	const char *text, *shown;
	size_t zeros;
	const char *why;
} dialogue[] = {
	{ S2C, "220 mx.example\r\n", "220 mx.example\r\n", 0, "a greeting is public" },
	{ C2S, "EHLO a.example\r\n", "EHLO a.example\r\n", 0, "and so is who greets" },
	{ S2C, "250-mx\r\n250 AUTH LOGIN\r\n", "250-mx\r\n250 AUTH LOGIN\r\n", 0, "keywords decide" },
	{ C2S, "AUTH LOGIN c2VjcmV0\r\n", "AUTH LOGIN ********\r\n", 0, "the mechanism is shown, the response is not" },
	{ S2C, "334 UGFzc3dvcmQ6\r\n", "334 ************\r\n", 0, "a challenge may name the user" },
	{ C2S, "cGFzcw==\r\n", "********\r\n", 0, "a line of an exchange" },
	{ S2C, "235 welcome joe\r\n", "235 ***********\r\n", 0, "the text of a reply that says nothing to us" },
	{ C2S, "AUTH EXTERNAL =\r\n", "AUTH EXTERNAL =\r\n", 0, "an empty response is none, and must stay so" },
	{ S2C, "535 no\r\n", "535 **\r\n", 0, "as above" },
	{ C2S, "MAIL FROM:<joe@a.example> SIZE=9 AUTH=<joe@b>\r\n", "MAIL FROM:<***@a.example> SIZE=9 ************\r\n", 0,
	  "the domain, and parameters without an address" },
	{ S2C, "250 <joe@a.example> ok\r\n", "250 ******************\r\n", 0, "replies repeat addresses" },
	{ C2S, "RCPT TO:<\"j o@e\"@b.example>\r\n", "RCPT TO:<*******@b.example>\r\n", 0, "a quoted local part" },
	{ S2C, "250 ok\r\n", "250 **\r\n", 0, "" },
	{ C2S, "RCPT <joe:x@b.example>\r\n", "RCPT *****************\r\n", 0, "a colon, but not behind TO" },
	{ S2C, "501 no\r\n", "501 **\r\n", 0, "" },
	{ C2S, "RCPT TO:<\"a> SIZE=joe\"@b!> SIZE=7\r\n", "RCPT TO:<**> ************* SIZE=7\r\n", 0,
	  "no domain, and what looks like a parameter is none" },
	{ S2C, "501 no\r\n", "501 **\r\n", 0, "" },
	{ C2S, "RCPT TO:<joe>\r\n", "RCPT TO:<***>\r\n", 0, "no domain at all" },
	{ S2C, "550 joe?\r\n", "550 ****\r\n", 0, "" },
	{ C2S, "MAIL FROM:<>\r\n", "MAIL FROM:<>\r\n", 0, "the null path names nobody" },
	{ S2C, "503 5.5.1 nested\r\n", "503 ************\r\n", 0, "" },
	{ C2S, "VRFY joe\r\n", "VRFY ***\r\n", 0, "a name behind a verb" },
	{ S2C, "252 joe\r\n", "252 ***\r\n", 0, "" },
	{ C2S, "hunter2 pass\r\n", "xxxxxxx ****\r\n", 0, "an unknown word may be a secret; that it is a word is kept" },
	{ S2C, "500 hunter2?\r\n", "500 ********\r\n", 0, "" },
	{ C2S, "DATA\r\n", "DATA\r\n", 0, "" },
	{ S2C, "354 go\r\n", "354 **\r\n", 0, "" },
	{ C2S, "a\r\nbody with . and ..\r\n", "\0\r\n", 20, "content: where its first line ends" },
	{ C2S, "more\n.\nand more\r\n", "\0\0\0\0\n.\n\0\0\0\0\0\0\0\0\r\n", 0, "what may be taken for its end" },
	{ C2S, ".\r\n", ".\r\n", 0, "and its end, which began in the packet before" },
	{ S2C, "250 queued\r\n", "250 ******\r\n", 0, "" },
	{ C2S, "QUIT", "", 4, "a line without an end is not understood" },
};
enum { SAID = sizeof(dialogue) / sizeof(dialogue[0]) };

static struct pipeline *make(size_t exhibits)
{
	struct pipeline_config config = { .ports = { { 25, false } }, .nports = 1, .flows = 16, .dialogues = 4,
					  .budget = 8 << 20, .exhibits = exhibits };
	struct pipeline *p = pipeline_new(&config);
	assert_non_null(p);
	return p;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

enum { HEADERS = 40 };

/* The sum of a TCP segment behind 20 octets of IP, all of them octets with zeros behind; 0xffff if its checksum is right. */
static uint32_t tcp_sum(const uint8_t *octets, size_t n, size_t all)
{
	uint32_t sum = 6 + (uint32_t)(all - 20);
	for (size_t i = 12; i < n; i++)
		sum += i % 2 ? octets[i] : (uint32_t)octets[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t wrong; /* what checksums lack */
static bool offload;   /* they are the sum of the pseudo-header alone: the network card was to do the rest */

/* Gives one segment to the pipeline, in a buffer of exactly its size, and padding behind it. */
static void give_padded(struct pipeline *p, uint64_t number, enum dir dir, uint32_t seq[2], uint8_t flags, const char *text,
			const char *padding)
{
	static const uint8_t head[HEADERS] = { 0x45, [6] = 0x40, [8] = 64, [9] = 6, [32] = 0x50, [34] = 0x20 };
	size_t n = strlen(text), all = HEADERS + n + strlen(padding);
	uint8_t *octets = malloc(all);
	assert_non_null(octets);
	memcpy(octets, head, HEADERS);
	memcpy(octets + HEADERS, text, n);
	memcpy(octets + HEADERS + n, padding, strlen(padding));
	octets[2] = (uint8_t)((HEADERS + n) >> 8);
	octets[3] = (uint8_t)(HEADERS + n);
	put32(octets + 12, dir == C2S ? 0xc0000201 : 0xc6336401);
	put32(octets + 16, dir == C2S ? 0xc6336401 : 0xc0000201);
	octets[dir == C2S ? 20 : 22] = 0x9c;
	octets[dir == C2S ? 23 : 21] = 25;
	put32(octets + 24, seq[dir]);
	put32(octets + 28, seq[!dir]);
	octets[33] = flags;
	uint32_t sum = offload ? tcp_sum(octets, 20, HEADERS + n) : ~tcp_sum(octets, HEADERS + n, HEADERS + n) - wrong;
	octets[36] = (uint8_t)(sum >> 8);
	octets[37] = (uint8_t)sum;
	struct packet packet = { .ts = (int64_t)number * 1000000, .linktype = 101, .data = { octets, all },
				 .wire_len = (uint32_t)all, .number = number };
	struct pipeline_out out;
	pipeline_push(p, &packet);
	while (pipeline_next(p, &out) != PIPELINE_NONE)
		fail();
	seq[dir] += (uint32_t)n + (flags & TCP_SYN ? 1 : 0);
	free(octets);
}

static void give(struct pipeline *p, uint64_t number, enum dir dir, uint32_t seq[2], uint8_t flags, const char *text)
{
	give_padded(p, number, dir, seq, flags, text, "");
}

static void talk(struct pipeline *p)
{
	uint32_t seq[2] = { 100, 0xfffffff0 };
	give(p, 1, C2S, seq, TCP_SYN, "");
	give(p, 2, S2C, seq, TCP_SYN | TCP_ACK, "");
	for (size_t i = 0; i < SAID; i++)
		give(p, 3 + i, dialogue[i].dir, seq, TCP_ACK, dialogue[i].text);
	pipeline_finish(p);
}

static void test_lines(void **state)
{
	(void)state;
	struct pipeline *p = make(1 << 20);
	struct pipeline_out out;
	struct exhibit_head head;
	struct exhibit_walk w;
	struct exhibit_packet packet;
	struct bytes octets;
	talk(p);
	assert_int_equal(pipeline_next(p, &out), PIPELINE_SESSION);
	assert_true(exhibit_check(out.exhibit, &head));
	assert_int_equal(head.packets, SAID + 2);
	assert_int_equal(head.left_out, 0);
	exhibit_walk(&w, out.exhibit);
	for (size_t i = 0; exhibit_next(&w, &packet, &octets); i++) {
		if (i < 2)
			continue;
		const struct said *s = &dialogue[i - 2];
		size_t n = strlen(s->text) - s->zeros;
		if (octets.n != HEADERS + n || memcmp(octets.p + HEADERS, s->shown, n) != 0)
			fail_msg("%s: shown is \"%.*s\" (%s)", s->text, (int)(octets.n - HEADERS), (const char *)octets.p + HEADERS,
				 s->why);
		assert_int_equal(packet.was, HEADERS + strlen(s->text));
		assert_int_equal(packet.dir, s->dir);
	}
	pipeline_free(p);
}

/* One packet of a connection whose order or content is odd. back: as if the octets of its direction before it ended so much
 * earlier; lost: so many octets in front of it come later, or never; pause: ms. */
static const struct step {
	enum dir dir;
	const char *text, *padding;
	uint32_t back, lost, pause;
} late[] = {
	{ C2S, "EHLO a\r\n", "", 0, 0, 0 }, { S2C, "250 mx\r\n", "", 0, 0, 0 }, { C2S, "DATA\r\n", "", 0, 0, 0 },
	{ S2C, "354 go\r\n", "", 0, 0, 0 }, { C2S, "first\r\nmore\r\n", "", 0, 0, 0 }, { C2S, ".\r\n", "", 0, 8, 0 },
	{ S2C, "250 ok\r\n", "", 0, 0, 0 }, { S2C, "", "", 0, 0, 1000 }, { C2S, "plantedX", "", 11, 0, 0 }, { C2S, "QUIT\r\n", "", 0, 3, 0 }, { C2S, NULL, NULL, 0, 0, 0 },
}, padded[] = {
	{ C2S, "EHLO a\r\n", "planted", 0, 0, 0 }, { S2C, "", "planted", 0, 0, 0 }, { S2C, "250 mx\r\n", "", 0, 0, 0 }, { C2S, NULL, NULL, 0, 0, 0 },
}, twice[] = {
	{ C2S, "EHLO a.example\r\n", "", 0, 0, 0 }, { C2S, "EHLO planted\nb\r\n", "", 16, 0, 0 }, { C2S, "EHLO planted\nb\r\n", "", 16, 0, 0 },
	{ S2C, "250 mx\r\n", "", 0, 0, 0 }, { C2S, NULL, NULL, 0, 0, 0 },
};

static void replay(const struct step *steps, const char *why)
{
	struct pipeline *p = make(1 << 20);
	struct pipeline_out out;
	struct exhibit_head head;
	uint32_t seq[2] = { 100, 5000 };
	give(p, 1, C2S, seq, TCP_SYN, "");
	give(p, 2, S2C, seq, TCP_SYN | TCP_ACK, "");
	give(p, 3, S2C, seq, TCP_ACK, "220 mx\r\n");
	uint64_t number = 4;
	for (size_t i = 0; steps[i].text; i++) {
		number += 1 + steps[i].pause;
		seq[steps[i].dir] += steps[i].lost - steps[i].back;
		give_padded(p, number, steps[i].dir, seq, TCP_ACK, steps[i].text, steps[i].padding);
	}
	pipeline_finish(p);
	assert_int_equal(pipeline_next(p, &out), PIPELINE_SESSION);
	assert_true(exhibit_check(out.exhibit, &head));
	assert_int_equal(head.left_out, 0);
	if (memmem(out.exhibit.p, out.exhibit.n, "planted", 7))
		fail_msg("%s", why);
	pipeline_free(p);
}

static void test_odd_order(void **state)
{
	(void)state;
	replay(late, "content that comes after its gap was given up, between a line end and a dot");
	replay(padded, "padding of the link behind a packet");
	replay(twice, "another version of a command that is captured twice, and counted once");
}

/* May another version be shown? */
static void test_harmless(void **state)
{
	static const struct {
		enum dir dir;
		bool tls, harmless;
		const char *octets, *why;
	} cases[] = {
		{ C2S, false, true, "EHLO a\r\nSTARTTLS\r\n", "keywords" }, { C2S, false, false, "MAIL FROM:<joe@a>\r\n", "an address" },
		{ C2S, false, false, "AUTH PLAIN x\r\n", "a credential" }, { S2C, false, true, "250 mx\r\n", "a reply" },
		{ S2C, false, false, "250 joe@a\r\n", "an address" }, { S2C, false, false, "334 VXNlcm5hbWU6\r\n", "a challenge" },
		{ S2C, true, true, "\x16\x03\x03\1\2hello", "a handshake" },
		{ C2S, true, false, "MAIL FROM:<joe@a>\r\n", "the other side of a box that takes TLS away" },
		{ C2S, true, false, "gr\xc3\xbc\xc3\x9f" "e\tjoe\r\n", "as above, content" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (keep_harmless(cases[i].dir, bytes_of(cases[i].octets), cases[i].tls) != cases[i].harmless)
			fail_msg("%s: %s", cases[i].octets, cases[i].why);
}

/* Where memory ends, packets are left out and counted, and the session is the same. */
static void test_no_room(void **state)
{
	(void)state;
	static const size_t budgets[] = { 256, 2048, 5000 };
	for (size_t i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++) {
		struct pipeline *p = make(budgets[i]);
		struct pipeline_out out;
		struct exhibit_head head;
		talk(p);
		assert_int_equal(pipeline_next(p, &out), PIPELINE_SESSION);
		assert_true(exhibit_check(out.exhibit, &head));
		assert_true(head.left_out > 0);
		assert_int_equal(head.packets + head.left_out, SAID + 2);
		assert_int_equal(record_get_num(out.session, F_smtp_rcpt_ok, 0), 1);
		pipeline_free(p);
	}
}

/* What covers octets leaves a right checksum right, so that the packet is read again, and a wrong one as wrong as it was. */
static void test_sums(void **state)
{
	(void)state;
	for (wrong = 0; wrong < 6; wrong += 5) {
		struct pipeline *p = make(1 << 20);
		struct pipeline_out out;
		struct exhibit_walk w;
		struct exhibit_packet packet;
		struct bytes octets;
		talk(p);
		assert_int_equal(pipeline_next(p, &out), PIPELINE_SESSION);
		for (exhibit_walk(&w, out.exhibit); exhibit_next(&w, &packet, &octets);)
			assert_int_equal(tcp_sum(octets.p, octets.n, packet.was), 0xffff - wrong);
		pipeline_free(p);
	}
	wrong = 0;
}

static void test_offload(void **state)
{
	(void)state;
	offload = true;
	struct pipeline *p = make(1 << 20);
	struct pipeline_out out;
	struct exhibit_walk w;
	struct exhibit_packet packet;
	struct bytes octets;
	talk(p);
	assert_int_equal(pipeline_next(p, &out), PIPELINE_SESSION);
	for (exhibit_walk(&w, out.exhibit); exhibit_next(&w, &packet, &octets);)
		assert_int_equal(octets.p[36] << 8 | octets.p[37], tcp_sum(octets.p, 20, packet.was));
	pipeline_free(p);
	offload = false;
}

static void test_none(void **state)
{
	(void)state;
	struct pipeline *p = make(0);
	struct pipeline_out out;
	talk(p);
	assert_int_equal(pipeline_next(p, &out), PIPELINE_SESSION);
	assert_int_equal(out.exhibit.n, 0);
	pipeline_free(p);
}

/* What cannot be, one thing at a time: each is refused. */
static void test_impossible(void **state)
{
	static const struct exhibit_packet good = { .ts = 1, .n = 8, .was = 8, .wire_len = 9, .covered = 8, .dir = 1 };
	static const struct {
		struct exhibit_packet packet;
		const char *why;
	} bad[] = {
		{ { .ts = 1, .n = 8, .was = 7, .wire_len = 9 }, "more left than there was" },
		{ { .ts = 1, .n = 8, .was = 10, .wire_len = 9 }, "more captured than on the wire" },
		{ { .ts = 1, .n = 8, .was = 8, .wire_len = 9, .covered = 9 }, "more covered than there was" },
		{ { .ts = 1, .n = 8, .was = 8, .wire_len = 9, .dir = 2 }, "a third direction" },
		{ { .ts = -1, .n = 8, .was = 8, .wire_len = 9 }, "before all time" },
		{ { .ts = INT64_MAX, .n = 8, .was = 8, .wire_len = 9 }, "behind all time" },
		{ { .ts = 1, .n = 8, .was = 8, .wire_len = 9, .linktype = 65536 }, "no link type" },
	};
	(void)state;
	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		struct exhibit_head head = { .packets = 1 };
		const struct exhibit_packet *p = i ? &bad[i - 1].packet : &good;
		uint8_t *value = calloc(1, sizeof(head) + sizeof(*p) + 8);
		assert_non_null(value);
		memcpy(value, &head, sizeof(head));
		memcpy(value + sizeof(head), p, sizeof(*p));
		if (exhibit_check((struct bytes){ value, sizeof(head) + sizeof(*p) + 8 }, &head) != (i == 0))
			fail_msg("%s", i ? bad[i - 1].why : "a good one");
		free(value);
	}
}

/* An exhibit from another process is hostile: whatever is cut or changed in its heads is refused or harmless. */
static void test_hostile(void **state)
{
	(void)state;
	struct pipeline *p = make(1 << 20);
	struct pipeline_out out;
	struct exhibit_head head;
	talk(p);
	assert_int_equal(pipeline_next(p, &out), PIPELINE_SESSION);
	for (size_t n = 0; n < out.exhibit.n; n++) {
		uint8_t *copy = malloc(n ? n : 1);
		assert_non_null(copy);
		memcpy(copy, out.exhibit.p, n);
		assert_false(exhibit_check((struct bytes){ copy, n }, &head));
		free(copy);
	}
	uint8_t *copy = malloc(out.exhibit.n);
	assert_non_null(copy);
	for (size_t i = 0; i < out.exhibit.n; i++) {
		memcpy(copy, out.exhibit.p, out.exhibit.n);
		copy[i] ^= 0x80;
		struct exhibit_walk w;
		struct exhibit_packet packet;
		struct bytes octets;
		if (!exhibit_check((struct bytes){ copy, out.exhibit.n }, &head))
			continue;
		exhibit_walk(&w, (struct bytes){ copy, out.exhibit.n });
		while (exhibit_next(&w, &packet, &octets))
			assert_true(octets.p + octets.n <= copy + out.exhibit.n);
	}
	free(copy);
	pipeline_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_no_room), cmocka_unit_test(test_none),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_sums), cmocka_unit_test(test_offload), cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_odd_order), cmocka_unit_test(test_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
