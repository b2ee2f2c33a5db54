/* tls_record: the frame around everything TLS sends (RFC 8446 5.1, RFC 5246 6.2.1, RFC 6101 5.2.1). */
#ifndef TLS_RECORD_H
#define TLS_RECORD_H
#include "bytes.h"

enum tls_content { TLS_CHANGE_CIPHER_SPEC = 20, TLS_ALERT = 21, TLS_HANDSHAKE = 22, TLS_APPLICATION_DATA = 23 };

enum { TLS_RECORD_HEADER = 5, TLS_RECORD_MAX = 16384 + 2048 };

/* type     content type      version  as in the header: says little (RFC 8446 5.1)
 * length   octets of the body, not counting the header */
struct tls_record {
	enum tls_content type;
	uint16_t version, length;
};

/* tls_record: the header at the start of in.
 * PARSE_OK: r is set. PARSE_MORE: these octets may begin a header, more are needed. PARSE_BAD: they cannot; said
 * as early as the first octet shows it, so that text where a record was due is known at once. */
enum parse tls_record(struct bytes in, struct tls_record *r);

/* tls_record_ssl2: does in begin with a ClientHello in the SSL 2.0 frame (RFC 5246 E.2)? total: its octets, header
 * included. version: the one it asks for. PARSE_MORE and PARSE_BAD as above. */
enum parse tls_record_ssl2(struct bytes in, size_t *total, uint16_t *version);
#endif
