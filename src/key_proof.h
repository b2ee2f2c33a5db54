/* key_proof: what it takes to check that a TLS server holds the key of the certificate it showed. In TLS 1.2 and before,
 * with an ephemeral key exchange, the server signs both randoms and its parameters with that key (RFC 5246 7.4.3,
 * RFC 4346 7.4.3, RFC 8422 5.4). The wire room copies the octets, the judge room verifies them against the leaf of
 * the chain; between them they travel as one value:
 *
 *	u16 version  u16 suite  u16 scheme  u16 n_params  u16 n_signature  client_random[32]  server_random[32]
 *	params[n_params]  signature[n_signature]
 *
 * Numbers are big-endian, and nothing follows. The signed octets are client_random, server_random and params, in
 * that order, which is how they lie there. An empty value: there is no proof, or something of it was not seen. */
#ifndef KEY_PROOF_H
#define KEY_PROOF_H
#include "bytes.h"

/* Octets of a random, of what stands in front of the parameters, and of the longest proof: a prime of 8192 bits under
 * an RSA key of 8192 bits has its place. */
enum { KEY_PROOF_RANDOM = 32, KEY_PROOF_HEAD = 5 * 2 + 2 * KEY_PROOF_RANDOM, KEY_PROOF_MAX = 4096 };

/* The digests that TLS 1.1 and before imply: MD5 and SHA-1 one behind the other, under an RSA key (RFC 4346 7.4.3).
 * It has no number of its own in TLS 1.2, where 0 is no algorithm. */
enum { KEY_PROOF_RSA_MD5_SHA1 = 0x0000 };

/* version    negotiated: 0x0300 to 0x0303           suite   negotiated
 * scheme     IANA TLS SignatureScheme. TLS 1.2: as the message says, two octets of hash and signature; before: implied
 *            by the suite, KEY_PROOF_RSA_MD5_SHA1, 0x0203 (ECDSA with SHA-1) or 0x0202 (DSA with SHA-1)
 * client_random, server_random   32 octets each     params, signature   as sent, not empty */
struct key_proof {
	uint16_t version, suite, scheme;
	struct bytes client_random, server_random, params, signature;
};

/* key_proof_write: into out, which has room for max octets. The octets written; 0: it does not fit, is over
 * KEY_PROOF_MAX, or lacks something.
 * key_proof_client: puts a client random of 32 octets into a value that was written without knowing it.
 * key_proof_read: false: in is no such value. The spans borrow from in.
 * key_proof_signed: the octets that are signed, borrowed from in; empty: in is no such value. */
size_t key_proof_write(const struct key_proof *proof, uint8_t *out, size_t max);
void key_proof_client(uint8_t *out, const uint8_t *random);
bool key_proof_read(struct bytes in, struct key_proof *proof);
struct bytes key_proof_signed(struct bytes in);
#endif
