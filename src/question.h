/* question: what the judge asks of the DNS, and what it is told. Values, no pointers: they cross a socket.
 * The judge never sees a message and never decides on a signature: libunbound does, in the resolver process. */
#ifndef QUESTION_H
#define QUESTION_H
#include "record.h"

enum { NAME_MAX_TEXT = 255, ANSWER_DATA = 16384, ANSWER_RRS = 128 };
/* DNS_SEEN is no type of the DNS (private use, RFC 6895 3.1). name is an address or a host name, and the answer's records
 * are dotted names: the hosts that answers on the link gave that address to, or the domains that had that host as MX,
 * the latest first. Nothing is validated: what comes back is asked for in its turn.
 * DNS_TLSA_BEFORE and DNS_TLSA_AFTER neither: the TLSA RRset of other records that the capture held before, or first
 * after, the one of as_of, validated as of its own time. The answer's from is that time, until when its TTL had run
 * out for whoever took it last; absent: there is none.
 * DNS_TXT is asked for _mta-sts and the like, which authenticate nothing: an incomplete answer from the link has the records, or
 * nxdomain, as the link had them. */
enum { DNS_A = 1, DNS_CNAME = 5, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_TLSA = 52, DNS_SEEN = 65281, DNS_TLSA_BEFORE = 65282,
       DNS_TLSA_AFTER = 65283 };

/* id     chosen by the judge, comes back in the answer
 * name   dotted text, lower case, no trailing dot, NUL-terminated
 * as_of  ns since 1970: signatures are judged at this time, and the newest data at or before it counts
 * source whose names these are: a hash of the client's network; no source may take all the room for live questions.
 *        0: the sensor's own */
struct question {
	uint64_t id;
	int64_t as_of;
	uint32_t source;
	uint16_t type;
	char name[NAME_MAX_TEXT + 1];
};

/* status     enum dnsstatus: secure (data, DNSSEC-validated), absent (its absence is proved secure: NXDOMAIN or NODATA;
 *            nxdomain tells which), insecure (data or none, provably unsigned), bogus, failed (SERVFAIL, timeout),
 *            incomplete (the capture lacks a proof; why names what)
 * as_of      the question's; from a live source the time of the lookup
 * seen_later a message used was captured after as_of
 * canonname  where CNAMEs led, empty if nowhere; cname_secure is not claimed: ask type CNAME (RFC 7672 2.1.3)
 * ttl        seconds, of the RRset as seen
 * sig_from, sig_until  window of the RRSIG over the answer, s since 1970, 0 unknown
 * from, until  the answer is the same for every as_of in [from, until), ns since 1970: it may be remembered for these
 * fault      live only: what seems to be wrong with our own resolving while this was answered; none: nothing
 * conflict   what on the link contradicts the answer in the hour before as_of (enum dnsconflict); conflict_how (enum
 *            dnshow), conflict_at, conflict_server: which message; conflict_proved: it was signed, or should have been
 * why        text for people
 * rr         rrs records' RDATA, each in data[off, off + n); names inside MX and CNAME RDATA are given as dotted
 *            lower-case text behind the fixed part (MX: 2 octets preference, then the text) */
struct answer {
	uint64_t id;
	int64_t as_of;
	uint16_t type;
	uint8_t status;
	bool nxdomain, seen_later;
	uint8_t source;            /* enum dnssource */
	uint8_t fault;             /* enum resolverfault */
	uint8_t conflict, conflict_how;
	bool conflict_proved;
	struct addr conflict_server;
	int64_t conflict_at;
	uint32_t ttl;
	int64_t sig_from, sig_until;
	int64_t from, until;
	char name[NAME_MAX_TEXT + 1];
	char canonname[NAME_MAX_TEXT + 1];
	char why[256];
	uint16_t rrs;
	uint32_t used;
	struct { uint32_t off, n; } rr[ANSWER_RRS];
	uint8_t data[ANSWER_DATA];
};

static inline struct bytes answer_rr(const struct answer *a, unsigned i)
{
	return (struct bytes){ a->data + a->rr[i].off, a->rr[i].n };
}

/* Octets of a that matter: copy this many to move an answer. */
static inline size_t answer_size(const struct answer *a)
{
	return offsetof(struct answer, data) + a->used;
}

/* Is this n-octet value from another process a possible answer (strings ended, spans inside data, words known)? */
bool answer_check(const struct answer *a, size_t n);
bool question_check(const struct question *q, size_t n);
#endif
