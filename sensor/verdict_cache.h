/* verdict_cache: answers of live lookups, for as long as they hold. In front of libunbound, whose own cache holds
 * messages and costs a thread's round trip. */
#ifndef VERDICT_CACHE_H
#define VERDICT_CACHE_H
#include "question.h"

/* Seconds. DATA and DENIAL bound what a TTL may ask for: a change of the DNS must be seen within the hour. A lookup that
 * failed is tried again soon; what is bogus stays so for longer than a failure, for its signatures do. */
enum { CACHE_DATA_S = 3600, CACHE_DENIAL_S = 900, CACHE_BOGUS_S = 60, CACHE_FAILED_S = 10 };

struct verdict_cache_counts {
	uint64_t hits, misses, evicted, refused;
	uint64_t entries, octets;  /* now */
};

struct verdict_cache;

/* budget: octets for entries, taken as they come and never more; a quarter of it is the most that answers without data
 * may have, so that names that somebody invents do not displace those that exist. NULL: no memory. */
struct verdict_cache *verdict_cache_new(size_t budget);
void verdict_cache_free(struct verdict_cache *c);
/* Forgets all answers; counters go on. */
void verdict_cache_clear(struct verdict_cache *c);
/* The answer to (name, type) into a, all but its id. now: ms of a monotonic clock. false: none that still holds. */
bool verdict_cache_get(struct verdict_cache *c, const char *name, uint16_t type, int64_t now, struct answer *a);
/* Keeps a for ttl seconds (see verdict_cache_ttl; 0: not at all), instead of what was there. */
void verdict_cache_put(struct verdict_cache *c, const struct answer *a, uint32_t ttl, int64_t now);
/* How many seconds a holds: the least of its TTL (a denial's is the SOA's minimum), the time to the end of its
 * signature, and the bounds above. time: s since 1970. */
uint32_t verdict_cache_ttl(const struct answer *a, int64_t time);
struct verdict_cache_counts verdict_cache_counts(const struct verdict_cache *c);
#endif
