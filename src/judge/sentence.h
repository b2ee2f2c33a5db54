/* sentence: a text of a rule with what a record says in the places of its braces. */
#ifndef JUDGE_SENTENCE_H
#define JUDGE_SENTENCE_H
#include "record.h"
#include "text.h"

/* SENTENCE_VALUE  octets of one value, SENTENCE_ITEMS of one list, that are shown */
enum { SENTENCE_VALUE = 120, SENTENCE_ITEMS = 12 };

/* sentence_write: text with each {fact.name} replaced by the fact's value: "{a|b}" takes the first that was seen,
 * "unknown" when none was. Values are made printable and cut with "..."; lists are joined by ", ". */
void sentence_write(struct text *out, const char *text, const struct record *r);
/* sentence_fact: one fact as a sentence says it; false, and nothing written, when it is unseen. */
bool sentence_fact(struct text *out, const struct record *r, enum fact f);
/* sentence_brace: the next {...} of text at or after *pos; name without the braces. *pos moves behind it.
 * PARSE_MORE: there is none. PARSE_BAD: a brace without its partner. */
enum parse sentence_brace(struct bytes text, size_t *pos, struct bytes *name);
#endif
