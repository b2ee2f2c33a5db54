/* mail_domain: the name of a mail domain as somebody wrote it. */
#ifndef MAIL_DOMAIN_H
#define MAIL_DOMAIN_H
#include "bytes.h"
#include "error.h"

/* MAIL_DOMAIN_MAX  octets of a domain for which _mta-sts. may still stand in front (RFC 1035 2.3.4)
 * HOST_MAX         octets of the longest name that is made of one */
enum { MAIL_DOMAIN_MAX = 244, HOST_MAX = 253 };

/* mail_domain_read: text as two or more labels of letters, digits and hyphens (RFC 5321 2.3.5), in lower case and without a
 * dot at its end, NUL-terminated; the last label is not a number, for then it would be an address. Names in other letters
 * must be given as A-labels (RFC 5890 2.3.2.1).
 * false: e says why; out is undefined. */
bool mail_domain_read(struct bytes text, char out[MAIL_DOMAIN_MAX + 1], struct error *e);
#endif
