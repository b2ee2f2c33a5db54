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

void in_doubt_took(struct in_doubt *d, uint64_t wire, int64_t now, int64_t settle)
{
	for (; d->taken < d->written && item_at(d, d->taken)->wire <= wire; d->taken++)
		item_at(d, d->taken)->since = now;
	while (d->taken && now - item_at(d, 0)->since >= settle) {
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
