/* observe_smtp: what the dialogue showed becomes facts, without an opinion. A fact that would need lost octets stays
 * unseen: "no" and 0 are only said of a side that was seen without a gap. Does not read octets itself but the texts that
 * events lend. RFC 5321, 3207, 4954. */
#include "wire/observe_smtp.h"

#include "wire/address.h"
#include "wire/smtp_reply.h"

static enum tri tri_of(bool yes)
{
	return yes ? TRI_YES : TRI_NO;
}

static void set_redacted(struct record *r, enum fact f, struct bytes text)
{
	uint8_t out[128];
	record_str(r, f, (struct bytes){ out, smtp_redacted(text, out, sizeof(out)) });
}

/* ---- behind the 220 to STARTTLS ---- */

/* Who was first to speak in clear. Two who had not heard each other have no order, whatever the capture's. */
static void see_after_220(struct record *r, struct smtp *s, const struct smtp_event *ev)
{
	enum side side = ev->dir == C2S ? side_client : side_server;
	record_yes(r, F_smtp_after_220);
	if (s->note.side_crossed)
		return;
	if (!record_has(r, F_smtp_after_220_side)) {
		record_num(r, F_smtp_after_220_side, side);
		s->note.side_to = ev->to;
	} else if (record_get_num(r, F_smtp_after_220_side, side) != side && s->note.side_to != UINT64_MAX) {
		s->note.side_crossed = ev->heard < s->note.side_to;
		s->note.side_to = UINT64_MAX;
		if (s->note.side_crossed)
			record_unset(r, F_smtp_after_220_side);
	}
}

static void set_injected_response(struct record *r, const struct smtp *s)
{
	record_yes(r, F_smtp_inj_rsp);
	record_str(r, F_smtp_inj_rsp_text, (struct bytes){ s->note.surplus, s->note.surplus_n });
}

/* Text where the server's first TLS record was due. It may answer a ClientHello that the server did not understand, or
 * take back a 220 that was given too soon; and what speaks no SMTP at all may be no mail server. That it was slipped in is
 * sure when TLS follows (see_server_tls), or when it is a reply that came before the client said anything and refuses
 * nothing. */
static void see_surplus(struct record *r, struct smtp *s, const struct smtp_event *ev)
{
	if (s->note.surplus_n == 0)
		s->note.surplus_n = (uint8_t)smtp_redacted(ev->line, s->note.surplus, sizeof(s->note.surplus));
	if (ev->ahead && ev->code != 0 && ev->code < 400)
		set_injected_response(r, s);
	if (ev->code == 0 || record_has(r, F_smtp_stls_second))
		return;
	record_num(r, F_smtp_stls_second, ev->code);
	set_redacted(r, F_smtp_stls_second_text, ev->text);
}

static void set_injected_command(struct record *r, const struct smtp *s)
{
	record_yes(r, F_smtp_inj_cmd);
	record_num(r, F_smtp_inj_cmd_n, (int64_t)s->note.ahead);
}

/* Text that the client sent behind STARTTLS before it had heard the reply. Only once that reply is there, too, is it
 * certain that there was one to be waited for. */
static void see_ahead(struct record *r, struct smtp *s, const struct smtp_event *ev)
{
	const struct smtp_command *c = &ev->command;
	if (!c->textual)
		return;
	s->note.ahead += ev->octets;
	if (!record_has(r, F_smtp_inj_cmd_verb)) {
		if (c->verb == VERB_MASKED)
			record_str(r, F_smtp_inj_cmd_verb, bytes_head(c->word, 16));
		else if (c->verb != VERB_OTHER)
			record_cstr(r, F_smtp_inj_cmd_verb, smtp_verb_name(c->verb));
	}
	if (s->upgrade == UPGRADE_GO || s->upgrade == UPGRADE_REFUSED)
		set_injected_command(r, s);
}

/* The client said something that it may say only when it has the reply: nothing was slipped in behind STARTTLS. */
static void see_behind(struct record *r, const struct smtp_event *ev)
{
	if (ev->sure && !ev->ahead && record_has(r, F_smtp_stls_code) && !record_has(r, F_smtp_inj_cmd))
		record_tri(r, F_smtp_inj_cmd, TRI_NO);
}

/* ---- replies ---- */

static void see_greeting(struct record *r, struct smtp *s, const struct smtp_event *ev)
{
	if (ev->index == 1) {
		record_str(r, F_smtp_banner, ev->line);
		s->note.banner_plain = true;
		s->note.banner_star = false;
	}
	if (!smtp_banner_masked(ev->text, &s->note.banner_star))
		s->note.banner_plain = false;
	if (!ev->end)
		return;
	record_num(r, F_smtp_banner_code, ev->code);
	if (ev->sure)
		record_tri(r, F_smtp_banner_masked, tri_of(s->note.banner_plain && s->note.banner_star));
}

/* A mask of eight octets may be STARTTLS; a shorter or longer one is kept only for want of a better. */
static uint8_t mask_rank(enum maskform form, struct bytes word)
{
	switch (form) {
	case maskform_none: case maskform_COUNT:
		return 0;
	case maskform_x_mask:
		return word.n == 8 ? 4 : 1;
	case maskform_mangled:
		return 3;
	case maskform_param_poisoned: case maskform_reply_truncated:
		return 2;
	}
	return 0;
}

static void note_mask(struct smtp *s, const struct smtp_event *ev)
{
	struct bytes word;
	enum maskform form = smtp_mask_of(ev->text, ev->glued, &word);
	uint8_t rank = mask_rank(form, word);
	if (rank <= s->note.mask_rank)
		return;
	word = bytes_head(word, sizeof(s->note.mask));
	memcpy(s->note.mask, word.p, word.n);
	s->note.mask_n = (uint8_t)word.n;
	s->note.mask_rank = rank;
	s->note.mask_form = (uint8_t)form;
	s->note.mask_position = ev->index;
}

static void set_mask(struct record *r, struct bytes word, enum maskform form, uint32_t position)
{
	record_str(r, F_smtp_masked, word);
	record_num(r, F_smtp_mask_form, (int64_t)form);
	record_num(r, F_smtp_mask_pos, position);
}

static void forget_offer(struct record *r, struct smtp *s)
{
	record_unset(r, F_smtp_keywords);
	record_unset(r, F_smtp_offered);
	record_unset(r, F_smtp_masked);
	record_unset(r, F_smtp_mask_form);
	record_unset(r, F_smtp_mask_pos);
	record_unset(r, F_smtp_masks);
	record_unset(r, F_smtp_greet_stls);
	record_unset(r, F_smtp_greeted);
	s->note.ehlo_offered = false;
	s->note.mask_rank = 0;
}

/* The first line greets, and what stands there is no keyword (RFC 5321 4.1.1.1). Behind a gap only a line that says
 * nothing but STARTTLS is surely none. */
static bool is_keyword_line(const struct smtp_event *ev)
{
	return ev->index > 1 || (!ev->sure && bytes_eq_nocase(ev->text, bytes_of("STARTTLS")));
}

static void see_keyword(struct record *r, struct smtp *s, const struct smtp_event *ev)
{
	struct bytes word = smtp_keyword(ev->text);
	if (word.n)
		record_add(r, F_smtp_keywords, word);
	if (smtp_is_x_mask(word))
		record_add(r, F_smtp_masks, word);
	if (smtp_offers_starttls(ev->text) && !ev->glued) {
		s->note.ehlo_offered = true;
		record_yes(r, F_smtp_offered);
	}
	note_mask(s, ev);
}

static void see_greeting_line(struct record *r, const struct smtp_event *ev)
{
	struct addr client;
	record_tri(r, F_smtp_greet_stls, tri_of(smtp_has_word(ev->text, "STARTTLS")));
	if (smtp_greeted(ev->text, record_get_str(r, F_smtp_ehlo), &client))
		record_addr(r, F_smtp_greeted, &client);
}

static void see_ehlo_end(struct record *r, struct smtp *s, const struct smtp_event *ev)
{
	s->note.ehlo_done = true;
	record_num(r, F_smtp_ehlo_code, ev->code);
	record_tri(r, F_smtp_ehlo_complete, tri_of(ev->sure));
	if (ev->code >= 300 || !ev->sure)
		return;
	record_tri(r, F_smtp_offered, tri_of(s->note.ehlo_offered));
	if (!s->note.ehlo_offered && s->note.mask_rank)
		set_mask(r, (struct bytes){ s->note.mask, s->note.mask_n }, (enum maskform)s->note.mask_form,
			 s->note.mask_position);
}

static void see_ehlo_reply(struct record *r, struct smtp *s, const struct smtp_event *ev)
{
	if (ev->index == 1) {
		s->note.ehlo_done = false;
		s->note.ehlo_lines = 0;
		record_unset(r, F_smtp_ehlo_code);
		record_unset(r, F_smtp_ehlo_complete);
	}
	s->note.ehlo_seen = true;
	s->note.ehlo_lines = ev->index;
	if (ev->code < 300) {
		if (ev->index == 1)
			forget_offer(r, s);
		if (ev->index == 1 && ev->sure)
			see_greeting_line(r, ev);
		if (is_keyword_line(ev))
			see_keyword(r, s, ev);
	}
	if (ev->end)
		see_ehlo_end(r, s, ev);
}

/* Lines behind a complete EHLO reply: a client stopped reading before them (starttls-keyword-masked, reply-truncated). */
static void see_truncated(struct record *r, struct smtp *s, const struct smtp_event *ev)
{
	if (!s->note.ehlo_done || s->note.ehlo_offered || !smtp_offers_starttls(ev->text))
		return;
	set_mask(r, smtp_keyword(ev->text), maskform_reply_truncated, s->note.ehlo_lines + ev->index);
}

/* What an error reply to STARTTLS quotes: the words X..., another verb, or something as long as STARTTLS. Prose in
 * quotes is left alone. */
static void see_echo(struct record *r, const struct smtp_event *ev)
{
	if (ev->code < 500 || ev->code > 504)
		return;
	struct bytes word = smtp_quoted(ev->text);
	if (word.n == 0 || bytes_eq_nocase(word, bytes_of("STARTTLS")))
		return;
	if (word.n == 8 || smtp_verb_of(word) != VERB_OTHER)
		record_str(r, F_smtp_echo, word);
}

static void see_starttls_reply(struct record *r, const struct smtp *s, const struct smtp_event *ev)
{
	if (ev->guessed)
		return;
	if (ev->index == 1 && !record_has(r, F_smtp_stls_text) && !record_has(r, F_smtp_stls_code))
		set_redacted(r, F_smtp_stls_text, ev->text);
	if (!record_has(r, F_smtp_stls_code)) {
		see_echo(r, ev);
		if (ev->end)
			record_num(r, F_smtp_stls_code, ev->code);
	}
	if (ev->end && s->note.ahead && !s->lost[C2S] && !s->lost[S2C])
		set_injected_command(r, s);
}

static bool is_current_auth(const struct record *r, const struct smtp *s)
{
	struct bytes now = { s->note.mechanism, s->note.mechanism_n };
	return now.n && bytes_eq(record_get_str(r, F_smtp_auth_mech), now);
}

static void see_auth_reply(struct record *r, struct smtp *s, const struct smtp_event *ev)
{
	if (!ev->end || ev->code == 334 || !is_current_auth(r, s))
		return;
	record_num(r, F_smtp_auth_code, ev->code);
	if (!record_has(r, F_smtp_auth_response) && !s->lost[C2S])
		record_tri(r, F_smtp_auth_response, TRI_NO);
}

static void see_content_reply(struct smtp *s, const struct smtp_event *ev)
{
	if (!ev->end)
		return;
	s->note.messages += ev->code < 300;
	s->note.refused += ev->code >= 400;
}

static void see_reply(struct record *r, struct smtp *s, const struct smtp_event *ev)
{
	if (ev->after_220)
		see_after_220(r, s, ev);
	if (ev->surplus && ev->index == 1)
		see_surplus(r, s, ev);
	if (ev->end)
		record_num(r, F_smtp_last_code, ev->code);
	switch (ev->verb) {
	case VERB_GREETING:
		see_greeting(r, s, ev);
		break;
	case VERB_EHLO:
		see_ehlo_reply(r, s, ev);
		break;
	case VERB_STARTTLS:
		see_starttls_reply(r, s, ev);
		break;
	case VERB_RCPT:
		s->note.accepted += ev->end && ev->code < 300;
		s->note.deferred += ev->end && ev->code >= 400 && ev->code < 500;
		s->note.denied += ev->end && ev->code >= 500;
		break;
	case VERB_AUTH:
		see_auth_reply(r, s, ev);
		break;
	case VERB_CONTENT:
		see_content_reply(s, ev);
		break;
	case VERB_BDAT:
		if (ev->last_chunk)
			see_content_reply(s, ev);
		break;
	case VERB_XCLIENT: /* as if the client had just come: EHLO is due again */
		s->note.hello_seen = s->note.hello_seen && ev->code != 220;
		break;
	case VERB_NONE:
		if (ev->truncated)
			see_truncated(r, s, ev);
		break;
	case VERB_OTHER: case VERB_MASKED: case VERB_HELO: case VERB_LHLO: case VERB_MAIL: case VERB_DATA: case VERB_RSET:
	case VERB_NOOP: case VERB_QUIT: case VERB_VRFY: case VERB_EXPN: case VERB_HELP: case VERB_ETRN: case VERB_TURN:
	case VERB_ATRN: case VERB_BURL: case VERB_SEND: case VERB_SOML: case VERB_SAML: case VERB_XFORWARD:
	case VERB_XEXCH50: case VERB_COUNT:
		break;
	}
}

/* ---- commands ---- */

static void add_domain(struct record *r, enum fact f, struct bytes domain)
{
	uint8_t lower[SMTP_DOMAIN_MAX];
	domain = bytes_head(domain, sizeof(lower));
	for (size_t i = 0; i < domain.n; i++)
		lower[i] = ascii_lower(domain.p[i]);
	struct bytes d = { lower, domain.n };
	if (d.n && !record_list_has(r, f, d))
		record_add(r, f, d);
}

static enum authclass auth_class(struct bytes mechanism)
{
	static const struct { const char *name; enum authclass is; } known[] = {
		{ "PLAIN", authclass_secret }, { "LOGIN", authclass_secret }, { "XOAUTH2", authclass_secret },
		{ "OAUTHBEARER", authclass_secret }, { "CRAM-MD5", authclass_crackable },
		{ "DIGEST-MD5", authclass_crackable }, { "NTLM", authclass_crackable },
		{ "GSSAPI", authclass_strong }, { "EXTERNAL", authclass_strong }
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (bytes_eq(mechanism, bytes_of(known[i].name)))
			return known[i].is;
	return bytes_eq(bytes_head(mechanism, 6), bytes_of("SCRAM-")) ? authclass_strong : authclass_other;
}

/* How much an eavesdropper has from it. */
static int auth_rank(enum authclass is)
{
	switch (is) {
	case authclass_secret:
		return 3;
	case authclass_crackable:
		return 2;
	case authclass_other:
		return 1;
	case authclass_strong: case authclass_COUNT:
		break;
	}
	return 0;
}

static void set_auth(struct record *r, const struct smtp *s)
{
	struct bytes mechanism = { s->note.mechanism, s->note.mechanism_n };
	record_str(r, F_smtp_auth_mech, mechanism);
	record_num(r, F_smtp_auth_class, auth_class(mechanism));
	record_unset(r, F_smtp_auth_response);
	record_unset(r, F_smtp_auth_code);
}

/* Of several exchanges the record keeps the one that gave most away. */
static void see_response(struct record *r, const struct smtp *s)
{
	struct bytes mechanism = { s->note.mechanism, s->note.mechanism_n };
	bool before = record_get_tri(r, F_smtp_auth_response) == TRI_YES;
	int rank = auth_rank((enum authclass)record_get_num(r, F_smtp_auth_class, authclass_strong));
	if (mechanism.n == 0 || (before && rank >= auth_rank(auth_class(mechanism))))
		return;
	if (before || !is_current_auth(r, s))
		set_auth(r, s);
	record_yes(r, F_smtp_auth_response);
}

static void see_auth(struct record *r, struct smtp *s, const struct smtp_command *c)
{
	s->note.mechanism_n = 0;
	for (size_t i = 0; i < c->domain.n && i < SMTP_MECHANISM_MAX; i++) {
		uint8_t m = c->domain.p[i];
		s->note.mechanism[s->note.mechanism_n++] = m >= 'a' && m <= 'z' ? (uint8_t)(m - 32) : m;
	}
	if (s->note.mechanism_n && record_get_tri(r, F_smtp_auth_response) != TRI_YES)
		set_auth(r, s);
	if (c->initial)
		see_response(r, s);
}

/* RFC 3207 and 5321 3.1: EHLO is due first; STARTTLS between the offer and the first mail. */
static bool is_starttls_due(const struct record *r, const struct smtp *s)
{
	return s->note.hello_seen && !s->note.starttls_seen && !s->note.mail_seen &&
	       record_get_tri(r, F_smtp_offered) != TRI_NO;
}

static void see_masked_verb(struct record *r, const struct smtp *s, struct bytes word)
{
	bool ehlo_due = word.n == 4 && !s->note.hello_seen;
	if (ehlo_due || (word.n == 8 && is_starttls_due(r, s)))
		record_str(r, F_smtp_x_command, word);
}

/* A sender that speaks of TLS inside TLS only is right (RFC 8689 2); behind a gap a line may be content. */
static void see_requiretls(struct record *r, const struct smtp *s, const struct smtp_command *c)
{
	if (s->lost[C2S] || record_get_tri(r, F_smtp_requiretls) == TRI_YES)
		return;
	record_tri(r, F_smtp_requiretls, tri_of(c->requiretls));
}

static void see_xclient(struct record *r, const struct smtp_command *c)
{
	static const enum fact facts[XCLIENT_COUNT] = { F_smtp_xcl_addr, F_smtp_xcl_name, F_smtp_xcl_helo };
	for (int i = 0; i < XCLIENT_COUNT; i++) {
		uint8_t out[SMTP_DOMAIN_MAX];
		struct addr a;
		size_t n = smtp_xtext(c->xclient[i], out, sizeof(out));
		struct bytes value = { out, n };
		if (n == 0 || n == SIZE_MAX)
			continue;
		if (i == XCLIENT_ADDR && address_read_tagged(value, &a))
			record_addr(r, facts[i], &a);
		else if (i != XCLIENT_ADDR && smtp_is_domain(value))
			record_str(r, facts[i], value);
	}
}

/* Inside TLS the client must say EHLO first (RFC 3207 4.2): who does so in clear may be a decrypted copy. */
static void see_first_after_220(struct record *r, const struct smtp_event *ev)
{
	if (ev->verb == VERB_EHLO)
		record_yes(r, F_smtp_ehlo_after_220);
	else if (ev->sure && !record_has(r, F_smtp_ehlo_after_220))
		record_tri(r, F_smtp_ehlo_after_220, TRI_NO);
}

static void see_command(struct record *r, struct smtp *s, const struct smtp_event *ev)
{
	const struct smtp_command *c = &ev->command;
	if (ev->ahead)
		see_ahead(r, s, ev);
	else
		see_behind(r, ev);
	if (ev->after_220) {
		see_after_220(r, s, ev);
		see_first_after_220(r, ev);
	}
	s->note.pipelined += ev->pipelined;
	if (c->verb == VERB_MASKED)
		record_str(r, F_smtp_last_verb, bytes_head(c->word, 16));
	else if (c->verb != VERB_OTHER)
		record_cstr(r, F_smtp_last_verb, smtp_verb_name(c->verb));
	switch (c->verb) {
	case VERB_EHLO:
		record_str(r, F_smtp_ehlo, c->domain);
		record_unset(r, F_smtp_ehlo_code);
		record_unset(r, F_smtp_ehlo_complete);
		s->note.ehlo_seen = s->note.hello_seen = true;
		s->note.ehlo_done = false;
		break;
	case VERB_HELO:
		record_str(r, F_smtp_helo, c->domain);
		s->note.hello_seen = true;
		break;
	case VERB_STARTTLS:
		record_yes(r, F_smtp_requested);
		s->note.starttls_seen = true;
		break;
	case VERB_MAIL: case VERB_SEND: case VERB_SOML: case VERB_SAML:
		s->note.transactions++;
		s->note.mail_seen = true;
		/* Whole up to the mail is enough: a STARTTLS in a gap behind it protects none of this. */
		if (!s->lost[C2S] && !record_has(r, F_smtp_requested))
			record_tri(r, F_smtp_requested, TRI_NO);
		add_domain(r, F_smtp_mail_domain, c->domain);
		see_requiretls(r, s, c);
		break;
	case VERB_RCPT:
		if (!bytes_eq(c->domain, bytes_of("<>")))
			add_domain(r, F_smtp_rcpt_domains, c->domain);
		break;
	case VERB_AUTH:
		see_auth(r, s, c);
		break;
	case VERB_QUIT:
		record_yes(r, F_smtp_quit);
		break;
	case VERB_MASKED:
		see_masked_verb(r, s, c->word);
		break;
	case VERB_XCLIENT:
		see_xclient(r, c);
		break;
	case VERB_OTHER:
		if (c->altered.n && is_starttls_due(r, s))
			record_str(r, F_smtp_altered, c->altered);
		break;
	case VERB_NONE: case VERB_LHLO: case VERB_DATA: case VERB_BDAT: case VERB_RSET: case VERB_NOOP:
	case VERB_VRFY: case VERB_EXPN: case VERB_HELP: case VERB_ETRN: case VERB_TURN: case VERB_ATRN: case VERB_BURL:
	case VERB_XFORWARD: case VERB_XEXCH50: case VERB_GREETING: case VERB_CONTENT: case VERB_COUNT:
		break;
	}
}

static void see_client_tls(struct record *r, const struct smtp *s, const struct smtp_event *ev)
{
	if (ev->ahead)
		record_yes(r, F_tls_early);
	else if (ev->sure && s->upgrade == UPGRADE_GO)
		record_tri(r, F_tls_early, TRI_NO);
	see_behind(r, ev);
}

/* TLS of the server behind a 220 whose command was not seen: it was STARTTLS. */
static void see_server_tls(struct record *r, const struct smtp *s, const struct smtp_event *ev)
{
	if (s->guessed_220 && !record_has(r, F_smtp_stls_code)) {
		record_yes(r, F_smtp_requested);
		record_num(r, F_smtp_stls_code, 220);
	} else if (ev->sure && s->upgrade == UPGRADE_GO && s->note.surplus_n) {
		set_injected_response(r, s);
	} else if (ev->sure && s->upgrade == UPGRADE_GO) {
		record_tri(r, F_smtp_inj_rsp, TRI_NO);
	}
}

static void see_proxy(struct record *r, const struct proxy_header *h)
{
	record_num(r, F_proxy_version, h->version);
	if (!h->addressed)
		return;
	record_addr(r, F_proxy_src, &h->source);
	record_num(r, F_proxy_sport, h->source_port);
	record_addr(r, F_proxy_dst, &h->destination);
	record_num(r, F_proxy_dport, h->destination_port);
}

void observe_smtp(struct record *r, struct smtp *s, const struct smtp_event *ev)
{
	switch (ev->kind) {
	case SMTP_REPLY:
		see_reply(r, s, ev);
		break;
	case SMTP_COMMAND:
		see_command(r, s, ev);
		break;
	case SMTP_AUTH_RESPONSE:
		see_response(r, s);
		break;
	case SMTP_BODY:
		break;
	case SMTP_TLS_BEGIN:
		if (ev->dir == C2S)
			see_client_tls(r, s, ev);
		else
			see_server_tls(r, s, ev);
		break;
	case SMTP_PROXY:
		see_proxy(r, &ev->proxy);
		break;
	case SMTP_TEXT:
		see_surplus(r, s, ev);
		break;
	}
}

/* A count is a fact if something was counted, or if nothing can have been missed. */
static void set_count(struct record *r, enum fact f, uint64_t n, bool whole)
{
	if (n > 0 || whole)
		record_num(r, f, n < INT64_MAX ? (int64_t)n : INT64_MAX);
}

void observe_smtp_finish(struct record *r, const struct smtp *s)
{
	bool client = s->spoke[C2S] && !s->lost[C2S];
	bool both = client && s->spoke[S2C] && !s->lost[S2C];
	set_count(r, F_smtp_transactions, s->note.transactions, client);
	set_count(r, F_smtp_content, s->content, client);
	set_count(r, F_smtp_rcpt_ok, s->note.accepted, both);
	set_count(r, F_smtp_rcpt_deferred, s->note.deferred, both);
	set_count(r, F_smtp_rcpt_refused, s->note.denied, both);
	set_count(r, F_smtp_eod, s->odd_ends, both);
	set_count(r, F_smtp_messages, s->note.messages, both);
	set_count(r, F_smtp_messages_refused, s->note.refused, both);
	set_count(r, F_smtp_bare_lf, s->note.bare_lf, client);
	set_count(r, F_smtp_pipelined, s->note.pipelined, both);
	if (client && !record_has(r, F_smtp_requested))
		record_tri(r, F_smtp_requested, TRI_NO);
	if (client && !smtp_in_body(s) && !record_has(r, F_smtp_quit))
		record_tri(r, F_smtp_quit, TRI_NO);
	if (s->note.ehlo_seen && !s->note.ehlo_done && s->seen[S2C])
		record_tri(r, F_smtp_ehlo_complete, TRI_NO);
	if (s->client == CLIENT_TLS && s->server == SERVER_TLS && !record_has(r, F_smtp_after_220))
		record_tri(r, F_smtp_after_220, TRI_NO);
}
