/* tls_hello, ja: hello messages written by hand, octet by octet, and the tables of names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/ja.h"

static struct ja *ja;

static int set_up(void **state)
{
	(void)state;
	ja = ja_new();
	return ja == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	ja_free(ja);
	return 0;
}

/* Hex, spaces ignored, "R" stands for a random of 32 octets 0x55, into a buffer of exactly its size. */
static struct bytes unhex(const char *text)
{
	uint8_t buf[1024], *out;
	size_t n = 0;
	for (const char *p = text; *p; p++) {
		if (*p == ' ')
			continue;
		if (*p == 'R') {
			memset(buf + n, 0x55, 32);
			n += 32;
			continue;
		}
		char pair[3] = { p[0], p[1], 0 };
		buf[n++] = (uint8_t)strtoul(pair, NULL, 16);
		p++;
	}
	out = malloc(n ? n : 1);
	memcpy(out, buf, n);
	return (struct bytes){ out, n };
}

#define TAIL11 "44 4f 57 4e 47 52 44 00"
#define TAIL12 "44 4f 57 4e 47 52 44 01"
#define R24 "555555555555555555555555555555555555555555555555"
#define RETRY "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"

static void test_client(void **state)
{
	(void)state;
	static const struct {
		const char *hex;
		bool ok;
		uint16_t version;
		uint8_t versions;
		const char *sni;
		const char *why;
	} t[] = {
		{ "0301 R 00 0002 0005 01 00", true, 0x0301, TLS_V_SSL3 | TLS_V_10, "", "no extensions at all" },
		{ "0303 R 00 0002 c02f 01 00 0000", true, 0x0303, 15, "", "an empty list of extensions" },
		{ "0303 R 00 0002 1301 01 00 000b 002b 0007 06 1a1a 0304 0303", true, 0x0303, TLS_V_13 | TLS_V_12, "",
		  "GREASE is no version" },
		{ "0303 R 00 0002 1301 01 00 000d 0000 0009 0007 00 0004 6d782e61", true, 0x0303, 15, "mx.a", "SNI" },
		{ "0303 R 00 0002 1301 01 00 000d 0000 0009 0008 00 0004 6d782e61", true, 0x0303, 15, "",
		  "an SNI that says more than is there is dropped, the hello is not" },
		{ "0303 R 00 0002 1301 01 00 00ff 0000", true, 0x0303, 15, "", "extensions cut short are dropped" },
		{ "0303 R 21 0002 1301 01 00", false, 0, 0, "", "session id longer than 32" },
		{ "0303 R 00 0003 130113 01 00", false, 0, 0, "", "odd length of suites" },
		{ "0303 R 00 0000 01 00", false, 0, 0, "", "no suite" },
		{ "0303 R 00 0002 1301 00", false, 0, 0, "", "no compression method" },
		{ "0203 R 00 0002 1301 01 00", false, 0, 0, "", "not TLS" },
		{ "0303 R 00 0002 13", false, 0, 0, "", "cut in the suites" },
		{ "", false, 0, 0, "", "nothing" },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct bytes in = unhex(t[i].hex);
		struct tls_client_hello h;
		if (tls_client_hello(in, &h) != t[i].ok)
			fail_msg("%s", t[i].why);
		if (t[i].ok && (h.version != t[i].version || h.versions != t[i].versions ||
				!bytes_eq(h.sni, bytes_of(t[i].sni))))
			fail_msg("%s: version %x, set %d", t[i].why, h.version, h.versions);
		free((void *)(uintptr_t)in.p);
	}
}

static void test_server(void **state)
{
	(void)state;
	static const struct {
		const char *hex;
		bool ok, retry, psk;
		uint16_t version, suite, group, sentinel;
		const char *why;
	} t[] = {
		{ "0303 R 00 c02f 00", true, false, false, 0x0303, 0xc02f, 0, 0, "TLS 1.2" },
		{ "0303 R 00 1301 00 000e 002b 0002 0304 0033 0004 001d 0000", true, false, false, 0x0304, 0x1301, 29, 0,
		  "supported_versions goes first" },
		{ "0303 R 00 1302 00 000c 0029 0002 0000 002b 0002 0304", true, false, true, 0x0304, 0x1302, 0, 0,
		  "resumed" },
		{ "0303 " RETRY " 00 1301 00 000c 002b 0002 0304 0033 0002 0018", true, true, false, 0x0304, 0x1301, 24, 0,
		  "HelloRetryRequest is known by its random" },
		{ "0303" R24 TAIL12 "00 c02f 00", true, false, false, 0x0303, 0xc02f, 0, 0x0303, "sentinel of 1.2" },
		{ "0302" R24 TAIL11 "00 002f 00", true, false, false, 0x0302, 0x002f, 0, 0x0302, "sentinel of 1.1" },
		{ "0303 R 00 c02f", false, false, false, 0, 0, 0, 0, "cut before the compression method" },
		{ "0303 R 21 c02f 00", false, false, false, 0, 0, 0, 0, "session id cut short" },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct bytes in = unhex(t[i].hex);
		struct tls_server_hello h;
		if (tls_server_hello(in, &h) != t[i].ok)
			fail_msg("%s", t[i].why);
		if (t[i].ok && (h.retry != t[i].retry || h.psk != t[i].psk || h.version != t[i].version ||
				h.suite != t[i].suite || h.group != t[i].group || h.sentinel != t[i].sentinel))
			fail_msg("%s", t[i].why);
		free((void *)(uintptr_t)in.p);
	}
}

static void test_key_exchange(void **state)
{
	(void)state;
	enum { ECDHE_RSA = 0xc02f, ECDHE_ECDSA = 0xc02b, DHE_RSA = 0x9e, DHE_DSS = 0x32, DH_ANON = 0x34, ECDH_ANON = 0xc018,
	       RSA = 0x2f, ECDHE_PSK = 0xc035, DHE_PSK = 0x90 };
	static const struct {
		const char *hex;
		uint16_t version, suite;
		bool ok;
		uint16_t group, bits, scheme;
		size_t params, signature;
		const char *why;
	} t[] = {
		{ "03 001d 02 aabb 0804 0003 010203", 0x0303, ECDHE_RSA, true, 29, 0, 0x0804, 6, 3, "curve, 1.2" },
		{ "03 001d 02 aabb 0003 010203", 0x0302, ECDHE_RSA, true, 29, 0, 0x0000, 6, 3, "1.1: MD5 and SHA-1" },
		{ "03 0017 01 aa 0001 01", 0x0301, ECDHE_ECDSA, true, 23, 0, 0x0203, 5, 1, "1.0: SHA-1" },
		{ "0001 97 0001 02 0001 03 0401 0001 aa", 0x0303, DHE_RSA, true, 0, 8, 0x0401, 9, 1, "prime" },
		{ "0003 00017f 0001 02 0001 03 0001 aa", 0x0300, DHE_DSS, true, 0, 9, 0x0202, 11, 1, "zeros in front" },
		{ "0001 97 0001 02 0001 03", 0x0303, DH_ANON, true, 0, 8, 0, 9, 0, "anonymous: nothing is signed" },
		{ "03 0017 01 aa", 0x0303, ECDH_ANON, true, 23, 0, 0, 5, 0, "anonymous, curve" },
		{ "03 001d 02 aabb 0804 0003 0102", 0x0303, ECDHE_RSA, true, 29, 0, 0, 6, 0, "signature cut short" },
		{ "03 001d 02 aabb 0804 0001 0102", 0x0303, ECDHE_RSA, true, 29, 0, 0, 6, 0, "an octet too many" },
		{ "03 001d 02 aabb 0804 0000", 0x0303, ECDHE_RSA, true, 29, 0, 0x0804, 6, 0, "empty signature" },
		{ "03 001d 02 aabb", 0x0303, ECDHE_RSA, true, 29, 0, 0, 6, 0, "no signature" },
		{ "03 001d 02 aa", 0x0303, ECDHE_RSA, false, 0, 0, 0, 0, 0, "point cut short" },
		{ "03 001d 00 0804 0001 01", 0x0303, ECDHE_RSA, false, 0, 0, 0, 0, 0, "no point" },
		{ "01 001d 02 aabb 0804 0001 01", 0x0303, ECDHE_RSA, false, 0, 0, 0, 0, 0, "a curve without a number" },
		{ "0001 00 0001 02 0001 03 0401 0001 aa", 0x0303, DHE_RSA, false, 0, 0, 0, 0, 0, "0 is no prime" },
		{ "0000 0001 02 0001 03 0401 0001 aa", 0x0303, DHE_RSA, false, 0, 0, 0, 0, 0, "no prime" },
		{ "0001 97 0000 0001 03 0401 0001 aa", 0x0303, DHE_RSA, false, 0, 0, 0, 0, 0, "no generator" },
		{ "03 001d 02 aabb 0804 0001 01", 0x0303, RSA, false, 0, 0, 0, 0, 0, "no ephemeral key" },
		{ "03 001d 02 aabb 0804 0001 01", 0x0303, ECDHE_PSK, false, 0, 0, 0, 0, 0, "a hint stands in front" },
		{ "0001 97 0001 02 0001 03", 0x0303, DHE_PSK, false, 0, 0, 0, 0, 0, "likewise" },
		{ "03 001d 02 aabb 0804 0001 01", 0x0304, ECDHE_RSA, false, 0, 0, 0, 0, 0, "1.3 has none" },
		{ "03 001d 02 aabb 0804 0001 01", 0x0303, 0xfefe, false, 0, 0, 0, 0, 0, "no such suite" },
		{ "", 0x0303, DHE_RSA, false, 0, 0, 0, 0, 0, "empty" },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct bytes in = unhex(t[i].hex);
		struct tls_key_exchange k;
		if (tls_key_exchange(in, t[i].version, t[i].suite, &k) != t[i].ok)
			fail_msg("%s", t[i].why);
		if (t[i].ok && (k.group != t[i].group || k.dh_bits != t[i].bits || k.scheme != t[i].scheme ||
				k.params.n != t[i].params || k.signature.n != t[i].signature || k.params.p != in.p))
			fail_msg("%s", t[i].why);
		free((void *)(uintptr_t)in.p);
	}
}

/* Wanted values, computed with another tool: MD5 of "769,5-4,0-10-11,23-24,0" and of "771,4865,43"; SHA-256 of
 * "0004,0005", of "000a,000b", and of the four octets of the two suites. */
static void test_fingerprints(void **state)
{
	(void)state;
	char ja3[JA3_SIZE], ja4[JA4_SIZE], suites[JA_SUITES_SIZE];
	struct tls_client_hello h;
	struct tls_server_hello sh;
	struct bytes in = unhex("0301 R 00 0006 2a2a 0005 0004 01 00 0023 3a3a 0000 0000 0009 0007 00 0004 6d782e61 "
				"000a 0008 0006 aaaa 0017 0018 000b 0002 01 00");
	assert_true(tls_client_hello(in, &h));
	assert_true(ja_client(ja, &h, ja3) && ja4_client(ja, &h, ja4) && ja_suites(ja, &h, suites));
	assert_string_equal(ja3, "e21f347c46861a5e708b05da501268d5");
	assert_string_equal(ja4, "t10d020300_6e254592683c_33a13ba74d1c");
	assert_string_equal(suites, "ee17d4c8a4d8b8cf0d95d272f64bc38e");
	free((void *)(uintptr_t)in.p);
	in = unhex("0303 R 00 1301 00 0006 002b 0002 0304");
	assert_true(tls_server_hello(in, &sh) && ja_server(ja, &sh, ja3));
	assert_string_equal(ja3, "cce84e7a8b742462e40afb585a3e3ccc");
	free((void *)(uintptr_t)in.p);
}

/* Remembered or not, a hello has the same fingerprints; more of them than are remembered, twice over. Two that differ
 * only in what one fingerprint looks at are two. */
static void test_memory(void **state)
{
	(void)state;
	char hex[256], ja3[JA3_SIZE], ja4[JA4_SIZE], suites[JA_SUITES_SIZE];
	for (unsigned i = 0; i < 80; i++) {
		unsigned k = i % 40;
		snprintf(hex, sizeof(hex), "0303 R 00 0002 %04x 01 00 000e 000a 0004 0002 %04x 000b 0002 01 %02x", 0xc000 + k / 4,
			 0x17 + k % 2, k / 2 % 2);
		struct bytes in = unhex(hex);
		struct tls_client_hello h;
		assert_true(tls_client_hello(in, &h));
		const struct ja_prints *prints = ja_hello(ja, &h);
		assert_true(ja_client(ja, &h, ja3) && ja4_client(ja, &h, ja4) && ja_suites(ja, &h, suites));
		assert_string_equal(prints->ja3, ja3);
		assert_string_equal(prints->ja4, ja4);
		assert_string_equal(prints->suites, suites);
		free((void *)(uintptr_t)in.p);
	}
}

static void test_names(void **state)
{
	(void)state;
	int last = -1;
#define SUITE(number, name)                                \
	assert_true((number) > last);                      \
	assert_string_equal(tls_suite_name(number), name); \
	last = number;
#include "wire/tls_names.def"
	last = -1;
#define GROUP(number, name)                                \
	assert_true((number) > last);                      \
	assert_string_equal(tls_group_name(number), name); \
	last = number;
#include "wire/tls_names.def"
	last = -1;
#define SCHEME(number, name)                                \
	assert_true((number) > last);                       \
	assert_string_equal(tls_scheme_name(number), name); \
	last = number;
#include "wire/tls_names.def"
	assert_null(tls_scheme_name(0x0001));
	assert_null(tls_suite_name(0x0a0a));
	assert_null(tls_group_name(0));
	assert_string_equal(tls_version_name(0x0300), "3.0");
	assert_string_equal(tls_version_name(0x0304), "1.3");
	assert_null(tls_version_name(0x0305));
	assert_true(tls_grease(0xfafa) && !tls_grease(0x0a1a) && !tls_grease(0x1301));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_client), cmocka_unit_test(test_server),
					    cmocka_unit_test(test_key_exchange),
					    cmocka_unit_test(test_fingerprints),
					    cmocka_unit_test(test_memory), cmocka_unit_test(test_names) };
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
