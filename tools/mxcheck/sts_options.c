/* sts_options: see sts_options.h. A name that is none stops the run before anything is asked: it is a slip of the one who
 * wrote it, and half a run would hide it. */
#include "sts_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config.h"

enum { LINE = 1024, PORT_HTTPS = 443, SECONDS = 30, SECONDS_MAX = 600 };

const char sts_usage[] =
	"usage: mxcheck sts-fetch [options] [DOMAIN...]\n"
	"\n"
	"Fetches the MTA-STS policies of mail domains into the folder that mxwitness reads (sts_cache).\n"
	"It asks the resolver, and https://mta-sts.DOMAIN/, and nobody else.\n"
	"\n"
	"  --cache DIR              the folder; default: sts_cache of the configuration that -c names\n"
	"  -c FILE                  a configuration of mxwitness, see mxwitness.conf(5); without a domain on the command line:\n"
	"                           those of its watch_domains and partner_domains\n"
	"  --domains FILE           one domain a line, # begins a comment, - is standard input\n"
	"  --resolver SERVER,...    ADDR[@PORT] (default: the system's resolvers)\n"
	"  --ca-file FILE           PEM: the authorities to trust instead of the system's\n"
	"  --timeout SECONDS        for each question, and for the policy (default 30)\n"
	"  --inside                 policy hosts at addresses of this machine and of private networks too\n"
	"  --port N                 of the policy host, for tests (default 443)\n"
	"  -j N                     domains at once (default 4, at most 32)\n"
	"  --format text|json       json: one object a line\n"
	"  -q, --quiet; -v          only what failed; what was asked and answered, on standard error\n"
	"\n"
	"Exit status: 0 all is as the domains have it, 1 a domain's policy could not be told, fetched or kept, 2 the command\n"
	"line, the configuration or the folder is wrong, or another one writes there.\n";

enum { O_CACHE = 256, O_DOMAINS, O_RESOLVER, O_CA_FILE, O_TIMEOUT, O_INSIDE, O_PORT, O_FORMAT };

static const struct option longs[] = {
	{ "cache", required_argument, NULL, O_CACHE }, { "domains", required_argument, NULL, O_DOMAINS },
	{ "resolver", required_argument, NULL, O_RESOLVER }, { "ca-file", required_argument, NULL, O_CA_FILE },
	{ "timeout", required_argument, NULL, O_TIMEOUT }, { "inside", no_argument, NULL, O_INSIDE },
	{ "port", required_argument, NULL, O_PORT }, { "format", required_argument, NULL, O_FORMAT },
	{ "quiet", no_argument, NULL, 'q' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
};

/* 1 to most; 0: it is no such number, and e says so. */
static unsigned number(const char *option, const char *text, unsigned most, struct error *e)
{
	unsigned v = 0;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9' || v > most) {
			v = 0;
			break;
		}
		v = v * 10 + (unsigned)(*p - '0');
	}
	if (v >= 1 && v <= most)
		return v;
	error_set(e, "%s %s: a number from 1 to %u belongs here", option, text, most);
	return 0;
}

static bool set_format(struct sts_options *o, const char *word, struct error *e)
{
	o->json = strcmp(word, "json") == 0;
	return o->json || strcmp(word, "text") == 0 || error_set(e, "--format %s: no such format; it is text or json", word);
}

static bool copy(char **to, const char *text, struct error *e)
{
	free(*to);
	*to = strdup(text);
	return *to || error_set(e, "no memory");
}

static bool take_option(int c, struct sts_options *o, char **argv, struct error *e)
{
	switch (c) {
	case O_CACHE:
		return copy(&o->cache, optarg, e);
	case 'c':
		o->config = optarg;
		return true;
	case O_DOMAINS:
		o->domains = optarg;
		return true;
	case O_RESOLVER:
		o->resolver = optarg;
		return true;
	case O_CA_FILE:
		o->ca_file = optarg;
		return true;
	case O_TIMEOUT:
		return (o->seconds = number("--timeout", optarg, SECONDS_MAX, e)) != 0;
	case O_PORT:
		return (o->port = (uint16_t)number("--port", optarg, UINT16_MAX, e)) != 0;
	case 'j':
		return (o->workers = number("-j", optarg, STS_WORKERS, e)) != 0;
	case O_INSIDE:
		return o->inside = true;
	case O_FORMAT:
		return set_format(o, optarg, e);
	case 'q':
		return o->quiet = true;
	case 'v':
		return o->verbose = true;
	case 'h':
		return o->help = true;
	}
	return error_set(e, "sts-fetch: %s: no such option, or its value is missing; see mxcheck sts-fetch --help", argv[optind - 1]);
}

static bool add_domain(struct sts_options *o, struct bytes text, struct error *e)
{
	if (o->n == STS_DOMAINS)
		return error_set(e, "more than %d domains; the sensor reads no more policies than that", STS_DOMAINS);
	if (o->n == o->room) {
		size_t room = o->room ? 2 * o->room : 64;
		void *more = realloc(o->domain, room * sizeof(*o->domain));
		if (!more)
			return error_set(e, "no memory");
		o->domain = more;
		o->room = room;
	}
	return mail_domain_read(text, o->domain[o->n], e) && ++o->n;
}

/* The line without its comment and the blanks around. */
static struct bytes trim(const char *line)
{
	struct bytes b = bytes_head(bytes_of(line), strcspn(line, "#\r\n"));
	while (b.n && (b.p[0] == ' ' || b.p[0] == '\t'))
		b = bytes_skip(b, 1);
	while (b.n && (b.p[b.n - 1] == ' ' || b.p[b.n - 1] == '\t'))
		b.n--;
	return b;
}

static bool add_lines(struct sts_options *o, FILE *in, struct error *e)
{
	char line[LINE];
	struct error inner;
	for (unsigned at = 1; fgets(line, sizeof(line), in); at++) {
		struct bytes name = trim(line);
		if (!strchr(line, '\n') && !feof(in))
			return error_set(e, "%s:%u: the line is too long", o->domains, at);
		if (name.n && !add_domain(o, name, &inner))
			return error_set(e, "%.200s:%u: %.250s", o->domains, at, inner.text);
	}
	return !ferror(in) || error_set(e, "%s: cannot be read: %s", o->domains, strerror(errno));
}

static bool add_file(struct sts_options *o, struct error *e)
{
	bool own = strcmp(o->domains, "-") != 0;
	FILE *in = own ? fopen(o->domains, "re") : stdin;
	if (!in)
		return error_set(e, "%s: cannot be read: %s", o->domains, strerror(errno));
	bool good = add_lines(o, in, e);
	if (own)
		fclose(in);
	return good;
}

struct spot {
	const char *name;
	size_t at;
};

static int by_name(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* Each domain once, where it came first. */
static bool drop_doubles(struct sts_options *o, struct error *e)
{
	struct spot *place = calloc(o->n + 1, sizeof(*place));
	bool *again = calloc(o->n + 1, sizeof(*again));
	size_t kept = 0;
	for (size_t i = 0; place && again && i < o->n; i++)
		place[i] = (struct spot){ o->domain[i], i };
	if (place && again) {
		qsort(place, o->n, sizeof(*place), by_name);
		for (size_t i = 1; i < o->n; i++)
			again[place[i].at] = strcmp(place[i].name, place[i - 1].name) == 0;
		for (size_t i = 0; i < o->n; i++)
			if (!again[i])
				memmove(o->domain[kept++], o->domain[i], sizeof(*o->domain));
		o->n = kept;
	}
	bool good = place && again;
	free(place);
	free(again);
	return good || error_set(e, "no memory");
}

/* The domains that the sensor watches, and its partners; of the latter those that are written as one name. */
static bool add_watched(struct sts_options *o, const struct settings *s, struct error *e)
{
	for (size_t i = 0; i < s->watch_domains.n; i++)
		if (!add_domain(o, bytes_of(s->watch_domains.at[i].domain), e))
			return false;
	for (size_t i = 0; i < s->policy.partner.n; i++) {
		const char *name = s->policy.partner.name[i];
		if (name[0] != '.' && !add_domain(o, bytes_of(name), e))
			return false;
	}
	return true;
}

static bool take_config(struct sts_options *o, struct error *e)
{
	struct settings s = { 0 };
	bool good = config_read(o->config, &s, e);
	if (good && !o->cache && s.sts_cache)
		good = copy(&o->cache, s.sts_cache, e);
	if (good && o->n == 0 && !o->domains)
		good = add_watched(o, &s, e);
	settings_free(&s);
	return good;
}

static bool complete(struct sts_options *o, struct error *e)
{
	if (o->config && !take_config(o, e))
		return false;
	if (!o->cache)
		return error_set(e, "sts-fetch: into which folder? %s%s", o->config ? o->config : "Name it with --cache, or with -c ",
				 o->config ? " has no sts_cache; or name it with --cache" : "a configuration that has sts_cache");
	if (o->ca_file && access(o->ca_file, R_OK) != 0)
		return error_set(e, "--ca-file %s: cannot be read: %s", o->ca_file, strerror(errno));
	if (o->domains && !add_file(o, e))
		return false;
	if (o->n == 0)
		return error_set(e, "sts-fetch: no domain named; give some, or a file of them with --domains, or a configuration that watches some with -c");
	return drop_doubles(o, e);
}

bool sts_options_read(int argc, char **argv, struct sts_options *o, struct error *e)
{
	*o = (struct sts_options){ .port = PORT_HTTPS, .workers = 4, .seconds = SECONDS };
	opterr = 0;
	optind = 1;
	for (int c; (c = getopt_long(argc, argv, "c:j:qvh", longs, NULL)) != -1;) {
		if (!take_option(c, o, argv, e))
			return false;
		if (o->help)
			return true;
	}
	for (int i = optind; i < argc; i++)
		if (!add_domain(o, bytes_of(argv[i]), e))
			return false;
	return complete(o, e);
}

void sts_options_free(struct sts_options *o)
{
	free(o->domain);
	free(o->cache);
}
