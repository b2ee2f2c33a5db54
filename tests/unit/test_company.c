/* What the sessions around one say, and what the site has said beforehand: first occurrences, everyday traffic, attribution, the site's
 * own device, suppression. With the tables of levels as shipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "judge/company.h"
#include "judge/inspection.h"
#include "judge/suppress.h"
#include "rows_store.h"
#include "rule_file.h"
#include "suppressions.h"

#define S INT64_C(1000000000)
#define DAY (86400 * S)
#define T0 (INT64_C(1764050000) * S)

static struct rules *rules;
static struct rule_scratch *scratch;
static const struct site nowhere;

static int load(void **state)
{
	struct error e;
	(void)state;
	if (access("rules/ambient.yaml", R_OK) != 0)
		return 0;
	rules = rules_load("rules", NULL, &e);
	scratch = rules ? rule_scratch_new(rules) : NULL;
	return scratch ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	rule_scratch_free(scratch);
	rules_free(rules);
	return 0;
}

static const struct rule *named(const char *name)
{
	for (size_t i = 0; i < rules_count(rules); i++)
		if (strcmp(rules_at(rules, i)->name, name) == 0)
			return rules_at(rules, i);
	fail_msg("no rule %s", name);
	return NULL;
}

/* A session that ends at seconds after T0. */
static void session(struct record *s, unsigned id, int64_t at, unsigned client, unsigned server)
{
	char text[40];
	struct addr c = { .v = 4, .a = { 10, 0, (uint8_t)client, 1 } }, d = { .v = 4, .a = { 198, (uint8_t)(server >> 8), (uint8_t)server, 9 } };
	record_init(s);
	snprintf(text, sizeof(text), "%032u", id);
	record_cstr(s, F_event_id, text);
	record_num(s, F_event_start, T0 + (at - 1) * S);
	record_num(s, F_event_end, T0 + at * S);
	record_addr(s, F_src_ip, &c);
	record_addr(s, F_dst_ip, &d);
	record_num(s, F_dst_port, 25);
	record_num(s, F_outcome, outcome_not_delivered);
	record_num(s, F_delivery, delivery_no);
}

static void promised(struct record *s, enum expect x)
{
	record_num(s, F_expect, x);
	record_add_num(s, F_expect_all, x);
	record_num(s, F_id_confidence, confidence_high);
}

/* ---- footnote 1 ---- */

/* id, at, client; is it a final one; level expected */
struct occurrence {
	unsigned id;
	int64_t at;
	unsigned client;
	bool final;
	uint8_t level;
	const char *why;
};

static const struct occurrence thrice[] = {
	{ 1, 0, 1, true, level_medium, "vectors 5 and 17: the first one step lower" },
	{ 1, 0, 1, true, level_medium, "the same once more is the same" },
	{ 2, 60, 1, true, level_medium, "the second" },
	{ 3, 90, 1, false, level_high, "the third within an hour, interim" },
	{ 3, 95, 1, true, level_high, "and final" },
	{ 4, 95 + 7200, 1, true, level_medium, "two hours later it is a first one" },
};

static const struct occurrence elsewhere[] = {
	{ 1, 0, 1, true, level_medium, "the first" },
	{ 2, 60, 2, true, level_high, "a second client has it" },
	{ 3, 7300, 1, true, level_high, "and still has" },
};

static const struct occurrence forgotten[] = {
	{ 1, 0, 1, true, level_medium, "the first" },
	{ 2, 90000, 2, true, level_medium, "another client a day later is a first one" },
};

static void occurrences(const struct occurrence *o, size_t n)
{
	struct company c;
	assert_true(company_begin(&c, 64));
	for (size_t i = 0; i < n; i++) {
		static struct record s;
		session(&s, o[i].id, o[i].at, o[i].client, 1);
		promised(&s, expect_dane);
		struct finding f = rule_grade(rules, scratch, named("starttls-not-offered"), &s);
		company_repeated(&c, rules, scratch, &nowhere, &s, &f, 1);
		if (f.level != o[i].level || f.others != (o[i].level == level_high))
			fail_msg("%s: level %d", o[i].why, f.level);
		if (o[i].final)
			company_learn(&c, &nowhere, &s, &f, 1);
	}
	company_end(&c);
}

static void test_repeated(void **state)
{
	(void)state;
	if (!rules)
		skip();
	occurrences(thrice, sizeof(thrice) / sizeof(thrice[0]));
	occurrences(elsewhere, sizeof(elsewhere) / sizeof(elsewhere[0]));
	occurrences(forgotten, sizeof(forgotten) / sizeof(forgotten[0]));
}

/* Two sensors saw the first connection, and two the second: two occurrences. And who has the same private address at another sensor is
 * another. */
static void test_sensors(void **state)
{
	static const struct {
		const char *sensor, *isn;
		int64_t at;
		uint8_t level;
		const char *why;
	} seen[] = {
		{ "a", "00000001-00000001", 0, level_medium, "the first" },
		{ "b", "00000001-00000001", 1, level_medium, "the first, as another sensor saw it" },
		{ "c", "00000001-00000001", 2, level_medium, "and a third one" },
		{ "a", "00000002-00000002", 60, level_medium, "the second" },
		{ "a", "00000003-00000003", 90, level_high, "the third" },
	};
	(void)state;
	static struct record s;
	struct company c;
	if (!rules)
		skip();
	assert_true(company_begin(&c, 64));
	for (unsigned i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		static const struct addr client = { .v = 4, .a = { 192, 0, 2, 1 } };
		session(&s, i + 1, seen[i].at, 1, 1);
		record_addr(&s, F_src_ip, &client);
		record_cstr(&s, F_observer_name, seen[i].sensor);
		record_cstr(&s, F_tcp_isn, seen[i].isn);
		promised(&s, expect_dane);
		struct finding f = rule_grade(rules, scratch, named("starttls-not-offered"), &s);
		company_repeated(&c, rules, scratch, &nowhere, &s, &f, 1);
		if (f.level != seen[i].level)
			fail_msg("%s: level %d", seen[i].why, f.level);
		company_learn(&c, &nowhere, &s, &f, 1);
	}
	company_end(&c);
	assert_true(company_begin(&c, 64));
	for (unsigned i = 0; i < COMPANY_DESTINATIONS + 2; i++) { /* it looks around, at sensor a; at b it does not */
		struct finding f;
		session(&s, i + 1, i, 1, i);
		record_cstr(&s, F_observer_name, i == COMPANY_DESTINATIONS + 1 ? "b" : "a");
		company_ambient(&c, &s);
		assert_int_equal(record_has(&s, F_ambient), i == COMPANY_DESTINATIONS || i == COMPANY_DESTINATIONS - 1);
		company_learn(&c, &nowhere, &s, &f, 0);
	}
	company_end(&c);
}

/* Vector 32: what is proof has the whole level at once, and nothing repeated raises it. */
static void test_proof(void **state)
{
	(void)state;
	static struct record s;
	struct company c;
	if (!rules)
		skip();
	assert_true(company_begin(&c, 64));
	session(&s, 1, 0, 1, 1);
	promised(&s, expect_dane);
	struct finding f = rule_grade(rules, scratch, named("tlsa-mismatch-ee-no-match"), &s);
	assert_int_equal(f.level, level_high);
	assert_int_equal(company_repeated(&c, rules, scratch, &nowhere, &s, &f, 1), 0);
	company_end(&c);
}

/* ---- everyday traffic ---- */

static bool is(const struct record *s, enum ambient class)
{
	size_t pos = 0;
	struct bytes item;
	while (record_next(s, F_ambient, &pos, &item))
		if (record_item_num(item) == class)
			return true;
	return false;
}

/* Twenty servers within an hour and never a mail; not the site's own, and not who brought mail that day. */
static void test_scanner(void **state)
{
	(void)state;
	static const struct {
		unsigned servers, pause;
		bool mail, own, scanner;
		const char *why;
	} rows[] = {
		{ 25, 10, false, false, true, "25 servers in 250 seconds" },
		{ 19, 10, false, false, false, "19 are not enough" },
		{ 25, 400, false, false, false, "9 in an hour" },
		{ 25, 10, true, false, false, "it brought mail in between" },
		{ 25, 10, false, true, false, "the site's own sender: all that fails at once may be an attack" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct record s;
		struct company c;
		assert_true(company_begin(&c, 256));
		for (unsigned n = 0; n < rows[i].servers; n++) {
			session(&s, n, n * rows[i].pause, 1, n);
			if (rows[i].mail && n == 3) {
				record_num(&s, F_smtp_transactions, 1);
				record_num(&s, F_outcome, outcome_clear_content);
			}
			if (rows[i].own)
				record_yes(&s, F_own_client);
			company_ambient(&c, &s);
			company_learn(&c, &nowhere, &s, NULL, 0);
		}
		if (is(&s, ambient_scanner) != rows[i].scanner)
			fail_msg("%s", rows[i].why);
		company_end(&c);
	}
}

static void test_health_check(void **state)
{
	(void)state;
	static struct record s;
	struct company c;
	for (unsigned odd = 0; odd < 2; odd++) {
		assert_true(company_begin(&c, 64));
		for (unsigned n = 0; n < 8; n++) {
			session(&s, n, n * 300 + (odd && n % 2 ? 120 : n % 2), 1, 1);
			company_ambient(&c, &s);
			if (is(&s, ambient_health_check) != (!odd && n >= 4))
				fail_msg("visit %u, odd %u", n, odd);
			company_learn(&c, &nowhere, &s, NULL, 0);
		}
		company_end(&c);
	}
}

/* Vector 56 and its neighbours: what a class makes of a level. */
static void test_lower(void **state)
{
	(void)state;
	static const struct {
		const char *rule;
		enum expect promise;
		enum outcome outcome;
		enum ambient class;
		uint8_t level;
		const char *why;
	} rows[] = {
		{ "starttls-not-offered", expect_baseline, outcome_clear_envelope, ambient_greylisted, level_low, "vector 56: a greylister" },
		{ "starttls-not-offered", expect_dane, outcome_clear_envelope, ambient_greylisted, level_high, "vector 7: DANE is owed by them too" },
		{ "starttls-not-offered", expect_baseline, outcome_not_delivered, ambient_scanner, level_informational, "a scanner" },
		{ "starttls-not-offered", expect_policy, outcome_not_delivered, ambient_scanner, level_medium, "not against a policy" },
		{ "starttls-keyword-masked-x-mask", expect_none, outcome_clear_content, ambient_internal_relay, level_low, "an internal relay" },
		{ "starttls-keyword-masked-known", expect_none, outcome_clear_content, ambient_internal_relay, level_medium, "proof is never hidden" },
	};
	if (!rules)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct record s;
		session(&s, 1, 0, 1, 1);
		promised(&s, rows[i].promise);
		record_num(&s, F_outcome, rows[i].outcome);
		record_add_num(&s, F_ambient, rows[i].class);
		struct finding f = rule_grade(rules, scratch, named(rows[i].rule), &s);
		const uint8_t before = f.level;
		company_lower(rules, &s, &f, 1);
		if (f.level != rows[i].level || (f.level < before) != (f.notes > 0))
			fail_msg("%s: level %d, before %d", rows[i].why, f.level, before);
	}
}

static void test_ambient_facts(void **state)
{
	(void)state;
	static struct record s;
	struct company c;
	assert_true(company_begin(&c, 64));
	session(&s, 1, 0, 1, 1);
	record_num(&s, F_smtp_rcpt_deferred, 1);
	company_ambient(&c, &s);
	assert_true(is(&s, ambient_greylisted) && record_count(&s, F_ambient) == 1);
	record_num(&s, F_smtp_rcpt_ok, 1);
	company_ambient(&c, &s);
	assert_false(record_has(&s, F_ambient));
	record_yes(&s, F_own_client);
	company_ambient(&c, &s);
	assert_false(record_has(&s, F_ambient));
	record_yes(&s, F_own_server);
	record_yes(&s, F_hist_never);
	company_ambient(&c, &s);
	assert_true(is(&s, ambient_internal_relay) && is(&s, ambient_never_tls));
	company_end(&c);
}

/* ---- attribution ---- */

/* Vector 59: five unrelated servers from one client group; and one server for three. */
static void test_attribution(void **state)
{
	(void)state;
	static const struct {
		unsigned sessions, servers, clients;
		enum vantage vantage;
		uint8_t whose;
		const char *why;
	} rows[] = {
		{ 4, 4, 1, vantage_unknown, attribution_unknown, "four servers" },
		{ 5, 5, 1, vantage_unknown, attribution_own_device, "five servers: what they share is near the client" },
		{ 5, 5, 1, vantage_egress_outside, attribution_provider_path, "seen behind the site's own equipment" },
		{ 9, 1, 1, vantage_unknown, attribution_unknown, "often, but one server and one client" },
		{ 3, 1, 3, vantage_unknown, attribution_server_side, "one server for three client groups" },
	};
	if (!rules)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct record s;
		struct company c;
		struct finding f = { 0 };
		assert_true(company_begin(&c, 256));
		for (unsigned n = 0; n < rows[i].sessions; n++) {
			session(&s, n, n * 20, n % rows[i].clients, 256 * (n % rows[i].servers));
			record_num(&s, F_vantage, rows[i].vantage);
			f = rule_grade(rules, scratch, named("starttls-keyword-masked-x-mask"), &s);
			company_attribute(&c, &nowhere, &s, &f, 1);
			company_learn(&c, &nowhere, &s, &f, 1);
		}
		if (f.attribution != rows[i].whose || (f.attributed != NULL) != (f.attribution != attribution_unknown))
			fail_msg("%s: %d", rows[i].why, f.attribution);
		company_end(&c);
	}
}

/* ---- the site's own device ---- */

static void test_inspection(void **state)
{
	(void)state;
	static const char *const forms[] = { "starttls-keyword-masked/x-mask" };
	static const struct policy_inspection device = { .name = "firewall", .forms = { forms, 1 } };
	static const struct policy policy = { .inspection = { &device, 1 } };
	static const struct {
		const char *rule;
		enum tri scope, authority;
		bool through;
		uint8_t level;
		const char *why;
	} rows[] = {
		{ "starttls-keyword-masked-x-mask", TRI_YES, TRI_UNSEEN, true, level_low, "what it may do" },
		{ "starttls-keyword-masked-mangled", TRI_YES, TRI_UNSEEN, true, level_medium, "another mask form" },
		{ "starttls-keyword-masked-x-mask", TRI_NO, TRI_UNSEEN, true, level_medium, "outside its scope: exempt, or DANE" },
		{ "starttls-keyword-masked-x-mask", TRI_YES, TRI_UNSEEN, false, level_medium, "the same letters on another path" },
		{ "tlsa-mismatch-ee-no-match", TRI_YES, TRI_YES, true, level_low, "a certificate of its authority" },
		{ "tlsa-mismatch-ee-no-match", TRI_YES, TRI_NO, true, level_high, "and one that is not" },
	};
	if (!rules)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct record s;
		session(&s, 1, 0, 1, 1);
		if (strncmp(rows[i].rule, "tlsa", 4) == 0)
			promised(&s, expect_dane);
		if (rows[i].through) {
			record_cstr(&s, F_policy_inspection, "firewall");
			record_tri(&s, F_policy_inspected, rows[i].scope);
			record_tri(&s, F_policy_inspector, rows[i].authority);
		}
		struct finding f = rule_grade(rules, scratch, named(rows[i].rule), &s);
		inspection_judge(&policy, &s, &f, 1);
		if (f.level != rows[i].level || (f.device != NULL) != (f.level == level_low) || (f.notes > 0) != rows[i].through)
			fail_msg("%s: level %d, %d notes", rows[i].why, f.level, f.notes);
	}
}

/* All that the device may do is one incident whatever the server, told once a day. */
static void test_daily(void **state)
{
	(void)state;
	static struct record s, other;
	uint8_t a[INCIDENT_KEY], b[INCIDENT_KEY];
	struct incident i;
	enum incident_word word;
	if (!rules)
		skip();
	struct finding f = { .rule = named("starttls-keyword-masked-x-mask"), .level = level_low, .device = "firewall" };
	f.by = f.rule;
	struct incident_chain c = { .head = &f, .link = { &f }, .links = 1 };
	session(&s, 1, 0, 1, 1);
	session(&other, 2, 60, 2, 2);
	assert_true(incident_key(&c, &s, a) && incident_key(&c, &other, b));
	assert_memory_equal(a, b, sizeof(a));
	incident_begin(&i, a, &c, &s, &nowhere);
	incident_said(&i, i.last);
	assert_int_equal(incident_more(&i, &c, &other, &nowhere), INCIDENT_NOTHING);
	assert_int_equal(incident_due(&i, &word), T0 + DAY);
	assert_int_equal(word, INCIDENT_GOES_ON);
	assert_int_equal(i.servers, 2);
	f.device = NULL;
	assert_true(incident_key(&c, &s, b));
	assert_memory_not_equal(a, b, sizeof(a));
}

/* ---- suppression ---- */

/* Never wider than it was written. */
static void test_suppress(void **state)
{
	(void)state;
	static const char *const finding[] = { "starttls-keyword-masked/x-mask" }, *const domain[] = { "example.net", ".example.org" };
	static struct networks clients, servers;
	struct suppress_entry e = { .name = "entry", .reason = "r", .owner = "o", .findings = { finding, 1 }, .domains = { domain, 2 },
				    .clients = &clients, .servers = &servers, .until = T0 + DAY };
	static const struct {
		const char *rule, *domain, *second;
		unsigned client, server;
		uint8_t level;
		int64_t at;
		bool fits;
		const char *why;
	} rows[] = {
		{ "starttls-keyword-masked-x-mask", "example.net", NULL, 1, 1, 2, 0, true, "all that it names" },
		{ "starttls-keyword-masked-x-mask", "EXAMPLE.net", "mail.example.org", 1, 1, 2, 0, true, "both domains are named" },
		{ "starttls-keyword-masked-x-mask", "example.net", "other.net", 1, 1, 2, 0, false, "one of two domains is not" },
		{ "starttls-keyword-masked-x-mask", "mail.example.net", NULL, 1, 1, 2, 0, false, "a name below is another" },
		{ "starttls-keyword-masked-x-mask", NULL, NULL, 1, 1, 2, 0, false, "for whom is not known" },
		{ "starttls-keyword-masked-mangled", "example.net", NULL, 1, 1, 2, 0, false, "another variant" },
		{ "starttls-keyword-masked-x-mask", "example.net", NULL, 2, 1, 2, 0, false, "another client" },
		{ "starttls-keyword-masked-x-mask", "example.net", NULL, 1, 2, 2, 0, false, "another server" },
		{ "starttls-keyword-masked-x-mask", "example.net", NULL, 1, 1, 4, 0, false, "critical" },
		{ "starttls-keyword-masked-x-mask", "example.net", NULL, 1, 1, 2, 86400, false, "it has ended" },
	};
	if (!rules)
		skip();
	clients = servers = (struct networks){ 0 };
	assert_true(networks_add(&clients, bytes_of("10.0.1.0/24")) && networks_add(&servers, bytes_of("198.0.1.0/24")));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct record s;
		session(&s, 1, rows[i].at, rows[i].client, rows[i].server);
		if (rows[i].domain)
			record_add_cstr(&s, F_smtp_rcpt_domains, rows[i].domain);
		if (rows[i].second)
			record_add_cstr(&s, F_smtp_rcpt_domains, rows[i].second);
		struct finding f = { .rule = named(rows[i].rule), .level = rows[i].level };
		if (suppress_fits(&e, &f, &s) != rows[i].fits)
			fail_msg("%s", rows[i].why);
		e.critical = true;
		if (rows[i].level == level_critical)
			assert_true(suppress_fits(&e, &f, &s));
		e.critical = false;
	}
}

static struct store_order order_of(const char *kind, const char *name, const char *body)
{
	struct store_order o = { .at = T0 };
	snprintf(o.kind, sizeof(o.kind), "%s", kind);
	snprintf(o.target, sizeof(o.target), "%s", name);
	snprintf(o.body, sizeof(o.body), "%s", body);
	return o;
}

#define UNTIL "\"until\": \"2025-12-25T00:00:00Z\""
#define WHO "\"reason\": \"ticket 7\", \"owner\": \"mail team\", "

static void test_orders(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		bool good;
	} rows[] = {
		{ "{\"findings\": \"banner-masked\", " WHO UNTIL "}", true },
		{ "{\"findings\": \"banner-masked, early-hello\", \"servers\": \"192.0.2.0/24,2001:db8::/32\", " WHO UNTIL "}", true },
		{ "{" WHO UNTIL "}", false },
		{ "{\"findings\": \"banner-masked\", \"owner\": \"x\", " UNTIL "}", false },
		{ "{\"findings\": \"banner-masked\", \"reason\": \"x\", " UNTIL "}", false },
		{ "{\"findings\": \"banner-masked\", " WHO "\"until\": \"2026-12-25T00:00:00Z\"}", false },
		{ "{\"findings\": \"banner-masked\", " WHO "\"until\": \"2025-11-20T00:00:00Z\"}", false },
		{ "{\"findings\": \"banner-masked\", \"servers\": \"192.0.2.0/99\", " WHO UNTIL "}", false },
		{ "{\"findings\": \"banner-masked\", \"other\": \"x\", " WHO UNTIL "}", false },
		{ "{\"findings\": \"banner-masked\", " WHO UNTIL, false },
	};
	struct error e;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (suppression_parse(bytes_of(rows[i].body), T0, &e) != rows[i].good)
			fail_msg("%s: %s", rows[i].body, rows[i].good ? e.text : "was taken");
}

/* What an entry does over its life: it counts, reports each week, and says once that it has ended; also after a restart. */
static void test_entry_life(void **state)
{
	(void)state;
	static struct record s;
	struct suppress_entries none = { NULL, 0 };
	struct store_order o = order_of("incident.suppress", "entry", "{\"findings\": \"starttls-keyword-masked\", " WHO UNTIL "}");
	struct error e;
	sqlite3 *db;
	uint64_t count;
	char line[SUPPRESSION_SAYS];
	if (!rules)
		skip();
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	struct suppressions *p = suppressions_new(&none);
	suppressions_order(p, &o);
	session(&s, 1, 0, 1, 1);
	struct finding f = { .rule = named("starttls-keyword-masked-x-mask"), .level = level_medium };
	assert_int_equal(suppressions_apply(p, &s, &f, 1, true), 1);
	assert_true(f.suppressed);
	f.suppressed = false;
	assert_int_equal(suppressions_apply(p, &s, &f, 1, false), 1);   /* given again: kept back, and not counted */
	assert_false(suppressions_say(p, T0, line));
	assert_true(suppressions_save(p, db, &e));
	suppressions_free(p);
	p = suppressions_new(&none);
	assert_true(suppressions_load(p, db, &e));
	assert_non_null(suppressions_at(p, 0, &count));
	assert_int_equal(count, 1);
	assert_false(suppressions_say(p, T0 + 6 * DAY, line));
	assert_true(suppressions_say(p, T0 + 7 * DAY, line));
	assert_non_null(strstr(line, "kept back 1 alerts this week"));
	assert_false(suppressions_say(p, T0 + 8 * DAY, line));
	assert_true(suppressions_say(p, T0 + 40 * DAY, line));
	assert_non_null(strstr(line, "has ended"));
	assert_false(suppressions_say(p, T0 + 41 * DAY, line));
	o = order_of("incident.unsuppress", "entry", "");
	suppressions_order(p, &o);
	assert_null(suppressions_at(p, 0, &count));
	suppressions_free(p);
	sqlite3_close(db);
}

/* A chain whose worst link is kept back speaks by the worst that is not. */
static void test_chain(void **state)
{
	(void)state;
	struct incident_chain chain[RULE_FINDINGS];
	if (!rules)
		skip();
	struct finding f[2] = { { .rule = named("starttls-keyword-masked-x-mask"), .level = level_high, .suppressed = true },
				{ .rule = named("auth-in-clear-secret"), .level = level_medium } };
	assert_int_equal(incident_chains(f, 2, chain), 1);
	assert_ptr_equal(chain[0].head, &f[1]);
	assert_int_equal(chain[0].links, 2);
	f[1].suppressed = true;
	assert_int_equal(incident_chains(f, 2, chain), 0);
}

/* ---- rows ---- */

static void test_rows(void **state)
{
	(void)state;
	struct rows a, b;
	struct error e;
	sqlite3 *db;
	assert_true(rows_begin(&a, sizeof(struct company_visits), 30) && rows_begin(&b, sizeof(struct company_visits), 30));
	for (uint64_t k = 1; k <= 1000; k++)
		((struct company_visits *)rows_take(&a, rows_key(0, (struct bytes){ (const uint8_t *)&k, sizeof(k) }), (int64_t)k))->last = (int64_t)k;
	assert_int_equal(a.evicted, 1000 - rows_count(&a));
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_true(rows_save(&a, db, "visits", &e) && rows_load(&b, db, "visits", &e));
	for (size_t i = 0; i < rows_count(&a); i++) {
		const struct company_visits *x = (const void *)rows_at(&a, i), *y = (const void *)rows_at(&b, i);
		assert_true(x->row.key == y->row.key && x->last == y->last && !x->row.dirty && !y->row.dirty);
		assert_ptr_equal(rows_find(&b, y->row.key), y);
	}
	rows_end(&b);
	assert_true(rows_begin(&b, sizeof(struct company_visits), 77) && rows_load(&b, db, "visits", &e));
	for (size_t i = 0; i < rows_count(&b); i++)     /* of a table of another size only what is in its place */
		if (rows_at(&b, i)->key)
			assert_ptr_equal(rows_find(&b, rows_at(&b, i)->key), rows_at(&b, i));
	rows_end(&a);
	rows_end(&b);
	sqlite3_close(db);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeated), cmocka_unit_test(test_sensors), cmocka_unit_test(test_proof), cmocka_unit_test(test_scanner), cmocka_unit_test(test_health_check),
		cmocka_unit_test(test_lower), cmocka_unit_test(test_ambient_facts), cmocka_unit_test(test_attribution),
		cmocka_unit_test(test_inspection), cmocka_unit_test(test_daily), cmocka_unit_test(test_suppress), cmocka_unit_test(test_orders),
		cmocka_unit_test(test_entry_life), cmocka_unit_test(test_chain), cmocka_unit_test(test_rows),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
