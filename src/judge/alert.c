/* alert: one finding of one session as an event that stands for itself: what was found, whose it is, what was promised,
 * what happened, and the ids by which the same packets give the same alert again. Judges nothing: level, certainty and
 * words come with the finding and its rule. */
#include "judge/alert.h"

#include <openssl/evp.h>

#include "judge/incident.h"
#include "judge/sentence.h"
#include "question.h"

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

/* What the alert rests on, and whose it is. The session's own id stands in mxwitness.alert.sessions. */
static void copy_session(struct record *to, const struct record *from)
{
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		enum fact f = (enum fact)i;
		const struct fact_info *info = &fact_table[i];
		if (f != F_event_id && info->sets & IN_ALERT && info->sets & IN_SESSION && info->room != ROOM_EVENT &&
		    record_has(from, f))
			copy(to, from, f);
	}
	if (record_has(from, F_observer_name))
		copy(to, from, F_observer_name);
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

static void put_level(struct record *a, uint8_t level)
{
	static const int number[level_COUNT] = { 10, 21, 47, 73, 99 }; /* the same as in syslog, CEF and OCSF tables */
	record_num(a, F_alert_level, level);
	record_num(a, F_event_severity, number[level]);
	record_num(a, F_event_risk_score, number[level]);
}

static void write_level(const struct finding *f, struct record *a)
{
	put_level(a, f->level);
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
	for (unsigned i = 0; i < f->notes; i++) {
		text_put(&t, f->note[i].by < 0 ? "; lower: " : f->note[i].by > 0 ? "; higher: " : "; ");
		text_put(&t, f->note[i].why);
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
	hash(a, F_alert_incident, id, bytes_of(f->rule->stage == STAGE_APART || f->rule->correlates ? f->rule->finding : "chain"));
	hash(a, F_event_id, record_get_str(a, F_alert_incident), bytes_of("1"));
	record_num(a, F_alert_first, record_get_num(session, F_event_start, 0));
	record_num(a, F_alert_last, record_get_num(session, F_event_end, 0));
	record_num(a, F_alert_count, 1);
	record_num(a, F_alert_revision, 1);
	record_cstr(a, F_alert_state, "open");
	record_add(a, F_alert_sessions, id);
}

void alert_incident_id(struct bytes session, const char *slot, char id[INCIDENT_ID])
{
	struct record r;
	record_init(&r);
	hash(&r, F_alert_incident, session, bytes_of(slot));
	struct bytes hex = record_get_str(&r, F_alert_incident);
	memcpy(id, hex.p, hex.n < INCIDENT_ID ? hex.n : INCIDENT_ID - 1);
	id[hex.n < INCIDENT_ID ? hex.n : INCIDENT_ID - 1] = '\0';
}

void alert_revise(struct record *a, unsigned revision)
{
	char buf[16];
	struct text t = { buf, 0, sizeof(buf), false };
	text_num(&t, revision);
	record_num(a, F_alert_revision, revision);
	hash(a, F_event_id, record_get_str(a, F_alert_incident), (struct bytes){ (const uint8_t *)buf, t.n });
}

/* One sentence more where the alert stands for more than one finding. */
static void add_chain(struct record *a, const struct incident *i)
{
	char buf[2048];
	struct text t = { buf, 0, sizeof(buf), false };
	for (unsigned k = 0; k < i->links; k++)
		record_add_cstr(a, F_alert_chain, i->link[k]);
	if (i->links < 2)
		return;
	text_bytes(&t, record_get_str(a, F_message));
	text_put(&t, " Chain of causes: ");
	for (unsigned k = 0; k < i->links; k++) {
		text_put(&t, k == 0 ? "" : k + 1 < i->links ? ", then " : ", and then ");
		text_put(&t, i->link[k]);
	}
	text_char(&t, '.');
	if (!t.full)
		record_str(a, F_message, (struct bytes){ (const uint8_t *)buf, t.n });
}

static void put_count(struct text *t, uint64_t n, uint64_t most, const char *one, const char *more)
{
	text_num(t, (int64_t)n);
	text_put(t, n == 1 ? one : more);
	text_put(t, n == most ? " or more" : "");
}

/* How much it is by now. */
static void add_counts(struct record *a, const struct incident *i)
{
	char buf[2048];
	struct text t = { buf, 0, sizeof(buf), false };
	text_bytes(&t, record_get_str(a, F_message));
	text_put(&t, " So far ");
	put_count(&t, i->count, 0, " session", " sessions");
	text_put(&t, ", from ");
	put_count(&t, i->clients, INCIDENT_CLIENTS, " client group", " client groups");
	text_put(&t, " to ");
	put_count(&t, i->servers, INCIDENT_SERVERS, " server address", " server addresses");
	text_char(&t, '.');
	if (!t.full)
		record_str(a, F_message, (struct bytes){ (const uint8_t *)buf, t.n });
}

static void add_reason(struct record *a, const char *why)
{
	char buf[512];
	struct text t = { buf, 0, sizeof(buf), false };
	text_bytes(&t, record_get_str(a, F_event_reason));
	text_put(&t, t.n ? "; " : "");
	text_put(&t, why);
	record_str(a, F_event_reason, (struct bytes){ (const uint8_t *)buf, t.n });
}

static void write_incident(const struct incident *i, enum incident_word word, struct record *a)
{
	const char *says = incident_says(word);
	record_cstr(a, F_alert_incident, i->id);
	alert_revise(a, i->revision);
	record_cstr(a, F_alert_state, word == INCIDENT_OPENED ? "open" : word == INCIDENT_ENDED ? "closed" : "update");
	record_num(a, F_alert_first, i->first);
	record_num(a, F_alert_last, i->last);
	record_num(a, F_alert_count, (int64_t)i->count);
	record_num(a, F_alert_clients, i->clients);
	record_num(a, F_alert_servers, i->servers);
	if (i->suppressed)
		record_num(a, F_alert_suppressed, (int64_t)i->suppressed);
	record_tri(a, F_alert_others, i->others ? TRI_YES : TRI_UNSEEN);
	record_unset(a, F_alert_chain);
	add_chain(a, i);
	record_unset(a, F_alert_sessions);
	for (unsigned k = 0; k < i->sessions; k++)
		record_add_cstr(a, F_alert_sessions, i->session[k]);
	if (word == INCIDENT_GOES_ON || word == INCIDENT_ENDED)
		add_counts(a, i);
	if (says[0])
		add_reason(a, says);
}

void alert_incident(const struct incident *i, enum incident_word word, struct record *a)
{
	if (record_get_num(a, F_alert_level, level_informational) < i->level) {
		put_level(a, i->level);
		add_reason(a, "the incident has had this level before");
	}
	write_incident(i, word, a);
}

static const struct rule *rule_of(const struct rules *rules, const char *uuid)
{
	for (size_t k = 0; k < rules_count(rules); k++)
		if (strcmp(rules_at(rules, k)->uuid, uuid) == 0)
			return rules_at(rules, k);
	return NULL;
}

void alert_make_incident(const struct rules *rules, const struct incident *i, enum incident_word word, int64_t now, struct record *a)
{
	const struct rule *rule = rule_of(rules, i->rule);
	record_init(a);
	if (rule)
		write_rule(rules, rule, a);
	put(a, F_event_action, i->finding);
	put(a, F_rule_id, i->finding);
	put(a, F_variant, i->variant);
	put_level(a, i->level);
	record_num(a, F_certainty, i->certainty);
	put(a, F_message, i->message);
	put(a, F_event_reason, i->reason);
	record_num(a, F_event_start, i->first);
	record_num(a, F_event_end, now);
	record_num(a, F_net_direction, i->direction);
	record_num(a, F_vantage, i->vantage);
	record_num(a, F_segment, i->segment);
	record_num(a, F_outcome, i->outcome);
	record_num(a, F_expect, i->expectation);
	if (i->attribution != attribution_unknown)
		record_num(a, F_attribution, i->attribution);
	if (i->clients == 1)
		record_addr(a, F_src_ip, &i->client);
	if (i->servers == 1)
		record_addr(a, F_dst_ip, &i->server);
	record_num(a, F_dst_port, i->port);
	put(a, F_id_host, i->host);
	if (i->domain[0])
		record_add_cstr(a, F_id_domains, i->domain);
	write_incident(i, word, a);
}

/* What of a stats or posture event an alert about it repeats. */
static void copy_event(struct record *to, const struct record *from, uint8_t service)
{
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		enum fact f = (enum fact)i;
		const struct fact_info *info = &fact_table[i];
		bool common = info->sets & IN_SESSION && (info->room == ROOM_EVENT || f == F_event_id);
		if (info->sets & IN_ALERT && info->sets & service && !common && record_has(from, f))
			copy(to, from, f);
	}
	to->truncated |= from->truncated;
}

/* whose: in front of the time, what tells incidents of the same time and rule apart */
static void write_state(struct bytes whose, const struct finding *f, int64_t since, int64_t now, bool closed, struct record *a)
{
	char buf[NAME_MAX_TEXT + 32];
	struct text t = { buf, 0, sizeof(buf), false };
	text_bytes(&t, whose);
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
	write_state((struct bytes){ 0 }, f, since, now, closed, a);
	copy_event(a, stats, IN_STATS);
	write_reason(stats, f, a);
}

void alert_make_posture(const struct rules *rules, const struct record *posture, const struct finding *f, int64_t since,
			int64_t now, bool closed, struct record *a)
{
	record_init(a);
	write_rule(rules, f->rule, a);
	write_level(f, a);
	write_message(f->rule, posture, a);
	write_state(record_get_str(posture, F_po_domain), f, since, now, closed, a);
	copy_event(a, posture, IN_POSTURE);
	write_reason(posture, f, a);
}

void alert_make(const struct rules *rules, const struct record *session, const struct finding *f, struct record *a)
{
	record_init(a);
	write_rule(rules, f->rule, a);
	write_level(f, a);
	write_message(f->rule, session, a);
	write_alert(session, f, a);
	copy_session(a, session);
	if (f->level >= level_low)
		record_num(a, F_attribution, f->attribution);
	if (f->attributed)
		record_cstr(a, F_attribution_why, f->attributed);
	write_reason(session, f, a);
}

void alert_rests_on(const struct correlated *found, struct record *a)
{
	if (found->first < record_get_num(a, F_alert_first, INT64_MAX))
		record_num(a, F_alert_first, found->first);
	record_yes(a, F_alert_several);
	record_unset(a, F_alert_sessions);
	for (size_t i = 0; i < found->ids; i++)
		record_add(a, F_alert_sessions, found->id[i]);
}
