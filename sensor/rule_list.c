/* rule_list: see rule_list.h. Levels come from rule_grades. JSON strings are written by text_clean, which json.c uses
 * too. */
#include "rule_list.h"

#include <stdlib.h>

#include "rule_grades.h"
#include "text.h"

/* LINE  octets of one object: more than all texts of a document, each octet escaped */
enum { LINE = 2 << 20, CELL = 160 };
enum column { C_NAME, C_FINDING, C_CERTAINTY, C_LEVEL, C_REFERENCE = C_LEVEL + GRADE_COLUMNS, COLUMNS };

/* One row: a document, or all documents of a finding. */
struct line {
	const struct rule *rule;   /* the first */
	unsigned documents;
	struct rule_span certainty, level[GRADE_COLUMNS];
	struct rule_grades grades; /* of the first */
};

static void line_add(const struct rules *rules, struct rule_scratch *s, const struct rule *rule, struct line *line)
{
	struct rule_grades g;
	bool first = line->documents++ == 0;
	rule_grades_make(rules, s, rule, &g);
	if (first) {
		line->rule = rule;
		line->grades = g;
	}
	rule_span_add(&line->certainty, rule->certainty, first);
	for (unsigned c = 0; c < GRADE_COLUMNS; c++)
		rule_span_add(&line->level[c], rule_grades_column(&g, (enum rule_grade_column)c), first);
}

/* The line that begins with rule at: false when it is part of an earlier one. */
static bool line_of(const struct rules *rules, struct rule_scratch *s, size_t at, bool by_finding, struct line *line)
{
	if (by_finding && rules->rule[at].silent)
		return false;
	*line = (struct line){ .documents = 0 };
	for (size_t i = 0; by_finding && i < at; i++)
		if (rules->rule[i].finding_at == rules->rule[at].finding_at)
			return false;
	line_add(rules, s, &rules->rule[at], line);
	for (size_t i = at + 1; by_finding && i < rules->count; i++)
		if (rules->rule[i].finding_at == rules->rule[at].finding_at)
			line_add(rules, s, &rules->rule[i], line);
	return true;
}

static void certainty_cell(const struct line *l, char cell[CELL])
{
	const char *const *words = fact_table[F_certainty].words;
	if (l->certainty.least == l->certainty.most)
		snprintf(cell, CELL, "%s", words[l->certainty.most]);
	else
		snprintf(cell, CELL, "%s to %s", words[l->certainty.least], words[l->certainty.most]);
}

static void name_cell(const struct line *l, bool by_finding, char cell[CELL])
{
	if (by_finding)
		snprintf(cell, CELL, "%u", l->documents);
	else
		snprintf(cell, CELL, "%s%s", l->rule->name, l->rule->enabled ? "" : " (off)");
}

static void cells_of(const struct line *l, bool by_finding, char cell[COLUMNS][CELL])
{
	const struct rule *r = l->rule;
	char buf[32];
	name_cell(l, by_finding, cell[C_NAME]);
	snprintf(cell[C_FINDING], CELL, "%s%s%s", r->finding, !by_finding && r->variant[0] ? "/" : "",
		 by_finding ? "" : r->variant);
	certainty_cell(l, cell[C_CERTAINTY]);
	for (unsigned c = 0; c < GRADE_COLUMNS; c++)
		snprintf(cell[C_LEVEL + c], CELL, "%s", rule_level_range(l->level[c], buf));
	if (!by_finding && r->own != RULE_NO_LEVEL && r->own > l->level[GRADE_NONE].most)
		snprintf(cell[C_LEVEL], CELL, "%s (own: %s)", rule_level_short(l->level[GRADE_NONE].most),
			 rule_level_short(r->own));
	snprintf(cell[C_REFERENCE], CELL, "%s", r->references ? r->reference[0] : "-");
}

static void row(char cell[COLUMNS][CELL], const unsigned width[COLUMNS], bool by_finding, FILE *out)
{
	static const uint8_t order[2][COLUMNS] = {
		{ C_FINDING, C_CERTAINTY, C_LEVEL, C_LEVEL + 1, C_LEVEL + 2, C_LEVEL + 3, C_NAME, C_REFERENCE },
		{ C_FINDING, C_NAME, C_CERTAINTY, C_LEVEL, C_LEVEL + 1, C_LEVEL + 2, C_LEVEL + 3, C_REFERENCE },
	};
	for (unsigned i = 0; i + 1 < COLUMNS; i++)
		fprintf(out, "%-*s  ", (int)width[order[by_finding][i]], cell[order[by_finding][i]]);
	fprintf(out, "%s\n", cell[order[by_finding][COLUMNS - 1]]);
}

void rule_list_table(const struct rules *rules, struct rule_scratch *s, bool by_finding, FILE *out)
{
	static const char *const heads[2][COLUMNS] = {
		{ "RULE", "FINDING/VARIANT", "CERTAINTY", "NONE", "BASELINE", "DANE", "HELD", "REFERENCE" },
		{ "RULES", "FINDING", "CERTAINTY", "NONE", "BASELINE", "DANE", "HELD", "REFERENCE" },
	};
	char cell[COLUMNS][CELL];
	unsigned width[COLUMNS] = { 0 };
	struct line line;
	for (unsigned c = 0; c < COLUMNS; c++)
		width[c] = (unsigned)strlen(heads[by_finding][c]);
	for (size_t i = 0; i < rules->count; i++) {
		if (!line_of(rules, s, i, by_finding, &line))
			continue;
		cells_of(&line, by_finding, cell);
		for (unsigned c = 0; c < COLUMNS; c++)
			width[c] = strlen(cell[c]) > width[c] ? (unsigned)strlen(cell[c]) : width[c];
	}
	for (unsigned c = 0; c < COLUMNS; c++)
		snprintf(cell[c], CELL, "%s", heads[by_finding][c]);
	row(cell, width, by_finding, out);
	for (size_t i = 0; i < rules->count; i++) {
		if (!line_of(rules, s, i, by_finding, &line))
			continue;
		cells_of(&line, by_finding, cell);
		row(cell, width, by_finding, out);
	}
	size_t silent = 0;
	for (size_t i = 0; i < rules->count; i++)
		silent += rules->rule[i].silent;
	fprintf(out, "\n%zu rules, %zu findings. Levels, before a rule's shifts: NONE nothing promised (own: when client or server is\n"
		"the site's own), BASELINE and DANE so promised, each with the mail in clear; HELD promised by DANE, and nothing\n"
		"was delivered. `mxwitness rules show FINDING` has the whole table, and the shifts.\n",
		rules->count, rules->findings - silent);
}

static void key(struct text *t, const char *name)
{
	if (t->n && t->p[t->n - 1] != '{')
		text_char(t, ',');
	text_char(t, '"');
	text_put(t, name);
	text_put(t, "\":");
}

static void string(struct text *t, const char *s)
{
	text_char(t, '"');
	text_clean(t, bytes_of(s), true);
	text_char(t, '"');
}

static void member(struct text *t, const char *name, const char *s)
{
	if (!s[0])
		return;
	key(t, name);
	string(t, s);
}

static void strings(struct text *t, const char *name, const char *const *s, unsigned n)
{
	if (n == 0)
		return;
	key(t, name);
	for (unsigned i = 0; i < n; i++) {
		text_char(t, i ? ',' : '[');
		string(t, s[i]);
	}
	text_char(t, ']');
}

static const char *level_word(uint8_t level)
{
	return fact_table[F_alert_level].words[level];
}

/* A level, or where it depends on the delivery, one for each of its words. */
static void level_cell(struct text *t, const struct rule_grades *g, enum expect e, enum outcome o)
{
	struct rule_span span = rule_grades_range(g, e, o);
	if (span.least == span.most) {
		string(t, level_word(span.most));
		return;
	}
	text_char(t, '{');
	for (unsigned d = 0; d < delivery_COUNT; d++)
		member(t, fact_table[F_delivery].words[d], level_word(g->level[e][o][d]));
	text_char(t, '}');
}

static void levels(struct text *t, const struct rule_grades *g)
{
	key(t, "levels");
	text_char(t, '{');
	for (unsigned e = 0; e < expect_COUNT; e++) {
		key(t, fact_table[F_expect].words[e]);
		text_char(t, '{');
		for (unsigned o = 0; o < outcome_COUNT; o++) {
			key(t, fact_table[F_outcome].words[o]);
			level_cell(t, g, (enum expect)e, (enum outcome)o);
		}
		text_char(t, '}');
	}
	text_char(t, '}');
}

static void flag(struct text *t, const char *name, bool v)
{
	key(t, name);
	text_put(t, v ? "true" : "false");
}

static void document(struct text *t, const struct line *l)
{
	const struct rule *r = l->rule;
	member(t, "name", r->name);
	member(t, "id", r->uuid);
	member(t, "finding", r->finding);
	member(t, "variant", r->variant);
	member(t, "title", r->title);
	member(t, "status", r->status < RULE_STATUSES ? rule_status_words[r->status] : "");
	member(t, "certainty", fact_table[F_certainty].words[r->certainty]);
	member(t, "verdict", r->verdict < RULE_NO_VERDICT ? fact_table[F_verdict].words[r->verdict] : "");
	member(t, "segment", fact_table[F_segment].words[r->segment]);
	levels(t, &l->grades);
	member(t, "own", r->own < RULE_NO_LEVEL ? level_word(r->own) : "");
	member(t, "description", r->description);
	strings(t, "text", r->text, r->texts);
	strings(t, "falsepositives", r->falsepositive, r->falsepositives);
	strings(t, "references", r->reference, r->references);
	strings(t, "attack", r->technique, r->techniques);
	member(t, "tlsrpt", r->tlsrpt);
	flag(t, "enabled", r->enabled);
	flag(t, "shipped", r->shipped);
	member(t, "file", r->file);
	key(t, "line");
	text_num(t, r->line);
}

static void pair(struct text *t, const char *name, const struct rule_span *s, enum fact f)
{
	key(t, name);
	text_char(t, '[');
	string(t, fact_table[f].words[s->least]);
	text_char(t, ',');
	string(t, fact_table[f].words[s->most]);
	text_char(t, ']');
}

static void together(struct text *t, const struct rules *rules, const struct line *l)
{
	static const char *const names[GRADE_COLUMNS] = { "none", "baseline", "dane", "held" };
	const char *sep = "[";
	member(t, "finding", l->rule->finding);
	key(t, "rules");
	for (size_t i = 0; i < rules->count; i++) {
		if (rules->rule[i].finding_at != l->rule->finding_at)
			continue;
		text_put(t, sep);
		string(t, rules->rule[i].name);
		sep = ",";
	}
	text_char(t, ']');
	pair(t, "certainty", &l->certainty, F_certainty);
	key(t, "levels");
	text_char(t, '{');
	for (unsigned c = 0; c < GRADE_COLUMNS; c++)
		pair(t, names[c], &l->level[c], F_alert_level);
	text_char(t, '}');
}

void rule_list_ndjson(const struct rules *rules, struct rule_scratch *s, bool by_finding, FILE *out)
{
	static char buf[LINE];
	struct line line;
	for (size_t i = 0; i < rules->count; i++) {
		struct text t = { buf, 0, sizeof(buf) - 2, false };
		if (!line_of(rules, s, i, by_finding, &line))
			continue;
		text_char(&t, '{');
		if (by_finding)
			together(&t, rules, &line);
		else
			document(&t, &line);
		t.cap = sizeof(buf);
		text_put(&t, "}\n");
		fwrite(t.p, 1, t.n, out);
	}
}
