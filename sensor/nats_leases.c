/* nats_leases: see nats_leases.h. All here waits for answers, shortly; it runs where nobody waits for it. */
#include "nats_leases.h"

#ifdef HAVE_NATS
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* ANSWER_MS  for an answer of the server             LOOK_MS  for what others wrote: it is there or not
 * DEAD_MS    without a sign of life of the judge, and no lease is renewed: nobody would speak for its share
 * PAUSE_MS   behind something that failed            AT_ONCE  writings in a call */
enum { ANSWER_MS = 2000, LOOK_MS = 1, DEAD_MS = 8000, PAUSE_MS = 1000, AT_ONCE = 4 * LEASES, BUCKET = 128, KEY = 32 };

/* whole  all that the bucket had was seen */
struct nats_leases {
	struct shares *shares;
	struct leases leases;
	bool known, whole;
	uint64_t life, given;
	int64_t again, replicas;
	jsCtx *js;
	kvStore *kv;
	kvWatcher *watcher;
	char bucket[BUCKET], me[LEASE_ID];
};

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct nats_leases *nats_leases_new(const char *bucket, struct shares *shares)
{
	struct nats_leases *l = calloc(1, sizeof(*l));
	uint64_t r;
	if (!l || getrandom(&r, sizeof(r), 0) != sizeof(r)) {
		free(l);
		return NULL;
	}
	l->shares = shares;
	snprintf(l->bucket, sizeof(l->bucket), "%s", bucket);
	snprintf(l->me, sizeof(l->me), "%016llx", (unsigned long long)r);
	return l;
}

static void close_bucket(struct nats_leases *l)
{
	kvWatcher_Destroy(l->watcher);
	kvStore_Destroy(l->kv);
	jsCtx_Destroy(l->js);
	l->watcher = NULL;
	l->kv = NULL;
	l->js = NULL;
	l->whole = false;
}

void nats_leases_free(struct nats_leases *l)
{
	if (!l)
		return;
	close_bucket(l);
	free(l);
}

void nats_leases_stream(struct nats_leases *l, int64_t created, int64_t replicas, uint64_t given, bool ready)
{
	if (!l->known)
		leases_init(&l->leases, l->me, created);
	l->known = true;
	l->replicas = replicas;
	l->given = given;
	l->leases.ready = ready;
}

/* ---- the bucket ---- */

static natsStatus make_bucket(struct nats_leases *l)
{
	kvConfig c;
	kvConfig_Init(&c);
	c.Bucket = l->bucket;
	c.Description = "which mxwitness judge speaks for what";
	c.MaxValueSize = 1024;
	c.Replicas = (int)l->replicas;
	return js_CreateKeyValue(&l->kv, l->js, &c);
}

static natsStatus open_bucket(struct nats_leases *l, natsConnection *nc)
{
	jsOptions o;
	jsOptions_Init(&o);
	o.Wait = ANSWER_MS;
	natsStatus s = natsConnection_JetStream(&l->js, nc, &o);
	if (s == NATS_OK)
		s = js_KeyValue(&l->kv, l->js, l->bucket);
	if (s == NATS_NOT_FOUND) {
		s = make_bucket(l);
		if (s != NATS_OK) /* by another judge, between the two questions */
			s = js_KeyValue(&l->kv, l->js, l->bucket);
	}
	if (s == NATS_OK)
		s = kvStore_WatchAll(&l->watcher, l->kv, NULL);
	return s;
}

static void seen(struct nats_leases *l, kvEntry *entry, int64_t now)
{
	const char *key = kvEntry_Key(entry);
	const bool gone = kvEntry_Operation(entry) != kvOp_Put;
	const uint64_t revision = kvEntry_Revision(entry);
	struct lease_value v = { 0 };
	unsigned share;
	char rest;
	if (strncmp(key, "judge.", 6) == 0) {
		lease_judge_seen(&l->leases, key + 6, revision, gone ? LEASE_GONE : l->whole ? LEASE_THERE : LEASE_FOUND, now);
		return;
	}
	if (sscanf(key, "share.%2u%c", &share, &rest) != 1 || share >= LEASES)
		return;
	if (!gone) /* a value that is none is nobody's, and has a revision all the same */
		lease_read((struct bytes){ kvEntry_Value(entry), (size_t)kvEntry_ValueLen(entry) }, &v);
	lease_seen(&l->leases, share, revision, &v, now);
}

/* What others wrote since, and in the beginning all there is. */
static natsStatus look(struct nats_leases *l)
{
	for (int i = 0; i < 1000; i++) {
		kvEntry *entry = NULL;
		natsStatus s = kvWatcher_Next(&entry, l->watcher, l->whole ? LOOK_MS : ANSWER_MS);
		if (s == NATS_TIMEOUT && l->whole)
			return NATS_OK;
		if (s != NATS_OK)
			return s;
		if (entry)
			seen(l, entry, now_ms());
		else
			l->whole = true;
		kvEntry_Destroy(entry);
	}
	return NATS_OK;
}

/* ---- our own ---- */

static uint64_t judge_wrote(const struct nats_leases *l, size_t share)
{
	const uint64_t told = atomic_load(&l->shares->at[share].told);
	return told < l->given ? told : l->given;
}

static enum lease_end put(struct nats_leases *l, enum lease_act act, size_t share, uint64_t *revision)
{
	char key[KEY], text[LEASE_TEXT];
	const struct lease_value v = lease_wants(&l->leases, act, share, judge_wrote(l, share));
	const uint64_t last = l->leases.at[share].revision;
	lease_write(&v, text);
	snprintf(key, sizeof(key), "share.%zu", share);
	const natsStatus s = last ? kvStore_UpdateString(revision, l->kv, key, text, last) : kvStore_CreateString(revision, l->kv, key, text);
	if (s == NATS_OK)
		return LEASE_DONE;
	return s == NATS_TIMEOUT || s == NATS_CONNECTION_CLOSED || s == NATS_CONNECTION_DISCONNECTED || s == NATS_NO_RESPONDERS ? LEASE_UNKNOWN : LEASE_LOST;
}

static bool announce(struct nats_leases *l)
{
	char key[KEY];
	uint64_t revision;
	snprintf(key, sizeof(key), "judge.%s", l->me);
	return kvStore_PutString(&revision, l->kv, key, "1") == NATS_OK;
}

/* One at a time: there are few. Whoever is there again after all says so again. */
static void bury(struct nats_leases *l)
{
	char key[KEY], id[LEASE_ID];
	const char *silent = lease_judge_silent(&l->leases, now_ms());
	if (!silent)
		return;
	snprintf(id, sizeof(id), "%s", silent);
	snprintf(key, sizeof(key), "judge.%s", id);
	kvStore_Purge(l->kv, key, NULL);
	lease_judge_seen(&l->leases, id, 0, LEASE_GONE, now_ms());
}

static bool write_due(struct nats_leases *l)
{
	enum lease_act act;
	enum lease_end end = LEASE_DONE;
	size_t share;
	for (int i = 0; i < AT_ONCE && end != LEASE_UNKNOWN && (act = lease_next(&l->leases, now_ms(), &share)) != LEASE_NOTHING; i++) {
		const int64_t began = now_ms();
		uint64_t revision = 0;
		if (act == LEASE_ANNOUNCE)
			end = announce(l) ? LEASE_DONE : LEASE_UNKNOWN;
		else
			end = put(l, act, share, &revision);
		lease_done(&l->leases, act, share, end, revision, began);
	}
	return end != LEASE_UNKNOWN;
}

static void tell_judge(const struct nats_leases *l)
{
	for (size_t i = 0; i < LEASES; i++) {
		atomic_store(&l->shares->at[i].upto, l->leases.at[i].upto);
		atomic_store(&l->shares->at[i].until, l->leases.at[i].until);
	}
}

static bool failed(struct nats_leases *l, natsStatus s, struct error *e)
{
	natsStatus of;
	const char *more = nats_GetLastError(&of);
	error_set(e, "bucket %s, which says who speaks: %s", l->bucket, more && *more ? more : natsStatus_GetText(s));
	close_bucket(l);
	l->again = now_ms() + PAUSE_MS;
	return false;
}

bool nats_leases_turn(struct nats_leases *l, natsConnection *nc, uint64_t life, struct error *e)
{
	natsStatus s = NATS_OK;
	if (!nc || life != l->life)
		close_bucket(l);
	l->life = life;
	if (!nc || !l->known || now_ms() < l->again)
		return true;
	if (!l->kv)
		s = open_bucket(l, nc);
	if (s == NATS_OK)
		s = look(l);
	if (s != NATS_OK)
		return failed(l, s, e);
	const bool lives = now_ms() - atomic_load(&l->shares->life) < DEAD_MS;
	bury(l);
	const bool good = (!lives && !l->leases.leaving) || write_due(l);
	tell_judge(l);
	return good || failed(l, NATS_TIMEOUT, e);
}

void nats_leases_leave(struct nats_leases *l, natsConnection *nc, uint64_t life)
{
	char key[KEY];
	struct error e;
	l->leases.leaving = true;
	l->again = 0;
	if (!nats_leases_turn(l, nc, life, &e) || !l->kv)
		return;
	snprintf(key, sizeof(key), "judge.%s", l->me);
	kvStore_Purge(l->kv, key, NULL);
}
#endif
