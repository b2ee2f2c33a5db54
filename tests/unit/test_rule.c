/* rule, alert: the shipped rules over small records: what each finds, its near misses, its level for every promise and
 * every outcome, the verdict, and the alert that comes of it. Run from the top of the source tree. */
#include "judge/rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "judge/alert.h"
#include "rule_file.h"

enum { MAX = 16 };

static struct rules *rules;
static struct rule_scratch *scratch;

static void set_one(struct record *r, enum fact f, struct bytes v)
{
	const struct fact_info *info = &fact_table[f];
	switch (info->type) {
	case T_TRI:
		record_tri(r, f, bytes_eq(v, bytes_of("true")) ? TRI_YES : TRI_NO);
		break;
	case T_NUM:
	case T_TIME:
	case T_DUR:
		record_num(r, f, strtoll((const char *)v.p, NULL, 10));
		break;
	case T_ENUM:
		assert_true(word_index(info->words, v) >= 0);
		record_num(r, f, word_index(info->words, v));
		break;
	case T_STR:
	case T_HEX:
	case T_IP:
		record_str(r, f, v);
		break;
	case T_LSTR:
	case T_LHEX:
	case T_LIP:
		record_add(r, f, v);
		break;
	case T_LNUM:
		record_add_num(r, f, strtoll((const char *)v.p, NULL, 10));
		break;
	case T_LENUM:
		assert_true(word_index(info->words, v) >= 0);
		record_add_num(r, f, word_index(info->words, v));
		break;
	}
}

/* "fact=value fact=value": what the record says; "-fact" unsets. Lists take the fact again for each item. */
static void set(struct record *r, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, " ");
		size_t eq = strcspn(text, "= ");
		bool unset = text[0] == '-';
		enum fact f = fact_by_name((struct bytes){ (const uint8_t *)text + unset, eq - unset });
		if (f == FACT_COUNT)
			fail_msg("no fact in \"%s\"", text);
		if (unset)
			record_unset(r, f);
		else
			set_one(r, f, (struct bytes){ (const uint8_t *)text + eq + 1, n - eq - 1 });
		text += n + (text[n] == ' ');
	}
}

/* A session in clear, seen whole, to a host that promises DANE, whose content was accepted. */
static const char clear[] =
	"event.id=S1 source.port=40000 destination.port=25 mxwitness.service=mx mxwitness.capture.c2s=true "
	"mxwitness.capture.s2c=true mxwitness.capture.gap_in_dialogue=false mxwitness.capture.midstream=false "
	"mxwitness.capture.one_direction=false mxwitness.capture.end=fin tls.established=false mxwitness.tls.seen=false "
	"mxwitness.identity.confidence=high mxwitness.identity.host=mx.example.org mxwitness.expectation.strongest=dane "
	"mxwitness.expectation.all=dane mxwitness.outcome=clear-content mxwitness.delivery=seen "
	"mxwitness.dane.verdict=tls-absent mxwitness.dane.dnssec=secure mxwitness.smtp.transactions=1 ";
static const char ehlo[] =
	"mxwitness.smtp.ehlo=client.example mxwitness.smtp.ehlo_reply_code=250 mxwitness.smtp.ehlo_reply_complete=true "
	"mxwitness.smtp.ehlo_keywords=PIPELINING mxwitness.smtp.ehlo_keywords=SIZE mxwitness.smtp.starttls.requested=false "
	"mxwitness.smtp.starttls.offered=false ";
#define NONE "-mxwitness.expectation.all mxwitness.expectation.strongest=none mxwitness.dane.verdict=no-tlsa "
/* The same with TLS, a visible certificate and mail inside. */
#define TLS "tls.established=true mxwitness.tls.seen=true mxwitness.tls.client_hello=true mxwitness.tls.server_hello=true " \
	"mxwitness.tls.certificate_visibility=visible -mxwitness.smtp.transactions mxwitness.outcome=tls-ok " \
	"mxwitness.delivery=inferred mxwitness.smtp.starttls.offered=true mxwitness.smtp.starttls.requested=true " \
	"mxwitness.smtp.starttls.reply_code=220 mxwitness.dane.verdict=match tls.version=1.2 "
#define BAD TLS "mxwitness.dane.verdict=mismatch mxwitness.outcome=tls-bad-peer "
#define MASK "mxwitness.smtp.starttls.mask_form=x-mask mxwitness.smtp.starttls.masked_keyword=XXXXXXXA "
#define REFUSED "mxwitness.smtp.starttls.offered=true mxwitness.smtp.starttls.requested=true "
#define ANSWERED REFUSED "mxwitness.smtp.starttls.reply_code=220 mxwitness.tls.client_hello=true mxwitness.tls.server_hello=false " \
	"mxwitness.smtp.clear_after_220=true mxwitness.tls.seen=true "
#define OFFER "mxwitness.smtp.starttls.offered=true "
#define HELO "-mxwitness.smtp.ehlo -mxwitness.smtp.starttls.offered -mxwitness.smtp.ehlo_reply_complete " \
	"-mxwitness.smtp.ehlo_reply_code mxwitness.smtp.helo=client.example mxwitness.smtp.banner=mx-ESMTP-x "
#define AUTH "mxwitness.smtp.auth.class=secret mxwitness.smtp.auth.mechanism=PLAIN mxwitness.smtp.auth.response_sent=true "
#define SENTINEL TLS "mxwitness.tls.sentinel_contradicts_offer=true mxwitness.tls.server_random_sentinel=1.2 "
#define BOGUS "-mxwitness.expectation.all mxwitness.expectation.strongest=none mxwitness.dane.verdict=bogus "

/* found: "finding/variant level certainty" of each, joined by ", "; verdict of the session. */
static const struct {
	const char *facts, *found, *verdict, *why;
} cases[] = {
	{ "", "starttls-not-offered/ critical indication", "downgraded", "no STARTTLS, DANE, content in clear" },
	{ NONE, "starttls-not-offered/ informational indication", "clear", "no promise: no alert" },
	{ "mxwitness.smtp.ehlo_reply_complete=false", "", "downgraded", "the reply was not seen whole: no finding" },
	{ "mxwitness.capture.gap_in_dialogue=true", "", "downgraded", "a gap before: no finding" },
	{ "mxwitness.service=submissions", "implicit-tls-missing/ critical strong", "downgraded", "implicit TLS has no STARTTLS" },
	{ "-mxwitness.smtp.starttls.offered", "", "downgraded", "unseen is not no" },
	{ "mxwitness.outcome=not-delivered mxwitness.delivery=no", "starttls-not-offered/ medium indication", "downgraded",
	  "control held, first occurrence: a step lower" },
	{ "mxwitness.identity.confidence=low", "starttls-not-offered/ medium indication", "downgraded",
	  "an unsure identity caps the level" },
	{ "-mxwitness.identity.confidence", "starttls-not-offered/ medium indication", "downgraded", "no identity as well" },
	{ "-mxwitness.expectation.all mxwitness.expectation.strongest=sts-testing mxwitness.expectation.all=sts-testing",
	  "starttls-not-offered/ low indication", "downgraded", "under a promise a low finding gives the verdict, too" },
	{ NONE "destination.port=9999", "starttls-not-offered/ informational indication, extra/ medium indication",
	  "misconfigured", "high, shifted to critical, capped" },
	{ MASK, "starttls-keyword-masked/x-mask critical strong", "downgraded", "masked, not just missing" },
	{ MASK NONE, "starttls-keyword-masked/x-mask medium strong", "downgraded", "self-proving" },
	{ MASK NONE "mxwitness.smtp.starttls.masked_keyword=XXXB", "starttls-not-offered/ informational indication", "clear",
	  "the mask of a shorter keyword" },
	{ MASK NONE OFFER "mxwitness.smtp.starttls.requested=true mxwitness.smtp.starttls.reply_code=220", "", "clear",
	  "STARTTLS is offered on another line" },
	{ MASK NONE "mxwitness.expectation.strongest=baseline mxwitness.expectation.all=baseline mxwitness.outcome=not-delivered "
	  "mxwitness.delivery=no", "starttls-keyword-masked/x-mask high strong", "downgraded", "floor at baseline" },
	{ MASK "mxwitness.identity.confidence=low", "starttls-keyword-masked/x-mask medium strong", "downgraded",
	  "an unsure identity takes nothing from what proves itself" },
	{ "mxwitness.smtp.starttls.mask_form=mangled " NONE, "starttls-keyword-masked/mangled medium strong", "downgraded", "" },
	{ "mxwitness.smtp.starttls.mask_form=reply-truncated " NONE, "starttls-keyword-masked/reply-truncated medium strong",
	  "downgraded", "" },
	{ "mxwitness.smtp.starttls.mask_form=param-poisoned " NONE, "starttls-keyword-masked/param-poisoned low indication",
	  "clear", "indications never stand above low alone" },
	{ REFUSED "mxwitness.smtp.starttls.reply_code=454", "starttls-refused/temporary critical indication, tls-failed-then-cleartext/after-refusal critical indication", "downgraded", "" },
	{ REFUSED "mxwitness.smtp.starttls.reply_code=454 mxwitness.outcome=not-delivered mxwitness.delivery=no",
	  "starttls-refused/temporary medium indication, tls-failed-then-cleartext/after-refusal medium indication", "downgraded", "the sender defers" },
	{ REFUSED "mxwitness.smtp.starttls.reply_code=454 " NONE, "starttls-refused/temporary informational indication, tls-failed-then-cleartext/after-refusal informational indication", "clear",
	  "" },
	{ REFUSED "mxwitness.smtp.starttls.reply_code=502", "starttls-refused/disowned critical strong, tls-failed-then-cleartext/after-refusal critical indication", "downgraded", "" },
	{ REFUSED "mxwitness.smtp.starttls.offered=false mxwitness.smtp.starttls.reply_code=502",
	  "starttls-not-offered/ critical indication, starttls-refused/other critical indication, tls-failed-then-cleartext/after-refusal critical indication", "downgraded",
	  "never offered: not disowned" },
	{ REFUSED "mxwitness.smtp.starttls.reply_code=503", "starttls-refused/other critical indication, tls-failed-then-cleartext/after-refusal critical indication", "downgraded", "" },
	{ REFUSED, "starttls-refused/no-reply critical indication", "downgraded", "closed without a reply" },
	{ REFUSED "mxwitness.capture.one_direction=true", "", "downgraded", "the reply cannot have been seen" },
	{ REFUSED "mxwitness.capture.end=timeout", "", "downgraded", "the reply may have come later" },
	{ REFUSED "mxwitness.smtp.starttls.reply_code=454 tls.established=true mxwitness.outcome=tls-ok", "", "encrypted",
	  "TLS after all" },
	{ OFFER, "starttls-not-used/ critical indication", "downgraded", "networks unknown: the destination's promise" },
	{ OFFER NONE, "starttls-not-used/ informational indication", "clear", "" },
	{ OFFER NONE "mxwitness.own.client=true mxwitness.own.server=false", "starttls-not-used/ medium indication",
	  "downgraded", "own clients use what is offered" },
	{ OFFER "mxwitness.own.client=false mxwitness.own.server=true", "starttls-not-used/ informational indication",
	  "downgraded", "a foreign client" },
	{ OFFER "mxwitness.smtp.transactions=0 mxwitness.outcome=not-delivered mxwitness.delivery=no " NONE, "", "unknown",
	  "a probe that quits" },
	{ OFFER "mxwitness.capture.c2s=false", "", "downgraded", "who did not see the client says nothing about it" },
	{ HELO, "starttls-not-used/helo-only critical indication", "downgraded", "" },
	{ HELO "mxwitness.smtp.banner=mx", "", "downgraded", "the banner promises nothing" },
	{ "mxwitness.smtp.ehlo_reply_code=502 mxwitness.smtp.helo=client.example -mxwitness.smtp.starttls.offered",
	  "ehlo-refused/ critical indication", "downgraded", "" },
	{ "mxwitness.smtp.ehlo_reply_code=421 mxwitness.smtp.helo=client.example -mxwitness.smtp.starttls.offered", "",
	  "downgraded", "load is not refusal" },
	{ "mxwitness.smtp.ehlo_reply_code=502 -mxwitness.smtp.starttls.offered", "", "downgraded", "no HELO followed" },
	{ HELO "mxwitness.smtp.x_command=XXXX mxwitness.smtp.banner=mx", "ehlo-refused/x-command critical strong", "downgraded",
	  "" },
	{ NONE OFFER "mxwitness.smtp.x_command=XXXXXXXX", "starttls-command-rewritten/x-command high proof, starttls-not-used/ informational indication",
	  "downgraded", "proof needs no promise" },
	{ NONE OFFER "mxwitness.smtp.x_command=XXXX", "starttls-not-used/ informational indication", "clear",
	  "four X are another command" },
	{ NONE OFFER "mxwitness.smtp.x_command=XXXXXXXX mxwitness.capture.gap_in_dialogue=true", "", "clear", "a gap says nothing" },
	{ NONE REFUSED "mxwitness.smtp.starttls.reply_code=500 mxwitness.smtp.echoed_command=XXXXXXXX",
	  "starttls-command-rewritten/echo-mismatch high proof, starttls-refused/disowned informational strong, tls-failed-then-cleartext/after-refusal informational indication", "downgraded", "" },
	{ NONE REFUSED "mxwitness.smtp.starttls.reply_code=500 mxwitness.smtp.echoed_command=Starttls", "starttls-refused/disowned informational strong, tls-failed-then-cleartext/after-refusal informational indication",
	  "clear", "a normalised verb is no other command" },
	{ NONE ANSWERED "mxwitness.smtp.starttls.second_code=500", "tls-answered-in-clear/ high proof, tls-failed-then-cleartext/after-refusal informational indication", "downgraded", "" },
	{ ANSWERED "mxwitness.smtp.starttls.second_code=500", "tls-answered-in-clear/ critical proof, tls-failed-then-cleartext/after-refusal critical indication", "downgraded", "with a promise, the matrix" },
	{ NONE ANSWERED "mxwitness.smtp.starttls.second_code=454", "starttls-refused/late-454 informational indication, tls-failed-then-cleartext/after-refusal informational indication", "clear", "a server that broke and says so" },
	{ NONE ANSWERED "mxwitness.smtp.starttls.second_code=500 mxwitness.tls.server_hello=true", "tls-failed-then-cleartext/after-refusal informational indication", "clear", "it did enter TLS" },
	{ BAD "mxwitness.dane.variant=ee-no-match", "tlsa-mismatch/ee-no-match critical proof", "intercepted", "" },
	{ BAD "mxwitness.dane.variant=ta-no-match", "tlsa-mismatch/ta-no-match critical proof", "intercepted", "" },
	{ BAD "mxwitness.dane.variant=ta-not-in-chain", "tlsa-mismatch/ta-not-in-chain critical proof", "intercepted", "" },
	{ BAD "mxwitness.dane.variant=ta-name-mismatch", "tlsa-mismatch/ta-name-mismatch critical proof", "intercepted", "" },
	{ BAD "mxwitness.dane.variant=ta-expired", "tlsa-mismatch/ta-expired critical proof", "misconfigured", "" },
	{ BAD "mxwitness.dane.variant=anonymous", "tlsa-mismatch/anonymous critical proof", "intercepted", "" },
	{ BAD "mxwitness.dane.variant=bad-certificate", "tlsa-mismatch/bad-certificate critical strong", "intercepted", "" },
	{ BAD "mxwitness.dane.variant=agility-only-weak", "tlsa-mismatch/agility-only-weak medium proof", "misconfigured",
	  "medium whatever the table says" },
	{ BAD "mxwitness.dane.variant=wrong-sni", "tlsa-mismatch/wrong-sni medium indication", "misconfigured", "" },
	{ BAD "mxwitness.dane.verdict=mismatch-transitional mxwitness.dane.variant=transitional-old",
	  "tlsa-mismatch/transitional-old medium strong", "misconfigured", "" },
	{ BAD "mxwitness.dane.verdict=mismatch-transitional mxwitness.dane.variant=transitional-early",
	  "tlsa-mismatch/transitional-early medium strong", "misconfigured", "" },
	{ BAD "mxwitness.dane.variant=ee-no-match mxwitness.delivery=unknown", "tlsa-mismatch/ee-no-match high proof",
	  "intercepted", "delivery not known" },
	{ BAD "mxwitness.dane.variant=ee-no-match mxwitness.delivery=no mxwitness.outcome=not-delivered",
	  "tlsa-mismatch/ee-no-match high proof", "intercepted", "control held; a proof is not lowered" },
	{ BAD "mxwitness.dane.variant=ee-no-match mxwitness.identity.confidence=medium",
	  "tlsa-mismatch/ee-no-match critical strong", "intercepted", "as sure as the identity" },
	{ BAD "mxwitness.dane.variant=ee-no-match mxwitness.identity.confidence=low",
	  "tlsa-mismatch/ee-no-match medium indication", "intercepted", "" },
	{ BAD "mxwitness.dane.variant=ee-no-match tls.established=false mxwitness.tls.alert.side=client "
	  "mxwitness.outcome=not-delivered mxwitness.delivery=no", "tlsa-mismatch/ee-no-match high proof", "intercepted",
	  "the client refused the certificate" },
	{ BAD "mxwitness.dane.variant=ee-no-match tls.established=false mxwitness.outcome=unknown", "", "unknown",
	  "the handshake broke off: not judged" },
	{ TLS, "", "authenticated", "a match" },
	{ TLS "mxwitness.dane.verdict=not-visible mxwitness.tls.certificate_visibility=hidden",
	  "cert-not-visible/ informational proof", "encrypted", "TLS 1.3" },
	{ TLS NONE "mxwitness.tls.certificate_visibility=hidden", "", "encrypted", "nobody promised a certificate" },
	{ TLS "-mxwitness.expectation.all mxwitness.expectation.strongest=dane-tls-only mxwitness.expectation.all=dane-tls-only "
	  "mxwitness.dane.verdict=tls-only-ok mxwitness.dane.usable=0", "tlsa-unusable/ low proof", "encrypted", "" },
	{ TLS "mxwitness.dane.usable=1", "", "authenticated", "one usable record is enough" },
	{ BOGUS TLS "mxwitness.dane.verdict=bogus mxwitness.delivery=unknown", "dnssec-bogus/ medium strong", "misconfigured",
	  "" },
	{ BOGUS TLS "mxwitness.dane.verdict=bogus", "dnssec-bogus/ high strong", "misconfigured", "delivered meanwhile" },
	{ BOGUS TLS "mxwitness.dane.verdict=incomplete", "", "encrypted", "a missing proof is not a bogus one" },
	{ SENTINEL, "tls-version-downgrade/sentinel critical proof", "downgraded", "completed" },
	{ SENTINEL NONE "tls.established=false mxwitness.outcome=not-delivered", "tls-version-downgrade/sentinel high proof",
	  "downgraded", "the client noticed" },
	{ SENTINEL "mxwitness.tls.client_hello=false", "", "authenticated", "needs both hellos" },
	{ SENTINEL "mxwitness.tls.sentinel_contradicts_offer=false", "", "authenticated", "a TLS 1.2 client: normal" },
	{ SENTINEL "mxwitness.identity.confidence=none", "tls-version-downgrade/sentinel critical proof", "downgraded",
	  "proves itself whoever the server is" },
	{ TLS "mxwitness.tls.selected_not_offered=true", "tls-version-downgrade/mismatch critical proof", "downgraded", "" },
	{ SENTINEL "mxwitness.tls.selected_not_offered=true", "tls-version-downgrade/sentinel critical proof", "downgraded",
	  "one finding a session; equals by file order" },
	{ AUTH NONE "mxwitness.outcome=clear-auth", "auth-in-clear/secret high proof, starttls-not-offered/ informational "
	  "indication", "clear", "" },
	{ AUTH NONE "mxwitness.outcome=clear-auth mxwitness.own.server=true mxwitness.own.client=false",
	  "auth-in-clear/secret critical proof, starttls-not-offered/ informational indication", "clear", "own service" },
	{ AUTH NONE "mxwitness.outcome=clear-auth mxwitness.own.server=true mxwitness.own.client=false "
	  "mxwitness.smtp.auth.reply_code=535", "auth-in-clear/guessing informational proof, starttls-not-offered/ "
	  "informational indication", "clear", "guessing from outside" },
	{ AUTH NONE "mxwitness.outcome=clear-auth mxwitness.own.server=true mxwitness.own.client=false "
	  "mxwitness.smtp.auth.reply_code=235", "auth-in-clear/secret critical proof, starttls-not-offered/ informational "
	  "indication", "clear", "not guessing: it was right" },
	{ AUTH NONE "mxwitness.outcome=clear-auth mxwitness.smtp.auth.reply_code=535", "auth-in-clear/secret high proof, "
	  "starttls-not-offered/ informational indication", "clear", "networks unknown: no excuse" },
	{ AUTH NONE "mxwitness.smtp.auth.class=crackable", "auth-in-clear/crackable medium proof, starttls-not-offered/ "
	  "informational indication", "clear", "" },
	{ AUTH NONE "mxwitness.smtp.auth.class=strong", "auth-in-clear/strong low proof, starttls-not-offered/ informational "
	  "indication", "clear", "" },
	{ AUTH NONE "mxwitness.smtp.auth.response_sent=false", "starttls-not-offered/ informational indication", "clear",
	  "nothing was shown" },
	{ NONE "mxwitness.outcome=unknown -mxwitness.smtp.starttls.offered -tls.established", "", "unknown", "too little seen" },
};

static size_t judge(struct record *r, const char *more, struct finding out[MAX])
{
	record_init(r);
	set(r, clear);
	set(r, ehlo);
	set(r, more);
	return rules_judge(rules, scratch, r, out, MAX);
}

static void describe(const struct finding *f, size_t n, char out[512])
{
	size_t at = 0;
	out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, 512 - at, "%s%s/%s %s %s", i ? ", " : "", f[i].rule->finding,
				       f[i].rule->variant, fact_table[F_alert_level].words[f[i].level],
				       fact_table[F_certainty].words[f[i].certainty]);
}

static void each_finding(void **state)
{
	(void)state;
	struct record *r = malloc(sizeof(*r));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct finding out[MAX];
		char found[512];
		size_t n = judge(r, cases[i].facts, out);
		const char *verdict = fact_table[F_verdict].words[record_get_num(r, F_verdict, 0)];
		describe(out, n, found);
		if (strcmp(found, cases[i].found) != 0 || strcmp(verdict, cases[i].verdict) != 0)
			fail_msg("case %zu (%s)\n  want: %s | %s\n  have: %s | %s", i, cases[i].why, cases[i].found,
				 cases[i].verdict, found, verdict);
		assert_int_equal(record_count(r, F_finding_id), n);
		assert_int_equal(record_count(r, F_finding_level), n);
		assert_true(record_has(r, F_event_reason));
		assert_true(record_check(r, record_size(r)));
	}
	free(r);
}

/* the table of rules/severity.yaml, written out once more: i l m h c; first occurrence of an indication, delivery unknown. */
static const struct {
	const char *expectation, *levels;
} matrix[] = {
	{ "dane", "cchhmh" }, { "sts-enforce", "cchhmh" }, { "policy", "cchhmh" }, { "dane-tls-only", "cchimm" },
	{ "baseline", "hcmmlm" }, { "sts-testing", "lcllii" }, { "none", "iiiiii" },
};
static const char *const outcomes[] = { "clear-content", "clear-auth", "clear-envelope", "tls-bad-peer", "not-delivered",
					"unknown" };

static void whole_matrix(void **state)
{
	(void)state;
	struct record *r = malloc(sizeof(*r));
	for (size_t i = 0; i < sizeof(matrix) / sizeof(matrix[0]); i++) {
		for (size_t o = 0; o < 6; o++) {
			struct finding out[MAX];
			char facts[400];
			snprintf(facts, sizeof(facts), "-mxwitness.expectation.all mxwitness.expectation.strongest=%s "
				 "mxwitness.expectation.all=%s mxwitness.outcome=%s mxwitness.delivery=unknown",
				 matrix[i].expectation, matrix[i].expectation, outcomes[o]);
			assert_int_equal(judge(r, facts, out), 1);
			assert_int_equal("ilmhc"[out[0].level], matrix[i].levels[o]);
		}
	}
	free(r);
}

/* Of several promises the worst level counts, and a further promise never lowers it. */
static void several_promises(void **state)
{
	(void)state;
	struct record *r = malloc(sizeof(*r));
	struct finding out[MAX];
	assert_int_equal(judge(r, "-mxwitness.expectation.all mxwitness.expectation.strongest=dane-tls-only "
			       "mxwitness.expectation.all=dane-tls-only mxwitness.expectation.all=policy "
			       "mxwitness.outcome=not-delivered", out), 1);
	assert_int_equal(out[0].level, level_medium);
	assert_int_equal(judge(r, "mxwitness.expectation.all=baseline mxwitness.identity.confidence=hint", out), 1);
	assert_int_equal(out[0].level, level_high);
	assert_int_equal(out[0].expectation, expect_baseline);
	free(r);
}

static bool is(const struct record *r, enum fact f, const char *text)
{
	return bytes_eq(record_get_str(r, f), bytes_of(text));
}

static void alert(void **state)
{
	(void)state;
	struct record *r = malloc(sizeof(*r)), *a = malloc(sizeof(*a));
	struct finding out[MAX];
	assert_int_equal(judge(r, BAD "mxwitness.dane.variant=ee-no-match event.start=5 event.end=9 "
			       "tls.server.hash.sha256=AB mxwitness.dane.tlsa.result=no-match", out), 1);
	alert_make(rules, r, &out[0], a);
	assert_true(record_check(a, record_size(a)));
	assert_true(is(a, F_rule_id, "tlsa-mismatch") && is(a, F_event_action, "tlsa-mismatch"));
	assert_true(is(a, F_variant, "ee-no-match") && is(a, F_tlsrpt, "certificate-not-trusted"));
	assert_true(is(a, F_rule_category, "tlsa-mismatch") && is(a, F_rule_ruleset, "mxwitness"));
	assert_true(is(a, F_event_reason, "level critical from expectation dane and outcome tls-bad-peer"));
	assert_int_equal(record_get_num(a, F_event_severity, 0), 99);
	assert_int_equal(record_get_num(a, F_alert_level, 0), level_critical);
	assert_int_equal(record_get_num(a, F_certainty, 0), certainty_proof);
	assert_int_equal(record_get_num(a, F_alert_first, 0), 5);
	assert_true(record_list_has(a, F_threat_technique, bytes_of("T1588.004")));
	assert_true(record_list_has(a, F_alert_sessions, bytes_of("S1")));
	/* printf 'S1\0tlsa-mismatch\0' | sha256sum, and the same of that and "1" */
	assert_true(is(a, F_alert_incident, "c4ce0571ef0d9de1d00dfd00798e9ec1"));
	assert_true(is(a, F_event_id, "f25562b5b7be9d0188f1284bb77a7c23"));
	assert_int_equal(record_count(a, F_tlsa_result), 1);
	assert_false(record_has(a, F_findings));
	struct bytes m = record_get_str(a, F_message);
	assert_non_null(memmem(m.p, m.n, "mx.example.org showed the certificate AB (subject unknown,", 57));
	assert_non_null(memmem(m.p, m.n, "results: no-match;", 18));
	free(r);
	free(a);
}

/* The wire cannot write our sentences: control characters and length end in the value. */
static void hostile_value(void **state)
{
	(void)state;
	struct record *r = malloc(sizeof(*r)), *a = malloc(sizeof(*a));
	struct finding out[MAX];
	char keyword[RECORD_TEXT];
	record_init(r);
	set(r, clear);
	set(r, ehlo);
	memset(keyword, 'A', sizeof(keyword));
	memcpy(keyword, "{event.id}\r\n\x1b[2J\xff", 17);
	for (int i = 0; i < RECORD_ITEMS; i++)
		record_add(r, F_smtp_keywords, (struct bytes){ (uint8_t *)keyword, 64 });
	assert_int_equal(rules_judge(rules, scratch, r, out, MAX), 1);
	alert_make(rules, r, &out[0], a);
	struct bytes m = record_get_str(a, F_message);
	assert_true(m.n > 0 && !memchr(m.p, '\r', m.n) && !memchr(m.p, 0x1b, m.n) && !memchr(m.p, 0xff, m.n));
	assert_non_null(memmem(m.p, m.n, "{event.id}", 10));
	free(r);
	free(a);
}

static void more_than_fit(void **state)
{
	(void)state;
	struct record *r = malloc(sizeof(*r));
	struct finding out[MAX];
	record_init(r);
	set(r, clear);
	set(r, ehlo);
	set(r, AUTH);
	assert_int_equal(rules_judge(rules, scratch, r, out, 1), 1);
	assert_int_equal(r->truncated, 1);
	free(r);
}

static uint32_t dice(uint32_t *state, uint32_t sides)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % sides;
}

/* A session by chance: each fact of a session seen or not, with a value of its type. */
static void by_chance(struct record *r, uint32_t *state)
{
	record_init(r);
	uint32_t density = 1 + dice(state, 4);
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		const struct fact_info *info = &fact_table[i];
		enum fact f = (enum fact)i;
		size_t words = 0;
		while (info->words && info->words[words])
			words++;
		if (!(info->sets & IN_SESSION) || dice(state, 5) >= density)
			continue;
		if (info->type == T_TRI)
			record_tri(r, f, dice(state, 2) ? TRI_YES : TRI_NO);
		else if (info->type == T_ENUM)
			record_num(r, f, dice(state, (uint32_t)words));
		else if (info->type == T_LENUM)
			record_add_num(r, f, dice(state, (uint32_t)words));
		else if (info->type == T_LNUM)
			record_add_num(r, f, dice(state, 600));
		else if (info->type == T_IP || info->type == T_LIP)
			continue;
		else if (info->type >= T_LSTR)
			record_add_cstr(r, f, dice(state, 2) ? "STARTTLS" : "XXXXXXXX");
		else if (info->type == T_STR || info->type == T_HEX)
			record_cstr(r, f, dice(state, 2) ? "STARTTLS" : "1.0");
		else
			record_num(r, f, dice(state, 600));
	}
}

static bool without_index(const struct rule *rule, const struct record *r)
{
	bool yes = rule->enabled && rule_walk(rules, scratch, rule->start, r);
	for (uint32_t i = 0; yes && i < rule->filters; i++)
		yes = rule_walk(rules, scratch, rule->filter[i]->start, r);
	return yes;
}

/* Over sessions that nobody would think of, the index loses no rule and adds none; and it is worth its while. */
static void index_is_true(void **state)
{
	(void)state;
	struct record *r = malloc(sizeof(*r));
	struct finding out[RULE_FINDINGS];
	uint32_t seed = 1, hits = 0;
	for (unsigned round = 0; round < 20000; round++) {
		bool want[512] = { false }, have[512] = { false };
		by_chance(r, &seed);
		assert_true(rules->findings <= 512);
		for (size_t i = 0; i < rules->count; i++)
			want[rules->rule[i].finding_at] |= without_index(&rules->rule[i], r);
		size_t n = rules_judge(rules, scratch, r, out, RULE_FINDINGS);
		hits += (uint32_t)n;
		for (size_t i = 0; i < n; i++)
			have[out[i].rule->finding_at] = true;
		assert_memory_equal(want, have, sizeof(want));
	}
	assert_true(hits > 1000);
	free(r);
}

/* What no shipped rule does. */
static const char extra[] =
	"title: T\nid: 5b0c6f0e-5d0e-4f0b-9d43-6f2f8f2b7f10\nname: extra\nlevel: high\n"
	"logsource: {product: mxwitness, service: session}\n"
	"detection:\n  port: {destination.port: 9999}\n  condition: port\n"
	"mxwitness:\n  cap: medium\n  verdict: misconfigured\n  shift: [{by: 1, when: port, why: W}]\n";

static int load(void **state)
{
	struct error e;
	(void)state;
	rules = rules_load("rules", NULL, &e);
	if (!rules || !rules_add(rules, "extra.yaml", bytes_of(extra), &e) || !rules_finish(rules, &e)) {
		print_error("%s\n", e.text);
		return 1;
	}
	scratch = rule_scratch_new(rules);
	return scratch == NULL;
}

static int unload(void **state)
{
	(void)state;
	rule_scratch_free(scratch);
	rules_free(rules);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_finding), cmocka_unit_test(whole_matrix), cmocka_unit_test(several_promises),
		cmocka_unit_test(alert), cmocka_unit_test(hostile_value), cmocka_unit_test(more_than_fit),
		cmocka_unit_test(index_is_true),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
