/* upstream: the recursive resolvers of live mode: one question out, one reply in. The only outside socket of the
 * resolver, behind this one function. */
#ifndef UPSTREAM_H
#define UPSTREAM_H
#include "dns_message.h"
#include "error.h"
#include "wire/dns_wire.h"

struct upstream;

/* text: "192.0.2.1@53", "2001:db8::1@53"; without "@port" it is 53. n of them, tried in turn. NULL: e says which one
 * is no address. */
struct upstream *upstream_new(const char *const *text, unsigned n, struct error *e);
void upstream_free(struct upstream *u);
/* Asks (name, type) with RD, CD and DO set: CD, because a validating resolver would answer SERVFAIL for what is bogus,
 * and the evidence would be lost. UDP, and TCP when truncated; two tries for each upstream, two seconds each. m is
 * a loan until the next call, its ts the time it came; its question is the one that was asked. */
bool upstream_ask(struct upstream *u, const struct dns_name *name, uint16_t type, struct dns_message *m);
/* Queries sent so far. */
uint64_t upstream_sent(const struct upstream *u);
#endif
