/* proxy_header: the PROXY protocol, strictly: what a receiver must refuse is no header here either, because whoever may
 * write into the dialogue may write something like it. Keeps nothing; type-length-values (among them a client's
 * certificate name) are skipped unread. Specification: HAProxy's "The PROXY protocol", sections 2.1 and 2.2. */
#include "wire/proxy_header.h"

#include "wire/address.h"

enum { V1_MAX = 107, V2_FIXED = 16, V2_INET = 12, V2_INET6 = 36, PORT_MAX = 65535 };

/* ---- version 1 ---- */

/* What stands before the next blank; exactly one blank is used up. */
static struct bytes v1_word(struct bytes *rest)
{
	size_t n = 0;
	while (n < rest->n && rest->p[n] != ' ')
		n++;
	struct bytes word = bytes_head(*rest, n);
	*rest = bytes_skip(*rest, n + 1);
	return word;
}

static bool v1_port(struct bytes word, uint16_t *out)
{
	uint32_t port = 0;
	if (word.n == 0 || word.n > 5 || (word.n > 1 && word.p[0] == '0'))
		return false;
	for (size_t i = 0; i < word.n; i++) {
		if (word.p[i] < '0' || word.p[i] > '9')
			return false;
		port = port * 10 + word.p[i] - '0';
	}
	*out = (uint16_t)port;
	return port <= PORT_MAX;
}

/* The line behind "PROXY ", without its line end. */
static bool v1_line(struct bytes rest, struct proxy_header *out)
{
	struct bytes family = v1_word(&rest);
	if (bytes_eq(family, bytes_of("UNKNOWN")))
		return true;
	bool six = bytes_eq(family, bytes_of("TCP6"));
	if (!six && !bytes_eq(family, bytes_of("TCP4")))
		return false;
	struct bytes source = v1_word(&rest), destination = v1_word(&rest), from = v1_word(&rest);
	bool colons = memchr(source.p, ':', source.n) && memchr(destination.p, ':', destination.n);
	bool none = !memchr(source.p, ':', source.n) && !memchr(destination.p, ':', destination.n);
	out->addressed = (six ? colons : none) && address_read(source, &out->source) &&
			 address_read(destination, &out->destination) && v1_port(from, &out->source_port) &&
			 v1_port(rest, &out->destination_port);
	return out->addressed;
}

static enum parse v1(struct bytes in, struct proxy_header *out, size_t *used)
{
	struct bytes prefix = bytes_of("PROXY "), line = bytes_head(in, V1_MAX);
	if (!bytes_eq(bytes_head(in, prefix.n), bytes_head(prefix, in.n)))
		return PARSE_BAD;
	size_t n = 0;
	while (n < line.n && line.p[n] != '\r' && line.p[n] != '\n')
		n++;
	if (n == line.n)
		return n < V1_MAX ? PARSE_MORE : PARSE_BAD;
	if (line.p[n] == '\n')
		return PARSE_BAD;
	if (n + 1 == line.n)
		return line.n < V1_MAX ? PARSE_MORE : PARSE_BAD;
	*out = (struct proxy_header){ .version = 1 };
	if (line.p[n + 1] != '\n' || !v1_line(bytes_skip(bytes_head(line, n), prefix.n), out))
		return PARSE_BAD;
	*used = n + 2;
	return PARSE_OK;
}

/* ---- version 2 ---- */

static struct addr v2_addr(struct cur *c, bool six)
{
	struct addr a = { .v = six ? 6 : 4 };
	struct bytes b = cur_take(c, six ? 16 : 4);
	memcpy(a.a, b.p, b.n);
	return a;
}

static enum parse v2(struct bytes in, struct proxy_header *out, size_t *used)
{
	static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";
	struct bytes head = bytes_head(in, sizeof(signature));
	if (memcmp(head.p, signature, head.n) != 0)
		return PARSE_BAD;
	struct cur c = cur_of(bytes_skip(in, sizeof(signature)));
	uint8_t command = cur_u8(&c), family = cur_u8(&c);
	uint16_t length = cur_u16(&c);
	/* Version and command in one octet: 0x20 LOCAL, 0x21 PROXY. Family and transport in the next: 0x11 is TCP over
	 * IPv4, 0x21 over IPv6. */
	if (in.n > sizeof(signature) && command != 0x20 && command != 0x21)
		return PARSE_BAD;
	if (c.bad)
		return PARSE_MORE;
	bool four = command == 0x21 && family == 0x11, six = command == 0x21 && family == 0x21;
	size_t need = four ? V2_INET : six ? V2_INET6 : 0;
	if (family >> 4 > 3 || (family & 15) > 2 || length < need)
		return PARSE_BAD;
	if (cur_left(&c) < need)
		return PARSE_MORE;
	*out = (struct proxy_header){ .version = 2, .addressed = need > 0, .skip = length - (uint32_t)need };
	if (need) {
		out->source = v2_addr(&c, six);
		out->destination = v2_addr(&c, six);
		out->source_port = cur_u16(&c);
		out->destination_port = cur_u16(&c);
	}
	*used = V2_FIXED + need;
	return PARSE_OK;
}

enum parse proxy_header(struct bytes in, struct proxy_header *out, size_t *used)
{
	*used = 0;
	if (in.n == 0)
		return PARSE_MORE;
	return in.p[0] == '\r' ? v2(in, out, used) : v1(in, out, used);
}
