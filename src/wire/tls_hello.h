/* tls_hello: ClientHello, ServerHello and ServerKeyExchange: what was offered and what was chosen (RFC 8446 4.1,
 * RFC 5246 7.4.1 and 7.4.3, RFC 8422 5.4, RFC 6066 3, RFC 7301 3.1). */
#ifndef TLS_HELLO_H
#define TLS_HELLO_H
#include "bytes.h"

/* A client that tries again with less says so by this suite, which is none (RFC 7507 2). */
enum { TLS_FALLBACK_SCSV = 0x5600 };

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

/* A ServerKeyExchange of TLS 1.2 or before, with an ephemeral Diffie-Hellman exchange; spans borrow from the message.
 * group       the named curve, 0 for another kind of exchange         dh_bits  size of the prime, 0 likewise
 * params      the octets that are signed, behind both randoms
 * scheme      as in key_proof.h             signature  empty: an anonymous suite, or not well-formed */
struct tls_key_exchange {
	uint16_t group, dh_bits, scheme;
	struct bytes params, signature;
};

/* tls_key_exchange: the body of the message, under the version and suite of the ServerHello. false: not well-formed, a
 * curve without a number, or a suite whose message looks otherwise (PSK, SRP, export RSA) or does not exist. */
bool tls_key_exchange(struct bytes body, uint16_t version, uint16_t suite, struct tls_key_exchange *out);
/* What a ServerKeyExchange holds under this suite: a curve, a prime, or something that is not read here. */
enum tls_kx { TLS_KX_OTHER, TLS_KX_EC, TLS_KX_DH };
enum tls_kx tls_suite_kx(uint16_t suite);

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
/* The name of KEY_PROOF_RSA_MD5_SHA1 is rsa_pkcs1_md5_sha1, as IANA has none. */
const char *tls_scheme_name(uint16_t scheme);
#endif
