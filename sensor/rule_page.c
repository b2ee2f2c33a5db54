/* rule_page: see rule_page.h. Says what the rule's document says, in the order in which an analyst asks: what it means,
 * what it takes, how bad it is, what an alert says, what it must not be mistaken for. */
#include "rule_page.h"

#include <stdlib.h>

#include "rule_grades.h"

enum { WIDTH = 100, LABEL = 14, CELL = 14, LINE = 4096 };

static unsigned columns(const char *p, size_t n)
{
	unsigned c = 0;
	for (size_t i = 0; i < n; i++)
		c += ((uint8_t)p[i] & 0xc0) != 0x80;
	return c;
}

void rule_page_wrap(FILE *out, const char *text, unsigned column, unsigned indent, unsigned width)
{
	bool first = true;
	for (; column < indent; column++)
		fputc(' ', out);
	while (*text) {
		size_t n = strcspn(text, " \n"), blank = strspn(text + n, " \n");
		unsigned word = columns(text, n);
		if (!first && column + 1 + word > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', out);
			column++;
		}
		first = false;
		fwrite(text, 1, n, out);
		column += word;
		text += n + blank;
	}
	fputc('\n', out);
}

static void row(FILE *out, const char *label, const char *text)
{
	if (!text[0])
		return;
	fprintf(out, "  %-*s", LABEL - 2, label);
	rule_page_wrap(out, text, LABEL, LABEL, WIDTH);
}

static void heading(FILE *out, const char *text)
{
	fprintf(out, "\n%s\n", text);
}

static void items(FILE *out, const char *head, const char *const *text, unsigned n)
{
	if (n == 0)
		return;
	heading(out, head);
	for (unsigned i = 0; i < n; i++) {
		fputs("  - ", out);
		rule_page_wrap(out, text[i], 4, 4, WIDTH);
	}
}

static const char *period(uint32_t s, char buf[32])
{
	static const struct {
		uint32_t s;
		const char *unit;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "m" }, { 1, "s" } };
	size_t i = 0;
	while (s % units[i].s)
		i++;
	snprintf(buf, 32, "%u%s", s / units[i].s, units[i].unit);
	return buf;
}

static void settings(const struct rule *rule, FILE *out)
{
	char buf[256] = "", time[32];
	size_t n = 0;
	fprintf(out, "  %-*s%s   %s:%u%s%s\n", LABEL - 2, "rule", rule->name, rule->file, rule->line,
		rule->shipped ? "" : "   (the site's own)", rule->enabled ? "" : "   (switched off)");
	row(out, "id", rule->uuid);
	row(out, "status", rule->status < RULE_STATUSES ? rule_status_words[rule->status] : "");
	row(out, "certainty", fact_table[F_certainty].words[rule->certainty]);
	row(out, "verdict", rule->verdict < RULE_NO_VERDICT ? fact_table[F_verdict].words[rule->verdict] :
							      rule->service != IN_SESSION ? "" : "none: the session's verdict does not rest on it");
	row(out, "segment", rule->service != IN_SESSION ? "" : fact_table[F_segment].words[rule->segment]);
	row(out, "TLSRPT", rule->tlsrpt);
	for (unsigned i = 0; i < rule->techniques; i++)
		n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%s%s", i ? ", " : "", rule->technique[i]);
	row(out, "ATT&CK", buf);
	if (rule->suppress_s) {
		snprintf(buf, sizeof(buf), "once in %s for the same thing%s", period(rule->suppress_s, time),
			 rule->evidence ? "; packets are kept as evidence" : "");
		row(out, "alerts", buf);
	}
}

/* The octets of one line without its end, or false. */
static bool line_read(FILE *f, char line[LINE])
{
	if (!fgets(line, LINE, f))
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	return true;
}

/* The lines of `detection:`, or `correlation:`, of the document at rule->line: it ends where a key begins, or the document. */
static void detection(const struct rule *rule, FILE *out)
{
	FILE *f = fopen(rule->file, "re");
	char line[LINE];
	bool inside = false;
	for (unsigned n = 1; f && line_read(f, line); n++) {
		if (n < rule->line)
			continue;
		bool key = line[0] && !strchr(" #-", line[0]);
		if ((n > rule->line && strncmp(line, "---", 3) == 0) || (inside && key))
			break;
		if (!inside && (strncmp(line, "detection:", 10) == 0 || strncmp(line, "correlation:", 12) == 0)) {
			inside = true;
			fprintf(out, "\nWhat it takes (%s:%u)\n", rule->file, n);
		}
		if (inside)
			fprintf(out, "  %s\n", line);
	}
	if (f)
		fclose(f);
}

static void level_table(const struct rule_grades *g, FILE *out)
{
	static const uint8_t order[] = { outcome_clear_content, outcome_clear_auth, outcome_clear_envelope,
					 outcome_tls_bad_peer, outcome_not_delivered, outcome_unknown, outcome_tls_ok };
	char buf[32];
	size_t last = sizeof(order) - 1;
	fprintf(out, "  %-*s", LABEL, "promise");
	for (size_t o = 0; o <= last; o++)
		fprintf(out, " %-*s", o < last ? CELL : 0, fact_table[F_outcome].words[order[o]]);
	for (unsigned e = expect_COUNT; e-- > 0;) {
		fprintf(out, "\n  %-*s", LABEL, fact_table[F_expect].words[e]);
		for (size_t o = 0; o <= last; o++) {
			struct rule_span cell = rule_grades_range(g, (enum expect)e, (enum outcome)order[o]);
			fprintf(out, " %-*s", o < last ? CELL : 0, rule_level_range(cell, buf));
		}
	}
	fputc('\n', out);
}

/* Where a level rests on DNS or a mail domain, it is as sure as the identity of the server. What several confidences
 * have alike is said once. */
static void identity(const struct rules *rules, const struct rule *rule, FILE *out)
{
	const struct severity *sev = &rules->severity;
	char buf[256];
	for (unsigned k = confidence_COUNT; k-- > 0;) {
		uint8_t sure = sev->certainty[k] < rule->certainty ? sev->certainty[k] : rule->certainty;
		bool again = k + 1 < confidence_COUNT && sev->cap[k] == sev->cap[k + 1] && sev->certainty[k] == sev->certainty[k + 1];
		if (again || (sev->cap[k] == level_critical && sure == rule->certainty))
			continue;
		size_t n = (size_t)snprintf(buf, sizeof(buf), "Identity confidence %s", fact_table[F_id_confidence].words[k]);
		for (unsigned i = k; i-- > 0 && sev->cap[i] == sev->cap[k] && sev->certainty[i] == sev->certainty[k];)
			n += (size_t)snprintf(buf + n, sizeof(buf) - n, ", %s", fact_table[F_id_confidence].words[i]);
		snprintf(buf + n, sizeof(buf) - n, ": at most %s by a promise from the DNS, as %s.", rule_level_short(sev->cap[k]),
			 fact_table[F_certainty].words[sure]);
		rule_page_wrap(out, buf, 0, 2, WIDTH);
	}
}

const char *rule_page_shift(const struct rule_shift *s, char buf[RULE_PAGE_SHIFT])
{
	static const char *const number[level_COUNT] = { "no", "one", "two", "three", "four" };
	const unsigned n = (unsigned)(s->by < 0 ? -s->by : s->by) % level_COUNT;
	const char *many = n == 1 ? "" : "s", *way = s->by > 0 ? "up" : "down";
	if (s->certainty)
		snprintf(buf, RULE_PAGE_SHIFT, "%s step%s of certainty %s", number[n], many, way);
	else
		snprintf(buf, RULE_PAGE_SHIFT, "%s level%s %s", number[n], many, way);
	return buf;
}

static void shifts(const struct rule *rule, FILE *out)
{
	for (unsigned i = 0; i < rule->shifts; i++) {
		char buf[RULE_PAGE_SHIFT];
		int n = fprintf(out, "  Then %s: ", rule_page_shift(&rule->shift[i], buf));
		rule_page_wrap(out, rule->shift[i].why, n > 0 ? (unsigned)n : 0, 4, WIDTH);
	}
}

static void levels(const struct rules *rules, struct rule_scratch *s, const struct rule *rule, FILE *out)
{
	struct rule_grades g;
	rule_grades_make(rules, s, rule, &g);
	if (rule->service != IN_SESSION) {
		heading(out, "How bad it is");
		fprintf(out, "  %s; it is about %s, and not about mail.\n",
			fact_table[F_alert_level].words[rule->site_level != RULE_NO_LEVEL ? rule->site_level : rule->fixed],
			rule->service == IN_STATS ? "the sensor itself" : "a watched domain");
		shifts(rule, out);
		return;
	}
	heading(out, "How bad it is, by what was promised and what became of the mail");
	level_table(&g, out);
	if (rule->own != RULE_NO_LEVEL)
		fprintf(out, "  At least %s when client or server is the site's own.\n", rule_level_short(rule->own));
	shifts(rule, out);
	if (rule->cap != level_critical)
		fprintf(out, "  At most %s, whatever was promised.\n", rule_level_short(rule->cap));
	if (rule->fixed == RULE_NO_LEVEL && rule->site_level == RULE_NO_LEVEL)
		identity(rules, rule, out);
	if (rule->site_level != RULE_NO_LEVEL)
		fputs("  The site's configuration gives it this level.\n", out);
}

static void exceptions(const struct rule *rule, FILE *out)
{
	if (rule->filters == 0)
		return;
	heading(out, "Exceptions");
	for (uint32_t i = 0; i < rule->filters; i++) {
		const struct rule_filter *f = rule->filter[i];
		fprintf(out, "  - %s:%u: ", f->file, f->line);
		rule_page_wrap(out, f->title, (unsigned)strlen(f->file) + 10, 4, WIDTH);
	}
}

static void sentences(const struct rule *rule, FILE *out)
{
	static const char *const labels[RULE_TEXTS] = { "the fact", "the promise", "check next" };
	if (rule->texts == 0)
		return;
	heading(out, "What an alert says");
	for (unsigned i = 0; i < rule->texts; i++)
		row(out, labels[i], rule->text[i]);
}

void rule_page(const struct rules *rules, struct rule_scratch *s, const struct rule *rule, FILE *out)
{
	fprintf(out, "%s%s%s: ", rule->finding, rule->variant[0] ? "/" : "", rule->variant);
	rule_page_wrap(out, rule->title, (unsigned)(strlen(rule->finding) + strlen(rule->variant) + 3), 4, WIDTH);
	settings(rule, out);
	if (rule->description[0]) {
		heading(out, "What it means");
		rule_page_wrap(out, rule->description, 0, 2, WIDTH);
	}
	detection(rule, out);
	exceptions(rule, out);
	levels(rules, s, rule, out);
	sentences(rule, out);
	items(out, "What it must not be mistaken for", rule->falsepositive, rule->falsepositives);
	items(out, "References", rule->reference, rule->references);
}
