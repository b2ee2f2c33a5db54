/* proxy_header: the header that a proxy puts in front of a connection to say who is behind it (HAProxy's PROXY protocol,
 * version 1 in text, version 2 in binary). What it says is the proxy's word and proves nothing. */
#ifndef PROXY_HEADER_H
#define PROXY_HEADER_H
#include "packet.h"

/* version      1 or 2
 * addressed    source, destination and their ports are set; not for v1 UNKNOWN, nor for v2 LOCAL, UNSPEC, UNIX and
 *              datagrams
 * skip         octets behind the used ones that still belong to it (type-length-values of version 2; at most 65535) */
struct proxy_header {
	uint8_t version;
	bool addressed;
	struct addr source, destination;
	uint16_t source_port, destination_port;
	uint32_t skip;
};

/* The header at the head of in, which must be the first octets of the connection.
 * PARSE_OK: out is set, used octets are done with, out->skip more are to be skipped
 * PARSE_MORE: may become one; call again with these octets and more behind them. At most 107 octets are ever wanted.
 * PARSE_BAD: no header, or a malformed one, which a receiver must not accept either: nothing was used */
enum parse proxy_header(struct bytes in, struct proxy_header *out, size_t *used);
#endif
