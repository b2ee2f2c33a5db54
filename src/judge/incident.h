/* incident: what one trouble is over time: findings of one cause in a session are one chain, chains with one key are one incident,
 * and an incident speaks when it begins, when it gets worse, once an hour while it goes on, and when it ended.
 *
 * A struct incident is a plain value without pointers; who keeps many of them is sensor/incidents. Time is that of the packets. */
#ifndef JUDGE_INCIDENT_H
#define JUDGE_INCIDENT_H
#include "judge/rule.h"
#include "judge/site.h"

/* LINKS     findings of a chain that are kept        SESSIONS  ids of sessions: the first, and the latest
 * CLIENTS   client groups that are told apart        SERVERS   addresses of servers, likewise
 * NAME      octets of a host or domain that are kept
 * HOUR      between two words about what only goes on    QUIET     without occurrence, after which it is over, ns
 * RATE      times as many in an hour as were ever said to be */
enum { INCIDENT_LINKS = 16, INCIDENT_SESSIONS = 16, INCIDENT_CLIENTS = 16, INCIDENT_SERVERS = 16, INCIDENT_NAME = 128,
       INCIDENT_KEY = 16, INCIDENT_ID = 33, INCIDENT_FINDING = 65, INCIDENT_RATE = 10 };
#define INCIDENT_HOUR (INT64_C(3600) * 1000000000)
#define INCIDENT_QUIET (24 * INCIDENT_HOUR)

/* Findings of one cause, in the order of causes. head: the one that names the alert. group: NULL, or INCIDENT_KEY octets that name
 * what several sessions have in common: then that, and not the server, is what occurrences share. */
struct incident_chain {
	const struct finding *head, *link[INCIDENT_LINKS];
	uint8_t links;
	const uint8_t *group;
};

/* What an incident is doing when it speaks. */
enum incident_word { INCIDENT_NOTHING, INCIDENT_OPENED, INCIDENT_WORSE_LEVEL, INCIDENT_WORSE_OUTCOME, INCIDENT_NEW_CLIENT,
		     INCIDENT_MORE_OFTEN, INCIDENT_GOES_ON, INCIDENT_ENDED, INCIDENT_MOVED };

/* key       what the occurrences have in common        id      of the incident, 32 hexadecimal digits
 * opener    id of the session it began with            slot    the chain, or the finding, within that session
 * client server port host domain   of the first occurrence
 * finding variant rule message     of the worst one; rule is the id of its document
 * link      the chain, ids of findings; all that it ever had, in the order of causes
 * level outcome                    the worst so far       certainty expectation   of the worst
 * revision  of the last word; 0: none yet
 * count     occurrences        told      of these, those that the last word knew of
 * last_level                   the latest occurrence's; what repeats in silence is counted by session
 * hour hour_n  occurrences since hour, for at most an hour   rate   the most an hour that was said
 * first last   of its sessions, begin and end; said: time of the last word
 * acked     somebody looked at it: it counts in silence until it gets worse, and says when it ended
 * device    of the site's own, which may do this: all that it does is one incident, told once a day */
struct incident {
	uint8_t key[INCIDENT_KEY];
	char id[INCIDENT_ID], opener[INCIDENT_FINDING], slot[INCIDENT_FINDING];
	struct addr client, server;
	uint16_t port;
	char host[INCIDENT_NAME], domain[INCIDENT_NAME], device[INCIDENT_FINDING];
	char finding[INCIDENT_FINDING], variant[INCIDENT_FINDING], rule[37], message[1024], reason[512];
	char link[INCIDENT_LINKS][INCIDENT_FINDING];
	char session[INCIDENT_SESSIONS][INCIDENT_FINDING];
	struct cidr group[INCIDENT_CLIENTS];
	struct addr address[INCIDENT_SERVERS];
	uint8_t links, sessions, groups, addresses;
	uint8_t level, certainty, expectation, outcome, direction, segment, attribution, vantage;
	bool acked, others;
	uint32_t revision, rate, hour_n, clients, servers;
	uint64_t count, told, suppressed;
	int64_t first, last, said, hour;
};

/* incident_chains: the findings of one session as chains: one of all that have a place in it (rule_stage), and one for each of the
 * others.
 * out  room for RULE_FINDINGS. Those whose head is below level low are left out.
 * Returns how many. */
size_t incident_chains(const struct finding *finding, size_t n, struct incident_chain *out);
/* The chain of causes, or the finding: what it is called within its session. */
const char *incident_slot(const struct incident_chain *chain);
/* incident_group: the network that stands for this client: the site's own one that it is in, else its /24 or /48. */
struct cidr incident_group(const struct site *site, const struct addr *client);
/* incident_key: a hash of finding, variant, server, mail domain, direction and segment (detections.md F.3), and of the distinct
 * links. Client groups are within an incident. false: OpenSSL has no memory. */
bool incident_key(const struct incident_chain *chain, const struct record *session, uint8_t key[INCIDENT_KEY]);
/* incident_begin: the incident that this chain begins; it says INCIDENT_OPENED. key: of incident_key */
void incident_begin(struct incident *i, const uint8_t key[INCIDENT_KEY], const struct incident_chain *chain,
		    const struct record *session, const struct site *site);
/* incident_more: one occurrence more. What is to be said of it, the first that holds of the words above. */
enum incident_word incident_more(struct incident *i, const struct incident_chain *chain, const struct record *session,
				 const struct site *site);
/* incident_again: the same occurrence once more, of which more is known now (interim and final): never counted twice. moved: its
 * key is another now, and the incident has only this occurrence, so that it takes the chain's names and key. */
enum incident_word incident_again(struct incident *i, const uint8_t key[INCIDENT_KEY], const struct incident_chain *chain,
				  const struct record *session);
/* The time at which the incident has something to say by itself if nothing happens before; and what: INCIDENT_GOES_ON or
 * INCIDENT_ENDED. */
int64_t incident_due(const struct incident *i, enum incident_word *word);
/* incident_said: the word goes out: counts the revision, and takes what was counted as told. now: event time */
void incident_said(struct incident *i, int64_t now);
/* For people: why it speaks (event.reason). */
const char *incident_says(enum incident_word word);
/* Is b worse than a? Both are enum outcome. */
bool incident_worse(uint8_t a, uint8_t b);
/* incident_check: may this value, from a file, be an incident? Texts end, counts are within bounds. */
bool incident_check(const struct incident *i);
#endif
