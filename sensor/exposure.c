/* exposure: see exposure.h. Two tables of rows that are found by a hash of what they are counted by, and sorted at the end. */
#include "exposure.h"

#include <stdlib.h>
#include <string.h>

#include "judge/rows.h"

enum { NAME = 256, RESULT = 32, REASON = 136, ADDRESS = 46, RECORDS = 1024, SLOTS_P = 2 * EXPOSURE_POLICIES, SLOTS_F = 2 * EXPOSURE_FAILURES };
static const int64_t DAY = INT64_C(86400) * 1000000000;

enum promise { PROMISE_NONE, PROMISE_STS, PROMISE_TLSA };
static const char *const promise_words[] = { "no-policy-found", "sts", "tlsa" };

/* records: the TLSA records of the last session, as strings of JSON with commas between */
struct policy {
	uint64_t key;
	int64_t day;
	enum promise promise;
	char domain[NAME], host[NAME], records[RECORDS];
	uint64_t good, bad, undecided;
};

struct failure {
	uint64_t key;
	const struct policy *policy;
	char result[RESULT], reason[REASON], client[ADDRESS], host[NAME], server[ADDRESS];
	uint64_t sessions;
};

struct exposure {
	const struct rules *rules;
	struct exposure_counts counts;
	struct policy **policy, *policy_slot[SLOTS_P];
	struct failure **failure, *failure_slot[SLOTS_F];
	size_t policies, failures;
};

struct exposure *exposure_new(const struct rules *rules)
{
	struct exposure *x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->rules = rules;
	x->policy = calloc(EXPOSURE_POLICIES, sizeof(struct policy *));
	x->failure = calloc(EXPOSURE_FAILURES, sizeof(struct failure *));
	if (x->policy && x->failure)
		return x;
	exposure_free(x);
	return NULL;
}

void exposure_free(struct exposure *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->policies; i++)
		free(x->policy[i]);
	for (size_t i = 0; i < x->failures; i++)
		free(x->failure[i]);
	free(x->policy);
	free(x->failure);
	free(x);
}

struct exposure_counts exposure_counts(const struct exposure *x)
{
	return x->counts;
}

static void copy(char *to, size_t room, struct bytes from)
{
	from = bytes_head(from, room - 1);
	if (from.n)
		memcpy(to, from.p, from.n);
	to[from.n] = '\0';
}

static void address(char to[ADDRESS], const struct record *r, enum fact f)
{
	struct addr a;
	struct text t = { to, 0, ADDRESS - 1, false };
	if (record_get_addr(r, f, &a))
		text_addr(&t, &a);
	to[t.n] = '\0';
}

/* ---- rows ---- */

static struct policy *policy_row(struct exposure *x, const struct policy *want)
{
	const size_t first = (size_t)(want->key % SLOTS_P);
	for (size_t i = first;; i = (i + 1) % SLOTS_P) {
		struct policy *p = x->policy_slot[i];
		if (p && (p->key != want->key || p->day != want->day || p->promise != want->promise || strcmp(p->domain, want->domain) != 0 ||
			  strcmp(p->host, want->host) != 0))
			continue;
		if (p || x->policies == EXPOSURE_POLICIES || !(p = malloc(sizeof(*p))))
			return p;
		*p = *want;
		return x->policy[x->policies++] = x->policy_slot[i] = p;
	}
}

static bool same_failure(const struct failure *a, const struct failure *b)
{
	return a->key == b->key && a->policy == b->policy && strcmp(a->result, b->result) == 0 && strcmp(a->reason, b->reason) == 0 &&
	       strcmp(a->client, b->client) == 0 && strcmp(a->server, b->server) == 0 && strcmp(a->host, b->host) == 0;
}

static struct failure *failure_row(struct exposure *x, const struct failure *want)
{
	const size_t first = (size_t)(want->key % SLOTS_F);
	for (size_t i = first;; i = (i + 1) % SLOTS_F) {
		struct failure *f = x->failure_slot[i];
		if (f && !same_failure(f, want))
			continue;
		if (f || x->failures == EXPOSURE_FAILURES || !(f = malloc(sizeof(*f))))
			return f;
		*f = *want;
		return x->failure[x->failures++] = x->failure_slot[i] = f;
	}
}

/* ---- one session ---- */

static enum promise promise_of(const struct record *s)
{
	switch ((enum expect)record_get_num(s, F_expect, expect_none)) {
	case expect_dane:
	case expect_dane_tls_only:
		return PROMISE_TLSA;
	case expect_sts_enforce:
	case expect_sts_testing:
		return PROMISE_STS;
	default:
		return PROMISE_NONE;
	}
}

/* TLS came about, and the packets show that it is as promised. */
static bool succeeded(const struct record *s, enum promise promise)
{
	const int64_t dane = record_get_num(s, F_dane_verdict, daneverdict_incomplete);
	if (record_get_tri(s, F_tls_established) != TRI_YES)
		return false;
	if (promise == PROMISE_TLSA)
		return dane == daneverdict_match || dane == daneverdict_tls_only_ok;
	if (promise == PROMISE_STS)
		return record_get_tri(s, F_sts_mx) == TRI_YES && record_get_num(s, F_pkix, pkix_not_checked) == pkix_valid;
	return true;
}

static struct bytes item(const struct record *r, enum fact f, size_t n)
{
	size_t pos = 0;
	struct bytes b = { 0 };
	for (size_t i = 0; i <= n; i++)
		if (!record_next(r, f, &pos, &b))
			return (struct bytes){ 0 };
	return b;
}

/* NULL: no rule of this finding has a result type. */
static const struct rule *typed(const struct rules *rules, struct bytes finding, struct bytes variant)
{
	const struct rule *other = NULL;
	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *r = &rules->rule[i];
		if (!r->tlsrpt[0] || !bytes_eq(bytes_of(r->finding), finding))
			continue;
		if (bytes_eq(bytes_of(r->variant), variant))
			return r;
		if (!r->variant[0])
			other = r;
	}
	return other;
}

/* The worst finding that has a result type. false: none has, or it only tells of something in passing that stood in nobody's way. */
static bool failed(const struct exposure *x, const struct record *s, bool good, struct failure *f)
{
	size_t pos = 0, n = 0;
	struct bytes id;
	int64_t worst = good ? level_informational : -1;
	while (record_next(s, F_finding_id, &pos, &id)) {
		const struct bytes variant = item(s, F_finding_variant, n), number = item(s, F_finding_level, n);
		const int64_t level = number.n ? record_item_num(number) : 0;
		const struct rule *r = typed(x->rules, id, variant);
		n++;
		if (!r || level <= worst)
			continue;
		worst = level;
		struct text t = { f->reason, 0, REASON - 1, false };
		text_bytes(&t, id);
		if (variant.n)
			text_char(&t, '/');
		text_bytes(&t, variant);
		f->reason[t.n] = '\0';
		copy(f->result, RESULT, bytes_of(r->tlsrpt));
	}
	return f->result[0];
}

static void records(const struct record *s, struct policy *p)
{
	static const enum fact fact[] = { F_tlsa_usage, F_tlsa_selector, F_tlsa_matching };
	struct text all = { p->records, 0, RECORDS - 1, false };
	for (size_t n = 0; item(s, F_tlsa_usage, n).n; n++) {
		struct text t = text_part(&all, RECORDS);
		text_put(&t, n ? ",\"" : "\"");
		for (size_t i = 0; i < 3; i++) {
			const struct bytes number = item(s, fact[i], n);
			text_num(&t, number.n ? record_item_num(number) : 0);
			text_char(&t, ' ');
		}
		text_hex(&t, item(s, F_tlsa_data, n), false);
		text_char(&t, '"');
		text_keep(&all, &t);
	}
	p->records[all.n] = '\0';
}

static void count(struct exposure *x, const struct record *s, struct bytes domain)
{
	struct policy want = { .promise = promise_of(s) };
	struct failure f = { .sessions = 0 };
	const int64_t at = record_get_num(s, F_event_start, record_get_num(s, F_event_end, 0));
	want.day = at / DAY;
	copy(want.domain, NAME, domain);
	copy(want.host, NAME, record_get_str(s, F_id_host));
	want.key = rows_key(rows_key(rows_key(0, bytes_of(want.domain)), bytes_of(want.host)), (struct bytes){ (const uint8_t *)&want.day, sizeof(want.day) });
	struct policy *p = policy_row(x, &want);
	if (!p) {
		x->counts.left_out++;
		return;
	}
	if (p->promise == PROMISE_TLSA)
		records(s, p);
	const bool good = succeeded(s, p->promise);
	if (!failed(x, s, good, &f)) {
		p->good += good;
		p->undecided += !good;
		x->counts.undecided += !good;
		return;
	}
	p->bad++;
	f.policy = p;
	address(f.client, s, F_src_ip);
	address(f.server, s, F_dst_ip);
	copy(f.host, NAME, record_get_str(s, F_id_host));
	f.key = rows_key(rows_key(rows_key(p->key, bytes_of(f.reason)), bytes_of(f.client)), bytes_of(f.server));
	struct failure *row = failure_row(x, &f);
	if (row)
		row->sessions++;
	else
		x->counts.left_out++;
}

void exposure_session(struct exposure *x, const struct record *s)
{
	size_t pos = 0, n = 0;
	struct bytes domain;
	x->counts.sessions++;
	if (record_get_num(s, F_service, service_mx) != service_mx)
		return; /* of submission there are no policies */
	while (n < EXPOSURE_DOMAINS && record_next(s, F_id_domains, &pos, &domain)) {
		count(x, s, domain);
		n++;
	}
	if (n == 0 && record_get_str(s, F_id_host).n)
		count(x, s, record_get_str(s, F_id_host));
	else if (n == 0)
		x->counts.nameless++;
}

/* ---- order ---- */

static int by_number(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int policy_order(const struct policy *a, const struct policy *b)
{
	int o = strcmp(a->domain, b->domain);
	o = o ? o : by_number(a->day, b->day);
	o = o ? o : by_number(b->promise, a->promise);
	return o ? o : strcmp(a->host, b->host);
}

static int by_policy(const void *a, const void *b)
{
	return policy_order(*(struct policy *const *)a, *(struct policy *const *)b);
}

static int by_failure(const void *va, const void *vb)
{
	const struct failure *a = *(struct failure *const *)va, *b = *(struct failure *const *)vb;
	int o = policy_order(a->policy, b->policy);
	o = o ? o : strcmp(a->reason, b->reason);
	o = o ? o : strcmp(a->client, b->client);
	return o ? o : strcmp(a->server, b->server);
}

void exposure_sort(struct exposure *x)
{
	qsort(x->policy, x->policies, sizeof(struct policy *), by_policy);
	qsort(x->failure, x->failures, sizeof(struct failure *), by_failure);
}

/* ---- a report ---- */

static void string(struct text *t, const char *key, const char *value)
{
	text_char(t, '"');
	text_put(t, key);
	text_put(t, "\":\"");
	text_clean(t, bytes_of(value), true);
	text_char(t, '"');
}

static void number(struct text *t, const char *key, uint64_t value)
{
	text_put(t, ",\"");
	text_put(t, key);
	text_put(t, "\":");
	text_num(t, (int64_t)value);
}

static void moment(struct text *t, const char *key, int64_t ns)
{
	text_char(t, '"');
	text_put(t, key);
	text_put(t, "\":\"");
	text_time(t, ns);
	text_char(t, '"');
}

static void head(struct text *t, const struct policy *p, const char *organization, const char *contact)
{
	text_char(t, '{');
	string(t, "organization-name", organization);
	text_put(t, ",\"date-range\":{");
	moment(t, "start-datetime", p->day * DAY);
	text_char(t, ',');
	moment(t, "end-datetime", (p->day + 1) * DAY - 1000000000);
	text_put(t, "},");
	string(t, "contact-info", contact);
	text_put(t, ",\"report-id\":\"");
	text_time(t, p->day * DAY);
	text_char(t, '_');
	text_clean(t, bytes_of(p->domain), true);
	text_char(t, '_');
	text_clean(t, bytes_of(organization), true);
	text_put(t, "\",\"policies\":[");
}

static void detail(struct text *t, const struct failure *f)
{
	text_char(t, '{');
	string(t, "result-type", f->result);
	text_char(t, ',');
	string(t, "sending-mta-ip", f->client);
	text_char(t, ',');
	if (f->host[0]) {
		string(t, "receiving-mx-hostname", f->host);
		text_char(t, ',');
	}
	string(t, "receiving-ip", f->server);
	number(t, "failed-session-count", f->sessions);
	text_char(t, ',');
	string(t, "failure-reason-code", f->reason);
	text_char(t, '}');
}

/* *next: among the failures in their order, where those of p begin; behind them afterwards. */
static void policy(struct text *t, const struct exposure *x, const struct policy *p, size_t *next)
{
	text_put(t, "{\"policy\":{");
	string(t, "policy-type", promise_words[p->promise]);
	if (p->records[0]) {
		text_put(t, ",\"policy-string\":[");
		text_put(t, p->records);
		text_char(t, ']');
	}
	text_char(t, ',');
	string(t, "policy-domain", p->domain);
	if (p->host[0]) {
		text_put(t, ",\"mx-host\":[\"");
		text_clean(t, bytes_of(p->host), true);
		text_put(t, "\"]");
	}
	text_put(t, "},\"summary\":{\"total-successful-session-count\":");
	text_num(t, (int64_t)p->good);
	number(t, "total-failure-session-count", p->bad);
	if (p->undecided)
		number(t, "mxwitness-undecided-session-count", p->undecided);
	text_char(t, '}');
	const size_t begin = *next;
	for (; *next < x->failures && x->failure[*next]->policy == p; ++*next) {
		text_put(t, *next == begin ? ",\"failure-details\":[" : ",");
		detail(t, x->failure[*next]);
	}
	if (*next > begin)
		text_char(t, ']');
	text_char(t, '}');
}

static size_t first_failure(const struct exposure *x, const struct policy *p)
{
	size_t low = 0, high = x->failures;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (policy_order(x->failure[middle]->policy, p) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool exposure_report(const struct exposure *x, const char *organization, const char *contact, size_t *from, struct text *out)
{
	struct text t = text_part(out, EXPOSURE_REPORT);
	size_t i = *from, next;
	if (i >= x->policies)
		return false;
	const struct policy *first = x->policy[i];
	next = first_failure(x, first);
	head(&t, first, organization, contact);
	for (; i < x->policies && x->policy[i]->day == first->day && strcmp(x->policy[i]->domain, first->domain) == 0; i++) {
		text_put(&t, i == *from ? "" : ",");
		policy(&t, x, x->policy[i], &next);
	}
	text_put(&t, "]}\n");
	if (!text_keep(out, &t)) {
		out->full = true;
		return false;
	}
	*from = i;
	return true;
}
