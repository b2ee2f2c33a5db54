/* smtp_reply: reads the lines of replies, and compares EHLO keywords with STARTTLS. Does not know which command a reply
 * answers. A device that masks keeps the length of what it overwrites, so that sequence numbers stay valid: that
 * is why eight octets matter. RFC 5321 4.2 and 4.1.1.1, RFC 3207 6. */
#include "wire/smtp_reply.h"

enum { STARTTLS_LEN = 8, EDITS_MAX = 3 };

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

static bool is_x_mask(struct bytes word)
{
	if (word.n < 3)
		return false;
	uint8_t last = word.p[word.n - 1];
	return last >= 'A' && last <= 'Z' && smtp_all_x(bytes_head(word, word.n - 1), last == 'X' ? 2 : 3);
}

/* Levenshtein distance of two words of STARTTLS_LEN octets, case folded. */
static unsigned distance(struct bytes a, struct bytes b)
{
	unsigned row[STARTTLS_LEN + 1];
	for (unsigned j = 0; j <= STARTTLS_LEN; j++)
		row[j] = j;
	for (unsigned i = 1; i <= STARTTLS_LEN; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= STARTTLS_LEN; j++) {
			unsigned best = diagonal + (ascii_lower(a.p[i - 1]) != ascii_lower(b.p[j - 1]));
			best = row[j] + 1 < best ? row[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[STARTTLS_LEN];
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
	if (is_x_mask(*word))
		return maskform_x_mask;
	if (text.n == STARTTLS_LEN && all_equal(text)) {
		*word = text;
		return maskform_mangled;
	}
	if (word->n == STARTTLS_LEN && !bytes_eq_nocase(*word, starttls) &&
	    (all_equal(*word) || distance(*word, starttls) <= EDITS_MAX))
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
