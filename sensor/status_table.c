/* status_table: see status_table.h. First what is wrong, then what is seen, then what the sensor itself does. What is not
 * known has no row. It knows the names of facts and no limits: what is bad stands in the record. */
#include "status_table.h"

#include "stats_sum.h"
#include "tally.h"

enum { LABEL = 14, CELL = 13, NAME = 22, LINE = 512 };
#define SECOND INT64_C(1000000000)

struct status {
	const struct record *r, *before;
	struct text *out;
	bool colour;
	unsigned width;
};

static void colour(const struct status *s, const char *code)
{
	if (!s->colour)
		return;
	text_put(s->out, "\033[");
	text_put(s->out, code);
	text_char(s->out, 'm');
}

static void blanks(struct text *out, size_t n)
{
	while (n-- > 0)
		text_char(out, ' ');
}

/* s in at least width columns, to the left or to the right; a blank follows. Only ASCII comes here, and names, which
 * text_clean made valid: their other octets of a character take no column. */
static void cell(struct text *out, const struct text *s, size_t width, bool right)
{
	size_t columns = 0;
	for (size_t i = 0; i < s->n; i++)
		columns += ((uint8_t)s->p[i] & 0xc0) != 0x80;
	if (right && columns < width)
		blanks(out, width - columns);
	text_bytes(out, (struct bytes){ (const uint8_t *)s->p, s->n });
	if (!right && columns < width)
		blanks(out, width - columns);
}

static void label(const struct status *s, const char *name)
{
	colour(s, "1");
	text_put(s->out, name);
	colour(s, "0");
	blanks(s->out, strlen(name) < LABEL ? LABEL - strlen(name) : 1);
}

/* 12345678 as 12.3 M; k is 1000, or 1024 for octets. */
static void scaled(struct text *t, int64_t v, int64_t k)
{
	static const char *const units[] = { "", " k", " M", " G", " T", " P" };
	unsigned u = 0;
	int64_t rest = 0;
	if (v < 0)
		text_char(t, '-');
	v = v == INT64_MIN ? INT64_MAX : v < 0 ? -v : v;
	while (v >= k && u + 1 < sizeof(units) / sizeof(units[0])) {
		rest = v % k;
		v /= k;
		u++;
	}
	text_num(t, v);
	if (u && v < 100) {
		text_char(t, '.');
		text_num(t, rest * 10 / k);
	}
	text_put(t, units[u]);
}

/* 93784 s as 1d 2h; 75 s as 1m 15s; below a second as ms. */
static void duration(struct text *t, int64_t ns)
{
	static const struct {
		int64_t s;
		const char *unit;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "m" }, { 1, "s" } };
	int64_t s = ns / SECOND;
	unsigned parts = 0;
	if (s == 0) {
		text_num(t, ns / 1000000);
		text_put(t, " ms");
		return;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && parts < 2; i++) {
		if (s < units[i].s && parts == 0)
			continue;
		text_put(t, parts ? " " : "");
		text_num(t, s / units[i].s);
		text_put(t, units[i].unit);
		s %= units[i].s;
		parts++;
	}
}

static int64_t num(const struct record *r, enum fact f)
{
	return record_get_num(r, f, 0);
}

static int64_t sum_of(const struct record *r, enum fact column)
{
	struct bytes item;
	size_t pos = 0;
	int64_t sum = 0;
	while (record_next(r, column, &pos, &item))
		sum = stats_add(sum, record_item_num(item));
	return sum;
}

/* ", 12.3 k/s" of what grew from before to now. */
static void rate(const struct status *s, struct text *t, int64_t now, int64_t before)
{
	int64_t passed = s->before ? num(s->r, F_st_uptime) - num(s->before, F_st_uptime) : 0;
	if (passed <= 0 || now < before)
		return;
	text_put(t, ", ");
	scaled(t, (int64_t)((double)(now - before) * 1e9 / (double)passed), 1000);
	text_put(t, "/s");
}

static void percent(struct text *t, int64_t part, int64_t whole)
{
	int64_t tenths = whole > 0 && part > 0 ? (int64_t)((double)part * 1000 / (double)whole) : 0;
	text_num(t, tenths / 10);
	text_char(t, '.');
	text_num(t, tenths % 10);
	text_put(t, " %");
}

static void put_text(struct text *t, enum fact f, struct bytes item)
{
	if (fact_table[f].type == T_LENUM)
		text_put(t, fact_table[f].words[record_item_num(item)]);
	else
		text_clean(t, item, false);
}

/* The items of a list between commas; false: there are none. */
static bool items(const struct status *s, enum fact f, struct text *t)
{
	struct bytes item;
	size_t pos = 0;
	bool any = false;
	while (record_next(s->r, f, &pos, &item)) {
		if (any)
			text_put(t, ", ");
		any = true;
		put_text(t, f, item);
	}
	return any;
}

/* A line of text, cut to the width. */
static void line(const struct status *s, const struct text *t, size_t from)
{
	size_t columns = from, i = 0;
	while (i < t->n && columns < s->width) {
		text_char(s->out, t->p[i++]);
		while (i < t->n && ((uint8_t)t->p[i] & 0xc0) == 0x80)
			text_char(s->out, t->p[i++]);
		columns++;
	}
	text_char(s->out, '\n');
}

static void line_of(const struct status *s, const char *name, const struct text *t)
{
	label(s, name);
	line(s, t, LABEL);
}

static void trouble_names(const struct status *s, struct text *t)
{
	static const enum fact names[] = { F_st_lack_interface, F_st_lack_process, F_st_lack_output, F_st_lack_disk };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!record_has(s->r, names[i]))
			continue;
		text_put(t, "; ");
		items(s, names[i], t);
	}
}

static void trouble_line(const struct status *s, const char *name, const char *code, const struct text *t)
{
	label(s, name);
	colour(s, code);
	size_t n = t->n < s->width - LABEL ? t->n : s->width - LABEL;
	text_bytes(s->out, (struct bytes){ (const uint8_t *)t->p, n });
	colour(s, "0");
	text_char(s->out, '\n');
}

static void health(const struct status *s)
{
	char buf[LINE];
	struct text t = { buf, 0, sizeof(buf), false };
	int64_t blind = record_get_num(s->r, F_st_blind, blindness_none);
	bool well = true;
	if (items(s, F_st_degraded, &t)) {
		trouble_names(s, &t);
		trouble_line(s, "DEGRADED", "33", &t);
		well = false;
	}
	t = (struct text){ buf, 0, sizeof(buf), false };
	if (items(s, F_st_silent, &t)) {
		text_put(&t, " not seen");
		trouble_line(s, "SILENT", "31", &t);
		well = false;
	}
	if (blind != blindness_none) {
		t = (struct text){ buf, 0, sizeof(buf), false };
		text_put(&t, fact_table[F_st_blind].words[blind]);
		trouble_line(s, "BLIND", "31", &t);
		well = false;
	}
	if (!well)
		return;
	t = (struct text){ buf, 0, sizeof(buf), false };
	text_put(&t, "well");
	trouble_line(s, "sensor", "32", &t);
}

static void title(const struct status *s)
{
	char buf[LINE];
	struct text t = { buf, 0, sizeof(buf), false };
	text_put(&t, "mxwitness");
	if (record_has(s->r, F_timestamp)) {
		text_put(&t, "  ");
		text_time(&t, num(s->r, F_timestamp) / SECOND * SECOND);
	}
	text_put(&t, "  up ");
	duration(&t, num(s->r, F_st_uptime));
	if (record_has(s->r, F_st_rules)) {
		text_put(&t, "  ");
		text_num(&t, num(s->r, F_st_rules));
		text_put(&t, " rules");
	}
	if (record_get_tri(s->r, F_st_config_ok) == TRI_NO)
		text_put(&t, "  LAST RELOAD REFUSED");
	colour(s, "7");
	line(s, &t, 0);
	colour(s, "0");
}

static int64_t lost_packets(const struct record *r)
{
	return stats_add(stats_add(sum_of(r, F_st_if_kernel), sum_of(r, F_st_if_dropped)), num(r, F_st_lost_packets));
}

static void packets(const struct status *s)
{
	char buf[LINE];
	struct text t = { buf, 0, sizeof(buf), false };
	const struct record *b = s->before ? s->before : s->r;
	scaled(&t, num(s->r, F_st_packets), 1000);
	rate(s, &t, num(s->r, F_st_packets), num(b, F_st_packets));
	text_put(&t, "; ");
	scaled(&t, num(s->r, F_st_octets), 1024);
	text_put(&t, "B; lost ");
	scaled(&t, lost_packets(s->r), 1000);
	text_put(&t, ", lately ");
	text_num(&t, num(s->r, F_st_drop_ppm));
	text_put(&t, " of a million");
	line_of(s, "packets", &t);
}

static void flows(const struct status *s)
{
	char buf[LINE];
	struct text t = { buf, 0, sizeof(buf), false };
	scaled(&t, num(s->r, F_st_flows), 1000);
	if (record_has(s->r, F_st_active)) {
		text_put(&t, ", open ");
		scaled(&t, num(s->r, F_st_active), 1000);
	}
	text_put(&t, "; without payload ");
	scaled(&t, num(s->r, F_st_flows_empty), 1000);
	text_put(&t, ", not SMTP ");
	scaled(&t, num(s->r, F_st_flows_other), 1000);
	text_put(&t, ", evicted ");
	scaled(&t, num(s->r, F_st_flows_evicted), 1000);
	line_of(s, "flows", &t);
}

static void sessions(const struct status *s)
{
	char buf[LINE];
	struct text t = { buf, 0, sizeof(buf), false };
	int64_t all = num(s->r, F_st_sessions), tls = num(s->r, F_st_tls);
	scaled(&t, all, 1000);
	rate(s, &t, all, s->before ? num(s->before, F_st_sessions) : 0);
	text_put(&t, "; TLS ");
	percent(&t, tls, all);
	text_put(&t, ", certificate seen ");
	percent(&t, num(s->r, F_st_cert), tls);
	int64_t one = stats_add(num(s->r, F_st_client_only), num(s->r, F_st_server_only));
	if (one) {
		text_put(&t, "; one side only ");
		percent(&t, one, all);
	}
	if (num(s->r, F_st_lost_sessions)) {
		text_put(&t, "; lost ");
		scaled(&t, num(s->r, F_st_lost_sessions), 1000);
	}
	line_of(s, "sessions", &t);
}

/* "name 12, name 3" of objects that only have a number. */
static void counted(const struct status *s, const char *name, enum fact key, enum fact count)
{
	char buf[LINE];
	struct text t = { buf, 0, sizeof(buf), false };
	for (struct stats_rows row = { .r = s->r, .name = key }; stats_rows_next(&row);) {
		text_put(&t, t.n ? ", " : "");
		put_text(&t, key, row.key);
		text_char(&t, ' ');
		scaled(&t, stats_rows_num(&row, count), 1000);
	}
	if (t.n)
		line_of(s, name, &t);
}

static void add_level(int64_t level[level_COUNT], int64_t l, int64_t n)
{
	if (l >= 0 && l < level_COUNT)
		level[l] = stats_add(level[l], n);
}

static void alerts(const struct status *s)
{
	static const char *const codes[level_COUNT] = { "2", "36", "33", "31", "1;31" };
	int64_t level[level_COUNT] = { 0 };
	for (struct stats_rows row = { .r = s->r, .name = F_st_finding }; stats_rows_next(&row);)
		add_level(level, stats_rows_num(&row, F_st_finding_level), stats_rows_num(&row, F_st_finding_n));
	label(s, "alerts");
	scaled(s->out, num(s->r, F_st_alerts), 1000);
	for (int l = level_COUNT - 1; l >= 0; l--) {
		if (!level[l])
			continue;
		text_put(s->out, ", ");
		colour(s, codes[l]);
		text_put(s->out, fact_table[F_alert_level].words[l]);
		text_char(s->out, ' ');
		scaled(s->out, level[l], 1000);
		colour(s, "0");
	}
	text_char(s->out, '\n');
}

/* "half in 5 ms, 95 % in 100 ms" */
static void quantiles(const struct record *r, enum fact below, enum fact count, struct text *t)
{
	int64_t half = tally_quantile(r, below, count, 500), most = tally_quantile(r, below, count, 950);
	if (half < 0)
		return;
	text_put(t, "; half within ");
	duration(t, half);
	text_put(t, ", 95 % within ");
	duration(t, most);
}

static void dns(const struct status *s)
{
	char buf[LINE];
	struct text t = { buf, 0, sizeof(buf), false };
	int64_t fault = record_get_num(s->r, F_resolver_fault, resolverfault_none);
	if (!record_has(s->r, F_st_questions))
		return;
	scaled(&t, num(s->r, F_st_questions), 1000);
	text_put(&t, " questions, ");
	percent(&t, num(s->r, F_st_cache_hits), num(s->r, F_st_questions));
	text_put(&t, " from memory");
	if (record_has(s->r, F_st_outstanding)) {
		text_put(&t, ", waiting ");
		text_num(&t, num(s->r, F_st_outstanding));
	}
	quantiles(s->r, F_st_dns_below, F_st_dns_below_n, &t);
	if (fault != resolverfault_none) {
		text_put(&t, "; FAULT: ");
		text_put(&t, fact_table[F_resolver_fault].words[fault]);
	}
	line_of(s, "DNS", &t);
}

static void shunt(const struct status *s)
{
	char buf[LINE];
	struct text t = { buf, 0, sizeof(buf), false };
	int64_t state = num(s->r, F_st_shunt);
	if (!record_has(s->r, F_st_shunt))
		return;
	text_put(&t, fact_table[F_st_shunt].words[state]);
	if (record_has(s->r, F_st_shunt_why)) {
		text_put(&t, " (");
		text_clean(&t, record_get_str(s->r, F_st_shunt_why), false);
		text_char(&t, ')');
	}
	if (state == onoff_on) {
		text_put(&t, ", ");
		scaled(&t, num(s->r, F_st_shunt_packets), 1000);
		text_put(&t, " packets, ");
		scaled(&t, num(s->r, F_st_shunt_octets), 1024);
		text_put(&t, "B left to the kernel");
	}
	line_of(s, "shunt", &t);
}

/* A table of objects: their name, and what of them is shown. words: the column holds words, octets: sizes. */
struct column {
	const char *head;
	enum fact fact;
	bool words, octets;
};

static void heads(const struct status *s, const char *name, const struct column *c, size_t n)
{
	struct text t = { (char *)(uintptr_t)name, strlen(name), strlen(name), false };
	text_char(s->out, '\n');
	colour(s, "1");
	cell(s->out, &t, NAME, false);
	for (size_t i = 0; i < n; i++) {
		struct text h = { (char *)(uintptr_t)c[i].head, strlen(c[i].head), strlen(c[i].head), false };
		cell(s->out, &h, CELL, true);
	}
	colour(s, "0");
	text_char(s->out, '\n');
}

/* The name, cut to its column. */
static void name_cell(const struct status *s, struct bytes name)
{
	char buf[NAME * 4];
	struct text t = { buf, 0, sizeof(buf), false };
	size_t columns = 0, i = 0;
	text_clean(&t, bytes_head(name, NAME - 1), false);
	while (i < t.n && columns + 1 < NAME) {
		i++;
		while (i < t.n && ((uint8_t)buf[i] & 0xc0) == 0x80)
			i++;
		columns++;
	}
	t.n = i;
	cell(s->out, &t, NAME, false);
}

static void objects(const struct status *s, const char *name, enum fact key, const struct column *c, size_t n)
{
	if (!record_has(s->r, key))
		return;
	heads(s, name, c, n);
	for (struct stats_rows row = { .r = s->r, .name = key }; stats_rows_next(&row);) {
		name_cell(s, row.key);
		for (size_t i = 0; i < n; i++) {
			char buf[32];
			struct text t = { buf, 0, sizeof(buf), false };
			int64_t v = stats_rows_num(&row, c[i].fact);
			if (c[i].words)
				text_put(&t, fact_table[c[i].fact].words[v]);
			else
				scaled(&t, v, c[i].octets ? 1024 : 1000);
			if (c[i].octets)
				text_char(&t, 'B');
			cell(s->out, &t, CELL, true);
		}
		text_char(s->out, '\n');
	}
}

static void all_objects(const struct status *s)
{
	static const struct column interfaces[] = { { "LINK", F_st_if_link, true, false },
						    { "PACKETS", F_st_if_packets, false, false },
						    { "LOST: RING", F_st_if_kernel, false, false },
						    { "INTERFACE", F_st_if_dropped, false, false } };
	static const struct column processes[] = { { "RESTARTS", F_st_process_ended, false, false },
						   { "MEMORY", F_st_process_memory, false, true } };
	static const struct column queues[] = { { "WAITING", F_st_queue_used, false, true },
						{ "ROOM", F_st_queue_size, false, true } };
	static const struct column outputs[] = { { "WRITTEN", F_st_output_sent, false, false },
						 { "FAILED", F_st_output_failed, false, false },
						 { "GIVEN UP", F_st_output_lost, false, false },
						 { "WAITING", F_st_output_queued, false, false },
						 { "OCTETS", F_st_output_wait, false, true } };
	static const struct column disks[] = { { "FREE", F_st_disk_free, false, true }, { "SIZE", F_st_disk_size, false, true } };
	objects(s, "INTERFACE", F_st_if_name, interfaces, sizeof(interfaces) / sizeof(interfaces[0]));
	objects(s, "QUEUE", F_st_queue, queues, sizeof(queues) / sizeof(queues[0]));
	objects(s, "OUTPUT", F_st_output, outputs, sizeof(outputs) / sizeof(outputs[0]));
	objects(s, "PROCESS", F_st_process, processes, sizeof(processes) / sizeof(processes[0]));
	objects(s, "FOLDER", F_st_disk, disks, sizeof(disks) / sizeof(disks[0]));
}

void status_table(const struct record *r, const struct record *before, bool colours, unsigned width, struct text *out)
{
	struct status s = { r, before, out, colours, width };
	s.width = width < STATUS_NARROW ? STATUS_NARROW : width > STATUS_WIDE ? STATUS_WIDE : width;
	title(&s);
	health(&s);
	packets(&s);
	flows(&s);
	sessions(&s);
	counted(&s, "verdicts", F_st_verdict, F_st_verdict_n);
	counted(&s, "TLS", F_st_version, F_st_version_n);
	counted(&s, "DANE", F_st_dane, F_st_dane_n);
	alerts(&s);
	dns(&s);
	shunt(&s);
	all_objects(&s);
}
