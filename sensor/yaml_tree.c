/* yaml_tree: see yaml_tree.h. libyaml's event interface, because its document interface expands aliases; nothing is
 * recursive, and the first breach of a bound ends it. Knows no key. */
#include "yaml_tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

struct reader {
	struct arena *arena;
	const char *path;
	struct error *e;
	struct node *open[YAML_DEPTH_MAX]; /* open collections; [0] holds the documents */
	const struct node *key[YAML_DEPTH_MAX]; /* in a map: the key that waits for its value */
	unsigned depth, events;
};

static bool error_v(struct error *e, const struct node *at, size_t shift, const char *format, va_list args)
{
	char text[400];
	vsnprintf(text, sizeof(text), format, args);
	return error_set(e, "%s:%u:%zu: %s", at->path, at->line, at->col + shift, text);
}

bool node_error(struct error *e, const struct node *at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	error_v(e, at, 0, format, args);
	va_end(args);
	return false;
}

bool node_error_at(struct error *e, const struct node *at, size_t shift, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	error_v(e, at, shift, format, args);
	va_end(args);
	return false;
}

bool node_is(const struct node *n, const char *text)
{
	return n->kind == NODE_SCALAR && bytes_eq(n->text, bytes_of(text));
}

const struct node *node_get(const struct node *map, const char *key)
{
	for (const struct node *n = map->first; n; n = n->next)
		if (node_is(n->key, key))
			return n;
	return NULL;
}

size_t node_children(const struct node *n)
{
	size_t count = 0;
	for (n = n->first; n; n = n->next)
		count++;
	return count;
}

static unsigned distance(struct bytes a, struct bytes b)
{
	unsigned row[65];
	a = bytes_head(a, 64);
	b = bytes_head(b, 64);
	for (size_t j = 0; j <= b.n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; i < a.n; i++) {
		unsigned diagonal = row[0];
		row[0] = (unsigned)i + 1;
		for (size_t j = 1; j <= b.n; j++) {
			unsigned best = diagonal + (ascii_lower(a.p[i]) != ascii_lower(b.p[j - 1]));
			diagonal = row[j];
			best = diagonal + 1 < best ? diagonal + 1 : best;
			row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
		}
	}
	return row[b.n];
}

const char *nearest_word(const char *const *words, size_t n, struct bytes word)
{
	const char *best = NULL;
	unsigned least = 2 + (unsigned)bytes_head(word, 40).n / 3;
	least = word.n < least ? (unsigned)word.n : least; /* a word changed in every letter is not near */
	for (size_t i = 0; i < n; i++) {
		unsigned d = distance(bytes_of(words[i]), word);
		if (d < least) {
			least = d;
			best = words[i];
		}
	}
	return best;
}

static struct node *node_new(struct reader *r, const yaml_event_t *ev, enum node_kind kind)
{
	struct node *n = arena_take(r->arena, sizeof(*n));
	n->path = r->path;
	n->line = (unsigned)ev->start_mark.line + 1;
	n->col = (unsigned)ev->start_mark.column + 1;
	n->kind = kind;
	return n;
}

static bool duplicate(const struct node *map, const struct node *key)
{
	for (const struct node *n = map->first; n; n = n->next)
		if (bytes_eq(n->key->text, key->text))
			return true;
	return false;
}

/* Puts a node where it belongs: a document, an item, a key, or the value of the key that waits. */
static bool place(struct reader *r, struct node *n)
{
	struct node *parent = r->open[r->depth];
	if (parent->kind == NODE_MAP && !r->key[r->depth]) {
		if (n->kind != NODE_SCALAR)
			return node_error(r->e, n, "a key must be a word");
		if (duplicate(parent, n))
			return node_error(r->e, n, "the key \"%.60s\" stands here a second time", (const char *)n->text.p);
		r->key[r->depth] = n;
		return true;
	}
	n->key = r->key[r->depth];
	r->key[r->depth] = NULL;
	if (parent->last)
		parent->last->next = n;
	else
		parent->first = n;
	parent->last = n;
	return true;
}

static bool scalar(struct reader *r, const yaml_event_t *ev)
{
	struct bytes text = { ev->data.scalar.value, ev->data.scalar.length };
	struct node *n = node_new(r, ev, NODE_SCALAR);
	if (ev->data.scalar.anchor)
		return node_error(r->e, n, "anchors are not allowed");
	if (ev->data.scalar.tag)
		return node_error(r->e, n, "tags are not allowed; quotes make a string");
	if (text.n > YAML_SCALAR_MAX)
		return node_error(r->e, n, "a text of more than %d octets", YAML_SCALAR_MAX);
	if (text.n && memchr(text.p, 0, text.n))
		return node_error(r->e, n, "a text with a NUL octet in it");
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	n->quoted = ev->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
		    ev->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	n->text = (struct bytes){ (const uint8_t *)arena_string(r->arena, text), text.n };
	return place(r, n);
}

static bool open_collection(struct reader *r, const yaml_event_t *ev, enum node_kind kind, bool marked)
{
	struct node *n = node_new(r, ev, kind);
	if (marked)
		return node_error(r->e, n, "anchors and tags are not allowed");
	if (r->depth + 1 == YAML_DEPTH_MAX)
		return node_error(r->e, n, "nested more than %d deep", YAML_DEPTH_MAX);
	if (!place(r, n))
		return false;
	r->open[++r->depth] = n;
	r->key[r->depth] = NULL;
	return true;
}

static bool event(struct reader *r, const yaml_event_t *ev)
{
	if (ev->type == YAML_DOCUMENT_START_EVENT)
		r->events = 0;
	if (++r->events > YAML_EVENTS_MAX)
		return node_error(r->e, node_new(r, ev, NODE_SCALAR), "a document of more than %d parts", YAML_EVENTS_MAX);
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return scalar(r, ev);
	case YAML_SEQUENCE_START_EVENT:
		return open_collection(r, ev, NODE_LIST, ev->data.sequence_start.anchor || ev->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_collection(r, ev, NODE_MAP, ev->data.mapping_start.anchor || ev->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		r->depth--;
		return true;
	case YAML_ALIAS_EVENT:
		return node_error(r->e, node_new(r, ev, NODE_SCALAR), "aliases are not allowed");
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return true;
}

static bool all_events(struct reader *r, yaml_parser_t *p)
{
	yaml_event_t ev;
	bool ok = true, end = false;
	while (ok && !end) {
		if (!yaml_parser_parse(p, &ev))
			return error_set(r->e, "%s:%zu:%zu: not YAML: %s", r->path, p->problem_mark.line + 1,
					 p->problem_mark.column + 1, p->problem ? p->problem : "unreadable");
		ok = event(r, &ev);
		end = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
	}
	return ok;
}

bool yaml_tree_read(struct arena *arena, const char *path, struct bytes content, struct node **out, struct error *e)
{
	yaml_parser_t p;
	struct reader r = { .arena = arena, .e = e };
	struct node top = { .kind = NODE_LIST };
	r.path = arena_string(arena, bytes_of(path));
	r.open[0] = &top;
	if (content.n > YAML_FILE_MAX)
		return error_set(e, "%s:1:1: a file of more than %d octets", path, YAML_FILE_MAX);
	if (!yaml_parser_initialize(&p))
		return error_set(e, "%s:1:1: no memory", path);
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, content.p ? content.p : (const uint8_t *)"", content.n);
	bool ok = all_events(&r, &p);
	yaml_parser_delete(&p);
	*out = ok ? top.first : NULL;
	return ok;
}
