/* node_read: what the files under rules/ hold, value by value: a word of a list, a level, a text, a sentence. Each
 * returns false with an error at the node that names file, line and column, and what would be right. */
#ifndef NODE_READ_H
#define NODE_READ_H
#include "record.h"
#include "yaml_tree.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* A text from the file as the two arguments of "%.*s": cut. */
#define TEXT(b) (int)((b).n < 60 ? (b).n : 60), (const char *)(b).p

/* no_word: "no WHAT "..."", with the nearest of n words. Returns false. */
bool no_word(struct error *e, const struct node *at, const char *what, const char *const *words, size_t n);
/* no_fact: "no fact "..."", with the nearest there is. Returns false. */
bool no_fact(struct error *e, const struct node *at, struct bytes name);
/* known_keys: a map, and every key of it is one of n keys. */
bool known_keys(struct error *e, const struct node *map, const char *const *keys, size_t n);
/* word_read: a scalar that is a word of fact f's list, as its index. */
bool word_read(struct error *e, const struct node *n, const char *what, enum fact f, uint8_t *out);
bool level_read(struct error *e, const struct node *n, uint8_t *out);
/* text_read: a scalar of 1 to max octets; *out is borrowed from the node. */
bool text_read(struct error *e, const struct node *n, size_t max, const char **out);
/* id_read: a finding id, a variant, a rule's name: 1 to 64 of a-z 0-9 and hyphens. */
bool id_read(struct error *e, const struct node *n, const char **out);
/* uuid_read: a UUID in lower case. */
bool uuid_read(struct error *e, const struct node *n, const char **out);
/* date_read: YYYY-MM-DD, a day that a calendar may have. */
bool date_read(struct error *e, const struct node *n);
/* sentence_read: a text whose braces name facts (sentence.h) that events of the service have: IN_SESSION, IN_STATS or IN_POSTURE. */
bool sentence_read(struct error *e, const struct node *n, uint8_t service, const char **out);
/* texts_read: a list of at most max different texts, each of at most 4096 octets. */
bool texts_read(struct error *e, const struct node *list, size_t max);
#endif
