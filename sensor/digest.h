/* digest: a SHA-256 as the operator wrote it. */
#ifndef DIGEST_H
#define DIGEST_H
#include "bytes.h"

enum { DIGEST_OCTETS = 32 };

/* digest_read: 64 hexadecimal digits in either case, or base64 (RFC 4648 4) with or without its padding; sha256// may stand in
 * front. false: it is neither, and out is not defined. */
bool digest_read(struct bytes text, uint8_t out[DIGEST_OCTETS]);
#endif
