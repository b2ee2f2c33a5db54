/* config: the site's configuration, YAML, every key optional, an unknown one an error; see mxwitness(1). */
#ifndef CONFIG_H
#define CONFIG_H
#include "error.h"
#include "judge/site.h"

/* Fills site from the file at path. false: e names file, line, column and what would be right. */
bool config_read(const char *path, struct site *site, struct error *e);
/* The same from memory; path is for messages. */
bool config_parse(const char *path, struct bytes content, struct site *site, struct error *e);
#endif
