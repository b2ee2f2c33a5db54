/* site: what the operator's word makes of the addresses of a session. It knows no configuration file, and nothing that
 * was said in the session but the address that the server greeted. */
#include "judge/site.h"
#include <arpa/inet.h>

enum { ADDRESS_TEXT = 46 };

static bool address_parse(struct bytes text, struct addr *out)
{
	char s[ADDRESS_TEXT];
	*out = (struct addr){ 0 };
	if (text.n == 0 || text.n >= sizeof(s) || memchr(text.p, 0, text.n))
		return false;
	memcpy(s, text.p, text.n);
	s[text.n] = '\0';
	out->v = memchr(s, ':', text.n) ? 6 : 4;
	return inet_pton(out->v == 6 ? AF_INET6 : AF_INET, s, out->a) == 1;
}

static bool prefix_parse(struct bytes text, unsigned most, uint8_t *bits)
{
	unsigned v = 0;
	if (text.n == 0 || text.n > 3)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		v = v * 10 + (unsigned)(text.p[i] - '0');
	}
	*bits = (uint8_t)v;
	return v <= most;
}

static void clear_behind(struct addr *a, uint8_t bits)
{
	for (unsigned i = 0; i < sizeof(a->a); i++) {
		unsigned keep = bits > 8 * i ? bits - 8 * i : 0;
		if (keep < 8)
			a->a[i] = (uint8_t)(a->a[i] & (0xff00u >> keep));
	}
}

bool site_network(struct bytes text, struct cidr *out)
{
	const uint8_t *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
	size_t n = slash ? (size_t)(slash - text.p) : text.n;
	if (!address_parse(bytes_head(text, n), &out->base))
		return false;
	unsigned most = out->base.v == 4 ? 32 : 128;
	out->bits = (uint8_t)most;
	if (slash && !prefix_parse(bytes_skip(text, n + 1), most, &out->bits))
		return false;
	clear_behind(&out->base, out->bits);
	return true;
}

bool networks_add(struct networks *s, struct bytes text)
{
	struct cidr c;
	if (s->n >= SITE_NETWORKS || !site_network(text, &c))
		return false;
	s->net[s->n++] = c;
	return true;
}

static bool cidr_has(const struct cidr *c, const struct addr *a)
{
	struct addr masked = *a;
	clear_behind(&masked, c->bits);
	return masked.v == c->base.v && memcmp(masked.a, c->base.a, sizeof(masked.a)) == 0;
}

bool networks_have(const struct networks *s, const struct addr *a)
{
	return networks_find(s, a) != NULL;
}

const struct cidr *networks_find(const struct networks *s, const struct addr *a)
{
	const struct cidr *best = NULL;
	for (uint32_t i = 0; i < s->n && i < SITE_NETWORKS; i++)
		if (cidr_has(&s->net[i], a) && (!best || s->net[i].bits > best->bits))
			best = &s->net[i];
	return best;
}

struct cidr site_prefix(const struct addr *a, uint8_t bits)
{
	struct cidr c = { *a, bits };
	clear_behind(&c.base, bits);
	return c;
}

static enum direction direction_of(bool from_own, bool to_own)
{
	if (from_own)
		return to_own ? direction_internal : direction_outbound;
	return to_own ? direction_inbound : direction_external;
}

static void put_direction(const struct site *site, struct record *s, const struct addr *client, const struct addr *server)
{
	bool from = networks_have(&site->own, client), to = networks_have(&site->own, server);
	if (site->own.n == 0)
		return;
	record_tri(s, F_own_client, from ? TRI_YES : TRI_NO);
	record_tri(s, F_own_server, to ? TRI_YES : TRI_NO);
	record_num(s, F_net_direction, direction_of(from, to));
}

static void put_mirror(const struct site *site, struct record *s, const struct addr *client, const struct addr *server)
{
	bool mirror = site->mirror_all || networks_have(&site->mirror, client) || networks_have(&site->mirror, server);
	if (site->mirror_all || site->mirror.n)
		record_tri(s, F_mirror, mirror ? TRI_YES : TRI_NO);
}

static bool same(const struct addr *a, const struct addr *b)
{
	return a->v == b->v && memcmp(a->a, b->a, sizeof(a->a)) == 0;
}

/* A socket for both families writes an IPv4 address as one of IPv6 (RFC 4291 2.5.5.2). */
static void unmap(struct addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	if (a->v != 6 || memcmp(a->a, mapped, sizeof(mapped)) != 0)
		return;
	struct addr v4 = { .v = 4 };
	memcpy(v4.a, a->a + sizeof(mapped), 4);
	*a = v4;
}

/* The server greets whom it sees. Behind address translation that is not whom we see, so only a site that said how its
 * own clients are seen can be told that somebody else stands between. */
static void put_greeted(const struct site *site, struct record *s, const struct addr *client)
{
	struct addr greeted;
	if (!record_get_addr(s, F_smtp_greeted, &greeted))
		return;
	unmap(&greeted);
	if (same(&greeted, client) || networks_have(&site->seen_as, &greeted))
		record_tri(s, F_smtp_greeted_other, TRI_NO);
	else if (site->seen_as.n && (site->own.n == 0 || networks_have(&site->own, client)))
		record_yes(s, F_smtp_greeted_other);
}

void site_judge(const struct site *site, struct record *session)
{
	static const enum fact mine[] = { F_own_client, F_own_server, F_mirror, F_smtp_greeted_other };
	struct addr client, server;
	for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]); i++)
		record_unset(session, mine[i]); /* the record comes from another process, which has no say in these */
	record_num(session, F_net_direction, direction_unknown);
	record_num(session, F_vantage, site->vantage);
	if (!record_get_addr(session, F_src_ip, &client) || !record_get_addr(session, F_dst_ip, &server))
		return;
	put_direction(site, session, &client, &server);
	put_mirror(site, session, &client, &server);
	put_greeted(site, session, &client);
}
