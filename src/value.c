/* value: see value.h. Knows types of facts, not what formats make of characters that mean something to them. */
#include "value.h"

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
	struct bytes dataset = record_get_str(r, F_event_dataset);
	const char *title = bytes_eq(dataset, bytes_of("mxwitness.session")) ? "SMTP session" :
			    bytes_eq(dataset, bytes_of("mxwitness.posture")) ? "Posture of a mail domain" : "Counters of the sensor";
	if (record_has(r, F_alert_level))
		return first_of(r, F_rule_name, F_event_action, "Alert", max, buf);
	return bytes_of(title);
}

size_t value_bound(unsigned i)
{
	static const size_t bound[] = { VALUE_MAX, 256, 64, 16 };
	return i < sizeof(bound) / sizeof(bound[0]) ? bound[i] : 0;
}
