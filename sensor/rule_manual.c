/* rule_manual: see rule_manual.h. A section a finding, in the order in which the rules have them; its variants are the
 * documents that name it. What several of them say alike is said once. */
#include "rule_manual.h"

#include "mdoc.h"
#include "rule_grades.h"
#include "rule_page.h"

enum { LISTED = 256 };

/* Different texts, in the order in which they came. */
struct texts {
	const char *text[LISTED];
	unsigned n;
};

static void texts_add(struct texts *t, const char *text)
{
	for (unsigned i = 0; i < t->n; i++)
		if (strcmp(t->text[i], text) == 0)
			return;
	if (t->n < LISTED && text[0])
		t->text[t->n++] = text;
}

static void texts_add_all(struct texts *t, const char *const *text, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		texts_add(t, text[i]);
}

static bool is_first(const struct rules *rules, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (rules->rule[i].finding_at == rules->rule[at].finding_at)
			return false;
	return true;
}

static void table_row(const struct rules *rules, struct rule_scratch *s, size_t at, FILE *out)
{
	struct rule_span certainty = { 0, 0 }, level[GRADE_COLUMNS] = { { 0, 0 } };
	struct rule_grades g;
	for (size_t i = at; i < rules->count; i++) {
		const struct rule *rule = &rules->rule[i];
		if (rule->finding_at != rules->rule[at].finding_at)
			continue;
		rule_grades_make(rules, s, rule, &g);
		rule_span_add(&certainty, rule->certainty, i == at);
		for (unsigned c = 0; c < GRADE_COLUMNS; c++)
			rule_span_add(&level[c], rule_grades_column(&g, (enum rule_grade_column)c), i == at);
	}
	fprintf(out, ".It %s Ta %s", rules->rule[at].finding, fact_table[F_certainty].words[certainty.most]);
	for (unsigned c = 0; c < GRADE_COLUMNS; c++)
		fprintf(out, " Ta %s", rule_level_short(level[c].most));
	fputc('\n', out);
}

static void table(const struct rules *rules, struct rule_scratch *s, FILE *out)
{
	fputs(".Ss Overview\n", out);
	mdoc_text(out, "The level of each finding where nothing was promised and where the server used to offer TLS (baseline), "
		  "both with the mail in clear; and under DANE, with the mail in clear and with nothing delivered (held). "
		  "Of several variants the surest and the worst are shown.");
	fputs(".Bl -column \"transparent-proxy-suspected\" \"indication\" \"critical\" \"critical\" \"critical\" \"critical\"\n"
	      ".It Em finding Ta Em certainty Ta Em none Ta Em baseline Ta Em dane Ta Em held\n", out);
	for (size_t i = 0; i < rules->count; i++)
		if (is_first(rules, i) && !rules->rule[i].silent && rules->rule[i].service == IN_SESSION)
			table_row(rules, s, i, out);
	fputs(".El\n", out);
}

static void matrix(const struct severity *sev, FILE *out)
{
	static const uint8_t order[] = { outcome_clear_content, outcome_clear_auth, outcome_clear_envelope,
					 outcome_tls_bad_peer, outcome_not_delivered, outcome_unknown };
	fputs(".Ss Levels by promise and outcome\n", out);
	mdoc_text(out, "What a finding is worth whose level follows from what it did to a promise. Where a cell has two levels, "
		  "the higher is for mail that was seen or inferred to have been delivered, or for what is proof or not the first "
		  "occurrence.");
	fputs(".Bl -column \"dane-tls-only\" \"clear-content\" \"clear-auth\" \"clear-envelope\" \"high-critical\" \"not-delivered\" \"unknown\"\n"
	      ".It Em promise", out);
	for (size_t o = 0; o < sizeof(order); o++)
		fprintf(out, " Ta Em %s", fact_table[F_outcome].words[order[o]]);
	for (unsigned e = expect_COUNT; e-- > 0;) {
		fprintf(out, "\n.It %s", fact_table[F_expect].words[e]);
		for (size_t o = 0; o < sizeof(order); o++) {
			struct rule_span cell = { 0, 0 };
			char buf[32];
			for (unsigned d = 0; d < delivery_COUNT; d++) {
				rule_span_add(&cell, sev->level[e][order[o]][d], d == 0);
				rule_span_add(&cell, sev->first[e][order[o]][d], false);
			}
			fprintf(out, " Ta %s", rule_level_range(cell, buf));
		}
	}
	fputs("\n.El\n", out);
}

/* The one level that a rule has in every kind of session, or RULE_NO_LEVEL. */
static uint8_t constant(const struct rule_grades *g)
{
	struct rule_span s = { g->level[0][0][0], g->level[0][0][0] };
	for (unsigned e = 0; e < expect_COUNT; e++)
		for (unsigned o = 0; o < outcome_COUNT; o++)
			for (unsigned d = 0; d < delivery_COUNT; d++)
				rule_span_add(&s, g->level[e][o][d], false);
	return s.least == s.most ? s.most : RULE_NO_LEVEL;
}

static void levels(const struct rules *rules, struct rule_scratch *s, const struct rule *rule, FILE *out)
{
	const char *certainty = fact_table[F_certainty].words[rule->certainty];
	struct rule_grades g;
	char text[320];
	rule_grades_make(rules, s, rule, &g);
	if (rule->service != IN_SESSION)
		snprintf(text, sizeof(text), "Certainty %s; level %s.", certainty, rule_level_short(constant(&g)));
	else if (constant(&g) != RULE_NO_LEVEL)
		snprintf(text, sizeof(text), "Certainty %s; level %s, whatever was promised.", certainty,
			 rule_level_short(constant(&g)));
	else
		snprintf(text, sizeof(text), "Certainty %s; level %s where nothing was promised, %s against a baseline, %s "
			 "against DANE, %s when nothing was delivered.", certainty,
			 rule_level_short(rule_grades_column(&g, GRADE_NONE)),
			 rule_level_short(rule_grades_column(&g, GRADE_BASELINE)),
			 rule_level_short(rule_grades_column(&g, GRADE_DANE)),
			 rule_level_short(rule_grades_column(&g, GRADE_HELD)));
	mdoc_text(out, text);
	if (rule->own != RULE_NO_LEVEL) {
		snprintf(text, sizeof(text), "At least %s when client or server is the site's own.", rule_level_short(rule->own));
		mdoc_text(out, text);
	}
	for (unsigned i = 0; i < rule->shifts; i++) {
		char buf[RULE_PAGE_SHIFT];
		snprintf(text, sizeof(text), "Then %s: %s.", rule_page_shift(&rule->shift[i], buf), rule->shift[i].why);
		mdoc_text(out, text);
	}
}

static void one_document(const struct rules *rules, struct rule_scratch *s, const struct rule *rule, FILE *out)
{
	fprintf(out, ".It Cm %s\n", rule->variant[0] ? rule->variant : rule->name);
	mdoc_text(out, rule->description[0] ? rule->description : rule->title);
	fputs(".Pp\n", out);
	levels(rules, s, rule, out);
}

/* A list in one sentence: "References: a; b." */
static void in_line(const char *label, const struct texts *t, FILE *out)
{
	char text[8192];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s: ", label);
	for (unsigned i = 0; i < t->n && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? "; " : "", t->text[i]);
	if (t->n == 0)
		return;
	fputs(".Pp\n", out);
	mdoc_text(out, text);
}

static void look_alikes(const struct texts *t, FILE *out)
{
	if (t->n == 0)
		return;
	fputs(".Pp\nNot to be mistaken for it:\n.Bl -bullet -compact\n", out);
	for (unsigned i = 0; i < t->n; i++) {
		fputs(".It\n", out);
		mdoc_text(out, t->text[i]);
	}
	fputs(".El\n", out);
}

static void finding(const struct rules *rules, struct rule_scratch *s, size_t at, FILE *out)
{
	struct texts reference = { .n = 0 }, alike = { .n = 0 }, technique = { .n = 0 }, tlsrpt = { .n = 0 }, verdict = { .n = 0 };
	fprintf(out, ".Ss %s\n.Bl -tag -width Ds\n", rules->rule[at].finding);
	for (size_t i = at; i < rules->count; i++) {
		const struct rule *rule = &rules->rule[i];
		if (rule->finding_at != rules->rule[at].finding_at)
			continue;
		one_document(rules, s, rule, out);
		texts_add_all(&reference, rule->reference, rule->references);
		texts_add_all(&alike, rule->falsepositive, rule->falsepositives);
		texts_add_all(&technique, rule->technique, rule->techniques);
		texts_add(&tlsrpt, rule->tlsrpt);
		if (rule->verdict < RULE_NO_VERDICT)
			texts_add(&verdict, fact_table[F_verdict].words[rule->verdict]);
	}
	fputs(".El\n", out);
	look_alikes(&alike, out);
	in_line("Verdict", &verdict, out);
	in_line("References", &reference, out);
	in_line("ATT&CK", &technique, out);
	in_line("TLSRPT result type", &tlsrpt, out);
}

void rule_manual(const struct rules *rules, struct rule_scratch *s, FILE *out)
{
	mdoc_head(out, "mxwitness rules list --format mdoc", "mxwitness-findings", 7, "what mxwitness finds in a session");
	fputs(".Sh DESCRIPTION\n", out);
	mdoc_text(out, "A finding is what the facts of one session mean. Its certainty says whether two correct endpoints and an "
		  "honest path could have produced what was seen: proof means that they cannot, strong that one rare innocent "
		  "explanation is left, indication that several are. Its level says how bad it is: by what was promised to the "
		  "sender and what became of the mail, or by the finding itself. A finding that several documents describe has "
		  "the variant of the surest of them and the worst of their levels.");
	fputs(".Pp\n", out);
	mdoc_text(out, "The levels here are those of a server whose name is sure, and of a sender that is not the site's own. A "
		  "promise from the DNS counts for less where the identity of the server is in doubt.");
	fputs(".Pp\n.Dl mxwitness rules show Ar finding\n", out);
	fputs(".Pp\nshows all there is to know about one of them, with the test that the rule makes.\n", out);
	table(rules, s, out);
	matrix(&rules->severity, out);
	fputs(".Sh FINDINGS\n", out);
	for (size_t i = 0; i < rules->count; i++)
		if (is_first(rules, i) && !rules->rule[i].silent && rules->rule[i].service == IN_SESSION)
			finding(rules, s, i, out);
	fputs(".Sh FINDINGS ABOUT THE SENSOR\n", out);
	mdoc_text(out, "What stats events tell of the sensor itself. An alert is raised when it begins, and closed when it ends.");
	for (size_t i = 0; i < rules->count; i++)
		if (is_first(rules, i) && rules->rule[i].service == IN_STATS)
			finding(rules, s, i, out);
	fputs(".Sh FINDINGS ABOUT WATCHED DOMAINS\n", out);
	mdoc_text(out, "What the DNS says of a domain of the watch list (watch_domains in the configuration), without any mail. Nobody "
		  "attacks: they are for those who run the mail and the DNS of the domain, or for who relies on it. An alert is raised "
		  "when it begins, and closed when it is over. The description says when it becomes part of an attack.");
	for (size_t i = 0; i < rules->count; i++)
		if (is_first(rules, i) && rules->rule[i].service == IN_POSTURE)
			finding(rules, s, i, out);
	fputs(".Sh SEE ALSO\n.Xr mxwitness 1 ,\n.Xr mxwitness-rules 5 ,\n.Xr mxwitness-fields 7\n", out);
}
