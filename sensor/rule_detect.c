/* rule_detect: see rule_detect.h. Tests of enumerations and yes/no facts become bit masks here, so that evaluation
 * compares integers; the cheapest tests of an "and" are put first. Knows the facts' table and no finding. */
#include "rule_detect.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge/site.h"

/* The modifiers of one field. op is OP_TEXT when none chose another. */
struct mods {
	enum rule_op op;
	bool cased, all, neq, exists, number, fieldref;
	uint32_t re;
	const char *chosen;        /* the modifier that chose what is compared, for messages */
};

static const char *const mod_words[] = { "contains", "startswith", "endswith", "all", "cased", "exists", "cidr", "re",
					 "i", "m", "s", "lt", "lte", "gt", "gte", "neq", "fieldref" };
static const char *const refused_mods[] = { "base64", "base64offset", "utf16", "utf16le", "utf16be", "wide", "windash",
					    "expand", "minute", "hour", "day", "week", "month", "year" };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool word_in(const char *const *words, size_t n, struct bytes w)
{
	for (size_t i = 0; i < n; i++)
		if (bytes_eq(bytes_of(words[i]), w))
			return true;
	return false;
}

/* A text from the file, for a message: cut. */
#define TEXT(b) (int)((b).n < 60 ? (b).n : 60), (const char *)(b).p

static struct expr *expr_new(struct compiler *c, enum expr_kind kind, const struct node *at)
{
	struct expr *x = arena_take(c->arena, sizeof(*x));
	x->kind = kind;
	x->at = at;
	return x;
}

static struct expr *expr_not(struct compiler *c, struct expr *kid, const struct node *at)
{
	struct expr *x = expr_new(c, EXPR_NOT, at);
	x->kid = arena_take(c->arena, sizeof(*x->kid));
	x->kid[0] = kid;
	x->kids = 1;
	return x;
}

/* An "and" or "or" with room for n kids; fill x->kid and count in x->kids. */
static struct expr *expr_many(struct compiler *c, enum expr_kind kind, const struct node *at, size_t n)
{
	struct expr *x = expr_new(c, kind, at);
	x->kid = arena_take(c->arena, (n ? n : 1) * sizeof(*x->kid));
	return x;
}

static struct expr *expr_test(struct compiler *c, const struct node *at, enum fact f, enum rule_op op)
{
	struct expr *x = expr_new(c, EXPR_TEST, at);
	x->step.fact = (uint16_t)f;
	x->step.op = (uint8_t)op;
	return x;
}

static size_t children(const struct node *n)
{
	size_t count = 0;
	for (n = n->first; n; n = n->next)
		count++;
	return count;
}

/* What a plain scalar is by YAML's core schema, or REFUSED where YAML 1.1 and 1.2 read it differently. */
enum scalar_type { SCALAR_STRING, SCALAR_NULL, SCALAR_TRUE, SCALAR_FALSE, SCALAR_INT, SCALAR_DECIMAL, SCALAR_REFUSED };

static size_t digits(struct bytes t, size_t i, const char *more)
{
	size_t from = i;
	while (i < t.n && ((t.p[i] >= '0' && t.p[i] <= '9') || (t.p[i] && strchr(more, t.p[i]))))
		i++;
	return i - from;
}

static bool is_date(struct bytes t)
{
	return t.n >= 8 && digits(t, 0, "") == 4 && t.p[4] == '-' && digits(t, 5, "") >= 1 && digits(t, 5, "-") == t.n - 5;
}

static enum scalar_type number_type(struct bytes t)
{
	size_t i = t.n && (t.p[0] == '-' || t.p[0] == '+') ? 1 : 0;
	size_t whole = digits(t, i, "_");
	if (is_date(t))
		return SCALAR_REFUSED;
	if (whole == 0)
		return i < t.n && t.p[i] == '.' && digits(t, i + 1, "_") == t.n - i - 1 && t.n - i > 1 ? SCALAR_REFUSED :
		       SCALAR_STRING;
	if (t.p[i] == '0' && i + 1 < t.n && strchr("xXoObB", t.p[i + 1]) && t.p[i + 1])
		return SCALAR_REFUSED;
	if (i + whole < t.n && t.p[i + whole] == ':' && digits(t, i, "_:.") == t.n - i)
		return SCALAR_REFUSED;
	bool clean = whole == digits(t, i, "") && !(whole > 1 && t.p[i] == '0') && t.p[0] != '+';
	if (i + whole == t.n)
		return clean && whole <= 18 ? SCALAR_INT : SCALAR_REFUSED;
	size_t after = t.p[i + whole] == '.' ? digits(t, i + whole + 1, "") : 0;
	if (t.p[i + whole] == '.' && i + whole + 1 + after == t.n)
		return clean && after ? SCALAR_DECIMAL : SCALAR_REFUSED;
	if ((t.p[i + whole] == '.' || t.p[i + whole] == 'e' || t.p[i + whole] == 'E') &&
	    digits(t, i, "_.eE+-") == t.n - i && memchr(t.p, 'e', t.n) != memchr(t.p, 'E', t.n))
		return SCALAR_REFUSED;
	return SCALAR_STRING;
}

static enum scalar_type scalar_type(const struct node *n)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const trues[] = { "true", "True", "TRUE" };
	static const char *const falses[] = { "false", "False", "FALSE" };
	static const char *const doubtful[] = { "yes", "no", "on", "off", "y", "n", ".inf", "-.inf", "+.inf", ".nan" };
	if (!n->plain)
		return SCALAR_STRING;
	if (word_in(nulls, COUNT(nulls), n->text))
		return SCALAR_NULL;
	if (word_in(trues, COUNT(trues), n->text))
		return SCALAR_TRUE;
	if (word_in(falses, COUNT(falses), n->text))
		return SCALAR_FALSE;
	for (size_t i = 0; i < COUNT(doubtful); i++)
		if (bytes_eq_nocase(bytes_of(doubtful[i]), n->text))
			return SCALAR_REFUSED;
	return number_type(n->text);
}

static int64_t integer(struct bytes t)
{
	bool negative = t.p[0] == '-';
	int64_t v = 0;
	for (size_t i = negative; i < t.n; i++)
		v = v * 10 + (t.p[i] - '0');
	return negative ? -v : v;
}

/* "name|mod|mod" of a key. */
static bool mods_read(struct compiler *c, const struct node *key, size_t at, struct mods *m);

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

static bool mod_one(struct compiler *c, const struct node *key, size_t at, struct mods *m, struct bytes w)
{
	if (!word_in(mod_words, COUNT(mod_words), w)) {
		const char *near = nearest_word(mod_words, COUNT(mod_words), w);
		if (word_in(refused_mods, COUNT(refused_mods), w))
			return node_error_at(c->e, key, at, "the modifier \"%.*s\" is not supported", TEXT(w));
		return node_error_at(c->e, key, at, "no modifier \"%.*s\"%s%s%s", TEXT(w), near ? "; did you mean \"" : "",
				     near ? near : "", near ? "\"?" : "");
	}
	if (bytes_eq(w, bytes_of("all")))
		return m->all ? node_error_at(c->e, key, at, "\"all\" twice") : (m->all = true);
	if (bytes_eq(w, bytes_of("neq")))
		return m->neq ? node_error_at(c->e, key, at, "\"neq\" twice") : (m->neq = true);
	if (bytes_eq(w, bytes_of("cased")))
		return m->cased ? node_error_at(c->e, key, at, "\"cased\" twice") : (m->cased = true);
	if (w.n == 1 && m->op != OP_RE)
		return node_error_at(c->e, key, at, "\"%.*s\" belongs behind \"re\"", TEXT(w));
	if (w.n == 1) {
		m->re |= w.p[0] == 'i' ? PCRE2_CASELESS : w.p[0] == 'm' ? PCRE2_MULTILINE : PCRE2_DOTALL;
		return true;
	}
	return mod_compare(c, key, at, m, w);
}

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

/* The name of a fact without the "[]" of its columns. */
static const char *plain_name(const char *name, char buf[96])
{
	size_t n = 0;
	for (; *name && n < 95; name++)
		if (*name != '[' && *name != ']')
			buf[n++] = *name;
	buf[n] = '\0';
	return buf;
}

/* What rules decide cannot be tested by rules, and what is written after them neither. */
static bool testable(enum fact f)
{
	return fact_table[f].sets & IN_SESSION && fact_table[f].room != ROOM_EVENT && f != F_verdict && f != F_findings &&
	       f != F_finding_id && f != F_finding_variant && f != F_finding_certainty && f != F_finding_level;
}

static bool fact_read(struct compiler *c, const struct node *at, struct bytes name, enum fact *f)
{
	char buf[96];
	*f = fact_by_name(name);
	if (*f == FACT_COUNT) {
		const char *near = fact_suggest(name);
		return node_error(c->e, at, "no fact \"%.*s\"%s%s%s", TEXT(name), near ? "; did you mean \"" : "",
				  near ? plain_name(near, buf) : "", near ? "\"?" : "");
	}
	if (!testable(*f))
		return node_error(c->e, at, "\"%.*s\" is not known yet when rules are evaluated", TEXT(name));
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
	if (fact_table[f].type != T_IP && fact_table[f].type != T_LIP)
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
	step->u.num = integer(v->text);
	return true;
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
		return node_error(c->e, v, "YAML versions read %.*s differently: quote it", TEXT(v->text));
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
		step->u.num = integer(v->text);
		return true;
	}
	if (m->op == OP_RE ? !regex_step(c, v, m, step) : !text_step(c, v, m, step))
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
	size_t n = children(list);
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
	if (m.all && (v->kind != NODE_LIST || children(v) < 2)) {
		node_error(c->e, v, "\"all\" needs a list of at least two values");
		return NULL;
	}
	struct expr *x = v->kind == NODE_LIST ? value_list(c, v, f, &m) : one_value(c, v, f, &m);
	return x && m.neq ? expr_not(c, x, key) : x;
}

static struct expr *field_map(struct compiler *c, const struct node *map)
{
	struct expr *x = expr_many(c, EXPR_AND, map, children(map));
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
	struct expr *x = expr_many(c, EXPR_OR, n, children(n));
	if (n->kind == NODE_SCALAR || !n->first) {
		node_error(c->e, n, "a selection is a map of facts, or a list of such maps");
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

/* The condition, one token after the other. end: octets of the condition read. */
struct condition {
	struct compiler *c;
	const struct node *at;
	struct selection *sel;
	size_t end;
	struct bytes token;        /* empty at the end */
	size_t token_at;
	unsigned depth, terms;
};

static bool name_octet(uint8_t ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' || ch == '-' ||
	       ch == '*';
}

static void token_next(struct condition *k)
{
	struct bytes t = k->at->text;
	while (k->end < t.n && strchr(" \t\n", t.p[k->end]) && t.p[k->end])
		k->end++;
	k->token_at = k->end;
	while (k->end < t.n && name_octet(t.p[k->end]))
		k->end++;
	if (k->end == k->token_at && k->end < t.n)
		k->end++;
	k->token = (struct bytes){ t.p + k->token_at, k->end - k->token_at };
}

static bool token_is(const struct condition *k, const char *word)
{
	return bytes_eq(k->token, bytes_of(word));
}

static struct expr *refuse(struct condition *k, const char *what, const char *hint)
{
	size_t shift = k->token_at + k->at->quoted;
	if (!k->at->plain && !k->at->quoted)
		shift = 0;
	node_error_at(k->c->e, k->at, shift, "%s \"%.*s\"%s", what, TEXT(k->token), hint);
	return NULL;
}

static bool keyword(struct bytes w)
{
	static const char *const words[] = { "and", "or", "not", "of", "them", "all", "1", "any" };
	return word_in(words, COUNT(words), w);
}

static bool fits(const char *name, struct bytes wanted)
{
	struct bytes n = bytes_of(name);
	if (bytes_eq(wanted, bytes_of("them")))
		return name[0] != '_';
	if (wanted.n && wanted.p[wanted.n - 1] == '*')
		return n.n >= wanted.n - 1 && bytes_eq(bytes_head(n, wanted.n - 1), bytes_head(wanted, wanted.n - 1));
	return bytes_eq(n, wanted);
}

/* 1 of x*, all of them */
static struct expr *of(struct condition *k, enum expr_kind kind)
{
	size_t n = 0;
	token_next(k);
	if (!token_is(k, "of"))
		return refuse(k, "\"of\" belongs here, not", "");
	token_next(k);
	while (k->sel[n].name)
		n++;
	struct expr *x = expr_many(k->c, kind, k->at, n);
	for (struct selection *s = k->sel; s->name; s++) {
		if (!fits(s->name, k->token))
			continue;
		s->used = true;
		x->kid[x->kids++] = s->expr;
	}
	if (x->kids == 0)
		return refuse(k, "no selection fits", "");
	token_next(k);
	return x;
}

static struct expr *named(struct condition *k)
{
	struct selection *s = selection_find(k->sel, k->token);
	if (!s) {
		const char *names[64];
		size_t n = 0;
		for (struct selection *i = k->sel; i->name && n < 64; i++)
			names[n++] = i->name;
		const char *near = nearest_word(names, n, k->token);
		char hint[128] = "";
		if (near)
			snprintf(hint, sizeof(hint), "; did you mean \"%.60s\"?", near);
		if (token_is(k, "|"))
			return refuse(k, "aggregation is not supported:", "; counts over sessions belong into a correlation");
		if (bytes_eq_nocase(k->token, bytes_of("and")) || bytes_eq_nocase(k->token, bytes_of("or")) ||
		    bytes_eq_nocase(k->token, bytes_of("not")))
			return refuse(k, "write in lower case:", "");
		return refuse(k, "no selection", hint);
	}
	token_next(k);
	return s->expr;
}

static struct expr *either(struct condition *k);

static struct expr *unary(struct condition *k)
{
	struct expr *x;
	if (++k->terms > CONDITION_TERMS)
		return refuse(k, "too many terms in the condition at", "");
	if (++k->depth > CONDITION_DEPTH)
		return refuse(k, "the condition is nested too deep at", "");
	if (k->token.n == 0) {
		x = refuse(k, "the condition ends where a selection belongs:", "");
	} else if (token_is(k, "not")) {
		token_next(k);
		x = unary(k);
		x = x ? expr_not(k->c, x, k->at) : NULL;
	} else if (token_is(k, "(")) {
		token_next(k);
		x = either(k);
		if (x && !token_is(k, ")"))
			x = refuse(k, "\")\" belongs here, not", "");
		else
			token_next(k);
	} else if (token_is(k, "1") || token_is(k, "any")) {
		x = of(k, EXPR_OR);
	} else if (token_is(k, "all")) {
		x = of(k, EXPR_AND);
	} else {
		x = named(k);
	}
	k->depth--;
	return x;
}

/* a WORD b WORD c, with operands read by operand. */
static struct expr *chain(struct condition *k, enum expr_kind kind, const char *word,
			  struct expr *(*operand)(struct condition *))
{
	struct expr *first = operand(k), *x;
	if (!first || !token_is(k, word))
		return first;
	x = expr_many(k->c, kind, k->at, CONDITION_TERMS);
	x->kid[x->kids++] = first;
	while (token_is(k, word)) {
		token_next(k);
		struct expr *more = operand(k);
		if (!more || x->kids == CONDITION_TERMS)
			return more ? refuse(k, "too many terms in the condition at", "") : NULL;
		x->kid[x->kids++] = more;
	}
	return x;
}

static struct expr *both(struct condition *k)
{
	return chain(k, EXPR_AND, "and", unary);
}

static struct expr *either(struct condition *k)
{
	return chain(k, EXPR_OR, "or", both);
}

static struct expr *condition_one(struct compiler *c, const struct node *at, struct selection *sel)
{
	struct condition k = { .c = c, .at = at, .sel = sel };
	if (at->kind != NODE_SCALAR) {
		node_error(c->e, at, "a condition is one line of text");
		return NULL;
	}
	token_next(&k);
	struct expr *x = either(&k);
	if (x && k.token.n)
		return refuse(&k, "the condition should end before", "");
	return x;
}

static struct expr *condition(struct compiler *c, const struct node *at, struct selection *sel)
{
	if (at->kind != NODE_LIST)
		return condition_one(c, at, sel);
	struct expr *x = expr_many(c, EXPR_OR, at, children(at));
	for (const struct node *n = at->first; n; n = n->next) {
		struct expr *one = condition_one(c, n, sel);
		if (!one)
			return NULL;
		x->kid[x->kids++] = one;
	}
	if (x->kids)
		return x;
	node_error(c->e, at, "an empty list of conditions");
	return NULL;
}

static bool selection_name(struct compiler *c, const struct node *key)
{
	bool good = key->text.n > 0 && key->text.n <= 64;
	for (size_t i = 0; i < key->text.n; i++)
		good = good && name_octet(key->text.p[i]) && key->text.p[i] != '*';
	if (keyword(key->text) || !good)
		return node_error(c->e, key, "\"%.*s\" cannot be the name of a selection", TEXT(key->text));
	if (node_is(key, "timeframe"))
		return node_error(c->e, key, "\"timeframe\" belongs into a correlation");
	return true;
}

struct selection *selection_find(struct selection *sel, struct bytes name)
{
	for (; sel->name; sel++) {
		if (!bytes_eq(bytes_of(sel->name), name))
			continue;
		sel->used = true;
		return sel;
	}
	return NULL;
}

bool detection_read(struct compiler *c, const struct node *map, struct selection **out, struct expr **expr)
{
	if (map->kind != NODE_MAP)
		return node_error(c->e, map, "detection is a map of selections and a condition");
	const struct node *cond = node_get(map, "condition");
	struct selection *sel = arena_take(c->arena, (children(map) + 1) * sizeof(*sel));
	size_t n = 0;
	if (!cond)
		return node_error(c->e, map, "detection has no condition");
	for (const struct node *s = map->first; s; s = s->next) {
		if (s == cond)
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
	*expr = condition(c, cond, sel);
	return *expr != NULL;
}

static bool is_coverage(enum fact f)
{
	static const char prefix[] = "mxwitness.capture.";
	return f == F_smtp_ehlo_complete || strncmp(fact_table[f].name, prefix, sizeof(prefix) - 1) == 0;
}

static void coverage_join(struct coverage *a, const struct coverage *b, bool intersect)
{
	for (size_t i = 0; i < COUNT(a->seen); i++)
		a->seen[i] = intersect ? a->seen[i] & b->seen[i] : a->seen[i] | b->seen[i];
	a->capture = intersect ? a->capture && b->capture : a->capture || b->capture;
}

struct coverage expr_coverage(const struct expr *x)
{
	struct coverage v = { 0 };
	if (x->kind == EXPR_TEST) {
		v.seen[x->step.fact / 64] |= UINT64_C(1) << (x->step.fact % 64);
		v.capture = is_coverage((enum fact)x->step.fact);
	}
	if (x->kind == EXPR_TEST || x->kind == EXPR_NOT)
		return v;
	for (size_t i = 0; i < x->kids; i++) {
		struct coverage kid = expr_coverage(x->kid[i]);
		if (i == 0)
			v = kid;
		else
			coverage_join(&v, &kid, x->kind == EXPR_OR);
	}
	return v;
}

/* A fact tested under a `not` of which nothing says that it was seen, or FACT_COUNT. */
static enum fact uncovered(const struct expr *x, const struct coverage *known)
{
	if (x->kind == EXPR_TEST) {
		bool seen = known->seen[x->step.fact / 64] >> (x->step.fact % 64) & 1;
		return x->step.op == OP_SEEN || seen || known->capture ? FACT_COUNT : (enum fact)x->step.fact;
	}
	for (size_t i = 0; i < x->kids; i++) {
		enum fact f = uncovered(x->kid[i], known);
		if (f != FACT_COUNT)
			return f;
	}
	return FACT_COUNT;
}

static bool lint(struct compiler *c, const struct expr *x, const struct coverage *known)
{
	struct coverage inside = *known;
	if (x->kind == EXPR_NOT) {
		enum fact f = uncovered(x->kid[0], known);
		char buf[96];
		if (f != FACT_COUNT)
			return node_error(c->e, x->at, "under this not, \"%s\" may just not have been seen; add %s|exists: true "
					  "or a test of mxwitness.capture beside it", plain_name(fact_table[f].name, buf), buf);
	}
	if (x->kind == EXPR_AND) {
		struct coverage all = expr_coverage(x);
		coverage_join(&inside, &all, false);
	}
	for (size_t i = 0; i < x->kids; i++)
		if (!lint(c, x->kid[i], &inside))
			return false;
	return true;
}

bool detection_lint(struct compiler *c, const struct selection *sel, const struct expr *condition_expr)
{
	struct coverage nothing = { 0 };
	for (; sel->name; sel++)
		if (!sel->used)
			return node_error(c->e, sel->at, "the selection \"%s\" is not used", sel->name);
	return lint(c, condition_expr, &nothing);
}

static unsigned cost(const struct expr *x)
{
	unsigned sum = 0;
	if (x->kind == EXPR_TEST)
		return x->step.op == OP_MASK && fact_table[x->step.fact].type < T_LSTR ? 1 : x->step.op == OP_SEEN ? 2 :
		       x->step.op <= OP_GTE ? 3 : x->step.op == OP_RE ? 100 : x->step.op == OP_SAME ? 50 : 10;
	for (size_t i = 0; i < x->kids; i++) {
		unsigned one = cost(x->kid[i]);
		sum = sum + one < 100000 ? sum + one : 100000;
	}
	return sum + 1;
}

static bool step_add(struct compiler *c, const struct expr *x, uint32_t yes, uint32_t no, uint32_t *start)
{
	struct rules *r = c->rules;
	if (r->steps >= RULE_STEPS_MAX)
		return node_error(c->e, x->at, "the rules have more than %d tests together", RULE_STEPS_MAX);
	if (r->steps == c->step_cap || c->step_cap == 0) {
		c->step_cap = c->step_cap ? 2 * c->step_cap : 256;
		struct step *more = realloc(r->step, c->step_cap * sizeof(*more));
		if (!more)
			return node_error(c->e, x->at, "no memory");
		r->step = more;
	}
	*start = (uint32_t)r->steps;
	r->step[r->steps] = x->step;
	r->step[r->steps].yes = yes;
	r->step[r->steps++].no = no;
	return true;
}

/* The kids, the cheapest first; equals keep their order. */
static const struct expr **by_cost(struct compiler *c, const struct expr *x)
{
	const struct expr **kid = arena_take(c->arena, x->kids * sizeof(*kid));
	unsigned *price = arena_take(c->arena, x->kids * sizeof(*price));
	for (size_t i = 0; i < x->kids; i++) {
		unsigned p = cost(x->kid[i]);
		size_t at = i;
		for (; at > 0 && price[at - 1] > p; at--) {
			kid[at] = kid[at - 1];
			price[at] = price[at - 1];
		}
		kid[at] = x->kid[i];
		price[at] = p;
	}
	return kid;
}

/* Steps are written from the last to the first, so that where a step leads to is known, and is lower. */
static bool emit(struct compiler *c, const struct expr *x, uint32_t yes, uint32_t no, uint32_t *start)
{
	if (x->kind == EXPR_TEST)
		return step_add(c, x, yes, no, start);
	if (x->kind == EXPR_NOT)
		return emit(c, x->kid[0], no, yes, start);
	const struct expr **kid = by_cost(c, x);
	*start = x->kind == EXPR_AND ? yes : no;
	for (size_t i = x->kids; i-- > 0;) {
		bool ok = x->kind == EXPR_AND ? emit(c, kid[i], *start, no, start) : emit(c, kid[i], yes, *start, start);
		if (!ok)
			return false;
	}
	return true;
}

bool detection_emit(struct compiler *c, const struct expr *expr, uint32_t *start)
{
	if (c->rules->steps < STEP_FIRST) {
		struct expr answer = { .kind = EXPR_TEST };
		uint32_t at;
		while (c->rules->steps < STEP_FIRST)
			if (!step_add(c, &answer, STEP_NO, STEP_NO, &at))
				return false;
	}
	return emit(c, expr, STEP_YES, STEP_NO, start);
}
