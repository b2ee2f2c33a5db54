/* config_manual: the keys as a part of mxwitness.conf(5). */
#ifndef CONFIG_MANUAL_H
#define CONFIG_MANUAL_H
#include <stdio.h>

/* Sections of mdoc(7), one a group; then the keys of an output. */
void config_manual(FILE *out);
#endif
