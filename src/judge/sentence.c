/* sentence: what a rule says, filled in from a record. Knows how each type of fact is spelled and nothing of what the
 * facts mean. Values come from the wire: all are cut and cleaned, so that no greeting can write our sentences. */
#include "judge/sentence.h"

static void value(struct text *out, enum fact f, struct bytes item)
{
	const struct fact_info *info = &fact_table[f];
	struct addr a = { .v = item.n == 4 ? 4 : 6 };
	switch (info->type) {
	case T_LENUM:
		text_put(out, info->words[record_item_num(item)]);
		return;
	case T_LNUM:
		text_num(out, record_item_num(item));
		return;
	case T_IP:
	case T_LIP:
		memcpy(a.a, item.p, item.n < 16 ? item.n : 16);
		text_addr(out, &a);
		return;
	case T_HEX:
	case T_LHEX:
		text_hex(out, bytes_head(item, SENTENCE_VALUE / 2), false);
		break;
	case T_STR:
	case T_LSTR:
		text_clean(out, bytes_head(item, SENTENCE_VALUE), false);
		break;
	case T_TRI:
	case T_NUM:
	case T_TIME:
	case T_DUR:
	case T_ENUM:
		return;
	}
	if (item.n > SENTENCE_VALUE)
		text_put(out, "...");
}

static void list(struct text *out, const struct record *r, enum fact f)
{
	size_t pos = 0, n = 0;
	struct bytes item;
	while (record_next(r, f, &pos, &item)) {
		if (n)
			text_put(out, ", ");
		if (n++ == SENTENCE_ITEMS) {
			text_put(out, "...");
			return;
		}
		value(out, f, item);
	}
	if (n == 0)
		text_put(out, "nothing");
}

bool sentence_fact(struct text *out, const struct record *r, enum fact f)
{
	int64_t n = record_get_num(r, f, 0);
	if (!record_has(r, f))
		return false;
	switch (fact_table[f].type) {
	case T_TRI:
		text_put(out, n ? "yes" : "no");
		break;
	case T_NUM:
	case T_DUR:
		text_num(out, n);
		break;
	case T_TIME:
		text_time(out, n);
		break;
	case T_ENUM:
		text_put(out, fact_table[f].words[n]);
		break;
	case T_STR:
	case T_HEX:
	case T_IP:
		value(out, f, record_get_str(r, f));
		break;
	case T_LSTR:
	case T_LNUM:
	case T_LENUM:
	case T_LHEX:
	case T_LIP:
		list(out, r, f);
		break;
	}
	return true;
}

enum parse sentence_brace(struct bytes text, size_t *pos, struct bytes *name)
{
	size_t open = 0;
	bool inside = false;
	for (size_t i = *pos; i < text.n; i++) {
		if (text.p[i] == '{' && inside)
			return PARSE_BAD;
		if (text.p[i] == '}' && !inside)
			return PARSE_BAD;
		if (text.p[i] == '{') {
			inside = true;
			open = i + 1;
		} else if (text.p[i] == '}') {
			*name = (struct bytes){ text.p + open, i - open };
			*pos = i + 1;
			return PARSE_OK;
		}
	}
	return inside ? PARSE_BAD : PARSE_MORE;
}

static void filled(struct text *out, const struct record *r, struct bytes names)
{
	while (names.n) {
		size_t n = 0;
		while (n < names.n && names.p[n] != '|')
			n++;
		enum fact f = fact_by_name(bytes_head(names, n));
		if (f != FACT_COUNT && sentence_fact(out, r, f))
			return;
		names = bytes_skip(names, n + 1);
	}
	text_put(out, "unknown");
}

void sentence_write(struct text *out, const char *text, const struct record *r)
{
	struct bytes all = bytes_of(text), names;
	size_t pos = 0, from = 0;
	while (sentence_brace(all, &pos, &names) == PARSE_OK) {
		text_bytes(out, (struct bytes){ all.p + from, (size_t)(names.p - all.p) - 1 - from });
		filled(out, r, names);
		from = pos;
	}
	text_bytes(out, bytes_skip(all, from));
}
