/* value: one fact as plain text on one line, for formats that know texts only (cef.h, leef.h, syslog.h). */
#ifndef VALUE_H
#define VALUE_H
#include "record.h"
#include "text.h"

/* VALUE_MAX: the longest value. VALUE_ROOM: of the buffer in which one is made: four octets for each that came from outside. */
enum { VALUE_MAX = 1023, VALUE_ROOM = 4 * (VALUE_MAX + 1) };

/* What an event is of: event.dataset; one without is of the counters. */
enum value_dataset { OF_SESSION, OF_ALERT, OF_STATS, OF_POSTURE, VALUE_DATASETS };
enum value_dataset value_dataset(const struct record *r);
/* "session" ... */
const char *value_dataset_word(enum value_dataset dataset);

/* Facts for which neither CEF nor LEEF has a key of its own, with the name that we give them there; ends in a NULL. */
struct value_name {
	const char *name;
	enum fact fact;
};
extern const struct value_name value_names[];

/* The fact f of r as valid UTF-8 without control characters (text_clean), at most max octets of it (max <= VALUE_MAX), whole characters:
 * numbers in decimal, words, yes and no as true and false, addresses and times as in JSON, the items of a list with commas
 * between. A span into buf; empty: unseen, or an empty text. */
struct bytes value_of(const struct record *r, enum fact f, size_t max, char buf[VALUE_ROOM]);
/* At most max octets of b, which is UTF-8: whole characters. */
struct bytes value_head(struct bytes b, size_t max);
/* In capitals (ASCII), in place: v is a span into buf. */
struct bytes value_upper(struct bytes v, char buf[VALUE_ROOM]);
/* A time (ns since 1970) in ms, as in both formats. */
void value_ms(struct text *t, int64_t ns);
/* b with a backslash before each backslash, and before each of the characters of special. */
void value_escaped(struct text *t, struct bytes b, const char *special);
/* What events of no level count as: informational. */
unsigned value_level(const struct record *r);
/* 2, 4, 6, 8, 10 by level, of the ten steps of CEF and LEEF. */
unsigned value_tenths(const struct record *r);
/* What an event is an instance of: the finding id of an alert, else its action; of counters stats. max as above. */
struct bytes value_kind(const struct record *r, size_t max, char buf[VALUE_ROOM]);
/* The same in words: the rule's title, or what kind of event it is. */
struct bytes value_title(const struct record *r, size_t max, char buf[VALUE_ROOM]);
/* Bounds on the octets of a value, to be tried in turn until a line fits: i counts from 0. 0: there are no more. */
size_t value_bound(unsigned i);
#endif
