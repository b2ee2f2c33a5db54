/* upstream_spec: see upstream_spec.h. Text in, a peer out; nothing is opened. */
#include "upstream_spec.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { PORT_DNS = 53, PORT_TLS = 853 };

static bool set_port(const char *text, size_t n, uint16_t *port)
{
	unsigned v = 0;
	if (n == 0 || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = v * 10 + (unsigned)(text[i] - '0');
	}
	*port = (uint16_t)v;
	return v > 0 && v <= UINT16_MAX;
}

static bool set_address(struct dns_peer *peer, const char *text, size_t n, uint16_t port)
{
	char host[INET6_ADDRSTRLEN];
	struct sockaddr_in *v4 = (struct sockaddr_in *)&peer->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&peer->address;
	if (n >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = 0;
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		peer->address_n = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	peer->address_n = sizeof(*v6);
	return true;
}

/* 44 characters with one "=" at the end are 32 octets; EVP_DecodeBlock counts the padding as an octet more. */
static bool set_pin(struct dns_peer *peer, const char *text)
{
	uint8_t out[3 * 11];
	if (strlen(text) != 44 || text[43] != '=' || text[42] == '=' ||
	    EVP_DecodeBlock(out, (const unsigned char *)text, 44) != (int)sizeof(out))
		return false;
	memcpy(peer->pin, out, STREAM_PIN);
	peer->pinned = true;
	return true;
}

static bool set_name(struct dns_peer *peer, const char *text)
{
	size_t n = strlen(text);
	if (n == 0 || n >= sizeof(peer->name) || strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != n)
		return false;
	memcpy(peer->name, text, n + 1);
	return true;
}

static bool wrong(const char *text, struct error *e)
{
	return error_set(e, "DNS resolver \"%s\": not an IP address with an optional @port, such as 192.0.2.53@53, or "
			 "tls://192.0.2.53#dns.example", text);
}

bool upstream_spec(const char *text, struct dns_peer *peer, bool *tls, struct error *e)
{
	const char *at = text, *hash, *sign;
	*peer = (struct dns_peer){ 0 };
	*tls = strncmp(at, "tls://", 6) == 0;
	at += *tls ? 6 : 0;
	hash = strchr(at, '#');
	size_t n = hash ? (size_t)(hash - at) : strlen(at), host;
	uint16_t port = *tls ? PORT_TLS : PORT_DNS;
	sign = memchr(at, '@', n);
	host = sign ? (size_t)(sign - at) : n;
	if ((sign && !set_port(sign + 1, n - host - 1, &port)) || !set_address(peer, at, host, port) || (hash && !*tls))
		return wrong(text, e);
	if (!*tls)
		return true;
	if (!hash)
		return error_set(e, "DNS resolver \"%s\": TLS without knowing whom; write #NAME or #pin=BASE64 behind it", text);
	if (strncmp(hash, "#pin=", 5) == 0)
		return set_pin(peer, hash + 5) ||
		       error_set(e, "DNS resolver \"%s\": the pin is not the BASE64 of 32 octets", text);
	return set_name(peer, hash + 1) || error_set(e, "DNS resolver \"%s\": \"%s\" is no host name", text, hash + 1);
}
