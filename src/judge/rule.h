/* rule: the compiled rules, and what they find in a session.
 *
 * A rule is a decision graph of steps: each step tests one fact and names the step that follows a yes and the one that
 * follows a no. A step only ever points at a lower one, so every walk ends. sensor/rule_file builds these values once
 * from the files under rules/; nothing here changes them, and they may be shared by any number of judges, each with a
 * scratch of its own. What a rule, a level or a verdict means is in those files, and not here. */
#ifndef JUDGE_RULE_H
#define JUDGE_RULE_H
#include "record.h"
#include "text.h"

/* RULE_TECHNIQUES  attack.t... tags of one rule
 * RULE_SHIFTS      shifts of one rule
 * RULE_LIST        references of one rule, and as many false positives
 * RULE_FINDINGS    findings of one session that are kept; more are cut, and the record says so
 * FINDING_NOTES    reasons of one finding's level besides its rule
 * RULE_RE_SUBJECT  octets of a value that a regular expression may look at */
enum { RULE_TECHNIQUES = 8, RULE_SHIFTS = 8, RULE_TEXTS = 3, RULE_LIST = 32, RULE_FINDINGS = 64, RULE_RE_SUBJECT = 16384,
       FINDING_NOTES = 4 };
enum { RULE_MATCH_LIMIT = 20000, RULE_DEPTH_LIMIT = 1000, RULE_HEAP_KIB = 1024 };

enum rule_op {
	OP_SEEN,                   /* the fact was seen */
	OP_MASK,                   /* TRI, enum, list of enums: its bit (TRI: 1 no, 2 yes) is one of set */
	OP_EQ, OP_LT, OP_LTE, OP_GT, OP_GTE, /* a number, compared with num */
	OP_TEXT, OP_PREFIX, OP_SUFFIX, OP_INFIX, /* the value's text, against text */
	OP_GLOB,                   /* the same with wildcards: 0x01 any octets, 0x02 one octet (rule_glob_) */
	OP_RE,                     /* a PCRE2 search, regex[num] */
	OP_CIDR,                   /* an address, against the network in text: 16 octets (IPv4: 4) and num bits */
	OP_SAME                    /* equal to the fact num, as text */
};

enum { GLOB_ANY = 1, GLOB_ONE = 2, GLOB_LITERAL = 3 };  /* in the text of OP_GLOB; 3 in front of an octet 1, 2 or 3 */
enum { STEP_NO = 0, STEP_YES = 1, STEP_FIRST = 2 };     /* the first two steps are the answers */

/* One test. On a list it is yes when any item passes; on an unseen fact it is no. */
struct step {
	uint16_t fact;             /* enum fact */
	uint8_t op;                /* enum rule_op */
	bool cased;                /* text: octets as they are; else ASCII case folded */
	uint32_t yes, no;          /* steps, lower than this one */
	union {
		int64_t num;
		uint64_t set;
	} u;
	struct bytes text;
};

/* by    levels up or down when the walk from start says yes; or, with certainty, steps of the finding's certainty */
struct rule_shift {
	uint32_t start;
	int8_t by;
	bool certainty;
	const char *why;
};

enum { RULE_NO_VERDICT = verdict_COUNT, RULE_NO_LEVEL = level_COUNT };

/* Sigma's words for how far a rule can be trusted, in this order; RULE_STATUSES: the document does not say. */
enum rule_status { RULE_STABLE, RULE_TEST, RULE_EXPERIMENTAL, RULE_DEPRECATED, RULE_UNSUPPORTED, RULE_STATUSES };
extern const char *const rule_status_words[RULE_STATUSES + 1]; /* ends in NULL */

/* Where a finding stands among the causes of one session (rules/incident.yaml); apart: nowhere, it is an alert of its own. */
enum rule_stage { STAGE_APART, STAGE_PATH, STAGE_NEGOTIATION, STAGE_CERTIFICATE, STAGE_OUTCOME };

/* A filter document: a rule that it is for only matches when the walk from start says yes too, for which the document
 * says "not" what the exception is. any: it is for every rule of its service. */
struct rule_filter {
	const char *file, *title, *uuid, *description;
	uint32_t line, start;
	uint8_t service;
	bool any;
};

/* One document. Strings belong to the rules; those that a document does not have are "".
 * reference  all references, falsepositive all look-alikes: as many as references and falsepositives say
 * need       facts that must have been seen for the rule to match: most rules end here
 * fixed      its level whatever the matrix says, or RULE_NO_LEVEL: levels is matrix
 * own        base in place of base when client or server is the site's own, or RULE_NO_LEVEL
 * site_level its level whatever all of these say, by the site's configuration, or RULE_NO_LEVEL
 * segment    part of the path in which the change was made (enum pathpart), as seen from the sensor
 * status     enum rule_status
 * enabled    false: switched off by the site; it is listed and never evaluated
 * shipped    it came with the program; false: from the site's own directory
 * filter     exceptions from it, as many as filters says
 * finding_at number of its finding among the findings of all rules
 * silent     its document says that it is no finding, and only there for correlations
 * part       it only serves correlations and is no finding by itself: silent, or a member that is not generated
 * correlates it stands for a correlation: no single session matches it
 * service    IN_SESSION: it is about sessions; IN_STATS: about the sensor itself, as stats events tell of it; IN_POSTURE: about
 *            watched domains, as posture events do
 * stage      enum rule_stage of its finding, and place its order among the causes
 * distinct   a chain with it is never counted among chains without     placed  incident.yaml names it */
struct rule {
	const char *file, *title, *uuid, *name, *finding, *variant, *description, *category, *tlsrpt;
	const char *const *reference, *const *falsepositive;
	const struct rule_filter **filter;
	const char *technique[RULE_TECHNIQUES];
	const char *text[RULE_TEXTS];
	uint64_t need[(FACT_COUNT + 63) / 64];
	uint32_t start, line, finding_at, suppress_s, filters;
	uint8_t techniques, texts, shifts, references, falsepositives;
	uint8_t certainty, verdict, fixed, base, cap, own, site_level, sigma_level, segment, status, service;
	uint8_t floor[expect_COUNT];
	uint8_t stage;
	uint16_t place;
	bool evidence, enabled, shipped, distinct, part, silent, correlates, placed;
	struct rule_shift shift[RULE_SHIFTS];
};

/* rules/severity.yaml: levels by expectation and outcome.
 * level     by expectation, outcome and delivery
 * first     the same for the first occurrence, unless the finding is proof
 * bound     expectations that are only as sure as the identity they rest on; for these, by confidence:
 * cap       their greatest level, and
 * certainty the greatest certainty of a finding whose level rests on them */
struct severity {
	uint8_t level[expect_COUNT][outcome_COUNT][delivery_COUNT];
	uint8_t first[expect_COUNT][outcome_COUNT][delivery_COUNT];
	bool bound[expect_COUNT];
	uint8_t cap[confidence_COUNT], certainty[confidence_COUNT];
};

/* rules/verdict.yaml: the first case that holds names the verdict.
 * by_finding  holds when a finding with this verdict has at least level plain, or, where something was promised,
 *             at least level promised; otherwise it holds when the walk from start says yes */
struct verdict_case {
	const char *why;
	uint32_t start;
	uint8_t verdict, plain, promised;
	bool by_finding;
};

/* One fact that rules need, to find those that a session may match.
 * values  0: it was seen is enough; else how many values it may have (struct step, OP_MASK)
 * first   its sets of rules in gate_set, one for each value */
struct rule_gate {
	uint16_t fact, values;
	uint32_t first;
};

/* rules/incident.yaml: the places of findings, in the order of causes. */
struct rule_place {
	const char *finding;
	uint8_t stage;             /* enum rule_stage */
	bool distinct;
};

/* rules/ambient.yaml: what a class of everyday traffic makes of levels.
 * by    levels up or down       cap      the highest level then
 * less  promises (bit: enum expect) under which it changes nothing
 * why   NULL: the class changes nothing */
struct rule_ambient {
	const char *why;
	int8_t by;
	uint8_t cap;
	uint64_t less;
};

/* gate      one for each fact that the index starts from
 * gate_set  sets of rules, set_words words each: bit i is rule i
 * correlation  documents over several sessions; each has a rule of its own, with which no session agrees
 * always    the set of the rules that need no fact
 * stats, posture  the sets of the rules about stats and posture events; the others are about sessions */
struct correlation;        /* judge/correlate.h */
struct rules {
	struct rule *rule;
	size_t count;
	const struct rule_filter **filter;
	size_t filters;
	struct correlation *correlation;
	size_t correlations;
	struct rule_gate *gate;
	size_t gates, set_words;
	uint64_t *gate_set, *always, *stats, *posture;
	struct step *step;
	size_t steps;
	struct pcre2_real_code_8 **regex;
	size_t regexes;
	struct verdict_case *verdict;
	size_t verdicts;
	size_t findings;           /* different finding ids */
	size_t skipped;            /* documents for other products or services */
	struct severity severity;
	const char *ruleset;
	struct rule_place *place;  /* rules/incident.yaml */
	size_t places;
	struct rule_ambient ambient[ambient_COUNT];
	void *owner;               /* memory of all of the above; sensor/rule_file frees it */
};

/* What evaluation writes into; one for each judge. */
struct rule_scratch;

/* A finding of one session: what rule->finding says, with the variant and texts of rule.
 * by           the document that gave the level, when several of this finding matched
 * expectation  the one that gave the level (enum expect)
 * from_matrix  the level came from the matrix, not from the rule
 * shifted      bit i: shift i of by applied
 * note         what changed the level after the rules, in this order; why borrows from whoever did it
 * others       its level rests on other sessions too
 * attribution  whose part of the path made the change (enum attribution), and attributed why, or NULL
 * device       the site's own device that may do this, or NULL: then it is told once a day for all that it does
 * suppressed   an entry of the site says that it is no alert */
struct finding_note {
	const char *why;
	int8_t by;
};

struct finding {
	const struct rule *rule, *by;
	uint8_t level, certainty, expectation, notes;
	bool from_matrix, others, suppressed;
	uint8_t attribution;
	uint32_t shifted;
	const char *attributed, *device;
	struct finding_note note[FINDING_NOTES];
};

/* NULL: no memory. */
struct rule_scratch *rule_scratch_new(const struct rules *rules);
void rule_scratch_free(struct rule_scratch *s);
/* What it did so far: sessions judged; rules that the index gave out for them; rules whose needs these met, so that
 * they were walked; steps of all walks, those of shifts, filters and the verdict too. */
struct rule_work {
	uint64_t sessions, candidates, walks, steps;
};
struct rule_work rule_scratch_work(const struct rule_scratch *s);
/* Searches that ended at a limit of PCRE2 so far, and counted as no match. */
uint64_t rule_scratch_limits(const struct rule_scratch *s);

/* rules_judge: evaluates all rules over session; merges the documents of one finding (highest certainty, then file
 * order, gives the variant; the highest level counts); writes mxwitness.verdict, findings, finding[].* and
 * event.reason into session.
 * out  at most max findings, in file order of their ids
 * Returns how many. When there were more than max, those of the highest levels stay and session->truncated is set. */
size_t rules_judge(const struct rules *rules, struct rule_scratch *s, struct record *session, struct finding *out,
		   size_t max);

/* rules_judge_stats: evaluates the rules about stats events over stats, and changes nothing in it. Each rule that matches is
 * a finding by itself: variants of one finding are different troubles, and no session is there for them to explain.
 * out  at most max findings, in the order of the rules
 * Returns how many. */
size_t rules_judge_stats(const struct rules *rules, struct rule_scratch *s, const struct record *stats,
			 struct finding *out, size_t max);

/* rules_judge_posture: the same for the rules about posture events. */
size_t rules_judge_posture(const struct rules *rules, struct rule_scratch *s, const struct record *posture,
			   struct finding *out, size_t max);

/* rule_grade: what one rule that matches is worth in a session: level and certainty as rules_judge finds them, from the
 * session's expectations, outcome, delivery, identity confidence and own networks, and the rule's shifts. The match
 * itself is not asked for. */
struct finding rule_grade(const struct rules *rules, struct rule_scratch *s, const struct rule *rule,
			  const struct record *session);

/* rule_grade_repeated: the finding's level as that of an occurrence which is not the first (detections.md 0.4, footnote 1). */
uint8_t rule_grade_repeated(const struct rules *rules, struct rule_scratch *s, const struct finding *finding,
			    const struct record *session);
/* rules_restate: writes what rules_judge wrote once more, after levels were changed. */
void rules_restate(const struct rules *rules, struct rule_scratch *s, struct record *session, const struct finding *finding,
		   size_t n);

/* For listings: rule i of rules_count. */
size_t rules_count(const struct rules *rules);
const struct rule *rules_at(const struct rules *rules, size_t i);

/* rule_test_text: does this value pass a step of OP_TEXT to OP_RE? s may be NULL unless op is OP_RE. For the compiler,
 * which turns tests of enumerations into masks. */
bool rule_test_text(const struct rules *rules, struct rule_scratch *s, const struct step *step, struct bytes value);
/* rule_matches: does the session match the rule, its filters applied? */
bool rule_matches(const struct rules *rules, struct rule_scratch *s, const struct rule *rule, const struct record *r);
/* rule_values: at most max values of a fact as the event spells them, one after the other in buf (text), letters in lower
 * case; n: how many; a value that does not fit ends them. */
size_t rule_values(const struct record *r, enum fact f, struct text *buf, struct bytes *out, size_t max);
/* The walk from start over a record, for tests. */
bool rule_walk(const struct rules *rules, struct rule_scratch *s, uint32_t start, const struct record *r);
#endif
