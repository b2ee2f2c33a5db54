/* flow: which TCP connection a segment belongs to, who is client in it, and when it is over.
 *
 * Key: the two addresses and ports. VLAN tags, MPLS labels and tunnels are not part of it: mirror ports tag the two
 * directions differently, and the same connection seen through two encapsulations must stay one. Two networks
 * behind one sensor that use the same private addresses and the same ports at the same time would be mixed; what
 * follows then are conflicts and gaps, which are seen.
 *
 * The walk of one segment:
 *
 *	if (!flow_wanted(t, seg)) return;
 *	while ((fl = flow_due(t, seg)))         // what must end first: idle, evicted, or replaced by this new SYN
 *		finish(fl), flow_release(t, fl);
 *	fl = flow_find_or_add(t, seg, &dir);
 *	stream_push(&fl->streams, dir, seg); ...
 *
 * "It is now ts" and the end of input:
 *
 *	while ((fl = flow_idle(t, ts)))  finish(fl), flow_release(t, fl);
 *	while ((fl = flow_last(t)))      finish(fl), flow_release(t, fl);
 *
 * finish: stream_finish, drain stream_next, emit the session, give user back. */
#ifndef FLOW_H
#define FLOW_H
#include "packet.h"
#include "wire/stream.h"

#define FLOW_SECOND INT64_C(1000000000)
#define FLOW_IDLE_HALF (30 * FLOW_SECOND)   /* a SYN, and no answer or payload */
#define FLOW_IDLE_OPEN (660 * FLOW_SECOND)  /* RFC 5321 4.5.3.2 lets a client wait 10 minutes for a reply */
#define FLOW_IDLE_CLOSED (5 * FLOW_SECOND)  /* both FIN, or RST: late segments still belong to it */

enum flow_state { FLOW_HALF, FLOW_OPEN, FLOW_CLOSED, FLOW_STATES };

/* Why flow_due, flow_idle or flow_last gave it out. */
enum flow_end { FLOW_END_NONE, FLOW_END_CLOSED, FLOW_END_TIMEOUT, FLOW_END_REUSED, FLOW_END_EVICTED, FLOW_END_INPUT,
		FLOW_END_FORGOTTEN };

enum { FLOW_RSTS = 5, FLOW_OPTIONS = 40 };

/* ahead: its sequence number is beyond all that its side had sent */
struct flow_rst {
	int64_t ts;
	uint64_t number;
	uint32_t seq, ack;
	uint16_t ipid;
	uint8_t ttl;
	enum dir dir;
	bool has_ack, ahead;
};

/* The first SYN of a side. at  packet time; options  of the TCP header, as sent */
struct flow_syn {
	int64_t at;
	uint32_t tick;
	uint16_t window;
	uint8_t ttl, noptions;
	bool ticks;
	uint8_t options[FLOW_OPTIONS];
};

/* What the segments with payload of one side look like.
 * packets      how many            ttl_min, ttl_max  their TTL
 * ticks        of these with a timestamp: the first came at from with tick_from, the last at to with tick_to
 * ids          IP IDs compared with the one before, of any segment but SYN and RST; ids_zero both 0, ids_same equal,
 *              ids_near a little greater */
struct flow_habit {
	int64_t from, to;
	uint32_t tick_from, tick_to, packets, ticks;
	uint32_t ids, ids_zero, ids_same, ids_near;
	uint16_t id;
	bool id_known;
	uint8_t ttl_min, ttl_max;
};

/* Octets that a side sends again (RFC 6298) while nobody acknowledges them.
 * acked        highest sequence number that the other side acknowledged, if acks
 * seq, n       lowest sequence number sent again, and how often, as long as it is not acknowledged: n is 0 then
 * most         greatest n ever      last, last_at  the newest segment with payload: a copy of it is no second try */
struct flow_again {
	int64_t last_at;
	uint32_t acked, seq, n, most, last;
	bool acks;
};

/* What one side sent. Times in ns; octets are payload on the wire, retransmissions included.
 * ttl_first, ipid_first  of its first packet       ttl_min, ttl_max  of all but RST segments
 * syns         SYN seen
 * isn          of its SYN, if syn       seq_to  sequence number behind the highest octet seen
 * fin_ack      what its FIN acknowledges, if fin
 * sum_good     the pipeline's: the checksum of one of its segments is right
 * timestamps   any packet had a TCP timestamp       zero_window  its last word about its window
 * rst_count    RST seen
 * rst_seq, rst_at, rst_heard   of its first RST that somebody would accept, if rst: sequence number, packet time, and how
 *              far the other side had been seen by then
 * data_after_rst  payload or FIN beyond the sequence of its own RST came later, so that it was not the end
 * alive_after_rst  payload beyond its RST, or an acknowledgement of what the other side sent after it, came at least a
 *              round trip later: the RST was not its own */
struct flow_side {
	struct addr addr;
	uint16_t port;
	uint16_t ipid_first;
	uint8_t ttl_first, ttl_min, ttl_max;
	bool syn, fin, sum_good, timestamps, zero_window, rst, data_after_rst, alive_after_rst;
	uint32_t isn, seq_to, fin_ack;
	uint32_t syns, rst_count, rst_seq, rst_heard;
	uint64_t packets, octets;
	int64_t first, last, rst_at;
	struct flow_syn opening;
	struct flow_habit habit;
	struct flow_again again;
};

/* Packets that were left out, as nothing was to be learnt from them (PIPELINE_QUIET): per direction how many, and the
 * payload in them. on: there may be more, until the flow ends */
struct flow_quiet {
	uint64_t packets[2], octets[2];
	bool on[2];
};

/* side[C2S] is what the client sent, side[S2C] what the server sent; streams.side[] likewise.
 * first, last  packet time of the first and the newest packet
 * role_sure    client and server are known by a SYN or SYN-ACK, not by the port
 * vlan, vlans, iface   of the first packet      encap  ENCAP_ values of all packets
 * client_first the first packet seen came from the client       syn_conflict  two SYN-ACKs with different numbers
 * rst, rsts    the first RST segments of both sides, in the order of capture; the last place is for the first one of a side
 * shaken       packet time of the client's first segment behind the SYN-ACK; 0: not seen
 * user, kept   the pipeline's; NULL at the start; flow.c never looks at them, nor at mark, which is 0 at the start
 * end          set when the flow is given out to be finished */
struct flow {
	struct flow_side side[2];
	struct streams streams;
	struct flow_rst rst[FLOW_RSTS];
	int64_t first, last, shaken;
	uint64_t first_number, last_number;
	void *user, *kept;
	struct flow_quiet quiet;
	enum flow_state state;
	enum flow_end end;
	uint32_t iface;
	uint16_t vlan[2];
	uint8_t vlans, encap, rsts, mark;
	bool role_sure, client_first, syn_conflict;
	/* private to flow.c */
	int64_t seen;
	uint64_t hash;
	struct flow *bucket, *older, *newer;
};

/* shed_half     of evicted, those that went by flow_shed       shed_flows, shed_packets  SYNs without an ACK, and
 *               all segments, of flows that were not taken by it */
struct flow_counters {
	uint64_t added, closed, timeout, reused, evicted, evicted_half, input_end, forgotten;
	uint64_t shed_half, shed_flows, shed_packets;
	uint64_t now_open, most_open;
};

struct flow_table;

/* A table of at most max flows. key makes the hash unpredictable (random from the caller, once a start; any constant
 * in a test): results do not depend on it. ports are the mail ports; the array is copied. mem outlives the table.
 * NULL: no memory, max of 0 or nports of 0. */
struct flow_table *flow_table_new(size_t max, const uint8_t key[16], const uint16_t *ports, size_t nports,
				  struct stream_memory *mem);

/* Flows still inside go with it; their streams give their blocks back, user does not. */
void flow_table_free(struct flow_table *t);

const struct flow_counters *flow_table_counters(const struct flow_table *t);

/* What is not taken while there is too much, from now on.
 * half  half-open flows at most, the oldest go first; 0: as many as the table holds
 * thin  one in 2^thin new flows is taken, at most FLOW_THIN; 0: all. Which ones is decided by the keyed hash, so that nobody
 *       can choose, and so that both directions and a repeated SYN agree. When thin shrinks, what was left out and goes on
 *       is not taken in its middle: such a flow begins with a SYN for as long as one may be open */
enum { FLOW_THIN = 6 };
void flow_shed(struct flow_table *t, size_t half, unsigned thin);

/* TCP, with a mail port on either side. */
bool flow_wanted(const struct flow_table *t, const struct segment *seg);
bool flow_mail_port(const struct flow_table *t, uint16_t port);

/* seg belongs to a flow that is in the table. */
bool flow_known(const struct flow_table *t, const struct segment *seg);

/* The next flow that must be finished before seg is taken: idle too long at seg->ts, or the same addresses and ports
 * with a SYN of another sequence number (RFC 9293 3.6.1: a new connection), or the table is full and seg begins a
 * flow (half-open before closed before idle longest), or flow_shed wants it. Out of the table already; the caller finishes it and calls
 * flow_release. NULL: go on. */
struct flow *flow_due(struct flow_table *t, const struct segment *seg);

/* Likewise, by time alone. now  packet time in ns; it never runs backwards inside the table. */
struct flow *flow_idle(struct flow_table *t, int64_t now);

/* Likewise at the end of input: every flow, in the order of their last packets. */
struct flow *flow_last(struct flow_table *t);

/* Likewise, and this one, because its user is needed for another. */
struct flow *flow_evict(struct flow_table *t, struct flow *fl);

/* The flow of seg, with times, counters, state and roles brought up to date, dir set; made if there is none.
 * Call flow_due to its end first: with the table full and no flow of seg the answer is NULL. A lone RST or a
 * bare ACK makes no flow either (NULL): nothing can be learnt from it; and so says flow_shed of others. */
struct flow *flow_find_or_add(struct flow_table *t, const struct segment *seg, enum dir *dir);

/* The flow of seg, looked at only; NULL: there is none. */
struct flow *flow_peek(const struct flow_table *t, const struct segment *seg, enum dir *dir);

/* dir has sent, unseen by us, in all packets with octets of payload since fl->quiet.on[dir]. to: sequence number that this
 * side has come to; believed as far as the octets reach. unknown: nobody has counted, and to is all that is known. It is
 * no gap: nothing of it was wanted. */
void flow_left_out(struct flow *fl, enum dir dir, uint64_t packets, uint64_t octets, uint32_t to, bool unknown);

/* SYN to the client's answer to the SYN-ACK: a round trip between the two ends. -1: not seen. */
int64_t flow_round_trip(const struct flow *fl);

/* fl leaves the table before its end, because nothing of it is wanted. flow_release is still to be called. */
void flow_forget(struct flow_table *t, struct flow *fl);

/* Streams and flow go back to their pools. */
void flow_release(struct flow_table *t, struct flow *fl);
#endif
