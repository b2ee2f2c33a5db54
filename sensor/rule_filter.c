/* rule_filter: see rule_filter.h. By Sigma's specification of filters the condition of a filter is joined to that of the
 * rules it names by "and"; `condition: not selection` therefore makes selection an exception. What an exception must not
 * do here is to hide a finding because something was not seen: the linter holds that. */
#include "rule_filter.h"

#include "node_read.h"
#include "rule_set.h"

static const char *const keys[] = { "title", "id", "description", "references", "author", "date", "modified", "license",
				    "logsource", "filter" };

/* Filters are for a product, a product's service, or both: for rules of ours, anything but another service. */
static bool logsource(struct error *e, const struct node *doc, bool *skip, uint8_t *of)
{
	const struct node *service;
	if (!logsource_read(e, doc, skip, &service))
		return false;
	*of = service_read(service);
	return *skip || *of ||
	       node_error(e, service, "no rule has this service; write session, stats, posture, or leave it out for session");
}

static bool headline(struct error *e, const struct node *doc, struct rule_filter *f)
{
	const char *unused;
	if (!known_keys(e, doc, keys, COUNT(keys)))
		return false;
	for (const struct node *v = doc->first; v; v = v->next) {
		bool ok = true;
		if (node_is(v->key, "title"))
			ok = text_read(e, v, 200, &f->title);
		else if (node_is(v->key, "id"))
			ok = uuid_read(e, v, &f->uuid);
		else if (node_is(v->key, "description"))
			ok = text_read(e, v, 4096, &f->description);
		else if (node_is(v->key, "references"))
			ok = texts_read(e, v, RULE_LIST);
		else if (node_is(v->key, "date") || node_is(v->key, "modified"))
			ok = date_read(e, v);
		else if (node_is(v->key, "author") || node_is(v->key, "license"))
			ok = text_read(e, v, 4096, &unused);
		if (!ok)
			return false;
	}
	if (!f->title[0] || !f->uuid[0])
		return node_error(e, doc, "%s is missing", f->title[0] ? "id" : "title");
	return true;
}

/* rules: a list of names or UUIDs, or the word any. */
static bool for_which(struct error *e, const struct node *filter, struct rule_filter *f, const struct node **out)
{
	const struct node *n = node_get(filter, "rules");
	*out = n;
	if (!n)
		return node_error(e, filter, "rules is missing: a list of names or ids of rules, or any");
	f->any = node_is(n, "any");
	if (f->any)
		return true;
	if (n->kind != NODE_LIST || !n->first)
		return node_error(e, n, "a list of names or ids of rules belongs here, or any");
	return texts_read(e, n, RULE_LIST);
}

static bool unique(const struct rules *r, struct error *e, const struct node *doc, const struct rule_filter *f)
{
	for (size_t i = 0; i < r->filters; i++)
		if (strcmp(r->filter[i]->uuid, f->uuid) == 0)
			return node_error(e, node_get(doc, "id"), "the id is used at %s:%u already", r->filter[i]->file,
					  r->filter[i]->line);
	return true;
}

static bool filter_read(struct rules *r, struct error *e, const struct node *doc, uint8_t service,
			struct filter_wait *wait)
{
	struct owner *o = owner_of(r);
	const struct node *map = node_get(doc, "filter");
	struct rule_filter *f = arena_take(&o->arena, sizeof(*f));
	struct selection *sel;
	struct expr *condition;
	*f = (struct rule_filter){ .file = doc->path, .title = "", .uuid = "", .description = "", .line = doc->line,
				    .service = service };
	o->compiler.service = service;
	wait->filter = f;
	if (map->kind != NODE_MAP)
		return node_error(e, map, "filter is a map of rules, selections and a condition");
	return headline(e, doc, f) && unique(r, e, doc, f) && for_which(e, map, f, &wait->rules) &&
	       detection_read(&o->compiler, map, "rules", &sel, &condition) &&
	       detection_lint_filter(&o->compiler, sel, condition, node_get(map, "condition")) && expr_emit(&o->compiler, condition, &f->start);
}

bool filter_document(struct rules *r, struct error *e, const struct node *doc)
{
	struct owner *o = owner_of(r);
	bool skip = false;
	uint8_t service = IN_SESSION;
	if (!logsource(e, doc, &skip, &service))
		return false;
	r->skipped += skip;
	if (skip)
		return true;
	struct filter_wait *wait = arena_take(&o->arena, sizeof(*wait));
	if (!filter_read(r, e, doc, service, wait))
		return false;
	const struct rule_filter **more = arena_take(&o->arena, (r->filters + 1) * sizeof(*more));
	if (r->filters)
		memcpy(more, r->filter, r->filters * sizeof(*more));
	more[r->filters++] = wait->filter;
	r->filter = more;
	*o->waiting_end = wait;
	o->waiting_end = &wait->next;
	return true;
}

static void give(struct rules *r, struct rule *rule, const struct rule_filter *f)
{
	const struct rule_filter **more = arena_take(&owner_of(r)->arena, (rule->filters + 1) * sizeof(*more));
	for (uint32_t i = 0; i < rule->filters; i++) {
		more[i] = rule->filter[i];
		if (more[i] == f) /* named by its name and its id */
			return;
	}
	more[rule->filters++] = f;
	rule->filter = more;
}

static bool give_named(struct rules *r, struct error *e, const struct node *n, const struct rule_filter *f)
{
	struct rule *rule = rules_named(r, n->text);
	if (!rule)
		return no_rule(r, e, n);
	if (rule->service != f->service)
		return node_error(e, n, "the rule \"%s\" is of another service than this filter", rule->name);
	give(r, rule, f);
	return true;
}

bool filters_finish(struct rules *r, struct error *e)
{
	for (const struct filter_wait *w = owner_of(r)->waiting; w; w = w->next) {
		for (size_t i = 0; w->filter->any && i < r->count; i++)
			if (r->rule[i].service == w->filter->service)
				give(r, &r->rule[i], w->filter);
		for (const struct node *n = w->filter->any ? NULL : w->rules->first; n; n = n->next)
			if (!give_named(r, e, n, w->filter))
				return false;
	}
	return true;
}
