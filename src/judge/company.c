/* company: see company.h. Looks never change anything; only company_learn does, once for each session, so that an interim session may
 * look as often as it likes. What it keeps are hashes of names and times of packets. */
#include "judge/company.h"

#include "judge/kinship.h"

#define HOUR (INT64_C(3600) * 1000000000)
#define DAY (24 * HOUR)
#define SECOND INT64_C(1000000000)
#define TEN_MINUTES (600 * SECOND)

bool company_begin(struct company *c, size_t rows)
{
	*c = (struct company){ 0 };
	bool ok = rows_begin(&c->repeats, sizeof(struct company_marks), rows) &&
		  rows_begin(&c->clients, sizeof(struct company_client), rows) &&
		  rows_begin(&c->visits, sizeof(struct company_visits), rows) &&
		  rows_begin(&c->spread, sizeof(struct company_marks), rows);
	if (!ok)
		company_end(c);
	return ok;
}

void company_end(struct company *c)
{
	rows_end(&c->repeats);
	rows_end(&c->clients);
	rows_end(&c->visits);
	rows_end(&c->spread);
}

/* ---- keys ---- */

static int64_t now_of(const struct record *s)
{
	return record_get_num(s, F_event_end, 0);
}

/* Two sensors that saw one connection saw one session. It began at about the same time, or the numbers came by once more. */
static uint64_t session_of(const struct record *s)
{
	const int64_t begun = record_get_num(s, F_event_start, 0) / TEN_MINUTES;
	if (!record_has(s, F_observer_name) || !record_has(s, F_tcp_isn))
		return rows_key(0, record_get_str(s, F_event_id));
	return rows_key(rows_key(0, record_get_str(s, F_tcp_isn)), (struct bytes){ (const uint8_t *)&begun, sizeof(begun) });
}

/* An address that others may have, too, is somebody's at his sensor only. */
static uint64_t at_sensor(uint64_t key, const struct record *s)
{
	struct addr a;
	bool local = record_get_addr(s, F_src_ip, &a) && kinship_local(&a);
	return local && record_has(s, F_observer_name) ? rows_key(key, record_get_str(s, F_observer_name)) : key;
}

/* Who the server is: its name when that is known well, else its address. */
static struct bytes server_of(const struct record *s)
{
	struct bytes host = record_get_str(s, F_id_host);
	bool sure = record_get_num(s, F_id_confidence, confidence_none) >= confidence_medium;
	return sure && host.n ? host : record_get_str(s, F_dst_ip);
}

static uint64_t group_of(const struct site *site, const struct record *s)
{
	struct addr a;
	if (!record_get_addr(s, F_src_ip, &a))
		return 1;
	struct cidr g = incident_group(site, &a);
	return at_sensor(rows_key(g.bits, (struct bytes){ g.base.a, sizeof(g.base.a) }), s);
}

/* The host that the greeting names: its first word behind the code. */
static struct bytes greeted_by(const struct record *s)
{
	struct bytes b = bytes_skip(record_get_str(s, F_smtp_banner), 4);
	const uint8_t *space = b.n ? memchr(b.p, ' ', b.n) : NULL;
	b = bytes_head(b, space ? (size_t)(space - b.p) : b.n);
	return b.n && memchr(b.p, '.', b.n) && !memchr(b.p, '*', b.n) ? b : (struct bytes){ s->text, 0 };
}

/* Whose server it may be: the last two labels of its name, as it is known or as it greets, else its address's /24 or /48. What differs
 * there counts as unrelated; nothing but attribution rests on it. */
static uint64_t owner_of_server(const struct record *s)
{
	struct addr a = { 0 };
	struct bytes host = server_of(s);
	size_t dots = 0;
	if (!record_has(s, F_id_host) || record_get_num(s, F_id_confidence, confidence_none) < confidence_medium)
		host = greeted_by(s);
	for (size_t at = host.n; at-- > 0;)
		if (host.p[at] == '.' && ++dots == 2)
			return rows_key(0, bytes_skip(host, at + 1));
	if (host.n)
		return rows_key(0, host);
	record_get_addr(s, F_dst_ip, &a);
	struct cidr c = site_prefix(&a, a.v == 4 ? 24 : 48);
	return rows_key(0, (struct bytes){ c.base.a, sizeof(c.base.a) });
}

static uint64_t repeat_key(const struct finding *f, const struct record *s)
{
	return rows_key(rows_key(0, bytes_of(f->rule->finding)), server_of(s));
}

/* c: by client, its servers; s: by server, its clients */
static uint64_t spread_key(const struct finding *f, char which, uint64_t whose)
{
	uint64_t k = rows_key(rows_key(0, bytes_of(f->rule->finding)), bytes_of(f->rule->variant));
	uint8_t by[9] = { (uint8_t)which };
	memcpy(by + 1, &whose, sizeof(whose));
	return rows_key(k, (struct bytes){ by, sizeof(by) });
}

/* ---- marks ---- */

/* Different things of others sessions in the time before now, this one's among them. */
static unsigned different(const struct company_marks *m, uint64_t what, int64_t now, int64_t within)
{
	unsigned n = 1;
	for (unsigned i = 0; m && i < COMPANY_KEPT; i++)
		n += m->mark[i].what && m->mark[i].what != what && m->mark[i].at > now - within;
	return n;
}

/* Occurrences of other sessions in the time before now. */
static unsigned others(const struct company_marks *m, uint64_t session, int64_t now, int64_t within)
{
	unsigned n = 0;
	for (unsigned i = 0; m && i < COMPANY_KEPT; i++)
		n += m->mark[i].what && m->mark[i].session != session && m->mark[i].at > now - within;
	return n;
}

/* The oldest gives way. once: one mark for each thing, the latest; else one for each session. */
static void mark(struct rows *t, uint64_t key, uint64_t what, uint64_t session, int64_t at, bool once)
{
	struct company_marks *m = rows_take(t, key, at);
	struct company_mark *to = &m->mark[0];
	for (unsigned i = 0; i < COMPANY_KEPT; i++) {
		if (m->mark[i].what && (m->mark[i].session == session || (once && m->mark[i].what == what))) {
			to = &m->mark[i];
			break;
		}
		if (m->mark[i].at < to->at)
			to = &m->mark[i];
	}
	*to = (struct company_mark){ what, session, at > to->at || to->what != what ? at : to->at };
}

/* ---- the first of its kind ---- */

static void note(struct finding *f, const char *why, int8_t by)
{
	if (f->notes < FINDING_NOTES)
		f->note[f->notes++] = (struct finding_note){ why, by };
}

static bool repeated(const struct company *c, uint64_t key, uint64_t session, uint64_t group, int64_t now, const char **why)
{
	const struct company_marks *m = rows_find(&c->repeats, key);
	*why = "not the first: the third within an hour";
	if (others(m, session, now, HOUR) + 1 >= COMPANY_REPEATS)
		return true;
	*why = "not the first: a second client group has it";
	return different(m, group, now, DAY) > 1;
}

size_t company_repeated(const struct company *c, const struct rules *rules, struct rule_scratch *scratch, const struct site *site,
			const struct record *s, struct finding *f, size_t n)
{
	size_t changed = 0;
	const char *why;
	if (record_get_num(s, F_outcome, outcome_unknown) != outcome_not_delivered)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (f[i].certainty == certainty_proof || !f[i].from_matrix)
			continue;
		uint8_t level = rule_grade_repeated(rules, scratch, &f[i], s);
		if (level <= f[i].level || !repeated(c, repeat_key(&f[i], s), session_of(s), group_of(site, s), now_of(s), &why))
			continue;
		f[i].level = level;
		f[i].others = true;
		note(&f[i], why, 1);
		changed++;
	}
	return changed;
}

/* ---- everyday traffic ---- */

/* Nothing in it, and nothing behind TLS, that could be a mail. */
static bool no_mail(const struct record *s)
{
	return record_get_num(s, F_smtp_transactions, 0) == 0 && record_get_num(s, F_outcome, outcome_unknown) == outcome_not_delivered &&
	       !record_has(s, F_smtp_auth_mech);
}

static uint64_t client_key(const struct record *s)
{
	return at_sensor(rows_key(0, record_get_str(s, F_src_ip)), s);
}

static uint64_t visit_key(const struct record *s)
{
	return rows_key(client_key(s), server_of(s));
}

static bool has_server(const struct company_client *c, uint64_t server)
{
	for (unsigned i = 0; i < c->servers; i++)
		if (c->server[i] == server)
			return true;
	return false;
}

/* Many servers and never a mail. The site's own senders are none: when all partners refuse or are stripped they look alike. */
static bool is_scanner(const struct company *c, const struct record *s)
{
	const struct company_client *k = rows_find(&c->clients, client_key(s));
	const uint64_t server = rows_key(0, server_of(s));
	if (!k || !no_mail(s) || record_get_tri(s, F_own_client) == TRI_YES || (k->mail && now_of(s) - k->mail < DAY))
		return false;
	const bool same_hour = now_of(s) - k->hour < HOUR;
	const unsigned n = (same_hour ? k->servers : 0) + !(same_hour && has_server(k, server));
	return n >= COMPANY_DESTINATIONS || (now_of(s) - k->hour < 2 * HOUR && k->before >= COMPANY_DESTINATIONS) ||
	       (!same_hour && now_of(s) - k->hour < 2 * HOUR && k->servers >= COMPANY_DESTINATIONS);
}

static bool equal_gap(int64_t a, int64_t b)
{
	int64_t d = a > b ? a - b : b - a;
	return d <= 2 * SECOND || d <= a / 20;
}

static bool is_health_check(const struct company *c, const struct record *s)
{
	const struct company_visits *v = rows_find(&c->visits, visit_key(s));
	return v && no_mail(s) && v->equal + 1 >= COMPANY_PERIODS &&
	       (equal_gap(v->gap, record_get_num(s, F_event_start, 0) - v->last) || record_get_num(s, F_event_start, 0) == v->last);
}

/* 4xx to every recipient and no content: it will come again, and may find the real server then. */
static bool is_greylisted(const struct record *s)
{
	return record_get_num(s, F_smtp_rcpt_deferred, 0) > 0 && record_get_num(s, F_smtp_rcpt_ok, 0) == 0 &&
	       record_get_num(s, F_smtp_content, 0) == 0;
}

void company_ambient(const struct company *c, struct record *s)
{
	record_unset(s, F_ambient);
	if (is_scanner(c, s))
		record_add_num(s, F_ambient, ambient_scanner);
	if (is_health_check(c, s))
		record_add_num(s, F_ambient, ambient_health_check);
	if (record_get_tri(s, F_own_client) == TRI_YES && record_get_tri(s, F_own_server) == TRI_YES)
		record_add_num(s, F_ambient, ambient_internal_relay);
	if (is_greylisted(s))
		record_add_num(s, F_ambient, ambient_greylisted);
	if (record_get_tri(s, F_hist_never) == TRI_YES)
		record_add_num(s, F_ambient, ambient_never_tls);
}

static bool lower_by(const struct rule_ambient *a, uint8_t class, const struct record *s, struct finding *f)
{
	int level = f->level + a->by;
	const int64_t promise = record_get_num(s, F_expect, expect_none);
	if (!a->why || f->certainty == certainty_proof || f->by->site_level != RULE_NO_LEVEL || a->less >> (promise & 63) & 1)
		return false;
	level = level < 0 ? 0 : level > a->cap ? a->cap : level;
	if (level >= f->level)
		return false;
	f->level = (uint8_t)level;
	f->others = f->others || class == ambient_scanner || class == ambient_health_check || class == ambient_never_tls;
	note(f, a->why, -1);
	return true;
}

size_t company_lower(const struct rules *rules, const struct record *s, struct finding *f, size_t n)
{
	size_t changed = 0, pos = 0;
	struct bytes item;
	while (record_next(s, F_ambient, &pos, &item)) {
		const int64_t class = record_item_num(item);
		for (size_t i = 0; class >= 0 && class < ambient_COUNT && i < n; i++)
			changed += lower_by(&rules->ambient[class], (uint8_t)class, s, &f[i]);
	}
	return changed;
}

/* ---- whose part of the path ---- */

static void say(struct finding *f, uint8_t whose, const char *why, bool by_others)
{
	f->attribution = whose;
	f->attributed = why;
	f->others = f->others || by_others;
}

static bool outside(const struct record *s)
{
	return record_get_num(s, F_vantage, vantage_unknown) == vantage_egress_outside;
}

static void by_company(const struct company *c, const struct site *site, const struct record *s, struct finding *f)
{
	const uint64_t client = group_of(site, s), server = rows_key(0, server_of(s));
	const struct company_marks *servers = rows_find(&c->spread, spread_key(f, 'c', client));
	const struct company_marks *clients = rows_find(&c->spread, spread_key(f, 's', server));
	if (different(servers, owner_of_server(s), now_of(s), HOUR) >= COMPANY_SERVERS) {
		if (outside(s) && f->rule->segment != pathpart_client_side)
			say(f, attribution_provider_path, "five or more unrelated servers show it to this client group within an "
			    "hour, behind the site's own equipment", true);
		else
			say(f, attribution_own_device, "five or more unrelated servers show it to this client group within an hour: "
			    "what they share is on the client's side", true);
	} else if (different(clients, client, now_of(s), HOUR) >= COMPANY_CLIENTS) {
		say(f, attribution_server_side, "three or more client groups have it with this server within an hour", true);
	}
}

static bool at_egress(const struct record *s)
{
	const int64_t v = record_get_num(s, F_vantage, vantage_unknown);
	return v == vantage_egress_outside || v == vantage_egress_inside || v == vantage_dmz;
}

void company_attribute(const struct company *c, const struct site *site, const struct record *s, struct finding *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (f[i].level < level_low || f[i].attribution != attribution_unknown)
			continue;
		if (f[i].rule->segment == pathpart_client_side && at_egress(s) && record_get_tri(s, F_own_client) == TRI_YES)
			say(&f[i], attribution_own_device, "the change was made between the site's own client and the sensor", false);
		else if (f[i].rule->segment == pathpart_server_side && record_get_tri(s, F_own_server) == TRI_YES)
			say(&f[i], attribution_own_device, "the change was made between the sensor and the site's own server", false);
		else
			by_company(c, site, s, &f[i]);
	}
}

/* ---- what is learnt ---- */

static void learn_finding(struct company *c, const struct site *site, const struct record *s, const struct finding *f)
{
	const uint64_t client = group_of(site, s), server = rows_key(0, server_of(s)), session = session_of(s);
	if (record_get_num(s, F_outcome, outcome_unknown) == outcome_not_delivered && f->from_matrix)
		mark(&c->repeats, repeat_key(f, s), client, session, now_of(s), false);
	if (f->rule->stage == STAGE_APART || f->level < level_low)
		return;
	mark(&c->spread, spread_key(f, 'c', client), owner_of_server(s), session, now_of(s), true);
	mark(&c->spread, spread_key(f, 's', server), client, session, now_of(s), true);
}

static void learn_client(struct company *c, const struct record *s)
{
	struct company_client *k = rows_take(&c->clients, client_key(s), now_of(s));
	const uint64_t server = rows_key(0, server_of(s));
	if (!no_mail(s))
		k->mail = now_of(s);
	if (now_of(s) - k->hour >= HOUR) {
		k->before = now_of(s) - k->hour < 2 * HOUR ? k->servers : 0;
		k->hour = now_of(s);
		k->servers = 0;
	}
	if (!has_server(k, server) && k->servers < COMPANY_DESTINATIONS)
		k->server[k->servers++] = server;
}

static void learn_visit(struct company *c, const struct record *s)
{
	const int64_t start = record_get_num(s, F_event_start, 0);
	struct company_visits *v = rows_take(&c->visits, visit_key(s), now_of(s));
	if (start <= v->last)
		return;
	if (!no_mail(s) || !v->last) {
		*v = (struct company_visits){ .row = v->row, .last = start };
		return;
	}
	const int64_t gap = start - v->last;
	v->equal = v->gap && equal_gap(v->gap, gap) ? v->equal + 1 : 1;
	v->gap = gap;
	v->last = start;
}

void company_learn(struct company *c, const struct site *site, const struct record *s, const struct finding *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		learn_finding(c, site, s, &f[i]);
	learn_client(c, s);
	learn_visit(c, s);
}
