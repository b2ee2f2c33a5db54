/* zone_chain: the zones between the root and a name, cut by cut, as DNSSEC links them (RFC 4035 5): DS and DNSKEY RRsets, keys,
 * algorithms, digests, signatures and their windows, NSEC and NSEC3. Zones are walked once, however many names lie below them.
 *
 * What is secure is decided elsewhere, by libunbound; this part tells which link is broken, and why. It asks the resolver with
 * the CD bit, so that what is bogus can be seen too. Messages, keys and signatures are read and checked by ldns. */
#ifndef ZONE_CHAIN_H
#define ZONE_CHAIN_H
#include <time.h>

#include "packet.h"
#include "report.h"

enum { CHAIN_ZONES = 32, CHAIN_KEYS = 16, CHAIN_DS = 16, CHAIN_SERVERS = 16, CHAIN_NAME = 256, CHAIN_WHY = 200 };

/* ZONE_SECURE    linked from the trust anchor down            ZONE_INSECURE  a proved absence of DS at or above it
 * ZONE_BROKEN    the link from above, or its own signatures, do not hold: whatever lies in it is bogus
 * ZONE_UNKNOWN   the resolver did not answer */
enum zone_state { ZONE_UNKNOWN, ZONE_SECURE, ZONE_INSECURE, ZONE_BROKEN };

/* bits  of the key itself                linked  a DS of the parent (or a trust anchor) fits it
 * signs a valid signature over the DNSKEY RRset is by it        active  it signs other RRsets of the zone that were seen */
struct zone_key {
	uint16_t flags, tag, bits;
	uint8_t algorithm;
	bool linked, signs, active;
};

/* fits  a key of the zone          known  algorithm and digest type are ones that validators of today take */
struct zone_ds {
	uint16_t tag;
	uint8_t algorithm, digest;
	bool fits, known;
};

/* One address of an authoritative server of a zone.
 * asked     it was asked          authoritative  it answered with AA
 * edns, tcp it answered with EDNS; over TCP
 * serial    of its SOA            ms     of the first answer
 * differs   a DNSKEY, MX, or TLSA RRset of it is not that of most
 * why       "" when all is well */
struct zone_server {
	char name[CHAIN_NAME];
	struct addr address;
	bool asked, authoritative, edns, tcp, differs;
	uint32_t serial, ms;
	char why[CHAIN_WHY];
};

/* name      lower case, without a dot at its end; the root: "."          parent  index, -1 of the root
 * island    it has keys, but no DS leads to them
 * sig_from, sig_until  s since 1970, of the signature that ends first; 0: none was seen
 * negative  s, for how long an absence may be remembered (RFC 2308 5)     dnskey_ttl, ds_ttl  s
 * nsec3     it has NSEC3, with iterations and opt_out
 * why       in words, of ZONE_BROKEN and ZONE_UNKNOWN */
struct chain_zone {
	char name[CHAIN_NAME];
	int parent;
	enum zone_state state;
	bool island, nsec3, opt_out;
	uint16_t iterations;
	uint32_t negative, dnskey_ttl, ds_ttl, soa_ttl;
	time_t sig_from, sig_until;
	struct zone_key key[CHAIN_KEYS];
	struct zone_ds ds[CHAIN_DS];
	struct zone_server server[CHAIN_SERVERS];
	unsigned keys, dss, servers;
	char why[CHAIN_WHY];
};

/* resolver   the address and port of the resolver, as text "ADDR[@PORT]", or NULL: of resolv.conf
 * anchors    trust anchors, zone file text, or NULL: the root's own as the resolver library has them
 * direct     ask authoritative servers themselves too
 * families   4, 6, or 0: which addresses of them are tried
 * inside     those at addresses of private networks too           ms  for each question */
struct chain_means {
	const char *resolver, *anchors;
	bool direct, inside;
	int family, ms;
};

struct chain {
	struct chain_zone zone[CHAIN_ZONES];
	unsigned n;
	bool cut;                  /* there were more */
	struct chain_walker *walker;
};

/* chain_open: c is overwritten. false: e says what is wrong with m, or that there is no memory. */
struct error;
bool chain_open(struct chain *c, const struct chain_means *m, struct error *e);
void chain_free(struct chain *c);
/* chain_walk: finds the zones from the root to the one that holds name (lower case, no dot at its end). The index of that
 * zone, the deepest that could be reached; -1: not even the root was. */
int chain_walk(struct chain *c, const char *name);
/* chain_watch: an RRset that all authoritative servers of zone are to be compared in (type as in question.h). Before
 * chain_servers. */
void chain_watch(struct chain *c, int zone, const char *name, uint16_t type);
/* chain_servers: asks each authoritative server of a zone for what it says of it. Does nothing without means->direct. */
void chain_servers(struct chain *c, int zone);
/* chain_agrees: do all authoritative servers of zone that answered have this RRset (chain_watch), with data?  true: yes, all of
 * at least one. */
bool chain_agrees(const struct chain *c, int zone, const char *name, uint16_t type);
/* chain_report: steps about all zones, from the root down, below the step that is open. */
void chain_report(const struct chain *c, struct report *r, time_t now);
#endif
