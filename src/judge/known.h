/* known: what others in this program knew of a server before the session was seen: the watch list (whose MX is this?) and the
 * history (whom did clients mean here, lately?). Names that they give start questions; only the answers count. */
#ifndef JUDGE_KNOWN_H
#define JUDGE_KNOWN_H
#include "question.h"

/* KNOWN_HOSTS    hosts that one session is told of
 * KNOWN_DOMAINS  mail domains of one of them */
enum { KNOWN_HOSTS = 4, KNOWN_DOMAINS = 8 };

/* Who knew it. WATCHED: the watch list, by validated MX and addresses. REMEMBERED: the history, from sessions of the last 7 days
 * whose identity was configured, of a DNSSEC chain, or watched. */
enum known_by { KNOWN_WATCHED, KNOWN_REMEMBERED };

/* host     as identity_name writes it
 * domain   mail domains whose MX set has this host, domains of them; more: there are others, which are not told
 * by       enum known_by */
struct known_host {
	char host[NAME_MAX_TEXT + 1];
	char domain[KNOWN_DOMAINS][NAME_MAX_TEXT + 1];
	uint8_t domains;
	bool more;
	uint8_t by;
};

/* All zero: nothing is known. cut: there were more hosts. */
struct known {
	struct known_host host[KNOWN_HOSTS];
	uint8_t hosts;
	bool cut;
};

/* known_add: one more host, or one more domain of a host that is there; domain NULL or empty: none is known. Of a host that both
 * know the watch list's word stays. */
void known_add(struct known *k, enum known_by by, const char *host, const char *domain);
/* known_find: the entry of this host, or NULL. */
const struct known_host *known_find(const struct known *k, const char *host);
#endif
