/* odd: see odd.h. A few octets decide about most connections, so that looking at all of them costs little: a server
 * speaks first with a reply code (RFC 5321 4.2), or the client with a verb. FTP and NNTP begin like that, too; what the
 * client says then tells them apart, which is for the SMTP parser, as it must have read the session from its start.
 * Knows no flow and no library. */
#include "wire/odd.h"

/* The last one begins a binary PROXY header. */
static const char *const openings[] = { "EHLO ", "HELO ", "PROXY ", "\r\n\r\n" };

bool odd_sampled(const struct segment *seg, uint32_t every)
{
	uint32_t sum = (uint32_t)seg->sport + seg->dport;
	return every <= 1 ? every : (sum * ODD_SPREAD >> ODD_SHIFT) % every == 0;
}

/* FOUND: in begins with word, in any case. NEW: so far it does. */
static enum odd begins(struct bytes in, const char *word)
{
	struct bytes w = bytes_of(word);
	for (size_t i = 0; i < w.n; i++) {
		if (i == in.n)
			return ODD_NEW;
		uint8_t c = in.p[i];
		if ((c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) != w.p[i])
			return ODD_NOT;
	}
	return ODD_FOUND;
}

bool odd_opens(struct bytes payload)
{
	return payload.n >= 5 && (payload.p[0] | 0x20) <= 'h' &&
	       (begins(payload, openings[0]) == ODD_FOUND || begins(payload, openings[1]) == ODD_FOUND);
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* 220 and the two refusals of RFC 5321 3.1 and 4.3.2, or what a firewall has made of a greeting. */
static enum odd greeting(struct bytes in)
{
	if (in.n < 4)
		return ODD_NEW;
	if (in.p[0] == '*' && in.p[1] == '*')
		return ODD_MAYBE;
	bool code = (in.p[0] == '2' || in.p[0] == '4' || in.p[0] == '5') && is_digit(in.p[1]) && is_digit(in.p[2]);
	return code && (in.p[3] == ' ' || in.p[3] == '-') ? ODD_MAYBE : ODD_NOT;
}

enum odd odd_first(enum dir dir, struct bytes in)
{
	enum odd least = ODD_NOT;
	if (dir == S2C)
		return greeting(in);
	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		enum odd one = begins(in, openings[i]);
		if (one == ODD_FOUND)
			return ODD_MAYBE;
		least = one == ODD_NEW ? ODD_NEW : least;
	}
	return least;
}

static size_t lines(struct bytes in)
{
	size_t n = 0;
	for (size_t i = 0; i < in.n; i++)
		n += in.p[i] == '\n';
	return n;
}

bool odd_heard(const struct bytes first[2])
{
	return lines(first[C2S]) >= 1 && lines(first[S2C]) >= 2;
}

enum odd odd_spoken(const struct smtp *s, bool opaque, bool looked, uint64_t octets)
{
	bool alone = !s->seen[S2C] && s->note.hello_seen && (s->note.mail_seen || s->note.starttls_seen);
	bool server = !s->seen[C2S] && s->greeted && s->note.ehlo_done;
	bool foreign = looked && s->judged[C2S] && !s->spoke[C2S];
	if ((s->note.hello_seen && s->spoke[S2C]) || alone || server)
		return ODD_FOUND;
	return opaque || foreign || octets >= ODD_MOST ? ODD_NOT : ODD_MAYBE;
}
