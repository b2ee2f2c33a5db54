/* smtp_reply: one line of a server's reply (RFC 5321 4.2), the keyword of an EHLO line, and what may be left of a
 * STARTTLS that somebody tampered with. */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H
#include "packet.h"
#include "record.h"

/* code   200 to 599
 * end    no hyphen follows the code: the last line of its reply
 * glued  neither blank nor hyphen between code and text
 * text   what follows, borrowed from the line */
struct smtp_reply {
	uint16_t code;
	bool end, glued;
	struct bytes text;
};

/* Reads a line without its line end. false: it does not begin with a reply code. */
bool smtp_reply_of(struct bytes line, struct smtp_reply *out);

/* The keyword of an EHLO line's text: up to the first blank (RFC 5321 4.1.1.1). May be empty. */
struct bytes smtp_keyword(struct bytes text);
/* The text offers STARTTLS, in any case. */
bool smtp_offers_starttls(struct bytes text);

/* A keyword of X alone, three or more, with one other capital at the end or without: what some devices put over the
 * keywords that they do not know. */
bool smtp_is_x_mask(struct bytes word);
/* The word stands in text between blanks, in any case. */
bool smtp_has_word(struct bytes text, const char *word);

/* The client address that the greeting line of an EHLO reply quotes: the last one in brackets behind the server's own
 * name, as Exim, Exchange, Sendmail and others write it ("mx Hello name [192.0.2.1], pleased to meet you"). Postfix
 * quotes none.
 * argument  of the EHLO: if it is the only address there, the server may have echoed it, which says nothing
 * false: there is none */
bool smtp_greeted(struct bytes text, struct bytes argument, struct addr *out);

/* Copies a server's text, at most room octets of it, for the record: of what may be an address the local part, and of what
 * is long enough for a credential in base64 (RFC 4648 4) everything, becomes one "*". How many octets out has. */
size_t smtp_redacted(struct bytes text, uint8_t *out, size_t room);
/* The word is long enough for a credential in base64. */
bool smtp_is_secret(struct bytes word);

/* What the text of an EHLO line may be a mask of.
 * maskform_x_mask: X and at most one other capital at the end, three or more;  maskform_mangled: 8 octets, all equal or
 * at most three edits from STARTTLS;  maskform_param_poisoned: STARTTLS with something glued to it
 * glued  code and text had no separator
 * word   out: what looks masked, borrowed from text */
enum maskform smtp_mask_of(struct bytes text, bool glued, struct bytes *word);

/* The command that the text of an error reply quotes: its first word only, in quotes, or bare if it is all X. Empty
 * if none is quoted. Prose in quotes is not told from a command here. */
struct bytes smtp_quoted(struct bytes text);
/* All octets are X, and there are at least n. */
bool smtp_all_x(struct bytes word, size_t n);
/* Only 2, 0, * and blanks; star: out, set if a * is among them. */
bool smtp_banner_masked(struct bytes text, bool *star);
#endif
