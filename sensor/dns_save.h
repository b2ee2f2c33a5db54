/* dns_save: the replies of live lookups as a pcapng file, so that the same verdicts can be drawn again later, with no
 * network: each is a UDP datagram from port 53 of the server that sent it, on an interface that is named for what it is.
 * No packet of it was on a wire like this; the file's comments say so. */
#ifndef DNS_SAVE_H
#define DNS_SAVE_H
#include "error.h"
#include "upstream.h"

enum { DNS_SAVE_BLOCK = 66 * 1024 };

struct dns_save {
	int fd;
	bool failed;               /* a write failed: nothing more is written */
	uint64_t saved, skipped;   /* skipped: too large for a datagram, or after a failure */
	uint8_t block[DNS_SAVE_BLOCK];
};

/* Writes the head of the file to fd, which stays the caller's. false: it cannot be written. */
bool dns_save_open(struct dns_save *s, int fd, struct error *e);
/* Appends a reply (its end is UPSTREAM_REPLY). */
void dns_save_put(struct dns_save *s, const struct upstream_reply *reply);
#endif
