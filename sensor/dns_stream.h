/* dns_stream: one connection to a name server that carries many questions and replies at once, over TCP or TLS
 * (RFC 7766, RFC 7858). Octets and messages only: who asked what is upstream's to know. */
#ifndef DNS_STREAM_H
#define DNS_STREAM_H
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "bytes.h"

enum { STREAM_PIN = 32, STREAM_NAME = 128 };

/* Whom to talk to. tls NULL: plain TCP. Else the peer's certificate must be for name, from an authority that tls
 * trusts; or, with pinned set, its public key (SubjectPublicKeyInfo) must have this SHA-256 (RFC 7858 4.2), and name
 * may be empty: then no SNI is sent. All is copied but tls, which must live longer. */
struct dns_peer {
	struct sockaddr_storage address;
	socklen_t address_n;
	SSL_CTX *tls;
	char name[STREAM_NAME];
	bool pinned;
	uint8_t pin[STREAM_PIN];
};

struct dns_stream;

/* Closed at first. NULL: no memory. */
struct dns_stream *dns_stream_new(const struct dns_peer *peer);
void dns_stream_free(struct dns_stream *s);
/* Queues one message without its length prefix, and begins to connect when closed; never waits. false: the socket was
 * refused, or too much is queued already. */
bool dns_stream_send(struct dns_stream *s, struct bytes message);
/* Its descriptor, -1 when closed; another one after each new connection. */
int dns_stream_fd(const struct dns_stream *s);
/* What to wait for on it: EPOLLIN, EPOLLOUT or both. */
uint32_t dns_stream_events(const struct dns_stream *s);
/* Moves octets. false: the connection is over, and closed now; dns_stream_why tells why. */
bool dns_stream_work(struct dns_stream *s);
/* The next whole message, a loan until the next call for s. false: none yet. */
bool dns_stream_next(struct dns_stream *s, struct bytes *message);
/* Closes; what was queued or half read is gone. */
void dns_stream_close(struct dns_stream *s);
/* Why the last connection ended, for people; "" when nothing went wrong. */
const char *dns_stream_why(const struct dns_stream *s);
#endif
