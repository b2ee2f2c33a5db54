/* settings: see settings.h. The tables made of settings.def; reads nothing. */
#include "settings.h"

#include <stddef.h>

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

const struct setting_info output_table[OUTPUT_SETTINGS] = {
#define OUTPUT_SETTING(...) ROW(struct output_settings, __VA_ARGS__)
#include "settings.def"
};

const struct setting_info watch_table[WATCH_SETTINGS] = {
#define WATCH_SETTING(...) ROW(struct watch_domain, __VA_ARGS__)
#include "settings.def"
};

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
	case KEPT_OUTPUTS:
	case KEPT_WATCH_DOMAINS:
	case KEPT_HOSTS:
	case KEPT_DNS_PORTS:
	case KEPT_NETWORKS:
	case KEPT_MIRROR:
	case KEPT_RULES_OFF:
	case KEPT_RULE_LEVELS:
	case KEPT_DATASETS:
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

void settings_free(struct settings *s)
{
	rule_site_free(&s->rules);
	arena_free(&s->arena);
	*s = (struct settings){ .folder = NULL };
}
