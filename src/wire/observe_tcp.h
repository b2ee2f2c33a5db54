/* observe_tcp: what the flow and its two streams show becomes facts: endpoints, times, counts, coverage. */
#ifndef OBSERVE_TCP_H
#define OBSERVE_TCP_H
#include "record.h"
#include "wire/flow.h"
#include "wire/ident.h"

/* What only the pipeline knows of a flow.
 * service       by port
 * dialogue_gap  octets are missing from the clear dialogue or the clear part of the handshake
 * cut           the capture cut payload (snaplen) */
struct tcp_hints {
	enum service service;
	bool dialogue_gap, cut;
};

/* The facts of a flow that is over. */
void observe_tcp(struct record *r, struct ident *ident, const struct flow *fl, const struct tcp_hints *hints);
#endif
