/* setting_policy: the values of what the site itself promises and expects (policy, routes, inspection): names, networks, ports,
 * keys, days. */
#ifndef SETTING_POLICY_H
#define SETTING_POLICY_H
#include "settings.h"

/* setting_policy: as setting_read, for the types of its own: NAMES NETS PORTS PIN_SPKI PIN_CA FORMS DOMAIN HOST DATE.
 * at  the member. A PEM file is read here, so that its keys are there when processes have no files any more. */
bool setting_policy(struct settings *s, const struct setting_info *t, void *at, const struct node *value, struct error *e);
/* Does an entry, read from map, make sense as a whole? false: e says why. */
bool setting_promise_good(const struct policy_promise *p, const struct node *map, struct error *e);
bool setting_inspection_good(const struct policy_inspection *i, const struct node *map, struct error *e);
bool setting_suppress_good(const struct suppress_entry *s, const struct node *map, struct error *e);
#endif
