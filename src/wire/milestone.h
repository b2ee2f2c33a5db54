/* milestone: the points of a session at which its alerts need not wait for its end. Each is reached once; whoever drives
 * the dialogue says so event by event, and gives the session as it stands when one is due. */
#ifndef MILESTONE_H
#define MILESTONE_H
#include "record.h"
#include "wire/smtp.h"
#include "wire/tls.h"

/* MILESTONE_CREDENTIALS  the client gave credentials in clear, and was answered: a refusal makes a guess of it (RFC 4954 4)
 * MILESTONE_MAIL         the first MAIL in clear
 * MILESTONE_RCPT         the first RCPT in clear: it tells whose promise counts
 * MILESTONE_CONTENT      the first octets of content in clear
 * MILESTONE_REFUSED      STARTTLS was refused, and the client went on
 * MILESTONE_INJECTED     text stands where nobody should have spoken, around STARTTLS
 * MILESTONE_CERTIFICATE  TLS <= 1.2: the server's messages are whole up to ServerHelloDone
 * MILESTONE_HANDSHAKE    the handshake is complete, as far as that shows
 * MILESTONE_ALERT        a fatal alert, or an encrypted one
 * MILESTONE_CONFLICT     two versions of octets in the clear dialogue */
enum milestone {
	MILESTONE_CREDENTIALS, MILESTONE_MAIL, MILESTONE_RCPT, MILESTONE_CONTENT, MILESTONE_REFUSED, MILESTONE_INJECTED,
	MILESTONE_CERTIFICATE, MILESTONE_HANDSHAKE, MILESTONE_ALERT, MILESTONE_CONFLICT
};

/* At most MILESTONES_MOST of a session are given: who sends packets must not make us work without bound. */
enum { MILESTONES_MOST = 4 };

/* passed  a bit for each that was reached    given  how many times the session was given    due  one was reached since
 * A zeroed one is a fresh one. */
struct milestones {
	uint16_t passed;
	uint8_t given;
	bool due;
};

/* That one is reached now, if it was not before. */
void milestone_reach(struct milestones *m, enum milestone at);
bool milestone_passed(const struct milestones *m, enum milestone at);

/* After observe_smtp of ev: r and s are the state behind it. */
void milestone_smtp(struct milestones *m, const struct record *r, const struct smtp *s, const struct smtp_event *ev);
/* Is the session to be given now? Not while a refusal of STARTTLS is the last word: what the client makes of it decides. */
bool milestone_due(const struct milestones *m, const struct smtp *s);

/* After octets were given to TLS. */
void milestone_tls(struct milestones *m, const struct tls *t);
#endif
