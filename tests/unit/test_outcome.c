/* outcome: the table of what happened to the mail, row by row with near misses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "judge/outcome.h"

enum { CLEAN, GAP, MIDSTREAM, ONE_SIDE, OPEN_END };

#define OU(x) outcome_##x
#define DE(x) delivery_##x
#define NONE (-1)

/* mail: transactions; content: octets; ok, no: messages accepted, refused; secret: AUTH PLAIN response in clear
 * tls: 0 none, 1 established, 2 failed; v13; rec: application-data records of the client; app: their octets, 0: the sum
 * verdict: of DANE, NONE unseen; accepted: yesno, NONE unseen */
static const struct {
	const char *why;
	int mail, content, ok, no;
	bool secret;
	int tls;
	bool v13, refusal;
	int rec[8], app, verdict, cover;
	enum outcome outcome;
	enum delivery delivery;
	int accepted;
	const char *event;
} t[] = {
	{ "clear content, accepted", 1, 900, 1, 0, 0, 0, 0, 0, { 0 }, 0, NONE, CLEAN, OU(clear_content), DE(seen), yesno_yes, "unknown" },
	{ "clear content, refused at its end", 1, 900, 0, 1, 0, 0, 0, 0, { 0 }, 0, NONE, CLEAN, OU(clear_content), DE(no), yesno_no, "unknown" },
	{ "one accepted of two", 2, 900, 1, 1, 0, 0, 0, 0, { 0 }, 0, NONE, CLEAN, OU(clear_content), DE(seen), yesno_yes, "unknown" },
	{ "clear content, no reply seen: exposed either way", 1, 900, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, ONE_SIDE, OU(clear_content), DE(unknown), yesno_unknown, "unknown" },
	{ "one octet is content", 1, 1, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, CLEAN, OU(clear_content), DE(unknown), yesno_unknown, "unknown" },
	{ "near miss: envelope only", 1, 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, CLEAN, OU(clear_envelope), DE(no), NONE, "unknown" },
	{ "envelope, then a gap: what followed is not known", 1, 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, GAP, OU(clear_envelope), DE(unknown), NONE, "unknown" },
	{ "a secret in clear", 0, 0, 0, 0, 1, 0, 0, 0, { 0 }, 0, NONE, CLEAN, OU(clear_auth), DE(no), NONE, "unknown" },
	{ "a secret in clear, then TLS: it was exposed", 0, 0, 0, 0, 1, 1, 0, 0, { 400, 400, 400, 400, 400 }, 0, NONE, CLEAN, OU(clear_auth), DE(inferred), NONE, "success" },
	{ "nothing was sent, the client left", 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, CLEAN, OU(not_delivered), DE(no), NONE, "unknown" },
	{ "near miss: the same with a gap", 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, GAP, OU(unknown), DE(unknown), NONE, "unknown" },
	{ "or without a beginning", 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, MIDSTREAM, OU(unknown), DE(unknown), NONE, "unknown" },
	{ "or one side only", 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, ONE_SIDE, OU(unknown), DE(unknown), NONE, "unknown" },
	{ "or without an end", 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, OPEN_END, OU(unknown), DE(unknown), NONE, "unknown" },
	{ "handshake failed, client left", 0, 0, 0, 0, 0, 2, 0, 0, { 0 }, 0, daneverdict_tls_failed, CLEAN, OU(not_delivered), DE(no), NONE, "failure" },
	{ "handshake failed, then content in clear", 1, 900, 1, 0, 0, 2, 0, 0, { 0 }, 0, daneverdict_tls_failed, CLEAN, OU(clear_content), DE(seen), yesno_yes, "failure" },
	{ "TLS, match, mail-like", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 120, 900, 500, 30 }, 0, daneverdict_match, CLEAN, OU(tls_ok), DE(inferred), NONE, "success" },
	{ "TLS, certificate not seen", 0, 0, 0, 0, 0, 1, 1, 0, { 53, 60, 120, 900, 600, 30 }, 0, daneverdict_not_visible, CLEAN, OU(tls_ok), DE(inferred), NONE, "success" },
	{ "no DNS at all", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 120, 900, 500, 30 }, 0, NONE, CLEAN, OU(tls_ok), DE(inferred), NONE, "success" },
	{ "bad peer, mail-like", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 120, 900, 500, 30 }, 0, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(inferred), NONE, "success" },
	{ "bad peer, 1537 octets in four records", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 120, 1000, 357 }, 0, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(inferred), NONE, "success" },
	{ "near miss: 1536 octets", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 120, 1000, 356 }, 0, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(unknown), NONE, "success" },
	{ "bad peer, a sender that pipelines", 0, 0, 0, 0, 0, 1, 0, 0, { 45, 120, 2438 }, 0, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(inferred), NONE, "success" },
	{ "near miss: two records", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 2100 }, 0, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(unknown), NONE, "success" },
	{ "TLS 1.3: Finished is no mail", 0, 0, 0, 0, 0, 1, 1, 0, { 69, 120, 1420 }, 0, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(unknown), NONE, "success" },
	{ "TLS 1.3: nor is a client certificate before it", 0, 0, 0, 0, 0, 1, 1, 0, { 1200, 281, 53, 60, 120, 200 }, 0, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(unknown), NONE, "success" },
	{ "TLS 1.3: Finished alone: nothing was sent", 0, 0, 0, 0, 0, 1, 1, 0, { 53 }, 0, daneverdict_not_visible, CLEAN, OU(not_delivered), DE(no), NONE, "success" },
	{ "TLS 1.3: and close_notify is nothing", 0, 0, 0, 0, 0, 1, 1, 0, { 53, 19 }, 0, daneverdict_not_visible, CLEAN, OU(not_delivered), DE(no), NONE, "success" },
	{ "TLS 1.3: near miss: a record of 20 octets", 0, 0, 0, 0, 0, 1, 1, 0, { 53, 20 }, 0, daneverdict_not_visible, CLEAN, OU(tls_ok), DE(unknown), NONE, "success" },
	{ "near miss: 19 octets are no alert in TLS 1.2", 0, 0, 0, 0, 0, 1, 0, 0, { 19 }, 0, daneverdict_not_visible, CLEAN, OU(tls_ok), DE(unknown), NONE, "success" },
	{ "long tail is counted in octets", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 60, 60, 60, 60, 60, 60, 60 }, 90000, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(inferred), NONE, "success" },
	{ "refusal form: a completed handshake with the wrong peer is no leak", 0, 0, 0, 0, 0, 1, 0, 1, { 30, 26 }, 0, daneverdict_mismatch, CLEAN, OU(not_delivered), DE(no), NONE, "success" },
	{ "bad peer, nothing sent", 0, 0, 0, 0, 0, 1, 0, 0, { 0 }, 0, daneverdict_mismatch, CLEAN, OU(not_delivered), DE(no), NONE, "success" },
	{ "near miss: nothing sent that we saw, but octets are missing", 0, 0, 0, 0, 0, 1, 0, 0, { 0 }, 0, daneverdict_mismatch, GAP, OU(tls_bad_peer), DE(unknown), NONE, "success" },
	{ "unusable records: any peer will do", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 120, 900, 500, 30 }, 0, daneverdict_tls_only_ok, CLEAN, OU(tls_ok), DE(inferred), NONE, "success" },
};

static void session_of(size_t i, struct record *s)
{
	int64_t sum = 0;
	record_init(s);
	record_num(s, F_smtp_transactions, t[i].mail);
	record_num(s, F_smtp_content, t[i].content);
	record_num(s, F_smtp_messages, t[i].ok);
	record_num(s, F_smtp_messages_refused, t[i].no);
	if (t[i].secret) {
		record_num(s, F_smtp_auth_class, authclass_secret);
		record_yes(s, F_smtp_auth_response);
	}
	if (t[i].tls) {
		record_tri(s, F_tls_established, t[i].tls == 1 ? TRI_YES : TRI_NO);
		record_tri(s, F_tls_failed, t[i].tls == 2 ? TRI_YES : TRI_NO);
		record_cstr(s, F_tls_version, t[i].v13 ? "1.3" : "1.2");
		record_tri(s, F_tls_refusal, t[i].refusal ? TRI_YES : TRI_NO);
	}
	for (int k = 0; k < 8 && t[i].rec[k]; k++) {
		record_add_num(s, F_tls_rec_c2s, t[i].rec[k]);
		sum += t[i].rec[k];
	}
	if (t[i].tls == 1)
		record_num(s, F_tls_app_c2s, t[i].app ? t[i].app : sum);
	if (t[i].verdict != NONE)
		record_num(s, F_dane_verdict, t[i].verdict);
	record_num(s, F_cap_end, t[i].cover == OPEN_END ? endhow_none : endhow_fin);
	if (t[i].cover == GAP) {
		record_yes(s, F_cap_gap_dialogue);
		record_num(s, F_cap_gap_c2s, 100);
	}
	if (t[i].cover == MIDSTREAM)
		record_yes(s, F_cap_midstream);
	if (t[i].cover == ONE_SIDE)
		record_yes(s, F_cap_one_direction);
}

static void every_row(void **state)
{
	static struct record s;
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		session_of(i, &s);
		outcome_judge(&s);
		if (record_get_num(&s, F_outcome, NONE) != (int64_t)t[i].outcome || record_get_num(&s, F_delivery, NONE) != (int64_t)t[i].delivery)
			print_message("%s: outcome %d delivery %d\n", t[i].why, (int)record_get_num(&s, F_outcome, NONE),
				      (int)record_get_num(&s, F_delivery, NONE));
		assert_int_equal(record_get_num(&s, F_outcome, NONE), t[i].outcome);
		assert_int_equal(record_get_num(&s, F_delivery, NONE), t[i].delivery);
		assert_int_equal(record_get_num(&s, F_accepted, NONE), t[i].accepted);
		assert_true(bytes_eq(record_get_str(&s, F_event_outcome), bytes_of(t[i].event)));
	}
	print_message("%zu rows\n", sizeof(t) / sizeof(t[0]));
}

static void octets_after_tls_come_first(void **state)
{
	static struct record s;
	(void)state;
	session_of(0, &s);
	record_init(&s);
	record_yes(&s, F_tls_established);
	record_num(&s, F_cap_end, endhow_fin);
	for (int i = 0; i < 4; i++)
		record_add_num(&s, F_tls_rec_c2s, 600);
	record_num(&s, F_tls_app_c2s, 2400);
	record_num(&s, F_smtp_after_tls, 1500); /* who counted knows better what was in front */
	outcome_judge(&s);
	assert_int_equal(record_get_num(&s, F_delivery, NONE), delivery_unknown);
}

/* Words for what the table above has no column for. */
static const struct {
	const char *word;
	enum fact fact;
	int64_t num;
	const char *text;
} words[] = {
	{ "fin", F_cap_end, endhow_fin, NULL },		{ "open", F_cap_end, endhow_timeout, NULL },
	{ "gap", F_cap_gap_dialogue, TRI_YES, NULL },	{ "gap-client", F_cap_gap_c2s, 100, NULL },
	{ "gap-server", F_cap_gap_s2c, 100, NULL },	{ "limit", F_cap_limit, TRI_YES, NULL },
	{ "mail", F_smtp_transactions, 1, NULL },	{ "content", F_smtp_content, 900, NULL },
	{ "deferred", F_smtp_rcpt_deferred, 1, NULL },	{ "rejected", F_smtp_rcpt_refused, 1, NULL },
	{ "accepted", F_smtp_messages, 1, NULL },	{ "refused", F_smtp_messages_refused, 1, NULL },
	{ "secret", F_smtp_auth_class, authclass_secret, NULL }, { "crackable", F_smtp_auth_class, authclass_crackable, NULL },
	{ "strong", F_smtp_auth_class, authclass_strong, NULL }, { "other", F_smtp_auth_class, authclass_other, NULL },
	{ "response", F_smtp_auth_response, TRI_YES, NULL }, { "454", F_smtp_stls_code, 454, NULL },
	{ "220", F_smtp_stls_code, 220, NULL },		{ "after-220", F_smtp_after_220, TRI_YES, NULL },
	{ "mirror", F_mirror, TRI_YES, NULL },		{ "no-mirror", F_mirror, TRI_NO, NULL },
	{ "tls", F_tls_established, TRI_YES, NULL },	{ "failed", F_tls_failed, TRI_YES, NULL },
	{ "rejected13", F_tls_rejected13, TRI_YES, NULL }, { "refusal", F_tls_refusal, TRI_YES, NULL },
	{ "anonymous", F_tls_anonymous, TRI_YES, NULL }, { "mismatch", F_dane_verdict, daneverdict_mismatch, NULL },
	{ "tls-only", F_dane_verdict, daneverdict_tls_only_ok, NULL }, { "match", F_dane_verdict, daneverdict_match, NULL },
	{ "null", F_tls_cipher, 0, "TLS_RSA_WITH_NULL_SHA256" }, { "null-ecdhe", F_tls_cipher, 0, "TLS_ECDHE_RSA_WITH_NULL_SHA" },
	{ "null13", F_tls_cipher, 0, "TLS_SHA256_SHA256" }, { "aes", F_tls_cipher, 0, "TLS_RSA_WITH_AES_128_CBC_SHA256" },
	{ "much", F_tls_app_c2s, 90000, NULL },		{ "little", F_tls_app_c2s, 900, NULL },
	{ "nothing", F_tls_app_c2s, 0, NULL },
	{ "pin", F_policy_pin, TRI_YES, NULL },		{ "no-pin", F_policy_pin, TRI_NO, NULL },
	{ "no-name", F_policy_names, TRI_NO, NULL },	{ "requiretls", F_policy_requiretls, TRI_YES, NULL },
	{ "invalid", F_pkix, pkix_invalid, NULL },	{ "unchecked", F_pkix, pkix_not_checked, NULL },
};

static const struct {
	const char *facts;
	enum outcome outcome;
	enum delivery delivery;
	const char *event, *why;
} more[] = {
	/* clear-envelope */
	{ "mail deferred fin", OU(clear_envelope), DE(no), "unknown", "greylisted" },
	{ "mail rejected fin", OU(clear_envelope), DE(no), "unknown", "recipient refused" },
	{ "mail deferred open", OU(clear_envelope), DE(unknown), "unknown", "greylisted, and no end seen" },
	{ "mail deferred fin limit", OU(clear_envelope), DE(unknown), "unknown", "a bound was hit" },
	{ "mail deferred fin tls match much", OU(clear_envelope), DE(inferred), "success", "an envelope in clear, then all again in TLS" },
	{ "mail deferred fin tls mismatch much", OU(tls_bad_peer), DE(inferred), "success", "the mail itself went to a wrong peer: worse" },
	/* clear-auth */
	{ "secret response fin", OU(clear_auth), DE(no), "unknown", "a secret" },
	{ "secret fin", OU(not_delivered), DE(no), "unknown", "near miss: the server did not ask on" },
	{ "crackable response fin", OU(not_delivered), DE(no), "unknown", "near miss: no secret goes over the wire" },
	{ "strong response fin", OU(not_delivered), DE(no), "unknown", "near miss: nor can it be cracked" },
	{ "other response fin", OU(not_delivered), DE(no), "unknown", "near miss: nobody knows" },
	{ "secret response mail content accepted fin", OU(clear_content), DE(seen), "unknown", "a secret and a message" },
	{ "secret response gap", OU(clear_auth), DE(unknown), "unknown", "a secret, whatever is missing" },
	/* clear-content */
	{ "mail content gap", OU(clear_content), DE(unknown), "unknown", "content, whatever is missing" },
	{ "mail content gap-server accepted", OU(clear_content), DE(seen), "unknown", "and it was taken" },
	{ "failed mail content accepted fin", OU(clear_content), DE(seen), "failure", "TLS failed before" },
	/* the sender's control held */
	{ "454 fin", OU(not_delivered), DE(no), "failure", "STARTTLS refused, the client left" },
	{ "failed fin", OU(not_delivered), DE(no), "failure", "handshake failed" },
	{ "failed open", OU(unknown), DE(unknown), "failure", "near miss: and no end seen" },
	{ "failed gap-client fin", OU(unknown), DE(unknown), "failure", "near miss: and octets of the client missing" },
	{ "failed gap-server fin", OU(not_delivered), DE(no), "failure", "octets of the server alone hide no mail" },
	{ "rejected13 failed fin", OU(not_delivered), DE(no), "failure", "refused by an alert inside TLS 1.3" },
	{ "rejected13 failed open", OU(not_delivered), DE(no), "failure", "the same, and no end seen: it said so" },
	{ "tls refusal mismatch much fin", OU(not_delivered), DE(no), "success", "refused by QUIT" },
	{ "tls nothing mismatch fin", OU(not_delivered), DE(no), "success", "said nothing more" },
	{ "tls nothing mismatch open", OU(tls_bad_peer), DE(unknown), "success", "near miss: and no end seen" },
	/* tls-bad-peer */
	{ "tls mismatch much fin", OU(tls_bad_peer), DE(inferred), "success", "mail went to it" },
	{ "tls mismatch little fin", OU(tls_bad_peer), DE(unknown), "success", "less than a mail" },
	{ "tls mismatch anonymous much fin", OU(tls_bad_peer), DE(inferred), "success", "nobody showed a certificate" },
	{ "tls tls-only anonymous much fin", OU(tls_ok), DE(inferred), "success", "near miss: any peer will do" },
	{ "tls no-pin much fin", OU(tls_bad_peer), DE(inferred), "success", "not the key that the site has pinned" },
	{ "tls no-pin match much fin", OU(tls_bad_peer), DE(inferred), "success", "a pin stands, whatever DANE says" },
	{ "tls pin much fin", OU(tls_ok), DE(inferred), "success", "near miss: the key" },
	{ "tls no-pin nothing fin", OU(not_delivered), DE(no), "success", "the sender saw it too" },
	{ "tls no-name much fin", OU(tls_bad_peer), DE(inferred), "success", "none of the names" },
	{ "tls requiretls invalid much fin", OU(tls_bad_peer), DE(inferred), "success", "good by nothing, on a route for REQUIRETLS" },
	{ "tls requiretls unchecked much fin", OU(tls_ok), DE(inferred), "success", "near miss: nobody could tell" },
	{ "tls requiretls invalid match much fin", OU(tls_ok), DE(inferred), "success", "near miss: good by DANE" },
	{ "tls requiretls invalid pin much fin", OU(tls_ok), DE(inferred), "success", "near miss: good by a pin" },
	{ "tls invalid much fin", OU(tls_ok), DE(inferred), "success", "near miss: nobody asked for it" },
	/* a suite that encrypts nothing */
	{ "tls null match much fin", OU(clear_content), DE(inferred), "success", "no encryption" },
	{ "tls null-ecdhe much fin", OU(clear_content), DE(inferred), "success", "no encryption, ephemeral keys" },
	{ "tls null13 much fin", OU(clear_content), DE(inferred), "success", "no encryption, TLS 1.3" },
	{ "tls null mismatch much fin", OU(clear_content), DE(inferred), "success", "no encryption, wrong peer" },
	{ "tls null mismatch little fin", OU(tls_bad_peer), DE(unknown), "success", "wrong peer, less than a mail" },
	{ "tls null little fin", OU(unknown), DE(unknown), "success", "less than a mail: not ok, and not known what" },
	{ "tls null nothing fin", OU(not_delivered), DE(no), "success", "nothing was sent" },
	{ "tls aes match much fin", OU(tls_ok), DE(inferred), "success", "near miss: encryption" },
	/* the decrypted copy of an inspecting device */
	{ "220 after-220 mirror mail content accepted fin", OU(unknown), DE(seen), "unknown", "the wire is not known, the mail is" },
	{ "220 after-220 mirror mail content refused fin", OU(unknown), DE(no), "unknown", "the same, refused" },
	{ "220 after-220 mirror secret response fin", OU(unknown), DE(no), "unknown", "a secret, inside TLS" },
	{ "220 after-220 mirror mail open", OU(unknown), DE(unknown), "unknown", "no end seen" },
	{ "220 after-220 no-mirror mail content accepted fin", OU(clear_content), DE(seen), "failure", "near miss: another network" },
	{ "220 after-220 mail content accepted fin", OU(clear_content), DE(seen), "failure", "near miss: the site says nothing" },
	{ "mirror mail content accepted fin", OU(clear_content), DE(seen), "unknown", "near miss: no STARTTLS, so the copy is as the wire" },
};

static void put_word(struct record *s, const char *word)
{
	size_t i = 0;
	while (i < sizeof(words) / sizeof(words[0]) && strcmp(words[i].word, word) != 0)
		i++;
	assert_true(i < sizeof(words) / sizeof(words[0]));
	if (words[i].text)
		record_cstr(s, words[i].fact, words[i].text);
	else if (fact_table[words[i].fact].type == T_TRI)
		record_tri(s, words[i].fact, (enum tri)words[i].num);
	else
		record_num(s, words[i].fact, words[i].num);
}

static void more_rows(void **state)
{
	static struct record s;
	int failed = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		char text[256], *save = NULL;
		record_init(&s);
		record_cstr(&s, F_tls_version, "1.2");
		for (int k = 0; k < 4 && strstr(more[i].facts, "nothing") == NULL; k++)
			record_add_num(&s, F_tls_rec_c2s, 200);
		strcpy(text, more[i].facts);
		for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
			put_word(&s, word);
		outcome_judge(&s);
		int64_t outcome = record_get_num(&s, F_outcome, NONE), delivery = record_get_num(&s, F_delivery, NONE);
		bool content = outcome == outcome_clear_content;
		if (outcome == (int64_t)more[i].outcome && delivery == (int64_t)more[i].delivery &&
		    bytes_eq(record_get_str(&s, F_event_outcome), bytes_of(more[i].event)) && record_has(&s, F_accepted) == content)
			continue;
		print_message("%s (%s): outcome %d delivery %d\n", more[i].why, more[i].facts, (int)outcome, (int)delivery);
		failed++;
	}
	print_message("%zu rows\n", sizeof(more) / sizeof(more[0]));
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(more_rows),
		cmocka_unit_test(octets_after_tls_come_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
