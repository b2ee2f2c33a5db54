/* smtp: the dialogue. Cuts each direction into lines, content and TLS, and says which command each reply answers, by
 * the order of commands and replies alone (RFC 2920), because pipelining lets several wait. Where octets are
 * missing it says that it does not know, until a command that a sender must wait for (smtp_verb_waits) makes the
 * order certain again. Does not know what any of it means for anybody, and keeps no octet.
 * RFC 5321, 3207, 2920, 3030, 4954. */
#include "wire/smtp.h"

#include "wire/smtp_line.h"
#include "wire/smtp_reply.h"

void smtp_init(struct smtp *s, bool implicit_tls)
{
	memset(s, 0, sizeof(*s));
	s->tls_first = implicit_tls;
}

bool smtp_in_body(const struct smtp *s)
{
	return s->client == CLIENT_BODY || s->client == CLIENT_CHUNK;
}

bool smtp_is_tls(const struct smtp *s, enum dir dir)
{
	return dir == C2S ? s->client == CLIENT_TLS : s->server == SERVER_TLS;
}

bool smtp_spoken(const struct smtp *s)
{
	return s->spoke[C2S] || s->spoke[S2C];
}

/* ---- commands that wait for a reply ---- */

static void queue_push(struct smtp *s, enum smtp_verb verb, bool chunk_last)
{
	struct smtp_run *end = s->queued ? &s->queue[s->queued - 1] : NULL;
	if (end && end->verb == verb && end->chunk_last == chunk_last && end->n < UINT16_MAX) {
		end->n++;
	} else if (s->queued < SMTP_QUEUE) {
		s->queue[s->queued++] = (struct smtp_run){ (uint8_t)verb, chunk_last, 1 };
	} else {
		s->queued = 0;
		s->unsure = true;
	}
}

static void queue_shift(struct smtp *s)
{
	if (s->queued == 0 || --s->queue[0].n > 0)
		return;
	s->queued--;
	memmove(s->queue, s->queue + 1, s->queued * sizeof(s->queue[0]));
}

static bool queue_has(const struct smtp *s, enum smtp_verb verb)
{
	for (size_t i = 0; i < s->queued; i++)
		if (s->queue[i].verb == verb)
			return true;
	return false;
}

/* Everything before the first verb has been answered, seen or not. */
static void queue_shift_to(struct smtp *s, enum smtp_verb verb)
{
	while (s->queued && s->queue[0].verb != verb)
		queue_shift(s);
}

/* Takes back one command that the server cannot have seen as one. */
static void queue_remove(struct smtp *s, enum smtp_verb verb)
{
	for (size_t i = 0; i < s->queued; i++) {
		if (s->queue[i].verb != verb)
			continue;
		if (--s->queue[i].n == 0) {
			s->queued--;
			memmove(s->queue + i, s->queue + i + 1, (s->queued - i) * sizeof(s->queue[0]));
		}
		return;
	}
}

/* A command was seen. A sender that had to wait before it has had all its replies by now; but where octets are missing behind
 * what it had heard, the reply to this one may be among them. */
static void command_sent(struct smtp *s, enum smtp_verb verb, bool chunk_last)
{
	if (s->unsure && smtp_verb_waits(s->last) && s->line_heard[C2S] >= s->gap_to) {
		s->queued = 0;
		s->unsure = false;
	}
	queue_push(s, verb, chunk_last);
	s->last = verb;
	s->ehlo_just_done = false;
}

/* ---- who had heard what ---- */

void smtp_place(struct smtp *s, enum dir dir, uint64_t offset, uint64_t heard)
{
	s->placed = true;
	s->at[dir] = offset;
	s->heard[dir] = heard;
}

/* Behind the last octet of dir that was given. */
static uint64_t given_to(const struct smtp *s, enum dir dir)
{
	return s->at[dir] + s->held[dir];
}

/* Nothing is missing in either direction, so that replies are counted against commands. */
static bool is_whole(const struct smtp *s)
{
	return s->seen[C2S] && s->seen[S2C] && !s->lost[C2S] && !s->lost[S2C] && !s->unsure;
}

/* The client said this behind STARTTLS, and before it had heard the reply. Order in the capture proves nothing; but
 * the stream gives no octet before what its writer had heard, so that what comes before the reply is surely ahead of it
 * (unless the client heard what was never captured), and what comes behind it is ahead if it acknowledges less. */
static bool client_ahead(const struct smtp *s)
{
	uint64_t heard = s->line_heard[C2S];
	if (!is_whole(s) || s->asked_to == 0 || heard > given_to(s, S2C))
		return false;
	switch (s->upgrade) {
	case UPGRADE_ASKED:
		return true;
	case UPGRADE_GO: case UPGRADE_REFUSED:
		return heard < s->answered_to;
	case UPGRADE_NONE:
		break;
	}
	return false;
}

/* The server said this before it had heard anything behind STARTTLS. */
static bool server_ahead(const struct smtp *s)
{
	return s->line_heard[S2C] <= s->asked_to;
}

/* TLS is due and no reply is. */
static bool is_surplus(const struct smtp *s)
{
	return s->upgrade == UPGRADE_GO && !s->guessed_220 && s->queued == 0 && is_whole(s);
}

/* ---- where TLS begins ---- */

static bool tls_possible(const struct smtp *s, enum dir dir)
{
	bool start = dir == C2S ? s->client == CLIENT_START : s->server == SERVER_START;
	return start || s->tls_first || s->upgrade != UPGRADE_NONE || s->lost[C2S] || s->lost[S2C] ||
	       smtp_is_tls(s, dir == C2S ? S2C : C2S);
}

/* OK: a TLS record begins here (RFC 8446 5.1: type 20 to 23, then 3). BAD: it does not. MORE: too short to tell. */
static enum parse tls_peek(const struct smtp *s, enum dir dir, struct bytes in)
{
	if (in.n == 0)
		return PARSE_MORE;
	if (!tls_possible(s, dir) || in.p[0] < 0x14 || in.p[0] > 0x17)
		return PARSE_BAD;
	if (in.n < 2)
		return PARSE_MORE;
	return in.p[1] == 3 ? PARSE_OK : PARSE_BAD;
}

/* ---- client ---- */

enum step { STEP_AGAIN, STEP_EVENT, STEP_MORE, STEP_BAD };

/* Neither side's first line was SMTP. */
static bool is_foreign(const struct smtp *s)
{
	return s->judged[C2S] && s->judged[S2C] && !s->spoke[C2S] && !s->spoke[S2C];
}

static void body_begin(struct smtp *s, bool early)
{
	s->client = CLIENT_BODY;
	s->eod = EOD_CRLF;
	s->data_asked = false;
	s->body_early = early;
	s->body_gap = s->body_answered = s->body_odd = false;
}

/* The client has sent all of its content. */
static void body_done(struct smtp *s)
{
	s->client = CLIENT_LINE;
	s->last = VERB_CONTENT;
	s->body_early_done = s->body_early;
	if (!s->body_answered)
		queue_push(s, VERB_CONTENT, false);
}

static enum smtp_eod eod_step(enum smtp_eod eod, uint8_t c)
{
	bool dot = eod == EOD_CRLF_DOT || eod == EOD_LF_DOT;
	switch (c) {
	case '.':
		if (eod == EOD_CRLF || eod == EOD_ODD_CRLF)
			return EOD_CRLF_DOT;
		return eod == EOD_LF || eod == EOD_ODD ? EOD_LF_DOT : EOD_TEXT;
	case '\r':
		return dot ? (eod == EOD_CRLF_DOT ? EOD_CRLF_DOT_CR : EOD_LF_DOT_CR) : EOD_CR;
	case '\n':
		if (eod == EOD_CRLF_DOT_CR)
			return EOD_END;
		if (eod == EOD_LF_DOT_CR)
			return EOD_ODD_CRLF;
		return dot ? EOD_ODD : eod == EOD_CR ? EOD_CRLF : EOD_LF;
	}
	return EOD_TEXT;
}

/* A lone dot with other line ends than CRLF stands here. */
static bool is_odd(enum smtp_eod before, enum smtp_eod now)
{
	bool bare_cr = (before == EOD_CRLF_DOT_CR || before == EOD_LF_DOT_CR) && now != EOD_END;
	return bare_cr || now == EOD_ODD || now == EOD_ODD_CRLF;
}

/* Octets of in that are content, up to and with the end of it. */
static size_t body_scan(struct smtp *s, struct bytes in)
{
	size_t i = 0;
	while (i < in.n && s->eod != EOD_END) {
		if (s->eod == EOD_TEXT) {
			const uint8_t *lf = memchr(in.p + i, '\n', in.n - i);
			size_t to = lf ? (size_t)(lf - in.p) : in.n;
			if (to > i)
				s->eod = in.p[to - 1] == '\r' ? EOD_CR : EOD_TEXT;
			i = to;
			if (!lf)
				break;
		}
		enum smtp_eod before = s->eod;
		s->eod = eod_step(before, in.p[i++]);
		s->body_odd |= is_odd(before, s->eod);
	}
	return i;
}

static void count_content(struct smtp *s, uint64_t n, bool early)
{
	s->content += n;
	if (early)
		s->early += n;
}

static enum step client_body(struct smtp *s, struct bytes in, struct smtp_event *ev, size_t *used)
{
	*used = body_scan(s, in);
	*ev = (struct smtp_event){ .kind = SMTP_BODY, .dir = C2S, .octets = *used };
	count_content(s, *used, s->body_early);
	if (s->eod != EOD_END)
		return STEP_EVENT;
	/* The dot and its line end are no content; all three may have been counted in earlier pieces. */
	s->content -= 3;
	if (s->body_early)
		s->early -= 3;
	body_done(s);
	return STEP_EVENT;
}

static enum step client_chunk(struct smtp *s, struct bytes in, struct smtp_event *ev, size_t *used)
{
	*used = s->chunk_left < in.n ? (size_t)s->chunk_left : in.n;
	*ev = (struct smtp_event){ .kind = SMTP_BODY, .dir = C2S, .octets = *used };
	s->chunk_left -= *used;
	s->content += *used;
	if (s->chunk_left == 0)
		s->client = CLIENT_LINE;
	return STEP_EVENT;
}

/* What a command makes of the client's next octets. */
static void client_follows(struct smtp *s, const struct smtp_command *c)
{
	switch (c->verb) {
	case VERB_DATA:
		s->data_asked = true;
		break;
	case VERB_BDAT:
		if (c->sized && c->chunk > 0 && s->client == CLIENT_LINE) {
			s->client = CLIENT_CHUNK;
			s->chunk_left = c->chunk;
		}
		break;
	case VERB_STARTTLS:
		if (s->upgrade != UPGRADE_GO)
			s->upgrade = UPGRADE_ASKED;
		break;
	case VERB_AUTH:
		s->auth_open = true;
		break;
	case VERB_NONE: case VERB_OTHER: case VERB_MASKED: case VERB_HELO: case VERB_EHLO: case VERB_LHLO: case VERB_MAIL:
	case VERB_RCPT: case VERB_RSET: case VERB_NOOP: case VERB_QUIT: case VERB_VRFY: case VERB_EXPN: case VERB_HELP:
	case VERB_ETRN: case VERB_TURN: case VERB_ATRN: case VERB_BURL: case VERB_SEND: case VERB_SOML: case VERB_SAML:
	case VERB_XCLIENT: case VERB_XFORWARD: case VERB_XEXCH50: case VERB_GREETING: case VERB_CONTENT: case VERB_COUNT:
		break;
	}
}

/* n: octets of the line. */
static enum step client_command(struct smtp *s, const struct smtp_command *c, size_t n, struct smtp_event *ev)
{
	s->judged[C2S] = true;
	s->spoke[C2S] = s->spoke[C2S] || c->verb != VERB_OTHER;
	if (is_foreign(s))
		return STEP_BAD;
	*ev = (struct smtp_event){ .kind = SMTP_COMMAND, .dir = C2S, .verb = c->verb, .command = *c };
	ev->sure = is_whole(s);
	ev->ahead = client_ahead(s);
	ev->after_220 = s->upgrade == UPGRADE_GO && !s->guessed_220 && !ev->ahead && c->verb != VERB_OTHER;
	ev->octets = n;
	ev->to = s->at[C2S] + n;
	ev->heard = s->line_heard[C2S];
	ev->pipelined = !s->unsure && s->queued > 0 && s->seen[S2C];
	s->auth_open = s->auth_challenged = false;
	if (c->verb != VERB_DATA && c->verb != VERB_OTHER)
		s->data_asked = false;
	command_sent(s, c->verb, c->last);
	if (c->verb == VERB_STARTTLS && s->upgrade != UPGRADE_GO)
		s->asked_to = ev->to;
	client_follows(s, c);
	return STEP_EVENT;
}

/* A line inside an AUTH exchange: "*" gives up, an empty one is an empty response (RFC 4954 4). */
static enum step client_response(struct smtp *s, struct bytes line, struct smtp_event *ev)
{
	bool certain = s->auth_challenged || !s->lost[S2C] || !s->seen[S2C];
	s->auth_challenged = false;
	if (!certain || line.n == 0 || bytes_eq(line, bytes_of("*")))
		return STEP_AGAIN;
	*ev = (struct smtp_event){ .kind = SMTP_AUTH_RESPONSE, .dir = C2S, .verb = VERB_AUTH };
	return STEP_EVENT;
}

/* The line at the head of in, by what is outstanding. */
static enum step client_line(struct smtp *s, struct bytes in, struct smtp_event *ev, size_t *used)
{
	struct bytes line;
	bool bare;
	enum parse p = smtp_line(in, &line, used, &bare);
	if (p == PARSE_MORE)
		return STEP_MORE;
	struct smtp_command c = smtp_command_of(line);
	if (s->data_asked && !c.shaped) {
		*used = 0;
		body_begin(s, true);
		return STEP_AGAIN;
	}
	if (s->client == CLIENT_LOST && !c.shaped)
		return STEP_AGAIN;
	s->client = p == PARSE_LONG ? CLIENT_REST : CLIENT_LINE;
	s->note.bare_lf += bare;
	if (s->auth_open && (s->auth_challenged || !c.shaped))
		return client_response(s, line, ev);
	if (line.n == 0)
		return STEP_AGAIN;
	return client_command(s, &c, *used, ev);
}

static enum step client_start(struct smtp *s, struct bytes in, struct smtp_event *ev, size_t *used)
{
	struct proxy_header header;
	switch (s->prefaced ? PARSE_BAD : proxy_header(in, &header, used)) {
	case PARSE_MORE:
		return STEP_MORE;
	case PARSE_OK:
		break;
	case PARSE_BAD: case PARSE_LONG:
		return client_line(s, in, ev, used);
	}
	s->prefaced = true;
	s->preface_left = header.skip;
	if (header.skip)
		s->client = CLIENT_PREFACE;
	*ev = (struct smtp_event){ .kind = SMTP_PROXY, .dir = C2S, .proxy = header };
	return STEP_EVENT;
}

static enum step client_preface(struct smtp *s, struct bytes in, size_t *used)
{
	*used = s->preface_left < in.n ? (size_t)s->preface_left : in.n;
	s->preface_left -= *used;
	if (s->preface_left == 0)
		s->client = CLIENT_START;
	return STEP_AGAIN;
}

static enum step rest_of_line(struct bytes in, size_t *used, bool *ended)
{
	size_t n = smtp_line_end(in);
	*ended = n > 0;
	*used = n ? n : in.n;
	return STEP_AGAIN;
}

static enum step tls_begin(struct smtp *s, enum dir dir, struct smtp_event *ev)
{
	*ev = (struct smtp_event){ .kind = SMTP_TLS_BEGIN, .dir = dir, .guessed = s->guessed_220 };
	ev->sure = is_whole(s);
	ev->ahead = dir == C2S && client_ahead(s);
	if (dir == C2S)
		s->client = CLIENT_TLS;
	else
		s->server = SERVER_TLS;
	return STEP_EVENT;
}

static enum step client_step(struct smtp *s, struct bytes in, struct smtp_event *ev, size_t *used)
{
	bool ended = false;
	switch (s->client) {
	case CLIENT_START: case CLIENT_LINE: case CLIENT_LOST:
		switch (tls_peek(s, C2S, in)) {
		case PARSE_MORE:
			return STEP_MORE;
		case PARSE_OK:
			return tls_begin(s, C2S, ev);
		case PARSE_BAD: case PARSE_LONG:
			break;
		}
		return s->client == CLIENT_START ? client_start(s, in, ev, used) : client_line(s, in, ev, used);
	case CLIENT_PREFACE:
		return client_preface(s, in, used);
	case CLIENT_REST:
		rest_of_line(in, used, &ended);
		if (ended)
			s->client = CLIENT_LINE;
		return STEP_AGAIN;
	case CLIENT_BODY:
		return client_body(s, in, ev, used);
	case CLIENT_CHUNK:
		return client_chunk(s, in, ev, used);
	case CLIENT_TLS:
		break;
	}
	return STEP_MORE;
}

/* ---- server ---- */

/* Without the client's octets, what a reply answers follows from its code and shape, or not at all. */
static enum smtp_verb reply_by_shape(struct smtp *s, const struct smtp_reply *r)
{
	bool asked = s->upgrade == UPGRADE_ASKED;
	s->reply_guessed = true;
	switch (r->code) {
	case 220:
		return s->greeted || asked || s->seen[C2S] ? VERB_STARTTLS : VERB_OTHER;
	case 221:
		return VERB_QUIT;
	case 334: case 235:
		return VERB_AUTH;
	case 354:
		return VERB_DATA;
	case 250:
		/* The first reply behind the greeting, in several lines, is what EHLO gets and hardly anything else. */
		if (!r->end && ((s->last == VERB_NONE && s->greeted && !s->ehlo_shape_past) || s->last == VERB_EHLO))
			return VERB_EHLO;
		break;
	}
	s->reply_guessed = false;
	return VERB_OTHER;
}

/* After a gap: what the reply can only answer, and then everything older has been answered, too. */
static enum smtp_verb reply_after_gap(struct smtp *s, const struct smtp_reply *r)
{
	enum smtp_verb verb = reply_by_shape(s, r);
	if (!s->reply_guessed || (s->last != VERB_NONE && s->last != verb))
		return VERB_OTHER;
	queue_shift_to(s, verb);
	s->reply_guessed = s->queued == 0 && !(verb == VERB_STARTTLS && s->upgrade == UPGRADE_ASKED);
	s->queued = 0;
	if (r->code == 334)
		queue_push(s, verb, false);
	s->unsure = false;
	return verb;
}

static bool is_greeting(const struct smtp *s, const struct smtp_reply *r)
{
	if (s->greeted || s->server != SERVER_START)
		return false;
	return s->queued == 0 || r->code == 220 || r->code >= 400;
}

/* After a missed start: a 220 is the greeting unless it speaks of TLS or has an enhanced code, as one to STARTTLS. */
static bool is_late_greeting(const struct smtp *s, const struct smtp_reply *r)
{
	if (s->greeted || s->seen[C2S] || r->code != 220)
		return false;
	for (size_t i = 0; i + 3 <= r->text.n; i++)
		if (bytes_eq_nocase((struct bytes){ r->text.p + i, 3 }, bytes_of("TLS")))
			return false;
	return !bytes_eq(bytes_head(r->text, 2), bytes_of("2."));
}

/* Which command this first line of a reply answers; it leaves the queue, unless the exchange goes on. */
static enum smtp_verb reply_for(struct smtp *s, const struct smtp_reply *r)
{
	if (is_greeting(s, r) || is_late_greeting(s, r))
		return VERB_GREETING;
	if (s->unsure)
		return reply_after_gap(s, r);
	if (s->queued == 0) {
		if (s->client == CLIENT_BODY && !s->body_answered && r->code != 354)
			return VERB_CONTENT;
		return s->seen[C2S] ? VERB_NONE : reply_by_shape(s, r);
	}
	if (r->code == 354 && queue_has(s, VERB_DATA))
		queue_shift_to(s, VERB_DATA);
	enum smtp_verb verb = (enum smtp_verb)s->queue[0].verb;
	s->reply_last_chunk = s->queue[0].chunk_last;
	if (!(verb == VERB_AUTH && r->code == 334))
		queue_shift(s);
	return verb;
}

static bool body_may_begin(const struct smtp *s)
{
	return s->client == CLIENT_LINE || s->client == CLIENT_REST || s->client == CLIENT_LOST ||
	       (s->client == CLIENT_START && !s->seen[C2S]);
}

static bool at_line_start(enum smtp_eod eod)
{
	return eod == EOD_CRLF || eod == EOD_LF || eod == EOD_ODD || eod == EOD_ODD_CRLF;
}

/* DATA was answered. Content that came early is content if the server asked for it, else the server read commands. */
static void data_answered(struct smtp *s, uint16_t code)
{
	bool early = s->client == CLIENT_BODY && s->body_early;
	bool done = s->body_early_done;
	s->data_asked = s->body_early_done = false;
	if (code == 354) {
		s->early = 0;
		s->body_early = false;
		if (!done && body_may_begin(s)) {
			s->unsure = false;
			s->queued = 0;
			body_begin(s, false);
			s->body_gap = !s->seen[C2S];
		}
		return;
	}
	s->content -= s->early;
	s->early = 0;
	if (early) {
		s->client = at_line_start(s->eod) ? CLIENT_LINE : CLIENT_REST;
		s->unsure = true;
		s->last = VERB_NONE;
	} else if (queue_has(s, VERB_CONTENT)) {
		queue_remove(s, VERB_CONTENT);
		s->unsure = true;
	}
}

/* What stands at the end of the content so far, if it is an end at all, is none of RFC 5321. */
static bool at_odd_end(enum smtp_eod eod)
{
	return eod == EOD_ODD || eod == EOD_ODD_CRLF || eod == EOD_CRLF_DOT_CR || eod == EOD_LF_DOT_CR;
}

/* The server accepted content at an end that is none. */
static void count_odd_end(struct smtp *s)
{
	s->odd_ends += is_whole(s);
	s->body_odd = false;
}

/* The server answered content whose end the client's octets did not show. */
static void content_answered(struct smtp *s, uint16_t code)
{
	if (s->client != CLIENT_BODY || s->queued > 0 || s->body_early)
		return;
	if (code < 300 && (s->body_odd || at_odd_end(s->eod)))
		count_odd_end(s);
	if (s->body_gap) {
		s->client = s->seen[C2S] ? CLIENT_LOST : CLIENT_START;
	} else if (at_odd_end(s->eod)) {
		s->client = CLIENT_LINE;
		s->last = VERB_CONTENT;
	} else {
		s->body_answered = true;
	}
}

/* What a whole reply changes. */
static void reply_done(struct smtp *s, uint16_t code)
{
	s->ehlo_just_done = false;
	switch (s->reply_verb) {
	case VERB_GREETING:
		s->greeted = true;
		break;
	case VERB_EHLO:
		s->ehlo_just_done = code < 300 && !s->reply_gap;
		break;
	case VERB_STARTTLS:
		s->guessed_220 = s->reply_guessed && s->upgrade != UPGRADE_ASKED;
		if (s->upgrade != UPGRADE_GO)
			s->upgrade = code == 220 ? UPGRADE_GO : UPGRADE_REFUSED;
		break;
	case VERB_DATA:
		data_answered(s, code);
		break;
	case VERB_CONTENT:
		content_answered(s, code);
		break;
	case VERB_AUTH:
		s->auth_challenged = code == 334;
		s->auth_open = s->auth_challenged;
		break;
	case VERB_NONE: case VERB_OTHER: case VERB_MASKED: case VERB_HELO: case VERB_LHLO: case VERB_MAIL: case VERB_RCPT:
	case VERB_BDAT: case VERB_RSET: case VERB_NOOP: case VERB_QUIT: case VERB_VRFY: case VERB_EXPN: case VERB_HELP:
	case VERB_ETRN: case VERB_TURN: case VERB_ATRN: case VERB_BURL: case VERB_SEND: case VERB_SOML: case VERB_SAML:
	case VERB_XCLIENT: case VERB_XFORWARD: case VERB_XEXCH50: case VERB_COUNT:
		break;
	}
	if (s->reply_verb != VERB_GREETING)
		s->ehlo_shape_past = true;
	s->reply_open = false;
}

static void reply_begin(struct smtp *s, const struct smtp_reply *r)
{
	bool just_done = s->ehlo_just_done;
	s->reply_lines = 0;
	s->reply_gap = s->server == SERVER_LOST;
	s->reply_guessed = s->reply_last_chunk = false;
	s->reply_verb = reply_for(s, r);
	s->reply_truncated = s->reply_verb == VERB_NONE && just_done && !s->lost[S2C] && !s->lost[C2S] && r->code == 250;
	s->reply_after_220 = s->upgrade == UPGRADE_GO && !s->guessed_220;
	s->reply_surplus = s->reply_verb == VERB_NONE && is_surplus(s);
	/* One reply too many for the client's one end of data: the server saw two (SMTP smuggling). */
	if (s->reply_verb == VERB_NONE && s->last == VERB_CONTENT && s->body_odd && r->code < 400)
		count_odd_end(s);
	s->reply_open = true;
}

/* A reply that was open when octets went missing goes on only if nothing else can be meant. */
static bool reply_goes_on(const struct smtp *s, const struct smtp_reply *r, bool coded)
{
	if (s->server != SERVER_LOST)
		return true;
	return coded && s->queued == 0 && r->code < 300;
}

/* A line that is no reply, where nothing but TLS is due. Binary octets are no text. */
static bool is_stray(const struct smtp *s, struct bytes line)
{
	for (size_t i = 0; i < line.n; i++)
		if ((line.p[i] < ' ' && line.p[i] != '\t') || line.p[i] >= 0x7f)
			return false;
	return s->server == SERVER_LINE && is_surplus(s);
}

static enum step server_line(struct smtp *s, struct bytes in, struct smtp_event *ev, size_t *used)
{
	struct bytes line;
	bool bare;
	enum parse p = smtp_line(in, &line, used, &bare);
	if (p == PARSE_MORE)
		return STEP_MORE;
	struct smtp_reply r = { .text = line };
	bool coded = smtp_reply_of(line, &r);
	if (line.n == 0)
		return STEP_AGAIN;
	s->judged[S2C] = s->judged[S2C] || s->server != SERVER_LOST;
	s->spoke[S2C] = s->spoke[S2C] || (coded && !r.glued);
	if (is_foreign(s))
		return STEP_BAD;
	if (s->reply_open && !reply_goes_on(s, &r, coded))
		s->reply_open = false;
	if (!coded && (!s->reply_open || s->server == SERVER_LOST)) {
		*ev = (struct smtp_event){ .kind = SMTP_TEXT, .dir = S2C, .line = line, .surplus = true,
			.ahead = server_ahead(s) };
		enum step step = is_stray(s, line) ? STEP_EVENT : STEP_AGAIN;
		if (p == PARSE_LONG && s->server == SERVER_LINE)
			s->server = SERVER_REST;
		return step;
	}
	if (!s->reply_open)
		reply_begin(s, &r);
	s->server = p == PARSE_LONG ? SERVER_REST : SERVER_LINE;
	bool end = coded && r.end && !(r.glued && s->reply_lines > 0);
	*ev = (struct smtp_event){ .kind = SMTP_REPLY, .dir = S2C, .after_220 = s->reply_after_220 && coded,
		.verb = s->reply_verb, .guessed = s->reply_guessed, .sure = !s->reply_gap, .end = end, .glued = r.glued,
		.last_chunk = s->reply_last_chunk, .truncated = s->reply_truncated, .code = r.code,
		.index = ++s->reply_lines, .line = line, .text = r.text, .surplus = s->reply_surplus,
		.ahead = s->reply_surplus && server_ahead(s), .to = s->at[S2C] + *used, .heard = s->line_heard[S2C] };
	if (end && s->reply_verb == VERB_STARTTLS && s->upgrade != UPGRADE_GO)
		s->answered_to = ev->to;
	if (end)
		reply_done(s, r.code);
	if (s->reply_truncated)
		s->ehlo_just_done = true;
	return STEP_EVENT;
}

static enum step server_step(struct smtp *s, struct bytes in, struct smtp_event *ev, size_t *used)
{
	bool ended = false;
	switch (s->server) {
	case SERVER_START: case SERVER_LINE: case SERVER_LOST:
		switch (tls_peek(s, S2C, in)) {
		case PARSE_MORE:
			return STEP_MORE;
		case PARSE_OK:
			return tls_begin(s, S2C, ev);
		case PARSE_BAD: case PARSE_LONG:
			break;
		}
		return server_line(s, in, ev, used);
	case SERVER_REST:
		rest_of_line(in, used, &ended);
		if (ended)
			s->server = SERVER_LINE;
		return STEP_AGAIN;
	case SERVER_TLS:
		break;
	}
	return STEP_MORE;
}

/* ---- both ---- */

enum parse smtp_next(struct smtp *s, enum dir dir, struct bytes in, struct smtp_event *ev, size_t *used)
{
	*used = 0;
	s->seen[dir] = s->seen[dir] || in.n > 0;
	if (!s->placed)
		s->heard[dir] = given_to(s, !dir);
	if (s->held[dir] == 0)
		s->line_heard[dir] = s->heard[dir];
	s->held[dir] = in.n;
	while (*used < in.n) {
		size_t n = 0;
		struct bytes left = bytes_skip(in, *used);
		enum step step = dir == C2S ? client_step(s, left, ev, &n) : server_step(s, left, ev, &n);
		*used += n;
		s->at[dir] += n;
		s->held[dir] -= n;
		if (n)
			s->line_heard[dir] = s->heard[dir];
		switch (step) {
		case STEP_AGAIN:
			break;
		case STEP_EVENT:
			return PARSE_OK;
		case STEP_MORE:
			return PARSE_MORE;
		case STEP_BAD:
			return PARSE_BAD;
		}
	}
	return PARSE_MORE;
}

static void client_gap(struct smtp *s, uint64_t n)
{
	s->auth_challenged = false;
	switch (s->client) {
	case CLIENT_CHUNK:
		if (n <= s->chunk_left) {
			s->chunk_left -= n;
			s->client = s->chunk_left ? CLIENT_CHUNK : CLIENT_LINE;
			return;
		}
		break;
	case CLIENT_BODY:
		s->eod = EOD_TEXT;
		s->body_gap = true;
		return;
	case CLIENT_TLS:
		return;
	case CLIENT_START: case CLIENT_PREFACE: case CLIENT_LINE: case CLIENT_REST: case CLIENT_LOST:
		break;
	}
	s->client = CLIENT_LOST;
	s->last = VERB_NONE;
	s->unsure = true;
}

void smtp_gap(struct smtp *s, enum dir dir, uint64_t n)
{
	s->lost[dir] = true;
	s->at[dir] += s->held[dir] + n;
	s->held[dir] = 0;
	s->ehlo_just_done = false;
	if (dir == C2S) {
		client_gap(s, n);
	} else if (s->server != SERVER_TLS) {
		s->server = SERVER_LOST;
		s->reply_gap = true;
		s->unsure = true;
		s->gap_to = s->at[S2C];
	}
}

void smtp_end(struct smtp *s, enum dir dir)
{
	s->ended[dir] = true;
}
