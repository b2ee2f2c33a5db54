/* event_read: see event_read.h. First all members with the facts that they are, then fact by fact, as the columns of a
 * record lie each in one piece and those of a line are spread over objects. A line comes from anywhere: it is read within
 * bounds, and what a fact cannot be is passed over. RFC 8259; addresses RFC 5952; times RFC 3339. */
#include "event_read.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "json_read.h"
#include "scalar.h"

enum { LEAVES = 4096, OCTETS = 16384, NONE = -1 };

/* row  of an array, which item or object. next: the leaf behind it of the same fact, or NONE. */
struct leaf {
	struct bytes value;
	size_t row;
	int next;
};

/* What the members of a line are: for each fact its first and its last leaf, or NONE. */
struct leaves {
	struct leaf at[LEAVES];
	int first[FACT_COUNT], last[FACT_COUNT];
	size_t n;
};

/* ---- which fact ---- */

/* a.b[3].c is object 3 of a.b[].c, a.d[3] is item 3 of the list a.d. false: neither, nor a plain name. */
static bool name_of(const char *path, char name[JSON_PATH], size_t *row, bool *item)
{
	const char *open = strchr(path, '['), *close = open ? strchr(open, ']') : NULL;
	size_t n = open ? (size_t)(open - path) : strlen(path);
	*row = 0;
	*item = close && !close[1];
	memcpy(name, path, n);
	name[n] = '\0';
	if (!open)
		return true;
	if (!close || close - open < 2 || strchr(close, '['))
		return false;
	*row = strtoul(open + 1, NULL, 10);
	if (!*item) {
		memcpy(name + n, "[]", 2);
		strcpy(name + n + 2, close + 1);
	}
	return true;
}

static bool is_item(enum fact f)
{
	return fact_table[f].type >= T_LSTR && !strchr(fact_table[f].name, '[');
}

/* Lines have the order of the table, so the fact is mostly one of the next ones behind from. */
static enum fact fact_of(const char *name, bool item, enum fact from)
{
	const size_t n = strlen(name);
	for (unsigned k = 0; k < FACT_COUNT; k++) {
		const enum fact f = (enum fact)((from + k) % FACT_COUNT);
		if (fact_table[f].length == n && memcmp(fact_table[f].name, name, n) == 0)
			return is_item(f) == item ? f : FACT_COUNT;
	}
	return FACT_COUNT;
}

/* false: this is no object, or holds more than an event can. */
static bool gather(struct bytes line, struct leaves *all)
{
	struct json_walk walk;
	struct json_leaf l;
	enum fact f = 0;
	char name[JSON_PATH];
	bool item;
	all->n = 0;
	for (unsigned i = 0; i < FACT_COUNT; i++)
		all->first[i] = NONE;
	json_walk(&walk, line);
	while (json_next(&walk, &l)) {
		struct leaf *to = &all->at[all->n];
		if (all->n == LEAVES)
			return false;
		if (!name_of(l.path, name, &to->row, &item))
			continue;
		const enum fact is = fact_of(name, item, f);
		if (is == FACT_COUNT)
			continue;
		f = is;
		to->value = l.value;
		to->next = NONE;
		*(all->first[f] == NONE ? &all->first[f] : &all->at[all->last[f]].next) = (int)all->n;
		all->last[f] = (int)all->n++;
	}
	return !walk.bad;
}

/* ---- values ---- */

static int nibble(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool number(struct bytes v, int64_t *out)
{
	const bool minus = v.n && v.p[0] == '-';
	*out = 0;
	for (size_t i = minus; i < v.n; i++) { /* below zero there is one number more */
		const int digit = v.p[i] >= '0' && v.p[i] <= '9' ? v.p[i] - '0' : -1;
		if (digit < 0 || __builtin_mul_overflow(*out, 10, out) || __builtin_sub_overflow(*out, digit, out))
			return false;
	}
	return v.n > minus && (minus || !__builtin_sub_overflow(0, *out, out));
}

static bool address(struct bytes t, uint8_t out[16], struct bytes *octets)
{
	char text[INET6_ADDRSTRLEN];
	if (t.n >= sizeof(text) || memchr(t.p, '\0', t.n))
		return false;
	memcpy(text, t.p, t.n);
	text[t.n] = '\0';
	const bool six = strchr(text, ':');
	*octets = (struct bytes){ out, six ? 16 : 4 };
	return inet_pton(six ? AF_INET6 : AF_INET, text, out) == 1;
}

/* In place: two digits are read before one octet is written. */
static bool hex(uint8_t *p, struct bytes *t)
{
	for (size_t i = 0; i < t->n / 2; i++) {
		const int high = nibble(p[2 * i]), low = nibble(p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		p[i] = (uint8_t)(high << 4 | low);
	}
	const bool whole = t->n % 2 == 0;
	*t = (struct bytes){ p, t->n / 2 };
	return whole;
}

/* A value as a slot or an item of a list holds it. */
struct value {
	int64_t num;
	struct bytes text; /* in octets */
	uint8_t octets[OCTETS], ip[16];
};

/* false: this fact cannot be that. */
static bool read_value(enum fact f, struct bytes in, struct value *v)
{
	const struct fact_info *info = &fact_table[f];
	const bool text = json_text(in, v->octets, OCTETS, &v->text);
	switch (info->type) {
	case T_TRI:
		v->num = bytes_eq(in, bytes_of("true"));
		return v->num || bytes_eq(in, bytes_of("false"));
	case T_NUM:
	case T_DUR:
	case T_LNUM:
		return number(in, &v->num);
	case T_TIME:
		return text && scalar_moment(v->text, &v->num);
	case T_ENUM:
	case T_LENUM:
		v->num = text ? word_index(info->words, v->text) : -1;
		return v->num >= 0;
	case T_STR:
	case T_LSTR:
		return text;
	case T_HEX:
	case T_LHEX:
		return text && hex(v->octets, &v->text);
	case T_IP:
	case T_LIP:
		return text && address(v->text, v->ip, &v->text);
	}
	return false;
}

/* ---- into the record ---- */

/* What is too long ends between two characters. */
static struct bytes fitting(struct record *r, enum fact f, struct bytes t)
{
	const size_t max = fact_table[f].max;
	size_t n = max && t.n > max ? max : t.n;
	if (n == t.n)
		return t;
	r->truncated = 1;
	while (n && (t.p[n] & 0xc0) == 0x80)
		n--;
	return bytes_head(t, n);
}

static void put(struct record *r, enum fact f, const struct value *v)
{
	switch (fact_table[f].type) {
	case T_TRI:
		record_tri(r, f, v->num ? TRI_YES : TRI_NO);
		return;
	case T_NUM:
	case T_TIME:
	case T_DUR:
	case T_ENUM:
		record_num(r, f, v->num);
		return;
	case T_LNUM:
	case T_LENUM:
		record_add_num(r, f, v->num);
		return;
	case T_STR:
		record_str(r, f, fitting(r, f, v->text));
		return;
	case T_LSTR:
		record_add(r, f, fitting(r, f, v->text));
		return;
	case T_HEX:
	case T_IP:
		record_str(r, f, v->text);
		return;
	case T_LHEX:
	case T_LIP:
		record_add(r, f, v->text);
		return;
	}
}

/* A fact that is no column; of what stands there twice the last counts. */
static void set(struct record *r, enum fact f, const struct leaves *all, struct value *v)
{
	for (int i = all->first[f]; i != NONE; i = all->at[i].next)
		if (read_value(f, all->at[i].value, v))
			put(r, f, v);
}

/* One column of an array of that many objects. It ends where an object lacks it; only texts may be missing, which are empty then. */
static void set_column(struct record *r, enum fact f, const struct leaves *all, size_t rows, struct value *v)
{
	struct bytes cell[RECORD_ITEMS] = { { NULL, 0 } };
	for (int i = all->first[f]; i != NONE; i = all->at[i].next)
		if (all->at[i].row < rows)
			cell[all->at[i].row] = all->at[i].value;
	for (size_t i = 0; i < rows; i++) {
		const bool good = cell[i].n && read_value(f, cell[i], v);
		if (!good && fact_table[f].type != T_LSTR) {
			r->truncated |= cell[i].n > 0; /* a word of another version */
			return;
		}
		if (good)
			put(r, f, v);
		else
			record_add(r, f, (struct bytes){ v->octets, 0 });
	}
}

static size_t column_prefix(unsigned f)
{
	const char *b = f < FACT_COUNT ? strchr(fact_table[f].name, '[') : NULL;
	return b ? (size_t)(b - fact_table[f].name) + 1 : 0;
}

/* The columns from f on that are of one array; how many. */
static unsigned set_columns(struct record *r, enum fact f, const struct leaves *all, struct value *v)
{
	const size_t prefix = column_prefix(f);
	unsigned to = f;
	size_t rows = 0;
	for (; to < FACT_COUNT && column_prefix(to) == prefix && memcmp(fact_table[to].name, fact_table[f].name, prefix) == 0; to++)
		for (int i = all->first[to]; i != NONE; i = all->at[i].next)
			rows = all->at[i].row + 1 > rows ? all->at[i].row + 1 : rows;
	if (rows > RECORD_ITEMS)
		r->truncated = 1;
	for (unsigned k = f; k < to; k++)
		set_column(r, (enum fact)k, all, rows < RECORD_ITEMS ? rows : RECORD_ITEMS, v);
	return to - f;
}

bool event_read(struct bytes line, struct record *r)
{
	static struct leaves all;
	static struct value v;
	record_init(r);
	if (!gather(line, &all))
		return false;
	for (unsigned f = 0; f < FACT_COUNT;) {
		if (column_prefix(f)) {
			f += set_columns(r, (enum fact)f, &all, &v);
			continue;
		}
		set(r, (enum fact)f, &all, &v);
		f++;
	}
	if (record_get_tri(r, F_truncated) == TRI_YES)
		r->truncated = 1;
	return true;
}
