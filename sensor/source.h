/* source: where packets come from. A capture file now, an interface in source_live.c: the caller cannot tell.
 *
 * A source has two lives. source_open runs in the supervisor, may open files, and finds everything that an operator
 * can get wrong before a line is printed. source_next runs in the capture process, which cannot open anything any
 * more: it reads descriptors that are open already and uses no system call but read, close and those of malloc. */
#ifndef SOURCE_H
#define SOURCE_H
#include "error.h"
#include "packet.h"

struct source;

enum source_result {
	SOURCE_PACKET, /* a packet, its octets on loan until the next call */
	SOURCE_END,    /* nothing is left in any file */
	SOURCE_DAMAGED /* this file is cut short or broken here, and all before it was handed out; source_error says what
			* and where; the next call goes on with the next file */
};

/* Opens n paths in the order given: capture files (pcap and pcapng, plain or in gzip, zstd or xz, told by content and
 * never by name), directories (their capture files by name, no subdirectories, no dot files) or "-", standard input.
 * Looks at the first octets of each. All memory but that of the decompressors is taken here; the limit of open files
 * is raised to the hard one. NULL: e says what is wrong with which path, and what to do: not found, no permission,
 * empty, not a capture, a directory without captures, more files than descriptors. The caller owns the result. */
struct source *source_open(char *const *paths, int n, struct error *e);

/* The next packet. number starts at 1 in each file, iface is the interface's number in its section of the file,
 * ts is never negative and at most SOURCE_TS_MAX (a packet without a time has that of the packet before it), wire_len
 * is never less than data.n. */
enum source_result source_next(struct source *s, struct packet *packet);

/* 2^62 ns, in the year 2116: sums of a time and any timeout stay far from overflow. */
#define SOURCE_TS_MAX ((int64_t)1 << 62)

/* The file of the packet or damage that came last ("standard input" for "-"), control characters replaced by "?";
 * on loan until source_close. */
const char *source_name(const struct source *s);

/* After SOURCE_DAMAGED: one line with the file, the offset in octets (in the capture as it is when decompressed) and
 * what is wrong there; on loan until the next call. */
const char *source_error(const struct source *s);

/* Of the packet that came last, as capfile_witnessed. */
bool source_witnessed(const struct source *s, struct bytes *octets, const uint8_t **sha256);

/* Octets read and to be read, as they lie in the files (compressed ones count as they are). total is 0 if unknown. */
void source_progress(const struct source *s, uint64_t *done, uint64_t *total);

/* Closes what is open and frees s; NULL is allowed. */
void source_close(struct source *s);
#endif
