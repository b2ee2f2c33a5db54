/* sts: MTA-STS (RFC 8461). What a policy text and its TXT record say, whether an MX host is one that the policy names, and
 * what a policy that somebody fetched over HTTPS promised for this session. */
#ifndef JUDGE_STS_H
#define JUDGE_STS_H
#include "record.h"

/* STS_OCTETS   of a policy text: a longer one is none (RFC 8461 3.3 leaves the bound to us)
 * STS_MX       mx patterns of one policy: with more the policy is none, for half of a list would name friends strangers
 * STS_ID       octets of an id (3.1)
 * STS_TXT      octets of one TXT record
 * STS_AGE_MAX  seconds: no policy holds longer, whatever it says (3.2)
 * STS_HELD     policies that one session is judged by: one for each recipient domain */
enum { STS_OCTETS = 65536, STS_MX = 128, STS_ID = 32, STS_TXT = 1024, STS_AGE_MAX = 31557600, STS_HELD = 32 };

/* Why a text is no policy, or no record; in the order in which it is looked for. */
enum sts_fault {
	STS_OK,
	STS_LONG,      /* over STS_OCTETS, STS_MX or STS_TXT */
	STS_SYNTAX,    /* a line, or a field, that the grammar does not have */
	STS_VERSION,   /* none, or not STSv1 */
	STS_MODE,      /* none, or an unknown word */
	STS_AGE,       /* no max_age, or no number of at most ten digits */
	STS_NO_MX,     /* no mx, and the mode is not none */
	STS_NO_ID,     /* TXT: no id, or not 1 to 32 letters and digits */
	STS_NOT_ONE    /* TXT: no record, or more than one, that begins with v=STSv1; */
};

/* mode     enum stsmode
 * max_age  seconds, at most STS_AGE_MAX
 * mx       patterns, borrowed from the text; mxs of them */
struct sts_policy {
	uint8_t mode;
	uint32_t max_age;
	uint16_t mxs;
	struct bytes mx[STS_MX];
};

/* A policy and what is known of how it came here.
 * domain         the mail domain, without a trailing dot; a subdomain does not inherit (RFC 8461 3.4)
 * id             of the TXT record that it was fetched for; empty: not known
 * fetched        ns since 1970: when the server last gave this policy
 * earlier        the policy that was replaced by this one while it still held: its mode; stsmode_none: there was none
 * earlier_until  ns: when it would have ended
 * mode_since     ns: since when the policies that were fetched have had this mode; 0: not known */
struct sts_held {
	struct bytes domain, id;
	int64_t fetched;
	struct sts_policy policy;
	uint8_t earlier;           /* enum stsmode */
	int64_t earlier_until, mode_since;
};

/* What is known of whether a policy is the one that its domain has now. Nothing of it is authenticated, and it acquits of nothing.
 * txt      enum ststxt: what the DNS has at _mta-sts of the domain, by the policy's id (freshness.h); link: ststxt_absent or
 *          ststxt_nxdomain where the link said so meanwhile
 * id       the id there, id_n octets
 * refetch  enum stsfetch: what the last attempt to fetch it anew came to; refetched: ns, when that was, 0: not known */
struct sts_hint {
	uint8_t txt, link, refetch, id_n;
	uint8_t id[STS_ID];
	int64_t refetched;
};

/* sts_policy_read: the body of /.well-known/mta-sts.txt (RFC 8461 3.2). Fields may come in any order, unknown ones are
 * passed over, of repeated ones the first counts, but for mx. Names and values are case-sensitive, as the grammar has
 * them. Beyond the grammar, empty lines are passed over. A max_age over STS_AGE_MAX is cut to it.
 * out is defined on STS_OK only; it borrows from text. */
enum sts_fault sts_policy_read(struct bytes text, struct sts_policy *out);
/* sts_txt_read: the TXT RRset of _mta-sts.DOMAIN, each record with its strings joined (RFC 8461 3.1). Records that do not
 * begin with v=STSv1; are none; exactly one must be left. id: borrowed, on STS_OK only. The record is not authenticated:
 * it says when to fetch anew, and promises nothing. */
enum sts_fault sts_txt_read(const struct bytes *record, size_t n, struct bytes *id);
/* sts_name_covers: does the mx pattern, or the DNS name of a certificate, cover this host (RFC 8461 4.1, RFC 6125 6.4)?
 * *. in front stands for exactly one label, and for nothing else; ASCII case and one trailing dot do not count. */
bool sts_name_covers(struct bytes pattern, struct bytes host);
/* sts_names_host: is host one of the policy's? (RFC 8461 4.1) */
bool sts_names_host(const struct sts_policy *p, struct bytes host);
/* sts_until: ns since 1970: until when the policy holds; it does at t if fetched <= t < that. */
int64_t sts_until(const struct sts_held *h);
/* sts_holds: does the policy hold at t (ns)? */
bool sts_holds(const struct sts_held *h, int64_t t);
/* sts_applies: is this a session whose policy could be h: MTA to MTA, and h's domain one of its recipient domains? */
bool sts_applies(const struct sts_held *h, const struct record *session);
/* sts_judge: what the policies of the session's recipient domains promised for it at its start; held[0, n) in the order of
 * the domains, NULL where there is none; hint: of each, or NULL. Reads event.start, identity.host, identity.domains, service,
 * and sets mxwitness.sts.* and sts-enforce or sts-testing in mxwitness.expectation.*
 * Of several the strictest is told, and of equally strict ones the one that does not name the host. A policy that was
 * fetched after the session began says nothing. One that ended before promises nothing, and is told of (sts.expired) where no
 * other holds. mx_match is unseen where the host is not known.
 * Call it after promise_judge, which begins the expectations anew; unfetched policies leave the record as it is.
 * Returns the place of the policy that it told of in held, or -1. */
int sts_judge(const struct sts_held *const *held, const struct sts_hint *hint, size_t n, struct record *session);
#endif
