/* tap: see tap.h. What is kept is a hash and nothing else; what goes in is chosen so that it can be no local part and no
 * credential (RFC 5321 4.1.1, RFC 4954 4). It knows nothing of other sensors: who has the records of both compares. */
#include "wire/tap.h"

#include "wire/smtp_line.h"

enum { WORD_ADDRESS = '#', WORD_PART = '?' };

static bool splits(uint8_t c)
{
	return c <= ' ' || c >= 0x7f || memchr("<>()[],;\"'", c, 10) != NULL;
}

/* Dotted decimal, or an address of IPv6 with or without what RFC 5321 4.1.3 puts in front. */
static bool is_address(struct bytes w)
{
	size_t dots = 0, colons = 0, digits = 0, run = 0;
	if (bytes_eq_nocase(bytes_head(w, 5), bytes_of("IPv6:")))
		return w.n > 5;
	for (size_t i = 0; i < w.n; i++) {
		uint8_t c = w.p[i];
		bool digit = c >= '0' && c <= '9', hex = (c | 0x20) >= 'a' && (c | 0x20) <= 'f';
		if (!digit && !hex && c != '.' && c != ':')
			return false;
		dots += c == '.' && run > 0 && run < 4;
		colons += c == ':';
		digits += digit;
		run = c == '.' || c == ':' ? 0 : run + 1;
	}
	return colons >= 2 || (dots == 3 && colons == 0 && digits + 3 == w.n && run > 0 && run < 4);
}

/* What stands in front of the last "@", which may be a local part, and addresses make room for a sign. */
static size_t put_word(struct bytes w, uint8_t *out)
{
	size_t i = w.n;
	while (i > 0 && w.p[i - 1] != '@')
		i--;
	if (i > 1) {
		w = bytes_skip(w, i - 2);
		memcpy(out, w.p, w.n);
		out[0] = WORD_PART;
		return w.n;
	}
	if (w.n && is_address(w)) {
		out[0] = WORD_ADDRESS;
		return 1;
	}
	if (w.n)
		memcpy(out, w.p, w.n);
	return w.n;
}

/* A quoted local part may hold anything (RFC 5321 4.1.2). */
static bool quotes_a_part(struct bytes line)
{
	for (size_t i = 1; i < line.n; i++)
		if (line.p[i] == '@' && line.p[i - 1] == '"')
			return true;
	return false;
}

size_t tap_plain(struct bytes line, uint8_t *out, size_t n)
{
	size_t at = 0;
	if (quotes_a_part(line))
		line = bytes_of("?");
	line = bytes_head(line, n);
	for (size_t i = 0; i < line.n;) {
		size_t from = i;
		while (i < line.n && !splits(line.p[i]))
			i++;
		at += put_word((struct bytes){ line.p + from, i - from }, out + at);
		if (i < line.n)
			out[at++] = line.p[i++];
	}
	return at;
}

static void count(struct tap_side *side, struct ident *id, const struct bytes *part, size_t n)
{
	side->lost = !ident_chain(id, side->said, part, n);
}

static struct bytes plain(struct bytes line, uint8_t out[SMTP_LINE_MAX])
{
	return (struct bytes){ out, tap_plain(line, out, SMTP_LINE_MAX) };
}

/* Behind this command come mail, credentials or nothing. */
static bool client_is_done(enum smtp_verb verb)
{
	switch (verb) {
	case VERB_MAIL: case VERB_RCPT: case VERB_DATA: case VERB_BDAT: case VERB_AUTH: case VERB_BURL: case VERB_SEND:
	case VERB_SOML: case VERB_SAML: case VERB_TURN: case VERB_ATRN: case VERB_XEXCH50: case VERB_QUIT:
		return true;
	case VERB_NONE: case VERB_OTHER: case VERB_MASKED: case VERB_HELO: case VERB_EHLO: case VERB_LHLO: case VERB_STARTTLS:
	case VERB_RSET: case VERB_NOOP: case VERB_VRFY: case VERB_EXPN: case VERB_HELP: case VERB_ETRN: case VERB_XCLIENT:
	case VERB_XFORWARD: case VERB_GREETING: case VERB_CONTENT: case VERB_COUNT:
		return false;
	}
	return false;
}

static void see_command(struct tap_side *side, struct ident *id, const struct smtp_command *c)
{
	uint8_t out[SMTP_LINE_MAX];
	bool hello = c->verb == VERB_EHLO || c->verb == VERB_HELO || c->verb == VERB_LHLO;
	const struct bytes said[] = { c->word.n ? c->word : c->altered, hello ? plain(c->domain, out) : (struct bytes){ 0 } };
	count(side, id, said, 2);
	side->whole = client_is_done(c->verb);
}

/* Mail or AUTH goes on, or the connection is over (RFC 5321 4.2.3, RFC 4954 6). */
static bool server_is_done(uint16_t code)
{
	return code == 354 || code == 334 || code == 235 || code == 535 || code == 221 || code == 421;
}

static void see_reply(struct tap_side *side, struct ident *id, const struct smtp_event *ev)
{
	uint8_t out[SMTP_LINE_MAX];
	const uint8_t code[] = { (uint8_t)(ev->code >> 8), (uint8_t)ev->code, ev->end };
	bool text = ev->verb == VERB_GREETING || (ev->verb == VERB_EHLO && ev->code == 250);
	const struct bytes said[] = { { code, sizeof(code) }, text ? plain(ev->text, out) : (struct bytes){ 0 } };
	count(side, id, said, 2);
	side->whole = ev->end && server_is_done(ev->code);
}

void tap_smtp(struct tap *t, struct ident *id, const struct smtp *s, const struct smtp_event *ev)
{
	struct tap_side *side = &t->side[ev->dir];
	bool cut = ev->dir == C2S ? s->client == CLIENT_REST : s->server == SERVER_REST;
	if (side->whole || side->lost)
		return;
	switch (ev->kind) {
	case SMTP_COMMAND:
		see_command(side, id, &ev->command);
		break;
	case SMTP_REPLY:
		see_reply(side, id, ev);
		break;
	case SMTP_AUTH_RESPONSE: case SMTP_BODY: case SMTP_PROXY: case SMTP_TEXT: case SMTP_TLS_BEGIN:
		return;
	}
	side->lost = side->lost || cut;
}

static void see_client_hello(struct tap_side *side, struct ident *id, const struct tls_client_hello *h, struct bytes random)
{
	const uint8_t version[] = { (uint8_t)(h->version >> 8), (uint8_t)h->version };
	const struct bytes said[] = { { version, sizeof(version) }, random, h->session_id, h->suites, h->extensions };
	count(side, id, said, sizeof(said) / sizeof(said[0]));
}

static void see_server_hello(struct tap_side *side, struct ident *id, const struct tls_server_hello *h, struct bytes random)
{
	const uint8_t chosen[] = { (uint8_t)(h->legacy_version >> 8), (uint8_t)h->legacy_version,
				   (uint8_t)(h->suite >> 8), (uint8_t)h->suite };
	const struct bytes said[] = { { chosen, sizeof(chosen) }, random, h->session_id, h->extensions };
	count(side, id, said, sizeof(said) / sizeof(said[0]));
}

void tap_tls(struct tap *t, struct ident *id, const struct tls *tls, const struct tls_event *ev)
{
	struct tap_side *side = &t->side[ev->dir];
	const struct bytes random = { tls->random[ev->dir], sizeof(tls->random[ev->dir]) };
	if (side->whole || side->lost)
		return;
	switch (ev->type) {
	case TLS_EV_CLIENT_HELLO:
		see_client_hello(side, id, &ev->client, random);
		side->whole = true;
		break;
	case TLS_EV_HELLO_RETRY:
		see_server_hello(side, id, &ev->server, (struct bytes){ 0 });
		break;
	case TLS_EV_SERVER_HELLO:
		see_server_hello(side, id, &ev->server, random);
		side->whole = true;
		break;
	case TLS_EV_SSL2_HELLO: case TLS_EV_CERTIFICATE: case TLS_EV_KEY_EXCHANGE: case TLS_EV_ALERT:
		break;
	}
}

void tap_gap(struct tap *t)
{
	for (int dir = C2S; dir <= S2C; dir++)
		t->side[dir].lost = t->side[dir].lost || !t->side[dir].whole;
}

void tap_finish(struct record *r, const struct tap *t, const bool doubt[2])
{
	static const enum fact fact[2] = { [C2S] = F_tap_c2s, [S2C] = F_tap_s2c };
	for (int dir = C2S; dir <= S2C; dir++) {
		const struct tap_side *side = &t->side[dir];
		char hex[IDENT_CHAIN];
		if (!side->whole || side->lost || doubt[dir])
			continue;
		for (size_t i = 0; i < sizeof(hex); i++)
			hex[i] = "0123456789abcdef"[i % 2 ? side->said[i / 2] & 15 : side->said[i / 2] >> 4];
		record_num(r, F_tap_form, TAP_FORM);
		record_str(r, fact[dir], (struct bytes){ (const uint8_t *)hex, sizeof(hex) });
	}
}
