/* dns_store: what the capture's DNS messages said: RRsets with their signatures and times, and which question each
 * message answered. Builds the reply that a validator gets for a question as of a time, from the proofs that an
 * iterating resolver's traffic leaves behind: a referral's DS, or its NSEC, answers the DS question. */
#ifndef DNS_STORE_H
#define DNS_STORE_H
#include "dns_message.h"
#include "wire/dns_wire.h"

enum { DNS_SKEW = 3600 };          /* s that a signature may begin late or end early: clocks of captures wander */

/* What a reply is worth. EXACT: a message, or a signed RRset, that answers this question. DERIVED: a denial or an
 * alias drawn from answers to other questions. UNSIGNED: an answer to a query that did not ask for signatures: it
 * shows data and proves nothing. STALE: signatures that were good when it was captured, and have ended by as_of.
 * FAILURE: the capture shows SERVFAIL, NOTIMP or REFUSED. MISSING: nothing fits. */
enum dns_found { FOUND_EXACT, FOUND_DERIVED, FOUND_UNSIGNED, FOUND_STALE, FOUND_FAILURE, FOUND_MISSING };

/* ts     ns, of the newest message used; later than as_of if only later data fits
 * from, until  ns: the reply is the same for every as_of in [from, until)
 * proofs how many different replies there are that are proofs: a validator that refuses this one may be given the next
 * other  a message of a capture that was given for its DNS alone is in it
 * octets the reply, complete but for its id and the query's own question octets (see question_n) */
struct dns_reply {
	enum dns_found found;
	int64_t ts, from, until;
	unsigned proofs;
	bool other;
	size_t n;
	uint8_t octets[DNS_MESSAGE_MAX];
};

struct dns_store;

/* Takes budget octets now. NULL: no memory. */
struct dns_store *dns_store_new(size_t budget);
/* One that is never full: a message for which there is no room, or that comes age ns after the first one of the young half of
 * the budget, displaces the old half. So what was said is known until half of the budget was filled after it, or for twice
 * the age, and for one age at least if there is room. A message of which a part found no room is said again whole. */
struct dns_store *dns_store_rolling(size_t budget, int64_t age);
/* How often the old half was displaced. */
uint64_t dns_store_rolls(const struct dns_store *s);
/* A number that changes whenever a reply could be another one than before. */
uint64_t dns_store_changes(const struct dns_store *s);
void dns_store_free(struct dns_store *s);

enum dns_kept { DNS_KEPT, DNS_REFUSED, DNS_FULL };
/* Copies what a message says. REFUSED: not useful (dns_wire_useful), or more records than a DNS answer has. */
enum dns_kept dns_store_add(struct dns_store *s, const struct dns_message *m);

/* The reply to (name, type) as of as_of, with id 0, RD and RA set, and an OPT record when edns. skip: 0 for the best one,
 * else so many better ones are passed over, because a validator refused them. */
void dns_store_reply(const struct dns_store *s, const struct dns_name *name, uint16_t type, int64_t as_of, bool edns,
		     unsigned skip, struct dns_reply *reply);
/* The message that this reply rests on, as a reply to a question of its own: a store that is given it answers (name, type)
 * alike, and can tell as well as this one what it lacks. false: nothing fits. */
bool dns_store_source(const struct dns_store *s, const struct dns_name *name, uint16_t type, int64_t as_of, unsigned skip,
		      struct dns_reply *reply);
/* The owners of records of type that hold key: an address for A and AAAA, a name in wire form for MX. Only answers of the
 * day before as_of count; the latest comes first. Returns how many, at most max. */
size_t dns_store_seen(const struct dns_store *s, uint16_t type, struct bytes key, int64_t as_of, struct dns_name *out,
		      size_t max);
/* The TTL of the RRset that dns_store_reply would serve for (name, type); false when there is none. */
bool dns_store_ttl(const struct dns_store *s, const struct dns_name *name, uint16_t type, int64_t as_of, unsigned skip,
		   uint32_t *ttl);

/* Another RRset of the same name and type. seen: ns, when it was first said, or last said anew; dropped: ns, when a
 * resolver that took it the last time that it was said must have dropped it (its TTL). */
struct dns_version {
	int64_t seen, dropped;
};
/* The signed RRset of other records that was there before the one that holds at `at`, the newest of them; or, when
 * later, the first one after it. Its signatures are not looked at: ask for it as of v->seen. false: none. */
bool dns_store_version(const struct dns_store *s, const struct dns_name *name, uint16_t type, int64_t at, bool later,
		       struct dns_version *v);
/* Since when (ns) were the records that hold at `at` said, as far as is remembered, and signed, without others or a denial in
 * between? false: they came later, or something else was said too. */
bool dns_store_since(const struct dns_store *s, const struct dns_name *name, uint16_t type, int64_t at, int64_t *since);
#endif
