/* session_yaml: a session as a person writes it down for a test of rules: a map of facts, by their dotted names or
 * nested, as the record that rules judge. mxwitness-rules(5) */
#ifndef SESSION_YAML_H
#define SESSION_YAML_H
#include "record.h"
#include "yaml_tree.h"

/* session_yaml_read: puts what map says into session, over what is there already; null takes a fact, or all facts
 * under a name, away. false: e says which line says something that no session can hold, and what would be right. */
bool session_yaml_read(const struct node *map, struct record *session, struct error *e);
/* stats_yaml_read: the same for a stats event, and the facts that rules about these may test. */
bool stats_yaml_read(const struct node *map, struct record *stats, struct error *e);
/* posture_yaml_read: and for a posture event. */
bool posture_yaml_read(const struct node *map, struct record *posture, struct error *e);
#endif
