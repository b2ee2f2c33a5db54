/* tap: what each side said in clear, as one number a side, to be held against what another sensor saw of the same
 * connection. Two sensors on one path hear the same, whatever was done to addresses, ports, segments and times between
 * them; where their numbers differ, somebody between them wrote something else.
 *
 * Client: its commands (the word, and the name behind EHLO and HELO), up to the first that begins mail or AUTH, or QUIT; or
 * its ClientHello. Server: greeting and EHLO replies as they stand, of other replies the code, up to one that says that the
 * mail or the exchange of AUTH goes on, or the end; or its ServerHello. What the server said is not read by what the client
 * asked, as far as that is possible, so that a command that was rewritten does not make the reply another one.
 * No local part goes in, nor anything that could be one; addresses in text count as one another, since who translates
 * addresses may translate them there, too.
 *
 * A side of which anything is missing, or that did not come so far, has no number. */
#ifndef TAP_H
#define TAP_H
#include "record.h"
#include "wire/ident.h"
#include "wire/smtp.h"
#include "wire/tls.h"

/* The form of the numbers, told beside them: one more with each change of what is counted in, or of how tap, smtp and tls cut it
 * up, since sensors of two versions would seem to have heard different things. */
enum { TAP_FORM = 1 };

/* said   chained SHA-256 of what was said so far       whole  nothing more is counted in
 * lost   something is missing or too long: there is no number */
struct tap_side {
	uint8_t said[IDENT_CHAIN];
	bool whole, lost;
};

/* One connection; flat, no pointers; a zeroed one is a fresh one. */
struct tap {
	struct tap_side side[2];
};

/* One event that smtp_next answered, before the next call of it. */
void tap_smtp(struct tap *t, struct ident *id, const struct smtp *s, const struct smtp_event *ev);
/* One event that tls_next answered, likewise. */
void tap_tls(struct tap *t, struct ident *id, const struct tls *tls, const struct tls_event *ev);
/* Octets of one direction are missing, or its beginning is: sides that are not whole yet are lost, both, as each helps
 * to read the other. */
void tap_gap(struct tap *t);
/* What is known at the end. doubt: of a direction two versions came, or not all of it could be kept. */
void tap_finish(struct record *r, const struct tap *t, const bool doubt[2]);
/* The line as it is counted in, into out of n octets, which is at least line.n: words with an "@" from it on, and
 * addresses as a "#". How many octets. */
size_t tap_plain(struct bytes line, uint8_t *out, size_t n);
#endif
