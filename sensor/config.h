/* config: the site's configuration, YAML, every key optional, an unknown one an error. mxwitness.conf(5) */
#ifndef CONFIG_H
#define CONFIG_H
#include "error.h"
#include "judge/site.h"

/* Fills site from the file at path. false: e names file, line, column and what would be right. */
bool config_read(const char *path, struct site *site, struct error *e);
#endif
