/* conduit_tls: TLS as a client of a receiver (RFC 5425): its certificate is checked, ours is shown. */
#ifndef CONDUIT_TLS_H
#define CONDUIT_TLS_H
#include <openssl/ssl.h>

#include "error.h"
#include "settings.h"

/* With o's ca, cert and key. NULL: e says which file is wrong, one that has expired too. */
SSL_CTX *conduit_tls_new(const struct output_settings *o, struct error *e);
/* A client on the connected socket, which the receiver must prove to be name: a host name or an address. NULL: no memory. */
SSL *conduit_tls_client(SSL_CTX *tls, int fd, const char *name);
/* After a failure: what it was, as a clause: "its certificate ..." */
void conduit_tls_why(SSL *ssl, const char *name, char *text, size_t size);
/* The same clause for a result of the check of its certificate, X509_V_ERR_...; false: there is nothing against it, text is as it was. */
bool conduit_tls_verdict(long verdict, const char *name, char *text, size_t size);
#endif
