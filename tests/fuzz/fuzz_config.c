/* The site configuration from any octets: either it is taken, and then what it says is within bounds, or the error
 * names the file. */
#include <assert.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within_bounds(const struct networks *nets)
{
	assert(nets->n <= SITE_NETWORKS);
	for (uint32_t i = 0; i < nets->n; i++)
		assert(nets->net[i].bits <= (nets->net[i].base.v == 4 ? 32 : 128));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct site site = { .mirror_all = false };
	struct rule_site rules = { 0 };
	struct error e = { "" };
	if (config_parse("site.yaml", (struct bytes){ data, size }, &site, &rules, &e)) {
		assert(site.vantage < vantage_COUNT && memchr(site.ca_file, 0, sizeof(site.ca_file)));
		within_bounds(&site.own);
		within_bounds(&site.seen_as);
		within_bounds(&site.mirror);
	} else {
		assert(strncmp(e.text, "site.yaml", 9) == 0);
	}
	rule_site_free(&rules);
	return 0;
}
