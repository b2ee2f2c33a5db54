/* outcome, site: the table of what happened to the mail, row by row with near misses, and directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "judge/outcome.h"

enum { CLEAN, GAP, MIDSTREAM, ONE_SIDE, OPEN_END };

#define OU(x) outcome_##x
#define DE(x) delivery_##x
#define NONE (-1)

/* mail: transactions; content: octets; ok, no: messages accepted, refused; secret: AUTH PLAIN response in clear
 * tls: 0 none, 1 established, 2 failed; v13; rec: application-data records of the client; app: their octets, 0: the sum
 * verdict: of DANE, NONE unseen; accepted: yesno, NONE unseen */
static const struct {
	const char *why;
	int mail, content, ok, no;
	bool secret;
	int tls;
	bool v13, refusal;
	int rec[8], app, verdict, cover;
	enum outcome outcome;
	enum delivery delivery;
	int accepted;
	const char *event;
} t[] = {
	{ "clear content, accepted", 1, 900, 1, 0, 0, 0, 0, 0, { 0 }, 0, NONE, CLEAN, OU(clear_content), DE(seen), yesno_yes, "unknown" },
	{ "clear content, refused at its end", 1, 900, 0, 1, 0, 0, 0, 0, { 0 }, 0, NONE, CLEAN, OU(clear_content), DE(no), yesno_no, "unknown" },
	{ "one accepted of two", 2, 900, 1, 1, 0, 0, 0, 0, { 0 }, 0, NONE, CLEAN, OU(clear_content), DE(seen), yesno_yes, "unknown" },
	{ "clear content, no reply seen: exposed either way", 1, 900, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, ONE_SIDE, OU(clear_content), DE(unknown), yesno_unknown, "unknown" },
	{ "one octet is content", 1, 1, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, CLEAN, OU(clear_content), DE(unknown), yesno_unknown, "unknown" },
	{ "near miss: envelope only", 1, 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, CLEAN, OU(clear_envelope), DE(no), NONE, "unknown" },
	{ "envelope, then a gap: what followed is not known", 1, 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, GAP, OU(clear_envelope), DE(unknown), NONE, "unknown" },
	{ "a secret in clear", 0, 0, 0, 0, 1, 0, 0, 0, { 0 }, 0, NONE, CLEAN, OU(clear_auth), DE(no), NONE, "unknown" },
	{ "a secret in clear, then TLS: it was exposed", 0, 0, 0, 0, 1, 1, 0, 0, { 400, 400, 400, 400, 400 }, 0, NONE, CLEAN, OU(clear_auth), DE(inferred), NONE, "success" },
	{ "nothing was sent, the client left", 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, CLEAN, OU(not_delivered), DE(no), NONE, "unknown" },
	{ "near miss: the same with a gap", 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, GAP, OU(unknown), DE(unknown), NONE, "unknown" },
	{ "or without a beginning", 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, MIDSTREAM, OU(unknown), DE(unknown), NONE, "unknown" },
	{ "or one side only", 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, ONE_SIDE, OU(unknown), DE(unknown), NONE, "unknown" },
	{ "or without an end", 0, 0, 0, 0, 0, 0, 0, 0, { 0 }, 0, NONE, OPEN_END, OU(unknown), DE(unknown), NONE, "unknown" },
	{ "handshake failed, client left", 0, 0, 0, 0, 0, 2, 0, 0, { 0 }, 0, daneverdict_tls_failed, CLEAN, OU(not_delivered), DE(no), NONE, "failure" },
	{ "handshake failed, then content in clear", 1, 900, 1, 0, 0, 2, 0, 0, { 0 }, 0, daneverdict_tls_failed, CLEAN, OU(clear_content), DE(seen), yesno_yes, "failure" },
	{ "TLS, match, mail-like", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 120, 900, 500, 30 }, 0, daneverdict_match, CLEAN, OU(tls_ok), DE(inferred), NONE, "success" },
	{ "TLS, certificate not seen", 0, 0, 0, 0, 0, 1, 1, 0, { 53, 60, 120, 900, 600, 30 }, 0, daneverdict_not_visible, CLEAN, OU(tls_ok), DE(inferred), NONE, "success" },
	{ "no DNS at all", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 120, 900, 500, 30 }, 0, NONE, CLEAN, OU(tls_ok), DE(inferred), NONE, "success" },
	{ "bad peer, mail-like", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 120, 900, 500, 30 }, 0, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(inferred), NONE, "success" },
	{ "bad peer, 1537 octets in four records", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 120, 1000, 357 }, 0, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(inferred), NONE, "success" },
	{ "near miss: 1536 octets", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 120, 1000, 356 }, 0, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(unknown), NONE, "success" },
	{ "bad peer, a sender that pipelines", 0, 0, 0, 0, 0, 1, 0, 0, { 45, 120, 2438 }, 0, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(inferred), NONE, "success" },
	{ "near miss: two records", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 2100 }, 0, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(unknown), NONE, "success" },
	{ "TLS 1.3: Finished is no mail", 0, 0, 0, 0, 0, 1, 1, 0, { 69, 120, 1420 }, 0, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(unknown), NONE, "success" },
	{ "TLS 1.3: nor is a client certificate before it", 0, 0, 0, 0, 0, 1, 1, 0, { 1200, 281, 53, 60, 120, 200 }, 0, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(unknown), NONE, "success" },
	{ "TLS 1.3: Finished alone: nothing was sent", 0, 0, 0, 0, 0, 1, 1, 0, { 53 }, 0, daneverdict_not_visible, CLEAN, OU(not_delivered), DE(no), NONE, "success" },
	{ "long tail is counted in octets", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 60, 60, 60, 60, 60, 60, 60 }, 90000, daneverdict_mismatch, CLEAN, OU(tls_bad_peer), DE(inferred), NONE, "success" },
	{ "refusal form: a completed handshake with the wrong peer is no leak", 0, 0, 0, 0, 0, 1, 0, 1, { 30, 26 }, 0, daneverdict_mismatch, CLEAN, OU(not_delivered), DE(no), NONE, "success" },
	{ "bad peer, nothing sent", 0, 0, 0, 0, 0, 1, 0, 0, { 0 }, 0, daneverdict_mismatch, CLEAN, OU(not_delivered), DE(no), NONE, "success" },
	{ "near miss: nothing sent that we saw, but octets are missing", 0, 0, 0, 0, 0, 1, 0, 0, { 0 }, 0, daneverdict_mismatch, GAP, OU(tls_bad_peer), DE(unknown), NONE, "success" },
	{ "unusable records: any peer will do", 0, 0, 0, 0, 0, 1, 0, 0, { 60, 120, 900, 500, 30 }, 0, daneverdict_tls_only_ok, CLEAN, OU(tls_ok), DE(inferred), NONE, "success" },
};

static void session_of(size_t i, struct record *s)
{
	int64_t sum = 0;
	record_init(s);
	record_num(s, F_smtp_transactions, t[i].mail);
	record_num(s, F_smtp_content, t[i].content);
	record_num(s, F_smtp_messages, t[i].ok);
	record_num(s, F_smtp_messages_refused, t[i].no);
	if (t[i].secret) {
		record_num(s, F_smtp_auth_class, authclass_secret);
		record_yes(s, F_smtp_auth_response);
	}
	if (t[i].tls) {
		record_tri(s, F_tls_established, t[i].tls == 1 ? TRI_YES : TRI_NO);
		record_tri(s, F_tls_failed, t[i].tls == 2 ? TRI_YES : TRI_NO);
		record_cstr(s, F_tls_version, t[i].v13 ? "1.3" : "1.2");
		record_tri(s, F_tls_refusal, t[i].refusal ? TRI_YES : TRI_NO);
	}
	for (int k = 0; k < 8 && t[i].rec[k]; k++) {
		record_add_num(s, F_tls_rec_c2s, t[i].rec[k]);
		sum += t[i].rec[k];
	}
	if (t[i].tls == 1)
		record_num(s, F_tls_app_c2s, t[i].app ? t[i].app : sum);
	if (t[i].verdict != NONE)
		record_num(s, F_dane_verdict, t[i].verdict);
	record_num(s, F_cap_end, t[i].cover == OPEN_END ? endhow_none : endhow_fin);
	if (t[i].cover == GAP) {
		record_yes(s, F_cap_gap_dialogue);
		record_num(s, F_cap_gap_c2s, 100);
	}
	if (t[i].cover == MIDSTREAM)
		record_yes(s, F_cap_midstream);
	if (t[i].cover == ONE_SIDE)
		record_yes(s, F_cap_one_direction);
}

static void every_row(void **state)
{
	static struct record s;
	static const struct site nowhere;
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		session_of(i, &s);
		outcome_judge(&nowhere, &s);
		if (record_get_num(&s, F_outcome, NONE) != (int64_t)t[i].outcome || record_get_num(&s, F_delivery, NONE) != (int64_t)t[i].delivery)
			print_message("%s: outcome %d delivery %d\n", t[i].why, (int)record_get_num(&s, F_outcome, NONE),
				      (int)record_get_num(&s, F_delivery, NONE));
		assert_int_equal(record_get_num(&s, F_outcome, NONE), t[i].outcome);
		assert_int_equal(record_get_num(&s, F_delivery, NONE), t[i].delivery);
		assert_int_equal(record_get_num(&s, F_accepted, NONE), t[i].accepted);
		assert_true(bytes_eq(record_get_str(&s, F_event_outcome), bytes_of(t[i].event)));
		assert_int_equal(record_get_num(&s, F_net_direction, NONE), direction_unknown);
		assert_false(record_has(&s, F_own_client));
	}
	print_message("%zu rows\n", sizeof(t) / sizeof(t[0]));
}

static void octets_after_tls_come_first(void **state)
{
	static struct record s;
	static const struct site nowhere;
	(void)state;
	session_of(0, &s);
	record_init(&s);
	record_yes(&s, F_tls_established);
	record_num(&s, F_cap_end, endhow_fin);
	for (int i = 0; i < 4; i++)
		record_add_num(&s, F_tls_rec_c2s, 600);
	record_num(&s, F_tls_app_c2s, 2400);
	record_num(&s, F_smtp_after_tls, 1500); /* who counted knows better what was in front */
	outcome_judge(&nowhere, &s);
	assert_int_equal(record_get_num(&s, F_delivery, NONE), delivery_unknown);
}

static struct bytes exact(const char *s, uint8_t **buffer)
{
	size_t n = strlen(s);
	*buffer = malloc(n ? n : 1);
	memcpy(*buffer, s, n);
	return (struct bytes){ *buffer, n };
}

static void networks(void **state)
{
	static const struct {
		const char *net, *addr;
		bool parses, own;
	} n[] = {
		{ "192.0.2.0/24", "192.0.2.255", true, true },  { "192.0.2.0/24", "192.0.3.0", true, false },
		{ "192.0.2.77/24", "192.0.2.1", true, true },   { "192.0.2.1", "192.0.2.1", true, true },
		{ "192.0.2.1", "192.0.2.2", true, false },      { "192.0.2.128/25", "192.0.2.127", true, false },
		{ "192.0.2.128/25", "192.0.2.200", true, true },{ "0.0.0.0/0", "203.0.113.9", true, true },
		{ "0.0.0.0/0", "2001:db8::1", true, false },    { "2001:db8::/33", "2001:db8:7fff::1", true, true },
		{ "2001:db8::/33", "2001:db8:8000::1", true, false }, { "2001:db8::1", "2001:db8::1", true, true },
		{ "::/0", "192.0.2.1", true, false },           { "192.0.2.0/33", "192.0.2.1", false, false },
		{ "2001:db8::/129", "::", false, false },       { "192.0.2.0/", "192.0.2.1", false, false },
		{ "192.0.2/24", "192.0.2.1", false, false },    { "/24", "192.0.2.1", false, false },
		{ "", "192.0.2.1", false, false },              { "192.0.2.0/2a", "192.0.2.1", false, false },
		{ "192.0.2.0/0024", "192.0.2.1", false, false },{ "host.example", "192.0.2.1", false, false },
		{ "1111111111111111111111111111111111111111111111111111", "192.0.2.1", false, false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		struct site s = { .networks = 0 };
		struct cidr a;
		uint8_t *buffer;
		assert_true(site_network(bytes_of(n[i].addr), &a));
		bool ok = site_add(&s, exact(n[i].net, &buffer));
		if (ok != n[i].parses || site_own(&s, &a.base) != n[i].own)
			print_message("%s %s\n", n[i].net, n[i].addr);
		assert_int_equal(ok, n[i].parses);
		assert_int_equal(site_own(&s, &a.base), n[i].own);
		free(buffer);
	}
	struct site full = { .networks = 0 };
	for (int i = 0; i < SITE_NETWORKS; i++)
		assert_true(site_add(&full, bytes_of("192.0.2.0/24")));
	assert_false(site_add(&full, bytes_of("198.51.100.0/24")));
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
	struct site site = { .vantage = vantage_egress_outside };
	static struct record s;
	(void)state;
	assert_true(site_add(&site, bytes_of("192.0.2.0/24")));
	assert_true(site_add(&site, bytes_of("2001:db8::/32")));
	for (size_t i = 0; i < sizeof(d) / sizeof(d[0]); i++) {
		struct cidr client, server;
		record_init(&s);
		assert_true(site_network(bytes_of(d[i].client), &client) && site_network(bytes_of(d[i].server), &server));
		record_addr(&s, F_src_ip, &client.base);
		record_addr(&s, F_dst_ip, &server.base);
		outcome_judge(&site, &s);
		assert_int_equal(record_get_num(&s, F_net_direction, NONE), d[i].d);
		assert_int_equal(record_get_tri(&s, F_own_client) == TRI_YES, d[i].d == direction_outbound || d[i].d == direction_internal);
		assert_int_equal(record_get_tri(&s, F_own_server) == TRI_YES, d[i].d == direction_inbound || d[i].d == direction_internal);
		assert_int_equal(record_get_num(&s, F_vantage, NONE), vantage_egress_outside);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(octets_after_tls_come_first),
		cmocka_unit_test(networks),
		cmocka_unit_test(directions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
