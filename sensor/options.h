/* options: the command line, as given; nothing is opened here. */
#ifndef OPTIONS_H
#define OPTIONS_H
#include <stdbool.h>

#include "error.h"

enum { OPTIONS_DNS_FROM = 64, OPTIONS_INTERFACES = 8, OPTIONS_RECEIVED = 512 };

/* What stands behind `mxwitness rules`. */
enum rules_verb { RULES_LIST, RULES_SHOW, RULES_LINT, RULES_TEST, RULES_FIELDS };

/* What stands behind `mxwitness config`. */
enum config_verb { CONFIG_CHECK, CONFIG_DUMP, CONFIG_KEYS };

/* What stands behind `mxwitness baseline`. */
enum baseline_verb { BASELINE_SHOW, BASELINE_EXPORT, BASELINE_IMPORT, BASELINE_LOWER, BASELINE_FORGET };

/* What stands behind `mxwitness incident`; those up to explain look, the others change. */
enum incident_verb { INCIDENT_LIST, INCIDENT_SHOW, INCIDENT_EXPLAIN, INCIDENT_ACK, INCIDENT_SUPPRESS, INCIDENT_UNSUPPRESS };

/* All strings are those of argv. NULL: not given.
 * captures  of `read` and `discover`, or the files of `verify`, `judge` and `tlsrpt`; ends in NULL
 * interface  of `watch`; more than OPTIONS_INTERFACES are counted and not kept
 * dns_from  capture files or directories, of which only the DNS counts
 * received  reports of others, for `tlsrpt`; more than OPTIONS_RECEIVED are counted and not kept
 * verb      of `rules`, and its arguments in args, which ends in NULL */
struct options {
	const char *dns, *resolver, *anchor, *save_dns, *ports, *other_ports, *rules, *config, *format, *out, *evidence, *state, *budget, *hook, *socket, *lateness, *silent, *ahead, *from, *window, *group;
	bool all, verbose, quiet, findings, once;
	char *dns_from[OPTIONS_DNS_FROM];
	int ndns_from;
	const char *interface[OPTIONS_INTERFACES];
	int ninterfaces;
	const char *received[OPTIONS_RECEIVED];
	int nreceived;
	const char *day, *domain, *organization, *contact; /* of tlsrpt */
	char **captures, **args;
	int ncaptures, nargs;
	enum rules_verb verb;
	enum config_verb config_verb;
	enum baseline_verb baseline_verb;
	enum incident_verb incident_verb;
	const char *reason, *owner, *until;        /* of incident suppress */
	bool lower, allow_critical;                /* of incident ack, and suppress */
};

/* What the command line asks for. */
enum command { COMMAND_READ, COMMAND_WATCH, COMMAND_JUDGE, COMMAND_DISCOVER, COMMAND_VERIFY, COMMAND_RULES, COMMAND_CONFIG, COMMAND_STATUS, COMMAND_BASELINE, COMMAND_INCIDENT, COMMAND_TLSRPT, COMMAND_HELP, COMMAND_VERSION };

/* false: e says which word of the command line is wrong, and what would be right. */
bool options_parse(int argc, char **argv, enum command *command, struct options *o, struct error *e);

extern const char options_usage[];
#endif
