/* tls_hello: ClientHello and ServerHello (RFC 8446 4.1, RFC 5246 7.4.1, RFC 6066 3, RFC 7301 3.1). */
#ifndef TLS_HELLO_H
#define TLS_HELLO_H
#include "bytes.h"

/* Versions as a set. */
enum { TLS_V_SSL3 = 1, TLS_V_10 = 2, TLS_V_11 = 4, TLS_V_12 = 8, TLS_V_13 = 16 };

/* Extensions that somebody asks about (IANA TLS ExtensionType Values). */
enum tls_extension {
	TLS_EXT_SERVER_NAME = 0, TLS_EXT_STATUS_REQUEST = 5, TLS_EXT_GROUPS = 10, TLS_EXT_POINT_FORMATS = 11,
	TLS_EXT_SIGNATURES = 13, TLS_EXT_ALPN = 16, TLS_EXT_ENCRYPT_THEN_MAC = 22, TLS_EXT_TICKET = 35,
	TLS_EXT_PSK = 41, TLS_EXT_EARLY_DATA = 42, TLS_EXT_VERSIONS = 43, TLS_EXT_KEY_SHARE = 51, TLS_EXT_ECH = 0xfe0d
};

/* A ClientHello; all spans borrow from the message.
 * version       legacy_version, the highest one up to TLS 1.2       versions  the set it offers, GREASE left out
 * listed        contents of supported_versions, 2 octets each; empty when the extension is absent
 * suites        2 octets each, GREASE included        groups, signatures, formats   contents of those extensions
 * extensions    all extensions as sent, for tls_extension_next
 * sni           host_name of server_name; empty when absent
 * alpn          protocol names, each with a 1-octet length in front
 * psk, ticket, status_request, early_data, ech   the extension is there; ticket: and not empty */
struct tls_client_hello {
	uint16_t version;
	uint8_t versions;
	struct bytes random, session_id, suites, extensions, listed, sni, alpn, groups, formats, signatures;
	bool psk, ticket, status_request, early_data, ech;
};

/* A ServerHello.
 * version       negotiated: supported_versions first        legacy_version  the field
 * group         of key_share (TLS 1.3), 0 when absent       retry  it is a HelloRetryRequest, known by its random
 * sentinel      the version that the downgrade sentinel in random names: 0x0303, 0x0302 ("1.1 or below"), or 0
 * psk           pre_shared_key was selected                 etm  encrypt_then_mac (RFC 7366) */
struct tls_server_hello {
	uint16_t version, legacy_version, suite, group, sentinel;
	struct bytes random, session_id, extensions;
	bool retry, psk, etm;
};

/* Both read the body of the handshake message, without its 4-octet header. false: not well-formed up to the
 * suites; broken extensions are dropped, as they are no reason to know less. */
bool tls_client_hello(struct bytes body, struct tls_client_hello *out);
bool tls_server_hello(struct bytes body, struct tls_server_hello *out);

/* tls_extension_next: the next extension of rest, which is shortened by it; false at the end. */
bool tls_extension_next(struct bytes *rest, uint16_t *type, struct bytes *data);

/* tls_grease: a value that only keeps others from ossifying (RFC 8701 2). */
bool tls_grease(uint16_t v);

/* tls_version_bit: TLS_V_ bit of a version number, 0 for another. */
uint8_t tls_version_bit(uint16_t version);
/* tls_version_name: "1.2", "3.0" (SSL), or NULL. */
const char *tls_version_name(uint16_t version);
/* IANA names, or NULL. */
const char *tls_suite_name(uint16_t suite);
const char *tls_group_name(uint16_t group);
#endif
