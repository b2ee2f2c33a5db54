/* rule_condition: see rule_condition.h. `or` binds less than `and`, `and` less than `not`. Nesting and terms are bounded,
 * so that what is recursive here ends. It knows names of selections and not what is in them. */
#include "rule_condition.h"

#include <stdio.h>

#include "node_read.h"

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

bool condition_octet(uint8_t ch)
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
	while (k->end < t.n && condition_octet(t.p[k->end]))
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

bool condition_keyword(struct bytes w)
{
	static const char *const words[] = { "and", "or", "not", "of", "them", "all", "1", "any" };
	for (size_t i = 0; i < COUNT(words); i++)
		if (bytes_eq(bytes_of(words[i]), w))
			return true;
	return false;
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
		return refuse(k, "no selection fits", token_is(k, "(") ? "; give them a common beginning and write 1 of NAME*" : "");
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
		if (k->token.p[0] >= '0' && k->token.p[0] <= '9' && !near)
			return refuse(k, "no selection", "; of several selections, 1 of or all of may be asked for");
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

struct expr *condition_read(struct compiler *c, const struct node *at, struct selection *sel)
{
	if (at->kind != NODE_LIST)
		return condition_one(c, at, sel);
	struct expr *x = expr_many(c, EXPR_OR, at, node_children(at));
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
