/* The two hello messages: all that TLS 1.3 still says in clear, and the names of the numbers in them. Reads one
 * message body that somebody else has put together, copies nothing, remembers nothing, and compares nothing: what a
 * server chose against what a client offered is asked in observe_tls (RFC 8446 4.1-4.2, RFC 5246 7.4.1). */
#include "wire/tls_hello.h"

#include <stdlib.h>

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
