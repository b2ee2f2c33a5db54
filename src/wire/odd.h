/* odd: does a connection on a port that nobody named as a mail port begin like SMTP (RFC 5321 3.1, 4.1)?
 *
 * Asked in this order, and every answer may be the last one:
 *
 *	odd_sampled(seg, every)     is it one of those that are looked at, by its addresses and ports?
 *	odd_opens(payload)          a connection whose SYN was missed: is this a client's EHLO or HELO?
 *	odd_first(dir, octets)      its first octets
 *	odd_spoken(smtp, ...)       what the SMTP parser, which has read it from the start, has made of it by now */
#ifndef ODD_H
#define ODD_H
#include "packet.h"
#include "wire/smtp.h"

/* ODD_ASK    segments with payload of both sides, after which one that is neither clearly SMTP nor clearly something
 *            else is shown to whoever knows other protocols
 * ODD_MOST   of these, after which it is given up */
enum { ODD_ASK = 3, ODD_MOST = 8 };

/* NEW: nothing was said yet. MAYBE: its first octets may be SMTP, smtp reads it. FOUND: it is. NOT: forget it. */
enum odd { ODD_NEW, ODD_MAYBE, ODD_FOUND, ODD_NOT };

/* One in every connections; the same for both directions, and in each run. every 0: none, 1: all. */
bool odd_sampled(const struct segment *seg, uint32_t every);

/* A segment begins with EHLO or HELO. */
bool odd_opens(struct bytes payload);

/* NEW: too few octets to tell. */
enum odd odd_first(enum dir dir, struct bytes in);

/* segments  with payload, of both sides. One side alone is believed when it has said more than a greeting. */
enum odd odd_spoken(const struct smtp *s, bool opaque, uint32_t segments);
#endif
