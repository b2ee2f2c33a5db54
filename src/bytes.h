/* bytes: spans of octets, and the cursor through which every number, length and vector from outside is read.
 *
 * A span is a loan: never freed through it, never longer-lived than the buffer it points into. A cursor that
 * was asked for more than there is turns bad for good and stays empty, so that a caller may read a whole record
 * in straight lines and ask about bad once, at its end. */
#ifndef BYTES_H
#define BYTES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *p;
	size_t n;
};

struct cur {
	const uint8_t *p, *end;
	bool bad;
};

/* What every incremental parser answers. OK: one item, and how many octets it used. MORE: call again with these
 * octets and more behind them. LONG: over its bound; drop what it says and resynchronise. BAD: not this protocol. */
enum parse { PARSE_MORE, PARSE_OK, PARSE_LONG, PARSE_BAD };

static inline struct cur cur_of(struct bytes b)
{
	return (struct cur){ b.p, b.p ? b.p + b.n : b.p, false };
}

static inline size_t cur_left(const struct cur *c)
{
	return (size_t)(c->end - c->p);
}

/* The next n octets; none, and bad, if there are fewer. */
static inline struct bytes cur_take(struct cur *c, size_t n)
{
	if (cur_left(c) < n) {
		c->bad = true;
		c->p = c->end;
		return (struct bytes){ c->end, 0 };
	}
	const uint8_t *p = c->p;
	if (n) /* an empty span may have no address */
		c->p += n;
	return (struct bytes){ p, n };
}

/* Big-endian numbers; 0, and bad, at a short end. */
static inline uint8_t cur_u8(struct cur *c)
{
	struct bytes b = cur_take(c, 1);
	return b.n ? b.p[0] : 0;
}

static inline uint16_t cur_u16(struct cur *c)
{
	struct bytes b = cur_take(c, 2);
	return b.n ? (uint16_t)(b.p[0] << 8 | b.p[1]) : 0;
}

static inline uint32_t cur_u24(struct cur *c)
{
	struct bytes b = cur_take(c, 3);
	return b.n ? (uint32_t)b.p[0] << 16 | (uint32_t)b.p[1] << 8 | b.p[2] : 0;
}

static inline uint32_t cur_u32(struct cur *c)
{
	struct bytes b = cur_take(c, 4);
	return b.n ? (uint32_t)b.p[0] << 24 | (uint32_t)b.p[1] << 16 | (uint32_t)b.p[2] << 8 | b.p[3] : 0;
}

/* A vector with its length in front (1, 2 or 3 octets): a cursor of its own, to be used up exactly. */
static inline struct cur cur_vec8(struct cur *c)
{
	size_t n = cur_u8(c);
	return cur_of(cur_take(c, n));
}

static inline struct cur cur_vec16(struct cur *c)
{
	size_t n = cur_u16(c);
	return cur_of(cur_take(c, n));
}

static inline struct cur cur_vec24(struct cur *c)
{
	size_t n = cur_u24(c);
	return cur_of(cur_take(c, n));
}

static inline struct bytes bytes_of(const char *s)
{
	return (struct bytes){ (const uint8_t *)s, strlen(s) };
}

static inline bool bytes_eq(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII case only: mail and DNS know no other (RFC 5321 2.4, RFC 4343). */
static inline uint8_t ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static inline bool bytes_eq_nocase(struct bytes a, struct bytes b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

/* The first n octets of b, or all of it. */
static inline struct bytes bytes_head(struct bytes b, size_t n)
{
	return (struct bytes){ b.p, b.n < n ? b.n : n };
}

/* b without its first n octets (none left if n is larger). */
static inline struct bytes bytes_skip(struct bytes b, size_t n)
{
	return n < b.n ? (struct bytes){ b.p + n, b.n - n } : (struct bytes){ b.p ? b.p + b.n : b.p, 0 };
}
#endif
