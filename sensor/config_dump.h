/* config_dump: the configuration as YAML again: what counts and where it came from, or all defaults with their meaning. */
#ifndef CONFIG_DUMP_H
#define CONFIG_DUMP_H
#include <stdio.h>

#include "settings.h"

/* Every key with its value, behind each "# FILE:LINE" or "# default". Paths are absolute: the output is a configuration that
 * says the same wherever it lies. */
void config_dump(const struct settings *s, FILE *out);
/* Every key with its default, and in front of each what it means. */
void config_example(FILE *out);
/* How the value of a row is written: "size, 1MiB to 2GiB, or off". Returns buf. */
const char *setting_describe(const struct setting_info *t, char *buf, size_t cap);
#endif
