/* value: see value.h. Knows types of facts, not what formats make of characters that mean something to them. */
#include "value.h"

const struct value_name value_names[] = {
	{ "dataset", F_event_dataset },
	{ "sequence", F_event_sequence },
	{ "level", F_alert_level },
	{ "state", F_alert_state },
	{ "incident", F_alert_incident },
	{ "ruleUuid", F_rule_uuid },
	{ "variant", F_variant },
	{ "findings", F_findings },
	{ "expectation", F_expect },
	{ "service", F_service },
	{ "helo", F_smtp_ehlo },
	{ "senderDomains", F_smtp_mail_domain },
	{ "recipientDomains", F_smtp_rcpt_domains },
	{ "mailDomains", F_id_domains },
	{ "tlsCipher", F_tls_cipher },
	{ "serverName", F_tls_sni },
	{ "certSubject", F_x509_subject },
	{ "certIssuer", F_x509_issuer },
	{ "sessionsTls", F_st_tls },
	{ "complete", F_st_complete },
	{ "incomplete", F_st_reason },
	{ "degraded", F_st_degraded },
	{ "silent", F_st_silent },
	{ "blind", F_st_blind },
	{ "mailDomain", F_po_domain },
	{ "domainState", F_po_state },
	{ "domainDane", F_po_dane },
	{ "domainDnssec", F_po_dnssec },
	{ "changed", F_po_changed },
	{ NULL, FACT_COUNT },
};

static const char *const dataset_words[VALUE_DATASETS] = { [OF_SESSION] = "session", [OF_ALERT] = "alert", [OF_STATS] = "stats",
							   [OF_POSTURE] = "posture" };

enum value_dataset value_dataset(const struct record *r)
{
	static const char module[] = "mxwitness.";
	const struct bytes dataset = record_get_str(r, F_event_dataset);
	const struct bytes word = bytes_skip(dataset, sizeof(module) - 1);
	for (unsigned i = 0; i < VALUE_DATASETS; i++)
		if (bytes_eq(word, bytes_of(dataset_words[i])) && memcmp(dataset.p, module, sizeof(module) - 1) == 0)
			return (enum value_dataset)i;
	return OF_STATS;
}

const char *value_dataset_word(enum value_dataset dataset)
{
	return dataset_words[dataset];
}

static void number(struct text *t, const struct fact_info *info, int64_t v)
{
	if (info->words)
		text_put(t, info->words[v]);
	else
		text_num(t, v);
}

static void octets(struct text *t, enum fact_type type, struct bytes b)
{
	struct addr a = { .v = b.n == 4 ? 4 : 6 };
	if (type == T_HEX || type == T_LHEX) {
		text_hex(t, b, false);
	} else if (type == T_IP || type == T_LIP) {
		memcpy(a.a, b.p, b.n < sizeof(a.a) ? b.n : sizeof(a.a));
		text_addr(t, &a);
	} else {
		text_clean(t, b, false);
	}
}

static void list(struct text *t, const struct record *r, enum fact f, size_t max)
{
	const struct fact_info *info = &fact_table[f];
	const bool numbers = info->type == T_LNUM || info->type == T_LENUM;
	size_t pos = 0;
	struct bytes item;
	while (t->n < max && record_next(r, f, &pos, &item)) {
		if (t->n)
			text_char(t, ',');
		if (numbers)
			number(t, info, record_item_num(item));
		else
			octets(t, info->type, bytes_head(item, max));
	}
}

struct bytes value_head(struct bytes b, size_t max)
{
	size_t n = b.n < max ? b.n : max;
	while (n < b.n && n && (b.p[n] & 0xc0) == 0x80)
		n--;
	return bytes_head(b, n);
}

struct bytes value_of(const struct record *r, enum fact f, size_t max, char buf[VALUE_ROOM])
{
	const struct fact_info *info = &fact_table[f];
	struct text t = { buf, 0, VALUE_ROOM, false };
	if (!record_has(r, f))
		return (struct bytes){ (const uint8_t *)buf, 0 };
	switch (info->type) {
	case T_TRI:
		text_put(&t, r->slot[f].num ? "true" : "false");
		break;
	case T_TIME:
		text_time(&t, r->slot[f].num);
		break;
	case T_NUM: case T_DUR: case T_ENUM:
		number(&t, info, r->slot[f].num);
		break;
	case T_STR: case T_HEX: case T_IP:
		octets(&t, info->type, bytes_head(record_get_str(r, f), max));
		break;
	case T_LSTR: case T_LNUM: case T_LENUM: case T_LHEX: case T_LIP:
		list(&t, r, f, max);
		break;
	}
	return value_head((struct bytes){ (const uint8_t *)buf, t.n }, max);
}

struct bytes value_upper(struct bytes v, char buf[VALUE_ROOM])
{
	for (size_t i = 0; i < v.n; i++)
		if (buf[i] >= 'a' && buf[i] <= 'z')
			buf[i] = (char)(buf[i] - ('a' - 'A'));
	return v;
}

void value_escaped(struct text *t, struct bytes b, const char *special)
{
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '\\' || (b.p[i] && strchr(special, b.p[i])))
			text_char(t, '\\');
		text_char(t, (char)b.p[i]);
	}
}

void value_ms(struct text *t, int64_t ns)
{
	text_num(t, ns / 1000000);
}

unsigned value_level(const struct record *r)
{
	int64_t level = record_get_num(r, F_alert_level, level_informational);
	return level < 0 || level >= level_COUNT ? level_informational : (unsigned)level;
}

unsigned value_tenths(const struct record *r)
{
	return 2 * (value_level(r) + 1);
}

static struct bytes first_of(const struct record *r, enum fact a, enum fact b, const char *otherwise, size_t max, char buf[VALUE_ROOM])
{
	struct bytes v = value_of(r, a, max, buf);
	if (v.n == 0)
		v = value_of(r, b, max, buf);
	return v.n ? v : bytes_of(otherwise);
}

struct bytes value_kind(const struct record *r, size_t max, char buf[VALUE_ROOM])
{
	return first_of(r, F_rule_id, F_event_action, "stats", max, buf);
}

struct bytes value_title(const struct record *r, size_t max, char buf[VALUE_ROOM])
{
	switch (value_dataset(r)) {
	case OF_SESSION:
		return bytes_of("SMTP session");
	case OF_ALERT:
		return first_of(r, F_rule_name, F_event_action, "Alert", max, buf);
	case OF_STATS:
	case VALUE_DATASETS:
		break;
	case OF_POSTURE:
		return bytes_of("Posture of a mail domain");
	}
	return bytes_of("Counters of the sensor");
}

size_t value_bound(unsigned i)
{
	static const size_t bound[] = { VALUE_MAX, 256, 64, 16 };
	return i < sizeof(bound) / sizeof(bound[0]) ? bound[i] : 0;
}
