/* format, and what it is made of: cef, leef, eve, syslog, value. What a peer said can never end a line, a field or a value; a line is
 * there as a whole or not at all; syslog's header is what RFC 5424 has. */
#include "format.h"
#include "json.h"
#include "syslog.h"
#include "value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROOM = 65536 };

static char line[ROOM + 1];
static const enum output_format formats[] = { output_format_ecs, output_format_cef, output_format_leef, output_format_eve };
enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

/* "": it could not be written */
static const char *written(const struct output_settings *o, const struct record *r, const char *sensor, bool with_newline)
{
	struct text t = { line, 0, ROOM, false };
	const bool good = format_event(o, sensor, r, with_newline, &t);
	assert_true(good || t.n == 0);
	line[t.n] = '\0';
	return line;
}

static struct output_settings to_file(enum output_format format)
{
	return (struct output_settings){ .type = output_type_file, .format = format, .datasets = 0xf };
}

static struct output_settings to_syslog(enum output_format format)
{
	return (struct output_settings){ .type = output_type_syslog, .format = format, .datasets = 0xf, .facility = 21,
					 .sd_id = "mxwitness@32473" };
}

static struct record *an_alert(void)
{
	struct record *r = malloc(sizeof(*r));
	record_init(r);
	record_num(r, F_timestamp, INT64_C(1772359204218377999));
	record_cstr(r, F_event_dataset, "mxwitness.alert");
	record_cstr(r, F_event_action, "starttls-stripped");
	record_cstr(r, F_event_id, "0123");
	record_num(r, F_event_sequence, 7);
	record_cstr(r, F_net_transport, "tcp");
	record_cstr(r, F_net_protocol, "smtp");
	record_cstr(r, F_net_community_id, "1:abc=");
	record_addr(r, F_src_ip, &(struct addr){ 4, { 192, 0, 2, 10 } });
	record_num(r, F_src_port, 40112);
	record_addr(r, F_dst_ip, &(struct addr){ 6, { 0x20, 1, 0xd, 0xb8, [15] = 25 } });
	record_num(r, F_dst_port, 25);
	record_cstr(r, F_dst_domain, "mx.example.net");
	record_cstr(r, F_rule_id, "starttls-stripped");
	record_cstr(r, F_rule_name, "STARTTLS removed");
	record_cstr(r, F_rule_category, "starttls");
	record_add_cstr(r, F_threat_technique, "T1557");
	record_num(r, F_verdict, verdict_downgraded);
	record_num(r, F_alert_level, level_high);
	record_cstr(r, F_message, "why");
	return r;
}

static void whole_lines(void **state)
{
	(void)state;
	static const struct {
		enum output_format format;
		bool syslog;
		const char *want;
	} rows[] = {
		{ output_format_cef, false,
		  "CEF:0|mxwitness|mxwitness|0.1.0|starttls-stripped|STARTTLS removed|8|rt=1772359204218 externalId=0123 cat=starttls "
		  "proto=TCP app=SMTP src=192.0.2.10 spt=40112 c6a3Label=Destination IPv6 Address c6a3=2001:db8::19 dpt=25 "
		  "dhost=mx.example.net msg=why cs1Label=verdict cs1=downgraded cs3Label=communityId cs3=1:abc\\= "
		  "cs6Label=technique cs6=T1557 act=alert mxwitnessDataset=mxwitness.alert mxwitnessSequence=7 mxwitnessLevel=high\n" },
		{ output_format_leef, false,
		  "LEEF:2.0|mxwitness|mxwitness|0.1.0|starttls-stripped|x09|sev=8\tname=STARTTLS removed\tdevTime=1772359204218\t"
		  "src=192.0.2.10\tsrcPort=40112\tdst=2001:db8::19\tdstPort=25\tproto=TCP\tcat=starttls\tpolicy=starttls-stripped\t"
		  "identHostName=mx.example.net\teventId=0123\tverdict=downgraded\ttechnique=T1557\tcommunityId=1:abc=\tmessage=why\t"
		  "dataset=mxwitness.alert\tsequence=7\tlevel=high\n" },
		{ output_format_leef, true,
		  "<171>1 2026-03-01T10:00:04.218377Z egress_1 mxwitness - alert [mxwitness@32473 rule=\"starttls-stripped\" "
		  "verdict=\"downgraded\" client=\"192.0.2.10\" server=\"2001:db8::19\" mx=\"mx.example.net\" community_id=\"1:abc=\"] "
		  "LEEF:2.0|mxwitness|mxwitness|0.1.0|starttls-stripped|x09|sev=8\tname=STARTTLS removed\tdevTime=1772359204218\t"
		  "src=192.0.2.10\tsrcPort=40112\tdst=2001:db8::19\tdstPort=25\tproto=TCP\tcat=starttls\tpolicy=starttls-stripped\t"
		  "identHostName=mx.example.net\teventId=0123\tverdict=downgraded\ttechnique=T1557\tcommunityId=1:abc=\tmessage=why\t"
		  "dataset=mxwitness.alert\tsequence=7\tlevel=high\n" },
		{ output_format_eve, false,
		  "{\"timestamp\":\"2026-03-01T10:00:04.218377+0000\",\"flow_id\":1281431698127033,\"event_type\":\"alert\",\"proto\":\"TCP\","
		  "\"app_proto\":\"smtp\",\"alert\":{\"action\":\"allowed\",\"gid\":1,\"signature_id\":1092488,\"rev\":1,"
		  "\"signature\":\"STARTTLS removed\",\"category\":\"starttls\",\"severity\":1,"
		  "\"metadata\":{\"mitre_technique_id\":[\"T1557\"]}},\"src_ip\":\"192.0.2.10\",\"src_port\":40112,"
		  "\"dest_ip\":\"2001:db8::19\",\"dest_port\":25,\"community_id\":\"1:abc=\",\"message\":\"why\","
		  "\"event\":{\"dataset\":\"mxwitness.alert\",\"action\":\"starttls-stripped\",\"id\":\"0123\",\"sequence\":7},"
		  "\"rule\":{\"id\":\"starttls-stripped\",\"name\":\"STARTTLS removed\",\"category\":\"starttls\"},"
		  "\"threat\":{\"technique\":{\"id\":[\"T1557\"]}},"
		  "\"mxwitness\":{\"verdict\":\"downgraded\",\"alert\":{\"level\":\"high\"}}}\n" },
	};
	struct record *r = an_alert();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct output_settings o = rows[i].syslog ? to_syslog(rows[i].format) : to_file(rows[i].format);
		assert_string_equal(written(&o, r, "egress 1", true), rows[i].want);
	}
	free(r);
}

/* What a peer said, as the argument of its EHLO, and in message and reason. */
static void hostile_words(void **state)
{
	(void)state;
	static const struct {
		const char *said;
		size_t n;
		const char *cef, *leef, *eve, *why;
	} rows[] = {
		{ "a|b", 3, "Helo=a|b", "\thelo=a|b", "\"helo\":\"a|b\"", "a bar is one in values" },
		{ "a=b", 3, "Helo=a\\=b", "\thelo=a=b", "\"helo\":\"a=b\"", "a key ends at = in CEF" },
		{ "a\\b", 3, "Helo=a\\\\b", "\thelo=a\\b", "\"helo\":\"a\\\\b\"", "the escape itself" },
		{ "a\\=b", 4, "Helo=a\\\\\\=b", "\thelo=a\\=b", "\"helo\":\"a\\\\=b\"", "an escape that would undo ours" },
		{ "x src=1.2.3.4", 13, "Helo=x src\\=1.2.3.4", "\thelo=x src=1.2.3.4", "\"helo\":\"x src=1.2.3.4\"", "another key" },
		{ "x\tsrc=1.2.3.4", 13, "Helo=x\\\\x09src\\=1.2.3.4", "\thelo=x\\x09src=1.2.3.4", "\"helo\":\"x\\\\x09src=1.2.3.4\"",
		  "a tab ends a value in LEEF" },
		{ "x\r\nCEF:0|", 9, "Helo=x\\\\x0d\\\\x0aCEF:0|", "\thelo=x\\x0d\\x0aCEF:0|", "\"helo\":\"x\\\\x0d\\\\x0aCEF:0|\"", "another line" },
		{ "a\0b", 3, "Helo=a\\\\x00b", "\thelo=a\\x00b", "\"helo\":\"a\\\\x00b\"", "NUL" },
		{ "\x1b[2J\x7f", 5, "Helo=\\\\x1b[2J\\\\x7f", "\thelo=\\x1b[2J\\x7f", "\"helo\":\"\\\\x1b[2J\\\\x7f\"", "a terminal's commands" },
		{ "a\xc2\x85\xe2\x80\xa8", 6, "Helo=a\xef\xbf\xbd\xef\xbf\xbd", "\thelo=a\xef\xbf\xbd\xef\xbf\xbd",
		  "\"helo\":\"a\xef\xbf\xbd\xef\xbf\xbd\"", "lines end there for some readers" },
		{ "\xff\xc3", 2, "Helo=\xef\xbf\xbd\xef\xbf\xbd", "\thelo=\xef\xbf\xbd\xef\xbf\xbd", "\"helo\":\"\xef\xbf\xbd\xef\xbf\xbd\"",
		  "no UTF-8" },
		{ "m\xc3\xbcller", 7, "Helo=m\xc3\xbcller", "\thelo=m\xc3\xbcller", "\"helo\":\"m\xc3\xbcller\"", "UTF-8 stays" },
		{ "\"}],{\"", 6, "Helo=\"}],{\"", "\thelo=\"}],{\"", "\"helo\":\"\\\"}],{\\\"\"", "JSON's own" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const want[] = { [output_format_cef] = rows[i].cef, [output_format_leef] = rows[i].leef, [output_format_eve] = rows[i].eve };
		struct record *r = an_alert();
		record_str(r, F_smtp_ehlo, (struct bytes){ (const uint8_t *)rows[i].said, rows[i].n });
		record_str(r, F_message, (struct bytes){ (const uint8_t *)rows[i].said, rows[i].n });
		record_str(r, F_dst_domain, (struct bytes){ (const uint8_t *)rows[i].said, rows[i].n });
		for (unsigned f = output_format_cef; f <= output_format_eve; f++) {
			const struct output_settings o = to_file((enum output_format)f);
			const char *got = written(&o, r, NULL, true);
			if (!strstr(got, want[f]))
				fail_msg("%s: no %s in %s", rows[i].why, want[f], got);
			assert_ptr_equal(strpbrk(got, "\n\r"), got + strlen(got) - 1);
		}
		free(r);
	}
}

/* In the header of CEF and LEEF a bar ends a field; names of rules are the site's. */
static void headers(void **state)
{
	(void)state;
	struct record *r = an_alert();
	record_cstr(r, F_rule_id, "a|b\\c=d");
	record_cstr(r, F_rule_name, "One|two\nthree");
	struct output_settings o = to_file(output_format_cef);
	assert_non_null(strstr(written(&o, r, NULL, true), "0.1.0|a\\|b\\\\c=d|One\\|two\\\\x0athree|8|rt="));
	o = to_file(output_format_leef);
	assert_non_null(strstr(written(&o, r, NULL, true), "0.1.0|a_b\\c=d|x09|sev=8\tname=One|two\\x0athree\t"));
	free(r);
}

static void syslog_headers(void **state)
{
	(void)state;
	static const struct {
		const char *dataset, *sensor, *mx, *sd_id;
		int level, facility;
		const char *want, *why;
	} rows[] = {
		{ "mxwitness.alert", "s", NULL, "x@1", level_informational, 21, "<174>1 T s mxwitness - alert [x@1 verdict=\"clear\"] ", "6" },
		{ "mxwitness.alert", "s", NULL, "x@1", level_low, 21, "<173>1 T s mxwitness - alert [x@1 verdict=\"clear\"] ", "5" },
		{ "mxwitness.alert", "s", NULL, "x@1", level_medium, 21, "<172>1 T s mxwitness - alert [x@1 verdict=\"clear\"] ", "4" },
		{ "mxwitness.alert", "s", NULL, "x@1", level_high, 21, "<171>1 T s mxwitness - alert [x@1 verdict=\"clear\"] ", "3" },
		{ "mxwitness.alert", "s", NULL, "x@1", level_critical, 21, "<170>1 T s mxwitness - alert [x@1 verdict=\"clear\"] ",
		  "2; 1 and 0 wake people" },
		{ "mxwitness.alert", "s", NULL, "x@1", level_critical, 0, "<2>1 T s mxwitness - alert [x@1 verdict=\"clear\"] ", "no zeros in front" },
		{ "mxwitness.session", "s", NULL, "x@1", -1, 23, "<190>1 T s mxwitness - session [x@1 verdict=\"clear\"] ", "no level: 6" },
		{ "mxwitness.stats", "s", NULL, "x@1", -1, 21, "<174>1 T s mxwitness - stats [x@1 verdict=\"clear\"] ", "" },
		{ "mxwitness.posture", "s", NULL, "x@1", -1, 21, "<174>1 T s mxwitness - posture [x@1 verdict=\"clear\"] ", "" },
		{ "other", "s", NULL, "x@1", -1, 21, "<174>1 T s mxwitness - stats [x@1 verdict=\"clear\"] ", "none of ours" },
		{ "mxwitness.stats", "", NULL, "x@1", -1, 21, "<174>1 T - mxwitness - stats [x@1 verdict=\"clear\"] ", "nil" },
		{ "mxwitness.stats", "a b\tc\xc3\xbc", NULL, "x@1", -1, 21, "<174>1 T a_b_c__ mxwitness - stats [x@1 verdict=\"clear\"] ", "PRINTUSASCII" },
		{ "mxwitness.stats", "s", "q\"b\\]", "x@1", -1, 21,
		  "<174>1 T s mxwitness - stats [x@1 verdict=\"clear\" mx=\"q\\\"b\\\\\\]\"] ", "6.3.3" },
		{ "mxwitness.stats", "s", "a\nb", "x@1", -1, 21, "<174>1 T s mxwitness - stats [x@1 verdict=\"clear\" mx=\"a\\\\x0ab\"] ", "a line end" },
		{ "mxwitness.stats", "s", NULL, "", -1, 21, "<174>1 T s mxwitness - stats - ", "none is wanted" },
		{ "mxwitness.stats", "s", NULL, "a b@1", -1, 21, "<174>1 T s mxwitness - stats - ", "no SD-NAME" },
		{ "mxwitness.stats", "s", NULL, "a]@1", -1, 21, "<174>1 T s mxwitness - stats - ", "no SD-NAME" },
		{ "mxwitness.stats", "s", NULL, "a23456789012345678901234567890@12", -1, 21, "<174>1 T s mxwitness - stats - ", "longer than 32" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record *r = malloc(sizeof(*r));
		char want[512];
		struct text t = { line, 0, ROOM, false }, w = { want, 0, sizeof(want) - 1, false };
		record_init(r);
		record_num(r, F_timestamp, INT64_C(1772359204000000001));
		record_cstr(r, F_event_dataset, rows[i].dataset);
		record_num(r, F_verdict, verdict_clear);
		if (rows[i].level >= 0)
			record_num(r, F_alert_level, rows[i].level);
		if (rows[i].mx)
			record_cstr(r, F_dst_domain, rows[i].mx);
		assert_true(syslog_header(r, (unsigned)rows[i].facility, rows[i].sd_id, rows[i].sensor, &t));
		line[t.n] = '\0';
		for (const char *p = rows[i].want; *p; p++)
			if (p[0] == 'T' && p[-1] == ' ')
				text_put(&w, "2026-03-01T10:00:04Z");
			else
				text_char(&w, *p);
		want[w.n] = '\0';
		if (strcmp(line, want) != 0)
			fail_msg("%s: %s instead of %s", rows[i].why, line, want);
		free(r);
	}
}

/* With too little room nothing is written, and no octet behind it; with exactly enough the whole is. */
static void room(void **state)
{
	(void)state;
	struct record *r = an_alert();
	for (size_t f = 0; f < 2 * FORMATS; f++) {
		const struct output_settings o = f < FORMATS ? to_file(formats[f]) : to_syslog(formats[f - FORMATS]);
		const size_t whole = strlen(written(&o, r, "s", true));
		assert_true(whole > 0);
		for (size_t n = 0; n <= whole + 1; n++) {
			char *exact = malloc(n + 2);
			memcpy(exact, "ab", 2);
			struct text t = { exact, 2, n + 2, false };
			const bool good = format_event(&o, "s", r, true, &t);
			assert_false(t.full);
			/* a line that is cut to fit may be there before; it ends in a newline too */
			assert_true(good || (n < whole && t.n == 2));
			assert_true(!good || (t.n <= n + 2 && exact[t.n - 1] == '\n'));
			assert_true(n < whole || (good && memcmp(exact + 2, line, whole) == 0));
			assert_memory_equal(exact, "ab", 2);
			free(exact);
		}
	}
	free(r);
}

/* Every fact as long as may be, of octets that take the most room to write: still a line, and not longer than it may be. */
static void longest(void **state)
{
	(void)state;
	static const struct {
		const char *dataset;
		unsigned set;
		size_t json;  /* octets of a line */
	} kinds[] = { { "mxwitness.session", IN_SESSION, JSON_LINE }, { "mxwitness.alert", IN_ALERT, JSON_ALERT_LINE },
		      { "mxwitness.posture", IN_POSTURE, JSON_LINE } };
	uint8_t *foreign = malloc(512);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (int c = 0; c < 4; c++) {
			struct record *r = malloc(sizeof(*r));
			memset(foreign, "\x01\\=\""[c], 512);
			record_init(r);
			for (unsigned f = 0; f < FACT_COUNT; f++) {
				const struct fact_info *info = &fact_table[f];
				/* an alert is about a session, or about stats, or posture */
				if (!(info->sets & kinds[k].set) || (k == 1 && !(info->sets & IN_SESSION)) ||
				    (info->room == ROOM_EVENT && f != F_message && f != F_event_reason))
					continue;
				if (info->type == T_STR)
					record_str(r, (enum fact)f, (struct bytes){ foreign, info->max < 256 ? info->max : 256 });
				else if (info->type == T_LSTR)
					for (int i = 0; i < 3; i++)
						record_add(r, (enum fact)f, (struct bytes){ foreign, info->max < 32 ? info->max : 32 });
			}
			record_cstr(r, F_event_dataset, kinds[k].dataset);
			record_cstr(r, F_event_id, "0123456789abcdef");
			if (k == 1)
				record_num(r, F_alert_level, level_low);
			for (size_t f = 0; f < 2 * FORMATS; f++) {
				const struct output_settings o = f < FORMATS ? to_file(formats[f]) : to_syslog(formats[f - FORMATS]);
				/* of CEF and LEEF the whole can always be cut */
				const bool short_enough = o.format == output_format_cef || o.format == output_format_leef;
				const size_t most = o.type == output_type_syslog && short_enough ? SYSLOG_MESSAGE :
						    short_enough ? kinds[k].json : JSON_LINE;
				const char *got = written(&o, r, "s", true);
				if (strlen(got) == 0 || strlen(got) > most)
					print_error("%s, format %zu, octet %d: %zu octets\n", kinds[k].dataset, f, c, strlen(got));
				assert_ptr_equal(strpbrk(got, "\n\r"), got + strlen(got) - 1);
				assert_non_null(strstr(got, "0123456789abcdef"));
			}
			free(r);
		}
	}
	free(foreign);
}

static void eve_words(void **state)
{
	(void)state;
	static const struct {
		const char *version, *want;
	} versions[] = { { "1.0", "\"version\":\"TLSv1\"" }, { "1.1", "\"version\":\"TLS 1.1\"" }, { "1.3", "\"version\":\"TLS 1.3\"" },
			 { "\"}", "\"version\":\"TLS \\\"}\"" } };
	static const struct {
		int level;
		const char *want;
	} levels[] = { { level_informational, "\"severity\":3" }, { level_low, "\"severity\":3" }, { level_medium, "\"severity\":2" },
		       { level_high, "\"severity\":1" }, { level_critical, "\"severity\":1" } };
	const struct output_settings o = to_file(output_format_eve);
	struct record *r = an_alert();
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		record_cstr(r, F_tls_version, versions[i].version);
		assert_non_null(strstr(written(&o, r, NULL, true), versions[i].want));
	}
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		record_num(r, F_alert_level, levels[i].level);
		assert_non_null(strstr(written(&o, r, NULL, true), levels[i].want));
	}
	record_cstr(r, F_x509_serial, "3D72F");
	assert_non_null(strstr(written(&o, r, NULL, true), "\"serial\":\"3:D7:2F\""));
	record_cstr(r, F_x509_serial, "\"\n");
	assert_non_null(strstr(written(&o, r, NULL, true), "\"serial\":\"\\\"\\u000a\""));
	record_num(r, F_x509_not_after, INT64_C(1772359204000000000));
	assert_non_null(strstr(written(&o, r, NULL, true), "\"notafter\":\"2026-03-01T10:00:04\""));
	record_num(r, F_timestamp, -1);
	assert_non_null(strstr(written(&o, r, NULL, true), "\"timestamp\":\"1969-12-31T23:59:59.999999+0000\""));
	free(r);
}

static void eve_types(void **state)
{
	(void)state;
	static const struct {
		const char *dataset, *banner;
		enum tri tls;
		const char *want;
	} rows[] = {
		{ "mxwitness.session", "220 hi", TRI_YES, "\"event_type\":\"smtp\"" },
		{ "mxwitness.session", NULL, TRI_YES, "\"event_type\":\"tls\"" },
		{ "mxwitness.session", NULL, TRI_NO, "\"event_type\":\"smtp\"" },
		{ "mxwitness.alert", NULL, TRI_YES, "\"event_type\":\"alert\"" },
		{ "mxwitness.stats", NULL, TRI_UNSEEN, "\"event_type\":\"stats\"" },
		{ "mxwitness.posture", NULL, TRI_UNSEEN, "\"event_type\":\"mxwitness\"" },
	};
	const struct output_settings o = to_file(output_format_eve);
	struct record *r = malloc(sizeof(*r));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		record_init(r);
		record_cstr(r, F_event_dataset, rows[i].dataset);
		record_tri(r, F_tls_seen, rows[i].tls);
		if (rows[i].banner)
			record_cstr(r, F_smtp_banner, rows[i].banner);
		assert_non_null(strstr(written(&o, r, NULL, true), rows[i].want));
	}
	free(r);
}

static void wanted(void **state)
{
	(void)state;
	static const struct {
		const char *dataset;
		int level, minimum;
		unsigned datasets;
		bool want;
	} rows[] = {
		{ "mxwitness.alert", level_low, level_informational, 1 << dataset_alert, true },
		{ "mxwitness.alert", level_low, level_medium, 1 << dataset_alert, false },
		{ "mxwitness.alert", level_medium, level_medium, 1 << dataset_alert, true },
		{ "mxwitness.alert", level_critical, level_informational, 1 << dataset_session, false },
		{ "mxwitness.session", -1, level_critical, 1 << dataset_session, true },
		{ "mxwitness.stats", -1, level_critical, 1 << dataset_stats, true },
		{ "mxwitness.posture", -1, level_informational, 1 << dataset_stats, false },
		{ "mxwitness.posture", -1, level_informational, 1 << dataset_posture, true },
	};
	struct record *r = malloc(sizeof(*r));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct output_settings o = { .datasets = rows[i].datasets, .minimum_level = (uint8_t)rows[i].minimum };
		record_init(r);
		record_cstr(r, F_event_dataset, rows[i].dataset);
		if (rows[i].level >= 0)
			record_num(r, F_alert_level, rows[i].level);
		assert_int_equal(format_wanted(&o, r), rows[i].want);
	}
	free(r);
}

static void output_names(void **state)
{
	(void)state;
	static const struct {
		enum output_type type;
		const char *name, *address, *path;
		size_t size;
		const char *want;
	} rows[] = {
		{ output_type_syslog, NULL, "siem.example:6514", NULL, 64, "syslog-siem.example-6514" },
		{ output_type_syslog, "siem", "siem.example:6514", NULL, 64, "siem" },
		{ output_type_unix, NULL, NULL, "/run/a b/../s", 64, "unix--run-a-b-..-s" },
		{ output_type_file, NULL, NULL, NULL, 64, "file-standard-output" },
		{ output_type_kafka, "..", NULL, NULL, 64, "-." },
		{ output_type_nats, NULL, "[2001:db8::1]:4222", NULL, 16, "nats--2001-db8-" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct output_settings o = { .type = (uint8_t)rows[i].type, .name = rows[i].name, .address = rows[i].address,
						   .path = rows[i].path };
		char *name = malloc(rows[i].size);
		format_name(&o, name, rows[i].size);
		assert_string_equal(name, rows[i].want);
		free(name);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_lines), cmocka_unit_test(hostile_words), cmocka_unit_test(headers),
		cmocka_unit_test(syslog_headers), cmocka_unit_test(room), cmocka_unit_test(longest),
		cmocka_unit_test(eve_words), cmocka_unit_test(eve_types), cmocka_unit_test(wanted), cmocka_unit_test(output_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
