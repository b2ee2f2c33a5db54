/* receivers: see receivers.h. One event at a time may wait for a spool that cannot be written, as on a full disk; who gives events waits with
 * it, and so does everybody before. Nothing is given up here: the spool does that, by its own rules, when it may not grow. */
#include "receivers.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format.h"
#include "json.h"
#include "log.h"
#include "spool.h"

/* SENT: octets that an event may have in any format     STEADY_MS: without a failure, and a spool is well again */
enum { SENT = JSON_LINE + 2048, NAME = 96, STEADY_MS = 5000 };

/* held: an event that could not be put, when holding; its texts are in payload and words
 * base: the numbers when it was opened     put: something was, since it was synced
 * told: that an attempt failed, and since when (ms) none did, or 0; a disk that is all but full is not told of for each event */
struct receiver {
	const struct output_settings *output;
	char name[NAME];
	struct spool *spool;
	struct spool_numbers base;
	struct spool_item held;
	char *payload;
	char words[256];
	bool holding, told, put;
	int64_t well_since;
	uint64_t failures;
};

struct receivers {
	char sensor[256];
	size_t n;
	struct receiver at[];
};

size_t receivers_count(const struct settings *s)
{
	size_t n = 0;
	for (size_t i = 0; i < s->output.n; i++)
		n += receivers_have(&s->output.at[i]);
	return n;
}

bool receivers_folder(const char *folder, const struct output_settings *o, char *path, size_t size)
{
	char name[NAME];
	format_name(o, name, sizeof(name));
	const int n = snprintf(path, size, "%s/%s", folder, name);
	return n > 0 && (size_t)n < size;
}

static bool open_one(struct receiver *k, const struct output_settings *o, const char *folder, struct error *e)
{
	char path[PATH_MAX];
	k->output = o;
	format_name(o, k->name, sizeof(k->name));
	k->payload = malloc(SENT);
	if (!k->payload)
		return error_set(e, "no memory for output %s", k->name);
	if (!receivers_folder(folder, o, path, sizeof(path)))
		return error_set(e, "spool: %s: the path is too long", folder);
	k->spool = spool_open(path, o->spool, e);
	if (k->spool)
		k->base = spool_numbers(k->spool);
	return k->spool;
}

struct receivers *receivers_new(const struct settings *settings, const char *folder, const char *sensor, struct error *e)
{
	struct receivers *r = calloc(1, sizeof(*r) + receivers_count(settings) * sizeof(r->at[0]));
	bool good = r || error_set(e, "no memory for outputs");
	if (good)
		snprintf(r->sensor, sizeof(r->sensor), "%s", sensor ? sensor : "");
	for (size_t i = 0; good && i < settings->output.n; i++)
		if (receivers_have(&settings->output.at[i]))
			good = open_one(&r->at[r->n++], &settings->output.at[i], folder, e);
	if (good)
		return r;
	receivers_free(r);
	return NULL;
}

void receivers_free(struct receivers *r)
{
	for (size_t i = 0; r && i < r->n; i++) {
		spool_close(r->at[i].spool);
		free(r->at[i].payload);
	}
	free(r);
}

bool receivers_room(const struct receivers *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->at[i].holding)
			return false;
	return true;
}

/* ---- an event ---- */

/* Copies a text to *at and moves that on; what has no room is left out. */
static struct bytes keep(struct receiver *k, size_t *at, struct bytes text)
{
	text = bytes_head(text, sizeof(k->words) - *at);
	if (text.n)
		memcpy(k->words + *at, text.p, text.n);
	const struct bytes kept = { (const uint8_t *)k->words + *at, text.n };
	*at += text.n;
	return kept;
}

/* Whose is it, for those who spread messages: the server, or, of an alert about none, what it is about. */
static struct bytes key_of(const struct record *event, char address[64])
{
	struct text t = { address, 0, 64, false };
	struct addr server;
	if (!record_get_addr(event, F_dst_ip, &server))
		return record_get_str(event, F_dst_domain);
	text_addr(&t, &server);
	return (struct bytes){ (const uint8_t *)address, t.n };
}

static void cannot(struct receiver *k)
{
	k->failures++;
	if (!k->told)
		log_line(SAY_ERROR, "output %s: its spool cannot be written: %s; events wait", k->name, strerror(errno));
	k->told = true;
	k->well_since = 0;
}

static void well(struct receiver *k)
{
	struct timespec t;
	if (!k->told)
		return;
	clock_gettime(CLOCK_MONOTONIC, &t);
	const int64_t now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
	if (!k->well_since)
		k->well_since = now;
	if (now - k->well_since < STEADY_MS)
		return;
	log_line(SAY_NOTICE, "output %s: its spool is written again", k->name);
	k->told = false;
}

static bool put(struct receiver *k)
{
	if (!spool_put(k->spool, &k->held)) {
		cannot(k);
		k->holding = true;
		return false;
	}
	k->holding = false;
	k->put = true;
	return true;
}

static bool take(const struct receivers *r, struct receiver *k, struct record *event)
{
	char address[64];
	size_t at = 0;
	struct text line = { k->payload, 0, SENT, false };
	record_num(event, F_event_sequence, (int64_t)spool_next_number(k->spool));
	if (!format_event(k->output, r->sensor, event, k->output->type == output_type_unix, &line))
		return false;
	k->held = (struct spool_item){ .dataset = (uint8_t)format_dataset(event), .level = (uint8_t)record_get_num(event, F_alert_level, 0),
		.at = record_get_num(event, F_timestamp, 0), .payload = { (const uint8_t *)k->payload, line.n } };
	k->held.id = keep(k, &at, record_get_str(event, F_event_id));
	k->held.key = keep(k, &at, key_of(event, address));
	put(k);
	return true;
}

bool receivers_event(struct receivers *r, struct record *event)
{
	bool good = true;
	for (size_t i = 0; i < r->n; i++)
		if (format_wanted(r->at[i].output, event))
			good = take(r, &r->at[i], event) && good;
	return good;
}

static bool flush(struct receiver *k)
{
	if (k->holding && !put(k))
		return false;
	if (k->put && !spool_sync(k->spool)) {
		cannot(k);
		return false;
	}
	k->put = false;
	well(k);
	return true;
}

bool receivers_flush(struct receivers *r)
{
	bool all = true;
	for (size_t i = 0; i < r->n; i++)
		all = flush(&r->at[i]) && all;
	return all;
}

/* ---- numbers ---- */

static void column(const struct receivers *r, struct record *stats, enum fact fact, uint64_t (*number)(const struct receiver *k))
{
	for (size_t i = 0; i < r->n; i++)
		record_add_num(stats, fact, (int64_t)number(&r->at[i]));
}

static uint64_t acknowledged(const struct receiver *k)
{
	return spool_numbers(k->spool).acknowledged - k->base.acknowledged;
}

static uint64_t failures(const struct receiver *k)
{
	return k->failures + spool_numbers(k->spool).failures - k->base.failures;
}

static uint64_t given_up(const struct receiver *k)
{
	const struct spool_numbers n = spool_numbers(k->spool);
	return n.lost_alerts - k->base.lost_alerts + n.lost_others - k->base.lost_others;
}

static uint64_t alerts_given_up(const struct receiver *k)
{
	return spool_numbers(k->spool).lost_alerts - k->base.lost_alerts;
}

static uint64_t again(const struct receiver *k)
{
	return spool_numbers(k->spool).again - k->base.again;
}

static uint64_t waiting(const struct receiver *k)
{
	return spool_numbers(k->spool).waiting + k->holding;
}

/* A file of the spool goes when all in it is done: what nobody waits for is no number to show. */
static uint64_t octets(const struct receiver *k)
{
	const struct spool_numbers n = spool_numbers(k->spool);
	return n.waiting ? n.octets : 0;
}

void receivers_fill(const struct receivers *r, struct record *stats)
{
	for (size_t i = 0; i < r->n; i++)
		record_add_cstr(stats, F_st_output, r->at[i].name);
	column(r, stats, F_st_output_sent, acknowledged);
	column(r, stats, F_st_output_failed, failures);
	column(r, stats, F_st_output_lost, given_up);
	column(r, stats, F_st_output_lost_alerts, alerts_given_up);
	column(r, stats, F_st_output_again, again);
	column(r, stats, F_st_output_wait, octets);
	column(r, stats, F_st_output_queued, waiting);
}
