/* dane: our rule against a table of RFC 6698, 7671, 7672 cases, and every case against OpenSSL's own verifier over a
 * connection that never was. Certificates are made here, new for each run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include "judge/dane.h"

enum { NOW = 1790000000, DAY = 86400, DEEP = 20 };
#define NS 1000000000LL

/* Certificates of the test world. */
enum who {
	ROOT, INTER, LEAF, LEAF_WILD, LEAF_CN, LEAF_NEXTHOP, LEAF_OLD, LEAF_NEW, LEAF_OTHER, LEAF_RSA, LEAF_ED, SELF, INTER_OLD,
	LEAF_OF_OLD, ROOT_OLD, LEAF_OF_ROOT_OLD, NOT_CA, LEAF_OF_NOT_CA, LEAF_PARTIAL,
	EVIL_ROOT, EVIL_LEAF, EVIL_SELF, DEEP0, WHOS = DEEP0 + DEEP
};

struct world {
	X509 *cert[WHOS];
	EVP_PKEY *key[WHOS];
	struct bytes der[WHOS], spki[WHOS];
};
static struct world w;
static struct dane *dane;

static void add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* san NULL: none; issuer WHOS: itself; from, until: days from NOW */
static void make(enum who i, const char *cn, const char *san, enum who issuer, bool ca, int from, int until, EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();
	if (issuer == WHOS)
		issuer = i;
	w.key[i] = key;
	w.cert[i] = x;
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1000 + (long)i);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_subject_name(x, name);
	X509_set_issuer_name(x, issuer == i ? name : X509_get_subject_name(w.cert[issuer]));
	ASN1_TIME_set(X509_getm_notBefore(x), NOW + (time_t)from * DAY);
	ASN1_TIME_set(X509_getm_notAfter(x), NOW + (time_t)until * DAY);
	X509_set_pubkey(x, key);
	add_ext(x, w.cert[issuer], NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_ext(x, w.cert[issuer], NID_subject_key_identifier, "hash");
	if (san)
		add_ext(x, w.cert[issuer], NID_subject_alt_name, san);
	bool ed = EVP_PKEY_get_base_id(w.key[issuer]) == EVP_PKEY_ED25519;
	assert_true(X509_sign(x, w.key[issuer], ed ? NULL : EVP_sha256()) > 0);
	X509_NAME_free(name);
	unsigned char *der = NULL, *spki = NULL;
	int n = i2d_X509(x, &der), k = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
	assert_true(n > 0 && k > 0);
	w.der[i] = (struct bytes){ der, (size_t)n };
	w.spki[i] = (struct bytes){ spki, (size_t)k };
}

static EVP_PKEY *ec(void)
{
	return EVP_EC_gen("P-256");
}

static int world_up(void **state)
{
	(void)state;
	const char *mx = "DNS:mx.example.net";
	make(ROOT, "root", NULL, WHOS, true, -1000, 1000, ec());
	make(INTER, "inter", NULL, ROOT, true, -500, 500, ec());
	make(LEAF, "mx.example.net", mx, INTER, false, -10, 80, ec());
	make(LEAF_WILD, "x", "DNS:*.example.net", INTER, false, -10, 80, ec());
	make(LEAF_CN, "mx.example.net", NULL, INTER, false, -10, 80, ec());
	make(LEAF_NEXTHOP, "x", "DNS:example.org", INTER, false, -10, 80, ec());
	make(LEAF_OLD, "mx.example.net", mx, INTER, false, -300, -200, ec());
	make(LEAF_NEW, "mx.example.net", mx, INTER, false, 5, 100, ec());
	make(LEAF_OTHER, "mx.example.net", "DNS:other.example.com", INTER, false, -10, 80, ec());
	make(LEAF_RSA, "mx.example.net", mx, INTER, false, -10, 80, EVP_RSA_gen(2048));
	make(LEAF_ED, "mx.example.net", mx, INTER, false, -10, 80, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	make(SELF, "self", NULL, WHOS, false, -900, -800, ec());
	make(INTER_OLD, "inter-old", NULL, ROOT, true, -500, -100, ec());
	make(LEAF_OF_OLD, "mx.example.net", mx, INTER_OLD, false, -10, 80, ec());
	make(ROOT_OLD, "root-old", NULL, WHOS, true, -500, -100, ec());
	make(LEAF_OF_ROOT_OLD, "mx.example.net", mx, ROOT_OLD, false, -10, 80, ec());
	make(NOT_CA, "not-ca", NULL, ROOT, false, -500, 500, ec());
	make(LEAF_OF_NOT_CA, "mx.example.net", mx, NOT_CA, false, -10, 80, ec());
	make(LEAF_PARTIAL, "x", "DNS:m*.example.net", INTER, false, -10, 80, ec());
	make(EVIL_ROOT, "root", NULL, WHOS, true, -1000, 1000, ec());
	make(EVIL_LEAF, "mx.example.net", mx, EVIL_ROOT, false, -10, 80, ec());
	make(EVIL_SELF, "mx.example.net", mx, WHOS, false, -10, 80, ec());
	make(DEEP0, "deep0", NULL, ROOT, true, -500, 500, ec());
	for (int i = 1; i < DEEP; i++) {
		char cn[] = { 'd', 'e', 'e', 'p', (char)('a' + i), 0 };
		bool leaf = i == DEEP - 1;
		make((enum who)(DEEP0 + i), cn, leaf ? mx : NULL, (enum who)(DEEP0 + i - 1), !leaf, -500, 500, ec());
	}
	dane = dane_init();
	return dane ? 0 : -1;
}

static int world_down(void **state)
{
	(void)state;
	for (int i = 0; i < WHOS; i++) {
		X509_free(w.cert[i]);
		EVP_PKEY_free(w.key[i]);
		OPENSSL_free((void *)(uintptr_t)w.der[i].p);
		OPENSSL_free((void *)(uintptr_t)w.spki[i].p);
	}
	dane_free(dane);
	return 0;
}

enum mangle { AS_IS, FLIP, SHORT, LONG, EMPTY, HEAD_ONLY, NO_DATA_AT_ALL };

struct rec {
	uint8_t usage, selector, matching;
	enum who who;
	enum mangle mangle;
};

/* RDATA in a buffer of exactly its size. */
static struct bytes rdata_of(const struct rec *r)
{
	struct bytes object = r->selector == 1 ? w.spki[r->who] : w.der[r->who];
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (r->matching == 1 || r->matching == 2) {
		EVP_Digest(object.p, object.n, md, &n, r->matching == 1 ? EVP_sha256() : EVP_sha512(), NULL);
		object = (struct bytes){ md, n };
	}
	size_t len = object.n;
	if (r->mangle == SHORT)
		len--;
	else if (r->mangle == LONG)
		len++;
	else if (r->mangle == EMPTY)
		len = 0;
	if (r->mangle == NO_DATA_AT_ALL) {
		uint8_t *two = malloc(2);
		two[0] = r->usage;
		two[1] = r->selector;
		return (struct bytes){ two, 2 };
	}
	uint8_t *p = malloc(3 + len);
	p[0] = r->usage;
	p[1] = r->selector;
	p[2] = r->matching;
	memset(p + 3, 0, len);
	memcpy(p + 3, object.p, len < object.n ? len : object.n);
	if (r->mangle == FLIP)
		p[3 + len / 2] ^= 1;
	if (r->mangle == HEAD_ONLY && len > 0)
		p[3] = 0x31; /* not a SEQUENCE any more */
	return (struct bytes){ p, 3 + len };
}

static struct bytes chain_of(const int *who, size_t n)
{
	size_t total = 0, at = 0;
	for (size_t i = 0; i < n; i++)
		total += 3 + w.der[who[i]].n;
	uint8_t *p = malloc(total ? total : 1);
	for (size_t i = 0; i < n; i++) {
		struct bytes d = w.der[who[i]];
		p[at] = (uint8_t)(d.n >> 16);
		p[at + 1] = (uint8_t)(d.n >> 8);
		p[at + 2] = (uint8_t)d.n;
		memcpy(p + at + 3, d.p, d.n);
		at += 3 + d.n;
	}
	return (struct bytes){ p, total };
}

/* OpenSSL's opinion, with what RFC 7672 says beyond it: usages 0 and 1 left out, nothing usable = not asked.
 * usable  out: records it accepted            returns 1 match, 0 no match, -1 nothing usable */
static int oracle(const struct tlsa_set *set, const int *who, size_t certs, const char *const *name, size_t names, int64_t at,
		  unsigned *usable)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_dane_enable(ctx);
	SSL *s = SSL_new(ctx);
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	assert_true(SSL_dane_enable(s, name[0]) > 0);
	SSL_dane_set_flags(s, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	SSL_set_hostflags(s, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	for (size_t i = 1; i < names; i++)
		SSL_add1_host(s, name[i]);
	*usable = 0;
	for (unsigned i = 0; i < set->n; i++)
		if (set->rr[i].n >= 3 && set->rr[i].p[0] >= 2)
			*usable += SSL_dane_tlsa_add(s, set->rr[i].p[0], set->rr[i].p[1], set->rr[i].p[2], set->rr[i].p + 3,
						     set->rr[i].n - 3) == 1;
	int result = -1;
	if (*usable > 0) {
		for (size_t i = 0; i < certs; i++)
			sk_X509_push(chain, w.cert[who[i]]);
		X509_STORE_CTX *c = X509_STORE_CTX_new();
		X509_STORE_CTX_init(c, store, w.cert[who[0]], chain);
		X509_STORE_CTX_set0_dane(c, SSL_get0_dane(s));
		X509_STORE_CTX_set_default(c, "ssl_server");
		X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(c);
		X509_VERIFY_PARAM_set1(p, SSL_get0_param(s));
		X509_VERIFY_PARAM_set_auth_level(p, 0);
		X509_VERIFY_PARAM_set_time(p, (time_t)at);
		result = X509_verify_cert(c) == 1;
		X509_STORE_CTX_free(c);
	}
	sk_X509_free(chain);
	X509_STORE_free(store);
	SSL_free(s);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return result;
}

enum { MATCH1 = tlsaresult_match, NOMATCH = tlsaresult_no_match, UNUSABLE = tlsaresult_unusable, DROPPED = tlsaresult_agility_dropped,
       NOT = tlsaresult_not_compared };
#define V(x) danevariant_##x

/* chain: up to 4 certificates, WHOS ends it; each: expected result of each record; names: 0 base, 1 base and next hop */
static const struct {
	struct rec rec[5];
	unsigned recs;
	int chain[4];
	int names;
	int matched;
	enum danevariant variant;
	uint8_t each[5];
	const char *why;
} cases[] = {
	/* usage 3: the leaf and nothing else */
	{ { { 3, 1, 1, LEAF, 0 } }, 1, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "3 1 1" },
	{ { { 3, 0, 1, LEAF, 0 } }, 1, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "3 0 1" },
	{ { { 3, 1, 2, LEAF, 0 } }, 1, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "3 1 2" },
	{ { { 3, 0, 2, LEAF, 0 } }, 1, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "3 0 2" },
	{ { { 3, 1, 0, LEAF, 0 } }, 1, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "3 1 0: the key in full" },
	{ { { 3, 0, 0, LEAF, 0 } }, 1, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "3 0 0: the certificate in full" },
	{ { { 3, 1, 1, LEAF_RSA, 0 } }, 1, { LEAF_RSA, WHOS }, 0, 0, V(none), { MATCH1 }, "RSA, chain of one" },
	{ { { 3, 1, 1, LEAF_ED, 0 } }, 1, { LEAF_ED, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "Ed25519" },
	{ { { 3, 1, 1, SELF, 0 } }, 1, { SELF, WHOS }, 0, 0, V(none), { MATCH1 }, "self-signed, expired, no name: all ignored" },
	{ { { 3, 1, 1, LEAF_OLD, 0 } }, 1, { LEAF_OLD, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "expired: MUST be ignored" },
	{ { { 3, 1, 1, LEAF_NEW, 0 } }, 1, { LEAF_NEW, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "not yet valid: ignored" },
	{ { { 3, 1, 1, LEAF_OTHER, 0 } }, 1, { LEAF_OTHER, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "wrong name: MUST be ignored" },
	{ { { 3, 1, 1, LEAF, 0 } }, 1, { EVIL_LEAF, EVIL_ROOT, WHOS }, 0, -1, V(ee_no_match), { NOMATCH }, "another key, same names" },
	{ { { 3, 1, 1, LEAF, 0 } }, 1, { EVIL_SELF, WHOS }, 0, -1, V(ee_no_match), { NOMATCH }, "self-signed interceptor" },
	{ { { 3, 1, 1, LEAF, 0 } }, 1, { EVIL_LEAF, LEAF, INTER, WHOS }, 0, -1, V(ee_no_match), { NOMATCH }, "the true leaf higher up is no leaf" },
	{ { { 3, 1, 1, INTER, 0 } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(ee_no_match), { NOMATCH }, "usage 3 that names the CA" },
	{ { { 3, 0, 1, INTER, 0 } }, 1, { LEAF, INTER, ROOT, WHOS }, 0, -1, V(ee_no_match), { NOMATCH }, "the same by certificate" },
	{ { { 3, 1, 1, LEAF, FLIP } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(ee_no_match), { NOMATCH }, "one bit of the digest" },
	{ { { 3, 0, 0, LEAF, 0 } }, 1, { LEAF_RSA, INTER, WHOS }, 0, -1, V(ee_no_match), { NOMATCH }, "another certificate in full" },
	/* several records */
	{ { { 3, 1, 1, EVIL_LEAF, 0 }, { 3, 1, 1, LEAF, 0 } }, 2, { LEAF, INTER, WHOS }, 0, 1, V(none), { NOMATCH, MATCH1 }, "rollover: one match suffices" },
	{ { { 3, 1, 1, LEAF, 0 }, { 3, 1, 1, LEAF, 0 } }, 2, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1, MATCH1 }, "the same twice" },
	{ { { 3, 1, 1, EVIL_LEAF, 0 }, { 2, 1, 1, INTER, 0 } }, 2, { LEAF, INTER, WHOS }, 0, 1, V(none), { NOMATCH, MATCH1 }, "3 fails, 2 matches" },
	{ { { 2, 1, 1, EVIL_ROOT, 0 }, { 3, 1, 1, LEAF, 0 } }, 2, { LEAF, INTER, WHOS }, 0, 1, V(none), { NOT, MATCH1 }, "3 decides, 2 not looked at" },
	{ { { 2, 1, 1, EVIL_ROOT, 0 }, { 3, 1, 1, EVIL_LEAF, 0 } }, 2, { LEAF, INTER, WHOS }, 0, -1, V(ee_no_match), { NOMATCH, NOMATCH }, "both fail" },
	/* agility, RFC 7671 9 */
	{ { { 3, 1, 1, LEAF, 0 }, { 3, 1, 2, EVIL_LEAF, 0 } }, 2, { LEAF, INTER, WHOS }, 0, -1, V(agility_only_weak), { DROPPED, NOMATCH }, "only the weaker digest matches" },
	{ { { 3, 1, 1, EVIL_LEAF, 0 }, { 3, 1, 2, LEAF, 0 } }, 2, { LEAF, INTER, WHOS }, 0, 1, V(none), { DROPPED, MATCH1 }, "the strong one matches" },
	{ { { 3, 1, 1, EVIL_LEAF, 0 }, { 3, 1, 2, EVIL_LEAF, 0 } }, 2, { LEAF, INTER, WHOS }, 0, -1, V(ee_no_match), { DROPPED, NOMATCH }, "neither would match" },
	{ { { 3, 1, 1, LEAF, 0 }, { 3, 0, 2, EVIL_LEAF, 0 } }, 2, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1, NOMATCH }, "not across selectors" },
	{ { { 3, 1, 1, LEAF, 0 }, { 2, 1, 2, EVIL_ROOT, 0 } }, 2, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1, NOT }, "not across usages" },
	{ { { 3, 1, 1, LEAF, 0 }, { 3, 1, 0, EVIL_LEAF, 0 } }, 2, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1, NOMATCH }, "Full(0) drops nothing" },
	{ { { 3, 1, 0, LEAF, 0 }, { 3, 1, 2, EVIL_LEAF, 0 } }, 2, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1, NOMATCH }, "and is not dropped" },
	{ { { 3, 1, 1, LEAF, 0 }, { 3, 1, 2, LEAF, SHORT } }, 2, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1, UNUSABLE }, "an unusable strong one drops nothing" },
	{ { { 3, 1, 1, LEAF, 0 }, { 1, 1, 2, EVIL_LEAF, 0 } }, 2, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1, UNUSABLE }, "nor does one of usage 1" },
	{ { { 2, 1, 1, INTER, 0 }, { 2, 1, 2, EVIL_ROOT, 0 } }, 2, { LEAF, INTER, WHOS }, 0, -1, V(agility_only_weak), { DROPPED, NOMATCH }, "agility in usage 2" },
	{ { { 2, 1, 1, EVIL_ROOT, 0 }, { 2, 1, 2, INTER, 0 } }, 2, { LEAF, INTER, WHOS }, 0, 1, V(none), { DROPPED, MATCH1 }, "agility in usage 2, strong matches" },
	/* usability */
	{ { { 1, 1, 1, LEAF, 0 } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "usage 1 only" },
	{ { { 0, 1, 1, INTER, 0 }, { 1, 0, 1, LEAF, 0 } }, 2, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE, UNUSABLE }, "usages 0 and 1" },
	{ { { 1, 1, 1, LEAF, 0 }, { 3, 1, 1, EVIL_LEAF, 0 } }, 2, { LEAF, INTER, WHOS }, 0, -1, V(ee_no_match), { UNUSABLE, NOMATCH }, "usage 1 does not save a mismatch" },
	{ { { 3, 1, 1, LEAF, SHORT } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "31 octets of SHA-256" },
	{ { { 3, 1, 1, LEAF, LONG } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "33 octets" },
	{ { { 3, 1, 2, LEAF, SHORT } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "63 octets of SHA-512" },
	{ { { 3, 1, 1, LEAF, EMPTY } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "no digest" },
	{ { { 3, 0, 0, LEAF, EMPTY } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "no certificate" },
	{ { { 3, 0, 0, LEAF, HEAD_ONLY } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "not DER" },
	{ { { 3, 0, 0, LEAF, LONG } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "an octet behind the certificate" },
	{ { { 3, 1, 0, LEAF, SHORT } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "a cut key" },
	{ { { 2, 1, 0, INTER, HEAD_ONLY } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "not a key" },
	{ { { 3, 2, 1, LEAF, 0 } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "selector 2" },
	{ { { 3, 1, 3, LEAF, 0 } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "matching type 3" },
	{ { { 4, 1, 1, LEAF, 0 } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "usage 4" },
	{ { { 255, 1, 1, LEAF, 0 } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "usage 255" },
	{ { { 3, 1, 1, LEAF, NO_DATA_AT_ALL } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(none), { UNUSABLE }, "two octets of RDATA" },
	{ { { 3, 1, 1, LEAF, SHORT }, { 3, 1, 1, LEAF, 0 } }, 2, { LEAF, INTER, WHOS }, 0, 1, V(none), { UNUSABLE, MATCH1 }, "one usable among unusable" },
	/* usage 2 */
	{ { { 2, 0, 1, INTER, 0 } }, 1, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "2 0 1 intermediate" },
	{ { { 2, 1, 1, INTER, 0 } }, 1, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "2 1 1 intermediate" },
	{ { { 2, 0, 2, ROOT, 0 } }, 1, { LEAF, INTER, ROOT, WHOS }, 0, 0, V(none), { MATCH1 }, "2 0 2 root, sent" },
	{ { { 2, 1, 1, ROOT, 0 } }, 1, { LEAF, ROOT, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "out of order" },
	{ { { 2, 0, 1, ROOT, 0 } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(ta_not_in_chain), { NOMATCH }, "root not sent (RFC 7672 3.1.2)" },
	{ { { 2, 0, 1, INTER, 0 } }, 1, { LEAF, WHOS }, 0, -1, V(ta_not_in_chain), { NOMATCH }, "leaf alone" },
	{ { { 2, 0, 0, ROOT, 0 } }, 1, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "2 0 0 brings the root with it" },
	{ { { 2, 0, 0, INTER, 0 } }, 1, { LEAF, WHOS }, 0, 0, V(none), { MATCH1 }, "2 0 0 brings the intermediate" },
	{ { { 2, 1, 0, INTER, 0 } }, 1, { LEAF, WHOS }, 0, 0, V(none), { MATCH1 }, "2 1 0: the key signs the topmost" },
	{ { { 2, 1, 0, ROOT, 0 } }, 1, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "2 1 0: root key, root not sent" },
	{ { { 2, 1, 0, EVIL_ROOT, 0 } }, 1, { LEAF, INTER, WHOS }, 0, -1, V(ta_not_in_chain), { NOMATCH }, "2 1 0: another key" },
	{ { { 2, 1, 1, EVIL_ROOT, 0 } }, 1, { LEAF, INTER, ROOT, WHOS }, 0, -1, V(ta_no_match), { NOMATCH }, "whole path sent, none is the anchor" },
	{ { { 2, 1, 1, ROOT, 0 } }, 1, { EVIL_LEAF, EVIL_ROOT, WHOS }, 0, -1, V(ta_no_match), { NOMATCH }, "a root of the same name" },
	{ { { 2, 1, 1, ROOT, 0 } }, 1, { EVIL_LEAF, ROOT, WHOS }, 0, -1, V(ta_no_match), { NOMATCH }, "true root, leaf not signed by it" },
	{ { { 2, 1, 1, LEAF, 0 } }, 1, { LEAF, INTER, ROOT, WHOS }, 0, -1, V(ta_no_match), { NOMATCH }, "usage 2 on the leaf" },
	{ { { 2, 0, 1, EVIL_SELF, 0 } }, 1, { EVIL_SELF, WHOS }, 0, -1, V(ta_no_match), { NOMATCH }, "a self-signed leaf is not above itself" },
	{ { { 2, 0, 1, INTER, 0 } }, 1, { LEAF_OTHER, INTER, WHOS }, 0, -1, V(ta_name_mismatch), { NOMATCH }, "name checked with usage 2" },
	{ { { 2, 0, 1, INTER, 0 } }, 1, { LEAF_NEXTHOP, INTER, WHOS }, 0, -1, V(ta_name_mismatch), { NOMATCH }, "next hop not a reference name" },
	{ { { 2, 0, 1, INTER, 0 } }, 1, { LEAF_NEXTHOP, INTER, WHOS }, 1, 0, V(none), { MATCH1 }, "next hop is one, after a secure MX" },
	{ { { 2, 0, 1, INTER, 0 } }, 1, { LEAF_WILD, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "wildcard as whole label" },
	{ { { 2, 0, 1, INTER, 0 } }, 1, { LEAF_PARTIAL, INTER, WHOS }, 0, -1, V(ta_name_mismatch), { NOMATCH }, "wildcard as part of a label" },
	{ { { 2, 0, 1, INTER, 0 } }, 1, { LEAF_CN, INTER, WHOS }, 0, 0, V(none), { MATCH1 }, "CN when there is no DNS-ID" },
	{ { { 2, 0, 1, INTER, 0 } }, 1, { LEAF_OLD, INTER, WHOS }, 0, -1, V(ta_expired), { NOMATCH }, "leaf expired" },
	{ { { 2, 0, 1, INTER, 0 } }, 1, { LEAF_NEW, INTER, WHOS }, 0, -1, V(ta_expired), { NOMATCH }, "leaf not yet valid" },
	{ { { 2, 0, 1, ROOT, 0 } }, 1, { LEAF_OF_OLD, INTER_OLD, ROOT, WHOS }, 0, -1, V(ta_expired), { NOMATCH }, "intermediate below the anchor expired" },
	{ { { 2, 0, 1, ROOT, 0 } }, 1, { LEAF_OF_NOT_CA, NOT_CA, ROOT, WHOS }, 0, -1, V(ta_no_match), { NOMATCH }, "issuer is no CA" },
	{ { { 2, 0, 1, INTER, 0 }, { 3, 1, 1, EVIL_LEAF, 0 } }, 2, { LEAF_OTHER, INTER, WHOS }, 0, -1, V(ta_name_mismatch), { NOMATCH, NOMATCH }, "the name says more than the leaf" },
	{ { { 2, 1, 1, INTER, 0 }, { 0, 0, 1, ROOT, 0 } }, 2, { LEAF, INTER, WHOS }, 0, 0, V(none), { MATCH1, UNUSABLE }, "usage 0 beside 2" },
	{ { { 2, 1, 1, EVIL_ROOT, 0 }, { 2, 1, 1, INTER, 0 } }, 2, { LEAF, INTER, WHOS }, 0, 1, V(none), { NOMATCH, MATCH1 }, "the second anchor" },
};

static const char *const reference[] = { "mx.example.net", "example.org" };

static void run_case(size_t i)
{
	struct tlsa_set set = { .n = (uint16_t)cases[i].recs };
	struct dane_result r, again;
	unsigned usable;
	size_t certs = 0, names = cases[i].names ? 2 : 1;
	while (certs < 4 && cases[i].chain[certs] != WHOS)
		certs++;
	for (unsigned k = 0; k < set.n; k++)
		set.rr[k] = rdata_of(&cases[i].rec[k]);
	struct bytes chain = chain_of(cases[i].chain, certs);
	struct dane_case c = { &set, chain, { reference[0], reference[1] }, names, NOW * NS };
	dane_compare(dane, &c, &r);
	dane_compare(dane, &c, &again);
	if (r.matched != cases[i].matched || r.variant != cases[i].variant || memcmp(r.each, cases[i].each, set.n))
		print_message("case %zu (%s): matched %d variant %d each %d %d, why %s\n", i, cases[i].why, r.matched, r.variant,
			      r.each[0], r.each[1], r.why);
	assert_int_equal(r.matched, cases[i].matched);
	assert_int_equal(r.variant, cases[i].variant);
	assert_memory_equal(r.each, cases[i].each, set.n);
	assert_memory_equal(&r, &again, sizeof(r));
	int said = oracle(&set, cases[i].chain, certs, reference, names, NOW, &usable);
	if (usable != r.usable || said != (r.usable == 0 ? -1 : r.matched >= 0))
		print_message("case %zu (%s): OpenSSL says %d, usable %u; we %d, %d\n", i, cases[i].why, said, usable, r.matched, r.usable);
	assert_int_equal(usable, r.usable);
	assert_int_equal(said, r.usable == 0 ? -1 : r.matched >= 0);
	for (unsigned k = 0; k < set.n; k++)
		free((void *)(uintptr_t)set.rr[k].p);
	free((void *)(uintptr_t)chain.p);
}

static void every_case_and_openssl_agree(void **state)
{
	(void)state;
	size_t n = sizeof(cases) / sizeof(cases[0]);
	assert_true(n >= 60);
	for (size_t i = 0; i < n; i++)
		run_case(i);
	print_message("%zu cases\n", n);
}

static uint32_t random_next(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	return *x ^= *x << 5;
}

static void random_sets_agree(void **state)
{
	static const enum who leaves[] = { LEAF, LEAF_RSA, LEAF_ED, SELF, LEAF_OTHER };
	static const enum mangle mangles[] = { AS_IS, AS_IS, AS_IS, AS_IS, FLIP, SHORT, LONG };
	static const uint8_t usages[] = { 3, 3, 3, 3, 0, 1, 4 };
	uint32_t seed = 20261125;
	unsigned count[3] = { 0 };
	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct tlsa_set set = { .n = (uint16_t)(1 + random_next(&seed) % 4) };
		int leaf = (int)leaves[random_next(&seed) % 5];
		struct dane_result r;
		unsigned usable;
		for (unsigned i = 0; i < set.n; i++) {
			struct rec rec = { usages[random_next(&seed) % 7], (uint8_t)(random_next(&seed) % 9 / 4),
					   (uint8_t)(random_next(&seed) % 10 / 3), (enum who)leaf, AS_IS };
			if (random_next(&seed) % 2)
				rec.who = leaves[random_next(&seed) % 5];
			rec.mangle = mangles[random_next(&seed) % 7];
			if (rec.matching == 0 && rec.mangle == FLIP)
				rec.mangle = AS_IS; /* a flipped key may or may not parse; both ask the same parser */
			set.rr[i] = rdata_of(&rec);
		}
		struct bytes chain = chain_of(&leaf, 1);
		struct dane_case c = { &set, chain, { reference[0] }, 1, NOW * NS };
		dane_compare(dane, &c, &r);
		int said = oracle(&set, &leaf, 1, reference, 1, NOW, &usable);
		assert_int_equal(usable, r.usable);
		assert_int_equal(said, r.usable == 0 ? -1 : r.matched >= 0);
		count[said + 1]++;
		for (unsigned i = 0; i < set.n; i++)
			free((void *)(uintptr_t)set.rr[i].p);
		free((void *)(uintptr_t)chain.p);
	}
	print_message("20000 sets: %u unusable, %u no match, %u match\n", count[0], count[1], count[2]);
	assert_true(count[0] > 1000 && count[1] > 1000 && count[2] > 1000);
}

/* A chain of n certificates: the deep path's leaf first, its root last. */
static struct bytes deep_chain(int *who, size_t n)
{
	for (size_t i = 0; i < n; i++)
		who[i] = i < DEEP ? DEEP0 + DEEP - 1 - (int)i : ROOT;
	return chain_of(who, n);
}

static void chains_are_followed_up_to_the_bound(void **state)
{
	static const struct {
		size_t n;
		bool compared, matches;
		const char *why;
	} t[] = { { 21, true, true, "twenty below the root" },
		  { 20, true, false, "the root is missing" },
		  { 32, true, true, "at the bound" },
		  { 33, false, false, "over the bound: not compared, no verdict" } };
	(void)state;
	struct rec rec = { 2, 1, 1, ROOT, AS_IS };
	struct tlsa_set set = { .n = 1 };
	set.rr[0] = rdata_of(&rec);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int who[33];
		struct dane_result r;
		struct bytes chain = deep_chain(who, t[i].n);
		struct dane_case c = { &set, chain, { reference[0] }, 1, NOW * NS };
		dane_compare(dane, &c, &r);
		assert_int_equal(r.compared, t[i].compared);
		assert_int_equal(r.matched >= 0, t[i].matches);
		assert_int_equal(r.usable, 1);
		assert_true(t[i].compared || r.why[0]);
		assert_true(t[i].compared || (r.variant == danevariant_none && r.each[0] == tlsaresult_not_compared));
		free((void *)(uintptr_t)chain.p);
	}
	uint8_t *big = calloc(1, DANE_CHAIN_OCTETS + 1);
	struct dane_result r;
	struct dane_case c = { &set, { big, DANE_CHAIN_OCTETS + 1 }, { reference[0] }, 1, NOW * NS };
	dane_compare(dane, &c, &r);
	assert_false(r.compared);
	assert_true(r.why[0]);
	free(big);
	free((void *)(uintptr_t)set.rr[0].p);
}

static void broken_chains_never_match(void **state)
{
	(void)state;
	struct rec ee = { 3, 1, 1, LEAF, AS_IS }, ta = { 2, 1, 1, INTER, AS_IS };
	struct bytes rr[2] = { rdata_of(&ee), rdata_of(&ta) };
	int who[] = { LEAF, INTER };
	struct bytes whole = chain_of(who, 2);
	size_t leaf = 3 + w.der[LEAF].n;
	for (int usage = 0; usage < 2; usage++) {
		struct tlsa_set set = { .n = 1, .rr = { rr[usage] } };
		for (size_t n = 0; n < whole.n; n++) {
			uint8_t *cut = malloc(n ? n : 1);
			memcpy(cut, whole.p, n);
			struct dane_result r;
			struct dane_case c = { &set, { cut, n }, { reference[0] }, 1, NOW * NS };
			dane_compare(dane, &c, &r);
			assert_int_equal(r.compared, n == leaf); /* cut anywhere else it is no list */
			assert_int_equal(r.matched >= 0, n == leaf && usage == 0);
			free(cut);
		}
	}
	/* a leaf that is no certificate: nothing can match but its octets */
	uint8_t *junk = malloc(whole.n);
	memcpy(junk, whole.p, whole.n);
	junk[3] = 0x31;
	for (int usage = 0; usage < 2; usage++) {
		struct tlsa_set set = { .n = 1, .rr = { rr[usage] } };
		struct dane_result r;
		struct dane_case c = { &set, { junk, whole.n }, { reference[0] }, 1, NOW * NS };
		dane_compare(dane, &c, &r);
		assert_int_equal(r.matched, -1);
		assert_int_equal(r.variant, danevariant_bad_certificate);
	}
	free(junk);
	free((void *)(uintptr_t)whole.p);
	free((void *)(uintptr_t)rr[0].p);
	free((void *)(uintptr_t)rr[1].p);
}

/* A remembered verdict of usage 2 must not outlive the dates it rests on. */
static void the_memo_knows_about_time(void **state)
{
	static const struct {
		int day;
		bool matches;
	} t[] = { { 0, true }, { 79, true }, { 81, false }, { 0, true }, { -9, true }, { -11, false }, { 5, true }, { 600, false } };
	(void)state;
	struct rec rec = { 2, 1, 1, INTER, AS_IS };
	struct tlsa_set set = { .n = 1 };
	int who[] = { LEAF, INTER };
	set.rr[0] = rdata_of(&rec);
	struct bytes chain = chain_of(who, 2);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct dane_result r;
		struct dane_case c = { &set, chain, { reference[0] }, 1, (NOW + (int64_t)t[i].day * DAY) * NS };
		dane_compare(dane, &c, &r);
		assert_int_equal(r.matched >= 0, t[i].matches);
		assert_int_equal(r.variant, t[i].matches ? danevariant_none : danevariant_ta_expired);
	}
	/* and about names */
	struct dane_result r;
	struct dane_case c = { &set, chain, { "another.example" }, 1, NOW * NS };
	dane_compare(dane, &c, &r);
	assert_int_equal(r.variant, danevariant_ta_name_mismatch);
	free((void *)(uintptr_t)chain.p);
	free((void *)(uintptr_t)set.rr[0].p);
}

/* Without a chain: what expectation needs to know. And the RRset of an answer is what was in it. */
static void a_set_is_usable_or_not(void **state)
{
	(void)state;
	static struct answer a;
	struct rec rec[3] = { { 1, 1, 1, LEAF, AS_IS }, { 3, 1, 1, LEAF, AS_IS }, { 2, 0, 0, ROOT, SHORT } };
	struct tlsa_set set;
	uint8_t each[ANSWER_RRS];
	a.type = DNS_TLSA;
	for (unsigned i = 0; i < 3; i++) {
		struct bytes rr = rdata_of(&rec[i]);
		a.rr[i].off = a.used;
		a.rr[i].n = (uint32_t)rr.n;
		memcpy(a.data + a.used, rr.p, rr.n);
		a.used += (uint32_t)rr.n;
		a.rrs++;
		free((void *)(uintptr_t)rr.p);
	}
	dane_set(&a, &set);
	assert_int_equal(set.n, 3);
	assert_int_equal(dane_usable(&set, each), 1);
	assert_int_equal(each[0], tlsaresult_unusable);
	assert_int_equal(each[1], tlsaresult_not_compared);
	assert_int_equal(each[2], tlsaresult_unusable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_and_openssl_agree),
		cmocka_unit_test(random_sets_agree),
		cmocka_unit_test(chains_are_followed_up_to_the_bound),
		cmocka_unit_test(broken_chains_never_match),
		cmocka_unit_test(the_memo_knows_about_time),
		cmocka_unit_test(a_set_is_usable_or_not),
	};
	return cmocka_run_group_tests(tests, world_up, world_down);
}
