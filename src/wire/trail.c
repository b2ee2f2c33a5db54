/* trail: offsets into places, by a short list of where each place began. Knows no packet and keeps no octet. The verbs
 * are those of RFC 5321 and 3207. */
#include "wire/trail.h"

#include "wire/tls_record.h"

void trail_init(struct trail *t)
{
	t->n = 0;
	t->read = t->record = 0;
	t->tls = t->sealed = false;
}

void trail_note(struct trail *t, uint64_t from, enum place place)
{
	if (t->n && t->place[(t->n - 1) % TRAIL_STEPS] == place)
		return;
	t->from[t->n % TRAIL_STEPS] = from;
	t->place[t->n % TRAIL_STEPS] = (uint8_t)place;
	t->n++;
}

void trail_tls(struct trail *t, uint64_t at, struct bytes in)
{
	struct tls_record r;
	if (!t->tls) {
		trail_note(t, at, place_handshake);
		t->record = at;
		t->tls = true;
	}
	/* Behind a gap record lies before at: nobody knows where the next one begins. */
	while (!t->sealed && t->record >= at && t->record - at < in.n &&
	       tls_record(bytes_skip(in, (size_t)(t->record - at)), &r) == PARSE_OK) {
		t->sealed = r.type == TLS_APPLICATION_DATA;
		if (t->sealed)
			trail_note(t, t->record, place_encrypted);
		t->record += TLS_RECORD_HEADER + (uint64_t)r.length;
	}
}

enum place trail_at(const struct trail *t, uint64_t off)
{
	uint32_t known = t->n < TRAIL_STEPS ? t->n : TRAIL_STEPS;
	for (uint32_t i = 1; i <= known; i++)
		if (t->from[(t->n - i) % TRAIL_STEPS] <= off)
			return (enum place)t->place[(t->n - i) % TRAIL_STEPS];
	return place_unknown;
}

static enum place of_verb(enum smtp_verb verb)
{
	if (verb == VERB_GREETING)
		return place_greeting;
	if (verb == VERB_EHLO || verb == VERB_HELO || verb == VERB_LHLO)
		return place_ehlo;
	return verb == VERB_STARTTLS ? place_starttls : place_dialogue;
}

enum place trail_event(const struct smtp_event *ev)
{
	switch (ev->kind) {
	case SMTP_REPLY:
		return of_verb(ev->verb);
	case SMTP_COMMAND:
		return of_verb(ev->command.verb);
	case SMTP_AUTH_RESPONSE: case SMTP_TEXT:
		return place_dialogue;
	case SMTP_PROXY:
		return place_greeting;
	case SMTP_BODY:
		return place_content;
	case SMTP_TLS_BEGIN:
		break;
	}
	return place_handshake;
}

enum place trail_now(const struct smtp *s, const struct tls *t, bool tls_due)
{
	if (tls_due || s->upgrade == UPGRADE_GO)
		return tls_complete(t) == TRI_YES ? place_encrypted : place_handshake;
	if (smtp_in_body(s))
		return place_content;
	if (s->last == VERB_NONE)
		return s->lost[C2S] || s->lost[S2C] ? place_unknown : place_greeting;
	return of_verb(s->last);
}
