/* site: the operator's own networks, parsed once and asked for every session. It knows no configuration file. */
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

bool site_add(struct site *s, struct bytes text)
{
	struct cidr c;
	if (s->networks >= SITE_NETWORKS || !site_network(text, &c))
		return false;
	s->own[s->networks++] = c;
	return true;
}

bool site_own(const struct site *s, const struct addr *a)
{
	for (uint32_t i = 0; i < s->networks && i < SITE_NETWORKS; i++) {
		struct addr masked = *a;
		clear_behind(&masked, s->own[i].bits);
		if (masked.v == s->own[i].base.v && memcmp(masked.a, s->own[i].base.a, sizeof(masked.a)) == 0)
			return true;
	}
	return false;
}
