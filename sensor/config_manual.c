/* config_manual: see config_manual.h. */
#include "config_manual.h"

#include "config_dump.h"
#include "mdoc.h"

static void key(FILE *out, const struct setting_info *t)
{
	char type[256];
	fprintf(out, ".It Cm %s Pq %s", t->name, setting_describe(t, type, sizeof(type)));
	if (t->fallback[0])
		fprintf(out, "; default: %s", t->fallback);
	fputs(t->scope == SCOPE_BOTH ? "; read too\n" : "\n", out);
	mdoc_text(out, t->meaning);
}

static void group(FILE *out, const struct setting_line *line, bool first)
{
	fprintf(out, "%s.Ss %s%s%s\n.Bl -tag -width Ds\n", first ? "" : ".El\n", line->name, line->name[0] ? ": " : "", line->meaning);
}

void config_manual(FILE *out)
{
	size_t next = 0;
	for (size_t i = 0; i < SETTING_LINES; i++) {
		if (setting_outline[i].meaning)
			group(out, &setting_outline[i], i == 0);
		else
			key(out, &setting_table[next++]);
	}
	for (size_t m = 0; m < SETTING_MAPS; m++) {
		fprintf(out, ".El\n.Ss %s: the keys of an entry\n.Bl -tag -width Ds\n", setting_maps[m].name);
		for (size_t i = 0; i < setting_maps[m].rows; i++)
			key(out, &setting_maps[m].row[i]);
	}
	fputs(".El\n", out);
}
