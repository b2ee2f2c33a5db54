/* config: see config.h. One pass over libyaml's events: a mapping of known keys to a scalar or a list of scalars.
 * Aliases and anchors, nested mappings and duplicate keys are refused, not ignored. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct config {
	const char *path;
	struct site *site;
	struct error *e;
	yaml_parser_t yaml;
	unsigned given;            /* keys seen, one bit each */
};

enum key { KEY_OWN_NETWORKS, KEY_VANTAGE, KEYS };
static const char *const keys[KEYS] = { "own_networks", "vantage" };

static bool fail(struct config *c, yaml_mark_t at, const char *text)
{
	error_set(c->e, "%s:%zu:%zu: %s", c->path, at.line + 1, at.column + 1, text);
	return false;
}

static bool value_own(struct config *c, const yaml_event_t *ev, struct bytes v)
{
	char text[256];
	if (site_add(c->site, v))
		return true;
	snprintf(text, sizeof(text), "own_networks: \"%.*s\" is not a network; write 192.0.2.0/24 or 2001:db8::/32, "
		 "at most %d of them", (int)(v.n < 60 ? v.n : 60), (const char *)v.p, SITE_NETWORKS);
	return fail(c, ev->start_mark, text);
}

static bool value_vantage(struct config *c, const yaml_event_t *ev, struct bytes v)
{
	int word = word_index(fact_table[F_vantage].words, v);
	if (word < 0)
		return fail(c, ev->start_mark,
			    "vantage: it is egress-outside, egress-inside, dmz, server-side or unknown");
	c->site->vantage = (enum vantage)word;
	return true;
}

static bool value(struct config *c, enum key key, const yaml_event_t *ev)
{
	struct bytes v = { ev->data.scalar.value, ev->data.scalar.length };
	if (ev->data.scalar.anchor)
		return fail(c, ev->start_mark, "anchors are not allowed here");
	switch (key) {
	case KEY_OWN_NETWORKS:
		return value_own(c, ev, v);
	case KEY_VANTAGE:
		return value_vantage(c, ev, v);
	case KEYS:
		break;
	}
	return false;
}

static bool next(struct config *c, yaml_event_t *ev)
{
	if (yaml_parser_parse(&c->yaml, ev))
		return true;
	error_set(c->e, "%s:%zu:%zu: not YAML: %s", c->path, c->yaml.problem_mark.line + 1,
		  c->yaml.problem_mark.column + 1, c->yaml.problem ? c->yaml.problem : "unreadable");
	return false;
}

/* The value of key: a scalar, or (networks only) a list of scalars. */
static bool values(struct config *c, enum key key)
{
	yaml_event_t ev;
	bool ok = true, in_list = false;
	do {
		if (!next(c, &ev))
			return false;
		if (ev.type == YAML_SCALAR_EVENT)
			ok = value(c, key, &ev);
		else if (ev.type == YAML_SEQUENCE_START_EVENT && !in_list && key == KEY_OWN_NETWORKS)
			in_list = true;
		else if (ev.type == YAML_SEQUENCE_END_EVENT)
			in_list = false;
		else
			ok = fail(c, ev.start_mark, key == KEY_OWN_NETWORKS ? "a list of networks belongs here" :
				  "one word belongs here");
		yaml_event_delete(&ev);
	} while (ok && in_list);
	return ok;
}

static const char *nearest(const char *word)
{
	for (int k = 0; k < KEYS; k++)
		if (word[0] == keys[k][0])
			return keys[k];
	return NULL;
}

static bool unknown_key(struct config *c, const yaml_event_t *ev)
{
	char text[256];
	const char *word = (const char *)ev->data.scalar.value, *near = nearest(word);
	snprintf(text, sizeof(text), near ? "no key \"%.60s\"; did you mean \"%s\"?" :
		 "no key \"%.60s\"; the keys are own_networks and vantage%s", word, near ? near : "");
	return fail(c, ev->start_mark, text);
}

static bool pair(struct config *c, const yaml_event_t *ev)
{
	struct bytes name = { ev->data.scalar.value, ev->data.scalar.length };
	for (int k = 0; k < KEYS; k++) {
		if (!bytes_eq(name, bytes_of(keys[k])))
			continue;
		if (c->given & 1u << k)
			return fail(c, ev->start_mark, "the key stands here a second time");
		c->given |= 1u << k;
		return values(c, (enum key)k);
	}
	return unknown_key(c, ev);
}

static bool document(struct config *c)
{
	yaml_event_t ev;
	bool ok = true, done = false, top = false;
	while (ok && !done) {
		if (!next(c, &ev))
			return false;
		if (ev.type == YAML_STREAM_END_EVENT)
			done = true;
		else if (ev.type == YAML_MAPPING_START_EVENT && !top)
			top = true;
		else if (ev.type == YAML_SCALAR_EVENT && top)
			ok = pair(c, &ev);
		else if (ev.type == YAML_SCALAR_EVENT && ev.data.scalar.length)
			ok = fail(c, ev.start_mark, "keys with values belong here, as in: vantage: dmz");
		else if (ev.type == YAML_SEQUENCE_START_EVENT || ev.type == YAML_ALIAS_EVENT ||
			 ev.type == YAML_MAPPING_START_EVENT)
			ok = fail(c, ev.start_mark, "keys with values belong here, as in: vantage: dmz");
		yaml_event_delete(&ev);
	}
	return ok;
}

bool config_read(const char *path, struct site *site, struct error *e)
{
	struct config c = { .path = path, .site = site, .e = e };
	FILE *f = fopen(path, "rb");
	if (!f) {
		error_set(e, "%s: cannot read the configuration: %m", path);
		return false;
	}
	if (!yaml_parser_initialize(&c.yaml)) {
		error_set(e, "%s: no memory", path);
		fclose(f);
		return false;
	}
	yaml_parser_set_input_file(&c.yaml, f);
	bool ok = document(&c);
	yaml_parser_delete(&c.yaml);
	fclose(f);
	return ok;
}
