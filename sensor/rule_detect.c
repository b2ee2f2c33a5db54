/* rule_detect: see rule_detect.h. Tests of enumerations and yes/no facts become bit masks here, so that evaluation
 * compares integers. Knows the facts' table and no finding. */
#include "rule_detect.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "judge/site.h"
#include "node_read.h"
#include "scalar.h"

/* The modifiers of one field. op is OP_TEXT when none chose another. */
struct mods {
	enum rule_op op;
	bool cased, all, neq, exists, number, fieldref;
	uint32_t re;
	const char *chosen;        /* the modifier that chose what is compared, for messages */
};

static const char *const mod_words[] = { "contains", "startswith", "endswith", "all", "cased", "exists", "cidr", "re",
					 "i", "m", "s", "lt", "lte", "gt", "gte", "neq", "fieldref" };
/* Sigma's others, and what to write in place of them. */
static const struct {
	const char *word, *instead;
} refused_mods[] = {
	{ "base64", "facts are plain text: write the text itself" },
	{ "base64offset", "facts are plain text: write the text itself" },
	{ "utf16", "facts are UTF-8: write the text itself" }, { "utf16le", "facts are UTF-8: write the text itself" },
	{ "utf16be", "facts are UTF-8: write the text itself" }, { "wide", "facts are UTF-8: write the text itself" },
	{ "windash", "write a list of the spellings" }, { "expand", "write the values out as a list" },
	{ "minute", "a time is text: use re" }, { "hour", "a time is text: use re" }, { "day", "a time is text: use re" },
	{ "week", "a time is text: use re" }, { "month", "a time is text: use re" }, { "year", "a time is text: use re" },
};

static bool word_in(const char *const *words, size_t n, struct bytes w)
{
	for (size_t i = 0; i < n; i++)
		if (bytes_eq(bytes_of(words[i]), w))
			return true;
	return false;
}

static bool mod_choose(struct compiler *c, const struct node *key, size_t at, struct mods *m, const char *word)
{
	if (m->chosen)
		return node_error_at(c->e, key, at, "\"%s\" and \"%s\" cannot both be", m->chosen, word);
	m->chosen = word;
	return true;
}

static bool mod_compare(struct compiler *c, const struct node *key, size_t at, struct mods *m, struct bytes w)
{
	static const struct {
		const char *word;
		enum rule_op op;
	} ops[] = { { "contains", OP_INFIX }, { "startswith", OP_PREFIX }, { "endswith", OP_SUFFIX },
		    { "cidr", OP_CIDR }, { "re", OP_RE }, { "lt", OP_LT }, { "lte", OP_LTE }, { "gt", OP_GT },
		    { "gte", OP_GTE }, { "exists", OP_SEEN }, { "fieldref", OP_SAME } };
	for (size_t i = 0; i < COUNT(ops); i++) {
		if (!bytes_eq(bytes_of(ops[i].word), w))
			continue;
		m->op = ops[i].op;
		m->number = m->op >= OP_LT && m->op <= OP_GTE;
		m->exists = m->op == OP_SEEN;
		m->fieldref = m->op == OP_SAME;
		return mod_choose(c, key, at, m, ops[i].word);
	}
	return false;
}

static bool mod_unknown(struct compiler *c, const struct node *key, size_t at, struct bytes w)
{
	const char *near = nearest_word(mod_words, COUNT(mod_words), w);
	for (size_t i = 0; i < COUNT(refused_mods); i++)
		if (bytes_eq(bytes_of(refused_mods[i].word), w))
			return node_error_at(c->e, key, at, "the modifier \"%s\" is not supported; %s", refused_mods[i].word,
					     refused_mods[i].instead);
	return node_error_at(c->e, key, at, "no modifier \"%.*s\"%s%s%s", TEXT(w), near ? "; did you mean \"" : "",
			     near ? near : "", near ? "\"?" : "");
}

/* A modifier that says yes to something, once. */
static bool mod_flag(struct compiler *c, const struct node *key, size_t at, bool *flag, struct bytes w)
{
	if (*flag)
		return node_error_at(c->e, key, at, "\"%.*s\" twice", TEXT(w));
	*flag = true;
	return true;
}

static bool mod_re(struct compiler *c, const struct node *key, size_t at, struct mods *m, struct bytes w)
{
	uint32_t flag = w.p[0] == 'i' ? PCRE2_CASELESS : w.p[0] == 'm' ? PCRE2_MULTILINE : PCRE2_DOTALL;
	if (m->op != OP_RE)
		return node_error_at(c->e, key, at, "\"%.*s\" belongs behind \"re\"", TEXT(w));
	if (m->re & flag)
		return node_error_at(c->e, key, at, "\"%.*s\" twice", TEXT(w));
	m->re |= flag;
	return true;
}

static bool mod_one(struct compiler *c, const struct node *key, size_t at, struct mods *m, struct bytes w)
{
	if (!word_in(mod_words, COUNT(mod_words), w))
		return mod_unknown(c, key, at, w);
	if (bytes_eq(w, bytes_of("all")))
		return mod_flag(c, key, at, &m->all, w);
	if (bytes_eq(w, bytes_of("neq")))
		return mod_flag(c, key, at, &m->neq, w);
	if (bytes_eq(w, bytes_of("cased")))
		return mod_flag(c, key, at, &m->cased, w);
	return w.n == 1 ? mod_re(c, key, at, m, w) : mod_compare(c, key, at, m, w);
}

/* "name|mod|mod" of a key, from behind the first bar. */
static bool mods_read(struct compiler *c, const struct node *key, size_t at, struct mods *m)
{
	*m = (struct mods){ .op = OP_TEXT };
	while (at <= key->text.n) {
		size_t n = 0;
		while (at + n < key->text.n && key->text.p[at + n] != '|')
			n++;
		if (!mod_one(c, key, at + key->quoted, m, (struct bytes){ key->text.p + at, n }))
			return false;
		at += n + 1;
	}
	bool text = m->op >= OP_TEXT && m->op <= OP_GLOB;
	if (m->cased && !text && m->op != OP_SAME)
		return node_error(c->e, key, "\"cased\" says nothing about \"%s\"", m->chosen);
	if (m->all && (m->exists || m->number || m->fieldref))
		return node_error(c->e, key, "\"all\" says nothing about \"%s\"", m->chosen);
	if (m->neq && m->exists)
		return node_error(c->e, key, "\"neq\" and \"exists\" cannot both be; write exists: false");
	return true;
}

bool detection_knows(enum fact f, uint8_t service)
{
	bool both = fact_table[f].sets & IN_SESSION && fact_table[f].sets & service;
	if (service == IN_POSTURE)
		return fact_table[f].sets & IN_POSTURE && !both && f != F_po_changed;
	if (service == IN_STATS)
		return fact_table[f].sets & IN_STATS && f != F_event_id && (!both || fact_table[f].room != ROOM_EVENT);
	bool own = fact_table[f].room != ROOM_EVENT || f == F_observer_name; /* the others are alike in all, or come behind */
	return fact_table[f].sets & IN_SESSION && own && f != F_verdict && f != F_findings &&
	       f != F_finding_id && f != F_finding_variant && f != F_finding_certainty && f != F_finding_level;
}

bool detection_knows_any(enum fact f)
{
	return detection_knows(f, IN_SESSION) || detection_knows(f, IN_STATS) || detection_knows(f, IN_POSTURE);
}

const char *service_text(uint8_t service)
{
	return service == IN_STATS ? "stats events" : service == IN_POSTURE ? "posture events" : "sessions";
}

static bool fact_read(struct compiler *c, const struct node *at, struct bytes name, enum fact *f)
{
	char buf[96];
	*f = fact_by_name(name);
	if (name.n == 0)
		return node_error(c->e, at, "keywords without a fact are not supported; name the fact that is to hold the value");
	if (*f == FACT_COUNT) {
		const char *near = fact_suggest(name);
		return node_error(c->e, at, "no fact \"%.*s\"%s%s%s", TEXT(name), near ? "; did you mean \"" : "",
				  near ? expr_fact_name(near, buf) : "", near ? "\"?" : "");
	}
	if (*f == F_findings && c->findings)
		return true;
	if (!detection_knows_any(*f))
		return node_error(c->e, at, "\"%.*s\" is not known yet when rules are evaluated", TEXT(name));
	if (!detection_knows(*f, c->service))
		return node_error(c->e, at, "\"%.*s\" is no fact of %s; the service of this document says what it is about",
				  TEXT(name), service_text(c->service));
	return true;
}

static bool is_enum(enum fact f)
{
	return fact_table[f].type == T_ENUM || fact_table[f].type == T_LENUM;
}

static bool is_number(enum fact f)
{
	return fact_table[f].type == T_NUM || fact_table[f].type == T_DUR || fact_table[f].type == T_LNUM;
}

static bool is_address(enum fact f)
{
	return fact_table[f].type == T_IP || fact_table[f].type == T_LIP;
}

/* Sigma's wildcards and backslashes as the text of a step: with the marks of OP_GLOB when there is a wildcard, else
 * the plain octets. */
static bool pattern(struct compiler *c, struct bytes from, struct bytes *out)
{
	uint8_t *to = arena_take(c->arena, 2 * from.n + 2);
	size_t n = 0;
	bool wild = false;
	for (size_t pass = 0; pass < 2 && (pass == 0 || wild); pass++) {
		bool marks = wild;
		n = 0;
		for (size_t i = 0; i < from.n; i++) {
			uint8_t ch = from.p[i];
			bool escaped = ch == '\\' && i + 1 < from.n && strchr("*?\\", from.p[i + 1]);
			if (escaped)
				ch = from.p[++i];
			if (!escaped && (ch == '*' || ch == '?')) {
				wild = true;
				to[n++] = ch == '*' ? GLOB_ANY : GLOB_ONE;
				continue;
			}
			if (marks && ch >= GLOB_ANY && ch <= GLOB_LITERAL)
				to[n++] = GLOB_LITERAL;
			to[n++] = ch;
		}
	}
	*out = (struct bytes){ to, n };
	return wild;
}

/* A wildcard in front of or behind a glob, as contains, startswith and endswith mean it. */
static struct bytes glob_around(struct compiler *c, struct bytes p, enum rule_op op)
{
	uint8_t *to = arena_take(c->arena, p.n + 2);
	size_t n = 0;
	if (op == OP_INFIX || op == OP_SUFFIX)
		to[n++] = GLOB_ANY;
	memcpy(to + n, p.p, p.n);
	n += p.n;
	if (op == OP_INFIX || op == OP_PREFIX)
		to[n++] = GLOB_ANY;
	return (struct bytes){ to, n };
}

static bool text_step(struct compiler *c, const struct node *v, const struct mods *m, struct step *step)
{
	bool wild = pattern(c, v->text, &step->text);
	if (m->op != OP_TEXT && step->text.n == 0)
		return node_error(c->e, v, "\"%s\" needs a text that is not empty", m->chosen);
	if (wild)
		step->text = glob_around(c, step->text, m->op);
	step->op = (uint8_t)(wild ? OP_GLOB : m->op);
	step->cased = m->cased;
	return true;
}

static bool regex_step(struct compiler *c, const struct node *v, const struct mods *m, struct step *step)
{
	struct rules *r = c->rules;
	int error = 0;
	PCRE2_SIZE at = 0;
	PCRE2_UCHAR why[120];
	if (v->text.n > RULE_REGEX_OCTETS)
		return node_error(c->e, v, "a regular expression of more than %d octets", RULE_REGEX_OCTETS);
	pcre2_code *code = pcre2_compile(v->text.p, v->text.n, m->re | PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP,
					 &error, &at, NULL);
	if (!code) {
		pcre2_get_error_message(error, why, sizeof(why));
		return node_error_at(c->e, v, at + v->quoted, "regular expression: %s", (const char *)why);
	}
	if (r->regexes == c->regex_cap) {
		c->regex_cap = c->regex_cap ? 2 * c->regex_cap : 16;
		pcre2_code **more = realloc(r->regex, c->regex_cap * sizeof(*more));
		if (!more) {
			pcre2_code_free(code);
			return node_error(c->e, v, "no memory");
		}
		r->regex = more;
	}
	step->op = OP_RE;
	step->u.num = (int64_t)r->regexes;
	r->regex[r->regexes++] = code;
	return true;
}

static bool cidr_step(struct compiler *c, const struct node *v, enum fact f, struct step *step)
{
	struct cidr net;
	if (!is_address(f))
		return node_error(c->e, v, "\"cidr\" needs a fact that is an address; \"%s\" is none", fact_table[f].name);
	if (!site_network(v->text, &net))
		return node_error(c->e, v, "\"%.*s\" is not a network; write 192.0.2.0/24 or 2001:db8::/32", TEXT(v->text));
	size_t n = net.base.v == 4 ? 4 : 16;
	uint8_t *to = arena_take(c->arena, n);
	memcpy(to, net.base.a, n);
	step->op = OP_CIDR;
	step->text = (struct bytes){ to, n };
	step->u.num = net.bits;
	return true;
}

/* The words of an enumeration that pass a test of text, as a mask. */
static bool enum_mask(struct compiler *c, const struct node *v, enum fact f, struct step *step)
{
	const char *const *words = fact_table[f].words;
	size_t n = 0;
	uint64_t set = 0;
	for (; words[n]; n++)
		if (rule_test_text(c->rules, c->scratch, step, bytes_of(words[n])))
			set |= UINT64_C(1) << n;
	if (!set) {
		const char *near = nearest_word(words, n, v->text);
		return node_error(c->e, v, "no word of \"%s\" is \"%.*s\"%s%s%s", fact_table[f].name, TEXT(v->text),
				  near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	}
	step->op = OP_MASK;
	step->u.set = set;
	return true;
}

static bool number_step(struct compiler *c, const struct node *v, enum fact f, const struct mods *m, struct step *step)
{
	if (!is_number(f))
		return node_error(c->e, v, "\"%s\" needs a fact that is a number; \"%s\" is none", m->chosen,
				  fact_table[f].name);
	if (scalar_type(v) != SCALAR_INT)
		return node_error(c->e, v, "\"%s\" needs a whole number", m->chosen);
	step->op = (uint8_t)m->op;
	step->u.num = scalar_integer(v->text);
	return true;
}

/* What the texts of a type are made of, and what the type is called; octets NULL: anything. */
struct spelling {
	const char *octets, *what;
};

static struct spelling spelling_of(enum fact f)
{
	switch (fact_table[f].type) {
	case T_NUM:
	case T_DUR:
	case T_LNUM:
		return (struct spelling){ "0123456789-", "a number" };
	case T_TIME:
		return (struct spelling){ "0123456789-:.TZtz", "a time like 2026-11-25T07:24:01Z" };
	case T_IP:
	case T_LIP:
		return (struct spelling){ "0123456789abcdefABCDEF:.", "an address" };
	case T_HEX:
	case T_LHEX:
		return (struct spelling){ "0123456789abcdefABCDEF", "hexadecimal" };
	case T_TRI:
	case T_ENUM:
	case T_STR:
	case T_LSTR:
	case T_LENUM:
		break;
	}
	return (struct spelling){ NULL, NULL };
}

/* Refuses a text that no value of the fact can ever be. */
static bool text_possible(struct compiler *c, const struct node *v, enum fact f)
{
	struct spelling s = spelling_of(f);
	for (size_t i = 0; s.octets && i < v->text.n; i++)
		if (!strchr(s.octets, v->text.p[i]) && !strchr("*?", v->text.p[i]))
			return node_error(c->e, v, "\"%.*s\" can never be \"%s\", which is %s", TEXT(v->text),
					  fact_table[f].name, s.what);
	return true;
}

/* A whole address, however it is spelled. */
static bool address_step(struct compiler *c, const struct node *v, enum fact f, struct step *step)
{
	if (memchr(v->text.p, '/', v->text.n))
		return node_error(c->e, v, "\"%.*s\" is a network: write %s|cidr", TEXT(v->text), fact_table[f].name);
	return cidr_step(c, v, f, step);
}

static bool fieldref_step(struct compiler *c, const struct node *v, const struct mods *m, struct step *step)
{
	enum fact other;
	if (!fact_read(c, v, v->text, &other))
		return false;
	step->op = OP_SAME;
	step->cased = m->cased;
	step->u.num = other;
	return true;
}

static bool tri_step(struct compiler *c, const struct node *v, enum fact f, const struct mods *m, struct step *step)
{
	enum scalar_type type = scalar_type(v);
	if (m->chosen || (type != SCALAR_TRUE && type != SCALAR_FALSE))
		return node_error(c->e, v, "\"%s\" is true, false or null", fact_table[f].name);
	step->op = OP_MASK;
	step->u.set = UINT64_C(1) << (type == SCALAR_TRUE ? TRI_YES : TRI_NO);
	return true;
}

static bool value_step(struct compiler *c, const struct node *v, enum fact f, const struct mods *m, struct step *step)
{
	enum scalar_type type = scalar_type(v);
	if (type == SCALAR_REFUSED)
		return node_error(c->e, v, "YAML versions read %.*s differently: %s", TEXT(v->text),
				  fact_table[f].type == T_TRI ? "write true or false" : "quote it");
	if (m->fieldref)
		return fieldref_step(c, v, m, step);
	if (fact_table[f].type == T_TRI)
		return tri_step(c, v, f, m, step);
	if (type == SCALAR_TRUE || type == SCALAR_FALSE)
		return node_error(c->e, v, "\"%s\" is not a yes-or-no fact", fact_table[f].name);
	if (m->number)
		return number_step(c, v, f, m, step);
	if (m->op == OP_CIDR)
		return cidr_step(c, v, f, step);
	if (type == SCALAR_INT && m->op == OP_TEXT && is_number(f)) {
		step->op = OP_EQ;
		step->u.num = scalar_integer(v->text);
		return true;
	}
	bool wild = v->text.n && (memchr(v->text.p, '*', v->text.n) || memchr(v->text.p, '?', v->text.n));
	if (m->op == OP_TEXT && is_address(f) && v->text.n && !wild)
		return address_step(c, v, f, step);
	if (m->op == OP_RE ? !regex_step(c, v, m, step) : !text_possible(c, v, f) || !text_step(c, v, m, step))
		return false;
	return !is_enum(f) || enum_mask(c, v, f, step);
}

/* field: value, the value one scalar. */
static struct expr *one_value(struct compiler *c, const struct node *v, enum fact f, const struct mods *m)
{
	if (v->kind != NODE_SCALAR) {
		node_error(c->e, v, "a value belongs here");
		return NULL;
	}
	struct expr *x = expr_test(c, v, f, OP_SEEN);
	if (scalar_type(v) == SCALAR_NULL) {
		if (!m->chosen && !m->cased && !m->neq)
			return expr_not(c, x, v);
		node_error(c->e, v, "null goes with no modifier; write exists: false or exists: true");
		return NULL;
	}
	if (m->exists) {
		if (scalar_type(v) == SCALAR_TRUE)
			return x;
		if (scalar_type(v) == SCALAR_FALSE)
			return expr_not(c, x, v);
		node_error(c->e, v, "\"exists\" is true or false");
		return NULL;
	}
	return value_step(c, v, f, m, &x->step) ? x : NULL;
}

/* Masks of one fact in an "or" are one mask. */
static bool join_masks(struct expr *any, const struct expr *x)
{
	struct expr *first = any->kids ? any->kid[0] : NULL;
	if (!first || first->kind != EXPR_TEST || first->step.op != OP_MASK || x->kind != EXPR_TEST || x->step.op != OP_MASK)
		return false;
	first->step.u.set |= x->step.u.set;
	return true;
}

/* field: [value, value] */
static struct expr *value_list(struct compiler *c, const struct node *list, enum fact f, const struct mods *m)
{
	size_t n = node_children(list);
	struct expr *x = expr_many(c, m->all ? EXPR_AND : EXPR_OR, list, n);
	if (n == 0 || (m->exists && n > 1)) {
		node_error(c->e, list, n ? "\"exists\" takes one value" : "an empty list matches nothing");
		return NULL;
	}
	for (const struct node *v = list->first; v; v = v->next) {
		if (v->kind == NODE_SCALAR && scalar_type(v) == SCALAR_NULL) {
			node_error(c->e, v, "null cannot stand in a list; use a second selection");
			return NULL;
		}
		struct expr *one = one_value(c, v, f, m);
		if (!one)
			return NULL;
		if (m->all || !join_masks(x, one))
			x->kid[x->kids++] = one;
	}
	return x;
}

static struct expr *field(struct compiler *c, const struct node *v)
{
	const struct node *key = v->key;
	const uint8_t *bar = key->text.n ? memchr(key->text.p, '|', key->text.n) : NULL;
	size_t n = bar ? (size_t)(bar - key->text.p) : key->text.n;
	struct mods m;
	enum fact f;
	if (!fact_read(c, key, bytes_head(key->text, n), &f) || !mods_read(c, key, n + 1, &m))
		return NULL;
	if (m.all && (v->kind != NODE_LIST || node_children(v) < 2)) {
		node_error(c->e, v, "\"all\" needs a list of at least two values");
		return NULL;
	}
	struct expr *x = v->kind == NODE_LIST ? value_list(c, v, f, &m) : one_value(c, v, f, &m);
	return x && m.neq ? expr_not(c, x, key) : x;
}

static struct expr *field_map(struct compiler *c, const struct node *map)
{
	struct expr *x = expr_many(c, EXPR_AND, map, node_children(map));
	if (!map->first) {
		node_error(c->e, map, "an empty selection");
		return NULL;
	}
	for (const struct node *v = map->first; v; v = v->next) {
		struct expr *one = field(c, v);
		if (!one)
			return NULL;
		x->kid[x->kids++] = one;
	}
	return x;
}

static struct expr *selection_expr(struct compiler *c, const struct node *n)
{
	if (n->kind == NODE_MAP)
		return field_map(c, n);
	struct expr *x = expr_many(c, EXPR_OR, n, node_children(n));
	if (n->kind == NODE_SCALAR || !n->first) {
		node_error(c->e, n, n->kind == NODE_SCALAR && n->text.n ?
			   "keywords are not supported; name the fact that is to hold the value" :
			   "a selection is a map of facts, or a list of such maps");
		return NULL;
	}
	for (const struct node *m = n->first; m; m = m->next) {
		if (m->kind != NODE_MAP) {
			node_error(c->e, m, "keyword lists are not supported; name the fact that is to hold the value");
			return NULL;
		}
		struct expr *one = field_map(c, m);
		if (!one)
			return NULL;
		x->kid[x->kids++] = one;
	}
	return x;
}

static bool selection_name(struct compiler *c, const struct node *key)
{
	bool good = key->text.n > 0 && key->text.n <= 64;
	for (size_t i = 0; i < key->text.n; i++)
		good = good && condition_octet(key->text.p[i]) && key->text.p[i] != '*';
	if (condition_keyword(key->text) || !good)
		return node_error(c->e, key, "\"%.*s\" cannot be the name of a selection", TEXT(key->text));
	if (node_is(key, "timeframe"))
		return node_error(c->e, key, "\"timeframe\" belongs into a correlation");
	return true;
}

bool detection_read(struct compiler *c, const struct node *map, const char *also, struct selection **out,
		    struct expr **expr)
{
	if (map->kind != NODE_MAP)
		return node_error(c->e, map, "a map of selections and a condition belongs here");
	const struct node *cond = node_get(map, "condition");
	struct selection *sel = arena_take(c->arena, (node_children(map) + 1) * sizeof(*sel));
	size_t n = 0;
	if (!cond)
		return node_error(c->e, map, "condition is missing");
	for (const struct node *s = map->first; s; s = s->next) {
		if (s == cond || (also && node_is(s->key, also)))
			continue;
		if (!selection_name(c, s->key))
			return false;
		sel[n].expr = selection_expr(c, s);
		if (!sel[n].expr)
			return false;
		sel[n].at = s->key;
		sel[n++].name = (const char *)s->key->text.p;
	}
	*out = sel;
	*expr = condition_read(c, cond, sel);
	return *expr != NULL;
}

static bool all_used(struct compiler *c, const struct selection *sel)
{
	for (; sel->name; sel++)
		if (!sel->used)
			return node_error(c->e, sel->at, "the selection \"%s\" is not used", sel->name);
	return true;
}

bool detection_lint(struct compiler *c, const struct selection *sel, const struct expr *condition)
{
	return all_used(c, sel) && expr_lint(c, condition, NULL);
}

bool detection_lint_filter(struct compiler *c, const struct selection *sel, const struct expr *condition,
			   const struct node *at)
{
	return all_used(c, sel) && expr_lint_filter(c, condition, at);
}
