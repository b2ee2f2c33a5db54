/* harvest: what both capture processes, that of files and that of interfaces, make of what a pipeline gives them, before each
 * sends it in its own way. */
#ifndef HARVEST_H
#define HARVEST_H
#include "classify.h"
#include "key_proof.h"
#include "wire/pipeline.h"
#include "wire/tls.h"

/* Octets that follow the record of a session in CH_SESSION: the length of the chain, the chain, its proof. */
enum { HARVEST_BEHIND = 4 + TLS_MESSAGE_MAX + KEY_PROOF_MAX };

/* They, put together in behind. */
struct bytes harvest_behind(const struct pipeline_out *out, uint8_t behind[HARVEST_BEHIND]);

/* Answers PIPELINE_LOOK. classify: NULL where there is none; then there is no answer. */
void harvest_answer(struct pipeline *p, struct classify *classify, const struct pipeline_look *look);

/* Begins stats, with the counters of p and with packets and their octets that it was given. */
void harvest_stats(const struct pipeline *p, uint64_t packets, uint64_t octets, struct record *stats);
#endif
