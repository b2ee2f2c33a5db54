/* rule_lint: see rule_lint.h. The errors are those of rule_file, which stops at the first; here every document of a file
 * is given to it alone, at its own line, so that one error does not hide the next. The warnings are about rules that
 * can be loaded, and help nobody: without a word for the analyst, or such as can never match. */
#include "rule_lint.h"
#include "rule_table.h"

#include <stdlib.h>

#include "folder.h"
#include "rule_file.h"
#include "yaml_tree.h"

enum { PATHS_BUDGET = 100000 };

struct run {
	struct rules *rules;
	struct arena arena;
	FILE *out;
	struct rule_lint_result *result;
	struct error *e;
};

static void tell(struct run *run)
{
	fprintf(run->out, "%s\n", run->e->text);
	run->result->errors++;
}

static bool marks_document(struct bytes rest)
{
	return rest.n >= 3 && memcmp(rest.p, "---", 3) == 0 && (rest.n == 3 || strchr(" \t\r\n", rest.p[3]));
}

/* Octets up to the next line that begins a document, and the lines among them. directives: a line of them is there,
 * and a document cannot be told from its neighbours by lines alone. */
static size_t document_end(struct bytes b, size_t *lines, bool *directives)
{
	size_t i = 0;
	*lines = 0;
	while (i < b.n) {
		const uint8_t *end = memchr(b.p + i, '\n', b.n - i);
		size_t next = end ? (size_t)(end - b.p) + 1 : b.n;
		*directives = *directives || b.p[i] == '%';
		*lines += end != NULL;
		i = next;
		if (i < b.n && marks_document(bytes_skip(b, i)))
			break;
	}
	return i;
}

static void add(struct run *run, const char *path, struct bytes content)
{
	if (!rules_add(run->rules, path, content, run->e))
		tell(run);
}

/* Each document behind as many empty lines as stand before it in the file. */
static void documents(struct run *run, const char *path, struct bytes content)
{
	uint8_t *buf = malloc(2 * content.n + 1);
	size_t before = 0, lines;
	bool directives = false;
	if (content.n == 0 || content.n > YAML_FILE_MAX || !buf) {
		add(run, path, content);
		free(buf);
		return;
	}
	for (struct bytes b = content; b.n;) {
		size_t n = document_end(b, &lines, &directives);
		memset(buf, '\n', before);
		memcpy(buf + before, b.p, n);
		if (directives) {
			add(run, path, (struct bytes){ content.p, content.n });
			break;
		}
		add(run, path, (struct bytes){ buf, before + n });
		before += lines;
		b = bytes_skip(b, n);
	}
	free(buf);
}

static void file(struct run *run, const char *path)
{
	struct bytes content;
	run->result->files++;
	if (folder_read(&run->arena, path, &content, run->e))
		documents(run, path, content);
	else
		tell(run);
}

/* The files that a name on the command line stands for. */
static bool files_of(struct run *run, const char *const *name, const char *const **paths, size_t *n)
{
	*paths = name;
	*n = 1;
	if (folder_is(*name) && !folder_yaml(&run->arena, *name, "rules", paths, n, run->e))
		return false;
	return *n || error_set(run->e, "%s: no rules in this folder (*.yaml)", *name);
}

/* Is there a file of that name among those that the command line names? */
static bool brings(struct run *run, char *const *names, int count, const char *file_name, bool *found)
{
	const char *const *paths;
	size_t n;
	*found = false;
	for (int i = 0; i < count; i++) {
		const char *name = names[i];
		if (!files_of(run, &name, &paths, &n))
			return false;
		for (size_t k = 0; k < n; k++) {
			const char *slash = strrchr(paths[k], '/');
			*found = *found || strcmp(slash ? slash + 1 : paths[k], file_name) == 0;
		}
	}
	return true;
}

/* The shipped rules, which the files named are then added to as a site's own. */
static bool stand_in(struct run *run, const char *base)
{
	const char *const *paths;
	size_t n;
	struct bytes content;
	if (!folder_yaml(&run->arena, base, "rules", &paths, &n, run->e))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!folder_read(&run->arena, paths[i], &content, run->e) || !rules_add(run->rules, paths[i], content, run->e))
			return false;
	rules_own(run->rules);
	return true;
}

/* What is known of one fact on a walk. value and bounds hold if the fact was seen. */
struct known {
	enum { MAYBE_SEEN, IS_SEEN, NOT_SEEN } seen;
	uint64_t words;
	int64_t least, most;
};

struct walk {
	const struct rules *rules;
	unsigned budget;
	struct known fact[FACT_COUNT];
};

static void number(struct known *k, enum rule_op op, int64_t n, bool yes)
{
	bool up = op == OP_GT || op == OP_GTE;
	int64_t edge = op == OP_LT ? n - 1 : op == OP_GT ? n + 1 : n;
	if (op == OP_EQ && !yes)
		return;
	if (op == OP_EQ || (up && yes)) {
		k->least = edge > k->least ? edge : k->least;
	} else if (up) {
		k->most = edge - 1 < k->most ? edge - 1 : k->most;
	}
	if (op == OP_EQ || (!up && yes)) {
		k->most = edge < k->most ? edge : k->most;
	} else if (!up) {
		k->least = edge + 1 > k->least ? edge + 1 : k->least;
	}
}

/* What an answer says about the fact. false: it contradicts an answer before it. */
static bool learn(struct known *k, const struct step *step, bool yes)
{
	enum rule_op op = (enum rule_op)step->op;
	bool list = fact_table[step->fact].type >= T_LSTR;
	if (yes) {
		if (k->seen == NOT_SEEN)
			return false;
		k->seen = IS_SEEN;
	} else if (op == OP_SEEN) {
		if (k->seen == IS_SEEN)
			return false;
		k->seen = NOT_SEEN;
	}
	if (op == OP_MASK && !list)
		k->words &= yes ? step->u.set : ~step->u.set;
	if (op >= OP_EQ && op <= OP_GTE && !list)
		number(k, op, step->u.num, yes);
	return k->seen != IS_SEEN || (k->words && k->least <= k->most);
}

static bool reaches(struct walk *w, uint32_t at)
{
	if (at < STEP_FIRST)
		return at == STEP_YES;
	if (w->budget == 0 || --w->budget == 0)
		return true;
	const struct step *step = &w->rules->step[at];
	struct known *k = &w->fact[step->fact], before = *k;
	bool found = learn(k, step, true) && reaches(w, step->yes);
	*k = before;
	found = found || (learn(k, step, false) && reaches(w, step->no));
	*k = before;
	return found;
}

static uint64_t all_words(enum fact f)
{
	uint64_t set = 0;
	if (fact_table[f].type == T_TRI)
		return UINT64_C(1) << TRI_NO | UINT64_C(1) << TRI_YES;
	if (fact_table[f].type != T_ENUM)
		return UINT64_MAX;
	for (unsigned i = 0; i < 64 && fact_table[f].words[i]; i++)
		set |= UINT64_C(1) << i;
	return set;
}

bool rule_lint_reaches(const struct rules *rules, uint32_t start)
{
	struct walk w = { .rules = rules, .budget = PATHS_BUDGET };
	for (unsigned f = 0; f < FACT_COUNT; f++)
		w.fact[f] = (struct known){ MAYBE_SEEN, all_words((enum fact)f), INT64_MIN, INT64_MAX };
	return reaches(&w, start);
}

static void warn(struct run *run, const struct rule *rule, const char *what)
{
	fprintf(run->out, "%s:%u:1: warning: %s: %s\n", rule->file, rule->line, rule->name, what);
	run->result->warnings++;
}

static void doubts(struct run *run, const struct rule *rule)
{
	if (!rule->description[0])
		warn(run, rule, "no description: what does it mean?");
	if (rule->references == 0 && !rule->silent)
		warn(run, rule, "no references: what says that it is wrong?");
	if (rule->falsepositives == 0 && !rule->silent)
		warn(run, rule, "no falsepositives: what could be mistaken for it?");
	if (rule->texts < RULE_TEXTS && !rule->silent)
		warn(run, rule, "fewer than three sentences of text: the fact, the promise, what to check next");
	if (!rule->correlates && !rule_lint_reaches(run->rules, rule->start))
		warn(run, rule, "it can never match: its tests contradict each other");
}

static bool run_all(struct run *run, char *const *names, int count, const char *base)
{
	const char *const *paths;
	bool levels, verdicts;
	size_t n;
	if (!brings(run, names, count, "severity.yaml", &levels) || !brings(run, names, count, "verdict.yaml", &verdicts))
		return false;
	bool whole = levels && verdicts;
	if (!whole && !stand_in(run, base))
		return false;
	for (int i = 0; i < count; i++) {
		const char *name = names[i];
		if (!files_of(run, &name, &paths, &n))
			return false;
		for (size_t k = 0; k < n; k++)
			file(run, paths[k]);
	}
	if (run->result->errors == 0 && (!rules_finish(run->rules, run->e) || (whole && !tables_placed(run->rules, run->e))))
		tell(run);
	for (size_t i = 0; i < rules_count(run->rules); i++) {
		if (rules_at(run->rules, i)->shipped != whole)
			continue;
		run->result->rules++;
		doubts(run, rules_at(run->rules, i));
	}
	return true;
}

bool rule_lint_run(char *const *paths, int n, const char *base, FILE *out, struct rule_lint_result *result,
		   struct error *e)
{
	struct run run = { .rules = rules_new(e), .out = out, .result = result, .e = e };
	*result = (struct rule_lint_result){ 0 };
	bool ok = run.rules && run_all(&run, paths, n, base);
	rules_free(run.rules);
	arena_free(&run.arena);
	return ok;
}
