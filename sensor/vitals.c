/* vitals: see vitals.h. Every trouble is on from the first time it is seen until it was not seen for a while, so that one
 * trouble is one alert. It does not know what an alert is, nor who counts.
 *
 * The diagnosis looks at what was counted since a dialogue was last seen from both sides, in the order of a packet's way:
 * link, filter, port, payload, direction, protocol. */
#include "vitals.h"

#include "stats_sum.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define DAY (1440 * MINUTE)

/* FEW  flows, or sessions, that say nothing yet: one scanner makes more */
enum { FEW = 5 };

struct vitals_config vitals_defaults(void)
{
	return (struct vitals_config){ .silence_packets = 10 * MINUTE, .silence_mail = 720 * MINUTE,
				       .silence_one_direction = 30 * MINUTE, .blind = 15 * MINUTE, .anchor = 30 * DAY,
				       .clock = 5 * SECOND, .drops = 1000, .disk = 5, .hold = 5 * MINUTE };
}

void vitals_start(struct vitals *v, const struct vitals_config *config, int64_t mono, int64_t wall)
{
	*v = (struct vitals){ .config = *config, .started = mono, .updated = mono, .packet = mono, .mail = mono,
			      .both = mono, .client = mono, .server = mono, .wall = wall };
}

void vitals_configure(struct vitals *v, const struct vitals_config *config)
{
	v->config = *config;
}

/* A counter. What another process says is taken for possible: a difference of two, times ten, is a number still. */
static int64_t bounded(int64_t v)
{
	return v < 0 ? 0 : v > INT64_C(1) << 53 ? INT64_C(1) << 53 : v;
}

static int64_t num(const struct record *r, enum fact f)
{
	return record_get_num(r, f, 0);
}

static int64_t counted(const struct record *r, enum fact f)
{
	return bounded(num(r, f));
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

static struct vitals_marks marks_of(const struct record *r)
{
	int64_t lost = stats_add(stats_add(sum_of(r, F_st_if_kernel), sum_of(r, F_st_if_dropped)), counted(r, F_st_lost_packets));
	return (struct vitals_marks){
		.packets = counted(r, F_st_packets), .received = bounded(sum_of(r, F_st_if_received)), .lost = bounded(lost),
		.flows = counted(r, F_st_flows), .empty = counted(r, F_st_flows_empty), .other = counted(r, F_st_flows_other),
		.at_once = counted(r, F_st_tls_at_once), .sessions = counted(r, F_st_sessions),
		.client_only = counted(r, F_st_client_only), .server_only = counted(r, F_st_server_only),
		.silent_tls = counted(r, F_st_at_once), .segments = counted(r, F_st_segments), .bad = counted(r, F_st_sums_bad),
		.records_lost = counted(r, F_st_lost_records),
	};
}

/* What came between two looks. A counter that went back was begun anew. */
static int64_t since(int64_t now, int64_t before)
{
	return now >= before ? now - before : now;
}

static bool name_is(const struct vitals_name *name, struct bytes b)
{
	return bytes_eq((struct bytes){ name->octets, name->n }, bytes_head(b, VITALS_NAME));
}

static void name_set(struct vitals_name *name, struct bytes b)
{
	b = bytes_head(b, VITALS_NAME);
	name->n = (uint8_t)b.n;
	if (b.n)
		memcpy(name->octets, b.p, b.n);
}

static void name_add(struct vitals_name *names, size_t *n, struct bytes b)
{
	for (size_t i = 0; i < *n; i++)
		if (name_is(&names[i], b))
			return;
	if (*n < VITALS_NAMES)
		name_set(&names[(*n)++], b);
}

/* The trouble is there, or not; on as long as it was there within hold. */
static bool trouble(struct vitals *v, enum degraded what, bool bad, int64_t mono)
{
	struct vitals_trouble *t = &v->trouble[what];
	if (bad)
		*t = (struct vitals_trouble){ true, mono };
	else if (t->on && mono - t->last >= v->config.hold)
		t->on = false;
	return t->on;
}

/* Adds the names that are troubled now to those that were; a trouble that is over forgets them. */
static void named_trouble(struct vitals *v, enum degraded what, const struct vitals_name *bad, size_t nbad,
			  struct vitals_name *names, size_t *n, int64_t mono)
{
	for (size_t i = 0; i < nbad; i++)
		name_add(names, n, (struct bytes){ bad[i].octets, bad[i].n });
	if (!trouble(v, what, nbad > 0, mono))
		*n = 0;
}

/* How much the counter of that name grew; all of it when the name is new. 0 for names that found no room. */
static int64_t growth(struct vitals_counter *known, size_t *n, struct bytes name, int64_t count)
{
	for (size_t i = 0; i < *n; i++) {
		if (!name_is(&known[i].name, name))
			continue;
		int64_t grown = since(count, known[i].count);
		known[i].count = count;
		return grown;
	}
	if (*n == VITALS_KNOWN)
		return 0;
	name_set(&known[*n].name, name);
	known[(*n)++].count = count;
	return count;
}

static void look_at_interfaces(struct vitals *v, const struct record *r, int64_t mono)
{
	struct vitals_name bad[VITALS_NAMES];
	size_t n = 0;
	for (struct stats_rows row = { .r = r, .name = F_st_if_name }; stats_rows_next(&row);) {
		int64_t link = stats_rows_num(&row, F_st_if_link);
		if (link == link_down || link == link_gone)
			name_add(bad, &n, row.key);
	}
	named_trouble(v, degraded_interface, bad, n, v->interfaces, &v->ninterfaces, mono);
}

static void look_at_processes(struct vitals *v, const struct record *r, int64_t mono)
{
	struct vitals_name bad[VITALS_NAMES];
	size_t n = 0;
	for (struct stats_rows row = { .r = r, .name = F_st_process }; stats_rows_next(&row);)
		if (growth(v->restarts, &v->nrestarts, row.key, stats_rows_num(&row, F_st_process_ended)) > 0)
			name_add(bad, &n, row.key);
	named_trouble(v, degraded_process, bad, n, v->processes, &v->nprocesses, mono);
}

static void look_at_outputs(struct vitals *v, const struct record *r, int64_t mono)
{
	struct vitals_name bad[VITALS_NAMES];
	size_t n = 0;
	for (struct stats_rows row = { .r = r, .name = F_st_output }; stats_rows_next(&row);) {
		int64_t failed = stats_add(stats_rows_num(&row, F_st_output_failed), stats_rows_num(&row, F_st_output_lost));
		if (growth(v->failures, &v->nfailures, row.key, failed) > 0)
			name_add(bad, &n, row.key);
	}
	named_trouble(v, degraded_output, bad, n, v->outputs, &v->noutputs, mono);
}

static void look_at_disks(struct vitals *v, const struct record *r, int64_t mono)
{
	struct vitals_name bad[VITALS_NAMES];
	size_t n = 0;
	for (struct stats_rows row = { .r = r, .name = F_st_disk }; stats_rows_next(&row);) {
		int64_t size = stats_rows_num(&row, F_st_disk_size);
		if (size > 0 && stats_rows_num(&row, F_st_disk_free) / (size / 100 + 1) < v->config.disk)
			name_add(bad, &n, row.key);
	}
	named_trouble(v, degraded_disk, bad, n, v->disks, &v->ndisks, mono);
}

static void look_at_drops(struct vitals *v, const struct vitals_marks *now, int64_t mono, int64_t wall,
			  struct record *r)
{
	int64_t lost = since(now->lost, v->before.lost), got = since(now->packets, v->before.packets);
	int64_t ppm = lost > 0 ? (int64_t)((double)lost * 1e6 / ((double)lost + (double)got)) : 0;
	bool bad = v->config.drops && ppm > v->config.drops;
	record_num(r, F_st_drop_ppm, ppm);
	trouble(v, degraded_packets, bad, mono);
	if (!bad)
		return;
	if (v->lossy_until < v->wall || v->lossy_from == 0) /* not the interval next to the one before */
		v->lossy_from = v->wall;
	v->lossy_until = wall;
}

static void look_at_times(struct vitals *v, const struct record *r, int64_t mono, int64_t wall)
{
	int64_t anchor = num(r, F_st_anchor_at), offset = num(r, F_st_clock_offset);
	trouble(v, degraded_anchor, v->config.anchor && anchor > 0 && wall - anchor > v->config.anchor, mono);
	trouble(v, degraded_clock, v->config.clock && (offset > v->config.clock || offset < -v->config.clock), mono);
}

static void write_names(struct record *r, enum fact f, const struct vitals_name *names, size_t n)
{
	record_unset(r, f);
	for (size_t i = 0; i < n; i++)
		record_add(r, f, (struct bytes){ names[i].octets, names[i].n });
}

static void look_at_health(struct vitals *v, const struct vitals_marks *now, int64_t mono, int64_t wall,
			   struct record *r)
{
	look_at_drops(v, now, mono, wall, r);
	look_at_times(v, r, mono, wall);
	trouble(v, degraded_resolver, num(r, F_resolver_fault) != resolverfault_none, mono);
	trouble(v, degraded_records, since(now->records_lost, v->before.records_lost) > 0, mono);
	look_at_interfaces(v, r, mono);
	look_at_processes(v, r, mono);
	look_at_outputs(v, r, mono);
	look_at_disks(v, r, mono);
	record_unset(r, F_st_degraded);
	for (int i = 0; i < degraded_COUNT; i++)
		if (v->trouble[i].on)
			record_add_num(r, F_st_degraded, i);
	write_names(r, F_st_lack_interface, v->interfaces, v->ninterfaces);
	write_names(r, F_st_lack_process, v->processes, v->nprocesses);
	write_names(r, F_st_lack_output, v->outputs, v->noutputs);
	write_names(r, F_st_lack_disk, v->disks, v->ndisks);
}

/* Which of these came in since the last look. */
static void look_at_signs(struct vitals *v, const struct vitals_marks *now, int64_t mono, int64_t wall)
{
	const struct vitals_marks *b = &v->before;
	int64_t sessions = since(now->sessions, b->sessions);
	int64_t client = since(now->client_only, b->client_only), server = since(now->server_only, b->server_only);
	int64_t tls = since(now->silent_tls, b->silent_tls); /* both sides, and all the same nothing is read */
	bool both = sessions > client + server + tls;
	if (since(now->packets, b->packets) > 0) {
		v->packet = mono;
		v->packet_at = wall;
	}
	if (sessions > 0) {
		v->mail = mono;
		v->mail_at = wall;
	}
	if (both) {
		v->both = mono;
		v->at_both = *now;
		v->ever_both = true;
	}
	if (both || tls > 0 || client > 0) {
		v->client = mono;
		v->ever_client = true;
	}
	if (both || tls > 0 || server > 0) {
		v->server = mono;
		v->ever_server = true;
	}
}

/* One side is not seen for so long, and the other goes on. */
static bool lost(const struct vitals *v, bool ever, int64_t seen, int64_t other, int64_t alone, int64_t mono)
{
	int64_t most = v->config.silence_one_direction;
	return most && ever && v->ever_both && mono - seen >= most && mono - other < most && alone >= FEW;
}

/* Of all interfaces, as far as it is known. */
static bool no_link(const struct record *r)
{
	bool any = false;
	for (struct stats_rows row = { .r = r, .name = F_st_if_name }; stats_rows_next(&row);) {
		int64_t link = stats_rows_num(&row, F_st_if_link);
		any = true;
		if (link != link_down && link != link_gone)
			return false;
	}
	return any;
}

static bool look_at_silence(const struct vitals *v, const struct vitals_marks *now, int64_t mono, struct record *r)
{
	const struct vitals_config *c = &v->config;
	bool is[silence_COUNT] = { false };
	bool any = false;
	bool link = !no_link(r); /* without one it is the interface that is told of */
	is[silence_packets] = link && c->silence_packets && mono - v->packet >= c->silence_packets;
	is[silence_mail] = link && c->silence_mail && !is[silence_packets] && mono - v->mail >= c->silence_mail;
	is[silence_client] = lost(v, v->ever_client, v->client, v->server, since(now->server_only, v->at_both.server_only), mono);
	is[silence_server] = lost(v, v->ever_server, v->server, v->client, since(now->client_only, v->at_both.client_only), mono);
	record_unset(r, F_st_silent);
	for (int i = 0; i < silence_COUNT; i++) {
		if (is[i])
			record_add_num(r, F_st_silent, i);
		any = any || is[i];
	}
	return any;
}

/* What flows on mail ports were, of which none became a session that was seen from both sides. */
static enum blindness of_flows(const struct vitals *v, const struct vitals_marks *now)
{
	const struct vitals_marks *b = &v->at_both;
	int64_t flows = since(now->flows, b->flows), one = since(now->client_only, b->client_only) +
			since(now->server_only, b->server_only);
	bool sums = since(now->bad, b->bad) * 2 > since(now->segments, b->segments);
	if (flows < FEW)
		return flows == 0 ? blindness_port : blindness_none;
	if (since(now->empty, b->empty) * 10 >= flows * 9)
		return blindness_payload;
	if (one >= FEW)
		return v->ever_both ? blindness_none : blindness_mirror; /* a side that was lost is a silence */
	if (since(now->at_once, b->at_once) * 2 > flows)
		return blindness_encrypted;
	if (since(now->other, b->other) * 2 > flows)
		return sums ? blindness_checksum : blindness_other;
	return sums ? blindness_checksum : blindness_none;
}

static enum blindness diagnosis(const struct vitals *v, const struct vitals_marks *now, const struct record *r)
{
	if (no_link(r))
		return blindness_link;
	if (since(now->packets, v->at_both.packets) > 0)
		return of_flows(v, now);
	return since(now->received, v->at_both.received) > 0 ? blindness_filter : blindness_traffic;
}

static void look_for_reason(const struct vitals *v, const struct vitals_marks *now, bool silent, int64_t mono,
			    struct record *r)
{
	bool due = silent || (v->config.blind && !v->ever_both && mono - v->started >= v->config.blind);
	record_num(r, F_st_blind, due ? diagnosis(v, now, r) : blindness_none);
}

void vitals_update(struct vitals *v, int64_t mono, int64_t wall, struct record *r)
{
	struct vitals_marks now = marks_of(r);
	record_num(r, F_st_interval, mono - v->updated);
	record_num(r, F_st_uptime, mono - v->started);
	look_at_health(v, &now, mono, wall, r);
	look_at_signs(v, &now, mono, wall);
	look_for_reason(v, &now, look_at_silence(v, &now, mono, r), mono, r);
	if (v->packet_at)
		record_num(r, F_st_last_packet, v->packet_at);
	if (v->mail_at)
		record_num(r, F_st_last_mail, v->mail_at);
	v->before = now;
	v->updated = mono;
	v->wall = wall;
}

bool vitals_lossy(const struct vitals *v, int64_t start, int64_t end)
{
	return v->lossy_from && start - MINUTE <= v->lossy_until && end >= v->lossy_from;
}
