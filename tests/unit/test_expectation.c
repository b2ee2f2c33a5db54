/* expectation, promise: every row of RFC 7672 2.2 and of the identity rules, with scripted answers. A question that
 * the script does not know is answered incomplete, as by a capture that lacks the proof. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>
#include "judge/expectation.h"
#include "judge/promise.h"

/* What the session was like. */
enum scene {
	MAIL,          /* mail in clear, STARTTLS not offered */
	MAIL_C2S,      /* the same, only the client was seen */
	TLS12,         /* TLS 1.2, certificate GOOD shown, data followed */
	TLS12_EVIL,    /* the same with certificate EVIL */
	TLS13,         /* TLS, certificate not visible */
	TLS_ANON,      /* an anonymous suite */
	TLS_BROKE,     /* handshake failed, no certificate */
	TLS_BROKE_EVIL,/* handshake failed: the client refused certificate EVIL by an alert */
	TLS_BROKE_GOOD,/* the same with GOOD */
	TLS_CUT_EVIL,  /* handshake failed after certificate EVIL, of which the client said nothing */
	MAIL_THEN_TLS, /* a message in clear, then TLS with GOOD */
	BROKE_THEN_MAIL,/* TLS failed, then mail in clear in the same session */
	REFUSED,       /* 454 to STARTTLS, the client left */
	NO_OFFER_QUIT, /* STARTTLS not offered, the client left */
	OFFER_QUIT,    /* offered, the client left before its turn */
	BANNER_ONLY,   /* nothing after the greeting */
	CLEAR_220,     /* clear text after 220 */
	SILENT_220,    /* the connection ended after 220 */
	MIRROR_220     /* clear text after 220, in the decrypted copy of an inspecting device */
};

/* One RRset. rr: items separated by ';'. MX "10 host" ("0 ." is null), A AAAA address, CNAME name, TLSA "311 good",
 * digits usage selector type, then good, evil, anchor or bad (unusable length), SEEN name. */
struct script {
	uint16_t type;
	const char *name;
	enum dnsstatus status;
	const char *rr, *canon;
	bool nxdomain;
};

#define SEC dnsstatus_secure
#define ABS dnsstatus_absent
#define INS dnsstatus_insecure
#define BOG dnsstatus_bogus
#define FAI dnsstatus_failed
#define INC dnsstatus_incomplete
#define SRV "192.0.2.25" /* the server of every session */
#define D "example.org"
#define MX1 "mx1.example.net"
#define MX2 "mx2.example.net"
#define T1 "_25._tcp." MX1
#define T2 "_25._tcp." MX2
#define X "real.example.com"
#define TX "_25._tcp." X
#define MXREC(st, list) { DNS_MX, D, st, list, NULL, false }
#define A1(st, list) { DNS_A, MX1, st, list, NULL, false }
#define A2(st, list) { DNS_A, MX2, st, list, NULL, false }
#define TLSA1(st, list) { DNS_TLSA, T1, st, list, NULL, false }
#define TLSA2(st, list) { DNS_TLSA, T2, st, list, NULL, false }
#define AAAA1(st, list) { DNS_AAAA, MX1, st, list, NULL, false }

#define VD(x) daneverdict_##x
#define EX(x) expect_##x
#define CO(x) confidence_##x
#define LO(x) location_##x
#define VA(x) danevariant_##x

/* rcpt, sni: NULL none; rcpt items separated by ';'. host, base: NULL: the fact must be unseen. asked: the questions in
 * order, type:name, separated by blanks; NULL: not checked. */
static const struct {
	const char *why;
	const char *rcpt, *sni;
	enum scene scene;
	struct script script[9];
	enum daneverdict verdict;
	enum expect expect;
	enum confidence confidence;
	enum location location;
	const char *host, *base;
	enum danevariant variant;
	const char *asked;
} rows[] = {
	/* MX step */
	{ "secure MX, one host, usable TLSA, mail in clear", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), MX1, MX1, 0, "MX:" D " A:" MX1 " TLSA:" T1 },
	{ "the same seen from the client only", D, NULL, MAIL_C2S,
	  { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "near miss: no TLSA, proved", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(ABS, "") },
	  VD(no_tlsa), EX(none), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "secure NODATA: the domain itself is the host", D, NULL, MAIL,
	  { MXREC(ABS, ""), { DNS_A, D, SEC, SRV, NULL, 0 }, { DNS_TLSA, "_25._tcp." D, SEC, "301 good", NULL, 0 } },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), D, D, 0, "MX:" D " A:" D " TLSA:_25._tcp." D },
	{ "secure, empty answer: the same", D, NULL, MAIL,
	  { MXREC(SEC, ""), { DNS_A, D, SEC, SRV, NULL, 0 }, { DNS_TLSA, "_25._tcp." D, SEC, "301 good", NULL, 0 } },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), D, D, 0, NULL },
	{ "null MX: no host, no promise, the address is nobody's", D, NULL, MAIL,
	  { MXREC(SEC, "0 .") },
	  VD(identity_unknown), EX(none), CO(high), LO(outside), NULL, NULL, 0, "MX:" D },
	{ "domain does not exist", D, NULL, MAIL,
	  { { DNS_MX, D, ABS, "", NULL, true } },
	  VD(identity_unknown), EX(none), CO(high), LO(outside), NULL, NULL, 0, "MX:" D },
	{ "insecure MX, host secure and there: its own promise counts, medium", D, NULL, MAIL,
	  { MXREC(INS, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(medium), LO(inside), MX1, MX1, 0, NULL },
	{ "insecure MX, server elsewhere: nothing is promised", D, NULL, MAIL,
	  { MXREC(INS, "10 " MX1), A1(SEC, "198.51.100.1"), TLSA1(SEC, "301 good") },
	  VD(identity_unknown), EX(none), CO(low), LO(outside), NULL, MX1, 0, NULL },
	{ "insecure MX, insecure host", D, NULL, MAIL,
	  { MXREC(INS, "10 " MX1), A1(INS, SRV) },
	  VD(insecure), EX(none), CO(low), LO(unknown), MX1, NULL, 0, "MX:" D " A:" MX1 },
	{ "insecure NODATA: implicit MX, unsigned", D, NULL, MAIL,
	  { MXREC(INS, ""), { DNS_A, D, INS, SRV, NULL, 0 } },
	  VD(insecure), EX(none), CO(low), LO(unknown), D, NULL, 0, "MX:" D " A:" D },
	{ "insecure alias on the way to the MX: as an insecure MX", D, NULL, MAIL,
	  { { DNS_MX, D, INS, "10 " MX1, X, 0 }, A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(medium), LO(inside), MX1, MX1, 0, "MX:" D " A:" MX1 " TLSA:" T1 },
	{ "secure alias on the way to the MX: as a secure MX", D, NULL, MAIL,
	  { { DNS_MX, D, SEC, "10 " MX1, X, 0 }, A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), MX1, MX1, 0, "MX:" D " A:" MX1 " TLSA:" T1 },
	{ "implicit MX, the domain is an alias: the expanded name first, then the domain", D, NULL, MAIL,
	  { { DNS_MX, D, ABS, "", X, 0 }, { DNS_A, D, SEC, SRV, X, 0 }, { DNS_TLSA, TX, ABS, "", NULL, 0 },
	    { DNS_TLSA, "_25._tcp." D, SEC, "301 good", NULL, 0 } },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), D, D, 0, "MX:" D " A:" D " TLSA:" TX " TLSA:_25._tcp." D },
	{ "bogus MX: no host is asked for, whatever it says", D, NULL, MAIL,
	  { MXREC(BOG, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(bogus), EX(none), CO(low), LO(unknown), NULL, NULL, 0, "MX:" D },
	{ "bogus MX", D, NULL, MAIL, { MXREC(BOG, "") },
	  VD(bogus), EX(none), CO(low), LO(unknown), NULL, NULL, 0, "MX:" D },
	{ "MX lookup failed", D, NULL, MAIL, { MXREC(FAI, "") },
	  VD(lookup_failed), EX(none), CO(low), LO(unknown), NULL, NULL, 0, "MX:" D },
	{ "MX not in the capture: incomplete, never absent", D, NULL, MAIL, { { 0 } },
	  VD(incomplete), EX(none), CO(low), LO(unknown), NULL, NULL, 0, "MX:" D },
	{ "MX is an address literal: DANE does not apply, nothing more is asked", D, NULL, MAIL,
	  { MXREC(SEC, "10 192.0.2.25") },
	  VD(no_tlsa), EX(none), CO(medium), LO(unknown), "192.0.2.25", NULL, 0, "MX:" D },
	{ "MX is an address in brackets: the same", D, NULL, MAIL, { MXREC(SEC, "10 [192.0.2.25]") },
	  VD(no_tlsa), EX(none), CO(medium), LO(unknown), "[192.0.2.25]", NULL, 0, "MX:" D },
	{ "MX is an address of IPv6: the same", D, NULL, MAIL, { MXREC(SEC, "10 2001:db8::25") },
	  VD(no_tlsa), EX(none), CO(medium), LO(unknown), "2001:db8::25", NULL, 0, "MX:" D },
	{ "near miss: an address literal beside a host: the client may have meant the literal", D, NULL, MAIL,
	  { MXREC(SEC, "10 192.0.2.25;20 " MX2), A2(SEC, "198.51.100.9"), TLSA2(SEC, "301 good") },
	  VD(no_tlsa), EX(none), CO(medium), LO(unknown), NULL, NULL, 0, NULL },
	{ "hosts are taken by preference, whatever their order", D, NULL, MAIL,
	  { MXREC(SEC, "20 " MX2 ";10 " MX1), A1(SEC, SRV), A2(SEC, "198.51.100.9"), TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), MX1, MX1, 0, "MX:" D " A:" MX1 " A:" MX2 " TLSA:" T1 },
	{ "a worse MX without TLSA: talking to it in clear is legal", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, "198.51.100.1"), A2(SEC, SRV), TLSA1(SEC, "301 good"), TLSA2(ABS, "") },
	  VD(no_tlsa), EX(none), CO(high), LO(inside), MX2, MX2, 0, NULL },
	/* address step */
	{ "no address of either family: the host takes no mail", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), A1(ABS, ""), AAAA1(ABS, "") },
	  VD(identity_unknown), EX(none), CO(high), LO(outside), NULL, NULL, 0, "MX:" D " A:" MX1 " AAAA:" MX1 },
	{ "host does not exist: the other family is not asked", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), { DNS_A, MX1, ABS, "", NULL, true } },
	  VD(identity_unknown), EX(none), CO(high), LO(outside), NULL, NULL, 0, "MX:" D " A:" MX1 },
	{ "only the other family: secure, but the server is outside", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), A1(ABS, ""), AAAA1(SEC, "2001:db8::1"), TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(high), LO(outside), NULL, MX1, 0, "MX:" D " A:" MX1 " AAAA:" MX1 " TLSA:" T1 },
	{ "bogus address", D, NULL, MAIL, { MXREC(SEC, "10 " MX1), A1(BOG, "") },
	  VD(bogus), EX(none), CO(medium), LO(unknown), MX1, NULL, 0, "MX:" D " A:" MX1 },
	{ "bogus address of the other family: not needed for this connection, and not asked", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), A1(SEC, SRV), AAAA1(BOG, ""), TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), MX1, MX1, 0, "MX:" D " A:" MX1 " TLSA:" T1 },
	{ "bogus address of the other family, when this one has none", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), A1(ABS, ""), AAAA1(BOG, "") },
	  VD(bogus), EX(none), CO(medium), LO(unknown), MX1, NULL, 0, "MX:" D " A:" MX1 " AAAA:" MX1 },
	{ "failed lookup of the other family, when this one has none", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), A1(ABS, ""), AAAA1(FAI, "") },
	  VD(lookup_failed), EX(none), CO(medium), LO(unknown), MX1, NULL, 0, NULL },
	{ "address lookup failed: TLSA is not asked", D, NULL, MAIL, { MXREC(SEC, "10 " MX1), A1(FAI, "") },
	  VD(lookup_failed), EX(none), CO(medium), LO(unknown), MX1, NULL, 0, "MX:" D " A:" MX1 },
	{ "address proof missing", D, NULL, MAIL, { MXREC(SEC, "10 " MX1) },
	  VD(incomplete), EX(none), CO(medium), LO(unknown), MX1, NULL, 0, "MX:" D " A:" MX1 },
	{ "insecure address, no alias: TLSA must not even be asked", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), A1(INS, SRV), TLSA1(SEC, "301 good") },
	  VD(insecure), EX(none), CO(medium), LO(unknown), MX1, NULL, 0, "MX:" D " A:" MX1 },
	{ "alias, all secure: the expanded name first", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), { DNS_A, MX1, SEC, SRV, X, 0 }, { DNS_TLSA, TX, SEC, "301 good", NULL, 0 },
	    TLSA1(SEC, "301 evil") },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), MX1, X, 0, "MX:" D " A:" MX1 " TLSA:" TX },
	{ "alias, all secure, expanded name without TLSA: then the host's own", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), { DNS_A, MX1, SEC, SRV, X, 0 }, { DNS_TLSA, TX, ABS, "", NULL, 0 }, TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), MX1, MX1, 0, "MX:" D " A:" MX1 " TLSA:" TX " TLSA:" T1 },
	{ "alias, expanded name's TLSA insecure: then the host's own", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), { DNS_A, MX1, SEC, SRV, X, 0 }, { DNS_TLSA, TX, INS, "301 good", NULL, 0 }, TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "alias, neither has TLSA", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), { DNS_A, MX1, SEC, SRV, X, 0 }, { DNS_TLSA, TX, ABS, "", NULL, 0 }, TLSA1(ABS, "") },
	  VD(no_tlsa), EX(none), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "alias, expanded name's TLSA bogus: what is behind must not be used", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), { DNS_A, MX1, SEC, SRV, X, 0 }, { DNS_TLSA, TX, BOG, "", NULL, 0 }, TLSA1(ABS, "") },
	  VD(bogus), EX(none), CO(high), LO(inside), MX1, X, 0, "MX:" D " A:" MX1 " TLSA:" TX },
	{ "alias, expanded name's TLSA lookup failed: the same", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), { DNS_A, MX1, SEC, SRV, X, 0 }, { DNS_TLSA, TX, FAI, "", NULL, 0 }, TLSA1(SEC, "301 good") },
	  VD(lookup_failed), EX(none), CO(high), LO(inside), MX1, X, 0, "MX:" D " A:" MX1 " TLSA:" TX },
	{ "alias, expanded name's TLSA not in the capture: the same", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), { DNS_A, MX1, SEC, SRV, X, 0 }, TLSA1(SEC, "301 good") },
	  VD(incomplete), EX(none), CO(high), LO(inside), MX1, X, 0, "MX:" D " A:" MX1 " TLSA:" TX },
	{ "alias, expanded name's records all unusable: they count, not those of the second candidate", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), { DNS_A, MX1, SEC, SRV, X, 0 }, { DNS_TLSA, TX, SEC, "101 good", NULL, 0 }, TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane_tls_only), CO(high), LO(inside), MX1, X, 0, "MX:" D " A:" MX1 " TLSA:" TX },
	{ "alias, a match under the second candidate is none while the first has records", D, MX1, TLS12,
	  { MXREC(SEC, "10 " MX1), { DNS_A, MX1, SEC, SRV, X, 0 }, { DNS_TLSA, TX, SEC, "301 evil", NULL, 0 }, TLSA1(SEC, "301 good") },
	  VD(mismatch), EX(dane), CO(high), LO(inside), MX1, X, VA(wrong_sni), NULL },
	{ "signed alias into an unsigned zone: the host's own name only", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), { DNS_A, MX1, INS, SRV, X, 0 }, { DNS_CNAME, MX1, SEC, X, NULL, 0 }, TLSA1(SEC, "301 good"),
	    { DNS_TLSA, TX, SEC, "301 evil", NULL, 0 } },
	  VD(tls_absent), EX(dane), CO(medium), LO(unknown), MX1, MX1, 0, "MX:" D " A:" MX1 " CNAME:" MX1 " TLSA:" T1 },
	{ "unsigned alias: no DANE", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), { DNS_A, MX1, INS, SRV, X, 0 }, { DNS_CNAME, MX1, INS, X, NULL, 0 }, TLSA1(SEC, "301 good") },
	  VD(insecure), EX(none), CO(medium), LO(unknown), MX1, NULL, 0, "MX:" D " A:" MX1 " CNAME:" MX1 },
	{ "bogus alias", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), { DNS_A, MX1, INS, SRV, X, 0 }, { DNS_CNAME, MX1, BOG, "", NULL, 0 } },
	  VD(bogus), EX(none), CO(medium), LO(unknown), MX1, NULL, 0, NULL },
	{ "alias proof missing", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), { DNS_A, MX1, INS, SRV, X, 0 } },
	  VD(incomplete), EX(none), CO(medium), LO(unknown), MX1, NULL, 0, NULL },
	/* TLSA step */
	{ "none usable: TLS is required all the same", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "101 good") },
	  VD(tls_absent), EX(dane_tls_only), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "none usable, TLS: nothing to compare", NULL, MX1, TLS12_EVIL,
	  { A1(SEC, SRV), TLSA1(SEC, "101 good;301 bad") },
	  VD(tls_only_ok), EX(dane_tls_only), CO(high), LO(inside), MX1, MX1, 0, "A:" MX1 " TLSA:" T1 },
	{ "near miss: one usable among unusable", NULL, MX1, TLS12_EVIL,
	  { A1(SEC, SRV), TLSA1(SEC, "101 good;301 good") },
	  VD(mismatch), EX(dane), CO(high), LO(inside), MX1, MX1, VA(ee_no_match), NULL },
	{ "an alias of the TLSA name does not change the base domain", NULL, MX1, TLS12,
	  { A1(SEC, SRV), { DNS_TLSA, T1, SEC, "301 good", "tlsa.example.com", 0 } },
	  VD(match), EX(dane), CO(high), LO(inside), MX1, MX1, 0, "A:" MX1 " TLSA:" T1 },
	{ "an insecure alias of the TLSA name", NULL, MX1, TLS12,
	  { A1(SEC, SRV), { DNS_TLSA, T1, INS, "301 good", "tlsa.example.com", 0 } },
	  VD(insecure), EX(none), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "insecure TLSA", D, NULL, MAIL, { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(INS, "301 good") },
	  VD(insecure), EX(none), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "insecure denial (opt-out)", D, NULL, MAIL, { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(INS, "") },
	  VD(insecure), EX(none), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "bogus TLSA", D, NULL, MAIL, { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(BOG, "") },
	  VD(bogus), EX(none), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "TLSA lookup failed", D, NULL, MAIL, { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(FAI, "") },
	  VD(lookup_failed), EX(none), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "TLSA proof missing", D, NULL, MAIL, { MXREC(SEC, "10 " MX1), A1(SEC, SRV) },
	  VD(incomplete), EX(none), CO(high), LO(inside), MX1, MX1, 0, NULL },
	/* session against promise */
	{ "certificate matches", NULL, MX1, TLS12, { A1(SEC, SRV), TLSA1(SEC, "301 evil;301 good") },
	  VD(match), EX(dane), CO(high), LO(inside), MX1, MX1, 0, "A:" MX1 " TLSA:" T1 },
	{ "certificate does not", NULL, MX1, TLS12_EVIL, { A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(mismatch), EX(dane), CO(high), LO(inside), MX1, MX1, VA(ee_no_match), NULL },
	{ "certificate not seen: never ok", NULL, MX1, TLS13, { A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(not_visible), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "no certificate exists", NULL, MX1, TLS_ANON, { A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(mismatch), EX(dane), CO(high), LO(inside), MX1, MX1, VA(anonymous), NULL },
	{ "anonymous is enough where nothing is usable", NULL, MX1, TLS_ANON, { A1(SEC, SRV), TLSA1(SEC, "001 good") },
	  VD(tls_only_ok), EX(dane_tls_only), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "handshake failed", NULL, MX1, TLS_BROKE, { A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(tls_failed), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "client refused a wrong certificate", NULL, MX1, TLS_BROKE_EVIL, { A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(mismatch), EX(dane), CO(high), LO(inside), MX1, MX1, VA(ee_no_match), NULL },
	{ "near miss: ended behind a wrong certificate, and the client did not say why", NULL, MX1, TLS_CUT_EVIL,
	  { A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(tls_failed), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "handshake failed in spite of the right one: no match is claimed", NULL, MX1, TLS_BROKE_GOOD,
	  { A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(tls_failed), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "TLS failed, then mail in clear", D, MX1, BROKE_THEN_MAIL,
	  { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(tls_failed), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "a message in clear, then the right certificate: too late for that message", NULL, MX1, MAIL_THEN_TLS,
	  { A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "STARTTLS refused, client left: known only by RCPT, and there was none", NULL, NULL, REFUSED, { { 0 } },
	  VD(identity_unknown), EX(none), CO(none), LO(unknown), NULL, NULL, 0, "SEEN:" SRV },
	{ "certificate matches, DNS insecure: no match", NULL, MX1, TLS12, { A1(INS, SRV), TLSA1(SEC, "301 good") },
	  VD(insecure), EX(none), CO(low), LO(unknown), MX1, NULL, 0, "A:" MX1 },
	{ "certificate matches, TLSA bogus: no match", NULL, MX1, TLS12, { A1(SEC, SRV), TLSA1(BOG, "301 good") },
	  VD(bogus), EX(none), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "certificate matches, TLSA insecure: no match", NULL, MX1, TLS12, { A1(SEC, SRV), TLSA1(INS, "301 good") },
	  VD(insecure), EX(none), CO(high), LO(inside), MX1, MX1, 0, NULL },
	/* identity */
	{ "nothing to go by", NULL, NULL, TLS12, { { 0 } },
	  VD(identity_unknown), EX(none), CO(none), LO(unknown), NULL, NULL, 0, "SEEN:" SRV },
	{ "SNI, server elsewhere: intent stays (R11: the right certificate authenticates)", NULL, MX1, TLS12,
	  { A1(SEC, "198.51.100.1"), TLSA1(SEC, "301 good") },
	  VD(match), EX(dane), CO(high), LO(outside), MX1, MX1, 0, NULL },
	{ "SNI, server elsewhere, wrong certificate: the expectation is not lost", NULL, MX1, TLS12_EVIL,
	  { A1(SEC, "198.51.100.1"), TLSA1(SEC, "301 good") },
	  VD(mismatch), EX(dane), CO(high), LO(outside), MX1, MX1, VA(ee_no_match), NULL },
	{ "SNI is an address", NULL, "192.0.2.25", TLS12, { { 0 } },
	  VD(identity_unknown), EX(none), CO(none), LO(unknown), NULL, NULL, 0, "" },
	{ "SNI below a private suffix is never asked", NULL, "mail.corp.internal", TLS12, { { 0 } },
	  VD(identity_unknown), EX(none), CO(none), LO(unknown), NULL, NULL, 0, "" },
	{ "SNI in capitals with a dot", NULL, "MX1.Example.NET.", TLS12, { A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(match), EX(dane), CO(high), LO(inside), MX1, MX1, 0, "A:" MX1 " TLSA:" T1 },
	{ "SNI that does not exist", NULL, MX1, TLS12, { { DNS_A, MX1, ABS, "", NULL, true } },
	  VD(identity_unknown), EX(none), CO(low), LO(unknown), MX1, NULL, 0, NULL },
	{ "domain floor R10: every host has TLSA, unknown server, mail in clear", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, "198.51.100.1"), A2(SEC, "198.51.100.2"), TLSA1(SEC, "301 good"),
	    TLSA2(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(high), LO(outside), NULL, MX1, 0,
	  "MX:" D " A:" MX1 " A:" MX2 " TLSA:" T1 " TLSA:" T2 },
	{ "near miss: one host has none, so nothing is promised for an unknown address", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, "198.51.100.1"), A2(SEC, "198.51.100.2"), TLSA1(SEC, "301 good"),
	    TLSA2(ABS, "") },
	  VD(no_tlsa), EX(none), CO(high), LO(outside), NULL, MX2, 0, NULL },
	{ "floor is the weakest: one host with unusable records only", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, "198.51.100.1"), A2(SEC, "198.51.100.2"), TLSA1(SEC, "301 good"),
	    TLSA2(SEC, "101 good") },
	  VD(tls_absent), EX(dane_tls_only), CO(high), LO(outside), NULL, MX2, 0, NULL },
	{ "a dead MX host does not weaken the floor", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, "198.51.100.1"), { DNS_A, MX2, ABS, "", NULL, true }, TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(high), LO(outside), NULL, MX1, 0, NULL },
	{ "floor with a missing proof: incomplete", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, "198.51.100.1"), A2(SEC, "198.51.100.2"), TLSA1(SEC, "301 good") },
	  VD(incomplete), EX(none), CO(high), LO(outside), NULL, MX2, 0, NULL },
	{ "another host's address bogus while the server is a known one: no concern of this session", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, SRV), A2(BOG, ""), TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "but when the server is none of the known, it may be that host", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, "198.51.100.1"), A2(BOG, ""), TLSA1(SEC, "301 good") },
	  VD(bogus), EX(none), CO(medium), LO(unknown), NULL, NULL, 0, NULL },
	{ "two hosts at one address, one without TLSA: the client may have meant that one", D, NULL, MAIL,
	  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, SRV), A2(SEC, SRV), TLSA1(SEC, "301 good"), TLSA2(ABS, "") },
	  VD(no_tlsa), EX(none), CO(high), LO(inside), MX2, MX2, 0, NULL },
	{ "two hosts at one address, but the SNI says which", D, MX1, BROKE_THEN_MAIL,
	  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, SRV), A2(SEC, SRV), TLSA1(SEC, "301 good"), TLSA2(ABS, "") },
	  VD(tls_failed), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "a match with another host's record does not authenticate", NULL, MX1, TLS12,
	  { A1(SEC, SRV), TLSA1(SEC, "301 evil"), TLSA2(SEC, "301 good") },
	  VD(mismatch), EX(dane), CO(high), LO(inside), MX1, MX1, VA(ee_no_match), NULL },
	{ "two recipients, one promises, one does not: the promise is broken", D ";example.com", NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), { DNS_MX, "example.com", SEC, "10 " MX2, NULL, 0 }, A1(SEC, SRV), A2(SEC, SRV),
	    TLSA1(SEC, "301 good"), TLSA2(ABS, "") },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "two recipients, one proved to promise nothing, one without proof", D ";example.com", NULL, MAIL,
	  { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(ABS, "") },
	  VD(incomplete), EX(none), CO(low), LO(unknown), NULL, NULL, 0, NULL },
	{ "recipient at an address literal: nobody to ask", "[192.0.2.25]", NULL, MAIL, { { 0 } },
	  VD(identity_unknown), EX(none), CO(none), LO(unknown), NULL, NULL, 0, "" },
	/* coverage */
	{ "offered, the client left before its turn: TLS was not absent", D, MX1, OFFER_QUIT, { A1(SEC, SRV), TLSA1(SEC, "301 good"), MXREC(SEC, "10 " MX1) },
	  VD(not_visible), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "clear text after 220", D, NULL, CLEAR_220, { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(tls_failed), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "near miss: clear text after 220, but it is a decrypted copy", D, NULL, MIRROR_220,
	  { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(not_visible), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "ended after 220", D, NULL, SILENT_220, { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(tls_failed), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "not offered, the client left", D, NULL, NO_OFFER_QUIT, { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "refused, the client left", D, NULL, REFUSED, { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(tls_absent), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
	{ "only a greeting", D, NULL, BANNER_ONLY, { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
	  VD(not_visible), EX(dane), CO(high), LO(inside), MX1, MX1, 0, NULL },
};

enum { CHAIN_ROOM = 4096 };
/* good and evil are self-signed and have no names; anchored is signed by anchor and has the name of the domain alone. */
static struct bytes good_leaf, evil_leaf, anchor, anchored;

static struct bytes cert_make(const char *cn, const char *san, EVP_PKEY *key, EVP_PKEY *issuer_key, const char *issuer)
{
	X509 *x = X509_new();
	unsigned char *der = NULL;
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_ASC, (const unsigned char *)issuer, -1, -1, 0);
	ASN1_TIME_set(X509_getm_notBefore(x), 1780000000);
	ASN1_TIME_set(X509_getm_notAfter(x), 1800000000);
	X509_set_pubkey(x, key);
	X509_EXTENSION *ext = san ? X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san) :
				    X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	assert_true(X509_sign(x, issuer_key, EVP_sha256()) > 0);
	int n = i2d_X509(x, &der);
	X509_free(x);
	return (struct bytes){ der, (size_t)n };
}

static size_t chain_put(uint8_t *out, size_t at, struct bytes der)
{
	out[at] = 0;
	out[at + 1] = (uint8_t)(der.n >> 8);
	out[at + 2] = (uint8_t)der.n;
	memcpy(out + at + 3, der.p, der.n);
	return at + 3 + der.n;
}

static void put_rr(struct answer *a, const uint8_t *p, size_t n)
{
	a->rr[a->rrs].off = a->used;
	a->rr[a->rrs++].n = (uint32_t)n;
	memcpy(a->data + a->used, p, n);
	a->used += (uint32_t)n;
}

static void put_item(struct answer *a, const char *item)
{
	uint8_t rr[300] = { 0 };
	if (a->type == DNS_A || a->type == DNS_AAAA) {
		assert_int_equal(inet_pton(a->type == DNS_A ? AF_INET : AF_INET6, item, rr), 1);
		put_rr(a, rr, a->type == DNS_A ? 4 : 16);
	} else if (a->type == DNS_MX) {
		const char *host = strchr(item, ' ') + 1;
		rr[1] = (uint8_t)atoi(item);
		size_t n = strcmp(host, ".") ? strlen(host) : 0;
		memcpy(rr + 2, host, n);
		put_rr(a, rr, 2 + n);
	} else if (a->type == DNS_TLSA || a->type == DNS_TLSA_BEFORE || a->type == DNS_TLSA_AFTER) {
		const char *which = item + 4;
		struct bytes leaf = strcmp(which, "evil") == 0 ? evil_leaf : strcmp(which, "anchor") == 0 ? anchor : good_leaf;
		for (int i = 0; i < 3; i++)
			rr[i] = (uint8_t)(item[i] - '0');
		EVP_Digest(leaf.p, leaf.n, rr + 3, NULL, EVP_sha256(), NULL);
		put_rr(a, rr, strcmp(which, "bad") ? 35 : 34);
	} else {
		put_rr(a, (const uint8_t *)item, strlen(item));
	}
}

static void answer_from(const struct question *q, const struct script *s, struct answer *a)
{
	memset(a, 0, sizeof(*a));
	a->id = q->id;
	a->as_of = q->as_of;
	a->type = q->type;
	memcpy(a->name, q->name, sizeof(a->name));
	a->status = s ? (uint8_t)s->status : (uint8_t)dnsstatus_incomplete;
	a->source = dnssource_capture;
	a->ttl = 3600;
	if (!s) {
		strcpy(a->why, "not in the capture");
		return;
	}
	a->nxdomain = s->nxdomain;
	if (s->canon)
		strcpy(a->canonname, s->canon);
	char list[512], *save = NULL;
	strcpy(list, s->rr ? s->rr : "");
	for (char *item = strtok_r(list, ";", &save); item; item = strtok_r(NULL, ";", &save))
		put_item(a, item);
}

static const struct script *script_find(const struct script *s, const struct question *q)
{
	for (int i = 0; i < 9 && s[i].name; i++)
		if (s[i].type == q->type && strcmp(s[i].name, q->name) == 0)
			return &s[i];
	return NULL;
}

static void session_of(enum scene scene, const char *rcpt, const char *sni, struct record *r)
{
	record_init(r);
	struct addr server = { 4, { 192, 0, 2, 25 } };
	record_addr(r, F_dst_ip, &server);
	record_num(r, F_dst_port, 25);
	record_num(r, F_service, service_mx);
	record_num(r, F_event_start, 1790000000LL * 1000000000);
	record_num(r, F_cap_end, endhow_fin);
	bool tls = scene >= TLS12 && scene <= BROKE_THEN_MAIL;
	if (rcpt) {
		char list[256], *save = NULL;
		strcpy(list, rcpt);
		for (char *d = strtok_r(list, ";", &save); d; d = strtok_r(NULL, ";", &save))
			record_add_cstr(r, F_smtp_rcpt_domains, d);
	}
	if (tls && sni)
		record_cstr(r, F_tls_sni, sni);
	if (sni && !tls)
		record_cstr(r, F_tls_sni, sni);
	if (scene == MAIL || scene == MAIL_C2S || scene == MAIL_THEN_TLS || scene == BROKE_THEN_MAIL) {
		record_num(r, F_smtp_transactions, 1);
		record_num(r, F_smtp_content, 400);
	}
	if (scene == MAIL_C2S)
		record_yes(r, F_cap_one_direction);
	if (scene == MAIL || scene == NO_OFFER_QUIT) {
		record_tri(r, F_smtp_offered, TRI_NO);
		record_yes(r, F_smtp_ehlo_complete);
	}
	if (scene == OFFER_QUIT)
		record_yes(r, F_smtp_offered);
	if (scene == REFUSED)
		record_num(r, F_smtp_stls_code, 454);
	if (scene == CLEAR_220 || scene == SILENT_220 || scene == MIRROR_220 || tls)
		record_num(r, F_smtp_stls_code, 220);
	if (scene == CLEAR_220 || scene == MIRROR_220)
		record_yes(r, F_smtp_after_220);
	if (scene == MIRROR_220) {
		record_yes(r, F_mirror);
		record_num(r, F_smtp_transactions, 1);
		record_num(r, F_smtp_content, 400);
	}
	if (!tls)
		return;
	record_yes(r, F_tls_seen);
	record_yes(r, F_tls_hello_c);
	bool failed = scene >= TLS_BROKE && scene != MAIL_THEN_TLS;
	record_tri(r, F_tls_established, failed ? TRI_NO : TRI_YES);
	record_tri(r, F_tls_failed, failed ? TRI_YES : TRI_NO);
	bool hidden = scene == TLS13 || scene == TLS_ANON || scene == TLS_BROKE || scene == BROKE_THEN_MAIL;
	record_num(r, F_tls_cert_vis, hidden ? visibility_hidden : visibility_visible);
	if (scene == TLS_ANON)
		record_yes(r, F_tls_anonymous);
	if (scene == TLS_BROKE_EVIL || scene == TLS_BROKE_GOOD)
		record_num(r, F_tls_alert_side, side_client);
}

static struct bytes scene_chain(enum scene scene, uint8_t out[CHAIN_ROOM])
{
	if (scene == TLS12 || scene == TLS_BROKE_GOOD || scene == MAIL_THEN_TLS)
		return (struct bytes){ out, chain_put(out, 0, good_leaf) };
	if (scene == TLS12_EVIL || scene == TLS_BROKE_EVIL || scene == TLS_CUT_EVIL)
		return (struct bytes){ out, chain_put(out, 0, evil_leaf) };
	return (struct bytes){ out, 0 };
}

static struct dane *dane;
static struct expectation e;
static struct answer answer;
static struct record session;

static void log_question(char *log, const struct question *q)
{
	const char *type = q->type == DNS_SEEN ? "SEEN" : q->type == DNS_A ? "A" : q->type == DNS_AAAA ? "AAAA" : q->type == DNS_MX ? "MX" :
			   q->type == DNS_CNAME ? "CNAME" : "TLSA";
	if (log[0])
		strcat(log, " ");
	strcat(log, type);
	strcat(log, ":");
	strcat(log, q->name);
}

static void walk_known(const struct script *script, const struct known *known, char *log, size_t size)
{
	struct question q, same;
	size_t asked = 0;
	log[0] = '\0';
	expectation_start(&e, &session, known);
	while (expectation_next(&e, &q)) {
		assert_true(++asked <= EXPECT_QUESTIONS);
		assert_true(question_check(&q, sizeof(q)));
		assert_true(expectation_next(&e, &same));
		assert_memory_equal(&q, &same, sizeof(q));
		assert_int_equal(q.as_of, 1790000000LL * 1000000000);
		if (strlen(log) + 300 < size)
			log_question(log, &q);
		answer_from(&q, script_find(script, &q), &answer);
		assert_true(answer_check(&answer, answer_size(&answer)));
		expectation_answer(&e, &answer);
	}
}

static void walk(const struct script *script, char *log, size_t size)
{
	walk_known(script, NULL, log, size);
}

static bool text_is(enum fact f, const char *want)
{
	if (!want)
		return !record_has(&session, f);
	return bytes_eq(record_get_str(&session, f), bytes_of(want));
}

static void every_row(void **state)
{
	char log[8192];
	uint8_t chain[CHAIN_ROOM];
	int failed = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		session_of(rows[i].scene, rows[i].rcpt, rows[i].sni, &session);
		walk(rows[i].script, log, sizeof(log));
		expectation_finish(&e, dane, &session, scene_chain(rows[i].scene, chain));
		int64_t verdict = record_get_num(&session, F_dane_verdict, -1), expect = record_get_num(&session, F_expect, -1),
			confidence = record_get_num(&session, F_id_confidence, -1),
			location = record_get_num(&session, F_id_location, -1),
			variant = record_get_num(&session, F_dane_variant, 0);
		bool asked = !rows[i].asked || strcmp(log, rows[i].asked) == 0;
		struct bytes why = record_get_str(&session, F_dane_why);
		if (verdict == (int64_t)rows[i].verdict && expect == (int64_t)rows[i].expect &&
		    confidence == (int64_t)rows[i].confidence && location == (int64_t)rows[i].location &&
		    variant == (int64_t)rows[i].variant && text_is(F_id_host, rows[i].host) && text_is(F_dane_base, rows[i].base) &&
		    text_is(F_dst_domain, rows[i].host) && asked && record_check(&session, record_size(&session)) &&
		    (verdict != daneverdict_incomplete || why.n > 0))
			continue;
		struct bytes h = record_get_str(&session, F_id_host), b = record_get_str(&session, F_dane_base);
		print_message("row %zu (%s): verdict %s expect %d confidence %d location %d variant %d host %.*s base %.*s\n  why %.*s\n  asked %s\n",
			      i, rows[i].why, fact_table[F_dane_verdict].words[verdict], (int)expect, (int)confidence, (int)location,
			      (int)variant, (int)h.n, h.p, (int)b.n, b.p, (int)why.n, why.p, log);
		failed++;
	}
	print_message("%zu rows\n", sizeof(rows) / sizeof(rows[0]));
	assert_int_equal(failed, 0);
}


/* The rules of identity, each by its name: what the client said (rcpt, sni), what others knew (known), and what comes of it.
 * domains, watched, judged: the list with blanks between, NULL: it must be unseen. source: one that must be among them, NULL:
 * any. conflict: enum tri; floor: enum idfloor, -1: not looked at. */
#define KC KNOWN_CONFIGURED
#define KW KNOWN_WATCHED
#define KR KNOWN_REMEMBERED
#define E "example.com"
struct identity_row {
	const char *why, *rcpt, *sni;
	enum scene scene;
	struct { enum known_by by; const char *host, *domain; } known[2];
	unsigned routed;
	struct script script[7];
	enum daneverdict verdict;
	enum expect expect;
	enum confidence confidence;
	const char *host, *domains, *watched, *judged, *source;
	enum tri conflict;
	int floor;
};

static bool list_is(enum fact f, const char *want)
{
	char all[2048] = "";
	struct bytes item;
	for (size_t pos = 0; record_next(&session, f, &pos, &item);) {
		if (all[0])
			strcat(all, " ");
		strncat(all, (const char *)item.p, item.n);
	}
	return strcmp(all, want ? want : "") == 0;
}

static bool row_holds(const struct identity_row *t, char *log, size_t size)
{
	struct known known = { .routed = (uint8_t)t->routed };
	uint8_t chain[CHAIN_ROOM];
	for (size_t i = 0; i < 2 && t->known[i].host; i++)
		known_add(&known, t->known[i].by, t->known[i].host, t->known[i].domain);
	session_of(t->scene, t->rcpt, t->sni, &session);
	walk_known(t->script, &known, log, size);
	expectation_finish(&e, dane, &session, scene_chain(t->scene, chain));
	return record_get_num(&session, F_dane_verdict, -1) == (int64_t)t->verdict &&
	       record_get_num(&session, F_expect, -1) == (int64_t)t->expect &&
	       record_get_num(&session, F_id_confidence, -1) == (int64_t)t->confidence && text_is(F_id_host, t->host) &&
	       list_is(F_id_domains, t->domains) && list_is(F_id_watched, t->watched) && list_is(F_id_broken, t->judged) &&
	       (!t->source || record_list_has(&session, F_id_sources, bytes_of(t->source))) &&
	       record_get_tri(&session, F_id_conflict) == t->conflict &&
	       (t->floor < 0 || record_get_num(&session, F_id_floor, -1) == t->floor) &&
	       record_check(&session, record_size(&session));
}

static void identity_rows(const struct identity_row *t, size_t n)
{
	char log[8192];
	int failed = 0;
	for (size_t i = 0; i < n; i++) {
		if (row_holds(&t[i], log, sizeof(log)))
			continue;
		struct bytes why = record_get_str(&session, F_dane_why), host = record_get_str(&session, F_id_host);
		print_message("%s: verdict %s expect %d confidence %d conflict %d floor %d host %.*s\n  why %.*s\n  asked %s\n", t[i].why,
			      fact_table[F_dane_verdict].words[record_get_num(&session, F_dane_verdict, 0)],
			      (int)record_get_num(&session, F_expect, -1), (int)record_get_num(&session, F_id_confidence, -1),
			      (int)record_get_tri(&session, F_id_conflict), (int)record_get_num(&session, F_id_floor, -1), (int)host.n,
			      host.p, (int)why.n, why.p, log);
		failed++;
	}
	assert_int_equal(failed, 0);
}
#define ROWS(t) identity_rows(t, sizeof(t) / sizeof(t[0]))

/* Names that the server wrote are asked for by nobody, and its own signed zone does not acquit it. */
static void r1(void **state)
{
	static const struct script zone[] = { A1(SEC, SRV), TLSA1(SEC, "301 good"), { 0 } };
	char log[8192];
	uint8_t chain[CHAIN_ROOM];
	(void)state;
	session_of(TLS12, NULL, NULL, &session);
	record_cstr(&session, F_smtp_banner, MX1 " ESMTP");
	record_add_cstr(&session, F_x509_names, MX1);
	walk(zone, log, sizeof(log));
	expectation_finish(&e, dane, &session, scene_chain(TLS12, chain));
	assert_string_equal(log, "SEEN:" SRV);
	assert_int_equal(record_get_num(&session, F_dane_verdict, -1), daneverdict_identity_unknown);
	assert_int_equal(record_get_num(&session, F_id_confidence, -1), confidence_none);
	assert_int_equal(record_get_num(&session, F_expect, -1), expect_none);
}

/* What others knew, confirmed by the host's own addresses, may ask for TLS and never acquits. */
static void r2(void **state)
{
	static const struct identity_row t[] = {
		{ "the certificate matches a host that is only remembered", NULL, NULL, TLS12, { { KR, MX1, NULL } }, 0,
		  { A1(SEC, SRV), TLSA1(SEC, "301 good") }, VD(identity_unknown), EX(dane), CO(medium), MX1, NULL, NULL, NULL, "history", 0, -1 },
		{ "the same, watched", NULL, NULL, TLS12, { { KW, MX1, D } }, 0,
		  { A1(SEC, SRV), TLSA1(SEC, "301 good") }, VD(identity_unknown), EX(dane), CO(medium), MX1, NULL, D, NULL, "watch-list", 0, -1 },
		{ "near miss: the configuration is no hint", NULL, MX1, TLS12, { { KC, MX1, NULL } }, 0,
		  { A1(SEC, SRV), TLSA1(SEC, "301 good") }, VD(match), EX(dane), CO(high), MX1, NULL, NULL, NULL, "configured", TRI_NO, -1 },
	};
	(void)state;
	ROWS(t);
}

/* A client that says nothing is known by answers on the link and by history, or not at all. */
static void r3(void **state)
{
	static const struct identity_row t[] = {
		{ "nobody knows", NULL, NULL, TLS_BROKE, { { 0 } }, 0, { { 0 } },
		  VD(identity_unknown), EX(none), CO(none), NULL, NULL, NULL, NULL, NULL, 0, -1 },
		{ "the history knows the host, and its own records promise", NULL, NULL, TLS_BROKE, { { KR, MX1, NULL } }, 0,
		  { A1(SEC, SRV), TLSA1(SEC, "301 good") }, VD(tls_failed), EX(dane), CO(medium), MX1, NULL, NULL, NULL, "history", 0, -1 },
		{ "the remembered host has moved away", NULL, NULL, TLS_BROKE, { { KR, MX1, NULL } }, 0,
		  { A1(SEC, "198.51.100.1"), TLSA1(SEC, "301 good") }, VD(identity_unknown), EX(none), CO(low), NULL, NULL, NULL, NULL, NULL, 0, -1 },
		{ "the link and the history say the same", NULL, NULL, TLS_BROKE, { { KR, MX1, NULL } }, 0,
		  { { DNS_SEEN, SRV, INS, MX1, NULL, 0 }, A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(tls_failed), EX(dane), CO(medium), MX1, NULL, NULL, NULL, "dns-answer", 0, -1 },
		{ "who said a name is not asked for by what is remembered", NULL, MX2, TLS_BROKE, { { KR, MX1, NULL } }, 0,
		  { A1(SEC, SRV), TLSA1(SEC, "301 good"), A2(SEC, SRV), TLSA2(ABS, "") },
		  VD(no_tlsa), EX(none), CO(high), MX2, NULL, NULL, NULL, "sni", 0, -1 },
	};
	(void)state;
	ROWS(t);
}

/* The recipient is inside TLS: the domain comes from the configuration; a watched host has many, and none is claimed. */
static void r4(void **state)
{
	static const struct identity_row t[] = {
		{ "SNI alone names no domain", NULL, MX1, TLS12, { { 0 } }, 0, { A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(match), EX(dane), CO(high), MX1, NULL, NULL, NULL, "dnssec-host", 0, -1 },
		{ "a route has its own", NULL, MX1, TLS12, { { KC, MX1, D } }, 0, { A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(match), EX(dane), CO(high), MX1, D, NULL, NULL, "configured", TRI_NO, -1 },
		{ "a watched host has several", NULL, MX1, TLS12, { { KW, MX1, D }, { KW, MX1, E } }, 0, { A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(match), EX(dane), CO(high), MX1, NULL, D " " E, NULL, "watch-list", 0, -1 },
		{ "the recipient's MX is not asked for where a route leads it elsewhere", D, NULL, MAIL, { { KC, MX1, E } }, 1,
		  { MXREC(SEC, "10 " MX2), A2(SEC, SRV), TLSA2(ABS, ""), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(tls_absent), EX(dane), CO(high), MX1, E, NULL, NULL, "configured", 0, -1 },
		{ "a route to an address: nobody to ask", D, NULL, MAIL, { { KC, "192.0.2.25", NULL } }, 1, { { 0 } },
		  VD(no_tlsa), EX(none), CO(high), "192.0.2.25", NULL, NULL, NULL, "configured", 0, -1 },
	};
	(void)state;
	ROWS(t);
}

/* Two words of the client that disagree: both are judged. */
static void r5(void **state)
{
	static const struct identity_row t[] = {
		{ "the SNI is no MX of the recipient, whose host promises", D, MX2, BROKE_THEN_MAIL, { { 0 } }, 0,
		  { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good"), A2(SEC, SRV), TLSA2(ABS, "") },
		  VD(tls_failed), EX(dane), CO(high), MX1, D, NULL, NULL, "rcpt", TRI_YES, -1 },
		{ "the SNI promises, the recipient's host does not", D, MX2, BROKE_THEN_MAIL, { { 0 } }, 0,
		  { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(ABS, ""), A2(SEC, SRV), TLSA2(SEC, "301 good") },
		  VD(tls_failed), EX(dane), CO(high), MX2, D, NULL, NULL, "sni", TRI_YES, -1 },
		{ "they agree", D, MX1, BROKE_THEN_MAIL, { { 0 } }, 0, { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(tls_failed), EX(dane), CO(high), MX1, D, NULL, NULL, NULL, TRI_NO, -1 },
		{ "an unsigned MX proves no conflict", D, MX2, BROKE_THEN_MAIL, { { 0 } }, 0,
		  { MXREC(INS, "10 " MX1), A1(INS, SRV), A2(SEC, SRV), TLSA2(ABS, "") },
		  VD(no_tlsa), EX(none), CO(high), MX2, D, NULL, NULL, NULL, TRI_UNSEEN, -1 },
		{ "the configuration says another host than the client", NULL, MX2, TLS13, { { KC, MX1, NULL } }, 0,
		  { A1(SEC, SRV), TLSA1(SEC, "301 good"), A2(SEC, SRV), TLSA2(ABS, "") },
		  VD(not_visible), EX(dane), CO(high), MX1, NULL, NULL, NULL, "configured", TRI_YES, -1 },
	};
	(void)state;
	ROWS(t);
}

/* Several recipients: each is judged, and the list says whose the verdict is. */
static void r6(void **state)
{
	static const struct identity_row t[] = {
		{ "one of two promises", D ";" E, NULL, MAIL, { { 0 } }, 0,
		  { MXREC(SEC, "10 " MX1), { DNS_MX, E, SEC, "10 " MX2, NULL, 0 }, A1(SEC, SRV), TLSA1(SEC, "301 good"), A2(SEC, SRV), TLSA2(ABS, "") },
		  VD(tls_absent), EX(dane), CO(high), MX1, D " " E, NULL, D, "rcpt", 0, -1 },
		{ "both promise", D ";" E, NULL, MAIL, { { 0 } }, 0,
		  { MXREC(SEC, "10 " MX1), { DNS_MX, E, SEC, "10 " MX1, NULL, 0 }, A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(tls_absent), EX(dane), CO(high), MX1, D " " E, NULL, D " " E, "rcpt", 0, -1 },
		{ "near miss: one recipient needs no list", D, NULL, MAIL, { { 0 } }, 0,
		  { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(tls_absent), EX(dane), CO(high), MX1, D, NULL, NULL, "rcpt", 0, -1 },
		{ "one of two goes where a route leads it", D ";" E, NULL, MAIL, { { KC, MX2, NULL } }, 2,
		  { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good"), A2(SEC, SRV), TLSA2(ABS, "") },
		  VD(tls_absent), EX(dane), CO(high), MX1, D, NULL, D, "configured", 0, -1 },
	};
	(void)state;
	ROWS(t);
}

/* Who may speak for a domain: the recipient said in clear, a route, a proved chain of answers on the link; no SNI, no watch list. */
static void r7(void **state)
{
	static const struct {
		struct identity_row row;
		int sure;
	} t[] = {
		{ { "said in clear, though the DNS is unsigned", D, NULL, MAIL, { { 0 } }, 0, { MXREC(INS, "10 " MX1), A1(INS, SRV) },
		    VD(insecure), EX(none), CO(low), MX1, D, NULL, NULL, NULL, 0, -1 }, confidence_high },
		{ { "a route", NULL, MX1, TLS13, { { KC, MX1, D } }, 0, { A1(SEC, SRV), TLSA1(ABS, "") },
		    VD(no_tlsa), EX(none), CO(high), MX1, D, NULL, NULL, NULL, TRI_NO, -1 }, confidence_high },
		{ { "answers on the link, proved", NULL, NULL, TLS13, { { 0 } }, 0,
		    { { DNS_SEEN, SRV, INS, MX1, NULL, 0 }, { DNS_SEEN, MX1, INS, D, NULL, 0 }, MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(ABS, "") },
		    VD(no_tlsa), EX(none), CO(medium), MX1, D, NULL, NULL, "dns-answer", 0, -1 }, confidence_medium },
		{ { "SNI", NULL, MX1, TLS13, { { KW, MX1, D } }, 0, { A1(SEC, SRV), TLSA1(ABS, "") },
		    VD(no_tlsa), EX(none), CO(high), MX1, NULL, D, NULL, NULL, 0, -1 }, -1 },
	};
	char log[8192];
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		bool holds = row_holds(&t[i].row, log, sizeof(log));
		if (!holds || record_get_num(&session, F_id_domain_sure, -1) != t[i].sure)
			print_message("%s\n", t[i].row.why);
		assert_true(holds);
		assert_int_equal(record_get_num(&session, F_id_domain_sure, -1), t[i].sure);
	}
}

/* With an unsigned MX the host is authenticated and the domain is not: no chain is claimed, and the MX is said to be unsigned. */
static void r8(void **state)
{
	static const struct identity_row t = {
		"host authenticated", D, MX1, MAIL_THEN_TLS, { { 0 } }, 0, { MXREC(INS, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		VD(tls_absent), EX(dane), CO(high), MX1, D, NULL, NULL, "sni", TRI_UNSEEN, -1
	};
	char log[8192];
	(void)state;
	if (!row_holds(&t, log, sizeof(log)))
		identity_rows(&t, 1);
	assert_false(record_list_has(&session, F_id_sources, bytes_of("dnssec-chain")));
	assert_int_equal(record_get_num(&session, F_id_mx_secure, -1), dnsstatus_insecure);
}

/* However many names a session says, so many questions and no more; what no name of the outside world is, is asked for by nobody. */
static void r9(void **state)
{
	static const struct identity_row t[] = {
		{ "names below private suffixes", "mail.corp.internal;printer.local", "nas.home.arpa", BROKE_THEN_MAIL, { { 0 } }, 0, { { 0 } },
		  VD(identity_unknown), EX(none), CO(none), NULL, NULL, NULL, NULL, NULL, 0, -1 },
		{ "an MX that points there", D, NULL, MAIL, { { 0 } }, 0, { MXREC(SEC, "10 mail.corp.internal") },
		  VD(no_tlsa), EX(none), CO(medium), "mail.corp.internal", D, NULL, NULL, NULL, 0, -1 },
		{ "what others knew is no exception", NULL, NULL, TLS13, { { KW, "mail.corp.internal", D } }, 0, { { 0 } },
		  VD(identity_unknown), EX(none), CO(none), NULL, NULL, NULL, NULL, NULL, 0, -1 },
	};
	static const char *const log_of[] = { "", "MX:" D, "SEEN:" SRV };
	char log[8192];
	(void)state;
	ROWS(t);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		row_holds(&t[i], log, sizeof(log));
		assert_string_equal(log, log_of[i]);
	}
}

/* The domain's floor: its weakest host, wherever the mail went. */
static void r10(void **state)
{
#define TWO MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, "198.51.100.1"), A2(SEC, "198.51.100.2")
	static const struct identity_row t[] = {
		{ "every host has TLSA", D, NULL, MAIL, { { 0 } }, 0, { TWO, TLSA1(SEC, "301 good"), TLSA2(SEC, "301 good") },
		  VD(tls_absent), EX(dane), CO(high), NULL, D, NULL, NULL, NULL, 0, idfloor_dane },
		{ "one has unusable TLSA", D, NULL, MAIL, { { 0 } }, 0, { TWO, TLSA1(SEC, "301 good"), TLSA2(SEC, "101 good") },
		  VD(tls_absent), EX(dane_tls_only), CO(high), NULL, D, NULL, NULL, NULL, 0, idfloor_dane_tls_only },
		{ "one has none: dane-partial, and nothing is promised for a stranger", D, NULL, MAIL, { { 0 } }, 0,
		  { TWO, TLSA1(SEC, "301 good"), TLSA2(ABS, "") },
		  VD(no_tlsa), EX(none), CO(high), NULL, D, NULL, NULL, NULL, 0, idfloor_dane_partial },
		{ "one did not answer: not known", D, NULL, MAIL, { { 0 } }, 0, { TWO, TLSA1(SEC, "301 good"), TLSA2(FAI, "") },
		  VD(lookup_failed), EX(none), CO(high), NULL, D, NULL, NULL, NULL, 0, idfloor_none },
		{ "an unsigned MX has no floor", D, NULL, MAIL, { { 0 } }, 0,
		  { MXREC(INS, "10 " MX1), A1(SEC, "198.51.100.1"), TLSA1(SEC, "301 good") },
		  VD(identity_unknown), EX(none), CO(low), NULL, D, NULL, NULL, NULL, 0, idfloor_none },
	};
	(void)state;
	ROWS(t);
	record_add_num(&session, F_expect_all, expect_sts_enforce);
	promise_floor(&session);
	assert_int_equal(record_get_num(&session, F_id_floor, -1), idfloor_sts_enforce);
	record_num(&session, F_id_floor, idfloor_dane);
	promise_floor(&session);
	assert_int_equal(record_get_num(&session, F_id_floor, -1), idfloor_dane);
}

/* The intended host's records authenticate wherever it is met, and another host's never. */
static void r11(void **state)
{
	static const struct identity_row t[] = {
		{ "the right key at another address", NULL, MX1, TLS12, { { 0 } }, 0, { A1(SEC, "198.51.100.1"), TLSA1(SEC, "301 good") },
		  VD(match), EX(dane), CO(high), MX1, NULL, NULL, NULL, NULL, 0, -1 },
		{ "another host's key", NULL, MX1, TLS12, { { KW, MX2, D } }, 0,
		  { A1(SEC, SRV), TLSA1(SEC, "301 evil"), A2(SEC, SRV), TLSA2(SEC, "301 good") },
		  VD(mismatch), EX(dane), CO(high), MX1, NULL, NULL, NULL, NULL, 0, -1 },
		{ "a route's host at another address", NULL, MX1, TLS12, { { KC, MX1, NULL } }, 0,
		  { A1(SEC, "198.51.100.1"), TLSA1(SEC, "301 good") },
		  VD(match), EX(dane), CO(high), MX1, NULL, NULL, NULL, NULL, TRI_NO, -1 },
	};
	(void)state;
	ROWS(t);
}

/* Every state of the DNS against everything that a session may be: the verdict, and whether something was promised. */
static void state_by_result(void **state)
{
	enum { MATCHED, WRONG, UNSEEN, IN_CLEAR, FAILED_CLEAR, REFUSED_PEER, BROKEN, GAVE_UP, RESULTS };
	static const enum scene scenes[RESULTS] = {
		[MATCHED] = TLS12,	    [WRONG] = TLS12_EVIL,	     [UNSEEN] = TLS13,	   [IN_CLEAR] = MAIL,
		[FAILED_CLEAR] = BROKE_THEN_MAIL, [REFUSED_PEER] = TLS_BROKE_EVIL, [BROKEN] = TLS_BROKE, [GAVE_UP] = OFFER_QUIT,
	};
	static const struct {
		const char *why;
		enum dnsstatus status;
		const char *rr;
		enum expect expect;
		enum daneverdict verdict[RESULTS];
	} t[] = {
		{ "usable", SEC, "301 good", EX(dane),
		  { VD(match), VD(mismatch), VD(not_visible), VD(tls_absent), VD(tls_failed), VD(mismatch), VD(tls_failed), VD(not_visible) } },
		{ "none usable", SEC, "101 good", EX(dane_tls_only),
		  { VD(tls_only_ok), VD(tls_only_ok), VD(tls_only_ok), VD(tls_absent), VD(tls_failed), VD(tls_failed), VD(tls_failed), VD(not_visible) } },
		{ "secure denial", ABS, "", EX(none),
		  { VD(no_tlsa), VD(no_tlsa), VD(no_tlsa), VD(no_tlsa), VD(no_tlsa), VD(no_tlsa), VD(no_tlsa), VD(no_tlsa) } },
		{ "insecure", INS, "301 good", EX(none),
		  { VD(insecure), VD(insecure), VD(insecure), VD(insecure), VD(insecure), VD(insecure), VD(insecure), VD(insecure) } },
		{ "insecure denial, as of an opt-out span", INS, "", EX(none),
		  { VD(insecure), VD(insecure), VD(insecure), VD(insecure), VD(insecure), VD(insecure), VD(insecure), VD(insecure) } },
		{ "bogus", BOG, "301 good", EX(none),
		  { VD(bogus), VD(bogus), VD(bogus), VD(bogus), VD(bogus), VD(bogus), VD(bogus), VD(bogus) } },
		{ "failed: SERVFAIL, REFUSED, NOTIMP, time out", FAI, "", EX(none),
		  { VD(lookup_failed), VD(lookup_failed), VD(lookup_failed), VD(lookup_failed), VD(lookup_failed), VD(lookup_failed),
		    VD(lookup_failed), VD(lookup_failed) } },
		{ "not in the capture", INC, "", EX(none),
		  { VD(incomplete), VD(incomplete), VD(incomplete), VD(incomplete), VD(incomplete), VD(incomplete), VD(incomplete), VD(incomplete) } },
	};
	char log[8192];
	uint8_t chain[CHAIN_ROOM];
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		for (int k = 0; k < RESULTS; k++) {
			struct script script[9] = { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(t[i].status, t[i].rr) };
			session_of(scenes[k], D, MX1, &session);
			walk(script, log, sizeof(log));
			expectation_finish(&e, dane, &session, scene_chain(scenes[k], chain));
			if (record_get_num(&session, F_dane_verdict, -1) != (int64_t)t[i].verdict[k])
				print_message("%s, result %d\n", t[i].why, k);
			assert_int_equal(record_get_num(&session, F_dane_verdict, -1), t[i].verdict[k]);
			assert_int_equal(record_get_num(&session, F_expect, -1), t[i].expect);
		}
	}
	for (int k = 0; k < RESULTS; k++) { /* nobody knows for whom it was */
		static const struct script none[9];
		session_of(scenes[k], NULL, NULL, &session);
		walk(none, log, sizeof(log));
		expectation_finish(&e, dane, &session, scene_chain(scenes[k], chain));
		assert_int_equal(record_get_num(&session, F_dane_verdict, -1), daneverdict_identity_unknown);
		assert_int_equal(record_get_num(&session, F_expect, -1), expect_none);
	}
}

/* What the MX says, and whether the server is one of the domain's. "outside" is an accusation: it needs every address of
 * every MX host, secure, and one domain that fits is enough. */
static void mx_and_location(void **state)
{
	static const struct {
		const char *why, *rcpt, *sni;
		struct script script[9];
		int mx; /* enum mxresult, -1: unseen */
		enum dnsstatus status;
		enum location location;
	} t[] = {
		{ "hosts", D, NULL, { MXREC(SEC, "10 " MX1), A1(SEC, SRV) }, mxresult_hosts, SEC, LO(inside) },
		{ "implicit", D, NULL, { MXREC(ABS, ""), { DNS_A, D, SEC, SRV, NULL, 0 } }, mxresult_implicit, ABS, LO(inside) },
		{ "secure null MX", D, NULL, { MXREC(SEC, "0 .") }, mxresult_null, SEC, LO(outside) },
		{ "insecure null MX", D, NULL, { MXREC(INS, "0 .") }, mxresult_null, INS, LO(outside) },
		{ "secure NXDOMAIN", D, NULL, { { DNS_MX, D, ABS, "", NULL, true } }, mxresult_nxdomain, ABS, LO(outside) },
		{ "bogus", D, NULL, { MXREC(BOG, "10 " MX1) }, mxresult_unknown, BOG, LO(unknown) },
		{ "failed", D, NULL, { MXREC(FAI, "") }, mxresult_unknown, FAI, LO(unknown) },
		{ "not in the capture", D, NULL, { { 0 } }, mxresult_unknown, INC, LO(unknown) },
		{ "by SNI alone there is no MX", NULL, MX1, { A1(SEC, SRV) }, -1, 0, LO(inside) },
		{ "elsewhere, all addresses secure", D, NULL,
		  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, "198.51.100.1"), A2(SEC, "198.51.100.2;198.51.100.3") }, mxresult_hosts, SEC, LO(outside) },
		{ "near miss: one host insecure", D, NULL,
		  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, "198.51.100.1"), A2(INS, "198.51.100.2") }, mxresult_hosts, SEC, LO(unknown) },
		{ "near miss: one host bogus", D, NULL,
		  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, "198.51.100.1"), A2(BOG, "") }, mxresult_hosts, SEC, LO(unknown) },
		{ "near miss: one host not in the capture", D, NULL,
		  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, "198.51.100.1") }, mxresult_hosts, SEC, LO(unknown) },
		{ "near miss: one host is an address", D, NULL,
		  { MXREC(SEC, "10 " MX1 ";20 203.0.113.1"), A1(SEC, "198.51.100.1") }, mxresult_hosts, SEC, LO(unknown) },
		{ "one host proved to take no mail", D, NULL,
		  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, "198.51.100.1"), { DNS_A, MX2, ABS, "", NULL, true } }, mxresult_hosts, SEC, LO(outside) },
		{ "the client named one host, the server is another of the same domain", D, MX1,
		  { MXREC(SEC, "10 " MX1 ";20 " MX2), A1(SEC, "198.51.100.1"), A2(SEC, SRV), TLSA1(ABS, "") }, mxresult_hosts, SEC, LO(unknown) },
		{ "two domains, the server is nobody's", D ";example.com", NULL,
		  { MXREC(SEC, "10 " MX1), { DNS_MX, "example.com", SEC, "10 " MX2, NULL, 0 }, A1(SEC, "198.51.100.1"), A2(SEC, "198.51.100.2") },
		  mxresult_hosts, SEC, LO(outside) },
		{ "near miss: it is the second domain's", D ";example.com", NULL,
		  { MXREC(SEC, "0 ."), { DNS_MX, "example.com", SEC, "10 " MX2, NULL, 0 }, A2(SEC, SRV), TLSA2(ABS, "") },
		  mxresult_null, SEC, LO(unknown) },
		{ "near miss: of the second domain nothing is known", D ";example.com", NULL, { MXREC(SEC, "0 .") }, mxresult_unknown, INC, LO(unknown) },
	};
	char log[8192];
	int failed = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		session_of(MAIL, t[i].rcpt, t[i].sni, &session);
		walk(t[i].script, log, sizeof(log));
		expectation_finish(&e, dane, &session, (struct bytes){ 0 });
		int64_t mx = record_get_num(&session, F_id_mx_result, -1), status = record_get_num(&session, F_id_mx_secure, 0),
			location = record_get_num(&session, F_id_location, -1);
		if (mx == t[i].mx && status == (int64_t)t[i].status && location == (int64_t)t[i].location)
			continue;
		print_message("%s: mx %d status %d location %d\n", t[i].why, (int)mx, (int)status, (int)location);
		failed++;
	}
	print_message("%zu rows\n", sizeof(t) / sizeof(t[0]));
	assert_int_equal(failed, 0);
}

/* Losing packets must not accuse: the recipient that explains the server may be among them. */
static void lost_recipients(void **state)
{
	static const struct script script[9] = { MXREC(SEC, "10 " MX1), A1(SEC, "198.51.100.1"), TLSA1(ABS, "") };
	static const struct {
		enum fact fact;
		int64_t num;
		enum location location;
	} t[] = { { F_cap_gap_s2c, 100, LO(outside) },	 { F_cap_one_direction, TRI_YES, LO(outside) },
		  { F_cap_gap_c2s, 100, LO(unknown) },	 { F_cap_gap_dialogue, TRI_YES, LO(unknown) },
		  { F_cap_midstream, TRI_YES, LO(unknown) }, { F_cap_limit, TRI_YES, LO(unknown) } };
	char log[8192];
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		session_of(MAIL, D, NULL, &session);
		if (fact_table[t[i].fact].type == T_TRI)
			record_tri(&session, t[i].fact, (enum tri)t[i].num);
		else
			record_num(&session, t[i].fact, t[i].num);
		walk(script, log, sizeof(log));
		expectation_finish(&e, dane, &session, (struct bytes){ 0 });
		assert_int_equal(record_get_num(&session, F_id_location, -1), t[i].location);
	}
}

/* Usage 2: the next-hop domain is a name the certificate may have, after a secure MX only (RFC 7672 3.2.2). */
static void next_hop_names(void **state)
{
	static const struct {
		const char *why, *rcpt;
		enum dnsstatus mx;
		enum daneverdict verdict;
		enum danevariant variant;
	} t[] = { { "secure MX: the domain is a reference name", D, SEC, VD(match), 0 },
		  { "unsigned MX: whoever forges it would choose the name", D, INS, VD(mismatch), VA(ta_name_mismatch) },
		  { "next hop not known: it may be its name", NULL, SEC, VD(identity_unknown), VA(ta_name_mismatch) } };
	char log[8192];
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct script script[9] = { { DNS_MX, D, t[i].mx, "10 " MX1, NULL, 0 }, A1(SEC, SRV), TLSA1(SEC, "201 anchor") };
		uint8_t chain[CHAIN_ROOM];
		session_of(TLS12, t[i].rcpt, MX1, &session);
		walk(script, log, sizeof(log));
		size_t n = chain_put(chain, chain_put(chain, 0, anchored), anchor);
		expectation_finish(&e, dane, &session, (struct bytes){ chain, n });
		assert_int_equal(record_get_num(&session, F_dane_verdict, -1), t[i].verdict);
		assert_int_equal(record_get_num(&session, F_dane_variant, 0), t[i].variant);
	}
}

static int64_t item_at(enum fact f, unsigned i)
{
	struct bytes item = { 0 };
	size_t pos = 0;
	do
		assert_true(record_next(&session, f, &pos, &item));
	while (i-- > 0);
	return record_item_num(item);
}

/* The facts beside the verdict. */
static void what_is_written(void **state)
{
	static const struct script script[9] = { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "101 good;301 evil;301 good") };
	uint8_t chain[CHAIN_ROOM];
	char log[8192];
	struct bytes item;
	size_t pos = 0;
	(void)state;
	session_of(TLS12, D, MX1, &session);
	walk(script, log, sizeof(log));
	expectation_finish(&e, dane, &session, scene_chain(TLS12, chain));
	assert_true(text_is(F_dane_matched, "3 0 1"));
	assert_true(text_is(F_dane_owner, T1));
	assert_true(text_is(F_srv_domain, MX1));
	assert_int_equal(record_get_num(&session, F_dane_usable, 0), 2);
	assert_int_equal(record_get_num(&session, F_dane_ttl, 0), 3600);
	assert_int_equal(record_get_num(&session, F_dane_dnssec, 0), dnsstatus_secure);
	assert_int_equal(record_get_num(&session, F_dane_source, 0), dnssource_capture);
	assert_int_equal(record_get_num(&session, F_dane_as_of, 0), 1790000000LL * 1000000000);
	assert_int_equal(record_get_tri(&session, F_dane_seen_later), TRI_NO);
	assert_int_equal(record_count(&session, F_tlsa_usage), 3);
	assert_int_equal(record_count(&session, F_tlsa_data), 3);
	assert_int_equal(item_at(F_tlsa_usage, 0), 1);
	assert_int_equal(item_at(F_tlsa_matching, 2), 1);
	assert_int_equal(item_at(F_tlsa_result, 0), tlsaresult_unusable);
	assert_int_equal(item_at(F_tlsa_result, 1), tlsaresult_no_match);
	assert_int_equal(item_at(F_tlsa_result, 2), tlsaresult_match);
	assert_true(record_next(&session, F_tlsa_data, &pos, &item));
	assert_int_equal(item.n, 32);
	assert_true(record_list_has(&session, F_id_domains, bytes_of(D)));
	assert_true(record_list_has(&session, F_id_sources, bytes_of("sni")));
	assert_true(record_list_has(&session, F_id_sources, bytes_of("dnssec-host")) ||
		    record_list_has(&session, F_id_sources, bytes_of("dnssec-chain")));
	assert_true(record_list_has(&session, F_related_hosts, bytes_of(D)));
	assert_true(record_list_has(&session, F_related_hosts, bytes_of(MX1)));
	assert_true(record_check(&session, record_size(&session)));
}

/* A hint of the server never changes anything: greeting, EHLO reply and certificate names are not read (R1, M1). */
static void hints_are_not_read(void **state)
{
	static const struct script script[9] = { { DNS_A, "evil.example.com", SEC, SRV, NULL, 0 } };
	char log[8192];
	(void)state;
	session_of(TLS12_EVIL, NULL, NULL, &session);
	record_cstr(&session, F_smtp_banner, "evil.example.com ESMTP");
	record_add_cstr(&session, F_x509_names, "evil.example.com");
	walk(script, log, sizeof(log));
	assert_string_equal(log, "SEEN:" SRV);
}

/* Live answers of another time than the session's: what contradicts says so and promises nothing, a match stays one. */
static void later_lookup(void **state)
{
	static const int64_t minute = 60LL * 1000000000;
	static const struct script script[9] = { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") };
	static const struct {
		enum scene scene;
		int64_t later;
		enum daneverdict verdict;
		enum expect expect;
		const char *why;
	} cases[] = {
		{ TLS12_EVIL, 4 * minute, daneverdict_mismatch, expect_dane, "asked at once" },
		{ TLS12_EVIL, 60 * minute, daneverdict_dns_time_mismatch, expect_none, "asked an hour later" },
		{ TLS12, 60 * minute, daneverdict_match, expect_dane, "today's record fits" },
		{ MAIL, 60 * minute, daneverdict_dns_time_mismatch, expect_none, "mail in clear, asked an hour later" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t chain[CHAIN_ROOM];
		struct question q;
		session_of(cases[i].scene, D, MX1, &session);
		int64_t end = 1790000000LL * 1000000000 + minute / 2;
		record_num(&session, F_event_end, end);
		expectation_start(&e, &session, NULL);
		while (expectation_next(&e, &q)) {
			answer_from(&q, script_find(script, &q), &answer);
			answer.source = dnssource_live;
			answer.as_of = end + cases[i].later;
			expectation_answer(&e, &answer);
		}
		expectation_finish(&e, dane, &session, scene_chain(cases[i].scene, chain));
		assert_int_equal(record_get_num(&session, F_dane_verdict, -1), cases[i].verdict);
		assert_int_equal(record_get_num(&session, F_expect, -1), cases[i].expect);
		assert_int_equal(record_get_num(&session, F_dane_as_of, 0), end + cases[i].later);
	}
}

/* DNS off, and services that RFC 7672 does not speak of: no question, no dane fact, nothing expected. */
static void no_dns(void **state)
{
	static const enum service services[] = { service_mx, service_submission, service_submissions, service_other };
	static const bool asks[] = { true, false, false, true };
	struct question q;
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		session_of(MAIL, D, MX1, &session);
		record_num(&session, F_service, services[i]);
		expectation_start(&e, &session, NULL);
		expectation_finish(&e, dane, &session, (struct bytes){ 0 });
		assert_false(record_has(&session, F_dane_verdict));
		assert_false(record_has(&session, F_dane_as_of));
		assert_int_equal(record_get_num(&session, F_expect, -1), expect_none);
		assert_int_equal(record_get_num(&session, F_id_confidence, -1), confidence_low);
		assert_true(text_is(F_id_host, MX1));
		expectation_start(&e, &session, NULL);
		assert_int_equal(expectation_next(&e, &q), asks[i]);
	}
}

/* The owner name carries the port that was used, and the family of the connection is asked first. */
static void port_and_family(void **state)
{
	static const struct script script[9] = { { DNS_AAAA, MX1, SEC, "2001:db8::25", NULL, 0 },
						 { DNS_TLSA, "_2525._tcp." MX1, SEC, "301 good", NULL, 0 } };
	struct addr server = { 6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x25 } };
	uint8_t chain[CHAIN_ROOM];
	char log[8192];
	(void)state;
	session_of(TLS12, NULL, MX1, &session);
	record_addr(&session, F_dst_ip, &server);
	record_num(&session, F_dst_port, 2525);
	record_num(&session, F_service, service_other);
	walk(script, log, sizeof(log));
	assert_string_equal(log, "AAAA:" MX1 " TLSA:_2525._tcp." MX1);
	expectation_finish(&e, dane, &session, scene_chain(TLS12, chain));
	assert_int_equal(record_get_num(&session, F_dane_verdict, -1), daneverdict_match);
	assert_int_equal(record_get_num(&session, F_id_location, -1), location_inside);
}

/* A roll-over: the certificate against the RRset of the session, and those before and after it. Times in s against the
 * session's; a version is answered for the question as of at: seen then, its TTL over at until. */
static void roll_overs(void **state)
{
	enum { B = DNS_TLSA_BEFORE, F = DNS_TLSA_AFTER };
	static const struct {
		const char *why;
		enum scene scene;
		const char *now;
		struct {
			uint16_t type;
			int at, from, until;
			enum dnsstatus status;
			const char *rr;
		} version[6];
		enum daneverdict verdict;
		enum danevariant variant;
		unsigned asked; /* questions about other times */
	} t[] = {
		{ "matches now: nothing more is asked", TLS12, "301 good", { { B, 0, -10, 3590, SEC, "301 evil" } }, VD(match), 0, 0 },
		{ "the one before, TTL not run out", TLS12, "301 evil", { { B, 0, -600, 100, SEC, "301 good" } },
		  VD(mismatch_transitional), VA(transitional_old), 3 },
		{ "the one before, TTL run out within the tolerance of clocks", TLS12, "301 evil", { { B, 0, -600, -290, SEC, "301 good" } },
		  VD(mismatch_transitional), VA(transitional_old), 3 },
		{ "near miss: TTL run out", TLS12, "301 evil", { { B, 0, -4000, -301, SEC, "301 good" } }, VD(mismatch), VA(ee_no_match), 3 },
		{ "near miss: the one before did not validate", TLS12, "301 evil", { { B, 0, -600, 100, BOG, "301 good" } },
		  VD(mismatch), VA(ee_no_match), 3 },
		{ "near miss: the one before is unsigned", TLS12, "301 evil", { { B, 0, -600, 100, INS, "301 good" } },
		  VD(mismatch), VA(ee_no_match), 3 },
		{ "near miss: the one before does not match either", TLS12, "301 bad;301 evil", { { B, 0, -600, 100, SEC, "301 evil" } },
		  VD(mismatch), VA(ee_no_match), 3 },
		{ "two before", TLS12, "301 evil", { { B, 0, -600, 100, SEC, "311 evil" }, { B, -600, -900, 50, SEC, "301 good" } },
		  VD(mismatch_transitional), VA(transitional_old), 4 },
		{ "the next one", TLS12, "301 evil", { { F, 0, 7200, 10800, SEC, "301 good" } },
		  VD(mismatch_transitional), VA(transitional_early), 3 },
		{ "both before and after: it was good once", TLS12, "301 evil",
		  { { B, 0, -600, 100, SEC, "301 good" }, { F, 0, 600, 4000, SEC, "301 good" } }, VD(mismatch_transitional), VA(transitional_old), 4 },
		{ "more changes than are followed", TLS12, "301 evil",
		  { { F, 0, 1, 9, SEC, "311 evil" }, { F, 1, 2, 9, SEC, "301 evil" }, { F, 2, 3, 9, SEC, "311 evil" }, { F, 3, 4, 9, SEC, "301 good" } },
		  VD(mismatch), VA(ee_no_match), 4 },
		{ "an answer that does not move does not hold us up", TLS12, "301 evil", { { B, 0, 0, 9, SEC, "301 good" } },
		  VD(mismatch), VA(ee_no_match), 2 },
		{ "the client refused the certificate of before", TLS_BROKE_GOOD, "301 evil", { { B, 0, -600, 100, SEC, "301 good" } },
		  VD(mismatch_transitional), VA(transitional_old), 3 },
		{ "certificate not seen: nothing to compare", TLS13, "301 evil", { { B, 0, -600, 100, SEC, "301 good" } }, VD(not_visible), 0, 0 },
		{ "mail in clear: no certificate, no excuse", MAIL, "301 evil", { { B, 0, -600, 100, SEC, "301 good" } }, VD(tls_absent), 0, 0 },
	};
	const int64_t as_of = 1790000000LL * 1000000000;
	char log[8192];
	uint8_t chain[CHAIN_ROOM];
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct script script[9] = { MXREC(SEC, "10 " MX1), A1(SEC, SRV), TLSA1(SEC, t[i].now) };
		struct question q;
		unsigned asked = 0;
		session_of(t[i].scene, D, MX1, &session);
		walk(script, log, sizeof(log));
		struct bytes c = scene_chain(t[i].scene, chain);
		bool again = expectation_again(&e, dane, &session, c);
		assert_int_equal(again, t[i].asked > 0);
		while (expectation_next(&e, &q)) {
			struct script s = { q.type, q.name, ABS, "", NULL, false };
			int64_t from = q.as_of, until = q.as_of;
			asked++;
			assert_string_equal(q.name, T1);
			for (unsigned k = 0; k < 6 && t[i].version[k].rr; k++) {
				if (t[i].version[k].type != q.type || as_of + t[i].version[k].at * 1000000000LL != q.as_of)
					continue;
				s.status = t[i].version[k].status;
				s.rr = t[i].version[k].rr;
				from = as_of + t[i].version[k].from * 1000000000LL;
				until = as_of + t[i].version[k].until * 1000000000LL;
			}
			answer_from(&q, &s, &answer);
			answer.from = from;
			answer.until = until;
			expectation_answer(&e, &answer);
		}
		assert_false(expectation_again(&e, dane, &session, c));
		expectation_finish(&e, dane, &session, c);
		if (record_get_num(&session, F_dane_verdict, -1) != (int64_t)t[i].verdict ||
		    record_get_num(&session, F_dane_variant, 0) != (int64_t)t[i].variant || asked != t[i].asked)
			fail_msg("%s: verdict %d variant %d asked %u", t[i].why, (int)record_get_num(&session, F_dane_verdict, -1),
				 (int)record_get_num(&session, F_dane_variant, 0), asked);
	}
}

/* Answers that nobody asked for change nothing. */
static void stray_answers(void **state)
{
	struct question q;
	static const struct script a = { DNS_A, MX1, SEC, SRV, NULL, 0 };
	(void)state;
	session_of(TLS12, NULL, MX1, &session);
	expectation_start(&e, &session, NULL);
	assert_true(expectation_next(&e, &q));
	for (int i = 0; i < 3; i++) {
		answer_from(&q, &a, &answer);
		if (i == 0)
			answer.id++;
		if (i == 1)
			answer.type = DNS_AAAA;
		if (i == 2)
			answer.name[0] = 'y';
		expectation_answer(&e, &answer);
		struct question again;
		assert_true(expectation_next(&e, &again));
		assert_memory_equal(&q, &again, sizeof(q));
	}
	answer_from(&q, &a, &answer);
	answer.seen_later = true;
	expectation_answer(&e, &answer);
	assert_true(expectation_next(&e, &q));
	assert_int_equal(q.type, DNS_TLSA);
	expectation_finish(&e, dane, &session, (struct bytes){ 0 });
	assert_int_equal(record_get_num(&session, F_dane_verdict, -1), daneverdict_incomplete);
	assert_int_equal(record_get_tri(&session, F_dane_seen_later), TRI_YES);
}

/* More than we follow is incomplete, and says so; never absent, never a match. */
static void bounds(void **state)
{
	char name[64];
	struct question q;
	unsigned asked = 0;
	(void)state;
	/* eight domains of sixteen hosts, each host an alias: more questions and hosts than there is room for */
	session_of(MAIL, NULL, NULL, &session);
	for (int i = 0; i < 12; i++) {
		strcpy(name, "dX.example.org");
		name[1] = (char)('a' + i);
		record_add_cstr(&session, F_smtp_rcpt_domains, name);
	}
	expectation_start(&e, &session, NULL);
	assert_int_equal(e.id.domains, IDENTITY_DOMAINS);
	assert_true(e.id.more);
	while (expectation_next(&e, &q)) {
		assert_true(++asked <= EXPECT_QUESTIONS);
		struct script s = { q.type, q.name, SEC, SRV, NULL, false };
		if (q.type == DNS_TLSA)
			s.rr = "301 good";
		if (q.type == DNS_MX) {
			s.rr = NULL;
			answer_from(&q, &s, &answer);
			for (int i = 0; i < 40; i++) {
				char item[64] = "10 hXY.example.net";
				item[4] = q.name[1];
				item[5] = (char)('A' + i % 26);
				put_item(&answer, item);
			}
		} else {
			answer_from(&q, &s, &answer);
		}
		expectation_answer(&e, &answer);
	}
	assert_true(asked > 20);
	expectation_finish(&e, dane, &session, (struct bytes){ 0 });
	assert_true(record_check(&session, record_size(&session)));
	assert_true(record_get_num(&session, F_dane_verdict, -1) == daneverdict_tls_absent ||
		    record_get_num(&session, F_dane_verdict, -1) == daneverdict_incomplete);
	/* an RRset that does not fit proves nothing */
	session_of(TLS12, NULL, MX1, &session);
	expectation_start(&e, &session, NULL);
	for (asked = 0; expectation_next(&e, &q); asked++) {
		struct script s = { q.type, q.name, SEC, q.type == DNS_A ? SRV : "", NULL, false };
		answer_from(&q, &s, &answer);
		if (q.type == DNS_TLSA) {
			static const uint8_t zero[8192] = { 3, 0, 0 };
			put_item(&answer, "301 good");
			put_rr(&answer, zero, sizeof(zero));
			e.used = EXPECT_DATA - 8192;
		}
		expectation_answer(&e, &answer);
	}
	uint8_t chain[CHAIN_ROOM];
	expectation_finish(&e, dane, &session, scene_chain(TLS12, chain));
	assert_int_equal(record_get_num(&session, F_dane_verdict, -1), daneverdict_incomplete);
	assert_true(record_get_str(&session, F_dane_why).n > 0);
}

/* A client that said neither SNI nor RCPT, and the answers on the link that gave names to the server's address. Each row
 * that an attacker made stands beside the one that he started from: an added name never acquits and never weakens. */
#define EVIL "mx.evil.example"
#define TE "_25._tcp." EVIL
#define HOSTS(list) { DNS_SEEN, SRV, INS, list, NULL, false }
#define LED1(list) { DNS_SEEN, MX1, INS, list, NULL, false }
#define AE(st, list) { DNS_A, EVIL, st, list, NULL, false }
#define TLSAE(st, list) { DNS_TLSA, TE, st, list, NULL, false }

static void named_by_answers(void **state)
{
	static const struct {
		const char *why;
		enum scene scene;
		struct script script[9];
		enum daneverdict verdict;
		enum expect expect;
		enum confidence confidence;
		const char *host, *domain; /* NULL: the fact must be unseen */
		enum danevariant variant;
		const char *asked; /* NULL: not checked */
	} t[] = {
		{ "named by the answers, the offer is missing, the client left", NO_OFFER_QUIT,
		  { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "301 good"), LED1(D), MXREC(SEC, "10 " MX1) },
		  VD(tls_absent), EX(dane), CO(medium), MX1, D, 0, "SEEN:" SRV " A:" MX1 " TLSA:" T1 " SEEN:" MX1 " MX:" D },
		{ "refused, the client left", REFUSED, { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "301 good"), LED1(D), MXREC(SEC, "10 " MX1) },
		  VD(tls_absent), EX(dane), CO(medium), MX1, D, 0, NULL },
		{ "the handshake failed", TLS_BROKE, { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(tls_failed), EX(dane), CO(medium), MX1, NULL, 0, NULL },
		{ "no usable record: TLS was promised all the same", NO_OFFER_QUIT, { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "101 good") },
		  VD(tls_absent), EX(dane_tls_only), CO(medium), MX1, NULL, 0, NULL },
		{ "offered, the client left before its turn", OFFER_QUIT, { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(not_visible), EX(dane), CO(medium), MX1, NULL, 0, NULL },
		{ "near miss: nothing was answered", NO_OFFER_QUIT, { HOSTS(""), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(identity_unknown), EX(none), CO(none), NULL, NULL, 0, "SEEN:" SRV },
		{ "near miss: the domain's MX lists another host; the promise of the host stands without a domain", NO_OFFER_QUIT,
		  { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "301 good"), LED1(D), MXREC(SEC, "10 " MX2) },
		  VD(tls_absent), EX(dane), CO(medium), MX1, NULL, 0, NULL },
		{ "near miss: the domain's MX is unsigned", NO_OFFER_QUIT,
		  { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "301 good"), LED1(D), MXREC(INS, "10 " MX1) },
		  VD(tls_absent), EX(dane), CO(medium), MX1, NULL, 0, NULL },
		{ "the answer was unsigned: a name anybody could write", NO_OFFER_QUIT, { HOSTS(MX1), A1(INS, SRV), TLSA1(SEC, "301 good") },
		  VD(identity_unknown), EX(none), CO(low), NULL, NULL, 0, "SEEN:" SRV " A:" MX1 },
		{ "the host lives elsewhere: the answer was not true", NO_OFFER_QUIT,
		  { HOSTS(MX1), A1(SEC, "198.51.100.1"), TLSA1(SEC, "301 good") },
		  VD(identity_unknown), EX(none), CO(low), NULL, NULL, 0, "SEEN:" SRV " A:" MX1 },
		{ "the answer does not validate: no finding by a name that anybody could write", NO_OFFER_QUIT, { HOSTS(MX1), A1(BOG, SRV) },
		  VD(identity_unknown), EX(none), CO(low), NULL, NULL, 0, NULL },
		{ "its proof is not in the capture", NO_OFFER_QUIT, { HOSTS(MX1) },
		  VD(identity_unknown), EX(none), CO(low), NULL, NULL, 0, "SEEN:" SRV " A:" MX1 },
		{ "the TLSA proof is not in the capture", NO_OFFER_QUIT, { HOSTS(MX1), A1(SEC, SRV) },
		  VD(identity_unknown), EX(none), CO(low), NULL, NULL, 0, NULL },
		{ "the same, and it is the MX of a domain", NO_OFFER_QUIT, { HOSTS(MX1), A1(SEC, SRV), LED1(D), MXREC(SEC, "10 " MX1) },
		  VD(incomplete), EX(none), CO(medium), MX1, D, 0, NULL },
		{ "the MX of a domain, bogus TLSA", NO_OFFER_QUIT,
		  { HOSTS(MX1), A1(SEC, SRV), TLSA1(BOG, ""), LED1(D), MXREC(SEC, "10 " MX1) },
		  VD(bogus), EX(none), CO(medium), MX1, D, 0, NULL },
		{ "the MX of a domain, proved to promise nothing", NO_OFFER_QUIT,
		  { HOSTS(MX1), A1(SEC, SRV), TLSA1(ABS, ""), LED1(D), MXREC(SEC, "10 " MX1) },
		  VD(no_tlsa), EX(none), CO(medium), MX1, D, 0, NULL },
		{ "near miss: a name at that address which no domain's mail goes to, and which promises nothing", NO_OFFER_QUIT,
		  { HOSTS(MX1), A1(SEC, SRV), TLSA1(ABS, "") },
		  VD(identity_unknown), EX(none), CO(low), NULL, NULL, 0, NULL },
		{ "names that are not asked for", NO_OFFER_QUIT, { HOSTS("mx.corp.internal;192.0.2.25;localhost;a b.example") },
		  VD(identity_unknown), EX(none), CO(none), NULL, NULL, 0, "SEEN:" SRV },
		/* what a certificate says to a client that named no host */
		{ "the certificate matches: anybody may publish this address beside his own key, so nobody is acquitted", TLS12,
		  { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "301 good"), LED1(D), MXREC(SEC, "10 " MX1) },
		  VD(identity_unknown), EX(dane), CO(medium), MX1, D, 0, NULL },
		{ "it does not: the server may have chosen another than for a client of DANE", TLS12_EVIL,
		  { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(mismatch), EX(dane), CO(medium), MX1, NULL, VA(wrong_sni), NULL },
		{ "not seen", TLS13, { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(not_visible), EX(dane), CO(medium), MX1, NULL, 0, NULL },
		{ "an anonymous suite, as clients that do no DANE like them", TLS_ANON, { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(not_visible), EX(dane), CO(medium), MX1, NULL, 0, NULL },
		{ "the only name is the attacker's, signed, with his own key at the true server's address", TLS12_EVIL,
		  { HOSTS(EVIL), AE(SEC, SRV), TLSAE(SEC, "301 evil") },
		  VD(identity_unknown), EX(dane), CO(medium), EVIL, NULL, 0, NULL },
		/* the attacker adds a name, before the true one and behind it */
		{ "added, signed, with the attacker's key: the true host is not hidden", TLS12_EVIL,
		  { HOSTS(EVIL ";" MX1), AE(SEC, SRV), TLSAE(SEC, "301 evil"), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(mismatch), EX(dane), CO(medium), MX1, NULL, VA(wrong_sni), NULL },
		{ "the same behind it", TLS12_EVIL,
		  { HOSTS(MX1 ";" EVIL), AE(SEC, SRV), TLSAE(SEC, "301 evil"), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(mismatch), EX(dane), CO(medium), MX1, NULL, VA(wrong_sni), NULL },
		{ "added, signed, proved to promise nothing", NO_OFFER_QUIT,
		  { HOSTS(EVIL ";" MX1), AE(SEC, SRV), TLSAE(ABS, ""), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(tls_absent), EX(dane), CO(medium), MX1, NULL, 0, NULL },
		{ "the same, and it is the MX of a domain", NO_OFFER_QUIT,
		  { HOSTS(EVIL ";" MX1), AE(SEC, SRV), TLSAE(ABS, ""), A1(SEC, SRV), TLSA1(SEC, "301 good"),
		    { DNS_SEEN, EVIL, INS, "evil.example", NULL, false }, { DNS_MX, "evil.example", SEC, "10 " EVIL, NULL, false } },
		  VD(tls_absent), EX(dane), CO(medium), MX1, NULL, 0, NULL },
		{ "added, signed, with unusable records only", NO_OFFER_QUIT,
		  { HOSTS(EVIL ";" MX1), AE(SEC, SRV), TLSAE(SEC, "101 evil"), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(tls_absent), EX(dane), CO(medium), EVIL, NULL, 0, NULL },
		{ "added, unsigned", NO_OFFER_QUIT, { HOSTS(EVIL ";" MX1), AE(INS, SRV), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(tls_absent), EX(dane), CO(medium), MX1, NULL, 0, NULL },
		{ "added, signed for another address", NO_OFFER_QUIT, { HOSTS(EVIL ";" MX1), AE(SEC, "198.51.100.1"), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(tls_absent), EX(dane), CO(medium), MX1, NULL, 0, NULL },
		{ "added, does not validate", NO_OFFER_QUIT, { HOSTS(EVIL ";" MX1), AE(BOG, SRV), A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(tls_absent), EX(dane), CO(medium), MX1, NULL, 0, NULL },
		{ "added, its TLSA does not validate", NO_OFFER_QUIT,
		  { HOSTS(EVIL ";" MX1), AE(SEC, SRV), TLSAE(BOG, ""), A1(SEC, SRV), TLSA1(SEC, "301 good"),
		    { DNS_SEEN, EVIL, INS, "evil.example", NULL, false }, { DNS_MX, "evil.example", SEC, "10 " EVIL, NULL, false } },
		  VD(tls_absent), EX(dane), CO(medium), MX1, NULL, 0, NULL },
		{ "added, does not exist", NO_OFFER_QUIT,
		  { HOSTS(EVIL ";" MX1), { DNS_A, EVIL, ABS, "", NULL, true }, A1(SEC, SRV), TLSA1(SEC, "301 good") },
		  VD(tls_absent), EX(dane), CO(medium), MX1, NULL, 0, NULL },
		{ "an added domain leads to the true host: it is named beside the true one", NO_OFFER_QUIT,
		  { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "301 good"), LED1("evil.example;" D), MXREC(SEC, "10 " MX1),
		    { DNS_MX, "evil.example", SEC, "10 " MX1, NULL, false } },
		  VD(tls_absent), EX(dane), CO(medium), MX1, D, 0, NULL },
		{ "a name twice is asked for once", NO_OFFER_QUIT, { HOSTS(MX1 ";" MX1), A1(SEC, SRV), TLSA1(ABS, "") },
		  VD(identity_unknown), EX(none), CO(low), NULL, NULL, 0, "SEEN:" SRV " A:" MX1 " TLSA:" T1 " SEEN:" MX1 },
	};
	char log[8192];
	uint8_t chain[CHAIN_ROOM];
	int failed = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		session_of(t[i].scene, NULL, NULL, &session);
		walk(t[i].script, log, sizeof(log));
		expectation_finish(&e, dane, &session, scene_chain(t[i].scene, chain));
		int64_t verdict = record_get_num(&session, F_dane_verdict, -1), expect = record_get_num(&session, F_expect, -1),
			confidence = record_get_num(&session, F_id_confidence, -1), variant = record_get_num(&session, F_dane_variant, 0);
		bool domain = t[i].domain ? record_list_has(&session, F_id_domains, bytes_of(t[i].domain)) : !record_has(&session, F_id_domains);
		bool source = record_list_has(&session, F_id_sources, bytes_of("dns-answer")) == (confidence != confidence_none);
		bool asked = !t[i].asked || strcmp(log, t[i].asked) == 0;
		if (verdict == (int64_t)t[i].verdict && expect == (int64_t)t[i].expect && confidence == (int64_t)t[i].confidence &&
		    variant == (int64_t)t[i].variant && text_is(F_id_host, t[i].host) && text_is(F_dst_domain, t[i].host) && domain &&
		    source && asked && record_check(&session, record_size(&session)))
			continue;
		struct bytes h = record_get_str(&session, F_id_host), why = record_get_str(&session, F_dane_why);
		print_message("row %zu (%s): verdict %s expect %d confidence %d variant %d host %.*s domain %d source %d\n  why %.*s\n  asked %s\n", i,
			      t[i].why, fact_table[F_dane_verdict].words[verdict], (int)expect, (int)confidence, (int)variant, (int)h.n, h.p,
			      domain, source, (int)why.n, why.p, log);
		failed++;
	}
	print_message("%zu rows\n", sizeof(t) / sizeof(t[0]));
	assert_int_equal(failed, 0);
}

/* Any name, with any state of its answers, before or behind a true host: no verdict becomes a match, the expectation is
 * no weaker and no better verdict takes the place of a worse one. Taking any answer away leaves less, never more. */
static void hints_only_add(void **state)
{
	static const enum scene scenes[] = { NO_OFFER_QUIT, REFUSED, TLS_BROKE, TLS_BROKE_EVIL, TLS12, TLS12_EVIL, TLS13, OFFER_QUIT };
	static const struct script addresses[] = { AE(SEC, SRV), AE(SEC, "198.51.100.1"), AE(INS, SRV), AE(BOG, SRV), AE(FAI, ""), AE(ABS, "") };
	static const struct script records[] = { TLSAE(SEC, "301 evil"), TLSAE(SEC, "301 good"), TLSAE(SEC, "101 evil"), TLSAE(ABS, ""),
						 TLSAE(INS, ""), TLSAE(BOG, ""), TLSAE(FAI, "") };
	static const struct script leads = { DNS_SEEN, EVIL, INS, "evil.example", NULL, false },
				   led = { DNS_MX, "evil.example", SEC, "10 " EVIL, NULL, false };
	char log[8192];
	uint8_t chain[CHAIN_ROOM];
	(void)state;
	for (size_t s = 0; s < sizeof(scenes) / sizeof(scenes[0]); s++) {
		struct script base[9] = { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") };
		session_of(scenes[s], NULL, NULL, &session);
		walk(base, log, sizeof(log));
		expectation_finish(&e, dane, &session, scene_chain(scenes[s], chain));
		int64_t before = record_get_num(&session, F_dane_verdict, -1);
		assert_int_equal(record_get_num(&session, F_expect, -1), expect_dane);
		for (size_t i = 0; i < 2 * 6 * 7; i++) {
			struct script more[9] = { HOSTS(i % 2 ? MX1 ";" EVIL : EVIL ";" MX1), A1(SEC, SRV), TLSA1(SEC, "301 good"),
						  addresses[i / 2 % 6], records[i / 12], leads, led };
			session_of(scenes[s], NULL, NULL, &session);
			walk(more, log, sizeof(log));
			expectation_finish(&e, dane, &session, scene_chain(scenes[s], chain));
			int64_t after = record_get_num(&session, F_dane_verdict, -1);
			assert_int_equal(record_get_num(&session, F_expect, -1), expect_dane);
			assert_int_equal(record_get_num(&session, F_id_confidence, -1), confidence_medium);
			assert_true(record_list_has(&session, F_related_hosts, bytes_of(MX1)));
			assert_true(after != daneverdict_match);
			if (before == daneverdict_tls_absent || before == daneverdict_tls_failed || before == daneverdict_mismatch)
				assert_int_equal(after, before);
		}
		for (size_t gone = 0; gone < 3; gone++) {
			struct script less[9] = { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") };
			less[gone].type = 0;
			session_of(scenes[s], NULL, NULL, &session);
			walk(less, log, sizeof(log));
			expectation_finish(&e, dane, &session, scene_chain(scenes[s], chain));
			assert_int_equal(record_get_num(&session, F_expect, -1), expect_none);
			assert_int_equal(record_get_num(&session, F_dane_verdict, -1), daneverdict_identity_unknown);
		}
	}
}

/* A session that was not seen whole is not silent: the packet that is missing may have named somebody else. */
static void lost_words(void **state)
{
	static const enum fact lost[] = { F_cap_gap_c2s, F_cap_gap_dialogue, F_cap_midstream, F_cap_limit, F_cap_one_direction };
	static const struct script script[9] = { HOSTS(MX1), A1(SEC, SRV), TLSA1(SEC, "301 good") };
	char log[8192];
	(void)state;
	for (size_t i = 0; i <= sizeof(lost) / sizeof(lost[0]); i++) {
		session_of(NO_OFFER_QUIT, NULL, NULL, &session);
		if (i == 0)
			record_num(&session, F_cap_gap_c2s, 20);
		else if (i < sizeof(lost) / sizeof(lost[0]))
			record_yes(&session, lost[i]);
		else
			record_num(&session, F_cap_end, endhow_none);
		walk(script, log, sizeof(log));
		assert_string_equal(log, "");
		expectation_finish(&e, dane, &session, (struct bytes){ 0 });
		assert_int_equal(record_get_num(&session, F_expect, -1), expect_none);
	}
	session_of(NO_OFFER_QUIT, "[192.0.2.25]", NULL, &session); /* said, though nobody can be asked for it */
	walk(script, log, sizeof(log));
	assert_string_equal(log, "");
}

/* The other family is asked for by its own spelling. */
static void silent_over_ipv6(void **state)
{
	static const struct script script[9] = { { DNS_SEEN, "2001:db8::25", INS, MX1, NULL, false },
						 AAAA1(SEC, "2001:db8::25"), TLSA1(SEC, "301 good") };
	struct addr server = { 6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x25 } };
	char log[8192];
	(void)state;
	session_of(NO_OFFER_QUIT, NULL, NULL, &session);
	record_addr(&session, F_dst_ip, &server);
	walk(script, log, sizeof(log));
	assert_string_equal(log, "SEEN:2001:db8::25 AAAA:" MX1 " TLSA:" T1 " SEEN:" MX1);
	expectation_finish(&e, dane, &session, (struct bytes){ 0 });
	assert_int_equal(record_get_num(&session, F_dane_verdict, -1), daneverdict_tls_absent);
}

/* EXPECT_HINTS names and as many domains as may be, each with the most questions, all answered: none goes unasked, and
 * large records of one do not crowd out those of another. One name more than is followed is said. */
static void many_hints(void **state)
{
	(void)state;
	for (unsigned names = EXPECT_HINTS; names <= EXPECT_HINTS + 1; names++) {
		struct question q;
		unsigned asked = 0;
		session_of(NO_OFFER_QUIT, NULL, NULL, &session);
		expectation_start(&e, &session, NULL);
		while (expectation_next(&e, &q)) {
			struct script s = { q.type, q.name, SEC, q.type == DNS_A ? SRV : NULL, NULL, false };
			assert_true(++asked <= EXPECT_QUESTIONS);
			if (q.type == DNS_A)
				s.canon = "alias.example.org";
			if (q.type == DNS_TLSA && strcmp(q.name, "_25._tcp.alias.example.org") == 0)
				s.status = ABS;
			answer_from(&q, &s, &answer);
			for (unsigned i = 0; q.type == DNS_SEEN && i < (asked == 1 ? names : 9); i++) {
				char name[300] = "A.host.example.org";
				if (asked > 1) {
					strcpy(name, "A.to.");
					strcat(name, q.name);
				}
				name[0] = (char)('a' + i);
				put_item(&answer, name);
			}
			if (q.type == DNS_MX) {
				char item[300] = "10 ";
				strcat(item, q.name + 5);
				put_item(&answer, item);
			}
			if (q.type == DNS_TLSA && s.status == SEC) {
				static const uint8_t zero[8192] = { 3, 0, 0 };
				put_item(&answer, "301 good");
				if (strcmp(q.name, "_25._tcp.h.host.example.org") != 0)
					put_rr(&answer, zero, sizeof(zero));
			}
			expectation_answer(&e, &answer);
		}
		assert_false(e.limited);
		assert_int_equal(e.hinted, EXPECT_HINTS);
		assert_int_equal(e.leds, EXPECT_HINTS * EXPECT_LED);
		assert_int_equal(e.hints_cut, names > EXPECT_HINTS);
		expectation_finish(&e, dane, &session, (struct bytes){ 0 });
		assert_int_equal(record_get_num(&session, F_expect, -1), expect_dane);
		assert_int_equal(record_get_num(&session, F_dane_verdict, -1), daneverdict_tls_absent);
		assert_true(text_is(F_id_host, "h.host.example.org"));
		assert_int_equal(record_count(&session, F_id_domains), EXPECT_LED);
	}
}

static int up(void **state)
{
	(void)state;
	EVP_PKEY *key[3] = { EVP_EC_gen("P-256"), EVP_EC_gen("P-256"), EVP_EC_gen("P-256") };
	good_leaf = cert_make("good", NULL, key[0], key[0], "good");
	evil_leaf = cert_make("evil", NULL, key[1], key[1], "evil");
	anchor = cert_make("anchor", NULL, key[0], key[0], "anchor");
	anchored = cert_make("x", "DNS:" D, key[2], key[0], "anchor");
	for (int i = 0; i < 3; i++)
		EVP_PKEY_free(key[i]);
	dane = dane_init();
	return dane ? 0 : -1;
}

static int down(void **state)
{
	(void)state;
	OPENSSL_free((void *)(uintptr_t)good_leaf.p);
	OPENSSL_free((void *)(uintptr_t)evil_leaf.p);
	OPENSSL_free((void *)(uintptr_t)anchor.p);
	OPENSSL_free((void *)(uintptr_t)anchored.p);
	dane_free(dane);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(r1),
		cmocka_unit_test(r2),
		cmocka_unit_test(r3),
		cmocka_unit_test(r4),
		cmocka_unit_test(r5),
		cmocka_unit_test(r6),
		cmocka_unit_test(r7),
		cmocka_unit_test(r8),
		cmocka_unit_test(r9),
		cmocka_unit_test(r10),
		cmocka_unit_test(r11),
		cmocka_unit_test(state_by_result),
		cmocka_unit_test(mx_and_location),
		cmocka_unit_test(lost_recipients),
		cmocka_unit_test(next_hop_names),
		cmocka_unit_test(what_is_written),
		cmocka_unit_test(hints_are_not_read),
		cmocka_unit_test(no_dns), cmocka_unit_test(later_lookup),
		cmocka_unit_test(port_and_family), cmocka_unit_test(roll_overs),
		cmocka_unit_test(stray_answers),
		cmocka_unit_test(bounds),
		cmocka_unit_test(named_by_answers),
		cmocka_unit_test(hints_only_add),
		cmocka_unit_test(lost_words),
		cmocka_unit_test(silent_over_ipv6),
		cmocka_unit_test(many_hints),
	};
	return cmocka_run_group_tests(tests, up, down);
}
