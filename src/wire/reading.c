/* reading: see reading.h. The order of capture is of no use here, since either version may have come at any time: each
 * command is followed by its reply, as it must be (RFC 5321 4.1.1, RFC 2920 3.2). Keeps nothing but the facts. */
#include "wire/reading.h"

#include "wire/observe_smtp.h"

/* One turn of a side: the octets up to the end of a command or of a reply. false: it says no more that can be read. */
static bool turn(struct reading *again, enum dir dir, struct bytes *text)
{
	struct smtp_event ev;
	size_t used;
	while (text->n && !smtp_in_body(&again->smtp)) {
		enum parse got = smtp_next(&again->smtp, dir, *text, &ev, &used);
		*text = bytes_skip(*text, used);
		if (got != PARSE_OK || ev.kind == SMTP_TLS_BEGIN)
			return false;
		observe_smtp(&again->record, &again->smtp, &ev);
		if (dir == C2S || ev.end)
			return true;
	}
	return false;
}

static void copy_keywords(const struct record *from, struct record *to)
{
	size_t pos = 0;
	struct bytes word;
	record_unset(to, F_alt_keywords);
	while (record_next(from, F_smtp_keywords, &pos, &word))
		record_add(to, F_alt_keywords, word);
}

void reading_alternative(struct reading *again, const struct bytes text[2], const bool late[2], struct record *out)
{
	struct bytes left[2] = { text[C2S], text[S2C] };
	smtp_init(&again->smtp, false);
	record_init(&again->record);
	for (int dir = C2S; dir <= S2C; dir++)
		if (late[dir])
			smtp_gap(&again->smtp, (enum dir)dir, 0);
	for (bool server = true, client = true; server || client;) {
		server = turn(again, S2C, &left[S2C]);
		client = turn(again, C2S, &left[C2S]);
	}
	record_tri(out, F_alt_offered, record_get_tri(&again->record, F_smtp_offered));
	if (record_has(&again->record, F_smtp_stls_code))
		record_num(out, F_alt_code, record_get_num(&again->record, F_smtp_stls_code, 0));
	copy_keywords(&again->record, out);
}
