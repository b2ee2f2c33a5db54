/* event: see event.h. Words only; every judgement stands in the record already. */
#include "judge/event.h"

#include "judge/rows.h"
#include "text.h"
#include "version.h"

static void common(struct record *r, const char *kind, const char *dataset)
{
	record_cstr(r, F_ecs_version, MXWITNESS_ECS);
	record_cstr(r, F_event_kind, kind);
	record_cstr(r, F_event_module, "mxwitness");
	record_cstr(r, F_event_dataset, dataset);
	record_cstr(r, F_observer_vendor, "mxwitness");
	record_cstr(r, F_observer_product, "mxwitness");
	record_cstr(r, F_observer_type, "sensor");
	record_cstr(r, F_observer_version, MXWITNESS_VERSION);
	record_cstr(r, F_schema, MXWITNESS_SCHEMA);
}

void event_observer(struct record *r, const char *name)
{
	if (name && !record_has(r, F_observer_name))
		record_cstr(r, F_observer_name, name);
}

static void list(struct record *r, enum fact f, const char *const *words)
{
	record_unset(r, f);
	for (; *words; words++)
		record_add_cstr(r, f, *words);
}

static void starttls_words(const struct record *r, struct text *t)
{
	if (record_get_num(r, F_service, service_mx) == service_submissions)
		return;
	if (record_get_tri(r, F_smtp_requested) == TRI_YES) {
		text_put(t, ", STARTTLS asked for");
		if (record_has(r, F_smtp_stls_code)) {
			text_put(t, " and answered ");
			text_num(t, record_get_num(r, F_smtp_stls_code, 0));
		}
	} else if (record_get_tri(r, F_smtp_offered) == TRI_YES) {
		text_put(t, ", STARTTLS offered and not asked for");
	} else if (record_get_tri(r, F_smtp_offered) == TRI_NO) {
		text_put(t, ", STARTTLS not offered");
	}
}

static void tls_words(const struct record *r, struct text *t)
{
	if (record_get_tri(r, F_tls_established) == TRI_YES) {
		text_put(t, ", TLS ");
		text_clean(t, record_get_str(r, F_tls_version), false);
		text_put(t, record_get_num(r, F_tls_cert_vis, visibility_hidden) == visibility_visible ?
			 ", certificate seen" : ", certificate not visible");
	} else if (record_get_tri(r, F_tls_failed) == TRI_YES) {
		text_put(t, ", the TLS handshake failed");
	}
	if (record_has(r, F_dane_verdict)) {
		text_put(t, ", DANE ");
		text_put(t, fact_table[F_dane_verdict].words[record_get_num(r, F_dane_verdict, 0)]);
	}
}

static void sentence(struct record *r)
{
	char buf[1024];
	struct text t = { buf, 0, sizeof(buf), false };
	struct addr a;
	if (record_get_addr(r, F_src_ip, &a))
		text_addr(&t, &a);
	text_put(&t, " to ");
	struct bytes host = record_get_str(r, F_id_host);
	if (host.n) {
		text_clean(&t, host, false);
		text_put(&t, " at ");
	}
	if (record_get_addr(r, F_dst_ip, &a))
		text_addr(&t, &a);
	text_put(&t, " port ");
	text_num(&t, record_get_num(r, F_dst_port, 0));
	starttls_words(r, &t);
	tls_words(r, &t);
	text_put(&t, ": ");
	text_put(&t, fact_table[F_verdict].words[record_get_num(r, F_verdict, verdict_unknown)]);
	record_str(r, F_message, (struct bytes){ (uint8_t *)buf, t.n });
}

void event_session(struct record *r)
{
	static const char *const category[] = { "network", "email", NULL };
	static const char *const type[] = { "connection", "protocol", "info", NULL };
	common(r, "event", "mxwitness.session");
	record_num(r, F_timestamp, record_get_num(r, F_event_end, 0));
	list(r, F_event_category, category);
	list(r, F_event_type, type);
	record_cstr(r, F_event_action, "smtp-session");
	sentence(r);
	if (r->truncated)
		record_yes(r, F_truncated);
}

void event_alert(struct record *r)
{
	static const char *const category[] = { "network", "intrusion_detection", NULL };
	static const char *const sensor[] = { "host", NULL };
	static const char *const domain[] = { "configuration", NULL };
	static const char *const type[] = { "info", NULL };
	common(r, "alert", "mxwitness.alert");
	record_num(r, F_timestamp, record_get_num(r, F_event_end, 0));
	list(r, F_event_category, record_has(r, F_alert_sessions) ? category : record_has(r, F_po_domain) ? domain : sensor);
	list(r, F_event_type, type);
	if (r->truncated)
		record_yes(r, F_truncated);
}

/* Not a digest of everything: two events of the same sensor differ in the time or in one of these. */
static void stats_id(struct record *r)
{
	static const enum fact of[] = { F_timestamp, F_st_packets, F_st_octets, F_st_sessions, F_st_alerts };
	char buf[32];
	struct text t = { buf, 0, sizeof(buf), false };
	uint64_t key = rows_key(0, record_get_str(r, F_observer_name));
	uint8_t octets[8];
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		const int64_t number = record_get_num(r, of[i], -1);
		key = rows_key(key, (struct bytes){ (const uint8_t *)&number, sizeof(number) });
	}
	for (unsigned i = 0; i < 8; i++)
		octets[i] = (uint8_t)(key >> (56 - 8 * i));
	text_put(&t, "stats-");
	text_hex(&t, (struct bytes){ octets, 8 }, false);
	record_str(r, F_event_id, (struct bytes){ (const uint8_t *)buf, t.n });
}

void event_stats(struct record *r, int64_t at)
{
	static const char *const category[] = { "network", NULL };
	static const char *const type[] = { "info", NULL };
	common(r, "metric", "mxwitness.stats");
	if (at)
		record_num(r, F_timestamp, at);
	list(r, F_event_category, category);
	list(r, F_event_type, type);
	stats_id(r);
}

static void posture_words(struct record *r)
{
	char buf[1024];
	struct text t = { buf, 0, sizeof(buf), false };
	size_t pos = 0;
	struct bytes item;
	text_clean(&t, record_get_str(r, F_po_domain), false);
	text_put(&t, ": MX ");
	text_put(&t, fact_table[F_po_dnssec].words[record_get_num(r, F_po_dnssec, dnsstatus_incomplete)]);
	if (record_has(r, F_po_dane)) {
		text_put(&t, ", DANE at ");
		text_put(&t, fact_table[F_po_dane].words[record_get_num(r, F_po_dane, posturedane_unknown)]);
		text_put(&t, " of ");
		text_num(&t, (int64_t)record_count(r, F_po_mx_host));
		text_put(&t, record_count(r, F_po_mx_host) == 1 ? " host" : " hosts");
	}
	text_put(&t, ", state ");
	text_put(&t, fact_table[F_po_state].words[record_get_num(r, F_po_state, posturestate_unknown)]);
	while (record_next(r, F_po_changed, &pos, &item)) {
		bool first = record_item_num(item) == posturepart_first;
		text_put(&t, first ? ", first look" : ", another ");
		text_put(&t, first ? "" : fact_table[F_po_changed].words[record_item_num(item)]);
	}
	record_str(r, F_message, (struct bytes){ (uint8_t *)buf, t.n });
}

void event_posture(struct record *r, int64_t at)
{
	static const char *const category[] = { "configuration", NULL };
	static const char *const info[] = { "info", NULL }, *const change[] = { "change", NULL };
	size_t pos = 0;
	struct bytes item;
	bool changed = record_next(r, F_po_changed, &pos, &item) && record_item_num(item) != posturepart_first;
	common(r, changed ? "event" : "state", "mxwitness.posture");
	record_num(r, F_timestamp, at);
	list(r, F_event_category, category);
	list(r, F_event_type, changed ? change : info);
	record_cstr(r, F_event_action, "domain-posture");
	posture_words(r);
	if (r->truncated)
		record_yes(r, F_truncated);
}
