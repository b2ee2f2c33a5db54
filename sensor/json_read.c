/* json_read: see json_read.h. A stack of at most JSON_DEPTH, no memory of its own; values are not decoded (RFC 8259). */
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
