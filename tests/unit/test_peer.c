/* peer: signatures over the key exchange, taken from handshakes that OpenSSL holds with itself, and chains against every
 * problem there is a word for. Certificates are made here, new for each run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include "judge/peer.h"
#include "key_proof.h"

enum { NOW = 1790000000, DAY = 86400, ROOM = 65536 };
#define NS 1000000000LL
#define MX "mx.example.net"

enum who {
	ROOT, INTER, LEAF, LEAF_WILD, LEAF_CN, LEAF_OTHER, LEAF_OLD, LEAF_NEW, LEAF_SHA1, LEAF_WEAK, LEAF_RSA, LEAF_PSS, LEAF_ED,
	INTER_OLD, LEAF_OF_OLD, NOT_CA, LEAF_OF_NOT_CA, SELF, SELF_WEAK, FOREIGN, LEAF_FOREIGN, FAKE_INTER, LEAF_FAKE, WHOS
};
static X509 *cert[WHOS];
static EVP_PKEY *key[WHOS];
static struct bytes der[WHOS];

static void add_ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* san NULL: none; issuer WHOS: itself; from, until: days from NOW; md NULL: the key's own */
static void make(enum who i, const char *cn, const char *san, enum who issuer, bool ca, int from, int until, EVP_PKEY *k,
		 const EVP_MD *md)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();
	unsigned char *out = NULL;
	issuer = issuer == WHOS ? i : issuer;
	key[i] = k;
	cert[i] = x;
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1000 + (long)i);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_subject_name(x, name);
	X509_set_issuer_name(x, issuer == i ? name : X509_get_subject_name(cert[issuer]));
	ASN1_TIME_set(X509_getm_notBefore(x), NOW + (time_t)from * DAY);
	ASN1_TIME_set(X509_getm_notAfter(x), NOW + (time_t)until * DAY);
	X509_set_pubkey(x, k);
	add_ext(x, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (san)
		add_ext(x, NID_subject_alt_name, san);
	assert_true(X509_sign(x, key[issuer], md) > 0);
	X509_NAME_free(name);
	int n = i2d_X509(x, &out);
	assert_true(n > 0);
	der[i] = (struct bytes){ out, (size_t)n };
}

static EVP_PKEY *ec(void)
{
	return EVP_EC_gen("P-256");
}

static EVP_PKEY *pss(void)
{
	EVP_PKEY *k = NULL;
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA_PSS, NULL);
	assert_true(EVP_PKEY_keygen_init(c) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(c, 2048) == 1 && EVP_PKEY_keygen(c, &k) == 1);
	EVP_PKEY_CTX_free(c);
	return k;
}

static int world_up(void **state)
{
	const EVP_MD *md = EVP_sha256();
	const char *mx = "DNS:" MX;
	(void)state;
	make(ROOT, "root", NULL, WHOS, true, -1000, 1000, ec(), md);
	make(INTER, "inter", NULL, ROOT, true, -500, 500, ec(), md);
	make(LEAF, MX, mx, INTER, false, -10, 80, ec(), md);
	make(LEAF_WILD, "x", "DNS:*.example.net", INTER, false, -10, 80, ec(), md);
	make(LEAF_CN, MX, NULL, INTER, false, -10, 80, ec(), md);
	make(LEAF_OTHER, MX, "DNS:other.example.com", INTER, false, -10, 80, ec(), md);
	make(LEAF_OLD, MX, mx, INTER, false, -300, -200, ec(), md);
	make(LEAF_NEW, MX, mx, INTER, false, 5, 100, ec(), md);
	make(LEAF_SHA1, MX, mx, INTER, false, -10, 80, ec(), EVP_sha1());
	make(LEAF_WEAK, MX, mx, INTER, false, -10, 80, EVP_RSA_gen(1024), md);
	make(LEAF_RSA, MX, mx, INTER, false, -10, 80, EVP_RSA_gen(2048), md);
	make(LEAF_PSS, MX, mx, INTER, false, -10, 80, pss(), md);
	make(LEAF_ED, MX, mx, INTER, false, -10, 80, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), md);
	make(INTER_OLD, "inter-old", NULL, ROOT, true, -500, -100, ec(), md);
	make(LEAF_OF_OLD, MX, mx, INTER_OLD, false, -10, 80, ec(), md);
	make(NOT_CA, "not-ca", NULL, ROOT, false, -500, 500, ec(), md);
	make(LEAF_OF_NOT_CA, MX, mx, NOT_CA, false, -10, 80, ec(), md);
	make(SELF, MX, mx, WHOS, false, -10, 80, ec(), md);
	make(SELF_WEAK, "self", NULL, WHOS, false, -900, -800, EVP_RSA_gen(1024), EVP_sha1());
	make(FOREIGN, "foreign root", NULL, WHOS, true, -1000, 1000, ec(), md);
	make(LEAF_FOREIGN, MX, mx, FOREIGN, false, -10, 80, ec(), md);
	make(FAKE_INTER, "inter", NULL, FOREIGN, true, -500, 500, ec(), md);
	make(LEAF_FAKE, MX, mx, FAKE_INTER, false, -10, 80, ec(), md);
	return 0;
}

static int world_down(void **state)
{
	(void)state;
	for (int i = 0; i < WHOS; i++) {
		X509_free(cert[i]);
		EVP_PKEY_free(key[i]);
		OPENSSL_free((void *)(uintptr_t)der[i].p);
	}
	return 0;
}

/* ---- the key ---- */

/* What a handshake said, as far as a proof is made of it. */
struct heard {
	uint8_t random[2][KEY_PROOF_RANDOM];
	uint8_t exchange[2048];
	size_t n;
};

static void hear(int write_p, int version, int type, const void *buf, size_t n, SSL *ssl, void *arg)
{
	struct heard *h = arg;
	const uint8_t *p = buf;
	(void)version;
	(void)ssl;
	if (write_p || type != SSL3_RT_HANDSHAKE || n < 38)
		return;
	if (p[0] == SSL3_MT_CLIENT_HELLO || p[0] == SSL3_MT_SERVER_HELLO)
		memcpy(h->random[p[0] == SSL3_MT_SERVER_HELLO], p + 6, KEY_PROOF_RANDOM);
	if (p[0] == SSL3_MT_SERVER_KEY_EXCHANGE) {
		assert_true(n - 4 <= sizeof(h->exchange));
		memcpy(h->exchange, p + 4, n - 4);
		h->n = n - 4;
	}
}

static SSL *end_of(SSL_CTX *ctx, bool server, struct heard *h, const char *suites)
{
	SSL *s = SSL_new(ctx);
	assert_int_equal(SSL_set_cipher_list(s, suites), 1);
	SSL_set_msg_callback(s, hear);
	SSL_set_msg_callback_arg(s, h);
	if (server)
		SSL_set_accept_state(s);
	else
		SSL_set_connect_state(s);
	return s;
}

/* A handshake of OpenSSL with itself: the referee of what a good signature is. */
static void handshake(enum who server, int version, const char *suites, const char *schemes, struct heard *h)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_dh_auto(ctx, 1);
	assert_int_equal(SSL_CTX_use_certificate(ctx, cert[server]), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key[server]), 1);
	if (schemes)
		assert_int_equal(SSL_CTX_set1_sigalgs_list(ctx, schemes), 1);
	SSL *s = end_of(ctx, true, h, suites), *c = end_of(ctx, false, h, suites);
	BIO *a, *b;
	memset(h, 0, sizeof(*h));
	assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(s, a, a);
	SSL_set_bio(c, b, b);
	for (int i = 0; i < 20 && !(SSL_is_init_finished(s) && SSL_is_init_finished(c)); i++) {
		SSL_do_handshake(c);
		SSL_do_handshake(s);
	}
	assert_true(SSL_is_init_finished(s) && SSL_is_init_finished(c));
	SSL_free(s);
	SSL_free(c);
	SSL_CTX_free(ctx);
}

static size_t params_of(const uint8_t *p, bool dh)
{
	size_t n = 0;
	if (!dh)
		return 4 + (size_t)p[3]; /* named_curve, group, point (RFC 8422 5.4) */
	for (int i = 0; i < 3; i++)
		n += 2 + (size_t)(p[n] << 8 | p[n + 1]); /* p, g, Ys (RFC 5246 7.4.3) */
	return n;
}

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The proof, as key_proof.h says; in a buffer of exactly its size, which the caller frees. */
static struct bytes proof_of(const struct heard *h, int version, bool dh)
{
	size_t params = params_of(h->exchange, dh), at = params + (version >= TLS1_2_VERSION ? 2 : 0);
	size_t sig = (size_t)(h->exchange[at] << 8 | h->exchange[at + 1]), n = KEY_PROOF_HEAD + params + sig;
	uint8_t *p = malloc(n);
	assert_non_null(p);
	assert_int_equal(at + 2 + sig, h->n);
	put16(p, (size_t)version);
	put16(p + 2, 0xc02f);
	put16(p + 4, at > params ? (size_t)(h->exchange[params] << 8 | h->exchange[params + 1]) : 0);
	put16(p + 6, params);
	put16(p + 8, sig);
	memcpy(p + 10, h->random, sizeof(h->random));
	memcpy(p + KEY_PROOF_HEAD, h->exchange, params);
	memcpy(p + KEY_PROOF_HEAD + params, h->exchange + at + 2, sig);
	return (struct bytes){ p, n };
}

static enum keyproof with_octet_flipped(struct bytes proof, size_t at, enum who who)
{
	uint8_t *p = malloc(proof.n);
	assert_non_null(p);
	memcpy(p, proof.p, proof.n);
	p[at] ^= 1;
	enum keyproof k = peer_key((struct bytes){ p, proof.n }, der[who]);
	free(p);
	return k;
}

static void signatures(void **state)
{
	static const struct {
		const char *why;
		enum who server;
		int version;
		const char *suites, *schemes;
		enum who other; /* a key of the same kind */
	} t[] = {
		{ "RSA, PKCS 1, SHA-256", LEAF_RSA, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "rsa_pkcs1_sha256", LEAF_WEAK },
		{ "RSA, PKCS 1, SHA-384", LEAF_RSA, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "rsa_pkcs1_sha384", LEAF_WEAK },
		{ "RSA, PKCS 1, SHA-512", LEAF_RSA, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "rsa_pkcs1_sha512", LEAF_WEAK },
		{ "RSA, PKCS 1, SHA-224", LEAF_RSA, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "RSA+SHA224", LEAF_WEAK },
		{ "RSA, PKCS 1, SHA-1", LEAF_RSA, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "RSA+SHA1", LEAF_WEAK },
		{ "RSA, PSS, SHA-256", LEAF_RSA, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "rsa_pss_rsae_sha256", LEAF_WEAK },
		{ "RSA, PSS, SHA-384", LEAF_RSA, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "rsa_pss_rsae_sha384", LEAF_WEAK },
		{ "RSA, PSS, SHA-512", LEAF_RSA, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "rsa_pss_rsae_sha512", LEAF_WEAK },
		{ "a key for PSS alone", LEAF_PSS, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "rsa_pss_pss_sha256", LEAF_RSA },
		{ "the same, SHA-384", LEAF_PSS, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "rsa_pss_pss_sha384", LEAF_RSA },
		{ "ECDSA, SHA-256", LEAF, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa_secp256r1_sha256", LEAF_OLD },
		{ "ECDSA, SHA-512", LEAF, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDSA+SHA512", LEAF_OLD },
		{ "ECDSA, SHA-1", LEAF, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDSA+SHA1", LEAF_OLD },
		{ "Ed25519", LEAF_ED, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", "ed25519", LEAF },
		{ "DHE", LEAF_RSA, TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256", NULL, LEAF_WEAK },
		{ "TLS 1.1, RSA: MD5 and SHA-1", LEAF_RSA, TLS1_1_VERSION, "ECDHE-RSA-AES128-SHA", NULL, LEAF_WEAK },
		{ "TLS 1.0, RSA, DHE", LEAF_RSA, TLS1_VERSION, "DHE-RSA-AES128-SHA", NULL, LEAF_WEAK },
		{ "TLS 1.0, ECDSA: SHA-1", LEAF, TLS1_VERSION, "ECDHE-ECDSA-AES128-SHA", NULL, LEAF_OLD },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		static struct heard h;
		handshake(t[i].server, t[i].version, t[i].suites, t[i].schemes, &h);
		struct bytes proof = proof_of(&h, t[i].version, strncmp(t[i].suites, "DHE", 3) == 0);
		enum keyproof k = peer_key(proof, der[t[i].server]);
		if (k != keyproof_verified)
			print_message("%s: %d\n", t[i].why, (int)k);
		assert_int_equal(k, keyproof_verified);
		assert_int_equal(peer_key(proof, der[t[i].other]), keyproof_failed);
		assert_int_equal(with_octet_flipped(proof, 10, t[i].server), keyproof_failed); /* client random */
		assert_int_equal(with_octet_flipped(proof, 42, t[i].server), keyproof_failed); /* server random */
		assert_int_equal(with_octet_flipped(proof, KEY_PROOF_HEAD + 6, t[i].server), keyproof_failed);
		assert_int_equal(with_octet_flipped(proof, proof.n - 1, t[i].server), keyproof_failed);
		free((void *)(uintptr_t)proof.p);
	}
	print_message("%zu handshakes\n", sizeof(t) / sizeof(t[0]));
}

/* Whatever the octets, no more than "not checked" or "failed" comes of a proof that is not one. */
static void broken_proofs(void **state)
{
	static struct heard h;
	(void)state;
	handshake(LEAF, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", NULL, &h);
	struct bytes proof = proof_of(&h, TLS1_2_VERSION, false);
	for (size_t n = 0; n < proof.n; n++) {
		uint8_t *cut = malloc(n ? n : 1);
		assert_non_null(cut);
		memcpy(cut, proof.p, n);
		assert_int_equal(peer_key((struct bytes){ n ? cut : NULL, n }, der[LEAF]), keyproof_not_checked);
		free(cut);
	}
	uint8_t *p = malloc(proof.n + 1);
	assert_non_null(p);
	memcpy(p, proof.p, proof.n);
	p[proof.n] = 0;
	assert_int_equal(peer_key((struct bytes){ p, proof.n + 1 }, der[LEAF]), keyproof_not_checked); /* one octet too many */
	static const struct {
		uint16_t scheme;
		enum keyproof k;
	} schemes[] = { { 0x0000, keyproof_not_checked }, { 0x0401, keyproof_failed }, { 0x0402, keyproof_failed },
			{ 0x0404, keyproof_not_checked }, { 0x0703, keyproof_not_checked }, { 0x0804, keyproof_failed },
			{ 0x0807, keyproof_failed },	  { 0x080c, keyproof_not_checked }, { 0x2403, keyproof_not_checked } };
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		put16(p + 4, schemes[i].scheme);
		assert_int_equal(peer_key((struct bytes){ p, proof.n }, der[LEAF]), schemes[i].k);
	}
	assert_int_equal(peer_key(proof, (struct bytes){ 0 }), keyproof_not_checked);
	assert_int_equal(peer_key(proof, bytes_head(der[LEAF], der[LEAF].n - 1)), keyproof_not_checked);
	free(p);
	free((void *)(uintptr_t)proof.p);
}

/* ---- the chain ---- */

#define P(x) (UINT32_C(1) << pkixproblem_##x)

/* certificate_list in a buffer of exactly its size, which the caller frees; chain ends with WHOS. */
static struct bytes list_of(const enum who *chain)
{
	static uint8_t room[ROOM];
	size_t n = 0;
	for (; *chain != WHOS; chain++) {
		struct bytes d = der[*chain];
		assert_true(n + 3 + d.n <= sizeof(room));
		room[n] = 0;
		put16(room + n + 1, d.n);
		memcpy(room + n + 3, d.p, d.n);
		n += 3 + d.n;
	}
	uint8_t *p = malloc(n ? n : 1);
	assert_non_null(p);
	memcpy(p, room, n);
	return (struct bytes){ p, n };
}

static struct peer *peer_of(bool trusts)
{
	struct peer *p = peer_new();
	BIO *out = BIO_new(BIO_s_mem());
	char *pem;
	assert_non_null(p);
	if (trusts) {
		BIO_puts(out, "# a comment\n");
		PEM_write_bio_X509(out, cert[ROOT]);
		long n = BIO_get_mem_data(out, &pem);
		assert_int_equal(peer_trust(p, (struct bytes){ (uint8_t *)pem, (size_t)n }), 1);
	}
	BIO_free(out);
	return p;
}

/* day: from NOW. none: without trusted certificates */
static const struct {
	const char *why;
	enum who chain[6];
	const char *host;
	int day;
	enum pkix result;
	uint32_t problems;
	enum pkix none_result;
	uint32_t none_problems;
} chains[] = {
	{ "good", { LEAF, INTER, WHOS }, MX, 0, pkix_valid, 0, pkix_not_checked, 0 },
	{ "good, with its root", { LEAF, INTER, ROOT, WHOS }, MX, 0, pkix_valid, 0, pkix_not_checked, 0 },
	{ "good, another case of the name", { LEAF, INTER, WHOS }, "Mx.Example.NET", 0, pkix_valid, 0, pkix_not_checked, 0 },
	{ "good, a wildcard", { LEAF_WILD, INTER, WHOS }, MX, 0, pkix_valid, 0, pkix_not_checked, 0 },
	{ "near miss: a wildcard is one label", { LEAF_WILD, INTER, WHOS }, "a.mx.example.net", 0, pkix_invalid, P(host_mismatch),
	  pkix_invalid, P(host_mismatch) },
	{ "a name in the subject, where there is no other", { LEAF_CN, INTER, WHOS }, MX, 0, pkix_valid, 0, pkix_not_checked, 0 },
	{ "near miss: another is there", { LEAF_OTHER, INTER, WHOS }, MX, 0, pkix_invalid, P(host_mismatch), pkix_invalid, P(host_mismatch) },
	{ "no name to look for: not valid, and nothing wrong", { LEAF_OTHER, INTER, WHOS }, NULL, 0, pkix_not_checked, 0, pkix_not_checked, 0 },
	{ "expired", { LEAF_OLD, INTER, WHOS }, MX, 0, pkix_invalid, P(expired), pkix_invalid, P(expired) },
	{ "not yet valid", { LEAF_NEW, INTER, WHOS }, MX, 0, pkix_invalid, P(not_yet_valid), pkix_invalid, P(not_yet_valid) },
	{ "near miss: later it is", { LEAF_NEW, INTER, WHOS }, MX, 6, pkix_valid, 0, pkix_not_checked, 0 },
	{ "near miss: earlier it was", { LEAF_OLD, INTER, WHOS }, MX, -250, pkix_valid, 0, pkix_not_checked, 0 },
	{ "the issuer expired", { LEAF_OF_OLD, INTER_OLD, WHOS }, MX, 0, pkix_invalid, P(expired), pkix_invalid, P(expired) },
	{ "self-signed", { SELF, WHOS }, MX, 0, pkix_invalid, P(self_signed), pkix_invalid, P(self_signed) },
	{ "all that is wrong, not the first alone", { SELF_WEAK, WHOS }, MX, 0, pkix_invalid,
	  P(self_signed) | P(expired) | P(host_mismatch) | P(weak_key), pkix_invalid,
	  P(self_signed) | P(expired) | P(host_mismatch) | P(weak_key) },
	{ "another root", { LEAF_FOREIGN, FOREIGN, WHOS }, MX, 0, pkix_invalid, P(untrusted), pkix_not_checked, 0 },
	{ "the intermediate is missing", { LEAF, WHOS }, MX, 0, pkix_invalid, P(incomplete_chain), pkix_not_checked, 0 },
	{ "an intermediate of that name, but another key", { LEAF, FAKE_INTER, WHOS }, MX, 0, pkix_invalid,
	  P(untrusted) | P(incomplete_chain), pkix_invalid, P(untrusted) },
	{ "the issuer may not sign certificates", { LEAF_OF_NOT_CA, NOT_CA, WHOS }, MX, 0, pkix_invalid, P(untrusted), pkix_invalid,
	  P(untrusted) },
	{ "signed with SHA-1", { LEAF_SHA1, INTER, WHOS }, MX, 0, pkix_invalid, P(weak_signature), pkix_invalid, P(weak_signature) },
	{ "RSA with 1024 bits", { LEAF_WEAK, INTER, WHOS }, MX, 0, pkix_invalid, P(weak_key), pkix_invalid, P(weak_key) },
	{ "near miss: 2048", { LEAF_RSA, INTER, WHOS }, MX, 0, pkix_valid, 0, pkix_not_checked, 0 },
	{ "Ed25519", { LEAF_ED, INTER, WHOS }, MX, 0, pkix_valid, 0, pkix_not_checked, 0 },
};

static void check_chain(size_t i, struct peer *p, enum pkix result, uint32_t problems)
{
	struct bytes list = list_of(chains[i].chain);
	struct pkix_result r;
	for (int again = 0; again < 2; again++) {
		peer_pkix(p, list, chains[i].host, (NOW + (int64_t)chains[i].day * DAY) * NS, &r);
		if (r.result != result || r.problems != problems)
			print_message("%s: result %d problems %x\n", chains[i].why, r.result, r.problems);
		assert_int_equal(r.result, result);
		assert_int_equal(r.problems, problems);
	}
	free((void *)(uintptr_t)list.p);
}

static void every_chain(void **state)
{
	struct peer *some = peer_of(true), *none = peer_of(false);
	(void)state;
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		check_chain(i, some, chains[i].result, chains[i].problems);
		check_chain(i, none, chains[i].none_result, chains[i].none_problems);
	}
	print_message("%zu chains\n", sizeof(chains) / sizeof(chains[0]));
	peer_free(some);
	peer_free(none);
}

/* The last second of a certificate, and the first one behind it; remembered or not. */
static void to_the_second(void **state)
{
	static const enum who chain[] = { LEAF, INTER, WHOS };
	static const struct {
		int64_t at;
		uint32_t problems;
	} t[] = { { -10LL * DAY - 1, P(not_yet_valid) }, { -10LL * DAY, 0 }, { 80LL * DAY, 0 }, { 80LL * DAY + 1, P(expired) },
		  { 80LL * DAY, 0 }, { 501LL * DAY, P(expired) }, { -501LL * DAY, P(not_yet_valid) }, { 0, 0 } };
	struct peer *p = peer_of(true);
	struct bytes list = list_of(chain);
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct pkix_result r;
		peer_pkix(p, list, MX, (NOW + t[i].at) * NS + NS - 1, &r);
		assert_int_equal(r.problems, t[i].problems);
	}
	free((void *)(uintptr_t)list.p);
	peer_free(p);
}

static void malformed(void **state)
{
	static const enum who chain[] = { LEAF, INTER, WHOS };
	struct peer *p = peer_of(true);
	struct bytes list = list_of(chain);
	uint8_t *m = (uint8_t *)(uintptr_t)list.p;
	struct pkix_result r;
	(void)state;
	m[3] ^= 1; /* not a SEQUENCE any more */
	peer_pkix(p, list, MX, NOW * NS, &r);
	assert_int_equal(r.result, pkix_invalid);
	assert_int_equal(r.problems, P(malformed));
	m[3] ^= 1;
	m[3 + der[LEAF].n + 3] ^= 1; /* nor the second */
	peer_pkix(p, list, MX, NOW * NS, &r);
	assert_int_equal(r.problems, P(malformed));
	m[3 + der[LEAF].n + 3] ^= 1;
	m[2 + der[LEAF].n] ^= 1; /* the last octet of the leaf's signature */
	peer_pkix(p, list, MX, NOW * NS, &r);
	assert_int_equal(r.result, pkix_invalid);
	peer_pkix(p, (struct bytes){ NULL, 0 }, MX, NOW * NS, &r);
	assert_int_equal(r.result, pkix_not_checked);
	free(m);
	peer_free(p);
}

static void too_long(void **state)
{
	enum who chain[PEER_CHAIN_CERTS + 2] = { LEAF };
	struct peer *p = peer_of(true);
	struct pkix_result r;
	(void)state;
	for (int more = 0; more < 2; more++) {
		for (int i = 1; i < PEER_CHAIN_CERTS + more; i++)
			chain[i] = INTER;
		chain[PEER_CHAIN_CERTS + more] = WHOS;
		struct bytes list = list_of(chain);
		peer_pkix(p, list, MX, NOW * NS, &r);
		assert_int_equal(r.result, more ? pkix_not_checked : pkix_valid);
		free((void *)(uintptr_t)list.p);
	}
	peer_free(p);
}

static void bundles(void **state)
{
	static const char *const bad[] = { "", "no certificate\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
					   "-----BEGIN CERTIFICATE-----\nMIIB" };
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct peer *p = peer_new();
		assert_int_equal(peer_trust(p, bytes_of(bad[i])), -1);
		peer_free(p);
	}
	peer_free(NULL);
}

/* ---- the session ---- */

static void sessions(void **state)
{
	static const enum who good[] = { LEAF, INTER, WHOS }, self[] = { SELF, WHOS };
	static const struct {
		const char *why;
		bool visible;
		const enum who *chain;
		const char *suite, *matched;
		enum expect expect;
		int verdict;  /* of DANE, -1: none */
		int flip;     /* octet of the proof to spoil, -1: none */
		int key;      /* -1: unseen */
		int pkix, after;
	} t[] = {
		{ "nobody asks", true, good, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", NULL, expect_none, -1, -1, keyproof_not_checked,
		  pkix_valid, -1 },
		{ "a promise asks", true, good, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "3 1 1", expect_dane, daneverdict_match, -1,
		  keyproof_verified, pkix_not_checked, daneverdict_match },
		{ "usage 2: names and dates count", true, good, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "2 1 1", expect_dane,
		  daneverdict_match, -1, keyproof_verified, pkix_valid, daneverdict_match },
		{ "a certificate without its key is no match", true, good, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "3 1 1", expect_dane,
		  daneverdict_match, 12, keyproof_failed, pkix_not_checked, daneverdict_not_visible },
		{ "a mismatch asks, and stays one", true, good, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", NULL, expect_none,
		  daneverdict_mismatch, -1, keyproof_verified, pkix_valid, daneverdict_mismatch },
		{ "a mismatch without its key", true, self, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", NULL, expect_dane,
		  daneverdict_mismatch, -1, keyproof_failed, pkix_invalid, daneverdict_mismatch },
		{ "RSA key transport signs nothing", true, good, "TLS_RSA_WITH_AES_128_CBC_SHA", NULL, expect_dane, daneverdict_match, -1,
		  keyproof_none, pkix_valid, daneverdict_match },
		{ "no certificate was seen", false, good, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", NULL, expect_dane,
		  daneverdict_not_visible, -1, -1, -1, daneverdict_not_visible },
	};
	static struct record s;
	static struct heard h;
	struct peer *p = peer_of(true);
	(void)state;
	handshake(LEAF, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", NULL, &h);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct bytes list = list_of(t[i].chain), proof = proof_of(&h, TLS1_2_VERSION, false);
		record_init(&s);
		record_num(&s, F_event_start, NOW * NS);
		record_num(&s, F_tls_cert_vis, t[i].visible ? visibility_visible : visibility_hidden);
		record_cstr(&s, F_tls_cipher, t[i].suite);
		record_yes(&s, F_tls_established);
		record_cstr(&s, F_id_host, MX);
		record_num(&s, F_expect, t[i].expect);
		record_num(&s, F_pkix, pkix_invalid); /* of another process, which has no say */
		record_add_num(&s, F_pkix_problems, pkixproblem_expired);
		record_num(&s, F_tls_key_proof, keyproof_verified);
		if (t[i].matched)
			record_cstr(&s, F_dane_matched, t[i].matched);
		if (t[i].verdict >= 0)
			record_num(&s, F_dane_verdict, t[i].verdict);
		if (t[i].flip >= 0)
			((uint8_t *)(uintptr_t)proof.p)[t[i].flip] ^= 1;
		peer_judge(p, &s, list, proof);
		int64_t got_key = record_get_num(&s, F_tls_key_proof, -1), got = record_get_num(&s, F_pkix, -1);
		if (got_key != t[i].key || got != t[i].pkix)
			print_message("%s: key %d pkix %d\n", t[i].why, (int)got_key, (int)got);
		assert_int_equal(got_key, t[i].key);
		assert_int_equal(got, t[i].pkix);
		assert_int_equal(record_get_num(&s, F_dane_verdict, -1), t[i].after);
		assert_int_equal(record_count(&s, F_pkix_problems), t[i].pkix == pkix_invalid);
		assert_true(record_check(&s, record_size(&s)));
		free((void *)(uintptr_t)list.p);
		free((void *)(uintptr_t)proof.p);
	}
	peer_free(p);
}

/* A chain that the client neither took nor refused says nothing of anybody: what is yet to come may make it void. */
static void undecided(void **state)
{
	static const struct {
		const char *why;
		bool established, failed, alert;
		enum side side;
		enum pkix want;
	} t[] = {
		{ "the certificate was the last that was seen", false, false, false, side_client, pkix_not_checked },
		{ "an alert, and nobody knows whether it was the end", false, false, true, side_client, pkix_not_checked },
		{ "the server gave up", false, true, true, side_server, pkix_not_checked },
		{ "the client refused it", false, true, true, side_client, pkix_invalid },
		{ "the client took it", true, false, false, side_client, pkix_invalid },
	};
	static const enum who chain[] = { SELF, WHOS };
	static struct record s;
	struct peer *p = peer_of(true);
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct bytes list = list_of(chain);
		record_init(&s);
		record_num(&s, F_event_start, NOW * NS);
		record_num(&s, F_tls_cert_vis, visibility_visible);
		record_cstr(&s, F_id_host, MX);
		record_tri(&s, F_tls_established, t[i].established ? TRI_YES : TRI_UNSEEN);
		record_tri(&s, F_tls_failed, t[i].failed ? TRI_YES : TRI_UNSEEN);
		if (t[i].alert)
			record_num(&s, F_tls_alert_side, t[i].side);
		peer_judge(p, &s, list, (struct bytes){ 0 });
		if (record_get_num(&s, F_pkix, -1) != (int64_t)t[i].want)
			fail_msg("%s", t[i].why);
		free((void *)(uintptr_t)list.p);
	}
	peer_free(p);
}

/* Hours, rounded down, of what the wire said of the certificate's dates. */
static void dates(void **state)
{
	static const int64_t hour = INT64_C(3600) * NS;
	static const struct {
		const char *why;
		int64_t begin, end, validity, age; /* ns before and after the session; hours */
	} t[] = {
		{ "three days, just begun", 0, 72 * hour, 72, 0 },
		{ "a second less than two hours ago", 2 * hour - NS, 0, 1, 1 },
		{ "it begins in a second", -NS, 72 * hour, 71, -1 },
		{ "it begins in a day", -24 * hour, 48 * hour, 24, -24 },
		{ "it ends before it begins", 0, -NS, -1, 0 },
	};
	static const enum who chain[] = { SELF, WHOS };
	static struct record s;
	struct peer *p = peer_of(true);
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct bytes list = list_of(chain);
		record_init(&s);
		record_num(&s, F_event_start, NOW * NS);
		record_num(&s, F_tls_cert_vis, visibility_visible);
		record_num(&s, F_pkix_age, 1000);
		peer_judge(p, &s, list, (struct bytes){ 0 });
		assert_false(record_has(&s, F_pkix_age)); /* without dates nothing is said, whatever stood there */
		record_num(&s, F_x509_not_before, NOW * NS - t[i].begin);
		record_num(&s, F_x509_not_after, NOW * NS + t[i].end);
		peer_judge(p, &s, list, (struct bytes){ 0 });
		if (record_get_num(&s, F_pkix_validity, 9999) != t[i].validity || record_get_num(&s, F_pkix_age, 9999) != t[i].age)
			fail_msg("%s: %lld, %lld", t[i].why, (long long)record_get_num(&s, F_pkix_validity, 9999),
				 (long long)record_get_num(&s, F_pkix_age, 9999));
		free((void *)(uintptr_t)list.p);
	}
	peer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures),	 cmocka_unit_test(broken_proofs), cmocka_unit_test(every_chain),
		cmocka_unit_test(to_the_second), cmocka_unit_test(malformed),	  cmocka_unit_test(too_long),
		cmocka_unit_test(bundles),	 cmocka_unit_test(sessions),
		cmocka_unit_test(undecided),	 cmocka_unit_test(dates),
	};
	return cmocka_run_group_tests(tests, world_up, world_down);
}
