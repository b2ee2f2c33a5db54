/* table: events as a person reads them: one row a session, its alerts under it, a summary at the end. */
#ifndef TABLE_H
#define TABLE_H
#include "record.h"
#include "text.h"

/* Counted from the events that passed. */
struct table {
	bool all, colour;
	unsigned width;          /* columns of the terminal */
	bool header;
	uint64_t sessions, shown, verdicts[verdict_COUNT], alerts[level_COUNT];
};

/* Each appends its lines to out; octets from outside are made harmless. */
void table_session(struct table *t, const struct record *session, struct text *out);
void table_alert(struct table *t, const struct record *alert, struct text *out);
void table_summary(struct table *t, const struct record *stats, struct text *out);
#endif
