/* proxy_header and address: what a receiver must accept is read, what it must refuse is no header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "text.h"
#include "wire/address.h"
#include "wire/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define S(text) text, sizeof(text) - 1
#define IP4 "\xc0\x00\x02\x01\xc6\x33\x64\x01"
#define IP6 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
#define PORTS "\x9c\x40\0\x19"

static const struct sample {
	const char *in;
	size_t n;
	enum parse result;
	size_t used;
	uint32_t skip;
	const char *says, *why;
} samples[] = {
	{ S("PROXY TCP4 192.0.2.1 198.51.100.1 40000 25\r\nEHLO"), PARSE_OK, 44, 0, "1 192.0.2.1 40000 198.51.100.1 25", "version 1" },
	{ S("PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n"), PARSE_OK, 44, 0, "1 2001:db8::1 0 2001:db8::2 65535", "IPv6" },
	{ S("PROXY UNKNOWN\r\n"), PARSE_OK, 15, 0, "1", "nothing known" },
	{ S("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), PARSE_OK, 35, 0, "1", "what follows UNKNOWN is to be ignored" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.1 40000 25\r"), PARSE_MORE, 0, 0, "", "no LF yet" },
	{ S("PROX"), PARSE_MORE, 0, 0, "", "a part of the word" },
	{ S(""), PARSE_MORE, 0, 0, "", "nothing" },
	{ S("PROXX"), PARSE_BAD, 0, 0, "", "another word" },
	{ S("proxy TCP4 192.0.2.1 198.51.100.1 1 25\r\n"), PARSE_BAD, 0, 0, "", "case matters" },
	{ S("EHLO me\r\n"), PARSE_BAD, 0, 0, "", "a command" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.1 1 25\n"), PARSE_BAD, 0, 0, "", "a bare LF" },
	{ S("PROXY UNKNOWN a\nb\r\n"), PARSE_BAD, 0, 0, "", "a bare LF inside" },
	{ S("PROXY UNKNOWN a\rb\r\n"), PARSE_BAD, 0, 0, "", "a bare CR" },
	{ S("PROXY  TCP4 192.0.2.1 198.51.100.1 1 25\r\n"), PARSE_BAD, 0, 0, "", "two blanks" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.1 1 25 \r\n"), PARSE_BAD, 0, 0, "", "a blank at the end" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n"), PARSE_BAD, 0, 0, "", "a port is missing" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.1 01 25\r\n"), PARSE_BAD, 0, 0, "", "a leading zero" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n"), PARSE_BAD, 0, 0, "", "no port" },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.1 1 +5\r\n"), PARSE_BAD, 0, 0, "", "no number" },
	{ S("PROXY TCP4 192.0.2.01 198.51.100.1 1 25\r\n"), PARSE_BAD, 0, 0, "", "a leading zero in the address" },
	{ S("PROXY TCP4 2001:db8::1 2001:db8::2 1 25\r\n"), PARSE_BAD, 0, 0, "", "another family" },
	{ S("PROXY TCP6 192.0.2.1 198.51.100.1 1 25\r\n"), PARSE_BAD, 0, 0, "", "another family" },
	{ S("PROXY UDP4 192.0.2.1 198.51.100.1 1 25\r\n"), PARSE_BAD, 0, 0, "", "no such protocol" },
	{ S("PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"),
	  PARSE_OK, 107, 0, "1", "107 octets" },
	{ S("PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"),
	  PARSE_BAD, 0, 0, "", "108 octets" },
	{ S(SIGNATURE "\x21\x11\0\x0c" IP4 PORTS), PARSE_OK, 28, 0, "2 192.0.2.1 40000 198.51.100.1 25", "version 2" },
	{ S(SIGNATURE "\x21\x11\0\x13" IP4 PORTS "\x04\0\x04TLV."), PARSE_OK, 28, 7, "2 192.0.2.1 40000 198.51.100.1 25", "with more behind" },
	{ S(SIGNATURE "\x21\x11\xff\xff" IP4 PORTS), PARSE_OK, 28, 65523, "2 192.0.2.1 40000 198.51.100.1 25", "the most there can be" },
	{ S(SIGNATURE "\x21\x21\0\x24" IP6 PORTS), PARSE_OK, 52, 0, "2 2001:db8::1 40000 2001:db8::2 25", "IPv6" },
	{ S(SIGNATURE "\x20\x00\0\0"), PARSE_OK, 16, 0, "2", "LOCAL" },
	{ S(SIGNATURE "\x20\x11\0\x0c" IP4 PORTS), PARSE_OK, 16, 12, "2", "LOCAL: the addresses are to be ignored" },
	{ S(SIGNATURE "\x21\x00\0\x05"), PARSE_OK, 16, 5, "2", "UNSPEC" },
	{ S(SIGNATURE "\x21\x12\0\x0c" IP4 PORTS), PARSE_OK, 16, 12, "2", "datagrams are no mail" },
	{ S(SIGNATURE "\x21\x31\0\xd8"), PARSE_OK, 16, 216, "2", "UNIX" },
	{ S(SIGNATURE "\x21\x11\0\x0b" IP4 PORTS), PARSE_BAD, 0, 0, "", "too short for its addresses" },
	{ S(SIGNATURE "\x11\x11\0\x0c" IP4 PORTS), PARSE_BAD, 0, 0, "", "version 1 in binary" },
	{ S(SIGNATURE "\x22\x11\0\x0c" IP4 PORTS), PARSE_BAD, 0, 0, "", "no such command" },
	{ S(SIGNATURE "\x21\x41\0\x0c" IP4 PORTS), PARSE_BAD, 0, 0, "", "no such family" },
	{ S(SIGNATURE "\x21\x13\0\x0c" IP4 PORTS), PARSE_BAD, 0, 0, "", "no such transport" },
	{ S(SIGNATURE "\x21\x11\0"), PARSE_MORE, 0, 0, "", "half a length" },
	{ S(SIGNATURE "\x21\x11\0\x0c" IP4 "\x9c"), PARSE_MORE, 0, 0, "", "half a port" },
	{ S("\r\n\r\n\0\r\nQUIT"), PARSE_MORE, 0, 0, "", "half a signature" },
	{ S("\r\n\r\n\0\r\nQUIT\r\n"), PARSE_BAD, 0, 0, "", "nearly a signature" },
	{ S("\r\nEHLO"), PARSE_BAD, 0, 0, "", "an empty line" }
};

static void spell(const struct proxy_header *h, struct text *t)
{
	text_num(t, h->version);
	if (!h->addressed)
		return;
	text_char(t, ' ');
	text_addr(t, &h->source);
	text_char(t, ' ');
	text_num(t, h->source_port);
	text_char(t, ' ');
	text_addr(t, &h->destination);
	text_char(t, ' ');
	text_num(t, h->destination_port);
}

static uint8_t *block_of(const char *p, size_t n)
{
	uint8_t *block = malloc(n ? n : 1);
	assert_non_null(block);
	memcpy(block, p, n);
	return block;
}

static void test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *s = &samples[i];
		struct proxy_header h = { 0 };
		char says[128];
		struct text t = { says, 0, sizeof(says), false };
		size_t used = 1;
		uint8_t *block = block_of(s->in, s->n);
		enum parse got = proxy_header((struct bytes){ block, s->n }, &h, &used);
		free(block);
		if (got == PARSE_OK)
			spell(&h, &t);
		if (got != s->result || used != s->used || (got == PARSE_OK && h.skip != s->skip) ||
		    !bytes_eq((struct bytes){ (const uint8_t *)says, t.n }, bytes_of(s->says)))
			fail_msg("%s: result %d, used %zu, skip %u, \"%.*s\"", s->why, (int)got, used, h.skip, (int)t.n, says);
	}
}

/* A header in pieces: MORE up to its last octet, and then what the whole gives. */
static void test_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *s = &samples[i];
		if (s->result != PARSE_OK)
			continue;
		for (size_t n = 0; n <= s->used; n++) {
			struct proxy_header h;
			size_t used;
			uint8_t *block = block_of(s->in, n);
			enum parse got = proxy_header((struct bytes){ block, n }, &h, &used);
			free(block);
			if (got != (n < s->used ? PARSE_MORE : PARSE_OK))
				fail_msg("%s: %zu octets give %d", s->why, n, (int)got);
		}
	}
}

static void test_addresses(void **state)
{
	(void)state;
	static const struct { const char *text, *plain, *tagged; } table[] = {
		{ "192.0.2.1", "192.0.2.1", "192.0.2.1" },
		{ "2001:DB8::1", "2001:db8::1", "2001:db8::1" },
		{ "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1" },
		{ "IPv6:2001:db8::1", "", "2001:db8::1" },
		{ "ipv6:2001:db8::1", "", "2001:db8::1" },
		{ "IPv6:192.0.2.1", "", "" },
		{ "IPv6:", "", "" },
		{ "", "", "" },
		{ "192.0.2", "", "" },
		{ "192.0.2.01", "", "" },
		{ "192.0.2.1 ", "", "" },
		{ "fe80::1%eth0", "", "" },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", "", "" },
		{ "localhost", "", "" }
	};
	for (size_t i = 0; i < 2 * sizeof(table) / sizeof(table[0]); i++) {
		size_t n = strlen(table[i / 2].text);
		uint8_t *block = block_of(table[i / 2].text, n);
		struct addr a = { 0 };
		char says[64];
		struct text t = { says, 0, sizeof(says), false };
		struct bytes text = { block, n };
		if (i % 2 ? address_read_tagged(text, &a) : address_read(text, &a))
			text_addr(&t, &a);
		free(block);
		const char *wanted = i % 2 ? table[i / 2].tagged : table[i / 2].plain;
		if (!bytes_eq((struct bytes){ (const uint8_t *)says, t.n }, bytes_of(wanted)))
			fail_msg("%s: %.*s", table[i / 2].text, (int)t.n, says);
	}
	struct addr a = { 0 };
	assert_false(address_read((struct bytes){ (const uint8_t *)"192.0.2.1\0x", 11 }, &a));
	assert_int_equal(a.v, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_headers), cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_addresses) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
