/* text: a bounded text under construction, and how addresses, times and numbers are spelled. No allocation, no
 * locale, no printf: the same value is the same text everywhere. */
#ifndef TEXT_H
#define TEXT_H
#include "packet.h"

/* p[0..n) is the text so far, never NUL-terminated; full is set for good when something did not fit. */
struct text {
	char *p;
	size_t n, cap;
	bool full;
};

static inline void text_char(struct text *t, char c)
{
	if (t->n < t->cap)
		t->p[t->n++] = c;
	else
		t->full = true;
}

static inline void text_bytes(struct text *t, struct bytes b)
{
	if (b.n > t->cap - t->n) {
		t->full = true;
		return;
	}
	if (b.n)
		memcpy(t->p + t->n, b.p, b.n);
	t->n += b.n;
}

static inline void text_put(struct text *t, const char *s)
{
	text_bytes(t, bytes_of(s));
}

/* A text of its own behind what is in out, of at most max octets, to be kept as a whole or not at all. */
static inline struct text text_part(const struct text *out, size_t max)
{
	return (struct text){ out->p + out->n, 0, out->cap - out->n < max ? out->cap - out->n : max, false };
}

/* Adds it to out. false: it did not fit, and out is as it was. */
static inline bool text_keep(struct text *out, const struct text *part)
{
	out->n += part->full ? 0 : part->n;
	return !part->full;
}

void text_num(struct text *t, int64_t v);
/* At least digits digits, zeros in front. */
void text_num_pad(struct text *t, uint64_t v, unsigned digits);
void text_hex(struct text *t, struct bytes b, bool upper);
/* RFC 5952 for IPv6, dotted quad for IPv4. */
void text_addr(struct text *t, const struct addr *a);
/* ns since 1970 as 2026-11-25T07:24:01.123456789Z; trailing zeros of the fraction, in groups of three, left out. */
void text_time(struct text *t, int64_t ns);
/* Octets from outside as valid UTF-8 without control characters: what is not becomes U+FFFD or, for ASCII control
 * characters, \xNN. json: also what JSON must escape (RFC 8259 7), control characters as \u00NN. */
void text_clean(struct text *t, struct bytes b, bool json);
#endif
