/* tls, tls_hello, cert, observe_tls: real handshakes of libssl, made in memory at test time, so that both directions
 * are known to the octet; each cut in several ways must give the same record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "key_proof.h"
#include "wire/observe_tls.h"

enum key_kind { KEY_RSA, KEY_EC, KEY_ED25519, KEY_NONE };
enum talk { TALK_MAIL, TALK_QUIT, TALK_REJECT, TALK_STOP };
enum cut { CUT_WHOLE, CUT_OCTETS, CUT_RANDOM, CUT_SERVER_FIRST, CUTS };

struct chunk {
	enum dir dir;
	uint8_t *p;
	size_t n;
};

struct wire {
	struct chunk chunk[256];
	size_t n;
};

static EVP_PKEY *keys[3];
static X509 *certs[3];
static struct tls_memory memory;
static struct tls_observer *observer;
static SSL_SESSION *ticket;

static int new_session(SSL *s, SSL_SESSION *session)
{
	(void)s;
	SSL_SESSION_free(ticket);
	ticket = session;
	return 1;
}

static int accept_any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static X509 *make_cert(EVP_PKEY *key, const EVP_MD *md)
{
	X509 *x = X509_new();
	X509_set_version(x, 2);
	ASN1_INTEGER_set_int64(X509_get_serialNumber(x), 0x91a2b3c4d5);
	ASN1_TIME_set_string(X509_getm_notBefore(x), "20240229120000Z");
	ASN1_TIME_set_string(X509_getm_notAfter(x), "20510101000000Z");
	X509_NAME *name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(name, "C", MBSTRING_ASC, (const uint8_t *)"DE", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const uint8_t *)"M\xc3\xbcller, Post", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"mx.example.org", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
						  "email:a@example.org,DNS:mx.example.org,IP:192.0.2.1,DNS:*.example.net");
	X509_add_ext(x, san, -1);
	X509_EXTENSION_free(san);
	X509_sign(x, key, md);
	return x;
}

static int set_up(void **state)
{
	(void)state;
	keys[KEY_RSA] = EVP_RSA_gen(2048);
	keys[KEY_EC] = EVP_EC_gen("P-256");
	keys[KEY_ED25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	for (int i = 0; i < 3; i++)
		certs[i] = make_cert(keys[i], i == KEY_ED25519 ? NULL : EVP_sha256());
	observer = tls_observer_new();
	return !observer || !tls_memory_init(&memory, 1024 * 1024);
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		EVP_PKEY_free(keys[i]);
		X509_free(certs[i]);
	}
	SSL_SESSION_free(ticket);
	tls_observer_free(observer);
	tls_memory_free(&memory);
	return 0;
}

/* One handshake, and what is to be said about it. suites is for TLS <= 1.2; hidden is 0 where the certificate is seen. */
struct deal {
	const char *why;
	int least, most;
	enum key_kind key;
	const char *suites, *client_groups, *server_groups;
	bool resume, client_cert, many_records, ask_cert, fallback, mac_first;
	enum talk talk;
	const char *version, *cipher, *curve;
	enum tri established, resumed, refusal, retry;
	enum hiddenby hidden;
	const char *scheme;
	int dh_bits, more_certs;
	bool proof;
	enum tri rejected;
	enum failpoint at;
	enum failhow how;
};

static void wire_put(struct wire *w, enum dir dir, const uint8_t *p, size_t n)
{
	assert_true(w->n < 256);
	struct chunk *c = &w->chunk[w->n++];
	*c = (struct chunk){ dir, malloc(n), n };
	memcpy(c->p, p, n);
}

static void wire_free(struct wire *w)
{
	while (w->n)
		free(w->chunk[--w->n].p);
}

/* Moves what from has written to to. */
static bool carry(struct wire *w, enum dir dir, BIO *from, BIO *to)
{
	uint8_t buf[65536];
	int n = BIO_read(from, buf, sizeof(buf));
	if (n <= 0)
		return false;
	wire_put(w, dir, buf, (size_t)n);
	BIO_write(to, buf, n);
	return true;
}

static SSL_CTX *context(const struct deal *d, bool server)
{
	SSL_CTX *c = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	const char *groups = server ? d->server_groups : d->client_groups;
	SSL_CTX_set_security_level(c, 0);
	SSL_CTX_set_min_proto_version(c, d->least);
	SSL_CTX_set_max_proto_version(c, d->most);
	if (d->suites)
		assert_int_equal(SSL_CTX_set_cipher_list(c, d->suites), 1);
	if (groups)
		assert_int_equal(SSL_CTX_set1_groups_list(c, groups), 1);
	if ((server || d->client_cert) && d->key != KEY_NONE) {
		SSL_CTX_use_certificate(c, certs[d->key]);
		SSL_CTX_use_PrivateKey(c, keys[d->key]);
	}
	if (server)
		SSL_CTX_set_dh_auto(c, 1);
	if (d->mac_first)
		SSL_CTX_set_options(c, SSL_OP_NO_ENCRYPT_THEN_MAC);
	if (d->many_records)
		SSL_CTX_set_max_send_fragment(c, 512);
	for (int i = 0; server && i < d->more_certs; i++) {
		X509_up_ref(certs[d->key]);
		SSL_CTX_add_extra_chain_cert(c, certs[d->key]);
	}
	return c;
}

static void run(const struct deal *d, SSL_CTX *cc, SSL_CTX *sc, struct wire *w, SSL_SESSION *session)
{
	SSL *c = SSL_new(cc), *s = SSL_new(sc);
	BIO *c_in = BIO_new(BIO_s_mem()), *c_out = BIO_new(BIO_s_mem());
	BIO *s_in = BIO_new(BIO_s_mem()), *s_out = BIO_new(BIO_s_mem());
	uint8_t buf[4096];
	SSL_set_bio(c, c_in, c_out);
	SSL_set_bio(s, s_in, s_out);
	SSL_set_tlsext_host_name(c, "mx.example.org");
	SSL_set_connect_state(c);
	SSL_set_accept_state(s);
	if (session)
		SSL_set_session(c, session);
	if (d->client_cert || d->ask_cert)
		SSL_set_verify(s, SSL_VERIFY_PEER, accept_any);
	if (d->fallback)
		SSL_set_mode(c, SSL_MODE_SEND_FALLBACK_SCSV);
	if (d->talk == TALK_REJECT)
		SSL_set_verify(c, SSL_VERIFY_PEER, NULL);
	for (int i = 0; i < 20; i++) {
		SSL_do_handshake(c);
		carry(w, C2S, c_out, s_in);
		if (d->talk == TALK_STOP)
			break;
		SSL_do_handshake(s);
		carry(w, S2C, s_out, c_in);
	}
	static const char *const lines[] = { "EHLO sender.example\r\n", "MAIL FROM:<a@b>\r\n", "QUIT\r\n" };
	for (int i = d->talk == TALK_QUIT ? 2 : 0; i < 3 && d->talk <= TALK_QUIT; i++) {
		SSL_write(c, lines[i], (int)strlen(lines[i]));
		carry(w, C2S, c_out, s_in);
		SSL_read(s, buf, sizeof(buf));
		SSL_write(s, "250 ok\r\n", 8);
		carry(w, S2C, s_out, c_in);
		SSL_read(c, buf, sizeof(buf));
	}
	if (d->talk <= TALK_QUIT) {
		SSL_shutdown(c);
		carry(w, C2S, c_out, s_in);
	}
	SSL_free(c);
	SSL_free(s);
}

static void make(const struct deal *d, struct wire *w)
{
	SSL_CTX *cc = context(d, false), *sc = context(d, true);
	w->n = 0;
	SSL_CTX_set_session_id_context(sc, (const uint8_t *)"t", 1);
	SSL_CTX_set_session_cache_mode(cc, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(cc, new_session);
	if (d->resume) {
		struct wire first = { .n = 0 };
		run(d, cc, sc, &first, NULL);
		wire_free(&first);
		assert_non_null(ticket);
	}
	run(d, cc, sc, w, d->resume ? ticket : NULL);
	SSL_CTX_free(cc);
	SSL_CTX_free(sc);
}

/* ---- the consumer, as pipeline does it ---- */

struct feed {
	struct tls t;
	struct record r;
	uint8_t *held[2];
	size_t nheld[2];
	uint64_t skip[2], total[2];
};

static void feed(struct feed *f, enum dir dir, const uint8_t *p, size_t n)
{
	f->total[dir] += n;
	size_t skipped = f->skip[dir] < n ? (size_t)f->skip[dir] : n;
	f->skip[dir] -= skipped;
	p += skipped;
	n -= skipped;
	if (n == 0)
		return;
	/* A new buffer of exactly this size, so that reading behind it is seen. */
	size_t all = f->nheld[dir] + n;
	uint8_t *buf = malloc(all);
	if (f->nheld[dir])
		memcpy(buf, f->held[dir], f->nheld[dir]);
	memcpy(buf + f->nheld[dir], p, n);
	free(f->held[dir]);
	struct bytes in = { buf, all };
	for (enum parse item = PARSE_OK; item == PARSE_OK;) {
		struct tls_event ev;
		size_t used;
		uint64_t skip;
		item = tls_next(&f->t, dir, in, &ev, &used, &skip);
		assert_true(used <= in.n && (skip == 0 || used == in.n) && item != PARSE_LONG);
		in = bytes_skip(in, used);
		f->skip[dir] += skip;
		if (item == PARSE_OK)
			observe_tls(&f->r, observer, &f->t, &ev);
	}
	assert_true(in.n < 20 * 1024);
	f->held[dir] = malloc(in.n ? in.n : 1);
	memcpy(f->held[dir], in.p, in.n);
	f->nheld[dir] = in.n;
	free(buf);
}

static void feed_wire(struct feed *f, const struct wire *w, enum cut cut, int only)
{
	unsigned seed = 1;
	tls_init(&f->t, &memory);
	record_init(&f->r);
	for (int turn = cut == CUT_SERVER_FIRST ? 1 : 2; turn >= 0 && turn <= 2; turn = turn == 1 ? 0 : -1) {
		for (size_t i = 0; i < w->n; i++) {
			const struct chunk *c = &w->chunk[i];
			if ((turn < 2 && (int)c->dir != turn) || (only >= 0 && (int)c->dir != only))
				continue;
			for (size_t at = 0, n; at < c->n; at += n) {
				seed = seed * 1103515245 + 12345;
				n = cut == CUT_OCTETS ? 1 : cut == CUT_RANDOM ? 1 + (seed >> 16) % 700 : c->n;
				n = n < c->n - at ? n : c->n - at;
				feed(f, c->dir, c->p + at, n);
			}
		}
	}
}

/* What is left of the session; keeps the proof in proof, its length in nproof. */
static uint8_t proof[KEY_PROOF_MAX];
static size_t nproof;

static void finish(struct feed *f, struct tls_coverage c)
{
	c.octets[C2S] = f->total[C2S];
	c.octets[S2C] = f->total[S2C];
	observe_tls_finish(&f->r, observer, &f->t, &c);
	observe_tls_finish(&f->r, observer, &f->t, &c);
	struct bytes p = tls_proof(&f->t);
	assert_true(p.n <= sizeof(proof));
	if (p.n)
		memcpy(proof, p.p, p.n);
	nproof = p.n;
	tls_release(&f->t);
	free(f->held[0]);
	free(f->held[1]);
	assert_int_equal(memory.small.used + memory.large.used, 0);
	assert_true(record_check(&f->r, record_size(&f->r)));
}

static void feed_end(struct feed *f, bool seen_c, bool seen_s, bool gap_s)
{
	finish(f, (struct tls_coverage){ .due = true, .seen = { seen_c, seen_s }, .ended = true, .gap = { false, gap_s },
					 .how = failhow_fin, .by = side_client });
}

static bool same_fact(const struct record *a, const struct record *b, enum fact f)
{
	if (record_has(a, f) != record_has(b, f) || !record_has(a, f))
		return record_has(a, f) == record_has(b, f);
	enum fact_type type = fact_table[f].type;
	if (type <= T_ENUM)
		return a->slot[f].num == b->slot[f].num;
	struct ref x = a->slot[f].ref, y = b->slot[f].ref;
	return x.n == y.n && memcmp(a->text + x.off, b->text + y.off, x.n) == 0;
}

static void assert_same(const struct record *a, const struct record *b, const char *why)
{
	for (enum fact f = 0; f < FACT_COUNT; f++)
		if (!same_fact(a, b, f))
			fail_msg("%s: %s differs", why, fact_table[f].name);
}

static void assert_text(const struct record *r, enum fact f, const char *want, const char *why)
{
	struct bytes got = record_get_str(r, f);
	if (!bytes_eq(got, bytes_of(want ? want : "")))
		fail_msg("%s: %s is \"%.*s\"", why, fact_table[f].name, (int)got.n, (const char *)got.p);
}

static void assert_tri(const struct record *r, enum fact f, enum tri want, const char *why)
{
	if (record_get_tri(r, f) != want)
		fail_msg("%s: %s is %d, not %d", why, fact_table[f].name, (int)record_get_tri(r, f), (int)want);
}

static void check_leaf(const struct record *r, const struct deal *d)
{
	static const char *const name[] = { "RSA", "EC", "ED25519" };
	static const int64_t bits[] = { 2048, 256, 256 };
	uint8_t md[32];
	char hex[65];
	X509_digest(certs[d->key], EVP_sha256(), md, NULL);
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02X", md[i]);
	assert_text(r, F_tls_leaf_sha256, hex, d->why);
	assert_text(r, F_x509_subject, "CN=mx.example.org,O=M\xc3\xbcller\\, Post,C=DE", d->why);
	assert_text(r, F_x509_issuer, "CN=mx.example.org,O=M\xc3\xbcller\\, Post,C=DE", d->why);
	assert_text(r, F_x509_serial, "91A2B3C4D5", d->why);
	assert_text(r, F_x509_key_alg, name[d->key], d->why);
	assert_int_equal(record_get_num(r, F_x509_key_size, 0), bits[d->key]);
	assert_int_equal(record_get_num(r, F_x509_not_before, 0), 1709208000ll * 1000000000);
	assert_int_equal(record_get_num(r, F_x509_not_after, 0), 2556144000ll * 1000000000);
	assert_int_equal(record_count(r, F_x509_names), 2);
	assert_true(record_list_has(r, F_x509_names, bytes_of("mx.example.org")));
	assert_true(record_list_has(r, F_x509_names, bytes_of("*.example.net")));
	assert_int_equal(record_get_num(r, F_tls_chain_len, 0), 1);
	uint8_t *spki = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certs[d->key]), &spki);
	EVP_Digest(spki, (size_t)n, md, NULL, EVP_sha256(), NULL);
	OPENSSL_free(spki);
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
	assert_text(r, F_tls_spki_sha256, hex, d->why);
}

static const struct deal deals[] = {
	{ .why = "1.3, RSA", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA, .version = "1.3",
	  .cipher = "TLS_AES_256_GCM_SHA384", .curve = "x25519", .established = TRI_YES, .resumed = TRI_NO,
	  .refusal = TRI_NO, .retry = TRI_NO, .hidden = hiddenby_tls13, .rejected = TRI_NO },
	{ .why = "1.3, HelloRetryRequest", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_EC,
	  .client_groups = "X25519:P-384", .server_groups = "P-384", .version = "1.3", .cipher = "TLS_AES_256_GCM_SHA384",
	  .curve = "secp384r1", .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_YES,
	  .hidden = hiddenby_tls13, .rejected = TRI_NO },
	{ .why = "1.3, HelloRetryRequest in many records", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA,
	  .client_groups = "X25519:P-384", .server_groups = "P-384", .many_records = true, .version = "1.3",
	  .cipher = "TLS_AES_256_GCM_SHA384", .curve = "secp384r1", .established = TRI_YES, .resumed = TRI_NO,
	  .refusal = TRI_NO, .retry = TRI_YES, .hidden = hiddenby_tls13, .rejected = TRI_NO },
	{ .why = "1.3, resumed", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_EC, .resume = true,
	  .version = "1.3", .cipher = "TLS_AES_256_GCM_SHA384", .curve = "x25519", .established = TRI_YES,
	  .resumed = TRI_YES, .refusal = TRI_NO, .retry = TRI_NO, .hidden = hiddenby_resumed, .rejected = TRI_NO },
	{ .why = "1.3, client certificate", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA,
	  .client_cert = true, .version = "1.3", .cipher = "TLS_AES_256_GCM_SHA384", .curve = "x25519",
	  .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO, .hidden = hiddenby_tls13, .rejected = TRI_NO },
	{ .why = "1.3, refused after Finished", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA,
	  .talk = TALK_QUIT, .version = "1.3", .cipher = "TLS_AES_256_GCM_SHA384", .curve = "x25519",
	  .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_YES, .retry = TRI_NO, .hidden = hiddenby_tls13, .rejected = TRI_NO },
	{ .why = "1.3, client alert", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA,
	  .talk = TALK_REJECT, .version = "1.3", .cipher = "TLS_AES_256_GCM_SHA384", .curve = "x25519",
	  .established = TRI_NO, .resumed = TRI_NO, .retry = TRI_NO, .hidden = hiddenby_tls13, .rejected = TRI_YES,
	  .at = failpoint_server_hello, .how = failhow_alert },
	{ .why = "1.2, ECDHE, RSA", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_RSA,
	  .suites = "ECDHE-RSA-AES128-GCM-SHA256", .version = "1.2", .cipher = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
	  .curve = "x25519", .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO, 
	  .scheme = "rsa_pss_rsae_sha256", .proof = true, .rejected = TRI_NO },
	{ .why = "1.2, messages in many records", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_RSA,
	  .suites = "ECDHE-RSA-AES128-GCM-SHA256", .many_records = true, .version = "1.2",
	  .cipher = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", .curve = "x25519", .established = TRI_YES,
	  .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO, .scheme = "rsa_pss_rsae_sha256", .proof = true, .rejected = TRI_NO },
	{ .why = "1.2, Ed25519", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_ED25519,
	  .suites = "ECDHE-ECDSA-CHACHA20-POLY1305", .version = "1.2",
	  .cipher = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", .curve = "x25519", .established = TRI_YES,
	  .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO, .scheme = "ed25519", .proof = true, .rejected = TRI_NO },
	{ .why = "1.2, refused, GCM", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_EC, .talk = TALK_QUIT,
	  .suites = "ECDHE-ECDSA-AES256-GCM-SHA384", .version = "1.2", .cipher = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
	  .curve = "x25519", .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_YES, .retry = TRI_NO, 
	  .scheme = "ecdsa_secp256r1_sha256", .proof = true, .rejected = TRI_NO },
	{ .why = "1.2, refused, CBC with encrypt-then-MAC", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION,
	  .key = KEY_RSA, .talk = TALK_QUIT, .suites = "AES128-SHA256", .version = "1.2",
	  .cipher = "TLS_RSA_WITH_AES_128_CBC_SHA256", .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_YES,
	  .retry = TRI_NO, .rejected = TRI_NO },
	{ .why = "1.2, resumed", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_RSA, .resume = true,
	  .suites = "ECDHE-RSA-AES128-GCM-SHA256", .version = "1.2", .cipher = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
	  .established = TRI_YES, .resumed = TRI_YES, .refusal = TRI_NO, .retry = TRI_NO, .hidden = hiddenby_resumed, 
	  .rejected = TRI_NO },
	{ .why = "1.2, client certificate is not the server's", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION,
	  .key = KEY_EC, .client_cert = true, .suites = "ECDHE-ECDSA-AES128-GCM-SHA256", .version = "1.2",
	  .cipher = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", .curve = "x25519", .established = TRI_YES,
	  .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO, .scheme = "ecdsa_secp256r1_sha256", .proof = true, .rejected = TRI_NO },
	{ .why = "1.2, DHE names no curve", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_RSA,
	  .suites = "DHE-RSA-AES128-GCM-SHA256", .version = "1.2", .cipher = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
	  .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO, 
	  .dh_bits = 2048, .scheme = "rsa_pss_rsae_sha256", .proof = true, .rejected = TRI_NO },
	{ .why = "1.2, anonymous", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_NONE,
	  .suites = "ADH-AES128-SHA", .version = "1.2", .cipher = "TLS_DH_anon_WITH_AES_128_CBC_SHA",
	  .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO, .hidden = hiddenby_anonymous, 
	  .dh_bits = 1024, .rejected = TRI_NO },
	{ .why = "1.2, client rejects the certificate", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_RSA,
	  .talk = TALK_REJECT, .suites = "ECDHE-RSA-AES128-GCM-SHA256", .version = "1.2",
	  .cipher = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", .curve = "x25519", .established = TRI_NO,
	  .resumed = TRI_NO, .retry = TRI_NO, .scheme = "rsa_pss_rsae_sha256", .proof = true, .rejected = TRI_NO,
	  .at = failpoint_certificate, .how = failhow_alert },
	{ .why = "1.1", .least = TLS1_1_VERSION, .most = TLS1_1_VERSION, .key = KEY_RSA, .suites = "AES128-SHA",
	  .talk = TALK_QUIT, .version = "1.1", .cipher = "TLS_RSA_WITH_AES_128_CBC_SHA", .established = TRI_YES,
	  .resumed = TRI_NO, .refusal = TRI_YES, .retry = TRI_NO, .rejected = TRI_NO },
	{ .why = "1.0", .least = TLS1_VERSION, .most = TLS1_VERSION, .key = KEY_RSA, .suites = "AES128-SHA",
	  .talk = TALK_QUIT, .version = "1.0", .cipher = "TLS_RSA_WITH_AES_128_CBC_SHA", .established = TRI_YES,
	  .resumed = TRI_NO, .refusal = TRI_YES, .retry = TRI_NO, .rejected = TRI_NO },
	{ .why = "1.3, certificate asked for and not given", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA,
	  .ask_cert = true, .version = "1.3", .cipher = "TLS_AES_256_GCM_SHA384", .curve = "x25519", .established = TRI_YES,
	  .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO, .hidden = hiddenby_tls13, .rejected = TRI_NO },
	{ .why = "1.3, certificate not given, refused", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA,
	  .ask_cert = true, .talk = TALK_QUIT, .version = "1.3", .cipher = "TLS_AES_256_GCM_SHA384", .curve = "x25519",
	  .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_YES, .retry = TRI_NO, .hidden = hiddenby_tls13,
	  .rejected = TRI_NO },
	{ .why = "1.3, client certificate, refused", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA,
	  .client_cert = true, .talk = TALK_QUIT, .version = "1.3", .cipher = "TLS_AES_256_GCM_SHA384", .curve = "x25519",
	  .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_YES, .retry = TRI_NO, .hidden = hiddenby_tls13,
	  .rejected = TRI_NO },
	{ .why = "1.2, refused, ChaCha20", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_RSA,
	  .talk = TALK_QUIT, .suites = "ECDHE-RSA-CHACHA20-POLY1305", .version = "1.2",
	  .cipher = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", .curve = "x25519", .established = TRI_YES,
	  .resumed = TRI_NO, .refusal = TRI_YES, .retry = TRI_NO, .scheme = "rsa_pss_rsae_sha256", .proof = true,
	  .rejected = TRI_NO },
	{ .why = "1.2, a curve with a long point, in many records", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION,
	  .key = KEY_EC, .client_groups = "P-521:P-256", .server_groups = "P-521:P-256", .many_records = true,
	  .suites = "ECDHE-ECDSA-AES128-SHA256", .version = "1.2", .cipher = "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
	  .curve = "secp521r1", .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO,
	  .scheme = "ecdsa_secp256r1_sha256", .proof = true, .rejected = TRI_NO },
	{ .why = "1.1, ECDHE, RSA: two digests", .least = TLS1_1_VERSION, .most = TLS1_1_VERSION, .key = KEY_RSA,
	  .suites = "ECDHE-RSA-AES128-SHA", .version = "1.1", .cipher = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
	  .curve = "x25519", .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO,
	  .scheme = "rsa_pkcs1_md5_sha1", .proof = true, .rejected = TRI_NO },
	{ .why = "1.0, ECDHE, ECDSA: SHA-1", .least = TLS1_VERSION, .most = TLS1_VERSION, .key = KEY_EC,
	  .suites = "ECDHE-ECDSA-AES128-SHA", .version = "1.0", .cipher = "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
	  .curve = "x25519", .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO,
	  .scheme = "ecdsa_sha1", .proof = true, .rejected = TRI_NO },
	{ .why = "1.0, DHE, RSA", .least = TLS1_VERSION, .most = TLS1_VERSION, .key = KEY_RSA,
	  .suites = "DHE-RSA-AES256-SHA", .version = "1.0", .cipher = "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
	  .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO,
	  .scheme = "rsa_pkcs1_md5_sha1", .dh_bits = 2048, .proof = true, .rejected = TRI_NO },
	{ .why = "1.2, refused, CBC, SHA-384, MAC first", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_EC,
	  .talk = TALK_QUIT, .suites = "ECDHE-ECDSA-AES256-SHA384", .mac_first = true, .version = "1.2",
	  .cipher = "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", .curve = "x25519", .established = TRI_YES, .resumed = TRI_NO,
	  .refusal = TRI_YES, .retry = TRI_NO, .scheme = "ecdsa_secp256r1_sha256", .proof = true, .rejected = TRI_NO },
	{ .why = "1.2, refused, CBC, SHA-1, MAC first", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_EC,
	  .talk = TALK_QUIT, .suites = "ECDHE-ECDSA-AES128-SHA", .mac_first = true, .version = "1.2",
	  .cipher = "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", .curve = "x25519", .established = TRI_YES, .resumed = TRI_NO,
	  .refusal = TRI_YES, .retry = TRI_NO, .scheme = "ecdsa_secp256r1_sha256", .proof = true, .rejected = TRI_NO },
	{ .why = "1.2, refused, CCM", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_EC,
	  .talk = TALK_QUIT, .suites = "ECDHE-ECDSA-AES128-CCM", .version = "1.2",
	  .cipher = "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", .curve = "x25519", .established = TRI_YES, .resumed = TRI_NO,
	  .refusal = TRI_YES, .retry = TRI_NO, .scheme = "ecdsa_secp256r1_sha256", .proof = true, .rejected = TRI_NO },
	{ .why = "1.2, refused, CCM with a short tag", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_EC,
	  .talk = TALK_QUIT, .suites = "ECDHE-ECDSA-AES128-CCM8", .version = "1.2",
	  .cipher = "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", .curve = "x25519", .established = TRI_YES, .resumed = TRI_NO,
	  .refusal = TRI_YES, .retry = TRI_NO, .scheme = "ecdsa_secp256r1_sha256", .proof = true, .rejected = TRI_NO },
	{ .why = "1.2, tried again with less", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_EC,
	  .fallback = true, .suites = "ECDHE-ECDSA-AES128-GCM-SHA256", .version = "1.2",
	  .cipher = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", .curve = "x25519", .established = TRI_YES,
	  .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO, .scheme = "ecdsa_secp256r1_sha256", .proof = true,
	  .rejected = TRI_NO },
	{ .why = "ClientHello and no answer", .least = TLS1_2_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA,
	  .talk = TALK_STOP, .established = TRI_NO, .hidden = hiddenby_handshake_incomplete, 
	  .at = failpoint_client_hello, .how = failhow_fin },
};

static bool proves(const struct bytes value, EVP_PKEY *key)
{
	struct key_proof p;
	assert_true(key_proof_read(value, &p));
	struct bytes text = key_proof_signed(value);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	const EVP_MD *md = p.scheme == 0x0807 ? NULL : p.scheme == 0x0203 ? EVP_sha1() :
			   p.scheme == KEY_PROOF_RSA_MD5_SHA1 ? EVP_md5_sha1() : EVP_sha256();
	assert_int_equal(EVP_DigestVerifyInit(ctx, &pctx, md, NULL, key), 1);
	if (p.scheme == 0x0804)
		EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
	int ok = EVP_DigestVerify(ctx, p.signature.p, p.signature.n, text.p, text.n);
	EVP_MD_CTX_free(ctx);
	return ok == 1;
}

/* The proof is what the server's key signed; with one other octet in any part it is not. */
static void check_proof(const struct deal *d)
{
	if ((nproof > 0) != d->proof)
		fail_msg("%s: proof of %zu octets", d->why, nproof);
	if (!d->proof)
		return;
	struct bytes value = { proof, nproof };
	if (!proves(value, keys[d->key]))
		fail_msg("%s: not signed by the server's key", d->why);
	static const size_t at[] = { 10, 41, 42, 73, 74, 80 };
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		proof[at[i]] ^= 1;
		assert_false(proves(value, keys[d->key]));
		proof[at[i]] ^= 1;
	}
}

static void assert_num(const struct record *r, enum fact f, int64_t want, const char *why)
{
	if (record_get_num(r, f, 0) != want)
		fail_msg("%s: %s is %d", why, fact_table[f].name, (int)record_get_num(r, f, 0));
}

static void check_deal(const struct deal *d, const struct record *r)
{
	assert_text(r, F_tls_sigscheme, d->scheme, d->why);
	assert_num(r, F_tls_dh_bits, d->dh_bits, d->why);
	assert_tri(r, F_tls_rejected13, d->rejected, d->why);
	assert_tri(r, F_tls_scsv, d->fallback ? TRI_YES : TRI_NO, d->why);
	assert_num(r, F_tls_failed_at, d->at, d->why);
	assert_num(r, F_tls_failed_how, d->how, d->why);
	assert_int_equal(record_has(r, F_tls_failed_side), d->how != failhow_unknown);
	assert_num(r, F_tls_failed_side, side_client, d->why);
	assert_tri(r, F_tls_seen, TRI_YES, d->why);
	assert_tri(r, F_tls_hello_c, TRI_YES, d->why);
	assert_text(r, F_tls_sni, "mx.example.org", d->why);
	assert_text(r, F_tls_version, d->version, d->why);
	assert_text(r, F_tls_cipher, d->cipher, d->why);
	assert_text(r, F_tls_curve, d->curve, d->why);
	assert_tri(r, F_tls_established, d->established, d->why);
	assert_tri(r, F_tls_failed, d->established == TRI_YES ? TRI_NO : TRI_YES, d->why);
	assert_tri(r, F_tls_resumed, d->resumed, d->why);
	assert_tri(r, F_tls_refusal, d->refusal, d->why);
	assert_tri(r, F_tls_hrr, d->retry, d->why);
	if (d->version) {
		assert_tri(r, F_tls_not_offered, TRI_NO, d->why);
		assert_tri(r, F_tls_downgrade, TRI_NO, d->why);
	}
	if (d->hidden) {
		if (record_get_num(r, F_tls_cert_vis, -1) != visibility_hidden ||
		    record_get_num(r, F_tls_cert_hidden, -1) != d->hidden)
			fail_msg("%s: hidden by %d", d->why, (int)record_get_num(r, F_tls_cert_hidden, -1));
		assert_false(record_has(r, F_tls_leaf_sha256));
	} else {
		check_leaf(r, d);
	}
}

static void test_handshakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(deals) / sizeof(*deals); i++) {
		struct wire w;
		static struct feed f[CUTS];
		make(&deals[i], &w);
		for (enum cut cut = CUT_WHOLE; cut < CUTS; cut++) {
			memset(&f[cut], 0, sizeof(f[cut]));
			feed_wire(&f[cut], &w, cut, -1);
			feed_end(&f[cut], true, true, false);
			/* The second ClientHello behind a ChangeCipherSpec is in clear, and no Finished. */
			assert_int_equal(f[cut].t.side[C2S].finished, !tls_is13(f[cut].t.version) &&
									      deals[i].established == TRI_YES);
			check_deal(&deals[i], &f[cut].r);
			check_proof(&deals[i]);
			assert_same(&f[CUT_WHOLE].r, &f[cut].r, deals[i].why);
		}
		wire_free(&w);
	}
}

/* A direction that is not there must not make anybody say no. */
static void test_one_direction(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(deals) / sizeof(*deals); i++) {
		struct wire w;
		static struct feed f;
		make(&deals[i], &w);
		for (int only = 0; only < 2; only++) {
			memset(&f, 0, sizeof(f));
			feed_wire(&f, &w, CUT_WHOLE, only);
			bool cleartext_only = f.total[only] == 0;
			feed_end(&f, only == C2S, only == S2C && !cleartext_only, false);
			if (record_get_tri(&f.r, F_tls_established) == TRI_NO || record_get_tri(&f.r, F_tls_failed) == TRI_YES)
				fail_msg("%s: direction %d says no", deals[i].why, only);
			if (deals[i].established != TRI_YES)
				assert_tri(&f.r, F_tls_established, TRI_UNSEEN, deals[i].why);
			assert_false(record_has(&f.r, F_tls_not_offered));
			assert_false(record_has(&f.r, F_tls_downgrade));
			if (only == S2C && !deals[i].hidden)
				check_leaf(&f.r, &deals[i]);
			if (only == C2S)
				assert_int_equal(record_get_num(&f.r, F_tls_cert_hidden, -1), hiddenby_one_direction);
		}
		wire_free(&w);
	}
}

/* An octet of the server is lost at each place in turn: nothing may be claimed that the whole does not say. */
static void test_gap(void **state)
{
	(void)state;
	const struct deal *d = &deals[7];
	struct wire w;
	static struct feed all, f;
	make(d, &w);
	memset(&all, 0, sizeof(all));
	feed_wire(&all, &w, CUT_WHOLE, -1);
	feed_end(&all, true, true, false);
	for (size_t lost = 0; lost < 1400; lost += 13) {
		memset(&f, 0, sizeof(f));
		tls_init(&f.t, &memory);
		record_init(&f.r);
		size_t at = 0;
		for (size_t i = 0; i < w.n; i++) {
			const struct chunk *c = &w.chunk[i];
			if (c->dir == S2C && at <= lost && lost < at + c->n) {
				feed(&f, S2C, c->p, lost - at);
				f.nheld[S2C] = 0;
				if (f.skip[S2C])
					f.skip[S2C]--;
				else
					tls_gap(&f.t, S2C, 1);
				/* No guess at where the next record begins. */
				assert_int_equal(tls_side_done(&f.t, S2C), f.t.side[S2C].gap);
				feed(&f, S2C, c->p + (lost - at) + 1, c->n - (lost - at) - 1);
			} else {
				feed(&f, c->dir, c->p, c->n);
			}
			at += c->dir == S2C ? c->n : 0;
		}
		feed_end(&f, true, true, true);
		for (enum fact x = 0; x < FACT_COUNT; x++)
			if (record_has(&f.r, x) && fact_table[x].type == T_TRI && !same_fact(&all.r, &f.r, x))
				fail_msg("octet %zu lost: %s", lost, fact_table[x].name);
		assert_true(record_get_num(&f.r, F_tls_cert_vis, -1) == visibility_visible ||
			    record_get_num(&f.r, F_tls_cert_hidden, -1) == hiddenby_gap);
	}
	wire_free(&w);
}

/* The ClientHello seen here is not the one that the server answers. */
static void test_changed_on_the_way(void **state)
{
	(void)state;
	struct deal d = deals[7];
	struct wire w;
	static struct feed f;
	d.suites = "ECDHE-RSA-AES128-GCM-SHA256";
	make(&d, &w);
	/* The sensor sees an offer of another suite only: the server must have got another hello. */
	uint8_t *hello = w.chunk[0].p;
	size_t suites = 5 + 4 + 2 + 32;
	suites += 1u + hello[suites];
	assert_int_equal(hello[suites + 2] << 8 | hello[suites + 3], 0xc02f);
	hello[suites + 3] = 0x30;
	memset(&f, 0, sizeof(f));
	feed_wire(&f, &w, CUT_WHOLE, -1);
	feed_end(&f, true, true, false);
	assert_tri(&f.r, F_tls_not_offered, TRI_YES, "suite that was not offered");
	wire_free(&w);
	/* A server that could do 1.3 sets the sentinel; the sensor sees a hello that offers 1.3. */
	struct deal both = { .least = TLS1_2_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA };
	SSL_CTX *cc = context(&d, false), *sc = context(&both, true);
	w.n = 0;
	run(&d, cc, sc, &w, NULL);
	SSL_CTX_free(cc);
	SSL_CTX_free(sc);
	for (int offer13 = 0; offer13 < 2; offer13++) {
		memset(&f, 0, sizeof(f));
		tls_init(&f.t, &memory);
		record_init(&f.r);
		for (size_t i = 0; i < w.n; i++)
			feed(&f, w.chunk[i].dir, w.chunk[i].p, w.chunk[i].n);
		if (offer13)
			f.t.versions |= TLS_V_13;
		feed_end(&f, true, true, false);
		assert_text(&f.r, F_tls_sentinel, "1.2", "sentinel");
		assert_tri(&f.r, F_tls_downgrade, offer13 ? TRI_YES : TRI_NO, "sentinel against the offer");
	}
	wire_free(&w);
}

static void test_not_tls(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		size_t n;
		enum parse want;
		const char *why;
	} t[] = {
		{ "5", 1, PARSE_BAD, "text is known at its first octet" },
		{ "\x16\x02", 2, PARSE_BAD, "no such version" },
		{ "\x16\x03\x01\xff\xff", 5, PARSE_BAD, "longer than a record can be" },
		{ "\x16\x03\x01\x00", 4, PARSE_MORE, "half a header" },
		{ "\x17\x03\x03\x40\x00", 5, PARSE_MORE, "the body is skipped" },
		{ "\x16\x03\x01\x00\x00", 5, PARSE_MORE, "an empty record" },
		{ "\x80\x2e\x01\x03\x01", 5, PARSE_OK, "ClientHello in the frame of SSL 2.0" },
		{ "\x80\x2e\x04\x03", 4, PARSE_BAD, "another message of SSL 2.0" },
		{ "\x15\x03\x03\x00\x02\x02\x30", 7, PARSE_OK, "alert in clear" },
		{ "\x15\x03\x03\x00\x02\x02", 6, PARSE_MORE, "half an alert" },
		{ "\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9, PARSE_MORE, "a ClientHello of no octets is no event" },
		{ "\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9, PARSE_MORE, "a message over the bound is passed over" },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct tls tls;
		struct tls_event ev;
		size_t used;
		uint64_t skip;
		uint8_t *p = malloc(t[i].n);
		memcpy(p, t[i].in, t[i].n);
		tls_init(&tls, &memory);
		if (tls_next(&tls, C2S, (struct bytes){ p, t[i].n }, &ev, &used, &skip) != t[i].want)
			fail_msg("%s", t[i].why);
		tls_release(&tls);
		free(p);
	}
}

/* After TLS_RECORDS records octets are only counted, and one way of giving them is as good as another. */
static void test_tail(void **state)
{
	(void)state;
	static struct feed f;
	uint8_t record[5 + 100] = { 23, 3, 3, 0, 100 };
	memset(&f, 0, sizeof(f));
	tls_init(&f.t, &memory);
	record_init(&f.r);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(tls_side_done(&f.t, C2S), i >= TLS_RECORDS);
		feed(&f, C2S, record, sizeof(record));
	}
	assert_false(tls_done(&f.t));
	feed_end(&f, true, false, false);
	assert_int_equal(record_count(&f.r, F_tls_rec_c2s), TLS_RECORDS);
	assert_int_equal(record_get_num(&f.r, F_tls_app_c2s, 0), 8 * 100 + 12 * 105);
}

/* A pool without blocks costs the certificate, and says so. */
static void test_dry(void **state)
{
	(void)state;
	struct wire w;
	static struct feed f;
	uint8_t *block[256];
	size_t n = 0;
	while (n < 256 && (block[n] = pool_take(&memory.small)))
		n++;
	make(&deals[7], &w);
	memset(&f, 0, sizeof(f));
	feed_wire(&f, &w, CUT_WHOLE, -1);
	while (n)
		pool_give(&memory.small, block[--n]);
	feed_end(&f, true, true, false);
	assert_true(f.t.limit);
	assert_int_equal(record_get_num(&f.r, F_tls_cert_hidden, -1), hiddenby_gap);
	assert_tri(&f.r, F_tls_established, TRI_YES, "dry pool");
	wire_free(&w);
}

/* ---- how a handshake fails ---- */

static const struct deal *deal_of(const char *why)
{
	for (size_t i = 0; i < sizeof(deals) / sizeof(*deals); i++)
		if (strcmp(deals[i].why, why) == 0)
			return &deals[i];
	fail_msg("no deal %s", why);
	return NULL;
}

static void begin(struct feed *f)
{
	memset(f, 0, sizeof(*f));
	tls_init(&f->t, &memory);
	record_init(&f->r);
}

/* The first count chunks of w, and then after octets of the next one. */
static void feed_part(struct feed *f, const struct wire *w, size_t count, size_t after)
{
	begin(f);
	for (size_t i = 0; i < count; i++)
		feed(f, w->chunk[i].dir, w->chunk[i].p, w->chunk[i].n);
	if (after)
		feed(f, w->chunk[count].dir, w->chunk[count].p, after);
}

static size_t first_record(const struct wire *w, size_t chunk)
{
	return 5 + ((size_t)w->chunk[chunk].p[3] << 8 | w->chunk[chunk].p[4]);
}

static void test_failed(void **state)
{
	(void)state;
	static const struct {
		const char *deal;
		size_t chunks;
		bool part;
		enum failhow how;
		enum side by;
		enum failpoint at;
		const char *why;
	} t[] = {
		{ "1.2, ECDHE, RSA", 0, false, failhow_reset, side_client, failpoint_after_220, "not even a ClientHello" },
		{ "1.2, ECDHE, RSA", 0, true, failhow_reset, side_server, failpoint_client_hello, "a ClientHello" },
		{ "1.2, ECDHE, RSA", 1, false, failhow_timeout, side_COUNT, failpoint_client_hello, "no answer" },
		{ "1.2, messages in many records", 1, true, failhow_fin, side_server, failpoint_server_hello, "ServerHello" },
		{ "1.2, ECDHE, RSA", 2, false, failhow_fin, side_client, failpoint_certificate, "the server's flight" },
		{ "1.2, ECDHE, RSA", 3, false, failhow_reset, side_server, failpoint_finished, "the client's Finished" },
		{ "1.2, anonymous", 2, false, failhow_reset, side_client, failpoint_server_hello, "no certificate" },
		{ "1.2, resumed", 2, false, failhow_reset, side_client, failpoint_server_hello, "a short handshake" },
		{ "1.3, RSA", 1, true, failhow_unknown, side_COUNT, failpoint_server_hello, "1.3" },
		{ "1.3, RSA", 2, false, failhow_reset, side_server, failpoint_server_hello, "1.3, all of the flight" },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct wire w;
		static struct feed f;
		make(deal_of(t[i].deal), &w);
		/* whole; not ended; an octet missing; one direction; start missing */
		for (int less = 0; less < 6; less++) {
			struct tls_coverage c = { .due = true, .seen = { less != 3, less != 4 }, .gap = { false, less == 2 },
						  .midstream = less == 5, .ended = less != 1, .how = t[i].how, .by = t[i].by };
			feed_part(&f, &w, t[i].chunks, t[i].part ? first_record(&w, t[i].chunks) : 0);
			finish(&f, c);
			assert_tri(&f.r, F_tls_failed, less ? TRI_UNSEEN : TRI_YES, t[i].why);
			assert_num(&f.r, F_tls_failed_at, less ? failpoint_none : t[i].at, t[i].why);
			assert_num(&f.r, F_tls_failed_how, less ? failhow_unknown : t[i].how, t[i].why);
			assert_int_equal(record_has(&f.r, F_tls_failed_side), !less && t[i].by != side_COUNT);
			if (!less && t[i].by != side_COUNT)
				assert_num(&f.r, F_tls_failed_side, t[i].by, t[i].why);
		}
		wire_free(&w);
	}
}

/* Text where TLS was due says more than the alert or the FIN that follows. */
static void test_failed_in_clear(void **state)
{
	(void)state;
	static const uint8_t alert[] = { 21, 3, 1, 0, 2, 2, 70 };
	static const char text[] = "500 5.5.1 what?\r\n";
	struct wire w;
	static struct feed f;
	make(deal_of("1.2, ECDHE, RSA"), &w);
	for (int by_smtp = 0; by_smtp < 2; by_smtp++) {
		feed_part(&f, &w, 1, 0);
		if (by_smtp) /* read as text by the SMTP part, TLS never began on that side */
			record_yes(&f.r, F_smtp_after_220);
		else
			feed(&f, S2C, (const uint8_t *)text, sizeof(text) - 1);
		feed(&f, C2S, alert, sizeof(alert));
		feed_end(&f, true, true, false);
		assert_num(&f.r, F_tls_failed_at, failpoint_client_hello, "text for ServerHello");
		assert_num(&f.r, F_tls_failed_how, failhow_clear, "text for ServerHello");
		assert_num(&f.r, F_tls_failed_side, side_server, "text for ServerHello");
		assert_tri(&f.r, F_tls_alert_then, TRI_NO, "text for ServerHello");
	}
	wire_free(&w);
}

/* An alert in clear, before chunk where, as if side had sent it; over: it takes the place of octets of that side, as
 * when its writer was faster than the side itself. */
static void feed_forged(struct feed *f, const struct wire *w, size_t where, const uint8_t alert[7], bool over, size_t chunks)
{
	begin(f);
	for (size_t i = 0; i < chunks; i++) {
		const struct chunk *c = &w->chunk[i];
		if (i == where)
			feed(f, c->dir, alert, 7);
		size_t skip = i == where && over ? 7 : 0;
		feed(f, c->dir, c->p + skip, c->n - skip);
	}
}

static void test_forged_alert(void **state)
{
	(void)state;
	static const uint8_t fatal[7] = { 21, 3, 3, 0, 2, 2, 40 }, warning[7] = { 21, 3, 3, 0, 2, 1, 112 };
	static const struct {
		const char *deal;
		const uint8_t *alert;
		size_t where, chunks;
		bool over;
		enum tri then, established;
		enum failhow how;
		const char *why;
	} t[] = {
		{ "1.2, ECDHE, RSA", fatal, 1, 99, false, TRI_YES, TRI_YES, failhow_unknown, "the handshake completes all the same" },
		{ "1.2, ECDHE, RSA", fatal, 1, 2, false, TRI_YES, TRI_NO, failhow_alert, "the client gives up, the server goes on" },
		{ "1.2, messages in many records", fatal, 1, 2, false, TRI_YES, TRI_NO, failhow_alert, "the same, in pieces" },
		{ "1.2, ECDHE, RSA", fatal, 2, 99, false, TRI_YES, TRI_YES, failhow_unknown, "in the client's name" },
		{ "1.2, ECDHE, RSA", warning, 1, 99, false, TRI_UNSEEN, TRI_YES, failhow_unknown, "a warning ends nothing" },
		{ "1.2, ECDHE, RSA", fatal, 1, 2, true, TRI_UNSEEN, TRI_NO, failhow_alert, "over other octets: not legible" },
		{ "1.2, ECDHE, RSA", fatal, 1, 3, true, TRI_UNSEEN, TRI_UNSEEN, failhow_unknown, "and the client goes on" },
		{ "1.2, ECDHE, RSA", fatal, 1, 99, true, TRI_YES, TRI_YES, failhow_unknown, "and has had the server's Finished" },
		{ "1.3, RSA", fatal, 1, 99, false, TRI_YES, TRI_YES, failhow_unknown, "1.3, the server" },
		{ "1.3, RSA", fatal, 2, 99, false, TRI_YES, TRI_YES, failhow_unknown, "1.3, in the client's name" },
		{ "1.3, HelloRetryRequest", fatal, 2, 99, false, TRI_YES, TRI_YES, failhow_unknown, "before the second ClientHello" },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct wire w;
		static struct feed f;
		make(deal_of(t[i].deal), &w);
		size_t chunks = t[i].chunks < w.n ? t[i].chunks : w.n;
		feed_forged(&f, &w, t[i].where, t[i].alert, t[i].over, chunks);
		feed_end(&f, true, true, false);
		assert_tri(&f.r, F_tls_alert_then, t[i].then, t[i].why);
		assert_tri(&f.r, F_tls_established, t[i].established, t[i].why);
		assert_num(&f.r, F_tls_failed_how, t[i].how, t[i].why);
		assert_num(&f.r, F_tls_alert_code, t[i].alert[6], t[i].why);
		/* The alert alone is one that its side stays with, if the rest is there. */
		if (t[i].alert == fatal) {
			for (int gap = 0; gap < 2; gap++) {
				feed_forged(&f, &w, t[i].where, fatal, false, t[i].where);
				feed(&f, w.chunk[t[i].where].dir, fatal, 7);
				finish(&f, (struct tls_coverage){ .due = true, .seen = { true, true }, .ended = true,
								  .gap = { gap, gap } });
				assert_tri(&f.r, F_tls_alert_then, gap ? TRI_UNSEEN : TRI_NO, t[i].why);
				assert_tri(&f.r, F_tls_failed, gap ? TRI_UNSEEN : TRI_YES, t[i].why);
			}
		}
		wire_free(&w);
	}
}

/* Between the last message in clear and ChangeCipherSpec: what goes on is encrypted. */
static void test_forged_before_finished(void **state)
{
	(void)state;
	static const uint8_t fatal[7] = { 21, 3, 3, 0, 2, 2, 40 }, ccs[6] = { 20, 3, 3, 0, 1, 1 };
	struct wire w;
	static struct feed f;
	make(deal_of("1.2, ECDHE, RSA"), &w);
	feed_part(&f, &w, 2, 0);
	const struct chunk *c = &w.chunk[2];
	const uint8_t *at = memmem(c->p, c->n, ccs, sizeof(ccs));
	assert_non_null(at);
	size_t before = (size_t)(at - c->p);
	feed(&f, C2S, c->p, before);
	feed(&f, C2S, fatal, sizeof(fatal));
	feed(&f, C2S, at, c->n - before);
	feed_end(&f, true, true, false);
	assert_tri(&f.r, F_tls_alert_then, TRI_YES, "alert before ChangeCipherSpec");
	assert_num(&f.r, F_tls_failed_at, failpoint_finished, "alert before ChangeCipherSpec");
	wire_free(&w);
}

/* TLS 1.3: what the client says behind the server's flight, and no more. */
static void test_rejected(void **state)
{
	(void)state;
	static const uint8_t ccs[] = { 20, 3, 3, 0, 1, 1 };
	static const struct {
		uint8_t type;
		uint16_t length;
		int times;
		enum tri want;
		const char *why;
	} t[] = {
		{ 23, 19, 1, TRI_YES, "one record of an alert's length" },
		{ 23, 19, 2, TRI_NO, "two" },
		{ 23, 18, 1, TRI_NO, "too short for an alert" },
		{ 23, 25, 1, TRI_NO, "an empty Certificate" },
		{ 23, 53, 1, TRI_NO, "no alert, and no Finished of this suite" },
		{ 23, 69, 1, TRI_NO, "Finished" },
		{ 21, 48, 1, TRI_YES, "unknown_ca, in clear" },
		{ 21, 42, 1, TRI_YES, "bad_certificate, in clear" },
		{ 21, 47, 1, TRI_NO, "illegal_parameter: not about the certificate" },
		{ 21, 70, 1, TRI_NO, "protocol_version" },
		{ 23, 0, 0, TRI_NO, "nothing" },
	};
	struct wire w;
	static struct feed f;
	make(deal_of("1.3, RSA"), &w);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		for (int less = 0; less < 4; less++) { /* whole; not ended; client octets missing; server octets missing */
			feed_part(&f, &w, 2, 0);
			feed(&f, C2S, ccs, sizeof(ccs));
			for (int k = 0; k < t[i].times; k++) {
				uint8_t record[5 + 128] = { t[i].type, 3, 3, 0, t[i].type == 21 ? 2 : (uint8_t)t[i].length, 2 };
				record[6] = t[i].type == 21 ? (uint8_t)t[i].length : 0;
				feed(&f, C2S, record, 5 + (size_t)record[4]);
			}
			enum tri finished = t[i].length == 69 ? TRI_NO : TRI_UNSEEN;
			finish(&f, (struct tls_coverage){ .due = true, .seen = { true, true }, .ended = less != 1,
							  .gap = { less == 2, less == 3 }, .how = failhow_fin, .by = side_client });
			assert_tri(&f.r, F_tls_rejected13, less == 1 || less == 2 ? finished : t[i].want, t[i].why);
			if (t[i].want == TRI_YES && !less) {
				assert_num(&f.r, F_tls_failed_at, failpoint_server_hello, t[i].why);
				assert_num(&f.r, F_tls_failed_how, failhow_alert, t[i].why);
				assert_num(&f.r, F_tls_failed_side, side_client, t[i].why);
			}
		}
	}
	wire_free(&w);
}

/* Client records of TLS 1.3 after the server's flight, and whether they are a refusal. */
static void test_refusal(void **state)
{
	(void)state;
	static const struct {
		uint16_t length[6];
		enum tri want;
		const char *why;
	} t[] = {
		{ { 69, 23, 19 }, TRI_YES, "Finished, QUIT, close_notify" },
		{ { 69, 23 }, TRI_YES, "no close_notify" },
		{ { 25, 69, 23, 19 }, TRI_YES, "behind an empty Certificate" },
		{ { 830, 281, 69, 23, 19 }, TRI_YES, "behind a certificate" },
		{ { 69, 19 }, TRI_NO, "a monitor that says nothing" },
		{ { 69, 25, 23, 19 }, TRI_NO, "EHLO x" },
		{ { 69, 23, 23, 19 }, TRI_NO, "QUIT twice" },
		{ { 69, 19, 23 }, TRI_NO, "an alert before QUIT" },
		{ { 25, 69, 43, 23, 19 }, TRI_NO, "behind an empty Certificate, with EHLO" },
		{ { 1200, 69, 23, 19 }, TRI_UNSEEN, "three messages in one record, and an EHLO as long as Finished" },
		{ { 1200, 23, 19 }, TRI_YES, "three messages in one record" },
	};
	struct wire w;
	static struct feed f;
	make(deal_of("1.3, RSA"), &w);
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		feed_part(&f, &w, 2, 0);
		for (size_t k = 0; k < 6 && t[i].length[k]; k++) {
			uint8_t record[5 + 1200] = { 23, 3, 3, (uint8_t)(t[i].length[k] >> 8), (uint8_t)t[i].length[k] };
			feed(&f, C2S, record, 5 + (size_t)t[i].length[k]);
		}
		feed_end(&f, true, true, false);
		assert_tri(&f.r, F_tls_established, TRI_YES, t[i].why);
		assert_tri(&f.r, F_tls_refusal, t[i].want, t[i].why);
	}
	wire_free(&w);
}

/* One octet of either side lost anywhere: no fact of a failure that the whole does not have, and no other. */
static void test_gap_failed(void **state)
{
	(void)state;
	static const char *const names[] = { "1.2, client rejects the certificate", "1.3, client alert", "1.3, refused after Finished" };
	static const enum fact facts[] = { F_tls_failed, F_tls_failed_at, F_tls_failed_how, F_tls_failed_side, F_tls_rejected13,
					   F_tls_alert_then, F_tls_refusal, F_tls_not_offered, F_tls_scsv, F_tls_established };
	static struct feed all, f;
	for (size_t i = 0; i < 2 * sizeof(names) / sizeof(*names); i++) {
		struct wire w;
		enum dir dir = i % 2 ? S2C : C2S;
		make(deal_of(names[i / 2]), &w);
		memset(&all, 0, sizeof(all));
		feed_wire(&all, &w, CUT_WHOLE, -1);
		feed_end(&all, true, true, false);
		for (size_t lost = 0; lost < all.total[dir]; lost += 7) {
			size_t at = 0;
			begin(&f);
			for (size_t k = 0; k < w.n; k++) {
				const struct chunk *c = &w.chunk[k];
				size_t n = c->dir == dir && at <= lost && lost < at + c->n ? lost - at : c->n;
				at += c->dir == dir ? c->n : 0;
				feed(&f, c->dir, c->p, n);
				if (n == c->n)
					continue;
				f.nheld[dir] = 0;
				if (f.skip[dir])
					f.skip[dir]--;
				else
					tls_gap(&f.t, dir, 1);
				feed(&f, dir, c->p + n + 1, c->n - n - 1);
			}
			finish(&f, (struct tls_coverage){ .due = true, .seen = { true, true }, .ended = true,
							  .gap = { dir == C2S, dir == S2C }, .how = failhow_fin, .by = side_client });
			for (size_t k = 0; k < sizeof(facts) / sizeof(*facts); k++)
				if (record_has(&f.r, facts[k]) && !same_fact(&all.r, &f.r, facts[k]))
					fail_msg("%s: octet %zu of %d lost: %s", names[i / 2], lost, (int)dir, fact_table[facts[k]].name);
			assert_false(record_has(&f.r, F_tls_failed_at));
		}
		wire_free(&w);
	}
}

/* A proof finds its place however long the chain is: behind it, or in a block of its own. */
static void test_proof_room(void **state)
{
	(void)state;
	struct deal d = *deal_of("1.2, DHE names no curve");
	int behind = 0, own = 0;
	for (d.more_certs = 0; d.more_certs < 14; d.more_certs++) {
		struct wire w;
		static struct feed f;
		make(&d, &w);
		memset(&f, 0, sizeof(f));
		feed_wire(&f, &w, CUT_WHOLE, -1);
		behind += !f.t.proof_block;
		own += f.t.proof_block;
		uint32_t chain = f.t.nchain;
		feed_end(&f, true, true, false);
		assert_num(&f.r, F_tls_chain_len, d.more_certs + 1, "chain behind which a proof stands");
		assert_true(chain > 800u * (unsigned)(d.more_certs + 1));
		check_proof(&d);
		wire_free(&w);
	}
	assert_true(own >= 1 && behind >= 8);
}

/* The group that the server chose must be one that the client named here. */
static void test_group_not_offered(void **state)
{
	(void)state;
	static const struct {
		const char *deal;
		uint16_t instead;
		enum tri want, without;
		const char *why;
	} t[] = {
		{ "1.2, ECDHE, RSA", 0x001d, TRI_NO, TRI_UNSEEN, "offered; without the server's message nobody knows" },
		{ "1.2, ECDHE, RSA", 0x0017, TRI_YES, TRI_UNSEEN, "the curve was not offered" },
		{ "1.3, RSA", 0x001d, TRI_NO, TRI_NO, "offered; ServerHello says it all" },
		{ "1.3, RSA", 0x0017, TRI_YES, TRI_YES, "the group was not offered" },
		{ "1.2, DHE names no curve", 0x0017, TRI_NO, TRI_NO, "no curve is chosen" },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct deal d = *deal_of(t[i].deal);
		struct wire w;
		static struct feed f;
		d.client_groups = "X25519";
		make(&d, &w);
		uint8_t *hello = w.chunk[0].p;
		static const uint8_t groups[] = { 0, 10, 0, 4, 0, 2, 0, 0x1d };
		uint8_t *at = memmem(hello, w.chunk[0].n, groups, sizeof(groups));
		if (at) {
			at[6] = (uint8_t)(t[i].instead >> 8);
			at[7] = (uint8_t)t[i].instead;
		}
		for (int less = 0; less < 2; less++) {
			if (less) /* of the server its first message only */
				feed_part(&f, &w, 1, 5 + 4 + ((size_t)w.chunk[1].p[7] << 8 | w.chunk[1].p[8]));
			else
				feed_part(&f, &w, w.n, 0);
			feed_end(&f, true, true, less);
			assert_tri(&f.r, F_tls_not_offered, less ? t[i].without : t[i].want, t[i].why);
		}
		wire_free(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_tls),	    cmocka_unit_test(test_handshakes),
		cmocka_unit_test(test_one_direction), cmocka_unit_test(test_gap),
		cmocka_unit_test(test_changed_on_the_way), cmocka_unit_test(test_tail),
		cmocka_unit_test(test_dry),
		cmocka_unit_test(test_failed),	    cmocka_unit_test(test_failed_in_clear),
		cmocka_unit_test(test_forged_alert), cmocka_unit_test(test_forged_before_finished),
		cmocka_unit_test(test_rejected),
		cmocka_unit_test(test_refusal),	    cmocka_unit_test(test_gap_failed),
		cmocka_unit_test(test_proof_room),  cmocka_unit_test(test_group_not_offered),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
