/* dns_wire: the octets of one DNS message, read in order (RFC 1035 4.1, RFC 6891). Names come out uncompressed and
 * in lower case, so that they compare with memcmp. */
#ifndef DNS_WIRE_H
#define DNS_WIRE_H
#include "bytes.h"

enum { DNS_NAME_MAX = 255, DNS_HEADER = 12 };
enum { DNS_QR = 0x8000, DNS_AA = 0x0400, DNS_TC = 0x0200, DNS_RD = 0x0100, DNS_RA = 0x0080, DNS_CD = 0x0010 };
enum { RCODE_NOERROR = 0, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3, RCODE_NOTIMP = 4, RCODE_REFUSED = 5 };
enum { RR_A = 1, RR_NS = 2, RR_CNAME = 5, RR_SOA = 6, RR_MX = 15, RR_AAAA = 28, RR_DNAME = 39, RR_OPT = 41, RR_DS = 43, RR_RRSIG = 46, RR_NSEC = 47,
       RR_DNSKEY = 48, RR_NSEC3 = 50, RR_NSEC3PARAM = 51 };
enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTIONS };

/* A name in wire form: labels with their length in front, lower case, the root's zero octet at the end. */
struct dns_name {
	uint8_t n;
	uint8_t octets[DNS_NAME_MAX];
};

/* rdata is a loan from the message, and may hold compressed names of its own (dns_wire_rdata expands them). */
struct dns_rr {
	struct dns_name owner;
	uint16_t type, class;
	uint32_t ttl;
	enum dns_section section;
	struct bytes rdata;
};

/* A walk through one message: header and question first, then dns_wire_next until it answers false. */
struct dns_walk {
	struct bytes msg;
	struct cur c;
	uint16_t id, flags;
	uint16_t left[DNS_SECTIONS];
	enum dns_section section;
	struct dns_name qname;
	uint16_t qtype, qclass;
};

/* Reads header and question (exactly one). false: not a DNS message that we can use. msg is borrowed by w. */
bool dns_wire_open(struct dns_walk *w, struct bytes msg);
/* The next record. false: at the end, or broken: dns_wire_ok tells which. */
bool dns_wire_next(struct dns_walk *w, struct dns_rr *rr);
/* After the last record: was every record that the header promised there, and whole? */
bool dns_wire_ok(const struct dns_walk *w);

/* A name at c inside msg; c moves behind it. Pointers go backwards only (RFC 1035 4.1.4), so they end. false: broken
 * or over 255 octets; c is bad then. */
bool dns_wire_name(struct cur *c, struct bytes msg, struct dns_name *name);
/* The RDATA of rr with its names uncompressed (of the types that may be compressed, RFC 3597 4), at most cap octets
 * to out. Case is kept: signatures of some types depend on it. 0: broken, or more than cap; an empty RDATA is 0 too. */
size_t dns_wire_rdata(struct bytes msg, const struct dns_rr *rr, uint8_t *out, size_t cap);
/* The name without its first label; false at the root. */
bool dns_wire_parent(const struct dns_name *name, struct dns_name *parent);
bool dns_wire_same(const struct dns_name *a, const struct dns_name *b);
/* Is name equal to top or below it? */
bool dns_wire_below(const struct dns_name *name, const struct dns_name *top);
/* A hash for tables. Give it a secret seed, so that a sender of messages cannot aim at one bucket; no result may depend on it. */
uint64_t dns_wire_hash(uint64_t seed, struct bytes octets);
/* Dotted lower-case text without the last dot ("." for the root), NUL-terminated; octets that are not letters,
 * digits, '-', '_', '*' or '/' as \DDD (RFC 4343 2.1). Cut, never over cap. Returns its length. */
size_t dns_wire_text(const struct dns_name *name, char *text, size_t cap);
/* The reverse, \DDD understood. false: an empty or long label, a name over 255 octets, or a stray backslash. */
bool dns_wire_from_text(struct dns_name *name, struct bytes text);

/* Says a reply with this code that the lookup failed: SERVFAIL, NOTIMP, REFUSED? Never that there is nothing. */
static inline bool dns_wire_failure(unsigned rcode)
{
	return rcode == RCODE_SERVFAIL || rcode == RCODE_NOTIMP || rcode == RCODE_REFUSED;
}

/* Is this message worth keeping: a whole response to one question of class IN (QUERY; NOERROR, NXDOMAIN or a failure;
 * not truncated) whose every record lies within it? */
bool dns_wire_useful(struct bytes msg);
/* The next message of a TCP stream (RFC 1035 4.2.2). used: octets to drop, set on PARSE_OK. PARSE_BAD: a length that
 * no message has: this is not DNS. */
enum parse dns_wire_tcp_next(struct bytes in, struct bytes *msg, size_t *used);
#endif
