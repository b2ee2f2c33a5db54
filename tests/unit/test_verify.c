/* verify: which differences between the alert in a file and the one that came out again count, and what is said of them. */
#include "verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "json.h"
#include "run.h"

#define CONTEXT(rules, anchor, dns, cut) "{\"version\":\"1\",\"rules\":\"" rules "\",\"trust_anchor\":\"" anchor "\",\"dns\":\"" dns \
					 "\",\"truncated\":" cut "}"
#define CAPTURE CONTEXT("aa", "bb", "capture", "false")
#define LIVE CONTEXT("aa", "bb", "live", "false")
#define CUT CONTEXT("aa", "bb", "capture", "true")

static void make(struct record *r)
{
	record_init(r);
	record_cstr(r, F_message, "said");
	record_num(r, F_event_sequence, 7);
	record_num(r, F_event_severity, 73);
	record_cstr(r, F_rule_id, "tlsa-mismatch");
	record_cstr(r, F_rule_name, "a name");
	record_cstr(r, F_variant, "ee-no-match");
	record_num(r, F_certainty, certainty_proof);
	record_num(r, F_alert_level, level_high);
	record_num(r, F_smtp_content, 100);
	record_tri(r, F_cap_dns_visible, TRI_YES);
	record_num(r, F_dane_verdict, daneverdict_mismatch);
	record_num(r, F_dane_dnssec, dnsstatus_secure);
	record_num(r, F_dane_ttl, 300);
	record_num(r, F_dane_as_of, 1000000000);
	record_num(r, F_dane_source, dnssource_capture);
}

enum how { SAME, NUMBER, TEXT, GONE };

static const struct {
	const char *context;
	enum how how;           /* the change, and of which fact */
	enum fact fact;
	int64_t number;
	const char *text;
	enum verify_status want;
	const char *says, *why;
} rows[] = {
	{ CAPTURE, SAME, 0, 0, "", VERIFY_SAME, "tlsa-mismatch (ee-no-match), proof, DANE mismatch", "nothing changed" },
	{ CAPTURE, NUMBER, F_event_sequence, 8, "", VERIFY_SAME, "", "counts events of one run" },
	{ CAPTURE, NUMBER, F_dane_source, dnssource_file, "", VERIFY_SAME, "", "where it was read is not what it says" },
	{ CAPTURE, NUMBER, F_dane_verdict, daneverdict_bogus, "", VERIFY_DIFFERS,
	  "mxwitness.dane.verdict is \"bogus\", the file says \"mismatch\"", "the verdict" },
	{ CAPTURE, NUMBER, F_dane_dnssec, dnsstatus_incomplete, "", VERIFY_DIFFERS, "mxwitness.dane.dnssec", "its standing" },
	{ CAPTURE, NUMBER, F_dane_ttl, 299, "", VERIFY_DIFFERS, "mxwitness.dane.ttl is 299, the file says 300", "as in the packets" },
	{ LIVE, NUMBER, F_dane_ttl, 299, "", VERIFY_SAME, "", "what was left of it in a cache" },
	{ LIVE, NUMBER, F_dane_as_of, 2000000000, "", VERIFY_DIFFERS, "mxwitness.dane.as_of", "when it was asked is told to who repeats it" },
	{ LIVE, GONE, F_cap_dns_visible, 0, "", VERIFY_SAME, "", "the proofs are DNS too" },
	{ LIVE, NUMBER, F_dane_verdict, daneverdict_bogus, "", VERIFY_DIFFERS, "mxwitness.dane.verdict", "the verdict all the same" },
	{ CAPTURE, GONE, F_variant, 0, "", VERIFY_DIFFERS, "mxwitness.variant is not there, the file says \"ee-no-match\"", "a fact less" },
	{ CAPTURE, NUMBER, F_smtp_quit, TRI_YES, "", VERIFY_DIFFERS, "mxwitness.smtp.quit is true, the file does not have it", "one more" },
	{ CAPTURE, NUMBER, F_smtp_content, 90, "", VERIFY_DIFFERS, "mxwitness.smtp.content_octets", "octets are counted" },
	{ CUT, NUMBER, F_smtp_content, 90, "", VERIFY_SAME, "truncated", "but not in what is not whole" },
	{ CUT, NUMBER, F_dane_verdict, daneverdict_match, "", VERIFY_DIFFERS, "mxwitness.dane.verdict", "which excuses no verdict" },
	{ CAPTURE, NUMBER, F_alert_level, level_low, "", VERIFY_DIFFERS, "mxwitness.alert.level", "the same rules, another level" },
	{ CONTEXT("cc", "bb", "capture", "false"), NUMBER, F_alert_level, level_low, "", VERIFY_SAME, "the rules are others", "other rules" },
	{ CONTEXT("cc", "bb", "capture", "false"), TEXT, F_rule_name, 0, "another", VERIFY_SAME, "", "other rules, other words" },
	{ CONTEXT("cc", "bb", "capture", "false"), NUMBER, F_certainty, certainty_indication, "", VERIFY_DIFFERS, "mxwitness.certainty",
	  "other rules excuse no certainty" },
	{ CAPTURE, TEXT, F_rule_id, 0, "other", VERIFY_DIFFERS, "give no finding tlsa-mismatch", "another finding" },
	{ CAPTURE, GONE, F_alert_level, 0, "", VERIFY_DIFFERS, "give no finding tlsa-mismatch", "no alert at all" },
	{ CONTEXT("aa", "xx", "capture", "false"), SAME, 0, 0, "", VERIFY_UNREADABLE, "other trust anchors", "cannot be compared" },
	{ "{\"rules\":", SAME, 0, 0, "", VERIFY_UNREADABLE, "cannot be read", "a context that is damaged" },
};

static void change(struct record *r, size_t i)
{
	if (rows[i].how == NUMBER && fact_table[rows[i].fact].type == T_TRI)
		record_tri(r, rows[i].fact, (enum tri)rows[i].number);
	else if (rows[i].how == NUMBER)
		record_num(r, rows[i].fact, rows[i].number);
	else if (rows[i].how != SAME)
		record_unset(r, rows[i].fact);
	if (rows[i].how == TEXT)
		record_cstr(r, rows[i].fact, rows[i].text);
}

struct told {
	int status;
	char text[1200];
};

static void send_event(struct channel *to, const struct record *r)
{
	size_t n = record_size(r) < sizeof(*r) ? record_size(r) : sizeof(*r);
	channel_send(to, CH_EVENT, (struct bytes){ (const uint8_t *)r, n }, (struct bytes){ 0 });
}

/* What proc_compare makes of these records, before in front of r and the note in front of both, if there is one. */
static struct told compare_both(const struct claim *claim, const struct record *before, const struct record *r, const char *packet, bool end)
{
	static struct run run = { .context = { .rules = "aa", .anchor = "bb" } };
	struct told told = { 0 };
	int fd[2], out[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(pipe(out), 0);
	struct channel *to = channel_new(fd[0]), *from = channel_new(fd[1]);
	if (packet)
		channel_send(to, CH_NOTE, bytes_of("e"), bytes_of(packet));
	if (before)
		send_event(to, before);
	send_event(to, r);
	if (end)
		channel_send(to, CH_END, (struct bytes){ 0 }, (struct bytes){ 0 });
	channel_free(to);
	run.claim = claim;
	run.out = out[1];
	told.status = proc_compare(&run, from);
	channel_free(from);
	close(out[1]);
	assert_true(read(out[0], told.text, sizeof(told.text) - 1) >= 0);
	close(out[0]);
	return told;
}

static struct told compare(const struct claim *claim, const struct record *r, const char *packet, bool end)
{
	return compare_both(claim, NULL, r, packet, end);
}

static struct bytes json_of(const struct record *r, char buf[JSON_ALERT_LINE])
{
	struct text t = { buf, 0, JSON_ALERT_LINE, false };
	assert_true(json_event(r, JSON_ALERT_LINE, &t));
	return (struct bytes){ (const uint8_t *)buf, t.n - 1 };
}

static void test_compare(void **state)
{
	(void)state;
	static struct record was, is;
	static char buf[JSON_ALERT_LINE];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make(&was);
		make(&is);
		change(&is, i);
		struct claim claim = { .alert = json_of(&was, buf), .context = bytes_of(rows[i].context) };
		struct told told = compare(&claim, &is, NULL, true);
		if (told.status != (int)rows[i].want || !strstr(told.text, rows[i].says))
			fail_msg("row %zu (%s): %d \"%s\"", i, rows[i].why, told.status, told.text);
	}
}

/* An alert that rose while the session went on comes twice; the one in the file may be either. */
static void test_risen(void **state)
{
	(void)state;
	static struct record first, risen, other;
	static char buf[JSON_ALERT_LINE];
	make(&first);
	make(&risen);
	make(&other);
	record_num(&risen, F_outcome, outcome_clear_content);
	record_num(&other, F_outcome, outcome_not_delivered);
	struct claim claim = { .alert = json_of(&risen, buf), .context = bytes_of(CAPTURE) };
	assert_int_equal(compare_both(&claim, &first, &risen, NULL, true).status, VERIFY_SAME);
	assert_int_equal(compare_both(&claim, &risen, &first, NULL, true).status, VERIFY_SAME);
	assert_int_equal(compare_both(&claim, &first, &other, NULL, true).status, VERIFY_DIFFERS);
	assert_int_equal(compare_both(&claim, &first, &risen, "packet 3 is not what was written", true).status, VERIFY_DIFFERS);
}

static void test_packets(void **state)
{
	(void)state;
	static struct record r;
	static char buf[JSON_ALERT_LINE];
	make(&r);
	struct claim claim = { .alert = json_of(&r, buf), .context = bytes_of(CAPTURE) };
	struct told told = compare(&claim, &r, "packet 3 is not what was written", true);
	assert_int_equal(told.status, VERIFY_DIFFERS);
	assert_string_equal(told.text, "packet 3 is not what was written");
	told = compare(&claim, &r, NULL, false);
	assert_int_equal(told.status, VERIFY_UNREADABLE);       /* who ends early has not said all */
	r.used = RECORD_TEXT + 1;
	told = compare(&claim, &r, NULL, true);
	assert_int_equal(told.status, VERIFY_UNREADABLE);
}

static void test_lookup_failed(void **state)
{
	(void)state;
	static struct record was, is;
	static char buf[JSON_ALERT_LINE];
	make(&was);
	make(&is);
	record_num(&was, F_dane_dnssec, dnsstatus_failed);
	record_num(&is, F_dane_dnssec, dnsstatus_incomplete);
	struct claim claim = { .alert = json_of(&was, buf), .context = bytes_of(LIVE) };
	struct told told = compare(&claim, &is, NULL, true);
	assert_int_equal(told.status, VERIFY_DIFFERS);
	assert_non_null(strstr(told.text, "a lookup had failed, which no message shows: mxwitness.dane.dnssec"));
}

/* What no packet shows is taken from the claim, and nothing else. */
static void test_site(void **state)
{
	(void)state;
	static struct record r;
	static char buf[JSON_ALERT_LINE];
	make(&r);
	record_num(&r, F_net_direction, direction_outbound);
	record_num(&r, F_vantage, vantage_server_side);
	record_tri(&r, F_own_client, TRI_YES);
	struct claim claim = { .alert = json_of(&r, buf), .context = bytes_of(CAPTURE) };
	record_init(&r);
	record_tri(&r, F_own_server, TRI_YES);
	claim_site(&claim, &r);
	assert_int_equal(record_get_num(&r, F_net_direction, -1), direction_outbound);
	assert_int_equal(record_get_num(&r, F_vantage, -1), vantage_server_side);
	assert_int_equal(record_get_tri(&r, F_own_client), TRI_YES);
	assert_int_equal(record_get_tri(&r, F_own_server), TRI_UNSEEN);
	assert_false(record_has(&r, F_dane_verdict) || record_has(&r, F_rule_id));
}

/* ---- who asks for a verdict ---- */

static uint64_t number_of(const char *path)
{
	uint64_t h = UINT64_C(14695981039346656037);
	for (; *path; path++)
		h = (h ^ (uint8_t)*path) * UINT64_C(1099511628211);
	return h;
}

static void answer(int fd, const char *path, enum verify_status status, const char *text)
{
	struct verify_result r;
	memset(&r, 0, sizeof(r));
	r.path = path ? number_of(path) : 0;
	r.status = status;
	strcpy(r.text, text);
	assert_int_equal(send(fd, &r, sizeof(r), 0), sizeof(r));
}

static bool asked(int fd, const char *path)
{
	char buf[64] = "";
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);
	return n == (ssize_t)strlen(path) && strcmp(buf, path) == 0;
}

/* An answer about a file that nobody waits for any more is no answer; another verifier is asked again. */
static void test_ask(void **state)
{
	struct verify_result r;
	int pair[2], status;
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	answer(pair[1], "b", VERIFY_SAME, "it came before anybody asked");
	pid_t pid = fork();
	if (pid == 0) {
		bool good = asked(pair[1], "b");
		answer(pair[1], "a", VERIFY_SAME, "another file");
		verifier_hello(pair[1]);
		good = good && asked(pair[1], "b");
		answer(pair[1], "b", VERIFY_DIFFERS, "this one");
		_exit(!good);
	}
	verifier_ask(pair[0], "b", &r);
	assert_int_equal(r.status, VERIFY_DIFFERS);
	assert_string_equal(r.text, "this one");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(pair[1]);
	verifier_ask(pair[0], "b", &r);
	assert_int_equal(r.status, VERIFY_UNREADABLE);
	assert_string_equal(r.text, "the process that repeats verdicts gave no answer");
	close(pair[0]);
}

/* Whether an authority was trusted is the claim's word, all else is found anew. */
static void test_trust(void **state)
{
	static const struct {
		int was, problem_was, is, problem_is; /* -1: not there */
		int result;
		unsigned problems;
		const char *why;
	} heard[] = {
		{ pkix_valid, -1, pkix_invalid, pkixproblem_untrusted, pkix_valid, 0, "trusted then" },
		{ pkix_invalid, pkixproblem_untrusted, pkix_valid, -1, pkix_invalid, 1u << pkixproblem_untrusted, "trusted here only" },
		{ pkix_valid, -1, pkix_invalid, pkixproblem_expired, pkix_invalid, 1u << pkixproblem_expired, "expired is expired" },
		{ pkix_invalid, pkixproblem_expired, pkix_valid, -1, pkix_valid, 0, "and not for the claim's word" },
		{ pkix_invalid, pkixproblem_self_signed, pkix_invalid, pkixproblem_host_mismatch, pkix_invalid,
		  1u << pkixproblem_self_signed | 1u << pkixproblem_host_mismatch, "both" },
		{ pkix_not_checked, -1, pkix_invalid, pkixproblem_untrusted, pkix_invalid, 1u << pkixproblem_untrusted, "the claim says nothing" },
		{ -1, -1, pkix_invalid, pkixproblem_untrusted, pkix_invalid, 1u << pkixproblem_untrusted, "not even that" },
		{ pkix_invalid, pkixproblem_untrusted, pkix_not_checked, -1, pkix_not_checked, 0, "there is no chain here" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++) {
		static struct record was, is;
		static char buf[JSON_ALERT_LINE];
		struct bytes item;
		unsigned problems = 0;
		make(&was);
		record_init(&is);
		record_unset(&was, F_pkix);
		record_unset(&was, F_pkix_problems);
		if (heard[i].was >= 0)
			record_num(&was, F_pkix, heard[i].was);
		if (heard[i].problem_was >= 0)
			record_add_num(&was, F_pkix_problems, heard[i].problem_was);
		record_num(&is, F_pkix, heard[i].is);
		if (heard[i].problem_is >= 0)
			record_add_num(&is, F_pkix_problems, heard[i].problem_is);
		struct claim claim = { .alert = json_of(&was, buf) };
		claim_trust(&claim, &is);
		for (size_t pos = 0; record_next(&is, F_pkix_problems, &pos, &item);)
			problems |= 1u << record_item_num(item);
		if (record_get_num(&is, F_pkix, -1) != heard[i].result || problems != heard[i].problems)
			fail_msg("%s", heard[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_compare), cmocka_unit_test(test_packets), cmocka_unit_test(test_risen), cmocka_unit_test(test_lookup_failed),
					    cmocka_unit_test(test_ask), cmocka_unit_test(test_site), cmocka_unit_test(test_trust) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
