/* The two hello messages, which are all that TLS 1.3 still says in clear, the ServerKeyExchange of the versions before
 * it, and the names of the numbers in them. Reads one
 * message body that somebody else has put together, copies nothing, remembers nothing, and compares nothing: what a
 * server chose against what a client offered is asked in observe_tls (RFC 8446 4.1-4.2, RFC 5246 7.4.1). */
#include "wire/tls_hello.h"

#include <stdlib.h>

#include "key_proof.h"

struct name {
	uint16_t number;
	const char *text;
};

static const struct name suites[] = {
#define SUITE(number, text) { number, text },
#include "wire/tls_names.def"
};

static const struct name groups[] = {
#define GROUP(number, text) { number, text },
#include "wire/tls_names.def"
};

static const struct name schemes[] = {
#define SCHEME(number, text) { number, text },
#include "wire/tls_names.def"
};

static int compare_name(const void *key, const void *element)
{
	const struct name *a = key, *b = element;
	return (int)a->number - (int)b->number;
}

static const char *name_of(const struct name *table, size_t n, uint16_t number)
{
	struct name key = { number, NULL };
	const struct name *found = bsearch(&key, table, n, sizeof(*table), compare_name);
	return found ? found->text : NULL;
}

const char *tls_suite_name(uint16_t suite)
{
	return name_of(suites, sizeof(suites) / sizeof(*suites), suite);
}

const char *tls_group_name(uint16_t group)
{
	return name_of(groups, sizeof(groups) / sizeof(*groups), group);
}

const char *tls_scheme_name(uint16_t scheme)
{
	return name_of(schemes, sizeof(schemes) / sizeof(*schemes), scheme);
}

uint8_t tls_version_bit(uint16_t version)
{
	return version >= 0x0300 && version <= 0x0304 ? (uint8_t)(1 << (version & 0xff)) : 0;
}

const char *tls_version_name(uint16_t version)
{
	static const char *const names[] = { "3.0", "1.0", "1.1", "1.2", "1.3" };
	return tls_version_bit(version) ? names[version & 0xff] : NULL;
}

bool tls_grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

static struct bytes rest_of(const struct cur *c)
{
	return (struct bytes){ c->p, cur_left(c) };
}

bool tls_extension_next(struct bytes *rest, uint16_t *type, struct bytes *data)
{
	struct cur c = cur_of(*rest);
	uint16_t t = cur_u16(&c);
	struct cur body = cur_vec16(&c);
	*rest = rest_of(&c);
	if (c.bad)
		return false;
	*type = t;
	*data = rest_of(&body);
	return true;
}

/* The vector that fills data, with a 1- or 2-octet length in front; empty if it does not. */
static struct bytes only_vec8(struct bytes data)
{
	struct cur c = cur_of(data), v = cur_vec8(&c);
	return c.bad || cur_left(&c) ? (struct bytes){ NULL, 0 } : rest_of(&v);
}

static struct bytes only_vec16(struct bytes data)
{
	struct cur c = cur_of(data), v = cur_vec16(&c);
	return c.bad || cur_left(&c) ? (struct bytes){ NULL, 0 } : rest_of(&v);
}

/* RFC 6066 3: a list of names of which only host_name was ever defined. */
static struct bytes server_name(struct bytes data)
{
	enum { HOST_NAME = 0 };
	struct cur c = cur_of(only_vec16(data));
	uint8_t type = cur_u8(&c);
	struct cur name = cur_vec16(&c);
	return c.bad || type != HOST_NAME ? (struct bytes){ NULL, 0 } : rest_of(&name);
}

static uint8_t version_set(struct bytes list)
{
	uint8_t set = 0;
	for (struct cur c = cur_of(list); cur_left(&c) >= 2;)
		set |= tls_version_bit(cur_u16(&c));
	return set;
}

static void client_extension(struct tls_client_hello *h, uint16_t type, struct bytes data)
{
	switch (type) {
	case TLS_EXT_SERVER_NAME:
		h->sni = server_name(data);
		break;
	case TLS_EXT_VERSIONS:
		h->listed = only_vec8(data);
		break;
	case TLS_EXT_GROUPS:
		h->groups = only_vec16(data);
		break;
	case TLS_EXT_SIGNATURES:
		h->signatures = only_vec16(data);
		break;
	case TLS_EXT_POINT_FORMATS:
		h->formats = only_vec8(data);
		break;
	case TLS_EXT_ALPN:
		h->alpn = only_vec16(data);
		break;
	case TLS_EXT_TICKET:
		h->ticket = data.n > 0;
		break;
	case TLS_EXT_PSK:
		h->psk = true;
		break;
	case TLS_EXT_STATUS_REQUEST:
		h->status_request = true;
		break;
	case TLS_EXT_EARLY_DATA:
		h->early_data = true;
		break;
	case TLS_EXT_ECH:
		h->ech = true;
		break;
	}
}

/* The extensions at the end of a hello, which SSL 3.0 and old clients leave out. */
static struct bytes extensions(struct cur *c)
{
	if (cur_left(c) == 0)
		return (struct bytes){ NULL, 0 };
	struct cur v = cur_vec16(c);
	return rest_of(&v);
}

bool tls_client_hello(struct bytes body, struct tls_client_hello *out)
{
	struct cur c = cur_of(body);
	*out = (struct tls_client_hello){ .version = cur_u16(&c) };
	out->random = cur_take(&c, 32);
	struct cur id = cur_vec8(&c), list = cur_vec16(&c), compression = cur_vec8(&c);
	if (c.bad || cur_left(&id) > 32 || cur_left(&list) < 2 || cur_left(&list) % 2 || cur_left(&compression) < 1 ||
	    out->version >> 8 != 3)
		return false;
	out->session_id = rest_of(&id);
	out->suites = rest_of(&list);
	out->extensions = extensions(&c);
	uint16_t type;
	struct bytes data;
	for (struct bytes rest = out->extensions; tls_extension_next(&rest, &type, &data);)
		client_extension(out, type, data);
	uint16_t top = out->version > 0x0303 ? 0x0303 : out->version;
	/* Without supported_versions a client means every version up to the one it names (RFC 5246 E.1). */
	out->versions = out->listed.n ? version_set(out->listed) : (uint8_t)(2 * tls_version_bit(top) - 1);
	return true;
}

static void server_extension(struct tls_server_hello *h, uint16_t type, struct bytes data)
{
	struct cur c = cur_of(data);
	uint16_t v = cur_u16(&c);
	switch (type) {
	case TLS_EXT_VERSIONS:
		if (!c.bad)
			h->version = v;
		break;
	case TLS_EXT_KEY_SHARE:
		h->group = v;
		break;
	case TLS_EXT_PSK:
		h->psk = true;
		break;
	case TLS_EXT_ENCRYPT_THEN_MAC:
		h->etm = true;
		break;
	}
}

/* RFC 8446 4.1.3: the last octets of random say that a server could have done better. */
static uint16_t sentinel_of(struct bytes random)
{
	static const uint8_t tail[7] = { 0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44 };
	struct bytes end = bytes_skip(random, 24);
	if (end.n != 8 || memcmp(end.p, tail, 7) != 0 || end.p[7] > 1)
		return 0;
	return end.p[7] == 1 ? 0x0303 : 0x0302;
}

bool tls_server_hello(struct bytes body, struct tls_server_hello *out)
{
	static const uint8_t retry[32] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
					   0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
					   0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c };
	struct cur c = cur_of(body);
	*out = (struct tls_server_hello){ .version = cur_u16(&c) };
	out->legacy_version = out->version;
	out->random = cur_take(&c, 32);
	struct cur id = cur_vec8(&c);
	out->suite = cur_u16(&c);
	cur_u8(&c);
	if (c.bad || cur_left(&id) > 32 || out->version >> 8 != 3)
		return false;
	out->session_id = rest_of(&id);
	out->extensions = extensions(&c);
	out->sentinel = sentinel_of(out->random);
	out->retry = memcmp(out->random.p, retry, sizeof(retry)) == 0;
	uint16_t type;
	struct bytes data;
	for (struct bytes rest = out->extensions; tls_extension_next(&rest, &type, &data);)
		server_extension(out, type, data);
	return true;
}

/* ---- ServerKeyExchange ---- */

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

enum tls_kx tls_suite_kx(uint16_t suite)
{
	const char *name = tls_suite_name(suite);
	if (!name || begins(name, "TLS_ECDHE_PSK_") || begins(name, "TLS_DHE_PSK_"))
		return TLS_KX_OTHER; /* an identity hint stands in front (RFC 4279 3) */
	if (begins(name, "TLS_ECDHE_") || begins(name, "TLS_ECDH_anon_"))
		return TLS_KX_EC;
	return begins(name, "TLS_DHE_") || begins(name, "TLS_DH_anon_") ? TLS_KX_DH : TLS_KX_OTHER;
}

/* ECParameters and a point. Curves without a number have not been allowed since RFC 8422 5.4. */
static bool read_curve(struct cur *c, struct tls_key_exchange *out)
{
	enum { NAMED_CURVE = 3 };
	uint8_t type = cur_u8(c);
	out->group = cur_u16(c);
	struct cur point = cur_vec8(c);
	return !c->bad && type == NAMED_CURVE && cur_left(&point);
}

/* Prime, generator and public value (RFC 5246 7.4.3). */
static bool read_prime(struct cur *c, struct tls_key_exchange *out)
{
	struct cur p = cur_vec16(c), g = cur_vec16(c), y = cur_vec16(c);
	if (c->bad || cur_left(&g) == 0 || cur_left(&y) == 0 || cur_left(&p) > UINT16_MAX / 8)
		return false;
	uint8_t top = 0;
	while (cur_left(&p) && top == 0)
		top = cur_u8(&p);
	out->dh_bits = (uint16_t)(8 * cur_left(&p));
	for (; top; top >>= 1)
		out->dh_bits++;
	return out->dh_bits > 0;
}

/* What TLS 1.1 and before sign with goes without saying (RFC 4346 7.4.3, RFC 8422 5.4). */
static uint16_t implied_scheme(const char *suite)
{
	enum { DSA_SHA1 = 0x0202, ECDSA_SHA1 = 0x0203 };
	if (strstr(suite, "_ECDSA_"))
		return ECDSA_SHA1;
	return strstr(suite, "_DSS_") ? DSA_SHA1 : KEY_PROOF_RSA_MD5_SHA1;
}

static void read_signature(struct cur *c, uint16_t version, const char *suite, struct tls_key_exchange *out)
{
	uint16_t scheme = version == 0x0303 ? cur_u16(c) : implied_scheme(suite);
	struct cur signature = cur_vec16(c);
	if (c->bad || cur_left(c))
		return;
	out->scheme = scheme;
	out->signature = rest_of(&signature);
}

bool tls_key_exchange(struct bytes body, uint16_t version, uint16_t suite, struct tls_key_exchange *out)
{
	struct cur c = cur_of(body);
	enum tls_kx kx = tls_suite_kx(suite);
	*out = (struct tls_key_exchange){ 0 };
	if (kx == TLS_KX_OTHER || version < 0x0300 || version > 0x0303)
		return false;
	if (!(kx == TLS_KX_EC ? read_curve(&c, out) : read_prime(&c, out)))
		return false;
	out->params = bytes_head(body, body.n - cur_left(&c));
	const char *name = tls_suite_name(suite);
	if (!strstr(name, "_anon_"))
		read_signature(&c, version, name, out);
	return true;
}
