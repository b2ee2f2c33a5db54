/* in_flight: the numbers of what was handed to a receiver that acknowledges each item by itself, in any order: which of them are
 * acknowledged, and up to which all are. */
#ifndef IN_FLIGHT_H
#define IN_FLIGHT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IN_FLIGHT_ITEMS = 1024, IN_FLIGHT_OCTETS = 1 << 20 };

struct in_flight_item {
	uint64_t number;
	uint32_t octets;
	bool arrived;
	int64_t since;
};

/* A ring: the places [first, next) are under way, place p in item[p modulo IN_FLIGHT_ITEMS]; all before first have arrived, the last of
 * which was number done. Zero it to begin. */
struct in_flight {
	struct in_flight_item item[IN_FLIGHT_ITEMS];
	uint64_t first, next, octets, done;
};

/* Is there room for an item of so many octets? There always is for one, when nothing is under way. */
bool in_flight_room(const struct in_flight *f, size_t octets);
/* Numbers rise. now: ms. The place by which in_flight_arrived knows the item. */
uint64_t in_flight_add(struct in_flight *f, uint64_t number, size_t octets, int64_t now);
/* false: no such place is under way, or it has arrived before. */
bool in_flight_arrived(struct in_flight *f, uint64_t place);
/* Since when the first that has not arrived is under way, ms; -1: there is none. */
int64_t in_flight_oldest(const struct in_flight *f);
#endif
