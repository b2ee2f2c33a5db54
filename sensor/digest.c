/* digest: see digest.h. Text in, octets out. */
#include "digest.h"

static int in(const char *alphabet, uint8_t c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

static bool hexadecimal(struct bytes text, uint8_t out[DIGEST_OCTETS])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < DIGEST_OCTETS; i++) {
		int high = in(digits, ascii_lower(text.p[2 * i])), low = in(digits, ascii_lower(text.p[2 * i + 1]));
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* 43 characters of six bits; the last two of them are no octet's, and zero. */
static bool base64(struct bytes text, uint8_t out[DIGEST_OCTETS])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	unsigned held = 0;
	size_t n = 0;
	for (size_t i = 0; i < 43; i++) {
		int v = in(digits, text.p[i]);
		if (v < 0)
			return false;
		bits = (bits << 6 | (uint32_t)v) & 0xffff;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		out[n++] = (uint8_t)(bits >> held);
	}
	return (bits & ((1u << held) - 1)) == 0;
}

bool digest_read(struct bytes text, uint8_t out[DIGEST_OCTETS])
{
	struct bytes mark = bytes_of("sha256//");
	if (text.n > mark.n && bytes_eq(bytes_head(text, mark.n), mark))
		text = bytes_skip(text, mark.n);
	if (text.n == 2 * (size_t)DIGEST_OCTETS)
		return hexadecimal(text, out);
	return (text.n == 43 || (text.n == 44 && text.p[43] == '=')) && base64(text, out);
}
