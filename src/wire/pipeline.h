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
 * dns     DNS messages are wanted, of port 53 and of the ndns others in dns_port; without mail ports nothing else is
 * odd     one in so many connections on other ports is looked at for SMTP; 0: none, 1: all. They have tables of their
 *         own, small ones, so that no flood of them costs a session on a mail port */
struct pipeline_config {
	struct mail_port ports[PIPELINE_PORTS];
	size_t nports;
	uint8_t key[16];
	size_t flows, dialogues, budget;
	bool dns;
	uint16_t dns_port[PIPELINE_DNS_PORTS];
	size_t ndns;
	uint32_t odd;
};

struct pipeline;

/* NULL: no memory, or no port at all. All memory is taken here. */
struct pipeline *pipeline_new(const struct pipeline_config *config);
void pipeline_free(struct pipeline *p);

enum pipeline_item { PIPELINE_NONE, PIPELINE_SESSION, PIPELINE_DNS, PIPELINE_LOOK };

enum { PIPELINE_LOOK_MAX = 1024, PIPELINE_NAME_MAX = 16, PIPELINE_NAMES = 16 };

/* The first octets of a connection that our own parsers do not understand, for whoever knows other protocols; a side
 * that was not heard has none. first: who spoke first. */
struct pipeline_look {
	struct bytes said[2];
	enum dir first;
};

/* session, chain (the certificate_list as the server sent it, or empty), proof (key_proof.h, or empty), dns, look: loans
 * until the next call. */
struct pipeline_out {
	const struct record *session;
	struct bytes chain, proof;
	struct dns_message dns;
	struct pipeline_look look;
};

/* Takes one packet; its octets are borrowed until pipeline_next answers PIPELINE_NONE. */
void pipeline_push(struct pipeline *p, const struct packet *packet);
/* What the packet, or the end, brought. */
enum pipeline_item pipeline_next(struct pipeline *p, struct pipeline_out *out);
/* The answer to PIPELINE_LOOK, before the next call: what is spoken there, in lower case, at most PIPELINE_NAME_MAX
 * octets. Without an answer it is not known. On a mail port it is only counted; elsewhere "smtp" makes it a session,
 * and nothing else that is said here has a consequence. */
void pipeline_classified(struct pipeline *p, struct bytes name);
/* From now on one in every new connections on other ports is looked at, 0: none; those that are being looked at stay. Of no
 * effect where config.odd was 0. */
void pipeline_other_ports(struct pipeline *p, uint32_t every);
/* No more packets: every open flow ends now. */
void pipeline_finish(struct pipeline *p);

/* The counters as facts of a stats event. */
void pipeline_stats(const struct pipeline *p, struct record *stats);
#endif
