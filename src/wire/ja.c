/* What a hello looks like, apart from what changes with every connection: the published JA3, JA3S and JA4 (client)
 * forms, so that they can be compared with other people's lists. A fingerprint is a hint at a piece of software, and
 * whoever writes the hello writes the fingerprint. Owns the digests and nothing of the hello. */
#include "wire/ja.h"

#include <openssl/evp.h>
#include <stdlib.h>

/* NUMBERS: sorted lists are cut here. A hello of 128 KiB could name more, and none that is meant to work does. */
enum { NUMBERS = 512 };

/* JA_MEMO: hellos remembered; JA_KEY: octets of what the fingerprints look at, a hello with more is not remembered */
enum { JA_MEMO = 16, JA_KEY = 1022 };

struct memo {
	uint16_t n;
	uint8_t key[JA_KEY];
	struct ja_prints prints;
};

struct ja {
	EVP_MD *md5, *sha256;
	EVP_MD_CTX *ctx;
	unsigned oldest;
	struct memo memo[JA_MEMO];
	struct memo key;           /* of the hello in hand */
};

/* Numbers to be sorted. */
struct numbers {
	uint16_t v[NUMBERS];
	size_t n;
};

/* Text on its way into a digest, in pieces. */
struct sink {
	EVP_MD_CTX *ctx;
	size_t n;
	bool bad, first;
	char text[512];
};

struct ja *ja_new(void)
{
	struct ja *ja = calloc(1, sizeof(*ja));
	if (!ja)
		return NULL;
	ja->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	ja->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	ja->ctx = EVP_MD_CTX_new();
	if (ja->sha256 && ja->ctx)
		return ja;
	ja_free(ja);
	return NULL;
}

void ja_free(struct ja *ja)
{
	if (!ja)
		return;
	EVP_MD_free(ja->md5);
	EVP_MD_free(ja->sha256);
	EVP_MD_CTX_free(ja->ctx);
	free(ja);
}

static void sink_open(struct sink *s, struct ja *ja, const EVP_MD *md)
{
	s->ctx = ja->ctx;
	s->n = 0;
	s->first = true;
	s->bad = !md || !EVP_DigestInit_ex2(ja->ctx, md, NULL);
}

static void sink_char(struct sink *s, char c)
{
	if (s->n == sizeof(s->text)) {
		s->bad = s->bad || !EVP_DigestUpdate(s->ctx, s->text, s->n);
		s->n = 0;
	}
	s->text[s->n++] = c;
}

/* Hex of the first n octets of the digest, and NUL. */
static bool sink_close(struct sink *s, size_t n, char *out)
{
	static const char digit[] = "0123456789abcdef";
	uint8_t d[EVP_MAX_MD_SIZE];
	if (s->bad || !EVP_DigestUpdate(s->ctx, s->text, s->n) || !EVP_DigestFinal_ex(s->ctx, d, NULL))
		return false;
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digit[d[i] >> 4];
		out[2 * i + 1] = digit[d[i] & 15];
	}
	out[2 * n] = 0;
	return true;
}

static void sink_decimal(struct sink *s, uint16_t v)
{
	char digits[5];
	size_t n = 0;
	do {
		digits[n++] = (char)('0' + v % 10);
		v = (uint16_t)(v / 10);
	} while (v);
	while (n)
		sink_char(s, digits[--n]);
}

static void sink_hex16(struct sink *s, uint16_t v)
{
	static const char digit[] = "0123456789abcdef";
	for (int shift = 12; shift >= 0; shift -= 4)
		sink_char(s, digit[v >> shift & 15]);
}

static void sink_separator(struct sink *s, char c)
{
	if (!s->first)
		sink_char(s, c);
	s->first = false;
}

/* ---- JA3 ---- */

static void field(struct sink *s)
{
	sink_char(s, ',');
	s->first = true;
}

static void decimals(struct sink *s, struct bytes list)
{
	for (struct cur c = cur_of(list); cur_left(&c) >= 2;) {
		uint16_t v = cur_u16(&c);
		if (tls_grease(v))
			continue;
		sink_separator(s, '-');
		sink_decimal(s, v);
	}
}

static void extension_decimals(struct sink *s, struct bytes rest)
{
	uint16_t type;
	struct bytes data;
	while (tls_extension_next(&rest, &type, &data)) {
		if (tls_grease(type))
			continue;
		sink_separator(s, '-');
		sink_decimal(s, type);
	}
}

bool ja_client(struct ja *ja, const struct tls_client_hello *h, char out[JA3_SIZE])
{
	struct sink s;
	sink_open(&s, ja, ja->md5);
	sink_decimal(&s, h->version);
	field(&s);
	decimals(&s, h->suites);
	field(&s);
	extension_decimals(&s, h->extensions);
	field(&s);
	decimals(&s, h->groups);
	field(&s);
	for (struct cur c = cur_of(h->formats); cur_left(&c);) {
		sink_separator(&s, '-');
		sink_decimal(&s, cur_u8(&c));
	}
	return sink_close(&s, 16, out);
}

bool ja_server(struct ja *ja, const struct tls_server_hello *h, char out[JA3_SIZE])
{
	struct sink s;
	sink_open(&s, ja, ja->md5);
	sink_decimal(&s, h->legacy_version);
	field(&s);
	sink_decimal(&s, h->suite);
	field(&s);
	extension_decimals(&s, h->extensions);
	return sink_close(&s, 16, out);
}

bool ja_suites(struct ja *ja, const struct tls_client_hello *h, char out[JA_SUITES_SIZE])
{
	struct sink s;
	sink_open(&s, ja, ja->sha256);
	for (struct cur c = cur_of(h->suites); cur_left(&c) >= 2;) {
		uint16_t v = cur_u16(&c);
		if (tls_grease(v))
			continue;
		sink_char(&s, (char)(v >> 8));
		sink_char(&s, (char)(v & 0xff));
	}
	return sink_close(&s, 16, out);
}

/* ---- JA4 ---- */

static int by_value(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static void number_add(struct numbers *list, uint16_t v)
{
	if (!tls_grease(v) && list->n < NUMBERS)
		list->v[list->n++] = v;
}

static void sorted(struct sink *s, struct numbers *list)
{
	qsort(list->v, list->n, sizeof(*list->v), by_value);
	for (size_t i = 0; i < list->n; i++) {
		sink_separator(s, ',');
		sink_hex16(s, list->v[i]);
	}
}

static const char *ja4_version(const struct tls_client_hello *h)
{
	if (h->versions & TLS_V_13)
		return "13";
	if (h->versions & TLS_V_12)
		return "12";
	if (h->versions & TLS_V_11)
		return "11";
	if (h->versions & TLS_V_10)
		return "10";
	return h->versions & TLS_V_SSL3 ? "s3" : "00";
}

static bool alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

/* First and last character of the first protocol name; of its hex where either is no letter or digit. */
static void ja4_alpn(struct bytes alpn, char out[2])
{
	static const char digit[] = "0123456789abcdef";
	struct cur c = cur_of(alpn), name = cur_vec8(&c);
	out[0] = out[1] = '0';
	if (c.bad || cur_left(&name) == 0)
		return;
	uint8_t first = name.p[0], last = name.end[-1];
	bool plain = alphanumeric(first) && alphanumeric(last);
	out[0] = plain ? (char)first : digit[first >> 4];
	out[1] = plain ? (char)last : digit[last & 15];
}

static void two_digits(size_t n, char out[2])
{
	n = n < 99 ? n : 99;
	out[0] = (char)('0' + n / 10);
	out[1] = (char)('0' + n % 10);
}

bool ja4_client(struct ja *ja, const struct tls_client_hello *h, char out[JA4_SIZE])
{
	struct numbers suites = { .n = 0 }, types = { .n = 0 };
	struct sink s;
	size_t extensions = 0;
	uint16_t type;
	struct bytes data;
	bool named = false;
	for (struct cur c = cur_of(h->suites); cur_left(&c) >= 2;)
		number_add(&suites, cur_u16(&c));
	for (struct bytes rest = h->extensions; tls_extension_next(&rest, &type, &data);) {
		if (tls_grease(type))
			continue;
		extensions++;
		named = named || type == TLS_EXT_SERVER_NAME;
		if (type != TLS_EXT_SERVER_NAME && type != TLS_EXT_ALPN)
			number_add(&types, type);
	}
	out[0] = 't';
	memcpy(out + 1, ja4_version(h), 2);
	out[3] = named ? 'd' : 'i';
	two_digits(suites.n, out + 4);
	two_digits(extensions, out + 6);
	ja4_alpn(h->alpn, out + 8);
	memcpy(out + 10, "_000000000000_000000000000", 27);
	if (suites.n) {
		sink_open(&s, ja, ja->sha256);
		sorted(&s, &suites);
		if (!sink_close(&s, 6, out + 11))
			return false;
		out[23] = '_';
	}
	if (types.n == 0)
		return true;
	sink_open(&s, ja, ja->sha256);
	sorted(&s, &types);
	struct cur c = cur_of(h->signatures);
	for (char separator = '_'; cur_left(&c) >= 2; separator = ',') {
		sink_char(&s, separator);
		sink_hex16(&s, cur_u16(&c));
	}
	return sink_close(&s, 6, out + 24);
}

/* ---- memory ---- */

static bool key_put(struct memo *m, const uint8_t *p, size_t n)
{
	if (n > (size_t)(JA_KEY - m->n))
		return false;
	if (n)
		memcpy(m->key + m->n, p, n);
	m->n = (uint16_t)(m->n + n);
	return true;
}

static bool key_field(struct memo *m, struct bytes b)
{
	uint8_t length[2] = { (uint8_t)(b.n >> 8), (uint8_t)b.n };
	return b.n <= JA_KEY && key_put(m, length, sizeof(length)) && key_put(m, b.p, b.n);
}

/* Everything that a fingerprint looks at, each part with its length in front. false: too long to remember. */
static bool key_of(struct memo *m, const struct tls_client_hello *h)
{
	const struct bytes field[] = { h->suites, h->groups, h->formats, h->signatures, h->alpn };
	uint8_t versions[] = { (uint8_t)(h->version >> 8), (uint8_t)h->version, h->versions };
	uint16_t type;
	struct bytes data;
	m->n = 0;
	if (!key_put(m, versions, sizeof(versions)))
		return false;
	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++)
		if (!key_field(m, field[i]))
			return false;
	for (struct bytes rest = h->extensions; tls_extension_next(&rest, &type, &data);) {
		uint8_t t[2] = { (uint8_t)(type >> 8), (uint8_t)type };
		if (!key_put(m, t, sizeof(t)))
			return false;
	}
	return true;
}

static void prints_of(struct ja *ja, const struct tls_client_hello *h, struct ja_prints *out)
{
	if (!ja_client(ja, h, out->ja3))
		out->ja3[0] = '\0';
	if (!ja4_client(ja, h, out->ja4))
		out->ja4[0] = '\0';
	if (!ja_suites(ja, h, out->suites))
		out->suites[0] = '\0';
}

const struct ja_prints *ja_hello(struct ja *ja, const struct tls_client_hello *h)
{
	if (!key_of(&ja->key, h)) {
		prints_of(ja, h, &ja->key.prints);
		return &ja->key.prints;
	}
	for (size_t i = 0; i < JA_MEMO; i++) {
		const struct memo *m = &ja->memo[i];
		if (m->n == ja->key.n && memcmp(m->key, ja->key.key, m->n) == 0)
			return &m->prints;
	}
	struct memo *m = &ja->memo[ja->oldest];
	ja->oldest = (ja->oldest + 1) % JA_MEMO;
	m->n = ja->key.n;
	memcpy(m->key, ja->key.key, m->n);
	prints_of(ja, h, &m->prints);
	return &m->prints;
}
