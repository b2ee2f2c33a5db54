/* expectation: what must this connection look like? The walk through RFC 7672 2.2 as a step machine without I/O:
 * a question comes out, its answer goes in, and when no question is left the promises are known.
 *
 *	expectation_start(e, session, known);
 *	do
 *		while (expectation_next(e, &q))
 *			expectation_answer(e, ask(&q));        (or return to the loop and come back with the answer)
 *	while (expectation_again(e, dane, session, chain));
 *	expectation_finish(e, dane, session, chain);
 */
#ifndef JUDGE_EXPECTATION_H
#define JUDGE_EXPECTATION_H
#include "judge/dane.h"
#include "judge/identity.h"
#include "judge/known.h"

/* EXPECT_QUESTIONS  of one session; names come from packets, and a packet must not make us work without bound
 * EXPECT_HOSTS      MX hosts of all its domains together; EXPECT_MX of one domain
 * EXPECT_DATA       octets of TLSA RDATA kept of all its hosts together
 * EXPECT_HINTS      hosts that answers on the link gave the server's address to, EXPECT_LED domains of each. All of them
 *                   together need fewer questions than there are, and each has its share of the data: who adds a name
 *                   must not take the promise of another away
 * EXPECT_VERSIONS   TLSA RRsets of before, and of after, that are asked for */
enum {
	EXPECT_QUESTIONS = 64, EXPECT_HOSTS = 24, EXPECT_MX = 16, EXPECT_DATA = 24576, EXPECT_HINTS = 8, EXPECT_LED = 2,
	EXPECT_VERSIONS = 3
};

/* One question and what matters of its answer.
 * open        no answer yet; only the last lookup can be open
 * cut         the answer held more than we keep
 * has_server  type A, AAAA: the server's address is among them
 * usable      type TLSA: at least one record is usable for SMTP
 * off, n      type TLSA: the RDATA in data, each with a 16-bit length in front
 * host        type MX: indices of the hosts, by preference
 * conflict... as in struct answer
 * at          as of when it is asked; from, until: of its answer */
struct lookup {
	char name[NAME_MAX_TEXT + 1];
	char canonname[NAME_MAX_TEXT + 1];
	char why[128];
	uint16_t type, rrs;
	uint8_t status;            /* enum dnsstatus */
	uint8_t source;            /* enum dnssource */
	bool open, nxdomain, seen_later, cut, has_server, usable;
	uint32_t ttl;
	uint32_t off, n;
	int64_t at, from, until;
	uint8_t hosts, host[EXPECT_MX];
	uint8_t conflict, conflict_how;
	bool conflict_proved;
	int64_t conflict_at;
	struct addr conflict_server;
};

/* What the DNS says of one MX host, the more telling the further down. */
enum host_state {
	HOST_NONE,       /* proved to have no address, or not to exist: takes no mail */
	HOST_DANE,       /* secure TLSA, at least one usable */
	HOST_TLS_ONLY,   /* secure TLSA, none usable: TLS is required (RFC 7672 2.2) */
	HOST_INSECURE,   /* unsigned somewhere on the way: DANE does not apply */
	HOST_ABSENT,     /* proved to have no TLSA; or an address literal, to which DANE does not apply */
	HOST_INCOMPLETE, /* a proof is missing, or a question was never answered */
	HOST_FAILED, HOST_BOGUS
};

/* seen     answers on the link named it
 * address  index of the lookup that says where the host is; tlsa of the one that decided; -1 none. blamed: of
 *          the one to name when state is a failure
 * bases    TLSA base domains to ask, in order: 2 is the expanded name, then the host; 1 the host; 0 none
 * location  is the server's address one of the host's secure addresses?
 * doubted   its TLSA RRset does not match the certificate: those of other times are asked for */
struct mx_host {
	char name[NAME_MAX_TEXT + 1];
	uint8_t state;             /* enum host_state */
	uint8_t location;          /* enum location */
	bool asks, secure_address, doubted, seen;
	uint8_t bases, base;
	int8_t address, tlsa, blamed;
};

/* Flat and bounded, no pointers; one for each session being judged.
 * known    who knew the server before
 * applies  MTA to MTA, RFC 7672 says nothing about submission; or a route of the configuration
 * asked    expectation_next was called: the DNS is in use
 * limited  a question was not asked because EXPECT_QUESTIONS were
 * hinted   host[0, hinted) are no words of the client, but names that the watch list, the history, or answers on the link gave
 *          the server's address to;
 *          hints_cut: more than EXPECT_HINTS were there
 * led      domains that answers on the link led from to these hosts, leds of them */
struct expectation {
	struct identity id;
	struct known known;
	int64_t as_of;
	int64_t live_at;           /* time of the last live lookup, 0: none */
	bool applies, asked, limited, hints_cut;
	uint8_t lookups, hosts, hinted, leds;
	uint32_t used;
	char led[EXPECT_HINTS * EXPECT_LED][NAME_MAX_TEXT + 1];
	struct lookup lookup[EXPECT_QUESTIONS];
	struct mx_host host[EXPECT_HOSTS];
	uint8_t data[EXPECT_DATA];
};

/* One of the destinations a session may have been for: the SNI host, a host of the configuration, a RCPT domain, or a host that
 * answers on the link or those who knew the server named, and what it promised. When it is not known which of a domain's hosts was meant, the weakest promise is
 * taken: the client may have meant that one. Hosts named by answers are a destination each, so the strongest holds:
 * the names cannot be trusted to be all, nor to be the client's, but each keeps its own promise for its own address.
 * domain    RCPT domain (index), or -1
 * by        enum identity_by
 * state     enum host_state of the whole
 * host      index of the host that decided state, or -1
 * meant     hosts that the client may have meant
 * known     the client meant one of these and no other: a certificate may be held against their records
 * blamed    index of the lookup that failed or is missing, or -1 */
struct target {
	int8_t domain;
	uint8_t by;
	uint8_t state;
	int8_t host, blamed;
	uint8_t meants, meant[EXPECT_HOSTS];
	bool known, secure;
	uint8_t mx;                /* enum dnsstatus */
	uint8_t location;          /* enum location */
	uint8_t confidence;        /* enum confidence */
};
enum { EXPECT_TARGETS = IDENTITY_DOMAINS + KNOWN_HOSTS + 1 };
_Static_assert((int)EXPECT_HINTS <= (int)EXPECT_TARGETS && (int)EXPECT_HINTS <= (int)EXPECT_HOSTS, "a host named by an answer is a target");

/* expectation_start: a new walk for this session; e is overwritten. Reads RCPT domains, SNI, server address and
 * port, service, event.start (the as-of time of every question). known: copied; NULL: nothing is. */
void expectation_start(struct expectation *e, const struct record *session, const struct known *known);
/* expectation_next: the open question into *q, or false when none is open. There is one at a time, and it is the
 * same until its answer came: the order of questions is part of the result, and the result must not depend on
 * which answer was faster. id counts from 1; the caller may put its own in and restore this one in the answer. */
bool expectation_next(struct expectation *e, struct question *q);
/* expectation_answer: the answer to the open question (checked by answer_check). An answer that fits no open
 * question by id, name and type is ignored. */
void expectation_answer(struct expectation *e, const struct answer *a);
/* expectation_again: to be called when no question is open. Does the certificate match the records of no host that it
 * should match? Then the records of before and after are asked for (a roll-over), and it answers true, once. */
bool expectation_again(struct expectation *e, struct dane *d, const struct record *session, struct bytes chain);
/* expectation_targets: the destinations as known so far; returns how many. */
unsigned expectation_targets(const struct expectation *e, struct target out[EXPECT_TARGETS]);
/* expectation_lookup: the answered lookup of that type and name, or NULL. */
const struct lookup *expectation_lookup(const struct expectation *e, uint16_t type, const char *name);
/* expectation_led: does the secure MX RRset of led[i] list this host? A hint starts the question, its answer counts. */
bool expectation_led(const struct expectation *e, unsigned i, unsigned host);
/* lookup_lists: is this host (index) among those of the MX lookup? */
bool lookup_lists(const struct lookup *mx, unsigned host);
/* expectation_set: the TLSA RRset that counts for h, borrowing from e; false: none. expectation_base: its base domain. */
bool expectation_set(const struct expectation *e, const struct mx_host *h, struct tlsa_set *set);
const char *expectation_base(const struct expectation *e, const struct mx_host *h);
/* expectation_version: the i-th TLSA RRset of h that may have been in use besides the one that counts (RFC 7672 4): those
 * whose TTL had not run out at as_of, the newest first, then later ones (*early), the earliest first; borrowed from e.
 * false: there are no more. */
bool expectation_version(const struct expectation *e, const struct mx_host *h, unsigned i, struct tlsa_set *set, bool *early);
/* expectation_floor: what the hosts of the targets' domains promise together, whichever was contacted (A.3 R10): with a secure MX
 * the weakest of them. */
enum idfloor expectation_floor(const struct expectation *e);
/* expectation_conflict: does the client name a host that is no MX of a recipient domain whose MX RRset is proved, or not the one
 * of the configuration (A.3 R5)? unseen: there are not two words to compare, or the DNS did not say. */
enum tri expectation_conflict(const struct expectation *e);
/* expectation_finish: writes identity.*, expectation.*, dane.*, destination.domain, server.domain and
 * related.hosts. Questions still open count as incomplete. When expectation_next was never called the DNS is off:
 * dane.* stay unseen, and nothing is expected.
 * d        for the comparison with the chain
 * session  in and out; wire facts are not changed
 * chain    certificate_list octets, empty when no certificate was seen */
void expectation_finish(struct expectation *e, struct dane *d, struct record *session, struct bytes chain);
#endif
