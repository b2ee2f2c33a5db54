/* rule_site: what a site says about rules in its configuration: a directory of its own, rules that it does not want,
 * levels that it sees otherwise. */
#ifndef RULE_SITE_H
#define RULE_SITE_H
#include "yaml_tree.h"

struct rules;

enum { RULE_SITE_MAX = 256 };  /* rules that may be switched off one by one */

/* The values of the configuration's keys as they stand in the file, or NULL: their lines are in the messages.
 * dir   rules: a directory that is added to the shipped rules; relative to folder
 * off   rules_off: a list of names or UUIDs
 * level rule_levels: a map of finding id or rule name to level
 * folder  that of the configuration, with a slash at its end, or empty; NULL: that of the file that dir is in */
struct rule_site {
	struct arena arena;
	const struct node *dir, *off, *level;
	const char *folder;
};

/* rule_site_key: takes the value of a key of the configuration when it is one of ours (*taken). false: e says what is
 * wrong with it. The nodes must live as long as site does. */
bool rule_site_key(struct rule_site *site, const struct node *value, bool *taken, struct error *e);
/* rule_site_path: the directory of the site's rules, in site->arena; NULL when there is none. */
const char *rule_site_path(struct rule_site *site);
/* rule_site_apply: switches off and sets levels, after all files were added. false: a name that no rule has. */
bool rule_site_apply(const struct rule_site *site, struct rules *rules, struct error *e);
void rule_site_free(struct rule_site *site);
#endif
