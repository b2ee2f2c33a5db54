/* metrics: the text of a full record by a strict reader of the format 0.0.4, by promtool where there is one, and against
 * the manual page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "metrics.h"

static char buf[METRICS_TEXT + 1];
static struct record r;

/* Something for every fact of a stats event; names that need an escape. */
static void full(int64_t num, const char *name, size_t items)
{
	record_init(&r);
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		enum fact f = (enum fact)i;
		const struct fact_info *info = &fact_table[i];
		if (!(info->sets & IN_STATS))
			continue;
		for (size_t k = 0; k < items; k++) {
			char text[64];
			snprintf(text, sizeof(text), "%s%zu", name, k);
			size_t words = 0;
			while (info->words && info->words[words])
				words++;
			if (info->type == T_LSTR)
				record_add_cstr(&r, f, text);
			else if (info->type == T_LENUM)
				record_add_num(&r, f, (int64_t)(k % words));
			else if (f == F_st_dns_below || f == F_st_delay_below)
				record_add_num(&r, f, (int64_t)(k + 1) * 1000000);
			else if (info->type == T_LNUM)
				record_add_num(&r, f, num);
		}
		if (info->type == T_NUM || info->type == T_DUR || info->type == T_TIME)
			record_num(&r, f, num);
		else if (info->type == T_TRI)
			record_yes(&r, f);
		else if (info->type == T_ENUM)
			record_num(&r, f, 1);
		else if (info->type == T_STR)
			record_cstr(&r, f, name);
	}
}

static const char *rendered(void)
{
	struct text t = { buf, 0, sizeof(buf) - 1, false };
	metrics_render(&r, &t);
	assert_false(t.full);
	buf[t.n] = '\0';
	return buf;
}

static bool is_name(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((p[i] >= 'a' && p[i] <= 'z') || p[i] == '_' || (i && p[i] >= '0' && p[i] <= '9')))
			return false;
	return n > 0;
}

/* name="value" with its escapes; what follows it, or NULL. */
static const char *one_label(const char *p)
{
	size_t n = strcspn(p, "=");
	if (!is_name(p, n) || p[n] != '=' || p[n + 1] != '"')
		return NULL;
	for (p += n + 2; *p != '"'; p++) {
		if (*p == '\0' || *p == '\n' || (*p == '\\' && !strchr("\\\"n", p[1])))
			return NULL;
		p += *p == '\\';
	}
	return p + 1;
}

/* A sample line: name{label="value",...} number */
static bool is_sample(const char *line, const char *family, const char *type)
{
	size_t n = strcspn(line, "{ "), f = strlen(family);
	if (!is_name(line, n) || n < f || memcmp(line, family, f) != 0)
		return false;
	const char *suffix = line + f, *p = line + n;
	bool histogram = strcmp(type, "histogram") == 0;
	if (histogram ? strncmp(suffix, "_bucket{", 8) && strncmp(suffix, "_sum ", 5) && strncmp(suffix, "_count ", 7) : n != f)
		return false;
	if (*p == '{') {
		do {
			p = one_label(p + 1);
			if (!p)
				return false;
		} while (*p == ',');
		if (*p++ != '}')
			return false;
	}
	char *end;
	if (*p++ != ' ' || *p == ' ')
		return false;
	strtod(p, &end);
	return end > p && *end == '\0';
}

/* HELP, TYPE, then samples of that family; each family once, each sample once. */
static void strict(char *text)
{
	static char families[256][96];
	static const char *samples[4096];
	size_t nfamilies = 0, nsamples = 0;
	char family[96] = "", type[16] = "", *save = NULL;
	bool helped = false;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			assert_false(helped);
			assert_int_equal(sscanf(line, "# HELP %95s", family), 1);
			assert_true(strlen(line) > 8 + strlen(family)); /* it says something */
			for (size_t i = 0; i < nfamilies; i++)
				assert_string_not_equal(families[i], family);
			strcpy(families[nfamilies++], family);
			helped = true;
		} else if (strncmp(line, "# TYPE ", 7) == 0) {
			char name[96];
			assert_true(helped);
			assert_int_equal(sscanf(line, "# TYPE %95s %15s", name, type), 2);
			assert_string_equal(name, family);
			assert_int_equal(strcmp(type, "counter") == 0, strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0);
			helped = false;
		} else {
			if (helped || !is_sample(line, family, type))
				fail_msg("%s", line);
			size_t n = strcspn(line, "}");
			n = line[n] ? n : strcspn(line, " ");
			for (size_t i = 0; i < nsamples; i++)
				if (strncmp(samples[i], line, n + 1) == 0)
					fail_msg("twice: %s", line);
			samples[nsamples++] = line;
		}
	}
	assert_true(nfamilies > 50);
}

static void test_format(void **state)
{
	static const int64_t numbers[] = { 0, 1, -1, 1500000000, INT64_C(1764050000123456789), INT64_MAX };
	static const char *const names[] = { "tap", "a\"b\\c\nd", "\xff\x01", "" };
	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
			full(numbers[i], names[n], 5);
			rendered();
			strict(buf);
		}
	full(5, "a name that is as long as", RECORD_ITEMS); /* as much as there can be */
	rendered();
}

static void test_lines(void **state)
{
	static const char *const lines[] = {
		"\nmxwitness_packets_total{iface=\"tap0\"} 1500\n",
		"\nmxwitness_packets_dropped_total{reason=\"kernel\",iface=\"tap1\"} 1500\n",
		"\nmxwitness_packets_dropped_total{iface=\"\",reason=\"queue\"} 1500\n",
		"\nmxwitness_interface_up{iface=\"tap1\"} 1\n", "\nmxwitness_interface_up{iface=\"tap0\"} 0\n",
		"\nmxwitness_sessions_total{verdict=\"authenticated\"} 1500\n",
		"\nmxwitness_alerts_total{rule_id=\"tap1\",level=\"low\"} 1500\n",
		"\nmxwitness_dns_latency_seconds_bucket{le=\"0.001\"} 1500\n",
		"\nmxwitness_dns_latency_seconds_bucket{le=\"0.002\"} 3000\n",
		"\nmxwitness_dns_latency_seconds_bucket{le=\"+Inf\"} 4500\n",
		"\nmxwitness_dns_latency_seconds_sum 0.0000015\n", "\nmxwitness_dns_latency_seconds_count 4500\n",
		"\nmxwitness_degraded{trouble=\"packets-dropped\"} 1\n", "\nmxwitness_degraded{trouble=\"disk-full\"} 0\n",
		"\nmxwitness_blind{reason=\"no-link\"} 1\n", "\nmxwitness_resolver_fault{fault=\"clock\"} 0\n",
		"\nmxwitness_config_reload_success 1\n", "\nmxwitness_shunt_on 1\n", "\nmxwitness_clock_skew_seconds 0.0000015\n",
	};
	(void)state;
	full(1500, "tap", 3);
	const char *text = rendered();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!strstr(text, lines[i]))
			fail_msg("no line%s", lines[i]);
	assert_null(strstr(text, "\"none\""));
}

/* The names that were promised to those who build dashboards. */
static void test_names(void **state)
{
	static const char *const names[] = {
		"packets_total", "bytes_total", "packets_dropped_total", "flows_active", "flows_evicted_total", "tcp_gap_bytes_total",
		"sessions_total", "alerts_total", "alerts_suppressed_total", "tls_sessions_total", "cert_not_visible_total",
		"dane_checks_total", "dns_queries_total", "dns_latency_seconds", "dns_cache_hits_total", "output_events_total",
		"output_spool_bytes", "rule_errors_total", "rules_loaded", "config_reload_success", "build_info",
		"clock_skew_seconds",
	};
	(void)state;
	full(1, "x", 1);
	rendered();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char line[96];
		snprintf(line, sizeof(line), "# TYPE mxwitness_%s ", names[i]);
		if (!strstr(buf, line))
			fail_msg("no %s", names[i]);
	}
}

/* What is not known is not said. */
static void test_unknown(void **state)
{
	(void)state;
	record_init(&r);
	assert_non_null(strstr(rendered(), "mxwitness_build_info{version="));
	assert_null(strstr(buf, "mxwitness_sessions_total"));
	assert_null(strstr(buf, "mxwitness_degraded"));
	record_num(&r, F_st_uptime, 1);
	assert_non_null(strstr(rendered(), "mxwitness_degraded{trouble=\"packets-dropped\"} 0\n"));
}

static void test_no_room(void **state)
{
	(void)state;
	full(5, "x", 3);
	for (size_t cap = 0; cap < 3000; cap += 7) {
		char *small = malloc(cap + 1);
		struct text t = { small, 0, cap, false };
		metrics_render(&r, &t);
		assert_true(t.full && t.n <= cap);
		free(small);
	}
}

/* The words of the table in the repository's page: made anew by `make docs`. */
static void test_manual(void **state)
{
	(void)state;
	static char page[256 * 1024], made[256 * 1024];
	FILE *f = fopen("man/mxwitness-metrics.7", "r"), *m = fmemopen(made, sizeof(made) - 1, "w");
	if (!f)
		skip(); /* not run from the top of the tree */
	page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
	fclose(f);
	metrics_mdoc(m);
	fclose(m);
	assert_string_equal(page, made);
	full(5, "x", 2);
	rendered();
	char *save = NULL;
	for (char *line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[96], item[128];
		if (sscanf(line, "# TYPE %95s", name) != 1)
			continue;
		snprintf(item, sizeof(item), "\n.It Cm %s Pq", name);
		if (!strstr(page, item))
			fail_msg("%s is not in the manual", name);
	}
}

static void test_promtool(void **state)
{
	(void)state;
	static char said[4096];
	char name[] = "/tmp/mxwitness-metrics-XXXXXX", command[160];
	if (access("/usr/bin/promtool", X_OK) != 0)
		skip();
	int fd = mkstemp(name);
	assert_true(fd >= 0);
	full(1500, "tap", 3);
	rendered();
	assert_int_equal(write(fd, buf, strlen(buf)), (ssize_t)strlen(buf));
	close(fd);
	snprintf(command, sizeof(command), "/usr/bin/promtool check metrics < %s 2>&1", name);
	FILE *p = popen(command, "r");
	assert_non_null(p);
	said[fread(said, 1, sizeof(said) - 1, p)] = '\0';
	int status = pclose(p);
	unlink(name);
	if (status != 0 || said[0])
		fail_msg("%s", said);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_format), cmocka_unit_test(test_lines), cmocka_unit_test(test_names),
					    cmocka_unit_test(test_unknown), cmocka_unit_test(test_no_room),
					    cmocka_unit_test(test_manual), cmocka_unit_test(test_promtool) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
