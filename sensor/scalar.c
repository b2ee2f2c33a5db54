/* scalar: see scalar.h. libyaml gives texts and how they were quoted; what a plain one means is decided here, and what
 * two versions of YAML read differently is not decided at all. */
#include "scalar.h"

#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool word_in(const char *const *words, size_t n, struct bytes w)
{
	for (size_t i = 0; i < n; i++)
		if (bytes_eq(bytes_of(words[i]), w))
			return true;
	return false;
}

static size_t digits(struct bytes t, size_t i, const char *more)
{
	size_t from = i;
	while (i < t.n && ((t.p[i] >= '0' && t.p[i] <= '9') || (t.p[i] && strchr(more, t.p[i]))))
		i++;
	return i - from;
}

/* YYYY-M-D, and whatever time of day behind it. */
static bool is_date(struct bytes t)
{
	size_t month = digits(t, 5, ""), day = digits(t, 6 + month, "");
	if (t.n < 8 || digits(t, 0, "") != 4 || t.p[4] != '-' || month < 1 || month > 2 || 5 + month >= t.n ||
	    t.p[5 + month] != '-' || day < 1 || day > 2)
		return false;
	size_t end = 6 + month + day;
	return end == t.n || (t.p[end] && strchr("Tt \t", t.p[end]));
}

static enum scalar_type number_type(struct bytes t)
{
	size_t i = t.n && (t.p[0] == '-' || t.p[0] == '+') ? 1 : 0;
	size_t whole = digits(t, i, "_");
	if (is_date(t))
		return SCALAR_REFUSED;
	if (whole == 0)
		return i < t.n && t.p[i] == '.' && digits(t, i + 1, "_") == t.n - i - 1 && t.n - i > 1 ? SCALAR_REFUSED :
		       SCALAR_STRING;
	if (t.p[i] == '0' && i + 1 < t.n && strchr("xXoObB", t.p[i + 1]) && t.p[i + 1])
		return SCALAR_REFUSED;
	if (i + whole < t.n && t.p[i + whole] == ':' && digits(t, i, "_:.") == t.n - i)
		return SCALAR_REFUSED;
	bool clean = whole == digits(t, i, "") && !(whole > 1 && t.p[i] == '0') && t.p[0] != '+';
	if (i + whole == t.n)
		return clean && whole <= 18 ? SCALAR_INT : SCALAR_REFUSED;
	size_t after = t.p[i + whole] == '.' ? digits(t, i + whole + 1, "") : 0;
	if (t.p[i + whole] == '.' && i + whole + 1 + after == t.n)
		return clean && after ? SCALAR_DECIMAL : SCALAR_REFUSED;
	if ((t.p[i + whole] == '.' || t.p[i + whole] == 'e' || t.p[i + whole] == 'E') &&
	    digits(t, i, "_.eE+-") == t.n - i && memchr(t.p, 'e', t.n) != memchr(t.p, 'E', t.n))
		return SCALAR_REFUSED;
	return SCALAR_STRING;
}

enum scalar_type scalar_type(const struct node *n)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const trues[] = { "true", "True", "TRUE" };
	static const char *const falses[] = { "false", "False", "FALSE" };
	static const char *const doubtful[] = { "yes", "no", "on", "off", "y", "n", ".inf", "-.inf", "+.inf", ".nan" };
	if (!n->plain)
		return SCALAR_STRING;
	if (word_in(nulls, COUNT(nulls), n->text))
		return SCALAR_NULL;
	if (word_in(trues, COUNT(trues), n->text))
		return SCALAR_TRUE;
	if (word_in(falses, COUNT(falses), n->text))
		return SCALAR_FALSE;
	for (size_t i = 0; i < COUNT(doubtful); i++)
		if (bytes_eq_nocase(bytes_of(doubtful[i]), n->text))
			return SCALAR_REFUSED;
	return number_type(n->text);
}

int64_t scalar_integer(struct bytes t)
{
	bool negative = t.p[0] == '-';
	int64_t v = 0;
	for (size_t i = negative; i < t.n; i++)
		v = v * 10 + (t.p[i] - '0');
	return negative ? -v : v;
}

static bool decimals(struct bytes t, size_t at, size_t n, int64_t *out)
{
	*out = 0;
	for (size_t i = at; i < at + n; i++) {
		if (i >= t.n || t.p[i] < '0' || t.p[i] > '9')
			return false;
		*out = *out * 10 + (t.p[i] - '0');
	}
	return true;
}

bool scalar_moment(struct bytes t, int64_t *out)
{
	static const uint8_t at[] = { 0, 5, 8, 11, 14, 17 }, n[] = { 4, 2, 2, 2, 2, 2 };
	int64_t part[6], fraction = 0;
	if (t.n < 20 || t.p[4] != '-' || t.p[7] != '-' || (t.p[10] != 'T' && t.p[10] != ' ') || t.p[13] != ':' ||
	    t.p[16] != ':' || t.p[t.n - 1] != 'Z')
		return false;
	for (size_t i = 0; i < sizeof(at); i++)
		if (!decimals(t, at[i], n[i], &part[i]))
			return false;
	size_t more = t.n - 20;
	if (more && (t.p[19] != '.' || more < 2 || more > 10 || !decimals(t, 20, more - 1, &fraction)))
		return false;
	for (size_t i = more ? more - 1 : 9; i < 9; i++)
		fraction *= 10;
	if (part[0] < 1677 || part[0] > 2262 || part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 ||
	    part[3] > 23 || part[4] > 59 || part[5] > 60)
		return false;
	struct tm tm = { .tm_year = (int)part[0] - 1900, .tm_mon = (int)part[1] - 1, .tm_mday = (int)part[2],
			 .tm_hour = (int)part[3], .tm_min = (int)part[4], .tm_sec = (int)part[5] };
	int64_t seconds = timegm(&tm);
	if (seconds < 0 && fraction) { /* the least of all has no whole second below it */
		seconds++;
		fraction -= 1000000000;
	}
	return !__builtin_mul_overflow(seconds, INT64_C(1000000000), out) && !__builtin_add_overflow(*out, fraction, out);
}
