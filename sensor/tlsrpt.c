/* tlsrpt: see tlsrpt.h. Three trees, each in the order of its keys, so that the same sessions give the same octets in whatever order
 * they come: reports; in a report, its policies; in a policy, its failures. RFC 8460 4.4.
 *
 * A session is a success only where packets show that TLS came about with what the policy demands: a certificate that no one could see
 * (TLS 1.3) is no failure, and under DANE or MTA-STS no success either. */
#include "tlsrpt.h"

#include <search.h>
#include <stdlib.h>

enum { DAY = 10, POLICY_TEXT = 8192, REASON = 136, STRING = 1024 };
static const int64_t day_ns = INT64_C(86400) * 1000000000;

enum policy_type { POLICY_NONE, POLICY_STS, POLICY_TLSA };
static const char *const policy_words[] = { "no-policy-found", "sts", "tlsa" };

struct failure {
	const char *word;          /* of the rules */
	char host[256], reason[REASON];
	struct addr from, to;
	uint64_t count;
};

/* text   policy-string as JSON array, and mx the same of mx-host; "" is none */
struct policy {
	enum policy_type type;
	char *text, *mx;
	uint64_t success, failure;
	void *failures;
};

/* host: domain is that of an MX host. day: since 1970 */
struct report {
	char domain[TLSRPT_DOMAIN + 1];
	bool host;
	int64_t day;
	void *policies;
};

struct tlsrpt {
	struct tlsrpt_wish wish;
	struct tlsrpt_counts counts;
	void *reports, *ids;
	size_t nreports, npolicies, nrows, nids;
};

/* ---- order ---- */

static int sign(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int by_address(const struct addr *a, const struct addr *b)
{
	return a->v != b->v ? sign(a->v, b->v) : memcmp(a->a, b->a, sizeof(a->a));
}

static int by_failure(const void *one, const void *two)
{
	const struct failure *a = one, *b = two;
	int d = strcmp(a->word, b->word);
	d = d ? d : strcmp(a->host, b->host);
	d = d ? d : by_address(&a->to, &b->to);
	d = d ? d : by_address(&a->from, &b->from);
	return d ? d : strcmp(a->reason, b->reason);
}

static int by_policy(const void *one, const void *two)
{
	const struct policy *a = one, *b = two;
	int d = sign(a->type, b->type);
	d = d ? d : strcmp(a->text, b->text);
	return d ? d : strcmp(a->mx, b->mx);
}

static int by_report(const void *one, const void *two)
{
	const struct report *a = one, *b = two;
	int d = strcmp(a->domain, b->domain);
	d = d ? d : sign(a->host, b->host);
	return d ? d : sign(a->day, b->day);
}

static int by_id(const void *one, const void *two)
{
	return strcmp(one, two);
}

/* ---- memory ---- */

struct tlsrpt *tlsrpt_new(const struct tlsrpt_wish *wish)
{
	struct tlsrpt *t = calloc(1, sizeof(*t));
	if (t)
		t->wish = *wish;
	return t;
}

static void policy_free(void *of)
{
	struct policy *p = of;
	tdestroy(p->failures, free);
	free(p->text);
	free(p->mx);
	free(p);
}

static void report_free(void *of)
{
	struct report *r = of;
	tdestroy(r->policies, policy_free);
	free(r);
}

void tlsrpt_free(struct tlsrpt *t)
{
	if (!t)
		return;
	tdestroy(t->reports, report_free);
	tdestroy(t->ids, free);
	free(t);
}

/* The element that is equal to key, or a copy of the n octets of key that is put there. NULL: there is no room. */
static void *entry(void **tree, int (*order)(const void *, const void *), const void *key, size_t n, size_t *have, size_t most)
{
	void **found = tfind(key, tree, order);
	if (found)
		return *found;
	if (*have >= most)
		return NULL;
	void *mine = malloc(n);
	if (!mine)
		return NULL;
	memcpy(mine, key, n);
	found = tsearch(mine, tree, order);
	if (!found) {
		free(mine);
		return NULL;
	}
	++*have;
	return *found;
}

/* ---- what a session came to ---- */

const char *tlsrpt_word(const struct rules *rules, struct bytes finding, struct bytes variant)
{
	for (size_t i = 0; i < rules_count(rules); i++) {
		const struct rule *r = rules_at(rules, i);
		if (*r->tlsrpt && bytes_eq(bytes_of(r->finding), finding) && bytes_eq(bytes_of(r->variant), variant))
			return r->tlsrpt;
	}
	return NULL;
}

bool tlsrpt_finding(const struct record *s, struct tlsrpt_at *at, struct tlsrpt_finding *f)
{
	struct bytes item;
	if (!record_next(s, F_finding_id, &at->id, &f->id))
		return false;
	if (!record_next(s, F_finding_variant, &at->variant, &f->variant))
		f->variant = (struct bytes){ 0 };
	f->certainty = record_next(s, F_finding_certainty, &at->certainty, &item) ? record_item_num(item) : 0;
	f->level = record_next(s, F_finding_level, &at->level, &item) ? record_item_num(item) : 0;
	return true;
}

static bool expects(const struct record *s, enum expect what)
{
	size_t pos = 0;
	for (struct bytes item; record_next(s, F_expect_all, &pos, &item);)
		if (record_item_num(item) == (int64_t)what)
			return true;
	return false;
}

static enum policy_type type_of(const struct record *s)
{
	const int64_t dnssec = record_get_num(s, F_dane_dnssec, dnsstatus_incomplete), mode = record_get_num(s, F_sts_mode, stsmode_none);
	if (expects(s, expect_dane) || expects(s, expect_dane_tls_only) || dnssec == dnsstatus_bogus ||
	    (dnssec == dnsstatus_secure && record_count(s, F_tlsa_usage)))
		return POLICY_TLSA;
	return mode != stsmode_none && record_get_tri(s, F_sts_expired) != TRI_YES ? POLICY_STS : POLICY_NONE;
}

static bool as_demanded(const struct record *s)
{
	const int64_t dane = record_get_num(s, F_dane_verdict, daneverdict_identity_unknown);
	switch (type_of(s)) {
	case POLICY_TLSA:
		return dane == daneverdict_match || dane == daneverdict_tls_only_ok;
	case POLICY_STS:
		return record_get_tri(s, F_sts_mx) == TRI_YES && record_get_num(s, F_pkix, pkix_not_checked) == pkix_valid;
	case POLICY_NONE:
		break;
	}
	return true;
}

enum tlsrpt_result tlsrpt_result(const struct rules *rules, const struct record *s, const char **word, struct tlsrpt_finding *why)
{
	struct tlsrpt_at at = { 0 };
	*word = NULL;
	for (struct tlsrpt_finding f; tlsrpt_finding(s, &at, &f);) {
		const char *is = tlsrpt_word(rules, f.id, f.variant);
		if (!is || (*word && (f.level < why->level || (f.level == why->level && f.certainty <= why->certainty))))
			continue;
		*word = is;
		*why = f;
	}
	if (*word)
		return TLSRPT_FAILURE;
	return record_get_tri(s, F_tls_established) == TRI_YES && as_demanded(s) ? TLSRPT_SUCCESS : TLSRPT_UNKNOWN;
}

/* ---- a policy ---- */

static void item(struct text *t, bool *comma, struct bytes line)
{
	text_put(t, *comma ? ",\"" : "[\"");
	text_clean(t, line, true);
	text_char(t, '"');
	*comma = true;
}

static void tlsa(const struct record *s, struct text *t)
{
	size_t at[4] = { 0 };
	struct bytes u, sel, m, data;
	bool comma = false;
	while (record_next(s, F_tlsa_usage, &at[0], &u) && record_next(s, F_tlsa_selector, &at[1], &sel) &&
	       record_next(s, F_tlsa_matching, &at[2], &m) && record_next(s, F_tlsa_data, &at[3], &data)) {
		char line[256];
		struct text l = { line, 0, sizeof(line), false };
		text_num(&l, record_item_num(u));
		text_char(&l, ' ');
		text_num(&l, record_item_num(sel));
		text_char(&l, ' ');
		text_num(&l, record_item_num(m));
		text_char(&l, ' ');
		text_hex(&l, data, false);
		item(t, &comma, (struct bytes){ (const uint8_t *)line, l.n });
	}
	if (comma)
		text_char(t, ']');
}

/* The policy as it was fetched, if that is the one the session was judged by; else as much as the event tells. */
static void sts(const struct sts_cache *cache, const struct record *s, struct text *t, struct text *mx)
{
	const int64_t mode = record_get_num(s, F_sts_mode, stsmode_none);
	const struct sts_file *f = cache ? sts_cache_find(cache, record_get_str(s, F_sts_domain)) : NULL;
	const struct bytes id = record_get_str(s, F_sts_id);
	const bool same = f && f->held.policy.mode == mode && (!id.n || bytes_eq(id, f->held.id));
	char line[512];
	bool comma = false, begun = false;
	item(t, &comma, bytes_of("version: STSv1"));
	struct text l = { line, 0, sizeof(line), false };
	text_put(&l, "mode: ");
	text_put(&l, fact_table[F_sts_mode].words[mode]);
	item(t, &comma, (struct bytes){ (const uint8_t *)line, l.n });
	for (size_t i = 0; same && i < f->held.policy.mxs; i++) {
		l.n = 0;
		text_put(&l, "mx: ");
		text_bytes(&l, f->held.policy.mx[i]);
		item(t, &comma, (struct bytes){ (const uint8_t *)line, l.n });
		item(mx, &begun, f->held.policy.mx[i]);
	}
	if (same) {
		l.n = 0;
		text_put(&l, "max_age: ");
		text_num(&l, f->held.policy.max_age);
		item(t, &comma, (struct bytes){ (const uint8_t *)line, l.n });
	}
	text_char(t, ']');
	if (begun)
		text_char(mx, ']');
}

static struct policy *policy(struct tlsrpt *t, struct report *r, const struct record *s)
{
	char text[POLICY_TEXT + 1], mx[POLICY_TEXT + 1];
	struct text a = { text, 0, POLICY_TEXT, false }, b = { mx, 0, POLICY_TEXT, false };
	struct policy key = { .type = type_of(s), .text = text, .mx = mx };
	if (key.type == POLICY_TLSA)
		tlsa(s, &a);
	else if (key.type == POLICY_STS)
		sts(t->wish.sts, s, &a, &b);
	text[a.full ? 0 : a.n] = mx[b.full ? 0 : b.n] = '\0';
	const size_t before = t->npolicies;
	struct policy *p = entry(&r->policies, by_policy, &key, sizeof(key), &t->npolicies, TLSRPT_POLICIES);
	if (p && t->npolicies != before) {
		char *mine = strdup(text), *hosts = strdup(mx);
		if (!mine || !hosts) {
			tdelete(p, &r->policies, by_policy);
			free(mine);
			free(hosts);
			free(p);
			t->npolicies--;
			return NULL;
		}
		p->text = mine;
		p->mx = hosts;
	}
	return p;
}

/* ---- counting ---- */

/* A name that a report and its file can have: letters, digits, hyphens, underscores, dots; in lower case, without a dot at its end. */
static bool plain_name(struct bytes b, char *out)
{
	if (b.n && b.p[b.n - 1] == '.')
		b.n--;
	if (!b.n || b.n > TLSRPT_DOMAIN || b.p[0] == '.' || b.p[0] == '-')
		return false;
	for (size_t i = 0; i < b.n; i++) {
		out[i] = (char)ascii_lower(b.p[i]);
		if (!out[i] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", out[i]))
			return false;
	}
	out[b.n] = '\0';
	return true;
}

static bool failed(struct tlsrpt *t, struct policy *p, const struct record *s, const char *word, const struct tlsrpt_finding *why)
{
	struct failure key;
	struct text reason = { key.reason, 0, sizeof(key.reason) - 1, false };
	const struct bytes host = bytes_head(record_get_str(s, F_id_host), sizeof(key.host) - 1);
	memset(&key, 0, sizeof(key));
	key.word = word;
	record_get_addr(s, F_src_ip, &key.from);
	record_get_addr(s, F_dst_ip, &key.to);
	if (host.n)
		memcpy(key.host, host.p, host.n);
	text_bytes(&reason, why->id);
	if (why->variant.n) {
		text_char(&reason, '/');
		text_bytes(&reason, why->variant);
	}
	struct failure *f = entry(&p->failures, by_failure, &key, sizeof(key), &t->nrows, TLSRPT_ROWS);
	if (!f)
		return false;
	f->count++;
	p->failure++;
	return true;
}

static bool wanted(const struct tlsrpt *t, const struct report *r)
{
	char day[32];
	struct text d = { day, 0, sizeof(day), false };
	text_time(&d, r->day * day_ns);
	return (!t->wish.day || memcmp(day, t->wish.day, DAY) == 0) &&
	       (!t->wish.domain || bytes_eq_nocase(bytes_of(t->wish.domain), bytes_of(r->domain)));
}

static void count(struct tlsrpt *t, const struct report *key, const struct record *s)
{
	const char *word;
	struct tlsrpt_finding why;
	const enum tlsrpt_result result = tlsrpt_result(t->wish.rules, s, &word, &why);
	if (result == TLSRPT_UNKNOWN) {
		t->counts.unknown++;
		return;
	}
	struct report *r = entry(&t->reports, by_report, key, sizeof(*key), &t->nreports, TLSRPT_REPORTS);
	struct policy *p = r ? policy(t, r, s) : NULL;
	if (!p || (result == TLSRPT_FAILURE && !failed(t, p, s, word, &why))) {
		t->counts.lost++;
		return;
	}
	p->success += result == TLSRPT_SUCCESS;
	t->counts.hosts += key->host;
	t->counts.success += result == TLSRPT_SUCCESS;
	t->counts.failure += result == TLSRPT_FAILURE;
}

/* Returns whether it was a name. */
static bool about(struct tlsrpt *t, struct bytes domain, bool host, const struct record *s)
{
	struct report key;
	memset(&key, 0, sizeof(key));
	key.host = host;
	key.day = record_get_num(s, F_event_end, 0) / day_ns;
	if (!plain_name(domain, key.domain))
		return false;
	if (wanted(t, &key))
		count(t, &key, s);
	else
		t->counts.other++;
	return true;
}

static bool again(struct tlsrpt *t, const struct record *s)
{
	const struct bytes id = record_get_str(s, F_event_id);
	char key[256] = { 0 };
	memcpy(key, id.p, id.n < sizeof(key) - 1 ? id.n : sizeof(key) - 1);
	const size_t before = t->nids;
	if (!entry(&t->ids, by_id, key, strlen(key) + 1, &t->nids, TLSRPT_IDS))
		t->counts.forgotten++;
	else if (t->nids == before)
		return true;
	return false;
}

static bool ours(const struct record *s)
{
	const int64_t way = record_get_num(s, F_net_direction, direction_unknown);
	return (way == direction_outbound || way == direction_unknown) && record_get_num(s, F_service, service_mx) == service_mx;
}

void tlsrpt_session(struct tlsrpt *t, const struct record *s)
{
	size_t pos = 0, named = 0;
	t->counts.sessions++;
	if (record_get_num(s, F_cap_phase, phase_final) == phase_interim) {
		t->counts.interim++;
		return;
	}
	if (again(t, s)) {
		t->counts.again++;
		return;
	}
	if (!ours(s)) {
		t->counts.foreign++;
		return;
	}
	for (struct bytes domain; record_next(s, F_id_domains, &pos, &domain);)
		named += about(t, domain, false, s);
	if (!named && !record_count(s, F_id_domains))
		named += record_has(s, F_sts_domain) ? about(t, record_get_str(s, F_sts_domain), false, s) :
						       about(t, record_get_str(s, F_id_host), true, s);
	t->counts.unnamed += !named;
}

const struct tlsrpt_counts *tlsrpt_counts(const struct tlsrpt *t)
{
	return &t->counts;
}

/* ---- writing ---- */

void tlsrpt_string(FILE *out, struct bytes b)
{
	char text[6 * STRING];
	struct text t = { text, 0, sizeof(text), false };
	text_clean(&t, bytes_head(b, STRING), true);
	fputc('"', out);
	fwrite(text, 1, t.n, out);
	fputc('"', out);
}

static void member(FILE *out, const char *name, const char *value)
{
	fprintf(out, "\"%s\":", name);
	tlsrpt_string(out, bytes_of(value));
}

static void member_addr(FILE *out, const char *name, const struct addr *a)
{
	char text[64];
	struct text t = { text, 0, sizeof(text) - 1, false };
	text_addr(&t, a);
	text[t.n] = '\0';
	member(out, name, text);
}

/* What a walk over a tree hands on. */
struct writing {
	struct tlsrpt *t;
	const struct report *report;
	FILE *out;
	bool named, comma;
	unsigned n;
};

static void write_failure(const void *node, VISIT which, void *closure)
{
	struct writing *w = closure;
	const struct failure *f = *(struct failure *const *)node;
	if (which != postorder && which != leaf)
		return;
	fputs(w->comma ? ",{" : "{", w->out);
	w->comma = true;
	member(w->out, "result-type", f->word);
	fputc(',', w->out);
	member_addr(w->out, "sending-mta-ip", &f->from);
	if (*f->host) {
		fputc(',', w->out);
		member(w->out, "receiving-mx-hostname", f->host);
	}
	fputc(',', w->out);
	member_addr(w->out, "receiving-ip", &f->to);
	fprintf(w->out, ",\"failed-session-count\":%llu,", (unsigned long long)f->count);
	member(w->out, "failure-reason-code", f->reason);
	fputc('}', w->out);
}

static void write_policy(const void *node, VISIT which, void *closure)
{
	struct writing *w = closure;
	const struct policy *p = *(struct policy *const *)node;
	if (which != postorder && which != leaf)
		return;
	fputs(w->comma ? ",{\"policy\":{" : "{\"policy\":{", w->out);
	member(w->out, "policy-type", policy_words[p->type]);
	if (*p->text)
		fprintf(w->out, ",\"policy-string\":%s", p->text);
	fputc(',', w->out);
	member(w->out, "policy-domain", w->report->domain);
	if (*p->mx)
		fprintf(w->out, ",\"mx-host\":%s", p->mx);
	fprintf(w->out, "},\"summary\":{\"total-successful-session-count\":%llu,\"total-failure-session-count\":%llu}",
		(unsigned long long)p->success, (unsigned long long)p->failure);
	if (p->failures) {
		struct writing rows = *w;
		rows.comma = false;
		fputs(",\"failure-details\":[", w->out);
		twalk_r(p->failures, write_failure, &rows);
		fputc(']', w->out);
	}
	fputc('}', w->out);
	w->comma = true;
}

static void write_report(const void *node, VISIT which, void *closure)
{
	struct writing *w = closure;
	const struct report *r = *(struct report *const *)node;
	char day[32];
	struct text d = { day, 0, sizeof(day), false };
	if ((which != postorder && which != leaf) || !r->policies) /* without: there was no room for one */
		return;
	text_time(&d, r->day * day_ns);
	day[DAY] = '\0';
	if (w->named)
		fprintf(w->out, "mxwitness!%s!%lld!%lld%s.json\t", r->domain, (long long)r->day * 86400, (long long)r->day * 86400 + 86399,
			r->host ? "!host" : "");
	fputc('{', w->out);
	member(w->out, "organization-name", w->t->wish.organization);
	fprintf(w->out, ",\"date-range\":{\"start-datetime\":\"%sT00:00:00Z\",\"end-datetime\":\"%sT23:59:59Z\"},", day, day);
	member(w->out, "contact-info", w->t->wish.contact);
	fprintf(w->out, ",\"report-id\":\"%s%s_%s@mxwitness\",\"policies\":[", day, r->host ? "_host" : "", r->domain);
	struct writing policies = *w;
	policies.report = r;
	policies.comma = false;
	twalk_r(r->policies, write_policy, &policies);
	fputs("]}\n", w->out);
	w->n++;
}

unsigned tlsrpt_write(struct tlsrpt *t, bool named, FILE *out)
{
	struct writing w = { .t = t, .out = out, .named = named };
	twalk_r(t->reports, write_report, &w);
	return w.n;
}
