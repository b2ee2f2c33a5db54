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
	bool resume, client_cert, many_records;
	enum talk talk;
	const char *version, *cipher, *curve;
	enum tri established, resumed, refusal, retry;
	enum hiddenby hidden;
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
	if (d->many_records)
		SSL_CTX_set_max_send_fragment(c, 512);
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
	if (d->client_cert)
		SSL_set_verify(s, SSL_VERIFY_PEER, accept_any);
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

static void feed_end(struct feed *f, bool seen_c, bool seen_s, bool gap_s)
{
	struct tls_coverage c = { .due = true, .seen = { seen_c, seen_s }, .ended = true, .gap = { false, gap_s },
				  .octets = { f->total[0], f->total[1] } };
	observe_tls_finish(&f->r, observer, &f->t, &c);
	observe_tls_finish(&f->r, observer, &f->t, &c);
	tls_release(&f->t);
	free(f->held[0]);
	free(f->held[1]);
	assert_int_equal(memory.small.used + memory.large.used, 0);
	assert_true(record_check(&f->r, record_size(&f->r)));
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
	  .refusal = TRI_NO, .retry = TRI_NO, .hidden = hiddenby_tls13 },
	{ .why = "1.3, HelloRetryRequest", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_EC,
	  .client_groups = "X25519:P-384", .server_groups = "P-384", .version = "1.3", .cipher = "TLS_AES_256_GCM_SHA384",
	  .curve = "secp384r1", .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_YES,
	  .hidden = hiddenby_tls13 },
	{ .why = "1.3, HelloRetryRequest in many records", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA,
	  .client_groups = "X25519:P-384", .server_groups = "P-384", .many_records = true, .version = "1.3",
	  .cipher = "TLS_AES_256_GCM_SHA384", .curve = "secp384r1", .established = TRI_YES, .resumed = TRI_NO,
	  .refusal = TRI_NO, .retry = TRI_YES, .hidden = hiddenby_tls13 },
	{ .why = "1.3, resumed", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_EC, .resume = true,
	  .version = "1.3", .cipher = "TLS_AES_256_GCM_SHA384", .curve = "x25519", .established = TRI_YES,
	  .resumed = TRI_YES, .refusal = TRI_NO, .retry = TRI_NO, .hidden = hiddenby_resumed },
	{ .why = "1.3, client certificate", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA,
	  .client_cert = true, .version = "1.3", .cipher = "TLS_AES_256_GCM_SHA384", .curve = "x25519",
	  .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO, .hidden = hiddenby_tls13 },
	{ .why = "1.3, refused after Finished", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA,
	  .talk = TALK_QUIT, .version = "1.3", .cipher = "TLS_AES_256_GCM_SHA384", .curve = "x25519",
	  .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_YES, .retry = TRI_NO, .hidden = hiddenby_tls13 },
	{ .why = "1.3, client alert", .least = TLS1_3_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA,
	  .talk = TALK_REJECT, .version = "1.3", .cipher = "TLS_AES_256_GCM_SHA384", .curve = "x25519",
	  .established = TRI_NO, .resumed = TRI_NO, .retry = TRI_NO, .hidden = hiddenby_tls13 },
	{ .why = "1.2, ECDHE, RSA", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_RSA,
	  .suites = "ECDHE-RSA-AES128-GCM-SHA256", .version = "1.2", .cipher = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
	  .curve = "x25519", .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO },
	{ .why = "1.2, messages in many records", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_RSA,
	  .suites = "ECDHE-RSA-AES128-GCM-SHA256", .many_records = true, .version = "1.2",
	  .cipher = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", .curve = "x25519", .established = TRI_YES,
	  .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO },
	{ .why = "1.2, Ed25519", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_ED25519,
	  .suites = "ECDHE-ECDSA-CHACHA20-POLY1305", .version = "1.2",
	  .cipher = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", .curve = "x25519", .established = TRI_YES,
	  .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO },
	{ .why = "1.2, refused, GCM", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_EC, .talk = TALK_QUIT,
	  .suites = "ECDHE-ECDSA-AES256-GCM-SHA384", .version = "1.2", .cipher = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
	  .curve = "x25519", .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_YES, .retry = TRI_NO },
	{ .why = "1.2, refused, CBC with encrypt-then-MAC", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION,
	  .key = KEY_RSA, .talk = TALK_QUIT, .suites = "AES128-SHA256", .version = "1.2",
	  .cipher = "TLS_RSA_WITH_AES_128_CBC_SHA256", .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_YES,
	  .retry = TRI_NO },
	{ .why = "1.2, resumed", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_RSA, .resume = true,
	  .suites = "ECDHE-RSA-AES128-GCM-SHA256", .version = "1.2", .cipher = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
	  .established = TRI_YES, .resumed = TRI_YES, .refusal = TRI_NO, .retry = TRI_NO, .hidden = hiddenby_resumed },
	{ .why = "1.2, client certificate is not the server's", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION,
	  .key = KEY_EC, .client_cert = true, .suites = "ECDHE-ECDSA-AES128-GCM-SHA256", .version = "1.2",
	  .cipher = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", .curve = "x25519", .established = TRI_YES,
	  .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO },
	{ .why = "1.2, DHE names no curve", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_RSA,
	  .suites = "DHE-RSA-AES128-GCM-SHA256", .version = "1.2", .cipher = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
	  .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO },
	{ .why = "1.2, anonymous", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_NONE,
	  .suites = "ADH-AES128-SHA", .version = "1.2", .cipher = "TLS_DH_anon_WITH_AES_128_CBC_SHA",
	  .established = TRI_YES, .resumed = TRI_NO, .refusal = TRI_NO, .retry = TRI_NO, .hidden = hiddenby_anonymous },
	{ .why = "1.2, client rejects the certificate", .least = TLS1_2_VERSION, .most = TLS1_2_VERSION, .key = KEY_RSA,
	  .talk = TALK_REJECT, .suites = "ECDHE-RSA-AES128-GCM-SHA256", .version = "1.2",
	  .cipher = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", .curve = "x25519", .established = TRI_NO,
	  .resumed = TRI_NO, .retry = TRI_NO },
	{ .why = "1.1", .least = TLS1_1_VERSION, .most = TLS1_1_VERSION, .key = KEY_RSA, .suites = "AES128-SHA",
	  .talk = TALK_QUIT, .version = "1.1", .cipher = "TLS_RSA_WITH_AES_128_CBC_SHA", .established = TRI_YES,
	  .resumed = TRI_NO, .refusal = TRI_YES, .retry = TRI_NO },
	{ .why = "1.0", .least = TLS1_VERSION, .most = TLS1_VERSION, .key = KEY_RSA, .suites = "AES128-SHA",
	  .talk = TALK_QUIT, .version = "1.0", .cipher = "TLS_RSA_WITH_AES_128_CBC_SHA", .established = TRI_YES,
	  .resumed = TRI_NO, .refusal = TRI_YES, .retry = TRI_NO },
	{ .why = "ClientHello and no answer", .least = TLS1_2_VERSION, .most = TLS1_3_VERSION, .key = KEY_RSA,
	  .talk = TALK_STOP, .established = TRI_NO, .hidden = hiddenby_handshake_incomplete },
};

static void check_deal(const struct deal *d, const struct record *r)
{
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_tls),	    cmocka_unit_test(test_handshakes),
		cmocka_unit_test(test_one_direction), cmocka_unit_test(test_gap),
		cmocka_unit_test(test_changed_on_the_way), cmocka_unit_test(test_tail),
		cmocka_unit_test(test_dry),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
