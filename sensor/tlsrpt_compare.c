/* tlsrpt_compare: see tlsrpt_compare.h. Reports count whole days and clocks differ, so a session counts that lies up to an hour beside
 * the report's time. Networks are /24 and /64: who shares one may share the way here. */
#include "tlsrpt_compare.h"

#include "tlsrpt.h"

enum { NET4 = 3, NET6 = 8, CELL = 512 };
static const int64_t beside_ns = INT64_C(3600) * 1000000000;

static const struct {
	const char *word, *says;
	bool alarming;
} results[] = {
	[TLSRPT_ELSEWHERE] = { "elsewhere", "no such attempt came here, while others did", true },
	[TLSRPT_SELECTIVE] = { "selective", "the same failure here, and none for other networks", true },
	[TLSRPT_SAME] = { "same", "the same failure here", false },
	[TLSRPT_WITHOUT] = { "without", "seen here without this failure", false },
	[TLSRPT_UNCOVERED] = { "uncovered", "no session came here in that time", false },
	[TLSRPT_NAMELESS] = { "nameless", "the report names no sender, and nothing failed so here", false },
};

static bool same_address(const struct addr *a, const struct addr *b)
{
	return a->v == b->v && memcmp(a->a, b->a, a->v == 4 ? 4 : 16) == 0;
}

static bool same_network(const struct addr *a, const struct addr *b)
{
	return a->v == b->v && memcmp(a->a, b->a, a->v == 4 ? NET4 : NET6) == 0;
}

/* One failure under two names: senders differ in what they call a certificate that DANE does not know (tlsa-invalid or one of the words
 * for certificates), and validation-failure is every failure that has no name of its own. */
static bool same_failure(const char *reported, const char *seen)
{
	return strcmp(reported, seen) == 0 || strcmp(reported, "validation-failure") == 0 ||
	       (strcmp(reported, "tlsa-invalid") == 0 && strncmp(seen, "certificate-", 12) == 0);
}

static bool has_failure(const struct rules *rules, const struct record *s, const char *reported, bool *any)
{
	struct tlsrpt_at at = { 0 };
	bool same = false;
	for (struct tlsrpt_finding f; tlsrpt_finding(s, &at, &f);) {
		const char *word = tlsrpt_word(rules, f.id, f.variant);
		*any = *any || word;
		same = same || (word && same_failure(reported, word));
	}
	return same;
}

/* By its address, else by its name, else any. A session of which no name is known is at no server of a name. */
static bool at_server(const struct tlsrpt_row *r, const struct record *s)
{
	struct addr to = { 0 };
	record_get_addr(s, F_dst_ip, &to);
	if (r->receiver.v)
		return same_address(&r->receiver, &to);
	if (!*r->host)
		return record_get_num(s, F_net_direction, direction_unknown) == direction_inbound;
	return bytes_eq_nocase(bytes_of(r->host), record_get_str(s, F_id_host));
}

static bool in_time(const struct tlsrpt_row *r, const struct record *s)
{
	int64_t from, to;
	if (__builtin_sub_overflow(r->from, beside_ns, &from))
		from = INT64_MIN;
	if (__builtin_add_overflow(r->to, beside_ns, &to))
		to = INT64_MAX;
	return record_get_num(s, F_event_end, 0) >= from && record_get_num(s, F_event_start, 0) <= to;
}

static void compare(const struct rules *rules, const struct record *s, struct tlsrpt_match *m)
{
	struct addr from = { 0 };
	bool any = false;
	record_get_addr(s, F_src_ip, &from);
	const bool theirs = !m->row.sender.v || same_address(&m->row.sender, &from);
	const bool same = has_failure(rules, s, m->row.type, &any);
	m->seen += theirs;
	m->same += theirs && same;
	if (m->row.sender.v && !same_network(&m->row.sender, &from))
		m->good += !any && record_get_tri(s, F_tls_established) == TRI_YES;
}

void tlsrpt_compare(const struct rules *rules, const struct record *s, struct tlsrpt_match *m, size_t n)
{
	const bool own = record_get_num(s, F_net_direction, direction_unknown) == direction_inbound;
	for (size_t i = 0; i < n; i++) {
		if (!in_time(&m[i].row, s))
			continue;
		const bool there = at_server(&m[i].row, s);
		m[i].all += own || there;
		if (there)
			compare(rules, s, &m[i]);
	}
}

enum tlsrpt_compared tlsrpt_compared(const struct tlsrpt_match *m)
{
	if (!m->all)
		return TLSRPT_UNCOVERED;
	if (m->same)
		return m->good ? TLSRPT_SELECTIVE : TLSRPT_SAME;
	if (!m->row.sender.v)
		return TLSRPT_NAMELESS;
	return m->seen ? TLSRPT_WITHOUT : TLSRPT_ELSEWHERE;
}

bool tlsrpt_alarming(enum tlsrpt_compared c)
{
	return results[c].alarming;
}

/* ---- printing ---- */

static struct bytes shown(const char *s, bool json, char cell[CELL])
{
	struct text t = { cell, 0, CELL, false };
	if (json)
		text_put(&t, s);
	else
		text_clean(&t, bytes_of(*s ? s : "-"), false);
	return (struct bytes){ (const uint8_t *)cell, t.n };
}

static struct bytes address(const struct addr *a, char cell[CELL])
{
	struct text t = { cell, 0, CELL, false };
	if (a->v)
		text_addr(&t, a);
	else
		text_char(&t, '-');
	return (struct bytes){ (const uint8_t *)cell, t.n };
}

static struct bytes moment(int64_t ns, char cell[CELL])
{
	struct text t = { cell, 0, CELL, false };
	text_time(&t, ns);
	return (struct bytes){ (const uint8_t *)cell, t.n };
}

static void put(FILE *out, struct bytes b, int width)
{
	fprintf(out, "%-*.*s  ", width, (int)b.n, (const char *)b.p);
}

static void table_row(const struct tlsrpt_match *m, FILE *out)
{
	const struct tlsrpt_row *r = &m->row;
	char cell[CELL];
	put(out, bytes_head(moment(r->from, cell), 10), 10);
	put(out, shown(r->domain, false, cell), 20);
	put(out, r->receiver.v ? address(&r->receiver, cell) : shown(r->host, false, cell), 20);
	put(out, address(&r->sender, cell), 15);
	put(out, shown(r->type, false, cell), 25);
	fprintf(out, "%8llu  %6llu  %6llu  %s%s\n", (unsigned long long)r->failed, (unsigned long long)m->seen, (unsigned long long)m->same,
		tlsrpt_alarming(tlsrpt_compared(m)) ? "! " : "", results[tlsrpt_compared(m)].says);
}

static void member(FILE *out, const char *name, struct bytes value)
{
	fprintf(out, ",\"%s\":", name);
	tlsrpt_string(out, value);
}

static void json_row(const struct tlsrpt_match *m, FILE *out)
{
	const struct tlsrpt_row *r = &m->row;
	const enum tlsrpt_compared c = tlsrpt_compared(m);
	char cell[CELL];
	fputs("{\"result\":", out);
	tlsrpt_string(out, bytes_of(results[c].word));
	member(out, "level", bytes_of(results[c].alarming ? "medium" : "informational"));
	member(out, "message", bytes_of(results[c].says));
	member(out, "organization_name", shown(r->organization, true, cell));
	member(out, "report_id", shown(r->id, true, cell));
	member(out, "policy_domain", shown(r->domain, true, cell));
	member(out, "start", moment(r->from, cell));
	member(out, "end", moment(r->to, cell));
	member(out, "result_type", shown(r->type, true, cell));
	if (r->sender.v)
		member(out, "sending_mta_ip", address(&r->sender, cell));
	if (*r->host)
		member(out, "receiving_mx_hostname", shown(r->host, true, cell));
	if (r->receiver.v)
		member(out, "receiving_ip", address(&r->receiver, cell));
	if (*r->reason)
		member(out, "failure_reason_code", shown(r->reason, true, cell));
	fprintf(out, ",\"failed_sessions\":%llu,\"sessions_in_time\":%llu,\"sessions_of_sender\":%llu,\"same_failure\":%llu,\"others_without\":%llu}\n",
		(unsigned long long)r->failed, (unsigned long long)m->all, (unsigned long long)m->seen, (unsigned long long)m->same,
		(unsigned long long)m->good);
}

void tlsrpt_print(const struct tlsrpt_match *m, size_t n, bool ndjson, FILE *out)
{
	if (!ndjson && n)
		fprintf(out, "%-10s  %-20s  %-20s  %-15s  %-25s  %8s  %6s  %6s  %s\n", "DAY", "DOMAIN", "SERVER", "SENDER", "RESULT TYPE",
			"REPORTED", "SEEN", "SAME", "HERE");
	for (size_t i = 0; i < n; i++)
		ndjson ? json_row(&m[i], out) : table_row(&m[i], out);
}
