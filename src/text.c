/* text: see text.h. Knows characters, not what they say. */
#include "text.h"

void text_num_pad(struct text *t, uint64_t v, unsigned digits)
{
	char buf[24];
	unsigned n = 0;
	do {
		buf[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v || (n < digits && n < 20));
	while (n)
		text_char(t, buf[--n]);
}

void text_num(struct text *t, int64_t v)
{
	if (v < 0)
		text_char(t, '-');
	text_num_pad(t, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 1);
}

void text_hex(struct text *t, struct bytes b, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	for (size_t i = 0; i < b.n; i++) {
		text_char(t, digits[b.p[i] >> 4]);
		text_char(t, digits[b.p[i] & 15]);
	}
}

/* The longest run of zero groups of at least two, RFC 5952 4.2. */
static void zero_run(const uint16_t g[8], int *from, int *len)
{
	*from = -1;
	*len = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;
		while (i + n < 8 && g[i + n] == 0)
			n++;
		if (n > *len) {
			*from = i;
			*len = n;
		}
		i += n;
	}
}

static void text_addr6(struct text *t, const uint8_t a[16])
{
	uint16_t g[8];
	int from, len;
	for (int i = 0; i < 8; i++)
		g[i] = (uint16_t)(a[2 * i] << 8 | a[2 * i + 1]);
	zero_run(g, &from, &len);
	for (int i = 0; i < 8; i++) {
		if (i == from) {
			text_put(t, "::");
			i += len - 1;
			continue;
		}
		if (i && i != from + len)
			text_char(t, ':');
		bool lead = true;
		for (int s = 12; s >= 0; s -= 4) {
			unsigned d = g[i] >> s & 15;
			if (lead && d == 0 && s)
				continue;
			lead = false;
			text_char(t, "0123456789abcdef"[d]);
		}
	}
}

void text_addr(struct text *t, const struct addr *a)
{
	if (a->v == 6) {
		text_addr6(t, a->a);
		return;
	}
	for (int i = 0; i < 4; i++) {
		if (i)
			text_char(t, '.');
		text_num(t, a->a[i]);
	}
}

/* Days since 1970 to year, month, day (proleptic Gregorian). */
static void civil(int64_t days, int64_t *y, unsigned *m, unsigned *d)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	unsigned doe = (unsigned)(days - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;
	*d = doy - (153 * mp + 2) / 5 + 1;
	*m = mp < 10 ? mp + 3 : mp - 9;
	*y = (int64_t)yoe + era * 400 + (*m <= 2);
}

void text_time(struct text *t, int64_t ns)
{
	int64_t s = ns / 1000000000, frac = ns % 1000000000;
	if (frac < 0) {
		frac += 1000000000;
		s--;
	}
	int64_t days = s / 86400, rest = s % 86400;
	if (rest < 0) {
		rest += 86400;
		days--;
	}
	int64_t y;
	unsigned m, d;
	civil(days, &y, &m, &d);
	text_num_pad(t, (uint64_t)y, 4);
	text_char(t, '-');
	text_num_pad(t, m, 2);
	text_char(t, '-');
	text_num_pad(t, d, 2);
	text_char(t, 'T');
	text_num_pad(t, (uint64_t)rest / 3600, 2);
	text_char(t, ':');
	text_num_pad(t, (uint64_t)rest / 60 % 60, 2);
	text_char(t, ':');
	text_num_pad(t, (uint64_t)rest % 60, 2);
	if (frac) {
		text_char(t, '.');
		if (frac % 1000000 == 0)
			text_num_pad(t, (uint64_t)frac / 1000000, 3);
		else if (frac % 1000 == 0)
			text_num_pad(t, (uint64_t)frac / 1000, 6);
		else
			text_num_pad(t, (uint64_t)frac, 9);
	}
	text_char(t, 'Z');
}

/* Octets of a well-formed UTF-8 sequence at the head of b (RFC 3629 4), 0 if there is none. */
static size_t utf8_len(struct bytes b)
{
	uint8_t c = b.p[0];
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
	if (n == 0 || n > b.n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((b.p[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && b.p[1] < 0xa0) || (c == 0xed && b.p[1] > 0x9f) || (c == 0xf0 && b.p[1] < 0x90) ||
	    (c == 0xf4 && b.p[1] > 0x8f))
		return 0;
	return n;
}

static void control(struct text *t, uint8_t c, bool json)
{
	text_put(t, json ? "\\u00" : "\\x");
	text_hex(t, (struct bytes){ &c, 1 }, false);
}

/* C1 controls (U+0080..9F) steer terminals as ESC does; U+202A..E, U+2066..9 turn the reading direction round. */
static bool unsafe_rune(struct bytes b, size_t n)
{
	if (n == 2)
		return b.p[0] == 0xc2 && b.p[1] < 0xa0;
	return n == 3 && b.p[0] == 0xe2 &&
	       ((b.p[1] == 0x80 && (b.p[2] == 0xa8 || b.p[2] == 0xa9 || (b.p[2] >= 0xaa && b.p[2] <= 0xae))) ||
		(b.p[1] == 0x81 && b.p[2] >= 0xa6 && b.p[2] <= 0xa9));
}

void text_clean(struct text *t, struct bytes b, bool json)
{
	while (b.n) {
		size_t plain = 0;
		while (plain < b.n && b.p[plain] >= 0x20 && b.p[plain] < 0x7f && b.p[plain] != '"' && b.p[plain] != '\\')
			plain++;
		text_bytes(t, bytes_head(b, plain));
		b = bytes_skip(b, plain);
		if (!b.n)
			return;
		size_t n = utf8_len(b);
		if (n == 0 || (n > 1 && unsafe_rune(b, n))) {
			text_put(t, "\xef\xbf\xbd");
			n = n ? n : 1;
		} else if (n > 1) {
			text_bytes(t, bytes_head(b, n));
		} else if (b.p[0] == '"' || b.p[0] == '\\') {
			if (json)
				text_char(t, '\\');
			text_char(t, (char)b.p[0]);
		} else {
			control(t, b.p[0], json);
		}
		b = bytes_skip(b, n);
	}
}
