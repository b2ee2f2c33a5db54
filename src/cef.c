/* cef: see cef.h. In the header \ and | are escaped, in values \ and =; control characters are no longer there when values are
 * escaped (value.h), so that nobody who is quoted can end a line, a field or a value. */
#include "cef.h"

#include "value.h"
#include "version.h"

/* TEXT   as it is                     UPPER  in capitals, as the dictionary has names of protocols
 * MS     a time, in ms since 1970     ADDRESS  label: the key for IPv6, whose own label is in six */
enum how { TEXT, UPPER, MS, ADDRESS };

/* Lengths that the dictionary gives its keys, where it is less than any value has here. */
enum { SHORT = 31, LABELS = 63, HOSTNAME = 100, NAME = 255, TITLE = 512 };

/* label: of a custom field, or NULL    most: octets, 0: any */
static const struct pair {
	const char *key, *label;
	enum fact fact;
	enum how how;
	size_t most;
	const char *six;
} pairs[] = {
	{ "rt", NULL, F_timestamp, MS, 0, NULL },
	{ "start", NULL, F_event_start, MS, 0, NULL },
	{ "end", NULL, F_event_end, MS, 0, NULL },
	{ "externalId", NULL, F_event_id, TEXT, 0, NULL },
	{ "cat", NULL, F_rule_category, TEXT, 0, NULL },
	{ "outcome", NULL, F_event_outcome, TEXT, LABELS, NULL },
	{ "proto", NULL, F_net_transport, UPPER, SHORT, NULL },
	{ "app", NULL, F_net_protocol, UPPER, SHORT, NULL },
	{ "src", "c6a2", F_src_ip, ADDRESS, 0, "Source IPv6 Address" },
	{ "spt", NULL, F_src_port, TEXT, 0, NULL },
	{ "dst", "c6a3", F_dst_ip, ADDRESS, 0, "Destination IPv6 Address" },
	{ "dpt", NULL, F_dst_port, TEXT, 0, NULL },
	{ "dhost", NULL, F_dst_domain, TEXT, 0, NULL },
	{ "in", NULL, F_src_bytes, TEXT, 0, NULL },
	{ "out", NULL, F_dst_bytes, TEXT, 0, NULL },
	{ "cnt", NULL, F_alert_count, TEXT, 0, NULL },
	{ "dvchost", NULL, F_observer_name, TEXT, HOSTNAME, NULL },
	{ "msg", NULL, F_message, TEXT, 0, NULL },
	{ "reason", NULL, F_event_reason, TEXT, 0, NULL },
	{ "filePath", NULL, F_ev_file, TEXT, 0, NULL },
	{ "fileHash", NULL, F_ev_sha256, TEXT, NAME, NULL },
	{ "cs1", "verdict", F_verdict, TEXT, 0, NULL },
	{ "cs2", "daneVerdict", F_dane_verdict, TEXT, 0, NULL },
	{ "cs3", "communityId", F_net_community_id, TEXT, 0, NULL },
	{ "cs4", "tlsVersion", F_tls_version, TEXT, 0, NULL },
	{ "cs5", "certSha256", F_tls_leaf_sha256, TEXT, 0, NULL },
	{ "cs6", "technique", F_threat_technique, TEXT, 0, NULL },
	{ "flexString1", "mailOutcome", F_outcome, TEXT, 0, NULL },
	{ "flexString2", "certainty", F_certainty, TEXT, 0, NULL },
	{ "cn1", "sessionsBefore", F_hist_sessions, TEXT, 0, NULL },
	{ "cn2", "alertRevision", F_alert_revision, TEXT, 0, NULL },
	{ "cn1", "packets", F_st_packets, TEXT, 0, NULL },
	{ "cn2", "sessions", F_st_sessions, TEXT, 0, NULL },
	{ "cn3", "alerts", F_st_alerts, TEXT, 0, NULL },
	{ "deviceCustomDate1", "certNotAfter", F_x509_not_after, MS, 0, NULL },
};

/* suffix: what stands behind the name in the key */
static void key(struct text *t, const char *name, const char *suffix)
{
	if (t->n && t->p[t->n - 1] != '|')
		text_char(t, ' ');
	text_put(t, name);
	text_put(t, suffix);
	text_char(t, '=');
}

static void labelled(struct text *t, const char *name, const char *label)
{
	key(t, name, "Label");
	value_escaped(t, bytes_of(label), "=");
	key(t, name, "");
}

static void pair(struct text *t, const struct record *r, const struct pair *p, size_t max)
{
	char buf[VALUE_ROOM];
	struct bytes v = value_of(r, p->fact, p->most && p->most < max ? p->most : max, buf);
	if (v.n == 0)
		return;
	if (p->how == ADDRESS && record_get_str(r, p->fact).n != 4)
		labelled(t, p->label, p->six);
	else if (p->label && p->how != ADDRESS)
		labelled(t, p->key, p->label);
	else
		key(t, p->key, "");
	switch (p->how) {
	case TEXT: case ADDRESS:
		value_escaped(t, v, "=");
		break;
	case UPPER:
		value_escaped(t, value_upper(v, buf), "=");
		break;
	case MS:
		value_ms(t, record_get_num(r, p->fact, 0));
		break;
	}
}

/* Keys of our own are to begin with our name. */
static void named(struct text *t, const struct record *r, const struct value_name *p, size_t max)
{
	char buf[VALUE_ROOM];
	const struct bytes v = value_of(r, p->fact, max, buf);
	if (v.n == 0)
		return;
	text_put(t, " mxwitness");
	text_char(t, (char)(p->name[0] - ('a' - 'A')));
	text_put(t, p->name + 1);
	text_char(t, '=');
	value_escaped(t, v, "=");
}

/* A sensor that only listens forbade nothing. */
static void constants(struct text *t, const struct record *r)
{
	const int64_t way = record_get_num(r, F_net_direction, direction_unknown);
	if (value_dataset(r) == OF_ALERT) {
		key(t, "act", "");
		text_put(t, "alert");
	}
	if (way == direction_inbound || way == direction_outbound) {
		key(t, "deviceDirection", "");
		text_char(t, way == direction_outbound ? '1' : '0');
	}
}

static void line(struct text *t, const struct record *r, size_t max)
{
	char buf[VALUE_ROOM];
	const size_t title = max < TITLE ? max : TITLE;
	text_put(t, "CEF:0|mxwitness|mxwitness|" MXWITNESS_VERSION "|");
	value_escaped(t, value_kind(r, title, buf), "|");
	text_char(t, '|');
	value_escaped(t, value_title(r, title, buf), "|");
	text_char(t, '|');
	text_num(t, value_tenths(r));
	text_char(t, '|');
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		pair(t, r, &pairs[i], max);
	constants(t, r);
	for (const struct value_name *p = value_names; p->name; p++)
		named(t, r, p, max);
	text_char(t, '\n');
}

bool cef_event(const struct record *r, size_t max, struct text *out)
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
