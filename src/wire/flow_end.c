/* Who ended a connection. A side often says so twice, and both sides do: FIN is answered by FIN, and late octets by RST.
 * So a RST that comes behind its own side's FIN, or acknowledges the other's, is no end of its own, and of two FINs the
 * first is the one that the other acknowledges (RFC 9293 3.5.2, 3.6). Knows nothing of what was said; owns nothing. */
#include "wire/flow_end.h"

/* How far a is behind b in the order of sequence numbers. */
static int32_t behind(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static const struct flow_rst *first_rst(const struct flow *fl, enum dir dir)
{
	for (uint8_t i = 0; i < fl->rsts; i++)
		if (fl->rst[i].dir == dir)
			return &fl->rst[i];
	return NULL;
}

static enum side side_of(enum dir dir)
{
	return dir == C2S ? side_client : side_server;
}

static bool answers_fin(const struct flow *fl, enum dir dir, const struct flow_rst *rst)
{
	const struct flow_side *own = &fl->side[dir], *peer = &fl->side[!dir];
	return (own->fin && behind(rst->seq, own->seq_to) >= 0) ||
	       (peer->fin && rst->has_ack && behind(rst->ack, peer->seq_to) >= 0);
}

static enum side reset_by(const struct flow *fl)
{
	const struct flow_rst *first = NULL;
	enum side by = side_COUNT;
	for (enum dir dir = C2S; dir <= S2C; dir++) {
		const struct flow_rst *rst = first_rst(fl, dir);
		if (rst && flow_end_reset(fl, dir) && !answers_fin(fl, dir, rst) && (!first || rst->number < first->number)) {
			first = rst;
			by = side_of(dir);
		}
	}
	return by;
}

static bool closed_first(const struct flow *fl, enum dir dir)
{
	const struct flow_side *own = &fl->side[dir], *peer = &fl->side[!dir];
	return own->fin && (!peer->fin || behind(peer->fin_ack, own->seq_to) >= 0);
}

enum failhow flow_end_how(const struct flow *fl, enum side *by)
{
	bool client = closed_first(fl, C2S), server = closed_first(fl, S2C);
	*by = reset_by(fl);
	if (*by != side_COUNT)
		return failhow_reset;
	if (client != server)
		*by = client ? side_client : side_server;
	if (fl->side[C2S].fin || fl->side[S2C].fin)
		return failhow_fin;
	return fl->end == FLOW_END_TIMEOUT ? failhow_timeout : failhow_unknown;
}

bool flow_end_reset(const struct flow *fl, enum dir dir)
{
	return fl->side[dir].rst_count && !fl->side[dir].data_after_rst;
}

bool flow_end_ahead(const struct flow *fl, enum dir dir)
{
	const struct flow_rst *own = first_rst(fl, dir), *peer = first_rst(fl, !dir);
	uint32_t seen = fl->side[dir].seq_to;
	int32_t sent = own ? behind(own->seq, seen) : 0, heard = peer && peer->has_ack ? behind(peer->ack, seen) : 0;
	return (sent > 0 && sent < STREAM_WINDOW) || (heard > 0 && heard < STREAM_WINDOW);
}
