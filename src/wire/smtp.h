/* smtp: both directions of one connection into events: replies, commands, counted content, and where TLS begins
 * (RFC 5321, 3207, 2920, 3030, 4954). Keeps no octet of a message, no local part and no credential.
 *
 * When the beginning of a direction was not captured: smtp_gap(s, dir, 0) before its first octet.
 * The walk, for each piece of one direction, with the octets that were not used before in front:
 *
 *	smtp_place(s, dir, offset, heard);
 *	while ((p = smtp_next(s, dir, in, &ev, &used)) == PARSE_OK) {
 *		observe_smtp(record, s, &ev);
 *		drop used octets of dir;
 *		if (ev.kind == SMTP_TLS_BEGIN) the octets of dir belong to tls.c from here, and never come back;
 *	}
 *	drop used octets of dir;                        // MORE may use some, too
 *	PARSE_BAD: neither side speaks SMTP: the flow is opaque
 *
 * The same octets of both directions in the same order give the same events, whatever the pieces are, except that
 * content is counted in other portions. Which side spoke first is a matter of what each had heard, where smtp_place
 * says so, and of the order of calls otherwise. */
#ifndef SMTP_H
#define SMTP_H
#include "packet.h"
#include "wire/proxy_header.h"
#include "wire/smtp_command.h"

/* Runs of equal commands without a reply that are remembered. */
enum { SMTP_QUEUE = 32 };

enum smtp_kind {
	SMTP_REPLY,         /* one line of a reply */
	SMTP_COMMAND,       /* one command */
	SMTP_AUTH_RESPONSE, /* a client's line inside an AUTH exchange; its octets are not in the event */
	SMTP_BODY,          /* octets of content */
	SMTP_PROXY,         /* a PROXY header in front of the dialogue */
	SMTP_TEXT,          /* a line from the server that is no reply, although nothing but TLS was due */
	SMTP_TLS_BEGIN      /* the octet of dir behind the used ones is the first of TLS */
};

/* One event; spans borrow from the octets given, until the next call.
 * after_220   readable although the 220 to STARTTLS was heard: RFC 3207 4.2 wants TLS here
 * ahead       of a SMTP_COMMAND or the client's SMTP_TLS_BEGIN: said behind STARTTLS before the reply to it was heard; of
 *             what is surplus: said before anything that the client said behind STARTTLS was heard. Never where an
 *             octet is missing
 * sure        SMTP_REPLY: nothing of this reply was lost before this line; SMTP_COMMAND, SMTP_TLS_BEGIN: nothing of either
 *             direction was lost so far
 * to, heard   SMTP_COMMAND, SMTP_REPLY: offset behind the line, and how far its writer had heard the other side
 *             (UINT64_MAX: not known)
 * SMTP_REPLY:
 *   verb      the command this answers: VERB_GREETING for the greeting, VERB_CONTENT for end of data, VERB_NONE if none
 *             is outstanding (unsolicited), VERB_OTHER if that cannot be said (gap) or the command was unknown
 *   guessed   the client was not seen; the verb follows from the shape of the reply
 *   code      of this line, 0 if it has none      line  whole line      text  what follows code and separator
 *   index     from 1, within this reply
 *   end       last line of the reply; with sure: the whole reply was seen
 *   glued     code and text without separator between them
 *   last_chunk  verb is VERB_BDAT, and this is the reply to the last chunk
 *   surplus     no command is outstanding, and TLS is due; never where an octet is missing
 *   truncated   unsolicited right behind a complete EHLO reply, nothing asked since (see starttls-keyword-masked)
 * SMTP_TEXT:    line, surplus, ahead
 * SMTP_COMMAND: command; pipelined: a reply was outstanding; octets of the line
 * SMTP_BODY:    octets
 * SMTP_PROXY:   proxy */
struct smtp_event {
	enum smtp_kind kind;
	enum dir dir;
	bool after_220, ahead;
	enum smtp_verb verb;
	bool guessed, sure, end, glued, last_chunk, truncated, surplus, pipelined;
	uint16_t code;
	uint32_t index;
	struct bytes line, text;
	struct smtp_command command;
	struct proxy_header proxy;
	uint64_t octets, to, heard;
};

/* What a direction's next octets are: START nothing seen yet, LINE a line, REST of a long line, LOST after a gap. */
enum smtp_client {
	CLIENT_START, CLIENT_PREFACE, CLIENT_LINE, CLIENT_REST, CLIENT_BODY, CLIENT_CHUNK, CLIENT_LOST, CLIENT_TLS
};
enum smtp_server { SERVER_START, SERVER_LINE, SERVER_REST, SERVER_LOST, SERVER_TLS };

/* The last octets of content, as far as they matter for its end. Only CRLF.CRLF ends it (RFC 5321 4.1.1.4); ODD is
 * a lone dot with other line ends, which ends it only when the server, too, takes it for the end. */
enum smtp_eod {
	EOD_TEXT, EOD_CR, EOD_CRLF, EOD_LF, EOD_CRLF_DOT, EOD_LF_DOT, EOD_CRLF_DOT_CR, EOD_LF_DOT_CR,
	EOD_ODD, EOD_ODD_CRLF, EOD_END
};

/* STARTTLS: not asked; asked; 220 came; answered otherwise. */
enum smtp_upgrade { UPGRADE_NONE, UPGRADE_ASKED, UPGRADE_GO, UPGRADE_REFUSED };

/* State of one connection; flat, no pointers; a zeroed one is a fresh one. */
struct smtp {
	enum smtp_client client;
	enum smtp_server server;
	enum smtp_eod eod;
	enum smtp_upgrade upgrade;
	bool tls_first;                /* port of implicit TLS */
	bool seen[2];                  /* octets came */
	bool lost[2];                  /* octets are missing */
	bool spoke[2];                 /* this side spoke SMTP */
	bool judged[2];                /* its first line has been read */
	bool ended[2];                 /* no more octets will come */
	bool prefaced;                 /* a PROXY header was there */

	/* Offsets in each direction. at: of the next octet that is not used; held: octets given behind it; heard: how far
	 * the writer of the newest octets had heard the other side; line_heard: the same of the octet at at.
	 * placed: somebody says so; else it had heard all that was given before
	 * asked_to, answered_to: behind STARTTLS (0: not seen), and behind the reply to it
	 * gap_to: behind the last octets of the server that are missing */
	bool placed;
	uint64_t at[2], held[2], heard[2], line_heard[2], asked_to, answered_to, gap_to;

	/* Commands without a reply, oldest first. unsure: not known, after a gap or more than the queue holds.
	 * last: the last command, VERB_NONE if none or unknown. */
	struct smtp_run { uint8_t verb; bool chunk_last; uint16_t n; } queue[SMTP_QUEUE];
	uint8_t queued;
	bool unsure;
	enum smtp_verb last;

	/* The reply that is being read. */
	bool reply_open, reply_gap, reply_guessed, reply_last_chunk, reply_truncated, reply_after_220, reply_surplus;
	enum smtp_verb reply_verb;
	uint32_t reply_lines;
	bool greeted, ehlo_just_done, ehlo_shape_past, guessed_220;

	/* DATA and BDAT. early: octets sent without a 354, content that a refusal takes back. body_odd: a lone dot with
	 * other line ends was in this one; odd_ends: of these, what the server took for the end. */
	bool data_asked, body_gap, body_early, body_early_done, body_answered, body_odd;
	uint64_t chunk_left, preface_left, content, early, odd_ends;

	/* AUTH. challenged: the next line is a response. */
	bool auth_open, auth_challenged;

	/* What observe_smtp needs from one event to the next. */
	struct {
		bool ehlo_seen, ehlo_done, ehlo_offered, hello_seen, mail_seen, starttls_seen;
		bool banner_plain, banner_star;
		bool side_crossed;
		uint8_t surplus[64], surplus_n;
		uint32_t bare_lf, pipelined, transactions, accepted, deferred, denied, messages, refused;
		uint64_t ahead, side_to;
		uint8_t mechanism[SMTP_MECHANISM_MAX], mechanism_n;
		uint8_t mask[64], mask_n, mask_rank, mask_form;
		uint32_t mask_position, ehlo_lines;
	} note;
};

/* implicit_tls: TLS is expected from the first octet (port 465, RFC 8314 3.3). What comes in clear is read as well. */
void smtp_init(struct smtp *s, bool implicit_tls);

/* The octets that come next, of direction dir, begin at that offset, and their newest writer had heard so many octets of
 * the other direction (TCP's acknowledgement; UINT64_MAX: not known). Called never, or before each round of smtp_next. */
void smtp_place(struct smtp *s, enum dir dir, uint64_t offset, uint64_t heard);

/* The next event in the octets in of direction dir.
 * PARSE_OK: one event in ev; used octets are done with (may be 0 with SMTP_TLS_BEGIN)
 * PARSE_MORE: nothing (more) in these; used octets are done with, the rest must be given again with more behind it
 * PARSE_BAD: this is not SMTP; ask no more */
enum parse smtp_next(struct smtp *s, enum dir dir, struct bytes in, struct smtp_event *ev, size_t *used);

/* n octets of dir are missing, and those that were given and not used are void. n 0: the beginning was not seen. */
void smtp_gap(struct smtp *s, enum dir dir, uint64_t n);
/* No more octets of dir. */
void smtp_end(struct smtp *s, enum dir dir);
/* The client's next octets are content: they need not be kept for comparison. */
bool smtp_in_body(const struct smtp *s);
/* dir has been handed over to TLS. */
bool smtp_is_tls(const struct smtp *s, enum dir dir);
/* At least one side spoke SMTP in clear. */
bool smtp_spoken(const struct smtp *s);
#endif
