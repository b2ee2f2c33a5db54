/* observe_smtp: SMTP events into the facts of a session record (all smtp_* of facts.def but smtp_after_tls). */
#ifndef OBSERVE_SMTP_H
#define OBSERVE_SMTP_H
#include "record.h"
#include "smtp.h"

/* Takes one event that smtp_next answered, before the next call of it. s is changed where it remembers a fact that
 * is only known later. */
void observe_smtp(struct record *r, struct smtp *s, const struct smtp_event *ev);
/* The dialogue is over, or TLS begins on both sides: sets what only the end can tell. Calling it again is harmless. */
void observe_smtp_finish(struct record *r, const struct smtp *s);
#endif
