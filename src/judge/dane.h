/* dane: does the chain that a server presented match the TLSA RRset of its name (RFC 6698, 7671, 7672)?
 *
 * Usage 3 is a comparison over the octets as sent. Usage 2 goes through OpenSSL's own DANE verifier. Usages 0 and 1
 * have no meaning for SMTP (RFC 7672 3.1.3). Verdicts are remembered in a bounded table, so that the same server
 * is verified once and not once a session. */
#ifndef JUDGE_DANE_H
#define JUDGE_DANE_H
#include "question.h"

/* DANE_CHAIN_CERTS, DANE_CHAIN_OCTETS  a larger chain is not compared: path building is where CPU time is lost
 * DANE_NAMES  reference names of one verification: the base domain, and two for each of eight next-hop domains
 * DANE_MEMO   remembered verdicts */
enum { DANE_CHAIN_CERTS = 32, DANE_CHAIN_OCTETS = 128 * 1024, DANE_NAMES = 17, DANE_MEMO = 512 };

struct dane; /* owns the SSL_CTX, the empty certificate store and the remembered verdicts */

/* A TLSA RRset on loan: the RDATA of each record (usage, selector, matching type, data). */
struct tlsa_set {
	uint16_t n;
	struct bytes rr[ANSWER_RRS];
};

/* set      the RRset, secure; at least one record
 * chain    TLS 1.0-1.2 certificate_list: each certificate with its 3-octet length in front, leaf first
 * name     reference names for usage 2, dotted, no trailing dot, NUL-terminated; the base domain first; next-hop
 *          domains only after a secure MX (RFC 7672 3.2.2)
 * names    how many, at least 1, at most DANE_NAMES
 * at       ns since 1970: validity dates of usage 2 are judged at this time */
struct dane_case {
	const struct tlsa_set *set;
	struct bytes chain;
	const char *name[DANE_NAMES];
	size_t names;
	int64_t at;
};

/* each     one result a record, in the order of the set: not-compared also where another record decided first
 * usable   records that are usable for SMTP; 0: TLS is required, the peer is not authenticated
 * compared false: nothing could be compared (no usable record, chain over its bounds or malformed)
 * matched  index of the record that matched, or -1
 * variant  why nothing matched; none when something did or nothing was compared
 * why      constant text, empty when there is nothing to say */
struct dane_result {
	uint8_t each[ANSWER_RRS]; /* enum tlsaresult */
	uint16_t usable;
	bool compared;
	int16_t matched;
	uint8_t variant; /* enum danevariant */
	const char *why;
};

/* dane_init: the one allocation, at start; NULL when OpenSSL has no memory or no TLS. dane_free takes NULL. */
struct dane *dane_init(void);
void dane_free(struct dane *d);
/* dane_set: the RRset of an answer of type TLSA; borrows from it. */
void dane_set(const struct answer *a, struct tlsa_set *out);
/* dane_usable: which records are usable for SMTP, without a chain: each becomes not-compared or unusable;
 * returns how many are usable (RFC 7672 3.1, RFC 7671 9). */
uint16_t dane_usable(const struct tlsa_set *set, uint8_t each[ANSWER_RRS]);
/* dane_compare: c against itself; out is overwritten. The same case gives the same result, remembered or not. */
void dane_compare(struct dane *d, const struct dane_case *c, struct dane_result *out);
#endif
