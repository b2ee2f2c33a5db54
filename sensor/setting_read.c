/* setting_read: see setting_read.h. One function a type of value. It knows how values are written and what range their
 * row gives them, not which keys there are. */
#include "setting_read.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "node_read.h"
#include "quantity.h"
#include "scalar.h"
#include "setting_output.h"
#include "setting_policy.h"
#include "setting_watch.h"
#include "upstream.h"
#include "upstream_spec.h"

enum { MAP_KEYS = 32 };

bool setting_is_default(const struct node *value)
{
	return !value->key;
}

const struct node *setting_default(struct settings *s, const struct setting_info *t, struct error *e)
{
	struct node *out = NULL;
	return yaml_tree_read(&s->arena, "default", bytes_of(t->fallback), &out, e) ? out : NULL;
}

const char *setting_path(struct settings *s, struct bytes text)
{
	size_t n = text.n && text.p[0] == '/' ? 0 : strlen(s->folder);
	char *path = arena_take(&s->arena, n + text.n + 1);
	memcpy(path, s->folder, n);
	memcpy(path + n, text.p, text.n);
	return path;
}

/* "; NONE: there is none" for the messages. */
static const char *or_none(const struct setting_info *t, char buf[32])
{
	if (t->other[0])
		snprintf(buf, 32, ", or %s", t->other);
	return t->other[0] ? buf : "";
}

static bool is_none(const struct setting_info *t, const struct node *n)
{
	return t->other[0] && node_is(n, t->other);
}

static bool scalar(const struct setting_info *t, const struct node *n, const char *what, struct error *e)
{
	char none[32];
	if (n->kind != NODE_SCALAR)
		return node_error(e, n, "%s: %s belongs here%s", t->name, what, or_none(t, none));
	if (scalar_type(n) == SCALAR_NULL)
		return node_error(e, n, "%s: the value is missing; leave the key out for the default", t->name);
	return true;
}

static bool yes(const struct setting_info *t, bool *out, const struct node *n, struct error *e)
{
	if (!scalar(t, n, "true or false", e))
		return false;
	*out = scalar_type(n) == SCALAR_TRUE;
	return *out || scalar_type(n) == SCALAR_FALSE || node_error(e, n, "%s: true or false belongs here", t->name);
}

static enum quantity number(const struct setting_info *t, struct bytes text, uint64_t *out)
{
	return t->type == KEPT_SIZE ? quantity_size(text, out) :
	       t->type == KEPT_DURATION ? quantity_duration(text, out) : quantity_count(text, out);
}

static bool in_range(const struct setting_info *t, uint64_t v)
{
	uint64_t least = 0, most = 0;
	number(t, bytes_of(t->least), &least);
	number(t, bytes_of(t->most), &most);
	return v >= least && v <= most;
}

/* what, how: for the messages. */
static bool quantity(const struct setting_info *t, uint64_t *out, const struct node *n, const char *what, const char *how,
		     struct error *e)
{
	char none[32];
	*out = 0;
	if (!scalar(t, n, what, e))
		return false;
	if (is_none(t, n))
		return true;
	switch (number(t, n->text, out)) {
	case QUANTITY_BARE:
		return node_error(e, n, "%s: %.*s of what? Write %s, as in %s", t->name, TEXT(n->text), how, t->least);
	case QUANTITY_BAD:
		return node_error(e, n, "%s: \"%.*s\" is not %s; write %s, as in %s%s", t->name, TEXT(n->text), what, how, t->least,
				  or_none(t, none));
	case QUANTITY_GOOD:
		break;
	}
	return in_range(t, *out) || node_error(e, n, "%s: %.*s is out of range; it is %s to %s%s", t->name, TEXT(n->text), t->least,
					       t->most, or_none(t, none));
}

static bool count(const struct setting_info *t, uint32_t *out, const struct node *n, struct error *e)
{
	uint64_t v;
	if (!quantity(t, &v, n, "a number", "a whole number", e))
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool size(const struct setting_info *t, uint64_t *out, const struct node *n, struct error *e)
{
	return quantity(t, out, n, "a size", "a whole number and B, KiB, MiB, GiB, TiB, kB, MB, GB or TB", e);
}

static bool duration(const struct setting_info *t, uint64_t *out, const struct node *n, struct error *e)
{
	return quantity(t, out, n, "a duration", "a whole number and ms, s, m, h or d", e);
}

/* "a, b or c" */
static const char *all_words(const char *const *words, char *buf, size_t cap)
{
	size_t at = 0;
	for (size_t i = 0; words[i] && at < cap; i++)
		at += (size_t)snprintf(buf + at, cap - at, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
	return buf;
}

static bool word(const struct setting_info *t, int *out, const struct node *n, struct error *e)
{
	char all[160];
	const char *const *words = setting_words(t);
	size_t known = 0;
	if (!scalar(t, n, all_words(words, all, sizeof(all)), e))
		return false;
	*out = word_index(words, n->text);
	if (*out >= 0)
		return true;
	while (words[known])
		known++;
	const char *near = nearest_word(words, known, n->text);
	if (near)
		return node_error(e, n, "%s: no \"%.*s\"; did you mean \"%s\"?", t->name, TEXT(n->text), near);
	return node_error(e, n, "%s: no \"%.*s\"; it is %s", t->name, TEXT(n->text), all_words(words, all, sizeof(all)));
}

static bool word_of(const struct setting_info *t, uint8_t *out, const struct node *n, struct error *e)
{
	int i;
	if (!word(t, &i, n, e))
		return false;
	*out = (uint8_t)i;
	return true;
}

const struct node *setting_entries(const struct node *value)
{
	return value->kind == NODE_LIST ? value->first : value;
}

const struct node *setting_next(const struct node *value, const struct node *n)
{
	return n == value ? NULL : n->next;
}

bool setting_list(const struct setting_info *t, const struct node *value, const char *what, size_t *count_out,
		  struct error *e)
{
	size_t most = t->most[0] ? strtoul(t->most, NULL, 10) : SIZE_MAX;
	*count_out = 0;
	for (const struct node *n = setting_entries(value); n; n = setting_next(value, n)) {
		if (!scalar(t, n, what, e))
			return false;
		if (++*count_out > most)
			return node_error(e, n, "%s: at most %zu of them", t->name, most);
		for (const struct node *o = setting_entries(value); o != n; o = o->next)
			if (bytes_eq(o->text, n->text))
				return node_error(e, n, "%s: \"%.*s\" stands in this list a second time", t->name, TEXT(n->text));
	}
	return *count_out >= (t->least[0] ? strtoul(t->least, NULL, 10) : 0) ||
	       node_error(e, value, "%s: at least one belongs here", t->name);
}

static bool datasets(const struct setting_info *t, uint32_t *out, const struct node *value, struct error *e)
{
	size_t count_unused;
	int i;
	*out = 0;
	if (!setting_list(t, value, "a kind of event", &count_unused, e))
		return false;
	for (const struct node *n = setting_entries(value); n; n = setting_next(value, n)) {
		if (!word(t, &i, n, e))
			return false;
		*out |= UINT32_C(1) << i;
	}
	return *out || node_error(e, value, "%s: at least one belongs here", t->name);
}

static size_t longest(const struct setting_info *t)
{
	return t->most[0] ? strtoul(t->most, NULL, 10) : SITE_PATH - 1;
}

static bool text(struct settings *s, const struct setting_info *t, const char **out, const struct node *n, struct error *e)
{
	char none[32];
	*out = NULL;
	if (!scalar(t, n, "a text", e))
		return false;
	if (n->text.n == 0 || n->text.n > longest(t))
		return node_error(e, n, "%s: a text of 1 to %zu octets belongs here%s", t->name, longest(t), or_none(t, none));
	if (!is_none(t, n))
		*out = arena_string(&s->arena, n->text);
	return true;
}

static bool path(struct settings *s, const struct setting_info *t, const char **out, const struct node *n, struct error *e)
{
	char none[32];
	*out = NULL;
	if (!scalar(t, n, "a path", e))
		return false;
	if (n->text.n == 0)
		return node_error(e, n, "%s: a path belongs here%s", t->name, or_none(t, none));
	if (is_none(t, n))
		return true;
	*out = setting_path(s, n->text);
	return strlen(*out) <= longest(t) || node_error(e, n, "%s: a path of at most %zu octets", t->name, longest(t));
}

static bool name(struct settings *s, const struct setting_info *t, const char **out, const struct node *n, struct error *e)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_", more[] = "0123456789.-";
	*out = NULL;
	if (!scalar(t, n, "a name", e))
		return false;
	bool good = n->text.n >= 1 && n->text.n <= 32 && strchr(letters, n->text.p[0]);
	for (size_t i = 0; good && i < n->text.n; i++)
		good = strchr(letters, n->text.p[i]) || strchr(more, n->text.p[i]);
	*out = arena_string(&s->arena, n->text);
	return good || node_error(e, n, "%s: \"%.*s\" is not the name of a %s of this machine", t->name, TEXT(n->text), t->name);
}

/* Digits that are a port; 0: they are not. */
static uint16_t port_of(struct bytes digits)
{
	uint64_t v;
	return quantity_count(digits, &v) == QUANTITY_GOOD && v <= UINT16_MAX ? (uint16_t)v : 0;
}

static bool is_loopback(struct bytes host)
{
	char buf[INET6_ADDRSTRLEN + 2];
	struct in6_addr six;
	struct in_addr four;
	if (host.n == 0 || host.n >= sizeof(buf))
		return false;
	memcpy(buf, host.p, host.n);
	buf[host.n] = '\0';
	if (buf[0] == '[' && buf[host.n - 1] == ']') {
		buf[host.n - 1] = '\0';
		return inet_pton(AF_INET6, buf + 1, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
	}
	return inet_pton(AF_INET, buf, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

static bool address(struct settings *s, const struct setting_info *t, const char **out, const struct node *n, struct error *e)
{
	if (!text(s, t, out, n, e) || !*out)
		return *out || is_none(t, n);
	const char *colon = strrchr(*out, ':');
	if (strncmp(*out, "unix:/", 6) == 0 && strlen(*out + 5) < 108)
		return true;
	if (colon && port_of(bytes_of(colon + 1)) && is_loopback((struct bytes){ n->text.p, (size_t)(colon - *out) }))
		return true;
	return node_error(e, n, "%s: \"%.*s\" is not a port of this machine's loopback; write 127.0.0.1:9464, [::1]:9464, unix:/path or %s",
			  t->name, TEXT(n->text), t->other);
}

/* The entries with commas between, in the arena; NULL: none. */
static const char *joined(struct settings *s, const struct node *value)
{
	size_t n = 0, at = 0;
	for (const struct node *v = setting_entries(value); v; v = setting_next(value, v))
		n += v->text.n + 1;
	char *to = n ? arena_take(&s->arena, n) : NULL;
	for (const struct node *v = setting_entries(value); v; v = setting_next(value, v)) {
		if (at)
			to[at++] = ',';
		memcpy(to + at, v->text.p, v->text.n);
		at += v->text.n;
	}
	return to;
}

static struct bytes before_equals(struct bytes b)
{
	const uint8_t *equals = memchr(b.p, '=', b.n);
	return equals ? bytes_head(b, (size_t)(equals - b.p)) : b;
}

static bool mail_port(const struct setting_info *t, const struct node *n, const struct node *first, struct error *e)
{
	struct bytes digits = before_equals(n->text), rest = { n->text.p + digits.n, n->text.n - digits.n };
	if (!port_of(digits) || (rest.n && !bytes_eq(rest, bytes_of("=tls"))))
		return node_error(e, n, "%s: \"%.*s\" is not a port; write 25, or 465=tls where TLS is spoken from the first octet",
				  t->name, TEXT(n->text));
	for (; first != n; first = first->next)
		if (bytes_eq(before_equals(first->text), digits))
			return node_error(e, n, "%s: port %.*s stands in this list a second time", t->name, TEXT(digits));
	return true;
}

static bool mail_ports(struct settings *s, const struct setting_info *t, const char **out, const struct node *value, struct error *e)
{
	size_t unused;
	if (!setting_list(t, value, "a port", &unused, e))
		return false;
	for (const struct node *n = setting_entries(value); n; n = setting_next(value, n))
		if (!mail_port(t, n, setting_entries(value), e))
			return false;
	*out = joined(s, value);
	return true;
}

static bool servers(struct settings *s, const struct setting_info *t, const char **out, const struct node *value, struct error *e)
{
	struct dns_peer unused;
	struct error why = { "" };
	size_t count_unused;
	bool tls;
	if (!setting_list(t, value, "a resolver", &count_unused, e))
		return false;
	for (const struct node *n = setting_entries(value); n; n = setting_next(value, n)) {
		if (n->text.n >= UPSTREAM_TEXT || memchr(n->text.p, ',', n->text.n))
			return node_error(e, n, "%s: one server of less than %d characters belongs here", t->name, UPSTREAM_TEXT);
		if (!upstream_spec((const char *)n->text.p, &unused, &tls, &why))
			return node_error(e, n, "%s: %.300s", t->name, why.text);
	}
	*out = joined(s, value);
	return true;
}

static bool is_interface(struct bytes b)
{
	bool good = b.n >= 1 && b.n <= 15 && !bytes_eq(b, bytes_of(".")) && !bytes_eq(b, bytes_of(".."));
	for (size_t i = 0; good && i < b.n; i++)
		good = b.p[i] > ' ' && b.p[i] != 0x7f && b.p[i] != '/' && b.p[i] != ',';
	return good;
}

static bool is_label(struct bytes b)
{
	bool good = b.n >= 1 && b.n <= 63;
	for (size_t i = 0; good && i < b.n; i++)
		good = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", b.p[i]);
	return good;
}

/* A name with a dot behind it or not. */
static bool is_zone(struct bytes b)
{
	size_t from = 0;
	b.n -= b.n > 1 && b.p[b.n - 1] == '.';
	for (size_t i = 0; i <= b.n; i++) {
		if (i < b.n && b.p[i] != '.')
			continue;
		if (!is_label((struct bytes){ b.p + from, i - from }))
			return false;
		from = i + 1;
	}
	return b.n <= 253;
}

static bool is_canary(struct bytes b)
{
	struct bytes zone = before_equals(b), rest = { b.p + zone.n, b.n - zone.n };
	return is_zone(zone) && (rest.n == 0 || bytes_eq(rest, bytes_of("=bogus")));
}

static bool texts(struct settings *s, const struct setting_info *t, struct setting_texts *out, const struct node *value, struct error *e)
{
	bool zones = t->type == KEPT_ZONES;
	size_t i = 0;
	*out = (struct setting_texts){ NULL, 0 };
	if (!setting_list(t, value, zones ? "a zone" : "an interface", &out->n, e))
		return false;
	const char **to = arena_take(&s->arena, (out->n + 1) * sizeof(*to));
	for (const struct node *n = setting_entries(value); n; n = setting_next(value, n)) {
		if (zones ? !is_canary(n->text) : !is_interface(n->text))
			return node_error(e, n, zones ? "%s: \"%.*s\" is not a zone; write example.org, or example.org=bogus" :
					  "%s: \"%.*s\" is not the name of an interface", t->name, TEXT(n->text));
		to[i++] = arena_string(&s->arena, n->text);
	}
	out->text = to;
	return true;
}

static bool network(const struct setting_info *t, const struct node *n, struct networks *to, struct error *e)
{
	if (n->kind != NODE_SCALAR)
		return node_error(e, n, "%s: a network belongs here, such as 192.0.2.0/24", t->name);
	if (networks_add(to, n->text))
		return true;
	return node_error(e, n, "%s: \"%.*s\" is not a network; write 192.0.2.0/24 or 2001:db8::/32, at most %d of them", t->name,
			  TEXT(n->text), SITE_NETWORKS);
}

static bool networks(const struct setting_info *t, struct networks *to, const struct node *value, struct error *e)
{
	to->n = 0;
	for (const struct node *n = setting_entries(value); n; n = setting_next(value, n))
		if (!network(t, n, to, e))
			return false;
	return true;
}

static bool mirror(struct settings *s, const struct setting_info *t, const struct node *value, struct error *e)
{
	s->site.mirror.n = 0;
	s->site.mirror_all = value->kind == NODE_SCALAR && node_is(value, "true");
	return s->site.mirror_all || (value->kind == NODE_SCALAR && node_is(value, "false")) ||
	       networks(t, &s->site.mirror, value, e);
}

static bool ca_file(struct settings *s, const struct setting_info *t, const struct node *n, struct error *e)
{
	s->site.ca_file[0] = '\0';
	if (n->kind != NODE_SCALAR || scalar_type(n) == SCALAR_NULL || n->text.n == 0)
		return node_error(e, n, "ca_file: the path of a PEM file belongs here, or none, or system");
	if (is_none(t, n))
		return true;
	const char *file = node_is(n, "none") ? "none" : setting_path(s, n->text);
	if (strlen(file) >= sizeof(s->site.ca_file))
		return node_error(e, n, "ca_file: a path of less than %d octets belongs here", SITE_PATH);
	memcpy(s->site.ca_file, file, strlen(file) + 1);
	return true;
}

static bool dns_ports(struct settings *s, const struct setting_info *t, const struct node *value, struct error *e)
{
	size_t n_unused;
	s->site.ndns = 0;
	if (!setting_list(t, value, "a port", &n_unused, e))
		return false;
	for (const struct node *n = setting_entries(value); n; n = setting_next(value, n)) {
		uint16_t port = port_of(n->text);
		if (!port)
			return node_error(e, n, "%s: a port belongs here, 1 to 65535", t->name);
		s->site.dns_port[s->site.ndns++] = port;
	}
	return true;
}

static bool vantage(struct settings *s, const struct setting_info *t, const struct node *n, struct error *e)
{
	int i;
	if (!word(t, &i, n, e))
		return false;
	s->site.vantage = (enum vantage)i;
	return true;
}

/* rules, rules_off, rule_levels: rule_site keeps their nodes. */
static bool of_rules(struct settings *s, const struct setting_info *t, const struct node *value, struct error *e)
{
	bool taken, none = setting_is_default(value) || is_none(t, value);
	if (none && t->type == KEPT_RULES)
		s->rules.dir = NULL;
	else if (none && t->type == KEPT_RULES_OFF)
		s->rules.off = NULL;
	else if (none)
		s->rules.level = NULL;
	return none || rule_site_key(&s->rules, value, &taken, e);
}

static bool map_known(const struct setting_map *m, const struct node *map, struct error *e)
{
	const char *keys[MAP_KEYS];
	for (size_t i = 0; i < m->rows; i++)
		keys[i] = m->row[i].name;
	if (map->kind != NODE_MAP)
		return node_error(e, map, "%s: a map belongs here, as in: %s", m->name, m->example);
	return known_keys(e, map, keys, m->rows);
}

static bool map_read(struct settings *s, const struct setting_map *m, void *out, const struct node *map, struct error *e)
{
	const bool output = m->type == KEPT_OUTPUTS;
	if (!map_known(m, map, e) || (output && !setting_output_keys(map, e)))
		return false;
	for (size_t i = 0; i < m->rows; i++) {
		const struct setting_info *t = &m->row[i];
		const struct node *value = node_get(map, t->name);
		if (output && !setting_output_has(map, t->name))
			continue;
		if (!value && !t->fallback[0])
			return node_error(e, map, "%s: the key \"%s\" is missing, as in: %s", m->name, t->name, m->example);
		if (!value)
			value = setting_default(s, t, e);
		if (!value || !setting_read(s, t, out, value, e))
			return false;
	}
	return true;
}

static bool same_text(const struct node *a, const struct node *b)
{
	return a && b && bytes_eq(a->text, b->text);
}

/* Two entries of one name would be taken for each other. */
static bool map_apart(const struct setting_map *m, const void *all, const void *entry, const struct node *first,
		      const struct node *map, struct error *e)
{
	if (m->type == KEPT_OUTPUTS)
		return setting_output_apart(all, entry, first, map, e);
	for (; first != map; first = first->next)
		if (same_text(node_get(first, "name"), node_get(map, "name")))
			return node_error(e, map, "%s: another one has this name already", m->name);
	return true;
}

/* What belongs together in one entry. */
static bool map_good(enum setting_type type, const void *entry, const struct node *map, struct error *e)
{
	if (type == KEPT_OUTPUTS)
		return setting_output_good(entry, map, e);
	if (type == KEPT_POLICY)
		return setting_promise_good(entry, map, e);
	if (type == KEPT_SUPPRESS)
		return setting_suppress_good(entry, map, e);
	return type != KEPT_INSPECTIONS || setting_inspection_good(entry, map, e);
}

static void maps_keep(enum setting_type type, void *out, const void *at, size_t n)
{
	if (type == KEPT_OUTPUTS)
		*(struct setting_outputs *)out = (struct setting_outputs){ at, n };
	else if (type == KEPT_POLICY)
		*(struct policy_promises *)out = (struct policy_promises){ at, n };
	else if (type == KEPT_SUPPRESS)
		*(struct suppress_entries *)out = (struct suppress_entries){ at, n };
	else if (type == KEPT_ROUTES)
		*(struct policy_routes *)out = (struct policy_routes){ at, n };
	else
		*(struct policy_inspections *)out = (struct policy_inspections){ at, n };
}

static bool maps(struct settings *s, const struct setting_info *t, void *out, const struct node *value, struct error *e)
{
	const struct setting_map *m = setting_map_of(t);
	size_t most = strtoul(t->most, NULL, 10), i = 0;
	maps_keep(t->type, out, NULL, 0);
	if (value->kind != NODE_LIST)
		return node_error(e, value, "%s: a list belongs here, as in: [%s]", m->name, m->example);
	uint8_t *to = arena_take(&s->arena, (node_children(value) + 1) * m->size);
	for (const struct node *n = value->first; n; n = n->next, i++) {
		if (i == most)
			return node_error(e, n, "%s: at most %zu of them", m->name, most);
		void *entry = to + i * m->size;
		if (!map_read(s, m, entry, n, e) || !map_good(t->type, entry, n, e) || !map_apart(m, to, entry, value->first, n, e))
			return false;
	}
	maps_keep(t->type, out, to, i);
	return true;
}

bool setting_read(struct settings *s, const struct setting_info *t, void *base, const struct node *value, struct error *e)
{
	void *at = (char *)base + t->at;
	switch (t->type) {
	case KEPT_YES:
		return yes(t, at, value, e);
	case KEPT_COUNT:
		return count(t, at, value, e);
	case KEPT_SIZE:
		return size(t, at, value, e);
	case KEPT_DURATION:
		return duration(t, at, value, e);
	case KEPT_WORD:
	case KEPT_LEVEL:
		return word_of(t, at, value, e);
	case KEPT_DATASETS:
		return datasets(t, at, value, e);
	case KEPT_TEXT:
		return text(s, t, at, value, e);
	case KEPT_USER:
	case KEPT_GROUP:
		return name(s, t, at, value, e);
	case KEPT_IN_FILE:
	case KEPT_OUT_FILE:
	case KEPT_FOLDER:
	case KEPT_PROGRAM:
		return path(s, t, at, value, e);
	case KEPT_ADDRESS:
		return address(s, t, at, value, e);
	case KEPT_MAIL_PORTS:
		return mail_ports(s, t, at, value, e);
	case KEPT_SERVERS:
		return servers(s, t, at, value, e);
	case KEPT_INTERFACES:
	case KEPT_ZONES:
		return texts(s, t, at, value, e);
	case KEPT_PROPERTIES:
		return setting_properties(s, t, at, value, e);
	case KEPT_OUTPUTS:
	case KEPT_POLICY:
	case KEPT_ROUTES:
	case KEPT_INSPECTIONS:
	case KEPT_SUPPRESS:
		return maps(s, t, at, value, e);
	case KEPT_NAMES:
	case KEPT_NETS:
	case KEPT_PORTS:
	case KEPT_PIN_SPKI:
	case KEPT_PIN_CA:
	case KEPT_FORMS:
	case KEPT_DOMAIN:
	case KEPT_HOST:
	case KEPT_DATE:
		return setting_policy(s, t, at, value, e);
	case KEPT_MAIL_DOMAIN:
	case KEPT_HOSTS:
	case KEPT_WHEN:
	case KEPT_WATCH_DOMAINS:
		return setting_watch(s, t, at, value, e);
	case KEPT_VANTAGE:
		return vantage(s, t, value, e);
	case KEPT_CA_FILE:
		return ca_file(s, t, value, e);
	case KEPT_DNS_PORTS:
		return dns_ports(s, t, value, e);
	case KEPT_NETWORKS:
		return networks(t, at, value, e);
	case KEPT_MIRROR:
		return mirror(s, t, value, e);
	case KEPT_RULES:
	case KEPT_RULES_OFF:
	case KEPT_RULE_LEVELS:
		return of_rules(s, t, value, e);
	}
	return false;
}
