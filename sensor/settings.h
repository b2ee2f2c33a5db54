/* settings: what the configuration says, as plain values. Every key, its range, its default and its meaning stand in
 * settings.def; this struct, the reader (config.h), the dump, the example and the list in mxwitness.conf(5) are made of it. */
#ifndef SETTINGS_H
#define SETTINGS_H
#include "judge/policy.h"
#include "judge/suppress.h"
#include "judge/site.h"
#include "judge/watch_domain.h"
#include "rule_site.h"

/* enum shunting { shunting_auto, ... }, from the word lists of settings.def. */
#define SETTING_WORDS(set) enum set {
#define SETTING_WORD(set, c, text) set##_##c,
#define SETTING_WORDS_END(set) set##_COUNT };
#include "settings.def"

struct output_settings;

struct setting_texts {
	const char *const *text;
	size_t n;
};

struct setting_outputs {
	const struct output_settings *at;
	size_t n;
};

/* How a value is written, and what is kept of it.
 *	YES          bool                true or false
 *	COUNT        uint32_t            a number; 0: none
 *	SIZE         uint64_t            octets; 0: none            written with a unit, see quantity.h
 *	DURATION     uint64_t            ms; 0: none                written with a unit
 *	WORD         uint8_t             the index of a word in its list
 *	LEVEL        uint8_t             enum level
 *	DATASETS     uint32_t            a list of words: bit 1 << enum dataset
 *	TEXT USER GROUP  const char *    NULL: none
 *	IN_FILE OUT_FILE FOLDER PROGRAM
 *	             const char *        a path; NULL: none; a relative one stands behind the folder of the configuration
 *	ADDRESS      const char *        NULL: none; "127.0.0.1:9464", "[::1]:9464" or "unix:/path"
 *	MAIL_PORTS   const char *        a list of ports, as --ports takes it: "25,465=tls"
 *	SERVERS      const char *        a list, as --resolver takes it; NULL: empty
 *	INTERFACES ZONES PROPERTIES  struct setting_texts
 *	OUTPUTS      struct setting_outputs
 *	NAMES        struct policy_names a list of domains and host names, .example.net for all below
 *	NETS         const struct networks *  NULL: none
 *	PORTS        struct policy_ports
 *	PIN_SPKI PIN_CA  struct policy_keys
 *	FORMS        struct policy_names a list of findings and finding/variant
 *	DOMAIN HOST  const char *        a name, or a name or an address; "": the word for none
 *	DATE         int64_t             a day: its end, in ns since 1970; 0: the word for none
 *	POLICY ROUTES INSPECTIONS SUPPRESS  struct policy_promises and so on; see setting_maps
 *	MAIL_DOMAIN  const char *        as identity_name gives it      HOSTS  struct watch_hosts: a list of these
 *	WHEN         int64_t             a time or the beginning of a day, ns since 1970; 0: the word for none
 *	WATCH_DOMAINS  struct watch_domains
 *	VANTAGE CA_FILE DNS_PORTS NETWORKS MIRROR    in struct site
 *	RULES RULES_OFF RULE_LEVELS                  in struct rule_site
 * Texts are in settings.arena. */
enum setting_type {
	KEPT_YES, KEPT_COUNT, KEPT_SIZE, KEPT_DURATION, KEPT_WORD, KEPT_LEVEL, KEPT_DATASETS, KEPT_TEXT, KEPT_USER,
	KEPT_GROUP, KEPT_IN_FILE, KEPT_OUT_FILE, KEPT_FOLDER, KEPT_PROGRAM, KEPT_ADDRESS, KEPT_MAIL_PORTS, KEPT_SERVERS, KEPT_INTERFACES, KEPT_ZONES, KEPT_PROPERTIES,
	KEPT_OUTPUTS, KEPT_VANTAGE,
	KEPT_CA_FILE, KEPT_DNS_PORTS, KEPT_NETWORKS, KEPT_MIRROR, KEPT_RULES, KEPT_RULES_OFF, KEPT_RULE_LEVELS,
	KEPT_NAMES, KEPT_NETS, KEPT_PORTS, KEPT_PIN_SPKI, KEPT_PIN_CA, KEPT_FORMS, KEPT_DOMAIN, KEPT_HOST, KEPT_DATE,
	KEPT_POLICY, KEPT_ROUTES, KEPT_INSPECTIONS, KEPT_SUPPRESS, KEPT_WATCH_DOMAINS, KEPT_MAIL_DOMAIN, KEPT_HOSTS, KEPT_WHEN,
};

#define C_OF_YES bool
#define C_OF_COUNT uint32_t
#define C_OF_SIZE uint64_t
#define C_OF_DURATION uint64_t
#define C_OF_WORD uint8_t
#define C_OF_LEVEL uint8_t
#define C_OF_DATASETS uint32_t
#define C_OF_TEXT const char *
#define C_OF_USER const char *
#define C_OF_GROUP const char *
#define C_OF_IN_FILE const char *
#define C_OF_OUT_FILE const char *
#define C_OF_FOLDER const char *
#define C_OF_PROGRAM const char *
#define C_OF_ADDRESS const char *
#define C_OF_MAIL_PORTS const char *
#define C_OF_SERVERS const char *
#define C_OF_INTERFACES struct setting_texts
#define C_OF_ZONES struct setting_texts
#define C_OF_PROPERTIES struct setting_texts
#define C_OF_OUTPUTS struct setting_outputs
#define C_OF_WATCH_DOMAINS struct watch_domains

/* One entry of outputs. */
struct output_settings {
#define OUTPUT_SETTING(member, name, type, words, least, most, other, fallback, scope, meaning) C_OF_##type member;
#include "settings.def"
};

enum {
	SETTINGS = 0
#define SETTING(member, name, type, words, least, most, other, fallback, scope, meaning) + 1
#define SITE_SETTING(member, name, type, words, least, most, other, fallback, scope, meaning) + 1
#include "settings.def"
};

/* site, policy, rules  what rules and judgement know of the place
 * folder       the one of the configuration, with a slash at its end; empty: the working directory
 * value        of each key (by its place in setting_table) where it came from: of a list, the entries of all files in one
 *              list; a default has no key
 * Zero it to begin; free it with settings_free, also after an error. */
struct settings {
	struct site site;
	struct policy policy;
	struct suppress_entries suppress;
	struct rule_site rules;
#define SETTING(member, name, type, words, least, most, other, fallback, scope, meaning) C_OF_##type member;
#include "settings.def"
	struct arena arena;
	const char *folder;
	const struct node *value[SETTINGS];
};

enum setting_scope { SCOPE_LIVE, SCOPE_BOTH };

/* A row of settings.def. name: with its group in front, "capture.buffer". words: NULL-terminated, or NULL. at: offset of
 * the member in struct settings or output_settings. */
struct setting_info {
	const char *name;
	enum setting_type type;
	const char *const *words;
	const char *least, *most, *other, *fallback;
	enum setting_scope scope;
	const char *meaning;
	size_t at;
};

/* Rows and what stands before them, in the order of settings.def. A group has a meaning, and a name when it is a map; where
 * meaning is NULL the next row of setting_table stands. */
struct setting_line {
	const char *name, *meaning;
};

enum { SETTING_LINES = SETTINGS
#define SETTING_GROUP(name, meaning) + 1
#include "settings.def"
};

/* A key whose value is a list of maps: row are the keys of one map, rows of them, kept in a struct of size octets. example: how
 * one is written, for messages and for the first lines of an example. The value "" of a row's fallback says that the key must
 * be there (of outputs: where its type has it, see setting_output.h); the first row that is called name must be another in each entry. */
struct setting_map {
	enum setting_type type;
	const char *name;
	const struct setting_info *row;
	size_t rows, size;
	const char *example;
};

enum { SETTING_MAPS = 6 };

extern const struct setting_info setting_table[SETTINGS];
extern const struct setting_map setting_maps[SETTING_MAPS];
extern const struct setting_line setting_outline[SETTING_LINES];

/* What the entries of a list of maps have; NULL: t is no such list. */
const struct setting_map *setting_map_of(const struct setting_info *t);
/* The words of a row: its own list, or that of a fact. NULL: none. */
const char *const *setting_words(const struct setting_info *s);
/* Are several entries, or a map, what belongs here, so that those of more files add? */
bool setting_is_list(const struct setting_info *s);
/* Is it a path, that of a file, a folder or a program? */
bool setting_is_path(const struct setting_info *s);
/* Is this entry of a list a path? */
bool setting_entry_is_path(const struct setting_info *t, const struct node *n);
/* What may stand as the value of a key that has no default. */
const char *setting_sample(const struct setting_map *m, const struct setting_info *t);
void settings_free(struct settings *s);
#endif
