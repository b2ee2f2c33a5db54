/* dns_denial: see dns_denial.h. It knows the order of names and hashes, and neither time, nor signatures, nor what a
 * reply is made of. RFC 4034 6.1, RFC 5155 3, 5 and 7.1, RFC 4648 7 for the base of hashed owner names. */
#include "dns_denial.h"

#include <openssl/evp.h>

enum { LABELS = 128, SHA1 = 1, OPT_OUT = 1, ENCODED = 32 };

/* Where the labels of name begin, the root's left out. */
static unsigned labels(const struct dns_name *name, uint8_t at[LABELS])
{
	unsigned n = 0;
	for (size_t i = 0; i < name->n && name->octets[i] && n < LABELS; i += (size_t)name->octets[i] + 1)
		at[n++] = (uint8_t)i;
	return n;
}

static int label_order(const uint8_t *a, const uint8_t *b)
{
	int d = memcmp(a + 1, b + 1, a[0] < b[0] ? a[0] : b[0]);
	return d ? d : a[0] - b[0];
}

int dns_denial_order(const struct dns_name *a, const struct dns_name *b)
{
	uint8_t x[LABELS], y[LABELS];
	unsigned n = labels(a, x), m = labels(b, y);
	while (n && m) {
		int d = label_order(a->octets + x[--n], b->octets + y[--m]);
		if (d)
			return d;
	}
	return (int)n - (int)m;
}

bool dns_denial_wildcard(const struct dns_name *name, struct dns_name *out)
{
	if (name->n > DNS_NAME_MAX - 2)
		return false;
	out->n = (uint8_t)(name->n + 2);
	out->octets[0] = 1;
	out->octets[1] = '*';
	memcpy(out->octets + 2, name->octets, name->n);
	return true;
}

void dns_denial_common(const struct dns_name *a, const struct dns_name *b, struct dns_name *out)
{
	*out = *a;
	while (!dns_wire_below(b, out) && dns_wire_parent(out, out))
		continue;
}

bool dns_denial_nsec(const struct dns_name *owner, const struct dns_name *next, const struct dns_name *apex,
		     const struct dns_name *name)
{
	bool last = dns_wire_same(next, apex);
	if (!dns_wire_below(owner, apex) || !dns_wire_below(next, apex) || !dns_wire_below(name, apex))
		return false;
	return dns_denial_order(owner, name) < 0 && (last || dns_denial_order(name, next) < 0);
}

/* The first label of owner as the hash that it spells. */
static bool decode(const struct dns_name *owner, uint8_t out[NSEC3_HASH])
{
	uint32_t bits = 0;
	unsigned have = 0, n = 0;
	if (owner->n < ENCODED + 2 || owner->octets[0] != ENCODED)
		return false;
	for (unsigned i = 1; i <= ENCODED; i++) {
		uint8_t c = owner->octets[i];
		bool digit = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'v';
		if (!digit && !letter)
			return false;
		bits = bits << 5 | (uint32_t)(digit ? c - '0' : c - 'a' + 10);
		have += 5;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	return true;
}

bool dns_denial_nsec3_read(const struct dns_name *owner, struct bytes rdata, struct nsec3 *out)
{
	struct cur c = cur_of(rdata);
	uint8_t algorithm = cur_u8(&c), flags = cur_u8(&c);
	out->iterations = cur_u16(&c);
	struct cur salt = cur_vec8(&c), next = cur_vec8(&c);
	out->salt = (struct bytes){ salt.p, cur_left(&salt) };
	out->opt_out = flags & OPT_OUT;
	if (c.bad || algorithm != SHA1 || out->iterations > NSEC3_ITERATIONS || cur_left(&next) != NSEC3_HASH)
		return false;
	memcpy(out->next, next.p, NSEC3_HASH);
	return decode(owner, out->owner);
}

bool dns_denial_same_hash(const struct nsec3 *a, const struct nsec3 *b)
{
	return a->iterations == b->iterations && bytes_eq(a->salt, b->salt);
}

bool dns_denial_hash(const struct nsec3 *n, const struct dns_name *name, uint8_t out[NSEC3_HASH])
{
	uint8_t in[DNS_NAME_MAX + UINT8_MAX];
	size_t size = name->n;
	memcpy(in, name->octets, size);
	for (unsigned i = 0; i <= n->iterations; i++) {
		if (n->salt.n)
			memcpy(in + size, n->salt.p, n->salt.n);
		if (!EVP_Digest(in, size + n->salt.n, out, NULL, EVP_sha1(), NULL))
			return false;
		memcpy(in, out, NSEC3_HASH);
		size = NSEC3_HASH;
	}
	return true;
}

bool dns_denial_nsec3(const struct nsec3 *n, const uint8_t hash[NSEC3_HASH])
{
	bool above = memcmp(n->owner, hash, NSEC3_HASH) < 0, below = memcmp(hash, n->next, NSEC3_HASH) < 0;
	bool last = memcmp(n->owner, n->next, NSEC3_HASH) >= 0;
	return last ? above || below : above && below;
}
