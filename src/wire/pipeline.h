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
 * exhibits  octets for packets kept as evidence; 0: none are kept */
struct pipeline_config {
	struct mail_port ports[PIPELINE_PORTS];
	size_t nports;
	uint8_t key[16];
	size_t flows, dialogues, budget, exhibits;
	bool dns;
	uint16_t dns_port[PIPELINE_DNS_PORTS];
	size_t ndns;
};

struct pipeline;

/* NULL: no memory, or no port at all. All memory is taken here. */
struct pipeline *pipeline_new(const struct pipeline_config *config);
void pipeline_free(struct pipeline *p);

enum pipeline_item { PIPELINE_NONE, PIPELINE_SESSION, PIPELINE_DNS };

/* session, chain (the certificate_list as the server sent it, or empty), proof (key_proof.h, or empty), exhibit (exhibit.h,
 * or empty), dns: loans until the next call. */
struct pipeline_out {
	const struct record *session;
	struct bytes chain, proof, exhibit;
	struct dns_message dns;
};

/* Takes one packet; its octets are borrowed until pipeline_next answers PIPELINE_NONE. */
void pipeline_push(struct pipeline *p, const struct packet *packet);
/* What the packet, or the end, brought. */
enum pipeline_item pipeline_next(struct pipeline *p, struct pipeline_out *out);
/* No more packets: every open flow ends now. */
void pipeline_finish(struct pipeline *p);

/* The counters as facts of a stats event. */
void pipeline_stats(const struct pipeline *p, struct record *stats);
#endif
