/* cef: see cef.h. In the header \ and | are escaped, in values \ and =; control characters are no longer there when values are
 * escaped (value.h), so that nobody who is quoted can end a line, a field or a value. */
#include "cef.h"

#include "value.h"
#include "version.h"

/* TEXT   as it is                     UPPER  in capitals, as the dictionary has names of protocols
 * MS     a time, in ms since 1970     ADDRESS  label: the key for IPv6, whose own label is in six */
enum how { TEXT, UPPER, MS, ADDRESS };

/* label: of a custom field, or NULL */
static const struct pair {
	const char *key, *label;
	enum fact fact;
	enum how how;
	const char *six;
} pairs[] = {
	{ "rt", NULL, F_timestamp, MS, NULL },
	{ "start", NULL, F_event_start, MS, NULL },
	{ "end", NULL, F_event_end, MS, NULL },
	{ "externalId", NULL, F_event_id, TEXT, NULL },
	{ "cat", NULL, F_rule_category, TEXT, NULL },
	{ "outcome", NULL, F_event_outcome, TEXT, NULL },
	{ "proto", NULL, F_net_transport, UPPER, NULL },
	{ "app", NULL, F_net_protocol, UPPER, NULL },
	{ "src", "c6a2", F_src_ip, ADDRESS, "Source IPv6 Address" },
	{ "spt", NULL, F_src_port, TEXT, NULL },
	{ "dst", "c6a3", F_dst_ip, ADDRESS, "Destination IPv6 Address" },
	{ "dpt", NULL, F_dst_port, TEXT, NULL },
	{ "dhost", NULL, F_dst_domain, TEXT, NULL },
	{ "sourceDnsDomain", NULL, F_smtp_mail_domain, TEXT, NULL },
	{ "destinationDnsDomain", NULL, F_id_domains, TEXT, NULL },
	{ "in", NULL, F_src_bytes, TEXT, NULL },
	{ "out", NULL, F_dst_bytes, TEXT, NULL },
	{ "cnt", NULL, F_alert_count, TEXT, NULL },
	{ "dvchost", NULL, F_observer_name, TEXT, NULL },
	{ "msg", NULL, F_message, TEXT, NULL },
	{ "reason", NULL, F_event_reason, TEXT, NULL },
	{ "filePath", NULL, F_ev_file, TEXT, NULL },
	{ "fileHash", NULL, F_ev_sha256, TEXT, NULL },
	{ "cs1", "verdict", F_verdict, TEXT, NULL },
	{ "cs2", "daneVerdict", F_dane_verdict, TEXT, NULL },
	{ "cs3", "communityId", F_net_community_id, TEXT, NULL },
	{ "cs4", "tlsVersion", F_tls_version, TEXT, NULL },
	{ "cs5", "certSha256", F_tls_leaf_sha256, TEXT, NULL },
	{ "cs6", "technique", F_threat_technique, TEXT, NULL },
	{ "flexString1", "mailOutcome", F_outcome, TEXT, NULL },
	{ "flexString2", "certainty", F_certainty, TEXT, NULL },
	{ "cn1", "sessionsBefore", F_hist_sessions, TEXT, NULL },
	{ "cn2", "alertRevision", F_alert_revision, TEXT, NULL },
	{ "cn1", "packets", F_st_packets, TEXT, NULL },
	{ "cn2", "sessions", F_st_sessions, TEXT, NULL },
	{ "cn3", "alerts", F_st_alerts, TEXT, NULL },
	{ "deviceCustomDate1", "certNotAfter", F_x509_not_after, MS, NULL },
};

static void escaped(struct text *t, struct bytes b, char also)
{
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '\\' || b.p[i] == (uint8_t)also)
			text_char(t, '\\');
		text_char(t, (char)b.p[i]);
	}
}

/* suffix: what stands behind the name in the key */
static void key(struct text *t, const char *name, const char *suffix, bool *first)
{
	if (!*first)
		text_char(t, ' ');
	*first = false;
	text_put(t, name);
	text_put(t, suffix);
	text_char(t, '=');
}

static void labelled(struct text *t, const char *name, const char *label, bool *first)
{
	key(t, name, "Label", first);
	escaped(t, bytes_of(label), '=');
	key(t, name, "", first);
}

static void upper(struct text *t, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		const char c = (char)(b.p[i] >= 'a' && b.p[i] <= 'z' ? b.p[i] - 0x20 : b.p[i]);
		escaped(t, (struct bytes){ (const uint8_t *)&c, 1 }, '=');
	}
}

static void pair(struct text *t, const struct record *r, const struct pair *p, size_t max, bool *first)
{
	char buf[VALUE_ROOM];
	struct bytes v = value_of(r, p->fact, max, buf);
	if (v.n == 0)
		return;
	if (p->how == ADDRESS && record_get_str(r, p->fact).n != 4)
		labelled(t, p->label, p->six, first);
	else if (p->label && p->how != ADDRESS)
		labelled(t, p->key, p->label, first);
	else
		key(t, p->key, "", first);
	switch (p->how) {
	case TEXT: case ADDRESS:
		escaped(t, v, '=');
		break;
	case UPPER:
		upper(t, v);
		break;
	case MS:
		value_ms(t, record_get_num(r, p->fact, 0));
		break;
	}
}

/* A sensor that only listens forbade nothing. */
static void constants(struct text *t, const struct record *r, bool *first)
{
	if (record_has(r, F_alert_level)) {
		key(t, "act", "", first);
		text_put(t, "alert");
	}
	int64_t way = record_get_num(r, F_net_direction, direction_unknown);
	if (way == direction_inbound || way == direction_outbound) {
		key(t, "deviceDirection", "", first);
		text_char(t, way == direction_outbound ? '1' : '0');
	}
}

static void line(struct text *t, const struct record *r, size_t max)
{
	enum { NAME = 512 }; /* of the two texts in the header, by the dictionary */
	char buf[VALUE_ROOM];
	bool first = true;
	const size_t name = max < NAME ? max : NAME;
	text_put(t, "CEF:0|mxwitness|mxwitness|" MXWITNESS_VERSION "|");
	escaped(t, value_kind(r, name, buf), '|');
	text_char(t, '|');
	escaped(t, value_title(r, name, buf), '|');
	text_char(t, '|');
	text_num(t, value_tenths(r));
	text_char(t, '|');
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		pair(t, r, &pairs[i], max, &first);
	constants(t, r, &first);
	text_char(t, '\n');
}

bool cef_event(const struct record *r, size_t max, struct text *out)
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
