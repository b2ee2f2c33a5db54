/* config: the site's configuration, YAML; see settings.def for its keys and mxwitness.conf(5) for people. */
#ifndef CONFIG_H
#define CONFIG_H
#include "settings.h"

#define CONFIG_PATH "/etc/mxwitness/mxwitness.yaml"

/* config_read: the file at path, then the *.yaml and *.yml of the folder conf.d beside it, in the order of their names: what
 * a later one says of a value goes before, and the entries of its lists and maps are added. A file that sets a list which
 * no file had before replaces the default.
 * path  NULL: the defaults alone
 * s     zeroed; free it with settings_free, also after an error
 * false: e names file, line, column and what would be right. */
bool config_read(const char *path, struct settings *s, struct error *e);
/* config_parse: the same from memory, and without conf.d; path is for messages, and its folder for relative paths. */
bool config_parse(const char *path, struct bytes content, struct settings *s, struct error *e);
/* config_add: one more file from memory, as those of conf.d are added. */
bool config_add(const char *path, struct bytes content, struct settings *s, struct error *e);
#endif
