/* policy: what the site itself promises for its peers, and where its mail is led by configuration. The operator's word: it
 * may ask for more than the DNS does, and never for less. */
#ifndef JUDGE_POLICY_H
#define JUDGE_POLICY_H
#include "judge/known.h"
#include "judge/site.h"

/* POLICY_PROMISES, POLICY_ROUTES, POLICY_INSPECTIONS  entries of each list
 * POLICY_DIGEST                                       octets of a SHA-256 */
enum { POLICY_PROMISES = 1024, POLICY_ROUTES = 256, POLICY_INSPECTIONS = 64, POLICY_DIGEST = 32, POLICY_NAME = 64 };

/* Names as text, n of them: lower case, no trailing dot. "mail.example.net" is that name, ".example.net" any name below it. */
struct policy_names {
	const char *const *name;
	size_t n;
};

struct policy_ports {
	const uint16_t *port;
	size_t n;
};

/* A key, by the SHA-256 of its SubjectPublicKeyInfo. der: the certificate that it was taken from, or empty. */
struct policy_key {
	uint8_t spki[POLICY_DIGEST];
	struct bytes der;
};

struct policy_keys {
	const struct policy_key *key;
	size_t n;
};

/* One entry of policy.
 * name       of the entry
 * scope      domains, mx, servers: the session is for one of these; when all three are empty, for whomever. clients, ports:
 *            where they are not empty, from one of these and to one of these too
 * promise    tls, dane, requiretls: TLS; TLS with DANE; TLS with a certificate that holds (RFC 8689). pin_spki: the leaf's key
 *            is one of these. pin_ca: the chain ends at one of these. names: the leaf is for one of these
 * known_clear  clear text is agreed, and reason says why
 * until      ns since 1970, when the entry ends; 0: it does not */
struct policy_promise {
	const char *name, *reason;
	struct policy_names domains, mx, names;
	const struct networks *servers, *clients;
	struct policy_ports ports;
	struct policy_keys pin_spki, pin_ca;
	uint8_t tls, dane;         /* enum policy_need */
	bool requiretls, known_clear;
	int64_t until;
};

/* One entry of routes: mail that goes to a host by configuration, without MX.
 * domains      recipient domains that it is for; none: all
 * clients, servers  as in a promise; NULL: all
 * host         where it goes: a name, or an address as text
 * port         0: any
 * tlsa_base    the name whose TLSA records count, "" : host
 * policy_domain  the next hop's mail domain, for MTA-STS (RFC 8461 3.4), "": none */
struct policy_route {
	const char *name, *host, *tlsa_base, *policy_domain;
	struct policy_names domains;
	const struct networks *clients, *servers;
	uint32_t port;
};

/* One entry of inspection: a device of the site's own that is expected to change what passes through it.
 * clients, servers, domains  whose sessions pass through it; all of them that are not empty must fit. NULL, none: all
 * exempt_servers, exempt_domains  which shall pass unchanged
 * ca           keys of the authority that signs what it shows in place of the servers' certificates
 * forms        what it may do: finding, or finding/variant
 * dane         also to servers that promise DANE */
struct policy_inspection {
	const char *name;
	struct policy_names domains, exempt_domains, forms;
	const struct networks *clients, *servers, *exempt_servers;
	struct policy_keys ca;
	bool dane;
	int64_t until;
};

enum policy_need { POLICY_NOT, POLICY_REQUIRED };

struct policy_promises {
	const struct policy_promise *at;
	size_t n;
};

struct policy_routes {
	const struct policy_route *at;
	size_t n;
};

struct policy_inspections {
	const struct policy_inspection *at;
	size_t n;
};

/* Borrows all from the configuration.
 * own, partner  mail domains of the site itself, and those whose mail matters most
 * never         suffixes that no question is asked about */
struct policy {
	struct policy_promises promise;
	struct policy_routes route;
	struct policy_inspections inspection;
	struct policy_names own, partner, never;
};

/* policy_names_have: is name one of them, or below one? Case and one trailing dot do not count. */
bool policy_names_have(const struct policy_names *set, struct bytes name);
/* policy_is_partner, policy_is_own: a mail domain, as the operator lists it. */
bool policy_is_partner(const struct policy *p, struct bytes domain);
bool policy_is_own(const struct policy *p, struct bytes domain);
/* policy_never: is this a name that no question may be asked about? The list's names count with all below them. */
bool policy_never(const struct policy *p, struct bytes name);
/* policy_scope: is the session one that the device may change: through it, and nothing that is exempt? no: through it, and
 * exempt. unseen: not through it. Reads addresses, identity.host, identity.domains, smtp.rcpt_domains, event.start. */
enum tri policy_scope(const struct policy_inspection *i, const struct record *session);
/* policy_inspection_named: the entry of that name, or NULL. policy_does: is that what the device may do? */
const struct policy_inspection *policy_inspection_named(const struct policy *p, struct bytes name);
bool policy_does(const struct policy_inspection *i, const char *finding, const char *variant);

/* policy_leads: does the chain lead to one of these keys, at a time (RFC 5280 6)? Names are not asked for.
 * chain  certificate_list, leaf first; at  ns since 1970. A digest counts where the server sent the certificate of that key, above
 * its leaf; a key that came from a certificate also where it did not. */
bool policy_leads(const struct policy_keys *keys, struct bytes chain, int64_t at);

/* policy_judge: what the site's own entries make of a session:
 *   mxwitness.policy.*, and policy in mxwitness.expectation.* where one of them requires TLS
 * All entries that fit are asked; name is the first that is not kept, else the first. A certificate counts as in peer_judge:
 * seen, and taken or refused by the client. A pin is the operator's own word: that DANE matches does not keep it.
 * Call it after promise_judge and sts_judge, whose expectations and identity it reads, and before peer_judge. */
void policy_judge(const struct policy *p, struct record *session, struct bytes chain);
/* policy_expect: policy in mxwitness.expectation.*, if mxwitness.policy.tls_required says so: the last step of policy_judge, for
 * whoever has the facts from elsewhere. */
void policy_expect(struct record *session);
/* policy_routes: the configured next hops of the session into *known: for each recipient domain the first route that fits; where
 * no recipient was seen, the first that fits a client which names its host, or that is for all domains. */
void policy_routes(const struct policy *p, const struct record *session, struct known *known);
#endif
