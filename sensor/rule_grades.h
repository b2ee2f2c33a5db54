/* rule_grades: what a rule is worth in every kind of session, for listings and manuals; by the function that judges. */
#ifndef RULE_GRADES_H
#define RULE_GRADES_H
#include "judge/rule.h"

/* level  by the one expectation that applies, outcome and delivery; for a session that is neither from nor to the
 *        site's own networks, of an identity that is sure, and before the rule's shifts */
struct rule_grades {
	uint8_t level[expect_COUNT][outcome_COUNT][delivery_COUNT];
};

/* The least and the greatest of levels or certainties: of several deliveries, or of several documents. */
struct rule_span {
	uint8_t least, most;
};
/* first: v is the first of them. */
void rule_span_add(struct rule_span *s, uint8_t v, bool first);

void rule_grades_make(const struct rules *rules, struct rule_scratch *s, const struct rule *rule,
		      struct rule_grades *out);
/* The least and the greatest level over what became of the delivery. */
struct rule_span rule_grades_range(const struct rule_grades *g, enum expect e, enum outcome o);
/* Word of a level, "info" for the longest. */
const char *rule_level_short(uint8_t level);
/* The same for a span, "high-critical", in buf when it is more than one. */
const char *rule_level_range(struct rule_span levels, char buf[32]);

/* Columns of the short tables: the level at
 *   GRADE_NONE      nothing promised, the mail in clear
 *   GRADE_BASELINE  the server used to do better, the mail in clear
 *   GRADE_DANE      DANE, the mail in clear
 *   GRADE_HELD      DANE, and nothing delivered: the sender's control held */
enum rule_grade_column { GRADE_NONE, GRADE_BASELINE, GRADE_DANE, GRADE_HELD, GRADE_COLUMNS };
uint8_t rule_grades_column(const struct rule_grades *g, enum rule_grade_column column);
#endif
