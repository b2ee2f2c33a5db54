/* leef: see leef.h. The format knows no escapes: a value ends at a tab, and there is none in a value (value.h). In the header a bar, and
 * in a value nothing else, would be taken for what it is not; there an underscore stands for it. */
#include "leef.h"

#include "value.h"
#include "version.h"

/* UPPER: in capitals, as names of protocols are there     MS: a time, in ms since 1970 */
enum how { TEXT, UPPER, MS };

static const struct pair {
	const char *key;
	enum fact fact;
	enum how how;
} pairs[] = {
	{ "devTime", F_timestamp, MS },
	{ "src", F_src_ip, TEXT },
	{ "srcPort", F_src_port, TEXT },
	{ "dst", F_dst_ip, TEXT },
	{ "dstPort", F_dst_port, TEXT },
	{ "proto", F_net_transport, UPPER },
	{ "srcBytes", F_src_bytes, TEXT },
	{ "dstBytes", F_dst_bytes, TEXT },
	{ "srcPackets", F_src_packets, TEXT },
	{ "dstPackets", F_dst_packets, TEXT },
	{ "cat", F_rule_category, TEXT },
	{ "policy", F_rule_id, TEXT },
	{ "identHostName", F_dst_domain, TEXT },
	{ "eventId", F_event_id, TEXT },
	{ "eventCount", F_alert_count, TEXT },
	{ "sensor", F_observer_name, TEXT },
	{ "verdict", F_verdict, TEXT },
	{ "outcome", F_outcome, TEXT },
	{ "certainty", F_certainty, TEXT },
	{ "revision", F_alert_revision, TEXT },
	{ "technique", F_threat_technique, TEXT },
	{ "dane", F_dane_verdict, TEXT },
	{ "communityId", F_net_community_id, TEXT },
	{ "direction", F_net_direction, TEXT },
	{ "tlsVersion", F_tls_version, TEXT },
	{ "certSha256", F_tls_leaf_sha256, TEXT },
	{ "sessionsBefore", F_hist_sessions, TEXT },
	{ "evidenceFile", F_ev_file, TEXT },
	{ "evidenceSha256", F_ev_sha256, TEXT },
	{ "packets", F_st_packets, TEXT },
	{ "sessions", F_st_sessions, TEXT },
	{ "alerts", F_st_alerts, TEXT },
	{ "reason", F_event_reason, TEXT },
	{ "message", F_message, TEXT },
};

/* A bar ends a field of the header, and nothing is escaped there. */
static void header(struct text *t, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		text_char(t, b.p[i] == '|' ? '_' : (char)b.p[i]);
}

static void pair(struct text *t, const char *name, struct bytes v)
{
	if (v.n == 0)
		return;
	text_char(t, '\t');
	text_put(t, name);
	text_char(t, '=');
	text_bytes(t, v);
}

static void known(struct text *t, const struct record *r, const struct pair *p, size_t max)
{
	char buf[VALUE_ROOM];
	struct text ms = { buf, 0, sizeof(buf), false };
	switch (p->how) {
	case TEXT:
		pair(t, p->key, value_of(r, p->fact, max, buf));
		break;
	case UPPER:
		pair(t, p->key, value_upper(value_of(r, p->fact, max, buf), buf));
		break;
	case MS:
		if (record_has(r, p->fact))
			value_ms(&ms, record_get_num(r, p->fact, 0));
		pair(t, p->key, (struct bytes){ (const uint8_t *)buf, ms.n });
		break;
	}
}

static void line(struct text *t, const struct record *r, size_t max)
{
	char buf[VALUE_ROOM];
	text_put(t, "LEEF:2.0|mxwitness|mxwitness|" MXWITNESS_VERSION "|");
	header(t, value_kind(r, max, buf));
	text_put(t, "|x09|sev=");
	text_num(t, value_tenths(r));
	pair(t, "name", value_title(r, max, buf));
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		known(t, r, &pairs[i], max);
	for (const struct value_name *p = value_names; p->name; p++)
		pair(t, p->name, value_of(r, p->fact, max, buf));
	text_char(t, '\n');
}

bool leef_event(const struct record *r, size_t max, struct text *out)
{
	size_t bound;
	for (unsigned i = 0; (bound = value_bound(i)) > 0; i++) {
		struct text t = text_part(out, max);
		line(&t, r, bound);
		if (text_keep(out, &t))
			return true;
	}
	return false;
}
