/* smtp_command: a client's line into verb and domain (RFC 5321 4.1). This is where local parts, parameters and
 * credentials end: nothing of them leaves this module. */
#ifndef SMTP_COMMAND_H
#define SMTP_COMMAND_H
#include "bytes.h"

/* What a line asks for. OTHER: a word nobody knows; MASKED: a word of X only. The last three are no verbs but what a
 * reply may answer: the connection, the end of the content, a line of an AUTH exchange. */
enum smtp_verb {
	VERB_NONE, VERB_OTHER, VERB_MASKED, VERB_HELO, VERB_EHLO, VERB_LHLO, VERB_STARTTLS, VERB_MAIL, VERB_RCPT, VERB_DATA,
	VERB_BDAT, VERB_RSET, VERB_NOOP, VERB_QUIT, VERB_VRFY, VERB_EXPN, VERB_HELP, VERB_ETRN, VERB_TURN, VERB_ATRN,
	VERB_AUTH, VERB_BURL, VERB_SEND, VERB_SOML, VERB_SAML, VERB_XCLIENT, VERB_XFORWARD, VERB_XEXCH50,
	VERB_GREETING, VERB_CONTENT, VERB_COUNT
};

enum { SMTP_DOMAIN_MAX = 255, SMTP_MECHANISM_MAX = 32 };

/* What of XCLIENT is looked at: who is behind the proxy. LOGIN, the name of an account, is not. */
enum smtp_xclient { XCLIENT_ADDR, XCLIENT_NAME, XCLIENT_HELO, XCLIENT_COUNT };

/* One command. word, domain and xclient borrow from the line.
 * word       the verb as sent; empty for VERB_OTHER: an unknown word may be part of a secret
 * altered    VERB_OTHER: the word, if it is nearly STARTTLS, else empty
 * textual    the line begins with a word of printable ASCII that begins with a letter
 * domain     EHLO HELO LHLO: the argument; MAIL RCPT: what follows the last "@" of the path, as sent, "<>" for the null
 *            path, empty where the path has no domain; AUTH: the mechanism
 * initial    AUTH: a response follows on the same line ("=", the empty one, is none: RFC 4954 4)
 * xclient    XCLIENT: the values, still encoded (smtp_xtext), empty where not given or not known to the proxy
 * requiretls MAIL: the REQUIRETLS parameter is there (RFC 8689 2)
 * sized      BDAT: chunk has a length that could be read      last  BDAT: the chunk is the last (RFC 3030 2)
 * shaped     the arguments are what the verb takes, and prose seldom is: safe to be taken for a command anywhere */
struct smtp_command {
	enum smtp_verb verb;
	struct bytes word, altered, domain, xclient[XCLIENT_COUNT];
	uint64_t chunk;
	bool initial, sized, last, shaped, textual, requiretls;
};

/* Reads a line without its line end. Any octets are a command of some kind. */
struct smtp_command smtp_command_of(struct bytes line);
/* The verb's name in upper case, "" where it has none. */
const char *smtp_verb_name(enum smtp_verb verb);
/* The verb of that name, in any case; VERB_OTHER if nobody knows it, VERB_MASKED for three or more X and nothing else. */
enum smtp_verb smtp_verb_of(struct bytes word);
/* An edit distance of at most SMTP_EDITS_MAX between word, which has eight octets, and STARTTLS, in any case. */
enum { SMTP_EDITS_MAX = 3 };
bool smtp_nearly_starttls(struct bytes word);
/* Decodes xtext (RFC 3461 4) into out, room octets. How many, or SIZE_MAX if it is not xtext or does not fit. */
size_t smtp_xtext(struct bytes text, uint8_t *out, size_t room);
/* Letters, digits, hyphen, dot, underscore and UTF-8 (RFC 6531 3.3), or all that an address literal holds. */
bool smtp_is_domain(struct bytes d);
/* A sender waits for the reply to this command before it says more (RFC 2920 3.1, RFC 3207 4, RFC 4954 4). */
bool smtp_verb_waits(enum smtp_verb verb);
#endif
