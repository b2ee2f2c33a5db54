/* config_dump: see config_dump.h. It writes the nodes that were read, so that nothing is lost on the way; it knows how a
 * scalar must be quoted to be the same text again. */
#include "config_dump.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "scalar.h"
#include "setting_output.h"
#include "setting_read.h"

enum { COMMENT_COLUMN = 48, WIDTH = 100 };

/* s        whose folder stands before relative paths
 * column   octets written to this line */
struct writer {
	const struct settings *s;
	FILE *out;
	size_t column;
};

static void put(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct writer *w, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vfprintf(w->out, format, args);
	va_end(args);
	w->column += n > 0 ? (size_t)n : 0;
}

/* from: where the line's value stands; NULL: nowhere, it is a default. */
static void end_value(struct writer *w, const struct node *from)
{
	put(w, "%*s# ", w->column < COMMENT_COLUMN ? (int)(COMMENT_COLUMN - w->column) : 2, "");
	if (!from)
		put(w, "default");
	for (const char *p = from ? from->path : ""; *p; p++)
		fputc((unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p, w->out);
	if (from)
		put(w, ":%u", from->line);
	fputc('\n', w->out);
	w->column = 0;
}

static void end_line(struct writer *w)
{
	fputc('\n', w->out);
	w->column = 0;
}

/* Text that means itself without quotes, in any version of YAML. */
static bool is_plain(struct bytes t)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_.+-=";
	struct node n = { .kind = NODE_SCALAR, .plain = true, .text = t };
	bool good = t.n && t.p[0] < 0x80 && strchr(safe, t.p[0]) && !strchr("_.+-=", t.p[0]);
	for (size_t i = 0; good && i < t.n; i++)
		good = strchr(safe, t.p[i]);
	if (!good)
		return false;
	enum scalar_type type = scalar_type(&n);
	return type == SCALAR_STRING || type == SCALAR_INT || type == SCALAR_TRUE || type == SCALAR_FALSE;
}

/* One character of UTF-8, which libyaml has checked; *i goes behind it. */
static unsigned character(struct bytes t, size_t *i)
{
	uint8_t first = t.p[(*i)++];
	size_t more = first < 0xc0 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	unsigned c = more ? first & (0x3fu >> more) : first;
	for (; more && *i < t.n; more--)
		c = c << 6 | (t.p[(*i)++] & 0x3fu);
	return c;
}

static bool is_literal(unsigned c)
{
	return (c >= ' ' && c <= '~' && c != '"' && c != '\\') || (c > 0xa0 && c < 0xd800 && c != 0x2028 && c != 0x2029) ||
	       (c >= 0xe000 && c <= 0xfffd && c != 0xfeff);
}

static void put_text(struct writer *w, struct bytes t)
{
	if (is_plain(t)) {
		put(w, "%.*s", (int)t.n, (const char *)t.p);
		return;
	}
	put(w, "\"");
	for (size_t i = 0; i < t.n;) {
		size_t from = i;
		unsigned c = character(t, &i);
		if (is_literal(c))
			put(w, "%.*s", (int)(i - from), (const char *)t.p + from);
		else if (c == '"' || c == '\\')
			put(w, "\\%c", (char)c);
		else
			put(w, "\\U%08X", c);
	}
	put(w, "\"");
}

/* A path as it is from any working directory. */
static void put_path(struct writer *w, struct bytes t)
{
	char cwd[PATH_MAX];
	const char *folder = w->s->folder;
	size_t at = 0;
	if (t.p[0] == '/' || (folder[0] != '/' && !getcwd(cwd, sizeof(cwd)))) {
		put_text(w, t);
		return;
	}
	size_t n = (folder[0] == '/' ? 0 : strlen(cwd) + 1) + strlen(folder) + t.n;
	char *path = malloc(n + 1);
	if (!path) {
		put_text(w, t);
		return;
	}
	if (folder[0] != '/')
		at = (size_t)snprintf(path, n + 1, "%s/", cwd);
	snprintf(path + at, n + 1 - at, "%s%s", folder, (const char *)t.p);
	put_text(w, bytes_of(path));
	free(path);
}

static void put_scalar(struct writer *w, const struct setting_info *t, const struct node *n)
{
	bool word = node_is(n, t->other) || (t->type == KEPT_CA_FILE && node_is(n, "none"));
	if (setting_is_path(t) && !word)
		put_path(w, n->text);
	else
		put_text(w, n->text);
}

/* Who reads a dump, or a log with one in it, need not know the site's passwords. */
static void put_property(struct writer *w, struct bytes property)
{
	const struct bytes shown = bytes_head(property, setting_property_shown(property));
	if (shown.n == property.n)
		put_text(w, property);
	else
		put(w, "\"%.*s=not-shown\"", (int)shown.n, (const char *)shown.p);
}

static void put_entry(struct writer *w, const struct setting_info *t, const struct node *n)
{
	if (t->type == KEPT_PROPERTIES)
		put_property(w, n->text);
	else if (setting_entry_is_path(t, n))
		put_path(w, n->text);
	else
		put_text(w, n->text);
}

static void put_map(struct writer *w, const struct setting_map *m, const struct node *map)
{
	for (size_t i = 0; i < m->rows; i++) {
		const struct setting_info *t = &m->row[i];
		const struct node *value = node_get(map, t->name);
		if (m->type == KEPT_OUTPUTS && !setting_output_has(map, t->name))
			continue;
		put(w, "%s%s: ", i ? "    " : "  - ", t->name);
		if (!value && setting_is_list(t))
			put(w, "%s", t->fallback);
		else if (!value)
			put_text(w, bytes_of(t->fallback));
		else if (value->kind == NODE_SCALAR && setting_is_list(t))
			put_entry(w, t, value);
		else if (value->kind == NODE_SCALAR)
			put_scalar(w, t, value);
		else if (!value->first)
			put(w, "[");
		for (const struct node *n = value && value->kind == NODE_LIST ? value->first : NULL; n; n = n->next) {
			put(w, n == value->first ? "[" : ", ");
			put_entry(w, t, n);
		}
		put(w, value && value->kind == NODE_LIST ? "]" : "");
		end_value(w, value);
	}
}

/* from: of the whole value; NULL for a default, of which no part has a place. */
static void put_list(struct writer *w, const struct setting_info *t, const struct node *value, const struct node *from, int indent)
{
	const struct node *first = value->kind == NODE_SCALAR ? value : value->first;
	const struct setting_map *map = setting_map_of(t);
	if (!first) {
		put(w, value->kind == NODE_MAP ? " {}" : " []");
		end_value(w, from);
		return;
	}
	end_line(w);
	for (const struct node *n = first; n; n = n == value ? NULL : n->next) {
		if (map && n->kind == NODE_MAP) {
			put_map(w, map, n);
			continue;
		}
		put(w, "%*s%s", indent, "", value->kind == NODE_MAP ? "" : "- ");
		if (value->kind == NODE_MAP) {
			put_text(w, n->key->text);
			put(w, ": ");
		}
		put_text(w, n->text);
		end_value(w, from ? n : NULL);
	}
}

static bool is_switch(const struct node *value)
{
	return node_is(value, "true") || node_is(value, "false");
}

static void put_setting(struct writer *w, const struct setting_info *t, const struct node *value)
{
	const char *dot = strchr(t->name, '.');
	const struct node *from = setting_is_default(value) ? NULL : value;
	int indent = dot ? 2 : 0;
	put(w, "%*s%s:", indent, "", dot ? dot + 1 : t->name);
	if (setting_is_list(t) && !(t->type == KEPT_MIRROR && is_switch(value))) {
		put_list(w, t, value, from, indent + 2);
		return;
	}
	put(w, " ");
	put_scalar(w, t, value);
	end_value(w, from);
}

void config_dump(const struct settings *s, FILE *out)
{
	struct writer w = { .s = s, .out = out };
	size_t next = 0;
	for (size_t i = 0; i < SETTING_LINES; i++) {
		const struct setting_line *line = &setting_outline[i];
		if (!line->meaning) {
			put_setting(&w, &setting_table[next], s->value[next]);
			next++;
		} else if (line->name[0]) {
			fprintf(out, "%s:\n", line->name);
		}
	}
}

/* Lines of at most WIDTH, each a comment. */
static void comment(FILE *out, const char *indent, const char *text)
{
	size_t column = 0;
	while (*text) {
		size_t n = strcspn(text, " ");
		if (column && column + 1 + n > WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		column += (size_t)(column ? fprintf(out, " %.*s", (int)n, text) : fprintf(out, "%s# %.*s", indent, (int)n, text));
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

/* A key with what it means in front; off: as a comment too, and then without a default of its own. */
static void example(FILE *out, const struct setting_info *t, const char *indent)
{
	char type[256], text[1024];
	const char *dot = strchr(t->name, '.');
	snprintf(text, sizeof(text), "%s (%s)", t->meaning, setting_describe(t, type, sizeof(type)));
	fputc('\n', out);
	comment(out, indent, text);
	fprintf(out, "%s%s: %s\n", indent, dot ? dot + 1 : t->name, t->fallback);
}

/* What one entry may be, as a comment. */
static void example_map(FILE *out, const struct setting_map *m)
{
	char type[256], text[1024];
	fprintf(out, "#%s:\n", m->name);
	for (size_t i = 0; i < m->rows; i++) {
		const struct setting_info *t = &m->row[i];
		snprintf(text, sizeof(text), "%s (%s)", t->meaning, setting_describe(t, type, sizeof(type)));
		comment(out, "#    ", text);
		fprintf(out, "#%s%s: %s\n", i ? "    " : "  - ", t->name, t->fallback[0] ? t->fallback : setting_sample(m, t));
	}
}

void config_example(FILE *out)
{
	size_t next = 0;
	fputs("# The configuration of mxwitness: every key with its default, see mxwitness.conf(5). What is not written here, or is\n"
	      "# taken out, has its default too. Made by: mxwitness config keys --format yaml\n", out);
	for (size_t i = 0; i < SETTING_LINES; i++) {
		const struct setting_line *line = &setting_outline[i];
		if (!line->meaning) {
			const struct setting_info *t = &setting_table[next++];
			example(out, t, strchr(t->name, '.') ? "  " : "");
			const struct setting_map *map = setting_map_of(t);
			if (map)
				example_map(out, map);
		} else {
			fputs("\n", out);
			fprintf(out, line->name[0] ? "# %s: %s\n%s:\n" : "# %s%s\n%s", line->name, line->meaning, line->name);
		}
	}
}

/* "a, b or c" */
static size_t put_words(char *buf, size_t cap, const char *const *words)
{
	size_t at = 0;
	for (size_t i = 0; words && words[i] && at < cap; i++)
		at += (size_t)snprintf(buf + at, cap - at, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
	return at < cap ? at : cap;
}

static const char *kind(enum setting_type type)
{
	switch (type) {
	case KEPT_YES:
		return "true or false";
	case KEPT_COUNT:
		return "number";
	case KEPT_SIZE:
		return "size";
	case KEPT_DURATION:
		return "duration";
	case KEPT_WORD:
	case KEPT_LEVEL:
	case KEPT_VANTAGE:
		return "";
	case KEPT_DATASETS:
		return "list of ";
	case KEPT_TEXT:
		return "text";
	case KEPT_USER:
	case KEPT_GROUP:
		return "name";
	case KEPT_IN_FILE:
	case KEPT_OUT_FILE:
	case KEPT_CA_FILE:
		return "file";
	case KEPT_FOLDER:
	case KEPT_RULES:
		return "folder";
	case KEPT_PROGRAM:
		return "program";
	case KEPT_ADDRESS:
		return "address";
	case KEPT_MAIL_PORTS:
	case KEPT_DNS_PORTS:
		return "list of ports";
	case KEPT_SERVERS:
		return "list of servers";
	case KEPT_INTERFACES:
		return "list of interfaces";
	case KEPT_ZONES:
		return "list of zones";
	case KEPT_PROPERTIES:
		return "list of name=value";
	case KEPT_NETWORKS:
		return "list of networks";
	case KEPT_MIRROR:
		return "true, false or list of networks";
	case KEPT_RULES_OFF:
		return "list of rules";
	case KEPT_RULE_LEVELS:
		return "map of names to levels";
	case KEPT_OUTPUTS:
	case KEPT_POLICY:
	case KEPT_ROUTES:
	case KEPT_INSPECTIONS:
	case KEPT_SUPPRESS:
		return "list of maps";
	case KEPT_WATCH_DOMAINS:
		return "list of domains and maps";
	case KEPT_MAIL_DOMAIN:
		return "domain";
	case KEPT_HOSTS:
		return "list of hosts";
	case KEPT_WHEN:
		return "day or time";
	case KEPT_NAMES:
		return "list of names";
	case KEPT_NETS:
		return "list of networks";
	case KEPT_PORTS:
		return "list of ports";
	case KEPT_PIN_SPKI:
		return "list of digests";
	case KEPT_PIN_CA:
		return "list of files and digests";
	case KEPT_FORMS:
		return "list of findings";
	case KEPT_DOMAIN:
		return "name";
	case KEPT_HOST:
		return "name or address";
	case KEPT_DATE:
		return "day";
	}
	return "";
}

const char *setting_describe(const struct setting_info *t, char *buf, size_t cap)
{
	size_t at = (size_t)snprintf(buf, cap, "%s", kind(t->type));
	bool range = t->type == KEPT_COUNT || t->type == KEPT_SIZE || t->type == KEPT_DURATION;
	at += put_words(buf + at, cap - at, setting_words(t));
	if (range)
		at += (size_t)snprintf(buf + at, cap - at, ", %s to %s", t->least, t->most);
	else if (t->most[0] && setting_is_list(t))
		at += (size_t)snprintf(buf + at, cap - at, ", at most %s", t->most);
	if (t->type == KEPT_CA_FILE)
		at += (size_t)snprintf(buf + at, cap - at, ", or none");
	if (t->other[0])
		snprintf(buf + at, cap - at, ", or %s", t->other);
	return buf;
}
