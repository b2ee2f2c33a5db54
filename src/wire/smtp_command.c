/* smtp_command: reads a client's line. Only the verb, a domain, a mechanism's name and a chunk's size leave it: where a
 * word is not known it may be part of a credential, and where the end of a path is not clear it may be a local part,
 * so that both are dropped. Does not know what is outstanding. RFC 5321 4.1, RFC 3030 2, RFC 4954 4. */
#include "wire/smtp_command.h"

enum { STARTTLS_LEN = 8 };

static const char *const names[VERB_COUNT] = {
	[VERB_NONE] = "", [VERB_OTHER] = "", [VERB_MASKED] = "", [VERB_HELO] = "HELO", [VERB_EHLO] = "EHLO",
	[VERB_LHLO] = "LHLO", [VERB_STARTTLS] = "STARTTLS", [VERB_MAIL] = "MAIL", [VERB_RCPT] = "RCPT",
	[VERB_DATA] = "DATA", [VERB_BDAT] = "BDAT", [VERB_RSET] = "RSET", [VERB_NOOP] = "NOOP", [VERB_QUIT] = "QUIT",
	[VERB_VRFY] = "VRFY", [VERB_EXPN] = "EXPN", [VERB_HELP] = "HELP", [VERB_ETRN] = "ETRN", [VERB_TURN] = "TURN",
	[VERB_ATRN] = "ATRN", [VERB_AUTH] = "AUTH", [VERB_BURL] = "BURL", [VERB_SEND] = "SEND", [VERB_SOML] = "SOML",
	[VERB_SAML] = "SAML", [VERB_XCLIENT] = "XCLIENT", [VERB_XFORWARD] = "XFORWARD", [VERB_XEXCH50] = "XEXCH50",
	[VERB_GREETING] = "", [VERB_CONTENT] = ""
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct bytes skip_blanks(struct bytes b)
{
	while (b.n && is_blank(b.p[0]))
		b = bytes_skip(b, 1);
	return b;
}

static struct bytes next_word(struct bytes *rest)
{
	struct bytes b = skip_blanks(*rest);
	size_t n = 0;
	while (n < b.n && !is_blank(b.p[n]))
		n++;
	*rest = skip_blanks(bytes_skip(b, n));
	return bytes_head(b, n);
}

const char *smtp_verb_name(enum smtp_verb verb)
{
	return names[verb];
}

enum smtp_verb smtp_verb_of(struct bytes word)
{
	size_t x = 0;
	while (x < word.n && word.p[x] == 'X')
		x++;
	if (x >= 3 && x == word.n)
		return VERB_MASKED;
	for (int v = VERB_HELO; v < VERB_GREETING; v++)
		if (bytes_eq_nocase(word, bytes_of(names[v])))
			return (enum smtp_verb)v;
	return VERB_OTHER;
}

bool smtp_verb_waits(enum smtp_verb verb)
{
	switch (verb) {
	case VERB_HELO: case VERB_EHLO: case VERB_LHLO: case VERB_STARTTLS: case VERB_DATA: case VERB_NOOP: case VERB_QUIT:
	case VERB_VRFY: case VERB_EXPN: case VERB_HELP: case VERB_ETRN: case VERB_TURN: case VERB_ATRN: case VERB_AUTH:
	case VERB_XCLIENT: case VERB_CONTENT: case VERB_GREETING:
		return true;
	case VERB_NONE: case VERB_OTHER: case VERB_MASKED: case VERB_MAIL: case VERB_RCPT: case VERB_BDAT: case VERB_RSET:
	case VERB_BURL: case VERB_SEND: case VERB_SOML: case VERB_SAML: case VERB_XFORWARD: case VERB_XEXCH50:
	case VERB_COUNT:
		return false;
	}
	return false;
}

bool smtp_is_domain(struct bytes d)
{
	bool literal = d.n > 2 && d.p[0] == '[' && d.p[d.n - 1] == ']';
	size_t from = literal ? 1 : 0, to = literal ? d.n - 1 : d.n;
	for (size_t i = from; i < to; i++) {
		uint8_t c = ascii_lower(d.p[i]);
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
		if (!plain && !(literal && c == ':') && !(!literal && (c == '_' || c >= 0x80)))
			return false;
	}
	return d.n > 0 && d.n <= SMTP_DOMAIN_MAX;
}

/* Where a path ends, and its last "@" that is not inside quotes (RFC 5321 4.1.2: the local part may be quoted). */
static size_t path_scan(struct bytes path, bool bracket, size_t *at)
{
	bool quoted = false;
	*at = SIZE_MAX;
	size_t i = 0;
	for (; i < path.n; i++) {
		uint8_t c = path.p[i];
		if (c == '\\' && i + 1 < path.n)
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (bracket ? c == '>' : is_blank(c)))
			break;
		else if (!quoted && c == '@')
			*at = i;
	}
	return i < path.n ? i : path.n;
}

/* The domain of the path after FROM: or TO:.
 * behind  out: the parameters (RFC 5321 4.1.2), empty where the end of the path is not clear */
static struct bytes path_domain(struct bytes rest, struct bytes *behind)
{
	struct bytes none = { rest.p, 0 };
	rest = skip_blanks(rest);
	bool bracket = rest.n && rest.p[0] == '<';
	if (bracket)
		rest = bytes_skip(rest, 1);
	size_t at, end = path_scan(rest, bracket, &at);
	*behind = bytes_skip(rest, end + bracket);
	if (bracket && end == 0 && rest.n)
		return (struct bytes){ rest.p - 1, 2 };
	if (at == SIZE_MAX)
		return none;
	struct bytes domain = bytes_skip(bytes_head(rest, end), at + 1);
	if (domain.n > 1 && domain.p[domain.n - 1] == '.')
		domain.n--;
	return smtp_is_domain(domain) ? domain : none;
}

/* MAIL and RCPT: rest is "FROM:<path> ..." with the keyword given. */
static void read_path(struct smtp_command *c, struct bytes rest, const char *keyword)
{
	struct bytes k = bytes_of(keyword);
	if (!bytes_eq_nocase(bytes_head(rest, k.n), k))
		return;
	rest = skip_blanks(bytes_skip(rest, k.n));
	if (rest.n == 0 || rest.p[0] != ':')
		return;
	c->shaped = true;
	struct bytes behind;
	c->domain = path_domain(bytes_skip(rest, 1), &behind);
	while (c->verb == VERB_MAIL && behind.n)
		c->requiretls |= bytes_eq_nocase(next_word(&behind), bytes_of("REQUIRETLS"));
}

/* What a proxy says of what it does not know. */
static bool is_unavailable(struct bytes value)
{
	return bytes_eq_nocase(value, bytes_of("[UNAVAILABLE]")) || bytes_eq_nocase(value, bytes_of("[TEMPUNAVAIL]"));
}

/* Attributes of XCLIENT: NAME=xtext, with blanks between. */
static void read_xclient(struct smtp_command *c, struct bytes rest)
{
	static const char *const names_of[XCLIENT_COUNT] = { "ADDR=", "NAME=", "HELO=" };
	while (rest.n) {
		struct bytes word = next_word(&rest);
		for (int i = 0; i < XCLIENT_COUNT; i++) {
			struct bytes name = bytes_of(names_of[i]), value = bytes_skip(word, name.n);
			if (bytes_eq_nocase(bytes_head(word, name.n), name))
				c->xclient[i] = bytes_head(value, is_unavailable(value) ? 0 : value.n);
		}
	}
}

static void read_chunk(struct smtp_command *c, struct bytes rest)
{
	struct bytes whole = rest;
	while (whole.n && is_blank(whole.p[whole.n - 1]))
		whole.n--;
	struct bytes size = next_word(&rest);
	for (size_t i = 0; i < size.n; i++) {
		if (size.p[i] < '0' || size.p[i] > '9' || c->chunk > UINT64_MAX / 10 - 1)
			return;
		c->chunk = c->chunk * 10 + size.p[i] - '0';
	}
	c->last = bytes_eq_nocase(next_word(&rest), bytes_of("LAST"));
	c->sized = c->shaped = size.n > 0 && rest.n == 0 && (c->last || bytes_eq(size, whole));
}

/* RFC 4422 3.1: a mechanism is 1 to 20 capitals, digits, hyphens, underscores. Anything else may be a secret. */
static void read_auth(struct smtp_command *c, struct bytes rest)
{
	struct bytes mechanism = next_word(&rest);
	for (size_t i = 0; i < mechanism.n; i++) {
		uint8_t m = ascii_lower(mechanism.p[i]);
		if (!((m >= 'a' && m <= 'z') || (m >= '0' && m <= '9') || m == '-' || m == '_'))
			return;
	}
	if (mechanism.n == 0 || mechanism.n > 20)
		return;
	c->shaped = true;
	c->domain = mechanism;
	c->initial = rest.n > 0 && !bytes_eq(rest, bytes_of("="));
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

bool smtp_nearly_starttls(struct bytes word)
{
	return word.n == STARTTLS_LEN && distance(word, bytes_of("STARTTLS")) <= SMTP_EDITS_MAX;
}

static bool is_letter(uint8_t c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

static bool is_letters(struct bytes word)
{
	for (size_t i = 0; i < word.n; i++)
		if (!is_letter(word.p[i]))
			return false;
	return word.n > 0;
}

static bool is_textual(struct bytes word)
{
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] <= ' ' || word.p[i] >= 0x7f)
			return false;
	return word.n > 0 && is_letter(word.p[0]);
}

static void read_rest(struct smtp_command *c, struct bytes rest)
{
	switch (c->verb) {
	case VERB_HELO: case VERB_EHLO: case VERB_LHLO:
		c->domain = bytes_head(next_word(&rest), SMTP_DOMAIN_MAX);
		c->shaped = rest.n == 0;
		break;
	case VERB_MAIL: case VERB_SEND: case VERB_SOML: case VERB_SAML:
		read_path(c, rest, "FROM");
		break;
	case VERB_RCPT:
		read_path(c, rest, "TO");
		break;
	case VERB_BDAT:
		read_chunk(c, rest);
		break;
	case VERB_AUTH:
		read_auth(c, rest);
		break;
	case VERB_STARTTLS: case VERB_DATA: case VERB_RSET: case VERB_NOOP: case VERB_QUIT: case VERB_HELP: case VERB_TURN:
		c->shaped = rest.n == 0;
		break;
	case VERB_MASKED:
		c->shaped = c->word.n == 4 || c->word.n == 8;
		break;
	case VERB_XCLIENT:
		read_xclient(c, rest);
		break;
	case VERB_OTHER:
		if (is_letters(c->word) && smtp_nearly_starttls(c->word))
			c->altered = c->word;
		c->word.n = 0;
		break;
	case VERB_NONE: case VERB_VRFY: case VERB_EXPN: case VERB_ETRN: case VERB_ATRN: case VERB_BURL:
	case VERB_XFORWARD: case VERB_XEXCH50: case VERB_GREETING: case VERB_CONTENT: case VERB_COUNT:
		break;
	}
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

size_t smtp_xtext(struct bytes text, uint8_t *out, size_t room)
{
	size_t n = 0;
	struct cur c = cur_of(text);
	while (cur_left(&c)) {
		uint8_t octet = cur_u8(&c);
		if (octet == '+') {
			int high = hex_digit(cur_u8(&c)), low = hex_digit(cur_u8(&c));
			if (high < 0 || low < 0)
				return SIZE_MAX;
			octet = (uint8_t)(high << 4 | low);
		}
		if (n == room)
			return SIZE_MAX;
		out[n++] = octet;
	}
	return n;
}

struct smtp_command smtp_command_of(struct bytes line)
{
	struct bytes rest = line;
	struct bytes word = next_word(&rest);
	struct smtp_command c = { .verb = smtp_verb_of(word), .word = word, .domain = { line.p, 0 } };
	c.textual = is_textual(word);
	read_rest(&c, rest);
	return c;
}
