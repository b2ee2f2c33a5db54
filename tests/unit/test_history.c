/* history: F.2, a row for each of its rules and for each trick by which somebody might teach it wrongly; what the facts say of a
 * session that differs; and an entry as octets and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "judge/history.h"

#define DAY INT64_C(86400000000000)
#define HOUR INT64_C(3600000000000)
#define BEGIN (20000 * DAY)

static const char key_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char key_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/* A session with TLS to a server that offers it, from a client of the site's own; seen whole. */
static void session(struct record *r, int64_t at, int client)
{
	static const char *const keywords[] = { "PIPELINING", "SIZE", "ETRN", "STARTTLS", "8BITMIME" };
	struct addr c = { .v = 4, .a = { 192, 0, 2, (uint8_t)client } }, s = { .v = 4, .a = { 198, 51, 100, 10 } };
	record_init(r);
	record_num(r, F_event_start, at);
	record_num(r, F_event_end, at);
	record_addr(r, F_src_ip, &c);
	record_addr(r, F_dst_ip, &s);
	record_num(r, F_dst_port, 25);
	record_tri(r, F_own_client, TRI_YES);
	record_num(r, F_cap_phase, phase_final);
	record_tri(r, F_cap_gap_dialogue, TRI_NO);
	record_tri(r, F_cap_midstream, TRI_NO);
	record_tri(r, F_cap_one_direction, TRI_NO);
	record_cstr(r, F_smtp_banner, "220 mx1.example.net ESMTP Postfix 4711");
	record_tri(r, F_smtp_ehlo_complete, TRI_YES);
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		record_add_cstr(r, F_smtp_keywords, keywords[i]);
	record_yes(r, F_smtp_offered);
	record_yes(r, F_smtp_requested);
	record_yes(r, F_tls_seen);
	record_yes(r, F_tls_established);
	record_yes(r, F_tls_hello_c);
	record_cstr(r, F_tls_ciphers_hash, "c1");
	record_cstr(r, F_tls_version, "1.2");
	record_cstr(r, F_tls_ja3s, "j1");
	record_num(r, F_tls_cert_vis, visibility_visible);
	record_cstr(r, F_tls_spki_sha256, key_a);
	record_cstr(r, F_x509_subject, "CN=mx1.example.net");
	record_cstr(r, F_x509_issuer, "CN=Some CA");
	record_add_cstr(r, F_x509_names, "mx1.example.net");
	record_cstr(r, F_x509_key_alg, "RSA");
	record_num(r, F_x509_key_size, 2048);
	record_num(r, F_pkix, pkix_valid);
	record_num(r, F_tcp_ttl_min_s2c, 57);
	record_num(r, F_tcp_rtt, 20000000);
}

static void keywords(struct record *r, const char *const *list)
{
	record_unset(r, F_smtp_keywords);
	for (; *list; list++)
		record_add_cstr(r, F_smtp_keywords, *list);
}

static const char *const without[] = { "PIPELINING", "SIZE", "ETRN", "8BITMIME", NULL };

static void no_tls(struct record *r)
{
	static const enum fact tls[] = { F_tls_seen, F_tls_established, F_tls_hello_c, F_tls_ciphers_hash, F_tls_version, F_tls_ja3s,
					 F_tls_cert_vis, F_tls_spki_sha256, F_smtp_requested };
	for (size_t i = 0; i < sizeof(tls) / sizeof(tls[0]); i++)
		record_unset(r, tls[i]);
}

/* What a session of one of these kinds is. */
enum kind { TLS, STRIPPED, REFUSED, NO_MAIL, GAP, MIDSTREAM, ONE_WAY, LIMIT, LOSSY, CUT, MIRROR, INTERIM, GRAVE, SLIGHT };

static enum level make(struct record *r, enum kind kind, int64_t at, int client)
{
	session(r, at, client);
	switch (kind) {
	case TLS:
		break;
	case STRIPPED:
		no_tls(r);
		record_tri(r, F_smtp_offered, TRI_NO);
		keywords(r, without);
		return level_high;
	case REFUSED:
		no_tls(r);
		record_num(r, F_smtp_stls_code, 454);
		return level_medium;
	case NO_MAIL:
		no_tls(r);
		break;
	case GAP:
		record_tri(r, F_cap_gap_dialogue, TRI_YES);
		break;
	case MIDSTREAM:
		record_tri(r, F_cap_midstream, TRI_YES);
		break;
	case ONE_WAY:
		record_tri(r, F_cap_one_direction, TRI_YES);
		break;
	case LIMIT:
		record_yes(r, F_cap_limit);
		break;
	case LOSSY:
		record_yes(r, F_cap_lossy);
		break;
	case CUT:
		record_yes(r, F_cap_snaplen);
		break;
	case MIRROR:
		record_yes(r, F_mirror);
		break;
	case INTERIM:
		record_num(r, F_cap_phase, phase_interim);
		break;
	case GRAVE:
		return level_medium;
	case SLIGHT:
		return level_low;
	}
	return level_informational;
}

/* n sessions of a kind, the first on a day, the others every hours after it; from clients of a number */
struct batch {
	enum kind kind;
	int n, day, hours, clients;
};

static const struct {
	const char *why;
	struct batch batch[4];
	int asked;                 /* on this day */
	enum strength strength;
	int weaker;                /* sessions that are counted as weaker, -1: any */
} rows[] = {
	{ "nothing is known", { { TLS, 0, 0, 0, 1 } }, 1, strength_none, 0 },
	{ "one session", { { TLS, 1, 0, 0, 1 } }, 1, strength_weak, 0 },
	{ "five over three days", { { TLS, 5, 0, 18, 1 } }, 4, strength_established, 0 },
	{ "near miss: four", { { TLS, 4, 0, 24, 1 } }, 4, strength_weak, 0 },
	{ "near miss: five over two days and 20 hours", { { TLS, 5, 0, 17, 1 } }, 4, strength_weak, 0 },
	{ "four at once and one three days later are no habit", { { TLS, 4, 0, 0, 1 }, { TLS, 1, 3, 0, 1 } }, 4, strength_weak, 0 },
	{ "twenty over a day", { { TLS, 21, 0, 2, 1 } }, 3, strength_established, 0 },
	{ "near miss: nineteen over a day", { { TLS, 19, 0, 2, 1 } }, 3, strength_weak, 0 },
	{ "near miss: a hundred within an hour", { { TLS, 100, 0, 0, 1 } }, 3, strength_weak, 0 },
	{ "fifty over fourteen days", { { TLS, 50, 0, 7, 1 } }, 15, strength_strong, 0 },
	{ "near miss: 49", { { TLS, 49, 0, 8, 1 } }, 17, strength_established, 0 },
	{ "near miss: fifty over thirteen days", { { TLS, 50, 0, 6, 1 } }, 15, strength_established, 0 },
	{ "fresh for thirty days", { { TLS, 50, 0, 7, 1 } }, 14 + 30, strength_strong, 0 },
	{ "then weak", { { TLS, 50, 0, 7, 1 } }, 14 + 31, strength_weak, 0 },
	{ "and forgotten after half a year", { { TLS, 50, 0, 7, 1 } }, 14 + 181, strength_none, 0 },
	{ "one session after half a year does not bring it back", { { TLS, 50, 0, 7, 1 }, { TLS, 1, 220, 0, 1 } }, 221, strength_weak, 0 },
	{ "one from before is no sign of age", { { TLS, 50, 0, 7, 1 } }, -50, strength_strong, 0 },
	{ "sessions from long before do not make a habit of a day", { { TLS, 1, 10, 0, 1 }, { TLS, 60, -20, 8, 1 } }, 11, strength_weak, 0 },
	/* what does not teach */
	{ "a gap", { { GAP, 60, 0, 7, 1 } }, 20, strength_none, 0 },
	{ "no beginning", { { MIDSTREAM, 60, 0, 7, 1 } }, 20, strength_none, 0 },
	{ "one direction", { { ONE_WAY, 60, 0, 7, 1 } }, 20, strength_none, 0 },
	{ "a bound of the sensor", { { LIMIT, 60, 0, 7, 1 } }, 20, strength_none, 0 },
	{ "the sensor lost packets", { { LOSSY, 60, 0, 7, 1 } }, 20, strength_none, 0 },
	{ "cut packets", { { CUT, 60, 0, 7, 1 } }, 20, strength_none, 0 },
	{ "the decrypted copy of an inspecting device", { { MIRROR, 60, 0, 7, 1 } }, 20, strength_none, 0 },
	{ "not over yet", { { INTERIM, 60, 0, 7, 1 } }, 20, strength_none, 0 },
	{ "with a finding of level medium", { { GRAVE, 60, 0, 7, 1 } }, 20, strength_none, 0 },
	{ "with one of level low: it does", { { SLIGHT, 60, 0, 7, 1 } }, 20, strength_strong, 0 },
	{ "without an offer that was used, nothing is weaker", { { TLS, 50, 0, 7, 1 }, { NO_MAIL, 50, 15, 7, 4 } }, 30, strength_strong, 0 },
	/* lowering */
	{ "a hundred strips within 13 days", { { TLS, 50, 0, 7, 1 }, { STRIPPED, 100, 15, 3, 4 } }, 28, strength_strong, 100 },
	{ "a thousand within an hour", { { TLS, 50, 0, 7, 1 }, { STRIPPED, 1000, 15, 0, 4 } }, 16, strength_strong, 1000 },
	{ "for three weeks, from one client", { { TLS, 50, 0, 7, 1 }, { STRIPPED, 21, 15, 24, 1 } }, 36, strength_strong, 21 },
	{ "two over fourteen days: too few", { { TLS, 50, 0, 7, 1 }, { STRIPPED, 2, 15, 15 * 24, 2 } }, 31, strength_strong, 2 },
	{ "fourteen days, two clients: it is so", { { TLS, 50, 0, 7, 1 }, { STRIPPED, 15, 15, 24, 2 } }, 30, strength_none, 0 },
	{ "STARTTLS refused counts alike", { { TLS, 50, 0, 7, 1 }, { REFUSED, 15, 15, 24, 2 } }, 30, strength_none, 0 },
	{ "one session with TLS between begins the count anew",
	  { { TLS, 50, 0, 7, 1 }, { STRIPPED, 10, 15, 24, 2 }, { TLS, 1, 25, 0, 1 }, { STRIPPED, 10, 26, 24, 2 } }, 36, strength_strong, 10 },
	{ "a server that never offered it is nobody's strip", { { STRIPPED, 40, 0, 24, 2 } }, 41, strength_none, 0 },
	{ "after lowering it is learnt anew",
	  { { TLS, 50, 0, 7, 1 }, { STRIPPED, 15, 15, 24, 2 }, { TLS, 5, 40, 18, 1 } }, 44, strength_established, 0 },
};

static void play(struct history_entry *e, const struct batch *b)
{
	static struct record r;
	for (int i = 0; i < b->n; i++) {
		enum level worst = make(&r, b->kind, BEGIN + b->day * DAY + i * b->hours * HOUR, 1 + i % b->clients);
		history_learn(e, &r, worst);
	}
}

static void f2(void **state)
{
	static struct history_entry e;
	int bad = 0;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&e, 0, sizeof(e));
		for (size_t j = 0; j < 4; j++)
			play(&e, &rows[i].batch[j]);
		enum strength s = history_strength(&e, BEGIN + rows[i].asked * DAY);
		if (s == rows[i].strength && (int)e.weaker.n == rows[i].weaker)
			continue;
		print_message("%s: strength %d, not %d; weaker %u\n", rows[i].why, s, rows[i].strength, e.weaker.n);
		bad++;
	}
	assert_int_equal(bad, 0);
}

static void strong(struct history_entry *e)
{
	memset(e, 0, sizeof(*e));
	play(e, &(struct batch){ TLS, 50, 0, 7, 2 });
}

static bool has(const struct record *r, enum expect x)
{
	struct bytes item;
	for (size_t pos = 0; record_next(r, F_expect_all, &pos, &item);)
		if (record_item_num(item) == (int64_t)x)
			return true;
	return false;
}

static void a_binding_entry_is_an_expectation(void **state)
{
	static struct history_entry e;
	static struct record r;
	(void)state;
	strong(&e);
	make(&r, STRIPPED, BEGIN + 15 * DAY, 1);
	history_recall(&e, "k", &r);
	assert_true(has(&r, expect_baseline));
	assert_int_equal(record_get_num(&r, F_expect, -1), expect_baseline);
	assert_int_equal(record_get_tri(&r, F_hist_offered), TRI_YES);
	assert_int_equal(record_get_tri(&r, F_hist_delta), TRI_YES);
	assert_int_equal(record_get_tri(&r, F_hist_changed), TRI_NO);
	assert_int_equal(record_get_tri(&r, F_hist_elsewhere), TRI_YES);
	assert_int_equal(record_get_num(&r, F_hist_sessions, 0), 50);
	make(&r, STRIPPED, BEGIN + 15 * DAY, 1);
	record_add_num(&r, F_expect_all, expect_dane);
	record_num(&r, F_expect, expect_dane);
	history_recall(&e, "k", &r);
	assert_true(has(&r, expect_baseline) && has(&r, expect_dane));
	assert_int_equal(record_get_num(&r, F_expect, -1), expect_dane);
}

static void a_weak_one_says_its_strength_and_no_more(void **state)
{
	static struct history_entry e;
	static struct record r;
	(void)state;
	memset(&e, 0, sizeof(e));
	play(&e, &(struct batch){ TLS, 4, 0, 24, 1 });
	make(&r, STRIPPED, BEGIN + 5 * DAY, 1);
	history_recall(&e, "k", &r);
	assert_int_equal(record_get_num(&r, F_hist_strength, -1), strength_weak);
	assert_false(has(&r, expect_baseline));
	assert_false(record_has(&r, F_hist_offered) || record_has(&r, F_hist_delta) || record_has(&r, F_hist_spki));
}

static const struct {
	const char *why;
	enum strength claim;
	int age;
	bool observed;
	enum strength strength;
} claims[] = {
	{ "a strong claim binds, one step weaker", strength_strong, 1, false, strength_imported },
	{ "an established one does not", strength_established, 1, false, strength_weak },
	{ "a weak one stays weak", strength_weak, 1, false, strength_weak },
	{ "a strong claim of a month ago", strength_strong, 31, false, strength_weak },
	{ "and of half a year", strength_strong, 181, false, strength_none },
	{ "what is seen here counts for itself", strength_strong, 1, true, strength_strong },
};

static void imports(void **state)
{
	static struct history_entry e;
	static struct record r;
	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		memset(&e, 0, sizeof(e));
		if (claims[i].observed)
			strong(&e);
		history_claim(&e, claims[i].claim, BEGIN + 15 * DAY);
		if (history_strength(&e, BEGIN + (15 + claims[i].age) * DAY) != claims[i].strength)
			fail_msg("%s", claims[i].why);
	}
	make(&r, TLS, BEGIN + 16 * DAY, 1);
	history_recall(&e, "k", &r);               /* the last: seen here and claimed from elsewhere */
	assert_int_equal(record_get_tri(&r, F_hist_elsewhere), TRI_NO);
	memset(&e, 0, sizeof(e));
	history_claim(&e, strength_strong, BEGIN);
	play(&e, &(struct batch){ STRIPPED, 15, 1, 24, 2 });
	assert_int_equal(history_strength(&e, BEGIN + 16 * DAY), strength_none);
	memset(&e, 0, sizeof(e));
	history_claim(&e, strength_strong, BEGIN);
	play(&e, &(struct batch){ TLS, 1, 1, 24, 1 });
	assert_int_equal(history_strength(&e, BEGIN + 2 * DAY), strength_imported); /* the first session does not undo it */
	memset(&e, 0, sizeof(e));
	strong(&e);
	history_claim(&e, strength_strong, BEGIN + 299 * DAY);
	play(&e, &(struct batch){ TLS, 1, 300, 24, 1 });
	assert_int_equal(e.tls.n, 1);              /* its own are half a year old and dropped */
	assert_int_equal(history_strength(&e, BEGIN + 301 * DAY), strength_imported);
}

enum { SAME, NEW_KEY, NEW_KEY_SELF, NEW_KEY_PRIVATE, SHORT_KEY, OTHER_KIND, SAME_NAMES, HIDDEN };

static const struct {
	const char *why;
	int shown;
	enum tri known, changed, shorter, alike, renewal;
} keys[] = {
	{ "the key it has", SAME, TRI_YES, TRI_NO, TRI_NO, TRI_NO, TRI_NO },
	{ "a new one of a public authority", NEW_KEY, TRI_NO, TRI_NO, TRI_NO, TRI_NO, TRI_YES },
	{ "one that signed itself", NEW_KEY_SELF, TRI_NO, TRI_YES, TRI_NO, TRI_NO, TRI_NO },
	{ "one of an authority nobody knows", NEW_KEY_PRIVATE, TRI_NO, TRI_YES, TRI_NO, TRI_NO, TRI_NO },
	{ "a shorter one", SHORT_KEY, TRI_NO, TRI_NO, TRI_YES, TRI_NO, TRI_YES },
	{ "one of another kind, shorter in bits", OTHER_KIND, TRI_NO, TRI_NO, TRI_NO, TRI_NO, TRI_YES },
	{ "all the names, another key, an issuer of that name that nobody knows", SAME_NAMES, TRI_NO, TRI_YES, TRI_NO, TRI_YES, TRI_NO },
	{ "none is seen", HIDDEN, TRI_UNSEEN, TRI_UNSEEN, TRI_UNSEEN, TRI_UNSEEN, TRI_UNSEEN },
};

static void show(struct record *r, int shown)
{
	if (shown != SAME)
		record_cstr(r, F_tls_spki_sha256, key_b);
	if (shown != SAME && shown != SAME_NAMES)
		record_cstr(r, F_x509_subject, "CN=mx.example.net");
	if (shown == NEW_KEY_SELF)
		record_cstr(r, F_x509_issuer, "CN=mx.example.net");
	if (shown == NEW_KEY_SELF || shown == NEW_KEY_PRIVATE || shown == SAME_NAMES) {
		record_num(r, F_pkix, pkix_invalid);
		record_add_num(r, F_pkix_problems, pkixproblem_untrusted);
	}
	if (shown == NEW_KEY_PRIVATE)
		record_cstr(r, F_x509_issuer, "CN=Another CA");
	if (shown == SHORT_KEY || shown == OTHER_KIND)
		record_num(r, F_x509_key_size, shown == SHORT_KEY ? 1024 : 256);
	if (shown == OTHER_KIND)
		record_cstr(r, F_x509_key_alg, "EC");
	if (shown == HIDDEN)
		record_num(r, F_tls_cert_vis, visibility_hidden);
}

static void certificates(void **state)
{
	static struct history_entry e;
	static struct record r;
	int bad = 0;
	(void)state;
	strong(&e);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		make(&r, TLS, BEGIN + 15 * DAY, 1);
		show(&r, keys[i].shown);
		history_recall(&e, "k", &r);
		if (record_get_tri(&r, F_hist_spki) == keys[i].known && record_get_tri(&r, F_hist_issuer) == keys[i].changed &&
		    record_get_tri(&r, F_hist_weaker_key) == keys[i].shorter && record_get_tri(&r, F_hist_lookalike) == keys[i].alike &&
		    record_get_tri(&r, F_hist_renewal) == keys[i].renewal)
			continue;
		print_message("%s: known %d changed %d shorter %d alike %d renewal %d\n", keys[i].why, record_get_tri(&r, F_hist_spki),
			      record_get_tri(&r, F_hist_issuer), record_get_tri(&r, F_hist_weaker_key),
			      record_get_tri(&r, F_hist_lookalike), record_get_tri(&r, F_hist_renewal));
		bad++;
	}
	assert_int_equal(bad, 0);
}

/* An interceptor's key, shown again and again, does not become one of the server's. */
static bool known_after(int shown, int n, int hours, int clients)
{
	static struct history_entry e;
	static struct record r;
	strong(&e);
	for (int i = 0; i < n; i++) {
		make(&r, TLS, BEGIN + 15 * DAY + i * hours * HOUR, 1 + i % clients);
		show(&r, shown);
		history_recall(&e, "k", &r);
		history_learn(&e, &r, level_informational);
	}
	make(&r, TLS, BEGIN + 15 * DAY + n * hours * HOUR, 1);
	show(&r, shown);
	history_recall(&e, "k", &r);
	return record_get_tri(&r, F_hist_spki) == TRI_YES;
}

static void keys_are_not_taught_by_repetition(void **state)
{
	(void)state;
	assert_true(known_after(NEW_KEY, 1, 1, 1));            /* a renewal: at once */
	assert_false(known_after(NEW_KEY_SELF, 200, 1, 4));    /* a week of it */
	assert_false(known_after(NEW_KEY_SELF, 25, 24, 1));    /* one client's word */
	assert_true(known_after(NEW_KEY_SELF, 20, 24, 2));     /* two weeks and two clients: it is the server's */
}

static const struct {
	const char *why;
	const char *banner;
	const char *keywords[8];
	int64_t position;
	enum tri delta, changed;
	const char *masked;
} views[] = {
	{ "the offer is gone and nothing else", "220 mx1.example.net ESMTP Postfix 4712", { "PIPELINING", "SIZE", "ETRN", "8BITMIME" }, 0, TRI_YES, TRI_NO, "" },
	{ "one line more is gone", "220 mx1.example.net ESMTP Postfix 4711", { "PIPELINING", "SIZE", "ETRN" }, 0, TRI_NO, TRI_NO, "" },
	{ "in another order", "220 mx1.example.net ESMTP Postfix 4711", { "SIZE", "PIPELINING", "ETRN", "8BITMIME" }, 0, TRI_NO, TRI_NO, "" },
	{ "with another greeting", "220 gate.example.net ESMTP ready", { "PIPELINING", "SIZE", "ETRN", "8BITMIME" }, 0, TRI_NO, TRI_NO, "" },
	{ "another server altogether", "220 gate.example.net ESMTP ready", { "SIZE", "HELP" }, 0, TRI_NO, TRI_YES, "" },
	{ "a mask where STARTTLS stood", "220 mx1.example.net ESMTP Postfix 4711", { "PIPELINING", "SIZE", "ETRN", "XXXXXXXA", "8BITMIME" }, 5, TRI_NO, TRI_NO, "STARTTLS" },
	{ "a mask where 8BITMIME stood", "220 mx1.example.net ESMTP Postfix 4711", { "PIPELINING", "SIZE", "ETRN", "STARTTLS", "XXXXXXXA" }, 6, TRI_NO, TRI_NO, "8BITMIME" },
	{ "a mask in a longer list: nobody knows", "220 mx1.example.net ESMTP Postfix 4711", { "PIPELINING", "SIZE", "ETRN", "XXXXXXXA", "8BITMIME", "DSN" }, 5, TRI_NO, TRI_NO, "" },
};

static void ehlo_replies(void **state)
{
	static struct history_entry e;
	static struct record r;
	int bad = 0;
	(void)state;
	strong(&e);
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		make(&r, STRIPPED, BEGIN + 15 * DAY, 1);
		record_cstr(&r, F_smtp_banner, views[i].banner);
		keywords(&r, views[i].keywords);
		if (views[i].position) {
			record_num(&r, F_smtp_mask_pos, views[i].position);
			record_cstr(&r, F_smtp_masked, "XXXXXXXA");
		}
		history_recall(&e, "k", &r);
		if (record_get_tri(&r, F_hist_delta) == views[i].delta && record_get_tri(&r, F_hist_changed) == views[i].changed &&
		    bytes_eq(record_get_str(&r, F_hist_masked), bytes_of(views[i].masked)))
			continue;
		print_message("%s: delta %d changed %d\n", views[i].why, record_get_tri(&r, F_hist_delta), record_get_tri(&r, F_hist_changed));
		bad++;
	}
	assert_int_equal(bad, 0);
}

static void versions_and_paths(void **state)
{
	static struct history_entry e;
	static struct record r;
	(void)state;
	strong(&e);
	make(&r, TLS, BEGIN + 15 * DAY, 1);
	record_cstr(&r, F_tls_version, "1.0");
	record_num(&r, F_tcp_ttl_min_s2c, 63);
	record_num(&r, F_tcp_rtt, 2000000);
	record_cstr(&r, F_tls_ja3s, "j2");
	history_recall(&e, "k", &r);
	assert_int_equal(record_get_tri(&r, F_hist_lower), TRI_YES);
	assert_true(bytes_eq(record_get_str(&r, F_hist_version), bytes_of("1.2")));
	assert_int_equal(record_get_tri(&r, F_hist_ttl), TRI_YES);
	assert_int_equal(record_get_tri(&r, F_hist_rtt), TRI_YES);
	assert_int_equal(record_get_tri(&r, F_hist_hello), TRI_NO);
	make(&r, TLS, BEGIN + 15 * DAY, 1);
	record_cstr(&r, F_tls_version, "1.0");
	record_cstr(&r, F_tls_ciphers_hash, "c2");           /* a lesser offer: nothing to compare with */
	history_recall(&e, "k", &r);
	assert_false(record_has(&r, F_hist_lower));
}

static void clients_have_habits(void **state)
{
	static struct history_entry e;
	static struct record r;
	(void)state;
	memset(&e, 0, sizeof(e));
	for (int i = 0; i < 25; i++) {
		enum level worst = make(&r, TLS, BEGIN + i * 2 * HOUR, 1);
		history_learn_client(&e, &r, worst);
	}
	make(&r, NO_MAIL, BEGIN + 3 * DAY, 1);
	history_recall_client(&e, &r);
	assert_int_equal(record_get_tri(&r, F_hist_client), TRI_YES);
	memset(&e, 0, sizeof(e));
	for (int i = 0; i < 25; i++) {
		make(&r, NO_MAIL, BEGIN + i * 2 * HOUR, 1);
		history_learn_client(&e, &r, level_informational);
	}
	history_recall_client(&e, &r);
	assert_false(record_has(&r, F_hist_client));
}

static void a_server_that_never_offers(void **state)
{
	static struct history_entry e;
	static struct record r;
	(void)state;
	memset(&e, 0, sizeof(e));
	play(&e, &(struct batch){ STRIPPED, 31, 0, 24, 2 });
	make(&r, STRIPPED, BEGIN + 32 * DAY, 1);
	history_recall(&e, "k", &r);
	assert_int_equal(record_get_tri(&r, F_hist_never), TRI_YES);
	memset(&e, 0, sizeof(e));
	play(&e, &(struct batch){ STRIPPED, 29, 0, 24, 2 });
	make(&r, STRIPPED, BEGIN + 30 * DAY, 1);
	history_recall(&e, "k", &r);
	assert_false(record_has(&r, F_hist_never));
}

/* Whose entry: a hint makes no key; clients of others have an entry of their own. */
static void keys_of_entries(void **state)
{
	static struct record r;
	char key[HISTORY_KEY];
	(void)state;
	session(&r, BEGIN, 1);
	assert_false(history_key(HISTORY_HOST, &r, key));
	record_cstr(&r, F_id_host, "MX.Example.net");
	record_num(&r, F_id_confidence, confidence_hint);
	assert_false(history_key(HISTORY_HOST, &r, key));
	record_num(&r, F_id_confidence, confidence_low);
	assert_false(history_key(HISTORY_HOST, &r, key));
	record_num(&r, F_id_confidence, confidence_medium);
	assert_true(history_key(HISTORY_HOST, &r, key));
	assert_string_equal(key, "host mx.example.net 25 own");
	record_tri(&r, F_own_client, TRI_NO);
	assert_true(history_key(HISTORY_SERVER, &r, key));
	assert_string_equal(key, "server 198.51.100.10 25 other");
	record_unset(&r, F_own_client);            /* a site that names no networks */
	assert_true(history_key(HISTORY_CLIENT, &r, key));
	assert_string_equal(key, "client 192.0.2.1 25 own");
	record_cstr(&r, F_id_host, "mx example.net");
	assert_false(history_key(HISTORY_HOST, &r, key));
}

static void names_of_an_address(void **state)
{
	static struct history_entry e;
	static struct record r;
	(void)state;
	memset(&e, 0, sizeof(e));
	session(&r, BEGIN, 1);
	record_cstr(&r, F_id_host, "mx.example.net");
	record_add_cstr(&r, F_id_domains, "example.net");
	record_num(&r, F_id_confidence, confidence_high);
	record_add_cstr(&r, F_id_sources, "history");       /* what rests on history alone does not renew it */
	record_num(&r, F_id_location, location_inside);
	history_learn_names(&e, &r);
	assert_int_equal(e.hosts, 0);
	record_unset(&r, F_id_sources);
	record_add_cstr(&r, F_id_sources, "dnssec-host");
	record_num(&r, F_id_location, location_outside);
	history_learn_names(&e, &r);
	assert_int_equal(e.hosts, 0);
	record_num(&r, F_id_location, location_inside);
	history_learn_names(&e, &r);
	assert_int_equal(e.hosts, 1);
	assert_string_equal(e.host[0].name, "mx.example.net");
	assert_string_equal(e.domain[0].name, "example.net");
}

static void octets_and_back(void **state)
{
	static struct history_entry e, back;
	static uint8_t buf[HISTORY_BLOB];
	(void)state;
	strong(&e);
	play(&e, &(struct batch){ STRIPPED, 3, 15, 1, 3 });
	size_t n = history_pack(&e, buf);
	assert_true(n < 700);
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);
		memcpy(exact, buf, cut);
		assert_false(history_unpack(&back, (struct bytes){ exact, cut }));
		free(exact);
	}
	assert_true(history_unpack(&back, (struct bytes){ buf, n }));
	assert_memory_equal(&e, &back, sizeof(e));
	buf[n] = 0;
	assert_false(history_unpack(&back, (struct bytes){ buf, n + 1 }));
	for (size_t i = 0; i < 20000; i++) {       /* any octets are refused or make an entry that can be packed again */
		size_t at = (i * 2654435761u >> 7) % n;
		uint8_t was = buf[at];
		buf[at] = (uint8_t)(i * 40503u >> 3);
		if (history_unpack(&back, (struct bytes){ buf, n })) {
			static uint8_t again[HISTORY_BLOB];
			assert_true(history_pack(&back, again) <= HISTORY_BLOB);
		}
		buf[at] = was;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(f2),
		cmocka_unit_test(a_binding_entry_is_an_expectation),
		cmocka_unit_test(a_weak_one_says_its_strength_and_no_more),
		cmocka_unit_test(imports),
		cmocka_unit_test(certificates),
		cmocka_unit_test(keys_are_not_taught_by_repetition),
		cmocka_unit_test(ehlo_replies),
		cmocka_unit_test(versions_and_paths),
		cmocka_unit_test(clients_have_habits),
		cmocka_unit_test(a_server_that_never_offers),
		cmocka_unit_test(keys_of_entries),
		cmocka_unit_test(names_of_an_address),
		cmocka_unit_test(octets_and_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
