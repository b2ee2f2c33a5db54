/* upstream_spec: a name server as the operator wrote it. */
#ifndef UPSTREAM_SPEC_H
#define UPSTREAM_SPEC_H
#include "dns_stream.h"
#include "error.h"

/* Reads text (see upstream_new) into *peer, all but its SSL_CTX; *tls tells whether it needs one. false: e says what
 * is wrong with it. */
bool upstream_spec(const char *text, struct dns_peer *peer, bool *tls, struct error *e);
#endif
