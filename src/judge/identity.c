/* identity: whom the client meant, by its own words: SNI (RFC 7672 8.1: the TLSA base domain) and RCPT domains.
 * It asks nothing of the DNS; expectation does, and comes back for the confidence. */
#include "judge/identity.h"

/* Names that never leave a site: a question about them would only tell others what is inside. */
static const char *const never_asked[] = { "local", "localhost", "onion", "invalid", "internal", "home.arpa" };

static bool ends_in_label(struct bytes name, const char *suffix)
{
	struct bytes s = bytes_of(suffix);
	return name.n > s.n && name.p[name.n - s.n - 1] == '.' && bytes_eq(bytes_skip(name, name.n - s.n), s);
}

static bool host_octet(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels of 1..63 host octets, at least two, the last not all digits (that is an IPv4 address in any spelling). */
static bool labels_good(struct bytes name)
{
	size_t labels = 0, len = 0, digits = 0;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '.') {
			if (len == 0)
				return false;
			labels++;
			len = digits = 0;
			continue;
		}
		digits += name.p[i] >= '0' && name.p[i] <= '9';
		if (!host_octet(name.p[i]) || ++len > 63)
			return false;
	}
	return labels > 0 && len > 0 && digits < len;
}

bool identity_name(struct bytes in, char out[NAME_MAX_TEXT + 1])
{
	out[0] = '\0';
	if (in.n && in.p[in.n - 1] == '.')
		in.n--;
	if (in.n == 0 || in.n > 253)
		return false;
	for (size_t i = 0; i < in.n; i++)
		out[i] = (char)ascii_lower(in.p[i]);
	out[in.n] = '\0';
	struct bytes name = { (const uint8_t *)out, in.n };
	bool good = labels_good(name);
	for (size_t i = 0; i < sizeof(never_asked) / sizeof(never_asked[0]); i++)
		good = good && !ends_in_label(name, never_asked[i]);
	if (!good)
		out[0] = '\0';
	return good;
}

static bool domain_known(const struct identity *id, const char *name)
{
	for (unsigned i = 0; i < id->domains; i++)
		if (strcmp(id->domain[i], name) == 0)
			return true;
	return false;
}

static bool yes(const struct record *s, enum fact f)
{
	return record_get_tri(s, f) == TRI_YES;
}

/* Neither is to be taken for "said nothing": a session that was not seen whole, and a recipient without a domain. */
static bool said_nothing(const struct record *s)
{
	int64_t end = record_get_num(s, F_cap_end, endhow_none);
	bool whole = (end == endhow_fin || end == endhow_rst) && !yes(s, F_cap_gap_dialogue) && !yes(s, F_cap_midstream) &&
		     !yes(s, F_cap_one_direction) && !yes(s, F_cap_limit) && record_get_num(s, F_cap_gap_c2s, 0) == 0 &&
		     (!yes(s, F_tls_seen) || yes(s, F_tls_hello_c));
	bool recipients = record_has(s, F_smtp_rcpt_domains) || record_get_num(s, F_smtp_rcpt_ok, 0) > 0 ||
			  record_get_num(s, F_smtp_rcpt_deferred, 0) > 0 || record_get_num(s, F_smtp_rcpt_refused, 0) > 0;
	if (record_has(s, F_tcp_attempt)) /* there was no dialogue to say it in */
		return true;
	return whole && !recipients && !record_has(s, F_tls_sni);
}

void identity_of(const struct record *session, struct identity *out)
{
	char name[NAME_MAX_TEXT + 1];
	struct bytes item;
	memset(out, 0, sizeof(*out));
	record_get_addr(session, F_dst_ip, &out->server);
	out->port = (uint16_t)record_get_num(session, F_dst_port, 25);
	out->silent = said_nothing(session);
	identity_name(record_get_str(session, F_tls_sni), out->host);
	for (size_t pos = 0; record_next(session, F_smtp_rcpt_domains, &pos, &item);) {
		if (!identity_name(item, name) || domain_known(out, name))
			continue;
		if (out->domains == IDENTITY_DOMAINS)
			out->more = true;
		else
			memcpy(out->domain[out->domains++], name, sizeof(name));
	}
}

static enum confidence confidence_by_rcpt(enum dnsstatus mx, bool secure, enum location location)
{
	switch (mx) {
	case dnsstatus_secure:
	case dnsstatus_absent: /* implicit MX, proved */
		return secure && location != location_unknown ? confidence_high : confidence_medium;
	case dnsstatus_insecure: /* who forges the MX chooses the host: its own promise counts, and only where it is */
		return secure && location == location_inside ? confidence_medium : confidence_low;
	case dnsstatus_incomplete:
	case dnsstatus_bogus:
	case dnsstatus_failed:
	case dnsstatus_COUNT:
		break;
	}
	return confidence_low;
}

enum confidence identity_confidence(enum identity_by by, enum dnsstatus mx, bool secure, enum location location)
{
	switch (by) {
	case IDENTITY_SNI:
		return secure ? confidence_high : confidence_low;
	case IDENTITY_RCPT:
		return confidence_by_rcpt(mx, secure, location);
	case IDENTITY_ROUTE: /* the operator's word, wherever the host is */
		return confidence_high;
	case IDENTITY_WATCH: /* many domains share a host, and many hosts an address */
	case IDENTITY_HISTORY:
	case IDENTITY_ANSWER: /* anybody may publish this address; that no other name was answered is told by absence only */
		return secure && location == location_inside ? confidence_medium : confidence_low;
	}
	return confidence_low;
}
