/* world: the mail world that a simulated quarter happens in: servers of others and what each promises, the site's
 * own clients and servers, what changes in them and when, and who attacks whom. All of it follows from a seed. */
#ifndef QUARTER_WORLD_H
#define QUARTER_WORLD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SERVERS = 200,
	OWN_SERVERS = 2,
	ALL_SERVERS = SERVERS + OWN_SERVERS,
	CLIENTS = 20,
	DAYS = 90,
	ATTACKS_MAX = 48,
	EVENTS_MAX = 96
};
#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define EPOCH (INT64_C(1767571200) * SECOND) /* Monday, 5 January 2026 */

struct dice {
	uint64_t state;
};
uint64_t dice_next(struct dice *d);
/* Below n. */
uint32_t dice(struct dice *d, uint32_t n);
/* True once in 1000 / permille. */
bool chance(struct dice *d, uint32_t permille);
/* A number that these three always give. */
uint64_t mixed(uint64_t a, uint64_t b, uint64_t c);

enum promise { P_NONE, P_NEVER, P_DANE, P_STS, P_TESTING, P_POLICY, P_OWN };

/* One MX host.
 * host, domain    names
 * addr            IPv4; addr2: from moved on
 * weekly          mails a week
 * product         whose greeting and keywords it has; upgraded: when it got its next version, or never (INT64_MAX)
 * tls13           it chooses TLS 1.3
 * ca              0: self-signed; else number of the authority that signs
 * renewal         days between two certificates; offset of the first one; reuse: the key stays
 * hoster          0, or the number of the hoster, all of whose hosts have one certificate and the same greeting
 * signed_domain   the mail domain's zone is signed too
 * dane_from       when its TLSA records were published
 * listed          it is on the watch list: address and domain are known before any session
 * grey            a bare front end turns away whom it does not know
 * flaky           permille of sessions in which TLS is refused for a while
 * backup          the same domain's host that takes over when this one cannot be reached, or -1
 * moves_to, moves_at  from then on the domain's mail goes there; -1: it stays
 * balanced        two products stand behind one address: 0, or the other one's number and 1
 * withheld        the client that is never offered TLS, or -1
 * new_ca_at       from then on another authority signs its certificates
 * rekeyed_at      from then on it has another key, whose TLSA record comes a day late (E_ROLLOVER)
 * off_at          the owner switched TLS off for good, or never */
struct server {
	char host[96], domain[64];
	enum promise promise;
	uint32_t addr, addr2;
	int64_t addr2_at, upgraded, dane_from, moves_at, off_at, new_ca_at, rekeyed_at;
	uint32_t weekly;
	uint8_t product, ca, hoster, ttl, balanced;
	uint16_t renewal, offset, flaky;
	int16_t backup, moves_to, withheld;
	bool tls13, reuse, signed_domain, listed, grey;
};

enum client_kind { C_MTA, C_APP, C_SCANNER, C_HEALTH, C_FOREIGN, C_FOREIGN_SCANNER, C_FOREIGN_HEALTH };

/* enforce_dane, enforce_sts: does not send in clear, or to the wrong peer, against these
 * waits     in clear only after a failed delivery in the queue, like Postfix; else at once, like Exim
 * clear     never asks for TLS
 * nat       stands behind the address of client nat (or -1)
 * begins    before that it is not there */
struct client {
	char name[64];
	uint32_t addr;
	enum client_kind kind;
	bool enforce_dane, enforce_sts, waits, clear;
	int64_t begins;
	uint8_t group;
};

enum event_kind { E_DOWN, E_BROKEN, E_DNS, E_GAPS, E_ONE_SIDE, E_ROLLOVER };

/* Something that befalls a server (-1: all) from t0 to t1 without anybody's ill will. */
struct event {
	enum event_kind kind;
	int16_t server;
	int64_t t0, t1;
};

enum attack_kind {
	A_STRIP,
	A_MASK,
	A_REFUSE,
	A_BANNER,
	A_RESET,
	A_ANSWERED,
	A_INTERCEPT,
	A_LOOKALIKE,
	A_DANCE,
	A_STEER,
	A_STEER_CUT,
	A_REDIRECT,
	A_REWRITE,
	A_CONFLICT,
	A_RST,
	A_SENTINEL,
	A_NONE
};

/* One attack, planted.
 * name     what it is, for the list
 * target   servers, targets of them
 * clients  bit of each client it touches
 * permille of the sessions it touches, at t0 and at t1; between them it grows evenly
 * most     sessions, or 0: all
 * finds    ids of findings, one of which must be told of one of its sessions at medium or higher; a blank between
 * two forged_from  from then on, up to t0, strangers that do not exist have sessions in clear with the target; 0:
 * they have none hard     nobody can be sure to find it: counted apart touched, found, by, at   the result */
struct attack {
	const char *name;
	enum attack_kind kind;
	int16_t target[8];
	uint8_t targets;
	uint32_t clients;
	int64_t t0, t1;
	uint16_t permille0, permille1;
	uint32_t most;
	const char *finds;
	bool hard;
	int64_t forged_from;
	uint32_t touched, alerts;
	bool found;
	char by[64];
	int64_t first, at;
};

struct world {
	uint64_t seed;
	struct server server[ALL_SERVERS];
	struct client client[CLIENTS];
	struct event event[EVENTS_MAX];
	uint32_t events;
	struct attack attack[ATTACKS_MAX];
	uint32_t attacks;
};

void world_make(struct world *w, uint64_t seed, uint32_t volume);
/* Does it choose TLS 1.3 at t? Some do only since they were upgraded. */
bool world_tls13(const struct server *s, int64_t t);
/* Number of the certificate that a server shows at t, from 0. */
uint32_t world_certificate(const struct server *s, int64_t t);
/* The event of that kind that befalls server at t, or NULL. */
const struct event *world_event(const struct world *w, enum event_kind kind, int server, int64_t t);
#endif
