/* event_read: see event_read.h. First all members with the facts that they are, then fact by fact, as the columns of a
 * record lie each in one piece and those of a line are spread over objects. RFC 8259. */
#include "event_read.h"

#include "json_read.h"
#include "scalar.h"

enum { LEAVES = 4096, OCTETS = 16384 };

struct leaf {
	enum fact fact;
	struct bytes value;
};

/* a.b[3].c as a.b.c: the fact of that name. */
static enum fact fact_of(const char *path)
{
	char name[JSON_PATH];
	size_t n = 0;
	for (bool index = false; *path; path++) {
		index = *path == '[' || index;
		if (!index)
			name[n++] = *path;
		index = index && *path != ']';
	}
	return fact_by_name((struct bytes){ (const uint8_t *)name, n });
}

static int nibble(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* \uXXXX behind the u: json.c writes it of control characters alone, so that halves of pairs are not put together. */
static bool unicode(struct cur *c, uint8_t *out, size_t *n)
{
	unsigned code = 0;
	for (struct bytes four = cur_take(c, 4); four.n; four = bytes_skip(four, 1)) {
		int digit = nibble(four.p[0]);
		if (digit < 0)
			return false;
		code = code << 4 | (unsigned)digit;
	}
	if (code < 0x80) {
		out[(*n)++] = (uint8_t)code;
	} else if (code < 0x800) {
		out[(*n)++] = (uint8_t)(0xc0 | code >> 6);
		out[(*n)++] = (uint8_t)(0x80 | (code & 0x3f));
	} else {
		out[(*n)++] = (uint8_t)(0xe0 | code >> 12);
		out[(*n)++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		out[(*n)++] = (uint8_t)(0x80 | (code & 0x3f));
	}
	return !c->bad;
}

/* The octets of a string, which are never more than its text. false: it is none. */
static bool string(struct bytes v, uint8_t out[OCTETS], struct bytes *text)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	size_t n = 0;
	if (v.n < 2 || v.p[0] != '"' || v.n > OCTETS)
		return false;
	struct cur c = cur_of((struct bytes){ v.p + 1, v.n - 2 });
	while (c.p < c.end) {
		uint8_t o = cur_take(&c, 1).p[0];
		if (o != '\\') {
			out[n++] = o;
			continue;
		}
		struct bytes e = cur_take(&c, 1);
		const char *at = e.n && e.p[0] ? strchr(from, e.p[0]) : NULL;
		if (at)
			out[n++] = (uint8_t)to[at - from];
		else if (!e.n || e.p[0] != 'u' || !unicode(&c, out, &n))
			return false;
	}
	*text = (struct bytes){ out, n };
	return true;
}

static bool number(struct bytes v, int64_t *out)
{
	bool minus = v.n && v.p[0] == '-';
	*out = 0;
	for (size_t i = minus; i < v.n; i++)
		if (v.p[i] < '0' || v.p[i] > '9' || __builtin_mul_overflow(*out, 10, out) ||
		    __builtin_add_overflow(*out, v.p[i] - '0', out))
			return false;
	*out = minus ? -*out : *out;
	return v.n > minus;
}

/* What is not of the fact's type is passed over. */
static void set(struct record *r, enum fact f, struct bytes v)
{
	static uint8_t octets[OCTETS];
	struct bytes text = { octets, 0 };
	int64_t num = 0;
	bool is_text = string(v, octets, &text);
	switch (fact_table[f].type) {
	case T_TRI:
		if (bytes_eq(v, bytes_of("true")) || bytes_eq(v, bytes_of("false")))
			record_tri(r, f, v.n == 4 ? TRI_YES : TRI_NO);
		break;
	case T_NUM:
	case T_DUR:
		if (number(v, &num))
			record_num(r, f, num);
		break;
	case T_LNUM:
		record_add_num(r, f, number(v, &num) ? num : 0);
		break;
	case T_TIME:
		if (is_text && scalar_moment(text, &num))
			record_num(r, f, num);
		break;
	case T_ENUM:
		if (is_text && (num = word_index(fact_table[f].words, text)) >= 0)
			record_num(r, f, num);
		break;
	case T_LENUM:
		if (is_text && (num = word_index(fact_table[f].words, text)) >= 0)
			record_add_num(r, f, num);
		break;
	case T_STR:
		if (is_text)
			record_str(r, f, text);
		break;
	case T_LSTR:
		if (is_text)
			record_add(r, f, text);
		break;
	case T_HEX:
	case T_IP:
	case T_LHEX:
	case T_LIP:
		break;
	}
}

bool event_read(struct bytes line, struct record *r)
{
	static struct leaf leaf[LEAVES];
	struct json_walk walk;
	struct json_leaf l;
	size_t n = 0;
	record_init(r);
	json_walk(&walk, line);
	while (n < LEAVES && json_next(&walk, &l)) {
		leaf[n] = (struct leaf){ fact_of(l.path), l.value };
		n += leaf[n].fact != FACT_COUNT;
	}
	if (walk.bad || n == LEAVES)
		return false;
	for (unsigned f = 0; f < FACT_COUNT; f++)
		for (size_t i = 0; i < n; i++)
			if (leaf[i].fact == f)
				set(r, (enum fact)f, leaf[i].value);
	return true;
}
