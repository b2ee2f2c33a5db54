/* kinship: registered domains by the list of public suffixes, networks, and who is taken for the operator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "judge/kinship.h"

static const struct {
	const char *name, *domain, *why;
} domains[] = {
	{ "mx1.mail.example.net", "example.net", "two labels" },
	{ "mx.example.co.uk", "example.co.uk", "a suffix of two labels" },
	{ "example.net", "example.net", "it is one itself" },
	{ "net", "", "a suffix" },
	{ "co.uk", "", "a suffix" },
	{ "", "", "nothing" },
};

static void registered(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		size_t n = strlen(domains[i].name);
		uint8_t *exact = malloc(n ? n : 1);
		memcpy(exact, domains[i].name, n);
		struct bytes got = kinship_domain((struct bytes){ exact, n });
		if (!bytes_eq(got, bytes_of(domains[i].domain)))
			fail_msg("%s: %.*s", domains[i].why, (int)got.n, (const char *)got.p);
		free(exact);
	}
	assert_int_equal(kinship_domain((struct bytes){ (const uint8_t *)"a\0.net", 6 }).n, 0);
}

static const struct {
	uint8_t ip[16], n;
	const char *host;
	enum confidence sure;
	const char *operator, *network, *clients, *why;
} sessions[] = {
	{ { 198, 51, 109, 9 }, 4, "mx.example.net", confidence_high, "example.net", "198.51.96.0/20", "192.0.2.0/24", "a known host" },
	{ { 198, 51, 109, 9 }, 4, "mx.example.net", confidence_low, "198.51.96.0/20", "198.51.96.0/20", "192.0.2.0/24", "nobody is sure" },
	{ { 198, 51, 109, 9 }, 4, NULL, confidence_none, "198.51.96.0/20", "198.51.96.0/20", "192.0.2.0/24", "no host" },
	{ { 0x20, 1, 0x0d, 0xb8, 0x12, 0x34 }, 16, "mx.example.net", confidence_medium, "example.net", "2001:db8::/32", "192.0.2.0/24", "IPv6" },
};

static void operators(void **unused)
{
	(void)unused;
	static const uint8_t client[4] = { 192, 0, 2, 77 };
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		struct record r;
		record_init(&r);
		record_str(&r, F_dst_ip, (struct bytes){ sessions[i].ip, sessions[i].n });
		record_str(&r, F_src_ip, (struct bytes){ client, 4 });
		record_num(&r, F_id_confidence, sessions[i].sure);
		record_num(&r, F_event_end, INT64_C(1767225599999999999));
		if (sessions[i].host)
			record_cstr(&r, F_id_host, sessions[i].host);
		kinship_judge(&r);
		assert_true(bytes_eq(record_get_str(&r, F_corr_operator), bytes_of(sessions[i].operator)));
		assert_true(bytes_eq(record_get_str(&r, F_corr_network), bytes_of(sessions[i].network)));
		assert_true(bytes_eq(record_get_str(&r, F_corr_clients), bytes_of(sessions[i].clients)));
		assert_true(bytes_eq(record_get_str(&r, F_corr_day), bytes_of("2025-12-31")));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(registered), cmocka_unit_test(operators) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
