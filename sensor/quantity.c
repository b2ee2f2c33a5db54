/* quantity: see quantity.h. Text in, a number out. */
#include "quantity.h"

struct unit {
	const char *name;
	uint64_t by;
};

#define K UINT64_C(1024)
static const struct unit sizes[] = {
	{ "B", 1 }, { "KiB", K }, { "MiB", K * K }, { "GiB", K * K * K }, { "TiB", K * K * K * K }, { "kB", 1000 }, { "KB", 1000 },
	{ "MB", 1000000 }, { "GB", 1000000000 }, { "TB", UINT64_C(1000000000000) }, { NULL, 0 },
};

static const struct unit durations[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
};

static size_t number(struct bytes text, uint64_t *n)
{
	size_t i = 0;
	*n = 0;
	for (; i < text.n && i < 18 && text.p[i] >= '0' && text.p[i] <= '9'; i++)
		*n = *n * 10 + (uint64_t)(text.p[i] - '0');
	return i > 1 && text.p[0] == '0' ? 0 : i;
}

static enum quantity quantity(struct bytes text, const struct unit *u, uint64_t *out)
{
	uint64_t n;
	size_t digits = number(text, &n), unit = digits;
	if (digits == 0)
		return QUANTITY_BAD;
	if (digits == text.n)
		return QUANTITY_BARE;
	unit += text.p[unit] == ' ';
	for (; u->name; u++) {
		if (!bytes_eq(bytes_of(u->name), (struct bytes){ text.p + unit, text.n - unit }))
			continue;
		*out = n * u->by;
		return n > UINT64_MAX / u->by ? QUANTITY_BAD : QUANTITY_GOOD;
	}
	return QUANTITY_BAD;
}

enum quantity quantity_size(struct bytes text, uint64_t *octets)
{
	return quantity(text, sizes, octets);
}

enum quantity quantity_duration(struct bytes text, uint64_t *ms)
{
	return quantity(text, durations, ms);
}

enum quantity quantity_count(struct bytes text, uint64_t *n)
{
	size_t digits = number(text, n);
	return digits && digits == text.n ? QUANTITY_GOOD : QUANTITY_BAD;
}
