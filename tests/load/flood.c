/* flood: packets that a sensor shall survive, as fast as an interface takes them, or at a rate.
 *
 *	flood IFACE KIND COUNT [PPS]
 *
 *	syn        SYNs of spoofed clients                     fragments  pieces of packets that are never whole
 *	tiny       dialogues in segments of one octet          conflicts  segments that contradict each other, behind a hole
 *	lines      EHLO without an end, and EHLO without end   dns        answers that nobody asked for
 *
 * Packet i is a function of i and kind alone. Prints how many it sent, and in how many seconds. */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* FLOWS: connections at a time, where packets belong to connections     STEPS: packets of one, then others take its place */
enum { BATCH = 64, FRAME = 1514, HEAD = 14, IP = 20, TCP = 20, UDP = 8, FLOWS = 1024, STEPS = 400, DATA = 1400 };
enum { FIN = 1, SYN = 2, ACK = 16, PSH = 8 };

static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t add_up(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return n % 2 ? sum + (uint32_t)(p[n - 1] << 8) : sum;
}

static unsigned fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static size_t ip(uint8_t *f, uint32_t from, uint32_t to, unsigned proto, unsigned id, unsigned offset, size_t n)
{
	static const uint8_t ether[HEAD] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0 };
	uint8_t *p = f + HEAD;
	memcpy(f, ether, HEAD);
	memset(p, 0, IP);
	p[0] = 0x45;
	put16(p + 2, (unsigned)(IP + n));
	put16(p + 4, id);
	put16(p + 6, offset);
	p[8] = 64;
	p[9] = (uint8_t)proto;
	put32(p + 12, from);
	put32(p + 16, to);
	put16(p + 10, fold(add_up(p, IP, 0)));
	return HEAD + IP + n;
}

struct end {
	uint32_t addr;
	uint16_t port;
};

/* The n octets of payload are in place already. */
static size_t tcp(uint8_t *f, struct end from, struct end to, unsigned flags, uint32_t seq, uint32_t ack, size_t n)
{
	uint8_t *t = f + HEAD + IP;
	memset(t, 0, TCP);
	put16(t, from.port);
	put16(t + 2, to.port);
	put32(t + 4, seq);
	put32(t + 8, ack);
	t[12] = 0x50;
	t[13] = (uint8_t)flags;
	put16(t + 14, 65535);
	size_t whole = ip(f, from.addr, to.addr, 6, seq & 0xffff, 0x4000, TCP + n);
	put16(t + 16, fold(add_up(t, TCP + n, add_up(f + HEAD + 12, 8, 6 + (uint32_t)(TCP + n)))));
	return whole;
}

static uint8_t *payload(uint8_t *f)
{
	return f + HEAD + IP + TCP;
}

static const struct end server = { 0xcb007119, 25 }; /* 203.0.113.25 */

static size_t syn(uint8_t *f, uint64_t i)
{
	uint64_t r = mix(i);
	struct end client = { (uint32_t)r, (uint16_t)(1024 + (r >> 32) % 60000) };
	return tcp(f, client, server, SYN, (uint32_t)(r >> 20), 0, 0);
}

/* The first, a middle one, or the last of a packet, which another never joins. */
static size_t fragment(uint8_t *f, uint64_t i)
{
	uint64_t r = mix(i / 2);
	memset(f + HEAD + IP, 0, 1024);
	put16(f + HEAD + IP, 1024);
	put16(f + HEAD + IP + 2, 25);
	unsigned where = i % 2 ? (r >> 48 & 1 ? 0x2000 | 256 : 320) : 0x2000;
	return ip(f, (uint32_t)r, server.addr, 6, (unsigned)(r >> 32) & 0xffff, where, 1024);
}

/* Connection c: what step there is in it, until it is opened; 0: it is. */
static size_t open_connection(uint8_t *f, struct end client, unsigned step)
{
	static const char hello[] = "220 mx.example ESMTP\r\n";
	switch (step) {
	case 0:
		return tcp(f, client, server, SYN, 999, 0, 0);
	case 1:
		return tcp(f, server, client, SYN | ACK, 4999, 1000, 0);
	case 2:
		memcpy(payload(f), hello, sizeof(hello) - 1);
		return tcp(f, server, client, PSH | ACK, 5000, 1000, sizeof(hello) - 1);
	default:
		return 0;
	}
}

static size_t tiny(uint8_t *f, struct end client, unsigned step)
{
	static const char said[] = "EHLO client.example\r\nNOOP\r\nRSET\r\nNOOP\r\nHELP\r\n";
	payload(f)[0] = (uint8_t)said[step % (sizeof(said) - 1)];
	return tcp(f, client, server, PSH | ACK, 1000 + step, 5022, 1);
}

/* Three versions of overlapping octets, the first octet of all of them missing. */
static size_t conflict(uint8_t *f, struct end client, unsigned step)
{
	memset(payload(f), 'a' + (int)(step % 3), 700);
	return tcp(f, client, server, PSH | ACK, 1001 + step / 3 * 350, 5022, 700);
}

static size_t line(uint8_t *f, struct end client, unsigned step)
{
	uint8_t *p = payload(f);
	for (unsigned i = 0; i < DATA; i++)
		p[i] = (uint8_t)(client.port % 2 ? 'x' : "EHLO a.example\r\n\r\n\r\n\r\n"[i % 20]);
	if (step == 0)
		memcpy(p, "EHLO ", 5);
	return tcp(f, client, server, PSH | ACK, 1000 + step * DATA, 5022, DATA);
}

static size_t dns(uint8_t *f, uint64_t i)
{
	static const uint8_t head[] = { 0, 0, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0, 16 };
	static const uint8_t tail[] = { 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 15, 0, 1, 0xc0, 12, 0, 15, 0, 1, 0, 0, 14, 16, 0,
					 4, 0, 10, 0xc0, 12 };
	uint8_t *u = f + HEAD + IP, *p = u + UDP;
	const size_t n = sizeof(head) + 16 + sizeof(tail);
	uint64_t r = mix(i);
	memcpy(p, head, sizeof(head));
	put16(p, r & 0xffff);
	for (size_t k = 0; k < 16; k++)
		p[sizeof(head) + k] = (uint8_t)('a' + (r >> k * 4 & 15));
	memcpy(p + sizeof(head) + 16, tail, sizeof(tail));
	put16(u, 53);
	put16(u + 2, 1024 + (unsigned)(r >> 48) % 60000);
	put16(u + 4, (unsigned)(UDP + n));
	put16(u + 6, 0);
	return ip(f, 0xc6336435, 0xc0000235, 17, r & 0xffff, 0, UDP + n);
}

static size_t in_connection(uint8_t *f, uint64_t i, size_t (*say)(uint8_t *, struct end, unsigned))
{
	const unsigned step = (unsigned)(i / FLOWS % STEPS);
	const uint64_t r = mix(i / FLOWS / STEPS * FLOWS + i % FLOWS);
	struct end client = { 0x0a000000 | ((uint32_t)r & 0xffffff), (uint16_t)(1024 + (r >> 32) % 60000) };
	size_t n = open_connection(f, client, step);
	return n ? n : say(f, client, step - 3);
}

static size_t make(const char *kind, uint8_t *f, uint64_t i)
{
	switch (kind[0]) {
	case 's':
		return syn(f, i);
	case 'f':
		return fragment(f, i);
	case 't':
		return in_connection(f, i, tiny);
	case 'c':
		return in_connection(f, i, conflict);
	case 'l':
		return in_connection(f, i, line);
	default:
		return dns(f, i);
	}
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_socket(const char *name)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), yes = 1;
	if (fd < 0 || to.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		perror(name);
		exit(1);
	}
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes));
	return fd;
}

int main(int argc, char **argv)
{
	static uint8_t frame[BATCH][FRAME];
	static struct iovec iov[BATCH];
	static struct mmsghdr msg[BATCH];
	if (argc < 4) {
		fprintf(stderr, "usage: flood IFACE syn|fragments|tiny|conflicts|lines|dns COUNT [PPS]\n");
		return 2;
	}
	const uint64_t count = strtoull(argv[3], NULL, 10), pps = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
	const int fd = open_socket(argv[1]);
	const double from = now();
	uint64_t sent = 0;
	while (sent < count) {
		unsigned n = (unsigned)(count - sent < BATCH ? count - sent : BATCH);
		for (unsigned k = 0; k < n; k++) {
			iov[k] = (struct iovec){ frame[k], make(argv[2], frame[k], sent + k) };
			msg[k].msg_hdr = (struct msghdr){ .msg_iov = &iov[k], .msg_iovlen = 1 };
		}
		for (unsigned k = 0; k < n;) {
			int done = sendmmsg(fd, msg + k, n - k, 0);
			if (done <= 0)
				usleep(100); /* the queue is full */
			else
				k += (unsigned)done;
		}
		sent += n;
		double early = pps ? from + (double)sent / (double)pps - now() : 0;
		if (early > 0.001)
			usleep((useconds_t)(early * 1e6));
	}
	printf("%llu packets in %.2f s\n", (unsigned long long)sent, now() - from);
	return 0;
}
