/* rule_file: see rule_file.h. Documents of a folder into compiled rules: the keys that Sigma has, the closed grammar of
 * `mxwitness:`, the table of levels and the cases of the verdict. The language of detections is in rule_detect. It does
 * not know any finding: ids, levels and words are all in the files. */
#include "rule_file.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge/sentence.h"
#include "rule_detect.h"

struct owner {
	struct arena arena;
	struct compiler compiler;
	size_t rule_cap;
	bool severity, verdict;
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TEXT(b) (int)((b).n < 60 ? (b).n : 60), (const char *)(b).p

static struct owner *owner_of(const struct rules *r)
{
	return r->owner;
}

static bool no_word(struct error *e, const struct node *at, const char *what, const char *const *words, size_t n)
{
	const char *near = nearest_word(words, n, at->text);
	return node_error(e, at, "no %s \"%.*s\"%s%s%s", what, TEXT(at->text), near ? "; did you mean \"" : "",
			  near ? near : "", near ? "\"?" : "");
}

static bool known_key(struct error *e, const struct node *key, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (node_is(key, keys[i]))
			return true;
	return no_word(e, key, "key", keys, n);
}

/* Every key of a map is one of keys. */
static bool known_keys(struct error *e, const struct node *map, const char *const *keys, size_t n)
{
	if (map->kind != NODE_MAP)
		return node_error(e, map, "a map belongs here");
	for (const struct node *v = map->first; v; v = v->next)
		if (!known_key(e, v->key, keys, n))
			return false;
	return true;
}

/* A scalar that is a word of the fact's list, as its index. */
static bool word_read(struct error *e, const struct node *n, const char *what, enum fact f, uint8_t *out)
{
	const char *const *words = fact_table[f].words;
	size_t count = 0;
	while (words[count])
		count++;
	if (n->kind != NODE_SCALAR)
		return node_error(e, n, "one %s belongs here", what);
	int i = word_index(words, n->text);
	if (i < 0)
		return no_word(e, n, what, words, count);
	*out = (uint8_t)i;
	return true;
}

static bool level_read(struct error *e, const struct node *n, uint8_t *out)
{
	return word_read(e, n, "level", F_alert_level, out);
}

static bool text_read(struct error *e, const struct node *n, size_t max, const char **out)
{
	if (n->kind != NODE_SCALAR || n->text.n == 0)
		return node_error(e, n, "a text belongs here");
	if (n->text.n > max)
		return node_error(e, n, "a text of at most %zu octets belongs here", max);
	*out = (const char *)n->text.p;
	return true;
}

/* A finding id, a variant, a rule's name: a-z 0-9 and hyphens. */
static bool id_read(struct error *e, const struct node *n, const char **out)
{
	if (!text_read(e, n, 64, out))
		return false;
	for (size_t i = 0; i < n->text.n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", n->text.p[i]))
			return node_error(e, n, "\"%.*s\": only a-z, 0-9 and hyphens", TEXT(n->text));
	return true;
}

/* A text whose braces name facts. */
static bool sentence_read(struct error *e, const struct node *n, const char **out)
{
	size_t pos = 0;
	struct bytes names;
	enum parse p;
	if (!text_read(e, n, 1000, out))
		return false;
	while ((p = sentence_brace(n->text, &pos, &names)) == PARSE_OK) {
		size_t from = 0;
		for (size_t i = 0; i <= names.n; i++) {
			struct bytes name = { names.p + from, i - from };
			if (i < names.n && names.p[i] != '|')
				continue;
			if (fact_by_name(name) == FACT_COUNT) {
				const char *near = fact_suggest(name);
				return node_error(e, n, "no fact \"%.*s\" for the braces%s%s%s", TEXT(name),
						  near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
			}
			from = i + 1;
		}
	}
	return p != PARSE_BAD || node_error(e, n, "a brace without its partner");
}

static bool is_uuid(struct bytes t)
{
	for (size_t i = 0; i < t.n; i++) {
		bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
		if (hyphen ? t.p[i] != '-' : !strchr("0123456789abcdef", t.p[i]))
			return false;
	}
	return t.n == 36;
}

/* A list of different texts, at most RULE_LIST of them. */
static bool list_of_texts(struct error *e, const struct node *list)
{
	const char *unused;
	size_t count = 0;
	if (list->kind != NODE_LIST)
		return node_error(e, list, "a list belongs here");
	for (const struct node *n = list->first; n; n = n->next) {
		if (!text_read(e, n, 4096, &unused))
			return false;
		if (++count > RULE_LIST)
			return node_error(e, n, "more than %d entries", RULE_LIST);
		for (const struct node *other = list->first; other != n; other = other->next)
			if (bytes_eq(other->text, n->text))
				return node_error(e, n, "\"%.*s\" stands in this list a second time", TEXT(n->text));
	}
	return true;
}

/* The same, kept: *out holds *count of them. */
static bool texts_keep(struct rules *r, struct error *e, const struct node *list, const char *const **out, uint8_t *count)
{
	size_t n = 0;
	if (!list_of_texts(e, list))
		return false;
	const char **texts = arena_take(&owner_of(r)->arena, RULE_LIST * sizeof(*texts));
	for (const struct node *i = list->first; i; i = i->next)
		texts[n++] = (const char *)i->text.p;
	*out = texts;
	*count = (uint8_t)n;
	return true;
}

/* attack.t1562.010 as T1562.010 */
static bool technique(struct rules *r, struct error *e, const struct node *n, struct bytes t, struct rule *rule)
{
	bool good = (t.n == 5 || (t.n == 9 && t.p[5] == '.')) && t.p[0] == 't';
	for (size_t i = 1; i < t.n; i++)
		good = good && (i == 5 || (t.p[i] >= '0' && t.p[i] <= '9'));
	if (!good)
		return true; /* a tactic, a group: Sigma's, not ours */
	if (rule->techniques == RULE_TECHNIQUES)
		return node_error(e, n, "more than %d techniques", RULE_TECHNIQUES);
	char *name = arena_string(&owner_of(r)->arena, t);
	name[0] = 'T';
	rule->technique[rule->techniques++] = name;
	return true;
}

/* RFC 8460 4.3 */
static const char *const tlsrpt_words[] = {
	"starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted",
	"validation-failure", "tlsa-invalid", "dnssec-invalid", "dane-required", "sts-policy-fetch-error",
	"sts-policy-invalid", "sts-webpki-invalid",
};

static bool tag(struct rules *r, struct error *e, const struct node *n, struct rule *rule)
{
	struct bytes attack = bytes_of("attack."), tlsrpt = bytes_of("tlsrpt.");
	if (bytes_eq(bytes_head(n->text, attack.n), attack))
		return technique(r, e, n, bytes_skip(n->text, attack.n), rule);
	if (!bytes_eq(bytes_head(n->text, tlsrpt.n), tlsrpt))
		return true;
	for (size_t i = 0; i < COUNT(tlsrpt_words); i++) {
		if (!bytes_eq(bytes_of(tlsrpt_words[i]), bytes_skip(n->text, tlsrpt.n)))
			continue;
		rule->tlsrpt = tlsrpt_words[i];
		return true;
	}
	return node_error(e, n, "\"%.*s\" is no result type of RFC 8460 4.3", TEXT(n->text));
}

static bool tags(struct rules *r, struct error *e, const struct node *list, struct rule *rule)
{
	if (!list_of_texts(e, list))
		return false;
	for (const struct node *n = list->first; n; n = n->next) {
		bool dot = false;
		for (size_t i = 0; i < n->text.n; i++) {
			dot = dot || (i > 0 && n->text.p[i] == '.');
			if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-.", n->text.p[i]))
				return node_error(e, n, "\"%.*s\": a tag is namespace.name in lower case", TEXT(n->text));
		}
		if (!dot)
			return node_error(e, n, "\"%.*s\": a tag is namespace.name in lower case", TEXT(n->text));
		if (!tag(r, e, n, rule))
			return false;
	}
	return true;
}

static bool date(struct error *e, const struct node *n)
{
	struct bytes t = n->text;
	bool good = n->kind == NODE_SCALAR && t.n == 10;
	for (size_t i = 0; good && i < t.n; i++)
		good = i == 4 || i == 7 ? t.p[i] == '-' : t.p[i] >= '0' && t.p[i] <= '9';
	return good || node_error(e, n, "a date is YYYY-MM-DD");
}

static bool status(struct error *e, const struct node *n, uint8_t *out)
{
	if (n->kind != NODE_SCALAR)
		return node_error(e, n, "one word belongs here");
	int i = word_index(rule_status_words, n->text);
	if (i < 0)
		return no_word(e, n, "status", rule_status_words, RULE_STATUSES);
	*out = (uint8_t)i;
	return true;
}

enum key {
	K_TITLE, K_ID, K_NAME, K_STATUS, K_DESCRIPTION, K_REFERENCES, K_AUTHOR, K_DATE, K_MODIFIED, K_TAGS, K_LOGSOURCE,
	K_DETECTION, K_FIELDS, K_FALSEPOSITIVES, K_LEVEL, K_RELATED, K_LICENSE, K_SCOPE, K_MXWITNESS, KEYS
};
static const char *const keys[KEYS] = {
	"title", "id", "name", "status", "description", "references", "author", "date", "modified", "tags", "logsource",
	"detection", "fields", "falsepositives", "level", "related", "license", "scope", "mxwitness",
};

/* One key of a document that needs no other: `detection` and `mxwitness` come after all of these. */
static bool plain_key(struct rules *r, struct error *e, enum key key, const struct node *v, struct rule *rule)
{
	const char *unused;
	switch (key) {
	case K_TITLE:
		return text_read(e, v, 200, &rule->title);
	case K_ID:
		rule->uuid = (const char *)v->text.p;
		return (v->kind == NODE_SCALAR && is_uuid(v->text)) || node_error(e, v, "id is a UUID in lower case");
	case K_NAME:
		return id_read(e, v, &rule->name);
	case K_STATUS:
		return status(e, v, &rule->status);
	case K_DESCRIPTION:
		return text_read(e, v, 4096, &rule->description);
	case K_REFERENCES:
		return texts_keep(r, e, v, &rule->reference, &rule->references);
	case K_AUTHOR:
	case K_LICENSE:
		return text_read(e, v, 4096, &unused);
	case K_DATE:
	case K_MODIFIED:
		return date(e, v);
	case K_TAGS:
		return tags(r, e, v, rule);
	case K_FALSEPOSITIVES:
		return texts_keep(r, e, v, &rule->falsepositive, &rule->falsepositives);
	case K_FIELDS:
	case K_SCOPE:
		return list_of_texts(e, v);
	case K_LEVEL:
		return level_read(e, v, &rule->sigma_level);
	case K_RELATED:
		return v->kind == NODE_LIST || node_error(e, v, "a list belongs here");
	case K_LOGSOURCE:
	case K_DETECTION:
	case K_MXWITNESS:
	case KEYS:
		break;
	}
	return true;
}

/* "30m" */
static bool suppress_read(struct error *e, const struct node *n, uint32_t *out)
{
	uint32_t v = 0, unit = 0;
	size_t i = 0;
	for (; n->kind == NODE_SCALAR && i < n->text.n && i < 6 && n->text.p[i] >= '0' && n->text.p[i] <= '9'; i++)
		v = v * 10 + (uint32_t)(n->text.p[i] - '0');
	if (i > 0 && i + 1 == n->text.n)
		unit = n->text.p[i] == 's' ? 1 : n->text.p[i] == 'm' ? 60 : n->text.p[i] == 'h' ? 3600 :
		       n->text.p[i] == 'd' ? 86400 : 0;
	if (unit == 0 || v == 0 || v > 31536000 / unit)
		return node_error(e, n, "a time like 30m: a number and s, m, h or d, at most a year");
	*out = v * unit;
	return true;
}

static bool floor_read(struct error *e, const struct node *map, struct rule *rule)
{
	if (map->kind != NODE_MAP)
		return node_error(e, map, "floor is a map of expectation: level");
	for (const struct node *v = map->first; v; v = v->next) {
		uint8_t expect;
		if (!word_read(e, v->key, "expectation", F_expect, &expect) || !level_read(e, v, &rule->floor[expect]))
			return false;
	}
	return true;
}

static bool shift_one(struct rules *r, struct error *e, const struct node *n, struct selection *sel, struct rule *rule)
{
	static const char *const parts[] = { "by", "when", "why" };
	struct rule_shift *s = &rule->shift[rule->shifts];
	if (!known_keys(e, n, parts, COUNT(parts)))
		return false;
	const struct node *by = node_get(n, "by"), *when = node_get(n, "when"), *why = node_get(n, "why");
	if (!by || !when || !why)
		return node_error(e, n, "a shift is {by: 1 or -1, when: SELECTION, why: TEXT}");
	if (!node_is(by, "1") && !node_is(by, "+1") && !node_is(by, "-1"))
		return node_error(e, by, "by is 1 or -1");
	struct selection *found = when->kind == NODE_SCALAR ? selection_find(sel, when->text) : NULL;
	if (!found)
		return node_error(e, when, "when names a selection of this rule's detection");
	s->by = by->text.p[0] == '-' ? -1 : 1;
	rule->shifts++;
	return text_read(e, why, 200, &s->why) && detection_emit(&owner_of(r)->compiler, found->expr, &s->start);
}

static bool shift_read(struct rules *r, struct error *e, const struct node *list, struct selection *sel, struct rule *rule)
{
	if (list->kind != NODE_LIST)
		return node_error(e, list, "a list belongs here");
	for (const struct node *n = list->first; n; n = n->next) {
		if (rule->shifts == RULE_SHIFTS)
			return node_error(e, n, "more than %d shifts", RULE_SHIFTS);
		if (!shift_one(r, e, n, sel, rule))
			return false;
	}
	return true;
}

static bool sentences_read(struct error *e, const struct node *list, struct rule *rule)
{
	if (list->kind != NODE_LIST)
		return node_error(e, list, "text is a list of sentences");
	for (const struct node *n = list->first; n; n = n->next) {
		if (rule->texts == RULE_TEXTS)
			return node_error(e, n, "more than %d sentences", RULE_TEXTS);
		if (!sentence_read(e, n, &rule->text[rule->texts++]))
			return false;
	}
	return true;
}

static bool levels_read(struct error *e, const struct node *n, struct rule *rule)
{
	if (node_is(n, "matrix")) {
		rule->fixed = RULE_NO_LEVEL;
		return true;
	}
	return level_read(e, n, &rule->fixed);
}

static bool evidence_read(struct error *e, const struct node *n, struct rule *rule)
{
	rule->evidence = node_is(n, "true");
	return rule->evidence || node_is(n, "false") || node_error(e, n, "evidence is true or false");
}

enum own_key {
	O_FINDING, O_VARIANT, O_CERTAINTY, O_VERDICT, O_LEVELS, O_BASE, O_FLOOR, O_CAP, O_SHIFT, O_OWN, O_SUPPRESS,
	O_EVIDENCE, O_SEGMENT, O_TEXT, OWN_KEYS
};
static const char *const own_keys[OWN_KEYS] = {
	"finding", "variant", "certainty", "verdict", "levels", "base", "floor", "cap", "shift", "own", "suppress",
	"evidence", "segment", "text",
};

static bool own_key(struct rules *r, struct error *e, enum own_key key, const struct node *v, struct selection *sel,
		    struct rule *rule)
{
	switch (key) {
	case O_FINDING:
		return id_read(e, v, &rule->finding);
	case O_VARIANT:
		return id_read(e, v, &rule->variant);
	case O_CERTAINTY:
		return word_read(e, v, "certainty", F_certainty, &rule->certainty);
	case O_VERDICT:
		return word_read(e, v, "verdict", F_verdict, &rule->verdict);
	case O_LEVELS:
		return levels_read(e, v, rule);
	case O_BASE:
		return level_read(e, v, &rule->base);
	case O_FLOOR:
		return floor_read(e, v, rule);
	case O_CAP:
		return level_read(e, v, &rule->cap);
	case O_SHIFT:
		return shift_read(r, e, v, sel, rule);
	case O_OWN:
		return level_read(e, v, &rule->own);
	case O_SUPPRESS:
		return suppress_read(e, v, &rule->suppress_s);
	case O_EVIDENCE:
		return evidence_read(e, v, rule);
	case O_SEGMENT:
		return word_read(e, v, "segment", F_segment, &rule->segment);
	case O_TEXT:
		return sentences_read(e, v, rule);
	case OWN_KEYS:
		break;
	}
	return true;
}

/* The settings under mxwitness:; without them a rule has its Sigma level and is an indication. */
static bool settings(struct rules *r, struct error *e, const struct node *map, struct selection *sel, struct rule *rule)
{
	rule->fixed = rule->sigma_level;
	if (!map)
		return true;
	if (!known_keys(e, map, own_keys, OWN_KEYS))
		return false;
	for (unsigned k = 0; k < OWN_KEYS; k++) {
		const struct node *v = node_get(map, own_keys[k]);
		if (v && !own_key(r, e, (enum own_key)k, v, sel, rule))
			return false;
	}
	if (rule->fixed != RULE_NO_LEVEL && node_get(map, "base"))
		return node_error(e, node_get(map, "base")->key, "base belongs to levels: matrix");
	return true;
}

/* Is this document for us? skip: it is somebody else's. */
static bool logsource(struct error *e, const struct node *doc, bool *skip)
{
	static const char *const services[] = { "session", "alert", "lookup", "posture" };
	static const char *const parts[] = { "product", "service", "definition" };
	const struct node *source = node_get(doc, "logsource");
	if (!source)
		return node_error(e, doc, "logsource is missing; write {product: mxwitness, service: session}");
	if (source->kind != NODE_MAP)
		return node_error(e, source, "logsource is a map");
	const struct node *product = node_get(source, "product"), *service = node_get(source, "service");
	*skip = !product || !node_is(product, "mxwitness");
	if (*skip)
		return true;
	if (!known_keys(e, source, parts, COUNT(parts)))
		return false;
	if (!service || service->kind != NODE_SCALAR)
		return node_error(e, source, "logsource has no service; write {product: mxwitness, service: session}");
	if (node_is(service, "session"))
		return true;
	for (size_t i = 1; i < COUNT(services); i++)
		if (node_is(service, services[i]))
			return node_error(e, service, "rules over %s events are not supported by this version", services[i]);
	return no_word(e, service, "service", services, COUNT(services));
}

static bool must_have(struct error *e, const struct node *doc, const char *text, const char *key)
{
	return text[0] || node_error(e, doc, "%s is missing", key);
}

static bool unique(const struct rules *r, struct error *e, const struct node *doc, const struct rule *rule)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct rule *other = &r->rule[i];
		if (strcmp(other->name, rule->name) == 0)
			return node_error(e, node_get(doc, "name"), "the name \"%s\" is used at %s:%u already", rule->name,
					  other->file, other->line);
		if (strcmp(other->uuid, rule->uuid) == 0)
			return node_error(e, node_get(doc, "id"), "the id is used at %s:%u already", other->file, other->line);
	}
	return true;
}

static void rule_clear(struct rules *r, const struct node *doc, struct rule *rule)
{
	const char *base = strrchr(doc->path, '/');
	base = base ? base + 1 : doc->path;
	const char *dot = strrchr(base, '.');
	*rule = (struct rule){ .file = doc->path, .line = doc->line, .title = "", .uuid = "", .name = "", .finding = "",
			       .variant = "", .description = "", .tlsrpt = "",
			       .certainty = certainty_indication, .verdict = RULE_NO_VERDICT, .fixed = RULE_NO_LEVEL,
			       .base = level_informational, .cap = level_critical, .own = RULE_NO_LEVEL,
			       .sigma_level = RULE_NO_LEVEL, .site_level = RULE_NO_LEVEL, .status = RULE_STATUSES,
			       .segment = pathpart_unknown, .enabled = true, .shipped = true };
	rule->category = arena_string(&owner_of(r)->arena,
				      (struct bytes){ (const uint8_t *)base, dot ? (size_t)(dot - base) : strlen(base) });
}

static bool rule_keys(struct rules *r, struct error *e, const struct node *doc, struct rule *rule)
{
	if (!known_keys(e, doc, keys, KEYS))
		return false;
	for (unsigned k = 0; k < KEYS; k++) {
		const struct node *v = node_get(doc, keys[k]);
		if (v && !plain_key(r, e, (enum key)k, v, rule))
			return false;
	}
	if (!must_have(e, doc, rule->title, "title") || !must_have(e, doc, rule->uuid, "id") ||
	    !must_have(e, doc, rule->name, "name") || !unique(r, e, doc, rule))
		return false;
	return rule->sigma_level != RULE_NO_LEVEL || node_error(e, doc, "level is missing");
}

static bool rule_detection(struct rules *r, struct error *e, const struct node *doc, struct rule *rule)
{
	struct compiler *c = &owner_of(r)->compiler;
	const struct node *detection = node_get(doc, "detection");
	struct selection *sel;
	struct expr *condition;
	if (!detection)
		return node_error(e, doc, "detection is missing");
	if (!detection_read(c, detection, &sel, &condition) || !settings(r, e, node_get(doc, "mxwitness"), sel, rule) ||
	    !detection_lint(c, sel, condition) || !detection_emit(c, condition, &rule->start))
		return false;
	struct coverage need = expr_coverage(condition);
	memcpy(rule->need, need.seen, sizeof(rule->need));
	return true;
}

/* Numbers findings in the order in which they first come. */
static uint32_t finding_number(struct rules *r, const char *finding)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->rule[i].finding, finding) == 0)
			return r->rule[i].finding_at;
	return (uint32_t)r->findings++;
}

static bool rule_add(struct rules *r, struct error *e, const struct node *doc, struct rule *rule)
{
	struct owner *o = owner_of(r);
	if (r->count == o->rule_cap) {
		o->rule_cap = o->rule_cap ? 2 * o->rule_cap : 32;
		struct rule *more = realloc(r->rule, o->rule_cap * sizeof(*more));
		if (!more)
			return node_error(e, doc, "no memory");
		r->rule = more;
	}
	if (!rule->finding[0])
		rule->finding = rule->name;
	rule->finding_at = finding_number(r, rule->finding);
	r->rule[r->count++] = *rule;
	return true;
}

static bool rule_document(struct rules *r, struct error *e, const struct node *doc)
{
	struct rule rule;
	bool skip = false;
	if (doc->kind == NODE_SCALAR && doc->text.n == 0)
		return true;
	if (doc->kind != NODE_MAP)
		return node_error(e, doc, "a rule is a map");
	if (node_get(doc, "correlation") || node_get(doc, "filter"))
		return node_error(e, node_get(doc, node_get(doc, "filter") ? "filter" : "correlation")->key,
				  "%s documents are not supported by this version", node_get(doc, "filter") ? "filter" : "correlation");
	if (!logsource(e, doc, &skip))
		return false;
	r->skipped += skip;
	rule_clear(r, doc, &rule);
	return skip || (rule_keys(r, e, doc, &rule) && rule_detection(r, e, doc, &rule) && rule_add(r, e, doc, &rule));
}

/* One cell: a level, or {else: level, first: level, inferred: level, ...}. */
static bool cell(struct error *e, const struct node *n, uint8_t level[delivery_COUNT], uint8_t first[delivery_COUNT])
{
	const struct node *rest = n->kind == NODE_MAP ? node_get(n, "else") : n;
	uint8_t l, d;
	if (!rest)
		return node_error(e, n, "a level, or a map with else: LEVEL, belongs here");
	if (!level_read(e, rest, &l))
		return false;
	memset(level, l, delivery_COUNT);
	for (const struct node *v = n->kind == NODE_MAP ? n->first : NULL; v; v = v->next) {
		if (v == rest || node_is(v->key, "first"))
			continue;
		if (!word_read(e, v->key, "delivery", F_delivery, &d) || !level_read(e, v, &level[d]))
			return false;
	}
	memcpy(first, level, delivery_COUNT);
	const struct node *once = n->kind == NODE_MAP ? node_get(n, "first") : NULL;
	if (!once)
		return true;
	if (!level_read(e, once, &l))
		return false;
	memset(first, l, delivery_COUNT);
	return true;
}

static bool matrix_row(struct error *e, const struct node *row, struct severity *s, uint8_t expect)
{
	bool have[outcome_COUNT] = { false };
	if (row->kind != NODE_MAP)
		return node_error(e, row, "a row is a map of outcome: level");
	for (const struct node *n = row->first; n; n = n->next) {
		uint8_t o;
		if (!word_read(e, n->key, "outcome", F_outcome, &o) || !cell(e, n, s->level[expect][o], s->first[expect][o]))
			return false;
		have[o] = true;
	}
	for (unsigned o = 0; o < outcome_COUNT; o++)
		if (!have[o])
			return node_error(e, row, "the row of \"%s\" has no level for outcome \"%s\"",
					  fact_table[F_expect].words[expect], fact_table[F_outcome].words[o]);
	return true;
}

static bool matrix(struct error *e, const struct node *map, struct severity *s)
{
	bool have[expect_COUNT] = { false };
	if (map->kind != NODE_MAP)
		return node_error(e, map, "matrix is a map of expectation: row");
	for (const struct node *row = map->first; row; row = row->next) {
		uint8_t x;
		if (!word_read(e, row->key, "expectation", F_expect, &x) || !matrix_row(e, row, s, x))
			return false;
		have[x] = true;
	}
	for (unsigned x = 0; x < expect_COUNT; x++)
		if (!have[x])
			return node_error(e, map, "the matrix has no row for expectation \"%s\"", fact_table[F_expect].words[x]);
	return true;
}

static bool bound_read(struct error *e, const struct node *list, struct severity *s)
{
	if (list->kind != NODE_LIST)
		return node_error(e, list, "a list of expectations belongs here");
	for (const struct node *n = list->first; n; n = n->next) {
		uint8_t x;
		if (!word_read(e, n, "expectation", F_expect, &x))
			return false;
		s->bound[x] = true;
	}
	return true;
}

static bool identity_read(struct error *e, const struct node *map, struct severity *s)
{
	static const char *const parts[] = { "cap", "certainty" };
	const struct node *bound = map->kind == NODE_MAP ? node_get(map, "expectations") : NULL;
	if (!bound)
		return node_error(e, map, "identity is a map with expectations: [...] and a line for each confidence");
	if (!bound_read(e, bound, s))
		return false;
	for (const struct node *n = map->first; n; n = n->next) {
		uint8_t k;
		if (n == bound)
			continue;
		if (!word_read(e, n->key, "confidence", F_id_confidence, &k) || !known_keys(e, n, parts, COUNT(parts)))
			return false;
		const struct node *cap = node_get(n, "cap"), *certainty = node_get(n, "certainty");
		if (!cap || !certainty)
			return node_error(e, n, "{cap: LEVEL, certainty: CERTAINTY} belongs here");
		if (!level_read(e, cap, &s->cap[k]) || !word_read(e, certainty, "certainty", F_certainty, &s->certainty[k]))
			return false;
	}
	for (const char *const *w = fact_table[F_id_confidence].words; *w; w++)
		if (!node_get(map, *w))
			return node_error(e, map, "identity has no line for confidence \"%s\"", *w);
	return true;
}

static bool severity_document(struct rules *r, struct error *e, const struct node *doc)
{
	static const char *const parts[] = { "ruleset", "identity", "matrix" };
	if (!known_keys(e, doc, parts, COUNT(parts)))
		return false;
	for (size_t i = 0; i < COUNT(parts); i++)
		if (!node_get(doc, parts[i]))
			return node_error(e, doc, "%s is missing", parts[i]);
	if (owner_of(r)->severity)
		return node_error(e, doc, "a second table of levels");
	owner_of(r)->severity = true;
	return text_read(e, node_get(doc, "ruleset"), 32, &r->ruleset) &&
	       identity_read(e, node_get(doc, "identity"), &r->severity) && matrix(e, node_get(doc, "matrix"), &r->severity);
}

static bool by_finding(struct error *e, const struct node *n, struct verdict_case *v)
{
	static const char *const parts[] = { "plain", "promised" };
	if (!known_keys(e, n, parts, COUNT(parts)))
		return false;
	const struct node *plain = node_get(n, "plain"), *promised = node_get(n, "promised");
	if (!plain || !promised)
		return node_error(e, n, "{plain: LEVEL, promised: LEVEL} belongs here");
	v->by_finding = true;
	return level_read(e, plain, &v->plain) && level_read(e, promised, &v->promised);
}

static bool case_detection(struct rules *r, struct error *e, const struct node *n, struct verdict_case *v)
{
	struct compiler *c = &owner_of(r)->compiler;
	struct selection *sel;
	struct expr *condition;
	v->start = STEP_YES;
	if (!n)
		return true;
	(void)e;
	return detection_read(c, n, &sel, &condition) && detection_lint(c, sel, condition) &&
	       detection_emit(c, condition, &v->start);
}

static bool verdict_one(struct rules *r, struct error *e, const struct node *n, struct verdict_case *v)
{
	static const char *const parts[] = { "verdict", "finding", "detection", "why" };
	*v = (struct verdict_case){ .why = "" };
	if (!known_keys(e, n, parts, COUNT(parts)))
		return false;
	const struct node *word = node_get(n, "verdict"), *finding = node_get(n, "finding"), *why = node_get(n, "why");
	const struct node *detection = node_get(n, "detection");
	if (!word || !word_read(e, word, "verdict", F_verdict, &v->verdict))
		return word ? false : node_error(e, n, "verdict is missing");
	if (finding ? detection || why : !why)
		return node_error(e, n, finding ? "a case by finding has its reason from the finding" : "why is missing");
	if (finding)
		return by_finding(e, finding, v);
	if (!n->next && detection)
		return node_error(e, detection->key, "the last case holds for all that is left: it has no detection");
	if (n->next && !detection)
		return node_error(e, n, "a case without detection must be the last");
	return sentence_read(e, why, &v->why) && case_detection(r, e, detection, v);
}

static bool verdict_document(struct rules *r, struct error *e, const struct node *doc)
{
	size_t n = 0;
	if (doc->kind != NODE_LIST || !doc->first)
		return node_error(e, doc, "a list of cases belongs here");
	if (owner_of(r)->verdict)
		return node_error(e, doc, "a second list of cases");
	owner_of(r)->verdict = true;
	for (const struct node *i = doc->first; i; i = i->next)
		n++;
	r->verdict = arena_take(&owner_of(r)->arena, n * sizeof(*r->verdict));
	for (const struct node *i = doc->first; i; i = i->next)
		if (!verdict_one(r, e, i, &r->verdict[r->verdicts++]))
			return false;
	return !r->verdict[n - 1].by_finding || node_error(e, doc, "the last case must hold for all that is left");
}

struct rules *rules_new(struct error *e)
{
	struct rules *r = calloc(1, sizeof(*r));
	struct owner *o = calloc(1, sizeof(*o));
	if (r && o) {
		r->owner = o;
		r->ruleset = "";
		o->compiler = (struct compiler){ .rules = r, .arena = &o->arena, .scratch = rule_scratch_new(r) };
		if (o->compiler.scratch)
			return r;
	}
	free(r);
	free(o);
	error_set(e, "no memory for the rules");
	return NULL;
}

void rules_free(struct rules *r)
{
	if (!r)
		return;
	struct owner *o = owner_of(r);
	for (size_t i = 0; i < r->regexes; i++)
		pcre2_code_free(r->regex[i]);
	rule_scratch_free(o->compiler.scratch);
	arena_free(&o->arena);
	free(o);
	free(r->regex);
	free(r->step);
	free(r->rule);
	free(r);
}

static bool is_file(const char *path, const char *name)
{
	const char *base = strrchr(path, '/');
	return strcmp(base ? base + 1 : path, name) == 0;
}

bool rules_add(struct rules *r, const char *path, struct bytes content, struct error *e)
{
	struct owner *o = owner_of(r);
	struct node *doc;
	o->compiler.e = e;
	if (!yaml_tree_read(&o->arena, path, content, &doc, e))
		return false;
	for (; doc; doc = doc->next) {
		bool ok = is_file(path, "severity.yaml") ? severity_document(r, e, doc) :
			  is_file(path, "verdict.yaml") ? verdict_document(r, e, doc) : rule_document(r, e, doc);
		if (!ok)
			return false;
	}
	return true;
}

static bool has_case(const struct rules *r, uint8_t verdict)
{
	for (size_t i = 0; i < r->verdicts; i++)
		if (r->verdict[i].by_finding && r->verdict[i].verdict == verdict)
			return true;
	return false;
}

bool rules_finish(struct rules *r, struct error *e)
{
	struct owner *o = owner_of(r);
	if (!o->severity || !o->verdict)
		return error_set(e, "%s is not among the rules; copy it from the rules that came with the program",
				 o->severity ? "verdict.yaml" : "severity.yaml");
	for (size_t i = 0; i < r->count; i++)
		if (r->rule[i].verdict != RULE_NO_VERDICT && !has_case(r, r->rule[i].verdict))
			return error_set(e, "%s:%u:1: verdict.yaml has no case by finding for verdict \"%s\"", r->rule[i].file,
					 r->rule[i].line, fact_table[F_verdict].words[r->rule[i].verdict]);
	return true;
}

static int is_rule_file(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return d->d_name[0] != '.' && ((n > 5 && strcmp(d->d_name + n - 5, ".yaml") == 0) ||
				       (n > 4 && strcmp(d->d_name + n - 4, ".yml") == 0));
}

/* Locale has no say in the order of files. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool add_file(struct rules *r, const char *path, uint8_t *buf, struct error *e)
{
	FILE *f = fopen(path, "rbe");
	if (!f)
		return error_set(e, "%s: cannot be read: %s", path, strerror(errno));
	size_t n = fread(buf, 1, YAML_FILE_MAX + 1, f);
	bool bad = ferror(f);
	fclose(f);
	if (bad)
		return error_set(e, "%s: cannot be read: %s", path, strerror(errno));
	return rules_add(r, path, (struct bytes){ buf, n }, e);
}

static bool add_all(struct rules *r, const char *dir, struct dirent **names, int n, struct error *e)
{
	char path[PATH_MAX];
	uint8_t *buf = malloc(YAML_FILE_MAX + 1);
	bool ok = buf || error_set(e, "no memory for the rules");
	for (int i = 0; ok && i < n; i++) {
		int len = snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		ok = len > 0 && (size_t)len < sizeof(path) ? add_file(r, path, buf, e) :
		     error_set(e, "%s: the path is too long", dir);
	}
	free(buf);
	return ok;
}

struct rules *rules_load(const char *dir, struct error *e)
{
	struct dirent **names = NULL;
	struct rules *r = rules_new(e);
	if (!r)
		return NULL;
	int n = scandir(dir, &names, is_rule_file, by_name);
	bool ok = n < 0 ? error_set(e, "%s: no folder of rules: %s", dir, strerror(errno)) :
		  n == 0 ? error_set(e, "%s: no rules in this folder; copy those that came with the program", dir) :
			   add_all(r, dir, names, n, e);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	if (ok && rules_finish(r, e))
		return r;
	rules_free(r);
	return NULL;
}
