/* capfile: capture file octets in, packets out.
 *
 * pcap (draft-ietf-opsawg-pcap) with times in micro- or nanoseconds, and the older one with 24 octets before each
 * packet; pcapng (draft-ietf-opsawg-pcapng) with any number of sections and interfaces, each interface with a link
 * type and clock of its own; all in either byte order. Our own reader because libpcap refuses a file with two link
 * types, copies each packet, and opens what it reads.
 *
 * It does not know where the octets come from (unpack does) nor what is in a packet. Octets are read in large pieces
 * into one buffer; a packet is a span of it and is moved only when a piece ends inside it. No size in a file is
 * believed: a packet has at most CAPTURED_MAX octets, a block that we look into BLOCK_MAX, and what we do not look
 * into is passed over as it streams by. A size that cannot be ends the file: behind it, nothing is where it seems
 * to be. */
#include "capfile.h"

#include <stdlib.h>

#include "evidence_file.h"
#include "source.h"
#include "unpack.h"

enum {
	READ = 256 * 1024,
	BLOCK_MAX = 1024 * 1024,
	BUF = BLOCK_MAX + READ,
	CAPTURED_MAX = 256 * 1024, /* the largest snapshot length that tcpdump and Wireshark use */
	IFACES_MAX = 4096,
	NANO = 1000000000,
};

enum { PCAP_US = 0xa1b2c3d4, PCAP_NS = 0xa1b23c4d, PCAP_MODIFIED = 0xa1b2cd34, PCAPNG_ORDER = 0x1a2b3c4d };
enum { PCAP_HEADER = 24, PCAP_RECORD = 16, PCAP_RECORD_MODIFIED = 24 };
enum { BLOCK_IDB = 1, BLOCK_PB = 2, BLOCK_SPB = 3, BLOCK_EPB = 6, BLOCK_SHB = 0x0a0d0d0a };
enum { OPT_END = 0, OPT_TSRESOL = 9, OPT_TSOFFSET = 14, OPT_CUSTOM_TEXT = 2988, OPT_CUSTOM = 2989 };

/* A clock counts in 1/den seconds, or in 2^-shift seconds where den is 0. mul: nanoseconds in a count, or 0 if that
 * is no whole number. */
struct iface {
	uint32_t linktype, snaplen;
	uint64_t mul;
	unsigned __int128 den;
	unsigned shift;
	int64_t offset;
};

enum state { STATE_START, STATE_PCAP, STATE_PCAPNG, STATE_END };

/* base            offset in the file of buf[0]
 * from, to        octets of buf read and not used yet
 * minor           pcap: version 2.minor
 * scale           pcap: nanoseconds in the unit of the second time field
 * ts              of the packet that came last
 * why, bad_at     the damage
 * evidence        the section is evidence of ours      octets, sha256  of the packet that came last, see capfile_witnessed
 * whole           that packet with what was cut off it */
struct capfile {
	struct unpack *unpack;
	enum state state;
	bool little;
	uint64_t base;
	size_t from, to;
	uint16_t minor;
	uint32_t scale, record_head, linktype;
	int64_t ts;
	uint64_t packets;
	const char *why;
	uint64_t bad_at;
	bool evidence;
	struct bytes octets;
	const uint8_t *sha256;
	uint8_t whole[CAPTURED_MAX];
	uint32_t ifaces;
	struct iface iface[IFACES_MAX];
	uint8_t buf[BUF];
};

struct capfile *capfile_new(void)
{
	struct capfile *c = malloc(sizeof(*c));
	if (!c)
		return NULL;
	c->unpack = unpack_new();
	if (!c->unpack) {
		free(c);
		return NULL;
	}
	capfile_start(c, -1, (struct bytes){ NULL, 0 });
	return c;
}

void capfile_free(struct capfile *c)
{
	if (!c)
		return;
	unpack_free(c->unpack);
	free(c);
}

void capfile_start(struct capfile *c, int fd, struct bytes head)
{
	unpack_start(c->unpack, fd, head);
	c->state = STATE_START;
	c->little = false;
	c->base = c->packets = c->bad_at = 0;
	c->from = c->to = 0;
	c->ts = 0;
	c->why = NULL;
	c->ifaces = 0;
	c->evidence = false;
	c->sha256 = NULL;
}

const char *capfile_why(const struct capfile *c)
{
	return c->why ? c->why : "no damage";
}

uint64_t capfile_offset(const struct capfile *c)
{
	return c->bad_at;
}

uint64_t capfile_packets(const struct capfile *c)
{
	return c->packets;
}

bool capfile_packed(const struct capfile *c)
{
	return unpack_packed(c->unpack);
}

uint64_t capfile_used(const struct capfile *c)
{
	return unpack_used(c->unpack);
}

static enum capfile_result damaged(struct capfile *c, const char *why)
{
	c->state = STATE_END;
	c->why = why;
	c->bad_at = c->base + c->from;
	return CAPFILE_DAMAGED;
}

/* Moves what is left to the front and reads until there are n octets. false: there will not be so many; then
 * c->why is set if the packing is at fault. */
static bool refill(struct capfile *c, size_t n)
{
	size_t left = c->to - c->from, got;
	if (left && c->from)
		memmove(c->buf, c->buf + c->from, left);
	c->base += c->from;
	c->from = 0;
	c->to = left;
	while (c->to < n) {
		size_t room = BUF - c->to;
		switch (unpack_read(c->unpack, c->buf + c->to, room < READ ? room : READ, &got)) {
		case UNPACK_OK:
			c->to += got;
			break;
		case UNPACK_END:
			return false;
		case UNPACK_BAD:
			c->why = unpack_why(c->unpack);
			return false;
		}
	}
	return true;
}

static inline bool need(struct capfile *c, size_t n)
{
	return c->to - c->from >= n || refill(c, n);
}

/* After need(n) failed where a new item could begin: a clean end, or damage. */
static enum capfile_result short_of(struct capfile *c, const char *what)
{
	if (c->why)
		return damaged(c, c->why);
	if (c->to != c->from)
		return damaged(c, what);
	c->state = STATE_END;
	return CAPFILE_END;
}

static inline struct cur look(const struct capfile *c, size_t n)
{
	return cur_of((struct bytes){ c->buf + c->from, n });
}

static inline uint16_t u16(struct cur *r, bool little)
{
	uint16_t v = cur_u16(r);
	return little ? __builtin_bswap16(v) : v;
}

static inline uint32_t u32(struct cur *r, bool little)
{
	uint32_t v = cur_u32(r);
	return little ? __builtin_bswap32(v) : v;
}

/* Byte order and kind of a pcap, from its first four octets as a big-endian number. false: it is none. */
static bool pcap_magic(uint32_t m, uint32_t *kind, bool *little)
{
	static const uint32_t kinds[] = { PCAP_US, PCAP_NS, PCAP_MODIFIED };
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		*kind = kinds[i];
		*little = m == __builtin_bswap32(kinds[i]);
		if (m == kinds[i] || *little)
			return true;
	}
	return false;
}

static bool pcapng_order(uint32_t m, bool *little)
{
	*little = m == __builtin_bswap32(PCAPNG_ORDER);
	return *little || m == PCAPNG_ORDER;
}

bool capfile_is(struct bytes head)
{
	struct cur r = cur_of(head);
	uint32_t kind, m = cur_u32(&r);
	bool little;
	if (r.bad)
		return false;
	if (m != BLOCK_SHB)
		return pcap_magic(m, &kind, &little);
	cur_take(&r, 4);
	m = cur_u32(&r);
	return r.bad || pcapng_order(m, &little);
}

/* The header of a pcap: its low 16 link type bits count, above them are those about a frame check sequence. */
static const char *start_pcap(struct capfile *c, uint32_t kind)
{
	struct cur r = look(c, PCAP_HEADER);
	cur_take(&r, 4);
	uint16_t major = u16(&r, c->little);
	c->minor = u16(&r, c->little);
	cur_take(&r, 12);
	c->linktype = u32(&r, c->little) & 0xffff;
	c->scale = kind == PCAP_NS ? 1 : 1000;
	c->record_head = kind == PCAP_MODIFIED ? PCAP_RECORD_MODIFIED : PCAP_RECORD;
	c->state = STATE_PCAP;
	c->from += PCAP_HEADER;
	return major == 2 ? NULL : "this version of the pcap format is not known";
}

/* false: damaged. */
static bool start(struct capfile *c)
{
	const char *why = NULL;
	uint32_t kind;
	if (need(c, 4)) {
		struct cur r = look(c, 4);
		uint32_t m = cur_u32(&r);
		if (m == BLOCK_SHB) {
			c->state = STATE_PCAPNG;
			return true;
		}
		if (!pcap_magic(m, &kind, &c->little))
			why = "not a capture";
		else if (need(c, PCAP_HEADER))
			why = start_pcap(c, kind);
		else
			why = "the file ends inside its header";
	} else {
		why = "the file ends before its header";
	}
	if (!why)
		return true;
	damaged(c, c->why ? c->why : why);
	return false;
}

static enum capfile_result give(struct capfile *c, struct packet *p, uint32_t wire)
{
	p->wire_len = wire < p->data.n ? (uint32_t)p->data.n : wire;
	p->number = ++c->packets;
	p->ts = c->ts;
	return CAPFILE_PACKET;
}

static enum capfile_result next_pcap(struct capfile *c, struct packet *p)
{
	if (!need(c, c->record_head))
		return short_of(c, "the file ends inside a packet header");
	struct cur r = look(c, c->record_head);
	uint32_t sec = u32(&r, c->little), frac = u32(&r, c->little);
	uint32_t cap = u32(&r, c->little), wire = u32(&r, c->little);
	/* before 2.3 the lengths were the other way round, and some that say 2.3 still have them so */
	if (c->minor < 3 || (c->minor == 3 && cap > wire)) {
		uint32_t swap = cap;
		cap = wire;
		wire = swap;
	}
	if (cap > CAPTURED_MAX)
		return damaged(c, "a packet of more than 262144 octets");
	if (!need(c, c->record_head + cap))
		return short_of(c, "the file ends inside a packet");
	p->data = (struct bytes){ c->buf + c->from + c->record_head, cap };
	p->linktype = c->linktype;
	p->iface = 0;
	c->ts = (int64_t)sec * NANO + (int64_t)frac * c->scale;
	c->from += c->record_head + cap;
	return give(c, p, wire);
}

/* if_tsresol: 10^-n seconds, or 2^-n with the highest bit set. From 10^-39 on, no count makes a nanosecond. */
static void set_clock(struct iface *i, uint8_t resol)
{
	unsigned n = resol & 0x7f;
	i->mul = i->shift = 0;
	i->den = 0;
	if (resol & 0x80) {
		i->shift = n;
		return;
	}
	i->den = 1;
	for (unsigned k = 0; k < n && k < 38; k++)
		i->den *= 10;
	if (n > 38)
		i->den = ~(unsigned __int128)0;
	if (n <= 9)
		i->mul = (uint64_t)(NANO / i->den);
}

static int64_t clock_ns(const struct iface *i, uint64_t count)
{
	unsigned __int128 ns;
	if (i->mul)
		ns = (unsigned __int128)count * i->mul;
	else if (i->den)
		ns = (unsigned __int128)count * NANO / i->den;
	else
		ns = (unsigned __int128)count * NANO >> i->shift;
	/* both terms are below 2^94, so that their sum is exact */
	__int128 sum = (__int128)ns + (__int128)i->offset * NANO;
	return sum < 0 ? 0 : sum > SOURCE_TS_MAX ? SOURCE_TS_MAX : (int64_t)sum;
}

/* The options of an interface. A list that is cut, or a clock of a wrong size, is damage: all times hang on it. */
static bool iface_options(struct cur *r, bool little, struct iface *i)
{
	while (cur_left(r)) {
		uint16_t code = u16(r, little), n = u16(r, little);
		struct cur v = cur_of(cur_take(r, n));
		cur_take(r, (4u - n % 4u) % 4u);
		if (r->bad || code == OPT_END)
			break;
		if (code == OPT_TSRESOL) {
			set_clock(i, cur_u8(&v));
		} else if (code == OPT_TSOFFSET) {
			uint64_t a = u32(&v, little), b = u32(&v, little);
			i->offset = (int64_t)(little ? b << 32 | a : a << 32 | b);
		}
		if (v.bad)
			return false;
	}
	return !r->bad;
}

static const char *add_iface(struct capfile *c, struct cur body)
{
	if (c->ifaces == IFACES_MAX)
		return "more than 4096 interfaces in a section";
	struct iface *i = &c->iface[c->ifaces];
	i->linktype = u16(&body, c->little);
	cur_take(&body, 2);
	i->snaplen = u32(&body, c->little);
	i->offset = 0;
	set_clock(i, 6);
	if (!iface_options(&body, c->little, i))
		return "an interface description with broken options";
	c->ifaces++;
	return NULL;
}

bool capfile_witnessed(const struct capfile *c, struct bytes *octets, const uint8_t **sha256)
{
	*octets = c->octets;
	*sha256 = c->sha256;
	return c->sha256;
}

/* The next custom option of ours with that code; false: there is none, or they are broken. */
static bool our_option(struct cur *r, bool little, uint16_t wanted, struct bytes *value)
{
	while (cur_left(r)) {
		uint16_t code = u16(r, little), n = u16(r, little);
		struct cur v = cur_of(cur_take(r, n));
		cur_take(r, (4u - n % 4u) % 4u);
		if (r->bad || code == OPT_END)
			return false;
		if (code != wanted || u32(&v, little) != EVIDENCE_PEN)
			continue;
		*value = (struct bytes){ v.p, cur_left(&v) };
		return true;
	}
	return false;
}

/* What a packet of evidence says of itself: octets that were cut off it because they were covered become zeros again. */
static void unfold(struct capfile *c, struct cur options, struct packet *p, uint32_t wire)
{
	struct bytes value;
	uint32_t was;
	cur_take(&options, (4u - p->data.n % 4u) % 4u);
	c->octets = p->data;
	if (!our_option(&options, c->little, OPT_CUSTOM, &value) || !evidence_mark(value, &was, &c->sha256) ||
	    was <= p->data.n || was > CAPTURED_MAX || was > wire)
		return;
	memcpy(c->whole, p->data.p, p->data.n);
	memset(c->whole + p->data.n, 0, was - p->data.n);
	p->data = (struct bytes){ c->whole, was };
}

/* Enhanced and old packet blocks differ in the size of their interface number. */
static const char *packet_of(struct capfile *c, struct cur body, uint32_t type, struct packet *p, uint32_t *wire)
{
	bool little = c->little;
	uint32_t id = type == BLOCK_PB ? u16(&body, little) : u32(&body, little);
	if (type == BLOCK_PB)
		cur_take(&body, 2); /* packets dropped before this one */
	uint64_t high = u32(&body, little), low = u32(&body, little);
	uint32_t cap = u32(&body, little);
	*wire = u32(&body, little);
	if (id >= c->ifaces)
		return "a packet of an interface that was not described";
	if (cap > CAPTURED_MAX)
		return "a packet of more than 262144 octets";
	p->data = cur_take(&body, cap);
	if (body.bad)
		return "a packet larger than its block";
	c->sha256 = NULL;
	if (c->evidence && type == BLOCK_EPB)
		unfold(c, body, p, *wire);
	p->iface = id;
	p->linktype = c->iface[id].linktype;
	c->ts = clock_ns(&c->iface[id], high << 32 | low);
	return NULL;
}

/* A simple packet block has no time: it keeps that of the packet before. Its octets are those of the packet, but no
 * more than the first interface's snapshot length; no number says how many. */
static const char *simple_packet(struct capfile *c, struct cur body, struct packet *p, uint32_t *wire)
{
	*wire = u32(&body, c->little);
	if (!c->ifaces)
		return "a packet of an interface that was not described";
	uint32_t snap = c->iface[0].snaplen, cap = snap && snap < *wire ? snap : *wire;
	if (cap > CAPTURED_MAX)
		return "a packet of more than 262144 octets";
	p->data = cur_take(&body, cap);
	if (body.bad)
		return "a packet larger than its block";
	p->iface = 0;
	p->linktype = c->iface[0].linktype;
	return NULL;
}

/* Type and length of the block at hand. A section header decides the byte order, that of its own length included. */
static const char *block_head(struct capfile *c, uint32_t *type, uint32_t *len)
{
	struct cur r = look(c, 12);
	*type = cur_u32(&r);
	struct cur order = r;
	cur_take(&order, 4);
	if (*type == BLOCK_SHB) {
		if (!pcapng_order(cur_u32(&order), &c->little))
			return "a section without its byte order";
	} else if (c->little) {
		*type = __builtin_bswap32(*type);
	}
	*len = u32(&r, c->little);
	return NULL;
}

/* The fewest octets a block of this type has; 12, those of any block, if we do not look into it. */
static uint32_t block_min(uint32_t type)
{
	switch (type) {
	case BLOCK_SHB:
		return 28;
	case BLOCK_IDB:
		return 20;
	case BLOCK_SPB:
		return 16;
	case BLOCK_PB:
	case BLOCK_EPB:
		return 32;
	}
	return 12;
}

static const char *start_section(struct capfile *c, struct cur body)
{
	struct bytes value;
	cur_take(&body, 4);
	c->ifaces = 0;
	uint16_t version = u16(&body, c->little);
	cur_take(&body, 10);
	c->evidence = our_option(&body, c->little, OPT_CUSTOM_TEXT, &value);
	return version == 1 ? NULL : "this version of the pcapng format is not known";
}

/* A block that we do not look into passes by in pieces, so that it may have any length. false: it is damaged. */
static bool pass_block(struct capfile *c, uint32_t len)
{
	uint64_t at = c->base + c->from;
	const char *why = NULL;
	for (uint32_t left = len - 4, n; left && !why; left -= n) {
		n = left < READ ? left : READ;
		if (need(c, n))
			c->from += n;
		else
			why = c->why ? c->why : "the file ends inside a block";
	}
	if (!why && !need(c, 4))
		why = c->why ? c->why : "the file ends inside a block";
	if (!why) {
		struct cur r = look(c, 4);
		if (u32(&r, c->little) == len) {
			c->from += 4;
			return true;
		}
		why = "a block whose two lengths differ";
	}
	damaged(c, why);
	c->bad_at = at;
	return false;
}

/* The whole block at hand: what it says is kept, or, if it is a packet, given. */
static const char *read_block(struct capfile *c, uint32_t type, uint32_t len, struct packet *p, uint32_t *wire)
{
	struct cur r = look(c, len);
	cur_take(&r, 8);
	struct cur body = cur_of(cur_take(&r, len - 12));
	if (u32(&r, c->little) != len)
		return "a block whose two lengths differ";
	switch (type) {
	case BLOCK_SHB:
		return start_section(c, body);
	case BLOCK_IDB:
		return add_iface(c, body);
	case BLOCK_SPB:
		return simple_packet(c, body, p, wire);
	}
	return packet_of(c, body, type, p, wire);
}

static enum capfile_result next_pcapng(struct capfile *c, struct packet *p)
{
	for (;;) {
		uint32_t type, len, wire = 0;
		if (!need(c, 12))
			return short_of(c, "the file ends inside a block");
		const char *why = block_head(c, &type, &len);
		uint32_t min = block_min(type);
		if (!why && (len % 4 || len < min || (min > 12 && len > BLOCK_MAX)))
			why = "a block of an impossible length";
		if (why)
			return damaged(c, why);
		if (min == 12) {
			if (!pass_block(c, len))
				return CAPFILE_DAMAGED;
			continue;
		}
		if (!need(c, len))
			return short_of(c, "the file ends inside a block");
		why = read_block(c, type, len, p, &wire);
		if (why)
			return damaged(c, why);
		c->from += len;
		if (type != BLOCK_SHB && type != BLOCK_IDB)
			return give(c, p, wire);
	}
}

enum capfile_result capfile_next(struct capfile *c, struct packet *p)
{
	if (c->state == STATE_START && !start(c))
		return CAPFILE_DAMAGED;
	switch (c->state) {
	case STATE_PCAP:
		return next_pcap(c, p);
	case STATE_PCAPNG:
		return next_pcapng(c, p);
	case STATE_START:
	case STATE_END:
		break;
	}
	return CAPFILE_END;
}
