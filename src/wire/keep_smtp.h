/* keep_smtp: which octets of a dialogue may be shown to others. */
#ifndef KEEP_SMTP_H
#define KEEP_SMTP_H
#include "wire/keep.h"
#include "wire/smtp.h"

/* What smtp_next used of direction dir: the octets at offset. ev: the event that it gave, the last line of them being
 * its own; NULL: it gave none. Verbs, domains, mechanisms, greetings and EHLO replies are shown; local parts,
 * credentials, parameters and texts of other replies are covered by "*" octet by octet (by "x" where that keeps the
 * shape of a word), and of content only its end is shown. */
void keep_smtp(struct keep *k, enum dir dir, uint64_t offset, struct bytes used, const struct smtp_event *ev);
/* May another version of octets of dir be shown? tls: dir speaks TLS there. Only TLS handshakes, greetings and keywords may:
 * who captures both sides of a box that takes TLS away sees a dialogue in clear where the other side has a handshake. */
bool keep_harmless(enum dir dir, struct bytes octets, bool tls);
#endif
