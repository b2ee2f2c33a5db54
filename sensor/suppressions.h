/* suppressions: the entries of the configuration and those that `mxwitness incident suppress` ordered, as one list; what each kept back,
 * and what is to be said of it: once a week what it did, and once that it has ended. */
#ifndef SUPPRESSIONS_H
#define SUPPRESSIONS_H
#include <sqlite3.h>

#include "error.h"
#include "judge/suppress.h"
#include "store.h"

/* SUPPRESSION_ORDERED  entries by order at a time */
enum { SUPPRESSION_ORDERED = SUPPRESS_ENTRIES / 2, SUPPRESSION_SAYS = 512 };

struct suppressions;

/* configured: is borrowed. NULL: no memory. */
struct suppressions *suppressions_new(const struct suppress_entries *configured);
void suppressions_free(struct suppressions *s);
/* suppressions_apply: marks the findings of level low and above that an entry fits; the first entry that does counts it, when the
 * session is final and new. How many. */
size_t suppressions_apply(struct suppressions *s, const struct record *session, struct finding *finding, size_t n, bool fresh);
/* An order "incident.suppress" or "incident.unsuppress"; others are left alone. */
void suppressions_order(struct suppressions *s, const struct store_order *o);
/* The next line for people at that time; false: there is none. Call it until then. */
bool suppressions_say(struct suppressions *s, int64_t now, char line[SUPPRESSION_SAYS]);
/* Writes mxwitness.stats.suppression[]. and its sum into a stats event. */
void suppressions_stats(const struct suppressions *s, struct record *stats);
/* Entry i, with what it kept back; NULL: there is none. */
const struct suppress_entry *suppressions_at(const struct suppressions *s, size_t i, uint64_t *count);
/* suppression_parse: the body of an order, JSON with findings, clients, servers, domains (lists in one text, with commas), reason,
 * owner, until (a time), allow_critical; checked as the configuration is. now: ns. false: e says why. For the command too. */
bool suppression_parse(struct bytes body, int64_t now, struct error *e);

/* What was counted, and the ordered entries. */
bool suppressions_load(struct suppressions *s, sqlite3 *db, struct error *e);
bool suppressions_save(struct suppressions *s, sqlite3 *db, struct error *e);
#endif
