/* nats_subject: the subjects that messages have: <begin>.<dataset>.<partition>. Who reads one partition sees all there is of the servers in
 * it. Knows no library. */
#ifndef NATS_SUBJECT_H
#define NATS_SUBJECT_H
#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

/* BEGIN: of the setting, with its 0. ROOM: of a whole subject. */
enum { NATS_BEGIN_SIZE = 129, NATS_SUBJECT_ROOM = NATS_BEGIN_SIZE + 24 };

/* enum dataset as a word of a subject. */
const char *nats_dataset(unsigned dataset);
/* From 0 to partitions - 1, the same for a key on every sensor: FNV-1a of its octets, 32 bits, modulo partitions. */
uint32_t nats_partition(struct bytes key, uint32_t partitions);
void nats_subject(const char *begin, unsigned dataset, uint32_t partition, char subject[NATS_SUBJECT_ROOM]);
/* Can it be what subjects begin with: words with dots between them, none a wildcard? */
bool nats_subject_begins(const char *begin);
/* Does the pattern of a stream take a subject? '*' stands for one word, '>' for all that follow. */
bool nats_subject_fits(const char *pattern, const char *subject);
#endif
