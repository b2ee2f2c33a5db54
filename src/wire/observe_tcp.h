/* observe_tcp: what the flow and its two streams show becomes facts: endpoints, times, counts, coverage, habits of both
 * sides, conflicts, resets. */
#ifndef OBSERVE_TCP_H
#define OBSERVE_TCP_H
#include "record.h"
#include "wire/flow.h"
#include "wire/ident.h"

/* Which part of the session conflicts and resets belong to (enum place), in the order of stream_conflict_at and of
 * fl->rst. conflicts, resets  how many are placed        settled  a bit for each reset whose place will not change
 * rest  places of the first and the last octet of the conflicts that were not kept */
struct tcp_places {
	uint8_t conflict[2][STREAM_CONFLICTS], conflicts[2], rest[2][2];
	uint8_t reset[FLOW_RSTS], resets, settled;
};

/* What only the pipeline knows of a flow.
 * service       by port
 * dialogue_gap  octets are missing from the clear dialogue or the clear part of the handshake
 * cut           the capture cut payload (snaplen)
 * passed        some octets were not kept for comparison with later versions: content, or behind the handshake
 * where         places of all conflicts and resets
 * tls_on, tls_from   the direction has come to TLS, and the offset of its first octet
 * handshake     the TLS handshake completed */
struct tcp_hints {
	enum service service;
	bool dialogue_gap, cut, passed;
	const struct tcp_places *where;
	bool tls_on[2];
	uint64_t tls_from[2];
	enum tri handshake;
};

/* The facts of a flow that is over. */
void observe_tcp(struct record *r, struct ident *ident, const struct flow *fl, const struct tcp_hints *hints);
#endif
