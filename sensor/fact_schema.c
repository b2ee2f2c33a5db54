/* fact_schema: see fact_schema.h. Names, types, words and bounds stand in src/facts.def and src/words.def; what each
 * event always has is what src/judge/event.c writes unconditionally. Names stand grouped by their prefixes, so one walk
 * makes the tree. No library: nothing here but constants is printed. */
#include "fact_schema.h"

#include "record.h"
#include "version.h"

/* Facts [from, to) have the first n octets of their names in common: one object. */
struct part {
	unsigned from, to;
	size_t n;
	int depth;
};

static void line(FILE *out, int depth)
{
	fputc('\n', out);
	for (int i = 0; i < depth; i++)
		fputc('\t', out);
}

static void quoted(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

/* The member that starts at fact `from` of the object: facts [from, result) of which are inside it, *n octets of the
 * name after the object's, without "[]"; *list: it is an array of objects. */
static unsigned member(const struct part *p, unsigned from, size_t *n, bool *list)
{
	const char *name = fact_table[from].name + p->n;
	size_t whole = strcspn(name, ".");
	unsigned to = from + 1;
	*list = whole > 2 && name[whole - 1] == ']';
	*n = *list ? whole - 2 : whole;
	if (name[whole] == '.')
		while (to < p->to && strncmp(fact_table[to].name, fact_table[from].name, p->n + whole + 1) == 0)
			to++;
	return to;
}

/* A fact whose members stand behind it: is it a value itself? */
static bool leaf(const struct part *p, unsigned from)
{
	return !strchr(fact_table[from].name + p->n, '.');
}

static struct part inside(const struct part *p, unsigned from, unsigned to, int deeper)
{
	size_t n = p->n + strcspn(fact_table[from].name + p->n, ".") + 1;
	return (struct part){ from, to, n, p->depth + deeper };
}

/* Schema */

static void item_schema(FILE *out, const struct fact_info *f)
{
	switch (f->type) {
	case T_TRI:
		fputs("\"type\": \"boolean\"", out);
		return;
	case T_NUM:
	case T_DUR:
	case T_LNUM:
		fputs("\"type\": \"integer\", \"minimum\": -9007199254740991, \"maximum\": 9007199254740991", out);
		return;
	case T_TIME:
		fputs("\"type\": \"string\", \"format\": \"date-time\", "
		      "\"pattern\": \"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\\\.[0-9]{1,9})?Z$\"", out);
		return;
	case T_ENUM:
	case T_LENUM:
		fputs("\"enum\": [", out);
		for (size_t i = 0; f->words[i]; i++)
			fprintf(out, "%s\"%s\"", i ? ", " : "", f->words[i]);
		fputs("]", out);
		return;
	case T_STR:
	case T_LSTR:
		fprintf(out, "\"type\": \"string\", \"maxLength\": %u", f->max);
		return;
	case T_HEX:
	case T_LHEX:
		fprintf(out, "\"type\": \"string\", \"pattern\": \"^([0-9a-f]{2})*$\", \"maxLength\": %u", 2u * f->max);
		return;
	case T_IP:
	case T_LIP:
		fputs("\"type\": \"string\", \"anyOf\": [{\"format\": \"ipv4\"}, {\"format\": \"ipv6\"}]", out);
		return;
	}
}

/* One value of a fact; in an array of objects each object has one item of the list. */
static void value_schema(FILE *out, const struct fact_info *f)
{
	bool list = f->type >= T_LSTR && !strchr(f->name, '[');
	fputs("{\"description\": ", out);
	quoted(out, f->meaning);
	fputs(", ", out);
	if (list)
		fprintf(out, "\"type\": \"array\", \"maxItems\": %d, \"items\": {", RECORD_ITEMS);
	item_schema(out, f);
	fputs(list ? "}}" : "}", out);
}

static void members_schema(FILE *out, const struct part *p);

static void object_schema(FILE *out, const struct part *p)
{
	fputs("\"type\": \"object\",", out);
	if (strncmp(fact_table[p->from].name, "mxwitness.", 10) == 0) {
		line(out, p->depth + 1);
		fputs("\"additionalProperties\": false,", out);
	}
	line(out, p->depth + 1);
	fputs("\"properties\": ", out);
	members_schema(out, p);
}

static void members_schema(FILE *out, const struct part *p)
{
	fputc('{', out);
	for (unsigned from = p->from, to; from < p->to; from = to) {
		size_t n;
		bool list;
		to = member(p, from, &n, &list);
		line(out, p->depth + 2);
		fprintf(out, "\"%.*s\": ", (int)n, fact_table[from].name + p->n);
		if (leaf(p, from)) {
			value_schema(out, &fact_table[from]);
		} else {
			struct part in = inside(p, from, to, 2);
			fprintf(out, list ? "{\"type\": \"array\", \"maxItems\": %d, \"items\": {" : "{", RECORD_ITEMS);
			object_schema(out, &in);
			line(out, in.depth);
			fputs(list ? "}}" : "}", out);
		}
		fputs(to < p->to ? "," : "", out);
	}
	line(out, p->depth + 1);
	fputc('}', out);
}

/* What event.c writes into every event of a dataset, beside what every event has. */
static const struct dataset {
	const char *name, *kinds, *required, *event, *mxwitness;
} datasets[] = {
	{ "session", "\"event\"", "\"@timestamp\", \"message\"", "\"action\"", "\"verdict\"" },
	{ "alert", "\"alert\"", "\"@timestamp\", \"rule\"", "\"action\", \"severity\", \"risk_score\"", "\"alert\"" },
	{ "stats", "\"metric\"", "", "", "\"stats\"" },
	{ "posture", "\"state\", \"event\"", "\"@timestamp\", \"message\"", "\"action\"", "\"posture\"" },
};

static void dataset_schema(FILE *out, const struct dataset *d)
{
	fprintf(out, "\n\t\t{\n\t\t\t\"if\": {\"properties\": {\"event\": {\"properties\": {\"dataset\": {\"const\": \"mxwitness.%s\"}}}}},\n"
		"\t\t\t\"then\": {\n\t\t\t\t\"required\": [%s],\n\t\t\t\t\"properties\": {\n"
		"\t\t\t\t\t\"event\": {\"required\": [%s], \"properties\": {\"kind\": {\"enum\": [%s]}}},\n"
		"\t\t\t\t\t\"mxwitness\": {\"required\": [%s]}\n\t\t\t\t}\n\t\t\t}\n\t\t}",
		d->name, d->required, d->event, d->kinds, d->mxwitness);
}

void fact_schema(FILE *out)
{
	const struct part all = { 0, FACT_COUNT, 0, 0 };
	const size_t sets = sizeof(datasets) / sizeof(datasets[0]);
	fputs("{\n\t\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
	      "\t\"title\": \"event of mxwitness\",\n"
	      "\t\"description\": \"One line of output. mxwitness rules fields --format schema; schema " MXWITNESS_SCHEMA "\",\n"
	      "\t\"required\": [\"ecs\", \"event\", \"observer\", \"mxwitness\"],\n\t\"allOf\": [\n"
	      "\t\t{\n\t\t\t\"properties\": {\n\t\t\t\t\"ecs\": {\"required\": [\"version\"]},\n"
	      "\t\t\t\t\"event\": {\"required\": [\"kind\", \"category\", \"type\", \"module\", \"dataset\"], "
	      "\"properties\": {\"module\": {\"const\": \"mxwitness\"}, \"dataset\": {\"enum\": [", out);
	for (size_t i = 0; i < sets; i++)
		fprintf(out, "%s\"mxwitness.%s\"", i ? ", " : "", datasets[i].name);
	fputs("]}}},\n\t\t\t\t\"observer\": {\"required\": [\"vendor\", \"product\", \"type\", \"version\"]},\n"
	      "\t\t\t\t\"mxwitness\": {\"required\": [\"schema\"]}\n\t\t\t}\n\t\t}", out);
	for (size_t i = 0; i < sets; i++) {
		fputc(',', out);
		dataset_schema(out, &datasets[i]);
	}
	fputs("\n\t],\n\t", out);
	object_schema(out, &all);
	fputs("\n}\n", out);
}

/* Template */

static const char *mapping(const struct fact_info *f)
{
	switch (f->type) {
	case T_TRI:
		return "boolean";
	case T_NUM:
	case T_DUR:
	case T_LNUM:
		return f == &fact_table[F_event_risk_score] ? "float" : "long";
	case T_TIME:
		return "date";
	case T_IP:
	case T_LIP:
		return "ip";
	case T_STR:
		return f == &fact_table[F_message] ? "match_only_text" : "keyword";
	case T_LSTR:
	case T_ENUM:
	case T_LENUM:
	case T_HEX:
	case T_LHEX:
		return "keyword";
	}
	return "";
}

/* An array of objects is mapped as plain object: its fields match one by one, as they do in rules. */
static void members_mapping(FILE *out, const struct part *p)
{
	fputs("\"properties\": {", out);
	for (unsigned from = p->from, to; from < p->to; from = to) {
		size_t n;
		bool list;
		to = member(p, from, &n, &list);
		line(out, p->depth + 1);
		fprintf(out, "\"%.*s\": {", (int)n, fact_table[from].name + p->n);
		if (leaf(p, from)) {
			fprintf(out, "\"type\": \"%s\"", mapping(&fact_table[from]));
		} else {
			struct part in = inside(p, from, to, 1);
			if (!p->n && n == 9 && strncmp(fact_table[from].name, "mxwitness", n) == 0)
				fputs("\"dynamic\": false, ", out);
			members_mapping(out, &in);
		}
		fputs(to < p->to ? "}," : "}", out);
	}
	line(out, p->depth);
	fputc('}', out);
}

void fact_template(FILE *out)
{
	const struct part all = { 0, FACT_COUNT, 0, 3 };
	fputs("{\n\t\"index_patterns\": [\"mxwitness-*\"],\n\t\"priority\": 200,\n"
	      "\t\"_meta\": {\"description\": \"mxwitness rules fields --format template; schema " MXWITNESS_SCHEMA "\"},\n"
	      "\t\"template\": {\n\t\t\"mappings\": {\n\t\t\t\"date_detection\": false,\n\t\t\t", out);
	members_mapping(out, &all);
	fputs("\n\t\t}\n\t}\n}\n", out);
}
