/* keep_smtp: see keep_smtp.h. The mirror of smtp_command.c and observe_smtp.c: what these read stays readable, so that
 * the same facts are read again, and nothing else does. Lines keep their length and their ends. Owns nothing. */
#include "wire/keep_smtp.h"

#include "wire/smtp_reply.h"
#include "wire/tls_record.h"

/* One line being walked: at its offset. */
struct line {
	struct keep *k;
	enum dir dir;
	uint64_t at;
	uint32_t what;
};

static void show(struct line *l, size_t n)
{
	keep_show(l->k, l->dir, l->at, l->at + n, KEEP_AS_IS, l->what);
	l->at += n;
}

static void cover(struct line *l, size_t n, uint8_t fill)
{
	keep_show(l->k, l->dir, l->at, l->at + n, fill, l->what);
	l->at += n;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_end(uint8_t c)
{
	return c == '\r' || c == '\n';
}

static bool is_text(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if ((b.p[i] < ' ' && b.p[i] != '\t') || b.p[i] >= 0x7f)
			return false;
	return true;
}

/* n: octets of the line's end. */
static size_t end_of(struct bytes b)
{
	size_t n = b.n && b.p[b.n - 1] == '\n';
	return n + (n && b.n > 1 && b.p[b.n - 2] == '\r');
}

static size_t blanks(struct bytes b)
{
	size_t n = 0;
	while (n < b.n && is_blank(b.p[n]))
		n++;
	return n;
}

static size_t word(struct bytes b)
{
	size_t n = 0;
	while (n < b.n && !is_blank(b.p[n]))
		n++;
	return n;
}

/* A line that means nothing to us: nothing of it but its end. "*" alone gives up an AUTH exchange and tells nothing. */
static void hide(struct line *l, struct bytes body)
{
	if (bytes_eq(body, bytes_of("*")))
		show(l, 1);
	else
		cover(l, body.n, is_text(body) ? '*' : 1);
}

/* Words of a server's text, as smtp_redacted reads them: what may be an address shows its domain, what may be a
 * credential nothing. */
static void show_text(struct line *l, struct bytes text)
{
	for (size_t i = 1; i < text.n; i++)
		if (text.p[i] == '@' && text.p[i - 1] == '"') {
			cover(l, text.n, '*');
			return;
		}
	while (text.n) {
		size_t n = blanks(text);
		show(l, n);
		text = bytes_skip(text, n);
		struct bytes w = bytes_head(text, word(text));
		size_t at = 0;
		for (size_t i = 0; i < w.n; i++)
			at = w.p[i] == '@' ? i : at;
		if (smtp_is_secret(bytes_skip(w, at))) {
			cover(l, w.n, 'x');
		} else {
			cover(l, at, '*');
			show(l, w.n - at);
		}
		text = bytes_skip(text, w.n);
	}
}

/* Is this a parameter that names nobody? Where the end of a path is not clear, w may be part of a local part. */
static bool is_plain_parameter(struct bytes w)
{
	static const char *const values[] = { "BODY=", "SIZE=", "RET=", "NOTIFY=" };
	if (bytes_eq_nocase(w, bytes_of("REQUIRETLS")) || bytes_eq_nocase(w, bytes_of("SMTPUTF8")))
		return true;
	if (w.n >= 40 || memchr(w.p, '@', w.n) || memchr(w.p, '"', w.n))
		return false;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (bytes_eq_nocase(bytes_head(w, strlen(values[i])), bytes_of(values[i])))
			return true;
	return false;
}

/* Of MAIL and RCPT: "FROM:" and the like, the domain, and parameters without an address in them. shaped: "FROM:" is there;
 * else a colon may stand in a local part. */
static void show_path(struct line *l, struct bytes rest, struct bytes domain, bool shaped)
{
	const uint8_t *colon = shaped ? memchr(rest.p, ':', rest.n) : NULL;
	if (!colon) {
		size_t gap = blanks(rest);
		show(l, gap);
		cover(l, rest.n - gap, '*');
		return;
	}
	size_t n = (size_t)(colon - rest.p) + 1;
	n += blanks(bytes_skip(rest, n));
	n += n < rest.n && rest.p[n] == '<';
	if (domain.n == 2 && domain.p[0] == '<')
		n = n ? n - 1 : 0;
	show(l, n);
	rest = bytes_skip(rest, n);
	if (domain.n == 0) {
		/* the path's end is as unclear as its local part: only what ends it may stay */
		const uint8_t *end = memchr(rest.p, '>', rest.n);
		size_t path = end ? (size_t)(end - rest.p) : rest.n;
		cover(l, path, '*');
		show(l, end ? 1 : 0);
		rest = bytes_skip(rest, path + (end != NULL));
	} else {
		size_t front = (size_t)(domain.p - rest.p);
		bool null_path = domain.p[0] == '<';
		cover(l, front > 0 && !null_path ? front - 1 : 0, '*');
		size_t to = front + domain.n;
		to += to < rest.n && rest.p[to] == '.';
		to += to < rest.n && rest.p[to] == '>';
		show(l, to - (front > 0 && !null_path ? front - 1 : 0));
		rest = bytes_skip(rest, to);
	}
	while (rest.n) {
		size_t gap = blanks(rest);
		show(l, gap);
		rest = bytes_skip(rest, gap);
		struct bytes w = bytes_head(rest, word(rest));
		is_plain_parameter(w) ? show(l, w.n) : cover(l, w.n, '*');
		rest = bytes_skip(rest, w.n);
	}
}

/* XCLIENT: who is behind the proxy, not by which account. */
static void show_xclient(struct line *l, struct bytes rest)
{
	static const char *const names[] = { "ADDR=", "NAME=", "HELO=" };
	while (rest.n) {
		size_t gap = blanks(rest);
		show(l, gap);
		rest = bytes_skip(rest, gap);
		struct bytes w = bytes_head(rest, word(rest));
		bool plain = false;
		for (size_t i = 0; i < 3; i++)
			plain |= bytes_eq_nocase(bytes_head(w, 5), bytes_of(names[i]));
		plain ? show(l, w.n) : cover(l, w.n, '*');
		rest = bytes_skip(rest, w.n);
	}
}

static uint32_t command_what(enum smtp_verb verb)
{
	switch (verb) {
	case VERB_EHLO: case VERB_HELO: case VERB_LHLO:
		return WHAT_EHLO;
	case VERB_STARTTLS: case VERB_MASKED:
		return WHAT_STARTTLS;
	case VERB_MAIL: case VERB_RCPT: case VERB_SEND: case VERB_SOML: case VERB_SAML:
		return WHAT_ENVELOPE;
	case VERB_AUTH:
		return WHAT_AUTH;
	case VERB_NONE: case VERB_OTHER: case VERB_DATA: case VERB_BDAT: case VERB_RSET: case VERB_NOOP: case VERB_QUIT:
	case VERB_VRFY: case VERB_EXPN: case VERB_HELP: case VERB_ETRN: case VERB_TURN: case VERB_ATRN: case VERB_BURL:
	case VERB_XCLIENT: case VERB_XFORWARD: case VERB_XEXCH50: case VERB_GREETING: case VERB_CONTENT: case VERB_COUNT:
		break;
	}
	return WHAT_COMMAND;
}

static void show_command(struct line *l, struct bytes body, const struct smtp_command *c)
{
	size_t front = blanks(body), n = word(bytes_skip(body, front));
	struct bytes rest = bytes_skip(body, front + n);
	l->what = command_what(c->verb);
	show(l, front);
	if (c->verb == VERB_OTHER) {
		bool text = c->textual, altered = c->altered.n;
		altered ? show(l, n) : cover(l, n, text ? 'x' : is_text(body) ? '*' : 1);
		size_t gap = blanks(rest);
		show(l, gap);
		cover(l, rest.n - gap, is_text(rest) ? '*' : 1);
		return;
	}
	show(l, n);
	n = blanks(rest);
	switch (c->verb) {
	case VERB_EHLO: case VERB_HELO: case VERB_LHLO:
		n += c->domain.n;
		n += blanks(bytes_skip(rest, n));
		break;
	case VERB_MAIL: case VERB_RCPT: case VERB_SEND: case VERB_SOML: case VERB_SAML:
		show_path(l, rest, c->domain, c->shaped);
		return;
	case VERB_AUTH:
		n += c->domain.n;
		n += blanks(bytes_skip(rest, n));
		show(l, n);
		rest = bytes_skip(rest, n);
		bytes_eq(rest, bytes_of("=")) ? show(l, 1) : cover(l, rest.n, '*');
		return;
	case VERB_XCLIENT:
		show_xclient(l, rest);
		return;
	case VERB_STARTTLS: case VERB_DATA: case VERB_BDAT: case VERB_RSET: case VERB_NOOP: case VERB_QUIT: case VERB_TURN:
	case VERB_HELP:
		if (c->shaped) {
			show(l, rest.n);
			return;
		}
		break;
	case VERB_NONE: case VERB_OTHER: case VERB_MASKED: case VERB_VRFY: case VERB_EXPN: case VERB_ETRN: case VERB_ATRN:
	case VERB_BURL: case VERB_XFORWARD: case VERB_XEXCH50: case VERB_GREETING: case VERB_CONTENT: case VERB_COUNT:
		break;
	}
	show(l, n);
	cover(l, rest.n - n, '*');
}

/* Code and separator always; of the text what observe_smtp reads: of greeting, EHLO, STARTTLS and what nobody asked for. */
static void show_reply(struct line *l, struct bytes body, const struct smtp_event *ev)
{
	bool named = ev->verb == VERB_GREETING || ev->verb == VERB_EHLO;
	bool text = named || ev->verb == VERB_STARTTLS || ev->surplus || ev->truncated || ev->verb == VERB_HELO ||
		    ev->verb == VERB_QUIT;
	size_t n = body.n - ev->text.n;
	l->what = ev->verb == VERB_GREETING ? WHAT_GREETING : ev->verb == VERB_EHLO ? WHAT_EHLO_REPLY :
		  ev->verb == VERB_STARTTLS || ev->surplus ? WHAT_STARTTLS_REPLY : WHAT_REPLY;
	show(l, n);
	if (named)
		show(l, body.n - n);
	else if (text)
		show_text(l, bytes_skip(body, n));
	else
		cover(l, body.n - n, is_text(bytes_skip(body, n)) ? '*' : 1);
}

static void one_line(struct keep *k, enum dir dir, uint64_t at, struct bytes line, const struct smtp_event *ev)
{
	size_t end = end_of(line);
	struct bytes body = bytes_head(line, line.n - end);
	struct line l = { k, dir, at, dir == C2S ? WHAT_COMMAND : WHAT_REPLY };
	if (ev && ev->kind == SMTP_COMMAND) {
		struct smtp_command c = smtp_command_of(body);
		show_command(&l, body, &c);
	} else if (ev && ev->kind == SMTP_REPLY) {
		show_reply(&l, body, ev);
	} else if (ev && ev->kind == SMTP_TEXT) {
		show_text(&l, body);
	} else if (ev && ev->kind == SMTP_AUTH_RESPONSE) {
		l.what = WHAT_AUTH;
		cover(&l, body.n, '*');
	} else {
		hide(&l, body);
	}
	show(&l, end);
}

/* Lines that gave no event, and behind them the event's own. */
static void lines(struct keep *k, enum dir dir, uint64_t offset, struct bytes used, const struct smtp_event *ev)
{
	while (used.n) {
		const uint8_t *lf = memchr(used.p, '\n', used.n);
		struct bytes line = bytes_head(used, lf ? (size_t)(lf - used.p) + 1 : used.n);
		one_line(k, dir, offset, line, line.n == used.n ? ev : NULL);
		offset += line.n;
		used = bytes_skip(used, line.n);
	}
}

void keep_smtp(struct keep *k, enum dir dir, uint64_t offset, struct bytes used, const struct smtp_event *ev)
{
	bool begin = !k->content;
	if (dir == C2S && used.n)
		k->content = ev && ev->kind == SMTP_BODY;
	if (ev && ev->kind == SMTP_BODY) {
		size_t front = used.n - (size_t)ev->octets;
		lines(k, dir, offset, bytes_head(used, front), NULL);
		keep_content(k, offset + front, bytes_skip(used, front), begin);
	} else if (ev && ev->kind == SMTP_PROXY) {
		keep_show(k, dir, offset, offset + used.n, KEEP_AS_IS, WHAT_PROXY);
	} else if (ev && ev->kind == SMTP_TLS_BEGIN) {
		lines(k, dir, offset, used, NULL);
		/* what looked like a record's header, even if it turns out to be none */
		keep_show(k, dir, offset + used.n, offset + used.n + TLS_RECORD_HEADER, KEEP_AS_IS, WHAT_TLS);
	} else {
		lines(k, dir, offset, used, ev);
	}
}

static bool is_harmless(enum dir dir, struct bytes line)
{
	struct smtp_reply r;
	if (dir == S2C)
		return smtp_reply_of(line, &r) && !memchr(line.p, '@', line.n) && !smtp_is_secret(line) && r.code != 334;
	struct smtp_command c = smtp_command_of(line);
	bool plain = c.verb == VERB_EHLO || c.verb == VERB_HELO || c.verb == VERB_STARTTLS || c.verb == VERB_QUIT ||
		     c.verb == VERB_RSET || c.verb == VERB_NOOP || c.verb == VERB_MASKED;
	return c.shaped && plain && !smtp_is_secret(line);
}

/* Text has no control characters but those of lines; a piece of a handshake, unless it is short, hardly ever has none. */
static bool may_be_text(struct bytes octets)
{
	for (size_t i = 0; i < octets.n; i++)
		if (octets.p[i] < ' ' && octets.p[i] != '\t' && !is_end(octets.p[i]))
			return false;
	return true;
}

bool keep_harmless(enum dir dir, struct bytes octets, bool tls)
{
	if (tls)
		return !may_be_text(octets);
	while (octets.n) {
		const uint8_t *lf = memchr(octets.p, '\n', octets.n);
		struct bytes line = bytes_head(octets, lf ? (size_t)(lf - octets.p) + 1 : octets.n);
		struct bytes body = bytes_head(line, line.n - end_of(line));
		if (body.n && !is_harmless(dir, body))
			return false;
		octets = bytes_skip(octets, line.n);
	}
	return true;
}
