/* responder: libunbound's only upstream for what was captured: a name server on 127.0.0.1 that knows what the store
 * knows, as of one time. It keeps a list of what it was asked, so that a lookup that failed can say what the capture
 * lacks, and a lookup that succeeded for which as-of times it holds. */
#ifndef RESPONDER_H
#define RESPONDER_H
#include "dns_store.h"
#include "error.h"

enum { RESPONDER_SERVED = 2048, RESPONDER_CHOICES = 8 };

/* For (name, type), pass over the skip best replies: libunbound refused them. */
struct choice {
	struct dns_name name;
	uint16_t type;
	uint8_t skip;
};

/* What was served for one question; ts in ns. round: the responder's round when it was last asked. proofs, other: of
 * the reply (dns_reply). */
struct served {
	struct dns_name name;
	uint16_t type;
	enum dns_found found;
	int64_t ts;
	uint64_t round;
	unsigned proofs;
	bool other;
};

/* as_of: ns. from, until: every as_of in [from, until) would have been served the same so far. round is the caller's:
 * a number for what is being looked up now. */
struct responder {
	const struct dns_store *store;
	int udp, tcp;
	uint16_t port;
	int64_t as_of, from, until;
	uint64_t round;
	size_t nserved;
	bool forgot;                    /* served was full */
	struct choice choice[RESPONDER_CHOICES];
	unsigned choices;
	struct served served[RESPONDER_SERVED];
	struct dns_reply reply;
};

/* Opens the two sockets of r, on one port of 127.0.0.1. The other fields are the caller's. Where the loopback interface is
 * down it is switched on, if this process may. */
bool responder_open(struct responder *r, struct error *e);
void responder_close(struct responder *r);
/* Answers what waits on the sockets; never waits itself, but for a TCP peer that keeps it waiting (a second). */
void responder_work(struct responder *r);
/* How many replies the choices pass over for (name, type). */
unsigned responder_skip(const struct responder *r, const struct dns_name *name, uint16_t type);
/* The reply to one query, into r->reply (n 0: no reply is due). For the sockets, and for tests. */
void responder_answer(struct responder *r, struct bytes query);
#endif
