/* capfile: the packets of one capture file, pcap or pcapng, of which only the octets are known. */
#ifndef CAPFILE_H
#define CAPFILE_H
#include "packet.h"

struct capfile;

enum capfile_result { CAPFILE_PACKET, CAPFILE_END, CAPFILE_DAMAGED };

/* Takes all memory of the module, about 1.5 MiB (decompressors take theirs when the first compressed file comes).
 * NULL: there is none. The caller owns the result. */
struct capfile *capfile_new(void);

/* Whether a file that begins so (12 octets tell all, 4 are enough for pcap) is a capture. */
bool capfile_is(struct bytes head);

/* Begins the next file: the octets of head (on loan until the next start), then those of fd, which stays the
 * caller's; fd -1: head is all. They may be compressed: see unpack.h. */
void capfile_start(struct capfile *c, int fd, struct bytes head);

/* The next packet, on loan until the next call; see source_next for its members. DAMAGED comes at most once a file,
 * END follows it. */
enum capfile_result capfile_next(struct capfile *c, struct packet *p);

/* After DAMAGED: what is wrong, a few words on loan until the next start, and where in the decompressed octets the
 * packet, block or header begins that could not be read. */
const char *capfile_why(const struct capfile *c);
uint64_t capfile_offset(const struct capfile *c);

/* Of the packet handed out last, if the file is evidence of ours (evidence_file.h) and says so: its octets as they stand in
 * the file, and their SHA-256 as it stands there. Octets that were covered and cut off at its end are handed out as zeros.
 * false: nothing is said of it. */
bool capfile_witnessed(const struct capfile *c, struct bytes *octets, const uint8_t **sha256);

/* Packets handed out since the start; whether the octets are compressed; how many were read, as they lie there. */
uint64_t capfile_packets(const struct capfile *c);
bool capfile_packed(const struct capfile *c);
uint64_t capfile_used(const struct capfile *c);

/* NULL is allowed. */
void capfile_free(struct capfile *c);
#endif
