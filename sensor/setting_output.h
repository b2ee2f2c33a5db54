/* setting_output: what belongs together in an entry of outputs: which keys a type has, which of them it must have, what two
 * entries may not share; and the settings of librdkafka, whose values are nobody else's business. */
#ifndef SETTING_OUTPUT_H
#define SETTING_OUTPUT_H
#include "settings.h"

/* Does an output of this type, as its entry says it, have this key? Also when the entry has no type, or a wrong one. */
bool setting_output_has(const struct node *map, const char *key);
/* Every key of the entry is one that its type has, and the keys that it must have are there. false: e names the key, the type and the
 * place. An entry without a known type is good here: reading its type says so. */
bool setting_output_keys(const struct node *map, struct error *e);
/* The values, read, suit each other, and this program can serve such an output. */
bool setting_output_good(const struct output_settings *o, const struct node *map, struct error *e);
/* The entry is another than those before it, at all, whose nodes begin with first: in name, and in the file that it writes. */
bool setting_output_apart(const struct output_settings *all, const struct output_settings *entry, const struct node *first,
			  const struct node *map, struct error *e);
/* Reads a list of texts name=value for librdkafka. Error messages show no value. */
bool setting_properties(struct settings *s, const struct setting_info *t, struct setting_texts *out, const struct node *value,
			struct error *e);
/* How many octets of such a text may be shown; all of it, where the value is no secret: what has password in its name is one. */
size_t setting_property_shown(struct bytes property);
#endif
