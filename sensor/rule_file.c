/* rule_file: see rule_file.h. Documents of a folder into compiled rules: which document is what, and the keys that Sigma
 * has. The language of detections is in rule_detect, our own settings in rule_settings, the two tables in rule_table. It
 * does not know any finding: ids, levels and words are all in the files. */
#include "rule_file.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <dirent.h>
#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "folder.h"
#include "node_read.h"
#include "rule_correlate.h"
#include "rule_filter.h"
#include "rule_index.h"
#include "rule_set.h"
#include "rule_settings.h"
#include "rule_table.h"
#include "text.h"

enum { RULES_MAX = 4096 };

/* A list of different texts, kept: *out holds *count of them. */
static bool texts_keep(struct rules *r, struct error *e, const struct node *list, const char *const **out, uint8_t *count)
{
	size_t n = 0;
	if (!texts_read(e, list, RULE_LIST))
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
	if (!texts_read(e, list, RULE_LIST))
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

static bool related(struct error *e, const struct node *list)
{
	static const char *const parts[] = { "id", "type" };
	static const char *const types[] = { "derived", "obsolete", "merged", "renamed", "similar" };
	const char *unused;
	if (list->kind != NODE_LIST)
		return node_error(e, list, "a list belongs here");
	for (const struct node *n = list->first; n; n = n->next) {
		if (!known_keys(e, n, parts, COUNT(parts)))
			return false;
		const struct node *id = node_get(n, "id"), *type = node_get(n, "type");
		bool known = false;
		if (!id || !type || type->kind != NODE_SCALAR)
			return node_error(e, n, "{id: UUID, type: TYPE} belongs here");
		if (!uuid_read(e, id, &unused))
			return false;
		for (size_t i = 0; i < COUNT(types); i++)
			known = known || node_is(type, types[i]);
		if (!known)
			return no_word(e, type, "type", types, COUNT(types));
	}
	return true;
}

/* Names of facts that an analyst wants to see first. */
static bool fields(struct error *e, const struct node *list)
{
	if (!texts_read(e, list, RULE_LIST))
		return false;
	for (const struct node *n = list->first; n; n = n->next)
		if (fact_by_name(n->text) == FACT_COUNT)
			return no_fact(e, n, n->text);
	return true;
}

enum key {
	K_TITLE, K_ID, K_NAME, K_STATUS, K_DESCRIPTION, K_REFERENCES, K_AUTHOR, K_DATE, K_MODIFIED, K_TAGS, K_LOGSOURCE,
	K_DETECTION, K_FIELDS, K_FALSEPOSITIVES, K_LEVEL, K_RELATED, K_LICENSE, K_SCOPE, K_MXWITNESS, K_CORRELATION, KEYS
};
static const char *const keys[KEYS] = {
	"title", "id", "name", "status", "description", "references", "author", "date", "modified", "tags", "logsource",
	"detection", "fields", "falsepositives", "level", "related", "license", "scope", "mxwitness",
	"correlation",
};

/* One key of a document that needs no other: `detection` and `mxwitness` come after all of these. */
static bool plain_key(struct rules *r, struct error *e, enum key key, const struct node *v, struct rule *rule)
{
	const char *unused;
	switch (key) {
	case K_TITLE:
		return text_read(e, v, 200, &rule->title);
	case K_ID:
		return uuid_read(e, v, &rule->uuid);
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
		return date_read(e, v);
	case K_TAGS:
		return tags(r, e, v, rule);
	case K_FALSEPOSITIVES:
		return texts_keep(r, e, v, &rule->falsepositive, &rule->falsepositives);
	case K_FIELDS:
		return fields(e, v);
	case K_SCOPE:
		return texts_read(e, v, RULE_LIST);
	case K_LEVEL:
		return level_read(e, v, &rule->sigma_level);
	case K_RELATED:
		return related(e, v);
	case K_LOGSOURCE:
	case K_DETECTION:
	case K_MXWITNESS:
	case K_CORRELATION:
	case KEYS:
		break;
	}
	return true;
}

/* Somebody else's, unless it is ours with a slip of the pen. */
static bool other_product(struct error *e, const struct node *product)
{
	static const char *const ours[] = { "mxwitness" };
	return !product || product->kind != NODE_SCALAR || !nearest_word(ours, COUNT(ours), product->text) ||
	       no_word(e, product, "product", ours, COUNT(ours));
}

bool logsource_read(struct error *e, const struct node *doc, bool *skip, const struct node **service)
{
	static const char *const parts[] = { "product", "service", "definition" };
	const struct node *source = node_get(doc, "logsource");
	if (!source)
		return node_error(e, doc, "logsource is missing; write {product: mxwitness, service: session}");
	if (source->kind != NODE_MAP)
		return node_error(e, source, "logsource is a map");
	const struct node *product = node_get(source, "product");
	*service = node_get(source, "service");
	*skip = !product || !node_is(product, "mxwitness");
	if (*skip)
		return other_product(e, product);
	return known_keys(e, source, parts, COUNT(parts));
}

uint8_t service_read(const struct node *service)
{
	return !service || node_is(service, "session") ? IN_SESSION : node_is(service, "stats") ? IN_STATS :
	       node_is(service, "posture") ? IN_POSTURE : 0;
}

/* Is this rule for us? skip: it is somebody else's. of: what it is about. */
static bool logsource(struct error *e, const struct node *doc, bool *skip, uint8_t *of)
{
	static const char *const services[] = { "session", "stats", "alert", "lookup", "posture" };
	const struct node *service;
	if (!logsource_read(e, doc, skip, &service))
		return false;
	if (*skip)
		return true;
	if (!service || service->kind != NODE_SCALAR)
		return node_error(e, node_get(doc, "logsource"),
				  "logsource has no service; write {product: mxwitness, service: session}");
	*of = service_read(service);
	if (*of)
		return true;
	for (size_t i = 0; i < COUNT(services); i++)
		if (node_is(service, services[i]))
			return node_error(e, service, "this version judges single sessions, stats and posture, and does not run "
					  "rules over %s events", services[i]);
	return no_word(e, service, "service", services, COUNT(services));
}

static bool must_have(struct error *e, const struct node *doc, const char *text, const char *key)
{
	return text[0] || node_error(e, doc, "%s is missing", key);
}

/* The rule in whose place a site's own rule with the same id comes, or NULL. */
static struct rule *replaced(const struct rules *r, const struct rule *rule)
{
	struct rule *other = rules_named(r, bytes_of(rule->uuid));
	return other && other->shipped && !rule->shipped ? other : NULL;
}

static bool unique(const struct rules *r, struct error *e, const struct node *doc, const struct rule *rule)
{
	const struct rule *place = replaced(r, rule);
	for (size_t i = 0; i < r->count; i++) {
		const struct rule *other = &r->rule[i];
		if (other == place)
			continue;
		if (strcmp(other->name, rule->name) == 0 && other->shipped && !rule->shipped)
			return node_error(e, node_get(doc, "name"), "the name \"%s\" is that of a shipped rule; to replace it, "
					  "give this one its id %s, else another name", rule->name, other->uuid);
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
			       .segment = pathpart_unknown, .enabled = true, .shipped = !owner_of(r)->site };
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

static bool rule_detection(struct rules *r, struct error *e, const struct node *doc, struct rule *rule,
			   const struct expr **out)
{
	struct compiler *c = &owner_of(r)->compiler;
	const struct node *detection = node_get(doc, "detection");
	struct selection *sel;
	struct expr *condition;
	if (!detection)
		return node_error(e, doc, "detection is missing");
	if (!detection_read(c, detection, NULL, &sel, &condition) ||
	    !settings_read(r, e, node_get(doc, "mxwitness"), sel, condition, rule) || !detection_lint(c, sel, condition) ||
	    !expr_emit(c, condition, &rule->start))
		return false;
	struct coverage need = expr_coverage(condition, true);
	memcpy(rule->need, need.seen, sizeof(rule->need));
	*out = condition;
	return true;
}

/* Room for one more. */
static bool rule_room(struct rules *r, struct error *e, const struct node *doc)
{
	struct owner *o = owner_of(r);
	if (r->count < o->rule_cap)
		return true;
	if (r->count == RULES_MAX)
		return node_error(e, doc, "more than %d rules", RULES_MAX);
	o->rule_cap = o->rule_cap ? 2 * o->rule_cap : 32;
	struct rule *more = realloc(r->rule, o->rule_cap * sizeof(*more));
	if (!more)
		return node_error(e, doc, "no memory");
	r->rule = more;
	const struct expr **condition = realloc(o->condition, o->rule_cap * sizeof(*condition));
	if (!condition)
		return node_error(e, doc, "no memory");
	o->condition = condition;
	return true;
}

/* A finding is about sessions or about the sensor, in all of its documents. */
static bool one_service(const struct rules *r, struct error *e, const struct node *doc, const struct rule *rule)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->rule[i].finding, rule->finding) == 0 && r->rule[i].service != rule->service)
			return node_error(e, node_get(doc, "logsource"), "the finding \"%s\" is that of another service at %s:%u",
					  rule->finding, r->rule[i].file, r->rule[i].line);
	return true;
}

static bool rule_add(struct rules *r, struct error *e, const struct node *doc, struct rule *rule,
		     const struct expr *condition)
{
	struct rule *place = replaced(r, rule);
	if (!place && !rule_room(r, e, doc))
		return false;
	if (!rule->finding[0])
		rule->finding = rule->name;
	if (!one_service(r, e, doc, rule))
		return false;
	if (!place)
		place = &r->rule[r->count++];
	owner_of(r)->condition[place - r->rule] = condition;
	*place = *rule;
	return true;
}

/* What Sigma has beside rules for one event. */
static bool refuse_kind(struct error *e, const struct node *doc)
{
	const struct node *action = node_get(doc, "action");
	return !action || node_error(e, action->key, "collections by \"action\" are no longer Sigma; write each rule out");
}

/* A rule with which no single session agrees, and what it says of several. */
static bool correlation_rule(struct rules *r, struct error *e, const struct node *doc)
{
	struct selection none = { 0 };
	struct rule rule;
	rule_clear(r, doc, &rule);
	rule.service = owner_of(r)->compiler.service = IN_SESSION;
	rule.correlates = true;
	rule.start = STEP_NO;
	return rule_keys(r, e, doc, &rule) && settings_read(r, e, node_get(doc, "mxwitness"), &none, NULL, &rule) &&
	       correlation_document(r, e, doc) && rule_add(r, e, doc, &rule, NULL);
}

static bool rule_document(struct rules *r, struct error *e, const struct node *doc)
{
	struct rule rule;
	const struct expr *condition = NULL;
	bool skip = false;
	if (doc->kind == NODE_SCALAR && doc->text.n == 0)
		return true;
	if (doc->kind != NODE_MAP)
		return node_error(e, doc, "a rule is a map");
	if (node_get(doc, "filter"))
		return filter_document(r, e, doc);
	if (node_get(doc, "correlation"))
		return correlation_rule(r, e, doc);
	uint8_t service = IN_SESSION;
	if (!refuse_kind(e, doc) || !logsource(e, doc, &skip, &service))
		return false;
	r->skipped += skip;
	rule_clear(r, doc, &rule);
	rule.service = owner_of(r)->compiler.service = service;
	const struct node *own = node_get(doc, "mxwitness"), *silent = own ? node_get(own, "silent") : NULL;
	owner_of(r)->compiler.findings = silent && node_is(silent, "true");
	return skip || (rule_keys(r, e, doc, &rule) && rule_detection(r, e, doc, &rule, &condition) &&
			rule_add(r, e, doc, &rule, condition));
}

/* name or UUID */
struct rule *rules_named(const struct rules *r, struct bytes id)
{
	for (size_t i = 0; i < r->count; i++)
		if (bytes_eq(bytes_of(r->rule[i].name), id) || bytes_eq(bytes_of(r->rule[i].uuid), id))
			return &r->rule[i];
	return NULL;
}

/* The names of the rules of a finding, as "a, b". */
static bool no_rule_but_finding(const struct rules *r, struct error *e, const struct node *at)
{
	char names[240];
	struct text t = { names, 0, sizeof(names) - 1, false };
	for (size_t i = 0; i < r->count; i++) {
		if (!bytes_eq(bytes_of(r->rule[i].finding), at->text))
			continue;
		text_put(&t, t.n ? ", " : "");
		text_put(&t, r->rule[i].name);
	}
	names[t.n] = '\0';
	return node_error(e, at, "\"%.*s\" is a finding; name its rules: %s", TEXT(at->text), names);
}

bool no_rule(const struct rules *r, struct error *e, const struct node *at)
{
	const char **names = arena_take(&owner_of(r)->arena, (2 * r->count + 1) * sizeof(*names));
	size_t n = 0;
	for (size_t i = 0; i < r->count; i++) {
		if (bytes_eq(bytes_of(r->rule[i].finding), at->text))
			return no_rule_but_finding(r, e, at);
		names[n++] = r->rule[i].name;
		names[n++] = r->rule[i].finding;
	}
	return no_word(e, at, "rule", names, n);
}

struct rules *rules_new(struct error *e)
{
	struct rules *r = calloc(1, sizeof(*r));
	struct owner *o = calloc(1, sizeof(*o));
	if (r && o) {
		r->owner = o;
		r->ruleset = "";
		o->waiting_end = &o->waiting;
		o->compiler = (struct compiler){ .rules = r, .arena = &o->arena, .scratch = rule_scratch_new(r),
						 .service = IN_SESSION };
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
	free(o->condition);
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

void rules_own(struct rules *r)
{
	owner_of(r)->site = true;
}

bool rules_add(struct rules *r, const char *path, struct bytes content, struct error *e)
{
	struct owner *o = owner_of(r);
	struct node *doc;
	o->compiler.e = e;
	o->compiler.service = IN_SESSION;
	if (!yaml_tree_read(&o->arena, path, content, &doc, e))
		return false;
	for (; doc; doc = doc->next) {
		bool ok = is_file(path, "severity.yaml") ? severity_document(r, e, doc) :
			  is_file(path, "verdict.yaml") ? verdict_document(r, e, doc) :
			  is_file(path, "incident.yaml") ? incident_document(r, e, doc) :
			  is_file(path, "ambient.yaml") ? ambient_document(r, e, doc) : rule_document(r, e, doc);
		if (!ok)
			return false;
	}
	return true;
}

static bool of_one_session(const struct rule *rule)
{
	return !rule->correlates && !rule->silent;
}

/* Those of rules of that kind that have no number yet. */
static void number_those(struct rules *r, bool one_session)
{
	for (size_t i = 0; i < r->count; i++) {
		uint32_t number = (uint32_t)r->findings;
		if (of_one_session(&r->rule[i]) != one_session)
			continue;
		for (size_t k = 0; k < r->count && number == r->findings; k++)
			if (r->rule[k].finding_at != UINT32_MAX && strcmp(r->rule[k].finding, r->rule[i].finding) == 0)
				number = r->rule[k].finding_at;
		r->findings += number == r->findings;
		r->rule[i].finding_at = number;
	}
}

/* Numbers findings in the order in which they first come, those that need several sessions behind the others. */
static void number_findings(struct rules *r)
{
	r->findings = 0;
	for (size_t i = 0; i < r->count; i++)
		r->rule[i].finding_at = UINT32_MAX;
	number_those(r, true);
	number_those(r, false);
}

bool rules_finish(struct rules *r, struct error *e)
{
	owner_of(r)->compiler.e = e;
	if (!correlations_finish(r, e) || !tables_finish(r, e) || !filters_finish(r, e))
		return false;
	number_findings(r);
	rules_index(r);
	return true;
}

/* The rules of a folder; *n is how many files there are. */
static bool add_folder(struct rules *r, const char *dir, size_t *n, struct error *e)
{
	struct arena *arena = &owner_of(r)->arena;
	const char *const *paths;
	struct bytes content;
	if (!folder_yaml(arena, dir, "rules", &paths, n, e))
		return false;
	for (size_t i = 0; i < *n; i++)
		if (!folder_read(arena, paths[i], &content, e) || !rules_add(r, paths[i], content, e))
			return false;
	return true;
}

static bool add_own(struct rules *r, struct rule_site *site, struct error *e)
{
	const char *dir = site ? rule_site_path(site) : NULL;
	size_t n;
	if (!dir)
		return true;
	DIR *there = opendir(dir);
	if (!there)
		return node_error(e, site->dir, "rules: %.300s: no folder of rules: %s", dir, strerror(errno));
	closedir(there);
	rules_own(r);
	return add_folder(r, dir, &n, e);
}

struct rules *rules_load(const char *dir, struct rule_site *site, struct error *e)
{
	struct rules *r = rules_new(e);
	if (!r)
		return NULL;
	size_t n;
	bool ok = add_folder(r, dir, &n, e);
	if (ok && n == 0)
		ok = error_set(e, "%s: no rules in this folder; copy those that came with the program", dir);
	if (ok && add_own(r, site, e) && (!site || rule_site_apply(site, r, e)) && rules_finish(r, e))
		return r;
	rules_free(r);
	return NULL;
}
