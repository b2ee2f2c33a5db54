/* settings: see settings.h. The tables made of settings.def; reads nothing. */
#include "settings.h"

#include <stddef.h>

#include "digest.h"

#define SETTING_WORDS(set) static const char *const set##_list[] = {
#define SETTING_WORD(set, c, text) text,
#define SETTING_WORDS_END(set) NULL };
#include "settings.def"

/* Those of facts stand in their table, into which a constant cannot point: setting_words does. */
#define none_list NULL
#define vantage_list NULL
#define level_list NULL

#define ROW(of, member, name, type, words, least, most, other, fallback, scope, meaning) \
	{ name, KEPT_##type, words##_list, least, most, other, fallback, SCOPE_##scope, meaning, offsetof(of, member) },

const struct setting_info setting_table[SETTINGS] = {
#define SETTING(...) ROW(struct settings, __VA_ARGS__)
#define SITE_SETTING(...) ROW(struct settings, __VA_ARGS__)
#include "settings.def"
};

static const struct setting_info output_table[] = {
#define OUTPUT_SETTING(...) ROW(struct output_settings, __VA_ARGS__)
#include "settings.def"
};

static const struct setting_info policy_table[] = {
#define POLICY_SETTING(...) ROW(struct policy_promise, __VA_ARGS__)
#include "settings.def"
};

static const struct setting_info route_table[] = {
#define ROUTE_SETTING(...) ROW(struct policy_route, __VA_ARGS__)
#include "settings.def"
};

static const struct setting_info inspection_table[] = {
#define INSPECTION_SETTING(...) ROW(struct policy_inspection, __VA_ARGS__)
#include "settings.def"
};

static const struct setting_info suppress_table[] = {
#define SUPPRESS_SETTING(...) ROW(struct suppress_entry, __VA_ARGS__)
#include "settings.def"
};

static const struct setting_info watch_table[] = {
#define WATCH_SETTING(...) ROW(struct watch_domain, __VA_ARGS__)
#include "settings.def"
};

#define MAP(type, name, table, entry, example) \
	{ type, name, table, sizeof(table) / sizeof(table[0]), sizeof(entry), example }

const struct setting_map setting_maps[SETTING_MAPS] = {
	MAP(KEPT_OUTPUTS, "outputs", output_table, struct output_settings, "{type: file, path: alerts.ndjson}"),
	MAP(KEPT_POLICY, "policy", policy_table, struct policy_promise, "{name: partner, domains: [partner.example], tls: required}"),
	MAP(KEPT_ROUTES, "routes", route_table, struct policy_route, "{name: smart-host, host: relay.example.net}"),
	MAP(KEPT_INSPECTIONS, "inspection", inspection_table, struct policy_inspection,
	    "{name: firewall, clients: [192.0.2.0/24], forms: [banner-masked]}"),
	MAP(KEPT_SUPPRESS, "suppress", suppress_table, struct suppress_entry,
	    "{name: old-relay, findings: [tls-weak-version], servers: [192.0.2.1], reason: replaced in May, owner: mail team, until: 2027-05-01}"),
	MAP(KEPT_WATCH_DOMAINS, "watch_domains", watch_table, struct watch_domain, "{domain: example.org}"),
};

const struct setting_map *setting_map_of(const struct setting_info *t)
{
	for (size_t i = 0; i < SETTING_MAPS; i++)
		if (setting_maps[i].type == t->type)
			return &setting_maps[i];
	return NULL;
}

const struct setting_line setting_outline[SETTING_LINES] = {
#define SETTING_GROUP(name, meaning) { name, meaning },
#define SETTING(...) { NULL, NULL },
#define SITE_SETTING(...) { NULL, NULL },
#include "settings.def"
};

const char *const *setting_words(const struct setting_info *s)
{
	return s->type == KEPT_VANTAGE ? fact_table[F_vantage].words :
	       s->type == KEPT_LEVEL ? fact_table[F_alert_level].words : s->words;
}

bool setting_is_list(const struct setting_info *s)
{
	switch (s->type) {
	case KEPT_MAIL_PORTS:
	case KEPT_SERVERS:
	case KEPT_INTERFACES:
	case KEPT_ZONES:
	case KEPT_PROPERTIES:
	case KEPT_OUTPUTS:
	case KEPT_WATCH_DOMAINS:
	case KEPT_HOSTS:
	case KEPT_DNS_PORTS:
	case KEPT_NETWORKS:
	case KEPT_MIRROR:
	case KEPT_RULES_OFF:
	case KEPT_RULE_LEVELS:
	case KEPT_DATASETS:
	case KEPT_NAMES:
	case KEPT_NETS:
	case KEPT_PORTS:
	case KEPT_PIN_SPKI:
	case KEPT_PIN_CA:
	case KEPT_FORMS:
	case KEPT_POLICY:
	case KEPT_ROUTES:
	case KEPT_INSPECTIONS:
	case KEPT_SUPPRESS:
		return true;
	case KEPT_YES:
	case KEPT_COUNT:
	case KEPT_SIZE:
	case KEPT_DURATION:
	case KEPT_WORD:
	case KEPT_LEVEL:
	case KEPT_TEXT:
	case KEPT_USER:
	case KEPT_GROUP:
	case KEPT_IN_FILE:
	case KEPT_OUT_FILE:
	case KEPT_FOLDER:
	case KEPT_PROGRAM:
	case KEPT_ADDRESS:
	case KEPT_VANTAGE:
	case KEPT_CA_FILE:
	case KEPT_RULES:
	case KEPT_DOMAIN:
	case KEPT_HOST:
	case KEPT_MAIL_DOMAIN:
	case KEPT_WHEN:
	case KEPT_DATE:
		break;
	}
	return false;
}

bool setting_is_path(const struct setting_info *s)
{
	return s->type == KEPT_IN_FILE || s->type == KEPT_OUT_FILE || s->type == KEPT_FOLDER || s->type == KEPT_PROGRAM ||
	       s->type == KEPT_CA_FILE || s->type == KEPT_RULES;
}

bool setting_entry_is_path(const struct setting_info *t, const struct node *n)
{
	uint8_t digest[POLICY_DIGEST];
	return t->type == KEPT_PIN_CA && !digest_read(n->text, digest);
}

const char *setting_sample(const struct setting_map *m, const struct setting_info *t)
{
	if (t->words)
		return t->words[0];
	if (strcmp(t->name, "path") == 0)
		return "/var/log/mxwitness/events.ndjson";
	if (strcmp(t->name, "address") == 0)
		return "siem.example:6514";
	return strcmp(t->name, "host") == 0 ? "relay.example.net" : m->type == KEPT_ROUTES ? "smart-host" : "partner";
}

void settings_free(struct settings *s)
{
	rule_site_free(&s->rules);
	arena_free(&s->arena);
	*s = (struct settings){ .folder = NULL };
}
