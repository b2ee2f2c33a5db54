/* der, cert: a certificate of OpenSSL's making, cut at every octet and with each octet changed; times; the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "wire/cert.h"

static EVP_PKEY *key;

static int set_up(void **state)
{
	(void)state;
	key = EVP_EC_gen("P-384");
	return key == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

static struct bytes make(int64_t serial, const char *from, const char *to)
{
	X509 *x = X509_new();
	uint8_t *der = NULL;
	X509_set_version(x, 2);
	ASN1_INTEGER_set_int64(X509_get_serialNumber(x), serial);
	ASN1_TIME_set_string_X509(X509_getm_notBefore(x), from);
	ASN1_TIME_set_string_X509(X509_getm_notAfter(x), to);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const uint8_t *)"a.example", -1, -1, 0);
	X509_set_pubkey(x, key);
	X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:a.example");
	X509_add_ext(x, san, -1);
	X509_EXTENSION_free(san);
	X509_sign(x, key, EVP_sha256());
	int n = i2d_X509(x, &der);
	struct bytes out = { malloc((size_t)n), (size_t)n };
	memcpy((void *)(uintptr_t)out.p, der, out.n);
	OPENSSL_free(der);
	X509_free(x);
	return out;
}

static void drop(struct bytes b)
{
	free((void *)(uintptr_t)b.p);
}

static void test_times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ns;
		const char *why;
	} t[] = {
		{ "19700101000000Z", 0, "the epoch" },
		{ "19500101000000Z", -631152000000000000, "the first UTCTime" },
		{ "20000229235959Z", 951868799000000000, "a leap day of a leap century" },
		{ "20491231235959Z", 2524607999000000000, "the last UTCTime" },
		{ "20500101000000Z", 2524608000000000000, "the first GeneralizedTime" },
		{ "99991231235959Z", INT64_MAX, "no end (RFC 5280 4.1.2.5)" },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct bytes der = make(1, t[i].text, t[i].text);
		struct cert c;
		assert_true(cert_walk(der, &c) && c.dated);
		if (c.not_before != t[i].ns || c.not_after != t[i].ns)
			fail_msg("%s: %lld", t[i].why, (long long)c.not_before);
		assert_int_equal(c.key, CERT_KEY_EC);
		assert_int_equal(c.key_bits, 384);
		drop(der);
	}
}

/* A piece of a certificate is none; a changed octet never makes a span leave it. */
static void test_damage(void **state)
{
	(void)state;
	struct bytes der = make(0x1234, "20240101000000Z", "20250101000000Z"), name;
	struct cert c;
	for (size_t n = 0; n < der.n; n++) {
		uint8_t *cut = malloc(n ? n : 1);
		memcpy(cut, der.p, n);
		assert_false(cert_walk((struct bytes){ cut, n }, &c));
		assert_null(c.spki.p);
		free(cut);
	}
	for (size_t i = 0; i < der.n; i++) {
		uint8_t *octet = (uint8_t *)(uintptr_t)der.p + i, was = *octet;
		for (unsigned v = 0; v < 256; v += 5) {
			*octet = (uint8_t)v;
			if (!cert_walk(der, &c))
				continue;
			assert_true(c.spki.p >= der.p && c.spki.p + c.spki.n <= der.p + der.n);
			for (struct bytes rest = c.names; cert_dns_name(&rest, &name);)
				assert_true(name.p >= der.p && name.p + name.n <= der.p + der.n);
		}
		*octet = was;
	}
	drop(der);
}

/* More certificates than the table holds, twice: the answers stay those of the certificate asked for. */
static void test_table(void **state)
{
	(void)state;
	struct cert_cache *cache = cert_cache_new();
	assert_non_null(cache);
	struct bytes der = make(0x7070707070, "20240101000000Z", "20250101000000Z");
	struct cert c;
	assert_true(cert_walk(der, &c));
	uint8_t *low = (uint8_t *)(uintptr_t)c.serial.p + 3;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < CERT_CACHE + 300; i++) {
			uint8_t md[32];
			char hex[65];
			low[0] = (uint8_t)(i >> 8);
			low[1] = (uint8_t)i;
			const struct cert_text *t = cert_text(cache, der, &c, true);
			EVP_Digest(der.p, der.n, md, NULL, EVP_sha256(), NULL);
			for (int k = 0; k < 32; k++)
				snprintf(hex + 2 * k, 3, "%02X", md[k]);
			assert_string_equal(t->sha256, hex);
			assert_int_equal(t->nsubject, strlen("CN=a.example"));
			assert_memory_equal(t->subject, "CN=a.example", t->nsubject);
			assert_ptr_equal(t, cert_text(cache, der, &c, true));
		}
	}
	const struct cert_text *broken = cert_text(cache, (struct bytes){ der.p, 20 }, &c, false);
	assert_int_equal(strlen(broken->sha256), 64);
	assert_int_equal(broken->nsubject + broken->spki_sha256[0], 0);
	cert_cache_free(cache);
	drop(der);
}

static void test_chain(void **state)
{
	(void)state;
	static const uint8_t list[] = { 0, 0, 2, 0x30, 0, 0, 0, 1, 7, 0, 0, 9, 1 };
	uint8_t *p = malloc(sizeof(list));
	memcpy(p, list, sizeof(list));
	struct bytes chain = { p, sizeof(list) }, der;
	assert_true(chain_next(&chain, &der) && der.n == 2 && der.p[0] == 0x30);
	assert_true(chain_next(&chain, &der) && der.n == 1 && der.p[0] == 7);
	assert_false(chain_next(&chain, &der));
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_times), cmocka_unit_test(test_damage),
					    cmocka_unit_test(test_table), cmocka_unit_test(test_chain) };
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
