/* cert: what is said about a leaf certificate: names, dates, key, digests. OpenSSL writes the distinguished names
 * (RFC 2253), once per distinct certificate; a bounded table remembers. Everything else comes from the own walk. */
#ifndef CERT_H
#define CERT_H
#include "der.h"

/* CERT_CACHE  certificates remembered; CERT_NAME  octets of a distinguished name, longer ones are cut */
enum { CERT_CACHE = 2048, CERT_NAME = 512 };

/* subject, issuer    RFC 2253 text, UTF-8, control characters escaped, not NUL-terminated; empty when OpenSSL cannot read it
 * sha256             upper-case hex of the DER              spki_sha256  lower-case hex, empty when the walk failed
 * Both end in NUL. */
struct cert_text {
	char sha256[65], spki_sha256[65];
	uint16_t nsubject, nissuer;
	char subject[CERT_NAME], issuer[CERT_NAME];
};

struct cert_cache; /* owns the table and the digest */

/* The one allocation, at start, about 3 MiB; NULL: no memory or no SHA-256. cert_cache_free takes NULL. */
struct cert_cache *cert_cache_new(void);
void cert_cache_free(struct cert_cache *cache);

/* cert_text: der is the leaf as sent, walked tells whether cert_walk read it into cert.
 * The answer is a loan until the next call; NULL: OpenSSL had no memory. */
const struct cert_text *cert_text(struct cert_cache *cache, struct bytes der, const struct cert *cert, bool walked);
#endif
