/* history: what one server, or one client, did before (detections F.2), as a value: what is learnt of a session, what is
 * recalled for the next, and how sure that is. Where the values lie is not known here; nor what time it is: "now" is the end
 * of the session that is judged.
 *
 *	history_key(HISTORY_HOST, session, key)    whose entry
 *	history_recall(entry, session)             facts history.*, and the expectation baseline
 *	history_learn(entry, session, level)       level: of its gravest finding */
#ifndef JUDGE_HISTORY_H
#define JUDGE_HISTORY_H
#include "record.h"

/* HISTORY_KEYS     keys of a server                HISTORY_CLIENTS  clients that are told apart
 * HISTORY_VIEWS    EHLO replies with a greeting    HISTORY_WORDS    octets of the keywords of one, a newline behind each
 * HISTORY_HELLOS   ClientHellos, and ServerHellos  HISTORY_FLIGHTS  sizes of a TLS 1.3 server's first flight
 * HISTORY_NAMES    hosts, and domains, of an address
 * HISTORY_KEY      octets of a key, with its NUL   HISTORY_BLOB     octets of an entry, packed */
enum {
	HISTORY_KEYS = 8, HISTORY_CLIENTS = 4, HISTORY_VIEWS = 2, HISTORY_WORDS = 512, HISTORY_HELLOS = 4, HISTORY_FLIGHTS = 4,
	HISTORY_NAMES = 4, HISTORY_NAME = 256, HISTORY_KEY = 288, HISTORY_BLOB = 8192
};

/* Sessions and days it takes (F.2). Days are counted as well as the time between the first and the last: many sessions at once
 * and one some days later are not a habit. */
enum {
	HISTORY_FEW = 5, HISTORY_FEW_DAYS = 3, HISTORY_MANY = 20, HISTORY_MANY_DAYS = 1, HISTORY_STRONG = 50, HISTORY_STRONG_DAYS = 14,
	HISTORY_FRESH_DAYS = 30, HISTORY_DROP_DAYS = 180, HISTORY_LOWER_DAYS = 14, HISTORY_LOWER_CLIENTS = 2, HISTORY_LOWER = 3,
	HISTORY_NEVER_DAYS = 30, HISTORY_MAP_DAYS = 7
};

struct history_times {
	int64_t first, last;       /* ns since 1970 */
	uint32_t n;
};

/* Who said it: at most HISTORY_CLIENTS are told apart. */
struct history_clients {
	uint64_t who[HISTORY_CLIENTS];
	uint8_t n;
};

/* keywords  of the EHLO reply, in order, as sent       banner  form of the greeting, without what changes each time */
struct history_view {
	struct history_times times;
	uint64_t banner;
	uint16_t n;
	char keywords[HISTORY_WORDS];
};

/* names: of subject and subjectAltName, with the issuer's; issuer: its name alone; kind: of the key */
struct history_spki {
	struct history_times times;
	uint8_t spki[32];
	uint64_t names, issuer, kind;
	uint16_t bits;
	uint8_t by;                /* enum issuerclass */
};

/* hello: what the client offered; version: 10 to 13 */
struct history_hello {
	struct history_times times;
	uint64_t hello;
	uint8_t version;
};

struct history_print {
	struct history_times times;
	uint64_t print;
};

struct history_flight {
	struct history_times times;
	uint16_t certificate, verify;
};

struct history_name {
	int64_t last;
	char name[HISTORY_NAME];
};

/* One entry. All zero: nothing is known.
 * all      sessions of any kind                 tls   with TLS, that taught
 * days     on how many days, the last is day    none  without an offer, while there never was one
 * weaker   without an offer that used to be, since the last with TLS; and by whom
 * other    with a certificate of another class, since the last with a known one; and by whom
 * claim    strength that an import claimed, at claimed (enum strength)
 * lowered  when it was lowered last, 0: never
 * host, domain  of an address: what it was for (HISTORY_ADDRESS) */
struct history_entry {
	struct history_times all, tls, none, weaker, other;
	struct history_clients clients, weaker_by, other_by;
	uint32_t days;
	int64_t day;
	uint8_t claim;
	int64_t claimed, lowered;
	uint8_t ttl;
	int64_t rtt;
	uint8_t views, keys, hellos, prints, flights, hosts, domains;
	struct history_view view[HISTORY_VIEWS];
	struct history_spki key[HISTORY_KEYS];
	struct history_hello hello[HISTORY_HELLOS];
	struct history_print print[HISTORY_HELLOS];
	struct history_flight flight[HISTORY_FLIGHTS];
	struct history_name host[HISTORY_NAMES], domain[HISTORY_NAMES];
};

/* HISTORY_HOST    the MX host as identified with medium confidence or better: a hint makes no key (A.3 R1)
 * HISTORY_SERVER  the server's address      HISTORY_CLIENT  the client's
 * HISTORY_ADDRESS the server's address, and the names it was for */
enum history_kind { HISTORY_HOST, HISTORY_SERVER, HISTORY_CLIENT, HISTORY_ADDRESS, HISTORY_KINDS };

/* Whose entry of that kind the session belongs to, as text: "host mx.example.net 25 own". false: none. Clients of the site's
 * own and others are told apart; where the site names no networks, all are its own. */
bool history_key(enum history_kind kind, const struct record *session, char key[HISTORY_KEY]);
/* The text of HISTORY_ADDRESS for an address. */
void history_key_address(const struct addr *a, char key[HISTORY_KEY]);

/* How much is known, at now. */
enum strength history_strength(const struct history_entry *e, int64_t now);
/* Does it bind the server: is it imported, established or strong? */
bool history_binds(enum strength s);
/* Must what the operator said or the DNS announced be answered with: what was known counts no more? It is learnt anew. */
void history_lower(struct history_entry *e, int64_t now);
/* An import claims strength (weak, established or strong) at a time; one's own observations stand beside it. */
void history_claim(struct history_entry *e, enum strength claim, int64_t at);

/* Facts history.* of the server's entry, and the expectation baseline if it binds. key: the entry's. */
void history_recall(const struct history_entry *e, const char *key, struct record *session);
/* history.client_uses_tls of the client's entry. */
void history_recall_client(const struct history_entry *e, struct record *session);

/* May the session teach: is it over, was it seen whole, and is none of its findings medium or above? */
bool history_teaches(const struct record *session, enum level worst);
/* What it teaches of its server. A weaker session does not teach that the server is weak: it is counted, and lowers what is
 * known after HISTORY_LOWER_DAYS of nothing else, from HISTORY_LOWER_CLIENTS clients. worst: of its findings. True: it did
 * so now. */
bool history_learn(struct history_entry *e, const struct record *session, enum level worst);
bool history_learn_client(struct history_entry *e, const struct record *session, enum level worst);
/* The host and domains that the session was for (A.3, ranks 1 to 4). */
void history_learn_names(struct history_entry *e, const struct record *session);

/* The entry in buf, room for HISTORY_BLOB; its octets. */
size_t history_pack(struct history_entry *e, uint8_t *buf);
/* false: it is not one of ours. */
bool history_unpack(struct history_entry *e, struct bytes in);
#endif
