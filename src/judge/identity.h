/* identity: which MX host and which mail domain did the client mean, as far as its own words say: SNI and RCPT.
 *
 * Names that the server says (greeting, EHLO reply, certificate) are no candidates: an attacker writes them. A client
 * that said neither may be known by the DNS answers that led it here; expectation asks for those. */
#ifndef JUDGE_IDENTITY_H
#define JUDGE_IDENTITY_H
#include "question.h"

enum { IDENTITY_DOMAINS = 8 };

/* host     SNI as a DNS name, empty: no candidate
 * domain   distinct RCPT domains, domains of them; more: more than IDENTITY_DOMAINS were there
 * silent   the client said neither, and no packet is missing that could have said it: only then may other sources
 *          speak, or a lost packet would turn one identity into another
 * server   address of the server, v 0 when unknown
 * port     its port */
struct identity {
	char host[NAME_MAX_TEXT + 1];
	char domain[IDENTITY_DOMAINS][NAME_MAX_TEXT + 1];
	uint8_t domains;
	bool more, silent;
	struct addr server;
	uint16_t port;
};

/* identity_name: a name from outside as the DNS asks for it: lower case, no trailing dot. False, and out empty: not
 * a host name (letters, digits, - and _, labels of 1..63, at most 253), an address literal or IP text, a single
 * label, or below a suffix that never leaves a site (RFC 6761, 6762, 7686, 8375): no question is asked for these. */
bool identity_name(struct bytes in, char out[NAME_MAX_TEXT + 1]);
/* identity_of: the candidates of a session; out is overwritten. */
void identity_of(const struct record *session, struct identity *out);
/* What named the host: SNI, a RCPT domain's MX, an answer on the link that gave it the server's address, a route of the
 * configuration, the watch list, or the history. */
enum identity_by { IDENTITY_SNI, IDENTITY_RCPT, IDENTITY_ANSWER, IDENTITY_ROUTE, IDENTITY_WATCH, IDENTITY_HISTORY };
/* identity_confidence: how sure it is that the client meant this host.
 * mx        state of the MX RRset (secure, or absent for an implicit MX); read with IDENTITY_RCPT only
 * secure    the host's addresses are secure; without a host: those of all MX hosts
 * location  is the server's address among them? */
enum confidence identity_confidence(enum identity_by by, enum dnsstatus mx, bool secure, enum location location);
#endif
