/* frame: headers, from the link to TCP or UDP. One loop over "what is inside": each step reads one header and says
 * what follows, at most FRAME_DEPTH times, so that a tunnel is one more step and no packet can make the loop long.
 * Knows no flow and no payload. IEEE 802.1Q, 802.1BR, RFC 2516 (PPPoE), RFC 3032 (MPLS), RFC 791, RFC 8200,
 * RFC 4302 (AH), RFC 9293, RFC 768, RFC 7323 (timestamps). */
#include "wire/frame.h"

enum { FRAME_DEPTH = 12, EXTENSIONS_MAX = 12 };

enum {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_RAW_BSD = 12,
	LINK_RAW_OPENBSD = 14,
	LINK_RAW = 101,
	LINK_LOOP = 108,
	LINK_SLL = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_SLL2 = 276
};

enum step { STEP_ETHERNET, STEP_TYPE, STEP_IP, STEP_IPV4, STEP_IPV6, STEP_UPPER, STEP_DONE, STEP_FRAGMENT, STEP_OTHER,
	    STEP_BAD };

/* c        what is captured and not read yet; trimmed to what the IP header promises
 * missing  octets behind c that were on the wire and are not captured
 * type     EtherType of what follows (STEP_TYPE)    proto  IP protocol of what follows (STEP_UPPER)
 * pieces   the datagram was made of fragments       upper  c and missing as TCP or UDP found them */
struct walk {
	struct cur c;
	size_t missing;
	uint16_t type;
	uint8_t proto;
	bool pieces;
	struct bytes upper;
	size_t upper_missing;
	const struct packet *pkt;
	struct fragment_table *ft;
	struct segment *seg;
};

static enum step read_link(struct walk *w)
{
	uint32_t family;
	switch (w->pkt->linktype) {
	case LINK_ETHERNET:
		return STEP_ETHERNET;
	case LINK_RAW:
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
		return STEP_IP;
	case LINK_IPV4:
		return STEP_IPV4;
	case LINK_IPV6:
		return STEP_IPV6;
	case LINK_SLL:
		cur_take(&w->c, 14);
		w->type = cur_u16(&w->c);
		return STEP_TYPE;
	case LINK_SLL2:
		w->type = cur_u16(&w->c);
		cur_take(&w->c, 18);
		return STEP_TYPE;
	case LINK_NULL:
	case LINK_LOOP:
		/* The family stands in the byte order of the capturing host, and its number for IPv6 differs by
		 * system (10, 24, 28, 30); the version nibble behind it is the same everywhere. */
		family = cur_u32(&w->c);
		family = family > 0xffff ? family >> 24 : family;
		return family == 2 || family == 10 || family == 24 || family == 28 || family == 30 ? STEP_IP : STEP_OTHER;
	default:
		return STEP_OTHER;
	}
}

static enum step read_ethernet(struct walk *w)
{
	cur_take(&w->c, 12);
	w->type = cur_u16(&w->c);
	return STEP_TYPE;
}

static enum step read_vlan(struct walk *w)
{
	struct segment *seg = w->seg;
	uint16_t tci = cur_u16(&w->c);
	if (seg->vlans < 2)
		seg->vlan[seg->vlans] = tci & 0xfff;
	if (seg->vlans < UINT8_MAX)
		seg->vlans++;
	seg->encap |= seg->vlans > 1 ? ENCAP_QINQ : ENCAP_VLAN;
	w->type = cur_u16(&w->c);
	return STEP_TYPE;
}

/* A header says that n octets follow: what is behind them is padding. What is short of them was cut by the capture,
 * as far as the capture says that it cut something; a length that promises more than the frame had is a lie. */
static void trim(struct walk *w, size_t n)
{
	size_t left = cur_left(&w->c), lack = left < n ? n - left : 0;
	w->missing = lack < w->missing ? lack : w->missing;
	if (left > n)
		w->c.end = w->c.p + n;
}

static enum step read_pppoe(struct walk *w)
{
	uint8_t version = cur_u8(&w->c), code = cur_u8(&w->c);
	cur_take(&w->c, 2);
	trim(w, cur_u16(&w->c));
	uint16_t ppp = cur_u16(&w->c);
	w->seg->encap |= ENCAP_PPPOE;
	if (w->c.bad || version != 0x11 || code != 0)
		return w->c.bad ? STEP_BAD : STEP_OTHER;
	return ppp == 0x0021 ? STEP_IPV4 : ppp == 0x0057 ? STEP_IPV6 : STEP_OTHER;
}

/* The labels do not say what they carry (RFC 3032 2.2); the first nibble behind them does: an IP version, or 0 for
 * the control word of an Ethernet pseudowire (RFC 4448 4.6). */
static enum step read_mpls(struct walk *w)
{
	uint32_t label = 0;
	w->seg->encap |= ENCAP_MPLS;
	for (int i = 0; i < 8 && !(label & 0x100); i++)
		label = cur_u32(&w->c);
	if (w->c.bad || cur_left(&w->c) == 0)
		return STEP_BAD;
	if (!(label & 0x100))
		return STEP_OTHER;
	if (w->c.p[0] >> 4 != 0)
		return STEP_IP;
	cur_take(&w->c, 4);
	return STEP_ETHERNET;
}

/* 802.3 with a length instead of a type: only SNAP with an EtherType can lead to IP (RFC 1042). */
static enum step read_llc(struct walk *w)
{
	static const uint8_t snap[6] = { 0xaa, 0xaa, 0x03, 0, 0, 0 };
	struct bytes head = cur_take(&w->c, sizeof(snap));
	if (head.n != sizeof(snap) || memcmp(head.p, snap, sizeof(snap)) != 0)
		return STEP_OTHER;
	w->type = cur_u16(&w->c);
	return w->c.bad ? STEP_OTHER : STEP_TYPE;
}

static enum step read_type(struct walk *w)
{
	if (w->c.bad)
		return STEP_BAD;
	switch (w->type) {
	case 0x0800:
		return STEP_IPV4;
	case 0x86dd:
		return STEP_IPV6;
	case 0x8100:
	case 0x88a8:
	case 0x9100:
		return read_vlan(w);
	case 0x893f:
		w->seg->encap |= ENCAP_8021BR;
		cur_take(&w->c, 6);
		w->type = cur_u16(&w->c);
		return STEP_TYPE;
	case 0x8864:
		return read_pppoe(w);
	case 0x8847:
	case 0x8848:
		return read_mpls(w);
	default:
		return w->type < 0x0600 ? read_llc(w) : STEP_OTHER;
	}
}

static enum step read_ip(struct walk *w)
{
	if (cur_left(&w->c) == 0)
		return STEP_BAD;
	switch (w->c.p[0] >> 4) {
	case 4:
		return STEP_IPV4;
	case 6:
		return STEP_IPV6;
	default:
		return STEP_BAD;
	}
}

static enum step reassemble(struct walk *w, uint32_t id, uint32_t offset, bool more)
{
	struct segment *seg = w->seg;
	seg->encap |= ENCAP_FRAGMENT;
	w->pieces = true;
	if (!w->ft)
		return offset == 0 ? STEP_UPPER : STEP_FRAGMENT;
	if (w->missing)
		return STEP_FRAGMENT;
	struct fragment_key key = { .src = seg->src, .dst = seg->dst, .id = id, .proto = w->proto };
	struct bytes data = { w->c.p, cur_left(&w->c) }, whole = { 0 };
	switch (fragment_push(w->ft, &key, offset, !more, data, w->pkt->ts, &whole)) {
	case FRAGMENT_MORE:
		return STEP_FRAGMENT;
	case FRAGMENT_REFUSED:
		return STEP_BAD;
	case FRAGMENT_DONE:
		break;
	}
	w->c = cur_of(whole);
	return STEP_UPPER;
}

static void put_addr(struct addr *to, uint8_t v, struct bytes octets)
{
	*to = (struct addr){ .v = v };
	memcpy(to->a, octets.p, octets.n);
}

static enum step read_ipv4(struct walk *w)
{
	struct segment *seg = w->seg;
	uint8_t first = cur_u8(&w->c);
	size_t header = (size_t)(first & 15) * 4;
	cur_take(&w->c, 1);
	size_t total = cur_u16(&w->c);
	seg->ipid = cur_u16(&w->c);
	uint16_t fragment = cur_u16(&w->c);
	seg->ttl = cur_u8(&w->c);
	w->proto = cur_u8(&w->c);
	cur_take(&w->c, 2);
	struct bytes src = cur_take(&w->c, 4), dst = cur_take(&w->c, 4);
	if (w->c.bad || first >> 4 != 4 || header < 20)
		return STEP_BAD;
	cur_take(&w->c, header - 20);
	if (w->c.bad || (total != 0 && total < header))
		return STEP_BAD;
	/* Length 0 is what a host that leaves segmentation to its network card shows to a capture. */
	if (total)
		trim(w, total - header);
	put_addr(&seg->src, 4, src);
	put_addr(&seg->dst, 4, dst);
	if (fragment & 0x3fff)
		return reassemble(w, seg->ipid, (fragment & 0x1fffu) * 8, fragment & 0x2000);
	return STEP_UPPER;
}

static enum step read_ipv6(struct walk *w)
{
	struct segment *seg = w->seg;
	uint32_t first = cur_u32(&w->c);
	size_t length = cur_u16(&w->c);
	w->proto = cur_u8(&w->c);
	seg->ttl = cur_u8(&w->c);
	struct bytes src = cur_take(&w->c, 16), dst = cur_take(&w->c, 16);
	if (w->c.bad || first >> 28 != 6)
		return STEP_BAD;
	if (length)
		trim(w, length);
	put_addr(&seg->src, 6, src);
	put_addr(&seg->dst, 6, dst);
	return STEP_UPPER;
}

static enum step read_fragment_header(struct walk *w)
{
	w->proto = cur_u8(&w->c);
	cur_take(&w->c, 1);
	uint16_t fragment = cur_u16(&w->c);
	uint32_t id = cur_u32(&w->c);
	if (w->c.bad)
		return STEP_BAD;
	if (!(fragment & 0xfff9)) /* an atomic fragment, RFC 6946: whole by itself */
		return STEP_UPPER;
	w->seg->ipid = (uint16_t)id;
	return reassemble(w, id, fragment & 0xfff8u, fragment & 1);
}

static void read_tcp_options(struct cur c, struct segment *seg)
{
	for (int i = 0; i < 40 && cur_left(&c) > 0; i++) {
		uint8_t kind = cur_u8(&c);
		if (kind == 0)
			return;
		if (kind == 1)
			continue;
		uint8_t length = cur_u8(&c);
		if (length < 2)
			return;
		struct cur value = cur_of(cur_take(&c, length - 2u));
		if (kind == 8 && length == 10 && !c.bad) {
			seg->tsval = cur_u32(&value);
			seg->has_tsval = true;
		}
	}
}

static enum step read_tcp(struct walk *w)
{
	struct segment *seg = w->seg;
	struct cur *c = &w->c;
	size_t wire = cur_left(c) + w->missing;
	seg->sport = cur_u16(c);
	seg->dport = cur_u16(c);
	seg->seq = cur_u32(c);
	seg->ack = cur_u32(c);
	size_t header = (size_t)(cur_u8(c) >> 4) * 4;
	seg->flags = cur_u8(c) & (TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK);
	seg->window = cur_u16(c);
	cur_take(c, 4);
	if (c->bad || header < 20 || header > wire)
		return STEP_BAD;
	size_t options = header - 20 < cur_left(c) ? header - 20 : cur_left(c);
	seg->options = cur_take(c, options);
	read_tcp_options(cur_of(seg->options), seg);
	seg->payload = (struct bytes){ c->p, cur_left(c) };
	seg->payload_wire = (uint32_t)(wire - header);
	return STEP_DONE;
}

static enum step read_udp(struct walk *w)
{
	struct segment *seg = w->seg;
	struct cur *c = &w->c;
	size_t wire = cur_left(c) + w->missing;
	seg->sport = cur_u16(c);
	seg->dport = cur_u16(c);
	size_t length = cur_u16(c);
	cur_take(c, 2);
	length = length ? length : wire;
	if (c->bad || length < 8 || length > wire)
		return STEP_BAD;
	seg->payload = bytes_head((struct bytes){ c->p, cur_left(c) }, length - 8);
	seg->payload_wire = (uint32_t)(length - 8);
	return STEP_DONE;
}

static enum step read_upper(struct walk *w)
{
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		uint8_t next;
		switch (w->proto) {
		case PROTO_TCP:
		case PROTO_UDP:
			w->upper = (struct bytes){ w->c.p, cur_left(&w->c) };
			w->upper_missing = w->missing;
			w->seg->proto = w->proto;
			return w->proto == PROTO_TCP ? read_tcp(w) : read_udp(w);
		case 0:  /* hop-by-hop */
		case 43: /* routing */
		case 60: /* destination */
			next = cur_u8(&w->c);
			cur_take(&w->c, (size_t)cur_u8(&w->c) * 8 + 6);
			w->proto = next;
			break;
		case 51: /* authentication header */
			next = cur_u8(&w->c);
			cur_take(&w->c, (size_t)cur_u8(&w->c) * 4 + 6);
			w->proto = next;
			break;
		case 44:
			if (w->seg->src.v != 6)
				return STEP_OTHER;
			switch (read_fragment_header(w)) {
			case STEP_UPPER:
				break;
			case STEP_FRAGMENT:
				return STEP_FRAGMENT;
			default:
				return STEP_BAD;
			}
			break;
		default:
			return STEP_OTHER;
		}
		if (w->c.bad)
			return STEP_BAD;
	}
	return STEP_BAD;
}

static enum step walk_packet(struct walk *w)
{
	enum step step = read_link(w);
	for (int depth = 0; depth < FRAME_DEPTH; depth++) {
		if (w->c.bad)
			return STEP_BAD;
		switch (step) {
		case STEP_ETHERNET:
			step = read_ethernet(w);
			break;
		case STEP_TYPE:
			step = read_type(w);
			break;
		case STEP_IP:
			step = read_ip(w);
			break;
		case STEP_IPV4:
			step = read_ipv4(w);
			break;
		case STEP_IPV6:
			step = read_ipv6(w);
			break;
		case STEP_UPPER:
			step = read_upper(w);
			break;
		case STEP_DONE:
		case STEP_FRAGMENT:
		case STEP_OTHER:
		case STEP_BAD:
			return step;
		}
	}
	return STEP_OTHER;
}

static struct walk walk_of(const struct packet *pkt, struct fragment_table *ft, struct segment *seg)
{
	size_t missing = pkt->wire_len > pkt->data.n ? pkt->wire_len - pkt->data.n : 0;
	*seg = (struct segment){ .ts = pkt->ts, .number = pkt->number, .iface = pkt->iface };
	return (struct walk){ .c = cur_of(pkt->data), .missing = missing, .pkt = pkt, .ft = ft, .seg = seg };
}

static bool link_known(uint32_t linktype)
{
	switch (linktype) {
	case LINK_NULL:
	case LINK_ETHERNET:
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_RAW:
	case LINK_LOOP:
	case LINK_SLL:
	case LINK_IPV4:
	case LINK_IPV6:
	case LINK_SLL2:
		return true;
	default:
		return false;
	}
}

enum frame frame_read(const struct packet *pkt, struct fragment_table *ft, struct frame_counters *count,
		      struct segment *seg)
{
	struct walk w = walk_of(pkt, ft, seg);
	enum frame result = FRAME_BAD;
	switch (walk_packet(&w)) {
	case STEP_DONE:
		result = FRAME_OK;
		count->cut += seg->payload.n < seg->payload_wire;
		break;
	case STEP_FRAGMENT:
		result = FRAME_FRAGMENT;
		break;
	case STEP_OTHER:
		result = FRAME_OTHER;
		count->unknown_link += !link_known(pkt->linktype);
		break;
	case STEP_BAD:
	case STEP_ETHERNET:
	case STEP_TYPE:
	case STEP_IP:
	case STEP_IPV4:
	case STEP_IPV6:
	case STEP_UPPER:
		break;
	}
	count->result[result]++;
	return result;
}

static uint64_t word_at(const uint8_t *p)
{
	return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 |
	       (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 | (uint64_t)p[6] << 8 | p[7];
}

/* What is carried out of 16 bits comes back in at the end (RFC 1071 2): so the words may as well be longer. */
static uint64_t sum16(uint64_t sum, const uint8_t *p, size_t n)
{
	for (; n >= 8; p += 8, n -= 8) {
		uint64_t word = word_at(p);
		sum += (word >> 32) + (word & 0xffffffff);
	}
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return n % 2 ? sum + (uint32_t)(p[n - 1] << 8) : sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

bool frame_checksum_bad(const struct packet *pkt)
{
	struct segment seg;
	struct walk w = walk_of(pkt, NULL, &seg);
	if (walk_packet(&w) != STEP_DONE || w.pieces || w.upper_missing)
		return false;
	size_t at = seg.proto == PROTO_TCP ? 16 : 6, octets = seg.src.v == 4 ? 4 : 16;
	size_t n = seg.proto == PROTO_TCP ? w.upper.n : seg.payload.n + 8;
	struct cur c = cur_of(bytes_skip(w.upper, at));
	uint16_t field = cur_u16(&c);
	if (field == 0)
		return false;
	uint64_t pseudo = sum16(sum16(seg.proto + n, seg.src.a, octets), seg.dst.a, octets);
	/* A host that leaves the checksum to its network card puts the sum of the pseudo-header there: not computed. */
	if (field == fold(pseudo))
		return false;
	return fold(sum16(pseudo, w.upper.p, n)) != 0xffff;
}
