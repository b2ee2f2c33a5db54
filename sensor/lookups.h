/* lookups: the questions that are being looked up, and who waits for each. Equal questions are one lookup. No
 * network, no clock: the caller looks up, and says when it is done. */
#ifndef LOOKUPS_H
#define LOOKUPS_H
#include "question.h"

enum { LOOKUPS = 256 };

/* One name and type. answer is written by whoever looks up; id, from and until are those of each question that
 * waits: what is true now is said of its as_of alone. */
struct looked_up {
	char name[NAME_MAX_TEXT + 1];
	uint16_t type;
	bool used, done;
	unsigned waiting;
	struct answer answer;
};

struct lookups;

/* Takes its memory now, five megabytes. NULL: there is none. */
struct lookups *lookups_new(void);
void lookups_free(struct lookups *l);

/* NEW: *at is the lookup to begin. MERGED: the same is being looked up already, at *at. FULL: LOOKUPS questions wait.
 * SHARE: this source has as many questions open as there are places left. So one source gets half of the places at
 * most, two a third each, and a new source always finds one: names that a client invents starve nobody else. Source
 * 0 is the sensor itself, which asks one thing after the other. */
enum lookups_put { LOOKUPS_NEW, LOOKUPS_MERGED, LOOKUPS_FULL, LOOKUPS_SHARE };
enum lookups_put lookups_put(struct lookups *l, const struct question *q, unsigned *at);
/* The lookup at at < LOOKUPS; its used tells whether it is one. */
struct looked_up *lookups_at(struct lookups *l, unsigned at);
/* The answer of lookup at is complete: who waits for it gets it. */
void lookups_done(struct lookups *l, unsigned at);
/* An answer that somebody waited for, in the order in which they became known. false: none is ready. */
bool lookups_next(struct lookups *l, struct answer *a);
/* Who waits now is gone: nobody gets these answers. Their places are free when the lookups end; their sources owe nothing. */
void lookups_drop(struct lookups *l);
/* Questions that wait, answered ones included. */
unsigned lookups_waiting(const struct lookups *l);
#endif
