/* event_read: an event as a line of JSON, as json.h writes it, back to a record. */
#ifndef EVENT_READ_H
#define EVENT_READ_H
#include "record.h"

/* Overwrites r. Names and words that this version does not know are passed over; addresses and hex too. false: this is no
 * JSON object, or longer than an event can be. */
bool event_read(struct bytes line, struct record *r);
#endif
