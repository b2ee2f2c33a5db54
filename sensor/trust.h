/* trust: whom the site trusts to sign certificates: its own file, or that of the system. */
#ifndef TRUST_H
#define TRUST_H
#include "error.h"
#include "judge/peer.h"
#include "judge/site.h"

/* What peer_judge needs, with the certificates of site->ca_file; without one those of the system, or none when they
 * cannot be read. NULL: e says which file is wrong. The caller owns the result. */
struct peer *trust_open(const struct site *site, struct error *e);
/* The file of the certificates that this system trusts: SSL_CERT_FILE, or OpenSSL's own, or one of the usual places.
 * NULL: there is none to be read. */
const char *trust_system_file(void);
#endif
