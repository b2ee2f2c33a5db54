/* smtp: what a dialogue says becomes facts, however its octets are cut, and nothing of mail or credentials stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "wire/observe_smtp.h"

enum { DUMP = 16384, HELD = 65536 };

struct bench {
	struct smtp s;
	struct record r;
	struct smtp_event ev;
	uint8_t held[2][HELD];
	size_t n[2];
	uint64_t given[2], last[2];
	bool bad, tls[2], placed;
};

/* The pipeline's part: octets that are not used stay in front, each call in a block of exactly its size. */
static void give(struct bench *b, enum dir dir, const uint8_t *p, size_t n, uint64_t heard)
{
	if (b->placed && !b->tls[dir])
		smtp_place(&b->s, dir, b->given[dir] - b->n[dir], heard);
	b->given[dir] += n;
	if (b->bad || b->tls[dir])
		return;
	assert_true(b->n[dir] + n <= HELD);
	memcpy(b->held[dir] + b->n[dir], p, n);
	size_t total = b->n[dir] + n;
	uint8_t *block = malloc(total ? total : 1);
	assert_non_null(block);
	memcpy(block, b->held[dir], total);
	struct bytes in = { block, total };
	enum parse got = PARSE_OK;
	while (got == PARSE_OK && !b->tls[dir]) {
		size_t used = 0;
		got = smtp_next(&b->s, dir, in, &b->ev, &used);
		assert_true(used <= in.n);
		if (got == PARSE_OK) {
			observe_smtp(&b->r, &b->s, &b->ev);
			b->tls[dir] = b->ev.kind == SMTP_TLS_BEGIN;
		}
		in = bytes_skip(in, used);
	}
	b->bad = got == PARSE_BAD;
	memcpy(b->held[dir], in.p, in.n);
	b->n[dir] = in.n;
	free(block);
}

/* "C:" and "S:" say who speaks, "c:" and "s:" lose 100 octets of that side, "^" loses the beginning of both. "C!" and "S!"
 * had not heard the last thing that the other side said; that takes placed: who had heard what is told. */
static void play(struct bench *b, const char *const *lines, size_t piece, bool placed)
{
	memset(b, 0, sizeof(*b));
	b->placed = placed;
	smtp_init(&b->s, false);
	record_init(&b->r);
	for (; *lines; lines++) {
		const char *l = *lines;
		enum dir dir = l[0] == 'C' || l[0] == 'c' ? C2S : S2C;
		if (l[0] == '^') {
			smtp_gap(&b->s, C2S, 0);
			smtp_gap(&b->s, S2C, 0);
		} else if (l[0] == 'c' || l[0] == 's') {
			b->n[dir] = 0;
			b->given[dir] += 100;
			smtp_gap(&b->s, dir, 100);
		} else {
			size_t n = strlen(l + 2);
			uint64_t heard = l[1] == '!' ? b->last[!dir] : b->given[!dir];
			b->last[dir] = b->given[dir];
			for (size_t at = 0; at < n; at += piece)
				give(b, dir, (const uint8_t *)l + 2 + at, n - at < piece ? n - at : piece, heard);
		}
	}
	smtp_end(&b->s, C2S);
	smtp_end(&b->s, S2C);
	observe_smtp_finish(&b->r, &b->s);
}

static size_t put_value(const struct record *r, enum fact f, char *out, size_t room)
{
	const struct fact_info *i = &fact_table[f];
	long long num = (long long)record_get_num(r, f, 0);
	size_t pos = 0, n = 0;
	struct bytes b;
	switch (i->type) {
	case T_TRI:
		return (size_t)snprintf(out, room, "%s", num ? "yes" : "no");
	case T_ENUM:
		return (size_t)snprintf(out, room, "%s", i->words[num]);
	case T_STR:
		b = record_get_str(r, f);
		return (size_t)snprintf(out, room, "%.*s", (int)b.n, (const char *)b.p);
	case T_LSTR:
		while (record_next(r, f, &pos, &b))
			n += (size_t)snprintf(out + n, room - n, "%s%.*s", n ? "," : "", (int)b.n, (const char *)b.p);
		return n;
	case T_IP:
		b = record_get_str(r, f);
		assert_non_null(inet_ntop(b.n == 4 ? AF_INET : AF_INET6, b.p, out, (socklen_t)room));
		return strlen(out);
	case T_NUM: case T_TIME: case T_DUR: case T_HEX: case T_LNUM: case T_LENUM: case T_LHEX: case T_LIP:
		break;
	}
	return (size_t)snprintf(out, room, "%lld", num);
}

static void dump(const struct bench *b, char *out)
{
	static const char prefix[] = "mxwitness.smtp.";
	size_t n = (size_t)snprintf(out, DUMP, ";%s%s%s", b->bad ? "bad=yes;" : "", b->tls[C2S] ? "tls.c=yes;" : "",
				    b->tls[S2C] ? "tls.s=yes;" : "");
	for (int f = F_smtp_banner; f <= F_tls_early; f++) {
		if (!record_has(&b->r, (enum fact)f))
			continue;
		const char *name = fact_table[f].name;
		bool smtp = strncmp(name, prefix, sizeof(prefix) - 1) == 0;
		n += (size_t)snprintf(out + n, DUMP - n, "%s=", name + (smtp ? sizeof(prefix) - 1 : 0));
		n += put_value(&b->r, (enum fact)f, out + n, DUMP - n);
		n += (size_t)snprintf(out + n, DUMP - n, ";");
	}
}

/* expect: "name=value;" must be there, "!name=" must not. */
static bool expected(const char *facts, const char *expect, const char *why)
{
	char item[512];
	while (*expect) {
		const char *end = strchr(expect, ';');
		bool absent = *expect == '!';
		int n = (int)(end - expect) - absent;
		snprintf(item, sizeof(item), ";%.*s%s", n, expect + absent, absent ? "" : ";");
		if ((strstr(facts, item) != NULL) == absent) {
			fprintf(stderr, "%s\n  wants %s\n  has   %s\n", why, expect, facts);
			return false;
		}
		expect = end + 1;
	}
	return true;
}

static const struct story {
	const char *lines[20], *expect, *why;
} stories[] = {
#define HELLO "S:220 mx.example ESMTP\r\n", "C:EHLO me.example\r\n"
#define OFFER HELLO, "S:250-mx.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"
#define NOOFFER HELLO, "S:250-mx.example\r\n250 SIZE 1000\r\n"
#define MAIL "C:MAIL FROM:<a@Foo.example>\r\n", "S:250 ok\r\n", "C:RCPT TO:<b@bar.example> NOTIFY=NEVER\r\n", "S:250 ok\r\n"
#define TLS "\x16\x03\x01"
#define EARLY_YES "mxwitness.tls.early_hello=yes;"
#define EARLY_NO "mxwitness.tls.early_hello=no;"
	{ { OFFER, "C:STARTTLS\r\n", "S:220 2.0.0 go\r\n", "C:" TLS, "S:" TLS },
	  "banner=220 mx.example ESMTP;banner_code=220;banner_masked=no;ehlo=me.example;ehlo_reply_code=250;"
	  "ehlo_reply_complete=yes;ehlo_keywords=SIZE,STARTTLS;starttls.offered=yes;starttls.requested=yes;"
	  "starttls.reply_code=220;starttls.reply_text=2.0.0 go;tls.c=yes;tls.s=yes;clear_after_220=no;transactions=0;"
	  "last_command=STARTTLS;last_reply_code=220;!starttls.mask;",
	  "vector 1: offered and used" },
	{ { NOOFFER, MAIL, "C:DATA\r\n", "S:354 go\r\n", "C:hi\r\n..\r\n.x\r\n.\r\n", "S:250 ok\r\n", "C:QUIT\r\n", "S:221 bye\r\n" },
	  "starttls.offered=no;starttls.requested=no;transactions=1;mail_from_domain=foo.example;rcpt_domains=bar.example;"
	  "rcpt_accepted=1;content_octets=12;messages_accepted=1;messages_refused=0;quit=yes;last_command=QUIT;",
	  "vector 4: not offered, mail in clear" },
	{ { NOOFFER, "C:QUIT\r\n" }, "starttls.offered=no;quit=yes;transactions=0;content_octets=0;", "vector 5" },
	{ { NOOFFER, "C:MAIL FROM:<>\r\n", "S:250 ok\r\n", "C:RCPT TO:<x@y.example>\r\n", "S:451 later\r\n" },
	  "mail_from_domain=<>;rcpt_accepted=0;rcpt_domains=y.example;last_reply_code=451;quit=no;", "vector 7: greylisted" },
	{ { HELLO, "S:250-mx\r\n250-SIZE\r\n250-XXXXXXXA\r\n250 XXXB\r\n" },
	  "starttls.offered=no;starttls.masked_keyword=XXXXXXXA;starttls.mask_form=x-mask;starttls.mask_position=3;", "vector 8" },
	{ { HELLO, "S:250-mx\r\n250-XXXXXXXA\r\n250-STARTTLS\r\n250 HELP\r\n" },
	  "starttls.offered=yes;!starttls.mask;", "vector 10: the mask hides another word" },
	{ { HELLO, "S:250-mx\r\n250-XFORWARD NAME\r\n250-XCLIENT\r\n250-X-EXPS\r\n250 XEXCH50\r\n" },
	  "starttls.offered=no;!starttls.mask;", "vector 11: real words with X" },
	{ { "S:220 ****2**0 **\r\n", "C:HELO me\r\n", "S:250 mx\r\n" },
	  "banner_masked=yes;helo=me;!starttls.offered;!ehlo;", "vector 12" },
	{ { "S:220 *** welcome ***\r\n" }, "banner_masked=no;", "vector 13" },
	{ { HELLO, "S:250-mx\r\n250 SIZE\r\n250-STARTTLS\r\n250 HELP\r\n", "C:MAIL FROM:<>\r\n", "S:250 ok\r\n" },
	  "starttls.offered=no;starttls.mask_form=reply-truncated;starttls.masked_keyword=STARTTLS;starttls.mask_position=3;",
	  "vector 14" },
	{ { OFFER, "C:STARTTLS\r\n", "S:500 5.5.1 Command unrecognized: \"XXXXXXXX\"\r\n", "C:MAIL FROM:<>\r\n" },
	  "starttls.reply_code=500;echoed_command=XXXXXXXX;transactions=1;", "vector 15" },
	{ { OFFER, "C:STARTTLS\r\n", "S:502 5.5.2 Error: command \"not recognized\"\r\n" }, "!echoed_command;", "prose in quotes" },
	{ { OFFER, "C:XXXXXXXX\r\n", "S:500 what\r\n" }, "x_command=XXXXXXXX;last_command=XXXXXXXX;starttls.requested=no;", "vector 16" },
	{ { HELLO, "S:250 mx\r\n", "C:XXXXXXXX\r\n" }, "!x_command;", "not due: nothing was offered" },
	{ { "S:220 mx\r\n", "C:XXXX me\r\n", "S:500 what\r\n" }, "x_command=XXXX;!ehlo;", "EHLO rewritten" },
	{ { OFFER, "C:STARTTLS\r\n", "S:454 later\r\n", "C:QUIT\r\n" }, "starttls.reply_code=454;quit=yes;!clear_after;", "vector 17" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", "C:" TLS, "S:500 what\r\n" },
	  "clear_after_220=yes;clear_after_220_side=server;tls.c=yes;starttls.second_code=500;starttls.second_text=what;"
	  "!response_injected;!ehlo_after;", "vector 18" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", MAIL },
	  "clear_after_220=yes;transactions=1;rcpt_accepted=1;clear_after_220_side=client;ehlo_after_220=no;requiretls=no;"
	  "!starttls.second;", "vector 19" },
	{ { OFFER, "C:STARTTLS\r\nRSET\r\n", "S:220 go\r\n", "C:" TLS, "S:" TLS },
	  "clear_after_220=no;last_command=RSET;command_injected=yes;injected_command=RSET;injected_command_octets=6;",
	  "vector 25: before the 220, not after" },
	{ { OFFER, "C:STARTTLS\r\n", "C:RSET\r\n", "S:220 go\r\n", "C:" TLS, "S:" TLS },
	  "clear_after_220=no;command_injected=yes;injected_command=RSET;injected_command_octets=6;" EARLY_NO, "vector 25: two segments" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", "C!RSET\r\n", "C:" TLS, "S:" TLS },
	  "clear_after_220=no;command_injected=yes;injected_command=RSET;injected_command_octets=6;" EARLY_NO,
	  "vector 25: two segments, the reply captured between them" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", "C:RSET\r\n", "C:" TLS, "S:" TLS },
	  "clear_after_220=yes;clear_after_220_side=client;command_injected=no;!injected;ehlo_after_220=no;", "it had heard the reply" },
	{ { OFFER, "C:STARTTLS\r\n", "S:454 later\r\n", "C!RSET\r\n", "S:250 ok\r\n" },
	  "command_injected=yes;!clear_after;", "refused, too" },
	{ { OFFER, "C:STARTTLS\r\n", "S:454 later\r\n", "C:RSET\r\n", "S:250 ok\r\n" },
	  "command_injected=no;", "the ordinary twin" },
	{ { OFFER, "C:STARTTLS\r\n\r\n \r\n", "S:220 go\r\n", "C:" TLS, "S:" TLS }, "!injected;", "an empty line is nothing" },
	{ { OFFER, "C:STARTTLS\r\nMAIL FROM:<secret@a.example>\r\nwhat?\r\n", "S:220 go\r\n", "C:" TLS, "S:" TLS },
	  "command_injected=yes;injected_command=MAIL;injected_command_octets=37;", "two lines" },
	{ { OFFER, "C:STARTTLS\r\nSECRET\r\n", "S:220 go\r\n", "C:" TLS, "S:" TLS },
	  "command_injected=yes;!injected_command=;injected_command_octets=8;", "an unknown word is counted and not kept" },
	{ { OFFER, "C:STARTTLS\r\nRSET\r\n" },
	  "!command_injected;", "whether the server would ever have answered is not known" },
	{ { OFFER, "C:STARTTLS\r\nRSE", "S:220 go\r\n" }, "!command_injected;", "an unfinished line" },
	{ { OFFER, "C:STARTTLS\r\n", "C:RSE", "S:220 go\r\n", "C:T\r\n" },
	  "command_injected=yes;!clear_after_220;", "begun before the reply" },
	{ { OFFER, "C:STARTTLS\r\n", "C:RSE", "S:220 go\r\n", "C:T\r\nMAIL FROM:<>\r\n" },
	  "command_injected=yes;injected_command_octets=6;clear_after_220=yes;", "the second line was begun behind it" },
	{ { OFFER, "C:STARTTLS\r\nRSET\r\n", "c:", "S:220 go\r\n" }, "!command_injected;", "a gap before the reply" },
	{ { OFFER, "C:STARTTLS\r\n", "s:", "C:RSET\r\n", "S:250 ok\r\n" }, "!command_injected;", "a gap where the reply was" },
	{ { OFFER, "C:STARTTLS\r\n", "c:", "C:RSET\r\n", "S:220 go\r\n" },
	  "!command_injected;", "a gap where TLS may have been" },
	{ { NOOFFER, MAIL, "c:", "C:STARTTLS\r\nRSET\r\n", "S:220 x\r\n" },
	  "!command_injected;", "a gap, then perhaps content" },
	{ { NOOFFER, MAIL, "C:DATA\r\n", "S:354 go\r\n", "C:STARTTLS\r\nRSET\r\n.\r\n", "S:250 ok\r\n" },
	  "!command_injected;", "content" },
	{ { "^", "C:STARTTLS\r\nRSET\r\n", "S:220 go\r\n" }, "!command_injected;", "midstream" },
	{ { "C:EHLO me\r\n", "C:STARTTLS\r\n", "C:RSET\r\n" }, "!command_injected;", "client only" },
	{ { OFFER, "C:NOOP\r\nSTARTTLS\r\n", "S:250 ok\r\n220 go\r\n", "C:" TLS, "S:" TLS },
	  "command_injected=no;response_injected=no;" EARLY_NO, "STARTTLS is the last of a group" },
	{ { OFFER, "C:STARTTLS\r\n" TLS, "S:220 go\r\n" TLS },
	  "tls.c=yes;tls.s=yes;starttls.reply_code=220;!injected;!command_injected;" EARLY_YES, "vector 26: early" },
	{ { OFFER, "C:STARTTLS\r\n", "C:" TLS, "S:220 go\r\n" TLS }, EARLY_YES, "vector 26: two segments" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", "C!" TLS, "S:" TLS },
	  EARLY_YES, "vector 26: the reply captured between them" },
	{ { OFFER, "C:STARTTLS\r\n", "s:", "C:" TLS, "S:" TLS }, "!mxwitness.tls.early_hello;", "a gap where the reply was" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n250-AUTH PLAIN\r\n", "C:" TLS },
	  "clear_after_220=yes;clear_after_220_side=server;response_injected=yes;injected_response=250-AUTH PLAIN;"
	  "starttls.second_code=250;starttls.second_text=AUTH PLAIN;", "vector 27" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", "C:" TLS, "S!250-AUTH PLAIN\r\n", "S:" TLS },
	  "response_injected=yes;starttls.second_code=250;", "vector 27: captured behind the ClientHello" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n500 what\r\n", "C:" TLS, "S:" TLS },
	  "response_injected=yes;", "TLS followed" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\nAUTH PLAIN\r\n", "C:" TLS, "S:" TLS },
	  "response_injected=yes;injected_response=AUTH PLAIN;!starttls.second;", "text that is no reply" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n\r\n", "C:" TLS, "S:" TLS },
	  "response_injected=no;!injected;clear_after_220=no;", "an empty line" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", "S:HTTP/1.1 101\r\n" }, "!response_injected;!injected;", "no TLS, and no SMTP" },
	{ { OFFER, "C:NOOP\r\n", "C:STARTTLS\r\n", "S:250 late\r\n", "S:220 go\r\n", "C:" TLS, "S:" TLS },
	  "response_injected=no;", "a late reply" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", "C:" TLS, "S:250 what\r\n" },
	  "!response_injected;starttls.second_code=250;clear_after_220_side=server;", "answers the ClientHello, and no TLS follows" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", "S:454 4.7.0 TLS <secret@a.example> not available\r\n", "C:QUIT\r\n" },
	  "!response_injected;starttls.second_code=454;starttls.second_text=4.7.0 TLS *@a.example> not available;starttls.reply_code=220;",
	  "takes the 220 back" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", "s:", "S:250 x\r\n", "C:" TLS, "S:" TLS },
	  "!response_injected;", "a gap" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", "c:", "S:250 x\r\n" },
	  "!response_injected;!starttls.second;", "a gap where a command was" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n500 x\r\n", "c:", "S:" TLS }, "!response_injected;", "a gap before TLS" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", "C:RSET\r\n", "S:what\r\n250 ok\r\n" TLS },
	  "response_injected=no;", "prose before a reply" },
	{ { OFFER, "C:STARTTLS\r\nRSET\r\n", "S:220 go\r\n", "S:250 ok\r\n", "C:" TLS, "S:" TLS },
	  "response_injected=no;", "RSET was answered" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220-a\r\n220 b\r\n", "C:" TLS, "S:" TLS },
	  "clear_after_220=no;starttls.reply_text=a;response_injected=no;", "vector 28: one reply in two lines" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", "C:EHLO me\r\n", "S:250-mx\r\n250 AUTH PLAIN\r\n", MAIL },
	  "clear_after_220_side=client;ehlo_after_220=yes;!starttls.second;!response_injected;", "as a decrypted copy looks" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", "S:250 x\r\n", "C!MAIL FROM:<>\r\n" },
	  "clear_after_220=yes;!clear_after_220_side;", "neither had heard the other" },
	{ { OFFER, "C:STARTTLS\r\n", "S:220 go\r\n", "S:250 x\r\n", "C:MAIL FROM:<>\r\n" },
	  "clear_after_220_side=server;", "it had" },
	{ { NOOFFER, "C:AUTH PLAIN AHVzZXIAc2VjcmV0\r\n", "S:235 ok\r\n" },
	  "auth.mechanism=PLAIN;auth.class=secret;auth.response_sent=yes;auth.reply_code=235;last_command=AUTH;", "vector 52" },
	{ { NOOFFER, "C:auth login\r\n", "S:334 VXNlcm5hbWU6\r\n", "C:QUIT\r\n", "S:334 x\r\n", "C:c2VjcmV0\r\n", "S:535 no\r\n" },
	  "auth.mechanism=LOGIN;auth.response_sent=yes;auth.reply_code=535;quit=no;last_command=AUTH;",
	  "a response that looks like a verb is a response" },
	{ { NOOFFER, "C:AUTH CRAM-MD5\r\n", "S:334 x\r\n", "C:*\r\n", "S:501 ok\r\n", "C:AUTH PLAIN\r\n", "S:504 no\r\n" },
	  "auth.mechanism=PLAIN;auth.response_sent=no;auth.reply_code=504;", "given up, then refused" },
	{ { NOOFFER, "C:AUTH EXTERNAL =\r\n", "S:235 ok\r\n" }, "auth.class=strong;auth.response_sent=no;", "empty response" },
	{ { NOOFFER, "C:MAIL FROM:<a@b.example> AUTH=c@d\r\n" }, "mail_from_domain=b.example;!auth;", "AUTH= is no AUTH" },
	{ { HELLO, "S:250-mx\r\n", "s:", "S:250 HELP\r\n", MAIL },
	  "ehlo_reply_complete=no;!starttls.offered;!starttls.mask;rcpt_accepted=1;", "vector 53: a gap in the EHLO reply" },
	{ { HELLO, "S:250-mx\r\n250-STARTTLS\r\n", "s:", "S:250 HELP\r\n" }, "ehlo_reply_complete=no;starttls.offered=yes;", "seen all the same" },
	{ { HELLO, "S:250-mx\r\n250 STARTTLS" }, "ehlo_reply_complete=no;!starttls.offered;", "cut in the last line" },
	{ { "S:220 mx\r\n", "S:250-mx\r\n250-XXXXXXXA\r\n250 SIZE\r\n", "S:250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n" },
	  "starttls.offered=no;starttls.masked_keyword=XXXXXXXA;messages_accepted=1;!starttls.requested;!transactions;", "vector 58: server only" },
	{ { "S:220 mx\r\n", "S:250-mx\r\n250 STARTTLS\r\n", "S:220 go\r\n", "S:" TLS },
	  "starttls.offered=yes;starttls.requested=yes;starttls.reply_code=220;", "server only, TLS" },
	{ { "C:EHLO me\r\n", "C:MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n", "C:DATA\r\n", "C:text\r\n.\r\n", "C:QUIT\r\n" },
	  "content_octets=6;quit=yes;!starttls.offered;!ehlo_reply_complete;!messages;starttls.requested=no;", "client only" },
	{ { NOOFFER, "C:MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n", "S:250 ok\r\n550 no\r\n554 no\r\n", "C:QUIT\r\n", "S:221 bye\r\n" },
	  "rcpt_accepted=0;content_octets=0;messages_refused=0;quit=yes;last_reply_code=221;pipelined=2;", "pipelined, refused" },
	{ { NOOFFER, "C:MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhello\r\n.\r\nQUIT\r\n", "S:250 a\r\n250 b\r\n354 c\r\n250 d\r\n221 e\r\n" },
	  "rcpt_accepted=1;content_octets=7;messages_accepted=1;quit=yes;", "content that did not wait for the 354" },
	{ { NOOFFER, "C:DATA\r\nhello\r\n", "S:503 no\r\n", "C:QUIT\r\n" }, "content_octets=0;quit=yes;", "content that nobody asked for" },
	{ { NOOFFER, MAIL, "C:BDAT 7\r\nQUIT\r\n.", "S:250 ok\r\n", "C:BDAT 3 LAST\r\nabc", "S:250 ok\r\n", "C:RSET\r\n" },
	  "content_octets=10;messages_accepted=1;quit=no;last_command=RSET;", "BDAT" },
	{ { NOOFFER, "C:DATA\r\n", "S:354 go\r\n", "C:a\n.\nMAIL FROM:<x@y>\r\n", "S:250 ok\r\n", "C:\r\n.\r\n", "S:250 ok\r\n" },
	  "transactions=0;!mail_from;", "a bare LF never ends content" },
	{ { NOOFFER, "C:DATA\r\n", "S:354 go\r\n", "C:a\n.\n", "S:250 ok\r\n", "C:QUIT\n" },
	  "messages_accepted=1;quit=yes;bare_lf=1;", "unless the server says so, and nothing is behind it" },
	{ { NOOFFER, "C:RSET\r\n", "s:", "C:STARTTLS\r\n", "S:220 go\r\n", "C:" TLS }, "starttls.reply_code=220;tls.c=yes;", "a 220 after a gap" },
	{ { NOOFFER, "C:MAIL FROM:<a@b>\r\n", "s:", "C:STARTTLS\r\n", "S:454 no\r\n" }, "!starttls.reply_code;", "of which command?" },
	{ { NOOFFER, MAIL, "C:BDAT 50\r\nab", "c:", "C:DATA\r\n", "S:250 ok\r\n354 go\r\n", "C:hi\r\n.\r\n", "S:250 ok\r\n" },
	  "starttls.requested=no;content_octets=6;messages_accepted=1;!quit;!messages_refused;", "a gap over the end of a chunk" },
	{ { NOOFFER, MAIL, "C:DATA\r\n", "S:354 go\r\n", "C:MAIL FROM:<x@y>\r\n", "c:", "C:QUIT\r\n", "S:250 ok\r\n",
	    "C:QUIT\r\n", "S:221 bye\r\n" },
	  "transactions=1;messages_accepted=1;quit=yes;mail_from_domain=foo.example;", "a gap over the end of content" },
	{ { NOOFFER, MAIL, "C:BDAT 1234 SCRAMBLE\r\n", "S:521 no\r\n", "C:QUIT\r\n", "S:221 bye\r\n" },
	  "content_octets=0;quit=yes;", "a BDAT that no server takes for one has no octets behind it" },
	{ { "^", "C:EHLO me\r\n", "S:250-mx\r\n250 SIZE\r\n", "C:MAIL FROM:<a@b>\r\n" }, "transactions=1;!banner;", "mid-stream" },
	{ { "^", "C:ret\r\nQuite a day\r\nMAIL from home\r\n.\r\n" }, "!transactions;!last_command;", "mid-stream inside a text" },
	{ { "S:SSH-2.0-x\r\n", "C:GET / HTTP/1.1\r\n" }, "bad=yes;", "not SMTP" },
	{ { "S:hello there\r\n", "C:EHLO me\r\n" }, "ehlo=me;!bad;", "the client speaks SMTP" },
	{ { "C:" TLS, "S:220 mx ESMTP\r\n" }, "tls.c=yes;banner=220 mx ESMTP;", "TLS from the first octet, answered in clear" },
	{ { "C:PROXY TCP4 1.2.3.4 5.6.7.8 1 25\r\nEHLO me\r\n" }, "ehlo=me;", "PROXY preface" },
	{ { "S:554 no\r\n", "C:QUIT\r\n" }, "banner_code=554;", "no service" },
	{ { "S:220-a\r\n220 b\r\n", "C:EHLO x\r\n", "S:502 no\r\n", "C:HELO x\r\n", "S:250 y\r\n" },
	  "ehlo_reply_code=502;helo=x;!starttls.offered;banner=220-a;", "EHLO refused" },
	{ { HELLO, "S:250-STARTTLS\r\n250 SIZE\r\n" }, "starttls.offered=no;", "the greeting position" },
	{ { OFFER, "C:EHLO again\r\n", "S:250-mx\r\n250 DSN\r\n" }, "ehlo=again;ehlo_keywords=DSN;starttls.offered=no;", "the last EHLO counts" },
	{ { HELLO, "S:250-mx\r\n250 starttls\r\n" }, "starttls.offered=yes;", "case" },
	{ { HELLO, "S:250-mx\r\n250 STARTTLSX\r\n" }, "starttls.mask_form=param-poisoned;starttls.offered=no;", "glued behind" },
	{ { HELLO, "S:250-mx\r\n250STARTTLS\r\n250 SIZE\r\n" }, "starttls.mask_form=param-poisoned;starttls.offered=no;", "glued before" },
	{ { HELLO, "S:250-mx\r\n250-********\r\n250 SIZE\r\n" }, "starttls.mask_form=mangled;", "stars" },
	{ { HELLO, "S:250-mx\r\n250-        \r\n250 SIZE\r\n" }, "starttls.mask_form=mangled;", "blanks" },
	{ { HELLO, "S:250-mx\r\n250-STARTTXX\r\n250 SIZE\r\n" }, "starttls.mask_form=mangled;", "two edits" },
	{ { HELLO, "S:250-mx\r\n250-CHUNKING\r\n250 SMTPUTF8\r\n" }, "!starttls.mask;", "real words of eight" },
	{ { "S:220 f\n", "C:EHLO\nSTARTTLS\n", "S:220 2tart\r\n220 2tart\r\n", "S:HTTP/1.1 101\n" },
	  "starttls.offered=no;starttls.reply_code=220;!clear_after_220;bare_lf=2;", "replies by order" },
	/* more of the EHLO reply */
	{ { HELLO, "S:250-mx\r\n250-XXXXXXXA\r\n250-STARTTLS\r\n250-XXXB\r\n250-XFORWARD\r\n250 XX\r\n" },
	  "masked_keywords=XXXXXXXA,XXXB;starttls.offered=yes;!starttls.mask;", "every mask, whatever else is offered" },
	{ { HELLO, "S:250-mx XXXXXXXX\r\n250-XXX=1\r\n250-xxxx\r\n250 X-EXPS\r\n" }, "!masked_keywords;", "none of these" },
	{ { HELLO, "S:250-mx\r\n250 XXXX\r\n", "C:EHLO me\r\n", "S:250-mx\r\n250 SIZE\r\n" },
	  "!masked_keywords;", "the last EHLO counts" },
	{ { HELLO, "S:250-mx\r\n250 XXXXX 1000\r\n" }, "masked_keywords=XXXXX;", "the parameters may stay" },
	{ { HELLO, "S:250-STARTTLS\r\n250 SIZE\r\n" },
	  "starttls.in_greeting_line=yes;starttls.offered=no;", "in place of the name" },
	{ { HELLO, "S:250 mx starttls\r\n" }, "starttls.in_greeting_line=yes;", "behind the name, in any case" },
	{ { HELLO, "S:250-starttls.example hi\r\n250 STARTTLS\r\n" }, "starttls.in_greeting_line=no;", "part of a name" },
	{ { HELLO, "s:", "S:250 STARTTLS\r\n" }, "!starttls.in_greeting_line;", "which line is it?" },
	{ { HELLO, "s:", "S:250-STARTTLS\r\n250 SIZE\r\n" },
	  "!starttls.in_greeting_line;starttls.offered=yes;", "surely not the first" },
	{ { HELLO, "S:250-mx Hello me.example [192.0.2.1], pleased to meet you\r\n250 SIZE\r\n" },
	  "greeted_address=192.0.2.1;", "Sendmail" },
	{ { HELLO, "S:250-mx Hello me [192.0.2.1]\r\n250 SIZE\r\n" }, "greeted_address=192.0.2.1;", "Exim" },
	{ { HELLO, "S:250-MX.corp.example Hello [2001:db8::1]\r\n250 SIZE\r\n" }, "greeted_address=2001:db8::1;", "Exchange" },
	{ { HELLO, "S:250-mx Hello me [IPv6:2001:db8::1], pleased\r\n250 SIZE\r\n" },
	  "greeted_address=2001:db8::1;", "tagged" },
	{ { HELLO, "S:250-mx Hello me [::ffff:192.0.2.1]\r\n250 SIZE\r\n" }, "greeted_address=192.0.2.1;", "mapped" },
	{ { HELLO, "S:250-mx.google.example at your service, [192.0.2.1]\r\n250 SIZE\r\n" },
	  "greeted_address=192.0.2.1;", "at your service" },
	{ { HELLO, "S:250-mx Hello me ([192.0.2.1]), pleased\r\n250 SIZE\r\n" }, "greeted_address=192.0.2.1;", "Domino" },
	{ { HELLO, "S:250-mx.example\r\n250 SIZE\r\n" }, "!greeted;", "Postfix" },
	{ { HELLO, "S:250-[198.51.100.1] Hello\r\n250 SIZE\r\n" }, "!greeted;", "the server's own name" },
	{ { HELLO, "S:250-mx Hello [192.0.2] [192.0.2.256] [192.0.2.1\r\n250 [192.0.2.1]\r\n" },
	  "!greeted;", "no addresses, and no first line" },
	{ { "S:220 mx\r\n", "C:EHLO [10.0.0.1]\r\n", "S:250-mx Hello [10.0.0.1]\r\n250 SIZE\r\n" },
	  "!greeted;", "perhaps the argument" },
	{ { "S:220 mx\r\n", "C:EHLO [10.0.0.1]\r\n", "S:250-mx Hello [10.0.0.1] [192.0.2.1]\r\n250 SIZE\r\n" },
	  "greeted_address=192.0.2.1;", "behind the argument" },
	{ { "S:220 mx\r\n", "C:EHLO [10.0.0.1]\r\n", "S:250-mx Hello [192.0.2.1]\r\n250 SIZE\r\n" },
	  "greeted_address=192.0.2.1;", "not the argument" },
	/* commands that are nearly STARTTLS */
	{ { OFFER, "C:STARTTLX\r\n", "S:500 what\r\n" }, "altered_command=STARTTLX;starttls.requested=no;", "one letter" },
	{ { OFFER, "C:sxarttxx\r\n", "S:500 what\r\n" }, "altered_command=sxarttxx;", "three, as sent" },
	{ { OFFER, "C:SXXXTTXX\r\n", "S:500 what\r\n" }, "!altered_command;", "five" },
	{ { OFFER, "C:STARTTL5\r\n", "S:500 what\r\n" }, "!altered_command;", "no letter" },
	{ { OFFER, "C:STARTTL\r\n", "S:500 what\r\n", "C:STARTTLSX\r\n" }, "!altered_command;", "not eight" },
	{ { OFFER, "C:XXXXXXXX\r\n", "S:500 what\r\n" }, "!altered_command;", "all X is another fact" },
	{ { OFFER, "C:starttls\r\n", "S:220 go\r\n" }, "!altered_command;starttls.requested=yes;", "case" },
	{ { NOOFFER, "C:STARTTLX\r\n", "S:500 what\r\n" }, "!altered_command;", "not due" },
	{ { OFFER, MAIL, "C:STARTTLX\r\n", "S:500 what\r\n" }, "!altered_command;", "too late" },
	/* who is behind a proxy */
	{ { OFFER, "C:XCLIENT NAME=host.example ADDR=192.0.2.1 LOGIN=secret\r\n", "S:220 mx ESMTP\r\n",
	    "C:EHLO me\r\n", "S:250-mx\r\n250 STARTTLS\r\n", "C:XCLIENT HELO=he+2Bl+6Fo.example\r\n", "S:220 mx\r\n",
	    "C:EHLO me\r\n", "S:250-mx\r\n250 STARTTLS\r\n", "C:STARTTLS\r\n", "S:220 go\r\n", "C:" TLS, "S:" TLS },
	  "xclient.address=192.0.2.1;xclient.name=host.example;!xclient.helo;starttls.reply_code=220;clear_after_220=no;"
	  "ehlo_keywords=STARTTLS;banner_code=220;response_injected=no;command_injected=no;", "the server greets again, twice" },
	{ { OFFER, "C:XCLIENT NAME=[UNAVAILABLE]\r\n", "S:220 mx\r\n", "C:XXXX me\r\n", "S:500 what\r\n" }, "x_command=XXXX;",
	  "EHLO is due again" },
	{ { OFFER, "C:XCLIENT NAME=a\r\n", "S:501 no\r\n", "C:XXXX me\r\n", "S:500 what\r\n" },
	  "!x_command;!xclient.address;", "it is not" },
	{ { OFFER, "C:xclient addr=IPv6:2001:db8::1 name=[UNAVAILABLE] helo=h+65llo.example port=1\r\n", "S:250 ok\r\n" },
	  "xclient.address=2001:db8::1;!xclient.name;xclient.helo=hello.example;", "IPv6, unavailable, xtext" },
	{ { OFFER, "C:XCLIENT ADDR=[TEMPUNAVAIL] NAME=[tempunavail] HELO=[192.0.2.7]\r\n", "S:250 ok\r\n" },
	  "!xclient.address;!xclient.name;xclient.helo=[192.0.2.7];", "a literal is no lack" },
	{ { OFFER, "C:XCLIENT ADDR=192.0.2 NAME=a+4 HELO=secret@a.example\r\n", "S:501 no\r\n" }, "!xclient;", "malformed" },
	{ { OFFER, "C:XCLIENT LOGIN=secret\r\n", "S:220 x\r\n" }, "!xclient;", "an account is nobody's business" },
	{ { OFFER, "C:XFORWARD ADDR=192.0.2.1\r\n", "S:250 x\r\n" }, "!xclient;", "another command" },
	{ { "C:PROXY TCP4 192.0.2.1 198.51.100.1 40000 25\r\n", OFFER },
	  "proxy.version=1;proxy.source_ip=192.0.2.1;proxy.source_port=40000;proxy.destination_ip=198.51.100.1;"
	  "proxy.destination_port=25;ehlo=me.example;starttls.offered=yes;", "PROXY" },
	{ { "C:PROXY TCP6 2001:db8::1 2001:db8::2 1 25\r\nEHLO me\r\n" },
	  "proxy.source_ip=2001:db8::1;ehlo=me;", "IPv6, and no greeting" },
	{ { "C:PROXY UNKNOWN\r\nEHLO me\r\n" }, "proxy.version=1;!proxy.source;ehlo=me;", "a health check" },
	{ { HELLO, "C:PROXY TCP4 192.0.2.1 198.51.100.1 1 25\r\n", "S:500 what\r\n" }, "!proxy;", "not in front" },
	{ { "C:PROXY TCP4 192.0.2.1 198.51.100.1 1 25\r\nPROXY TCP4 192.0.2.2 198.51.100.1 1 25\r\nEHLO me\r\n" },
	  "proxy.source_ip=192.0.2.1;", "only once" },
	{ { "C:PROXY TCP4 192.0.2.1 198.51.100.1 1 99999\r\nEHLO me\r\n" }, "!proxy;ehlo=me;", "no port" },
	{ { "^", "C:PROXY TCP4 192.0.2.1 198.51.100.1 1 25\r\nEHLO me\r\n" }, "!proxy;ehlo=me;", "the start was missed" },
	{ { "C:PROXY TCP4 192.0.2.1 198.51.100.1 1 465\r\n" TLS }, "proxy.version=1;tls.c=yes;", "TLS behind it" },
	/* REQUIRETLS, recipients, odd ends */
	{ { NOOFFER, "C:MAIL FROM:<a@b.example> SIZE=1 requiretls BODY=8BITMIME\r\n" }, "requiretls=yes;", "among others" },
	{ { NOOFFER, "C:MAIL FROM:<> REQUIRETLS\r\n" }, "requiretls=yes;", "null path" },
	{ { NOOFFER, "C:MAIL FROM:<a@b.example> REQUIRETLSX REQUIRETLS=1\r\n" }, "requiretls=no;", "other words" },
	{ { NOOFFER, "C:MAIL FROM:<\" REQUIRETLS \"@b.example>\r\n" }, "requiretls=no;", "a local part" },
	{ { NOOFFER, "C:RCPT TO:<a@b.example> REQUIRETLS\r\n" }, "!requiretls;", "RCPT has none" },
	{ { NOOFFER, "c:", "C:MAIL FROM:<a@b.example> REQUIRETLS\r\n" }, "!requiretls;", "perhaps content" },
	{ { HELLO, "S:250-mx\r\n250 REQUIRETLS\r\n" }, "!requiretls;ehlo_keywords=REQUIRETLS;", "only offered" },
	{ { NOOFFER, "C:MAIL FROM:<>\r\n", "S:250 ok\r\n", "C:RCPT TO:<a@b>\r\nRCPT TO:<c@b>\r\nRCPT TO:<d@b>\r\nRCPT TO:<e@b>\r\n",
	    "S:250 ok\r\n451-a\r\n451 b\r\n550 c\r\n452 d\r\n" }, "rcpt_accepted=1;rcpt_deferred=2;rcpt_refused=1;", "each by its reply" },
	{ { NOOFFER, MAIL, "C:DATA\r\n", "S:451 no\r\n" }, "rcpt_deferred=0;rcpt_refused=0;eod_nonstandard=0;", "no RCPT" },
	{ { NOOFFER, "C:RCPT TO:<a@b>\r\n", "s:", "S:451 x\r\n" }, "!rcpt_deferred;!rcpt_refused;", "a gap" },
	{ { NOOFFER, MAIL, "C:DATA\r\n", "S:354 go\r\n", "C:a\n.\n", "S:250 ok\r\n", "C:QUIT\r\n" },
	  "eod_nonstandard=1;quit=yes;", "LF" },
	{ { NOOFFER, MAIL, "C:DATA\r\n", "S:354 go\r\n", "C:a\n.\r\n", "S:250 ok\r\n", "C:QUIT\r\n" },
	  "eod_nonstandard=1;quit=yes;", "LF, CRLF" },
	{ { NOOFFER, MAIL, "C:DATA\r\n", "S:354 go\r\n", "C:a\r\n.\r", "S:250 ok\r\n", "C:QUIT\r\n" },
	  "eod_nonstandard=1;quit=yes;", "CR" },
	{ { NOOFFER, MAIL, "C:DATA\r\n", "S:354 go\r\n", "C:a\n.\n", "S:421 too slow\r\n" },
	  "eod_nonstandard=0;", "not taken for an end" },
	{ { NOOFFER, MAIL, "C:DATA\r\n", "S:354 go\r\n", "C:a\n.\nb\r\n.\r\n", "S:250 ok\r\n", "C:QUIT\r\n", "S:221 x\r\n" },
	  "eod_nonstandard=0;messages_accepted=1;", "content to both" },
	{ { NOOFFER, MAIL, "C:DATA\r\n", "S:354 go\r\n", "C:a\n.\nMAIL FROM:<x@y>\r\n", "S:250 ok\r\n250 ok\r\n", "C:b\r\n.\r\n" },
	  "eod_nonstandard=1;transactions=1;", "an answer in the middle" },
	{ { NOOFFER, MAIL, "C:DATA\r\n", "S:354 go\r\n", "C:a\n.\r\nMAIL FROM:<x@y>\r\nRCPT TO:<z@y>\r\nDATA\r\nb\r\n.\r\n",
	    "S:250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", "C:QUIT\r\n", "S:221 x\r\n" },
	  "eod_nonstandard=1;transactions=1;quit=yes;", "one reply too many for one end" },
	{ { NOOFFER, MAIL, "C:DATA\r\n", "S:354 go\r\n", "C:a\n.\nb\r\n.\r\n", "S:250 ok\r\n", "S:421 idle\r\n" },
	  "eod_nonstandard=0;", "good night" },
	{ { NOOFFER, MAIL, "C:DATA\r\n", "S:354 go\r\n", "C:a\r\n.\r\n", "S:250 ok\r\n" },
	  "eod_nonstandard=0;", "the only end there is" },
	{ { NOOFFER, MAIL, "C:DATA\r\n", "S:354 go\r\n", "c:", "C:a\n.\n", "S:250 ok\r\n" }, "!eod_nonstandard;", "a gap" },
	{ { "C:EHLO\n", "S:250\n", "C:rset\nstaRttLs\n", "S:250\n", "S:220\n" }, "starttls.reply_code=220;!banner;bare_lf=3;", "no greeting" }
};

static bool needs_place(const char *const *lines)
{
	for (; *lines; lines++)
		if ((*lines)[1] == '!')
			return true;
	return false;
}

static void test_stories(void **state)
{
	(void)state;
	static const size_t pieces[] = { SIZE_MAX / 2, 1, 2, 3, 7, 13 };
	static struct bench b;
	static char first[DUMP], other[DUMP];
	int failed = 0;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		bool told = needs_place(stories[i].lines);
		play(&b, stories[i].lines, pieces[0], told);
		dump(&b, first);
		failed += !expected(first, stories[i].expect, stories[i].why);
		assert_true(record_check(&b.r, record_size(&b.r)));
		for (size_t p = 0; p < 2 * sizeof(pieces) / sizeof(pieces[0]); p++) {
			play(&b, stories[i].lines, pieces[p / 2], told || p % 2);
			dump(&b, other);
			if (strcmp(first, other) != 0)
				fprintf(stderr, "%s, pieces of %zu\n %s\n %s\n", stories[i].why, pieces[p / 2], first, other);
			failed += strcmp(first, other) != 0;
		}
	}
	assert_int_equal(failed, 0);
}

/* No secret in the whole record or the state. */
static void test_privacy(void **state)
{
	(void)state;
	static const char *const lines[] = { "S:220 mx\r\n", "C:EHLO x\r\n", "S:250 mx\r\n", "C:SECRETA\r\n", "S:500 no\r\n",
		"C:MAIL FROM:<SECRETB@a.example>\r\n", "S:250 ok\r\n", "C:RCPT TO:<\"SECRETC@SECRETD\"@b.example>\r\n",
		"S:250 ok\r\n", "C:RCPT TO:<@r.example:SECRETE>\r\n", "S:250 ok\r\n", "C:AUTH PLAIN SECRETF\r\n", "S:334 x\r\n",
		"C:SECRETG\r\n", "S:235 ok\r\n", "C:DATA\r\n", "S:354 go\r\n", "C:SECRETH\r\n.\r\n", "S:250 ok\r\n", "C:AUTH SECRET=I\r\n",
		"S:501 no\r\n", "C:XCLIENT ADDR=192.0.2.1 LOGIN=SECRETJ NAME=SECRETK@a.example HELO=SECRETL+40a.example\r\n",
		"S:220 mx\r\n", "C:EHLO x\r\n", "S:250-mx\r\n250 STARTTLS\r\n",
		"C:STARTTLS\r\nSECRETM\r\nMAIL FROM:<SECRETN@a.example>\r\n",
		"S:220 <SECRETO@a.example> \"SECRETP q\"@a.example\r\n", "S:500 no\r\n250 ok\r\n",
		"S!250-unknown: AUTH PLAIN AHNlY3JldABzZSECRETQ=\r\n", "S:250 a <SECRETR@a.example>\r\n", NULL };
	static struct bench b;
	static char facts[DUMP];
	play(&b, lines, 1, true);
	assert_null(memmem(b.r.text, sizeof(b.r.text), "SECRET", 6));
	assert_null(memmem(&b.s, sizeof(b.s), "SECRET", 6));
	dump(&b, facts);
	assert_true(expected(facts, "xclient.address=192.0.2.1;command_injected=yes;injected_command=MAIL;starttls.second_code=250;"
			     "starttls.second_text=unknown: AUTH PLAIN *;injected_response=250-unknown: AUTH PLAIN *;",
			     "and yet"));
	assert_true(sizeof(struct smtp) < 2560);
}

static void test_domains(void **state)
{
	(void)state;
	static const struct { const char *line, *domain, *why; } paths[] = {
		{ "MAIL FROM:<a@b.example>", "b.example", "plain" },
		{ "mail from: <a@b.example> SIZE=1", "b.example", "blank behind the colon" },
		{ "RCPT TO:<@x,@y:a@b.example>", "b.example", "source route" },
		{ "RCPT TO:<\"a@c\"@b.example>", "b.example", "quoted local part" },
		{ "RCPT TO:<\"a>\\\"@c\"@b.example>", "b.example", "bracket and quote inside quotes" },
		{ "RCPT TO:<a\\@c@b.example>", "b.example", "escaped" },
		{ "RCPT TO:<a@[IPv6:2001:db8::1]>", "[IPv6:2001:db8::1]", "literal" },
		{ "RCPT TO:<a@b\xc3\xa9.example>", "b\xc3\xa9.example", "SMTPUTF8" },
		{ "MAIL FROM:<>", "<>", "null path" },
		{ "MAIL FROM:<> BODY=8BITMIME", "<>", "null path and more" },
		{ "RCPT TO:<postmaster>", "", "no domain" },
		{ "RCPT TO:a@b.example NOTIFY=x@y", "b.example", "no brackets" },
		{ "RCPT TO:<\"a@b.example>", "", "an open quote hides where the local part ends" },
		{ "RCPT TO:<@x:postmaster>", "", "a local part behind a route" },
		{ "RCPT TO:<a@>", "", "empty" },
		{ "RCPT TO:<", "", "nothing" },
		{ "RCPT a@b.example", "", "no TO" }
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		size_t n = strlen(paths[i].line);
		char *line = malloc(n);
		assert_non_null(line);
		memcpy(line, paths[i].line, n);
		struct smtp_command c = smtp_command_of((struct bytes){ (const uint8_t *)line, n });
		if (!bytes_eq(c.domain, bytes_of(paths[i].domain)))
			fail_msg("%s: %.*s", paths[i].why, (int)c.domain.n, (const char *)c.domain.p);
		free(line);
	}
}

/* A long line is read by its beginning and does not hide the next one; many commands do not upset the order. */
static void test_bounds(void **state)
{
	(void)state;
	static char longline[6000] = "C:HELP ", many[4000] = "C:", replies[4000] = "S:";
	memset(longline + 7, 'x', sizeof(longline) - 8 - 7);
	static const char *const kinds[] = { "RSET\r\n", "NOOP\r\n" };
	for (int i = 0; i < 100; i++) {
		strcat(many, kinds[i % 2]);
		strcat(replies, "250 ok\r\n");
	}
	const char *const lines[] = { "S:220 mx\r\n", longline, "C:\r\nEHLO x\r\n", "S:214 no\r\n250 mx\r\n", many, replies,
		"C:STARTTLS\r\n", "S:454 no\r\n", "C:NOOP\r\n", "S:250 ok\r\n", "C:STARTTLS\r\n", "S:220 ok\r\n", NULL };
	static struct bench b;
	static char one[DUMP], two[DUMP];
	play(&b, lines, SIZE_MAX / 2, false);
	dump(&b, one);
	assert_true(expected(one, "ehlo=x;ehlo_reply_code=250;starttls.reply_code=454;last_reply_code=220;", "bounds"));
	play(&b, lines, 1, true);
	dump(&b, two);
	assert_string_equal(one, two);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_stories), cmocka_unit_test(test_privacy),
		cmocka_unit_test(test_domains), cmocka_unit_test(test_bounds) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
