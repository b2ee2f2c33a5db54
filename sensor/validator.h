/* validator: libunbound's settings, the same whoever its upstream is. What is not set here is libunbound's default. */
#ifndef VALIDATOR_H
#define VALIDATOR_H
#include <stdbool.h>
#include <stdint.h>
#include <unbound.h>

/* First, before trust anchors are added. live: for many questions at once, an upstream that may be slow, and a cache
 * that is worth its memory. false: libunbound refuses one of them. */
bool validator_begin(struct ub_ctx *ub, bool live);
/* Last: a thread of its own, 127.0.0.1@port as its only upstream, and no answers of its own for special names. false: it
 * refuses; nothing can be set from here on. */
bool validator_finish(struct ub_ctx *ub, uint16_t port);
#endif
