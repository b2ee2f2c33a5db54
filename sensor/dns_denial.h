/* dns_denial: the spans of names that NSEC and NSEC3 records say are empty (RFC 4034 4, 6.1, RFC 5155). Arithmetic on
 * names alone: whether a record may be believed is for libunbound to say. */
#ifndef DNS_DENIAL_H
#define DNS_DENIAL_H
#include "wire/dns_wire.h"

/* NSEC3_ITERATIONS: with more no validator takes the proof, and hashing is work that a packet could ask for (RFC 9276 3.2). */
enum { NSEC3_HASH = 20, NSEC3_ITERATIONS = 150 };

/* The order of names in a zone: below 0, 0, above 0 (RFC 4034 6.1). */
int dns_denial_order(const struct dns_name *a, const struct dns_name *b);
/* "*." and name; false: too long for a name. */
bool dns_denial_wildcard(const struct dns_name *name, struct dns_name *out);
/* The longest name that both are equal to or below. */
void dns_denial_common(const struct dns_name *a, const struct dns_name *b, struct dns_name *out);
/* Does the span between owner and next hold name? apex: the zone's, to which the last span of a zone leads. */
bool dns_denial_nsec(const struct dns_name *owner, const struct dns_name *next, const struct dns_name *apex,
		     const struct dns_name *name);

/* An NSEC3 record: hash of its owner and of the next name, its parameters (salt borrowed). */
struct nsec3 {
	uint8_t owner[NSEC3_HASH], next[NSEC3_HASH];
	bool opt_out;
	uint16_t iterations;
	struct bytes salt;
};

/* false: not SHA-1, over NSEC3_ITERATIONS, or malformed. */
bool dns_denial_nsec3_read(const struct dns_name *owner, struct bytes rdata, struct nsec3 *out);
bool dns_denial_same_hash(const struct nsec3 *a, const struct nsec3 *b);
/* The hash of name by the parameters of n (RFC 5155 5). false: no SHA-1 to be had. */
bool dns_denial_hash(const struct nsec3 *n, const struct dns_name *name, uint8_t out[NSEC3_HASH]);
/* Does the span of n hold that hash? */
bool dns_denial_nsec3(const struct nsec3 *n, const uint8_t hash[NSEC3_HASH]);
#endif
