/* json_read: see json_read.h. A stack of at most JSON_DEPTH, no memory of its own; values are decoded by who wants them (RFC 8259). */
#include "json_read.h"

#include <stdio.h>

void json_walk(struct json_walk *w, struct bytes text)
{
	*w = (struct json_walk){ .c = cur_of(text) };
}

static void blanks(struct json_walk *w)
{
	while (w->c.p < w->c.end && (*w->c.p == ' ' || *w->c.p == '\t' || *w->c.p == '\n' || *w->c.p == '\r'))
		w->c.p++;
}

static int peek(struct json_walk *w)
{
	blanks(w);
	return w->c.p < w->c.end ? *w->c.p : -1;
}

static bool fail(struct json_walk *w)
{
	w->bad = true;
	return false;
}

/* The string at hand, quotes included. */
static bool string(struct json_walk *w, struct bytes *out)
{
	const uint8_t *from = w->c.p;
	if (peek(w) != '"')
		return fail(w);
	from = w->c.p;
	for (const uint8_t *p = from + 1; p < w->c.end; p++) {
		if (*p == '\\') {
			p++;
		} else if (*p == '"') {
			*out = (struct bytes){ from, (size_t)(p + 1 - from) };
			w->c.p = p + 1;
			return true;
		}
	}
	return fail(w);
}

/* true, false, null, or what begins as a number and has no other characters than one. */
static bool is_bare(struct bytes v)
{
	if (bytes_eq(v, bytes_of("true")) || bytes_eq(v, bytes_of("false")) || bytes_eq(v, bytes_of("null")))
		return true;
	bool good = v.n && (v.p[0] == '-' || (v.p[0] >= '0' && v.p[0] <= '9'));
	for (size_t i = 0; good && i < v.n; i++)
		good = v.p[i] && strchr("0123456789+-.eE", v.p[i]);
	return good;
}

static bool scalar(struct json_walk *w, struct bytes *out)
{
	if (peek(w) == '"')
		return string(w, out);
	const uint8_t *from = w->c.p;
	while (w->c.p < w->c.end && !strchr(",]} \t\r\n", *w->c.p) && *w->c.p)
		w->c.p++;
	*out = (struct bytes){ from, (size_t)(w->c.p - from) };
	return is_bare(*out) || fail(w);
}

static bool open_level(struct json_walk *w, bool array)
{
	if (w->depth == JSON_DEPTH)
		return fail(w);
	w->level[w->depth].path_n = w->path_n;
	w->level[w->depth].any = false;
	w->level[w->depth++].next = array ? 0 : -1;
	w->c.p++;
	return true;
}

/* The path of the member or element that comes next. */
static bool name_next(struct json_walk *w)
{
	size_t at = w->level[w->depth - 1].path_n;
	int32_t element = w->level[w->depth - 1].next;
	struct bytes key;
	int n;
	if (element >= 0) {
		w->level[w->depth - 1].next++;
		n = snprintf(w->path + at, sizeof(w->path) - at, "[%d]", (int)element);
	} else {
		if (!string(w, &key) || peek(w) != ':')
			return fail(w);
		w->c.p++;
		n = snprintf(w->path + at, sizeof(w->path) - at, "%s%.*s", at ? "." : "", (int)key.n - 2, (const char *)key.p + 1);
	}
	w->path_n = at + (size_t)n;
	return w->path_n < sizeof(w->path) || fail(w);
}

static bool give(struct json_walk *w, struct json_leaf *leaf, struct bytes value)
{
	memcpy(leaf->path, w->path, w->path_n);
	leaf->path[w->path_n] = '\0';
	leaf->value = value;
	return true;
}

/* The comma between two members or elements, if c is not the first one's beginning. */
static bool comma(struct json_walk *w, int c)
{
	bool *any = &w->level[w->depth - 1].any;
	if (*any && c == ',')
		w->c.p++;
	const bool good = c >= 0 && *any == (c == ',');
	*any = true;
	return good;
}

bool json_next(struct json_walk *w, struct json_leaf *leaf)
{
	if (!w->begun) {
		w->begun = true;
		if (peek(w) != '{' || !open_level(w, false))
			return fail(w);
	}
	while (!w->bad && w->depth) {
		int c = peek(w);
		bool array = w->level[w->depth - 1].next >= 0;
		if (c == (array ? ']' : '}')) {
			w->c.p++;
			w->depth--;
			continue;
		}
		if (!comma(w, c) || !name_next(w))
			return fail(w);
		struct bytes value;
		c = peek(w);
		if (c != '{' && c != '[')
			return scalar(w, &value) && give(w, leaf, value);
		const uint8_t *from = w->c.p;
		if (!open_level(w, c == '['))
			return false;
		if (peek(w) == (c == '[' ? ']' : '}')) {
			w->c.p++;
			w->depth--;
			return give(w, leaf, (struct bytes){ from, (size_t)(w->c.p - from) });
		}
	}
	return !w->bad && peek(w) >= 0 ? fail(w) : false;
}

/* ---- values ---- */

static int nibble(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits of \uXXXX. */
static bool four(struct cur *c, uint32_t *out)
{
	*out = 0;
	for (struct bytes b = cur_take(c, 4); b.n; b = bytes_skip(b, 1)) {
		const int digit = nibble(b.p[0]);
		if (digit < 0)
			return false;
		*out = *out << 4 | (uint32_t)digit;
	}
	return !c->bad;
}

static void put_rune(uint32_t rune, uint8_t *out, size_t *n)
{
	if (rune < 0x80) {
		out[(*n)++] = (uint8_t)rune;
		return;
	}
	const unsigned more = rune < 0x800 ? 1 : rune < 0x10000 ? 2 : 3;
	out[(*n)++] = (uint8_t)((0xff00u >> (more + 1) & 0xff) | rune >> 6 * more);
	for (unsigned i = more; i-- > 0;)
		out[(*n)++] = (uint8_t)(0x80 | (rune >> 6 * i & 0x3f));
}

/* \uXXXX behind the u, or two of them, which are one character beyond the first 65,536; half of such a pair is none. */
static bool unicode(struct cur *c, uint8_t *out, size_t *n)
{
	enum { UNKNOWN = 0xfffd };
	uint32_t rune, low;
	if (!four(c, &rune))
		return false;
	if (rune >= 0xd800 && rune < 0xdc00 && c->end - c->p >= 6 && c->p[0] == '\\' && c->p[1] == 'u') {
		struct cur ahead = *c;
		cur_take(&ahead, 2);
		if (!four(&ahead, &low))
			return false;
		if (low >= 0xdc00 && low < 0xe000) {
			rune = 0x10000 + ((rune - 0xd800) << 10 | (low - 0xdc00));
			*c = ahead;
		}
	}
	put_rune(rune >= 0xd800 && rune < 0xe000 ? UNKNOWN : rune, out, n);
	return true;
}

bool json_text(struct bytes v, uint8_t *out, size_t cap, struct bytes *text)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	size_t n = 0;
	if (v.n < 2 || v.p[0] != '"' || v.n > cap)
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
