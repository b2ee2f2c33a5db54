/* spool_record: one item of the spool as octets in a file:
 *
 *	length(4) crc32(4) | number(8) at(8) dataset(1) level(1) id-length(2) key-length(2) id key payload
 *
 * all numbers big-endian. The length and the checksum are of what stands behind the bar. */
#ifndef SPOOL_RECORD_H
#define SPOOL_RECORD_H
#include "spool.h"

/* No payload that a format makes is near this; a length above it is damage. */
enum { SPOOL_RECORD_HEAD = 8, SPOOL_RECORD_FIXED = 22, SPOOL_RECORD_MAX = 16 << 20 };

/* How many octets the item takes; 0: it is too long to be kept. */
size_t spool_record_size(const struct spool_item *item);
/* Writes spool_record_size() octets, which must not be 0, to out. */
void spool_record_write(const struct spool_item *item, uint8_t *out);
/* The record at the start of file: how many octets it takes, and the item, whose spans lie in file. 0: it is torn or damaged, or there
 * is none; item is then as it was. */
size_t spool_record_read(struct bytes file, struct spool_item *item);
#endif
