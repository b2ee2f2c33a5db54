/* in_doubt: see in_doubt.h. Pure: knows no socket and no clock. */
#include "in_doubt.h"

static struct in_doubt_item *item_at(struct in_doubt *d, unsigned i)
{
	return &d->item[(d->first + i) % IN_DOUBT_ITEMS];
}

bool in_doubt_room(const struct in_doubt *d, size_t octets)
{
	return !d->n || (d->n < IN_DOUBT_ITEMS && d->put - d->arrived_end + octets <= IN_DOUBT_OCTETS);
}

void in_doubt_add(struct in_doubt *d, uint64_t number, size_t octets)
{
	d->put += octets;
	*item_at(d, d->n++) = (struct in_doubt_item){ .number = number, .end = d->put };
}

void in_doubt_wrote(struct in_doubt *d, uint64_t put, uint64_t wire)
{
	for (; d->written < d->n && item_at(d, d->written)->end <= put; d->written++)
		item_at(d, d->written)->wire = wire;
}

static bool has_arrived(const struct in_doubt_item *i, const struct in_doubt_sight *s)
{
	int64_t lived = s->now - i->since;
	return lived >= s->patience || (i->wire <= s->read && lived >= s->settle);
}

void in_doubt_took(struct in_doubt *d, const struct in_doubt_sight *s)
{
	for (; d->taken < d->written && item_at(d, d->taken)->wire <= s->taken; d->taken++)
		item_at(d, d->taken)->since = s->now;
	while (d->taken && has_arrived(item_at(d, 0), s)) {
		d->number = item_at(d, 0)->number;
		d->arrived_end = item_at(d, 0)->end;
		d->first = (d->first + 1) % IN_DOUBT_ITEMS;
		d->n--;
		d->written--;
		d->taken--;
	}
}

int64_t in_doubt_due(const struct in_doubt *d, int64_t now, int64_t settle)
{
	if (!d->taken)
		return -1;
	int64_t due = d->item[d->first].since + settle - now;
	return due > 0 ? due : 0;
}
