/* identity: which names become questions, and how sure a candidate is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "judge/identity.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *in, *out; /* out NULL: refused */
	const char *why;
} names[] = {
	{ "mx.example.net", "mx.example.net", "plain" },
	{ "MX.Example.NET.", "mx.example.net", "case and last dot" },
	{ "_dmarc.example.net", "_dmarc.example.net", "underscore is common" },
	{ "3com.example", "3com.example", "digits" },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example", "A-label" },
	{ "192.0.2.1", NULL, "IPv4" },
	{ "1.2.3", NULL, "IPv4 in another spelling" },
	{ "[192.0.2.1]", NULL, "address literal" },
	{ "[IPv6:2001:db8::1]", NULL, "address literal" },
	{ "2001:db8::1", NULL, "IPv6" },
	{ "localhost", NULL, "single label" },
	{ "printer.local", NULL, "mDNS" },
	{ "mx.corp.internal", NULL, "private" },
	{ "router.home.arpa", NULL, "private" },
	{ "x.onion", NULL, "not DNS" },
	{ "notlocal.example", "notlocal.example", "near miss" },
	{ "mx.notlocal", "mx.notlocal", "near miss: suffix must be a label" },
	{ "a..b", NULL, "empty label" },
	{ ".example.net", NULL, "empty first label" },
	{ "example.net..", NULL, "two dots at the end" },
	{ ".", NULL, "the root" },
	{ "", NULL, "nothing" },
	{ "a b.example", NULL, "blank" },
	{ "b\xc3\xbc" "cher.example", NULL, "not an A-label" },
	{ "a\"b.example", NULL, "no host octet" },
	{ L63 ".example", L63 ".example", "63 octets" },
	{ L63 "a.example", NULL, "64 octets" },
	{ L63 "." L63 "." L63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", L63 "." L63 "." L63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "253 octets" },
	{ L63 "." L63 "." L63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, "254 octets" },
};

static void which_names(void **state)
{
	char out[NAME_MAX_TEXT + 1];
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i].in);
		uint8_t *in = malloc(n ? n : 1);
		memcpy(in, names[i].in, n);
		bool ok = identity_name((struct bytes){ in, n }, out);
		if (ok != (names[i].out != NULL))
			print_message("%s: %s\n", names[i].in, names[i].why);
		assert_int_equal(ok, names[i].out != NULL);
		assert_string_equal(out, names[i].out ? names[i].out : "");
		free(in);
	}
}

static void candidates(void **state)
{
	static struct record r;
	struct identity id;
	struct addr server = { 4, { 192, 0, 2, 25 } };
	(void)state;
	record_init(&r);
	record_addr(&r, F_dst_ip, &server);
	record_num(&r, F_dst_port, 2525);
	record_cstr(&r, F_tls_sni, "MX.example.net");
	record_cstr(&r, F_smtp_banner, "hint.example.net");
	record_cstr(&r, F_smtp_ehlo, "client.example.net");
	record_add_cstr(&r, F_smtp_rcpt_domains, "Example.org");
	record_add_cstr(&r, F_smtp_rcpt_domains, "[192.0.2.25]");
	record_add_cstr(&r, F_smtp_rcpt_domains, "example.ORG.");
	record_add_cstr(&r, F_smtp_rcpt_domains, "example.com");
	identity_of(&r, &id);
	assert_string_equal(id.host, "mx.example.net");
	assert_int_equal(id.domains, 2);
	assert_string_equal(id.domain[0], "example.org");
	assert_string_equal(id.domain[1], "example.com");
	assert_int_equal(id.port, 2525);
	assert_memory_equal(&id.server, &server, sizeof(server));
	assert_false(id.more);
	assert_false(id.silent);
	for (char c = 'a'; c < 'a' + IDENTITY_DOMAINS; c++)
		record_add(&r, F_smtp_rcpt_domains, (struct bytes){ (uint8_t[]){ (uint8_t)c, '.', 'd', 'e' }, 4 });
	identity_of(&r, &id);
	assert_int_equal(id.domains, IDENTITY_DOMAINS);
	assert_true(id.more);
}

/* Only a whole session that named neither a host nor a recipient is silent: whatever is missing could have been a name. */
static void silence(void **state)
{
	static const struct {
		enum fact fact;
		int64_t value;
		bool silent;
		const char *why;
	} t[] = {
		{ F_smtp_quit, TRI_YES, true, "whole, and nothing said" },
		{ F_cap_end, endhow_rst, true, "ended by RST" },
		{ F_cap_end, endhow_none, false, "not ended: the client may yet speak" },
		{ F_cap_gap_c2s, 1, false, "an octet of the client is missing" },
		{ F_cap_gap_s2c, 1, true, "near miss: of the server" },
		{ F_cap_gap_dialogue, TRI_YES, false, "a gap" },
		{ F_cap_midstream, TRI_YES, false, "the beginning is missing" },
		{ F_cap_one_direction, TRI_YES, false, "one side is missing" },
		{ F_cap_limit, TRI_YES, false, "dropped by us" },
		{ F_tls_seen, TRI_YES, false, "TLS without the ClientHello that may have named a host" },
		{ F_smtp_rcpt_ok, 1, false, "a recipient without a domain: meant for this server" },
		{ F_smtp_rcpt_deferred, 1, false, "the same" },
		{ F_smtp_rcpt_refused, 1, false, "the same" },
	};
	static struct record r;
	struct identity id;
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		record_init(&r);
		record_num(&r, F_cap_end, endhow_fin);
		if (fact_table[t[i].fact].type == T_TRI)
			record_tri(&r, t[i].fact, (enum tri)t[i].value);
		else
			record_num(&r, t[i].fact, t[i].value);
		identity_of(&r, &id);
		if (id.silent != t[i].silent)
			print_message("%s\n", t[i].why);
		assert_int_equal(id.silent, t[i].silent);
	}
	record_yes(&r, F_tls_hello_c);
	static const char *const said[] = { "mx.example.net", "192.0.2.1", "mx.corp.internal" };
	for (size_t i = 0; i < 6; i++) { /* a name that nobody is asked for is a name all the same */
		record_init(&r);
		record_num(&r, F_cap_end, endhow_fin);
		if (i < 3)
			record_cstr(&r, F_tls_sni, said[i]);
		else
			record_add_cstr(&r, F_smtp_rcpt_domains, said[i - 3]);
		identity_of(&r, &id);
		assert_false(id.silent);
	}
	record_init(&r);
	record_num(&r, F_cap_end, endhow_fin);
	record_yes(&r, F_tls_seen);
	record_yes(&r, F_tls_hello_c);
	identity_of(&r, &id);
	assert_true(id.silent);
}

static const struct {
	enum identity_by by;
	enum dnsstatus mx;
	bool secure;
	enum location location;
	enum confidence want;
	const char *why;
} sure[] = {
	{ IDENTITY_SNI, 0, true, location_inside, confidence_high, "rank 3" },
	{ IDENTITY_SNI, 0, true, location_outside, confidence_high, "rank 3: intent is kept" },
	{ IDENTITY_SNI, 0, false, location_unknown, confidence_low, "rank 6" },
	{ IDENTITY_RCPT, dnsstatus_secure, true, location_inside, confidence_high, "rank 2" },
	{ IDENTITY_RCPT, dnsstatus_absent, true, location_inside, confidence_high, "rank 2, implicit MX" },
	{ IDENTITY_RCPT, dnsstatus_secure, true, location_outside, confidence_high, "rank 2: domain intent stays" },
	{ IDENTITY_RCPT, dnsstatus_secure, false, location_unknown, confidence_medium, "domain sure, host not" },
	{ IDENTITY_RCPT, dnsstatus_insecure, true, location_inside, confidence_medium, "host-level DANE, at most medium" },
	{ IDENTITY_RCPT, dnsstatus_insecure, true, location_outside, confidence_low, "the attacker may choose the MX" },
	{ IDENTITY_RCPT, dnsstatus_insecure, false, location_unknown, confidence_low, "rank 6" },
	{ IDENTITY_RCPT, dnsstatus_bogus, true, location_inside, confidence_low, "nothing is known of the MX" },
	{ IDENTITY_RCPT, dnsstatus_failed, true, location_inside, confidence_low, "nothing is known of the MX" },
	{ IDENTITY_RCPT, dnsstatus_incomplete, true, location_inside, confidence_low, "nothing is known of the MX" },
	{ IDENTITY_ANSWER, 0, true, location_inside, confidence_medium, "rank 5: anybody may publish this address" },
	{ IDENTITY_ANSWER, 0, true, location_outside, confidence_low, "the answer was not true" },
	{ IDENTITY_ANSWER, 0, false, location_unknown, confidence_low, "rank 5, insecure" },
	{ IDENTITY_ANSWER, dnsstatus_secure, false, location_inside, confidence_low, "the MX is not read" },
};

static void how_sure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sure) / sizeof(sure[0]); i++)
		assert_int_equal(identity_confidence(sure[i].by, sure[i].mx, sure[i].secure, sure[i].location), sure[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_names),
		cmocka_unit_test(candidates),
		cmocka_unit_test(silence),
		cmocka_unit_test(how_sure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
