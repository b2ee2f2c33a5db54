/* config_check: what of a configuration can only be seen where it is to be used: files, users, interfaces, rules. */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H
#include <stdio.h>

#include "settings.h"

/* What this machine lacks is a warning, a line to out in the form of an error; its count to *warnings. What is there and
 * wrong - rules, certificates, trust anchors, the filter - is an error, because nothing would start.
 * rules  the folder of the shipped rules
 * false: e says what is wrong. */
bool config_check(struct settings *s, const char *rules, FILE *out, unsigned *warnings, struct error *e);
#endif
