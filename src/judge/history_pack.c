/* history_pack: an entry of history.h as octets and back. Numbers are in 7-bit groups, lowest first, so that an entry of a
 * server that is seen twice is short; a row of a database is input like any other. One function walks the entry for both
 * ways, so that they cannot part. */
#include "judge/history.h"

enum { FORMAT = 1 };

struct tape {
	bool reads;
	struct cur in;
	uint8_t *out;
	size_t n;
};

static void number(struct tape *w, uint64_t *v)
{
	if (!w->reads) {
		uint64_t rest = *v;
		for (; rest >= 0x80; rest >>= 7)
			w->out[w->n++] = (uint8_t)(rest | 0x80);
		w->out[w->n++] = (uint8_t)rest;
		return;
	}
	*v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t octet = cur_u8(&w->in);
		*v |= (uint64_t)(octet & 0x7f) << shift;
		if (!(octet & 0x80))
			return;
	}
	w->in.bad = true;
}

/* A number that must not be larger than max. */
static uint64_t small(struct tape *w, uint64_t v, uint64_t max)
{
	number(w, &v);
	if (v <= max)
		return v;
	w->in.bad = true;
	return 0;
}

static void time_of(struct tape *w, int64_t *t)
{
	uint64_t v = (uint64_t)*t;
	number(w, &v);
	*t = (int64_t)v;
	if (*t < 0)
		w->in.bad = true;
}

static void times(struct tape *w, struct history_times *t)
{
	t->n = (uint32_t)small(w, t->n, UINT32_MAX);
	if (t->n == 0)
		return;
	time_of(w, &t->first);
	time_of(w, &t->last);
}

static void octets(struct tape *w, void *p, size_t n)
{
	if (w->reads) {
		struct bytes b = cur_take(&w->in, n);
		if (b.n)
			memcpy(p, b.p, b.n);
		return;
	}
	memcpy(w->out + w->n, p, n);
	w->n += n;
}

static void clients(struct tape *w, struct history_clients *c)
{
	c->n = (uint8_t)small(w, c->n, HISTORY_CLIENTS);
	for (size_t i = 0; i < c->n; i++)
		octets(w, &c->who[i], sizeof(c->who[i]));
}

static void view(struct tape *w, struct history_view *v)
{
	times(w, &v->times);
	octets(w, &v->banner, sizeof(v->banner));
	v->n = (uint16_t)small(w, v->n, HISTORY_WORDS);
	octets(w, v->keywords, v->n);
}

static void key(struct tape *w, struct history_spki *k)
{
	times(w, &k->times);
	octets(w, k->spki, sizeof(k->spki));
	octets(w, &k->names, sizeof(k->names));
	octets(w, &k->issuer, sizeof(k->issuer));
	octets(w, &k->kind, sizeof(k->kind));
	k->bits = (uint16_t)small(w, k->bits, UINT16_MAX);
	k->by = (uint8_t)small(w, k->by, issuerclass_COUNT - 1);
}

static void name(struct tape *w, struct history_name *n)
{
	size_t used = w->reads ? 0 : strlen(n->name);
	time_of(w, &n->last);
	used = (size_t)small(w, used, HISTORY_NAME - 1);
	octets(w, n->name, used);
	n->name[used] = '\0';
}

static void lists(struct tape *w, struct history_entry *e)
{
	e->views = (uint8_t)small(w, e->views, HISTORY_VIEWS);
	for (size_t i = 0; i < e->views; i++)
		view(w, &e->view[i]);
	e->keys = (uint8_t)small(w, e->keys, HISTORY_KEYS);
	for (size_t i = 0; i < e->keys; i++)
		key(w, &e->key[i]);
	e->hellos = (uint8_t)small(w, e->hellos, HISTORY_HELLOS);
	for (size_t i = 0; i < e->hellos; i++) {
		times(w, &e->hello[i].times);
		octets(w, &e->hello[i].hello, sizeof(e->hello[i].hello));
		e->hello[i].version = (uint8_t)small(w, e->hello[i].version, 13);
	}
	e->prints = (uint8_t)small(w, e->prints, HISTORY_HELLOS);
	for (size_t i = 0; i < e->prints; i++) {
		times(w, &e->print[i].times);
		octets(w, &e->print[i].print, sizeof(e->print[i].print));
	}
	e->flights = (uint8_t)small(w, e->flights, HISTORY_FLIGHTS);
	for (size_t i = 0; i < e->flights; i++) {
		times(w, &e->flight[i].times);
		e->flight[i].certificate = (uint16_t)small(w, e->flight[i].certificate, UINT16_MAX);
		e->flight[i].verify = (uint16_t)small(w, e->flight[i].verify, UINT16_MAX);
	}
	e->hosts = (uint8_t)small(w, e->hosts, HISTORY_NAMES);
	for (size_t i = 0; i < e->hosts; i++)
		name(w, &e->host[i]);
	e->domains = (uint8_t)small(w, e->domains, HISTORY_NAMES);
	for (size_t i = 0; i < e->domains; i++)
		name(w, &e->domain[i]);
}

static void entry(struct tape *w, struct history_entry *e)
{
	if (small(w, FORMAT, FORMAT) != FORMAT)
		w->in.bad = true;
	times(w, &e->all);
	times(w, &e->tls);
	times(w, &e->none);
	times(w, &e->weaker);
	times(w, &e->other);
	clients(w, &e->clients);
	clients(w, &e->weaker_by);
	clients(w, &e->other_by);
	e->days = (uint32_t)small(w, e->days, UINT32_MAX);
	time_of(w, &e->day);
	e->claim = (uint8_t)small(w, e->claim, strength_COUNT - 1);
	time_of(w, &e->claimed);
	time_of(w, &e->lowered);
	e->ttl = (uint8_t)small(w, e->ttl, UINT8_MAX);
	time_of(w, &e->rtt);
	lists(w, e);
}

size_t history_pack(struct history_entry *e, uint8_t *buf)
{
	struct tape w = { .out = buf };
	entry(&w, e);
	return w.n;
}

bool history_unpack(struct history_entry *e, struct bytes in)
{
	struct tape w = { .reads = true, .in = cur_of(in) };
	memset(e, 0, sizeof(*e));
	entry(&w, e);
	if (!w.in.bad && cur_left(&w.in) == 0 && in.n)
		return true;
	memset(e, 0, sizeof(*e));
	return false;
}
