/* smtp_reply: reads the lines of replies, and compares EHLO keywords with STARTTLS. Does not know which command a reply
 * answers. A device that masks keeps the length of what it overwrites, so that sequence numbers stay valid: that
 * is why eight octets matter. RFC 5321 4.2 and 4.1.1.1, RFC 3207 6. */
#include "wire/smtp_reply.h"

#include "wire/address.h"
#include "wire/smtp_command.h"

/* SECRET_MIN: octets of base64 that may be a credential; host names, reply and queue ids are shorter or not of it. */
enum { STARTTLS_LEN = 8, SECRET_MIN = 20 };

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

bool smtp_reply_of(struct bytes line, struct smtp_reply *out)
{
	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5')
		return false;
	unsigned code = 0;
	for (size_t i = 0; i < 3; i++) {
		if (line.p[i] < '0' || line.p[i] > '9')
			return false;
		code = code * 10 + line.p[i] - '0';
	}
	uint8_t separator = line.n > 3 ? line.p[3] : ' ';
	if (separator >= '0' && separator <= '9')
		return false;
	out->code = (uint16_t)code;
	out->end = separator != '-';
	out->glued = out->end && !is_blank(separator);
	out->text = bytes_skip(line, out->glued ? 3 : 4);
	return true;
}

struct bytes smtp_keyword(struct bytes text)
{
	size_t n = 0;
	while (n < text.n && !is_blank(text.p[n]))
		n++;
	return bytes_head(text, n);
}

bool smtp_offers_starttls(struct bytes text)
{
	return bytes_eq_nocase(smtp_keyword(text), bytes_of("STARTTLS"));
}

bool smtp_all_x(struct bytes word, size_t n)
{
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] != 'X')
			return false;
	return word.n >= n;
}

bool smtp_is_x_mask(struct bytes word)
{
	if (word.n < 3)
		return false;
	uint8_t last = word.p[word.n - 1];
	return last >= 'A' && last <= 'Z' && smtp_all_x(bytes_head(word, word.n - 1), last == 'X' ? 2 : 3);
}

static bool all_equal(struct bytes word)
{
	for (size_t i = 1; i < word.n; i++)
		if (word.p[i] != word.p[0])
			return false;
	return true;
}

enum maskform smtp_mask_of(struct bytes text, bool glued, struct bytes *word)
{
	struct bytes starttls = bytes_of("STARTTLS");
	*word = smtp_keyword(text);
	if (smtp_is_x_mask(*word))
		return maskform_x_mask;
	if (text.n == STARTTLS_LEN && all_equal(text)) {
		*word = text;
		return maskform_mangled;
	}
	if (word->n == STARTTLS_LEN && !bytes_eq_nocase(*word, starttls) &&
	    (all_equal(*word) || smtp_nearly_starttls(*word)))
		return maskform_mangled;
	if ((glued || word->n > STARTTLS_LEN) && bytes_eq_nocase(bytes_head(*word, STARTTLS_LEN), starttls))
		return maskform_param_poisoned;
	return maskform_none;
}

static bool is_quote(uint8_t c)
{
	return c == '"' || c == '\'' || c == '`';
}

static struct bytes word_at(struct bytes text, size_t at)
{
	size_t end = at;
	while (end < text.n && text.p[end] > ' ' && text.p[end] < 0x7f && !is_quote(text.p[end]))
		end++;
	return (struct bytes){ text.p + at, end - at };
}

struct bytes smtp_quoted(struct bytes text)
{
	bool starts = true;
	for (size_t i = 0; i < text.n; i++) {
		bool quote = starts && is_quote(text.p[i]);
		struct bytes word = word_at(text, quote ? i + 1 : i);
		if (quote && word.n)
			return word;
		struct bytes bare = word;
		while (bare.n && (bare.p[bare.n - 1] == ':' || bare.p[bare.n - 1] == '.' || bare.p[bare.n - 1] == ','))
			bare.n--;
		if (starts && smtp_all_x(bare, 4))
			return bare;
		starts = is_blank(text.p[i]) || text.p[i] == ':' || text.p[i] == '(';
	}
	return (struct bytes){ text.p, 0 };
}

bool smtp_banner_masked(struct bytes text, bool *star)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		if (c != '2' && c != '0' && c != '*' && !is_blank(c))
			return false;
		*star = *star || c == '*';
	}
	return true;
}

/* The word at the head of rest, which moves behind it and the blanks around it. */
static struct bytes next_word(struct bytes *rest)
{
	while (rest->n && is_blank(rest->p[0]))
		*rest = bytes_skip(*rest, 1);
	struct bytes word = smtp_keyword(*rest);
	*rest = bytes_skip(*rest, word.n);
	return word;
}

bool smtp_has_word(struct bytes text, const char *word)
{
	struct bytes found;
	while ((found = next_word(&text)).n)
		if (bytes_eq_nocase(found, bytes_of(word)))
			return true;
	return false;
}

static bool same_addr(const struct addr *a, const struct addr *b)
{
	return a->v == b->v && memcmp(a->a, b->a, sizeof(a->a)) == 0;
}

/* The address between the bracket at text.p[0] and the next closing one. */
static bool bracketed(struct bytes text, struct addr *out)
{
	enum { LITERAL_MAX = 64 };
	const uint8_t *end = memchr(text.p, ']', text.n < LITERAL_MAX ? text.n : LITERAL_MAX);
	return end && address_read_tagged((struct bytes){ text.p + 1, (size_t)(end - text.p) - 1 }, out);
}

bool smtp_greeted(struct bytes text, struct bytes argument, struct addr *out)
{
	struct addr said = { 0 };
	size_t found = 0;
	next_word(&text);
	for (size_t i = 0; i < text.n; i++)
		found += text.p[i] == '[' && bracketed(bytes_skip(text, i), out);
	if (found == 1 && argument.n && argument.p[0] == '[' && bracketed(argument, &said) && same_addr(out, &said))
		return false;
	return found > 0;
}

static bool is_base64(uint8_t c)
{
	uint8_t l = ascii_lower(c);
	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

/* The longest run of base64 in word. */
static size_t base64_run(struct bytes word)
{
	size_t run = 0, longest = 0;
	for (size_t i = 0; i < word.n; i++) {
		run = is_base64(word.p[i]) ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

/* A quoted local part may hold blanks: where it begins cannot be told. */
static bool has_quoted_local(struct bytes text)
{
	for (size_t i = 1; i < text.n; i++)
		if (text.p[i] == '@' && text.p[i - 1] == '"')
			return true;
	return false;
}

bool smtp_is_secret(struct bytes word)
{
	return base64_run(word) >= SECRET_MIN;
}

size_t smtp_redacted(struct bytes text, uint8_t *out, size_t room)
{
	size_t n = 0;
	if (has_quoted_local(text))
		text = bytes_of("*");
	while (text.n && n < room) {
		struct bytes word = smtp_keyword(text);
		bool blank = word.n == 0;
		if (blank)
			word = bytes_head(text, 1);
		text = bytes_skip(text, word.n);
		size_t keep = 0; /* from here on */
		for (size_t i = 0; i < word.n; i++)
			keep = word.p[i] == '@' ? i : keep;
		if (smtp_is_secret(bytes_skip(word, keep)))
			keep = word.n;
		if (keep && n < room)
			out[n++] = '*';
		word = bytes_head(bytes_skip(word, keep), room - n);
		if (word.n)
			memcpy(out + n, word.p, word.n);
		n += word.n;
	}
	return n;
}
