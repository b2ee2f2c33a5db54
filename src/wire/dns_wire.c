/* dns_wire: DNS messages as octets, for the pipeline (is it worth keeping?) and for the resolver's store. Knows the
 * form of names and records and the few RDATA formats that may hold compressed names; does not know what a record
 * means, nor which query a response belongs to. Owns nothing: all spans are loans from the message.
 * RFC 1035 4.1, 4.2.2; RFC 3597 4; RFC 4343; RFC 6891. */
#include "wire/dns_wire.h"

enum { LABEL_MAX = 63, CLASS_IN = 1 };

/* One label, or a pointer, at c. *jump is the offset a pointer names, SIZE_MAX for none. */
static bool label(struct cur *c, struct dns_name *name, size_t *jump, bool *end)
{
	uint8_t len = cur_u8(c);
	struct bytes b = { NULL, 0 };
	*jump = SIZE_MAX;
	*end = !c->bad && len == 0;
	if ((len & 0xc0) == 0xc0)
		*jump = (size_t)(len & 0x3f) << 8 | cur_u8(c);
	else if (len > LABEL_MAX)
		c->bad = true;
	else
		b = cur_take(c, len);
	if (c->bad)
		return false;
	if (*jump != SIZE_MAX)
		return true;
	if ((size_t)name->n + 1 + b.n > DNS_NAME_MAX)
		return false;
	name->octets[name->n++] = len;
	for (size_t i = 0; i < b.n; i++)
		name->octets[name->n++] = ascii_lower(b.p[i]);
	return true;
}

bool dns_wire_name(struct cur *c, struct bytes msg, struct dns_name *name)
{
	struct cur at = *c, *walk = c;
	size_t limit = (size_t)(c->p - msg.p), jump;
	bool end = false, ok = true;
	name->n = 0;
	while (ok && !end) {
		ok = label(walk, name, &jump, &end);
		if (!ok || jump == SIZE_MAX)
			continue;
		ok = jump < limit;              /* only ever backwards: no loop can be written */
		limit = jump;
		if (ok)
			at = cur_of(bytes_skip(msg, jump));
		walk = &at;
	}
	if (!ok)
		c->bad = true;
	return ok;
}

bool dns_wire_open(struct dns_walk *w, struct bytes msg)
{
	*w = (struct dns_walk){ .msg = msg, .c = cur_of(msg) };
	w->id = cur_u16(&w->c);
	w->flags = cur_u16(&w->c);
	uint16_t questions = cur_u16(&w->c);
	for (int s = 0; s < DNS_SECTIONS; s++)
		w->left[s] = cur_u16(&w->c);
	if (w->c.bad || questions != 1 || !dns_wire_name(&w->c, msg, &w->qname))
		return false;
	w->qtype = cur_u16(&w->c);
	w->qclass = cur_u16(&w->c);
	return !w->c.bad;
}

bool dns_wire_next(struct dns_walk *w, struct dns_rr *rr)
{
	while (w->section < DNS_SECTIONS && w->left[w->section] == 0)
		w->section++;
	if (w->section == DNS_SECTIONS || !dns_wire_name(&w->c, w->msg, &rr->owner))
		return false;
	rr->type = cur_u16(&w->c);
	rr->class = cur_u16(&w->c);
	rr->ttl = cur_u32(&w->c);
	size_t n = cur_u16(&w->c);
	rr->rdata = cur_take(&w->c, n);
	rr->section = w->section;
	if (w->c.bad)
		return false;
	w->left[w->section]--;
	return true;
}

bool dns_wire_ok(const struct dns_walk *w)
{
	return !w->c.bad && w->section == DNS_SECTIONS;
}

/* Octets in front of the names of a type's RDATA, and how many names: all types whose names RFC 1035 or RFC 3597 4
 * lets be compressed. Anything behind the names is copied. */
static bool names_in(uint16_t type, size_t *front, unsigned *names)
{
	*front = 0;
	*names = 1;
	switch (type) {
	case 2: case 3: case 4: case 5: case 7: case 8: case 9: case 12: case 39: /* NS MD MF CNAME MB MG MR PTR DNAME */
		return true;
	case 6: case 14: case 17:               /* SOA MINFO RP */
		*names = 2;
		return true;
	case 15: case 18: case 21: case 36:     /* MX AFSDB RT KX */
		*front = 2;
		return true;
	case 26:                                /* PX */
		*front = 2;
		*names = 2;
		return true;
	case 33:                                /* SRV */
		*front = 6;
		return true;
	}
	return false;
}

/* Copies the labels of a name as they stand, case kept: the same walk as dns_wire_name. */
static bool copy_name(struct cur *c, struct bytes msg, uint8_t *out, size_t cap, size_t *n)
{
	struct dns_name folded;
	struct cur at = *c;
	size_t from = *n;
	if (!dns_wire_name(c, msg, &folded) || cap - from < folded.n)
		return false;
	while (*n < from + folded.n) {
		uint8_t len = cur_u8(&at);
		if ((len & 0xc0) == 0xc0) {
			size_t jump = (size_t)(len & 0x3f) << 8 | cur_u8(&at);
			at = cur_of(bytes_skip(msg, jump));
			continue;
		}
		struct bytes b = cur_take(&at, len);
		out[(*n)++] = len;
		if (b.n)
			memcpy(out + *n, b.p, b.n);
		*n += b.n;
	}
	return true;
}

static bool copy_octets(struct bytes b, uint8_t *out, size_t cap, size_t *n)
{
	if (cap - *n < b.n)
		return false;
	if (b.n)
		memcpy(out + *n, b.p, b.n);
	*n += b.n;
	return true;
}

size_t dns_wire_rdata(struct bytes msg, const struct dns_rr *rr, uint8_t *out, size_t cap)
{
	struct cur c = cur_of(rr->rdata);
	size_t n = 0, front;
	unsigned names;
	if (!names_in(rr->type, &front, &names))
		return copy_octets(rr->rdata, out, cap, &n) ? n : 0;
	struct bytes head = cur_take(&c, front);
	if (c.bad || !copy_octets(head, out, cap, &n))
		return 0;
	while (names--)
		if (!copy_name(&c, msg, out, cap, &n))
			return 0;
	return copy_octets(cur_take(&c, cur_left(&c)), out, cap, &n) ? n : 0;
}

bool dns_wire_parent(const struct dns_name *name, struct dns_name *parent)
{
	uint8_t skip = (uint8_t)(name->n ? name->octets[0] + 1 : 0);
	if (skip <= 1 || skip >= name->n)
		return false;
	struct dns_name p = { .n = (uint8_t)(name->n - skip) };
	memcpy(p.octets, name->octets + skip, p.n);
	*parent = p;
	return true;
}

bool dns_wire_same(const struct dns_name *a, const struct dns_name *b)
{
	return a->n == b->n && memcmp(a->octets, b->octets, a->n) == 0;
}

bool dns_wire_below(const struct dns_name *name, const struct dns_name *top)
{
	size_t i = 0;
	while (name->n - i > top->n)
		i += (size_t)name->octets[i] + 1;
	return name->n - i == top->n && memcmp(name->octets + i, top->octets, top->n) == 0;
}

static bool plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '*' || c == '/';
}

static void put(char *text, size_t cap, size_t *n, char c)
{
	if (*n + 1 < cap)
		text[(*n)++] = c;
}

uint64_t dns_wire_hash(uint64_t h, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		h = (h ^ b.p[i]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return h;
}

size_t dns_wire_text(const struct dns_name *name, char *text, size_t cap)
{
	size_t n = 0;
	for (size_t i = 0; i < name->n && name->octets[i]; i += (size_t)name->octets[i] + 1) {
		if (i)
			put(text, cap, &n, '.');
		for (size_t k = i + 1; k <= i + name->octets[i] && k < name->n; k++) {
			uint8_t c = name->octets[k];
			if (plain(c)) {
				put(text, cap, &n, (char)c);
				continue;
			}
			put(text, cap, &n, '\\');
			put(text, cap, &n, (char)('0' + c / 100));
			put(text, cap, &n, (char)('0' + c / 10 % 10));
			put(text, cap, &n, (char)('0' + c % 10));
		}
	}
	if (n == 0)
		put(text, cap, &n, '.');
	if (cap)
		text[n] = 0;
	return n;
}

/* The octet a backslash introduces: three digits, or the next character itself. */
static bool escaped(struct cur *c, uint8_t *out)
{
	*out = cur_u8(c);
	if (c->bad || *out < '0' || *out > '9')
		return !c->bad;
	uint8_t tens = cur_u8(c), ones = cur_u8(c);
	if (c->bad || tens < '0' || tens > '9' || ones < '0' || ones > '9')
		return false;
	int v = (*out - '0') * 100 + (tens - '0') * 10 + (ones - '0');
	*out = (uint8_t)v;
	return v <= 255;
}

bool dns_wire_from_text(struct dns_name *name, struct bytes text)
{
	struct cur c = cur_of(text);
	size_t start = 0, n = 1;
	if (text.n && text.p[text.n - 1] == '.')
		c.end--;
	while (cur_left(&c)) {
		uint8_t o = cur_u8(&c);
		bool dot = o == '.';
		if (o == '\\' && !escaped(&c, &o))
			return false;
		if (dot ? n - start == 1 : n - start > LABEL_MAX || n >= DNS_NAME_MAX - 1)
			return false;
		name->octets[n++] = dot ? 0 : ascii_lower(o);
		if (dot) {
			name->octets[start] = (uint8_t)(n - start - 2);
			start = n - 1;
		}
	}
	if (n - start == 1 && start)
		return false;
	if (n - start > 1) {
		name->octets[start] = (uint8_t)(n - start - 1);
		name->octets[n++] = 0;
	} else {
		name->octets[0] = 0;
	}
	name->n = (uint8_t)n;
	return true;
}

bool dns_wire_useful(struct bytes msg)
{
	struct dns_walk w;
	struct dns_rr rr;
	if (!dns_wire_open(&w, msg) || !(w.flags & DNS_QR) || (w.flags & DNS_TC) || (w.flags & 0x7800) || w.qclass != CLASS_IN)
		return false;
	unsigned rcode = w.flags & 0xf;
	if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN && !dns_wire_failure(rcode))
		return false;
	while (dns_wire_next(&w, &rr))
		continue;
	return dns_wire_ok(&w);
}

enum parse dns_wire_tcp_next(struct bytes in, struct bytes *msg, size_t *used)
{
	struct cur c = cur_of(in);
	size_t n = cur_u16(&c);
	if (c.bad)
		return PARSE_MORE;
	if (n < DNS_HEADER)
		return PARSE_BAD;
	if (cur_left(&c) < n)
		return PARSE_MORE;
	*msg = cur_take(&c, n);
	*used = n + 2;
	return PARSE_OK;
}
