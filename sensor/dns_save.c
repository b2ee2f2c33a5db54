/* dns_save: see dns_save.h. pcapng blocks (draft-ietf-opsawg-pcapng), little-endian by construction so that the file
 * is the same on every machine; link type RAW (IP without a link layer). Each block goes out in one write. */
#include "dns_save.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "packet.h"
#include "version.h"

enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_PACKET = 6, ORDER_MAGIC = 0x1a2b3c4d, LINK_RAW = 101 };
enum { OPT_END = 0, OPT_COMMENT = 1, SHB_USERAPPL = 4, IF_NAME = 2, IF_DESCRIPTION = 3, IF_TSRESOL = 9, NANO = 9 };
enum { PORT_DNS = 53, PORT_OURS = 65053, UDP_HEAD = 8, HOPS = 64 };

/* A block that grows; over its end nothing is written, and bad says so. */
struct block {
	uint8_t *p;
	size_t n;
	bool bad;
};

static void put(struct block *b, const void *octets, size_t n)
{
	b->bad = b->bad || n > DNS_SAVE_BLOCK - b->n;
	if (b->bad || n == 0)
		return;
	memcpy(b->p + b->n, octets, n);
	b->n += n;
}

static void put_le(struct block *b, uint32_t v, size_t n)
{
	uint8_t octets[4];
	for (size_t i = 0; i < n; i++)
		octets[i] = (uint8_t)(v >> 8 * i);
	put(b, octets, n);
}

static void put_be(struct block *b, uint32_t v, size_t n)
{
	uint8_t octets[4];
	for (size_t i = 0; i < n; i++)
		octets[i] = (uint8_t)(v >> 8 * (n - 1 - i));
	put(b, octets, n);
}

static void pad(struct block *b)
{
	static const uint8_t zero[4];
	put(b, zero, -b->n & 3);
}

static void option(struct block *b, uint32_t code, struct bytes value)
{
	put_le(b, code, 2);
	put_le(b, (uint32_t)value.n, 2);
	put(b, value.p, value.n);
	pad(b);
}

static struct block begin(struct dns_save *s, uint32_t type)
{
	struct block b = { .p = s->block };
	put_le(&b, type, 4);
	put_le(&b, 0, 4);
	return b;
}

static bool finish(struct dns_save *s, struct block *b)
{
	option(b, OPT_END, (struct bytes){ 0 });
	uint32_t total = (uint32_t)b->n + 4;
	put_le(b, total, 4);
	struct block length = { .p = s->block, .n = 4 };
	put_le(&length, total, 4);
	for (size_t done = 0; !b->bad && done < b->n;) {
		ssize_t n = write(s->fd, s->block + done, b->n - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			s->failed = true;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return !b->bad;
}

bool dns_save_open(struct dns_save *s, int fd, struct error *e)
{
	static const uint8_t resolution[] = { NANO };
	s->fd = fd;
	s->failed = false;
	s->saved = s->skipped = 0;
	struct block b = begin(s, BLOCK_SECTION);
	put_le(&b, ORDER_MAGIC, 4);
	put_le(&b, 1, 2);
	put_le(&b, 0, 2);
	put_le(&b, UINT32_MAX, 4);
	put_le(&b, UINT32_MAX, 4);
	option(&b, OPT_COMMENT, bytes_of("DNS replies that mxwitness asked for itself, at the times given. The messages are as "
					 "they came; the IP and UDP headers around them were made for this file."));
	option(&b, SHB_USERAPPL, bytes_of("mxwitness " MXWITNESS_VERSION));
	bool good = finish(s, &b);
	b = begin(s, BLOCK_INTERFACE);
	put_le(&b, LINK_RAW, 2);
	put_le(&b, 0, 2);
	put_le(&b, 0, 4);
	option(&b, IF_NAME, bytes_of("mxwitness-dns"));
	option(&b, IF_DESCRIPTION, bytes_of("DNS replies to mxwitness's own questions"));
	option(&b, IF_TSRESOL, (struct bytes){ resolution, 1 });
	return (good && finish(s, &b)) || error_set(e, "the file of --save-dns cannot be written: %s", strerror(errno));
}

/* RFC 1071, over big-endian 16-bit words. */
static uint32_t sum(uint32_t start, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		start += (uint32_t)b.p[i] << (i & 1 ? 0 : 8);
	return start;
}

static uint32_t folded(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s & 0xffff;
}

/* The addresses: the server's, and one from the documentation nets for us, whose own says nothing. */
static void put_addresses(struct block *b, const struct sockaddr_storage *server)
{
	static const uint8_t us4[] = { 192, 0, 2, 1 }, us6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	if (server->ss_family == AF_INET) {
		put(b, &((const struct sockaddr_in *)server)->sin_addr, 4);
		put(b, us4, sizeof(us4));
	} else {
		put(b, &((const struct sockaddr_in6 *)server)->sin6_addr, 16);
		put(b, us6, sizeof(us6));
	}
}

static void put_ip(struct block *b, const struct sockaddr_storage *server, size_t udp)
{
	size_t at = b->n;
	if (server->ss_family == AF_INET) {
		put_be(b, 0x4500, 2);
		put_be(b, (uint32_t)udp + 20, 2);
		put_be(b, 0, 4);
		put_be(b, HOPS << 8 | PROTO_UDP, 2);
		put_be(b, 0, 2);
	} else {
		put_be(b, 6u << 28, 4);
		put_be(b, (uint32_t)udp, 2);
		put_be(b, PROTO_UDP << 8 | HOPS, 2);
	}
	put_addresses(b, server);
	if (server->ss_family == AF_INET) {
		struct block check = { .p = b->p, .n = at + 10 };
		put_be(&check, folded(sum(0, (struct bytes){ b->p + at, 20 })), 2);
	}
}

static void put_udp(struct block *b, struct bytes addresses, struct bytes message)
{
	uint32_t n = (uint32_t)message.n + UDP_HEAD;
	uint32_t check = folded(sum(sum(PROTO_UDP + 2 * n + PORT_DNS + PORT_OURS, addresses), message));
	put_be(b, PORT_DNS, 2);
	put_be(b, PORT_OURS, 2);
	put_be(b, n, 2);
	put_be(b, check ? check : 0xffff, 2);
	put(b, message.p, message.n);
}

static const char *way(const struct upstream_reply *reply)
{
	return reply->tls ? "came over TLS" : reply->m.tcp ? "came over TCP" : "came over UDP";
}

void dns_save_put(struct dns_save *s, const struct upstream_reply *reply)
{
	bool v4 = reply->server->ss_family == AF_INET;
	size_t udp = reply->m.octets.n + UDP_HEAD, ip = v4 ? 20 : 40, packet = ip + udp;
	if (s->failed || packet > UINT16_MAX) {
		s->skipped++;
		return;
	}
	struct block b = begin(s, BLOCK_PACKET);
	put_le(&b, 0, 4);
	put_le(&b, (uint32_t)((uint64_t)reply->m.ts >> 32), 4);
	put_le(&b, (uint32_t)reply->m.ts, 4);
	put_le(&b, (uint32_t)packet, 4);
	put_le(&b, (uint32_t)packet, 4);
	put_ip(&b, reply->server, udp);
	size_t addresses = v4 ? 8 : 32;
	put_udp(&b, (struct bytes){ b.p + b.n - addresses, addresses }, reply->m.octets);
	pad(&b);
	option(&b, OPT_COMMENT, bytes_of(way(reply)));
	if (finish(s, &b))
		s->saved++;
	else
		s->skipped++;
}
