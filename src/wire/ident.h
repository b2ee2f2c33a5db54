/* ident: names for a connection that everybody who saw the same packets computes alike. */
#ifndef IDENT_H
#define IDENT_H
#include "packet.h"

struct ident;

enum { IDENT_COMMUNITY = 31, IDENT_SESSION = 32, IDENT_CHAIN = 32 };

/* NULL: no memory, or a digest is not to be had. Everything is fetched here, so that nothing is opened later. */
struct ident *ident_new(void);
void ident_free(struct ident *id);

/* Community ID v1, seed 0, of a TCP connection between a and b, either order: "1:" and base64 of a SHA-1.
 * Returns its length, at most IDENT_COMMUNITY - 1; out is NUL-terminated. */
size_t ident_community(struct ident *id, const struct addr *a, uint16_t aport, const struct addr *b, uint16_t bport,
		       char out[IDENT_COMMUNITY]);

/* Session id: 32 hex digits of SHA-256 over the Community ID, both initial sequence numbers (what was seen first
 * where there was no SYN) and the time of the first packet in microseconds, so that a capture in ns and one in us agree. */
void ident_session(struct ident *id, struct bytes community, uint32_t isn_c, uint32_t isn_s, int64_t first_ns,
		   char out[IDENT_SESSION + 1]);

/* One link more: chain becomes SHA-256 over chain and the n parts, each with its length in front. Zeros are where it begins.
 * false: no digest is to be had, and chain is what it was. */
bool ident_chain(struct ident *id, uint8_t chain[IDENT_CHAIN], const struct bytes *part, size_t n);
#endif
