/* config: the site's configuration, YAML, every key optional, an unknown one an error; see mxwitness(1). */
#ifndef CONFIG_H
#define CONFIG_H
#include "error.h"
#include "judge/site.h"
#include "rule_site.h"

/* Fills site and rules from the file at path; free what rules holds with rule_site_free, also after an error.
 * false: e names file, line, column and what would be right. */
bool config_read(const char *path, struct site *site, struct rule_site *rules, struct error *e);
/* The same from memory; path is for messages. */
bool config_parse(const char *path, struct bytes content, struct site *site, struct rule_site *rules, struct error *e);
#endif
