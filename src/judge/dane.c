/* dane: TLSA RRset and presented chain in, one result a record out (RFC 6698, 7671, 7672 3).
 *
 * Usability, digest agility and usage 3 are our own rule over the octets as sent; a test holds it against OpenSSL's
 * verifier on every case. Usage 2 needs path building and goes through that verifier: an SSL that is never connected,
 * an empty store, the session's time. The SSL is new each time because verification changes it and TLSA records cannot be
 * taken off it again.
 *
 * It does not know where the RRset came from, what else the session did, or what a mismatch means. struct dane owns
 * the SSL_CTX, the store and the remembered verdicts; every other OpenSSL object is freed by the function that made it.
 * The error queue is emptied after each use, so that nothing of one session is left for the next. */
#include "judge/dane.h"
#include "judge/certificate.h"
#include "der.h"
#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

enum { USAGE_TA = 2, USAGE_EE = 3, SELECTOR_CERT = 0, SELECTOR_SPKI = 1, MATCH_FULL = 0, MATCH_SHA256 = 1, MATCH_SHA512 = 2 };
enum { SHA256_LEN = 32, SHA512_LEN = 64, NS = 1000000000 };

/* key    SHA-256 over chain, RRset and names
 * from, until  seconds since 1970: the verdict is the same for every time in [from, until)
 * used   the slot holds a verdict */
struct memo {
	uint8_t key[SHA256_LEN];
	int64_t from, until;
	bool used;
	struct dane_result result;
};

struct dane {
	SSL_CTX *ctx;
	X509_STORE *empty;
	struct memo memo[DANE_MEMO];
};

struct tlsa {
	uint8_t usage, selector, matching;
	struct bytes data;
};

/* certificates of the list, in order */
struct chain {
	struct bytes der[DANE_CHAIN_CERTS];
	size_t n;
	bool more;
};

struct dane *dane_init(void)
{
	struct dane *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->ctx = SSL_CTX_new(TLS_client_method());
	d->empty = X509_STORE_new();
	if (!d->ctx || !d->empty || SSL_CTX_dane_enable(d->ctx) <= 0) {
		dane_free(d);
		d = NULL;
	}
	ERR_clear_error();
	return d;
}

void dane_free(struct dane *d)
{
	if (!d)
		return;
	SSL_CTX_free(d->ctx);
	X509_STORE_free(d->empty);
	free(d);
}

void dane_set(const struct answer *a, struct tlsa_set *out)
{
	assert(a->rrs <= ANSWER_RRS);
	out->n = a->rrs;
	for (unsigned i = 0; i < a->rrs; i++)
		out->rr[i] = answer_rr(a, i);
}

/* False: too short for a TLSA record (RFC 6698 2.1). */
static bool tlsa_of(struct bytes rdata, struct tlsa *out)
{
	struct cur c = cur_of(rdata);
	out->usage = cur_u8(&c);
	out->selector = cur_u8(&c);
	out->matching = cur_u8(&c);
	out->data = cur_take(&c, cur_left(&c));
	return !c.bad;
}

/* Would a verifier be able to read the certificate or key that the record holds in full? With a record that cannot
 * be read, "the set is unusable" and "the set does not match" would change places. */
static bool full_parses(const struct tlsa *t)
{
	const uint8_t *p = t->data.p;
	bool ok = false;
	if (t->data.n == 0)
		return false;
	if (t->selector == SELECTOR_CERT) {
		X509 *x = d2i_X509(NULL, &p, (long)t->data.n);
		ok = x && X509_get0_pubkey(x) && p == t->data.p + t->data.n;
		X509_free(x);
	} else {
		EVP_PKEY *k = d2i_PUBKEY(NULL, &p, (long)t->data.n);
		ok = k && p == t->data.p + t->data.n;
		EVP_PKEY_free(k);
	}
	ERR_clear_error();
	return ok;
}

static bool usable(const struct tlsa *t)
{
	if (t->usage != USAGE_TA && t->usage != USAGE_EE)
		return false;
	if (t->selector > SELECTOR_SPKI)
		return false;
	switch (t->matching) {
	case MATCH_FULL:
		return full_parses(t);
	case MATCH_SHA256:
		return t->data.n == SHA256_LEN;
	case MATCH_SHA512:
		return t->data.n == SHA512_LEN;
	}
	return false; /* a matching type from the wire that nobody has defined */
}

uint16_t dane_usable(const struct tlsa_set *set, uint8_t each[ANSWER_RRS])
{
	uint16_t n = 0;
	struct tlsa t;
	assert(set->n <= ANSWER_RRS);
	for (unsigned i = 0; i < set->n; i++) {
		bool ok = tlsa_of(set->rr[i], &t) && usable(&t);
		each[i] = ok ? tlsaresult_not_compared : tlsaresult_unusable;
		n = (uint16_t)(n + ok);
	}
	return n;
}

/* Digest agility (RFC 7671 9): of each usage and selector, Full(0) and the strongest digest that is usable stay. */
static void drop_weak(const struct tlsa_set *set, uint8_t each[ANSWER_RRS])
{
	bool strong[2][2] = { { false } };
	struct tlsa t;
	for (unsigned i = 0; i < set->n; i++)
		if (each[i] != tlsaresult_unusable && tlsa_of(set->rr[i], &t) && t.matching == MATCH_SHA512)
			strong[t.usage == USAGE_EE][t.selector] = true;
	for (unsigned i = 0; i < set->n; i++)
		if (each[i] != tlsaresult_unusable && tlsa_of(set->rr[i], &t) && t.matching == MATCH_SHA256 &&
		    strong[t.usage == USAGE_EE][t.selector])
			each[i] = tlsaresult_agility_dropped;
}

static void digest(const EVP_MD *md, struct bytes b, uint8_t *out)
{
	int ok = EVP_Digest(b.n ? (const void *)b.p : "", b.n, out, NULL, md, NULL);
	assert(ok == 1);
}

/* What records are compared with; the digests are made once a chain. */
struct object {
	bool have;
	struct bytes full;
	uint8_t sha256[SHA256_LEN], sha512[SHA512_LEN];
};

static struct object object_of(bool have, struct bytes full)
{
	struct object o = { .have = have, .full = full };
	if (have) {
		digest(EVP_sha256(), full, o.sha256);
		digest(EVP_sha512(), full, o.sha512);
	}
	return o;
}

static bool ee_matches(const struct tlsa *t, const struct object *o)
{
	if (!o->have)
		return false;
	switch (t->matching) {
	case MATCH_FULL:
		return bytes_eq(t->data, o->full);
	case MATCH_SHA256:
		return bytes_eq(t->data, (struct bytes){ o->sha256, SHA256_LEN });
	case MATCH_SHA512:
		return bytes_eq(t->data, (struct bytes){ o->sha512, SHA512_LEN });
	}
	return false;
}

/* Usage 3 (RFC 7672 3.1.1): the leaf as sent, or its key, and nothing else.
 * weak  a record that agility dropped would have matched */
static void ee_compare(const struct tlsa_set *set, struct bytes leaf, struct dane_result *out, bool *weak)
{
	struct cert cert;
	bool walked = cert_walk(leaf, &cert), any = false;
	struct object object[2] = { object_of(true, leaf), object_of(walked, cert.spki) };
	struct tlsa t;
	for (unsigned i = 0; i < set->n; i++) {
		if (out->each[i] == tlsaresult_unusable || !tlsa_of(set->rr[i], &t) || t.usage != USAGE_EE)
			continue;
		bool match = ee_matches(&t, &object[t.selector]);
		any = true;
		if (out->each[i] == tlsaresult_agility_dropped) {
			*weak |= match;
			continue;
		}
		out->each[i] = match ? tlsaresult_match : tlsaresult_no_match;
		if (match && out->matched < 0)
			out->matched = (int16_t)i;
	}
	if (any && out->matched < 0)
		out->variant = walked ? danevariant_ee_no_match : danevariant_bad_certificate;
}

/* False: not a certificate_list, or more than DANE_CHAIN_CERTS. */
static bool chain_split(struct bytes list, struct chain *out)
{
	struct cur c = cur_of(list);
	out->n = 0;
	while (cur_left(&c) && out->n < DANE_CHAIN_CERTS) {
		struct cur cert = cur_vec24(&c);
		out->der[out->n++] = (struct bytes){ cert.p, cur_left(&cert) };
	}
	out->more = !c.bad && cur_left(&c) > 0;
	return !c.bad && !out->more && out->n > 0;
}

/* NULL: one of them is no certificate; a client would have stopped there. */
static STACK_OF(X509) *certs_parse(const struct chain *chain)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	for (size_t i = 0; certs && i < chain->n; i++) {
		X509 *x = certificate_read(chain->der[i]);
		if (!x || !sk_X509_push(certs, x)) {
			X509_free(x);
			sk_X509_pop_free(certs, X509_free);
			certs = NULL;
		}
	}
	return certs;
}

/* An SSL that knows the reference names and those usage-2 records of the set whose result is which. */
static SSL *ta_ssl(struct dane *d, const struct dane_case *c, const struct dane_result *r, enum tlsaresult which)
{
	SSL *s = SSL_new(d->ctx);
	struct tlsa t;
	if (!s)
		return NULL;
	bool ok = SSL_dane_enable(s, c->name[0]) > 0;
	SSL_set_hostflags(s, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	for (size_t i = 1; ok && i < c->names; i++)
		ok = SSL_add1_host(s, c->name[i]) == 1;
	for (unsigned i = 0; ok && i < c->set->n; i++)
		if (r->each[i] == which && tlsa_of(c->set->rr[i], &t) && t.usage == USAGE_TA)
			ok = SSL_dane_tlsa_add(s, t.usage, t.selector, t.matching, t.data.p, t.data.n) > 0;
	if (!ok) {
		SSL_free(s);
		return NULL;
	}
	return s;
}

/* The record of the set that the verifier says it used. */
static int16_t ta_matched(SSL *s, const struct tlsa_set *set)
{
	struct tlsa t;
	uint8_t usage, selector, matching;
	const unsigned char *data;
	size_t n;
	if (SSL_get0_dane_tlsa(s, &usage, &selector, &matching, &data, &n) < 0)
		return -1;
	for (unsigned i = 0; i < set->n; i++)
		if (tlsa_of(set->rr[i], &t) && t.usage == usage && t.selector == selector && t.matching == matching &&
		    bytes_eq(t.data, (struct bytes){ data, n }))
			return (int16_t)i;
	return -1;
}

/* Path building and checks by OpenSSL; its error number, X509_V_OK with *matched when a record matched. */
static int ta_verify(struct dane *d, const struct dane_case *c, const struct dane_result *r, enum tlsaresult which,
		     STACK_OF(X509) *certs, int16_t *matched)
{
	int err = X509_V_ERR_OUT_OF_MEM;
	SSL *s = ta_ssl(d, c, r, which);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	*matched = -1;
	if (s && ctx && X509_STORE_CTX_init(ctx, d->empty, sk_X509_value(certs, 0), certs) == 1) {
		X509_STORE_CTX_set0_dane(ctx, SSL_get0_dane(s));
		X509_STORE_CTX_set_default(ctx, "ssl_server");
		X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
		X509_VERIFY_PARAM_set1(p, SSL_get0_param(s)); /* carries the names; without it none is checked */
		X509_VERIFY_PARAM_set_auth_level(p, 0);        /* a weak key is another fact, not a mismatch */
		X509_VERIFY_PARAM_set_time(p, (time_t)(c->at / NS));
		bool ok = X509_verify_cert(ctx) == 1;
		err = ok ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
		if (!ok && err == X509_V_OK)
			err = X509_V_ERR_UNSPECIFIED;
		SSL_set_verify_result(s, err); /* else the matched record is that of nobody */
		if (ok)
			*matched = ta_matched(s, c->set);
	}
	X509_STORE_CTX_free(ctx);
	SSL_free(s);
	ERR_clear_error();
	return err;
}

/* Why usage 2 failed. Without a match we know only whether the server sent its path to the end: when the path stops
 * below a self-issued certificate, the published anchor may be the one left out (RFC 7672 3.1.2). */
static enum danevariant ta_variant(int err, STACK_OF(X509) *certs)
{
	X509 *top = sk_X509_value(certs, sk_X509_num(certs) - 1);
	switch (err) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
		return danevariant_ta_name_mismatch;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return danevariant_ta_expired;
	case X509_V_ERR_DANE_NO_MATCH:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		if (X509_NAME_cmp(X509_get_subject_name(top), X509_get_issuer_name(top)) != 0)
			return danevariant_ta_not_in_chain;
	}
	return danevariant_ta_no_match; /* the verifier has some eighty other reasons; why holds its words */
}

static void window_cut(int64_t *from, int64_t *until, const ASN1_TIME *when, int64_t at)
{
	struct tm tm;
	if (!ASN1_TIME_to_tm(when, &tm))
		return;
	int64_t t = timegm(&tm);
	if (t <= at && t > *from)
		*from = t;
	if (t > at && t < *until)
		*until = t;
}

static void window_cut_cert(int64_t *from, int64_t *until, const X509 *x, int64_t at)
{
	window_cut(from, until, X509_get0_notBefore(x), at);
	window_cut(from, until, X509_get0_notAfter(x), at);
}

/* Between two dates of the certificates in play no verdict of usage 2 can change. */
static void window_of(const struct dane_case *c, STACK_OF(X509) *certs, int64_t *from, int64_t *until)
{
	struct tlsa t;
	int64_t at = c->at / NS;
	for (int i = 0; i < sk_X509_num(certs); i++)
		window_cut_cert(from, until, sk_X509_value(certs, i), at);
	for (unsigned i = 0; i < c->set->n; i++) {
		if (!tlsa_of(c->set->rr[i], &t) || t.usage != USAGE_TA || t.selector != SELECTOR_CERT || t.matching != MATCH_FULL)
			continue;
		X509 *x = certificate_read(t.data);
		if (x)
			window_cut_cert(from, until, x, at);
		X509_free(x);
	}
}

static bool ta_any(const struct tlsa_set *set, const struct dane_result *r, enum tlsaresult which)
{
	struct tlsa t;
	for (unsigned i = 0; i < set->n; i++)
		if (r->each[i] == which && tlsa_of(set->rr[i], &t) && t.usage == USAGE_TA)
			return true;
	return false;
}

static void ta_mark(const struct tlsa_set *set, struct dane_result *out, int16_t matched)
{
	struct tlsa t;
	for (unsigned i = 0; i < set->n; i++)
		if (out->each[i] == tlsaresult_not_compared && tlsa_of(set->rr[i], &t) && t.usage == USAGE_TA)
			out->each[i] = (int16_t)i == matched ? tlsaresult_match : tlsaresult_no_match;
	out->matched = matched;
}

/* Usage 2 (RFC 7672 3.1.2), where usage 3 did not match. A variant that says "the anchor did match" says more
 * than "the leaf did not". */
static void ta_compare(struct dane *d, const struct dane_case *c, const struct chain *chain, struct dane_result *out,
		       bool *weak, int64_t *from, int64_t *until)
{
	int16_t matched, dropped;
	STACK_OF(X509) *certs = certs_parse(chain);
	ERR_clear_error();
	if (!certs) {
		ta_mark(c->set, out, -1);
		out->variant = danevariant_bad_certificate;
		out->why = "a certificate of the chain cannot be read";
		return;
	}
	int err = ta_verify(d, c, out, tlsaresult_not_compared, certs, &matched);
	enum danevariant v = ta_variant(err, certs);
	if (err != X509_V_OK && (out->variant == danevariant_none || v == danevariant_ta_name_mismatch ||
				 v == danevariant_ta_expired)) {
		out->variant = (uint8_t)v;
		out->why = X509_verify_cert_error_string(err);
	}
	ta_mark(c->set, out, matched);
	if (matched < 0 && ta_any(c->set, out, tlsaresult_agility_dropped))
		*weak |= ta_verify(d, c, out, tlsaresult_agility_dropped, certs, &dropped) == X509_V_OK;
	window_of(c, certs, from, until);
	sk_X509_pop_free(certs, X509_free);
}

static void compare(struct dane *d, const struct dane_case *c, struct dane_result *out, int64_t *from, int64_t *until)
{
	struct chain chain;
	bool weak = false;
	out->usable = dane_usable(c->set, out->each);
	if (out->usable == 0)
		return;
	drop_weak(c->set, out->each);
	if (!chain_split(c->chain, &chain)) {
		out->why = chain.more ? "the chain is longer than 32 certificates" : "the certificate list is empty or malformed";
		return;
	}
	out->compared = true;
	ee_compare(c->set, chain.der[0], out, &weak);
	if (out->matched < 0 && ta_any(c->set, out, tlsaresult_not_compared)) /* what is dropped has a kept one beside it */
		ta_compare(d, c, &chain, out, &weak, from, until);
	if (out->matched >= 0) {
		out->variant = danevariant_none;
		out->why = "";
	} else if (weak) {
		out->variant = danevariant_agility_only_weak;
		out->why = "only a digest that a stronger one replaces would match";
	}
}

static void hash_bytes(EVP_MD_CTX *h, struct bytes b)
{
	uint64_t n = b.n;
	int ok = EVP_DigestUpdate(h, &n, sizeof(n)) == 1 && (b.n == 0 || EVP_DigestUpdate(h, b.p, b.n) == 1);
	assert(ok);
}

/* Each part with its length in front, so that no two cases run into one. False: no memory. */
static bool memo_key(const struct dane_case *c, uint8_t key[SHA256_LEN])
{
	EVP_MD_CTX *h = EVP_MD_CTX_new();
	bool ok = h && EVP_DigestInit_ex(h, EVP_sha256(), NULL) == 1;
	if (ok) {
		hash_bytes(h, c->chain);
		for (unsigned i = 0; i < c->set->n; i++)
			hash_bytes(h, c->set->rr[i]);
		hash_bytes(h, (struct bytes){ 0 });
		for (size_t i = 0; i < c->names; i++)
			hash_bytes(h, bytes_of(c->name[i]));
		ok = EVP_DigestFinal_ex(h, key, NULL) == 1;
	}
	EVP_MD_CTX_free(h);
	return ok;
}

void dane_compare(struct dane *d, const struct dane_case *c, struct dane_result *out)
{
	uint8_t key[SHA256_LEN] = { 0 };
	int64_t at = c->at / NS, from = INT64_MIN, until = INT64_MAX;
	assert(c->set->n <= ANSWER_RRS && c->names >= 1 && c->names <= DANE_NAMES);
	*out = (struct dane_result){ .matched = -1, .why = "" };
	if (c->chain.n > DANE_CHAIN_OCTETS) {
		out->usable = dane_usable(c->set, out->each);
		out->why = "the chain is larger than 128 KiB";
		return;
	}
	bool keyed = memo_key(c, key);
	struct memo *m = &d->memo[(key[0] | key[1] << 8) % DANE_MEMO];
	if (keyed && m->used && memcmp(m->key, key, sizeof(key)) == 0 && m->from <= at && at < m->until) {
		*out = m->result;
		return;
	}
	compare(d, c, out, &from, &until);
	if (!keyed)
		return;
	*m = (struct memo){ .from = from, .until = until, .used = true, .result = *out };
	memcpy(m->key, key, sizeof(key));
}
