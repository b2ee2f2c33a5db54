/* leef: see leef.h. The format knows no escapes: a value ends at a tab, and there is none in a value (value.h). In the header a bar, and
 * in a value nothing else, would be taken for what it is not; there an underscore stands for it. */
#include "leef.h"

#include "value.h"
#include "version.h"

enum how { TEXT, MS };

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
	{ "proto", F_net_transport, TEXT },
	{ "srcBytes", F_src_bytes, TEXT },
	{ "dstBytes", F_dst_bytes, TEXT },
	{ "srcPackets", F_src_packets, TEXT },
	{ "dstPackets", F_dst_packets, TEXT },
	{ "cat", F_rule_category, TEXT },
	{ "policy", F_rule_id, TEXT },
	{ "identHostName", F_dst_domain, TEXT },
	{ "eventId", F_event_id, TEXT },
	{ "eventCount", F_alert_count, TEXT },
	{ "dataset", F_event_dataset, TEXT },
	{ "sensor", F_observer_name, TEXT },
	{ "verdict", F_verdict, TEXT },
	{ "outcome", F_outcome, TEXT },
	{ "certainty", F_certainty, TEXT },
	{ "variant", F_variant, TEXT },
	{ "level", F_alert_level, TEXT },
	{ "state", F_alert_state, TEXT },
	{ "incident", F_alert_incident, TEXT },
	{ "revision", F_alert_revision, TEXT },
	{ "ruleUuid", F_rule_uuid, TEXT },
	{ "technique", F_threat_technique, TEXT },
	{ "expectation", F_expect, TEXT },
	{ "dane", F_dane_verdict, TEXT },
	{ "communityId", F_net_community_id, TEXT },
	{ "direction", F_net_direction, TEXT },
	{ "helo", F_smtp_ehlo, TEXT },
	{ "senderDomains", F_smtp_mail_domain, TEXT },
	{ "recipientDomains", F_smtp_rcpt_domains, TEXT },
	{ "mailDomains", F_id_domains, TEXT },
	{ "tlsVersion", F_tls_version, TEXT },
	{ "tlsCipher", F_tls_cipher, TEXT },
	{ "serverName", F_tls_sni, TEXT },
	{ "certSubject", F_x509_subject, TEXT },
	{ "certIssuer", F_x509_issuer, TEXT },
	{ "certSha256", F_tls_leaf_sha256, TEXT },
	{ "sessionsBefore", F_hist_sessions, TEXT },
	{ "evidenceFile", F_ev_file, TEXT },
	{ "evidenceSha256", F_ev_sha256, TEXT },
	{ "packets", F_st_packets, TEXT },
	{ "sessions", F_st_sessions, TEXT },
	{ "alerts", F_st_alerts, TEXT },
	{ "complete", F_st_complete, TEXT },
	{ "reason", F_event_reason, TEXT },
	{ "message", F_message, TEXT },
};

static void header(struct text *t, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		text_char(t, b.p[i] == '|' ? '_' : (char)b.p[i]);
}

static void key(struct text *t, const char *name)
{
	text_char(t, '\t');
	text_put(t, name);
	text_char(t, '=');
}

static void pair(struct text *t, const struct record *r, const struct pair *p, size_t max)
{
	char buf[VALUE_ROOM];
	struct bytes v = value_of(r, p->fact, max, buf);
	if (v.n == 0)
		return;
	key(t, p->key);
	if (p->how == MS)
		value_ms(t, record_get_num(r, p->fact, 0));
	else
		text_bytes(t, v);
}

static void line(struct text *t, const struct record *r, size_t max)
{
	char buf[VALUE_ROOM];
	text_put(t, "LEEF:2.0|mxwitness|mxwitness|" MXWITNESS_VERSION "|");
	header(t, value_kind(r, max, buf));
	text_put(t, "|x09|sev=");
	text_num(t, value_tenths(r));
	key(t, "name");
	text_bytes(t, value_title(r, max, buf));
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		pair(t, r, &pairs[i], max);
	text_char(t, '\n');
}

bool leef_event(const struct record *r, size_t max, struct text *out)
{
	size_t bound;
	for (unsigned i = 0; (bound = value_bound(i)) > 0; i++) {
		struct text t = { out->p + out->n, 0, out->cap - out->n < max ? out->cap - out->n : max, false };
		line(&t, r, bound);
		if (!t.full) {
			out->n += t.n;
			return true;
		}
	}
	return false;
}
