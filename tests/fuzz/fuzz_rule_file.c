/* rule_file: any octets as a file of rules. Promises: nothing is half accepted, and every refusal names file, line and
 * column; the same octets give the same answer; whatever was accepted can be evaluated over an empty and a full record,
 * and leaves a record that is possible. */
#include <stdlib.h>

#include "judge/alert.h"
#include "rule_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

/* Something in every fact, so that every step has a value to look at. */
static void fill(struct record *r)
{
	record_init(r);
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		enum fact f = (enum fact)i;
		enum fact_type type = fact_table[i].type;
		struct bytes text = type == T_IP || type == T_LIP ? (struct bytes){ (const uint8_t *)"\xc0\0\2\7", 4 } :
				    bytes_of("mx.example.org");
		if (type == T_TRI)
			record_yes(r, f);
		else if (type == T_LNUM || type == T_LENUM)
			record_add_num(r, f, 1);
		else if (type >= T_LSTR)
			record_add(r, f, text);
		else if (type == T_STR || type == T_HEX || type == T_IP)
			record_str(r, f, text);
		else
			record_num(r, f, 1);
	}
}

static void evaluate(const struct rules *rules)
{
	static struct record r, alert; /* too large for the stack of a fuzzer */
	struct finding out[8];
	struct rule_scratch *s = rule_scratch_new(rules);
	need(s != NULL);
	for (int full = 0; full < 2; full++) {
		record_init(&r);
		if (full)
			fill(&r);
		size_t n = rules_judge(rules, s, &r, out, 8);
		need(n <= 8 && record_check(&r, record_size(&r)));
		for (size_t i = 0; i < n; i++) {
			alert_make(rules, &r, &out[i], &alert);
			need(record_check(&alert, record_size(&alert)));
		}
	}
	rule_scratch_free(s);
}

/* "PATH:LINE:COLUMN: text" */
static bool well_told(const char *text, const char *path)
{
	size_t n = strlen(path);
	char *end;
	if (strncmp(text, path, n) != 0 || text[n] != ':')
		return false;
	if (strtoul(text + n + 1, &end, 10) == 0 || *end != ':')
		return false;
	return strtoul(end + 1, &end, 10) > 0 && end[0] == ':' && end[1] == ' ' && end[2];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "r/t.yaml", "r/severity.yaml", "r/verdict.yaml" };
	struct bytes content = { data, size };
	if (size == 0)
		return 0;
	const char *path = paths[data[0] == 'S' ? 1 : data[0] == 'V' ? 2 : 0];
	if (data[0] == 'S' || data[0] == 'V')
		content = bytes_skip(content, 1);
	struct error e1 = { "" }, e2 = { "" };
	struct rules *a = rules_new(&e1), *b = rules_new(&e2);
	need(a && b);
	bool ok = rules_add(a, path, content, &e1);
	need(rules_add(b, path, content, &e2) == ok && strcmp(e1.text, e2.text) == 0 && a->steps == b->steps);
	if (ok)
		evaluate(a);
	else
		need(well_told(e1.text, path));
	rules_free(a);
	rules_free(b);
	return 0;
}
