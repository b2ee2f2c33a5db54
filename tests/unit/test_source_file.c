/* source_file: what capture files say is what comes out, what is damaged comes out up to the damage, and what is no
 * capture is told to the operator before anything is read. Files made by hand here, and, where they are there, files
 * made and read by others: libpcap, editcap, mergecap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <lzma.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "source.h"

#define SPAN(text) { (const uint8_t *)(text), sizeof(text) - 1 }
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SHARED "../shared/pcaps"

static char dir[64];

static const char *path_of(const char *name)
{
	static char path[8][512];
	static unsigned turn;
	char *p = path[turn++ % 8];
	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static const char *put(const char *name, struct bytes b)
{
	const char *path = path_of(name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(b.n ? fwrite(b.p, 1, b.n, f) : 0, b.n);
	fclose(f);
	return path;
}

/* A packet as it is compared. */
struct seen {
	int64_t ts;
	uint32_t linktype, iface, wire, n;
	uint64_t number, hash;
};

struct list {
	struct seen *v;
	size_t n, damages;
	char damage[512];
};

static uint64_t hash(struct bytes b)
{
	uint64_t h = 14695981039346656037u;
	for (size_t i = 0; i < b.n; i++)
		h = (h ^ b.p[i]) * 1099511628211u;
	return h;
}

static void remember(struct list *l, struct seen s)
{
	if (l->n % 256 == 0)
		l->v = realloc(l->v, (l->n + 256) * sizeof(*l->v));
	assert_non_null(l->v);
	l->v[l->n++] = s;
}

static struct list read_paths(char *const *paths, int n)
{
	struct error e;
	struct packet p;
	struct list l = { NULL, 0, 0, "" };
	struct source *s = source_open(paths, n, &e);
	if (!s)
		fail_msg("%s", e.text);
	for (enum source_result r; (r = source_next(s, &p)) != SOURCE_END;) {
		if (r == SOURCE_DAMAGED) {
			l.damages++;
			snprintf(l.damage, sizeof(l.damage), "%s", source_error(s));
			continue;
		}
		assert_true(p.ts >= 0 && p.ts <= SOURCE_TS_MAX && p.wire_len >= p.data.n);
		remember(&l, (struct seen){ p.ts, p.linktype, p.iface, p.wire_len, (uint32_t)p.data.n, p.number,
					    hash(p.data) });
	}
	assert_int_equal(source_next(s, &p), SOURCE_END);
	source_close(s);
	return l;
}

static struct list read_path(const char *path)
{
	char *paths[] = { (char *)(uintptr_t)path };
	return read_paths(paths, 1);
}

static bool same(const struct seen *a, const struct seen *b)
{
	return a->ts == b->ts && a->linktype == b->linktype && a->wire == b->wire && a->n == b->n &&
	       a->number == b->number && a->hash == b->hash;
}

/* Packings, by the libraries themselves. */
enum pack { PLAIN, GZIP, GZIP_TWO, ZSTD, ZSTD_TWO, XZ, XZ_TWO, PACKS };

static size_t gzip_one(struct bytes b, uint8_t *out, size_t room)
{
	z_stream z = { 0 };
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)b.p;
	z.avail_in = (uInt)b.n;
	z.next_out = out;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static size_t xz_one(struct bytes b, uint8_t *out, size_t room)
{
	size_t n = 0;
	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, b.p, b.n, out, &n, room), LZMA_OK);
	return n;
}

static size_t pack(enum pack how, struct bytes b, uint8_t *out, size_t room)
{
	struct bytes first = bytes_head(b, b.n / 2), rest = bytes_skip(b, b.n / 2);
	size_t n = 0;
	switch (how) {
	case PLAIN:
		memcpy(out, b.p, b.n);
		return b.n;
	case GZIP:
		return gzip_one(b, out, room);
	case GZIP_TWO:
		n = gzip_one(first, out, room);
		return n + gzip_one(rest, out + n, room - n);
	case ZSTD:
		return ZSTD_compress(out, room, b.p, b.n, 3);
	case ZSTD_TWO:
		n = ZSTD_compress(out, room, first.p, first.n, 3);
		return n + ZSTD_compress(out + n, room - n, rest.p, rest.n, 3);
	case XZ:
		return xz_one(b, out, room);
	case XZ_TWO:
		n = xz_one(first, out, room);
		return n + xz_one(rest, out + n, room - n);
	case PACKS:
		break;
	}
	return 0;
}

#define NG_SHB_LE "\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0"
#define NG_SHB_BE "\x0a\x0d\x0d\x0a\0\0\0\x1c\x1a\x2b\x3c\x4d\0\1\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x1c"
#define NG_IDB_LE(link) "\1\0\0\0\x14\0\0\0" link "\0\0\4\0\x14\0\0\0"
#define NG_IDB_BE(link) "\0\0\0\1\0\0\0\x14\0" link "\0\4\0\0\0\0\0\x14"
#define NG_IDB_RESOL(resol) "\1\0\0\0\x20\0\0\0\1\0\0\0\0\0\0\0" "\x09\0\1\0" resol "\0\0\0\0\0\0\0" "\x20\0\0\0"
/* 4 octets, 60 on the wire */
#define NG_EPB_LE(iface, ts) "\6\0\0\0\x24\0\0\0" iface "\0\0\0" ts "\4\0\0\0\x3c\0\0\0abcd\x24\0\0\0"
#define NG_EPB_BE(iface, ts) "\0\0\0\6\0\0\0\x24\0\0\0" iface ts "\0\0\0\4\0\0\0\x3c" "abcd\0\0\0\x24"
#define NG_OTHER "\x05\0\0\0\x14\0\0\0rubbish!\x14\0\0\0"
#define ONE_US "\0\0\0\0\x40\x42\x0f\0" /* 1000000, as high and low */
#define PCAP_LE(magic) magic "\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0"
#define PCAP_BE(magic) magic "\0\2\0\4\0\0\0\0\0\0\0\0\0\4\0\0"
#define REC_LE "\1\0\0\0\7\0\0\0\4\0\0\0\x3c\0\0\0"
#define REC_BE "\0\0\0\1\0\0\0\7\0\0\0\4\0\0\0\x3c"

#define S 1000000000
static const struct {
	const char *why;
	struct bytes octets;
	struct {
		int64_t ts;
		uint32_t linktype, iface, wire;
		const char *data;
	} want[3];
} formats[] = {
	{ "us, little-endian, two packets", SPAN(PCAP_LE("\xd4\xc3\xb2\xa1") "\1\0\0\0" REC_LE "abcd" REC_LE "efgh"),
	  { { S + 7000, 1, 0, 60, "abcd" }, { S + 7000, 1, 0, 60, "efgh" } } },
	{ "us, big-endian", SPAN(PCAP_BE("\xa1\xb2\xc3\xd4") "\0\0\0\x71" REC_BE "abcd"), { { S + 7000, 113, 0, 60, "abcd" } } },
	{ "ns, little-endian", SPAN(PCAP_LE("\x4d\x3c\xb2\xa1") "\1\0\0\0" REC_LE "abcd"), { { S + 7, 1, 0, 60, "abcd" } } },
	{ "ns, big-endian", SPAN(PCAP_BE("\xa1\xb2\x3c\x4d") "\0\0\0\1" REC_BE "abcd"), { { S + 7, 1, 0, 60, "abcd" } } },
	{ "modified: 8 octets more before each packet",
	  SPAN(PCAP_LE("\x34\xcd\xb2\xa1") "\1\0\0\0" REC_LE "\2\0\0\0\0\x08\0\0" "abcd"), { { S + 7000, 1, 0, 60, "abcd" } } },
	{ "link type with FCS bits above", SPAN(PCAP_LE("\xd4\xc3\xb2\xa1") "\1\0\0\x24" REC_LE "abcd"),
	  { { S + 7000, 1, 0, 60, "abcd" } } },
	{ "version 2.2: the lengths the other way round",
	  SPAN("\xd4\xc3\xb2\xa1\2\0\2\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0" "\1\0\0\0\7\0\0\0\x3c\0\0\0\4\0\0\0" "abcd"),
	  { { S + 7000, 1, 0, 60, "abcd" } } },
	{ "wire length below the captured one is raised to it",
	  SPAN(PCAP_LE("\xd4\xc3\xb2\xa1") "\1\0\0\0" "\1\0\0\0\7\0\0\0\4\0\0\0\2\0\0\0" "abcd"), { { S + 7000, 1, 0, 4, "abcd" } } },
	{ "the last second of pcap is not clamped",
	  SPAN(PCAP_LE("\x4d\x3c\xb2\xa1") "\1\0\0\0" "\xff\xff\xff\xff\7\0\0\0\4\0\0\0\4\0\0\0" "abcd"),
	  { { 4294967295 * S + 7, 1, 0, 4, "abcd" } } },
	{ "pcapng, unknown block between", SPAN(NG_SHB_LE NG_IDB_LE("\1\0\0\0") NG_OTHER NG_EPB_LE("\0", ONE_US)),
	  { { S, 1, 0, 60, "abcd" } } },
	{ "pcapng, big-endian", SPAN(NG_SHB_BE NG_IDB_BE("\x65\0\0") NG_EPB_BE("\0", "\0\0\0\0\0\x0f\x42\x40")),
	  { { S, 101, 0, 60, "abcd" } } },
	{ "two interfaces with different link types",
	  SPAN(NG_SHB_LE NG_IDB_LE("\1\0\0\0") NG_IDB_LE("\x14\1\0\0") NG_EPB_LE("\1", ONE_US) NG_EPB_LE("\0", ONE_US)),
	  { { S, 276, 1, 60, "abcd" }, { S, 1, 0, 60, "abcd" } } },
	{ "two sections, the second in the other byte order and with other interfaces",
	  SPAN(NG_SHB_LE NG_IDB_LE("\1\0\0\0") NG_EPB_LE("\0", ONE_US)
	     NG_SHB_BE NG_IDB_BE("\x65\0\0") NG_EPB_BE("\0", "\0\0\0\0\0\x0f\x42\x40")),
	  { { S, 1, 0, 60, "abcd" }, { S, 101, 0, 60, "abcd" } } },
	{ "clock in ns", SPAN(NG_SHB_LE NG_IDB_RESOL("\x09") NG_EPB_LE("\0", ONE_US)), { { 1000000, 1, 0, 60, "abcd" } } },
	{ "clock in s", SPAN(NG_SHB_LE NG_IDB_RESOL("\0") NG_EPB_LE("\0", ONE_US)), { { 1000000 * (int64_t)S, 1, 0, 60, "abcd" } } },
	{ "clock in ps", SPAN(NG_SHB_LE NG_IDB_RESOL("\x0c") NG_EPB_LE("\0", ONE_US)), { { 1000, 1, 0, 60, "abcd" } } },
	{ "clock in 10^-127 s: all counts are nothing", SPAN(NG_SHB_LE NG_IDB_RESOL("\x7f") NG_EPB_LE("\0", ONE_US)),
	  { { 0, 1, 0, 60, "abcd" } } },
	{ "clock in 2^-6 s", SPAN(NG_SHB_LE NG_IDB_RESOL("\x86") NG_EPB_LE("\0", ONE_US)),
	  { { 15625 * (int64_t)S, 1, 0, 60, "abcd" } } },
	{ "clock in 2^-127 s", SPAN(NG_SHB_LE NG_IDB_RESOL("\xff") NG_EPB_LE("\0", ONE_US)), { { 0, 1, 0, 60, "abcd" } } },
	{ "a count beyond all years is clamped",
	  SPAN(NG_SHB_LE NG_IDB_RESOL("\0") NG_EPB_LE("\0", "\xff\xff\xff\xff\xff\xff\xff\xff")),
	  { { SOURCE_TS_MAX, 1, 0, 60, "abcd" } } },
	{ "clock offset of -1 s, and one that leads before 1970",
	  SPAN(NG_SHB_LE "\1\0\0\0\x24\0\0\0\1\0\0\0\0\0\0\0" "\x0e\0\x08\0\xff\xff\xff\xff\xff\xff\xff\xff" "\0\0\0\0" "\x24\0\0\0"
	     NG_EPB_LE("\0", "\0\0\0\0\x80\x84\x1e\0") NG_EPB_LE("\0", "\0\0\0\0\0\0\0\0")),
	  { { S, 1, 0, 60, "abcd" }, { 0, 1, 0, 60, "abcd" } } },
	{ "simple packets: the time before, the snapshot length of the first interface (4)",
	  SPAN(NG_SHB_LE "\1\0\0\0\x14\0\0\0\1\0\0\0\4\0\0\0\x14\0\0\0" NG_EPB_LE("\0", ONE_US)
	     "\3\0\0\0\x14\0\0\0\x3c\0\0\0" "efgh" "\x14\0\0\0" "\3\0\0\0\x14\0\0\0\2\0\0\0" "ij\0\0" "\x14\0\0\0"),
	  { { S, 1, 0, 60, "abcd" }, { S, 1, 0, 60, "efgh" }, { S, 1, 0, 2, "ij" } } },
	{ "the old packet block: interface 0, 513 drops",
	  SPAN(NG_SHB_LE NG_IDB_LE("\1\0\0\0") "\2\0\0\0\x24\0\0\0" "\0\0\1\2" ONE_US "\4\0\0\0\x3c\0\0\0" "abcd" "\x24\0\0\0"),
	  { { S, 1, 0, 60, "abcd" } } },
	{ "an enhanced packet with a comment",
	  SPAN(NG_SHB_LE NG_IDB_LE("\1\0\0\0") "\6\0\0\0\x30\0\0\0" "\0\0\0\0" ONE_US "\4\0\0\0\x3c\0\0\0" "abcd"
	     "\1\0\2\0hi\0\0" "\0\0\0\0" "\x30\0\0\0"),
	  { { S, 1, 0, 60, "abcd" } } },
};

static void check_format(size_t i, enum pack how)
{
	static uint8_t packed[4096];
	size_t n = pack(how, formats[i].octets, packed, sizeof(packed));
	struct list l = read_path(put("format", (struct bytes){ packed, n }));
	size_t want = 0;
	while (want < 3 && formats[i].want[want].data)
		want++;
	if (l.n != want || l.damages)
		fail_msg("%s: %zu packets, %s", formats[i].why, l.n, l.damage);
	for (size_t k = 0; k < want; k++) {
		struct bytes data = bytes_of(formats[i].want[k].data);
		struct seen s = { formats[i].want[k].ts, formats[i].want[k].linktype, formats[i].want[k].iface,
				  formats[i].want[k].wire, (uint32_t)data.n, k + 1, hash(data) };
		if (!same(&s, &l.v[k]) || s.iface != l.v[k].iface)
			fail_msg("%s: packet %zu is not what it should be: ts %lld", formats[i].why, k + 1,
				 (long long)l.v[k].ts);
	}
	free(l.v);
}

static void test_formats(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(formats); i++)
		for (int how = 0; how < PACKS; how++)
			check_format(i, (enum pack)how);
}

#define GOOD NG_SHB_LE NG_IDB_LE("\1\0\0\0") NG_EPB_LE("\0", ONE_US)
static const struct {
	const char *why;
	struct bytes octets;
	size_t packets;
	const char *text;
} damages[] = {
	{ "header cut", SPAN("\xd4\xc3\xb2\xa1\2\0\4\0"), 0, "octet 0: the file ends inside its header" },
	{ "version", SPAN("\xd4\xc3\xb2\xa1\3\0\0\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0"), 0, "version of the pcap format" },
	{ "packet header cut", SPAN(PCAP_LE("\xd4\xc3\xb2\xa1") "\1\0\0\0" REC_LE "abcd" "\1\0\0\0"), 1,
	  "octet 44: the file ends inside a packet header" },
	{ "packet cut", SPAN(PCAP_LE("\xd4\xc3\xb2\xa1") "\1\0\0\0" REC_LE "abcd" REC_LE "efg"), 1,
	  "octet 44: the file ends inside a packet" },
	{ "captured length of 2^18 + 1",
	  SPAN(PCAP_LE("\xd4\xc3\xb2\xa1") "\1\0\0\0" REC_LE "abcd" "\1\0\0\0\7\0\0\0\1\0\4\0\1\0\4\0" "abcd"), 1,
	  "octet 44: a packet of more than 262144 octets" },
	{ "captured length of 2^32 - 1",
	  SPAN(PCAP_LE("\xd4\xc3\xb2\xa1") "\1\0\0\0" "\1\0\0\0\7\0\0\0\xff\xff\xff\xff\4\0\0\0" "abcd"), 0, "octet 24: a packet of more" },
	{ "section without byte order", SPAN(GOOD "\x0a\x0d\x0d\x0a\x1c\0\0\0\1\2\3\4"), 1, "octet 84: a section without its byte order" },
	{ "section of version 2", SPAN(GOOD "\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\2\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0"),
	  1, "octet 84: this version of the pcapng format" },
	{ "block cut in its head", SPAN(GOOD "\6\0\0\0"), 1, "octet 84: the file ends inside a block" },
	{ "block cut", SPAN(GOOD "\6\0\0\0\x24\0\0\0\0\0\0\0"), 1, "octet 84: the file ends inside a block" },
	{ "unknown block cut", SPAN(GOOD "\7\0\0\0\x24\0\0\0\0\0\0\0"), 1, "octet 84: the file ends inside a block" },
	{ "unknown block of 4 GiB", SPAN(GOOD "\7\0\0\0\xfc\xff\xff\xff\0\0\0\0"), 1, "octet 84: the file ends inside a block" },
	{ "length of 0: would never end", SPAN(GOOD "\7\0\0\0\0\0\0\0\0\0\0\0"), 1, "impossible length" },
	{ "length of 8", SPAN(GOOD "\7\0\0\0\x08\0\0\0\x08\0\0\0"), 1, "impossible length" },
	{ "length not a multiple of 4", SPAN(GOOD "\7\0\0\0\x0d\0\0\0\x0d\0\0\0\0\0\0\0"), 1, "impossible length" },
	{ "enhanced packet too small", SPAN(GOOD "\6\0\0\0\x1c\0\0\0" ONE_US "\0\0\0\0\0\0\0\0" "\x1c\0\0\0"), 1, "impossible length" },
	{ "enhanced packet of 1 MiB + 4", SPAN(GOOD "\6\0\0\0\4\0\x10\0\0\0\0\0"), 1, "impossible length" },
	{ "other length at the end of a packet", SPAN(GOOD "\6\0\0\0\x24\0\0\0\0\0\0\0" ONE_US "\4\0\0\0\4\0\0\0abcd\x20\0\0\0"), 1,
	  "octet 84: a block whose two lengths differ" },
	{ "other length at the end of an unknown block", SPAN(GOOD "\7\0\0\0\x0c\0\0\0\x10\0\0\0"), 1, "octet 84: a block whose two lengths" },
	{ "interface that is not there", SPAN(GOOD NG_EPB_LE("\1", ONE_US)), 1, "octet 84: a packet of an interface" },
	{ "no interface for a simple packet", SPAN(NG_SHB_LE "\3\0\0\0\x14\0\0\0\4\0\0\0abcd\x14\0\0\0"), 0, "octet 28: a packet of an" },
	{ "interfaces end with their section", SPAN(GOOD NG_SHB_LE NG_EPB_LE("\0", ONE_US)), 1, "octet 112: a packet of an interface" },
	{ "captured length beyond the block", SPAN(GOOD "\6\0\0\0\x24\0\0\0\0\0\0\0" ONE_US "\5\0\0\0\5\0\0\0abcd\x24\0\0\0"), 1,
	  "octet 84: a packet larger than its block" },
	{ "simple packet beyond the block", SPAN(GOOD "\3\0\0\0\x14\0\0\0\5\0\0\0abcd\x14\0\0\0"), 1, "a packet larger than its block" },
	{ "captured length of 2^32 - 1 in a block", SPAN(GOOD "\6\0\0\0\x24\0\0\0\0\0\0\0" ONE_US "\xff\xff\xff\xff\5\0\0\0abcd\x24\0\0\0"), 1,
	  "octet 84: a packet of more than 262144" },
	{ "interface option beyond its block", SPAN(NG_SHB_LE "\1\0\0\0\x18\0\0\0\1\0\0\0\0\0\0\0" "\2\0\x08\0" "\x18\0\0\0"), 0,
	  "octet 28: an interface description with broken options" },
	{ "clock of no octets", SPAN(NG_SHB_LE "\1\0\0\0\x18\0\0\0\1\0\0\0\0\0\0\0" "\x09\0\0\0" "\x18\0\0\0"), 0, "octet 28: an interface" },
};

static void test_damages(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(damages); i++) {
		struct list l = read_path(put("damaged", damages[i].octets));
		if (l.n != damages[i].packets || l.damages != 1 || !strstr(l.damage, damages[i].text) ||
		    !strstr(l.damage, path_of("damaged")))
			fail_msg("%s: %zu packets, \"%s\"", damages[i].why, l.n, l.damage);
		free(l.v);
	}
}

/* A packet of 200 KB, and unknown blocks of 3 MiB, at every place of the buffer where they can lie. */
static void test_large(void **state)
{
	(void)state;
	enum { PACKETS = 40, DATA = 200000, OTHER = 3 * 1024 * 1024 };
	uint8_t *b = calloc(1, PACKETS * (DATA + 32) + OTHER + 4096);
	static const struct bytes head = SPAN(NG_SHB_LE NG_IDB_LE("\1\0\0\0"));
	assert_non_null(b);
	memcpy(b, head.p, head.n);
	size_t n = head.n;
	for (uint32_t i = 0; i < PACKETS; i++) {
		if (i == 20) {
			uint32_t other[2] = { 77, OTHER };
			memcpy(b + n, other, 8);
			memcpy(b + n + OTHER - 4, other + 1, 4);
			n += OTHER;
		}
		uint32_t h[7] = { 6, DATA + 32, 0, 0, i, DATA, DATA };
		memcpy(b + n, h, 28);
		memset(b + n + 28, (int)i, DATA);
		memcpy(b + n + 28 + DATA, h + 1, 4);
		n += DATA + 32;
	}
	struct list l = read_path(put("large", (struct bytes){ b, n }));
	assert_string_equal(l.damage, "");
	assert_int_equal(l.n, PACKETS);
	for (size_t i = 0; i < PACKETS; i++) {
		memset(b, (int)i, DATA);
		assert_true(l.v[i].hash == hash((struct bytes){ b, DATA }) && l.v[i].ts == (int64_t)i * 1000);
	}
	free(l.v);
	free(b);
}

/* Whatever is cut off at the end, what comes is a prefix, and damage is said, unless the cut may lie between two
 * packets, or between two members. */
static void cut(struct bytes whole, const struct list *all, enum pack how, size_t step)
{
	for (size_t k = 0; k < whole.n; k += step) {
		struct error e;
		char *path = (char *)(uintptr_t)put("cut", bytes_head(whole, k));
		struct source *s = source_open(&path, 1, &e);
		if (!s) {
			assert_non_null(strstr(e.text, path));
			continue;
		}
		source_close(s);
		struct list l = read_path(path);
		assert_true(l.n <= all->n && l.damages <= 1);
		for (size_t i = 0; i < l.n; i++)
			assert_true(same(&l.v[i], &all->v[i]));
		if (how == GZIP || how == ZSTD || how == XZ)
			assert_int_equal(l.damages, 1);
		free(l.v);
	}
}

static struct bytes sample(uint8_t *b, size_t room)
{
	static const struct bytes head = SPAN(NG_SHB_LE NG_IDB_RESOL("\x06") NG_IDB_LE("\x65\0\0\0"));
	size_t n = head.n;
	memcpy(b, head.p, n);
	for (uint32_t i = 0; n + 32 + 256 < room; i++) {
		uint32_t cap = i * 7 % 61, pad = (cap + 3) & ~3u;
		uint32_t h[7] = { 6, pad + 32, i % 2, 0, 1000 * i, cap, cap + i % 3 };
		memcpy(b + n, h, 28);
		for (uint32_t k = 0; k < pad; k++)
			b[n + 28 + k] = (uint8_t)((i * 2654435761u + k * 40503u) >> 7);
		memcpy(b + n + 28 + pad, h + 1, 4);
		n += pad + 32;
	}
	return (struct bytes){ b, n };
}

static void test_cut(void **state)
{
	(void)state;
	static uint8_t plain[3000], packed[6000];
	struct bytes whole = sample(plain, sizeof(plain));
	struct list all = read_path(put("whole", whole));
	assert_true(all.n > 40 && !all.damages);
	for (int how = 0; how < PACKS; how++) {
		size_t n = pack((enum pack)how, whole, packed, sizeof(packed));
		cut((struct bytes){ packed, n }, &all, (enum pack)how, 3);
	}
	free(all.v);
}

/* One octet is changed. Where the packing has a checksum, that is noticed; nothing may crash. */
static void test_changed(void **state)
{
	(void)state;
	static uint8_t plain[3000], packed[6000];
	struct bytes whole = sample(plain, sizeof(plain));
	for (int how = 0; how < PACKS; how++) {
		size_t n = pack((enum pack)how, whole, packed, sizeof(packed));
		for (size_t k = 0; k < n; k += 5) {
			struct error e;
			packed[k] ^= 0x55;
			char *path = (char *)(uintptr_t)put("changed", (struct bytes){ packed, n });
			struct source *s = source_open(&path, 1, &e);
			packed[k] ^= 0x55;
			if (!s)
				continue;
			source_close(s);
			struct list l = read_path(path);
			if (how == XZ || (how == GZIP && k > 10))
				assert_int_equal(l.damages, 1);
			free(l.v);
		}
	}
}

/* Damage near the end of a packed file costs no more than the piece that its packer made there. */
static void test_late_damage(void **state)
{
	(void)state;
	enum { ROOM = 1 << 20 };
	uint8_t *plain = malloc(ROOM), *packed = malloc(2 * ROOM);
	assert_true(plain && packed);
	struct bytes whole = sample(plain, ROOM);
	struct list all = read_path(put("whole", whole));
	for (int how = GZIP; how < PACKS; how++) {
		size_t n = pack((enum pack)how, whole, packed, 2 * ROOM);
		memset(packed + n - n / 20, 0xff, n / 40);
		struct list l = read_path(put("late", (struct bytes){ packed, n }));
		assert_int_equal(l.damages, 1);
		if (l.n < all.n * 86 / 100 || l.n == all.n)
			fail_msg("packing %d: %zu of %zu packets", how, l.n, all.n);
		for (size_t i = 0; i < all.n * 86 / 100; i++)
			assert_true(same(&l.v[i], &all.v[i]));
		free(l.v);
	}
	free(all.v);
	free(plain);
	free(packed);
}

static void test_several(void **state)
{
	(void)state;
	char a[256], b[256], c[256];
	snprintf(a, sizeof(a), "%s", put("several-a", formats[0].octets));
	snprintf(b, sizeof(b), "%s", put("several-b", damages[2].octets));
	snprintf(c, sizeof(c), "%s", put("several-c", formats[9].octets));
	char *paths[] = { a, b, c };
	struct list l = read_paths(paths, 3);
	assert_int_equal(l.n, 4);
	assert_int_equal(l.damages, 1);
	assert_int_equal(l.v[1].number, 2);
	assert_int_equal(l.v[2].number, 1);
	assert_int_equal(l.v[3].number, 1);
	free(l.v);

	struct error e;
	struct packet p;
	uint64_t done, total;
	struct source *s = source_open(paths, 3, &e);
	assert_non_null(s);
	source_progress(s, &done, &total);
	assert_int_equal(done, 0);
	assert_int_equal(total, formats[0].octets.n + damages[2].octets.n + formats[9].octets.n);
	assert_int_equal(source_next(s, &p), SOURCE_PACKET);
	assert_string_equal(source_name(s), a);
	while (source_next(s, &p) != SOURCE_END)
		;
	assert_string_equal(source_name(s), c);
	source_progress(s, &done, &total);
	assert_int_equal(done, total);
	source_close(s);
}

static void test_directory(void **state)
{
	(void)state;
	mkdir(path_of("d"), 0700);
	mkdir(path_of("d/sub"), 0700);
	static uint8_t packed[4096];
	size_t n = pack(XZ, formats[1].octets, packed, sizeof(packed));
	put("d/b.txt", (struct bytes){ packed, n });
	put("d/a.pcap", formats[0].octets);
	put("d/notes", (struct bytes)SPAN("these are my captures of Monday\n"));
	put("d/empty.pcap", (struct bytes){ NULL, 0 });
	put("d/.hidden", formats[0].octets);
	put("d/sub/c.pcap", formats[0].octets);
	assert_int_equal(mkfifo(path_of("d/fifo"), 0600), 0);
	assert_int_equal(symlink("a.pcap", path_of("d/z-link")), 0);
	struct list l = read_path(path_of("d"));
	assert_int_equal(l.damages, 0);
	assert_int_equal(l.n, 5);
	assert_int_equal(l.v[1].linktype, 1);
	assert_int_equal(l.v[2].linktype, 113);
	assert_int_equal(l.v[4].linktype, 1);
	free(l.v);
	put("d/c.gz", (struct bytes)SPAN("\x1f\x8b\x08\0\0\0"));
	l = read_path(path_of("d"));
	assert_int_equal(l.damages, 1);
	assert_non_null(strstr(l.damage, "d/c.gz: damaged at octet 0 of what it decompresses to: the gzip data ends early"));
	free(l.v);
}

static const struct {
	const char *name, *text;
	struct bytes octets;
} refused[] = {
	{ "empty.pcap", "empty.pcap: empty", { NULL, 0 } },
	{ "text", "text: not a capture file", SPAN("Received: from mail.example.net by mx.example.org\r\n") },
	{ "short", "short: not a capture file", SPAN("\xd4\xc3") },
	{ "order", "order: not a capture file", SPAN("\x0a\x0d\x0d\x0a\x1c\0\0\0\1\2\3\4\0\0\0\0") },
	{ "cut.gz", "cut.gz: nothing of it can be read: the gzip data ends early", SPAN("\x1f\x8b\x08\0\0\0\0\0\0") },
	{ "bad.gz", "bad.gz: nothing of it can be read: the gzip data is damaged", SPAN("\x1f\x8b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff") },
	{ "cut.xz", "cut.xz: nothing of it can be read: the xz data ends early", SPAN("\xfd" "7zXZ\0") },
	{ "cut.zst", "cut.zst: nothing of it can be read: the zstd data ends early", SPAN("\x28\xb5\x2f\xfd") },
	{ "big.zst", "big.zst: nothing of it can be read: the zstd data needs a window", SPAN("\x28\xb5\x2f\xfd\0\xa0\1\0\0x") },
	{ "bad\33[1mname", "bad?[1mname: empty", { NULL, 0 } },
};

static void refuse(const char *path, const char *text)
{
	struct error e = { "" };
	char *paths[] = { (char *)(uintptr_t)put("fine", formats[0].octets), (char *)(uintptr_t)path };
	struct source *s = source_open(paths, 2, &e);
	if (s || !strstr(e.text, text))
		fail_msg("%s: \"%s\" instead of \"%s\"", path, e.text, text);
}

static void test_refused(void **state)
{
	(void)state;
	static uint8_t packed[4096];
	for (size_t i = 0; i < COUNT(refused); i++)
		refuse(put(refused[i].name, refused[i].octets), refused[i].text);
	size_t n = pack(GZIP, refused[1].octets, packed, sizeof(packed));
	refuse(put("text.gz", (struct bytes){ packed, n }), "text.gz: not a capture file");
	n = pack(ZSTD, refused[0].octets, packed, sizeof(packed));
	refuse(put("empty.zst", (struct bytes){ packed, n }), "empty.zst: empty");
	refuse(path_of("nowhere"), "nowhere: no such file");
	mkdir(path_of("bare"), 0700);
	put("bare/text", refused[1].octets);
	refuse(path_of("bare"), "bare: no capture file in this directory");
	put("secret", formats[0].octets);
	chmod(path_of("secret"), 0);
	if (geteuid() != 0)
		refuse(path_of("secret"), "secret: permission denied");
	struct error e;
	assert_null(source_open(NULL, 0, &e));
	source_close(NULL);
}

/* The octets of b through a pipe, a few at a time, as standard input. */
static struct list read_stdin(struct bytes b, size_t step)
{
	int p[2], old = dup(STDIN_FILENO);
	assert_int_equal(pipe(p), 0);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		close(p[0]);
		for (size_t i = 0; i < b.n; i += step)
			if (write(p[1], b.p + i, b.n - i < step ? b.n - i : step) < 0)
				_exit(1);
		_exit(0);
	}
	close(p[1]);
	dup2(p[0], STDIN_FILENO);
	close(p[0]);
	struct list l = read_path("-");
	dup2(old, STDIN_FILENO);
	close(old);
	return l;
}

static void test_stdin(void **state)
{
	(void)state;
	static uint8_t plain[3000], packed[6000];
	static const size_t steps[] = { 1, 7, 5000 };
	struct bytes whole = sample(plain, sizeof(plain));
	struct list all = read_path(put("whole", whole));
	for (int how = 0; how < PACKS; how++) {
		size_t n = pack((enum pack)how, whole, packed, sizeof(packed));
		for (size_t k = 0; k < COUNT(steps); k++) {
			struct list l = read_stdin((struct bytes){ packed, n }, steps[k]);
			assert_int_equal(l.n, all.n);
			assert_int_equal(l.damages, 0);
			for (size_t i = 0; i < l.n; i++)
				assert_true(same(&l.v[i], &all.v[i]));
			free(l.v);
		}
	}
	free(all.v);
	struct error e;
	char *twice[] = { "-", "-" };
	int old = dup(STDIN_FILENO), fd = open(put("once", formats[0].octets), O_RDONLY);
	dup2(fd, STDIN_FILENO);
	assert_null(source_open(twice, 2, &e));
	assert_non_null(strstr(e.text, "once"));
	dup2(old, STDIN_FILENO);
	close(old);
	close(fd);
}

static void test_many(void **state)
{
	(void)state;
	enum { MANY = 300 };
	char *paths[MANY];
	struct rlimit old, low = { 64, 128 };
	const char *one = put("many", formats[0].octets);
	for (int i = 0; i < MANY; i++)
		paths[i] = (char *)(uintptr_t)one;
	getrlimit(RLIMIT_NOFILE, &old);
	low.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	struct list l = read_paths(paths, MANY);
	assert_int_equal(l.n, 2 * MANY);
	free(l.v);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		struct error e;
		low.rlim_max = 200;
		setrlimit(RLIMIT_NOFILE, &low);
		_exit(source_open(paths, MANY, &e) || !strstr(e.text, "many: too many captures: only 136 can be open"));
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	setrlimit(RLIMIT_NOFILE, &old);
}

/* What libpcap says is in a file. */
static struct list referee(const char *path, char errbuf[PCAP_ERRBUF_SIZE])
{
	struct list l = { NULL, 0, 0, "" };
	pcap_t *p = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, errbuf);
	struct pcap_pkthdr *h;
	const u_char *data;
	if (!p)
		return l;
	while (pcap_next_ex(p, &h, &data) == 1)
		remember(&l, (struct seen){ (int64_t)h->ts.tv_sec * S + h->ts.tv_usec, 0, 0, h->len, h->caplen, l.n + 1,
					    hash((struct bytes){ data, h->caplen }) });
	pcap_close(p);
	return l;
}

/* us: the file has no finer times. */
static void compare(const char *path, const struct list *want, bool us)
{
	struct list got = read_path(path);
	if (got.n != want->n || got.damages)
		fail_msg("%s: %zu packets instead of %zu: %s", path, got.n, want->n, got.damage);
	for (size_t i = 0; i < got.n; i++) {
		struct seen s = want->v[i];
		if (us)
			s.ts -= s.ts % 1000;
		s.linktype = got.v[i].linktype;
		if (!same(&s, &got.v[i]))
			fail_msg("%s: packet %zu differs: ts %lld instead of %lld", path, i + 1,
				 (long long)got.v[i].ts, (long long)s.ts);
	}
	free(got.v);
}

static bool run(const char *format, const char *a, const char *b)
{
	char command[1200];
	snprintf(command, sizeof(command), format, a, b);
	return system(command) == 0;
}

/* All flavours of a file; one of them, its turn, packed by the tools that people use. */
static void flavours_of(const char *path, const struct list *want, size_t turn)
{
	static const char *const flavours[] = { "pcap", "nsecpcap", "modpcap", "pcapng" };
	static const char *const packers[] = { "gzip -kf %s", "zstd -qkf %s", "xz -kf %s" };
	static const char *const ends[] = { ".gz", ".zst", ".xz" };
	for (size_t i = 0; i < COUNT(flavours); i++) {
		char command[64], file[256], packed[300];
		bool us = i == 0 || i == 2;
		snprintf(command, sizeof(command), "editcap -F %s '%%s' %%s 2>&1", flavours[i]);
		snprintf(file, sizeof(file), "%s", path_of(flavours[i]));
		if (!run(command, path, file))
			fail_msg("editcap -F %s %s", flavours[i], path);
		compare(file, want, us);
		for (size_t k = 0; turn % COUNT(flavours) == i && k < COUNT(packers); k++) {
			assert_true(run(packers[k], file, NULL));
			snprintf(packed, sizeof(packed), "%s%s", file, ends[k]);
			compare(packed, want, us);
		}
	}
}

static void test_public(void **state)
{
	(void)state;
	char errbuf[PCAP_ERRBUF_SIZE], path[512];
	DIR *d = opendir(SHARED);
	bool tools = system("command -v editcap gzip zstd xz >/dev/null 2>&1") == 0;
	if (!d || !tools) {
		print_message("public captures: skipped (%s)\n", d ? "no editcap, gzip, zstd, xz" : "no " SHARED);
		if (d)
			closedir(d);
		skip();
	}
	size_t files = 0;
	for (struct dirent *e; (e = readdir(d));) {
		snprintf(path, sizeof(path), SHARED "/%s", e->d_name);
		struct list want = referee(path, errbuf);
		if (want.n) {
			files++;
			compare(path, &want, false);
			flavours_of(path, &want, files);
		}
		free(want.v);
	}
	closedir(d);
	print_message("%zu public captures, as libpcap reads them, in 8 forms each\n", files);
	assert_true(files > 0);
}

/* Every cut of a real capture, plain and packed, at several hundred places. */
static void test_public_cut(void **state)
{
	(void)state;
	static const char *const names[] = { "tls12-client-cert.pcap", "starttls-offered-3-sessions.pcapng" };
	for (size_t i = 0; i < COUNT(names); i++) {
		char path[256];
		snprintf(path, sizeof(path), SHARED "/%s", names[i]);
		FILE *f = fopen(path, "rb");
		if (!f) {
			print_message("%s: skipped\n", path);
			skip();
		}
		enum { ROOM = 1 << 22 };
		uint8_t *plain = malloc(ROOM), *packed = malloc(ROOM);
		assert_true(plain && packed);
		struct bytes whole = { plain, fread(plain, 1, ROOM, f) };
		fclose(f);
		assert_true(whole.n && whole.n < ROOM);
		struct list all = read_path(path);
		for (int how = 0; how < PACKS; how++) {
			size_t n = pack((enum pack)how, whole, packed, ROOM);
			cut((struct bytes){ packed, n }, &all, (enum pack)how, n / 100 + 1);
		}
		free(all.v);
		free(plain);
		free(packed);
	}
}

static void test_merged(void **state)
{
	(void)state;
	const char *a = SHARED "/pipelining-null-link.pcap", *b = SHARED "/tls13-hello-retry.pcap";
	char out[256], command[400], errbuf[PCAP_ERRBUF_SIZE];
	snprintf(out, sizeof(out), "%s", path_of("merged.pcapng"));
	snprintf(command, sizeof(command), "mergecap -a -w %s '%%s' '%%s' 2>/dev/null", out);
	if (access(a, R_OK) != 0 || access(b, R_OK) != 0 || !run(command, a, b)) {
		print_message("mixed link types: skipped (no mergecap, or no " SHARED ")\n");
		skip();
	}
	struct list x = referee(a, errbuf), y = referee(b, errbuf), l = read_path(out);
	assert_int_equal(l.damages, 0);
	assert_int_equal(l.n, x.n + y.n);
	assert_int_equal(l.v[0].linktype, 0);
	assert_true(l.v[l.n - 1].linktype != 0);
	assert_true(l.v[l.n - 1].hash == y.v[y.n - 1].hash && l.v[x.n - 1].hash == x.v[x.n - 1].hash);
	free(x.v);
	free(y.v);
	free(l.v);
}

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_source_file-XXXXXX");
	return !mkdtemp(dir);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int remove_dir(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),   cmocka_unit_test(test_damages),    cmocka_unit_test(test_large),
		cmocka_unit_test(test_cut),       cmocka_unit_test(test_changed),    cmocka_unit_test(test_several),
		cmocka_unit_test(test_directory), cmocka_unit_test(test_refused),    cmocka_unit_test(test_stdin),
		cmocka_unit_test(test_many),      cmocka_unit_test(test_public),     cmocka_unit_test(test_public_cut),
		cmocka_unit_test(test_merged),    cmocka_unit_test(test_late_damage),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
