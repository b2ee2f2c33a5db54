/* peer: was the server who its certificate says? Two questions that DANE does not ask: does it hold the key of the
 * certificate (its signature over the key exchange), and is the chain a good one for the web PKI (RFC 5280, RFC 9525). */
#ifndef JUDGE_PEER_H
#define JUDGE_PEER_H
#include "record.h"

/* PEER_CHAIN_CERTS, PEER_CHAIN_OCTETS  a larger chain is not verified: path building is where CPU time is lost
 * PEER_MEMO   remembered results */
enum { PEER_CHAIN_CERTS = 32, PEER_CHAIN_OCTETS = 128 * 1024, PEER_MEMO = 256 };

struct peer; /* owns the trusted certificates and the remembered results */

/* result    enum pkix. valid: nothing is wrong, and nothing was left out. invalid: problems is not empty.
 *           not-checked: no problem was found, but something could not be judged: no trusted certificates, no name,
 *           a chain over its bounds
 * problems  a bit (1 << enum pkixproblem) for each */
struct pkix_result {
	uint8_t result;
	uint32_t problems;
};

/* peer_new: the one allocation, at start; NULL: no memory. It trusts nobody yet. peer_free takes NULL. */
struct peer *peer_new(void);
void peer_free(struct peer *p);
/* peer_trust: the certificates of a PEM bundle become trusted. Returns how many were read; -1: none is in it, one cannot
 * be read, or no memory. */
int peer_trust(struct peer *p, struct bytes pem);

/* peer_key: the signature of proof (key_proof.h) against the key of leaf, one DER certificate.
 * verified, failed (the signature is not one of this key), not-checked (no proof, a malformed one, a scheme that is
 * unknown or that the library may not use, or a certificate whose key cannot be read). Never none: whether there
 * should have been a proof is not asked here. */
enum keyproof peer_key(struct bytes proof, struct bytes leaf);

/* peer_pkix: the chain at a time, for a host. Without trusted certificates untrusted and incomplete-chain are not judged.
 * chain  TLS 1.0-1.2 certificate_list: each certificate with its 3-octet length in front, leaf first; not empty
 * host   dotted, no trailing dot, NUL-terminated; NULL or empty: names are not judged
 * at     ns since 1970
 * The same case gives the same result, remembered or not. */
void peer_pkix(struct peer *p, struct bytes chain, const char *host, int64_t at, struct pkix_result *out);

/* peer_judge: from identity.host, expectation.strongest and dane.* (call it after expectation_finish) the facts
 *   mxwitness.tls.key_proof   where a certificate was seen; checked only where a promise or a DANE mismatch asks for it
 *   mxwitness.pkix.*          where a certificate was seen; not-checked where a usage 3 record matched it, because then
 *                             dates, names and issuers mean nothing (RFC 7672 3.1.1), and where the client neither took nor
 *                             refused it; validity and age (hours) wherever it says its dates
 * and one change: a DANE match becomes not-visible when the proof failed, because then somebody showed a certificate
 * whose key he does not hold, and nobody was authenticated.
 * session  in and out
 * chain    as for peer_pkix, or empty
 * proof    as for peer_key, or empty */
void peer_judge(struct peer *p, struct record *session, struct bytes chain, struct bytes proof);
#endif
