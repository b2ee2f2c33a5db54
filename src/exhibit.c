/* exhibit: see exhibit.h. Heads are copied out before they are read: a value has no alignment of its own. */
#include "exhibit.h"

static size_t padded(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

void exhibit_walk(struct exhibit_walk *w, struct bytes value)
{
	struct exhibit_head head = { 0 };
	if (value.n >= sizeof(head))
		memcpy(&head, value.p, sizeof(head));
	w->packets = head.packets;
	w->left = bytes_skip(value, sizeof(head));
}

bool exhibit_next(struct exhibit_walk *w, struct exhibit_packet *head, struct bytes *octets)
{
	if (w->packets == 0 || w->left.n < sizeof(*head))
		return false;
	memcpy(head, w->left.p, sizeof(*head));
	w->left = bytes_skip(w->left, sizeof(*head));
	if (head->n > w->left.n || padded(head->n) > w->left.n)
		return false;
	*octets = bytes_head(w->left, head->n);
	w->left = bytes_skip(w->left, padded(head->n));
	w->packets--;
	return true;
}

bool exhibit_check(struct bytes value, struct exhibit_head *head)
{
	struct exhibit_walk w;
	struct exhibit_packet packet;
	struct bytes octets;
	uint32_t n = 0;
	if (value.n < sizeof(*head) || value.n > EXHIBIT_OCTETS)
		return false;
	memcpy(head, value.p, sizeof(*head));
	exhibit_walk(&w, value);
	while (exhibit_next(&w, &packet, &octets)) {
		if (packet.dir > 1 || packet.was < packet.n || packet.wire_len < packet.was || packet.covered > packet.was ||
		    packet.ts < 0 || packet.ts > INT64_MAX / 2 || packet.linktype > UINT16_MAX)
			return false;
		n++;
	}
	return n == head->packets && n <= EXHIBIT_PACKETS && w.left.n == 0;
}
