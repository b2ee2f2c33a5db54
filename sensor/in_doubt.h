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
/* What is seen of the other end at now (ms, above 0): octets on the wire that its system has taken, and those of them that its program
 * has surely read. An item has arrived settle ms after it was taken, if it is surely read; if that cannot be seen, after patience ms. */
struct in_doubt_sight {
	uint64_t taken, read;
	int64_t now, settle, patience;
};
void in_doubt_took(struct in_doubt *d, const struct in_doubt_sight *s);
/* ms from now until the first item has been taken for settle ms, 0 if it has; -1: none is taken. */
int64_t in_doubt_due(const struct in_doubt *d, int64_t now, int64_t settle);
#endif
