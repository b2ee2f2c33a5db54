/* eve: see eve.h. flow_id is made of the Community ID, as ours are texts and EVE's numbers; both have that id to join them by. Mail
 * addresses are not known here: smtp has the domains in clear, where Suricata has mail_from and rcpt_to. */
#include "eve.h"

#include "json.h"
#include "value.h"

/* OPEN, CLOSE  an object, when one of the facts between is there; key is its name     TEXT, NUMBER, YES, LIST  as in JSON
 * SERIAL  hex with colons        TLS  "1.2" as "TLS 1.2"        TIME, SECOND  a time, and one without its fraction and zone */
enum how { OPEN, CLOSE, TEXT, NUMBER, YES, LIST, SERIAL, TLS, TIME, SECOND };

static const struct member {
	const char *key;
	enum how how;
	enum fact fact;
} members[] = {
	{ "src_ip", TEXT, F_src_ip },
	{ "src_port", NUMBER, F_src_port },
	{ "dest_ip", TEXT, F_dst_ip },
	{ "dest_port", NUMBER, F_dst_port },
	{ "community_id", TEXT, F_net_community_id },
	{ "host", TEXT, F_observer_name },
	{ "flow", OPEN, FACT_COUNT },
	{ "pkts_toserver", NUMBER, F_src_packets },
	{ "pkts_toclient", NUMBER, F_dst_packets },
	{ "bytes_toserver", NUMBER, F_src_bytes },
	{ "bytes_toclient", NUMBER, F_dst_bytes },
	{ "start", TIME, F_event_start },
	{ "end", TIME, F_event_end },
	{ NULL, CLOSE, FACT_COUNT },
	{ "smtp", OPEN, FACT_COUNT },
	{ "helo", TEXT, F_smtp_ehlo },
	{ "mail_from_domain", LIST, F_smtp_mail_domain },
	{ "rcpt_to_domain", LIST, F_smtp_rcpt_domains },
	{ NULL, CLOSE, FACT_COUNT },
	{ "tls", OPEN, FACT_COUNT },
	{ "version", TLS, F_tls_version },
	{ "sni", TEXT, F_tls_sni },
	{ "session_resumed", YES, F_tls_resumed },
	{ "subject", TEXT, F_x509_subject },
	{ "issuerdn", TEXT, F_x509_issuer },
	{ "subjectaltname", LIST, F_x509_names },
	{ "serial", SERIAL, F_x509_serial },
	{ "fingerprint_sha256", TEXT, F_tls_leaf_sha256 },
	{ "notbefore", SECOND, F_x509_not_before },
	{ "notafter", SECOND, F_x509_not_after },
	{ "cipher", TEXT, F_tls_cipher },
	{ "ja4", TEXT, F_tls_ja4 },
	{ NULL, CLOSE, FACT_COUNT },
};

enum { MEMBERS = sizeof(members) / sizeof(members[0]) };

/* FNV-1a */
static uint64_t hash(struct bytes b)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < b.n; i++)
		h = (h ^ b.p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* 2026-03-01T10:00:04 */
static void second_of(struct text *t, int64_t ns)
{
	text_time(t, ns - (ns % 1000000000 + 1000000000) % 1000000000);
	t->n -= t->n && t->p[t->n - 1] == 'Z';
}

/* 2026-03-01T10:00:04.218377+0000: six digits of a second, always */
static void time_of(struct text *t, int64_t ns)
{
	second_of(t, ns);
	text_char(t, '.');
	text_num_pad(t, (uint64_t)((ns % 1000000000 + 1000000000) % 1000000000 / 1000), 6);
	text_put(t, "+0000");
}

static void key(struct text *t, const char *name)
{
	if (t->n && t->p[t->n - 1] != '{')
		text_char(t, ',');
	text_char(t, '"');
	text_put(t, name);
	text_put(t, "\":");
}

static void quoted(struct text *t, struct bytes b)
{
	text_char(t, '"');
	text_clean(t, b, true);
	text_char(t, '"');
}

static void list(struct text *t, const struct record *r, enum fact f, size_t max)
{
	enum { ITEMS = 16 };
	size_t pos = 0, n = 0;
	struct bytes item;
	text_char(t, '[');
	while (n < ITEMS && record_next(r, f, &pos, &item)) {
		if (n++)
			text_char(t, ',');
		quoted(t, value_head(item, max));
	}
	text_char(t, ']');
}

static void serial(struct text *t, struct bytes hex)
{
	for (size_t i = 0; i < hex.n; i++) {
		if (i && (hex.n - i) % 2 == 0)
			text_char(t, ':');
		text_clean(t, (struct bytes){ hex.p + i, 1 }, true);
	}
}

/* Its name of a version: 1.0 alone is not spelled as the others are. */
static void tls_version(struct text *t, struct bytes version)
{
	const bool first = bytes_eq(version, bytes_of("1.0"));
	text_put(t, first ? "TLSv1" : "TLS ");
	if (!first)
		text_clean(t, version, true);
}

static void in_quotes(struct text *t, const struct record *r, const struct member *m)
{
	text_char(t, '"');
	if (m->how == SERIAL)
		serial(t, record_get_str(r, m->fact));
	else if (m->how == TLS)
		tls_version(t, record_get_str(r, m->fact));
	else if (m->how == TIME)
		time_of(t, record_get_num(r, m->fact, 0));
	else
		second_of(t, record_get_num(r, m->fact, 0));
	text_char(t, '"');
}

static void member(struct text *t, const struct record *r, const struct member *m, size_t max)
{
	char buf[VALUE_ROOM];
	key(t, m->key);
	switch (m->how) {
	case OPEN: case CLOSE:
		break;
	case TEXT:
		quoted(t, value_of(r, m->fact, max, buf));
		break;
	case NUMBER:
		text_num(t, record_get_num(r, m->fact, 0));
		break;
	case YES:
		text_put(t, record_get_tri(r, m->fact) == TRI_YES ? "true" : "false");
		break;
	case LIST:
		list(t, r, m->fact, max);
		break;
	case SERIAL: case TLS: case TIME: case SECOND:
		in_quotes(t, r, m);
		break;
	}
}

static bool any(const struct record *r, size_t from)
{
	for (size_t i = from; members[i].how != CLOSE; i++)
		if (record_has(r, members[i].fact))
			return true;
	return false;
}

static void all_members(struct text *t, const struct record *r, size_t max)
{
	bool shown = true;
	for (size_t i = 0; i < MEMBERS; i++) {
		const struct member *m = &members[i];
		if (m->how == OPEN) {
			shown = any(r, i + 1);
			if (shown) {
				key(t, m->key);
				text_char(t, '{');
			}
		} else if (m->how == CLOSE) {
			if (shown)
				text_char(t, '}');
			shown = true;
		} else if (shown && record_has(r, m->fact)) {
			member(t, r, m, max);
		}
	}
}

/* 1 is the most severe there. */
static int severity(const struct record *r)
{
	const unsigned level = value_level(r);
	return level >= level_high ? 1 : level == level_medium ? 2 : 3;
}

/* Where rules for Suricata have the techniques of ATT&CK. */
static void metadata(struct text *t, const struct record *r, size_t max)
{
	if (!record_has(r, F_threat_technique))
		return;
	key(t, "metadata");
	text_char(t, '{');
	key(t, "mitre_technique_id");
	list(t, r, F_threat_technique, max);
	text_char(t, '}');
}

static void alert(struct text *t, const struct record *r, size_t max)
{
	char buf[VALUE_ROOM];
	key(t, "alert");
	text_char(t, '{');
	key(t, "action");
	text_put(t, "\"allowed\""); /* who only listens stops nothing */
	key(t, "gid");
	text_char(t, '1');
	key(t, "signature_id");
	text_num(t, (int64_t)(EVE_SID + hash(record_get_str(r, F_rule_id)) % EVE_SIDS));
	key(t, "rev");
	text_char(t, '1');
	key(t, "signature");
	quoted(t, value_title(r, max, buf));
	key(t, "category");
	quoted(t, value_of(r, F_rule_category, max, buf));
	key(t, "severity");
	text_num(t, severity(r));
	metadata(t, r, max);
	text_char(t, '}');
}

/* Nothing but TLS was seen where the dialogue is inside it. */
static bool in_tls(const struct record *r)
{
	const bool dialogue = record_has(r, F_smtp_banner) || record_has(r, F_smtp_ehlo) || record_has(r, F_smtp_last_verb) ||
			      record_has(r, F_smtp_last_code);
	return !dialogue && record_get_tri(r, F_tls_seen) == TRI_YES;
}

static const char *event_type(const struct record *r)
{
	switch (value_dataset(r)) {
	case OF_SESSION:
		return in_tls(r) ? "\"tls\"" : "\"smtp\"";
	case OF_ALERT:
		return "\"alert\"";
	case OF_POSTURE:
		return "\"mxwitness\"";
	case OF_STATS: case VALUE_DATASETS:
		break;
	}
	return "\"stats\"";
}

static void head(struct text *t, const struct record *r, size_t max)
{
	enum { NUMBER_BITS = 53 }; /* that every reader of JSON keeps */
	text_char(t, '{');
	key(t, "timestamp");
	text_char(t, '"');
	time_of(t, record_get_num(r, F_timestamp, 0));
	text_char(t, '"');
	if (record_has(r, F_net_community_id)) {
		key(t, "flow_id");
		text_num(t, (int64_t)(hash(record_get_str(r, F_net_community_id)) >> (64 - NUMBER_BITS)));
	}
	key(t, "event_type");
	text_put(t, event_type(r));
	if (record_has(r, F_src_ip)) {
		key(t, "proto");
		text_put(t, "\"TCP\"");
		key(t, "app_proto");
		text_put(t, in_tls(r) ? "\"tls\"" : "\"smtp\"");
	}
	if (value_dataset(r) == OF_ALERT)
		alert(t, r, max);
	all_members(t, r, max);
}

bool eve_event(const struct record *r, size_t max, struct text *out)
{
	static const char *const ours[] = { "message", "event.", "rule.", "threat.", "mxwitness.", NULL };
	size_t bound;
	for (unsigned i = 0; (bound = value_bound(i)) > 0; i++) {
		struct text t = text_part(out, max);
		head(&t, r, bound);
		if (!t.full && json_facts(r, ours, SIZE_MAX, &t))
			return text_keep(out, &t);
	}
	return false;
}
