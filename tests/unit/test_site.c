/* site: addresses and networks as an operator writes them. */
#include "judge/site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
	const char *net, *addr;
	bool parses, has;
	const char *why;
} cases[] = {
	{ "192.0.2.0/24", "192.0.2.77", true, true, "inside" },
	{ "192.0.2.0/24", "192.0.3.1", true, false, "outside" },
	{ "10.128.0.0/9", "10.200.1.1", true, true, "odd prefix" },
	{ "10.128.0.0/9", "10.100.1.1", true, false, "odd prefix, other half" },
	{ "0.0.0.0/0", "203.0.113.9", true, true, "everything" },
	{ "0.0.0.0/0", "::1", true, false, "of its family only" },
	{ "192.0.2.1", "192.0.2.1", true, true, "a host" },
	{ "2001:db8::/32", "2001:db8:1::1", true, true, "IPv6" },
	{ "2001:db8::/32", "2001:db9::1", true, false, "IPv6 outside" },
	{ "::1", "::1", true, true, "loopback" },
	{ "2001:db8:0:0:0:0:0:1/128", "2001:db8::1", true, true, "no gap" },
	{ "192.0.2.0/33", "", false, false, "too long a prefix" },
	{ "192.0.2/24", "", false, false, "three parts" },
	{ "192.0.2.256", "", false, false, "octet over 255" },
	{ "192.0.2.0/", "", false, false, "empty prefix" },
	{ "1:2:3:4:5:6:7:8:9", "", false, false, "nine groups" },
	{ "1::2::3", "", false, false, "two gaps" },
	{ "mx.example.org", "", false, false, "a name" },
	{ "", "", false, false, "nothing" },
};

static void networks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct site site = { 0 };
		struct cidr host;
		assert_int_equal(site_add(&site, bytes_of(cases[i].net)), cases[i].parses);
		if (!cases[i].parses)
			continue;
		assert_true(site_network(bytes_of(cases[i].addr), &host));
		assert_int_equal(site_own(&site, &host.base), cases[i].has);
	}
}

static void full(void **state)
{
	(void)state;
	struct site site = { 0 };
	for (int i = 0; i < SITE_NETWORKS; i++)
		assert_true(site_add(&site, bytes_of("192.0.2.0/24")));
	assert_false(site_add(&site, bytes_of("192.0.2.0/24")));
	assert_int_equal(site.networks, SITE_NETWORKS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(networks), cmocka_unit_test(full) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
