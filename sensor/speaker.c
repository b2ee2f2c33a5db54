/* speaker: see speaker.h. What is kept is a list in the order in which it came; it is gone through when somebody asks what goes out. A share
 * is open from when all of it that was kept has gone out: only then do new ones go out at once, and only of such a share can be said up to where
 * it is written. */
#include "speaker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct kept {
	struct kept *next;
	uint64_t place;
	size_t share, n;
	uint8_t record[];
};

struct speaker {
	struct shares *shares;
	struct kept *first, **last;
	size_t n, octets;
	uint64_t early;
	bool open[LEASES];
};

struct shares *shares_new(void)
{
	void *s = mmap(NULL, sizeof(struct shares), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return s == MAP_FAILED ? NULL : s;
}

struct speaker *speaker_new(struct shares *shares)
{
	struct speaker *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->shares = shares;
	s->last = &s->first;
	return s;
}

/* Takes the one at *at out of the list. */
static void drop(struct speaker *s, struct kept **at)
{
	struct kept *k = *at;
	*at = k->next;
	if (s->last == &k->next)
		s->last = at;
	s->n--;
	s->octets -= k->n;
	free(k);
}

void speaker_free(struct speaker *s)
{
	while (s && s->first)
		drop(s, &s->first);
	free(s);
}

size_t speaker_share(const struct record *alert)
{
	const bool several = record_get_tri(alert, F_alert_several) == TRI_YES;
	const struct bytes server = record_get_str(alert, F_dst_ip), rule = record_get_str(alert, F_rule_id);
	const struct bytes key = several || !server.n ? rule : server;
	uint32_t h = UINT32_C(2166136261);
	for (size_t i = 0; i < key.n; i++)
		h = (h ^ key.p[i]) * UINT32_C(16777619);
	return (h ^ h >> 16) % LEASES;
}

static bool mine(const struct speaker *s, size_t share, int64_t now)
{
	return now < atomic_load(&s->shares->at[share].until);
}

/* Somebody, perhaps we ourselves, has written all up to there. */
static bool told(const struct speaker *s, size_t share, uint64_t place)
{
	const struct share *a = &s->shares->at[share];
	return place <= atomic_load(&a->upto) || place <= atomic_load(&a->told);
}

/* No memory: it goes out. */
static bool keep(struct speaker *s, const struct record *alert, size_t share, uint64_t place)
{
	const size_t n = record_size(alert);
	struct kept *k = malloc(sizeof(*k) + n);
	if (!k)
		return false;
	*k = (struct kept){ .place = place, .share = share, .n = n };
	memcpy(k->record, alert, n);
	*s->last = k;
	s->last = &k->next;
	s->n++;
	s->octets += n;
	return true;
}

bool speaker_says(struct speaker *s, const struct record *alert, uint64_t place, int64_t now)
{
	const size_t share = speaker_share(alert);
	if (told(s, share, place)) /* before we began: we only judge it again */
		return false;
	if (mine(s, share, now) && s->open[share])
		return true;
	s->open[share] = false;
	return !keep(s, alert, share, place);
}

static void lend(struct speaker *s, struct kept **at, struct record *alert)
{
	record_init(alert);
	memcpy(alert, (*at)->record, (*at)->n);
	drop(s, at);
}

bool speaker_next(struct speaker *s, int64_t now, struct record *alert)
{
	bool held[LEASES];
	for (size_t i = 0; i < LEASES; i++)
		held[i] = mine(s, i, now);
	for (struct kept **at = &s->first; *at;) {
		if (told(s, (*at)->share, (*at)->place)) {
			drop(s, at);
		} else if (held[(*at)->share]) {
			lend(s, at, alert);
			return true;
		} else {
			at = &(*at)->next;
		}
	}
	memcpy(s->open, held, sizeof(s->open));
	if (s->n <= SPEAKER_KEPT && s->octets <= SPEAKER_OCTETS)
		return false;
	s->early++;
	lend(s, &s->first, alert);
	return true;
}

/* What was said of a share before we lost it stays written, so it only grows. */
void speaker_written(struct speaker *s, uint64_t place)
{
	for (size_t i = 0; i < LEASES; i++) {
		struct share *a = &s->shares->at[i];
		if (s->open[i] && place > atomic_load(&a->told))
			atomic_store(&a->told, place);
	}
}

size_t speaker_kept(const struct speaker *s)
{
	return s->n;
}

uint64_t speaker_early(const struct speaker *s)
{
	return s->early;
}
