/* metrics: see metrics.h. Goes by the table, and has no number of its own. */
#include "metrics.h"

#include "mdoc.h"
#include "stats_sum.h"
#include "version.h"

enum type { COUNTER, GAUGE, HISTOGRAM };
enum unit { PLAIN, SECONDS, ONE, STAMP };

struct metric {
	const char *name;
	enum type type;
	enum unit unit;
	enum fact fact;
	const char *label;
	enum fact by;
	const char *fixed, *help;
};

static const struct metric metrics[] = {
#define METRIC(name, type, unit, fact, label, by, fixed, help) { name, type, unit, fact, label, by, fixed, help },
#include "metrics.def"
};
enum { METRICS = sizeof(metrics) / sizeof(metrics[0]) };

static const char *const type_words[] = { "counter", "gauge", "histogram" };

/* ns as seconds, without zeros at the end. */
static void seconds(struct text *t, int64_t ns)
{
	uint64_t abs = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns, part = abs % 1000000000;
	unsigned digits = 9;
	if (ns < 0)
		text_char(t, '-');
	text_num(t, (int64_t)(abs / 1000000000));
	if (part == 0)
		return;
	while (part % 10 == 0) {
		part /= 10;
		digits--;
	}
	text_char(t, '.');
	text_num_pad(t, part, digits);
}

static void number(struct text *t, enum unit unit, int64_t v)
{
	if (unit == SECONDS || unit == STAMP)
		seconds(t, v);
	else
		text_num(t, v);
}

/* A label's value: of what text_clean leaves, the quote and the backslash are escaped. */
static void label_value(struct text *t, struct bytes b)
{
	char buf[512];
	struct text clean = { buf, 0, sizeof(buf), false };
	text_clean(&clean, b, false);
	for (size_t i = 0; i < clean.n; i++) {
		if (buf[i] == '"' || buf[i] == '\\')
			text_char(t, '\\');
		text_char(t, buf[i]);
	}
}

/* name="value", behind a comma when there is one before it. */
static void label(struct text *t, bool *any, const char *name, struct bytes value)
{
	text_put(t, *any ? "," : "{");
	*any = true;
	text_put(t, name);
	text_put(t, "=\"");
	label_value(t, value);
	text_char(t, '"');
}

static void labels_end(struct text *t, bool any)
{
	if (any)
		text_char(t, '}');
	text_char(t, ' ');
}

/* Is a label of this metric written out in the table? Else fixed is a word, or the name of a second label. */
static bool is_label(const char *fixed)
{
	return strchr(fixed, '=') != NULL;
}

static void head(const struct metric *m, struct text *t)
{
	text_put(t, "# HELP ");
	text_put(t, m->name);
	text_char(t, ' ');
	text_put(t, m->help);
	text_put(t, "\n# TYPE ");
	text_put(t, m->name);
	text_char(t, ' ');
	text_put(t, type_words[m->type]);
	text_char(t, '\n');
}

static void name_and_fixed(const struct metric *m, bool *any, struct text *t)
{
	text_put(t, m->name);
	if (!is_label(m->fixed))
		return;
	text_char(t, '{');
	text_put(t, m->fixed);
	*any = true;
}

/* A yes, or the word that the table names. */
static bool is_one(const struct metric *m, int64_t v)
{
	if (fact_table[m->fact].words)
		return strcmp(fact_table[m->fact].words[v], m->fixed) == 0;
	return v != 0;
}

static void value_end(const struct metric *m, int64_t v, struct text *t)
{
	number(t, m->unit, m->unit == ONE ? is_one(m, v) : v);
	text_char(t, '\n');
}

/* The word, or text, of a column's item. */
static struct bytes item_text(enum fact column, struct bytes item)
{
	bool word = fact_table[column].type == T_LENUM;
	return word ? bytes_of(fact_table[column].words[record_item_num(item)]) : item;
}

/* One line for each object. A second label has the column behind the first for its value. */
static void objects(const struct metric *m, const struct record *r, struct text *t)
{
	struct stats_rows row = { .r = r, .name = m->by };
	size_t second = 0;
	struct bytes item;
	while (stats_rows_next(&row)) {
		bool any = false;
		name_and_fixed(m, &any, t);
		label(t, &any, m->label, item_text(m->by, row.key));
		if (m->fixed[0] && !is_label(m->fixed) && m->unit != ONE && record_next(r, (enum fact)(m->by + 1), &second, &item))
			label(t, &any, m->fixed, item_text((enum fact)(m->by + 1), item));
		labels_end(t, any);
		value_end(m, stats_rows_num(&row, m->fact), t);
	}
}

/* A line for each word that the fact may be: 1 for those that it is. */
static void words(const struct metric *m, const struct record *r, struct text *t)
{
	const struct fact_info *info = &fact_table[m->fact];
	for (int64_t i = 0; info->words[i]; i++) {
		bool any = false, is = info->type == T_ENUM && record_get_num(r, m->fact, -1) == i;
		struct bytes item;
		size_t pos = 0;
		while (info->type == T_LENUM && record_next(r, m->fact, &pos, &item))
			is = is || record_item_num(item) == i;
		if (strcmp(info->words[i], "none") == 0)
			continue;
		text_put(t, m->name);
		label(t, &any, m->label, bytes_of(info->words[i]));
		labels_end(t, any);
		text_put(t, is ? "1\n" : "0\n");
	}
}

static void histogram_line(const struct metric *m, const char *end, int64_t v, enum unit unit, struct text *t)
{
	text_put(t, m->name);
	text_put(t, end);
	text_char(t, ' ');
	number(t, unit, v);
	text_char(t, '\n');
}

/* Buckets here hold what is below their bound, those of the record what lies between two. The last of the record is
 * all the rest. The sum is the fact behind the counts. */
static void histogram(const struct metric *m, const struct record *r, struct text *t)
{
	int64_t count = 0;
	size_t n = record_count(r, m->by), i = 0;
	for (struct stats_rows row = { .r = r, .name = m->by }; stats_rows_next(&row); i++) {
		count = stats_add(count, stats_rows_num(&row, m->fact));
		text_put(t, m->name);
		text_put(t, "_bucket{le=\"");
		if (i + 1 < n)
			seconds(t, record_item_num(row.key));
		else
			text_put(t, "+Inf");
		text_put(t, "\"} ");
		text_num(t, count);
		text_char(t, '\n');
	}
	histogram_line(m, "_sum", record_get_num(r, (enum fact)(m->fact + 1), 0), SECONDS, t);
	histogram_line(m, "_count", count, PLAIN, t);
}

static void scalar(const struct metric *m, const struct record *r, struct text *t)
{
	bool any = false;
	name_and_fixed(m, &any, t);
	labels_end(t, any);
	value_end(m, record_get_num(r, m->fact, 0), t);
}

/* Words as states are told even when none holds: a state that is over must become 0. */
static bool is_states(const struct metric *m)
{
	return m->unit == ONE && m->label[0] && m->by == FACT_COUNT;
}

/* Does the record know anything of it? Health is known as soon as somebody looked for it. */
static bool known(const struct metric *m, const struct record *r)
{
	if (is_states(m))
		return record_has(r, m->fact) || (m->fact != F_resolver_fault && record_has(r, F_st_uptime));
	return record_has(r, m->fact);
}

static void render(const struct metric *m, const struct record *r, struct text *t)
{
	if (m->type == HISTOGRAM)
		histogram(m, r, t);
	else if (is_states(m))
		words(m, r, t);
	else if (m->by != FACT_COUNT)
		objects(m, r, t);
	else
		scalar(m, r, t);
}

void metrics_render(const struct record *r, struct text *t)
{
	const char *last = "";
	text_put(t, "# HELP mxwitness_build_info version of the program\n# TYPE mxwitness_build_info gauge\n"
		    "mxwitness_build_info{version=\"" MXWITNESS_VERSION "\"} 1\n");
	for (unsigned i = 0; i < METRICS; i++) {
		const struct metric *m = &metrics[i];
		if (!known(m, r))
			continue;
		if (strcmp(last, m->name) != 0) {
			const struct metric *first = m;
			while (first > metrics && strcmp(first[-1].name, m->name) == 0)
				first--;
			head(first, t);
		}
		last = m->name;
		render(m, r, t);
	}
}

/* The values that a label may have, where they are words of ours. */
static void mdoc_words(FILE *out, enum fact f)
{
	fputs(".br\nOne of\n", out);
	for (size_t w = 0; fact_table[f].words[w]; w++)
		fprintf(out, ".Cm %s%s\n", fact_table[f].words[w], fact_table[f].words[w + 1] ? " ," : "");
}

static void mdoc_labels(FILE *out, const struct metric *m)
{
	const char *sep = " {";
	for (unsigned i = 0; i < METRICS; i++) {
		if (strcmp(metrics[i].name, m->name) != 0 || !is_label(metrics[i].fixed))
			continue;
		fprintf(out, "%s%s", sep, metrics[i].fixed);
		sep = "; ";
	}
	if (m->label[0]) {
		fprintf(out, "%s%s", strcmp(sep, " {") == 0 ? sep : ", ", m->label);
		sep = ", ";
	}
	if (m->fixed[0] && !is_label(m->fixed) && m->unit != ONE) {
		fprintf(out, ", %s", m->fixed);
		sep = ", ";
	}
	fputs(strcmp(sep, " {") == 0 ? "\n" : "}\n", out);
}

void metrics_mdoc(FILE *out)
{
	mdoc_head(out, "mxwitness rules fields --format metrics", "mxwitness-metrics", 7, "metrics of mxwitness for Prometheus");
	fputs(".Sh DESCRIPTION\n", out);
	mdoc_text(out, "The counters of a stats event in the text format of Prometheus, version 0.0.4. Counters count since the "
		  "start of the sensor and never go back while it runs, also when one of its processes was started anew. A "
		  "metric of which nothing is known, such as that of a feature that is off, has no line. No label holds a name "
		  "or an address from the wire.");
	fputs(".Sh METRICS\n.Bl -tag -width Ds\n.It Cm mxwitness_build_info Pq gauge {version}\nversion of the program\n", out);
	for (unsigned i = 0; i < METRICS; i++) {
		const struct metric *m = &metrics[i];
		if (i && strcmp(metrics[i - 1].name, m->name) == 0)
			continue;
		fprintf(out, ".It Cm %s Pq %s", m->name, type_words[m->type]);
		mdoc_labels(out, m);
		mdoc_text(out, m->help);
		if (is_states(m))
			mdoc_words(out, m->fact);
	}
	fputs(".El\n.Sh SEE ALSO\n.Xr mxwitness 1 ,\n.Xr mxwitness-fields 7\n", out);
}
