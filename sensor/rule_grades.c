/* rule_grades: see rule_grades.h. Makes the sessions that a table has cells for and asks rule_grade: no level is
 * computed here, so a listing cannot say anything else than the judge does. */
#include "rule_grades.h"

#include <stdio.h>

static void session_of(struct record *r, uint8_t e, uint8_t o, uint8_t d)
{
	record_init(r);
	record_num(r, F_expect, e);
	record_add_num(r, F_expect_all, e);
	record_num(r, F_outcome, o);
	record_num(r, F_delivery, d);
	record_num(r, F_id_confidence, confidence_high);
}

void rule_grades_make(const struct rules *rules, struct rule_scratch *s, const struct rule *rule, struct rule_grades *out)
{
	struct rule plain = *rule;
	struct record r;
	plain.shifts = 0;
	for (uint8_t e = 0; e < expect_COUNT; e++)
		for (uint8_t o = 0; o < outcome_COUNT; o++)
			for (uint8_t d = 0; d < delivery_COUNT; d++) {
				session_of(&r, e, o, d);
				out->level[e][o][d] = rule_grade(rules, s, &plain, &r).level;
			}
}

void rule_span_add(struct rule_span *s, uint8_t v, bool first)
{
	s->least = first || v < s->least ? v : s->least;
	s->most = first || v > s->most ? v : s->most;
}

struct rule_span rule_grades_range(const struct rule_grades *g, enum expect e, enum outcome o)
{
	struct rule_span s = { 0, 0 };
	for (unsigned d = 0; d < delivery_COUNT; d++)
		rule_span_add(&s, g->level[e][o][d], d == 0);
	return s;
}

const char *rule_level_short(uint8_t level)
{
	return level == level_informational ? "info" : fact_table[F_alert_level].words[level];
}

const char *rule_level_range(struct rule_span levels, char buf[32])
{
	if (levels.least == levels.most)
		return rule_level_short(levels.most);
	snprintf(buf, 32, "%s-%s", rule_level_short(levels.least), rule_level_short(levels.most));
	return buf;
}

uint8_t rule_grades_column(const struct rule_grades *g, enum rule_grade_column column)
{
	switch (column) {
	case GRADE_NONE:
		return g->level[expect_none][outcome_clear_content][delivery_seen];
	case GRADE_BASELINE:
		return g->level[expect_baseline][outcome_clear_content][delivery_seen];
	case GRADE_DANE:
		return g->level[expect_dane][outcome_clear_content][delivery_seen];
	case GRADE_HELD:
		return g->level[expect_dane][outcome_not_delivered][delivery_no];
	case GRADE_COLUMNS:
		break;
	}
	return level_informational;
}
