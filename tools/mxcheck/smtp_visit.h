/* smtp_visit: goes to one address of an MX host as a sender would, up to the TLS handshake, and no further: greeting, EHLO,
 * STARTTLS, handshake, EHLO, QUIT. No mail is begun. Two visits, one after the other: one that offers TLS 1.3 and what is
 * below, one that offers TLS 1.2 at most, and in which the server's certificate is what the sensor would see.
 *
 * What the server says is bounded, and kept only as far as it is needed: codes, EHLO keywords, the first line. */
#ifndef SMTP_VISIT_H
#define SMTP_VISIT_H
#include "judge/dane.h"
#include "report.h"

/* VISIT_CHAIN  octets of a certificate list, as TLS 1.2 has it; a longer one is not kept */
enum { VISIT_NAME = 256, VISIT_TEXT = 256, VISIT_CHAIN = DANE_CHAIN_OCTETS, VISIT_KEYWORDS = 32 };

/* How far a visit came. */
enum visit_stage { STAGE_NONE, STAGE_CONNECTED, STAGE_GREETED, STAGE_EHLO, STAGE_OFFERED, STAGE_READY, STAGE_TLS, STAGE_EHLO_AGAIN };

/* One connection.
 * code      of the reply that stopped it, or of the last one; 0: there was none
 * why       what stopped it; "" when it came to its end
 * masked    STARTTLS was not offered, but a keyword that looks as if it was it (smtp_command.h)
 * early     octets came in clear behind the reply to STARTTLS
 * version   0x0303...; cipher, group, sigalg: names of OpenSSL
 * chain     certificate_list octets of TLS 1.2: each with its 3-octet length in front; owned, NULL: none
 * trusted   the chain leads to an authority of the system, and the name of the host fits; untrusted: why not */
struct smtp_leg {
	enum visit_stage stage;
	bool tried, masked, early, trusted, resumable;
	uint16_t code, version;
	char greeting[VISIT_TEXT], why[VISIT_TEXT], cipher[64], group[32], sigalg[32], untrusted[VISIT_TEXT];
	char keyword[VISIT_KEYWORDS][32];
	unsigned keywords;
	uint8_t *chain;
	size_t chain_n;
	uint32_t ms;
};

struct smtp_visit {
	char host[VISIT_NAME];
	struct addr address;
	struct smtp_leg any, tls12;
};

/* ehlo     name that we call ourselves         port  25
 * sni      reference name for SNI: the TLSA base domain (RFC 7672 8.1), or the host when it has none
 * ca_file  of authorities, NULL: the system's  ms    for each step */
struct smtp_means {
	const char *ehlo, *ca_file;
	uint16_t port;
	int ms;
};

/* smtp_visit: v->host and v->address are the question, the rest the answer. Blocks; bounded by ms a step. */
void smtp_visit(const struct smtp_means *m, const char *sni, struct smtp_visit *v);
void smtp_visit_free(struct smtp_visit *v);

/* What the certificate of a host is held against.
 * set      its TLSA RRset, n 0: none            secure  it counts: validated, of a secure host
 * name     reference names for usage 2, the TLSA base domain first (struct dane_case)
 * now      ns since 1970 */
struct smtp_promise {
	struct tlsa_set set;
	bool secure;
	const char *name[DANE_NAMES];
	size_t names;
	int64_t now;
};

/* What a sender that follows RFC 7672 would do with that server. */
enum dane_outcome { OUTCOME_UNKNOWN, OUTCOME_AUTHENTICATED, OUTCOME_ENCRYPTED, OUTCOME_CLEAR, OUTCOME_DEFERRED };

/* smtp_report: steps about the visit, below the step that is open, with the table of each TLSA record against the
 * certificate; returns what a DANE sender would do. */
enum dane_outcome smtp_report(const struct smtp_visit *v, const struct smtp_promise *p, struct dane *dane, struct report *r);
#endif
