/* node_read: see node_read.h. It knows how values look, and not which key they belong to. */
#include "node_read.h"

#include "judge/sentence.h"

enum { TEXT_OCTETS = 4096, SENTENCE_OCTETS = 1000 };

bool no_word(struct error *e, const struct node *at, const char *what, const char *const *words, size_t n)
{
	const char *near = nearest_word(words, n, at->text);
	return node_error(e, at, "no %s \"%.*s\"%s%s%s", what, TEXT(at->text), near ? "; did you mean \"" : "",
			  near ? near : "", near ? "\"?" : "");
}

static bool known_key(struct error *e, const struct node *key, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (node_is(key, keys[i]))
			return true;
	return no_word(e, key, "key", keys, n);
}

bool known_keys(struct error *e, const struct node *map, const char *const *keys, size_t n)
{
	if (map->kind != NODE_MAP)
		return node_error(e, map, "a map belongs here");
	for (const struct node *v = map->first; v; v = v->next)
		if (!known_key(e, v->key, keys, n))
			return false;
	return true;
}

bool word_read(struct error *e, const struct node *n, const char *what, enum fact f, uint8_t *out)
{
	const char *const *words = fact_table[f].words;
	size_t count = 0;
	while (words[count])
		count++;
	if (n->kind != NODE_SCALAR)
		return node_error(e, n, "one %s belongs here", what);
	int i = word_index(words, n->text);
	if (i < 0)
		return no_word(e, n, what, words, count);
	*out = (uint8_t)i;
	return true;
}

bool level_read(struct error *e, const struct node *n, uint8_t *out)
{
	return word_read(e, n, "level", F_alert_level, out);
}

bool text_read(struct error *e, const struct node *n, size_t max, const char **out)
{
	if (n->kind != NODE_SCALAR || n->text.n == 0)
		return node_error(e, n, "a text belongs here");
	if (n->text.n > max)
		return node_error(e, n, "a text of at most %zu octets belongs here", max);
	*out = (const char *)n->text.p;
	return true;
}

bool id_read(struct error *e, const struct node *n, const char **out)
{
	if (!text_read(e, n, 64, out))
		return false;
	for (size_t i = 0; i < n->text.n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", n->text.p[i]))
			return node_error(e, n, "\"%.*s\": only a-z, 0-9 and hyphens", TEXT(n->text));
	return true;
}

static bool is_uuid(struct bytes t)
{
	for (size_t i = 0; i < t.n; i++) {
		bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
		if (hyphen ? t.p[i] != '-' : !strchr("0123456789abcdef", t.p[i]))
			return false;
	}
	return t.n == 36;
}

bool uuid_read(struct error *e, const struct node *n, const char **out)
{
	*out = (const char *)n->text.p;
	return (n->kind == NODE_SCALAR && is_uuid(n->text)) || node_error(e, n, "id is a UUID in lower case");
}

bool date_read(struct error *e, const struct node *n)
{
	struct bytes t = n->text;
	bool good = n->kind == NODE_SCALAR && t.n == 10;
	for (size_t i = 0; good && i < t.n; i++)
		good = i == 4 || i == 7 ? t.p[i] == '-' : t.p[i] >= '0' && t.p[i] <= '9';
	if (!good)
		return node_error(e, n, "a date is YYYY-MM-DD");
	int month = (t.p[5] - '0') * 10 + t.p[6] - '0', day = (t.p[8] - '0') * 10 + t.p[9] - '0';
	return (month >= 1 && month <= 12 && day >= 1 && day <= 31) ||
	       node_error(e, n, "\"%.*s\": no such day; a date is YYYY-MM-DD", TEXT(t));
}

bool no_fact(struct error *e, const struct node *at, struct bytes name)
{
	const char *near = fact_suggest(name);
	return node_error(e, at, "no fact \"%.*s\"%s%s%s", TEXT(name), near ? "; did you mean \"" : "", near ? near : "",
			  near ? "\"?" : "");
}

/* One name between braces or bars. */
static bool sentence_name(struct error *e, const struct node *n, struct bytes name, uint8_t service)
{
	enum fact f = fact_by_name(name);
	if (f != FACT_COUNT && fact_table[f].sets & service)
		return true;
	if (f != FACT_COUNT)
		return node_error(e, n, "\"%.*s\" is no fact of a %s, and this text is about one", TEXT(name),
				  service == IN_STATS ? "stats event" : service == IN_POSTURE ? "posture event" : "session");
	const char *near = fact_suggest(name);
	return node_error(e, n, "no fact \"%.*s\" for the braces%s%s%s", TEXT(name), near ? "; did you mean \"" : "",
			  near ? near : "", near ? "\"?" : "");
}

static bool sentence_names(struct error *e, const struct node *n, struct bytes names, uint8_t service)
{
	size_t from = 0;
	for (size_t i = 0; i <= names.n; i++) {
		if (i < names.n && names.p[i] != '|')
			continue;
		if (!sentence_name(e, n, (struct bytes){ names.p + from, i - from }, service))
			return false;
		from = i + 1;
	}
	return true;
}

bool sentence_read(struct error *e, const struct node *n, uint8_t service, const char **out)
{
	size_t pos = 0;
	struct bytes names;
	enum parse p;
	if (!text_read(e, n, SENTENCE_OCTETS, out))
		return false;
	while ((p = sentence_brace(n->text, &pos, &names)) == PARSE_OK)
		if (!sentence_names(e, n, names, service))
			return false;
	return p != PARSE_BAD || node_error(e, n, "a brace without its partner");
}

bool texts_read(struct error *e, const struct node *list, size_t max)
{
	const char *unused;
	size_t count = 0;
	if (list->kind != NODE_LIST)
		return node_error(e, list, "a list belongs here");
	for (const struct node *n = list->first; n; n = n->next) {
		if (!text_read(e, n, TEXT_OCTETS, &unused))
			return false;
		if (++count > max)
			return node_error(e, n, "more than %zu entries", max);
		for (const struct node *other = list->first; other != n; other = other->next)
			if (bytes_eq(other->text, n->text))
				return node_error(e, n, "\"%.*s\" stands in this list a second time", TEXT(n->text));
	}
	return true;
}
