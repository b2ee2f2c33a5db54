/* discover: see discover.h. One table of addresses, one of pairs that spoke: a sender of one's own reaches many servers and a
 * server of one's own is reached by many clients, while strangers meet few of ours. */
#include "discover.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "judge/site.h"

/* HOSTS, PAIRS: that are remembered; SLOTS and PAIR_SLOTS: places for them. MANY: other ends that make an address one's own.
 * TWICE: a port that one packet came to may be chance. */
enum { HOSTS = 65536, SLOTS = 2 * HOSTS, PAIRS = 262144, PAIR_SLOTS = 2 * PAIRS, PORTS = PIPELINE_PORTS, NAME = 64, MANY = 3, TWICE = 2,
       RESOLVERS = 4, DNS_SERVERS = 256, CLEAR_SHOWN = 200 };
/* Of a DNS header (RFC 1035 4.1.1): bits of its third and fourth octet. */
enum { DNS_QR = 0x80, DNS_RD = 0x01, DNS_RA = 0x80, DNS_PORT = 53 };

/* to, from   different servers that it reached, and clients that reached it
 * led, met   of these, those that had fewer other ends than it has
 * clear      sessions in which the whole reply to EHLO offered no STARTTLS       tls       sessions with an offer, or with TLS */
struct host {
	struct addr a;
	uint32_t sent, served, to, from, led, met, clear, tls;
	bool own;
	char name[NAME];
};

struct port {
	struct mail_port port;
	uint64_t sessions, smtp, tls;
};

struct server {
	struct addr a;
	uint16_t port;
	uint64_t asked, answers;
};

/* What a client is for others. */
struct outside {
	struct addr a;
	uint64_t sessions;
};

struct discover {
	uint64_t seed, sessions, left_out, dns;
	int64_t first, last;
	struct host *host;
	uint32_t hosts, *slot;          /* slot: number of the host + 1 */
	uint64_t *pair;                 /* client << 32 | server, each + 1 */
	size_t pairs;
	struct port port[PORTS];
	size_t ports;
	struct server server[DNS_SERVERS];
	size_t servers;
	struct outside outside[SITE_NETWORKS];
	size_t outsides;
};

struct discover *discover_new(const struct mail_port *port, size_t n)
{
	struct discover *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->host = calloc(HOSTS, sizeof(d->host[0]));
	d->slot = calloc(SLOTS, sizeof(d->slot[0]));
	d->pair = calloc(PAIR_SLOTS, sizeof(d->pair[0]));
	if (!d->host || !d->slot || !d->pair || getrandom(&d->seed, sizeof(d->seed), 0) != (ssize_t)sizeof(d->seed)) {
		discover_free(d);
		return NULL;
	}
	for (d->ports = 0; d->ports < n && d->ports < PORTS; d->ports++)
		d->port[d->ports].port = port[d->ports];
	return d;
}

void discover_free(struct discover *d)
{
	if (!d)
		return;
	free(d->host);
	free(d->slot);
	free(d->pair);
	free(d);
}

/* ---- tables ---- */

/* FNV-1a from a secret start, so that nobody can choose who collides. */
static uint64_t hash(const struct discover *d, const void *octets, size_t n)
{
	const uint8_t *p = octets;
	uint64_t h = d->seed ^ UINT64_C(14695981039346656037);
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return h ^ h >> 29;
}

/* NULL: there is no room. */
static struct host *host_of(struct discover *d, const struct addr *a)
{
	size_t i = hash(d, a, sizeof(*a)) % SLOTS;
	for (; d->slot[i]; i = (i + 1) % SLOTS)
		if (memcmp(&d->host[d->slot[i] - 1].a, a, sizeof(*a)) == 0)
			return &d->host[d->slot[i] - 1];
	if (d->hosts == HOSTS)
		return NULL;
	d->host[d->hosts].a = *a;
	d->slot[i] = ++d->hosts;
	return &d->host[d->hosts - 1];
}

static void meet(struct discover *d, struct host *client, struct host *server)
{
	const uint64_t key = (uint64_t)(client - d->host + 1) << 32 | (uint64_t)(server - d->host + 1);
	size_t i = hash(d, &key, sizeof(key)) % PAIR_SLOTS;
	for (; d->pair[i]; i = (i + 1) % PAIR_SLOTS)
		if (d->pair[i] == key)
			return;
	if (d->pairs == PAIRS) {
		d->left_out++;
		return;
	}
	d->pair[i] = key;
	d->pairs++;
	client->to++;
	server->from++;
}

/* A name of the DNS in what a server said of itself: its letters can do no harm in a comment. */
static void name_of(struct host *h, const struct record *s)
{
	struct bytes said = record_get_str(s, record_has(s, F_dst_domain) ? F_dst_domain : F_smtp_banner);
	size_t n = 0;
	bool dot = false;
	for (size_t i = 0; i <= said.n && n < NAME; i++) {
		uint8_t c = i < said.n ? said.p[i] : ' ';
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
		if (letter && n < NAME - 1) {
			dot = dot || (c == '.' && n);
			h->name[n++] = (char)c;
		} else if (dot) {
			break;
		} else {
			n = 0;
		}
	}
	h->name[dot ? n : 0] = '\0';
}

static void count_port(struct discover *d, const struct record *s)
{
	int64_t number = record_get_num(s, F_dst_port, 0);
	for (size_t i = 0; i < d->ports; i++) {
		struct port *p = &d->port[i];
		if (p->port.port != number)
			continue;
		p->sessions++;
		p->smtp += record_has(s, F_smtp_banner_code) || record_has(s, F_smtp_ehlo);
		p->tls += record_get_tri(s, F_tls_established) == TRI_YES;
	}
}

static void count_outside(struct discover *d, const struct addr *client, const struct record *s)
{
	struct addr a;
	size_t i = 0;
	if (!record_get_addr(s, F_smtp_greeted, &a) || memcmp(&a, client, sizeof(a)) == 0)
		return;
	while (i < d->outsides && memcmp(&d->outside[i].a, &a, sizeof(a)) != 0)
		i++;
	if (i == SITE_NETWORKS)
		return;
	d->outsides += i == d->outsides;
	d->outside[i].a = a;
	d->outside[i].sessions++;
}

static void count_server(struct host *h, const struct record *s)
{
	enum tri offered = record_get_tri(s, F_smtp_offered);
	h->served++;
	h->tls += offered == TRI_YES || record_get_tri(s, F_tls_established) == TRI_YES;
	h->clear += offered == TRI_NO && record_get_tri(s, F_smtp_ehlo_complete) == TRI_YES;
	if (!h->name[0])
		name_of(h, s);
}

void discover_session(struct discover *d, const struct record *s)
{
	struct addr c, v;
	int64_t start = record_get_num(s, F_event_start, 0), end = record_get_num(s, F_event_end, 0);
	d->sessions++;
	d->first = d->first && d->first < start ? d->first : start;
	d->last = end > d->last ? end : d->last;
	count_port(d, s);
	if (!record_get_addr(s, F_src_ip, &c) || !record_get_addr(s, F_dst_ip, &v))
		return;
	struct host *client = host_of(d, &c), *server = host_of(d, &v);
	if (!client || !server) {
		d->left_out++;
		return;
	}
	client->sent++;
	count_server(server, s);
	meet(d, client, server);
	count_outside(d, &c, s);
}

void discover_dns(struct discover *d, const struct dns_message *m)
{
	size_t i = 0;
	if (m->octets.n < 4 || m->tcp) /* no addresses there */
		return;
	d->dns++;
	bool answer = m->octets.p[2] & DNS_QR, wanted = m->octets.p[2] & DNS_RD, recursion = answer && (m->octets.p[3] & DNS_RA);
	while (i < d->servers && (d->server[i].port != m->server_port || memcmp(&d->server[i].a, &m->server, sizeof(m->server)) != 0))
		i++;
	if ((!wanted && !recursion) || i == DNS_SERVERS)
		return;
	d->servers += i == d->servers;
	d->server[i].a = m->server;
	d->server[i].port = m->server_port;
	d->server[i].asked += wanted && !answer;
	d->server[i].answers += recursion;
}

/* ---- what it means ---- */

/* Addresses that nobody has on the internet: RFC 1918, 6598, 3927, 4193, 4291. */
static bool private(const struct addr *a)
{
	const uint8_t *p = a->a;
	if (a->v == 6)
		return (p[0] & 0xfe) == 0xfc || (p[0] == 0xfe && (p[1] & 0xc0) == 0x80);
	return p[0] == 10 || (p[0] == 172 && (p[1] & 0xf0) == 16) || (p[0] == 192 && p[1] == 168) || (p[0] == 100 && (p[1] & 0xc0) == 64) ||
	       (p[0] == 169 && p[1] == 254);
}

/* Who is one's own: private addresses, and the hubs: who has many other ends, most of which have fewer than it has. So neither
 * the server of a large receiver, whom several own senders reach, nor a large sender, who reaches several own servers. */
static void find_own(struct discover *d)
{
	for (size_t i = 0; i < PAIR_SLOTS; i++) {
		if (!d->pair[i])
			continue;
		struct host *client = &d->host[(d->pair[i] >> 32) - 1], *server = &d->host[(uint32_t)d->pair[i] - 1];
		client->led += client->to >= server->from;
		server->met += client->to < server->from;
	}
	for (uint32_t i = 0; i < d->hosts; i++) {
		struct host *h = &d->host[i];
		bool leads = h->to >= MANY && 2 * h->led > h->to, serves = h->from >= MANY && 2 * h->met > h->from;
		h->own = private(&h->a) || leads || serves;
	}
}

/* Sessions that left the site, from private and from public addresses; and those that came in. */
struct ways {
	uint64_t private_out, public_out, in;
};

static struct ways ways_of(const struct discover *d)
{
	struct ways w = { 0 };
	for (size_t i = 0; i < PAIR_SLOTS; i++) {
		if (!d->pair[i])
			continue;
		const struct host *client = &d->host[(d->pair[i] >> 32) - 1], *server = &d->host[(uint32_t)d->pair[i] - 1];
		w.in += !client->own && server->own;
		w.private_out += client->own && !server->own && private(&client->a);
		w.public_out += client->own && !server->own && !private(&client->a);
	}
	return w;
}

/* A network to propose: private addresses stand for their neighbourhood, others for themselves. to, from: the most that one of
 * its addresses has. */
struct net {
	struct addr base;
	unsigned bits, addresses;
	uint64_t sent, served;
	uint32_t to, from;
};

static struct net net_of(const struct host *h)
{
	struct net n = { h->a, h->a.v == 6 ? 128 : 32, 1, h->sent, h->served, h->to, h->from };
	if (!private(&h->a))
		return n;
	n.bits = h->a.v == 6 ? 64 : 24;
	memset(n.base.a + n.bits / 8, 0, sizeof(n.base.a) - n.bits / 8);
	return n;
}

static int by_base(const void *a, const void *b)
{
	const struct net *x = a, *y = b;
	int c = memcmp(&x->base, &y->base, sizeof(x->base));
	return c ? c : (x->bits > y->bits) - (x->bits < y->bits);
}

static int by_use(const void *a, const void *b)
{
	const struct net *x = a, *y = b;
	uint64_t n = x->sent + x->served, m = y->sent + y->served;
	return n != m ? (n < m ? 1 : -1) : by_base(a, b);
}

static size_t join(struct net *net, size_t n)
{
	size_t out = 0;
	qsort(net, n, sizeof(net[0]), by_base);
	for (size_t i = 0; i < n; i++) {
		if (out && by_base(&net[out - 1], &net[i]) == 0) {
			struct net *to = &net[out - 1];
			to->addresses++;
			to->sent += net[i].sent;
			to->served += net[i].served;
			to->to = net[i].to > to->to ? net[i].to : to->to;
			to->from = net[i].from > to->from ? net[i].from : to->from;
		} else {
			net[out++] = net[i];
		}
	}
	qsort(net, out, sizeof(net[0]), by_use);
	return out;
}

/* ---- the proposal ---- */

static void count(struct text *t, uint64_t n, const char *one, const char *many)
{
	text_num(t, (int64_t)n);
	text_char(t, ' ');
	text_put(t, n == 1 ? one : many);
}

static void sessions(struct text *t, uint64_t n)
{
	count(t, n, "session", "sessions");
}

static void write_head(const struct discover *d, bool whole, struct text *t)
{
	text_put(t, "# Proposed by mxwitness discover, from ");
	sessions(t, d->sessions);
	if (d->sessions) {
		text_put(t, " between ");
		text_time(t, d->first);
		text_put(t, " and ");
		text_time(t, d->last);
	}
	text_put(t, ".\n# It rests on packets, which anybody may send: read each entry, put right what is wrong, and give the rest a reason.\n"
		    "# The other keys: mxwitness config keys.\n");
	if (!whole)
		text_put(t, "# Not everything that was given could be read: counts are too low.\n");
	if (d->left_out) {
		text_put(t, "# There were more addresses than are remembered: ");
		sessions(t, d->left_out);
		text_put(t, " left out in part.\n");
	}
}

static void write_net(struct text *t, const struct net *n)
{
	text_put(t, "  - ");
	text_addr(t, &n->base);
	text_char(t, '/');
	text_num(t, n->bits);
	text_put(t, "   # ");
	count(t, n->addresses, "address; ", "addresses; ");
	if (n->sent) {
		sessions(t, n->sent);
		text_put(t, n->addresses > 1 ? ", the busiest to " : " to ");
		count(t, n->to, "server", "servers");
	}
	if (n->served) {
		text_put(t, n->sent ? ", " : "");
		sessions(t, n->served);
		text_put(t, n->addresses > 1 ? ", the busiest from " : " from ");
		count(t, n->from, "client", "clients");
	}
	text_char(t, '\n');
}

static void write_own(const struct discover *d, struct text *t)
{
	struct net *net = calloc(d->hosts + 1, sizeof(net[0]));
	size_t n = 0;
	for (uint32_t i = 0; net && i < d->hosts; i++)
		if (d->host[i].own)
			net[n++] = net_of(&d->host[i]);
	n = net ? join(net, n) : 0;
	text_put(t, "\n# Addresses that are private, or reach 3 or more servers or are reached by 3 or more clients, most of which reach fewer.\n"
		    "# A private address stands for its neighbourhood, a public one for itself: widen it to what the site has.\n");
	text_put(t, n ? "own_networks:\n" : "own_networks: []   # none stands out\n");
	for (size_t i = 0; i < n && i < SITE_NETWORKS; i++)
		write_net(t, &net[i]);
	if (n > SITE_NETWORKS) {
		text_put(t, "  # and ");
		count(t, n - SITE_NETWORKS, "more; that", "more; so many");
		text_put(t, " cannot be right: is this the traffic of others?\n");
	}
	free(net);
}

static void write_outside(const struct discover *d, const struct ways *w, struct text *t)
{
	text_put(t, "\n# What servers call the site's clients when that is not the address in the packets: address translation, or a proxy.\n");
	bool any = d->outsides && w->private_out;
	text_put(t, any ? "public_addresses:\n" : "public_addresses: []   # ");
	for (size_t i = 0; any && i < d->outsides; i++) {
		bool in_doubt = private(&d->outside[i].a);
		text_put(t, in_doubt ? "  # " : "  - ");
		text_addr(t, &d->outside[i].a);
		text_put(t, in_doubt ? "   in " : "   # in ");
		sessions(t, d->outside[i].sessions);
		text_char(t, '\n');
	}
	if (any)
		return;
	text_put(t, d->outsides ? "no client is private; other addresses that servers greeted: " : "no other was greeted");
	for (size_t i = 0; i < d->outsides; i++) {
		text_put(t, i ? ", " : "");
		text_addr(t, &d->outside[i].a);
	}
	text_char(t, '\n');
}

static void write_vantage(const struct ways *w, struct text *t)
{
	text_put(t, "\n# Pairs of addresses: ");
	text_num(t, (int64_t)w->private_out);
	text_put(t, " from private clients outward, ");
	text_num(t, (int64_t)w->public_out);
	text_put(t, " from public ones, ");
	text_num(t, (int64_t)w->in);
	text_put(t, " inward.\n");
	if (w->private_out)
		text_put(t, "vantage: egress-inside\n");
	else if (w->in > w->public_out)
		text_put(t, "vantage: server-side\n");
	else
		text_put(t, "vantage: unknown   # egress-outside behind the address translation or firewall, dmz between two\n");
}

static void write_ports(const struct discover *d, struct text *t)
{
	static const uint16_t usual[] = { 25, 587, 2525, 465 };
	text_put(t, "\n# Where SMTP was found, and the usual ports.\nports:\n");
	for (size_t i = 0; i < d->ports; i++) {
		const struct port *p = &d->port[i];
		bool stays = p->port.tls ? p->tls > 0 : p->smtp > 0;
		for (size_t k = 0; k < sizeof(usual) / sizeof(usual[0]); k++)
			stays = stays || usual[k] == p->port.port;
		if (!stays)
			continue;
		text_put(t, "  - ");
		text_num(t, p->port.port);
		text_put(t, p->port.tls ? "=tls   # " : "   # ");
		if (p->sessions) {
			sessions(t, p->sessions);
			text_put(t, ", ");
			text_num(t, (int64_t)p->tls);
			text_put(t, " with TLS\n");
		} else {
			text_put(t, "none seen\n");
		}
	}
}

static int by_answers(const void *a, const void *b)
{
	const struct server *x = a, *y = b;
	if (x->answers != y->answers)
		return x->answers < y->answers ? 1 : -1;
	if (x->asked != y->asked)
		return x->asked < y->asked ? 1 : -1;
	return memcmp(&x->a, &y->a, sizeof(x->a));
}

static void write_resolvers(const struct discover *d, struct text *t)
{
	bool any = d->servers && d->server[0].answers;
	text_put(t, "\n# Who answers and offers recursion. The sensor's live questions need DNSSEC records handed through: check with\n"
		    "# dig +dnssec @SERVER . DNSKEY\n");
	if (!any) {
		text_put(t, "# dns: {resolver: [...]}: none was seen; those of the system are asked.\n");
		return;
	}
	text_put(t, "dns:\n  resolver:\n");
	for (size_t i = 0; i < d->servers && i < RESOLVERS && d->server[i].answers; i++) {
		const struct server *s = &d->server[i];
		text_put(t, "    - \"");
		text_addr(t, &s->a);
		if (s->port != DNS_PORT) {
			text_char(t, '@');
			text_num(t, s->port);
		}
		text_put(t, "\"   # ");
		count(t, s->answers, "answer", "answers");
		text_put(t, " to ");
		count(t, s->asked, "question\n", "questions\n");
	}
}

static void write_dns_ports(const struct discover *d, struct text *t)
{
	uint16_t port[SITE_DNS_PORTS];
	uint64_t answers[SITE_DNS_PORTS];
	size_t n = 0;
	for (size_t i = 0; i < d->servers; i++) {
		const struct server *s = &d->server[i];
		size_t k = 0;
		while (k < n && port[k] != s->port)
			k++;
		if (s->port == DNS_PORT || s->answers < TWICE || k == SITE_DNS_PORTS)
			continue;
		answers[k] = (k == n ? 0 : answers[k]) + s->answers;
		port[k] = s->port;
		n += k == n;
	}
	text_put(t, n ? "\n# DNS besides port 53.\ndns_ports:\n" : "\ndns_ports: []   # none of the ports that were looked at has DNS besides 53\n");
	for (size_t k = 0; k < n; k++) {
		text_put(t, "  - ");
		text_num(t, port[k]);
		text_put(t, "   # ");
		count(t, answers[k], "answer\n", "answers\n");
	}
}

static bool never_offers(const struct host *h)
{
	return h->clear && !h->tls;
}

static int by_clear(const void *a, const void *b)
{
	const struct host *x = *(const struct host *const *)a, *y = *(const struct host *const *)b;
	return x->clear != y->clear ? (x->clear < y->clear ? 1 : -1) : memcmp(&x->a, &y->a, sizeof(x->a));
}

static void write_clear(const struct discover *d, struct text *t)
{
	const struct host **list = calloc(d->hosts + 1, sizeof(list[0]));
	size_t n = 0;
	for (uint32_t i = 0; list && i < d->hosts; i++)
		if (never_offers(&d->host[i]))
			list[n++] = &d->host[i];
	text_put(t, "\n# Servers that never offered STARTTLS here, in whole replies to EHLO. Who has no TLS is to be told, and who had it yesterday is\n"
		    "# being stripped: ask them. An exception for one that will stay so is a filter below rules:, see mxwitness-rules(5).\n");
	if (!n)
		text_put(t, "# (none)\n");
	if (list)
		qsort(list, n, sizeof(list[0]), by_clear);
	for (size_t i = 0; i < n && i < CLEAR_SHOWN; i++) {
		text_put(t, "#   ");
		text_addr(t, &list[i]->a);
		text_put(t, list[i]->own ? " (own) " : " ");
		text_put(t, list[i]->name);
		text_put(t, ": ");
		sessions(t, list[i]->clear);
		text_put(t, " of ");
		count(t, list[i]->from, "client\n", "clients\n");
	}
	if (n > CLEAR_SHOWN) {
		text_put(t, "#   and ");
		count(t, n - CLEAR_SHOWN, "more\n", "more\n");
	}
	free(list);
}

void discover_write(struct discover *d, bool whole, struct text *t)
{
	find_own(d);
	const struct ways w = ways_of(d);
	qsort(d->server, d->servers, sizeof(d->server[0]), by_answers);
	write_head(d, whole, t);
	text_put(t, "\n# interfaces: [eth1]   # where these packets come from is not in them\n");
	write_own(d, t);
	write_outside(d, &w, t);
	write_vantage(&w, t);
	write_ports(d, t);
	write_resolvers(d, t);
	write_dns_ports(d, t);
	write_clear(d, t);
}
