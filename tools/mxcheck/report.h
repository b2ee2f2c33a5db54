/* report: what was found about one domain, as a tree of steps in the order in which they were taken. Each step says which
 * check it is of (checks.def), what it is about, how it went, in one sentence, and what to change when it did not go well. A
 * step with steps below it went as badly as the worst of them, or as it was given itself, whichever is worse.
 *
 *	report_open(r, CHECK_dnssec, "example.net");
 *	report_step(r, GRADE_ERROR, CHECK_ds_mismatch, "example.net", "no DS of %s fits a key", name);
 *	report_record(r, "example.net. DS %u ...", tag);
 *	report_close(r);
 *
 * Texts are copied, and made harmless for a terminal (text_clean): what servers said may be put into them as it is. */
#ifndef REPORT_H
#define REPORT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* REPORT_STEPS  of one domain; more are counted, not kept       REPORT_TEXT  octets of one text, a longer one is cut
 * REPORT_DEPTH  steps within steps */
enum { REPORT_STEPS = 4096, REPORT_TEXT = 1024, REPORT_DEPTH = 8 };

/* The greater, the worse. NOTE: to know, neither good nor bad. UNKNOWN: it could not be checked.
 * WARNING: amber, it works, but should be better. ERROR: red, it would stop or weaken delivery under DANE */
enum grade { GRADE_OK, GRADE_NOTE, GRADE_UNKNOWN, GRADE_WARNING, GRADE_ERROR };

enum check {
#define CHECK(id, word, what) CHECK_##id,
#include "checks.def"
#undef CHECK
	CHECKS
};

/* Its name in JSON and in the manual, and what it looks at. */
const char *check_word(enum check c);
const char *check_what(enum check c);
const char *grade_word(enum grade g);

/* depth   steps above it            own  its own grade; grade: with those below
 * text    "" for one that only holds others
 * fix     what to do, in a sentence; record: a line for a zone file, to paste. NULL: none */
struct step {
	uint8_t depth, grade, own;
	uint16_t check;
	char *subject, *text, *fix, *record;
};

/* open  indexes of the steps that are open, depth of them      lost  steps for which there was no room or no memory */
struct report {
	struct step *step;
	size_t n, cap, lost;
	size_t open[REPORT_DEPTH];
	unsigned depth;
};

/* report_free: what it holds; r may be used anew, as after zeroing it. */
void report_free(struct report *r);
/* report_open: a step that holds the following ones, until report_close. Every one that is opened must be closed. */
void report_open(struct report *r, enum check c, const char *subject);
/* report_say: grade and sentence of the step that is open. The grade only gets worse. */
void report_say(struct report *r, enum grade g, const char *format, ...) __attribute__((format(printf, 3, 4)));
void report_close(struct report *r);
/* report_step: one without others below it. */
void report_step(struct report *r, enum grade g, enum check c, const char *subject, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Of the latest step that was given: what to do; a record to paste. */
void report_fix(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_record(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* report_append: the steps of from, a part that was made by another thread, below the step that is open. from is empty then. */
void report_append(struct report *r, struct report *from);
/* The worst grade of all. */
enum grade report_grade(const struct report *r);
/* The first step of that check, at or behind from; NULL: none. */
const struct step *report_find(const struct report *r, enum check c, size_t from);
#endif
