/* health: may it be us? Watches what live lookups come to, and says when the fault is more likely in the sensor, its
 * clock, its trust anchors or its resolver than in the zones that it looks at. One state, not a flood: rules hold back
 * what rests on the DNS while it is not healthy. */
#ifndef HEALTH_H
#define HEALTH_H
#include "question.h"

/* ZONES     remembered, the latest; a zone is the last two labels of a name, and counts once
 * BAD       so many of them bogus, or failed, and half of all, mean that it is us
 * WINDOW_S  what is older does not count
 * KEY_S, KEY_SOON_S  how often the trust anchor's own zone is asked for its keys: when all is well, and when not
 * CANARIES           most of them; CANARY_S: how often they are asked when all is well, else as often as the keys */
enum { HEALTH_ZONES = 64, HEALTH_BAD = 8, HEALTH_WINDOW_S = 300, HEALTH_KEY_S = 3600, HEALTH_KEY_SOON_S = 30, HEALTH_CANARIES = 16,
       HEALTH_CANARY_S = 600 };

struct health_zone {
	uint64_t zone;
	uint8_t status;            /* enum dnsstatus */
	int64_t at;
};

/* A zone of which the site knows what must come out: that it validates, or (bogus) that it does not. name: the caller's. known:
 * it was asked, and came to status. */
struct health_canary {
	const char *name;
	bool bogus, known;
	uint8_t status;
};

/* Zero it to begin, but for canaries, name and bogus. key: what the anchor's zone said last. Times are s of a monotonic clock but for offset: how far
 * this machine's clock is outside the window of the signatures over those keys, s; negative: behind. */
struct health {
	enum resolverfault key;
	bool key_known, many;
	int64_t key_at, offset;
	unsigned next;
	struct health_zone zone[HEALTH_ZONES];
	unsigned canaries;
	struct health_canary canary[HEALTH_CANARIES];
	int64_t canary_at;
};

/* A lookup ended: status (enum dnsstatus) of a question that was really looked up, at now. */
void health_saw(struct health *h, const char *name, uint8_t status, int64_t now);
/* The answer to the DNSKEY question for the anchor's zone, at now; time: this machine's, s since 1970. sig_from and
 * sig_until of a: the window of the signatures as they came, good or not; 0 unknown. */
void health_key(struct health *h, const struct answer *a, int64_t now, int64_t time);
/* Should that question be asked (again)? */
bool health_key_due(const struct health *h, int64_t now);
/* Canary at was asked, at now. */
void health_canary(struct health *h, unsigned at, uint8_t status, int64_t now);
/* Should they be asked (again)? */
bool health_canary_due(const struct health *h, int64_t now);
/* Has each been asked, and the anchor's zone too? Before that nobody knows whose fault a failure is. */
bool health_known(const struct health *h);
/* none, or what seems to be wrong with us. */
enum resolverfault health_fault(struct health *h, int64_t now);
/* The state for people, one line. */
void health_text(const struct health *h, enum resolverfault fault, char *text, size_t cap);
#endif
