/* fragment: IP datagrams that were cut into fragments, put together again within bounds (RFC 791 3.2, RFC 8200 4.5).
 *
 * Where fragments overlap, the octet that came first stays, and the datagram is counted as overlapping: RFC 5722 has
 * an IPv6 host drop such a datagram, while IPv4 hosts differ; a witness keeps it and says so. */
#ifndef FRAGMENT_H
#define FRAGMENT_H
#include "packet.h"

enum {
	FRAGMENT_DATAGRAM_MAX = 65535,
	FRAGMENT_PIECES = 64 /* holes and pieces of one datagram that are tracked; more is counted and the datagram dropped */
};

#define FRAGMENT_WAIT INT64_C(30000000000) /* ns from the first fragment (RFC 791: 15 s or more, RFC 8200: 60 s) */

struct fragment_key {
	struct addr src, dst;
	uint32_t id;
	uint8_t proto;
};

/* started, complete  datagrams       expired  by time      evicted  for room      overlap  fragments that met octets
 * already there       conflict  of these, with other octets       bad  beyond 64 KiB, contradicting ends, too many pieces */
struct fragment_counters {
	uint64_t fragments, started, complete, expired, evicted, overlap, conflict, bad;
};

struct fragment_table;

/* datagrams  how many may be incomplete at a time; memory is taken here and nowhere else (about 66 KiB each, touched
 *            only when used). NULL: no memory, or 0. */
struct fragment_table *fragment_table_new(size_t datagrams);
void fragment_table_free(struct fragment_table *ft);
const struct fragment_counters *fragment_table_counters(const struct fragment_table *ft);

enum fragment { FRAGMENT_MORE, FRAGMENT_DONE, FRAGMENT_REFUSED };

/* Takes one fragment.
 * offset  of data in the datagram, octets      last  no more fragments follow behind this one
 * ts      packet time, ns
 * DONE:    the datagram is complete; *whole is a loan until the next call
 * MORE:    kept      REFUSED: impossible, counted, its datagram dropped */
enum fragment fragment_push(struct fragment_table *ft, const struct fragment_key *key, uint32_t offset, bool last,
			    struct bytes data, int64_t ts, struct bytes *whole);
#endif
