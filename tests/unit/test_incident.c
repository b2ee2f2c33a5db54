/* Incidents: chains of one cause, what counts as the same, when it speaks again, and what a database keeps of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "incidents.h"
#include "judge/alert.h"

#define S INT64_C(1000000000)
#define T0 (INT64_C(1764050000) * S)

enum { FAILED, MASKED, REFUSED, CLEAR, PASSWORD, WEAK, OWN, RULES };
static const struct rule rule[RULES] = {
	[FAILED] = { .finding = "tls-handshake-reset", .variant = "", .uuid = "f", .stage = STAGE_NEGOTIATION, .place = 5 },
	[MASKED] = { .finding = "starttls-keyword-masked", .variant = "x-mask", .uuid = "m", .stage = STAGE_NEGOTIATION, .place = 3,
		     .segment = pathpart_server_side },
	[REFUSED] = { .finding = "banner-masked", .variant = "", .uuid = "r", .stage = STAGE_PATH, .place = 1 },
	[CLEAR] = { .finding = "tls-failed-then-cleartext", .variant = "", .uuid = "c", .stage = STAGE_OUTCOME, .place = 9, .distinct = true },
	[PASSWORD] = { .finding = "auth-in-clear", .variant = "secret", .uuid = "p", .stage = STAGE_OUTCOME, .place = 10 },
	[WEAK] = { .finding = "tls-weak-cipher", .variant = "des", .uuid = "w" },
	[OWN] = { .finding = "own-rule", .variant = "", .uuid = "o" },
};

static struct finding found(unsigned which, uint8_t level)
{
	return (struct finding){ .rule = &rule[which], .by = &rule[which], .level = level, .certainty = certainty_strong };
}

/* ---- chains ---- */

static void test_chains(void **state)
{
	(void)state;
	static const struct {
		struct { uint8_t which, level; } in[4];
		uint8_t n, chains;
		const char *head, *links, *why;
	} rows[] = {
		{ { { WEAK, 1 } }, 1, 1, "tls-weak-cipher", "tls-weak-cipher", "what stands apart is an alert of its own" },
		{ { { WEAK, 0 } }, 1, 0, "", "", "informational findings are no alerts" },
		{ { { PASSWORD, 0 }, { MASKED, 0 } }, 2, 0, "", "", "nor are chains of them" },
		{ { { PASSWORD, 2 }, { MASKED, 3 }, { REFUSED, 1 } }, 3, 1, "starttls-keyword-masked",
		  "banner-masked starttls-keyword-masked auth-in-clear", "causes in order, the worst leads" },
		{ { { PASSWORD, 3 }, { MASKED, 3 } }, 2, 1, "starttls-keyword-masked", "starttls-keyword-masked auth-in-clear",
		  "of equals the first cause" },
		{ { { MASKED, 0 }, { PASSWORD, 2 } }, 2, 1, "auth-in-clear", "starttls-keyword-masked auth-in-clear",
		  "what is informational is a link too" },
		{ { { MASKED, 2 }, { WEAK, 1 }, { OWN, 3 } }, 3, 3, "starttls-keyword-masked", "starttls-keyword-masked",
		  "a site's own rule has no place" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct incident_chain chain[RULE_FINDINGS];
		struct finding *f = malloc(rows[i].n * sizeof(*f));
		char links[256] = "";
		for (unsigned k = 0; k < rows[i].n; k++)
			f[k] = found(rows[i].in[k].which, rows[i].in[k].level);
		size_t n = incident_chains(f, rows[i].n, chain);
		if (n != rows[i].chains)
			fail_msg("%s: %zu chains", rows[i].why, n);
		for (unsigned k = 0; n && k < chain[0].links; k++) {
			strcat(links, k ? " " : "");
			strcat(links, chain[0].link[k]->rule->finding);
		}
		if (n && (strcmp(links, rows[i].links) != 0 || strcmp(chain[0].head->rule->finding, rows[i].head) != 0))
			fail_msg("%s: %s heads %s", rows[i].why, chain[0].head->rule->finding, links);
		free(f);
	}
}

static void test_many_links(void **state)
{
	(void)state;
	static struct rule many[40];
	struct finding f[40];
	struct incident_chain chain[RULE_FINDINGS];
	char name[40][16];
	for (unsigned i = 0; i < 40; i++) {
		snprintf(name[i], sizeof(name[i]), "link-%02u", i);
		many[i] = (struct rule){ .finding = name[i], .variant = "", .uuid = "", .stage = STAGE_PATH, .place = (uint16_t)(40 - i) };
		f[i] = (struct finding){ .rule = &many[i], .by = &many[i], .level = i == 20 ? level_high : level_low };
	}
	assert_int_equal(incident_chains(f, 40, chain), 1);
	assert_int_equal(chain[0].links, INCIDENT_LINKS);
	assert_string_equal(chain[0].head->rule->finding, "link-20");
	assert_string_equal(chain[0].link[0]->rule->finding, "link-39");
	for (unsigned i = 1; i < INCIDENT_LINKS; i++)
		assert_true(chain[0].link[i]->rule->place > chain[0].link[i - 1]->rule->place);
}

/* ---- over time ---- */

/* Links come one by one, in an order that no chain has; then all at once. */
static void test_links_in_any_order(void **state)
{
	(void)state;
	static const struct site site;
	static struct rule many[4];
	static const char *const name[4] = { "a", "b", "head", "d" };
	enum { NO = 9 };
	static const unsigned comes[][4] = { { 0, 2, NO, NO }, { 1, 2, NO, NO }, { 0, 1, 2, 3 } };
	const uint8_t key[INCIDENT_KEY] = { 1 };
	struct record *s = calloc(1, sizeof(*s));
	struct incident *i = malloc(sizeof(*i));
	for (unsigned k = 0; k < 4; k++)
		many[k] = (struct rule){ .finding = name[k], .variant = "", .uuid = "", .stage = STAGE_PATH, .place = (uint16_t)k };
	for (unsigned n = 0; n < 3; n++) {
		struct finding f[4];
		struct incident_chain chain[RULE_FINDINGS];
		unsigned links = 0;
		for (; links < 4 && comes[n][links] != NO; links++)
			f[links] = (struct finding){ .rule = &many[comes[n][links]], .by = &many[comes[n][links]],
						     .level = comes[n][links] == 2 ? level_high : level_low };
		assert_int_equal(incident_chains(f, links, chain), 1);
		record_init(s);
		if (n == 0)
			incident_begin(i, key, chain, s, &site);
		else
			incident_more(i, chain, s, &site);
	}
	assert_int_equal(i->links, 4);
	static const char *const is[4] = { "b", "a", "head", "d" };
	for (unsigned k = 0; k < 4; k++)
		assert_string_equal(i->link[k], is[k]);
	free(i);
	free(s);
}

/* at     seconds after T0 at which the session ends       id       of the session; the same again: interim and final
 * client server   last octets; 10.0.CLIENT.1, 198.51.100.SERVER
 * words  what incidents say by themselves before that, in order: h for the hour, e for the end
 * word   what is said of it */
struct happening {
	int64_t at;
	unsigned id, which, more;      /* more: a second finding, 99: none */
	uint8_t level, client, server, outcome;
	bool host;
	const char *words;
	enum incident_word word;
	uint64_t count;
	const char *why;
};

enum { NO = 99, QUIET_S = 86400 };

static const struct happening first_life[] = {
	{ 0, 1, MASKED, NO, 2, 1, 1, outcome_not_delivered, false, "", INCIDENT_OPENED, 1, "the first at once" },
	{ 10, 2, MASKED, NO, 2, 1, 1, outcome_not_delivered, false, "", INCIDENT_NOTHING, 2, "later ones count" },
	{ 20, 2, MASKED, NO, 2, 1, 1, outcome_not_delivered, false, "", INCIDENT_NOTHING, 2, "the same session does not" },
	{ 30, 3, MASKED, NO, 3, 1, 1, outcome_not_delivered, false, "", INCIDENT_WORSE_LEVEL, 3, "a higher level" },
	{ 40, 4, MASKED, NO, 2, 1, 1, outcome_not_delivered, false, "", INCIDENT_NOTHING, 4, "a lower one is nothing new" },
	{ 50, 5, MASKED, NO, 2, 1, 1, outcome_clear_content, false, "", INCIDENT_WORSE_OUTCOME, 5, "mail that went in clear" },
	{ 55, 6, MASKED, NO, 3, 1, 1, outcome_clear_content, false, "", INCIDENT_NOTHING, 6, "and again" },
	{ 60, 7, MASKED, NO, 2, 2, 1, outcome_clear_content, false, "", INCIDENT_NEW_CLIENT, 7, "from another network" },
	{ 70, 8, MASKED, NO, 2, 2, 1, outcome_clear_content, false, "", INCIDENT_NOTHING, 8, "which is known then" },
	{ 80, 9, MASKED, NO, 2, 1, 2, outcome_clear_content, false, "", INCIDENT_OPENED, 1, "another server is another incident" },
	{ 90, 10, WEAK, NO, 1, 1, 1, outcome_tls_ok, false, "", INCIDENT_OPENED, 1, "and so is another finding" },
	{ 100, 11, MASKED, NO, 2, 1, 1, outcome_clear_content, true, "", INCIDENT_OPENED, 1, "and a server that is known by name" },
	{ 110, 12, MASKED, NO, 2, 1, 2, outcome_clear_content, true, "", INCIDENT_NOTHING, 2, "whatever its address" },
	{ 4000, 13, MASKED, NO, 2, 1, 1, outcome_clear_content, false, "hh", INCIDENT_NOTHING, 9, "in the meantime the hour has come for two" },
	{ 4000 + QUIET_S + 3601, 14, MASKED, NO, 2, 1, 1, outcome_clear_content, false, "heeee", INCIDENT_OPENED, 1, "all are over" },
};

static const struct happening distinct[] = {
	{ 0, 1, FAILED, NO, 2, 1, 1, outcome_not_delivered, false, "", INCIDENT_OPENED, 1, "a handshake fails" },
	{ 9, 2, FAILED, CLEAR, 2, 1, 1, outcome_not_delivered, false, "", INCIDENT_OPENED, 1, "what goes on in clear is never counted there" },
	{ 10, 3, FAILED, CLEAR, 2, 1, 1, outcome_not_delivered, false, "", INCIDENT_NOTHING, 2, "but among its own" },
	{ 11, 4, FAILED, NO, 2, 1, 1, outcome_not_delivered, false, "", INCIDENT_NOTHING, 2, "and the others stay" },
};

/* interim and final: the worst link changes */
static const struct happening more_seen[] = {
	{ 0, 1, REFUSED, NO, 1, 1, 1, outcome_unknown, false, "", INCIDENT_OPENED, 1, "interim: a masked greeting" },
	{ 9, 1, REFUSED, MASKED, 1, 1, 1, outcome_unknown, false, "", INCIDENT_NOTHING, 1, "one link more, no worse" },
	{ 9, 1, FAILED, NO, 2, 1, 1, outcome_clear_content, false, "", INCIDENT_WORSE_LEVEL, 1, "another link leads: the same incident" },
	{ 12, 2, FAILED, NO, 2, 1, 1, outcome_clear_content, false, "", INCIDENT_NOTHING, 2, "which has that key now" },
	{ 15, 3, REFUSED, NO, 1, 1, 1, outcome_unknown, false, "", INCIDENT_OPENED, 1, "and no longer the other" },
	{ 18, 3, FAILED, NO, 2, 1, 1, outcome_clear_content, false, "", INCIDENT_NOTHING, 3, "what turns out to be of the first counts there" },
};

static void session_of(const struct happening *p, struct record *s)
{
	char id[40];
	struct addr client = { .v = 4, .a = { 10, 0, p->client, 1 } }, server = { .v = 4, .a = { 198, 51, 100, p->server } };
	record_init(s);
	snprintf(id, sizeof(id), "%032u", p->id);
	record_cstr(s, F_event_id, id);
	record_num(s, F_event_start, T0 + (p->at - 1) * S);
	record_num(s, F_event_end, T0 + p->at * S);
	record_addr(s, F_src_ip, &client);
	record_addr(s, F_dst_ip, &server);
	record_num(s, F_dst_port, 25);
	record_num(s, F_outcome, p->outcome);
	if (p->host) {
		record_cstr(s, F_id_host, "mx.example.net");
		record_add_cstr(s, F_id_domains, "example.net");
		record_num(s, F_id_confidence, confidence_high);
	}
}

/* What they say by themselves until then, as letters. */
static void say(struct incidents *t, int64_t now, char *words)
{
	struct incident *i;
	enum incident_word w;
	int64_t at, before = 0;
	while ((w = incidents_due(t, now, &i, &at)) != INCIDENT_NOTHING) {
		*words++ = w == INCIDENT_GOES_ON ? 'h' : 'e';
		assert_true(at <= now && at >= before);
		assert_true(w == INCIDENT_ENDED ? at == i->last + INCIDENT_QUIET : i->count == i->told);
		before = at;
	}
	*words = '\0';
}

static const struct site site = { 0 };

static struct incident *one_step(struct incidents *t, const struct happening *p)
{
	static struct record s;
	struct finding f[2] = { found(p->which, p->level), found(p->more == NO ? 0 : p->more, p->level) };
	struct incident_chain chain[RULE_FINDINGS];
	struct incident *i = NULL;
	char words[64];
	session_of(p, &s);
	say(t, T0 + p->at * S, words);
	assert_int_equal(incident_chains(f, p->more == NO ? 1 : 2, chain), 1);
	enum incident_word w = incidents_take(t, &chain[0], &s, &site, &i);
	if (w != p->word || strcmp(words, p->words) != 0)
		fail_msg("at %d (%s): word %d, expected %d; before it %s, expected %s", (int)p->at, p->why, w, p->word, words, p->words);
	return i;
}

/* The incident that counted this session last. */
static const struct incident *of_session(const struct incidents *t, unsigned id)
{
	char text[40];
	size_t at = 0;
	const struct incident *i;
	snprintf(text, sizeof(text), "%032u", id);
	while ((i = incidents_next(t, &at)))
		for (unsigned k = 0; k < i->sessions; k++)
			if (strcmp(i->session[k], text) == 0 && (k + 1 == i->sessions || i->count == 1))
				return i;
	return NULL;
}

static void live(const struct happening *steps, size_t n)
{
	struct incidents *t = incidents_new(64);
	for (size_t k = 0; k < n; k++) {
		struct incident *said = one_step(t, &steps[k]);
		const struct incident *i = said ? said : of_session(t, steps[k].id);
		if (!i || i->count != steps[k].count)
			fail_msg("%s: count %d", steps[k].why, i ? (int)i->count : -1);
		assert_true(incident_check(i));
	}
	incidents_free(t);
}

static void test_life(void **state)
{
	(void)state;
	live(first_life, sizeof(first_life) / sizeof(first_life[0]));
	live(distinct, sizeof(distinct) / sizeof(distinct[0]));
	live(more_seen, sizeof(more_seen) / sizeof(more_seen[0]));
}

/* Ten times as often as was said before: at the eleventh in an hour, and at ten times that. */
static void test_rate(void **state)
{
	(void)state;
	struct incidents *t = incidents_new(8);
	char at[64] = "";
	for (unsigned n = 1; n <= 400; n++) {
		struct happening p = { n, n, MASKED, NO, 2, 1, 1, 0, false, "", INCIDENT_NOTHING, 0, "" };
		struct record s;
		struct finding f = found(MASKED, 2);
		struct incident_chain chain[RULE_FINDINGS];
		struct incident *i;
		session_of(&p, &s);
		assert_int_equal(incident_chains(&f, 1, chain), 1);
		enum incident_word w = incidents_take(t, &chain[0], &s, &site, &i);
		assert_true(w == (n == 1 ? INCIDENT_OPENED : n == 11 || n == 111 ? INCIDENT_MORE_OFTEN : INCIDENT_NOTHING));
		(void)at;
	}
	incidents_free(t);
}

/* Ids rest on the first session and the place alone, and each word has another. */
static void test_ids(void **state)
{
	(void)state;
	char a[INCIDENT_ID], b[INCIDENT_ID];
	alert_incident_id(bytes_of("session"), "chain", a);
	alert_incident_id(bytes_of("session"), "tls-weak-cipher", b);
	assert_int_equal(strlen(a), 32);
	assert_string_not_equal(a, b);
	alert_incident_id(bytes_of("session"), "chain", b);
	assert_string_equal(a, b);
	alert_incident_id(bytes_of("another"), "chain", b);
	assert_string_not_equal(a, b);
}

static void test_group(void **state)
{
	(void)state;
	struct site own = { 0 };
	struct addr a = { .v = 4, .a = { 10, 1, 2, 3 } }, b = { .v = 6, .a = { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4 } };
	assert_true(networks_add(&own.own, bytes_of("10.0.0.0/8")) && networks_add(&own.own, bytes_of("10.1.0.0/16")));
	assert_int_equal(incident_group(&own, &a).bits, 16);
	assert_int_equal(incident_group(&site, &a).bits, 24);
	assert_int_equal(incident_group(&site, &a).base.a[3], 0);
	assert_int_equal(incident_group(&own, &b).bits, 48);
	assert_int_equal(incident_group(&own, &b).base.a[6], 0);
}

/* Where there is no room the one that was quiet longest goes, and is counted; nothing else changes. */
static void test_bounded(void **state)
{
	(void)state;
	struct incidents *t = incidents_new(4);
	for (unsigned n = 1; n <= 20; n++) {
		struct happening p = { n, n, MASKED, NO, 2, 1, (uint8_t)n, 0, false, "", INCIDENT_OPENED, 1, "another server" };
		one_step(t, &p);
	}
	struct happening known = { 21, 21, MASKED, NO, 2, 1, 17, 0, false, "", INCIDENT_NOTHING, 2, "the last four are known" };
	one_step(t, &known);
	struct happening gone = { 22, 22, MASKED, NO, 2, 1, 16, 0, false, "", INCIDENT_OPENED, 1, "the others are not" };
	one_step(t, &gone);
	known.at = 23, known.id = 23;
	one_step(t, &known);
	struct incidents_numbers n = incidents_numbers(t);
	assert_int_equal(n.open, 4);
	assert_int_equal(n.evicted, 17);
	incidents_free(t);
}

/* The end of a run: one word of each that counted more than it said, and it goes on. */
static void test_rest(void **state)
{
	(void)state;
	struct incidents *t = incidents_new(64);
	struct incident *i;
	unsigned words = 0;
	for (size_t k = 0; k < 13; k++)
		one_step(t, &first_life[k]);
	while (incidents_rest(t, T0 + 200 * S, &i) == INCIDENT_GOES_ON)
		words += i->count > 1 && i->told == i->count;
	assert_int_equal(words, 2);
	assert_int_equal(incidents_numbers(t).open, 4);
	incidents_free(t);
}

/* Somebody looked: it counts in silence, speaks when it gets worse, and needs another look then. */
static void test_acknowledged(void **state)
{
	(void)state;
	static const struct happening before = { 0, 1, MASKED, NO, 2, 1, 1, 0, false, "", INCIDENT_OPENED, 1, "the first" };
	static const struct happening steps[] = {
		{ 10, 2, MASKED, NO, 2, 2, 1, 0, false, "", INCIDENT_NOTHING, 2, "another client is no news" },
		{ 4000, 3, MASKED, NO, 2, 1, 1, 0, false, "", INCIDENT_NOTHING, 3, "nor is the hour" },
		{ 4010, 4, MASKED, NO, 3, 1, 1, 0, false, "", INCIDENT_WORSE_LEVEL, 4, "a higher level is" },
		{ 4020, 5, MASKED, NO, 3, 3, 1, 0, false, "", INCIDENT_NEW_CLIENT, 5, "and from then on all is" },
	};
	struct incidents *t = incidents_new(8);
	struct store_order o = { .kind = "incident.ack" };
	const struct incident *i = one_step(t, &before);
	snprintf(o.target, sizeof(o.target), "%s", i->id);
	incidents_order(t, &o);
	assert_true(i->acked);
	for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++)
		one_step(t, &steps[k]);
	assert_false(i->acked);
	incidents_free(t);
}

/* ---- the database ---- */

/* After each step all is saved and loaded by somebody else, who goes on as if he had been there. */
static void test_database(void **state)
{
	(void)state;
	sqlite3 *db;
	struct error e;
	struct incidents *t = incidents_new(64);
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	for (size_t k = 0; k < sizeof(first_life) / sizeof(first_life[0]); k++) {
		one_step(t, &first_life[k]);
		assert_true(incidents_save(t, db, &e));
		uint64_t open = incidents_numbers(t).open;
		incidents_free(t);
		t = incidents_new(64);
		assert_true(incidents_load(t, db, &e));
		assert_int_equal(incidents_numbers(t).open, open);
		struct happening again = first_life[k];      /* given again: known, also by him */
		again.words = "";
		again.word = INCIDENT_NOTHING;
		one_step(t, &again);
	}
	incidents_free(t);
	sqlite3_close(db);
}

/* What was damaged is left out and counted. */
static void test_damage(void **state)
{
	(void)state;
	static const char *const damage[] = {
		"UPDATE incident SET body = zeroblob(12)", "UPDATE incident SET form = 99",
		"UPDATE incident SET body = CAST(replace(hex(zeroblob(length(body) / 2)), '00', 'zz') AS BLOB)",
	};
	for (size_t k = 0; k < sizeof(damage) / sizeof(damage[0]); k++) {
		sqlite3 *db;
		struct error e;
		struct incidents *t = incidents_new(4);
		assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
		one_step(t, &first_life[0]);
		assert_true(incidents_save(t, db, &e));
		assert_int_equal(sqlite3_exec(db, damage[k], NULL, NULL, NULL), SQLITE_OK);
		incidents_free(t);
		t = incidents_new(4);
		assert_true(incidents_load(t, db, &e));
		assert_int_equal(incidents_numbers(t).open, 0);
		assert_int_equal(incidents_numbers(t).damaged, 1);
		incidents_free(t);
		sqlite3_close(db);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains), cmocka_unit_test(test_many_links), cmocka_unit_test(test_links_in_any_order), cmocka_unit_test(test_life), cmocka_unit_test(test_rate),
		cmocka_unit_test(test_ids), cmocka_unit_test(test_group), cmocka_unit_test(test_bounded), cmocka_unit_test(test_rest),
		cmocka_unit_test(test_database), cmocka_unit_test(test_acknowledged), cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
