/* peer: the two checks of a server's certificate that cost a signature or a path: RFC 5246 7.4.3 (the key exchange is
 * signed with the key of the certificate) and RFC 5280 6, RFC 9525 (the chain, at the time of the packets).
 *
 * It does not know what a promise is worth, and it takes no DANE decision: dane and promise do. On port 25 a bad chain
 * means nothing by itself, so the facts are made cheap: each distinct chain, host and span of validity is verified
 * once. struct peer owns the store and the remembered results; every other OpenSSL object is freed by the function that
 * made it, and the error queue is emptied after each use. */
#include "judge/peer.h"
#include "judge/certificate.h"
#include "der.h"
#include "judge/identity.h"
#include "key_proof.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

enum { SHA256_LEN = 32, NS = 1000000000, WEAK_BITS = 112 };

/* key    SHA-256 over chain and host
 * from, until  seconds since 1970: the result is the same for every time in [from, until)
 * used   the slot holds a result */
struct memo {
	uint8_t key[SHA256_LEN];
	int64_t from, until;
	bool used;
	struct pkix_result result;
};

struct peer {
	X509_STORE *store;
	bool trusts;
	struct memo memo[PEER_MEMO];
};

struct peer *peer_new(void)
{
	struct peer *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->store = X509_STORE_new();
	if (p->store)
		return p;
	peer_free(p);
	return NULL;
}

void peer_free(struct peer *p)
{
	if (!p)
		return;
	X509_STORE_free(p->store);
	free(p);
}

int peer_trust(struct peer *p, struct bytes pem)
{
	BIO *in = pem.n && pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	int n = 0;
	bool ok = in != NULL;
	ERR_clear_error();
	for (X509 *x; ok && (x = PEM_read_bio_X509(in, NULL, NULL, NULL)); n++) {
		ok = X509_STORE_add_cert(p->store, x) == 1;
		X509_free(x);
	}
	/* The end of the bundle is an error too, and the only one that is none. */
	ok = ok && n > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	BIO_free(in);
	p->trusts = p->trusts || ok;
	return ok ? n : -1;
}

/* ---- the key ---- */

/* How a scheme signs. key: EVP_PKEY_ id, RSA also stands for RSA-PSS keys; md NULL: the key's own (EdDSA). */
struct how {
	int key;
	const EVP_MD *md;
	bool pss;
};

/* Hash and signature octets of TLS 1.2 (RFC 5246 7.4.1.4.1); the schemes of TLS 1.3 that it may use have an 8 in front,
 * which is no hash (RFC 8446 4.2.3). */
static bool how_12(uint16_t scheme, struct how *out)
{
	static const int keys[] = { 0, EVP_PKEY_RSA, EVP_PKEY_DSA, EVP_PKEY_EC };
	const EVP_MD *const md[] = { NULL, EVP_md5(), EVP_sha1(), EVP_sha224(), EVP_sha256(), EVP_sha384(), EVP_sha512() };
	unsigned high = scheme >> 8, low = scheme & 0xff;
	*out = (struct how){ 0 };
	switch (scheme) {
	case 0x0807:
		out->key = EVP_PKEY_ED25519;
		return true;
	case 0x0808:
		out->key = EVP_PKEY_ED448;
		return true;
	case 0x0804:
	case 0x0805:
	case 0x0806:
	case 0x0809:
	case 0x080a:
	case 0x080b:
		*out = (struct how){ EVP_PKEY_RSA, md[(low < 9 ? low : low - 5)], true };
		return true;
	}
	if (high < 1 || high > 6 || low < 1 || low > 3)
		return false;
	*out = (struct how){ keys[low], md[high], false };
	return true;
}

/* Before TLS 1.2 the key decides: RSA signs MD5 and SHA-1 together, all others SHA-1 (RFC 4346 7.4.3, RFC 8422 5.4). */
static bool how_of(const struct key_proof *p, int key, struct how *out)
{
	if (p->version >= 0x0303)
		return how_12(p->scheme, out);
	*out = (struct how){ key, key == EVP_PKEY_RSA ? EVP_md5_sha1() : EVP_sha1(), false };
	return key == EVP_PKEY_RSA || key == EVP_PKEY_DSA || key == EVP_PKEY_EC;
}

/* A library that is forbidden to use a digest says so before it looks at the signature: that is no failure of the peer. */
static enum keyproof signed_by(struct bytes text, struct bytes signature, const struct how *how, EVP_PKEY *key)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	enum keyproof result = keyproof_not_checked;
	bool ready = ctx && EVP_DigestVerifyInit(ctx, &pctx, how->md, NULL, key) == 1;
	if (ready && how->pss)
		ready = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) > 0 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) > 0;
	if (ready)
		result = EVP_DigestVerify(ctx, signature.p, signature.n, text.p, text.n) == 1 ? keyproof_verified :
												keyproof_failed;
	EVP_MD_CTX_free(ctx);
	return result;
}

enum keyproof peer_key(struct bytes proof, struct bytes leaf)
{
	struct key_proof p;
	struct how how;
	enum keyproof result = keyproof_not_checked;
	X509 *x = key_proof_read(proof, &p) ? certificate_read(leaf) : NULL;
	if (x) {
		EVP_PKEY *key = X509_get0_pubkey(x);
		int id = EVP_PKEY_get_base_id(key);
		id = id == EVP_PKEY_RSA_PSS ? EVP_PKEY_RSA : id;
		/* A scheme of another kind of key: this key cannot have made the signature. */
		if (how_of(&p, id, &how))
			result = how.key != id ? keyproof_failed :
						 signed_by(key_proof_signed(proof), p.signature, &how, key);
	}
	X509_free(x);
	ERR_clear_error();
	return result;
}

/* ---- the chain ---- */

static void add(uint32_t *problems, enum pkixproblem which)
{
	*problems |= UINT32_C(1) << which;
}

/* One error of the verifier. What depends on whom we trust is left out where we trust nobody. */
static void add_error(uint32_t *problems, int err, bool trusts)
{
	switch (err) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
	case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
		break; /* check_dates looks at each certificate, and counts the last second */
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		add(problems, pkixproblem_self_signed);
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		if (trusts)
			add(problems, pkixproblem_untrusted);
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		if (trusts)
			add(problems, pkixproblem_incomplete_chain);
		break;
	default: /* some eighty other reasons why the path does not hold, whomever we trust */
		add(problems, pkixproblem_untrusted);
	}
}

/* What the callback of the verifier needs. */
struct course {
	uint32_t *problems;
	bool trusts;
};

/* The verifier stops at the first error unless it is told to go on; all of them are facts. */
static int go_on(int ok, X509_STORE_CTX *ctx)
{
	struct course *course = X509_STORE_CTX_get_app_data(ctx);
	if (!ok)
		add_error(course->problems, X509_STORE_CTX_get_error(ctx), course->trusts);
	return 1;
}

/* Seconds since 1970. */
static bool seconds(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm;
	if (!ASN1_TIME_to_tm(t, &tm))
		return false;
	*out = timegm(&tm);
	return true;
}

/* Between two dates of the certificates in play the result cannot change. */
static void window_cut(struct memo *m, int64_t at, int64_t t)
{
	if (t <= at && t > m->from)
		m->from = t;
	if (t > at && t < m->until)
		m->until = t;
}

/* Dates of certificates that may stand in the path at another time. An issuer that is valid is preferred to one that
 * is not, so those beside the path count as well. */
static void window_cut_cert(struct memo *m, int64_t at, const X509 *x)
{
	int64_t from, until;
	if (!seconds(X509_get0_notBefore(x), &from) || !seconds(X509_get0_notAfter(x), &until))
		return;
	window_cut(m, at, from);
	window_cut(m, at, until + 1);
}

static void window_of(const struct peer *p, STACK_OF(X509) *certs, int64_t at, struct memo *m)
{
	STACK_OF(X509_OBJECT) *trusted = X509_STORE_get0_objects(p->store);
	for (int i = 0; i < sk_X509_num(certs); i++)
		window_cut_cert(m, at, sk_X509_value(certs, i));
	for (int i = 0; i < sk_X509_OBJECT_num(trusted); i++)
		window_cut_cert(m, at, X509_OBJECT_get0_X509(sk_X509_OBJECT_value(trusted, i)));
}

/* notAfter itself is still good (RFC 5280 4.1.2.5); the second behind it is not. */
static void check_dates(const X509 *x, int64_t at, uint32_t *problems)
{
	int64_t from, until;
	if (!seconds(X509_get0_notBefore(x), &from) || !seconds(X509_get0_notAfter(x), &until)) {
		add(problems, pkixproblem_malformed);
		return;
	}
	if (at < from)
		add(problems, pkixproblem_not_yet_valid);
	if (at > until)
		add(problems, pkixproblem_expired);
}

/* The key, and what the certificate is signed with, unless it signed itself: that signature is worth nothing anyway. */
static void check_strength(X509 *x, uint32_t *problems)
{
	int bits;
	uint32_t flags;
	if (EVP_PKEY_get_security_bits(X509_get0_pubkey(x)) < WEAK_BITS)
		add(problems, pkixproblem_weak_key);
	if (!(X509_get_extension_flags(x) & EXFLAG_SS) && X509_get_signature_info(x, NULL, NULL, &bits, &flags) &&
	    bits < WEAK_BITS)
		add(problems, pkixproblem_weak_signature);
}

/* The path that the verifier finds, and all that is wrong with it. False: it did not come to its end. */
static bool verify(const struct peer *p, STACK_OF(X509) *certs, int64_t at, uint32_t *problems)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	struct course course = { problems, p->trusts };
	bool ok = ctx && X509_STORE_CTX_init(ctx, p->store, sk_X509_value(certs, 0), certs) == 1;
	if (ok) {
		X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
		X509_VERIFY_PARAM_set_auth_level(param, 0); /* a weak key is a fact of its own */
		X509_VERIFY_PARAM_set_time(param, (time_t)at);
		X509_STORE_CTX_set_app_data(ctx, &course);
		X509_STORE_CTX_set_verify_cb(ctx, go_on);
		ok = X509_verify_cert(ctx) == 1; /* always, but for want of memory: go_on takes everything */
		STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(ctx);
		for (int i = 0; i < sk_X509_num(path); i++) {
			/* the verifier passes over the last certificate of a path without an end */
			check_dates(sk_X509_value(path, i), at, problems);
			if (i < X509_STORE_CTX_get_num_untrusted(ctx))
				check_strength(sk_X509_value(path, i), problems);
		}
	}
	X509_STORE_CTX_free(ctx);
	return ok;
}

/* False: one of them is no certificate; a client would have stopped there. */
static bool certs_parse(struct bytes chain, STACK_OF(X509) *out)
{
	struct bytes der;
	bool ok = true;
	while (ok && chain_next(&chain, &der)) {
		X509 *x = certificate_read(der);
		ok = x && sk_X509_push(out, x) > 0;
		if (!ok)
			X509_free(x);
	}
	return ok && sk_X509_num(out) > 0;
}

static bool certs_fit(struct bytes chain)
{
	struct bytes der;
	size_t n = 0, octets = chain.n;
	while (chain_next(&chain, &der))
		n++;
	return n <= PEER_CHAIN_CERTS && octets <= PEER_CHAIN_OCTETS;
}

/* The host's name in the certificate (RFC 9525 6): a wildcard stands for one whole label. */
static bool named(X509 *leaf, const char *host)
{
	return X509_check_host(leaf, host, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

static void judge_chain(const struct peer *p, struct bytes chain, const char *host, int64_t at, struct memo *m)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	bool done = false;
	if (!certs)
		return;
	if (!certs_parse(chain, certs)) {
		add(&m->result.problems, pkixproblem_malformed);
	} else {
		done = verify(p, certs, at, &m->result.problems);
		window_of(p, certs, at, m);
		if (host && !named(sk_X509_value(certs, 0), host))
			add(&m->result.problems, pkixproblem_host_mismatch);
	}
	if (m->result.problems)
		m->result.result = pkix_invalid;
	else if (done && host && p->trusts)
		m->result.result = pkix_valid;
	sk_X509_pop_free(certs, X509_free);
}

/* The length of the chain stands in front of it, so that chain and host never run into one. False: no memory. */
static bool memo_key(struct bytes chain, const char *host, uint8_t key[SHA256_LEN])
{
	EVP_MD_CTX *h = EVP_MD_CTX_new();
	uint64_t n = chain.n;
	bool ok = h && EVP_DigestInit_ex(h, EVP_sha256(), NULL) == 1 && EVP_DigestUpdate(h, &n, sizeof(n)) == 1 &&
		  EVP_DigestUpdate(h, chain.p, chain.n) == 1 && (!host || EVP_DigestUpdate(h, host, strlen(host)) == 1) &&
		  EVP_DigestFinal_ex(h, key, NULL) == 1;
	EVP_MD_CTX_free(h);
	return ok;
}

void peer_pkix(struct peer *p, struct bytes chain, const char *host, int64_t at, struct pkix_result *out)
{
	struct memo fresh = { .from = INT64_MIN, .until = INT64_MAX, .used = true };
	*out = (struct pkix_result){ .result = pkix_not_checked };
	at /= NS;
	if (host && !host[0])
		host = NULL;
	if (chain.n == 0 || !certs_fit(chain) || !memo_key(chain, host, fresh.key))
		return;
	struct memo *m = &p->memo[(fresh.key[0] | fresh.key[1] << 8) % PEER_MEMO];
	if (!m->used || memcmp(m->key, fresh.key, sizeof(m->key)) != 0 || at < m->from || at >= m->until) {
		judge_chain(p, chain, host, at, &fresh);
		ERR_clear_error();
		*m = fresh;
	}
	*out = m->result;
}

/* ---- the session ---- */

static bool begins(struct bytes s, const char *with)
{
	struct bytes w = bytes_of(with);
	return s.n >= w.n && memcmp(s.p, w.p, w.n) == 0;
}

/* A check costs more than all the rest of the judgement, so somebody must ask for it. */
static bool asked_for(const struct record *s)
{
	return record_get_num(s, F_expect, expect_none) != expect_none ||
	       record_get_num(s, F_dane_verdict, daneverdict_COUNT) == daneverdict_mismatch;
}

/* With RSA key transport nothing is signed; that the handshake completed is all the proof there is. */
static void judge_key(struct record *s, struct bytes leaf, struct bytes proof)
{
	enum keyproof result = keyproof_not_checked;
	if (begins(record_get_str(s, F_tls_cipher), "TLS_RSA_WITH_"))
		result = keyproof_none;
	else if (asked_for(s))
		result = peer_key(proof, leaf);
	record_num(s, F_tls_key_proof, result);
	if (result != keyproof_failed || record_get_num(s, F_dane_verdict, daneverdict_COUNT) != daneverdict_match)
		return;
	record_num(s, F_dane_verdict, daneverdict_not_visible);
	record_cstr(s, F_dane_why, "the certificate matches, but the server did not prove that it holds its key");
}

/* Until the client took it or refused it, a chain is only what somebody sent, and was held against no record. */
static bool was_decided(const struct record *s)
{
	bool refused = record_get_tri(s, F_tls_failed) == TRI_YES &&
		       record_get_num(s, F_tls_alert_side, side_COUNT) == side_client;
	return refused || record_get_tri(s, F_tls_established) == TRI_YES;
}

static void judge_pkix(struct peer *p, struct record *s, struct bytes chain)
{
	struct pkix_result r = { .result = pkix_not_checked };
	char host[NAME_MAX_TEXT + 1];
	identity_name(record_get_str(s, F_id_host), host); /* an address that an MX wrote for a name stays empty */
	if (was_decided(s) && !begins(record_get_str(s, F_dane_matched), "3 "))
		peer_pkix(p, chain, host, record_get_num(s, F_event_start, 0), &r);
	record_num(s, F_pkix, r.result);
	for (int i = 0; i < pkixproblem_COUNT; i++)
		if (r.problems >> i & 1)
			record_add_num(s, F_pkix_problems, i);
}

/* Hours between two times, rounded down. */
static void set_hours(struct record *s, enum fact f, int64_t from, int64_t to)
{
	const int64_t hour = INT64_C(3600000000000);
	int64_t ns;
	if (!__builtin_sub_overflow(to, from, &ns))
		record_num(s, f, ns / hour - (ns % hour < 0));
}

/* Its dates as a rule can weigh them; what they are worth where DANE vouches for the key is for the rule to say. */
static void judge_dates(struct record *s)
{
	if (!record_has(s, F_x509_not_before) || !record_has(s, F_x509_not_after))
		return;
	const int64_t begin = record_get_num(s, F_x509_not_before, 0);
	set_hours(s, F_pkix_validity, begin, record_get_num(s, F_x509_not_after, 0));
	if (record_has(s, F_event_start))
		set_hours(s, F_pkix_age, begin, record_get_num(s, F_event_start, 0));
}

void peer_judge(struct peer *p, struct record *session, struct bytes chain, struct bytes proof)
{
	static const enum fact mine[] = { F_tls_key_proof, F_pkix, F_pkix_problems, F_pkix_validity, F_pkix_age };
	struct bytes rest = chain, leaf;
	for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]); i++)
		record_unset(session, mine[i]); /* the record comes from another process, which has no say in these */
	if (record_get_num(session, F_tls_cert_vis, visibility_hidden) != visibility_visible || !chain_next(&rest, &leaf))
		return;
	judge_key(session, leaf, proof);
	judge_pkix(p, session, chain);
	judge_dates(session);
}
