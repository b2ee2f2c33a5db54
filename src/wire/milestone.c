/* milestone: see milestone.h. Says when to look, not what there is to be seen: no fact is made here, and whether one is an
 * alert is not known. RFC 5321, 3207, 4954, 5246 7.3, 8446 2. */
#include "wire/milestone.h"

void milestone_reach(struct milestones *m, enum milestone at)
{
	m->due = m->due || !milestone_passed(m, at);
	m->passed |= (uint16_t)(1 << at);
}

bool milestone_passed(const struct milestones *m, enum milestone at)
{
	return m->passed >> at & 1;
}

static void see_command(struct milestones *m, const struct smtp *s, enum smtp_verb verb)
{
	if (verb == VERB_MAIL || verb == VERB_SEND || verb == VERB_SOML || verb == VERB_SAML)
		milestone_reach(m, MILESTONE_MAIL);
	if (verb == VERB_RCPT)
		milestone_reach(m, MILESTONE_RCPT);
	if (s->upgrade == UPGRADE_REFUSED)
		milestone_reach(m, MILESTONE_REFUSED);
}

void milestone_smtp(struct milestones *m, const struct record *r, const struct smtp *s, const struct smtp_event *ev)
{
	switch (ev->kind) {
	case SMTP_COMMAND:
		see_command(m, s, ev->command.verb);
		break;
	case SMTP_BODY:
		milestone_reach(m, MILESTONE_CONTENT);
		break;
	case SMTP_REPLY: case SMTP_AUTH_RESPONSE: case SMTP_TEXT: case SMTP_TLS_BEGIN: case SMTP_PROXY:
		break;
	}
	if (record_get_tri(r, F_smtp_auth_response) == TRI_YES && record_has(r, F_smtp_auth_code))
		milestone_reach(m, MILESTONE_CREDENTIALS);
	if (record_get_tri(r, F_smtp_inj_cmd) == TRI_YES || record_get_tri(r, F_smtp_inj_rsp) == TRI_YES)
		milestone_reach(m, MILESTONE_INJECTED);
}

bool milestone_due(const struct milestones *m, const struct smtp *s)
{
	bool asked_last = s->last == VERB_STARTTLS && s->client != CLIENT_TLS;
	return m->due && m->given < MILESTONES_MOST && !(s->upgrade == UPGRADE_REFUSED && asked_last);
}

void milestone_tls(struct milestones *m, const struct tls *t)
{
	if (t->hello_done)
		milestone_reach(m, MILESTONE_CERTIFICATE);
	for (enum dir dir = C2S; dir <= S2C; dir++)
		if (t->side[dir].fatal || t->side[dir].closed)
			milestone_reach(m, MILESTONE_ALERT);
	if (!milestone_passed(m, MILESTONE_HANDSHAKE) && tls_complete(t) == TRI_YES)
		milestone_reach(m, MILESTONE_HANDSHAKE);
}
