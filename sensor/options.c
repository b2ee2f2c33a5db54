/* options: see options.h. */
#include "options.h"

#include <getopt.h>
#include <string.h>

const char options_usage[] =
	"usage: mxwitness read [options] CAPTURE...\n"
	"\n"
	"Judges the SMTP sessions in captures: who lost the encryption that the receiving domain promised?\n"
	"CAPTURE is a pcap or pcapng file (also .gz .zst .xz), a directory of them, or - for standard input.\n"
	"\n"
	"  --dns MODE               capture (default): DNSSEC proofs from the capture itself; auto; live; off\n"
	"  --resolver ADDR[@PORT]   where live questions go (default: the system's resolvers)\n"
	"  --trust-anchor FILE      DNSKEY or DS in zone-file form (default: the root's, carried by the program)\n"
	"  --ports LIST             mail ports, PORT or PORT=tls (default 25,587,2525,465=tls)\n"
	"  --rules DIR              rules to judge by (default: the installed ones)\n"
	"  -c FILE                  site configuration (own_networks, vantage)\n"
	"  --format table|ndjson    default: table on a terminal, ndjson elsewhere\n"
	"  -o FILE                  write there instead of standard output\n"
	"  --all                    in the table, sessions without a finding too\n"
	"  -v, -q                   the counters of the run on standard error; no progress line\n"
	"  --version, --help\n"
	"\n"
	"Exit status: 0 no alert of level medium or above, 1 at least one, 2 an input could not be read whole, or the\n"
	"command line, configuration or a rule is wrong.\n";

enum { O_DNS = 256, O_RESOLVER, O_ANCHOR, O_PORTS, O_RULES, O_FORMAT, O_ALL, O_VERSION };

static const struct option longs[] = {
	{ "dns", required_argument, NULL, O_DNS },
	{ "resolver", required_argument, NULL, O_RESOLVER },
	{ "trust-anchor", required_argument, NULL, O_ANCHOR },
	{ "ports", required_argument, NULL, O_PORTS },
	{ "rules", required_argument, NULL, O_RULES },
	{ "format", required_argument, NULL, O_FORMAT },
	{ "all", no_argument, NULL, O_ALL },
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

static bool values_ok(const struct options *o, struct error *e)
{
	static const char *const dns[] = { "capture", "auto", "live", "off", NULL };
	static const char *const format[] = { "table", "ndjson", NULL };
	if (o->dns && !one_of(o->dns, dns))
		error_set(e, "--dns %s: no such mode; it is capture, auto, live or off", o->dns);
	else if (o->format && !one_of(o->format, format))
		error_set(e, "--format %s: no such format; it is table or ndjson", o->format);
	else if (o->ncaptures == 0)
		error_set(e, "read: no capture named; give files, a directory, or - for standard input");
	else
		return true;
	return false;
}

static void set(struct options *o, int c)
{
	if (c == O_DNS)
		o->dns = optarg;
	else if (c == O_RESOLVER)
		o->resolver = optarg;
	else if (c == O_ANCHOR)
		o->anchor = optarg;
	else if (c == O_PORTS)
		o->ports = optarg;
	else if (c == O_RULES)
		o->rules = optarg;
	else if (c == O_FORMAT)
		o->format = optarg;
	else if (c == O_ALL)
		o->all = true;
	else if (c == 'c')
		o->config = optarg;
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
	while ((c = getopt_long(argc, argv, ":hvqc:o:", longs, NULL)) != -1) {
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
	if (strcmp(argv[optind], "read") != 0) {
		error_set(e, "%s: no such command; it is: mxwitness read", argv[optind]);
		return false;
	}
	o->captures = argv + optind + 1;
	o->ncaptures = argc - optind - 1;
	return values_ok(o, e);
}
