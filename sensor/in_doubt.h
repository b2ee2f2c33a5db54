/* in_doubt: what was handed to a connection whose other end does not say what it got: the numbers of the items, and how far the
 * octets of each reach. An item is believed to have arrived when the other end's system has taken its octets and the
 * connection lived on for a while; a receiver that is killed with octets unread resets it. */
#ifndef IN_DOUBT_H
#define IN_DOUBT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IN_DOUBT_ITEMS = 16384, IN_DOUBT_OCTETS = 8 << 20 };

/* end     of the item, in octets handed over             wire  the same in octets on the wire; 0: not written yet
 * since   when its octets were seen to be taken, ms; 0: not yet */
struct in_doubt_item {
	uint64_t number, end, wire;
	int64_t since;
};

/* A ring: [done, done + n) modulo IN_DOUBT_ITEMS; of these so many are written, and of those taken. put: octets handed over
 * ever. number: of the last one that has arrived. Zero it to begin. */
struct in_doubt {
	struct in_doubt_item item[IN_DOUBT_ITEMS];
	unsigned first, n, written, taken;
	uint64_t put, arrived_end, number;
};

/* Is there room for an item of so many octets? There always is for one, when the list is empty. */
bool in_doubt_room(const struct in_doubt *d, size_t octets);
void in_doubt_add(struct in_doubt *d, uint64_t number, size_t octets);
/* Of the octets handed over, put were written, as the first wire octets on the wire. */
void in_doubt_wrote(struct in_doubt *d, uint64_t put, uint64_t wire);
/* The first octets on the wire are taken, as seen at now (ms, above 0). Those taken settle ms ago have arrived. */
void in_doubt_took(struct in_doubt *d, uint64_t wire, int64_t now, int64_t settle);
/* ms from now until the next item may have arrived; -1: none is waiting for that. */
int64_t in_doubt_due(const struct in_doubt *d, int64_t now, int64_t settle);
#endif
