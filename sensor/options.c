/* options: see options.h. */
#include "options.h"

#include <getopt.h>
#include <string.h>

const char options_usage[] =
	"usage: mxwitness read [options] CAPTURE...\n"
	"       mxwitness watch -i INTERFACE[,INTERFACE...] [options]\n"
	"       mxwitness judge [options] FILE...\n"
	"       mxwitness judge --from nats://HOST[:PORT]/STREAM[/SUBJECT] [--once] [options]\n"
	"       mxwitness tlsrpt [--day DAY] [--domain NAME] [-o DIR] [--received REPORT]... [FILE...]\n"
	"       mxwitness status [--socket PATH] [--once] [--format table|ndjson] [-c FILE]\n"
	"       mxwitness discover [-c FILE] [--ports LIST] [-o FILE] CAPTURE...\n"
	"       mxwitness verify [--trust-anchor FILE] [--rules DIR] FILE...\n"
	"       mxwitness rules list [--findings] [--format table|ndjson|mdoc]\n"
	"       mxwitness rules show ID...\n"
	"       mxwitness rules lint FILE|DIR...\n"
	"       mxwitness rules test [-v] DIR...\n"
	"       mxwitness rules fields [--format tsv|mdoc|metrics|schema|template] [PART...]\n"
	"       mxwitness baseline show|export [--state DIR] [--format table|ndjson] [-o FILE] [NAME]\n"
	"       mxwitness baseline import FILE... | lower NAME... | forget NAME... [--state DIR]\n"
	"       mxwitness incident list | show ID... | explain ID... [--state DIR] [--format table|ndjson] [-o FILE]\n"
	"       mxwitness incident ack ID... [--lower] [--state DIR]\n"
	"       mxwitness incident suppress ID... --reason TEXT --owner NAME --until DAY [--allow-critical] [--state DIR]\n"
	"       mxwitness incident unsuppress NAME... [--state DIR]\n"
	"       mxwitness config check|dump [-c FILE]\n"
	"       mxwitness config keys [--format yaml|mdoc]\n"
	"\n"
	"read\n"
	"Judges the SMTP sessions in captures: who lost the encryption that the receiving domain promised?\n"
	"CAPTURE is a pcap or pcapng file (also .gz .zst .xz), a directory of them, or - for standard input.\n"
	"\n"
	"  --dns MODE               capture (default): DNSSEC proofs from the capture itself; auto; live; off\n"
	"  --dns-from FILE          the DNS messages of another capture count too, its sessions do not; may be repeated\n"
	"  --resolver SERVER,...    where live questions go: ADDR[@PORT], or tls://ADDR[@PORT]#NAME for DNS over TLS\n"
	"                           (default: the system's resolvers)\n"
	"  --save-dns FILE          write the replies to live questions there, as pcapng; to judge again without a network\n"
	"  --trust-anchor FILE      DNSKEY or DS in zone-file form (default: the root's, carried by the program)\n"
	"  --ports LIST             mail ports, PORT or PORT=tls (default 25,587,2525,465=tls)\n"
	"  --other-ports off|N      look for SMTP in one in N connections on other ports (default 1: in all)\n"
	"  --rules DIR              rules to judge by (default: the installed ones)\n"
	"  -c FILE                  site configuration, see mxwitness.conf(5)\n"
	"  --state DIR              remember there what servers used to do, and judge by it (default: nothing is remembered)\n"
	"  --evidence DIR           write a file there for each alert, by which others can repeat the verdict\n"
	"  --evidence-budget LIST   what DIR may hold: size=MiB,files=N,days=N (default size=1024), the oldest go first\n"
	"  --evidence-hook PROGRAM  run at the end with the path of DIR/MANIFEST, to sign it or have it time-stamped\n"
	"  --format table|ndjson    default: table on a terminal, ndjson elsewhere\n"
	"  -o FILE                  write there instead of standard output\n"
	"  --all                    in the table, sessions without a finding too\n"
	"  -v, -q                   the counters of the run on standard error; no progress line\n"
	"  --version, --help\n"
	"\n"
	"verify\n"
	"Repeats the verdict of evidence files, from these and the trust anchors alone, without any network.\n"
	"Exit status: 0 all reproduced, 1 one was not, 2 one could not be read.\n"
	"\n"
	"watch\n"
	"Judges the SMTP sessions of interfaces, as they come, until it is told to end (SIGTERM, Ctrl-C).\n"
	"\n"
	"  -i INTERFACE,...         where to capture; may be repeated; else interfaces: of the configuration\n"
	"  --dns MODE               live (default), auto, capture, off\n"
	"  -o FILE                  where to append events (default: outputs: of the configuration, else standard output)\n"
	"  --other-ports off|N      as above, which opens the filter for all TCP ports (default off)\n"
	"  -c, --resolver, --trust-anchor, --ports, --rules, --evidence, --evidence-budget, --format as above\n"
	"\n"
	"judge\n"
	"Judges sessions once more, from their events as read and watch wrote them (NDJSON), of one sensor or of several: rules, history,\n"
	"correlation and incidents over all of them. FILE is - for standard input, as it comes. Asks nobody: whose server it was and what\n"
	"the DNS promised stands in the event. Writes alerts; a session that comes twice counts once.\n"
	"\n"
	"  --all                    write the sessions, as they are judged now, too\n"
	"  --lateness TIME          how much later a session may come than others that ended after it (default 60s)\n"
	"  --silent TIME            a sensor that has told of nothing for so long is not waited for (default 10m)\n"
	"  --ahead TIME             how far a session may lie ahead of this machine's clock (default 1d); else its line is bad\n"
	"  --from URL               the sessions that sensors bring to a stream of JetStream, as they come; tls:// by TLS (from: in the\n"
	"                           configuration: certificates and credentials)\n"
	"  --once                   up to the end that the stream has now\n"
	"  --group NAME             judges of one name share what they say, and take over from each other (default judge)\n"
	"  --window TIME            what lies so far back in the stream is read too (default 25h; with --once all)\n"
	"  --state, --rules, -c, --format, -o, -v as above\n"
	"\n"
	"tlsrpt\n"
	"Reports what sessions to others came to (RFC 8460), a JSON object for each policy domain and day: for the operator, nothing is sent.\n"
	"FILE as with judge. With --received: compares what others report of the own servers with the sessions seen there.\n"
	"\n"
	"  --day YYYY-MM-DD         of that day alone (UTC)\n"
	"  --domain NAME            of that policy domain alone\n"
	"  --organization NAME, --contact TEXT   what the reports say of who made them\n"
	"  -o DIR                   a file for each there (default: a line for each, on standard output)\n"
	"  --received REPORT        a report that somebody sent, JSON, as it came or .gz; may be repeated\n"
	"  --format table|ndjson    of the comparison\n"
	"  --rules, -c as above\n"
	"\n"
	"discover\n"
	"Proposes a configuration from captures of a day or so: own networks, ports, resolvers, vantage, and servers without\n"
	"TLS, each with the counts that led to it. To be reviewed. Asks nobody.\n"
	"\n"
	"status\n"
	"Asks the running mxwitness watch for its numbers: sessions, coverage, losses, queues, resolver, alerts, troubles.\n"
	"\n"
	"  --socket PATH            where it listens (default: status.socket of the configuration, /run/mxwitness/status.sock)\n"
	"  --once                   one table; else it is drawn anew each second on a terminal, until q is pressed\n"
	"  --format table|ndjson    default: table on a terminal, ndjson elsewhere\n"
	"\n"
	"rules\n"
	"  list                     every rule with its levels by promise; --findings: a row a finding\n"
	"  show ID...               all about a rule, by name or UUID, or about the rules of a finding\n"
	"  lint FILE|DIR...         all that is wrong in rule files, and what is doubtful\n"
	"  test DIR...              judge the small sessions in DIR, or DIR/tests, and compare with what they expect;\n"
	"                           -v: tell what passed, and which rules no test raises\n"
	"  fields [PART...]         the fields of events, those with PART in their name\n"
	"  --rules DIR, -c FILE, -o FILE as above\n"
	"\n"
	"baseline\n"
	"What is known of servers from earlier sessions. NAME is a host or an address.\n"
	"\n"
	"  show [NAME]              a row a server, or all about one\n"
	"  export [NAME]            the same as JSON, with provenance and learn period; for another sensor, too\n"
	"  import FILE...           such an export, or a list of servers that are known to offer TLS, one a line\n"
	"  lower NAME...            it is true that the server got weaker: learn it anew\n"
	"  forget NAME...           as though it had never been seen\n"
	"  --state DIR              default: state: of the configuration\n"
	"\n"
	"incident\n"
	"What is open: alerts of one cause at one server, counted. ID: six or more digits of an incident's.\n"
	"\n"
	"  list                     the worst first, and what is suppressed\n"
	"  show ID...               all about it\n"
	"  explain ID...            its chain of causes, why this level, what would change it, what to look at next\n"
	"  ack ID...                somebody looked: it counts in silence until it gets worse; --lower: the server did get weaker, learn it anew\n"
	"  suppress ID...           its finding at its server is no alert until that day (180 days at most), and is counted\n"
	"  unsuppress NAME...       an entry that suppress made\n"
	"\n"
	"config\n"
	"  check                    is the configuration right, and does what it names exist here?\n"
	"  dump                     every key with its value and where that came from; itself a configuration\n"
	"  keys                     every key with its default and what it means, as a configuration\n"
	"  -c FILE                  default: /etc/mxwitness/mxwitness.yaml\n"
	"\n"
	"Exit status: 0 no alert of level medium or above, all tests passed; 1 at least one alert, or a test failed;\n"
	"2 an input could not be read whole, or the command line, configuration, a rule or a test is wrong.\n";

enum { O_DNS = 256, O_DNS_FROM, O_RESOLVER, O_ANCHOR, O_PORTS, O_RULES, O_FORMAT, O_EVIDENCE, O_BUDGET, O_HOOK, O_ALL, O_FINDINGS,
       O_VERSION, O_SAVE_DNS, O_OTHER_PORTS, O_STATE, O_SOCKET, O_ONCE, O_REASON, O_OWNER, O_UNTIL, O_LOWER, O_CRITICAL, O_LATENESS, O_SILENT, O_AHEAD,
       O_DAY, O_DOMAIN, O_ORGANIZATION, O_CONTACT, O_RECEIVED, O_FROM, O_WINDOW, O_GROUP };

static const struct option longs[] = {
	{ "dns", required_argument, NULL, O_DNS },
	{ "dns-from", required_argument, NULL, O_DNS_FROM },
	{ "resolver", required_argument, NULL, O_RESOLVER },
	{ "save-dns", required_argument, NULL, O_SAVE_DNS },
	{ "trust-anchor", required_argument, NULL, O_ANCHOR },
	{ "ports", required_argument, NULL, O_PORTS },
	{ "other-ports", required_argument, NULL, O_OTHER_PORTS },
	{ "rules", required_argument, NULL, O_RULES },
	{ "format", required_argument, NULL, O_FORMAT },
	{ "evidence", required_argument, NULL, O_EVIDENCE },
	{ "evidence-budget", required_argument, NULL, O_BUDGET },
	{ "evidence-hook", required_argument, NULL, O_HOOK },
	{ "all", no_argument, NULL, O_ALL },
	{ "findings", no_argument, NULL, O_FINDINGS },
	{ "state", required_argument, NULL, O_STATE },
	{ "socket", required_argument, NULL, O_SOCKET },
	{ "once", no_argument, NULL, O_ONCE },
	{ "reason", required_argument, NULL, O_REASON },
	{ "owner", required_argument, NULL, O_OWNER },
	{ "until", required_argument, NULL, O_UNTIL },
	{ "lower", no_argument, NULL, O_LOWER },
	{ "allow-critical", no_argument, NULL, O_CRITICAL },
	{ "lateness", required_argument, NULL, O_LATENESS },
	{ "silent", required_argument, NULL, O_SILENT },
	{ "ahead", required_argument, NULL, O_AHEAD },
	{ "day", required_argument, NULL, O_DAY },
	{ "domain", required_argument, NULL, O_DOMAIN },
	{ "organization", required_argument, NULL, O_ORGANIZATION },
	{ "contact", required_argument, NULL, O_CONTACT },
	{ "received", required_argument, NULL, O_RECEIVED },
	{ "from", required_argument, NULL, O_FROM },
	{ "window", required_argument, NULL, O_WINDOW },
	{ "group", required_argument, NULL, O_GROUP },
	{ "version", no_argument, NULL, O_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static bool dns_from_stdin(const struct options *o)
{
	for (int i = 0; i < o->ndns_from; i++)
		if (strcmp(o->dns_from[i], "-") == 0)
			return true;
	return false;
}

static bool read_ok(const struct options *o, struct error *e)
{
	static const char *const dns[] = { "capture", "auto", "live", "off", NULL };
	static const char *const format[] = { "table", "ndjson", NULL };
	if (o->dns && !one_of(o->dns, dns))
		error_set(e, "--dns %s: no such mode; it is capture, auto, live or off", o->dns);
	else if (o->format && !one_of(o->format, format))
		error_set(e, "--format %s: no such format; it is table or ndjson", o->format);
	else if (o->ndns_from > OPTIONS_DNS_FROM)
		error_set(e, "--dns-from: at most %d of them; name a directory", OPTIONS_DNS_FROM);
	else if (o->ndns_from && o->dns && (strcmp(o->dns, "off") == 0 || strcmp(o->dns, "live") == 0))
		error_set(e, "--dns-from %s: with --dns %s nothing of it would be used", o->dns_from[0], o->dns);
	else if (dns_from_stdin(o))
		error_set(e, "--dns-from -: not from standard input; name a file");
	else if (o->ncaptures == 0)
		error_set(e, "read: no capture named; give files, a directory, or - for standard input");
	else if ((o->budget || o->hook) && !o->evidence)
		error_set(e, "%s: for which directory? Name it with --evidence DIR", o->hook ? "--evidence-hook" : "--evidence-budget");
	else if (o->findings)
		error_set(e, "--findings belongs to: mxwitness rules list");
	else if (o->save_dns && (!o->dns || (strcmp(o->dns, "live") != 0 && strcmp(o->dns, "auto") != 0)))
		error_set(e, "--save-dns: nothing is asked without --dns=live or --dns=auto");
	else
		return true;
	return false;
}

static bool verify_ok(const struct options *o, struct error *e)
{
	const char *foreign = o->dns ? "--dns" : o->ndns_from ? "--dns-from" : o->resolver ? "--resolver" : o->ports ? "--ports" :
			      o->other_ports ? "--other-ports" :
			      o->save_dns ? "--save-dns" : o->all ? "--all" : o->config ? "-c" : o->state ? "--state" : o->evidence ? "--evidence" : o->budget ? "--evidence-budget" : o->hook ? "--evidence-hook" :
			      o->format ? "--format" : o->out ? "-o" : o->findings ? "--findings" : NULL;
	if (foreign)
		return error_set(e, "verify: %s means nothing here; the evidence file says with what it was made", foreign);
	return o->ncaptures || error_set(e, "verify: no evidence file named");
}

static const char *const verb_words[] = {
	[RULES_LIST] = "list", [RULES_SHOW] = "show", [RULES_LINT] = "lint", [RULES_TEST] = "test",
	[RULES_FIELDS] = "fields", NULL,
};

/* Which options of `read` mean nothing to `rules`. */
static const char *foreign(const struct options *o)
{
	return o->dns ? "--dns" : o->ndns_from ? "--dns-from" : o->resolver ? "--resolver" : o->anchor ? "--trust-anchor" :
	       o->save_dns ? "--save-dns" : o->ports ? "--ports" : o->other_ports ? "--other-ports" :
	       o->state ? "--state" : o->evidence ? "--evidence" : o->budget ? "--evidence-budget" : o->hook ? "--evidence-hook" :
	       o->all ? "--all" : o->quiet ? "-q" : NULL;
}

static bool formats_ok(const struct options *o, struct error *e)
{
	static const char *const none[] = { NULL };
	static const char *const list[] = { "table", "ndjson", "mdoc", NULL };
	static const char *const fields[] = { "tsv", "mdoc", "metrics", "schema", "template", NULL };
	const char *const *words = o->verb == RULES_LIST ? list : o->verb == RULES_FIELDS ? fields : none;
	if (!o->format || one_of(o->format, words))
		return true;
	return error_set(e, "--format %s: no such format; rules %s", o->format,
			 o->verb == RULES_LIST ? "list has table, ndjson and mdoc" :
			 o->verb == RULES_FIELDS ? "fields has tsv, mdoc, metrics, schema and template, and none for people" : "list and rules fields have one");
}

static bool rules_ok(const struct options *o, struct error *e)
{
	const char *verb = verb_words[o->verb];
	if (foreign(o))
		return error_set(e, "rules %s: %s belongs to: mxwitness read", verb, foreign(o));
	if (o->findings && o->verb != RULES_LIST)
		return error_set(e, "--findings belongs to: mxwitness rules list");
	if (o->verb == RULES_LIST && o->nargs)
		return error_set(e, "rules list: %s: no argument belongs here; rules show %s?", o->args[0], o->args[0]);
	if (o->verb == RULES_SHOW && !o->nargs)
		return error_set(e, "rules show: which? Give the name of a rule, its UUID or a finding; rules list has them");
	if ((o->verb == RULES_LINT || o->verb == RULES_TEST) && !o->nargs)
		return error_set(e, "rules %s: nothing named; give files or directories", verb);
	return formats_ok(o, e);
}

static bool rules_verb(char **argv, int argc, struct options *o, struct error *e)
{
	for (unsigned v = 0; argc > 0 && verb_words[v]; v++) {
		if (strcmp(argv[0], verb_words[v]) != 0)
			continue;
		o->verb = (enum rules_verb)v;
		o->args = argv + 1;
		o->nargs = argc - 1;
		return rules_ok(o, e);
	}
	return error_set(e, "rules%s%s: %s; it is list, show, lint, test or fields", argc > 0 ? " " : "",
			 argc > 0 ? argv[0] : "", argc > 0 ? "no such command" : "what about them?");
}

static bool baseline_ok(const struct options *o, const char *verb, struct error *e)
{
	static const char *const format[] = { "table", "ndjson", NULL };
	struct options others = *o;
	bool shows = o->baseline_verb == BASELINE_SHOW || o->baseline_verb == BASELINE_EXPORT;
	others.state = NULL;
	const char *no = foreign(&others) ? foreign(&others) : o->findings ? "--findings" : o->verbose ? "-v" : o->rules ? "--rules" :
			 !shows && o->out ? "-o" : o->baseline_verb != BASELINE_SHOW && o->format ? "--format" : NULL;
	if (no)
		return error_set(e, "baseline %s: %s means nothing to it", verb, no);
	if (shows && o->nargs > 1)
		return error_set(e, "baseline %s: of one server at a time, or of all", verb);
	if (!shows && !o->nargs)
		return error_set(e, "baseline %s: %s", verb, o->baseline_verb == BASELINE_IMPORT ? "which file?" : "which host or address?");
	return !o->format || one_of(o->format, format) ||
	       error_set(e, "--format %s: no such format; it is table or ndjson", o->format);
}

static bool baseline_verb(char **argv, int argc, struct options *o, struct error *e)
{
	static const char *const words[] = { [BASELINE_SHOW] = "show", [BASELINE_EXPORT] = "export", [BASELINE_IMPORT] = "import",
					     [BASELINE_LOWER] = "lower", [BASELINE_FORGET] = "forget", NULL };
	for (unsigned v = 0; argc > 0 && words[v]; v++) {
		if (strcmp(argv[0], words[v]) != 0)
			continue;
		o->baseline_verb = (enum baseline_verb)v;
		o->args = argv + 1;
		o->nargs = argc - 1;
		return baseline_ok(o, words[v], e);
	}
	return error_set(e, "baseline%s%s: %s; it is show, export, import, lower or forget", argc > 0 ? " " : "", argc > 0 ? argv[0] : "",
			 argc > 0 ? "no such command" : "what about it?");
}

/* An option that belongs to one verb of `incident` alone, given with another; NULL: none. */
static const char *misplaced(const struct options *o)
{
	const bool suppress = o->incident_verb == INCIDENT_SUPPRESS;
	return !suppress && o->reason ? "--reason" : !suppress && o->owner ? "--owner" : !suppress && o->until ? "--until" :
	       !suppress && o->allow_critical ? "--allow-critical" : o->lower && o->incident_verb != INCIDENT_ACK ? "--lower" : NULL;
}

static bool incident_ok(const struct options *o, const char *verb, struct error *e)
{
	static const char *const format[] = { "table", "ndjson", NULL };
	struct options others = *o;
	const bool looks = o->incident_verb <= INCIDENT_EXPLAIN, both = o->incident_verb <= INCIDENT_SHOW;
	others.state = NULL;
	const char *no = foreign(&others) ? foreign(&others) : o->findings ? "--findings" : o->verbose ? "-v" : !looks && o->out ? "-o" :
			 !both && o->format ? "--format" : misplaced(o);
	if (no)
		return error_set(e, "incident %s: %s means nothing to it", verb, no);
	if (o->incident_verb == INCIDENT_LIST && o->nargs)
		return error_set(e, "incident list: %s: no argument belongs here; see incident show", o->args[0]);
	if (o->incident_verb != INCIDENT_LIST && !o->nargs)
		return error_set(e, "incident %s: which?", verb);
	return !o->format || one_of(o->format, format) ||
	       error_set(e, "--format %s: no such format; it is table or ndjson", o->format);
}

static bool incident_verb(char **argv, int argc, struct options *o, struct error *e)
{
	static const char *const words[] = { [INCIDENT_LIST] = "list", [INCIDENT_SHOW] = "show", [INCIDENT_EXPLAIN] = "explain",
					     [INCIDENT_ACK] = "ack", [INCIDENT_SUPPRESS] = "suppress",
					     [INCIDENT_UNSUPPRESS] = "unsuppress", NULL };
	for (unsigned v = 0; argc > 0 && words[v]; v++) {
		if (strcmp(argv[0], words[v]) != 0)
			continue;
		o->incident_verb = (enum incident_verb)v;
		o->args = argv + 1;
		o->nargs = argc - 1;
		return incident_ok(o, words[v], e);
	}
	return error_set(e, "incident%s%s: %s; it is list, show, explain, ack, suppress or unsuppress", argc > 0 ? " " : "",
			 argc > 0 ? argv[0] : "", argc > 0 ? "no such command" : "what about them?");
}

/* Which options mean nothing to `config`. */
static const char *no_config(const struct options *o)
{
	return foreign(o) ? foreign(o) : o->findings ? "--findings" : o->verbose ? "-v" : NULL;
}

static bool config_ok(const struct options *o, const char *verb, struct error *e)
{
	static const char *const format[] = { "yaml", "mdoc", NULL };
	bool keys = o->config_verb == CONFIG_KEYS;
	if (no_config(o))
		return error_set(e, "config %s: %s means nothing to it", verb, no_config(o));
	if (o->nargs)
		return error_set(e, "config %s: %s: no argument belongs here; the file is named with -c", verb, o->args[0]);
	if (keys && (o->config || o->rules))
		return error_set(e, "config keys: %s means nothing to it; the keys are the same everywhere", o->config ? "-c" : "--rules");
	if (o->format && !keys)
		return error_set(e, "config %s: --format belongs to: mxwitness config keys", verb);
	return !o->format || one_of(o->format, format) ||
	       error_set(e, "--format %s: no such format; config keys has yaml and mdoc", o->format);
}

static bool config_verb(char **argv, int argc, struct options *o, struct error *e)
{
	static const char *const words[] = { [CONFIG_CHECK] = "check", [CONFIG_DUMP] = "dump", [CONFIG_KEYS] = "keys", NULL };
	for (unsigned v = 0; argc > 0 && words[v]; v++) {
		if (strcmp(argv[0], words[v]) != 0)
			continue;
		o->config_verb = (enum config_verb)v;
		o->args = argv + 1;
		o->nargs = argc - 1;
		return config_ok(o, words[v], e);
	}
	return error_set(e, "config%s%s: %s; it is check, dump or keys", argc > 0 ? " " : "", argc > 0 ? argv[0] : "",
			 argc > 0 ? "no such command" : "what about it?");
}

static bool discover_ok(const struct options *o, struct error *e)
{
	const char *no = o->dns ? "--dns" : o->ndns_from ? "--dns-from" : o->resolver ? "--resolver" : o->save_dns ? "--save-dns" :
			 o->anchor ? "--trust-anchor" : o->state ? "--state" : o->evidence ? "--evidence" : o->budget ? "--evidence-budget" :
			 o->hook ? "--evidence-hook" : o->format ? "--format" : o->all ? "--all" : o->findings ? "--findings" : NULL;
	if (no)
		return error_set(e, "discover: %s means nothing to it; it counts, and writes a configuration", no);
	return o->ncaptures || error_set(e, "discover: no capture named; give files, a directory, or - for standard input");
}

/* Names, commas between. */
static void interfaces(struct options *o, char *list)
{
	for (char *save = NULL, *name = strtok_r(list, ",", &save); name; name = strtok_r(NULL, ",", &save))
		if (o->ninterfaces++ < OPTIONS_INTERFACES)
			o->interface[o->ninterfaces - 1] = name;
}

static bool watch_ok(const struct options *o, struct error *e)
{
	static const char *const dns[] = { "capture", "auto", "live", "off", NULL };
	static const char *const format[] = { "table", "ndjson", NULL };
	const char *no = o->state ? "--state" : o->ndns_from ? "--dns-from" : o->save_dns ? "--save-dns" : o->hook ? "--evidence-hook" : o->findings ? "--findings" : NULL;
	if (no)
		return error_set(e, "watch: %s means nothing to it", no);
	if (o->ncaptures)
		return error_set(e, "watch: %s: no argument belongs here; interfaces are named with -i", o->captures[0]);
	if (o->dns && !one_of(o->dns, dns))
		return error_set(e, "--dns %s: no such mode; it is live, auto, capture or off", o->dns);
	if (o->format && !one_of(o->format, format))
		return error_set(e, "--format %s: no such format; it is table or ndjson", o->format);
	if (o->budget && !o->evidence)
		return error_set(e, "--evidence-budget: for which directory? Name it with --evidence DIR");
	return o->ninterfaces <= OPTIONS_INTERFACES || error_set(e, "-i: at most %d interfaces", OPTIONS_INTERFACES);
}

static bool judge_ok(const struct options *o, struct error *e)
{
	static const char *const format[] = { "table", "ndjson", NULL };
	const char *no = o->dns ? "--dns" : o->ndns_from ? "--dns-from" : o->resolver ? "--resolver" : o->save_dns ? "--save-dns" :
			 o->anchor ? "--trust-anchor" : o->ports ? "--ports" : o->other_ports ? "--other-ports" : o->evidence ? "--evidence" :
			 o->budget ? "--evidence-budget" : o->hook ? "--evidence-hook" : o->findings ? "--findings" : NULL;
	if (no)
		return error_set(e, "judge: %s means nothing to it; it judges what the sensors told of, and neither packets nor DNS", no);
	if (o->format && !one_of(o->format, format))
		return error_set(e, "--format %s: no such format; it is table or ndjson", o->format);
	if (o->from && o->ncaptures)
		return error_set(e, "judge: %s: with --from there are no files", o->captures[0]);
	if (!o->from && (o->once || o->window || o->group))
		return error_set(e, "judge: %s belongs to --from", o->once ? "--once" : o->window ? "--window" : "--group");
	if (o->once && o->group)
		return error_set(e, "judge: --group: who reads --once says all by itself");
	if (o->from && !o->once && o->all)
		return error_set(e, "judge: --all: the sessions are in the stream already; with --once they are judged and written");
	return o->from || o->ncaptures || error_set(e, "judge: nothing named; give files of events, or - for standard input, or a stream with --from");
}

/* "2026-11-25" */
static bool is_day(const char *s)
{
	for (int i = 0; i < 10; i++)
		if (i == 4 || i == 7 ? s[i] != '-' : s[i] < '0' || s[i] > '9')
			return false;
	return !s[10];
}

static bool tlsrpt_ok(const struct options *o, struct error *e)
{
	static const char *const format[] = { "table", "ndjson", NULL };
	const char *no = foreign(o) ? foreign(o) : o->findings ? "--findings" : o->verbose ? "-v" : !o->nreceived && o->format ? "--format" :
			 o->nreceived && o->out ? "-o" : o->nreceived && o->organization ? "--organization" :
			 o->nreceived && o->contact ? "--contact" : NULL;
	if (no)
		return error_set(e, "tlsrpt: %s means nothing to it%s", no, o->nreceived ? " with --received" : "");
	if (o->day && !is_day(o->day))
		return error_set(e, "--day %s: a day is YYYY-MM-DD: 2026-11-25", o->day);
	if (o->nreceived > OPTIONS_RECEIVED)
		return error_set(e, "--received: at most %d reports at a time", OPTIONS_RECEIVED);
	if (o->format && !one_of(o->format, format))
		return error_set(e, "--format %s: no such format; it is table or ndjson", o->format);
	return o->ncaptures || o->nreceived || error_set(e, "tlsrpt: nothing named; give files of events, or - for standard input");
}

static bool status_ok(const struct options *o, struct error *e)
{
	static const char *const format[] = { "table", "ndjson", NULL };
	const char *no = foreign(o) ? foreign(o) : o->findings ? "--findings" : o->verbose ? "-v" : o->rules ? "--rules" :
			 o->out ? "-o" : NULL;
	if (no)
		return error_set(e, "status: %s means nothing to it", no);
	if (o->nargs)
		return error_set(e, "status: %s: no argument belongs here; the socket is named with --socket", o->args[0]);
	return !o->format || one_of(o->format, format) ||
	       error_set(e, "--format %s: no such format; it is table or ndjson", o->format);
}

static void set(struct options *o, int c)
{
	if (c == O_DNS)
		o->dns = optarg;
	else if (c == O_DNS_FROM && o->ndns_from++ < OPTIONS_DNS_FROM)
		o->dns_from[o->ndns_from - 1] = optarg;
	else if (c == O_RESOLVER)
		o->resolver = optarg;
	else if (c == O_ANCHOR)
		o->anchor = optarg;
	else if (c == O_SAVE_DNS)
		o->save_dns = optarg;
	else if (c == O_PORTS)
		o->ports = optarg;
	else if (c == O_OTHER_PORTS)
		o->other_ports = optarg;
	else if (c == O_RULES)
		o->rules = optarg;
	else if (c == O_FORMAT)
		o->format = optarg;
	else if (c == O_EVIDENCE)
		o->evidence = optarg;
	else if (c == O_STATE)
		o->state = optarg;
	else if (c == O_BUDGET)
		o->budget = optarg;
	else if (c == O_HOOK)
		o->hook = optarg;
	else if (c == O_ALL)
		o->all = true;
	else if (c == O_FINDINGS)
		o->findings = true;
	else if (c == O_SOCKET)
		o->socket = optarg;
	else if (c == O_ONCE)
		o->once = true;
	else if (c == O_REASON)
		o->reason = optarg;
	else if (c == O_OWNER)
		o->owner = optarg;
	else if (c == O_UNTIL)
		o->until = optarg;
	else if (c == O_LOWER)
		o->lower = true;
	else if (c == O_CRITICAL)
		o->allow_critical = true;
	else if (c == O_LATENESS)
		o->lateness = optarg;
	else if (c == O_SILENT)
		o->silent = optarg;
	else if (c == O_AHEAD)
		o->ahead = optarg;
	else if (c == O_DAY)
		o->day = optarg;
	else if (c == O_DOMAIN)
		o->domain = optarg;
	else if (c == O_ORGANIZATION)
		o->organization = optarg;
	else if (c == O_CONTACT)
		o->contact = optarg;
	else if (c == O_RECEIVED && o->nreceived++ < OPTIONS_RECEIVED)
		o->received[o->nreceived - 1] = optarg;
	else if (c == O_FROM)
		o->from = optarg;
	else if (c == O_WINDOW)
		o->window = optarg;
	else if (c == O_GROUP)
		o->group = optarg;
	else if (c == 'c')
		o->config = optarg;
	else if (c == 'i')
		interfaces(o, optarg);
	else if (c == 'o')
		o->out = optarg;
	else if (c == 'v')
		o->verbose = true;
	else if (c == 'q')
		o->quiet = true;
}

bool options_parse(int argc, char **argv, enum command *command, struct options *o, struct error *e)
{
	int c;
	*o = (struct options){ 0 };
	*command = COMMAND_READ;
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, ":hvqc:i:o:", longs, NULL)) != -1) {
		if (c == 'h' || c == O_VERSION) {
			*command = c == 'h' ? COMMAND_HELP : COMMAND_VERSION;
			return true;
		}
		if (c == '?' || c == ':') {
			error_set(e, c == ':' ? "%s: a value is missing; see mxwitness --help" :
				     "%s: no such option; see mxwitness --help", argv[optind - 1]);
			return false;
		}
		set(o, c);
	}
	if (optind >= argc) {
		error_set(e, "no command; try: mxwitness read CAPTURE, or mxwitness --help");
		return false;
	}
	const bool judge = strcmp(argv[optind], "judge") == 0;
	if ((o->socket || (o->once && !judge)) && strcmp(argv[optind], "status") != 0)
		return error_set(e, "%s belongs to: mxwitness status%s", o->socket ? "--socket" : "--once", o->socket ? "" : " and judge");
	if ((o->from || o->window || o->group) && !judge)
		return error_set(e, "%s belongs to: mxwitness judge", o->from ? "--from" : o->window ? "--window" : "--group");
	if ((o->lateness || o->silent || o->ahead) && strcmp(argv[optind], "judge") != 0)
		return error_set(e, "%s belongs to: mxwitness judge", o->lateness ? "--lateness" : o->silent ? "--silent" : "--ahead");
	if ((o->day || o->domain || o->organization || o->contact || o->nreceived) && strcmp(argv[optind], "tlsrpt") != 0)
		return error_set(e, "--day, --domain, --organization, --contact and --received belong to: mxwitness tlsrpt");
	if (strcmp(argv[optind], "rules") == 0) {
		*command = COMMAND_RULES;
		return rules_verb(argv + optind + 1, argc - optind - 1, o, e);
	}
	if (strcmp(argv[optind], "config") == 0) {
		*command = COMMAND_CONFIG;
		return config_verb(argv + optind + 1, argc - optind - 1, o, e);
	}
	if (strcmp(argv[optind], "baseline") == 0) {
		*command = COMMAND_BASELINE;
		return baseline_verb(argv + optind + 1, argc - optind - 1, o, e);
	}
	if (strcmp(argv[optind], "incident") == 0) {
		*command = COMMAND_INCIDENT;
		return incident_verb(argv + optind + 1, argc - optind - 1, o, e);
	}
	if (o->reason || o->owner || o->until || o->lower || o->allow_critical)
		return error_set(e, "--reason, --owner, --until, --lower and --allow-critical belong to: mxwitness incident");
	if (strcmp(argv[optind], "watch") == 0) {
		*command = COMMAND_WATCH;
		o->captures = argv + optind + 1;
		o->ncaptures = argc - optind - 1;
		return watch_ok(o, e);
	}
	if (strcmp(argv[optind], "judge") == 0) {
		*command = COMMAND_JUDGE;
		o->captures = argv + optind + 1;
		o->ncaptures = argc - optind - 1;
		return !o->ninterfaces ? judge_ok(o, e) : error_set(e, "-i belongs to: mxwitness watch");
	}
	if (o->ninterfaces)
		return error_set(e, "-i belongs to: mxwitness watch");
	if (strcmp(argv[optind], "status") == 0) {
		*command = COMMAND_STATUS;
		o->args = argv + optind + 1;
		o->nargs = argc - optind - 1;
		return status_ok(o, e);
	}
	if (strcmp(argv[optind], "tlsrpt") == 0) {
		*command = COMMAND_TLSRPT;
		o->captures = argv + optind + 1;
		o->ncaptures = argc - optind - 1;
		return tlsrpt_ok(o, e);
	}
	if (strcmp(argv[optind], "verify") == 0) {
		*command = COMMAND_VERIFY;
		o->captures = argv + optind + 1;
		o->ncaptures = argc - optind - 1;
		return verify_ok(o, e);
	}
	if (strcmp(argv[optind], "discover") == 0) {
		*command = COMMAND_DISCOVER;
		o->captures = argv + optind + 1;
		o->ncaptures = argc - optind - 1;
		return discover_ok(o, e);
	}
	if (strcmp(argv[optind], "read") != 0)
		return error_set(e, "%s: no such command; it is read, watch, judge, tlsrpt, discover, status, verify, rules, baseline, incident or config", argv[optind]);
	o->captures = argv + optind + 1;
	o->ncaptures = argc - optind - 1;
	return read_ok(o, e);
}
