/* record: see record.h. Text is only ever appended to; what a setter replaces stays behind as waste until the text
 * is full, and then one compaction makes room. Knows nothing of what a fact means. */
#include "record.h"

#include <assert.h>

#define WORDS(set) static const char *const set##_words[] = {
#define WORD(set, c, text) text,
#define WORDS_END(set) NULL };
#include "words.def"
#undef WORDS
#undef WORD
#undef WORDS_END

const struct fact_info fact_table[FACT_COUNT] = {
#define FACT(id, name, type, words, max, unit, room, sets, inv, meaning) \
	{ name, sizeof(name) - 1, type, words, max, unit, room, (uint8_t)(sets), inv, meaning },
#include "facts.def"
};

static bool is_list(enum fact_type t)
{
	return t >= T_LSTR;
}

static bool is_text(enum fact_type t)
{
	return t == T_STR || t == T_HEX || t == T_IP || is_list(t);
}

static bool is_number_list(enum fact_type t)
{
	return t == T_LNUM || t == T_LENUM;
}

size_t record_size(const struct record *r)
{
	return offsetof(struct record, text) + r->used;
}

void record_init(struct record *r)
{
	memset(r->seen, 0, sizeof(r->seen));
	r->used = 0;
	r->truncated = 0;
}

bool record_has(const struct record *r, enum fact f)
{
	return r->seen[f / 64] >> (f % 64) & 1;
}

static void mark(struct record *r, enum fact f)
{
	r->seen[f / 64] |= UINT64_C(1) << (f % 64);
}

void record_unset(struct record *r, enum fact f)
{
	r->seen[f / 64] &= ~(UINT64_C(1) << (f % 64));
}

void record_tri(struct record *r, enum fact f, enum tri v)
{
	assert(fact_table[f].type == T_TRI);
	if (v == TRI_UNSEEN) {
		record_unset(r, f);
		return;
	}
	r->slot[f].num = v == TRI_YES;
	mark(r, f);
}

void record_yes(struct record *r, enum fact f)
{
	record_tri(r, f, TRI_YES);
}

void record_num(struct record *r, enum fact f, int64_t v)
{
	assert(!is_text(fact_table[f].type));
	r->slot[f].num = v;
	mark(r, f);
}

/* Rewrites the text so that only what slots refer to is left. */
static void compact(struct record *r)
{
	uint8_t old[RECORD_TEXT];
	memcpy(old, r->text, r->used);
	r->used = 0;
	for (unsigned f = 0; f < FACT_COUNT; f++) {
		if (!record_has(r, (enum fact)f) || !is_text(fact_table[f].type))
			continue;
		struct ref *ref = &r->slot[f].ref;
		memcpy(r->text + r->used, old + ref->off, ref->n);
		ref->off = r->used;
		r->used += ref->n;
	}
}

/* Room for n more octets of text at the end, or false. */
static bool room(struct record *r, size_t n)
{
	if (RECORD_TEXT - r->used >= n)
		return true;
	compact(r);
	return RECORD_TEXT - r->used >= n;
}

static size_t bound(struct record *r, enum fact f, size_t n)
{
	size_t max = fact_table[f].max;
	if (max && n > max) {
		r->truncated = 1;
		return max;
	}
	return n;
}

void record_str(struct record *r, enum fact f, struct bytes b)
{
	assert(is_text(fact_table[f].type) && !is_list(fact_table[f].type));
	size_t n = bound(r, f, b.n);
	record_unset(r, f);
	if (!room(r, n)) {
		r->truncated = 1;
		return;
	}
	r->slot[f].ref = (struct ref){ r->used, (uint32_t)n };
	if (n)
		memcpy(r->text + r->used, b.p, n);
	r->used += (uint32_t)n;
	mark(r, f);
}

void record_cstr(struct record *r, enum fact f, const char *s)
{
	record_str(r, f, bytes_of(s));
}

void record_addr(struct record *r, enum fact f, const struct addr *a)
{
	record_str(r, f, (struct bytes){ a->a, a->v == 4 ? 4 : 16 });
}

/* Moves list f to the end of the text and makes room for n octets behind it. */
static bool list_at_end(struct record *r, enum fact f, size_t n)
{
	if (!record_has(r, f)) {
		if (!room(r, n))
			return false;
		r->slot[f].ref = (struct ref){ r->used, 0 };
		mark(r, f);
		return true;
	}
	struct ref *ref = &r->slot[f].ref;
	if (ref->off + ref->n == r->used && RECORD_TEXT - r->used >= n)
		return true;
	if (!room(r, ref->n + n))
		return false;
	memmove(r->text + r->used, r->text + ref->off, ref->n);
	ref->off = r->used;
	r->used += ref->n;
	return true;
}

static void list_append(struct record *r, enum fact f, const uint8_t *p, size_t n)
{
	if (record_count(r, f) >= RECORD_ITEMS || !list_at_end(r, f, n + 2)) {
		r->truncated = 1;
		return;
	}
	uint8_t *to = r->text + r->used;
	to[0] = (uint8_t)(n >> 8);
	to[1] = (uint8_t)n;
	if (n)
		memcpy(to + 2, p, n);
	r->used += (uint32_t)n + 2;
	r->slot[f].ref.n += (uint32_t)n + 2;
}

void record_add(struct record *r, enum fact f, struct bytes item)
{
	assert(is_list(fact_table[f].type) && !is_number_list(fact_table[f].type));
	list_append(r, f, item.p, bound(r, f, item.n));
}

void record_add_cstr(struct record *r, enum fact f, const char *s)
{
	record_add(r, f, bytes_of(s));
}

void record_add_num(struct record *r, enum fact f, int64_t v)
{
	assert(is_number_list(fact_table[f].type));
	uint8_t be[8];
	for (int i = 0; i < 8; i++)
		be[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
	list_append(r, f, be, sizeof(be));
}

enum tri record_get_tri(const struct record *r, enum fact f)
{
	if (!record_has(r, f))
		return TRI_UNSEEN;
	return r->slot[f].num ? TRI_YES : TRI_NO;
}

int64_t record_get_num(const struct record *r, enum fact f, int64_t fallback)
{
	return record_has(r, f) ? r->slot[f].num : fallback;
}

struct bytes record_get_str(const struct record *r, enum fact f)
{
	if (!record_has(r, f))
		return (struct bytes){ r->text, 0 };
	return (struct bytes){ r->text + r->slot[f].ref.off, r->slot[f].ref.n };
}

bool record_get_addr(const struct record *r, enum fact f, struct addr *out)
{
	struct bytes b = record_get_str(r, f);
	*out = (struct addr){ 0 };
	if (b.n != 4 && b.n != 16)
		return false;
	out->v = b.n == 4 ? 4 : 6;
	memcpy(out->a, b.p, b.n);
	return true;
}

bool record_next(const struct record *r, enum fact f, size_t *pos, struct bytes *item)
{
	struct cur c = cur_of(bytes_skip(record_get_str(r, f), *pos));
	if (cur_left(&c) == 0)
		return false;
	size_t n = cur_u16(&c);
	*item = cur_take(&c, n);
	if (c.bad)
		return false;
	*pos += n + 2;
	return true;
}

int64_t record_item_num(struct bytes item)
{
	uint64_t v = 0;
	for (size_t i = 0; i < item.n && i < 8; i++)
		v = v << 8 | item.p[i];
	return (int64_t)v;
}

size_t record_count(const struct record *r, enum fact f)
{
	size_t pos = 0, n = 0;
	struct bytes item;
	while (record_next(r, f, &pos, &item))
		n++;
	return n;
}

bool record_list_has(const struct record *r, enum fact f, struct bytes want)
{
	size_t pos = 0;
	struct bytes item;
	while (record_next(r, f, &pos, &item))
		if (bytes_eq_nocase(item, want))
			return true;
	return false;
}

static size_t word_count(const char *const *words)
{
	size_t n = 0;
	while (words && words[n])
		n++;
	return n;
}

static bool list_check(const struct fact_info *info, struct bytes list)
{
	struct cur c = cur_of(list);
	size_t words = word_count(info->words), items = 0;
	while (cur_left(&c) && !c.bad && ++items <= RECORD_ITEMS) {
		struct bytes item = cur_take(&c, cur_u16(&c));
		if (is_number_list(info->type)) {
			if (item.n != 8)
				return false;
			if (info->words && (uint64_t)record_item_num(item) >= words)
				return false;
		} else if (info->max && item.n > info->max) {
			return false;
		} else if (info->type == T_LIP && item.n != 4 && item.n != 16) {
			return false;
		}
	}
	return !c.bad && items <= RECORD_ITEMS;
}

static bool slot_check(const struct record *r, enum fact f)
{
	const struct fact_info *info = &fact_table[f];
	if (info->type == T_TRI)
		return r->slot[f].num == 0 || r->slot[f].num == 1;
	if (info->type == T_ENUM)
		return r->slot[f].num >= 0 && (uint64_t)r->slot[f].num < word_count(info->words);
	if (!is_text(info->type))
		return true;
	struct ref ref = r->slot[f].ref;
	if (ref.off > r->used || ref.n > r->used - ref.off)
		return false;
	if (is_list(info->type))
		return list_check(info, record_get_str(r, f));
	if (info->type == T_IP)
		return ref.n == 4 || ref.n == 16;
	return !info->max || ref.n <= info->max;
}

bool record_check(const struct record *r, size_t n)
{
	if (n < offsetof(struct record, text) || r->used > RECORD_TEXT || r->truncated > 1 || n != record_size(r))
		return false;
	if (FACT_COUNT % 64 && r->seen[FACT_COUNT / 64] >> (FACT_COUNT % 64))
		return false;
	for (unsigned f = 0; f < FACT_COUNT; f++)
		if (record_has(r, (enum fact)f) && !slot_check(r, (enum fact)f))
			return false;
	return true;
}

/* Does name equal the table's name with its "[]" left out? */
static bool name_is(const char *table, struct bytes name)
{
	size_t i = 0;
	for (; *table; table++) {
		if (*table == '[' || *table == ']')
			continue;
		if (i >= name.n || name.p[i] != (uint8_t)*table)
			return false;
		i++;
	}
	return i == name.n;
}

enum fact fact_by_name(struct bytes name)
{
	for (unsigned f = 0; f < FACT_COUNT; f++) {
		size_t n = fact_table[f].length;
		if ((n == name.n || n == name.n + 2) && name_is(fact_table[f].name, name))
			return (enum fact)f;
	}
	return FACT_COUNT;
}

/* Edit distance with early bounds; names are short. */
static unsigned distance(const char *a, struct bytes b)
{
	enum { MAX = 96 };
	unsigned row[MAX + 1];
	size_t n = b.n < MAX ? b.n : MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; a[i]; i++) {
		unsigned diagonal = row[0];
		row[0] = (unsigned)i + 1;
		for (size_t j = 1; j <= n; j++) {
			unsigned best = diagonal + (a[i] != (char)b.p[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

const char *fact_suggest(struct bytes name)
{
	const char *best = NULL;
	unsigned least = 1 + (unsigned)(name.n < 40 ? name.n / 3 : 13);
	for (unsigned f = 0; f < FACT_COUNT; f++) {
		unsigned d = distance(fact_table[f].name, name);
		if (d < least) {
			least = d;
			best = fact_table[f].name;
		}
	}
	return best;
}

int word_index(const char *const *words, struct bytes w)
{
	for (int i = 0; words && words[i]; i++)
		if (bytes_eq(bytes_of(words[i]), w))
			return i;
	return -1;
}
