/* config: see config.h. The tree of nodes comes from yaml_tree, the keys from settings.def, their values are
 * setting_read's; here stands how files come together. */
#include "config.h"

#include <stdio.h>

#include "folder.h"
#include "node_read.h"
#include "scalar.h"
#include "setting_read.h"

enum { NAME_MAX_OCTETS = 64, FILES_MAX = 256 };

static bool is_group(struct bytes name)
{
	for (size_t i = 0; i < SETTING_LINES; i++)
		if (setting_outline[i].meaning && setting_outline[i].name[0] && bytes_eq(bytes_of(setting_outline[i].name), name))
			return true;
	return false;
}

/* The place of group.key in setting_table, or SETTINGS. */
static size_t find(const char *group, struct bytes key)
{
	size_t n = strlen(group);
	for (size_t i = 0; i < SETTINGS; i++) {
		const char *name = setting_table[i].name;
		if (strncmp(name, group, n) == 0 && bytes_eq(bytes_of(name + n), key) && !strchr(name + n, '.'))
			return i;
	}
	return SETTINGS;
}

/* A key that stands in another place. */
static const char *misplaced(struct bytes key)
{
	const uint8_t *dot = memchr(key.p, '.', key.n);
	for (size_t i = 0; i < SETTINGS; i++) {
		const char *inner = strchr(setting_table[i].name, '.');
		if (bytes_eq(bytes_of(dot || !inner ? setting_table[i].name : inner + 1), key))
			return setting_table[i].name;
	}
	return NULL;
}

/* The words that may stand where key does: names of the group without it, or at the top. */
static size_t candidates(const char *group, const char *words[SETTINGS + SETTING_LINES])
{
	size_t n = 0, skip = strlen(group);
	for (size_t i = 0; i < SETTINGS; i++)
		if (strncmp(setting_table[i].name, group, skip) == 0 && !strchr(setting_table[i].name + skip, '.'))
			words[n++] = setting_table[i].name + skip;
	for (size_t i = 0; !skip && i < SETTING_LINES; i++)
		if (setting_outline[i].meaning && setting_outline[i].name[0])
			words[n++] = setting_outline[i].name;
	return n;
}

/* group: with a dot behind it, or empty. */
static bool unknown_key(const char *group, const struct node *key, struct error *e)
{
	const char *words[SETTINGS + SETTING_LINES];
	const char *near = nearest_word(words, candidates(group, words), key->text), *other = misplaced(key->text);
	const char *dot = other ? strchr(other, '.') : NULL;
	if (other && dot)
		return node_error(e, key, "no key \"%s%.*s\"; \"%s\" belongs under \"%.*s:\"", group, TEXT(key->text), dot + 1,
				  (int)(dot - other), other);
	if (other)
		return node_error(e, key, "no key \"%s%.*s\"; \"%s\" belongs under no other key", group, TEXT(key->text), other);
	if (near)
		return node_error(e, key, "no key \"%s%.*s\"; did you mean \"%s%s\"?", group, TEXT(key->text), group, near);
	return node_error(e, key, "no key \"%s%.*s\"; mxwitness config keys names them all", group, TEXT(key->text));
}

static void append(struct settings *s, struct node *to, const struct node *entry)
{
	struct node *copy = arena_take(&s->arena, sizeof(*copy));
	*copy = *entry;
	copy->next = NULL;
	if (to->last)
		to->last->next = copy;
	else
		to->first = copy;
	to->last = copy;
}

static void append_all(struct settings *s, struct node *to, const struct node *value, const struct node *without)
{
	if (value->kind == NODE_SCALAR)
		append(s, to, value);
	else
		for (const struct node *n = value->first; n; n = n->next)
			if (!without || without->kind != NODE_MAP || !node_get(without, (const char *)n->key->text.p))
				append(s, to, n);
}

/* true and false are no entries of a list. */
static bool is_switch(const struct setting_info *t, const struct node *value)
{
	return t->type == KEPT_MIRROR && (node_is(value, "true") || node_is(value, "false"));
}

/* What a key comes to be when another file has said something of it already. */
static const struct node *merged(struct settings *s, const struct setting_info *t, const struct node *old, const struct node *value)
{
	if (setting_is_default(old) || !setting_is_list(t) || is_switch(t, old) || is_switch(t, value))
		return value;
	struct node *both = arena_take(&s->arena, sizeof(*both));
	*both = *value;
	both->kind = value->kind == NODE_MAP ? NODE_MAP : NODE_LIST;
	both->first = both->last = both->next = NULL;
	append_all(s, both, old, value);
	append_all(s, both, value, NULL);
	return both;
}

/* The value is read by itself first: what a later file replaces must be right too. */
static bool take(struct settings *s, size_t i, const struct node *value, struct error *e)
{
	const struct setting_info *t = &setting_table[i];
	if (!setting_read(s, t, s, value, e))
		return false;
	const struct node *both = merged(s, t, s->value[i], value);
	s->value[i] = both;
	return both == value || setting_read(s, t, s, both, e);
}

static bool is_empty(const struct node *n)
{
	return n->kind == NODE_SCALAR && scalar_type(n) == SCALAR_NULL;
}

static bool group_map(struct settings *s, const struct node *map, struct error *e)
{
	char group[NAME_MAX_OCTETS];
	snprintf(group, sizeof(group), "%s.", (const char *)map->key->text.p);
	if (is_empty(map))
		return true;
	if (map->kind != NODE_MAP)
		return node_error(e, map, "%.*s: a map of keys belongs here", (int)strlen(group) - 1, group);
	for (const struct node *value = map->first; value; value = value->next) {
		size_t i = find(group, value->key->text);
		if (!(i == SETTINGS ? unknown_key(group, value->key, e) : take(s, i, value, e)))
			return false;
	}
	return true;
}

static bool top_key(struct settings *s, const struct node *value, struct error *e)
{
	size_t i = find("", value->key->text);
	if (is_group(value->key->text))
		return group_map(s, value, e);
	return i == SETTINGS ? unknown_key("", value->key, e) : take(s, i, value, e);
}

static bool document(struct settings *s, const struct node *top, struct error *e)
{
	if (!top || (is_empty(top) && !top->next))
		return true;
	if (top->kind != NODE_MAP || top->next)
		return node_error(e, top->next ? top->next : top, "one map of keys belongs here, as in: vantage: dmz");
	for (const struct node *value = top->first; value; value = value->next)
		if (!top_key(s, value, e))
			return false;
	return true;
}

bool config_add(const char *path, struct bytes content, struct settings *s, struct error *e)
{
	struct node *top;
	return yaml_tree_read(&s->arena, path, content, &top, e) && document(s, top, e);
}

static bool defaults(struct settings *s, const char *path, struct error *e)
{
	const char *slash = strrchr(path, '/');
	s->folder = arena_string(&s->arena, (struct bytes){ (const uint8_t *)path, slash ? (size_t)(slash - path) + 1 : 0 });
	s->rules.folder = s->folder;
	for (size_t i = 0; i < SETTINGS; i++) {
		s->value[i] = setting_default(s, &setting_table[i], e);
		if (!s->value[i] || !setting_read(s, &setting_table[i], s, s->value[i], e))
			return false;
	}
	return true;
}

bool config_parse(const char *path, struct bytes content, struct settings *s, struct error *e)
{
	return defaults(s, path, e) && config_add(path, content, s, e);
}

static bool add_file(struct settings *s, const char *path, struct error *e)
{
	struct bytes content;
	return folder_read(&s->arena, path, &content, e) && config_add(path, content, s, e);
}

static bool add_folder(struct settings *s, struct error *e)
{
	char *dir = arena_take(&s->arena, strlen(s->folder) + 7);
	const char *const *paths;
	size_t n;
	memcpy(dir, s->folder, strlen(s->folder));
	memcpy(dir + strlen(s->folder), "conf.d", 6);
	if (!folder_is(dir))
		return true;
	if (!folder_yaml(&s->arena, dir, "configuration", &paths, &n, e))
		return false;
	if (n > FILES_MAX)
		return error_set(e, "%s: more than %d files", dir, FILES_MAX);
	for (size_t i = 0; i < n; i++)
		if (!add_file(s, paths[i], e))
			return false;
	return true;
}

bool config_read(const char *path, struct settings *s, struct error *e)
{
	return defaults(s, path ? path : "", e) && (!path || (add_file(s, path, e) && add_folder(s, e)));
}
