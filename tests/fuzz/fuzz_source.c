/* fuzz_source: a capture file of any octets. Promises: packets lie inside what was read, are numbered, and have a
 * time and a wire length that later sums can bear; a file that is cut gives a prefix of the packets; and what came
 * out comes out of gzip as well. The first octet says where to cut and whether to pack. */
#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

#include "capfile.h"
#include "source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKETS_MAX = 4096, INPUT_MAX = 16384 };

struct list {
	size_t n;
	bool damaged;
	uint64_t sum[PACKETS_MAX];
};

static uint64_t sum(const struct packet *p)
{
	uint64_t h = (uint64_t)p->ts ^ (uint64_t)p->linktype << 48 ^ (uint64_t)p->wire_len << 20 ^ p->iface;
	for (size_t i = 0; i < p->data.n; i++)
		h = (h ^ p->data.p[i]) * 1099511628211u;
	return h;
}

static void read_all(struct capfile *c, struct bytes b, struct list *l)
{
	struct packet p;
	/* a copy of exactly this size: one octet too far is found */
	uint8_t *copy = malloc(b.n ? b.n : 1);
	enum capfile_result r;
	assert(copy);
	if (b.n)
		memcpy(copy, b.p, b.n);
	l->n = 0;
	capfile_start(c, -1, (struct bytes){ copy, b.n });
	while ((r = capfile_next(c, &p)) == CAPFILE_PACKET && l->n < PACKETS_MAX) {
		assert(p.ts >= 0 && p.ts <= SOURCE_TS_MAX && p.wire_len >= p.data.n && p.number == l->n + 1);
		l->sum[l->n++] = sum(&p);
	}
	l->damaged = r == CAPFILE_DAMAGED;
	if (l->damaged)
		assert(capfile_why(c)[0] && capfile_next(c, &p) == CAPFILE_END);
	assert(capfile_used(c) <= b.n);
	free(copy);
}

static void prefix(const struct list *a, const struct list *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert(a->sum[i] == b->sum[i]);
}

/* Stored, not compressed: no time is lost. */
static size_t gzip(struct bytes b, uint8_t *out, size_t room)
{
	z_stream z = { 0 };
	int ok = deflateInit2(&z, 0, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	assert(ok == Z_OK);
	z.next_in = (Bytef *)(uintptr_t)b.p;
	z.avail_in = (uInt)b.n;
	z.next_out = out;
	z.avail_out = (uInt)room;
	ok = deflate(&z, Z_FINISH);
	assert(ok == Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct capfile *c;
	static struct list whole, other;
	static uint8_t packed[INPUT_MAX + 1024];
	if (size < 1 || size > INPUT_MAX)
		return 0;
	if (!c)
		c = capfile_new();
	assert(c);
	struct bytes b = { data + 1, size - 1 };
	read_all(c, b, &whole);
	read_all(c, bytes_head(b, b.n * data[0] / 256), &other);
	assert(other.n <= whole.n);
	prefix(&other, &whole, other.n);
	/* what is packed once must not be packed twice: only one packing is taken off */
	if (data[0] & 1 && capfile_is(b)) {
		read_all(c, (struct bytes){ packed, gzip(b, packed, sizeof(packed)) }, &other);
		assert(other.n == whole.n && other.damaged == whole.damaged);
		prefix(&other, &whole, whole.n);
	}
	return 0;
}
