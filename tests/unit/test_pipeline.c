/* pipeline: from packets to sessions and DNS messages, on packets put together here. */
#include "wire/pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include "../octets.h"

enum { C_IP = 0x0a000001, S_IP = 0x0a000019 };

struct talk {
	struct pipeline *p;
	int64_t now;
	uint32_t seq[2];
	uint16_t port[2];
	unsigned sessions, dns, interims;
	size_t dns_octets[8];
	struct record last, interim;
	size_t exhibit;
};

static void drain(struct talk *t)
{
	struct pipeline_out out;
	enum pipeline_item item;
	while ((item = pipeline_next(t->p, &out)) != PIPELINE_NONE) {
		if (item == PIPELINE_DNS) {
			assert_true(t->dns < 8);
			t->dns_octets[t->dns++] = out.dns.octets.n;
			continue;
		}
		if (item == PIPELINE_LOOK) /* test_odd.c */
			continue;
		assert_true(record_check(out.session, record_size(out.session)));
		if (record_has(out.session, F_cap_phase)) {
			assert_int_equal(record_get_num(out.session, F_cap_phase, -1), phase_interim);
			t->interims++;
			t->exhibit = out.exhibit.n;
			memcpy(&t->interim, out.session, record_size(out.session));
			continue;
		}
		t->sessions++;
		memcpy(&t->last, out.session, record_size(out.session));
	}
}

static void push(struct talk *t, const uint8_t *p, size_t n)
{
	uint8_t *exact = malloc(n);
	memcpy(exact, p, n);
	t->now += 1000000;
	struct packet packet = { .ts = t->now, .linktype = 101, .data = { exact, n }, .wire_len = (uint32_t)n, .number = (uint64_t)(t->now / 1000000) };
	pipeline_push(t->p, &packet);
	drain(t);
	free(exact);
}

static size_t ip_head(uint8_t *p, enum dir dir, unsigned proto, size_t payload)
{
	size_t n = put16(p, 0x4500);
	n += put16(p + n, (unsigned)(20 + payload));
	n += put32(p + n, 0);
	n += put16(p + n, 0x4000 | proto);
	n += put16(p + n, 0);
	n += put32(p + n, dir == C2S ? C_IP : S_IP);
	n += put32(p + n, dir == C2S ? S_IP : C_IP);
	return n;
}

static void tcp(struct talk *t, enum dir dir, unsigned flags, struct bytes payload)
{
	uint8_t p[2048];
	size_t n = ip_head(p, dir, PROTO_TCP, 20 + payload.n);
	n += put16(p + n, t->port[dir]);
	n += put16(p + n, t->port[!dir]);
	n += put32(p + n, t->seq[dir]);
	n += put32(p + n, t->seq[!dir]);
	n += put16(p + n, 0x5000 | flags);
	n += put16(p + n, 65535);
	n += put32(p + n, 0);
	if (payload.n)
		memcpy(p + n, payload.p, payload.n);
	push(t, p, n + payload.n);
	t->seq[dir] += (uint32_t)payload.n + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
}

static void say(struct talk *t, enum dir dir, const char *line)
{
	tcp(t, dir, TCP_ACK | TCP_PSH, bytes_of(line));
}

static void shake(struct talk *t, uint16_t client, uint16_t server)
{
	t->port[C2S] = client;
	t->port[S2C] = server;
	t->seq[C2S] = 1000;
	t->seq[S2C] = 0xfffffff0;
	tcp(t, C2S, TCP_SYN, (struct bytes){ 0 });
	tcp(t, S2C, TCP_SYN | TCP_ACK, (struct bytes){ 0 });
}

static struct talk *begin_with(bool interim)
{
	struct pipeline_config config = { .ports = { { 25, false }, { 465, true } }, .nports = 2, .flows = 64, .dialogues = 8,
					  .budget = 8 << 20, .exhibits = interim ? 1 << 20 : 0, .dns = true, .interim = interim };
	struct talk *t = calloc(1, sizeof(*t));
	t->now = INT64_C(1700000000000000000);
	t->p = pipeline_new(&config);
	assert_non_null(t->p);
	return t;
}

static struct talk *begin(void)
{
	return begin_with(false);
}

static void end(struct talk *t)
{
	pipeline_finish(t->p);
	drain(t);
}

static void done(struct talk *t)
{
	pipeline_free(t->p);
	free(t);
}

static int64_t counter(const struct talk *t, enum fact f)
{
	static struct record stats;
	record_init(&stats);
	pipeline_stats(t->p, &stats);
	return record_get_num(&stats, f, -1);
}

static void clear_mail(void **state)
{
	(void)state;
	struct talk *t = begin();
	shake(t, 40000, 25);
	say(t, S2C, "220 mx.example.net ESMTP\r\n");
	say(t, C2S, "EHLO out.example.org\r\n");
	say(t, S2C, "250-mx.example.net\r\n250 SIZE 1\r\n");
	say(t, C2S, "MAIL FROM:<secret.person@example.org>\r\n");
	say(t, S2C, "250 ok\r\n");
	tcp(t, C2S, TCP_FIN | TCP_ACK, (struct bytes){ 0 });
	assert_int_equal(t->sessions, 0);
	end(t);
	assert_int_equal(t->sessions, 1);
	assert_int_equal(record_get_tri(&t->last, F_smtp_offered), TRI_NO);
	assert_int_equal(record_get_tri(&t->last, F_tls_established), TRI_NO);
	assert_int_equal(record_get_tri(&t->last, F_cap_syn), TRI_YES);
	assert_int_equal(record_get_tri(&t->last, F_cap_one_direction), TRI_NO);
	assert_int_equal(record_get_num(&t->last, F_cap_end, -1), endhow_fin);
	assert_true(record_list_has(&t->last, F_smtp_mail_domain, bytes_of("example.org")));
	assert_null(memmem(t->last.text, t->last.used, "secret", 6));
	done(t);
}

static void one_side(void **state)
{
	(void)state;
	struct talk *t = begin();
	t->port[C2S] = 40000;
	t->port[S2C] = 25;
	say(t, C2S, "EHLO out.example.org\r\n");
	say(t, C2S, "MAIL FROM:<a@example.org>\r\n");
	end(t);
	assert_int_equal(t->sessions, 1);
	assert_int_equal(record_get_tri(&t->last, F_cap_one_direction), TRI_YES);
	assert_int_equal(record_get_tri(&t->last, F_cap_midstream), TRI_YES);
	assert_int_equal(record_get_tri(&t->last, F_smtp_offered), TRI_UNSEEN);
	done(t);
}

static void gap_in_the_reply(void **state)
{
	(void)state;
	struct talk *t = begin();
	shake(t, 40000, 25);
	say(t, S2C, "220 mx.example.net ESMTP\r\n");
	say(t, C2S, "EHLO out.example.org\r\n");
	say(t, S2C, "250-mx.example.net\r\n");
	t->seq[S2C] += 14; /* "250-STARTTLS\r\n" is not in the capture */
	say(t, S2C, "250 SIZE 1\r\n");
	say(t, C2S, "MAIL FROM:<a@example.org>\r\n");
	say(t, S2C, "250 ok\r\n");
	end(t);
	assert_int_equal(t->sessions, 1);
	assert_int_equal(record_get_tri(&t->last, F_cap_gap_dialogue), TRI_YES);
	assert_int_equal(record_get_num(&t->last, F_cap_gap_s2c, 0), 14);
	assert_int_equal(record_get_tri(&t->last, F_smtp_offered), TRI_UNSEEN);
	assert_int_not_equal(record_get_tri(&t->last, F_smtp_ehlo_complete), TRI_YES);
	done(t);
}

/* What TCP acknowledges tells who spoke first, whatever the order in the capture: the client's RSET was said before it had
 * heard the 220 in all of these but the last. */
static void said_before_the_reply(void **state)
{
	(void)state;
	enum { ONE, TWO, CROSSED, CROSSED_CUT, REPLY_FIRST, HEARD, WAYS };
	for (int way = ONE; way < WAYS; way++) {
		static const char reply[] = "220 go\r\n";
		uint32_t heard = way == HEARD ? 0 : sizeof(reply) - 1;
		struct talk *t = begin();
		shake(t, 40000, 25);
		say(t, S2C, "220 mx.example.net ESMTP\r\n");
		say(t, C2S, "EHLO out.example.org\r\n");
		say(t, S2C, "250-mx.example.net\r\n250 STARTTLS\r\n");
		if (way != REPLY_FIRST)
			say(t, C2S, way == ONE ? "STARTTLS\r\nRSET\r\n" : "STARTTLS\r\n");
		if (way == TWO)
			say(t, C2S, "RSET\r\n");
		t->seq[C2S] += way == REPLY_FIRST ? 10 : 0;
		say(t, S2C, reply);
		t->seq[C2S] -= way == REPLY_FIRST ? 10 : 0;
		t->seq[S2C] -= heard;
		if (way == REPLY_FIRST)
			say(t, C2S, "STARTTLS\r\n");
		if (way == CROSSED_CUT)
			say(t, C2S, "RSE");
		if (way != ONE && way != TWO)
			say(t, C2S, way == CROSSED_CUT ? "T\r\n" : "RSET\r\n");
		t->seq[S2C] += heard;
		say(t, C2S, "\x16\x03\x01");
		say(t, S2C, "\x16\x03\x01");
		end(t);
		assert_int_equal(t->sessions, 1);
		assert_int_equal(record_get_tri(&t->last, F_smtp_inj_cmd), way == HEARD ? TRI_NO : TRI_YES);
		assert_int_equal(record_get_tri(&t->last, F_smtp_after_220), way == HEARD ? TRI_YES : TRI_NO);
		assert_int_equal(record_get_tri(&t->last, F_tls_early), TRI_NO);
		done(t);
	}
}

/* The client from its SYN on, of the server nothing before the 220 to STARTTLS: its beginning was missed, although that turns out
 * only when the client has spoken. Nothing is said ahead of replies that were not seen. */
static void server_begins_late(void **state)
{
	(void)state;
	for (int lost = 0; lost < 3; lost++) {
		struct talk *t = begin();
		t->port[C2S] = 40000;
		t->port[S2C] = 25;
		t->seq[C2S] = 1000;
		t->seq[S2C] = 5000;
		tcp(t, C2S, TCP_SYN, (struct bytes){ 0 });
		t->seq[S2C] = 5100; /* SYN-ACK and greeting */
		say(t, C2S, "EHLO out.example.org\r\n");
		t->seq[S2C] += 200; /* the EHLO reply */
		say(t, C2S, "STARTTLS\r\n");
		if (lost == 0)
			say(t, S2C, "220 go\r\n");
		else
			t->seq[S2C] += 8;
		if (lost == 1)
			say(t, S2C, "250 odd\r\n");
		say(t, C2S, "\x16\x03\x01");
		say(t, S2C, "\x16\x03\x01");
		end(t);
		assert_int_equal(t->sessions, 1);
		assert_int_equal(record_get_tri(&t->last, F_cap_midstream), TRI_YES);
		assert_int_not_equal(record_get_tri(&t->last, F_tls_early), TRI_YES);
		assert_int_not_equal(record_get_tri(&t->last, F_smtp_inj_cmd), TRI_YES);
		assert_int_not_equal(record_get_tri(&t->last, F_smtp_inj_rsp), TRI_YES);
		done(t);
	}
}

/* Octets lost inside a TLS record: what follows is not read as if it stood there. The alert behind the hole is whole,
 * and still nobody knows where its record begins. */
static void gap_in_tls(void **state)
{
	(void)state;
	static const uint8_t half[] = { 0x15, 3, 3, 0, 2 }, alert[] = { 0x15, 3, 3, 0, 2, 2, 40 };
	for (int lost = 0; lost <= 2; lost += 2) {
		struct talk *t = begin();
		shake(t, 40000, 25);
		say(t, S2C, "220 mx.example.net ESMTP\r\n");
		say(t, C2S, "EHLO out.example.org\r\n");
		say(t, S2C, "250-mx.example.net\r\n250 STARTTLS\r\n");
		say(t, C2S, "STARTTLS\r\n");
		say(t, S2C, "220 go ahead\r\n");
		if (lost)
			tcp(t, S2C, TCP_ACK, (struct bytes){ half, sizeof(half) });
		t->seq[S2C] += (uint32_t)lost;
		tcp(t, S2C, TCP_ACK, (struct bytes){ alert, sizeof(alert) });
		end(t);
		assert_int_equal(t->sessions, 1);
		assert_int_equal(record_get_num(&t->last, F_tls_alert_code, -1), lost ? -1 : 40);
		assert_int_equal(record_get_num(&t->last, F_cap_gap_s2c, -1), lost);
		done(t);
	}
}

/* What ends a handshake behind the ClientHello, and who. A step is a side (C, S) and what it does: F FIN, R RST, A RST that
 * acknowledges; lower case: it has not had the other side's FIN yet. c, s: octets of that side go missing in front. */
static void how_tls_ends(void **state)
{
	(void)state;
	enum { TIMEOUT = 1, INPUT = 2 };
	static const struct {
		const char *steps;
		int over;
		enum failhow how;
		enum side by;
		const char *why;
	} cases[] = {
		{ "CR", 0, failhow_reset, side_client, "RST of the client" },
		{ "SA", 0, failhow_reset, side_server, "RST of the server" },
		{ "SFCF", 0, failhow_fin, side_server, "the server closes first" },
		{ "CFSF", 0, failhow_fin, side_client, "the client closes first" },
		{ "CF", 0, failhow_fin, side_client, "and the server does not answer" },
		{ "CfSf", 0, failhow_fin, side_COUNT, "at the same time" },
		{ "CFCR", 0, failhow_fin, side_client, "RST behind its own FIN" },
		{ "SFCA", 0, failhow_fin, side_server, "RST that answers the other's FIN" },
		{ "SRCR", 0, failhow_reset, side_server, "two RST: the first" },
		{ "cCR", 0, failhow_unknown, side_COUNT, "the RST is ahead of what was seen of its side" },
		{ "cSA", 0, failhow_unknown, side_COUNT, "the RST acknowledges what was not seen" },
		{ "sCA", 0, failhow_unknown, side_COUNT, "likewise, of the server" },
		{ "", TIMEOUT, failhow_timeout, side_COUNT, "nothing more comes" },
		{ "", INPUT, failhow_unknown, side_COUNT, "the capture ends" },
	};
	static const uint8_t hello[] = { 22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3 };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct talk *t = begin();
		shake(t, 40000, 25);
		say(t, S2C, "220 mx.example.net ESMTP\r\n");
		say(t, C2S, "EHLO out.example.org\r\n");
		say(t, S2C, "250-mx.example.net\r\n250 STARTTLS\r\n");
		say(t, C2S, "STARTTLS\r\n");
		say(t, S2C, "220 go ahead\r\n");
		tcp(t, C2S, TCP_ACK, (struct bytes){ hello, sizeof(hello) });
		for (const char *s = cases[i].steps; *s; s++) {
			enum dir dir = *s == 'C' || *s == 'c' ? C2S : S2C;
			if (*s == 'c' || *s == 's') {
				t->seq[dir] += 100;
				continue;
			}
			s++;
			unsigned flags = *s == 'R' ? TCP_RST : *s == 'A' ? TCP_RST | TCP_ACK : TCP_FIN | TCP_ACK;
			uint32_t early = *s == 'f' && s != cases[i].steps + 1;
			t->seq[!dir] -= early;
			tcp(t, dir, flags, (struct bytes){ 0 });
			t->seq[!dir] += early;
		}
		if (cases[i].over == TIMEOUT) {
			t->now += INT64_C(700000000000);
			shake(t, 40001, 25);
		}
		end(t);
		bool failed = cases[i].how != failhow_unknown;
		if (record_get_tri(&t->last, F_tls_failed) != (failed ? TRI_YES : TRI_UNSEEN) ||
		    record_has(&t->last, F_tls_failed_at) != failed ||
		    record_get_num(&t->last, F_tls_failed_how, failhow_unknown) != (int64_t)cases[i].how ||
		    record_get_num(&t->last, F_tls_failed_side, side_COUNT) != (int64_t)cases[i].by)
			fail_msg("%s: failed %d how %d side %d", cases[i].why, (int)record_get_tri(&t->last, F_tls_failed),
				 (int)record_get_num(&t->last, F_tls_failed_how, 0),
				 (int)record_get_num(&t->last, F_tls_failed_side, side_COUNT));
		done(t);
	}
}

/* TLS was due, and something else came, or nothing. */
static void no_tls_after_220(void **state)
{
	(void)state;
	static const uint8_t hello[] = { 22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3 };
	static const struct {
		bool hello, lost;
		const char *client, *server;
		enum tri failed;
		enum failpoint at;
		enum failhow how;
		enum side by;
		const char *why;
	} cases[] = {
		{ false, false, NULL, NULL, TRI_YES, failpoint_after_220, failhow_reset, side_client, "nothing" },
		{ false, true, NULL, NULL, TRI_UNSEEN, failpoint_none, failhow_unknown, side_COUNT, "a lost packet" },
		{ false, false, "QUIT\r\n", NULL, TRI_YES, failpoint_after_220, failhow_clear, side_COUNT, "the client, in clear" },
		{ true, false, NULL, "500 5.5.1 what?\r\n", TRI_YES, failpoint_client_hello, failhow_clear, side_server,
		  "the server, in clear" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct talk *t = begin();
		shake(t, 40000, 25);
		say(t, S2C, "220 mx.example.net ESMTP\r\n");
		say(t, C2S, "EHLO out.example.org\r\n");
		say(t, S2C, "250-mx.example.net\r\n250 STARTTLS\r\n");
		say(t, C2S, "STARTTLS\r\n");
		say(t, S2C, "220 go ahead\r\n");
		if (cases[i].hello)
			tcp(t, C2S, TCP_ACK, (struct bytes){ hello, sizeof(hello) });
		if (cases[i].client)
			say(t, C2S, cases[i].client);
		if (cases[i].server)
			say(t, S2C, cases[i].server);
		t->seq[C2S] += cases[i].lost;
		tcp(t, C2S, TCP_RST | TCP_ACK, (struct bytes){ 0 });
		end(t);
		assert_int_equal(record_get_tri(&t->last, F_tls_established), cases[i].lost ? TRI_UNSEEN : TRI_NO);
		if (record_get_tri(&t->last, F_tls_failed) != cases[i].failed ||
		    record_get_num(&t->last, F_tls_failed_at, failpoint_none) != (int64_t)cases[i].at ||
		    record_get_num(&t->last, F_tls_failed_how, failhow_unknown) != (int64_t)cases[i].how ||
		    (cases[i].by != side_COUNT && record_get_num(&t->last, F_tls_failed_side, side_COUNT) != (int64_t)cases[i].by))
			fail_msg("%s: failed %d at %d how %d side %d", cases[i].why, (int)record_get_tri(&t->last, F_tls_failed),
				 (int)record_get_num(&t->last, F_tls_failed_at, 0), (int)record_get_num(&t->last, F_tls_failed_how, 0),
				 (int)record_get_num(&t->last, F_tls_failed_side, side_COUNT));
		done(t);
	}
}

/* What is not SMTP is counted and is no session; a bare SYN is neither. */
static void not_mail(void **state)
{
	(void)state;
	struct talk *t = begin();
	shake(t, 40001, 25);
	say(t, C2S, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	say(t, S2C, "HTTP/1.1 200 OK\r\n\r\n");
	shake(t, 40002, 25);
	shake(t, 40003, 80);
	say(t, C2S, "EHLO not.on.a.mail.port\r\n");
	end(t);
	assert_int_equal(t->sessions, 0);
	assert_int_equal(counter(t, F_st_flows), 2);
	assert_int_equal(counter(t, F_st_flows_empty), 1);
	assert_int_equal(counter(t, F_st_flows_other), 1);
	done(t);
}

/* A packet without octets is time alone: a connection that was closed ends 5 s later (flow.h), one that is open goes on. */
static void time_passes(void **state)
{
	(void)state;
	struct talk *t = begin();
	for (uint16_t port = 40000; port < 40002; port++) {
		shake(t, port, 25);
		say(t, S2C, "220 mx.example.net ESMTP\r\n");
		say(t, C2S, "QUIT\r\n");
	}
	tcp(t, S2C, TCP_FIN | TCP_ACK, (struct bytes){ 0 });
	tcp(t, C2S, TCP_FIN | TCP_ACK, (struct bytes){ 0 });
	assert_int_equal(counter(t, F_st_active), 2);
	assert_int_equal(counter(t, F_st_dialogues), 2);
	struct packet nothing = { .ts = t->now + INT64_C(4000000000) };
	pipeline_push(t->p, &nothing);
	drain(t);
	assert_int_equal(t->sessions, 0);
	nothing.ts += INT64_C(2000000000);
	pipeline_push(t->p, &nothing);
	drain(t);
	assert_int_equal(t->sessions, 1);
	assert_int_equal(record_get_num(&t->last, F_cap_end, -1), endhow_fin);
	assert_int_equal(counter(t, F_st_active), 1);
	assert_int_equal(counter(t, F_st_dialogues), 1);
	assert_int_equal(counter(t, F_st_not_parsed), 0);
	end(t);
	assert_int_equal(t->sessions, 2);
	done(t);
}

/* TLS where the client should wait for a greeting, and where TLS is what the port is for; a checksum that is wrong. */
static void counters(void **state)
{
	(void)state;
	static const uint8_t hello[] = { 22, 3, 1, 0, 2, 1, 0 };
	struct talk *t = begin();
	shake(t, 40000, 25);
	tcp(t, C2S, TCP_ACK | TCP_PSH, (struct bytes){ hello, sizeof(hello) });
	shake(t, 40001, 465);
	tcp(t, C2S, TCP_ACK | TCP_PSH, (struct bytes){ hello, sizeof(hello) });
	shake(t, 40002, 25);
	say(t, S2C, "220 mx.example.net ESMTP\r\n");
	assert_int_equal(counter(t, F_st_segments), 3);
	assert_int_equal(counter(t, F_st_sums_bad), 0);
	uint8_t p[64];
	size_t n = ip_head(p, C2S, PROTO_TCP, 24);
	n += put16(p + n, t->port[C2S]);
	n += put16(p + n, t->port[S2C]);
	n += put32(p + n, t->seq[C2S]);
	n += put32(p + n, t->seq[S2C]);
	n += put16(p + n, 0x5000 | TCP_ACK);
	n += put16(p + n, 65535);
	n += put32(p + n, 0x12340000);
	n += put32(p + n, 0x51554954);
	push(t, p, n);
	assert_int_equal(counter(t, F_st_segments), 4);
	assert_int_equal(counter(t, F_st_sums_bad), 1);
	end(t);
	assert_int_equal(counter(t, F_st_tls_at_once), 1);
	assert_int_equal(counter(t, F_st_active), 0);
	done(t);
}

/* The same addresses and ports again are another session. */
static void reuse(void **state)
{
	(void)state;
	struct talk *t = begin();
	shake(t, 40000, 25);
	say(t, S2C, "220 first ESMTP\r\n");
	say(t, C2S, "QUIT\r\n");
	shake(t, 40000, 25);
	assert_int_equal(t->sessions, 0); /* the same ISN: a repeated SYN */
	t->seq[C2S] = 900000;
	tcp(t, C2S, TCP_SYN, (struct bytes){ 0 });
	assert_int_equal(t->sessions, 1);
	say(t, C2S, "EHLO second\r\n");
	end(t);
	assert_int_equal(t->sessions, 2);
	done(t);
}

/* The number of dialogues is bounded; the one that was silent longest ends early, and is counted. */
static void no_room(void **state)
{
	(void)state;
	struct talk *t = begin();
	for (uint16_t i = 0; i < 12; i++) {
		shake(t, (uint16_t)(41000 + i), 25);
		say(t, S2C, "220 mx ESMTP\r\n");
		assert_int_equal(t->sessions, i < 8 ? 0 : i - 7);
	}
	end(t);
	assert_int_equal(t->sessions, 12);
	assert_int_equal(counter(t, F_st_flows_evicted), 4);
	done(t);
}

/* Under load a share of the connections is taken, and all of them that were begun before; what is not taken is counted. */
static void shed(void **state)
{
	(void)state;
	struct talk *t = begin();
	const struct pipeline_shed most = { .thin = 6, .half = 4 }, nothing = { 0 };
	shake(t, 41000, 25);
	say(t, S2C, "220 mx ESMTP\r\n");
	assert_int_equal(counter(t, F_st_flows_shed), -1);
	pipeline_shed(t->p, &most);
	assert_int_equal(counter(t, F_st_flows_shed), 0);
	assert_int_equal(counter(t, F_st_lost_packets), 0);
	say(t, C2S, "EHLO client\r\n");
	say(t, S2C, "250 mx\r\n");
	uint32_t seq[2] = { t->seq[C2S], t->seq[S2C] };
	for (uint16_t i = 0; i < 50; i++) {
		shake(t, (uint16_t)(42000 + i), 25);
		say(t, S2C, "220 mx ESMTP\r\n");
	}
	int64_t left = counter(t, F_st_flows_shed), added = counter(t, F_st_flows);
	assert_int_equal(left + added, 51);
	assert_in_range(left, 40, 50);
	assert_true(counter(t, F_st_lost_packets) >= 3 * left);
	assert_int_equal(counter(t, F_st_flows_evicted), 0);
	pipeline_shed(t->p, &nothing);
	t->port[C2S] = 41000;
	t->seq[C2S] = seq[C2S];
	t->seq[S2C] = seq[S2C];
	say(t, C2S, "QUIT\r\n");
	assert_int_equal(counter(t, F_st_flows), added);
	end(t);
	assert_int_equal(t->sessions, added);
	done(t);
}

static void dns_over_udp(void **state)
{
	(void)state;
	struct talk *t = begin();
	uint8_t p[64];
	size_t n = ip_head(p, S2C, PROTO_UDP, 8 + 12);
	n += put16(p + n, 53);
	n += put16(p + n, 5353);
	n += put16(p + n, 8 + 12);
	n += put16(p + n, 0);
	memcpy(p + n, "\x12\x34\x84\x00\0\1\0\0\0\0\0\0", 12);
	push(t, p, n + 12);
	assert_int_equal(t->dns, 1);
	assert_int_equal(t->dns_octets[0], 12);
	done(t);
}

/* Several messages in a stream, cut anywhere (RFC 1035 4.2.2), between mail that goes on. */
static void dns_over_tcp(void **state)
{
	(void)state;
	static const uint8_t stream[] = "\0\14" "\x12\x34\x84\0\0\1\0\0\0\0\0\0" "\0\15" "\x12\x35\x84\0\0\1\0\0\0\0\0\0\0"
					"\0\14" "\x12\x36\x84\0\0\1\0\0\0\0\0\0";
	const size_t total = sizeof(stream) - 1;
	for (size_t step = 1; step <= total; step++) {
		struct talk *t = begin();
		shake(t, 40000, 53);
		for (size_t at = 0; at < total; at += step) {
			size_t n = total - at < step ? total - at : step;
			tcp(t, S2C, TCP_ACK, (struct bytes){ stream + at, n });
		}
		end(t);
		assert_int_equal(t->dns, 3);
		assert_int_equal(t->dns_octets[0], 12);
		assert_int_equal(t->dns_octets[1], 13);
		assert_int_equal(t->dns_octets[2], 12);
		assert_int_equal(t->sessions, 0);
		done(t);
	}
}

/* One step of a dialogue: who, what, and how many interim sessions there were by then. */
struct step {
	enum dir dir;
	const char *line;
	unsigned given;
	const char *why;
};

static struct talk *play(const struct step *steps, size_t n)
{
	struct talk *t = begin_with(true);
	shake(t, 40000, 25);
	for (size_t i = 0; i < n; i++) {
		say(t, steps[i].dir, steps[i].line);
		if (t->interims != steps[i].given)
			fail_msg("%s: %u interim sessions, expected %u", steps[i].why, t->interims, steps[i].given);
	}
	return t;
}

/* The session at its end, which has the id that it had before. */
static void end_same(struct talk *t)
{
	end(t);
	assert_int_equal(t->sessions, 1);
	assert_false(record_has(&t->last, F_cap_phase));
	struct bytes a = record_get_str(&t->interim, F_event_id), b = record_get_str(&t->last, F_event_id);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.p, b.p, b.n);
	assert_int_equal(counter(t, F_st_flows), 1);
	done(t);
}

static void interim_clear_mail(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ S2C, "220 mx.example.net ESMTP\r\n", 0, "greeting" },
		{ C2S, "EHLO out.example.org\r\n", 0, "EHLO" },
		{ S2C, "250-mx.example.net\r\n250 SIZE 1\r\n", 0, "no offer" },
		{ C2S, "MAIL FRO", 0, "half a command" },
		{ C2S, "M:<a@example.org>\r\n", 1, "MAIL" },
		{ S2C, "250 ok\r\n", 1, "reply" },
		{ C2S, "RCPT TO:<b@example.net>\r\n", 2, "RCPT" },
		{ S2C, "250 ok\r\n", 2, "reply" },
		{ C2S, "RCPT TO:<c@example.net>\r\n", 2, "a second one says nothing new" },
		{ S2C, "250 ok\r\n", 2, "reply" },
		{ C2S, "DATA\r\n", 2, "DATA" },
		{ S2C, "354 go\r\n", 2, "reply" },
		{ C2S, "Subject: x\r\n", 3, "content" },
		{ C2S, "\r\nmore\r\n.\r\n", 3, "more content" },
		{ S2C, "250 ok\r\n", 3, "reply" },
		{ C2S, "MAIL FROM:<a@example.org>\r\n", 3, "the second mail" },
	};
	struct talk *t = play(steps, sizeof(steps) / sizeof(steps[0]));
	assert_true(record_get_num(&t->interim, F_smtp_content, 0) > 0);
	assert_int_equal(record_get_num(&t->interim, F_smtp_messages, -1), 0);
	assert_int_equal(record_get_num(&t->interim, F_cap_end, -1), endhow_none);
	assert_true(t->exhibit > 0);
	end_same(t);
}

static void interim_pipelined(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ S2C, "220 mx.example.net ESMTP\r\n", 0, "greeting" },
		{ C2S, "EHLO out.example.org\r\n", 0, "EHLO" },
		{ S2C, "250-mx.example.net\r\n250 PIPELINING\r\n", 0, "no offer" },
		{ C2S, "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n", 1, "one packet, one session" },
	};
	struct talk *t = play(steps, sizeof(steps) / sizeof(steps[0]));
	assert_int_equal(record_count(&t->interim, F_smtp_rcpt_domains), 1);
	end_same(t);
}

static void interim_refused(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ S2C, "220 mx.example.net ESMTP\r\n", 0, "greeting" },
		{ C2S, "EHLO out.example.org\r\n", 0, "EHLO" },
		{ S2C, "250-mx.example.net\r\n250 STARTTLS\r\n", 0, "offer" },
		{ C2S, "STARTTLS\r\n", 0, "STARTTLS" },
		{ S2C, "454 not now\r\n", 0, "refusal: TLS may still follow" },
		{ C2S, "QUIT\r\n", 1, "it did not" },
	};
	struct talk *t = play(steps, sizeof(steps) / sizeof(steps[0]));
	assert_int_equal(record_get_num(&t->interim, F_smtp_stls_code, 0), 454);
	end_same(t);
}

static void interim_credentials(void **state)
{
	(void)state;
	static const struct step steps[] = {
		{ S2C, "220 mx.example.net ESMTP\r\n", 0, "greeting" },
		{ C2S, "EHLO out.example.org\r\n", 0, "EHLO" },
		{ S2C, "250-mx.example.net\r\n250 AUTH LOGIN\r\n", 0, "offer" },
		{ C2S, "AUTH LOGIN\r\n", 0, "nothing given away" },
		{ S2C, "334 VXNlcm5hbWU6\r\n", 0, "asked" },
		{ C2S, "eA==\r\n", 0, "the name" },
		{ S2C, "334 UGFzc3dvcmQ6\r\n", 0, "asked" },
		{ C2S, "eA==\r\n", 0, "the password" },
		{ S2C, "235 ok\r\n", 1, "which was right" },
	};
	struct talk *t = play(steps, sizeof(steps) / sizeof(steps[0]));
	assert_int_equal(record_get_tri(&t->interim, F_smtp_auth_response), TRI_YES);
	assert_int_equal(record_get_num(&t->interim, F_smtp_auth_code, 0), 235);
	end_same(t);
}

/* While octets wait for others it is not known how the session stands; when they have come, or are given up, it is. */
static void interim_waits_for_octets(void **state)
{
	(void)state;
	for (int lost = 0; lost < 2; lost++) {
		struct talk *t = begin_with(true);
		shake(t, 40000, 25);
		say(t, S2C, "220 mx.example.net ESMTP\r\n");
		say(t, C2S, "EHLO out.example.org\r\n");
		say(t, S2C, "250 mx.example.net\r\n");
		t->seq[C2S] += 6; /* NOOP */
		say(t, C2S, "MAIL FROM:<a@example.org>\r\n");
		assert_int_equal(t->interims, 0);
		if (lost) {
			t->now += INT64_C(11000000000);
			say(t, S2C, "250 ok\r\n");
		} else {
			uint32_t seq = t->seq[C2S];
			t->seq[C2S] = seq - 33;
			say(t, C2S, "NOOP\r\n");
			t->seq[C2S] = seq;
		}
		assert_int_equal(t->interims, 1);
		assert_int_equal(record_get_num(&t->interim, F_cap_gap_c2s, -1), lost ? 6 : 0);
		end_same(t);
	}
}

/* Only one side is in the capture: it need not wait for the end either. */
static void interim_one_side(void **state)
{
	(void)state;
	struct talk *t = begin_with(true);
	t->port[C2S] = 40000;
	t->port[S2C] = 25;
	say(t, C2S, "EHLO out.example.org\r\n");
	t->now += INT64_C(300000000);
	say(t, C2S, "MAIL FROM:<a@example.org>\r\n");
	assert_int_equal(t->interims, 1);
	assert_int_equal(record_get_tri(&t->interim, F_cap_one_direction), TRI_YES);
	assert_int_equal(record_get_num(&t->interim, F_smtp_transactions, 0), 1);
	end_same(t);
}

/* The server's answer twice, and not the same. */
static void interim_conflict(void **state)
{
	(void)state;
	struct talk *t = begin_with(true);
	shake(t, 40000, 25);
	say(t, S2C, "220 mx.example.net ESMTP\r\n");
	say(t, C2S, "EHLO out.example.org\r\n");
	uint32_t seq = t->seq[S2C];
	say(t, S2C, "250-mx.example.net\r\n250 STARTTLS\r\n");
	assert_int_equal(t->interims, 0);
	t->seq[S2C] = seq;
	say(t, S2C, "250-mx.example.net\r\n250 XXXXXXXX\r\n");
	assert_int_equal(t->interims, 1);
	assert_int_equal(record_get_tri(&t->interim, F_tcp_conf_clear), TRI_YES);
	assert_true(record_has(&t->interim, F_alt_offered) || record_has(&t->interim, F_alt_keywords));
	assert_int_equal(record_get_tri(&t->interim, F_smtp_offered), TRI_YES);
	end_same(t);
}

/* Whoever writes the packets does not choose how often a session is given. */
static void interim_bounded(void **state)
{
	(void)state;
	struct talk *t = begin_with(true);
	shake(t, 40000, 25);
	say(t, S2C, "220 mx.example.net ESMTP\r\n");
	say(t, C2S, "EHLO out.example.org\r\n");
	uint32_t seq = t->seq[S2C];
	say(t, S2C, "250-mx.example.net\r\n250 STARTTLS\r\n");
	t->seq[S2C] = seq;
	say(t, S2C, "250-mx.example.net\r\n250 XXXXXXXX\r\n");
	say(t, C2S, "AUTH PLAIN eA==\r\n");
	say(t, S2C, "235 ok\r\n");
	say(t, C2S, "STARTTLS\r\n");
	say(t, S2C, "454 no\r\n");
	say(t, C2S, "RSET\r\n");
	say(t, S2C, "250 ok\r\n");
	say(t, C2S, "MAIL FROM:<a@example.org>\r\n");
	assert_int_equal(t->interims, 4);
	say(t, S2C, "250 ok\r\n");
	say(t, C2S, "RCPT TO:<b@example.net>\r\n");
	say(t, S2C, "250 ok\r\n");
	say(t, C2S, "DATA\r\n");
	say(t, S2C, "354 go\r\n");
	say(t, C2S, "x\r\n");
	assert_int_equal(t->interims, 4);
	end_same(t);
}

/* A fatal alert in clear, and what is known of the handshake by then. */
static void interim_alert(void **state)
{
	(void)state;
	static const uint8_t alert[] = { 0x15, 3, 3, 0, 2, 2, 40 };
	struct talk *t = begin_with(true);
	shake(t, 40000, 25);
	say(t, S2C, "220 mx.example.net ESMTP\r\n");
	say(t, C2S, "EHLO out.example.org\r\n");
	say(t, S2C, "250-mx.example.net\r\n250 STARTTLS\r\n");
	say(t, C2S, "STARTTLS\r\n");
	say(t, S2C, "220 go ahead\r\n");
	tcp(t, S2C, TCP_ACK, (struct bytes){ alert, 5 });
	assert_int_equal(t->interims, 0);
	tcp(t, S2C, TCP_ACK, (struct bytes){ alert + 5, 2 });
	assert_int_equal(t->interims, 1);
	assert_int_equal(record_get_num(&t->interim, F_tls_alert_code, -1), 40);
	assert_int_equal(record_get_tri(&t->interim, F_tls_failed), TRI_UNSEEN);
	end_same(t);
}

/* Nobody asked: nothing is given before the end. */
static void interim_off(void **state)
{
	(void)state;
	struct talk *t = begin();
	shake(t, 40000, 25);
	say(t, S2C, "220 mx.example.net ESMTP\r\n");
	say(t, C2S, "EHLO out.example.org\r\n");
	say(t, S2C, "250 mx.example.net\r\n");
	say(t, C2S, "MAIL FROM:<a@example.org>\r\n");
	end(t);
	assert_int_equal(t->interims, 0);
	assert_int_equal(t->sessions, 1);
	done(t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(clear_mail), cmocka_unit_test(one_side), cmocka_unit_test(gap_in_the_reply),
		cmocka_unit_test(gap_in_tls), cmocka_unit_test(said_before_the_reply),
		cmocka_unit_test(server_begins_late),
		cmocka_unit_test(how_tls_ends), cmocka_unit_test(no_tls_after_220),
		cmocka_unit_test(not_mail), cmocka_unit_test(time_passes), cmocka_unit_test(counters), cmocka_unit_test(reuse), cmocka_unit_test(no_room),
		cmocka_unit_test(shed),
		cmocka_unit_test(interim_clear_mail), cmocka_unit_test(interim_pipelined), cmocka_unit_test(interim_refused),
		cmocka_unit_test(interim_credentials), cmocka_unit_test(interim_waits_for_octets),
		cmocka_unit_test(interim_one_side), cmocka_unit_test(interim_conflict), cmocka_unit_test(interim_bounded),
		cmocka_unit_test(interim_alert), cmocka_unit_test(interim_off),
		cmocka_unit_test(dns_over_udp), cmocka_unit_test(dns_over_tcp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
