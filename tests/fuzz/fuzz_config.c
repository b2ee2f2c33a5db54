/* The site configuration from any octets: either it is taken, and then what it says is within bounds, or the error
 * names the file. */
#include <assert.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct site site = { 0 };
	struct rule_site rules = { 0 };
	struct error e = { "" };
	if (config_parse("site.yaml", (struct bytes){ data, size }, &site, &rules, &e)) {
		assert(site.networks <= SITE_NETWORKS && site.vantage < vantage_COUNT);
		for (uint32_t i = 0; i < site.networks; i++)
			assert(site.own[i].bits <= (site.own[i].base.v == 4 ? 32 : 128));
	} else {
		assert(strncmp(e.text, "site.yaml", 9) == 0);
	}
	rule_site_free(&rules);
	return 0;
}
