/* der: where the parts of an X.509 certificate stand, without understanding them (X.690, RFC 5280 4.1).
 *
 * The octets as sent are what TLSA records and digests speak of, so nothing is decoded and encoded again. */
#ifndef DER_H
#define DER_H
#include "bytes.h"

/* Kind of the public key, by the OID of its algorithm. */
enum cert_key { CERT_KEY_OTHER, CERT_KEY_RSA, CERT_KEY_RSA_PSS, CERT_KEY_EC, CERT_KEY_DSA, CERT_KEY_ED25519,
		CERT_KEY_ED448, CERT_KEY_COUNT };

/* All spans point into the certificate that was walked.
 * serial      contents of the INTEGER: signed, at least one octet
 * issuer, subject   the whole Name, tag and length included          spki   the whole SubjectPublicKeyInfo
 * not_before, not_after   ns since 1970, UTC; INT64_MAX also for "no end" (RFC 5280 4.1.2.5). Only if dated
 * names       contents of the GeneralNames of the subjectAltName, for cert_dns_name; empty when there is none
 * key_bits    size of the key; 0 when it could not be told */
struct cert {
	struct bytes serial, issuer, subject, spki, names;
	int64_t not_before, not_after;
	uint32_t key_bits;
	enum cert_key key;
	bool dated;
};

/* cert_walk: der is one certificate, to its last octet. false: the frame up to the SubjectPublicKeyInfo is not that
 * of a certificate; out is then all zero. Damage behind it costs the names only. */
bool cert_walk(struct bytes der, struct cert *out);

/* cert_dns_name: the next dNSName of rest (start with a copy of cert.names), which is shortened by it; false at the
 * end. The octets are the attacker's: any value, any length. */
bool cert_dns_name(struct bytes *rest, struct bytes *name);

/* chain_next: the next certificate of a TLS certificate_list without its outer length (RFC 5246 7.4.2): each with
 * a 3-octet length in front. false at its end, and where the list is not well-formed. */
bool chain_next(struct bytes *chain, struct bytes *der);
#endif
