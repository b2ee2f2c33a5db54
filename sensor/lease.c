/* lease: see lease.h. What comes from the store was written by others: it is checked, and whoever writes nonsense there holds nothing. */
#include "lease.h"

#include <stdio.h>
#include <string.h>

enum { AGAIN_MS = 1000 };

/* ---- values ---- */

/* The number at c, and the blank behind it. */
static bool number(struct bytes *c, uint64_t most, uint64_t *n)
{
	size_t i = 0;
	*n = 0;
	for (; i < c->n && i < 20 && c->p[i] >= '0' && c->p[i] <= '9'; i++) {
		const uint64_t digit = (uint64_t)(c->p[i] - '0');
		if (*n > (most - digit) / 10)
			return false;
		*n = *n * 10 + digit;
	}
	if (i == 0 || i >= c->n || c->p[i] != ' ')
		return false;
	*c = bytes_skip(*c, i + 1);
	return true;
}

static bool id_good(struct bytes id)
{
	if (id.n == 0 || id.n >= LEASE_ID)
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (!(id.p[i] >= '0' && id.p[i] <= '9') && !(id.p[i] >= 'a' && id.p[i] <= 'f'))
			return false;
	return true;
}

bool lease_read(struct bytes text, struct lease_value *v)
{
	uint64_t version, epoch, upto;
	*v = (struct lease_value){ 0 };
	if (!number(&text, 1, &version) || version != 1 || !number(&text, INT64_MAX, &epoch) || !number(&text, INT64_MAX, &upto))
		return false;
	const bool nobody = bytes_eq(text, bytes_of("-"));
	if (!nobody && !id_good(text))
		return false;
	v->epoch = (int64_t)epoch;
	v->upto = upto;
	if (!nobody)
		memcpy(v->holder, text.p, text.n);
	return true;
}

void lease_write(const struct lease_value *v, char text[LEASE_TEXT])
{
	snprintf(text, LEASE_TEXT, "1 %lld %llu %s", (long long)v->epoch, (unsigned long long)v->upto, v->holder[0] ? v->holder : "-");
}

/* ---- what is known ---- */

void leases_init(struct leases *l, const char *me, int64_t epoch)
{
	*l = (struct leases){ .epoch = epoch };
	snprintf(l->me, sizeof(l->me), "%s", me);
}

void lease_seen(struct leases *l, size_t share, uint64_t revision, const struct lease_value *v, int64_t now)
{
	struct lease *a = &l->at[share];
	if (revision <= a->revision)
		return;
	a->revision = revision;
	a->seen = now;
	memcpy(a->holder, v->holder, sizeof(a->holder));
	if (v->epoch == l->epoch && v->upto > a->upto)
		a->upto = v->upto;
	a->until = 0; /* our own writing is known by lease_done, and comes back with the revision that we know */
}

/* The place of that judge, or the one that was silent longest. */
static struct lease_judge *judge_of(struct leases *l, const char *id)
{
	struct lease_judge *oldest = &l->judge[0];
	for (size_t i = 0; i < LEASE_JUDGES; i++) {
		if (strcmp(l->judge[i].id, id) == 0)
			return &l->judge[i];
		if (!l->judge[i].id[0] || (oldest->id[0] && l->judge[i].seen < oldest->seen))
			oldest = &l->judge[i];
	}
	*oldest = (struct lease_judge){ .revision = 0 };
	return oldest;
}

void lease_judge_seen(struct leases *l, const char *id, uint64_t revision, enum lease_sign sign, int64_t now)
{
	if (!id_good(bytes_of(id)) || strcmp(id, l->me) == 0)
		return;
	struct lease_judge *j = judge_of(l, id);
	if (sign == LEASE_GONE) {
		*j = (struct lease_judge){ .revision = 0 };
		return;
	}
	if (revision > j->revision)
		j->seen = sign == LEASE_FOUND && !j->id[0] ? now - LEASE_LIFE_MS - 1 : now;
	snprintf(j->id, sizeof(j->id), "%s", id);
	j->revision = revision > j->revision ? revision : j->revision;
}

const char *lease_judge_silent(const struct leases *l, int64_t now)
{
	for (size_t i = 0; i < LEASE_JUDGES; i++)
		if (l->judge[i].id[0] && now - l->judge[i].seen > LEASE_SILENT_MS)
			return l->judge[i].id;
	return NULL;
}

static size_t others(const struct leases *l, int64_t now)
{
	size_t n = 0;
	for (size_t i = 0; i < LEASE_JUDGES; i++)
		n += l->judge[i].id[0] && now - l->judge[i].seen <= LEASE_LIFE_MS;
	return n;
}

bool lease_held(const struct leases *l, size_t share, int64_t now)
{
	return now < l->at[share].until;
}

size_t leases_held(const struct leases *l, int64_t now)
{
	size_t n = 0;
	for (size_t i = 0; i < LEASES; i++)
		n += lease_held(l, i, now);
	return n;
}

/* ---- what is to be done ---- */

/* Where one begins to look, so that not all look at the same. */
static size_t first(const struct leases *l)
{
	size_t h = 0;
	for (const char *p = l->me; *p; p++)
		h = h * 31 + (unsigned char)*p;
	return h % LEASES;
}

/* One that says it is ours and that we do not hold is from before we lost the store for too long. */
static bool vacant(const struct leases *l, const struct lease *a, int64_t now)
{
	return !a->revision || !a->holder[0] || strcmp(a->holder, l->me) == 0 || now - a->seen > LEASE_LIFE_MS;
}

/* Our part, rounded up. */
static size_t part(const struct leases *l, int64_t now)
{
	const size_t judges = others(l, now) + 1;
	return (LEASES + judges - 1) / judges;
}

enum lease_act lease_next(struct leases *l, int64_t now, size_t *share)
{
	const size_t held = leases_held(l, now), mine = l->leaving ? 0 : part(l, now);
	const bool takes = !l->leaving && held < mine && (l->ready || others(l, now) == 0);
	*share = 0;
	if (l->ready && !l->leaving && (!l->announced || now - l->announced >= LEASE_RENEW_MS))
		return LEASE_ANNOUNCE;
	for (size_t i = 0; i < LEASES; i++) {
		struct lease *a = &l->at[*share = (first(l) + i) % LEASES];
		if (now < a->again)
			continue;
		if (lease_held(l, *share, now) && held > mine)
			return LEASE_GIVE;
		if (lease_held(l, *share, now) && now - a->renewed >= LEASE_RENEW_MS)
			return LEASE_RENEW;
		if (takes && !lease_held(l, *share, now) && vacant(l, a, now))
			return LEASE_TAKE;
	}
	return LEASE_NOTHING;
}

struct lease_value lease_wants(const struct leases *l, enum lease_act act, size_t share, uint64_t upto)
{
	struct lease_value v = { .epoch = l->epoch, .upto = upto > l->at[share].upto ? upto : l->at[share].upto };
	if (act != LEASE_GIVE)
		memcpy(v.holder, l->me, sizeof(v.holder));
	return v;
}

static void written(struct leases *l, enum lease_act act, struct lease *a, uint64_t revision, int64_t began)
{
	a->revision = revision;
	a->seen = a->renewed = began;
	a->until = act == LEASE_GIVE ? 0 : began + LEASE_SURE_MS;
	memcpy(a->holder, act == LEASE_GIVE ? "" : l->me, act == LEASE_GIVE ? 1 : sizeof(a->holder));
}

void lease_done(struct leases *l, enum lease_act act, size_t share, enum lease_end end, uint64_t revision, int64_t began)
{
	struct lease *a = &l->at[share];
	if (act == LEASE_ANNOUNCE) {
		l->announced = began;
		return;
	}
	if (end == LEASE_DONE) {
		written(l, act, a, revision, began);
		return;
	}
	a->again = began + AGAIN_MS;
	if (end == LEASE_LOST) {
		a->until = 0;
		a->seen = began; /* somebody was there just now: what he wrote will be seen */
	}
}
