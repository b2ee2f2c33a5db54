/* report: see report.h. Steps are one flat list with depths, so that it can be read from front to back; texts are on the heap, a
 * text for which there is no memory is empty. */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static const struct {
	const char *word, *what;
} checks[CHECKS] = {
#define CHECK(id, word, what) [CHECK_##id] = { word, what },
#include "checks.def"
#undef CHECK
};
static const char *const grades[] = { "ok", "note", "unknown", "warning", "error" };

const char *check_word(enum check c)
{
	return checks[c].word;
}

const char *check_what(enum check c)
{
	return checks[c].what;
}

const char *grade_word(enum grade g)
{
	return grades[g];
}

void report_free(struct report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->step[i].subject);
		free(r->step[i].text);
		free(r->step[i].fix);
		free(r->step[i].record);
	}
	free(r->step);
	*r = (struct report){ 0 };
}

/* A copy without what a terminal would act upon. */
static char *clean(const char *s)
{
	char buf[REPORT_TEXT];
	struct text t = { buf, 0, sizeof(buf) - 1, false };
	text_clean(&t, bytes_of(s), false);
	buf[t.n] = 0;
	return strdup(buf);
}

static char *put_together(const char *format, va_list args)
{
	char buf[REPORT_TEXT];
	vsnprintf(buf, sizeof(buf), format, args);
	return clean(buf);
}

static struct step *add(struct report *r, enum grade g, enum check c, const char *subject)
{
	if (r->n == r->cap && r->cap < REPORT_STEPS) {
		size_t cap = r->cap ? r->cap * 2 : 64;
		struct step *more = realloc(r->step, cap * sizeof(*more));
		r->step = more ? more : r->step;
		r->cap = more ? cap : r->cap;
	}
	if (r->n == r->cap) {
		r->lost++;
		return NULL;
	}
	struct step *s = &r->step[r->n++];
	*s = (struct step){ .depth = (uint8_t)r->depth, .grade = g, .own = g, .check = c, .subject = clean(subject) };
	return s;
}

/* The open steps are as bad as what is in them. */
static void worsen(struct report *r, enum grade g)
{
	for (unsigned i = 0; i < r->depth; i++)
		if (r->open[i] < r->n && r->step[r->open[i]].grade < g)
			r->step[r->open[i]].grade = (uint8_t)g;
}

void report_open(struct report *r, enum check c, const char *subject)
{
	size_t at = r->n;
	if (r->depth == REPORT_DEPTH)
		abort();           /* the tree is ours, and not so deep */
	r->open[r->depth] = add(r, GRADE_OK, c, subject) ? at : SIZE_MAX;
	r->depth++;
}

void report_close(struct report *r)
{
	if (r->depth == 0)
		abort();
	r->depth--;
}

void report_say(struct report *r, enum grade g, const char *format, ...)
{
	if (r->depth == 0)
		abort();
	size_t at = r->open[r->depth - 1];
	worsen(r, g);
	if (at >= r->n)
		return;
	va_list args;
	va_start(args, format);
	free(r->step[at].text);
	r->step[at].text = put_together(format, args);
	va_end(args);
	if (r->step[at].own < g)
		r->step[at].own = (uint8_t)g;
}

void report_step(struct report *r, enum grade g, enum check c, const char *subject, const char *format, ...)
{
	struct step *s = add(r, g, c, subject);
	worsen(r, g);
	if (!s)
		return;
	va_list args;
	va_start(args, format);
	s->text = put_together(format, args);
	va_end(args);
}

static void attach(char **at, const char *format, va_list args)
{
	free(*at);
	*at = put_together(format, args);
}

void report_fix(struct report *r, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (r->n)
		attach(&r->step[r->n - 1].fix, format, args);
	va_end(args);
}

void report_record(struct report *r, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (r->n)
		attach(&r->step[r->n - 1].record, format, args);
	va_end(args);
}

void report_append(struct report *r, struct report *from)
{
	for (size_t i = 0; i < from->n; i++) {
		struct step *old = &from->step[i], *s = add(r, old->own, old->check, "");
		worsen(r, old->grade);
		if (!s)
			continue;
		free(s->subject);
		*s = *old;
		s->depth = (uint8_t)(s->depth + r->depth);
		*old = (struct step){ 0 };
	}
	r->lost += from->lost;
	report_free(from);
}

enum grade report_grade(const struct report *r)
{
	enum grade worst = GRADE_OK;
	for (size_t i = 0; i < r->n; i++)
		worst = r->step[i].grade > worst ? r->step[i].grade : worst;
	return r->lost && worst < GRADE_UNKNOWN ? GRADE_UNKNOWN : worst;
}

const struct step *report_find(const struct report *r, enum check c, size_t from)
{
	for (size_t i = from; i < r->n; i++)
		if (r->step[i].check == c)
			return &r->step[i];
	return NULL;
}
