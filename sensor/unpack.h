/* unpack: the octets of a descriptor, decompressed when they are gzip, zstd or xz: told by the first octets. */
#ifndef UNPACK_H
#define UNPACK_H
#include "bytes.h"

struct unpack;

/* OK: got octets came, at least one. END: there are no more, and the packing ended as it should. BAD: there are no
 * more that can be had; unpack_why says why. What came before the damage was handed out before. */
enum unpack_result { UNPACK_OK, UNPACK_END, UNPACK_BAD };

/* NULL: no memory. The caller owns the result. */
struct unpack *unpack_new(void);

/* Begins anew: first the octets of head (on loan until the next start), then those of fd, which stays the caller's.
 * fd -1: head is all there is. */
void unpack_start(struct unpack *u, int fd, struct bytes head);

/* Up to n octets to out. Waits for the first, not for all. Memory is bounded whatever the data claims: a zstd window
 * of 128 MiB (the most that zstd itself makes without being told) and 128 MiB for xz (twice what xz -9 needs). */
enum unpack_result unpack_read(struct unpack *u, uint8_t *out, size_t n, size_t *got);

/* After BAD: a few words; on loan until the next start. */
const char *unpack_why(const struct unpack *u);

/* Whether the octets were compressed; known after the first unpack_read. */
bool unpack_packed(const struct unpack *u);

/* Octets taken from head and fd so far, as they lie there. */
uint64_t unpack_used(const struct unpack *u);

/* NULL is allowed. */
void unpack_free(struct unpack *u);
#endif
