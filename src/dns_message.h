/* dns_message: the seam between capture and resolver: one raw DNS message seen on the wire, with its time. */
#ifndef DNS_MESSAGE_H
#define DNS_MESSAGE_H
#include "packet.h"
enum { DNS_MESSAGE_MAX = 65535 };
/* ts of the packet that completed it; frame its number; other: it is of a capture that was given for its DNS alone; a
 * loan for one call. client asked and server was asked, or answers; client_port is the client's. */
struct dns_message {
	int64_t ts;
	uint64_t frame;
	bool tcp, other;
	struct addr client, server;
	uint16_t client_port;
	struct bytes octets;
};
#endif
