/* odd, and the seam of the pipeline around it: what connections on other ports are, and what is shown of them, and of
 * those on mail ports that are not mail. */
#include "wire/odd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include "wire/pipeline.h"
#include "../octets.h"

static void first_octets(void **state)
{
	static const struct {
		enum dir dir;
		const char *in;
		enum odd want;
		const char *why;
	} cases[] = {
		{ S2C, "220 mx ESMTP\r\n", ODD_MAYBE, "a greeting" },
		{ S2C, "220-mx\r\n", ODD_MAYBE, "a greeting of several lines" },
		{ S2C, "554 no\r\n", ODD_MAYBE, "a server that does not want to" },
		{ S2C, "421 busy\r\n", ODD_MAYBE, "another" },
		{ S2C, "****************\r\n", ODD_MAYBE, "a greeting that a firewall has masked" },
		{ S2C, "* OK IMAP4rev1\r\n", ODD_NOT, "IMAP" },
		{ S2C, "+OK POP3\r\n", ODD_NOT, "POP" },
		{ S2C, "SSH-2.0-x\r\n", ODD_NOT, "SSH" },
		{ S2C, "HTTP/1.1 200 OK\r\n", ODD_NOT, "HTTP" },
		{ S2C, "2200", ODD_NOT, "a number is no code" },
		{ S2C, "320 x", ODD_NOT, "no first reply of SMTP" },
		{ S2C, "220", ODD_NEW, "too short" },
		{ S2C, "", ODD_NEW, "nothing" },
		{ C2S, "EHLO a\r\n", ODD_MAYBE, "a client that does not wait" },
		{ C2S, "helo a\r\n", ODD_MAYBE, "case does not matter" },
		{ C2S, "PROXY TCP4", ODD_MAYBE, "a header in front" },
		{ C2S, "\r\n\r\n", ODD_MAYBE, "a binary header" },
		{ C2S, "EHL", ODD_NEW, "too short" },
		{ C2S, "EHLO", ODD_NEW, "still too short" },
		{ C2S, "EHLOX", ODD_NOT, "another word" },
		{ C2S, "GET / HTTP/1.1\r\n", ODD_NOT, "HTTP" },
		{ C2S, "\x16\x03\x01", ODD_NOT, "TLS" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].in);
		uint8_t *exact = malloc(n ? n : 1);
		memcpy(exact, cases[i].in, n);
		if (odd_first(cases[i].dir, (struct bytes){ exact, n }) != cases[i].want)
			fail_msg("%s", cases[i].why);
		bool opens = cases[i].dir == C2S && cases[i].want == ODD_MAYBE && (cases[i].in[1] | 0x20) != 'r' &&
			     cases[i].in[0] != '\r';
		if (cases[i].dir == C2S && odd_opens((struct bytes){ exact, n }) != opens)
			fail_msg("%s: opens", cases[i].why);
		free(exact);
	}
}

/* Both directions of a connection are in the sample or both are not, and it is about as large as asked. */
static void sample(void **state)
{
	(void)state;
	unsigned hits[3] = { 0 };
	for (unsigned i = 0; i < 20000; i++) {
		static const uint32_t every[3] = { 0, 1, 16 };
		struct segment there = { .src = { 4, { 192, 0, 2, (uint8_t)(i % 7) } }, .dst = { 4, { 198, 51, 100, 1 } },
					 .sport = (uint16_t)(30000 + i), .dport = 8080 };
		struct segment back = { .src = there.dst, .dst = there.src, .sport = there.dport, .dport = there.sport };
		for (int k = 0; k < 3; k++) {
			assert_int_equal(odd_sampled(&there, every[k]), odd_sampled(&back, every[k]));
			hits[k] += odd_sampled(&there, every[k]);
		}
	}
	assert_int_equal(hits[0], 0);
	assert_int_equal(hits[1], 20000);
	assert_in_range(hits[2], 20000 / 16 * 3 / 4, 20000 / 16 * 5 / 4);
}

/* ---- the pipeline ---- */

struct talk {
	struct pipeline *p;
	int64_t now;
	uint32_t seq[2];
	uint16_t port[2];
	const char *answer;
	unsigned sessions, looks;
	char said[2][PIPELINE_LOOK_MAX + 1];
	enum dir first;
	size_t exhibit;                        /* of the last session, final or not */
	unsigned interims;
	struct record last, interim;
};

static void drain(struct talk *t)
{
	struct pipeline_out out;
	enum pipeline_item item;
	while ((item = pipeline_next(t->p, &out)) != PIPELINE_NONE) {
		if (item == PIPELINE_SESSION) {
			const bool ended = !record_has(out.session, F_cap_phase);
			*(ended ? &t->sessions : &t->interims) += 1;
			t->exhibit = out.exhibit.n;
			assert_true(record_check(out.session, record_size(out.session)));
			memcpy(ended ? &t->last : &t->interim, out.session, record_size(out.session));
		} else if (item == PIPELINE_QUIET || item == PIPELINE_COUNT) {
			assert_int_equal(out.quiet.port[S2C], 25);
		} else if (item == PIPELINE_LOOK) {
			t->looks++;
			t->first = out.look.first;
			for (int d = C2S; d <= S2C; d++) {
				memcpy(t->said[d], out.look.said[d].p, out.look.said[d].n);
				t->said[d][out.look.said[d].n] = 0;
			}
			if (t->answer)
				pipeline_classified(t->p, bytes_of(t->answer));
		}
	}
}

static void tcp(struct talk *t, enum dir dir, unsigned flags, struct bytes payload)
{
	size_t n = 0, size = 40 + payload.n;
	uint8_t *p = malloc(size);
	n += put16(p, 0x4500);
	n += put16(p + n, (unsigned)size);
	n += put32(p + n, 0);
	n += put32(p + n, 0x40060000);
	n += put32(p + n, dir == C2S ? 0x0a000001 : 0x0a000019);
	n += put32(p + n, dir == C2S ? 0x0a000019 : 0x0a000001);
	n += put16(p + n, t->port[dir]);
	n += put16(p + n, t->port[!dir]);
	n += put32(p + n, t->seq[dir]);
	n += put32(p + n, t->seq[!dir]);
	n += put16(p + n, 0x5000 | flags);
	n += put16(p + n, 65535);
	n += put32(p + n, 0);
	if (payload.n)
		memcpy(p + n, payload.p, payload.n);
	t->now += 1000000;
	struct packet packet = { .ts = t->now, .linktype = 101, .data = { p, size }, .wire_len = (uint32_t)size };
	pipeline_push(t->p, &packet);
	drain(t);
	free(p);
	t->seq[dir] += (uint32_t)payload.n + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
}

static void open_on(struct talk *t, uint16_t client, uint16_t server, bool shake)
{
	t->port[C2S] = client;
	t->port[S2C] = server;
	t->seq[C2S] = 1000;
	t->seq[S2C] = 0xfffffff0;
	if (!shake)
		return;
	tcp(t, C2S, TCP_SYN, (struct bytes){ 0 });
	tcp(t, S2C, TCP_SYN | TCP_ACK, (struct bytes){ 0 });
}

/* live: as watch does it, with evidence, interim sessions, and flows that become quiet. */
static struct talk *begin_as(uint32_t every, bool live)
{
	struct pipeline_config config = { .ports = { { 25, false }, { 465, true } }, .nports = 2, .flows = 64, .dialogues = 64,
					  .budget = 8 << 20, .dns = true, .odd = every, .exhibits = live ? 1 << 20 : 0, .interim = live,
					  .quiet = live ? 1 : 0 };
	struct talk *t = calloc(1, sizeof(*t));
	t->now = INT64_C(1700000000000000000);
	t->p = pipeline_new(&config);
	assert_non_null(t->p);
	return t;
}

static struct talk *begin(uint32_t every)
{
	return begin_as(every, false);
}

static int64_t counter(const struct talk *t, enum fact f)
{
	static struct record stats;
	record_init(&stats);
	pipeline_stats(t->p, &stats);
	return record_get_num(&stats, f, -1);
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

/* What both sides say: '<' a server's line, '>' a client's; in segments of step octets. */
static void speak(struct talk *t, const char *const *line, size_t step)
{
	for (; *line; line++) {
		enum dir dir = **line == '<' ? S2C : C2S;
		struct bytes all = bytes_of(*line + 1);
		for (size_t at = 0; at < all.n; at += step)
			tcp(t, dir, TCP_ACK, bytes_head(bytes_skip(all, at), step));
	}
}

enum { LINES = 12, WHOLE = 1400 };

struct odd_case {
	const char *line[LINES];
	const char *answer;
	bool unshaken;
	unsigned sessions, looks;
	enum foundby by;
	const char *why;
};

static const struct odd_case odd_cases[] = {
	{ { "<220 mx ESMTP\r\n", ">EHLO out\r\n", "<250-mx\r\n250 STARTTLS\r\n", ">MAIL FROM:<a@b.example>\r\n", "<250 ok\r\n" },
	  NULL, false, 1, 0, foundby_dialogue, "SMTP" },
	{ { "<*******************\r\n", ">EHLO out\r\n", "<250-mx\r\n250 XXXXXXXX\r\n", ">QUIT\r\n" },
	  NULL, false, 1, 0, foundby_dialogue, "SMTP behind a firewall that masks it" },
	{ { "<220 mx ESMTP\r\n", ">NOOP\r\n", "<250 ok\r\n", ">EHLO out\r\n", "<250 mx\r\n" },
	  NULL, false, 1, 1, foundby_dialogue, "nobody knows it, and in the end it is SMTP" },
	{ { "<220 mx ESMTP\r\n", ">NOOP\r\n", "<250 ok\r\n" }, "smtp", false, 1, 1, foundby_classifier, "the word of the library" },
	{ { "<220 mx ESMTP\r\n", ">NOOP\r\n", "<250 ok\r\n" }, "ftp", false, 0, 1, 0, "and its other words have no consequence" },
	{ { "<220 mx ESMTP\r\n", ">NOOP\r\n", "<250 ok\r\n", ">EHLO a\r\n", "<250 b\r\n" }, "tls", false, 1, 1, foundby_dialogue,
	  "it never takes a session away" },
	{ { "<220 ftp\r\n", ">USER me\r\n", "<331 Password\r\n", ">PASS secret\r\n", "<230 in\r\n" }, NULL, false, 0, 1, 0, "FTP" },
	{ { "<220 ftp\r\n", ">QUIT\r\n", "<221 bye\r\n" }, NULL, false, 0, 1, 0, "nothing tells this from FTP" },
	{ { "<200 news\r\n", ">GROUP a.b\r\n", "<211 ok\r\n" }, NULL, false, 0, 1, 0, "NNTP" },
	{ { "<SSH-2.0-a\r\n", ">SSH-2.0-b\r\n" }, "ssh", false, 0, 0, 0, "SSH needs no library" },
	{ { ">GET / HTTP/1.1\r\n\r\n", "<HTTP/1.1 200 OK\r\n\r\n" }, "smtp", false, 0, 0, 0, "nor does HTTP" },
	{ { ">EHLO out\r\n", ">MAIL FROM:<a@b.example>\r\n" }, NULL, false, 1, 0, foundby_dialogue, "the client's side alone" },
	{ { ">EHLO scan\r\n" }, NULL, false, 0, 0, 0, "a scanner whom nobody answers" },
	{ { ">EHLO scan\r\n", "<what?\r\n" }, NULL, false, 0, 0, 0, "a scanner who finds something else" },
	{ { "<220 mx ESMTP\r\n", "<250-mx\r\n250-SIZE 1\r\n250 STARTTLS\r\n" }, NULL, false, 1, 0, foundby_dialogue,
	  "the server's side alone" },
	{ { "<220 mx ESMTP\r\n" }, "smtp", false, 0, 0, 0, "a greeting alone may be anybody's" },
	{ { ">EHLO out\r\n", "<250-mx\r\n250 STARTTLS\r\n", ">QUIT\r\n" }, NULL, true, 1, 0, foundby_dialogue, "the SYN was missed" },
	{ { "<220 mx ESMTP\r\n", ">MAIL FROM:<a@b.example>\r\n" }, NULL, true, 0, 0, 0, "not seen from its start" },
};

/* The same in whole lines and in segments of a few octets. */
static void on_another_port(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(odd_cases) / sizeof(odd_cases[0]); i++) {
		const struct odd_case *c = &odd_cases[i];
		for (size_t step = c->unshaken ? WHOLE : 1; step <= WHOLE; step = step < 8 ? step + 1 : step == WHOLE ? WHOLE + 1 : WHOLE) {
			struct talk *t = begin(1);
			t->answer = c->answer;
			open_on(t, 40000, 2526, !c->unshaken);
			speak(t, c->line, step);
			end(t);
			if (t->sessions != c->sessions || t->looks != c->looks)
				fail_msg("%s, by %zu: %u sessions, %u looks", c->why, step, t->sessions, t->looks);
			if (t->sessions && record_get_num(&t->last, F_found_by, -1) != (int64_t)c->by)
				fail_msg("%s: found by %d", c->why, (int)record_get_num(&t->last, F_found_by, -1));
			if (t->sessions && record_get_num(&t->last, F_service, -1) != service_other)
				fail_msg("%s: service", c->why);
			assert_int_equal(counter(t, F_st_odd_smtp), c->sessions);
			assert_int_equal(counter(t, F_st_flows), 0);
			done(t);
		}
	}
}

/* What was found is as complete as on a mail port. */
static void complete(void **state)
{
	(void)state;
	struct talk *t = begin(1);
	open_on(t, 40000, 2526, true);
	speak(t, odd_cases[0].line, WHOLE);
	end(t);
	assert_int_equal(record_get_tri(&t->last, F_cap_syn), TRI_YES);
	assert_int_equal(record_get_tri(&t->last, F_cap_start), TRI_YES);
	assert_int_equal(record_get_num(&t->last, F_smtp_banner_code, 0), 220);
	assert_int_equal(record_get_tri(&t->last, F_smtp_offered), TRI_YES);
	assert_true(record_list_has(&t->last, F_smtp_mail_domain, bytes_of("b.example")));
	done(t);
}

static void switched_off(void **state)
{
	(void)state;
	struct talk *t = begin(0);
	open_on(t, 40000, 2526, true);
	speak(t, odd_cases[0].line, WHOLE);
	end(t);
	assert_int_equal(t->sessions, 0);
	assert_int_equal(counter(t, F_st_odd), -1);
	done(t);
}

/* Under load the caller may have no more of them begun; what has begun goes on. */
static void shed(void **state)
{
	(void)state;
	struct talk *t = begin(1);
	open_on(t, 40000, 2526, true);
	speak(t, (const char *const[]){ "<220 mx ESMTP\r\n", NULL }, WHOLE);
	uint32_t seq[2] = { t->seq[C2S], t->seq[S2C] };
	pipeline_other_ports(t->p, 0);
	open_on(t, 40001, 2526, true);
	speak(t, odd_cases[0].line, WHOLE);
	open_on(t, 40000, 2526, false);
	memcpy(t->seq, seq, sizeof(seq));
	speak(t, odd_cases[0].line + 1, WHOLE);
	end(t);
	assert_int_equal(t->sessions, 1);
	assert_int_equal(record_get_num(&t->last, F_src_port, 0), 40000);
	assert_int_equal(record_get_tri(&t->last, F_smtp_offered), TRI_YES);
	assert_int_equal(counter(t, F_st_odd), 1);
	done(t);
}

/* Scans and floods on other ports stay in their own small table and cost nothing on a mail port. */
static void flood(void **state)
{
	(void)state;
	struct talk *mail = begin(1);
	open_on(mail, 40000, 25, true);
	speak(mail, odd_cases[0].line, WHOLE);
	uint32_t seq[2] = { mail->seq[C2S], mail->seq[S2C] };
	enum { MANY = 20000, ROOM = 64 };
	for (unsigned i = 0; i < MANY; i++) {
		mail->port[C2S] = (uint16_t)(1024 + i);
		mail->port[S2C] = 8080;
		mail->seq[C2S] = i;
		tcp(mail, C2S, TCP_SYN, (struct bytes){ 0 });
		if (i % 2)
			tcp(mail, S2C, TCP_SYN | TCP_ACK, (struct bytes){ 0 });
		if (i % 4 == 3)
			tcp(mail, S2C, TCP_ACK, bytes_of("220 and nothing more"));
	}
	assert_int_equal(mail->looks, 0);
	assert_int_equal(counter(mail, F_st_odd), MANY);
	assert_true(counter(mail, F_st_odd_lost) >= MANY - ROOM);
	assert_int_equal(counter(mail, F_st_flows_evicted), 0);
	mail->port[C2S] = 40000;
	mail->port[S2C] = 25;
	mail->seq[C2S] = seq[C2S];
	mail->seq[S2C] = seq[S2C];
	speak(mail, (const char *const[]){ ">QUIT\r\n", "<221 bye\r\n", NULL }, WHOLE);
	end(mail);
	assert_int_equal(mail->sessions, 1);
	assert_int_equal(record_get_tri(&mail->last, F_smtp_quit), TRI_YES);
	done(mail);
}

/* What a mail port carries instead of mail: one look, with what both sides said first, a name, a counter. */
static void on_a_mail_port(void **state)
{
	(void)state;
	static const struct {
		const char *line[LINES], *answer, *said[2], *counted;
		unsigned looks, sessions;
		enum dir first;
	} cases[] = {
		{ { ">GET / HTTP/1.1\r\n", "<HTTP/1.1 200 OK\r\n" }, "http", { "GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n" }, "http", 1, 0, C2S },
		{ { "<SSH-2.0-a\r\n", ">SSH-2.0-b\r\n" }, "ssh", { "SSH-2.0-b\r\n", "SSH-2.0-a\r\n" }, "ssh", 1, 0, S2C },
		{ { ">\x03\x2a\xe0" }, "rdp", { "\x03\x2a\xe0", "" }, "rdp", 1, 0, C2S },
		{ { ">\x16\x03\x01\x01" }, "tls", { "", "" }, NULL, 0, 1, C2S }, /* TLS needs nobody's word */
		{ { "<hello\r\n", ">hello\r\n" }, NULL, { "hello\r\n", "hello\r\n" }, "unknown", 1, 0, S2C },
		{ { "<220 mx ESMTP\r\n", ">what\r\n", "<500 ?\r\n" }, "ftp", { "", "" }, NULL, 0, 1, C2S },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct record stats;
		struct talk *t = begin(i % 2);
		t->answer = cases[i].answer;
		open_on(t, 40000, 25, true);
		speak(t, cases[i].line, WHOLE);
		end(t);
		record_init(&stats);
		pipeline_stats(t->p, &stats);
		if (t->looks != cases[i].looks)
			fail_msg("%s: %u looks", cases[i].line[0], t->looks);
		assert_int_equal(t->sessions, cases[i].sessions);
		if (t->looks) {
			assert_string_equal(t->said[C2S], cases[i].said[C2S]);
			assert_string_equal(t->said[S2C], cases[i].said[S2C]);
			assert_int_equal(t->first, cases[i].first);
		}
		assert_int_equal(record_count(&stats, F_st_label), cases[i].counted != NULL);
		if (cases[i].counted)
			assert_true(record_list_has(&stats, F_st_label, bytes_of(cases[i].counted)));
		done(t);
	}
}

/* Names beyond the table are counted together, and nothing is lost. */
static void many_names(void **state)
{
	(void)state;
	static struct record stats;
	struct talk *t = begin(1);
	size_t pos = 0;
	struct bytes item;
	int64_t flows = 0;
	for (unsigned i = 0; i < 40; i++) {
		char name[8] = { 'p', (char)('a' + i % 20), 0 };
		t->answer = name;
		open_on(t, (uint16_t)(41000 + i), 25, true);
		speak(t, (const char *const[]){ "<hello\r\n", ">hello\r\n", NULL }, WHOLE);
	}
	end(t);
	record_init(&stats);
	pipeline_stats(t->p, &stats);
	assert_int_equal(record_count(&stats, F_st_label), PIPELINE_NAMES);
	assert_true(record_list_has(&stats, F_st_label, bytes_of("other")));
	while (record_next(&stats, F_st_label_flows, &pos, &item))
		flows += record_item_num(item);
	assert_int_equal(flows, 40);
	done(t);
}

/* Alerts of such sessions do not wait for their end, and can be proved; what is given at the end is the same. */
static void live(void **state)
{
	(void)state;
	static const struct {
		const char *line[LINES], *answer;
		enum foundby by;
	} cases[] = {
		{ { "<220 mx ESMTP\r\n", ">EHLO out\r\n", "<250-mx\r\n250 STARTTLS\r\n", ">MAIL FROM:<a@b.example>\r\n", "<250 ok\r\n" },
		  NULL, foundby_dialogue },
		/* the mail is there before anybody knows that it is mail */
		{ { "<220 mx ESMTP\r\n", ">MAIL FROM:<a@b.example>\r\n", "<250 ok\r\n" }, "smtp", foundby_classifier },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct talk *t = begin_as(1, true), *plain = begin(1);
		t->answer = plain->answer = cases[i].answer;
		open_on(t, 40000, 2526, true);
		speak(t, cases[i].line, WHOLE);
		assert_int_equal(t->interims, 1);
		assert_int_equal(t->sessions, 0);
		assert_true(t->exhibit > 0);
		assert_int_equal(record_get_num(&t->interim, F_found_by, -1), cases[i].by);
		t->exhibit = 0;
		end(t);
		open_on(plain, 40000, 2526, true);
		speak(plain, cases[i].line, WHOLE);
		assert_int_equal(plain->interims + plain->sessions, 0);
		end(plain);
		assert_int_equal(t->sessions, 1);
		assert_true(t->exhibit > 0);
		assert_true(bytes_eq(record_get_str(&t->interim, F_event_id), record_get_str(&t->last, F_event_id)));
		assert_int_equal(record_size(&t->last), record_size(&plain->last));
		assert_memory_equal(&t->last, &plain->last, record_size(&t->last));
		done(plain);
		done(t);
	}
}

/* What is not SMTP gives back the room for evidence that it took, and is never asked about as a quiet flow. */
static void room(void **state)
{
	(void)state;
	struct talk *t = begin_as(1, true);
	for (unsigned i = 0; i < 2000; i++) {
		static const char *const other[][4] = { { ">GET / HTTP/1.1\r\n\r\n", "<HTTP/1.1 200 OK\r\n\r\n" },
							{ "<220 ftp\r\n", ">USER me\r\n", "<331 Password\r\n" } };
		open_on(t, (uint16_t)(1024 + i), 8080, true);
		speak(t, other[i % 2], WHOLE);
	}
	assert_int_equal(counter(t, F_st_odd_lost), 0);
	open_on(t, 40000, 2526, true);
	speak(t, odd_cases[0].line, WHOLE);
	end(t);
	assert_int_equal(t->sessions, 1);
	assert_true(t->exhibit > 0);
	done(t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_octets), cmocka_unit_test(sample), cmocka_unit_test(on_another_port),
		cmocka_unit_test(complete), cmocka_unit_test(switched_off), cmocka_unit_test(shed), cmocka_unit_test(flood),
		cmocka_unit_test(on_a_mail_port), cmocka_unit_test(many_names), cmocka_unit_test(live), cmocka_unit_test(room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
