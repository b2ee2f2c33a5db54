/* dns_message: the seam between capture and resolver: one raw DNS message seen on the wire, with its time. */
#ifndef DNS_MESSAGE_H
#define DNS_MESSAGE_H
#include "packet.h"
enum { DNS_MESSAGE_MAX = 65535 };
/* ts of the packet that completed it; frame its number; other: it is of a capture that was given for its DNS alone; a
 * loan for one call. client asked and server was asked, or answers, each with its port; they are 0 with TCP. */
struct dns_message {
	int64_t ts;
	uint64_t frame;
	bool tcp, other;
	struct addr client, server;
	uint16_t client_port, server_port;
	struct bytes octets;
};

/* 2^62 ns, as in source.h: sums of a time and any TTL stay far from overflow. */
#define DNS_MESSAGE_TS_MAX ((int64_t)1 << 62)

enum { DNS_MESSAGE_HEAD = 21 + 2 * sizeof(struct addr) };

/* Between our processes a message is DNS_MESSAGE_HEAD octets, and its own behind them. */
static inline void dns_message_head(const struct dns_message *m, uint8_t head[DNS_MESSAGE_HEAD])
{
	memcpy(head, &m->ts, 8);
	memcpy(head + 8, &m->frame, 8);
	head[16] = (uint8_t)(m->tcp | m->other << 1);
	memcpy(head + 17, &m->client_port, 2);
	memcpy(head + 19, &m->server_port, 2);
	memcpy(head + 21, &m->client, sizeof(m->client));
	memcpy(head + 21 + sizeof(m->client), &m->server, sizeof(m->server));
}

/* m->octets borrow from record. false: it is too short or too long, or its time or an address cannot be. */
static inline bool dns_message_read(struct bytes record, struct dns_message *m)
{
	if (record.n < DNS_MESSAGE_HEAD)
		return false;
	memcpy(&m->ts, record.p, 8);
	memcpy(&m->frame, record.p + 8, 8);
	m->tcp = record.p[16] & 1;
	m->other = record.p[16] >> 1 & 1;
	memcpy(&m->client_port, record.p + 17, 2);
	memcpy(&m->server_port, record.p + 19, 2);
	memcpy(&m->client, record.p + 21, sizeof(m->client));
	memcpy(&m->server, record.p + 21 + sizeof(m->client), sizeof(m->server));
	m->octets = bytes_skip(record, DNS_MESSAGE_HEAD);
	return m->ts >= 0 && m->ts <= DNS_MESSAGE_TS_MAX && m->octets.n <= DNS_MESSAGE_MAX &&
	       (m->client.v == 0 || m->client.v == 4 || m->client.v == 6) && m->client.v == m->server.v;
}
#endif
