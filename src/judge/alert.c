/* alert: one finding of one session as an event that stands for itself: what was found, whose it is, what was promised,
 * what happened, and the ids by which the same packets give the same alert again. Judges nothing: level, certainty and
 * words come with the finding and its rule. */
#include "judge/alert.h"

#include <openssl/evp.h>

#include "judge/sentence.h"

static void copy_list(struct record *to, const struct record *from, enum fact f)
{
	bool numbers = fact_table[f].type == T_LNUM || fact_table[f].type == T_LENUM;
	size_t pos = 0;
	struct bytes item;
	while (record_next(from, f, &pos, &item)) {
		if (numbers)
			record_add_num(to, f, record_item_num(item));
		else
			record_add(to, f, item);
	}
}

static void copy(struct record *to, const struct record *from, enum fact f)
{
	enum fact_type type = fact_table[f].type;
	if (type >= T_LSTR)
		copy_list(to, from, f);
	else if (type == T_STR || type == T_HEX || type == T_IP)
		record_str(to, f, record_get_str(from, f));
	else if (type == T_TRI)
		record_tri(to, f, record_get_tri(from, f));
	else
		record_num(to, f, record_get_num(from, f, 0));
}

/* What the alert rests on. The session's own id stands in mxwitness.alert.sessions. */
static void copy_session(struct record *to, const struct record *from)
{
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		enum fact f = (enum fact)i;
		const struct fact_info *info = &fact_table[i];
		if (f != F_event_id && info->sets & IN_ALERT && info->sets & IN_SESSION && info->room != ROOM_EVENT &&
		    record_has(from, f))
			copy(to, from, f);
	}
	to->truncated |= from->truncated;
}

/* The first 128 bits of SHA-256 over the parts, each ended by a zero octet, as 32 hexadecimal digits. Without a
 * digest (OpenSSL has no memory) the fact stays unseen. */
static void hash(struct record *r, enum fact f, struct bytes a, struct bytes b)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	char hex[32];
	struct text t = { hex, 0, sizeof(hex), false };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) && EVP_DigestUpdate(ctx, a.p, a.n) &&
		  EVP_DigestUpdate(ctx, "", 1) && EVP_DigestUpdate(ctx, b.p, b.n) && EVP_DigestUpdate(ctx, "", 1) &&
		  EVP_DigestFinal_ex(ctx, digest, NULL);
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return;
	text_hex(&t, (struct bytes){ digest, 16 }, false);
	record_str(r, f, (struct bytes){ (const uint8_t *)hex, t.n });
}

static void put(struct record *r, enum fact f, const char *s)
{
	if (s[0])
		record_cstr(r, f, s);
}

static void write_rule(const struct rules *rules, const struct rule *rule, struct record *a)
{
	put(a, F_event_action, rule->finding);
	put(a, F_rule_id, rule->finding);
	put(a, F_rule_uuid, rule->uuid);
	put(a, F_rule_name, rule->title);
	put(a, F_rule_description, rule->description);
	put(a, F_rule_category, rule->category);
	put(a, F_rule_reference, rule->references ? rule->reference[0] : "");
	put(a, F_rule_ruleset, rule->shipped ? rules->ruleset : "site");
	put(a, F_variant, rule->variant);
	if (rule->service == IN_SESSION)
		record_num(a, F_segment, rule->segment);
	put(a, F_tlsrpt, rule->tlsrpt);
	for (unsigned i = 0; i < rule->techniques; i++)
		record_add_cstr(a, F_threat_technique, rule->technique[i]);
}

static void write_level(const struct finding *f, struct record *a)
{
	static const int number[level_COUNT] = { 10, 21, 47, 73, 99 }; /* the same as in syslog, CEF and OCSF tables */
	record_num(a, F_alert_level, f->level);
	record_num(a, F_event_severity, number[f->level]);
	record_num(a, F_event_risk_score, number[f->level]);
	record_num(a, F_certainty, f->certainty);
}

/* Why this level: the promise and the outcome that gave it, or the rule itself, and each shift with its reason. */
static void write_reason(const struct record *session, const struct finding *f, struct record *a)
{
	char buf[512];
	struct text t = { buf, 0, sizeof(buf), false };
	text_put(&t, "level ");
	text_put(&t, fact_table[F_alert_level].words[f->level]);
	if (f->by->site_level != RULE_NO_LEVEL) {
		text_put(&t, " from the site's configuration");
	} else if (f->from_matrix) {
		text_put(&t, " from expectation ");
		text_put(&t, fact_table[F_expect].words[f->expectation]);
		text_put(&t, " and outcome ");
		if (!sentence_fact(&t, session, F_outcome))
			text_put(&t, "unknown");
	} else {
		text_put(&t, " from the finding itself");
	}
	for (unsigned i = 0; i < f->by->shifts; i++) {
		if (!(f->shifted >> i & 1) || (f->by->site_level != RULE_NO_LEVEL && !f->by->shift[i].certainty))
			continue;
		const bool down = f->by->shift[i].by < 0;
		text_put(&t, f->by->shift[i].certainty ? (down ? "; less certain: " : "; more certain: ") : down ? "; lower: " : "; higher: ");
		text_put(&t, f->by->shift[i].why);
	}
	record_str(a, F_event_reason, (struct bytes){ (const uint8_t *)buf, t.n });
}

static void write_message(const struct rule *rule, const struct record *session, struct record *a)
{
	char buf[2048];
	struct text t = { buf, 0, sizeof(buf), false };
	for (unsigned i = 0; i < rule->texts; i++) {
		if (i)
			text_char(&t, ' ');
		sentence_write(&t, rule->text[i], session);
	}
	if (rule->texts == 0)
		text_put(&t, rule->title);
	record_str(a, F_message, (struct bytes){ (const uint8_t *)buf, t.n });
}

static void write_alert(const struct record *session, const struct finding *f, struct record *a)
{
	struct bytes id = record_get_str(session, F_event_id);
	hash(a, F_alert_incident, id, bytes_of(f->rule->finding));
	hash(a, F_event_id, record_get_str(a, F_alert_incident), bytes_of("1"));
	record_num(a, F_alert_first, record_get_num(session, F_event_start, 0));
	record_num(a, F_alert_last, record_get_num(session, F_event_end, 0));
	record_num(a, F_alert_count, 1);
	record_num(a, F_alert_revision, 1);
	record_cstr(a, F_alert_state, "open");
	record_add(a, F_alert_sessions, id);
}

void alert_revise(struct record *a, unsigned revision)
{
	char buf[16];
	struct text t = { buf, 0, sizeof(buf), false };
	text_num(&t, revision);
	record_num(a, F_alert_revision, revision);
	hash(a, F_event_id, record_get_str(a, F_alert_incident), (struct bytes){ (const uint8_t *)buf, t.n });
}

/* What of a stats event an alert about it repeats. */
static void copy_stats(struct record *to, const struct record *from)
{
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		enum fact f = (enum fact)i;
		const struct fact_info *info = &fact_table[i];
		bool common = info->sets & IN_SESSION && (info->room == ROOM_EVENT || f == F_event_id);
		if (info->sets & IN_ALERT && info->sets & IN_STATS && !common && record_has(from, f))
			copy(to, from, f);
	}
	to->truncated |= from->truncated;
}

static void write_state(const struct finding *f, int64_t since, int64_t now, bool closed, struct record *a)
{
	char buf[24];
	struct text t = { buf, 0, sizeof(buf), false };
	text_num(&t, since);
	hash(a, F_alert_incident, (struct bytes){ (const uint8_t *)buf, t.n }, bytes_of(f->rule->uuid));
	hash(a, F_event_id, record_get_str(a, F_alert_incident), bytes_of(closed ? "2" : "1"));
	record_num(a, F_event_start, since);
	record_num(a, F_event_end, now);
	record_num(a, F_alert_first, since);
	record_num(a, F_alert_last, now);
	record_num(a, F_alert_count, 1);
	record_num(a, F_alert_revision, closed ? 2 : 1);
	record_cstr(a, F_alert_state, closed ? "closed" : "open");
}

void alert_make_stats(const struct rules *rules, const struct record *stats, const struct finding *f, int64_t since,
		      int64_t now, bool closed, struct record *a)
{
	record_init(a);
	write_rule(rules, f->rule, a);
	write_level(f, a);
	write_message(f->rule, stats, a);
	write_state(f, since, now, closed, a);
	copy_stats(a, stats);
	write_reason(stats, f, a);
}

void alert_make(const struct rules *rules, const struct record *session, const struct finding *f, struct record *a)
{
	record_init(a);
	write_rule(rules, f->rule, a);
	write_level(f, a);
	write_message(f->rule, session, a);
	write_alert(session, f, a);
	copy_session(a, session);
	write_reason(session, f, a);
}
