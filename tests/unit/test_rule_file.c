/* rule_file, rule_detect, yaml_tree: what the rule language means, and what is refused, with the exact words. */
#include "rule_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rule_index.h"

enum { YAML_SIZE = (1 << 20) + 1 };

/* A rule around a detection; its lines begin at line 6. */
#define HEAD "title: T\nid: 5b0c6f0e-5d0e-4f0b-9d43-6f2f8f2b7f10\nname: t\n" \
	"logsource: {product: mxwitness, service: session}\ndetection:\n"
#define TAIL "level: low\n"
#define COND "  condition: s\n"

static bool add(struct rules *r, const char *path, const char *text, struct error *e)
{
	size_t n = strlen(text);
	uint8_t *exact = malloc(n ? n : 1);
	memcpy(exact, text, n);
	bool ok = rules_add(r, path, (struct bytes){ exact, n }, e);
	free(exact);
	return ok;
}

/* The record that the language cases look at. */
static void fill(struct record *r)
{
	static const struct addr v4 = { 4, { 192, 0, 2, 7 } };
	record_init(r);
	record_num(r, F_service, service_mx);
	record_num(r, F_dst_port, 25);
	record_tri(r, F_tls_established, TRI_NO);
	record_cstr(r, F_smtp_banner, "mx.Example.org ESMTP a*b\\c");
	record_cstr(r, F_smtp_ehlo, "");
	record_cstr(r, F_tls_version, "1.2");
	record_add_cstr(r, F_smtp_keywords, "PIPELINING");
	record_add_cstr(r, F_smtp_keywords, "SIZE");
	record_add_num(r, F_expect_all, expect_dane);
	record_add_num(r, F_expect_all, expect_baseline);
	record_add_num(r, F_tls_rec_c2s, 31);
	record_add_num(r, F_tls_rec_c2s, 900);
	record_addr(r, F_dst_ip, &v4);
	record_cstr(r, F_id_host, "mx.example.org");
	record_cstr(r, F_dst_domain, "MX.example.org");
	record_num(r, F_event_start, 0);
	record_tri(r, F_cap_gap_dialogue, TRI_NO);
}

static const struct {
	const char *detection;
	bool matches;
	const char *why;
} language[] = {
	{ "  s: {mxwitness.service: mx}\n" COND, true, "a word" },
	{ "  s: {mxwitness.service: MX}\n" COND, true, "case is folded" },
	{ "  s: {mxwitness.service: sub*}\n" COND, false, "wildcards over words" },
	{ "  s: {mxwitness.service|startswith: sub}\n" COND, false, "submission, submissions" },
	{ "  s: {mxwitness.service: [other, mx]}\n" COND, true, "a list is an or" },
	{ "  s: {mxwitness.service|re: '^.x$'}\n" COND, true, "a search over words" },
	{ "  s: {destination.port: 25}\n" COND, true, "a number" },
	{ "  s: {destination.port: '25'}\n" COND, true, "its decimal text" },
	{ "  s: {destination.port|startswith: 2}\n" COND, true, "as text" },
	{ "  s: {destination.port|lt: 26, destination.port|gte: 25}\n" COND, true, "a range" },
	{ "  s: {destination.port|gt: 25}\n" COND, false, "" },
	{ "  s: {source.port|lt: 26}\n" COND, false, "unseen is not 0" },
	{ "  s: {tls.established: false}\n" COND, true, "" },
	{ "  s: {tls.established: true}\n" COND, false, "" },
	{ "  s: {tls.resumed: false}\n" COND, false, "unseen is not no" },
	{ "  s: {tls.resumed: null}\n" COND, true, "null is unseen" },
	{ "  s: {tls.resumed|exists: false}\n" COND, true, "" },
	{ "  s: {tls.established|exists: true}\n" COND, true, "" },
	{ "  s: {mxwitness.smtp.ehlo: ''}\n" COND, true, "present and empty" },
	{ "  s: {mxwitness.smtp.helo: ''}\n" COND, false, "absent is not empty" },
	{ "  s: {tls.version: 1.2}\n" COND, true, "a decimal is its text" },
	{ "  s: {mxwitness.smtp.banner|contains: example.ORG}\n" COND, true, "folded" },
	{ "  s: {mxwitness.smtp.banner|contains|cased: example.org}\n" COND, false, "not folded" },
	{ "  s: {mxwitness.smtp.banner|startswith: mx.}\n" COND, true, "" },
	{ "  s: {mxwitness.smtp.banner|endswith: mx.}\n" COND, false, "" },
	{ "  s: {mxwitness.smtp.banner: mx.*esmtp*}\n" COND, true, "" },
	{ "  s: {mxwitness.smtp.banner: '*esmtp'}\n" COND, false, "the end counts" },
	{ "  s: {mxwitness.smtp.banner: mx?example?org*a\\*b\\\\c}\n" COND, true, "escapes" },
	{ "  s: {mxwitness.smtp.banner|contains: a\\?b}\n" COND, false, "an escaped question mark" },
	{ "  s: {mxwitness.smtp.banner|contains: a?b}\n" COND, true, "" },
	{ "  s: {mxwitness.smtp.banner|contains|all: [esmtp, mx]}\n" COND, true, "" },
	{ "  s: {mxwitness.smtp.banner|contains|all: [esmtp, my]}\n" COND, false, "" },
	{ "  s: {mxwitness.smtp.banner|re: 'esmtp'}\n" COND, false, "expressions are cased" },
	{ "  s: {mxwitness.smtp.banner|re|i: 'esmtp'}\n" COND, true, "" },
	{ "  s: {mxwitness.smtp.banner|re: '^(a+)+$'}\n" COND, false, "" },
	{ "  s: {mxwitness.smtp.ehlo_keywords: size}\n" COND, true, "any item" },
	{ "  s: {mxwitness.smtp.ehlo_keywords|all: [size, pipelining]}\n" COND, true, "" },
	{ "  s: {mxwitness.smtp.ehlo_keywords|neq: size, mxwitness.smtp.ehlo_keywords|exists: true}\n" COND, false, "neq denies the whole test" },
	{ "  s: {mxwitness.smtp.ehlo_keywords|neq: dsn, mxwitness.smtp.ehlo_keywords|exists: true}\n" COND, true, "" },
	{ "  s: {mxwitness.expectation.all: baseline}\n" COND, true, "" },
	{ "  s: {mxwitness.expectation.all: [policy, sts-enforce]}\n" COND, false, "" },
	{ "  s: {mxwitness.tls.record_lengths_c2s|gt: 800}\n" COND, true, "" },
	{ "  s: {destination.ip: 192.0.2.7}\n" COND, true, "an address is its text" },
	{ "  s: {destination.ip|cidr: 192.0.2.0/29}\n" COND, true, "" },
	{ "  s: {destination.ip|cidr: [192.0.2.8/29, 2001:db8::/32]}\n" COND, false, "" },
	{ "  s: {source.ip|cidr: 0.0.0.0/0}\n" COND, false, "unseen is in no network" },
	{ "  s: {mxwitness.identity.host|fieldref: destination.domain}\n" COND, true, "" },
	{ "  s: {mxwitness.identity.host|fieldref|cased: destination.domain}\n" COND, false, "" },
	{ "  s: {mxwitness.identity.host|fieldref: server.domain}\n" COND, false, "unseen equals nothing" },
	{ "  s: {event.start|startswith: '1970-01-01T00:00:00'}\n" COND, true, "a time is its text" },
	{ "  s:\n    - {mxwitness.service: other}\n    - {destination.port: 25}\n" COND, true, "a list of maps is an or" },
	{ "  a: {mxwitness.service: mx}\n  b: {mxwitness.service|exists: true}\n  condition: a or b and not a\n", true,
	  "and binds tighter than or" },
	{ "  a: {mxwitness.service: mx}\n  b: {destination.port: 26}\n  c: {destination.port|exists: true}\n"
	  "  condition: not b and a and c\n", true, "not binds tighter than and" },
	{ "  a: {mxwitness.service: mx}\n  b: {destination.port: 26}\n  condition: (a or b) and a\n", true, "" },
	{ "  s_a: {mxwitness.service: mx}\n  s_b: {destination.port: 26}\n  condition: 1 of s_*\n", true, "" },
	{ "  s_a: {mxwitness.service: mx}\n  s_b: {destination.port: 26}\n  condition: all of s_*\n", false, "" },
	{ "  s_a: {mxwitness.service: mx}\n  _b: {destination.port: 26}\n  condition: all of them or _b\n", true,
	  "an underscore stays outside them" },
	{ "  a: {mxwitness.service: mx}\n  b: {destination.port: 26}\n  condition: [b, a]\n", true, "conditions are an or" },
	{ "  a: {mxwitness.service: mx}\n  b: {destination.port: 26}\n  g: {mxwitness.capture.gap_in_dialogue: false}\n"
	  "  condition: a and g and not b\n", true, "a test of the coverage serves for exists" },
	{ "  s: {mxwitness.smtp.banner|contains: \"\\x01\"}\n" COND, false, "the octets of the marks are octets" },
	{ "  s: {mxwitness.smtp.banner: 'MX.example.org esmtp a\\*B\\\\C'}\n" COND, true, "equal is folded" },
	{ "  s: {mxwitness.smtp.banner|cased: 'MX.example.org esmtp a\\*B\\\\C'}\n" COND, false, "and cased is not" },
	{ "  s: {mxwitness.smtp.banner|endswith: '\\*B\\\\c'}\n" COND, true, "" },
	{ "  s: {mxwitness.smtp.banner|startswith|all: [mx, mx.e]}\n" COND, true, "" },
	{ "  s: {mxwitness.smtp.banner|endswith|cased: C}\n" COND, false, "" },
	{ "  s: {mxwitness.smtp.banner|re|i|all: [esmtp, '^MX']}\n" COND, true, "" },
	{ "  s: {mxwitness.smtp.banner|re|s: 'x.E'}\n" COND, true, "" },
	{ "  s: {mxwitness.smtp.banner|re|m: '^Example'}\n" COND, false, "one line" },
	{ "  s: {mxwitness.smtp.banner|re|i|neq: esmtp, mxwitness.smtp.banner|exists: true}\n" COND, false, "" },
	{ "  s: {mxwitness.smtp.helo|neq: x, mxwitness.capture.gap_in_dialogue: false}\n" COND, true,
	  "neq of a missing fact holds" },
	{ "  s: {destination.port|lte: 25}\n" COND, true, "" }, { "  s: {destination.port|gt: 24}\n" COND, true, "" },
	{ "  s: {destination.port|lt: 25}\n" COND, false, "" }, { "  s: {destination.port|gte: 26}\n" COND, false, "" },
	{ "  s: {destination.port|lt: [3, 30]}\n" COND, true, "a list is an or here too" },
	{ "  s: {destination.port|gt: -1}\n" COND, true, "" },
	{ "  s: {destination.port: [26, '25']}\n" COND, true, "" },
	{ "  s: {destination.port: '2*'}\n" COND, true, "wildcards over its decimal text" },
	{ "  s: {destination.port|re: '^2.$'}\n" COND, true, "" },
	{ "  s: {destination.port|neq: 25, destination.port|exists: true}\n" COND, false, "neq denies a number too" },
	{ "  s: {source.port: null, source.ip: null}\n" COND, true, "" },
	{ "  s: {destination.port: null}\n" COND, false, "" },
	{ "  s: {destination.port: ~}\n" COND, false, "null's other name" },
	{ "  s:\n    destination.port:\n" COND, false, "and its third" },
	{ "  s: {tls.established: [true, false]}\n" COND, true, "" },
	{ "  s: {tls.resumed: [true, false]}\n" COND, false, "unseen is neither" },
	{ "  s: {destination.ip: ['192.0.2.8', '192.0.2.7']}\n" COND, true, "" },
	{ "  s: {destination.ip: 192.0.2.*}\n" COND, true, "" },
	{ "  s: {destination.ip|cidr: ['::/0']}\n" COND, false, "no IPv4 address is in an IPv6 network" },
	{ "  s: {destination.ip|cidr: 192.0.2.7}\n" COND, true, "a network of one" },
	{ "  s: {source.address: null, source.ip: null}\n" COND, true, "" },
	{ "  s: {destination.domain|fieldref|neq: mxwitness.identity.host, destination.domain|exists: true,"
	  " mxwitness.identity.host|exists: true}\n" COND, false, "" },
	{ "  s: {mxwitness.smtp.ehlo_keywords: 'pipe*'}\n" COND, true, "" },
	{ "  s: {mxwitness.smtp.ehlo_keywords|all: [size, dsn]}\n" COND, false, "" },
	{ "  s: {mxwitness.smtp.ehlo_keywords|contains|all: [SIZ, LIN]}\n" COND, true, "different items may serve" },
	{ "  s: {mxwitness.smtp.ehlo_keywords: ''}\n" COND, false, "no empty item" },
	{ "  s_a: {mxwitness.service: other}\n  s_b: {destination.port: 26}\n  condition: any of s_*\n", false, "" },
	{ "  a: {mxwitness.service: mx}\n  _b: {destination.port: 26}\n  condition: 1 of them and c and not _b\n"
	  "  c: {destination.port|exists: true, tls.established: false}\n", true, "a not with its fact beside it" },
	{ "  a: {mxwitness.service|neq: other, mxwitness.service|exists: true}\n  condition: a\n", true, "" },
	{ "  a: {tls.established|neq: true, tls.established|exists: true}\n  condition: a\n", true, "" },
	{ "  a: {mxwitness.service: [mx, other]}\n  b: {mxwitness.service: other}\n  condition: a and not b\n", true, "" },
	{ "  a: {mxwitness.service: other}\n  b: {destination.port: 25}\n  condition: a or not (not b)\n", true, "two denials are none" },
};

/* The only rule, judged as sessions are. */
static bool found_by_index(struct rules *r, const struct record *session)
{
	struct record *copy = malloc(sizeof(*copy));
	struct finding out[1];
	memcpy(copy, session, sizeof(*copy));
	r->findings = 1;
	rules_index(r);
	struct rule_scratch *s = rule_scratch_new(r);
	bool found = rules_judge(r, s, copy, out, 1) == 1;
	rule_scratch_free(s);
	free(copy);
	return found;
}

static void means(void **state)
{
	(void)state;
	struct record *rec = malloc(sizeof(*rec));
	fill(rec);
	for (size_t i = 0; i < sizeof(language) / sizeof(language[0]); i++) {
		struct error e;
		char text[2048];
		struct rules *r = rules_new(&e);
		snprintf(text, sizeof(text), "%s%s%s", HEAD, language[i].detection, TAIL);
		if (!add(r, "t.yaml", text, &e))
			fail_msg("case %zu: %s\n%s", i, e.text, text);
		struct rule_scratch *s = rule_scratch_new(r);
		assert_int_equal(r->count, 1);
		if (rule_walk(r, s, r->rule[0].start, rec) != language[i].matches)
			fail_msg("case %zu: %s\n%s", i, language[i].why, text);
		rule_scratch_free(s);
		if (found_by_index(r, rec) != language[i].matches)
			fail_msg("case %zu: the index is of another opinion\n%s", i, text);
		rules_free(r);
	}
	free(rec);
}

#define DET(d) HEAD d TAIL
#define OWN(s) HEAD "  s: {mxwitness.service: mx}\n" COND TAIL "mxwitness:\n" s

static const struct {
	const char *text, *error;
} refused[] = {
	{ DET("  s: {mxwitness.dane.verdct: match}\n" COND),
	  "t.yaml:6:7: no fact \"mxwitness.dane.verdct\"; did you mean \"mxwitness.dane.verdict\"?" },
	{ DET("  s: {mxwitness.dane.tlsa.resul: match}\n" COND),
	  "t.yaml:6:7: no fact \"mxwitness.dane.tlsa.resul\"; did you mean \"mxwitness.dane.tlsa.result\"?" },
	{ DET("  s: {mxwitness.dane.verdict: mtach}\n" COND),
	  "t.yaml:6:31: no word of \"mxwitness.dane.verdict\" is \"mtach\"; did you mean \"match\"?" },
	{ DET("  s: {mxwitness.dane.verdict: 'zz*'}\n" COND), "t.yaml:6:31: no word of \"mxwitness.dane.verdict\" is \"zz*\"" },
	{ DET("  s: {mxwitness.verdict: clear}\n" COND),
	  "t.yaml:6:7: \"mxwitness.verdict\" is not known yet when rules are evaluated" },
	{ DET("  s: {mxwitness.service|contians: mx}\n" COND),
	  "t.yaml:6:25: no modifier \"contians\"; did you mean \"contains\"?" },
	{ DET("  s: {mxwitness.service|base64: mx}\n" COND), "t.yaml:6:25: the modifier \"base64\" is not "
	  "supported; facts are plain text: write the text itself" },
	{ DET("  s: {mxwitness.service|base64offset: mx}\n" COND), "t.yaml:6:25: the modifier \"base64offset\" is not "
	  "supported; facts are plain text: write the text itself" },
	{ DET("  s: {mxwitness.service|utf16: mx}\n" COND), "t.yaml:6:25: the modifier \"utf16\" is not supported; facts are "
	  "UTF-8: write the text itself" },
	{ DET("  s: {mxwitness.service|utf16le: mx}\n" COND), "t.yaml:6:25: the modifier \"utf16le\" is not supported; facts "
	  "are UTF-8: write the text itself" },
	{ DET("  s: {mxwitness.service|utf16be: mx}\n" COND), "t.yaml:6:25: the modifier \"utf16be\" is not supported; facts "
	  "are UTF-8: write the text itself" },
	{ DET("  s: {mxwitness.service|wide: mx}\n" COND), "t.yaml:6:25: the modifier \"wide\" is not supported; facts are "
	  "UTF-8: write the text itself" },
	{ DET("  s: {mxwitness.service|windash: mx}\n" COND), "t.yaml:6:25: the modifier \"windash\" is not supported; write "
	  "a list of the spellings" },
	{ DET("  s: {mxwitness.service|expand: mx}\n" COND), "t.yaml:6:25: the modifier \"expand\" is not supported; write "
	  "the values out as a list" },
	{ DET("  s: {event.start|hour: 3}\n" COND), "t.yaml:6:19: the modifier \"hour\" is not supported; a time is text: "
	  "use re" },
	{ DET("  s: {mxwitness.service|: mx}\n" COND), "t.yaml:6:25: no modifier \"\"" },
	{ DET("  s: {mxwitness.service|contains|contains: mx}\n" COND),
	  "t.yaml:6:34: \"contains\" and \"contains\" cannot both be" },
	{ DET("  s: {mxwitness.service|cased|cased: mx}\n" COND), "t.yaml:6:31: \"cased\" twice" },
	{ DET("  s: {mxwitness.service|all|all: mx}\n" COND), "t.yaml:6:29: \"all\" twice" },
	{ DET("  s: {mxwitness.service|neq|neq: mx}\n" COND), "t.yaml:6:29: \"neq\" twice" },
	{ DET("  s: {mxwitness.service|re|i|m|i: mx}\n" COND), "t.yaml:6:32: \"i\" twice" },
	{ DET("  s: {destination.port|cased|lt: 5}\n" COND), "t.yaml:6:7: \"cased\" says nothing about \"lt\"" },
	{ DET("  s: {destination.port|lt|all: [5, 6]}\n" COND), "t.yaml:6:7: \"all\" says nothing about \"lt\"" },
	{ DET("  s: {tls.version|neq|exists: true}\n" COND),
	  "t.yaml:6:7: \"neq\" and \"exists\" cannot both be; write exists: false" },
	{ DET("  s: {tls.version|exists: 1}\n" COND), "t.yaml:6:27: \"exists\" is true or false" },
	{ DET("  s: {tls.version|exists: [true, false]}\n" COND), "t.yaml:6:27: \"exists\" takes one value" },
	{ DET("  s: {tls.version|contains: null}\n" COND),
	  "t.yaml:6:29: null goes with no modifier; write exists: false or exists: true" },
	{ DET("  s: {tls.version|neq: null}\n" COND),
	  "t.yaml:6:24: null goes with no modifier; write exists: false or exists: true" },
	{ DET("  s: {tls.version|fieldref: tls.versio}\n" COND),
	  "t.yaml:6:29: no fact \"tls.versio\"; did you mean \"tls.version\"?" },
	{ DET("  s: {tls.version|fieldref: mxwitness.verdict}\n" COND),
	  "t.yaml:6:29: \"mxwitness.verdict\" is not known yet when rules are evaluated" },
	{ DET("  s: {tls.version: []}\n" COND), "t.yaml:6:20: an empty list matches nothing" },
	{ DET("  s: {'': a}\n" COND),
	  "t.yaml:6:7: keywords without a fact are not supported; name the fact that is to hold the value" },
	{ DET("  s: {'|all': [a, b]}\n" COND),
	  "t.yaml:6:7: keywords without a fact are not supported; name the fact that is to hold the value" },
	{ DET("  s: word\n" COND), "t.yaml:6:6: keywords are not supported; name the fact that is to hold the value" },
	{ DET("  s: {mxwitness.service|contains|endswith: mx}\n" COND),
	  "t.yaml:6:34: \"contains\" and \"endswith\" cannot both be" },
	{ DET("  s: {mxwitness.service|i: mx}\n" COND), "t.yaml:6:25: \"i\" belongs behind \"re\"" },
	{ DET("  s: {mxwitness.service|all: mx}\n" COND), "t.yaml:6:30: \"all\" needs a list of at least two values" },
	{ DET("  s: {tls.established: yes}\n" COND), "t.yaml:6:24: YAML versions read yes differently: write true or false" },
	{ DET("  s: {tls.established: 'true'}\n" COND), "t.yaml:6:24: \"tls.established\" is true, false or null" },
	{ DET("  s: {mxwitness.service: true}\n" COND), "t.yaml:6:26: \"mxwitness.service\" is not a yes-or-no fact" },
	{ DET("  s: {mxwitness.smtp.helo: No}\n" COND), "t.yaml:6:28: YAML versions read No differently: quote it" },
	{ DET("  s: {mxwitness.smtp.helo: on}\n" COND), "t.yaml:6:28: YAML versions read on differently: quote it" },
	{ DET("  s: {mxwitness.smtp.helo: [a, Off]}\n" COND), "t.yaml:6:32: YAML versions read Off differently: quote it" },
	{ DET("  s: {mxwitness.smtp.helo: y}\n" COND), "t.yaml:6:28: YAML versions read y differently: quote it" },
	{ DET("  s: {mxwitness.smtp.helo: .inf}\n" COND), "t.yaml:6:28: YAML versions read .inf differently: quote it" },
	{ DET("  s: {mxwitness.smtp.helo: 1e3}\n" COND), "t.yaml:6:28: YAML versions read 1e3 differently: quote it" },
	{ DET("  s: {mxwitness.smtp.helo: +1}\n" COND), "t.yaml:6:28: YAML versions read +1 differently: quote it" },
	{ DET("  s: {mxwitness.smtp.helo: 0o17}\n" COND), "t.yaml:6:28: YAML versions read 0o17 differently: quote it" },
	{ DET("  s: {mxwitness.smtp.helo: 0b1}\n" COND), "t.yaml:6:28: YAML versions read 0b1 differently: quote it" },
	{ DET("  s: {mxwitness.smtp.helo: 1234567890123456789}\n" COND),
	  "t.yaml:6:28: YAML versions read 1234567890123456789 differently: quote it" },
	{ DET("  s: {event.start: 2026-01-01T00:00:00Z}\n" COND),
	  "t.yaml:6:20: YAML versions read 2026-01-01T00:00:00Z differently: quote it" },
	{ DET("  s: {destination.port: smtp}\n" COND),
	  "t.yaml:6:25: \"smtp\" can never be \"destination.port\", which is a number" },
	{ DET("  s: {destination.port: 2.5}\n" COND), "t.yaml:6:25: \"2.5\" can never be \"destination.port\", which is a number" },
	{ DET("  s: {destination.port|contains: a}\n" COND),
	  "t.yaml:6:34: \"a\" can never be \"destination.port\", which is a number" },
	{ DET("  s: {destination.ip: mx.example}\n" COND),
	  "t.yaml:6:23: \"mx.example\" is not a network; write 192.0.2.0/24 or 2001:db8::/32" },
	{ DET("  s: {destination.ip: 192.0.2.0/24}\n" COND),
	  "t.yaml:6:23: \"192.0.2.0/24\" is a network: write destination.ip|cidr" },
	{ DET("  s: {destination.ip|startswith: mx}\n" COND),
	  "t.yaml:6:34: \"mx\" can never be \"destination.ip\", which is an address" },
	{ DET("  s: {event.start|startswith: noon}\n" COND), "t.yaml:6:31: \"noon\" can never be \"event.start\", which is a "
	  "time like 2026-11-25T07:24:01Z" },
	{ DET("  s: {mxwitness.service: 25}\n" COND), "t.yaml:6:26: no word of \"mxwitness.service\" is \"25\"" },
	{ DET("  s: {tls.established|contains: true}\n" COND), "t.yaml:6:33: \"tls.established\" is true, false or null" },
	{ DET("  s: {tls.established: 1}\n" COND), "t.yaml:6:24: \"tls.established\" is true, false or null" },
	{ DET("  s: {destination.port: 0x19}\n" COND), "t.yaml:6:25: YAML versions read 0x19 differently: quote it" },
	{ DET("  s: {destination.port: 025}\n" COND), "t.yaml:6:25: YAML versions read 025 differently: quote it" },
	{ DET("  s: {destination.port: 1_000}\n" COND), "t.yaml:6:25: YAML versions read 1_000 differently: quote it" },
	{ DET("  s: {tls.version: 12:30:00}\n" COND), "t.yaml:6:20: YAML versions read 12:30:00 differently: quote it" },
	{ DET("  s: {tls.version: 2026-01-01}\n" COND), "t.yaml:6:20: YAML versions read 2026-01-01 differently: quote it" },
	{ DET("  s: {destination.port|lt: '26'}\n" COND), "t.yaml:6:28: \"lt\" needs a whole number" },
	{ DET("  s: {tls.version|lt: 2}\n" COND), "t.yaml:6:23: \"lt\" needs a fact that is a number; \"tls.version\" is none" },
	{ DET("  s: {tls.version|cidr: 192.0.2.0/24}\n" COND),
	  "t.yaml:6:25: \"cidr\" needs a fact that is an address; \"tls.version\" is none" },
	{ DET("  s: {source.ip|cidr: 192.0.2.0/40}\n" COND),
	  "t.yaml:6:23: \"192.0.2.0/40\" is not a network; write 192.0.2.0/24 or 2001:db8::/32" },
	{ DET("  s: {tls.version|re: '(a'}\n" COND), "t.yaml:6:26: regular expression: missing closing parenthesis" },
	{ DET("  s: {tls.version|re: 'a\\Cb'}\n" COND),
	  "t.yaml:6:27: regular expression: using \\C is disabled by the application" },
	{ DET("  s: {tls.version: [a, null]}\n" COND),
	  "t.yaml:6:24: null cannot stand in a list; use a second selection" },
	{ DET("  s: {tls.version|contains: ''}\n" COND), "t.yaml:6:29: \"contains\" needs a text that is not empty" },
	{ DET("  s: [word, word]\n" COND),
	  "t.yaml:6:7: keyword lists are not supported; name the fact that is to hold the value" },
	{ DET("  s: {}\n" COND), "t.yaml:6:6: an empty selection" },
	{ DET("  s: {tls.version: {a: b}}\n" COND), "t.yaml:6:20: a value belongs here" },
	{ DET("  s: {tls.version: a}\n"), "t.yaml:6:3: condition is missing" },
	{ DET("  sel: {tls.version: a}\n  condition: sle\n"), "t.yaml:7:14: no selection \"sle\"; did you mean \"sel\"?" },
	{ DET("  s: {tls.version: a}\n  condition: s AND s\n"), "t.yaml:7:16: the condition should end before \"AND\"" },
	{ DET("  s: {tls.version: a}\n  condition: NOT s\n"), "t.yaml:7:14: write in lower case: \"NOT\"" },
	{ DET("  s: {tls.version: a}\n  condition: 2 of them\n"), "t.yaml:7:14: no selection \"2\"; of several selections, 1 of or all of may be asked for" },
	{ DET("  s: {tls.version: a}\n  condition: 1 of (s)\n"), "t.yaml:7:19: no selection fits \"(\"; give them a common beginning and write 1 of NAME*" },
	{ DET("  s: {tls.version: a}\n  condition: s | count() > 3\n"), "t.yaml:7:16: the condition should end before \"|\"" },
	{ DET("  s: {tls.version: a}\n  condition: (s\n"), "t.yaml:7:16: \")\" belongs here, not \"\"" },
	{ DET("  s: {tls.version: a}\n  condition: s and\n"),
	  "t.yaml:7:19: the condition ends where a selection belongs: \"\"" },
	{ DET("  s: {tls.version: a}\n  u: {tls.version: b}\n" COND), "t.yaml:7:3: the selection \"u\" is not used" },
	{ DET("  s: {tls.version: a}\n  condition: not s\n"), "t.yaml:7:14: under this not, \"tls.version\" may just not have "
	  "been seen; add tls.version|exists: true or a test of mxwitness.capture beside it" },
	{ DET("  s: {tls.version|neq: a}\n" COND), "t.yaml:6:7: under this not, \"tls.version\" may just not have been seen; "
	  "add tls.version|exists: true or a test of mxwitness.capture beside it" },
	{ DET("  of: {tls.version: a}\n  condition: of\n"), "t.yaml:6:3: \"of\" cannot be the name of a selection" },
	{ DET("  s: {tls.version: a, tls.version: b}\n" COND), "t.yaml:6:23: the key \"tls.version\" stands here a second time" },
	{ DET("  s: &x {tls.version: a}\n" COND), "t.yaml:6:6: anchors and tags are not allowed" },
	{ DET("  s: {tls.version: !!str a}\n" COND), "t.yaml:6:20: tags are not allowed; quotes make a string" },
	{ DET("  s: {tls.version: *x}\n" COND), "t.yaml:6:20: aliases are not allowed" },
	{ DET("  s: {tls.version: \"a\\0\"}\n" COND), "t.yaml:6:20: a text with a NUL octet in it" },
	{ DET("  s: {tls.version: a\n"), "t.yaml:7:6: not YAML: did not find expected ',' or '}'" },
	{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "t.yaml:1:32: nested more than 32 deep" },
	{ "- a\n", "t.yaml:1:1: a rule is a map" },
	{ HEAD "  s: {tls.version: a}\n" COND TAIL "titel: x\n", "t.yaml:9:1: no key \"titel\"; did you mean \"title\"?" },
	{ HEAD "  s: {tls.version: a}\n" COND "level: hihg\n", "t.yaml:8:8: no level \"hihg\"; did you mean \"high\"?" },
	{ HEAD "  s: {tls.version: a}\n" COND, "t.yaml:1:1: level is missing" },
	{ HEAD "  s: {tls.version: a}\n" COND TAIL "status: good\n", "t.yaml:9:9: no status \"good\"" },
	{ HEAD "  s: {tls.version: a}\n" COND TAIL "tags: [tlsrpt.none]\n",
	  "t.yaml:9:8: \"tlsrpt.none\" is no result type of RFC 8460 4.3" },
	{ HEAD "  s: {tls.version: a}\n" COND TAIL "tags: [T1557]\n",
	  "t.yaml:9:8: \"T1557\": a tag is namespace.name in lower case" },
	{ HEAD "  s: {tls.version: a}\n" COND TAIL "date: 1.1.2026\n", "t.yaml:9:7: a date is YYYY-MM-DD" },
	{ HEAD "  s: {tls.version: a}\n" COND TAIL "date: 2026-13-01\n",
	  "t.yaml:9:7: \"2026-13-01\": no such day; a date is YYYY-MM-DD" },
	{ HEAD "  s: {tls.version: a}\n" COND TAIL "references: [a, b, a]\n",
	  "t.yaml:9:20: \"a\" stands in this list a second time" },
	{ HEAD "  s: {tls.version: a}\n" COND TAIL "references: a\n", "t.yaml:9:13: a list belongs here" },
	{ HEAD "  s: {tls.version: a}\n" COND TAIL "falsepositives: [a, [b]]\n", "t.yaml:9:21: a text belongs here" },
	{ HEAD "  s: {tls.version: a}\n" COND TAIL "falsepositives: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, "
	  "17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33]\n", "t.yaml:9:137: more than 32 entries" },
	{ HEAD "  s: {tls.version: a}\n" COND TAIL "fields: [tls.versio]\n",
	  "t.yaml:9:10: no fact \"tls.versio\"; did you mean \"tls.version\"?" },
	{ HEAD "  s: {tls.version: a}\n" COND TAIL "related: [{id: x, type: similar}]\n",
	  "t.yaml:9:16: id is a UUID in lower case" },
	{ HEAD "  s: {tls.version: a}\n" COND TAIL "related: [{id: 5b0c6f0e-5d0e-4f0b-9d43-6f2f8f2b7f10, type: similer}]\n",
	  "t.yaml:9:60: no type \"similer\"; did you mean \"similar\"?" },
	{ HEAD "  s: {tls.version: a}\n" COND TAIL "related: [{id: 5b0c6f0e-5d0e-4f0b-9d43-6f2f8f2b7f10}]\n",
	  "t.yaml:9:11: {id: UUID, type: TYPE} belongs here" },
	{ "title: T\nid: 1\n" "logsource: {product: mxwitness, service: session}\n", "t.yaml:2:5: id is a UUID in lower case" },
	{ "title: T\ndetection: {}\n", "t.yaml:1:1: logsource is missing; write {product: mxwitness, service: session}" },
	{ "logsource: {product: mxwitness, service: sesion}\n", "t.yaml:1:42: no service \"sesion\"; did you mean \"session\"?" },
	{ "logsource: {product: mxwitnes, service: session}\n",
	  "t.yaml:1:22: no product \"mxwitnes\"; did you mean \"mxwitness\"?" },
	{ "logsource: {product: mxwitness, category: smtp}\n", "t.yaml:1:33: no key \"category\"" },
	{ "logsource: {product: mxwitness}\n",
	  "t.yaml:1:12: logsource has no service; write {product: mxwitness, service: session}" },
	{ "logsource: {product: mxwitness, service: lookup}\n",
	  "t.yaml:1:42: this version judges single sessions, stats and posture, and does not run rules over lookup events" },
	{ "action: global\ntitle: T\n", "t.yaml:1:1: collections by \"action\" are no longer Sigma; write each rule out" },
	{ "logsource: {product: mxwitness, service: alert}\n",
	  "t.yaml:1:42: this version judges single sessions, stats and posture, and does not run rules over alert events" },
	{ "title: T\ncorrelation: {type: event_count}\n", "t.yaml:1:1: id is missing" },
	{ DET("  s: {tls.version: a}\n" COND) "---\n" DET("  s: {tls.version: a}\n" COND),
	  "t.yaml:12:7: the name \"t\" is used at t.yaml:1 already" },
	{ OWN("  findng: x\n"), "t.yaml:10:3: no key \"findng\"; did you mean \"finding\"?" },
	{ OWN("  finding: X Y\n"), "t.yaml:10:12: \"X Y\": only a-z, 0-9 and hyphens" },
	{ OWN("  certainty: sure\n"), "t.yaml:10:14: no certainty \"sure\"" },
	{ OWN("  verdict: interceptd\n"), "t.yaml:10:12: no verdict \"interceptd\"; did you mean \"intercepted\"?" },
	{ OWN("  floor: {dan: high}\n"), "t.yaml:10:11: no expectation \"dan\"; did you mean \"dane\"?" },
	{ OWN("  levels: low\n  base: high\n"), "t.yaml:11:3: base belongs to levels: matrix" },
	{ OWN("  shift: [{by: 5, when: s, why: x}]\n"), "t.yaml:10:16: by is 1 to 4, or -1 to -4" },
	{ OWN("  shift: [{by: 1, when: q, why: x}]\n"), "t.yaml:10:25: when names a selection of this rule's detection" },
	{ OWN("  suppress: 1 hour\n"), "t.yaml:10:13: a time like 30m: a number and s, m, h or d, at most a year" },
	{ OWN("  text: ['{tls.versin}']\n"),
	  "t.yaml:10:10: no fact \"tls.versin\" for the braces; did you mean \"tls.version\"?" },
	{ OWN("  text: ['a } b']\n"), "t.yaml:10:10: a brace without its partner" },
	{ OWN("  text: [a, b, c, d]\n"), "t.yaml:10:19: more than 3 sentences" },
	{ OWN("  text: ['{mxwitness.stats.packets}']\n"), "t.yaml:10:10: \"mxwitness.stats.packets\" is no fact of a session, "
	  "and this text is about one" },
	{ OWN("  segment: clientside\n"), "t.yaml:10:12: no segment \"clientside\"; did you mean \"client-side\"?" },
	{ OWN("  segment: [unknown]\n"), "t.yaml:10:12: one segment belongs here" },
	{ OWN("  evidence: maybe\n"), "t.yaml:10:13: evidence is true or false" },
	{ OWN("  levels: matrx\n"), "t.yaml:10:11: no level \"matrx\"" },
	{ OWN("  cap: hgih\n"), "t.yaml:10:8: no level \"hgih\"; did you mean \"high\"?" },
	{ OWN("  own: all\n"), "t.yaml:10:8: no level \"all\"" },
	{ OWN("  levels: matrix\n  base: high\n  cap: low\n"), "t.yaml:11:3: base is above cap: low" },
	{ OWN("  own: high\n  cap: low\n"), "t.yaml:10:3: own is above cap: low" },
	{ OWN("  levels: matrix\n  floor: {dane: low, policy: critical}\n  cap: high\n"), "t.yaml:11:3: floor is above cap: high" },
	{ OWN("  floor: high\n"), "t.yaml:10:10: floor is a map of expectation: level" },
	{ HEAD "  s: {mxwitness.service: mx}\n  t: {tls.version|neq: a}\n" COND TAIL "mxwitness:\n"
	  "  shift: [{by: 1, when: t, why: x}]\n", "t.yaml:7:7: under this not, \"tls.version\" may just not have been seen; add "
	  "tls.version|exists: true or a test of mxwitness.capture beside it" },
	{ OWN("  shift: {by: 1}\n"), "t.yaml:10:10: a list belongs here" },
	{ OWN("  shift: [{by: 1, why: x}]\n"), "t.yaml:10:11: a shift is {by: -1, when: SELECTION, why: TEXT}, and "
	  "of: certainty where it is not of the level" },
	{ OWN("  shift: [{by: 1, of: x, when: s, why: x}]\n"), "t.yaml:10:23: of is level or certainty" },
	{ OWN("  variant: ''\n"), "t.yaml:10:12: a text belongs here" },
	{ HEAD "  s: {mxwitness.service: mx}\n" COND TAIL "mxwitness: high\n", "t.yaml:9:12: a map belongs here" },
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct error e = { "" };
		struct rules *r = rules_new(&e);
		bool ok = add(r, "t.yaml", refused[i].text, &e);
		if (ok || strcmp(e.text, refused[i].error) != 0)
			fail_msg("case %zu\n  want: %s\n  have: %s\n%s", i, refused[i].error, ok ? "accepted" : e.text,
				 refused[i].text);
		rules_free(r);
	}
}

#define IDENTITY "ruleset: t\nidentity:\n  expectations: [dane]\n  high: {cap: critical, certainty: proof}\n" \
	"  medium: {cap: critical, certainty: strong}\n  low: {cap: medium, certainty: indication}\n" \
	"  hint: {cap: medium, certainty: indication}\n  none: {cap: medium, certainty: indication}\n"

static const struct {
	const char *path, *text, *error;
} tables[] = {
	{ "d/severity.yaml", "matrix: {}\n", "d/severity.yaml:1:1: ruleset is missing" },
	{ "d/severity.yaml", IDENTITY "matrix:\n  dane: {clear-content: critical}\n",
	  "d/severity.yaml:10:9: the row of \"dane\" has no level for outcome \"unknown\"" },
	{ "d/severity.yaml", IDENTITY "matrix:\n  dane: {unknown: high, clear-content: high, clear-auth: high, clear-envelope: high, "
	  "tls-bad-peer: high, tls-ok: high, not-delivered: {else: high, first: low}}\n",
	  "d/severity.yaml:10:3: the matrix has no row for expectation \"none\"" },
	{ "d/severity.yaml", IDENTITY "matrix:\n  dane: {unknown: {first: low}}\n",
	  "d/severity.yaml:10:19: no level for delivery \"unknown\", and no else: LEVEL for the rest" },
	{ "d/severity.yaml", "ruleset: t\nidentity: {expectations: [dane]}\nmatrix: {}\n",
	  "d/severity.yaml:2:11: identity has no line for confidence \"none\"" },
	{ "d/severity.yaml", IDENTITY "matrix:\n  dane: {unknown: {seen: low, no: low, unknown: low}}\n",
	  "d/severity.yaml:10:19: no level for delivery \"inferred\", and no else: LEVEL for the rest" },
	{ "d/severity.yaml", IDENTITY "matrix:\n  dane: {unknown: {else: low, sen: low}}\n",
	  "d/severity.yaml:10:31: no delivery \"sen\"; did you mean \"seen\"?" },
	{ "d/severity.yaml", IDENTITY "matrix:\n  dane: {tls-okay: low}\n",
	  "d/severity.yaml:10:10: no outcome \"tls-okay\"; did you mean \"tls-ok\"?" },
	{ "d/severity.yaml", IDENTITY "matrix:\n  dane: {unknown: [low]}\n",
	  "d/severity.yaml:10:19: a level, or a map with else: LEVEL, belongs here" },
	{ "verdict.yaml", "- verdict: clear\n  finding: {plain: low, promised: low}\n- verdict: clear\n"
	  "  finding: {plain: high, promised: low}\n", "verdict.yaml:4:12: a second case by finding for verdict \"clear\" is "
	  "never reached" },
	{ "verdict.yaml", "- verdict: clear\n  why: x\n- verdict: clear\n  why: x\n",
	  "verdict.yaml:1:3: a case without detection must be the last" },
	{ "verdict.yaml", "- verdict: clear\n  finding: {plain: low, promised: low}\n",
	  "verdict.yaml:1:1: the last case must hold for all that is left" },
	{ "verdict.yaml", "- verdict: claer\n  why: x\n", "verdict.yaml:1:12: no verdict \"claer\"; did you mean \"clear\"?" },
	{ "verdict.yaml", "- verdict: clear\n  why: x\n  detection: {s: {tls.version: a}, condition: s}\n",
	  "verdict.yaml:3:3: the last case holds for all that is left: it has no detection" },
};

static void refuses_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct error e = { "" };
		struct rules *r = rules_new(&e);
		assert_false(add(r, tables[i].path, tables[i].text, &e));
		assert_string_equal(e.text, tables[i].error);
		rules_free(r);
	}
}

/* A second table is refused; a site's own takes the place of the shipped one, and is refused a second time too. */
static void one_table(void **state)
{
	(void)state;
	static const char cases[] = "- {verdict: unknown, why: w}\n";
	struct error e;
	struct rules *r = rules_new(&e);
	assert_true(add(r, "verdict.yaml", cases, &e));
	rules_own(r);
	assert_true(add(r, "site/verdict.yaml", cases, &e));
	assert_false(add(r, "site/more/verdict.yaml", cases, &e));
	assert_string_equal(e.text, "site/more/verdict.yaml:1:1: a second list of cases");
	rules_free(r);
	r = rules_new(&e);
	assert_false(add(r, "verdict.yaml", "- {verdict: unknown, why: w}\n---\n- {verdict: unknown, why: w}\n", &e));
	assert_string_equal(e.text, "verdict.yaml:3:1: a second list of cases");
	rules_free(r);
}

static void bounds(void **state)
{
	(void)state;
	struct error e;
	char *big = malloc(YAML_SIZE);
	struct rules *r = rules_new(&e);
	memset(big, '#', YAML_SIZE);
	assert_false(rules_add(r, "t.yaml", (struct bytes){ (uint8_t *)big, YAML_SIZE }, &e));
	assert_string_equal(e.text, "t.yaml:1:1: a file of more than 1048576 octets");
	for (size_t i = 1; i + 1 < YAML_SIZE; i += 2)
		memcpy(big + i, "a,", 2);
	big[0] = '[';
	assert_false(rules_add(r, "t.yaml", (struct bytes){ (uint8_t *)big, 65536 }, &e));
	assert_non_null(strstr(e.text, ": a document of more than 10000 parts"));
	free(big);
	rules_free(r);
}

/* A search that would take for ever ends, counts as no match, and is counted. */
static void regex_limits(void **state)
{
	(void)state;
	struct error e;
	struct record *rec = malloc(sizeof(*rec));
	struct rules *r = rules_new(&e);
	record_init(rec);
	record_cstr(rec, F_smtp_banner, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
	assert_true(add(r, "t.yaml", DET("  s: {mxwitness.smtp.banner|re: '^(a+)+$'}\n" COND), &e));
	struct rule_scratch *s = rule_scratch_new(r);
	assert_false(rule_walk(r, s, r->rule[0].start, rec));
	assert_int_equal(rule_scratch_limits(s), 1);
	rule_scratch_free(s);
	rules_free(r);
	free(rec);
}

static void others_are_skipped(void **state)
{
	(void)state;
	struct error e;
	struct rules *r = rules_new(&e);
	assert_true(add(r, "t.yaml", "title: x\nlogsource: {product: windows}\ndetection: {selection: [a], condition: b}\n"
			"strange: 1\n---\n" DET("  s: {tls.version: a}\n" COND), &e));
	assert_int_equal(r->skipped, 1);
	assert_int_equal(r->count, 1);
	assert_string_equal(r->rule[0].finding, "t");
	assert_int_equal(r->rule[0].fixed, level_low);
	assert_false(rules_finish(r, &e));
	assert_string_equal(e.text, "severity.yaml is not among the rules; copy it from the rules that came with the program");
	rules_free(r);
	assert_null(rules_load("no/such/folder", NULL, &e));
	assert_string_equal(e.text, "no/such/folder: no folder of rules: No such file or directory");
}

/* Each shipped rule has what an alert needs. */
static void shipped(void **state)
{
	(void)state;
	struct error e;
	struct rules *r = rules_load("rules", NULL, &e);
	if (!r)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < rules_count(r); i++) {
		const struct rule *rule = rules_at(r, i);
		assert_true(rule->description[0]);
		if (rule->part) /* says nothing by itself */
			continue;
		assert_true(rule->references > 0);
		assert_int_equal(rule->texts, 3);
	}
	assert_null(rules_at(r, rules_count(r)));
	rules_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(means), cmocka_unit_test(refuses), cmocka_unit_test(refuses_tables),
		cmocka_unit_test(one_table), cmocka_unit_test(bounds), cmocka_unit_test(regex_limits), cmocka_unit_test(others_are_skipped),
		cmocka_unit_test(shipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
