/* rule_set: what the parts that build rules share while they do: rule_file, rule_table, rule_filter, rule_site,
 * rule_index. Everything behind struct rules.owner. */
#ifndef RULE_SET_H
#define RULE_SET_H
#include "judge/rule.h"
#include "rule_detect.h"

/* Whose table it was: a site's own takes the place of the shipped one, and nothing else does. */
enum table_of { TABLE_NONE, TABLE_SHIPPED, TABLE_SITE };

/* A filter document that waits for the rules it names.
 * rules  the list, or the word any */
struct filter_wait {
	const struct rule_filter *filter;
	const struct node *rules;
	struct filter_wait *next;
};

/* A correlation document, compiled when all rules are known. */
struct correlation_wait {
	const struct node *doc;
	struct correlation_wait *next;
};

/* condition  of each rule, as many as there is room for rules
 * site       files that come now are the site's own */
struct owner {
	struct arena arena;
	struct compiler compiler;
	const struct expr **condition;
	size_t rule_cap;
	enum table_of severity, verdict, incident, ambient;
	bool site;
	struct filter_wait *waiting, **waiting_end;
	struct correlation_wait *correlations, **correlations_end;
};

static inline struct owner *owner_of(const struct rules *r)
{
	return r->owner;
}

/* logsource_read: whose document is this? *skip: another product's; a product that is nearly ours is an error. *service: the
 * node of that key, or NULL, for the caller to judge. */
bool logsource_read(struct error *e, const struct node *doc, bool *skip, const struct node **service);
/* service_read: what documents of that service (NULL: of all) are about: IN_SESSION, IN_STATS, IN_POSTURE, or 0: none of them. */
uint8_t service_read(const struct node *service);
/* rules_named: the rule of that name or UUID, or NULL. */
struct rule *rules_named(const struct rules *r, struct bytes id);
/* no_rule: says at a node that there is no such rule, with the nearest name. Returns false. */
bool no_rule(const struct rules *r, struct error *e, const struct node *at);
#endif
