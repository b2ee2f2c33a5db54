/* sts_options: the command line of mxcheck sts-fetch, and the domains that it names. */
#ifndef STS_OPTIONS_H
#define STS_OPTIONS_H
#include "error.h"
#include "mail_domain.h"

enum { STS_DOMAINS = 65536, STS_WORKERS = 32 };

/* domain  n of them, each once, in the order given; owned, see sts_options_free
 * cache   owned
 * The other texts are those of argv; NULL: not given. */
struct sts_options {
	char (*domain)[MAIL_DOMAIN_MAX + 1];
	size_t n, room;
	char *cache;
	const char *resolver, *ca_file, *config, *domains;
	uint16_t port;
	unsigned workers, seconds;
	bool inside, json, quiet, verbose, help;
};

/* sts_options_read: with help set, nothing else counts. false: e says which word, or line of which file, is wrong. */
bool sts_options_read(int argc, char **argv, struct sts_options *o, struct error *e);
void sts_options_free(struct sts_options *o);

extern const char sts_usage[];
#endif
