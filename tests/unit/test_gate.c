/* gate: a session in words, and the judgements that could not be made of it. */
#include "judge/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* facts: words of the table below, blanks between. unknown: "what:why" in order, blanks between.
 * Without a word about it a session was seen whole and ended by FIN. */
static const struct {
	const char *facts, *unknown, *why;
} t[] = {
	{ "banner ehlo ehlo-whole no-offer no-request mail no-content", "", "clear, seen whole" },
	{ "banner ehlo ehlo-whole offer request 220 tls hello-c hello-s cert established", "", "TLS 1.2, seen whole" },
	{ "banner", "", "the client left after the greeting: nothing was due" },
	{ "banner helo no-request mail content", "", "HELO: no offer was due" },
	{ "banner ehlo ehlo-502 no-request", "", "EHLO refused: no offer was due" },
	/* offer */
	{ "banner ehlo no-request", "offer:not-complete", "EHLO was never answered" },
	{ "ehlo no-request mail content one-side", "offer:one-direction", "the client's side alone shows content, not the offer" },
	{ "banner ehlo no-request mail gap content", "offer:gap", "the offer fell into a gap" },
	{ "mail content midstream", "offer:midstream use:midstream", "the beginning is missing" },
	{ "tls hello-c hello-s cert established midstream", "", "TLS was used: whether it was offered is no question" },
	{ "submissions tls hello-c hello-s cert established", "", "TLS from the start" },
	/* use */
	{ "banner ehlo ehlo-whole offer one-side", "use:one-direction content:one-direction", "the server's side alone shows the offer" },
	{ "banner ehlo ehlo-whole offer gap", "use:gap content:gap", "the client's octets behind the offer are missing" },
	{ "banner ehlo ehlo-whole no-offer gap", "content:gap", "near miss: what was not offered cannot be left unused" },
	/* refusal */
	{ "banner ehlo ehlo-whole offer request", "refusal:not-complete", "STARTTLS was never answered" },
	{ "ehlo ehlo-whole offer request one-side no-content", "refusal:one-direction content:one-direction", "the answer was not seen" },
	{ "banner ehlo ehlo-whole offer request 454 no-content", "", "near miss: refused" },
	{ "banner ehlo ehlo-whole offer request tls hello-c hello-s cert established", "", "near miss: TLS is the answer" },
	/* content */
	{ "banner ehlo ehlo-whole no-offer no-request mail no-content open", "content:not-complete", "never ended" },
	{ "banner ehlo ehlo-whole no-offer no-request mail content open", "", "near miss: content went already" },
	{ "banner ehlo ehlo-whole no-offer no-request mail no-content limit", "content:limit", "a bound was hit" },
	{ "banner ehlo ehlo-whole offer request 220 after-220 mail content mirror", "content:hidden", "a decrypted copy" },
	{ "banner ehlo ehlo-whole offer request 220 after-220 mail content", "", "near miss: not one" },
	{ "banner ehlo ehlo-whole offer request 220 tls failed no-content", "negotiation:not-complete certificate:not-complete",
	  "failed before the hellos" },
	{ "offer request 220 tls hello-c hello-s cert client-alert open", "content:not-complete", "refused, and what came then?" },
	{ "offer request 220 tls hello-c hello-s cert client-alert", "", "near miss: it ended" },
	/* negotiation */
	{ "ehlo offer request 220 tls hello-c one-side", "content:one-direction negotiation:one-direction certificate:one-direction", "client only" },
	{ "offer request 220 tls hello-s cert one-side", "content:one-direction negotiation:one-direction certificate:one-direction", "server only" },
	{ "offer request 220 tls hello-c gap", "content:gap negotiation:gap certificate:gap", "the server's hello is missing" },
	{ "offer request 220 tls hello-c hello-s gap", "content:gap certificate:gap", "the chain is missing" },
	/* certificate */
	{ "offer request 220 tls hello-c hello-s tls13 established", "certificate:hidden", "TLS 1.3" },
	{ "offer request 220 tls hello-c hello-s resumed established", "certificate:hidden", "resumed" },
	{ "offer request 220 tls hello-c hello-s ech established", "certificate:hidden", "ECH" },
	{ "offer request 220 tls hello-c hello-s anonymous established", "", "no certificate exists" },
	{ "offer request 220 tls hello-c hello-s cert failed", "certificate:not-complete", "the client did not say what it thought of it" },
	{ "offer request 220 tls hello-c hello-s cert failed server-alert", "certificate:not-complete", "nor by an alert of the server" },
	{ "offer request 220 tls hello-c hello-s cert failed client-alert", "", "near miss: refused by an alert" },
	{ "offer request 220 tls hello-c hello-s incomplete failed", "certificate:not-complete", "ended before the certificate" },
	/* interference */
	{ "banner ehlo ehlo-whole no-offer no-request rst few", "interference:few-packets", "a RST, and nothing to compare it with" },
	{ "banner ehlo ehlo-whole no-offer no-request few", "", "near miss: no RST" },
	{ "banner ehlo ehlo-whole no-offer no-request rst many", "", "near miss: enough packets" },
	{ "banner ehlo ehlo-whole no-offer no-request conflict few", "interference:few-packets", "a conflict" },
	{ "banner ehlo ehlo-whole no-offer no-request mail content conflict many limit", "interference:limit", "a bound was hit" },
	{ "banner ehlo ehlo-whole no-offer no-request rst many lossy", "interference:packets-lost", "the sensor lost packets" },
	{ "banner ehlo ehlo-whole no-offer no-request many lossy", "", "near miss: nothing ended it" },
	{ "mail content rst many midstream", "offer:midstream use:midstream interference:midstream", "no SYN to compare with" },
};

static const struct {
	const char *word;
	enum fact fact;
	int64_t num; /* of a number or a word; TRI_NO, TRI_YES */
} words[] = {
	{ "banner", F_smtp_banner_code, 220 },	      { "helo", F_smtp_helo, 0 },
	{ "ehlo", F_smtp_ehlo, 0 },		      { "ehlo-502", F_smtp_ehlo_code, 502 },
	{ "ehlo-whole", F_smtp_ehlo_complete, TRI_YES }, { "offer", F_smtp_offered, TRI_YES },
	{ "no-offer", F_smtp_offered, TRI_NO },	      { "request", F_smtp_requested, TRI_YES },
	{ "no-request", F_smtp_requested, TRI_NO },   { "220", F_smtp_stls_code, 220 },
	{ "454", F_smtp_stls_code, 454 },	      { "mail", F_smtp_transactions, 1 },
	{ "content", F_smtp_content, 400 },	      { "no-content", F_smtp_content, 0 },
	{ "after-220", F_smtp_after_220, TRI_YES },   { "mirror", F_mirror, TRI_YES },
	{ "submissions", F_service, service_submissions }, { "tls", F_tls_seen, TRI_YES },
	{ "hello-c", F_tls_hello_c, TRI_YES },	      { "hello-s", F_tls_hello_s, TRI_YES },
	{ "established", F_tls_established, TRI_YES }, { "failed", F_tls_failed, TRI_YES },
	{ "cert", F_tls_cert_vis, visibility_visible }, { "tls13", F_tls_cert_hidden, hiddenby_tls13 },
	{ "resumed", F_tls_cert_hidden, hiddenby_resumed }, { "ech", F_tls_cert_hidden, hiddenby_ech },
	{ "incomplete", F_tls_cert_hidden, hiddenby_handshake_incomplete }, { "anonymous", F_tls_anonymous, TRI_YES },
	{ "client-alert", F_tls_alert_side, side_client }, { "server-alert", F_tls_alert_side, side_server },
	{ "gap", F_cap_gap_dialogue, TRI_YES },	      { "midstream", F_cap_midstream, TRI_YES },
	{ "one-side", F_cap_one_direction, TRI_YES }, { "limit", F_cap_limit, TRI_YES },
	{ "open", F_cap_end, endhow_timeout },	      { "rst", F_cap_end, endhow_rst },
	{ "conflict", F_cap_conflicts, 1 },	      { "few", F_src_packets, 2 },
	{ "many", F_src_packets, 3 },		      { "lossy", F_cap_lossy, TRI_YES },
};

static void put_word(struct record *s, const char *word)
{
	size_t i = 0;
	while (i < sizeof(words) / sizeof(words[0]) && strcmp(words[i].word, word) != 0)
		i++;
	assert_true(i < sizeof(words) / sizeof(words[0]));
	if (fact_table[words[i].fact].type == T_TRI)
		record_tri(s, words[i].fact, (enum tri)words[i].num);
	else if (fact_table[words[i].fact].type == T_STR)
		record_cstr(s, words[i].fact, "mail.example.org");
	else
		record_num(s, words[i].fact, words[i].num);
}

static void session_of(const char *facts, struct record *s)
{
	char text[256], *save = NULL;
	record_init(s);
	record_num(s, F_service, service_mx);
	record_num(s, F_cap_end, endhow_fin);
	record_num(s, F_src_packets, 20);
	record_num(s, F_dst_packets, 20);
	record_add_num(s, F_unknown_what, judgement_interference); /* of another process, which has no say */
	record_add_num(s, F_unknown_why, lack_few_packets);
	strcpy(text, facts);
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		put_word(s, word);
}

static void entries(const struct record *s, char out[256])
{
	size_t what = 0, why = 0;
	struct bytes a, b;
	out[0] = '\0';
	while (record_next(s, F_unknown_what, &what, &a)) {
		assert_true(record_next(s, F_unknown_why, &why, &b));
		if (out[0])
			strcat(out, " ");
		strcat(out, fact_table[F_unknown_what].words[record_item_num(a)]);
		strcat(out, ":");
		strcat(out, fact_table[F_unknown_why].words[record_item_num(b)]);
	}
	assert_false(record_next(s, F_unknown_why, &why, &b));
}

static void every_row(void **state)
{
	static struct record s;
	char got[256];
	int failed = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		session_of(t[i].facts, &s);
		gate_judge(&s);
		assert_true(record_check(&s, record_size(&s)));
		entries(&s, got);
		if (strcmp(got, t[i].unknown) == 0)
			continue;
		print_message("%s: \"%s\", not \"%s\"\n", t[i].why, got, t[i].unknown);
		failed++;
	}
	print_message("%zu rows\n", sizeof(t) / sizeof(t[0]));
	assert_int_equal(failed, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(every_row) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
