/* world: see world.h. Rates, lives of certificates and mixtures are those that detections.md and measurements of
 * the mail world name; where nobody measured, they are guesses, and said to be in BENCHMARKS.md. */
#include "world.h"

#include <stdio.h>
#include <string.h>

uint64_t mixed(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) ^ (b + 1) * UINT64_C(0xbf58476d1ce4e5b9) ^
		     (c + 1) * UINT64_C(0x94d049bb133111eb);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t dice_next(struct dice *d)
{
	d->state += UINT64_C(0x9e3779b97f4a7c15);
	return mixed(d->state, 1, 2);
}

uint32_t dice(struct dice *d, uint32_t n)
{
	return n ? (uint32_t)(dice_next(d) % n) : 0;
}

bool chance(struct dice *d, uint32_t permille)
{
	return dice(d, 1000) < permille;
}

/* No private, reserved or own address. */
static uint32_t foreign_address(struct dice *d)
{
	return (20 + dice(d, 70)) << 24 | dice(d, 256) << 16 | dice(d, 256) << 8 | (1 + dice(d, 254));
}

static uint32_t weekly_of(struct dice *d, uint32_t volume)
{
	static const uint16_t rate[] = { 1, 1, 2, 3, 5, 8, 12, 20, 30, 45, 70, 120 };
	uint32_t n = rate[dice(d, sizeof(rate) / sizeof(rate[0]))];
	return n <= 1 ? n : (n * volume + 99) / 100;
}

static void plain_server(struct server *s, struct dice *d, unsigned i, uint32_t volume)
{
	*s = (struct server){ .addr = foreign_address(d),
			      .addr2_at = INT64_MAX,
			      .upgraded = INT64_MAX,
			      .moves_at = INT64_MAX,
			      .off_at = INT64_MAX,
			      .new_ca_at = INT64_MAX,
			      .rekeyed_at = INT64_MAX,
			      .withheld = -1,
			      .weekly = weekly_of(d, volume),
			      .product = (uint8_t)dice(d, 5),
			      .ttl = (uint8_t)(44 + dice(d, 16)),
			      .backup = -1,
			      .moves_to = -1,
			      .tls13 = chance(d, 750),
			      .ca = (uint8_t)(chance(d, 200) ? 0 : 1 + dice(d, 4)) };
	s->renewal = (uint16_t)(s->ca == 1 ? 60 : s->ca ? 365 : 3650);
	s->offset = (uint16_t)dice(d, s->renewal);
	s->reuse = chance(d, 400);
	snprintf(s->host, sizeof(s->host), "mx%u.partner%03u.example", 1 + dice(d, 2), i);
	snprintf(s->domain, sizeof(s->domain), "partner%03u.example", i);
	if (chance(d, 60))
		s->upgraded = EPOCH + (int64_t)dice(d, DAYS) * DAY + 3 * HOUR;
	if (chance(d, 30))
		s->addr2_at = EPOCH + (20 + (int64_t)dice(d, 60)) * DAY;
	s->addr2 = foreign_address(d);
}

enum { DANE_N = 40, STS_N = 30, TESTING_N = 5, POLICY_N = 15, HOSTED_N = 30, NEVER_N = 15 };

/* A hoster: a name for each of its customers, few addresses, one certificate, one product. */
static void hosted_server(struct server *s, struct dice *d, unsigned i)
{
	unsigned h = 1 + i % 3;
	s->hoster = (uint8_t)h;
	s->product = (uint8_t)(5 + h - 1);
	s->addr = (40 + h) << 24 | 107 << 16 | h << 8 | (16 + dice(d, 4));
	s->tls13 = h != 2;
	s->ttl = (uint8_t)(46 + 3 * h);
	s->ca = (uint8_t)(1 + h);
	s->renewal = 90;
	s->offset = (uint16_t)(20 * h);
	s->reuse = false;
	s->upgraded = h == 1 ? EPOCH + 50 * DAY : INT64_MAX;
	s->addr2_at = INT64_MAX;
	snprintf(s->host, sizeof(s->host), "partner%03u-example.mail.hoster%u.example", i, h);
}

static void make_servers(struct world *w, struct dice *d, uint32_t volume)
{
	for (unsigned i = 0; i < SERVERS; i++) {
		struct server *s = &w->server[i];
		unsigned at = i;
		plain_server(s, d, i, volume);
		if (at < DANE_N) {
			s->promise = P_DANE;
			s->signed_domain = chance(d, 750);
			continue;
		}
		at -= DANE_N;
		if (at < STS_N + TESTING_N) {
			s->promise = at < STS_N ? P_STS : P_TESTING;
			s->listed = true;
			s->ca = (uint8_t)(s->ca ? s->ca : 1);
			if (at % 3 == 0)
				hosted_server(s, d, i);
			continue;
		}
		at -= STS_N + TESTING_N;
		if (at < POLICY_N) {
			s->promise = P_POLICY;
			s->listed = true;
			continue;
		}
		at -= POLICY_N;
		if (at < HOSTED_N) {
			hosted_server(s, d, i);
			continue;
		}
		at -= HOSTED_N;
		if (at < NEVER_N) {
			s->promise = P_NEVER;
			continue;
		}
		s->grey = at % 17 == 0;
		s->flaky = at % 23 == 0 ? 40 : 0;
	}
	for (unsigned i = SERVERS; i < ALL_SERVERS; i++) {
		struct server *s = &w->server[i];
		plain_server(s, d, i, volume);
		*s = (struct server){ .promise = P_OWN,
				      .addr = UINT32_C(192) << 24 | 2 << 8 | (i - SERVERS + 20),
				      .addr2_at = INT64_MAX,
				      .upgraded = EPOCH + 33 * DAY,
				      .moves_at = INT64_MAX,
				      .off_at = INT64_MAX,
				      .new_ca_at = INT64_MAX,
				      .rekeyed_at = INT64_MAX,
				      .withheld = -1,
				      .tls13 = true,
				      .ca = 1,
				      .renewal = 60,
				      .offset = 5,
				      .reuse = true,
				      .ttl = 64,
				      .backup = -1,
				      .moves_to = -1,
				      .listed = true,
				      .signed_domain = true };
		snprintf(s->host, sizeof(s->host), "mx%u.own.example", i - SERVERS + 1);
		snprintf(s->domain, sizeof(s->domain), "own.example");
	}
}

static void make_clients(struct world *w, struct dice *d)
{
	static const struct client c[CLIENTS] = {
		{ .name = "out1.own.example",
		  .kind = C_MTA,
		  .enforce_dane = true,
		  .enforce_sts = true,
		  .waits = true,
		  .group = 1 },
		{ .name = "out2.own.example",
		  .kind = C_MTA,
		  .enforce_dane = true,
		  .enforce_sts = true,
		  .waits = true,
		  .group = 1 },
		{ .name = "out3.own.example", .kind = C_MTA, .waits = true, .group = 2 },
		{ .name = "out4.own.example", .kind = C_MTA, .waits = true, .group = 2 },
		{ .name = "lists.own.example", .kind = C_MTA, .enforce_sts = true, .group = 3 },
		{ .name = "crm.own.example", .kind = C_MTA, .group = 4 },
		{ .name = "nat1.own.example", .kind = C_MTA, .enforce_dane = true, .waits = true, .group = 5 },
		{ .name = "nat2.own.example", .kind = C_MTA, .group = 5 },
		{ .name = "out5.own.example",
		  .kind = C_MTA,
		  .waits = true,
		  .group = 2,
		  .begins = EPOCH + 45 * DAY },
		{ .name = "app.own.example", .kind = C_APP, .clear = true, .group = 6 },
		{ .name = "scan.own.example", .kind = C_SCANNER, .group = 7 },
		{ .name = "monitor.own.example", .kind = C_HEALTH, .group = 7 },
		{ .name = "mail.alpha.example", .kind = C_FOREIGN },
		{ .name = "mail.bravo.example", .kind = C_FOREIGN },
		{ .name = "mail.charlie.example", .kind = C_FOREIGN },
		{ .name = "legacy.delta.example", .kind = C_FOREIGN, .clear = true },
		{ .name = "pool.echo.example", .kind = C_FOREIGN },
		{ .name = "bulk.foxtrot.example", .kind = C_FOREIGN },
		{ .name = "census.golf.example", .kind = C_FOREIGN_SCANNER },
		{ .name = "uptime.hotel.example", .kind = C_FOREIGN_HEALTH },
	};
	memcpy(w->client, c, sizeof(c));
	for (unsigned i = 0; i < CLIENTS; i++)
		w->client[i].addr = w->client[i].kind <= C_HEALTH ? UINT32_C(192) << 24 | 2 << 8 | (30 + i)
								  : foreign_address(d);
	w->client[7].addr = w->client[6].addr;
	w->client[9].addr = UINT32_C(192) << 24 | 2 << 8 | 90;
}

static void befall(struct world *w, enum event_kind kind, int server, int64_t t0, int64_t last)
{
	if (w->events < EVENTS_MAX)
		w->event[w->events++] = (struct event){ kind, (int16_t)server, t0, t0 + last };
}

/* A morning or an afternoon, and no week-end: then there is mail to see. */
static int64_t day(struct dice *d, unsigned from, unsigned to)
{
	unsigned at = from + dice(d, to - from);
	at -= at % 7 >= 5 ? 2 : 0;
	return EPOCH + (int64_t)at * DAY + (int64_t)(6 + dice(d, 6)) * HOUR;
}

/* A server of that promise that nothing was done to yet, with mail enough. */
static int16_t pick(struct world *w, struct dice *d, enum promise promise, int tls13, uint32_t least, bool *used)
{
	for (unsigned i = 0; i < 4000; i++) {
		unsigned at = dice(d, SERVERS);
		const struct server *s = &w->server[at];
		if (used[at] || s->promise != promise || s->weekly < least ||
		    (tls13 >= 0 && s->tls13 != (tls13 > 0)) || s->hoster || s->grey || s->flaky ||
		    s->upgraded != INT64_MAX || s->addr2_at != INT64_MAX)
			continue;
		used[at] = true;
		return (int16_t)at;
	}
	for (unsigned at = 0; at < SERVERS; at++) { /* none is left: any that is free, made to fit */
		struct server *s = &w->server[at];
		if (used[at] || s->promise != promise || s->hoster)
			continue;
		used[at] = true;
		s->weekly = s->weekly < least ? least : s->weekly;
		s->tls13 = tls13 >= 0 ? tls13 > 0 : s->tls13;
		s->upgraded = s->addr2_at = INT64_MAX;
		s->grey = false;
		s->flaky = 0;
		return (int16_t)at;
	}
	return 0;
}

static void make_events(struct world *w, struct dice *d, bool *used)
{
	for (unsigned i = 0; i < 12; i++)
		befall(w, E_DOWN, (int)dice(d, SERVERS), day(d, 3, 85), (int64_t)(1 + dice(d, 30)) * HOUR);
	for (unsigned i = 0; i < 3; i++)
		befall(w, E_BROKEN, pick(w, d, P_NONE, -1, 12, used), day(d, 25, 80),
		       (int64_t)(4 + dice(d, 40)) * HOUR);
	befall(w, E_DNS, -1, day(d, 20, 40), 2 * HOUR);
	befall(w, E_DNS, -1, day(d, 50, 80), 20 * MINUTE);
	befall(w, E_GAPS, -1, day(d, 10, 30), 18 * HOUR);
	befall(w, E_GAPS, -1, day(d, 60, 80), 3 * HOUR);
	befall(w, E_ONE_SIDE, -1, day(d, 40, 60), 3 * HOUR);
	int16_t rolled = pick(w, d, P_DANE, 0, 45, used);
	w->server[rolled].rekeyed_at = day(d, 30, 60);
	w->server[rolled].ca = 1;
	befall(w, E_ROLLOVER, rolled, w->server[rolled].rekeyed_at, 20 * HOUR);
	w->server[pick(w, d, P_NONE, -1, 12, used)].off_at = day(d, 50, 60);
	w->server[pick(w, d, P_NONE, -1, 45, used)].withheld = 5;
	for (unsigned i = 0; i < 2; i++)
		w->server[pick(w, d, P_NONE, -1, 30, used)].balanced = 1 + 1;
	for (unsigned i = 0; i < 3; i++) {
		struct server *s = &w->server[pick(w, d, i ? P_NONE : P_DANE, 0, 20, used)];
		s->new_ca_at = day(d, 30, 70);
		s->reuse = i == 1;
	}
	for (unsigned i = 0; i < 2; i++) { /* a true outage, and a backup that is as good */
		enum promise promise = i ? P_NONE : P_DANE;
		int16_t first = pick(w, d, promise, -1, 30, used), second = pick(w, d, promise, -1, 1, used);
		w->server[first].backup = second;
		w->server[second].weekly = 0;
		w->server[first].signed_domain = w->server[second].signed_domain = true;
		memcpy(w->server[second].domain, w->server[first].domain, sizeof(w->server[second].domain));
		befall(w, E_DOWN, first, day(d, 20, 80), 9 * HOUR);
	}
	for (unsigned i = 0; i < 3;
	     i++) { /* M0 to M6: the domain moves from the hoster's old name to one with DNSSEC, and then DANE */
		struct server *old = &w->server[DANE_N + STS_N + TESTING_N + POLICY_N + 3 * i];
		int16_t to = pick(w, d, P_DANE, 1, 1, used);
		struct server *new = &w->server[to];
		old->weekly = old->weekly < 20 ? 20 : old->weekly;
		old->moves_to = to;
		old->moves_at = day(d, 30, 50);
		new->weekly = 0;
		new->dane_from = old->moves_at + 2 * DAY;
		new->signed_domain = true;
		new->hoster = old->hoster;
		new->product = old->product;
		snprintf(new->host, sizeof(new->host), "partner-example%u.x%u-v1.mx.hoster.example", i, i + 3);
		memcpy(new->domain, old->domain, sizeof(new->domain));
	}
}

enum { OUT_ALL = 0x1ff, GROUP_B = 0x10c, ENFORCING = 3, FOREIGN = 0x3f000 };

static struct attack *plant(struct world *w, const char *name, enum attack_kind kind, int16_t target,
			    uint32_t clients, int64_t t0, int64_t last, const char *finds)
{
	struct attack *a = &w->attack[w->attacks++];
	*a = (struct attack){ .name = name,
			      .kind = kind,
			      .target = { target },
			      .targets = 1,
			      .clients = clients,
			      .t0 = t0,
			      .t1 = t0 + last,
			      .permille0 = 1000,
			      .permille1 = 1000,
			      .finds = finds };
	return a;
}

#define STRIPPED                                                                                                   \
	"starttls-not-offered starttls-keyword-masked starttls-refused tls-failed-then-cleartext sts-violation"
#define BROKEN                                                                                                     \
	"tls-handshake-reset tls-handshake-stalled tls-handshake-alert tls-failed-then-cleartext rst-injected"
#define CHANGED "cert-changed cert-lookalike tls-interception-suspected tlsa-mismatch cert-invalid"

enum { ANY = -1, OLD = 0, NEW = 1 }; /* TLS version of a target: as it comes, 1.2, 1.3 */

/* Attacks that need nothing but a target.
 * least     mails a week that the target has   from, to  days between which it begins, 0: on the first day
 * hours     how long      targets  servers, 0: one */
struct plan {
	const char *name;
	enum attack_kind kind;
	enum promise promise;
	int tls13;
	uint32_t least, clients;
	unsigned from, to, hours;
	const char *finds;
	unsigned targets, most;
	bool hard;
	uint16_t permille0;
	unsigned forged_hours;
};

static const struct plan plans[] = {
	{ .name = "strip, host with DANE, all clients, two days",
	  .kind = A_STRIP, P_DANE, ANY, 20, OUT_ALL, 20, 80, 48, STRIPPED },
	{ .name = "strip, host with DANE, a single session",
	  .kind = A_STRIP, P_DANE, ANY, 20, GROUP_B, 20, 80, 216, STRIPPED, .most = 1 },
	{ .name = "mask, host with DANE, clients that insist",
	  .kind = A_MASK, P_DANE, ANY, 45, ENFORCING, 20, 80, 96, STRIPPED },
	{ .name = "strip, STS enforce, all clients",
	  .kind = A_STRIP, P_STS, ANY, 30, OUT_ALL, 20, 80, 72, STRIPPED },
	{ .name = "refuse, STS enforce, all clients",
	  .kind = A_REFUSE, P_STS, ANY, 30, OUT_ALL, 20, 80, 72, STRIPPED },
	{ .name = "strip, policy, all clients",
	  .kind = A_STRIP, P_POLICY, ANY, 30, OUT_ALL, 20, 80, 72, STRIPPED },
	{ .name = "refuse, policy, a single session",
	  .kind = A_REFUSE, P_POLICY, ANY, 12, OUT_ALL, 20, 80, 216, STRIPPED, .most = 1 },
	{ .name = "strip, baseline, all clients",
	  .kind = A_STRIP, P_NONE, ANY, 30, OUT_ALL, 40, 80, 48, STRIPPED },
	{ .name = "mask, baseline, all clients",
	  .kind = A_MASK, P_NONE, ANY, 30, OUT_ALL, 40, 80, 48, STRIPPED },
	{ .name = "refuse, baseline, all clients",
	  .kind = A_REFUSE, P_NONE, ANY, 30, OUT_ALL, 40, 80, 48, STRIPPED },
	{ .name = "strip, baseline, one client only",
	  .kind = A_STRIP, P_NONE, ANY, 45, 4, 40, 70, 288, STRIPPED },
	{ .name = "strip, baseline, a single session",
	  .kind = A_STRIP, P_NONE, ANY, 30, GROUP_B, 40, 80, 216, STRIPPED, .most = 1 },
	{ .name = "three weeks of poison, then strip",
	  .kind = A_STRIP, P_NONE, ANY, 45, OUT_ALL, 30, 55, 576, STRIPPED, .permille0 = 30 },
	{ .name = "flood of invented weak sessions, then strip",
	  .kind = A_STRIP, P_NONE, ANY, 30, OUT_ALL, 40, 80, 48, STRIPPED, .forged_hours = 48 },
	{ .name = "strip towards six partners from one client group",
	  .kind = A_STRIP, P_NONE, ANY, 30, GROUP_B, 30, 80, 30, STRIPPED, .targets = 6 },
	{ .name = "partner with a mail a week, strip, baseline",
	  .kind = A_STRIP, P_NONE, ANY, 1, OUT_ALL, 70, 71, 432, STRIPPED, .hard = true },
	{ .name = "learning phase: mask",
	  .kind = A_MASK, P_NONE, ANY, 20, OUT_ALL, 0, 0, 48, STRIPPED },
	{ .name = "learning phase: strip, host with DANE",
	  .kind = A_STRIP, P_DANE, ANY, 20, OUT_ALL, 0, 0, 48, STRIPPED },
	{ .name = "learning phase: strip, host without a promise",
	  .kind = A_STRIP, P_NONE, ANY, 20, OUT_ALL, 0, 0, 48, STRIPPED, .hard = true },
	{ .name = "handshake cut off, then clear from the queue, baseline",
	  .kind = A_RESET, P_NONE, ANY, 45, GROUP_B, 40, 80, 96, BROKEN },
	{ .name = "handshake cut off, host with DANE, clients that insist",
	  .kind = A_RESET, P_DANE, ANY, 45, ENFORCING, 20, 80, 96, BROKEN },
	{ .name = "answered in clear after 220",
	  .kind = A_ANSWERED, P_NONE, ANY, 20, OUT_ALL, 20, 80, 72, "tls-answered-in-clear" },
	{ .name = "interception of four partners with an authority of one's own",
	  .kind = A_INTERCEPT, P_NONE, OLD, 30, OUT_ALL, 40, 80, 72, CHANGED, .targets = 4 },
	{ .name = "certificate that looks like the old one",
	  .kind = A_LOOKALIKE, P_NONE, OLD, 30, OUT_ALL, 40, 80, 72, CHANGED },
	{ .name = "wrong certificate, host with DANE, delivered",
	  .kind = A_INTERCEPT, P_DANE, OLD, 45, GROUP_B, 20, 80, 96, CHANGED },
	{ .name = "wrong certificate, host with DANE, refused",
	  .kind = A_INTERCEPT, P_DANE, OLD, 45, ENFORCING, 20, 80, 72, CHANGED " sender-rejected-peer" },
	{ .name = "version dance down to TLS 1.0",
	  .kind = A_DANCE, P_NONE, NEW, 45, 0x30, 40, 80, 96, "tls-fallback tls-weak-version" },
	{ .name = "masked greeting, HELO only",
	  .kind = A_BANNER, P_NONE, ANY, 20, OUT_ALL, 40, 80, 48, "banner-masked" },
	{ .name = "STARTTLS command rewritten",
	  .kind = A_REWRITE, P_NONE, ANY, 20, OUT_ALL, 20, 80, 72, "starttls-command-rewritten" },
	{ .name = "contradicting segments",
	  .kind = A_CONFLICT, P_NONE, ANY, 20, OUT_ALL, 20, 80, 72, "segment-conflict" },
	{ .name = "forged reset",
	  .kind = A_RST, P_NONE, ANY, 30, OUT_ALL, 20, 80, 96, BROKEN },
	{ .name = "downgrade that the sentinel shows",
	  .kind = A_SENTINEL, P_NONE, NEW, 20, OUT_ALL, 20, 80, 72, "tls-version-downgrade" },
};

static void carry_out(struct world *w, struct dice *d, const struct plan *p, bool *used)
{
	int16_t target = pick(w, d, p->promise, p->tls13, p->least, used);
	int64_t t0 = p->to ? day(d, p->from, p->to) : EPOCH + 6 * HOUR;
	struct attack *a = plant(w, p->name, p->kind, target, p->clients, t0, p->hours * HOUR, p->finds);
	a->most = p->most;
	a->hard = p->hard;
	a->permille0 = p->permille0 ? p->permille0 : 1000;
	a->forged_from = p->forged_hours ? t0 - p->forged_hours * HOUR : 0;
	while (a->targets < p->targets)
		a->target[a->targets++] = pick(w, d, p->promise, p->tls13, p->least, used);
}

/* Those that hide behind something that happens anyway. */
static void hide(struct world *w, struct dice *d, bool *used)
{
	int16_t broken = pick(w, d, P_NONE, ANY, 30, used);
	int64_t t = day(d, 40, 80);
	befall(w, E_BROKEN, broken, t - 5 * HOUR, 2 * DAY);
	plant(w, "strip, hidden in the host's own TLS outage", A_STRIP, broken, OUT_ALL, t, 30 * HOUR, STRIPPED);
	const struct server *old = &w->server[DANE_N + STS_N + TESTING_N + POLICY_N];
	plant(w, "strip in the days of a migration, new host with DANE", A_STRIP, old->moves_to, OUT_ALL,
	      old->moves_at + 2 * DAY + 2 * HOUR, 3 * DAY, STRIPPED);
	plant(w, "strip of foreign clients in front of the own MX", A_STRIP, SERVERS, FOREIGN & ~0x8000u,
	      day(d, 40, 80), 8 * HOUR, STRIPPED " starttls-not-used");
}

/* Two ways to lead mail to the backup host, which has no DANE; and one to lead it to another address. */
static void lead_astray(struct world *w, struct dice *d, bool *used)
{
	for (unsigned i = 0; i < 2; i++) {
		int16_t dane = pick(w, d, P_DANE, ANY, 45, used), spare = pick(w, d, P_NONE, ANY, 1, used);
		w->server[dane].backup = spare;
		w->server[dane].signed_domain = w->server[dane].listed = w->server[spare].listed = true;
		w->server[spare].weekly = 0;
		memcpy(w->server[spare].domain, w->server[dane].domain, sizeof(w->server[spare].domain));
		plant(w,
		      i ? "handshakes with the DANE host cut off, mail to the backup"
			: "DANE host made unreachable, mail to the backup",
		      i ? A_STEER_CUT : A_STEER, dane, OUT_ALL, day(d, 30, 80), 20 * HOUR, "mx-steered");
	}
	int16_t dane = pick(w, d, P_DANE, ANY, 20, used);
	w->server[dane].signed_domain = true;
	plant(w, "domain redirected to another address", A_REDIRECT, dane, OUT_ALL, day(d, 30, 80), DAY,
	      "server-not-in-mx-set dns-answer-conflict starttls-not-offered tlsa-mismatch");
}

void world_make(struct world *w, uint64_t seed, uint32_t volume)
{
	struct dice d = { mixed(seed, 11, 12) };
	bool used[SERVERS] = { false };
	*w = (struct world){ .seed = seed };
	make_servers(w, &d, volume);
	make_clients(w, &d);
	make_events(w, &d, used);
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		carry_out(w, &d, &plans[i], used);
	hide(w, &d, used);
	lead_astray(w, &d, used);
}

bool world_tls13(const struct server *s, int64_t t)
{
	return s->tls13 || (s->addr % 2 && t >= s->upgraded);
}

uint32_t world_certificate(const struct server *s, int64_t t)
{
	return (uint32_t)(((t - EPOCH) / DAY + s->offset) / s->renewal);
}

const struct event *world_event(const struct world *w, enum event_kind kind, int server, int64_t t)
{
	for (uint32_t i = 0; i < w->events; i++) {
		const struct event *e = &w->event[i];
		if (e->kind == kind && (e->server == server || e->server < 0) && t >= e->t0 && t < e->t1)
			return e;
	}
	return NULL;
}
