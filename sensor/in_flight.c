/* in_flight: see in_flight.h. Pure: knows no receiver and no clock. */
#include "in_flight.h"

bool in_flight_room(const struct in_flight *f, size_t octets)
{
	return f->next == f->first || (f->next - f->first < IN_FLIGHT_ITEMS && f->octets + octets <= IN_FLIGHT_OCTETS);
}

uint64_t in_flight_add(struct in_flight *f, uint64_t number, size_t octets, int64_t now)
{
	const uint32_t n = octets < UINT32_MAX ? (uint32_t)octets : UINT32_MAX;
	f->item[f->next % IN_FLIGHT_ITEMS] = (struct in_flight_item){ .number = number, .octets = n, .since = now };
	f->octets += n;
	return f->next++;
}

bool in_flight_arrived(struct in_flight *f, uint64_t place)
{
	if (place < f->first || place >= f->next || f->item[place % IN_FLIGHT_ITEMS].arrived)
		return false;
	f->item[place % IN_FLIGHT_ITEMS].arrived = true;
	for (; f->first < f->next && f->item[f->first % IN_FLIGHT_ITEMS].arrived; f->first++) {
		f->done = f->item[f->first % IN_FLIGHT_ITEMS].number;
		f->octets -= f->item[f->first % IN_FLIGHT_ITEMS].octets;
	}
	return true;
}

int64_t in_flight_oldest(const struct in_flight *f)
{
	return f->next == f->first ? -1 : f->item[f->first % IN_FLIGHT_ITEMS].since;
}
