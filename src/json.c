/* json: see json.h. The names in the table stand grouped by their prefixes (a unit test holds that), so one walk over
 * the table opens and closes each object once. Compact, RFC 8259. */
#include "json.h"

/* What stands open: the name of the last fact written, up to which its objects are open. */
struct writer {
	struct text *t;
	struct bytes open;
	size_t parent; /* of open: octets up to and with its last dot */
	bool comma;
	bool cut;     /* lists, or texts too, are shortened to fit */
	size_t items; /* most items of a list */
	size_t text;  /* most octets of a text, 0: all. Words of our own rules and ids are short, and stay whole */
};

static struct bytes name_of(unsigned f)
{
	return (struct bytes){ (const uint8_t *)fact_table[f].name, fact_table[f].length };
}

static bool may_cut(const struct writer *w, const struct fact_info *info)
{
	enum { WORDS = 64 };
	bool foreign = info->room != ROOM_EVENT && info != &fact_table[F_event_id];
	return w->text && (foreign || info->max > WORDS);
}

static void scalar(struct writer *w, const struct fact_info *info, struct bytes item)
{
	struct addr a = { 0 };
	switch (info->type) {
	case T_LNUM:
		text_num(w->t, record_item_num(item));
		return;
	case T_LENUM:
		text_char(w->t, '"');
		text_put(w->t, info->words[record_item_num(item)]);
		text_char(w->t, '"');
		return;
	case T_HEX:
	case T_LHEX:
		text_char(w->t, '"');
		text_hex(w->t, item, false);
		text_char(w->t, '"');
		return;
	case T_IP:
	case T_LIP:
		a.v = item.n == 4 ? 4 : 6;
		memcpy(a.a, item.p, item.n);
		text_char(w->t, '"');
		text_addr(w->t, &a);
		text_char(w->t, '"');
		return;
	case T_STR:
	case T_LSTR:
	case T_TRI:
	case T_NUM:
	case T_TIME:
	case T_DUR:
	case T_ENUM:
		text_char(w->t, '"');
		text_clean(w->t, may_cut(w, info) ? bytes_head(item, w->text) : item, true);
		text_char(w->t, '"');
		return;
	}
}

static void list(struct writer *w, const struct record *r, enum fact f)
{
	size_t pos = 0, n = 0;
	struct bytes item;
	text_char(w->t, '[');
	while (n < w->items && record_next(r, f, &pos, &item)) {
		if (n++)
			text_char(w->t, ',');
		scalar(w, &fact_table[f], item);
	}
	text_char(w->t, ']');
}

static void value(struct writer *w, const struct record *r, enum fact f)
{
	const struct fact_info *info = &fact_table[f];
	int64_t num = r->slot[f].num;
	switch (info->type) {
	case T_TRI:
		text_put(w->t, num ? "true" : "false");
		return;
	case T_NUM:
	case T_DUR:
		text_num(w->t, num);
		return;
	case T_TIME:
		text_char(w->t, '"');
		text_time(w->t, num);
		text_char(w->t, '"');
		return;
	case T_ENUM:
		text_char(w->t, '"');
		text_put(w->t, info->words[num]);
		text_char(w->t, '"');
		return;
	case T_STR:
	case T_HEX:
	case T_IP:
		scalar(w, info, record_get_str(r, f));
		return;
	case T_LSTR:
	case T_LNUM:
	case T_LENUM:
	case T_LHEX:
	case T_LIP:
		list(w, r, f);
		return;
	}
}

static void key(struct writer *w, struct bytes name)
{
	if (w->comma)
		text_char(w->t, ',');
	text_char(w->t, '"');
	text_bytes(w->t, name);
	text_put(w->t, "\":");
	w->comma = true;
}

/* Closes and opens objects so that the parent of name stands open, and writes the key, name's last part. */
static void enter(struct writer *w, struct bytes name)
{
	size_t common = 0;
	/* most facts stand beside the one before: same parent, nothing to open or close */
	if (w->parent && name.n > w->parent && memcmp(name.p, w->open.p, w->parent) == 0 &&
	    !memchr(name.p + w->parent, '.', name.n - w->parent)) {
		key(w, bytes_skip(name, w->parent));
		w->open = name;
		return;
	}
	for (size_t i = 0; i < name.n && i < w->open.n && name.p[i] == w->open.p[i]; i++)
		if (name.p[i] == '.')
			common = i + 1;
	for (size_t i = common; i < w->open.n; i++)
		if (w->open.p[i] == '.')
			text_char(w->t, '}');
	size_t part = common;
	for (size_t i = common; i < name.n; i++) {
		if (name.p[i] != '.')
			continue;
		key(w, bytes_head(bytes_skip(name, part), i - part));
		text_char(w->t, '{');
		w->comma = false;
		part = i + 1;
	}
	key(w, bytes_skip(name, part));
	w->open = name;
	w->parent = part;
}

static bool item_at(const struct record *r, enum fact f, size_t n, struct bytes *item)
{
	size_t pos = 0;
	do {
		if (!record_next(r, f, &pos, item))
			return false;
	} while (n--);
	return true;
}

/* One object of the array: the n-th item of each column. An empty text is left out: absent. */
static void row(struct writer *w, const struct record *r, unsigned from, unsigned to, size_t prefix, size_t n)
{
	bool comma = false;
	struct bytes item;
	text_char(w->t, '{');
	for (unsigned f = from; f < to; f++) {
		const struct fact_info *info = &fact_table[f];
		if (!record_has(r, (enum fact)f) || !item_at(r, (enum fact)f, n, &item))
			continue;
		if (info->type == T_LSTR && item.n == 0)
			continue;
		if (comma)
			text_char(w->t, ',');
		comma = true;
		text_char(w->t, '"');
		text_put(w->t, info->name + prefix);
		text_put(w->t, "\":");
		scalar(w, info, item);
	}
	text_char(w->t, '}');
}

/* Columns [from, to) share the name up to "[]."; together they are one array of objects. */
static void array(struct writer *w, const struct record *r, unsigned from, unsigned to, size_t bracket)
{
	size_t rows = 0;
	for (unsigned f = from; f < to; f++)
		if (record_count(r, (enum fact)f) > rows)
			rows = record_count(r, (enum fact)f);
	if (rows == 0)
		return;
	enter(w, bytes_head(name_of(from), bracket));
	text_char(w->t, '[');
	for (size_t n = 0; n < rows && n < w->items; n++) {
		if (n)
			text_char(w->t, ',');
		row(w, r, from, to, bracket + sizeof("[].") - 1, n);
	}
	text_char(w->t, ']');
}

/* Past the last column of the array to which f belongs; f itself if it is no column. Only lists can be. */
static unsigned columns(unsigned f, size_t *bracket)
{
	const char *b = fact_table[f].type >= T_LSTR ? strchr(fact_table[f].name, '[') : NULL;
	if (!b)
		return f;
	*bracket = (size_t)(b - fact_table[f].name);
	unsigned to = f;
	while (to < FACT_COUNT && strncmp(fact_table[to].name, fact_table[f].name, *bracket + 2) == 0)
		to++;
	return to;
}

static bool begins(const struct fact_info *info, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (strncmp(info->name, *prefixes, strlen(*prefixes)) == 0)
			return true;
	return false;
}

/* Facts that begin with none of the prefixes are not there. */
static void only(uint64_t *seen, const char *const *prefixes)
{
	for (unsigned f = 0; f < FACT_COUNT; f++)
		if (!begins(&fact_table[f], prefixes))
			seen[f / 64] &= ~(UINT64_C(1) << (f % 64));
}

/* The facts of r in the order of the table; a cut line has mxwitness.truncated besides. */
static void object(struct writer *w, const struct record *r, const char *const *prefixes)
{
	uint64_t seen[sizeof(r->seen) / sizeof(r->seen[0])];
	memcpy(seen, r->seen, sizeof(seen));
	if (w->cut || r->truncated)
		seen[F_truncated / 64] |= UINT64_C(1) << (F_truncated % 64);
	if (prefixes)
		only(seen, prefixes);
	else
		text_char(w->t, '{');
	for (unsigned word = 0; word < sizeof(seen) / sizeof(seen[0]); word++) {
		while (seen[word]) {
			unsigned f = 64 * word + (unsigned)__builtin_ctzll(seen[word]);
			size_t bracket = 0;
			unsigned to = columns(f, &bracket);
			seen[word] &= seen[word] - 1;
			if (to > f) {
				array(w, r, f, to, bracket);
				for (unsigned k = f; k < to; k++)
					seen[k / 64] &= ~(UINT64_C(1) << (k % 64));
				continue;
			}
			enter(w, name_of(f));
			if (f == F_truncated)
				text_put(w->t, "true");
			else
				value(w, r, (enum fact)f);
		}
	}
	for (size_t i = 0; i < w->open.n; i++)
		if (w->open.p[i] == '.')
			text_char(w->t, '}');
	text_put(w->t, "}\n");
}

bool json_event(const struct record *r, size_t max, struct text *out)
{
	return json_facts(r, NULL, max, out);
}

bool json_facts(const struct record *r, const char *const *prefixes, size_t max, struct text *out)
{
	/* Lists first, then texts: a peer may fill every text with octets that take six to write. */
	static const struct { size_t items, text; } tries[] = { { RECORD_ITEMS, 0 }, { 16, 0 }, { 4, 0 }, { 1, 0 }, { 1, 256 },
								{ 1, 64 }, { 1, 16 } };
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct text t = text_part(out, max);
		struct writer w = { .t = &t, .items = tries[i].items, .text = tries[i].text, .cut = i > 0, .comma = prefixes };
		object(&w, r, prefixes);
		if (text_keep(out, &t))
			return true;
	}
	return false;
}
