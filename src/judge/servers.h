/* servers: which watched domains have a server as their MX, and by which host: from its address, before it is seen. Addresses count
 * as they were validated; an unsigned one names nobody. */
#ifndef JUDGE_SERVERS_H
#define JUDGE_SERVERS_H
#include "judge/known.h"
#include "judge/posture.h"

struct servers;

/* Room for the addresses of that many domains; taken now, used as they come. NULL: no memory. servers_free takes NULL. */
struct servers *servers_new(size_t domains);
void servers_free(struct servers *s);
/* servers_set: what is known of domain number i (of the caller's own) is this now; it must live as long as s, and be told of by
 * another call when it has changed. */
void servers_set(struct servers *s, size_t i, const struct posture *p);
/* servers_known: adds to out each host that has this address by signed word, with the domains that have it as MX by signed word
 * (known_add, KNOWN_WATCHED). */
void servers_known(const struct servers *s, const struct addr *server, struct known *out);
/* Addresses that found no room. */
uint64_t servers_lost(const struct servers *s);
#endif
