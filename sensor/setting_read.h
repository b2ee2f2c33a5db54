/* setting_read: one value of the configuration, from its node to its member; see settings.def for what may stand there. */
#ifndef SETTING_READ_H
#define SETTING_READ_H
#include "settings.h"

/* setting_read: value is that of row t, or its default; what the member held is replaced.
 * base  the struct that the row is of: s itself, or one output_settings
 * false: e says where and what is wrong; the member may hold part of it. */
bool setting_read(struct settings *s, const struct setting_info *t, void *base, const struct node *value, struct error *e);
/* setting_default: the node of a row's default, in s->arena. NULL: e says why; that is no memory, or an error in our table. */
const struct node *setting_default(struct settings *s, const struct setting_info *t, struct error *e);
bool setting_is_default(const struct node *value);
/* setting_path: text behind the folder of the configuration, unless it is absolute; in s->arena. */
const char *setting_path(struct settings *s, struct bytes text);
/* setting_entries, setting_next: the entries of a list; a scalar is a list of one, as most lists have but one entry. */
const struct node *setting_entries(const struct node *value);
const struct node *setting_next(const struct node *value, const struct node *n);
/* setting_list: a list of t->least to t->most different scalars, *count_out of them. what: one of them, for the message. */
bool setting_list(const struct setting_info *t, const struct node *value, const char *what, size_t *count_out,
		  struct error *e);
#endif
