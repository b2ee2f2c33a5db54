/* rules_command: see rules_command.h. The rules are loaded as `read` loads them; nothing here knows what one means. */
#include "rules_command.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "config.h"
#include "fact_list.h"
#include "fact_schema.h"
#include "folder.h"
#include "read.h"
#include "rule_file.h"
#include "metrics.h"
#include "rule_lint.h"
#include "rule_list.h"
#include "rule_manual.h"
#include "rule_page.h"
#include "rule_test.h"
#include "yaml_tree.h"

/* What the subcommands need: the rules, and where to write. */
struct context {
	const struct options *o;
	struct rules *rules;
	struct rule_scratch *scratch;
	FILE *out;
	struct error *e;
	int status;                /* of a command that came to its end */
};

static const char *rules_folder(const struct options *o, char buf[PATH_MAX])
{
	return o->rules ? o->rules : read_rules_dir(buf);
}

static void unload(struct context *c)
{
	rule_scratch_free(c->scratch);
	rules_free(c->rules);
	c->scratch = NULL;
	c->rules = NULL;
}

/* The rules of folder, and the site's own, in place of those that the configuration names, when there are some. */
static bool load_from(struct context *c, const char *folder, const char *own)
{
	struct settings settings = { .folder = NULL };
	struct rule_site *site = &settings.rules;
	bool ok = config_read(c->o->config, &settings, c->e);
	if (ok && own) {
		struct node *dir = arena_take(&site->arena, sizeof(*dir));
		*dir = (struct node){ .path = "", .line = 1, .col = 1, .kind = NODE_SCALAR };
		dir->text = (struct bytes){ (const uint8_t *)arena_string(&site->arena, bytes_of(own)), strlen(own) };
		site->dir = dir;
		site->folder = NULL;
	}
	unload(c);
	c->rules = ok ? rules_load(folder, site, c->e) : NULL;
	settings_free(&settings);
	if (!c->rules)
		return false;
	c->scratch = rule_scratch_new(c->rules);
	return c->scratch || error_set(c->e, "no memory for the rules");
}

static bool load(struct context *c)
{
	char dir[PATH_MAX];
	return load_from(c, rules_folder(c->o, dir), NULL);
}

/* The rules that tests under path are for. A folder that holds its tests in tests/ holds the rules too: all of them,
 * when a table of levels is among them, else a site's own. */
static bool load_tested(struct context *c, const char *path)
{
	char dir[PATH_MAX], inner[PATH_MAX];
	int n = snprintf(inner, sizeof(inner), "%s/tests", path);
	if (n < 0 || (size_t)n >= sizeof(inner) || !folder_is(inner))
		return load(c);
	snprintf(inner, sizeof(inner), "%.*s/severity.yaml", PATH_MAX - 20, path);
	if (access(inner, R_OK) != 0)
		return load_from(c, rules_folder(c->o, dir), path);
	return c->o->rules ? load(c) : load_from(c, path, NULL);
}

static bool is_format(const struct context *c, const char *format)
{
	return c->o->format && strcmp(c->o->format, format) == 0;
}

static bool list(struct context *c)
{
	bool table = c->o->format ? is_format(c, "table") : c->out == stdout && isatty(STDOUT_FILENO);
	if (!load(c))
		return false;
	if (is_format(c, "mdoc"))
		rule_manual(c->rules, c->scratch, c->out);
	else if (table)
		rule_list_table(c->rules, c->scratch, c->o->findings, c->out);
	else
		rule_list_ndjson(c->rules, c->scratch, c->o->findings, c->out);
	return true;
}

static bool is_named(const struct rule *rule, const char *id)
{
	return strcmp(rule->name, id) == 0 || strcmp(rule->finding, id) == 0 || strcmp(rule->uuid, id) == 0;
}

static bool no_such_rule(struct context *c, const char *id)
{
	size_t n = rules_count(c->rules);
	const char **names = calloc(2 * n + 1, sizeof(*names));
	const char *near = NULL;
	for (size_t i = 0; names && i < n; i++) {
		names[2 * i] = rules_at(c->rules, i)->finding;
		names[2 * i + 1] = rules_at(c->rules, i)->name;
	}
	if (names)
		near = nearest_word(names, 2 * n, bytes_of(id));
	free(names);
	return error_set(c->e, "rules show: no rule or finding \"%.80s\"%s%s%s", id, near ? "; did you mean \"" : "",
			 near ? near : "", near ? "\"?" : "; mxwitness rules list names them");
}

static bool show(struct context *c)
{
	unsigned shown = 0;
	if (!load(c))
		return false;
	for (int a = 0; a < c->o->nargs; a++) {
		unsigned before = shown;
		for (size_t i = 0; i < rules_count(c->rules); i++) {
			if (!is_named(rules_at(c->rules, i), c->o->args[a]))
				continue;
			if (shown++)
				fputc('\n', c->out);
			rule_page(c->rules, c->scratch, rules_at(c->rules, i), c->out);
		}
		if (shown == before)
			return no_such_rule(c, c->o->args[a]);
	}
	return true;
}

static bool lint(struct context *c)
{
	char dir[PATH_MAX];
	struct rule_lint_result r;
	if (!rule_lint_run(c->o->args, c->o->nargs, rules_folder(c->o, dir), stderr, &r, c->e))
		return false;
	fprintf(c->out, "%u files, %u rules: %u errors, %u warnings\n", r.files, r.rules, r.errors, r.warnings);
	c->status = r.errors ? 2 : 0;
	return true;
}

static bool test(struct context *c)
{
	struct rule_test_result r, all = { 0 };
	for (int i = 0; i < c->o->nargs; i++) {
		if (!load_tested(c, c->o->args[i]) ||
		    !rule_test_run(c->rules, c->o->args[i], c->o->verbose, c->out, stderr, &r, c->e))
			return false;
		all.passed += r.passed;
		all.failed += r.failed;
		all.wrong += r.wrong;
	}
	fprintf(c->out, "%u passed, %u failed%s\n", all.passed, all.failed,
		all.wrong ? "; not all documents could be read" : "");
	c->status = all.wrong ? 2 : all.failed ? 1 : 0;
	return true;
}

static bool fields(struct context *c)
{
	if (is_format(c, "mdoc"))
		fact_list_mdoc(c->out);
	else if (is_format(c, "metrics"))
		metrics_mdoc(c->out);
	else if (is_format(c, "schema"))
		fact_schema(c->out);
	else if (is_format(c, "template"))
		fact_template(c->out);
	else if (is_format(c, "tsv"))
		fact_list_tsv(c->out);
	else if (fact_list(c->out, c->o->args, c->o->nargs) == 0)
		return error_set(c->e, "rules fields: no field has \"%.80s\" in its name", c->o->args[0]);
	return true;
}

static bool run(struct context *c)
{
	switch (c->o->verb) {
	case RULES_LIST:
		return list(c);
	case RULES_SHOW:
		return show(c);
	case RULES_LINT:
		return lint(c);
	case RULES_TEST:
		return test(c);
	case RULES_FIELDS:
		return fields(c);
	}
	return false;
}

int rules_command(const struct options *o)
{
	struct error e = { "" };
	struct context c = { .o = o, .out = o->out ? fopen(o->out, "we") : stdout, .e = &e };
	const char *where = o->out ? o->out : "standard output";
	bool ok = c.out ? run(&c) : error_set(&e, "%s: cannot write there: %s", where, strerror(errno));
	if (c.out && (fflush(c.out) != 0 || ferror(c.out)))
		ok = error_set(&e, "%s: cannot write there: %s", where, strerror(errno));
	if (!ok)
		fprintf(stderr, "mxwitness: %s\n", e.text);
	if (c.out && c.out != stdout)
		fclose(c.out);
	unload(&c);
	return ok ? c.status : 2;
}
