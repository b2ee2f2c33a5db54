/* site: addresses and networks as an operator writes them, and what they make of a session. */
#include "judge/site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NONE (-1)

static const struct {
	const char *net, *addr;
	bool parses, has;
	const char *why;
} cases[] = {
	{ "192.0.2.0/24", "192.0.2.77", true, true, "inside" },
	{ "192.0.2.0/24", "192.0.2.255", true, true, "its last address" },
	{ "192.0.2.0/24", "192.0.3.0", true, false, "outside" },
	{ "192.0.2.77/24", "192.0.2.1", true, true, "bits behind the prefix do not count" },
	{ "10.128.0.0/9", "10.200.1.1", true, true, "odd prefix" },
	{ "10.128.0.0/9", "10.100.1.1", true, false, "odd prefix, other half" },
	{ "0.0.0.0/0", "203.0.113.9", true, true, "everything" },
	{ "0.0.0.0/0", "::1", true, false, "of its family only" },
	{ "::/0", "192.0.2.1", true, false, "of its family only" },
	{ "192.0.2.1", "192.0.2.1", true, true, "a host" },
	{ "192.0.2.1", "192.0.2.2", true, false, "another host" },
	{ "2001:db8::/32", "2001:db8:1::1", true, true, "IPv6" },
	{ "2001:db8::/32", "2001:db9::1", true, false, "IPv6 outside" },
	{ "2001:db8::/33", "2001:db8:7fff::1", true, true, "IPv6, odd prefix" },
	{ "2001:db8::/33", "2001:db8:8000::1", true, false, "IPv6, odd prefix, other half" },
	{ "::1", "::1", true, true, "loopback" },
	{ "2001:db8:0:0:0:0:0:1/128", "2001:db8::1", true, true, "no gap" },
	{ "192.0.2.0/33", "", false, false, "too long a prefix" },
	{ "2001:db8::/129", "", false, false, "too long a prefix" },
	{ "192.0.2/24", "", false, false, "three parts" },
	{ "192.0.2.256", "", false, false, "octet over 255" },
	{ "192.0.2.0/", "", false, false, "empty prefix" },
	{ "192.0.2.0/2a", "", false, false, "a prefix that is no number" },
	{ "192.0.2.0/0024", "", false, false, "a prefix of four digits" },
	{ "/24", "", false, false, "no address" },
	{ "1:2:3:4:5:6:7:8:9", "", false, false, "nine groups" },
	{ "1::2::3", "", false, false, "two gaps" },
	{ "1111111111111111111111111111111111111111111111111111", "", false, false, "longer than any address" },
	{ "mx.example.org", "", false, false, "a name" },
	{ "", "", false, false, "nothing" },
};

/* In a buffer of exactly its size. */
static struct bytes exact(const char *s, uint8_t **buffer)
{
	size_t n = strlen(s);
	*buffer = malloc(n ? n : 1);
	assert_non_null(*buffer);
	memcpy(*buffer, s, n);
	return (struct bytes){ *buffer, n };
}

static void networks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct networks nets = { .n = 0 };
		struct cidr host;
		uint8_t *buffer;
		bool parses = networks_add(&nets, exact(cases[i].net, &buffer));
		free(buffer);
		if (parses != cases[i].parses)
			print_message("%s: %s\n", cases[i].net, cases[i].why);
		assert_int_equal(parses, cases[i].parses);
		assert_int_equal(nets.n, parses);
		if (!parses)
			continue;
		assert_true(site_network(bytes_of(cases[i].addr), &host));
		assert_int_equal(networks_have(&nets, &host.base), cases[i].has);
	}
}

static void full(void **state)
{
	(void)state;
	struct networks nets = { .n = 0 };
	for (int i = 0; i < SITE_NETWORKS; i++)
		assert_true(networks_add(&nets, bytes_of("192.0.2.0/24")));
	assert_false(networks_add(&nets, bytes_of("192.0.2.0/24")));
	assert_int_equal(nets.n, SITE_NETWORKS);
}

static void add_all(struct networks *to, const char *list)
{
	char text[256], *save = NULL;
	strcpy(text, list);
	for (char *s = strtok_r(text, " ", &save); s; s = strtok_r(NULL, " ", &save))
		assert_true(networks_add(to, bytes_of(s)));
}

static void session_of(const char *client, const char *server, const char *greeted, struct record *s)
{
	struct cidr a;
	record_init(s);
	assert_true(site_network(bytes_of(client), &a));
	record_addr(s, F_src_ip, &a.base);
	assert_true(site_network(bytes_of(server), &a));
	record_addr(s, F_dst_ip, &a.base);
	if (!greeted)
		return;
	assert_true(site_network(bytes_of(greeted), &a));
	record_addr(s, F_smtp_greeted, &a.base);
}

static void directions(void **state)
{
	static const struct {
		const char *client, *server;
		enum direction d;
	} d[] = { { "192.0.2.1", "203.0.113.1", direction_outbound },
		  { "203.0.113.1", "192.0.2.1", direction_inbound },
		  { "192.0.2.1", "2001:db8::25", direction_internal },
		  { "203.0.113.1", "203.0.113.2", direction_external } };
	struct site site = { .vantage = vantage_egress_outside }, nowhere = { .mirror_all = false };
	static struct record s;
	(void)state;
	add_all(&site.own, "192.0.2.0/24 2001:db8::/32");
	for (size_t i = 0; i < sizeof(d) / sizeof(d[0]); i++) {
		session_of(d[i].client, d[i].server, NULL, &s);
		site_judge(&site, &s);
		assert_int_equal(record_get_num(&s, F_net_direction, NONE), d[i].d);
		assert_int_equal(record_get_tri(&s, F_own_client) == TRI_YES, d[i].d == direction_outbound || d[i].d == direction_internal);
		assert_int_equal(record_get_tri(&s, F_own_server) == TRI_YES, d[i].d == direction_inbound || d[i].d == direction_internal);
		assert_int_equal(record_get_num(&s, F_vantage, NONE), vantage_egress_outside);
		site_judge(&nowhere, &s); /* the same record: what was said before is forgotten */
		assert_int_equal(record_get_num(&s, F_net_direction, NONE), direction_unknown);
		assert_false(record_has(&s, F_own_client) || record_has(&s, F_own_server) || record_has(&s, F_mirror));
	}
}

static void mirrors(void **state)
{
	static const struct {
		const char *why, *nets;
		bool all;
		enum tri mirror;
	} t[] = {
		{ "the site says nothing", "", false, TRI_UNSEEN },
		{ "all of it", "", true, TRI_YES },
		{ "the client's network", "203.0.113.0/24 192.0.2.0/24", false, TRI_YES },
		{ "the server's network", "198.51.100.25", false, TRI_YES },
		{ "neither", "198.51.100.26 2001:db8::/32", false, TRI_NO },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct site site = { .mirror_all = t[i].all };
		static struct record s;
		add_all(&site.mirror, t[i].nets);
		session_of("192.0.2.1", "198.51.100.25", NULL, &s);
		record_yes(&s, F_mirror); /* of another process, which has no say */
		site_judge(&site, &s);
		if (record_get_tri(&s, F_mirror) != t[i].mirror)
			print_message("%s\n", t[i].why);
		assert_int_equal(record_get_tri(&s, F_mirror), t[i].mirror);
	}
}

static void greeted_as_other(void **state)
{
	static const struct {
		const char *why, *own, *seen_as, *client, *greeted;
		enum tri other;
	} t[] = {
		{ "no address was quoted", "", "198.51.100.1", "10.0.0.5", NULL, TRI_UNSEEN },
		{ "the client itself", "", "", "192.0.2.5", "192.0.2.5", TRI_NO },
		{ "the client itself, in the notation of IPv6", "", "", "192.0.2.5", "::ffff:192.0.2.5", TRI_NO },
		{ "private client: translated on the way", "", "", "10.0.0.5", "198.51.100.1", TRI_UNSEEN },
		{ "public client, nothing configured: may be translated too", "", "", "192.0.2.5", "198.51.100.1", TRI_UNSEEN },
		{ "as the site is seen", "", "198.51.100.0/28", "10.0.0.5", "198.51.100.1", TRI_NO },
		{ "near miss: not as the site is seen", "", "198.51.100.0/28", "10.0.0.5", "198.51.100.16", TRI_YES },
		{ "an own client", "10.0.0.0/8", "198.51.100.1", "10.0.0.5", "203.0.113.7", TRI_YES },
		{ "a client that is none of ours: how we are seen says nothing of it", "10.0.0.0/8", "198.51.100.1", "192.0.2.5",
		  "203.0.113.7", TRI_UNSEEN },
		{ "IPv6", "", "2001:db8::/64", "fd00::5", "2001:db8::99", TRI_NO },
		{ "IPv6, somebody else", "", "2001:db8::/64", "fd00::5", "2001:db8:0:1::99", TRI_YES },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct site site = { .mirror_all = false };
		static struct record s;
		add_all(&site.own, t[i].own);
		add_all(&site.seen_as, t[i].seen_as);
		session_of(t[i].client, "203.0.113.25", t[i].greeted, &s);
		site_judge(&site, &s);
		if (record_get_tri(&s, F_smtp_greeted_other) != t[i].other)
			print_message("%s\n", t[i].why);
		assert_int_equal(record_get_tri(&s, F_smtp_greeted_other), t[i].other);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks), cmocka_unit_test(full),	cmocka_unit_test(directions),
		cmocka_unit_test(mirrors),  cmocka_unit_test(greeted_as_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
