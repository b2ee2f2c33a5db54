/* certificate: one certificate of a chain for OpenSSL. */
#ifndef JUDGE_CERTIFICATE_H
#define JUDGE_CERTIFICATE_H
#include "bytes.h"
#include <openssl/x509.h>

/* certificate_read: der as an object to free with X509_free. NULL: it is no certificate, octets follow it, or its public
 * key cannot be read (RFC 5280 4.1). */
X509 *certificate_read(struct bytes der);
#endif
