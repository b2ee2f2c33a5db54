/* posture_look: one look at a watched domain: all that the DNS says of how mail for it is protected, asked without any mail. A
 * step machine without I/O, as expectation is, which it uses for the way from the domain to its hosts' TLSA (RFC 7672 2.2); what
 * it asks beyond that is about the zones, and the TXT records of MTA-STS and TLSRPT.
 *
 *	posture_look_start(l, domain, as_of);
 *	while (posture_look_next(l, &q))
 *		posture_look_answer(l, ask(&q));       (or come back with the answer)
 *	then l->host, l->zone and the rest stand. */
#ifndef JUDGE_POSTURE_LOOK_H
#define JUDGE_POSTURE_LOOK_H
#include "judge/expectation.h"

/* LOOK_HOSTS    MX hosts of a domain                 LOOK_ADDRESSES  of one of them that are kept
 * LOOK_RECORDS  TLSA records of one                  LOOK_ZONES      zones of the domain and its hosts
 * LOOK_EXTRAS   questions beside those of the walk   LOOK_CLIMB      labels up from a name to the top of its zone */
enum { LOOK_HOSTS = EXPECT_MX, LOOK_ADDRESSES = 8, LOOK_RECORDS = 16, LOOK_ZONES = 4, LOOK_EXTRAS = 64, LOOK_CLIMB = 4 };

enum { DNS_SOA = 6, DNS_DS = 43, DNS_DNSKEY = 48, DNS_NSEC3PARAM = 51 };

/* One MX host.
 * alias    where CNAMEs led, empty: nowhere          state     enum host_state
 * records  its secure TLSA RRset: a digest of each record (print), and usage, selector and matching type in one number (kind)
 * tlsa     how many they really are                  unusable  none of them can be used for SMTP
 * full     one of them has matching type 0           ttl       of that RRset, seconds
 * secure   its addresses are */
struct look_host {
	char name[NAME_MAX_TEXT + 1], alias[NAME_MAX_TEXT + 1];
	uint16_t preference, tlsa;
	uint8_t state, records, addresses;
	bool unusable, full, secure;
	uint32_t ttl;
	uint64_t print[LOOK_RECORDS];
	uint32_t kind[LOOK_RECORDS];
	struct addr address[LOOK_ADDRESSES];
};

/* One zone, found by its SOA. keys, signers: whether DNSKEY and DS records were seen, and of which algorithms and digest types (bit
 * i: number i). no_ds: there are none, provably.
 * negative  for how long a denial may be remembered, seconds (RFC 2308 5)     iterations  of NSEC3, 0 without */
struct look_zone {
	char name[NAME_MAX_TEXT + 1];
	uint64_t algorithms, digests, ds_algorithms;
	bool keys, no_ds;
	uint32_t negative, iterations;
};

/* A question beyond the walk, and what matters of its answer. data: there are records.
 * number  SOA: minimum or TTL, the lesser; NSEC3PARAM: iterations; DNSKEY, DS: see set, set2 */
struct look_extra {
	char name[NAME_MAX_TEXT + 1];
	uint16_t type;
	uint8_t status;
	bool open, data, good;
	uint32_t number;
	uint64_t set, set2;
};

/* mx        enum dnsstatus of the MX RRset          mx_ttl  seconds
 * cut       there are more hosts than LOOK_HOSTS    fault   enum resolverfault, the worst: then nothing of it counts
 * at        as of when, ns: what live answers say   source  enum dnssource
 * sts, tlsrpt  are the TXT records there            wrong_base  TLSA at the mail domain, which is no MX host
 * sig_...   of the RRset whose signature ends first; sig_until 0: none was seen. s since 1970
 * bogus     an answer did not validate: which, and the validator's reason; bogus_kind: enum posturebogus */
struct posture_look {
	char domain[NAME_MAX_TEXT + 1];
	struct expectation e;
	struct record session;             /* what expectation takes the domain from */
	int64_t as_of, at;
	uint8_t mx, fault, source, hosts, zones, extras;
	bool walked, cut, wrong_base, bogus, done;
	enum tri sts, tlsrpt;
	uint32_t mx_ttl;
	struct look_host host[LOOK_HOSTS];
	struct look_zone zone[LOOK_ZONES];
	struct look_extra extra[LOOK_EXTRAS];
	int8_t zone_of[LOOK_HOSTS];        /* index of a host's zone, -1: not known */
	int64_t sig_from, sig_until;
	uint16_t sig_type, bogus_type;
	uint8_t bogus_kind;
	char sig_name[NAME_MAX_TEXT + 1], bogus_name[NAME_MAX_TEXT + 1], bogus_why[256];
	uint16_t preference[EXPECT_HOSTS]; /* of e.host */
	struct { uint8_t n; struct addr a[LOOK_ADDRESSES]; } address[EXPECT_HOSTS];
};

/* posture_look_start: a new look at domain (in the form that identity_name gives); l is overwritten. */
void posture_look_start(struct posture_look *l, const char *domain, int64_t as_of);
/* posture_look_next: the open question, or false: the look is over. There is one at a time, the same until its answer came. Its id
 * is the caller's to choose. */
bool posture_look_next(struct posture_look *l, struct question *q);
/* posture_look_answer: the answer to it (checked by answer_check); one that does not fit by name and type is ignored. Its
 * id is written anew. */
void posture_look_answer(struct posture_look *l, struct answer *a);
/* The index of the host of that name, or -1. */
int posture_look_host(const struct posture_look *l, const char *name);
#endif
