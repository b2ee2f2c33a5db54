/* odd: does a connection on a port that nobody named as a mail port begin like SMTP (RFC 5321 3.1, 4.1)?
 *
 * Asked in this order, and every answer may be the last one:
 *
 *	odd_sampled(seg, every)     is it one of those that are looked at, by its ports?
 *	odd_opens(payload)          a connection whose SYN was missed: is this a client's EHLO or HELO?
 *	odd_first(dir, octets)      its first octets
 *	odd_heard(first)            is there enough to ask somebody who knows more protocols?
 *	odd_spoken(smtp, ...)       what the SMTP parser, which has read it from the start, has made of it by now */
#ifndef ODD_H
#define ODD_H
#include "packet.h"
#include "wire/smtp.h"

/* Octets of both sides after which a connection that has not turned out to be SMTP is given up. */
enum { ODD_MOST = 4096 };

/* NEW: nothing was said yet. MAYBE: its first octets may be SMTP, smtp reads it. FOUND: it is. NOT: forget it. */
enum odd { ODD_NEW, ODD_MAYBE, ODD_FOUND, ODD_NOT };

/* Which connections are among one in so many follows from the sum of their ports, spread (Fibonacci hashing), because a system
 * may give its clients ports of one parity only. A filter in the kernel can say the same. */
#define ODD_SPREAD UINT32_C(0x9e3779b1)
enum { ODD_SHIFT = 16 };

/* One in every connections, at most 65536; the same for both directions, and in each run. every 0: none, 1: all. */
bool odd_sampled(const struct segment *seg, uint32_t every);

/* A segment begins with EHLO or HELO. */
bool odd_opens(struct bytes payload);

/* NEW: too few octets to tell. */
enum odd odd_first(enum dir dir, struct bytes in);

/* Both sides have said enough for somebody who knows other protocols: the client a line, the server one before it or
 * after it. Told by lines, so that it does not matter how they were cut into segments. first: of each direction. */
bool odd_heard(const struct bytes first[2]);

/* opaque: the parser has refused it. looked: it was shown to somebody who knows other protocols, and is not known.
 * octets: of both sides. One side alone is believed when it has said more than a greeting. */
enum odd odd_spoken(const struct smtp *s, bool opaque, bool looked, uint64_t octets);
#endif
