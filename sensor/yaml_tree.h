/* yaml_tree: a YAML file as a tree of nodes that know where they stand, within bounds. Refuses what makes YAML
 * dangerous or ambiguous: anchors, aliases, tags, duplicate keys, keys that are not plain words. */
#ifndef YAML_TREE_H
#define YAML_TREE_H
#include "arena.h"
#include "error.h"

enum { YAML_FILE_MAX = 1 << 20, YAML_DEPTH_MAX = 32, YAML_SCALAR_MAX = 65536, YAML_EVENTS_MAX = 10000 };

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

/* path, line, col  where it stands; both count from 1
 * plain            a scalar without quotes, not a block
 * quoted           a scalar in quotes on one line: its text begins one column after it
 * text             of a scalar; NUL-terminated, and without a NUL inside
 * key              its key, when it is a value in a map
 * first, next      children; the next sibling */
struct node {
	const char *path;
	unsigned line, col;
	enum node_kind kind;
	bool plain, quoted;
	struct bytes text;
	const struct node *key;
	struct node *first, *last, *next;
};

/* The documents of content, as siblings under *out, in arena. false: e says where and why. */
bool yaml_tree_read(struct arena *arena, const char *path, struct bytes content, struct node **out, struct error *e);
/* The value of key in a map, or NULL. */
const struct node *node_get(const struct node *map, const char *key);
/* How many values or items it has. */
size_t node_children(const struct node *n);
bool node_is(const struct node *n, const char *text);
/* "path:line:col: " and the text, printf-style. Returns false. */
bool node_error(struct error *e, const struct node *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, shift columns further right. */
bool node_error_at(struct error *e, const struct node *at, size_t shift, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Of n words the one nearest to a mistyped one, or NULL. */
const char *nearest_word(const char *const *words, size_t n, struct bytes word);
#endif
