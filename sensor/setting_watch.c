/* setting_watch: see setting_watch.h. It knows how these values are written, and asks nobody whether a domain exists. */
#include "setting_watch.h"

#include <stdlib.h>
#include <time.h>

#include "judge/identity.h"
#include "node_read.h"
#include "scalar.h"
#include "setting_read.h"

static bool scalar(const struct setting_info *t, const struct node *n, struct error *e)
{
	return (n->kind == NODE_SCALAR && scalar_type(n) != SCALAR_NULL) || node_error(e, n, "%s: the value is missing, or no text", t->name);
}

/* A mail domain or a host, in the form in which the DNS is asked for it. */
static bool domain(struct settings *s, const struct setting_info *t, const char **out, const struct node *n, struct error *e)
{
	char name[NAME_MAX_TEXT + 1];
	*out = NULL;
	if (!scalar(t, n, e))
		return false;
	if (!identity_name(n->text, name))
		return node_error(e, n, "%s: \"%.*s\" is not a domain of at least two labels; write example.org", t->name, TEXT(n->text));
	*out = arena_string(&s->arena, bytes_of(name));
	return true;
}

static bool hosts(struct settings *s, const struct setting_info *t, struct watch_hosts *out, const struct node *value, struct error *e)
{
	size_t i = 0;
	*out = (struct watch_hosts){ NULL, 0 };
	if (!setting_list(t, value, "a host", &out->n, e))
		return false;
	const char **to = arena_take(&s->arena, (out->n + 1) * sizeof(*to));
	for (const struct node *n = setting_entries(value); n; n = setting_next(value, n))
		if (!domain(s, t, &to[i++], n, e))
			return false;
	out->at = to;
	return true;
}

static bool is_digits(struct bytes b, const char *form)
{
	if (b.n != strlen(form))
		return false;
	for (size_t i = 0; i < b.n; i++)
		if (form[i] == '0' ? b.p[i] < '0' || b.p[i] > '9' : b.p[i] != (uint8_t)form[i])
			return false;
	return true;
}

static int digits(struct bytes b, size_t at, size_t n)
{
	int v = 0;
	for (size_t i = at; i < at + n; i++)
		v = 10 * v + b.p[i] - '0';
	return v;
}

/* A day of the calendar, or a time of it in UTC. */
static bool date(const struct setting_info *t, int64_t *out, const struct node *n, struct error *e)
{
	static const char day[] = "0000-00-00", time[] = "0000-00-00T00:00:00Z";
	*out = 0;
	if (!scalar(t, n, e))
		return false;
	if (node_is(n, t->other))
		return true;
	struct bytes b = n->text;
	bool whole = is_digits(b, time);
	if (!whole && !is_digits(b, day))
		return node_error(e, n, "%s: \"%.*s\" is no day; write 2026-11-25, or 2026-11-25T18:00:00Z, or %s", t->name, TEXT(b), t->other);
	struct tm tm = { .tm_year = digits(b, 0, 4) - 1900, .tm_mon = digits(b, 5, 2) - 1, .tm_mday = digits(b, 8, 2) };
	if (whole) {
		tm.tm_hour = digits(b, 11, 2);
		tm.tm_min = digits(b, 14, 2);
		tm.tm_sec = digits(b, 17, 2);
	}
	struct tm back = tm;
	*out = (int64_t)timegm(&back) * 1000000000;
	return (tm.tm_year >= 70 && tm.tm_year < 300 && back.tm_mon == tm.tm_mon && back.tm_mday == tm.tm_mday &&
		back.tm_hour == tm.tm_hour && back.tm_min == tm.tm_min) ||
	       node_error(e, n, "%s: \"%.*s\": there is no such time", t->name, TEXT(b));
}

static bool known(const struct setting_map *m, const struct node *map, struct error *e)
{
	const char *keys[16];
	for (size_t i = 0; i < m->rows && i < COUNT(keys); i++)
		keys[i] = m->row[i].name;
	return known_keys(e, map, keys, m->rows);
}

/* An entry: a domain, or a map of which it is one key. */
static bool watch_domain(struct settings *s, const struct setting_map *m, struct watch_domain *out, const struct node *entry, struct error *e)
{
	bool map = entry->kind == NODE_MAP;
	if (map && !known(m, entry, e))
		return false;
	for (size_t i = 0; i < m->rows; i++) {
		const struct setting_info *t = &m->row[i];
		const struct node *value = map ? node_get(entry, t->name) : t->type == KEPT_MAIL_DOMAIN ? entry : NULL;
		if (!value && !t->fallback[0])
			return node_error(e, entry, "watch_domains: the key \"%s\" is missing, as in: {domain: example.org}", t->name);
		if (!value)
			value = setting_default(s, t, e);
		if (!value || !setting_read(s, t, out, value, e))
			return false;
	}
	return true;
}

static int by_domain(const void *a, const void *b)
{
	const struct watch_domain *const *x = a, *const *y = b;
	return strcmp((*x)->domain, (*y)->domain);
}

/* The place of a domain that stands in to[0, n) twice, or n. */
static size_t watched_twice(struct settings *s, const struct watch_domain *to, size_t n)
{
	const struct watch_domain **order = arena_take(&s->arena, (n + 1) * sizeof(*order));
	for (size_t i = 0; i < n; i++)
		order[i] = &to[i];
	qsort(order, n, sizeof(*order), by_domain);
	for (size_t i = 1; i < n; i++)
		if (strcmp(order[i - 1]->domain, order[i]->domain) == 0)
			return (size_t)((order[i - 1] > order[i] ? order[i - 1] : order[i]) - to);
	return n;
}

static bool watch_domains(struct settings *s, const struct setting_info *t, struct watch_domains *out, const struct node *value,
			  struct error *e)
{
	size_t most = strtoul(t->most, NULL, 10), i = 0;
	*out = (struct watch_domains){ NULL, 0 };
	if (value->kind != NODE_LIST)
		return node_error(e, value, "watch_domains: a list belongs here, as in: [example.org, {domain: example.net, role: own}]");
	struct watch_domain *to = arena_take(&s->arena, (node_children(value) + 1) * sizeof(*to));
	for (const struct node *n = value->first; n; n = n->next, i++) {
		if (i == most)
			return node_error(e, n, "watch_domains: at most %zu of them", most);
		if (!watch_domain(s, setting_map_of(t), &to[i], n, e))
			return false;
	}
	size_t twice = watched_twice(s, to, i);
	const struct node *at = value->first;
	for (size_t k = 0; at && k < twice; k++)
		at = at->next;
	if (twice < i)
		return node_error(e, at, "watch_domains: %s stands in this list a second time", to[twice].domain);
	*out = (struct watch_domains){ to, i };
	return true;
}

bool setting_watch(struct settings *s, const struct setting_info *t, void *at, const struct node *value, struct error *e)
{
	if (t->type == KEPT_MAIL_DOMAIN)
		return domain(s, t, at, value, e);
	if (t->type == KEPT_HOSTS)
		return hosts(s, t, at, value, e);
	if (t->type == KEPT_WHEN)
		return date(t, at, value, e);
	return watch_domains(s, t, at, value, e);
}
