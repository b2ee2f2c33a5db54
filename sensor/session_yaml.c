/* session_yaml: see session_yaml.h. Takes the names and types of facts.def at their word: what is not there, or what
 * rules could not see, is an error. Knows no fact by itself. */
#include "session_yaml.h"

#include <stdio.h>

#include "judge/site.h"
#include "node_read.h"
#include "rule_detect.h"
#include "scalar.h"

enum { NAME = 160 };

/* named  facts that this document has set: one stands in it once, however its name is written */
struct reader {
	struct record *session;
	struct error *e;
	uint8_t service;
	uint64_t named[(FACT_COUNT + 63) / 64];
};

static bool is_list(enum fact f)
{
	return fact_table[f].type >= T_LSTR;
}

static bool word(struct reader *r, const struct node *n, enum fact f, int64_t *out)
{
	const char *const *words = fact_table[f].words;
	size_t count = 0;
	while (words[count])
		count++;
	*out = word_index(words, n->text);
	if (*out >= 0)
		return true;
	char what[160];
	snprintf(what, sizeof(what), "word of \"%s\" is", fact_table[f].name);
	return no_word(r->e, n, what, words, count);
}

static int nibble(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Pairs of hex digits, into out of cap octets. */
static bool hex(struct bytes t, uint8_t *out, size_t cap, size_t *n)
{
	*n = t.n / 2;
	if (t.n % 2 || *n > cap)
		return false;
	for (size_t i = 0; i < *n; i++) {
		int high = nibble(t.p[2 * i]), low = nibble(t.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* One value of a fact, or one item of a list, as its octets (text, in buf) or its number. */
struct value {
	bool text;
	struct bytes octets;
	int64_t num;
	uint8_t buf[4096];
};

static bool octets(struct reader *r, const struct node *n, enum fact f, struct value *v)
{
	size_t max = fact_table[f].max ? fact_table[f].max : sizeof(v->buf), len;
	v->octets = n->text;
	if (fact_table[f].type == T_HEX || fact_table[f].type == T_LHEX) {
		if (!hex(n->text, v->buf, sizeof(v->buf), &len))
			return node_error(r->e, n, "\"%s\" is octets in hex, two digits each", fact_table[f].name);
		v->octets = (struct bytes){ v->buf, len };
	}
	return v->octets.n <= max || node_error(r->e, n, "\"%s\" holds at most %zu octets", fact_table[f].name, max);
}

static bool address(struct reader *r, const struct node *n, enum fact f, struct value *v)
{
	struct cidr net;
	if (memchr(n->text.p, '/', n->text.n) || !site_network(n->text, &net))
		return node_error(r->e, n, "\"%s\" is an address, like 192.0.2.1 or 2001:db8::1", fact_table[f].name);
	v->octets = (struct bytes){ v->buf, net.base.v == 4 ? 4 : 16 };
	memcpy(v->buf, net.base.a, v->octets.n);
	return true;
}

static bool tri(struct reader *r, const struct node *n, enum fact f, struct value *v)
{
	enum scalar_type type = scalar_type(n);
	v->num = type == SCALAR_TRUE;
	return v->num || type == SCALAR_FALSE ||
	       node_error(r->e, n, "\"%s\" is true or false, or null when it was not seen", fact_table[f].name);
}

static bool number(struct reader *r, const struct node *n, enum fact f, struct value *v)
{
	if (scalar_type(n) != SCALAR_INT)
		return node_error(r->e, n, "\"%s\" is a whole number", fact_table[f].name);
	v->num = scalar_integer(n->text);
	return true;
}

static bool value_read(struct reader *r, const struct node *n, enum fact f, struct value *v)
{
	if (n->kind != NODE_SCALAR || scalar_type(n) == SCALAR_NULL)
		return node_error(r->e, n, "a single value of \"%s\" belongs here", fact_table[f].name);
	v->text = false;
	switch (fact_table[f].type) {
	case T_TRI:
		return tri(r, n, f, v);
	case T_NUM:
	case T_DUR:
	case T_LNUM:
		return number(r, n, f, v);
	case T_TIME:
		return scalar_moment(n->text, &v->num) ||
		       node_error(r->e, n, "\"%s\" is a time in UTC, like 2026-11-25T07:24:01Z", fact_table[f].name);
	case T_ENUM:
	case T_LENUM:
		return word(r, n, f, &v->num);
	case T_STR:
	case T_HEX:
	case T_LSTR:
	case T_LHEX:
		v->text = true;
		return octets(r, n, f, v);
	case T_IP:
	case T_LIP:
		v->text = true;
		return address(r, n, f, v);
	}
	return false;
}

static bool add_item(struct reader *r, const struct node *n, enum fact f)
{
	struct value v;
	if (record_count(r->session, f) == RECORD_ITEMS)
		return node_error(r->e, n, "\"%s\" holds at most %d items", fact_table[f].name, RECORD_ITEMS);
	if (!value_read(r, n, f, &v))
		return false;
	if (v.text)
		record_add(r->session, f, v.octets);
	else
		record_add_num(r->session, f, v.num);
	return true;
}

static bool set_list(struct reader *r, const struct node *list, enum fact f)
{
	if (list->kind != NODE_LIST || !list->first)
		return node_error(r->e, list, "\"%s\" is a list: [value, value]", fact_table[f].name);
	record_unset(r->session, f);
	for (const struct node *n = list->first; n; n = n->next)
		if (!add_item(r, n, f))
			return false;
	return true;
}

static bool set_one(struct reader *r, const struct node *n, enum fact f)
{
	struct value v;
	if (!value_read(r, n, f, &v))
		return false;
	if (v.text)
		record_str(r->session, f, v.octets);
	else if (fact_table[f].type == T_TRI)
		record_tri(r->session, f, v.num ? TRI_YES : TRI_NO);
	else
		record_num(r->session, f, v.num);
	return true;
}

/* The fact of a name at key, once in a document, and one that rules can see. */
static bool fact_read(struct reader *r, const struct node *key, struct bytes name, enum fact *f)
{
	*f = fact_by_name(name);
	if (*f == FACT_COUNT)
		return no_fact(r->e, key, name);
	bool other = detection_knows_any(*f);
	if (other && !detection_knows(*f, r->service))
		return node_error(r->e, key, "\"%s\" is no fact of %s", fact_table[*f].name,
				  service_text(r->service));
	if (!other)
		return node_error(r->e, key, "\"%s\" comes after the rules: it is not known yet when they are evaluated",
				  fact_table[*f].name);
	if (r->named[*f / 64] >> (*f % 64) & 1)
		return node_error(r->e, key, "\"%s\" stands here a second time", fact_table[*f].name);
	r->named[*f / 64] |= UINT64_C(1) << (*f % 64);
	return true;
}

/* Does the name in the table lie under name, with "[]" left out? */
static bool under(const char *table, struct bytes name)
{
	size_t i = 0;
	for (; *table; table++) {
		if (*table == '[' || *table == ']')
			continue;
		if (i == name.n)
			return *table == '.';
		if (name.p[i++] != (uint8_t)*table)
			return false;
	}
	return false;
}

static bool is_object(struct bytes name)
{
	for (unsigned f = 0; f < FACT_COUNT; f++)
		if (under(fact_table[f].name, name))
			return true;
	return false;
}

static bool forget(struct reader *r, const struct node *key, struct bytes name)
{
	enum fact f = fact_by_name(name);
	bool found = false;
	if (f != FACT_COUNT)
		record_unset(r->session, f);
	for (unsigned i = 0; f == FACT_COUNT && i < FACT_COUNT; i++) {
		if (!under(fact_table[i].name, name))
			continue;
		record_unset(r->session, (enum fact)i);
		found = true;
	}
	return found || f != FACT_COUNT || no_fact(r->e, key, name);
}

/* prefix and the key behind it, with a dot between */
static bool name_join(struct reader *r, struct bytes prefix, const struct node *key, char *buf, struct bytes *out)
{
	int n = snprintf(buf, NAME, "%.*s%s%.*s", (int)prefix.n, (const char *)prefix.p, prefix.n ? "." : "",
			 (int)key->text.n, (const char *)key->text.p);
	if (n < 0 || n >= NAME)
		return node_error(r->e, key, "no fact has a name as long as this");
	*out = (struct bytes){ (const uint8_t *)buf, (size_t)n };
	return true;
}

/* [{place: ehlo, offset: 7}, ...]: each key is a list of its own, and all are equally long. */
static bool objects(struct reader *r, const struct node *list, struct bytes name)
{
	const struct node *first = list->first;
	for (const struct node *key = first->first; key; key = key->next) {
		char buf[NAME];
		struct bytes column;
		enum fact f;
		if (!name_join(r, name, key->key, buf, &column) || !fact_read(r, key->key, column, &f))
			return false;
		if (!is_list(f))
			return node_error(r->e, list, "\"%.*s\" is one map, not a list of them", TEXT(name));
		record_unset(r->session, f);
		for (const struct node *item = first; item; item = item->next) {
			char word_of_key[NAME];
			snprintf(word_of_key, sizeof(word_of_key), "%.*s", TEXT(key->key->text));
			const struct node *v = item->kind == NODE_MAP ? node_get(item, word_of_key) : NULL;
			if (!v)
				return node_error(r->e, item, "every item has the same keys as the first: \"%s\" is missing", word_of_key);
			if (!add_item(r, v, f))
				return false;
		}
	}
	return true;
}

/* Keys that the first item of such a list does not have. */
static bool same_keys(struct reader *r, const struct node *list)
{
	for (const struct node *item = list->first; item; item = item->next)
		for (const struct node *v = item->kind == NODE_MAP ? item->first : NULL; v; v = v->next) {
			char key[NAME];
			snprintf(key, sizeof(key), "%.*s", TEXT(v->key->text));
			if (!node_get(list->first, key))
				return node_error(r->e, v->key, "every item has the same keys as the first, which has no \"%s\"", key);
		}
	return true;
}

/* Entries of a map under a name. The nesting of a file is bounded (YAML_DEPTH_MAX), so this recursion is too. */
static bool map_read(struct reader *r, const struct node *map, struct bytes prefix);

static bool entry(struct reader *r, const struct node *v, struct bytes prefix)
{
	char buf[NAME];
	struct bytes name;
	enum fact f;
	if (!name_join(r, prefix, v->key, buf, &name))
		return false;
	if (v->kind == NODE_SCALAR && scalar_type(v) == SCALAR_NULL)
		return forget(r, v->key, name);
	if (v->kind == NODE_MAP)
		return is_object(name) ? map_read(r, v, name) : no_fact(r->e, v->key, name);
	if (v->kind == NODE_LIST && v->first && v->first->kind == NODE_MAP)
		return is_object(name) ? same_keys(r, v) && objects(r, v, name) : no_fact(r->e, v->key, name);
	if (!fact_read(r, v->key, name, &f))
		return false;
	return is_list(f) ? set_list(r, v, f) : set_one(r, v, f);
}

static bool map_read(struct reader *r, const struct node *map, struct bytes prefix)
{
	for (const struct node *v = map->first; v; v = v->next)
		if (!entry(r, v, prefix))
			return false;
	return true;
}

static bool event_read(struct reader *r, const struct node *map)
{
	r->session->truncated = 0;
	if (!map_read(r, map, (struct bytes){ (const uint8_t *)"", 0 }))
		return false;
	return !r->session->truncated || node_error(r->e, map, "a session holds at most %d octets of text", RECORD_TEXT);
}

bool session_yaml_read(const struct node *map, struct record *session, struct error *e)
{
	struct reader r = { .session = session, .e = e, .service = IN_SESSION };
	if (map->kind != NODE_MAP)
		return node_error(e, map, "a session is a map of facts, like mxwitness.smtp.starttls.offered: false");
	return event_read(&r, map);
}

bool stats_yaml_read(const struct node *map, struct record *stats, struct error *e)
{
	struct reader r = { .session = stats, .e = e, .service = IN_STATS };
	if (map->kind != NODE_MAP)
		return node_error(e, map, "stats is a map of facts, like mxwitness.stats.silent: [mail]");
	return event_read(&r, map);
}

bool posture_yaml_read(const struct node *map, struct record *posture, struct error *e)
{
	struct reader r = { .session = posture, .e = e, .service = IN_POSTURE };
	if (map->kind != NODE_MAP)
		return node_error(e, map, "posture is a map of facts, like mxwitness.posture.dane: some");
	return event_read(&r, map);
}
