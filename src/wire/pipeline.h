/* pipeline: the walk of one packet, from its octets to the session it ends.
 *
 *	pipeline_push(p, packet);
 *	while ((item = pipeline_next(p, &out)) != PIPELINE_NONE) ...
 *
 * and at the end of input pipeline_finish(p), and the same loop once more. */
#ifndef PIPELINE_H
#define PIPELINE_H
#include "dns_message.h"
#include "record.h"

enum { PIPELINE_PORTS = 64, PIPELINE_DNS_PORTS = 8 };

/* tls: TLS is spoken from the first octet (RFC 8314 3.3) */
struct mail_port {
	uint16_t port;
	bool tls;
};

/* key     makes the flow hash unpredictable; results do not depend on it
 * flows   most flows at a time           budget  octets for reassembly
 * quiet   octets of a flow from which on PIPELINE_QUIET is said; 0: never
 * dns     DNS messages are wanted, of port 53 and of the ndns others in dns_port; without mail ports nothing else is
 * odd     one in so many connections on other ports is looked at for SMTP; 0: none, 1: all. They have tables of their
 *         own, small ones, so that no flood of them costs a session on a mail port, and PIPELINE_QUIET is not said of them
 * attempts  connections that did not come about are given as sessions too, with mxwitness.tcp.attempt, a few a second
 * exhibits  octets for packets kept as evidence; 0: none are kept
 * interim   a session is also given before its end, at its milestones (milestone.h), with mxwitness.capture.phase interim: what
 *           it would be if the capture ended with the packet that was pushed last, and with the event.id that it will have
 *           at its end. What is given at the end is the same with and without */
struct pipeline_config {
	struct mail_port ports[PIPELINE_PORTS];
	size_t nports;
	uint8_t key[16];
	size_t flows, dialogues, budget, exhibits;
	uint64_t quiet;
	bool dns, interim, attempts;
	uint16_t dns_port[PIPELINE_DNS_PORTS];
	size_t ndns;
	uint32_t odd;
};

struct pipeline;

/* NULL: no memory, or no port at all. All memory is taken here. */
struct pipeline *pipeline_new(const struct pipeline_config *config);
void pipeline_free(struct pipeline *p);

/* PIPELINE_QUIET  quiet is a flow of which nothing more is read, in the directions that quiet.seen names: the caller may
 *                 stop to give its packets but for SYN, FIN and RST and now and then another, if he can say later how
 *                 many they were. Said again when the other direction has come so far
 * PIPELINE_COUNT  how many packets of quiet have there been, that were not given? Answer by pipeline_counted, or not
 * PIPELINE_LOOK   what is spoken there? Answer by pipeline_classified, or not */
enum pipeline_item { PIPELINE_NONE, PIPELINE_SESSION, PIPELINE_DNS, PIPELINE_QUIET, PIPELINE_COUNT, PIPELINE_LOOK };

/* PIPELINE_ATTEMPTS  connections that did not come about, and are given as sessions, in a second */
enum { PIPELINE_ATTEMPTS = 32 };
enum { PIPELINE_LOOK_MAX = 1024, PIPELINE_NAME_MAX = 16, PIPELINE_NAMES = 16 };

/* The first octets of a connection that our own parsers do not understand, for whoever knows other protocols; a side
 * that was not heard has none. first: who spoke first. */
struct pipeline_look {
	struct bytes said[2];
	enum dir first;
};

/* addr, port  of client and server       seen  directions that may be left out
 *             (PIPELINE_COUNT: that were said to be so)
 * seq_to      of each: behind the last octet that was read */
struct quiet_flow {
	struct addr addr[2];
	uint16_t port[2];
	uint32_t seq_to[2];
	bool seen[2];
};

/* Since PIPELINE_QUIET, of each direction: packets that were left out, the TCP payload in them, and the sequence number
 * behind the last of it; all 0 if nobody knows. */
struct quiet_count {
	bool known[2];
	uint64_t packets[2], octets[2];
	uint32_t seq_to[2];
};

/* What pipeline_next has set is what its answer names, and nothing else.
 * session, chain (the certificate_list as the server sent it, or empty), proof (key_proof.h, or empty), exhibit (exhibit.h,
 * or empty), dns, look: loans until the next call. */
struct pipeline_out {
	const struct record *session;
	struct bytes chain, proof, exhibit;
	struct dns_message dns;
	struct pipeline_look look;
	struct quiet_flow quiet;
	bool quiet_ends; /* of PIPELINE_COUNT: it is the last time, the flow is over */
};

/* Takes one packet, or, without octets, its time alone: what has been idle for too long by then ends. Its octets are borrowed until pipeline_next answers PIPELINE_NONE. */
void pipeline_push(struct pipeline *p, const struct packet *packet);
/* What the packet, or the end, brought. */
enum pipeline_item pipeline_next(struct pipeline *p, struct pipeline_out *out);
/* After PIPELINE_COUNT, before pipeline_next. */
void pipeline_counted(struct pipeline *p, const struct quiet_count *count);
/* The answer to PIPELINE_LOOK, before pipeline_next: what is spoken there, in lower case, at most PIPELINE_NAME_MAX
 * octets. Without an answer it is not known. On a mail port it is only counted; elsewhere "smtp" makes it a session,
 * and nothing else that is said here has a consequence. */
void pipeline_classified(struct pipeline *p, struct bytes name);
/* From now on one in every new connections on other ports is looked at, 0: none; those that are being looked at stay. Of no
 * effect where config.odd was 0. */
void pipeline_other_ports(struct pipeline *p, uint32_t every);
/* No more packets: every open flow ends now. */
void pipeline_finish(struct pipeline *p);

/* What is left out from now on, as there is too much; nothing, if all is 0.
 * quiet  octets of a flow from which on PIPELINE_QUIET is said, where that is less than configured, and not 0 there
 * half   connections without an answer at most: the oldest go first; 0: as many as there is room for
 * thin   one in 2^thin new connections is taken, and that one whole; 0: all. At most 6 */
struct pipeline_shed {
	uint64_t quiet;
	size_t half;
	unsigned thin;
};
/* Never called: the counters of what was left out are not in pipeline_stats. */
void pipeline_shed(struct pipeline *p, const struct pipeline_shed *shed);

/* The counters as facts of a stats event. */
void pipeline_stats(const struct pipeline *p, struct record *stats);
#endif
