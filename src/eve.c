/* eve: see eve.h. flow_id is made of the Community ID, as ours are texts and EVE's numbers; both have that id to join them by. Mail
 * addresses are not known here: smtp has the domains in clear, where Suricata has mail_from and rcpt_to. */
#include "eve.h"

#include "json.h"
#include "value.h"

/* OPEN, CLOSE  an object, when one of the facts between is there; key is its name     TEXT, NUMBER, LIST  as in JSON
 * SERIAL  hex with colons                    TLS  "1.2" as "TLS 1.2" */
enum how { OPEN, CLOSE, TEXT, NUMBER, LIST, SERIAL, TLS };

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
	{ "smtp", OPEN, FACT_COUNT },
	{ "helo", TEXT, F_smtp_ehlo },
	{ "mail_from_domain", LIST, F_smtp_mail_domain },
	{ "rcpt_to_domain", LIST, F_smtp_rcpt_domains },
	{ NULL, CLOSE, FACT_COUNT },
	{ "tls", OPEN, FACT_COUNT },
	{ "version", TLS, F_tls_version },
	{ "sni", TEXT, F_tls_sni },
	{ "subject", TEXT, F_x509_subject },
	{ "issuerdn", TEXT, F_x509_issuer },
	{ "serial", SERIAL, F_x509_serial },
	{ "notbefore", TEXT, F_x509_not_before },
	{ "notafter", TEXT, F_x509_not_after },
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

/* 2026-03-01T10:00:04.218377+0000: six digits of a second, always */
static void time_of(struct text *t, int64_t ns)
{
	const int64_t us = (ns % 1000000000 + 1000000000) % 1000000000 / 1000;
	text_time(t, ns - (ns % 1000000000 + 1000000000) % 1000000000);
	t->n -= t->n && t->p[t->n - 1] == 'Z';
	text_char(t, '.');
	text_num_pad(t, (uint64_t)us, 6);
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
	text_char(t, '"');
	for (size_t i = 0; i < hex.n; i++) {
		if (i && (hex.n - i) % 2 == 0)
			text_char(t, ':');
		text_char(t, (char)hex.p[i]);
	}
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
	case LIST:
		list(t, r, m->fact, max);
		break;
	case SERIAL:
		serial(t, record_get_str(r, m->fact));
		break;
	case TLS:
		text_put(t, bytes_eq(record_get_str(r, m->fact), bytes_of("1.0")) ? "\"TLSv1\"" : "\"TLS ");
		if (!bytes_eq(record_get_str(r, m->fact), bytes_of("1.0"))) {
			text_clean(t, record_get_str(r, m->fact), true);
			text_char(t, '"');
		}
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

static void alert(struct text *t, const struct record *r, size_t max)
{
	char buf[VALUE_ROOM];
	if (!record_has(r, F_alert_level))
		return;
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
	text_char(t, '}');
}

static const char *event_type(const struct record *r)
{
	const struct bytes dataset = record_get_str(r, F_event_dataset);
	if (record_has(r, F_alert_level))
		return "\"alert\"";
	if (bytes_eq(dataset, bytes_of("mxwitness.session")))
		return "\"smtp\"";
	return bytes_eq(dataset, bytes_of("mxwitness.posture")) ? "\"mxwitness\"" : "\"stats\"";
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
	if (record_has(r, F_src_ip))
		text_put(t, ",\"proto\":\"TCP\",\"app_proto\":\"smtp\"");
	alert(t, r, max);
	all_members(t, r, max);
}

bool eve_event(const struct record *r, size_t max, struct text *out)
{
	size_t bound;
	for (unsigned i = 0; (bound = value_bound(i)) > 0; i++) {
		struct text t = { out->p + out->n, 0, out->cap - out->n < max ? out->cap - out->n : max, false };
		head(&t, r, bound);
		if (!t.full && json_facts(r, "mxwitness.", t.cap - t.n, &t)) {
			out->n += t.n;
			return true;
		}
	}
	return false;
}
