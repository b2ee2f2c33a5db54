/* rule_site: see rule_site.h. It knows the three keys of the configuration and how rules are named, and judges nothing. */
#include "rule_site.h"

#include "node_read.h"
#include "rule_set.h"

static bool off_key(const struct node *value, struct error *e)
{
	return (value->kind == NODE_LIST && texts_read(e, value, RULE_SITE_MAX)) ||
	       (value->kind != NODE_LIST && node_error(e, value, "rules_off: a list of names or ids of rules belongs here"));
}

static bool level_key(const struct node *value, struct error *e)
{
	uint8_t unused;
	if (value->kind != NODE_MAP)
		return node_error(e, value, "rule_levels: a map of finding or rule name: level belongs here");
	for (const struct node *n = value->first; n; n = n->next)
		if (!level_read(e, n, &unused))
			return false;
	return true;
}

bool rule_site_key(struct rule_site *site, const struct node *value, bool *taken, struct error *e)
{
	const char *unused;
	*taken = true;
	if (node_is(value->key, "rules")) {
		site->dir = value;
		return text_read(e, value, 1024, &unused);
	}
	if (node_is(value->key, "rules_off")) {
		site->off = value;
		return off_key(value, e);
	}
	if (node_is(value->key, "rule_levels")) {
		site->level = value;
		return level_key(value, e);
	}
	*taken = false;
	return true;
}

const char *rule_site_path(struct rule_site *site)
{
	if (!site->dir)
		return NULL;
	const char *dir = (const char *)site->dir->text.p, *slash = strrchr(site->dir->path, '/');
	const char *folder = site->folder ? site->folder : site->dir->path;
	size_t n = site->folder ? strlen(folder) : slash ? (size_t)(slash - folder) + 1 : 0;
	if (dir[0] == '/' || n == 0)
		return dir;
	char *path = arena_take(&site->arena, n + site->dir->text.n + 1);
	memcpy(path, folder, n);
	memcpy(path + n, dir, site->dir->text.n);
	return path;
}

static bool switch_off(const struct node *list, struct rules *r, struct error *e)
{
	for (const struct node *n = list ? list->first : NULL; n; n = n->next) {
		struct rule *rule = rules_named(r, n->text);
		if (!rule)
			return no_rule(r, e, n);
		rule->enabled = false;
	}
	return true;
}

/* All documents of a finding; how many there are. */
static size_t finding_level(struct rules *r, struct bytes finding, uint8_t level)
{
	size_t count = 0;
	for (size_t i = 0; i < r->count; i++) {
		if (!bytes_eq(bytes_of(r->rule[i].finding), finding))
			continue;
		r->rule[i].site_level = level;
		count++;
	}
	return count;
}

/* A finding's level is for all documents of it; then that of a single rule, which knows better. */
static bool set_levels(const struct node *map, struct rules *r, struct error *e)
{
	uint8_t level;
	for (int single = 0; single < 2; single++) {
		for (const struct node *n = map ? map->first : NULL; n; n = n->next) {
			struct rule *rule = rules_named(r, n->key->text);
			if (!level_read(e, n, &level))
				return false;
			if (single == 0 && finding_level(r, n->key->text, level) == 0 && !rule)
				return no_rule(r, e, n->key);
			if (single == 1 && rule && !bytes_eq(bytes_of(rule->finding), n->key->text))
				rule->site_level = level;
		}
	}
	return true;
}

bool rule_site_apply(const struct rule_site *site, struct rules *rules, struct error *e)
{
	return switch_off(site->off, rules, e) && set_levels(site->level, rules, e);
}

void rule_site_free(struct rule_site *site)
{
	arena_free(&site->arena);
	*site = (struct rule_site){ 0 };
}
