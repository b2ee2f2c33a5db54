/* fuzz_tls_hello: first octet 0: the rest is a ClientHello; 2: version, suite and a ServerKeyExchange; else a
 * ServerHello. Promises: every span lies inside the message; a hello cut short is refused or says no more than the whole; the fingerprints have their form. */
#include <assert.h>
#include <stdlib.h>

#include "wire/ja.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct bytes part, struct bytes whole)
{
	assert(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void hex(const char *s, size_t n)
{
	assert(strlen(s) == n);
	for (size_t i = 0; i < n; i++)
		assert((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f'));
}

static void client(struct ja *ja, struct bytes in)
{
	struct tls_client_hello h, less;
	char ja3[JA3_SIZE], ja4[JA4_SIZE], suites[JA_SUITES_SIZE];
	if (!tls_client_hello(in, &h))
		return;
	const struct bytes part[] = { h.random, h.session_id, h.suites, h.extensions, h.listed,
				      h.sni,	h.alpn,	      h.groups, h.formats,    h.signatures };
	for (size_t i = 0; i < sizeof(part) / sizeof(*part); i++)
		inside(part[i], in);
	assert(h.random.n == 32 && h.session_id.n <= 32 && h.suites.n % 2 == 0);
	assert(ja_client(ja, &h, ja3) && ja4_client(ja, &h, ja4) && ja_suites(ja, &h, suites));
	hex(ja3, 32);
	hex(suites, 32);
	assert(strlen(ja4) == 36 && ja4[10] == '_' && ja4[23] == '_');
	hex(ja4 + 24, 12);
	if (tls_client_hello(bytes_head(in, in.n - 1), &less))
		assert(bytes_eq(less.suites, h.suites) && less.extensions.n <= h.extensions.n);
}

static void server(struct ja *ja, struct bytes in)
{
	struct tls_server_hello h, less;
	char ja3s[JA3_SIZE];
	if (!tls_server_hello(in, &h))
		return;
	inside(h.random, in);
	inside(h.session_id, in);
	inside(h.extensions, in);
	assert(h.random.n == 32 && (h.sentinel == 0 || h.sentinel == 0x0303 || h.sentinel == 0x0302));
	assert(ja_server(ja, &h, ja3s));
	hex(ja3s, 32);
	if (tls_server_hello(bytes_head(in, in.n - 1), &less))
		assert(less.suite == h.suite && less.retry == h.retry);
}

static void key_exchange(struct bytes in)
{
	struct cur c = cur_of(in);
	uint16_t version = cur_u16(&c), suite = cur_u16(&c);
	struct bytes body = bytes_skip(in, 4);
	struct tls_key_exchange k, less;
	if (c.bad || !tls_key_exchange(body, version, suite, &k))
		return;
	inside(k.params, body);
	inside(k.signature, body);
	assert(k.params.p == body.p && k.params.n >= 5 && (k.group == 0 || k.dh_bits == 0));
	assert(k.params.n + k.signature.n <= body.n && tls_suite_kx(suite) != TLS_KX_OTHER && version <= 0x0303);
	if (tls_key_exchange(bytes_head(body, body.n - 1), version, suite, &less))
		assert(less.params.n == k.params.n && less.group == k.group && less.dh_bits == k.dh_bits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ja *ja;
	if (!ja && !(ja = ja_new()))
		abort();
	if (size == 0)
		return 0;
	struct bytes in = { data + 1, size - 1 };
	if (data[0] == 0)
		client(ja, in);
	else if (data[0] == 2)
		key_exchange(in);
	else
		server(ja, in);
	return 0;
}
