/* Sessions of rule tests from any octets: either one is taken, and then it is a record that another process could have
 * sent (record_check), or the error names the place. A second reading over the first changes nothing. */
#include <assert.h>
#include <stdlib.h>

#include "session_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct record *a, const struct record *b)
{
	for (unsigned f = 0; f < FACT_COUNT; f++) {
		if (record_has(a, (enum fact)f) != record_has(b, (enum fact)f))
			return false;
		if (!record_has(a, (enum fact)f))
			continue;
		bool text = fact_table[f].type == T_STR || fact_table[f].type == T_HEX || fact_table[f].type >= T_IP;
		if (text ? !bytes_eq(record_get_str(a, (enum fact)f), record_get_str(b, (enum fact)f)) :
			   record_get_num(a, (enum fact)f, 0) != record_get_num(b, (enum fact)f, 0))
			return false;
	}
	return true;
}

static void session(const struct node *doc)
{
	struct record *once = malloc(sizeof(*once)), *twice = malloc(sizeof(*twice));
	struct error e = { "" };
	record_init(once);
	record_init(twice);
	if (session_yaml_read(doc, once, &e)) {
		assert(record_check(once, record_size(once)));
		assert(session_yaml_read(doc, twice, &e) && session_yaml_read(doc, twice, &e) && same(once, twice));
	} else {
		assert(strncmp(e.text, "test.yaml:", 10) == 0);
	}
	free(once);
	free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct error e = { "" };
	struct node *doc;
	if (yaml_tree_read(&arena, "test.yaml", (struct bytes){ data, size }, &doc, &e))
		for (; doc; doc = doc->next)
			session(doc);
	arena_free(&arena);
	return 0;
}
