/* ja: fingerprints of hello messages. JA3 and JA3S (MD5 over version, suites, extensions, groups, point formats),
 * JA4 (its TLS client part). GREASE is left out of all. */
#ifndef JA_H
#define JA_H
#include "wire/tls_hello.h"

enum { JA3_SIZE = 33, JA4_SIZE = 37, JA_SUITES_SIZE = 33 };

struct ja; /* owns the digests */

/* NULL: no memory or no SHA-256. Without MD5 there are no JA3 and JA3S. ja_free takes NULL. */
struct ja *ja_new(void);
void ja_free(struct ja *ja);

/* Each writes a NUL-terminated text, and false where the digest is not to be had.
 * ja_suites: first 16 octets of SHA-256 over the offered suites as sent, lower-case hex. */
bool ja_client(struct ja *ja, const struct tls_client_hello *h, char out[JA3_SIZE]);
bool ja_server(struct ja *ja, const struct tls_server_hello *h, char out[JA3_SIZE]);
bool ja4_client(struct ja *ja, const struct tls_client_hello *h, char out[JA4_SIZE]);
bool ja_suites(struct ja *ja, const struct tls_client_hello *h, char out[JA_SUITES_SIZE]);

/* All three of a ClientHello; a text is empty where its digest is not to be had. */
struct ja_prints {
	char ja3[JA3_SIZE], ja4[JA4_SIZE], suites[JA_SUITES_SIZE];
};

/* The fingerprints of h, remembered for the last JA_MEMO different hellos: a sender says the same each time, but for
 * what no fingerprint looks at. The answer is a loan until the next call. */
const struct ja_prints *ja_hello(struct ja *ja, const struct tls_client_hello *h);
#endif
