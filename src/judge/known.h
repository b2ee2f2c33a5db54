/* known: what others in this program knew of a session's server before it was seen: the configuration (where does the site send
 * this mail?), the watch list (whose MX is this?) and the history (whom did clients mean here, lately?). The operator's word is
 * what the client meant; of the others, names start questions and only the answers count. */
#ifndef JUDGE_KNOWN_H
#define JUDGE_KNOWN_H
#include "question.h"

/* KNOWN_HOSTS    hosts that one session is told of
 * KNOWN_DOMAINS  mail domains of one of them */
enum { KNOWN_HOSTS = 4, KNOWN_DOMAINS = 8 };

/* Who knew it, the surest first. CONFIGURED: a route of the configuration (policy_route). WATCHED: the watch list, by validated MX and addresses. REMEMBERED: the history, from sessions of the last 7 days
 * whose identity was configured, of a DNSSEC chain, or watched. */
enum known_by { KNOWN_CONFIGURED, KNOWN_WATCHED, KNOWN_REMEMBERED };

/* host     as identity_name writes it; a configured one may be an address as text, to which DANE does not apply
 * domain   mail domains whose MX set has this host, domains of them; more: there are others, which are not told. Of a
 *          configured one: the mail domain of the next hop
 * route    name of the route; empty unless configured
 * by       enum known_by */
enum { KNOWN_ROUTE = 64 };
struct known_host {
	char route[KNOWN_ROUTE + 1];
	char host[NAME_MAX_TEXT + 1];
	char domain[KNOWN_DOMAINS][NAME_MAX_TEXT + 1];
	uint8_t domains;
	bool more;
	uint8_t by;
};

/* All zero: nothing is known. cut: there were more hosts. routed: bit i: recipient domain i of struct identity goes to a
 * configured host, and its MX is nothing to this session. */
struct known {
	struct known_host host[KNOWN_HOSTS];
	uint8_t hosts, routed;
	bool cut;
};

/* known_add: one more host, or one more domain of a host that is there; domain NULL or empty: none is known. Of a host that several
 * know the surest word stays. Returns its entry; NULL: no name, or no room. */
struct known_host *known_add(struct known *k, enum known_by by, const char *host, const char *domain);
/* known_find: the entry of this host, or NULL. */
const struct known_host *known_find(const struct known *k, const char *host);
#endif
