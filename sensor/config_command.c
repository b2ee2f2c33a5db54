/* config_command: see config_command.h. */
#include "config_command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "config_check.h"
#include "config_dump.h"
#include "config_manual.h"
#include "read.h"

/* The warnings are lines of standard error, as errors are. */
static bool check(const struct options *o, const char *path, FILE *out, struct error *e)
{
	char dir[PATH_MAX];
	struct settings s = { .folder = NULL };
	unsigned warnings = 0;
	bool ok = config_read(path, &s, e) &&
		  config_check(&s, o->rules ? o->rules : read_rules_dir(dir), stderr, &warnings, e);
	if (ok && warnings)
		fprintf(out, "%s: ok, %u warning%s\n", path, warnings, warnings == 1 ? "" : "s");
	else if (ok)
		fprintf(out, "%s: ok\n", path);
	settings_free(&s);
	return ok;
}

static bool dump(const char *path, FILE *out, struct error *e)
{
	struct settings s = { .folder = NULL };
	bool ok = config_read(path, &s, e);
	if (ok)
		config_dump(&s, out);
	settings_free(&s);
	return ok;
}

static bool keys(const struct options *o, FILE *out)
{
	if (o->format && strcmp(o->format, "mdoc") == 0)
		config_manual(out);
	else
		config_example(out);
	return true;
}

static bool run(const struct options *o, FILE *out, struct error *e)
{
	const char *path = o->config ? o->config : CONFIG_PATH;
	switch (o->config_verb) {
	case CONFIG_CHECK:
		return check(o, path, out, e);
	case CONFIG_DUMP:
		return dump(path, out, e);
	case CONFIG_KEYS:
		return keys(o, out);
	}
	return false;
}

int config_command(const struct options *o)
{
	struct error e = { "" };
	const char *where = o->out ? o->out : "standard output";
	FILE *out = o->out ? fopen(o->out, "we") : stdout;
	bool ok = out ? run(o, out, &e) : error_set(&e, "%s: cannot write there: %s", where, strerror(errno));
	if (out && (fflush(out) != 0 || ferror(out)))
		ok = error_set(&e, "%s: cannot write there: %s", where, strerror(errno));
	if (!ok)
		fprintf(stderr, "mxwitness: %s\n", e.text);
	if (out && out != stdout)
		fclose(out);
	return ok ? 0 : 2;
}
