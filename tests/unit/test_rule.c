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
	{ "mxwitness.capture.gap_in_dialogue=true", "starttls-not-used/offer-unseen critical indication", "downgraded",
	  "a gap before: not known how, but it went in clear" },
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
	{ REFUSED "mxwitness.capture.one_direction=true", "starttls-not-used/offer-unseen critical indication", "downgraded",
	  "the reply cannot have been seen" },
	{ REFUSED NONE "mxwitness.capture.one_direction=true", "", "clear", "nor promised" },
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
	{ HELO "mxwitness.smtp.banner=mx", "starttls-not-used/helo-only critical indication", "downgraded",
	  "the banner promises nothing, the DNS does" },
	{ HELO NONE "mxwitness.smtp.banner=mx", "", "clear", "nobody promises anything" },
	{ "mxwitness.smtp.ehlo_reply_code=502 mxwitness.smtp.helo=client.example -mxwitness.smtp.starttls.offered",
	  "ehlo-refused/ critical indication", "downgraded", "" },
	{ "mxwitness.smtp.ehlo_reply_code=421 mxwitness.smtp.helo=client.example -mxwitness.smtp.starttls.offered",
	  "starttls-not-used/offer-unseen critical indication", "downgraded", "load is not refusal, and no excuse" },
	{ NONE "mxwitness.smtp.ehlo_reply_code=421 mxwitness.smtp.helo=client.example -mxwitness.smtp.starttls.offered", "",
	  "clear", "load is not refusal" },
	{ "mxwitness.smtp.ehlo_reply_code=502 -mxwitness.smtp.starttls.offered",
	  "starttls-not-used/offer-unseen critical indication", "downgraded", "no HELO followed" },
	{ HELO "mxwitness.smtp.x_command=XXXX mxwitness.smtp.banner=mx", "ehlo-refused/x-command critical strong", "downgraded",
	  "" },
	{ NONE OFFER "mxwitness.smtp.x_command=XXXXXXXX", "starttls-command-rewritten/x-command high proof",
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
	{ AUTH NONE "mxwitness.outcome=clear-auth mxwitness.smtp.auth.reply_code=535", "auth-in-clear/failed low proof, "
	  "starttls-not-offered/ informational indication", "clear", "networks unknown: perhaps somebody guesses" },
	{ AUTH NONE "mxwitness.smtp.auth.class=crackable", "auth-in-clear/crackable medium proof, starttls-not-offered/ "
	  "informational indication", "clear", "" },
	{ AUTH NONE "mxwitness.smtp.auth.class=strong", "auth-in-clear/strong low proof, starttls-not-offered/ informational "
	  "indication", "clear", "" },
	{ AUTH NONE "mxwitness.smtp.auth.response_sent=false", "starttls-not-offered/ informational indication", "clear",
	  "nothing was shown" },
	{ NONE "mxwitness.outcome=unknown -mxwitness.smtp.starttls.offered -tls.established", "", "unknown", "too little seen" },
};

/* Facts in a row, one blank between them. */
static void join(char *out, size_t size, const char *first, const char *then)
{
	size_t n = strlen(first);
	snprintf(out, size, "%s%s%s", first, n && first[n - 1] != ' ' ? " " : "", then);
}

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
	bool failed = false;
	struct record *r = malloc(sizeof(*r));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct finding out[MAX];
		char found[512];
		size_t n = judge(r, cases[i].facts, out);
		const char *verdict = fact_table[F_verdict].words[record_get_num(r, F_verdict, 0)];
		describe(out, n, found);
		if (strcmp(found, cases[i].found) != 0 || strcmp(verdict, cases[i].verdict) != 0) {
			print_error("case %zu (%s)\n  want: %s | %s\n  have: %s | %s\n", i, cases[i].why, cases[i].found,
				    cases[i].verdict, found, verdict);
			failed = true;
		}
		assert_int_equal(record_count(r, F_finding_id), n);
		assert_int_equal(record_count(r, F_finding_level), n);
		assert_true(record_has(r, F_event_reason));
		assert_true(record_check(r, record_size(r)));
	}
	free(r);
	assert_false(failed);
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

/* The table of promises and outcomes for each finding that goes by it, from the catalogue alone: base, and at least at
 * these promises, are what its entry says; the rest is the matrix above, where a proof is no first occurrence. Outcomes:
 * c content, a credentials, e envelope, p a wrong peer, n not delivered, u unknown. */
#define PROMISES 7
#define BROKEN TLS "tls.established=false mxwitness.tls.failed=true mxwitness.capture.syn=true "
#define AFTER_220 REFUSED "mxwitness.smtp.starttls.reply_code=220 mxwitness.smtp.clear_after_220=true " \
	"-mxwitness.tls.client_hello mxwitness.smtp.ehlo_after_220=false "
#define RST "mxwitness.capture.syn=true mxwitness.tcp.data_after_reset=true mxwitness.tcp.reset_place="
#define OURS "mxwitness.own.client=true mxwitness.own.server=false "
#define STAR "mxwitness.smtp.banner_masked=true "
static const struct {
	const char *finding, *facts, *outcomes;
	char base;
	bool proof;
	const char *least; /* for each promise in the order of matrix */
} bound[] = {
	{ "starttls-not-offered", "", "caenu", 'i', false, "iiiiiii" },
	{ "starttls-not-offered", "mxwitness.tcp.s2c.shift=true", "caenu", 'i', false, "iiiiiii" },
	{ "starttls-keyword-masked", MASK, "caenu", 'm', false, "iiiihii" },
	{ "starttls-keyword-masked", "mxwitness.smtp.starttls.mask_form=mangled", "caenu", 'm', false, "iiiihii" },
	{ "starttls-keyword-masked", "mxwitness.smtp.starttls.mask_form=reply-truncated", "caenu", 'm', false, "iiiihii" },
	{ "starttls-keyword-masked", "mxwitness.smtp.starttls.mask_form=param-poisoned", "caenu", 'l', false, "iiiihii" },
	{ "starttls-command-rewritten", OFFER "mxwitness.smtp.x_command=XXXXXXXX", "caenu", 'h', true, "iiiiiii" },
	{ "starttls-command-rewritten", REFUSED "mxwitness.smtp.starttls.reply_code=500 mxwitness.smtp.echoed_command=XXXXXXXX",
	  "caenu", 'h', true, "iiiiiii" },
	{ "starttls-command-rewritten", REFUSED "mxwitness.smtp.starttls.reply_code=250", "caenu", 'i', false, "iiiiiii" },
	{ "starttls-command-rewritten", OFFER "mxwitness.smtp.altered_command=STARTTLX", "caenu", 'i', false, "iiiiiii" },
	{ "starttls-refused", REFUSED "mxwitness.smtp.starttls.reply_code=502", "caenu", 'i', false, "iiiiiii" },
	{ "starttls-refused", REFUSED "mxwitness.smtp.starttls.reply_code=454", "caenu", 'i', false, "iiiiiii" },
	{ "starttls-refused", REFUSED "mxwitness.smtp.starttls.reply_code=451", "caenu", 'i', false, "iiiiiii" },
	{ "starttls-refused", REFUSED, "caenu", 'i', false, "iiiiiii" },
	{ "starttls-refused", ANSWERED "mxwitness.smtp.starttls.second_code=454", "caenu", 'i', false, "iiiiiii" },
	{ "starttls-not-used", OFFER, "cae", 'i', false, "iiiiiii" },
	{ "starttls-not-used", OFFER OURS, "cae", 'm', false, "iiiiiii" },
	{ "starttls-not-used", HELO, "cae", 'i', false, "iiiiiii" },
	{ "ehlo-refused", "mxwitness.smtp.ehlo_reply_code=502 mxwitness.smtp.helo=c -mxwitness.smtp.starttls.offered", "cae", 'i',
	  false, "iiiiiii" },
	{ "ehlo-refused", HELO "mxwitness.smtp.x_command=XXXX", "cae", 'i', false, "iiiiiii" },
	{ "greeting-position", "mxwitness.smtp.starttls.in_greeting_line=true", "caenu", 'i', false, "iiiiiii" },
	{ "banner-masked", HELO STAR, "cae", 'l', true, "iiiiiii" },
	{ "tls-answered-in-clear", ANSWERED "mxwitness.smtp.starttls.second_code=500", "caenu", 'h', true, "iiiiiii" },
	{ "starttls-no-handshake", AFTER_220, "caeu", 'i', false, "iiiiiii" },
	{ "starttls-no-handshake", AFTER_220 OURS, "caeu", 'm', false, "iiiiiii" },
	{ "starttls-no-handshake", AFTER_220 "mxwitness.smtp.ehlo_after_220=true", "caeu", 'i', false, "iiiiiii" },
	{ "implicit-tls-missing", "mxwitness.service=submissions", "cenu", 'm', false, "iiiiiii" },
	{ "implicit-tls-missing", "mxwitness.service=submissions mxwitness.own.client=false mxwitness.own.server=true", "cenu", 'h',
	  false, "iiiiiii" },
	{ "implicit-tls-missing", AUTH "mxwitness.service=submissions", "cae", 'h', false, "iiiiiii" },
	{ "tls-failed-then-cleartext", REFUSED "mxwitness.smtp.starttls.reply_code=454", "cae", 'i', false, "iiiiiii" },
	{ "tls-failed-then-cleartext", REFUSED OURS "mxwitness.smtp.starttls.reply_code=454", "cae", 'm', false, "iiiiiii" },
	{ "tls-handshake-reset", BROKEN "mxwitness.tls.failed_how=reset mxwitness.tls.failed_at=client-hello", "nu", 'i', false,
	  "iiiiiii" },
	{ "tls-handshake-alert", BROKEN "mxwitness.tls.alert.level=2 mxwitness.tls.alert.then_handshake=true", "pnu", 'h', false,
	  "iiiiiii" },
	{ "rst-injected", RST "starttls", "caenu", 'h', true, "iiiiiii" },
	{ "rst-injected", RST "content", "caenu", 'm', true, "iiiiiii" },
	{ "rst-injected", "mxwitness.capture.syn=true mxwitness.tcp.dual_reset=true mxwitness.tcp.reset_place=ehlo", "caenu", 'm',
	  false, "iiiiiii" },
	{ "segment-conflict", "mxwitness.tcp.conflict_in_clear=true", "caepnu", 'h', true, "iiiiiii" },
	{ "segment-conflict", "mxwitness.tcp.conflict_elsewhere=true", "caepnu", 'm', true, "iiiiiii" },
	{ "command-injected", TLS "mxwitness.smtp.command_injected=true", "epnu", 'm', true, "iiiiiii" },
	{ "command-injected", TLS OURS "mxwitness.smtp.command_injected=true", "epnu", 'h', true, "iiiiiii" },
	{ "response-injected", TLS "mxwitness.smtp.response_injected=true", "epnu", 'm', true, "iiiiiii" },
	{ "response-injected", TLS OURS "mxwitness.smtp.response_injected=true", "epnu", 'h', true, "iiiiiii" },
	{ "tls-fallback", TLS "mxwitness.tls.fallback_scsv=true", "pnu", 'm', true, "hihiiii" },
	{ "tls-fallback", BROKEN "mxwitness.tls.alert.side=server mxwitness.tls.alert.code=86", "nu", 'm', true, "hihiiii" },
	{ "tls-weak-cipher", TLS "tls.cipher=TLS_RSA_WITH_NULL_SHA", "cpnu", 'l', true, "iiiiiii" },
	{ "key-proof-failed", TLS "mxwitness.tls.key_proof=failed", "pnu", 'h', false, "iiiiiii" },
	{ "requiretls-violation", "mxwitness.smtp.requiretls=true", "ce", 'm', true, "iiiiiii" },
	{ "requiretls-violation", OURS "mxwitness.smtp.requiretls=true", "ce", 'h', true, "iiiiiii" },
	{ "auth-in-clear", AUTH, "ca", 'h', true, "iiiiiii" },
	{ "auth-in-clear", AUTH OURS, "ca", 'c', true, "iiiiiii" },
	{ "server-not-in-mx-set", "network.direction=outbound destination.ip=ABCDEFGHIJKLMNOP mxwitness.identity.location=outside "
	  "mxwitness.identity.mx_dnssec=secure mxwitness.smtp.rcpt_domains=example.org", "caenu", 'l', false, "miiiiii" },
	{ "tlsa-mismatch", BAD "mxwitness.dane.variant=ee-no-match", "pn", 'i', true, "iiiiiii" },
	{ "tlsa-mismatch", BAD "mxwitness.dane.variant=ta-no-match", "pn", 'i', true, "iiiiiii" },
	{ "tlsa-mismatch", BAD "mxwitness.dane.variant=ta-not-in-chain", "pn", 'i', true, "iiiiiii" },
	{ "tlsa-mismatch", BAD "mxwitness.dane.variant=ta-name-mismatch", "pn", 'i', true, "iiiiiii" },
	{ "tlsa-mismatch", BAD "mxwitness.dane.variant=ta-expired", "pn", 'i', true, "iiiiiii" },
	{ "tlsa-mismatch", BAD "mxwitness.dane.variant=anonymous", "pn", 'i', true, "iiiiiii" },
	{ "tlsa-mismatch", BAD "mxwitness.dane.variant=bad-certificate", "pn", 'i', false, "iiiiiii" },
};

static int rank(char level)
{
	return (int)(strchr("ilmhc", level) - "ilmhc");
}

static char worst(char a, char b)
{
	return rank(a) > rank(b) ? a : b;
}

static const struct finding *find(const struct finding *f, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(f[i].rule->finding, id) == 0)
			return &f[i];
	return NULL;
}

/* What the entry, the promise and the outcome make of it; delivery is not known. */
static char level_due(size_t row, size_t promise, size_t outcome)
{
	static const char again[PROMISES][7] = { "cchhhh", "cchhhh", "cchhhh", "cchimm", "hcmmmm", "lcllii", "iiiiii" };
	char level = bound[row].proof ? again[promise][outcome] : matrix[promise].levels[outcome];
	return worst(worst(level, bound[row].base), bound[row].least[promise]);
}

static void each_promise(void **state)
{
	(void)state;
	bool failed = false;
	struct record *r = malloc(sizeof(*r));
	for (size_t i = 0; i < sizeof(bound) / sizeof(bound[0]); i++) {
		for (size_t at = 0; at < PROMISES * 6; at++) {
			size_t p = at / 6, o = at % 6;
			struct finding out[MAX];
			char facts[1600], promise[400], due = level_due(i, p, o);
			if (!strchr(bound[i].outcomes, "caepnu"[o]))
				continue;
			snprintf(promise, sizeof(promise), "-mxwitness.expectation.all mxwitness.expectation.strongest=%s "
				 "mxwitness.expectation.all=%s mxwitness.outcome=%s mxwitness.delivery=unknown",
				 matrix[p].expectation, matrix[p].expectation, outcomes[o]);
			join(facts, sizeof(facts), bound[i].facts, promise);
			size_t n = judge(r, facts, out);
			const struct finding *f = find(out, n, bound[i].finding);
			if (f && "ilmhc"[f->level] == due)
				continue;
			print_error("%s (row %zu), %s, %s: %c instead of %c\n", bound[i].finding, i, matrix[p].expectation,
				    outcomes[o], f ? "ilmhc"[f->level] : '-', due);
			failed = true;
		}
	}
	free(r);
	assert_false(failed);
}

static int highest(const struct finding *f, size_t n)
{
	int level = level_informational;
	for (size_t i = 0; i < n; i++)
		level = f[i].level > level ? f[i].level : level;
	return level;
}

/* However a client came to send mail in clear, and whatever of it was lost: where TLS is promised it is told, and as badly
 * as the matrix says. Without a promise only what proves itself stands above low. */
static void never_silent(void **state)
{
	static const struct {
		const char *facts, *why;
		bool proves;
	} ways[] = {
		{ "", "no offer", false },
		{ OFFER, "offer ignored", false },
		{ HELO, "HELO", false },
		{ HELO "mxwitness.smtp.banner=mx", "HELO to a server of SMTP", false },
		{ HELO STAR, "HELO behind stars", false },
		{ HELO "mxwitness.smtp.x_command=XXXX", "EHLO under a mask", false },
		{ MASK, "offer under a mask", true },
		{ "mxwitness.smtp.starttls.mask_form=param-poisoned", "offer with text glued to it", false },
		{ "mxwitness.smtp.starttls.in_greeting_line=true", "offer in the wrong line", false },
		{ OFFER "mxwitness.smtp.x_command=XXXXXXXX", "STARTTLS under a mask", true },
		{ OFFER "mxwitness.smtp.altered_command=STARTTLX", "STARTTLS altered", false },
		{ "mxwitness.smtp.ehlo_reply_code=421 -mxwitness.smtp.starttls.offered", "EHLO put off", false },
		{ "mxwitness.smtp.ehlo_reply_code=502 -mxwitness.smtp.starttls.offered", "EHLO refused", false },
		{ "mxwitness.smtp.ehlo_reply_code=502 mxwitness.smtp.helo=c -mxwitness.smtp.starttls.offered", "and HELO", false },
		{ REFUSED "mxwitness.smtp.starttls.reply_code=454", "454", false },
		{ REFUSED "mxwitness.smtp.starttls.reply_code=502", "502", false },
		{ REFUSED "mxwitness.smtp.starttls.reply_code=550", "550", false },
		{ REFUSED "mxwitness.smtp.starttls.reply_code=250", "250", false },
		{ ANSWERED "mxwitness.smtp.starttls.second_code=500", "TLS answered in clear", true },
		{ ANSWERED "mxwitness.smtp.starttls.second_code=454", "TLS taken back", false },
		{ AFTER_220, "220 and no TLS", false },
		{ AFTER_220 "mxwitness.smtp.ehlo_after_220=true", "220, no TLS, EHLO again", false },
	};
	static const char *const lost[] = {
		"", "mxwitness.capture.gap_in_dialogue=true", "mxwitness.capture.midstream=true",
		"mxwitness.capture.one_direction=true mxwitness.capture.s2c=false",
	};
	(void)state;
	struct record *r = malloc(sizeof(*r));
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) * 4; i++) {
		struct finding out[MAX];
		char facts[900], free_of[1100];
		join(facts, sizeof(facts), ways[i / 4].facts, lost[i % 4]);
		join(free_of, sizeof(free_of), facts, NONE);
		if (highest(out, judge(r, facts, out)) != level_critical)
			fail_msg("%s, %s: not told", ways[i / 4].why, lost[i % 4]);
		if (highest(out, judge(r, free_of, out)) > level_low && !ways[i / 4].proves)
			fail_msg("%s, %s: told without a promise", ways[i / 4].why, lost[i % 4]);
	}
	free(r);
}

/* A name from the DNS, or a promise found by one, is only as good as the identity; what proves itself is not lowered, and
 * what rests on other promises neither. */
static void each_confidence(void **state)
{
	static const struct {
		const char *facts, *finding;
		const char *want; /* level and certainty for confidence none, hint, low, medium, high */
	} rows[] = {
		{ "", "starttls-not-offered", "mi mi mi ci ci" },
		{ "-mxwitness.expectation.all mxwitness.expectation.strongest=sts-enforce mxwitness.expectation.all=sts-enforce",
		  "starttls-not-offered", "mi mi mi ci ci" },
		{ "-mxwitness.expectation.all mxwitness.expectation.strongest=dane-tls-only "
		  "mxwitness.expectation.all=dane-tls-only", "starttls-not-offered", "mi mi mi ci ci" },
		{ "-mxwitness.expectation.all mxwitness.expectation.strongest=policy mxwitness.expectation.all=policy",
		  "starttls-not-offered", "ci ci ci ci ci" },
		{ "-mxwitness.expectation.all mxwitness.expectation.strongest=baseline mxwitness.expectation.all=baseline",
		  "starttls-not-offered", "hi hi hi hi hi" },
		{ BAD "mxwitness.dane.variant=ee-no-match", "tlsa-mismatch", "mi mi mi cs cp" },
		{ ANSWERED "mxwitness.smtp.starttls.second_code=500", "tls-answered-in-clear", "hp hp hp cs cp" },
		{ MASK, "starttls-keyword-masked", "ms ms ms cs cs" },
	};
	static const char *const words[] = { "none", "hint", "low", "medium", "high" };
	(void)state;
	struct record *r = malloc(sizeof(*r));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t c = 0; c < 5; c++) {
			struct finding out[MAX];
			char facts[900], sure[64];
			snprintf(sure, sizeof(sure), "mxwitness.identity.confidence=%s", words[c]);
			join(facts, sizeof(facts), rows[i].facts, sure);
			const struct finding *f = find(out, judge(r, facts, out), rows[i].finding);
			assert_non_null(f);
			if ("ilmhc"[f->level] != rows[i].want[3 * c] || "isp"[f->certainty] != rows[i].want[3 * c + 1])
				fail_msg("row %zu, confidence %s: %c%c", i, words[c], "ilmhc"[f->level], "isp"[f->certainty]);
		}
	}
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
	/* printf 'S1\0chain\0' | sha256sum, and the same of that and "1" */
	assert_true(is(a, F_alert_incident, "a8d36bb9adf00933d08c168b42ae1859"));
	assert_true(is(a, F_event_id, "04a3560a499ba97eb206fa8f98fddfcc"));
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
	/* Whatever else there is: the last in file order is the worst, and stays. */
	record_init(r);
	set(r, clear);
	set(r, ehlo);
	set(r, BAD "mxwitness.dane.variant=ee-no-match mxwitness.tls.early_hello=true mxwitness.smtp.eod_nonstandard=1 "
		"mxwitness.smtp.banner_masked=true mxwitness.pkix.result=invalid");
	for (size_t room = 1; room <= 3; room++) {
		assert_int_equal(rules_judge(rules, scratch, r, out, room), room);
		assert_string_equal(out[room - 1].rule->finding, "tlsa-mismatch");
		if (room > 1) /* the next worst */
			assert_string_equal(out[0].rule->finding, "banner-masked");
		assert_int_equal(record_get_num(r, F_verdict, 0), verdict_intercepted);
	}
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
	bool yes = rule->enabled && !rule->part && rule_walk(rules, scratch, rule->start, r);
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
		cmocka_unit_test(each_finding), cmocka_unit_test(whole_matrix), cmocka_unit_test(each_promise),
		cmocka_unit_test(never_silent), cmocka_unit_test(each_confidence), cmocka_unit_test(several_promises),
		cmocka_unit_test(alert), cmocka_unit_test(hostile_value), cmocka_unit_test(more_than_fit),
		cmocka_unit_test(index_is_true),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
