/* sts_line: see sts_line.h. Octets of other people's servers are in what it writes, so all of it is cleaned. */
#include "sts_line.h"

#include "sts_keep.h"

static const char *const words[] = {
	[VISIT_FETCHED] = "fetched", [VISIT_UNCHANGED] = "unchanged", [VISIT_NONE] = "none", [VISIT_KEPT] = "kept", [VISIT_FAILED] = "failed",
};

static const char *mode_of(const struct visit *v)
{
	return fact_table[F_sts_mode].words[v->mode];
}

static void member(struct text *out, const char *name, const char *value)
{
	if (!*value)
		return;
	text_put(out, ",\"");
	text_put(out, name);
	text_put(out, "\":\"");
	text_clean(out, bytes_of(value), true);
	text_char(out, '"');
}

static void policy_json(const struct visit *v, struct text *out)
{
	member(out, "mode", mode_of(v));
	member(out, "id", v->id);
	text_put(out, ",\"max_age\":");
	text_num(out, v->max_age);
	text_put(out, ",\"until\":\"");
	text_time(out, v->until);
	text_char(out, '"');
}

static void line_json(const struct visit *v, struct text *out)
{
	text_put(out, "{\"domain\":\"");
	text_put(out, v->domain);
	text_char(out, '"');
	member(out, "result", words[v->result]);
	if (v->refetch != REFETCH_NONE)
		member(out, "status", sts_keep_word(v->refetch));
	if (v->until)
		policy_json(v, out);
	member(out, "reason", v->why);
	text_put(out, "}\n");
}

static void line_text(const struct visit *v, struct text *out)
{
	text_put(out, v->domain);
	text_put(out, ": ");
	text_put(out, words[v->result]);
	if (v->result == VISIT_FAILED && v->refetch > REFETCH_OK) {
		text_char(out, ' ');
		text_put(out, sts_keep_word(v->refetch));
	}
	if (v->until) {
		text_put(out, v->result == VISIT_FAILED ? ", still " : ", ");
		text_put(out, mode_of(v));
		text_put(out, " until ");
		text_time(out, v->until);
	} else if (v->result == VISIT_NONE) {
		text_put(out, ", no MTA-STS");
	}
	if (*v->why) {
		text_put(out, " (");
		text_clean(out, bytes_of(v->why), false);
		text_char(out, ')');
	}
	text_char(out, '\n');
}

void sts_line(const struct visit *v, bool json, struct text *out)
{
	if (json)
		line_json(v, out);
	else
		line_text(v, out);
}
