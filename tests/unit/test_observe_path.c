/* observe_path, trail, reading: who else wrote into a session, on packets put together here. What is the same dialogue in
 * other packets must give the same facts. */
#include "wire/pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include "../octets.h"

enum { C_PORT = 40000, S_PORT = 25, MS = 1000000 };
enum { SUM_GOOD, SUM_BAD, SUM_PARTIAL };

/* ISNs of client and server; the server's wraps soon. */
static const uint32_t isn[2] = { 1000, 0xffffffc0 };

static const char hello[] = "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03"
	"abcdefghijklmnopqrstuvwxyzabcdef" "\0\0\x04\xc0\x2f\x00\xff\x01\x00";
static const char server_hello[] = "\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03"
	"abcdefghijklmnopqrstuvwxyzabcdef" "\0\xc0\x2f\x00";
enum { HELLO = sizeof(hello) - 1, SERVER_HELLO = sizeof(server_hello) - 1 };

/* One packet. at: ms from the start; 0: us behind the last one, and 10 ms if that is 0, too. seq, ack: from the first octet of each direction.
 * n: octets of text, 0: strlen. ttl 0: 64 and 50. wire: octets on the wire beyond those captured. */
struct pkt {
	enum dir dir;
	uint8_t flags;
	uint32_t seq, ack;
	const char *text;
	uint16_t n;
	int64_t at;
	uint8_t ttl;
	uint16_t id;
	uint32_t tick;
	uint8_t sum;
	uint16_t wire;
	bool closed;
	int64_t us;
};

struct talk {
	struct pipeline *p;
	int64_t start, now;
	uint16_t id;
	unsigned sessions;
	struct record all[4];
	const struct record *r;
};

static struct talk *begin(void)
{
	struct pipeline_config config = { .ports = { { S_PORT, false } }, .nports = 1, .flows = 8, .dialogues = 8,
					  .budget = 8 << 20 };
	struct talk *t = calloc(1, sizeof(*t));
	t->start = t->now = INT64_C(1700000000000000000);
	t->p = pipeline_new(&config);
	assert_non_null(t->p);
	return t;
}

static void drain(struct talk *t)
{
	struct pipeline_out out;
	while (pipeline_next(t->p, &out) == PIPELINE_SESSION) {
		assert_true(t->sessions < 4);
		assert_true(record_check(out.session, record_size(out.session)));
		memcpy(&t->all[t->sessions++], out.session, record_size(out.session));
	}
}

static uint32_t sum(uint32_t s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return s;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

static size_t put_options(uint8_t *p, const struct pkt *k)
{
	size_t n = 0;
	if (k->flags & TCP_SYN)
		n += put32(p + n, 0x020405b4); /* mss=1460 */
	if (k->tick) {
		n += put32(p + n, 0x0101080a);
		n += put32(p + n, k->tick);
		n += put32(p + n, 0);
	}
	return n;
}

static void send(struct talk *t, struct pkt k)
{
	uint8_t p[2048], options[40];
	size_t text = k.n ? k.n : k.text ? strlen(k.text) : 0, opt = put_options(options, &k), n = 0;
	n += put16(p + n, 0x4500);
	n += put16(p + n, (unsigned)(40 + opt + text + k.wire));
	n += put16(p + n, k.id ? k.id : ++t->id);
	n += put16(p + n, 0x4000);
	n += put16(p + n, (unsigned)(k.ttl ? k.ttl : k.dir == C2S ? 64 : 50) << 8 | PROTO_TCP);
	n += put16(p + n, 0);
	n += put32(p + n, k.dir == C2S ? 0x0a000001 : 0x0a000019);
	n += put32(p + n, k.dir == C2S ? 0x0a000019 : 0x0a000001);
	n += put16(p + n, k.dir == C2S ? C_PORT : S_PORT);
	n += put16(p + n, k.dir == C2S ? S_PORT : C_PORT);
	n += put32(p + n, isn[k.dir] + 1 + k.seq - (k.flags & TCP_SYN ? 1 : 0));
	n += put32(p + n, k.flags & TCP_ACK ? isn[!k.dir] + 1 + k.ack : 0);
	n += put16(p + n, (unsigned)(0x5000 + (opt << 10)) | k.flags);
	n += put16(p + n, k.closed ? 0 : 65535);
	n += put32(p + n, 0);
	memcpy(p + n, options, opt);
	if (text)
		memcpy(p + n + opt, k.text, text);
	n += opt + text;
	uint32_t pseudo = sum(PROTO_TCP + (uint32_t)(n - 20), p + 12, 8);
	uint16_t check = k.sum == SUM_PARTIAL ? fold(pseudo) : (uint16_t)~fold(sum(pseudo, p + 20, n - 20));
	put16(p + 36, k.sum == SUM_BAD ? check ^ 0x1111u : check);
	uint8_t *exact = malloc(n);
	memcpy(exact, p, n);
	t->now = k.at ? t->start + k.at * MS : t->now + (k.us ? k.us * 1000 : 10 * MS);
	struct packet packet = { .ts = t->now, .linktype = 101, .data = { exact, n }, .wire_len = (uint32_t)n + k.wire,
				 .number = 1 };
	pipeline_push(t->p, &packet);
	drain(t);
	free(exact);
}

static void say(struct talk *t, enum dir dir, uint32_t seq, uint32_t ack, const char *text)
{
	send(t, (struct pkt){ dir, TCP_ACK, seq, ack, text, .n = 0 });
}

static void shake(struct talk *t)
{
	send(t, (struct pkt){ C2S, TCP_SYN, 0, 0, NULL, .n = 0 });
	send(t, (struct pkt){ S2C, TCP_SYN | TCP_ACK, 0, 0, NULL, .n = 0 });
	send(t, (struct pkt){ C2S, TCP_ACK, 0, 0, NULL, .n = 0 });
}

static void end(struct talk *t)
{
	pipeline_finish(t->p);
	drain(t);
	assert_true(t->sessions > 0);
	t->r = &t->all[t->sessions - 1];
}

static void done(struct talk *t)
{
	pipeline_free(t->p);
	free(t);
}

static int64_t item(const struct record *r, enum fact f, size_t i)
{
	struct bytes b = { 0 };
	size_t pos = 0;
	for (size_t k = 0; k <= i; k++)
		assert_true(record_next(r, f, &pos, &b));
	return record_item_num(b);
}

static void text_is(const struct record *r, enum fact f, size_t i, const char *want)
{
	struct bytes b = { 0 };
	size_t pos = 0;
	for (size_t k = 0; k <= i; k++)
		assert_true(record_next(r, f, &pos, &b));
	if (b.n != strlen(want) || memcmp(b.p, want, b.n) != 0)
		print_message("%.*s, not %s\n", (int)b.n, (const char *)b.p, want);
	assert_true(bytes_eq(b, bytes_of(want)));
}

#define tri(t, f) record_get_tri((t)->r, F_##f)
#define num(t, f) record_get_num((t)->r, F_##f, -1)

/* Greeting, EHLO, STARTTLS, its answer, ClientHello: the dialogue that most of these stories begin with. */
#define GREETING "220 mx.example.net ESMTP\r\n"
#define EHLO "EHLO out.example.org\r\n"
#define OFFER "250-mx.example.net\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"
#define STARTTLS "STARTTLS\r\n"
#define GO "220 go ahead\r\n"
enum { G = sizeof(GREETING) - 1, E = sizeof(EHLO) - 1, O = sizeof(OFFER) - 1, S = sizeof(STARTTLS) - 1, R = sizeof(GO) - 1 };

static void upgrade(struct talk *t)
{
	shake(t);
	say(t, S2C, 0, 0, GREETING);
	say(t, C2S, 0, G, EHLO);
	say(t, S2C, G, E, OFFER);
	say(t, C2S, E, G + O, STARTTLS);
	say(t, S2C, G + O, E + S, GO);
}

/* ---- resets ---- */

/* Where the server's side of a RST stands, what comes behind it and when, and what that shows. */
static const struct {
	const char *why;
	struct pkt after[3];
	enum tri data;
} resets[] = {
	{ "nothing comes any more", { { .n = 0 } }, TRI_NO },
	{ "the server's hello comes a round trip later",
	  { { S2C, TCP_ACK, G + O + R, E + S + HELLO, server_hello, .n = SERVER_HELLO, .at = 120 } }, TRI_YES },
	{ "the same octets, at once: captured in the wrong order",
	  { { S2C, TCP_ACK, G + O + R, E + S + HELLO, server_hello, .n = SERVER_HELLO, .at = 119 } }, TRI_NO },
	{ "octets from before the RST, late", { { S2C, TCP_ACK, G + O, E + S, GO, .at = 200 } }, TRI_NO },
	{ "a bare ACK of what was heard before", { { S2C, TCP_ACK, G + O + R, E + S + HELLO, NULL, .at = 200 } }, TRI_NO },
	{ "it acknowledges what the client sent after it",
	  { { C2S, TCP_ACK, E + S + HELLO, G + O + R, "more", .n = 0 }, { S2C, TCP_ACK, G + O + R, E + S + HELLO + 4, NULL, .n = 0 } },
	  TRI_YES },
	{ "a segment behind a hole", { { S2C, TCP_ACK, G + O + R + 900, E + S + HELLO, "xx", .at = 200 } }, TRI_UNSEEN },
	{ "its own FIN, late", { { S2C, TCP_ACK | TCP_FIN, G + O + R, E + S + HELLO, NULL, .at = 200 } }, TRI_NO },
	{ "further RSTs answer what the client still sends",
	  { { C2S, TCP_ACK, E + S + HELLO, G + O + R, "more", .n = 0 }, { S2C, TCP_RST, G + O + R, 0, NULL, .n = 0 } }, TRI_NO },
};

/* A session of which octets in front of the RST are missing may have been anywhere; behind it they do not matter. */
static void test_reset_behind_gap(void **state)
{
	(void)state;
	static const struct { const char *why; uint32_t offer_at; struct pkt rst; enum place at; } table[] = {
		{ "nothing missing", G, { C2S, TCP_RST, E, 0, NULL, .n = 0 }, place_ehlo },
		{ "ahead of its side: no hole that anybody acknowledged", G, { C2S, TCP_RST, E + 4, 0, NULL, .n = 0 }, place_ehlo },
		{ "of the other side, not heard of", G + 9, { C2S, TCP_RST, E, 0, NULL, .n = 0 }, place_unknown },
		{ "of the other side, heard", G + 9, { C2S, TCP_RST | TCP_ACK, E, G + 9 + O, NULL, .n = 0 }, place_unknown },
		{ "of the other side, behind what was heard", G + 9, { C2S, TCP_RST | TCP_ACK, E, G, NULL, .n = 0 }, place_ehlo },
		{ "in front of it", G + 9, { S2C, TCP_RST, G + 9 + O, 0, NULL, .n = 0 }, place_unknown },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct talk *t = begin();
		shake(t);
		say(t, S2C, 0, 0, GREETING);
		say(t, C2S, 0, G, EHLO);
		say(t, S2C, table[i].offer_at, E, OFFER);
		send(t, table[i].rst);
		end(t);
		if (num(t, tcp_rst_at) != table[i].at)
			print_message("%s\n", table[i].why);
		assert_int_equal(num(t, tcp_rst_at), table[i].at);
		done(t);
	}
}

static void test_data_after_reset(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(resets) / sizeof(resets[0]); i++) {
		struct talk *t = begin();
		upgrade(t);
		send(t, (struct pkt){ C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO });
		send(t, (struct pkt){ S2C, TCP_RST | TCP_ACK, G + O + R, E + S + HELLO, NULL, .ttl = 50 });
		for (size_t k = 0; k < 3 && resets[i].after[k].flags; k++)
			send(t, resets[i].after[k]);
		end(t);
		assert_int_equal(t->sessions, 1);
		if (tri(t, tcp_rst_data) != resets[i].data)
			print_message("%s\n", resets[i].why);
		assert_int_equal(tri(t, tcp_rst_data), resets[i].data);
		assert_int_equal(num(t, tcp_rst_at), place_handshake);
		assert_int_equal(tri(t, tls_hello_c), TRI_YES);
		assert_int_equal(tri(t, tls_hello_s) == TRI_YES, resets[i].after[0].text == server_hello);
		assert_int_equal(item(t->r, F_tcp_rst_dir, 0), way_s2c);
		assert_int_equal(item(t->r, F_tcp_rst_place, 0), place_handshake);
		assert_int_equal(item(t->r, F_tcp_rst_seq, 0), G + O + R);
		assert_int_equal(item(t->r, F_tcp_rst_ttl, 0), 50);
		assert_int_equal(item(t->r, F_tcp_rst_ipid, 0), 10);
		assert_int_equal(item(t->r, F_tcp_rst_after, 0), 90 * MS);
		done(t);
	}
}

/* The session goes on behind a RST that was not its end, and a new SYN ends it all the same. */
static void test_reset_and_session(void **state)
{
	(void)state;
	struct talk *t = begin();
	upgrade(t);
	send(t, (struct pkt){ C2S, TCP_RST, E + S, 0, NULL, .n = 0 });
	send(t, (struct pkt){ C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO, .at = 4000 });
	say(t, S2C, G + O + R, E + S + HELLO, "421 later\r\n");
	send(t, (struct pkt){ C2S, TCP_SYN, 77000, 0, NULL, .at = 5000 });
	assert_int_equal(t->sessions, 1);
	send(t, (struct pkt){ S2C, TCP_SYN | TCP_ACK, 0, 77000, NULL, .n = 0 });
	send(t, (struct pkt){ C2S, TCP_ACK, 77000, 0, NULL, .n = 0 });
	say(t, S2C, 0, 77000, GREETING);
	end(t);
	assert_int_equal(t->sessions, 2);
	assert_int_equal(record_get_tri(&t->all[0], F_tcp_rst_data), TRI_YES);
	assert_int_equal(record_get_tri(&t->all[0], F_tls_hello_c), TRI_YES);
	assert_int_not_equal(record_get_num(&t->all[0], F_cap_end, -1), endhow_rst);
	assert_int_equal(record_get_tri(&t->all[1], F_tcp_rst_data), TRI_NO);
	done(t);
	/* Nothing for longer than a closed flow is kept: what comes then is another session. */
	t = begin();
	upgrade(t);
	send(t, (struct pkt){ C2S, TCP_RST, E + S, 0, NULL, .n = 0 });
	send(t, (struct pkt){ C2S, TCP_ACK, E + S, G + O + R, "QUIT\r\n", .at = 9000 });
	end(t);
	assert_int_equal(t->sessions, 2);
	assert_int_equal(record_get_tri(&t->all[0], F_tcp_rst_data), TRI_NO);
	done(t);
}

static const struct {
	const char *why;
	struct pkt rst[4];
	enum tri dual, shift;
} injections[] = {
	{ "one RST of its own", { { C2S, TCP_RST, E + S, .n = 0 } }, TRI_NO, TRI_NO },
	{ "both ends within 10 ms, TTLs of neither",
	  { { C2S, TCP_RST, E + S, .at = 200, .ttl = 61 }, { S2C, TCP_RST, G + O + R, .at = 210, .ttl = 61 } }, TRI_YES, TRI_YES },
	{ "both ends, later", { { C2S, TCP_RST, E + S, .at = 200 }, { S2C, TCP_RST, G + O + R, .at = 211 } }, TRI_NO, TRI_NO },
	{ "TTL off by two", { { S2C, TCP_RST, G + O + R, .ttl = 52 } }, TRI_NO, TRI_NO },
	{ "TTL off by three, above", { { S2C, TCP_RST, G + O + R, .ttl = 53 } }, TRI_NO, TRI_YES },
	{ "TTL off by three, below", { { S2C, TCP_RST, G + O + R, .ttl = 47 } }, TRI_NO, TRI_YES },
	{ "sprayed over the window", { { S2C, TCP_RST, G + O + R, .n = 0 }, { S2C, TCP_RST, G + O + R + 1460, .n = 0 } }, TRI_YES, TRI_NO },
	{ "the same one twice", { { S2C, TCP_RST, G + O + R, .n = 0 }, { S2C, TCP_RST, G + O + R, .n = 0 } }, TRI_NO, TRI_NO },
	{ "answers to what came late: numbers that were acknowledged before",
	  { { S2C, TCP_RST, G + O, .n = 0 }, { S2C, TCP_RST, G + O + R, .n = 0 } }, TRI_NO, TRI_NO },
};

static void test_injected_resets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(injections) / sizeof(injections[0]); i++) {
		struct talk *t = begin();
		upgrade(t);
		for (size_t k = 0; k < 4 && injections[i].rst[k].flags; k++)
			send(t, injections[i].rst[k]);
		end(t);
		if (tri(t, tcp_rst_dual) != injections[i].dual || tri(t, tcp_rst_shift) != injections[i].shift)
			print_message("%s\n", injections[i].why);
		assert_int_equal(tri(t, tcp_rst_dual), injections[i].dual);
		assert_int_equal(tri(t, tcp_rst_shift), injections[i].shift);
		done(t);
	}
	/* Two packets make no habit, and of more resets than are kept nobody says no. */
	struct talk *t = begin();
	shake(t);
	say(t, S2C, 0, 0, GREETING);
	send(t, (struct pkt){ S2C, TCP_RST, G, 0, NULL, .ttl = 20 });
	end(t);
	assert_int_equal(tri(t, tcp_rst_shift), TRI_UNSEEN);
	assert_int_equal(num(t, tcp_rst_at), place_greeting);
	done(t);
	t = begin();
	upgrade(t);
	for (int i = 0; i < 6; i++)
		send(t, (struct pkt){ C2S, TCP_RST, E + S, 0, NULL, .n = 0 });
	end(t);
	assert_int_equal(record_count(t->r, F_tcp_rst_dir), 4); /* and room for the first one of the other side */
	assert_int_equal(tri(t, tcp_rst_shift), TRI_UNSEEN);
	assert_int_equal(tri(t, tcp_rst_dual), TRI_UNSEEN);
	done(t);
}

static const struct {
	const char *why;
	unsigned steps;
	enum place at;
} parts[] = {
	{ "before EHLO", 4, place_greeting }, { "before the offer", 5, place_ehlo }, { "after the offer", 6, place_ehlo },
	{ "before the 220", 7, place_starttls }, { "after the 220", 8, place_handshake },
};

/* The part of the session that a RST ended; the same if it was captured in front of the last segment of its side. */
static void test_reset_place(void **state)
{
	(void)state;
	const struct pkt script[] = {
		{ C2S, TCP_SYN, 0, 0, NULL, .n = 0 }, { S2C, TCP_SYN | TCP_ACK, 0, 0, NULL, .n = 0 }, { C2S, TCP_ACK, 0, 0, NULL, .n = 0 },
		{ S2C, TCP_ACK, 0, 0, GREETING, .n = 0 }, { C2S, TCP_ACK, 0, G, EHLO, .n = 0 }, { S2C, TCP_ACK, G, E, OFFER, .n = 0 },
		{ C2S, TCP_ACK, E, G + O, STARTTLS, .n = 0 }, { S2C, TCP_ACK, G + O, E + S, GO, .n = 0 },
	};
	for (size_t i = 0; i < 2 * sizeof(parts) / sizeof(parts[0]); i++) {
		struct talk *t = begin();
		bool swap = i % 2;
		unsigned steps = parts[i / 2].steps;
		const struct pkt *last = &script[steps - 1];
		uint32_t seq = last->seq + (uint32_t)strlen(last->text);
		for (unsigned k = 0; k < steps - (swap ? 1 : 0); k++)
			send(t, script[k]);
		send(t, (struct pkt){ last->dir, TCP_RST, seq, 0, NULL, .n = 0 });
		if (swap)
			send(t, *last);
		end(t);
		if (num(t, tcp_rst_at) != parts[i / 2].at)
			print_message("%s%s\n", parts[i / 2].why, swap ? ", swapped" : "");
		assert_int_equal(num(t, tcp_rst_at), parts[i / 2].at);
		done(t);
	}
}

/* ---- conflicts ---- */

/* The forged reply comes first and is believed; the genuine one comes 10 ms later, with other octets behind the same
 * sequence number. step: octets of each segment of the genuine one. */
static struct talk *two_replies(const char *first, const char *second, size_t step)
{
	struct talk *t = begin();
	size_t n = strlen(second);
	shake(t);
	say(t, S2C, 0, 0, GREETING);
	say(t, C2S, 0, G, EHLO);
	send(t, (struct pkt){ S2C, TCP_ACK, G, E, first, .ttl = 61, .id = 9999 });
	for (size_t at = 0; at < n; at += step)
		send(t, (struct pkt){ S2C, TCP_ACK, (uint32_t)(G + at), E, second + at,
				      .n = (uint16_t)(n - at < step ? n - at : step), .id = 4000 });
	say(t, C2S, E, (uint32_t)(G + n), "MAIL FROM:<john.doe@example.org>\r\n");
	say(t, S2C, (uint32_t)(G + n), E + 34, "250 2.1.0 ok\r\n");
	send(t, (struct pkt){ C2S, TCP_FIN | TCP_ACK, E + 34, (uint32_t)(G + n + 14), NULL, .n = 0 });
	send(t, (struct pkt){ S2C, TCP_FIN | TCP_ACK, (uint32_t)(G + n + 14), E + 35, NULL, .n = 0 });
	end(t);
	return t;
}

static void test_two_ehlo_replies(void **state)
{
	(void)state;
	const char *forged = "250-mx.example.net\r\n250 SIZE 1000\r\n";
	for (size_t step = 1; step <= 64; step++) {
		struct talk *t = two_replies(forged, OFFER, step);
		assert_int_equal(t->sessions, 1);
		assert_int_equal(tri(t, tcp_conf_clear), TRI_YES);
		assert_int_equal(tri(t, cap_limit), TRI_NO);
		assert_int_equal(tri(t, alt_offered), TRI_YES);
		assert_int_equal(record_count(t->r, F_alt_keywords), 2);
		text_is(t->r, F_alt_keywords, 0, "SIZE");
		text_is(t->r, F_alt_keywords, 1, "STARTTLS");
		assert_int_equal(num(t, alt_code), -1);
		assert_int_equal(item(t->r, F_tcp_conf_dir, 0), way_s2c);
		assert_int_equal(item(t->r, F_tcp_conf_place, 0), place_ehlo);
		assert_int_equal(item(t->r, F_tcp_conf_offset, 0), G + 23);
		assert_int_equal(item(t->r, F_tcp_conf_ttl1, 0), 61);
		assert_int_equal(item(t->r, F_tcp_conf_ttl2, 0), 50);
		assert_int_equal(item(t->r, F_tcp_conf_ipid1, 0), 9999);
		assert_int_equal(item(t->r, F_tcp_conf_ipid2, 0), 4000);
		assert_null(memmem(t->r->text, t->r->used, "john", 4));
		done(t);
	}
	struct talk *t = two_replies(forged, OFFER, 1000);
	text_is(t->r, F_tcp_conf_first, 0, "250 SIZE 1000|");
	text_is(t->r, F_tcp_conf_second, 0, "250-SIZE 1000|250 STARTTLS|");
	done(t);
	/* A forged one that is longer: the server's next reply lies inside it. */
	t = two_replies("250-mx.example.net\r\n250-SIZE 1000\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 HELP\r\n", OFFER, 1000);
	assert_int_equal(tri(t, smtp_offered), TRI_NO);
	assert_int_equal(tri(t, alt_offered), TRI_YES);
	assert_int_equal(record_count(t->r, F_alt_keywords), 2);
	assert_int_equal(item(t->r, F_tcp_conf_place, 1), place_ehlo);
	text_is(t->r, F_tcp_conf_second, 1, "250 2.1.0 ok|");
	done(t);
	/* The other way round: the genuine one first. */
	t = two_replies(OFFER, "250-mx.example.net\r\n250-SIZE 1000\r\n250 XXXXXXXX\r\n", 1000);
	assert_int_equal(tri(t, smtp_offered), TRI_YES);
	assert_int_equal(tri(t, alt_offered), TRI_NO);
	text_is(t->r, F_tcp_conf_second, 0, "250 XXXXXXXX|");
	done(t);
}

/* The answer to STARTTLS in two versions, one of them too late for the client. */
static void test_two_answers(void **state)
{
	(void)state;
	struct talk *t = begin();
	upgrade(t);
	send(t, (struct pkt){ C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO });
	say(t, S2C, G + O, E + S, "454 no tls\r\n");
	end(t);
	assert_int_equal(num(t, smtp_stls_code), 220);
	assert_int_equal(num(t, alt_code), 454);
	assert_int_equal(tri(t, alt_offered), TRI_YES);
	assert_int_equal(item(t->r, F_tcp_conf_place, 0), place_starttls);
	text_is(t->r, F_tcp_conf_first, 0, "220 go ahead|");
	text_is(t->r, F_tcp_conf_second, 0, "454 no tls|");
	done(t);
	/* The client's STARTTLS and what somebody else would have had it say. */
	t = begin();
	upgrade(t);
	say(t, C2S, E, G + O, "RSET      ");
	end(t);
	text_is(t->r, F_tcp_conf_first, 0, "STARTTLS");
	text_is(t->r, F_tcp_conf_second, 0, "RSET");
	done(t);
}

/* Behind a message nothing is known of what the client said before: the EHLO reply is known by its shape. */
static void test_late_conflict(void **state)
{
	(void)state;
	struct talk *t = begin();
	shake(t);
	say(t, S2C, 0, 0, GREETING);
	say(t, C2S, 0, G, "EHLO a\r\nDATA\r\n");
	say(t, S2C, G, 14, "250 mx.example.net\r\n354 go\r\n");
	say(t, C2S, 14, G + 28, "Subject: x\r\n\r\ntext\r\n.\r\n");
	say(t, S2C, G + 28, 37, "250 ok\r\n");
	say(t, C2S, 37, G + 36, EHLO);
	say(t, S2C, G + 36, 37 + E, "250-mx.example.net\r\n250-SIZE 1000\r\n250 XXXXXXXX\r\n");
	say(t, S2C, G + 36, 37 + E, OFFER);
	end(t);
	assert_int_equal(item(t->r, F_tcp_conf_place, 0), place_ehlo);
	assert_int_equal(tri(t, alt_offered), TRI_YES);
	done(t);
}

/* Versions that differ where a credential, an address or a message may stand: that they do is said, and nothing else.
 * place, text: of the first conflict. */
static const struct {
	const char *why, *first, *second;
	enum dir dir;
	enum place at;
	const char *text[2];
} private[] = {
	{ "AUTH", "AUTH PLAIN AHNlY3JldA==\r\n", "AUTH PLAIN AHNlY3JldB==\r\n", C2S, place_dialogue, { "", "" } },
	{ "MAIL", "MAIL FROM:<secret@example.org>\r\n", "MAIL FROM:<secreu@example.org>\r\n", C2S, place_dialogue, { "", "" } },
	{ "a credential in the place of STARTTLS", "STARTTLS\r\n", "AHNlY3Jl\r\n", C2S, place_starttls, { "STARTTLS", "" } },
	{ "an address behind STARTTLS", "STARTTLS\r\nMAIL FROM:<secret@a.b>\r\n", "STARTTLX\r\nMAIL FROM:<secret@a.b>\r\n", C2S,
	  place_starttls, { "STARTTLS", "" } },
};

static void test_privacy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++) {
		struct talk *t = begin();
		shake(t);
		say(t, S2C, 0, 0, GREETING);
		say(t, C2S, 0, G, EHLO);
		say(t, S2C, G, E, OFFER);
		say(t, C2S, E, G + O, private[i].first);
		say(t, C2S, E, G + O, private[i].second);
		end(t);
		if (record_count(t->r, F_tcp_conf_dir) != 1)
			print_message("%s\n", private[i].why);
		assert_int_equal(record_count(t->r, F_tcp_conf_dir), 1);
		assert_int_equal(item(t->r, F_tcp_conf_place, 0), private[i].at);
		text_is(t->r, F_tcp_conf_first, 0, private[i].text[0]);
		text_is(t->r, F_tcp_conf_second, 0, private[i].text[1]);
		assert_null(memmem(t->r->text, t->r->used, "secre", 5));
		assert_null(memmem(t->r->text, t->r->used, "AHNl", 4));
		done(t);
	}
}

/* A second version of the server's words that quotes an address. */
static const struct { const char *second, *text; } quoted[] = {
	{ "250 2.1.0 <secret@example.org> ok\r\n", "250 2.1.0 *@example.org> ok|" },
	{ "250 2.1.5 secret@example.org\r\n", "250 2.1.5 *@example.org|" },
	{ "250 2.1.5 \"my secret\"@example.org\r\n", "*|" },
	{ "250 dGhpcyBpcyBhIHNlY3JldCB0b2tlbg==\r\n", "250 *|" },
	{ "250 2.1.5 <secre", "250 2.1.5" },
	{ "250 one\r\n250 2.1.5 <secret@example.org>\r\n", "250 one|" },
	{ "250-one\r\n250 two\r\n250 2.1.5 <secret@example.org>\r\n", "250-one|250 two|" },
};

static void test_quoted_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(quoted) / sizeof(quoted[0]); i++) {
		struct talk *t = begin();
		shake(t);
		say(t, S2C, 0, 0, GREETING);
		say(t, C2S, 0, G, EHLO);
		say(t, S2C, G, E, "251-mx.example.net and much more of a first line\r\n251-SIZE 1000000000000000000000\r\n251 STARTTLS\r\n");
		say(t, S2C, G, E, quoted[i].second);
		end(t);
		text_is(t->r, F_tcp_conf_second, 0, quoted[i].text);
		assert_null(memmem(t->r->text, t->r->used, "secre", 5));
		done(t);
	}
}

/* What comes again and is the same, or is no version at all. */
static const struct {
	const char *why;
	struct pkt again[3];
} same[] = {
	{ "other boundaries, same octets", { { S2C, TCP_ACK, G - 4, E, "TP\r\n250-mx", .n = 0 }, { S2C, TCP_ACK, G, E, OFFER, .n = 7 } } },
	{ "a packet captured twice", { { S2C, TCP_ACK, G, E, OFFER, .n = 0 } } },
	{ "keep-alive with a garbage octet", { { S2C, TCP_ACK, G + O + R - 1, E + S, "Z", .n = 1 } } },
	{ "keep-alive without one", { { S2C, TCP_ACK, G + O + R - 1, E + S, NULL, .n = 0 } } },
	{ "zero-window probe: the next octet, and then more",
	  { { C2S, TCP_ACK, E + S, G + O + R, hello, .n = 1 }, { C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO } } },
	{ "cut by the capture", { { S2C, TCP_ACK, G, E, OFFER, .n = 20, .wire = O - 20 } } },
	{ "a wrong checksum: its receiver threw it away", { { S2C, TCP_ACK, G, E, "250 mx", .n = 0, .sum = SUM_BAD } } },
};

static void test_no_conflict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct talk *t = begin();
		upgrade(t);
		for (size_t k = 0; k < 3 && same[i].again[k].flags; k++)
			send(t, same[i].again[k]);
		end(t);
		if (tri(t, tcp_conf_clear) != TRI_NO)
			print_message("%s\n", same[i].why);
		assert_int_equal(tri(t, tcp_conf_clear), TRI_NO);
		assert_int_equal(tri(t, tcp_conf_data), TRI_NO);
		assert_int_equal(num(t, cap_conflicts), 0);
		assert_int_equal(record_count(t->r, F_tcp_conf_dir), 0);
		assert_int_equal(tri(t, alt_offered), TRI_UNSEEN);
		assert_false(record_has(t->r, F_alt_keywords));
		assert_int_equal(tri(t, tcp_rst_data), TRI_NO);
		done(t);
	}
}

/* Checksums that the capturing host had not computed yet say nothing against a version; nor do those of a side that are
 * wrong without exception. */
static void test_offload(void **state)
{
	(void)state;
	for (uint8_t how = SUM_BAD; how <= SUM_PARTIAL; how++) {
		struct talk *t = begin();
		shake(t);
		send(t, (struct pkt){ S2C, TCP_ACK, 0, 0, GREETING, .sum = how });
		say(t, C2S, 0, G, EHLO);
		send(t, (struct pkt){ S2C, TCP_ACK, G, E, "250-mx.example.net\r\n250-SIZE 1000\r\n250 XXXXXXXX\r\n", .sum = how });
		send(t, (struct pkt){ S2C, TCP_ACK, G, E, OFFER, .sum = how });
		end(t);
		assert_int_equal(tri(t, tcp_conf_clear), TRI_YES);
		assert_int_equal(tri(t, alt_offered), TRI_YES);
		done(t);
	}
}

/* The handshake is in clear and is not read again; what may have been missed is not denied. */
static void test_conflict_places(void **state)
{
	(void)state;
	struct talk *t = begin();
	char other[HELLO];
	memcpy(other, hello, HELLO);
	other[20] ^= 1;
	upgrade(t);
	send(t, (struct pkt){ C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO });
	send(t, (struct pkt){ C2S, TCP_ACK, E + S, G + O + R, other, .n = HELLO });
	end(t);
	assert_int_equal(tri(t, tcp_conf_clear), TRI_YES);
	assert_int_equal(item(t->r, F_tcp_conf_place, 0), place_handshake);
	text_is(t->r, F_tcp_conf_first, 0, "");
	assert_int_equal(tri(t, alt_offered), TRI_UNSEEN);
	done(t);
	/* Application data in both versions: behind the handshake. */
	t = begin();
	upgrade(t);
	send(t, (struct pkt){ C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO });
	send(t, (struct pkt){ C2S, TCP_ACK, E + S + HELLO, G + O + R, "\x17\3\3\0\2xx", .n = 7 });
	send(t, (struct pkt){ C2S, TCP_ACK, E + S + HELLO, G + O + R, "\x17\3\3\0\2xz\x17", .n = 8 });
	end(t);
	assert_int_equal(tri(t, tcp_conf_clear), TRI_NO);
	assert_int_equal(tri(t, tcp_conf_data), TRI_YES);
	assert_int_equal(item(t->r, F_tcp_conf_place, 0), place_encrypted);
	done(t);
	/* A message in two versions, both early. */
	t = begin();
	shake(t);
	say(t, S2C, 0, 0, GREETING);
	say(t, C2S, 0, G, "DATA\r\n");
	say(t, S2C, G, 6, "354 go\r\n");
	say(t, C2S, 10, G + 8, "very secret\r\n");
	say(t, C2S, 10, G + 8, "very secreT\r\n");
	say(t, C2S, 6, G + 8, "text");
	end(t);
	assert_int_equal(tri(t, tcp_conf_clear), TRI_NO);
	assert_int_equal(tri(t, tcp_conf_data), TRI_YES);
	assert_int_equal(item(t->r, F_tcp_conf_place, 0), place_content);
	assert_null(memmem(t->r->text, t->r->used, "secr", 4));
	done(t);
	t = begin();
	shake(t);
	say(t, S2C, 0, 0, GREETING);
	say(t, C2S, 0, G, "DATA\r\n");
	say(t, S2C, G, 6, "354 go\r\n");
	say(t, C2S, 6, G + 8, "very secret\r\n");
	end(t);
	assert_int_equal(tri(t, tcp_conf_clear), TRI_NO);
	assert_int_equal(tri(t, tcp_conf_data), TRI_NO);
	done(t);
	/* The second one behind what was read. */
	t = begin();
	shake(t);
	say(t, S2C, 0, 0, GREETING);
	say(t, C2S, 0, G, "DATA\r\n");
	say(t, S2C, G, 6, "354 go\r\n");
	say(t, C2S, 6, G + 8, "very secret\r\n");
	say(t, C2S, 6, G + 8, "very secreT\r\n");
	end(t);
	assert_int_equal(tri(t, tcp_conf_clear), TRI_NO);
	assert_int_equal(tri(t, tcp_conf_data), TRI_YES);
	assert_null(memmem(t->r->text, t->r->used, "secr", 4));
	done(t);
	/* Its receiver threw the first one away. */
	t = begin();
	shake(t);
	say(t, S2C, 0, 0, GREETING);
	say(t, C2S, 0, G, "DATA\r\n");
	say(t, S2C, G, 6, "354 go\r\n");
	send(t, (struct pkt){ C2S, TCP_ACK, 6, G + 8, "very secret\r\n", .sum = SUM_BAD });
	say(t, C2S, 6, G + 8, "very secreT\r\n");
	end(t);
	assert_int_equal(tri(t, tcp_conf_data), TRI_NO);
	done(t);
	/* Where the reply to DATA was lost, or the beginning, a message may look like commands: no claim. */
	t = begin();
	shake(t);
	say(t, S2C, 0, 0, GREETING);
	say(t, C2S, 0, G, "DATA\r\n");
	say(t, C2S, 6, G + 8, "HELP\r\n");
	say(t, C2S, 6, G + 8, "NOOP\r\n");
	say(t, S2C, G + 8, 12, "250 ok\r\n");
	end(t);
	assert_int_equal(tri(t, tcp_conf_clear), TRI_UNSEEN);
	assert_int_equal(item(t->r, F_tcp_conf_place, 0), place_unknown);
	done(t);
	t = begin();
	say(t, S2C, 0, 0, GREETING);
	say(t, C2S, 0, G, "HELP\r\n");
	say(t, C2S, 0, G, "NOOP\r\n");
	end(t);
	assert_int_equal(tri(t, tcp_conf_clear), TRI_UNSEEN);
	done(t);
	/* Behind a hole in the client's handshake nobody knows where encryption began; of the server's octets it is known. */
	t = begin();
	upgrade(t);
	send(t, (struct pkt){ C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO });
	send(t, (struct pkt){ C2S, TCP_ACK, E + S + HELLO + 50, G + O + R, "\x14\3\3\0\1x", .n = 6 });
	send(t, (struct pkt){ C2S, TCP_ACK, E + S + HELLO + 50, G + O + R, "\x14\3\3\0\1y", .n = 6 });
	end(t);
	assert_int_equal(tri(t, tcp_conf_clear), TRI_UNSEEN);
	assert_int_equal(item(t->r, F_tcp_conf_place, 0), place_unknown);
	done(t);
	t = begin();
	shake(t);
	say(t, S2C, 10, E, OFFER);
	say(t, S2C, 10, E, "250-mx.example.net\r\n250-SIZE 1000\r\n250 XXXXXXXX\r\n");
	end(t);
	assert_int_equal(tri(t, tcp_conf_clear), TRI_YES);
	done(t);
	/* A gap may have held it. */
	t = begin();
	shake(t);
	say(t, S2C, 0, 0, GREETING);
	say(t, C2S, 0, G, EHLO);
	say(t, S2C, G + 10, E, OFFER);
	end(t);
	assert_int_equal(tri(t, tcp_conf_clear), TRI_UNSEEN);
	assert_int_equal(tri(t, tcp_rst_data), TRI_UNSEEN);
	done(t);
}

/* ---- the same session in other packets ---- */

static const struct pkt story[] = {
	{ C2S, TCP_SYN, 0, 0, NULL, .n = 0 }, { S2C, TCP_SYN | TCP_ACK, 0, 0, NULL, .n = 0 }, { C2S, TCP_ACK, 0, 0, NULL, .n = 0 },
	{ S2C, TCP_ACK, 0, 0, GREETING, .n = 0 }, { C2S, TCP_ACK, 0, G, EHLO, .n = 0 },
	{ S2C, TCP_ACK, G, E, "250-mx.example.net\r\n250-SIZE 1000\r\n250 XXXXXXXX\r\n", .n = 0 },
	{ S2C, TCP_ACK, G, E, OFFER, .n = 0 }, { C2S, TCP_ACK, E, G + O, STARTTLS, .n = 0 }, { S2C, TCP_ACK, G + O, E + S, GO, .n = 0 },
	{ S2C, TCP_ACK, G + O, E + S, "454 later on\r\n", .n = 0 },
	{ C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO }, { S2C, TCP_RST, G + O + R, 0, NULL, .n = 0 },
	{ S2C, TCP_ACK, G + O + R, E + S + HELLO, server_hello, .n = SERVER_HELLO, .us = 50000 },
	{ C2S, TCP_FIN | TCP_ACK, E + S + HELLO, G + O + R + SERVER_HELLO, NULL, .n = 0 },
	{ S2C, TCP_FIN | TCP_ACK, G + O + R + SERVER_HELLO, E + S + HELLO + 1, NULL, .n = 0 },
};

static uint32_t random_below(uint32_t *state, uint32_t n)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % n;
}

/* One packet as up to eight pieces, some of them twice, in any order; the wider gap in time in front of the first. */
static void send_in_pieces(struct talk *t, const struct pkt *k, uint32_t *seed)
{
	struct pkt piece[16];
	size_t n = 0, text = k->n ? k->n : k->text ? strlen(k->text) : 0;
	for (size_t at = 0; (at < text || n == 0) && n < 15;) {
		size_t take = n == 7 ? text - at : text ? 1 + random_below(seed, (uint32_t)(text - at)) : 0;
		piece[n] = *k;
		piece[n].seq += (uint32_t)at;
		piece[n].text = text ? k->text + at : NULL;
		piece[n].n = (uint16_t)take;
		at += take;
		n++;
		if (random_below(seed, 4) == 0 && n < 15) {
			piece[n] = piece[n - 1];
			n++;
		}
		if (text == 0)
			break;
	}
	for (size_t i = 0; text && i < n; i++) {
		size_t other = random_below(seed, (uint32_t)n);
		struct pkt swap = piece[i];
		piece[i] = piece[other];
		piece[other] = swap;
	}
	for (size_t i = 0; i < n; i++) {
		piece[i].us = i ? 20 : k->us;
		send(t, piece[i]);
	}
}

/* Facts marked invariant are the same, whatever the packets are. */
static void test_any_packets(void **state)
{
	(void)state;
	struct talk *plain = begin();
	for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++)
		send(plain, story[i]);
	end(plain);
	assert_int_equal(tri(plain, tcp_rst_data), TRI_YES);
	assert_int_equal(tri(plain, tcp_conf_clear), TRI_YES);
	assert_int_equal(tri(plain, smtp_offered), TRI_NO);
	assert_int_equal(tri(plain, alt_offered), TRI_YES);
	assert_int_equal(num(plain, alt_code), 454);
	for (uint32_t seed = 1; seed <= 300; seed++) {
		struct talk *t = begin();
		uint32_t random = seed;
		for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++)
			send_in_pieces(t, &story[i], &random);
		end(t);
		assert_int_equal(t->sessions, 1);
		for (unsigned f = 0; f < FACT_COUNT; f++) {
			const struct fact_info *info = &fact_table[f];
			if (!info->invariant)
				continue;
			bool text = info->type >= T_LSTR || info->type == T_STR || info->type == T_HEX || info->type == T_IP;
			bool equal = record_has(t->r, f) == record_has(plain->r, f);
			if (equal && text)
				equal = bytes_eq(record_get_str(t->r, f), record_get_str(plain->r, f));
			else if (equal)
				equal = record_get_num(t->r, f, 0) == record_get_num(plain->r, f, 0);
			if (!equal)
				print_message("seed %u: %s\n", seed, info->name);
			assert_true(equal);
		}
		done(t);
	}
	done(plain);
}

/* ---- nobody interferes ---- */

/* A session of every day: retransmissions, a keep-alive, a client that closes while the server still speaks, and RSTs that
 * answer what comes late. X: octets of the client up to its FIN. */
enum { X = E + S + HELLO, Y = G + O + R + SERVER_HELLO };
static const struct pkt everyday[] = {
	{ C2S, TCP_SYN, 0, 0, NULL, .at = 1000 }, { C2S, TCP_SYN, 0, 0, NULL, .at = 2000 },
	{ S2C, TCP_SYN | TCP_ACK, 0, 0, NULL, .at = 2020 }, { C2S, TCP_ACK, 0, 0, NULL, .at = 2021 },
	{ S2C, TCP_ACK, 0, 0, GREETING, .at = 2050 }, { C2S, TCP_ACK, 0, G, EHLO, .at = 2051 },
	{ C2S, TCP_ACK, 0, G, EHLO, .at = 2260 }, { S2C, TCP_ACK, G, E, OFFER, .at = 2280 },
	{ C2S, TCP_ACK, E, G + O, STARTTLS, .at = 2281 }, { S2C, TCP_ACK, G + O, E + S, GO, .at = 2301 },
	{ C2S, TCP_ACK, E + S - 1, G + O + R, "\0", .n = 1, .at = 2800 }, { S2C, TCP_ACK, G + O + R, E + S, NULL, .at = 2820 },
	{ C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO, .at = 2900 },
	{ C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO, .at = 3100 },
	{ C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO, .at = 3500 },
	{ S2C, TCP_ACK, G + O + R, X, NULL, .at = 3520 }, { S2C, TCP_ACK, G + O + R, X, server_hello, .n = SERVER_HELLO, .at = 3521 },
	{ C2S, TCP_ACK | TCP_FIN, X, G + O + R, NULL, .at = 3522 }, { C2S, TCP_RST, X + 1, 0, NULL, .at = 3523 },
	{ S2C, TCP_ACK, Y, X + 1, "\x15\3\3\0\2\1", .n = 7, .at = 3543 }, { C2S, TCP_RST, X + 1, 0, NULL, .at = 3544 },
	{ S2C, TCP_ACK | TCP_FIN, Y + 7, X + 1, NULL, .at = 3545 }, { C2S, TCP_RST, X + 1, 0, NULL, .at = 3546 },
};
enum { EVERYDAY = sizeof(everyday) / sizeof(everyday[0]) };

static void nothing_found(const struct talk *t, const char *what, size_t i, size_t k)
{
	static const enum fact claims[] = { F_tcp_rst_data, F_tcp_rst_dual, F_tcp_rst_shift, F_tcp_conf_clear, F_tcp_conf_data,
					    F_tcp_shift_c2s, F_tcp_shift_s2c, F_tls_stalled };
	for (size_t n = 0; n < t->sessions; n++)
		for (size_t f = 0; f < sizeof(claims) / sizeof(claims[0]); f++) {
			bool yes = record_get_tri(&t->all[n], claims[f]) == TRI_YES;
			if (yes)
				print_message("%s %zu, %zu: %s\n", what, i, k, fact_table[claims[f]].name);
			assert_false(yes);
		}
}

/* Packets that are missing, and packets captured up to 100 ms too early, make nobody suspicious. */
static void test_everyday(void **state)
{
	(void)state;
	for (size_t i = 0; i < EVERYDAY; i++)
		for (size_t k = i; k < EVERYDAY; k++) {
			struct talk *t = begin();
			for (size_t n = 0; n < EVERYDAY; n++)
				if (n != i && n != k)
					send(t, everyday[n]);
			pipeline_finish(t->p);
			drain(t);
			nothing_found(t, "without", i, k);
			done(t);
		}
	for (size_t i = 0; i + 1 < EVERYDAY; i++)
		for (size_t k = i + 1; k < EVERYDAY && everyday[k].at - everyday[i].at < 100; k++) {
			struct talk *t = begin();
			for (size_t n = 0; n < EVERYDAY; n++) {
				struct pkt p = everyday[n == i ? k : n > i && n <= k ? n - 1 : n];
				p.at = everyday[n == i ? i : n].at;
				send(t, p);
			}
			end(t);
			nothing_found(t, "moved", i, k);
			done(t);
		}
}

/* ---- habits ---- */

static void test_habits(void **state)
{
	(void)state;
	struct talk *t = begin();
	send(t, (struct pkt){ C2S, TCP_SYN, 0, 0, NULL, .at = 10, .tick = 5000, .id = 1 });
	send(t, (struct pkt){ S2C, TCP_SYN | TCP_ACK, 0, 0, NULL, .at = 35, .id = 0xfff0 });
	send(t, (struct pkt){ C2S, TCP_ACK, 0, 0, NULL, .at = 36, .tick = 5026, .id = 2 });
	for (uint32_t i = 0; i < 6; i++) {
		send(t, (struct pkt){ C2S, TCP_ACK, i * 6, 0, "NOOP\r\n", .at = 100 + i * 400, .tick = 5090 + i * 400,
				      .id = (uint16_t)(10 + i * 3) });
		send(t, (struct pkt){ S2C, TCP_ACK, i * 8, i * 6 + 6, "250 ok\r\n", .at = 101 + i * 400,
				      .id = (uint16_t)(0xfff1 + i * 9973), .ttl = (uint8_t)(50 + i % 2) });
	}
	end(t);
	assert_int_equal(num(t, tcp_rtt), 25 * MS);
	assert_int_equal(num(t, tcp_ttl_min_c2s), 64);
	assert_int_equal(num(t, tcp_ttl_min_s2c), 50);
	assert_int_equal(num(t, tcp_ttl_max_s2c), 51);
	assert_int_equal(num(t, tcp_ipid_c2s), ipid_counter);
	assert_int_equal(num(t, tcp_ipid_s2c), ipid_random);
	assert_int_equal(tri(t, tcp_ts_c2s), TRI_YES);
	assert_int_equal(tri(t, tcp_ts_s2c), TRI_NO);
	assert_int_equal(num(t, tcp_ts_hz_c2s), 1000);
	assert_int_equal(num(t, tcp_ts_hz_s2c), -1);
	assert_int_equal(num(t, tcp_window_c2s), 65535);
	assert_true(bytes_eq(record_get_str(t->r, F_tcp_syn_c2s), bytes_of("mss=1460,nop,nop,ts")));
	assert_true(bytes_eq(record_get_str(t->r, F_tcp_syn_s2c), bytes_of("mss=1460")));
	assert_int_equal(tri(t, tcp_shift_c2s), TRI_NO);
	assert_int_equal(tri(t, tcp_shift_s2c), TRI_NO);
	assert_int_equal(num(t, tcp_again_c2s), 0);
	done(t);
}

static const struct {
	const char *why;
	uint16_t id[6];
	enum ipid pattern; /* unknown: unseen */
} ids[] = {
	{ "a constant", { 7, 7, 7, 7, 7, 7 }, ipid_constant },
	{ "wraps", { 65530, 65533, 65535, 3, 5, 9 }, ipid_counter },
	{ "half and half", { 7, 7, 30000, 30000, 1000, 1001 }, ipid_unknown },
};

static void test_ids(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct talk *t = begin();
		shake(t);
		for (uint32_t k = 0; k < 6; k++)
			send(t, (struct pkt){ S2C, TCP_ACK, k * 8, 0, "220 ok\r\n", .id = ids[i].id[k] });
		end(t);
		assert_int_equal(record_get_num(t->r, F_tcp_ipid_s2c, ipid_unknown), ids[i].pattern);
		done(t);
	}
}

/* SYN-ACK and greeting, as the server or somebody in its name sent them. */
static const struct {
	const char *why;
	uint8_t ttl[2];
	uint32_t tick[2];
	enum tri shift;
} shifts[] = {
	{ "one host", { 50, 50 }, { 7000, 7020 }, TRI_NO },
	{ "a hop more", { 50, 52 }, { 7000, 7020 }, TRI_NO },
	{ "another distance", { 64, 50 }, { 7000, 7020 }, TRI_YES },
	{ "another clock, behind", { 50, 50 }, { 900000000, 7020 }, TRI_YES },
	{ "another clock, before", { 50, 50 }, { 7000, 900000000 }, TRI_YES },
	{ "a clock that wraps", { 50, 50 }, { 0xfffffff8, 12 }, TRI_NO },
	{ "microseconds", { 50, 50 }, { 7000, 27000 }, TRI_NO },
	{ "a SYN cookie's clock is a little off", { 50, 50 }, { 7063, 7020 }, TRI_NO },
	{ "no clock", { 50, 50 }, { 0, 0 }, TRI_NO },
};

static void test_shift(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++) {
		struct talk *t = begin();
		send(t, (struct pkt){ C2S, TCP_SYN, 0, 0, NULL, .n = 0 });
		send(t, (struct pkt){ S2C, TCP_SYN | TCP_ACK, 0, 0, NULL, .ttl = shifts[i].ttl[0], .tick = shifts[i].tick[0] });
		send(t, (struct pkt){ C2S, TCP_ACK, 0, 0, NULL, .n = 0 });
		send(t, (struct pkt){ S2C, TCP_ACK, 0, 0, GREETING, .ttl = shifts[i].ttl[1], .tick = shifts[i].tick[1] });
		end(t);
		if (tri(t, tcp_shift_s2c) != shifts[i].shift)
			print_message("%s\n", shifts[i].why);
		assert_int_equal(tri(t, tcp_shift_s2c), shifts[i].shift);
		assert_int_equal(tri(t, tcp_shift_c2s), TRI_UNSEEN);
		done(t);
	}
}

/* ---- a handshake without an answer ---- */

static const struct {
	const char *why;
	struct pkt more[6];
	int64_t again;
	enum tri stalled;
} stalls[] = {
	{ "sent once", { { .n = 0 } }, 0, TRI_NO },
	{ "three times more, 100 ms and more apart",
	  { { C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO, .at = 300 }, { C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO, .at = 700 },
	    { C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO, .at = 1500 } }, 3, TRI_YES },
	{ "each captured twice: only two more",
	  { { C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO, .at = 300 }, { C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO, .at = 300 },
	    { C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO, .at = 700 }, { C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO, .at = 700 } },
	  2, TRI_NO },
	{ "acknowledged at last",
	  { { C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO, .at = 300 }, { C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO, .at = 700 },
	    { C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO, .at = 1500 }, { S2C, TCP_ACK, G + O + R, E + S + HELLO, NULL, .at = 1600 } },
	  3, TRI_NO },
	{ "the server has closed its window",
	  { { S2C, TCP_ACK, G + O + R, E + S, NULL, .closed = true }, { C2S, TCP_ACK, E + S, G + O + R, hello, .n = 1, .at = 300 },
	    { C2S, TCP_ACK, E + S, G + O + R, hello, .n = 1, .at = 700 }, { C2S, TCP_ACK, E + S, G + O + R, hello, .n = 1, .at = 1500 } },
	  0, TRI_NO },
	{ "keep-alives",
	  { { S2C, TCP_ACK, G + O + R, E + S + HELLO, NULL, .n = 0 }, { C2S, TCP_ACK, E + S + HELLO - 1, G + O + R, "x", .n = 1, .at = 3000 },
	    { C2S, TCP_ACK, E + S + HELLO - 1, G + O + R, "x", .n = 1, .at = 6000 }, { C2S, TCP_ACK, E + S + HELLO - 1, G + O + R, "x", .n = 1, .at = 9000 } },
	  0, TRI_NO },
};

static void test_stalled(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stalls) / sizeof(stalls[0]); i++) {
		struct talk *t = begin();
		upgrade(t);
		send(t, (struct pkt){ C2S, TCP_ACK, E + S, G + O + R, hello, .n = HELLO });
		for (size_t k = 0; k < 6 && stalls[i].more[k].flags; k++)
			send(t, stalls[i].more[k]);
		end(t);
		if (tri(t, tls_stalled) != stalls[i].stalled)
			print_message("%s\n", stalls[i].why);
		assert_int_equal(tri(t, tls_stalled), stalls[i].stalled);
		assert_int_equal(num(t, tcp_again_c2s), stalls[i].again);
		done(t);
	}
	/* Nor is a STARTTLS, with a ClientHello behind it that did not wait, or the server's answer to it. */
	for (int side = C2S; side <= S2C; side++) {
		struct talk *early = begin();
		shake(early);
		say(early, S2C, 0, 0, GREETING);
		say(early, C2S, 0, G, EHLO);
		say(early, S2C, G, E, OFFER);
		say(early, C2S, E, G + O, STARTTLS);
		send(early, (struct pkt){ C2S, TCP_ACK, E + S, G + O, hello, .n = HELLO });
		for (int64_t i = 0; i < 4; i++)
			send(early, side == C2S ? (struct pkt){ C2S, TCP_ACK, E, G + O, STARTTLS, .at = 300 << i } :
						  (struct pkt){ S2C, TCP_ACK, G + O, E + S, GO, .at = 300 << i });
		end(early);
		assert_int_equal(tri(early, tls_stalled), TRI_UNSEEN);
		done(early);
	}
	/* A command in clear that nobody answers is no handshake. */
	struct talk *t = begin();
	shake(t);
	say(t, S2C, 0, 0, GREETING);
	for (int64_t i = 0; i < 5; i++)
		send(t, (struct pkt){ C2S, TCP_ACK, 0, G, EHLO, .at = 300 << i });
	end(t);
	assert_int_equal(tri(t, tls_stalled), TRI_UNSEEN);
	assert_int_equal(num(t, tcp_again_c2s), 4);
	done(t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reset_behind_gap), cmocka_unit_test(test_data_after_reset), cmocka_unit_test(test_reset_and_session),
		cmocka_unit_test(test_injected_resets), cmocka_unit_test(test_reset_place),
		cmocka_unit_test(test_two_ehlo_replies), cmocka_unit_test(test_two_answers), cmocka_unit_test(test_late_conflict),
		cmocka_unit_test(test_privacy),
		cmocka_unit_test(test_quoted_addresses), cmocka_unit_test(test_no_conflict), cmocka_unit_test(test_offload),
		cmocka_unit_test(test_conflict_places), cmocka_unit_test(test_any_packets), cmocka_unit_test(test_everyday),
		cmocka_unit_test(test_habits), cmocka_unit_test(test_ids),
		cmocka_unit_test(test_shift), cmocka_unit_test(test_stalled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
