/* syslog: see syslog.h. Values are quoted from peers: control characters are gone (value.h), and ", \ and ] are escaped (RFC 5424 6.3.3). */
#include "syslog.h"

#include "value.h"

enum { HOST_MAX = 255, SD_ID_MAX = 32, PARAM_MAX = 255 };

static const struct param {
	const char *name;
	enum fact fact;
} params[] = {
	{ "rule", F_rule_id },   { "verdict", F_verdict }, { "client", F_src_ip },
	{ "server", F_dst_ip },  { "mx", F_dst_domain },   { "community_id", F_net_community_id },
};

/* At most six digits of a second (RFC 5424 6.2.3). */
static void time_of(struct text *t, const struct record *r)
{
	int64_t ns = record_get_num(r, F_timestamp, 0);
	if (record_has(r, F_timestamp))
		text_time(t, ns - ns % 1000);
	else
		text_char(t, '-');
}

/* PRINTUSASCII */
static void host_of(struct text *t, const struct record *r, const char *host)
{
	struct bytes b = host && host[0] ? bytes_of(host) : record_get_str(r, F_observer_name);
	b = bytes_head(b, HOST_MAX);
	for (size_t i = 0; i < b.n; i++)
		text_char(t, b.p[i] > ' ' && b.p[i] < 0x7f ? (char)b.p[i] : '_');
	if (b.n == 0)
		text_char(t, '-');
}

/* SD-NAME: printable, without a blank, = ] and " */
static bool is_sd_id(const char *id)
{
	size_t n = 0;
	for (; id[n]; n++)
		if (id[n] <= ' ' || id[n] >= 0x7f || strchr("=]\"", id[n]))
			return false;
	return n > 0 && n <= SD_ID_MAX;
}

static void param(struct text *t, const struct record *r, const struct param *p)
{
	char buf[VALUE_ROOM];
	struct bytes v = value_of(r, p->fact, PARAM_MAX, buf);
	if (v.n == 0)
		return;
	text_char(t, ' ');
	text_put(t, p->name);
	text_put(t, "=\"");
	value_escaped(t, v, "\"]");
	text_char(t, '"');
}

static void structured(struct text *t, const struct record *r, const char *id)
{
	bool any = false;
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		any |= record_has(r, params[i].fact);
	if (!id || !is_sd_id(id) || !any) {
		text_char(t, '-');
		return;
	}
	text_char(t, '[');
	text_put(t, id);
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		param(t, r, &params[i]);
	text_char(t, ']');
}

bool syslog_header(const struct record *r, unsigned facility, const char *sd_id, const char *host, struct text *out)
{
	struct text t = text_part(out, SIZE_MAX);
	text_char(&t, '<');
	text_num(&t, (int64_t)(facility % 24 * 8 + 6 - value_level(r)));
	text_put(&t, ">1 ");
	time_of(&t, r);
	text_char(&t, ' ');
	host_of(&t, r, host);
	text_put(&t, " mxwitness - ");
	text_put(&t, value_dataset_word(value_dataset(r)));
	text_char(&t, ' ');
	structured(&t, r, sd_id);
	text_char(&t, ' ');
	return text_keep(out, &t);
}
