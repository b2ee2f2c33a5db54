/* table: see table.h. Rows come in the order of the events; a session without a finding has one only if asked for. */
#include "table.h"

enum { COL_TIME = 20, COL_CLIENT = 22, COL_SERVER = 34, COL_TLS = 14, COL_VERDICT = 15 };

static const char *const level_colour[level_COUNT] = { "2", "36", "33", "31", "1;31" };
static const char *const verdict_colour[verdict_COUNT] = { "2", "32", "32", "0", "1;31", "1;31", "33" };

static void colour(struct table *t, struct text *out, const char *code)
{
	if (!t->colour)
		return;
	text_put(out, "\033[");
	text_put(out, code);
	text_char(out, 'm');
}

/* Characters, not octets: continuation octets of UTF-8 take no column. */
static size_t columns(const char *p, size_t n)
{
	size_t c = 0;
	for (size_t i = 0; i < n; i++)
		c += ((uint8_t)p[i] & 0xc0) != 0x80;
	return c;
}

/* A cell: cut to width - 1 columns, filled with blanks to width. */
static void cell(struct text *out, const struct text *s, size_t width)
{
	size_t used = 0, i = 0;
	while (i < s->n && used + 1 < width) {
		text_char(out, s->p[i++]);
		while (i < s->n && ((uint8_t)s->p[i] & 0xc0) == 0x80)
			text_char(out, s->p[i++]);
		used++;
	}
	while (used++ < width)
		text_char(out, ' ');
}

static void cell_word(struct text *out, const char *s, size_t width)
{
	struct text t = { (char *)(uintptr_t)s, strlen(s), strlen(s), false };
	cell(out, &t, width);
}

static void endpoint(struct text *out, const struct record *r, enum fact ip, enum fact port)
{
	struct addr a;
	if (!record_get_addr(r, ip, &a))
		return;
	if (a.v == 6)
		text_char(out, '[');
	text_addr(out, &a);
	if (a.v == 6)
		text_char(out, ']');
	text_char(out, ':');
	text_num(out, record_get_num(r, port, 0));
}

static void server_cell(struct text *out, const struct record *r)
{
	struct bytes host = record_get_str(r, F_id_host);
	if (host.n)
		text_clean(out, host, false);
	if (host.n)
		text_char(out, ' ');
	endpoint(out, r, F_dst_ip, F_dst_port);
}

static void tls_cell(struct text *out, const struct record *r)
{
	if (record_get_tri(r, F_tls_established) == TRI_YES) {
		text_put(out, "TLS ");
		text_clean(out, record_get_str(r, F_tls_version), false);
		if (record_get_num(r, F_tls_cert_vis, visibility_hidden) == visibility_visible)
			text_put(out, " cert");
	} else if (record_get_tri(r, F_tls_seen) == TRI_YES) {
		text_put(out, record_get_tri(r, F_tls_failed) == TRI_YES ? "failed" : "incomplete");
	} else {
		text_put(out, "none");
	}
}

static void header(struct table *t, struct text *out)
{
	if (t->header)
		return;
	t->header = true;
	colour(t, out, "1");
	cell_word(out, "TIME (UTC)", COL_TIME);
	cell_word(out, "CLIENT", COL_CLIENT);
	cell_word(out, "SERVER", COL_SERVER);
	cell_word(out, "TLS", COL_TLS);
	cell_word(out, "VERDICT", COL_VERDICT);
	text_put(out, "FINDINGS");
	colour(t, out, "0");
	text_char(out, '\n');
}

void table_session(struct table *t, const struct record *r, struct text *out)
{
	char buf[512];
	struct bytes item;
	size_t pos = 0;
	int64_t verdict = record_get_num(r, F_verdict, verdict_unknown);
	t->sessions++;
	t->verdicts[verdict]++;
	if (!t->all && record_count(r, F_findings) == 0)
		return;
	t->shown++;
	header(t, out);
	struct text time = { buf, 0, sizeof(buf), false };
	text_time(&time, record_get_num(r, F_event_start, 0));
	if (time.n > 19)
		time.n = 19;
	if (time.n > 10)
		buf[10] = ' ';
	cell(out, &time, COL_TIME);
	struct text c = { buf, 0, sizeof(buf), false };
	endpoint(&c, r, F_src_ip, F_src_port);
	cell(out, &c, COL_CLIENT);
	struct text s = { buf, 0, sizeof(buf), false };
	server_cell(&s, r);
	cell(out, &s, columns(s.p, s.n) + 2 > COL_SERVER ? columns(s.p, s.n) + 2 : COL_SERVER);
	struct text l = { buf, 0, sizeof(buf), false };
	tls_cell(&l, r);
	cell(out, &l, COL_TLS);
	colour(t, out, verdict_colour[verdict]);
	cell_word(out, fact_table[F_verdict].words[verdict], COL_VERDICT);
	colour(t, out, "0");
	for (int n = 0; record_next(r, F_findings, &pos, &item); n++) {
		if (n)
			text_put(out, ", ");
		text_clean(out, item, false);
	}
	if (pos == 0)
		text_char(out, '-');
	text_char(out, '\n');
}

/* Text wrapped at blanks, each line behind the same indent. */
static void wrapped(const struct text *s, size_t indent, size_t width, struct text *out)
{
	size_t col = indent, i = 0;
	while (i < s->n) {
		size_t word = i;
		while (word < s->n && s->p[word] != ' ')
			word++;
		size_t n = columns(s->p + i, word - i);
		if (col > indent && col + n + 1 > width) {
			text_char(out, '\n');
			for (size_t k = 0; k < indent; k++)
				text_char(out, ' ');
			col = indent;
		} else if (col > indent) {
			text_char(out, ' ');
			col++;
		}
		text_bytes(out, (struct bytes){ (const uint8_t *)s->p + i, word - i });
		col += n;
		i = word + 1;
	}
}

void table_alert(struct table *t, const struct record *r, struct text *out)
{
	char buf[8192];
	int64_t level = record_get_num(r, F_alert_level, level_informational);
	t->alerts[level]++;
	text_put(out, "    ");
	colour(t, out, level_colour[level]);
	cell_word(out, fact_table[F_alert_level].words[level], 10);
	colour(t, out, "0");
	struct text m = { buf, 0, sizeof(buf), false };
	text_clean(&m, record_get_str(r, F_rule_id), false);
	struct bytes variant = record_get_str(r, F_variant);
	if (variant.n) {
		text_char(&m, '/');
		text_clean(&m, variant, false);
	}
	if (record_has(r, F_certainty)) {
		text_put(&m, " (");
		text_put(&m, fact_table[F_certainty].words[record_get_num(r, F_certainty, 0)]);
		text_char(&m, ')');
	}
	text_put(&m, ": ");
	text_clean(&m, record_get_str(r, F_message), false);
	wrapped(&m, 14, t->width > 60 ? t->width : 60, out);
	text_char(out, '\n');
}

static void count(struct text *out, uint64_t n, const char *one, const char *more)
{
	text_num(out, (int64_t)n);
	text_char(out, ' ');
	text_put(out, n == 1 ? one : more);
}

void table_summary(struct table *t, const struct record *stats, struct text *out)
{
	static const uint8_t order[] = { verdict_authenticated, verdict_encrypted, verdict_clear, verdict_downgraded,
					 verdict_intercepted, verdict_misconfigured, verdict_unknown };
	uint64_t alerts = 0;
	if (t->shown)
		text_char(out, '\n');
	count(out, t->sessions, "session", "sessions");
	const char *sep = ": ";
	for (size_t i = 0; i < sizeof(order); i++) {
		if (!t->verdicts[order[i]])
			continue;
		text_put(out, sep);
		count(out, t->verdicts[order[i]], fact_table[F_verdict].words[order[i]],
		      fact_table[F_verdict].words[order[i]]);
		sep = ", ";
	}
	for (int l = 0; l < level_COUNT; l++)
		alerts += t->alerts[l];
	text_put(out, "\n");
	count(out, alerts, "alert", "alerts");
	sep = ": ";
	for (int l = level_COUNT - 1; l >= 0; l--) {
		if (!t->alerts[l])
			continue;
		text_put(out, sep);
		count(out, t->alerts[l], fact_table[F_alert_level].words[l], fact_table[F_alert_level].words[l]);
		sep = ", ";
	}
	text_char(out, '\n');
	if (!t->all && t->sessions > t->shown) {
		count(out, t->sessions - t->shown, "session", "sessions");
		text_put(out, " without a finding not shown (--all shows them)\n");
	}
	int64_t missing = record_get_num(stats, F_st_incomplete, 0);
	if (missing) {
		count(out, (uint64_t)missing, "session lacks", "sessions lack");
		text_put(out, " DNS proofs in the capture; --dns=live would ask today's DNS\n");
	}
	if (record_get_tri(stats, F_st_complete) == TRI_NO) {
		text_put(out, "NOT COMPLETE: ");
		text_clean(out, record_get_str(stats, F_st_reason), false);
		text_char(out, '\n');
	}
}
